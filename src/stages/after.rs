//! Which wish of the owner's fits a notification.

use crate::domain::after::{AfterRule, Occasion, Wish};
use crate::domain::{Decision, Plan};

/// Left for the owner to see to, or none of a stranger's: never touched.
const OWNERS: [&str; 7] = [
    "known-person",
    "perhaps-known",
    "before-start",
    "arrival-unknown",
    "own-letter",
    "own-mail",
    "answer-to-ours",
];

/// What is wanted of the notification that `plan` was made for.
pub fn wish<'a>(plan: &Plan, rules: &'a [AfterRule]) -> Option<&'a Wish> {
    let occasion = occasion(plan)?;
    let rule = rules
        .iter()
        .find(|rule| rule.occasion == occasion && rule.note.is_none_or(|kind| kind == plan.judgement.kind))?;
    Some(&rule.wish).filter(|wish| !wish.is_nothing())
}

fn occasion(plan: &Plan) -> Option<Occasion> {
    match (plan.decision, plan.once_released) {
        (Decision::Draft, _) | (Decision::Hold, Some(Decision::Draft)) => Some(Occasion::Draft),
        (Decision::Send, _) | (Decision::Hold, Some(Decision::Send)) => Some(Occasion::Send),
        (Decision::Hold, _) => None,
        (Decision::Leave, _) if OWNERS.contains(&plan.reason.code) => None,
        (Decision::Leave, _) if plan.reason.code == "already-answered" => Some(Occasion::Repeat),
        (Decision::Leave, _) => Some(Occasion::Leave),
    }
}
