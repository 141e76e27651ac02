//! The reason why a stream brings no event.

use ssewire::Field;
use ssewire::lossy;
use ssewire::tokenizer::{Token, Tokenizer};

/// The bytes of a line that are kept to show it.
const KEPT: usize = 300;

/// Looks at the lines of a stream until its first event.
pub struct Explanation {
    tokenizer: Tokenizer,
    lines: u64,
    unknown_lines: u64,
    /// The start of the first unknown line.
    first: Vec<u8>,
    /// Blocks that set an event type but no data.
    without_data: u64,
    /// A block has ended that has unknown lines and no data.
    is_certain: bool,
    block: Block,
}

#[derive(Default)]
struct Block {
    is_begun: bool,
    has_type: bool,
    has_data: bool,
    has_unknown: bool,
}

impl Explanation {
    pub fn new() -> Explanation {
        Explanation {
            tokenizer: Tokenizer::new(),
            lines: 0,
            unknown_lines: 0,
            first: Vec::new(),
            without_data: 0,
            is_certain: false,
            block: Block::default(),
        }
    }

    /// Makes ready for another connection's stream.
    #[cfg(feature = "net")]
    pub fn reset(&mut self) {
        *self = Explanation::new();
    }

    pub fn read(&mut self, mut input: &[u8]) {
        while let Some(token) = self.tokenizer.next(&mut input) {
            match token {
                Token::Field(field, piece) => {
                    self.lines += u64::from(piece.last);
                    self.block.is_begun = true;
                    self.block.has_type |= field == Field::Event;
                    self.block.has_data |= field == Field::Data;
                }
                Token::Unknown(piece) => {
                    self.lines += u64::from(piece.last);
                    self.unknown_lines += u64::from(piece.first);
                    self.block.has_unknown = true;
                    if self.unknown_lines == 1 {
                        let spare = KEPT.saturating_sub(self.first.len());
                        self.first.extend_from_slice(&piece.bytes[..piece.bytes.len().min(spare)]);
                    }
                }
                Token::Comment(piece) => self.lines += u64::from(piece.last),
                Token::EndOfEvent => {
                    let block = std::mem::take(&mut self.block);
                    self.without_data += u64::from(block.has_type && !block.has_data);
                    self.is_certain |= block.has_unknown && !block.has_data;
                }
            }
        }
    }

    /// Returns whether the reason holds before the end of the stream: a block of unknown lines without data has ended.
    #[cfg(feature = "net")]
    pub fn is_certain(&self) -> bool {
        self.is_certain
    }

    /// Returns the reason, if something in the stream so far looks as if an event was meant. `None` for streams of comments
    /// alone, for example.
    pub fn reason(&self) -> Option<String> {
        if self.unknown_lines > 0 {
            let lines = self.lines.max(1);
            let lines = format!("no event in {lines} line{}; ", if lines == 1 { "" } else { "s" });
            return Some(lines + &self.unknown());
        }
        match self.without_data {
            0 if self.block.is_begun => {
                Some("no event: the stream ends within its first event, before the blank line".into())
            }
            0 => None,
            1 => Some("no event: 1 block sets a type but has no data, so it is not dispatched".into()),
            n => Some(format!("no event: {n} blocks set a type but have no data, so they are not dispatched")),
        }
    }

    /// Describes the unknown lines.
    fn unknown(&self) -> String {
        let cut = if self.first.len() == KEPT { "…" } else { "" };
        let mut text = match self.unknown_lines {
            1 => format!("not a field of the format: {}{cut}", lossy(&self.first)),
            n => format!("{n} are not a field of the format, the first is: {}{cut}", lossy(&self.first)),
        };
        let name = self.first.split(|&byte| byte == b':').next().unwrap_or_default();
        let meant = ["data", "event", "id", "retry"]
            .into_iter()
            .find(|field| name.trim_ascii().eq_ignore_ascii_case(field.as_bytes()));
        if let Some(meant) = meant {
            text += &format!(
                " (unknown field \"{}\": the name is \"{meant}\", in lower case and without spaces)",
                lossy(name)
            );
        }
        text
    }
}
