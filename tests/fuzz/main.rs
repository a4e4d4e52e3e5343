//! One binary for all targets; `NOTYET_FUZZ_TARGET` names the one to run.
#![no_main]
#![allow(missing_docs)]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

#[path = "../support/targets.rs"]
#[allow(dead_code)]
mod targets;

fuzz_target!(|bytes: &[u8]| {
    static TARGET: OnceLock<fn(&[u8])> = OnceLock::new();
    let run = TARGET.get_or_init(|| {
        let wanted = std::env::var("NOTYET_FUZZ_TARGET").expect("NOTYET_FUZZ_TARGET names the target");
        let (_, run) =
            targets::TARGETS.into_iter().find(|(name, _)| *name == wanted).expect("a target of that name");
        run
    });
    run(bytes);
});
