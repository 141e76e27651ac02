use super::number;

/// Returns the seconds from the start of 1970 to `value`, a date as HTTP writes it, in any of its three forms. Dates of the
/// years 1970 to 2099 are read; any other value gives `None`.
///
/// The name of the weekday is not compared with the date.
///
/// Standard: [RFC 9110, 5.6.7](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7).
///
/// # Panics
///
/// Never.
///
/// # Examples
///
/// ```
/// use ssewire::http::date;
///
/// assert_eq!(date(b"Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
/// assert_eq!(date(b"Sunday, 06-Nov-94 08:49:37 GMT"), Some(784_111_777));
/// assert_eq!(date(b"Sun Nov  6 08:49:37 1994"), Some(784_111_777));
/// assert_eq!(date(b"tomorrow"), None);
/// ```
#[must_use]
pub fn date(value: &[u8]) -> Option<u32> {
    // Day, year, hour, minute and second; in the third form the year is last.
    let mut numbers = [0; 5];
    let mut count = 0;
    let mut month = None;
    for word in value.split(|byte| !byte.is_ascii_alphanumeric()) {
        if let Some(value) = number(word) {
            *numbers.get_mut(count)? = value;
            count += 1;
        } else if month.is_none() {
            month = MONTHS.iter().position(|(name, _)| word == name);
        }
    }
    let [day, mut year, mut hour, mut minute, mut second] = numbers;
    if second >= 1970 {
        (year, hour, minute, second) = (second, year, hour, minute);
    }
    if year < 100 {
        year += if year < 70 { 2000 } else { 1900 };
    }
    let month = month?;
    let since = year.wrapping_sub(1970);
    if count != 5 || since >= 130 || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut days = since * 365 + ((since + 1) >> 2) + (day - 1);
    for (_, length) in MONTHS.iter().take(month) {
        days += u32::from(*length);
    }
    days += u32::from(month > 1 && year & 3 == 0);
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

/// The months, each with its days in a common year.
const MONTHS: [([u8; 3], u8); 12] = [
    (*b"Jan", 31),
    (*b"Feb", 28),
    (*b"Mar", 31),
    (*b"Apr", 30),
    (*b"May", 31),
    (*b"Jun", 30),
    (*b"Jul", 31),
    (*b"Aug", 31),
    (*b"Sep", 30),
    (*b"Oct", 31),
    (*b"Nov", 30),
    (*b"Dec", 31),
];
