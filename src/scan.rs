//! Where the next line ends. All knowledge of vectors and word tricks lives here.

#[cfg(target_arch = "x86_64")]
use memchr::arch::x86_64::sse2::memchr as sse2;
use memchr::{memchr, memchr2, memchr3};

use crate::whole::SHORT_CUT;

pub(crate) const CR: u8 = b'\r';
pub(crate) const LF: u8 = b'\n';
const NUL: u8 = b'\0';

/// The index of the first CR or LF in `input`.
///
/// The same as `input.iter().position(|byte| matches!(byte, b'\r' | b'\n'))`.
#[inline(always)]
pub(crate) fn line_end(input: &[u8]) -> Option<usize> {
    if !SHORT_CUT {
        return first_of([CR, LF, LF], input);
    }
    find(input, |word| marks(word, LF) | marks(word, CR), long_line_end)
}

/// The index of the first CR, LF or NUL in `input`.
///
/// The same as `input.iter().position(|byte| matches!(byte, b'\r' | b'\n' | b'\0'))`.
#[inline(always)]
pub(crate) fn line_end_or_nul(input: &[u8]) -> Option<usize> {
    if !SHORT_CUT {
        return first_of([CR, LF, NUL], input);
    }
    find(input, |word| marks(word, LF) | marks(word, CR) | marks(word, NUL), long_line_end_or_nul)
}

/// The index of the first NUL in `input`.
#[inline(always)]
pub(crate) fn nul(input: &[u8]) -> Option<usize> {
    if !SHORT_CUT {
        return first_of([NUL; 3], input);
    }
    memchr(NUL, input)
}

/// Byte by byte, in 54 bytes of a Cortex-M0, where `memchr2` and `memchr3` take 508.
#[inline(never)]
fn first_of(bytes: [u8; 3], input: &[u8]) -> Option<usize> {
    let [a, b, c] = bytes;
    input.iter().position(|&byte| byte == a || byte == b || byte == c)
}

/// `line_end` of a comment, which is nearly always short. Keep-alives with and without text come in one stream, and a
/// branch that mispredicts on which it is costs more than to look into two words at once: 7.6 ns against 14 for each.
#[inline(always)]
pub(crate) fn comment_end(input: &[u8]) -> Option<usize> {
    let Some((block, rest)) = input.split_first_chunk() else { return line_end(input) };
    match line_ends(block) {
        0 => line_end(rest).map(|i| BLOCK + i),
        found => Some(found.trailing_zeros() as usize),
    }
}

const BLOCK: usize = 2 * WORD;

/// How far SSE2 looks before `memchr` takes over, in bytes. Up to here the detour over the AVX2 that it picks at run
/// time costs more than AVX2 saves: 21 ns for an event of 120 bytes against 24, 87 for eight lines of 40 against 110.
#[cfg(target_arch = "x86_64")]
const NEAR: usize = 256;

/// `line_end` without the look into the first word: behind one line of a text that has several, the next one is as long
/// as not. Eight lines of 40 bytes are read in 1469 instructions this way, and 1590 by `line_end`.
#[inline(never)]
pub(crate) fn long_line_end(input: &[u8]) -> Option<usize> {
    #[cfg(target_arch = "x86_64")]
    if let Some(search) = sse2::Two::new(CR, LF) {
        return match input.split_at_checked(NEAR) {
            None => search.find(input),
            Some((near, far)) => search.find(near).or_else(|| memchr2(CR, LF, far).map(|i| NEAR + i)),
        };
    }
    memchr2(CR, LF, input)
}

#[inline(never)]
fn long_line_end_or_nul(input: &[u8]) -> Option<usize> {
    #[cfg(target_arch = "x86_64")]
    if let Some(search) = sse2::Three::new(CR, LF, NUL) {
        return match input.split_at_checked(NEAR) {
            None => search.find(input),
            Some((near, far)) => search.find(near).or_else(|| memchr3(CR, LF, NUL, far).map(|i| NEAR + i)),
        };
    }
    memchr3(CR, LF, NUL, input)
}

/// One bit for each byte of `block`, the lowest set where its first CR or LF is, with no branch.
#[inline(always)]
fn line_ends(block: &[u8; BLOCK]) -> u64 {
    let words = u128::from_le_bytes(*block);
    let [low, high] = [words as u64, (words >> 64) as u64]
        .map(|word| ((marks(word, LF) | marks(word, CR)) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56);
    low | (high << WORD)
}

const WORD: usize = size_of::<u64>();

/// Looks into the first word by `marks`, and behind it by `long`, whose call costs more than most lines are worth.
#[inline(always)]
fn find(input: &[u8], marks: impl Fn(u64) -> u64, long: impl Fn(&[u8]) -> Option<usize>) -> Option<usize> {
    let Some((word, rest)) = input.split_first_chunk() else {
        return find_short(input, marks);
    };
    let found = marks(u64::from_le_bytes(*word));
    if found != 0 {
        return Some(found.trailing_zeros() as usize / 8);
    }
    if rest.len() > 2 * WORD {
        return long(rest).map(|i| WORD + i);
    }
    // What is left of a small chunk: up to two words, the last one overlapping what was seen.
    if rest.len() > WORD {
        let found = marks(u64::from_le_bytes(*rest.first_chunk()?));
        if found != 0 {
            return Some(WORD + found.trailing_zeros() as usize / 8);
        }
    }
    let found = marks(u64::from_le_bytes(*input.last_chunk()?));
    (found != 0).then(|| input.len() - WORD + found.trailing_zeros() as usize / 8)
}

/// `find` in less than a word, which is put together from two halves that overlap.
#[inline(always)]
fn find_short(input: &[u8], marks: impl Fn(u64) -> u64) -> Option<usize> {
    let word = match (input.first_chunk(), input.last_chunk()) {
        (Some(low), Some(high)) => {
            let [low, high] = [low, high].map(|half| u64::from(u32::from_le_bytes(*half)));
            low | (high << ((8 * input.len() - 32) & 63))
        }
        _ => input.iter().rev().fold(0, |word, &byte| (word << 8) | u64::from(byte)),
    };
    let found = marks(word).trailing_zeros() as usize / 8;
    (found < input.len()).then_some(found)
}

/// The high bit of the first byte of `word` that is `byte`, counted from the low end; bits above it may be set too.
#[inline(always)]
const fn marks(word: u64, byte: u8) -> u64 {
    const ONES: u64 = u64::from_le_bytes([0x01; 8]);
    const HIGHS: u64 = u64::from_le_bytes([0x80; 8]);
    let zero = word ^ (ONES * byte as u64);
    zero.wrapping_sub(ONES) & !zero & HIGHS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agree(input: &[u8]) {
        let naive = input.iter().position(|byte| matches!(*byte, CR | LF));
        assert_eq!(line_end(input), naive, "{input:?}");
        assert_eq!(comment_end(input), naive, "{input:?}");
        let naive = input.iter().position(|byte| matches!(*byte, CR | LF | NUL));
        assert_eq!(line_end_or_nul(input), naive, "{input:?}");
    }

    /// One line end at every place of inputs of every length, slid through every alignment.
    #[test]
    fn finds_at_every_place() {
        for byte in [CR, LF, NUL] {
            for len in (0..=70).chain([255, 256, 257, 300]) {
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
