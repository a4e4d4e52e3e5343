//! `[account.NAME.imap]` and `[account.NAME.smtp]`: where, how protected, and who we are.

use std::net::IpAddr;
use std::path::PathBuf;

use super::field::{Field, Words};
use super::keys::{OAUTH2, PASSWORD};
use super::raw::Section;
use super::surroundings::Surroundings;
use super::types::{Imap, Login, SecretSource, Smtp, Tls};
use super::validate::{MINUTE, SECOND};

pub(super) const TLS: &Words<Tls> =
    &[("implicit", Tls::Implicit), ("starttls", Tls::StartTls), ("loopback-plain", Tls::LoopbackPlain)];

const SECRET_REMEDY: &str = "give exactly one of password.command = [\"program\", \"argument\"], \
     password.file, password.credential or oauth2.token_command";

/// Whose login the submission server gets when it has none of its own.
#[derive(Clone, Copy)]
enum SharedLogin {
    Imap,
    Nobody,
}

const SHARED_LOGINS: &Words<SharedLogin> = &[("imap", SharedLogin::Imap), ("none", SharedLogin::Nobody)];

/// What the account's mailbox offers the submission server as a login.
#[derive(Clone, Copy)]
pub(super) enum ImapLogin<'a> {
    /// This one.
    Known(&'a Login),
    /// There is one, but a problem with it was noted.
    Unreadable,
    /// The mail is in a Maildir.
    Absent,
}

/// The usual ports of one protocol.
struct Ports {
    implicit: u16,
    starttls: u16,
    plain: u16,
}

/// RFC 8314 §7.2, RFC 9051 §2.1.
const IMAP_PORTS: Ports = Ports { implicit: 993, starttls: 143, plain: 143 };

/// RFC 8314 §7.3, RFC 6409 §3.1; a server on this machine takes mail on 25.
const SMTP_PORTS: Ports = Ports { implicit: 465, starttls: 587, plain: 25 };

/// The IMAP server. `None` means that a problem was noted.
pub(super) fn imap(section: &Section<'_>, around: &Surroundings) -> Option<Imap> {
    let line = line(section, &IMAP_PORTS, around);
    let idle = section.or("idle", true, |field| field.flag());
    let timeout = section.or("timeout", MINUTE, |field| field.duration(SECOND..=10 * MINUTE));
    let max_body_bytes = section.or("max_body_bytes", 1 << 20, |field| field.integer(1 << 10..=64 << 20));
    let login = login(section, around);
    let line = line?;
    Some(Imap {
        host: line.host,
        port: line.port,
        tls: line.tls,
        ca_file: line.ca_file,
        idle: idle?,
        timeout: timeout?,
        max_body_bytes: max_body_bytes?,
        login: login?,
    })
}

/// The submission server; `imap` is the login that it may share.
pub(super) fn smtp(section: &Section<'_>, imap: ImapLogin<'_>, around: &Surroundings) -> Option<Smtp> {
    let line = line(section, &SMTP_PORTS, around);
    // RFC 5321 §4.5.3.2 asks for five minutes in most phases.
    let timeout = section.or("timeout", 5 * MINUTE, |field| field.duration(SECOND..=15 * MINUTE));
    let login = smtp_login(section, imap, line.as_ref(), around);
    let line = line?;
    Some(Smtp {
        host: line.host,
        port: line.port,
        tls: line.tls,
        ca_file: line.ca_file,
        timeout: timeout?,
        login: login?,
    })
}

/// Whether `host` can only be this machine: `localhost`, 127.0.0.0/8 or `::1`.
pub(super) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// What both protocols need to know of a connection.
struct Line {
    host: String,
    port: u16,
    tls: Tls,
    ca_file: Option<PathBuf>,
}

fn line(section: &Section<'_>, ports: &Ports, around: &Surroundings) -> Option<Line> {
    let host = section.required("host", "give the server's name", host);
    let tls = section.or("tls", Tls::Implicit, |field| field.word(TLS));
    let usual = match tls {
        Some(Tls::StartTls) => ports.starttls,
        Some(Tls::LoopbackPlain) => ports.plain,
        Some(Tls::Implicit) | None => ports.implicit,
    };
    let port = section.or("port", usual, |field| field.integer(1..=u16::MAX));
    let ca_file = section.optional("ca_file", |field| field.path(around));
    if let (Some(host), Some(Tls::LoopbackPlain), Some(field)) = (&host, tls, section.field("tls"))
        && !is_loopback(host)
    {
        field.refuse(
            "plain text to another machine",
            "\"loopback-plain\" is for localhost, 127.0.0.0/8 and ::1; \
             use \"implicit\" or \"starttls\"",
        );
        return None;
    }
    match (tls, port) {
        (Some(Tls::Implicit), Some(port)) if port == ports.starttls => section.warn(
            "port",
            &format!("{port} with tls = \"implicit\""),
            "servers expect STARTTLS there: set tls = \"starttls\", or leave port out",
        ),
        (Some(Tls::StartTls), Some(port)) if port == ports.implicit => section.warn(
            "port",
            &format!("{port} with tls = \"starttls\""),
            "servers expect TLS at once there: set tls = \"implicit\", or leave port out",
        ),
        _ => {}
    }
    Some(Line { host: host?, port: port?, tls: tls?, ca_file: ca_file? })
}

fn host(field: &Field<'_>) -> Option<String> {
    let host = field.text()?;
    let is_name = host.split('.').all(|label| !label.is_empty() && label.bytes().all(is_host_byte));
    if is_name || host.parse::<IpAddr>().is_ok() {
        return Some(host);
    }
    field.refuse(
        "not a host name",
        "give the bare name or IP address, as in \"mail.example.org\"; \
         the port has a key of its own",
    );
    None
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// User and secret, both required.
fn login(section: &Section<'_>, around: &Surroundings) -> Option<Login> {
    let user = section.required("user", "give the user name", Field::text);
    let secret = secret(section, around);
    Some(Login { user: user?, secret: secret? })
}

/// An own login when `user` or a secret is set, else the shared one.
fn smtp_login(
    section: &Section<'_>,
    imap: ImapLogin<'_>,
    line: Option<&Line>,
    around: &Surroundings,
) -> Option<Option<Login>> {
    let own = ["user", "password", "oauth2"].iter().any(|key| section.field(key).is_some());
    let shared = section.optional("login", |field| field.word(SHARED_LOGINS))?;
    match (own, shared) {
        (true, Some(_)) => {
            section
                .field("login")?
                .refuse("login beside a user or secret", "leave login out to use those, or leave those out");
            None
        }
        (true, None) => login(section, around).map(Some),
        (false, Some(SharedLogin::Nobody)) => {
            if line.is_some_and(|line| !is_loopback(&line.host)) {
                section.field("login")?.refuse(
                    "\"none\" on another machine",
                    "only a server on this machine takes mail without login; \
                     use \"imap\", or set user and a secret",
                );
                return None;
            }
            Some(None)
        }
        (false, Some(SharedLogin::Imap) | None) => match imap {
            ImapLogin::Known(login) => Some(Some(login.clone())),
            ImapLogin::Unreadable => None,
            ImapLogin::Absent => {
                let remedy = "a Maildir has no login to share: give the user name and a secret, \
                     or login = \"none\" for a server on this machine";
                section.missing("user", remedy);
                None
            }
        },
    }
}

fn secret(section: &Section<'_>, around: &Surroundings) -> Option<SecretSource> {
    let mut sources = Vec::new();
    if let Some(field) = section.field("password") {
        if !field.is_table() {
            field.refuse(
                "a password in the config file (not shown here)",
                "such files get copied and shared, so it may not stand here: \
                 use password.command, password.file or password.credential",
            );
            return None;
        }
        let password = field.section(PASSWORD)?;
        for key in PASSWORD {
            sources.extend(password.field(key).map(|field| (*key, field)));
        }
        if sources.is_empty() {
            password.missing("command", SECRET_REMEDY);
            return None;
        }
    }
    if let Some(field) = section.field("oauth2") {
        let oauth2 = field.section(OAUTH2)?;
        let Some(field) = oauth2.field("token_command") else {
            oauth2.missing("token_command", SECRET_REMEDY);
            return None;
        };
        sources.push(("token_command", field));
    }
    match sources.as_slice() {
        [] => {
            section.missing("password", SECRET_REMEDY);
            None
        }
        [(key, field)] => match *key {
            "command" => command(field, around).map(SecretSource::PasswordCommand),
            "file" => file(field, around).map(SecretSource::PasswordFile),
            "credential" => credential(field).map(SecretSource::PasswordCredential),
            _ => command(field, around).map(SecretSource::TokenCommand),
        },
        [_, (_, second), ..] => {
            second.refuse("a second source of the secret", SECRET_REMEDY);
            None
        }
    }
}

/// An argv. What was found is never shown: arguments may hold secrets.
fn command(field: &Field<'_>, around: &Surroundings) -> Option<Vec<String>> {
    const ALLOWED: &str = "give the program and its arguments as a list, \
         as in [\"pass\", \"show\", \"mail\"]; no shell is involved \
         (if you need one, use [\"sh\", \"-c\", \"...\"])";
    let fits = |argv: &Vec<String>| {
        argv.first().is_some_and(|program| !program.is_empty())
            && !argv.iter().any(|word| word.contains('\0'))
    };
    let Some(mut argv) = field.texts_unseen().filter(fits) else {
        field.refuse("not a program with its arguments (not shown here)", ALLOWED);
        return None;
    };
    if let Some(program) = argv.first_mut()
        && program.contains('/')
        && let Some(path) = around.resolve(program)
    {
        *program = path.to_string_lossy().into_owned();
    }
    Some(argv)
}

fn file(field: &Field<'_>, around: &Surroundings) -> Option<PathBuf> {
    if field.text_unseen().is_none() {
        field.refuse("something else than a path (not shown here)", "give the path in quotes");
        return None;
    }
    field.path(around)
}

/// systemd.exec(5): a credential's name must be fit for a file name.
fn credential(field: &Field<'_>) -> Option<String> {
    let fits = |name: &String| {
        (1..=255).contains(&name.len())
            && !name.starts_with('.')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    let name = field.text_unseen().filter(fits);
    if name.is_none() {
        field.refuse(
            "not the name of a credential (not shown here)",
            "give the name that LoadCredential= has in the unit, as in \"work-imap\"",
        );
    }
    name
}
