//! What an address tells of who reads there: a person, a machine, a list, an
//! office, a crowd, or nobody.

use crate::domain::Address;

/// Local parts that belong to machines, separators removed. Each is matched
/// against every run of neighbouring words, so that `no-reply`, `no.reply`,
/// `messages-noreply` and `bounce+123` are all found and `bouncer` is not.
const ROBOTS: [&str; 95] = [
    "noreply",
    "noreplies",
    "donotreply",
    "dontreply",
    "noanswer",
    "neverreply",
    "replynotpossible",
    "noresponder",
    "naoresponda",
    "nepasrepondre",
    "nichtantworten",
    "keineantwort",
    "nonrispondere",
    "nietantwoorden",
    "nietbeantwoorden",
    "nietreageren",
    "nieodpowiadac",
    "nieodpowiadaj",
    "noresponda",
    "norespondas",
    "naoresponder",
    "nerepondezpas",
    "nerepondrepas",
    "sansreponse",
    "nonrispondete",
    "bittenichtantworten",
    "svarikke",
    "svarainte",
    "svarej",
    "ingetsvar",
    "alavastaa",
    "neodpovidat",
    "neodpovedat",
    "yanitlamayin",
    "yanitlamayiniz",
    "cevaplamayin",
    "cevaplamayiniz",
    "brakodpowiedzi",
    "neodpovidejte",
    "neodpovidej",
    "neodpovedajte",
    "nevalaszoljon",
    "nevalaszolj",
    "nevalaszol",
    "neotvechat",
    "neotvechay",
    "neotvechayte",
    "neotvechajte",
    "neotvechaite",
    "bezotveta",
    "nevidpovidaty",
    "geenantwoord",
    "geenreactie",
    "intesvara",
    "svaraej",
    "ejsvar",
    "ikkesvar",
    "besvarikke",
    "eivastausta",
    "sinrespuesta",
    "semresposta",
    "senzarisposta",
    "nuraspunde",
    "nuraspundeti",
    "neodgovarajte",
    "janganbalas",
    "automailer",
    "donotrespond",
    "dontrespond",
    "unattended",
    "unmonitored",
    "devnull",
    "nobody",
    "mailerdaemon",
    "maildaemon",
    "daemon",
    "postmaster",
    "hostmaster",
    "abuse",
    "bounce",
    "bounces",
    "bouncing",
    "notification",
    "notifications",
    "notify",
    "alert",
    "alerts",
    "newsletter",
    "newsletters",
    "mailrobot",
    "robot",
    "mailbot",
    "autoreply",
    "autoresponder",
    "unsubscribe",
];

/// Words so unlike any name that they count wherever they stand.
const ROBOTS_ANYWHERE: [&str; 4] = ["noreply", "donotreply", "mailerdaemon", "postmaster"];

/// Local parts of list machinery (RFC 2142 §6 and the list managers' habits).
const LIST_ROBOTS: [&str; 4] = ["listserv", "majordomo", "mailman", "listmaster"];

/// Last words by which list managers mark addresses about a list.
const LIST_SUFFIXES: [&str; 7] =
    ["request", "owner", "subscribe", "bounces", "confirm", "announce", "announcements"];

/// Host labels that mark a mailing list host.
const LIST_HOSTS: [&str; 8] =
    ["lists", "list", "listserv", "mailman", "groups", "googlegroups", "yahoogroups", "vger"];

/// Whole local parts of offices (RFC 2142, and who runs a host). `info` is
/// missing: many who work alone have no other address. So are words within a
/// name: Sales and Root are family names.
const OFFICES: [&str; 21] = [
    "admin",
    "administrator",
    "billing",
    "ftp",
    "helpdesk",
    "hostmaster",
    "mailer",
    "marketing",
    "news",
    "noc",
    "root",
    "sales",
    "security",
    "servicedesk",
    "support",
    "sysadmin",
    "system",
    "usenet",
    "uucp",
    "webmaster",
    "www",
];

/// Whole local parts behind which are many.
const CROWDS: [&str; 19] = [
    "all",
    "alle",
    "allemployees",
    "allhands",
    "allstaff",
    "allusers",
    "employees",
    "everybody",
    "everyone",
    "members",
    "mitarbeiter",
    "staff",
    "subscribers",
    "todos",
    "tous",
    "tutti",
    "undisclosedrecipients",
    "users",
    "wszyscy",
];

/// Top-level domains in which no public mail is delivered (RFC 2606, 6761, 6762,
/// 7686, 9476, and `internal`), and `arpa`, which names addresses and not people.
/// `example` is such a one and stands for a person everywhere in our tests.
const DEAD_TOPS: [&str; 9] =
    ["alt", "arpa", "internal", "invalid", "local", "localdomain", "localhost", "onion", "test"];

/// Who reads what is sent to an address, as far as it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// It may be one person.
    Person,
    /// Whoever is on duty.
    Office,
    /// Everybody of a house.
    Crowd,
    /// No public mail gets there.
    Nobody,
}

/// Who reads what is sent to `to`.
pub(super) fn reader(to: &Address) -> Reader {
    let local = to.local().split('+').next().unwrap_or_default();
    let whole = words(local).concat();
    if to.domain().rsplit('.').next().is_some_and(|top| DEAD_TOPS.contains(&top)) {
        Reader::Nobody
    } else if OFFICES.contains(&whole.as_str()) {
        Reader::Office
    } else if CROWDS.contains(&whole.as_str()) {
        Reader::Crowd
    } else {
        Reader::Person
    }
}

/// Whether a machine, a list, an office, a crowd or nobody reads what is sent to `to`.
pub(in crate::stages) fn reaches_no_person(to: &Address) -> bool {
    is_robot(to.local()) || is_list(to) || reader(to) != Reader::Person
}

/// Whether a local part names a machine instead of a person.
pub fn is_robot(local: &str) -> bool {
    let words = words(local);
    let joined = words.concat();
    // SRS and BATV rewrite the envelope sender of somebody's: a reply there is a bounce.
    let rewritten = ["srs0", "srs1", "prvs="]
        .iter()
        .any(|mark| local.get(..mark.len()).is_some_and(|start| start.eq_ignore_ascii_case(mark)));
    if rewritten || ROBOTS_ANYWHERE.iter().any(|robot| joined.contains(robot)) {
        return true;
    }
    (0..words.len()).any(|start| {
        let mut run = String::new();
        words.iter().skip(start).any(|word| {
            run.push_str(word);
            ROBOTS.contains(&run.as_str()) || LIST_ROBOTS.contains(&run.as_str())
        })
    })
}

/// Whether an address leads to a list or its machinery.
pub fn is_list(to: &Address) -> bool {
    let words = words(to.local());
    let about_a_list = words.len() > 1
        && (words.last().is_some_and(|w| LIST_SUFFIXES.contains(&w.as_str()))
            || words.first().is_some_and(|w| w == "owner"));
    about_a_list || to.domain().split('.').any(|label| LIST_HOSTS.contains(&label))
}

/// The words of a local part in lower case: runs of letters.
fn words(local: &str) -> Vec<String> {
    local
        .to_ascii_lowercase()
        .split(|c: char| !c.is_ascii_alphabetic())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_known_by_their_local_part() {
        for robot in [
            "noreply",
            "no-reply",
            "No.Reply",
            "NO_REPLY",
            "messages-noreply",
            "noreply+4711",
            "noreply2",
            "linkednoreply",
            "do-not-reply",
            "DoNotReply",
            "don-t-reply",
            "mailer-daemon",
            "MAILER_DAEMON",
            "Postmaster",
            "bounce",
            "bounces+a=b",
            "bounce-77-x",
            "notifications",
            "notify",
            "ne-pas-repondre",
            "listserv",
            "majordomo",
            "no-responda",
            "nao_responder",
            "ne.repondez.pas",
            "svar-ikke",
            "SRS0=ab1c=XY=example.net=jane",
            "prvs=0123abcdef=jane",
        ] {
            assert!(is_robot(robot), "{robot}");
        }
    }

    #[test]
    fn people_are_not_taken_for_machines() {
        for person in [
            "jane",
            "robotham",
            "bouncer",
            "nora.eply",
            "notable",
            "postma",
            "daemonique",
            "alerta.perez",
            "reply",
            "info",
            "j.abusemann",
            "srs.sharma",
            "nobodyknows",
            "svarikkelsen",
            "f4c1d2e8-0000-4000-8000-9a0b1c2d3e4f",
        ] {
            assert!(!is_robot(person), "{person}");
        }
    }
}
