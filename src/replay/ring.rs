//! The ring: frames in, whole frames out.

use core::fmt;

use super::key::{Key, Number};
use super::view::{View, wrap};
use crate::error::{BufferTooSmall, FormatError};
use crate::storage::Storage;
use crate::text::lossy;
use crate::write::{FormattedFrame, Frame, Id, digits};

/// The newest frames of a stream, in as many bytes as its storage has; the oldest make room for a new one.
///
/// It holds the bytes of the frames and nothing else: any run of frames is ready to be written, in one slice or two. Each
/// connection has a [`Cursor`], which is all that there is for replay and for live events alike. See the
/// [module](crate::replay) for both ways to use it.
///
/// The storage is any [`Storage`]: `[u8; N]`, `&mut [u8]`, or a [`GrowableBuffer`], which grows before
/// the first frame is dropped. Apart from that a ring takes about 120 bytes, all zero at the start, so in a `static` it is in
/// `.bss`.
///
/// With `MARKS`, it also notes where so many of the numbered IDs lie, in 32 bytes each, so that [`since`](Ring::since) need not
/// read the whole ring; see [`with_marks`](Ring::with_marks).
///
/// # Examples
///
/// ```
/// use ssewire::{replay::Ring, Frame};
///
/// let mut ring = Ring::new([0; 256]);
/// ring.push(&Frame::new().id_number(1).data("21.5"))?;
/// let cursor = ring.live(); // a connection that wants live events alone
/// ring.push(&Frame::new().id_number(2).data("22"))?;
/// assert_eq!(ring.ready(cursor, usize::MAX)?.bytes.concat(), b"id: 2\ndata: 22\n\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "history")]
#[doc(alias = "broadcast")]
#[doc(alias = "replay")]
#[derive(Clone)]
#[cfg_attr(
    not(feature = "alloc"),
    doc = "\n[`GrowableBuffer`]: https://docs.rs/ssewire/latest/ssewire/struct.GrowableBuffer.html"
)]
#[cfg_attr(feature = "alloc", doc = "\n[`GrowableBuffer`]: crate::GrowableBuffer")]
pub struct Ring<S, const MARKS: usize = 0> {
    pub(super) state: State,
    pub(super) marks: [Mark; MARKS],
    pub(super) storage: S,
}

impl<S: Storage> Ring<S> {
    /// Returns an empty ring in `storage`, whose contents do not matter.
    #[must_use]
    pub const fn new(storage: S) -> Ring<S> {
        Ring::with_marks(storage)
    }
}

impl<S: Storage, const MARKS: usize> Ring<S, MARKS> {
    /// Returns an empty ring that notes the place of up to `MARKS` numbered IDs, evenly spread.
    ///
    /// [`since`](Ring::since) then searches a part of the ring instead of all of it: worth it from 64 KiB on, if the IDs are
    /// numbers or pairs of numbers that ascend. 64 is a good choice.
    ///
    /// # Examples
    ///
    /// ```
    /// use ssewire::replay::Ring;
    ///
    /// static RING: std::sync::Mutex<Ring<[u8; 65536], 64>> = std::sync::Mutex::new(Ring::with_marks([0; 65536]));
    /// # assert!(RING.lock().unwrap().is_empty());
    /// ```
    #[must_use]
    pub const fn with_marks(storage: S) -> Ring<S, MARKS> {
        Ring { state: State::new(), marks: [Mark::ZERO; MARKS], storage }
    }

    /// Appends a frame, and drops the oldest frames as far as it needs their room. An empty frame changes nothing.
    ///
    /// It takes time linear in the bytes of the frame and of those dropped.
    ///
    /// # Errors
    ///
    /// [`BufferTooSmall`] if the frame is longer than the [`capacity`](Ring::capacity), or than the memory that it has, when the
    /// allocator has no more. Nothing is dropped then.
    ///
    /// # Panics
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// ```
    /// use ssewire::{replay::Ring, BufferTooSmall, Frame};
    ///
    /// let mut ring = Ring::new([0; 24]);
    /// for n in ["21", "22", "23"] {
    ///     ring.push(&Frame::new().data(n))?; // 10 bytes each: the third takes the place of the first
    /// }
    /// let error = ring.push(&Frame::new().data("a line that is too long")).unwrap_err();
    /// assert_eq!(error, BufferTooSmall { needed: 31, capacity: 24 });
    /// assert_eq!(ring.ready(ring.oldest(), usize::MAX).unwrap().bytes.concat(), b"data: 22\n\ndata: 23\n\n");
    /// # Ok::<(), BufferTooSmall>(())
    /// ```
    pub fn push(&mut self, frame: &Frame<'_>) -> Result<(), BufferTooSmall> {
        let needed = frame.encoded_len();
        self.reserve(needed)?;
        let spacing = self.spacing();
        self.state.push(self.storage.bytes_mut(), frame, needed, &mut self.marks, spacing);
        Ok(())
    }

    /// Appends a frame whose data is formatted straight into the ring; otherwise like [`push`](Ring::push). It is formatted
    /// twice: once to measure it.
    ///
    /// # Errors
    ///
    /// [`FormatError::BufferTooSmall`] as for [`push`](Ring::push). [`FormatError::Format`] if a `Display` implementation of the
    /// data fails, or gives a longer text the second time; frames may have been dropped then.
    ///
    /// # Panics
    ///
    /// Only if a `Display` implementation of the data does. The ring stays usable.
    ///
    /// # Examples
    ///
    /// ```
    /// use ssewire::{replay::Ring, Frame};
    ///
    /// let mut ring = Ring::new([0; 64]);
    /// let celsius = 21.537;
    /// ring.push_fmt(&Frame::new().data_fmt(format_args!("{celsius:.1}")))?;
    /// assert_eq!(ring.ready(ring.oldest(), usize::MAX).unwrap().bytes[0], b"data: 21.5\n\n");
    /// # Ok::<(), ssewire::FormatError>(())
    /// ```
    pub fn push_fmt(&mut self, frame: &FormattedFrame<'_>) -> Result<(), FormatError> {
        let needed = frame.write_to_halves(&mut [], &mut [])?;
        self.reserve(needed)?;
        let spacing = self.spacing();
        self.state.push_fmt(self.storage.bytes_mut(), frame, needed, &mut self.marks, spacing)
    }

    /// Returns the bytes between two marks.
    fn spacing(&self) -> usize {
        self.storage.capacity().checked_div(MARKS).unwrap_or_default()
    }

    /// Makes the storage hold `needed` bytes more if it can grow, and checks that they fit into it.
    fn reserve(&mut self, needed: usize) -> Result<(), BufferTooSmall> {
        let capacity = self.storage.capacity();
        if needed > capacity {
            return Err(BufferTooSmall { needed, capacity });
        }
        if S::GROWS {
            let before = self.storage.bytes().len();
            let wanted = needed.saturating_add(self.state.len).min(capacity);
            if wanted > before && self.storage.grow(wanted) {
                self.state.unwrap(self.storage.bytes_mut(), before);
            }
            let capacity = self.storage.bytes().len();
            if needed > capacity {
                return Err(BufferTooSmall { needed, capacity });
            }
        }
        Ok(())
    }

    /// Returns a cursor at the oldest frame that is held.
    #[must_use]
    pub const fn oldest(&self) -> Cursor {
        self.state.oldest
    }

    /// Returns a cursor at the frame that is pushed next.
    #[must_use]
    pub const fn live(&self) -> Cursor {
        self.state.live()
    }

    /// Returns the frames from the cursor on: as many whole ones as fit into `limit` bytes, but at least one, and none only if
    /// the cursor is live. A frame that was written in part comes first with its rest, and counts as one.
    ///
    /// With a limit of 0 it is one frame; with [`usize::MAX`] all that there is, which takes constant time. Otherwise the time is
    /// linear in the bytes returned.
    ///
    /// A cursor of another ring gives unspecified frames, or parts of some.
    ///
    /// # Errors
    ///
    /// [`Lagged`] if frames that the connection has not got are gone.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn ready(&self, cursor: Cursor, limit: usize) -> Result<Ready<'_>, Lagged> {
        self.state.ready(self.storage.bytes(), &cursor, limit)
    }

    /// Returns the cursor after `written` bytes of those that are [`ready`](Ring::ready), for connections that take a part.
    ///
    /// Call it before the next push. A connection that copies the bytes, and so owns them, goes on with
    /// [`Ready::next`] instead.
    ///
    /// # Errors
    ///
    /// [`Lagged`] if a frame that the cursor had before it is gone.
    ///
    /// # Panics
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// ```
    /// use ssewire::{replay::Ring, Frame};
    ///
    /// let mut ring = Ring::new([0; 64]);
    /// ring.push(&Frame::new().data("21.5"))?;
    /// let mut cursor = ring.oldest();
    /// cursor = ring.advance(cursor, 8)?; // the socket took 8 bytes
    /// assert_eq!(ring.ready(cursor, usize::MAX)?.bytes[0], b".5\n\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn advance(&self, cursor: Cursor, written: usize) -> Result<Cursor, Lagged> {
        self.state.advance(self.storage.bytes(), &cursor, written)
    }

    /// Returns whether every frame from the cursor on is still held, in constant time: for a look at all connections, also those
    /// whose sockets take nothing.
    ///
    /// # Errors
    ///
    /// [`Lagged`] if not.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn check(&self, cursor: Cursor) -> Result<(), Lagged> {
        self.state.check(&cursor)
    }

    /// Returns the most bytes that it can hold.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.storage.capacity()
    }

    /// Returns the number of bytes that it holds.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.state.len
    }

    /// Returns whether nothing was pushed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.state.len == 0
    }

    /// Returns the number that the next frame has in the ring, from 1 on.
    pub(super) const fn next_number(&self) -> u64 {
        self.state.frames + 1
    }
}

/// Prints the capacity and the bytes held, not their contents.
impl<S: Storage, const MARKS: usize> fmt::Debug for Ring<S, MARKS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring")
            .field("capacity", &self.capacity())
            .field("len", &self.len())
            .field("oldest", &self.oldest())
            .field("live", &self.live())
            .finish()
    }
}

/// The place in a stream up to which a connection has got it: 24 bytes, which borrow nothing.
///
/// It stays valid whatever is pushed: if its place is gone, [`Ring::ready`] returns how many frames that was.
///
/// The default is the place before the first frame that was ever pushed.
///
/// # Examples
///
/// ```
/// use ssewire::{replay::Ring, Frame};
///
/// let mut ring = Ring::new([0; 64]);
/// let mut cursor = ring.live();
/// assert!(ring.ready(cursor, usize::MAX)?.is_empty());
/// ring.push(&Frame::new().data("21.5"))?;
/// let ready = ring.ready(cursor, usize::MAX)?;
/// assert_eq!(ready.bytes.concat(), b"data: 21.5\n\n");
/// cursor = ready.next;
/// assert_eq!(cursor, ring.live());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Cursor {
    /// Bytes pushed before it.
    pub(super) position: u64,
    /// Frames pushed before it, without the one that it is in.
    frame: u64,
    place: Place,
}

/// The place of a cursor in a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u32)] // a byte with padding would be copied apart from the rest
enum Place {
    /// At its start.
    #[default]
    Start,
    /// After some bytes of a line, perhaps all but its LF: an LF that follows is not the blank line.
    Line,
    /// After a line: an LF that follows is the blank line.
    LineStart,
}

impl Cursor {
    /// Moves to the end of the frame, or of `rest` if that is earlier, and takes the bytes in between off `rest`. Returns the ID
    /// in them.
    pub(super) fn walk<'a>(&mut self, rest: &mut View<'a>) -> Option<View<'a>> {
        let before = rest.len();
        let mut id = None;
        loop {
            let Some(line) = rest.take_line() else {
                if rest.len() > 0 {
                    self.place = Place::Line;
                    *rest = rest.skip(rest.len());
                }
                break;
            };
            if line.len() == 0 && self.place != Place::Line {
                self.place = Place::Start;
                self.frame += 1;
                break;
            }
            self.place = Place::LineStart;
            // No other line of a frame begins so.
            if line.get(0) == Some(b'i') {
                id = Some(line.skip(b"id: ".len()));
            }
        }
        self.position += (before - rest.len()) as u64;
        id
    }
}

/// Frames that are ready to be written; from [`Ring::ready`].
///
/// # Examples
///
/// ```
/// use ssewire::{replay::Ring, Frame};
/// use std::io::Write;
///
/// let mut ring = Ring::new([0; 24]);
/// for reading in ["1", "2", "3"] {
///     ring.push(&Frame::new().data(reading))?; // 9 bytes each: the third wraps, and takes the place of the first
/// }
/// let ready = ring.ready(ring.oldest(), usize::MAX)?;
/// assert_eq!(ready.len(), 18);
/// let mut socket = Vec::new();
/// for slice in ready.bytes {
///     socket.write_all(slice)?;
/// }
/// assert_eq!(socket, b"data: 2\n\ndata: 3\n\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Ready<'r> {
    /// Their bytes. The second slice is empty unless the frames lie at the end and at the front of the ring. Both are empty if
    /// nothing is ready.
    pub bytes: [&'r [u8]; 2],
    /// The cursor after all of them.
    pub next: Cursor,
}

impl Ready<'_> {
    /// Returns the number of bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        let [front, back] = self.bytes;
        front.len() + back.len()
    }

    /// Returns whether nothing is ready.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Prints the bytes as [`lossy`] text.
impl fmt::Debug for Ready<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").field("bytes", &self.bytes.map(lossy)).field("next", &self.next).finish()
    }
}

/// Frames that a connection has not got are gone, because it was too slow.
///
/// Tell it with a [`Gap`](super::Gap) and go on at [`oldest`](Lagged::oldest), unless it is [`torn`](Lagged::torn).
///
/// # Examples
///
/// ```
/// use ssewire::{replay::Ring, Frame};
///
/// let mut ring = Ring::new([0; 24]);
/// let cursor = ring.oldest();
/// for reading in ["1", "2", "3"] {
///     ring.push(&Frame::new().data(reading))?;
/// }
/// let lagged = ring.ready(cursor, usize::MAX).unwrap_err();
/// assert_eq!((lagged.missed, lagged.torn, lagged.oldest), (1, false, ring.oldest()));
/// # Ok::<(), ssewire::BufferTooSmall>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Lagged {
    /// How many frames, comments among them, and the torn one too.
    pub missed: u64,
    /// The first of them was written in part. Only one thing is right then: to close the connection, since anything written
    /// after half a frame would become a part of it. A reader drops the half, and comes again with its last event ID.
    pub torn: bool,
    /// A cursor at the oldest frame that is held.
    pub oldest: Cursor,
}

impl fmt::Display for Lagged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not by `u64`'s own `Display`, which has a panic in it.
        digits(self.missed).try_for_each(|digit| lossy(digit).fmt(f))?;
        f.write_str(if self.torn { " frames missed, the first of them written in part" } else { " frames missed" })
    }
}

impl core::error::Error for Lagged {}

/// The place of a frame with a numbered ID.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub position: u64,
    pub frame: u64,
    pub number: Number,
}

impl Mark {
    const ZERO: Mark = Mark { position: 0, frame: 0, number: Number::NONE };

    pub(super) const fn cursor(&self) -> Cursor {
        Cursor { position: self.position, frame: self.frame, place: Place::Start }
    }
}

/// All of a ring but its bytes, for storage of every kind and size: its code is there once.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// The oldest frame that is held.
    pub oldest: Cursor,
    /// Its index in the storage.
    start: usize,
    /// Bytes held.
    len: usize,
    /// Frames ever pushed.
    pub frames: u64,
    /// The ID of the last frame dropped that had one.
    pub dropped: Key,
    /// The one with an ID before that had the same.
    pub dropped_again: bool,
    /// Frames without an ID were dropped after that.
    pub dropped_more: bool,
    /// A number was followed by a smaller one: the IDs have no order.
    pub unordered: bool,
    /// The largest number pushed.
    pub largest: Number,
    /// The index of the newest mark.
    mark: usize,
}

impl State {
    const fn new() -> State {
        State {
            oldest: Cursor { position: 0, frame: 0, place: Place::Start },
            start: 0,
            len: 0,
            frames: 0,
            dropped: Key::NONE,
            dropped_again: false,
            dropped_more: false,
            unordered: false,
            largest: Number::NONE,
            mark: 0,
        }
    }

    pub(super) const fn live(&self) -> Cursor {
        Cursor { position: self.oldest.position + self.len as u64, frame: self.frames, place: Place::Start }
    }

    /// Returns the bytes from the cursor to the end, if all of them are held.
    pub(super) fn after<'r>(&self, bytes: &'r [u8], cursor: &Cursor) -> Option<View<'r>> {
        let offset = cursor.position.checked_sub(self.oldest.position)?;
        // A cursor beyond the end is of another ring.
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        Some(View::new(bytes, self.start, self.len).skip(offset))
    }

    /// Returns the error for a cursor whose place is gone.
    fn lagged(&self, cursor: &Cursor) -> Lagged {
        Lagged {
            missed: self.oldest.frame.saturating_sub(cursor.frame),
            torn: cursor.place != Place::Start,
            oldest: self.oldest,
        }
    }

    fn check(&self, cursor: &Cursor) -> Result<(), Lagged> {
        if cursor.position < self.oldest.position {
            return Err(self.lagged(cursor));
        }
        Ok(())
    }

    fn ready<'r>(&self, bytes: &'r [u8], cursor: &Cursor, limit: usize) -> Result<Ready<'r>, Lagged> {
        let Some(all) = self.after(bytes, cursor) else { return Err(self.lagged(cursor)) };
        let mut next = self.live();
        let mut taken = all.len();
        if taken > limit {
            let mut rest = all;
            next = *cursor;
            taken = 0;
            loop {
                let mut after = next;
                after.walk(&mut rest);
                let len = all.len() - rest.len();
                // The first frame alone may be longer.
                if len > limit && taken > 0 {
                    break;
                }
                next = after;
                taken = len;
                if len >= limit {
                    break;
                }
            }
        }
        Ok(Ready { bytes: all.take(taken).halves(), next })
    }

    fn advance(&self, bytes: &[u8], cursor: &Cursor, written: usize) -> Result<Cursor, Lagged> {
        let Some(rest) = self.after(bytes, cursor) else {
            let mut lagged = self.lagged(cursor);
            lagged.torn |= written > 0;
            return Err(lagged);
        };
        let mut rest = rest.take(written);
        let mut cursor = *cursor;
        while rest.len() > 0 {
            cursor.walk(&mut rest);
        }
        Ok(cursor)
    }

    fn push(&mut self, bytes: &mut [u8], frame: &Frame<'_>, needed: usize, marks: &mut [Mark], spacing: usize) {
        if needed == 0 {
            return;
        }
        let (front, back) = self.make_room(bytes, needed);
        frame.write_measured(front, back);
        self.commit(needed, frame, marks, spacing);
    }

    fn push_fmt(
        &mut self,
        bytes: &mut [u8],
        frame: &FormattedFrame<'_>,
        needed: usize,
        marks: &mut [Mark],
        spacing: usize,
    ) -> Result<(), FormatError> {
        let (front, back) = self.make_room(bytes, needed);
        let len = frame.write_to_halves(front, back)?;
        if len > needed {
            return Err(FormatError::Format);
        }
        self.commit(len, frame.frame(), marks, spacing);
        Ok(())
    }

    /// Drops frames until there is room for `needed` bytes, of which there must be as many in all. Returns that room.
    fn make_room<'b>(&mut self, bytes: &'b mut [u8], needed: usize) -> (&'b mut [u8], &'b mut [u8]) {
        while bytes.len() - self.len < needed && self.len > 0 {
            let mut rest = View::new(bytes, self.start, self.len);
            let id = self.oldest.walk(&mut rest);
            self.start = wrap(self.start + self.len - rest.len(), bytes.len());
            self.len = rest.len();
            self.dropped_more = id.is_none();
            if let Some(id) = id {
                let key = Key::of(id.trim());
                self.dropped_again = self.dropped == key;
                self.dropped = key;
            }
        }
        let end = wrap(self.start + self.len, bytes.len());
        let Some((low, high)) = bytes.split_at_mut_checked(end) else { return Default::default() };
        let in_high = needed.min(high.len());
        let high = high.get_mut(..in_high).unwrap_or_default();
        let low = low.get_mut(..needed - in_high).unwrap_or_default();
        (high, low)
    }

    /// Counts a frame that was written, with its ID.
    fn commit(&mut self, len: usize, frame: &Frame<'_>, marks: &mut [Mark], spacing: usize) {
        let at = self.live();
        self.len += len;
        self.frames += 1;
        let number = match frame.id {
            None => Number::NONE,
            Some(Id::Number(number)) => Number::single(number),
            Some(Id::Bytes(id)) => Number::of(View::of(id).trim()),
        };
        if number.is_none() {
            return;
        }
        if number < self.largest {
            self.unordered = true;
        } else {
            self.largest = number;
        }
        let Some(last) = marks.get(self.mark) else { return };
        if at.position - last.position >= spacing as u64 {
            self.mark += 1;
            if self.mark >= marks.len() {
                self.mark = 0;
            }
            if let Some(mark) = marks.get_mut(self.mark) {
                *mark = Mark { position: at.position, frame: at.frame, number };
            }
        }
    }

    /// Joins the bytes after the storage has grown from `before` bytes.
    fn unwrap(&mut self, bytes: &mut [u8], before: usize) {
        if self.start + self.len > before {
            let bytes = bytes.get_mut(..before).unwrap_or_default();
            bytes.rotate_left(self.start.min(bytes.len()));
            self.start = 0;
        }
    }
}
