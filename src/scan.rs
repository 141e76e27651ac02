//! Where the next line ends. All knowledge of vectors and word tricks lives here.

use memchr::{memchr2, memchr3};

pub(crate) const CR: u8 = b'\r';
pub(crate) const LF: u8 = b'\n';
const NUL: u8 = b'\0';

/// The index of the first CR or LF in `input`.
///
/// The same as `input.iter().position(|byte| matches!(byte, b'\r' | b'\n'))`.
#[inline(always)]
pub(crate) fn line_end(input: &[u8]) -> Option<usize> {
    find(input, |word| marks(word, LF) | marks(word, CR), |rest| memchr2(CR, LF, rest))
}

/// The index of the first CR, LF or NUL in `input`.
///
/// The same as `input.iter().position(|byte| matches!(byte, b'\r' | b'\n' | b'\0'))`.
#[inline(always)]
pub(crate) fn line_end_or_nul(input: &[u8]) -> Option<usize> {
    find(input, |word| marks(word, LF) | marks(word, CR) | marks(word, NUL), |rest| memchr3(CR, LF, NUL, rest))
}

const WORD: usize = size_of::<u64>();

/// Looks into the first two words by `marks`, and behind them by `long`, whose call costs more than most lines are worth.
#[inline(always)]
fn find(input: &[u8], marks: impl Fn(u64) -> u64, long: impl Fn(&[u8]) -> Option<usize>) -> Option<usize> {
    if cfg!(not(target_pointer_width = "64")) {
        return long(input);
    }
    let Some((low, rest)) = input.split_first_chunk() else {
        return find_short(input, marks);
    };
    let Some((high, rest)) = rest.split_first_chunk() else {
        // Less than two words: the second one overlaps the first.
        return find_in_two(low, input.last_chunk()?, input.len() - WORD, marks);
    };
    find_in_two(low, high, WORD, &marks).or_else(|| match rest.len() {
        0 => None,
        // Little is left of a small chunk.
        1..=WORD => find_in_two(high, input.last_chunk()?, rest.len(), marks).map(|i| WORD + i),
        _ => long(rest).map(|i| 2 * WORD + i),
    })
}

/// In `low`, or else in `high`, which begins at `at`. One branch, on whether there is any: where it is in the two words
/// is as good as random, and a branch on that mispredicted costs more than all the rest.
#[inline(always)]
fn find_in_two(low: &[u8; WORD], high: &[u8; WORD], at: usize, marks: impl Fn(u64) -> u64) -> Option<usize> {
    let (low, high) = (marks(u64::from_le_bytes(*low)), marks(u64::from_le_bytes(*high)));
    if low | high == 0 {
        return None;
    }
    let (found, at) = if low != 0 { (low, 0) } else { (high, at) };
    Some(at + found.trailing_zeros() as usize / 8)
}

/// `find` in less than a word.
#[inline(always)]
fn find_short(input: &[u8], marks: impl Fn(u64) -> u64) -> Option<usize> {
    let word = input.iter().rev().fold(0, |word, &byte| (word << 8) | u64::from(byte));
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
        let naive = input.iter().position(|byte| matches!(*byte, CR | LF | NUL));
        assert_eq!(line_end_or_nul(input), naive, "{input:?}");
    }

    /// One line end at every place of inputs of every length, slid through every alignment.
    #[test]
    fn finds_at_every_place() {
        for byte in [CR, LF, NUL] {
            for len in 0..=70 {
                for start in 0..8 {
                    let mut input = [b'x'; 80];
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
