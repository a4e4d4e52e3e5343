//! `notyet known`: whether a person counts as somebody the owner knows.

use std::path::Path;

use serde_json::{Value, json};

use super::arguments::KnownArguments;
use super::out::{Cut, End, Outcome, say};
use super::style::{json_text, line};
use crate::app::people::{self, Acquaintances};
use crate::app::setup;
use crate::domain::{Address, Encounter, PersonKey, Strength};

pub(super) fn run(arguments: &KnownArguments) -> Outcome {
    match (&arguments.name, &arguments.compare) {
        // Two names are compared by the shipped rules, unless a configuration is named.
        (Some(name), Some(other)) => compare(name, other, arguments.config.config.as_deref(), arguments.json),
        (name, _) => look_up(name.as_deref(), &arguments.config.find()?.path, arguments),
    }
}

fn look_up(name: Option<&str>, config: &Path, arguments: &KnownArguments) -> Outcome {
    let setup = setup::load(config)?;
    let known = Acquaintances::open(&setup.config.people, &setup.config.state_dir, &setup.rules)?;
    let address = arguments.address.as_deref().map(|text| {
        Address::parse(text)
            .ok_or_else(|| Cut::Usage(format!("--address {text}: not one plain mail address")))
    });
    let address = address.transpose()?;
    if name.is_none() && address.is_none() {
        return counts(&known, arguments.json);
    }
    // An address is no name: looked up as one it would belong to a stranger.
    let (name, address) = match (name.map(Address::parse), address) {
        (Some(Some(address)), None) => (None, Some(address)),
        (_, address) => (name, address),
    };
    let found = known.find(name.unwrap_or_default(), address.as_ref(), &setup.rules)?;
    let verdict = verdict(found.first().map(|encounter| encounter.key.strength));
    if arguments.json {
        let found: Vec<Value> = found.iter().map(encounter_json).collect();
        say(&json_text(&format!("{:#}", json!({ "verdict": verdict, "found": found }))))?;
        return Ok(End::Done);
    }
    say(verdict)?;
    for encounter in &found {
        say(&format!("  {:<13} {}", encounter.source.as_str(), key_text(&encounter.key)))?;
    }
    Ok(End::Done)
}

fn counts(known: &Acquaintances, as_json: bool) -> Outcome {
    let counts = known.counts()?;
    if as_json {
        let counts: serde_json::Map<_, _> =
            counts.into_iter().map(|(source, count)| (source.as_str().to_owned(), json!(count))).collect();
        say(&json_text(&format!("{:#}", json!({ "forms": counts }))))?;
        return Ok(End::Done);
    }
    if counts.is_empty() {
        say("Nobody is known yet; see [people] in the configuration.")?;
    }
    for (source, count) in counts {
        say(&format!("  {:<13} {count} forms of names and addresses", source.as_str()))?;
    }
    Ok(End::Done)
}

fn compare(name: &str, other: &str, config: Option<&Path>, as_json: bool) -> Outcome {
    let rules = match config {
        Some(config) => setup::load(config)?.rules,
        None => setup::rules(None)?,
    };
    let compared = people::compare(name, other, &rules);
    let verdict = verdict(compared.shared.first().map(|key| key.strength));
    if as_json {
        let texts = |keys: &[PersonKey]| keys.iter().map(|key| key.text.clone()).collect::<Vec<_>>();
        let json = json!({
            "verdict": verdict,
            "shared": texts(&compared.shared),
            "asked": texts(&compared.asked),
            "kept": texts(&compared.kept),
        });
        say(&json_text(&format!("{json:#}")))?;
        return Ok(End::Done);
    }
    say(verdict)?;
    for (title, keys) in [("shared", &compared.shared), ("asked", &compared.asked), ("kept", &compared.kept)]
    {
        for key in keys {
            say(&format!("  {title:<13} {}", key_text(key)))?;
        }
    }
    Ok(End::Done)
}

fn verdict(strongest: Option<Strength>) -> &'static str {
    match strongest {
        Some(Strength::Address | Strength::Name) => "known",
        Some(Strength::NearName) => "perhaps-known",
        None => "stranger",
    }
}

fn key_text(key: &PersonKey) -> String {
    format!("{:<9} {}", key.strength.as_str(), line(&key.text))
}

fn encounter_json(encounter: &Encounter) -> Value {
    json!({
        "source": encounter.source.as_str(),
        "strength": encounter.key.strength.as_str(),
        "form": encounter.key.text,
    })
}
