//! Mail that looks like an invitation and is none, in many languages and in no
//! known one: never an invitation, whatever its words.

use std::sync::LazyLock;

use notyet::domain::{Notice, RawMail};
use notyet::rulebook::Rulebook;
use notyet::stages::identify;

use crate::support::frames::{self, ENGLISH, Layout, MIRA, UNKNOWN, encoded_word, quoted_printable};

struct Letter<'a> {
    from: &'a str,
    subject: &'a str,
    more: &'a str,
    text: &'a str,
}

impl Letter<'_> {
    fn raw(&self) -> RawMail {
        RawMail(
            format!(
                "From: {}\nTo: Robin Keller <robin@example.org>\nSubject: {}\nDate: Tue, 19 May 2026 18:12:45 +0000\n\
                 Message-ID: <1.2.3@ltx1-app1.prod.linkedin.com>\nMIME-Version: 1.0\n{}Content-Type: text/plain; charset=UTF-8\n\
                 Content-Transfer-Encoding: quoted-printable\n\n{}",
                self.from,
                encoded_word(self.subject),
                self.more,
                quoted_printable(self.text),
            )
            .into_bytes(),
        )
    }
}

static RULES: LazyLock<Rulebook> = LazyLock::new(|| Rulebook::shipped().unwrap_or_else(|e| panic!("{e}")));

fn notice(raw: &RawMail) -> Notice {
    let (_, recognised) = identify(raw, &RULES).unwrap_or_else(|why| panic!("{}", why.as_str()));
    let asks = recognised.notice.asks();
    assert!(asks || recognised.invitations.is_empty());
    recognised.notice
}

const MEMBER: &str = "Mira Okafor via LinkedIn <invitations@linkedin.com>";

fn page(path: &str, template: &str, key: &str) -> String {
    format!("https://www.linkedin.com/comm/{path}?midToken=AQE&trk=eml-{template}-{key}")
}

#[test]
fn accepted_is_accepted_in_every_language_it_was_seen_in() {
    for subject in [
        "Mira accepted your invitation, explore their network",
        "Mira Okafor has accepted your LinkedIn invitation",
        "Robin, start a conversation with your new connection, Mira",
        "See Mira's connections, experience, and more",
        "Mira Okafor aceitou seu convite",
        "Mira Okafor aceitou o seu convite",
        "Mira Okafor a accepté votre invitation",
        "Mira Okafor ha aceptado tu invitación",
        "Mira Okafor hat Ihre Einladung angenommen",
        "Mira Okafor hat deine Einladung angenommen",
        "Mira Okafor ha accettato il tuo invito",
        "Mira Okafor heeft uw uitnodiging geaccepteerd",
        "Mira Okafor heeft je uitnodiging geaccepteerd",
        "Mira Okafor har accepterat din inbjudan",
        "Mira Okafor przyjęła Twoje zaproszenie",
        "Mira Okafor davetinizi kabul etti",
        "Mira Okafor menerima undangan Anda",
        "Мира Окафор приняла ваше приглашение",
        "Mira Okaforさんがあなたの招待を承認しました",
        "Mira Okafor 接受了您的邀请",
    ] {
        let letter = Letter { from: MEMBER, subject, more: "", text: "Seku palme\n" };
        assert_eq!(notice(&letter.raw()), Notice::Accepted, "{subject}");
    }
}

#[test]
fn a_template_or_class_says_accepted_in_any_language() {
    for template in [
        "accept_invite_04",
        "email_accept_invite_single_01",
        "email_accepted_invitation_01",
        "email_m2m_invite_accepted_01",
    ] {
        for more in [
            format!("Feedback-ID: {template}:linkedin\n"),
            format!("X-LinkedIn-Template: {template}\n"),
            format!("List-Unsubscribe: <https://www.linkedin.com/e/v2?e=x&ek={template}&t=lun>\n"),
            format!(
                "List-Unsubscribe: <https://www.linkedin.com/comm/psettings/email-unsubscribe?midToken=A&trk=eml-{template}-unsub-0-unsub>\n"
            ),
            String::new(),
        ] {
            let text = format!(
                "Mira Okafor tavel ilt sorra.\n\nMira Okafor\nBeekeeper\n\nSeku:{}\n",
                page("in/mira-okafor-bees", template, "hero-0-profile%7Ecta")
            );
            let letter = Letter { from: MEMBER, subject: "Mira tavel ilt sorra", more: &more, text: &text };
            assert_eq!(notice(&letter.raw()), Notice::Accepted, "{template} {more}");
        }
    }
    let class = Letter {
        from: MEMBER,
        subject: "Mira tavel",
        more: "X-LinkedIn-Class: INVITE-ACCEPT\n",
        text: "Mira tavel.\n",
    };
    assert_eq!(notice(&class.raw()), Notice::Accepted);
    let nothing = Letter {
        from: MEMBER,
        subject: "Mira tavel ilt sorra",
        more: "",
        text: "Mira Okafor tavel ilt sorra.\n",
    };
    assert_eq!(notice(&nothing.raw()), Notice::Other);
}

#[test]
fn messages_and_inmail_are_messages() {
    let relay = "Reply-To: Mira Okafor <3f2a9c77-81d4-4e0b-a6f5-2c9d7e10b4aa@reply.linkedin.com>\n";
    let thread = "I want to connect\nI want to connect\n\n      Mira Okafor\n        Reply\n        https://www.linkedin.com/messaging/thread/2-ZjA=/\n\nDear Robin,\n\nI'd like to add you to my professional network on LinkedIn.\n";
    for (from, more) in [
        ("Mira Okafor <inmail-hit-reply@linkedin.com>", relay),
        ("Mira Okafor <hit-reply@linkedin.com>", relay),
        ("Mira Okafor <hit-reply@linkedin.com>", ""),
        ("LinkedIn <messaging-digest-noreply@linkedin.com>", ""),
        ("Mira Okafor via LinkedIn <member@linkedin.com>", "X-LinkedIn-Class: MBR-TO-MBR\n"),
        ("Mira Okafor <member@linkedin.com>", "X-LinkedIn-Class: INMAIL\n"),
        (
            "Mira Okafor <invitations@linkedin.com>",
            "X-LinkedIn-Template: email_hire_inmail_initial_single_01\n",
        ),
        ("LinkedIn <messages-noreply@linkedin.com>", "X-LinkedIn-Template: email_member_message_v2\n"),
        ("LinkedIn <messages-noreply@linkedin.com>", "Feedback-ID: email_type_messaging_digest:linkedin\n"),
        ("Mira Okafor <invitations@linkedin.com>", relay),
    ] {
        let letter = Letter { from, subject: "I want to connect", more, text: thread };
        assert_eq!(notice(&letter.raw()), Notice::Message, "{from} {more}");
    }
}

/// Invitations to follow, read, attend or join are no invitations to connect, though they can be accepted.
#[test]
fn invitations_to_something_else_are_none_of_ours() {
    let rows = [
        (
            "email_page_follow_invite_01",
            "company/harbour-hives",
            "Mira Okafor invited you to follow Harbour Hives",
        ),
        ("email_organization_invite_01", "company/harbour-hives", "Einladung, Harbour Hives zu folgen"),
        (
            "email_newsletter_invite_single_01",
            "newsletters/bees-71",
            "Mira Okafor vous invite à vous abonner à Bees",
        ),
        (
            "email_series_subscribe_invite_01",
            "newsletters/bees-71",
            "Invito a iscriverti alla newsletter Bees",
        ),
        ("email_event_invite_01", "events/7200000000000000000", "Convite para o evento Bees in Delft"),
        (
            "email_events_invitation_02",
            "events/7200000000000000000",
            "Uitnodiging voor het evenement Bees in Delft",
        ),
        ("email_groups_member_invitation_01", "groups/8100000", "Invitation à rejoindre le groupe Bees"),
        (
            "email_groups_recommended_by_admin_01",
            "groups/8100000",
            "Mira Okafor thinks you may like this group",
        ),
        (
            "email_service_page_review_invite_01",
            "services/page/7",
            "Mira Okafor invited you to review their services",
        ),
        (
            "email_skill_endorsement_01",
            "in/mira-okafor-bees",
            "Your connection Mira Okafor has endorsed you!",
        ),
        ("email_job_alert_digest_01", "jobs/view/1", "Beekeeper: 3 new jobs"),
        (
            "email_work_anniversary_01",
            "in/mira-okafor-bees",
            "Congratulate Mira Okafor for 5 years at Harbour Hives",
        ),
        ("email_pymk_02", "in/mira-okafor-bees", "Robin, add Mira Okafor - Beekeeper"),
        ("email_weekly_analytics_recap_v2", "me/profile-views", "You appeared in 11 searches this week"),
        ("email_security_new_device_01", "psettings", "Robin, please verify your new device"),
    ];
    for from in [
        "Mira Okafor <invitations@linkedin.com>",
        "LinkedIn <messages-noreply@linkedin.com>",
        "LinkedIn <notifications-noreply@linkedin.com>",
    ] {
        for (template, path, subject) in rows {
            for (subject, words) in [(subject, "Accept"), ("Mira tavel ilt sorra", "Tavir")] {
                for more in [format!("Feedback-ID: {template}:linkedin\n"), String::new()] {
                    let accept = page(&format!("{path}/accept"), template, "hero-0-accept%7Ecta");
                    let view = page("in/mira-okafor-bees", template, "hero-1-prof%7Ename");
                    let text = format!(
                        "Mira Okafor tavel.\n\nMira Okafor\nBeekeeper\n\n{words}:{accept}\nSeku:{view}\n"
                    );
                    let letter = Letter { from, subject, more: &more, text: &text };
                    assert_eq!(notice(&letter.raw()), Notice::Other, "{from} {template} {subject}");
                }
            }
        }
    }
}

/// Where neither template nor link tells, a subject that merely begins like one is not enough.
#[test]
fn a_word_for_invitation_is_not_enough() {
    for subject in [
        "Einladung zum Webinar",
        "Uitnodiging voor de borrel",
        "Convite para seguir Harbour Hives",
        "Invito a seguire Harbour Hives",
        "Invitación a conectar su cuenta",
        "Undangan acara",
        "Invitation to an event",
        "Your invitation was sent",
        "Mira wants to connect your calendar",
    ] {
        let letter =
            Letter { from: "LinkedIn <invitations@linkedin.com>", subject, more: "", text: "Vrel otha.\n" };
        assert_eq!(notice(&letter.raw()), Notice::Other, "{subject}");
    }
}

/// A real invitation, word for word, under another sender.
#[test]
fn whoever_is_not_the_network_sends_no_invitation() {
    for from in [
        "invitations@linkedln.com",
        "invitations@linkedin.com.evil.example",
        "invitations@linkedin.co",
        "invitations@iinkedin.com",
        "invitations@linkedin-mail.com",
        "invitations@evil-linkedin.com",
        "invitations@xn--linkedn-cza.com",
        "invitations@linkedın.com",
        "linkedin.com@evil.example",
        "invitations.linkedin.com@evil.example",
        "\"invitations@linkedin.com\"@evil.example",
        "marketing@shop.example",
        "invitations@linkedin.com@evil.example",
    ] {
        for words in [&ENGLISH, &UNKNOWN] {
            for layout in Layout::ALL {
                let raw = frames::mail(layout, words, &MIRA, Some("I'd like to join your LinkedIn network."));
                let text = String::from_utf8(raw.0)
                    .unwrap()
                    .replace("<invitations@linkedin.com>", &format!("<{from}>"));
                // What cannot be read is no invitation either.
                let got = identify(&RawMail(text.into_bytes()), &RULES).map(|(_, seen)| seen.notice);
                assert!(got.is_err() || got == Ok(Notice::Other), "{from} {layout:?}: {got:?}");
            }
        }
    }
}

/// The network's own other senders do not invite.
#[test]
fn marketing_with_the_same_subject_is_no_invitation() {
    for from in [
        "linkedin@e.linkedin.com",
        "premium-noreply@linkedin.com",
        "updates@linkedin.com",
        "newsletters-noreply@linkedin.com",
        "jobalerts-noreply@linkedin.com",
        "security-noreply@linkedin.com",
    ] {
        let from = format!("LinkedIn <{from}>");
        for subject in ["I want to connect", "Mira Okafor wants to connect", "Ich möchte mich vernetzen"] {
            let letter = Letter { from: &from, subject, more: "", text: "Try Premium for a month.\n" };
            assert_eq!(notice(&letter.raw()), Notice::Other, "{from} {subject}");
        }
    }
}

/// The same invitation, passed on by a person or a list.
#[test]
fn what_was_passed_on_is_no_invitation() {
    let raw = frames::mail(Layout::Today, &ENGLISH, &MIRA, Some("I'd like to join your LinkedIn network."));
    let text = String::from_utf8(raw.0).unwrap();
    for more in [
        "List-Id: <bees.lists.example.org>\n",
        "List-Post: <mailto:bees@lists.example.org>\n",
        "X-BeenThere: bees@lists.example.org\n",
        "Mailing-List: list bees@lists.example.org; contact bees-owner@lists.example.org\n",
        "X-Mailing-List: bees@lists.example.org\n",
        "Resent-From: Ada <ada@example.com>\n",
        "Resent-To: robin@example.org\n",
    ] {
        let copy = RawMail(format!("{more}{text}").into_bytes());
        assert_eq!(notice(&copy), Notice::Other, "{more}");
    }
    for subject in [
        "Fwd: I want to connect",
        "WG: I want to connect",
        "Re: I want to connect",
        "TR : I want to connect",
        "I: I want to connect",
        "转发: I want to connect",
        "I want to connect",
    ] {
        let (_, body) = text.split_once("\n\n").unwrap();
        let forward = format!(
            "\n\n-------- Forwarded message --------\nFrom: Mira Okafor <invitations@linkedin.com>\nSubject: I want to connect\n\n{}",
            body.replace("=\n", "")
        );
        let letter = Letter { from: "Ada Example <ada@example.com>", subject, more: "", text: &forward };
        assert_eq!(notice(&letter.raw()), Notice::Other, "{subject}");
        let guest = Letter {
            from: "Ada Example <ada@example.com>",
            subject: &format!("{subject} on LinkedIn"),
            more: "In-Reply-To: <1.2.3.JavaMail.app@ela4.prod>\n",
            text: &forward,
        };
        assert_eq!(notice(&guest.raw()), Notice::Other, "{subject}");
    }
}

#[test]
fn a_calendar_invitation_is_an_appointment() {
    for from in ["Mira Okafor <mira@example.com>", "Calendar <calendar@linkedin.com>"] {
        let raw = format!(
            "From: {from}\nTo: robin@example.org\nSubject: Invitation: connect on LinkedIn @ Wed 25 Nov\nMIME-Version: 1.0\n\
             Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\nMira Okafor wants to connect with you.\n\n\
             --b\nContent-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nEND:VCALENDAR\n--b--\n"
        );
        assert_eq!(notice(&RawMail(raw.into_bytes())), Notice::Other, "{from}");
    }
}

/// What makes it one stays when all words are foreign.
#[test]
fn an_invitation_is_known_by_any_one_mark_of_its_making() {
    let accept = "https://www.linkedin.com/comm/mynetwork/invite-accept/invitationId/7462565912356292224/sharedKey/gWGVhnWB/?midToken=A";
    for (more, url) in [
        ("X-LinkedIn-Class: INVITE-MBR\n", "https://www.linkedin.com/comm/x"),
        ("X-LinkedIn-Class: INVITE-GUEST\n", "https://www.linkedin.com/comm/x"),
        ("X-LinkedIn-Template: email_m2m_invite_single_01\n", "https://www.linkedin.com/comm/x"),
        (
            "List-Unsubscribe: <https://www.linkedin.com/e/v2?e=x&t=lun&ek=invite_member_28>\n",
            "https://www.linkedin.com/comm/x",
        ),
        (
            "List-Unsubscribe: <https://www.linkedin.com/comm/psettings/email-unsubscribe?lipi=u&trk=eml-email_m2m_invite_single_01-unsub-0-unsub>\n",
            "https://www.linkedin.com/comm/x",
        ),
        ("Feedback-ID: email_m2m_invite_single_01:linkedin\n", "https://www.linkedin.com/comm/x"),
        ("", "https://www.linkedin.com/comm/x?trk=eml-M2M_Invitation-hero-1-text%7Eprofile"),
        ("", accept),
        (
            "",
            "https://www.linkedin.com/comm/people/invite-accept?mboxid=I1_500&sharedKey=PWpQu26r&invitationId=6073358795452524265",
        ),
        (
            "",
            "https://www.linkedin.com/e/v2?e=x&ek=invite_guest&sharedKey=RxwfL5C3&invitationId=6153186093894530178",
        ),
    ] {
        let text = format!("Mira Okafor\nBeekeeper\n\nTavir:{url}\n");
        let letter = Letter {
            from: "Mira Okafor <invitations@linkedin.com>",
            subject: "Vrel otha",
            more,
            text: &text,
        };
        assert_eq!(notice(&letter.raw()), Notice::Invitation, "{more} {url}");
    }
    for template in [
        "email_m2m_invite_reminder_02",
        "first_guest_reminder_01",
        "second_guest_reminder_01",
        "email_second_guest_reminder_03",
    ] {
        let more = format!("Feedback-ID: {template}:linkedin\n");
        let letter = Letter {
            from: "Mira Okafor <invitations@linkedin.com>",
            subject: "Vrel otha",
            more: &more,
            text: "Mira Okafor\n",
        };
        assert_eq!(notice(&letter.raw()), Notice::Reminder, "{template}");
    }
}

/// Sender and subject of every row that was seen since 2008, without any body.
#[test]
fn header_lines_of_every_era_say_what_the_mail_is() {
    let guest = "Mira Okafor <mira@example.com>";
    let member = "Mira Okafor <invitations@linkedin.com>";
    let rows = [
        (Notice::Invitation, guest, "Invitation to connect on LinkedIn"),
        (Notice::Invitation, guest, "Mira Okafor wants to stay in touch on LinkedIn"),
        (Notice::Invitation, guest, "Join my network on LinkedIn through Rainmaker"),
        (Notice::Invitation, guest, "Stay in touch with me through LinkedIn"),
        (Notice::Invitation, guest, "Check out my profile on LinkedIn"),
        (Notice::Invitation, guest, "I'd like to add you to my professional network on LinkedIn"),
        (Notice::Invitation, guest, "Invitación a conectarse en LinkedIn"),
        (Notice::Invitation, guest, "Invitation à se connecter sur LinkedIn"),
        (Notice::Invitation, guest, "Connectons-nous sur LinkedIn"),
        (
            Notice::Invitation,
            "Mira Okafor via LinkedIn <member@linkedin.com>",
            "Invitation to connect on LinkedIn",
        ),
        (
            Notice::Invitation,
            "Mira Okafor <member@linkedin.com>",
            "Robin, please add me to your LinkedIn network",
        ),
        (Notice::Invitation, member, "Robin, please add me to your LinkedIn network"),
        (Notice::Invitation, member, "I want to connect"),
        (Notice::Invitation, member, "Mira Okafor wants to connect"),
        (Notice::Invitation, member, "Voglio collegarmi"),
        (Notice::Invitation, member, "Undangan untuk terhubung di LinkedIn"),
        (Notice::Reminder, member, "Mira Okafor would like to connect on LinkedIn"),
        (
            Notice::Reminder,
            "LinkedIn <invitations@linkedin.com>",
            "Mira Okafor's invitation is awaiting your response",
        ),
        (
            Notice::Reminder,
            "LinkedIn <messages-noreply@linkedin.com>",
            "Mira Okafor’s invitation is waiting for your response",
        ),
        (Notice::Reminder, member, "Reminder about your invitation from Mira Okafor"),
        (
            Notice::Accepted,
            "LinkedIn <member@linkedin.com>",
            "Mira Okafor has accepted your LinkedIn invitation",
        ),
        (Notice::Accepted, member, "See Mira's connections, experience, and more"),
        (Notice::Accepted, MEMBER, "Robin, start a conversation with your new connection, Mira"),
        (
            Notice::Message,
            "LinkedIn <messaging-digest-noreply@linkedin.com>",
            "Mira acabou de enviar uma mensagem a você",
        ),
        (Notice::Message, "Mira Okafor <inmail-hit-reply@linkedin.com>", "Bees"),
        (Notice::Other, member, "Robin, añade a Mira"),
        (
            Notice::Other,
            "LinkedIn <messages-noreply@linkedin.com>",
            "Robin, add Mira Okafor: 500+ connections",
        ),
        (Notice::Other, "LinkedIn <messages-noreply@linkedin.com>", "Robin, do you know Mira Okafor?"),
        (Notice::Other, "LinkedIn <messages-noreply@linkedin.com>", "Robin, follow Mira Okafor - Beekeeper"),
        (
            Notice::Other,
            "LinkedIn <messages-noreply@linkedin.com>",
            "Accelerate your knowledge: Follow pages on bees",
        ),
        (Notice::Other, "Mira Okafor via LinkedIn <newsletters-noreply@linkedin.com>", "Bees in November"),
        (Notice::Other, "LinkedIn <notifications-noreply@linkedin.com>", "Mira Okafor shared a post"),
        (Notice::Other, "LinkedIn <jobalerts-noreply@linkedin.com>", "Beekeeper: 3 new jobs"),
        (Notice::Other, "LinkedIn <groups-noreply@linkedin.com>", "Mira Okafor invited you to Bees"),
        (Notice::Other, "LinkedIn <welcome@linkedin.com>", "Welcome to LinkedIn!"),
        (
            Notice::Invitation,
            "Facebook <notification+a1@facebookmail.com>",
            "Mira Okafor wants to be friends on Facebook",
        ),
        (Notice::Invitation, "Mira Okafor <invite+ab12@facebookmail.com>", "Check out my photos on Facebook"),
        (
            Notice::Invitation,
            "Mira Okafor <plaxo@mx.plaxo.com>",
            "Mira Okafor added you as a connection on Plaxo",
        ),
        (
            Notice::Invitation,
            "XING <mailrobot@mail.xing.com>",
            "Mira Okafor möchte Sie als Kontakt hinzufügen",
        ),
        (Notice::Other, "Facebook <notification+a1@facebookmail.com>", "Mira Okafor commented on your photo"),
        (Notice::Other, "Mira Okafor <noreply+7@badoo.com>", "Mira te ha escrito"),
        (Notice::Other, "Dropbox <no-reply@dropboxmail.com>", "Mira Okafor invited you to check out Dropbox"),
    ];
    for (want, from, subject) in rows {
        let raw = Letter { from, subject, more: "", text: "" }.raw();
        let text = String::from_utf8(raw.0).unwrap().replace(
            "<1.2.3@ltx1-app1.prod.linkedin.com>",
            "<32447217.3633289.1250118341955.JavaMail.app@ech3-cdn08.prod>",
        );
        let (_, seen) = identify(&RawMail(text.into_bytes()), &RULES).unwrap();
        assert_eq!(seen.notice, want, "{from}: {subject}");
        if want == Notice::Invitation || want == Notice::Reminder {
            assert_eq!(seen.invitations[0].inviter.name, "Mira Okafor", "{from}: {subject}");
        }
    }
}

/// A reminder of what the owner sent themself asks nobody to decline.
#[test]
fn the_owners_own_invitation_is_not_theirs() {
    let theirs = Letter {
        from: "Tom Berg <invitations@linkedin.com>",
        subject: "Reminder about your invitation from Tom Berg",
        more: "",
        text: &format!("Tom Berg is waiting for your response\n{}\n", page("in/tom-berg", "x", "hero-3")),
    };
    assert_eq!(notice(&theirs.raw()), Notice::Reminder, "a reminder of theirs is one");
    for (subject, text) in [
        ("Reminder: your invitation to Tom Berg is pending", "You invited Tom"),
        ("Your invitation to Tom Berg", "is waiting for your response"),
        ("Reminder: an invitation you sent is pending", "You invited Tom to connect"),
        ("Reminder: invitation pending", "You sent an invitation to Tom Berg."),
        ("Ihre Kontaktanfrage an Tom Berg wartet noch", "I want to connect"),
        ("Votre invitation à Tom Berg est en attente", "I want to connect"),
        ("Tu invitación a Tom Berg sigue pendiente", "I want to connect"),
        ("Il tuo invito a Tom Berg è in sospeso", "I want to connect"),
        ("Je uitnodiging aan Tom Berg wacht nog", "I want to connect"),
        ("Seu convite para Tom Berg está pendente", "I want to connect"),
    ] {
        let text = format!("{text}\n\n{}\n", page("in/tom-berg", "x", "hero-3"));
        let letter =
            Letter { from: "\"Tom Berg\" <invitations@linkedin.com>", subject, more: "", text: &text };
        assert_eq!(notice(&letter.raw()), Notice::Other, "{subject}");
    }
}
