//! `[sending]`.

use super::field::Field;
use super::raw::Section;
use super::validate::{DAY, MINUTE};
use crate::domain::sending::{Brakes, Days, Hours, Sending};

/// The table, and the time zone it names. `None` means that a problem was noted.
pub(super) fn sending(section: &Section<'_>) -> Option<(Sending, Option<String>)> {
    let default = Sending::default();
    let hours = section.optional("hours", hours);
    let days = section.or("days", default.days, days);
    let time_zone = section.optional("time_zone", Field::text);
    let brakes = default.brakes;
    let burst_letters = section.or("burst_letters", brakes.burst_letters, |f| f.integer(1..=10_000));
    let burst_within = section.or("burst_within", brakes.burst_within, |f| f.duration(MINUTE..=30 * DAY));
    let refusals =
        section.or("refusals_in_a_row", brakes.refusals_in_a_row, |field| field.integer(1..=1_000));
    let clock_gap = section.or("clock_gap", brakes.clock_gap, |f| f.duration(DAY..=3_650 * DAY));
    let brakes = Brakes {
        burst_letters: burst_letters?,
        burst_within: burst_within?,
        refusals_in_a_row: refusals?,
        clock_gap: clock_gap?,
    };
    Some((Sending { hours: hours?, days: days?, brakes }, time_zone?))
}

fn hours(field: &Field<'_>) -> Option<Hours> {
    let text = field.text()?;
    let hours = Hours::parse(&text);
    if hours.is_none() {
        let allowed = "give one span of a day, from an earlier to a later time, like \"08:00-18:00\"";
        field.refuse(&format!("{text:?}"), allowed);
    }
    hours
}

fn days(field: &Field<'_>) -> Option<Days> {
    let words: Vec<(&'static str, usize)> =
        Days::WORDS.into_iter().enumerate().map(|(at, word)| (word, at)).collect();
    let items = field.items("give a list, for example [\"mon\", \"tue\"]")?;
    let days: Vec<_> = items.iter().map(|item| item.word(&words)).collect();
    days.into_iter().collect::<Option<Vec<_>>>().map(Days::of)
}
