//! Bytes to text: checked, or decoded as the standard decodes.

use core::fmt::{self, Write as _};
use core::str::Utf8Error;

/// `bytes` as text, if they are UTF-8.
// Not inlined, so that `Event::text` is, and the event stays in registers: 25 ns an event of 263 bytes, against 40.
#[inline(never)]
pub(crate) fn check(bytes: &[u8]) -> Result<&str, Utf8Error> {
    #[cfg(feature = "simdutf8")]
    if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
        return Ok(text);
    }
    core::str::from_utf8(bytes)
}

/// `bytes` as text, decoded as the standard decodes an event stream: each maximal invalid part becomes one U+FFFD.
///
/// Nothing is allocated; see [`Decoded`] for what can be done with the result. The same text as
/// `String::from_utf8_lossy(bytes)`. A byte order mark is kept: the one that is dropped stands at the start of a stream,
/// and the parser has dropped it.
///
/// Standard: [UTF-8 decode](https://encoding.spec.whatwg.org/#utf-8-decode).
///
/// # Examples
///
/// ```
/// assert_eq!(ssewire::decode(b"21.5 \xc2\xb0C").to_string(), "21.5 °C");
/// assert!(ssewire::decode(b"\xf0\x9fab\xff").chars().eq("\u{fffd}ab\u{fffd}".chars()));
/// ```
#[must_use]
pub const fn decode(bytes: &[u8]) -> Decoded<'_> {
    Decoded(bytes)
}

/// Text that [`decode`] decodes as it is read: print it, compare it, or walk along its pieces or characters.
#[derive(Clone, Copy)]
pub struct Decoded<'a>(&'a [u8]);

impl<'a> Decoded<'a> {
    /// The text as consecutive pieces: what was valid, and `"\u{fffd}"` for each part that was not.
    pub fn pieces(self) -> impl Iterator<Item = &'a str> + Clone {
        self.0.utf8_chunks().flat_map(|chunk| {
            let replacement = if chunk.invalid().is_empty() { "" } else { "\u{fffd}" };
            [chunk.valid(), replacement].into_iter().filter(|piece| !piece.is_empty())
        })
    }

    /// The text's characters.
    pub fn chars(self) -> impl Iterator<Item = char> + Clone + 'a {
        self.pieces().flat_map(str::chars)
    }
}

impl fmt::Display for Decoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces().try_for_each(|piece| f.write_str(piece))
    }
}

impl fmt::Debug for Decoded<'_> {
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

impl PartialEq for Decoded<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.chars().eq(other.chars())
    }
}

impl Eq for Decoded<'_> {}

impl PartialEq<str> for Decoded<'_> {
    fn eq(&self, other: &str) -> bool {
        self.chars().eq(other.chars())
    }
}

impl PartialEq<&str> for Decoded<'_> {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::decode;
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
            let decoded = decode(bytes);
            assert_eq!(format!("{decoded}"), text);
            assert_eq!(decoded.chars().collect::<String>(), text);
            assert_eq!(String::from_utf8_lossy(bytes), text);
            assert_eq!(format!("{decoded:?}"), format!("{text:?}"));
            assert!(decoded == text && decoded == *text && decoded != "other");
        }
        assert_eq!(decode(b"\xff"), decode(b"\xfe"));
        assert_ne!(decode(b"a"), decode(b"b"));
    }
}
