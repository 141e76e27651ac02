//! The algorithm of the HTML standard, section 9.2.6 "Interpreting an event stream", step by step, on a complete
//! stream: slow, allocating, and so plain that it can be compared with the standard by eye. It shares no code with the crate.
//!
//! Beside each piece of code stands the step that it is, by the standard's own name or number:
//!
//! - *decode*: the paragraph on UTF-8 decode, and its note on the byte order mark
//! - *lines*: the paragraph on the ways in which a line can end, which is the grammar of 9.2.5
//! - *buffers*: the paragraph on the three buffers and what they begin as
//! - *blank line*, *comment*, *colon*, *no colon*: the four cases of the list of how a line is processed
//! - *end*: the paragraph after that list, on the end of the file
//! - *field "event"* and so on: the list of the steps to process a field
//! - *dispatch 1* to *8*: the numbered steps to dispatch the event
//!
//! *Beside the standard* marks the things that the crate reports and the standard does not know: comments, unknown lines,
//! the fields that an event itself set, and blocks that set something and are not events.

pub mod capacity;

use std::fmt;

/// An event, comment, unknown line or update, in the order of the stream.
#[derive(Clone, PartialEq, Eq)]
pub enum Item {
    Event(Event),
    Comment(Vec<u8>),
    Unknown(Vec<u8>),
    Update { id: Option<Vec<u8>>, retry: Option<u64> },
}

#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    pub event_type: Vec<u8>,
    pub data: Vec<u8>,
    pub last_event_id: Vec<u8>,
    /// Beside the standard: the event type buffer, if an `event` field set it.
    pub wire_event_type: Option<Vec<u8>>,
    /// Beside the standard: the ID and the reconnection time that the event itself set.
    pub id: Option<Vec<u8>>,
    pub retry: Option<u64>,
}

/// Prints bytes as the literals that they could be in a test.
impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Item::Event(event) => event.fmt(f),
            Item::Comment(comment) => write!(f, "Comment({})", literal(Some(comment))),
            Item::Unknown(line) => write!(f, "Unknown({})", literal(Some(line))),
            Item::Update { id, retry } => write!(f, "Update({}, {retry:?})", literal(id.as_ref())),
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("event_type", &literal(Some(&self.event_type)))
            .field("data", &literal(Some(&self.data)))
            .field("last_event_id", &literal(Some(&self.last_event_id)))
            .field("wire_event_type", &literal(self.wire_event_type.as_ref()))
            .field("id", &literal(self.id.as_ref()))
            .field("retry", &self.retry)
            .finish()
    }
}

fn literal(bytes: Option<&Vec<u8>>) -> impl fmt::Debug + fmt::Display {
    bytes.map_or("None".to_string(), |bytes| format!("b'{}'", bytes.escape_ascii()))
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    pub items: Vec<Item>,
    /// Beside the standard: the part of a comment or unknown line at the end of the stream, without a line end.
    pub begun: Option<Item>,
    pub reconnection_time_ms: Option<u64>,
    /// Beside the standard: `None` as long as nothing has set it.
    pub last_event_id: Option<Vec<u8>>,
}

impl Parsed {
    pub fn events(&self) -> Vec<Event> {
        let events = self.items.iter().filter_map(|item| match item {
            Item::Event(event) => Some(event.clone()),
            _ => None,
        });
        events.collect()
    }

    pub fn comments(&self) -> Vec<Vec<u8>> {
        let comments = self.items.iter().filter_map(|item| match item {
            Item::Comment(comment) => Some(comment.clone()),
            _ => None,
        });
        comments.collect()
    }
}

/// Parses as the standard does: the stream is decoded first, so that all values are text.
pub fn parse_text(stream: &[u8], last_event_id: Option<&[u8]>) -> Parsed {
    // Decode.
    let stream = String::from_utf8_lossy(without_bom(stream));
    interpret(stream.as_bytes(), last_event_id)
}

/// Parses without decoding, so that all values are the bytes on the wire.
pub fn parse(stream: &[u8], last_event_id: Option<&[u8]>) -> Parsed {
    let mut parsed = interpret(without_bom(stream), last_event_id);
    // Beside the standard: a part of a byte order mark at the start is not known to be anything else.
    parsed.begun = parsed.begun.filter(|_| !b"\xef\xbb\xbf".starts_with(stream));
    parsed
}

/// Decode: one byte order mark is dropped, and only at the start.
fn without_bom(stream: &[u8]) -> &[u8] {
    stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream)
}

/// Returns the lines of a stream, each ended, and the bytes after the last line end, which are not a line.
///
/// Lines: CRLF, a CR without an LF after it and an LF without a CR before it each end one.
pub fn lines(stream: &[u8]) -> (Vec<&[u8]>, &[u8]) {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut i = 0;
    while i < stream.len() {
        let end = match stream[i] {
            b'\r' if stream.get(i + 1) == Some(&b'\n') => 2,
            b'\r' | b'\n' => 1,
            _ => 0,
        };
        if end == 0 {
            i += 1;
            continue;
        }
        lines.push(&stream[start..i]);
        i += end;
        start = i;
    }
    (lines, &stream[start..])
}

/// Returns the field name and value of a line that is neither blank nor a comment.
pub fn field(line: &[u8]) -> (&[u8], &[u8]) {
    match line.iter().position(|&byte| byte == b':') {
        // Colon: the name is before the first one, the value after it, without one space if it begins with one.
        Some(colon) => {
            let value = &line[colon + 1..];
            (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
        }
        // No colon: all of the line is the name, and the value is empty.
        None => (line, b""),
    }
}

/// Beside the standard: returns the part of a comment or unknown line that is known of a line without its end.
fn begun(rest: &[u8]) -> Option<Item> {
    if let Some(comment) = rest.strip_prefix(b":") {
        let comment = comment.strip_prefix(b" ").unwrap_or(comment);
        return Some(Item::Comment(comment.to_vec())).filter(|_| !comment.is_empty());
    }
    let names = [&b"data:"[..], b"event:", b"id:", b"retry:"];
    let may_be_field = names.iter().any(|name| name.starts_with(rest) || rest.starts_with(name));
    Some(Item::Unknown(rest.to_vec())).filter(|_| !may_be_field)
}

fn interpret(stream: &[u8], initial_last_event_id: Option<&[u8]>) -> Parsed {
    let mut parsed = Parsed { last_event_id: initial_last_event_id.map(<[u8]>::to_vec), ..Parsed::default() };
    // Buffers.
    let mut data = Vec::new();
    let mut event_type = Vec::new();
    // To the letter, the standard forgets the last event ID at a reconnection; browsers begin with it.
    let mut last_event_id = initial_last_event_id.unwrap_or_default().to_vec();
    // Beside the standard: the values that this block set.
    let mut wire_event_type = None;
    let mut id = None;
    let mut retry = None;

    let (lines, rest) = lines(stream);
    parsed.begun = begun(rest);
    // End: a line without its end is not among them, and a block without its blank line makes nothing.
    for line in lines {
        // Blank line: dispatch.
        if line.is_empty() {
            // Dispatch 1: the last event ID buffer becomes the last event ID string. It is not emptied.
            if id.is_some() {
                parsed.last_event_id = Some(last_event_id.clone());
            }
            // Dispatch 2: with an empty data buffer there is no event. Both buffers are emptied below.
            if data.is_empty() {
                if id.is_some() || retry.is_some() {
                    parsed.items.push(Item::Update { id: id.take(), retry: retry.take() });
                }
            } else {
                // Dispatch 3: one LF at the end of the data buffer goes.
                if data.last() == Some(&b'\n') {
                    data.pop();
                }
                // Dispatch 4 and 5: a `message` with that data and the last event ID string.
                let mut event = Event {
                    event_type: b"message".to_vec(),
                    data: data.clone(),
                    last_event_id: last_event_id.clone(),
                    wire_event_type: wire_event_type.take(),
                    id: id.take(),
                    retry: retry.take(),
                };
                // Dispatch 6: an event type buffer that is not empty is the type.
                if !event_type.is_empty() {
                    event.event_type = event_type.clone();
                }
                // Dispatch 8.
                parsed.items.push(Item::Event(event));
            }
            // Dispatch 7, and the rest of 2.
            data.clear();
            event_type.clear();
            wire_event_type = None;
            continue;
        }
        // Comment: ignored.
        if let Some(comment) = line.strip_prefix(b":") {
            // Beside the standard: reported like a field's value.
            parsed.items.push(Item::Comment(comment.strip_prefix(b" ").unwrap_or(comment).to_vec()));
            continue;
        }
        // Colon, no colon: the field is processed. Its name is compared literally.
        let (name, value) = field(line);
        match name {
            // Field "event".
            b"event" => {
                event_type = value.to_vec();
                wire_event_type = Some(value.to_vec());
            }
            // Field "data": the value and an LF are appended.
            b"data" => {
                data.extend_from_slice(value);
                data.push(b'\n');
            }
            // Field "id": one with a NUL is ignored.
            b"id" if !value.contains(&0) => {
                last_event_id = value.to_vec();
                id = Some(value.to_vec());
            }
            // Field "retry": one of ASCII digits alone is the reconnection time, any other is ignored.
            b"retry" => {
                // An empty value is not an integer, and the crate documents that it ignores one beyond a u64.
                let digits = value.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(value).unwrap());
                if let Some(time) = digits.and_then(|digits| digits.parse().ok()) {
                    parsed.reconnection_time_ms = Some(time);
                    retry = Some(time);
                }
            }
            // An "id" with a NUL: ignored.
            b"id" => {}
            // Otherwise: ignored. Beside the standard: reported as it is.
            _ => parsed.items.push(Item::Unknown(line.to_vec())),
        }
    }
    parsed
}
