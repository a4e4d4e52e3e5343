//! A text without its addresses: `com`, `de` and `it` are words of languages,
//! and no address is written in one.

/// `text`, byte for byte as long, with blanks for the addresses of pages and
/// mailboxes, domains, `@handles` and `#hashtags` in it.
pub fn without_addresses(text: &str) -> String {
    let mut prose = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        // An address may stand between letters of a script that knows no blanks.
        let end = rest.find(|c: char| !c.is_ascii_graphic()).unwrap_or(rest.len());
        let (run, behind) = rest.split_at(end);
        if run.contains("://") || starts_with(run, "www.") || starts_with(run, "mailto:") {
            prose.extend(std::iter::repeat_n(' ', run.len()));
        } else {
            for piece in run.split_inclusive(is_joint) {
                let word = piece.trim_end_matches(is_joint);
                let kept = if is_address(word) { "" } else { word };
                prose.push_str(kept);
                prose.extend(std::iter::repeat_n(' ', word.len() - kept.len()));
                prose.push_str(piece.get(word.len()..).unwrap_or_default());
            }
        }
        let next = behind.find(|c: char| c.is_ascii_graphic()).unwrap_or(behind.len());
        let (other, after) = behind.split_at(next);
        prose.push_str(other);
        rest = after;
    }
    prose
}

fn is_joint(c: char) -> bool {
    matches!(c, ',' | ';' | '(' | ')' | '[' | ']' | '<' | '>' | '"' | '\'' | '=' | '|' | '!' | ':')
}

fn starts_with(run: &str, head: &str) -> bool {
    run.trim_start_matches(is_joint).get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head))
}

fn is_address(word: &str) -> bool {
    let word = word.trim_end_matches(['.', '?']);
    let names = |mark: char| word.strip_prefix(mark).is_some_and(|name| name.contains(char::is_alphanumeric));
    if names('@') || names('#') || word.contains('@') {
        return true;
    }
    let host = word.split(['/', '?', '#']).next().unwrap_or_default();
    let label = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let Some((front, last)) = host.rsplit_once('.') else { return false };
    front.split('.').all(label) && last.len() >= 2 && last.chars().all(|c| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_give_way_to_blanks_and_words_stay() {
        for (text, prose) in [
            ("See https://example.com/x?y=z.", "See"),
            ("www.example.com", ""),
            ("(WWW.Example.com) or mailto:ann@example.com", "or"),
            ("Connect: acme.com", "Connect:"),
            ("Connect:acme.co.uk/shop, please", "Connect: , please"),
            ("ask ann.lee@example.com, @annlee #hiring", "ask ,"),
            ("先日https://example.jp/aを見ました", "先日 を見ました"),
            ("and/or 3.5 z.B. 10.000 e.g. #1!", "and/or 3.5 z.B. 10.000 e.g. !"),
            ("Hello there. How are you?", "Hello there. How are you?"),
            ("# . :// ", "# ."),
        ] {
            let got = without_addresses(text);
            assert_eq!(got.len(), text.len(), "{text}");
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(words(&got), prose, "{text}");
        }
    }
}
