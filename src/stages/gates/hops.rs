//! Which of the Received lines (RFC 5321 §4.4) are the receiving provider's own.

/// The Received lines passed so far, top down. The receiving provider is known
/// by its authserv-id and by the host of the first line that names one.
pub(super) struct Hops {
    home: Vec<String>,
    seen_named: bool,
    /// A line of another organisation was passed.
    pub(super) foreign: bool,
}

impl Hops {
    /// For a provider whose authserv-id is not known.
    pub(super) fn unknown() -> Self {
        Self { home: Vec::new(), seen_named: false, foreign: false }
    }

    /// For the provider with this authserv-id, or `*.domain`.
    pub(super) fn new(wanted: &str) -> Self {
        let host = wanted.strip_prefix("*.").unwrap_or(wanted);
        Self { home: organisation(host).into_iter().collect(), seen_named: false, foreign: false }
    }

    /// One more line.
    pub(super) fn pass(&mut self, received: &str) {
        let Some(by) = received_by(received).and_then(|host| organisation(&host)) else {
            return;
        };
        if !self.seen_named {
            self.seen_named = true;
            self.home.push(by);
        } else if !self.home.contains(&by) {
            self.foreign = true;
        }
    }
}

/// The host behind `by` (RFC 5321 §4.4), comments skipped.
fn received_by(received: &str) -> Option<String> {
    let mut depth = 0_usize;
    let plain: String = received
        .chars()
        .map(|c| {
            match c {
                '(' => depth += 1,
                ')' if depth > 0 => {
                    depth -= 1;
                    return ' ';
                }
                _ => {}
            }
            if depth > 0 { ' ' } else { c }
        })
        .collect();
    let mut words = plain.split_whitespace().peekable();
    if words.next_if(|word| word.eq_ignore_ascii_case("from")).is_some() {
        // The sender's own name for itself, which can be `by`.
        words.next();
    }
    words.find(|word| word.eq_ignore_ascii_case("by"))?;
    words.next().map(|host| host.trim_matches([';', '.']).to_ascii_lowercase())
}

/// The last two labels of a host name; `None` for what is none. Too wide for
/// suffixes such as `co.uk`, which errs towards "cannot be told apart".
pub(super) fn organisation(host: &str) -> Option<String> {
    let host = host.to_ascii_lowercase();
    let mut labels = host.rsplit('.');
    let (top, second) = (labels.next()?, labels.next()?);
    let is_name =
        |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let numeric = top.bytes().all(|b| b.is_ascii_digit());
    (is_name(top) && is_name(second) && !numeric).then(|| format!("{second}.{top}"))
}
