//! Every step of a pass, times every fault of the line or the server: a grid
//! before a real Dovecot. Each cell ends: done later, or refused with its
//! reason; never a wrong cursor, never two drafts, never a hang.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use notyet::app::account::{self, End};
use notyet::app::port::Port;
use notyet::app::setup;
use notyet::app::shared::{Memory, Shared, Stop, StopSwitch};
use notyet::config::{Account, MailboxKind, Tls};
use notyet::domain::Timestamp;
use notyet::domain::delivery::{ParkedFor, State};
use notyet::shell::clock;
use notyet::shell::mailbox::Access;
use notyet::shell::store::{Cursor, Ledger};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::support::dovecot::{Dovecot, Storage};
use crate::support::fault::{At, Fault, FaultyLine};
use crate::support::home::Home;
use crate::support::mails::{header, to_paste};

/// So short that a silent server costs little, so long that a busy one is not silent.
const DEADLINE: Duration = Duration::from_millis(1500);
/// Nothing takes longer, whatever the server does.
const NO_HANG: Duration = Duration::from_secs(60);

struct Grid<'a> {
    server: &'a Dovecot,
    line: FaultyLine,
    account: Account,
    shared: Arc<Shared>,
    delivered: u32,
    /// Drafts that their owner deleted.
    gone: u32,
    home: Home,
}

impl<'a> Grid<'a> {
    async fn before(server: &'a Dovecot, tls: Tls) -> Self {
        let line = FaultyLine::before(server.imap_port).await;
        let home = Home::new();
        home.configure("", &[home.on_port("work", line.port, "")]);
        let setup = setup::load(&home.config()).unwrap_or_else(|problems| panic!("{problems}"));
        let ledger = Ledger::open(&home.state()).unwrap();
        let mut account = setup.config.accounts.into_iter().next().unwrap();
        if let MailboxKind::Imap(imap) = &mut account.kind {
            imap.timeout = DEADLINE;
            imap.tls = tls;
            imap.ca_file = Some(server.ca_file());
        }
        let mut shared = Shared::new(setup.rules, setup.config.owner, setup.policy, ledger, clock::now);
        shared.straggling_timeouts = 2;
        let mut grid = Self { server, line, account, shared: Arc::new(shared), delivered: 0, gone: 0, home };
        grid.settled("the first run").await;
        grid.deliver();
        grid.settled("a run without fault").await;
        grid
    }

    fn deliver(&mut self) {
        self.delivered += 1;
        self.server.deliver(&to_paste(self.delivered));
    }

    async fn pass(&self, cell: &str) -> End {
        let (_switch, stop) = Stop::new();
        timeout(NO_HANG, account::once(&self.account, &self.shared, &stop))
            .await
            .unwrap_or_else(|_| panic!("{cell}: it hangs"))
    }

    /// The steps of a pass with one new mail.
    async fn recorded(&mut self) -> Vec<String> {
        self.deliver();
        assert_eq!(self.pass("recorded").await, End::Done);
        self.line.steps()
    }

    fn count(&self, state: State) -> u32 {
        u32::try_from(self.shared.ledger().in_state("work", state).unwrap().len()).unwrap()
    }

    fn at_rest(&self) -> u32 {
        self.count(State::Drafted) + self.count(State::Refused)
    }

    /// Passes without fault until nothing is left to do, then everything is looked at.
    async fn settled(&self, cell: &str) {
        let end = Instant::now() + NO_HANG;
        while self.pass(cell).await != End::Done || self.at_rest() != self.delivered {
            assert!(Instant::now() < end, "{cell}: {} of {} letters rest", self.at_rest(), self.delivered);
        }
        self.is_right(cell).await;
    }

    /// How many drafts of ours there are, none of them twice.
    fn drafts(&self, cell: &str) -> u32 {
        let drafts = self.server.messages(".Drafts");
        let keys: Vec<_> = drafts.iter().filter_map(|draft| header(draft, "X-Notyet-Key")).collect();
        let different: BTreeSet<_> = keys.iter().collect();
        assert_eq!(keys.len(), different.len(), "{cell}: a draft stands there twice");
        u32::try_from(keys.len()).unwrap()
    }

    /// One draft for each letter that is drafted, and a cursor where the server's UIDNEXT stands.
    async fn is_right(&self, cell: &str) {
        assert_eq!(self.drafts(cell) + self.gone, self.count(State::Drafted), "{cell}: drafts");
        let mut port = Port::connect(&self.account, self.shared.uids(&self.account)).await.unwrap();
        let opened = port.open("INBOX", Access::ReadOnly).await.unwrap();
        let truth = Cursor { uid_validity: opened.uid_validity, next_uid: opened.uid_next };
        assert_eq!(self.shared.ledger().cursor("work", "INBOX").unwrap(), Some(truth), "{cell}: the cursor");
        for letter in self.shared.ledger().in_state("work", State::Refused).unwrap() {
            assert!(!letter.last_words.is_empty(), "{cell}: a reason is given");
        }
    }

    /// One cell of the grid.
    async fn cell(&mut self, number: usize, step: &str, fault: Fault) {
        let cell = format!("{step} (step {number}), {fault:?}");
        self.deliver();
        self.line.plan(At::Number(number), fault);
        let refused = self.count(State::Refused);
        self.pass(&cell).await;
        assert!(self.line.happened(), "{cell}: it did not happen");
        if step == "AUTHENTICATE" {
            // A refused login rests for a day, or until somebody touches the password.
            let password = std::fs::read_to_string(self.home.path().join("password")).unwrap();
            self.home.put("password", &password);
        }
        self.settled(&cell).await;
        let may_end_refused = matches!(step, "APPEND" | "literal") && fault == Fault::Bad;
        assert_eq!(self.count(State::Refused) > refused, may_end_refused, "{cell}: refused");
    }

    /// The daemon's own loop, until the switch is thrown.
    fn watch(&self) -> (StopSwitch, JoinHandle<End>) {
        let (switch, stop) = Stop::new();
        let (account, shared) = (self.account.clone(), Arc::clone(&self.shared));
        (switch, tokio::spawn(account::watch(account, shared, Memory::default(), stop)))
    }

    async fn until_at_rest(&self, cell: &str) {
        let end = Instant::now() + NO_HANG;
        while self.at_rest() != self.delivered {
            assert!(Instant::now() < end, "{cell}: {} of {} letters rest", self.at_rest(), self.delivered);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Which step of many of one kind stands for the others: the first and the last.
fn is_worth_it(steps: &[String], number: usize) -> bool {
    let same: Vec<usize> = (0..steps.len()).filter(|other| steps[*other] == steps[number]).collect();
    same.first() == Some(&number) || same.last() == Some(&number)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_at_any_step_of_a_pass_loses_or_doubles_a_draft() {
    let server = dovecot!();
    let mut grid = Grid::before(&server, Tls::LoopbackPlain).await;
    let steps = grid.recorded().await;
    for wanted in [
        "greeting",
        "AUTHENTICATE",
        "LIST",
        "EXAMINE",
        "UID SEARCH",
        "UID FETCH",
        "STATUS",
        "APPEND",
        "literal",
        "LOGOUT",
    ] {
        assert!(steps.iter().any(|step| step == wanted), "{wanted}: {steps:?}");
    }
    for (number, step) in steps.iter().enumerate() {
        if !is_worth_it(&steps, number) {
            continue;
        }
        for fault in Fault::ALL {
            grid.cell(number, step, fault).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_on_the_way_to_tls_sends_anything_or_hangs() {
    let server = dovecot!();
    let mut grid = Grid::before(&server, Tls::StartTls).await;
    let steps: Vec<String> = grid.line.steps().into_iter().take(2).collect();
    assert_eq!(steps, ["greeting", "STARTTLS"]);
    for (number, step) in steps.iter().enumerate() {
        for fault in Fault::ALL {
            grid.cell(number, step, fault).await;
        }
    }
}

/// What shows that an APPEND was never done is that Drafts is as it was: the drafts behind it have to wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_was_cut_off_is_written_later_though_others_wait_behind_it() {
    let server = dovecot!();
    let mut grid = Grid::before(&server, Tls::LoopbackPlain).await;
    for step in ["APPEND", "literal"] {
        for _ in 0..3 {
            grid.deliver();
        }
        grid.line.plan(At::Named(step), Fault::CutBefore);
        grid.pass(step).await;
        assert!(grid.line.happened(), "{step}");
        grid.settled(step).await;
    }
    assert_eq!(grid.count(State::Drafted), grid.delivered);
}

/// The faults that differ where the daemon waits.
const IN_A_WAIT: [Fault; 9] = [
    Fault::CutBefore,
    Fault::CutAnswer,
    Fault::Reset,
    Fault::Silence,
    Fault::Bye,
    Fault::No,
    Fault::Bad,
    Fault::Noise,
    Fault::WrongTag,
];

/// The daemon's loop with a fault at each `step`; afterwards mail is found as before.
async fn no_fault_while_waiting_ends_the_watch(step: &'static str, polls_every: Option<Duration>) {
    let server = dovecot!();
    let mut grid = Grid::before(&server, Tls::LoopbackPlain).await;
    grid.account.poll_every = polls_every.unwrap_or(Duration::from_secs(5));
    if let (MailboxKind::Imap(imap), Some(_)) = (&mut grid.account.kind, polls_every) {
        imap.idle = false;
    }
    for fault in IN_A_WAIT {
        let cell = format!("{step}, {fault:?}");
        let (switch, watching) = grid.watch();
        grid.deliver();
        grid.until_at_rest(&cell).await;
        grid.line.plan(At::Named(step), fault);
        grid.deliver();
        grid.until_at_rest(&cell).await;
        let end = Instant::now() + NO_HANG;
        while !grid.line.has_happened() {
            assert!(Instant::now() < end, "{cell}: it did not happen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        grid.deliver();
        grid.until_at_rest(&cell).await;
        switch.send(true).unwrap();
        assert_eq!(timeout(NO_HANG, watching).await.expect("it stops").unwrap(), End::Done, "{cell}");
    }
    grid.is_right(step).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_at_idle_ends_the_watch() {
    no_fault_while_waiting_ends_the_watch("IDLE", None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_at_done_ends_the_watch() {
    no_fault_while_waiting_ends_the_watch("DONE", None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_at_a_poll_ends_the_watch() {
    no_fault_while_waiting_ends_the_watch("NOOP", Some(Duration::from_secs(1))).await;
}

/// What another client may do in the middle of a pass.
#[derive(Clone, Copy, Debug)]
enum Disturbance {
    MailIsRemoved,
    MailIsMoved,
    MoreMailComes,
    DraftsGetsAnother,
    DraftsIsEmptied,
    InboxIsRenumbered,
}

impl Disturbance {
    const ALL: [Self; 6] = [
        Self::MailIsRemoved,
        Self::MailIsMoved,
        Self::MoreMailComes,
        Self::DraftsGetsAnother,
        Self::DraftsIsEmptied,
        Self::InboxIsRenumbered,
    ];

    fn act(self, storage: &Storage, next: u32) {
        match self {
            Self::MailIsRemoved => storage.paths("").pop().map(std::fs::remove_file).unwrap().unwrap(),
            Self::MailIsMoved => storage.take_to(".Posted", &storage.paths("").pop().unwrap()),
            Self::MoreMailComes => storage.deliver("", &to_paste(next)),
            Self::DraftsGetsAnother => {
                storage.deliver(".Drafts", "From: me@example.org\nSubject: mine\n\nx\n")
            }
            Self::DraftsIsEmptied => {
                storage.paths(".Drafts").into_iter().for_each(|path| std::fs::remove_file(path).unwrap());
            }
            Self::InboxIsRenumbered => storage.renumber_inbox(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_client_in_the_middle_of_a_pass_loses_and_doubles_nothing() {
    let server = dovecot!();
    let mut grid = Grid::before(&server, Tls::LoopbackPlain).await;
    let steps = grid.recorded().await;
    for (number, step) in steps.iter().enumerate().skip(2) {
        for disturbance in Disturbance::ALL {
            let cell = format!("{step} (step {number}), {disturbance:?}");
            grid.deliver();
            let (storage, next) = (server.storage(), grid.delivered + 1);
            grid.line.plan_meanwhile(At::Number(number), move || disturbance.act(&storage, next));
            grid.delivered += u32::from(matches!(disturbance, Disturbance::MoreMailComes));
            grid.pass(&cell).await;
            assert!(grid.line.happened(), "{cell}: it did not happen");
            match disturbance {
                // Whether it was read before it went is for the moment to say; here it counts as never sent.
                Disturbance::MailIsRemoved | Disturbance::MailIsMoved => {
                    while grid.pass(&cell).await != End::Done {}
                    grid.delivered = grid.at_rest();
                }
                // The letters that stood there were the owner's, and none of them is made again.
                Disturbance::DraftsIsEmptied => {
                    while grid.pass(&cell).await != End::Done {}
                    let left = grid.drafts(&cell);
                    assert!(left <= 1, "{cell}: {left} drafts");
                    grid.gone = grid.count(State::Drafted) - left;
                }
                _ => {}
            }
            grid.settled(&cell).await;
        }
    }
}

/// A server that was put back from an old copy counts its UIDs from where it was then.
#[tokio::test(flavor = "multi_thread")]
async fn mail_is_found_when_uidnext_has_gone_back() {
    let server = dovecot!();
    let mut grid = Grid::before(&server, Tls::LoopbackPlain).await;
    for _ in 0..5 {
        grid.deliver();
    }
    grid.settled("before").await;
    let before = grid.shared.ledger().cursor("work", "INBOX").unwrap().unwrap();
    for path in server.storage().paths("") {
        std::fs::remove_file(path).unwrap();
    }
    server.storage().turn_back("");
    for cell in ["turned back", "after that", "and after that"] {
        grid.deliver();
        grid.settled(cell).await;
        let after = grid.shared.ledger().cursor("work", "INBOX").unwrap().unwrap();
        assert_eq!(after.uid_validity, before.uid_validity);
        assert!(after.next_uid < before.next_uid, "{after:?}, {before:?}");
    }
}

static LATER_S: AtomicI64 = AtomicI64::new(0);

fn later() -> Timestamp {
    Timestamp::from_unix_s(clock::now().unix_s() + LATER_S.load(Ordering::Relaxed))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_breaks_the_line_each_time_holds_up_no_other_and_is_left_to_a_person() {
    let server = dovecot!();
    let mut grid = Grid::before(&server, Tls::LoopbackPlain).await;
    let shared = Arc::get_mut(&mut grid.shared).unwrap();
    (shared.clock, shared.straggling_timeouts) = (later, 0);
    grid.deliver();
    for _ in 0..2 {
        grid.line.plan(At::Named("literal"), Fault::CutWithin);
        grid.pass("the first breaks the line").await;
        assert!(grid.line.happened());
    }
    grid.deliver();
    grid.pass("the second").await;
    let waiting = grid.shared.ledger().in_state("work", State::Queued).unwrap();
    assert_eq!((waiting.len(), grid.count(State::Drafted)), (1, grid.delivered - 1), "the first waits");
    assert!(waiting[0].next_attempt_at > later());

    let mut tries = 2;
    while grid.count(State::Parked) == 0 {
        LATER_S.fetch_add(5 * 60 * 60, Ordering::Relaxed);
        grid.line.plan(At::Named("literal"), Fault::CutWithin);
        grid.pass("the first, later").await;
        tries += u32::from(grid.line.happened());
        assert!(tries < 50, "it is tried for ever");
    }
    let parked = grid.shared.ledger().in_state("work", State::Parked).unwrap();
    assert_eq!((parked[0].parked_for, parked[0].attempts), (Some(ParkedFor::NeverAppended), tries));
    grid.pass("at rest").await;
    assert_eq!(grid.drafts("at rest"), grid.delivered - 1);
}
