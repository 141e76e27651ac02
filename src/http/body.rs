use core::fmt;

/// The body of an HTTP/1 response, taken out of the bytes of its connection without copying, for a transport without an HTTP
/// stack. [`Head::body`](crate::client::Head::body) returns the one that a response has.
///
/// Of the chunked coding, extensions and trailers are skipped. A line may end with LF alone, as some servers write it. A few bytes
/// of state; nothing is collected, whatever the lengths.
///
/// Standard: [RFC 9112, 6.3 and 7.1](https://www.rfc-editor.org/rfc/rfc9112#section-6.3).
///
/// # Examples
///
/// ```
/// use ssewire::http::Body;
///
/// let mut body = Body::chunked();
/// let mut text = Vec::new();
/// for received in [&b"8\r\nda"[..], b"ta: 1\n\r\n1\r", b"\n\n\r\n0\r\n\r\n"] {
///     let mut input = received;
///     while let Some(piece) = body.next(&mut input)? {
///         text.extend_from_slice(piece);
///     }
/// }
/// assert_eq!(text, b"data: 1\n\n");
/// assert!(body.is_ended());
/// # Ok::<(), ssewire::http::InvalidChunk>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    state: State,
    /// The rest of the body or chunk, in bytes.
    left: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// All bytes of the connection.
    UntilEnd,
    /// A body of known length.
    Length,
    /// Before the first digit of a size.
    SizeStart,
    Size,
    /// After a size, up to the line end.
    Extension,
    /// After the CR of a size.
    SizeEnd,
    Data,
    /// After the data of a chunk: CR and LF, or LF.
    DataEnd,
    DataEndCr,
    /// At the start of a line of the trailer.
    Trailer,
    TrailerLine,
    /// After the CR of the last line.
    TrailerEnd,
    Ended,
}

/// A body is not in chunked coding.
///
/// # Examples
///
/// ```
/// use ssewire::http::{Body, InvalidChunk};
///
/// let mut input: &[u8] = b"data: 1\n\n"; // no size of a chunk
/// assert_eq!(Body::chunked().next(&mut input), Err(InvalidChunk { byte: b't' }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct InvalidChunk {
    /// The byte that cannot stand where it stands, or a digit that makes the chunk's size larger than [`u64::MAX`].
    pub byte: u8,
}

impl Body {
    /// Returns a body that ends with its connection.
    #[must_use]
    pub const fn until_end() -> Body {
        Body { state: State::UntilEnd, left: 0 }
    }

    /// Returns a body of `len` bytes.
    #[must_use]
    pub const fn with_length(len: u64) -> Body {
        Body { state: if len == 0 { State::Ended } else { State::Length }, left: len }
    }

    /// Returns a body in chunked coding.
    #[must_use]
    pub const fn chunked() -> Body {
        Body { state: State::SizeStart, left: 0 }
    }

    /// Returns the next piece of the body in `input`, or `None` when all of it is used or the body has ended. Takes the bytes
    /// that it uses off the front of `input`. No piece is empty. Bytes after the end of the body are left in `input`.
    ///
    /// # Errors
    ///
    /// [`InvalidChunk`] at the first byte that is not of the chunked coding; so does every later call. The connection is of no
    /// more use then. Pieces before it were returned, so the events in them are not lost.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn next<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<&'i [u8]>, InvalidChunk> {
        while let Some((&byte, rest)) = input.split_first() {
            if let State::UntilEnd = self.state {
                return Ok(Some(core::mem::take(input)));
            }
            if let State::Data | State::Length = self.state {
                let len = usize::try_from(self.left).unwrap_or(usize::MAX).min(input.len());
                let (piece, rest) = input.split_at_checked(len).unwrap_or_default();
                *input = rest;
                self.left -= len as u64;
                if self.left == 0 {
                    self.state = if self.state == State::Data { State::DataEnd } else { State::Ended };
                }
                return Ok(Some(piece));
            }
            self.state = match (self.state, byte) {
                (State::Ended, _) => return Ok(None),
                (State::SizeStart | State::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') if self.left >> 60 == 0 => {
                    let digit = if byte <= b'9' { byte - b'0' } else { (byte | 0x20) - b'a' + 10 };
                    self.left = self.left << 4 | u64::from(digit);
                    State::Size
                }
                (State::Size, b'\r') => State::SizeEnd,
                (State::Size, b';' | b' ' | b'\t') => State::Extension,
                (State::Size | State::SizeEnd | State::Extension, b'\n') if self.left == 0 => State::Trailer,
                (State::Size | State::SizeEnd | State::Extension, b'\n') => State::Data,
                (State::Extension, _) => State::Extension,
                (State::DataEnd, b'\r') => State::DataEndCr,
                (State::DataEnd | State::DataEndCr, b'\n') => State::SizeStart,
                (State::Trailer, b'\r') => State::TrailerEnd,
                (State::Trailer | State::TrailerEnd, b'\n') => State::Ended,
                (State::TrailerLine, b'\n') => State::Trailer,
                (State::Trailer | State::TrailerLine, _) => State::TrailerLine,
                _ => return Err(InvalidChunk { byte }),
            };
            *input = rest;
        }
        Ok(None)
    }

    /// Returns whether the body has ended regularly, by its length or its last chunk. One that ends with its connection never
    /// has; any other one was cut if the connection ends before.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Returns whether the end of the connection is the regular end of the body.
    #[must_use]
    pub fn ends_with_connection(&self) -> bool {
        self.state == State::UntilEnd
    }
}

impl fmt::Display for InvalidChunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid byte {:#04x} in the chunked coding", self.byte)
    }
}

impl core::error::Error for InvalidChunk {}
