//! Values that cannot be wrong: words of the field, no effects, no other layer.

pub mod acquaintance;
pub mod address;
pub mod after;
pub mod delivery;
pub mod dkim;
pub mod fault;
pub mod hex;
pub mod invitation;
pub mod mail;
pub mod policy;
pub mod problem;
pub mod sending;
pub mod time;
pub mod verdict;

pub use acquaintance::{Acquaintance, Encounter, PersonKey, Source, Strength};
pub use address::{Address, Mailbox};
pub use fault::Fault;
pub use hex::hex;
pub use invitation::{Identity, Invitation, InvitationKey, Inviter, Notice, Route};
pub use mail::{Link, Mail, MessageId, RawMail, is_tangled};
pub use policy::{Action, Policy, PolicyOverride};
pub use problem::{Problem, Problems};
pub use sending::AnswerKind;
pub use time::Timestamp;
pub use verdict::{Decision, Evidence, Judgement, Letter, NoteKind, Plan, Reason, Stage};
