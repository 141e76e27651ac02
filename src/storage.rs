//! The kinds of memory a parser can keep an unfinished event in.

/// A parser's buffer: [`heapless::Vec<u8, N>`](https://docs.rs/heapless/0.9) inside the parser, `&mut [u8]` lent by the
/// caller, or [`GrowableBuffer`](crate::GrowableBuffer) on the heap.
///
/// The trait is sealed: a parser of your own memory borrows it as `&mut [u8]`.
pub trait Storage: sealed::Storage {}

impl<S: sealed::Storage> Storage for S {}

pub(crate) mod sealed {
    use super::Buffer;

    pub trait Storage {
        /// All bytes there are now.
        fn bytes(&self) -> &[u8];
        /// The same to write to.
        fn buffer(&mut self) -> Buffer<'_>;
    }
}

/// What the parser sees of its storage, so that it is compiled once for all kinds and sizes.
pub enum Buffer<'b> {
    /// All bytes that there will ever be.
    Fixed(&'b mut [u8]),
    #[cfg(feature = "alloc")]
    Growable(&'b mut growable::GrowableBuffer),
}

impl Buffer<'_> {
    /// The most bytes that it can hold.
    #[inline(always)]
    pub(crate) fn capacity(&self) -> usize {
        match self {
            Buffer::Fixed(bytes) => bytes.len(),
            #[cfg(feature = "alloc")]
            Buffer::Growable(buffer) => buffer.limit,
        }
    }

    /// The bytes that it holds now.
    #[inline(always)]
    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        match self {
            Buffer::Fixed(bytes) => bytes,
            #[cfg(feature = "alloc")]
            Buffer::Growable(buffer) => &mut buffer.bytes,
        }
    }

    /// Makes it hold at least `len` bytes; whether it can.
    pub(crate) fn reserve(&mut self, len: usize) -> bool {
        match self {
            Buffer::Fixed(bytes) => len <= bytes.len(),
            #[cfg(feature = "alloc")]
            Buffer::Growable(buffer) => buffer.reserve(len),
        }
    }
}

impl sealed::Storage for &mut [u8] {
    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        self
    }

    #[inline(always)]
    fn buffer(&mut self) -> Buffer<'_> {
        Buffer::Fixed(self)
    }
}

#[cfg(feature = "heapless-v0_9")]
impl<const N: usize> sealed::Storage for heapless::Vec<u8, N> {
    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        self
    }

    #[inline(always)]
    fn buffer(&mut self) -> Buffer<'_> {
        if self.len() < N {
            // Once: the vector starts empty so that a parser can be made in a `const`. It cannot fail, N is its capacity.
            let _ = self.resize_default(N);
        }
        Buffer::Fixed(self)
    }
}

#[cfg(feature = "alloc")]
pub(crate) mod growable {
    use alloc::vec::Vec;

    /// A parser's buffer on the heap, which grows as events need it, up to a limit.
    ///
    /// It starts without an allocation and doubles when it must, never beyond the limit; it does not shrink. When the
    /// allocator has no more, the event is reported as [`Overflow`](crate::Error::Overflow) like one beyond the limit.
    #[derive(Clone, Debug)]
    pub struct GrowableBuffer {
        pub(super) bytes: Vec<u8>,
        pub(super) limit: usize,
    }

    impl GrowableBuffer {
        /// The least that is allocated at once, in bytes: a small event, so that few grow twice.
        const LEAST: usize = 256;

        pub(crate) const fn new(limit: usize) -> GrowableBuffer {
            GrowableBuffer { bytes: Vec::new(), limit }
        }

        #[cold]
        pub(super) fn reserve(&mut self, len: usize) -> bool {
            if len <= self.bytes.len() {
                return true;
            }
            if len > self.limit {
                return false;
            }
            let target = len.max(self.bytes.len().saturating_mul(2)).max(Self::LEAST).min(self.limit);
            let more = target - self.bytes.len();
            if self.bytes.try_reserve_exact(more).is_err() {
                return false;
            }
            self.bytes.resize(target, 0);
            true
        }
    }

    impl super::sealed::Storage for GrowableBuffer {
        #[inline(always)]
        fn bytes(&self) -> &[u8] {
            &self.bytes
        }

        #[inline(always)]
        fn buffer(&mut self) -> super::Buffer<'_> {
            super::Buffer::Growable(self)
        }
    }
}
