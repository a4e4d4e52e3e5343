//! `rules/banners.toml`: what gateways write above a mail from outside.

use regex::Regex;
use serde::Deserialize;
use toml::Spanned;

use super::regexes;
use crate::domain::{Problem, problem};

/// A banner has no more lines, blank ones and rules between them included.
const MAX_LINES: usize = 16;
/// A line this long may go on in the next one; shorter ones were ended by hand.
const MIN_FOLDED_CHARS: usize = 40;

/// How banners are known.
#[derive(Clone, Debug)]
pub struct Banners {
    labels: Vec<String>,
    lines: Vec<Regex>,
    tags: Vec<Regex>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    labels: Vec<String>,
    lines: Vec<Spanned<String>>,
    tags: Vec<Spanned<String>>,
}

impl Banners {
    pub(crate) fn compile(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let raw: Raw = toml::from_str(text).map_err(|e| vec![super::toml_problem(file, text, &e)])?;
        let mut problems = Vec::new();
        let mut regexes = |list: &[Spanned<String>], key: &str| -> Vec<Regex> {
            let built = list.iter().map(|pattern| {
                regexes::builder_for_mail(pattern.get_ref()).build().map_err(|error| {
                    let (line, column) = problem::place(text, pattern.span().start);
                    problems.push(Problem {
                        file: file.to_owned(),
                        line,
                        column,
                        key: key.to_owned(),
                        found: format!("found {:?}", pattern.get_ref()),
                        allowed: regexes::wanted(&error),
                    });
                })
            });
            built.flatten().collect()
        };
        let labels = raw.labels.iter().map(|word| word.to_lowercase()).collect();
        let banners = Self { labels, lines: regexes(&raw.lines, "lines"), tags: regexes(&raw.tags, "tags") };
        if problems.is_empty() { Ok(banners) } else { Err(problems) }
    }

    /// `text` from where its sender's words begin.
    pub fn behind<'t>(&self, text: &'t str) -> &'t str {
        let (mut at, mut end) = (0, 0);
        let mut goes_on = false;
        for line in text.split_inclusive('\n').take(MAX_LINES) {
            let words = line.trim();
            let is_mark = !words.chars().any(char::is_alphanumeric);
            if let Some(tag) = self.tags.iter().find_map(|tag| tag.find(words)).filter(|tag| tag.start() == 0)
            {
                let before = line.len() - line.trim_start().len();
                goes_on = false;
                let rest = words.get(tag.end()..).unwrap_or_default();
                if !rest.is_empty() && !self.is_banner(rest) {
                    end = at + before + tag.end();
                    break;
                }
                end = at + line.len();
            } else if !is_mark && (goes_on || self.is_banner(words)) {
                end = at + line.len();
                goes_on = words.chars().count() >= MIN_FOLDED_CHARS && !ends_sentence(words);
            } else if is_mark {
                goes_on = false;
            } else {
                break;
            }
            at += line.len();
        }
        text.get(end..).unwrap_or(text).trim_start_matches(' ')
    }

    /// `subject` without the tag that a gateway put before it: `[EXTERNAL]`, `EXTERNAL:`.
    pub fn behind_tag<'t>(&self, subject: &'t str) -> &'t str {
        let subject = subject.trim_start();
        let tagged = self.tags.iter().find_map(|tag| tag.find(subject)).filter(|tag| tag.start() == 0);
        let behind = match tagged {
            Some(tag) => subject.get(tag.end()..),
            None => self.behind_label(subject).and_then(|rest| rest.trim_start().strip_prefix([':', '：'])),
        };
        // A tag alone is the subject.
        behind.map(str::trim_start).filter(|behind| !behind.is_empty()).unwrap_or(subject)
    }

    fn is_banner(&self, line: &str) -> bool {
        let mut rest = unmarked(line);
        loop {
            if rest.is_empty() || self.lines.iter().any(|banner| banner.is_match(rest)) {
                return true;
            }
            match self.behind_label(rest) {
                Some(behind) => rest = unmarked(behind),
                None => return false,
            }
        }
    }

    /// What stands behind the label that `line` begins with.
    fn behind_label<'t>(&self, line: &'t str) -> Option<&'t str> {
        let ends = |c: char| c.is_whitespace() || c.is_ascii_punctuation() || matches!(c, '：' | '】');
        let (word, behind) = line.split_at(line.find(ends).unwrap_or(line.len()));
        // A Turkish capital leaves its dot behind.
        self.labels.contains(&word.to_lowercase().replace('\u{307}', "")).then_some(behind)
    }
}

fn unmarked(line: &str) -> &str {
    line.trim_start_matches(|c: char| !c.is_alphanumeric())
}

fn ends_sentence(line: &str) -> bool {
    line.ends_with(['.', '!', '?', ']', '*', '>', '。', '！'])
}

#[cfg(test)]
mod tests {
    use crate::rulebook::Rulebook;

    #[test]
    fn a_subject_is_read_behind_the_tag_of_a_gateway() {
        let banners = Rulebook::shipped().unwrap().banners;
        for tag in ["[EXTERNAL] ", "[Ext]", "*** External *** ", "EXTERNAL: ", " extern : ", "外部："] {
            assert_eq!(banners.behind_tag(&format!("{tag}I want to connect")), "I want to connect", "{tag}");
        }
        for subject in ["[bees] I want to connect", "External honey", "Re: [EXTERNAL] x", "[EXTERNAL]", ""] {
            assert_eq!(banners.behind_tag(subject), subject);
        }
    }

    #[test]
    fn what_a_gateway_wrote_goes_and_no_word_of_a_person() {
        let banners = Rulebook::shipped().unwrap().banners;
        for (text, rest) in [
            ("[EXTERNAL] Robin, the hive stands.\n", "Robin, the hive stands.\n"),
            ("[EXTERNAL EMAIL]\n\nRobin, the hive stands.\n", "\nRobin, the hive stands.\n"),
            (
                "CAUTION: This email originated from outside of the organization. Do not click\nlinks or open attachments unless you recognize the sender and know the content\nis safe.\nRobin, the hive stands.",
                "Robin, the hive stands.",
            ),
            ("[External Email] Exercise caution with links and attachments.\nRobin", "Robin"),
            ("You don't often get email from this sender. Learn why this is important\n\nRobin", "\nRobin"),
            ("**********\n* External sender *\n**********\nRobin", "**********\nRobin"),
            (
                "You don't often get email from ann@example.com. Learn why this is important<https://learn.example/x>\n\nRobin",
                "\nRobin",
            ),
            ("Cet e-mail provient de l'extérieur de l'organisation.\nRobin", "Robin"),
        ] {
            assert_eq!(banners.behind(text), rest, "{text}");
        }
        for text in [
            "",
            "Caution: the third hive stings.\n",
            "You don't often get honey like this from outside the city.\n",
            "Warning! I talk about bees.\nThis email originated from outside of the organization.\n",
            "An external examiner told me of your hives.\n",
            "Your message from outside of the organization made my day.\n",
            "Votre mail sur l'extérieur de la ruche m'a fait rire.\n",
            "I came from outside, and you let me in.\n",
            "[Delft] the hive stands.\n",
            "Exercise in the garden, with caution, is what the vet said.\n",
        ] {
            assert_eq!(banners.behind(text), text);
        }
    }
}
