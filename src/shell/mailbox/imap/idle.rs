//! Waiting for mail (IDLE, RFC 2177), or just for time to pass.

use std::future::Future;
use std::pin::{Pin, pin};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::ImapSession;
use super::response::{Capabilities, Response};
use super::wire::Failure;
use crate::domain::Fault;
use crate::shell::mailbox::Wake;

/// An IDLE is ended and begun anew after this long: servers may log us out
/// after 29 minutes (RFC 2177 §3), and home routers forget a silent line sooner
/// than that, which no shorter time could cure in general.
const IDLE_AT_MOST: Duration = Duration::from_secs(24 * 60);

/// A server that ends an IDLE by itself sooner than that does not really have it.
const IDLE_AT_LEAST: Duration = Duration::from_secs(60);

/// How long the server may take to end an IDLE.
const DONE_WITHIN: Duration = Duration::from_secs(15);

const VERB: &str = "IDLE";

/// Whether this session waits with IDLE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Idling {
    /// Offered and wanted.
    Possible,
    /// Not offered, or not wanted.
    Not,
    /// Offered, and refused when we tried.
    Refused,
}

impl Idling {
    pub(super) fn new(wanted: bool, capabilities: &Capabilities) -> Self {
        if wanted && capabilities.has("IDLE") { Self::Possible } else { Self::Not }
    }
}

/// How one IDLE ended.
enum Ended {
    Woken(Wake),
    /// Long enough; begin anew.
    Stale,
    Refused,
}

/// What one response meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    /// The tagged end of the IDLE, refused or not.
    TheEnd,
    News,
}

/// What happened first while idling.
enum Happened {
    Told(Response),
    TimeUp,
    Interrupted,
}

impl ImapSession {
    /// Whether waits are woken by the server.
    pub fn has_idle(&self) -> bool {
        self.idling == Idling::Possible
    }

    /// Waits until the opened mailbox has grown, `longest` has passed, or
    /// `interrupt` is ready. Growth that was told during an earlier command
    /// and not looked at since counts at once. Without IDLE it waits for time
    /// and interrupt, then asks once.
    ///
    /// Do not drop the future to stop it, use `interrupt`: the session could
    /// not be used any further.
    ///
    /// # Errors
    /// `Transient` when the connection ended meanwhile.
    pub async fn wait(
        &mut self,
        longest: Duration,
        interrupt: impl Future<Output = ()>,
    ) -> Result<Wake, Fault> {
        let mut interrupt = pin!(interrupt);
        let until = Instant::now() + longest;
        if self.view.take_growth() {
            return Ok(Wake::Changed);
        }
        while self.has_idle() {
            self.reselect().await?;
            match self.idle(until, interrupt.as_mut()).await? {
                Ended::Woken(wake) => return Ok(self.woken(wake)),
                Ended::Stale => {}
                Ended::Refused => self.idling = Idling::Refused,
            }
        }
        tokio::select! {
            () = interrupt.as_mut() => return Ok(self.woken(Wake::Interrupted)),
            () = sleep_until(until) => {}
        }
        if self.opened.is_some() {
            self.reselect().await?;
            self.noop().await?;
        }
        Ok(self.woken(Wake::TimedOut))
    }

    /// New mail is the better news, whatever ended the wait.
    fn woken(&mut self, wake: Wake) -> Wake {
        match wake {
            Wake::Interrupted => Wake::Interrupted,
            _ if self.view.take_growth() => Wake::Changed,
            wake => wake,
        }
    }

    async fn idle(
        &mut self,
        until: Instant,
        mut interrupt: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<Ended, Fault> {
        let tag = self.wire.start(VERB)?;
        self.wire.write(VERB, format!("{tag} IDLE\r\n").as_bytes()).await?;
        loop {
            match self.wire.next(VERB).await? {
                Response::Continue(_) => break,
                told => {
                    if self.heard(&tag, told)? == Heard::TheEnd {
                        return Ok(Ended::Refused);
                    }
                }
            }
        }
        let began = Instant::now();
        let stale = began + IDLE_AT_MOST;
        let ended = loop {
            if self.view.has_grown() {
                break Ended::Woken(Wake::Changed);
            }
            let happened = tokio::select! {
                () = interrupt.as_mut() => Happened::Interrupted,
                () = sleep_until(until.min(stale)) => Happened::TimeUp,
                told = self.wire.next_unhurried(VERB) => Happened::Told(told?),
            };
            match happened {
                Happened::Interrupted => break Ended::Woken(Wake::Interrupted),
                Happened::TimeUp if Instant::now() >= until => break Ended::Woken(Wake::TimedOut),
                Happened::TimeUp => break Ended::Stale,
                Happened::Told(told) => {
                    if self.heard(&tag, told)? == Heard::TheEnd {
                        // Beginning anew at once would only go round in circles.
                        let worked = began.elapsed() >= IDLE_AT_LEAST;
                        return Ok(if worked { Ended::Stale } else { Ended::Refused });
                    }
                }
            }
        };
        self.wire.write(VERB, b"DONE\r\n").await?;
        self.wire.hurry(DONE_WITHIN);
        loop {
            let told = self.wire.next(VERB).await?;
            if self.heard(&tag, told)? == Heard::TheEnd {
                return Ok(ended);
            }
        }
    }

    /// Takes in one response; answers with the end of the IDLE when it is that.
    /// A refusal is no fault: it only shows that we have to do without.
    fn heard(&mut self, tag: &str, told: Response) -> Result<Heard, Fault> {
        self.view.note(&told);
        match told {
            Response::Tagged { tag: ended, status, text } if ended == tag => {
                match self.wire.end(VERB, status, text) {
                    Ok(_) | Err(Failure::Refused(_)) => Ok(Heard::TheEnd),
                    Err(Failure::Fault(fault)) => Err(fault),
                }
            }
            Response::Tagged { .. } => Err(self.wire.transient(VERB, "answered another command")),
            Response::Bye(text) => Err(self.wire.bye(VERB, &text)),
            _ => Ok(Heard::News),
        }
    }
}
