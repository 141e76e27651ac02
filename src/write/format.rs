//! Frames as text, and data formatted straight into the stream.

use core::fmt::{self, Write};

use super::frame::Frame;
use super::parts::END;
use super::slice::Slice;
use crate::bytes::CR;
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
        let len = out.len();
        let mut out = Slice { out, written: 0 };
        for part in self.frame.parts() {
            if part == END {
                self.write_data(&mut out).map_err(|fmt::Error| FormatError::Format)?;
            }
            out.append(part);
        }
        let needed = out.written;
        if needed > len {
            return Err(BufferTooSmall { needed, capacity: len }.into());
        }
        Ok(needed)
    }

    fn write_data(&self, out: &mut dyn Write) -> fmt::Result {
        write!(DataLines { out, after_cr: false }, "{}", self.data)
    }
}

impl fmt::Display for FormattedFrame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.frame.parts() {
            if part == END {
                self.write_data(f)?;
            }
            lossy(part).fmt(f)?;
        }
        Ok(())
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
        while let Some((line, after)) = rest.split_once(['\r', '\n']) {
            let ends_in_crlf = rest.as_bytes().get(line.len()) == Some(&CR);
            rest = if ends_in_crlf { after.strip_prefix('\n').unwrap_or(after) } else { after };
            self.out.write_str(line)?;
            self.out.write_str(NEXT_DATA)?;
        }
        self.out.write_str(rest)
    }
}

/// Counts the text that does not fit as well.
impl Write for Slice<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.append(text.as_bytes());
        Ok(())
    }
}
