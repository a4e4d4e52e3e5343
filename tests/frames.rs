//! Every layout with every kind of note and name, in English and in a language
//! that no rule knows: what comes out is what was put in.

use std::sync::LazyLock;

use base64::Engine as _;
use notyet::domain::{Invitation, Notice, RawMail};
use notyet::rulebook::Rulebook;
use notyet::stages::identify;
use notyet::stages::recognise::Recognised;

use crate::support::frames::{self, ENGLISH, Layout, MIRA, Person, UNKNOWN, Words};

static RULES: LazyLock<Rulebook> = LazyLock::new(|| Rulebook::shipped().unwrap_or_else(|e| panic!("{e}")));

fn rules() -> &'static Rulebook {
    &RULES
}

fn recognised(raw: &RawMail, rules: &Rulebook) -> Recognised {
    identify(raw, rules).unwrap_or_else(|why| panic!("{}", why.as_str())).1
}

/// Notes that are easily cut, swallowed or taken for the frame.
const NOTES: [&str; 24] = [
    "It was good to meet you at the bee fair in Delft. Shall we compare notes on the third colony?",
    "I'd like to join your LinkedIn network.",
    "Hi Robin, two things.\nYour scarf is at the museum desk in Bodø.\nAnd the whale jaw is from 1923.",
    "First the hives.\n\nThen the honey, which I promised you in Ghent.\n\nThen the wax.",
    "Three things you left in Delft:\n- the smoker\n- the veil\n- a jar",
    "Before.\n\n-----\n\nAfter the line.",
    "Accept my apologies for the late answer: the queen had left.",
    "Ignore the letter of Monday, the bees are back.",
    "Terima kasih untuk ceramah Anda di Bandung tentang lebah.",
    "We have 12 mutual connections, and 3 connections in common with Ada from the fair.",
    "Unsubscribe me from nothing, please: I read every issue of your bee letter.",
    "View profile views as votes? Your article in the bee paper made me laugh.",
    "The frame you drew for me fits.\n\nBest wishes,\nMira Okafor",
    "You asked for my card at the fair.\n\nMallory Grey\nCEO of the fair",
    "Great talk yesterday!\nMay I quote the part on smoke?",
    "The hive you drew is here: https://example.com/hive?x=1 and it stands.",
    "Do you know https://www.linkedin.com/in/ada-example from the fair? She sent me.",
    "Hallo, ich habe Ihre Frage im Lesesaal falsch beantwortet. Band 9 steht bei den Karten.",
    "デルフトの養蜂市でお会いしました。三つ目の巣箱はどうなりましたか。",
    "Мы встречались на ярмарке в Делфте. Как третья семья?",
    "I am waiting for your response to my question on wax, and for spring.",
    "Remember? You are receiving my honey since 2019.",
    "11 jars are yours.",
    "Reminder: the third colony wants its frames back, you said in Delft you would bring them before the frost, and the frost is here since Tuesday, so the bees sit on bare boards and eat what is left of the sugar that Ada's brother brought from Porto; will you come, or shall I cut new ones from the old pine?",
];

struct Case<'a> {
    layout: Layout,
    words: &'a Words,
    person: &'a Person,
    note: Option<&'a str>,
}

impl Case<'_> {
    fn faults(&self, rules: &Rulebook) -> Vec<String> {
        let raw = frames::mail(self.layout, self.words, self.person, self.note);
        let got = recognised(&raw, rules);
        let mut faults = Vec::new();
        let mut differs = |what: &str, got: &str, want: &str| {
            if got != want {
                faults.push(format!(
                    "{:?}, {}, {:?}: {what}: {got:?} instead of {want:?}",
                    self.layout, self.words.accept, self.note
                ));
            }
        };
        differs("kind", got.notice.as_str(), "invitation");
        let [invitation] = got.invitations.as_slice() else {
            differs("invitations", &got.invitations.len().to_string(), "1");
            return faults;
        };
        differs("name", &invitation.inviter.name, self.person.name);
        differs("headline", &invitation.inviter.headline, self.person.headline);
        differs("note", &shown(invitation.note.as_deref(), self), &shown(self.note, self));
        differs("page", invitation.inviter.profile_url.as_deref().unwrap_or_default(), &self.layout.page());
        differs("key", &invitation.key.0, &key(rules).0);
        differs("route", invitation.route.as_str(), "paste");
        faults
    }
}

/// HTML has no empty lines, and says the greeting and the note in one breath.
fn shown(note: Option<&str>, case: &Case<'_>) -> String {
    let note = note.unwrap_or_default();
    if !case.layout.is_html_alone() && case.layout != Layout::TodayHtmlNote {
        return note.to_owned();
    }
    let note = note
        .trim_start_matches(case.words.greeting)
        .trim_start_matches(" Hi Robin,")
        .trim_start_matches("Hi Robin,");
    note.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn key(rules: &Rulebook) -> notyet::domain::InvitationKey {
    one(&frames::mail(Layout::Today, &ENGLISH, &MIRA, None), rules).key
}

fn one(raw: &RawMail, rules: &Rulebook) -> Invitation {
    let found = recognised(raw, rules).invitations;
    let [invitation] = found.as_slice() else { panic!("{} invitations", found.len()) };
    invitation.clone()
}

fn assert_right(cases: &[Case<'_>]) {
    let rules = rules();
    let faults: Vec<String> = cases.iter().flat_map(|case| case.faults(rules)).collect();
    assert!(faults.is_empty(), "{} faults of {} mails:\n{}", faults.len(), cases.len(), faults.join("\n"));
}

#[test]
fn every_note_comes_out_of_every_layout_as_it_went_in() {
    let mut cases = Vec::new();
    for layout in Layout::ALL {
        for words in [&ENGLISH, &UNKNOWN] {
            cases.push(Case { layout, words, person: &MIRA, note: None });
            cases.extend(NOTES.iter().map(|note| Case { layout, words, person: &MIRA, note: Some(note) }));
        }
    }
    assert_right(&cases);
}

#[test]
fn the_card_is_found_however_it_writes_the_name() {
    let person = |name, card| Person { name, card, ..MIRA };
    let people = [
        person("Marcus Bell, PhD, PMP", "Marcus Bell, PhD, PMP"),
        person("Marcus Bell, PhD, PMP", "Marcus Bell"),
        person("Marcus Bell", "Marcus Bell, PhD"),
        person("Dana Wolf", "Dana Wolf (She/Her)"),
        person("🚀 Dana Wolf 🚀", "Dana Wolf"),
        person("Dana Wolf", "Dana  Wolf"),
        person("İlknur Şahin", "İlknur Şahin"),
        person("小林 美咲", "小林 美咲"),
        person("J. P. Okafor", "J. P. Okafor"),
        person("Siobhan O'Dea", "Siobhan O’Dea"),
        person("Light", "Light"),
    ];
    let mut cases = Vec::new();
    for person in &people {
        for layout in Layout::ALL {
            for words in [&ENGLISH, &UNKNOWN] {
                for note in [None, Some(NOTES[0]), Some(NOTES[3])] {
                    cases.push(Case { layout, words, person, note });
                }
            }
        }
    }
    assert_right(&cases);
}

#[test]
fn a_card_without_a_place_takes_nothing_from_the_note() {
    let person = Person { place: "", ..MIRA };
    let mut cases = Vec::new();
    for layout in Layout::ALL {
        for words in [&ENGLISH, &UNKNOWN] {
            for note in [NOTES[0], NOTES[2], NOTES[17]] {
                cases.push(Case { layout, words, person: &person, note: Some(note) });
            }
        }
    }
    assert_right(&cases);
}

fn plain(subject: &str, text: &str) -> RawMail {
    RawMail(
        format!(
            "From: Mira Okafor <invitations@linkedin.com>\nTo: Robin Keller <robin@example.org>\nSubject: {subject}\n\
             Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: quoted-printable\n\n{}",
            frames::quoted_printable(text)
        )
        .into_bytes(),
    )
}

/// A first mail and what is sent after it, of every era: one invitation, one key,
/// or (where the later mail shows less) an identity that the ledger knows again.
#[test]
fn reminders_and_second_copies_are_the_invitation_already_seen() {
    let rules = rules();
    let guest = plain(
        "Undangan untuk terhubung di LinkedIn",
        "Hai Robin,\n\nSaya ingin menambahkan Anda.\n\n- Mira\n\nHarap konfirmasi: https://www.linkedin.com/e/v2?e=0-ipy&t=ssuw&ek=invite_guest&sharedKey=RxwfL5C3&invitationId=6153186093894530178\n",
    );
    let guest_reminder = |id: &str| {
        plain(
            "Mira Okafor would like to connect on LinkedIn",
            &format!(
                "Mira Okafor would like to connect on LinkedIn. How would you like to respond?\n\nAccept: https://www.linkedin.com/comm/start/accept-invitation?sharedKey=RxwfL5C3{id}&trk=eml-second_guest_reminder_01-hero-13-accept_text\n"
            ),
        )
    };
    let first_reminder = plain(
        "Mira Okafor would like to connect on LinkedIn",
        "Mira Okafor would like to connect on LinkedIn. How would you like to respond?\n\nAccept: https://www.linkedin.com/e/v2?e=-npd&a=preRegInvite&ek=first_guest_reminder_01&sharedKey=RxwfL5C3&invitationID=6153186093894530178\n",
    );
    let member = frames::mail(Layout::Today, &ENGLISH, &MIRA, Some(NOTES[0]));
    let same_key = [
        ("a second copy", &member, frames::mail(Layout::HtmlToday, &ENGLISH, &MIRA, Some(NOTES[0]))),
        ("other words", &member, frames::mail(Layout::TodayBehind, &UNKNOWN, &MIRA, None)),
        (
            "a member's reminder",
            &member,
            frames::with_template(Layout::Today, "email_m2m_invite_reminder_02", &UNKNOWN, &MIRA, None),
        ),
        (
            "a reminder without its template's name",
            &member,
            plain(
                "Reminder about your invitation from Mira Okafor",
                &format!(
                    "Mira Okafor is waiting for your response\n\nAccept: https://www.linkedin.com/comm/people/invite-accept?mboxid=I2_500&sharedKey={}&invitationId={}\n",
                    frames::SHARED_KEY,
                    frames::ID
                ),
            ),
        ),
        ("a guest's first reminder", &guest, first_reminder),
        ("a guest's second reminder", &guest, guest_reminder("&invitationId=6153186093894530178")),
    ];
    for (what, first, again) in &same_key {
        assert_eq!(one(first, rules).key, one(again, rules).key, "{what}");
    }
    let no_link = plain(
        "Mira Okafor's invitation is awaiting your response",
        "Mira Okafor would like to connect on LinkedIn.\n\nMira Okafor\nBeekeeper\n\nThis is a reminder that on 10/24/13 12:25 PM, Mira Okafor sent you an invitation.\n",
    );
    let by_page = plain(
        "Reminder about your invitation from Mira Okafor",
        &format!(
            "Mira Okafor is waiting for your response\n\nView profile: https://www.linkedin.com/comm/in/{}?trk=eml-email_m2m_invite_reminder_02-hero-4-profile_text\n",
            frames::SLUG
        ),
    );
    for (what, first, again) in [
        ("a guest's reminder of 2020, by its shared key", &guest, guest_reminder("")),
        ("a reminder by the profile page", &member, by_page),
        ("a reminder of 2013, by the name", &member, no_link),
    ] {
        assert!(one(first, rules).identity.same(&one(&again, rules).identity), "{what}");
    }
    let other = String::from_utf8(member.0.clone())
        .unwrap()
        .replace("=\n", "")
        .replace(frames::ID, "7462565912356292225");
    assert_ne!(one(&member, rules).key, one(&RawMail(other.into_bytes()), rules).key);
}

#[test]
fn what_html_hides_tells_a_reminder_of_today() {
    let words = Words { preheader: "{first} Okafor, Beekeeper is waiting for your response", ..ENGLISH };
    for layout in [Layout::HtmlToday, Layout::TodayHtmlNote] {
        let raw = frames::mail(layout, &words, &MIRA, None);
        let got = recognised(&raw, rules());
        assert_eq!(got.notice, Notice::Reminder, "{layout:?}");
        assert_eq!(got.invitations[0].key, key(rules()));
        assert_eq!(got.invitations[0].note, None);
    }
}

/// What the network says of the inviter above the note, in the inviter's own mail.
const ABOUT: [&str; 22] = [
    "Robin, respond to Mira's invite now.",
    "Robin, antworten Sie jetzt auf die Einladung von Mira.",
    "Robin, répondez à l’invitation de Mira maintenant.",
    "Robin, responde ahora a la invitación de Mira.",
    "Robin, rispondi all’invito di Mira.",
    "Robin, responda ao convite de Mira.",
    "Robin, reageer op de uitnodiging van Mira.",
    "Robin, svara på Miras inbjudan.",
    "Robin, vastaa kutsuun, jonka Mira lähetti.",
    "Robin, odpowiedz na zaproszenie od: Mira.",
    "Robin, odpovězte na pozvánku uživatele Mira.",
    "Robin, Mira adlı üyenin davetini yanıtlayın.",
    "Robin, tanggapi undangan Mira.",
    "Robin, ответьте на приглашение участника Mira.",
    "Robinさん、Miraさんからの招待に返信しましょう。",
    "Robin，请回复Mira的邀请。",
    "Robin님, Mira님의 초대에 응답하세요.",
    "Robin، قم بالرد على دعوة Mira الآن.",
    "Mira Okafor, Beekeeper at Harbour Hives, wartet auf Ihre Antwort",
    "Mira Okafor, Beekeeper at Harbour Hives, attend votre réponse",
    "Mira Okafor ожидает вашего ответа.",
    "Mira Okafor wil u toevoegen als connectie op LinkedIn:",
];

#[test]
fn what_the_network_says_of_the_inviter_is_no_note_in_any_language() {
    let above: Vec<String> = ABOUT.iter().map(|line| format!("{line}\n\n{}", NOTES[0])).collect();
    for (line, noted) in ABOUT.iter().zip(&above) {
        for (note, expected) in [(*line, None), (noted.as_str(), Some(NOTES[0]))] {
            let raw = frames::mail(Layout::Today, &ENGLISH, &MIRA, Some(note));
            assert_eq!(one(&raw, rules()).note.as_deref(), expected, "{line}");
        }
    }
    // Where the name is written without blanks, the given name alone may be said.
    let person = Person { name: "陈怡君", card: "陈怡君", ..MIRA };
    let raw = frames::mail(Layout::Today, &ENGLISH, &person, Some("Robin，请立即回复怡君的邀请。"));
    assert_eq!(one(&raw, rules()).note, None);
}

#[test]
fn who_speaks_of_invitations_and_answers_has_written_a_note() {
    for note in [
        "Hier ist Mira. Ich warte noch auf deine Antwort zur Einladung am 3. Mai.",
        "Mira hier! Danke für die Einladung zum Imkerfest, ich antworte am Montag.",
        "It's Mira from the fair: did you answer the invitation of the guild? They wait.",
        "Ici Mira : vous attendez toujours ma réponse à l'invitation de la guilde.",
        "Soy Mira. ¿Respondiste a la invitación del gremio?",
        "Mira here, found you on LinkedIn. Do you still have my veil?",
        "I am Mira, you said I should look for you on LinkedIn: here I am.",
        "Robin, answer me about the wax.",
    ] {
        let raw = frames::mail(Layout::Today, &ENGLISH, &MIRA, Some(note));
        assert_eq!(one(&raw, rules()).note.as_deref(), Some(note));
    }
}

#[test]
fn a_subject_is_recognised_behind_the_tag_of_a_gateway() {
    let reminder = |tag: &str| {
        plain(
            &format!("{tag}Mira Okafor's invitation is awaiting your response"),
            "Mira Okafor would like to connect on LinkedIn.\n\nMira Okafor\nBeekeeper\n\nThis is a reminder that on 10/24/13 12:25 PM, Mira Okafor sent you an invitation.\n",
        )
    };
    for tag in ["", "[EXTERNAL] ", "*** External *** ", "EXTERNAL: "] {
        let raw = String::from_utf8(reminder(tag).0).unwrap().replace("From: Mira Okafor", "From: LinkedIn");
        let got = recognised(&RawMail(raw.into_bytes()), rules());
        assert_eq!((got.notice, got.invitations.len()), (Notice::Reminder, 1), "{tag}");
        assert_eq!(got.invitations[0].inviter.name, "Mira Okafor", "{tag}");
    }
}

#[test]
fn other_networks_requests_are_known_by_their_subjects() {
    let facebook = "Facebook <notification+k3x@facebookmail.com>";
    let xing = "XING <mailrobot@mail.xing.com>";
    for (from, subject, notice) in [
        (facebook, "Mira Okafor wants to be friends on Facebook", Notice::Invitation),
        (facebook, "Mira Okafor added you as a friend on Facebook...", Notice::Invitation),
        (facebook, "Mira Okafor möchte mit dir auf Facebook befreundet sein", Notice::Invitation),
        (facebook, "Mira Okafor quiere ser tu amiga en Facebook", Notice::Invitation),
        (facebook, "Mira Okafor vous a ajouté comme ami sur Facebook", Notice::Invitation),
        (facebook, "Mira Okafor хочет дружить с вами на Facebook", Notice::Invitation),
        (facebook, "Mira Okafor accepted your friend request", Notice::Other),
        (facebook, "Mira Okafor hat deine Freundschaftsanfrage angenommen", Notice::Other),
        (facebook, "Do you know Mira Okafor? Add them as a friend", Notice::Other),
        (facebook, "Mira Okafor commented on your photo", Notice::Other),
        (xing, "Mira Okafor möchte Sie als Kontakt hinzufügen", Notice::Invitation),
        (xing, "Contact request from Mira Okafor", Notice::Invitation),
        (xing, "Solicitud de contacto de Mira Okafor", Notice::Invitation),
        (xing, "Erinnerung: Mira Okafor wartet auf Ihre Antwort", Notice::Reminder),
        (xing, "Mira Okafor hat Ihre Kontaktanfrage bestätigt", Notice::Accepted),
        (xing, "Mira Okafor hat Ihnen eine Nachricht geschrieben", Notice::Other),
    ] {
        let raw = String::from_utf8(plain(subject, "Hi Robin,\n\nMira Okafor.\n").0).unwrap();
        let raw = raw.replace("From: Mira Okafor <invitations@linkedin.com>", &format!("From: {from}"));
        let got = recognised(&RawMail(raw.into_bytes()), rules());
        assert_eq!(got.notice, notice, "{subject}");
        for invitation in &got.invitations {
            assert_eq!(invitation.inviter.name, "Mira Okafor", "{subject}");
        }
    }
}

/// Three people in one HTML mail, under the digest's template and under one for a single invitation.
#[test]
fn every_inviter_of_a_digest_gets_a_plan_of_their_own() {
    let people = [
        (
            "Mira Okafor",
            "mira-okafor-bees",
            "7462565912356292224",
            "It was good to meet you at the bee fair in Delft.",
        ),
        ("Hauke Petersen", "hauke-petersen", "7462565912356292225", ""),
        (
            "İlknur Şahin",
            "ilknur-sahin",
            "7462565912356292226",
            "Sizi LinkedIn'deki profesyonel ağıma eklemek istiyorum.",
        ),
    ];
    for template in ["email_m2m_invite_digest_02", "email_m2m_invite_single_01"] {
        let link = |path: &str, key: &str| {
            format!("https://www.linkedin.com/comm/{path}?midToken=A&amp;trk=eml-{template}-{key}")
        };
        let mut body = format!(
            "<table><tr><td><a href=\"{}\"><img alt=\"LinkedIn\"></a></td><td><a href=\"{}\">Robin Keller</a></td></tr></table><h2>Robin, tok harun 3 sorrimel</h2>",
            link("feed/", "header-4-home"),
            link("in/robin-keller", "header-6-profile")
        );
        for (name, slug, id, note) in people {
            let view = link(&format!("in/{slug}"), "hero-2-prof%7Ename");
            let accept = link(
                &format!("mynetwork/invite-accept/invitationId/{id}/sharedKey/gWGV{}/", &id[15..]),
                "hero-0-accept%7Ecta",
            );
            body += &format!(
                "<table><tr><td><a href=\"{view}\"><img alt=\"\"></a></td><td><a href=\"{view}\">{name}</a><p>Headline of {name}</p><p>Somewhere, Earth</p></td></tr><tr><td><p>{note}</p></td></tr><tr><td><a href=\"{accept}\">Tavir</a></td><td><a href=\"{view}\">Seku palme</a></td></tr></table>"
            );
        }
        body += &format!(
            "<p>Ket posta ol mendin Robin Keller</p><a href=\"{}\">Abmelo</a>",
            link("psettings", "footer-9-unsub")
        );
        let raw = format!(
            "From: LinkedIn <invitations@linkedin.com>\nTo: Robin Keller <robin@example.org>\nSubject: Robin, tok harun 3 sorrimel\nContent-Type: text/html; charset=UTF-8\nContent-Transfer-Encoding: quoted-printable\n\n{}",
            frames::quoted_printable(&format!("<html><body>{body}</body></html>"))
        );
        let got = recognised(&RawMail(raw.into_bytes()), rules());
        assert_eq!(got.notice, Notice::Digest, "{template}");
        let seen: Vec<_> = got
            .invitations
            .iter()
            .map(|i| {
                (
                    i.inviter.name.as_str(),
                    i.inviter
                        .profile_url
                        .as_deref()
                        .unwrap_or_default()
                        .trim_start_matches("https://www.linkedin.com/in/"),
                    i.note.as_deref().unwrap_or_default(),
                    i.inviter.headline.clone(),
                )
            })
            .collect();
        let wanted: Vec<_> = people
            .iter()
            .map(|(name, slug, _, note)| (*name, *slug, *note, format!("Headline of {name}")))
            .collect();
        assert_eq!(seen, wanted, "{template}");
        let keys: std::collections::BTreeSet<_> = got.invitations.iter().map(|i| i.key.0.clone()).collect();
        assert_eq!(keys.len(), 3);
    }
}

/// What the eras before 2015 and guests show: name and note, whatever the frame says between them.
#[test]
fn older_and_guest_layouts_give_name_and_note() {
    let rules = rules();
    let mut faults = Vec::new();
    for note in NOTES {
        let guest_2016 = |hello: &str, confirm: &str| {
            format!(
                "{hello} Robin,\n\n{note}\n\n- Mira\n\n{confirm} Mira: https://www.linkedin.com/e/v2?e=0-ipy&t=ssuw&ek=invite_guest&sharedKey=RxwfL5C3&invitationId=6153186093894530178\n\n{confirm}. https://www.linkedin.com/e/v2?e=0-i&t=lun&ek=invite_guest\n"
            )
        };
        let rows = [
            (
                "guest 2009",
                "Mira Okafor <mira@example.com>",
                format!(
                    "LinkedIn\n------------\n\nMira Okafor requested to add you as a connection on LinkedIn:\n------------------------------------------\n\nRobin,\n\n{note}\n\n- Mira\n\n\nView invitation from Mira Okafor\nhttp://www.linkedin.com/e/4n7A7/blk/I1358211656_2/39vd/svi/\n\n------------------------------------------\n\nWhy might connecting with Mira Okafor be a good idea?\n\nMira Okafor's connections could be useful to you:\n"
                ),
            ),
            (
                "member 2011",
                "Mira Okafor via LinkedIn <member@linkedin.com>",
                format!(
                    "LinkedIn\n------------\n\n    Mira Okafor requested to add you as a connection on LinkedIn:\n  \n------------------------------------------\n\nRobin,\n\n{note}\n\nAccept invitation from Mira  Okafor\nhttp://www.linkedin.com/e/-m5h/UGoRR/blk/I98119692_140/1Bp/EML_comm_afe/?hs=false\n\nView profile of Mira Okafor\nhttp://www.linkedin.com/e/-m5/rsn/147374420/84sJ/?hs=false\n------------------------------------------\n"
                ),
            ),
            (
                "guest 2012",
                "Mira Okafor <mira@example.com>",
                format!(
                    "LinkedIn\n------------\n\n\n\n{note}\n\n- Mira\n\nMira Okafor\nBeekeeper at Harbour Hives\nPorto, Portugal\n\nConfirm that you know Mira Okafor:\nhttps://www.linkedin.com/e/37y/isd/9982924693/E0UDGyBb/?hs=false\n\n--\nYou are receiving Invitation to Connect emails. Click to unsubscribe:\nhttp://www.linkedin.com/e/37y/goo/robin/20061/I3328184005_1/\n"
                ),
            ),
            (
                "guest 2016",
                "Mira Okafor <invitations@linkedin.com>",
                guest_2016("Hi", "Confirm that you know"),
            ),
            (
                "guest 2016, no known language",
                "Mira Okafor <invitations@linkedin.com>",
                guest_2016("Oma", "Tavel ilt sorra"),
            ),
            (
                "second reminder 2016",
                "Mira Okafor <invitations@linkedin.com>",
                format!(
                    "Mira Okafor ilt sorra menu LinkedIn.\n\nTavir: https://www.linkedin.com/comm/start/accept-invitation?sharedKey=UpC6ebjF&invitationId=6138602316595380759&trk=eml-second_guest_reminder_01-hero-13-accept_text\n\nSeku: https://www.linkedin.com/comm/start/accept-invitation?sharedKey=UpC6ebjF&invitationId=6138602316595380759&trk=eml-second_guest_reminder_01-hero-3-profile_text\n\nRobin,\n\n{note}\n\nTok harun ilt sorra. Abmelo: https://www.linkedin.com/e/v2?e=-bqs&t=lun&ek=second_guest_reminder_01\n"
                ),
            ),
        ];
        for (what, from, text) in rows {
            let raw = format!(
                "From: {from}\nTo: robin@example.org\nSubject: Invitation to connect on LinkedIn\nMessage-ID: <32447217.3633289.1250118341955.JavaMail.app@ech3-cdn08.prod>\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: quoted-printable\n\n{}",
                frames::quoted_printable(&text)
            );
            let invitation = one(&RawMail(raw.into_bytes()), rules);
            let got = invitation.note.unwrap_or_default();
            if got != note
                || invitation.inviter.name != "Mira Okafor"
                || invitation.identity.shared_key.is_none()
            {
                faults.push(format!("{what}: {got:?} instead of {note:?}"));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// A page that was saved as lines of text, without its links: the words of the frame decide.
#[test]
fn a_page_without_links_is_read_by_the_words_of_its_frame() {
    let rules = rules();
    for note in [None, Some(NOTES[0]), Some(NOTES[2]), Some(NOTES[17])] {
        for behind in [false, true] {
            let block = note.map(|note| format!("{note}\n")).unwrap_or_default();
            let (before, after) = if behind { ("", block.as_str()) } else { (block.as_str(), "") };
            let text = format!(
                "Robin, respond to Mira’s invite now. \u{34f} \u{34f}\n{before}Mira Okafor\nBeekeeper at Harbour Hives\nPorto, Portugal\n11 connections in common\n{after}Accept\nView profile\nMore people you may know\nLior Ben-Ami\nBackend things at Parcelo\nView profile\nThis email was intended for Robin Keller (Maintainer)\nYou are receiving LinkedIn invitations emails.\n© 2024 LinkedIn Corporation\n"
            );
            let invitation = one(&plain("I want to connect", &text), rules);
            assert_eq!(invitation.note.as_deref(), note, "{text}");
            assert_eq!(invitation.inviter.headline, "Beekeeper at Harbour Hives");
        }
    }
}

/// Companies' gateways rewrite every link of a mail.
#[test]
fn links_that_went_through_a_gateway_tell_the_same() {
    let encoded = |url: &str| {
        let plain = |b: &u8| b.is_ascii_alphanumeric();
        let coded: String = url
            .bytes()
            .map(|b| if plain(&b) { char::from(b).to_string() } else { format!("%{b:02X}") })
            .collect();
        format!("https://eur01.gateway.example/?url={coded}&data=05%7C02&reserved=0")
    };
    let framed = |url: &str| format!("https://gateway.example/v3/__{url}__;!!abc");
    let coded = |url: &str| encoded(url).split('=').nth(1).unwrap().trim_end_matches("&data").to_owned();
    let dashed = |url: &str| {
        let target = coded(url).replace("%2F", "/").replace('%', "-").replace('/', "_");
        format!("https://gateway.example/v2/url?u={target}&d=DwMF&e=")
    };
    let in_path = |url: &str| format!("https://gateway.example/1Qx-_y/{}", coded(url));
    let in_base64 = |url: &str| {
        format!(
            "https://gateway.example/?d=x.example&u={}&i=1",
            base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(url)
        )
    };
    let twice = |url: &str| encoded(&in_path(url));
    for gateway in [&encoded as &dyn Fn(&str) -> String, &framed, &dashed, &in_path, &in_base64, &twice] {
        for layout in Layout::ALL {
            for note in [None, Some(NOTES[0]), Some(NOTES[3])] {
                let seen = one(&frames::through_gateway(gateway, layout, note), rules());
                assert_eq!(seen.key, key(rules()), "{layout:?}");
                assert_eq!(seen.inviter.profile_url, Some(layout.page()), "{layout:?}");
                let case = Case { layout, words: &UNKNOWN, person: &MIRA, note };
                assert_eq!(shown(seen.note.as_deref(), &case), shown(note, &case), "{layout:?}");
            }
        }
    }
}
