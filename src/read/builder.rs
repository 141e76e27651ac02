//! Builds events from the tokenizer's pieces, by the standard's rules.

use super::buffer::{EventBuffer, Memory, Room};
use super::grammar::{self, Complete, Kind, Lines, goes_on_in_value, line, may_be_field, start};
use super::report::{Borrowed, FoundEvent, Input, Piece, Update, Version};
use super::retry::Milliseconds;
use super::tokenizer::{RawToken, Tokenizer};
use crate::bytes::{FAST, line_end, line_end_or_nul};
use crate::error::Overflow;
use crate::event::Event;
use crate::field::Field;

/// All of a parser but its memory; compiled once for every kind and size of it.
// In this order where flash is short: a Cortex-M0 addresses the first bytes of a struct with fewer instructions.
#[derive(Clone)]
#[cfg_attr(test, derive(Debug))]
#[cfg_attr(not(target_pointer_width = "64"), repr(C))]
pub(super) struct EventBuilder {
    tokenizer: Tokenizer,
    phase: Phase,
    /// The rest of the line is ignored: its value is invalid, or did not fit.
    is_ignoring: bool,
    /// The event that is unfinished, or was dispatched last, set the reconnection time.
    sets_retry: bool,
    has_reconnection_time: bool,
    buffer: EventBuffer,
    /// The part of a `retry` line's value that was read.
    retry: Milliseconds,
    reconnection_time: Milliseconds,
}

/// The phases of an event; [`read`](super) has the map.
// The first one is zero, so that a parser in a `static` takes no flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Empty,
    Filling,
    Skipping,
    Ended,
}

/// An event that was found, or the need for more memory to go on.
pub(super) enum Found<'i> {
    /// An event that lies in the input, except an ID of an earlier event.
    Complete(Complete<'i>),
    /// An event that lies in the buffer.
    Held,
    /// The memory must grow to so many bytes. The input was used up to the line or piece that needs them.
    Grow(usize),
}

/// A report, without the values that lie in the buffer.
pub(super) enum Report<'i> {
    Event(Found<'i>),
    Comment(Piece<'i>),
    Unknown(Piece<'i>),
    /// The first piece of an unknown line, which an earlier input held.
    Taken(&'static [u8]),
    Update,
}

impl EventBuilder {
    /// All of it is zero, so that a parser in a `static` takes no flash.
    pub(super) const fn new() -> EventBuilder {
        EventBuilder {
            tokenizer: Tokenizer::new(),
            buffer: EventBuffer::new(),
            phase: Phase::Empty,
            is_ignoring: false,
            sets_retry: false,
            has_reconnection_time: false,
            retry: Milliseconds(0),
            reconnection_time: Milliseconds(0),
        }
    }

    /// Reads `input` up to the next event, or all of it: by the fast paths, and by `read` where they end.
    #[inline(always)]
    pub(super) fn next<'i>(
        &mut self,
        memory: &mut Memory<'_>,
        input: &mut &'i [u8],
    ) -> Result<Option<Found<'i>>, Overflow> {
        if FAST && !self.is_between_events() {
            if self.go_on(memory, input) {
                return Ok(Some(Found::Held));
            }
            if input.is_empty() {
                return Ok(None);
            }
        }
        if FAST && self.is_between_events() {
            let found = match grammar::data_event(input) {
                Some(Ok((event, rest))) => match self.buffer.room(event.data.len(), memory) {
                    Room::Yes | Room::More(_) => {
                        *input = rest;
                        return Ok(Some(Found::Complete(event)));
                    }
                    Room::No(_) => None,
                },
                Some(Err(lines)) => self.begin(memory, input, lines),
                // No event, but maybe the beginning of one.
                None if input.len() == 1 => {
                    self.skip_comments(input);
                    None
                }
                None => self.complete(memory, input, false),
            };
            if found.is_some() || input.is_empty() {
                return Ok(found);
            }
        }
        let report = if FAST { self.pieces(memory, input, false) } else { self.read(memory, input, false) };
        match report {
            Ok(Some(Report::Event(found))) => Ok(Some(found)),
            Ok(_) => Ok(None),
            Err(overflow) => Err(overflow),
        }
    }

    /// Returns whether the next byte begins a line, and no event has begun.
    #[inline(always)]
    fn is_between_events(&self) -> bool {
        self.phase == Phase::Empty && self.tokenizer.is_at_line_start()
    }

    /// Takes `byte`, all of an input, if it goes on in the head of a line, or in a value that has room for it.
    #[inline(always)]
    fn take_byte(&mut self, memory: &mut Memory<'_>, byte: u8) -> bool {
        let Some((kind, begun)) = self.tokenizer.within() else {
            return self.phase != Phase::Ended && self.tokenizer.take_byte(byte);
        };
        if !goes_on_in_value(byte) {
            return false;
        }
        let Kind::Field(field) = kind else {
            self.tokenizer.begin_value(kind);
            return true;
        };
        if !begun || self.phase != Phase::Filling || self.is_ignoring || field == Field::Retry {
            return false;
        }
        let Room::Yes = self.buffer.room(1, memory) else { return false };
        match field {
            Field::Data => self.buffer.push_data(memory.bytes, false, &[byte]),
            _ => self.buffer.push_pending(memory.bytes, field, &[byte], false),
        }
        true
    }

    /// Goes on where the last input or event ended, up to the end of the event. Returns whether it ended.
    #[inline(never)]
    fn go_on(&mut self, memory: &mut Memory<'_>, input: &mut &[u8]) -> bool {
        match **input {
            [byte] if self.take_byte(memory, byte) => {
                *input = &[];
                return false;
            }
            _ => {}
        }
        self.go_on_in_line(memory, input)
    }

    /// Goes on likewise with any other input.
    #[inline(never)]
    fn go_on_in_line(&mut self, memory: &mut Memory<'_>, input: &mut &[u8]) -> bool {
        pass!("go_on_in_line");
        let Some((kind, begun)) = self.tokenizer.go_on(input) else {
            self.enter(memory, input);
            return self.rest_of_event(memory, input);
        };
        let (bytes, rest) = match line_end(input) {
            Some(end) => input.split_at_checked(end).unwrap_or_default(),
            None if input.is_empty() => return false,
            None => (*input, &b""[..]),
        };
        let last = !rest.is_empty();
        match kind {
            Kind::Field(Field::Data) if begun && self.phase == Phase::Filling => {
                let Room::Yes = self.buffer.room(bytes.len(), memory) else { return false };
                self.buffer.push_data(memory.bytes, false, bytes);
            }
            Kind::Field(Field::Retry) => return false,
            Kind::Field(field) => {
                let Room::Yes = self.field(memory, field, Piece { bytes, first: !begun, last }) else { return false };
            }
            Kind::Comment | Kind::Unknown => {}
        }
        *input = rest;
        if !last {
            self.tokenizer.begin_value(kind);
            return false;
        }
        self.tokenizer.end_line(input);
        if self.phase == Phase::Empty && !input.is_empty() {
            self.skip_comments(input);
        }
        self.rest_of_event(memory, input)
    }

    /// Takes the rest of an event, if the next line begins at the front of `input`: lines of data, event types and IDs, and the
    /// blank line after them. Returns whether the event ended.
    #[inline(always)]
    fn rest_of_event(&mut self, memory: &mut Memory<'_>, input: &mut &[u8]) -> bool {
        if self.phase != Phase::Filling || !self.tokenizer.is_at_line_start() {
            return false;
        }
        if may_be_field(input) {
            self.take_lines(memory, input);
        }
        self.buffer.has(Field::Data)
            && self.tokenizer.is_at_line_start()
            && self.tokenizer.end_line(input)
            && self.dispatch(memory.bytes, false).is_some()
    }

    /// Takes lines of data, event types and IDs that fit, the last of which may be split, at a line start of an event that is
    /// not skipped. Between two events the first line is not one of data: `begin` takes such a line.
    #[inline(never)]
    fn take_lines(&mut self, memory: &mut Memory<'_>, input: &mut &[u8]) {
        pass!("take_lines");
        loop {
            let (field, rest) = match start(input) {
                Some((Kind::Field(Field::Data), value)) => {
                    let Some((bytes, rest)) = line(value) else { return };
                    let join = self.buffer.has(Field::Data);
                    let Room::Yes = self.buffer.room(usize::from(join) + bytes.len(), memory) else { return };
                    self.buffer.push_line(memory.bytes, join, value, bytes.len());
                    self.is_ignoring = false;
                    (Field::Data, rest)
                }
                Some((Kind::Field(field), value)) => {
                    let Some((bytes, rest)) = line(value) else { return };
                    let piece = Piece { bytes, first: true, last: rest.is_some() };
                    let Room::Yes = self.field(memory, field, piece) else { return };
                    (field, rest)
                }
                _ => return,
            };
            let Some(rest) = rest else { return self.begin_value(field, input) };
            *input = rest;
        }
    }

    /// Takes the rest of `input`, a first piece of a value that the buffer has already.
    #[inline(always)]
    fn begin_value(&mut self, field: Field, input: &mut &[u8]) {
        *input = &[];
        self.tokenizer.begin_value(Kind::Field(field));
    }

    /// Returns the event at the front of `input`, if it is complete, of the lines that the fast path reads, and fits. Otherwise
    /// takes those of its lines that are so. Without `items`, skips comments before it.
    #[inline(never)]
    fn complete<'i>(&mut self, memory: &mut Memory<'_>, input: &mut &'i [u8], items: bool) -> Option<Found<'i>> {
        loop {
            pass!("complete");
            match grammar::event(input) {
                Ok((event, rest)) => return self.accept(memory, input, event, rest),
                Err(Lines { event_type: None, id: None, data: None, .. }) => {
                    if may_be_field(input) {
                        self.take_lines(memory, input);
                        return None;
                    }
                    if items || !self.skip_comments(input) {
                        return None;
                    }
                }
                Err(lines) => return self.begin(memory, input, lines),
            }
        }
    }

    /// Skips comments and blank lines between events, or takes a byte that begins a line and is all of `input`. Returns whether
    /// input was skipped and more is left.
    #[inline(never)]
    fn skip_comments(&mut self, input: &mut &[u8]) -> bool {
        pass!("skip_comments");
        match **input {
            [byte] if self.tokenizer.take_byte(byte) => {
                *input = &[];
                return false;
            }
            _ => {}
        }
        let before = input.len();
        let (rest, is_cut) = grammar::after_comments(input);
        *input = rest;
        if is_cut {
            self.tokenizer.begin_comment(input);
            *input = &[];
        }
        !input.is_empty() && input.len() < before
    }

    /// Returns `event`, which lies in `input` before `rest`, if it fits, and makes its ID the last event ID.
    #[inline(always)]
    fn accept<'i>(
        &mut self,
        memory: &mut Memory<'_>,
        input: &mut &'i [u8],
        event: Complete<'i>,
        rest: &'i [u8],
    ) -> Option<Found<'i>> {
        let len = event.data.len() + event.event_type.map_or(0, <[u8]>::len) + event.id.map_or(0, <[u8]>::len);
        if let Room::No(_) = self.buffer.room(len, memory) {
            return None;
        }
        if let Some(id) = event.id {
            if id.len() > memory.bytes.len() {
                return Some(Found::Grow(id.len()));
            }
            self.buffer.restore(memory.bytes, id);
        }
        *input = rest;
        Some(Found::Complete(event))
    }

    /// Puts the values of `lines` into the buffer, if they fit, takes their bytes off the front of `input`, and goes on with the
    /// lines after them. Returns the event, if it is complete.
    #[inline(never)]
    fn begin<'i>(&mut self, memory: &mut Memory<'_>, input: &mut &'i [u8], lines: Lines<'i>) -> Option<Found<'i>> {
        pass!("begin");
        let values = [lines.event_type, lines.id, lines.data];
        let len = values.into_iter().flatten().map(<[u8]>::len).sum();
        match self.buffer.room(len, memory) {
            Room::Yes => {}
            Room::More(len) => return Some(Found::Grow(len)),
            Room::No(_) => return None,
        }
        if let Some(event_type) = lines.event_type {
            self.buffer.push_pending(memory.bytes, Field::Event, event_type, true);
        }
        if let Some(id) = lines.id {
            self.buffer.push_pending(memory.bytes, Field::Id, id, true);
        }
        if let Some(data) = lines.data {
            self.buffer.push_data(memory.bytes, false, data);
        }
        self.phase = Phase::Filling;
        self.is_ignoring = false;
        if lines.is_cut {
            self.begin_value(Field::Data, input);
            return None;
        }
        *input = lines.rest;
        self.rest_of_event(memory, input).then_some(Found::Held)
    }

    /// Forgets the event that ended, and enters a new input.
    // Not inlined below 64 bits: `read` is smaller without its variables.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn enter(&mut self, memory: &mut Memory<'_>, input: &mut &[u8]) {
        if self.phase == Phase::Ended {
            self.retire(memory.bytes);
        }
        self.tokenizer.enter(input);
    }

    /// Reads `input` up to the next report, or all of it.
    #[inline(never)]
    pub(super) fn read<'i>(
        &mut self,
        memory: &mut Memory<'_>,
        input: &mut &'i [u8],
        items: bool,
    ) -> Result<Option<Report<'i>>, Overflow> {
        self.enter(memory, input);
        if !FAST {
            return self.pieces(memory, input, items);
        }
        if self.is_between_events() {
            let found = self.complete(memory, input, items);
            if found.is_some() || input.is_empty() {
                return Ok(found.map(Report::Event));
            }
        }
        self.pieces(memory, input, items)
    }

    /// Reads `input` likewise, after it was entered and the fast path did not read its first line: piece by piece, and by the fast
    /// paths from where they can go on.
    // Below 64 bits it is all of `read`.
    #[cfg_attr(target_pointer_width = "64", inline(never))]
    #[cfg_attr(not(target_pointer_width = "64"), inline(always))]
    fn pieces<'i>(
        &mut self,
        memory: &mut Memory<'_>,
        input: &mut &'i [u8],
        items: bool,
    ) -> Result<Option<Report<'i>>, Overflow> {
        loop {
            pass!("piece");
            let before = (self.tokenizer.clone(), *input);
            let Some(token) = self.tokenizer.step(input) else { return Ok(None) };
            match token {
                RawToken::EndOfEvent => {
                    if let Some(report) = self.dispatch(memory.bytes, items) {
                        return Ok(Some(report));
                    }
                }
                RawToken::Piece(Kind::Field(Field::Retry), piece) => self.retry(piece),
                RawToken::Piece(Kind::Field(field), piece) => match self.field(memory, field, piece) {
                    Room::Yes => {
                        if FAST && self.rest_of_event(memory, input) {
                            return Ok(Some(Report::Event(Found::Held)));
                        }
                    }
                    Room::More(len) => {
                        (self.tokenizer, *input) = before;
                        return Ok(Some(Report::Event(Found::Grow(len))));
                    }
                    Room::No(needed) => {
                        if !self.skip(memory.bytes, field) {
                            return Err(Overflow { field, needed, capacity: memory.capacity });
                        }
                    }
                },
                RawToken::Piece(Kind::Comment, piece) if items => return Ok(Some(Report::Comment(piece))),
                RawToken::Piece(Kind::Unknown, piece) if items => return Ok(Some(Report::Unknown(piece))),
                RawToken::Taken(bytes) if items => return Ok(Some(Report::Taken(bytes))),
                RawToken::Piece(Kind::Comment | Kind::Unknown, _) | RawToken::Taken(_) => {}
            }
            if FAST && self.is_between_events() && !input.is_empty() {
                let found = self.complete(memory, input, items);
                if found.is_some() || input.is_empty() {
                    return Ok(found.map(Report::Event));
                }
            }
        }
    }

    // The standard, at a blank line:
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
    // Here the LF is put between two lines of data and not after each, so that a single line can be borrowed. "The data buffer
    // is empty" then means that there was no `data` field. One deviation: an event that does not fit takes step 2.
    /// Ends the event. Returns the report, if there is one.
    #[inline(always)]
    fn dispatch<'i>(&mut self, bytes: &mut [u8], items: bool) -> Option<Report<'i>> {
        self.buffer.commit();
        self.phase = Phase::Ended;
        if self.buffer.has(Field::Data) {
            return Some(Report::Event(Found::Held));
        }
        if items && (self.buffer.sets_id() || self.sets_retry) {
            return Some(Report::Update);
        }
        self.retire(bytes);
        None
    }

    /// Takes a piece of a field other than `retry`, if there is room.
    #[inline(always)]
    fn field(&mut self, memory: &mut Memory<'_>, field: Field, piece: Piece<'_>) -> Room {
        pass!("field");
        let is_id = field == Field::Id;
        if piece.first {
            if self.phase == Phase::Empty {
                self.phase = Phase::Filling;
            }
            self.is_ignoring = self.phase == Phase::Skipping && !is_id;
        }
        if self.is_ignoring {
            return Room::Yes;
        }
        // Of an ID with a NUL only the bytes before it count; the earlier ID stays.
        let nul = if is_id { line_end_or_nul(piece.bytes) } else { None };
        let bytes = piece.bytes.get(..nul.unwrap_or(piece.bytes.len())).unwrap_or_default();
        if piece.first && field == Field::Event {
            self.buffer.remove(memory.bytes, Field::Event);
        }
        // The stream alone decides what fits, not its chunking.
        let join = piece.first && field == Field::Data && self.buffer.has(Field::Data);
        let room = self.buffer.room(usize::from(join) + bytes.len(), memory);
        if let Room::Yes = room {
            if nul.is_some() {
                self.is_ignoring = true;
                self.buffer.drop_pending();
            } else if field == Field::Data {
                self.buffer.push_data(memory.bytes, join, bytes);
            } else {
                self.buffer.push_pending(memory.bytes, field, bytes, piece.last);
            }
        }
        room
    }

    /// The event is too large: forgets all of it but an ID that fits. Returns whether that was known before.
    #[cold]
    fn skip(&mut self, bytes: &mut [u8], field: Field) -> bool {
        self.is_ignoring = true;
        self.buffer.drop_event(bytes);
        if field == Field::Id {
            // Its ID is not known, so it has none, and the earlier one stays.
            self.buffer.remove(bytes, Field::Id);
        }
        core::mem::replace(&mut self.phase, Phase::Skipping) == Phase::Skipping
    }

    /// Takes a piece of a `retry`. A value without a digit, with any other byte, or beyond `u64` is ignored.
    fn retry(&mut self, piece: Piece<'_>) {
        if piece.first {
            if self.phase == Phase::Empty {
                self.phase = Phase::Filling;
            }
            self.retry = Milliseconds(0);
            self.is_ignoring = piece.bytes.is_empty();
        }
        for &digit in piece.bytes {
            match self.retry.push(digit) {
                Some(retry) => self.retry = retry,
                None => self.is_ignoring = true,
            }
        }
        if piece.last && !self.is_ignoring {
            self.reconnection_time = self.retry;
            self.has_reconnection_time = true;
            self.sets_retry = true;
        }
    }

    /// Forgets the event that ended, except its ID.
    fn retire(&mut self, bytes: &mut [u8]) {
        self.buffer.move_id(bytes);
        self.forget();
    }

    /// Forgets the event.
    #[inline(always)]
    fn forget(&mut self) {
        self.buffer.drop_values();
        self.phase = Phase::Empty;
        self.sets_retry = false;
    }

    /// The memory has grown from `len` bytes to `bytes`.
    pub(super) fn grew(&mut self, bytes: &mut [u8], len: usize) {
        self.buffer.grew(bytes, len);
    }

    /// Returns the event that was read last and lies in the input.
    #[inline(always)]
    pub(super) fn complete_event<'a>(&self, event: Complete<'a>, bytes: &'a [u8]) -> Event<'a> {
        Event {
            event_type: event.event_type,
            data: event.data,
            last_event_id: match event.id {
                Some(id) => id,
                None => self.buffer.earlier_id(bytes),
            },
            sets_id: event.id.is_some(),
            retry: None,
        }
    }

    /// Returns the event that was read last and lies in the buffer.
    pub(super) fn held_event<'a>(&self, bytes: &'a [u8]) -> Event<'a> {
        Event {
            event_type: self.buffer.event_type(bytes),
            data: self.buffer.data(bytes),
            last_event_id: self.buffer.last_event_id(bytes),
            sets_id: self.buffer.sets_id(),
            retry: self.set_retry(),
        }
    }

    /// Returns the update that was read last.
    pub(super) fn held_update<'a>(&self, bytes: &'a [u8]) -> Update<'a> {
        let id = self.buffer.sets_id().then(|| self.buffer.last_event_id(bytes));
        Update { id, retry: self.set_retry() }
    }

    fn set_retry(&self) -> Option<u64> {
        self.sets_retry.then_some(self.reconnection_time.0)
    }

    /// Returns the key to an event that was read last.
    #[inline(always)]
    pub(super) fn found_event(&self, borrowed: Option<Borrowed>) -> FoundEvent {
        FoundEvent { version: self.buffer.version(), borrowed }
    }

    /// See [`Parser::event`](crate::Parser::event).
    #[inline(always)]
    pub(super) fn event<'a>(&self, found: FoundEvent, bytes: &'a [u8], input: &'a [u8]) -> Event<'a> {
        if found.version != self.buffer.version() {
            return Event::NOTHING;
        }
        match found.borrowed {
            Some(borrowed) if borrowed.input == Input::new(input) => Event {
                event_type: borrowed.event_type.map(|event_type| event_type.of(input)),
                data: borrowed.data.of(input),
                last_event_id: self.buffer.earlier_id(bytes),
                sets_id: borrowed.sets_id,
                retry: None,
            },
            None if self.phase == Phase::Ended => self.held_event(bytes),
            _ => Event::NOTHING,
        }
    }

    /// Returns the update that was read last, if it is that of `version`.
    pub(super) fn update<'a>(&self, version: Version, bytes: &'a [u8]) -> Update<'a> {
        if version == self.buffer.version() && self.phase == Phase::Ended {
            self.held_update(bytes)
        } else {
            Update { id: None, retry: None }
        }
    }

    pub(super) fn version(&self) -> Version {
        self.buffer.version()
    }

    pub(super) fn last_event_id<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        self.buffer.has_last_event_id().then(|| self.buffer.last_event_id(bytes))
    }

    pub(super) fn reconnection_time_ms(&self) -> Option<u64> {
        self.has_reconnection_time.then_some(self.reconnection_time.0)
    }

    /// Returns the number of bytes that the buffer holds.
    pub(super) fn held(&self) -> usize {
        self.buffer.len()
    }

    /// See [`Parser::unfinished`](crate::Parser::unfinished).
    pub(super) fn unfinished(&self) -> Option<usize> {
        let has_begun = match self.phase {
            Phase::Ended => false,
            Phase::Empty | Phase::Filling => self.tokenizer.is_in_field() || self.buffer.has_values(),
            Phase::Skipping => true,
        };
        has_begun.then(|| self.buffer.unfinished_len())
    }

    /// Returns the number of bytes to keep in memory, if no event has begun.
    pub(super) fn idle(&mut self, bytes: &mut [u8]) -> Option<usize> {
        if self.phase == Phase::Ended {
            self.retire(bytes);
        }
        (self.phase == Phase::Empty).then(|| self.buffer.len())
    }

    /// See [`Parser::reset`](crate::Parser::reset).
    pub(super) fn reset(&mut self, bytes: &mut [u8]) {
        self.restart();
        self.retire(bytes);
    }

    /// Expects the start of a stream. An event that was reported stays readable.
    pub(super) fn restart(&mut self) {
        self.tokenizer = Tokenizer::new();
        if self.phase != Phase::Ended {
            self.forget();
        }
    }

    /// Makes `id`, for which there is room, the last event ID, and expects the start of a stream.
    pub(super) fn restore(&mut self, bytes: &mut [u8], id: &[u8]) {
        self.buffer.restore(bytes, id);
        self.tokenizer = Tokenizer::new();
        self.forget();
    }
}
