//! Tests of the letters boundary: rules in, letters out.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use notyet::config::Owner;
use notyet::domain::dkim::OwnCheck;
use notyet::domain::{
    Action, Address, Identity, Invitation, InvitationKey, Inviter, Letter, Mail, Mailbox, NoteKind, Notice,
    Policy, Problems, Reason, Route, Timestamp,
};
use notyet::rulebook::letters::{Filling, Letters, MAX_SUBJECT_CHARS, MAX_WORDS};
use notyet::rulebook::{RuleFiles, Rulebook, policy};
use notyet::stages::compose::opening::Occasion;
use notyet::stages::compose::{PASTE_RULE, Task, compose};
use notyet::stages::gates::{self, Assume, Cleared, Facts, Trust};
use proptest::prelude::*;

use crate::support::cases;

static RULES: LazyLock<Rulebook> = LazyLock::new(|| Rulebook::shipped().expect("the shipped rules compile"));
const POLICY: &str = include_str!("../rules/policy.toml");
const KINDS: [NoteKind; 2] = [NoteKind::Generic, NoteKind::Personalized];
const PAGE: &str = "https://acquaint.example/in/ada";

type Files = BTreeMap<String, (String, String)>;

/// The shipped English letters.
fn shipped_files() -> Files {
    let all = RuleFiles::shipped();
    let english = all.as_map().iter().filter(|(path, _)| path.starts_with("letters/en/"));
    english.map(|(path, file)| (path.clone(), file.clone())).collect()
}

fn shipped() -> Letters {
    Letters::compile(&shipped_files()).unwrap()
}

/// The shipped letters with one file more or changed.
fn with(path: &str, text: &str) -> Result<Letters, Problems> {
    let mut files = shipped_files();
    files.insert(format!("letters/{path}"), (format!("mine/{path}"), text.to_owned()));
    Letters::compile(&files)
}

#[track_caller]
fn assert_problem(text: &str, line: usize, found: &str) {
    let problems = with("en/generic.txt", text).unwrap_err();
    assert!(
        problems
            .0
            .iter()
            .any(|p| p.file == "mine/en/generic.txt" && p.line == line && p.found.contains(found)),
        "{problems}"
    );
}

pub fn owner() -> Owner {
    Owner {
        name: "Olu Owner".to_owned(),
        addresses: vec![Address::parse("olu@example.com").unwrap()],
        link: Some("https://olu.example.com/work".to_owned()),
        languages: vec!["en".to_owned()],
        me: notyet::config::Me::default(),
    }
}

pub fn by_mail() -> Invitation {
    Invitation {
        key: InvitationKey("0".repeat(32)),
        identity: Identity { invitation_id: None, shared_key: None, profile: None, name: "ada".to_owned() },
        network: "acquaint".to_owned(),
        notice: Notice::Invitation,
        inviter: Inviter {
            name: "Ada Example".to_owned(),
            first_name: "Ada".to_owned(),
            ..Inviter::default()
        },
        note: Some("A note nobody should quote: xylophone".to_owned()),
        route: Route::Address(Address::parse("ada@example.net").unwrap()),
        answer_page: PAGE.to_owned(),
        date: None,
        message_id: None,
        references: Vec::new(),
        subject: "I would like to connect".to_owned(),
    }
}

pub fn by_paste() -> Invitation {
    Invitation { route: Route::Paste(PAGE.to_owned()), ..by_mail() }
}

/// A `Cleared` can only be had from the gates.
pub fn cleared() -> Cleared {
    let ada = Mailbox { name: String::new(), address: Address::parse("ada@example.net") };
    let mail = Mail {
        headers: Vec::new(),
        oddity: None,
        from: Mailbox { name: String::new(), address: Address::parse("invitations@acquaint.example") },
        reply_to: vec![ada],
        recipients: Vec::new(),
        subject: String::new(),
        date: None,
        message_id: None,
        references: Vec::new(),
        text: String::new(),
        text_is_rendered: false,
        html_text: None,
        preheader: String::new(),
        links: Vec::new(),
    };
    let own = ["acquaint.example".to_owned()];
    let trust = Trust {
        authserv_id: None,
        assume: Assume::Authentic,
        own_check: &OwnCheck::NotMade,
        dkim_domains: &own,
        dmarc_domains: &own,
        own_domains: &own,
        relay_domains: &[],
        guest: false,
    };
    let facts = Facts {
        now: Timestamp::from_unix_s(0),
        arrived: None,
        start: None,
        remembered_since: None,
        known: None,
        letters_last_hour: 0,
        letters_last_day: 0,
        encounters: Vec::new(),
        sending: Default::default(),
        own_check: OwnCheck::NotMade,
    };
    let policy = policy::parse("policy.toml", POLICY).unwrap();
    let (gated, _) = gates::pass(&mail, &by_mail(), &owner().addresses, &facts, &policy, &trust);
    gated.cleared().unwrap().clone()
}

fn task<'a>(kind: NoteKind, invitation: &'a Invitation, owner: &'a Owner) -> Task<'a> {
    let occasion = Occasion::default();
    let from = owner.addresses.first();
    Task { kind, invitation, occasion, owner, from, network_label: "Acquaint", language: "en" }
}

fn write(kind: NoteKind, invitation: &Invitation, owner: &Owner) -> Result<Letter, Reason> {
    compose(&cleared(), &task(kind, invitation, owner), &RULES)
}

/// Every shipped letter, with and without name and link, by mail and to paste.
fn every_letter() -> Vec<(String, Letter)> {
    let mut all = Vec::new();
    for kind in KINDS {
        for first_name in ["Ada", ""] {
            for link in [owner().link, None] {
                for invitation in [by_mail(), by_paste()] {
                    let label =
                        format!("{} {first_name:?} {link:?} {}", kind.as_str(), invitation.route.as_str());
                    let owner = Owner { link: link.clone(), ..owner() };
                    let mut invitation = invitation;
                    invitation.inviter.first_name = first_name.to_owned();
                    all.push((label, write(kind, &invitation, &owner).unwrap()));
                }
            }
        }
    }
    all
}

pub fn letter_part(letter: &Letter) -> &str {
    letter.body.split(PASTE_RULE).next().unwrap().trim_end()
}

#[test]
fn every_shipped_letter_has_the_beats_in_order() {
    for (label, letter) in every_letter() {
        let text = letter_part(&letter);
        let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{label}: {words}"));
        let thanks = at("Thank you for your invitation on Acquaint");
        let door = if label.ends_with("paste") {
            at("write to me at olu@example.com")
        } else {
            text.find("answer this mail").unwrap_or_else(|| at("just answer this one"))
        };
        let boundary = at("people I have worked with");
        let close = at("I look forward to hearing");
        assert!(thanks < door && door < boundary && boundary < close, "{label}");
        if label.contains("Some") {
            let link = at("https://olu.example.com/work");
            assert!(boundary < link && link < close, "{label}");
        } else {
            assert!(!text.contains("http"), "{label}");
        }
        assert!(text.ends_with("\nOlu Owner"), "{label}");
        assert!(!text.contains("xylophone"), "the note is never quoted");
    }
}

#[test]
fn every_shipped_letter_is_short_and_clean() {
    for (label, letter) in every_letter() {
        let text = letter_part(&letter);
        let words = text.split_whitespace().count();
        assert!((50..=MAX_WORDS).contains(&words), "{label}: {words} words");
        assert!(!letter.body.contains("\n\n\n") && !letter.body.contains('\r'), "{label}");
        assert!(letter.body.lines().all(|l| l == l.trim_end()), "{label}");
        assert!(!text.contains("  ") && !text.contains(" ,"), "{label}");
        assert!(!letter.body.contains(['{', '}', '<', '>']), "{label}");
        assert_eq!(letter.subject, "Re: I would like to connect");
        assert_eq!(letter.language, "en");
    }
}

#[test]
fn a_greeting_does_without_a_missing_name() {
    for (label, letter) in every_letter() {
        let greeting = letter.body.lines().next().unwrap();
        let wanted = if label.contains("\"Ada\"") { "Hi Ada," } else { "Hello," };
        assert_eq!(greeting, wanted, "{label}");
    }
}

#[test]
fn the_two_letters_differ_and_the_personal_one_thanks_for_the_note() {
    let generic = write(NoteKind::Generic, &by_mail(), &owner()).unwrap();
    let personal = write(NoteKind::Personalized, &by_mail(), &owner()).unwrap();
    assert_ne!(generic.body, personal.body);
    assert!(personal.body.contains("the note that came with it"));
    assert!(!generic.body.contains("note"));
}

#[test]
fn the_paste_block_is_last_and_only_for_the_paste_route() {
    for (label, letter) in every_letter() {
        let parts: Vec<_> = letter.body.split(PASTE_RULE).collect();
        if label.ends_with("paste") {
            let [text, block] = parts[..] else {
                panic!("{label}: one line of dashes");
            };
            assert!(text.ends_with("Olu Owner\n\n"), "{label}");
            assert_eq!(block.trim().lines().count(), 1, "{label}");
            for words in ["For you only", "Acquaint gives no address", PAGE, "delete everything"] {
                assert!(block.contains(words), "{label}: {words}");
            }
        } else {
            assert_eq!(parts.len(), 1, "{label}");
        }
    }
}

#[test]
fn a_page_that_is_no_address_is_not_shown() {
    for page in ["", "javascript:alert(1)", "ftp://x.example", &format!("https://{}", "x".repeat(600))] {
        let invitation = Invitation { answer_page: page.to_owned(), ..by_paste() };
        let letter = write(NoteKind::Generic, &invitation, &owner()).unwrap();
        assert!(letter.body.contains("Paste the text above at its site"), "{page}");
    }
    let invitation =
        Invitation { answer_page: "https://acquaint.example/\r\nBcc: x".to_owned(), ..by_paste() };
    let letter = write(NoteKind::Generic, &invitation, &owner()).unwrap();
    assert!(letter.body.lines().all(|line| !line.starts_with("Bcc")));
}

#[test]
fn a_subject_is_one_bounded_line() {
    let subject_of = |subject: &str| {
        let invitation = Invitation { subject: subject.to_owned(), ..by_mail() };
        write(NoteKind::Generic, &invitation, &owner()).unwrap().subject
    };
    assert_eq!(subject_of("Hi\r\nBcc: eve@example.net"), "Re: Hi Bcc: eve@example.net");
    assert_eq!(subject_of("re: RE : Re: connect"), "Re: connect");
    assert_eq!(subject_of("AW: Antw: connect"), "Re: connect");
    assert_eq!(subject_of("Regarding: you"), "Re: Regarding: you");
    assert_eq!(subject_of("a\u{202e}b\u{200b}c\u{0}d\te"), "Re: abcd e");
    // Persian "wants" and a Malayalam word are spelled with them; Latin is not, nor is what is doubled.
    for spelled in ["می\u{200c}خواهد", "നന്\u{200d}മ"] {
        assert_eq!(subject_of(spelled), format!("Re: {spelled}"));
        assert_eq!(subject_of(&format!("\u{200c}{spelled}\u{200d}")), format!("Re: {spelled}"));
    }
    assert_eq!(subject_of("a\u{200c}b م\u{200c}\u{200c}م م\u{200d} م"), "Re: ab مم م م");
    assert_eq!(subject_of("{{ owner }}{% if x %}"), "Re: {{ owner }}{% if x %}");
    for nothing in ["", " \r\n ", "Re:", "\u{202e}"] {
        assert_eq!(subject_of(nothing), "Your invitation on Acquaint");
    }
    let long = subject_of(&"ö".repeat(5000));
    assert_eq!(long.chars().count(), MAX_SUBJECT_CHARS);
    assert!(long.ends_with('…'));
}

#[test]
fn names_that_are_no_names_are_left_out() {
    let greeting = |first_name: &str| {
        let mut invitation = by_mail();
        invitation.inviter.first_name = first_name.to_owned();
        let letter = write(NoteKind::Generic, &invitation, &owner()).unwrap();
        letter.body.lines().next().unwrap().to_owned()
    };
    for good in [
        "Ada",
        "Jean-Luc",
        "D’Arcy",
        "O'Neil",
        "J. R.",
        "J.R.R.",
        "Dr. Ada",
        "Ольга",
        "李",
        "محمد",
        "Zoë",
        "Nguyễn",
        "प्रिया",
        "María José",
    ] {
        assert_eq!(greeting(good), format!("Hi {good},"));
    }
    for bad in [
        "",
        " ",
        "{{ owner }}",
        "{% raw %}",
        "{#",
        "<b>Ada</b>",
        "&lt;",
        "https://evil.example",
        "evil.example",
        "t.co",
        "www.x",
        "a@b.example",
        "Ada\nBcc: x",
        "Ada\u{202e}",
        "4da",
        "$$$",
        "🎉",
        "Ada 🎉",
        "Ada, win money",
        "-",
        "'",
        ".",
        "Ada  B",
        "a b c d e f g",
        &"a".repeat(41),
        &format!("a{}", "\u{301}".repeat(20)),
        "A\u{0}da",
        "Ada (CEO)",
        "[Ada]",
    ] {
        assert_eq!(greeting(bad), "Hello,", "{bad:?}");
    }
}

proptest! {
    #![proptest_config(cases(64))]
    #[test]
    fn nothing_hostile_gets_into_a_letter(
        first_name in "\\PC{0,50}|[{}%#<>a-z.:/@ \\r\\n\u{202e}]{0,50}",
        name in "[{}%#<>a-z.:/@ \\r\\n\u{202e}]{0,90}",
        subject in "(?s).{0,300}",
        page in "(?s)(https://)?.{0,80}",
    ) {
        for mut invitation in [by_mail(), by_paste()] {
            invitation.inviter.first_name = first_name.clone();
            invitation.inviter.name = name.clone();
            invitation.subject = subject.clone();
            invitation.answer_page = page.clone();
            let letter = write(NoteKind::Personalized, &invitation, &owner()).unwrap();
            prop_assert!(!letter.subject.is_empty());
            prop_assert!(letter.subject.chars().count() <= MAX_SUBJECT_CHARS);
            prop_assert!(!letter.subject.contains(char::is_control));
            let unseen = ['\u{202e}', '\u{2066}', '\u{200b}', '\u{2028}'];
            prop_assert!(!letter.subject.contains(unseen), "unseen characters");
            prop_assert!(!letter.body.contains(|c: char| c.is_control() && c != '\n'));
            let text = letter_part(&letter);
            let marks = ['{', '}', '<', '>', '%', '\u{202e}'];
            prop_assert!(!text.contains(marks), "markup or template syntax");
            let greeting = text.lines().next().unwrap();
            prop_assert!(greeting == "Hello," || greeting.starts_with("Hi "));
            prop_assert!(greeting.chars().count() <= 44);
        }
    }
}

#[test]
fn values_are_data_and_never_templates() {
    let letters = shipped();
    let template = letters.pick(NoteKind::Generic, &["en"]).unwrap();
    let rendered = template
        .render(&Filling {
            first_name: "{{ owner }}",
            inviter: "",
            owner: "{% endif %}<b>&",
            owner_address: "olu@example.com",
            link: "{{ undefined }}",
            network: "Acquaint",
            by_mail: true,
            subject: "{{ 7 * 7 }}",
            opening: "{{ link }}",
            room: "",
        })
        .unwrap();
    assert!(rendered.body.starts_with("Hi {{ owner }},"));
    assert!(rendered.body.contains("{{ undefined }}"));
    assert!(rendered.body.ends_with("{% endif %}<b>&"));
    assert_eq!(rendered.subject, "Re: {{ 7 * 7 }}");
}

#[test]
fn a_letter_that_cannot_be_filled_is_a_reason() {
    let nameless = Owner { name: " \u{200b} ".to_owned(), ..owner() };
    let nowhere = Owner { addresses: Vec::new(), ..owner() };
    for owner in [nameless, nowhere] {
        let reason = write(NoteKind::Generic, &by_mail(), &owner).unwrap_err();
        assert_eq!(reason.code, "letter-unfilled");
    }
    let (invitation, owner) = (by_mail(), owner());
    let nowhere = Task { network_label: "", ..task(NoteKind::Generic, &invitation, &owner) };
    assert_eq!(compose(&cleared(), &nowhere, &RULES).unwrap_err().code, "letter-unfilled");
}

const GERMAN: &str = "Subject: Re: {{ subject }}\n\nHallo{% if first_name %} {{ first_name }}{% endif %},\n\ndanke.\n\n{{ owner }}\n";

#[test]
fn the_first_wanted_language_that_has_a_letter_is_taken() {
    let text = GERMAN.replace("Re: {{ subject }}", "Einladung");
    let letters = with("de/generic.txt", &text).unwrap();
    let picked =
        |kind, wanted: &[&str]| letters.pick(kind, wanted).map(|letter| letter.language().to_owned());
    assert_eq!(letters.languages(NoteKind::Generic), ["de", "en"]);
    assert_eq!(letters.languages(NoteKind::Personalized), ["en"]);
    assert_eq!(picked(NoteKind::Generic, &["de", "en"]).as_deref(), Some("de"));
    assert_eq!(picked(NoteKind::Generic, &["DE-at", "en"]).as_deref(), Some("de"));
    assert_eq!(picked(NoteKind::Generic, &["", "fr", "en"]).as_deref(), Some("en"));
    assert_eq!(picked(NoteKind::Personalized, &["de", "en"]).as_deref(), Some("en"));
    assert_eq!(picked(NoteKind::Generic, &["fr"]), None);
    assert_eq!(letters.written(), ["en"], "a language needs both letters");
}

#[test]
fn faults_of_a_letter_are_found_at_load_with_file_and_line() {
    let good = "Subject: x\n\nHi,\nthank you.\n{{ owner }}\n";
    with("en/generic.txt", good).unwrap();
    assert_problem(&good.replace("Hi", "Hi {{ firstname }}"), 3, "no such variable");
    assert_problem(
        &good.replace("Hi", "Hi{% if link %}{% if false %}{{ typo }}{% endif %}{% endif %}"),
        3,
        "no such variable",
    );
    assert_problem(&good.replace("Hi", "Hi {{ owner.first_name }}"), 3, "undefined");
    assert_problem(&good.replace("Hi", "{% if link %}Hi"), 5, "syntax");
    assert_problem(&good.replace("Hi", "{{ owner"), 3, "syntax");
    assert_problem(&good.replace("Hi", "{{ owner | nofilter }}"), 3, "filter");
    assert_problem(&good.replace("Subject: x", "Hello"), 1, "no subject line");
    assert_problem(&good.replace("Subject: x", "Subject: "), 1, "an empty subject");
    assert_problem(&good.replace("Subject: x", "Subject: {{ subject }}"), 1, "an empty subject");
    assert_problem(&good.replace("x\n\n", "x\n"), 1, "no blank line");
    assert_problem(&good.replace("Hi", "Hi {first_name}"), 3, "`{`");
    assert_problem(&good.replace("Hi", "Hi [name]"), 3, "`[`");
    assert_problem(&good.replace("thank you", "thank you {{ room }}"), 4, "other words on its line");
    assert_problem(&good.replace("Hi", "Hi <name>"), 3, "`<`");
    assert_problem(&good.replace("Hi", "Hi {{ first_name }}"), 1, "` ,`");
    assert_problem(&good.replace("thank you", "see {{ link }} there"), 1, "`  `");
    assert_problem(&format!("Subject: {}\n\nHi\n", "x".repeat(201)), 1, "too long");
    assert_problem("Subject: x\n\n", 1, "no text");
    assert_problem("", 1, "no subject line");
    assert_problem(&format!("{good}{}", "word ".repeat(120)), 1, "words");
}

/// Memory and time are the daemon's, and a slip of a pen in a letter takes neither.
#[test]
fn a_letter_that_repeats_without_measure_is_refused() {
    for much in [
        r#"{{ "x" * 90000000 }}"#,
        r#"{{ "Robin Reader" * 90000 }}"#,
        "{% for a in [1] * 9000 %}{% for b in [1] * 9000 %}x{% endfor %}{% endfor %}",
        "{% for a in [1] * 9000 %}{% for b in [1] * 9000 %}{% endfor %}{% endfor %}",
    ] {
        assert_problem(&format!("Subject: x\n\nHi\n\n{much}\n"), 5, "far more than");
        assert_problem(&format!("Subject: {much}\n\nHi\n"), 1, "far more than");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let mut files = shipped_files();
    files.insert(
        "letters/en/generic.txt".to_owned(),
        ("a".to_owned(), "Subject: x\n\n{{ one }} {{ two }}".to_owned()),
    );
    files.insert("letters/de/personalized.txt".to_owned(), ("b".to_owned(), "{% if %}".to_owned()));
    files.remove("letters/en/personalized.txt");
    files.remove("letters/en/paste.txt");
    files.insert("letters/en/thanks.txt".to_owned(), ("c".to_owned(), String::new()));
    files.insert("networks/x.toml".to_owned(), ("d".to_owned(), String::new()));
    let problems = Letters::compile(&files).unwrap_err();
    let named: Vec<_> = problems.0.iter().map(|p| p.file.as_str()).collect();
    assert_eq!(named, ["b", "a", "a", "c", "letters/en/personalized.txt", "letters/en/paste.txt"]);
}

#[test]
fn letters_stand_where_their_language_is_named() {
    for path in [
        "generic.txt",
        "english/generic.txt",
        "EN/generic.txt",
        "en/x/generic.txt",
        "en/generic.md",
        "../generic.txt",
    ] {
        assert!(with(path, "Subject: x\n\nHi\n").is_err(), "{path}");
    }
    for path in ["de/generic.txt", "pt-BR/personalized.txt", "zh-Hant/generic.txt"] {
        with(path, "Subject: x\n\nHi\n").unwrap();
    }
}

#[test]
fn the_shipped_policy_drafts() {
    assert_eq!(
        policy::parse("policy.toml", POLICY).unwrap(),
        Policy {
            generic: Action::Draft,
            personalized: Action::Draft,
            send_confidence: 0.8,
            max_per_hour: 10,
            max_per_day: 40,
            send_within: Duration::from_secs(3 * 24 * 3600),
            hold: None,
        }
    );
}

#[test]
fn a_wrong_policy_names_place_key_and_remedy() {
    for (from, to, key, found) in [
        ("generic = \"draft\"", "generic = \"maybe\"", "generic", "found \"maybe\""),
        ("generic = \"draft\"", "generic = true", "generic", "found true"),
        ("= 0.8", "= 1.1", "send_confidence", "found 1.1"),
        ("= 0.8", "= nan", "send_confidence", "found nan"),
        ("= 0.8", "= \"0.8\"", "send_confidence", "found \"0.8\""),
        ("= 10", "= 0", "max_per_hour", "found 0"),
        ("= 10", "= -1", "max_per_hour", "found -1"),
        ("= 40", "= 4e1", "max_per_day", "found 4e1"),
        ("\"3d\"", "\"soon\"", "send_within", "found \"soon\""),
        ("\"3d\"", "\"90d\"", "send_within", "found \"90d\""),
        ("\"3d\"", "3", "send_within", "found 3"),
    ] {
        let text = POLICY.replacen(from, to, 1);
        let problems = policy::parse("mine/policy.toml", &text).unwrap_err();
        let [problem] = &problems.0[..] else {
            panic!("{problems}");
        };
        assert_eq!((problem.key.as_str(), problem.found.as_str()), (key, found));
        assert_eq!(problem.file, "mine/policy.toml");
        let line = text.lines().nth(problem.line - 1).unwrap();
        let column = line.chars().skip(problem.column - 1).collect::<String>();
        assert!(found.ends_with(column.trim()), "{problem}");
        assert!(problem.allowed.starts_with("allowed is "), "{problem}");
    }
    policy::parse("x", &POLICY.replace("= 0.8", "= 1")).unwrap();
}

#[test]
fn unknown_and_missing_policy_keys_are_refused_together() {
    let text = POLICY.replace("max_per_day = 40", "max_per_week = 40").replace("\"3d\"", "\"x\"");
    let problems = policy::parse("policy.toml", &text).unwrap_err();
    let told: Vec<_> = problems.0.iter().map(|p| (p.key.as_str(), p.line > 0)).collect();
    assert_eq!(told, [("max_per_day", true), ("max_per_week", true), ("send_within", true)]);
    let broken = policy::parse("policy.toml", "generic = \n").unwrap_err();
    assert_eq!(broken.0[0].line, 1);
    assert!(broken.0[0].found.contains("no valid TOML"));
}
