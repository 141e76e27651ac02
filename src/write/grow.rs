//! A frame into memory that grows.

use alloc::vec::Vec;

use super::frame::Frame;
#[cfg(feature = "bytes")]
use super::parts::max_encoded_len;
use super::parts::{Sink, encode, one_line_len};
#[cfg(feature = "bytes")]
use crate::error::BufferTooSmall;

impl Frame<'_> {
    /// Returns the frame's bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(ssewire::Frame::new().data("21.5").to_vec(), b"data: 21.5\n\n");
    /// ```
    #[must_use]
    #[inline]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_to_vec(&mut out);
        out
    }

    /// Appends the frame to `out`, in one pass.
    ///
    /// # Examples
    ///
    /// All that is ready goes out in one piece, up to a size, so that a transport is called once for many events:
    ///
    /// ```
    /// use ssewire::Frame;
    ///
    /// let mut ready = (1..=1000).map(|reading| (reading, "21.5"));
    /// let (mut out, mut pieces) = (Vec::new(), 0);
    /// loop {
    ///     for (id, data) in ready.by_ref() {
    ///         Frame::new().id_number(id).data(data).write_to_vec(&mut out);
    ///         if out.len() >= 8192 {
    ///             break;
    ///         }
    ///     }
    ///     if out.is_empty() {
    ///         break; // nothing is ready
    ///     }
    ///     pieces += 1; // send `out` here
    ///     out.clear();
    /// }
    /// assert_eq!(pieces, 3);
    /// ```
    #[inline]
    pub fn write_to_vec(&self, out: &mut Vec<u8>) {
        out.reserve(one_line_len(self));
        encode(self, false, &mut Growing(out));
    }

    /// Appends the frame to `out`, in one pass: a `BytesMut`, for example.
    ///
    /// # Errors
    ///
    /// [`BufferTooSmall`] if `out` does not grow and has less room than the frame takes. Nothing was written then.
    ///
    /// # Panics
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut out = bytes::BytesMut::new();
    /// ssewire::Frame::new().id_number(7).data("21.5").write_to_buf(&mut out)?;
    /// assert_eq!(out.split().freeze(), "id: 7\ndata: 21.5\n\n");
    /// # Ok::<(), ssewire::BufferTooSmall>(())
    /// ```
    #[cfg(feature = "bytes")]
    pub fn write_to_buf(&self, out: &mut impl bytes::BufMut) -> Result<(), BufferTooSmall> {
        let capacity = out.remaining_mut();
        if capacity < max_encoded_len(self) {
            let needed = self.encoded_len();
            if needed > capacity {
                return Err(BufferTooSmall { needed, capacity });
            }
        }
        encode(self, false, &mut Put(out));
        Ok(())
    }

    /// Writes the frame to `out`, in one pass. A frame of up to 1024 bytes is one call of `write_all`, and a larger one is a
    /// call for each 1024 bytes, so `out` need not be buffered.
    ///
    /// # Errors
    ///
    /// Those of `out`. A part of the frame may have been written then.
    ///
    /// # Examples
    ///
    /// ```
    /// ssewire::Frame::new().data("21.5").write_to(&mut std::io::stdout())?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[cfg(feature = "std")]
    pub fn write_to(&self, out: &mut (impl std::io::Write + ?Sized)) -> std::io::Result<()> {
        let mut block = [0; 1024];
        if let Ok(len) = self.write_to_slice(&mut block) {
            return out.write_all(block.get(..len).unwrap_or_default());
        }
        let mut encoder = self.encoder();
        while let len @ 1.. = encoder.fill(&mut block) {
            out.write_all(block.get(..len).unwrap_or_default())?;
        }
        Ok(())
    }
}

pub(super) struct Growing<'o>(pub &'o mut Vec<u8>);

impl Sink for Growing<'_> {
    #[inline(always)]
    fn put(&mut self, part: &[u8]) {
        self.0.extend_from_slice(part);
    }

    #[inline(always)]
    fn put_wild(&mut self, text: &[u8], len: usize) {
        self.put(text.get(..len).unwrap_or_default());
    }
}

/// There is room in it.
#[cfg(feature = "bytes")]
struct Put<'o, B>(&'o mut B);

#[cfg(feature = "bytes")]
impl<B: bytes::BufMut> Sink for Put<'_, B> {
    #[inline(always)]
    fn put(&mut self, part: &[u8]) {
        self.0.put_slice(part);
    }

    #[inline(always)]
    fn put_wild(&mut self, text: &[u8], len: usize) {
        self.put(text.get(..len).unwrap_or_default());
    }
}
