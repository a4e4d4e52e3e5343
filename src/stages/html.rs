//! HTML mail to lines and links: only what recognising needs, in linear time.
//!
//! A tokenizer is enough here, a tree is not wanted: mail HTML nests without
//! end, and a tree of it costs a stack or a heap that a stranger chooses.

use html5gum::{StartTag, Token, Tokenizer};

use super::gateway::behind_gateway;
use super::lines::{MAX_LINKS, is_web_url, one_line, push_one_line};
use crate::domain::Link;

/// What an HTML part shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// One line per block element, blanks collapsed; an empty one where a table
    /// row ends, and for an empty line of the writer's.
    pub text: String,
    /// Anchors with an http(s) target, in order.
    pub links: Vec<Link>,
    /// The first hidden text, on one line: what lists of mail show beside the subject.
    pub preheader: String,
}

const MAX_PREHEADER_CHARS: usize = 300;

/// Elements that end a line before and after themselves.
const BLOCKS: [&[u8]; 22] = [
    b"p",
    b"div",
    b"br",
    b"tr",
    b"td",
    b"th",
    b"table",
    b"li",
    b"ul",
    b"ol",
    b"h1",
    b"h2",
    b"h3",
    b"h4",
    b"h5",
    b"h6",
    b"hr",
    b"blockquote",
    b"section",
    b"center",
    b"pre",
    b"title",
];

/// Elements whose content nobody reads.
const SILENT: [&[u8]; 5] = [b"style", b"script", b"head", b"title", b"template"];

/// Elements without an end tag, which cannot open a hidden region.
const VOID: [&[u8]; 8] = [b"br", b"hr", b"img", b"input", b"meta", b"link", b"col", b"wbr"];

/// Renders `html` as a reader sees it: hidden preheaders, styles and scripts left out.
pub fn render(html: &str) -> Rendered {
    let mut out = Writer::default();
    let mut hidden: Option<(Vec<u8>, u32)> = None;
    for token in Tokenizer::new(html).flatten() {
        match token {
            Token::StartTag(tag) => match &mut hidden {
                Some((name, depth)) => {
                    if tag.name.0 == *name && !tag.self_closing {
                        *depth += 1;
                    }
                }
                None if is_hidden(&tag) => hidden = Some((tag.name.0.clone(), 1)),
                None => out.open(&tag),
            },
            Token::EndTag(tag) => {
                if let Some((name, depth)) = &mut hidden {
                    if tag.name.0 == *name {
                        *depth -= 1;
                        if *depth == 0 {
                            hidden = None;
                        }
                    }
                } else {
                    out.close(&tag.name);
                }
            }
            Token::String(text) => match &hidden {
                None => out.write(&String::from_utf8_lossy(&text.value.0)),
                Some((name, _)) if SILENT.contains(&name.as_slice()) => {}
                Some(_) => out.hide(&String::from_utf8_lossy(&text.value.0)),
            },
            _ => {}
        }
    }
    out.finish()
}

fn is_hidden(tag: &StartTag<()>) -> bool {
    let name: &[u8] = &tag.name;
    if VOID.contains(&name) || tag.self_closing {
        return false;
    }
    if SILENT.contains(&name) {
        return true;
    }
    tag.attributes.get(b"style".as_slice()).is_some_and(|style| {
        let style: String = String::from_utf8_lossy(&style.value.0)
            .chars()
            .filter(|c| !c.is_whitespace())
            .collect::<String>()
            .to_ascii_lowercase();
        style.split(';').any(|set| HIDING.contains(&set.trim_end_matches("!important")))
    }) || tag.attributes.iter().any(|(name, value)| {
        name.as_slice() == b"hidden"
            || String::from_utf8_lossy(name).contains("preheader")
            || (matches!(name.as_slice(), b"class" | b"id")
                && String::from_utf8_lossy(&value.value.0).to_ascii_lowercase().contains("preheader"))
    })
}

/// What a style does to text that lists of mail are to show and the page is not.
const HIDING: [&str; 9] = [
    "display:none",
    "visibility:hidden",
    "mso-hide:all",
    "opacity:0",
    "max-height:0",
    "max-height:0px",
    "color:transparent",
    "height:0",
    "height:0px",
];

#[derive(Default)]
struct Writer {
    out: Rendered,
    line: String,
    anchor: Option<(String, String)>,
}

impl Writer {
    fn open(&mut self, tag: &StartTag<()>) {
        let name: &[u8] = &tag.name;
        if name == b"br" && self.line.trim().is_empty() {
            self.gap();
        }
        if BLOCKS.contains(&name) {
            self.end_line();
        }
        if name == b"a" {
            self.end_anchor();
            if let Some(href) = tag.attributes.get(b"href".as_slice()) {
                let url = behind_gateway(String::from_utf8_lossy(&href.value.0).trim()).into_owned();
                self.anchor = Some((url, String::new()));
            }
        }
    }

    fn close(&mut self, name: &[u8]) {
        if name == b"a" {
            self.end_anchor();
        }
        if BLOCKS.contains(&name) {
            self.end_line();
        }
        if name == b"tr" {
            self.gap();
        }
    }

    fn gap(&mut self) {
        if !self.out.text.is_empty() && !self.out.text.ends_with("\n\n") {
            self.out.text.push('\n');
        }
    }

    fn write(&mut self, text: &str) {
        self.line.push_str(text);
        if let Some((_, label)) = &mut self.anchor {
            label.push_str(text);
        }
    }

    fn hide(&mut self, text: &str) {
        if self.out.preheader.is_empty() {
            let short: String = one_line(text).chars().take(MAX_PREHEADER_CHARS).collect();
            self.out.preheader = short;
        }
    }

    fn end_anchor(&mut self) {
        if let Some((url, label)) = self.anchor.take()
            && is_web_url(&url)
            && self.out.links.len() < MAX_LINKS
        {
            self.out.links.push(Link { url, label: one_line(&label) });
        }
    }

    fn end_line(&mut self) {
        let begin = self.out.text.len();
        push_one_line(&mut self.out.text, &self.line);
        self.line.clear();
        if self.out.text.len() > begin {
            self.out.text.push('\n');
        }
    }

    fn finish(mut self) -> Rendered {
        self.end_anchor();
        self.end_line();
        let filled = self.out.text.trim_end_matches('\n').len();
        self.out.text.truncate(filled + usize::from(filled > 0));
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_become_lines_and_hidden_text_is_left_out() {
        let r = render(
            "<head><title>x</title><style>p{}</style></head><div style='display: none'>pre<div>header</div></div>\
             <table><tr><td>Ann &amp; Bo<br>works</td><td><a href='https://e.example/x?a=1&amp;b=2'>See <b>it</b></a></td></tr></table>",
        );
        assert_eq!(r.text, "Ann & Bo\nworks\nSee it\n");
        assert_eq!(r.links, [Link { url: "https://e.example/x?a=1&b=2".into(), label: "See it".into() }]);
    }

    #[test]
    fn what_is_hidden_is_kept_apart() {
        for hiding in [
            "style='max-height:0px;overflow:hidden'",
            "style='opacity: 0 !important'",
            "hidden",
            "class='email-Preheader'",
        ] {
            let r = render(&format!(
                "<style>p{{}}</style><div {hiding}>First,\nsecond. &#847;&nbsp;</div><div style='line-height:0'>seen</div>"
            ));
            assert_eq!((r.text.as_str(), r.preheader.as_str()), ("seen\n", "First, second."), "{hiding}");
        }
    }

    #[test]
    fn unclosed_and_deep_tags_do_no_harm() {
        let deep = "<div>".repeat(20_000) + "end";
        assert_eq!(render(&deep).text, "end\n");
        assert_eq!(render("<a href='https://e.example'>x").links.len(), 1);
    }
}
