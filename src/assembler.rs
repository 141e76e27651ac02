//! Assembles events from the tokenizer's pieces, by the standard's rules.

use crate::arena::{Arena, Slot};
use crate::error::{Error, Field};
use crate::event::Event;
use crate::parser::{CommentPiece, Progress, Status, Update};
use crate::retry::Retry;
use crate::scan;
use crate::storage::Buffer;
use crate::tokenizer::{Kind, Span, Step, Tokenizer};
use crate::whole::{behind_line_end, cut_data_line, whole_event, WholeEvent, WholeLines, DATA, SHORT_CUT};

/// All of a parser but its buffer; compiled once for every kind and size of it.
#[derive(Clone, Debug)]
pub(crate) struct Assembler {
    tokens: Tokenizer,
    arena: Arena,
    phase: Phase,
    /// The rest of an `id` line is to be ignored: it held a NUL, or did not fit.
    ignoring_id: bool,
    /// A blank line committed an ID, or one was seeded.
    has_last_event_id: bool,
    /// The event that is unfinished, or was dispatched last, set the ID.
    sets_id: bool,
    /// It set the reconnection time.
    sets_retry: bool,
    has_reconnection_time: bool,
    retry: Retry,
    reconnection_time_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Collecting the fields of an event.
    Filling,
    /// The event outgrew the buffer, which was reported: only its ID and `retry` still count.
    Skipping,
    /// A blank line was reached. What was collected stays until the next call, for whom it was reported to.
    Ended,
}

// The standard, on a blank line:
//
//  1. Set the last event ID string of the event source to the value of the last event ID buffer.
//  2. If the data buffer is an empty string, set the data buffer and the event type buffer to the empty string and
//     return.
//  3. If the data buffer's last character is a U+000A LINE FEED (LF) character, then remove the last character from the
//     data buffer.
//  4. Let event be the result of creating an event using MessageEvent [...]
//  5. Initialize event's type attribute to "message", its data attribute to data, [...] its lastEventId attribute to the
//     last event ID string of the event source.
//  6. If the event type buffer has a value other than the empty string, change the type of the newly created event to
//     equal the value of the event type buffer.
//  7. Set the data buffer and the event type buffer to the empty string.
//  8. Queue a task which [...] dispatches the newly created event [...].
//
// Here the LF goes between two lines of data rather than behind each, so that a single line can be lent; "data buffer is
// empty" then means that there was no `data` field. One deviation: an event that outgrew the buffer takes step 2.
impl Assembler {
    pub(crate) const fn new() -> Assembler {
        Assembler {
            tokens: Tokenizer::new(),
            arena: Arena::new(),
            phase: Phase::Ended,
            ignoring_id: false,
            has_last_event_id: false,
            sets_id: false,
            sets_retry: false,
            has_reconnection_time: false,
            retry: Retry::Empty,
            reconnection_time_ms: 0,
        }
    }

    /// Whether an event begins with the next byte, and the short cut can be tried.
    #[inline(always)]
    pub(crate) fn is_between_events(&self) -> bool {
        SHORT_CUT && self.phase == Phase::Ended && self.tokens.at_line_start() && self.arena.is_settled()
    }

    /// The short cut to the next event, if it lies whole in `input`; otherwise what there is to go on from.
    #[inline(always)]
    pub(crate) fn whole_event<'i>(
        &mut self,
        buffer: &mut Buffer<'_>,
        input: &'i [u8],
    ) -> Result<WholeEvent<'i>, WholeLines<'i>> {
        let event = whole_event(input, self.arena.room(buffer))?;
        if let Some(id) = event.id {
            if !self.arena.seed(buffer, id) {
                return Err(WholeLines { event_type: None, id: None, data: None, rest: input, data_is_cut: false });
            }
            self.has_last_event_id = true;
        }
        Ok(event)
    }

    /// `whole_event`, to be read by `event`.
    #[inline(always)]
    pub(crate) fn lend(&mut self, event: WholeEvent<'_>, input: &[u8]) {
        let span = |value| Span::within(input, value);
        self.arena.lend_all(event.event_type.map(span), None, Some(span(event.data)));
        self.sets_id = event.id.is_some();
        self.sets_retry = false;
    }

    /// Goes on behind `lines`, which `whole_event` found.
    #[inline(never)]
    pub(crate) fn feed_behind(&mut self, mut buffer: Buffer<'_>, input: &[u8], lines: WholeLines<'_>) -> Progress {
        if lines.is_empty() {
            return Progress { consumed: input.len(), status: Ok(Status::NeedInput) };
        }
        self.begin(&mut buffer);
        if let Some(piece) = lines.cut_data() {
            if self.arena.begin_in_buffer(&mut buffer, lines.event_type, lines.id, piece) {
                self.tokens.set_in_data();
                return Progress { consumed: input.len(), status: Ok(Status::NeedInput) };
            }
        }
        if let Some(data) = lines.joined_data() {
            if self.arena.begin_in_buffer(&mut buffer, lines.event_type, lines.id, data) {
                return self.feed_lines(buffer, input, lines.rest, false);
            }
        }
        match self.lend_lines(lines, &buffer, input) {
            Some(at) => self.feed_pieces(buffer, input, at, false),
            None => self.feed_pieces(buffer, input, 0, false),
        }
    }

    /// Goes on in the midst of an event.
    #[inline(never)]
    pub(crate) fn feed(&mut self, mut buffer: Buffer<'_>, input: &[u8], items: bool) -> Progress {
        let mut at = 0;
        if self.phase == Phase::Ended {
            self.begin(&mut buffer);
        } else if SHORT_CUT && self.tokens.in_data() && self.phase == Phase::Filling {
            let end = scan::line_end(input);
            let Some(piece) = input.get(..end.unwrap_or(input.len())) else {
                return self.feed_pieces(buffer, input, 0, items);
            };
            if self.arena.len() + piece.len() > buffer.bytes().len() {
                return self.feed_pieces(buffer, input, 0, items);
            }
            self.arena.push_data(&mut buffer, piece);
            let Some(&byte) = input.get(piece.len()) else {
                return Progress { consumed: input.len(), status: Ok(Status::NeedInput) };
            };
            self.tokens.end_line(input, &mut at, piece.len(), byte);
            if let (Some(rest), true) = (input.get(at..), self.tokens.at_line_start()) {
                return self.feed_lines(buffer, input, rest, items);
            }
        }
        self.feed_pieces(buffer, input, at, items)
    }

    /// Goes on at `rest`, a line start, with data that is in the buffer: over lines of data to the end of the event.
    #[inline(never)]
    fn feed_lines(&mut self, mut buffer: Buffer<'_>, input: &[u8], rest: &[u8], items: bool) -> Progress {
        let rest = if rest.starts_with(DATA) { self.arena.append_lines(&mut buffer, rest) } else { rest };
        if let (Some(behind), false) = (behind_line_end(rest), self.arena.has(Slot::Id)) {
            self.phase = Phase::Ended;
            return Progress { consumed: input.len() - behind.len(), status: Ok(Status::Event) };
        }
        if let Some(piece) = cut_data_line(rest) {
            if self.arena.append_piece(&mut buffer, piece) {
                self.tokens.set_in_data();
                return Progress { consumed: input.len(), status: Ok(Status::NeedInput) };
            }
        }
        self.feed_pieces(buffer, input, input.len() - rest.len(), items)
    }

    /// Goes on at `at`: over the tokenizer to the end of the event, and if there is nothing to report, by the short cut
    /// again.
    #[inline(never)]
    fn feed_pieces(&mut self, mut buffer: Buffer<'_>, input: &[u8], at: usize, items: bool) -> Progress {
        let mut at = at;
        loop {
            if let Some(status) = self.pieces(&mut buffer, input, &mut at, items) {
                return Progress { consumed: at, status };
            }
            if items || !SHORT_CUT || !self.tokens.at_line_start() {
                continue;
            }
            match self.whole_event(&mut buffer, input.get(at..).unwrap_or_default()) {
                Ok(event) => {
                    self.lend(event, input);
                    self.phase = Phase::Ended;
                    return Progress { consumed: input.len() - event.rest.len(), status: Ok(Status::Event) };
                }
                Err(lines) => at = self.lend_lines(lines, &buffer, input).unwrap_or(at),
            }
        }
    }

    /// `whole_event` found no more than this. Where to go on from there, if there is room for it.
    #[inline(always)]
    fn lend_lines(&mut self, lines: WholeLines<'_>, buffer: &Buffer<'_>, input: &[u8]) -> Option<usize> {
        if lines.len() > self.arena.room(buffer) {
            return None;
        }
        let span = |value| Span::within(input, value);
        self.arena.lend_all(lines.event_type.map(span), lines.id.map(span), lines.data.map(span));
        Some(input.len() - lines.rest.len())
    }

    /// The way over the tokenizer, up to the next thing to report or, `None`, to the end of a block with nothing.
    #[inline(always)]
    fn pieces(
        &mut self,
        buffer: &mut Buffer<'_>,
        input: &[u8],
        at: &mut usize,
        items: bool,
    ) -> Option<Result<Status, Error>> {
        loop {
            let Some(token) = self.tokens.step(input, at) else {
                return Some(self.keep(buffer, input, Status::NeedInput));
            };
            let taken = match token {
                Step::EndOfEvent => match self.end_event(buffer, input, items) {
                    Ok(None) => return None,
                    Ok(Some(status)) => return Some(Ok(status)),
                    // The event is over: nothing is left of it to be skipped.
                    Err(error) => {
                        self.begin(buffer);
                        return Some(Err(error));
                    }
                },
                Step::Piece { kind: Kind::Unknown, .. } => Ok(()),
                Step::Piece { kind: Kind::Comment, span, last, .. } => {
                    if items {
                        let piece = CommentPiece::new(span, last);
                        return Some(self.keep(buffer, input, Status::Comment(piece)));
                    }
                    Ok(())
                }
                Step::Piece { kind: Kind::Field(field), span, first, last } => match field {
                    Field::Data => {
                        let taken = self.data(buffer, input, span, first, last);
                        if SHORT_CUT && last && taken.is_ok() && self.arena.has_joined() {
                            self.more_data(buffer, input, at);
                        }
                        taken
                    }
                    Field::Event => self.event_type(buffer, input, span, first, last),
                    Field::Id => self.id(buffer, input, span, first, last),
                    Field::Retry => {
                        self.retry(span.of(input), first, last);
                        Ok(())
                    }
                },
            };
            if let Err(error) = taken {
                self.skip(buffer, input);
                return Some(Err(error));
            }
        }
    }

    /// The event that `feed` reported last.
    #[inline]
    pub(crate) fn event<'a>(&self, bytes: &'a [u8], input: &'a [u8]) -> Event<'a> {
        Event {
            event_type: self.arena.get(Slot::EventType, bytes, input),
            data: self.arena.get(Slot::Data, bytes, input).unwrap_or_default(),
            last_event_id: self.arena.last_event_id(bytes),
            sets_id: self.sets_id,
            retry: self.set_retry(),
        }
    }

    /// The event that `whole_event` found.
    #[inline(always)]
    pub(crate) fn whole<'a>(&self, event: WholeEvent<'a>, bytes: &'a [u8]) -> Event<'a> {
        Event {
            event_type: event.event_type,
            data: event.data,
            last_event_id: event.id.unwrap_or_else(|| self.arena.last_event_id(bytes)),
            sets_id: event.id.is_some(),
            retry: None,
        }
    }

    /// The update that `feed` reported last.
    pub(crate) fn update<'a>(&self, bytes: &'a [u8]) -> Update<'a> {
        Update { id: self.sets_id.then(|| self.arena.last_event_id(bytes)), retry: self.set_retry() }
    }

    pub(crate) fn last_event_id<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        self.has_last_event_id.then(|| self.arena.last_event_id(bytes))
    }

    pub(crate) fn reconnection_time_ms(&self) -> Option<u64> {
        self.has_reconnection_time.then_some(self.reconnection_time_ms)
    }

    /// See [`Parser::unfinished`](crate::Parser::unfinished).
    pub(crate) fn unfinished(&self) -> Option<usize> {
        match self.phase {
            Phase::Ended => None,
            Phase::Skipping => Some(self.arena.unfinished_len()),
            Phase::Filling => {
                let begun = self.tokens.in_field() || self.arena.has_values();
                begun.then(|| self.arena.unfinished_len())
            }
        }
    }

    /// See [`Parser::reset`](crate::Parser::reset).
    pub(crate) fn reset(&mut self, buffer: &mut Buffer<'_>) {
        self.restart();
        self.begin(buffer);
    }

    /// Expects the start of a stream; an event that was reported stays readable.
    pub(crate) fn restart(&mut self) {
        self.tokens = Tokenizer::new();
        if self.phase != Phase::Ended {
            self.phase = Phase::Ended;
            self.arena.drop_values();
        }
    }

    /// See [`Parser::set_last_event_id`](crate::Parser::set_last_event_id).
    pub(crate) fn set_last_event_id(&mut self, buffer: &mut Buffer<'_>, id: &[u8]) -> Result<(), Error> {
        crate::error::check(Field::Id, id)?;
        if !self.arena.reserve(buffer, id.len()) {
            return Err(overflow(Field::Id, id.len(), buffer));
        }
        self.reset(buffer);
        self.arena.seed(buffer, id);
        self.has_last_event_id = true;
        Ok(())
    }

    fn set_retry(&self) -> Option<u64> {
        self.sets_retry.then_some(self.reconnection_time_ms)
    }

    /// Forgets the event that ended; the next one begins.
    #[inline]
    fn begin(&mut self, buffer: &mut Buffer<'_>) {
        self.arena.settle(buffer);
        self.phase = Phase::Filling;
        self.sets_id = false;
        self.sets_retry = false;
    }

    /// A blank line. What there is to report, if anything.
    #[inline(always)]
    fn end_event(&mut self, buffer: &mut Buffer<'_>, input: &[u8], items: bool) -> Result<Option<Status>, Error> {
        if self.arena.has(Slot::Id) {
            if !self.arena.commit(buffer, input) {
                return Err(overflow(Field::Id, self.arena.len(), buffer));
            }
            self.sets_id = true;
            self.has_last_event_id = true;
        }
        self.phase = Phase::Ended;
        if self.arena.has(Slot::Data) {
            return Ok(Some(Status::Event));
        }
        if items && (self.sets_id || self.sets_retry) {
            return Ok(Some(Status::Update));
        }
        self.begin(buffer);
        Ok(None)
    }

    #[inline(always)]
    fn data(
        &mut self,
        buffer: &mut Buffer<'_>,
        input: &[u8],
        span: Span,
        first: bool,
        last: bool,
    ) -> Result<(), Error> {
        if self.phase == Phase::Skipping {
            return Ok(());
        }
        let join = first && self.arena.has(Slot::Data);
        self.fits(Field::Data, usize::from(join) + span.len, buffer)?;
        if first && last && !join {
            self.arena.lend(Slot::Data, span);
            return Ok(());
        }
        let kept = self.arena.append_data(buffer, input, span, join);
        self.stored(kept, Field::Data, buffer)
    }

    /// Takes the lines that follow, as far as they are `data` and lie whole in the input.
    #[inline(always)]
    fn more_data(&mut self, buffer: &mut Buffer<'_>, input: &[u8], at: &mut usize) {
        let rest = self.arena.append_lines(buffer, input.get(*at..).unwrap_or_default());
        *at = input.len() - rest.len();
    }

    #[inline(always)]
    fn event_type(
        &mut self,
        buffer: &mut Buffer<'_>,
        input: &[u8],
        span: Span,
        first: bool,
        last: bool,
    ) -> Result<(), Error> {
        if self.phase == Phase::Skipping {
            return Ok(());
        }
        if first {
            self.arena.remove(Slot::EventType, buffer);
        }
        self.fits(Field::Event, span.len, buffer)?;
        if first && last {
            self.arena.lend(Slot::EventType, span);
            return Ok(());
        }
        let kept = self.arena.stage(Slot::EventType, buffer, input, span, last);
        self.stored(kept, Field::Event, buffer)
    }

    /// Of a value with a NUL only what is before it counts as seen; the ID that there was stays.
    #[inline(always)]
    fn id(&mut self, buffer: &mut Buffer<'_>, input: &[u8], span: Span, first: bool, last: bool) -> Result<(), Error> {
        if !first && self.ignoring_id {
            return Ok(());
        }
        let nul = memchr::memchr(0, span.of(input));
        self.ignoring_id = nul.is_some();
        if let Err(error) = self.fits(Field::Id, nul.unwrap_or(span.len), buffer) {
            return self.id_does_not_fit(error, buffer);
        }
        if self.ignoring_id {
            self.arena.unstage();
            return Ok(());
        }
        if first && last {
            self.arena.remove(Slot::Id, buffer);
            self.arena.lend(Slot::Id, span);
            return Ok(());
        }
        if self.arena.stage(Slot::Id, buffer, input, span, last) {
            return Ok(());
        }
        self.id_does_not_fit(overflow(Field::Id, self.arena.len(), buffer), buffer)
    }

    /// It is not told which ID the event has, so it has none; the one before stays in force.
    #[cold]
    fn id_does_not_fit(&mut self, error: Error, buffer: &mut Buffer<'_>) -> Result<(), Error> {
        self.ignoring_id = true;
        self.arena.unstage();
        self.arena.remove(Slot::Id, buffer);
        if self.phase == Phase::Skipping {
            return Ok(());
        }
        Err(error)
    }

    #[inline(never)]
    fn retry(&mut self, digits: &[u8], first: bool, last: bool) {
        if first {
            self.retry = Retry::Empty;
        }
        self.retry = digits.iter().fold(self.retry, |retry, &byte| retry.push(byte));
        if let (true, Retry::Number(value)) = (last, self.retry) {
            self.reconnection_time_ms = value;
            self.has_reconnection_time = true;
            self.sets_retry = true;
        }
    }

    /// Whether `more` bytes of this event fit. Depends on the stream alone, not on how it was cut.
    #[inline(always)]
    fn fits(&self, field: Field, more: usize, buffer: &Buffer<'_>) -> Result<(), Error> {
        let needed = self.arena.len() + more;
        if needed > buffer.capacity() {
            return Err(overflow(field, needed, buffer));
        }
        Ok(())
    }

    /// Before `status` is returned in the midst of an event: what is lent from the input goes to the buffer.
    #[inline(always)]
    fn keep(&mut self, buffer: &mut Buffer<'_>, input: &[u8], status: Status) -> Result<Status, Error> {
        let kept = self.arena.keep(buffer, input);
        if kept {
            return Ok(status);
        }
        let error = overflow(Field::Data, self.arena.len(), buffer);
        self.skip(buffer, input);
        Err(error)
    }

    #[inline(always)]
    fn stored(&self, stored: bool, field: Field, buffer: &Buffer<'_>) -> Result<(), Error> {
        if stored {
            return Ok(());
        }
        Err(overflow(field, self.arena.len(), buffer))
    }

    /// The event outgrew the buffer: all of it but an ID that fits is dropped.
    #[cold]
    fn skip(&mut self, buffer: &mut Buffer<'_>, input: &[u8]) {
        self.phase = Phase::Skipping;
        self.arena.drop_event(buffer);
        if !self.arena.keep(buffer, input) {
            self.arena.remove(Slot::Id, buffer);
        }
    }
}

#[cold]
fn overflow(field: Field, needed: usize, buffer: &Buffer<'_>) -> Error {
    Error::Overflow { field, needed, capacity: buffer.capacity() }
}
