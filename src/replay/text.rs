//! The texts that a ring makes: IDs, and the event that tells of a gap.

use core::fmt;

use super::ring::{Lagged, Ring};
use crate::storage::Storage;
use crate::text::lossy;
use crate::write::{Frame, digits};

/// The type of the event that tells a client that it has missed some: `gap`.
pub const GAP: &str = "gap";

/// The event that tells a client that it has missed some.
///
/// It is of type [`gap`](GAP), and its data is the number of frames missed, or `unknown`. It has no ID, so the client keeps its
/// own. It is not a part of the ring: write it to that one connection, before the frames that follow the gap.
///
/// In a browser:
///
/// ```js
/// source.addEventListener("gap", event => reload(event.data));   // "17" or "unknown"
/// ```
///
/// # Examples
///
/// ```
/// use ssewire::replay::Gap;
///
/// assert_eq!(Gap::new(Some(17)).frame().to_string(), "event: gap\ndata: 17\n\n");
/// assert_eq!(Gap::new(None).frame().to_string(), "event: gap\ndata: unknown\n\n");
/// ```
#[derive(Clone, Copy)]
#[must_use]
pub struct Gap(Text<20>);

impl Gap {
    /// Returns the event for `missed` frames, or for a number that is not known, as after [`Resume::Gone`](super::Resume).
    pub fn new(missed: Option<u64>) -> Gap {
        let mut text = Text::new();
        match missed {
            Some(missed) => text.push_number(missed),
            None => b"unknown".chunks(1).for_each(|byte| text.push(byte)),
        }
        Gap(text)
    }

    /// Returns the frame to write.
    pub fn frame(&self) -> Frame<'_> {
        Frame { event_type: Some(GAP.as_bytes()), data: Some(self.0.as_bytes()), ..Frame::new() }
    }
}

/// The event for the frames missed.
impl From<Lagged> for Gap {
    fn from(lagged: Lagged) -> Gap {
        Gap::new(Some(lagged.missed))
    }
}

impl fmt::Debug for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gap").field(&lossy(self.0.as_bytes())).finish()
    }
}

/// An ID for the next frame of a ring, as `1732000000-17`: from [`Ring::next_id`], for [`Frame::ring_id`].
///
/// # Examples
///
/// ```
/// use ssewire::{replay::Ring, Frame};
///
/// let ring = Ring::new([0; 64]);
/// let id = ring.next_id(1732000000);
/// assert_eq!(id.to_string(), "1732000000-1");
/// assert_eq!(Frame::new().ring_id(&id).to_string(), "id: 1732000000-1\n\n");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RingId(Text<41>);

impl<'a> Frame<'a> {
    /// Sets the ID to one that a ring has made. Unlike [`id`](Frame::id) it cannot fail.
    ///
    /// # Examples
    ///
    /// ```
    /// use ssewire::{replay::Ring, Frame};
    ///
    /// let mut ring = Ring::new([0; 64]);
    /// let id = ring.next_id(3);
    /// ring.push(&Frame::new().ring_id(&id).data("x"))?;
    /// assert_eq!(ring.next_id(3).to_string(), "3-2");
    /// # Ok::<(), ssewire::BufferTooSmall>(())
    /// ```
    pub fn ring_id(self, id: &'a RingId) -> Frame<'a> {
        self.valid_id(id.as_ref())
    }
}

impl AsRef<[u8]> for RingId {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Display for RingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        lossy(self.0.as_bytes()).fmt(f)
    }
}

impl fmt::Debug for RingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RingId").field(&lossy(self.0.as_bytes())).finish()
    }
}

impl<S: Storage, const MARKS: usize> Ring<S, MARKS> {
    /// Returns an ID for the frame that is pushed next: `epoch-sequence`, where the sequence counts the frames of the ring.
    ///
    /// The epoch is a number that is larger after each restart, such as a boot count that is stored, or the time of the start
    /// in seconds. So a client that comes with an ID of an earlier run is told [`Gone`](super::Resume::Gone), also when the
    /// sequence has passed its number again.
    ///
    /// # Panics
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// ```
    /// use ssewire::replay::{Resume, Ring};
    /// use ssewire::Frame;
    ///
    /// let boot_count = 3;
    /// let mut ring = Ring::new([0; 64]);
    /// let id = ring.next_id(boot_count);
    /// ring.push(&Frame::new().ring_id(&id).data("x"))?;
    /// assert_eq!(id.to_string(), "3-1");
    /// assert_eq!(ring.since(b"3-1"), Resume::From(ring.live()));
    /// assert_eq!(ring.since(b"2-500"), Resume::Gone);
    /// # Ok::<(), ssewire::BufferTooSmall>(())
    /// ```
    #[must_use]
    pub fn next_id(&self, epoch: u64) -> RingId {
        let mut text = Text::new();
        text.push_number(epoch);
        text.push(b"-");
        text.push_number(self.next_number());
        RingId(text)
    }
}

/// Text of up to `N` bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Text<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Text<N> {
    const fn new() -> Text<N> {
        Text { bytes: [0; N], len: 0 }
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Appends one byte.
    fn push(&mut self, byte: &[u8]) {
        if let (Some(target), Some(byte)) = (self.bytes.get_mut(self.len), byte.first()) {
            *target = *byte;
            self.len += 1;
        }
    }

    fn push_number(&mut self, number: u64) {
        digits(number).for_each(|digit| self.push(digit));
    }
}
