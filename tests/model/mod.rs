//! A model of `Parser`: the standard's text and the capacity rule of the documentation, call by call.
//!
//! It keeps the whole unfinished line, and looks at all of it again with every input. It is slow, and it shares no code
//! with the crate or with `tests/oracle`. It says what one call must return, how many bytes the call uses, and what the
//! parser must tell after it.

#![allow(dead_code)] // each test crate uses a part of it

pub mod adapter;
pub mod drive;

use std::fmt;

use adapter::{Piece, Refusal, Seen};
use ssewire::Field;

const BOM: &[u8] = b"\xef\xbb\xbf";
const NAMES: [(&[u8], Field); 4] =
    [(b"data", Field::Data), (b"event", Field::Event), (b"id", Field::Id), (b"retry", Field::Retry)];

#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    pub event_type: Option<Vec<u8>>,
    pub data: Vec<u8>,
    pub last_event_id: Vec<u8>,
    pub id: Option<Vec<u8>>,
    pub retry: Option<u64>,
}

/// The result that one call must have. One that needs more input has none.
#[derive(Clone, PartialEq, Eq)]
pub enum Outcome {
    Event(Event),
    /// `first` is `None` where it is not said: the line began with a call that shows no comments.
    Comment {
        bytes: Vec<u8>,
        first: Option<bool>,
        last: bool,
    },
    Unknown {
        bytes: Vec<u8>,
        first: Option<bool>,
        last: bool,
    },
    Update {
        id: Option<Vec<u8>>,
        retry: Option<u64>,
    },
    /// With the bytes that are needed for all that was seen. The parser says the same when the line was `whole` in the
    /// input. Otherwise it may say less.
    Overflow {
        field: Field,
        needed: usize,
        whole: bool,
    },
}

impl Outcome {
    /// Whether it is what the parser returned.
    pub fn is(&self, seen: &Seen<'_>, room: usize) -> bool {
        match (self, seen) {
            (Outcome::Event(expected), Seen::Event(event)) => {
                let default_type: &[u8] = b"message";
                let event_type = expected.event_type.as_deref().filter(|event_type| !event_type.is_empty());
                event.event_type() == event_type.unwrap_or(default_type)
                    && event.wire_event_type() == expected.event_type.as_deref()
                    && event.data() == expected.data
                    && event.last_event_id() == expected.last_event_id
                    && event.id() == expected.id.as_deref()
                    && event.retry() == expected.retry
            }
            (Outcome::Comment { bytes, first, last }, Seen::Comment(piece))
            | (Outcome::Unknown { bytes, first, last }, Seen::Unknown(piece)) => is_piece(piece, bytes, *first, *last),
            (Outcome::Update { id, retry }, Seen::Update { id: seen_id, retry: seen_retry }) => {
                id.as_deref() == *seen_id && retry == seen_retry
            }
            (Outcome::Overflow { field, needed: most, whole }, Seen::Overflow { field: seen, needed, capacity }) => {
                field == seen && *capacity == room && room < *needed && needed <= most && (!*whole || needed == most)
            }
            _ => false,
        }
    }
}

fn is_piece(piece: &Piece<'_>, bytes: &[u8], first: Option<bool>, last: bool) -> bool {
    let first_is_right = first.zip(piece.first).is_none_or(|(expected, seen)| expected == seen);
    piece.bytes == bytes && first_is_right && piece.last == last
}

/// A line, as far as it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'l> {
    /// It may become a field: its name is not over.
    Open,
    Field(Field, &'l [u8]),
    Comment(&'l [u8]),
    Unknown,
}

/// Tells a line that is not empty by the list of the standard.
pub fn line(line: &[u8], is_over: bool) -> Line<'_> {
    let colon = line.iter().position(|&byte| byte == b':');
    let value = colon.map_or(&b""[..], |colon| &line[colon + 1..]);
    let value = value.strip_prefix(b" ").unwrap_or(value);
    if colon == Some(0) {
        return Line::Comment(value);
    }
    if colon.is_none() && !is_over {
        let is_open = NAMES.iter().any(|(name, _)| name.starts_with(line));
        return if is_open { Line::Open } else { Line::Unknown };
    }
    let name = &line[..colon.unwrap_or(line.len())];
    match NAMES.iter().find(|(known, _)| *known == name) {
        Some((_, field)) => Line::Field(*field, value),
        None => Line::Unknown,
    }
}

#[derive(Clone)]
pub struct Model {
    capacity: usize,
    last_event_id: Option<Vec<u8>>,
    reconnection_time_ms: Option<u64>,
    // Of the unfinished event, by the lines that are over.
    event_type: Option<Vec<u8>>,
    data: Option<Vec<u8>>,
    id: Option<Vec<u8>>,
    sets_retry: bool,
    /// It did not fit, which was reported.
    is_skipped: bool,
    // Of the unfinished line.
    line: Vec<u8>,
    /// A byte order mark can come, or the rest of one.
    is_at_start: bool,
    /// An LF that comes next belongs to the CR before it.
    is_after_cr: bool,
    /// It did not fit: the rest of it does not count.
    is_refused: bool,
    /// It was shown that it is unknown.
    is_unknown: bool,
    /// Bytes of a comment or an unknown line that were shown or passed over.
    shown: usize,
    /// All of it came by calls that show items.
    is_of_items: bool,
}

impl Model {
    pub fn new(capacity: usize) -> Model {
        Model {
            capacity,
            last_event_id: None,
            reconnection_time_ms: None,
            event_type: None,
            data: None,
            id: None,
            sets_retry: false,
            is_skipped: false,
            line: Vec::new(),
            is_at_start: true,
            is_after_cr: false,
            is_refused: false,
            is_unknown: false,
            shown: 0,
            is_of_items: true,
        }
    }

    pub fn last_event_id(&self) -> Option<&[u8]> {
        self.last_event_id.as_deref()
    }

    pub fn reconnection_time_ms(&self) -> Option<u64> {
        self.reconnection_time_ms
    }

    /// One call with `input`: how many bytes of it are used, and the result.
    ///
    /// An unknown line may be cut into more pieces than there are inputs. So when the parser returned a piece of one,
    /// `unknown` is how many bytes it used and how long that piece is.
    pub fn call(&mut self, input: &[u8], items: bool, unknown: Option<(usize, usize)>) -> (usize, Option<Outcome>) {
        let mut at = 0;
        loop {
            if self.is_after_cr && at < input.len() {
                self.is_after_cr = false;
                at += usize::from(input[at] == b'\n');
            }
            if at == input.len() {
                return (at, None);
            }
            let begins = self.line.is_empty();
            self.is_of_items = items && (begins || self.is_of_items);
            let len = input[at..].iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            let end = len.map_or(input.len(), |len| at + len);
            self.line.extend_from_slice(&input[at..end]);
            if self.is_at_start {
                if self.line.starts_with(BOM) {
                    self.line.drain(..BOM.len());
                    self.is_at_start = false;
                } else if len.is_some() || !BOM.starts_with(&self.line) {
                    self.is_at_start = false;
                }
            }
            let line_end = match input[end..] {
                [b'\r', b'\n', ..] => 2,
                [_, ..] => 1,
                [] => 0,
            };

            if self.line.is_empty() {
                if line_end == 0 {
                    return (end, None);
                }
                self.is_after_cr = input[end..] == *b"\r";
                at = end + line_end;
                if let Some(outcome) = self.blank_line(items) {
                    return (at, Some(outcome));
                }
                continue;
            }
            if let Some((used, shown)) = unknown.filter(|_| self.is_unknown_line(line_end > 0)) {
                let rest = self.line.len() - self.shown;
                let is_all = shown == rest && used == end + line_end;
                if !is_all && used >= at && used <= end && !(begins && line_end > 0) {
                    // A piece of it, the rest of which is to come.
                    self.line.truncate(self.line.len() - (end - used));
                    let (from, to) = (self.shown, (self.shown + shown).min(self.line.len()));
                    let first = self.is_of_items.then_some(from == 0);
                    (self.shown, self.is_unknown) = (to, true);
                    let bytes = self.line[from..to].to_vec();
                    return (used, Some(Outcome::Unknown { bytes, first, last: false }));
                }
            }
            let outcome = self.look(line_end > 0, begins && line_end > 0, items);
            if line_end > 0 {
                self.end_line();
                self.is_after_cr = input[end..] == *b"\r";
            }
            at = end + line_end;
            if let Some(outcome) = outcome {
                return (at, Some(outcome));
            }
        }
    }

    /// As `finish` does it.
    pub fn finish(&mut self) -> Option<Outcome> {
        self.is_at_start = false;
        let outcome = if self.line.is_empty() { None } else { self.look(true, false, false) };
        let outcome = outcome.or_else(|| self.blank_line(false));
        self.reset();
        outcome
    }

    pub fn reset(&mut self) {
        let Model { capacity, last_event_id, reconnection_time_ms, .. } = self.clone();
        *self = Model { last_event_id, reconnection_time_ms, ..Model::new(capacity) };
    }

    pub fn set_last_event_id(&mut self, id: &[u8]) -> Result<(), Refusal> {
        if let Some(position) = id.iter().position(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return Err(Refusal::InvalidByte { byte: id[position], position });
        }
        if id.len() > self.capacity {
            return Err(Refusal::Overflow { needed: id.len(), capacity: self.capacity });
        }
        self.reset();
        self.last_event_id = Some(id.to_vec());
        Ok(())
    }

    pub fn unfinished(&self) -> Option<usize> {
        let mut held = [&self.event_type, &self.data, &self.id].map(|value| value.as_ref().map(Vec::len));
        let mut has_begun = self.is_skipped || held.iter().any(Option::is_some);
        let [event_type, data, id] = &mut held;
        if !self.line.is_empty() && !self.is_at_start && !self.is_unknown {
            match line(&self.line, false) {
                Line::Open => has_begun = true,
                Line::Field(field, value) => {
                    has_begun = true;
                    if !self.is_refused && !value.is_empty() {
                        match field {
                            // The one before is gone with the first byte of the new one.
                            Field::Event if !self.is_skipped => *event_type = Some(value.len()),
                            Field::Data if !self.is_skipped => *data = Some(self.joined(value)),
                            Field::Id if !value.contains(&0) => *id = Some(id.unwrap_or(0) + value.len()),
                            _ => {}
                        }
                    }
                }
                Line::Comment(_) | Line::Unknown => {}
            }
        }
        has_begun.then(|| held.into_iter().flatten().sum())
    }

    fn is_unknown_line(&self, is_over: bool) -> bool {
        self.is_unknown || line(&self.line, is_over) == Line::Unknown
    }

    /// Length of the data with one more line.
    fn joined(&self, value: &[u8]) -> usize {
        self.data.as_ref().map_or(0, |data| data.len() + 1) + value.len()
    }

    /// Looks at the line as far as it was seen.
    fn look(&mut self, is_over: bool, is_whole: bool, items: bool) -> Option<Outcome> {
        if self.is_at_start {
            return None;
        }
        let seen = self.line.clone();
        let (is_unknown, bytes) = match if self.is_unknown { Line::Unknown } else { line(&seen, is_over) } {
            Line::Open => return None,
            Line::Field(field, value) => return self.field(field, value, is_over, is_whole),
            Line::Comment(value) => (false, value),
            Line::Unknown => (true, &seen[..]),
        };
        let first = self.is_of_items.then_some(self.shown == 0);
        let piece = bytes[self.shown..].to_vec();
        self.shown = bytes.len();
        if !items || piece.is_empty() && !is_over {
            return None;
        }
        Some(match is_unknown {
            true => Outcome::Unknown { bytes: piece, first, last: is_over },
            false => Outcome::Comment { bytes: piece, first, last: is_over },
        })
    }

    fn field(&mut self, field: Field, value: &[u8], is_over: bool, is_whole: bool) -> Option<Outcome> {
        if self.is_refused || value.is_empty() && !is_over || self.is_skipped && field != Field::Id {
            if is_over && field == Field::Retry {
                self.retry(value);
            }
            return None;
        }
        let len = |value: &Option<Vec<u8>>| value.as_ref().map_or(0, Vec::len);
        let nul = value.iter().position(|&byte| byte == 0);
        let ids = len(&self.last_event_id) + len(&self.id);
        // The capacity rule.
        let needed = match field {
            Field::Data => ids + len(&self.event_type) + self.joined(value),
            Field::Event => ids + len(&self.data) + value.len(),
            Field::Id => ids + len(&self.event_type) + len(&self.data) + nul.unwrap_or(value.len()),
            Field::Retry => 0,
        };
        if needed > self.capacity {
            let was_skipped = self.is_skipped;
            (self.is_skipped, self.is_refused) = (true, true);
            (self.event_type, self.data) = (None, None);
            if field == Field::Id {
                self.id = None;
            }
            return (!was_skipped).then_some(Outcome::Overflow { field, needed, whole: is_whole });
        }
        if is_over {
            match field {
                Field::Data => {
                    let before = self.data.take().map(|data| [&data[..], b"\n"].concat()).unwrap_or_default();
                    self.data = Some([&before[..], value].concat());
                }
                Field::Event => self.event_type = Some(value.to_vec()),
                Field::Id if nul.is_none() => self.id = Some(value.to_vec()),
                Field::Id => {}
                Field::Retry => self.retry(value),
            }
        }
        None
    }

    fn retry(&mut self, value: &[u8]) {
        if !value.is_empty() && value.iter().all(u8::is_ascii_digit) {
            // Beyond a `u64` it is ignored.
            if let Ok(time) = String::from_utf8_lossy(value).parse() {
                self.reconnection_time_ms = Some(time);
                self.sets_retry = true;
            }
        }
    }

    fn end_line(&mut self) {
        self.line.clear();
        (self.is_refused, self.is_unknown, self.shown) = (false, false, 0);
    }

    fn blank_line(&mut self, items: bool) -> Option<Outcome> {
        let (event_type, id) = (self.event_type.take(), self.id.take());
        let retry = self.reconnection_time_ms.filter(|_| self.sets_retry);
        (self.is_skipped, self.sets_retry) = (false, false);
        if id.is_some() {
            self.last_event_id.clone_from(&id);
        }
        if let Some(data) = self.data.take() {
            let last_event_id = self.last_event_id.clone().unwrap_or_default();
            return Some(Outcome::Event(Event { event_type, data, last_event_id, id, retry }));
        }
        (items && (id.is_some() || retry.is_some())).then_some(Outcome::Update { id, retry })
    }
}

fn literal(bytes: &[u8]) -> String {
    format!("b\"{}\"", bytes.escape_ascii())
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("event_type", &self.event_type.as_deref().map(literal))
            .field("data", &literal(&self.data))
            .field("last_event_id", &literal(&self.last_event_id))
            .field("id", &self.id.as_deref().map(literal))
            .field("retry", &self.retry)
            .finish()
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Event(event) => event.fmt(f),
            Outcome::Comment { bytes, first, last } => write!(f, "Comment({}, {first:?}, {last})", literal(bytes)),
            Outcome::Unknown { bytes, first, last } => write!(f, "Unknown({}, {first:?}, {last})", literal(bytes)),
            Outcome::Update { id, retry } => write!(f, "Update({:?}, {retry:?})", id.as_deref().map(literal)),
            Outcome::Overflow { field, needed, whole } => write!(f, "Overflow({field:?}, {needed}, {whole})"),
        }
    }
}
