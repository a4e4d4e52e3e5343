//! The grammar of Authentication-Results (RFC 8601 §2.2), field in, value out.

use std::time::{Duration, Instant};

use notyet::stages::gates::authres::{self, MAX_BYTES};
use proptest::prelude::*;

use crate::support::cases;

#[test]
fn the_rfc_examples_are_read() {
    let none = authres::parse("example.org 1; none").unwrap();
    assert_eq!((none.version, none.results.len()), (1, 0));
    let many = authres::parse(
        "example.com;\r\n auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n spf=pass smtp.mailfrom=example.net",
    )
    .unwrap();
    assert_eq!(many.authserv_id, "example.com");
    assert_eq!(many.results[0].method, "auth");
    assert_eq!(many.results[0].values("smtp", "auth").collect::<Vec<_>>(), ["sender@example.net"]);
    assert_eq!(many.results[1].result, "pass");
    let commented = authres::parse(
        "foo.example.net (foobar) 1 (baz);\r\n dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n policy (A dot can go here) . (like that) expired\r\n (this surprised me) = (as I wasn't expecting it) 1362471462",
    )
    .unwrap();
    let result = &commented.results[0];
    assert_eq!((result.method_version, result.result.as_str()), (1, "fail"));
    assert_eq!(result.values("policy", "expired").collect::<Vec<_>>(), ["1362471462"]);
    let reason =
        authres::parse("example.com; dkim=fail reason=\"bad; signature\" header.i=@newyork.example.com")
            .unwrap();
    assert_eq!(reason.results[0].reason.as_deref(), Some("bad; signature"));
}

/// RFC 8601 §2.2, rule by rule.
#[test]
fn every_piece_of_the_grammar_is_read() {
    let read = |text: &str| authres::parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    let value = |text: &str| {
        let one = read(&format!("mx.example.org; dkim=pass {text}")).results.remove(0);
        (one.properties[0].ptype.clone(), one.properties[0].name.clone(), one.properties[0].value.clone())
    };
    let p = |ptype: &str, name: &str, value: &str| (ptype.to_owned(), name.to_owned(), value.to_owned());
    // authserv-id: a token or a quoted string, comments and folds round it, a version behind it.
    for id in
        ["mx.example.org", "\"mx.example.org\"", "\r\n\t(c (d)) mx.example.org", "(\\))mx.example.org(x)"]
    {
        for version in ["", " 1", " (c) 1 (c)", "\r\n 1"] {
            let results = read(&format!("{id}{version}; none"));
            assert_eq!(
                (results.authserv_id.as_str(), results.version),
                ("mx.example.org", 1),
                "{id}{version}"
            );
            assert!(results.results.is_empty());
        }
    }
    assert_eq!(read("mx.example.org 2; none").version, 2);
    // methodspec, method-version, reasonspec.
    let one = read("m; (a) dkim (b) / (c) 1 (d) = (e) pass (f) reason (g) = (h) \"a \\\"b\\\" (c); d\"")
        .results
        .remove(0);
    assert_eq!((one.method.as_str(), one.method_version, one.result.as_str()), ("dkim", 1, "pass"));
    assert_eq!(one.reason.as_deref(), Some("a \"b\" (c); d"));
    assert_eq!(read("m; x=pass reason=plain").results[0].reason.as_deref(), Some("plain"));
    assert_eq!(read("m; x=pass reason=\"a\r\n b\\\r\n\tc\"").results[0].reason.as_deref(), Some("a b\tc"));
    let named_alike = read("m; x=pass policy.reason=a action=b reason=c reason=d").results.remove(0);
    assert_eq!(named_alike.reason.as_deref(), Some("c"));
    let others: Vec<_> = named_alike.properties.iter().map(|p| (&*p.ptype, &*p.name, &*p.value)).collect();
    assert_eq!(others, [("policy", "reason", "a"), ("", "action", "b"), ("", "reason", "d")]);
    assert_eq!(read("m; DKIM/2=PASS").results[0].method_version, 2);
    // propspec: ptype . property = pvalue.
    assert_eq!(value("header.d=example.net"), p("header", "d", "example.net"));
    assert_eq!(value("header (a) . (b) d (c) = (d) example.net (e)"), p("header", "d", "example.net"));
    assert_eq!(value("header.i=@example.net"), p("header", "i", "@example.net"));
    assert_eq!(value("smtp.mailfrom=jane@example.net"), p("smtp", "mailfrom", "jane@example.net"));
    assert_eq!(value("smtp.mailfrom=\"j d\"@example.net"), p("smtp", "mailfrom", "j d@example.net"));
    assert_eq!(value("policy.iprev=\"192.0.2.1\""), p("policy", "iprev", "192.0.2.1"));
    assert_eq!(value("body.x=\"\""), p("body", "x", ""));
    // Several methods, several properties, folds between all.
    let all = read("m;\r\n\tspf=pass\r\n\tsmtp.mailfrom=a.example smtp.helo=b.example;\r\n\tdkim=fail");
    assert_eq!(all.results.iter().map(|r| r.method.as_str()).collect::<Vec<_>>(), ["spf", "dkim"]);
    assert_eq!(all.results[0].properties.len(), 2);
    for broken in [
        "",
        ";",
        "m",
        "m none",
        "m; none; dkim=pass",
        "m; dkim",
        "m; dkim=",
        "m; dkim=pass header.d",
        "m; dkim=pass (",
        "m; dkim=pass reason=\"",
        "m 1 2; none",
        "m 99999999999; none",
        "m; dkim=pass;; =x",
        "m; dkim=pass reason=\"a\"header.d=example.net",
        ")m; none",
        "\\m; none",
        "m \\x; none",
        "m; dkim=pass \\  header.d=example.net",
        "m; dkim=pass ) header.d=example.net",
    ] {
        assert!(authres::parse(broken).is_err(), "{broken}");
    }
}

#[test]
fn a_broken_header_still_tells_whose_it_is() {
    let id = |value| authres::parse(value).unwrap_err().authserv_id;
    assert_eq!(id("mx.example.org; dkim").as_deref(), Some("mx.example.org"));
    assert_eq!(id("mx.example.org x; none").as_deref(), Some("mx.example.org"));
    assert_eq!(id("spf=pass smtp.mailfrom=a"), None);
    assert_eq!(id(&"x".repeat(MAX_BYTES + 1)), None);
}

/// Exchange and Gmail write a few KiB; 64 are read to the last byte.
#[test]
fn a_header_is_read_up_to_its_longest() {
    assert_eq!(MAX_BYTES, 65_536);
    let payload = format!("m; none{}", " ".repeat(MAX_BYTES - "m; none".len()));
    assert!(authres::parse(&payload).is_ok());
    assert!(authres::parse(&(payload + " ")).is_err());
}

#[test]
fn reading_takes_time_in_proportion_to_length() {
    let time = |payload: &str| {
        (0..5)
            .map(|_| {
                let start = Instant::now();
                let _ = std::hint::black_box(authres::parse(payload));
                start.elapsed()
            })
            .min()
            .unwrap()
    };
    for unit in ["(", "()", "\"a\"", "\\", ";", "; a=b", " a.b=c", "(\\)"] {
        let payload = |bytes: usize| format!("m; a=b {}", unit.repeat(bytes / unit.len()));
        let (short, long) = (time(&payload(4_000)), time(&payload(64_000)));
        assert!(
            long < short * 100 + Duration::from_millis(5),
            "{unit}: {short:?} for 4 kB, {long:?} for 64 kB"
        );
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn nothing_makes_the_parser_panic(payload in ".{0,400}") {
        let _ = authres::parse(&payload);
    }

    #[test]
    fn nothing_near_the_grammar_makes_the_parser_panic(
        payload in "(m\\.x|;|=|\\(|\\)|\"|\\\\|/|\\.| |\r\n |dkim|pass|header|none|reason|1|é|@){0,60}"
    ) {
        let _ = authres::parse(&payload);
    }

    /// What is written by the grammar is read back.
    #[test]
    fn written_results_are_read_back(
        method in "[a-z][a-z0-9-]{0,8}[a-z0-9]",
        value in "[ -~]{0,30}",
        comment in "[a-z ;=\"]{0,20}",
    ) {
        prop_assume!(method != "none" && method != "reason");
        let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
        let read = authres::parse(&format!(
            "mx.example.org 1 ({comment});\r\n\t{method}=pass ({comment}) header.x=\"{quoted}\" ({comment})"
        )).unwrap();
        prop_assert_eq!(&read.results[0].method, &method);
        prop_assert_eq!(&read.results[0].properties[0].value, &value);
    }
}
