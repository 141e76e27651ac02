//! Where the next line ends. All knowledge of vectors and words lives here.

#[cfg(target_arch = "aarch64")]
use memchr::arch::aarch64::neon::memchr as vector;
#[cfg(target_arch = "x86_64")]
use memchr::arch::x86_64::sse2::memchr as vector;

use crate::whole::SHORT_CUT;

pub(crate) const CR: u8 = b'\r';
pub(crate) const LF: u8 = b'\n';
const NUL: u8 = b'\0';

/// The index of the first CR or LF in `input`.
///
/// The same as `input.iter().position(|byte| matches!(byte, b'\r' | b'\n'))`.
#[inline(always)]
pub(crate) fn line_end(input: &[u8]) -> Option<usize> {
    find::<false>(input)
}

/// The index of the first CR, LF or NUL in `input`.
///
/// The same as `input.iter().position(|byte| matches!(byte, b'\r' | b'\n' | b'\0'))`.
#[inline(always)]
pub(crate) fn line_end_or_nul(input: &[u8]) -> Option<usize> {
    find::<true>(input)
}

// What is looked for is CR and LF, and with `OR_NUL` also NUL. Lines are short or long. The first vector is looked into
// where the search is called, two more behind one call, as most event types, IDs and readings end there. From there on, 64
// bytes at once are passed by their least byte: in 17 instructions, where `memchr2` takes 15 with the vectors of AVX2,
// which are twice as long, which it must find out about at run time, and which a crate without `std` does not get. An event of
// 255 bytes in one line is read in 213 instructions this way, and in 288 with `memchr2`.

/// A vector of the processor's, as far as every one of its kind has it.
type Lanes = [u8; LANES];
const LANES: usize = 16;

#[inline(always)]
fn find<const OR_NUL: bool>(input: &[u8]) -> Option<usize> {
    if !SHORT_CUT {
        return first_of([CR, LF, if OR_NUL { NUL } else { LF }], input);
    }
    let Some((lanes, rest)) = input.split_first_chunk() else {
        return find_short::<OR_NUL>(input);
    };
    match find_in_lanes::<OR_NUL>(lanes) {
        None if !rest.is_empty() => find_long::<OR_NUL>(input),
        found => found,
    }
}

/// `find` behind the first vector, which was looked into.
#[inline(never)]
fn find_long<const OR_NUL: bool>(input: &[u8]) -> Option<usize> {
    let mut rest = input.get(LANES..)?;
    // Two more by themselves: eight lines of 40 bytes are read in 1340 instructions this way, and in 1500 by blocks alone.
    for _ in 0..2 {
        let Some((lanes, behind)) = rest.split_first_chunk() else { break };
        if let Some(i) = find_in_lanes::<OR_NUL>(lanes) {
            return Some(input.len() - rest.len() + i);
        }
        rest = behind;
    }
    while let Some((block, behind)) = rest.split_first_chunk() {
        if let Some(i) = find_in_block::<OR_NUL>(block) {
            return Some(input.len() - rest.len() + i);
        }
        rest = behind;
    }
    if rest.is_empty() {
        return None;
    }
    // What is left is less than a block: the last one overlaps what was seen.
    if let Some(block) = input.last_chunk() {
        return find_in_block::<OR_NUL>(block).map(|i| input.len() - BLOCK + i);
    }
    find_in_lanes::<OR_NUL>(input.last_chunk()?).map(|i| input.len() - LANES + i)
}

const BLOCK: usize = 4 * LANES;

#[inline(always)]
fn find_in_block<const OR_NUL: bool>(block: &[u8; BLOCK]) -> Option<usize> {
    let mut least = [u8::MAX; LANES];
    for lanes in block.chunks_exact(LANES) {
        for (least, &byte) in least.iter_mut().zip(lanes) {
            *least = (*least).min(byte);
        }
    }
    // All that is sought, and little else that is in a text.
    let low = least.iter().fold(false, |low, &byte| low | (byte <= CR));
    if !low {
        return None;
    }
    for (i, lanes) in block.chunks_exact(LANES).enumerate() {
        if let Some(found) = lanes.first_chunk().and_then(find_in_lanes::<OR_NUL>) {
            return Some(i * LANES + found);
        }
    }
    None
}

/// In as many bytes as a vector has, `memchr` is nine instructions.
#[inline(always)]
fn find_in_lanes<const OR_NUL: bool>(lanes: &Lanes) -> Option<usize> {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    if OR_NUL {
        if let Some(search) = vector::Three::new(CR, LF, NUL) {
            return search.find(lanes);
        }
    } else if let Some(search) = vector::Two::new(CR, LF) {
        return search.find(lanes);
    }
    find_in_words::<OR_NUL>(lanes)
}

/// `find` in less than a vector.
#[inline(always)]
fn find_short<const OR_NUL: bool>(input: &[u8]) -> Option<usize> {
    if input.len() >= WORD {
        return find_in_words::<OR_NUL>(input);
    }
    // Less than a word is put together from two halves that overlap.
    let word = match (input.first_chunk(), input.last_chunk()) {
        (Some(low), Some(high)) => {
            let [low, high] = [low, high].map(|half| u64::from(u32::from_le_bytes(*half)));
            low | (high << ((8 * input.len() - 32) & 63))
        }
        _ => input.iter().rev().fold(0, |word, &byte| (word << 8) | u64::from(byte)),
    };
    let found = marks::<OR_NUL>(word).trailing_zeros() as usize / 8;
    (found < input.len()).then_some(found)
}

const WORD: usize = size_of::<u64>();

/// `find` in one word or two, which may overlap.
#[inline(always)]
fn find_in_words<const OR_NUL: bool>(input: &[u8]) -> Option<usize> {
    let found = marks::<OR_NUL>(u64::from_le_bytes(*input.first_chunk()?));
    if found != 0 {
        return Some(found.trailing_zeros() as usize / 8);
    }
    let found = marks::<OR_NUL>(u64::from_le_bytes(*input.last_chunk()?));
    (found != 0).then(|| input.len() - WORD + found.trailing_zeros() as usize / 8)
}

/// The high bit of the first byte of `word` that is sought, counted from the low end; bits above it may be set too.
#[inline(always)]
const fn marks<const OR_NUL: bool>(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([0x01; 8]);
    const HIGHS: u64 = u64::from_le_bytes([0x80; 8]);
    const fn zeros(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word & HIGHS
    }
    let nul = if OR_NUL { zeros(word) } else { 0 };
    zeros(word ^ (ONES * LF as u64)) | zeros(word ^ (ONES * CR as u64)) | nul
}

/// Byte by byte, in 54 bytes of a Cortex-M0, where `memchr2` and `memchr3` take 508.
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

    /// Blocks of nothing but bytes about CR, which are searched lane by lane.
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
