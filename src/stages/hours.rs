//! Whether a moment is one for sending, by the clock on the owner's wall.

use jiff::tz::TimeZone;

use crate::domain::Timestamp;
use crate::domain::sending::{SendHour, Sending};

/// Whether letters are sent at `now`, which is read in `zone`, its summer time
/// included. A moment that no calendar holds is none for sending.
pub fn at(now: Timestamp, sending: &Sending, zone: &TimeZone) -> SendHour {
    let Ok(moment) = jiff::Timestamp::from_second(now.unix_s()) else {
        return SendHour::Later;
    };
    let local = zone.to_datetime(moment);
    let day = usize::try_from(local.weekday().to_monday_zero_offset()).unwrap_or(usize::MAX);
    let minute = u16::try_from(local.hour()).unwrap_or(0) * 60 + u16::try_from(local.minute()).unwrap_or(0);
    let in_hours = sending.hours.is_none_or(|hours| hours.hold(minute));
    if in_hours && sending.days.hold(day) { SendHour::Now } else { SendHour::Later }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sending::{Days, Hours};

    /// Central European rules written out, so that no table of zones is needed.
    fn zone() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    fn utc(text: &str) -> Timestamp {
        Timestamp::from_unix_s(text.parse::<jiff::Timestamp>().unwrap().as_second())
    }

    fn open(sending: &Sending, moment: &str) -> bool {
        at(utc(moment), sending, &zone()) == SendHour::Now
    }

    #[test]
    fn hours_follow_summer_time() {
        let sending = Sending { hours: Hours::parse("08:00-18:00"), ..Sending::default() };
        // Winter: 08:00 is 07:00 UTC. Summer: 06:00 UTC. The clock changes on 2026-03-29.
        assert!(!open(&sending, "2026-03-28T06:59:59Z"));
        assert!(open(&sending, "2026-03-28T07:00:00Z"));
        assert!(!open(&sending, "2026-03-28T17:00:00Z"));
        assert!(open(&sending, "2026-03-29T06:00:00Z"));
        assert!(!open(&sending, "2026-03-29T16:00:00Z"));
        assert!(!open(&sending, "2026-10-25T06:30:00Z"), "winter time again");
    }

    #[test]
    fn the_hour_that_comes_twice_counts_twice_and_the_one_left_out_never() {
        let sending = Sending { hours: Hours::parse("02:00-03:00"), ..Sending::default() };
        assert!(open(&sending, "2026-10-25T00:30:00Z") && open(&sending, "2026-10-25T01:30:00Z"));
        assert!(!open(&sending, "2026-10-25T02:30:00Z"));
        assert!(!open(&sending, "2026-03-29T00:59:00Z") && !open(&sending, "2026-03-29T01:00:00Z"));
    }

    #[test]
    fn days_end_at_local_midnight() {
        let sending = Sending { days: Days::of(0..5), ..Sending::default() };
        assert!(open(&sending, "2026-11-27T22:59:00Z"), "Friday evening");
        assert!(!open(&sending, "2026-11-27T23:00:00Z"), "Saturday already");
        assert!(open(&sending, "2026-11-29T23:00:00Z"), "Monday already");
    }

    #[test]
    fn a_moment_beyond_the_calendar_is_none_for_sending() {
        assert_eq!(at(Timestamp::from_unix_s(i64::MAX), &Sending::default(), &zone()), SendHour::Later);
    }
}
