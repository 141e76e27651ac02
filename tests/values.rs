//! The values that the crate hands out: events, their text and their copies, and what each type implements.

use std::collections::hash_map::DefaultHasher;
use std::fmt::{self, Debug, Display, Write};
use std::hash::{Hash, Hasher};
use std::sync::Mutex;

use crate::common::{self, cases, via_next};
use proptest::prelude::*;
use ssewire::tokenizer::{Token, Tokenizer};
use ssewire::{
    BufferTooSmall, Error, Event, EventBuf, Field, FormatError, FoundEvent, FoundItem, Frame, GrowableBuffer, IdError,
    Item, Lossy, NotUtf8, Overflow, OwnedEvent, Parser, Piece, Progress, Update, lossy,
};

type Small = Parser<[u8; 16]>;

#[test]
fn events_are_values() {
    let mut parser = Small::new();
    let mut input: &[u8] = b"event: \xc3\xa9\nid: 7\nretry: 5\ndata: a\ndata: b\n\n";
    let event = parser.next(&mut input).unwrap().unwrap();
    let copy = event;
    assert_eq!(event, copy);
    assert_eq!(Clone::clone(&event), event);
    assert_eq!(hash(&event), hash(&copy));
    let text: Event<'_, str> = event.text().unwrap();
    assert_eq!((text.event_type(), text.data(), text.last_event_id()), ("é", "a\nb", "7"));
    assert_eq!((text.id(), text.retry(), text.wire_event_type()), (Some("7"), Some(5), Some("é")));
    assert_eq!(Frame::from(event), Frame::from(text));

    let mut other = Small::new();
    let mut input: &[u8] = b"event: \xc3\xa9\nid: 7\nretry: 6\ndata: a\ndata: b\n\n";
    assert_ne!(other.next(&mut input).unwrap().unwrap(), copy);
}

/// An event is equal however it came: borrowed or copied, with its own ID or in another parser.
#[test]
fn an_event_that_is_borrowed_equals_one_that_is_copied() {
    let stream = b"event: e\nid: 7\ndata: a\n\n";
    let (mut one, mut two) = (Small::new(), Small::new());
    let mut input = &stream[..];
    let borrowed = one.next(&mut input).unwrap().unwrap();
    let mut input = &stream[..8];
    assert_eq!(two.next(&mut input), Ok(None));
    let mut input = &stream[8..];
    let copied = two.next(&mut input).unwrap().unwrap();
    assert_eq!(borrowed, copied);
    assert_eq!(hash(&borrowed), hash(&copied));
}

// The event type on the wire, and the one that is dispatched.
cases! { event_types {
    none: b"data\n\n", None, b"message";
    empty: b"event\ndata\n\n", Some(b""), b"message";
    emptied: b"event: a\nevent\ndata\n\n", Some(b""), b"message";
    message: b"event: message\ndata\n\n", Some(b"message"), b"message";
    another: b"event: a\ndata\n\n", Some(b"a"), b"a";
    last_of_two: b"event: a\nevent: b\ndata\n\n", Some(b"b"), b"b";
    of_an_earlier_block: b"event: a\n\ndata\n\n", None, b"message";
}}

fn event_types(stream: &[u8], wire: Option<&[u8]>, event_type: &[u8]) {
    let mut parser = Small::new();
    let mut input = stream;
    let event = parser.next(&mut input).unwrap().unwrap();
    assert_eq!((event.wire_event_type(), event.event_type()), (wire, event_type));
    let text = event.text().unwrap();
    assert_eq!((text.wire_event_type().map(str::as_bytes), text.event_type().as_bytes()), (wire, event_type));
}

/// An event type that is not valid UTF-8, of an event that is text elsewhere, is decoded like the other fields.
#[test]
fn lossy_text_of_every_field() {
    let mut parser = Small::new();
    let mut input: &[u8] = b"event: \xff\nid: \xe2\x82\ndata: a\xf0b\n\n";
    let event = parser.next(&mut input).unwrap().unwrap();
    assert_eq!(lossy(event.event_type()), "\u{fffd}");
    assert_eq!(lossy(event.last_event_id()), "\u{fffd}");
    assert_eq!(lossy(event.data()), "a\u{fffd}b");
}

// ---- printing ----

#[test]
fn events_print_their_text() {
    let mut parser = Small::new();
    let mut input: &[u8] = b"event: \xc3\xa9\nid: 7\nretry: 5\ndata: a\ndata: b\n\n";
    let event = parser.next(&mut input).unwrap().unwrap();
    assert_eq!(
        format!("{event:?}"),
        r#"Event { event_type: Some("é"), data: "a\nb", last_event_id: "7", sets_id: true, retry: Some(5) }"#
    );
    assert_eq!(format!("{:?}", event.text().unwrap()), format!("{event:?}"));
    assert_eq!(format!("{:?}", Item::Event(event)), format!("Event({event:?})"));

    let mut input: &[u8] = b"data: it's \xff\n\n";
    let event = parser.next(&mut input).unwrap().unwrap();
    assert!(format!("{event:?}").contains("data: \"it's \u{fffd}\""), "{event:?}");
}

#[test]
fn frames_print_their_text() {
    let frame = Frame::new().event_type("temperature").unwrap().id("7").unwrap().data("x\nyz").comment("keep-alive");
    let text = format!("{frame:?}");
    for value in ["\"temperature\"", "\"7\"", "\"x\\nyz\"", "\"keep-alive\""] {
        assert!(text.contains(value), "{text}");
    }
    let text = format!("{:?}", Frame::new().data("x"));
    assert!(text.contains("\"x\"") && !text.contains("120"), "{text}");
    let text = format!("{:?}", Frame::new().data(b"\xff"));
    assert!(text.contains("\"\u{fffd}\""), "{text}");
}

// A parser prints its capacity, the bytes held and the last event ID, and no data, wherever those lie.
cases! { parsers_print_no_data {
    nothing: b"", r#"Parser { capacity: 40, held: 0, last_event_id: None, .. }"#;
    data: b"data: secret", r#"Parser { capacity: 40, held: 6, last_event_id: None, .. }"#;
    event_type: b"event: secret\n", r#"Parser { capacity: 40, held: 6, last_event_id: None, .. }"#;
    pending_id: b"id: 1\ndata: x\n\nid: secret\n", r#"Parser { capacity: 40, held: 7, last_event_id: Some("1"), .. }"#;
    last_event_id: b"id: 7\ndata: secret\ndata\n\n", r#"Parser { capacity: 40, held: 8, last_event_id: Some("7"), .. }"#;
    empty_id: b"id\n\n", r#"Parser { capacity: 40, held: 0, last_event_id: Some(""), .. }"#;
    after_the_event: b"data: secret\ndata\n\n: x\n", r#"Parser { capacity: 40, held: 0, last_event_id: None, .. }"#;
}}

fn parsers_print_no_data(stream: &[u8], expected: &str) {
    let mut buffer = [b'?'; 40];
    let mut given = Parser::with_buffer(&mut buffer);
    let mut inside = Parser::<[u8; 40]>::new();
    let mut heap = Parser::with_limit(40);
    via_fed(&mut given, stream);
    via_fed(&mut inside, stream);
    via_fed(&mut heap, stream);
    for text in [format!("{given:?}"), format!("{inside:?}"), format!("{heap:?}")] {
        assert_eq!(text, expected);
    }
    for text in [format!("{given:#?}"), format!("{inside:#?}"), format!("{heap:#?}")] {
        assert!(!text.contains("secret") && !text.contains("115") && !text.contains("63"), "{text}");
    }
}

/// Feeds `stream` byte by byte, so that the values lie in the buffer, and does not ask for more after its end.
fn via_fed<S: ssewire::Storage>(parser: &mut Parser<S>, stream: &[u8]) {
    stream.chunks(1).for_each(|byte| assert!(parser.feed(byte).result.is_ok()));
}

/// Takes as many bytes as it is told, and then fails.
struct Full(usize);

impl Write for Full {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.checked_sub(text.len()).ok_or(fmt::Error)?;
        Ok(())
    }
}

/// However many bytes the writer takes, its error is passed on, and there is none if all bytes fit.
fn passes_errors_on(value: &dyn Display) {
    let len = value.to_string().len();
    for capacity in 0..len {
        assert!(write!(Full(capacity), "{value}").is_err(), "{capacity} of {len} bytes");
    }
    assert!(write!(Full(len), "{value}").is_ok());
}

struct AsDebug<'a>(&'a dyn Debug);

impl Display for AsDebug<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[test]
fn errors_of_a_writer_are_passed_on() {
    let frame = Frame::new().event_type("e").unwrap().id("7").unwrap().retry(5).data("a\nb\r\nc").comment("c\nd");
    passes_errors_on(&frame);
    passes_errors_on(&AsDebug(&frame));
    passes_errors_on(&frame.data_fmt(format_args!("a\rb{}c\r{}\n", '\n', 7)));
    let text = lossy(b"it's \xff \"so\"\n\xc3\xa9");
    passes_errors_on(&text);
    passes_errors_on(&AsDebug(&text));
    let mut parser = Parser::with_limit(64);
    let mut input: &[u8] = b"event: e\nid: 7\ndata: x\n\n";
    let event = parser.next(&mut input).unwrap().unwrap();
    passes_errors_on(&AsDebug(&event));
    passes_errors_on(&AsDebug(&OwnedEvent::<16>::new(&event).unwrap()));
    passes_errors_on(&AsDebug(&parser));
    passes_errors_on(&Overflow { field: Field::Data, needed: 9, capacity: 8 });
}

// ---- comparing ----

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[test]
fn fields_have_names_and_an_order() {
    let fields = [Field::Event, Field::Data, Field::Id, Field::Retry];
    for (field, name) in fields.into_iter().zip(["event", "data", "id", "retry"]) {
        assert_eq!((field.name(), &field.to_string()[..]), (name, name));
    }
    assert!(fields.is_sorted());
    let set: std::collections::HashSet<Field> = fields.into_iter().chain(fields).collect();
    assert_eq!(set.len(), 4);
}

// Bytes that differ may be the same text.
cases! { equal_text {
    other_invalid_byte: b"\xff", b"\xfe";
    shorter_invalid_part: b"\xf0\x9f\x92", b"\xff";
    replacement_character: b"a\xff", "a\u{fffd}".as_bytes();
    in_one_piece_or_two: b"a\xffb\xffc", "a\u{fffd}b\u{fffd}c".as_bytes();
    nothing: b"", b"";
}}

fn equal_text(one: &[u8], other: &[u8]) {
    let (one, other) = (lossy(one), lossy(other));
    assert_eq!(one, other);
    assert_eq!(one.cmp(&other), std::cmp::Ordering::Equal);
    assert_eq!(hash(&one), hash(&other));
    assert_eq!(one.to_string(), other.to_string());
}

/// Two texts in a tuple hash apart from the same characters split elsewhere, as those of `str` do.
#[test]
fn the_hash_of_a_text_has_an_end() {
    assert_ne!(hash(&(lossy(b"ab"), lossy(b"c"))), hash(&(lossy(b"a"), lossy(b"bc"))));
}

#[test]
fn defaults_and_clones_are_as_they_were_made() {
    assert_eq!(Tokenizer::default(), Tokenizer::new());
    assert_eq!(format!("{:?}", Small::default()), format!("{:?}", Small::new()));
    assert_eq!(Frame::default(), Frame::new());
    let mut tokenizer = Tokenizer::new();
    assert_eq!(tokenizer.next(&mut &b"da"[..]), None);
    assert_ne!(tokenizer, Tokenizer::new());
    assert_eq!(tokenizer.clone(), tokenizer);
}

// ---- text ----

#[test]
fn lossy_is_lossy_decoding() {
    common::for_all(
        (
            prop_oneof![common::bytes(), prop::collection::vec(any::<u8>(), 0..40).prop_map(common::Stream)],
            common::bytes(),
        ),
        |(bytes, other)| {
            let expected = String::from_utf8_lossy(&bytes);
            let text = lossy(&bytes);
            assert_eq!(text.to_string(), &expected[..]);
            assert_eq!(text.chars().collect::<String>(), &expected[..]);
            assert_eq!(text.pieces().collect::<String>(), &expected[..]);
            assert!(text == *expected && text.pieces().all(|piece| !piece.is_empty()));
            // Compared and hashed as text.
            let other_text = String::from_utf8_lossy(&other);
            assert_eq!(text.cmp(&lossy(&other)), expected.cmp(&other_text));
            assert_eq!(text.partial_cmp(&lossy(&other)), Some(expected.cmp(&other_text)));
            assert_eq!(text == lossy(&other), expected == other_text);
            assert_eq!(hash(&text), hash(&lossy(expected.as_bytes())));
        },
    );
}

// ---- in a program ----

static PARSER: Mutex<Parser<[u8; 64]>> = Mutex::new(Parser::new());

#[test]
fn a_parser_can_stand_in_a_static() {
    let mut parser = PARSER.lock().unwrap();
    let mut input: &[u8] = b"id: 1\ndata: a\nda";
    assert_eq!(parser.next(&mut input), Ok(None));
    let mut input: &[u8] = b"ta: b\n\n";
    assert_eq!(parser.next(&mut input).unwrap().unwrap().data(), b"a\nb");
}

#[test]
fn all_types_can_be_sent_and_shared() {
    fn check<T: Send + Sync>() {}
    check::<Small>();
    check::<Parser<&mut [u8]>>();
    check::<Parser<GrowableBuffer>>();
    check::<Tokenizer>();
    check::<Frame<'_>>();
    check::<Event<'_>>();
    check::<OwnedEvent<4>>();
    check::<EventBuf>();
    #[cfg(feature = "bytes")]
    check::<ssewire::EventBytes>();
    check::<Error>();
}

/// Keys and errors borrow nothing, and all reports are `Copy`.
#[test]
fn reports_are_copied() {
    fn check<T: Copy + PartialEq + Debug>() {}
    check::<FoundEvent>();
    check::<FoundItem>();
    check::<Progress<FoundEvent>>();
    check::<Progress<FoundItem>>();
    check::<Event<'_>>();
    check::<Event<'_, str>>();
    check::<Item<'_>>();
    check::<Token<'_>>();
    check::<Piece<'_>>();
    check::<Update<'_>>();
    check::<Lossy<'_>>();
    check::<Frame<'_>>();
    check::<Error>();
    fn check_error<T: Copy + Eq + Hash + std::error::Error + Into<Error> + 'static>() {}
    check_error::<Overflow>();
    check_error::<ssewire::InvalidByte>();
    check_error::<BufferTooSmall>();
    check_error::<IdError>();
    check_error::<FormatError>();
    fn check_utf8_error<T: Copy + Eq + std::error::Error + Into<Error> + 'static>() {}
    check_utf8_error::<NotUtf8>();
}

/// A clone goes on where the parser was, and the two share nothing.
#[test]
fn clones_go_on_alone() {
    let mut parser = Small::new();
    via_next(&mut parser, &[b"id: 1\n\ndata: a\nda"]);
    let mut clone = parser.clone();
    assert_eq!(via_next(&mut parser, &[b"ta: b\nid: 2\n\n"]).len(), 1);
    let mut input: &[u8] = b"ta: c\n\n";
    let event = clone.next(&mut input).unwrap().unwrap();
    assert_eq!((event.data(), event.last_event_id()), (&b"a\nc"[..], &b"1"[..]));
    assert_eq!(parser.last_event_id(), Some(&b"2"[..]));
}

#[test]
fn a_tokenizer_is_three_bytes() {
    assert_eq!(size_of::<Tokenizer>(), 3);
}
