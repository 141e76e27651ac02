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
        if digit > 9 || self.0 > u64::MAX / 10 {
            return None;
        }
        // Not times ten: that would link a routine.
        let tenfold = (self.0 << 3) + (self.0 << 1);
        tenfold.checked_add(u64::from(digit)).map(Milliseconds)
    }
}
