//! Every way to cut the conformance vectors, all 2^(n-1) of them, and with empty chunks anywhere.
//!
//! They are too many to be tried one by one, but what a parser does next depends on its state alone. So this goes over
//! the places in the stream, and from each state that a parser can be in there feeds every chunk that can come next: the
//! states that it leads to are those of the splits that go on from there. Two states are the same when they print the
//! same, since `Debug` is derived for all that a parser is made of. That every split was met is counted, not assumed.
//!
//! Of the four vectors longer than `EVERY_SPLIT` all are cut in two at every place, two in three at every two places, and
//! the two longest in three at a choice of places.

mod common;

use std::collections::{BTreeSet, HashMap};

use common::oracle::{self, Event, Item};
use common::via_items;
use ssewire::conformance::{parse_vectors, ParseVector};
use ssewire::{GrowableBuffer, Parser, Status};

/// Vectors up to this length are cut in every way. Time sets this limit.
const EVERY_SPLIT: usize = 400;

/// Vectors up to this length are cut in three in every way.
const EVERY_THREE: usize = 5000;

/// Ways are counted modulo this prime, 2^61 - 1.
const MODULUS: u128 = (1 << 61) - 1;

/// A parser in the midst of a stream, and how much of what is expected it has reported.
#[derive(Clone)]
struct Reader {
    parser: Parser<GrowableBuffer>,
    reported: usize,
    /// Bytes of the comment that is next which were reported.
    comment: usize,
}

/// How a stream is read, and what must come of it.
struct Run<'v> {
    name: &'v str,
    with_items: bool,
    expected: &'v [Item],
    last_event_id: Option<&'v [u8]>,
    reconnection_time_ms: Option<u64>,
}

impl Run<'_> {
    /// Feeds one chunk, and compares all that is reported.
    fn feed(&self, reader: &mut Reader, chunk: &[u8]) {
        let mut at = 0;
        loop {
            let input = &chunk[at..];
            let parser = &mut reader.parser;
            let progress = if self.with_items { parser.feed_items(input) } else { parser.feed(input) };
            at += progress.consumed;
            let status = progress.status.expect("room for all of it");
            if status == Status::NeedInput {
                break;
            }
            let Some(expected) = self.expected.get(reader.reported) else { panic!("{}: {status:?}", self.name) };
            let (is_as_expected, is_over) = match (status, expected) {
                (Status::Event, Item::Event(event)) => (is_same(parser.event(input), event), true),
                (Status::Update, Item::Update { id, retry }) => {
                    let update = parser.update();
                    (update.id() == id.as_deref() && update.retry() == *retry, true)
                }
                (Status::Comment(piece), Item::Comment(comment)) => {
                    let rest = comment[reader.comment..].strip_prefix(piece.bytes(input));
                    reader.comment += piece.bytes(input).len();
                    (rest.is_some_and(|rest| rest.is_empty() || !piece.is_last()), piece.is_last())
                }
                _ => (false, true),
            };
            let (name, event) = (self.name, parser.event(input));
            assert!(is_as_expected, "{name}, {chunk:?}: {status:?}, {event:?}, expected {expected:?}");
            if is_over {
                (reader.reported, reader.comment) = (reader.reported + 1, 0);
            }
        }
        assert_eq!(at, chunk.len());
    }

    /// At the end of the stream.
    fn end(&self, reader: &Reader) {
        assert_eq!((reader.reported, reader.comment), (self.expected.len(), 0), "{}", self.name);
        assert_eq!(reader.parser.last_event_id(), self.last_event_id, "{}", self.name);
        assert_eq!(reader.parser.reconnection_time_ms(), self.reconnection_time_ms, "{}", self.name);
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

/// The states that a parser can be in at one place of the stream, and in how many ways it gets to each (modulo `MODULUS`),
/// those with empty chunks not counted.
#[derive(Default)]
struct Place {
    states: Vec<(Reader, u128)>,
    by_name: HashMap<String, usize>,
}

impl Place {
    fn add(&mut self, reader: Reader, ways: u128) {
        let name = format!("{:?} {} {}", reader.parser, reader.reported, reader.comment);
        let index = *self.by_name.entry(name).or_insert(self.states.len());
        match self.states.get_mut(index) {
            Some((_, before)) => *before = (*before + ways) % MODULUS,
            None => self.states.push((reader, ways)),
        }
    }
}

/// Feeds `stream` in every way, and returns how many chunks it took.
fn every_split(run: &Run<'_>, parser: Parser<GrowableBuffer>, stream: &[u8]) -> usize {
    let mut places: Vec<Place> = stream.iter().map(|_| Place::default()).chain([Place::default()]).collect();
    places[0].add(Reader { parser, reported: 0, comment: 0 }, 1);
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

/// A parser with just enough room for the vector: that it is enough must not depend on how the stream is cut either.
fn parser(vector: &ParseVector) -> Parser<GrowableBuffer> {
    let with_limit = |limit| {
        let mut parser = Parser::with_limit(limit);
        match &vector.initial_last_event_id {
            Some(id) => parser.set_last_event_id(id.as_bytes()).map(|()| parser),
            None => Ok(parser),
        }
    };
    let is_enough = |parser: &Parser<_>| via_items(&mut parser.clone(), &[&vector.input]).iter().all(Result::is_ok);
    (0..).filter_map(|limit| with_limit(limit).ok()).find(is_enough).unwrap()
}

/// Calls `check` with what must come of a vector, as events alone or as all items.
fn check(vector: &ParseVector, with_items: bool, check: impl FnOnce(&Run<'_>)) {
    let initial = vector.initial_last_event_id.as_deref().map(str::as_bytes);
    let parsed = oracle::parse(&vector.input, initial);
    let events: Vec<Item> = parsed.events().into_iter().map(Item::Event).collect();
    check(&Run {
        name: &vector.name,
        with_items,
        expected: if with_items { &parsed.items } else { &events },
        last_event_id: parsed.last_event_id.as_deref(),
        reconnection_time_ms: parsed.reconnection_time_ms,
    });
}

/// Cuts `stream` in two at every place, and in three at every two of `places`. Returns how many ways that are.
fn cuts_in_two_and_three(
    run: &Run<'_>,
    parser: Parser<GrowableBuffer>,
    stream: &[u8],
    places: &BTreeSet<usize>,
) -> usize {
    for first in 0..=stream.len() {
        let mut begun = Reader { parser: parser.clone(), reported: 0, comment: 0 };
        run.feed(&mut begun, &stream[..first]);
        for second in places.range(first..).filter(|_| places.contains(&first)).copied().chain([stream.len()]) {
            let mut reader = begun.clone();
            run.feed(&mut reader, &stream[first..second]);
            run.feed(&mut reader, &stream[second..]);
            run.end(&reader);
        }
    }
    stream.len() + 1 + places.len() * (places.len() + 1) / 2
}

/// Places to cut `stream` at: all of them, or some 500 beside its line ends and some 500 at even distances.
fn places(stream: &[u8]) -> BTreeSet<usize> {
    const ENOUGH: usize = 500;
    if stream.len() <= EVERY_THREE {
        return (0..stream.len()).collect();
    }
    let is_end = |at: usize| matches!(stream.get(at), Some(b'\r' | b'\n'));
    let beside: Vec<usize> = (0..stream.len()).filter(|&at| is_end(at) || at > 0 && is_end(at - 1)).collect();
    let some = beside.iter().copied().step_by(beside.len().div_ceil(ENOUGH).max(1));
    some.chain((0..stream.len()).step_by(stream.len().div_ceil(ENOUGH))).collect()
}

fn short_vectors(with_items: bool) {
    let (mut vectors, mut chunks) = (0, 0);
    for vector in parse_vectors().iter().filter(|vector| vector.input.len() <= EVERY_SPLIT) {
        vectors += 1;
        check(vector, with_items, |run| chunks += every_split(run, parser(vector), &vector.input));
    }
    println!("{vectors} vectors of up to {EVERY_SPLIT} bytes, cut in every way by {chunks} chunks");
    assert!(vectors > 810, "{vectors} vectors");
}

fn long_vectors(with_items: bool) {
    let (mut vectors, mut splits) = (0, 0);
    for vector in parse_vectors().iter().filter(|vector| vector.input.len() > EVERY_SPLIT) {
        vectors += 1;
        let places = places(&vector.input);
        check(vector, with_items, |run| splits += cuts_in_two_and_three(run, parser(vector), &vector.input, &places));
    }
    println!("{vectors} longer vectors, {splits} ways to cut them in two or three");
    assert!(vectors >= 4, "{vectors} vectors");
}

#[test]
fn every_split_of_short_vectors_read_as_events() {
    short_vectors(false);
}

#[test]
fn every_split_of_short_vectors_read_as_items() {
    short_vectors(true);
}

#[test]
fn cuts_in_two_and_three_of_long_vectors_read_as_events() {
    long_vectors(false);
}

#[test]
fn cuts_in_two_and_three_of_long_vectors_read_as_items() {
    long_vectors(true);
}
