//! `notyet check`: explain mails.

use std::process::ExitCode;

use super::arguments::CheckArguments;
use super::style::Paint;
use super::{FAILED, failed, render, wrong};
use crate::app::examine::{Assume, Bench, examine};
use crate::app::{look, setup};
use crate::config::Account;

pub(super) fn run(arguments: &CheckArguments) -> ExitCode {
    let (rules, policy, owner, account) = match &arguments.config {
        None => match setup::rules(None) {
            Ok(rules) => {
                let policy = rules.policy.clone();
                (rules, policy, setup::nobody_in_particular(), None)
            }
            Err(problems) => return wrong(&problems),
        },
        Some(file) => match setup::load(file) {
            Ok(setup) => {
                let account = match pick(&setup.config.accounts, arguments.account.as_deref()) {
                    Ok(account) => account.clone(),
                    Err(message) => return failed(&message, 2),
                };
                (setup.rules, setup.policy, setup.config.owner, Some(account))
            }
            Err(problems) => return wrong(&problems),
        },
    };
    let bench = Bench {
        rules: &rules,
        owner: &owner,
        policy: &policy,
        authserv_id: account.as_ref().and_then(|a| a.authserv_id.as_deref()),
        assume: if arguments.assume_authentic { Assume::Authentic } else { Assume::Nothing },
        can_send: account.as_ref().is_none_or(|a| a.smtp.is_some()),
    };
    let mut code = ExitCode::SUCCESS;
    for file in &arguments.files {
        let raw = match look::read_mail(file) {
            Ok(raw) => raw,
            Err(fault) => {
                code = failed(&fault, FAILED);
                continue;
            }
        };
        let examined = examine(&file.display().to_string(), &raw, &bench, look::now());
        if arguments.json {
            println!("{}", render::json(&examined));
        } else {
            println!("{}", render::text(&examined, Paint::stdout()));
        }
    }
    code
}

/// The account of that name, else the first.
pub(super) fn pick<'a>(accounts: &'a [Account], name: Option<&str>) -> Result<&'a Account, String> {
    let known = || accounts.iter().map(|a| a.name.as_str()).collect::<Vec<_>>().join(", ");
    match name {
        Some(name) => accounts
            .iter()
            .find(|account| account.name == name)
            .ok_or_else(|| format!("--account {name}: not in the configuration; there are: {}", known())),
        None => accounts.first().ok_or_else(|| "the configuration has no account".to_owned()),
    }
}
