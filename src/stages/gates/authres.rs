//! The Authentication-Results header field (RFC 8601 §2.2), as a typed value.
//!
//! One pass over the bytes, no regex, no backtracking: comments nest, quoted
//! strings hide what they hold, folds are blanks. Three things that large
//! providers write are taken although the grammar has no place for them, and
//! none of them can turn into evidence:
//!
//! - a `;` with nothing behind it, as the last one of the line often is;
//! - a pair without a dot (`action=none`): kept as a property without ptype;
//! - unquoted values with characters that RFC 2045 reserves (`header.b=a/b+`).
//!
//! What a property says is the word of the host that wrote the header; whether
//! that host is ours is for [`super::authentic`] to tell.

/// The payload of one Authentication-Results field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthResults {
    /// Who says so (RFC 8601 §2.5), as it came, quotes removed.
    pub authserv_id: String,
    /// The version of the format; 1 when none is given.
    pub version: u32,
    /// What was found, in order; empty for `none`.
    pub results: Vec<MethodResult>,
}

/// One method and its result (`resinfo` of RFC 8601 §2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodResult {
    /// `dkim`, `spf`, `dmarc`, ..., in lower case.
    pub method: String,
    /// The version of the method; 1 when none is given.
    pub method_version: u32,
    /// `pass`, `fail`, `none`, ..., in lower case.
    pub result: String,
    /// The `reason=` text.
    pub reason: Option<String>,
    /// The properties in order.
    pub properties: Vec<Property>,
}

/// One property (`propspec` of RFC 8601 §2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// `header`, `smtp`, `policy`, ..., in lower case; empty where the writer left it out.
    pub ptype: String,
    /// `d`, `from`, `mailfrom`, ..., in lower case.
    pub name: String,
    /// The value, quotes and escapes removed, case as it came.
    pub value: String,
}

impl MethodResult {
    /// All values of `ptype.name`, in order.
    pub fn values<'a>(&'a self, ptype: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.properties.iter().filter(move |p| p.ptype == ptype && p.name == name).map(|p| p.value.as_str())
    }
}

/// Why a field could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The authserv-id, when reading came past it: a broken header of ours is
    /// not the same as a broken header of somebody else.
    pub authserv_id: Option<String>,
    /// Byte offset at which the grammar was left.
    pub offset_bytes: usize,
    /// What was expected there.
    pub expected: &'static str,
}

/// Longest payload that is read; real ones stay below 4 KiB.
pub const MAX_BYTES: usize = 64 * 1024;

/// Reads the payload (everything behind `Authentication-Results:`), folded or not.
///
/// # Errors
/// [`Malformed`] when the text is not RFC 8601 (with the three leniencies of
/// the module) or longer than [`MAX_BYTES`].
pub fn parse(payload: &str) -> Result<AuthResults, Malformed> {
    let mut scan = Scan { text: payload, at: 0 };
    if payload.len() > MAX_BYTES {
        return Err(scan.malformed("a header of at most 64 KiB"));
    }
    scan.skip_cfws()?;
    let authserv_id = scan.value()?;
    if authserv_id.is_empty() {
        return Err(scan.malformed("an authserv-id"));
    }
    scan.skip_cfws()?;
    if scan.peek() == Some(b'=') {
        return Err(scan.malformed("an authserv-id before the first result"));
    }
    scan.payload(&authserv_id).map_err(|error| Malformed { authserv_id: Some(authserv_id), ..error })
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl Scan<'_> {
    /// Everything behind the authserv-id.
    fn payload(&mut self, authserv_id: &str) -> Result<AuthResults, Malformed> {
        let version = match self.peek() {
            Some(b) if b.is_ascii_digit() => {
                let version = self.number()?;
                self.skip_cfws()?;
                version
            }
            _ => 1,
        };
        let mut results = Vec::new();
        let mut said_none = false;
        if self.peek() != Some(b';') {
            return Err(self.malformed("`;` after the authserv-id"));
        }
        while self.take(b';') {
            self.skip_cfws()?;
            if matches!(self.peek(), None | Some(b';')) {
                continue;
            }
            if said_none {
                return Err(self.malformed("nothing after `none`"));
            }
            let method = self.keyword()?;
            self.skip_cfws()?;
            if method == "none" && results.is_empty() && matches!(self.peek(), None | Some(b';')) {
                said_none = true;
                continue;
            }
            results.push(self.result_of(method)?);
        }
        match self.peek() {
            None => Ok(AuthResults { authserv_id: authserv_id.to_owned(), version, results }),
            Some(_) => Err(self.malformed("`;` between results")),
        }
    }

    /// Everything of one `resinfo` behind the method's name.
    fn result_of(&mut self, method: String) -> Result<MethodResult, Malformed> {
        let mut method_version = 1;
        if self.take(b'/') {
            self.skip_cfws()?;
            method_version = self.number()?;
            self.skip_cfws()?;
        }
        self.demand(b'=', "`=` between method and result")?;
        self.skip_cfws()?;
        let mut found = MethodResult {
            method,
            method_version,
            result: self.keyword()?,
            reason: None,
            properties: Vec::new(),
        };
        loop {
            let before = self.at;
            self.skip_cfws()?;
            match self.peek() {
                None | Some(b';') => return Ok(found),
                Some(_) if self.at == before => {
                    return Err(self.malformed("a blank before a property"));
                }
                Some(_) => self.property_into(&mut found)?,
            }
        }
    }

    fn property_into(&mut self, found: &mut MethodResult) -> Result<(), Malformed> {
        let first = self.keyword()?;
        self.skip_cfws()?;
        let (ptype, name) = if self.take(b'.') {
            self.skip_cfws()?;
            (first, self.keyword()?)
        } else {
            (String::new(), first)
        };
        self.skip_cfws()?;
        self.demand(b'=', "`=` between property and value")?;
        self.skip_cfws()?;
        let value = self.property_value()?;
        if ptype.is_empty() && name == "reason" && found.reason.is_none() {
            found.reason = Some(value);
        } else {
            found.properties.push(Property { ptype, name, value });
        }
        Ok(())
    }

    /// `value` of RFC 2045 §5.1: a token or a quoted string.
    fn value(&mut self) -> Result<String, Malformed> {
        if self.peek() == Some(b'"') {
            self.quoted()
        } else {
            Ok(self.run(|b| !is_blank(b) && !b"()<>@,;:\\\"/[]?=".contains(&b)))
        }
    }

    /// `pvalue` of RFC 8601 §2.2; a quoted local part may run on into `@domain`.
    fn property_value(&mut self) -> Result<String, Malformed> {
        let mut value = String::new();
        if self.peek() == Some(b'"') {
            value = self.quoted()?;
            if self.peek() != Some(b'@') {
                return Ok(value);
            }
        }
        value.push_str(&self.run(|b| !is_blank(b) && !b";(\"".contains(&b)));
        if self.peek() == Some(b'"') {
            return Err(self.malformed("a value without a quote in its middle"));
        }
        Ok(value)
    }

    /// A `Keyword` of RFC 5321 §4.1.2, underscores allowed, in lower case.
    fn keyword(&mut self) -> Result<String, Malformed> {
        let word = self.run(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if word.is_empty() {
            return Err(self.malformed("a keyword"));
        }
        Ok(word.to_ascii_lowercase())
    }

    fn number(&mut self) -> Result<u32, Malformed> {
        let digits = self.run(|b| b.is_ascii_digit());
        digits.parse().map_err(|_| self.malformed("a version"))
    }

    /// A quoted string (RFC 5322 §3.2.4), unescaped, folds turned into blanks.
    fn quoted(&mut self) -> Result<String, Malformed> {
        self.demand(b'"', "a quoted string")?;
        let mut value = String::new();
        let mut escaped = false;
        let rest = self.text.get(self.at..).unwrap_or_default();
        for (offset, c) in rest.char_indices() {
            match c {
                // Escaped or not: a value is one line.
                '\r' | '\n' => escaped = false,
                _ if escaped => {
                    value.push(c);
                    escaped = false;
                }
                '\\' => escaped = true,
                '"' => {
                    self.at += offset + 1;
                    return Ok(value);
                }
                _ => value.push(c),
            }
        }
        Err(self.malformed("the end of a quoted string"))
    }

    /// Comments and folding white space (RFC 5322 §3.2.2); comments nest, and
    /// a quote means nothing inside one.
    fn skip_cfws(&mut self) -> Result<(), Malformed> {
        let mut depth = 0_usize;
        let mut escaped = false;
        while let Some(b) = self.peek() {
            match b {
                _ if escaped => escaped = false,
                b'\\' if depth > 0 => escaped = true,
                b'(' => depth += 1,
                b')' if depth > 0 => depth -= 1,
                _ if depth > 0 || is_blank(b) => {}
                _ => break,
            }
            self.at += 1;
        }
        if depth > 0 {
            return Err(self.malformed("the end of a comment"));
        }
        Ok(())
    }

    fn run(&mut self, belongs: impl Fn(u8) -> bool) -> String {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.bytes().take_while(|b| belongs(*b)).count();
        let word = rest.get(..length).unwrap_or_default().to_owned();
        self.at += word.len();
        word
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> bool {
        let there = self.peek() == Some(wanted);
        self.at += usize::from(there);
        there
    }

    fn demand(&mut self, wanted: u8, expected: &'static str) -> Result<(), Malformed> {
        if self.take(wanted) { Ok(()) } else { Err(self.malformed(expected)) }
    }

    fn malformed(&self, expected: &'static str) -> Malformed {
        Malformed { authserv_id: None, offset_bytes: self.at, expected }
    }
}

fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\r' | b'\n')
}
