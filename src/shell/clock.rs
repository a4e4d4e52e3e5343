//! The wall clock. Everything else takes `now` as an argument.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::tz::TimeZone;

use crate::domain::Timestamp;

/// This moment, to the second. A clock set before 1970 reads as 1970.
#[allow(clippy::disallowed_methods)]
pub fn now() -> Timestamp {
    at(SystemTime::now())
}

/// A file system's or system call's time, to the second; before 1970 reads as 1970.
pub fn at(time: SystemTime) -> Timestamp {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Timestamp::from_unix_s(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// The time zone of that IANA name, as the system's table has it; without a
/// name the system's own. `None` where the table does not hold it.
pub fn zone(name: Option<&str>) -> Option<TimeZone> {
    match name {
        Some(name) => TimeZone::get(name).ok(),
        None => Some(TimeZone::system()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn reads_seconds_since_1970() {
        assert_eq!(at(UNIX_EPOCH + Duration::from_millis(2_900)).unix_s(), 2);
        assert_eq!(at(UNIX_EPOCH - Duration::from_secs(5)).unix_s(), 0);
        assert!(now().unix_s() > 1_700_000_000);
    }
}
