//! Tests of the gates boundary: header in, answer out. The network is invented.

use std::time::Duration;

use notyet::domain::dkim::{OwnCheck, SignatureCheck, SignatureState};
use notyet::domain::sending::{Cause, Recipient, SendFacts, Trip};
use notyet::domain::{
    Acquaintance, Action, Address, Decision, Evidence, Identity, Invitation, InvitationKey, Inviter, Mail,
    Mailbox, MessageId, Notice, Policy, Route, Source, Stage, Timestamp,
};
use notyet::rulebook::Rulebook;
use notyet::stages::gates::authentic::{Authenticity, authentic};
use notyet::stages::gates::{Assume, Evidenced, Facts, Gated, KnownInvitation, Trust, pass};
use notyet::stages::mime::KEY_HEADER;
use notyet::stages::people;
use proptest::prelude::*;

use crate::support::cases;

const NETWORK: &str = "acquaint.example";
const MX: &str = "mx.example.org";
const NOW: Timestamp = Timestamp::from_unix_s(1_800_000_000);

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn mailbox(text: &str) -> Mailbox {
    Mailbox { name: String::new(), address: Some(address(text)) }
}

/// A notification of the network with these header fields, top first.
fn mail(headers: &[(&str, &str)]) -> Mail {
    Mail {
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        oddity: None,
        from: mailbox("invitations@acquaint.example"),
        reply_to: vec![mailbox("jane@example.net")],
        recipients: vec![mailbox("olu@example.com")],
        subject: "I would like to connect".to_owned(),
        date: Some(NOW),
        message_id: MessageId::parse("<1@acquaint.example>"),
        references: Vec::new(),
        text: String::new(),
        text_is_rendered: false,
        html_text: None,
        preheader: String::new(),
        links: Vec::new(),
    }
}

fn results(value: &str) -> Mail {
    mail(&[("Authentication-Results", value)])
}

fn guest(headers: &[(&str, &str)]) -> Mail {
    Mail { from: mailbox("jane@example.net"), reply_to: Vec::new(), ..mail(headers) }
}

fn invitation(route: Route) -> Invitation {
    Invitation {
        key: InvitationKey("0".repeat(32)),
        identity: Identity { invitation_id: None, shared_key: None, profile: None, name: "jane".to_owned() },
        network: "acquaint".to_owned(),
        notice: Notice::Invitation,
        inviter: Inviter::default(),
        note: None,
        route,
        answer_page: "https://acquaint.example/in/jane".to_owned(),
        date: Some(NOW),
        message_id: None,
        references: Vec::new(),
        subject: String::new(),
    }
}

fn to(text: &str) -> Invitation {
    invitation(Route::Address(address(text)))
}

fn policy() -> Policy {
    Policy {
        generic: Action::Draft,
        personalized: Action::Draft,
        send_confidence: 0.8,
        max_per_hour: 10,
        max_per_day: 40,
        send_within: Duration::from_secs(3 * 24 * 3600),
        hold: None,
    }
}

fn facts() -> Facts {
    Facts {
        now: NOW,
        arrived: Some(NOW),
        start: None,
        remembered_since: None,
        known: None,
        letters_last_hour: 0,
        letters_last_day: 0,
        encounters: Vec::new(),
        sending: Default::default(),
        own_check: OwnCheck::NotMade,
    }
}

/// Whose word counts, by default and with changes.
struct Whose {
    authserv_id: Option<&'static str>,
    assume: Assume,
    guest: bool,
}

const MEMBER: Whose = Whose { authserv_id: Some(MX), assume: Assume::Nothing, guest: false };
const GUEST: Whose = Whose { guest: true, ..MEMBER };

impl Whose {
    fn ask<T>(&self, ask: impl FnOnce(&Trust<'_>) -> T) -> T {
        let own = [NETWORK.to_owned()];
        let relay = ["reply.acquaint.example".to_owned()];
        ask(&Trust {
            authserv_id: self.authserv_id,
            assume: self.assume,
            own_check: &OwnCheck::NotMade,
            dkim_domains: &own,
            dmarc_domains: &own,
            own_domains: &own,
            relay_domains: &relay,
            guest: self.guest,
        })
    }
}

fn by(id: &'static str) -> Whose {
    Whose { authserv_id: Some(id), ..MEMBER }
}

fn judge(mail: &Mail, whose: &Whose) -> Authenticity {
    whose.ask(|trust| authentic(mail, trust))
}

#[track_caller]
fn assert_authentic(mail: &Mail, whose: &Whose) {
    let answer = judge(mail, whose);
    assert!(matches!(answer, Authenticity::Authentic { .. }), "{answer:?}");
}

#[track_caller]
fn assert_against(mail: &Mail, whose: &Whose, words: &str) {
    match judge(mail, whose) {
        Authenticity::Against { why } => assert!(why.contains(words), "{why}"),
        other => panic!("{other:?}"),
    }
}

fn gate(mail: &Mail, invitation: &Invitation, facts: &Facts, whose: &Whose) -> Gated {
    let (gated, evidence) = gate_with_evidence(mail, invitation, facts, whose);
    assert_eq!(evidence.len(), 11, "every gate reports");
    gated
}

fn gate_with_evidence(
    mail: &Mail,
    invitation: &Invitation,
    facts: &Facts,
    whose: &Whose,
) -> (Gated, Vec<Evidence>) {
    let owner = ["olu@example.com", "olu@example.org", "olu.bee@gmail.com"].map(address);
    whose.ask(|trust| pass(mail, invitation, &owner, facts, &policy(), trust))
}

#[track_caller]
fn assert_left(gated: &Gated, code: &str) {
    match gated {
        Gated::Left { reason } => {
            assert_eq!(reason.code, code);
            assert!(!reason.text.contains('@'), "a reason names no address");
        }
        other => panic!("{other:?}"),
    }
}

const PASS: (&str, &str) = (
    "Authentication-Results",
    "mx.example.org; dmarc=pass header.from=acquaint.example; spf=pass smtp.mailfrom=b@acquaint.example",
);
const GUEST_PASS: (&str, &str) = (
    "Authentication-Results",
    "mx.example.org; dkim=pass header.d=acquaint.example; spf=pass smtp.mailfrom=b@acquaint.example; \
     dmarc=none header.from=example.net",
);

/// Header stacks in the shape each provider writes them: name, authserv-id, fields.
const STACKS: &[(&str, &str, &str)] = &[
    (
        "Gmail",
        "mx.google.com",
        "
Delivered-To: olu@example.com
Received: by 2002:a05:6a10:1234:b0:1 with SMTP id x1csp1; Sun, 22 Nov 2026 10:00:01 +0000 (UTC)
X-Received: by 2002:a17:906:1 with SMTP id y
ARC-Authentication-Results: i=1; mx.google.com; dkim=pass header.i=@acquaint.example
Return-Path: <m-1@bounce.acquaint.example>
Received: from mail1.acquaint.example (mail1.acquaint.example. [192.0.2.7])
        by mx.google.com with ESMTPS id abc
Received-SPF: pass (google.com: domain of m-1@bounce.acquaint.example designates 192.0.2.7)
Authentication-Results: mx.google.com;
       dkim=pass header.i=@acquaint.example header.s=d2048-202308-00 header.b=Ab/c+9e=;
       dkim=pass header.i=@maila.acquaint.example header.s=d2048 header.b=\"Zx/9+1\";
       spf=pass (google.com: domain of m-1@bounce.acquaint.example designates 192.0.2.7 as permitted sender) smtp.mailfrom=m-1@bounce.acquaint.example;
       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=acquaint.example
Received: from build.acquaint.example by relay.other.example with SMTP",
    ),
    (
        "Fastmail",
        "*.messagingengine.com",
        "
Received: from phl-compute-01.internal (phl-compute-01.internal [10.202.2.41])
     by sloti1d1t01 (Cyrus 3.11) with LMTPA
Received: from phl-mx-02.messagingengine.com ([10.202.2.201])
     by phl-compute-01.internal (MEProxy)
ARC-Authentication-Results: i=1; phl-mx-02.messagingengine.com; dmarc=pass
Authentication-Results: phl-mx-02.messagingengine.com;
     x-csa=none; x-me-sender=none;
     x-ptr=pass smtp.helo=mail1.acquaint.example policy.ptr=mail1.acquaint.example
Authentication-Results: phl-mx-02.messagingengine.com;
     bimi=skipped (DMARC Policy is not at enforcement)
Authentication-Results: phl-mx-02.messagingengine.com;
     arc=none (no signatures found)
Authentication-Results: phl-mx-02.messagingengine.com;
     dkim=pass (2048-bit rsa key sha256) header.d=acquaint.example
       header.i=@acquaint.example header.b=Qx1vn7vt header.a=rsa-sha256 header.s=s1 x-bits=2048;
     dmarc=pass policy.published-domain-policy=reject policy.applied-disposition=none
       (p=reject,d=none,d.eval=none) policy.policy-from=p header.from=acquaint.example;
     iprev=pass smtp.remote-ip=192.0.2.7 (mail1.acquaint.example);
     spf=pass smtp.mailfrom=m-1@bounce.acquaint.example smtp.helo=mail1.acquaint.example
Received: from mail1.acquaint.example by phl-mx-02.messagingengine.com (Postfix)",
    ),
    (
        "iCloud",
        "dmarc.icloud.com",
        "
Received: from p00-icloudmta-asmtp by p126-mailgateway-smtp (mailgateway 2420B117) with SMTP
Received: from mail1.acquaint.example by ci74p00im-1.me.com (Postfix) with ESMTPS id EC1
Authentication-Results: bimi.icloud.com; bimi=skipped reason=\"insufficient dmarc\"
X-ARC-Info: policy=fail; arc=none
Authentication-Results: arc.icloud.com; arc=none
Authentication-Results: dmarc.icloud.com; dmarc=pass header.from=acquaint.example
X-DMARC-Info: pass=pass; dmarc-policy=reject
Authentication-Results: dkim-verifier.icloud.com;
	dkim=pass (2048-bit key) header.d=acquaint.example header.i=@acquaint.example header.b=abc
Authentication-Results: spf.icloud.com; spf=pass smtp.mailfrom=m-1@bounce.acquaint.example",
    ),
    (
        "Yahoo",
        "*.yahoo.com",
        "
X-Originating-Ip: [192.0.2.7]
Received-SPF: pass (domain of bounce.acquaint.example designates 192.0.2.7 as permitted sender)
Authentication-Results: atlas-production.v2-mail-prod1-gq1.omega.yahoo.com;
 dkim=pass header.i=@acquaint.example header.s=d2048-202308-00;
 spf=pass smtp.mailfrom=bounce.acquaint.example;
 dmarc=pass(p=REJECT) header.from=acquaint.example;
Received: from 192.0.2.7 (EHLO mail1.acquaint.example) by 10.196.1.1 with SMTPs",
    ),
    (
        "Proton",
        "mail.protonmail.ch",
        "
Received: from mail1.acquaint.example (mail1.acquaint.example [192.0.2.7])
 by mailin043.protonmail.ch (Postfix) with ESMTPS id 1
Authentication-Results: mail.protonmail.ch; dmarc=pass (p=reject dis=none)
 header.from=acquaint.example
Authentication-Results: mail.protonmail.ch; spf=pass smtp.mailfrom=bounce.acquaint.example
Authentication-Results: mail.protonmail.ch; arc=none smtp.remote-ip=192.0.2.7
Authentication-Results: mail.protonmail.ch; dkim=pass (2048-bit key) header.d=acquaint.example",
    ),
    (
        "Postfix with OpenDKIM and OpenDMARC",
        MX,
        "
Return-Path: <m-1@bounce.acquaint.example>
Received: from mx.example.org by mail.example.org with LMTP id abc
Received: from mail1.acquaint.example by mx.example.org (Postfix) with ESMTPS id def
Authentication-Results: mx.example.org; dmarc=pass (p=reject dis=none) header.from=acquaint.example
Authentication-Results: mx.example.org;
	dkim=pass (2048-bit key; unprotected) header.d=acquaint.example header.i=@acquaint.example header.a=rsa-sha256 header.s=s1 header.b=\"abc+d/e\";
	dkim-atps=neutral",
    ),
    (
        "rspamd",
        MX,
        "
Received: from mail1.acquaint.example by mx.example.org (Postfix) with ESMTPS id def
Authentication-Results: mx.example.org;
	dkim=pass header.d=acquaint.example header.s=s1 header.b=AbCdEfGh;
	dmarc=pass (policy=reject) header.from=acquaint.example;
	spf=pass (mx.example.org: domain of \"m-1@bounce.acquaint.example\" designates 192.0.2.7 as permitted sender) smtp.mailfrom=\"m-1@bounce.acquaint.example\"",
    ),
    (
        "a verifier that knows DKIM only",
        MX,
        "
Authentication-Results: mx.example.org; dkim=pass (1024-bit key) header.i=@acquaint.example; dkim-adsp=none",
    ),
    (
        "Microsoft behind a gateway with an id, in Microsoft's dialect",
        MX,
        "
Authentication-Results: spf=pass (sender IP is 192.0.2.7) smtp.mailfrom=bounce.acquaint.example; dkim=pass (signature was verified) header.d=acquaint.example;dmarc=pass action=none header.from=acquaint.example;compauth=pass reason=100
Authentication-Results: mx.example.org 1; spf=pass smtp.mailfrom=; dmarc=pass action=none header.from=acquaint.example; compauth=pass reason=100",
    ),
];

/// Header fields from text, folded lines joined to their field as they stand.
fn fields(text: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.trim_start_matches('\n').lines() {
        match (line.starts_with([' ', '\t']), fields.last_mut()) {
            (true, Some((_, value))) => {
                value.push_str("\r\n");
                value.push_str(line);
            }
            _ => {
                let (name, value) = line.split_once(": ").unwrap();
                fields.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    fields
}

#[test]
fn real_world_headers_are_understood() {
    for (provider, id, stack) in STACKS {
        let mail = Mail { headers: fields(stack), ..mail(&[]) };
        let answer = judge(&mail, &by(id));
        assert!(matches!(answer, Authenticity::Authentic { .. }), "{provider}: {answer:?}");
        let failing = Mail { headers: fields(&stack.replace("=pass", "=fail")), ..mail };
        let answer = judge(&failing, &by(id));
        assert!(matches!(answer, Authenticity::Against { .. }), "{provider}: {answer:?}");
    }
}

#[test]
fn only_neighbours_about_other_things_are_passed_over() {
    let ours = |value| ("Authentication-Results", value);
    let bimi = ours("mx.example.org; bimi=none; x-ptr=pass");
    assert_authentic(&mail(&[bimi, bimi, PASS]), &MEMBER);
    for between in [
        ours("mx.example.org; spf=pass smtp.mailfrom=evil.example"),
        ours("mx.example.org; none"),
        ours("mx.other.example; none"),
        ("Subject", "x"),
        ("Received", "from evil.example by mx.example.org with SMTP"),
    ] {
        assert_against(&mail(&[bimi, between, PASS]), &MEMBER, "no pass");
    }
}

#[test]
fn a_header_without_an_id_is_nobodys_word() {
    let microsoft = results(
        "spf=pass (sender IP is 192.0.2.7) smtp.mailfrom=bounce.acquaint.example; dkim=pass \
         header.d=acquaint.example;dmarc=pass action=none header.from=acquaint.example",
    );
    assert_against(&microsoft, &MEMBER, "No Authentication-Results");
    assert_against(&microsoft, &by("spf"), "No Authentication-Results");
}

#[test]
fn any_subdomain_stands_for_a_starred_id_but_not_its_lookalike() {
    let whose = by("*.provider.example");
    let written_by = |id: &str| results(&format!("{id}; dmarc=pass header.from=acquaint.example"));
    assert_authentic(&written_by("mx7.provider.example"), &whose);
    for other in ["provider.example", "mxprovider.example", "mx.provider.example.org", "*.provider.example"] {
        let answer = judge(&written_by(other), &whose);
        let starred = other.starts_with('*');
        assert_eq!(matches!(answer, Authenticity::Authentic { .. }), starred, "{other}");
    }
}

/// What a sender can write, and what must not come of it.
#[test]
fn forged_results_are_against() {
    for (attack, value) in [
        (
            "lookalike below another domain",
            "mx.example.org; dkim=pass header.d=acquaint.example.evil.example",
        ),
        ("lookalike without a border", "mx.example.org; dkim=pass header.d=notacquaint.example"),
        (
            "domain signed for a stranger",
            "mx.example.org; dkim=pass header.d=acquaint.example header.i=@evil.example",
        ),
        ("lookalike agent", "mx.example.org; dkim=pass header.i=@acquaint.example.evil.example"),
        (
            "agent outside its domain",
            "mx.example.org; dkim=pass header.d=evil.example header.i=@acquaint.example",
        ),
        (
            "two signing domains in one result",
            "mx.example.org; dkim=pass header.d=evil.example header.d=acquaint.example",
        ),
        (
            "two DMARC domains in one result",
            "mx.example.org; dmarc=pass header.from=evil.example header.from=acquaint.example",
        ),
        ("domain in a comment", "mx.example.org; dkim=pass (header.d=acquaint.example)"),
        ("pass in a comment only", "mx.example.org; (dkim=pass header.d=acquaint.example) dkim=none"),
        (
            "pass in a nested comment",
            "mx.example.org; dkim=none (a (b) ; dkim=pass header.d=acquaint.example ;)",
        ),
        (
            "pass behind an escaped parenthesis",
            r"mx.example.org; dkim=none (a \) ; dkim=pass header.d=acquaint.example )",
        ),
        (
            "pass in a quoted reason",
            r#"mx.example.org; dkim=none reason="; dkim=pass header.d=acquaint.example""#,
        ),
        (
            "pass behind an escaped quote",
            r#"mx.example.org; spf=pass smtp.mailfrom="a\"; dkim=pass header.d=acquaint.example; x=\""@evil.example"#,
        ),
        (
            "evil pass, network in the comment",
            "mx.example.org; dkim=pass (d=acquaint.example) header.d=evil.example",
        ),
        ("other method", "mx.example.org; x-dkim=pass header.d=acquaint.example"),
        (
            "SPF is no signature",
            "mx.example.org; spf=pass smtp.mailfrom=acquaint.example smtp.helo=acquaint.example",
        ),
        ("other ptype", "mx.example.org; dkim=pass policy.d=acquaint.example body.d=acquaint.example"),
        ("property without ptype", "mx.example.org; dkim=pass d=acquaint.example"),
        ("result that begins with pass", "mx.example.org; dkim=passed header.d=acquaint.example"),
        ("version of the method unknown", "mx.example.org; dkim/2=pass header.d=acquaint.example"),
        ("version of the format unknown", "mx.example.org 2; dkim=pass header.d=acquaint.example"),
        ("DMARC of nobody", "mx.example.org; dmarc=pass"),
        ("DMARC of a lookalike", "mx.example.org; dmarc=pass header.from=acquaint.example.evil.example"),
        ("nothing", "mx.example.org; none"),
        ("pass behind none", "mx.example.org; none; dkim=pass header.d=acquaint.example"),
        ("id with trailing text", "mx.example.org evil; dkim=pass header.d=acquaint.example"),
        ("id in a comment", "(mx.example.org;) evil.example; dkim=pass header.d=acquaint.example"),
        ("longer id", "mx.example.org.evil.example; dkim=pass header.d=acquaint.example"),
        ("id behind an equals sign", "id=mx.example.org; dkim=pass header.d=acquaint.example"),
        ("no id", "; dkim=pass header.d=acquaint.example"),
        ("empty", ""),
        ("comment without end", "mx.example.org; dkim=pass header.d=acquaint.example (x"),
        ("quote without end", "mx.example.org; dkim=pass header.d=\"acquaint.example"),
    ] {
        let answer = judge(&results(value), &MEMBER);
        assert!(matches!(answer, Authenticity::Against { .. }), "{attack}: {answer:?}");
    }
}

#[test]
fn case_blanks_comments_and_quotes_change_nothing() {
    for value in [
        "mx.example.org; dkim=pass (a (b (c) d) e) header.d=acquaint.example",
        r"mx.example.org; dkim=pass (a \) b \( c) header.d=acquaint.example",
        "MX.Example.ORG; DKIM=Pass Header.D=ACQUAINT.example",
        " (c) mx.example.org (c) 1 (c) ; (c) dkim (c) / (c) 1 (c) = (c) pass (c) header (c) . (c) d (c) = (c) acquaint.example (c) ",
        "\"mx.example.org\";dkim=pass header.d=\"acquaint.example\"",
        "mx.example.org;\r\n\tdkim=pass\r\n\t\theader.d=acquaint.example;",
        "mx.example.org;;; dkim=pass header.d=maila.acquaint.example ; ",
        "mx.example.org; dkim=pass reason=\"good; (really)\" header.d=acquaint.example",
    ] {
        assert_authentic(&results(value), &MEMBER);
    }
}

#[test]
fn conflicts_inside_the_header_are_against() {
    for (value, words) in [
        (
            "mx.example.org; dkim=pass header.d=acquaint.example; dmarc=fail header.from=acquaint.example",
            "DMARC fails",
        ),
        (
            "mx.example.org; dmarc=pass header.from=acquaint.example; dmarc=fail header.from=acquaint.example",
            "DMARC fails",
        ),
        ("mx.example.org; dkim=pass header.d=acquaint.example; dmarc=fail", "DMARC fails"),
        (
            "mx.example.org; dkim=pass header.d=acquaint.example; dmarc=pass header.from=evil.example",
            "another domain",
        ),
        (
            "mx.example.org; dkim=pass header.d=acquaint.example; dkim=fail header.d=acquaint.example",
            "both as passed and as failed",
        ),
        ("mx.example.org; dkim=fail header.d=acquaint.example", "no pass"),
    ] {
        assert_against(&results(value), &MEMBER, words);
    }
}

#[test]
fn a_second_signature_may_fail() {
    assert_authentic(
        &results(
            "mx.example.org; dkim=fail header.d=acquaint.example header.s=ed; \
             dkim=pass header.d=acquaint.example header.s=rsa",
        ),
        &MEMBER,
    );
    assert_authentic(
        &results(
            "mx.example.org; dkim=fail header.d=other.example; \
             dmarc=pass header.from=acquaint.example",
        ),
        &MEMBER,
    );
}

#[test]
fn only_the_topmost_header_of_the_id_counts() {
    let pass = PASS.1;
    let fail = "mx.example.org; dmarc=fail header.from=acquaint.example";
    let ours = |value| ("Authentication-Results", value);
    assert_against(&mail(&[ours(fail), ours(pass)]), &MEMBER, "DMARC fails");
    assert_authentic(&mail(&[ours(pass), ours(fail)]), &MEMBER);
    let broken = "mx.example.org; dkim=";
    assert_against(&mail(&[ours(broken), ours(pass)]), &MEMBER, "cannot be read");
    let other = "mx.evil.example; dmarc=fail header.from=acquaint.example";
    assert_authentic(&mail(&[ours(other), ours(pass)]), &MEMBER);
    assert_against(
        &mail(&[ours("mx.evil.example; dkim=pass header.d=acquaint.example")]),
        &MEMBER,
        "No Authentication-Results",
    );
}

#[test]
fn a_sender_that_calls_itself_by_hides_no_hop() {
    // The name after `from` is the sender's own choice (RFC 5321 §4.1.1.1).
    let home = ("Received", "from by (evil.example [192.0.2.66]) by mx.example.org with ESMTP");
    let forged = ("Received", "from mail1.acquaint.example by relay.evil.example with SMTP");
    assert_against(&mail(&[home, forged, PASS]), &MEMBER, "below a Received line");
}

#[test]
fn a_header_below_another_hosts_received_line_is_forged() {
    let hop = |by: &'static str| ("Received", by);
    let home = hop("from relay.example.net by mx.example.org with ESMTPS");
    let store = hop("from mx.example.org by store.example.org with LMTP");
    let foreign = hop("from evil.example (by mx.example.org) by relay.example.net with SMTP");
    assert_authentic(&mail(&[store, home, PASS, foreign]), &MEMBER);
    assert_against(&mail(&[store, home, foreign, PASS]), &MEMBER, "below a Received line");
    let unnamed = hop("by 2002:a05:6a10:1 with SMTP id x");
    let fetched = hop("from imap.example.org by laptop.home.arpa (fetchmail)");
    assert_authentic(&mail(&[unnamed, home, PASS]), &MEMBER);
    // A comment names no host, a lone bracket opens none, and an address is no name.
    let boasting = hop("from evil.example (helo me by mx.example.org with SMTP) by relay.example.net");
    assert_against(&mail(&[store, home, boasting, PASS]), &MEMBER, "below a Received line");
    let hyphened = hop("from evil.example by mx.other-host.example with SMTP");
    assert_against(&mail(&[store, home, hyphened, PASS]), &MEMBER, "below a Received line");
    for own in [
        "from relay.example.net) by mx.example.org with SMTP",
        "from mx.example.org (by way of relay.example.net by hand) by 10.0.0.7 with SMTP",
        "from mx.example.org by [192.0.2.7] with SMTP",
    ] {
        assert_authentic(&mail(&[store, home, hop(own), PASS]), &MEMBER);
    }
    // What another field says of hosts is no hop.
    let scanned = ("X-Scanned", "from mx.example.org by scan.example.net with SMTP");
    assert_authentic(&mail(&[store, home, scanned, scanned, PASS]), &MEMBER);
    assert_authentic(&mail(&[fetched, store, home, PASS]), &MEMBER);
}

#[test]
fn the_from_may_be_of_any_domain_that_the_network_writes_from_or_answers_for_by_dmarc() {
    let own = [NETWORK.to_owned()];
    let both = results(
        "mx.example.org; dkim=pass header.d=acquaint.example; dmarc=pass header.from=acquaint.example",
    );
    for (own_domains, dmarc_domains, is_authentic) in
        [(&own[..], &[][..], true), (&[], &own, true), (&[], &[], false)]
    {
        let answer = MEMBER.ask(|trust| authentic(&both, &Trust { own_domains, dmarc_domains, ..*trust }));
        assert_eq!(matches!(answer, Authenticity::Authentic { .. }), is_authentic, "{answer:?}");
    }
}

/// DMARC may pass by the policy of the organisation (RFC 7489 §3.2).
#[test]
fn dmarc_of_the_organisation_counts_for_its_subdomains_and_the_other_way_round() {
    let below = "invitations@mail.acquaint.example";
    for (from, domain) in [(below, NETWORK), ("invitations@acquaint.example", "mail.acquaint.example")] {
        let value = format!("mx.example.org; dmarc=pass header.from={domain}");
        assert_authentic(&Mail { from: mailbox(from), ..results(&value) }, &MEMBER);
    }
    let value = "mx.example.org; dmarc=pass header.from=news.acquaint.example";
    assert_against(&Mail { from: mailbox(below), ..results(value) }, &MEMBER, "another domain");
}

/// Anybody can send on a mail of the network's with its signature whole: the From must be the network's, too.
#[test]
fn a_signature_we_found_to_hold_vouches_for_no_strangers_from() {
    let own_check = &OwnCheck::Made(vec![SignatureCheck {
        domain: NETWORK.to_owned(),
        selector: "s1".to_owned(),
        signed: ["from", "subject", "date"].map(str::to_owned).to_vec(),
        state: SignatureState::Holds,
    }]);
    let judge = |from: &str, authserv_id| {
        let mail = Mail { from: mailbox(from), ..mail(&[]) };
        MEMBER.ask(|trust| authentic(&mail, &Trust { own_check, authserv_id, ..*trust }))
    };
    for id in [None, Some(MX)] {
        assert!(matches!(judge("invitations@acquaint.example", id), Authenticity::Authentic { .. }));
        assert!(matches!(judge("eve@example.net", id), Authenticity::Against { .. }));
    }
}

#[test]
fn a_guest_mail_needs_the_networks_signature() {
    let judge_guest = |value| judge(&guest(&[("Authentication-Results", value)]), &GUEST);
    let is_authentic = |value| matches!(judge_guest(value), Authenticity::Authentic { .. });
    assert!(is_authentic(GUEST_PASS.1), "the inviter's domain has no DMARC");
    let failing = judge_guest("mx.example.org; dkim=pass header.d=acquaint.example; dmarc=fail");
    assert!(
        matches!(&failing, Authenticity::NoEvidence { why } if why.contains("DMARC fails")),
        "{failing:?}"
    );
    assert!(!is_authentic("mx.example.org; dmarc=pass header.from=example.net"));
    assert!(!is_authentic("mx.example.org; dmarc=pass header.from=acquaint.example"));
    assert!(!is_authentic("mx.example.org; dkim=pass header.d=example.net"));
    assert_against(&guest(&[GUEST_PASS]), &MEMBER, "The From address is not of the network");
}

#[test]
fn a_field_put_above_the_signed_one_is_against() {
    for field in ["Date", "To", "cc", "Subject", "reply-to", "Message-ID", "Content-Type"] {
        let once = mail(&[PASS, (field, "the network's")]);
        assert_authentic(&once, &MEMBER);
        let twice = mail(&[(field, "the attacker's"), PASS, (field, "the network's")]);
        assert_against(&twice, &MEMBER, "more than once");
        assert_against(&twice, &Whose { authserv_id: None, ..MEMBER }, "more than once");
    }
}

#[test]
fn assuming_never_outvotes_a_header_of_ours() {
    let assuming = |authserv_id| Whose { authserv_id, assume: Assume::Authentic, ..MEMBER };
    assert_authentic(&mail(&[]), &assuming(None));
    assert_authentic(&mail(&[]), &assuming(Some(MX)));
    assert_against(
        &results("mx.example.org; dmarc=fail header.from=acquaint.example"),
        &assuming(Some(MX)),
        "DMARC fails",
    );
}

#[test]
fn without_an_id_there_is_no_evidence_and_a_draft_at_most() {
    let whose = Whose { authserv_id: None, ..MEMBER };
    assert!(matches!(judge(&mail(&[PASS]), &whose), Authenticity::NoEvidence { .. }));
    let gated = gate(&mail(&[PASS]), &to("jane@example.net"), &facts(), &whose);
    let Gated::Cleared(cleared) = gated else {
        panic!("{gated:?}");
    };
    assert!(matches!(cleared.evidenced(), Evidenced::DraftOnly(reason) if reason.code == "no-evidence"));
}

/// A sender's local part can hold anything; a host that writes it without quotes lets it speak.
#[test]
fn a_pass_beside_nothing_to_check_is_against() {
    for value in [
        "mx.example.org; dkim=none; spf=pass smtp.mailfrom=x; dkim=pass header.d=acquaint.example y=@evil.example",
        "mx.example.org; spf=pass smtp.mailfrom=x; dmarc=pass header.from=acquaint.example; dmarc=none",
    ] {
        assert_against(&results(value), &MEMBER, "nothing to check");
    }
}

proptest! {
    #![proptest_config(cases(256))]
    /// Whatever stands in comments and quotes, only the real result counts.
    #[test]
    fn hidden_text_never_becomes_evidence(hidden in "[a-z=;. \\t]{0,40}") {
        let hidden = format!("{hidden}; dkim=pass header.d=acquaint.example");
        for value in [
            format!("mx.example.org; dkim=none ({hidden}) header.d=evil.example"),
            format!("mx.example.org; dkim=none reason=\"{hidden}\" header.d=evil.example"),
            format!("mx.example.org ({hidden}); none"),
        ] {
            let answer = judge(&results(&value), &MEMBER);
            prop_assert!(matches!(answer, Authenticity::Against { .. }), "{}", value);
        }
    }

    /// The same for any text at all, escaped as the grammar wants it.
    #[test]
    fn no_text_gets_out_of_a_comment_or_a_quoted_string(text in "[ -~]{0,60}", deep in 0_usize..4) {
        let claim = format!("{text}; dkim=pass header.d=acquaint.example; dmarc=pass header.from=acquaint.example");
        let escaped = |marks: &[char]| -> String {
            claim.chars().flat_map(|c| marks.contains(&c).then_some('\\').into_iter().chain([c])).collect()
        };
        let (open, close) = ("(".repeat(deep + 1), ")".repeat(deep + 1));
        let comment = format!("{open}{}{close}", escaped(&['(', ')', '\\']));
        let quoted = format!("\"{}\"", escaped(&['"', '\\']));
        for value in [
            format!("mx.example.org {comment}; spf=pass {comment} smtp.mailfrom={quoted}@evil.example {comment}"),
            format!("{comment}mx.example.org 1{comment};{comment}dkim=none{comment}"),
            format!("mx.example.org; dkim=none reason={quoted} header.d=evil.example"),
            format!("mx.example.org; dmarc=none policy.x={quoted} header.from=acquaint.example"),
        ] {
            let answer = judge(&results(&value), &MEMBER);
            prop_assert!(matches!(answer, Authenticity::Against { .. }), "{}", value);
        }
    }

}

#[test]
fn an_evidenced_invitation_passes_all_gates_in_order() {
    let (gated, evidence) = gate_with_evidence(&mail(&[PASS]), &to("jane@example.net"), &facts(), &MEMBER);
    assert!(matches!(&gated, Gated::Cleared(c) if *c.evidenced() == Evidenced::Full));
    assert_eq!(gated.stopped(), None);
    let rules: Vec<_> = evidence.iter().map(|e| e.rule.as_str()).collect();
    assert_eq!(
        rules,
        [
            "gate.loop",
            "gate.authentic",
            "gate.automated",
            "gate.answered",
            "gate.acquaintance",
            "gate.age",
            "gate.target",
            "gate.addressed",
            "gate.recipient",
            "gate.breaker",
            "gate.limits"
        ]
    );
    for one in &evidence {
        assert_eq!(one.stage, Stage::Gate);
        assert!(one.text.starts_with("passed: "), "{}", one.text);
    }
}

#[test]
fn all_gates_report_even_when_the_first_stops() {
    let mut own = mail(&[PASS]);
    own.from = mailbox("Olu+lists@example.com");
    let (gated, evidence) = gate_with_evidence(&own, &to("noreply@example.net"), &facts(), &MEMBER);
    assert_left(&gated, "own-mail");
    let stopped = evidence.iter().filter(|e| e.text.starts_with("stopped: ")).count();
    assert_eq!(stopped, 3, "loop, authentic and target");
}

#[test]
fn a_letter_of_ours_is_never_answered() {
    let ours = mail(&[PASS, (KEY_HEADER, "0123")]);
    assert_left(&gate(&ours, &to("jane@example.net"), &facts(), &MEMBER), "own-letter");
}

#[test]
fn a_forged_mail_is_left() {
    let forged = results("mx.example.org; dmarc=fail header.from=acquaint.example");
    let gated = gate(&forged, &to("jane@example.net"), &facts(), &MEMBER);
    assert_left(&gated, "not-authentic");
    assert!(gated.cleared().is_none());
}

#[test]
fn automatic_guest_mail_is_left() {
    for (name, value, code) in [
        ("Auto-Submitted", "auto-generated", "automated-mail"),
        ("auto-submitted", "Auto-Replied; x=y", "automated-mail"),
        ("Precedence", "bulk;x", "bulk-mail"),
        ("Precedence", "bulk(x)", "bulk-mail"),
        ("Precedence", "bulk,x", "bulk-mail"),
        ("Precedence", "Bulk", "bulk-mail"),
        ("Precedence", "list", "list-mail"),
        ("Precedence", "Auto_Reply", "automated-mail"),
        ("Precedence", "junk (really)", "bulk-mail"),
        ("List-Unsubscribe", "<https://x.example>", "list-mail"),
        ("List-Id", "<a.example.net>", "list-mail"),
        ("Return-Path", " < > ", "bounce"),
        ("Content-Type", "Multipart/Report; boundary=x", "bounce"),
        ("X-Auto-Response-Suppress", "All", "automated-mail"),
        ("X-Auto-Response-Suppress", "DR, OOF", "automated-mail"),
        ("X-Auto-Response-Suppress", "", "automated-mail"),
        ("X-Loop", "x", "automated-mail"),
        ("X-Autoreply", "x", "automated-mail"),
        ("X-Autorespond", "x", "automated-mail"),
        ("X-Autoresponder", "x", "automated-mail"),
        ("X-Failed-Recipients", "x", "automated-mail"),
    ] {
        let headers = [GUEST_PASS, (name, value)];
        assert_left(&gate(&guest(&headers), &to("jane@example.net"), &facts(), &GUEST), code);
    }
    for (name, value) in [
        ("Auto-Submitted", "no"),
        ("Auto-Submitted", "no;x"),
        ("Auto-Submitted", "no(x)"),
        ("Precedence", "first-class"),
        ("X-Auto-Response-Suppress", "None"),
        ("X-Auto-Response-Suppress", "dr, NDR,rn , nrn (no reports)"),
        ("Return-Path", "<m-1@bounce.acquaint.example>"),
        ("Content-Type", "multipart/alternative; boundary=x"),
    ] {
        let headers = [GUEST_PASS, (name, value)];
        let gated = gate(&guest(&headers), &to("jane@example.net"), &facts(), &GUEST);
        assert!(gated.stopped().is_none(), "{name}: {gated:?}");
    }
}

#[test]
fn the_networks_own_bulk_headers_are_the_one_exception() {
    let bulk = [
        PASS,
        ("List-Unsubscribe", "<https://acquaint.example/u>"),
        ("Precedence", "bulk"),
        ("Auto-Submitted", "auto-generated"),
        ("List-Id", "<invites.acquaint.example>"),
    ];
    let gated = gate(&mail(&bulk), &to("jane@example.net"), &facts(), &MEMBER);
    assert!(gated.stopped().is_none(), "{gated:?}");
}

#[test]
fn a_copy_from_a_mailing_list_is_left_whoever_wrote_it() {
    for (name, value) in [
        ("List-Post", "<mailto:talk@lists.example.net>"),
        ("List-Id", "<talk.example.net>"),
        ("Mailing-List", "list talk@example.net"),
        ("X-Mailing-List", "talk@example.net"),
        ("X-BeenThere", "acquaint.example@example.net"),
        ("X-Mailman-Version", "2.1.39"),
        ("X-Google-Group-Id", "1"),
    ] {
        let gated = gate(&mail(&[PASS, (name, value)]), &to("jane@example.net"), &facts(), &MEMBER);
        assert_left(&gated, "list-mail");
    }
    let guests = guest(&[GUEST_PASS, ("X-BeenThere", "<invites@acquaint.example>")]);
    assert_left(&gate(&guests, &to("jane@example.net"), &facts(), &GUEST), "list-mail");
    let closed = mail(&[PASS, ("List-Post", "NO")]);
    assert!(gate(&closed, &to("jane@example.net"), &facts(), &MEMBER).stopped().is_none());
}

#[test]
fn an_answer_only_goes_to_one_person() {
    let mut shown = mail(&[PASS]);
    for (target, code) in [
        ("olu@example.com", "target-is-owner"),
        ("Olu+x@example.org", "target-is-owner"),
        ("No.Reply@example.net", "target-is-robot"),
        ("mailer-daemon@example.net", "target-is-robot"),
        ("bounces+12@example.net", "target-is-robot"),
        ("everybody@example.net", "target-is-crowd"),
        ("jane@example.invalid", "target-is-nowhere"),
        ("talk@lists.example.net", "target-is-list"),
        ("owner-talk@example.net", "target-is-list"),
        ("talk-request@example.net", "target-is-list"),
        ("invitations@acquaint.example", "target-is-network"),
        ("jane@mail.acquaint.example", "target-is-network"),
    ] {
        shown.reply_to = vec![mailbox(target)];
        assert_left(&gate(&shown, &to(target), &facts(), &MEMBER), code);
    }
    assert_left(&gate(&mail(&[PASS]), &to("eve@example.net"), &facts(), &MEMBER), "target-not-shown");
    shown.reply_to = vec![mailbox("jane@example.net"), mailbox("eve@example.net")];
    assert_left(&gate(&shown, &to("jane@example.net"), &facts(), &MEMBER), "several-targets");
    shown.reply_to = vec![mailbox("everyone@example.net")];
    shown.recipients = vec![mailbox("everyone@example.net")];
    assert_left(&gate(&shown, &to("everyone@example.net"), &facts(), &MEMBER), "target-is-recipient");
}

/// A signature passes whatever is done to the fields it leaves out: a genuine
/// mail, sent on with the Reply-To of a victim, must not make us write to them.
#[test]
fn an_unsigned_reply_to_is_a_draft_at_most_unless_the_mail_came_straight() {
    let results = |spf: &str| format!("mx.example.org; dkim=pass header.d=acquaint.example{spf}");
    let signed = |d: &str, h: &str| format!("v=1; a=rsa-sha256; d={d}; s=x; h={h}; bh=AA==; b=AA==");
    let (own, with) = ("acquaint.example", "From:Subject : Reply-To:To:Date");
    let forwarded = "; spf=fail smtp.mailfrom=b@acquaint.example";
    let case = |spf: &str, signatures: &[String]| {
        let results = results(spf);
        let mut headers = vec![("Authentication-Results", results.as_str())];
        headers.extend(signatures.iter().map(|s| ("DKIM-Signature", s.as_str())));
        let shown = mail(&headers);
        let relay = invitation(Route::Relay(address("t0ken@reply.acquaint.example")));
        let relayed = Mail { reply_to: vec![mailbox("t0ken@reply.acquaint.example")], ..shown.clone() };
        [(shown, to("jane@example.net")), (relayed, relay)].map(|(mail, invitation)| {
            let Gated::Cleared(cleared) = gate(&mail, &invitation, &facts(), &MEMBER) else { panic!("left") };
            match cleared.evidenced() {
                Evidenced::Full => "full",
                Evidenced::DraftOnly(reason) => reason.code,
            }
        })
    };
    let full = ["full"; 2];
    let draft = ["reply-to-unsigned"; 2];
    assert_eq!(case("; spf=pass smtp.mailfrom=m-1@bounce.acquaint.example", &[]), full);
    assert_eq!(case("; spf=pass smtp.mailfrom=acquaint.example", &[signed(own, "From")]), full);
    assert_eq!(case(forwarded, &[signed(own, with)]), full);

    assert_eq!(case("", &[]), draft);
    assert_eq!(case(forwarded, &[signed(own, "From:Subject")]), draft);
    assert_eq!(case("; spf=pass smtp.mailfrom=b@evil.example", &[]), draft, "SPF of the forwarder");
    assert_eq!(case("; spf=pass smtp.mailfrom=x@evilacquaint.example", &[]), draft);
    assert_eq!(case("; spf=softfail smtp.mailfrom=b@acquaint.example", &[]), draft);
    let twice = "; spf=pass smtp.mailfrom=b@acquaint.example; spf=fail smtp.mailfrom=b@acquaint.example";
    assert_eq!(case(twice, &[]), draft, "a contradiction");
    assert_eq!(case(forwarded, &[signed("evil.example", with)]), draft, "somebody else's signature");
    assert_eq!(
        case(forwarded, &[signed(own, with), signed(own, "From")]),
        draft,
        "a signature that was added"
    );
    let two_h = format!("{}; h=Reply-To", signed(own, "From"));
    assert_eq!(case(forwarded, &[two_h]), draft, "a tag that stands there twice");
}

/// The inviter's own From is what their server and the network signed.
#[test]
fn a_guest_mail_needs_no_word_for_its_from() {
    let gated = gate(&guest(&[GUEST_PASS]), &to("jane@example.net"), &facts(), &GUEST);
    let Gated::Cleared(cleared) = gated else { panic!("{gated:?}") };
    assert_eq!(*cleared.evidenced(), Evidenced::Full);
}

/// Some write from it all the same, and whoever reads it is asked first.
#[test]
fn an_office_is_a_draft_at_most() {
    for office in ["webmaster@example.net", "Sales+in@example.net", "root@example.net"] {
        let inviting = Mail { from: mailbox(office), ..guest(&[GUEST_PASS]) };
        let Gated::Cleared(cleared) = gate(&inviting, &to(office), &facts(), &GUEST) else { panic!("left") };
        let Evidenced::DraftOnly(reason) = cleared.evidenced() else { panic!("{office}") };
        assert_eq!(reason.code, "target-is-role");
    }
}

#[test]
fn no_spelling_of_an_address_of_ours_is_written_to() {
    let plain = ["OLU@EXAMPLE.COM", "olu+anything@example.com", "Olu+A+B@Example.Com"];
    let at_gmail = ["olubee@gmail.com", "Olu.Bee@googlemail.com", "o.l.u.b.e.e+x@googlemail.com"];
    for target in plain.into_iter().chain(at_gmail) {
        let mut shown = mail(&[PASS]);
        shown.reply_to = vec![mailbox(target)];
        assert_left(&gate(&shown, &to(target), &facts(), &MEMBER), "target-is-owner");
    }
}

#[test]
fn an_address_the_mail_went_to_is_not_written_to_in_any_spelling() {
    for (recipient, target) in [
        ("bees@example.net", "Bees@Example.net"),
        ("bees@example.net", "bees+all@example.net"),
        ("honey.bees@gmail.com", "honeybees@googlemail.com"),
    ] {
        let mut shown = mail(&[PASS]);
        shown.recipients.push(mailbox(recipient));
        shown.reply_to = vec![mailbox(target)];
        assert_left(&gate(&shown, &to(target), &facts(), &MEMBER), "target-is-recipient");
    }
}

/// Only the very address that the From shows needs no signature of its own.
#[test]
fn an_address_like_that_of_the_from_is_a_draft_at_most() {
    for (from, target, full) in [
        ("jane.doe@gmail.com", "Jane.Doe@gmail.com", true),
        ("jane.doe@gmail.com", "janedoe@gmail.com", false),
        ("jane@example.net", "jane+x@example.net", false),
    ] {
        let results = ("Authentication-Results", "mx.example.org; dkim=pass header.d=acquaint.example");
        let covers = "v=1; a=rsa-sha256; d=acquaint.example; s=x; h=From:To:Date; bh=AA==; b=AA==";
        let mut shown = guest(&[results, ("DKIM-Signature", covers)]);
        shown.from = mailbox(from);
        shown.reply_to = vec![mailbox(target)];
        let gated = gate(&shown, &to(target), &facts(), &GUEST);
        let cleared = gated.cleared().expect("cleared");
        assert_eq!(*cleared.evidenced() == Evidenced::Full, full, "{target}: {cleared:?}");
        // What stands nowhere is not written to, however like it is.
        shown.reply_to = vec![mailbox(from)];
        let gated = gate(&shown, &to(target), &facts(), &GUEST);
        assert_eq!(matches!(gated, Gated::Left { .. }), !full, "{target}: {gated:?}");
    }
}

/// The owner's colleagues, namesakes elsewhere, and whoever owns a shop.
#[test]
fn an_address_that_only_looks_like_ours_or_a_lists_is_a_persons() {
    let elsewhere = ["jane@example.com", "olu@example.net", "owner@example.net", "o.lu@example.com"];
    for target in elsewhere.into_iter().chain(["olu.b@gmail.com", "olubee@example.org"]) {
        let mut shown = mail(&[PASS]);
        shown.reply_to = vec![mailbox(target)];
        let gated = gate(&shown, &to(target), &facts(), &MEMBER);
        assert!(gated.stopped().is_none(), "{target}: {gated:?}");
    }
}

#[test]
fn an_address_from_a_note_is_a_draft_at_most_however_good_the_evidence() {
    let noted = invitation(Route::FromNote(address("jane@example.net")));
    for shown in [mail(&[PASS]), Mail { from: mailbox("jane@acquaint.example"), ..mail(&[PASS]) }] {
        let Gated::Cleared(cleared) = gate(&shown, &noted, &facts(), &MEMBER) else { panic!("stopped") };
        let Evidenced::DraftOnly(reason) = cleared.evidenced() else { panic!("{cleared:?}") };
        assert_eq!(reason.code, "address-from-note");
    }
}

#[test]
fn what_is_assumed_authentic_is_so_to_its_reply_to() {
    let assuming = Whose { authserv_id: None, assume: Assume::Authentic, ..MEMBER };
    let gated = gate(&mail(&[]), &to("jane@example.net"), &facts(), &assuming);
    let Gated::Cleared(cleared) = gated else { panic!("{gated:?}") };
    assert_eq!(*cleared.evidenced(), Evidenced::Full);
}

#[test]
fn a_relay_must_be_of_the_networks_relay_domain() {
    let relay = |text| invitation(Route::Relay(address(text)));
    let mut shown = mail(&[PASS]);
    shown.reply_to = vec![mailbox("f4c1d2e8-0000-4000-8000-9a0b1c2d3e4f@reply.acquaint.example")];
    let good = relay("f4c1d2e8-0000-4000-8000-9a0b1c2d3e4f@reply.acquaint.example");
    assert!(gate(&shown, &good, &facts(), &MEMBER).stopped().is_none());
    for bad in ["x@acquaint.example", "x@reply.acquaint.example.evil.example"] {
        shown.reply_to = vec![mailbox(bad)];
        assert_left(&gate(&shown, &relay(bad), &facts(), &MEMBER), "target-is-no-relay");
    }
}

#[test]
fn without_a_target_there_is_nothing_to_refuse() {
    let paste = invitation(Route::Paste("https://acquaint.example/in/jane".to_owned()));
    let mut plain = mail(&[PASS]);
    plain.reply_to.clear();
    assert!(gate(&plain, &paste, &facts(), &MEMBER).stopped().is_none());
}

#[test]
fn a_friend_is_left_and_the_reason_says_how_they_are_known() {
    let rules = Rulebook::shipped().unwrap();
    let reason = |inviter: &str, kept: (&str, Option<&str>, Option<&str>), source| {
        let (name, address_text, domain) = kept;
        let kept = Acquaintance {
            name: name.to_owned(),
            address: address_text.map(address),
            domain: domain.map(str::to_owned),
            source,
        };
        let asked = people::keys(inviter, Some(&address("jane@example.net")), &rules);
        let encounters = people::meet(&asked, &people::keys_of(&kept, &rules), source);
        let facts = Facts { encounters, ..facts() };
        match gate(&mail(&[PASS]), &to("jane@example.net"), &facts, &MEMBER) {
            Gated::Left { reason } => (reason.code, reason.text),
            other => panic!("{inviter}: {other:?}"),
        }
    };
    let known = |text: &str| ("known-person", text.to_owned());
    let perhaps = |how: &str| {
        ("perhaps-known", format!("A person of a similar name ({how}) is among those you wrote to."))
    };
    let named = |name| (name, None, None);
    let (keep, book, sent) = (Source::Keep, Source::AddressBook, Source::Sent);
    for (inviter, kept, source, wanted) in [
        ("Jane", ("", None, Some("example.net")), keep, known("You keep everybody of that mail domain.")),
        ("Jane", ("", Some("jane@example.net"), None), keep, known("That address is on your keep list.")),
        ("Bob Reed", named("Bob Reed"), keep, known("A person of that name is on your keep list.")),
        ("Bob Reed", named("Bob Reed"), book, known("A person of that name is in your address book.")),
        ("Bob Reed", named("Bob Reed"), sent, known("A person of that name is among those you wrote to.")),
        ("Bob Reed", named("Robert Reed"), sent, perhaps("a short form of the given name")),
        ("R. Reed", named("Robert Reed"), sent, perhaps("an initial in place of the given name")),
        ("Robert Reed", named("R. Reed"), sent, perhaps("an initial in place of the given name")),
        ("Robert R.", named("Robert Reed"), sent, perhaps("an initial in place of the family name")),
        ("Robert Reed", named("Robert R."), sent, perhaps("an initial in place of the family name")),
        (
            "Janpiet Dekker",
            named("Jan Piet Dekker"),
            sent,
            perhaps("the same letters, parted otherwise or with more beside them"),
        ),
        ("Anna Müller-Weber", named("Anna Müller"), sent, perhaps("some parts of it are the same")),
        ("Алексей Иванов", named("Aleksey Ivanov"), sent, perhaps("the same in another script")),
        ("Aleksei Ivanov", named("Алексей Иванов"), sent, perhaps("the same in another script")),
        ("Widodo", named("Widodo"), sent, perhaps("a name that many bear, or one spelled by a mail address")),
    ] {
        assert_eq!(reason(inviter, kept, source), wanted, "{inviter}, {kept:?}");
    }
}

#[test]
fn an_answered_invitation_is_left() {
    let known = Facts {
        known: Some(KnownInvitation {
            when: Timestamp::from_unix_s(1_799_900_000),
            what: "drafted".to_owned(),
        }),
        ..facts()
    };
    let gated = gate(&mail(&[PASS]), &to("jane@example.net"), &known, &MEMBER);
    assert_left(&gated, "already-answered");
    let (_, reason) = gated.stopped().unwrap();
    assert!(reason.text.contains("2027-01-14 already (drafted)"), "{}", reason.text);
}

#[test]
fn mail_from_before_the_start_is_left() {
    let starting = |start, arrived| Facts {
        start: Some(Timestamp::from_unix_s(start)),
        arrived: arrived_at(arrived),
        ..facts()
    };
    fn arrived_at(s: Option<i64>) -> Option<Timestamp> {
        s.map(Timestamp::from_unix_s)
    }
    let mut undated = mail(&[PASS]);
    undated.date = None;
    let ask = |facts: &Facts| gate(&undated, &to("jane@example.net"), facts, &MEMBER);
    assert_left(&ask(&starting(1000, Some(999))), "before-start");
    assert!(ask(&starting(1000, Some(1000))).stopped().is_none());
    assert_left(&ask(&starting(1000, None)), "arrival-unknown");
    undated.date = Some(Timestamp::from_unix_s(1));
    let gated = gate(&undated, &to("jane@example.net"), &starting(1000, None), &MEMBER);
    assert_left(&gated, "before-start");
}

#[test]
fn what_arrived_longer_ago_than_letters_may_be_late_is_a_draft_at_most() {
    let send_within_s = i64::try_from(policy().send_within.as_secs()).unwrap();
    let full = |now_s: i64, to: &Invitation| {
        let facts = Facts { now: Timestamp::from_unix_s(now_s), ..facts() };
        let gated = gate(&mail(&[PASS]), to, &facts, &MEMBER);
        match gated.cleared().expect("cleared").evidenced() {
            Evidenced::Full => None,
            Evidenced::DraftOnly(reason) => Some(reason.code),
        }
    };
    let (jane, arrived_s) = (to("jane@example.net"), NOW.unix_s());
    assert_eq!(full(arrived_s + send_within_s, &jane), None);
    assert_eq!(full(arrived_s + send_within_s + 1, &jane), Some("arrived-long-ago"));
    assert_eq!(full(arrived_s - 100 * send_within_s, &jane), None, "a clock that was ahead");
    // What became of it before the ledger began, no ledger tells.
    let began = |since_s: i64| {
        let facts = Facts { remembered_since: Some(Timestamp::from_unix_s(since_s)), ..facts() };
        let gated = gate(&mail(&[PASS]), &jane, &facts, &MEMBER);
        match gated.cleared().expect("cleared").evidenced() {
            Evidenced::Full => None,
            Evidenced::DraftOnly(reason) => Some(reason.code),
        }
    };
    assert_eq!((began(arrived_s), began(arrived_s + 1)), (None, Some("arrived-before")));
    let paste = invitation(Route::Paste("https://acquaint.example/in/jane".to_owned()));
    assert_eq!(full(arrived_s + send_within_s + 1, &paste), None, "nothing can be sent");
    // A saved mail tells nothing of its mailbox.
    let saved = Facts { now: Timestamp::from_unix_s(arrived_s * 2), arrived: None, ..facts() };
    let received = ("Received", "from a.acquaint.example by mx.example.org; Fri, 15 Jan 2027 08:00:00 +0000");
    let gated = gate(&mail(&[PASS, received]), &jane, &saved, &MEMBER);
    assert_eq!(*gated.cleared().expect("cleared").evidenced(), Evidenced::Full);
}

#[test]
fn a_full_hour_or_day_holds_and_still_lets_the_letter_be_written() {
    for (hour, day, code) in [(10, 10, "hourly-limit"), (9, 40, "daily-limit")] {
        let full = Facts { letters_last_hour: hour, letters_last_day: day, ..facts() };
        let gated = gate(&mail(&[PASS]), &to("jane@example.net"), &full, &MEMBER);
        let (decision, reason) = gated.stopped().unwrap();
        assert_eq!((decision, reason.code), (Decision::Hold, code));
        assert!(gated.cleared().is_some());
    }
    let room = Facts { letters_last_hour: 9, letters_last_day: 39, ..facts() };
    assert!(gate(&mail(&[PASS]), &to("jane@example.net"), &room, &MEMBER).stopped().is_none());
}

#[test]
fn a_refusal_outweighs_a_hold() {
    let full = Facts { letters_last_hour: 99, ..facts() };
    let gated = gate(&mail(&[PASS]), &to("noreply@example.net"), &full, &MEMBER);
    assert!(matches!(gated, Gated::Left { .. }));
}

#[test]
fn a_second_letter_to_one_address_and_a_stopped_sending_are_drafts_at_most() {
    let trip = Trip { cause: Cause::Burst, at: Timestamp::from_unix_s(1), words: "a wave".into() };
    let stopped = SendFacts { stopped: Some(trip), ..SendFacts::default() };
    let written = SendFacts { recipient: Recipient::WrittenTo, ..SendFacts::default() };
    for (sending, code) in [(stopped, "breaker-open"), (written, "recipient-had-letter")] {
        let facts = Facts { sending, ..facts() };
        let gated = gate(&mail(&[PASS]), &to("jane@example.net"), &facts, &MEMBER);
        let Gated::Cleared(cleared) = gated else { panic!("{gated:?}") };
        let Evidenced::DraftOnly(reason) = cleared.evidenced() else { panic!("{code}") };
        assert_eq!(reason.code, code);
    }
}
