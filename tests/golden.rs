//! The golden mails: the oracle itself must hold before anything is held against it.

use std::collections::BTreeSet;

use notyet::domain::Notice;

use crate::support::golden::{COLUMNS, expected, mails};

#[test]
fn every_mail_has_a_row_and_every_row_a_mail() {
    let rows: BTreeSet<String> = expected().into_iter().map(|row| row.file).collect();
    let files: BTreeSet<String> = mails().into_iter().collect();
    assert_eq!(rows, files);
}

#[test]
fn every_column_holds_a_word_of_its_own() {
    let kinds: Vec<&str> = Notice::ALL
        .iter()
        .map(|notice| notice.as_str())
        .chain(["refused"])
        .collect();
    let allowed: [(&str, &[&str]); 6] = [
        ("kind", &kinds),
        ("network", &["linkedin", "facebook", "plaxo", "-"]),
        ("note_kind", &["generic", "personalized", "-"]),
        ("route", &["address", "relay", "paste", "-"]),
        ("authentic", &["pass", "against", "none", "-"]),
        ("decision", &["draft", "leave", "hold"]),
    ];
    for row in expected() {
        for (column, words) in allowed {
            let word = row.raw(column);
            assert!(words.contains(&word), "{}: {column} {word}", row.file);
        }
    }
}

#[test]
fn rows_agree_with_themselves() {
    for row in expected() {
        let reaches = matches!(row.raw("route"), "address" | "relay");
        assert_eq!(reaches, row.value("to").is_some(), "{}: to", row.file);
        if row.raw("authentic") == "against" {
            assert_eq!(row.raw("decision"), "leave", "{}", row.file);
        }
        let asks = Notice::ALL
            .into_iter()
            .any(|notice| notice.asks() && notice.as_str() == row.raw("kind"));
        if !asks {
            assert_eq!(row.raw("decision"), "leave", "{}", row.file);
            assert!(row.value("inviter").is_none(), "{}", row.file);
        }
        if let Some(page) = row.value("profile_url") {
            assert!(page.starts_with("https://www.linkedin.com/in/"), "{page}");
            assert!(!page.contains('?'), "{page}");
        }
    }
}

#[test]
fn loose_columns_are_columns() {
    for row in expected() {
        let Some(rest) = row.raw("comment").strip_prefix('?') else {
            continue;
        };
        let (named, why) = rest.split_once(": ").unwrap();
        assert!(!why.is_empty(), "{}", row.file);
        for column in named.split(',') {
            assert!(COLUMNS.contains(&column), "{}: {column}", row.file);
        }
    }
}
