//! The kept corpus of real mails, read where it lies beside the project.

use std::path::PathBuf;

use notyet::domain::RawMail;
use notyet::rulebook::Rulebook;
use notyet::stages::{parse, recognise};

pub fn corpus() -> Option<PathBuf> {
    let at = std::env::var_os("NOTYET_CORPUS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus")),
        PathBuf::from,
    );
    if at.is_dir() {
        return Some(at);
    }
    eprintln!(
        "SKIPPED: no corpus at {} (set NOTYET_CORPUS): real mails were NOT checked",
        at.display()
    );
    None
}

#[test]
fn dump() {
    let Some(at) = corpus() else { return };
    let rules = Rulebook::shipped().unwrap_or_else(|e| panic!("{e}"));
    let index = std::fs::read_to_string(at.join("index.tsv")).unwrap();
    for row in index.lines().skip(1) {
        let f: Vec<&str> = row.split('\t').collect();
        let raw = RawMail(std::fs::read(at.join("mail").join(f[0])).unwrap());
        match parse::parse(&raw) {
            Err(e) => println!("!! {} {e:?}", f[0]),
            Ok(mail) => {
                let r = recognise::recognise(&mail, &rules);
                let ok = r.notice.as_str() == f[2];
                println!(
                    "{} {} want {} {} {} got {} {:?}",
                    if ok { "  " } else { "XX" },
                    f[0],
                    f[2],
                    f[5],
                    f[6],
                    r.notice.as_str(),
                    r.evidence
                        .iter()
                        .map(|e| e.text.clone())
                        .collect::<Vec<_>>()
                );
                for i in &r.invitations {
                    println!(
                        "      name={:?} first={:?} headline={:?} profile={:?} route={} note={:?} ids={}",
                        i.inviter.name,
                        i.inviter.first_name,
                        i.inviter.headline,
                        i.inviter.profile_url,
                        i.route.as_str(),
                        i.note,
                        i.identity.invitation_id.is_some()
                    );
                }
            }
        }
    }
}
