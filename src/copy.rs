//! Copies that cannot panic. Every caller has made sure that there is room; were there none, nothing would be written.
//! That links no panic, and the tests compare every byte.

use crate::tokenizer::Span;

/// Writes `source` to `bytes` at `at`; returns the position behind it.
#[inline(always)]
pub(crate) fn put(bytes: &mut [u8], at: usize, source: &[u8]) -> usize {
    if let Some(target) = bytes.get_mut(at..).and_then(|rest| rest.get_mut(..source.len())) {
        target.copy_from_slice(source);
    }
    at + source.len()
}

/// Copies the bytes `from` to `to`; the two may overlap.
pub(crate) fn copy_within(bytes: &mut [u8], from: Span, to: usize) {
    let len = bytes.len();
    if from.len <= len && from.start <= len - from.len && to <= len - from.len {
        bytes.copy_within(from.start..from.start + from.len, to);
    }
}
