//! The sample mails, and invitations after their pattern from whoever is wanted.

use notyet::shell::clock;

use super::golden;

/// The text of `tests/mail/demo/NAME.eml`, as if written now.
pub fn demo(name: &str) -> String {
    sample(&format!("demo/{name}.eml"))
}

/// The text of a mail below `tests/mail`, as if written now; what is no UTF-8 in it is replaced.
pub fn sample(path: &str) -> String {
    written_now(&String::from_utf8_lossy(&std::fs::read(golden::root().join(path)).expect("a sample mail")))
}

/// The mail with a Date of this moment: one of long ago would be left alone.
pub fn written_now(mail: &str) -> String {
    let head = mail.find("\n\n").unwrap_or(mail.len());
    let Some(date) = mail[..head].find("\nDate:") else { return mail.to_owned() };
    let end = date + 1 + mail[date + 1..].find('\n').expect("the end of the line");
    let now = jiff::Timestamp::from_second(clock::now().unix_s()).expect("a time");
    format!("{}\nDate: {}{}", &mail[..date], now.strftime("%a, %d %b %Y %H:%M:%S +0000"), &mail[end..])
}

/// Lines of the body that quoted-printable broke, whole again, so that words can be replaced.
pub fn unfolded(mail: &str) -> String {
    let mail = mail.replace("\r\n", "\n");
    let (head, body) = mail.split_once("\n\n").expect("head and body");
    format!("{head}\n\n{}", body.replace("=\n", ""))
}

/// A member's invitation that can be answered by mail: generic, authentic, `Reply-To: ADDRESS`.
/// Different numbers are different people.
pub fn with_reply_to(number: u32, address: &str) -> String {
    unfolded(&demo("2015-01-member-reply-to"))
        .replace("ines@example.com", address)
        .replace("5963290803960815115", &format!("59632908039608{number:05}"))
        .replace("YGlV3Hz0", &format!("YGl{number:05}"))
        .replace(
            "mohfWvMoKdAPvuXKsy0Cr9j43sh5pFzw8BF7nle",
            &format!("mohfWvMoKdAPvuXKsy0Cr9j43sh5pFzw8B{number:05}"),
        )
        .replace("In=C3=AAs", &format!("In=C3=AAs{}", letters(number)))
        .replace("529547284.8342656", &format!("529547284.{number}"))
}

/// A member's invitation of today's form, without note and address.
pub fn to_paste(number: u32) -> String {
    unfolded(&demo("2026-02-member-no-note"))
        .replace("oskar-lindqvist-growth", &format!("oskar-lindqvist-{number:05}"))
        .replace("7424353768103137444", &format!("74243537681031{number:05}"))
        .replace("35jim6A9", &format!("35j{number:05}"))
        .replace("Oskar Lindqvist", &format!("Oskar{} Lindqvist", letters(number)))
        .replace("643644363.1653758", &format!("643644363.{number}"))
}

/// A name has letters only.
fn letters(number: u32) -> String {
    number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
}

/// The value of the header field `name`, decoded.
pub fn header(message: &str, name: &str) -> Option<String> {
    use mailparse::MailHeaderMap;
    let (headers, _) = mailparse::parse_headers(message.as_bytes()).expect("headers");
    headers.get_first_value(name)
}

/// The text of the body, decoded.
pub fn body(message: &str) -> String {
    mailparse::parse_mail(message.as_bytes()).expect("a mail").get_body().expect("a body")
}
