//! The whole daemon: the real binary, real servers, real files.

/// Starts a Dovecot or leaves the test, which was said loudly.
macro_rules! dovecot {
    () => {
        dovecot!("")
    };
    ($more:expr) => {
        match crate::support::dovecot::Dovecot::start_with($more) {
            Some(server) => server,
            None => return,
        }
    };
}

mod after;
mod answers;
mod books;
mod brake;
pub(crate) mod crash;
mod dkim;
mod doctor;
mod drafts;
mod faults;
mod forget;
mod hold;
mod known;
mod life;
mod lost;
mod preview;
mod progress;
mod queue;
mod rests;
mod sandbox;
mod send;
mod sender;
mod status;
mod stumbles;
mod trouble;

use crate::support::dovecot::Dovecot;
use crate::support::home::Home;

/// A home with one account on `server` that believes a Reply-To and has had its first run.
pub(crate) fn watched(server: &Dovecot, policy: &str, keys: &str, smtp: &str) -> Home {
    let home = Home::new();
    home.believe_reply_to();
    home.configure(policy, &[home.on_dovecot("work", server, keys, smtp)]);
    home.once().well();
    home
}
