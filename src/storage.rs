/// The memory of a [`Parser`](crate::Parser) or a [`replay::Ring`](crate::replay::Ring): `[u8; N]` inside it, a borrowed
/// `&mut [u8]`, or [`GrowableBuffer`] on the heap.
///
/// The trait is sealed: memory of your own is borrowed as `&mut [u8]`.
///
/// # Examples
///
/// ```
/// use ssewire::{Parser, Storage};
///
/// /// Takes a parser with memory of any kind.
/// fn count<S: Storage>(mut parser: Parser<S>, mut input: &[u8]) -> usize {
///     std::iter::from_fn(|| parser.next(&mut input).map(|event| event.map(drop)).transpose()).filter(Result::is_ok).count()
/// }
///
/// let mut buffer = [0; 64];
/// assert_eq!(count(Parser::<[u8; 64]>::new(), b"data: 1\n\n"), 1);
/// assert_eq!(count(Parser::with_buffer(&mut buffer), b"data: 1\n\n"), 1);
/// ```
#[cfg_attr(
    not(feature = "alloc"),
    doc = "\n[`GrowableBuffer`]: https://docs.rs/ssewire/latest/ssewire/struct.GrowableBuffer.html"
)]
#[cfg_attr(feature = "alloc", doc = "\n[`GrowableBuffer`]: crate::GrowableBuffer")]
pub trait Storage: sealed::Sealed {}

impl<S: sealed::Sealed> Storage for S {}

pub(crate) mod sealed {
    pub trait Sealed {
        /// The number of bytes can change.
        const GROWS: bool = false;
        /// Returns the bytes that there are now.
        fn bytes(&self) -> &[u8];
        /// Returns the same for writing.
        fn bytes_mut(&mut self) -> &mut [u8];
        /// Returns the most bytes that there can be.
        fn capacity(&self) -> usize;
        /// Makes it hold at least `len` bytes, which are not beyond its capacity. Returns whether the allocator had them.
        fn grow(&mut self, len: usize) -> bool {
            len <= self.bytes().len()
        }
        /// Frees memory, but keeps the first `len` bytes.
        fn shrink(&mut self, len: usize) {
            _ = len;
        }
    }
}

impl<const N: usize> sealed::Sealed for [u8; N] {
    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        self
    }

    #[inline(always)]
    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }

    #[inline(always)]
    fn capacity(&self) -> usize {
        N
    }
}

impl sealed::Sealed for &mut [u8] {
    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        self
    }

    #[inline(always)]
    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }

    #[inline(always)]
    fn capacity(&self) -> usize {
        self.len()
    }
}

#[cfg(feature = "alloc")]
pub(crate) mod growable {
    use alloc::vec::Vec;

    /// Memory on the heap, which grows as it is needed, up to a limit.
    ///
    /// It starts without an allocation and doubles when it must, never beyond the limit. If the allocator has no more memory, a
    /// parser reports the event as [`Overflow`](crate::Overflow), like an event beyond the limit; a ring goes on with the bytes
    /// that it has. Between events, when the input is used up, a parser frees all but 96 bytes, or all but the last event ID
    /// if that is longer. A ring keeps its memory.
    ///
    /// # Examples
    ///
    /// ```
    /// use ssewire::{replay::Ring, GrowableBuffer, Parser};
    ///
    /// let parser: Parser<GrowableBuffer> = Parser::with_limit(1 << 20); // allocates nothing yet
    /// assert_eq!(parser.capacity(), 1 << 20);
    /// let ring = Ring::new(GrowableBuffer::new(1 << 20));
    /// assert!(ring.is_empty());
    /// ```
    #[doc(alias = "Vec")]
    #[derive(Clone)]
    pub struct GrowableBuffer {
        bytes: Vec<u8>,
        limit: usize,
    }

    impl GrowableBuffer {
        /// The least that is allocated at once, in bytes, and the most that an idle parser keeps: enough for a small event, and
        /// less than the parser itself takes.
        const LEAST: usize = 96;

        /// Returns memory that grows up to `limit` bytes.
        #[must_use]
        pub const fn new(limit: usize) -> GrowableBuffer {
            GrowableBuffer { bytes: Vec::new(), limit }
        }
    }

    impl super::sealed::Sealed for GrowableBuffer {
        const GROWS: bool = true;

        #[inline(always)]
        fn bytes(&self) -> &[u8] {
            &self.bytes
        }

        #[inline(always)]
        fn bytes_mut(&mut self) -> &mut [u8] {
            &mut self.bytes
        }

        #[inline(always)]
        fn capacity(&self) -> usize {
            self.limit
        }

        #[cold]
        fn grow(&mut self, len: usize) -> bool {
            let target = len.max(self.bytes.len().saturating_mul(2)).max(Self::LEAST).min(self.limit);
            let more = target.saturating_sub(self.bytes.len());
            if self.bytes.try_reserve_exact(more).is_err() {
                return false;
            }
            self.bytes.resize(target, 0);
            true
        }

        #[inline]
        fn shrink(&mut self, len: usize) {
            let len = len.max(Self::LEAST);
            if self.bytes.len() > len {
                self.bytes.truncate(len);
                self.bytes.shrink_to_fit();
            }
        }
    }
}
