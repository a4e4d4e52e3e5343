//! What is wrong in a rule file is told with file, line, column and what is allowed.

use notyet::rulebook::{RuleFiles, Rulebook};

/// A smallest network.
const NET: &str = r#"id = "net"
label = "Net"
facts = "none"
[senders]
domains = ["net.example"]
[trust]
domains = ["net.example"]
[pages]
invitations = "https://net.example/"
[[pages.profile]]
link = 'net\.example/people/(\w+)'
canonical = "https://net.example/people/{1}"
[[look]]
from = ["hello@net.example"]
all = [{ subject = 'hello' }]
[find]
invitation_id = [{ link = 'id=([0-9]+)' }]
[[frame]]
name = "invitation"
kind = "invitation"
from = "network"
any = [{ subject = 'hello' }]
note = "around-card"
"#;

fn said(path: &str, text: &str) -> Vec<String> {
    let mut files = RuleFiles::shipped();
    files.insert(path, path, text);
    match Rulebook::compile(&files) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.0.iter().map(ToString::to_string).collect(),
    }
}

/// `text` with `old` replaced is refused at the place of `old` (or of `at` in the new text).
fn assert_refused(path: &str, text: &str, old: &str, new: &str, at: &str, allowed: &str) {
    assert!(text.contains(old), "{old}");
    let broken = text.replacen(old, new, 1);
    let offset = broken.find(at).unwrap_or_else(|| panic!("{at}"));
    let line = broken[..offset].matches('\n').count() + 1;
    let column = offset - broken[..offset].rfind('\n').map_or(0, |n| n + 1) + 1;
    let said = said(path, &broken);
    let place = format!("{path}:{line}:{column}: ");
    assert!(
        said.iter().any(|one| one.starts_with(&place) && one.contains(allowed)),
        "{new}: {place} with {allowed:?} is not among {said:#?}"
    );
}

#[test]
fn a_network_file_is_refused_at_the_place_of_the_fault() {
    let path = "networks/net.toml";
    assert_eq!(said(path, NET), [""; 0]);
    for (old, new, at, allowed) in [
        ("id = \"net\"", "id = \"Net 1\"", "\"Net 1\"", "lower-case letters"),
        ("id = \"net\"", "id = \"linkedin\"", "\"linkedin\"", "an id of its own"),
        ("label = \"Net\"", "labl = \"Net\"", "labl", "expected one of `id`, `label`"),
        ("label = \"Net\"\n", "", "id =", "missing field `label`"),
        ("label = \"Net\"", "label = 3", "3", "expected a string"),
        ("label = \"Net\"", "label = \"Net", "\nfacts", "basic string"),
        ("domains = [\"net.example\"]", "domains = [\"@net.example\"]", "\"@net.example\"", "a domain like"),
        (
            "domains = [\"net.example\"]",
            "domains = []\nrelay = [\"*.net.example\"]",
            "\"*.net",
            "a domain like",
        ),
        (
            "domains = [\"net.example\"]",
            "domains = []\nperson_reply_until = \"2016\"",
            "\"2016\"",
            "a date like",
        ),
        ("domains = [\"net.example\"]", "domains = []\nname_noise = ['(']", "'('", "unclosed group"),
        ("\"https://net.example/\"", "\"net.example\"", "\"net.example\"\n[[pages", "begins with https://"),
        ("'net\\.example/people/(\\w+)'", "'net(' ", "'net('", "regular expression"),
        ("'net\\.example/people/(\\w+)'", "'net'", "'net'", "a group"),
        ("people/{1}\"", "people/\"", "\"https://net.example/people/\"", "{1}"),
        ("[\"hello@net.example\"]", "[\"hello\"]", "\"hello\"]", "a whole address"),
        ("all = [{ subject = 'hello' }]", "all = [{ text = 'hello' }]", "'hello'", "a look sees no body"),
        (
            "all = [{ subject = 'hello' }]",
            "all = [{ preheader = 'hello' }]",
            "'hello'",
            "a look sees no body",
        ),
        ("all = [{ subject = 'hello' }]", "all = [{ header = \"X-A\" }]", "{ header", "one of subject"),
        ("all = [{ subject = 'hello' }]", "all = [{ is = 'a' }]", "{ is", "one of subject"),
        ("all = [{ subject = 'hello' }]", "all = [{ }]", "{ }", "one of subject"),
        (
            "all = [{ subject = 'hello' }]",
            "all = [{ subject = 'a', message_id = 'b' }]",
            "{ subject",
            "one of subject",
        ),
        ("all = [{ subject = 'hello' }]", "all = [{ subjet = 'a' }]", "subjet", "expected one of `subject`"),
        ("[{ link = 'id=([0-9]+)' }]", "[{ link = 'id=[0-9]+' }]", "'id=", "a group"),
        ("[find]", "[find]\naccept_link = '*'", "'*'", "regular expression"),
        ("[find]", "[find]\nframe_link = '*'", "'*'", "regular expression"),
        ("kind = \"invitation\"", "kind = \"invite\"", "\"invite\"", "one of invitation, reminder"),
        ("from = \"network\"", "from = \"anybody\"", "\"anybody\"", "\"network\", \"inviter\" or a list"),
        ("from = \"network\"", "from = 3", "3", "\"network\", \"inviter\" or a list"),
        ("from = \"network\"", "from = [\"a b\"]", "\"a b\"", "a whole address"),
        ("note = \"around-card\"", "like = \"nobody\"", "\"nobody\"", "the name of a frame of this file"),
        (
            "note = \"around-card\"",
            "note = \"below\"",
            "\"below\"",
            "one of around-card, after-links, nowhere",
        ),
        ("note = \"around-card\"", "end = ['[']", "'['", "regular expression"),
        ("note = \"around-card\"", "greeting = '['", "'['", "regular expression"),
        ("note = \"around-card\"", "inviter = [{ subject = 'a' }]", "'a'", "a group"),
    ] {
        assert_refused(path, NET, old, new, at, allowed);
    }
}

/// Letters were written by the ids of the shipped file.
#[test]
fn other_patterns_for_ids_want_another_revision() {
    let path = "networks/linkedin.toml";
    let files = RuleFiles::shipped();
    let shipped = files.iter().find(|(at, _)| *at == path).map(|(_, text)| text.to_owned()).unwrap();
    let changed = shipped.replace("'invitationId(?:=|/)([0-9]{6,20})'", "'invitationId=([0-9]{6,20})'");
    assert_ne!(changed, shipped);
    assert_refused(
        path,
        &changed,
        "label",
        "label",
        "{ link = 'invitationId=",
        "set `revision = 2` in [find]",
    );
    let revised = changed.replace("[find]\n", "[find]\nrevision = 2\n");
    assert_eq!(said(path, &revised), [""; 0]);
    assert_eq!(said(path, &shipped.replace("label = \"LinkedIn\"", "label = \"Linked In\"")), [""; 0]);
}

#[test]
fn every_other_rule_file_is_refused_at_the_place_of_the_fault() {
    let signal = "language = \"en\"\n\n[[signal]]\nname = \"hives\"\nside = \"personalized\"\nweight = 2.5\nwhy = \"x\"\npatterns = ['hives?']\nexamples = [{ text = \"your hives\", expect = \"personalized\" }]\n";
    let opening = "language = \"en\"\n\n[[kind]]\nname = \"hives\"\nrank = 85\nwhy = \"x\"\npatterns = ['hives?']\n\n[[opening]]\nkind = \"hives\"\ntext = \"Thank you.\"\nexamples = [\"x\"]\n";
    let files = RuleFiles::shipped();
    let shipped =
        |path: &str| files.iter().find(|(at, _)| *at == path).map(|(_, text)| text.to_owned()).unwrap();
    let (names, nicknames, policy) =
        (shipped("names.toml"), shipped("nicknames.toml"), shipped("policy.toml"));
    let banners = shipped("banners.toml");
    let (letter, paste) = (shipped("letters/en/generic.txt"), shipped("letters/en/paste.txt"));
    let weights = "# a\n[level]\n10\tbias\n50\tgeneric-from\n200\tsure-from\n[words]\n51\twe_help\n";
    for (path, text, old, new, at, allowed) in [
        (
            "notes/own.toml",
            signal,
            "side = \"personalized\"",
            "side = \"personal\"",
            "\"personal\"",
            "\"generic\" or",
        ),
        ("notes/own.toml", signal, "2.5", "7.5", "7.5", "at most 5"),
        ("notes/own.toml", signal, "\"hives\"", "\"Hives\"", "\"Hives\"", "small letters"),
        ("notes/own.toml", signal, "'hives?'", "'hives('", "'hives('", "regex"),
        ("notes/own.toml", signal, "why", "wy", "wy", "expected one of"),
        ("notes/own.toml", signal, "\"en\"", "\"english\"", "\"english\"", "two or three small letters"),
        ("openings/own.toml", opening, "85", "100", "100", "from 1 to 99"),
        ("openings/own.toml", opening, "kind = \"hives\"", "kind = \"hive\"", "\"hive\"", "one of "),
        ("openings/own.toml", opening, "\"Thank you.\"", "\"Hi {name}\"", "\"Hi {name}\"", "one plain line"),
        ("openings/own.toml", opening, "text", "txt", "txt", "expected one of"),
        ("names.toml", &names, "titles", "tittles", "tittles", "expected one of `titles`"),
        ("banners.toml", &banners, "labels", "lables", "lables", "expected one of `labels`"),
        ("banners.toml", &banners, "tags = [", "tags = [\n'(',", "'('", "a regular expression"),
        ("names.toml", &names, "\"dr\"", "4", "4", "expected a string"),
        (
            "nicknames.toml",
            &nicknames,
            "names = [",
            "names = [\n  \"robert bob\",",
            "\"robert bob\"",
            "a colon",
        ),
        ("nicknames.toml", &nicknames, "particles", "partikels", "partikels", "expected"),
        ("policy.toml", &policy, "generic", "generous", "generous", "one of generic"),
        ("policy.toml", "x = 1", "x", "x", "x", "is missing"),
        ("policy.toml", &policy, "send_confidence = 0.8", "send_confidence = 1.8", "1.8", "from 0 to 1"),
        ("notes/weights.tsv", weights, "51", "much", "much", "a tab and a piece"),
        ("notes/weights.tsv", weights, "10\tbias\n", "", "# a", "a line for each of bias"),
        ("notes/weights.tsv", weights, "[words]", "[woods]", "[woods]", "[letters], [words]"),
        ("letters/en/generic.txt", &letter, "{{ owner }}", "{{ owneer }}", "owneer", "one of first_name"),
        ("letters/en/generic.txt", &letter, "{{ owner }}", "{{ owner ", "{{ owner ", "comment at the top"),
        ("letters/en/generic.txt", &letter, "Subject:", "Subjct:", "{#", "starts with `Subject: ...`"),
        ("letters/en/paste.txt", &paste, "{{ network }}", "{{ networks }}", "networks", "one of network"),
    ] {
        assert_refused(path, text, old, new, at, allowed);
    }
}

/// Cut off between two tables a file is whole TOML: without what tells an invitation,
/// mail would be passed over in silence.
#[test]
fn a_network_file_that_ends_too_early_is_refused() {
    for name in ["linkedin", "xing", "facebook", "plaxo"] {
        let path = format!("{}/rules/networks/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let first = text.find("kind = \"invitation\"").expect("an invitation");
        for (at, _) in text[..first].match_indices("\n[[") {
            let said = said(&format!("networks/{name}.toml"), &text[..at]);
            assert!(!said.is_empty(), "{name}, cut off after {at} bytes");
        }
    }
    let said = said("networks/net.toml", NET.split("[[look]]").next().unwrap());
    assert_eq!(said.iter().filter(|one| one.contains("is the file cut off?")).count(), 2, "{said:?}");
}

/// A network of one's own is one file: laid over the shipped ones it gives a plan, with no other change.
#[test]
fn a_new_network_is_one_file() {
    use notyet::app::examine::{Assume, Bench, examine};
    let mut files = RuleFiles::shipped();
    files.insert("networks/net.toml", "my-rules/networks/net.toml", NET);
    let rules = Rulebook::compile(&files).unwrap_or_else(|e| panic!("{e}"));
    let owner = notyet::config::Owner {
        name: "Robin Keller".to_owned(),
        addresses: vec![notyet::domain::Address::parse("robin@example.org").unwrap()],
        link: None,
        languages: vec!["en".to_owned()],
        me: notyet::config::Me::default(),
    };
    let bench = Bench {
        rules: &rules,
        owner: &owner,
        from: owner.addresses.first(),
        policy: &rules.policy,
        authserv_id: None,
        assume: Assume::Authentic,
        can_send: false,
    };
    let mail = "From: Mira Okafor <hello@net.example>\nTo: Robin Keller <robin@example.org>\nSubject: Hello from Mira\n\n\
                We met at the bee fair.\n\nMira Okafor\nBeekeeper\n\nAnswer: https://net.example/people/mira?id=7\n";
    let raw = notyet::domain::RawMail(mail.as_bytes().to_vec());
    let seen =
        examine("m.eml", &raw, &bench, notyet::domain::Timestamp::from_unix_s(1_800_000_000), None).unwrap();
    assert_eq!(seen.network.as_deref(), Some("net"));
    let [plan] = seen.plans.as_slice() else { panic!("{} plans", seen.plans.len()) };
    assert_eq!(plan.invitation.note.as_deref(), Some("We met at the bee fair."));
    assert_eq!(plan.invitation.inviter.profile_url.as_deref(), Some("https://net.example/people/mira"));
    assert_eq!(plan.decision, notyet::domain::Decision::Draft);
    assert!(plan.letter.as_ref().unwrap().body.contains("Net"));
}
