//! The conformance vectors, and a runner with which a crate that wraps this one tests itself.
//!
//! A wrapper can break what the parser inside it does right: it may decode each chunk by itself, cut at line ends that
//! are none, lose the last event ID, or deliver an unfinished event. [`check_parser`] gives a parser each of some 800
//! streams, whole and in many chunkings, and compares what comes out with what the standard says; [`check_writer`] does
//! the same for a writer. Neither needs more than a closure:
//!
//! ```
//! use ssewire::conformance::{check_parser, check_writer, Dispatched, Outcome};
//! # use ssewire::{Frame, GrowableBuffer, Item, Parser};
//! #
//! # /// The wrapper under test: a client that collects events.
//! # struct Client { parser: Parser<GrowableBuffer>, events: Vec<Dispatched> }
//! #
//! # impl Client {
//! #     fn new(last_event_id: Option<&str>) -> Result<Client, ssewire::Error> {
//! #         let mut parser = Parser::with_limit(1 << 20);
//! #         if let Some(id) = last_event_id {
//! #             parser.set_last_event_id(id.as_bytes())?;
//! #         }
//! #         Ok(Client { parser, events: Vec::new() })
//! #     }
//! #
//! #     fn receive(&mut self, mut input: &[u8]) -> Result<(), ssewire::Error> {
//! #         while let Some(event) = self.parser.next(&mut input)? {
//! #             self.events.push(event.into());
//! #         }
//! #         Ok(())
//! #     }
//! # }
//!
//! // `Client` is the wrapper's own type: it takes chunks and collects events.
//! let passed = check_parser(|case| {
//!     let mut client = Client::new(case.vector.initial_last_event_id.as_deref())?;
//!     for chunk in case.chunks {
//!         client.receive(chunk)?;
//!     }
//!     let mut outcome = Outcome::default();
//!     outcome.events = client.events;
//!     // The rest is compared if it is given; this client does not show comments, for example.
//!     outcome.reconnection_time_ms = Some(client.parser.reconnection_time_ms());
//!     Ok::<_, ssewire::Error>(outcome)
//! })?;
//! assert!(passed.vectors > 800 && passed.runs > 50_000);
//!
//! check_writer(|write| {
//!     let mut frame = Frame::new();
//!     if let Some(comment) = &write.comment {
//!         frame = frame.comment(comment);
//!     }
//!     if let Some(event) = &write.event {
//!         frame = frame.event_type(event)?;
//!     }
//!     if let Some(id) = &write.id {
//!         frame = frame.id(id)?;
//!     }
//!     if let Some(retry) = write.retry {
//!         frame = frame.retry(retry);
//!     }
//!     if let Some(data) = &write.data {
//!         frame = frame.data(data);
//!     }
//!     Ok::<_, ssewire::Error>(frame.to_string().into_bytes())
//! })?;
//! # Ok::<(), ssewire::conformance::Failure>(())
//! ```
//!
//! Some chunks are empty. A wrapper that reads from something whose empty chunk is the end, as [`std::io::Read`]'s is,
//! leaves them out: `case.chunks.iter().filter(|chunk| !chunk.is_empty())`.
//!
//! A wrapper that cannot do all that a vector asks for (be given an initial last event ID, or write comments, say) picks
//! the vectors that it can run, and checks those:
//!
//! ```
//! use ssewire::conformance::{parse_vectors, Outcome, ParseCase};
//!
//! fn run(case: ParseCase<'_>) -> Result<Outcome, ssewire::Error> {
//!     // ...
//! #     let mut parser = ssewire::Parser::with_limit(1 << 20);
//! #     let mut outcome = Outcome::default();
//! #     for chunk in case.chunks {
//! #         let mut input = *chunk;
//! #         while let Some(event) = parser.next(&mut input)? {
//! #             outcome.events.push(event.into());
//! #         }
//! #     }
//! #     Ok(outcome)
//! }
//!
//! for vector in parse_vectors().iter().filter(|vector| vector.initial_last_event_id.is_none()).take(200) {
//!     vector.check(run)?;
//! }
//! # Ok::<(), ssewire::conformance::Failure>(())
//! ```
//!
//! The vectors are also plain files in the package, for use from other languages: `tests/conformance/*.jsonl`, described
//! in `tests/conformance/README.md`.

extern crate std;

use core::fmt;
use std::borrow::ToOwned;
use std::boxed::Box;
use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use crate::event::{Event, Text};
use crate::parser::Parser;
use crate::text::decode;

/// An event as the standard dispatches it, as text: what the fields of a browser's `MessageEvent` are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Dispatched {
    /// Its type: `message` when the stream names none.
    pub event: String,
    /// Its data, the lines joined by LF.
    pub data: String,
    /// The last event ID when it was dispatched, set by it or by one before; empty when there is none.
    pub id: String,
}

/// Decoded as the standard decodes, with U+FFFD for what is no UTF-8.
impl<T: Text + ?Sized> From<Event<'_, T>> for Dispatched {
    fn from(event: Event<'_, T>) -> Dispatched {
        let text = |value: &T| decode(value.as_ref()).to_string();
        Dispatched { event: text(event.event_type()), data: text(event.data()), id: text(event.last_event_id()) }
    }
}

/// A stream, and what the standard says a parser makes of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ParseVector {
    /// Unique among the vectors.
    pub name: String,
    /// The test suite, browser or text that it comes from.
    pub source: String,
    /// The stream. Many are not UTF-8.
    pub input: Vec<u8>,
    /// The events that it dispatches, in order.
    pub events: Vec<Dispatched>,
    /// The reconnection time at the end: `None` when this vector says nothing of it, `Some(None)` when the stream set
    /// none.
    pub reconnection_time_ms: Option<Option<u64>>,
    /// The last event ID at the end, as the last blank line committed it, empty when there is none. `None` when this
    /// vector says nothing of it.
    pub last_event_id: Option<String>,
    /// The last event ID that the parser is given before the stream.
    pub initial_last_event_id: Option<String>,
    /// A chunking worth testing: lengths in bytes, zero allowed.
    pub chunks: Option<Vec<usize>>,
    /// The comments of the stream, each without its colon and one space after it. `None` when this vector says nothing
    /// of them.
    pub comments: Option<Vec<String>>,
    /// A remark for human readers.
    pub note: Option<String>,
}

/// One run that [`check_parser`] asks for: a stream in one of its chunkings.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ParseCase<'a> {
    /// The vector. A parser under test needs nothing of it but
    /// [`initial_last_event_id`](ParseVector::initial_last_event_id).
    pub vector: &'a ParseVector,
    /// The stream, cut; some chunks may be empty. Behind the last one the stream ends.
    pub chunks: &'a [&'a [u8]],
}

/// What a parser under test made of a [`ParseCase`].
///
/// What it does not show is left `None` and not compared. What the vector says nothing of must still be the same under
/// every chunking.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Outcome {
    /// The events, in order.
    pub events: Vec<Dispatched>,
    /// The reconnection time at the end of the stream: `Some(None)` when none was set.
    pub reconnection_time_ms: Option<Option<u64>>,
    /// The last event ID at the end of the stream, empty when there is none.
    pub last_event_id: Option<String>,
    /// The comments, in order, each whole. One without a line end behind it is none.
    pub comments: Option<Vec<String>>,
}

/// Something to write, and what must come of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct WriteVector {
    /// Unique among the vectors.
    pub name: String,
    /// The test suite, report or text that it comes from.
    pub source: String,
    /// What to write.
    pub write: Write,
    /// What must come of it.
    pub must: Must,
}

/// The block that a writer is asked to write: the fields that are there, in whatever order it likes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Write {
    /// A comment.
    pub comment: Option<String>,
    /// The event type.
    pub event: Option<String>,
    /// The ID.
    pub id: Option<String>,
    /// The reconnection time in milliseconds.
    pub retry: Option<u64>,
    /// The data.
    pub data: Option<String>,
}

/// What must come of a [`Write`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Must {
    /// A reader gets it back.
    #[non_exhaustive]
    Roundtrip {
        /// The events that a reader gets.
        events: Vec<Dispatched>,
        /// The reconnection time that it gets.
        reconnection_time_ms: Option<u64>,
        /// One right output. Others may be as right: field order and the like are free.
        example_output: Vec<u8>,
    },
    /// The writer returns an error: the value cannot be written, and must not be written in part or changed.
    Reject,
}

/// How much was checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Passed {
    /// Vectors.
    pub vectors: usize,
    /// Calls of the closure: for a parser one for each chunking of each vector.
    pub runs: usize,
}

/// A vector that was not passed. Prints, also with `{:?}`, all that is needed to reproduce it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The vector's name.
    pub vector: Box<str>,
    /// Where the vector comes from.
    pub source: Box<str>,
    /// The stream that was parsed, or that the writer wrote.
    pub input: Box<[u8]>,
    /// The lengths of the chunks in which it was parsed, in bytes.
    pub chunks: Box<[usize]>,
    /// What differs, such as `event 2 of 3`.
    pub difference: Box<str>,
    /// What the standard says.
    pub expected: Box<str>,
    /// What came out.
    pub actual: Box<str>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "vector {} ({}): {}", self.vector, self.source, self.difference)?;
        writeln!(f, "  expected: {}", self.expected)?;
        writeln!(f, "  actual:   {}", self.actual)?;
        let shown = &self.input[..self.input.len().min(SHOWN)];
        let rest = self.input.len() - shown.len();
        write!(f, "  stream:   \"{}\"", shown.escape_ascii())?;
        if rest > 0 {
            write!(f, " and {rest} bytes more")?;
        }
        write!(f, "\n  chunks:   {}", Runs(&self.chunks))
    }
}

/// Like `Display`: this is what a failed `unwrap` prints.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for Failure {}

/// Bytes of a stream or characters of a value that a [`Failure`] prints.
const SHOWN: usize = 400;

/// Lengths of chunks as text, such as `3 x 1, 0, 2 bytes`.
struct Runs<'a>(&'a [usize]);

impl fmt::Display for Runs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, run) in self.0.chunk_by(|a, b| a == b).enumerate() {
            if i == SHOWN / 10 {
                f.write_str(", ...")?;
                break;
            }
            let comma = if i > 0 { ", " } else { "" };
            match run {
                [one] => write!(f, "{comma}{one}")?,
                _ => write!(f, "{comma}{} x {}", run.len(), run[0])?,
            }
        }
        f.write_str(if self.0.is_empty() { "none" } else { " bytes" })
    }
}

/// Checks a parser against all [`parse_vectors`], each under all chunkings that [`ParseVector::check`] knows.
///
/// `parse` parses one [`ParseCase`] with a new parser. See the [module](self) for an example.
///
/// # Errors
///
/// The first [`Failure`]: another result than the vector's, or an error of `parse`.
pub fn check_parser<F, E>(mut parse: F) -> Result<Passed, Failure>
where
    F: FnMut(ParseCase<'_>) -> Result<Outcome, E>,
    E: fmt::Display,
{
    parse_vectors().iter().try_fold(Passed::default(), |passed, vector| Ok(passed + vector.check(&mut parse)?))
}

/// Checks a writer against all [`write_vectors`].
///
/// `write` returns the bytes on the wire, or an error for what cannot be written. What it returns is read back by this
/// crate's [`Parser`], with another event behind it that must arrive as well. See the [module](self) for an example.
///
/// # Errors
///
/// The first [`Failure`].
pub fn check_writer<F, E>(mut write: F) -> Result<Passed, Failure>
where
    F: FnMut(&Write) -> Result<Vec<u8>, E>,
    E: fmt::Display,
{
    write_vectors().iter().try_fold(Passed::default(), |passed, vector| Ok(passed + vector.check(&mut write)?))
}

impl core::ops::Add for Passed {
    type Output = Passed;

    fn add(self, other: Passed) -> Passed {
        Passed { vectors: self.vectors + other.vectors, runs: self.runs + other.runs }
    }
}

/// All vectors for parsers: those from test suites, and those observed in a browser.
#[must_use]
pub fn parse_vectors() -> Vec<ParseVector> {
    let files = [
        include_str!("../tests/conformance/parse.jsonl"), //
        include_str!("../tests/conformance/browser.jsonl"),
    ];
    files.into_iter().flat_map(json::lines::<json::Parse>).map(ParseVector::from).collect()
}

/// All vectors for writers.
#[must_use]
pub fn write_vectors() -> Vec<WriteVector> {
    json::lines::<json::Write>(include_str!("../tests/conformance/write.jsonl")).map(WriteVector::from).collect()
}

impl ParseVector {
    /// Inputs up to this length are cut in every way that there is.
    const EVERY_SPLIT: usize = 12;
    /// Inputs up to this length are cut in two at every place.
    const EVERY_CUT: usize = 200;

    /// Checks a parser against this vector.
    ///
    /// The stream is given whole; in chunks of 1, 2, 3 and 7 bytes; in the vector's own [`chunks`](ParseVector::chunks);
    /// all these again with empty chunks around each; cut in two at every place, if it has at most 200 bytes; and cut in
    /// every way that there is, if it has at most 12.
    ///
    /// # Errors
    ///
    /// The first [`Failure`]: another result than the vector's, or an error of `parse`.
    pub fn check<F, E>(&self, mut parse: F) -> Result<Passed, Failure>
    where
        F: FnMut(ParseCase<'_>) -> Result<Outcome, E>,
        E: fmt::Display,
    {
        let mut expected = Outcome {
            events: self.events.clone(),
            reconnection_time_ms: self.reconnection_time_ms,
            last_event_id: self.last_event_id.clone(),
            comments: self.comments.clone(),
        };
        let mut passed = Passed { vectors: 1, runs: 0 };
        self.each_chunking(|lengths| {
            let mut rest = &self.input[..];
            let mut chunks = Vec::with_capacity(lengths.len());
            for &length in lengths {
                let (chunk, behind) = rest.split_at(length);
                chunks.push(chunk);
                rest = behind;
            }
            let difference = match parse(ParseCase { vector: self, chunks: &chunks }) {
                Ok(actual) => {
                    let difference = expected.difference(&actual);
                    expected.learn(actual);
                    difference
                }
                Err(error) => Some(Difference::new("the parser failed", "no error", error)),
            };
            passed.runs += 1;
            difference.map_or(Ok(()), |difference| {
                Err(Failure {
                    vector: self.name.clone().into(),
                    source: self.source.clone().into(),
                    input: self.input.clone().into(),
                    chunks: lengths.into(),
                    difference: difference.what.into(),
                    expected: difference.expected.into(),
                    actual: difference.actual.into(),
                })
            })
        })?;
        Ok(passed)
    }

    fn each_chunking<E>(&self, mut run: impl FnMut(&[usize]) -> Result<(), E>) -> Result<(), E> {
        let len = self.input.len();
        let fixed = |size: usize| {
            let mut lengths = vec![size; len / size];
            lengths.extend(Some(len % size).filter(|&rest| rest > 0));
            lengths
        };
        let chunkings = [vec![len], fixed(1), fixed(2), fixed(3), fixed(7)].into_iter().chain(self.chunks.clone());
        for lengths in chunkings {
            run(&lengths)?;
            let mut spaced = vec![0];
            spaced.extend(lengths.iter().flat_map(|&length| [length, 0]));
            run(&spaced)?;
        }
        if len <= Self::EVERY_SPLIT {
            // Bit i says whether there is a cut behind byte i.
            let ways = 1u32 << len.saturating_sub(1);
            let mut lengths = Vec::with_capacity(len);
            for cuts in 0..ways {
                let mut begun = 0;
                lengths.clear();
                for i in 1..len {
                    if cuts >> (i - 1) & 1 == 1 {
                        lengths.push(i - begun);
                        begun = i;
                    }
                }
                lengths.push(len - begun);
                run(&lengths)?;
            }
        } else if len <= Self::EVERY_CUT {
            for cut in 1..len {
                run(&[cut, len - cut])?;
            }
        }
        Ok(())
    }
}

struct Difference {
    what: String,
    expected: String,
    actual: String,
}

impl Difference {
    fn new(what: impl Into<String>, expected: impl fmt::Display, actual: impl fmt::Display) -> Difference {
        let shorten = |text: String| match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{} and {} bytes more", &text[..end], text.len() - end),
            None => text,
        };
        Difference { what: what.into(), expected: shorten(expected.to_string()), actual: shorten(actual.to_string()) }
    }

    /// `None` when the two are the same, or one of them is not known.
    fn of<T: PartialEq + fmt::Debug>(what: &str, expected: Option<&T>, actual: Option<&T>) -> Option<Difference> {
        let (expected, actual) = expected.zip(actual)?;
        (expected != actual).then(|| Difference::new(what, format!("{expected:?}"), format!("{actual:?}")))
    }

    fn of_events(expected: &[Dispatched], actual: &[Dispatched]) -> Option<Difference> {
        let most = expected.len().max(actual.len());
        let first = (0..most).find(|&i| expected.get(i) != actual.get(i))?;
        let show = |event: Option<&Dispatched>| event.map_or("no such event".to_owned(), |event| format!("{event:?}"));
        let what = format!("event {} of {}", first + 1, most);
        Some(Difference::new(what, show(expected.get(first)), show(actual.get(first))))
    }
}

impl Outcome {
    fn difference(&self, actual: &Outcome) -> Option<Difference> {
        let (time, other_time) = (self.reconnection_time_ms, actual.reconnection_time_ms);
        Difference::of_events(&self.events, &actual.events)
            .or_else(|| Difference::of("reconnection time", time.as_ref(), other_time.as_ref()))
            .or_else(|| Difference::of("last event ID", self.last_event_id.as_ref(), actual.last_event_id.as_ref()))
            .or_else(|| Difference::of("comments", self.comments.as_ref(), actual.comments.as_ref()))
    }

    /// What the vector says nothing of is expected as the first run gave it.
    fn learn(&mut self, actual: Outcome) {
        self.reconnection_time_ms = self.reconnection_time_ms.or(actual.reconnection_time_ms);
        self.last_event_id = self.last_event_id.take().or(actual.last_event_id);
        self.comments = self.comments.take().or(actual.comments);
    }
}

impl WriteVector {
    /// Checks a writer against this vector, as [`check_writer`] does.
    ///
    /// # Errors
    ///
    /// A [`Failure`].
    pub fn check<F, E>(&self, mut write: F) -> Result<Passed, Failure>
    where
        F: FnMut(&Write) -> Result<Vec<u8>, E>,
        E: fmt::Display,
    {
        let (output, difference) = match (write(&self.write), &self.must) {
            (Err(_), Must::Reject) => (Vec::new(), None),
            (Ok(output), Must::Reject) => {
                let difference = Difference::new("not rejected", "an error", output.escape_ascii());
                (output, Some(difference))
            }
            (Err(error), Must::Roundtrip { .. }) => {
                (Vec::new(), Some(Difference::new("the writer failed", "no error", error)))
            }
            (Ok(output), Must::Roundtrip { events, reconnection_time_ms, .. }) => {
                let difference = self.read_back(&output, events, *reconnection_time_ms);
                (output, difference)
            }
        };
        if let Some(difference) = difference {
            return Err(Failure {
                vector: self.name.clone().into(),
                source: self.source.clone().into(),
                chunks: [output.len()].into(),
                input: output.into(),
                difference: difference.what.into(),
                expected: difference.expected.into(),
                actual: difference.actual.into(),
            });
        }
        Ok(Passed { vectors: 1, runs: 1 })
    }

    fn read_back(&self, output: &[u8], events: &[Dispatched], retry: Option<u64>) -> Option<Difference> {
        const NEXT: &[u8] = b"data: the next event\n\n";
        let id = self.write.id.clone().unwrap_or_default();
        let next = Dispatched { event: "message".into(), data: "the next event".into(), id: id.clone() };
        let expected = Outcome {
            events: events.iter().cloned().chain([next]).collect(),
            reconnection_time_ms: Some(retry),
            last_event_id: Some(id),
            comments: None,
        };
        let stream = [output, NEXT].concat();
        let mut parser = Parser::with_limit(stream.len());
        let mut actual = Outcome::default();
        let mut input = &stream[..];
        loop {
            match parser.next(&mut input) {
                Ok(Some(event)) => actual.events.push(event.into()),
                Ok(None) => break,
                Err(error) => return Some(Difference::new("reading it back failed", "no error", error)),
            }
        }
        actual.reconnection_time_ms = Some(parser.reconnection_time_ms());
        actual.last_event_id = Some(decode(parser.last_event_id().unwrap_or_default()).to_string());
        expected.difference(&actual)
    }
}

/// The vectors as they are in the files.
mod json {
    use serde::de::DeserializeOwned;
    use serde::{Deserialize, Deserializer};

    use super::{Must, ParseVector, String, Vec, WriteVector};

    /// The files are part of the package, and a test reads them all: that they can be read is no concern of the caller.
    pub(super) fn lines<T: DeserializeOwned>(file: &str) -> impl Iterator<Item = T> + '_ {
        file.lines().map(|line| serde_json::from_str(line).expect("a vector of this package"))
    }

    #[derive(Deserialize)]
    #[serde(remote = "super::Dispatched")]
    struct Dispatched {
        event: String,
        data: String,
        id: String,
    }

    #[derive(Deserialize)]
    struct Event(#[serde(with = "Dispatched")] super::Dispatched);

    #[derive(Deserialize)]
    #[serde(remote = "super::Write")]
    struct Block {
        comment: Option<String>,
        event: Option<String>,
        id: Option<String>,
        retry: Option<u64>,
        data: Option<String>,
    }

    #[derive(Deserialize)]
    pub(super) struct Parse {
        name: String,
        source: String,
        #[serde(deserialize_with = "hex")]
        input_hex: Vec<u8>,
        events: Vec<Event>,
        #[serde(default, deserialize_with = "present")]
        reconnection_time_ms: Option<Option<u64>>,
        last_event_id: Option<String>,
        initial_last_event_id: Option<String>,
        chunks: Option<Vec<usize>>,
        comments: Option<Vec<String>>,
        note: Option<String>,
    }

    #[derive(Deserialize)]
    pub(super) struct Write {
        name: String,
        source: String,
        #[serde(with = "Block")]
        write: super::Write,
        #[serde(flatten)]
        must: MustBe,
    }

    #[derive(Deserialize)]
    #[serde(tag = "must", rename_all = "lowercase")]
    enum MustBe {
        Roundtrip {
            events: Vec<Event>,
            reconnection_time_ms: Option<u64>,
            #[serde(deserialize_with = "hex")]
            example_output_hex: Vec<u8>,
        },
        Reject,
    }

    /// A value that is there, though it may be null.
    fn present<'d, D: Deserializer<'d>>(value: D) -> Result<Option<Option<u64>>, D::Error> {
        Option::deserialize(value).map(Some)
    }

    fn hex<'d, D: Deserializer<'d>>(value: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(value)?;
        let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
        match digits {
            Some(digits) if digits.len() % 2 == 0 => {
                Ok(digits.chunks(2).map(|pair| (16 * pair[0] + pair[1]) as u8).collect())
            }
            _ => Err(serde::de::Error::custom("not hexadecimal")),
        }
    }

    fn events(events: Vec<Event>) -> Vec<super::Dispatched> {
        events.into_iter().map(|event| event.0).collect()
    }

    impl From<Parse> for ParseVector {
        fn from(line: Parse) -> ParseVector {
            ParseVector {
                name: line.name,
                source: line.source,
                input: line.input_hex,
                events: events(line.events),
                reconnection_time_ms: line.reconnection_time_ms,
                last_event_id: line.last_event_id,
                initial_last_event_id: line.initial_last_event_id,
                chunks: line.chunks,
                comments: line.comments,
                note: line.note,
            }
        }
    }

    impl From<Write> for WriteVector {
        fn from(line: Write) -> WriteVector {
            let must = match line.must {
                MustBe::Roundtrip { events, reconnection_time_ms, example_output_hex } => Must::Roundtrip {
                    events: self::events(events),
                    reconnection_time_ms,
                    example_output: example_output_hex,
                },
                MustBe::Reject => Must::Reject,
            };
            WriteVector { name: line.name, source: line.source, write: line.write, must }
        }
    }
}
