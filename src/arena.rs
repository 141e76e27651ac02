//! Where the values of the unfinished event lie: still in the caller's input, or in the parser's buffer.

use crate::copy::{copy_within, put, put_ahead};
use crate::storage::Buffer;
use crate::tokenizer::Span;
use crate::whole::whole_data_line;

// The buffer, from its front and from its back:
//
//     | last event ID | data, growing -> | staged -> |   free   | event type / ID |
//                                                               ^ top
//
// Data and what is staged (an event type or ID whose line is not over) grow upward, so that a piece more is a copy of
// that piece. Event type and ID are put below each other at the back in the order in which they came: when the one at
// the back is replaced, the one below it moves up, once, so that the work stays linear in the input whatever is sent
// in whatever order.
//
// The sum of all lengths never exceeds the capacity, lent values included, so that everything always fits, and what
// fits does not depend on how the input was cut.
#[derive(Clone, Debug)]
pub(crate) struct Arena {
    last_event_id_len: usize,
    event_type: Value,
    id: Value,
    data: Value,
    /// Bytes of an unfinished event type or ID behind the data.
    staged: usize,
    /// `id` is the last event ID by now, and moves to the front with the next event.
    committed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Value {
    place: Place,
    span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Absent,
    Input,
    Buffer,
}

impl Value {
    const ABSENT: Value = Value { place: Place::Absent, span: Span::EMPTY };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    EventType,
    Id,
    Data,
}

impl Arena {
    pub(crate) const fn new() -> Arena {
        Arena {
            last_event_id_len: 0,
            event_type: Value::ABSENT,
            id: Value::ABSENT,
            data: Value::ABSENT,
            staged: 0,
            committed: false,
        }
    }

    /// Bytes that the buffer would hold with everything in it.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.last_event_id_len + self.unfinished_len()
    }

    /// The same without the last event ID.
    #[inline(always)]
    pub(crate) fn unfinished_len(&self) -> usize {
        self.event_type.span.len + self.id.span.len + self.data.span.len + self.staged
    }

    pub(crate) fn has_values(&self) -> bool {
        [Slot::EventType, Slot::Id, Slot::Data].into_iter().any(|slot| self.has(slot))
    }

    #[inline(always)]
    pub(crate) fn has(&self, slot: Slot) -> bool {
        self.value(slot).place != Place::Absent
    }

    #[inline(always)]
    pub(crate) fn get<'a>(&self, slot: Slot, bytes: &'a [u8], input: &'a [u8]) -> Option<&'a [u8]> {
        let value = self.value(slot);
        match value.place {
            Place::Absent => None,
            Place::Input => Some(value.span.of(input)),
            Place::Buffer => Some(value.span.of(bytes)),
        }
    }

    #[inline(always)]
    pub(crate) fn last_event_id<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        if self.committed {
            return self.id.span.of(bytes);
        }
        Span { start: 0, len: self.last_event_id_len }.of(bytes)
    }

    /// The value lies in the input and is to stay there as long as it can.
    #[inline(always)]
    pub(crate) fn lend(&mut self, slot: Slot, span: Span) {
        *self.value_mut(slot) = Value { place: Place::Input, span };
    }

    /// The values of an event of which nothing is in the buffer.
    #[inline(always)]
    pub(crate) fn lend_all(&mut self, event_type: Option<Span>, id: Option<Span>, data: Option<Span>) {
        let value = |span: Option<Span>| span.map_or(Value::ABSENT, |span| Value { place: Place::Input, span });
        (self.event_type, self.id, self.data) = (value(event_type), value(id), value(data));
    }

    /// Whether data is in the buffer, so that a line more is joined to it.
    #[inline(always)]
    pub(crate) fn has_joined(&self) -> bool {
        self.data.place == Place::Buffer
    }

    /// The values of an event of which nothing is in the buffer yet, copied there. `false`, and nothing is done, without
    /// room.
    #[inline(always)]
    pub(crate) fn begin_in_buffer(
        &mut self,
        buffer: &mut Buffer<'_>,
        event_type: Option<&[u8]>,
        id: Option<&[u8]>,
        data: &[u8],
    ) -> bool {
        let bytes = buffer.bytes();
        let len = |value: Option<&[u8]>| value.map_or(0, <[u8]>::len);
        if self.last_event_id_len + len(event_type) + len(id) + data.len() > bytes.len() {
            return false;
        }
        let mut top = bytes.len();
        for (value, slot) in [(event_type, &mut self.event_type), (id, &mut self.id)] {
            if let Some(value) = value {
                top -= value.len();
                put(bytes, top, value);
                *slot = Value { place: Place::Buffer, span: Span { start: top, len: value.len() } };
            }
        }
        let start = self.last_event_id_len;
        put(bytes, start, data);
        self.data = Value { place: Place::Buffer, span: Span { start, len: data.len() } };
        true
    }

    /// Adds to data that is in the buffer, which has room for it.
    #[inline(always)]
    pub(crate) fn push_data(&mut self, buffer: &mut Buffer<'_>, piece: &[u8]) {
        put(buffer.bytes(), self.last_event_id_len + self.data.span.len, piece);
        self.data.span.len += piece.len();
    }

    /// Whether the last event ID is at the front.
    #[inline(always)]
    pub(crate) fn is_settled(&self) -> bool {
        !self.committed
    }

    /// Bytes that are free beside the last event ID.
    #[inline(always)]
    pub(crate) fn room(&self, buffer: &Buffer<'_>) -> usize {
        buffer.capacity().saturating_sub(self.last_event_id_len)
    }

    /// Copies what is lent to the buffer. Whether there was the memory.
    #[inline(always)]
    pub(crate) fn keep(&mut self, buffer: &mut Buffer<'_>, input: &[u8]) -> bool {
        let lent = [self.event_type, self.id, self.data].iter().any(|value| value.place == Place::Input);
        !lent || self.keep_all(buffer, input)
    }

    #[inline(never)]
    fn keep_all(&mut self, buffer: &mut Buffer<'_>, input: &[u8]) -> bool {
        self.keep_data(buffer, input, 0)
            && self.keep_slot(Slot::EventType, buffer, input)
            && self.keep_slot(Slot::Id, buffer, input)
    }

    #[inline(always)]
    fn keep_data(&mut self, buffer: &mut Buffer<'_>, input: &[u8], more: usize) -> bool {
        if !self.reserve(buffer, self.len() + more) {
            return false;
        }
        if self.data.place == Place::Input {
            put(buffer.bytes(), self.last_event_id_len, self.data.span.of(input));
            self.data =
                Value { place: Place::Buffer, span: Span { start: self.last_event_id_len, len: self.data.span.len } };
        }
        true
    }

    fn keep_slot(&mut self, slot: Slot, buffer: &mut Buffer<'_>, input: &[u8]) -> bool {
        let Value { place, span } = self.value(slot);
        if place != Place::Input {
            return true;
        }
        if !self.reserve(buffer, self.len()) {
            return false;
        }
        let start = self.top(buffer).saturating_sub(span.len);
        put(buffer.bytes(), start, span.of(input));
        *self.value_mut(slot) = Value { place: Place::Buffer, span: Span { start, len: span.len } };
        true
    }

    /// Adds a line, or a piece of one, to the data; `join`: behind an LF. Whether there was the memory.
    #[inline(always)]
    pub(crate) fn append_data(&mut self, buffer: &mut Buffer<'_>, input: &[u8], piece: Span, join: bool) -> bool {
        if !self.keep_data(buffer, input, usize::from(join) + piece.len) {
            return false;
        }
        let start = self.last_event_id_len;
        let mut len = self.data.span.len;
        if join {
            put(buffer.bytes(), start + len, b"\n");
            len += 1;
        }
        put(buffer.bytes(), start + len, piece.of(input));
        len += piece.len;
        self.data = Value { place: Place::Buffer, span: Span { start, len } };
        true
    }

    /// Adds the lines at the front of `input` to data that is in the buffer, as far as they are whole lines of `data` and
    /// there is room. What is behind them.
    #[inline(always)]
    pub(crate) fn append_lines<'i>(&mut self, buffer: &mut Buffer<'_>, input: &'i [u8]) -> &'i [u8] {
        let others = self.len() - self.data.span.len;
        let top = self.top(buffer).min(buffer.capacity().saturating_sub(others) + self.last_event_id_len);
        let mut rest = input;
        let mut end = self.last_event_id_len + self.data.span.len;
        let Some(bytes) = buffer.bytes().get_mut(..top) else { return rest };
        while let Some((next_end, behind)) = append_line(bytes, end, rest) {
            (end, rest) = (next_end, behind);
        }
        self.data.span.len = end - self.last_event_id_len;
        rest
    }

    /// Adds a line that is not over to data that is in the buffer. `false`, and nothing is done, without room.
    #[inline(always)]
    pub(crate) fn append_piece(&mut self, buffer: &mut Buffer<'_>, piece: &[u8]) -> bool {
        let fits = self.len() + 1 + piece.len() <= buffer.bytes().len();
        if fits {
            self.push_data(buffer, b"\n");
            self.push_data(buffer, piece);
        }
        fits
    }

    /// Takes a piece of an event type or ID; with the `last` one it is complete. Whether there was the memory.
    #[inline(never)]
    pub(crate) fn stage(&mut self, slot: Slot, buffer: &mut Buffer<'_>, input: &[u8], piece: Span, last: bool) -> bool {
        if !self.keep_data(buffer, input, piece.len) {
            return false;
        }
        let staged = self.last_event_id_len + self.data.span.len;
        put(buffer.bytes(), staged + self.staged, piece.of(input));
        self.staged += piece.len;
        if last {
            self.remove(slot, buffer);
            let len = self.staged;
            let start = self.top(buffer).saturating_sub(len);
            copy_within(buffer.bytes(), Span { start: staged, len }, start);
            *self.value_mut(slot) = Value { place: Place::Buffer, span: Span { start, len } };
            self.staged = 0;
        }
        true
    }

    pub(crate) fn unstage(&mut self) {
        self.staged = 0;
    }

    /// Forgets the event type or the ID.
    #[inline(always)]
    pub(crate) fn remove(&mut self, slot: Slot, buffer: &mut Buffer<'_>) {
        if self.value(slot).place == Place::Buffer {
            self.close_gap(slot, buffer);
        }
        *self.value_mut(slot) = Value::ABSENT;
    }

    /// What is below the value at the back of the buffer moves up over it.
    #[inline(never)]
    fn close_gap(&mut self, slot: Slot, buffer: &mut Buffer<'_>) {
        let gap = self.value(slot).span;
        let other = match slot {
            Slot::EventType => &mut self.id,
            _ => &mut self.event_type,
        };
        // At the same place the other one is empty, or there is no gap.
        if other.place == Place::Buffer && other.span.start <= gap.start {
            let start = other.span.start + gap.len;
            copy_within(buffer.bytes(), other.span, start);
            other.span.start = start;
        }
    }

    /// Forgets all of the event but its ID.
    pub(crate) fn drop_event(&mut self, buffer: &mut Buffer<'_>) {
        self.remove(Slot::EventType, buffer);
        self.data = Value::ABSENT;
        self.staged = 0;
    }

    /// Forgets all of the event.
    pub(crate) fn drop_values(&mut self) {
        self.event_type = Value::ABSENT;
        self.id = Value::ABSENT;
        self.data = Value::ABSENT;
        self.staged = 0;
        self.committed = false;
    }

    /// The ID becomes the last event ID; event type and data stay readable. Whether there was the memory.
    #[inline(always)]
    pub(crate) fn commit(&mut self, buffer: &mut Buffer<'_>, input: &[u8]) -> bool {
        let in_buffer = [self.event_type, self.id, self.data].iter().any(|value| value.place == Place::Buffer);
        if in_buffer {
            self.committed = self.keep_slot(Slot::Id, buffer, input);
            return self.committed;
        }
        let seeded = self.seed(buffer, self.id.span.of(input));
        if seeded {
            self.id = Value::ABSENT;
        }
        seeded
    }

    /// Writes the last event ID to the front of a buffer that holds nothing else. Whether there was the memory.
    #[inline(always)]
    pub(crate) fn seed(&mut self, buffer: &mut Buffer<'_>, id: &[u8]) -> bool {
        if !self.reserve(buffer, id.len()) {
            return false;
        }
        put(buffer.bytes(), 0, id);
        self.last_event_id_len = id.len();
        true
    }

    /// Forgets the event that was dispatched.
    #[inline(always)]
    pub(crate) fn settle(&mut self, buffer: &mut Buffer<'_>) {
        if self.committed {
            copy_within(buffer.bytes(), self.id.span, 0);
            self.last_event_id_len = self.id.span.len;
        }
        self.drop_values();
    }

    /// Where the values at the back begin.
    fn top(&self, buffer: &mut Buffer<'_>) -> usize {
        let end = buffer.bytes().len();
        [self.event_type, self.id]
            .iter()
            .filter(|value| value.place == Place::Buffer)
            .fold(end, |top, value| top.min(value.span.start))
    }

    /// Makes the buffer at least `len` bytes, what lies at its back still at its back. Whether there is the memory.
    #[inline(always)]
    pub(crate) fn reserve(&mut self, buffer: &mut Buffer<'_>, len: usize) -> bool {
        len <= buffer.bytes().len() || self.grow(buffer, len)
    }

    #[cold]
    fn grow(&mut self, buffer: &mut Buffer<'_>, len: usize) -> bool {
        let old = buffer.bytes().len();
        let top = self.top(buffer);
        if !buffer.reserve(len) {
            return false;
        }
        let by = buffer.bytes().len().saturating_sub(old);
        copy_within(buffer.bytes(), Span::between(top, old), top + by);
        for value in [&mut self.event_type, &mut self.id] {
            if value.place == Place::Buffer {
                value.span.start += by;
            }
        }
        true
    }

    #[inline(always)]
    fn value(&self, slot: Slot) -> Value {
        match slot {
            Slot::EventType => self.event_type,
            Slot::Id => self.id,
            Slot::Data => self.data,
        }
    }

    #[inline(always)]
    fn value_mut(&mut self, slot: Slot) -> &mut Value {
        match slot {
            Slot::EventType => &mut self.event_type,
            Slot::Id => &mut self.id,
            Slot::Data => &mut self.data,
        }
    }
}

/// Adds LF and the value of the `data` line at the front of `input` to `bytes` at `end`, if there is room. Where it ends,
/// and what is behind the line.
#[inline(always)]
fn append_line<'i>(bytes: &mut [u8], end: usize, input: &'i [u8]) -> Option<(usize, &'i [u8])> {
    let (value, behind) = whole_data_line(input)?;
    if bytes.len() <= end + value.len() {
        return None;
    }
    let from_value = input.get(Span::within(input, value).start..)?;
    let end = put(bytes, end, b"\n");
    Some((put_ahead(bytes, end, from_value, value.len()), behind))
}
