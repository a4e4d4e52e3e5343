//! Colours on a terminal only, never with NO_COLOR; text that fits its column.

use std::io::IsTerminal as _;

use anstyle::{AnsiColor, Style};

/// Whether and how stdout is coloured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint(bool);

impl Paint {
    /// As stdout and NO_COLOR (<https://no-color.org>) want it.
    pub(super) fn stdout() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
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

    /// Something less important.
    pub(super) fn dim(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }
}

/// `text` for a terminal: what could steer it (escape sequences, bidi controls) shown as `?`,
/// cut or filled to `width` characters.
pub(super) fn cell(text: &str, width: usize) -> String {
    let clean = plain(text);
    let count = clean.chars().count();
    if count > width {
        let mut cut: String = clean.chars().take(width.saturating_sub(1)).collect();
        cut.push('…');
        cut
    } else {
        clean + &" ".repeat(width - count)
    }
}

/// `text` with everything that could steer a terminal shown as `?`; tabs and line ends stay.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| {
            let steers = (c.is_control() && c != '\n' && c != '\t')
                || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if steers { '?' } else { c }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_cannot_steer_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\u{202e}c\nd"), "a?[2Jb?c\nd");
        assert_eq!(cell("abcdef", 4), "abc…");
        assert_eq!(cell("ab", 4), "ab  ");
    }
}
