//! What the tests share: ways to run a parser, to cut a stream, and to make random ones.
#![allow(dead_code)] // each test crate uses a part of it

use std::fmt;
use std::ops::Deref;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use ssewire::{Error, Field, Parser, Status, Storage, Token, Tokenizer};

#[path = "../oracle/mod.rs"]
pub mod oracle;

use oracle::{Event, Item};

/// 512 cases, the same ones in every run.
pub fn config() -> Config {
    Config { cases: 512, failure_persistence: None, rng_seed: RngSeed::Fixed(2026), ..Config::default() }
}

// ---- running ----

/// Everything that a parser reports, in order. Pieces of a comment are joined.
pub type Outcomes = Vec<Result<Item, Error>>;

/// The standard's events, as a parser without limits reports them.
pub fn events(parsed: &oracle::Parsed) -> Outcomes {
    parsed.events().into_iter().map(|event| Ok(Item::Event(event))).collect()
}

/// The standard's events, and what else the crate reports.
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

/// Reports each event by `feed` and `event`, as it is lent.
pub fn each_fed<S: Storage>(
    parser: &mut Parser<S>,
    chunks: &[&[u8]],
    mut report: impl FnMut(Result<ssewire::Event<'_>, Error>),
) {
    for chunk in chunks {
        let mut at = 0;
        loop {
            let input = &chunk[at..];
            let progress = parser.feed(input);
            at += progress.consumed;
            match progress.status {
                Ok(Status::NeedInput) => break,
                Ok(Status::Event) => report(Ok(parser.event(input))),
                Ok(other) => panic!("not from `feed`: {other:?}"),
                Err(error) => report(Err(error)),
            }
        }
        assert_eq!(at, chunk.len(), "`consumed` adds up to the chunk");
    }
}

pub fn via_items<S: Storage>(parser: &mut Parser<S>, chunks: &[&[u8]]) -> Outcomes {
    let mut outcomes = Vec::new();
    let mut comment = Vec::new();
    for chunk in chunks {
        let mut input = *chunk;
        loop {
            match parser.next_item(&mut input) {
                Ok(Some(ssewire::Item::Event(event))) => outcomes.push(Ok(Item::Event(own(event)))),
                Ok(Some(ssewire::Item::Update(update))) => {
                    let id = update.id().map(<[u8]>::to_vec);
                    outcomes.push(Ok(Item::Update { id, retry: update.retry() }));
                }
                Ok(Some(ssewire::Item::Comment { bytes, last })) => {
                    comment.extend_from_slice(bytes);
                    if last {
                        outcomes.push(Ok(Item::Comment(std::mem::take(&mut comment))));
                    }
                }
                Ok(Some(other)) => panic!("unknown item: {other:?}"),
                Ok(None) => break,
                Err(error) => outcomes.push(Err(error)),
            }
        }
        assert!(input.is_empty(), "`next_item` returns `None` when all input is used");
    }
    outcomes
}

/// The events, assembled from the tokens.
pub fn via_tokens(tokenizer: &mut Tokenizer, chunks: &[&[u8]], initial_last_event_id: &[u8]) -> Outcomes {
    let mut outcomes = Vec::new();
    let mut last_event_id = initial_last_event_id.to_vec();
    let mut value = Vec::new();
    let mut begun = false;
    let (mut event_type, mut data, mut id, mut retry) = (None, None::<Vec<u8>>, None, None);
    for chunk in chunks {
        let mut input = *chunk;
        while let Some(token) = tokenizer.next(&mut input) {
            let (field, piece) = match token {
                Token::Field(field, piece) => (Some(field), piece),
                Token::Comment(piece) => (None, piece),
                Token::EndOfEvent => {
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
            assert!(piece.last || !piece.bytes.is_empty(), "only a last piece is empty");
            assert_eq!(piece.first, !begun, "`first` is said of the first piece alone");
            begun = !piece.last;
            value.extend_from_slice(piece.bytes);
            if !piece.last {
                continue;
            }
            let value = std::mem::take(&mut value);
            match field {
                None => outcomes.push(Ok(Item::Comment(value))),
                Some(Field::Event) => event_type = Some(value),
                Some(Field::Data) => {
                    data = Some(match data.take() {
                        None => value,
                        Some(before) => [&before[..], &value[..]].join(&b'\n'),
                    });
                }
                Some(Field::Id) => id = if value.contains(&0) { id } else { Some(value) },
                Some(Field::Retry) => {
                    let digits = String::from_utf8(value).ok().filter(|text| !text.starts_with('+'));
                    retry = digits.and_then(|digits| digits.parse().ok()).or(retry);
                }
            }
        }
        assert!(input.is_empty(), "`next` returns `None` when all input is used");
    }
    outcomes
}

/// Only the events and errors.
pub fn without_extras(outcomes: Outcomes) -> Outcomes {
    outcomes.into_iter().filter(|outcome| matches!(outcome, Ok(Item::Event(_)) | Err(_))).collect()
}

// ---- cutting ----

/// Cuts `input` at the end of each length; what is left over is one more chunk.
pub fn cut<'i>(input: &'i [u8], lengths: &[usize]) -> Vec<&'i [u8]> {
    let mut rest = input;
    let mut chunks = Vec::new();
    for &length in lengths {
        let (chunk, behind) = rest.split_at(length.min(rest.len()));
        chunks.push(chunk);
        rest = behind;
    }
    if !rest.is_empty() {
        chunks.push(rest);
    }
    chunks
}

/// Cuts `input` behind every blank line, as a server that flushes does, and what lies between two of these into `size`.
pub fn cut_at_blank_lines(input: &[u8], size: usize) -> Vec<&[u8]> {
    let mut chunks = Vec::new();
    let mut start = 0;
    for (at, pair) in input.windows(2).enumerate() {
        let is_behind_blank_line = matches!(pair, b"\n\n" | b"\r\r");
        if is_behind_blank_line || at + 2 == input.len() {
            chunks.extend(input[start..at + 2].chunks(size));
            start = at + 2;
        }
    }
    chunks.extend(input[start..].chunks(size));
    chunks
}

/// Chunks of one size.
pub fn chunks_of(input: &[u8], size: usize) -> Vec<&[u8]> {
    input.chunks(size).collect()
}

/// The same with an empty chunk before, between and behind.
pub fn spaced<'i>(chunks: &[&'i [u8]]) -> Vec<&'i [u8]> {
    let mut spaced = vec![&b""[..]];
    for chunk in chunks {
        spaced.extend([*chunk, &b""[..]]);
    }
    spaced
}

/// Calls `run` with the chunks of each of the 2^(n-1) ways to cut `input`.
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

fn any_of<const N: usize>(choices: [&'static [u8]; N]) -> impl Strategy<Value = Vec<u8>> {
    proptest::sample::select(choices.to_vec()).prop_map(<[u8]>::to_vec)
}

/// A short value: text, digits, and what has a meaning elsewhere or in other languages.
pub fn value() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => any_of([b"a", b"bc", b" ", b":", b"message", "é".as_bytes(), "\u{2028}".as_bytes(), b"\t"]),
        4 => any_of([b"0", b"7", b"25", b"18446744073709551615", b"18446744073709551616", b"+", b"-"]),
        2 => any_of([b"\0", b"\xff", b"\xf0\x9f", b"\xc3", b"\xef", b"\xef\xbb", b"\xef\xbb\xbf", b"\xed\xa0\x80"]),
        1 => any_of([b"data: x", "\u{85}".as_bytes(), b"\x0b", b"\x0c", b"data", "🚀".as_bytes()]),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

pub fn line_end() -> impl Strategy<Value = Vec<u8>> {
    any_of([b"\n", b"\r", b"\r\n"])
}

fn line() -> impl Strategy<Value = Vec<u8>> {
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
    (name, colon, value).prop_map(|(name, colon, value)| match &colon[..] {
        b"" => name,
        _ => [name, colon, value].concat(),
    })
}

/// A stream that is mostly an event stream: lines of known names, near misses, comments, every line end.
pub fn stream() -> impl Strategy<Value = Stream> {
    let start = prop_oneof![
        6 => Just(Vec::new()),
        2 => any_of([b"\xef\xbb\xbf"]),
        1 => any_of([b"\xef", b"\xef\xbb", b"\xef\xbb\xbf\xef\xbb\xbf", b"\xbb\xbf", b"\xfe\xff"]),
    ];
    let block_line = prop_oneof![3 => line(), 1 => Just(Vec::new())];
    let ended = (block_line, line_end()).prop_map(|(line, end)| [line, end].concat());
    let unfinished = prop_oneof![2 => Just(Vec::new()), 1 => line()];
    (start, prop::collection::vec(ended, 0..24), unfinished)
        .prop_map(|(start, lines, rest)| Stream([start, lines.concat(), rest].concat()))
}

/// Bytes, more of them the ones that have a meaning than not.
pub fn bytes() -> impl Strategy<Value = Stream> {
    let byte = prop_oneof![
        4 => proptest::sample::select(&b"\r\n: \0"[..]),
        4 => proptest::sample::select(&b"dataeventidretry0123"[..]),
        1 => proptest::sample::select(&b"\xef\xbb\xbf\xe2\x80\xa8"[..]),
        1 => any::<u8>(),
    ];
    prop::collection::vec(byte, 0..120).prop_map(Stream)
}

/// Lengths of chunks, some of them zero; the last chunk may be long.
pub fn lengths() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        prop::collection::vec(0usize..4, 0..200),
        prop::collection::vec(0usize..30, 0..20),
        Just(vec![1; 2000]),
        Just(Vec::new()),
    ]
}
