//! How a letter may reach the inviter, and what may never be sent.

use std::sync::LazyLock;

use notyet::app::examine::{Assume, Bench, examine};
use notyet::config::{Me, Owner};
use notyet::domain::{Action, Address, Decision, Plan, Policy, RawMail, Timestamp};
use notyet::rulebook::Rulebook;

use crate::support::frames::{self, ENGLISH, Layout, MIRA};

static RULES: LazyLock<Rulebook> = LazyLock::new(|| Rulebook::shipped().unwrap_or_else(|e| panic!("{e}")));

/// The plan for a mail with that note, where everything that can be allowed is.
fn plan(note: &str, more: &str) -> Plan {
    let text = String::from_utf8(frames::mail(Layout::Today, &ENGLISH, &MIRA, Some(note)).0).unwrap();
    let authentic = "Authentication-Results: mx.example.org; dmarc=pass header.from=linkedin.com\n";
    let raw = RawMail(format!("{authentic}{more}{text}").into_bytes());
    let owner = Owner {
        name: "Robin Keller".to_owned(),
        addresses: ["robin@example.org", "mira@robin.example"].map(|a| Address::parse(a).unwrap()).to_vec(),
        link: None,
        languages: vec!["en".to_owned()],
        me: Me::default(),
    };
    let policy = Policy {
        generic: Action::Send,
        personalized: Action::Send,
        send_confidence: 0.0,
        ..RULES.policy.clone()
    };
    let bench = Bench {
        rules: &RULES,
        owner: &owner,
        from: owner.addresses.first(),
        policy: &policy,
        authserv_id: Some("mx.example.org"),
        assume: Assume::Nothing,
        can_send: true,
    };
    let now = Timestamp::from_unix_s(1_777_750_000);
    let examined = examine("note.eml", &raw, &bench, now, None).expect("no ledger is asked");
    examined.plans.into_iter().next().unwrap()
}

#[test]
fn a_note_that_names_its_writers_address_gives_a_draft_and_never_a_mail() {
    for note in [
        "I'd like to join your LinkedIn network. mira.okafor@example.com",
        "We met at the bee fair in Delft. Write to me: Mira@okafor.example.",
        "Pouvez-vous m'écrire à <mokafor@example.com> ?",
        "mailto:mira@example.com or mira@example.com, as you like.",
    ] {
        let plan = plan(note, "");
        let to = plan.invitation.route.to().map(Address::canonical).unwrap_or_default();
        assert!(note.to_lowercase().contains(&to) && !to.is_empty(), "{note}: {to}");
        assert_eq!(plan.invitation.route.as_str(), "address");
        assert_eq!((plan.decision, plan.reason.code), (Decision::Draft, "address-from-note"), "{note}");
        assert_eq!(plan.once_released, None);
        assert!(!plan.letter.unwrap().body.contains("linkedin.com"), "nothing to paste");
    }
}

#[test]
fn any_other_address_in_a_note_leads_nowhere() {
    for note in [
        "Ask my colleague at ada@example.com about the hives.",
        "mira@example.com or okafor@example.org?",
        "I wrote to robin@example.org last week.",
        "I wrote to mira@robin.example last week.",
        "See mira-noreply@example.com for more.",
        "See noreply@okafor.example for more.",
        "Our list is mira-bees@lists.example.org, join it.",
        "I am mira.okafor@linkedin.com here.",
        "I am mira.okafor@reply.linkedin.com here.",
        "Find me as @miraokafor, or at https://mira@okafor.example/x.",
        "mira at okafor dot example",
    ] {
        let plan = plan(note, "");
        assert_eq!(plan.invitation.route.as_str(), "paste", "{note}");
        assert_eq!((plan.decision, plan.reason.code), (Decision::Draft, "no-recipient"), "{note}");
    }
    let disbelieved = plan("Write to mira@example.com.", "Reply-To: mallory@example.net\n");
    assert_eq!(disbelieved.invitation.route.as_str(), "paste");
}
