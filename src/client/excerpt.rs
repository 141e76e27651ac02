use core::fmt::{self, Write as _};

use crate::read::{Token, Tokenizer};
use crate::text::lossy;

/// The first bytes of a response that explain why it brought no events, from [`excerpt`](super::Client::excerpt).
///
/// It prints as one line: `no event in 3 lines; the first is: {"error":"overloaded"}`. Control characters print as U+FFFD, so
/// that a server cannot steer a terminal.
///
/// # Examples
///
/// ```
/// use ssewire::client::Excerpt;
///
/// let excerpt = Excerpt { bytes: b"{\"error\":\"overloaded\"}", unknown_lines: 0, has_events: false };
/// assert_eq!(excerpt.to_string(), r#"the body begins: {"error":"overloaded"}"#);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Excerpt<'a> {
    /// The bytes, as many as the client keeps: of the body of a failed response, or of the unknown lines of an event stream, with
    /// an LF between two of them.
    pub bytes: &'a [u8],
    /// The number of lines of an event stream that are not fields of the standard; 0 for the body of a failed response.
    pub unknown_lines: u32,
    /// The event stream brought an event after these lines.
    pub has_events: bool,
}

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.bytes.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
        match (self.unknown_lines, self.has_events) {
            (0, _) => f.write_str("the body begins: ")?,
            (1, false) => f.write_str("no event in 1 line: ")?,
            (lines, false) => write!(f, "no event in {lines} lines; the first is: ")?,
            (1, true) => f.write_str("1 unknown line: ")?,
            (lines, true) => write!(f, "{lines} unknown lines; the first is: ")?,
        }
        lossy(first).chars().try_for_each(|char| f.write_char(if char.is_control() { '\u{fffd}' } else { char }))
    }
}

/// The facts that a client notes of a response, beside the bytes themselves.
#[derive(Clone, Debug)]
pub(super) struct Notes {
    /// Reads the lines up to the first event, beside the parser, which skips those that are not fields.
    tokenizer: Tokenizer,
    /// The bytes kept.
    pub len: usize,
    pub unknown_lines: u32,
}

impl Notes {
    pub(super) const NONE: Notes = Notes { tokenizer: Tokenizer::new(), len: 0, unknown_lines: 0 };

    /// Keeps as many of `bytes` as `memory` has space for. Returns whether there is more space.
    pub(super) fn keep(&mut self, memory: &mut [u8], bytes: &[u8]) -> bool {
        let spare = memory.get_mut(self.len..).unwrap_or_default();
        for (place, &byte) in spare.iter_mut().zip(bytes) {
            *place = byte;
            self.len += 1;
        }
        self.len < memory.len()
    }

    /// Keeps the unknown lines of `input`, the next bytes of an event stream.
    pub(super) fn read(&mut self, memory: &mut [u8], mut input: &[u8]) {
        while let Some(token) = self.tokenizer.next(&mut input) {
            let Token::Unknown(piece) = token else { continue };
            if piece.first {
                if self.unknown_lines > 0 {
                    self.keep(memory, b"\n");
                }
                self.unknown_lines = self.unknown_lines.saturating_add(1);
            }
            self.keep(memory, piece.bytes);
        }
    }
}
