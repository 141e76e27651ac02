//! The order of IDs.

use super::view::View;
use crate::bytes::FAST;

/// An ID as a number or a pair of numbers, which have an order. A single number is the second of a pair whose first is 0.
///
/// One integer, since that takes the least code to compare: 0 if the ID is text, and otherwise one more than the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number(u128);

impl Number {
    /// Text, and smaller than all numbers.
    pub(super) const NONE: Number = Number(0);

    /// Returns a single number.
    pub(super) fn single(number: u64) -> Number {
        Number(u128::from(number) + 1)
    }

    pub(super) fn is_none(self) -> bool {
        self == Number::NONE
    }

    /// Returns the number if `id` is one, as `17`, or a pair of numbers, as `3-17`. With a sign, with zeros in front or above
    /// [`u64::MAX`] it is text.
    pub(super) fn of(id: View<'_>) -> Number {
        Number::parse(id).unwrap_or(Number::NONE)
    }

    fn parse(id: View<'_>) -> Option<Number> {
        let mut first = None;
        let mut number = None;
        for byte in id.bytes() {
            if byte == b'-' && first.is_none() {
                first = Some(number.take()?);
                continue;
            }
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 || number == Some(0) {
                return None;
            }
            number = Some(append(number.unwrap_or(0), digit)?);
        }
        let pair = u128::from(first.unwrap_or(0)) << 64 | u128::from(number?);
        pair.checked_add(1).map(Number)
    }
}

/// Returns ten times `number`, and `digit`.
fn append(number: u64, digit: u8) -> Option<u64> {
    let digit = u64::from(digit);
    if FAST {
        return number.checked_mul(10)?.checked_add(digit);
    }
    // By addition: a device would link a routine to multiply.
    (0..10).try_fold(digit, |sum, _| number.checked_add(sum))
}

/// The ID of a frame that is gone, as far as it can be kept in a few bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub number: Number,
    /// Of a text, and not 0 then. If two texts have the same, a frame may be sent twice, and none is lost.
    hash: u32,
}

impl Key {
    /// No ID.
    pub(super) const NONE: Key = Key { number: Number::NONE, hash: 0 };

    pub(super) fn of(id: View<'_>) -> Key {
        let number = Number::of(id);
        let hash = if number.is_none() {
            id.bytes().fold(1, |hash: u32, byte| hash.wrapping_mul(31) ^ u32::from(byte)).max(1)
        } else {
            0
        };
        Key { number, hash }
    }
}
