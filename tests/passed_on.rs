//! What stands between the network and the mailbox does something to a mail:
//! gateways write above it and into its links, relays fold its lines or lose its
//! charset. And what the network itself writes otherwise: other senders, other words.

use std::sync::LazyLock;

use notyet::domain::{Notice, RawMail};
use notyet::rulebook::Rulebook;
use notyet::stages::recognise::{Recognised, Sight, is_candidate};
use notyet::stages::{identify, parse};

use crate::support::frames::{self, ENGLISH, Layout, MIRA, encoded_word, quoted_printable};

static RULES: LazyLock<Rulebook> = LazyLock::new(|| Rulebook::shipped().unwrap_or_else(|e| panic!("{e}")));

const NOTE: &str = "The smoker you lent me in Delft is at the museum desk. Shall I post it?";
const VIEW: &str = "https://www.linkedin.com/comm/in/mira-okafor-bees?midToken=A&trk=eml-x-hero-3-prof";
const ACCEPT: &str = "https://www.linkedin.com/comm/mynetwork/invite-accept/invitationId/7462565912356292224/sharedKey/gWGVhnWB/?midToken=A";
const MANAGER: &str = "https://www.linkedin.com/comm/mynetwork/invitation-manager/?midToken=A";

/// A mail of one text part, its headers in `head` beside the ones every mail has.
fn mail(from: &str, subject: &str, head: &str, text: &str) -> RawMail {
    RawMail(
        format!(
            "From: {from}\nTo: Robin Keller <robin@example.org>\nSubject: {}\nDate: Tue, 19 May 2026 18:12:45 +0000\n\
             Message-ID: <1.2.3@ltx1-app1.prod.linkedin.com>\nMIME-Version: 1.0\n{head}Content-Type: text/plain; charset=UTF-8\n\
             Content-Transfer-Encoding: quoted-printable\n\n{}",
            encoded_word(subject),
            quoted_printable(text)
        )
        .into_bytes(),
    )
}

fn invitation(text: &str) -> RawMail {
    mail(
        "Mira Okafor <invitations@linkedin.com>",
        "I want to connect",
        "X-LinkedIn-Class: INVITE-MBR\n",
        text,
    )
}

/// Card and buttons, with `between` them.
fn card(between: &str) -> String {
    format!("Mira Okafor\nBeekeeper\nPorto, Portugal\n\n{between}View profile:{VIEW}\nAccept:{ACCEPT}\n")
}

fn seen(raw: &RawMail) -> Recognised {
    identify(raw, &RULES).unwrap_or_else(|why| panic!("{}", why.as_str())).1
}

fn note(raw: &RawMail) -> Option<String> {
    let seen = seen(raw);
    let [invitation] = seen.invitations.as_slice() else { panic!("{} invitations", seen.invitations.len()) };
    assert_eq!(invitation.inviter.name, "Mira Okafor");
    invitation.note.clone()
}

#[test]
fn what_a_gateway_wrote_above_a_mail_is_no_note() {
    for banner in [
        "[EXTERNAL]\n",
        "[EXTERNAL SENDER]\n\n",
        "*** EXTERNAL EMAIL ***\n---------------------\n\n",
        "WARNING: This message was sent from outside the company. Please do not click links or open attachments unless you recognise the source of this email.\n\n",
        "External email: Use caution before opening links or attachments\n\n",
        "This email originated from outside Harbour Hives. Do not click on links or open\nattachments unless you know the sender and were\nexpecting it.\n\n",
        "You don't often get email from invitations@linkedin.com. Learn why this is important<https://learn.example/why>\n\n",
        "Vorsicht! Diese Nachricht stammt von außerhalb unserer Organisation.\n\n",
        "ATTENTION : Ce courriel provient de l’extérieur de l’entreprise. Ne cliquez pas sur les liens.\n\n",
        "Vous n’obtenez pas souvent d’e-mail à partir de invitations@linkedin.com. Pourquoi c’est important\n\n",
        "PRECAUCIÓN: Este correo electrónico procede de fuera de la organización.\n\n",
        "ATTENZIONE: Questa e-mail proviene da un mittente esterno.\n\n",
        "LET OP: Deze e-mail is afkomstig van buiten de organisatie.\n\n",
        "ATENÇÃO: Este e-mail foi enviado de fora da organização.\n\n",
        "UWAGA: Ta wiadomość pochodzi spoza organizacji.\n\n",
        "Внимание! Это письмо отправлено внешним отправителем.\n\n",
        "注意：このメールは社外から送信されています。\n\n",
        "주의: 이 메일은 외부에서 발송되었습니다.\n\n",
    ] {
        assert_eq!(note(&invitation(&format!("{banner}{}", card("")))), None, "{banner}");
        let written = invitation(&format!("{banner}{NOTE}\n\n{}", card("")));
        assert_eq!(note(&written).as_deref(), Some(NOTE), "{banner}");
    }
    for own in [
        "Caution, bees! Your third hive is at my fence.",
        "This message is from a beekeeper to a beekeeper: the frost comes on Friday.",
        "You don't often get honey from outside, so here is a jar for your talk in Delft.",
        "External examiners loved your thesis on smoke. I was one of them.",
    ] {
        let written = invitation(&format!("{own}\n\n{}", card("")));
        assert_eq!(note(&written).as_deref(), Some(own));
    }
}

/// A gateway that keeps to itself where links lead: where a link stands tells all the same.
#[test]
fn a_link_that_leads_nowhere_ends_a_note() {
    let hidden = |url: &str| format!("https://hidden.example/s/{}?domain=linkedin.com", url.len() * 7919);
    for layout in Layout::ALL {
        for written in [None, Some(NOTE)] {
            let raw = frames::through_gateway(&hidden, layout, written);
            let got = note(&raw);
            let got = got
                .as_deref()
                .map(|note| note.trim_start_matches("Oma Robin,").trim())
                .filter(|note| !note.is_empty());
            assert_eq!(got, written, "{layout:?}");
            assert_eq!(seen(&raw).sight, Sight::Clear);
        }
    }
}

fn alternative(text: &str, html: &RawMail) -> RawMail {
    let html = String::from_utf8(html.0.clone()).unwrap();
    let (head, body) = html.split_once("\n\n").unwrap();
    let (head, kind) = head.split_once("Content-Type: ").unwrap();
    RawMail(
        format!(
            "{head}Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\n{text}\n--b\nContent-Type: {kind}\n\n{body}\n--b--\n"
        )
        .into_bytes(),
    )
}

#[test]
fn a_line_for_those_who_read_no_html_is_no_note() {
    for stub in
        ["This mail is in HTML. Please look at it with a reader that shows HTML.", "Oma, tavel ilt HTML."]
    {
        for written in [None, Some(NOTE)] {
            let html = frames::mail(Layout::HtmlToday, &ENGLISH, &MIRA, written);
            assert_eq!(note(&alternative(stub, &html)).as_deref(), written, "{stub}");
        }
        let alone = seen(&invitation(&format!("{stub}\n\nMore of it.\n\nAnd more.\n")));
        assert_eq!((alone.sight, alone.invitations[0].note.as_deref()), (Sight::Unframed, None), "{stub}");
    }
}

#[test]
fn folded_lines_and_lost_charsets_give_the_words_that_were_sent() {
    let french = "Vous avez laissé vos gants près des ruches.";
    let page = format!("{french}\n\n{}", card(""));
    let raw = |content: &str, text: &str| {
        RawMail(
            format!("From: Mira Okafor <invitations@linkedin.com>\nSubject: I want to connect\nMIME-Version: 1.0\n{content}\n{text}")
                .into_bytes(),
        )
    };
    for content in [
        "Content-Type: text/plain\nContent-Transfer-Encoding: 8bit\n",
        "Content-Type: text/plain; charset=us-ascii\nContent-Transfer-Encoding: 8bit\n",
        "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n",
    ] {
        assert_eq!(note(&raw(content, &page)).as_deref(), Some(french), "{content}");
    }
    let flowed = "Content-Type: text/plain; charset=utf-8; format=flowed\n";
    let folded = format!("{}\n\n{}", NOTE.replace("museum ", "museum \n"), card(""));
    assert_eq!(note(&raw(flowed, &folded)).as_deref(), Some(NOTE));
}

#[test]
fn common_contacts_are_no_note_wherever_their_number_stands() {
    for common in [
        "共通のつながり12人",
        "공통 1촌 4명",
        "มีผู้ติดต่อร่วมกัน 5 คน",
        "共同好友 3 位",
        "Ada Berg and 4 other mutual connections",
        "7 sorrimen ilta",
    ] {
        assert_eq!(note(&invitation(&card(&format!("{common}\n\n")))), None, "{common}");
        let written = invitation(&card(&format!("{common}\n\n{NOTE}\n\n")));
        assert_eq!(note(&written).as_deref(), Some(NOTE), "{common}");
    }
}

#[test]
fn the_words_of_a_reminder_are_no_note_and_words_like_them_make_none() {
    let text = format!(
        "Mira Okafor would like to connect on LinkedIn. How would you like to respond?\n\nMira Okafor\nBeekeeper\n\nThis is a reminder that on May 3, Mira Okafor sent you an invitation to become part of her network.\n\nAccept: {ACCEPT}\nView profile: {VIEW}\n"
    );
    let raw = mail(
        "Mira Okafor <invitations@linkedin.com>",
        "Reminder about your invitation from Mira Okafor",
        "",
        &text,
    );
    assert_eq!((seen(&raw).notice, note(&raw)), (Notice::Reminder, None));
    let waiting = "Mira from the bee fair. Your smoker is waiting for your response, and so am I.";
    let raw = invitation(&format!("{waiting}\n\n{}", card("")));
    assert_eq!((seen(&raw).notice, note(&raw).as_deref()), (Notice::Invitation, Some(waiting)));
}

/// A note that begins as a card does.
#[test]
fn the_card_is_the_one_above_the_buttons() {
    let own = "Mira Okafor\nBeekeeper\nThat is how you spelled me on the badge in Delft, and it was right for once.";
    let raw = invitation(&format!("{own}\n\n{}", card("")));
    assert_eq!(note(&raw).as_deref(), Some(own));
    // One on top, the note behind it, signed in full.
    let signed = format!("{NOTE}\n\nMira Okafor\nBeekeeper");
    assert_eq!(note(&invitation(&card(&format!("{signed}\n\n")))).as_deref(), Some(signed.as_str()));
}

#[test]
fn a_greeting_of_the_network_hides_no_words_of_it() {
    for (said, written) in [
        ("Mira Okafor möchte Sie als Kontakt hinzufügen.", Some("Die Waben aus Delft liegen bei mir.")),
        ("Sie haben eine neue Kontaktanfrage.", None),
    ] {
        let block = written.map(|note| format!("{note}\n\n")).unwrap_or_default();
        let text = format!(
            "Hallo Robin,\n\n{said}\n\n{block}Mira Okafor\nImkerin\n\nAnnehmen: https://www.xing.com/network/contact_requests/7654321/accept\nProfil: https://www.xing.com/profile/Mira_Okafor\n"
        );
        let raw =
            mail("Mira Okafor <mailrobot@mail.xing.com>", "Neue Kontaktanfrage von Mira Okafor", "", &text);
        assert_eq!(note(&raw).as_deref(), written, "{said}");
    }
}

/// Template and link are an invitation's alone, whatever address of its own the network sends it from.
#[test]
fn an_invitation_is_one_from_any_address_of_the_networks() {
    let template = "X-LinkedIn-Template: email_m2m_invite_single_01\n";
    for from in ["messages-noreply", "invitations-noreply", "invitation", "notifications-noreply"] {
        let raw = |head: &str, domain: &str| {
            mail(
                &format!("Mira Okafor <{from}@{domain}>"),
                "Vrel otha menu",
                head,
                &format!("{NOTE}\n\n{}", card("")),
            )
        };
        let invited = raw(template, "linkedin.com");
        assert_eq!(
            (seen(&invited).notice, note(&invited).as_deref()),
            (Notice::Invitation, Some(NOTE)),
            "{from}"
        );
        assert!(is_looked_at(&invited), "{from}");
        let forged = raw(template, "linkedln.com");
        assert_eq!(seen(&forged).notice, Notice::Other);
        assert!(!is_looked_at(&forged));
    }
    let bare = |from: &str, subject: &str| mail(&format!("LinkedIn <{from}@linkedin.com>"), subject, "", "");
    for subject in [
        "Mira Okafor wants to connect",
        "Mira Okafor souhaite se connecter avec vous",
        "Mira Okafor möchte sich vernetzen",
        "Mira Okafor quiere conectar contigo",
        "Mira Okafor wil graag connectie maken",
        "Mira Okafor vill knyta kontakt",
        "Mira Okafor chce nawiązać kontakt",
        "Mira Okafor хочет установить контакт",
        "Mira Okaforさんからつながり申請が届いています",
        "Mira Okafor님의 1촌 신청",
        "Mira Okafor 希望加您为好友",
        "Mira Okafor ingin terhubung dengan Anda",
        "Mira Okafor bağlantı kurmak istiyor",
    ] {
        assert!(is_looked_at(&bare("messages-noreply", subject)), "{subject}");
    }
    assert!(is_looked_at(&bare("invitations-noreply", "Vrel otha")));
    for (from, subject) in
        [("messages-noreply", "Beekeeper: 3 new jobs"), ("security-noreply", "Mira wants to connect")]
    {
        assert!(!is_looked_at(&bare(from, subject)), "{from}");
    }
}

fn is_looked_at(raw: &RawMail) -> bool {
    let end = raw.0.windows(2).position(|two| two == b"\n\n").unwrap();
    is_candidate(&parse::parse_header(&raw.0[..=end]).unwrap(), &RULES)
}

/// Nothing but the words says what this is: no template, a class and a footer as invitations to connect have.
const ELSEWHERE: [&str; 46] = [
    "Mira Okafor invited you to follow Harbour Hives",
    "Mira invites you to an event: The frost and the bees",
    "Mira Okafor is inviting you to Delft Bee Meetup",
    "Mira Okafor invited you to join the group Bees of Delft",
    "Mira Okafor invited you to subscribe to Wax Weekly",
    "Mira Okafor lädt Sie ein, Harbour Hives zu folgen",
    "Mira Okafor lädt dich zum Event „Bienen im Frost“ ein",
    "Mira Okafor hat Sie zur Gruppe Bienen in Delft eingeladen",
    "Mira Okafor vous invite à suivre Harbour Hives",
    "Mira Okafor vous invite à un événement : Abeilles",
    "Mira Okafor vous a invité à rejoindre le groupe Abeilles",
    "Mira Okafor te invita a seguir Harbour Hives",
    "Mira Okafor te ha invitado al evento Abejas",
    "Mira Okafor ti invita a seguire Harbour Hives",
    "Mira Okafor ti ha invitato all'evento Api",
    "Mira Okafor convidou você para seguir Harbour Hives",
    "Mira Okafor convidou-o para o evento Abelhas",
    "Mira Okafor heeft u uitgenodigd om Harbour Hives te volgen",
    "Mira Okafor nodigt je uit voor het evenement Bijen",
    "Mira Okafor har bjudit in dig till evenemanget Bin",
    "Mira Okafor bjuder in dig att följa Harbour Hives",
    "Mira Okafor inviterer dig til at følge Harbour Hives",
    "Mira Okafor inviterte deg til arrangementet Bier",
    "Mira Okafor kutsui sinut seuraamaan sivua Harbour Hives",
    "Mira Okafor zaprasza do obserwowania strony Harbour Hives",
    "Mira Okafor zaprosiła Cię na wydarzenie Pszczoły",
    "Mira Okafor vás zve na událost Včely",
    "Mira Okafor vă invită să urmăriți Harbour Hives",
    "Mira Okafor meghívta Önt a Méhek eseményre",
    "Mira Okafor sizi Harbour Hives sayfasını takip etmeye davet etti",
    "Мира Окафор приглашает вас подписаться на Harbour Hives",
    "Мира Окафор запрошує вас на захід «Бджоли»",
    "Η Mira Okafor σάς προσκαλεί να ακολουθήσετε τη σελίδα Harbour Hives",
    "Mira OkaforさんがHarbour Hivesのフォローに招待しています",
    "Mira Okaforさんからイベントへの招待が届いています",
    "Mira Okafor님이 이벤트에 초대했습니다",
    "Mira Okafor 邀请您关注 Harbour Hives",
    "Mira Okafor 邀請您參加活動：蜜蜂",
    "تدعوك Mira Okafor لمتابعة Harbour Hives",
    "Mira Okafor מזמינה אותך לעקוב אחר Harbour Hives",
    "Mira Okafor ने आपको Harbour Hives को फॉलो करने के लिए आमंत्रित किया है",
    "Mira Okafor mengundang Anda untuk mengikuti Harbour Hives",
    "Mira Okafor menjemput anda ke acara Lebah",
    "Mira Okafor đã mời bạn theo dõi Harbour Hives",
    "Mira Okafor เชิญคุณติดตาม Harbour Hives",
    "Mira Okafor endorsed you for Beekeeping",
];

#[test]
fn invitations_to_anything_else_are_none_to_connect_in_any_language() {
    let mut faults = Vec::new();
    for said in ELSEWHERE {
        let page = format!(
            "{said}\n\nHarbour Hives\n210 followers\n\nAccept: {MANAGER}\n\nYou are receiving LinkedIn invitations emails.\n"
        );
        let name = if said.contains("Мира") { "Мира Окафор" } else { "Mira Okafor" };
        let from = format!("{} <invitations@linkedin.com>", encoded_word(name));
        for head in ["", "X-LinkedIn-Class: INVITE-MBR\n"] {
            for (subject, text) in
                [(said, "Vrel otha.\n"), (said, page.as_str()), ("Vrel otha", page.as_str())]
            {
                if seen(&mail(&from, subject, head, text)).notice != Notice::Other {
                    faults.push(format!("{subject:?} {head:?} {text:?}"));
                }
            }
        }
        // The same words where somebody wants to connect: template, link or subject say so.
        for (subject, head, text) in [
            (said, "X-LinkedIn-Template: email_m2m_invite_single_01\n", format!("{said}\n\n{}", card(""))),
            (said, "", format!("{said}\n\n{}", card(""))),
            ("I want to connect", "", format!("{said}\n\nMira Okafor\nBeekeeper\n\nView: {MANAGER}\n")),
        ] {
            if seen(&mail(&from, subject, head, &text)).notice != Notice::Invitation {
                faults.push(format!("lost: {subject:?} {head:?} {text:?}"));
            }
        }
    }
    for said in [
        "Mira Okafor invited you to connect on LinkedIn",
        "Mira Okafor has invited you to join LinkedIn",
        "Mira Okafor invites you to join her professional network on LinkedIn",
        "Mira Okafor LinkedIn ağınıza katılmak istiyor",
        "Mira Okafor vous invite à rejoindre son réseau professionnel",
        "Mira Okafor lädt Sie ein, sich zu vernetzen",
    ] {
        let text = format!("{said}\n\nMira Okafor\nBeekeeper\n\nView: {MANAGER}\n");
        let raw =
            mail("Mira Okafor <invitations@linkedin.com>", said, "X-LinkedIn-Class: INVITE-MBR\n", &text);
        if seen(&raw).notice != Notice::Invitation {
            faults.push(format!("lost: {said}"));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
