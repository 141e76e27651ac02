//! Frames as text, and data formatted straight into the stream.

use core::fmt::{self, Write};

use super::frame::Frame;
#[cfg(feature = "alloc")]
use super::grow::Growing;
use super::parts::{END, one_line_len};
use crate::bytes::{FAST, line_end, put};
use crate::error::{BufferTooSmall, FormatError};
use crate::text::lossy;

impl<'a> Frame<'a> {
    /// Returns the frame with data that is formatted as it is written, in place of data in memory.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut tx = [0; 64];
    /// let celsius = 21.537;
    /// let n = ssewire::Frame::new().id("7")?.data_fmt(format_args!("{celsius:.1} °C")).write_to_slice(&mut tx)?;
    /// assert_eq!(core::str::from_utf8(&tx[..n]), Ok("id: 7\ndata: 21.5 °C\n\n"));
    /// # Ok::<(), ssewire::Error>(())
    /// ```
    #[inline]
    pub const fn data_fmt(mut self, data: fmt::Arguments<'a>) -> FormattedFrame<'a> {
        // An empty line of data stands for it: the writers put the text before its line end.
        self.data = Some(b"");
        FormattedFrame { frame: self, data }
    }
}

/// The wire form, with U+FFFD in place of invalid UTF-8, as a reader would decode it.
///
/// `write!(w, "{frame}")` writes it to any [`core::fmt::Write`].
impl fmt::Display for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A small frame is written at once, so that a string grows once.
        let mut small = [0; 128];
        let is_small = FAST && one_line_len(self) <= small.len();
        if let Some(len) = is_small.then(|| self.write_to_slice(&mut small).ok()).flatten() {
            return lossy(small.get(..len).unwrap_or_default()).fmt(f);
        }
        self.parts().try_for_each(|part| lossy(part).fmt(f))
    }
}

const NEXT_DATA: &str = "\ndata: ";

/// A [`Frame`] whose data is formatted as it is written; returned by [`Frame::data_fmt`].
///
/// The text needs no buffer: CR, LF and CRLF in it, also those in two of its pieces, become new lines of data as it is written.
/// The data takes the place of any that the frame had.
///
/// Its [`Display`](fmt::Display) is the wire form, so `write!(w, "{frame}")` writes it to any [`core::fmt::Write`], with U+FFFD
/// in place of invalid UTF-8 in an ID, event type or comment.
///
/// # Examples
///
/// ```
/// use ssewire::Frame;
///
/// let (low, high) = (21.54, 22.0);
/// let frame = Frame::new().event_type("range")?;
/// let text = frame.data_fmt(format_args!("{low:.1}\n{high:.1}")).to_string();
/// assert_eq!(text, "event: range\ndata: 21.5\ndata: 22.0\n\n");
/// # Ok::<(), ssewire::InvalidByte>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct FormattedFrame<'a> {
    frame: Frame<'a>,
    data: fmt::Arguments<'a>,
}

impl FormattedFrame<'_> {
    /// Writes it to the front of `out`, formatting once, and returns its length in bytes.
    ///
    /// # Errors
    ///
    /// [`FormatError::BufferTooSmall`] with the length that it takes, and [`FormatError::Format`] if a `Display` implementation
    /// of the data fails. The contents of `out` are unspecified then.
    ///
    /// # Panics
    ///
    /// Only if a `Display` implementation of the data does.
    pub fn write_to_slice(&self, out: &mut [u8]) -> Result<usize, FormatError> {
        let capacity = out.len();
        let needed = self.write_to_halves(out, &mut [])?;
        if needed > capacity {
            return Err(BufferTooSmall { needed, capacity }.into());
        }
        Ok(needed)
    }

    /// Writes it to `front` and what follows of it to `back`, as far as there is room, formatting once. Returns its length.
    pub(crate) fn write_to_halves(&self, front: &mut [u8], back: &mut [u8]) -> Result<usize, FormatError> {
        let mut out = Halves { front, back, written: 0 };
        let put = |out: &mut Halves<'_>, part: &[u8]| {
            out.append(part);
            Ok(())
        };
        self.write_parts(&mut out, put).map_err(|fmt::Error| FormatError::Format)?;
        Ok(out.written)
    }

    /// Returns the frame, with an empty line of data in place of the text.
    pub(crate) const fn frame(&self) -> &Frame<'_> {
        &self.frame
    }

    /// Writes as many bytes of the frame as fit to the front of `out`, beginning at its byte `position`, and returns their
    /// number: 0 only at the end of the frame, beyond it, or if `out` is empty.
    ///
    /// For a transmit buffer that is smaller than the frame. Each call formats the data again, up to the end of `out`. So the
    /// values must print as they did before, and the time for a frame of `n` bytes is that of `n / out.len()` times formatting.
    ///
    /// # Errors
    ///
    /// [`fmt::Error`] if a `Display` implementation of the data fails before `out` is full.
    ///
    /// # Panics
    ///
    /// Only if a `Display` implementation of the data does.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut tx, mut wire) = ([0; 8], Vec::new());
    /// let celsius = 21.537;
    /// while let n @ 1.. = {
    ///     let frame = ssewire::Frame::new().id_number(7);
    ///     frame.data_fmt(format_args!("{celsius:.1} °C")).fill_at(wire.len(), &mut tx)?
    /// } {
    ///     wire.extend_from_slice(&tx[..n]);
    /// }
    /// assert_eq!(String::from_utf8(wire)?, "id: 7\ndata: 21.5 °C\n\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fill_at(&self, position: usize, out: &mut [u8]) -> Result<usize, fmt::Error> {
        let mut window = Window { skip: position, out, written: 0 };
        match self.write_parts(&mut window, Window::append) {
            Err(fmt::Error) if window.written < window.out.len() => Err(fmt::Error),
            // A full window ends the formatting by an error.
            _ => Ok(window.written),
        }
    }

    /// Appends it to `out`, formatting once.
    ///
    /// # Errors
    ///
    /// [`fmt::Error`] if a `Display` implementation of the data fails. Nothing was appended then.
    ///
    /// # Panics
    ///
    /// Only if a `Display` implementation of the data does.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut out = Vec::new();
    /// ssewire::Frame::new().data_fmt(format_args!("{:.1}", 21.537)).write_to_vec(&mut out)?;
    /// assert_eq!(out, b"data: 21.5\n\n");
    /// # Ok::<(), core::fmt::Error>(())
    /// ```
    #[cfg(feature = "alloc")]
    pub fn write_to_vec(&self, out: &mut alloc::vec::Vec<u8>) -> fmt::Result {
        let len = out.len();
        let written = self.write_parts(&mut Growing(out), |out, part| {
            out.0.extend_from_slice(part);
            Ok(())
        });
        if written.is_err() {
            out.truncate(len);
        }
        written
    }

    /// Passes the frame to `out`: the text of the data as text, all else by `put`.
    fn write_parts<W: Write>(&self, out: &mut W, put: impl Fn(&mut W, &[u8]) -> fmt::Result) -> fmt::Result {
        for part in self.frame.parts() {
            if part == END {
                self.write_data(out)?;
            }
            put(out, part)?;
        }
        Ok(())
    }

    fn write_data(&self, out: &mut dyn Write) -> fmt::Result {
        write!(DataLines { out, after_cr: false }, "{}", self.data)
    }
}

impl fmt::Display for FormattedFrame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_parts(f, |f, part| lossy(part).fmt(f))
    }
}

/// Passes text on, with the start of a new line of data in place of each line end.
struct DataLines<'o> {
    out: &'o mut dyn Write,
    /// The last piece ended in CR: an LF that comes next belongs to it.
    after_cr: bool,
}

impl Write for DataLines<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.is_empty() {
            return Ok(());
        }
        let mut rest = text;
        if core::mem::replace(&mut self.after_cr, text.ends_with('\r')) {
            rest = rest.strip_prefix('\n').unwrap_or(rest);
        }
        while let Some((line, after)) = line_end(rest.as_bytes()).and_then(|end| rest.split_at_checked(end)) {
            self.out.write_str(line)?;
            self.out.write_str(NEXT_DATA)?;
            rest = after.strip_prefix("\r\n").or(after.get(1..)).unwrap_or_default();
        }
        self.out.write_str(rest)
    }
}

/// Two slices that are written to as one.
struct Halves<'o> {
    front: &'o mut [u8],
    back: &'o mut [u8],
    written: usize,
}

impl Halves<'_> {
    /// Writes `part` as far as there is room, and counts all of it.
    fn append(&mut self, part: &[u8]) {
        let fits = part.len().min(self.front.len().saturating_sub(self.written));
        if let Some((now, later)) = part.split_at_checked(fits) {
            put(self.front, self.written, now);
            let at = (self.written + fits).saturating_sub(self.front.len());
            let fits = later.len().min(self.back.len().saturating_sub(at));
            put(self.back, at, later.get(..fits).unwrap_or_default());
        }
        self.written = self.written.saturating_add(part.len());
    }
}

impl Write for Halves<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.append(text.as_bytes());
        Ok(())
    }
}

/// The part of a frame that `out` has room for, after `skip` bytes. It is full when all of `out` is written.
struct Window<'o> {
    skip: usize,
    out: &'o mut [u8],
    written: usize,
}

impl Window<'_> {
    /// Writes the bytes of `part` that lie in the window. Fails if more are left than fit.
    fn append(&mut self, part: &[u8]) -> fmt::Result {
        let Some((_, part)) = part.split_at_checked(self.skip) else {
            self.skip -= part.len();
            return Ok(());
        };
        self.skip = 0;
        let fits = part.len().min(self.out.len() - self.written);
        self.written = put(self.out, self.written, part.get(..fits).unwrap_or_default());
        if fits < part.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

impl Write for Window<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.append(text.as_bytes())
    }
}

#[cfg(feature = "alloc")]
impl Write for Growing<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}
