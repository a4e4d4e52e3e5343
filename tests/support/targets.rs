//! What is fuzzed: for each way that strangers' bytes come in, one function that
//! reads them and checks what must hold whatever they are. `tests/fuzz` runs them
//! guided by coverage, and `cargo test` runs them over the kept seeds.

use std::sync::OnceLock;

use notyet::app::examine::{Assume, Bench, Examined, examine};
use notyet::config::{self, Owner, Surroundings};
use notyet::domain::address::is_within;
use notyet::domain::dkim::{KeyAnswer, OwnCheck, SignatureState};
use notyet::domain::{Address, Decision, MessageId, Plan, RawMail, Timestamp, is_tangled};
use notyet::rulebook::{RuleFiles, Rulebook};
use notyet::shell::mailbox::imap::transcript;
use notyet::shell::sender::hear;
use notyet::stages::gates::authres::{self, AuthResults};
use notyet::stages::parse::{MAX_TEXT_BYTES, parse, parse_header};
use notyet::stages::{dkim, identify, lines, people};

/// A target and its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 10] = [
    ("parse", parse_target),
    ("recognise", recognise_target),
    ("authres", authres_target),
    ("dkim", dkim_target),
    ("address", address_target),
    ("rules", rules_target),
    ("config", config_target),
    ("imap", imap_target),
    ("smtp", smtp_target),
    ("vcard", vcard_target),
];

/// 2026-10-01T00:00:00Z.
const NOW: Timestamp = Timestamp::from_unix_s(1_790_812_800);

/// The authserv-id that is believed.
pub const AUTHSERV_ID: &str = "mx.example.org";

/// The shipped rules, compiled once.
pub fn shipped() -> &'static Rulebook {
    static RULES: OnceLock<Rulebook> = OnceLock::new();
    RULES.get_or_init(|| Rulebook::shipped().unwrap())
}

/// The judgement of `mail` where everything is allowed: all that stands between it
/// and a letter sent are the gates.
pub fn judged(mail: &[u8]) -> Examined {
    static SETUP: OnceLock<(Owner, notyet::domain::Policy)> = OnceLock::new();
    let (owner, policy) = SETUP.get_or_init(|| {
        let owner = Owner {
            name: "Robin Keller".into(),
            addresses: vec![Address::parse("robin@example.org").unwrap()],
            link: None,
            languages: vec!["en".into(), "de".into()],
            me: config::Me::default(),
        };
        let send = notyet::domain::policy::Action::Send;
        let policy = notyet::domain::Policy {
            generic: send,
            personalized: send,
            send_confidence: 0.0,
            ..shipped().policy.clone()
        };
        (owner, policy)
    });
    let bench = Bench {
        rules: shipped(),
        owner,
        from: owner.addresses.first(),
        policy,
        authserv_id: Some(AUTHSERV_ID),
        assume: Assume::Nothing,
        can_send: true,
    };
    examine("mail", &RawMail(mail.to_vec()), &bench, NOW, None).expect("no ledger is asked")
}

/// What must hold for a plan, whatever mail it was made for.
pub fn check_plan(plan: &Plan) {
    let key = &plan.invitation.key.0;
    assert!(key.len() == 32 && key.bytes().all(|b| b.is_ascii_hexdigit()), "{key}");
    assert!((0.0..=1.0).contains(&plan.judgement.confidence));
    let said = |gate: &str| {
        plan.evidence.iter().find(|e| e.rule == gate).unwrap_or_else(|| panic!("{gate} says nothing"))
    };
    for gate in ["gate.loop", "gate.authentic", "gate.automated", "gate.target"] {
        if plan.decision == Decision::Send {
            assert!(said(gate).text.starts_with("passed: "), "{gate}: {}", said(gate).text);
        }
        if said(gate).text.starts_with("stopped: ") {
            assert_eq!(plan.decision, Decision::Leave, "{gate}");
        }
    }
    if plan.decision == Decision::Send {
        let to = plan.invitation.route.to().expect("a letter that is sent has a recipient");
        assert!(!notyet::stages::gates::is_robot(to.local()), "a robot");
        assert!(plan.letter.is_some());
    }
    assert_eq!(plan.decision == Decision::Leave, plan.letter.is_none() && plan.decision != Decision::Hold);
    if let Some(letter) = &plan.letter {
        assert!(!letter.subject.chars().any(char::is_control), "a subject is one line");
        assert!(!letter.body.chars().any(|c| c.is_control() && c != '\n'), "a letter is text");
        assert!(letter.body.len() < 64 * 1024, "{}", letter.body.len());
    }
    for evidence in &plan.evidence {
        assert!(!evidence.text.contains('\n'));
    }
    let inviter = &plan.invitation.inviter;
    for word in [&inviter.name, &inviter.first_name, &inviter.headline] {
        assert!(!word.chars().any(char::is_control), "{word:?}");
    }
    if let Some(page) = &inviter.profile_url {
        assert!(page.starts_with("https://") && !page.contains(char::is_whitespace), "{page}");
    }
}

fn parse_target(bytes: &[u8]) {
    if let Ok(mail) = parse(&RawMail(bytes.to_vec())) {
        assert!(mail.from.address.is_some());
        // A line end is added to the last line, and blanks may become longer.
        assert!(mail.text.len() <= 3 * MAX_TEXT_BYTES + 1);
        assert!(mail.links.len() <= lines::MAX_LINKS);
        let words = mail.headers.iter().map(|(_, value)| value).chain([&mail.subject, &mail.from.name]);
        for word in words {
            assert!(!word.chars().any(char::is_control), "{word:?}");
        }
        assert!(!mail.text.chars().any(|c| c.is_control() && c != '\n'));
    }
    if let Ok(mail) = parse_header(bytes) {
        assert!(mail.text.is_empty() && mail.links.is_empty());
    }
}

/// The bytes are the mail, and the record of each key that it names.
fn dkim_target(bytes: &[u8]) {
    let raw = RawMail(bytes.to_vec());
    let arrival = dkim::Arrival { at: NOW, announced_bytes: bytes.len() as u64 };
    let examination = dkim::Examination::of(&raw, &["example.org".to_owned()], arrival);
    let keys = examination.keys();
    assert!(keys.len() <= dkim::MAX_SIGNATURES);
    let answers: Vec<_> = keys.into_iter().map(|name| (name, KeyAnswer::Record(bytes.to_vec()))).collect();
    for (name, _) in &answers {
        assert!(name.as_str().ends_with("example.org") && name.as_str().is_ascii());
    }
    if let OwnCheck::Made(signatures) = examination.conclude(&answers) {
        for signature in signatures {
            assert!(is_within(&signature.domain, "example.org"));
            assert_ne!(signature.state, SignatureState::Holds, "a mail that is its own key");
        }
    }
}

fn recognise_target(bytes: &[u8]) {
    // By itself first: who judges a mail catches a panic of its reading.
    if identify(&RawMail(bytes.to_vec()), shipped()).is_ok() {
        judged(bytes).plans.iter().for_each(check_plan);
    }
}

fn authres_target(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match authres::parse(&text) {
        Ok(read) => {
            assert!(!read.authserv_id.is_empty());
            assert_eq!(authres::parse(&written(&read)).as_ref(), Ok(&read), "{text:?}");
        }
        Err(malformed) => assert!(malformed.offset_bytes <= text.len()),
    }
}

/// The header that says exactly what was read.
fn written(read: &AuthResults) -> String {
    let quoted = |value: &str| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
    let mut text = format!("{} {}", quoted(&read.authserv_id), read.version);
    if read.results.is_empty() {
        text.push_str("; none");
    }
    for result in &read.results {
        text += &format!("; {}/{}={}", result.method, result.method_version, result.result);
        if let Some(reason) = &result.reason {
            text += &format!(" reason={}", quoted(reason));
        }
        for property in &result.properties {
            let dot = if property.ptype.is_empty() { "" } else { "." };
            text += &format!(" {}{dot}{}={}", property.ptype, property.name, quoted(&property.value));
        }
    }
    text
}

fn address_target(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(address) = Address::parse(&text) {
        let shown = address.to_string();
        assert_eq!(shown.matches('@').count(), 1);
        assert!(shown.bytes().all(|b| b.is_ascii_graphic() && !b"<>(),:;\"[]\\".contains(&b)), "{shown}");
        assert_eq!(Address::parse(&shown).as_ref(), Some(&address));
        assert!(Address::parse(&address.canonical()).is_some_and(|other| other.same_mailbox(&address)));
        assert!(is_within(address.domain(), address.domain()));
        assert_eq!(format!("{address:?}"), format!("Address(***@{})", address.domain()));
    }
    if let Some(id) = MessageId::parse(&text) {
        assert_eq!(MessageId::parse(&id.bracketed()).as_ref(), Some(&id));
    }
    is_tangled(bytes);
    // The same in the place where addresses stand, so that the list grammar is tried, too.
    let mut mail = b"From: a@example.com\nTo: ".to_vec();
    mail.extend(bytes.iter().map(|b| if *b == b'\n' { b' ' } else { *b }));
    mail.extend(b"\nReply-To: ");
    mail.extend(bytes.iter().map(|b| if *b == b'\n' { b' ' } else { *b }));
    mail.push(b'\n');
    if let Ok(mail) = parse_header(&mail) {
        for mailbox in mail.reply_to.iter().chain(&mail.recipients) {
            assert!(!mailbox.name.chars().any(char::is_control), "{:?}", mailbox.name);
        }
    }
}

/// The first line names the file, the rest is its text.
fn rules_target(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (path, text) = text.split_once('\n').unwrap_or((&text, ""));
    let mut files = RuleFiles::default();
    files.insert(path, path, text);
    let problems = Rulebook::compile(&files).expect_err("one file is no set of rules").0;
    for problem in problems {
        assert!(!problem.found.is_empty() && !problem.allowed.is_empty(), "{problem}");
        assert!(problem.file != path || problem.line <= text.lines().count() + 1, "{problem}");
    }
}

fn config_target(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let around = Surroundings {
        base_dir: "/etc/notyet".into(),
        home: Some("/home/robin".into()),
        state_dir: Some("/var/lib/notyet".into()),
    };
    match config::parse("notyet.toml", &text, &around) {
        Ok(loaded) => {
            let shown = config::show::text(&loaded.config, &shipped().policy);
            assert!(shown.is_ascii() || !text.is_ascii());
            assert!(config::show::json(&loaded.config, &shipped().policy).is_object());
            assert!(!loaded.config.owner.addresses.is_empty());
        }
        Err(problems) => {
            assert!(!problems.0.is_empty(), "refused without a word");
            for problem in problems.0 {
                assert!(!problem.found.is_empty() && !problem.allowed.is_empty(), "{problem}");
            }
        }
    }
}

fn imap_target(bytes: &[u8]) {
    let whole = transcript::hear(bytes, bytes.len());
    let frames = whole.frames.concat();
    assert!(bytes.starts_with(&frames), "nothing is left out, nothing is added");
    for words in &whole.words {
        assert!(words.chars().count() < 200 && !words.contains('@'), "{words}");
        assert!(!words.chars().any(char::is_control), "{words:?}");
    }
    if bytes.len() < 4096 {
        let slow = transcript::hear(bytes, 1);
        assert_eq!((slow.frames, slow.words), (whole.frames, whole.words), "however the bytes arrive");
        assert_eq!(slow.refused.is_some(), whole.refused.is_some());
    }
}

fn smtp_target(bytes: &[u8]) {
    if let hear::Heard::Reply { code, by_lettre, words, .. } = hear::hear(bytes, &["robin"]) {
        assert!(words.is_ascii() && words.len() < 300 && !words.contains('@'), "{words}");
        assert!(!words.chars().any(char::is_control), "{words:?}");
        assert!(by_lettre.is_none_or(|seen| seen == code), "{by_lettre:?} or {code}: {words}");
    }
}

fn vcard_target(bytes: &[u8]) {
    let book = people::vcard::read(bytes);
    assert!(book.unreadable.len() <= book.cards);
    for acquaintance in book.people.iter().take(20) {
        people::keys_of(acquaintance, shipped());
    }
}
