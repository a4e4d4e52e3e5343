//! The circuit breaker: what turns all sending into drafting until a person
//! has looked. A wave of letters, one refusal after the other and a clock that
//! jumps are more likely a fault than a fact.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::domain::sending::{Brakes, Cause, Trip, Vitals};

/// Clocks that are set by a server go back by seconds.
const BACK: Duration = Duration::from_secs(10 * 60);

/// Why sending has to stop now; `None` where nothing speaks for it, or where it stands still already.
pub fn look(vitals: &Vitals, now: Timestamp, brakes: &Brakes) -> Option<Trip> {
    if vitals.standing.is_some() {
        return None;
    }
    let trip = |cause, words| Some(Trip { cause, at: now, words });
    if let Some(seen) = vitals.seen_at {
        let back = seen.since(now);
        if back > BACK {
            let words =
                format!("the clock went back by {} minutes, so that no limit can be kept", minutes(back));
            return trip(Cause::Clock, words);
        }
        let ahead = now.since(seen);
        if ahead > brakes.clock_gap {
            let words = format!(
                "by the clock {} days went by since the last pass; it jumped, or notyet stood still for long",
                ahead.as_secs() / (24 * 60 * 60)
            );
            return trip(Cause::Clock, words);
        }
    }
    if vitals.made_lately > brakes.burst_letters {
        let words = format!(
            "{} letters to send were made within {} minutes, {} are allowed",
            vitals.made_lately,
            minutes(brakes.burst_within),
            brakes.burst_letters
        );
        return trip(Cause::Burst, words);
    }
    if vitals.refused_in_a_row >= brakes.refusals_in_a_row {
        let words = format!("servers refused {} letters one after the other", vitals.refused_in_a_row);
        return trip(Cause::Refusals, words);
    }
    None
}

fn minutes(span: Duration) -> u64 {
    span.as_secs().div_ceil(60)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_s(1_700_000_000);
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn cause(vitals: &Vitals) -> Option<Cause> {
        look(vitals, NOW, &Brakes::default()).map(|trip| trip.cause)
    }

    fn seen(at: Timestamp) -> Vitals {
        Vitals { seen_at: Some(at), ..Vitals::default() }
    }

    #[test]
    fn each_cause_has_its_border() {
        assert_eq!(cause(&Vitals::default()), None);
        assert_eq!(cause(&Vitals { made_lately: 20, refused_in_a_row: 4, ..seen(NOW) }), None);
        assert_eq!(cause(&Vitals { made_lately: 21, ..seen(NOW) }), Some(Cause::Burst));
        assert_eq!(cause(&Vitals { refused_in_a_row: 5, ..seen(NOW) }), Some(Cause::Refusals));
        assert_eq!(cause(&seen(NOW.plus(BACK))), None);
        assert_eq!(cause(&seen(NOW.plus(BACK + Duration::from_secs(1)))), Some(Cause::Clock));
        assert_eq!(cause(&seen(NOW.minus(60 * DAY))), None);
        assert_eq!(cause(&seen(NOW.minus(60 * DAY + Duration::from_secs(1)))), Some(Cause::Clock));
    }

    #[test]
    fn what_stands_still_is_not_stopped_again() {
        let standing = Trip { cause: Cause::Burst, at: NOW, words: "w".into() };
        let vitals = Vitals { made_lately: 99, standing: Some(standing), ..seen(NOW) };
        assert_eq!(cause(&vitals), None);
    }
}
