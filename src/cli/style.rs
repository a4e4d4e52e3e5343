//! Colours on a terminal only, never with NO_COLOR; text that cannot steer the
//! terminal and fits its column.

use std::io::IsTerminal as _;

use anstyle::{AnsiColor, Style};
use unicode_normalization::char::is_combining_mark;

/// Whether and how stdout is coloured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint(bool);

impl Paint {
    /// As stdout, NO_COLOR (<https://no-color.org>) and TERM want it.
    pub(super) fn stdout() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self(std::io::stdout().is_terminal() && !refused)
    }

    fn with(self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// A heading.
    pub(super) fn bold(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    /// Something that goes out, or stays.
    pub(super) fn decision(self, word: &str, padded: &str) -> String {
        let colour = match word {
            "draft" => AnsiColor::Green,
            "send" => AnsiColor::Cyan,
            "hold" => AnsiColor::Yellow,
            _ => return self.with(Style::new().dimmed(), padded),
        };
        self.with(Style::new().fg_color(Some(colour.into())), padded)
    }
}

/// So many of `noun`, which makes its plural with an s.
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// `text` on one line of a terminal, cut or filled to `width` columns.
pub(super) fn cell(text: &str, width: usize) -> String {
    let clean = line(text);
    let full: usize = clean.chars().map(columns).sum();
    if full <= width {
        return clean + &" ".repeat(width - full);
    }
    let mut cut = String::new();
    let mut used = 0;
    for c in clean.chars() {
        // One column stays for the ellipsis.
        if used + columns(c) >= width {
            break;
        }
        used += columns(c);
        cut.push(c);
    }
    cut.push('…');
    cut + &" ".repeat(width.saturating_sub(used + 1))
}

/// How many columns of a terminal `c` takes (Unicode's East_Asian_Width W and
/// F, and emoji, take two). An estimate: terminals differ.
fn columns(c: char) -> usize {
    match c {
        '\u{200b}'..='\u{200d}'
        | '\u{2060}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{1f3fb}'..='\u{1f3ff}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{a960}'..='\u{a97f}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff01}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f1e6}'..='\u{1f64f}'
        | '\u{1f680}'..='\u{1f6ff}'
        | '\u{1f900}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ if is_combining_mark(c) => 0,
        _ => 1,
    }
}

/// Whether a terminal acts on `c` or reorders text by it: C0 and C1 controls
/// (U+009B begins a sequence as ESC [ does), bidi controls (UAX #9), line and
/// paragraph separators, invisible tags.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{e0000}'..='\u{e007f}')
}

/// `text` with everything that could steer a terminal shown as `?`; tabs and line ends stay.
pub(super) fn plain(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .map(|c| if steers(c) && c != '\n' && c != '\t' { '?' } else { c })
        .collect()
}

/// [`plain`], on one line.
pub(super) fn line(text: &str) -> String {
    plain(text).replace(['\n', '\t'], " ")
}

/// JSON as serde_json wrote it, with what could steer a terminal escaped (RFC
/// 8259 §7 allows that for every character). Such characters stand in strings only.
pub(super) fn json_text(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if steers(c) && c != '\n' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_cannot_steer_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\u{202e}c\nd\u{9b}e\u{2028}f"), "a?[2Jb?c\nd?e?f");
        assert_eq!(line("a\r\nb\tc\rd"), "a b c?d");
        let text = "\u{9b}31m\u{202e}\u{e0041}\u{7f}";
        let json = json_text(&serde_json::json!({ "a": text }).to_string());
        assert!(json.is_ascii(), "{json}");
        let back: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(back["a"], text);
    }

    #[test]
    fn cells_count_columns_not_characters() {
        assert_eq!(cell("abcdef", 4), "abc…");
        assert_eq!(cell("ab", 4), "ab  ");
        assert_eq!(cell("李小龙", 6), "李小龙");
        assert_eq!(cell("李小龙", 5), "李小…");
        assert_eq!(cell("李小龙", 4), "李… ");
        assert_eq!(cell("e\u{301}tude", 6), "e\u{301}tude ");
        assert_eq!(cell("🚀x", 4), "🚀x ");
        assert_eq!(cell("a\nb", 4), "a b ");
    }
}
