//! What mail programs put before a subject: "Re:", "AW:", "Fwd:", "WG:", ...

/// Of a reply, as mail programs of many languages write it, in lower case.
const REPLY: &str =
    "re aw antw antwort sv vs ref rif r res odp ynt vá bls atb απ σχετ отв ответ на 回复 答复 回覆";

/// Of a mail that is passed on.
const FORWARD: &str =
    "fw fwd wg doorst vb vl fs tr rv i enc pd i̇lt ilt továbbítás trs yml πρθ 转发 轉寄 転送";

/// Somebody answers or passes on: the subject begins with what mail programs
/// put there, perhaps behind the tag of a list.
pub fn is_reply_or_forward(subject: &str) -> bool {
    let untagged = without_tags(subject);
    without_prefix(untagged, REPLY).or_else(|| without_prefix(untagged, FORWARD)).is_some()
}

/// The subject that is answered: without what earlier answers put before it.
pub fn answered(subject: &str) -> &str {
    let mut rest = subject.trim_start();
    while let Some(behind) = without_prefix(rest, REPLY) {
        rest = behind;
    }
    rest
}

/// Without the tags of lists in front.
fn without_tags(subject: &str) -> &str {
    let mut rest = subject.trim_start();
    while let Some((_, behind)) = rest.strip_prefix('[').and_then(|tag| tag.split_once(']')) {
        rest = behind.trim_start();
    }
    rest
}

/// What stands behind `Re:`, `RE :`, `Re[2]:`, `Re(2):` or `回复：`.
fn without_prefix<'a>(subject: &'a str, prefixes: &str) -> Option<&'a str> {
    let (head, behind) = subject.split_once([':', '：'])?;
    let word = head.trim_end().trim_end_matches(|c: char| c.is_ascii_digit() || "[]()*^".contains(c));
    let word = word.trim_end().to_lowercase();
    prefixes.split(' ').any(|prefix| prefix == word).then(|| behind.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_stands_at_the_beginning() {
        for (subject, is) in [
            ("Re: I want to connect", true),
            ("AW: Einladung", true),
            ("RE : Invitation", true),
            ("Re[2]: Invitation", true),
            ("Re (3): Invitation", true),
            ("[tinyfs] Fwd: Invitation", true),
            ("  [a] [b]  re:x", true),
            ("回复：邀请", true),
            ("转发: 邀请", true),
            ("WG: Einladung", true),
            ("Invitation to learn more: your network", false),
            ("Software: an invitation", false),
            ("An invitation, and more: Re: yours", false),
            ("[Re: x] Invitation", false),
            ("Re", false),
            (": Re", false),
            (": x", false),
            ("2: x", false),
            ("", false),
        ] {
            assert_eq!(is_reply_or_forward(subject), is, "{subject}");
        }
    }

    #[test]
    fn an_answer_answers_the_first_subject() {
        for (subject, first) in [
            ("AW: Re: SV: Invitation", "Invitation"),
            ("re: RE : Invitation", "Invitation"),
            ("Re: Fwd: Invitation", "Fwd: Invitation"),
            ("Regarding: you", "Regarding: you"),
            (" Re[2]:Antw: [a] Re: x", "[a] Re: x"),
            ("Re:", ""),
        ] {
            assert_eq!(answered(subject), first, "{subject}");
        }
    }

    #[test]
    fn prefixes_are_lower_case_and_none_is_of_both_kinds() {
        for prefix in REPLY.split(' ').chain(FORWARD.split(' ')) {
            assert!(!prefix.is_empty() && prefix.to_lowercase() == prefix, "{prefix}");
        }
        assert!(!REPLY.split(' ').any(|prefix| FORWARD.split(' ').any(|other| other == prefix)));
    }
}
