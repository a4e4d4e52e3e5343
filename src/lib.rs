//! notyet watches a mailbox for "X wants to connect with you", tells a generic
//! note from a personalized one, and drafts (or, where asked to, sends) a kind
//! decline: not like this, not yet. This page is the map of its code.
//!
//! # The way through
//!
//! ```text
//! mailbox --RawMail--> parse --Mail--> recognise --Invitation--> gates --Cleared--> classify
//!                                                                  ^                   |
//!                           Facts (from the ledger, and the time) -'                NoteKind
//!                                                                                      v
//!  Drafts <-- settle <--.                                                           compose
//!    Sent <-- settle <--+-- ledger <--Plan-- decide <--Letter--------------------------'
//! inviter <- deliver <--'
//! ```
//!
//! One direction, and every arrow is a type. Two pure halves stand round one
//! question. [`stages::identify`] says what a mail is. Then [`app`] looks up
//! the [`stages::gates::Facts`] (dealt with before? how many letters today?).
//! Then [`stages::judge`] returns a [`domain::Plan`]: the whole decision as
//! data. `check` and `preview` show it, the daemon (and `demo`, on a sample)
//! acts on it; all of them share both halves. [`stages::gates::Cleared`] has a
//! private constructor, so no letter is composed that no gate has passed.
//!
//! A mail that its server does not hand out is not taken as gone: what fails again
//! and again, also from one process to the next, is found, listed and passed over
//! ([`app`]'s `stumbles`).
//!
//! The cursor of the mailbox, the plan and the letter in the queue are
//! committed in one transaction. What happens to the letter then is one table
//! of states and events, [`domain::delivery::State::after`]: it is committed
//! *before* the first byte goes out, so a crash can leave a doubt, never a
//! second letter.
//!
//! With `policy.hold` a letter to send is a draft first ([`app`]'s `hold`). Untouched
//! when its time is over, the draft is removed and the letter queued to be sent. The
//! removal is committed before it is made: what is gone in between was perhaps
//! removed by its owner, and is never sent by itself.
//!
//! Each letter carries digests of what it answers ([`stages::trace`]). A ledger
//! that was lost is begun anew from Drafts and Sent ([`app::rebuild`]), before
//! anything else is done; one that may be an older copy of itself is brought up to
//! date from there. A ledger whose file is another by now takes nothing more, so that
//! two of one name never send the same letter.
//!
//! Whom the owner knows has to be known before anything is judged: Sent is read to
//! its end ([`app::people`]), and each address book at least once ([`app::books`]).
//!
//! # Layers
//!
//! | layer | may name | effects |
//! |---|---|---|
//! | [`domain`] | nothing | none: values that cannot be wrong |
//! | [`rulebook`], [`config`] | domain | none: text in, values or problems out |
//! | [`stages`] | domain, rulebook, config | none: no clock, no randomness, no I/O |
//! | [`shell`] | domain, config | all I/O, no policy |
//! | [`app`] | all above | only through `shell` |
//! | [`cli`] | domain, config, rulebook, app | stdout, stderr, exit code |
//!
//! `tests/architecture.rs` checks the imports, the ban on effects and the
//! length of files. The rules themselves are no code: `rules/` is compiled in,
//! and the owner's folder is laid over it; no network is named in `src/`.
//!
//! # Where to start reading
//!
//! 1. [`domain::Plan`] and [`domain::delivery`]: what there is to decide and to do.
//! 2. [`stages`]: `identify` and `judge`, a page each.
//! 3. [`app::ingest`], [`app::settle`], [`app::deliver`]: the three steps that act.
//! 4. [`app::account`] and [`app::daemon`]: the loop round them.
//! 5. [`shell::mailbox`], [`shell::sender`], [`shell::store`]: the outside world.
//!
//! # Deliberately absent
//!
//! - **No login to a network's site, no link opened**: there is no HTTP client
//!   among the dependencies.
//! - **No plain EXPUNGE, and no mail touched unasked.** Mailboxes are opened
//!   read-only, or with SELECT where only that makes UIDs last (Courier). Only
//!   where the config says so (`[[after]]`) the one notification is marked or
//!   moved, by UID and after a look at its Message-ID ([`app`]'s `tidy`); only
//!   `notyet undo` and the end of a hold remove a draft, by UID EXPUNGE and while it
//!   is as we wrote it.
//! - **No retry of a letter that may have gone out.** It becomes `uncertain`,
//!   then `parked`, and a person decides ([`app::queue`]).
//! - **No socket and no second daemon to talk to.** What a person says goes into
//!   the ledger, beside the running daemon, which sees that it was written.
//! - **No connection pool and no shared session**: one account, one task, one
//!   session, thrown away after any answer that did not come in full.
//! - **No async trait objects**: the mailbox port is an enum of two
//!   ([`app::port::Port`]), and `match` is easier to read than a vtable.
//! - **No globals**: time, rules and the ledger are arguments.
//! - **No DKIM check unasked.** The provider's Authentication-Results is the
//!   evidence. Only with `dkim = "verify"` the signatures of an invitation's
//!   network are checked here, and the DNS is asked for their keys
//!   ([`app::signatures`]); no other mail is ever asked about.
//! - **No DNSSEC, no DMARC or SPF of our own.** A resolver that validates can be
//!   named; the other two judge the line a mail came by, which we never see.
//! - **No list of the owner's friends in clear**: whom the owner knows is kept as
//!   keyed digests ([`shell::store`]); [`stages::people`] makes the keys.
//! - **No model that must be believed.** What is generic is decided by rules and
//!   by weights learned from `tests/notes` ([`stages::classify`]): a sum of words,
//!   in a text file, made again from its sources byte for byte.
//! - **No report by mail.**
//!
//! # Where this left the plan, and why
//!
//! - *Maildir* is our own code and not the `maildir` crate. That one brings
//!   mailparse 0.15, which overflows its stack on nested MIME, an abort that no
//!   caller can catch; and a draft that is written exactly once needs a file
//!   name of our choosing already in `tmp/`.
//! - *IMAP*: of async-imap only the grammar is used (`imap_proto`). Its
//!   connection allocates up to 512 MiB on a server's mere announcement, logs
//!   the LOGIN line at trace level, and reports refusals as empty successes.
//!   Framing and commands are ours, with limits: `shell::mailbox::imap`.
//! - *SMTP*: lettre's connection is driven phase by phase, over a stream of
//!   ours that knows whether a body byte has left; its pool and its `send` are
//!   not used: `shell::sender`.
//! - *DKIM* is checked by our own code on `ring` ([`stages::dkim`]) and not by the
//!   mail-auth crate: that one takes more mail as signed than a guard may, asks
//!   the DNS for names of the sender's choosing, and brings a resolver of dozens of
//!   crates. The DNS messages are the `domain` crate's: [`shell::dns`].
//! - *A flagged draft* is sent at once where it is held and as we wrote it. One that
//!   was edited is its owner's, flagged or not: who edits a draft may not be done with
//!   it, and a flag may mean anything. Nor is any draft sent that is not held.
//! - *A note's single patterns* are looked for by `regex-automata`'s PikeVM: there are
//!   thousands, the `regex` crate keeps several automata and caches for each, and a
//!   year's notes filled memory with them. Which of a language's match at all a `RegexSet` tells.
//! - *HTML* is read by html5gum's tokenizer: an invitation needs text and
//!   links in order, and no tree that hostile nesting can make deep.

pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod rulebook;
pub mod shell;
pub mod stages;
