//! The sample mails, and invitations after their pattern from whoever is wanted.

use super::golden;

/// The text of `tests/mail/demo/NAME.eml`.
pub fn demo(name: &str) -> String {
    let path = golden::root().join("demo").join(format!("{name}.eml"));
    std::fs::read_to_string(path).expect("a sample mail")
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
