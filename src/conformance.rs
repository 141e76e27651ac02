//! Test vectors, and a runner with which a crate that wraps this one tests itself.
//!
//! A wrapper can break a parser that is right: it may decode each chunk by itself, split at characters that do not end a
//! line, lose the last event ID, or deliver an unfinished event. [`check_parser`] gives a parser each of more than 900
//! streams, whole and in many chunkings, and compares the result with the standard's. [`check_writer`] does the same for
//! a writer. Each takes a closure:
//!
//! ```
//! use ssewire::conformance::{check_parser, check_writer, Dispatched, Outcome};
//! # use ssewire::{Frame, GrowableBuffer, Item, Parser};
//! #
//! # /// The wrapper under test: a client that collects events.
//! # struct Client { parser: Parser<GrowableBuffer>, events: Vec<Dispatched>, errors: Vec<ssewire::Error> }
//! #
//! # impl Client {
//! #     fn new(last_event_id: Option<&str>) -> Result<Client, ssewire::Error> {
//! #         let mut parser = Parser::with_limit(1 << 21);
//! #         if let Some(id) = last_event_id {
//! #             parser.set_last_event_id(id.as_bytes())?;
//! #         }
//! #         Ok(Client { parser, events: Vec::new(), errors: Vec::new() })
//! #     }
//! #
//! #     fn receive(&mut self, mut input: &[u8]) {
//! #         loop {
//! #             match self.parser.next(&mut input) {
//! #                 Ok(Some(event)) => self.events.push(event.into()),
//! #                 Ok(None) => break,
//! #                 // This event is too large. The rest of the chunk has others.
//! #                 Err(error) => self.errors.push(error.into()),
//! #             }
//! #         }
//! #     }
//! # }
//!
//! // `Client` is the wrapper's own type: it takes chunks, and collects events and errors.
//! let passed = check_parser(|case| {
//!     let mut client = Client::new(case.vector.initial_last_event_id.as_deref())?;
//!     for chunk in case.chunks {
//!         client.receive(chunk);
//!     }
//!     if let Some(error) = client.errors.pop() {
//!         return Err(error);
//!     }
//!     let mut outcome = Outcome::default();
//!     outcome.events = client.events;
//!     // The other fields are compared if they are set. This client does not show comments, for example.
//!     outcome.reconnection_time_ms = Some(client.parser.reconnection_time_ms());
//!     Ok(outcome)
//! })?;
//! assert!(passed.vectors > 900 && passed.runs > 50_000);
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
//! Some chunks are empty. If an empty chunk is the end of a wrapper's source, as for [`std::io::Read`], the closure leaves
//! these out: `case.chunks.iter().filter(|chunk| !chunk.is_empty())`.
//!
//! The longest line has a little more than 1 MiB. A wrapper with a lower limit, or one that cannot do all that a vector
//! asks for (start with a last event ID, say, or write comments), picks its vectors and checks each:
//!
//! ```
//! use ssewire::conformance::{parse_vectors, Outcome, ParseCase};
//!
//! const LIMIT: usize = 20_000;
//!
//! fn run(case: ParseCase<'_>) -> Result<Outcome, ssewire::Error> {
//!     // ...
//! #     let mut parser = ssewire::Parser::with_limit(LIMIT);
//! #     let (mut outcome, mut result) = (Outcome::default(), Ok(()));
//! #     for chunk in case.chunks {
//! #         let mut input = *chunk;
//! #         loop {
//! #             match parser.next(&mut input) {
//! #                 Ok(Some(event)) => outcome.events.push(event.into()),
//! #                 Ok(None) => break,
//! #                 Err(error) => result = Err(error),
//! #             }
//! #         }
//! #     }
//! #     result?;
//! #     Ok(outcome)
//! }
//!
//! let mut vectors = parse_vectors();
//! vectors.retain(|vector| vector.input.len() <= LIMIT && vector.initial_last_event_id.is_none());
//! for vector in vectors {
//!     vector.check(run)?;
//! }
//! # Ok::<(), ssewire::conformance::Failure>(())
//! ```
//!
//! The package has the vectors as plain files as well, for other languages: `tests/conformance/*.jsonl`, described in
//! `tests/conformance/README.md`.

extern crate std;

use core::fmt;
use std::borrow::ToOwned;
use std::boxed::Box;
use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

mod json;

use crate::error::Overflow;
use crate::event::{Event, Text};
use crate::read::{Item, Parser};
use crate::text::lossy;

/// An event as the standard dispatches it, as text, like a browser's `MessageEvent`.
///
/// # Examples
///
/// ```
/// use ssewire::conformance::Dispatched;
///
/// let mut parser = ssewire::Parser::<[u8; 64]>::new();
/// let mut input: &[u8] = b"data: 21\xb0\n\n";
/// let event = Dispatched::from(parser.next(&mut input)?.unwrap());
/// assert_eq!((&event.event[..], &event.data[..], &event.id[..]), ("message", "21\u{fffd}", ""));
/// # Ok::<(), ssewire::Overflow>(())
/// ```
#[doc(alias = "MessageEvent")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Dispatched {
    /// Its type: `message` unless the stream sets one.
    pub event: String,
    /// Its data: the lines, joined by LF.
    pub data: String,
    /// The last event ID at the dispatch, set by this event or an earlier one; empty if there is none.
    pub id: String,
}

/// Decodes as the standard does: U+FFFD stands for bytes that are not valid UTF-8.
impl<T: Text + ?Sized> From<Event<'_, T>> for Dispatched {
    fn from(event: Event<'_, T>) -> Dispatched {
        let text = |value: &T| lossy(value.as_ref()).to_string();
        Dispatched { event: text(event.event_type()), data: text(event.data()), id: text(event.last_event_id()) }
    }
}

/// A stream, and the result of parsing it by the standard.
///
/// # Examples
///
/// ```
/// let vectors = ssewire::conformance::parse_vectors();
/// let with_cr = vectors.iter().filter(|vector| vector.input.contains(&b'\r')).count();
/// assert!(with_cr > 50);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ParseVector {
    /// Unique among the vectors.
    pub name: String,
    /// The test suite, browser, report or text that it comes from.
    pub source: String,
    /// The stream. Many are not valid UTF-8.
    pub input: Vec<u8>,
    /// The events that it dispatches, in order.
    pub events: Vec<Dispatched>,
    /// The reconnection time at the end: `Some(None)` if the stream sets none, `None` if this vector does not say.
    pub reconnection_time_ms: Option<Option<u64>>,
    /// The last event ID at the end, as the last blank line committed it: empty if there is none, `None` if this vector
    /// does not say.
    pub last_event_id: Option<String>,
    /// The last event ID that the parser is given before the stream.
    pub initial_last_event_id: Option<String>,
    /// A chunking worth testing: lengths in bytes, some of them zero.
    pub chunks: Option<Vec<usize>>,
    /// The comments of the stream, each without its colon and one space after it. `None` if this vector does not say.
    pub comments: Option<Vec<String>>,
    /// A remark for human readers.
    pub note: Option<String>,
}

/// One run that [`check_parser`] asks for: a stream in one of its chunkings.
///
/// # Examples
///
/// ```
/// use ssewire::conformance::{parse_vectors, Outcome, ParseCase};
///
/// let vector = &parse_vectors()[0];
/// let mut chunkings = 0;
/// let _ = vector.check(|case: ParseCase<'_>| {
///     assert_eq!(case.chunks.concat(), vector.input);
///     chunkings += 1;
///     let mut outcome = Outcome::default();
///     outcome.events = vector.events.clone(); // the parser under test comes here
///     Ok::<_, std::fmt::Error>(outcome)
/// });
/// assert!(chunkings > 1);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ParseCase<'a> {
    /// The vector. A parser under test needs only its
    /// [`initial_last_event_id`](ParseVector::initial_last_event_id).
    pub vector: &'a ParseVector,
    /// The stream in chunks, of which some may be empty. It ends after the last one.
    pub chunks: &'a [&'a [u8]],
}

/// The result of a parser under test for a [`ParseCase`].
///
/// A field that the parser does not show is left `None`, and is not compared. A field that the vector does not state must
/// still be the same under every chunking.
///
/// # Examples
///
/// ```
/// use ssewire::conformance::{Dispatched, Outcome};
///
/// let mut outcome = Outcome::default();
/// outcome.events.push(Dispatched { event: "message".into(), data: "21.5".into(), id: String::new() });
/// outcome.reconnection_time_ms = Some(None); // compared: no `retry` was read
/// assert_eq!(outcome.comments, None); // not compared
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Outcome {
    /// The events, in order.
    pub events: Vec<Dispatched>,
    /// The reconnection time at the end of the stream: `Some(None)` if none was set.
    pub reconnection_time_ms: Option<Option<u64>>,
    /// The last event ID at the end of the stream, empty if there is none.
    pub last_event_id: Option<String>,
    /// The comments, in order, each complete. A line without a line end is not one.
    pub comments: Option<Vec<String>>,
    /// The lines that are neither a comment nor a field of the standard, in order, each complete. No vector states them.
    pub unknown: Option<Vec<String>>,
}

/// A block to write, and the result that it must have.
///
/// # Examples
///
/// ```
/// use ssewire::conformance::{write_vectors, Must};
///
/// let vectors = write_vectors();
/// assert!(vectors.iter().any(|vector| vector.must == Must::Reject));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct WriteVector {
    /// Unique among the vectors.
    pub name: String,
    /// The test suite, report or text that it comes from.
    pub source: String,
    /// The block.
    pub write: Write,
    /// The result.
    pub must: Must,
}

/// A block to write: the fields that are `Some`, in any order.
///
/// # Examples
///
/// ```
/// let vectors = ssewire::conformance::write_vectors();
/// assert!(vectors.iter().any(|vector| vector.write.data.as_deref() == Some("")));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Write {
    /// A comment. A reader must get nothing else from it, even if it holds line ends.
    pub comment: Option<String>,
    /// The event type.
    pub event: Option<String>,
    /// The ID.
    pub id: Option<String>,
    /// The reconnection time in milliseconds.
    pub retry: Option<u64>,
    /// The data. CR, LF and CRLF each end a line of it, and are read back as LF.
    pub data: Option<String>,
}

/// The result that a [`Write`] must have.
///
/// # Examples
///
/// ```
/// use ssewire::conformance::{write_vectors, Must};
///
/// for vector in write_vectors() {
///     if let Must::Roundtrip { example_output, .. } = vector.must {
///         assert!(example_output.is_empty() || example_output.ends_with(b"\n\n"), "{}", vector.name);
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Must {
    /// A reader gets the block back.
    #[non_exhaustive]
    Roundtrip {
        /// The events that a reader without a last event ID gets.
        events: Vec<Dispatched>,
        /// The reconnection time that it gets.
        reconnection_time_ms: Option<u64>,
        /// The comments that it gets. `None` if this vector does not say.
        comments: Option<Vec<String>>,
        /// One right output. Others can be right as well: the order of the fields is free, for example.
        example_output: Vec<u8>,
    },
    /// The writer returns an error: the value must be neither changed nor written in part.
    Reject,
}

/// The number of checks.
///
/// # Examples
///
/// ```
/// use ssewire::conformance::{parse_vectors, Outcome, Passed};
///
/// let empty = parse_vectors().into_iter().find(|vector| vector.input.is_empty()).unwrap();
/// let passed: Passed = empty.check(|_| Ok::<_, std::fmt::Error>(Outcome::default()))?;
/// assert_eq!(passed.vectors, 1);
/// # Ok::<(), ssewire::conformance::Failure>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Passed {
    /// Vectors.
    pub vectors: usize,
    /// Calls of the closure: for a parser, one per chunking of each vector.
    pub runs: usize,
}

/// A vector that was not passed. Prints all that is needed to reproduce it, also with `{:?}`.
///
/// # Examples
///
/// ```
/// use ssewire::conformance::{check_parser, Failure, Outcome};
///
/// let failure: Failure = check_parser(|_| Ok::<_, std::fmt::Error>(Outcome::default())).unwrap_err();
/// assert!(failure.to_string().starts_with("vector "));
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The vector's name.
    pub vector: Box<str>,
    /// The test suite, browser, report or text that the vector comes from.
    pub source: Box<str>,
    /// The stream that was parsed. For a writer, its output and the events that were put around it.
    pub input: Box<[u8]>,
    /// The lengths of the chunks in which it was parsed, in bytes.
    pub chunks: Box<[usize]>,
    /// The part that differs, such as `event 2 of 3`.
    pub difference: Box<str>,
    /// The right value of that part.
    pub expected: Box<str>,
    /// The value that came out.
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

/// Like `Display`, because a failed `unwrap` prints this.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for Failure {}

/// Most bytes of a stream, or characters of a value, that a [`Failure`] prints.
const SHOWN: usize = 400;

/// Displays lengths of chunks, such as `3 x 1, 0, 2 bytes`.
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

/// Checks a parser against all [`parse_vectors`], each under all chunkings of [`ParseVector::check`].
///
/// `parse` parses one [`ParseCase`] with a new parser. See the [module](self) for an example.
///
/// # Errors
///
/// The first [`Failure`]: a result that is not the vector's, or an error of `parse`.
pub fn check_parser<F, E>(mut parse: F) -> Result<Passed, Failure>
where
    F: FnMut(ParseCase<'_>) -> Result<Outcome, E>,
    E: fmt::Display,
{
    parse_vectors().iter().try_fold(Passed::default(), |passed, vector| Ok(passed + vector.check(&mut parse)?))
}

/// Checks a writer against all [`write_vectors`].
///
/// `write` returns the bytes on the wire, or an error for a value that cannot be written. This crate's [`Parser`] reads
/// the bytes as the start of a stream, and after an event with an ID; before another event, which must arrive as well, and
/// at the end. See the [module](self) for an example.
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

/// Returns all vectors for parsers: from test suites, from a browser, and from bug reports.
#[must_use]
pub fn parse_vectors() -> Vec<ParseVector> {
    let files = [
        include_str!("../tests/conformance/parse.jsonl"),
        include_str!("../tests/conformance/browser.jsonl"),
        include_str!("../tests/conformance/field.jsonl"),
    ];
    files.into_iter().flat_map(json::lines::<json::Parse>).map(ParseVector::from).collect()
}

/// Returns all vectors for writers.
#[must_use]
pub fn write_vectors() -> Vec<WriteVector> {
    json::lines::<json::Write>(include_str!("../tests/conformance/write.jsonl")).map(WriteVector::from).collect()
}

impl ParseVector {
    /// Streams up to this length are split in every way.
    const EVERY_SPLIT: usize = 12;
    /// Streams up to this length are split in two at every place.
    const EVERY_PAIR: usize = 200;
    /// Streams up to this length are split into chunks of few bytes.
    const SMALL_CHUNKS: usize = 1 << 15;

    /// Checks a parser against this vector.
    ///
    /// The stream is given
    ///
    /// - whole;
    /// - in chunks of 1, 2, 3 and 7 bytes, or of 61, 1460, 4096 and 65536 if it has more than 32 KiB;
    /// - in the vector's own [`chunks`](ParseVector::chunks);
    /// - in each of these ways again with empty chunks before, between and after the others;
    /// - split in two at every place if it has at most 200 bytes, and in every way if it has at most 12.
    ///
    /// # Errors
    ///
    /// The first [`Failure`]: a result that is not the vector's, or an error of `parse`.
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
            unknown: None,
        };
        let mut passed = Passed { vectors: 1, runs: 0 };
        self.each_chunking(|lengths| {
            let mut rest = &self.input[..];
            let mut chunks = Vec::with_capacity(lengths.len());
            for &length in lengths {
                let (chunk, after) = rest.split_at(length);
                chunks.push(chunk);
                rest = after;
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
        // Those for long streams are a prime, a TCP segment, a page and a large buffer.
        let sizes = if len <= Self::SMALL_CHUNKS { [1, 2, 3, 7] } else { [61, 1460, 4096, 65536] };
        let fixed = sizes.map(|size| {
            let mut lengths = vec![size; len / size];
            lengths.extend(Some(len % size).filter(|&rest| rest > 0));
            lengths
        });
        for lengths in [vec![len]].into_iter().chain(fixed).chain(self.chunks.clone()) {
            run(&lengths)?;
            let mut spaced = vec![0];
            spaced.extend(lengths.iter().flat_map(|&length| [length, 0]));
            run(&spaced)?;
        }
        if len <= Self::EVERY_SPLIT {
            // Bit i is set if a chunk ends after byte i.
            let ways = 1u32 << len.saturating_sub(1);
            let mut lengths = Vec::with_capacity(len);
            for splits in 0..ways {
                let mut begun = 0;
                lengths.clear();
                for i in 1..len {
                    if splits >> (i - 1) & 1 == 1 {
                        lengths.push(i - begun);
                        begun = i;
                    }
                }
                lengths.push(len - begun);
                run(&lengths)?;
            }
        } else if len <= Self::EVERY_PAIR {
            for at in 1..len {
                run(&[at, len - at])?;
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

    /// Returns `None` if the two are the same, or one of them is not known.
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
            .or_else(|| Difference::of("unknown lines", self.unknown.as_ref(), actual.unknown.as_ref()))
    }

    /// Expects the fields that the vector does not state to be as the first run gave them.
    fn learn(&mut self, actual: Outcome) {
        self.reconnection_time_ms = self.reconnection_time_ms.or(actual.reconnection_time_ms);
        self.last_event_id = self.last_event_id.take().or(actual.last_event_id);
        self.comments = self.comments.take().or(actual.comments);
        self.unknown = self.unknown.take().or(actual.unknown);
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
        let (input, difference) = match (write(&self.write), &self.must) {
            (Err(_), Must::Reject) => (Vec::new(), None),
            (Ok(output), Must::Reject) => {
                let difference = Difference::new("not rejected", "an error", output.escape_ascii());
                (output, Some(difference))
            }
            (Err(error), Must::Roundtrip { .. }) => {
                (Vec::new(), Some(Difference::new("the writer failed", "no error", error)))
            }
            (Ok(output), Must::Roundtrip { events, reconnection_time_ms, comments, .. }) => {
                let expected = Outcome {
                    events: events.clone(),
                    reconnection_time_ms: Some(*reconnection_time_ms),
                    comments: comments.clone(),
                    ..Outcome::default()
                };
                let mut readings = AROUND.iter().map(|around| self.read_back(*around, &output, &expected));
                readings.find(|reading| reading.1.is_some()).unwrap_or_default()
            }
        };
        if let Some(difference) = difference {
            return Err(Failure {
                vector: self.name.clone().into(),
                source: self.source.clone().into(),
                chunks: [input.len()].into(),
                input: input.into(),
                difference: difference.what.into(),
                expected: difference.expected.into(),
                actual: difference.actual.into(),
            });
        }
        Ok(Passed { vectors: 1, runs: 1 })
    }

    /// Reads the output between two streams, and returns all of it with the first difference.
    fn read_back(
        &self,
        (before, after): (&str, &str),
        output: &[u8],
        block: &Outcome,
    ) -> (Vec<u8>, Option<Difference>) {
        let event = |data: &str, id: &str| Dispatched { event: "message".into(), data: data.into(), id: id.into() };
        let id_before = if before.is_empty() { "" } else { "the ID before" };
        let id = self.write.id.as_deref().unwrap_or(id_before);
        let mut expected = block.clone();
        expected.events.iter_mut().for_each(|event| id.clone_into(&mut event.id));
        if !before.is_empty() {
            expected.events.insert(0, event("before", id_before));
        }
        if !after.is_empty() {
            expected.events.push(event("after", id));
        }
        expected.last_event_id = Some(id.to_owned());

        let stream = [before.as_bytes(), output, after.as_bytes()].concat();
        let difference = match read(&stream) {
            Ok(actual) => expected.difference(&actual),
            Err(error) => Some(Difference::new("reading it back failed", "no error", error)),
        };
        (stream, difference)
    }
}

const BEFORE: &str = "id: the ID before\ndata: before\n\n";
const AFTER: &str = "data: after\n\n";

/// The streams before and after a writer's output. The start of a stream hides a BOM, and an empty ID that was left out.
/// An event that follows shows a block without an end, but may itself be the end of a block that only has an ID.
const AROUND: [(&str, &str); 3] = [("", AFTER), (BEFORE, AFTER), (BEFORE, "")];

fn read(stream: &[u8]) -> Result<Outcome, Overflow> {
    let mut parser = Parser::with_limit(stream.len());
    let mut outcome = Outcome::default();
    let (mut comments, mut comment) = (Vec::new(), Vec::new());
    let mut input = stream;
    while let Some(item) = parser.next_item(&mut input)? {
        match item {
            Item::Event(event) => outcome.events.push(event.into()),
            Item::Comment(piece) => {
                comment.extend_from_slice(piece.bytes);
                if piece.last {
                    comments.push(lossy(&comment).to_string());
                    comment.clear();
                }
            }
            _ => {}
        }
    }
    outcome.reconnection_time_ms = Some(parser.reconnection_time_ms());
    outcome.last_event_id = Some(lossy(parser.last_event_id().unwrap_or_default()).to_string());
    outcome.comments = Some(comments);
    Ok(outcome)
}
