//! Assembles events from the tokenizer's pieces, by the standard's rules.

use crate::arena::Arena;
use crate::error::{Error, Field};
use crate::event::Event;
use crate::parser::{CommentPiece, Progress, Status, Update};
use crate::retry::Milliseconds;
use crate::scan::{self, LF};
use crate::storage::Buffer;
use crate::tokenizer::{Kind, Span, Step, Tokenizer};
use crate::whole::{
    behind_line_end, cut_data, cut_data_line, whole_event, whole_lines, WholeEvent, WholeLines, DATA, SHORT_CUT,
};

/// All of a parser but its buffer; compiled once for every kind and size of it.
#[derive(Clone, Debug)]
pub(crate) struct Assembler {
    tokens: Tokenizer,
    arena: Arena,
    phase: Phase,
    /// The rest of the line is to be ignored: it holds what its field cannot be, or did not fit.
    ignoring: bool,
    /// The event that is unfinished, or was dispatched last, set the reconnection time.
    sets_retry: bool,
    has_reconnection_time: bool,
    /// The value of a `retry` line as far as it was seen.
    retry: Milliseconds,
    reconnection_time_ms: Milliseconds,
    /// What was reported last, if the short cut found it.
    lent: [Lent; SHORT_CUT as usize],
}

/// A whole event, by its places in the input; its ID is the last event ID.
#[derive(Clone, Copy, Debug)]
struct Lent {
    event_type: Option<Span>,
    /// `None`: no event is lent.
    data: Option<Span>,
    sets_id: bool,
}

impl Lent {
    const NOTHING: Lent = Lent { event_type: None, data: None, sets_id: false };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// A blank line was reached. What was collected stays until the next call, for whom it was reported to.
    Ended,
    /// Collecting the fields of an event.
    Filling,
    /// The event outgrew the buffer, which was reported: only its ID and `retry` still count.
    Skipping,
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
    /// All of it is zero, so that a parser in a `static` takes no flash.
    pub(crate) const fn new() -> Assembler {
        Assembler {
            tokens: Tokenizer::new(),
            arena: Arena::new(),
            phase: Phase::Ended,
            ignoring: false,
            sets_retry: false,
            has_reconnection_time: false,
            retry: Milliseconds(0),
            reconnection_time_ms: Milliseconds(0),
            lent: [Lent::NOTHING; SHORT_CUT as usize],
        }
    }

    /// Whether an event begins with the next byte, and the short cut can be tried, once what ended is settled.
    #[inline(always)]
    pub(crate) fn is_between_events(&self) -> bool {
        SHORT_CUT && self.phase == Phase::Ended && self.tokens.at_line_start()
    }

    /// Forgets the event that ended, for the short cut.
    #[inline(always)]
    pub(crate) fn settle(&mut self, buffer: &mut Buffer<'_>) {
        if !self.arena.is_settled() {
            self.arena.settle(buffer);
        }
    }

    /// Bytes that are free for the next event.
    #[inline(always)]
    pub(crate) fn room(&self, buffer: &Buffer<'_>) -> usize {
        self.arena.room(buffer)
    }

    /// The short cut to the next event, if it lies whole in `input`; otherwise what there is to go on from.
    #[inline(always)]
    pub(crate) fn whole_event<'i>(
        &mut self,
        buffer: &mut Buffer<'_>,
        input: &'i [u8],
        items: bool,
    ) -> Result<WholeEvent<'i>, WholeLines<'i>> {
        let event = whole_event(input, self.room(buffer), items)?;
        self.seed(event, buffer, input)
    }

    /// `whole_event` that does not begin with comments.
    #[inline(always)]
    pub(crate) fn whole_lines<'i>(
        &mut self,
        buffer: &mut Buffer<'_>,
        input: &'i [u8],
    ) -> Result<WholeEvent<'i>, WholeLines<'i>> {
        let event = whole_lines(input, self.room(buffer))?;
        self.seed(event, buffer, input)
    }

    #[inline(always)]
    fn seed<'i>(
        &mut self,
        event: WholeEvent<'i>,
        buffer: &mut Buffer<'_>,
        input: &'i [u8],
    ) -> Result<WholeEvent<'i>, WholeLines<'i>> {
        match event.id {
            Some(id) if !self.arena.seed(buffer, id) => {
                Err(WholeLines { event_type: None, id: None, data: None, rest: input, data_is_cut: false })
            }
            _ => Ok(event),
        }
    }

    /// `whole_event`, to be read by `event`.
    #[inline(always)]
    pub(crate) fn lend(&mut self, event: WholeEvent<'_>, input: &[u8]) {
        let span = |value| Span::within(input, value);
        let lent =
            Lent { event_type: event.event_type.map(span), data: Some(span(event.data)), sets_id: event.id.is_some() };
        self.lent = [lent; SHORT_CUT as usize];
        self.sets_retry = false;
    }

    /// Begins with a piece of a line of `data`: all of `input`. `false` without room.
    #[inline(always)]
    pub(crate) fn begin_data(&mut self, buffer: &mut Buffer<'_>, input: &[u8]) -> bool {
        self.begin(buffer);
        let begun = cut_data(input).is_some_and(|piece| self.arena.begin(buffer, None, None, Some(piece)));
        if begun {
            self.tokens.set_in_data();
        }
        begun
    }

    /// Whether the next byte goes on a value of `data`.
    #[inline(always)]
    pub(crate) fn is_in_data(&self) -> bool {
        SHORT_CUT && self.tokens.in_data() && self.phase == Phase::Filling
    }

    /// Takes a piece of a value of `data`, which has no line end. `false`, and nothing is done, without room.
    #[inline(always)]
    pub(crate) fn take_piece(&mut self, buffer: &mut Buffer<'_>, piece: &[u8]) -> bool {
        let fits = self.arena.len() + piece.len() <= buffer.bytes().len();
        if fits {
            self.arena.push_data(buffer, piece);
        }
        fits
    }

    /// Ends a value of `data` at `end`, and the event, if a blank line follows: what is behind that.
    #[inline(always)]
    pub(crate) fn end_data<'i>(&mut self, buffer: &mut Buffer<'_>, input: &'i [u8], end: usize) -> Option<&'i [u8]> {
        let (piece, rest) = input.split_at_checked(end)?;
        let [LF, LF, rest @ ..] = rest else { return None };
        if !self.take_piece(buffer, piece) {
            return None;
        }
        self.tokens.set_line_start();
        self.end_event(false);
        Some(rest)
    }

    /// Takes `line`, a comment between events that does not end in it; whether it is that.
    #[inline(always)]
    pub(crate) fn begin_comment(&mut self, line: &[u8]) -> bool {
        let cut = scan::line_end(line).is_none();
        if cut {
            self.tokens.begin_comment(line);
        }
        cut
    }

    /// What is behind the comment between events that goes on in `input`, if there is one.
    #[inline(always)]
    pub(crate) fn skip_comment<'i>(&mut self, input: &'i [u8]) -> Option<&'i [u8]> {
        if !SHORT_CUT || self.phase != Phase::Ended {
            return None;
        }
        self.tokens.skip_comment(input)
    }

    /// Goes on behind `lines`, which `whole_event` found.
    #[inline(never)]
    pub(crate) fn feed_behind(&mut self, mut buffer: Buffer<'_>, input: &[u8], lines: WholeLines<'_>) -> Progress {
        if lines.is_empty() {
            return Progress { consumed: input.len(), status: Ok(Status::NeedInput) };
        }
        self.begin(&mut buffer);
        if let Some(piece) = lines.cut_data() {
            if self.arena.begin(&mut buffer, lines.event_type, lines.id, Some(piece)) {
                self.tokens.set_in_data();
                return Progress { consumed: input.len(), status: Ok(Status::NeedInput) };
            }
        }
        if self.arena.begin(&mut buffer, lines.event_type, lines.id, lines.data) {
            if lines.joined_data().is_some() {
                return self.feed_lines(buffer, input, lines.rest, false);
            }
            return self.feed_pieces(buffer, input, input.len() - lines.rest.len(), false);
        }
        self.feed_pieces(buffer, input, 0, false)
    }

    /// Goes on in the midst of an event.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn feed(&mut self, mut buffer: Buffer<'_>, input: &[u8], items: bool) -> Progress {
        let mut at = 0;
        if self.phase == Phase::Ended {
            self.begin(&mut buffer);
            if SHORT_CUT
                && self.tokens.passes_bom(input, &mut at)
                && self.lend_whole(&mut buffer, input, &mut at, items)
            {
                return Progress { consumed: at, status: Ok(Status::Event) };
            }
        } else if self.is_in_data() {
            return self.feed_data(buffer, input, scan::line_end(input), items);
        }
        self.feed_pieces(buffer, input, at, items)
    }

    /// Goes on in a value of `data`, whose line ends at `end`.
    #[inline(never)]
    pub(crate) fn feed_data(
        &mut self,
        mut buffer: Buffer<'_>,
        input: &[u8],
        end: Option<usize>,
        items: bool,
    ) -> Progress {
        let piece = input.get(..end.unwrap_or(input.len())).unwrap_or_default();
        if !self.take_piece(&mut buffer, piece) {
            return self.feed_pieces(buffer, input, 0, items);
        }
        let Some(&byte) = input.get(piece.len()) else {
            return Progress { consumed: input.len(), status: Ok(Status::NeedInput) };
        };
        let mut at = 0;
        self.tokens.end_line(input, &mut at, piece.len(), byte);
        match input.get(at..) {
            Some(rest) if self.tokens.at_line_start() => self.feed_lines(buffer, input, rest, items),
            _ => self.feed_pieces(buffer, input, at, items),
        }
    }

    /// Goes on at `rest`, a line start, with data that is in the buffer: over lines of data to the end of the event.
    #[inline(never)]
    fn feed_lines(&mut self, mut buffer: Buffer<'_>, input: &[u8], rest: &[u8], items: bool) -> Progress {
        let rest = if rest.starts_with(DATA) { self.arena.append_lines(&mut buffer, rest) } else { rest };
        if let Some(behind) = behind_line_end(rest) {
            self.end_event(false);
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

    /// Goes on at `at`, over the tokenizer, up to what there is to report; behind a block with nothing by the short cut
    /// again.
    fn feed_pieces(&mut self, mut buffer: Buffer<'_>, input: &[u8], at: usize, items: bool) -> Progress {
        let mut at = at;
        let status = loop {
            let Some(step) = self.tokens.step(input, &mut at) else {
                if SHORT_CUT && self.has_nothing() {
                    self.phase = Phase::Ended;
                }
                break Ok(Status::NeedInput);
            };
            let Step::Piece { kind, span, first, last } = step else {
                if let Some(status) = self.end_event(items) {
                    break Ok(status);
                }
                self.begin(&mut buffer);
                if SHORT_CUT && self.lend_whole(&mut buffer, input, &mut at, items) {
                    break Ok(Status::Event);
                }
                continue;
            };
            match kind {
                Kind::Unknown => {}
                Kind::Comment if items => break Ok(Status::Comment(CommentPiece::new(span, last))),
                Kind::Comment => {}
                Kind::Field(Field::Retry) => self.retry(span.of(input), first, last),
                Kind::Field(field) => {
                    if let Err(needed) = self.field(&mut buffer, field, span.of(input), first, last) {
                        break Err(Error::Overflow { field, needed, capacity: buffer.capacity() });
                    }
                    // Takes the lines that follow, as far as they are `data` and lie whole in the input.
                    if SHORT_CUT && field == Field::Data && last && self.phase == Phase::Filling {
                        let rest = self.arena.append_lines(&mut buffer, input.get(at..).unwrap_or_default());
                        at = input.len() - rest.len();
                    }
                }
            }
        };
        Progress { consumed: at, status }
    }

    /// The short cut again, at the start of an event: whether that lies whole in `input`. If not, what there is of it is
    /// taken.
    // Not inlined: the way over the tokenizer would pay for its registers.
    #[inline(never)]
    fn lend_whole(&mut self, buffer: &mut Buffer<'_>, input: &[u8], at: &mut usize, items: bool) -> bool {
        let Some((rest, true)) = input.get(*at..).map(|rest| (rest, self.tokens.at_line_start())) else { return false };
        match self.whole_event(buffer, rest, items) {
            Ok(event) => {
                self.lend(event, input);
                self.phase = Phase::Ended;
                *at = input.len() - event.rest.len();
                true
            }
            Err(lines) => {
                if self.arena.begin(buffer, lines.event_type, lines.id, lines.data) {
                    *at = input.len() - lines.rest.len();
                }
                false
            }
        }
    }

    /// The event that `feed` reported last.
    #[inline]
    pub(crate) fn event<'a>(&self, bytes: &'a [u8], input: &'a [u8]) -> Event<'a> {
        let last_event_id = self.arena.last_event_id(bytes);
        if let [Lent { event_type, data: Some(data), sets_id }] = self.lent.as_slice() {
            return Event {
                event_type: event_type.map(|span| span.of(input)),
                data: data.of(input),
                last_event_id,
                sets_id: *sets_id,
                retry: None,
            };
        }
        Event {
            event_type: self.arena.event_type(bytes),
            data: self.arena.data(bytes),
            last_event_id,
            sets_id: !self.arena.is_settled(),
            retry: self.set_retry(),
        }
    }

    /// The event that `whole_event` found.
    #[inline(always)]
    pub(crate) fn whole<'a>(&self, event: WholeEvent<'a>, bytes: &'a [u8]) -> Event<'a> {
        Event {
            event_type: event.event_type,
            data: event.data,
            last_event_id: event.id.unwrap_or_else(|| self.arena.settled_id(bytes)),
            sets_id: event.id.is_some(),
            retry: None,
        }
    }

    /// The update that `feed` reported last.
    pub(crate) fn update<'a>(&self, bytes: &'a [u8]) -> Update<'a> {
        let sets_id = !self.arena.is_settled();
        Update { id: sets_id.then(|| self.arena.last_event_id(bytes)), retry: self.set_retry() }
    }

    pub(crate) fn last_event_id<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        self.arena.has_last_event_id().then(|| self.arena.last_event_id(bytes))
    }

    pub(crate) fn reconnection_time_ms(&self) -> Option<u64> {
        self.has_reconnection_time.then_some(self.reconnection_time_ms.0)
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

    /// Whether nothing of an event was seen since the last one, so that the short cut can be tried again.
    #[inline(always)]
    fn has_nothing(&self) -> bool {
        self.phase == Phase::Filling && !self.sets_retry && !self.tokens.in_field() && !self.arena.has_values()
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
            return Err(Error::Overflow { field: Field::Id, needed: id.len(), capacity: buffer.capacity() });
        }
        self.reset(buffer);
        self.arena.seed(buffer, id);
        self.begin(buffer);
        Ok(())
    }

    fn set_retry(&self) -> Option<u64> {
        self.sets_retry.then_some(self.reconnection_time_ms.0)
    }

    /// Forgets the event that ended; the next one begins.
    #[inline]
    fn begin(&mut self, buffer: &mut Buffer<'_>) {
        self.arena.settle(buffer);
        self.phase = Phase::Filling;
        self.sets_retry = false;
        // Of a line of the event before; the short cut begins a line of data without a look at it.
        self.ignoring = false;
        self.lent = [Lent::NOTHING; SHORT_CUT as usize];
    }

    /// A blank line. What there is to report, if anything.
    #[inline(always)]
    fn end_event(&mut self, items: bool) -> Option<Status> {
        self.phase = Phase::Ended;
        let sets_id = self.arena.has(Field::Id);
        if sets_id {
            self.arena.commit();
        }
        if self.arena.has(Field::Data) {
            return Some(Status::Event);
        }
        (items && (sets_id || self.sets_retry)).then_some(Status::Update)
    }

    /// Takes a piece of a field other than `retry`. When it makes the event outgrow the buffer, `Err` with the bytes that
    /// would be needed, once for each event.
    #[inline(always)]
    fn field(
        &mut self,
        buffer: &mut Buffer<'_>,
        field: Field,
        piece: &[u8],
        first: bool,
        last: bool,
    ) -> Result<(), usize> {
        let is_id = field == Field::Id;
        if first {
            self.ignoring = self.phase == Phase::Skipping && !is_id;
        }
        if self.ignoring {
            return Ok(());
        }
        let mut len = piece.len();
        if is_id {
            // Of a value with a NUL only what is before it counts as seen; the ID that there was stays.
            if let Some(nul) = scan::line_end_or_nul(piece) {
                len = nul;
                self.ignoring = true;
            }
        } else if first && field == Field::Event {
            self.arena.remove(Field::Event, buffer);
        }
        // What fits depends on the stream alone, not on how it was cut.
        let join = first && field == Field::Data && self.arena.has(Field::Data);
        let needed = self.arena.len() + usize::from(join) + len;
        if !self.arena.reserve(buffer, needed) {
            return self.skip(buffer, is_id).then_some(()).ok_or(needed);
        }
        if self.ignoring {
            self.arena.unstage();
        } else if field == Field::Data {
            self.arena.append_data(buffer, join, piece);
        } else {
            self.arena.stage(field, buffer, piece, last);
        }
        Ok(())
    }

    /// The event outgrew the buffer: all of it but an ID that fits is dropped. Whether that had happened before.
    #[cold]
    fn skip(&mut self, buffer: &mut Buffer<'_>, is_id: bool) -> bool {
        self.ignoring = true;
        self.arena.drop_event(buffer);
        if is_id {
            // It is not told which ID the event has, so it has none; the one before stays in force.
            self.arena.remove(Field::Id, buffer);
        }
        core::mem::replace(&mut self.phase, Phase::Skipping) == Phase::Skipping
    }

    /// Takes a piece of a `retry`: a value without a digit, with any other byte or beyond `u64` is ignored.
    fn retry(&mut self, digits: &[u8], first: bool, last: bool) {
        if first {
            self.retry = Milliseconds(0);
            self.ignoring = digits.is_empty();
        }
        for &digit in digits {
            match self.retry.push(digit) {
                Some(retry) => self.retry = retry,
                None => self.ignoring = true,
            }
        }
        if last && !self.ignoring {
            self.reconnection_time_ms = self.retry;
            self.has_reconnection_time = true;
            self.sets_retry = true;
        }
    }
}
