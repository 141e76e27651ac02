//! What a client says to people: causes, reasons, excerpts, IDs that are left out; and its small accessors.

use ssewire::client::{Action, Cause, Client, Excerpt, Head, Policy, Reason, UnsendableId, Verdict};
use ssewire::{Overflow, Parser};

fn client(policy: Policy) -> Client<[u8; 16]> {
    let mut client = Client::new(Parser::<[u8; 16]>::new(), policy, 0);
    assert!(matches!(client.poll(0), Action::Connect { .. }));
    client
}

fn opened(policy: Policy) -> Client<[u8; 16]> {
    let mut client = client(policy);
    let mut head = Head::new(200);
    head.header(b"Content-Type", b"text/event-stream");
    assert_eq!(client.on_head(0, &head), Verdict::Open);
    client
}

#[test]
fn causes_and_reasons_are_phrases() {
    for (cause, text) in [
        (Cause::NoResponse, "no response"),
        (Cause::HeadTimeout { ms: 5 }, "no response within 5 ms"),
        (Cause::Silence { ms: 5 }, "silent for 5 ms"),
        (Cause::End, "the response ended"),
        (Cause::Cut, "the response was cut"),
        (Cause::Status(503), "status 503"),
        (Cause::ContentType, "the response is not of type text/event-stream"),
        (Cause::Redirect(302), "redirect 302, which cannot be followed"),
        (Cause::Status(0), "the response is not of HTTP/1"),
        (Cause::Redirects(5), "more than 5 redirects"),
        (Cause::Restart, "restarted"),
    ] {
        assert_eq!(cause.to_string(), text);
        assert_eq!(Reason::Failed(cause).to_string(), text);
        assert_eq!(Reason::Failed(cause).cause(), Some(cause));
    }
    assert_eq!((Reason::Close.to_string(), Reason::Close.cause()), ("closed".into(), None));
    let gave_up = Reason::GaveUp { attempts: 3, last: Cause::End };
    assert_eq!(gave_up.cause(), Some(Cause::End));
    assert_eq!(gave_up.to_string(), "gave up after 3 failed attempts, the last one: the response ended");
}

#[test]
fn a_content_coding_is_named() {
    let mut client = client(Policy::ROBUST);
    let mut head = Head::new(200);
    head.header(b"Content-Type", b"text/event-stream");
    head.header(b"Content-Encoding", b"identity, x-very-long-coding");
    let Verdict::Failed(cause @ Cause::ContentCoding(coding)) = client.on_head(0, &head) else { panic!() };
    assert_eq!(coding.name(), "x-very-long-");
    assert_eq!(cause.to_string(), "coding x-very-long-, which was not asked for");
    assert_eq!(format!("{coding:?} {coding}"), "x-very-long- x-very-long-");
}

#[test]
fn excerpts_are_one_line() {
    for (bytes, unknown_lines, has_events, text) in [
        (&b"{\"error\":1}\nmore"[..], 0, false, "the body begins: {\"error\":1}"),
        (b"<html>", 1, false, "no event in 1 line: <html>"),
        (b"<html>\n<body>", 2, false, "no event in 2 lines; the first is: <html>"),
        (b"topic: a", 1, true, "1 unknown line: topic: a"),
        (b"topic: a\ntopic: b", 2, true, "2 unknown lines; the first is: topic: a"),
        (b"\x1b[2J\xff", 1, false, "no event in 1 line: \u{fffd}[2J\u{fffd}"),
    ] {
        assert_eq!(Excerpt { bytes, unknown_lines, has_events }.to_string(), text);
    }
}

#[test]
fn an_id_that_is_left_out_is_explained() {
    let mut policy = Policy::ROBUST;
    policy.max_id_len = Some(4);
    for (stream, text) in [
        (&b"id: a\x01\n\n"[..], "last event ID left out of the request: invalid byte 0x01 at position 1 of `id`"),
        (b"id: 12345\n\n", "last event ID left out of the request: 5 bytes, the limit is 4"),
    ] {
        let mut client = opened(policy);
        assert_eq!(client.next(0, &mut &stream[..]), Ok(None));
        let id: UnsendableId = client.unsendable_id().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!((client.unsendable_id(), client.last_event_id().is_none()), (None, true));
    }
}

#[test]
fn accessors() {
    let client = opened(Policy::default());
    assert_eq!(client.policy().attempts, Policy::ROBUST.attempts);
    assert_eq!(client.parser().capacity(), 16);
    assert_eq!(client.cause(), Cause::NoResponse);
}

#[test]
fn an_unfinished_event_may_not_fit() {
    let mut policy = Policy::ROBUST;
    policy.takes_unfinished = true;
    let mut client = opened(policy);
    assert_eq!(
        client.next(0, &mut &b"data: 0123456789\ndata: 0123456789"[..]).map_err(|e: Overflow| e.capacity),
        Err(16)
    );
    assert_eq!(client.take_unfinished(0), Ok(None));
    let mut client = opened(policy);
    assert_eq!(client.next(0, &mut &b"data: 0123456789\ndata: 01234\ndata"[..]), Ok(None));
    assert_eq!(client.take_unfinished(0).unwrap_err().capacity, 16);
}

#[test]
fn a_date_without_the_date_of_the_response_is_no_wait() {
    let wait = |date: Option<&[u8]>| {
        let mut policy = Policy::ROBUST;
        policy.jitters = false;
        let mut client = client(policy);
        let mut head = Head::new(503);
        head.header(b"Retry-After", b"Sun, 06 Nov 1994 08:49:47 GMT");
        if let Some(date) = date {
            head.header(b"Date", date);
        }
        client.on_head(0, &head);
        client.on_end(0);
        match client.poll(0) {
            Action::Wait { until } => until,
            action => panic!("{action:?}"),
        }
    };
    assert_eq!(wait(Some(b"Sun, 06 Nov 1994 08:49:37 GMT")), 10_000);
    assert_eq!((wait(None), wait(Some(b"yesterday"))), (1000, 1000));
}

#[test]
fn a_head_tells_whether_an_event_stream_follows() {
    let ok = ("Content-Type", "Text/Event-Stream; charset=utf-8");
    for (status, fields, follows) in [
        (200, &[ok][..], true),
        (200, &[ok, ("Content-Encoding", "identity, identity")], true),
        (200, &[ok, ("Content-Encoding", "identity"), ("content-encoding", "gzip")], false),
        (200, &[("Content-Type", "text/plain")], false),
        (200, &[], false),
        (204, &[ok], false),
        (503, &[ok], false),
    ] {
        let mut head = Head::new(status);
        fields.iter().for_each(|(name, value)| head.header(name.as_bytes(), value.as_bytes()));
        assert_eq!(head.is_event_stream(), follows, "{status} {fields:?}");
    }
}
