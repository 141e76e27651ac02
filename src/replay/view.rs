//! A part of a ring, which may go on at the ring's front, as one sequence of bytes and lines.

use crate::bytes::{FAST, LF, line_end};

#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    ring: &'a [u8],
    /// An index of `ring`, or 0 if it is empty.
    start: usize,
    /// At most the length of `ring`.
    len: usize,
}

impl<'a> View<'a> {
    pub(super) const fn of(bytes: &'a [u8]) -> View<'a> {
        View { ring: bytes, start: 0, len: bytes.len() }
    }

    pub(super) const fn new(ring: &'a [u8], start: usize, len: usize) -> View<'a> {
        View { ring, start, len }
    }

    pub(super) const fn len(self) -> usize {
        self.len
    }

    /// Returns the bytes as slices. The first is empty only if both are.
    pub(super) fn halves(self) -> [&'a [u8]; 2] {
        let (low, high) = self.ring.split_at_checked(self.start).unwrap_or_default();
        match high.get(..self.len) {
            Some(front) => [front, b""],
            None => [high, low.get(..self.len - high.len()).unwrap_or_default()],
        }
    }

    pub(super) fn get(self, i: usize) -> Option<u8> {
        if i >= self.len {
            return None;
        }
        self.ring.get(wrap(self.start + i, self.ring.len())).copied()
    }

    pub(super) fn bytes(self) -> impl Iterator<Item = u8> + 'a {
        (0..self.len).map_while(move |i| self.get(i))
    }

    /// Returns the first `len` bytes, or all if there are less.
    pub(super) fn take(self, len: usize) -> View<'a> {
        View { len: len.min(self.len), ..self }
    }

    /// Returns the bytes after the first `len`, or none if there are less.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(super) fn skip(self, len: usize) -> View<'a> {
        let len = len.min(self.len);
        View { start: wrap(self.start + len, self.ring.len()), len: self.len - len, ..self }
    }

    /// Takes a line and its LF off the front and returns it without the LF. A frame has no other line end. Without an LF,
    /// nothing is taken.
    pub(super) fn take_line(&mut self) -> Option<View<'a>> {
        let len = self.find_line_end()?;
        let line = self.take(len);
        *self = self.skip(len + 1);
        Some(line)
    }

    fn find_line_end(self) -> Option<usize> {
        if !FAST {
            return self.bytes().position(|byte| byte == LF);
        }
        let [front, back] = self.halves();
        line_end(front).or_else(|| Some(front.len() + line_end(back)?))
    }

    /// Returns the bytes without spaces and tabs around them.
    pub(super) fn trim(mut self) -> View<'a> {
        let is_space = |byte: Option<u8>| matches!(byte, Some(b' ' | b'\t'));
        while is_space(self.get(0)) {
            self = self.skip(1);
        }
        while is_space(self.get(self.len.wrapping_sub(1))) {
            self.len -= 1;
        }
        self
    }
}

impl PartialEq for View<'_> {
    fn eq(&self, other: &View<'_>) -> bool {
        self.len == other.len && (0..self.len).all(|i| self.get(i) == other.get(i))
    }
}

/// Returns `index`, which is less than twice `len`, as an index of a ring of `len` bytes.
pub(super) const fn wrap(index: usize, len: usize) -> usize {
    if index >= len { index - len } else { index }
}
