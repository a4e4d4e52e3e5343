//! What the owner and a monitoring script are told: whether a daemon runs, when it looked, what needs a person.

use notyet::app::account::{self, End};
use notyet::app::setup;
use notyet::app::shared::{Shared, Stop};
use notyet::domain::Timestamp;
use notyet::domain::sending::{Cause, Trip};
use notyet::shell::clock;
use notyet::shell::store::{Batch, Ledger};
use serde_json::Value;

use crate::support::home::{Home, Ran, until};

fn watched() -> Home {
    let home = Home::new();
    home.configure("", &[home.on_maildir("work", "")]);
    home.once().well();
    home
}

fn report(home: &Home) -> Value {
    serde_json::from_str(&home.notyet(&["status", "--json"]).well().out).unwrap()
}

fn check(home: &Home) -> Ran {
    let ran = home.notyet(&["status", "--check"]);
    assert_eq!(ran.err, "");
    ran
}

#[test]
fn status_tells_a_daemon_from_none() {
    let home = watched();
    let idle = report(&home);
    assert_eq!((&idle["daemon"]["runs"], &idle["daemon"]["pid"]), (&false.into(), &Value::Null));
    let text = home.notyet(&["status"]).well().out;
    assert!(text.starts_with("no daemon runs; last look 20"), "{text}");

    let daemon = home.daemon();
    daemon.says("connected", 1);
    let running = report(&home);
    assert_eq!((&running["daemon"]["runs"], &running["daemon"]["pid"]), (&true.into(), &daemon.pid().into()));
    let text = home.notyet(&["status"]).well().out;
    let start = format!("the daemon runs (process {}); last look 20", daemon.pid());
    assert!(text.starts_with(&start), "{text}");
    // A daemon that was killed has told nobody.
    drop(daemon);
    until("nobody holds the lock", || (report(&home)["daemon"]["runs"] == false).then_some(()));
}

fn an_hour_ahead() -> Timestamp {
    Timestamp::from_unix_s(clock::now().unix_s() + 3600)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_is_noted_where_no_mail_came() {
    let home = watched();
    let before = report(&home);
    let setup = setup::load(&home.config()).unwrap_or_else(|problems| panic!("{problems}"));
    let account = setup.config.accounts.into_iter().next().unwrap();
    let ledger = Ledger::open(&home.state()).unwrap();
    let shared = Shared::new(setup.rules, setup.config.owner, setup.policy, ledger, an_hour_ahead);
    let (_switch, stop) = Stop::new();
    assert_eq!(account::once(&account, &shared, &stop).await, End::Done);
    let after = report(&home);
    let of = |report: &Value, field: &str| report["accounts"][0][field].as_i64().unwrap();
    assert!(of(&after, "last_look") >= of(&before, "last_look") + 3500, "{after}");
    assert_eq!(of(&after, "last_activity"), of(&before, "last_activity"), "{after}");
    assert_eq!(after["daemon"]["last_look"], after["accounts"][0]["last_look"]);
}

#[test]
fn a_check_says_nothing_while_all_is_well() {
    let home = watched();
    let ran = check(&home).well();
    assert_eq!(ran.out, "");
}

#[test]
fn a_check_fails_while_sending_is_stopped() {
    let home = watched();
    let trip = Trip { cause: Cause::Clock, at: clock::now(), words: "the clock jumped".to_owned() };
    Ledger::open_beside(&home.state()).unwrap().stop_sending(&trip).unwrap();
    let ran = check(&home);
    assert_eq!(ran.code, Some(1));
    assert_eq!(ran.out.lines().count(), 1, "{}", ran.out);
    assert!(ran.out.contains("the clock jumped") && ran.out.contains("notyet resume"), "{}", ran.out);
    assert_eq!(home.notyet(&["status", "--check", "--json"]).code, Some(1));
    home.notyet(&["resume"]).well();
    check(&home).well();
}

#[test]
fn a_check_fails_while_a_port_waits_for_a_person() {
    let home = watched();
    std::fs::rename(home.maildir("work"), home.path().join("away")).unwrap();
    assert_eq!(home.once().code, Some(1));
    let ran = check(&home);
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.starts_with("work: maildir since 20"), "{}", ran.out);
    std::fs::rename(home.path().join("away"), home.maildir("work")).unwrap();
    home.once().well();
    check(&home).well();
}

#[test]
fn a_check_fails_when_nobody_looked_for_a_day() {
    let home = watched();
    let ago = |hours: i64| Timestamp::from_unix_s(clock::now().unix_s() - hours * 3600);
    std::fs::remove_dir_all(home.state()).unwrap();
    let mut ledger = Ledger::open(&home.state()).unwrap();
    ledger.start_account("work", ago(100)).unwrap();
    ledger.start_account("long-gone", ago(100)).unwrap();
    ledger.note_look("work", ago(23)).unwrap();
    drop(ledger);
    check(&home).well();
    std::fs::remove_dir_all(home.state()).unwrap();
    let mut ledger = Ledger::open(&home.state()).unwrap();
    ledger.start_account("work", ago(100)).unwrap();
    ledger.note_look("work", ago(26)).unwrap();
    drop(ledger);
    let ran = check(&home);
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.starts_with("work: nobody has looked into it since 20"), "{}", ran.out);
    assert!(ran.out.contains("no daemon runs"), "{}", ran.out);
    home.once().well();
    check(&home).well();
}

fn mail(next_uid: u32, now: Timestamp, unreadable: &[u32]) -> Batch<'static> {
    Batch {
        account: "work",
        mailbox: "INBOX",
        uid_validity: 7,
        next_uid: Some(next_uid),
        entries: Vec::new(),
        quarantined: unreadable.iter().map(|uid| (*uid, format!("broken {uid}"))).collect(),
        wish: None,
        now,
    }
}

/// Nobody wants to read every day what was told a month ago.
#[test]
fn what_only_tells_is_shown_for_a_month() {
    let home = watched();
    let days_ago = |days: i64| Timestamp::from_unix_s(clock::now().unix_s() - days * 24 * 3600);
    let mut ledger = Ledger::open(&home.state()).unwrap();
    ledger.commit_batch(&mail(90, days_ago(31), &[81, 82])).unwrap();
    ledger.commit_batch(&mail(95, days_ago(29), &[91])).unwrap();
    drop(ledger);
    let text = home.notyet(&["status"]).well().out;
    let rows: Vec<_> = text.lines().filter(|row| row.starts_with("  unreadable")).collect();
    assert_eq!(rows.len(), 2, "{text}");
    assert!(rows[0].contains("broken 91") && rows[1].contains("2 more before 20"), "{text}");
    assert_eq!(report(&home)["accounts"][0]["unreadable"].as_array().unwrap().len(), 3);
}

#[test]
fn people_are_told_the_time_of_their_clock_and_scripts_seconds() {
    let home = Home::new();
    home.configure("[sending]\ntime_zone = \"Asia/Tokyo\"\n", &[home.on_maildir("work", "")]);
    home.once().well();
    let at = report(&home)["accounts"][0]["last_look"].as_i64().unwrap();
    let tokyo = jiff::tz::TimeZone::get("Asia/Tokyo").unwrap();
    let shown = jiff::Timestamp::from_second(at).unwrap().to_zoned(tokyo).strftime("%Y-%m-%d %H:%M JST");
    let text = home.notyet(&["status"]).well().out;
    assert!(text.contains(&format!("last look {shown}")), "{shown}: {text}");
    assert!(!text.contains("UTC"), "{text}");
}
