//! Shared by the tests: ways to run a parser, to split a stream into chunks, and to make random streams.
#![allow(dead_code, unused_imports, unused_macros)] // each test crate uses a part of it

use std::fmt;
use std::ops::Deref;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use ssewire::tokenizer::{Token, Tokenizer};
use ssewire::{Field, Overflow, Parser, Piece, Storage};

#[path = "../oracle/mod.rs"]
pub mod oracle;

use oracle::{Event, Item};

/// Makes a test of each row of a table, which can be run alone by its name. `cases! { check { name: argument, argument; } }`
/// makes the test `check::name`, which calls `check` with the arguments.
macro_rules! cases {
    ($check:ident { $($name:ident: $($argument:expr),+;)+ }) => {
        mod $check {
            #[allow(unused_imports)]
            use super::*;
            $(
                #[test]
                fn $name() {
                    super::$check($($argument),+);
                }
            )+
        }
    };
}
pub(crate) use cases;

// ---- properties ----

/// Runs `test` on 512 of these values, or on as many as `PROPTEST_CASES` says: the same ones each time. Shows the simplest that
/// fails.
// All tests share one instance of proptest's runner: it is large, and the compiler would make one for each.
pub fn for_all<T: fmt::Debug + 'static>(values: impl Strategy<Value = T> + 'static, test: fn(T)) {
    run(values.prop_map(move |value| Box::new(Case { value, test }) as Box<dyn Run>).boxed());
}

struct Case<T> {
    value: T,
    test: fn(T),
}

impl<T: fmt::Debug> fmt::Debug for Case<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

trait Run: fmt::Debug {
    fn run(self: Box<Self>);
}

impl<T: fmt::Debug> Run for Case<T> {
    fn run(self: Box<Self>) {
        (self.test)(self.value);
    }
}

fn run(cases: BoxedStrategy<Box<dyn Run>>) {
    let default = Config::default();
    let config =
        Config { cases: default.cases.max(512), failure_persistence: None, rng_seed: RngSeed::Fixed(2026), ..default };
    let mut runner = TestRunner::new(config);
    let result = runner.run(&cases, |case| {
        case.run();
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

// ---- running ----

/// The reports of a parser, in order. The pieces of a comment or unknown line are joined.
pub type Outcomes = Vec<Result<Item, Overflow>>;

/// Returns the standard's events, as a parser without limits reports them.
pub fn events(parsed: &oracle::Parsed) -> Outcomes {
    parsed.events().into_iter().map(|event| Ok(Item::Event(event))).collect()
}

/// Returns the standard's events, and the other items that the crate reports.
pub fn items(parsed: &oracle::Parsed) -> Outcomes {
    parsed.items.iter().cloned().map(Ok).collect()
}

pub fn own(event: ssewire::Event<'_>) -> Event {
    Event {
        event_type: event.event_type().to_vec(),
        data: event.data().to_vec(),
        last_event_id: event.last_event_id().to_vec(),
        wire_event_type: event.wire_event_type().map(<[u8]>::to_vec),
        id: event.id().map(<[u8]>::to_vec),
        retry: event.retry(),
    }
}

pub fn via_next<S: Storage>(parser: &mut Parser<S>, chunks: &[&[u8]]) -> Outcomes {
    let mut outcomes = Vec::new();
    for chunk in chunks {
        let mut input = *chunk;
        loop {
            match parser.next(&mut input) {
                Ok(Some(event)) => outcomes.push(Ok(Item::Event(own(event)))),
                Ok(None) => break,
                Err(error) => outcomes.push(Err(error)),
            }
        }
        assert!(input.is_empty(), "`next` returns `None` when all input is used");
    }
    outcomes
}

pub fn via_feed<S: Storage>(parser: &mut Parser<S>, chunks: &[&[u8]]) -> Outcomes {
    let mut outcomes = Vec::new();
    each_fed(parser, chunks, |outcome| outcomes.push(outcome.map(|event| Item::Event(own(event)))));
    outcomes
}

/// Reports each event by `feed` and `event`, which gets the slice that was fed and the part of it that was consumed.
pub fn each_fed<S: Storage>(
    parser: &mut Parser<S>,
    chunks: &[&[u8]],
    mut report: impl FnMut(Result<ssewire::Event<'_>, Overflow>),
) {
    for chunk in chunks {
        let mut at = 0;
        loop {
            let input = &chunk[at..];
            let progress = parser.feed(input);
            at += progress.consumed;
            match progress.result {
                Ok(None) => break,
                Ok(Some(found)) => {
                    let event = parser.event(found, input);
                    assert_eq!(parser.event(found, &input[..progress.consumed]), event, "the consumed part is enough");
                    report(Ok(event));
                }
                Err(error) => report(Err(error)),
            }
        }
        assert_eq!(at, chunk.len(), "`consumed` adds up to the chunk");
    }
}

pub fn via_items<S: Storage>(parser: &mut Parser<S>, chunks: &[&[u8]]) -> Outcomes {
    items_and_begun(chunks, |input| parser.next_item(input).map(|item| item.map(Report::from))).0
}

pub fn via_feed_items<S: Storage>(parser: &mut Parser<S>, chunks: &[&[u8]]) -> Outcomes {
    items_and_begun(chunks, |input| feed_item(parser, input)).0
}

/// Returns the items, by `next_item`, and the part of a comment or unknown line whose end did not come.
pub fn via_items_with_begun<S: Storage>(parser: &mut Parser<S>, chunks: &[&[u8]]) -> (Outcomes, Option<Item>) {
    items_and_begun(chunks, |input| parser.next_item(input).map(|item| item.map(Report::from)))
}

/// The same by `feed_items`.
pub fn via_feed_items_with_begun<S: Storage>(parser: &mut Parser<S>, chunks: &[&[u8]]) -> (Outcomes, Option<Item>) {
    items_and_begun(chunks, |input| feed_item(parser, input))
}

fn feed_item<S: Storage>(parser: &mut Parser<S>, input: &mut &[u8]) -> Result<Option<Report>, Overflow> {
    let fed = *input;
    let progress = parser.feed_items(fed);
    *input = &fed[progress.consumed..];
    Ok(progress.result?.map(|found| {
        let item = parser.item(found, fed);
        assert_eq!(parser.item(found, &fed[..progress.consumed]), item, "the consumed part is enough");
        Report::from(item)
    }))
}

/// An item of the crate as an own value.
enum Report {
    Item(Item),
    /// An empty comment or unknown line, by its kind, and a piece of it.
    Piece(fn(Vec<u8>) -> Item, Vec<u8>, bool, bool),
}

impl From<ssewire::Item<'_>> for Report {
    fn from(item: ssewire::Item<'_>) -> Report {
        let piece = |kind, piece: Piece<'_>| Report::Piece(kind, piece.bytes.to_vec(), piece.first, piece.last);
        match item {
            ssewire::Item::Event(event) => Report::Item(Item::Event(own(event))),
            ssewire::Item::Update(update) => {
                Report::Item(Item::Update { id: update.id().map(<[u8]>::to_vec), retry: update.retry() })
            }
            ssewire::Item::Comment(comment) => piece(Item::Comment, comment),
            ssewire::Item::Unknown(line) => piece(Item::Unknown, line),
            other => panic!("an item that the tests do not know: {other:?}"),
        }
    }
}

/// Joins the pieces of a line.
#[derive(Default)]
struct Line {
    value: Vec<u8>,
    has_begun: bool,
}

impl Line {
    /// Adds a piece, and returns the value if it is the last one.
    fn push(&mut self, bytes: &[u8], first: bool, last: bool) -> Option<Vec<u8>> {
        assert!(last || !bytes.is_empty(), "only a last piece is empty");
        assert_eq!(first, !self.has_begun, "only the first piece is `first`");
        self.has_begun = !last;
        self.value.extend_from_slice(bytes);
        last.then(|| std::mem::take(&mut self.value))
    }
}

fn items_and_begun(
    chunks: &[&[u8]],
    mut next: impl FnMut(&mut &[u8]) -> Result<Option<Report>, Overflow>,
) -> (Outcomes, Option<Item>) {
    let mut outcomes = Vec::new();
    let mut line = Line::default();
    let mut begun = None::<fn(Vec<u8>) -> Item>;
    for chunk in chunks {
        let mut input = *chunk;
        loop {
            match next(&mut input) {
                Ok(Some(Report::Item(item))) => {
                    assert!(!line.has_begun, "a line goes on with the next byte");
                    outcomes.push(Ok(item));
                }
                Ok(Some(Report::Piece(kind, bytes, first, last))) => {
                    let kind_of = |kind: fn(_) -> _| std::mem::discriminant(&kind(vec![]));
                    let is_same = |begun| kind_of(begun) == kind_of(kind);
                    assert!(first || begun.is_some_and(is_same), "a line goes on as it began");
                    let value = line.push(&bytes, first, last);
                    begun = Some(kind).filter(|_| !last);
                    outcomes.extend(value.map(|value| Ok(kind(value))));
                }
                Ok(None) => break,
                Err(error) => outcomes.push(Err(error)),
            }
        }
        assert!(input.is_empty(), "`None` is returned when all input is used");
    }
    (outcomes, begun.map(|kind| kind(line.value)))
}

/// Returns the items, built from the tokens.
pub fn via_tokens(tokenizer: &mut Tokenizer, chunks: &[&[u8]], initial_last_event_id: &[u8]) -> Outcomes {
    let mut outcomes = Vec::new();
    let mut last_event_id = initial_last_event_id.to_vec();
    let mut line = Line::default();
    let mut kind = None;
    let (mut event_type, mut data, mut id, mut retry) = (None, None::<Vec<u8>>, None, None);
    for chunk in chunks {
        let mut input = *chunk;
        while let Some(token) = tokenizer.next(&mut input) {
            let (of, piece) = match token {
                Token::Field(field, piece) => (Ok(field), piece),
                Token::Comment(piece) => (Err(Item::Comment as fn(Vec<u8>) -> Item), piece),
                Token::Unknown(piece) => (Err(Item::Unknown as fn(Vec<u8>) -> Item), piece),
                Token::EndOfEvent => {
                    assert!(!line.has_begun, "a line goes on with the next byte");
                    last_event_id = id.clone().unwrap_or(last_event_id);
                    let event_type: Option<Vec<u8>> = event_type.take();
                    let (id, retry) = (id.take(), retry.take());
                    if let Some(data) = data.take() {
                        outcomes.push(Ok(Item::Event(Event {
                            event_type: event_type.clone().filter(|t| !t.is_empty()).unwrap_or(b"message".to_vec()),
                            data,
                            last_event_id: last_event_id.clone(),
                            wire_event_type: event_type,
                            id,
                            retry,
                        })));
                    } else if id.is_some() || retry.is_some() {
                        outcomes.push(Ok(Item::Update { id, retry }));
                    }
                    continue;
                }
            };
            let name = of.map_err(|kind| kind(Vec::new()));
            assert!(piece.first || kind == Some(name.clone()), "a line goes on as it began");
            kind = Some(name);
            let Some(value) = line.push(piece.bytes, piece.first, piece.last) else { continue };
            match of {
                Err(kind) => outcomes.push(Ok(kind(value))),
                Ok(Field::Event) => event_type = Some(value),
                Ok(Field::Data) => match &mut data {
                    None => data = Some(value),
                    Some(data) => {
                        data.push(b'\n');
                        data.extend_from_slice(&value);
                    }
                },
                Ok(Field::Id) => id = if value.contains(&0) { id } else { Some(value) },
                Ok(Field::Retry) => {
                    let digits = String::from_utf8(value).ok().filter(|text| !text.starts_with('+'));
                    retry = digits.and_then(|digits| digits.parse().ok()).or(retry);
                }
            }
        }
        assert!(input.is_empty(), "`next` returns `None` when all input is used");
    }
    outcomes
}

/// A parser with a buffer of any kind: single calls, of which only the number of reports is of interest.
pub trait AnyParser {
    fn next(&mut self, input: &[u8]) -> usize;
    fn next_item(&mut self, input: &[u8]) -> usize;
    fn feed(&mut self, input: &[u8]) -> usize;
    fn feed_items(&mut self, input: &[u8]) -> usize;
    fn reset(&mut self);
    fn set_last_event_id(&mut self, id: &[u8]);
    fn take_unfinished(&mut self) -> usize;
}

impl<S: Storage> AnyParser for Parser<S> {
    fn next(&mut self, input: &[u8]) -> usize {
        Parser::next(self, &mut { input }).map_or(1, |event| event.iter().count())
    }

    fn next_item(&mut self, input: &[u8]) -> usize {
        Parser::next_item(self, &mut { input }).map_or(1, |item| item.iter().count())
    }

    fn feed(&mut self, input: &[u8]) -> usize {
        Parser::feed(self, input).result.map_or(1, |found| found.iter().count())
    }

    fn feed_items(&mut self, input: &[u8]) -> usize {
        Parser::feed_items(self, input).result.map_or(1, |found| found.iter().count())
    }

    fn reset(&mut self) {
        Parser::reset(self);
    }

    fn set_last_event_id(&mut self, id: &[u8]) {
        Parser::set_last_event_id(self, id).expect("a valid ID that fits");
    }

    fn take_unfinished(&mut self) -> usize {
        Parser::take_unfinished(self).map_or(1, |event| event.iter().count())
    }
}

/// Returns only the events and errors.
pub fn without_extras(outcomes: Outcomes) -> Outcomes {
    outcomes.into_iter().filter(|outcome| matches!(outcome, Ok(Item::Event(_)) | Err(_))).collect()
}

/// Returns a parser with the smallest buffer that is enough for `stream`. It must be enough in any chunking.
pub fn tight_parser(stream: &[u8], initial: Option<&[u8]>) -> Parser<ssewire::GrowableBuffer> {
    let with_limit = |limit| {
        let mut parser = Parser::with_limit(limit);
        match initial {
            Some(id) => parser.set_last_event_id(id).map(|()| parser),
            None => Ok(parser),
        }
    };
    let is_enough = |parser: &Parser<_>| via_next(&mut parser.clone(), &[stream]).iter().all(Result::is_ok);
    (0..).filter_map(|limit| with_limit(limit).ok()).find(is_enough).expect("some limit is enough")
}

// ---- splitting ----

/// Splits `input` into chunks of these lengths; the rest is one more chunk.
pub fn split<'i>(input: &'i [u8], lengths: &[usize]) -> Vec<&'i [u8]> {
    let mut rest = input;
    let mut chunks = Vec::new();
    for &length in lengths {
        let (chunk, after) = rest.split_at(length.min(rest.len()));
        chunks.push(chunk);
        rest = after;
    }
    if !rest.is_empty() {
        chunks.push(rest);
    }
    chunks
}

/// Splits `input` after every blank line, as a server that flushes does, and the bytes in between into chunks of `size`.
pub fn split_at_blank_lines(input: &[u8], size: usize) -> Vec<&[u8]> {
    let mut chunks = Vec::new();
    let mut start = 0;
    for (at, pair) in input.windows(2).enumerate() {
        let is_blank_line = matches!(pair, b"\n\n" | b"\r\r");
        if is_blank_line || at + 2 == input.len() {
            chunks.extend(input[start..at + 2].chunks(size));
            start = at + 2;
        }
    }
    chunks.extend(input[start..].chunks(size));
    chunks
}

/// Splits `input` into chunks of one size.
pub fn chunks_of(input: &[u8], size: usize) -> Vec<&[u8]> {
    input.chunks(size).collect()
}

/// Returns the chunks with an empty one before, between and after them.
pub fn spaced<'i>(chunks: &[&'i [u8]]) -> Vec<&'i [u8]> {
    let mut spaced = vec![&b""[..]];
    for chunk in chunks {
        spaced.extend([*chunk, &b""[..]]);
    }
    spaced
}

/// Calls `run` with the chunks of each of the 2^(n-1) ways to split `input`.
pub fn every_split(input: &[u8], mut run: impl FnMut(&[&[u8]])) {
    let places = input.len().saturating_sub(1);
    let mut chunks = Vec::new();
    for cuts in 0..1u32 << places {
        chunks.clear();
        let mut begun = 0;
        for place in (0..places).filter(|place| cuts >> place & 1 == 1) {
            chunks.push(&input[begun..=place]);
            begun = place + 1;
        }
        chunks.push(&input[begun..]);
        run(&chunks);
    }
}

/// Calls `run` with the chunks of every way to split a short `input`; of the ways to split a longer one, with those in up to
/// three chunks and those in chunks of one size.
pub fn many_splits(input: &[u8], mut run: impl FnMut(&[&[u8]])) {
    if input.len() <= 14 {
        return every_split(input, run);
    }
    for first in 0..=input.len() {
        for second in first..=input.len() {
            run(&[&input[..first], &input[first..second], &input[second..]]);
        }
    }
    (1..=input.len()).for_each(|size| run(&chunks_of(input, size)));
}

// ---- random streams ----

/// A stream that is readable when a test fails.
#[derive(Clone)]
pub struct Stream(pub Vec<u8>);

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

impl Deref for Stream {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

fn any_of<const N: usize>(choices: [&'static [u8]; N]) -> BoxedStrategy<Vec<u8>> {
    proptest::sample::select(choices.to_vec()).prop_map(<[u8]>::to_vec).boxed()
}

/// A short value: text, digits, and bytes that have a meaning elsewhere in the format or in other languages.
pub fn value() -> BoxedStrategy<Vec<u8>> {
    let piece = prop_oneof![
        6 => any_of([b"a", b"bc", b" ", b":", b"message", "é".as_bytes(), "\u{2028}".as_bytes(), b"\t"]),
        4 => any_of([b"0", b"7", b"25", b"18446744073709551615", b"18446744073709551616", b"+", b"-"]),
        2 => any_of([b"\0", b"\xff", b"\xf0\x9f", b"\xc3", b"\xef", b"\xef\xbb", b"\xef\xbb\xbf", b"\xed\xa0\x80"]),
        1 => any_of([b"data: x", "\u{85}".as_bytes(), b"\x0b", b"\x0c", b"data", "🚀".as_bytes()]),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat()).boxed()
}

pub fn line_end() -> BoxedStrategy<Vec<u8>> {
    any_of([b"\n", b"\r", b"\r\n"])
}

fn line() -> BoxedStrategy<Vec<u8>> {
    let name = prop_oneof![
        8 => any_of([b"data", b"event", b"id"]),
        2 => any_of([b"retry", b""]),
        1 => any_of([b"dat", b"data2", b"Data", b" data", b"data ", b"even", b"events", b"i", b"ID", b"idx", b"retr"]),
        1 => any_of([b"\xef\xbb\xbfdata", b"\xefdata", b"\0id", b"retry\0", b"x", b"\xff", "é".as_bytes()]),
    ];
    let colon = prop_oneof![6 => any_of([b":", b": "]), 1 => any_of([b"", b":  ", b"::", b" :", b": :"])];
    let digits =
        any_of([b"0", b"00012", b"3000", b"18446744073709551615", b"18446744073709551616", b"99999999999999999999"]);
    let value = prop_oneof![4 => value(), 1 => digits];
    let line = (name, colon, value).prop_map(|(name, colon, value)| match &colon[..] {
        b"" => name,
        _ => [name, colon, value].concat(),
    });
    line.boxed()
}

/// A stream that is mostly an event stream: lines of known names, near misses, comments, every line end.
pub fn stream() -> BoxedStrategy<Stream> {
    let start = prop_oneof![
        6 => Just(Vec::new()).boxed(),
        2 => any_of([b"\xef\xbb\xbf"]),
        1 => any_of([b"\xef", b"\xef\xbb", b"\xef\xbb\xbf\xef\xbb\xbf", b"\xbb\xbf", b"\xfe\xff"]),
    ];
    let block_line = prop_oneof![3 => line(), 1 => Just(Vec::new()).boxed()];
    let ended = (block_line, line_end()).prop_map(|(line, end)| [line, end].concat());
    let unfinished = prop_oneof![2 => Just(Vec::new()).boxed(), 1 => line()];
    (start, prop::collection::vec(ended, 0..24), unfinished)
        .prop_map(|(start, lines, rest)| Stream([start, lines.concat(), rest].concat()))
        .boxed()
}

/// Bytes, more of them the ones that have a meaning than not.
pub fn bytes() -> BoxedStrategy<Stream> {
    let byte = prop_oneof![
        4 => proptest::sample::select(&b"\r\n: \0"[..]),
        4 => proptest::sample::select(&b"dataeventidretry0123"[..]),
        1 => proptest::sample::select(&b"\xef\xbb\xbf\xe2\x80\xa8"[..]),
        1 => any::<u8>(),
    ];
    prop::collection::vec(byte, 0..120).prop_map(Stream).boxed()
}

/// Lengths of chunks, some of them zero; the last chunk may be long.
pub fn lengths() -> BoxedStrategy<Vec<usize>> {
    let lengths = prop_oneof![
        prop::collection::vec(0usize..4, 0..200),
        prop::collection::vec(0usize..30, 0..20),
        Just(vec![1; 2000]),
        Just(Vec::new()),
    ];
    lengths.boxed()
}
