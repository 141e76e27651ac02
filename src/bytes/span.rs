/// A part of a slice: its first index and its length, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Span {
    pub start: usize,
    pub len: usize,
}

impl Span {
    /// Returns the place of `part` in `slice`, of which it must be a part.
    #[inline(always)]
    pub(crate) fn within(slice: &[u8], part: &[u8]) -> Span {
        Span { start: part.as_ptr().addr().wrapping_sub(slice.as_ptr().addr()), len: part.len() }
    }

    /// Returns the bytes, or none if the span reaches beyond `slice`.
    // One call is smaller than the two comparisons.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn of(self, slice: &[u8]) -> &[u8] {
        match slice.get(self.start..self.start.wrapping_add(self.len)) {
            Some(bytes) => bytes,
            None => nothing(),
        }
    }
}

/// A function of its own, so that the case that never happens is a branch and not a conditional move.
#[cold]
#[inline(never)]
fn nothing<'a>() -> &'a [u8] {
    b""
}
