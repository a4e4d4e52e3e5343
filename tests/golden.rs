//! The golden mails: the oracle itself must hold before anything is held against it.

use std::collections::BTreeSet;

use notyet::app::examine::examine;
use notyet::domain::{Notice, RawMail};

use crate::support::golden::{COLUMNS, expected, mails};

#[test]
fn every_mail_has_a_row_and_every_row_a_mail() {
    let rows: BTreeSet<String> = expected().into_iter().map(|row| row.file).collect();
    let files: BTreeSet<String> = mails().into_iter().collect();
    assert_eq!(rows, files);
}

#[test]
fn every_column_holds_a_word_of_its_own() {
    let kinds: Vec<&str> = Notice::ALL.iter().map(|notice| notice.as_str()).chain(["refused"]).collect();
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
        let asks = Notice::ALL.into_iter().any(|notice| notice.asks() && notice.as_str() == row.raw("kind"));
        if !asks {
            assert_eq!(row.raw("decision"), "leave", "{}", row.file);
            assert!(row.value("inviter").is_none(), "{}", row.file);
        }
        if let Some(page) = row.value("profile_url") {
            let named = page.starts_with("https://www.linkedin.com/in/") && !page.contains('?');
            let by_token =
                page.starts_with("https://www.linkedin.com/profile/view?id=") && !page.contains('&');
            assert!(named || by_token, "{page}");
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

fn bench_owner() -> notyet::config::Owner {
    notyet::config::Owner {
        name: "Robin Keller".to_owned(),
        addresses: vec![notyet::domain::Address::parse("robin@example.org").unwrap()],
        link: None,
        languages: vec!["en".to_owned()],
        me: notyet::config::Me::default(),
    }
}

/// What the program makes of every mail, column by column as in the table.
#[test]
fn the_program_agrees_with_the_table() {
    let rules = notyet::rulebook::Rulebook::shipped().unwrap_or_else(|e| panic!("{e}"));
    let owner = bench_owner();
    let bench = notyet::stages::Bench {
        rules: &rules,
        owner: &owner,
        from: owner.addresses.first(),
        policy: &rules.policy,
        authserv_id: Some("mx.example.org"),
        assume: notyet::stages::gates::Assume::Nothing,
        can_send: false,
    };
    let now = notyet::domain::Timestamp::from_unix_s(1_800_000_000);
    let mut wrong = Vec::new();
    let mut nth = std::collections::BTreeMap::new();
    for row in expected() {
        let seen = examine(&row.file, &RawMail(row.mail()), &bench, now, None).expect("no ledger is asked");
        let at: &mut usize = nth.entry(row.file.clone()).or_default();
        let plan = seen.plans.get(*at);
        *at += 1;
        let unreadable = seen.unreadable.is_some();
        let kind = if unreadable { "refused" } else { seen.kind.as_str() };
        let text = |value: Option<&str>| value.filter(|v| !v.is_empty()).unwrap_or("-").replace('\n', "\\n");
        let inv = plan.map(|p| &p.invitation);
        let gate =
            plan.and_then(|p| p.evidence.iter().find(|e| e.rule == "gate.authentic")).map(|e| {
                match e.text.split(':').next() {
                    Some("passed") => "pass",
                    Some("stopped") => "against",
                    _ => "none",
                }
            });
        let got = [
            ("kind", kind.to_owned()),
            ("network", text(seen.network.as_deref())),
            ("inviter", text(inv.map(|i| i.inviter.name.as_str()))),
            ("first_name", text(inv.map(|i| i.inviter.first_name.as_str()))),
            ("note", text(inv.and_then(|i| i.note.as_deref()))),
            ("note_kind", text(plan.map(|p| p.judgement.kind.as_str()))),
            ("route", text(inv.map(|i| i.route.as_str()))),
            ("to", text(inv.and_then(|i| i.route.to()).map(ToString::to_string).as_deref())),
            ("profile_url", text(inv.and_then(|i| i.inviter.profile_url.as_deref()))),
            ("authentic", text(gate)),
            ("decision", plan.map_or("leave", |p| p.decision.as_str()).to_owned()),
        ];
        for (column, got) in got {
            let asked =
                matches!(row.raw("kind"), "invitation" | "reminder") || matches!(column, "kind" | "network");
            if asked && !row.is_loose(column) && row.raw(column) != got {
                wrong.push(format!("{}: {column}: {got:?} instead of {:?}", row.file, row.raw(column)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

/// The body of an invitation is only ever seen when its header asks for it.
#[test]
fn every_invitation_is_a_candidate_by_its_header_alone() {
    let rules = notyet::rulebook::Rulebook::shipped().unwrap_or_else(|e| panic!("{e}"));
    let fields = rules.header_fields();
    let mut missed = Vec::new();
    for row in expected() {
        if !matches!(row.raw("kind"), "invitation" | "reminder") {
            continue;
        }
        let mail = notyet::stages::parse::parse(&RawMail(row.mail())).unwrap();
        // What a header fetch brings: the fields that were asked for, and no others.
        let header = notyet::domain::Mail {
            headers: mail
                .headers
                .iter()
                .filter(|(n, _)| fields.iter().any(|f| f.eq_ignore_ascii_case(n)))
                .cloned()
                .collect(),
            text: String::new(),
            links: Vec::new(),
            html_text: None,
            ..mail.clone()
        };
        if !notyet::stages::recognise::is_candidate(&header, &rules) {
            missed.push(row.file.clone());
        }
    }
    assert!(missed.is_empty(), "never fetched: {missed:?}");
}

/// And a friend's mail is never read because of a word in its subject.
#[test]
fn ordinary_mail_is_no_candidate() {
    let rules = notyet::rulebook::Rulebook::shipped().unwrap_or_else(|e| panic!("{e}"));
    for row in expected().iter().filter(|row| row.raw("kind") == "other" && row.raw("network") == "-") {
        let Ok(mail) = notyet::stages::parse::parse(&RawMail(row.mail())) else { continue };
        assert!(!notyet::stages::recognise::is_candidate(&mail, &rules), "{}", row.file);
    }
}
