//! From a last event ID to a place in the ring.

use super::key::{Key, Number};
use super::ring::{Cursor, Mark, Ring, State};
use super::view::View;
use crate::storage::Storage;

/// How a connection that comes with a last event ID goes on; from [`Ring::since`].
///
/// # Examples
///
/// ```
/// use ssewire::{replay::{Resume, Ring}, Frame};
///
/// let mut ring = Ring::new([0; 64]);
/// ring.push(&Frame::new().id_number(7).data("21.5"))?;
/// let last_event_id = b"7"; // of the request
/// let (cursor, has_gap) = match ring.since(last_event_id) {
///     Resume::Start => (ring.live(), false),
///     Resume::From(cursor) => (cursor, false),
///     Resume::Gone | Resume::Unknown => (ring.oldest(), true),
/// };
/// assert_eq!((cursor, has_gap), (ring.live(), false));
/// # Ok::<(), ssewire::BufferTooSmall>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Resume {
    /// It has no last event ID, since it got none: begin at [`Ring::oldest`] or [`Ring::live`], as you like.
    Start,
    /// From here on, with nothing missed.
    From(Cursor),
    /// Something after that ID is gone. Begin at [`Ring::oldest`], and tell it with a [`Gap`](super::Gap).
    Gone,
    /// The ID is gone, or was never in this ring. Begin as for [`Gone`](Resume::Gone).
    Unknown,
}

impl<S: Storage, const MARKS: usize> Ring<S, MARKS> {
    /// Returns where a connection goes on that got everything up to `last_event_id`: the value of the request's
    /// `Last-Event-ID` header, empty if it has none.
    ///
    /// | last event ID | result |
    /// |---|---|
    /// | none, empty or white space | `Start` |
    /// | that of the newest frame | `From(live)`: nothing |
    /// | that of a frame that is held | `From` the frame after it. Frames without an ID that follow it are sent again |
    /// | that of several frames in a row | `From` the frame after the first of them: rather twice than never. As a dropped one if that is gone |
    /// | that of several frames with others in between | the same, for the newest of these rows |
    /// | an ascending number between two others | `From` the frame after the newest that is smaller |
    /// | an ascending number, dropped, and nothing dropped after it | `From(oldest)`: nothing was missed |
    /// | an ascending number, dropped, and frames after it too | `Gone` |
    /// | an ascending number smaller than all | `Gone` |
    /// | an ascending number larger than all | `Unknown`: of another ring, or of a count that began again |
    /// | any other text that is not held | `Unknown` |
    ///
    /// An ID is a number if it is one as `17` or a pair as `3-17`, without a sign or zeros in front, up to [`u64::MAX`] each. A
    /// single number is the second of a pair whose first is 0. Numbers may leave some out and stand beside text, but must
    /// ascend: after one that was smaller than one before it, the ring takes all IDs as text. Then none is `Gone`, only
    /// `Unknown`. IDs are compared without spaces and tabs around them, which HTTP takes off a header's value. An ID that is not
    /// valid UTF-8 comes back with U+FFFD and so is `Unknown`.
    ///
    /// A count that began again after a restart meets the IDs of the old count, and then resumes in the wrong place. A pair
    /// whose first number is larger after each restart does not: see [`next_id`](Ring::next_id).
    ///
    /// It takes time linear in the bytes held; for ascending numbers, in the bytes held by one part in `MARKS`.
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
    /// let mut ring = Ring::new([0; 48]);
    /// for id in ["7", "8", "9", "10"] {
    ///     ring.push(&Frame::new().id(id)?.data("x"))?; // the first is dropped for the last
    /// }
    /// let Resume::From(cursor) = ring.since(b"9") else { panic!() };
    /// assert_eq!(ring.ready(cursor, usize::MAX)?.bytes.concat(), b"id: 10\ndata: x\n\n");
    /// assert_eq!(ring.since(b"10"), Resume::From(ring.live()));
    /// assert_eq!(ring.since(b"7"), Resume::From(ring.oldest()));
    /// assert_eq!(ring.since(b"6"), Resume::Gone);
    /// assert_eq!(ring.since(b"11"), Resume::Unknown);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn since(&self, last_event_id: &[u8]) -> Resume {
        self.state.since(self.storage.bytes(), &self.marks, last_event_id)
    }
}

impl State {
    fn since(&self, bytes: &[u8], marks: &[Mark], last_event_id: &[u8]) -> Resume {
        let wanted = View::of(last_event_id).trim();
        if wanted.len() == 0 {
            return Resume::Start;
        }
        let key = Key::of(wanted);
        let number = key.number;
        let ordered = !number.is_none() && !self.unordered;
        if ordered && number > self.largest {
            return Resume::Unknown;
        }
        let mut cursor = self.oldest;
        // The place to go on from: after the first of the newest row of frames with that ID, or else after the newest that is
        // smaller.
        let mut found = None;
        // In such a row.
        let mut matching = false;
        // A place that is found is right.
        let mut certain = ordered;
        if let Some(mark) = self.mark_before(marks, number).filter(|_| ordered) {
            // It is smaller, so the row begins after it.
            cursor = mark.cursor();
        } else {
            let dropped = self.dropped;
            // The row may begin among the frames that are gone. With others of it gone too, no place is known.
            matching = dropped == key;
            let is_smaller = ordered && dropped.number < number && !dropped.number.is_none();
            if !self.dropped_more && if matching { !self.dropped_again } else { is_smaller } {
                found = Some(cursor);
            }
        }
        let Some(mut rest) = self.after(bytes, &cursor) else { return Resume::Unknown };
        while rest.len() > 0 {
            let Some(id) = cursor.walk(&mut rest) else { continue };
            let id = id.trim();
            let id_number = if number.is_none() { number } else { Number::of(id) };
            if id_number == number && (!number.is_none() || id == wanted) {
                if !matching {
                    found = Some(cursor);
                }
                matching = true;
                certain = true;
                continue;
            }
            matching = false;
            if !certain {
                // The frame that is gone had another text with the same hash, or its row ended.
                found = None;
            }
            if ordered && !id_number.is_none() {
                if id_number > number {
                    break;
                }
                found = Some(cursor);
            }
        }
        match found {
            Some(cursor) if certain => Resume::From(cursor),
            None if ordered => Resume::Gone,
            _ => Resume::Unknown,
        }
    }

    /// Returns the newest mark that is held and whose number is smaller.
    fn mark_before<'m>(&self, marks: &'m [Mark], number: Number) -> Option<&'m Mark> {
        let is_before = |mark: &&Mark| mark.position >= self.oldest.position && mark.number < number;
        marks.iter().filter(is_before).max_by_key(|mark| mark.position)
    }
}
