//! The places of an unfinished event's values in the parser's buffer.

use super::report::Version;
use crate::bytes::{FAST, Span, copy_within, put, put_wild};
use crate::field::Field;

// The buffer, from its front to its back:
//
//     | last event ID | data, growing -> | pending -> |  spare  | event type / ID |
//
// Data and the pending value (an event type or ID whose line has not ended) grow upward, so that one more piece is one copy
// of that piece. Event type and ID are put below each other at the back in the order in which they come. When the value at
// the back is replaced, the other one moves up, once, so that the work stays linear in the input, whatever is sent in
// whatever order.
//
// All lengths together never exceed the capacity, so that everything always fits, and the chunking does not matter. The
// place of a value follows from the lengths, so no places are kept: a device has the state of every parser in its memory.
#[derive(Clone)]
#[cfg_attr(test, derive(Debug))]
#[cfg_attr(not(target_pointer_width = "64"), repr(C))]
pub(super) struct EventBuffer {
    /// The values that there are, by `bit`, and the two flags below.
    flags: u8,
    /// A blank line committed an ID, or one was restored.
    has_last_event_id: bool,
    /// Changes with the values that an event that was found refers to.
    version: Version,
    last_event_id_len: usize,
    /// The end of the pending value, and of the data if none is pending. The data begin after the last event ID.
    front_len: usize,
    /// Bytes of a pending event type or ID.
    pending: usize,
    /// Bytes of event type and ID together.
    back_len: usize,
    id_len: usize,
}

/// The ID is the last event ID already, and moves to the front when the event retires.
const COMMITTED: u8 = 1 << 6;
/// The ID is, or would be, above the event type.
const ID_ABOVE: u8 = 1 << 7;

const fn bit(field: Field) -> u8 {
    1 << field as u8
}

/// The memory for an unfinished event, as it is now, and the size to which it can grow.
pub(super) struct Memory<'b> {
    pub bytes: &'b mut [u8],
    pub capacity: usize,
}

/// The answer to the question whether a value fits.
pub(super) enum Room {
    Yes,
    /// With more memory: so many bytes in all. Only with `alloc`.
    More(usize),
    /// Not at all: it would take so many bytes.
    No(usize),
}

impl EventBuffer {
    pub(super) const fn new() -> EventBuffer {
        EventBuffer {
            last_event_id_len: 0,
            front_len: 0,
            pending: 0,
            back_len: 0,
            id_len: 0,
            version: 0,
            flags: 0,
            has_last_event_id: false,
        }
    }

    /// Returns the bytes that are held.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.front_len + self.back_len
    }

    /// Returns the same without the last event ID.
    pub(super) fn unfinished_len(&self) -> usize {
        self.len() - self.last_event_id_len
    }

    fn event_type_len(&self) -> usize {
        self.back_len - self.id_len
    }

    #[inline(always)]
    pub(super) fn version(&self) -> Version {
        self.version
    }

    pub(super) fn has_values(&self) -> bool {
        self.flags & (bit(Field::Event) | bit(Field::Data) | bit(Field::Id)) != 0
    }

    #[inline(always)]
    pub(super) fn has(&self, field: Field) -> bool {
        self.flags & bit(field) != 0
    }

    pub(super) fn has_last_event_id(&self) -> bool {
        self.has_last_event_id
    }

    /// Returns whether the event that was read has set the last event ID.
    #[inline(always)]
    pub(super) fn sets_id(&self) -> bool {
        self.flags & COMMITTED != 0
    }

    #[inline(always)]
    pub(super) fn event_type<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let above = if self.flags & ID_ABOVE == 0 { 0 } else { self.id_len };
        let len = self.event_type_len();
        self.has(Field::Event).then(|| Span { start: bytes.len().wrapping_sub(above + len), len }.of(bytes))
    }

    #[inline(always)]
    pub(super) fn data<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let start = self.last_event_id_len;
        Span { start, len: self.front_len.saturating_sub(start) }.of(bytes)
    }

    #[inline(always)]
    pub(super) fn last_event_id<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        if self.sets_id() { self.id(bytes.len()).of(bytes) } else { self.earlier_id(bytes) }
    }

    /// Returns the last event ID, if the event that was read did not set it.
    #[inline(always)]
    pub(super) fn earlier_id<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        Span { start: 0, len: self.last_event_id_len }.of(bytes)
    }

    /// Returns the place of the ID in a buffer of `end` bytes.
    #[inline(always)]
    fn id(&self, end: usize) -> Span {
        let above = if self.flags & ID_ABOVE == 0 { self.event_type_len() } else { 0 };
        Span { start: end.wrapping_sub(above + self.id_len), len: self.id_len }
    }

    /// Returns whether `more` bytes fit beside those that are held, into the memory as it is and into all that it can be.
    #[inline(always)]
    pub(super) fn room(&self, more: usize, memory: &Memory<'_>) -> Room {
        let needed = self.len() + more;
        if needed <= memory.bytes.len() {
            Room::Yes
        } else if cfg!(feature = "alloc") && needed <= memory.capacity {
            Room::More(needed)
        } else {
            Room::No(needed)
        }
    }

    /// The memory has grown from `len` bytes to `bytes`: moves the values at its back to its back.
    pub(super) fn grew(&mut self, bytes: &mut [u8], len: usize) {
        let back = self.back_len;
        let to = bytes.len().wrapping_sub(back);
        copy_within(bytes, Span { start: len.wrapping_sub(back), len: back }, to);
    }

    /// Adds a piece of a line of data, for which there is room; `join`: after an LF.
    #[inline(always)]
    pub(super) fn push_data(&mut self, bytes: &mut [u8], join: bool, piece: &[u8]) {
        let end = if join { put(bytes, self.front_len, b"\n") } else { self.front_len };
        self.front_len = put(bytes, end, piece);
        self.flags |= bit(Field::Data);
    }

    /// Adds the first `len` bytes of `input` likewise. The bytes after them may be copied as well.
    #[inline(always)]
    pub(super) fn push_line(&mut self, bytes: &mut [u8], join: bool, input: &[u8], len: usize) {
        // The values at the back stay.
        let spare_end = bytes.len().wrapping_sub(self.back_len);
        let bytes = bytes.get_mut(..spare_end).unwrap_or_default();
        let end = if join { put(bytes, self.front_len, b"\n") } else { self.front_len };
        self.front_len = put_wild(bytes, end, input, len);
        self.flags |= bit(Field::Data);
    }

    /// Adds a piece of an event type or ID, for which there is room. With the `last` one the value is complete.
    pub(super) fn push_pending(&mut self, bytes: &mut [u8], field: Field, piece: &[u8], last: bool) {
        // A value that comes at once is not moved again.
        if FAST && last && self.pending == 0 {
            self.remove(bytes, field);
            self.set(field, piece.len());
            put(bytes, bytes.len().wrapping_sub(self.back_len), piece);
            return;
        }
        self.front_len = put(bytes, self.front_len, piece);
        self.pending += piece.len();
        if last {
            self.remove(bytes, field);
            let len = self.pending;
            self.drop_pending();
            self.set(field, len);
            copy_within(bytes, Span { start: self.front_len, len }, bytes.len().wrapping_sub(self.back_len));
        }
    }

    /// Forgets the pending value.
    pub(super) fn drop_pending(&mut self) {
        self.front_len -= core::mem::take(&mut self.pending);
    }

    /// Forgets the event type or the ID. The next one will be below the other.
    #[inline(never)]
    pub(super) fn remove(&mut self, bytes: &mut [u8], field: Field) {
        let (above, gap) = match field {
            Field::Id => (0, core::mem::take(&mut self.id_len)),
            _ => (ID_ABOVE, self.event_type_len()),
        };
        self.back_len -= gap;
        if gap > 0 && self.flags & ID_ABOVE != above {
            // It was at the back: the other value moves up over it.
            let start = bytes.len().wrapping_sub(self.back_len);
            copy_within(bytes, Span { start: start.wrapping_sub(gap), len: self.back_len }, start);
        }
        self.flags = (self.flags & !(ID_ABOVE | bit(field))) | above;
    }

    /// The event type or the ID is put below the other.
    #[inline(always)]
    fn set(&mut self, field: Field, len: usize) {
        self.back_len += len;
        if field == Field::Id {
            self.id_len = len;
        }
        self.flags |= bit(field);
    }

    /// Forgets all of the event but its ID.
    pub(super) fn drop_event(&mut self, bytes: &mut [u8]) {
        self.flags &= !bit(Field::Data);
        self.front_len = self.last_event_id_len;
        self.pending = 0;
        self.remove(bytes, Field::Event);
    }

    /// Forgets all of the event.
    #[inline(always)]
    pub(super) fn drop_values(&mut self) {
        (self.back_len, self.id_len, self.pending) = (0, 0, 0);
        self.front_len = self.last_event_id_len;
        self.flags = 0;
        self.version = self.version.wrapping_add(1);
    }

    /// Makes the ID the last event ID, if there is one. Event type and data stay readable.
    #[inline(always)]
    pub(super) fn commit(&mut self) {
        if self.has(Field::Id) {
            self.flags |= COMMITTED;
            self.has_last_event_id = true;
        }
    }

    /// Moves the ID to the front, if it is the last event ID already; all other values are lost. `drop_values` is to follow.
    #[inline(always)]
    pub(super) fn move_id(&mut self, bytes: &mut [u8]) {
        if self.sets_id() {
            let id = self.id(bytes.len());
            self.last_event_id_len = id.len;
            copy_within(bytes, id, 0);
        }
    }

    /// Makes `id`, for which there is room, the last event ID; all other values are lost. In a buffer that holds values,
    /// `drop_values` is to follow.
    #[inline(always)]
    pub(super) fn restore(&mut self, bytes: &mut [u8], id: &[u8]) {
        self.last_event_id_len = put(bytes, 0, id);
        self.front_len = self.last_event_id_len;
        self.has_last_event_id = true;
        self.version = self.version.wrapping_add(1);
    }
}
