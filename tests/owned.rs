//! Events that own their bytes: the same event in `N` bytes, on the heap and in a chunk, and as text for serde.

use std::collections::hash_map::DefaultHasher;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};

use crate::common::{self, cases};
use bytes::Bytes;
use ssewire::{BufferTooSmall, Event, EventBuf, EventBytes, Frame, NotUtf8, OwnedEvent, Parser};

/// Event type, that of the wire, data, ID, last event ID, `retry`.
type Fields<'a> = (&'a [u8], Option<&'a [u8]>, &'a [u8], Option<&'a [u8]>, &'a [u8], Option<u64>);

/// The accessors that all owned events have.
trait Owned: Clone + Eq + Hash + Debug + serde::Serialize {
    fn event(&self) -> Event<'_>;
    fn fields(&self) -> Fields<'_>;
    fn text(&self) -> Result<Event<'_, str>, NotUtf8>;
    fn frame(&self) -> Frame<'_>;
}

macro_rules! owned {
    ($($type:ty),+) => { $(
        impl Owned for $type {
            fn event(&self) -> Event<'_> {
                assert_eq!(Event::from(self), self.event());
                self.event()
            }

            fn fields(&self) -> Fields<'_> {
                let id = self.last_event_id();
                (self.event_type(), self.wire_event_type(), self.data(), self.id(), id, self.retry())
            }

            fn text(&self) -> Result<Event<'_, str>, NotUtf8> {
                self.text()
            }

            fn frame(&self) -> Frame<'_> {
                self.into()
            }
        }
    )+ };
}

const N: usize = 4096;
owned!(OwnedEvent<N>, EventBuf, EventBytes);

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// `owned` is `event`, except an ID of an earlier event, which it has only if it is `complete`.
fn assert_owns(owned: &impl Owned, event: Event<'_>, complete: bool) {
    let id = if complete { event.last_event_id() } else { event.id().unwrap_or_default() };
    let fields = (event.event_type(), event.wire_event_type(), event.data(), event.id(), id, event.retry());
    assert_eq!(owned.fields(), fields);
    let copy = owned.event();
    assert_eq!(
        fields,
        (copy.event_type(), copy.wire_event_type(), copy.data(), copy.id(), copy.last_event_id(), copy.retry())
    );
    if id == event.last_event_id() {
        assert_eq!(copy, event);
        assert_eq!(owned.text().map(|text| text.data()), event.text().map(|text| text.data()));
        if let Ok(text) = event.text() {
            assert_eq!(Event::from(text), event);
        }
    }
    assert_eq!(owned.frame(), Frame::from(event));
    assert_eq!(format!("{owned:?}"), format!("{copy:?}"));
    assert_eq!(*owned, owned.clone());
    assert_eq!(hash(owned), hash(&owned.clone()));
    assert_eq!(serde_json::to_string(owned).unwrap(), serde_json::to_string(&copy).unwrap());
}

/// Owns the events of the chunks in every way.
fn own(chunks: &[Bytes], mut check: impl FnMut(Event<'_>, &Bytes)) {
    let mut parser = Parser::with_limit(N);
    for chunk in chunks {
        let mut input = &chunk[..];
        while let Some(event) = parser.next(&mut input).unwrap() {
            assert_owns(&OwnedEvent::<N>::new(&event).unwrap(), event, false);
            assert_owns(&OwnedEvent::<N>::with_last_event_id(&event).unwrap(), event, true);
            assert_owns(&EventBuf::from(event), event, false);
            assert_owns(&EventBuf::from(&event), event, false);
            assert_owns(&EventBuf::with_last_event_id(&event), event, true);
            assert_owns(&EventBytes::new(&event, chunk), event, false);
            assert_owns(&EventBytes::from(event), event, false);
            assert_owns(&EventBytes::with_last_event_id(&event), event, true);
            // Equal, wherever the bytes lie.
            assert_eq!(EventBytes::new(&event, chunk), EventBytes::from(&event));
            assert_eq!(EventBytes::new(&event, chunk).into_data(), event.data());
            assert_eq!(EventBytes::from(event).into_data(), event.data());
            assert_eq!(EventBuf::from(event).into_data(), event.data());
            if let Ok(text) = event.text() {
                assert_eq!(EventBuf::from(text), EventBuf::from(event));
                assert_eq!(EventBytes::from(text), EventBytes::from(event));
                assert_eq!(EventBytes::new(&text, chunk), EventBytes::from(event));
                assert_eq!(OwnedEvent::<N>::new(&text), OwnedEvent::new(&event));
            }
            check(event, chunk);
        }
    }
}

cases! { an_event_is_owned {
    data: b"data: 21.5\n\n";
    empty_data: b"data\n\n";
    data_and_type: b"event: t\ndata: a\n\n";
    data_before_type: b"data: a\nevent: t\n\n";
    empty_type: b"event\ndata: a\n\n";
    id_first: b"id: 7\nevent: temperature\ndata: a\n\n";
    id_last: b"data: a\nevent: temperature\nid: 7\n\n";
    empty_id: b"id\ndata: a\n\n";
    earlier_id: b"id: 1\ndata: a\n\ndata: b\n\n";
    cleared_id: b"id: 1\ndata: a\n\nid:\ndata: b\n\ndata: c\n\n";
    retry: b"retry: 5\ndata: a\n\n";
    lines: b"event: t\nid: 7\ndata: a\ndata: b\n\n";
    not_text: b"event: \xff\nid: \xfe\ndata: \xfd\n\n";
}}

fn an_event_is_owned(stream: &'static [u8]) {
    for cut in 0..=stream.len() {
        let (front, back) = stream.split_at(cut);
        let mut events = 0;
        own(&[Bytes::from_static(front), Bytes::from_static(back)], |_, _| events += 1);
        assert_eq!(events, stream.windows(2).filter(|end| end == b"\n\n").count());
    }
}

#[test]
fn owned_events_are_the_same_events() {
    common::for_all((common::stream(), 1..200_usize), |(stream, size)| {
        const SMALL: usize = 12;
        let chunks: Vec<Bytes> = stream.chunks(size).map(Bytes::copy_from_slice).collect();
        own(&chunks, |event, _| {
            let values = [event.wire_event_type().unwrap_or_default(), event.last_event_id(), event.data()];
            let needed = values.concat().len();
            match OwnedEvent::<SMALL>::with_last_event_id(&event) {
                Ok(owned) => assert!(owned.event() == event && needed <= SMALL),
                Err(error) => assert!(error == BufferTooSmall { needed, capacity: SMALL } && needed > SMALL),
            }
        });
    });
}

#[test]
fn owned_events_differ_as_events_do() {
    let streams = ["data: a", "data: b", "event\ndata: a", "id\ndata: a", "id: 1\ndata: a", "retry: 1\ndata: a"];
    let events = streams.map(|stream| {
        let mut parser = Parser::with_limit(64);
        let stream = format!("{stream}\n\n");
        EventBuf::from(parser.next(&mut stream.as_bytes()).unwrap().unwrap())
    });
    for (i, a) in events.iter().enumerate() {
        for (j, b) in events.iter().enumerate() {
            assert_eq!((a == b, EventBytes::from(a.event()) == EventBytes::from(b.event())), (i == j, i == j));
            assert_eq!(hash(a) == hash(b), i == j);
        }
    }
}

#[test]
fn the_default_is_empty() {
    assert_eq!(EventBuf::default().event(), EventBytes::default().event());
    assert_eq!((EventBuf::default().event_type(), EventBuf::default().data()), (&b"message"[..], &b""[..]));
    assert_eq!((EventBuf::default().into_data(), EventBytes::default().into_data()), (Vec::new(), Bytes::new()));
}

// ---- sharing the chunk ----

/// An event that is complete in the input is borrowed from it.
const BORROWS: bool = cfg!(all(target_pointer_width = "64", not(ssewire_small)));

/// Events that lie in their chunk share it, with all their values; the others lie in memory of their own.
#[test]
fn an_event_in_its_chunk_is_shared() {
    let shared = |stream: &'static [u8]| {
        let chunk = Bytes::from_static(stream);
        let mut parser = Parser::with_limit(64);
        let event = parser.next(&mut &chunk[..]).unwrap().unwrap();
        let owned = EventBytes::new(&event, &chunk);
        let lies_there = |value: &[u8]| value.is_empty() || chunk.as_ptr_range().contains(&value.as_ptr());
        lies_there(owned.data()) && owned.wire_event_type().is_none_or(lies_there) && owned.id().is_none_or(lies_there)
    };
    assert_eq!(shared(b"data: a\n\n"), BORROWS);
    assert_eq!(shared(b"event: t\nid: 7\ndata: a\n\n"), BORROWS);
    assert_eq!(shared(b"id: 7\ndata: a\nevent: t\n\n"), BORROWS);
    assert!(!shared(b"data: a\ndata: b\n\n"));
    assert!(!shared(b"retry: 5\ndata: a\n\n"));
}

/// An earlier ID lies in the parser's buffer and does not keep an event from its chunk.
#[test]
fn an_earlier_id_costs_nothing() {
    let chunk = Bytes::from_static(b"data: a\n\n");
    let mut parser = Parser::with_limit(64);
    parser.set_last_event_id(b"41").unwrap();
    let event = parser.next(&mut &chunk[..]).unwrap().unwrap();
    let owned = EventBytes::new(&event, &chunk);
    assert_eq!((owned.id(), owned.last_event_id(), event.last_event_id()), (None, &b""[..], &b"41"[..]));
    assert_eq!(chunk.as_ptr_range().contains(&owned.data().as_ptr()), BORROWS);
    assert_eq!(EventBytes::with_last_event_id(&event).last_event_id(), b"41");
    assert_eq!(EventBytes::with_last_event_id(&event).id(), None);
}

/// With any other chunk the event is copied, and is the same.
#[test]
fn another_chunk_is_not_shared() {
    let chunk = Bytes::from_static(b"event: t\nid: 7\ndata: abc\n\n");
    let mut parser = Parser::with_limit(64);
    let event = parser.next(&mut &chunk[..]).unwrap().unwrap();
    for from in 0..=chunk.len() {
        for to in from..=chunk.len() {
            assert_owns(&EventBytes::new(&event, &chunk.slice(from..to)), event, false);
        }
    }
    assert_owns(&EventBytes::new(&event, &Bytes::from_static(b"another")), event, false);
}

/// A small event does not keep a chunk above the documented length in memory, but a large one does.
#[test]
fn a_large_chunk_is_not_kept_for_a_small_event() {
    let shares = |len: usize, chunk_len: usize| {
        let mut chunk = format!("data: {}\n\n", "x".repeat(len)).into_bytes();
        chunk.resize(chunk_len, b'\n');
        let chunk = Bytes::from(chunk);
        let mut parser = Parser::with_limit(1 << 20);
        let event = parser.next(&mut &chunk[..]).unwrap().unwrap();
        let owned = EventBytes::new(&event, &chunk);
        assert_eq!(owned.event(), event);
        chunk.as_ptr_range().contains(&owned.data().as_ptr())
    };
    assert_eq!(shares(1, EventBytes::SHARED), BORROWS);
    assert!(!shares(1, EventBytes::SHARED + 1));
    assert!(!shares(EventBytes::SHARED / 16 - 1, EventBytes::SHARED + 16));
    assert_eq!(shares(EventBytes::SHARED / 16 + 1, EventBytes::SHARED + 16), BORROWS);
}

// ---- serde ----

fn json(stream: &[u8]) -> String {
    let mut parser = Parser::with_limit(64);
    parser.set_last_event_id(b"0").unwrap();
    let mut input = stream;
    let event = parser.next(&mut input).unwrap().unwrap();
    serde_json::to_string(&EventBytes::with_last_event_id(&event)).unwrap()
}

cases! { events_are_text_in_json {
    data: b"data: 21.5\nid: 7\n\n", r#"{"data":"21.5","id":"7"}"#;
    all: b"event: t\nid: 7\nretry: 5\ndata: a\ndata: b\n\n", r#"{"event":"t","data":"a\nb","id":"7","retry":5}"#;
    empty: b"event\nid\ndata\n\n", r#"{"event":"","data":"","id":""}"#;
    earlier_id: b"data: a\n\n", r#"{"data":"a","last_event_id":"0"}"#;
    not_utf8: b"event: \xff\nid\ndata: a\xf0\x9f\n\n", "{\"event\":\"\u{fffd}\",\"data\":\"a\u{fffd}\",\"id\":\"\"}";
}}

fn events_are_text_in_json(stream: &[u8], expected: &str) {
    assert_eq!(json(stream), expected);
    let (buf, bytes): (EventBuf, EventBytes) =
        (serde_json::from_str(expected).unwrap(), serde_json::from_str(expected).unwrap());
    assert_eq!(buf.event(), bytes.event());
    assert_eq!(serde_json::to_string(&buf).unwrap(), expected);
}

cases! { events_that_no_stream_has_are_rejected {
    line_end_in_the_type: r#"{"event":"a\nb","data":""}"#, "invalid byte 0x0a at position 1 of `event`";
    line_end_in_the_id: r#"{"data":"","id":"\r"}"#, "invalid byte 0x0d at position 0 of `id`";
    nul_in_an_earlier_id: r#"{"data":"","last_event_id":"1\u0000"}"#, "invalid byte 0x00 at position 1 of `id`";
    no_data: r#"{"event":"a"}"#, "missing field `data`";
}}

fn events_that_no_stream_has_are_rejected(json: &str, message: &str) {
    let error = serde_json::from_str::<EventBuf>(json).unwrap_err().to_string();
    assert!(error.starts_with(message), "{error}");
    let error = serde_json::from_str::<EventBytes>(json).unwrap_err().to_string();
    assert!(error.starts_with(message), "{error}");
}
