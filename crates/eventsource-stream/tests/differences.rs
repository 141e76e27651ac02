//! The known differences between this crate and the original: each test asserts the behaviour of both.

mod common;

use std::panic::catch_unwind;
use std::time::Duration;

use common::{Random, chunkings, message, original, ours};
use futures::channel::mpsc;
use futures::{FutureExt, StreamExt};

/// The original panics at a byte order mark, however it is split. The standard drops it.
#[test]
fn a_byte_order_mark() {
    for chunks in chunkings("\u{feff}data: 1\n\n".as_bytes()) {
        assert_eq!(ours(chunks.clone()), [message("1", "")]);
        assert!(catch_unwind(|| original(chunks)).is_err());
    }
}

/// The original holds an event back after a CR until the next byte arrives, and loses it without one.
#[test]
fn a_cr_at_the_end_of_a_chunk() {
    assert_eq!(ours(["data: 1\r\r"]), [message("1", "")]);
    assert_eq!(original(["data: 1\r\r"]), []);

    let (sender, bytes) = mpsc::unbounded();
    let mut events = eventsource_stream::EventStream::new(bytes.map(Ok::<_, ()>));
    sender.unbounded_send("data: 1\r\n\r").unwrap();
    assert_eq!(events.next().now_or_never().unwrap().unwrap().unwrap().data, "1");
    sender.unbounded_send("\ndata: 2\r\r").unwrap();
    assert_eq!(events.next().now_or_never().unwrap().unwrap().unwrap().data, "2");

    let (sender, bytes) = mpsc::unbounded();
    let mut events = original::EventStream::new(bytes.map(Ok::<_, ()>));
    sender.unbounded_send("data: 1\r\n\r").unwrap();
    assert_eq!(events.next().now_or_never(), None);
    sender.unbounded_send("\n").unwrap();
    assert_eq!(events.next().now_or_never().unwrap().unwrap().unwrap().data, "1");
}

/// After a byte that is not UTF-8 the original delivers nothing more, whatever follows, and keeps all of it in memory.
/// The standard reads it as U+FFFD.
#[test]
fn a_byte_that_is_not_utf_8() {
    let chunks = [&b"data: 1\n\ndata: a\xffb\n\n"[..], b"data: 3\n\n", b"data: 4\n\n"];
    assert_eq!(ours(chunks), ["1", "a\u{fffd}b", "3", "4"].map(|data| message(data, "")));
    let seen = original(chunks);
    assert_eq!(seen[0], message("1", ""));
    assert!(seen[1].as_ref().unwrap_err().starts_with("UTF8 error"));
    assert_eq!(seen.len(), 2);
}

/// A stream that ends within a character ends with an error for the original; the standard discards the unfinished event.
#[test]
fn a_character_cut_by_the_end() {
    assert_eq!(ours([b"data: 1\n\ndata: \xf0\x9f"]), [message("1", "")]);
    assert!(original([b"data: 1\n\ndata: \xf0\x9f"])[1].as_ref().unwrap_err().starts_with("UTF8 error"));
}

/// The original takes a plus sign for a part of a number. The standard knows digits alone.
#[test]
fn a_retry_with_a_plus_sign() {
    let retry = |seen: &[common::Seen]| seen[0].as_ref().unwrap().3;
    assert_eq!(retry(&ours(["retry: +5\ndata: 1\n\n"])), None);
    assert_eq!(retry(&original(["retry: +5\ndata: 1\n\n"])), Some(Duration::from_millis(5)));
}

/// A last event ID that is set stays until the stream sets another, says the standard. The original forgets it
/// with the first event, which makes a client that reconnects twice ask for everything again.
#[test]
fn a_last_event_id_that_was_set() {
    let chunks = || futures::stream::iter(["data: 1\n\n"].map(Ok::<_, ()>));
    let mut events = eventsource_stream::EventStream::new(chunks());
    events.set_last_event_id("41");
    assert_eq!(events.next().now_or_never().unwrap().unwrap().unwrap().id, "41");
    assert_eq!(events.last_event_id(), "41");

    let mut events = original::EventStream::new(chunks());
    events.set_last_event_id("41");
    assert_eq!(events.next().now_or_never().unwrap().unwrap().unwrap().id, "");
    assert_eq!(events.last_event_id(), "");
}

/// A block with nothing but an ID sets the last event ID, says the standard, although it is not an event.
#[test]
fn a_block_of_an_id_alone() {
    let chunks = || futures::stream::iter(["data: 1\n\nid: 2\n\n"].map(Ok::<_, ()>));
    let mut events = eventsource_stream::EventStream::new(chunks());
    while events.next().now_or_never().unwrap().is_some() {}
    assert_eq!(events.last_event_id(), "2");

    let mut events = original::EventStream::new(chunks());
    while events.next().now_or_never().unwrap().is_some() {}
    assert_eq!(events.last_event_id(), "");
}

/// Setting the last event ID within an event discards that event here. The original goes on with it.
#[test]
fn a_last_event_id_set_within_an_event() {
    let (sender, bytes) = mpsc::unbounded();
    let mut events = eventsource_stream::EventStream::new(bytes.map(Ok::<_, ()>));
    sender.unbounded_send("data: 1\n").unwrap();
    assert_eq!(events.next().now_or_never(), None);
    events.set_last_event_id("7");
    sender.unbounded_send("data: 2\n\n").unwrap();
    assert_eq!(events.next().now_or_never().unwrap().unwrap().unwrap().data, "2");

    let (sender, bytes) = mpsc::unbounded();
    let mut events = original::EventStream::new(bytes.map(Ok::<_, ()>));
    sender.unbounded_send("data: 1\n").unwrap();
    assert_eq!(events.next().now_or_never(), None);
    events.set_last_event_id("7");
    sender.unbounded_send("data: 2\n\n").unwrap();
    assert_eq!(events.next().now_or_never().unwrap().unwrap().unwrap().data, "1\n2");
}

/// An ID that no stream can set, or that is larger than the limit, can be read back. Events do not have it, and not the one
/// before it either.
#[test]
fn a_last_event_id_that_cannot_be() {
    for id in ["a\nb", "longer than eight bytes"] {
        let chunks = futures::stream::iter(["data: 1\n\n"].map(Ok::<_, ()>));
        let mut events = eventsource_stream::EventStream::with_limit(chunks, 8);
        events.set_last_event_id("41");
        events.set_last_event_id(id);
        assert_eq!(events.last_event_id(), id);
        assert_eq!(events.next().now_or_never().unwrap().unwrap().unwrap().id, "");
        assert_eq!(events.last_event_id(), "");
    }
}

/// The limit that the original does not have.
#[test]
fn a_limit() {
    let chunks = ["data: nine byte\n\ndata: a\n\ndata: bc\n\ndata: d\n\n"].map(Ok::<_, ()>);
    let mut events = eventsource_stream::EventStream::with_limit(futures::stream::iter(chunks), 8);
    let error = events.next().now_or_never().unwrap().unwrap().unwrap_err();
    let eventsource_stream::EventStreamError::Parser(error) = error else { panic!("{error:?}") };
    assert_eq!(error.code, nom::error::ErrorKind::TooLarge);
    assert!(error.input.contains("9 bytes") && error.input.contains('8'), "{}", error.input);
    for data in ["a", "bc", "d"] {
        assert_eq!(events.next().now_or_never().unwrap().unwrap().unwrap().data, data);
    }
    assert_eq!(events.next().now_or_never(), Some(None));
}

/// Apart from the above both say the same: two thousand streams of every kind of line, split at random.
#[test]
fn nothing_else() {
    const LINES: [&str; 16] = [
        "data: a",
        "data:b: c",
        "data",
        "data:",
        "data: 世🚀",
        "event: x",
        "event",
        "id: 1",
        "id: 世",
        "id",
        "id: a\0b",
        "retry: 12",
        "retry: x",
        ": comment",
        "unknown: x",
        "",
    ];
    let mut random = Random(1);
    for _ in 0..2000 {
        let mut stream = String::new();
        for _ in 0..random.below(30) {
            stream += LINES[random.below(LINES.len())];
            stream += ["\n", "\r\n", "\n"][random.below(3)];
        }
        let mut rest = stream.as_bytes();
        let mut chunks = Vec::new();
        while !rest.is_empty() {
            let (chunk, behind) = rest.split_at(1 + random.below(rest.len().min(40)));
            chunks.push(chunk);
            rest = behind;
        }
        assert_eq!(ours(chunks.clone()), original(chunks), "{stream:?}");
    }
}
