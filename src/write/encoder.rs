//! A frame in pieces of any size.

use super::frame::Frame;
use super::parts::Parts;
use crate::bytes::put;

impl<'a> Frame<'a> {
    /// Returns an encoder, which writes the frame piece by piece into buffers of any size.
    #[inline]
    pub const fn encoder(&self) -> Encoder<'a> {
        Encoder { parts: self.parts(), part: b"" }
    }

    /// Writes as many bytes of the frame as fit to the front of `out`, beginning at its byte `position`, and returns their
    /// number: 0 only at the end of the frame, beyond it, or if `out` is empty.
    ///
    /// For callers that keep a position, and not an [`Encoder`], which borrows the frame's values. Each call finds the position again, in
    /// time linear in it.
    ///
    /// # Panics
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// A struct that holds both the values and the progress:
    ///
    /// ```
    /// struct Sending { data: String, sent: usize }
    ///
    /// impl Sending {
    ///     fn fill(&mut self, tx: &mut [u8]) -> usize {
    ///         let n = ssewire::Frame::new().data(&self.data).fill_at(self.sent, tx);
    ///         self.sent += n;
    ///         n
    ///     }
    /// }
    ///
    /// let mut sending = Sending { data: "21.5".into(), sent: 0 };
    /// let (mut tx, mut wire) = ([0; 4], Vec::new());
    /// while let n @ 1.. = sending.fill(&mut tx) {
    ///     wire.extend_from_slice(&tx[..n]);
    /// }
    /// assert_eq!(wire, b"data: 21.5\n\n");
    /// ```
    pub fn fill_at(&self, position: usize, out: &mut [u8]) -> usize {
        let mut encoder = self.encoder();
        encoder.skip(position);
        encoder.fill(out)
    }
}

/// Writes a [`Frame`] piece by piece into buffers of any size, down to one byte; returned by [`Frame::encoder`].
///
/// # Examples
///
/// ```
/// let frame = ssewire::Frame::new().id("1")?.data("21.5");
/// let mut encoder = frame.encoder();
/// let (mut tx, mut wire) = ([0; 4], Vec::new());
/// while let n @ 1.. = encoder.fill(&mut tx) {
///     wire.extend_from_slice(&tx[..n]);
/// }
/// assert_eq!(wire, b"id: 1\ndata: 21.5\n\n");
/// # Ok::<(), ssewire::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Encoder<'a> {
    parts: Parts<'a>,
    /// The rest of the part that did not fit last time.
    part: &'a [u8],
}

impl Encoder<'_> {
    /// Writes as many bytes as fit to the front of `out` and returns their number. It is less than the length of `out` only at
    /// the end of the frame, and 0 only if all was written before or `out` is empty.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn fill(&mut self, out: &mut [u8]) -> usize {
        let len = out.len();
        let mut free = out;
        while !free.is_empty() {
            if self.part.is_empty() {
                match self.parts.next() {
                    Some(part) => self.part = part,
                    None => break,
                }
            }
            let fits = self.part.len().min(free.len());
            let Some((now, later)) = self.part.split_at_checked(fits) else { break };
            put(free, 0, now);
            self.part = later;
            free = core::mem::take(&mut free).get_mut(fits..).unwrap_or_default();
        }
        len - free.len()
    }

    /// Skips the first `len` bytes, at the start of the frame.
    fn skip(&mut self, len: usize) {
        let mut rest = len;
        for part in self.parts.by_ref() {
            if let Some((_, part)) = part.split_at_checked(rest) {
                self.part = part;
                return;
            }
            rest -= part.len();
        }
    }
}

/// Never fails. Reads 0 bytes at the end of the frame.
#[cfg(feature = "std")]
impl std::io::Read for Encoder<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        Ok(self.fill(out))
    }
}
