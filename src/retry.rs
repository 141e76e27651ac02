//! The reconnection time, digit by digit.

/// Packed, since where a `u64` is aligned to eight bytes two of these would make all state beside them eight bytes larger.
#[derive(Clone, Copy, Debug)]
#[repr(Rust, packed(4))]
pub(crate) struct Milliseconds(pub u64);

impl Milliseconds {
    /// With one more digit; `None` for a byte that is none, and beyond `u64`. The standard has no limit; browsers ignore
    /// such a field.
    pub(crate) fn push(self, byte: u8) -> Option<Milliseconds> {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        // Not times ten: where there is no 64-bit multiplication that would link a routine for it.
        (0..10).try_fold(u64::from(digit), |sum, _| sum.checked_add(self.0)).map(Milliseconds)
    }
}
