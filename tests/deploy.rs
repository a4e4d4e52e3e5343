//! The unit files, and the daemon in the narrow place they give it.

use std::fs;
use std::io::ErrorKind;
use std::process::Command;

use crate::daemon::watched;
use crate::support::dovecot::Dovecot;
use crate::support::home::Ran;
use crate::support::mails::to_paste;

fn unit(name: &str) -> String {
    fs::read_to_string(format!("{}/deploy/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn systemd_has_no_complaint_about_the_units() {
    for name in ["notyet.service", "notyet-user.service"] {
        let dir = tempfile::tempdir().unwrap();
        let copy = dir.path().join(name);
        // Where it is installed in the end, this machine does not have it.
        let installed: Vec<_> = unit(name)
            .lines()
            .map(|line| match line.strip_prefix("ExecStart=").and_then(|command| command.split_once(' ')) {
                Some((_, arguments)) => format!("ExecStart={} {arguments}", env!("CARGO_BIN_EXE_notyet")),
                None => line.to_owned(),
            })
            .collect();
        fs::write(&copy, installed.join("\n")).unwrap();
        let ran = match Command::new("systemd-analyze").arg("verify").arg(&copy).output() {
            Ok(ran) => ran,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                eprintln!("SKIPPED: no systemd-analyze here, the units are not verified");
                return;
            }
            Err(error) => panic!("{error}"),
        };
        let said = String::from_utf8_lossy(&ran.stderr);
        let ours: Vec<_> = said.lines().filter(|line| line.contains(name)).collect();
        assert!(ran.status.success() && ours.is_empty(), "{name}: {said}");
    }
}

/// All mounts read-only save the state folder `$1`; then the program, with no
/// capability and none to be had. What systemd filters of system calls, and
/// its private folders, are not tried here.
const NARROW: &str = r#"
mount --bind "$1" "$1"
while read -r _ place _; do
    case $place in "$1" | /proc* | /sys*) ;; *) mount -o remount,bind,ro "$place" 2>/dev/null || : ;; esac
done </proc/self/mounts
if touch "$1/../beside" 2>/dev/null; then echo "the place is not narrow"; exit 99; fi
touch "$1/within"
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all "$2" run --once --config "$3"
"#;

#[test]
fn the_daemon_needs_to_write_nothing_but_its_state_folder() {
    let Some(server) = Dovecot::start() else { return };
    let home = watched(&server, "", "", "");
    let config = fs::read_to_string(home.config()).unwrap();
    for (number, sandbox) in [(1, "off"), (2, "auto")] {
        home.put("notyet.toml", &format!("sandbox = \"{sandbox}\"\n{config}"));
        server.deliver(&to_paste(number));
        let ran = Ran::of(
            Command::new("unshare")
                .args(["--mount", "--propagation", "private", "sh", "-eu", "-c", NARROW, "narrow"])
                .arg(home.state())
                .arg(env!("CARGO_BIN_EXE_notyet"))
                .arg(home.config()),
        );
        if ran.err.starts_with("unshare:") {
            eprintln!("SKIPPED: no mount name space to be had: {}", ran.err);
            return;
        }
        let ran = ran.well();
        assert!(!ran.err.contains("WARN") && !ran.err.contains("ERROR"), "{}", ran.err);
        assert_eq!(server.files(".Drafts").len(), usize::try_from(number).unwrap(), "{}", ran.err);
        assert!(!home.path().join("beside").exists() && home.state().join("within").exists());
    }
}
