//! When letters may be sent, and what stops all sending: the values.

use std::time::Duration;

use super::Timestamp;

/// `[sending]` of the configuration, its time zone aside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sending {
    /// The part of a day in which letters are sent; none: the whole day.
    pub hours: Option<Hours>,
    /// The days on which letters are sent.
    pub days: Days,
    /// What stops all sending.
    pub brakes: Brakes,
}

/// A part of a day by the clock on the wall: from a minute up to another, which is no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    from_minute: u16,
    until_minute: u16,
}

impl Hours {
    /// Reads `08:00-18:00`. `None` for anything else, and for an end that is not after the beginning.
    pub fn parse(text: &str) -> Option<Self> {
        let (from, until) = text.split_once('-')?;
        let (from_minute, until_minute) = (minute(from)?, minute(until)?);
        (from_minute < until_minute).then_some(Self { from_minute, until_minute })
    }

    /// `minute_of_day` (from midnight) lies in it.
    pub fn hold(self, minute_of_day: u16) -> bool {
        (self.from_minute..self.until_minute).contains(&minute_of_day)
    }
}

impl std::fmt::Display for Hours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (from, until) = (self.from_minute, self.until_minute);
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, until / 60, until % 60)
    }
}

/// Minutes from midnight of `HH:MM`; `24:00` is the end of the day.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let two_digits = |part: &str| {
        let fits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| part.parse::<u16>().ok()).flatten()
    };
    let (hour, minute) = (two_digits(hour)?, two_digits(minute)?);
    let of_day = hour * 60 + minute;
    (minute < 60 && of_day <= 24 * 60).then_some(of_day)
}

/// Days of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days([bool; 7]);

impl Default for Days {
    /// All of them.
    fn default() -> Self {
        Self([true; 7])
    }
}

impl Days {
    /// The words of the configuration, Monday first.
    pub const WORDS: [&'static str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

    /// The days at these indices (0 is Monday); others are no days.
    pub fn of(indices: impl IntoIterator<Item = usize>) -> Self {
        let mut days = [false; 7];
        for index in indices {
            if let Some(day) = days.get_mut(index) {
                *day = true;
            }
        }
        Self(days)
    }

    /// Whether the day at `index` (0 is Monday) is one of them.
    pub fn hold(self, index: usize) -> bool {
        self.0.get(index).copied().unwrap_or(false)
    }

    /// Their words.
    pub fn words(self) -> Vec<&'static str> {
        Self::WORDS.into_iter().enumerate().filter(|(at, _)| self.hold(*at)).map(|(_, word)| word).collect()
    }
}

/// What stops all sending until a person has looked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brakes {
    /// More letters to send than this, of all accounts together, within [`Brakes::burst_within`].
    pub burst_letters: u32,
    /// See [`Brakes::burst_letters`].
    pub burst_within: Duration,
    /// So many refusals of SMTP servers (5xx) one after the other.
    pub refusals_in_a_row: u32,
    /// A clock that is ahead of the last pass by more than this.
    pub clock_gap: Duration,
}

impl Default for Brakes {
    fn default() -> Self {
        Self {
            burst_letters: 20,
            burst_within: Duration::from_secs(60 * 60),
            refusals_in_a_row: 5,
            clock_gap: Duration::from_secs(60 * 24 * 60 * 60),
        }
    }
}

/// What the ledger knows that can stop all sending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vitals {
    /// The latest moment at which the ledger was at work; none: never before.
    pub seen_at: Option<Timestamp>,
    /// Letters to send, made within [`Brakes::burst_within`] and since a person let sending go on.
    pub made_lately: u32,
    /// Refusals since the last letter that a server took, and since then too.
    pub refused_in_a_row: u32,
    /// Why sending stands still already.
    pub standing: Option<Trip>,
}

/// Why sending stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Too many letters in too short a time.
    Burst,
    /// One refusal after the other.
    Refusals,
    /// The clock went back, or far ahead.
    Clock,
}

impl Cause {
    /// The word used in the ledger and in `status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Burst => "burst",
            Self::Refusals => "refusals",
            Self::Clock => "clock",
        }
    }

    /// The inverse of [`Cause::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Burst, Self::Refusals, Self::Clock].into_iter().find(|cause| cause.as_str() == word)
    }
}

/// Sending stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trip {
    /// Why.
    pub cause: Cause,
    /// When.
    pub at: Timestamp,
    /// What was found, in one sentence for the owner.
    pub words: String,
}

/// What is known about sending one letter now, beside what is known of its invitation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SendFacts {
    /// Why all sending stands still.
    pub stopped: Option<Trip>,
    /// Whether this is an hour for sending.
    pub hour: SendHour,
    /// Whether the recipient had a letter before.
    pub recipient: Recipient,
}

/// Whether a moment is one for sending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SendHour {
    /// It is.
    #[default]
    Now,
    /// It is not: a letter waits.
    Later,
}

/// Whether an address had a letter before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recipient {
    /// None that the ledger knows of.
    #[default]
    New,
    /// A letter to it answers another invitation.
    WrittenTo,
}

/// What came back to a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AnswerKind {
    /// A person wrote back.
    Replied,
    /// A machine did: a vacation notice, a receipt.
    AutoAnswered,
    /// The letter could not be delivered.
    Bounced,
}

impl AnswerKind {
    /// The word used in the ledger and in `status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Replied => "replied",
            Self::AutoAnswered => "auto-answered",
            Self::Bounced => "bounced",
        }
    }

    /// The inverse of [`AnswerKind::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Replied, Self::AutoAnswered, Self::Bounced].into_iter().find(|kind| kind.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_read_strictly_and_shown_as_written() {
        for good in ["08:00-18:00", "00:00-24:00", "22:30-23:59"] {
            assert_eq!(Hours::parse(good).unwrap().to_string(), good);
        }
        for bad in ["", "8:00-18:00", "08:00", "18:00-08:00", "08:00-08:00", "08:60-18:00", "08:00-24:01"] {
            assert_eq!(Hours::parse(bad), None, "{bad}");
        }
        let hours = Hours::parse("08:00-18:00").unwrap();
        assert_eq!([479, 480, 1079, 1080].map(|at| hours.hold(at)), [false, true, true, false]);
    }

    #[test]
    fn days_are_shown_as_written() {
        assert_eq!(Days::of([0, 4]).words(), ["mon", "fri"]);
        assert_eq!(Days::default().words(), Days::WORDS);
    }
}
