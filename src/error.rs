use core::fmt;

use crate::scan;

/// A field of the event stream format, by the names the standard gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt-v1", derive(defmt::Format))]
pub enum Field {
    /// `event`: the event's type.
    Event,
    /// `data`: a line of the event's data.
    Data,
    /// `id`: the last event ID from this event on.
    Id,
    /// `retry`: the reconnection time.
    Retry,
}

impl Field {
    /// The field's name as it stands before the colon, in ASCII.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Field::Event => "event",
            Field::Data => "data",
            Field::Id => "id",
            Field::Retry => "retry",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What can go wrong. A stream, however hostile, can cause [`Overflow`](Error::Overflow) and nothing else; the
/// others answer a caller's own values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt-v1", derive(defmt::Format))]
pub enum Error {
    /// An event outgrew the parser's buffer.
    ///
    /// It is reported once per event, as soon as it is known; the event is skipped and the next one delivered. See
    /// [`Parser`](crate::Parser#capacity) for what fits.
    Overflow {
        /// The field that did not fit.
        field: Field,
        /// Bytes that the buffer would have to hold for what has been seen of this event; the whole may need more.
        needed: usize,
        /// Bytes that it can hold.
        capacity: usize,
    },
    /// A value holds a byte that its field cannot carry: CR or LF in an event type or ID, NUL in an ID.
    InvalidByte {
        /// The field that the value was meant for.
        field: Field,
        /// The offending byte.
        byte: u8,
        /// Its index in the value, in bytes.
        position: usize,
    },
    /// A `Display` among the caller's values failed while it was written.
    Format,
    /// The slice to write to is too small. Nothing was written.
    BufferTooSmall {
        /// Bytes that the frame takes.
        needed: usize,
        /// Bytes that the slice has.
        len: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Error::Overflow { field, needed, capacity } => write!(
                f,
                "event too large: with this {field} it takes at least {needed} bytes, the buffer holds {capacity}"
            ),
            Error::InvalidByte { field, byte, position } => {
                write!(f, "byte {byte:#04x} at {position} cannot be in field {field}")
            }
            Error::Format => f.write_str("a value failed to format itself"),
            Error::BufferTooSmall { needed, len } => {
                write!(f, "frame takes {needed} bytes, the slice has {len}")
            }
        }
    }
}

impl core::error::Error for Error {}

/// Checks that `value` can be the value of `field`: an event type or an ID.
#[inline(always)]
pub(crate) fn check(field: Field, value: &[u8]) -> Result<(), Error> {
    match invalid(field, value) {
        None => Ok(()),
        Some(position) => {
            Err(Error::InvalidByte { field, byte: value.get(position).copied().unwrap_or_default(), position })
        }
    }
}

/// Where the first byte is that `field` cannot carry. Not inlined, so that the builders of a frame are, and the frame
/// stays in registers: a small event is written in 18 ns, against 36.
#[inline(never)]
fn invalid(field: Field, value: &[u8]) -> Option<usize> {
    match field {
        Field::Id => scan::line_end_or_nul(value),
        _ => scan::line_end(value),
    }
}
