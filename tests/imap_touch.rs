//! The commands that change mail, against scripted peers: one UID each, shown
//! to be the one that is meant, and a refusal that harms nothing else.

use notyet::domain::{Fault, MessageId};
use notyet::shell::mailbox::imap::ImapSession;
use notyet::shell::mailbox::{Change, Marks, Moving, Sighting};

use super::imap::{after_login, connect};
use crate::support::peer::{Peer, Step, exchange, expect, say};

const SEEN: Marks = Marks { seen: true, flagged: false };
const NONE: Marks = Marks { seen: false, flagged: false };

fn id() -> MessageId {
    MessageId::parse("<one@example.com>").unwrap()
}

fn selected(uid_validity: u32) -> Vec<Step> {
    let validity = format!("* OK [UIDVALIDITY {uid_validity}] fine");
    exchange(
        "SELECT \"INBOX\"",
        &["* 3 EXISTS", &validity, "* OK [UIDNEXT 14] fine", "{tag} OK [READ-WRITE] done"],
    )
}

/// The answer to the look at UID 12: flags, and this Message-ID.
fn shown(message_id: &str) -> Vec<Step> {
    let field = format!("Message-ID: <{message_id}>\r\n\r\n");
    let fetch = format!(
        "* 2 FETCH (UID 12 FLAGS (\\Flagged) BODY[HEADER.FIELDS (MESSAGE-ID)]<0> {{{}}}\r\n{field})\r\n",
        field.len()
    );
    vec![
        expect("UID FETCH 12 (UID FLAGS BODY.PEEK[HEADER.FIELDS (Message-ID)]<0.4096>)"),
        Step::Say(fetch),
        say("{tag} OK done"),
    ]
}

/// A session that has found UID 12, and a peer that goes on with `rest`.
async fn found(rest: Vec<Vec<Step>>) -> (Peer, ImapSession) {
    let mut script = vec![selected(77), shown("one@example.com")];
    script.extend(rest);
    let peer = Peer::start(after_login(script)).await;
    let mut session = connect(&peer).await.expect("a session");
    let spot = session.find_to_touch("INBOX", Some((77, 12)), &id()).await.unwrap().expect("it is there");
    assert_eq!((spot.uid, spot.marks), (12, Marks { seen: false, flagged: true }));
    (peer, session)
}

#[tokio::test]
async fn a_uid_that_is_another_mail_by_now_is_not_found() {
    let peer = Peer::start(after_login(vec![
        selected(77),
        shown("other@example.com"),
        // Changed flags of the mail that is asked for, and nothing else, prove nothing.
        selected(77),
        exchange("UID FETCH 12 ", &["* 2 FETCH (UID 12 FLAGS (\\Seen))", "{tag} OK done"]),
    ]))
    .await;
    let mut session = connect(&peer).await.unwrap();
    for _ in 0..2 {
        assert_eq!(session.find_to_touch("INBOX", Some((77, 12)), &id()).await, Ok(None));
    }
    drop(session);
    peer.finish().await;
}

/// After a renumbering the UID means another mail: only the Message-ID finds it.
#[tokio::test]
async fn with_another_uidvalidity_the_uid_is_not_believed() {
    let peer = Peer::start(after_login(vec![
        selected(78),
        exchange("EXAMINE \"INBOX\"", &["* 3 EXISTS", "* OK [UIDVALIDITY 78] fine", "{tag} OK done"]),
        exchange("UID SEARCH HEADER \"Message-ID\" \"one@example.com\"", &["* SEARCH", "{tag} OK done"]),
    ]))
    .await;
    let mut session = connect(&peer).await.unwrap();
    assert_eq!(session.find_to_touch("INBOX", Some((77, 12)), &id()).await, Ok(None));
    drop(session);
    peer.finish().await;
}

#[tokio::test]
async fn marks_and_the_removal_name_one_uid_and_never_expunge_the_rest() {
    let (peer, mut session) = found(vec![
        exchange("UID STORE 12 +FLAGS.SILENT (\\Seen)", &["{tag} OK done"]),
        exchange("UID STORE 12 -FLAGS.SILENT (\\Seen)", &["{tag} OK done"]),
        exchange("UID COPY 12 \"Done &- dusted\"", &["{tag} OK [COPYUID 5 12 1] done"]),
        exchange(
            "UID STORE 12 +FLAGS.SILENT (\\Deleted)",
            &["* 2 FETCH (FLAGS (\\Deleted))", "{tag} OK done"],
        ),
        exchange("UID EXPUNGE 12", &["* 2 EXPUNGE", "{tag} OK done"]),
    ])
    .await;
    assert_eq!(session.moving(), Moving::CopyAndRemove);
    assert_eq!(session.mark("INBOX", 12, SEEN, NONE).await, Ok(Change::Made));
    assert_eq!(session.mark("INBOX", 12, NONE, SEEN).await, Ok(Change::Made));
    assert_eq!(session.mark("INBOX", 12, NONE, NONE).await, Ok(Change::Made));
    assert_eq!(session.copy_to("INBOX", 12, "Done & dusted").await, Ok(Change::Made));
    assert_eq!(session.remove("INBOX", 12).await, Ok(Change::Made));
    drop(session);
    peer.finish().await;
}

#[tokio::test]
async fn a_refusal_is_told_and_the_session_goes_on() {
    let (peer, mut session) = found(vec![
        exchange("UID STORE 12 ", &["{tag} NO [READ-ONLY] not here"]),
        exchange("UID MOVE 12 \"A\"", &["{tag} NO [TRYCREATE] no such mailbox"]),
        exchange("UID MOVE 12 \"A\"", &["{tag} NO [NONEXISTENT] no such mailbox"]),
        exchange("UID MOVE 12 \"A\"", &["{tag} NO [OVERQUOTA] full"]),
        exchange("UID MOVE 12 \"A\"", &["{tag} NO [UNAVAILABLE] later"]),
        exchange("NOOP", &["{tag} OK done"]),
    ])
    .await;
    let refused = |change: Result<Change, Fault>, words: &str| {
        assert!(matches!(&change, Ok(Change::Refused(said)) if said.contains(words)), "{change:?}");
    };
    refused(session.mark("INBOX", 12, SEEN, NONE).await, "UID STORE");
    assert_eq!(session.move_to("INBOX", 12, "A").await, Ok(Change::NoFolder));
    assert_eq!(session.move_to("INBOX", 12, "A").await, Ok(Change::NoFolder));
    refused(session.move_to("INBOX", 12, "A").await, "OVERQUOTA");
    assert!(matches!(session.move_to("INBOX", 12, "A").await, Err(Fault::Transient(_))));
    session.noop().await.expect("a refusal harms no session");
    drop(session);
    peer.finish().await;
}

/// Else whatever program expunges next would remove it.
#[tokio::test]
async fn a_removal_that_is_refused_halfway_leaves_no_mark() {
    let (peer, mut session) = found(vec![
        exchange("UID STORE 12 +FLAGS.SILENT (\\Deleted)", &["{tag} OK done"]),
        exchange("UID EXPUNGE 12", &["{tag} NO [NOPERM] not yours"]),
        exchange("UID STORE 12 -FLAGS.SILENT (\\Deleted)", &["{tag} OK done"]),
    ])
    .await;
    let removed = session.remove("INBOX", 12).await;
    assert!(matches!(&removed, Ok(Change::Refused(words)) if words.contains("NOPERM")), "{removed:?}");
    drop(session);
    peer.finish().await;
}

/// All of ours with their flags, and what replies without being ours.
#[tokio::test]
async fn a_survey_tells_ours_from_what_is_by_hand() {
    let shown = |uid: u32, flags: &str, fields: &str| {
        let block = format!("{fields}\r\n\r\n");
        let item = "BODY[HEADER.FIELDS (X-NOTYET-KEY IN-REPLY-TO)]<0>";
        format!("* {uid} FETCH (UID {uid} FLAGS ({flags}) {item} {{{}}}\r\n{block})\r\n", block.len())
    };
    let reply = "In-Reply-To: <n1@example.net>";
    let mut script =
        exchange("EXAMINE \"INBOX\"", &["* 9 EXISTS", "* OK [UIDVALIDITY 77] fine", "{tag} OK done"]);
    script.extend(exchange("UID SEARCH OR HEADER \"X-Notyet-Key\"", &["* SEARCH 9 4 3 2", "{tag} OK done"]));
    script.push(expect(
        "UID FETCH 2:4,9 (UID FLAGS BODY.PEEK[HEADER.FIELDS (X-Notyet-Key In-Reply-To)]<0.4096>)",
    ));
    script.push(Step::Say(shown(
        4,
        "\\Draft \\Flagged",
        &format!("X-Notyet-Key: notyet.ab@example.org\r\n{reply}"),
    )));
    script.push(Step::Say(shown(3, "\\Deleted", "X-Notyet-Key: notyet.ab@example.com")));
    script.push(Step::Say(shown(2, "", "X-Notyet-Key: notyet.abc@example.com")));
    script.push(Step::Say(shown(9, "\\Flagged", reply)));
    // Flags that change meanwhile are no mail.
    script.push(say("* 5 FETCH (UID 5 FLAGS (\\Flagged))"));
    script.push(say("{tag} OK done"));
    let peer = Peer::start(after_login(vec![script])).await;
    let mut session = connect(&peer).await.unwrap();
    let survey = session.survey("INBOX", "X-Notyet-Key", "notyet.ab@", Some("n1@example.net")).await.unwrap();
    let sighting = |uid, flagged, deleted| Sighting { uid, flagged, deleted };
    assert_eq!(survey.named, [sighting(3, false, true), sighting(4, true, false)]);
    assert!(survey.by_hand);
    drop(session);
    peer.finish().await;
}

#[tokio::test]
async fn nothing_is_changed_in_a_mailbox_that_is_not_the_open_one() {
    let (peer, mut session) = found(vec![exchange("NOOP", &["{tag} OK done"])]).await;
    let elsewhere = session.move_to("Drafts", 12, "A").await;
    assert!(matches!(elsewhere, Err(Fault::Permanent(_))), "{elsewhere:?}");
    session.noop().await.unwrap();
    drop(session);
    peer.finish().await;
}
