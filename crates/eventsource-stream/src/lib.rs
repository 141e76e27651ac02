//! Server-Sent Events from a stream of bytes: the public interface of `eventsource-stream` 0.2, over [`ssewire`].
//!
//! ```toml
//! eventsource-stream = { package = "ssewire-eventsource-stream", version = "0.2.3" }
//! ```
//!
//! Each byte is read once, in any chunks. An event is copied once, into the [`Event`] that owns it, and its
//! data once more if it was split. An event is delivered as soon as its blank line is there. The differences from the
//! original are listed, and asserted, in `tests/differences.rs`.
//!
//! # Examples
//!
//! ```
//! use eventsource_stream::Eventsource;
//! use futures::StreamExt;
//!
//! # futures::executor::block_on(async {
//! let bytes = futures::stream::iter(["data: hel", "lo\n\n"].map(Ok::<_, std::io::Error>));
//! let mut events = bytes.eventsource();
//! while let Some(event) = events.next().await {
//!     assert_eq!(event?.data, "hello");
//! }
//! # Ok::<(), eventsource_stream::EventStreamError<std::io::Error>>(())
//! # }).unwrap();
//! ```

#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

use alloc::string::{FromUtf8Error, String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use futures_core::stream::Stream;
use nom::error::{Error as NomError, ErrorKind};
use pin_project_lite::pin_project;
use ssewire::{GrowableBuffer, Parser, lossy};

/// An event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The event type; `message` when the event named none.
    pub event: String,
    /// The data, its lines joined by LF.
    pub data: String,
    /// The current last event ID, set by this event or an earlier one; empty without one.
    pub id: String,
    /// The reconnection time that this very event sets.
    pub retry: Option<Duration>,
}

/// The reason why the stream returned an error and not an event.
#[derive(Debug, PartialEq)]
pub enum EventStreamError<E> {
    /// The stream is not UTF-8. Never made here: the standard reads such bytes as U+FFFD. It is part of the face.
    Utf8(FromUtf8Error),
    /// An event is larger than the limit of [`EventStream::with_limit`], or than the memory that there is. The next one
    /// follows.
    Parser(NomError<String>),
    /// The error of the stream beneath.
    Transport(E),
}

impl<E> From<NomError<&str>> for EventStreamError<E> {
    fn from(error: NomError<&str>) -> Self {
        EventStreamError::Parser(NomError::new(error.input.to_string(), error.code))
    }
}

impl<E: fmt::Display> fmt::Display for EventStreamError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utf8(error) => write!(f, "UTF8 error: {error}"),
            Self::Parser(error) => write!(f, "Parse error: {error}"),
            Self::Transport(error) => write!(f, "Transport error: {error}"),
        }
    }
}

#[cfg(feature = "std")]
impl<E> std::error::Error for EventStreamError<E> where E: fmt::Display + fmt::Debug + Send + Sync {}

/// Makes a stream of events of a stream of bytes.
pub trait Eventsource: Sized {
    /// The events in the bytes.
    fn eventsource(self) -> EventStream<Self>;
}

impl<S, B, E> Eventsource for S
where
    S: Stream<Item = Result<B, E>>,
    B: AsRef<[u8]>,
{
    fn eventsource(self) -> EventStream<Self> {
        EventStream::new(self)
    }
}

pin_project! {
    /// A stream of events.
    ///
    /// Safe to drop between two polls and to poll again after an error: nothing is lost.
    pub struct EventStream<S> {
        #[pin]
        stream: S,
        parser: Parser<GrowableBuffer>,
        // The rest of a chunk after its first event. The interface has no type for the chunk itself.
        rest: Vec<u8>,
        read: usize,
        last_event_id: String,
        ended: bool,
    }
}

impl<S> EventStream<S> {
    /// The events in `stream`, of any size that memory allows, as with the original.
    pub fn new(stream: S) -> Self {
        Self::with_limit(stream, usize::MAX)
    }

    /// The same, with no event taking more than `limit` bytes of memory while it is incomplete. One that does is
    /// reported as [`EventStreamError::Parser`], with `ErrorKind::TooLarge`, and skipped. The original has no such
    /// limit.
    pub fn with_limit(stream: S, limit: usize) -> Self {
        EventStream {
            stream,
            parser: Parser::with_limit(limit),
            rest: Vec::new(),
            read: 0,
            last_event_id: String::new(),
            ended: false,
        }
    }

    /// Sets the last event ID, for a stream that goes on where another ended. An unfinished event is discarded.
    pub fn set_last_event_id(&mut self, id: impl Into<String>) {
        self.last_event_id = id.into();
        // An ID that no stream can set, or that is larger than the limit, can be read back until the stream goes on. Events
        // do not have it, and not the one before it either. The empty ID is never rejected.
        if self.parser.set_last_event_id(self.last_event_id.as_bytes()).is_err() {
            _ = self.parser.set_last_event_id(b"");
        }
    }

    /// The last event ID: send it as `Last-Event-ID` on reconnecting, unless it is empty.
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }
}

impl<S, B, E> Stream for EventStream<S>
where
    S: Stream<Item = Result<B, E>>,
    B: AsRef<[u8]>,
{
    type Item = Result<Event, EventStreamError<E>>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let (used, found) = next(this.parser, this.rest.get(*this.read..).unwrap_or_default(), this.last_event_id);
        *this.read += used;
        if found.is_some() {
            return Poll::Ready(found);
        }
        while !*this.ended {
            match ready!(this.stream.as_mut().poll_next(context)) {
                Some(Ok(chunk)) => {
                    let chunk = chunk.as_ref();
                    let (used, found) = next(this.parser, chunk, this.last_event_id);
                    if found.is_some() {
                        this.rest.clear();
                        this.rest.extend_from_slice(chunk.get(used..).unwrap_or_default());
                        *this.read = 0;
                        return Poll::Ready(found);
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(EventStreamError::Transport(error)))),
                None => *this.ended = true,
            }
        }
        Poll::Ready(None)
    }
}

/// The next event in `input`, if there is one, and how many bytes that took.
fn next<E>(
    parser: &mut Parser<GrowableBuffer>,
    input: &[u8],
    last_event_id: &mut String,
) -> (usize, Option<Result<Event, EventStreamError<E>>>) {
    let progress = parser.feed(input);
    let found = match progress.result {
        Ok(Some(found)) => {
            let event = parser.event(found, input);
            Some(Ok(Event {
                event: text(event.event_type()),
                data: text(event.data()),
                id: text(event.last_event_id()),
                retry: event.retry().map(Duration::from_millis),
            }))
        }
        Ok(None) => None,
        Err(overflow) => Some(Err(EventStreamError::Parser(NomError::new(overflow.to_string(), ErrorKind::TooLarge)))),
    };
    // A block without data sets the ID as well. Two empty IDs are not compared: with AVX-512 `memcmp` of no bytes at
    // the address of an empty `String` takes longer than all else here.
    let id = parser.last_event_id().unwrap_or_default();
    let none = id.is_empty() && last_event_id.is_empty();
    if !none && !input.is_empty() && id != last_event_id.as_bytes() {
        *last_event_id = text(id);
    }
    (progress.consumed, found)
}

/// Text as the standard decodes it.
fn text(bytes: &[u8]) -> String {
    match core::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => lossy(bytes).to_string(),
    }
}
