//! Invitations in the layouts that networks' mails had over the years, with
//! every word of the frame taken from a list that can be another language's.

use notyet::domain::RawMail;

/// The words that the network puts round an invitation.
#[derive(Clone, Copy)]
pub struct Words {
    pub subject: &'static str,
    pub preheader: &'static str,
    pub greeting: &'static str,
    pub view: &'static str,
    pub accept: &'static str,
    pub common: &'static str,
    pub more: &'static str,
    pub promo: &'static str,
    pub footer: &'static str,
    pub intended: &'static str,
    pub unsubscribe: &'static str,
}

pub const ENGLISH: Words = Words {
    subject: "I want to connect",
    preheader: "Robin, respond to {first}’s invite now.",
    greeting: "Hi Robin,",
    view: "View profile",
    accept: "Accept",
    common: "11 connections in common",
    more: "More people you may know",
    promo: "Build your network with InMail",
    footer: "You are receiving LinkedIn invitations emails.",
    intended: "This email was intended for Robin Keller (Maintainer of small, boring libraries)",
    unsubscribe: "Unsubscribe",
};

/// A language that nobody wrote rules for.
pub const UNKNOWN: Words = Words {
    subject: "Vrel otha menu sorrin",
    preheader: "Robin, tavel {first} mendor ilt sorra.",
    greeting: "Oma Robin,",
    view: "Seku palme",
    accept: "Tavir",
    common: "11 sorrimen ilta",
    more: "Fler hemmo dak sorrit",
    promo: "Bauk tir sorrel ma InMail",
    footer: "Tok harun LinkedIn sorrimel posten.",
    intended: "Ket posta ol mendin Robin Keller (Maintainer of small, boring libraries)",
    unsubscribe: "Abmelo",
};

/// A person who invites.
#[derive(Clone, Copy)]
pub struct Person {
    /// As the From field shows it.
    pub name: &'static str,
    /// As the card shows it.
    pub card: &'static str,
    pub headline: &'static str,
    pub place: &'static str,
}

pub const MIRA: Person = Person {
    name: "Mira Okafor",
    card: "Mira Okafor",
    headline: "Beekeeper at Harbour Hives | Carpenter",
    place: "Porto, Portugal",
};

pub const ID: &str = "7462565912356292224";
pub const SHARED_KEY: &str = "gWGVhnWB";
pub const SLUG: &str = "mira-okafor-bees";

/// How a mail is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// 2015: greeting, note, card, links.
    Member28,
    /// 2016: the same with a paragraph for each.
    Single01,
    /// 2016, both parts, the HTML with a hidden preheader and the reader's own page in its header.
    Single01Both,
    /// 2016, the HTML alone.
    Html2016,
    /// 2018, the HTML alone: readable profile address, the note in a quote.
    Html2018,
    /// Today: note before the card.
    Today,
    /// Today: note behind the card.
    TodayBehind,
    /// Today: a line of common contacts below the card, promotions behind the links.
    TodayPromo,
    /// Today, both parts; the text leaves the note out.
    TodayHtmlNote,
    /// Today, the HTML alone, note before the card.
    HtmlToday,
    /// Today, the HTML alone, note behind the card.
    HtmlTodayBehind,
}

impl Layout {
    pub const ALL: [Self; 11] = [
        Self::Member28,
        Self::Single01,
        Self::Single01Both,
        Self::Html2016,
        Self::Html2018,
        Self::Today,
        Self::TodayBehind,
        Self::TodayPromo,
        Self::TodayHtmlNote,
        Self::HtmlToday,
        Self::HtmlTodayBehind,
    ];

    pub fn is_html_alone(self) -> bool {
        matches!(self, Self::Html2016 | Self::Html2018 | Self::HtmlToday | Self::HtmlTodayBehind)
    }

    fn template(self) -> &'static str {
        if self == Self::Member28 { "invite_member_28" } else { "email_m2m_invite_single_01" }
    }

    fn by_token(self) -> bool {
        matches!(self, Self::Member28 | Self::Single01 | Self::Single01Both | Self::Html2016)
    }

    /// The page that must come out.
    pub fn page(self) -> String {
        if self.by_token() {
            "https://www.linkedin.com/profile/view?id=GYtLRSXBGETMIgPFMvuprhMFrgkh2ZE5oISrLbZ".to_owned()
        } else {
            format!("https://www.linkedin.com/in/{SLUG}")
        }
    }
}

/// A mail of `layout`, as it arrives.
pub fn mail(layout: Layout, words: &Words, person: &Person, note: Option<&str>) -> RawMail {
    with_template(layout, layout.template(), words, person, note)
}

/// The same under another template's name.
pub fn with_template(
    layout: Layout,
    template: &str,
    words: &Words,
    person: &Person,
    note: Option<&str>,
) -> RawMail {
    through(&str::to_owned, layout, template, words, person, note)
}

/// The same where every link went through a `gateway`.
pub fn through_gateway(gateway: &dyn Fn(&str) -> String, layout: Layout, note: Option<&str>) -> RawMail {
    through(gateway, layout, layout.template(), &UNKNOWN, &MIRA, note)
}

fn through(
    gateway: &dyn Fn(&str) -> String,
    layout: Layout,
    template: &str,
    words: &Words,
    person: &Person,
    note: Option<&str>,
) -> RawMail {
    let page = Pages { gateway, layout, template, words, person, note };
    let year = if layout.by_token() { "2016" } else { "2026" };
    let mut out = format!(
        "From: {} <invitations@linkedin.com>\nTo: Robin Keller <robin@example.org>\nSubject: {}\n\
         Date: Mon, 2 May {year} 19:34:46 +0000\nMessage-ID: <1.2.3@lva1-app1.prod.linkedin.com>\nMIME-Version: 1.0\n\
         X-LinkedIn-fbl: m2-xyz\nFeedback-ID: {template}:linkedin\n",
        display_name(person.name),
        encoded_word(words.subject),
    );
    let text = (!layout.is_html_alone()).then(|| part("plain", "text-body", &page.text()));
    let html = page.html().map(|html| part("html", "html-body", &html));
    match (text, html) {
        (Some(text), Some(html)) => {
            let boundary = "----=_Part_1_2.3";
            out.push_str(&format!("Content-Type: multipart/alternative;\n\tboundary=\"{boundary}\"\n\n"));
            out.push_str(&format!("--{boundary}\n{text}\n--{boundary}\n{html}\n--{boundary}--\n"));
        }
        (one, other) => out.push_str(&one.or(other).expect("a body")),
    }
    RawMail(out.into_bytes())
}

struct Pages<'a> {
    gateway: &'a dyn Fn(&str) -> String,
    layout: Layout,
    template: &'a str,
    words: &'a Words,
    person: &'a Person,
    note: Option<&'a str>,
}

impl Pages<'_> {
    fn link(&self, key: &str) -> String {
        (self.gateway)(&self.target(key))
    }

    fn target(&self, key: &str) -> String {
        let template = self.template;
        let tail = format!(
            "midToken=AQErbnKlr0demo&trk=eml-{template}-{key}&trkEmail=eml-{template}-{key}-null-k4~x"
        );
        match key {
            "hero-0-accept%7Ecta" if self.layout.by_token() => format!(
                "https://www.linkedin.com/comm/people/invite-accept?mboxid=I1_500&sharedKey={SHARED_KEY}&fr=false&invitationId={ID}&{tail}"
            ),
            "hero-0-accept%7Ecta" => format!(
                "https://www.linkedin.com/comm/mynetwork/invite-accept/invitationId/{ID}/sharedKey/{SHARED_KEY}/?{tail}"
            ),
            "header-6-profile" if self.layout.by_token() => {
                format!("https://www.linkedin.com/comm/profile/view?id=OwnTokenOfTheReader&{tail}")
            }
            "header-6-profile" => format!("https://www.linkedin.com/comm/in/robin-keller-boring?{tail}"),
            "discover-0-profile" => format!("https://www.linkedin.com/comm/in/lior-ben-ami?{tail}"),
            _ if key.starts_with("hero") && self.layout.by_token() => format!(
                "https://www.linkedin.com/comm/profile/view?id=GYtLRSXBGETMIgPFMvuprhMFrgkh2ZE5oISrLbZ&authType=name&{tail}"
            ),
            _ if key.starts_with("hero") => format!("https://www.linkedin.com/comm/in/{SLUG}?{tail}"),
            _ => format!("https://www.linkedin.com/help/linkedin/answer/67?{tail}"),
        }
    }

    fn text(&self) -> String {
        let Words { greeting, view, accept, footer, intended, unsubscribe, promo, common, .. } = self.words;
        let Person { name, card, headline, place, .. } = self.person;
        let note = self.note.unwrap_or_default();
        let note_block = if note.is_empty() { String::new() } else { format!("{note}\n\n") };
        let (accept_url, view_url) = (self.link("hero-0-accept%7Ecta"), self.link("hero-3-prof%7Ecta"));
        let help = self.link("footer-9-help");
        let greeted = if note.is_empty() { String::new() } else { format!("{greeting}\n") };
        let rest = format!(
            "----------------------------------------\n\n{intended}\n{footer}\n\n{unsubscribe}: {help}\n\n© 2026 LinkedIn Corporation.\n"
        );
        match self.layout {
            Layout::Member28 => format!(
                "{greeted}{note_block}{card}\n{headline}\n\n{accept}: {accept_url}\n\n{view} {name}: {view_url}\n\n\
                 {footer} {unsubscribe}: {help}\n\n{intended}. {help}\n"
            ),
            Layout::Single01 | Layout::Single01Both => format!(
                "{greeted}\n{note_block}{card}\n{headline}\n\n{view}: {view_url}\n\n{accept}: {accept_url}\n\n\
                 .....................................\n\n{unsubscribe}: {help}\n\n\n{footer}\n\n{intended}\n"
            ),
            Layout::Today => {
                format!(
                    "{note_block}{card}\n{headline}\n{place}\n\n{view}:{view_url}\n{accept}:{accept_url}\n\n{rest}"
                )
            }
            Layout::TodayBehind => {
                format!(
                    "{card}\n{headline}\n{place}\n\n{note_block}{view}:{view_url}\n{accept}:{accept_url}\n\n{rest}"
                )
            }
            Layout::TodayPromo => format!(
                "{note_block}{card}\n{headline}\n{place}\n\n{common}\n\n{view}:{view_url}\n{accept}:{accept_url}\n\n\
                 ----------------------------------------\n\n{promo}\nUm otha vell.\n{}\n\n{}{rest}",
                self.link("promo-0-inmail"),
                "",
            ),
            _ => format!("{card}\n{headline}\n{place}\n\n{view}:{view_url}\n{accept}:{accept_url}\n\n{rest}"),
        }
    }

    fn html(&self) -> Option<String> {
        let Words { greeting, view, accept, footer, intended, unsubscribe, common, more, preheader, .. } =
            self.words;
        let Person { card, headline, place, name } = self.person;
        let note = self.note.map(|note| escaped(note).replace('\n', "<br>"));
        let (card, headline, place) = (escaped(card), escaped(headline), escaped(place));
        let href = |key: &str| escaped(&self.link(key));
        let first = name.split_whitespace().next().unwrap_or_default();
        let preheader = preheader.replace("{first}", first);
        let padding = "\u{34f} \u{a0} ".repeat(20);
        let hidden = |text: &str| {
            format!(
                "<div style=\"overflow:hidden;color:transparent;visibility:hidden;mso-hide:all;width:0;font-size:0;opacity:0;height:0;\"> {text} {padding}</div>"
            )
        };
        let header = format!(
            "<table><tr><td><a href=\"{}\"><img alt=\"LinkedIn\" src=\"https://static.example/x.png\"></a></td><td><a href=\"{}\"><span>Robin Keller</span></a></td><td>&nbsp;</td></tr></table>",
            href("header-4-home"),
            href("header-6-profile"),
        );
        let face = format!(
            "<a href=\"{}\"><img alt=\"\" src=\"https://static.example/f.png\"></a>",
            href("hero-1-prof%7Ephoto")
        );
        let named = format!("<a href=\"{}\"><span>{card}</span></a>", href("hero-2-prof%7Ename"));
        let buttons = format!(
            "<table><tr><td><a href=\"{0}\"><table><tr><td><a href=\"{0}\">{accept}</a></td></tr></table></a></td><td><a href=\"{1}\">{view}</a></td></tr></table>",
            href("hero-0-accept%7Ecta"),
            href("hero-3-prof%7Ecta"),
        );
        let foot = format!(
            "<p>{footer}</p><p>{intended}</p><a href=\"{}\">{unsubscribe}</a><p>© 2026 LinkedIn Corporation</p>",
            href("footer-9-help")
        );
        let people = format!(
            "<h2>{more}</h2><table><tr><td><a href=\"{0}\">Lior Ben-Ami</a><p>Backend things at Parcelo</p><a href=\"{0}\">{view}</a></td></tr></table>",
            href("discover-0-profile"),
        );
        let paragraph = |text: &str| {
            if text.is_empty() { String::new() } else { format!("<tr><td><p>{text}</p></td></tr>") }
        };
        let shown = note.clone().unwrap_or_default();
        let body = match self.layout {
            Layout::Html2016 | Layout::Single01Both => {
                let greeted = if shown.is_empty() { String::new() } else { format!("{greeting} {shown}") };
                format!(
                    "{}{header}<table>{}<tr><td><table><tr><td>{face}</td><td>{named} <p>{headline}</p> <p>{place}</p></td></tr></table></td></tr></table>{buttons}{foot}",
                    hidden(&greeted),
                    paragraph(&greeted),
                )
            }
            Layout::Html2018 => format!(
                "{}{header}<h1>{greeting}</h1><table>{}<tr><td>{face}</td><td>{named}<p>{headline}</p><p>{place}</p></td></tr></table>{buttons}{foot}",
                hidden(&shown),
                paragraph(&shown),
            ),
            Layout::HtmlToday => format!(
                "{}{header}<table>{}<tr><td>{face}{named}<p>{headline}</p><p>{place}</p><p>{common}</p></td></tr></table>{buttons}{people}{foot}",
                hidden(&preheader),
                paragraph(&shown),
            ),
            Layout::HtmlTodayBehind | Layout::TodayHtmlNote => format!(
                "{}{header}<table><tr><td>{face}{named}<p>{headline}</p><p>{place}</p></td></tr>{}</table>{buttons}{people}{foot}",
                hidden(&preheader),
                paragraph(&shown),
            ),
            _ => return None,
        };
        Some(format!("<html><head><title></title><style>p{{}}</style></head><body>{body}</body></html>"))
    }
}

fn part(kind: &str, id: &str, text: &str) -> String {
    format!(
        "Content-Type: text/{kind};charset=UTF-8\nContent-Transfer-Encoding: quoted-printable\nContent-ID: {id}\n\n{}",
        quoted_printable(text)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// RFC 2045 §6.7, lines broken wherever 76 characters end.
pub fn quoted_printable(text: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for byte in text.bytes() {
        let piece = match byte {
            b'\n' => {
                out.push('\n');
                column = 0;
                continue;
            }
            b'=' | 128.. => format!("={byte:02X}"),
            _ => char::from(byte).to_string(),
        };
        if column + piece.len() > 75 {
            out.push_str("=\n");
            column = 0;
        }
        column += piece.len();
        out.push_str(&piece);
    }
    out
}

/// A display name as it stands in From.
fn display_name(name: &str) -> String {
    if name.is_ascii() { format!("\"{name}\"") } else { encoded_word(name) }
}

/// RFC 2047, in base64; as it is where it is plain.
pub fn encoded_word(text: &str) -> String {
    use base64::Engine as _;
    if text.is_ascii() {
        return text.to_owned();
    }
    format!("=?UTF-8?B?{}?=", base64::engine::general_purpose::STANDARD.encode(text))
}
