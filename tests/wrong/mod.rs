//! Parsers and writers that are wrong on purpose, each in one way. The runner must catch every one of them.
//!
//! A simple right parser is made of [`parsers::Rules`], one function per step, and a simple right writer of
//! [`writers::Rules`]. A wrong one replaces a function. It stands in one line of `WRONG`, with its name.

pub mod parsers;
pub mod writers;

const BOM: char = '\u{feff}';

fn without(text: &str, dropped: impl Fn(char) -> bool) -> String {
    text.chars().filter(|&c| !dropped(c)).collect()
}

fn is_beyond_bmp(c: char) -> bool {
    c > '\u{ffff}'
}

fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe
}

/// Characters that do not show.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | BOM)
}

/// The line ends of Python's `str.splitlines` and of Java's `\R`, beyond those of the standard.
fn is_other_line_end(c: char) -> bool {
    matches!(c, '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Normalization, of one letter.
fn normalized(text: &str) -> String {
    text.replace("e\u{301}", "\u{e9}")
}

/// Returns the first bytes, without a part of a character.
fn first_bytes(text: &str, most: usize) -> &str {
    split_at(text, most).0
}

/// Splits into the first bytes, without a part of a character, and the rest.
fn split_at(text: &str, most: usize) -> (&str, &str) {
    let most = most.min(text.len());
    text.split_at((0..=most).rfind(|&at| text.is_char_boundary(at)).unwrap())
}

fn first_chars(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// The digits at the start, which C's `strtoul` reads.
fn number_prefix(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    &text[..end]
}
