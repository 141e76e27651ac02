//! Where the values of the unfinished event lie in the parser's buffer.

use crate::copy::{copy_within, put, put_ahead};
use crate::error::Field;
use crate::storage::Buffer;
use crate::tokenizer::Span;
use crate::whole::{whole_data_line, SHORT_CUT};

// The buffer, from its front and from its back:
//
//     | last event ID | data, growing -> | staged -> |   free   | event type / ID |
//
// Data and what is staged (an event type or ID whose line is not over) grow upward, so that a piece more is a copy of
// that piece. Event type and ID are put below each other at the back in the order in which they came: when the one at
// the back is replaced, the one below it moves up, once, so that the work stays linear in the input whatever is sent
// in whatever order.
//
// All lengths together never exceed the capacity, so that everything always fits, and what fits does not depend on how
// the input was cut. Where a value begins follows from the lengths, so that no places are kept: a device has the state
// of every parser in its memory.
#[derive(Clone, Debug)]
pub(crate) struct Arena {
    event_type_len: usize,
    last_event_id_len: usize,
    id_len: usize,
    /// Where the data ends, which begins behind the last event ID.
    data_end: usize,
    /// Bytes of an unfinished event type or ID behind the data.
    staged: usize,
    /// The values that there are, by `bit`, and the two below.
    flags: u8,
    /// A blank line committed an ID, or one was seeded.
    has_last_event_id: bool,
}

/// The ID is the last event ID by now, and moves to the front with the next event.
const COMMITTED: u8 = 1 << 6;
/// The ID is above the event type, or would be.
const ID_ABOVE: u8 = 1 << 7;

const fn bit(field: Field) -> u8 {
    1 << field as u8
}

impl Arena {
    pub(crate) const fn new() -> Arena {
        Arena {
            event_type_len: 0,
            last_event_id_len: 0,
            id_len: 0,
            data_end: 0,
            staged: 0,
            flags: 0,
            has_last_event_id: false,
        }
    }

    /// Bytes that the buffer holds.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.data_end + self.staged + self.back_len()
    }

    /// The same without the last event ID.
    #[inline(always)]
    pub(crate) fn unfinished_len(&self) -> usize {
        self.len() - self.last_event_id_len
    }

    fn back_len(&self) -> usize {
        self.event_type_len + self.id_len
    }

    pub(crate) fn has_values(&self) -> bool {
        self.flags & (bit(Field::Event) | bit(Field::Data) | bit(Field::Id)) != 0
    }

    #[inline(always)]
    pub(crate) fn has(&self, field: Field) -> bool {
        self.flags & bit(field) != 0
    }

    #[inline(always)]
    pub(crate) fn event_type<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let above = if self.flags & ID_ABOVE == 0 { 0 } else { self.id_len };
        let len = self.event_type_len;
        self.has(Field::Event).then(|| Span { start: bytes.len().wrapping_sub(above + len), len }.of(bytes))
    }

    #[inline(always)]
    pub(crate) fn data<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        Span::between(self.last_event_id_len, self.data_end).of(bytes)
    }

    #[inline(always)]
    pub(crate) fn last_event_id<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        if self.is_settled() {
            return self.settled_id(bytes);
        }
        self.id(bytes.len()).of(bytes)
    }

    /// The last event ID, which is known to be at the front.
    #[inline(always)]
    pub(crate) fn settled_id<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        Span { start: 0, len: self.last_event_id_len }.of(bytes)
    }

    pub(crate) fn has_last_event_id(&self) -> bool {
        self.has_last_event_id
    }

    /// Where the ID is in a buffer of `end` bytes.
    fn id(&self, end: usize) -> Span {
        let above = if self.flags & ID_ABOVE == 0 { self.event_type_len } else { 0 };
        Span { start: end.wrapping_sub(above + self.id_len), len: self.id_len }
    }

    /// The values of an event of which nothing is in the buffer yet, copied there. `false`, and nothing is done, without
    /// room.
    #[inline(always)]
    pub(crate) fn begin(
        &mut self,
        buffer: &mut Buffer<'_>,
        event_type: Option<&[u8]>,
        id: Option<&[u8]>,
        data: Option<&[u8]>,
    ) -> bool {
        let bytes = buffer.bytes();
        let len = |value: Option<&[u8]>| value.map_or(0, <[u8]>::len);
        if self.last_event_id_len + len(event_type) + len(id) + len(data) > bytes.len() {
            return false;
        }
        if let Some(event_type) = event_type {
            put(bytes, bytes.len() - event_type.len(), event_type);
            self.event_type_len = event_type.len();
            self.flags |= bit(Field::Event);
        }
        if let Some(id) = id {
            put(bytes, bytes.len() - len(event_type) - id.len(), id);
            self.id_len = id.len();
            self.flags |= bit(Field::Id);
        }
        if let Some(data) = data {
            self.data_end = put(bytes, self.last_event_id_len, data);
            self.flags |= bit(Field::Data);
        }
        true
    }

    /// Adds to the data, for which there is room.
    #[inline(always)]
    pub(crate) fn push_data(&mut self, buffer: &mut Buffer<'_>, piece: &[u8]) {
        self.data_end = put(buffer.bytes(), self.data_end, piece);
    }

    /// Whether the last event ID is at the front.
    #[inline(always)]
    pub(crate) fn is_settled(&self) -> bool {
        self.flags & COMMITTED == 0
    }

    /// Bytes that are free beside the last event ID.
    #[inline(always)]
    pub(crate) fn room(&self, buffer: &Buffer<'_>) -> usize {
        buffer.capacity().saturating_sub(self.last_event_id_len)
    }

    /// Adds the lines at the front of `input` to the data, as far as they are whole lines of `data` and there is room.
    /// What is behind them.
    #[inline(always)]
    pub(crate) fn append_lines<'i>(&mut self, buffer: &mut Buffer<'_>, input: &'i [u8]) -> &'i [u8] {
        let top = buffer.bytes().len().saturating_sub(self.back_len());
        let mut rest = input;
        let Some(bytes) = buffer.bytes().get_mut(..top) else { return rest };
        let mut end = self.data_end;
        while let Some((next_end, behind)) = append_line(bytes, end, rest) {
            (end, rest) = (next_end, behind);
        }
        self.data_end = end;
        rest
    }

    /// Adds a line that is not over to the data. `false`, and nothing is done, without room.
    #[inline(always)]
    pub(crate) fn append_piece(&mut self, buffer: &mut Buffer<'_>, piece: &[u8]) -> bool {
        let fits = self.len() + 1 + piece.len() <= buffer.bytes().len();
        if fits {
            self.push_data(buffer, b"\n");
            self.push_data(buffer, piece);
        }
        fits
    }

    /// Adds a piece of a line of data; `join`: behind an LF. There is room for both.
    #[inline(always)]
    pub(crate) fn append_data(&mut self, buffer: &mut Buffer<'_>, join: bool, piece: &[u8]) {
        if join {
            self.push_data(buffer, b"\n");
        }
        self.push_data(buffer, piece);
        self.flags |= bit(Field::Data);
    }

    /// Takes a piece of an event type or ID, for which there is room; with the `last` one it is complete.
    pub(crate) fn stage(&mut self, field: Field, buffer: &mut Buffer<'_>, piece: &[u8], last: bool) {
        // All of it at once is not moved again: an event of three short lines in chunks of 16 bytes takes 1979
        // instructions this way, and 2128 otherwise.
        if SHORT_CUT && last && self.staged == 0 {
            self.remove(field, buffer);
            let to = buffer.bytes().len().wrapping_sub(self.back_len() + piece.len());
            put(buffer.bytes(), to, piece);
            *self.len_mut(field) = piece.len();
            self.flags |= bit(field);
            return;
        }
        let start = self.data_end;
        put(buffer.bytes(), start + self.staged, piece);
        self.staged += piece.len();
        if last {
            self.remove(field, buffer);
            let len = self.staged;
            let to = buffer.bytes().len().wrapping_sub(self.back_len() + len);
            copy_within(buffer.bytes(), Span { start, len }, to);
            *self.len_mut(field) = len;
            self.flags |= bit(field);
            self.staged = 0;
        }
    }

    pub(crate) fn unstage(&mut self) {
        self.staged = 0;
    }

    /// Forgets the event type or the ID; the next one will be below the other.
    #[inline(never)]
    pub(crate) fn remove(&mut self, field: Field, buffer: &mut Buffer<'_>) {
        let above = if field == Field::Id { 0 } else { ID_ABOVE };
        let gap = core::mem::take(self.len_mut(field));
        if gap > 0 && self.flags & ID_ABOVE != above {
            // It was at the back: what is below it moves up over it.
            let start = buffer.bytes().len().wrapping_sub(self.back_len());
            copy_within(buffer.bytes(), Span { start: start.wrapping_sub(gap), len: self.back_len() }, start);
        }
        self.flags = (self.flags & !(ID_ABOVE | bit(field))) | above;
    }

    /// Forgets all of the event but its ID.
    pub(crate) fn drop_event(&mut self, buffer: &mut Buffer<'_>) {
        self.remove(Field::Event, buffer);
        self.flags &= !bit(Field::Data);
        self.data_end = self.last_event_id_len;
        self.staged = 0;
    }

    /// Forgets all of the event.
    pub(crate) fn drop_values(&mut self) {
        (self.event_type_len, self.id_len, self.staged) = (0, 0, 0);
        self.data_end = self.last_event_id_len;
        self.flags = 0;
    }

    /// The ID becomes the last event ID; event type and data stay readable.
    #[inline(always)]
    pub(crate) fn commit(&mut self) {
        self.flags |= COMMITTED;
        self.has_last_event_id = true;
    }

    /// Writes the last event ID to the front of a buffer that holds nothing else; `settle` is to follow. Whether there was
    /// the memory.
    #[inline(always)]
    pub(crate) fn seed(&mut self, buffer: &mut Buffer<'_>, id: &[u8]) -> bool {
        if !self.reserve(buffer, id.len()) {
            return false;
        }
        self.last_event_id_len = put(buffer.bytes(), 0, id);
        self.has_last_event_id = true;
        true
    }

    /// Forgets the event that was dispatched.
    #[inline(never)]
    pub(crate) fn settle(&mut self, buffer: &mut Buffer<'_>) {
        if !self.is_settled() {
            let id = self.id(buffer.bytes().len());
            copy_within(buffer.bytes(), id, 0);
            self.last_event_id_len = id.len;
        }
        self.drop_values();
    }

    /// Makes the buffer at least `len` bytes, what lies at its back still at its back. Whether there is the memory.
    #[inline(always)]
    pub(crate) fn reserve(&mut self, buffer: &mut Buffer<'_>, len: usize) -> bool {
        len <= buffer.bytes().len() || self.grow(buffer, len)
    }

    #[cold]
    fn grow(&mut self, buffer: &mut Buffer<'_>, len: usize) -> bool {
        let old = buffer.bytes().len();
        if !buffer.reserve(len) {
            return false;
        }
        let len = self.back_len();
        let to = buffer.bytes().len().wrapping_sub(len);
        copy_within(buffer.bytes(), Span { start: old.wrapping_sub(len), len }, to);
        true
    }

    #[inline(always)]
    fn len_mut(&mut self, field: Field) -> &mut usize {
        if field == Field::Id {
            &mut self.id_len
        } else {
            &mut self.event_type_len
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
