//! Every way to split the conformance vectors into chunks, all 2^(n-1) of them, and with empty chunks anywhere: each gives
//! the same items as the complete stream. The tests of the crate compare those with the standard's algorithm.
//!
//! The ways are too many to be tried one by one, but the next report of a parser depends on its state alone. So this goes
//! over the places in a stream. From each state that a parser can have there, it feeds every chunk that can come next; the
//! states after it are those of the splits that go on from there. The ways to each state are counted, and their sum shows
//! that every split was met.

extern crate std;

use std::borrow::ToOwned;
use std::collections::HashMap;
use std::format;
use std::string::String;
use std::vec::Vec;

use super::Parser;
use crate::conformance::{ParseVector, parse_vectors};
use crate::event::Event;
use crate::read::{Item, Piece, Update};
use crate::storage::growable::GrowableBuffer;

/// Time sets this limit; `SSEWIRE_SPLIT` is another. Longer vectors are split in two by the conformance runner, and those of
/// more than 200 bytes in two and three by `tests/chunking.rs`.
const EVERY_SPLIT: usize = 100;

/// Ways are counted modulo this prime, 2^61 - 1.
const MODULUS: u128 = (1 << 61) - 1;

impl<S: super::Storage> Parser<S> {
    /// Returns all that decides how the parser goes on. The version of the values is left out: it only tells keys apart.
    fn state(&self) -> (String, Vec<u8>) {
        let builder = format!("{:?}", self.builder);
        let (before, version) = builder.split_once("version: ").expect("a version");
        let after = version.trim_start_matches(|char: char| char.is_ascii_digit());
        (before.to_owned() + after, self.storage.bytes().to_owned())
    }
}

/// An item as an own value. The pieces of a line are joined.
#[derive(Clone, Debug, PartialEq)]
enum Report {
    Event {
        event_type: Option<Vec<u8>>,
        data: Vec<u8>,
        last_event_id: Vec<u8>,
        sets_id: bool,
        retry: Option<u64>,
    },
    Update {
        id: Option<Vec<u8>>,
        retry: Option<u64>,
    },
    /// A comment or an unknown line, which may have only begun.
    Line {
        is_comment: bool,
        value: Vec<u8>,
        is_over: bool,
    },
}

/// A way to read a stream, and the reports of the complete stream.
struct Run<'v> {
    name: &'v str,
    with_items: bool,
    expected: Vec<Report>,
    end: Parser<GrowableBuffer>,
}

/// A parser within a stream, and how much of the expected reports it has made.
#[derive(Clone)]
struct Reader {
    parser: Parser<GrowableBuffer>,
    reported: usize,
    /// Bytes of the next comment or unknown line that were reported.
    line: usize,
}

impl Reader {
    /// Feeds one chunk.
    fn feed(&mut self, with_items: bool, chunk: &[u8], mut report: impl FnMut(&mut (usize, usize), Item<'_>)) {
        let mut rest = chunk;
        loop {
            let input = rest;
            let item = if with_items {
                let progress = self.parser.feed_items(input);
                rest = &input[progress.consumed..];
                progress.result.expect("room for it").map(|found| self.parser.item(found, input))
            } else {
                let progress = self.parser.feed(input);
                rest = &input[progress.consumed..];
                progress.result.expect("room for it").map(|found| Item::Event(self.parser.event(found, input)))
            };
            let Some(item) = item else { break };
            let mut position = (self.reported, self.line);
            report(&mut position, item);
            (self.reported, self.line) = position;
        }
        assert!(rest.is_empty());
    }
}

impl<'v> Run<'v> {
    /// Reads the complete stream.
    fn new(name: &'v str, with_items: bool, parser: &Parser<GrowableBuffer>, stream: &[u8]) -> Run<'v> {
        let mut expected = Vec::new();
        let mut reader = Reader { parser: parser.clone(), reported: 0, line: 0 };
        reader.feed(with_items, stream, |_, item| {
            let line = |is_comment, piece: Piece<'_>| {
                assert!(piece.first, "a piece is all of its line");
                Report::Line { is_comment, value: piece.bytes.to_owned(), is_over: piece.last }
            };
            expected.push(match item {
                Item::Event(Event { event_type, data, last_event_id, sets_id, retry }) => Report::Event {
                    event_type: event_type.map(ToOwned::to_owned),
                    data: data.to_owned(),
                    last_event_id: last_event_id.to_owned(),
                    sets_id,
                    retry,
                },
                Item::Update(Update { id, retry }) => Report::Update { id: id.map(ToOwned::to_owned), retry },
                Item::Comment(piece) => line(true, piece),
                Item::Unknown(piece) => line(false, piece),
            });
        });
        Run { name, with_items, expected, end: reader.parser }
    }

    /// Feeds one chunk, and compares each report with the expected one.
    fn feed(&self, reader: &mut Reader, chunk: &[u8]) {
        reader.feed(self.with_items, chunk, |(reported, line), item| {
            let expected = self.expected.get(*reported);
            let is_as_expected = match (item, expected) {
                (Item::Event(event), Some(Report::Event { event_type, data, last_event_id, sets_id, retry })) => {
                    event.event_type == event_type.as_deref()
                        && event.data == data
                        && event.last_event_id == last_event_id
                        && event.sets_id == *sets_id
                        && event.retry == *retry
                }
                (Item::Update(update), Some(Report::Update { id, retry })) => {
                    update.id == id.as_deref() && update.retry == *retry
                }
                (Item::Comment(piece) | Item::Unknown(piece), Some(Report::Line { is_comment, value, is_over })) => {
                    let rest = value[*line..].strip_prefix(piece.bytes);
                    let is_first = *line == 0;
                    *line += piece.bytes.len();
                    matches!(item, Item::Comment(_)) == *is_comment
                        && piece.first == is_first
                        && rest.is_some_and(|rest| if piece.last { rest.is_empty() && *is_over } else { true })
                }
                _ => false,
            };
            assert!(is_as_expected, "{}, {chunk:?}: {item:?}, expected {expected:?}", self.name);
            let is_over = match item {
                Item::Comment(piece) | Item::Unknown(piece) => piece.last,
                Item::Event(_) | Item::Update(_) => true,
            };
            if is_over {
                (*reported, *line) = (*reported + 1, 0);
            }
        });
    }

    /// Compares a parser at the end of the stream with that of the complete stream.
    fn end(&self, reader: &Reader) {
        let (reported, line) = match self.expected.last() {
            Some(Report::Line { value, is_over: false, .. }) => (self.expected.len() - 1, value.len()),
            _ => (self.expected.len(), 0),
        };
        let (parser, end) = (&reader.parser, &self.end);
        assert_eq!((reader.reported, reader.line), (reported, line), "{}", self.name);
        assert_eq!(parser.last_event_id(), end.last_event_id(), "{}", self.name);
        assert_eq!(parser.reconnection_time_ms(), end.reconnection_time_ms(), "{}", self.name);
        assert_eq!(parser.unfinished(), end.unfinished(), "{}", self.name);
    }
}

/// The states that a parser can have at one place of the stream, and the number of ways to each of them (modulo `MODULUS`),
/// those with empty chunks not counted.
#[derive(Default)]
struct Place {
    states: Vec<(Reader, u128)>,
    by_state: HashMap<(String, Vec<u8>, usize, usize), usize>,
}

impl Place {
    fn add(&mut self, reader: Reader, ways: u128) {
        let (builder, bytes) = reader.parser.state();
        let state = (builder, bytes, reader.reported, reader.line);
        let index = *self.by_state.entry(state).or_insert(self.states.len());
        match self.states.get_mut(index) {
            Some((_, before)) => *before = (*before + ways) % MODULUS,
            None => self.states.push((reader, ways)),
        }
    }
}

/// Feeds `stream` in every way. Returns the number of chunks that it took.
fn every_split(run: &Run<'_>, parser: Parser<GrowableBuffer>, stream: &[u8]) -> usize {
    let mut places: Vec<Place> = (0..=stream.len()).map(|_| Place::default()).collect();
    places[0].add(Reader { parser, reported: 0, line: 0 }, 1);
    let mut fed = 0;
    for at in 0..stream.len() {
        let mut i = 0;
        // An empty chunk may lead to another state at the same place.
        while let Some((reader, ways)) = places[at].states.get(i).cloned() {
            for end in at..=stream.len() {
                let mut reader = reader.clone();
                run.feed(&mut reader, &stream[at..end]);
                places[end].add(reader, if end == at { 0 } else { ways });
                fed += 1;
            }
            i += 1;
        }
    }
    let end = &places[stream.len()].states;
    end.iter().for_each(|(reader, _)| run.end(reader));
    let ways = end.iter().map(|(_, ways)| ways).sum::<u128>() % MODULUS;
    assert_eq!(ways, 1 << (stream.len().saturating_sub(1) % 61), "every split was met");
    fed
}

/// Returns a parser with the smallest buffer that is enough for the vector. It must be enough in any chunking.
fn parser(vector: &ParseVector) -> Parser<GrowableBuffer> {
    let with_limit = |limit| {
        let mut parser = Parser::with_limit(limit);
        match &vector.initial_last_event_id {
            Some(id) => parser.set_last_event_id(id.as_bytes()).map(|()| parser),
            None => Ok(parser),
        }
    };
    let is_enough = |parser: &Parser<_>| {
        let (mut parser, mut input) = (parser.clone(), &vector.input[..]);
        loop {
            match parser.next(&mut input) {
                Ok(None) => return true,
                Ok(Some(_)) => {}
                Err(_) => return false,
            }
        }
    };
    (0..).filter_map(|limit| with_limit(limit).ok()).find(is_enough).expect("some limit is enough")
}

fn every_split_of_every_vector(with_items: bool) {
    let limit = std::env::var("SSEWIRE_SPLIT").map_or(EVERY_SPLIT, |limit| limit.parse().expect("a number"));
    let (mut vectors, mut chunks) = (0, 0);
    for vector in parse_vectors().iter().filter(|vector| vector.input.len() <= limit) {
        vectors += 1;
        let parser = parser(vector);
        let run = Run::new(&vector.name, with_items, &parser, &vector.input);
        chunks += every_split(&run, parser, &vector.input);
    }
    std::println!("{vectors} vectors of up to {limit} bytes, split in every way by {chunks} chunks");
    assert!(limit < EVERY_SPLIT || vectors > 600, "{vectors} vectors");
}

#[test]
fn read_as_events() {
    every_split_of_every_vector(false);
}

#[test]
fn read_as_items() {
    every_split_of_every_vector(true);
}
