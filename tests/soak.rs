//! A year of mail, pressed into minutes or hours: the real binary between a real
//! Dovecot and a server to send by, with faults of lines and servers, restarts,
//! and an owner who works on the same mailboxes. At the end it comes out even:
//! one letter for each invitation, none for anything else, no mail lost or
//! changed, and memory and open files where they were.
//!
//! A short form runs with the other tests. `tests/soak/run` runs it as long as
//! wanted; what it takes is told by the environment, see [`Length`].

mod hand;
mod oracle;
mod sink;
mod traffic;
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use notyet::app::account::{self, End};
use notyet::app::setup;
use notyet::app::shared::{Shared, Stop};
use notyet::config::Account;
use notyet::domain::Timestamp;
use notyet::domain::delivery::State;
use notyet::shell::clock;
use notyet::shell::store::Ledger;

use sink::Form;
use traffic::{At, Mail};
use world::{Rest, Shake, World};

/// How much, how long, and what all chance follows from.
struct Length {
    /// Mails, those of invitations among them.
    mails: usize,
    invitations: usize,
    /// Over so long a time; without one, as fast as it goes.
    minutes: Option<u64>,
    seed: u64,
}

impl Length {
    fn wanted() -> Self {
        let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().expect(name));
        Self {
            mails: number("NOTYET_SOAK_MAILS").unwrap_or(1_500) as usize,
            invitations: number("NOTYET_SOAK_INVITATIONS").unwrap_or(60) as usize,
            minutes: number("NOTYET_SOAK_MINUTES"),
            // Always the same, so that the tests of one state of the code agree; the script draws one.
            seed: number("NOTYET_SOAK_SEED").unwrap_or(2),
        }
    }
}

/// One thing that happens.
enum Deed {
    Deliver(Box<Mail>),
    BreakLine(At),
    TouchInbox,
    TouchDraft,
    Answer,
    Shake(Shake),
    /// All that waits is worked off, and the daemon is looked at.
    Rest,
    Renumber(At),
}

/// Nothing that has been delivered waits longer, whatever is broken.
const PATIENCE: Duration = Duration::from_secs(180);
/// A wait of the daemon's own (a login that failed) may be longer than that: its owner shakes it.
const SHAKE_AFTER: Duration = Duration::from_secs(12);
/// Whatever arrives, memory stays below so much above that of a daemon that has read no mail yet.
const ABOVE_RESTING_KB: u64 = 64 * 1024;
/// Memory may grow so much over the first rest of a process: a language's patterns are
/// compiled when its first note comes.
const MAY_GROW_KB: u64 = 32 * 1024;
/// Open files of a daemon with two accounts, in the middle of anything.
const MOST_FILES: usize = 48;

#[tokio::test(flavor = "multi_thread")]
async fn a_year_of_mail_faults_and_restarts_comes_out_even() {
    let length = Length::wanted();
    let began = Instant::now();
    println!(
        "soak: NOTYET_SOAK_SEED={} NOTYET_SOAK_MAILS={} NOTYET_SOAK_INVITATIONS={}",
        length.seed, length.mails, length.invitations
    );
    let form = if length.minutes.is_some() { Form::Long } else { Form::Short };
    let Some(mut world) = World::start(length.seed, form).await else { return };
    world.bring_up();
    let accounts = world.accounts();
    rest(&mut world, &accounts, Rest::Settled).await;

    let deeds = year(&mut world, &length);
    let count = deeds.len();
    for (number, deed) in deeds.into_iter().enumerate() {
        if let Some(minutes) = length.minutes {
            let due = Duration::from_secs(60 * minutes).mul_f64(number as f64 / count as f64);
            tokio::time::sleep(due.saturating_sub(began.elapsed())).await;
        }
        act(&mut world, &accounts, deed).await;
    }
    let in_trouble = world.transmissions().len();
    world.mend_all();
    world.bring_up();
    world.shake(Shake::Reload);
    rest(&mut world, &accounts, Rest::Settled).await;
    world.shake(Shake::Stop);
    days_pass(&world, &accounts).await;

    let balance = oracle::compare(&world);
    println!("soak: {in_trouble} letters went out before the faults were switched off");
    figures(&world, &balance, began.elapsed());
    stays_flat(&world);
}

/// What happens in the year, week by week.
fn year(world: &mut World, length: &Length) -> Vec<Deed> {
    let mut mails: Vec<Vec<Mail>> = Vec::new();
    let mut count = 0;
    while world.traffic.invited.len() < length.invitations {
        let asked = world.traffic.invitation();
        count += asked.len();
        mails.push(asked);
    }
    while count < length.mails {
        mails.push(vec![world.traffic.other()]);
        count += 1;
    }
    world.traffic.rng.shuffle(&mut mails);
    let weeks = (length.mails / 250).clamp(6, 52);
    let per_week = mails.len().div_ceil(weeks);
    let mut deeds = Vec::new();
    let mut mails = mails.into_iter();
    // The mails of one invitation come in their order, others in between.
    let mut later: Vec<Mail> = Vec::new();
    for week in 0..weeks {
        let rng = &mut world.traffic.rng;
        let mut first: Vec<Deed> = Vec::new();
        let mut held = std::mem::take(&mut later);
        for group in mails.by_ref().take(per_week) {
            let mut group = group.into_iter();
            first.extend(group.next().map(|mail| Deed::Deliver(Box::new(mail))));
            for mail in group {
                if rng.bool() { later.push(mail) } else { held.push(mail) }
            }
        }
        let some = first.len();
        let mut add = |deed: fn(&mut fastrand::Rng) -> Deed, one_in: usize, rng: &mut fastrand::Rng| {
            for _ in 0..some.div_ceil(one_in) {
                first.push(deed(rng));
            }
        };
        add(|rng| Deed::BreakLine(either(rng)), 16, rng);
        add(|_| Deed::TouchInbox, 20, rng);
        add(|_| Deed::TouchDraft, 60, rng);
        add(|_| Deed::Answer, 100, rng);
        // The last part of the year is one life, to see whether it grows.
        let shakes = [Shake::Stop, Shake::Kill, Shake::Kill, Shake::Reload];
        if week * 3 < weeks * 2 {
            let shake = shakes[rng.usize(..shakes.len())];
            first.push(Deed::Shake(shake));
        } else if rng.u8(..4) == 0 {
            first.push(Deed::Shake(Shake::Reload));
        }
        rng.shuffle(&mut first);
        for mail in held {
            let at = rng.usize(..=first.len());
            first.insert(at, Deed::Deliver(Box::new(mail)));
        }
        deeds.extend(first);
        deeds.push(Deed::Rest);
        if rng.u8(..6) == 0 {
            deeds.push(Deed::Renumber(either(rng)));
        }
    }
    deeds.extend(later.into_iter().map(|mail| Deed::Deliver(Box::new(mail))));
    deeds
}

fn either(rng: &mut fastrand::Rng) -> At {
    At::ALL[rng.usize(..2)]
}

async fn act(world: &mut World, accounts: &[Account], deed: Deed) {
    match deed {
        Deed::Deliver(mail) => world.deliver(*mail),
        Deed::BreakLine(at) => world.break_line(at),
        Deed::TouchInbox => world.touch_inbox(),
        Deed::TouchDraft => world.touch_draft(),
        Deed::Answer => world.answer(),
        Deed::Shake(shake) => {
            world.shake(shake);
            world.bring_up();
        }
        Deed::Rest => rest(world, accounts, Rest::Read).await,
        Deed::Renumber(at) => world.renumber(at),
    }
}

/// Until all mail is read; at the end of all, until no letter is under way.
async fn rest(world: &mut World, accounts: &[Account], end: Rest) {
    world.bring_up();
    let began = Instant::now();
    let mut shaken = Instant::now();
    loop {
        let undone = world.undone(accounts, end).await;
        if undone.is_empty() {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "it does not come to rest: {undone:?}\n{}", world.last_words());
        if shaken.elapsed() > SHAKE_AFTER {
            At::ALL.into_iter().for_each(|at| world.mend_line(at));
            world.shake(Shake::Reload);
            shaken = Instant::now();
        }
        // Another process is asked; it has no event to await.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    world.look();
}

static LATER_S: AtomicI64 = AtomicI64::new(0);

fn now() -> Timestamp {
    Timestamp::from_unix_s(clock::now().unix_s() + LATER_S.load(Ordering::Relaxed))
}

/// What waits for hours and days (another try, a doubt) comes to its end: the daemon's own
/// passes, in this process, by a clock that is ahead.
async fn days_pass(world: &World, accounts: &[Account]) {
    let hour = 60 * 60;
    for later in [5 * hour, 10 * hour, 40 * hour] {
        LATER_S.store(later, Ordering::Relaxed);
        let loaded = setup::load(&world.home.path().join("direct.toml"));
        let setup = loaded.unwrap_or_else(|problems| panic!("{problems}"));
        let ledger = Ledger::open(&world.home.state()).expect("the ledger");
        let mut shared = Shared::new(setup.rules, setup.config.owner, setup.policy, ledger, now);
        shared.people = setup.config.people;
        shared.sending = setup.config.sending;
        shared.zone = setup.zone;
        shared.after = setup.config.after;
        let shared = Arc::new(shared);
        for account in accounts {
            let (_switch, stop) = Stop::new();
            assert_eq!(account::once(account, &shared, &stop).await, End::Done, "{}", account.name);
        }
    }
    let ledger = Ledger::open_read_only(&world.home.state()).expect("the ledger");
    for account in accounts {
        for state in [State::Held, State::Queued, State::Appending, State::Transmitting, State::Uncertain] {
            let left = ledger.in_state(&account.name, state).expect("letters");
            assert_eq!(left.len(), 0, "{}: {}", account.name, state.as_str());
        }
    }
}

fn figures(world: &World, balance: &oracle::Balance, took: Duration) {
    println!(
        "soak: {} mails, {} invitations in {} s; letters: {:?}; in doubt: {:?}",
        world.delivered.len(),
        world.traffic.invited.len(),
        took.as_secs(),
        balance.letters,
        balance.doubts
    );
    println!(
        "soak: {} transmissions, {} answers, {} mails and {} drafts in the owner's hands, {} untidy",
        world.transmissions().len(),
        world.answers.len(),
        balance.touched_by_hand,
        balance.drafts_by_hand,
        balance.untidy
    );
    let sessions = world.sink.sessions.lock().expect("sessions").len();
    println!(
        "soak: {:?}; renumbered {}",
        world.shakes,
        world.sides.iter().map(|s| s.renumbered).sum::<u32>()
    );
    println!(
        "soak: {} sessions of the sink, {} of them spoilt; faults of the line: {:?}",
        sessions,
        world.spoilt(),
        world.line_faults
    );
    for (complaint, count) in &world.complaints {
        println!("soak: the log, {count} times: {complaint}");
    }
    println!("soak:  life   mails  resident  own (kB)  files  ledger (kB)");
    for look in &world.vitals {
        println!(
            "soak: {:>5} {:>7} {:>9} {:>9} {:>6} {:>12}",
            look.life,
            look.mails,
            look.resident_kb,
            look.own_kb,
            look.files,
            look.ledger_bytes / 1024
        );
    }
}

/// No process of the daemon grows, and none keeps files open.
fn stays_flat(world: &World) {
    let resting = world.vitals.first().expect("a look before any mail");
    for look in &world.vitals {
        assert!(look.files <= MOST_FILES, "open files: {look:?}");
        assert!(look.own_kb <= resting.own_kb + ABOVE_RESTING_KB, "memory: {resting:?} {look:?}");
        let first = world.vitals.iter().find(|first| first.life == look.life).expect("itself");
        assert!(look.own_kb <= first.own_kb + MAY_GROW_KB, "memory: {first:?} {look:?}");
    }
}
