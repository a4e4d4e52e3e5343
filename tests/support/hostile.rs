//! Mails made to hurt: too deep, too long, too many, or lying about themselves.

use std::fmt::Write as _;

use base64::Engine as _;

/// What a case is called, and the mail.
pub type Case = (&'static str, fn() -> Vec<u8>);

/// All of them. Each is written to be dear, or to be taken for what it is not.
pub const HOSTILE: [Case; 46] = [
    ("note 1 KB", || noted(1_000)),
    ("note 10 KB", || noted(10_000)),
    ("note 100 KB", || noted(100_000)),
    ("note 1 MB", || noted(1_000_000)),
    ("note 1 MB of one word", || invitation(&"a".repeat(1_000_000))),
    ("note 1 MB of full stops", || invitation(&". ".repeat(500_000))),
    ("note 1 MB of blank lines", || invitation(&"\n".repeat(1_000_000))),
    ("note 1 MB of boilerplate", || {
        invitation(&"I'd like to add you to my professional network. ".repeat(20_000))
    }),
    ("HTML 100 KB", || html(&"<p>One <b>more</b> line &amp; so on.</p>\n".repeat(2_500))),
    ("HTML 1 MB", || html(&"<p>One <b>more</b> line &amp; so on.</p>\n".repeat(25_000))),
    ("HTML 1 MB on one line", || html(&"word <b>word</b> ".repeat(60_000))),
    ("HTML of 10,000 links", || html(&links(10_000))),
    ("HTML of 1 MB of open anchors", || html(&"<a href='https://www.linkedin.com/in/x'>".repeat(25_000))),
    ("HTML nested 20,000 deep", || html(&"<div>".repeat(20_000))),
    ("HTML nested 200,000 deep", || html(&"<div>".repeat(200_000))),
    ("HTML, hidden 20,000 deep", || html(&"<div style='display:none'>".repeat(20_000))),
    ("HTML tag of 100,000 attributes", || {
        html(&format!("<p {}>", (0..100_000).map(|n| format!("a{n}=1 ")).collect::<String>()))
    }),
    ("HTML of 1 MB of '<'", || html(&"<".repeat(1_000_000))),
    ("text of 10,000 links", || invitation(&"http://a.example/ http ".repeat(50_000))),
    ("MIME nested 300 deep", || nested(300)),
    ("MIME nested 10,000 deep", || nested(10_000)),
    ("MIME of 100,000 parts", || parts(100_000)),
    ("header of 1 MB", || header(&format!("X-Long: {}\n", "x".repeat(1_000_000)))),
    ("header of 250 KB in 20,000 fields", || header(&"X-Short: abc\n".repeat(19_000))),
    ("header with To of 250 KB", || {
        header(&format!("To: {}z@example.org\n", "a@example.org, ".repeat(16_000)))
    }),
    ("header with To of 250 KB of '<(\"'", || header(&format!("To: {}\n", "<(\"".repeat(80_000)))),
    ("MIME nested 20,000 deep", || nested(20_000)),
    ("mails in mails, 20,000 deep", || {
        header(&"Content-Type: message/rfc822\n\nFrom: a@b.example\n".repeat(20_000))
    }),
    ("100,000 parts of one letter each, in two", || {
        let mut mail = format!("{HEADER}Content-Type: multipart/mixed; boundary=b\n\n").into_bytes();
        mail.extend("--b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n".repeat(50_000).bytes());
        mail
    }),
    ("a type with 100,000 parameters", || {
        header(&format!("Content-Type: text/plain{}\n", "; a=b".repeat(50_000)))
    }),
    ("header of 250 KB of encoded words", || {
        header(&format!("Subject: {}\n", "=?utf-8?q?caf=C3=A9?=\n ".repeat(10_000)))
    }),
    ("two From", || header("From: Ben Other <invitations@linkedin.com>\n")),
    ("a From of two", || {
        invitation("hi")
            .replacing("<invitations@linkedin.com>", "<invitations@linkedin.com>, <ben@example.com>")
    }),
    ("a name that holds an address", || {
        invitation("hi").replacing("Ann Ember via LinkedIn", "\"ann@bank.example <ann@bank.example>\"")
    }),
    ("line ends in an encoded name", || {
        invitation("hi").replacing(
            "Ann Ember via LinkedIn",
            "=?utf-8?q?Ann_Ember=0D=0ABcc:_victim=40example.com=0D=0A=0D=0AHello?=",
        )
    }),
    ("line ends in an encoded subject", || {
        invitation("hi").replacing(
            "Robin, please add me to your LinkedIn network",
            "=?utf-8?b?Um9iaW4NCkJjYzogdmljdGltQGV4YW1wbGUuY29tDQoNCkhlbGxv?=",
        )
    }),
    ("a megabyte of NUL", || invitation(&"\0".repeat(1_000_000))),
    ("a megabyte of raw 8-bit", || body_as("text/plain; charset=us-ascii", "8bit", &[0xE4; 1_000_000])),
    ("a megabyte of invalid UTF-8 in HTML", || {
        body_as("text/html; charset=utf-8", "8bit", &b"<p>\xff\xc0\xaf\xed\xa0\x80</p>".repeat(60_000))
    }),
    ("Latin letters said to be UTF-16", || body_as("text/plain; charset=utf-16le", "8bit", &[b'a'; 999_999])),
    ("escapes of ISO-2022 without end", || {
        body_as("text/plain; charset=iso-2022-jp", "7bit", &b"\x1b$B!!\x1b(B".repeat(120_000))
    }),
    ("a charset nobody knows", || body_as("text/plain; charset=x-nobody", "8bit", &[0xFF; 500_000])),
    ("base64 cut in its middle", || {
        let whole = base64::engine::general_purpose::STANDARD.encode(noted(700_000));
        body_as("text/plain; charset=utf-8", "base64", &whole.as_bytes()[..whole.len() / 2 + 1])
    }),
    ("quoted-printable of nothing but '='", || {
        body_as("text/plain; charset=utf-8", "quoted-printable", &[b'='; 1_000_000])
    }),
    ("HTML of 150,000 entities", || html(&"&CounterClockwiseContourIntegral;&#1114112;&#0;".repeat(25_000))),
    ("a picture of 20 MB", || {
        let mut mail = format!("{HEADER}Content-Type: multipart/mixed; boundary=b\n\n--b\n").into_bytes();
        mail.extend(b"Content-Type: image/png\nContent-Transfer-Encoding: base64\n\n");
        mail.extend(
            "QUJD".repeat(18).into_bytes().into_iter().chain([b'\n']).collect::<Vec<_>>().repeat(280_000),
        );
        mail.extend(b"--b\nContent-Type: text/plain\n\nHi Robin, I'd like to join your network.\n--b--\n");
        mail
    }),
];

trait Replacing {
    fn replacing(self, from: &str, to: &str) -> Vec<u8>;
}

impl Replacing for Vec<u8> {
    fn replacing(self, from: &str, to: &str) -> Vec<u8> {
        let text = String::from_utf8(self).unwrap();
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1).into_bytes()
    }
}

/// An invitation's header over this body.
fn body_as(kind: &str, encoding: &str, body: &[u8]) -> Vec<u8> {
    let mut mail =
        format!("{HEADER}Content-Type: {kind}\nContent-Transfer-Encoding: {encoding}\n\n").into_bytes();
    mail.extend(body);
    mail
}

const HEADER: &str = "From: Ann Ember via LinkedIn <invitations@linkedin.com>\n\
     To: Robin Reader <robin@example.org>\nSubject: Robin, please add me to your LinkedIn network\n\
     Message-ID: <1.2.3@example.com>\nDate: Tue, 29 Sep 2026 05:06:07 +0000\n\
     Authentication-Results: mx.example.org; dkim=pass header.d=linkedin.com; dmarc=pass header.from=linkedin.com\n\
     MIME-Version: 1.0\n";

fn header(fields: &str) -> Vec<u8> {
    format!("{fields}{HEADER}\nHi Robin, I'd like to join your network.\n").into_bytes()
}

/// An invitation with this text between greeting and card.
fn invitation(note: &str) -> Vec<u8> {
    format!(
        "{HEADER}Content-Type: text/plain; charset=utf-8\n\nHi Robin, I'd like to join your network.\n\n{note}\n\n\
         Ann Ember\nBeekeeper\n\nAccept: https://www.linkedin.com/comm/mynetwork/invite-accept/?invitationId=7000000001\n\
         View profile: https://www.linkedin.com/comm/in/ann-ember-example?trk=x\n"
    )
    .into_bytes()
}

fn noted(bytes: usize) -> Vec<u8> {
    let mut note = String::with_capacity(bytes + 100);
    let mut line = 0;
    while note.len() < bytes {
        let _ = writeln!(
            note,
            "We met in Graz at stand {line}, and you told me of your {line} hives; how are they?"
        );
        line += 1;
    }
    invitation(&note)
}

fn html(body: &str) -> Vec<u8> {
    format!(
        "{HEADER}Content-Type: text/html; charset=utf-8\n\n<html><body><p>Hi Robin, I'd like to join your network.</p>\
         {body}<p>Ann Ember</p><a href='https://www.linkedin.com/comm/mynetwork/invite-accept/?invitationId=7000000001'>\
         Accept</a></body></html>\n"
    )
    .into_bytes()
}

fn links(count: usize) -> String {
    (0..count)
        .map(|n| format!("<p><a href='https://www.linkedin.com/comm/in/p{n}?x=1'>Person {n}</a></p>\n"))
        .collect()
}

fn nested(depth: usize) -> Vec<u8> {
    let mut mail = HEADER.to_owned();
    for level in 0..depth {
        let _ = write!(mail, "Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n");
    }
    mail.push_str("Content-Type: text/plain\n\nHi.\n");
    mail.into_bytes()
}

fn parts(count: usize) -> Vec<u8> {
    let mut mail = format!("{HEADER}Content-Type: multipart/mixed; boundary=b\n\n");
    for _ in 0..count {
        mail.push_str("--b\nContent-Type: image/png\n\nx\n");
    }
    mail.push_str("--b--\n");
    mail.into_bytes()
}
