//! Where a link leads behind the gateways that look at links when they are clicked.
//!
//! They write the target into the link of their own: into a parameter
//! (Microsoft, Barracuda, Fortinet, Trend Micro, Symantec, FireEye, Google), the
//! path (Cisco), between underscores or with other marks for percent signs
//! (Proofpoint), or in base64 (Sophos). Some keep it to themselves (Mimecast):
//! such a link leads nowhere that can be told.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::lines::{is_web_url, percent_decoded};

/// A mail that passes two companies goes through two gateways, seldom through more.
const MAX_LAYERS: usize = 4;

/// The parameters that hold a target.
const PARAMETERS: [&str; 4] = ["url", "u", "a", "q"];

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Where `url` leads; `url` itself where it leads nowhere else.
pub fn behind_gateway(url: &str) -> Cow<'_, str> {
    let mut found = Cow::Borrowed(url);
    for _ in 0..MAX_LAYERS {
        match target(&found) {
            Some(next) => found = Cow::Owned(next),
            None => break,
        }
    }
    found
}

/// The host that `url` names, without its port.
pub fn host(url: &str) -> &str {
    let (_, rest) = url.split_once("://").unwrap_or_default();
    rest.split(['/', '?', '#', ':']).next().unwrap_or_default()
}

fn target(url: &str) -> Option<String> {
    if let Some((_, framed)) = url.split_once("/v3/__") {
        return unframed(framed);
    }
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(name, _)| PARAMETERS.contains(name))
        .find_map(|(_, value)| of_parameter(value))
        .or_else(|| of_path(path))
}

fn of_parameter(value: &str) -> Option<String> {
    let plain = percent_decoded(value);
    if is_web_url(&plain) {
        return Some(plain);
    }
    // Proofpoint's second form: `-` for `%`, `_` for `/`.
    if plain.starts_with("http-3A__") || plain.starts_with("https-3A__") {
        return Some(percent_decoded(&plain.replace('-', "%").replace('_', "/")))
            .filter(|url| is_web_url(url));
    }
    let bytes = BASE64.decode(plain.replace('+', "-").replace('/', "_")).ok()?;
    String::from_utf8(bytes).ok().filter(|url| is_web_url(url))
}

fn of_path(path: &str) -> Option<String> {
    let is_web = |at: &usize| {
        path.get(*at + 1..)
            .and_then(|rest| rest.get(.."https%3A%2F".len()))
            .is_some_and(|head| head.to_ascii_lowercase().contains("%3a%2f"))
    };
    let at = path.match_indices("/http").map(|(at, _)| at).find(is_web)?;
    path.get(at + 1..).map(percent_decoded).filter(|url| is_web_url(url))
}

/// Proofpoint's third form: the target between `__` and `__;`, an asterisk for
/// what a link may not hold, and these characters behind it in base64.
fn unframed(framed: &str) -> Option<String> {
    let (masked, rest) = framed.split_once("__;")?;
    let taken = rest.split('!').next().and_then(|coded| BASE64.decode(coded).ok()).unwrap_or_default();
    let taken = String::from_utf8(taken).unwrap_or_default();
    let mut taken = taken.chars();
    let mut out = String::with_capacity(masked.len());
    let mut chars = masked.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '*' {
            out.push(c);
            continue;
        }
        let run = chars.next_if_eq(&'*').and_then(|_| chars.next()).map_or(1, run_of);
        let before = out.len();
        out.extend(taken.by_ref().take(run));
        if out.len() == before {
            out.push('*');
        }
    }
    let out = match out.split_once(":/") {
        Some((scheme, rest)) if !rest.starts_with('/') => format!("{scheme}://{rest}"),
        _ => out,
    };
    is_web_url(&out).then_some(out)
}

/// How many characters `**x` stands for: A is two, B is three, and so on.
fn run_of(mark: char) -> usize {
    let at = URL_SAFE.as_str().find(mark).unwrap_or_default();
    at + 2
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "https://net.example/in/ann-b_c?x=1%2F&y=2";

    fn coded(text: &str) -> String {
        let plain = |b: u8| b.is_ascii_alphanumeric();
        text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
    }

    #[test]
    fn the_target_is_found_however_it_is_written() {
        let underscored = coded(PAGE).replace("%2F", "/").replace('%', "-").replace('/', "_");
        for url in [
            format!("https://eu1.gateway.example/?url={}&data=05", coded(PAGE)),
            format!("https://gateway.example/url?a={}&c=E,1", coded(PAGE)),
            format!("https://gateway.example/url?k=1&q=0&u={}", coded(PAGE)),
            format!("https://gateway.example/v2/url?u={underscored}&d=x&e="),
            format!("https://gateway.example/1Token-x/{}", coded(PAGE)),
            format!("https://gateway.example/1Token-x/{}", coded(PAGE).replace("%3A%2F%2F", "%3a%2f%2f")),
            format!("https://gateway.example/v3/__{PAGE}__;!!abc$"),
            format!("https://gateway.example/v3/__{}__;Xw!!abc$", PAGE.replace('_', "*")),
            format!("https://gateway.example/v3/__{}__;YW5u!!abc$", PAGE.replace("ann", "**B")),
            format!("https://gateway.example/v3/__{}__;!!abc$", PAGE.replace("://", ":/")),
            format!("https://gateway.example/?d=x&u={}&i=1", base64::prelude::BASE64_STANDARD.encode(PAGE)),
            format!(
                "https://gateway.example/?d=x&u={}&i=1",
                base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(PAGE)
            ),
        ] {
            assert_eq!(behind_gateway(&url), PAGE, "{url}");
            let twice = format!("https://outer.example/?url={}&data=1", coded(&url));
            assert_eq!(behind_gateway(&twice), PAGE, "{twice}");
        }
    }

    #[test]
    fn other_links_stay_as_they_are() {
        for url in [
            "https://net.example/in/a?url=no",
            "https://net.example/in/a?u=javascript%3Aalert",
            "https://net.example/in/a?a=preRegInvite&q=",
            "https://net.example/v3/__x__;",
            "https://net.example/v3/__*__;!",
            "https://net.example/http-is-what/https%20x",
            "https://opaque.example/s/aDJgmLiX?domain=net.example",
            "https://net.example/é/http",
            "",
        ] {
            assert_eq!(behind_gateway(url), url);
        }
        let mut nested = PAGE.to_owned();
        for _ in 0..20 {
            nested = format!("https://g.example/?u={}", coded(&nested));
        }
        assert!(behind_gateway(&nested).starts_with("https://g.example/"));
        assert_eq!((host("https://a.example:443/x"), host("nothing")), ("a.example", ""));
    }
}
