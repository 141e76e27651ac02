//! Bytes to text: checked, or decoded as the standard decodes.

use core::cmp::Ordering;
use core::fmt::{self, Write as _};
use core::hash::{Hash, Hasher};
use core::str::Utf8Error;

use crate::bytes::FAST;
use crate::error::NotUtf8;
use crate::field::Field;

/// Returns the value of `field` as text.
#[inline(always)]
pub(crate) fn check(field: Field, value: &[u8]) -> Result<&str, NotUtf8> {
    from_utf8(value).map_err(|error| NotUtf8 { field, error })
}

// Not inlined, so that `Event::text` is, and the event stays in registers; see benches/README.md.
#[inline(never)]
fn from_utf8(bytes: &[u8]) -> Result<&str, Utf8Error> {
    #[cfg(feature = "std")]
    if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
        return Ok(text);
    }
    core::str::from_utf8(bytes)
}

/// Returns `bytes` as text, decoded as the standard decodes an event stream: each maximal invalid part becomes one U+FFFD.
///
/// The same text as `String::from_utf8_lossy(bytes)`, without an allocation; [`Lossy`] has the uses. A byte order mark is
/// kept: the one that the standard drops stands at the start of a stream, and the parser has dropped it.
///
/// Standard: [UTF-8 decode](https://encoding.spec.whatwg.org/#utf-8-decode).
///
/// # Panics
///
/// Never.
///
/// # Examples
///
/// ```
/// assert_eq!(ssewire::lossy(b"21.5 \xc2\xb0C").to_string(), "21.5 °C");
/// assert!(ssewire::lossy(b"\xf0\x9fab\xff").chars().eq("\u{fffd}ab\u{fffd}".chars()));
/// ```
#[doc(alias = "from_utf8_lossy")]
#[doc(alias = "decode")]
#[must_use]
pub const fn lossy(bytes: &[u8]) -> Lossy<'_> {
    Lossy(bytes)
}

/// Text that is decoded as it is read, returned by [`lossy`]. It can be printed, compared, hashed, and iterated by pieces or
/// characters.
///
/// # Examples
///
/// ```
/// use ssewire::lossy;
///
/// let text = lossy(b"21\xb0C");
/// assert_eq!(text.to_string(), "21\u{fffd}C");
/// assert!(text.pieces().eq(["21", "\u{fffd}", "C"]));
/// assert!(text == "21\u{fffd}C" && text < lossy(b"22"));
/// ```
#[derive(Clone, Copy)]
pub struct Lossy<'a>(&'a [u8]);

impl<'a> Lossy<'a> {
    /// Returns the text as consecutive pieces: the valid parts, and `"\u{fffd}"` for each invalid one. None is empty.
    pub fn pieces(self) -> impl Iterator<Item = &'a str> + Clone {
        self.0.utf8_chunks().flat_map(|chunk| {
            let replacement = if chunk.invalid().is_empty() { "" } else { "\u{fffd}" };
            [chunk.valid(), replacement].into_iter().filter(|piece| !piece.is_empty())
        })
    }

    /// Returns the text's characters.
    pub fn chars(self) -> impl Iterator<Item = char> + Clone + 'a {
        self.pieces().flat_map(str::chars)
    }
}

impl fmt::Display for Lossy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = FAST.then(|| from_utf8(self.0).ok()).flatten() {
            return f.write_str(text);
        }
        self.pieces().try_for_each(|piece| f.write_str(piece))
    }
}

impl fmt::Debug for Lossy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for char in self.chars() {
            match char {
                '\'' => f.write_char(char)?,
                _ => write!(f, "{}", char.escape_debug())?,
            }
        }
        f.write_char('"')
    }
}

impl PartialEq for Lossy<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.chars().eq(other.chars())
    }
}

impl Eq for Lossy<'_> {}

impl PartialOrd for Lossy<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The order of the texts, which is that of `str`.
impl Ord for Lossy<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.chars().cmp(other.chars())
    }
}

impl Hash for Lossy<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // By characters, since equal texts can have different pieces.
        self.chars().for_each(|char| char.hash(state));
        state.write_u8(0xff);
    }
}

impl PartialEq<str> for Lossy<'_> {
    fn eq(&self, other: &str) -> bool {
        self.chars().eq(other.chars())
    }
}

impl PartialEq<&str> for Lossy<'_> {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::lossy;
    use std::format;
    use std::string::String;

    #[test]
    fn decodes_as_the_standard_decodes() {
        let cases: [(&[u8], &str); 8] = [
            (b"", ""),
            (b"plain 'quoted' \"twice\"\n", "plain 'quoted' \"twice\"\n"),
            ("\u{feff}ü€🚀".as_bytes(), "\u{feff}ü€🚀"),
            (b"\xc0\xaf", "\u{fffd}\u{fffd}"),
            (b"\xed\xa0\x80", "\u{fffd}\u{fffd}\u{fffd}"),
            (b"\xf4\x90\x80\x80", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}"),
            (b"\xf0\x9f\x92", "\u{fffd}"),
            (b"\xf0\x9fa\xff", "\u{fffd}a\u{fffd}"),
        ];
        for (bytes, text) in cases {
            let decoded = lossy(bytes);
            assert_eq!(format!("{decoded}"), text);
            assert_eq!(decoded.chars().collect::<String>(), text);
            assert_eq!(String::from_utf8_lossy(bytes), text);
            assert_eq!(format!("{decoded:?}"), format!("{text:?}"));
            assert!(decoded == text && decoded == *text && decoded != "other");
        }
        assert_eq!(lossy(b"\xff"), lossy(b"\xfe"));
        assert_ne!(lossy(b"a"), lossy(b"b"));
    }
}
