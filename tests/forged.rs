//! Forgeries, replays and tricks of syntax, from the bytes of a mail to what is
//! done about it by somebody whose generic declines are sent.

use std::sync::{Arc, LazyLock};

use notyet::app::examine::{Assume, Bench, examine};
use notyet::app::setup;
use notyet::config::{Me, Owner};
use notyet::domain::{Action, Address, Plan, Policy, RawMail, Timestamp};
use notyet::rulebook::Rulebook;

use crate::support::golden;

static RULES: LazyLock<Arc<Rulebook>> = LazyLock::new(|| setup::rules(None).unwrap());
const NOW: Timestamp = Timestamp::from_unix_s(1_800_000_000);

/// A member's invitation with the inviter's address in Reply-To, and a guest's.
const MEMBER: &str = "demo/2015-01-member-reply-to.eml";
const GUEST: &str = "demo/2009-09-guest-note-default.eml";

fn sample(path: &str) -> String {
    String::from_utf8(std::fs::read(golden::root().join(path)).unwrap()).unwrap()
}

fn plan(mail: &[u8]) -> Option<Plan> {
    plan_assuming(mail, Assume::Nothing)
}

fn plan_assuming(mail: &[u8], assume: Assume) -> Option<Plan> {
    let owner = Owner {
        name: "Robin Keller".to_owned(),
        addresses: vec![Address::parse("robin@example.org").unwrap()],
        link: None,
        languages: vec!["en".to_owned()],
        me: Me::default(),
    };
    let policy = Policy { generic: Action::Send, ..RULES.policy.clone() };
    let bench = Bench {
        rules: &RULES,
        owner: &owner,
        from: owner.addresses.first(),
        policy: &policy,
        authserv_id: Some("mx.example.org"),
        assume,
        can_send: true,
    };
    let examined = examine("mail", &RawMail(mail.to_vec()), &bench, NOW, None).unwrap();
    examined.plans.into_iter().next()
}

/// What is done and why: the decision and the code of its reason.
fn done(mail: impl AsRef<[u8]>) -> (&'static str, &'static str) {
    plan(mail.as_ref()).map_or(("leave", "no-invitation"), |plan| (plan.decision.as_str(), plan.reason.code))
}

const SENT: (&str, &str) = ("send", "policy-send");
const AGAINST: (&str, &str) = ("leave", "not-authentic");

/// `mail` with one thing changed that stands in it.
fn with(mail: &str, was: &str, is: &str) -> String {
    assert!(mail.contains(was), "{was:?}");
    mail.replacen(was, is, 1)
}

/// With other results of the provider.
fn results(mail: &str, results: &str) -> String {
    let from = mail.find("\nAuthentication-Results:").unwrap() + 1;
    let to = mail.find("\nReceived:").unwrap() + 1;
    format!("{}Authentication-Results: {results}\n{}", &mail[..from], &mail[to..])
}

#[test]
fn the_samples_are_sent_as_they_stand() {
    for path in [MEMBER, GUEST] {
        assert_eq!(done(sample(path)), SENT, "{path}");
        assert_eq!(done(sample(path).replace('\n', "\r\n")), SENT, "{path}");
    }
}

/// Whoever checks a signature deletes the blank (RFC 6376 §3.4.2) and sees the
/// genuine field; a reader that does not sees only the one that was added.
#[test]
fn a_field_hidden_behind_a_blank_before_its_colon_is_against() {
    let (member, guest) = (sample(MEMBER), sample(GUEST));
    let date = with(&member, "\nDate:", "\nDate: Tue, 20 Jan 2015 09:00:00 +0000\nDate :");
    let reply_to = with(&member, "\nReply-To:", "\nReply-To: eve@example.net\nReply-To\t:");
    let signature = with(&member, "\nDKIM-Signature:", "\nDKIM-Signature :");
    let from = with(&guest, "\nFrom:", "\nFrom: Eve Stone <eve@example.net>\nFrom :");
    for hidden in [date, reply_to, signature, from] {
        assert_eq!(done(&hidden), AGAINST, "{hidden}");
        assert_eq!(done(hidden.replace('\n', "\r\n")), AGAINST);
    }
}

#[test]
fn a_header_that_is_cut_in_two_ways_is_against() {
    let guest = sample(GUEST);
    for (was, is) in [
        ("\nFrom:", "\nX-Note: a\rFrom: Eve Stone <eve@example.net>\nFrom:"),
        ("\nFrom: Tobias", "\nFrom: Eve\0 Tobias"),
        ("\nFrom:", "\nno field\nFrom:"),
        ("\nSubject:", "\nS\u{fc}bject: x\nSubject:"),
    ] {
        assert_eq!(done(with(&guest, was, is)), AGAINST, "{is:?}");
    }
}

/// RFC 2047 §5 forbids encoded words in this field: what looks like one is the
/// text that a sender put into an address, a host name or a comment.
#[test]
fn an_encoded_word_never_speaks_in_a_result() {
    let guest = sample(GUEST);
    let claim = "dkim=3Dpass_header.d=3Dlinkedin.com;a=3Db_c=3D";
    for value in [
        format!("mx.example.org; spf=pass smtp.mailfrom=\"=?l1?q?=22;{claim}=22?=\"@evil.example"),
        format!("mx.example.org; spf=pass smtp.mailfrom=\"=?l1?q?=22;{claim}=22?= \"@evil.example"),
        format!("mx.example.org; spf=none (no record of =?l1?q?);{claim}(?= here) smtp.mailfrom=x@evil.example"),
        "mx.example.org; spf=pass smtp.mailfrom=\"=?utf-8?b?Ijtka2ltPXBhc3MgaGVhZGVyLmQ9bGlua2VkaW4uY29tO2E9YiBjPSI=?= \
         \"@evil.example"
            .to_owned(),
        "=?us-ascii?q?mx.example.org?= ; dkim=pass header.d=linkedin.com".to_owned(),
        "mx.exam\u{200b}ple.org; dkim=pass header.d=linkedin.com".to_owned(),
    ] {
        assert_eq!(done(results(&guest, &value)), AGAINST, "{value}");
    }
    let dmarc = "=22;dmarc=3Dpass_header.from=3Dlinkedin.com;a=3Db_c=3D=22";
    let value = format!("mx.example.org; spf=pass smtp.mailfrom=\"=?l1?q?{dmarc}?= \"@evil.example");
    assert_eq!(done(results(&sample(MEMBER), &value)), AGAINST, "{value}");
}

/// Results of a provider for a guest's mail that came straight from the network.
fn straight(more: &str) -> String {
    format!(
        "mx.example.org; dkim=pass header.d=linkedin.com header.s=proddkim; \
         spf=pass smtp.mailfrom=mbr@bounce.linkedin.com{more}"
    )
}

/// From is the inviter's own address, which no signature of theirs is behind.
#[test]
fn a_guests_mail_that_fails_dmarc_is_a_draft_at_most() {
    let guest = sample(GUEST);
    for more in ["", "; dmarc=none header.from=example.com"] {
        assert_eq!(done(results(&guest, &straight(more))), SENT, "{more}");
    }
    for more in ["; dmarc=fail (p=none) header.from=example.com", "; dmarc=fail header.from=example.net"] {
        let plan = plan(results(&guest, &straight(more)).as_bytes()).unwrap();
        assert_eq!((plan.decision.as_str(), plan.reason.code), ("draft", "no-evidence"), "{more}");
        assert!(plan.reason.text.contains("DMARC"), "{}", plan.reason.text);
    }
}

/// Somebody else's genuine mail, sent on to us, must not make us write.
#[test]
fn a_mail_that_was_not_written_to_the_owner_is_a_draft_at_most() {
    for path in [MEMBER, GUEST] {
        let mail = sample(path);
        let at = mail.find("\nTo:").unwrap() + 1;
        let end = at + mail[at..].find('\n').unwrap();
        let to = |field: &str| format!("{}{field}{}", &mail[..at], &mail[end..]);
        for sent in ["To: ROBIN+in@Example.Org", "To: Ann <ann@example.com>, robin@example.org"] {
            assert_eq!(done(to(sent)), SENT, "{sent}");
        }
        for other in [
            "To: Other Person <other@example.net>",
            "To: robin@example.com",
            "To: undisclosed-recipients:;",
            "X-To: robin@example.org",
            // A copy is added to a mail without breaking its signature.
            "To: other@example.net\nCc: robin@example.org",
        ] {
            let plan = plan(to(other).as_bytes()).unwrap();
            assert_eq!((plan.decision.as_str(), plan.reason.code), ("draft", "not-to-owner"), "{other}");
            assert!(plan.reason.text.contains("owner.addresses"), "{}", plan.reason.text);
        }
        assert_eq!(done(to("To: robin@example.org\nTo: other@example.net")), AGAINST);
        assert_eq!(done(to("To: robin@example.org\nCc: a@example.net\nCc: b@example.net")), AGAINST);
    }
}

#[test]
fn a_mail_sent_on_long_after_it_was_written_is_a_draft_at_most() {
    for (path, day) in [(MEMBER, "20 Jan 2015"), (GUEST, "14 Sep 2009")] {
        let mail = sample(path);
        let (soon, late) = match path {
            MEMBER => ("2 Feb 2015", "3 Feb 2015"),
            _ => ("27 Sep 2009", "28 Sep 2009"),
        };
        // The day of the Received line, the only one behind an address and a semicolon.
        let (before, rest) = mail.split_once(">; ").unwrap();
        let arrived = |when: &str| done(format!("{before}>; {when}{}", rest.split_once(day).unwrap().1));
        assert_eq!(arrived(soon), SENT, "{soon}");
        for late in [late, "26 Nov 2026"] {
            assert_eq!(arrived(late), ("draft", "sent-long-ago"), "{late}");
        }
        assert_eq!(arrived("no time"), ("draft", "age-unknown"));
    }
}

#[test]
fn the_way_of_a_mail_is_measured_to_the_second_and_taken_on_trust_where_that_was_asked_for() {
    let mail = sample(MEMBER);
    let (before, rest) = mail.split_once(">; ").unwrap();
    let (_, rest) = rest.split_once('\n').unwrap();
    let date = mail.lines().find(|line| line.starts_with("Date:")).unwrap();
    let rest = with(rest, date, "Date: Tue, 06 Jan 2015 07:08:09 +0000");
    let arrived = |time: &str| format!("{before}>; Tue, 20 Jan 2015 {time} +0000\n{rest}");
    assert_eq!(done(arrived("07:08:09")), SENT, "fourteen days");
    assert_eq!(done(arrived("07:08:10")), ("draft", "sent-long-ago"));
    let untold = format!("{before}>\n{rest}");
    assert_eq!(done(&untold), ("draft", "age-unknown"));
    let trusted = plan_assuming(untold.as_bytes(), Assume::Authentic).unwrap();
    assert_ne!(trusted.reason.code, "age-unknown");
}

/// A signature that leaves To and Date out lets whoever sends the mail on write them.
#[test]
fn a_to_or_date_that_nobody_vouches_for_is_a_draft_at_most() {
    let forwarded = "mx.example.org; dkim=pass header.d=linkedin.com; spf=pass smtp.mailfrom=x@example.net";
    let guest = results(&sample(GUEST), forwarded);
    assert_eq!(done(&guest), SENT, "signed");
    for field in [":To:", ":Date:"] {
        assert_eq!(done(with(&guest, field, ":")), ("draft", "not-vouched-for"), "{field}");
    }
}
