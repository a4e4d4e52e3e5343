//! `doctor`: tries everything the daemon needs, changes nothing, and says what
//! to mend.

use std::path::Path;

use super::books;
use super::hold::CANNOT_REMOVE;
use super::port::Port;
use crate::config::{Account, Config, Dkim, MailboxKind, duration_text};
use crate::domain::Fault;
use crate::domain::dkim::{KeyAnswer, KeyName};
use crate::shell::dns::Resolver;
use crate::shell::mailbox::Access;
use crate::shell::mailbox::maildir::UidBook;
use crate::shell::store::Ledger;
use crate::shell::{files, secrets, sender};
use crate::stages::gates::authentic::is_id;
use crate::stages::gates::authserv;
pub use crate::stages::gates::authserv::{Advice, Signers};
use crate::stages::parse;

/// No configuration file is larger than this.
const MAX_CONFIG_BYTES: u64 = 4 * 1024 * 1024;

/// Headers of the newest so many mails are looked at.
const MAILS: u32 = 200;

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was tried, in one word: `mailbox`, `drafts`, ...
    pub what: &'static str,
    /// What came of it.
    pub health: Health,
    /// One sentence for the owner.
    pub words: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// As it should be.
    Good,
    /// It works, and less will be done than could be.
    Limited,
    /// The daemon cannot do its work.
    Bad,
}

impl Health {
    /// The word used in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Limited => "limited",
            Self::Bad => "bad",
        }
    }
}

/// What was found out about one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// The account.
    pub account: String,
    /// In the order it was tried.
    pub findings: Vec<Finding>,
    /// Who signs the account's mail; `None` when no mail could be read.
    pub signers: Option<Signers>,
}

impl Examined {
    fn note(&mut self, what: &'static str, health: Health, words: impl Into<String>) {
        self.findings.push(Finding { what, health, words: words.into() });
    }

    /// The worst of the findings.
    pub fn health(&self) -> Health {
        self.findings.iter().map(|finding| finding.health).max().unwrap_or(Health::Good)
    }
}

/// Tries what `account` needs: login, mailboxes, folders, mail to learn the
/// authserv-id from, and the SMTP server up to its login.
pub async fn examine(account: &Account, config: &Config) -> Examined {
    let mut examined = Examined { account: account.name.clone(), findings: Vec::new(), signers: None };
    match Port::connect(account, UidBook::in_memory()).await {
        Ok(mut port) => {
            examined.note("login", Health::Good, "the mailbox let us in");
            if let Err(fault) = look_around(&mut port, account, config, &mut examined).await {
                examined.note("mailbox", Health::Bad, fault.message());
            }
            port.close().await;
        }
        Err(fault) => examined.note("login", Health::Bad, fault.message()),
    }
    match Ledger::try_out(&config.state_dir) {
        Ok(()) => {
            let words = format!("the ledger can be kept in {}", config.state_dir.display());
            examined.note("state", Health::Good, words);
        }
        Err(fault) => examined.note("state", Health::Bad, fault.message()),
    }
    authserv_finding(account, &mut examined);
    resolver_finding(account, &mut examined).await;
    books_finding(config, &mut examined);
    smtp(account, &mut examined).await;
    examined
}

async fn look_around(
    port: &mut Port,
    account: &Account,
    config: &Config,
    examined: &mut Examined,
) -> Result<(), Fault> {
    let fields = ["From", "Received", "Authentication-Results"].map(str::to_owned);
    let mut mails = Vec::new();
    for mailbox in &account.mailboxes {
        let opened = port.open(mailbox, Access::ReadOnly).await?;
        examined.note(
            "mailbox",
            Health::Good,
            format!("{mailbox} can be read; mails in it: {}", opened.exists),
        );
        // The UIDs of a Maildir are the daemon's own, and it keeps them.
        if opened.uid_validity == 0 && matches!(account.kind, MailboxKind::Imap(_)) {
            let words = format!("{mailbox}: the server gives no UIDVALIDITY, so every look begins anew");
            examined.note("mailbox", Health::Limited, words);
        }
        if !config.after.is_empty()
            && let Err(fault) = port.try_out(mailbox).await
        {
            let words = format!("[[after]] cannot change notifications in {mailbox}: {fault}");
            examined.note("mailbox", Health::Limited, words);
        }
        let from = opened.uid_next.saturating_sub(MAILS).max(1);
        let envelopes = port.new_envelopes(from, None, &fields).await?;
        mails.extend(envelopes.iter().filter_map(|e| parse::parse_header(&e.header).ok()));
    }
    examined.signers = Some(authserv::learn(&mails));
    let folders = port.folders(account.drafts.as_deref(), account.sent.as_deref()).await?;
    let name = &account.name;
    match folders.drafts {
        Some(drafts) => match port.try_out(&drafts).await {
            Ok(()) => {
                let (health, beside) = beside(account.drafts.as_deref(), &drafts, name, "drafts");
                examined.note("drafts", health, format!("letters go to {drafts}{beside}"));
            }
            Err(fault) => examined.note("drafts", Health::Bad, fault.message()),
        },
        None => examined.note(
            "drafts",
            Health::Bad,
            format!("no Drafts folder was found; make one, or name it: account.{name}.drafts = \"...\""),
        ),
    }
    if let Some(hold) = config.policy.hold.filter(|_| account.smtp.is_some()) {
        if port.can_remove() {
            let hold = duration_text(hold);
            examined.note("hold", Health::Good, format!("letters to send stand in Drafts for {hold} first"));
        } else {
            examined.note("hold", Health::Bad, format!("policy.hold: {CANNOT_REMOVE}; take it out to send"));
        }
    }
    match folders.sent {
        Some(sent) => match port.try_out(&sent).await {
            Err(fault) if account.smtp.is_some() => examined.note("sent", Health::Bad, fault.message()),
            // Without a server to send by Sent is only read.
            _ => {
                let (health, beside) = beside(account.sent.as_deref(), &sent, name, "sent");
                examined.note("sent", health, format!("sent mail is in {sent}{beside}"));
            }
        },
        None => examined.note(
            "sent",
            Health::Limited,
            format!("no Sent folder was found; name it: account.{name}.sent = \"...\""),
        ),
    }
    Ok(())
}

/// What to say of a folder that is another than the configured one: who runs the server
/// knows best, and who wrote the key should hear of it.
fn beside(configured: Option<&str>, found: &str, account: &str, key: &str) -> (Health, String) {
    match configured {
        Some(name) if name != found => {
            let words = format!(
                ", which the server itself names for that; account.{account}.{key} = {name:?} is not used, take it out"
            );
            (Health::Limited, words)
        }
        _ => (Health::Good, String::new()),
    }
}

fn authserv_finding(account: &Account, examined: &mut Examined) {
    let Some(signers) = examined.signers.clone() else { return };
    let name = &account.name;
    let looked = signers.looked;
    let (health, words) = match (account.authserv_id.as_deref(), &signers.advice) {
        (Some(set), Advice::Use(learned)) if is_id(learned, set) => {
            (Health::Good, format!("{set} signs nearly all of the newest mail ({looked} looked at)"))
        }
        (Some(set), Advice::Use(learned)) => (
            Health::Bad,
            format!(
                "{set} is configured, but {learned} signs nearly all of the newest mail ({looked} looked at)"
            ),
        ),
        (Some(set), _) if !signers.seen.iter().any(|(id, _)| is_id(id, set)) && looked > 0 => (
            Health::Bad,
            format!(
                "{set} is configured, but signs none of the newest mail ({looked} looked at): all will be left alone"
            ),
        ),
        (Some(set), _) if looked == 0 => {
            (Health::Good, format!("{set} is configured; no mail is there to show it"))
        }
        (Some(set), _) => (
            Health::Good,
            format!("{set} is configured, and signs some of the newest mail ({looked} looked at)"),
        ),
        (None, Advice::Use(learned)) => (
            Health::Limited,
            format!(
                "{learned} signs nearly all of the newest mail ({looked} looked at); with account.{name}.authserv_id = \"{learned}\" \
                 (or `notyet doctor --write`) forgeries are told from real mail, and sending becomes possible"
            ),
        ),
        (None, Advice::None) if account.dkim == Dkim::Verify => (
            Health::Good,
            "no mail carries Authentication-Results of your provider; our own DKIM check stands in"
                .to_owned(),
        ),
        (None, Advice::None) => (
            Health::Limited,
            format!(
                "no mail carries Authentication-Results of your provider: letters are drafted, never sent; \
                 with account.{name}.dkim = \"verify\" notyet checks signatures itself"
            ),
        ),
        (None, Advice::Unclear) if looked == 0 => {
            (Health::Limited, "no mail is there yet to show who signs for your provider".to_owned())
        }
        (None, Advice::Unclear) => (
            Health::Limited,
            format!(
                "the newest mail ({looked} looked at) does not show who signs for your provider; look at the header of a mail you got"
            ),
        ),
    };
    examined.note("authserv_id", health, words);
}

/// Whether somebody answers who is asked for keys. Any answer about a name that
/// belongs to nobody (RFC 2606) will do.
async fn resolver_finding(account: &Account, examined: &mut Examined) {
    let (Dkim::Verify, Some(name)) = (account.dkim, KeyName::new("notyet", "example.org")) else {
        return;
    };
    let answers = Resolver::new(account.resolver).keys(vec![name]).await;
    let fault = answers.iter().find_map(|(_, answer)| match answer {
        KeyAnswer::Failed(words) | KeyAnswer::Silence(words) => Some(words),
        KeyAnswer::Record(_) | KeyAnswer::Several | KeyAnswer::Absent => None,
    });
    match fault {
        None => examined.note("dkim", Health::Good, "the DNS answers questions for keys"),
        Some(words) => examined.note("dkim", Health::Bad, format!("the DNS gives no keys: {words}")),
    }
}

/// Whether all address books can be read: before each was, no invitation is judged.
fn books_finding(config: &Config, examined: &mut Examined) {
    if config.people.address_books.is_empty() {
        return;
    }
    match books::read_all(&config.people) {
        Ok(all) => {
            let words = format!("contacts in your address books: {}", all.cards);
            examined.note("people", Health::Good, words);
        }
        Err(fault) => examined.note("people", Health::Bad, fault.message()),
    }
}

/// Writes `authserv_id` into the configuration file, below the header of the
/// account's table; where there are only tables within it, such a header is put
/// before the first. Everything else stays as it is, byte for byte.
///
/// # Errors
/// [`Fault::Permanent`] naming the file, when it cannot be read or written, or
/// has no such table to write into; nothing is changed then.
pub fn write_authserv_id(file: &Path, account: &str, id: &str) -> Result<(), Fault> {
    let wrong = |what: String| Fault::Permanent(format!("{}: {what}", file.display()));
    let text = files::read_text(file, MAX_CONFIG_BYTES)?;
    let added = with_authserv_id(&text, account, id).ok_or_else(|| {
        wrong(format!("no line [account.{account}] to write below; add authserv_id = \"{id}\" by hand"))
    })?;
    files::replace(file, added.as_bytes())
}

fn with_authserv_id(text: &str, account: &str, id: &str) -> Option<String> {
    let key = format!("authserv_id = \"{id}\"");
    let end_of = |line: &str| if line.ends_with("\r\n") { "\r\n" } else { "\n" };
    let mut first_within = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        match Table::opened_by(line, account) {
            Some(Table::Whole) => {
                let (before, after) = text.split_at_checked(end)?;
                let missing = if line.ends_with('\n') { "" } else { "\n" };
                return Some(format!("{before}{missing}{key}{}{after}", end_of(line)));
            }
            Some(Table::Within(name)) => first_within = first_within.or(Some((start, name, end_of(line)))),
            None => {}
        }
        start = end;
    }
    let (start, name, end) = first_within?;
    let (before, after) = text.split_at_checked(start)?;
    Some(format!("{before}[account.{name}]{end}{key}{end}{end}{after}"))
}

/// What the header of a table opens of an account.
enum Table {
    /// Its own.
    Whole,
    /// One within its own, and how the account's name is written there.
    Within(String),
}

impl Table {
    fn opened_by(line: &str, account: &str) -> Option<Self> {
        let table = line.split('#').next()?.trim().strip_prefix("[account.")?.strip_suffix(']')?;
        let names = [account.to_owned(), format!("\"{account}\""), format!("'{account}'")];
        names.into_iter().find_map(|name| match table.strip_prefix(&name)? {
            "" => Some(Self::Whole),
            rest => rest.starts_with('.').then_some(Self::Within(name)),
        })
    }
}

async fn smtp(account: &Account, examined: &mut Examined) {
    let Some(server) = &account.smtp else {
        return examined.note("smtp", Health::Good, "not configured: letters are drafted");
    };
    let secret = match &server.login {
        None => None,
        Some(login) => match secrets::read(&login.secret).await {
            Ok(secret) => Some(secret),
            Err(fault) => return examined.note("smtp", Health::Bad, fault.message()),
        },
    };
    match sender::probe(server, secret.as_ref(), &account.from).await {
        Ok(()) => examined.note("smtp", Health::Good, format!("{} lets us in", server.host)),
        Err(fault) => examined.note("smtp", Health::Bad, fault.message()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_goes_below_its_table_and_nothing_else_changes() {
        let text = "# mine\n[account.home]\n\n[account.work] # the office\nsince = \"3d\"\n";
        let added = with_authserv_id(text, "work", "mx.example.org").unwrap();
        assert_eq!(
            added,
            "# mine\n[account.home]\n\n[account.work] # the office\nauthserv_id = \"mx.example.org\"\nsince = \"3d\"\n"
        );
        assert_eq!(with_authserv_id(text, "play", "x"), None);
        assert_eq!(with_authserv_id("[account.a]", "a", "x").unwrap(), "[account.a]\nauthserv_id = \"x\"\n");
    }

    #[test]
    fn a_table_that_has_only_tables_within_it_gets_a_header() {
        let text = "[account.ab.imap]\r\nport = 1\r\n[account.a.imap]\r\nport = 2\r\n[account.a.smtp]\r\n";
        assert_eq!(
            with_authserv_id(text, "a", "x").unwrap(),
            "[account.ab.imap]\r\nport = 1\r\n[account.a]\r\nauthserv_id = \"x\"\r\n\r\n\
             [account.a.imap]\r\nport = 2\r\n[account.a.smtp]\r\n"
        );
        // A table may stand below those within it.
        let text = "[account.a.imap]\nport = 2\n[account.a]\ndkim = \"verify\"\n";
        assert_eq!(
            with_authserv_id(text, "a", "x").unwrap(),
            "[account.a.imap]\nport = 2\n[account.a]\nauthserv_id = \"x\"\ndkim = \"verify\"\n"
        );
    }
}
