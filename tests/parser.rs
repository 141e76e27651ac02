//! What is documented of a parser beside the events: the unfinished event, the end of a stream, the next connection,
//! and the values that it hands out.

mod common;

use std::sync::Mutex;

use common::oracle::Item;
use common::{config, via_next};
use proptest::prelude::*;
use ssewire::{decode, Error, Event, Field, Frame, OwnedEvent, Parser, Tokenizer};

type Small = Parser<heapless::Vec<u8, 16>>;

/// Feeds all of `stream`, and returns how many events there were.
fn feed(parser: &mut Small, stream: &[u8]) -> usize {
    via_next(parser, &[stream]).len()
}

#[test]
fn unfinished() {
    let cases: [(&[u8], Option<usize>); 26] = [
        (b"", None),
        (b"\xef", None),
        (b"\xef\xbb\xbf", None),
        (b"da", Some(0)),
        (b"data", Some(0)),
        (b"data:", Some(0)),
        (b"data: ", Some(0)),
        (b"data:ab", Some(2)),
        (b"data:ab\n", Some(2)),
        (b"data\n", Some(0)),
        (b"data:ab\ndata:c", Some(4)),
        (b"event:xy\ndata:ab\n", Some(4)),
        (b"event:xy\nevent:z\n", Some(1)),
        (b"id:1\n", Some(1)),
        (b"id:1", Some(1)),
        (b"data:ab\n: comment", Some(2)),
        (b"data:ab\nother", Some(2)),
        (b"dat:", None),
        (b"datas", None),
        (b"x", None),
        (b":", None),
        (b": comment\n", None),
        (b"data:ab\n\n", None),
        (b"data:ab\r\n\r", None),
        (b"id:1\n\n", None),
        (b"data:ab\n\ndata:c", Some(1)),
    ];
    for (stream, expected) in cases {
        for chunks in [vec![stream], common::chunks_of(stream, 1)] {
            let mut parser = Small::new();
            via_next(&mut parser, &chunks);
            assert_eq!(parser.unfinished(), expected, "{}", stream.escape_ascii());
        }
    }
}

#[test]
fn finish() {
    type Case = (&'static [u8], Option<&'static [u8]>, Option<&'static [u8]>);
    // The data of the unfinished event, and the last event ID afterwards.
    let cases: [Case; 22] = [
        (b"", None, None),
        (b"\xef\xbb", None, None),
        (b"data: a", Some(b"a"), None),
        (b"data: a\n", Some(b"a"), None),
        (b"data: a\r", Some(b"a"), None),
        (b"data: a\r\n", Some(b"a"), None),
        (b"data: a\r\ndata: b\r", Some(b"a\nb"), None),
        (b"data: a\n\n", None, None),
        (b"data: a\r\r", None, None),
        (b"data", Some(b""), None),
        (b"data:", Some(b""), None),
        (b"data\ndata", Some(b"\n"), None),
        (b"dat", None, None),
        (b"data: a\ndat", Some(b"a"), None),
        (b"data: a\n: comment", Some(b"a"), None),
        (b": comment", None, None),
        (b"event: a\n", None, None),
        (b"id: 7", None, Some(b"7")),
        (b"id: 7\n\nid: 8\ndata: a\n", Some(b"a"), Some(b"8")),
        (b"id", None, Some(b"")),
        (b"id: a\0", None, None),
        (b"data: a\nid: 7\xff", Some(b"a"), Some(b"7\xff")),
    ];
    for (stream, data, id) in cases {
        let name = stream.escape_ascii().to_string();
        for chunks in [vec![stream], common::chunks_of(stream, 1)] {
            let mut parser = Small::new();
            via_next(&mut parser, &chunks);
            let event = parser.finish().unwrap();
            assert_eq!(event.map(|event| event.data()), data, "{name}");
            assert_eq!(event.map(|event| event.last_event_id()), data.map(|_| id.unwrap_or_default()), "{name}");
            assert_eq!(parser.last_event_id(), id, "{name}");
            assert_eq!(parser.unfinished(), None, "{name}");
            // As after `reset`: a stream begins.
            assert_eq!(parser.finish(), Ok(None), "{name}");
            assert_eq!(feed(&mut parser, b"\xef\xbb\xbfdata: next\n\n"), 1, "{name}");
        }
    }
    let mut parser = Small::new();
    feed(&mut parser, b"retry: 5");
    assert_eq!(parser.finish(), Ok(None));
    assert_eq!(parser.reconnection_time_ms(), Some(5));
}

#[test]
fn finish_with_an_end_that_does_not_fit() {
    let mut parser = Parser::with_limit(0);
    assert!(via_next(&mut parser, &[b"data\ndata"]).is_empty());
    assert_eq!(parser.finish(), Err(Error::Overflow { field: Field::Data, needed: 1, capacity: 0 }));
    assert_eq!(parser.finish(), Ok(None));
    let mut input: &[u8] = b"data\n\n";
    assert!(parser.next(&mut input).unwrap().is_some(), "it was discarded");
}

#[test]
fn reset() {
    let cases: [&[u8]; 14] = [
        b"",
        b"\xef",
        b"\xef\xbb\xbf",
        b"da",
        b"data: unfini",
        b"data: unfinished\n",
        b"event: x\n",
        b"id: unfinished\n",
        b"id: unfi",
        b"id: a\0",
        b"data: x\n\n",
        b": comm",
        b"data: too long for the buffer",
        b"id: too long for the buffer",
    ];
    for before in cases {
        let name = before.escape_ascii().to_string();
        let mut parser = Small::new();
        feed(&mut parser, b"id: 1\nretry: 10\ndata: x\n\n");
        feed(&mut parser, before);
        parser.reset();
        assert_eq!(parser.unfinished(), None, "{name}");
        assert_eq!(parser.last_event_id(), Some(&b"1"[..]), "{name}");
        assert_eq!(parser.reconnection_time_ms(), Some(10), "{name}");
        let mut input: &[u8] = b"\xef\xbb\xbfdata: y\n\n";
        let event = parser.next(&mut input).unwrap().unwrap();
        assert_eq!((event.data(), event.wire_event_type(), event.id(), event.retry()), (&b"y"[..], None, None, None));
        assert_eq!(event.last_event_id(), b"1", "{name}");
    }
    // The LF belonged to a CR of the stream before; now it is a blank line of its own.
    let mut parser = Small::new();
    feed(&mut parser, b"data: x\r");
    parser.reset();
    let mut input: &[u8] = b"\ndata: y\n\n";
    assert_eq!(parser.next(&mut input).unwrap().unwrap().data(), b"y");
}

#[test]
fn cleared_and_never_set_are_told_apart() {
    let cases: [(&[u8], Option<&[u8]>); 6] = [
        (b"data: x\n\n", None),
        (b"id: 1\n", None),
        (b"id: 1\n\n", Some(b"1")),
        (b"id: 1\n\nid\n\n", Some(b"")),
        (b"id:\n\n", Some(b"")),
        (b"id: \0\n\n", None),
    ];
    for (stream, expected) in cases {
        let mut parser = Small::new();
        feed(&mut parser, stream);
        assert_eq!(parser.last_event_id(), expected, "{}", stream.escape_ascii());
    }
    let mut parser = Small::new();
    parser.set_last_event_id(b"").unwrap();
    assert_eq!(parser.last_event_id(), Some(&b""[..]));
}

#[test]
fn a_seed_that_is_refused_changes_nothing() {
    let invalid = |byte, position| Error::InvalidByte { field: Field::Id, byte, position };
    let cases: [(&[u8], Error); 4] = [
        (b"a\nb", invalid(b'\n', 1)),
        (b"\r", invalid(b'\r', 0)),
        (b"ab\0\n", invalid(0, 2)),
        (b"seventeen bytes!!", Error::Overflow { field: Field::Id, needed: 17, capacity: 16 }),
    ];
    for (seed, error) in cases {
        let mut parser = Small::new();
        feed(&mut parser, b"id: 1\nretry: 4\n\nevent: e\nid: 2\ndata: x\nda");
        assert_eq!(parser.set_last_event_id(seed), Err(error));
        assert_eq!((parser.last_event_id(), parser.reconnection_time_ms()), (Some(&b"1"[..]), Some(4)));
        let mut input: &[u8] = b"ta: y\n\n";
        let event = parser.next(&mut input).unwrap().unwrap();
        assert_eq!((event.event_type(), event.data(), event.id()), (&b"e"[..], &b"x\ny"[..], Some(&b"2"[..])));
    }
}

#[test]
fn a_seed_discards_the_unfinished_event() {
    let mut parser = Small::new();
    feed(&mut parser, b"id: 1\n\nid: 2\nevent: e\ndata: x\nda");
    parser.set_last_event_id(b"sixteen bytes!!!").unwrap();
    assert_eq!((parser.last_event_id(), parser.unfinished()), (Some(&b"sixteen bytes!!!"[..]), None));
    let mut input: &[u8] = b"\xef\xbb\xbfdata\n\n";
    let event = parser.next(&mut input).unwrap().unwrap();
    assert_eq!((event.data(), event.wire_event_type(), event.id()), (&b""[..], None, None));
    assert_eq!(event.last_event_id(), b"sixteen bytes!!!");
}

#[test]
fn retry() {
    let cases: [(&str, Option<u64>); 14] = [
        ("0", Some(0)),
        ("3000", Some(3000)),
        ("00012", Some(12)),
        ("18446744073709551615", Some(u64::MAX)),
        ("018446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", None),
        ("99999999999999999999999", None),
        ("", None),
        ("+1", None),
        ("-1", None),
        (" 1", None),
        ("1 ", None),
        ("1.5", None),
        ("\u{ff11}", None),
    ];
    for (value, expected) in cases {
        let stream = format!("retry: {value}\ndata\n\n");
        for size in [stream.len(), 1] {
            let mut parser = Small::new();
            let outcomes = via_next(&mut parser, &common::chunks_of(stream.as_bytes(), size));
            assert!(matches!(&outcomes[..], [Ok(Item::Event(event))] if event.retry == expected), "{value}");
            assert_eq!(parser.reconnection_time_ms(), expected, "{value}");
        }
    }
    // It counts from its line on, and an invalid one does not unset it.
    let mut parser = Small::new();
    feed(&mut parser, b"retry: 7\nretry: x\n");
    assert_eq!(parser.reconnection_time_ms(), Some(7));
}

#[test]
fn events_are_values() {
    let mut parser = Small::new();
    let mut input: &[u8] = b"event: \xc3\xa9\nid: 7\nretry: 5\ndata: a\ndata: b\n\n";
    let event = parser.next(&mut input).unwrap().unwrap();
    let copy = event;
    assert_eq!(event, copy);
    let text: Event<'_, str> = event.text().unwrap();
    assert_eq!((text.event_type(), text.data(), text.last_event_id()), ("é", "a\nb", "7"));
    assert_eq!((text.id(), text.retry(), text.wire_event_type()), (Some("7"), Some(5), Some("é")));
    assert_eq!(format!("{event:?}"), format!("{text:?}"), "bytes are printed as text");
    assert!(format!("{event:?}").contains(r#""a\nb""#), "{event:?}");
    assert_eq!(Frame::from(event), Frame::from(text));

    let mut other = Small::new();
    let mut input: &[u8] = b"event: \xc3\xa9\nid: 7\nretry: 6\ndata: a\ndata: b\n\n";
    assert_ne!(other.next(&mut input).unwrap().unwrap(), copy);
}

#[test]
fn text_is_refused_where_it_is_none() {
    let cases: [(&[u8], bool); 6] = [
        (b"data: a\n\n", true),
        (b"event: \xff\ndata: a\n\n", false),
        (b"data: a\xff\n\n", false),
        (b"id: \xff\ndata: a\n\n", false),
        (b"event: \xff\n\ndata: a\n\n", true),
        (b"x: \xff\n: \xff\ndata: \xc3\xa9\n\n", true),
    ];
    for (stream, is_text) in cases {
        let mut parser = Small::new();
        let mut input = stream;
        let event = parser.next(&mut input).unwrap().unwrap();
        assert_eq!(event.text().is_ok(), is_text, "{}", stream.escape_ascii());
    }
}

#[test]
fn wire_event_types() {
    type Case = (&'static [u8], Option<&'static [u8]>, &'static [u8]);
    let cases: [Case; 6] = [
        (b"data\n\n", None, b"message"),
        (b"event\ndata\n\n", Some(b""), b"message"),
        (b"event: a\nevent\ndata\n\n", Some(b""), b"message"),
        (b"event: message\ndata\n\n", Some(b"message"), b"message"),
        (b"event: a\ndata\n\n", Some(b"a"), b"a"),
        (b"event: a\n\ndata\n\n", None, b"message"),
    ];
    for (stream, wire, event_type) in cases {
        let mut parser = Small::new();
        let mut input = stream;
        let event = parser.next(&mut input).unwrap().unwrap();
        assert_eq!((event.wire_event_type(), event.event_type()), (wire, event_type), "{}", stream.escape_ascii());
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn owned_events_are_the_same_events(stream in common::stream()) {
        const N: usize = 12;
        let mut parser = Parser::with_limit(4096);
        let mut input = &stream[..];
        while let Some(event) = parser.next(&mut input).unwrap() {
            let large = OwnedEvent::<4096>::new(&event).unwrap();
            prop_assert_eq!(large.event(), event);
            let parts = [event.wire_event_type().unwrap_or_default(), event.last_event_id(), event.data()];
            let needed = parts.concat().len();
            match OwnedEvent::<N>::new(&event) {
                Ok(owned) => prop_assert!(owned.event() == event && needed <= N),
                Err(error) => {
                    prop_assert_eq!(error, Error::Overflow { field: Field::Data, needed, capacity: N });
                    prop_assert!(needed > N);
                }
            }
        }
    }

    #[test]
    fn decode_is_lossy_decoding(bytes in prop_oneof![common::bytes(), prop::collection::vec(any::<u8>(), 0..40).prop_map(common::Stream)]) {
        let expected = String::from_utf8_lossy(&bytes);
        let decoded = decode(&bytes);
        prop_assert_eq!(decoded.to_string(), &expected[..]);
        prop_assert_eq!(decoded.chars().collect::<String>(), &expected[..]);
        prop_assert_eq!(decoded.pieces().collect::<String>(), &expected[..]);
        prop_assert!(decoded == *expected && decoded.pieces().all(|piece| !piece.is_empty()));
    }
}

static PARSER: Mutex<Parser<heapless::Vec<u8, 64>>> = Mutex::new(Parser::new());

#[test]
fn a_parser_can_stand_in_a_static() {
    let mut parser = PARSER.lock().unwrap();
    let mut input: &[u8] = b"id: 1\ndata: a\nda";
    assert_eq!(parser.next(&mut input), Ok(None));
    let mut input: &[u8] = b"ta: b\n\n";
    assert_eq!(parser.next(&mut input).unwrap().unwrap().data(), b"a\nb");
}

#[test]
fn all_can_be_sent_and_shared() {
    fn check<T: Send + Sync>() {}
    check::<Small>();
    check::<Parser<&mut [u8]>>();
    check::<Parser<ssewire::GrowableBuffer>>();
    check::<Tokenizer>();
    check::<Frame<'_>>();
    check::<Event<'_>>();
    check::<OwnedEvent<4>>();
    check::<Error>();
}

/// A clone goes on where the parser was, and the two do not share anything.
#[test]
fn clones_go_on_alone() {
    let mut parser = Small::new();
    feed(&mut parser, b"id: 1\n\ndata: a\nda");
    let mut clone = parser.clone();
    assert_eq!(feed(&mut parser, b"ta: b\nid: 2\n\n"), 1);
    let mut input: &[u8] = b"ta: c\n\n";
    let event = clone.next(&mut input).unwrap().unwrap();
    assert_eq!((event.data(), event.last_event_id()), (&b"a\nc"[..], &b"1"[..]));
    assert_eq!(parser.last_event_id(), Some(&b"2"[..]));
}

#[test]
fn errors_say_what_happened() {
    let cases = [
        (
            Error::Overflow { field: Field::Data, needed: 9, capacity: 8 },
            "event too large: with this data it takes at least 9 bytes, the buffer holds 8",
        ),
        (Error::InvalidByte { field: Field::Id, byte: 0, position: 3 }, "byte 0x00 at 3 cannot be in field id"),
        (Error::Format, "a value failed to format itself"),
        (Error::BufferTooSmall { needed: 7, len: 5 }, "frame takes 7 bytes, the slice has 5"),
    ];
    for (error, text) in cases {
        assert_eq!(error.to_string(), text);
    }
    for (field, name) in [(Field::Event, "event"), (Field::Data, "data"), (Field::Id, "id"), (Field::Retry, "retry")] {
        assert_eq!((field.name(), &field.to_string()[..]), (name, name));
    }
}

#[test]
fn a_tokenizer_is_four_bytes() {
    assert_eq!(size_of::<ssewire::Tokenizer>(), 4);
}

/// The end of the data and the blank line come at once, and do not fit.
#[test]
fn the_last_piece_does_not_fit() {
    let mut parser = Parser::<heapless::Vec<u8, 4>>::new();
    let mut chunk: &[u8] = b"data: 1\n\ndata: ab";
    assert_eq!(parser.next(&mut chunk).unwrap().unwrap().data(), b"1");
    assert_eq!(parser.next(&mut chunk), Ok(None));
    let mut chunk: &[u8] = b"cde\n\ndata: 2\n\n";
    assert_eq!(parser.next(&mut chunk), Err(Error::Overflow { field: Field::Data, needed: 5, capacity: 4 }));
    assert_eq!(parser.next(&mut chunk).unwrap().unwrap().data(), b"2");
    assert_eq!((parser.next(&mut chunk), chunk), (Ok(None), &b""[..]));
}

/// What was ignored in one event says nothing of the data of the next one, however that is cut.
#[test]
fn what_is_ignored_ends_with_its_line() {
    for ignored in ["retry: x\n\n", "id: \0\n\n", "retry: x\ndata: 1\n\n", "id: \0\ndata: 1\n\n", "id: 99999\n\n"] {
        let stream = format!("{ignored}data: 234567890123\n\n");
        for chunk in 1..stream.len() {
            let mut parser = Parser::<heapless::Vec<u8, 4>>::new();
            let mut last = None;
            for mut input in stream.as_bytes().chunks(chunk) {
                loop {
                    match parser.next(&mut input) {
                        Ok(None) => break,
                        found => last = Some(found.map(|event| event.map(|event| event.data().to_vec()))),
                    }
                }
            }
            assert!(matches!(last, Some(Err(Error::Overflow { field: Field::Data, .. }))), "{stream:?}: {last:?}");
        }
    }
}

/// The same while the buffer grows.
#[test]
fn what_is_ignored_ends_with_its_line_on_the_heap() {
    let line = format!("data: {}\n\n", "é".repeat(1152));
    for len in 7..600 {
        let chunks = ["data: 1", "\n\nretry: x\n\n"].map(str::as_bytes);
        let mut parser = Parser::with_limit(4096);
        let mut read = Vec::new();
        for mut input in chunks.into_iter().chain(line.as_bytes().chunks(len)) {
            while let Some(event) = parser.next(&mut input).unwrap() {
                read.push(event.data().to_vec());
            }
        }
        assert_eq!(read, [b"1", &line.as_bytes()[6..2310]], "in chunks of {len}");
    }
}

/// A comment goes on as it began, whichever way its beginning was read.
#[test]
fn ways_to_read_change_in_the_midst_of_a_comment() {
    use ssewire::Item;
    for (first, second) in [(":", " x\n"), (": ", " x\n"), (": ", "x\n"), (":", "x\n"), (": a", " x\n"), (":a", "x\n")]
    {
        // Behind the start of the stream.
        let mut one = Small::new();
        assert_eq!(feed(&mut one, b"\n"), 0);
        let mut other = one.clone();
        let mut input = first.as_bytes();
        while one.next_item(&mut input).unwrap().is_some() {}
        assert_eq!(other.next(&mut first.as_bytes()), Ok(None));

        let comment = one.next_item(&mut second.as_bytes());
        assert!(matches!(comment, Ok(Some(Item::Comment { last: true, .. }))), "{comment:?}");
        assert_eq!(other.next_item(&mut second.as_bytes()), comment, "{first:?}, {second:?}");
    }
}
