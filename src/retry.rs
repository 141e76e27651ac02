//! The reconnection time, digit by digit.

/// The value of a `retry` field as far as it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    Empty,
    Number(u64),
    /// A byte that is no digit, or a number beyond `u64`. The standard has no limit; browsers ignore such a field.
    Invalid,
}

impl Retry {
    pub(crate) fn push(self, byte: u8) -> Retry {
        let value = match self {
            Retry::Empty => 0,
            Retry::Number(value) => value,
            Retry::Invalid => return Retry::Invalid,
        };
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 || value > u64::MAX / 10 {
            return Retry::Invalid;
        }
        match (value * 10).checked_add(u64::from(digit)) {
            Some(value) => Retry::Number(value),
            None => Retry::Invalid,
        }
    }
}
