//! Tests of the Maildir port: real folders, and a second hand that moves files.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::future::{pending, ready};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::FutureExt;
use notyet::config;
use notyet::domain::{Fault, RawMail, Timestamp};
use notyet::shell::mailbox::maildir::{MaildirSession, UidBook};
use notyet::shell::mailbox::{
    Access, AppendTrace, Body, Envelope, Folder, SearchTerm, SpecialFolders, Uid, Wake,
};

const MESSAGE: &[u8] = b"From: me@example.org\r\nMessage-ID: <n1@me.example>\r\n\r\nThank you.\r\n";

/// A Maildir in a folder of its own.
struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self { dir: tempfile::tempdir().unwrap() };
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(home.path().join(part)).unwrap();
        }
        home
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("Maildir")
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    async fn connect(&self, book: UidBook) -> Result<MaildirSession, Fault> {
        let config = config::Maildir { path: self.path() };
        MaildirSession::connect(&config, book).await
    }

    /// A session on INBOX that keeps its UIDs.
    async fn inbox(&self) -> MaildirSession {
        let mut session = self.connect(UidBook::at(self.state())).await.unwrap();
        session.open("INBOX", Access::ReadOnly).await.unwrap();
        session
    }

    /// A mail as a delivery agent leaves it, arrived `at` seconds after 1970.
    fn deliver(&self, name: impl AsRef<OsStr>, text: &str, at: u64) {
        let staged = self.path().join("tmp/staged");
        fs::write(&staged, text).unwrap();
        let file = File::options().write(true).open(&staged).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(at)).unwrap();
        fs::rename(staged, self.path().join("new").join(name.as_ref())).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path().join(from), self.path().join(to)).unwrap();
    }

    /// Every file below the home with its content and time.
    fn everything(&self) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.dir.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let metadata = fs::symlink_metadata(&path).unwrap();
                let bytes = if metadata.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
                if metadata.is_dir() {
                    folders.push(path.clone());
                }
                found.insert(path, (bytes, metadata.modified().unwrap()));
            }
        }
        found
    }
}

fn mail(subject: &str) -> String {
    format!("From: Ann <ann@example.org>\nSubject: {subject}\nX-Long: a\n b\n\nbody of {subject}\n")
}

fn subject() -> Vec<String> {
    vec!["Subject".to_owned()]
}

/// UID and subject of each.
fn shown(envelopes: &[Envelope]) -> Vec<(Uid, String)> {
    envelopes
        .iter()
        .map(|envelope| {
            let text = String::from_utf8(envelope.header.clone()).unwrap();
            let subject = text.strip_prefix("Subject: ").unwrap_or(&text);
            (envelope.uid, subject.trim().to_owned())
        })
        .collect()
}

async fn all(session: &mut MaildirSession) -> Vec<(Uid, String)> {
    shown(&session.new_envelopes(1, None, &subject()).await.unwrap())
}

fn pairs(of: &[(Uid, &str)]) -> Vec<(Uid, String)> {
    of.iter().map(|(uid, word)| (*uid, (*word).to_owned())).collect()
}

#[tokio::test]
async fn what_is_no_maildir_is_refused_with_its_path() {
    let home = Home::new();
    let mut session = home.inbox().await;
    let fault = session.open("Nowhere", Access::ReadOnly).await.unwrap_err();
    assert!(matches!(&fault, Fault::NeedsHuman(w) if w.contains("/.Nowhere")), "{fault:?}");
    let fault = session.open("../state", Access::ReadOnly).await.unwrap_err();
    assert!(matches!(fault, Fault::NeedsHuman(_)));

    fs::remove_dir(home.path().join("new")).unwrap();
    fs::write(home.path().join("new"), "a file").unwrap();
    let fault = home.connect(UidBook::in_memory()).await.unwrap_err();
    let path = home.path().display().to_string();
    assert!(matches!(&fault, Fault::NeedsHuman(w) if w.contains(&path)), "{fault:?}");
    fs::remove_dir_all(home.path()).unwrap();
    let fault = home.connect(UidBook::in_memory()).await.unwrap_err();
    assert!(matches!(&fault, Fault::NeedsHuman(w) if w.contains("cur, new and tmp")), "{fault:?}");
}

#[tokio::test]
async fn mail_is_numbered_by_arrival_then_name_and_keeps_its_number() {
    let home = Home::new();
    home.deliver("z", &mail("first"), 10);
    home.deliver("b", &mail("third"), 20);
    home.deliver("a", &mail("second"), 20);
    let mut session = home.inbox().await;
    let opened = session.open("INBOX", Access::ReadOnly).await.unwrap();
    assert_eq!((opened.uid_next, opened.exists), (4, 3));
    assert!(opened.uid_validity > 0);
    let three = pairs(&[(1, "first"), (2, "second"), (3, "third")]);
    assert_eq!(all(&mut session).await, three);

    // Moved and flagged by a mail program, and one that claims to be older.
    home.rename("new/z", "cur/z:2,S");
    home.rename("new/a", "cur/a:2,RS");
    home.rename("cur/a:2,RS", "cur/a:2,FRS");
    home.deliver("older", &mail("fourth"), 1);
    let four = [&three[..], &pairs(&[(4, "fourth")])].concat();
    assert_eq!(all(&mut session).await, four);

    fs::remove_file(home.path().join("new/older")).unwrap();
    home.deliver("last", &mail("fifth"), 99);
    let mut again = home.inbox().await;
    let reopened = again.open("INBOX", Access::ReadOnly).await.unwrap();
    assert_eq!(reopened.uid_validity, opened.uid_validity);
    assert_eq!(reopened.uid_next, 6, "no number is given twice");
    let left = [&three[..], &pairs(&[(5, "fifth")])].concat();
    assert_eq!(all(&mut again).await, left);
}

#[tokio::test]
async fn a_range_of_uids_is_what_it_says() {
    let home = Home::new();
    for n in 1..=5_u32 {
        home.deliver(format!("m{n}"), &mail(&n.to_string()), n.into());
    }
    let mut session = home.inbox().await;
    let uids = |envelopes: Vec<Envelope>| -> Vec<Uid> { envelopes.iter().map(|e| e.uid).collect() };
    assert_eq!(uids(session.new_envelopes(4, None, &[]).await.unwrap()), [4, 5]);
    assert_eq!(uids(session.new_envelopes(2, Some(3), &[]).await.unwrap()), [2, 3]);
    assert_eq!(uids(session.new_envelopes(6, None, &[]).await.unwrap()), [0; 0]);
    assert_eq!(uids(session.envelopes(&[5, 9, 1], &[]).await.unwrap()), [5, 1]);
}

#[tokio::test]
async fn an_envelope_holds_the_fields_asked_for_and_no_more() {
    let home = Home::new();
    home.deliver("m", &mail("hello"), 1_234);
    let mut session = home.inbox().await;
    let fields = ["x-long".to_owned(), "SUBJECT".to_owned(), "To".to_owned()];
    let found = session.envelopes(&[1], &fields).await.unwrap();
    assert_eq!(found[0].header, b"Subject: hello\nX-Long: a\n b\n\r\n");
    assert_eq!(found[0].arrived, Some(Timestamp::from_unix_s(1_234)));
    assert_eq!(found[0].size_bytes, mail("hello").len() as u64);
}

#[tokio::test]
async fn only_messages_are_listed_whatever_they_are_called() {
    let home = Home::new();
    let (new, cur) = (home.path().join("new"), home.path().join("cur"));
    for (at, name) in
        [&b"with space"[..], b"bytes\xff\xfe", b"line\nbreak", b"per%cent", b"umlaut-\xc3\xbc,S=12,W=13:2,S"]
            .iter()
            .enumerate()
    {
        home.deliver(OsStr::from_bytes(name), &mail(&at.to_string()), at as u64);
    }
    fs::write(new.join(".hidden"), mail("hidden")).unwrap();
    fs::create_dir(cur.join("folder")).unwrap();
    fs::write(cur.join("folder/m"), mail("inside")).unwrap();
    symlink("/nowhere/at/all", cur.join("dangling")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(cur.join("socket")).unwrap();
    fs::write(home.path().join("tmp/unfinished"), mail("unfinished")).unwrap();

    let mut session = home.inbox().await;
    let five = pairs(&[(1, "0"), (2, "1"), (3, "2"), (4, "3"), (5, "4")]);
    assert_eq!(all(&mut session).await, five);
    assert_eq!(all(&mut home.inbox().await).await, five, "after a restart");
}

#[tokio::test]
async fn reading_in_memory_writes_nothing_anywhere() {
    let home = Home::new();
    home.deliver("a", &mail("a"), 1);
    home.deliver("b", &mail("b"), 2);
    let before = home.everything();
    let mut session = home.connect(UidBook::in_memory()).await.unwrap();
    let opened = session.open("INBOX", Access::ReadOnly).await.unwrap();
    assert_eq!(opened.uid_validity, 0, "good for this session only");
    assert_eq!(all(&mut session).await, pairs(&[(1, "a"), (2, "b")]));
    session.bodies(&[(1, 0), (2, 0)], 1 << 20).await.unwrap();
    session.search(&[SearchTerm::From("a".into())], None).await.unwrap();
    session.folders(None, None).await.unwrap();
    assert_eq!(session.find_by_header("Drafts", "Message-ID", "<x>").await, Ok(None));
    session.wait(Duration::ZERO, pending()).await.unwrap();
    assert_eq!(home.everything(), before);
}

#[tokio::test]
async fn reading_leaves_the_maildir_itself_untouched() {
    let home = Home::new();
    home.deliver("a", &mail("a"), 1);
    let before = home.everything();
    let mut session = home.inbox().await;
    assert_eq!(all(&mut session).await.len(), 1);
    let mut after = home.everything();
    after.retain(|path, _| !path.starts_with(home.state()));
    assert_eq!(after, before);
}

#[tokio::test]
async fn bodies_are_whole_or_too_large_or_gone() {
    let home = Home::new();
    for (name, at) in [("a", 1), ("b", 2), ("c", 3), ("d", 4)] {
        home.deliver(name, &mail(name), at);
    }
    let large = mail(&"x".repeat(500));
    home.deliver("e", &large, 5);
    let mut session = home.inbox().await;
    // After the listing: moved, flagged, removed.
    home.rename("new/b", "cur/b:2,");
    home.rename("cur/b:2,", "cur/b:2,S");
    fs::remove_file(home.path().join("new/c")).unwrap();
    let wanted = [(5, 0), (1, 0), (2, 0), (3, 0), (4, 0), (77, 0)];
    let bodies = session.bodies(&wanted, 200).await.unwrap();
    let whole = |name: &str| Body::Whole(RawMail(mail(name).into_bytes()));
    let size_bytes = large.len() as u64;
    assert_eq!(
        bodies,
        [
            (5, Body::TooLarge { size_bytes }),
            (1, whole("a")),
            (2, whole("b")),
            (3, Body::Gone),
            (4, whole("d")),
            (77, Body::Gone),
        ]
    );
    let exact = u32::try_from(large.len()).unwrap();
    let bodies = session.bodies(&[(5, 0)], exact).await.unwrap();
    assert_eq!(bodies, [(5, Body::Whole(RawMail(large.into_bytes())))]);
}

#[tokio::test]
async fn one_unreadable_message_does_not_fail_the_others() {
    let home = Home::new();
    home.deliver("a", &mail("a"), 1);
    // A file that opens and then refuses to be read, for root too.
    symlink("/proc/self/mem", home.path().join("cur/m:2,S")).unwrap();
    let mut session = home.inbox().await;
    assert_eq!(all(&mut session).await.len(), 1);
    let noted = session.take_unreadable().await.unwrap();
    assert_eq!(noted.len(), 1);
    let (uid, words) = &noted[0];
    assert!(words.contains("reading the file"), "{words}");
    assert_eq!(session.take_unreadable().await, Ok(vec![]));
    let found = session.search(&[SearchTerm::From("ann@".into())], None).await.unwrap();
    assert_eq!(found.len(), 1);
    assert!(!found.contains(uid));
}

#[tokio::test]
async fn search_joins_terms_and_minds_the_time_of_arrival() {
    let home = Home::new();
    home.deliver("a", &mail("invitation"), 100);
    home.deliver("b", "From: x@example.net\nX-Class: Invite\n\n", 200);
    home.deliver("c", "Subject: none\n\nFrom: ann@example.org in the body\n", 300);
    let mut session = home.inbox().await;
    let terms = [
        SearchTerm::From("ANN@example.org".into()),
        SearchTerm::Header { name: "X-Class".into(), value: "invite".into() },
    ];
    assert_eq!(session.search(&terms, None).await, Ok(vec![1, 2]));
    let since = Some(Timestamp::from_unix_s(150));
    assert_eq!(session.search(&terms, since).await, Ok(vec![2]));
    assert_eq!(session.search(&[], None).await, Ok(vec![]));
}

#[tokio::test]
async fn folders_are_the_configured_or_the_usual_ones() {
    let home = Home::new();
    let mut session = home.inbox().await;
    let named = |drafts: &str, sent: &str| SpecialFolders {
        drafts: Some(drafts.to_owned()),
        sent: Some(sent.to_owned()),
    };
    assert_eq!(session.folders(None, None).await, Ok(named("Drafts", "Sent")));
    fs::create_dir_all(home.path().join(".Sent Items/cur")).unwrap();
    assert_eq!(session.folders(None, None).await, Ok(named("Drafts", "Sent Items")));
    assert_eq!(
        session.folders(Some("Work/Entwürfe"), Some("INBOX.S")).await,
        Ok(named("Work/Entwürfe", "INBOX.S"))
    );
    assert!(session.folders(Some("../x"), None).await.is_err());
}

fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn an_append_makes_the_folder_and_one_private_file_with_its_flags() {
    let home = Home::new();
    let mut session = home.inbox().await;
    for (name, task, flags) in [("Drafts", Folder::Drafts, "DS"), ("Sent", Folder::Sent, "S")] {
        let dir = home.path().join(format!(".{name}"));
        assert!(!dir.exists());
        let mark = session.append_mark(name, MESSAGE).await.unwrap();
        assert_eq!(files(&dir), ["cur", "maildirfolder", "new", "tmp"]);
        assert_eq!(files(&dir.join("cur")), [""; 0]);
        session.append(name, task, &mark, MESSAGE).await.unwrap();
        session.append(name, task, &mark, MESSAGE).await.unwrap();
        assert_eq!(files(&dir.join("cur")), [format!("{mark}:2,{flags}")]);
        assert_eq!(files(&dir.join("tmp")), [""; 0]);
        let path = dir.join("cur").join(format!("{mark}:2,{flags}"));
        assert_eq!(fs::read(&path).unwrap(), MESSAGE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let found = session.find_by_header(name, "Message-ID", "<n1@me.example>").await;
        assert_eq!(found, Ok(Some(1)));
        let other = session.find_by_header(name, "Message-ID", "<1@me.example>").await;
        assert_eq!(other, Ok(None));
    }
}

/// Every point where a crash can fall between the durable steps of an append.
#[tokio::test]
async fn an_interrupted_append_can_be_told_and_finished_once() {
    let home = Home::new();
    let drafts = home.path().join(".Drafts");
    let resolve = async |mark: &str| {
        // A new session each time, as after a restart.
        let mut session = home.inbox().await;
        let id = "<n1@me.example>";
        session.resolve_append("Drafts", mark, "Message-ID", id).await.unwrap()
    };
    let mark = home.inbox().await.append_mark("Drafts", MESSAGE).await.unwrap();
    assert_eq!(resolve(&mark).await, AppendTrace::Never, "staged only");

    // Staged half way by the next try, then again in full.
    fs::write(drafts.join("tmp").join(&mark), "From").unwrap();
    let again = home.inbox().await.append_mark("Drafts", MESSAGE).await.unwrap();
    assert_eq!(again, mark, "the same message leaves the same trace");
    let mut session = home.inbox().await;
    session.append("Drafts", Folder::Drafts, &mark, MESSAGE).await.unwrap();
    assert_eq!(resolve(&mark).await, AppendTrace::There);

    // A mail program changes the flags, or keeps the message under another name.
    let in_cur = |name: &str| drafts.join("cur").join(name);
    fs::rename(in_cur(&format!("{mark}:2,DS")), in_cur(&format!("{mark}:2,DFS"))).unwrap();
    assert_eq!(resolve(&mark).await, AppendTrace::There);
    session.append("Drafts", Folder::Drafts, &mark, MESSAGE).await.unwrap();
    assert_eq!(files(&drafts.join("cur")).len(), 1, "not a second time");
    fs::rename(in_cur(&format!("{mark}:2,DFS")), in_cur("other,U=7:2,S")).unwrap();
    assert_eq!(resolve(&mark).await, AppendTrace::There);

    fs::remove_file(in_cur("other,U=7:2,S")).unwrap();
    assert_eq!(resolve(&mark).await, AppendTrace::Unclear, "deleted by its owner");
    fs::remove_dir_all(&drafts).unwrap();
    assert_eq!(resolve(&mark).await, AppendTrace::Unclear);
    assert!(!drafts.exists(), "looking makes no folder");
}

#[tokio::test]
async fn a_swept_tmp_does_not_stop_an_append() {
    let home = Home::new();
    let mut session = home.inbox().await;
    let mark = session.append_mark("Drafts", MESSAGE).await.unwrap();
    fs::remove_file(home.path().join(".Drafts/tmp").join(&mark)).unwrap();
    session.append("Drafts", Folder::Drafts, &mark, MESSAGE).await.unwrap();
    assert_eq!(files(&home.path().join(".Drafts/cur")).len(), 1);
}

#[tokio::test]
async fn a_mark_that_is_no_file_name_of_ours_is_refused() {
    let home = Home::new();
    let mut session = home.inbox().await;
    let before = home.everything();
    let result = session.append("Drafts", Folder::Drafts, "../../new/x", MESSAGE).await;
    assert!(matches!(result, Err(Fault::Permanent(_))));
    assert_eq!(home.everything(), before);
}

#[tokio::test]
async fn waiting_ends_by_mail_by_time_or_by_interrupt() {
    let home = Home::new();
    let mut session = home.inbox().await;
    let long = Duration::from_secs(60);
    assert_eq!(session.wait(long, ready(())).await, Ok(Wake::Interrupted));
    assert_eq!(session.wait(Duration::ZERO, pending()).await, Ok(Wake::TimedOut));

    // While it waits.
    let (wake, ()) = tokio::join!(session.wait(long, pending()), async {
        tokio::task::yield_now().await;
        home.deliver("a", &mail("a"), 1);
    });
    assert_eq!(wake, Ok(Wake::Changed));
    // News stay news until they are looked at.
    assert_eq!(session.wait(long, pending()).await, Ok(Wake::Changed));
    assert_eq!(all(&mut session).await.len(), 1);
    assert_eq!(session.wait(Duration::ZERO, pending()).await, Ok(Wake::TimedOut));

    // Between two waits, with the folder's time as it was before (a coarse clock).
    let new = File::open(home.path().join("new")).unwrap();
    let before = new.metadata().unwrap().modified().unwrap();
    home.deliver("b", &mail("b"), 2);
    new.set_modified(before).unwrap();
    assert_eq!(session.wait(long, pending()).await, Ok(Wake::Changed));
    assert_eq!(all(&mut session).await.len(), 2);

    home.rename("new/b", "cur/b:2,S");
    let wake = session.wait(Duration::ZERO, pending()).await;
    assert_eq!(wake, Ok(Wake::TimedOut), "a move is no news");
    fs::remove_dir_all(home.path()).unwrap();
    let gone = session.wait(long, pending()).await;
    assert!(matches!(gone, Err(Fault::NeedsHuman(_))), "{gone:?}");
}

#[tokio::test]
async fn a_dropped_call_leaves_the_session_whole() {
    let home = Home::new();
    for n in 0..200 {
        home.deliver(format!("m{n}"), &mail("x"), n);
    }
    let mut session = home.inbox().await;
    let fields = subject();
    // Polled once, which hands the work over, then dropped.
    drop(session.new_envelopes(1, None, &fields).now_or_never());
    drop(session.open("INBOX", Access::ReadOnly).now_or_never());
    assert_eq!(all(&mut session).await.len(), 200);
}

#[tokio::test]
async fn ten_thousand_messages_are_listed_and_restarted_without_reading_them_again() {
    let home = Home::new();
    let cur = home.path().join("cur");
    for n in 0..10_000 {
        fs::write(cur.join(format!("{n:05}.host:2,S")), "Subject: x\n\ny\n").unwrap();
    }
    let mut session = home.inbox().await;
    assert_eq!(all(&mut session).await.len(), 10_000);
    drop(session);
    home.deliver("fresh", &mail("fresh"), 1);
    let mut session = home.inbox().await;
    let fresh = session.new_envelopes(10_001, None, &subject()).await.unwrap();
    assert_eq!(shown(&fresh), pairs(&[(10_001, "fresh")]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_program_at_work_hides_nothing_and_doubles_nothing() {
    const MAILS: u64 = 300;
    let home = Home::new();
    let mut session = home.inbox().await;
    let done = AtomicBool::new(false);
    let mut seen: BTreeMap<Uid, String> = BTreeMap::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..MAILS {
                home.deliver(format!("m{n}"), &mail(&format!("s{n}")), n);
                home.rename(&format!("new/m{n}"), &format!("cur/m{n}:2,"));
                let earlier = n / 2;
                let (from, to) = (format!("cur/m{earlier}:2,"), format!("cur/m{earlier}:2,S"));
                if n % 2 == 0 {
                    home.rename(&from, &to);
                }
            }
            done.store(true, Ordering::SeqCst);
        });
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                let mut from = 1;
                loop {
                    let last_round = done.load(Ordering::SeqCst);
                    for (uid, subject) in shown(&session.new_envelopes(from, None, &subject()).await.unwrap())
                    {
                        assert!(seen.insert(uid, subject).is_none());
                    }
                    if last_round {
                        break;
                    }
                    // As the daemon does: go on behind the last one seen.
                    from = seen.keys().last().map_or(1, |uid| uid + 1);
                }
            });
        });
    });
    assert_eq!(session.take_unreadable().await, Ok(vec![]));
    let subjects: BTreeSet<&String> = seen.values().collect();
    assert_eq!(subjects.len() as u64, MAILS, "{} seen", seen.len());
    assert_eq!(seen.len() as u64, MAILS);
    let wanted: Vec<(Uid, u64)> = seen.keys().map(|uid| (*uid, 0)).collect();
    let bodies = session.bodies(&wanted, 1 << 20).await.unwrap();
    assert!(bodies.iter().all(|(_, body)| matches!(body, Body::Whole(_))));
}
