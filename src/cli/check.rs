//! `notyet check`: explain mails.

use super::arguments::CheckArguments;
use super::out::{End, Outcome, complain, say};
use super::style::Paint;
use super::{pick, render, runtime};
use crate::app::examine::{Assume, Bench, examine_checked};
use crate::app::people::Acquaintances;
use crate::app::{look, setup, signatures};
use crate::config::{Account, Dkim};
use crate::domain::dkim::OwnCheck;

pub(super) fn run(arguments: &CheckArguments) -> Outcome {
    let (rules, policy, owner, account, known) = match &arguments.config {
        None => {
            let rules = setup::rules(None)?;
            let policy = rules.policy.clone();
            (rules, policy, setup::nobody_in_particular(), None, None)
        }
        Some(file) => {
            let setup = setup::load(file)?;
            let account = pick(&setup.config.accounts, arguments.account.as_deref())?.clone();
            let known = Acquaintances::open(&setup.config.people, &setup.config.state_dir, &setup.rules)?;
            (setup.rules, setup.policy, setup.config.owner, Some(account), Some(known))
        }
    };
    let bench = Bench {
        rules: &rules,
        owner: &owner,
        from: account.as_ref().map(|account| &account.from).or(owner.addresses.first()),
        policy: &policy,
        authserv_id: account.as_ref().and_then(|a| a.authserv_id.as_deref()),
        assume: if arguments.assume_authentic { Assume::Authentic } else { Assume::Nothing },
        can_send: account.as_ref().is_none_or(|a| a.smtp.is_some()),
    };
    let online = if asks_the_dns(arguments, account.as_ref()) { Some(runtime()?) } else { None };
    let resolver = account.as_ref().and_then(|a| a.resolver);
    let paint = Paint::stdout();
    let mut end = End::Done;
    for file in &arguments.files {
        let raw = match look::read_mail(file) {
            Ok(raw) => raw,
            Err(fault) => {
                complain(&fault);
                end = End::Failed;
                continue;
            }
        };
        let now = look::now();
        let own_check = match &online {
            Some(online) => online.block_on(signatures::check_file(&raw, &rules, resolver, now)),
            None => OwnCheck::NotMade,
        };
        let name = file.display().to_string();
        let examined = examine_checked(&name, &raw, &bench, now, known.as_ref(), own_check)?;
        say(&if arguments.json { render::json(&examined) } else { render::text(&examined, paint) })?;
    }
    Ok(end)
}

/// Who says `--assume-authentic` has a mail whose signature may have gone when it was saved.
fn asks_the_dns(arguments: &CheckArguments, account: Option<&Account>) -> bool {
    let daemon_does = account.is_some_and(|account| account.dkim == Dkim::Verify);
    arguments.dkim || (daemon_does && !arguments.assume_authentic)
}
