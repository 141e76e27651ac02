//! The search for line ends.

#[cfg(target_arch = "aarch64")]
use memchr::arch::aarch64::neon::memchr as simd;
#[cfg(target_arch = "x86_64")]
use memchr::arch::x86_64::sse2::memchr as simd;

use super::FAST;

pub(crate) const CR: u8 = b'\r';
pub(crate) const LF: u8 = b'\n';
const NUL: u8 = b'\0';

/// Returns the index of the first CR or LF in `input`.
///
/// The same as `input.iter().position(|byte| matches!(byte, b'\r' | b'\n'))`.
#[inline(always)]
pub(crate) fn line_end(input: &[u8]) -> Option<usize> {
    find::<false>(input)
}

/// Returns the index of the first CR, LF or NUL in `input`.
///
/// The same as `input.iter().position(|byte| matches!(byte, b'\r' | b'\n' | b'\0'))`.
#[inline(always)]
pub(crate) fn line_end_or_nul(input: &[u8]) -> Option<usize> {
    find::<true>(input)
}

// `find` searches for CR and LF, and with `OR_NUL` also for NUL. Lines are either short or long. The first vector is
// compared in the caller, two more after one call, since most event types, IDs and readings end there. From there on, 64
// bytes at once are skipped if their minimum is above CR. `memchr2` would need AVX2, which it detects at run time, to be
// as fast, and a crate without `std` does not get that; see benches/README.md.

/// A vector that every processor of its kind has.
type Vector = [u8; VECTOR];
const VECTOR: usize = 16;

#[inline(always)]
fn find<const OR_NUL: bool>(input: &[u8]) -> Option<usize> {
    if !FAST {
        return first_of([CR, LF, if OR_NUL { NUL } else { LF }], input);
    }
    let Some((vector, rest)) = input.split_first_chunk() else {
        return find_short::<OR_NUL>(input);
    };
    match find_in_vector::<OR_NUL>(vector) {
        None if !rest.is_empty() => find_long::<OR_NUL>(input),
        found => found,
    }
}

/// `find` after the first vector, which holds none.
#[inline(never)]
fn find_long<const OR_NUL: bool>(input: &[u8]) -> Option<usize> {
    let mut rest = input.get(VECTOR..)?;
    // Two more by themselves: faster for lines of ordinary length than blocks alone; see benches/README.md.
    for _ in 0..2 {
        let Some((vector, after)) = rest.split_first_chunk() else { break };
        if let Some(i) = find_in_vector::<OR_NUL>(vector) {
            return Some(input.len() - rest.len() + i);
        }
        rest = after;
    }
    while let Some((block, after)) = rest.split_first_chunk() {
        if let Some(i) = find_in_block::<OR_NUL>(block) {
            return Some(input.len() - rest.len() + i);
        }
        rest = after;
    }
    if rest.is_empty() {
        return None;
    }
    // The rest is less than a block: the last block overlaps bytes that were compared.
    if let Some(block) = input.last_chunk() {
        return find_in_block::<OR_NUL>(block).map(|i| input.len() - BLOCK + i);
    }
    find_in_vector::<OR_NUL>(input.last_chunk()?).map(|i| input.len() - VECTOR + i)
}

const BLOCK: usize = 4 * VECTOR;

#[inline(always)]
fn find_in_block<const OR_NUL: bool>(block: &[u8; BLOCK]) -> Option<usize> {
    let mut minimum = [u8::MAX; VECTOR];
    for vector in block.chunks_exact(VECTOR) {
        for (minimum, &byte) in minimum.iter_mut().zip(vector) {
            *minimum = (*minimum).min(byte);
        }
    }
    // All searched bytes are at most CR, and few others in a text are.
    let low = minimum.iter().fold(false, |low, &byte| low | (byte <= CR));
    if !low {
        return None;
    }
    for (i, vector) in block.chunks_exact(VECTOR).enumerate() {
        if let Some(found) = vector.first_chunk().and_then(find_in_vector::<OR_NUL>) {
            return Some(i * VECTOR + found);
        }
    }
    None
}

/// In exactly one vector `memchr` is a few instructions, without a loop.
#[inline(always)]
fn find_in_vector<const OR_NUL: bool>(vector: &Vector) -> Option<usize> {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    if OR_NUL {
        if let Some(search) = simd::Three::new(CR, LF, NUL) {
            return search.find(vector);
        }
    } else if let Some(search) = simd::Two::new(CR, LF) {
        return search.find(vector);
    }
    find_in_words::<OR_NUL>(vector)
}

/// `find` in less than a vector.
#[inline(always)]
fn find_short<const OR_NUL: bool>(input: &[u8]) -> Option<usize> {
    if input.len() >= WORD {
        return find_in_words::<OR_NUL>(input);
    }
    // Less than a word: put together from two halves that overlap.
    let word = match (input.first_chunk(), input.last_chunk()) {
        (Some(low), Some(high)) => {
            let [low, high] = [low, high].map(|half| u64::from(u32::from_le_bytes(*half)));
            low | (high << ((8 * input.len() - 32) & 63))
        }
        _ => input.iter().rev().fold(0, |word, &byte| (word << 8) | u64::from(byte)),
    };
    let found = match_mask::<OR_NUL>(word).trailing_zeros() as usize / 8;
    (found < input.len()).then_some(found)
}

const WORD: usize = size_of::<u64>();

/// `find` in one word or two, which may overlap.
#[inline(always)]
fn find_in_words<const OR_NUL: bool>(input: &[u8]) -> Option<usize> {
    let found = match_mask::<OR_NUL>(u64::from_le_bytes(*input.first_chunk()?));
    if found != 0 {
        return Some(found.trailing_zeros() as usize / 8);
    }
    let found = match_mask::<OR_NUL>(u64::from_le_bytes(*input.last_chunk()?));
    (found != 0).then(|| input.len() - WORD + found.trailing_zeros() as usize / 8)
}

/// Returns a mask whose lowest bit that is set is the high bit of the first matching byte of `word`; bits above it may be
/// set for other bytes.
#[inline(always)]
const fn match_mask<const OR_NUL: bool>(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([0x01; 8]);
    const HIGHS: u64 = u64::from_le_bytes([0x80; 8]);
    const fn zeros(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word & HIGHS
    }
    let nul = if OR_NUL { zeros(word) } else { 0 };
    zeros(word ^ (ONES * LF as u64)) | zeros(word ^ (ONES * CR as u64)) | nul
}

/// Byte by byte, in a tenth of the code of `memchr2` and `memchr3`.
#[inline(never)]
fn first_of(bytes: [u8; 3], input: &[u8]) -> Option<usize> {
    let [a, b, c] = bytes;
    input.iter().position(|&byte| byte == a || byte == b || byte == c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agree(input: &[u8]) {
        let naive = input.iter().position(|byte| matches!(*byte, CR | LF));
        assert_eq!(line_end(input), naive, "{input:?}");
        let naive = input.iter().position(|byte| matches!(*byte, CR | LF | NUL));
        assert_eq!(line_end_or_nul(input), naive, "{input:?}");
        assert_eq!(first_of([CR, LF, NUL], input), naive, "{input:?}");
    }

    /// One line end at every place of inputs of every length, slid through every alignment.
    #[test]
    fn finds_at_every_place() {
        for byte in [CR, LF, NUL] {
            for len in (0..=140).chain([255, 256, 257, 300]) {
                for start in 0..8 {
                    let mut input = [b'x'; 308];
                    agree(&input[start..start + len]);
                    for at in start..start + len {
                        input[at] = byte;
                        agree(&input[start..start + len]);
                        input[at] = b'x';
                    }
                }
            }
        }
    }

    /// Blocks of bytes near CR alone, which are searched vector by vector.
    #[test]
    fn finds_among_low_bytes() {
        for low in [CR, LF, NUL, CR - 1, CR + 1] {
            for byte in [CR, LF, NUL, low] {
                for from in 0..130 {
                    for at in from..130 {
                        let mut input = [b'x'; 130];
                        input[from..].fill(low);
                        input[at] = byte;
                        agree(&input);
                    }
                }
            }
        }
    }

    /// Every byte value alone and beside every other that matters: a word trick may take a neighbour for a match.
    #[test]
    fn finds_beside_every_byte() {
        for a in 0..=255 {
            for b in [a, CR, LF, NUL, CR + 1, LF + 1, NUL + 1, CR ^ 0x80, LF ^ 0x80, NUL ^ 0x80] {
                for at in 0..30 {
                    let mut input = [b'x'; 32];
                    (input[at], input[at + 1]) = (a, b);
                    agree(&input);
                    agree(&input[at..]);
                    agree(&input[..at + 2]);
                }
            }
        }
    }
}
