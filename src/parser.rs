use crate::assembler::Assembler;
use crate::error::Error;
use crate::event::Event;
use crate::scan::{self, CR, LF};
use crate::storage::Storage;
use crate::tokenizer::Span;
use crate::whole::{behind_comments, DataLine, WholeEvent};

/// Parses an event stream into [`Event`]s, without allocating.
///
/// Give it whatever bytes arrive, however they are cut; every chunking gives the same events. On 64-bit targets an event
/// that lies whole in the input, of one line of `data` and at most one each of `event` and `id`, is lent from it. Everything
/// else is copied to the parser's buffer of one of three kinds ([`Storage`]):
///
/// | made by | the buffer |
/// |---|---|
/// | `Parser::<heapless::Vec<u8, N>>::new()` | `N` bytes inside the parser |
/// | [`Parser::with_buffer`] | a `&mut [u8]` that you lend, for example a `static` |
/// | [`Parser::with_limit`] | on the heap, growing up to a limit (feature `alloc`) |
///
/// Use [`next`](Parser::next) in a loop, or, when a borrow must not be held across the call (as in an async function
/// that refills the buffer), the same in two steps: [`feed`](Parser::feed) and [`event`](Parser::event).
///
/// At the end of a stream there is nothing to call: the standard discards an unfinished event. [`reset`](Parser::reset)
/// makes the parser ready for the next connection; [`finish`](Parser::finish) hands the unfinished event out, for
/// servers that forget the last blank line.
///
/// # Capacity
///
/// An event fits when **the last event ID in force before it, and its own ID, event type and data, are together no
/// longer than the buffer**, in bytes, the data with one LF between each two of its lines. That must hold at every line: an
/// event type or ID that a later line of the same event replaces counts while it is there (a new `id` even beside the one
/// before it), and of an ID that is ignored because of a NUL, what is before the NUL. Field names, comments, unknown fields, `retry` and line ends take
/// nothing. It does not matter whether the event is lent or copied, nor how the stream was cut.
///
/// An event that does not fit is reported as [`Error::Overflow`] as soon as that is known, once, and is skipped; the
/// next one is delivered. When it is reported its ID is not committed, so that a caller who stops there can ask the
/// server for it again; who goes on has it committed at its blank line, as the standard says, unless that ID itself did
/// not fit: then the one in force before stays.
///
/// # Deviations from the standard
///
/// Two, both where the standard knows no limits: events larger than the buffer, as above; and a `retry` beyond
/// [`u64::MAX`] milliseconds, which is ignored, as browsers do. An event of the standard's has text, decoded with U+FFFD
/// for what is no UTF-8; here that is one step further, [`decode`](crate::decode).
///
/// Standard: [9.2.6 Interpreting an event stream](https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation).
///
/// # Examples
///
/// ```
/// use ssewire::Parser;
///
/// let mut parser = Parser::<heapless::Vec<u8, 256>>::new();
/// let mut seen = 0;
/// for chunk in [&b"event: temperature\nda"[..], b"ta: 21.5\n\nevent: dim\r\ndata: 40\r\n\r\n"] {
///     let mut input = chunk;
///     while let Some(event) = parser.next(&mut input)? {
///         match event.event_type() {
///             b"temperature" => assert_eq!(event.data(), b"21.5"),
///             _ => assert_eq!(event.data(), b"40"),
///         }
///         seen += 1;
///     }
/// }
/// assert_eq!(seen, 2);
/// # Ok::<(), ssewire::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Parser<S> {
    assembler: Assembler,
    storage: S,
}

/// How far [`feed`](Parser::feed) came, and what it found there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[cfg_attr(feature = "defmt-v1", derive(defmt::Format))]
pub struct Progress {
    /// Bytes used of the input, errors or not. The rest is to be fed again.
    pub consumed: usize,
    /// What was found at that point.
    pub status: Result<Status, Error>,
}

/// What [`feed`](Parser::feed) found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt-v1", derive(defmt::Format))]
pub enum Status {
    /// Nothing more: all input was used.
    NeedInput,
    /// An event. [`event`](Parser::event) lends it, until the next call of `feed`.
    Event,
    /// A piece of a comment; from [`feed_items`](Parser::feed_items) only.
    Comment(CommentPiece),
    /// A block without data set the last event ID or the reconnection time; [`update`](Parser::update) tells. From
    /// [`feed_items`](Parser::feed_items) only.
    Update,
}

/// A piece of a comment, by its position in the input. A comment that lies whole in the input is one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt-v1", derive(defmt::Format))]
pub struct CommentPiece {
    span: Span,
    last: bool,
}

impl CommentPiece {
    pub(crate) fn new(span: Span, last: bool) -> CommentPiece {
        CommentPiece { span, last }
    }

    /// Its bytes, without the colon and one space after it; `input` is the slice that was fed.
    #[must_use]
    pub fn bytes<'i>(&self, input: &'i [u8]) -> &'i [u8] {
        self.span.of(input)
    }

    /// Whether the comment ends with this piece.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.last
    }
}

/// A block without data that set the last event ID, the reconnection time or both. It is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update<'a> {
    pub(crate) id: Option<&'a [u8]>,
    pub(crate) retry: Option<u64>,
}

impl<'a> Update<'a> {
    /// The last event ID that it set, possibly empty.
    #[must_use]
    pub fn id(&self) -> Option<&'a [u8]> {
        self.id
    }

    /// The reconnection time that it set, in milliseconds.
    #[must_use]
    pub fn retry(&self) -> Option<u64> {
        self.retry
    }
}

/// Everything that [`next_item`](Parser::next_item) finds in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Item<'a> {
    /// An event.
    Event(Event<'a>),
    /// A piece of a comment: servers send them to keep a connection alive.
    Comment {
        /// Its bytes, without the colon and one space after it.
        bytes: &'a [u8],
        /// Whether the comment ends with this piece. One that lies whole in the input is one piece.
        last: bool,
    },
    /// A block that only set the last event ID or the reconnection time.
    Update(Update<'a>),
}

#[cfg(feature = "heapless-v0_9")]
impl<const N: usize> Parser<heapless::Vec<u8, N>> {
    /// A parser with a buffer of `N` bytes inside. It can stand in a `static`.
    #[must_use]
    pub const fn new() -> Self {
        Parser { assembler: Assembler::new(), storage: heapless::Vec::new() }
    }
}

#[cfg(feature = "heapless-v0_9")]
impl<const N: usize> Default for Parser<heapless::Vec<u8, N>> {
    fn default() -> Self {
        Parser::new()
    }
}

impl<'b> Parser<&'b mut [u8]> {
    /// A parser that keeps an unfinished event in `buffer`. What the buffer held does not matter.
    #[must_use]
    pub const fn with_buffer(buffer: &'b mut [u8]) -> Self {
        Parser { assembler: Assembler::new(), storage: buffer }
    }
}

#[cfg(feature = "alloc")]
impl Parser<crate::GrowableBuffer> {
    /// A parser that keeps an unfinished event on the heap, in at most `limit` bytes, and allocates none of them before
    /// they are needed.
    #[must_use]
    pub const fn with_limit(limit: usize) -> Self {
        Parser { assembler: Assembler::new(), storage: crate::GrowableBuffer::new(limit) }
    }
}

impl<S: Storage> Parser<S> {
    /// The next event in `input`, or `None` when all of it is used and more is needed. Bytes are taken off the front of
    /// `input` as they are used, also when an error is returned.
    ///
    /// # Errors
    ///
    /// [`Error::Overflow`], once for each event that does not fit; call again to go on behind it.
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
    /// use ssewire::{Error, Field, Parser};
    ///
    /// let mut parser = Parser::<heapless::Vec<u8, 8>>::new();
    /// let mut input: &[u8] = b"data: nine byte\n\ndata: eight\n\n";
    /// let error = parser.next(&mut input).unwrap_err();
    /// assert_eq!(error, Error::Overflow { field: Field::Data, needed: 9, capacity: 8 });
    /// assert_eq!(parser.next(&mut input)?.unwrap().data(), b"eight");
    /// # Ok::<(), Error>(())
    /// ```
    // Two lifetimes: with one, `&mut &'a [u8]` being invariant, the first call would borrow the parser for as long as
    // the input lives, and no loop would compile.
    #[inline(always)]
    pub fn next<'p, 'i: 'p>(&'p mut self, input: &mut &'i [u8]) -> Result<Option<Event<'p>>, Error> {
        // Inlined, so that the call behind the last event costs next to nothing.
        let fed = *input;
        if fed.is_empty() {
            return Ok(None);
        }
        if !self.assembler.is_between_events() {
            return self.next_within(input);
        }
        self.assembler.settle(&mut self.storage.buffer());
        let Some(line) = DataLine::at(fed) else {
            return match fed {
                [b':' | CR | LF, ..] => self.next_behind_comments(input),
                _ => self.next_whole(input),
            };
        };
        match line.event() {
            Some((data, rest)) if data.len() <= self.assembler.room(&self.storage.buffer()) => {
                *input = rest;
                let event = WholeEvent { event_type: None, id: None, data, rest };
                Ok(Some(self.assembler.whole(event, self.storage.bytes())))
            }
            _ => self.next_behind(input, line.end),
        }
    }

    /// `next` at the start of an event.
    #[inline(never)]
    fn next_whole<'p, 'i: 'p>(&'p mut self, input: &mut &'i [u8]) -> Result<Option<Event<'p>>, Error> {
        let fed = *input;
        let mut buffer = self.storage.buffer();
        match self.assembler.whole_lines(&mut buffer, fed) {
            Ok(event) => {
                *input = event.rest;
                Ok(Some(self.assembler.whole(event, self.storage.bytes())))
            }
            Err(lines) => {
                let progress = self.assembler.feed_behind(buffer, fed, lines);
                self.found(progress, input)
            }
        }
    }

    /// `next` at a comment or a blank line between events.
    #[inline(never)]
    fn next_behind_comments<'p, 'i: 'p>(&'p mut self, input: &mut &'i [u8]) -> Result<Option<Event<'p>>, Error> {
        let rest = behind_comments(input);
        *input = rest;
        match rest {
            [] => Ok(None),
            [b':', ..] if self.assembler.begin_comment(rest) => {
                *input = &[];
                Ok(None)
            }
            [b':' | CR | LF, ..] => self.next_pieces(input),
            _ => self.next_whole(input),
        }
    }

    /// `next` in an event that begins with `line` and does not end with it.
    #[inline(never)]
    fn next_behind<'p, 'i: 'p>(
        &'p mut self,
        input: &mut &'i [u8],
        end: Option<usize>,
    ) -> Result<Option<Event<'p>>, Error> {
        let fed = *input;
        let mut buffer = self.storage.buffer();
        if end.is_none() && self.assembler.begin_data(&mut buffer, fed) {
            *input = &[];
            return Ok(None);
        }
        let Some(line) = DataLine::ending(fed, end) else { return Ok(None) };
        if !line.is_last() {
            return self.next_whole(input);
        }
        let lines = line.into_lines(fed, None, None, self.assembler.room(&buffer));
        let progress = self.assembler.feed_behind(buffer, fed, lines);
        self.found(progress, input)
    }

    /// `next` in the midst of an event: apart, so that it does not pay for the registers that the short cut takes.
    #[inline(never)]
    fn next_within<'p, 'i: 'p>(&'p mut self, input: &mut &'i [u8]) -> Result<Option<Event<'p>>, Error> {
        let fed = *input;
        if !self.assembler.is_in_data() {
            if let Some(rest) = self.assembler.skip_comment(fed) {
                *input = rest;
                return if rest.is_empty() { Ok(None) } else { self.next_behind_comments(input) };
            }
            return self.next_pieces(input);
        }
        let end = scan::line_end(fed);
        if end.is_some() || !self.assembler.take_piece(&mut self.storage.buffer(), fed) {
            return self.next_data(input, end);
        }
        *input = &[];
        Ok(None)
    }

    #[inline(never)]
    fn next_data<'p, 'i: 'p>(
        &'p mut self,
        input: &mut &'i [u8],
        end: Option<usize>,
    ) -> Result<Option<Event<'p>>, Error> {
        if let Some(rest) = end.and_then(|end| self.assembler.end_data(&mut self.storage.buffer(), input, end)) {
            *input = rest;
            return Ok(Some(self.event(&[])));
        }
        let progress = self.assembler.feed_data(self.storage.buffer(), input, end, false);
        self.found(progress, input)
    }

    #[inline(never)]
    fn next_pieces<'p, 'i: 'p>(&'p mut self, input: &mut &'i [u8]) -> Result<Option<Event<'p>>, Error> {
        let progress = self.assembler.feed(self.storage.buffer(), input, false);
        self.found(progress, input)
    }

    #[inline(always)]
    fn found<'p, 'i: 'p>(&'p self, progress: Progress, input: &mut &'i [u8]) -> Result<Option<Event<'p>>, Error> {
        let fed = *input;
        *input = fed.get(progress.consumed..).unwrap_or_default();
        match progress.status {
            Ok(Status::Event) => Ok(Some(self.event(fed))),
            Ok(_) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Like [`next`](Parser::next), with comments and updates as well.
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
    /// use ssewire::{Item, Parser};
    ///
    /// let mut parser = Parser::<heapless::Vec<u8, 64>>::new();
    /// let mut input: &[u8] = b": keep-alive\n\nid: 3\nretry: 500\n\n";
    /// assert_eq!(parser.next_item(&mut input)?, Some(Item::Comment { bytes: b"keep-alive", last: true }));
    /// let Some(Item::Update(update)) = parser.next_item(&mut input)? else { panic!() };
    /// assert_eq!((update.id(), update.retry()), (Some(&b"3"[..]), Some(500)));
    /// # Ok::<(), ssewire::Error>(())
    /// ```
    #[inline]
    pub fn next_item<'p, 'i: 'p>(&'p mut self, input: &mut &'i [u8]) -> Result<Option<Item<'p>>, Error> {
        let fed = *input;
        let progress = self.feed_items(fed);
        *input = fed.get(progress.consumed..).unwrap_or_default();
        Ok(match progress.status? {
            Status::NeedInput => None,
            Status::Event => Some(Item::Event(self.event(fed))),
            Status::Comment(piece) => Some(Item::Comment { bytes: piece.bytes(fed), last: piece.is_last() }),
            Status::Update => Some(Item::Update(self.update())),
        })
    }

    /// Reads `input` up to the end of the next event, or all of it; the first of two steps, for callers that cannot hold
    /// a borrow in between. Comments and updates are passed over, at no cost.
    ///
    /// # Errors
    ///
    /// In [`Progress::status`]: [`Error::Overflow`], once for each event that does not fit.
    ///
    /// # Panics
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// A reader that owns its receive buffer and keeps its position in itself:
    ///
    /// ```
    /// use ssewire::{Event, Parser, Status};
    ///
    /// struct Reader<R> { source: R, buf: [u8; 1024], start: usize, end: usize, parser: Parser<heapless::Vec<u8, 512>> }
    ///
    /// impl<R: std::io::Read> Reader<R> {
    ///     fn next(&mut self) -> Result<Option<Event<'_>>, Box<dyn std::error::Error>> {
    ///         loop {
    ///             let from = self.start;
    ///             let progress = self.parser.feed(&self.buf[from..self.end]);
    ///             self.start += progress.consumed;
    ///             if progress.status? == Status::Event {
    ///                 return Ok(Some(self.parser.event(&self.buf[from..self.end])));
    ///             }
    ///             self.start = 0;
    ///             self.end = self.source.read(&mut self.buf)?;
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
    #[inline]
    pub fn feed(&mut self, input: &[u8]) -> Progress {
        if input.is_empty() {
            return Progress { consumed: 0, status: Ok(Status::NeedInput) };
        }
        let mut buffer = self.storage.buffer();
        if !self.assembler.is_between_events() {
            return self.assembler.feed(buffer, input, false);
        }
        self.assembler.settle(&mut buffer);
        match self.assembler.whole_event(&mut buffer, input, false) {
            Ok(event) => {
                self.assembler.lend(event, input);
                Progress { consumed: input.len() - event.rest.len(), status: Ok(Status::Event) }
            }
            Err(lines) => self.assembler.feed_behind(buffer, input, lines),
        }
    }

    /// Like [`feed`](Parser::feed), stopping at comments and updates as well.
    ///
    /// # Errors
    ///
    /// As [`feed`](Parser::feed).
    ///
    /// # Panics
    ///
    /// Never.
    #[inline]
    pub fn feed_items(&mut self, input: &[u8]) -> Progress {
        self.assembler.feed(self.storage.buffer(), input, true)
    }

    /// The event that `feed` has just reported; `input` is the slice that was fed, or the part of it that was consumed.
    ///
    /// Its ID is lent from the parser, unlike by [`next`](Parser::next), which lends it
    /// from the input with the rest. After any other status it is what has been kept of the unfinished event.
    ///
    /// # Panics
    ///
    /// Never.
    #[must_use]
    #[inline]
    pub fn event<'a>(&'a self, input: &'a [u8]) -> Event<'a> {
        self.assembler.event(self.storage.bytes(), input)
    }

    /// The update that `feed_items` has just reported.
    #[must_use]
    pub fn update(&self) -> Update<'_> {
        self.assembler.update(self.storage.bytes())
    }

    /// The last event ID, as the last blank line committed it or [`set_last_event_id`](Parser::set_last_event_id) set
    /// it: `None` when no ID was ever set, empty when it was cleared. Send it as `Last-Event-ID` on reconnecting, unless
    /// it is empty.
    #[must_use]
    pub fn last_event_id(&self) -> Option<&[u8]> {
        self.assembler.last_event_id(self.storage.bytes())
    }

    /// The reconnection time in milliseconds, as the last valid `retry` set it; `None` when there was none.
    #[must_use]
    pub fn reconnection_time_ms(&self) -> Option<u64> {
        self.assembler.reconnection_time_ms()
    }

    /// Whether an event has begun that no blank line has ended yet, and how many bytes of it the buffer holds (event
    /// type, data and ID). `None` between events, also within a comment or an unknown field there, and behind a `retry` line,
    /// which is in force by then.
    #[must_use]
    pub fn unfinished(&self) -> Option<usize> {
        self.assembler.unfinished()
    }

    /// Sets the last event ID, for a stream that goes on where another ended, and discards an unfinished event.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidByte`] when `id` holds CR, LF or NUL, which no stream can set; [`Error::Overflow`] when it is
    /// longer than the buffer. Nothing has changed then.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut parser = ssewire::Parser::<heapless::Vec<u8, 64>>::new();
    /// parser.set_last_event_id(b"41")?;
    /// let mut input: &[u8] = b"data: x\n\n";
    /// assert_eq!(parser.next(&mut input)?.unwrap().last_event_id(), b"41");
    /// # Ok::<(), ssewire::Error>(())
    /// ```
    pub fn set_last_event_id(&mut self, id: &[u8]) -> Result<(), Error> {
        self.assembler.set_last_event_id(&mut self.storage.buffer(), id)
    }

    /// Makes the parser ready for the next connection: an unfinished event is discarded, as the standard says, and a
    /// byte order mark may come again. The last event ID and the reconnection time stay.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut parser = ssewire::Parser::<heapless::Vec<u8, 64>>::new();
    /// let mut input: &[u8] = b"id: 1\nretry: 10\ndata: x\n\nid: 2\ndata: unfini";
    /// while parser.next(&mut input)?.is_some() {}
    /// parser.reset();
    /// assert_eq!(parser.last_event_id(), Some(&b"1"[..]));
    /// assert_eq!(parser.reconnection_time_ms(), Some(10));
    /// let mut input: &[u8] = b"data: y\n\n";
    /// assert_eq!(parser.next(&mut input)?.unwrap().data(), b"y");
    /// # Ok::<(), ssewire::Error>(())
    /// ```
    pub fn reset(&mut self) {
        self.assembler.reset(&mut self.storage.buffer());
    }

    /// Ends the stream as if the line and the event that are unfinished were finished: returns that event, if there is
    /// one, and its ID is committed. The parser is then as after [`reset`](Parser::reset).
    ///
    /// The standard discards an unfinished event, since its data may be cut anywhere, so this is for servers that are
    /// known to leave out the last blank line.
    ///
    /// # Errors
    ///
    /// [`Error::Overflow`] when the end of the event does not fit; it is discarded then.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut parser = ssewire::Parser::<heapless::Vec<u8, 64>>::new();
    /// let mut input: &[u8] = b"data: 1\n\ndata: 2";
    /// assert_eq!(parser.next(&mut input)?.unwrap().data(), b"1");
    /// assert!(parser.next(&mut input)?.is_none());
    /// assert_eq!(parser.finish()?.unwrap().data(), b"2");
    /// assert!(parser.finish()?.is_none());
    /// # Ok::<(), ssewire::Error>(())
    /// ```
    pub fn finish(&mut self) -> Result<Option<Event<'_>>, Error> {
        // After a CR the first LF belongs to it; the second ends the line, if one has begun; the third is the blank line.
        const END: &[u8] = b"\n\n\n";
        let status = self.feed(END).status;
        self.assembler.restart();
        Ok(match status? {
            Status::Event => Some(self.event(END)),
            _ => None,
        })
    }
}
