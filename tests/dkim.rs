//! Our own DKIM check: signatures of other programs, what it refuses, what it
//! means for a mail, and the DNS behind it.
//!
//! `tests/dkim/` holds mails of invented people, signed by dkimpy 1.1 and by
//! Mail::DKIM 1.2 (the names say which), and the example of RFC 8463 appendix A.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notyet::domain::dkim::{Altered, Flaw, KeyAnswer, KeyName, Oddity, OwnCheck, SignatureState};
use notyet::domain::{RawMail, Timestamp};
use notyet::shell::dns::Resolver;
use notyet::stages::dkim::{Arrival, Examination, MAX_SIGNATURES};
use notyet::stages::gates::authentic::authentic;
use notyet::stages::gates::{Assume, Authenticity, Trust};
use notyet::stages::parse;

use crate::support::dns::{NameServer, Says};
use crate::support::signer::{ALL, Signer};

const NETWORK: &str = "acquaint.example";
/// 22 November 2026, when the mails arrive.
const NOW: Timestamp = Timestamp::from_unix_s(1_795_341_600);

const MAIL: &str = "From: Jo Archer <invitations@acquaint.example>\n\
    To: Olu <olu@example.org>\nSubject: Jo would like to connect\n\
    Date: Sun, 22 Nov 2026 10:00:00 +0000\nReply-To: jo@example.com\n\
    Content-Type: text/plain; charset=utf-8\n\nHello Olu,\n\nshall we connect?\n";

fn examined(mail: &str) -> Examination {
    let raw = RawMail(mail.as_bytes().to_vec());
    let arrival = Arrival { at: NOW, announced_bytes: raw.0.len() as u64 };
    Examination::of(&raw, &[NETWORK.to_owned()], arrival)
}

fn checked(mail: &str, answer: impl Fn(&KeyName) -> KeyAnswer) -> OwnCheck {
    let examination = examined(mail);
    let answers: Vec<_> = examination.keys().into_iter().map(|name| (name.clone(), answer(&name))).collect();
    examination.conclude(&answers)
}

/// With the one key that `signer` publishes.
fn with_key_of(signer: &Signer, mail: &str) -> OwnCheck {
    checked(mail, |name| match name.as_str() == signer.name() {
        true => KeyAnswer::Record(signer.record().into_bytes()),
        false => KeyAnswer::Absent,
    })
}

fn states(check: &OwnCheck) -> Vec<&SignatureState> {
    let OwnCheck::Made(signatures) = check else { panic!("{check:?}") };
    signatures.iter().map(|signature| &signature.state).collect()
}

#[track_caller]
fn only_state(check: &OwnCheck) -> SignatureState {
    let [state] = states(check)[..] else { panic!("{check:?}") };
    state.clone()
}

/// What the gate says; `provider` is the value of its Authentication-Results.
fn judged(mail: &str, provider: Option<&str>, check: &OwnCheck) -> Authenticity {
    let mail = match provider {
        Some(value) => format!("Authentication-Results: mx.example.org; {value}\n{mail}"),
        None => mail.to_owned(),
    };
    let own = [NETWORK.to_owned()];
    authentic(
        &parse::parse(&RawMail(mail.into_bytes())).unwrap(),
        &Trust {
            authserv_id: Some("mx.example.org"),
            assume: Assume::Nothing,
            own_check: check,
            dkim_domains: &own,
            dmarc_domains: &own,
            own_domains: &own,
            relay_domains: &[],
            guest: false,
        },
    )
}

#[track_caller]
fn assert_authentic(answer: &Authenticity) {
    assert!(matches!(answer, Authenticity::Authentic { .. }), "{answer:?}");
}

#[track_caller]
fn assert_against(answer: &Authenticity, words: &str) {
    match answer {
        Authenticity::Against { why } => assert!(why.contains(words), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_no_evidence(answer: &Authenticity, words: &str) {
    match answer {
        Authenticity::NoEvidence { why } => assert!(why.contains(words), "{why}"),
        other => panic!("{other:?}"),
    }
}

fn kept(name: &str) -> String {
    let path = format!("{}/tests/dkim/{name}", env!("CARGO_MANIFEST_DIR"));
    String::from_utf8(std::fs::read(path).unwrap()).unwrap()
}

/// The key for a mail of `tests/dkim`.
fn kept_key(name: &KeyName) -> KeyAnswer {
    let keys = kept("keys.tsv");
    let selector = name.as_str().split('.').next().unwrap();
    let record = keys.lines().filter_map(|line| line.split_once('\t')).find(|(of, _)| *of == selector);
    KeyAnswer::Record(record.expect("a key").1.as_bytes().to_vec())
}

#[test]
fn signatures_of_other_programs_hold_until_the_mail_is_touched() {
    for name in [
        "dkimpy-ed25519-relaxed-relaxed",
        "dkimpy-ed25519-simple-relaxed",
        "dkimpy-rsa-relaxed-relaxed",
        "dkimpy-rsa-relaxed-simple",
        "dkimpy-rsa-simple-simple",
        "mail-dkim-rsa-relaxed",
        "mail-dkim-rsa-relaxed-simple",
        "mail-dkim-rsa-simple-relaxed",
    ] {
        let mail = kept(&format!("{name}.eml"));
        let state = |mail: &str| only_state(&checked(mail, kept_key));
        assert_eq!(state(&mail), SignatureState::Holds, "{name}");
        assert_eq!(state(&mail.replace("\r\n", "\n")), SignatureState::Holds, "{name}, as a Maildir has it");
        let body = SignatureState::Altered(Altered::Body);
        let fields = SignatureState::Altered(Altered::Fields);
        assert_eq!(state(&mail.replace("caf\u{e9}", "cafe")), body, "{name}");
        assert_eq!(state(&format!("{mail}more\r\n")), body, "{name}");
        assert_eq!(state(&mail.replace("Jo would", "Jon would")), fields, "{name}");
        assert_eq!(state(&mail.replace("Date: Sun", "Date: Mon")), fields, "{name}");
        assert_eq!(state(&mail.replace("\r\nX-Empty:", "\r\nX-Empty: no")), fields, "{name}");
        assert_eq!(
            state(&mail.replace("Received: by", "Received: from x by")),
            SignatureState::Holds,
            "{name}"
        );
    }
}

#[test]
fn the_example_of_the_rfc_holds() {
    let raw = RawMail(kept("rfc8463.eml").into_bytes());
    let arrival = Arrival { at: NOW, announced_bytes: 0 };
    let examination = Examination::of(&raw, &["example.com".to_owned()], arrival);
    let [name] = &examination.keys()[..] else { panic!() };
    assert_eq!(name.as_str(), "brisbane._domainkey.football.example.com");
    let answers = [(name.clone(), kept_key(name))];
    assert_eq!(only_state(&examination.conclude(&answers)), SignatureState::Holds);
}

#[test]
fn signatures_that_show_nothing_are_refused_whoever_made_them() {
    for (name, flaw) in [
        ("dkimpy-rsa-part-of-body", Flaw::PartOfBody),
        ("dkimpy-rsa-short-key", Flaw::KeyShort),
        ("mail-dkim-rsa-sha1", Flaw::Algorithm),
    ] {
        let check = checked(&kept(&format!("{name}.eml")), kept_key);
        assert_eq!(only_state(&check), SignatureState::Unusable(flaw), "{name}");
    }
}

#[test]
fn a_whole_signature_of_the_network_makes_a_mail_authentic_without_its_provider() {
    let signer = Signer::new(NETWORK, "s1");
    let mail = signer.sign(MAIL, ALL, "");
    let check = with_key_of(&signer, &mail);
    assert_authentic(&judged(&mail, None, &check));
    // Hosts below the domain, as for the provider's header.
    let below = Signer::new("mail.acquaint.example", "s1");
    let mail = below.sign(MAIL, ALL, "i=@maila.mail.acquaint.example;");
    assert_authentic(&judged(&mail, None, &with_key_of(&below, &mail)));
    // One that holds is enough.
    let both = signer.sign(&mail.replace("mail.acquaint", "mai1.acquaint"), ALL, "");
    let check = with_key_of(&signer, &both);
    assert_eq!(states(&check), [&SignatureState::Holds, &SignatureState::Unusable(Flaw::KeyAbsent)]);
    assert_authentic(&judged(&both, None, &check));
}

#[test]
fn a_mail_that_was_changed_is_against() {
    let signer = Signer::new(NETWORK, "s1");
    let mail = signer.sign(MAIL, ALL, "");
    for (from, to) in [
        ("shall we", "shall you"),
        ("Jo would", "Joe would"),
        ("jo@example.com", "victim@example.com"),
        ("text/plain", "text/html"),
        ("From: Jo", "From: Joe"),
        ("10:00:00", "10:00:01"),
    ] {
        let changed = mail.replace(from, to);
        assert_ne!(changed, mail);
        assert_against(&judged(&changed, None, &with_key_of(&signer, &changed)), "does not hold");
    }
    // A second one on top: the signature covers the lowest, readers see the topmost.
    for field in ["Subject: another", "Reply-To: victim@example.com", "Date: Mon, 23 Nov 2026 10:00:00 +0000"]
    {
        let changed = format!("{field}\n{mail}");
        let check = with_key_of(&signer, &changed);
        assert_eq!(only_state(&check), SignatureState::Holds);
        assert_against(&judged(&changed, None, &check), "more than once");
    }
    // Signed once more than it was there: nothing can be added.
    let without = MAIL.replace("Reply-To: jo@example.com\n", "");
    let mail = signer.sign(&without, ALL, "");
    assert_eq!(only_state(&with_key_of(&signer, &mail)), SignatureState::Holds);
    let changed = mail.replace("To: Olu", "Reply-To: victim@example.com\nTo: Olu");
    assert_against(&judged(&changed, None, &with_key_of(&signer, &changed)), "does not hold");
}

#[test]
fn signatures_of_others_are_not_looked_at() {
    for domain in ["example.net", "notacquaint.example", "acquaint.example.net", "example"] {
        let mail = Signer::new(domain, "s1").sign(MAIL, ALL, "");
        assert_eq!(examined(&mail).keys(), [], "{domain}");
        let check = checked(&mail, |_| unreachable!());
        assert_eq!(check, OwnCheck::Made(Vec::new()), "{domain}");
        assert_against(&judged(&mail, None, &check), "No signature of the network");
    }
    assert_against(&judged(MAIL, None, &checked(MAIL, |_| unreachable!())), "No signature of the network");
    // The network signs, but not for this sender.
    let signer = Signer::new(NETWORK, "s1");
    let mail = signer.sign(&MAIL.replace("invitations@acquaint.example", "jo@example.com"), ALL, "");
    assert_against(&judged(&mail, None, &with_key_of(&signer, &mail)), "From address is not of the network");
}

#[test]
fn no_key_is_asked_for_that_could_not_help() {
    let signer = Signer::new(NETWORK, "s1");
    let good = signer.sign(MAIL, ALL, "");
    assert_eq!(examined(&good).keys().len(), 1);
    assert_eq!(examined(&signer.sign(&good, ALL, "")).keys().len(), 1, "each once");
    for mail in [
        good.replace("shall we", "shall you"),
        good.replace("a=ed25519-sha256", "a=rsa-sha1"),
        signer.sign(MAIL, ALL, "l=20;"),
        signer.sign(MAIL, ALL, "t=1; x=2;"),
        good.replace("s=s1", "s=not a name"),
        good.replacen("DKIM-Signature", "X-DKIM-Signature", 1),
    ] {
        assert_eq!(examined(&mail).keys(), [], "{mail}");
    }
    // No honest signature is longer than 16 KiB, its name included.
    let of_length = |bytes: usize| {
        let filled = |fill: usize| good.replacen("v=1;", &format!("v=1; n={};", "x".repeat(fill)), 1);
        let without = filled(0).lines().next().unwrap().len();
        filled(bytes - without)
    };
    assert_eq!(examined(&of_length(16_384)).keys().len(), 1);
    assert_eq!(examined(&of_length(16_385)).keys(), []);
}

#[test]
fn what_a_signature_may_be_like() {
    let signer = Signer::new(NETWORK, "s1");
    let then = NOW.unix_s();
    for (tags, fields, state) in [
        ("", ALL, SignatureState::Holds),
        (&format!("t={}; x={};", then - 9, then + 1), ALL, SignatureState::Holds),
        ("q=dns/txt; i=@acquaint.example; z=From:x|Subject:y; r=y;", ALL, SignatureState::Holds),
        (&format!("t={}; x={then};", then - 9), ALL, SignatureState::Unusable(Flaw::Expired)),
        ("t=9; x=9;", ALL, SignatureState::Unusable(Flaw::Malformed)),
        ("x=soon;", ALL, SignatureState::Unusable(Flaw::Malformed)),
        ("l=0;", ALL, SignatureState::Unusable(Flaw::PartOfBody)),
        ("l=99999;", ALL, SignatureState::Unusable(Flaw::PartOfBody)),
        ("i=@example.net;", ALL, SignatureState::Unusable(Flaw::Malformed)),
        ("q=other;", ALL, SignatureState::Unusable(Flaw::Malformed)),
        ("", &["Subject", "Date"], SignatureState::Unusable(Flaw::Malformed)),
    ] {
        let mail = signer.sign(MAIL, fields, tags);
        assert_eq!(only_state(&with_key_of(&signer, &mail)), state, "{tags} {fields:?}");
        if state != SignatureState::Holds {
            assert_against(&judged(&mail, None, &with_key_of(&signer, &mail)), NETWORK);
        }
    }
    let mail = signer.sign(MAIL, ALL, "");
    for (from, to) in [("v=1", "v=2"), ("c=relaxed/relaxed", "c=loose"), ("bh=", "bh=!"), ("s=s1;", "")] {
        let check = with_key_of(&signer, &mail.replace(from, to));
        assert_eq!(only_state(&check), SignatureState::Unusable(Flaw::Malformed), "{to}");
    }
    let many: Vec<_> = ALL.iter().copied().chain(std::iter::repeat_n("X", 100 - ALL.len())).collect();
    let state = |fields: &[&str]| only_state(&with_key_of(&signer, &signer.sign(MAIL, fields, "")));
    assert_eq!(state(&many), SignatureState::Holds);
    assert_eq!(
        state(&[&many[..], &["X"]].concat()),
        SignatureState::Unusable(Flaw::Malformed),
        "made to keep us busy"
    );
    // A tag that stands twice makes it nobody's.
    let twice = signer.sign(MAIL, ALL, "d=acquaint.example;");
    assert_eq!(with_key_of(&signer, &twice), OwnCheck::Made(Vec::new()));
}

#[test]
fn what_a_key_may_be_like() {
    let signer = Signer::new(NETWORK, "s1");
    let mail = signer.sign(MAIL, ALL, "i=@below.acquaint.example;");
    let record = signer.record();
    let (head, p) = record.split_once("; p=").unwrap();
    let long = format!("{record}; n={}", "x".repeat(9000));
    for (record, state) in [
        (record.clone(), SignatureState::Holds),
        (format!("k=ed25519; h=sha1:sha256; s=other:email; t=x; n=note; p={p};"), SignatureState::Holds),
        (format!("{head}; p="), SignatureState::Unusable(Flaw::KeyRevoked)),
        (format!("{record}; t=s:y"), SignatureState::Unusable(Flaw::KeyInTesting)),
        (format!("{record}; t=s"), SignatureState::Unusable(Flaw::KeyUnfit)),
        (format!("{record}; h=sha1"), SignatureState::Unusable(Flaw::KeyUnfit)),
        (format!("{record}; s=tlsrpt"), SignatureState::Unusable(Flaw::KeyUnfit)),
        (format!("v=DKIM1; p={p}"), SignatureState::Unusable(Flaw::KeyUnfit)),
        (format!("v=DKIM2; k=ed25519; p={p}"), SignatureState::Unusable(Flaw::KeyUnfit)),
        (format!("k=ed25519; p={p}; v=DKIM1"), SignatureState::Unusable(Flaw::KeyUnfit)),
        (head.to_owned(), SignatureState::Unusable(Flaw::KeyUnfit)),
        (format!("{head}; p=AAAA"), SignatureState::Unusable(Flaw::KeyUnfit)),
        (format!("{head}; p=!"), SignatureState::Unusable(Flaw::KeyUnfit)),
        ("v=spf1 -all".to_owned(), SignatureState::Unusable(Flaw::KeyUnfit)),
        (String::new(), SignatureState::Unusable(Flaw::KeyUnfit)),
        (long, SignatureState::Unusable(Flaw::KeyUnfit)),
        (Signer::new(NETWORK, "s1").record(), SignatureState::Altered(Altered::Fields)),
    ] {
        let check = checked(&mail, |_| KeyAnswer::Record(record.clone().into_bytes()));
        assert_eq!(only_state(&check), state, "{record}");
    }
    for (answer, flaw) in [(KeyAnswer::Absent, Flaw::KeyAbsent), (KeyAnswer::Several, Flaw::KeyUnfit)] {
        assert_eq!(only_state(&checked(&mail, |_| answer.clone())), SignatureState::Unusable(flaw));
    }
}

/// RFC 8301 §3.2, to the bit: 128 bytes make 1024 bits only if the first one is set.
#[test]
fn an_rsa_key_of_1023_bits_is_short() {
    let mail = Signer::new(NETWORK, "s1").sign(MAIL, ALL, "").replace("a=ed25519-sha256", "a=rsa-sha256");
    for (first, state) in
        [(0x7f, SignatureState::Unusable(Flaw::KeyShort)), (0x80, SignatureState::Altered(Altered::Fields))]
    {
        // RSAPublicKey (RFC 8017 appendix A.1.1): the modulus, and 65537.
        let modulus = [&[0x02, 0x81, 129, 0, first][..], &[0xff; 127]].concat();
        let numbers = [&modulus[..], &[0x02, 3, 1, 0, 1]].concat();
        let key = [&[0x30, 0x81, numbers.len() as u8][..], &numbers].concat();
        let record = format!("v=DKIM1; k=rsa; p={}", STANDARD.encode(key));
        let check = checked(&mail, |_| KeyAnswer::Record(record.clone().into_bytes()));
        assert_eq!(only_state(&check), state);
    }
}

#[test]
fn a_key_that_cannot_be_had_for_now_is_no_forgery() {
    let mail = Signer::new(NETWORK, "s1").sign(MAIL, ALL, "");
    for answer in [KeyAnswer::Failed("it says SERVFAIL".into()), KeyAnswer::Silence("silent".into())] {
        let check = checked(&mail, |_| answer.clone());
        assert_no_evidence(&judged(&mail, None, &check), "could not be looked up");
    }
}

#[test]
fn what_decides_how_a_mail_is_read_has_to_be_signed() {
    let signer = Signer::new(NETWORK, "s1");
    for missing in ["Subject", "Date", "Content-Type"] {
        let fields: Vec<_> = ALL.iter().copied().filter(|field| *field != missing).collect();
        let mail = signer.sign(MAIL, &fields, "");
        assert_no_evidence(&judged(&mail, None, &with_key_of(&signer, &mail)), missing);
        // A second signature may do what the first does not.
        let mail = signer.sign(&mail, ALL, "");
        assert_authentic(&judged(&mail, None, &with_key_of(&signer, &mail)));
    }
    // Not signed, not there at first, and added.
    let fields: Vec<_> = ALL.iter().copied().filter(|field| *field != "Content-Transfer-Encoding").collect();
    let mail = signer.sign(MAIL, &fields, "");
    assert_authentic(&judged(&mail, None, &with_key_of(&signer, &mail)));
    let mail = format!("Content-Transfer-Encoding: base64\n{mail}");
    assert_no_evidence(&judged(&mail, None, &with_key_of(&signer, &mail)), "Content-Transfer-Encoding");
}

#[test]
fn a_mail_that_can_be_read_in_two_ways_is_against() {
    let signer = Signer::new(NETWORK, "s1");
    let mail = signer.sign(MAIL, ALL, "");
    for (odd, words) in [
        (format!("no field\n{mail}"), "no field"),
        (format!("colonless\n{mail}"), "no field"),
        (mail.replacen("To: Olu", "To: O\rlu", 1), "control characters"),
        (mail.replacen("To: Olu", "To: Olu\n \t\nX: y", 1), "no field"),
    ] {
        let check = with_key_of(&signer, &odd);
        assert!(matches!(check, OwnCheck::Impossible(_)), "{check:?}");
        assert_against(&judged(MAIL, None, &check), words);
    }
}

#[test]
fn more_signatures_than_a_network_makes_are_not_looked_up() {
    let signer = Signer::new(NETWORK, "s0");
    let mut mail = signer.sign(MAIL, ALL, "");
    for n in 1..MAX_SIGNATURES {
        mail = Signer::new(NETWORK, &format!("s{n}")).sign(&mail, ALL, "");
        // Those of others are no matter.
        mail = Signer::new("example.net", "x").sign(&mail, ALL, "");
    }
    assert_authentic(&judged(&mail, None, &with_key_of(&signer, &mail)));
    let mail = Signer::new(NETWORK, "one-more").sign(&mail, ALL, "");
    assert_eq!(examined(&mail).keys(), []);
    let check = with_key_of(&signer, &mail);
    assert_eq!(check, OwnCheck::Impossible(Oddity::ManySignatures));
    assert_against(&judged(&mail, None, &check), "more signatures");
}

#[test]
fn a_mail_of_which_a_part_is_missing_is_no_forgery_and_no_evidence() {
    let signer = Signer::new(NETWORK, "s1");
    let mail = signer.sign(MAIL, ALL, "");
    let cut = mail.strip_suffix("connect?\n").unwrap();
    let arrival = Arrival { at: NOW, announced_bytes: mail.len() as u64 };
    let check =
        Examination::of(&RawMail(cut.as_bytes().to_vec()), &[NETWORK.to_owned()], arrival).conclude(&[]);
    assert_eq!(only_state(&check), SignatureState::Altered(Altered::ShortBody));
    assert_no_evidence(&judged(cut, None, &check), "less of the mail");
    // A server that announces too much and gives all is no matter.
    let arrival = Arrival { announced_bytes: mail.len() as u64 + 9, ..arrival };
    let examination = Examination::of(&RawMail(mail.clone().into_bytes()), &[NETWORK.to_owned()], arrival);
    assert_eq!(examination.keys().len(), 1);
}

#[test]
fn the_provider_and_our_own_check_must_not_contradict_each_other() {
    let signer = Signer::new(NETWORK, "s1");
    let good = signer.sign(MAIL, ALL, "");
    let changed = good.replace("shall we", "shall you");
    let passes = Some("dmarc=pass header.from=acquaint.example");
    let fails = Some("dmarc=fail header.from=acquaint.example");
    let check = |mail: &str| with_key_of(&signer, mail);
    assert_authentic(&judged(&good, passes, &check(&good)));
    assert_against(&judged(&changed, passes, &check(&changed)), "contradicts");
    assert_against(&judged(&good, fails, &check(&good)), "DMARC fails");
    // Where ours has nothing to say, the provider's word stands.
    assert_authentic(&judged(MAIL, passes, &check(MAIL)));
    let silent = checked(&good, |_| KeyAnswer::Silence("silent".into()));
    assert_authentic(&judged(&good, passes, &silent));
    assert_against(&judged(&good, fails, &silent), "DMARC fails");
    // Another header of the provider's that was forged stays what it is.
    let forged = format!(
        "Received: by mx.example.org\nReceived: by out.example.net\nAuthentication-Results: mx.example.org; dkim=pass header.d=acquaint.example\n{good}"
    );
    assert_against(&judged(&forged, None, &check(&forged)), "below a Received line");
}

fn name(domain: &str) -> KeyName {
    KeyName::new("s1", domain).unwrap()
}

async fn told(says: Says) -> (KeyAnswer, Vec<String>) {
    let key = name(NETWORK);
    let target = Says::Txt(vec!["at the end".to_owned()]);
    let server = NameServer::start([(key.as_str().to_owned(), says), ("end.example".to_owned(), target)]);
    let mut resolver = Resolver::new(Some(server.addr));
    resolver.silence = Duration::from_millis(300);
    let mut answers = resolver.keys(vec![key.clone()]).await;
    let (asked, answer) = answers.pop().unwrap();
    assert_eq!((asked, answers.len()), (key, 0));
    (answer, server.asked())
}

#[tokio::test]
async fn a_key_is_read_from_the_dns_over_tcp_where_it_is_long() {
    let key = name(NETWORK).as_str().to_owned();
    let (answer, asked) = told(Says::Txt(vec!["v=DKIM1; p=x".to_owned()])).await;
    assert_eq!(answer, KeyAnswer::Record(b"v=DKIM1; p=x".to_vec()));
    assert_eq!(asked, std::slice::from_ref(&key));
    let long = "p".repeat(5000);
    let (answer, asked) = told(Says::Txt(vec![long.clone()])).await;
    assert_eq!(answer, KeyAnswer::Record(long.into_bytes()));
    assert_eq!(asked, [key.clone(), format!("tcp:{key}")]);
    let (answer, _) = told(Says::Alias("end.example".to_owned())).await;
    assert_eq!(answer, KeyAnswer::Record(b"at the end".to_vec()));
}

#[tokio::test]
async fn what_is_not_there_is_told_from_what_cannot_be_told() {
    assert_eq!(told(Says::Nothing).await.0, KeyAnswer::Absent);
    assert_eq!(told(Says::Txt(vec!["a".into(), "b".into()])).await.0, KeyAnswer::Several);
    assert_eq!(told(Says::Alias("nowhere.example".into())).await.0, KeyAnswer::Absent);
    assert_eq!(told(Says::Beside("elsewhere.example".into())).await.0, KeyAnswer::Absent);
    let server = NameServer::start([]);
    let answers = Resolver::new(Some(server.addr)).keys(vec![name(NETWORK)]).await;
    assert_eq!(answers[0].1, KeyAnswer::Absent);
    let (answer, asked) = told(Says::Failure).await;
    let KeyAnswer::Failed(words) = answer else { panic!("{answer:?}") };
    assert!(words.contains("127.0.0.1:") && words.contains("SERVFAIL"), "{words}");
    assert_eq!(asked.len(), 2, "asked again, and no more");
}

#[tokio::test]
async fn silence_and_nonsense_end_in_time_and_are_nobodys_word() {
    for says in [Says::Silence, Says::Garbage, Says::Astray, Says::Torn] {
        let (answer, asked) = told(says).await;
        assert!(matches!(answer, KeyAnswer::Silence(_)), "{answer:?}");
        assert_eq!(asked.len(), 2);
    }
    let mut resolver =
        Resolver::new(Some(NameServer::start([(name(NETWORK).as_str().to_owned(), Says::Silence)]).addr));
    resolver.patience = Duration::from_millis(50);
    let answers = resolver.keys(vec![name(NETWORK), name(NETWORK)]).await;
    assert_eq!(answers.len(), 2);
    assert!(answers.iter().all(|(_, answer)| matches!(answer, KeyAnswer::Silence(_))), "{answers:?}");
}
