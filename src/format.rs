//! Frames as text, and data formatted straight into the stream.

use core::fmt::{self, Write};

use crate::copy::put;
use crate::encode::{Sink, Slice, END};
use crate::error::Error;
use crate::frame::Frame;
use crate::scan::CR;
use crate::text::decode;

/// The wire form. What is not UTF-8 is written as U+FFFD, as a reader would decode it.
///
/// `write!(w, "{frame}")` writes it to any [`core::fmt::Write`].
impl fmt::Display for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts().try_for_each(|part| decode(part).fmt(f))
    }
}

const NEXT_DATA: &str = "\ndata: ";

/// A [`Frame`] whose data is formatted as it is written; returned by [`Frame::data_fmt`].
///
/// No buffer lies between: CR, LF and CRLF in the text, also such as come from two of its pieces, become new lines of
/// data on the way. The data takes the place of any that the frame had.
///
/// Its [`Display`](fmt::Display) is the wire form, so that `write!(w, "{frame}")` writes it to any [`core::fmt::Write`];
/// what is not UTF-8 in an ID, event type or comment is written there as U+FFFD.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct FormattedFrame<'a> {
    frame: Frame<'a>,
    data: fmt::Arguments<'a>,
}

impl<'a> FormattedFrame<'a> {
    pub(crate) const fn new(mut frame: Frame<'a>, data: fmt::Arguments<'a>) -> FormattedFrame<'a> {
        // An empty line of data stands for it: the writers put the text before the line end.
        frame.data = Some(b"");
        FormattedFrame { frame, data }
    }

    /// Writes it to the front of `out`, formatting once, and returns its length in bytes.
    ///
    /// # Errors
    ///
    /// [`Error::BufferTooSmall`], with the length that it takes, and [`Error::Format`] when a `Display` of the data
    /// fails. What `out` holds then is unspecified.
    ///
    /// # Panics
    ///
    /// Only where a `Display` of the data does.
    pub fn write_to_slice(&self, out: &mut [u8]) -> Result<usize, Error> {
        let len = out.len();
        let mut out = Slice { out, written: 0 };
        for part in self.frame.parts() {
            if part == END {
                self.write_data(&mut out).map_err(|fmt::Error| Error::Format)?;
            }
            out.put(part);
        }
        let needed = out.written;
        if needed > len {
            return Err(Error::BufferTooSmall { needed, len });
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
            decode(part).fmt(f)?;
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
        while let Some((line, behind)) = rest.split_once(['\r', '\n']) {
            let ends_in_crlf = rest.as_bytes().get(line.len()) == Some(&CR);
            rest = if ends_in_crlf { behind.strip_prefix('\n').unwrap_or(behind) } else { behind };
            self.out.write_str(line)?;
            self.out.write_str(NEXT_DATA)?;
        }
        self.out.write_str(rest)
    }
}

/// What does not fit is counted as well.
impl Write for Slice<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.written = put(self.out, self.written, text.as_bytes());
        Ok(())
    }
}
