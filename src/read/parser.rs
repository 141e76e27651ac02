use core::fmt;

use super::buffer::Memory;
use super::builder::{EventBuilder, Found, Report};
use super::grammar::Complete;
use super::report::{self, Borrowed, FoundEvent, FoundItem, FoundPiece, Input, Item, Piece, Progress};
use crate::bytes::{FAST, Span};
use crate::error::{IdError, InvalidByte, Overflow};
use crate::event::Event;
use crate::field::Field;
use crate::storage::Storage;
#[cfg(feature = "alloc")]
use crate::storage::growable::GrowableBuffer;
use crate::text::lossy;

/// Parses an event stream into [`Event`]s, without allocating.
///
/// Give it the bytes as they arrive; every chunking of a stream gives the same events. On 64-bit targets, an event is borrowed
/// from the input if it is complete there and has one line of `data` and at most one each of `event` and `id`. Every other
/// event is copied to the parser's buffer, which is of one of three kinds ([`Storage`]):
///
/// | made by | the buffer |
/// |---|---|
/// | `Parser::<[u8; N]>::new()` | `N` bytes inside the parser |
/// | [`Parser::with_buffer`] | a borrowed `&mut [u8]`, for example a `static` |
/// | [`Parser::with_limit`] | on the heap, growing up to a limit (feature `alloc`) |
///
/// Use [`next`](Parser::next) in a loop. If a borrow must not be held across the call, as in an async function that refills
/// a buffer, use the same in two steps: [`feed`](Parser::feed) and [`event`](Parser::event).
///
/// At the end of a stream there is nothing to call: the standard discards an unfinished event. [`reset`](Parser::reset)
/// makes the parser ready for the next connection. [`take_unfinished`](Parser::take_unfinished) returns the unfinished event,
/// for servers that leave out the last blank line.
///
/// # Capacity
///
/// An event fits if **the earlier last event ID, and the event's own ID, type and data, are together no longer than the
/// buffer**, in bytes. The data counts with one LF between each two of its lines. That must hold at every line: an event type
/// or ID counts until a later line of the same event replaces it, and a new `id` counts beside the one before it. Of an ID that
/// is ignored because of a NUL, the bytes before the NUL count. Field names, comments, unknown fields, `retry` and line
/// ends count nothing. An event that is borrowed counts like one that is copied, so the chunking makes no difference.
///
/// An event that does not fit is reported as [`Overflow`] as soon as that is known, once, and is skipped; the next one is
/// delivered. Its ID is not committed when it is reported, so a caller that stops there can ask the server for the event
/// again. For a caller that goes on, it is committed at the event's blank line, as the standard says, unless that ID itself did
/// not fit; then the earlier one stays.
///
/// # Deviations from the standard
///
/// Two, both where the standard knows no limits: events larger than the buffer, as above; and a `retry` beyond
/// [`u64::MAX`] milliseconds, which is ignored, as in browsers. An event of the standard has text, decoded with U+FFFD in
/// place of invalid UTF-8; [`lossy`](crate::lossy) is that step. Chromium deviates in one more place: a `retry` with an empty
/// value sets the reconnection time to its default there, and is ignored here.
///
/// Standard: [9.2.6 Interpreting an event stream](https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation).
///
/// # Examples
///
/// ```
/// use ssewire::Parser;
///
/// let mut parser = Parser::<[u8; 256]>::new();
/// let mut seen = Vec::new();
/// for chunk in [&b"event: temperature\nda"[..], b"ta: 21.5\n\nevent: dim\r\ndata: 40\r\n\r\n"] {
///     let mut input = chunk;
///     // An event that is too large is reported, and the loop goes on with the next one.
///     while let Some(result) = parser.next(&mut input).transpose() {
///         match result {
///             Ok(event) => seen.push((event.event_type().to_vec(), event.data().to_vec())),
///             Err(overflow) => eprintln!("{overflow}"),
///         }
///     }
/// }
/// assert_eq!(seen, [(b"temperature".to_vec(), b"21.5".to_vec()), (b"dim".to_vec(), b"40".to_vec())]);
/// ```
#[doc(alias = "codec")]
#[doc(alias = "EventStream")]
#[doc(alias = "text/event-stream")]
#[doc(alias = "EventSource")]
#[doc(alias = "decoder")]
#[derive(Clone)]
#[cfg_attr(
    not(feature = "alloc"),
    doc = "\n[`Parser::with_limit`]: https://docs.rs/ssewire/latest/ssewire/struct.Parser.html#method.with_limit"
)]
pub struct Parser<S> {
    builder: EventBuilder,
    storage: S,
}

impl<const N: usize> Parser<[u8; N]> {
    /// Returns a parser with a buffer of `N` bytes inside. It can stand in a `static`.
    #[must_use]
    pub const fn new() -> Self {
        Parser { builder: EventBuilder::new(), storage: [0; N] }
    }
}

impl<const N: usize> Default for Parser<[u8; N]> {
    fn default() -> Self {
        Parser::new()
    }
}

impl<'b> Parser<&'b mut [u8]> {
    /// Returns a parser that keeps an unfinished event in `buffer`. The contents of the buffer do not matter.
    #[must_use]
    pub const fn with_buffer(buffer: &'b mut [u8]) -> Self {
        Parser { builder: EventBuilder::new(), storage: buffer }
    }
}

#[cfg(feature = "alloc")]
impl Parser<GrowableBuffer> {
    /// Returns a parser that keeps an unfinished event on the heap, in at most `limit` bytes. It allocates memory when it
    /// needs it, and frees it when it is idle; see [`GrowableBuffer`].
    #[must_use]
    pub const fn with_limit(limit: usize) -> Self {
        Parser { builder: EventBuilder::new(), storage: GrowableBuffer::new(limit) }
    }
}

impl<S: Storage> Parser<S> {
    /// Returns the next event in `input`, or `None` when all of it is used and more is needed. Takes the bytes that it uses
    /// off the front of `input`, also when it returns an error.
    ///
    /// # Errors
    ///
    /// [`Overflow`], once for each event that does not fit. Call again with the same `input` to go on after it. Its rest begins
    /// within that event, so a caller that drops it loses the events in it and may lose the first one of the next input.
    ///
    /// # Panics
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// An event that is too large does not harm the next:
    ///
    /// ```
    /// use ssewire::{Field, Overflow, Parser};
    ///
    /// let mut parser = Parser::<[u8; 8]>::new();
    /// let mut input: &[u8] = b"data: nine byte\n\ndata: eight\n\n";
    /// let error = parser.next(&mut input).unwrap_err();
    /// assert_eq!(error, Overflow { field: Field::Data, needed: 9, capacity: 8 });
    /// assert_eq!(parser.next(&mut input)?.unwrap().data(), b"eight");
    /// # Ok::<(), Overflow>(())
    /// ```
    // Two lifetimes: with one, `&mut &'a [u8]` being invariant, the first call would borrow the parser for as long as
    // the input lives, and no loop would compile.
    #[inline(always)]
    pub fn next<'p, 'i: 'p>(&'p mut self, input: &mut &'i [u8]) -> Result<Option<Event<'p>>, Overflow> {
        Ok(match self.find(input)? {
            Some(Found::Complete(event)) if FAST => Some(self.builder.complete_event(event, self.storage.bytes())),
            Some(_) => Some(self.builder.held_event(self.storage.bytes())),
            None => None,
        })
    }

    /// Reads `input` up to the next event, or all of it.
    #[inline(always)]
    fn find<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Found<'i>>, Overflow> {
        if input.is_empty() {
            self.idle();
            return Ok(None);
        }
        let capacity = self.storage.capacity();
        match self.builder.next(&mut Memory { bytes: self.storage.bytes_mut(), capacity }, input) {
            Ok(Some(Found::Grow(len))) if S::GROWS => match self.grow(len, input, false) {
                Ok(Some(Report::Event(found))) => Ok(Some(found)),
                Ok(_) => Ok(None),
                Err(overflow) => Err(overflow),
            },
            found => found,
        }
    }

    /// Reads `input` up to the next report, or all of it.
    fn find_item<'i>(&mut self, input: &mut &'i [u8], items: bool) -> Result<Option<Report<'i>>, Overflow> {
        let capacity = self.storage.capacity();
        match self.builder.read(&mut Memory { bytes: self.storage.bytes_mut(), capacity }, input, items) {
            Ok(Some(Report::Event(Found::Grow(len)))) if S::GROWS => self.grow(len, input, items),
            report => report,
        }
    }

    /// Goes on with more memory. An allocator that has no more makes this the capacity.
    #[cold]
    fn grow<'i>(&mut self, len: usize, input: &mut &'i [u8], items: bool) -> Result<Option<Report<'i>>, Overflow> {
        let mut needed = len;
        loop {
            let len = self.storage.bytes().len();
            let mut capacity = len;
            if self.storage.grow(needed) {
                self.builder.grew(self.storage.bytes_mut(), len);
                capacity = self.storage.capacity();
            }
            match self.builder.read(&mut Memory { bytes: self.storage.bytes_mut(), capacity }, input, items) {
                Ok(Some(Report::Event(Found::Grow(len)))) => needed = len,
                report => return report,
            }
        }
    }

    /// Returns the next event, comment, update or unknown line in `input`; otherwise like [`next`](Parser::next).
    ///
    /// # Errors
    ///
    /// As [`next`](Parser::next).
    ///
    /// # Panics
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// ```
    /// use ssewire::{Item, Parser, Piece};
    ///
    /// let mut parser = Parser::<[u8; 64]>::new();
    /// let mut input: &[u8] = b": keep-alive\n\nid: 3\nretry: 500\n\n{\"error\":\"overloaded\"}\n";
    /// let comment = Piece { bytes: b"keep-alive", first: true, last: true };
    /// assert_eq!(parser.next_item(&mut input)?, Some(Item::Comment(comment)));
    /// let Some(Item::Update(update)) = parser.next_item(&mut input)? else { panic!() };
    /// assert_eq!((update.id(), update.retry()), (Some(&b"3"[..]), Some(500)));
    /// let Some(Item::Unknown(line)) = parser.next_item(&mut input)? else { panic!() };
    /// assert_eq!(line.bytes, br#"{"error":"overloaded"}"#);
    /// # Ok::<(), ssewire::Overflow>(())
    /// ```
    #[inline]
    pub fn next_item<'p, 'i: 'p>(&'p mut self, input: &mut &'i [u8]) -> Result<Option<Item<'p>>, Overflow> {
        if input.is_empty() {
            self.idle();
            return Ok(None);
        }
        let Some(found) = self.find_item(input, true)? else { return Ok(None) };
        Ok(Some(match found {
            Report::Event(Found::Complete(event)) if FAST => {
                Item::Event(self.builder.complete_event(event, self.storage.bytes()))
            }
            Report::Event(_) => Item::Event(self.builder.held_event(self.storage.bytes())),
            Report::Comment(piece) => Item::Comment(piece),
            Report::Unknown(piece) => Item::Unknown(piece),
            Report::Taken(bytes) => Item::Unknown(Piece::taken(bytes)),
            Report::Update => Item::Update(self.builder.held_update(self.storage.bytes())),
        }))
    }

    /// Reads `input` up to the end of the next event, or all of it: the first of two steps, for callers that cannot hold a
    /// borrow in between. [`event`](Parser::event) is the second.
    ///
    /// # Errors
    ///
    /// In [`Progress::result`]: [`Overflow`], once for each event that does not fit. Feed the rest of `input` to go on.
    ///
    /// # Panics
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// A reader that owns its receive buffer and keeps its position in itself, so that nothing is lost on an error:
    ///
    /// ```
    /// use ssewire::{Event, Parser};
    ///
    /// struct Reader<R> { source: R, buf: [u8; 1024], start: usize, end: usize, parser: Parser<[u8; 512]> }
    ///
    /// impl<R: std::io::Read> Reader<R> {
    ///     fn next(&mut self) -> Result<Option<Event<'_>>, Box<dyn std::error::Error>> {
    ///         loop {
    ///             let from = self.start;
    ///             let progress = self.parser.feed(&self.buf[from..self.end]);
    ///             self.start += progress.consumed;
    ///             if let Some(found) = progress.result? {
    ///                 return Ok(Some(self.parser.event(found, &self.buf[from..self.end])));
    ///             }
    ///             (self.start, self.end) = (0, self.source.read(&mut self.buf)?);
    ///             if self.end == 0 {
    ///                 return Ok(None);
    ///             }
    ///         }
    ///     }
    /// }
    ///
    /// let parser = Parser::new();
    /// let mut reader = Reader { source: &b"data: 1\n\ndata: 2\n\n"[..], buf: [0; 1024], start: 0, end: 0, parser };
    /// assert_eq!(reader.next()?.unwrap().data(), b"1");
    /// assert_eq!(reader.next()?.unwrap().data(), b"2");
    /// assert!(reader.next()?.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline(always)]
    pub fn feed(&mut self, input: &[u8]) -> Progress<FoundEvent> {
        let mut rest = input;
        let result = match self.find(&mut rest) {
            Ok(Some(Found::Complete(event))) if FAST => {
                Ok(Some(self.builder.found_event(Some(borrowed(&event, input)))))
            }
            Ok(Some(_)) => Ok(Some(self.builder.found_event(None))),
            Ok(None) => Ok(None),
            Err(overflow) => Err(overflow),
        };
        Progress { consumed: input.len() - rest.len(), result }
    }

    /// Reads `input` up to the next event, comment, update or unknown line; otherwise like [`feed`](Parser::feed).
    /// [`item`](Parser::item) is the second step.
    ///
    /// # Errors
    ///
    /// As [`feed`](Parser::feed).
    ///
    /// # Panics
    ///
    /// Never.
    #[inline]
    pub fn feed_items(&mut self, input: &[u8]) -> Progress<FoundItem> {
        if input.is_empty() {
            self.idle();
            return Progress { consumed: 0, result: Ok(None) };
        }
        let mut rest = input;
        let piece = |piece: Piece<'_>| FoundPiece {
            input: Input::new(input),
            span: Span::within(input, piece.bytes),
            first: piece.first,
            last: piece.last,
        };
        let result = self.find_item(&mut rest, true).map(|found| {
            found.map(|report| match report {
                Report::Event(Found::Complete(event)) if FAST => {
                    report::Found::Event(self.builder.found_event(Some(borrowed(&event, input))))
                }
                Report::Event(_) => report::Found::Event(self.builder.found_event(None)),
                Report::Comment(comment) => report::Found::Comment(piece(comment)),
                Report::Unknown(line) => report::Found::Unknown(piece(line)),
                Report::Taken(bytes) => report::Found::Taken(bytes),
                Report::Update => report::Found::Update { version: self.builder.version() },
            })
        });
        Progress { consumed: input.len() - rest.len(), result: result.map(|found| found.map(FoundItem)) }
    }

    /// Returns the event that the last call of [`feed`](Parser::feed) found. `input` is the slice that was fed, or the part of
    /// it that was consumed.
    ///
    /// With another slice, a slice that was moved, or after the parser was used again, the event may be empty: no event has the
    /// values of two. Its ID is borrowed from the parser, unlike that of [`next`](Parser::next), which is borrowed from the input
    /// with the other values.
    ///
    /// # Panics
    ///
    /// Never.
    #[must_use]
    #[inline(always)]
    pub fn event<'a>(&'a self, found: FoundEvent, input: &'a [u8]) -> Event<'a> {
        self.builder.event(found, self.storage.bytes(), input)
    }

    /// Returns the item that the last call of [`feed_items`](Parser::feed_items) found; otherwise like
    /// [`event`](Parser::event).
    ///
    /// # Panics
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// ```
    /// use ssewire::{Item, Parser};
    ///
    /// let mut parser = Parser::<[u8; 64]>::new();
    /// let input = b"<html>\n";
    /// let progress = parser.feed_items(input);
    /// let Item::Unknown(line) = parser.item(progress.result?.unwrap(), input) else { panic!() };
    /// assert_eq!(line.bytes, b"<html>");
    /// # Ok::<(), ssewire::Overflow>(())
    /// ```
    #[must_use]
    pub fn item<'a>(&'a self, found: FoundItem, input: &'a [u8]) -> Item<'a> {
        match found.0 {
            report::Found::Event(found) => Item::Event(self.event(found, input)),
            report::Found::Comment(piece) => Item::Comment(piece.of(input)),
            report::Found::Unknown(piece) => Item::Unknown(piece.of(input)),
            report::Found::Taken(bytes) => Item::Unknown(Piece::taken(bytes)),
            report::Found::Update { version } => Item::Update(self.builder.update(version, self.storage.bytes())),
        }
    }

    /// Returns the last event ID that a blank line committed or [`set_last_event_id`](Parser::set_last_event_id) set: `None`
    /// if no ID was ever set, empty if it was cleared. Send it as `Last-Event-ID` on reconnecting, unless it is empty.
    #[doc(alias = "Last-Event-ID")]
    #[must_use]
    pub fn last_event_id(&self) -> Option<&[u8]> {
        self.builder.last_event_id(self.storage.bytes())
    }

    /// Returns the reconnection time in milliseconds that the last valid `retry` set; `None` if there was none.
    #[must_use]
    pub fn reconnection_time_ms(&self) -> Option<u64> {
        self.builder.reconnection_time_ms()
    }

    /// Returns the capacity of the buffer in bytes: `N`, the length of the borrowed buffer, or the limit.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.storage.capacity()
    }

    /// Returns the number of bytes of an unfinished event that the buffer holds (event type, data and ID), if an event has
    /// begun that no blank line has ended.
    ///
    /// `None` between events, also within a comment or an unknown line there, and after a `retry` line, which has taken effect.
    #[must_use]
    pub fn unfinished(&self) -> Option<usize> {
        self.builder.unfinished()
    }

    /// Sets the last event ID, for a stream that goes on where another ended, and makes the parser ready for it like
    /// [`reset`](Parser::reset).
    ///
    /// # Errors
    ///
    /// [`IdError`] if `id` holds CR, LF or NUL, which no stream can set, or is longer than the buffer. Nothing has changed
    /// then. An empty ID always fits, and drops the earlier one.
    ///
    /// # Panics
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut parser = ssewire::Parser::<[u8; 64]>::new();
    /// parser.set_last_event_id(b"41")?;
    /// let mut input: &[u8] = b"data: x\n\n";
    /// assert_eq!(parser.next(&mut input)?.unwrap().last_event_id(), b"41");
    /// # Ok::<(), ssewire::Error>(())
    /// ```
    pub fn set_last_event_id(&mut self, id: &[u8]) -> Result<(), IdError> {
        InvalidByte::check(Field::Id, id)?;
        if id.len() > self.storage.bytes().len() && (id.len() > self.capacity() || !self.storage.grow(id.len())) {
            return Err(Overflow { field: Field::Id, needed: id.len(), capacity: self.capacity() }.into());
        }
        self.builder.restore(self.storage.bytes_mut(), id);
        Ok(())
    }

    /// Makes the parser ready for the next connection: an unfinished event is discarded, as the standard says, and a byte order
    /// mark may come again. The last event ID and the reconnection time stay.
    ///
    /// # Panics
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut parser = ssewire::Parser::<[u8; 64]>::new();
    /// let mut input: &[u8] = b"id: 1\nretry: 10\ndata: x\n\nid: 2\ndata: unfini";
    /// while parser.next(&mut input)?.is_some() {}
    /// parser.reset();
    /// assert_eq!(parser.last_event_id(), Some(&b"1"[..]));
    /// assert_eq!(parser.reconnection_time_ms(), Some(10));
    /// let mut input: &[u8] = b"data: y\n\n";
    /// assert_eq!(parser.next(&mut input)?.unwrap().data(), b"y");
    /// # Ok::<(), ssewire::Overflow>(())
    /// ```
    #[doc(alias = "reconnect")]
    pub fn reset(&mut self) {
        self.builder.reset(self.storage.bytes_mut());
        self.idle();
    }

    /// Ends the stream as if the unfinished line and the unfinished event were finished: returns that event, if there is one,
    /// and commits its ID. The parser is then as after [`reset`](Parser::reset).
    ///
    /// The standard discards an unfinished event, since its data may be cut off anywhere. So this is for servers that are known
    /// to leave out the last blank line.
    ///
    /// # Errors
    ///
    /// [`Overflow`] if the end of the event does not fit. It is discarded then.
    ///
    /// # Panics
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut parser = ssewire::Parser::<[u8; 64]>::new();
    /// let mut input: &[u8] = b"data: 1\n\ndata: 2";
    /// assert_eq!(parser.next(&mut input)?.unwrap().data(), b"1");
    /// assert!(parser.next(&mut input)?.is_none());
    /// assert_eq!(parser.take_unfinished()?.unwrap().data(), b"2");
    /// assert!(parser.take_unfinished()?.is_none());
    /// # Ok::<(), ssewire::Overflow>(())
    /// ```
    #[doc(alias = "finish")]
    pub fn take_unfinished(&mut self) -> Result<Option<Event<'_>>, Overflow> {
        // After a CR the first LF belongs to it. The second ends the line, if one has begun. The third is the blank line.
        let mut end: &[u8] = b"\n\n\n";
        let found = self.find_item(&mut end, false);
        self.builder.restart();
        Ok(found?.map(|_| self.builder.held_event(self.storage.bytes())))
    }

    /// Frees memory that is not needed between events, since all input is used.
    #[inline(always)]
    fn idle(&mut self) {
        if S::GROWS {
            self.shrink();
        }
    }

    #[inline(never)]
    fn shrink(&mut self) {
        if let Some(len) = self.builder.idle(self.storage.bytes_mut()) {
            self.storage.shrink(len);
        }
    }
}

/// Returns the places of an event that is borrowed from `input`.
#[inline(always)]
fn borrowed(event: &Complete<'_>, input: &[u8]) -> Borrowed {
    Borrowed {
        input: Input::new(input),
        event_type: event.event_type.map(|event_type| Span::within(input, event_type)),
        data: Span::within(input, event.data),
        sets_id: event.id.is_some(),
    }
}

/// Prints the capacity, the number of bytes held and the last event ID, but not the buffer, which may hold megabytes of other
/// people's data.
impl<S: Storage> fmt::Debug for Parser<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parser")
            .field("capacity", &self.capacity())
            .field("held", &self.builder.held())
            .field("last_event_id", &self.last_event_id().map(lossy))
            .finish_non_exhaustive()
    }
}

// Here, since it compares the states of parsers.
#[cfg(all(test, feature = "conformance"))]
#[path = "every_split.rs"]
mod every_split;
