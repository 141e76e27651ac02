/// A reconnection time in milliseconds, digit by digit.
// Packed, since two of these would make all state beside them eight bytes larger where a `u64` is aligned to eight bytes.
#[derive(Clone, Copy, Debug)]
#[repr(Rust, packed(4))]
pub(super) struct Milliseconds(pub u64);

impl Milliseconds {
    /// Returns the number with one more digit; `None` for a byte that is not a digit, and beyond `u64`. The standard has no
    /// limit; browsers ignore such a field.
    pub(super) fn push(self, byte: u8) -> Option<Milliseconds> {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        // Not times ten: without a 64-bit multiplication in the processor, that would link a routine for it.
        (0..10).try_fold(u64::from(digit), |sum, _| sum.checked_add(self.0)).map(Milliseconds)
    }
}
