//! The server to send by: it keeps what it gets, and fails as chance has it.

use fastrand::Rng;
use notyet::config::Tls;

use super::world::World;
use crate::support::smtp_peer::{Act, At, Script, Session};

/// How much time there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A minute, of which a silent server to send by would take a quarter each time.
    Short,
    /// As long as it takes.
    Long,
}

/// How the sink treats its next client.
pub fn script(dice: &mut Rng, form: Form, troubled: bool) -> Script {
    let script = Script::new(Tls::LoopbackPlain);
    if !troubled || dice.u8(..) > 100 {
        return script;
    }
    // What happens once the letter is out is the most dangerous, and happens most.
    const MOMENTS: [At; 11] = [
        At::Greeting,
        At::Hello,
        At::Mail,
        At::Rcpt,
        At::Data,
        At::MidBody,
        At::Dot,
        At::Dot,
        At::Dot,
        At::Dot,
        At::Quit,
    ];
    let at = MOMENTS[dice.usize(..MOMENTS.len())];
    let say = [
        Act::Say("451 4.3.0 later\r\n"),
        Act::Say("421 4.3.2 going down\r\n"),
        Act::Say("550 5.7.1 no\r\n"),
        Act::Silence,
        Act::Reset,
        Act::Close,
        Act::Half,
    ];
    // A word in the middle of a body is heard as one after it; what it means would be a matter of time.
    let most = if at == At::MidBody { 3.. } else { 0.. };
    let acts = &say[most.start..];
    let act = acts[dice.usize(..acts.len())];
    let act = if form == Form::Short && act == Act::Silence { Act::Close } else { act };
    script.at(at, act)
}

impl World {
    /// The letters that the sink took, or may have taken, whole; each with its invitation.
    pub fn transmissions(&self) -> Vec<(u32, String)> {
        let sessions = self.sink.sessions.lock().expect("sessions").clone();
        let mut went = Vec::new();
        for Session { script, seen } in sessions {
            let refused = script.at == At::Dot && matches!(script.act, Act::Say(_));
            for bytes in seen.lock().expect("seen").bodies.iter().filter(|_| !refused) {
                let text = String::from_utf8(bytes.clone()).expect("UTF-8").replace("\r\n..", "\r\n.");
                went.push((self.number_of(&text), text));
            }
        }
        went
    }

    /// Sessions that did not go as usual.
    pub fn spoilt(&self) -> usize {
        let sessions = self.sink.sessions.lock().expect("sessions");
        sessions.iter().filter(|session| session.script.at != At::Never).count()
    }

    /// Sessions in which the sink refused for good.
    pub fn refused_for_good(&self) -> usize {
        let sessions = self.sink.sessions.lock().expect("sessions");
        sessions.iter().filter(|s| matches!(s.script.act, Act::Say(words) if words.starts_with('5'))).count()
    }
}
