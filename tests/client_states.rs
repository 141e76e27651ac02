//! The states of a client, row by row of the table in its documentation, and what each field of a policy does.

use crate::common;
use proptest::prelude::*;
use ssewire::client::{Action, Cause, Client, Head, Policy, ReadyState, Reason, UnsendableId, Verdict};
use ssewire::{Field, InvalidByte, Overflow, Parser};

type Small = Client<[u8; 64]>;

/// `ROBUST` without chance.
const EXACT: Policy = {
    let mut policy = Policy::ROBUST;
    policy.jitters = false;
    policy
};

fn client(policy: Policy) -> Small {
    Client::new(Parser::new(), policy, 1)
}

/// A policy with one field changed.
fn with(mut policy: Policy, change: impl FnOnce(&mut Policy)) -> Policy {
    change(&mut policy);
    policy
}

fn head<'h>(status: u16, fields: &[(&str, &'h str)]) -> Head<'h> {
    let mut head = Head::new(status);
    for (name, value) in fields {
        head.header(name.as_bytes(), value.as_bytes());
    }
    head
}

fn good() -> Head<'static> {
    head(200, &[("Content-Type", "text/event-stream")])
}

/// A client that is connected at time 0 and has sent its request.
fn asked(policy: Policy) -> Small {
    let mut client = client(policy);
    assert!(matches!(client.poll(0), Action::Connect { is_redirect: false, .. }));
    client
}

/// A client whose stream is open since time 0.
fn open(policy: Policy) -> Small {
    let mut client = asked(policy);
    assert_eq!(client.on_head(0, &good()), Verdict::Open);
    client
}

/// Gives `input` to the client and returns the data of its events.
fn read(client: &mut Small, now: u64, input: &str) -> Vec<String> {
    let mut input = input.as_bytes();
    let mut events = Vec::new();
    while let Some(event) = client.next(now, &mut input).unwrap() {
        events.push(String::from_utf8_lossy(event.data()).into_owned());
    }
    assert!(input.is_empty());
    events
}

/// Returns the time of the next attempt of a client that waits.
fn wait(client: &mut Small, now: u64) -> u64 {
    match client.poll(now) {
        Action::Wait { until } => until,
        action => panic!("{action:?}"),
    }
}

// Rows of the table.

#[test]
fn connect_is_returned_once_for_each_attempt() {
    let mut client = client(EXACT);
    assert_eq!(client.ready_state(), ReadyState::Connecting);
    assert_eq!(client.poll(5), Action::Connect { until: 30_005, is_redirect: false });
    for now in [5, 6, 30_004] {
        assert_eq!(client.poll(now), Action::Head { until: 30_005 });
    }
    assert_eq!(client.poll(30_005), Action::Wait { until: 31_005 });
    assert_eq!(client.cause(), Cause::HeadTimeout { ms: 30_000 });
    assert_eq!(client.poll(31_004), Action::Wait { until: 31_005 });
    assert_eq!(client.poll(31_005), Action::Connect { until: 61_005, is_redirect: false });
    assert_eq!(client.poll(31_005), Action::Head { until: 61_005 });
}

#[test]
fn a_wait_begins_with_the_loss_and_not_with_the_poll_after_it() {
    let mut client = open(EXACT);
    client.on_error(100);
    assert_eq!(wait(&mut client, 900), 1100);
    let mut client = asked(EXACT);
    assert_eq!(wait(&mut client, 30_900), 31_000);
    let mut client = asked(EXACT);
    assert!(matches!(client.poll(99_000), Action::Connect { .. }), "the wait is over as well");
}

#[test]
fn the_end_of_a_response_and_an_error_lead_to_another_attempt() {
    for (is_end, cause) in [(true, Cause::End), (false, Cause::Cut)] {
        let mut client = open(EXACT);
        assert_eq!(client.ready_state(), ReadyState::Open);
        if is_end {
            client.on_end(10)
        } else {
            client.on_error(10)
        }
        assert_eq!((client.ready_state(), client.cause()), (ReadyState::Connecting, cause));
        assert_eq!(wait(&mut client, 10), 1010);

        let mut client = asked(EXACT);
        if is_end {
            client.on_end(10)
        } else {
            client.on_error(10)
        }
        assert_eq!((client.cause(), client.failures()), (Cause::NoResponse, 1));
    }
}

#[test]
fn inputs_that_a_state_has_no_use_for_are_ignored() {
    let mut ready = client(EXACT);
    ready.on_end(0);
    ready.on_error(0);
    ready.restart(0);
    assert_eq!(ready.on_head(0, &good()), Verdict::Failed(Cause::NoResponse));
    assert_eq!(read(&mut ready, 0, "data: x\n\n"), [""; 0]);
    assert!(matches!(ready.poll(0), Action::Connect { .. }));

    let mut asked = asked(EXACT);
    assert_eq!(read(&mut asked, 0, "data: x\n\n"), [""; 0]);
    assert_eq!(asked.take_unfinished(0), Ok(None));

    let mut waiting = open(EXACT);
    waiting.on_end(0);
    let until = wait(&mut waiting, 0);
    waiting.on_error(5);
    waiting.on_end(5);
    waiting.restart(5);
    assert_eq!(waiting.on_head(5, &good()), Verdict::Failed(Cause::End));
    assert_eq!(read(&mut waiting, 5, "data: x\n\n"), [""; 0]);
    assert_eq!((wait(&mut waiting, 5), waiting.failures()), (until, 1));

    let mut closed = open(EXACT);
    closed.close();
    closed.on_error(5);
    closed.on_end(5);
    assert_eq!(closed.on_head(5, &good()), Verdict::Failed(Cause::NoResponse));
    assert_eq!(closed.poll(1 << 40), Action::Closed(Reason::Close));
}

#[test]
fn bytes_after_the_loss_belong_to_no_stream() {
    let mut client = open(EXACT);
    assert_eq!(read(&mut client, 0, "data: hal"), [""; 0]);
    client.on_error(1);
    assert_eq!(read(&mut client, 1, "f\n\ndata: x\n\n"), [""; 0]);
    let until = wait(&mut client, 1);
    client.poll(until);
    client.on_head(until, &good());
    assert_eq!(read(&mut client, until, "f\n\ndata: x\n\n"), ["x"]);
}

#[test]
fn close_in_the_loop_skips_the_rest_of_the_input() {
    let mut client = open(EXACT);
    let mut input: &[u8] = b"data: [DONE]\n\ndata: x\n\n";
    let mut events = 0;
    while let Some(event) = client.next(0, &mut input).unwrap() {
        events += 1;
        let is_done = event.data() == b"[DONE]";
        if is_done {
            client.close();
        }
    }
    assert_eq!((events, input), (1, &b""[..]));
    let progress = client.feed(0, b"data: y\n\n");
    assert_eq!((progress.consumed, progress.result), (9, Ok(None)));
    assert_eq!((client.poll(0), client.ready_state()), (Action::Closed(Reason::Close), ReadyState::Closed));
}

#[test]
fn restart_waits_as_usual_and_opens_a_closed_client() {
    let mut client = open(EXACT);
    client.restart(10);
    assert_eq!((wait(&mut client, 10), client.failures(), client.cause()), (1010, 0, Cause::Restart));

    let mut client = asked(EXACT);
    client.restart(10);
    assert_eq!((wait(&mut client, 10), client.failures()), (1010, 0));

    let mut client = asked(EXACT);
    assert_eq!(client.on_head(0, &head(401, &[])), Verdict::Failed(Cause::Status(401)));
    assert_eq!(client.ready_state(), ReadyState::Closed);
    client.restart(10);
    assert_eq!(client.ready_state(), ReadyState::Connecting);
    assert_eq!((wait(&mut client, 10), client.failures()), (1010, 0));

    let mut client = open(EXACT);
    client.close();
    assert_eq!(client.poll(5), Action::Closed(Reason::Close));
    client.restart(10);
    assert_eq!(wait(&mut client, 10), 1010);
}

#[test]
fn the_first_id_is_that_of_the_parser_and_survives() {
    let mut parser = Parser::<[u8; 64]>::new();
    parser.set_last_event_id(b"41").unwrap();
    let mut client = Client::new(parser, EXACT, 1);
    client.poll(0);
    assert_eq!(client.last_event_id().unwrap().to_string(), "41");
    client.on_error(0);
    client.poll(1000);
    client.on_head(1000, &good());
    assert_eq!(read(&mut client, 1000, "id: 42\n\nid: 43\n"), [""; 0]);
    client.on_end(1000);
    client.poll(1000);
    assert_eq!(client.last_event_id().unwrap().to_string(), "42", "of an unfinished block the ID is not committed");
}

// Heads.

#[test]
fn heads_by_status() {
    let types = [("Content-Type", "text/event-stream")];
    let again = [408, 425, 429, 500, 502, 503, 504];
    for status in 0..=1000 {
        for policy in [EXACT, Policy::BROWSER] {
            let mut client = asked(policy);
            let verdict = client.on_head(0, &head(status, &types));
            let expected = match status {
                200 => Verdict::Open,
                100 | 102..=199 => Verdict::Informational,
                301 | 302 | 303 | 307 | 308 => Verdict::Failed(Cause::Redirect(status)),
                _ => Verdict::Failed(Cause::Status(status)),
            };
            assert_eq!(verdict, expected, "{status}");
            let goes_on = again.contains(&status) && policy.retries_statuses
                || status == 200
                || expected == Verdict::Informational;
            let state = client.ready_state();
            assert_eq!(state == ReadyState::Closed, !goes_on, "{status}");
            client.on_end(0);
            match (client.poll(0), verdict) {
                (Action::Closed(reason), Verdict::Failed(cause)) if !goes_on => {
                    assert_eq!(reason, Reason::Failed(cause))
                }
                (Action::Wait { .. }, _) if goes_on => {}
                other => panic!("{status}: {other:?}"),
            }
        }
    }
}

#[test]
fn an_informational_head_is_followed_by_another() {
    let mut client = asked(EXACT);
    assert_eq!(client.on_head(7, &head(103, &[])), Verdict::Informational);
    assert_eq!(client.poll(8), Action::Head { until: 30_000 });
    assert_eq!(client.on_head(9, &good()), Verdict::Open);
}

#[test]
fn content_types() {
    let cases: &[(&[&str], bool)] = &[
        (&["text/event-stream"], true),
        (&["TEXT/Event-Stream"], true),
        (&["\t text/event-stream \t"], true),
        (&["text/event-stream ; charset=utf-8"], true),
        (&["text/event-stream charset=utf-8"], true),
        (&["text/event-stream;charset=\"UTF-8\""], true),
        (&["text/event-stream; charset = utf-8"], true),
        (&["text/event-stream;charset="], true),
        (&["text/event-stream;charset"], true),
        (&["text/event-stream;"], true),
        (&["text/event-stream;foo=\"a;charset=x,y\""], true),
        (&["text/event-stream;foo=\"\\\";charset=x\""], true),
        (&["text/event-stream;CHARSET=latin1"], false),
        (&["text/event-stream;charset=utf8"], false),
        (&["text/event-stream;charset=utf-8;charset=latin1"], true),
        (&["text/event-stream;charset=latin1;charset=utf-8"], false),
        (&["text/event-stream,"], true),
        (&[",text/event-stream,,"], true),
        (&["text/event-stream, */*"], true),
        (&["text/html, text/event-stream"], true),
        (&["text/event-stream, text/html"], false),
        (&["text/event-stream, nonsense"], true),
        (&["text/html", "text/event-stream"], true),
        (&["text/event-stream", "text/html"], false),
        (&["text/event-stream;charset=latin1", "text/event-stream"], false),
        (&["text/event-stream;charset=latin1", "text/html", "text/event-stream"], true),
        (&["text/event-stream;charset=latin1", "text/event-stream;charset=utf-8"], true),
        (&["text/event-streams"], false),
        (&["text/event-stream\u{c}"], false),
        (&["text /event-stream"], false),
        (&["text/event-strea"], false),
        (&["\"text/event-stream\""], false),
        (&["application/json"], false),
        (&["event-stream"], false),
        (&["*/*"], false),
        (&[""], false),
        (&[], false),
    ];
    for (values, is_stream) in cases {
        let mut head = Head::new(200);
        for value in *values {
            head.header(b"content-TYPE", value.as_bytes());
        }
        for policy in [EXACT, Policy::BROWSER] {
            let expected = if *is_stream { Verdict::Open } else { Verdict::Failed(Cause::ContentType) };
            assert_eq!(asked(policy).on_head(0, &head), expected, "{values:?}");
        }
        if let [value] = values {
            assert_eq!(ssewire::http::is_event_stream(value.as_bytes()), *is_stream, "{value}");
        }
    }
}

#[test]
fn a_missing_type_is_accepted_on_request_and_another_type_never() {
    let policy = with(EXACT, |policy| policy.accepts_untyped = true);
    assert_eq!(asked(policy).on_head(0, &Head::new(200)), Verdict::Open);
    let html = head(200, &[("Content-Type", "text/html")]);
    assert_eq!(asked(policy).on_head(0, &html), Verdict::Failed(Cause::ContentType));
}

#[test]
fn a_content_coding_is_a_failure_with_its_name() {
    for (value, name) in [
        ("gzip", "gzip"),
        ("identity, x-Gzip", "x-Gzip"),
        (" , br,gzip", "br"),
        ("a\u{1}very-long-name", "a?very-long-"),
    ] {
        let head = head(200, &[("Content-Type", "text/event-stream"), ("Content-Encoding", value)]);
        let mut client = asked(EXACT);
        let Verdict::Failed(cause @ Cause::ContentCoding(coding)) = client.on_head(0, &head) else { panic!("{value}") };
        assert_eq!(coding.name(), name);
        assert_eq!(cause.to_string(), format!("coding {name}, which was not asked for"));
        // Nobody can read its body.
        assert_eq!(client.poll(0), Action::Closed(Reason::Failed(cause)));
        assert_eq!(asked(Policy::BROWSER).on_head(0, &head), Verdict::Open);
    }
    for value in ["", "identity", "IDENTITY, ,identity"] {
        let head = head(200, &[("Content-Type", "text/event-stream"), ("Content-Encoding", value)]);
        assert_eq!(asked(EXACT).on_head(0, &head), Verdict::Open, "{value}");
    }
}

#[test]
fn a_redirect_that_is_not_followed_ends_the_client() {
    let mut client = client(with(EXACT, |policy| policy.redirects = 0));
    client.poll(0);
    let redirect = head(301, &[("location", "/two")]);
    assert_eq!(client.on_head(5, &redirect), Verdict::Failed(Cause::Redirect(301)));
    client.on_end(5);
    assert_eq!(client.poll(5), Action::Closed(Reason::Failed(Cause::Redirect(301))));
}

#[test]
fn a_response_without_a_body_is_not_read() {
    let responses: [(u16, &[(&str, &str)]); 3] = [(204, &[]), (304, &[]), (404, &[("content-length", "0")])];
    for (status, fields) in responses {
        let mut client = client(EXACT);
        client.poll(0);
        client.on_head(5, &head(status, fields));
        assert_eq!(client.poll(5), Action::Closed(Reason::Failed(Cause::Status(status))));
    }
}

#[test]
fn redirects_are_followed_up_to_a_limit_within_one_attempt() {
    let redirect = head(302, &[("Location", "/two")]);
    assert_eq!(redirect.location(), Some(&b"/two"[..]));
    let mut client = asked(EXACT);
    for i in 0..5 {
        assert_eq!(client.on_head(i, &redirect), Verdict::Redirect);
        client.on_end(i);
        assert_eq!(client.poll(i), Action::Connect { until: 30_000, is_redirect: true });
        assert_eq!(client.poll(i), Action::Head { until: 30_000 });
    }
    assert_eq!(client.on_head(5, &redirect), Verdict::Failed(Cause::Redirects(5)));
    assert_eq!((client.failures(), client.ready_state()), (1, ReadyState::Connecting));
    client.on_end(5);
    let until = wait(&mut client, 5);
    assert_eq!(client.poll(until), Action::Connect { until: until + 30_000, is_redirect: false });
    assert_eq!(client.on_head(until, &redirect), Verdict::Redirect, "the count begins anew");

    for location in [&[][..], &[("Location", "")], &[("Location", " ")]] {
        let mut client = asked(EXACT);
        assert_eq!(client.on_head(0, &head(307, location)), Verdict::Failed(Cause::Redirect(307)));
        assert_eq!(client.ready_state(), ReadyState::Closed);
    }
}

// Waits.

#[test]
fn waits_double_from_the_second_failure_up_to_the_longest() {
    let mut client = client(EXACT);
    let mut now = 0;
    let mut waits = Vec::new();
    for _ in 0..8 {
        client.poll(now);
        client.on_error(now);
        let until = wait(&mut client, now);
        waits.push(until - now);
        now = until;
    }
    assert_eq!(waits, [1000, 1000 * 2, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
}

#[test]
fn retry_changes_the_base_within_bounds_and_is_no_reset() {
    for (retry, waits) in [
        ("0", [100, 200, 400]),
        ("99", [100, 200, 400]),
        ("250", [250, 500, 1000]),
        ("30000", [30_000, 30_000, 30_000]),
        ("18446744073709551615", [30_000, 30_000, 30_000]),
    ] {
        let mut client = open(EXACT);
        read(&mut client, 0, &format!("retry: {retry}\n"));
        let mut now = 0;
        for expected in waits {
            client.on_error(now);
            let until = wait(&mut client, now);
            assert_eq!(until - now, expected, "{retry}");
            now = until;
            client.poll(now);
        }
        client.on_head(now, &good());
        read(&mut client, now, "retry: 200\n");
        client.on_error(now);
        assert_eq!(wait(&mut client, now) - now, 1600, "the growth goes on from the new base");
    }
}

#[test]
fn a_browser_waits_as_the_stream_says() {
    for (retry, expected) in [("0", 0), ("4000000000", 4_000_000_000), ("18446744073709551615", u64::MAX), ("x", 3000)]
    {
        let mut client = open(Policy::BROWSER);
        read(&mut client, 0, &format!("retry: {retry}\n"));
        for _ in 0..3 {
            client.on_error(0);
            match client.poll(0) {
                Action::Wait { until } => {
                    assert_eq!(until, expected);
                    break;
                }
                Action::Connect { .. } => assert_eq!(expected, 0),
                action => panic!("{action:?}"),
            }
        }
    }
}

#[test]
fn jitter_shortens_a_wait_by_up_to_a_half_and_differs_between_seeds() {
    let mut waits = Vec::new();
    for seed in 0..400 {
        let mut client: Small = Client::new(Parser::new(), Policy::ROBUST, seed);
        client.poll(0);
        client.on_error(0);
        waits.push(wait(&mut client, 0));
        let mut same: Small = Client::new(Parser::new(), Policy::ROBUST, seed);
        same.poll(0);
        same.on_error(0);
        assert_eq!(wait(&mut same, 0), waits[seed as usize]);
    }
    assert!(waits.iter().all(|wait| (500..=1000).contains(wait)), "{waits:?}");
    waits.sort();
    waits.dedup();
    assert!(waits.len() > 150, "{}", waits.len());
    assert!(waits[0] < 520 && waits[waits.len() - 1] > 980);
    // The largest wait that is not never, and the shortest.
    for (time, least) in [(u32::MAX - 1, u64::from(u32::MAX / 2)), (1, 1)] {
        let policy = with(Policy::ROBUST, |policy| {
            (policy.min_wait_ms, policy.max_wait_ms, policy.reconnection_time_ms) = (0, u32::MAX, time);
        });
        let mut client = asked(policy);
        client.on_error(0);
        let until = wait(&mut client, 0);
        assert!((least..=time.into()).contains(&until), "{until}");
    }
}

#[test]
fn retry_after_is_the_shortest_wait_and_has_a_bound_of_its_own() {
    const DATE: (&str, &str) = ("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
    let cases: &[(&[(&str, &str)], u64)] = &[
        (&[], 1000),
        (&[("Retry-After", "0")], 1000),
        (&[("Retry-After", "7")], 7000),
        (&[("Retry-After", " 7 ")], 7000),
        (&[("Retry-After", "99999999999999999999")], 300_000),
        (&[("Retry-After", "-7")], 1000),
        (&[("Retry-After", "soon")], 1000),
        (&[("Retry-After", "Sun, 06 Nov 1994 08:50:00 GMT"), DATE], 23_000),
        (&[DATE, ("Retry-After", "Sunday, 06-Nov-94 08:50:00 GMT")], 23_000),
        (&[DATE, ("Retry-After", "Sun Nov  6 08:50:00 1994")], 23_000),
        (&[DATE, ("Retry-After", "Mon, 07 Nov 1994 08:50:00 GMT")], 300_000),
        (&[DATE, ("Retry-After", "Sun, 06 Nov 1994 08:49:00 GMT")], 1000),
        (&[("Retry-After", "Sun, 06 Nov 1994 08:50:00 GMT")], 1000),
    ];
    for (fields, expected) in cases {
        let mut client = asked(EXACT);
        client.on_head(0, &head(503, fields));
        client.on_end(0);
        assert_eq!(wait(&mut client, 0), *expected, "{fields:?}");
        let mut client = asked(with(EXACT, |policy| policy.retry_after_date = None));
        client.on_head(0, &head(503, fields));
        client.on_end(0);
        let has_date = fields.iter().any(|(name, value)| *name == "Retry-After" && value.contains("Nov"));
        assert_eq!(wait(&mut client, 0), if has_date { 1000 } else { *expected }, "{fields:?}");
        let mut client = asked(with(EXACT, |policy| policy.max_retry_after_ms = 0));
        client.on_head(0, &head(503, fields));
        client.on_end(0);
        assert_eq!(wait(&mut client, 0), 1000, "{fields:?}");
    }
    let mut client = asked(EXACT);
    client.on_head(0, &head(503, &[("Retry-After", "7")]));
    client.on_end(0);
    client.poll(7000);
    client.on_error(7000);
    assert_eq!(wait(&mut client, 7000), 9000, "it is of one response");
}

// Failures and limits.

#[test]
fn a_response_without_an_event_is_a_failed_attempt() {
    let mut client = client(with(EXACT, |policy| policy.attempts = 4));
    let mut now = 0;
    for failures in 1..=4 {
        client.poll(now);
        assert_eq!(client.on_head(now, &good()), Verdict::Open);
        assert_eq!(client.failures(), failures - 1, "a status of 200 is no reset");
        read(&mut client, now, ": comment\n\nid: 7\n\n");
        client.on_end(now);
        assert_eq!(client.failures(), failures);
        if failures < 4 {
            now = wait(&mut client, now);
        }
    }
    assert_eq!(client.poll(now), Action::Closed(Reason::GaveUp { attempts: 4, last: Cause::End }));
    assert_eq!(client.ready_state(), ReadyState::Closed);
    let Action::Closed(reason) = client.poll(now) else { panic!() };
    assert_eq!(reason.to_string(), "gave up after 4 failed attempts, the last one: the response ended");
}

#[test]
fn an_event_sets_the_failures_to_zero() {
    let mut client = client(with(EXACT, |policy| policy.attempts = 2));
    let mut now = 0;
    for _ in 0..10 {
        client.poll(now);
        client.on_error(now);
        now = wait(&mut client, now);
        client.poll(now);
        client.on_head(now, &good());
        assert_eq!(client.failures(), 1);
        assert_eq!(read(&mut client, now, "event: ping\ndata\n\n"), [""]);
        assert_eq!(client.failures(), 0);
        client.on_error(now);
        assert_eq!((client.failures(), wait(&mut client, now)), (0, now + 1000));
        now += 1000;
    }
}

#[test]
fn bytes_over_a_minute_are_no_failure() {
    for (time, failures) in [(59_999, 2), (60_000, 0)] {
        let mut client = asked(EXACT);
        client.on_error(0);
        client.poll(1000);
        client.on_head(1000, &good());
        read(&mut client, 1000 + time, ":\n");
        client.on_error(1000 + time);
        assert_eq!(client.failures(), failures);
    }
}

#[test]
fn the_first_connection_may_be_the_last() {
    let policy = with(EXACT, |policy| policy.retries_first = false);
    let mut client = asked(policy);
    client.on_error(0);
    assert_eq!(client.poll(0), Action::Closed(Reason::Failed(Cause::NoResponse)));
    let mut client = asked(policy);
    assert_eq!(client.poll(40_000), Action::Closed(Reason::Failed(Cause::HeadTimeout { ms: 30_000 })));
    let mut client = open(policy);
    client.on_error(0);
    client.poll(1000);
    client.on_error(1000);
    assert_eq!(wait(&mut client, 1000), 3000);
}

#[test]
fn any_byte_ends_a_silence_unless_only_events_do() {
    for only_events in [false, true] {
        let mut client = open(with(EXACT, |policy| policy.only_events_are_life = only_events));
        assert_eq!(client.poll(0), Action::Read { until: 120_000 });
        assert_eq!(client.next(500, &mut &b""[..]), Ok(None));
        assert_eq!(client.poll(500), Action::Read { until: 120_000 }, "no byte is no life");
        read(&mut client, 1000, ":");
        assert_eq!(client.poll(1000), Action::Read { until: if only_events { 120_000 } else { 121_000 } });
        read(&mut client, 2000, "\ndata\n\n");
        assert_eq!(client.poll(121_999), Action::Read { until: 122_000 });
        assert_eq!(client.poll(122_000), Action::Wait { until: 123_000 });
        assert_eq!(client.cause(), Cause::Silence { ms: 120_000 });
    }
}

#[test]
fn never_is_never() {
    let mut client = open(Policy::BROWSER);
    assert_eq!(client.poll(u64::MAX), Action::Read { until: u64::MAX });
    let mut client = asked(Policy::BROWSER);
    assert_eq!(client.poll(u64::MAX), Action::Head { until: u64::MAX });
    let mut client = self::client(Policy::BROWSER);
    for _ in 0..1000 {
        client.poll(0);
        client.on_error(0);
        let until = wait(&mut client, 0);
        assert_eq!(until, 3000);
        client.poll(until);
        client.on_error(0);
        wait(&mut client, 0);
        client.poll(3000);
        client.on_error(0);
    }
}

// Excerpts.

#[test]
fn the_body_of_a_failed_response_is_read_and_shown_within_bounds() {
    let mut client = asked(EXACT);
    client.on_head(10, &head(400, &[]));
    assert_eq!((client.poll(10), client.ready_state()), (Action::Read { until: 1010 }, ReadyState::Closed));
    assert_eq!(read(&mut client, 20, "{\"error\":"), [""; 0]);
    assert_eq!(read(&mut client, 30, "\"m\"}\ndata: x\n\n"), [""; 0]);
    assert_eq!(client.excerpt().unwrap().to_string(), "the body begins: {\"error\":\"m\"}");
    assert_eq!(client.excerpt().unwrap().bytes, b"{\"error\":\"m\"}\ndata: x\n\n");
    client.on_end(40);
    assert_eq!(client.poll(40), Action::Closed(Reason::Failed(Cause::Status(400))));
    assert!(client.excerpt().is_some(), "it stays");

    // In time, and in size.
    let mut client = asked(EXACT);
    client.on_head(10, &head(503, &[]));
    assert_eq!(client.poll(1009), Action::Read { until: 1010 });
    assert_eq!(client.poll(1010), Action::Connect { until: 31_010, is_redirect: false });
    let mut client = asked(EXACT);
    client.on_head(0, &head(503, &[]));
    read(&mut client, 0, &"x".repeat(255));
    assert!(matches!(client.poll(0), Action::Read { .. }));
    read(&mut client, 0, "yz");
    assert!(matches!(client.poll(0), Action::Wait { .. }));
    assert!(client.excerpt().unwrap().bytes.ends_with(b"xy"));
    assert_eq!(client.excerpt().unwrap().bytes.len(), 256);
    client.poll(1000);
    assert_eq!(client.excerpt(), None, "each connection begins anew");

    // Without memory, and without time.
    let mut client = Client::with_excerpt(Parser::<[u8; 8]>::new(), EXACT, 1, []);
    client.poll(0);
    client.on_head(0, &head(400, &[]));
    assert!(matches!(client.poll(0), Action::Closed(_)));
    let mut client = asked(Policy::BROWSER);
    client.on_head(0, &head(400, &[]));
    assert!(matches!(client.poll(0), Action::Closed(_)));
}

#[test]
fn lines_that_are_no_field_are_counted_and_shown() {
    let cases = [
        ("{\"error\":{\"message\":\"m\"}}\n", "no event in 1 line: {\"error\":{\"message\":\"m\"}}"),
        ("error: {\"code\":400}\n\ndata: [DONE]\n\n", "1 unknown line: error: {\"code\":400}"),
        ("<html>\r\n<body>\r\n</body>\r\n", "no event in 3 lines; the first is: <html>"),
        (" event: x \n data: y\n\n", "no event in 2 lines; the first is:  event: x "),
        ("datum: 1\ndat", "no event in 1 line: datum: 1"),
        ("\u{1b}[2J\n", "no event in 1 line: \u{fffd}[2J"),
    ];
    for (stream, expected) in cases {
        for size in [stream.len(), 1, 2, 5] {
            for two_steps in [false, true] {
                let mut client = open(EXACT);
                for chunk in
                    stream.as_bytes().chunks(size).chain([&b"a\n"[..]].into_iter().filter(|_| stream.ends_with("dat")))
                {
                    let mut input = chunk;
                    if two_steps {
                        while !input.is_empty() {
                            input = &input[client.feed(0, input).consumed..];
                        }
                    } else {
                        while client.next(0, &mut input).unwrap().is_some() {}
                    }
                }
                // "dat" and "a" are a field.
                assert_eq!(client.excerpt().unwrap().to_string(), expected, "in chunks of {size}");
            }
        }
    }
    let mut client = open(EXACT);
    read(&mut client, 0, ": comment\n\nid: 1\nretry: 5\n\ndata: x\n\n");
    assert_eq!(client.excerpt(), None);
    read(&mut client, 0, "an unknown line after an event\n");
    assert_eq!(client.excerpt(), None);
}

// IDs.

#[test]
fn ids_are_sent_as_text_without_blanks_at_their_ends() {
    let cases: &[(&[u8], Option<&str>, bool)] = &[
        (b"", None, true),
        (b"7", Some("7"), true),
        (b"  7\t ", Some("7"), true),
        (b"  ", Some(""), true),
        (b"a, b", Some("a, b"), true),
        (b"a\xffb", Some("a\u{fffd}b"), true),
        ("€".as_bytes(), Some("€"), true),
        (b"a\tb", Some("a\tb"), true),
        (b"a\x01b", Some("a\x01b"), false),
        (b"a\x7f", Some("a\x7f"), false),
    ];
    for (id, sent, is_sendable) in cases {
        for policy in [EXACT, Policy::BROWSER] {
            let mut client = open(policy);
            let stream = [&b"id: "[..], id, b"\n\n"].concat();
            assert_eq!(client.next(0, &mut &stream[..]), Ok(None));
            let expected = sent.filter(|_| *is_sendable || policy.max_id_len.is_none());
            assert_eq!(client.last_event_id().map(|id| id.to_string()).as_deref(), expected, "{id:?}");
        }
    }
}

#[test]
fn an_id_that_no_header_carries_is_left_out_and_reported_once() {
    let mut client: Client<_> = Client::new(Parser::with_limit(1 << 20), EXACT, 1);
    client.poll(0);
    client.on_head(0, &good());
    let set = |client: &mut Client<_>, id: &str| {
        assert_eq!(client.next(0, &mut format!("id:{id}\n\n").as_bytes()), Ok(None));
    };
    set(&mut client, &"x".repeat(4096));
    assert_eq!((client.unsendable_id(), client.last_event_id().is_some()), (None, true));
    set(&mut client, &"x".repeat(4097));
    assert_eq!(client.last_event_id().map(|id| id.to_string()), None);
    let too_long = UnsendableId::TooLong { len: 4097, limit: 4096 };
    assert_eq!(client.unsendable_id(), Some(too_long));
    assert_eq!(too_long.to_string(), "last event ID left out of the request: 4097 bytes, the limit is 4096");
    assert_eq!(client.unsendable_id(), None);
    set(&mut client, "a\x1bb");
    let invalid = InvalidByte { field: Field::Id, byte: 0x1b, position: 1 };
    assert_eq!(client.unsendable_id(), Some(UnsendableId::InvalidByte(invalid)));
    assert_eq!(client.unsendable_id(), None);
}

// The ends of streams.

#[test]
fn an_unfinished_event_is_delivered_if_the_policy_says_so() {
    for takes in [true, false] {
        let mut client = open(with(EXACT, |policy| policy.takes_unfinished = takes));
        assert_eq!(read(&mut client, 0, "data: a\n\nid: 2\ndata: b"), ["a"]);
        let event = client.take_unfinished(0).unwrap().map(|event| event.data().to_vec());
        assert_eq!(event, takes.then(|| b"b".to_vec()));
        client.on_end(0);
        assert_eq!(client.take_unfinished(0), Ok(None));
        client.poll(0);
        assert_eq!(client.last_event_id().map(|id| id.to_string()).as_deref(), takes.then_some("2"));
    }
    let mut client = open(with(EXACT, |policy| policy.takes_unfinished = true));
    read(&mut client, 0, "data: b");
    assert!(client.take_unfinished(0).unwrap().is_some());
    client.on_end(0);
    assert_eq!(client.failures(), 0, "it is an event");
}

#[test]
fn an_event_that_does_not_fit_is_reported_and_a_sign_of_life() {
    let mut client: Client<[u8; 4]> = Client::new(Parser::new(), EXACT, 1);
    client.poll(0);
    client.on_head(0, &good());
    let mut input: &[u8] = b"data: 12345\n\n";
    assert_eq!(client.next(0, &mut input), Err(Overflow { field: Field::Data, needed: 5, capacity: 4 }));
    assert_eq!(client.next(0, &mut input), Ok(None));
    client.on_end(0);
    assert_eq!(client.failures(), 0);
}

#[test]
fn debug_shows_the_state_and_no_data() {
    let mut client = open(EXACT);
    read(&mut client, 0, "id: 7\ndata: secret\n\n<secret>\n");
    let text = format!("{client:?}");
    assert!(
        text.starts_with("Client { ready_state: Open, failures: 0,")
            && text.contains("\"7\"")
            && !text.contains("secret"),
        "{text}"
    );
}

// All rows at once, against a model that is written like the table.

#[derive(Clone, Copy, Debug)]
enum Input {
    Poll,
    Head(u8),
    Bytes(u8),
    End,
    Error,
    Close,
    Restart,
    Time(u32),
}

fn inputs() -> impl Strategy<Value = Vec<Input>> {
    let input = prop_oneof![
        6 => Just(Input::Poll),
        4 => (0..9u8).prop_map(Input::Head),
        3 => (0..4u8).prop_map(Input::Bytes),
        1 => Just(Input::End),
        1 => Just(Input::Error),
        1 => Just(Input::Restart),
        1 => prop_oneof![9 => Just(Input::Poll), 1 => Just(Input::Close)],
        3 => prop_oneof![0..2000u32, 0..200_000u32].prop_map(Input::Time),
    ];
    prop::collection::vec(input, 0..60)
}

const HEADS: [(u16, &[(&str, &str)]); 9] = [
    (200, &[("content-type", "text/event-stream")]),
    (200, &[("content-type", "text/event-stream"), ("retry-after", "5")]),
    (200, &[("content-type", "text/html")]),
    (204, &[]),
    (503, &[("retry-after", "5")]),
    (429, &[]),
    (302, &[("location", "/")]),
    (302, &[]),
    (100, &[]),
];
const BODIES: [&str; 4] = [":\n", "data: x\n\n", "retry: 200\n", "<html>\n"];

#[derive(Clone, Copy, Debug)]
enum Row {
    Ready,
    Redirected { until: u64 },
    Asked { until: u64 },
    Open { until: u64, since: u64 },
    Failed { until: u64, at: u64, asked_for: u64, fatal: Option<Cause> },
    Lost { at: u64, asked_for: u64, fatal: Option<Cause> },
    Waiting { until: u64 },
    Closed(Reason),
}

struct Model {
    row: Row,
    policy: Policy,
    failures: u32,
    base: u64,
    hops: u8,
    healthy: bool,
    opened: bool,
    last: Cause,
}

impl Model {
    fn lose(&mut self, at: u64, cause: Cause) {
        self.failures += u32::from(!self.healthy);
        self.last = cause;
        let fatal = (!self.opened && !self.policy.retries_first).then_some(cause);
        self.row = Row::Lost { at, asked_for: 0, fatal };
    }

    fn input(&mut self, now: u64, input: Input) -> Option<Action> {
        let policy = self.policy;
        match (self.row, input) {
            (_, Input::Close) => self.row = Row::Closed(Reason::Close),
            (
                Row::Closed(_) | Row::Lost { fatal: Some(_), .. } | Row::Failed { fatal: Some(_), .. },
                Input::Restart,
            ) => {
                self.failures = 0;
                self.last = Cause::Restart;
                self.row = Row::Lost { at: now, asked_for: 0, fatal: None };
            }
            (Row::Asked { .. } | Row::Redirected { .. } | Row::Open { .. }, Input::Restart) => {
                self.last = Cause::Restart;
                self.row = Row::Lost { at: now, asked_for: 0, fatal: None };
            }
            (Row::Asked { .. }, Input::End | Input::Error) => self.lose(now, Cause::NoResponse),
            (Row::Open { .. }, Input::End) => self.lose(now, Cause::End),
            (Row::Open { .. }, Input::Error) => self.lose(now, Cause::Cut),
            (Row::Failed { at, asked_for, fatal, .. }, Input::End | Input::Error) => {
                self.row = Row::Lost { at, asked_for, fatal };
            }
            (Row::Open { since, .. }, Input::Bytes(body)) => {
                self.row = Row::Open { until: now + u64::from(policy.silence_ms), since };
                self.healthy |= body == 1 || now - since >= policy.healthy_ms.into();
                self.failures *= u32::from(!(body == 1 || now - since >= policy.healthy_ms.into()));
                if body == 2 {
                    self.base = 200;
                }
            }
            (Row::Asked { until }, Input::Head(kind)) => match kind {
                0 | 1 => {
                    self.opened = true;
                    self.row = Row::Open { until: now + u64::from(policy.silence_ms), since: now };
                }
                6 if self.hops < policy.redirects => {
                    self.hops += 1;
                    self.row = Row::Redirected { until };
                }
                8 => {}
                _ => {
                    let (cause, goes_on, asked_for) = match kind {
                        2 => (Cause::ContentType, false, 0),
                        3 => (Cause::Status(204), false, 0),
                        4 => (Cause::Status(503), true, 5000),
                        5 => (Cause::Status(429), true, 0),
                        6 => (Cause::Redirects(policy.redirects), true, 0),
                        _ => (Cause::Redirect(302), false, 0),
                    };
                    self.lose(now, cause);
                    let Row::Lost { fatal, .. } = self.row else { unreachable!() };
                    let fatal = fatal.or((!goes_on).then_some(cause));
                    // A response of status 204 has no body to read.
                    self.row = match kind {
                        3 => Row::Lost { at: now, asked_for, fatal },
                        _ => Row::Failed { until: now + u64::from(policy.failed_body_ms), at: now, asked_for, fatal },
                    };
                }
            },
            (_, Input::Poll) => return Some(self.poll(now)),
            _ => {}
        }
        None
    }

    fn poll(&mut self, now: u64) -> Action {
        let policy = self.policy;
        match self.row {
            Row::Asked { until } if now >= until => self.lose(until, Cause::HeadTimeout { ms: policy.head_ms }),
            Row::Open { until, .. } if now >= until => self.lose(until, Cause::Silence { ms: policy.silence_ms }),
            Row::Failed { until, at, asked_for, fatal } if now >= until => {
                self.row = Row::Lost { at, asked_for, fatal }
            }
            _ => {}
        }
        if let Row::Lost { at, asked_for, fatal } = self.row {
            let doubled = self.base << self.failures.saturating_sub(1).min(20);
            self.row = match fatal {
                Some(cause) => Row::Closed(Reason::Failed(cause)),
                None if self.failures >= policy.attempts => {
                    Row::Closed(Reason::GaveUp { attempts: self.failures, last: self.last })
                }
                None => Row::Waiting { until: at + doubled.min(30_000).max(asked_for) },
            };
        }
        match self.row {
            Row::Waiting { until } if now < until => Action::Wait { until },
            Row::Ready | Row::Waiting { .. } => {
                (self.hops, self.healthy) = (0, false);
                let until = now + u64::from(policy.head_ms);
                self.row = Row::Asked { until };
                Action::Connect { until, is_redirect: false }
            }
            Row::Redirected { until } => {
                self.row = Row::Asked { until };
                Action::Connect { until, is_redirect: true }
            }
            Row::Asked { until } => Action::Head { until },
            Row::Open { until, .. } | Row::Failed { until, .. } => Action::Read { until },
            Row::Closed(reason) => Action::Closed(reason),
            Row::Lost { .. } => unreachable!(),
        }
    }
}

#[test]
fn any_inputs_lead_where_the_table_says() {
    common::for_all((inputs(), any::<bool>(), 1..6u32), |(inputs, retries_first, attempts)| {
        let policy = with(EXACT, |policy| {
            (policy.retries_first, policy.attempts, policy.redirects) = (retries_first, attempts, 2);
        });
        let mut model = Model {
            row: Row::Ready,
            policy,
            failures: 0,
            base: 1000,
            hops: 0,
            healthy: false,
            opened: false,
            last: Cause::NoResponse,
        };
        let mut client = client(policy);
        let mut now = 0;
        for (i, input) in inputs.into_iter().enumerate() {
            let mut action = None;
            match input {
                Input::Time(ms) => now += u64::from(ms),
                Input::Poll => action = Some(client.poll(now)),
                Input::Head(kind) => {
                    let (status, fields) = HEADS[usize::from(kind)];
                    client.on_head(now, &head(status, fields));
                }
                Input::Bytes(kind) => {
                    let is_open = matches!(model.row, Row::Open { .. });
                    let events = read(&mut client, now, BODIES[usize::from(kind)]);
                    assert_eq!(events.len(), usize::from(is_open && kind == 1));
                }
                Input::End => client.on_end(now),
                Input::Error => client.on_error(now),
                Input::Close => client.close(),
                Input::Restart => client.restart(now),
            }
            let expected = model.input(now, input);
            assert_eq!(action, expected, "input {}: {:?} at {}", i, input, now);
            assert_eq!(client.failures(), model.failures, "input {}: {:?} at {}", i, input, now);
            let state = match model.row {
                Row::Open { .. } => ReadyState::Open,
                Row::Closed(_) | Row::Failed { fatal: Some(_), .. } | Row::Lost { fatal: Some(_), .. } => {
                    ReadyState::Closed
                }
                _ => ReadyState::Connecting,
            };
            assert_eq!(client.ready_state(), state);
        }
    });
}
