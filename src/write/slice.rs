//! A frame into a slice, in one pass.

use super::frame::Frame;
use super::parts::{Sink, encode, max_encoded_len};
use crate::bytes::{FAST, put, put_wild};
use crate::error::BufferTooSmall;

impl Frame<'_> {
    /// Returns the exact number of bytes that the frame takes; [`usize::MAX`] if it takes more than that.
    #[must_use]
    #[inline]
    pub fn encoded_len(&self) -> usize {
        if !FAST {
            return self.parts().fold(0, |len, part| len.saturating_add(part.len()));
        }
        self.encoded_len_of(false)
    }

    #[inline(always)]
    fn encoded_len_of(&self, one_line: bool) -> usize {
        let mut len = Length(0);
        encode(self, one_line, &mut len);
        len.0
    }

    /// Writes the frame to the front of `out` and returns its length in bytes.
    ///
    /// # Errors
    ///
    /// [`BufferTooSmall`] with the length that it takes. Nothing was written then. [`encoder`](Frame::encoder) writes a frame
    /// piece by piece into buffers of any size.
    ///
    /// # Panics
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// ```
    /// use ssewire::{BufferTooSmall, Frame};
    ///
    /// let mut tx = [0; 16];
    /// let n = Frame::new().data("21.5").write_to_slice(&mut tx)?;
    /// assert_eq!(&tx[..n], b"data: 21.5\n\n");
    /// let error = Frame::new().data("21.5 degrees").write_to_slice(&mut tx).unwrap_err();
    /// assert_eq!(error, BufferTooSmall { needed: 20, capacity: 16 });
    /// # Ok::<(), BufferTooSmall>(())
    /// ```
    #[inline]
    pub fn write_to_slice(&self, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let capacity = out.len();
        // By the encoder, which other code needs as well: smaller than `encode`.
        if !FAST {
            let needed = self.encoded_len();
            return if needed > capacity {
                Err(BufferTooSmall { needed, capacity })
            } else {
                Ok(self.encoder().fill(out))
            };
        }
        let mut one_line = false;
        if capacity < max_encoded_len(self) {
            let needed = self.encoded_len();
            if needed > capacity {
                return Err(BufferTooSmall { needed, capacity });
            }
            // One more line would make it longer, so if the lengths are equal, no text is searched twice.
            one_line = needed == self.encoded_len_of(true);
        }
        let mut slice = Slice { out, written: 0 };
        encode(self, one_line, &mut slice);
        Ok(slice.written)
    }
}

impl Frame<'_> {
    /// Writes the frame to `front` and what follows of it to `back`. Together they are as long as the frame.
    pub(crate) fn write_measured(&self, front: &mut [u8], back: &mut [u8]) {
        if FAST && back.is_empty() {
            // One more line would make it longer, so if the lengths are equal, no text is searched twice.
            let one_line = front.len() == self.encoded_len_of(true);
            encode(self, one_line, &mut Slice { out: front, written: 0 });
        } else {
            let mut encoder = self.encoder();
            encoder.fill(front);
            encoder.fill(back);
        }
    }
}

/// Counts bytes.
struct Length(usize);

impl Sink for Length {
    #[inline(always)]
    fn put(&mut self, part: &[u8]) {
        self.0 = self.0.saturating_add(part.len());
    }

    #[inline(always)]
    fn put_wild(&mut self, _text: &[u8], len: usize) {
        self.0 = self.0.saturating_add(len);
    }
}

/// Writes to `out`, which has room.
struct Slice<'o> {
    out: &'o mut [u8],
    written: usize,
}

impl Sink for Slice<'_> {
    #[inline(always)]
    fn put(&mut self, part: &[u8]) {
        self.written = put(self.out, self.written, part);
    }

    #[inline(always)]
    fn put_wild(&mut self, text: &[u8], len: usize) {
        self.written = put_wild(self.out, self.written, text, len);
    }
}

#[cfg(test)]
mod tests {
    use super::{Length, Sink};

    /// A frame that is longer than memory can be needs no test with such a frame.
    #[test]
    fn a_length_saturates() {
        let mut length = Length(usize::MAX - 4);
        length.put(b"abc");
        assert_eq!(length.0, usize::MAX - 1);
        length.put_wild(b"abc", 1);
        assert_eq!(length.0, usize::MAX);
        length.put(b"\n");
        length.put_wild(b"abc", 3);
        assert_eq!(length.0, usize::MAX);
    }
}
