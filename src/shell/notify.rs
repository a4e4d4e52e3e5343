//! Tells systemd how we are (sd_notify(3)); outside systemd, does nothing.
//!
//! A message that cannot be delivered is dropped: there is nobody to tell, and
//! a daemon does not stop over it. systemd notices missing ones by its own clock.

use std::time::Duration;

use sd_notify::NotifyState;

/// READY=1: started, or done reloading.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// RELOADING=1 with the monotonic time that systemd 253 and newer demand with
/// it. [`ready`] must follow, whether the new config was taken or refused.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// STOPPING=1: no new work is begun.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// WATCHDOG=1: real progress was made.
pub fn watchdog() {
    tell(&[NotifyState::Watchdog]);
}

/// Within this time systemd wants to hear [`watchdog`], if it watches us at
/// all. Speak up at half of it at the latest (sd_watchdog_enabled(3)).
pub fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

fn tell(states: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(states);
}
