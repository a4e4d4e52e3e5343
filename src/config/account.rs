//! `[account.NAME]`.

use std::net::{IpAddr, SocketAddr};

use super::field::{Field, Words};
use super::keys::{IMAP, MAILDIR, SMTP, closest};
use super::place::Place;
use super::raw::Section;
use super::server::{self, ImapLogin};
use super::surroundings::Surroundings;
use super::types::{Account, Dkim, MailboxKind, Maildir, SentCopy, Smtp};
use super::validate::{DAY, MINUTE, SECOND, address};
use crate::domain::Address;

pub(super) const SENT_COPIES: &Words<SentCopy> =
    &[("file", SentCopy::File), ("provider", SentCopy::Provider)];

pub(super) const DKIM: &Words<Dkim> = &[("provider", Dkim::Provider), ("verify", Dkim::Verify)];
/// Where a name server listens (RFC 1035 §4.2).
const DNS_PORT: u16 = 53;

/// One account. `None` means that a problem was noted. `own` are the owner's
/// addresses, unless there is a problem with them.
pub(super) fn account(
    name: &str,
    section: &Section<'_>,
    own: Option<&[Address]>,
    around: &Surroundings,
) -> Option<Account> {
    let from = match section.field("from") {
        Some(field) => from(&field, own),
        None => own.and_then(|own| own.first().cloned()),
    };
    let kind = kind(section, around);
    let login = match &kind {
        Some(MailboxKind::Imap(imap)) => ImapLogin::Known(&imap.login),
        Some(MailboxKind::Maildir(_)) => ImapLogin::Absent,
        None => ImapLogin::Unreadable,
    };
    let smtp = section.optional("smtp", |field| server::smtp(&field.section(SMTP)?, login, around));
    if let (None, Some(Some(smtp)), Some(own)) = (section.field("from"), &smtp, own)
        && logs_in_as_another(smtp, own)
    {
        section.warn(
            "from",
            "not set, while the login to send with is another of your addresses than the first",
            "letters come from the first; if this provider sends for its own addresses only, set it",
        );
    }
    let place = |name: &str| kind.as_ref().map_or(Place::on_server(name), |kind| kind.place(name));
    let mailboxes = section.or("mailboxes", vec!["INBOX".to_owned()], |field| mailboxes(field, place));
    let drafts = section.optional("drafts", Field::text);
    let sent = section.optional("sent", Field::text);
    let sent_copy = section.or("sent_copy", SentCopy::File, |field| field.word(SENT_COPIES));
    let authserv_id = section.optional("authserv_id", authserv_id);
    let dkim = section.or("dkim", Dkim::Provider, |field| field.word(DKIM));
    let resolver = section.optional("resolver", resolver);
    if let (Some(Dkim::Provider), Some(Some(_))) = (dkim, &resolver) {
        section.warn("resolver", "a server that is never asked", "it is used with dkim = \"verify\" only");
    }
    let poll_every = section.or("poll_every", 5 * MINUTE, |field| field.duration(SECOND..=DAY));
    let since = section.optional("since", |field| field.duration(MINUTE..=3_650 * DAY));
    if let (Some(mailboxes), Some(Some(drafts))) = (&mailboxes, &drafts)
        && mailboxes.iter().any(|name| place(name) == place(drafts))
        && let Some(field) = section.field("mailboxes")
    {
        field.refuse(
            "the Drafts mailbox among the watched ones",
            "watch only mailboxes that others' mail arrives in",
        );
    }
    if let (Some(poll_every), Some(MailboxKind::Imap(imap))) = (poll_every, &kind)
        && poll_every < MINUTE / 2
        && !server::is_loopback(&imap.host)
    {
        section.warn(
            "poll_every",
            "less than 30s on a server of others",
            "providers lock accounts that ask this often; IDLE reports new mail by itself",
        );
    }
    Some(Account {
        name: name.to_owned(),
        from: from?,
        mailboxes: mailboxes?,
        drafts: drafts?,
        sent: sent?,
        sent_copy: sent_copy?,
        authserv_id: authserv_id?,
        dkim: dkim?,
        resolver: resolver?,
        poll_every: poll_every?,
        since: since?,
        smtp: smtp?,
        kind: kind?,
    })
}

/// Every guard that knows the owner by their addresses has to know this one.
fn from(field: &Field<'_>, own: Option<&[Address]>) -> Option<Address> {
    let wanted = address(field)?;
    let own = own?;
    if let Some(listed) = own.iter().find(|one| one.same_spelling(&wanted)) {
        return Some(listed.clone());
    }
    let listed: Vec<String> = own.iter().map(Address::canonical).collect();
    let meant = closest(&wanted.canonical(), listed.iter().map(String::as_str))
        .and_then(|meant| listed.iter().position(|one| one == meant))
        // Its place and not its text: reloads put these messages into the log.
        .map_or(String::new(), |at| format!("did you mean owner.addresses[{at}]? "));
    field.refuse(
        "an address that is not the owner's",
        &format!("{meant}allowed: one of owner.addresses; add it there if it is yours"),
    );
    None
}

fn logs_in_as_another(smtp: &Smtp, own: &[Address]) -> bool {
    let user = smtp.login.as_ref().and_then(|login| Address::parse(&login.user));
    user.is_some_and(|user| own.iter().skip(1).any(|one| one.same_spelling(&user)))
}

fn kind(section: &Section<'_>, around: &Surroundings) -> Option<MailboxKind> {
    match (section.field("imap"), section.field("maildir")) {
        (Some(imap), None) => server::imap(&imap.section(IMAP)?, around).map(MailboxKind::Imap),
        (None, Some(field)) => {
            let path = field.section(MAILDIR)?.required(
                "path",
                "give the folder that holds cur, new and tmp",
                |path| path.path(around),
            );
            Some(MailboxKind::Maildir(Maildir { path: path? }))
        }
        (Some(imap), Some(maildir)) => {
            // Both are read, so that their own problems show as well.
            let _ = imap.section(IMAP).and_then(|imap| server::imap(&imap, around));
            maildir.refuse(
                "a Maildir in an account that has a server",
                "use either imap or maildir; make two accounts of it",
            );
            None
        }
        (None, None) => {
            section.missing("imap", "say where the mail is: add imap or maildir");
            None
        }
    }
}

fn mailboxes(field: &Field<'_>, place: impl Fn(&str) -> Place) -> Option<Vec<String>> {
    let names = field.texts()?;
    let places: Vec<Place> = names.iter().map(|name| place(name)).collect();
    let mut behind = places.as_slice();
    let mut twice = false;
    while let Some((first, rest)) = behind.split_first() {
        twice |= rest.contains(first);
        behind = rest;
    }
    if twice {
        field.refuse("a mailbox that is listed twice", "list each once");
        return None;
    }
    Some(names)
}

/// RFC 8601 §2.2: `authserv-id` is one token or a quoted string; no server in
/// use has one with blanks or semicolons.
fn authserv_id(field: &Field<'_>) -> Option<String> {
    let id = field.text()?;
    if id.contains(|c: char| c.is_whitespace() || c == ';' || c == '"') {
        field.refuse(
            "more than one word",
            "give the first word of the Authentication-Results header, as in \"mx.example.org\"",
        );
        return None;
    }
    Some(id)
}

/// A name server has an address: a name would have to be looked up with it.
fn resolver(field: &Field<'_>) -> Option<SocketAddr> {
    let text = field.text()?;
    let bare = |text: &str| text.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, DNS_PORT));
    let server = text.parse().ok().or_else(|| bare(&text)).filter(|server: &SocketAddr| server.port() != 0);
    if server.is_none() {
        field.refuse(
            "no address of a server",
            "give an IP address, with a port if it is not 53, as in \"127.0.0.1:5353\" or \"[::1]:5353\"",
        );
    }
    server
}
