//! What fits in a parser's buffer: the rule of `Parser`'s documentation, modelled on whole lines, against parsers of
//! every small size.

mod common;

use common::oracle::{self, Item};
use common::{config, cut, via_feed, via_items, via_next, Outcomes, Stream};
use proptest::prelude::*;
use ssewire::{Error, Field, Parser, Status, Storage};

/// What the model says of one event: that it is dispatched (which one it is the oracle knows), or that it is too large.
#[derive(Clone, Debug, PartialEq)]
enum Fate {
    /// The number of the event among all that the standard dispatches, and the last event ID that it has.
    Event { number: usize, last_event_id: Vec<u8> },
    /// `needed` when the line comes whole; less may be reported when it comes in pieces. With the ID in force.
    Overflow { field: Field, needed: usize, last_event_id: Option<Vec<u8>> },
}

#[derive(Debug)]
struct Model {
    fates: Vec<Fate>,
    last_event_id: Option<Vec<u8>>,
}

/// The rule, line by line: the last event ID, and the unfinished event's type, ID and data, and the line at hand, are
/// together not longer than the capacity. An event type takes the place of the one before; an ID does so only when its
/// line is over. Of an event that is too large only the ID counts on.
fn model(stream: &[u8], capacity: usize, initial: Option<&[u8]>) -> Model {
    let mut last_event_id = initial.map(<[u8]>::to_vec);
    let (mut event_type, mut id, mut data) = (0, None::<Vec<u8>>, None::<usize>);
    let mut skipping = false;
    let mut number = 0;
    // Whether the standard dispatches an event at the blank line: also when it is too large here.
    let mut has_data = false;
    let mut fates = Vec::new();

    let (lines, rest) = oracle::lines(stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream));
    // What is seen of a line that is not over can be too long as well.
    let cut_off = Some(rest).filter(|rest| rest.contains(&b':') && !oracle::field(rest).1.is_empty());
    for line in lines.into_iter().chain(cut_off) {
        if line.is_empty() {
            last_event_id = id.take().or(last_event_id);
            if data.is_some() && !skipping {
                fates.push(Fate::Event { number, last_event_id: last_event_id.clone().unwrap_or_default() });
            }
            number += usize::from(has_data);
            (event_type, data, skipping, has_data) = (0, None, false, false);
            continue;
        }
        let (name, value) = oracle::field(line);
        let held = last_event_id.as_ref().map_or(0, Vec::len) + id.as_ref().map_or(0, Vec::len);
        has_data |= name == b"data";
        let overflow = |field, needed| Fate::Overflow { field, needed, last_event_id: last_event_id.clone() };
        let too_large = match name {
            b"data" if !skipping => {
                let longer = data.map_or(value.len(), |before| before + 1 + value.len());
                data = Some(longer);
                let needed = held + event_type + longer;
                (needed > capacity).then(|| overflow(Field::Data, needed))
            }
            b"event" if !skipping => {
                event_type = value.len();
                let needed = held + event_type + data.unwrap_or(0);
                (needed > capacity).then(|| overflow(Field::Event, needed))
            }
            b"id" => {
                let nul = value.iter().position(|&byte| byte == 0);
                let needed = held + event_type + data.unwrap_or(0) + nul.unwrap_or(value.len());
                let too_large = needed > capacity;
                if too_large {
                    id = None;
                } else if nul.is_none() {
                    id = Some(value.to_vec());
                }
                (too_large && !skipping).then(|| overflow(Field::Id, needed))
            }
            _ => None,
        };
        if let Some(fate) = too_large {
            fates.push(fate);
            (event_type, data, skipping) = (0, None, true);
        }
    }
    Model { fates, last_event_id }
}

/// Runs a parser and compares each thing that it reports with the model.
fn assert_model<S: Storage>(
    mut parser: Parser<S>,
    chunks: &[&[u8]],
    capacity: usize,
    initial: Option<&[u8]>,
) -> Result<(), TestCaseError> {
    let stream = chunks.concat();
    let model = model(&stream, capacity, initial);
    let events = oracle::parse(&stream, initial).events();
    if let Some(id) = initial {
        parser.set_last_event_id(id).unwrap();
    }
    let mut fates = model.fates.iter();
    for chunk in chunks {
        let mut at = 0;
        loop {
            let input = &chunk[at..];
            let progress = parser.feed(input);
            at += progress.consumed;
            prop_assert!(parser.unfinished().unwrap_or(0) <= capacity);
            match progress.status {
                Ok(Status::NeedInput) => break,
                Ok(Status::Event) => {
                    let event = common::own(parser.event(input));
                    let Some(Fate::Event { number, last_event_id }) = fates.next() else {
                        return Err(TestCaseError::fail(format!("not to be expected: {event:?}, {model:?}")));
                    };
                    prop_assert_eq!(&event.last_event_id, last_event_id);
                    // All else is the standard's; the ID may be another where one before it did not fit.
                    let mut expected = events[*number].clone();
                    expected.last_event_id.clone_from(&event.last_event_id);
                    prop_assert_eq!(event, expected);
                    prop_assert_eq!(parser.last_event_id().unwrap_or_default(), &last_event_id[..]);
                }
                Err(Error::Overflow { field, needed, capacity: reported }) => {
                    let Some(Fate::Overflow { field: expected, needed: most, last_event_id }) = fates.next() else {
                        return Err(TestCaseError::fail(format!("not to be expected: overflow of {field}, {model:?}")));
                    };
                    prop_assert_eq!((field, reported), (*expected, capacity));
                    prop_assert!(capacity < needed && needed <= *most, "{} < {} <= {}", capacity, needed, most);
                    prop_assert!(chunks.len() > 1 || needed == *most, "the line came whole");
                    prop_assert_eq!(parser.last_event_id(), last_event_id.as_deref(), "nothing is committed yet");
                }
                other => return Err(TestCaseError::fail(format!("{other:?}"))),
            }
        }
        prop_assert_eq!(at, chunk.len());
    }
    prop_assert_eq!(fates.next(), None);
    prop_assert_eq!(parser.last_event_id(), model.last_event_id.as_deref());
    prop_assert_eq!(parser.reconnection_time_ms(), oracle::parse(&stream, None).reconnection_time_ms);
    Ok(())
}

/// Streams with event types, IDs and data that come and go, of about the sizes of the buffers.
fn filling() -> impl Strategy<Value = Stream> {
    let name = proptest::sample::select(vec!["data:", "data: ", "event:", "id:", "id: ", "id:a\0", ":", "other:"]);
    let line = prop_oneof![
        5 => (name, 0usize..14).prop_map(|(name, len)| name.to_string() + &"abcdefghijklmn"[..len]),
        1 => proptest::sample::select(vec!["data", "event", "id", "retry:7"]).prop_map(str::to_string),
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
        for capacity in 0..40 {
            let initial = initial.as_ref().map(String::as_bytes).filter(|id| id.len() <= capacity);
            let mut buffer = vec![0xaa; capacity];
            for chunks in [vec![&stream[..]], cut(&stream, &lengths)] {
                assert_model(Parser::with_buffer(&mut buffer), &chunks, capacity, initial)?;
            }
            assert_model(Parser::with_limit(capacity), &cut(&stream, &lengths), capacity, initial)?;
        }
    }

    /// All ways to read report the same events and errors, and one whose buffer grows to the limit is one that has it.
    #[test]
    fn every_way_to_read(stream in filling(), lengths in common::lengths()) {
        const CAPACITY: usize = 17;
        let chunks = cut(&stream, &lengths);
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
        assert_model(Parser::with_buffer(&mut buffer), &chunks, limit, None)?;
        assert_model(Parser::with_limit(limit), &chunks, limit, None)?;
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
        let exact = via_next(&mut Parser::with_limit(fits), &[stream]);
        assert!(exact.iter().all(Result::is_ok) && exact.len() == 1, "{name}: {exact:?}");
        let less = via_next(&mut Parser::with_limit(fits - 1), &[stream]);
        assert_eq!(less, [Err(overflow(field, needed, fits - 1))], "{name}");
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
