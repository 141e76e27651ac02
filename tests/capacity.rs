//! The capacity rule of `Parser`'s documentation, as `oracle::capacity` applies it, against parsers of every small size.

use crate::common::oracle::{Item, capacity};
use crate::common::{self, Stream, cases, split, via_feed, via_feed_items, via_items, via_next};
use proptest::prelude::*;
use ssewire::{Field, Overflow, Parser};

/// Streams with event types, IDs and data that come and go, of about the sizes of the buffers.
fn filling() -> BoxedStrategy<Stream> {
    let name = proptest::sample::select(vec!["data:", "data: ", "event:", "id:", "id: ", "id:a\0", ":", "other:"]);
    let line = prop_oneof![
        5 => (name, 0usize..14).prop_map(|(name, len)| name.to_string() + &"abcdefghijklmn"[..len]),
        1 => proptest::sample::select(vec!["data", "event", "id", "retry:7", "retry:x"]).prop_map(str::to_string),
        4 => Just(String::new()),
    ];
    let lines = prop::collection::vec((line, common::line_end()), 0..30);
    let stream = (lines, "(data:|id:)?[a-z]{0,12}").prop_map(|(lines, rest)| {
        let lines: Vec<u8> = lines.into_iter().flat_map(|(line, end)| [line.into_bytes(), end].concat()).collect();
        Stream([lines, rest.into_bytes()].concat())
    });
    stream.boxed()
}

/// Every small size, in a slice and on the heap: exactly the events that do not fit are missing, each is reported once,
/// and no chunking makes a difference.
#[test]
fn every_small_capacity() {
    common::for_all(
        (prop_oneof![3 => filling(), 1 => common::stream()], common::lengths(), prop::option::of("[a-z]{0,4}")),
        |(stream, lengths, initial)| {
            for bytes in 0..40 {
                let initial = initial.as_ref().map(String::as_bytes).filter(|id| id.len() <= bytes);
                let mut buffer = vec![0xaa; bytes];
                let size = lengths.first().map_or(11, |length| length + 7);
                for chunks in [vec![&stream[..]], split(&stream, &lengths), common::split_at_blank_lines(&stream, size)]
                {
                    capacity::check(Parser::with_buffer(&mut buffer), &chunks, bytes, initial);
                }
                capacity::check(Parser::with_limit(bytes), &split(&stream, &lengths), bytes, initial);
            }
        },
    );
}

/// All ways to read report the same events and errors, and a buffer that grows to the limit is like one that has it.
#[test]
fn every_way_to_read() {
    common::for_all((filling(), common::lengths()), |(stream, lengths)| {
        const CAPACITY: usize = 17;
        for chunks in [vec![&stream[..]], split(&stream, &lengths), common::split_at_blank_lines(&stream, 11)] {
            let fixed = via_next(&mut Parser::<[u8; CAPACITY]>::new(), &chunks);
            let ways = [
                via_feed(&mut Parser::<[u8; CAPACITY]>::new(), &chunks),
                via_feed(&mut Parser::with_buffer(&mut [1; CAPACITY]), &chunks),
                via_next(&mut Parser::with_limit(CAPACITY), &chunks),
                common::without_extras(via_items(&mut Parser::with_limit(CAPACITY), &chunks)),
                common::without_extras(via_feed_items(&mut Parser::with_buffer(&mut [1; CAPACITY]), &chunks)),
            ];
            for way in ways {
                assert_eq!(&way, &fixed);
            }
        }
    });
}

/// Sizes beyond the least allocation, so that the buffer grows in steps.
#[test]
fn growing() {
    common::for_all(
        (
            prop::collection::vec((0usize..900, 0usize..300, 0usize..300), 1..8),
            prop::collection::vec(1usize..400, 0..30),
            256usize..1500,
        ),
        |(sizes, lengths, limit)| {
            let mut stream = Vec::new();
            for (i, (data, event, id)) in sizes.into_iter().enumerate() {
                // Bytes that differ by their place.
                let fill = |len: usize, salt: usize| -> String {
                    (0..len).map(|at| char::from(b'a' + ((at * 7 + salt + i) % 26) as u8)).collect()
                };
                let (first, second) = (fill(data / 2, 1), fill(data - data / 2, 2));
                let block =
                    format!("id: {}\ndata: {first}\nevent: {}\ndata: {second}\n\n", fill(id, 3), fill(event, 4));
                stream.extend(block.bytes());
            }
            let mut buffer = vec![0; limit];
            let chunks = split(&stream, &lengths);
            capacity::check(Parser::with_buffer(&mut buffer), &chunks, limit, None);
            capacity::check(Parser::with_limit(limit), &chunks, limit, None);
        },
    );
}

fn overflow(field: Field, needed: usize, capacity: usize) -> Overflow {
    Overflow { field, needed, capacity }
}

// The stream is complete in the input. With `fits` bytes there is no error; with one byte less it is the field's, with the
// bytes needed.
cases! { the_rule_by_example {
    data: b"data: 12345678\n\n", 8, Field::Data, 8;
    two_lines: b"data: 123\ndata: 56\n\n", 6, Field::Data, 6;
    empty_lines: b"data\ndata\ndata\n\n", 2, Field::Data, 2;
    event_type_first: b"event: abc\ndata: 12\n\n", 5, Field::Data, 5;
    event_type_last: b"data: 12\nevent: abc\n\n", 5, Field::Event, 5;
    id_first: b"id: abc\nevent: d\ndata: 12\n\n", 6, Field::Data, 6;
    id_last: b"event: d\ndata: 12\nid: abc\n\n", 6, Field::Id, 6;
    earlier_id: b"id: abc\n\ndata: 1234\n\n", 7, Field::Data, 7;
    id_beside_an_earlier_one: b"id: abc\n\nid: de\ndata: 1\n\n", 6, Field::Data, 6;
    id_beside_one_of_the_same_event: b"id: abc\nid: de\ndata\n\n", 5, Field::Id, 5;
    event_type_in_place_of_another: b"event: abc\nevent: de\ndata: 1\n\n", 3, Field::Event, 3;
    id_before_a_nul: b"data: 1\nid: abc\0defgh\n\n", 4, Field::Id, 4;
}}

fn the_rule_by_example(stream: &[u8], fits: usize, field: Field, needed: usize) {
    // At the start of a stream, and after an event.
    for (before, events) in [("", 0), ("data\n\n", 1)] {
        let stream = [before.as_bytes(), stream].concat();
        let exact = via_next(&mut Parser::with_limit(fits), &[&stream]);
        assert!(exact.iter().all(Result::is_ok) && exact.len() == events + 1, "{exact:?}");
        let less = via_next(&mut Parser::with_limit(fits - 1), &[&stream]);
        assert_eq!(less.get(events), Some(&Err(overflow(field, needed, fits - 1))));
        assert!(less.len() == events + 1, "{less:?}");
    }
}

cases! { lines_that_take_nothing {
    other_lines: b"retry: 123456789\n: a long comment\nunknown: a long value\ndata\n\n";
    empty_values: b"event\nid\ndata\n\n";
}}

fn lines_that_take_nothing(stream: &[u8]) {
    assert!(matches!(&via_next(&mut Parser::with_limit(0), &[stream])[..], [Ok(Item::Event(_))]));
}

#[test]
fn the_capacity_is_told() {
    assert_eq!(Parser::<[u8; 7]>::new().capacity(), 7);
    assert_eq!(Parser::<[u8; 0]>::new().capacity(), 0);
    let mut buffer = [0; 9];
    assert_eq!(Parser::with_buffer(&mut buffer).capacity(), 9);
    let mut parser = Parser::with_limit(11);
    assert_eq!(parser.capacity(), 11);
    // It is the limit, not the memory at this moment.
    assert_eq!(parser.feed(b"data: abc").result, Ok(None));
    assert_eq!(parser.capacity(), 11);
    parser.reset();
    assert_eq!(parser.capacity(), 11);
    assert_eq!(Parser::with_limit(usize::MAX).capacity(), usize::MAX);
}

// The ID of a skipped event is committed at its blank line, wherever it stands, unless it does not fit itself.
cases! { an_overflow_is_reported_before_the_id_is_committed {
    id_first: b"id: new\ndata: much too long\n", b"new";
    id_last: b"data: much too long\nid: new\n", b"new";
    id_too_long: b"data: much too long\nid: far too long\n", b"old";
    id_too_long_then_another: b"data: much too long\nid: far too long\nid: new\n", b"new";
    only_the_id_too_long: b"id: far too long\ndata: x\n", b"old";
}}

fn an_overflow_is_reported_before_the_id_is_committed(block: &[u8], committed: &[u8]) {
    let mut parser = Parser::<[u8; 8]>::new();
    let mut input: &[u8] = b"id: old\ndata\n\n";
    assert!(parser.next(&mut input).unwrap().is_some());
    let mut input = block;
    assert!(parser.next(&mut input).is_err());
    assert_eq!(parser.last_event_id(), Some(&b"old"[..]));
    assert_eq!(parser.next(&mut input), Ok(None), "reported once");
    assert!(parser.unfinished().is_some());
    assert_eq!(parser.last_event_id(), Some(&b"old"[..]));
    let mut input: &[u8] = b"\ndata\n\n";
    let event = parser.next(&mut input).unwrap().unwrap();
    assert_eq!(event.last_event_id(), committed);
    assert_eq!(event.id(), None);
    assert_eq!(parser.last_event_id(), Some(committed));
}

// Read as items, a skipped event leaves an update, if it set anything.
cases! { a_skipped_event_is_an_update {
    id: b"data: too long\nid: 7\n\n", Some(Item::Update { id: Some(b"7".to_vec()), retry: None });
    retry: b"data: too long\nretry: 5\n\n", Some(Item::Update { id: None, retry: Some(5) });
    retry_and_an_id_too_long: b"retry: 5\nid: too long\n\n", Some(Item::Update { id: None, retry: Some(5) });
    nothing: b"data: too long\n\n", None;
}}

fn a_skipped_event_is_an_update(stream: &[u8], update: Option<Item>) {
    for way in [via_items, via_feed_items] {
        let outcomes = way(&mut Parser::with_limit(4), &[stream]);
        assert!(outcomes[0].is_err(), "{outcomes:?}");
        assert_eq!(outcomes[1..], update.clone().map(Ok).as_slice()[..]);
    }
}

/// The next call does not get the input of the skipped event's ID again.
#[test]
fn the_id_of_a_skipped_event_outlives_its_input() {
    let mut parser = Parser::with_limit(4);
    let mut input: &[u8] = b"id:7\ndata: too long\ndata: x\n\n";
    assert!(parser.next(&mut input).is_err());
    assert_eq!(parser.next(&mut input), Ok(None));
    assert_eq!(parser.last_event_id(), Some(&b"7"[..]));
}

/// An empty ID below an event type takes no bytes, but it has a place.
#[test]
fn an_empty_id_does_not_let_an_event_type_over_the_last_event_id() {
    let mut buffer = [0; 2];
    let mut parser = Parser::with_buffer(&mut buffer);
    parser.set_last_event_id(b"a").unwrap();
    for byte in b"event:b\nid:\nevent:c\n".chunks(1) {
        assert_eq!(parser.feed(byte).result, Ok(None));
        assert_eq!(parser.last_event_id(), Some(&b"a"[..]));
    }
}

/// The end of the data and the blank line come at once, and do not fit.
#[test]
fn the_last_piece_does_not_fit() {
    let mut parser = Parser::<[u8; 4]>::new();
    let mut chunk: &[u8] = b"data: 1\n\ndata: ab";
    assert_eq!(parser.next(&mut chunk).unwrap().unwrap().data(), b"1");
    assert_eq!(parser.next(&mut chunk), Ok(None));
    let mut chunk: &[u8] = b"cde\n\ndata: 2\n\n";
    assert_eq!(parser.next(&mut chunk), Err(overflow(Field::Data, 5, 4)));
    assert_eq!(parser.next(&mut chunk).unwrap().unwrap().data(), b"2");
    assert_eq!((parser.next(&mut chunk), chunk), (Ok(None), &b""[..]));
}

// A value that is ignored in one event does not affect the data of the next one, in any chunking.
cases! { an_ignored_value_ends_with_its_line {
    retry: "retry: x\n\n";
    id_with_nul: "id: \0\n\n";
    retry_before_data: "retry: x\ndata: 1\n\n";
    id_with_nul_before_data: "id: \0\ndata: 1\n\n";
    id_too_long: "id: 99999\n\n";
}}

fn an_ignored_value_ends_with_its_line(ignored: &str) {
    let stream = format!("{ignored}data: 234567890123\n\n");
    for chunk in 1..stream.len() {
        let outcomes = via_next(&mut Parser::<[u8; 4]>::new(), &common::chunks_of(stream.as_bytes(), chunk));
        let last = outcomes.last().expect("a report");
        assert!(matches!(last, Err(Overflow { field: Field::Data, .. })), "in chunks of {chunk}: {last:?}");
    }
}

/// The same while the buffer grows.
#[test]
fn an_ignored_value_ends_with_its_line_on_the_heap() {
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
