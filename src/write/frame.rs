use core::fmt;
use core::hash::{Hash, Hasher};

use super::number::digits;
use crate::error::InvalidByte;
use crate::field::Field;
use crate::text::lossy;

/// A block to write to an event stream: an event, a comment, a reconnection time, or several of these.
///
/// A frame cannot inject anything: CR and LF are rejected in an event type and an ID, NUL in an ID. Data and comments are split
/// into lines at CR, LF and CRLF, and a reader sees each of these as LF. Values should be UTF-8; a reader sees U+FFFD in place
/// of invalid parts. An empty frame is written as nothing.
///
/// All ways to write a frame give the same bytes, in this order: `: comment`, `event: type`, `id: ID`, `retry: milliseconds`,
/// `data: line`, and a blank line, **which stands only at the end**. A space always follows the colon, since a value may begin
/// with one of its own. It contains no CR, and only the line of the ID begins with `i`: [`replay`](crate::replay) finds frames
/// and their IDs in the bytes by these rules.
///
/// Standard: [9.2.5 Parsing an event stream](https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream).
///
/// # Examples
///
/// ```
/// use ssewire::Frame;
///
/// let frame = Frame::new().event_type("temperature")?.id("42")?.data("21.5\n22");
/// let mut tx = [0; 128];
/// let n = frame.write_to_slice(&mut tx)?;
/// assert_eq!(&tx[..n], b"event: temperature\nid: 42\ndata: 21.5\ndata: 22\n\n");
/// assert_eq!(Frame::new().retry(3000).to_string(), "retry: 3000\n\n");
/// assert_eq!(Frame::new().comment("keep-alive").to_string(), ": keep-alive\n\n");
/// # Ok::<(), ssewire::Error>(())
/// ```
#[doc(alias = "MessageEvent")]
#[doc(alias = "codec")]
#[doc(alias = "text/event-stream")]
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
#[must_use]
pub struct Frame<'a> {
    pub(crate) comment: Option<&'a [u8]>,
    pub(crate) event_type: Option<&'a [u8]>,
    pub(crate) id: Option<Id<'a>>,
    pub(crate) retry: Option<u64>,
    pub(crate) data: Option<&'a [u8]>,
}

/// The ID of a frame. A number is the same ID as its digits.
#[derive(Clone, Copy)]
pub(crate) enum Id<'a> {
    Bytes(&'a [u8]),
    Number(u64),
}

impl<'a> Frame<'a> {
    /// Returns an empty frame.
    #[inline]
    pub const fn new() -> Frame<'a> {
        Frame { comment: None, event_type: None, id: None, retry: None, data: None }
    }

    /// Sets the event type. Without one, or with an empty one, the event is of type `message`.
    ///
    /// # Errors
    ///
    /// [`InvalidByte`] if it holds CR or LF.
    #[inline(always)]
    pub fn event_type<T: AsRef<[u8]> + ?Sized>(mut self, event_type: &'a T) -> Result<Frame<'a>, InvalidByte> {
        let event_type = event_type.as_ref();
        InvalidByte::check(Field::Event, event_type)?;
        self.event_type = Some(event_type);
        Ok(self)
    }

    /// Sets the ID, which is the last event ID from this event on. An empty one clears it.
    ///
    /// # Errors
    ///
    /// [`InvalidByte`] if it holds CR, LF or NUL.
    #[inline(always)]
    pub fn id<T: AsRef<[u8]> + ?Sized>(self, id: &'a T) -> Result<Frame<'a>, InvalidByte> {
        let id = id.as_ref();
        InvalidByte::check(Field::Id, id)?;
        Ok(self.valid_id(id))
    }

    /// Sets the ID to one that holds none of these bytes.
    pub(crate) const fn valid_id(mut self, id: &'a [u8]) -> Frame<'a> {
        self.id = Some(Id::Bytes(id));
        self
    }

    /// Sets the ID to the decimal digits of `number`. They need no memory: each way to write the frame makes them as it goes.
    ///
    /// # Examples
    ///
    /// ```
    /// use ssewire::Frame;
    ///
    /// assert_eq!(Frame::new().id_number(42).data("x").to_string(), "id: 42\ndata: x\n\n");
    /// assert_eq!(Frame::new().id_number(42), Frame::new().id("42")?);
    /// # Ok::<(), ssewire::InvalidByte>(())
    /// ```
    #[inline]
    pub const fn id_number(mut self, number: u64) -> Frame<'a> {
        self.id = Some(Id::Number(number));
        self
    }

    /// Sets the data, possibly empty. A block without data is not an event.
    #[inline]
    pub fn data<T: AsRef<[u8]> + ?Sized>(mut self, data: &'a T) -> Frame<'a> {
        self.data = Some(data.as_ref());
        self
    }

    /// Sets the reconnection time, in milliseconds.
    #[inline]
    pub const fn retry(mut self, milliseconds: u64) -> Frame<'a> {
        self.retry = Some(milliseconds);
        self
    }

    /// Sets a comment, which readers ignore: alone it keeps a connection alive.
    #[doc(alias = "keep-alive")]
    #[doc(alias = "heartbeat")]
    #[inline]
    pub fn comment<T: AsRef<[u8]> + ?Sized>(mut self, comment: &'a T) -> Frame<'a> {
        self.comment = Some(comment.as_ref());
        self
    }
}

/// Prints the values as [`lossy`] text.
impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Frame { comment, event_type, id, retry, data } = self;
        f.debug_struct("Frame")
            .field("comment", &comment.map(lossy))
            .field("event_type", &event_type.map(lossy))
            .field("id", id)
            .field("retry", retry)
            .field("data", &data.map(lossy))
            .finish()
    }
}

impl Id<'_> {
    /// Returns the bytes of the ID.
    fn bytes(&self) -> impl Iterator<Item = u8> + '_ {
        let (bytes, number) = match *self {
            Id::Bytes(bytes) => (bytes, None),
            Id::Number(number) => (&b""[..], Some(number)),
        };
        bytes.iter().copied().chain(number.into_iter().flat_map(digits).flatten().copied())
    }
}

impl PartialEq for Id<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Id::Bytes(one), Id::Bytes(other)) => one == other,
            (Id::Number(one), Id::Number(other)) => one == other,
            _ => self.bytes().eq(other.bytes()),
        }
    }
}

impl Eq for Id<'_> {}

impl Hash for Id<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // By bytes, since a number is equal to its digits.
        self.bytes().for_each(|byte| state.write_u8(byte));
        state.write_u8(0xff);
    }
}

/// Prints the text, as [`lossy`] does, or the digits likewise.
impl fmt::Debug for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Id::Bytes(bytes) => lossy(bytes).fmt(f),
            Id::Number(number) => write!(f, "\"{number}\""),
        }
    }
}
