//! Copies that cannot panic. Every caller has made sure that there is room; without it, less is written. So no panic
//! is linked, and the tests compare every byte.

use core::cell::Cell;

use super::{FAST, Span};

/// Writes `source` to `bytes` at `at`; returns the position after it.
#[inline(always)]
pub(crate) fn put(bytes: &mut [u8], at: usize, source: &[u8]) -> usize {
    if !FAST {
        return put_bytes(bytes, at, source);
    }
    if let Some(target) = bytes.get_mut(at..).and_then(|rest| rest.get_mut(..source.len())) {
        copy(target, source);
    }
    at + source.len()
}

/// Writes byte by byte. Through cells, since the compiler would call `memcpy` otherwise, which is larger than this crate's
/// tokenizer on a Cortex-M0.
#[inline(never)]
fn put_bytes(bytes: &mut [u8], at: usize, source: &[u8]) -> usize {
    let cells = Cell::from_mut(bytes).as_slice_of_cells();
    cells.iter().skip(at).zip(source).for_each(|(target, source)| target.set(*source));
    at + source.len()
}

/// Writes the first `len` bytes of `source` to `bytes` at `at`; returns the position after them. The bytes after that are
/// overwritten later: where both slices have `WILD` bytes, that many are copied, which takes no call of `memcpy`. Faster
/// for many short lines; see benches/README.md.
#[inline(always)]
pub(crate) fn put_wild(bytes: &mut [u8], at: usize, source: &[u8], len: usize) -> usize {
    const WILD: usize = 64;
    let target = bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<WILD>);
    match (target, source.first_chunk()) {
        (Some(target), Some(source)) if len <= WILD => {
            *target = *source;
            at + len
        }
        _ => put(bytes, at, source.get(..len).unwrap_or_default()),
    }
}

/// Copies `source` to `target`, which is as long. Up to sixteen bytes, the length of most values, are two words that
/// overlap: a call of `memcpy` costs more.
#[inline(always)]
fn copy(target: &mut [u8], source: &[u8]) {
    match source.len() {
        17.. if source.len() == target.len() => target.copy_from_slice(source),
        8..=16 => copy_ends::<8>(target, source),
        4..=7 => copy_ends::<4>(target, source),
        2..=3 => copy_ends::<2>(target, source),
        1 => copy_ends::<1>(target, source),
        _ => {}
    }
}

/// Copies the first and the last `N` bytes.
#[inline(always)]
fn copy_ends<const N: usize>(target: &mut [u8], source: &[u8]) {
    if let (Some(target), Some(source)) = (target.first_chunk_mut::<N>(), source.first_chunk()) {
        *target = *source;
    }
    if let (Some(target), Some(source)) = (target.last_chunk_mut::<N>(), source.last_chunk()) {
        *target = *source;
    }
}

/// Copies the bytes `from` to `to`; the two may overlap.
// Not `<[u8]>::copy_within`, which links a panic when it is compiled for size.
pub(crate) fn copy_within(bytes: &mut [u8], from: Span, to: usize) {
    if FAST && from.start.abs_diff(to) >= from.len {
        // They do not overlap.
        let Some((front, back)) = bytes.split_at_mut_checked(from.start.max(to)) else { return };
        if to < from.start {
            put(front, to, back.get(..from.len).unwrap_or_default());
        } else {
            put(back, 0, from.of(front));
        }
        return;
    }
    let cells = Cell::from_mut(bytes).as_slice_of_cells();
    let part = |start: usize| cells.get(start..start.wrapping_add(from.len));
    let (Some(source), Some(target)) = (part(from.start), part(to)) else { return };
    let pairs = target.iter().zip(source);
    if to < from.start {
        pairs.for_each(|(target, source)| target.set(source.get()));
    } else {
        pairs.rev().for_each(|(target, source)| target.set(source.get()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEN: usize = 160;

    /// Bytes that differ from each other.
    fn numbered() -> [u8; LEN] {
        core::array::from_fn(|i| i as u8 + 1)
    }

    /// Checks the bytes before `after`, and the position that `copy` returns, against a plain copy.
    fn agree(at: usize, source: &[u8], after: usize, copy: impl Fn(&mut [u8]) -> usize) {
        let (mut bytes, mut expected) = ([0; LEN], [0; LEN]);
        let len = source.len();
        expected[at..at + len].copy_from_slice(source);
        assert_eq!(copy(&mut bytes), at + len);
        assert_eq!(bytes[..after], expected[..after], "{len} bytes at {at}");
    }

    #[test]
    fn every_length_at_every_place() {
        let source = numbered();
        for len in 0..=80 {
            for at in (0..20).chain(LEN - 80..=LEN - len) {
                let (end, source) = (at + len, &source[..len]);
                agree(at, source, LEN, |bytes| put(bytes, at, source));
                agree(at, source, LEN, |bytes| put_bytes(bytes, at, source));
                // Only what comes after may be overwritten.
                for more in [0, 1, 64] {
                    agree(at, source, end, |bytes| put_wild(bytes, at, &numbered()[..len + more], len));
                }
            }
        }
    }

    #[test]
    fn without_room_nothing_panics() {
        let mut bytes = [0; 20];
        for (at, len) in [(0, 21), (20, 1), (21, 0), (19, 2), (4, 17)] {
            assert_eq!(put(&mut bytes, at, &numbered()[..len]), at + len);
            assert_eq!(put_bytes(&mut bytes, at, &numbered()[..len]), at + len);
            assert_eq!(put_wild(&mut bytes, at, &numbered(), len), at + len);
            copy_within(&mut bytes, Span { start: 0, len }, at);
            copy_within(&mut bytes, Span { start: at, len }, 0);
        }
    }

    #[test]
    fn parts_may_overlap() {
        for start in 0..40 {
            for to in 0..40 {
                for len in 0..40 {
                    let (mut bytes, mut expected) = (numbered(), numbered());
                    copy_within(&mut bytes, Span { start, len }, to);
                    expected.copy_within(start..start + len, to);
                    assert_eq!(bytes, expected, "{len} bytes from {start} to {to}");
                }
            }
        }
    }
}
