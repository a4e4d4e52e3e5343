//! Every layout with every kind of note and name, in English and in a language
//! that no rule knows: what comes out is what was put in.

use notyet::domain::{Invitation, RawMail};
use notyet::rulebook::Rulebook;
use notyet::stages::identify;
use notyet::stages::recognise::Recognised;

use crate::support::frames::{self, ENGLISH, Layout, MIRA, Person, UNKNOWN, Words};

fn rules() -> Rulebook {
    Rulebook::shipped().unwrap_or_else(|e| panic!("{e}"))
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
    let faults: Vec<String> = cases.iter().flat_map(|case| case.faults(&rules)).collect();
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
