//! Decimal numbers.

/// The most digits of a `u64`.
pub(super) const MAX_DIGITS: usize = 20;

/// Returns the decimal digits of `number` in `buffer`, for those who have a memory to put them in and a fast division.
#[inline]
pub(super) fn decimal(number: u64, buffer: &mut [u8; MAX_DIGITS]) -> &[u8] {
    let mut rest = number;
    let mut start = buffer.len();
    for digit in buffer.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        start -= 1;
        if rest == 0 {
            break;
        }
    }
    buffer.get(start..).unwrap_or_default()
}

/// Returns the decimal digits of `number`, each a slice of one byte.
pub(crate) fn digits(number: u64) -> impl Iterator<Item = &'static [u8]> {
    let mut rest = number;
    (0..=leading_power(number)).rev().map(move |power| {
        let digit;
        (digit, rest) = take_digit(rest, power);
        digit
    })
}

/// Powers of ten, in place of a 64-bit division, for which a small device would link a routine.
const POWERS: [u64; MAX_DIGITS] = {
    let mut powers = [1; MAX_DIGITS];
    let mut i = 1;
    while i < powers.len() {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// Returns the power of ten of the first digit of `number`.
pub(super) fn leading_power(number: u64) -> usize {
    POWERS.iter().skip(1).take_while(|&&power| power <= number).count()
}

/// Returns the digit of `number` at `power`, which must be its first, and the rest of the number.
pub(super) fn take_digit(number: u64, power: usize) -> (&'static [u8], u64) {
    const DIGITS: &[u8; 10] = b"0123456789";
    let unit = POWERS.get(power).copied().unwrap_or(1);
    let mut rest = number;
    let mut digits = DIGITS.chunks(1);
    let mut digit = digits.next();
    while let Some(less) = rest.checked_sub(unit) {
        rest = less;
        digit = digits.next();
    }
    (digit.unwrap_or_default(), rest)
}
