//! Letters that stand in Drafts before they are sent: untouched they go, once;
//! whatever their owner did to them, they never do.

use std::path::PathBuf;

use notyet::app::shared::Step;
use notyet::config::Tls;
use notyet::shell::store::Ledger;
use serde_json::{Value, json};

use super::crash;
use crate::support::dovecot::{Dovecot, Storage};
use crate::support::fault::{At as FaultAt, Fault, FaultyLine};
use crate::support::home::{Home, messages};
use crate::support::mails::{body, header, to_paste, with_reply_to};
use crate::support::smtp_peer::{Act, At, Peer, Script};

const HOLD: &str = "generic = \"send\"\nhold = \"4h\"\n";
/// A Dovecot that can neither MOVE nor remove one mail alone.
const WITHOUT_UIDPLUS: &str =
    "imap_capability = IMAP4rev1 SASL-IR LITERAL+ IDLE NAMESPACE SPECIAL-USE LIST-EXTENDED\n";

/// A home whose letters are held, the mailbox behind it, and the server that it sends by.
struct World {
    home: Home,
    peer: Peer,
    server: Option<Dovecot>,
    account: String,
}

impl World {
    /// On a Dovecot where there is one, else on a Maildir; the first run is done.
    async fn new(server: Option<Dovecot>) -> Self {
        Self::with(server, HOLD, Script::new(Tls::Implicit)).await
    }

    async fn with(server: Option<Dovecot>, policy: &str, script: Script) -> Self {
        let peer = Peer::standing(script).await;
        let home = Home::new();
        home.believe_reply_to();
        let account = match &server {
            Some(server) => home.on_dovecot("work", server, "", &peer.table("work")),
            None => home.on_maildir("work", "") + &peer.table("work"),
        };
        home.configure(policy, std::slice::from_ref(&account));
        home.once().well();
        Self { home, peer, server, account }
    }

    /// The same with one letter in Drafts.
    async fn with_a_draft(server: Option<Dovecot>) -> Self {
        let world = Self::new(server).await;
        world.deliver(&with_reply_to(1, "jane@example.org"));
        world.home.once().well();
        assert_eq!((world.drafts().len(), world.sent()), (1, 0), "it stands in Drafts first");
        world
    }

    fn maildir(&self) -> PathBuf {
        self.server.as_ref().map_or_else(|| self.home.maildir("work"), Dovecot::maildir)
    }

    fn storage(&self) -> Storage {
        Storage::at(self.maildir())
    }

    fn posted(&self) -> &str {
        if self.server.is_some() { ".Posted" } else { ".Sent" }
    }

    fn deliver(&self, mail: &str) {
        self.storage().deliver("", mail);
    }

    fn drafts(&self) -> Vec<String> {
        messages(&self.maildir().join(".Drafts"))
    }

    fn copies(&self) -> Vec<String> {
        messages(&self.maildir().join(self.posted()))
    }

    fn draft_file(&self) -> PathBuf {
        let mut paths = self.storage().paths(".Drafts");
        assert_eq!(paths.len(), 1);
        paths.remove(0)
    }

    /// Sets a flag as the owner's mail program does.
    fn flag_draft(&self, flags: &str) {
        let path = self.draft_file();
        let name = path.file_name().unwrap().to_str().unwrap().split_once(":2,").unwrap().0.to_owned();
        std::fs::rename(&path, path.with_file_name(format!("{name}:2,{flags}"))).unwrap();
    }

    /// Moves the draft as a mail program does that sends it.
    fn send_by_hand(&self) {
        self.storage().make(self.posted());
        self.storage().take_to(self.posted(), &self.draft_file());
    }

    fn sent(&self) -> usize {
        self.peer.seen().bodies.len()
    }

    /// All that is held is due now, and was put down so long ago.
    fn time_passes(&self, hours: i64) {
        let ledger = rusqlite::Connection::open(Ledger::file(&self.home.state())).unwrap();
        let shift_s = hours * 3600;
        ledger.execute("UPDATE hold SET goes_at = goes_at - ?1", [shift_s]).unwrap();
        ledger
            .execute(
                "UPDATE delivery SET created_at = created_at - ?1, queued_at = queued_at - ?1,
                     changed_at = changed_at - ?1",
                [shift_s],
            )
            .unwrap();
    }

    fn letters(&self) -> Value {
        self.home.status("work")["letters"].clone()
    }

    fn history(&self) -> String {
        self.home.notyet(&["queue", "show", &self.key()]).well().out
    }

    fn key(&self) -> String {
        let ledger = rusqlite::Connection::open(Ledger::file(&self.home.state())).unwrap();
        ledger.query_row("SELECT key FROM delivery", [], |row| row.get(0)).unwrap()
    }

    fn events(&self, event: &str) -> u32 {
        let ledger = rusqlite::Connection::open(Ledger::file(&self.home.state())).unwrap();
        let counted = "SELECT count(*) FROM delivery_event WHERE event = ?1";
        ledger.query_row(counted, [event], |row| row.get(0)).unwrap()
    }

    /// Two passes, long after the hold: nothing goes, and the letter ends so, for a reason with these words.
    #[track_caller]
    fn never_goes(&self, state: &str, words: &str) {
        for _ in 0..2 {
            self.time_passes(5);
            self.home.once().well();
        }
        assert_eq!(self.sent(), 0);
        assert_eq!(self.letters(), json!({ state: 1 }), "{}", self.history());
        assert!(self.history().contains(words), "{}", self.history());
    }

    fn configure(&self, policy: &str) {
        self.home.configure(policy, std::slice::from_ref(&self.account));
    }
}

/// Dovecot and a Maildir, one after the other.
macro_rules! everywhere {
    ($world:ident => $body:block) => {
        for server in [None, Some(dovecot!())] {
            let $world = World::with_a_draft(server).await;
            $body
        }
    };
}

fn without_dates(mail: &str) -> Vec<&str> {
    mail.lines().filter(|line| !line.starts_with("Date: ")).collect()
}

/// A day of the week that is not today, in any time zone.
fn another_day() -> &'static str {
    let day = (notyet::shell::clock::now().unix_s() / 86_400 + 3 + 3) % 7;
    ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][usize::try_from(day).unwrap()]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untouched_draft_goes_when_its_time_is_over_and_not_before() {
    everywhere!(world => {
        let draft = world.drafts().remove(0);
        assert_eq!(header(&draft, "Auto-Submitted"), None, "a person may send it");
        world.time_passes(3);
        world.home.once().well();
        assert_eq!((world.drafts().len(), world.sent()), (1, 0));
        world.time_passes(2);
        for _ in 0..2 {
            world.home.once().well();
        }
        assert_eq!((world.drafts().len(), world.sent(), world.copies().len()), (0, 1, 1));
        assert_eq!(world.letters(), json!({ "sent": 1 }));
        let sent = String::from_utf8(world.peer.seen().bodies.remove(0)).unwrap();
        assert_eq!(header(&sent, "Auto-Submitted").as_deref(), Some("auto-replied"));
        assert_eq!(body(&sent).trim(), body(&draft).trim());
        assert_eq!(without_dates(&world.copies()[0]), without_dates(&sent));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_draft_is_its_owners_flagged_or_not() {
    for flags in ["DS", "DFS"] {
        everywhere!(world => {
            let path = world.draft_file();
            let edited = std::fs::read_to_string(&path).unwrap() + "One more word.\n";
            std::fs::remove_file(&path).unwrap();
            world.storage().deliver(".Drafts", &edited);
            let path = world.draft_file();
            let name = format!("{}:2,{flags}", path.file_name().unwrap().to_str().unwrap());
            std::fs::rename(&path, path.parent().unwrap().with_file_name("cur").join(name)).unwrap();
            world.never_goes("taken-over", "it was edited");
            assert_eq!(world.drafts(), [edited]);
        });
    }
}

/// What a mail program makes of it that keeps no fields of others.
#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_was_written_anew_is_its_owners() {
    everywhere!(world => {
        let draft = world.drafts().remove(0);
        let anew: Vec<&str> = draft.lines().filter(|line| !line.starts_with("X-Notyet") && !line.starts_with(" name=")).collect();
        std::fs::remove_file(world.draft_file()).unwrap();
        world.storage().deliver(".Drafts", &(anew.join("\n") + "\n"));
        world.never_goes("taken-over", "gone from Drafts");
        assert_eq!(world.drafts().len(), 1);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_stands_there_twice_is_its_owners() {
    everywhere!(world => {
        let draft = world.drafts().remove(0);
        world.storage().deliver(".Drafts", &draft);
        world.never_goes("taken-over", "more than once");
        assert_eq!(world.drafts().len(), 2);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_draft_is_not_sent_also_where_it_is_only_marked() {
    everywhere!(world => {
        std::fs::remove_file(world.draft_file()).unwrap();
        world.never_goes("taken-over", "gone from Drafts");
    });
    everywhere!(world => {
        world.flag_draft("DST");
        world.never_goes("taken-over", "deleted the draft");
        assert_eq!(world.drafts().len(), 1);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_its_owner_sent_is_not_sent_again_whether_it_left_drafts_or_not() {
    everywhere!(world => {
        world.send_by_hand();
        world.never_goes("taken-over", "gone from Drafts");
    });
    everywhere!(world => {
        let draft = world.drafts().remove(0);
        world.storage().deliver(world.posted(), &draft);
        world.never_goes("taken-over", "Sent folder");
        assert_eq!(world.drafts().len(), 1);
    });
}

/// To the notification, in their own words, begun or sent.
#[tokio::test(flavor = "multi_thread")]
async fn where_the_owner_replied_by_hand_the_draft_stays_and_is_not_sent() {
    for in_drafts in [true, false] {
        everywhere!(world => {
            let parent = header(&world.drafts()[0], "In-Reply-To").unwrap();
            let reply = format!(
                "From: robin@example.org\nTo: somebody@example.com\nIn-Reply-To: {parent}\nSubject: Re\n\nMine.\n"
            );
            let (folder, words) =
                if in_drafts { (".Drafts", "reply of their own") } else { (world.posted(), "Sent folder") };
            world.storage().deliver(folder, &reply);
            world.never_goes("taken-over", words);
            assert_eq!(world.drafts().len(), 1 + usize::from(in_drafts), "ours stays");
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flagged_draft_goes_at_the_next_look() {
    everywhere!(world => {
        world.flag_draft("DFS");
        world.home.once().well();
        assert_eq!((world.drafts().len(), world.sent(), world.copies().len()), (0, 1, 1));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_to_somebody_known_by_now_stays_a_draft() {
    let world = World::with_a_draft(None).await;
    let config = std::fs::read_to_string(world.home.config()).unwrap();
    let known = config.replace("[policy]", "[people]\nkeep = [\"jane@example.org\"]\n[policy]");
    world.home.put("notyet.toml", &known);
    world.never_goes("drafted", "you know its reader");
    assert_eq!(world.drafts().len(), 1);
    world.home.put("notyet.toml", &config);
    world.never_goes("drafted", "hold-ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_to_somebody_who_wrote_meanwhile_stays_a_draft() {
    let world = World::with_a_draft(None).await;
    world.deliver("From: Jane <jane@example.org>\nTo: robin@example.org\nSubject: Hello\n\nMe again.\n");
    world.home.once().well();
    // Also where nobody looks before its time is over.
    world.never_goes("drafted", "they wrote to you meanwhile");
    assert_eq!(world.drafts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_to_be_sent_any_more_stays_a_draft() {
    let world = World::with_a_draft(None).await;
    world.configure("generic = \"draft\"\nhold = \"4h\"\n");
    world.never_goes("drafted", "sending was switched off");
    world.configure(HOLD);
    world.never_goes("drafted", "hold-ended");
    assert_eq!(world.drafts().len(), 1);
}

/// The daemon did not run for days.
#[tokio::test(flavor = "multi_thread")]
async fn what_became_too_old_to_be_sent_stays_a_draft() {
    let world = World::with_a_draft(None).await;
    world.time_passes(73);
    world.home.once().well();
    world.never_goes("drafted", "send_within");
    assert_eq!(world.drafts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_forgotten_gets_no_letter_from_drafts() {
    let world = World::with_a_draft(None).await;
    world.home.notyet(&["forget", "jane@example.org"]).well();
    for _ in 0..2 {
        world.time_passes(5);
        world.home.once().well();
    }
    assert_eq!((world.sent(), world.drafts().len()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_keeps_its_words_until_it_goes() {
    let world = World::with_a_draft(None).await;
    let config = std::fs::read_to_string(world.home.config()).unwrap();
    let short = config.replace("hold = \"4h\"", "hold = \"4h\"\nsend_within = \"30d\"");
    world.home.put("notyet.toml", &format!("retention = \"1d\"\n{short}"));
    let ledger = rusqlite::Connection::open(Ledger::file(&world.home.state())).unwrap();
    ledger.execute("UPDATE plan SET made_at = made_at - 200000", []).unwrap();
    ledger.execute("UPDATE delivery SET changed_at = changed_at - 200000", []).unwrap();
    drop(ledger);
    world.home.once().well();
    world.time_passes(5);
    world.home.once().well();
    assert_eq!((world.drafts().len(), world.sent()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_back_is_removed_and_not_sent() {
    everywhere!(world => {
        world.home.notyet(&["undo", &world.key()]).well();
        world.never_goes("taken-over", "you took it back");
        assert_eq!(world.drafts().len(), 0);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_what_is_held_and_can_let_it_be_a_draft() {
    let world = World::with_a_draft(None).await;
    let listed = world.home.notyet(&["queue", "list", "--json"]).well().out;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let letter = &listed["letters"][0];
    assert_eq!((&letter["state"], &letter["can"]), (&json!("drafted"), &json!(["drop"])), "{letter}");
    assert!(
        letter["goes_at"].as_i64().unwrap() > letter["since"].as_i64().unwrap() + 4 * 3600 - 5,
        "{letter}"
    );
    let waiting = world.home.status("work")["waiting"][0].clone();
    assert_eq!(waiting["goes_at"], letter["goes_at"], "{waiting}");
    assert!(world.home.notyet(&["status"]).well().out.contains("untouched, it is sent"));
    assert_eq!(world.home.notyet(&["status", "--check"]).code, Some(0), "nobody has to do anything");
    world.home.notyet(&["queue", "drop", &world.key()]).well();
    world.never_goes("drafted", "you let it be");
    assert_eq!(world.drafts().len(), 1);
    assert_eq!(world.home.notyet(&["queue", "drop", &world.key()]).code, Some(1), "it is said once");
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_the_hours_and_limits_a_draft_stands_and_then_goes() {
    let world = World::with_a_draft(None).await;
    let other = another_day();
    world.flag_draft("DFS");
    world.configure(&format!("{HOLD}[sending]\ndays = [\"{other}\"]\n"));
    world.home.once().well();
    assert_eq!((world.drafts().len(), world.sent()), (1, 0));
    // Another letter has the only place of the hour.
    let config = |limit: &str| {
        world.configure(HOLD);
        let text = std::fs::read_to_string(world.home.config()).unwrap();
        world.home.put("notyet.toml", &text.replace("max_per_hour = 1000", limit));
    };
    config("max_per_hour = 1");
    world.deliver(&to_paste(2));
    world.home.once().well();
    world.home.once().well();
    assert_eq!((world.drafts().len(), world.sent()), (0, 1), "the draft had its place already");
    world.home.once().well();
    assert_eq!(world.letters(), json!({ "held": 1, "sent": 1 }), "and the other waits for its hour");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_begins_at_any_hour() {
    let world = World::with(
        None,
        &format!("{HOLD}[sending]\ndays = [\"{}\"]\n", another_day()),
        Script::new(Tls::Implicit),
    )
    .await;
    world.deliver(&with_reply_to(1, "jane@example.org"));
    world.home.once().well();
    assert_eq!((world.drafts().len(), world.letters()), (1, json!({ "drafted": 1 })));
    let shown = world.history();
    assert!(
        shown.contains("first it stands in Drafts, for 4h") && shown.contains("no hour for it"),
        "{shown}"
    );
}

#[test]
fn a_hold_as_long_as_a_letter_may_wait_is_refused() {
    let home = Home::new();
    for (policy, found, allowed) in [
        ("hold = \"3d\"", "\"3d\"", "policy.send_within (3d)"),
        ("hold = \"5h\"\nsend_within = \"4h\"", "\"5h\"", "policy.send_within (4h)"),
    ] {
        home.configure(policy, &[home.on_maildir("work", "")]);
        let told = home.notyet(&["config", "check"]);
        assert_eq!(told.code, Some(78), "{}{}", told.out, told.err);
        let words = told.out + &told.err;
        for part in ["notyet.toml:8", "policy.hold", found, allowed] {
            assert!(words.contains(part), "{part}: {words}");
        }
    }
    home.configure("hold = \"71h\"", &[home.on_maildir("work", "")]);
    home.notyet(&["config", "check"]).well();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_goes_takes_its_place_in_the_limits_once() {
    let world = World::with_a_draft(None).await;
    world.time_passes(5);
    world.deliver(&to_paste(2));
    let text = std::fs::read_to_string(world.home.config()).unwrap();
    world.home.put("notyet.toml", &text.replace("max_per_hour = 1000", "max_per_hour = 1"));
    // The new one comes first; the one that was held has to wait for an hour.
    world.home.once().well();
    world.home.once().well();
    assert_eq!(world.letters(), json!({ "drafted": 2 }), "{}", world.letters());
    world.time_passes(1);
    world.home.once().well();
    assert_eq!(world.letters(), json!({ "drafted": 1, "sent": 1 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_sending_stands_still_what_is_held_stays_a_draft_for_good() {
    let world =
        World::with(None, &format!("{HOLD}[sending]\nburst_letters = 2\n"), Script::new(Tls::Implicit)).await;
    for number in 1..=3 {
        world.deliver(&with_reply_to(number, &format!("p{number}@example.org")));
    }
    world.home.once().well();
    world.home.once().well();
    let out = world.home.notyet(&["status", "--json"]).well().out;
    let status: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(status["sending_stopped"]["cause"], "burst", "what is held counts as a letter to send");
    world.home.notyet(&["resume"]).well();
    for _ in 0..2 {
        world.time_passes(5);
        world.home.once().well();
    }
    assert_eq!((world.drafts().len(), world.sent()), (3, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_remove_one_mail_alone_keeps_the_draft() {
    let world = World::with_a_draft(Some(dovecot!(WITHOUT_UIDPLUS))).await;
    let told = world.home.notyet(&["doctor"]).out;
    assert!(told.contains("policy.hold") && told.contains("UIDPLUS"), "{told}");
    world.never_goes("drafted", "UIDPLUS");
    assert_eq!(world.drafts().len(), 1);
    assert!(world.storage().files(".Drafts")[0].ends_with(":2,DS"), "not even marked");
}

/// The draft is out of Drafts then, and the letter is one to send like any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_letter_whose_server_is_away_when_its_time_is_over_goes_later_and_once() {
    let busy = Script::new(Tls::Implicit).at(At::Mail, Act::Say("451 4.3.0 later\r\n"));
    let world = World::with(None, HOLD, busy).await;
    world.deliver(&with_reply_to(1, "jane@example.org"));
    world.home.once().well();
    world.time_passes(5);
    world.home.once().well();
    assert_eq!((world.letters(), world.drafts().len()), (json!({ "queued": 1 }), 0));
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    world.home.configure(HOLD, &[world.home.on_maildir("work", "") + &peer.table("work")]);
    world.home.notyet(&["queue", "retry", &world.key()]).well();
    for _ in 0..2 {
        world.home.once().well();
    }
    assert_eq!((world.letters(), peer.seen().bodies.len()), (json!({ "sent": 1 }), 1));
}

/// What is wanted of the notification of a letter that was sent.
#[tokio::test(flavor = "multi_thread")]
async fn the_notification_is_touched_when_the_letter_was_sent() {
    let world = World::new(None).await;
    world.configure(&format!("{HOLD}[[after]]\ndecision = \"send\"\nseen = true\n"));
    world.deliver(&with_reply_to(1, "jane@example.org"));
    let seen = || world.storage().files("").iter().any(|name| name.ends_with('S'));
    world.home.once().well();
    world.home.once().well();
    assert!(!seen(), "its draft only stands");
    world.time_passes(5);
    world.home.once().well();
    world.home.once().well();
    assert_eq!((seen(), world.sent()), (true, 1));
}

/// Nor is anything done to it where the letter became no more than a draft.
#[tokio::test(flavor = "multi_thread")]
async fn the_notification_of_a_letter_that_became_a_draft_is_not_touched() {
    let burst = "generic = \"send\"\n[sending]\nburst_letters = 1\n";
    for (policy, mails) in [(HOLD, 1), (burst, 2)] {
        let world = World::with(None, policy, Script::new(Tls::Implicit)).await;
        world.configure(&format!("{policy}[[after]]\ndecision = \"send\"\nseen = true\n"));
        for n in 0..mails {
            world.deliver(&with_reply_to(n, &format!("jane{n}@example.org")));
        }
        world.home.once().well();
        if policy == HOLD {
            world.home.notyet(&["queue", "drop", &world.key()]).well();
        }
        world.home.once().well();
        world.home.once().well();
        assert_eq!((world.letters(), world.sent()), (json!({ "drafted": mails }), 0), "{policy}");
        let seen = world.storage().files("").iter().any(|name| name.ends_with('S'));
        assert!(!seen, "{policy}");
    }
}

/// Died at `step`, and went on: what is left in Drafts, what was sent, where the letter stands.
async fn with_accident(server: Option<Dovecot>, step: Step, meanwhile: impl FnOnce(&World)) -> World {
    let world = World::with_a_draft(server).await;
    world.time_passes(5);
    crash::pass(&world.home, Some(step));
    assert_eq!(world.sent(), 0, "{step:?}");
    meanwhile(&world);
    for _ in 0..3 {
        crash::pass(&world.home, None);
    }
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_anywhere_at_the_end_of_a_hold_leaves_at_most_one_transmission_and_none_in_doubt() {
    for (step, state, sent) in [
        (Step::WithdrawalBegun, "sent", 1),
        (Step::DraftWithdrawn, "parked", 0),
        (Step::HoldOver, "sent", 1),
        (Step::BodyAboutToGo, "uncertain", 0),
    ] {
        for server in [None, Some(dovecot!())] {
            let world = with_accident(server, step, |_| ()).await;
            assert_eq!((world.letters(), world.sent()), (json!({ state: 1 }), sent), "{step:?}");
            assert_eq!(world.drafts().len(), 0, "{step:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_owner_did_after_a_kill_is_not_taken_for_our_own_doing() {
    for server in [None, Some(dovecot!())] {
        let world = with_accident(server, Step::WithdrawalBegun, |world| {
            std::fs::remove_file(world.draft_file()).unwrap()
        })
        .await;
        world.never_goes("parked", "draft is gone");
        // A person who wants it all the same has it as a draft, to send by hand.
        world.home.notyet(&["queue", "retry", &world.key()]).well();
        world.never_goes("drafted", "you asked for another try");
        assert_eq!(world.drafts().len(), 1);
    }
    for server in [None, Some(dovecot!())] {
        let world = with_accident(server, Step::WithdrawalBegun, World::send_by_hand).await;
        world.never_goes("taken-over", "Sent folder");
    }
}

/// A person's word that comes while the draft is being removed counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_word_said_after_a_kill_is_kept() {
    for step in [Step::WithdrawalBegun, Step::DraftWithdrawn] {
        let world = with_accident(None, step, |world| {
            world.home.notyet(&["queue", "drop", &world.key()]).well();
            let told = world.home.notyet(&["forget", "jane@example.org"]);
            assert_eq!(told.code, Some(75), "{}{}", told.out, told.err);
        })
        .await;
        assert_eq!(world.sent(), 0);
        let state = if step == Step::WithdrawalBegun { "drafted" } else { "parked" };
        assert_eq!(world.letters(), json!({ state: 1 }), "{step:?}");
    }
}

/// The ledger is put back from a copy that was made while the draft stood.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_of_the_ledger_sends_nothing_that_was_sent() {
    everywhere!(world => {
        let copy = world.home.path().join("copy.sqlite");
        let file = Ledger::file(&world.home.state());
        let ledger = rusqlite::Connection::open(&file).unwrap();
        ledger.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
        drop(ledger);
        world.time_passes(5);
        world.home.once().well();
        assert_eq!(world.sent(), 1);
        for ending in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{ending}", file.display()));
        }
        std::fs::copy(&copy, &file).unwrap();
        for _ in 0..2 {
            world.time_passes(5);
            world.home.once().well();
        }
        assert_eq!((world.sent(), world.letters()), (1, json!({ "taken-over": 1 })));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_was_lost_makes_a_held_draft_a_plain_one() {
    everywhere!(world => {
        std::fs::remove_dir_all(world.home.state()).unwrap();
        world.home.once().well();
        assert_eq!(world.letters(), json!({ "drafted": 1 }));
        world.time_passes(500);
        world.home.once().well();
        assert_eq!((world.drafts().len(), world.sent()), (1, 0));
    });
}

/// Two accounts may have met one inviter at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_held_drafts_to_one_address_one_goes() {
    let world = World::new(None).await;
    for number in 1..=2 {
        world.deliver(&with_reply_to(number, &format!("p{number}@example.org")));
    }
    world.home.once().well();
    let ledger = rusqlite::Connection::open(Ledger::file(&world.home.state())).unwrap();
    assert_eq!(ledger.execute("UPDATE delivery SET recipient = 'p1@example.org'", []).unwrap(), 2);
    drop(ledger);
    for _ in 0..2 {
        world.time_passes(5);
        world.home.once().well();
    }
    assert_eq!((world.letters(), world.sent()), (json!({ "drafted": 1, "sent": 1 }), 1));
    assert_eq!(world.drafts().len(), 1);
    assert_eq!((world.events("hold-ended"), world.events("became-draft")), (1, 0), "it never left Drafts");
}

/// Whom the owner wrote to from another account is not known yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_draft_stands_until_every_account_was_read() {
    let world = World::with_a_draft(None).await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    world.home.configure(HOLD, &[world.account.clone(), world.home.on_port("other", nobody, "")]);
    world.time_passes(5);
    assert_eq!(world.home.once().code, Some(75));
    assert_eq!((world.letters(), world.drafts().len()), (json!({ "drafted": 1 }), 1));
    world.configure(HOLD);
    world.home.once().well();
    assert_eq!((world.sent(), world.drafts().len()), (1, 0));
}

/// The first letter found out that nobody lets us in; the drafts behind it stay where they are.
#[tokio::test(flavor = "multi_thread")]
async fn while_the_login_to_send_by_is_refused_drafts_stand() {
    let mut refused = Script::new(Tls::Implicit);
    refused.auth = vec!["535 5.7.8 no"];
    let mut world = World::with(None, HOLD, refused).await;
    world.account = world.account.replace("login = \"none\"", "user = \"me\"\npassword.file = \"password\"");
    world.configure(HOLD);
    world.deliver(&with_reply_to(1, "jane@example.org"));
    world.home.once().well();
    world.time_passes(5);
    assert_eq!(world.home.once().code, Some(1));
    assert_eq!(world.letters(), json!({ "queued": 1 }));
    world.deliver(&with_reply_to(2, "ann@example.org"));
    for _ in 0..2 {
        world.home.once();
        world.time_passes(5);
    }
    assert_eq!(world.letters(), json!({ "queued": 1, "drafted": 1 }));
    assert_eq!(world.drafts().len(), 1);
}

/// The two commands that remove a draft, and all that a line or a server can do to them.
#[tokio::test(flavor = "multi_thread")]
async fn no_fault_while_a_draft_is_removed_sends_twice_or_blames_the_owner() {
    let server = dovecot!();
    let line = FaultyLine::before(server.imap_port).await;
    let peer = Peer::standing(Script::new(Tls::Implicit)).await;
    let home = Home::new();
    home.believe_reply_to();
    let account = home.on_port("work", line.port, "").replace("timeout = \"20s\"", "timeout = \"2s\"");
    let account = account + &peer.table("work");
    home.configure(HOLD, std::slice::from_ref(&account));
    home.once().well();
    let world = World { home, peer, server: Some(server), account };
    let mut ends = std::collections::BTreeSet::new();
    let cells =
        ["UID STORE", "UID EXPUNGE"].into_iter().flat_map(|step| Fault::ALL.map(|fault| (step, fault)));
    for (number, (step, fault)) in (1..).zip(cells) {
        world.deliver(&with_reply_to(number, &format!("p{number}@example.org")));
        world.home.once().well();
        world.time_passes(5);
        let before = world.sent();
        line.plan(FaultAt::Named(step), fault);
        world.home.once();
        assert!(line.happened(), "{step}, {fault:?}: it did not happen");
        for _ in 0..2 {
            world.home.once().well();
        }
        let ledger = rusqlite::Connection::open(Ledger::file(&world.home.state())).unwrap();
        let newest = "SELECT state, key FROM delivery ORDER BY rowid DESC LIMIT 1";
        let (state, key): (String, String) =
            ledger.query_row(newest, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let stands = world.drafts().iter().any(|draft| draft.contains(&key));
        let cell = (state.as_str(), world.sent() - before);
        match cell {
            ("sent", 1) => assert!(!stands, "{step}, {fault:?}"),
            ("drafted", 0) => assert!(stands, "{step}, {fault:?}"),
            ("parked", 0) => {}
            _ => panic!("{step}, {fault:?}: {cell:?}"),
        }
        ends.insert(state);
        // What stays would be in the way of the next look.
        world.storage().paths(".Drafts").iter().for_each(|path| std::fs::remove_file(path).unwrap());
    }
    assert_eq!(ends.into_iter().collect::<Vec<_>>(), ["drafted", "parked", "sent"], "each of them is met");
}
