//! What fuzzing keeps, run again each time: its seeds, and the sample mails.
//! `tests/fuzz/run` goes on from here, guided by coverage.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::golden::{mails, root};
use crate::support::targets::{TARGETS, Target};

fn seeds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds")
}

/// Runs the target over every seed; a panic of its checks names the seed in the test's output.
fn replay((name, run): Target) -> usize {
    let mut paths: Vec<_> =
        fs::read_dir(seeds().join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in &paths {
        println!("{}", path.display());
        run(&fs::read(path).unwrap());
    }
    paths.len()
}

#[test]
fn every_target_has_seeds_and_every_seed_a_target() {
    let targets: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let folders: BTreeSet<_> = fs::read_dir(seeds())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect();
    assert_eq!(targets, folders);
}

#[test]
fn the_kept_seeds_harm_nothing() {
    for target in TARGETS {
        assert!(replay(target) > 2, "{}", target.0);
    }
}

#[test]
fn the_sample_mails_harm_nothing() {
    let reads_mail = |name: &str| ["parse", "recognise"].contains(&name);
    for (_, run) in TARGETS.into_iter().filter(|(name, _)| reads_mail(name)) {
        for path in mails() {
            println!("{path}");
            run(&fs::read(root().join(path)).unwrap());
        }
    }
}

/// The checks of the targets would be worth nothing if they could not fail.
#[test]
fn the_checks_see_a_plan_that_breaks_a_promise() {
    use crate::support::targets::{check_plan, judged};
    use notyet::domain::Decision;

    let mail = fs::read(seeds().join("recognise/reply-to")).unwrap();
    let plan = judged(&mail).plans.remove(0);
    check_plan(&plan);
    let breaks = |harm: fn(&mut notyet::domain::Plan)| {
        let mut broken = plan.clone();
        harm(&mut broken);
        std::panic::catch_unwind(|| check_plan(&broken)).is_err()
    };
    assert!(breaks(|plan| {
        let gate = plan.evidence.iter_mut().find(|e| e.rule == "gate.authentic").unwrap();
        gate.text = "draft only: no evidence".to_owned();
        plan.decision = Decision::Send;
    }));
    assert!(breaks(|plan| plan.evidence.retain(|e| e.rule != "gate.target")));
    assert!(breaks(|plan| plan.invitation.inviter.name = "Ann\r\nBcc: x@example.org".to_owned()));
}
