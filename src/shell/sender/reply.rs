//! What a server says: replies (RFC 5321 §4.2) and the EHLO offer.

use super::Submission;

/// Characters of a server's text that are kept.
const KEPT_CHARS: usize = 240;

/// One reply, possibly of several lines.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Reply {
    /// The three digits; 0 when there was no whole reply.
    pub(super) code: u16,
    /// The text of each line.
    pub(super) lines: Vec<String>,
}

impl Reply {
    /// Reads the lines of one reply as the wire kept them.
    pub(super) fn parse(raw: &str) -> Self {
        let code = raw
            .lines()
            .next_back()
            .and_then(|line| line.get(..3))
            .and_then(|digits| digits.parse().ok())
            .unwrap_or(0);
        let lines = raw.lines().map(|line| line.get(4..).unwrap_or("").to_owned()).collect();
        Self { code, lines }
    }

    /// Code and text for people and logs: one line, shortened, masked.
    pub(super) fn words(&self, mask: &Mask) -> String {
        if self.code == 0 {
            return "no whole reply".to_owned();
        }
        let text = mask.apply(&self.lines.join(" "));
        format!("{} {}", self.code, shorten(&text)).trim_end().to_owned()
    }
}

/// The persons of one submission, whose names must not get into a log even
/// where a server writes them without their domain.
pub(super) struct Mask(Vec<String>);

impl Mask {
    /// Of these names.
    pub(super) fn of(names: &[&str]) -> Self {
        Self(names.iter().map(|name| name.to_ascii_lowercase()).collect())
    }

    pub(super) fn new(submission: &Submission<'_>) -> Self {
        let mut names =
            vec![submission.from.local().to_ascii_lowercase(), submission.to.local().to_ascii_lowercase()];
        if let Some(login) = &submission.server.login {
            names.push(login.user.to_ascii_lowercase());
        }
        Self(names)
    }

    /// `text` with everything that is or may be an address replaced.
    pub(super) fn apply(&self, text: &str) -> String {
        let in_address = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.@".contains(c);
        let mut masked = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(in_address) {
            let (between, run) = rest.split_at(start);
            let (run, after) = run.split_at(run.find(|c| !in_address(c)).unwrap_or(run.len()));
            masked.push_str(between);
            masked.push_str(if self.tells(run) { "***" } else { run });
            rest = after;
        }
        masked.push_str(rest);
        masked
    }

    fn tells(&self, run: &str) -> bool {
        let bare = run.trim_matches(|c: char| !c.is_alphanumeric()).to_ascii_lowercase();
        run.contains('@')
            || self.0.iter().any(|name| *name == bare || (name.len() > 4 && bare.contains(name.as_str())))
    }
}

fn shorten(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(KEPT_CHARS) {
        Some((cut, _)) => format!("{} ...", line.get(..cut).unwrap_or("")),
        None => line,
    }
}

/// The service extensions we care for (RFC 5321 §4.1.1.1).
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    /// STARTTLS (RFC 3207).
    pub(super) starttls: bool,
    /// 8BITMIME (RFC 6152).
    pub(super) eight_bit: bool,
    /// SIZE was named (RFC 1870).
    pub(super) size: bool,
    /// The limit it named; none: no fixed limit.
    pub(super) max_bytes: Option<u64>,
    /// Mechanisms of AUTH (RFC 4954), in upper case.
    pub(super) auth: Vec<String>,
}

impl Offer {
    pub(super) fn parse(reply: &Reply) -> Self {
        let mut offer = Self::default();
        for line in reply.lines.iter().skip(1) {
            // `AUTH=LOGIN` is what servers wrote before RFC 2554.
            let line = line.to_ascii_uppercase().replacen("AUTH=", "AUTH ", 1);
            let mut words = line.split_whitespace();
            match words.next() {
                Some("STARTTLS") => offer.starttls = true,
                Some("8BITMIME") => offer.eight_bit = true,
                Some("SIZE") => {
                    offer.size = true;
                    offer.max_bytes = words.next().and_then(|n| n.parse().ok()).filter(|n| *n > 0);
                }
                Some("AUTH") => offer.auth.extend(words.map(str::to_owned)),
                _ => {}
            }
        }
        offer
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn mask() -> Mask {
        Mask(vec!["me".into(), "jane.doe".into(), "login-name".into()])
    }

    #[test]
    fn reads_replies_of_one_and_more_lines() {
        let reply = Reply::parse("250-one\r\n250-two\r\n250 three\r\n");
        assert_eq!(reply.code, 250);
        assert_eq!(reply.lines, ["one", "two", "three"]);
        assert_eq!(Reply::parse("354 \r\n").words(&mask()), "354");
        assert_eq!(Reply::parse("").words(&mask()), "no whole reply");
    }

    #[test]
    fn words_hide_persons_and_stay_short() {
        let said = |text: &str| Reply::parse(&format!("550 {text}\r\n")).words(&mask());
        assert_eq!(said("5.1.1 <jane@example.org>: no such user"), "550 5.1.1 <***>: no such user");
        assert_eq!(said("user Jane.Doe unknown"), "550 user *** unknown");
        assert_eq!(said("relay-jane.doe=example refused"), "550 *** refused");
        assert_eq!(said("\"odd one\"@example.org x"), "550 \"odd one\"*** x");
        assert_eq!(said("some message for me."), "550 some message for ***");
        assert!(said(&"long ".repeat(500)).len() < 260);
        assert_eq!(said("bell\u{7}"), "550 bell");
    }

    #[test]
    fn reads_the_offer() {
        let reply = Reply::parse(
            "250-mx.example.org hello\r\n250-SIZE 1000\r\n250-starttls\r\n250-AUTH plain LOGIN\r\n250-AUTH=XOAUTH2\r\n250 8BITMIME\r\n",
        );
        let offer = Offer::parse(&reply);
        assert_eq!(offer.max_bytes, Some(1000));
        assert!(offer.starttls && offer.eight_bit && offer.size);
        assert_eq!(offer.auth, ["PLAIN", "LOGIN", "XOAUTH2"]);
        let unlimited = Offer::parse(&Reply::parse("250-x\r\n250 SIZE 0\r\n"));
        assert_eq!(unlimited.max_bytes, None);
        assert_eq!(Offer::parse(&Reply::parse("250 STARTTLS\r\n")), Offer::default());
    }
}
