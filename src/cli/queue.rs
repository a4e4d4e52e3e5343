//! `notyet queue`: the letters that wait, and a person's word on them.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::hand_arguments::{QueueArguments, QueueCommand};
use super::out::{Cut, End, Outcome, say};
use super::style::{Paint, json_text, line, plain};
use super::{when, with_config};
use crate::app::outlook::Outlook;
use crate::app::queue::{Came, Case, Delivery, Hand, Meant, Word};
use crate::app::setup::ConfigFile;
use crate::app::{look, setup};
use crate::domain::delivery::{Mode, ParkedFor, State};
use crate::domain::{Fault, InvitationKey};

pub(super) fn run(arguments: &QueueArguments) -> Outcome {
    match &arguments.command {
        None => list(&arguments.config.find()?, arguments.json),
        Some(QueueCommand::List(asked)) => list(&asked.config.find()?, asked.json),
        Some(QueueCommand::Show(asked)) => show(&asked.key, &asked.config.find()?, asked.json),
        Some(QueueCommand::Retry(asked)) => tell(Word::Retry, &asked.key, &asked.config.find()?),
        Some(QueueCommand::Drop(asked)) => tell(Word::Drop, &asked.key, &asked.config.find()?),
        Some(QueueCommand::Sent(asked)) => tell(Word::Sent, &asked.key, &asked.config.find()?),
    }
}

/// The key that begins with `prefix`, or why there is none.
pub(super) fn one_key(hand: &Hand, prefix: &str) -> Result<InvitationKey, Cut> {
    match hand.meant(prefix)? {
        Meant::One(key) => Ok(key),
        Meant::Nothing => Err(Cut::Fault(Fault::Permanent(format!(
            "{prefix}: no invitation has a key that begins so; `notyet queue list` and `notyet status --json` show keys"
        )))),
        Meant::Several(keys) => {
            let mut rows = vec![format!("{prefix}: more than one key begins so; write more of it:")];
            for key in keys {
                let name = hand.case(&key)?.map(|case| case.inviter_name).unwrap_or_default();
                rows.push(format!("  {} {}", key.0, line(&name)));
            }
            Err(Cut::Usage(rows.join("\n")))
        }
    }
}

fn list(config: &ConfigFile, as_json: bool) -> Outcome {
    let setup = setup::load(&config.path)?;
    let hand = Hand::looking(&setup.config)?;
    let outlook = Outlook::of(&setup, look::now())?;
    let cases = hand.open_cases()?;
    if as_json {
        let letters: Vec<Value> = cases.iter().filter_map(|case| letter_json(case, &outlook)).collect();
        say(&json_text(&format!("{:#}", json!({ "letters": letters }))))?;
        return Ok(End::Done);
    }
    if cases.is_empty() {
        say("No letter waits.")?;
    }
    let paint = Paint::stdout();
    for case in &cases {
        let Some(letter) = &case.letter else { continue };
        let key = hand.short(&case.key)?;
        let head = format!("{key}  {}", letter.state.as_str());
        say(&format!(
            "{}  {}  ({}, since {})",
            paint.bold(&head),
            line(&case.inviter_name),
            line(&case.account),
            when(letter.changed_at, &setup.zone)
        ))?;
        say(&format!("  {}", standing(case, letter, &outlook, &setup.zone)))?;
        for row in choices(&key, letter, &outlook, config) {
            say(&row)?;
        }
    }
    Ok(End::Done)
}

/// What the state means, with what came back last; until anything has, why the letter was made so.
fn standing(case: &Case, letter: &Delivery, outlook: &Outlook<'_>, zone: &TimeZone) -> String {
    let mut text = format!("{}.", outlook.meaning(letter));
    if letter.state == State::Queued && letter.next_attempt_at > look::now() {
        text += &format!(" Next try: {}.", when(letter.next_attempt_at, zone));
    }
    if let Some(goes_at) = letter.open_hold().and_then(|hold| hold.goes_at) {
        text += &format!(" Goes: {}.", when(goes_at, zone));
    }
    let words = words(case, letter);
    if !words.is_empty() {
        let has_answer = letter.state != State::Held && !letter.last_words.is_empty();
        text += &format!(" {}: {words}", if has_answer { "Last" } else { "Why" });
    }
    line(&text)
}

/// What came back last, else why the letter was made as it is.
fn words<'a>(case: &'a Case, letter: &'a Delivery) -> &'a str {
    if letter.last_words.is_empty() { &case.reason_text } else { &letter.last_words }
}

fn choices(key: &str, letter: &Delivery, outlook: &Outlook<'_>, config: &ConfigFile) -> Vec<String> {
    let mut rows = Vec::new();
    for word in outlook.fitting(letter) {
        let command = with_config(&format!("notyet queue {} {key}", word.as_str()), config);
        rows.push(format!("    {command}"));
        rows.push(format!("        {}", outlook.effect(word, letter)));
    }
    rows
}

fn show(prefix: &str, config: &ConfigFile, as_json: bool) -> Outcome {
    let setup = setup::load(&config.path)?;
    let hand = Hand::looking(&setup.config)?;
    let outlook = Outlook::of(&setup, look::now())?;
    let key = one_key(&hand, prefix)?;
    let Some(case) = hand.case(&key)? else {
        return Err(Cut::Fault(Fault::Permanent(format!("{}: nothing is known of it", key.0))));
    };
    if as_json {
        say(&json_text(&format!("{:#}", case_json(&case, &outlook))))?;
        return Ok(End::Done);
    }
    let paint = Paint::stdout();
    say(&paint.bold(&format!("{}  {}", key.0, line(&case.inviter_name))))?;
    say(&format!("  account     {}", line(&case.account)))?;
    say(&format!(
        "  decided     {}, {} note, {}: {}",
        case.decision.as_str(),
        case.note_kind.as_str(),
        when(case.decided_at, &setup.zone),
        line(&case.reason_text)
    ))?;
    if let Some(note) = &case.note {
        say(&format!("  note        {}", line(note)))?;
    }
    for sentence in hand.standing(&key)?.sentences() {
        say(&format!("  taken back  {}", line(&sentence)))?;
    }
    let Some(letter) = &case.letter else {
        say("  letter      none")?;
        return Ok(End::Done);
    };
    say(&format!(
        "  letter      {}: {}",
        letter.state.as_str(),
        standing(&case, letter, &outlook, &setup.zone)
    ))?;
    if let Some(to) = &letter.to {
        say(&format!("  to          {}", line(&to.to_string())))?;
    }
    for moved in &case.history {
        let words = if moved.note.is_empty() { String::new() } else { format!(": {}", moved.note) };
        say(&line(&format!(
            "  {}  {}, {}{words}",
            when(moved.at, &setup.zone),
            moved.event,
            moved.to.as_str()
        )))?;
    }
    let rows = choices(&hand.short(&key)?, letter, &outlook, config);
    if !rows.is_empty() {
        say("  What you can do:")?;
    }
    for row in rows {
        say(&row)?;
    }
    say("")?;
    let text = crate::app::queue::text_of(letter);
    say(plain(&text).trim_end())?;
    Ok(End::Done)
}

fn tell(word: Word, prefix: &str, config: &ConfigFile) -> Outcome {
    let mut hand = Hand::writing(&setup::load(&config.path)?.config)?;
    let key = one_key(&hand, prefix)?;
    let refused = |words: String| Err(Cut::Fault(Fault::Permanent(format!("{}: {words}", key.0))));
    match hand.say(word, &key, look::now())? {
        Came::To(State::Queued) => {
            say("It is in the queue; the daemon takes it up, or the next `notyet run --once`.")?
        }
        Came::To(State::Sent) => say("Noted as sent.")?,
        Came::To(State::TakenOver) => {
            say("It is in your hands now; notyet does no more about this invitation.")?
        }
        Came::To(State::Drafted) => say("It stays a draft, and is yours; notyet does not send it.")?,
        Came::To(state) => say(state.as_str())?,
        Came::Busy => return refused("it is on its way this moment; look again in a minute".to_owned()),
        Came::NoLetter => return refused("this invitation has no letter".to_owned()),
        Came::Unwatched => {
            return refused("no account of the configuration has it: nobody would try it".to_owned());
        }
        Came::Unfit(state) => {
            let more = match (word, state) {
                (_, State::Drafted) => "; `notyet undo` takes a draft back",
                (Word::Sent, _) => "; `sent` answers a doubt only (uncertain, parked)",
                _ => "",
            };
            return refused(format!(
                "its letter is {}: `{}` changes nothing{more}",
                state.as_str(),
                word.as_str()
            ));
        }
    }
    Ok(End::Done)
}

fn letter_json(case: &Case, outlook: &Outlook<'_>) -> Option<Value> {
    let letter = case.letter.as_ref()?;
    Some(json!({
        "key": case.key.0,
        "account": case.account,
        "inviter": case.inviter_name,
        "mode": match letter.mode { Mode::Draft => "draft", Mode::Send => "send" },
        "state": letter.state.as_str(),
        "meaning": outlook.meaning(letter),
        "parked_for": letter.parked_for.filter(|_| letter.state == State::Parked).map(ParkedFor::as_str),
        "words": words(case, letter),
        "since": letter.changed_at.unix_s(),
        "next_try": (letter.state == State::Queued).then(|| letter.next_attempt_at.unix_s()),
        "goes_at": letter.open_hold().and_then(|hold| hold.goes_at).map(|at| at.unix_s()),
        "attempts": letter.attempts,
        "can": outlook.fitting(letter).into_iter().map(Word::as_str).collect::<Vec<_>>(),
    }))
}

fn case_json(case: &Case, outlook: &Outlook<'_>) -> Value {
    let mut json = letter_json(case, outlook).unwrap_or_else(
        || json!({ "key": case.key.0, "account": case.account, "inviter": case.inviter_name }),
    );
    let more = json!({
        "decision": case.decision.as_str(),
        "reason_text": case.reason_text,
        "note_kind": case.note_kind.as_str(),
        "note": case.note,
        "decided_at": case.decided_at.unix_s(),
        "to": case.letter.as_ref().and_then(|letter| letter.to.as_ref()).map(ToString::to_string),
        "message": case.letter.as_ref().map(|letter| String::from_utf8_lossy(&letter.message.0).into_owned()),
        "history": case.history.iter().map(|moved| json!({
            "event": moved.event, "state": moved.to.as_str(), "words": moved.note, "at": moved.at.unix_s(),
        })).collect::<Vec<_>>(),
    });
    if let (Value::Object(json), Value::Object(more)) = (&mut json, more) {
        json.extend(more);
    }
    json
}
