//! What hostile Reply-To fields come to, from the bytes of a mail to its route.

use std::sync::{Arc, LazyLock};

use notyet::app::setup;
use notyet::domain::RawMail;
use notyet::rulebook::Rulebook;
use notyet::stages::identify;

use crate::support::golden;

static RULES: LazyLock<Arc<Rulebook>> = LazyLock::new(|| setup::rules(None).unwrap());

/// To whom a letter would go, were the sample's Reply-To this one. The sample
/// is of a time in which its network put people's addresses there.
fn target(reply_to: &str) -> Option<String> {
    let path = golden::root().join("demo/2015-01-member-reply-to.eml");
    let sample = String::from_utf8(std::fs::read(path).unwrap()).unwrap();
    let at = sample.find("\nReply-To:").unwrap() + 1;
    let end = at + sample[at..].find('\n').unwrap();
    let mail = format!("{}Reply-To: {reply_to}{}", &sample[..at], &sample[end..]);
    let (_, recognised) = identify(&RawMail(mail.into_bytes()), &RULES).unwrap();
    let [invitation] = recognised.invitations.as_slice() else { panic!("{reply_to}") };
    invitation.route.to().map(ToString::to_string)
}

#[test]
fn a_plain_reply_to_is_believed() {
    assert_eq!(target("jane@example.com").as_deref(), Some("jane@example.com"));
    assert_eq!(target("\"Doe, Jane\" <jane@example.com>").as_deref(), Some("jane@example.com"));
}

#[test]
fn no_trick_of_syntax_reaches_anybody() {
    for hostile in [
        "jane@example.com, victim@example.net",
        "jane@example.com victim@example.net",
        "friends: jane@example.com;",
        "friends: jane@example.com, victim@example.net;",
        "undisclosed-recipients:;",
        "<@example.net:victim@example.com>",
        "<@example.net,@example.org:victim@example.com>",
        "victim%example.net@example.com",
        "example.net!victim@example.com",
        "\"victim@example.net\"@example.com",
        "\"jane doe\"@example.com",
        "jane@[192.0.2.1]",
        "jane@192.0.2.1",
        "jane@example.com.",
        "jane@example",
        "<jane@example.com> <victim@example.net>",
        "j\u{430}ne@example.com",
        "jane@ex\u{430}mple.com",
        "=?utf-8?q?jane=40example=2Ecom=0D=0ABcc:_victim=40example.net?=",
        "<>",
        "",
        "no-reply@example.com",
        "nao-responda@example.com",
        "mailer-daemon@example.com",
        "invitations@linkedin.com",
        "jane@e.linkedin.com",
    ] {
        assert_eq!(target(hostile), None, "{hostile}");
    }
}

/// Mailboxes of an office, a crowd, a machine or nobody, in many languages.
#[test]
fn no_office_no_crowd_and_no_dead_address_is_written_to() {
    for office in [
        "webmaster@example.net",
        "Security@example.net",
        "noc@example.net",
        "root@example.net",
        "mailer@example.net",
        "automailer@example.net",
        "sales+in@example.net",
        "support@example.net",
        "sysadmin2@example.net",
        "all@example.net",
        "everyone@example.net",
        "all-staff@example.net",
        "staff@example.net",
        "team-announce@example.net",
        "orchard@vger.example.net",
        "orchard@yahoogroups.com",
        "orchard@groups.example.net",
        "yanitlamayin@example.net",
        "brak-odpowiedzi@example.net",
        "neodpovidejte@example.net",
        "ne-valaszoljon@example.net",
        "ne-otvechat@example.net",
        "geen-antwoord@example.net",
        "inte-svara@example.net",
        "jane@example.invalid",
        "jane@host.local",
        "jane@localhost.localdomain",
        "jane@app.localhost",
        "jane@4.3.2.1.in-addr.arpa",
        "jane@example.test",
        "jane@mail.internal",
        "jane@abcdefgh.onion",
    ] {
        assert_eq!(target(office), None, "{office}");
    }
}

#[test]
fn a_person_whose_name_is_like_an_office_is_a_person() {
    for person in [
        "info@example.net",
        "maria.sales@example.net",
        "root.jan@example.net",
        "j.staff@example.net",
        "allen@example.net",
        "news.anna@example.net",
        "tina.security@example.net",
        "jane@local.example.net",
        "jane@test.example.net",
        "jane@invalid.example.com",
        "nevala@example.net",
    ] {
        assert_eq!(target(person).as_deref(), Some(person));
    }
}
