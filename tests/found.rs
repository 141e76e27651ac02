//! The keys that `feed` and `feed_items` return: `event` and `item` turn each into its own event or item, or into one with
//! nothing in it. Whatever a caller does in between, no event has the values of two, and nothing panics.

use crate::common::{self, AnyParser, cases, own};
use ssewire::{Event, FoundEvent, FoundItem, Frame, Item, Parser, Piece, Storage};

const CAPACITY: usize = 64;

type Small = Parser<[u8; CAPACITY]>;

fn feed<S: Storage>(parser: &mut Parser<S>, input: &[u8]) -> FoundEvent {
    parser.feed(input).result.unwrap().expect("an event")
}

fn feed_items<S: Storage>(parser: &mut Parser<S>, input: &[u8]) -> FoundItem {
    parser.feed_items(input).result.unwrap().expect("an item")
}

fn is_nothing(event: Event<'_>) -> bool {
    let own = own(event);
    own.data.is_empty()
        && own.event_type == b"message"
        && own.wire_event_type.is_none()
        && own.last_event_id.is_empty()
        && own.id.is_none()
        && own.retry.is_none()
}

/// Inputs of one event each, some of which lie in the input (on 64-bit targets) and some in the parser.
const INPUTS: [&[u8]; 8] = [
    b"data: one\n\n",
    b"event: e\ndata: one\n\n",
    b"id: 1\nevent: e\ndata: one\n\n",
    b"data: one\nid: 1\n\n",
    b"data: one\ndata: two\n\n",
    b"event: e\ndata: one\ndata: two\n\n",
    b"id: 1\nevent: e\ndata: one\nretry: 5\n\n",
    b": comment\nid: 1\n\ndata: one\n\n",
];

/// Inputs of another event, with values of the same lengths and of others.
const OTHERS: [&[u8]; 7] = [
    b"data: ONE\n\n",
    b"event: E\ndata: ONE\n\n",
    b"id: 9\nevent: E\ndata: ONE\n\n",
    b"data: ONE\ndata: TWO\n\n",
    b"id: 9\nevent: E\ndata: ONE\nretry: 6\n\n",
    b"event: LONG\ndata: MUCH LONGER THAN THE OTHER ONE\n\n",
    b"data\n\n",
];

/// The consumed part of the input is enough, and the key can be used more than once.
#[test]
fn the_consumed_part_is_enough() {
    for input in INPUTS {
        let stream = [input, &b"data: more\n\n"[..]].concat();
        let mut parser = Small::new();
        let progress = parser.feed(&stream);
        assert_eq!(progress.consumed, input.len());
        let found = progress.result.unwrap().unwrap();
        let event = own(parser.event(found, &stream));
        assert!(event.data.starts_with(b"one"));
        for end in progress.consumed..=stream.len() {
            assert_eq!(own(parser.event(found, &stream[..end])), event);
        }
    }
}

/// The input of the event can be part of a longer buffer that is split again.
#[test]
fn another_view_of_the_same_input() {
    let buffer = b"data: one\n\ndata: two\n\n".to_vec();
    let mut parser = Small::new();
    let first = parser.feed(&buffer);
    let start = first.consumed;
    let second = feed(&mut parser, &buffer[start..]);
    assert_eq!(parser.event(second, &buffer[start..]).data(), b"two");
    // The slice that the first event was found in begins elsewhere.
    let event = parser.event(second, &buffer);
    assert!(event.data() == b"two" || is_nothing(event));
}

/// Returns whether `event` is `expected`, or nothing.
fn is_own_or_nothing(event: Event<'_>, expected: &common::oracle::Event) -> bool {
    is_nothing(event) || own(event) == *expected
}

fn check_used_again<S: Storage + Clone>(parser: &Parser<S>, use_again: fn(&mut dyn AnyParser, &[u8])) {
    for input in INPUTS {
        for other in OTHERS {
            let mut parser = parser.clone();
            let found = feed(&mut parser, input);
            let expected = own(parser.event(found, input));
            use_again(&mut parser, other);
            let event = parser.event(found, input);
            let names = (input.escape_ascii(), other.escape_ascii());
            assert!(is_own_or_nothing(event, &expected), "{}, then {}: {event:?}", names.0, names.1);
            // Nor does the key give a part of the other event from the other input.
            let event = parser.event(found, other);
            assert!(is_own_or_nothing(event, &expected), "{}, then {}: {event:?}", names.0, names.1);
        }
    }
}

// A key gives its own event, or nothing, after a parser has read another event.
cases! { a_parser_that_is_used_again {
    by_next: |parser, other| assert_eq!(parser.next(other), 1);
    by_next_item: |parser, other| assert_eq!(parser.next_item(other), 1);
    by_feed: |parser, other| assert_eq!(parser.feed(other), 1);
    by_feed_items: |parser, other| assert_eq!(parser.feed_items(other), 1);
    by_next_twice: |parser, other| assert_eq!(parser.next(other) + parser.next(other), 2);
    to_the_end_of_the_input: |parser, other| assert_eq!(parser.next(other) + parser.next(b""), 1);
    without_the_end: |parser, other| assert_eq!(parser.feed(&other[..other.len() - 1]), 0);
    byte_by_byte: |parser, other| assert_eq!(other.chunks(1).map(|byte| parser.feed(byte)).sum::<usize>(), 1);
    with_nothing: |parser, _| assert_eq!(parser.feed(b""), 0);
    with_an_update: |parser, _| assert_eq!(parser.feed_items(b"id: 9\n\n"), 1);
    with_an_update_that_is_skipped: |parser, _| assert_eq!(parser.feed(b"id: 9\n\n"), 0);
    with_a_comment: |parser, _| assert_eq!(parser.feed_items(b": comment\n"), 1);
    with_an_unknown_line: |parser, _| assert_eq!(parser.feed_items(b"other\n"), 1);
    with_an_event_that_is_too_large: |parser, _| assert_eq!(parser.feed(&[b"data: x".repeat(99)].concat()), 1);
    by_take_unfinished: |parser, other| {
        assert_eq!(parser.feed(&other[..other.len() - 1]), 0);
        assert_eq!(parser.take_unfinished(), 1);
    };
    by_take_unfinished_of_nothing: |parser, _| assert_eq!(parser.take_unfinished(), 0);
}}

fn a_parser_that_is_used_again(use_again: fn(&mut dyn AnyParser, &[u8])) {
    check_used_again(&Small::new(), use_again);
    check_used_again(&Parser::with_limit(CAPACITY), use_again);
    let mut parser = Small::new();
    parser.set_last_event_id(b"earlier").unwrap();
    check_used_again(&parser, use_again);
}

// After these calls a key gives nothing.
cases! { a_parser_for_another_stream {
    reset: |parser| parser.reset();
    set_last_event_id: |parser| parser.set_last_event_id(b"41");
    set_last_event_id_to_nothing: |parser| parser.set_last_event_id(b"");
    take_unfinished_and_another_event: |parser| {
        assert_eq!(parser.feed(b"id: 9\ndata: other"), 0);
        assert_eq!(parser.take_unfinished(), 1);
        assert_eq!(parser.feed(b"data: x\ndata: y\n\n"), 1);
    };
}}

fn a_parser_for_another_stream(prepare: fn(&mut dyn AnyParser)) {
    for input in INPUTS {
        let mut parser = Small::new();
        let found = feed(&mut parser, input);
        prepare(&mut parser);
        let event = parser.event(found, input);
        assert!(is_nothing(event), "{}: {event:?}", input.escape_ascii());

        let mut parser = Small::new();
        let (found, fed) = last_item(&mut parser, input);
        prepare(&mut parser);
        let Item::Event(event) = parser.item(found, fed) else { panic!() };
        assert!(is_nothing(event), "{}: {event:?}", input.escape_ascii());
    }
    let mut parser = Small::new();
    let found = feed_items(&mut parser, b"id: 1\nretry: 5\n\n");
    prepare(&mut parser);
    let Item::Update(update) = parser.item(found, b"id: 1\nretry: 5\n\n") else { panic!() };
    assert_eq!((update.id(), update.retry()), (None, None));
}

/// Returns the last item of `input`, and the slice that was fed.
fn last_item<'i, S: Storage>(parser: &mut Parser<S>, input: &'i [u8]) -> (FoundItem, &'i [u8]) {
    let mut fed = input;
    loop {
        let progress = parser.feed_items(fed);
        if progress.consumed == fed.len() {
            return (progress.result.unwrap().expect("an item"), fed);
        }
        fed = &fed[progress.consumed..];
    }
}

/// With a key of another parser, an event is nothing, or one that this parser holds, or the input's.
#[test]
fn a_key_of_another_parser() {
    for input in INPUTS {
        for other in OTHERS {
            let (mut one, mut two) = (Small::new(), Small::new());
            let (of_one, of_two) = (feed(&mut one, input), feed(&mut two, other));
            let expected = own(two.event(of_two, other));
            let event = two.event(of_one, other);
            assert!(is_own_or_nothing(event, &expected), "{event:?}");
            // An event that is borrowed from the input needs only its ID of a parser.
            let event = two.event(of_one, input);
            let is_of_input = own(event).data == own(one.event(of_one, input)).data;
            assert!(is_own_or_nothing(event, &expected) || is_of_input, "{event:?}");
        }
    }
}

/// Another slice has nothing of the event, unless the parser holds it.
#[test]
fn another_slice() {
    for input in INPUTS {
        let mut parser = Small::new();
        let found = feed(&mut parser, input);
        let expected = own(parser.event(found, input));
        let copy = input.to_vec();
        let others: [&[u8]; 4] = [b"", &copy, b"some other bytes, of about the same length", &input[1..]];
        for other in others {
            let event = parser.event(found, other);
            assert!(is_own_or_nothing(event, &expected), "{}: {event:?}", input.escape_ascii());
        }
    }
}

/// A shorter slice, for which the places of the event are too far: each value is complete or empty.
#[test]
fn a_shorter_slice() {
    for input in INPUTS {
        let mut parser = Small::new();
        let found = feed(&mut parser, input);
        let expected = own(parser.event(found, input));
        for len in 0..input.len() {
            let event = own(parser.event(found, &input[..len]));
            assert!(event.data.is_empty() || event.data == expected.data, "{len}");
            assert!(event.event_type == b"message" || event.event_type == expected.event_type, "{len}");
            assert!(event.last_event_id.is_empty() || event.last_event_id == expected.last_event_id, "{len}");
        }
    }
}

fn piece_of(item: Item<'_>) -> Piece<'_> {
    match item {
        Item::Comment(piece) | Item::Unknown(piece) => piece,
        item => panic!("{item:?}"),
    }
}

// Pieces of lines, by their places in the input.
cases! { a_piece_of_a_line {
    comment: b": comment\n", b"comment", true;
    comment_without_its_end: b": comment", b"comment", false;
    unknown_line: b"unknown: x\n", b"unknown: x", true;
    unknown_line_without_its_end: b"unknown: x", b"unknown: x", false;
}}

fn a_piece_of_a_line(input: &[u8], bytes: &[u8], last: bool) {
    let mut parser = Small::new();
    let found = feed_items(&mut parser, input);
    let item = parser.item(found, input);
    assert_eq!(piece_of(item), Piece { bytes, first: true, last });
    let is_comment = matches!(item, Item::Comment(_));
    // With a shorter slice or another one, the piece is empty, and of the same kind.
    let copy = input.to_vec();
    let start = input.len() - bytes.len() - usize::from(last);
    let shorter = (0..start + bytes.len()).map(|len| &input[..len]);
    for other in shorter.chain([&copy[..], b"", b"another slice of some length", &input[1..]]) {
        let item = parser.item(found, other);
        assert_eq!(piece_of(item), Piece { bytes: b"", first: true, last }, "{}", other.escape_ascii());
        assert_eq!(matches!(item, Item::Comment(_)), is_comment);
    }
    // A piece borrows nothing from the parser, so it is the same after other calls, or empty.
    parser.reset();
    let piece = piece_of(parser.item(found, input));
    assert!(piece.bytes == bytes || piece.bytes.is_empty());
}

/// The beginning of an unknown line that an earlier input held needs no input.
#[test]
fn a_piece_of_an_earlier_input() {
    let mut parser = Small::new();
    assert_eq!(parser.feed_items(b"dat").result, Ok(None));
    let progress = parser.feed_items(b"x\n");
    assert_eq!(progress.consumed, 0);
    let found = progress.result.unwrap().unwrap();
    for input in [&b"x\n"[..], b"", b"another"] {
        assert_eq!(piece_of(parser.item(found, input)), Piece { bytes: b"dat", first: true, last: false });
    }
}

/// An update lies in the parser, so it is gone when the parser is used again.
#[test]
fn an_update() {
    let input = b"id: 1\nretry: 5\n\n";
    let mut parser = Small::new();
    let found = feed_items(&mut parser, input);
    let values = |parser: &Small, found| {
        let Item::Update(update) = parser.item(found, b"") else { panic!() };
        (update.id().map(<[u8]>::to_vec), update.retry())
    };
    assert_eq!(values(&parser, found), (Some(b"1".to_vec()), Some(5)));
    let uses: [fn(&mut Small); 6] = [
        |parser| _ = feed(parser, b"data: x\n\n"),
        |parser| _ = feed_items(parser, b"id: 2\nretry: 6\n\n"),
        |parser| _ = parser.feed(b"id: 2\nda"),
        |parser| _ = parser.feed_items(b"retry: 6\n"),
        |parser| parser.reset(),
        |parser| parser.set_last_event_id(b"3").unwrap(),
    ];
    for (i, use_again) in uses.into_iter().enumerate() {
        let mut parser = parser.clone();
        use_again(&mut parser);
        let values = values(&parser, found);
        assert!(values == (None, None) || values == (Some(b"1".to_vec()), Some(5)), "{i}: {values:?}");
    }
}

/// A caller that overwrites its buffer between the two calls gets other bytes, but what it writes of them is one event of
/// the lines that were asked for.
#[test]
fn an_input_that_was_overwritten_injects_nothing() {
    let harmful: [&[u8]; 8] = [b"\n", b"\r", b"\0", b"\r\n", b"\n\nid: 666\ndata: evil\n\n", b"x", b"\xff", b"data: "];
    for stream in INPUTS {
        for filler in harmful {
            for start in 0..stream.len() {
                let mut buffer = stream.to_vec();
                let mut parser = Small::new();
                let found = feed(&mut parser, &buffer);
                for (byte, other) in buffer[start..].iter_mut().zip(filler.iter().cycle()) {
                    *byte = *other;
                }
                let event = parser.event(found, &buffer);
                let wire: Vec<u8> = Frame::from(event).parts().flatten().copied().collect();
                check_one_event(&wire, event);
                if let Ok(text) = event.text() {
                    assert_eq!(Frame::from(text).to_string().as_bytes(), wire);
                }
                let mut slice = vec![0; wire.len()];
                assert_eq!(Frame::from(event).write_to_slice(&mut slice), Ok(wire.len()));
                assert_eq!(slice, wire);
            }
        }
    }
}

/// Reads `wire`: it is one event, with the data of `event`, and no line but those that an event has.
fn check_one_event(wire: &[u8], event: Event<'_>) {
    let (lines, rest) = common::oracle::lines(wire);
    assert!(rest.is_empty());
    let names: Vec<&[u8]> = lines.iter().map(|line| common::oracle::field(line).0).collect();
    let of_data = names.iter().filter(|name| **name == b"data").count();
    let line_ends = common::oracle::lines(event.data()).0.len();
    assert_eq!(of_data, line_ends + 1, "{}", wire.escape_ascii());
    let (blank, lines) = lines.split_last().unwrap();
    assert!(blank.is_empty());
    let others: Vec<&[u8]> = names[..lines.len()].iter().copied().filter(|name| *name != b"data").collect();
    let mut allowed = [&b"event"[..], b"id", b"retry"].into_iter();
    assert!(others.iter().all(|name| allowed.any(|allowed| allowed == *name)), "{}", wire.escape_ascii());
    let parsed = common::oracle::parse(wire, None);
    assert_eq!(parsed.items.len(), 1, "{}", wire.escape_ascii());
    assert_ne!(parsed.last_event_id.as_deref(), Some(&b"666"[..]));
}

#[test]
fn keys_are_values() {
    let mut parser = Small::new();
    let found = feed(&mut parser, b"data: x\n\n");
    let other = feed(&mut parser, b"data: y\ndata: z\n\n");
    assert_eq!((found, other), { (found, other) });
    assert_ne!(found, other);
    let item = feed_items(&mut parser, b": x\n");
    assert_eq!(item, { item });
    assert!(!format!("{found:?}{item:?}").contains('z'), "they hold no data");
}
