//! Opening a mailbox for good: EXAMINE where UIDs last, SELECT where only that
//! keeps them, against scripted peers.

use notyet::shell::mailbox::imap::ImapSession;
use notyet::shell::mailbox::{Access, Opened};

use super::imap::{after_login, connect};
use crate::support::peer::{Peer, Step, exchange};

fn examined(uid_next: &str) -> Vec<Step> {
    let told = ["* 3 EXISTS", "* OK [UIDVALIDITY 77] fine", uid_next, "{tag} OK [READ-ONLY] done"];
    exchange("EXAMINE \"INBOX\"", &told)
}

/// STATUS, then SELECT: the last mail has UID 12.
fn selected_after(status: &str) -> Vec<Vec<Step>> {
    let told = format!("* STATUS INBOX ({status})");
    vec![
        exchange("STATUS \"INBOX\" (MESSAGES UIDNEXT UIDVALIDITY)", &[&told, "{tag} OK done"]),
        exchange("SELECT \"INBOX\"", &["* 3 EXISTS", "* OK [UIDVALIDITY 77] x", "{tag} OK [READ-WRITE] x"]),
        exchange("UID FETCH * (UID)", &["* 3 FETCH (UID 12)", "{tag} OK done"]),
    ]
}

async fn opened(session: &mut ImapSession) -> Opened {
    session.open("INBOX", Access::LastingUids).await.expect("open")
}

#[tokio::test]
async fn a_server_that_tells_uidnext_is_only_examined() {
    let script = vec![examined("* OK [UIDNEXT 14] fine"), vec![Step::Stall]];
    let peer = Peer::start(after_login(script)).await;
    let mut session = connect(&peer).await.expect("a session");
    assert_eq!(opened(&mut session).await, Opened { uid_validity: 77, uid_next: 14, exists: 3 });
    drop(session);
    peer.finish().await;
}

/// The last mail gone, one that came between, numbers of another time, a STATUS without numbers.
#[tokio::test]
async fn without_uidnext_it_is_selected_and_the_next_uid_is_never_too_low_nor_beyond_what_is_shown() {
    let mut script = vec![examined("* OK fine")];
    for status in [
        "MESSAGES 3 UIDNEXT 14 UIDVALIDITY 77",
        "MESSAGES 2 UIDNEXT 12 UIDVALIDITY 77",
        "MESSAGES 3 UIDNEXT 99 UIDVALIDITY 76",
        "MESSAGES 3",
    ] {
        script.extend(selected_after(status));
    }
    script.push(vec![Step::Stall]);
    let peer = Peer::start(after_login(script)).await;
    let mut session = connect(&peer).await.expect("a session");
    // Examined once; then it is known.
    for uid_next in [14, 13, 13, 13] {
        assert_eq!(opened(&mut session).await, Opened { uid_validity: 77, uid_next, exists: 3 });
    }
    drop(session);
    peer.finish().await;
}

/// Whoever must not write leaves a mailbox as it is.
#[tokio::test]
async fn a_look_that_leaves_no_trace_never_selects() {
    let last = exchange("UID FETCH * (UID)", &["* 3 FETCH (UID 12)", "{tag} OK done"]);
    let script = vec![examined("* OK fine"), last, vec![Step::Stall]];
    let peer = Peer::start(after_login(script)).await;
    let mut session = connect(&peer).await.expect("a session");
    let opened = session.open("INBOX", Access::ReadOnly).await.expect("open");
    assert_eq!(opened, Opened { uid_validity: 77, uid_next: 13, exists: 3 });
    drop(session);
    peer.finish().await;
}
