//! Where the next line ends. All knowledge of vectors and word tricks lives here.

use memchr::memchr2;

pub(crate) const CR: u8 = b'\r';
pub(crate) const LF: u8 = b'\n';

/// The index of the first CR or LF in `input` at or after `from`.
///
/// The same as `(from..input.len()).find(|&i| matches!(input[i], b'\r' | b'\n'))`.
#[inline(always)]
pub(crate) fn line_end(input: &[u8], from: usize) -> Option<usize> {
    let mut from = from;
    #[cfg(target_pointer_width = "64")]
    for _ in 0..PROBES {
        let Some(word) = input.get(from..).and_then(<[u8]>::first_chunk) else {
            break;
        };
        let found = line_ends(u64::from_le_bytes(*word));
        if found != 0 {
            return Some(from + found.trailing_zeros() as usize / 8);
        }
        from += size_of::<u64>();
    }
    memchr2(CR, LF, input.get(from..)?).map(|i| from + i)
}

/// Words looked at before `memchr` is called: half the lines of a stream are shorter than the call is worth.
#[cfg(target_pointer_width = "64")]
const PROBES: usize = 2;

/// The high bit of the first byte that is CR or LF, counted from the low end; bits above it may be set too.
#[cfg(target_pointer_width = "64")]
#[inline(always)]
const fn line_ends(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([0x01; 8]);
    const HIGHS: u64 = u64::from_le_bytes([0x80; 8]);
    let lf = word ^ (ONES * LF as u64);
    let cr = word ^ (ONES * CR as u64);
    ((lf.wrapping_sub(ONES) & !lf) | (cr.wrapping_sub(ONES) & !cr)) & HIGHS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naive(input: &[u8], from: usize) -> Option<usize> {
        (from..input.len()).find(|&i| matches!(input[i], CR | LF))
    }

    /// Every byte value beside a line end or where one might be mistaken, slid through every alignment.
    #[test]
    fn agrees_with_the_naive_search() {
        let mut input = [b'x'; 80];
        for end in [CR, LF] {
            for at in 0..input.len() {
                for (neighbour, value) in (0..=255).map(|v| (at.wrapping_sub(1), v)) {
                    input = [b'x'; 80];
                    input[at] = end;
                    if let Some(byte) = input.get_mut(neighbour) {
                        *byte = value;
                    }
                    if let Some(byte) = input.get_mut(at + 1) {
                        *byte = value;
                    }
                    for from in 0..=at {
                        assert_eq!(line_end(&input, from), naive(&input, from));
                    }
                }
            }
        }
        for len in 0..input.len() {
            let none = [0x8a_u8; 80];
            assert_eq!(line_end(&none[..len], 0), None);
            assert_eq!(line_end(&none[..len], len), None);
            assert_eq!(line_end(&none[..len], len + 1), None);
        }
    }
}
