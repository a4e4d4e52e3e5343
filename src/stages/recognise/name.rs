//! How to greet an inviter by the name a network shows.

use unicode_normalization::UnicodeNormalization;

use super::casing::cased;
use crate::rulebook::Names;

/// A greeting of more characters is somebody's text.
const MAX_CHARS: usize = 30;
/// Signs that stand between a name and what else is said of a person.
const ENDS: [char; 12] = [',', '|', '(', '[', '/', '·', '•', '–', '—', ';', '~', '►'];
/// Signs of placeholders and markup; and of two people.
const NEVER: [char; 12] = ['{', '}', '<', '>', '%', '$', '#', '=', '\\', '@', '&', '+'];

/// The word a person would greet with, or "" when a greeting should do without:
/// a company, a role, initials alone, a family name, or anything that could be a
/// trick. Names in Chinese, Japanese and Korean writing are greeted as they
/// stand, family name first; what honour a letter adds is the letter's matter.
pub fn first_name(shown: &str, names: &Names) -> String {
    // What would not be greeted so itself (letters whose small form is of another script) is no name.
    let lasts = |word: &String| greeting(word, names).as_ref() == Some(word);
    greeting(shown, names).filter(|word| word.chars().count() <= MAX_CHARS && lasts(word)).unwrap_or_default()
}

fn greeting(shown: &str, names: &Names) -> Option<String> {
    let shown: String =
        if shown.chars().any(is_styled) { shown.nfkc().collect() } else { shown.nfc().collect() };
    let head = head(&shown);
    if names.is_nobody(shown.trim()) || names.is_nobody(head) || head.contains(NEVER) {
        return None;
    }
    if is_cut_from_address(&shown, head) {
        return None;
    }
    if head.chars().any(char::is_numeric) || is_cut_at_family_name(&shown, head, names) {
        return None;
    }
    let all: Vec<&str> = head
        .split_whitespace()
        .map(|w| {
            w.trim_matches(|c: char| !c.is_alphabetic() && !is_mark(c) && c != '.').trim_start_matches('.')
        })
        .filter(|w| w.chars().any(char::is_alphabetic))
        .collect();
    let (first, rest) = all.split_first()?;
    if names.is_company_first(first) || rest.iter().any(|w| names.is_company(w)) {
        return None;
    }
    if all.iter().any(|w| w.chars().any(is_unspaced)) {
        return whole(&all);
    }
    let words = without_titles(&all, names)?;
    let at = given(words, names)?;
    let word = words.get(at).filter(|word| is_greetable(word))?;
    let first = cased(word, words)?;
    let second = words.get(at + 1).filter(|next| names.is_compound(word) && is_greetable(next));
    match second {
        Some(next) => Some(format!("{first} {}", cased(next, words)?)),
        None if names.is_nobody(&first) => None,
        None => Some(first),
    }
}

/// The name alone, without headlines and pronouns.
fn head(shown: &str) -> &str {
    let head = shown.split(ENDS).next().unwrap_or_default();
    let head = head.split(" - ").next().unwrap_or_default();
    head.split(" via ").next().unwrap_or_default().trim()
}

/// `head` ends where a sign of a web address stands: "https:" is nobody.
fn is_cut_from_address(shown: &str, head: &str) -> bool {
    let words = head.split_whitespace().count();
    shown.split_whitespace().take(words).any(|word| word.contains("://") || word.contains(":\\\\"))
        || head.split_whitespace().any(|word| word.ends_with(':') || word.starts_with("www."))
}

/// "Smith, Robert" and "Anna, Berlin" look alike: a lone word before a comma is
/// no name to greet by, unless what follows is a degree.
fn is_cut_at_family_name(shown: &str, head: &str, names: &Names) -> bool {
    let tail = shown.trim_start().strip_prefix(head).unwrap_or_default().trim_start();
    let mut words = tail.strip_prefix(',').unwrap_or_default().split([' ', ',']);
    let follows = words.find(|word| !word.is_empty());
    head.split_whitespace().count() == 1
        && follows.is_some_and(|word| !names.is_degree(word) && !names.is_title(word))
}

/// `all` behind the titles. One word behind them is a family name, except after
/// those that go with a given one.
fn without_titles<'a, 'b>(all: &'a [&'b str], names: &Names) -> Option<&'a [&'b str]> {
    let mut words = all;
    while let [title, rest @ ..] = words
        && !rest.is_empty()
        && (names.is_title(title) || (words.len() < all.len() && is_small_abbreviation(title)))
    {
        if rest.len() == 1 && !names.is_with_given(title) {
            return None;
        }
        words = rest;
    }
    Some(words)
}

/// "rer." and "nat." behind "Dr."
fn is_small_abbreviation(word: &str) -> bool {
    word.ends_with('.') && word.chars().next().is_some_and(char::is_lowercase)
}

/// Which of `words` is the given name.
fn given(words: &[&str], names: &Names) -> Option<usize> {
    let first = words.iter().position(|word| !is_initials(word))?;
    // "A. Smith" is a family name behind an initial.
    if first > 0 && first + 1 == words.len() {
        return None;
    }
    let word = words.get(first)?;
    if let [_, _, patronymic] = words
        && names.is_patronymic(patronymic)
    {
        return Some(1);
    }
    let is_particle = word.chars().all(char::is_lowercase) && names.is_particle(word);
    if is_particle || names.is_family_name(word) || is_shouted_family_name(word, words) {
        return None;
    }
    Some(first)
}

/// "DUPONT Marie": who writes one word in capitals means the family name.
fn is_shouted_family_name(word: &str, words: &[&str]) -> bool {
    let shouts =
        |w: &str| w.chars().filter(|c| c.is_alphabetic()).count() > 2 && !w.chars().any(char::is_lowercase);
    shouts(word) && words.iter().any(|other| !is_initials(other) && other.chars().any(char::is_lowercase))
}

/// `J.`, `J`, `J.R.`, `J.-P.`
fn is_initials(word: &str) -> bool {
    word.split(['.', '-'])
        .filter(|part| !part.is_empty())
        .all(|part| part.chars().filter(|c| !is_mark(*c)).count() == 1)
}

/// A name in a script without blanks between its parts.
fn whole(words: &[&str]) -> Option<String> {
    let fits = words.iter().flat_map(|w| w.chars()).all(|c| is_unspaced(c) || c == '・');
    let name = words.join(" ");
    (fits && (2..=12).contains(&name.chars().count())).then_some(name)
}

fn is_greetable(word: &str) -> bool {
    let word = word.trim_end_matches('.');
    let letters = || word.chars().filter(|c| !is_mark(*c) && c.is_alphabetic());
    let mixed = [is_latin, is_cyrillic, is_greek]
        .iter()
        .any(|script| letters().any(|c| script(&c)) && !letters().all(|c| script(&c)));
    letters().count() >= 2
        && !mixed
        && word.chars().all(|c| c.is_alphabetic() || is_mark(c) || is_joint(c))
        && word.chars().next().is_some_and(char::is_alphabetic)
        && word.chars().filter(|c| is_mark(*c)).count() <= letters().count()
}

pub(super) fn is_joint(c: char) -> bool {
    matches!(c, '\'' | '’' | '-' | 'ʻ' | '‐')
}

fn is_latin(c: &char) -> bool {
    matches!(c, 'A'..='Z' | 'a'..='z' | 'À'..='ɏ' | 'Ḁ'..='ỿ')
}

fn is_cyrillic(c: &char) -> bool {
    matches!(c, 'Ѐ'..='ԯ')
}

fn is_greek(c: &char) -> bool {
    matches!(c, 'Ͱ'..='Ͽ' | 'ἀ'..='῾')
}

/// Han, kana, hangul.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' | '々')
}

/// Letters made to look like another typeface.
fn is_styled(c: char) -> bool {
    matches!(c, '\u{1d400}'..='\u{1d7ff}' | '\u{ff21}'..='\u{ff5a}' | '\u{24b6}'..='\u{24e9}')
}

pub(super) fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    static NAMES: LazyLock<Names> =
        LazyLock::new(|| Names::compile("names.toml", include_str!("../../../rules/names.toml")).unwrap());

    fn assert_greets(rows: &[(&str, &str)]) {
        for (shown, want) in rows {
            assert_eq!(first_name(shown, &NAMES), *want, "{shown}");
        }
    }

    #[test]
    fn greets_as_a_person_would() {
        assert_greets(&[
            ("Ann Miller", "Ann"),
            ("JEAN-PIERRE DUPONT", "Jean-Pierre"),
            ("o'neill barnes", "O'Neill"),
            ("D'ANGELO RUSSO", "D'Angelo"),
            ("Siobhan O’Dea", "Siobhan"),
            ("RA'ED HADDAD", "Ra'ed"),
            ("DeShawn McKay", "DeShawn"),
            ("mary-jane o'neil", "Mary-Jane"),
            ("Ludwig van der Berg", "Ludwig"),
            ("Anna de la Cruz", "Anna"),
            ("Otto von Bahr", "Otto"),
            ("Ahmed bin Salman al-Farsi", "Ahmed"),
            ("Abdul Rahman Khan", "Abdul Rahman"),
            ("Widodo", "Widodo"),
            ("WIDODO", "Widodo"),
            ("Élodie d'Arc", "Élodie"),
            ("Elodie\u{301} Arc", "Elodié"),
            ("Robert \"Bob\" Smith", "Robert"),
            ("Kwame B. T. ADJOVI", "Kwame"),
        ]);
    }

    #[test]
    fn titles_and_what_follows_a_name_are_left_out() {
        assert_greets(&[
            ("Dr. Ann Miller, PhD", "Ann"),
            ("Prof. Dr. rer. nat. Ewa Nowak-Zielińska", "Ewa"),
            ("Dipl.-Ing. Uwe Kern", "Uwe"),
            ("Ing. Mag. Petra Lang", "Petra"),
            ("Sir Alan Berg", "Alan"),
            ("Sir Alan", "Alan"),
            ("Herr Uwe Kern", "Uwe"),
            ("Frau Kern", ""),
            ("Dr. Kern", ""),
            ("M. Pierre Dupont", "Pierre"),
            ("Mme Dupont", ""),
            ("Sr. Juan Pérez", "Juan"),
            ("Sra. Pérez", ""),
            ("Md. Rahim Uddin", "Rahim"),
            ("Nat Cole", "Nat"),
            ("Don Draper", "Don"),
            ("Marcus Bell, PhD, PMP", "Marcus"),
            ("Marcus Bell Jr.", "Marcus"),
            ("Marcus Bell III", "Marcus"),
            ("Ann Miller MBA CPA", "Ann"),
            ("Anna (she/her) Klein", "Anna"),
            ("Anna Klein she/her", "Anna"),
            ("Anna Klein via Net", "Anna"),
            ("Anna Klein | 3x Founder @ Acme", "Anna"),
            ("Anna Klein - Head of Sales Team", "Anna"),
            ("Anna Klein, Berlin", "Anna"),
            ("🚀 Tom Berg 🚀", "Tom"),
            ("✨Tom✨ Berg", "Tom"),
            ("𝗧𝗼𝗺 𝗕𝗲𝗿𝗴", "Tom"),
        ]);
    }

    #[test]
    fn initials_and_family_names_greet_nobody() {
        assert_greets(&[
            ("J. Robert Smith", "Robert"),
            ("J.R. Robert Smith", "Robert"),
            ("J. R. Smith", ""),
            ("J.R. Smith", ""),
            ("A. Smith", ""),
            ("A. T. DOSSEH", ""),
            ("J. P. Okafor", ""),
            ("AJ Miller", "AJ"),
            ("JO MILLER", "Jo"),
            ("AJ MILLER", ""),
            ("DUPONT Marie", ""),
            ("van der Berg", ""),
            ("Smith, Robert", ""),
            ("Anna, PhD", "Anna"),
            ("Nguyễn Văn An", ""),
            ("Nagy László", ""),
            ("Wang Xiaoyu", ""),
        ]);
    }

    #[test]
    fn letters_of_other_scripts_are_right() {
        assert_greets(&[
            ("Şükrü Yılmaz", "Şükrü"),
            ("İLKNUR ŞAHİN", "İlknur"),
            ("ŞİRİN AĞA", "Şirin"),
            ("IŞIL YILDIZ ÇAĞAN", "Işıl"),
            ("ilker ağaoğlu", "İlker"),
            ("IŞIL KAYA", ""),
            ("ИВАН СИДОРОВ", "Иван"),
            ("Зоя Лапшина", "Зоя"),
            ("Сидоров Иван Петрович", "Иван"),
            ("Иван Петрович Сидоров", "Иван"),
            ("ΓΙΩΡΓΟΣ ΠΑΠΑΣ", "Γιωργος"),
            ("محمد علي", "محمد"),
            ("प्रिया शर्मा", "प्रिया"),
            ("田中 太郎", "田中 太郎"),
            ("王晓雨", "王晓雨"),
            ("김민수", "김민수"),
            ("さくら 田中", "さくら 田中"),
            ("田中 Taro", ""),
            ("杭州茶业有限公司", ""),
        ]);
    }

    #[test]
    fn companies_tricks_and_nobody_are_greeted_without_a_name() {
        assert_greets(&[
            ("Acme Solutions GmbH", ""),
            ("The Sales Team", ""),
            ("Recruiting Team Berlin", ""),
            ("Team Harbour", ""),
            ("HR Department", ""),
            ("Support", ""),
            ("DataWorks", ""),
            ("IBM", ""),
            ("iPhone Repair", ""),
            ("Anna & Tom Berg", ""),
            ("LinkedIn Member", ""),
            ("ann@evil.example", ""),
            ("www.acme.example", ""),
            ("https://evil.example", ""),
            ("HTTPS://evil.example/x Bob", ""),
            ("Bob https://evil.example", ""),
            ("http:evil.example", ""),
            ("Dear Customer", ""),
            ("The Bakery", ""),
            ("Rabbi Cohen", ""),
            ("Rabbi David Cohen", "David"),
            ("Kanzlei Berger", ""),
            ("Acme", ""),
            ("{{ name }} Bob", ""),
            ("{{ 7*7 }} Bob", ""),
            ("%FIRSTNAME% Bob", ""),
            ("Top 10 Voices", ""),
            ("Аnna Berg", ""),
            ("AȺ A", ""),
            ("", ""),
            ("...", ""),
            ("🚀", ""),
            (&"Anna".repeat(20), ""),
        ]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3000) })]
        #[test]
        fn a_greeting_is_short_clean_and_part_of_the_name(
            shown in "(Dr\\. |prof |M\\. )?([A-ZÄİŞÉЖΣa-zßıçéжσ]{1,7}['’ .-]{0,2}|田中 |\\PC|[\u{202a}-\u{202e}\u{200b}-\u{200f}\u{300}\u{1f680}0-9@/:{}|, -]|https://x\\.example ){0,6}",
        ) {
            check(&shown);
        }

        #[test]
        fn any_text_is_survived(shown in "(?s).{0,60}") {
            check(&shown);
        }
    }

    fn check(shown: &str) {
        let greeting = first_name(shown, &NAMES);
        assert_eq!(first_name(&greeting, &NAMES), greeting, "not the same twice: {shown:?}");
        assert!(greeting.chars().count() <= MAX_CHARS);
        let clean = |c: char| c.is_alphabetic() || is_mark(c) || is_joint(c) || matches!(c, ' ' | '・');
        assert!(greeting.chars().all(clean), "{shown:?}: {greeting:?}");
        assert!(greeting.is_empty() || greeting.chars().any(char::is_alphabetic));
        // Case apart (a dotted İ and a dotless ı are cases of i), every letter stands so in the name.
        let letters = |text: &str| -> String {
            let text: String =
                if text.chars().any(is_styled) { text.nfkc().collect() } else { text.nfc().collect() };
            text.to_lowercase().replace('\u{307}', "").replace('ı', "i").replace('ς', "σ").to_lowercase()
        };
        let words = |text: &str| letters(text).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            words(shown).contains(&words(&greeting)) || greeting.contains(' '),
            "{shown:?}: {greeting:?}"
        );
    }
}
