//! The mail of a year: who writes, and what must become of it.

use fastrand::Rng;

use crate::support::golden;
use crate::support::mails::{sample, unfolded, written_now};

/// Which account gets a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum At {
    /// It has no way to send: every letter becomes a draft.
    Desk,
    /// It sends where everything speaks for it.
    Post,
}

impl At {
    pub const ALL: [Self; 2] = [Self::Desk, Self::Post];
}

/// What a mail is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// An invitation, a reminder or a copy of one; the numbers of the invitations it tells of.
    Invitation(Vec<u32>),
    /// It looks like an invitation and was not shown to be one.
    Forgery,
    /// Something came back to the letter for this invitation.
    Answer(u32),
    /// Its header names a network and cannot be read.
    Unreadable,
    /// Any other mail.
    Other,
}

/// One mail on its way.
#[derive(Clone, Debug)]
pub struct Mail {
    pub to: At,
    pub what: What,
    pub text: String,
}

/// What the generator knows of an invitation.
#[derive(Clone, Copy, Debug)]
pub struct Invited {
    /// The first account that hears of it.
    pub to: At,
    pub sort: Sort,
    /// Two accounts hear of it, and either may write the letter.
    pub twice: bool,
}

/// Whether a letter for it may be sent where there is a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Sendable,
    DraftOnly,
}

/// A mail of `tests/mail` that can be made anybody's.
struct Pattern {
    file: &'static str,
    /// Names of those who invite, as they stand in it.
    people: &'static [(&'static str, &'static str)],
    /// Ids of the invitations and pages, in the order of the people.
    ids: &'static [&'static [&'static str]],
    address: Option<&'static str>,
    /// Words to put in place of others.
    instead: &'static [(&'static str, &'static str)],
    sort: Sort,
}

const PATTERNS: [Pattern; 11] = [
    Pattern {
        file: "demo/2026-02-member-no-note",
        people: &[("Oskar", "Lindqvist")],
        ids: &[&["oskar-lindqvist-growth", "7424353768103137444", "35jim6A9"]],
        address: None,
        instead: &[],
        sort: Sort::DraftOnly,
    },
    Pattern {
        file: "demo/2015-01-member-reply-to",
        people: &[("In=C3=AAs", "Carvalho")],
        ids: &[&[
            "5963290803960815115",
            "5963290803958204342",
            "YGlV3Hz0",
            "mohfWvMoKdAPvuXKsy0Cr9j43sh5pFzw8BF7nle",
        ]],
        address: Some("ines@example.com"),
        instead: &[],
        sort: Sort::Sendable,
    },
    Pattern {
        file: "demo/2009-09-guest-note-default",
        people: &[("Tobias", "Arendt")],
        ids: &[&["I4747553509", "o8QO4nzI3vj55TEShaPLTnWjigJ0btVg8KvECQELp8RY"]],
        address: Some("tobias.arendt@example.com"),
        instead: &[],
        sort: Sort::Sendable,
    },
    Pattern {
        file: "demo/2013-07-guest-note-personal",
        people: &[("Henrike", "Vogt")],
        ids: &[&["10131060494", "MCtnLk1G", "I1016240882"]],
        address: Some("henrike@example.net"),
        instead: &[],
        sort: Sort::DraftOnly,
    },
    Pattern {
        file: "demo/2019-02-member-note-personal",
        people: &[("Yusuf", "Demirel")],
        ids: &[&["yusuf-demirel-prints", "6504270826249563924", "U5GicIrH"]],
        address: None,
        instead: &[],
        sort: Sort::DraftOnly,
    },
    Pattern {
        file: "demo/2026-06-member-note-pitch",
        people: &[("Chad", "Merrick")],
        ids: &[&["chad-merrick-pipeline", "7470353620855319429", "1lFQLQ0n"]],
        address: None,
        instead: &[],
        sort: Sort::DraftOnly,
    },
    Pattern {
        file: "demo/2026-07-member-note-german-personal",
        people: &[("Friederike", "Amsel")],
        ids: &[&["friederike-amsel", "7480358967372146434", "kobOQsDL"]],
        address: None,
        instead: &[],
        sort: Sort::DraftOnly,
    },
    Pattern {
        file: "golden/2026-route-relay",
        people: &[("Marta", "Kowal")],
        ids: &[&["route-relay-demo", "7447391479045021603", "59N0GoUw"]],
        address: Some("3f2a9c77-81d4-4e0b-a6f5-2c9d7e10b4aa@reply.linkedin.com"),
        instead: &[(
            "Hi Robin, we met at the letterpress table in Gdynia. You asked for the ink recipe, may I write it here?",
            "I'd like to add you to my professional network on LinkedIn.",
        )],
        sort: Sort::Sendable,
    },
    Pattern {
        file: "demo/2011-04-facebook-friend-request",
        people: &[("Delphine", "Roux")],
        ids: &[&["6ey3yynngrmqgw13", "m5y1zvpitjzolb8a3fwu4xak"]],
        address: None,
        instead: &[],
        sort: Sort::DraftOnly,
    },
    Pattern {
        file: "golden/2021-03-digest-of-three",
        people: &[("Hauke", "Petersen"), ("Bettina", "Krol"), ("Felipe", "Arroyo")],
        ids: &[
            &["hauke-petersen-deich", "6775022325806141701", "wnEBo2Ld"],
            &["bettina-krol", "6775022325806244732", "JpAA6HfP"],
            &["felipe-arroyo-b2b", "6775022325806399685", "2TOOqZGf"],
        ],
        address: None,
        instead: &[],
        sort: Sort::DraftOnly,
    },
    Pattern {
        file: "",
        people: &[("Jonas", "Feldmaier")],
        ids: &[&["Jonas_F_00000000", "4711000000"]],
        address: None,
        instead: &[],
        sort: Sort::DraftOnly,
    },
];

const XING: &str = "Return-Path: <bounce@mail.xing.com>\n\
    Delivered-To: robin@example.org\n\
    Authentication-Results: mx.example.org; dkim=pass header.d=xing.com header.s=s1 header.b=abcd;\n\
    \tspf=pass smtp.mailfrom=bounce@mail.xing.com; dmarc=pass header.from=mail.xing.com\n\
    Received: from mx.xing.com (mx.xing.com [192.0.2.40])\n\
    \tby mx.example.org (Postfix) with ESMTPS id a7CRdrNbL2Nh\n\
    \tfor <robin@example.org>; Fri, 8 May 2026 20:03:34 +0000 (UTC)\n\
    Date: Fri, 8 May 2026 20:03:31 +0000\n\
    From: \"Jonas Feldmaier (via XING)\" <mailrobot@mail.xing.com>\n\
    To: Robin Keller <robin@example.org>\n\
    Message-ID: <1234.5678@mail.xing.com>\n\
    Subject: Jonas Feldmaier wants to add you as a contact\n\
    MIME-Version: 1.0\n\
    Content-Type: text/plain; charset=UTF-8\n\
    \n\
    Jonas Feldmaier\n\
    Controller\n\
    \n\
    View profile: https://www.xing.com/profile/Jonas_F_00000000\n\
    Accept: https://www.xing.com/network/contact_requests/4711000000/accept\n";

/// Letters by which a letter's greeting shows for whom it is: a name has no digits.
pub fn mark(number: u32) -> String {
    format!("{number:06}").bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
}

/// The address of those who can be written to. Two that are told apart by it are two people.
pub fn address_of(number: u32, pattern: &str) -> String {
    let (local, domain) = pattern.split_once('@').expect("an address");
    // A relay's address is told by its last digits; a person's may grow.
    let kept = if local.len() > 30 { &local[..local.len() - 6] } else { local };
    format!("{kept}{number:06}@{domain}")
}

/// The number of the first invitation that a notification told of, from the Message-ID that a letter answers.
pub fn number_in(message_id: &str) -> Option<u32> {
    message_id.trim_start_matches('<').strip_prefix('7')?.split('.').next()?.parse().ok()
}

/// Makes mail. Everything follows from the seed.
pub struct Traffic {
    pub rng: Rng,
    pub invited: Vec<Invited>,
    others: Vec<String>,
    unreadable: Vec<String>,
    copies: u32,
}

impl Traffic {
    pub fn new(seed: u64) -> Self {
        let of_kind = |kinds: &[&str]| {
            let rows = golden::expected();
            let wanted =
                rows.iter().filter(|row| kinds.contains(&row.raw("kind")) && row.raw("inviter") == "-");
            wanted.map(|row| row.file.clone()).filter(|file| file != "golden/2026-own-decline.eml").collect()
        };
        Self {
            rng: Rng::with_seed(seed),
            invited: Vec::new(),
            others: of_kind(&["other", "accepted", "message", "digest"]),
            unreadable: vec!["golden/hostile-two-from-fields.eml".to_owned()],
            copies: 0,
        }
    }

    /// New invitations (a digest tells of several), with their reminders, copies and forgeries.
    pub fn invitation(&mut self) -> Vec<Mail> {
        let first = u32::try_from(self.invited.len()).expect("few");
        let to = At::ALL[self.rng.usize(..2)];
        // What can be sent is rarer than what cannot, and the account that sends is to do so.
        let more = if to == At::Post { 18 } else { 0 };
        let sendable = PATTERNS.iter().filter(|pattern| pattern.sort == Sort::Sendable).cycle().take(more);
        let all: Vec<&Pattern> = PATTERNS.iter().chain(sendable).collect();
        let pattern = all[self.rng.usize(..all.len())];
        let twice = self.rng.u8(..) < 12;
        let numbers: Vec<u32> = (first..).take(pattern.people.len()).collect();
        self.invited.extend(numbers.iter().map(|_| Invited { to, sort: pattern.sort, twice }));
        let mut mails = Vec::new();
        if self.rng.u8(..) < 25 {
            // Of its own: under new UIDs, two mails of one Message-ID could not be told apart.
            self.copies += 1;
            let text = self.forged(&self.written(pattern, first));
            self.copies += 1;
            mails.push(Mail { to, what: What::Forgery, text });
        }
        let what = What::Invitation(numbers);
        let genuine = self.written(pattern, first);
        mails.push(Mail { to, what: what.clone(), text: genuine.clone() });
        while self.rng.u8(..) < 50 {
            self.copies += 1;
            let text = match self.rng.u8(..3) {
                0 => genuine.clone(),
                1 if pattern.file == PATTERNS[0].file => {
                    let reminder = Pattern { file: "demo/2026-02-reminder-no-note", ..*pattern };
                    self.written(&reminder, first)
                }
                _ => self.written(pattern, first),
            };
            mails.push(Mail { to, what: what.clone(), text });
        }
        if twice {
            let other = if to == At::Desk { At::Post } else { At::Desk };
            mails.push(Mail { to: other, what, text: genuine });
        }
        mails
    }

    /// The pattern as the mail of the invitations from number `first` on.
    fn written(&self, pattern: &Pattern, first: u32) -> String {
        let mail = if pattern.file.is_empty() {
            written_now(XING)
        } else {
            unfolded(&sample(&format!("{}.eml", pattern.file)))
        };
        let mut mail = pattern.instead.iter().fold(mail, |mail, (from, to)| {
            assert!(mail.contains(from), "{}: {from}", pattern.file);
            mail.replace(from, to)
        });
        for ((number, (given, family)), ids) in (first..).zip(pattern.people).zip(pattern.ids) {
            for id in *ids {
                mail = mail.replace(id, &format!("{}{number:06}", &id[..id.len() - 6]));
            }
            if let Some(address) = pattern.address {
                mail = mail.replace(address, &address_of(number, address));
            }
            let mark = mark(number);
            mail = mail.replace(given, &format!("{given}{mark}")).replace(family, &format!("{family}{mark}"));
        }
        self.renamed(&mail, first)
    }

    /// With a Message-ID that shows the invitation; what stands behind the numbers is the network's habit.
    fn renamed(&self, mail: &str, first: u32) -> String {
        let (before, id) = mail.split_once("\nMessage-ID: <").expect("a Message-ID");
        let habit = match id.split_once('.') {
            Some((a, rest)) if a.bytes().all(|byte| byte.is_ascii_digit()) => {
                rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[end..])
            }
            _ => &id[id.find('@').expect("an at")..],
        };
        format!("{before}\nMessage-ID: <7{first:06}.{}{habit}", self.copies)
    }

    /// By somebody else, or as the owner's provider could not show it to be real.
    fn forged(&mut self, mail: &str) -> String {
        if self.rng.bool() {
            return mail.replace("=pass", "=fail");
        }
        let (before, rest) = mail.split_once("\nAuthentication-Results:").expect("results");
        let end = rest.find("\nReceived:").expect("more fields");
        format!("{before}{}", &rest[end..])
    }

    /// Mail that nobody should take for an invitation.
    pub fn other(&mut self) -> Mail {
        let to = At::ALL[self.rng.usize(..2)];
        let number = self.rng.u32(..);
        match self.rng.u8(..100) {
            0..=1 => {
                let file = self.unreadable[self.rng.usize(..self.unreadable.len())].clone();
                return Mail { to, what: What::Unreadable, text: sample(&file) };
            }
            2..=14 => {
                let file = self.others[self.rng.usize(..self.others.len())].clone();
                return Mail { to, what: What::Other, text: sample(&file) };
            }
            _ => {}
        }
        let (fields, subject) = match self.rng.u8(..5) {
            0 => (
                "List-Id: <news.example.com>\nPrecedence: bulk\nList-Unsubscribe: <https://example.com/u>\n",
                "News",
            ),
            1 => ("Auto-Submitted: auto-generated\n", "Your order has been shipped"),
            2 => ("", "Invitation to connect on LinkedIn"),
            3 => ("In-Reply-To: <1.2@example.org>\n", "Re: I want to connect"),
            _ => ("", "Sunday"),
        };
        let words = self.words();
        let text = format!(
            "Received: from mx.example.com by mx.example.org; Mon, 2 Mar 2026 07:00:00 +0000\n\
             Date: Mon, 2 Mar 2026 07:00:00 +0000\nFrom: Somebody <s{number}@example.com>\n\
             To: Robin Keller <robin@example.org>\nMessage-ID: <o.{number}@example.com>\n\
             Subject: {subject} {number}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n{fields}\n{words}\n"
        );
        Mail { to, what: What::Other, text: written_now(&text) }
    }

    fn words(&mut self) -> String {
        const WORDS: [&str; 12] = [
            "invitation",
            "harbour",
            "I'd like to add you to my professional network",
            "tomorrow",
            "bread",
            "the second draft",
            "https://www.linkedin.com/in/somebody",
            "please",
            "accept",
            "thank you",
            "Tuesday",
            "queue",
        ];
        let count = if self.rng.u8(..20) == 0 { 3000 } else { self.rng.usize(5..200) };
        let words: Vec<&str> = (0..count).map(|_| WORDS[self.rng.usize(..WORDS.len())]).collect();
        words.chunks(10).map(|line| line.join(" ") + "\n").collect()
    }

    /// Something that comes back to the letter `id` to `address`.
    pub fn answer(&mut self, number: u32, kind: &str, id: &str, address: &str) -> Mail {
        let fields = match kind {
            "replied" => format!("From: <{address}>\nIn-Reply-To: {id}\n\nThanks!"),
            "auto-answered" => {
                format!("From: <{address}>\nReferences: {id}\nAuto-Submitted: auto-replied\n\nI am away.")
            }
            _ => format!(
                "From: <mailer-daemon@mx.example.org>\n\
                 Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
                 --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\n\
                 Final-Recipient: rfc822; {address}\nAction: failed\nStatus: 5.1.1\n\n\
                 --b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {id}\nSubject: s\n\n--b--"
            ),
        };
        let text = format!("To: robin@example.org\nSubject: Re: something\n{fields}\n");
        Mail { to: At::Post, what: What::Answer(number), text }
    }
}
