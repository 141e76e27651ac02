//! What fits in a parser's buffer: the rule of `Parser`'s documentation, as `oracle::capacity` models it, against parsers
//! of every small size.

mod common;

use common::oracle::{capacity, Item};
use common::{config, cut, via_feed, via_items, via_next, Outcomes, Stream};
use proptest::prelude::*;
use ssewire::{Error, Field, Parser, Status};

/// Streams with event types, IDs and data that come and go, of about the sizes of the buffers.
fn filling() -> impl Strategy<Value = Stream> {
    let name = proptest::sample::select(vec!["data:", "data: ", "event:", "id:", "id: ", "id:a\0", ":", "other:"]);
    let line = prop_oneof![
        5 => (name, 0usize..14).prop_map(|(name, len)| name.to_string() + &"abcdefghijklmn"[..len]),
        1 => proptest::sample::select(vec!["data", "event", "id", "retry:7", "retry:x"]).prop_map(str::to_string),
        4 => Just(String::new()),
    ];
    (prop::collection::vec((line, common::line_end()), 0..30), "(data:|id:)?[a-z]{0,12}").prop_map(|(lines, rest)| {
        let lines: Vec<u8> = lines.into_iter().flat_map(|(line, end)| [line.into_bytes(), end].concat()).collect();
        Stream([lines, rest.into_bytes()].concat())
    })
}

proptest! {
    #![proptest_config(config())]

    /// Every small size, lent and on the heap: exactly those events that do not fit are missing, each is reported once,
    /// and no chunking makes a difference.
    #[test]
    fn every_small_capacity(
        stream in prop_oneof![3 => filling(), 1 => common::stream()],
        lengths in common::lengths(),
        initial in prop::option::of("[a-z]{0,4}"),
    ) {
        for bytes in 0..40 {
            let initial = initial.as_ref().map(String::as_bytes).filter(|id| id.len() <= bytes);
            let mut buffer = vec![0xaa; bytes];
            let size = lengths.first().map_or(11, |length| length + 7);
            for chunks in [vec![&stream[..]], cut(&stream, &lengths), common::cut_at_blank_lines(&stream, size)] {
                capacity::check(Parser::with_buffer(&mut buffer), &chunks, bytes, initial);
            }
            capacity::check(Parser::with_limit(bytes), &cut(&stream, &lengths), bytes, initial);
        }
    }

    /// All ways to read report the same events and errors, and one whose buffer grows to the limit is one that has it.
    #[test]
    fn every_way_to_read(stream in filling(), lengths in common::lengths()) {
        const CAPACITY: usize = 17;
        for chunks in [vec![&stream[..]], cut(&stream, &lengths), common::cut_at_blank_lines(&stream, 11)] {
            let fixed = via_next(&mut Parser::<heapless::Vec<u8, CAPACITY>>::new(), &chunks);
            let ways = [
                via_feed(&mut Parser::<heapless::Vec<u8, CAPACITY>>::new(), &chunks),
                via_feed(&mut Parser::with_buffer(&mut [1; CAPACITY]), &chunks),
                via_next(&mut Parser::with_limit(CAPACITY), &chunks),
                common::without_extras(via_items(&mut Parser::with_limit(CAPACITY), &chunks)),
            ];
            for way in ways {
                prop_assert_eq!(&way, &fixed);
            }
        }
    }

    /// Where a buffer grows in steps: sizes beyond the least allocation.
    #[test]
    fn growing(sizes in prop::collection::vec((0usize..900, 0usize..300, 0usize..300), 1..8), lengths in prop::collection::vec(1usize..400, 0..30), limit in 256usize..1500) {
        let mut stream = Vec::new();
        for (i, (data, event, id)) in sizes.into_iter().enumerate() {
            // Bytes that tell where they belong.
            let fill = |len: usize, salt: usize| -> String { (0..len).map(|at| char::from(b'a' + ((at * 7 + salt + i) % 26) as u8)).collect() };
            let (first, second) = (fill(data / 2, 1), fill(data - data / 2, 2));
            let block = format!("id: {}\ndata: {first}\nevent: {}\ndata: {second}\n\n", fill(id, 3), fill(event, 4));
            stream.extend(block.bytes());
        }
        let mut buffer = vec![0; limit];
        let chunks = cut(&stream, &lengths);
        capacity::check(Parser::with_buffer(&mut buffer), &chunks, limit, None);
        capacity::check(Parser::with_limit(limit), &chunks, limit, None);
    }
}

fn overflow(field: Field, needed: usize, capacity: usize) -> Error {
    Error::Overflow { field, needed, capacity }
}

#[test]
fn the_rule_by_example() {
    use Field::{Data, Event, Id};
    // The stream comes whole. With one byte less than `fits` the error is as given; with `fits` there is none.
    let cases: [(&[u8], usize, Field, usize); 10] = [
        (b"data: 12345678\n\n", 8, Data, 8),
        (b"data: 123\ndata: 56\n\n", 6, Data, 6),
        (b"data\ndata\ndata\n\n", 2, Data, 2),
        (b"event: abc\ndata: 12\n\n", 5, Data, 5),
        (b"data: 12\nevent: abc\n\n", 5, Event, 5),
        (b"id: abc\nevent: d\ndata: 12\n\n", 6, Data, 6),
        (b"event: d\ndata: 12\nid: abc\n\n", 6, Id, 6),
        (b"id: abc\n\ndata: 1234\n\n", 7, Data, 7),
        (b"id: abc\n\nid: de\ndata: 1\n\n", 6, Data, 6),
        (b"id: abc\nid: de\ndata\n\n", 5, Id, 5),
    ];
    for (stream, fits, field, needed) in cases {
        let name = stream.escape_ascii().to_string();
        // At the start of a stream, and behind an event.
        for (before, events) in [("", 0), ("data\n\n", 1)] {
            let stream = [before.as_bytes(), stream].concat();
            let exact = via_next(&mut Parser::with_limit(fits), &[&stream]);
            assert!(exact.iter().all(Result::is_ok) && exact.len() == events + 1, "{name}: {exact:?}");
            let less = via_next(&mut Parser::with_limit(fits - 1), &[&stream]);
            assert_eq!(less[events..], [Err(overflow(field, needed, fits - 1))], "{name}");
        }
    }
    // What takes nothing.
    for stream in [&b"retry: 123456789\n: a long comment\nunknown: a long value\ndata\n\n"[..], b"event\nid\ndata\n\n"]
    {
        assert!(matches!(&via_next(&mut Parser::with_limit(0), &[stream])[..], [Ok(Item::Event(_))]));
    }
}

#[test]
fn an_overflow_is_reported_before_the_id_is_committed() {
    // The ID of a skipped event is committed at its blank line, wherever it stands, unless it does not fit itself.
    let cases: [(&[u8], &[u8]); 5] = [
        (b"id: new\ndata: much too long\n", b"new"),
        (b"data: much too long\nid: new\n", b"new"),
        (b"data: much too long\nid: far too long\n", b"old"),
        (b"data: much too long\nid: far too long\nid: new\n", b"new"),
        (b"id: far too long\ndata: x\n", b"old"),
    ];
    for (block, committed) in cases {
        let name = block.escape_ascii().to_string();
        let mut parser = Parser::<heapless::Vec<u8, 8>>::new();
        let mut input: &[u8] = b"id: old\ndata\n\n";
        assert!(parser.next(&mut input).unwrap().is_some());
        let mut input = block;
        assert!(matches!(parser.next(&mut input), Err(Error::Overflow { .. })), "{name}");
        assert_eq!(parser.last_event_id(), Some(&b"old"[..]), "{name}");
        assert_eq!(parser.next(&mut input), Ok(None), "{name}: reported once");
        assert!(parser.unfinished().is_some(), "{name}");
        assert_eq!(parser.last_event_id(), Some(&b"old"[..]), "{name}");
        let mut input: &[u8] = b"\ndata\n\n";
        let event = parser.next(&mut input).unwrap().unwrap();
        assert_eq!(event.last_event_id(), committed, "{name}");
        assert_eq!(event.id(), None, "{name}");
        assert_eq!(parser.last_event_id(), Some(committed), "{name}");
    }
}

/// As items, a skipped event leaves an update behind, if there is something to tell.
#[test]
fn a_skipped_event_is_an_update() {
    let cases: [(&[u8], Option<Item>); 4] = [
        (b"data: too long\nid: 7\n\n", Some(Item::Update { id: Some(b"7".to_vec()), retry: None })),
        (b"data: too long\nretry: 5\n\n", Some(Item::Update { id: None, retry: Some(5) })),
        (b"retry: 5\nid: too long\n\n", Some(Item::Update { id: None, retry: Some(5) })),
        (b"data: too long\n\n", None),
    ];
    for (stream, update) in cases {
        let outcomes: Outcomes = via_items(&mut Parser::with_limit(4), &[stream]);
        assert!(outcomes[0].is_err(), "{outcomes:?}");
        assert_eq!(outcomes[1..], update.map(Ok).as_slice()[..], "{}", stream.escape_ascii());
    }
}

/// The ID of a skipped event is lent from an input that the next call does not get again.
#[test]
fn the_id_of_a_skipped_event_outlives_its_input() {
    let mut parser = Parser::with_limit(4);
    let mut input: &[u8] = b"id:7\ndata: too long\ndata: x\n\n";
    assert!(parser.next(&mut input).is_err());
    assert_eq!(parser.next(&mut input), Ok(None));
    assert_eq!(parser.last_event_id(), Some(&b"7"[..]));
}

/// An empty ID below an event type takes no room, but it has a place.
#[test]
fn an_empty_id_does_not_let_an_event_type_over_the_last_event_id() {
    let mut buffer = [0; 2];
    let mut parser = Parser::with_buffer(&mut buffer);
    parser.set_last_event_id(b"a").unwrap();
    for byte in b"event:b\nid:\nevent:c\n".chunks(1) {
        assert_eq!(parser.feed(byte).status, Ok(Status::NeedInput));
        assert_eq!(parser.last_event_id(), Some(&b"a"[..]));
    }
}
