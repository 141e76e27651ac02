use core::fmt;
use core::str::Utf8Error;

use crate::bytes::{line_end, line_end_or_nul};
use crate::field::Field;

/// An event is larger than the parser's buffer.
///
/// A stream, however hostile, causes no other error. It is reported once per event, as soon as it is known. The event is
/// skipped, and the next one is delivered. [`Parser`](crate::Parser#capacity) states the rule.
///
/// # Examples
///
/// ```
/// use ssewire::{Field, Overflow, Parser};
///
/// let mut parser = Parser::<[u8; 8]>::new();
/// let mut input: &[u8] = b"data: 123456789\n\ndata: 1\n\n";
/// let overflow = parser.next(&mut input).unwrap_err();
/// assert_eq!(overflow, Overflow { field: Field::Data, needed: 9, capacity: 8 });
/// // The loop goes on, with the same input.
/// assert_eq!(parser.next(&mut input)?.unwrap().data(), b"1");
/// # Ok::<(), Overflow>(())
/// ```
#[doc(alias = "PayloadTooLarge")]
#[doc(alias = "limit")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Overflow {
    /// The field whose value did not fit.
    pub field: Field,
    /// The bytes that the buffer would have to hold for the part of the event that was read. All of it may need more.
    pub needed: usize,
    /// The bytes that the buffer can hold.
    pub capacity: usize,
}

/// A value holds a byte that its field cannot carry: CR or LF in an event type or ID, NUL in an ID.
///
/// # Examples
///
/// ```
/// use ssewire::{Field, Frame, InvalidByte};
///
/// let error = Frame::new().id("4\n2").unwrap_err();
/// assert_eq!(error, InvalidByte { field: Field::Id, byte: b'\n', position: 1 });
/// assert_eq!(error.to_string(), "invalid byte 0x0a at position 1 of `id`");
/// ```
#[doc(alias = "injection")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct InvalidByte {
    /// The field that the value was meant for.
    pub field: Field,
    /// The first such byte.
    pub byte: u8,
    /// Its index in the value, in bytes.
    pub position: usize,
}

/// The memory to write to is too small.
///
/// # Examples
///
/// ```
/// use ssewire::{BufferTooSmall, Frame};
///
/// let mut tx = [0; 8];
/// let error = Frame::new().data("21.5").write_to_slice(&mut tx).unwrap_err();
/// assert_eq!(error, BufferTooSmall { needed: 12, capacity: 8 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BufferTooSmall {
    /// The bytes that are to be written.
    pub needed: usize,
    /// The bytes that there is room for.
    pub capacity: usize,
}

/// An ID cannot be the last event ID of a parser; from [`set_last_event_id`](crate::Parser::set_last_event_id).
///
/// # Examples
///
/// ```
/// use ssewire::{IdError, Parser};
///
/// let mut parser = Parser::<[u8; 8]>::new();
/// assert!(matches!(parser.set_last_event_id(b"4\r2"), Err(IdError::InvalidByte(error)) if error.position == 1));
/// assert!(matches!(parser.set_last_event_id(b"123456789"), Err(IdError::Overflow(error)) if error.needed == 9));
/// assert_eq!(parser.last_event_id(), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum IdError {
    /// It holds CR, LF or NUL.
    InvalidByte(InvalidByte),
    /// It is longer than the parser's buffer.
    Overflow(Overflow),
}

/// Formatted data cannot be written; from [`FormattedFrame::write_to_slice`](crate::FormattedFrame::write_to_slice).
///
/// # Examples
///
/// ```
/// use ssewire::{FormatError, Frame};
///
/// let mut tx = [0; 8];
/// let celsius = 21.537;
/// match Frame::new().data_fmt(format_args!("{celsius:.1}")).write_to_slice(&mut tx) {
///     Err(FormatError::BufferTooSmall(error)) => assert_eq!(error.needed, b"data: 21.5\n\n".len()),
///     result => panic!("{result:?}"),
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FormatError {
    /// A `Display` implementation among the caller's values returned an error.
    Format,
    /// The slice is too small.
    BufferTooSmall(BufferTooSmall),
}

/// A field of an event is not valid UTF-8; from [`Event::text`](crate::Event::text).
///
/// # Examples
///
/// ```
/// use ssewire::{Field, Parser};
///
/// let mut parser = Parser::<[u8; 64]>::new();
/// let mut input: &[u8] = b"data: 21\xb0\n\n";
/// let event = parser.next(&mut input)?.unwrap();
/// let error = event.text().unwrap_err();
/// assert_eq!((error.field, error.error.valid_up_to()), (Field::Data, 2));
/// assert_eq!(event.data(), b"21\xb0");
/// # Ok::<(), ssewire::Overflow>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotUtf8 {
    /// The field whose value it is.
    pub field: Field,
    /// The place of the first invalid byte in that value. It is the [`source`](core::error::Error::source) as well.
    pub error: Utf8Error,
}

/// Any error of this crate, for callers that want one type. Each function returns the narrower error that says only what
/// can happen there, and each of those converts into this one.
///
/// # Examples
///
/// ```
/// use ssewire::{Error, Event, Frame, Parser};
///
/// fn relay<'e>(event: Event<'e>, out: &mut [u8]) -> Result<usize, Error> {
///     let text = event.text()?;
///     Ok(Frame::new().event_type("relayed")?.data(text.data()).write_to_slice(out)?)
/// }
///
/// let mut parser = Parser::<[u8; 64]>::new();
/// let mut input: &[u8] = b"data: 21.5\n\n";
/// let event = parser.next(&mut input)?.unwrap();
/// let mut out = [0; 64];
/// assert_eq!(relay(event, &mut out)?, b"event: relayed\ndata: 21.5\n\n".len());
/// assert!(matches!(relay(event, &mut out[..8]), Err(Error::BufferTooSmall(_))));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// An event is larger than the parser's buffer.
    Overflow(Overflow),
    /// A value holds a byte that its field cannot carry.
    InvalidByte(InvalidByte),
    /// The memory to write to is too small.
    BufferTooSmall(BufferTooSmall),
    /// A `Display` implementation among the caller's values returned an error.
    Format,
    /// A field of an event is not valid UTF-8.
    NotUtf8(NotUtf8),
}

impl InvalidByte {
    /// Checks that `value` can be the value of `field`, an event type or an ID.
    #[inline(always)]
    pub(crate) fn check(field: Field, value: &[u8]) -> Result<(), InvalidByte> {
        match first_invalid(field, value) {
            None => Ok(()),
            Some(position) => {
                Err(InvalidByte { field, byte: value.get(position).copied().unwrap_or_default(), position })
            }
        }
    }
}

/// Returns the index of the first byte that `field` cannot carry.
// Not inlined, so that the builders of a frame are, and the frame stays in registers; see benches/README.md.
#[inline(never)]
fn first_invalid(field: Field, value: &[u8]) -> Option<usize> {
    match field {
        Field::Id => line_end_or_nul(value),
        _ => line_end(value),
    }
}

impl fmt::Display for Overflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Overflow { field, needed, capacity } = self;
        write!(
            f,
            "event too large for the buffer: `{field}` brings it to {needed} bytes or more, the capacity is {capacity}"
        )
    }
}

impl fmt::Display for InvalidByte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let InvalidByte { field, byte, position } = self;
        write!(f, "invalid byte {byte:#04x} at position {position} of `{field}`")
    }
}

impl fmt::Display for BufferTooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "buffer too small: {} bytes needed, the capacity is {}", self.needed, self.capacity)
    }
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IdError::InvalidByte(error) => error.fmt(f),
            IdError::Overflow(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FormatError::Format => f.write_str("a value could not be formatted"),
            FormatError::BufferTooSmall(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for NotUtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not valid UTF-8 after byte {}", self.field, self.error.valid_up_to())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Overflow(error) => error.fmt(f),
            Error::InvalidByte(error) => error.fmt(f),
            Error::BufferTooSmall(error) => error.fmt(f),
            Error::Format => FormatError::Format.fmt(f),
            Error::NotUtf8(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Overflow {}
impl core::error::Error for InvalidByte {}
impl core::error::Error for BufferTooSmall {}
impl core::error::Error for IdError {}
impl core::error::Error for FormatError {}

impl core::error::Error for NotUtf8 {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Error::NotUtf8(error) => core::error::Error::source(error),
            _ => None,
        }
    }
}

impl From<InvalidByte> for IdError {
    fn from(error: InvalidByte) -> IdError {
        IdError::InvalidByte(error)
    }
}

impl From<Overflow> for IdError {
    fn from(error: Overflow) -> IdError {
        IdError::Overflow(error)
    }
}

impl From<BufferTooSmall> for FormatError {
    fn from(error: BufferTooSmall) -> FormatError {
        FormatError::BufferTooSmall(error)
    }
}

impl From<Overflow> for Error {
    fn from(error: Overflow) -> Error {
        Error::Overflow(error)
    }
}

impl From<InvalidByte> for Error {
    fn from(error: InvalidByte) -> Error {
        Error::InvalidByte(error)
    }
}

impl From<BufferTooSmall> for Error {
    fn from(error: BufferTooSmall) -> Error {
        Error::BufferTooSmall(error)
    }
}

impl From<IdError> for Error {
    fn from(error: IdError) -> Error {
        match error {
            IdError::InvalidByte(error) => Error::InvalidByte(error),
            IdError::Overflow(error) => Error::Overflow(error),
        }
    }
}

impl From<FormatError> for Error {
    fn from(error: FormatError) -> Error {
        match error {
            FormatError::Format => Error::Format,
            FormatError::BufferTooSmall(error) => Error::BufferTooSmall(error),
        }
    }
}

impl From<fmt::Error> for Error {
    fn from(_: fmt::Error) -> Error {
        Error::Format
    }
}

impl From<NotUtf8> for Error {
    fn from(error: NotUtf8) -> Error {
        Error::NotUtf8(error)
    }
}
