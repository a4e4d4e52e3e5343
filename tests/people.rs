//! Tests of the people boundary: who counts as somebody the owner knows.

use std::sync::LazyLock;

use notyet::domain::{Acquaintance, Address, Source, Strength};
use notyet::rulebook::Rulebook;
use notyet::rulebook::text::fold;
use notyet::stages::people::{compare, keys, keys_of, meet};
use proptest::prelude::*;

use crate::support::cases;

static RULES: LazyLock<Rulebook> = LazyLock::new(|| Rulebook::shipped().expect("the shipped rules compile"));

/// No person needs more forms: the ledger keeps a row for each.
const MOST_KEYS: usize = 40;

fn likeness(inviter: &str, acquaintance: &str) -> &'static str {
    match compare(inviter, acquaintance, &RULES).shared.first().map(|key| key.strength) {
        Some(Strength::Address | Strength::Name) => "same",
        Some(Strength::NearName) => "near",
        None => "different",
    }
}

fn pairs() -> Vec<(&'static str, &'static str, &'static str)> {
    include_str!("people/pairs.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let [inviter, acquaintance, expected] = columns.as_slice() else { panic!("{line}") };
            (*inviter, *acquaintance, *expected)
        })
        .collect()
}

#[test]
fn two_names_are_told_apart_as_a_careful_person_would() {
    let wrong: Vec<String> = pairs()
        .into_iter()
        .map(|(inviter, acquaintance, expected)| {
            (inviter, acquaintance, expected, likeness(inviter, acquaintance))
        })
        .filter(|(_, _, expected, got)| expected != got)
        .map(|(inviter, acquaintance, expected, got)| {
            format!("{inviter} / {acquaintance}: {got}, not {expected}")
        })
        .collect();
    assert!(pairs().len() > 110);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

fn met(address_asked: &str, known: &Acquaintance) -> Option<Strength> {
    let asked = keys("", Some(&address(address_asked)), &RULES);
    meet(&asked, &keys_of(known, &RULES), known.source).first().map(|e| e.key.strength)
}

#[test]
fn an_address_is_the_same_in_any_case_and_with_any_tag() {
    let known = Acquaintance {
        name: String::new(),
        address: Some(address("Jane.Doe+lists@Example.org")),
        domain: None,
        source: Source::Sent,
    };
    assert_eq!(met("jane.doe@example.org", &known), Some(Strength::Address));
    assert_eq!(met("jane.doe@example.net", &known), None);
    let asked = keys("Jane Doe", None, &RULES);
    let found = meet(&asked, &keys_of(&known, &RULES), Source::Sent);
    assert_eq!(found.first().map(|e| e.key.strength), Some(Strength::NearName), "spelled by the address");
}

#[test]
fn a_kept_domain_keeps_everybody_of_it() {
    let known = Acquaintance {
        name: String::new(),
        address: None,
        domain: Some("example.org".to_owned()),
        source: Source::Keep,
    };
    assert_eq!(met("anyone@example.org", &known), Some(Strength::Address));
    assert_eq!(met("anyone@sub.example.org", &known), Some(Strength::Address));
    assert_eq!(met("anyone@another-example.org", &known), None);
    assert_eq!(met("anyone@example.org.example.net", &known), None);
}

#[test]
fn an_address_at_gmail_is_one_person_with_any_dots_and_by_either_domain() {
    let known = |address_known: &str| Acquaintance {
        name: String::new(),
        address: Some(address(address_known)),
        domain: None,
        source: Source::Sent,
    };
    assert_eq!(met("Jane.Doe+x@gmail.com", &known("janedoe@googlemail.com")), Some(Strength::Address));
    assert_eq!(met("jane.doe@googlemail.com", &known("j.anedoe@gmail.com")), Some(Strength::Address));
    assert_eq!(met("jane.doe@example.org", &known("janedoe@example.org")), None, "elsewhere dots tell");
}

#[test]
fn an_address_tells_more_than_half_a_name_beside_it() {
    let known = Acquaintance {
        name: "Jane".to_owned(),
        address: Some(address("jane.doe@example.org")),
        domain: None,
        source: Source::Sent,
    };
    let found = meet(&keys("Jane Doe", None, &RULES), &keys_of(&known, &RULES), Source::Sent);
    assert_eq!(found.first().map(|e| e.key.strength), Some(Strength::NearName));
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn any_text_has_few_keys(name in "\\PC{0,140}") {
        prop_assert!(keys(&name, None, &RULES).len() <= MOST_KEYS);
    }

    #[test]
    fn whoever_is_shown_by_the_same_text_is_never_a_stranger(name in "\\PC{1,140}") {
        prop_assume!(name.chars().any(char::is_alphanumeric));
        prop_assert_ne!(likeness(&name, &name), "different");
    }

    #[test]
    fn case_blanks_signs_and_brackets_make_no_stranger(
        words in prop::collection::vec("[A-Za-zäöüéñçāøł0-9]{1,9}", 1..6),
        signs in prop::collection::vec(r"[ .,;:|/()\[\]{}<>*•~_+&!-]{1,2}", 6)
    ) {
        let plain = words.join(" ");
        prop_assume!(!fold(&plain).trim().is_empty());
        let signed: String =
            signs.iter().zip(words.iter().map(|word| word.to_uppercase())).flat_map(|(sign, word)| [sign.clone(), word]).collect();
        prop_assert_ne!(likeness(&plain, &signed), "different", "{} / {}", plain, signed);
        prop_assert_ne!(likeness(&signed, &plain), "different", "{} / {}", signed, plain);
    }

    #[test]
    fn a_name_is_always_found_by_itself(
        given in "[A-Z][a-zäöüéł]{2,9}", family in "[A-Z][a-zäöüéł]{3,12}", middle in prop::option::of("[A-Z]")
    ) {
        let names = &RULES.names;
        // As they are looked up: `Déł` reads `del`, which is a particle.
        let (first, last) = (fold(&given), fold(&family));
        prop_assume!(!names.titles.contains(&first) && !names.company_words.contains(&last));
        prop_assume!(!names.degrees.contains(&first) && !names.degrees.contains(&last));
        prop_assume!(!RULES.nicknames.is_particle(&first) && !RULES.nicknames.is_particle(&last));
        prop_assume!(!names.nobody.contains(&format!("{given} {family}").to_lowercase()));
        let full = format!("{given} {family}");
        let with_middle = middle.map_or(full.clone(), |middle| format!("{given} {middle}. {family}"));
        for other in [full.to_uppercase(), full.to_lowercase(), format!("{family}, {given}"), with_middle] {
            prop_assert_eq!(likeness(&other, &full), "same", "{} / {}", other, full);
            prop_assert_eq!(likeness(&full, &other), "same", "{} / {}", full, other);
        }
    }
}

#[test]
fn a_name_of_a_megabyte_is_only_itself() {
    assert_eq!(keys(&"Anna ".repeat(200_000), None, &RULES).len(), 1, "nothing but itself");
}
