//! The kept corpus of real mails, read where it lies beside the project.

use std::path::PathBuf;

use notyet::domain::RawMail;
use notyet::rulebook::Rulebook;
use notyet::stages::recognise::Recognised;
use notyet::stages::{parse, recognise};

/// The corpus folder, or a loud word that it is not there.
pub fn corpus() -> Option<PathBuf> {
    let at = std::env::var_os("NOTYET_CORPUS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus")),
        PathBuf::from,
    );
    if at.is_dir() {
        return Some(at);
    }
    eprintln!("SKIPPED: no corpus at {} (set NOTYET_CORPUS): real mails were NOT checked", at.display());
    None
}

struct Row {
    file: String,
    network: String,
    kind: String,
    note: String,
    route: String,
    recognised: Recognised,
}

fn rows() -> Option<Vec<Row>> {
    let at = corpus()?;
    let rules = Rulebook::shipped().unwrap_or_else(|e| panic!("{e}"));
    let index = std::fs::read_to_string(at.join("index.tsv")).unwrap();
    let rows: Vec<Row> = index
        .lines()
        .skip(1)
        .map(|line| {
            let f: Vec<&str> = line.split('\t').collect();
            let raw = RawMail(std::fs::read(at.join("mail").join(f[0])).unwrap());
            let mail = parse::parse(&raw).unwrap_or_else(|e| panic!("{}: {}", f[0], e.as_str()));
            Row {
                file: f[0].to_owned(),
                network: f[1].to_owned(),
                kind: f[2].to_owned(),
                note: f[5].to_owned(),
                route: f[6].to_owned(),
                recognised: recognise::recognise(&mail, &rules),
            }
        })
        .collect();
    assert!(rows.len() >= 35, "the index names {} mails", rows.len());
    Some(rows)
}

#[test]
fn every_mail_is_recognised_for_what_it_is() {
    let Some(rows) = rows() else { return };
    let mut wrong = Vec::new();
    for row in rows {
        // Forgeries are nothing we know: no network's frame may claim them.
        let want = if row.kind == "phishing" { "other" } else { &row.kind };
        let got = row.recognised.notice.as_str();
        if got != want {
            wrong.push(format!("{}: {got} instead of {want}", row.file));
        }
        if want != "other" && row.recognised.network.as_deref() != Some(row.network.as_str()) {
            wrong.push(format!(
                "{}: network {:?} instead of {}",
                row.file, row.recognised.network, row.network
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn inviter_note_and_route_are_extracted() {
    let Some(rows) = rows() else { return };
    let mut wrong = Vec::new();
    for row in rows.iter().filter(|r| r.kind == "invitation" || r.kind == "reminder") {
        let [invitation] = row.recognised.invitations.as_slice() else {
            wrong.push(format!("{}: {} invitations", row.file, row.recognised.invitations.len()));
            continue;
        };
        if invitation.inviter.name.is_empty() {
            wrong.push(format!("{}: no inviter", row.file));
        }
        match (row.note.as_str(), &invitation.note) {
            ("none", Some(_)) => wrong.push(format!("{}: a note where there is none", row.file)),
            ("generic" | "personalized", None) => wrong.push(format!("{}: the note was not found", row.file)),
            _ => {}
        }
        // One member mail of 2011 was rebuilt without the Reply-To that its index row speaks of.
        let rebuilt = row.file.starts_with("li-2011-10-member");
        if row.route != "unknown" && !rebuilt && row.route != invitation.route.as_str() {
            wrong.push(format!("{}: route {} instead of {}", row.file, invitation.route.as_str(), row.route));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
