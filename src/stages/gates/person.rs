//! Whether a letter would reach a person: rules about the address it goes to.

use crate::domain::{Address, Invitation, Mail, Reason, Route};

use super::authentic::within_any;
use super::{Finding, Trust, leave, vouched};

/// Local parts that belong to machines, separators removed. Each is matched
/// against every run of neighbouring words, so that `no-reply`, `no.reply`,
/// `messages-noreply` and `bounce+123` are all found and `bouncer` is not.
const ROBOTS: [&str; 61] = [
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
const LIST_SUFFIXES: [&str; 5] = ["request", "owner", "subscribe", "bounces", "confirm"];

/// Host labels that mark a mailing list host.
const LIST_HOSTS: [&str; 6] = ["lists", "list", "listserv", "mailman", "groups", "googlegroups"];

/// The route leads to one person, or nowhere.
pub(super) fn target(mail: &Mail, invitation: &Invitation, owner: &[Address], trust: &Trust<'_>) -> Finding {
    let Some(to) = invitation.route.to() else {
        return Finding::Pass("no address reaches the inviter; nothing can be sent".to_owned());
    };
    if mail.reply_to.len() > 1 {
        return leave("several-targets", "The mail asks for answers to several addresses.");
    }
    if is_of_owner(to, owner) {
        return leave("target-is-owner", "The answer would go to the owner's own address.");
    }
    if mail.recipients.iter().filter_map(|r| r.address.as_ref()).any(|r| r.same_mailbox(to)) {
        return leave(
            "target-is-recipient",
            "The answer would go to an address this mail was sent to: a list, or the owner.",
        );
    }
    if is_robot(to.local()) {
        return leave("target-is-robot", "The answer would go to an address that no person reads.");
    }
    if is_list(to) {
        return leave("target-is-list", "The answer would go to a mailing list.");
    }
    let relayed = within_any(to.domain(), trust.relay_domains);
    match invitation.route {
        Route::FromNote(_) => Finding::Review(Reason {
            code: "address-from-note",
            text:
                "the address stands in the note only, which no signature of the network's makes the inviter's"
                    .to_owned(),
        }),
        Route::Relay(_) if !relayed => leave(
            "target-is-no-relay",
            "The address that should forward the answer is not of the network's relay domain.",
        ),
        Route::Address(_) if !relayed && trust.is_network(to.domain()) => {
            leave("target-is-network", "The answer would go to the network and not to the inviter.")
        }
        Route::Address(_) if !is_shown(to, mail) => {
            leave("target-not-shown", "The address to answer to stands neither in Reply-To nor in From.")
        }
        _ if is_from(to, mail) || vouched::for_reply_to(mail, trust) => {
            Finding::Pass("one address, which may be a person's".to_owned())
        }
        _ => Finding::Review(Reason {
            code: "reply-to-unsigned",
            text: "The address stands in a Reply-To that no signature covers, and the mail did not come \
                   straight from the network: somebody may have changed it on the way."
                .to_owned(),
        }),
    }
}

/// `address` is one of the owner's, sub-addresses (RFC 5233) included.
pub fn is_of_owner(address: &Address, owner: &[Address]) -> bool {
    let base = |a: &Address| {
        let local = a.local();
        local.split('+').next().unwrap_or(local).to_ascii_lowercase()
    };
    owner.iter().any(|own| own.domain() == address.domain() && base(own) == base(address))
}

fn is_from(to: &Address, mail: &Mail) -> bool {
    mail.from.address.as_ref().is_some_and(|from| from.same_mailbox(to))
}

fn is_shown(to: &Address, mail: &Mail) -> bool {
    std::iter::once(&mail.from)
        .chain(&mail.reply_to)
        .filter_map(|mailbox| mailbox.address.as_ref())
        .any(|shown| shown.same_mailbox(to))
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
