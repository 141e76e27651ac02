//! Every chunking of a stream gives the same result, and it is the oracle's.
//!
//! Short streams are split in every way, and long ones in two and three chunks. The unit test in `src/read/every_split.rs`
//! goes through every way to split those in between, which needs a look at a parser's state.

use std::collections::BTreeSet;

use crate::common::oracle::{self, Event, Item};
use crate::common::{self, Outcomes, cases, every_split, items, spaced, split};
use proptest::prelude::*;
use ssewire::conformance::{ParseVector, parse_vectors};
use ssewire::tokenizer::Tokenizer;
use ssewire::{GrowableBuffer, Parser};

const CAPACITY: usize = 4096;

/// `.ci/exhaustive` has the unit test split vectors up to this length in every way.
const EVERY_SPLIT: usize = 200;

/// The longest vector that is split in three at every two places, and about half as many places as a longer one is split at.
/// Time sets these limits: the first, or with `SSEWIRE_SPLIT` the second.
const EVERY_THREE: [(usize, usize); 2] = [(250, 60), (1000, 150)];

/// Longer vectors are left to the conformance runner.
const EVERY_TWO: usize = 20_000;

fn initial(vector: &ParseVector) -> Option<&[u8]> {
    vector.initial_last_event_id.as_ref().map(String::as_bytes)
}

/// Reads the chunks as items, and compares everything that can be seen.
fn assert_items(
    buffer: &mut [u8],
    chunks: &[&[u8]],
    initial: Option<&[u8]>,
    expected: &oracle::Parsed,
    all: &Outcomes,
) {
    let mut parser = Parser::with_buffer(buffer);
    if let Some(id) = initial {
        parser.set_last_event_id(id).unwrap();
    }
    let (outcomes, begun) = common::via_items_with_begun(&mut parser, chunks);
    assert!(outcomes == *all, "{chunks:?}: {outcomes:?}, expected {all:?}");
    assert_eq!(begun, expected.begun, "{chunks:?}");
    assert_eq!(parser.last_event_id(), expected.last_event_id.as_deref(), "{chunks:?}");
    assert_eq!(parser.reconnection_time_ms(), expected.reconnection_time_ms, "{chunks:?}");
}

#[test]
fn every_split_of_short_vectors() {
    let mut buffer = [0; 64];
    let (mut vectors, mut splits) = (0, 0);
    for vector in parse_vectors().iter().filter(|vector| vector.input.len() <= 16) {
        vectors += 1;
        let expected = oracle::parse(&vector.input, initial(vector));
        let all = items(&expected);
        every_split(&vector.input, |chunks| {
            splits += 1;
            assert_items(&mut buffer, chunks, initial(vector), &expected, &all);
        });
    }
    assert!(vectors > 90 && splits > 500_000, "{vectors} vectors, {splits} splits");
}

#[test]
fn every_split_of_shorter_vectors_with_empty_chunks_between() {
    let mut buffer = [0; 64];
    for vector in parse_vectors().iter().filter(|vector| vector.input.len() <= 12) {
        let expected = oracle::parse(&vector.input, initial(vector));
        let all = items(&expected);
        every_split(&vector.input, |chunks| {
            assert_items(&mut buffer, &spaced(chunks), initial(vector), &expected, &all);
        });
    }
}

#[test]
fn every_split_in_two_with_an_empty_chunk_between() {
    let mut buffer = [0; CAPACITY];
    for vector in parse_vectors().iter().filter(|vector| vector.input.len() <= 200) {
        let expected = oracle::parse(&vector.input, initial(vector));
        let all = items(&expected);
        for at in 0..=vector.input.len() {
            let (before, after) = vector.input.split_at(at);
            assert_items(&mut buffer, &[before, after], initial(vector), &expected, &all);
            assert_items(&mut buffer, &[before, b"", after], initial(vector), &expected, &all);
        }
    }
}

// Each thing that has to be recognised across a chunk boundary.
cases! { every_way_to_split {
    bom_then_crlf: b"\xef\xbb\xbfdata:x\r\n\r\n";
    second_bom_on_the_line_of_a_field: b"\xef\xbb\xbf\xef\xbb\xbfdata\n\n";
    second_bom_on_a_line_of_its_own: b"\xef\xbb\xbf\xef\xbb\xbf\ndata\n\n";
    part_of_a_bom_before_a_field: b"\xef\xbbdata\n\ndata\n\n";
    part_of_a_bom_before_cr: b"\xef\rdata\r\r";
    part_of_a_bom_before_crlf: b"\xef\xbb\r\ndata\n\n";
    part_of_a_bom_twice: b"\xef\xef\xbb\xbfdata\n\n";
    bom_then_blank_lines: b"\xef\xbb\xbf\r\rdata:x\r\r";
    crlf_after_a_name_without_a_colon: b"data\r\ndata: \r\n\r\n";
    spaces_and_blank_lines_of_cr: b"data:  a\r\r\r\n\r";
    mixed_line_ends: b"id: 1\r\n\r\rdata\n\r";
    id_cleared_between_cr: b"id:1\r\rid\rdata\r\r";
    id_with_nul_after_an_id: b"id:1\nid:a\0b\n\n";
    name_with_nul: b"id\0:1\ndata\n\n";
    event_type_cleared: b"event:a\nevent\n";
    event_type_and_data: b"event:a\ndata\n\n";
    retry_then_crlf: b"retry:12\r\n\r\n";
    retry_that_is_not_a_number: b"retry:12\nretry:1x";
    retry_without_a_value: b"retry\n\nretry:+1\n\n";
    names_too_short_and_too_long: b"dat:x\ndataa:y\n\n";
    comments_and_crlf: b":\r\n: \r\n:  c\r\n";
    colons_in_values: b"data::\ndata: :\n\n";
    two_ids: b"id:1\nid:22\ndata\n\n";
    unfinished_at_the_end: b"event:a\nid:1\ndata";
}}

fn every_way_to_split(stream: &[u8]) {
    let mut buffer = [0; 64];
    let expected = oracle::parse(stream, None);
    let all = items(&expected);
    every_split(stream, |chunks| assert_items(&mut buffer, chunks, None, &expected, &all));
}

/// A parser within a stream, and how much of the expected items it has reported.
#[derive(Clone)]
struct Reader {
    parser: Parser<GrowableBuffer>,
    reported: usize,
    /// Bytes of the next comment or unknown line that were reported.
    line: usize,
}

/// A way to read a stream, and the expected result.
struct Run<'v> {
    name: &'v str,
    with_items: bool,
    /// The last of them may be a line that has only begun.
    expected: Vec<Item>,
    parsed: &'v oracle::Parsed,
}

impl Run<'_> {
    /// Feeds one chunk, and compares every report.
    fn feed(&self, reader: &mut Reader, chunk: &[u8]) {
        let mut at = 0;
        loop {
            let input = &chunk[at..];
            let parser = &mut reader.parser;
            let found = if self.with_items {
                let progress = parser.feed_items(input);
                at += progress.consumed;
                progress.result.expect("room for it").map(|found| parser.item(found, input))
            } else {
                let progress = parser.feed(input);
                at += progress.consumed;
                progress.result.expect("room for it").map(|found| ssewire::Item::Event(parser.event(found, input)))
            };
            let Some(item) = found else { break };
            let expected = self.expected.get(reader.reported);
            let mut line = |piece: ssewire::Piece<'_>, value: &[u8]| {
                let rest = value[reader.line..].strip_prefix(piece.bytes);
                let is_first = piece.first == (reader.line == 0);
                reader.line += piece.bytes.len();
                (is_first && rest.is_some_and(|rest| rest.is_empty() || !piece.last), piece.last)
            };
            let (is_as_expected, is_over) = match (item, expected) {
                (ssewire::Item::Event(event), Some(Item::Event(expected))) => (is_same(event, expected), true),
                (ssewire::Item::Update(update), Some(Item::Update { id, retry })) => {
                    (update.id() == id.as_deref() && update.retry() == *retry, true)
                }
                (ssewire::Item::Comment(piece), Some(Item::Comment(comment))) => line(piece, comment),
                (ssewire::Item::Unknown(piece), Some(Item::Unknown(unknown))) => line(piece, unknown),
                _ => (false, true),
            };
            assert!(is_as_expected, "{}, {chunk:?}: {item:?}, expected {expected:?}", self.name);
            if is_over {
                (reader.reported, reader.line) = (reader.reported + 1, 0);
            }
        }
        assert_eq!(at, chunk.len());
    }

    /// Compares the state at the end of the stream.
    fn end(&self, reader: &Reader) {
        let reported = match self.parsed.begun.as_ref().filter(|_| self.with_items) {
            Some(Item::Comment(line) | Item::Unknown(line)) => (self.expected.len() - 1, line.len()),
            _ => (self.expected.len(), 0),
        };
        assert_eq!((reader.reported, reader.line), reported, "{}", self.name);
        assert_eq!(reader.parser.last_event_id(), self.parsed.last_event_id.as_deref(), "{}", self.name);
        assert_eq!(reader.parser.reconnection_time_ms(), self.parsed.reconnection_time_ms, "{}", self.name);
    }
}

fn is_same(event: ssewire::Event<'_>, expected: &Event) -> bool {
    event.event_type() == expected.event_type
        && event.data() == expected.data
        && event.last_event_id() == expected.last_event_id
        && event.wire_event_type() == expected.wire_event_type.as_deref()
        && event.id() == expected.id.as_deref()
        && event.retry() == expected.retry
}

/// Returns places to split `stream` at: all of them, or some beside its line ends and some at even distances.
fn places(stream: &[u8]) -> BTreeSet<usize> {
    let (every, enough) = EVERY_THREE[usize::from(std::env::var_os("SSEWIRE_SPLIT").is_some())];
    if stream.len() <= every {
        return (0..stream.len()).collect();
    }
    let is_end = |at: usize| matches!(stream.get(at), Some(b'\r' | b'\n'));
    let beside: Vec<usize> = (0..stream.len()).filter(|&at| is_end(at) || at > 0 && is_end(at - 1)).collect();
    let some = beside.iter().copied().step_by(beside.len().div_ceil(enough).max(1));
    some.chain((0..stream.len()).step_by(stream.len().div_ceil(enough))).collect()
}

/// Splits each long vector in two at every place, and in three at every two of `places`. The buffers are just large enough.
fn long_vectors(with_items: bool) {
    let (mut vectors, mut splits) = (0, 0);
    let is_long = |vector: &&ParseVector| (EVERY_SPLIT + 1..=EVERY_TWO).contains(&vector.input.len());
    for vector in parse_vectors().iter().filter(is_long) {
        vectors += 1;
        let (stream, places) = (&vector.input[..], places(&vector.input));
        let parsed = oracle::parse(stream, initial(vector));
        let expected = match with_items {
            true => parsed.items.iter().chain(&parsed.begun).cloned().collect(),
            false => parsed.events().into_iter().map(Item::Event).collect(),
        };
        let run = Run { name: &vector.name, with_items, expected, parsed: &parsed };
        let reader = Reader { parser: common::tight_parser(stream, initial(vector)), reported: 0, line: 0 };
        for first in 0..=stream.len() {
            let mut begun = reader.clone();
            run.feed(&mut begun, &stream[..first]);
            for second in places.range(first..).filter(|_| places.contains(&first)).copied().chain([stream.len()]) {
                let mut reader = begun.clone();
                run.feed(&mut reader, &stream[first..second]);
                run.feed(&mut reader, &stream[second..]);
                run.end(&reader);
                splits += 1;
            }
        }
    }
    println!("{vectors} vectors, {splits} ways to split them in two or three");
    assert!(vectors >= 4, "{vectors} vectors");
}

#[test]
fn long_vectors_in_two_and_three_chunks_read_as_events() {
    long_vectors(false);
}

#[test]
fn long_vectors_in_two_and_three_chunks_read_as_items() {
    long_vectors(true);
}

#[test]
fn random_streams() {
    common::for_all(
        (prop_oneof![3 => common::stream(), 1 => common::bytes()], common::lengths(), prop::option::of("[a-z]{0,3}")),
        |(stream, lengths, initial)| {
            let initial = initial.as_ref().map(String::as_bytes);
            let expected = oracle::parse(&stream, initial);
            for chunks in [vec![&stream[..]], split(&stream, &lengths)] {
                assert_items(&mut [0; CAPACITY], &chunks, initial, &expected, &items(&expected));
            }
        },
    );
}

#[test]
fn every_way_to_read() {
    common::for_all((common::stream(), common::lengths()), |(stream, lengths)| {
        let chunks = split(&stream, &lengths);
        let parsed = oracle::parse(&stream, None);
        let (expected, all) = (common::events(&parsed), (items(&parsed), parsed.begun));
        let (mut buffer, mut other) = ([0; CAPACITY], [0xff; CAPACITY]);
        let next = common::via_next(&mut Parser::with_buffer(&mut buffer), &chunks);
        let feed = common::via_feed(&mut Parser::with_buffer(&mut other), &chunks);
        let heap = common::via_next(&mut Parser::with_limit(CAPACITY), &chunks);
        let inside = common::via_feed(&mut Parser::<[u8; CAPACITY]>::new(), &chunks);
        for outcomes in [next, feed, heap, inside] {
            assert_eq!(&outcomes, &expected);
        }
        let next_item = common::via_items_with_begun(&mut Parser::with_limit(CAPACITY), &chunks);
        let feed_items = common::via_feed_items_with_begun(&mut Parser::with_buffer(&mut buffer), &chunks);
        assert_eq!(&next_item, &all);
        assert_eq!(&feed_items, &all);
        let tokens = common::via_tokens(&mut Tokenizer::new(), &chunks, b"");
        assert_eq!(&tokens, &all.0);
    });
}

/// The ways to read may take turns.
#[test]
fn ways_to_read_in_turns() {
    common::for_all((common::stream(), common::lengths(), any::<u64>()), |(stream, lengths, turns)| {
        let mut parser = Parser::with_limit(CAPACITY);
        let mut events = Vec::new();
        for (i, chunk) in split(&stream, &lengths).into_iter().enumerate() {
            if turns >> (i % 64) & 1 == 1 {
                let way = if i % 2 == 0 { common::via_next } else { common::via_feed };
                events.extend(way(&mut parser, &[chunk]));
                continue;
            }
            let mut input = chunk;
            while let Some(item) = parser.next_item(&mut input).unwrap() {
                if let ssewire::Item::Event(event) = item {
                    events.push(Ok(Item::Event(common::own(event))));
                }
            }
        }
        assert_eq!(events, common::events(&oracle::parse(&stream, None)));
    });
}

/// An event is reported at its blank line: not a byte later, and with the LF of a CRLF if that is there.
#[test]
fn events_are_reported_at_their_blank_line() {
    common::for_all((common::stream(), any::<prop::sample::Index>()), |(stream, place)| {
        let (before, after) = stream.split_at(place.index(stream.len() + 1));
        let mut parser = Parser::with_limit(CAPACITY);
        let mut offset = 0;
        for chunk in [before, after] {
            let mut at = 0;
            loop {
                let input = &chunk[at..];
                let progress = parser.feed(input);
                at += progress.consumed;
                let Some(found) = progress.result.unwrap() else {
                    assert_eq!(at, chunk.len());
                    break;
                };
                let event = common::own(parser.event(found, input));
                // The stream up to there has this event as its last one, and without its last byte it has not.
                let end = offset + at;
                assert_eq!(oracle::parse(&stream[..end], None).events().pop(), Some(event));
                let crlf = stream[..end].ends_with(b"\r\n") && at > 1;
                let count = |end: usize| oracle::parse(&stream[..end], None).events().len();
                assert_eq!(count(end - 1 - usize::from(crlf)) + 1, count(end));
                assert!(!(chunk[..at].ends_with(b"\r") && chunk[at..].starts_with(b"\n")), "a CRLF is used at once");
            }
            offset += chunk.len();
        }
    });
}

// Byte by byte, an event comes with the first byte of its blank line's end.
cases! { an_event_is_not_held_back {
    cr: b"data:x\r\r\n", 7;
    crlf: b"data:x\r\n\r\n", 8;
    lf: b"data:x\n\n", 7;
    cr_after_lf: b"data:x\n\rdata", 7;
}}

fn an_event_is_not_held_back(stream: &[u8], at: usize) {
    let mut parser = Parser::with_limit(64);
    let has_event = |i: &usize| parser.feed(&stream[*i..=*i]).result.unwrap().is_some();
    let reported: Vec<usize> = (0..stream.len()).filter(has_event).collect();
    assert_eq!(reported, [at]);
}

// A value goes on as it began, whichever call read its beginning. `next` and `next_item` read the first chunk, and
// `next_item` the second.
cases! { a_line_goes_on_as_it_began {
    comment_of_a_colon: b":", b" x\n";
    comment_after_its_space: b": ", b" x\n";
    comment_after_its_space_alone: b": ", b"x\n";
    comment_without_a_space: b":", b"x\n";
    comment_within: b": a", b" x\n";
    comment_without_a_space_within: b":a", b"x\n";
    unknown_within: b"x", b"y\n";
    unknown_after_its_colon: b"x:", b" y\n";
    unknown_like_a_name: b"dat", b"y\n";
    unknown_like_a_name_within: b"dax", b"ta: y\n";
}}

fn a_line_goes_on_as_it_began(first: &[u8], second: &[u8]) {
    // After the start of the stream.
    let mut one = Parser::<[u8; 16]>::new();
    assert_eq!(one.next(&mut &b"\n"[..]), Ok(None));
    let mut other = one.clone();
    let mut input = first;
    while one.next_item(&mut input).unwrap().is_some() {}
    assert_eq!(other.next(&mut &first[..]), Ok(None));

    let (mut of_one, mut of_other) = (second, second);
    loop {
        let item = one.next_item(&mut of_one).unwrap();
        assert_eq!(other.next_item(&mut of_other).unwrap(), item);
        match item.expect("a last piece") {
            ssewire::Item::Comment(piece) | ssewire::Item::Unknown(piece) if piece.last => break,
            ssewire::Item::Unknown(piece) => assert!(piece.first),
            item => panic!("{item:?}"),
        }
    }
    assert_eq!((of_one, of_other), (&b""[..], &b""[..]));
}
