//! How long the daemon rests after trouble that a person has to mend: a day after
//! a refused login, a quarter of an hour after anything else.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use notyet::app::account::{self, End};
use notyet::app::ingest::Unwatched;
use notyet::app::port::Port;
use notyet::app::setup;
use notyet::app::shared::{Memory, Shared, Stop};
use notyet::config::{Account, Tls};
use notyet::domain::Timestamp;
use notyet::shell::clock;
use notyet::shell::store::{Ledger, PortFault};

use super::watched;
use crate::support::home::Home;
use crate::support::mails::with_reply_to;
use crate::support::smtp_peer::{Peer, Script, table};
use crate::support::tls::Authority;

fn opened(home: &Home, now: fn() -> Timestamp) -> (Account, Shared) {
    let setup = setup::load(&home.config()).unwrap_or_else(|problems| panic!("{problems}"));
    let ledger = Ledger::open(&home.state()).unwrap();
    let account = setup.config.accounts.into_iter().next().unwrap();
    let mut shared = Shared::new(setup.rules, setup.config.owner, setup.policy, ledger, now);
    shared.uids_dir = Some(home.state().join("maildir"));
    (account, shared)
}

fn faults(shared: &Shared) -> Vec<PortFault> {
    shared.ledger().port_faults().unwrap()
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(40);
    while !is_so() {
        assert!(Instant::now() < end, "it never came to this: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The daemon's loop meets trouble; a person mends it; a little later the mailbox is read.
async fn is_found_mended(home: &Home, mend: impl FnOnce()) {
    let (account, shared) = opened(home, clock::now);
    let shared = Arc::new(shared);
    let (switch, stop) = Stop::new();
    let watching = tokio::spawn(account::watch(account, Arc::clone(&shared), Memory::default(), stop));
    until("it needs a person", || !faults(&shared).is_empty()).await;
    mend();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(16 * 60)).await;
    tokio::time::resume();
    until("it goes on", || faults(&shared).is_empty()).await;
    assert!(shared.ledger().cursor("work", "INBOX").unwrap().is_some());
    switch.send(true).unwrap();
    assert_eq!(watching.await.unwrap(), End::Done);
}

/// As behind the door of a hotel's network, or while the clock is wrong.
#[tokio::test]
async fn a_certificate_that_cannot_be_trusted_is_looked_at_again_soon() {
    let server = dovecot!();
    let home = Home::new();
    let ca_file = home.path().join("ca.pem");
    fs::copy(Authority::vouching_for(&["localhost"]).ca_file(), &ca_file).unwrap();
    home.configure("", &[home.on_tls("work", server.imaps_port, "implicit", &ca_file, "")]);
    is_found_mended(&home, || assert!(fs::copy(server.ca_file(), &ca_file).is_ok())).await;
}

#[tokio::test]
async fn a_password_that_could_not_be_fetched_is_asked_for_again_soon() {
    let server = dovecot!();
    let home = Home::new();
    home.configure("", &[home.on_dovecot("work", &server, "", "")]);
    let (password, aside) = (home.path().join("password"), home.path().join("aside"));
    fs::rename(&password, &aside).unwrap();
    is_found_mended(&home, || fs::rename(&aside, &password).unwrap()).await;
}

#[tokio::test]
async fn a_maildir_that_is_mounted_late_is_looked_for_again_soon() {
    let home = Home::new();
    home.configure("", &[home.on_maildir("work", "")]);
    let (maildir, aside) = (home.maildir("work"), home.path().join("aside"));
    fs::rename(&maildir, &aside).unwrap();
    is_found_mended(&home, || fs::rename(&aside, &maildir).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_go_soon_after_the_certificate_of_the_way_out_is_mended() {
    static LATER_S: AtomicI64 = AtomicI64::new(0);
    fn now() -> Timestamp {
        Timestamp::from_unix_s(clock::now().unix_s() + LATER_S.load(Ordering::Relaxed))
    }
    let server = dovecot!();
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let smtp = peer.smtp();
    let strange = Authority::vouching_for(&["localhost"]);
    let smtp_table = table("work", smtp.port, "implicit", &strange.ca_file());
    let home = watched(&server, "generic = \"send\"", "", &smtp_table);
    server.deliver(&with_reply_to(1, "jane@example.org"));
    let (mut account, shared) = opened(&home, now);
    let mut memory = Memory::default();
    let (_switch, stop) = Stop::new();
    let mut port = Port::connect(&account, shared.uids(&account)).await.unwrap();
    account::pass(&mut port, &account, &shared, &mut memory, &mut Unwatched, &stop).await.unwrap();
    assert_eq!(faults(&shared).len(), 1);

    account.smtp.as_mut().unwrap().ca_file = smtp.ca_file;
    LATER_S.store(16 * 60, Ordering::Relaxed);
    account::pass(&mut port, &account, &shared, &mut memory, &mut Unwatched, &stop).await.unwrap();
    assert_eq!((peer.seen().bodies.len(), faults(&shared).len()), (1, 0));
}
