//! Tests of the letters in every language: openings, room for the owner, the
//! language that is chosen, tone, and the way into a message.

use std::sync::LazyLock;

use mailparse::MailHeaderMap as _;
use notyet::app::examine::{Assume, Bench, examine};
use notyet::app::rules::{self, judge_note, occasion_of};
use notyet::config::Owner;
use notyet::domain::{
    Action, Decision, Evidence, Invitation, InvitationKey, Judgement, Letter, NoteKind, Plan, Policy,
    Problems, RawMail, Route, Stage, Timestamp,
};
use notyet::rulebook::letters::MAX_WORDS;
use notyet::rulebook::openings::{Kind, Openings, Wants};
use notyet::rulebook::{RuleFiles, Rulebook};
use notyet::stages::compose::opening::{Occasion, occasion};
use notyet::stages::compose::{PASTE_RULE, Task, compose, language};
use notyet::stages::mime::{self, Frame, Purpose};

use crate::letters::{by_mail, by_paste, cleared, letter_part, owner};
use crate::support::golden;

static RULES: LazyLock<Rulebook> = LazyLock::new(|| Rulebook::shipped().expect("the shipped rules compile"));

/// The languages with letters, each with its words for "not yet".
const NOT_YET: [(&str, &str); 7] = [
    ("de", "„noch nicht“"),
    ("en", "\"not yet\""),
    ("es", "«todavía no»"),
    ("fr", "«\u{a0}pas encore\u{a0}»"),
    ("it", "«non ancora»"),
    ("nl", "‘nog niet’"),
    ("pt", "“ainda não”"),
];

fn kind(name: &str) -> &'static Kind {
    RULES.openings.kinds().iter().find(|kind| kind.name == name).unwrap()
}

fn occasion_named(name: &str) -> Occasion<'static> {
    let kind = kind(name);
    Occasion { opening: Some(kind), asks: (kind.wants == Wants::Answer).then_some(kind) }
}

fn writing(languages: &[&str]) -> Owner {
    Owner { languages: languages.iter().map(|tag| (*tag).to_owned()).collect(), ..owner() }
}

fn write(
    kind: NoteKind,
    occasion: Occasion<'_>,
    language: &str,
    invitation: &Invitation,
    owner: &Owner,
) -> Letter {
    let task = Task {
        kind,
        invitation,
        occasion,
        owner,
        from: owner.addresses.first(),
        network_label: "Acquaint",
        language,
    };
    compose(&cleared(), &task, &RULES).unwrap_or_else(|reason| panic!("{language}: {}", reason.text))
}

/// The shipped rules with files of the owner's laid over them.
fn laid_over(files: &[(&str, &str)]) -> Result<Rulebook, Problems> {
    let mut all = RuleFiles::shipped();
    for (path, text) in files {
        all.insert(path, &format!("mine/{path}"), text);
    }
    Rulebook::compile(&all)
}

// ── The letters ────────────────────────────────────────────────────────────

#[test]
fn every_letter_in_every_language_is_whole_short_and_true_to_its_order() {
    assert_eq!(RULES.letters.written(), NOT_YET.map(|(tag, _)| tag));
    let mut occasions = vec![Occasion::default()];
    occasions.extend(RULES.openings.kinds().iter().map(|kind| occasion_named(&kind.name)));
    for (tag, not_yet) in NOT_YET {
        let letters = occasions.iter().map(|o| (NoteKind::Personalized, *o));
        for (kind, occasion) in letters.chain([(NoteKind::Generic, Occasion::default())]) {
            for first_name in ["Ada", ""] {
                for link in [owner().link, None] {
                    for mut invitation in [by_mail(), by_paste()] {
                        let label = format!(
                            "{tag} {} {:?} {first_name:?} {link:?} {}",
                            kind.as_str(),
                            occasion.opening.map(|k| &k.name),
                            invitation.route.as_str()
                        );
                        invitation.inviter.first_name = first_name.to_owned();
                        let owner = Owner { link: link.clone(), ..writing(&[tag]) };
                        let letter = write(kind, occasion, tag, &invitation, &owner);
                        assert_eq!(letter.language, tag, "{label}");
                        check_letter(&label, &letter, not_yet, occasion, &invitation, &owner);
                    }
                }
            }
        }
    }
}

fn check_letter(
    label: &str,
    letter: &Letter,
    not_yet: &str,
    occasion: Occasion<'_>,
    invitation: &Invitation,
    owner: &Owner,
) {
    let text = letter_part(letter);
    let words = text.split_whitespace().count();
    assert!((45..=MAX_WORDS).contains(&words), "{label}: {words} words");
    assert!(!text.contains("xylophone"), "{label}: the note is quoted");
    assert!(!text.contains(['{', '}', '<', '>', '!', '\r']) && !text.contains("  "), "{label}");
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{label}: {part} is missing"));
    let greeting = text.lines().next().unwrap();
    assert_eq!(greeting.contains("Ada"), !invitation.inviter.first_name.is_empty(), "{label}");
    assert!(greeting.ends_with([',', ':']) && !greeting.contains(" ,"), "{label}");
    assert_eq!(text.contains("olu@example.com"), invitation.route.to().is_none(), "{label}");
    if invitation.route.to().is_none() {
        assert!(at("olu@example.com") < at(not_yet), "{label}: the door comes first");
    }
    match &owner.link {
        Some(link) => assert!(at(not_yet) < at(link), "{label}"),
        None => assert!(!text.contains("http"), "{label}"),
    }
    assert!(text.ends_with("\nOlu Owner"), "{label}");
    let rooms = text.lines().filter(|line| line.starts_with('[') && line.ends_with(']')).count();
    assert_eq!(rooms, usize::from(occasion.asks.is_some()), "{label}");
    assert_eq!(text.contains('['), occasion.asks.is_some(), "{label}");
    if let Some(kind) = occasion.opening {
        at(&RULES.openings.of(&kind.name, &letter.language).unwrap().text);
    }
}

#[test]
fn every_kind_of_opening_has_a_sentence_in_every_language() {
    for kind in RULES.openings.kinds() {
        for (tag, _) in NOT_YET {
            assert!(RULES.openings.of(&kind.name, tag).is_some(), "{} {tag}", kind.name);
        }
    }
    let asking: Vec<&str> = RULES
        .openings
        .kinds()
        .iter()
        .filter(|kind| kind.wants == Wants::Answer)
        .map(|kind| kind.name.as_str())
        .collect();
    assert_eq!(asking, ["colleague", "question", "errand"]);
}

#[test]
fn names_with_template_syntax_are_left_out_in_every_language() {
    for (tag, _) in NOT_YET {
        for hostile in ["{{ owner }}", "{% raw %}", "<b>Ada</b>", "evil.example", "Ada\nBcc: x"] {
            let mut invitation = by_paste();
            invitation.inviter.first_name = hostile.to_owned();
            invitation.inviter.name = hostile.to_owned();
            for kind in [NoteKind::Generic, NoteKind::Personalized] {
                let occasion = occasion_named("question");
                let letter = write(kind, occasion, tag, &invitation, &writing(&[tag]));
                let greeting = letter.body.lines().next().unwrap();
                assert!(greeting.chars().count() <= 12, "{tag}: {greeting}");
                assert!(!letter_part(&letter).contains(['{', '%', '<']), "{tag}");
            }
        }
    }
}

#[test]
fn a_stiff_greeting_takes_the_full_name_only_as_a_person_writes_it() {
    let greeting = |name: &str, first_name: &str| {
        let mut invitation = by_mail();
        invitation.inviter.name = name.to_owned();
        invitation.inviter.first_name = first_name.to_owned();
        let letter = write(NoteKind::Generic, Occasion::default(), "de", &invitation, &writing(&["de"]));
        letter.body.lines().next().unwrap().to_owned()
    };
    assert_eq!(greeting("Ada von der Example", "Ada"), "Guten Tag Ada von der Example,");
    assert_eq!(greeting("Jean-Luc D’Arcy", "Jean-Luc"), "Guten Tag Jean-Luc D’Arcy,");
    assert_eq!(greeting("Prof. Dr. Ada Example", "Ada"), "Guten Tag Prof. Dr. Ada Example,");
    for unfit in
        ["ADA EXAMPLE", "ada example", "Ada Example MBA", "Ada Example 🎉", "Ada", "Ada Example, PhD"]
    {
        assert_eq!(greeting(unfit, "Ada"), "Hallo Ada,", "{unfit}");
    }
    assert_eq!(greeting("Acme GmbH", ""), "Guten Tag,");
    assert_eq!(greeting("", ""), "Guten Tag,");
}

#[test]
fn the_paste_block_speaks_the_owners_language() {
    let letter = write(NoteKind::Generic, Occasion::default(), "fr", &by_paste(), &writing(&["de", "fr"]));
    let (text, told) = letter.body.split_once(PASTE_RULE).unwrap();
    assert!(text.starts_with("Bonjour Ada,"));
    assert!(told.contains("Nur für Sie") && told.contains("https://acquaint.example/in/ada"), "{told}");
    let nowhere = Invitation { answer_page: String::new(), ..by_paste() };
    for (tag, _) in NOT_YET {
        for invitation in [by_paste(), nowhere.clone()] {
            let letter = write(NoteKind::Generic, Occasion::default(), "en", &invitation, &writing(&[tag]));
            let (_, told) = letter.body.split_once(PASTE_RULE).unwrap();
            assert_eq!(told.trim().lines().count(), 1, "{tag}");
            assert!(told.contains("Acquaint") && !told.contains("  "), "{tag}: {told}");
            assert_eq!(told.contains("https://"), !invitation.answer_page.is_empty(), "{tag}");
        }
    }
}

#[test]
fn every_language_survives_the_way_into_a_message() {
    for (tag, _) in NOT_YET {
        for (kind, subject) in [(NoteKind::Generic, ""), (NoteKind::Personalized, "Ça suffit: õñü — 日本")]
        {
            let invitation = Invitation { subject: subject.to_owned(), ..by_paste() };
            let owner = Owner { name: "Zoë Ößtür".to_owned(), ..writing(&[tag]) };
            let letter = write(kind, occasion_named("question"), tag, &invitation, &owner);
            let bytes = mime::render(&Frame {
                key: &InvitationKey("0".repeat(32)),
                identity: (&invitation.network, &invitation.identity),
                from: (&owner.name, &owner.addresses[0]),
                to: None,
                letter: &letter,
                in_reply_to: None,
                references: &[],
                date: Timestamp::from_unix_s(1_800_000_000),
                purpose: Purpose::Draft,
            })
            .unwrap();
            assert!(bytes.is_ascii(), "{tag}: encoded for every way of transport");
            let parsed = mailparse::parse_mail(&bytes).unwrap();
            assert_eq!(parsed.ctype.mimetype, "text/plain");
            assert_eq!(parsed.ctype.charset.to_ascii_lowercase(), "utf-8");
            assert_eq!(parsed.headers.get_first_value("Subject").unwrap(), letter.subject, "{tag}");
            assert!(parsed.headers.get_first_value("From").unwrap().starts_with("Zoë Ößtür"));
            let body = parsed.get_body().unwrap().replace("\r\n", "\n");
            assert_eq!(body.trim_end(), letter.body, "{tag}");
        }
    }
}

// ── The language ───────────────────────────────────────────────────────────

#[test]
fn the_language_is_the_notes_else_the_mails_else_the_owners() {
    for (note, mail, written, wanted) in [
        ("de", "fr", &["en", "de", "fr"][..], "de"),
        ("", "fr", &["en", "de", "fr"], "fr"),
        ("", "", &["en", "de", "fr"], "en"),
        ("sv", "de", &["en", "de"], "en"),
        ("", "sv", &["nl", "de"], "nl"),
        ("de", "de", &["en"], "en"),
        ("pt", "", &["en", "pt-BR"], "pt-BR"),
        ("PT", "", &["en", "pt-BR"], "pt-BR"),
        ("en", "", &[], "en"),
    ] {
        let owner = writing(written);
        let chosen = language::choose(note, || mail.to_owned(), &owner);
        assert_eq!(chosen, wanted, "{note:?} {mail:?} {written:?}");
    }
    let owner = writing(&["en", "de"]);
    assert_eq!(language::choose("de", || panic!("the note has shown it"), &owner), "de");
}

#[test]
fn a_mail_without_a_note_shows_its_language() {
    let mut wrong = Vec::new();
    for tag in ["de", "es", "fr", "id", "it", "nl", "pl", "pt", "ru", "sv", "tr", "ja", "zh"] {
        let raw = std::fs::read(golden::root().join(format!("golden/2026-frame-{tag}.eml"))).unwrap();
        let mail = notyet::stages::parse::parse(&RawMail(raw)).unwrap();
        let seen = language::of_mail(&mail, &RULES.notes);
        if seen != tag {
            wrong.push((tag, seen));
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
    let english = std::fs::read(golden::root().join("demo/2026-02-member-no-note.eml")).unwrap();
    let mut mail = notyet::stages::parse::parse(&RawMail(english)).unwrap();
    assert_eq!(language::of_mail(&mail, &RULES.notes), "en");
    mail.subject = "123".to_owned();
    mail.text = "https://www.acquaint.example/the/and/for?you=1".to_owned();
    assert_eq!(language::of_mail(&mail, &RULES.notes), "", "addresses of pages are in no language");
    for unknown in [
        "Szeretnék felvenni önt a kapcsolataim közé. Tekintse meg a profilját, és fogadja el a meghívót.",
        "Tôi muốn thêm bạn vào mạng lưới của mình. Xem hồ sơ và chấp nhận lời mời.",
    ] {
        mail.text = unknown.to_owned();
        assert_eq!(language::of_mail(&mail, &RULES.notes), "", "{unknown}");
    }
}

#[test]
fn an_invitation_without_a_note_is_answered_in_the_mails_language() {
    for (mail, written, wanted) in [
        ("golden/2026-frame-de.eml", &["en", "de"][..], "de"),
        ("golden/2026-frame-de.eml", &["en", "fr"], "en"),
        ("golden/2026-frame-ja.eml", &["nl", "en"], "nl"),
        ("demo/2026-02-member-no-note.eml", &["fr", "en"], "en"),
    ] {
        let raw = std::fs::read(golden::root().join(mail)).unwrap();
        let plan = plan_of(raw, &writing(written), &RULES.policy);
        assert_eq!(plan.letter.unwrap().language, wanted, "{mail} {written:?}");
    }
}

// ── The openings ───────────────────────────────────────────────────────────

#[test]
fn every_example_chooses_its_own_opening() {
    let failures: Vec<_> =
        rules::test(&RULES).into_iter().filter(|f| f.rule.starts_with("openings/")).collect();
    assert!(failures.is_empty(), "{failures:#?}");
    for opening in RULES.openings.all() {
        for example in &opening.examples {
            let judgement = judge_note(&example.text, &RULES);
            let asks = occasion_of(&example.text, &judgement, &RULES).asks.map(|kind| kind.name.as_str());
            if kind(&opening.kind).wants == Wants::Answer {
                assert_eq!(asks, Some(opening.kind.as_str()), "{}", example.text);
            }
        }
    }
}

#[test]
fn an_opening_follows_the_evidence_and_doubt_takes_it_away() {
    let chosen = |note: &str| {
        let judgement = judge_note(note, &RULES);
        let occasion = occasion_of(note, &judgement, &RULES);
        (occasion.opening.map(|k| k.name.as_str()), occasion.asks.map(|k| k.name.as_str()))
    };
    let met = "We met in the queue for the ferry to Gozo and talked about knots.";
    assert_eq!(chosen(met), (Some("met"), None));
    assert_eq!(chosen(&format!("{met} Do you still tie them?")), (Some("met"), Some("question")));
    assert_eq!(chosen("Nisan faturasında isim yanlış, düzeltebilir misiniz?").1, Some("question"));
    assert_eq!(chosen("I'd like to add you to my professional network on LinkedIn."), (None, None));
    assert_eq!(chosen("We help companies like yours to grow. Interested in a quick call?"), (None, None));
    assert_eq!(chosen(""), (None, None));
    assert_eq!(chosen("The heron is back at https://birds.example/?id=4 again.").1, None, "no question");

    let judged = |confidence| Judgement {
        kind: NoteKind::Personalized,
        confidence,
        language: "en".to_owned(),
        evidence: vec![Evidence::new(Stage::Classify, "notes/en.met", "We met")],
        for_owner: None,
    };
    let asked = format!("{met} Do you still tie them?");
    let sure = occasion(Some(&asked), &judged(0.9), &RULES.openings);
    assert_eq!(sure.opening.map(|k| k.name.as_str()), Some("met"));
    let weak = occasion(Some(&asked), &judged(0.5), &RULES.openings);
    assert!(weak.opening.is_none(), "a plain thank-you");
    assert!(weak.asks.is_some(), "but who was perhaps asked something should look");
    let unsaid = Judgement { evidence: Vec::new(), ..judged(0.9) };
    assert!(occasion(Some(met), &unsaid, &RULES.openings).opening.is_none(), "no signal spoke");
    let generic = Judgement { kind: NoteKind::Generic, ..judged(0.9) };
    let none = occasion(Some(&asked), &generic, &RULES.openings);
    assert!(none.opening.is_none() && none.asks.is_none());
}

#[test]
fn a_note_in_one_language_may_open_a_letter_in_another() {
    let note = "Wir haben uns beim Imkertreffen in Bozen kennengelernt.";
    let occasion = occasion_of(note, &judge_note(note, &RULES), &RULES);
    let letter = write(NoteKind::Personalized, occasion, "en", &by_mail(), &owner());
    assert!(letter.body.contains("where our paths crossed"), "{}", letter.body);
}

/// Judged with everything in favour of sending.
fn plan_of(raw: Vec<u8>, owner: &Owner, policy: &Policy) -> Plan {
    let bench = Bench {
        rules: &RULES,
        owner,
        from: owner.addresses.first(),
        policy,
        authserv_id: Some("mx.example.org"),
        assume: Assume::Nothing,
        can_send: true,
    };
    let examined =
        examine("mail.eml", &RawMail(raw), &bench, Timestamp::from_unix_s(1_800_000_000), None).unwrap();
    examined.plans.into_iter().next().unwrap()
}

#[test]
fn a_question_or_an_errand_is_always_a_draft() {
    let owner = Owner { addresses: vec!["robin@example.org".parse_address()], ..owner() };
    let policy = Policy { personalized: Action::Send, send_confidence: 0.0, ..RULES.policy.clone() };
    let sample = std::fs::read_to_string(golden::root().join("demo/2012-03-member-reply-to.eml")).unwrap();
    let default = "I'd like to add you to my professional network on LinkedIn.";
    assert!(sample.contains(default));
    let with = |note: &str| plan_of(sample.replace(default, note).into_bytes(), &owner, &policy);
    let sent = with("Your article on knots is the best I have read about the bowline.");
    assert_eq!((sent.decision, sent.reason.code), (Decision::Send, "policy-send"));
    assert!(matches!(sent.invitation.route, Route::Address(_)));
    assert!(sent.evidence.iter().any(|e| e.rule == "openings/work"), "{:?}", sent.evidence);
    let met = with("We met in the queue for the ferry to Gozo and talked about knots.");
    assert_eq!((met.decision, met.reason.code), (Decision::Draft, "for-owner"));
    assert!(met.evidence.iter().any(|e| e.rule == "openings/met"), "{:?}", met.evidence);
    for (note, name) in [
        ("We met in the queue for the ferry to Gozo. Do you still tie knots?", "question"),
        ("You left your scarf on the night train to Turin; the porter has it.", "errand"),
        ("We worked together on the harbour crane control in Gdynia, before the move.", "colleague"),
    ] {
        let plan = with(note);
        assert_eq!((plan.decision, plan.reason.code), (Decision::Draft, "room-for-owner"), "{note}");
        let rule = format!("openings/{name}");
        assert!(plan.evidence.iter().any(|e| e.rule == rule), "{note}: {:?}", plan.evidence);
        assert!(plan.letter.unwrap().body.lines().any(|line| line.starts_with('[')), "{note}");
    }
}

/// Whether the note leaves its owner something to say, so that no letter goes out by itself.
fn is_for_owner(note: &str) -> bool {
    let judgement = judge_note(note, &RULES);
    judgement.for_owner.is_some() || occasion_of(note, &judgement, &RULES).asks.is_some()
}

#[test]
fn nobody_who_shared_work_or_school_is_told_otherwise_by_itself() {
    let notes = [
        "You were my line manager at the salt works in Droitwich, and I still fold charts your way.",
        "I was in your evening class in Falmouth, the one who glued the sextant shut.",
        "Ich saß bei der Reederei in Emden vier Jahre in Ihrer Abteilung, am Fenster zum Hafen.",
        "Du warst mein Ausbilder in der Orgelwerkstatt in Bautzen, ich bin der mit dem Zinn im Haar.",
        "J'étais votre apprentie à la faïencerie de Quimper, celle qui cassait les anses.",
        "Compartíamos despacho en el observatorio de Yebes, yo era la de las plantas.",
        "Eravamo compagni di banco al nautico di Camogli, tu copiavi le carte.",
        "Ik zat bij de loodsdienst in Delfzijl op jouw afdeling, tot de verhuizing.",
        "Você me deu aulas de viola em Évora, eu era o que vinha de bicicleta.",
        "Uczyła mnie pani rysunku w liceum w Sopocie, siedziałem przy piecu.",
        "V loděnici v Děčíně jsem byl váš učeň, ten s pilníkem.",
        "Jag var din elev på båtbyggarskolan i Skeppsholmen, hon med sågen.",
        "Jeg sad på dit kontor på værftet i Svendborg i tre vintre.",
        "Vi jobbet sammen på fyret i Andenes den mørke vinteren.",
        "Olit opettajani Rauman merikoulussa, minä olin se solmujen kanssa.",
        "Mi-ați fost profesor de sextant la Constanța, stăteam în prima bancă.",
        "Ayvalık'taki atölyede çırağınızdım, zeytin preslerini ben yağlardım.",
        "Dulu kita satu divisi di pelabuhan Makassar, saya yang pegang derek.",
        "Вы преподавали нам лоцию в Архангельске, я сидел у окна с якорем.",
        "Ми навчалися разом у Херсоні, я та, що малювала вітрила.",
        "釜石の造船所で同じ部署だった者です。昼休みに将棋を指しましたね。",
        "您在青岛航海学校教过我,我是画错海图的那个人。",
        "군산 조선소에서 같은 팀이었던 사람입니다. 용접 불꽃 기억하시나요.",
        "كنت طالبتك في معهد الملاحة في اللاذقية، وكنت أرسم الأشرعة.",
        "आपने हमें विशाखापत्तनम के स्कूल में पढ़ाया था, मैं खिड़की के पास बैठता था।",
    ];
    let sent: Vec<&str> = notes.into_iter().filter(|note| !is_for_owner(note)).collect();
    assert!(sent.is_empty(), "{sent:#?}");
}

#[test]
fn what_is_asked_found_lent_or_broken_is_left_to_the_owner_in_every_language() {
    let notes = [
        "I was wondering whether the ford on page 40 of your map book is still there.",
        "Your umbrella stayed on the Gozo ferry; I owe you for the ticket as well.",
        "The second example of your knot library does not compile on my machine.",
        "Die Skizze auf Seite 12 Ihres Mühlenbuchs ist vertauscht, die Welle läuft andersherum.",
        "Nach Ihrem Vortrag in Husum wollte ich noch wissen, wie tief das Siel liegt.",
        "Votre parapluie est resté dans le train de Quimper, je peux vous le rapporter mardi.",
        "Le lien de la page 9 de votre livre de marées ne fonctionne plus.",
        "Su paraguas sigue en la portería de Lugo, se lo devuelvo cuando quiera.",
        "Mi sono sempre chiesta dove avesse trovato la campana, e volevo chiederlo a lei.",
        "Uw sleutels liggen nog bij ons op de kade in Delfzijl.",
        "Queria perguntar como afinou o sino de Évora.",
        "Mam jeszcze pana latarkę z rejsu do Ustki, chętnie oddam.",
        "Chtěl jsem se zeptat, kde jste v Jablonci našel to modré sklo.",
        "Jag undrar hur du fick klockan i Karlskrona att slå rätt.",
        "Jeg har et spørsmål om tårnet på side 12 i bogen din.",
        "Jeg lånte din lygte på færgen til Bodø og vil gerne sende den tilbage.",
        "Löysin laiturilta lompakkosi, se on minulla Kotkassa.",
        "Am găsit pe faleză umbrela dumneavoastră cu mâner de lemn.",
        "Şemsiyeniz Sinop vapurunda kalmış, bulan benim.",
        "Payung Bapak ketinggalan di kapal ke Tegal, saya simpan di kantor pelabuhan.",
        "Хотела спросить, где вы нашли тот колокол в Кеми.",
        "Ваша парасоля лишилася на поромі, можу повернути у суботу.",
        "ご著書の40ページの浅瀬は、今もあるのでしょうか。",
        "函館の船で傘をお忘れになりましたので、こちらでお預かりしています。",
        "您的雨伞落在去宁波的船上了,我帮您收着。",
        "목포 배에서 우산을 두고 가셔서 제가 보관하고 있습니다.",
        "تركت مظلتك على متن العبارة إلى صور، وهي عندي في الميناء.",
        "आपका छाता कोच्चि की नाव में छूट गया था, मेरे पास है।",
    ];
    let sent: Vec<&str> = notes.into_iter().filter(|note| !is_for_owner(note)).collect();
    assert!(sent.is_empty(), "{sent:#?}");
}

#[test]
fn a_kind_that_asks_is_heard_in_whatever_language_the_note_is_taken_for() {
    let mixed = "We were at the map club with the old lighthouse keeper and it was a lovely evening for all \
                 of us. Eine Frage zum Turm.";
    assert_eq!(judge_note(mixed, &RULES).language, "en");
    assert!(is_for_owner(mixed));
}

#[test]
fn a_parcel_is_no_work_of_the_owners() {
    let note = "Dein Paket aus Husum steht seit gestern bei uns im Flur, dritter Stock.";
    let occasion = occasion_of(note, &judge_note(note, &RULES), &RULES);
    assert_ne!(occasion.opening.map(|kind| kind.name.as_str()), Some("work"));
    assert_eq!(occasion.asks.map(|kind| kind.name.as_str()), Some("errand"));
}

trait ParseAddress {
    fn parse_address(&self) -> notyet::domain::Address;
}

impl ParseAddress for str {
    fn parse_address(&self) -> notyet::domain::Address {
        notyet::domain::Address::parse(self).unwrap()
    }
}

// ── The owner's own ────────────────────────────────────────────────────────

const HIVES: &str = r#"
language = "en"

[[kind]]
name = "hives"
rank = 95
signals = ["own.hives"]

[[opening]]
kind = "hives"
text = "Thank you for your invitation, and for standing in front of my hives."
examples = ["I inspected your hives in Delft last spring."]
"#;

const HIVES_SIGNAL: &str = r#"
language = "en"

[[signal]]
name = "hives"
side = "personalized"
weight = 2.5
patterns = ['(visited|saw|inspected) your hives']
"#;

#[test]
fn a_kind_of_the_owners_own_goes_by_their_own_signal() {
    let rules = laid_over(&[("notes/own.toml", HIVES_SIGNAL), ("openings/own.toml", HIVES)]).unwrap();
    assert_eq!(rules::test(&rules), []);
    assert_eq!(rules::audit_letters(&rules).problems, []);
    let note = "I inspected your hives in Delft last spring.";
    let occasion = occasion_of(note, &judge_note(note, &rules), &rules);
    assert_eq!(occasion.opening.map(|kind| kind.name.as_str()), Some("hives"));
}

#[test]
fn faults_of_openings_are_told_with_file_line_and_remedy() {
    for (from, to, line, key, words) in [
        ("kind = \"hives\"", "kind = \"hive\"", 10, "opening.hive", "no such kind; one of colleague"),
        ("rank = 95", "rank = 100", 6, "kind.hives.rank", "found 100; a number from 1 to 99"),
        ("rank = 95", "rank = 95\nasks = true", 11, "opening.hives", "no room"),
        ("examples = [", "room = \"[x]\"\nexamples = [", 10, "opening.hives", "a room"),
        ("examples = [", "room = \"x\"\nexamples = [", 12, "opening.hives.room", "not in brackets"),
        (
            "examples = [\"I inspected your hives in Delft last spring.\"]",
            "examples = []",
            10,
            "opening.hives.examples",
            "no example",
        ),
        ("my hives.\"", "my {{ hives }}.\"", 11, "opening.hives.text", "a placeholder or markup"),
        ("language = \"en\"\n", "\n", 10, "language", "openings without a language"),
        ("language = \"en\"\n", "language = \"english\"\n", 2, "language", "a language tag"),
        ("name = \"hives\"", "name = \"met\"", 5, "kind.name", "a second time"),
        ("[\"own.hives\"]", "[\"own.hive\"]", 7, "kind.hives.signals", "which no file in notes/ has"),
        ("signals", "patterns = ['(']\nsignals", 7, "kind.hives.patterns", "unclosed group"),
        ("rank = 95", "rank = 95\nweight = 2", 7, "", "unknown field `weight`"),
    ] {
        assert!(HIVES.contains(from), "{from}");
        let text = HIVES.replacen(from, to, 1);
        let problems =
            laid_over(&[("notes/own.toml", HIVES_SIGNAL), ("openings/own.toml", &text)]).unwrap_err();
        let found = problems.0.iter().any(|p| {
            p.file == "mine/openings/own.toml"
                && p.line == line
                && p.key == key
                && p.to_string().contains(words)
        });
        assert!(found, "{to}: {problems}");
    }
    let twice = Openings::compile(&[
        ("a", HIVES),
        ("b", &HIVES.replace("[[kind]]\nname = \"hives\"\nrank = 95\nsignals = [\"own.hives\"]", "")),
    ]);
    assert!(twice.unwrap_err().to_string().contains("a second opening of this kind"));
}

#[test]
fn the_audit_names_word_list_file_and_line() {
    let shipped = include_str!("../rules/letters/en/personalized.txt");
    let line_of = |needle: &str| shipped.lines().position(|line| line.contains(needle)).unwrap() + 1;
    let door = line_of("A mail gives us more room");
    let audit = |text: &str| {
        let rules = laid_over(&[("letters/en/personalized.txt", text)]).unwrap();
        rules::audit_letters(&rules).problems
    };
    assert_eq!(audit(shipped), []);
    for (from, to, line, words) in [
        ("and tell me more.", "and feel free to tell me more.", door, "found \"feel free\" (filler)"),
        ("and tell me more.", "and tell me more!", door, "found \"!\" (marks)"),
        ("and tell me more.", "as I enjoyed your note.", door, "found \"i enjoyed\" (false_claims)"),
        ("and tell me more.", "see https://my.example/cv for more.", door, "a link of the letter's own"),
        ("and tell me more.", "or mail me@other.example instead.", door, "a link of the letter's own"),
    ] {
        let problems = audit(&shipped.replace(from, to));
        let [problem] = problems.as_slice() else { panic!("{problems:?}") };
        assert_eq!((problem.file.as_str(), problem.line), ("mine/letters/en/personalized.txt", line));
        assert!(problem.found.contains(words), "{problem}");
    }
    let long = shipped.replace("and tell me more.", &"more ".repeat(25));
    let problems = audit(&long);
    assert!(problems.iter().any(|p| p.found.contains("words with the opening")), "{problems:?}");

    let opening = HIVES.replace("for standing", "I am delighted that you stood");
    let rules = laid_over(&[("notes/own.toml", HIVES_SIGNAL), ("openings/own.toml", &opening)]).unwrap();
    let problems = rules::audit_letters(&rules).problems;
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    assert_eq!((problem.file.as_str(), problem.line), ("mine/openings/own.toml", 10));
    assert!(problem.found.contains("\"delighted\" (filler)"), "{problem}");
}
