//! The algorithm of the HTML standard, section 9.2.6 "Interpreting an event stream", step by step, on a whole stream.
//!
//! The comments in quotation marks are the standard's. What the standard does not know but the crate reports (comments,
//! what an event itself set, blocks that are no event) is noted beside it.

use std::fmt;

/// An event, comment or update, in the order of the stream.
#[derive(Clone, PartialEq, Eq)]
pub enum Item {
    Event(Event),
    Comment(Vec<u8>),
    Update { id: Option<Vec<u8>>, retry: Option<u64> },
}

#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    pub event_type: Vec<u8>,
    pub data: Vec<u8>,
    pub last_event_id: Vec<u8>,
    /// Not the standard's: the event type buffer, if an `event` field set it.
    pub wire_event_type: Option<Vec<u8>>,
    /// Not the standard's: the ID and the reconnection time that the event itself set.
    pub id: Option<Vec<u8>>,
    pub retry: Option<u64>,
}

/// Bytes as the literals that they could be in a test.
impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Item::Event(event) => event.fmt(f),
            Item::Comment(comment) => write!(f, "Comment({})", literal(Some(comment))),
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
    pub reconnection_time_ms: Option<u64>,
    /// Not the standard's: `None` as long as nothing has set it.
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

/// As the standard does it: decoded first, so that all values are text.
pub fn parse_text(stream: &[u8], last_event_id: Option<&[u8]>) -> Parsed {
    // "Streams must be decoded using the UTF-8 decode algorithm."
    // "The UTF-8 decode algorithm strips one leading UTF-8 Byte Order Mark (BOM), if any."
    let stream = String::from_utf8_lossy(without_bom(stream));
    interpret(stream.as_bytes(), last_event_id)
}

/// The same without the decoding, so that all values are the bytes on the wire.
pub fn parse(stream: &[u8], last_event_id: Option<&[u8]>) -> Parsed {
    interpret(without_bom(stream), last_event_id)
}

fn without_bom(stream: &[u8]) -> &[u8] {
    stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream)
}

/// The lines of a stream, each ended; what is behind the last line end is not a line.
///
/// "The stream must then be parsed by reading everything line by line, with a U+000D CARRIAGE RETURN U+000A LINE FEED
/// (CRLF) character pair, a single U+000A LINE FEED (LF) character not preceded by a U+000D CARRIAGE RETURN (CR)
/// character, and a single U+000D CARRIAGE RETURN (CR) character not followed by a U+000A LINE FEED (LF) character being
/// the ways in which a line can end."
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

/// The field name and value of a line that is neither blank nor a comment.
pub fn field(line: &[u8]) -> (&[u8], &[u8]) {
    match line.iter().position(|&byte| byte == b':') {
        // "If the line contains a U+003A COLON character (:)":
        // "Collect the characters on the line before the first U+003A COLON character (:), and let field be that
        // string." "Collect the characters on the line after the first U+003A COLON character (:), and let value be
        // that string. If value starts with a U+0020 SPACE character, remove it from value."
        Some(colon) => {
            let value = &line[colon + 1..];
            (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
        }
        // "Otherwise, the string is not empty but does not contain a U+003A COLON character (:)":
        // "using the whole line as the field name, and the empty string as the field value."
        None => (line, b""),
    }
}

fn interpret(stream: &[u8], initial_last_event_id: Option<&[u8]>) -> Parsed {
    let mut parsed = Parsed { last_event_id: initial_last_event_id.map(<[u8]>::to_vec), ..Parsed::default() };
    // "When a stream is parsed, a data buffer, an event type buffer, and a last event ID buffer must be associated with
    // it. They must be initialized to the empty string."
    let mut data = Vec::new();
    let mut event_type = Vec::new();
    // (That would forget the last event ID at a reconnection; browsers start with it.)
    let mut last_event_id = initial_last_event_id.unwrap_or_default().to_vec();
    // Not the standard's: what this block set.
    let mut wire_event_type = None;
    let mut id = None;
    let mut retry = None;

    // "Lines must be processed, in the order they are received, as follows:"
    // "Once the end of the file is reached, any pending data must be discarded."
    for line in lines(stream).0 {
        // "If the line is empty (a blank line): Dispatch the event, as defined below."
        if line.is_empty() {
            // "1. Set the last event ID string of the event source to the value of the last event ID buffer."
            if id.is_some() {
                parsed.last_event_id = Some(last_event_id.clone());
            }
            // "2. If the data buffer is an empty string, set the data buffer and the event type buffer to the empty
            // string and return."
            if data.is_empty() {
                if id.is_some() || retry.is_some() {
                    parsed.items.push(Item::Update { id: id.take(), retry: retry.take() });
                }
            } else {
                // "3. If the data buffer's last character is a U+000A LINE FEED (LF) character, then remove the last
                // character from the data buffer."
                if data.last() == Some(&b'\n') {
                    data.pop();
                }
                // "5. Initialize event's type attribute to "message", its data attribute to data, [...] and its
                // lastEventId attribute to the last event ID string of the event source."
                let mut event = Event {
                    event_type: b"message".to_vec(),
                    data: data.clone(),
                    last_event_id: last_event_id.clone(),
                    wire_event_type: wire_event_type.take(),
                    id: id.take(),
                    retry: retry.take(),
                };
                // "6. If the event type buffer has a value other than the empty string, change the type of the newly
                // created event to equal the value of the event type buffer."
                if !event_type.is_empty() {
                    event.event_type = event_type.clone();
                }
                // "8. Queue a task which [...] dispatches the newly created event"
                parsed.items.push(Item::Event(event));
            }
            // "7. Set the data buffer and the event type buffer to the empty string."
            data.clear();
            event_type.clear();
            wire_event_type = None;
            continue;
        }
        // "If the line starts with a U+003A COLON character (:): Ignore the line."
        if let Some(comment) = line.strip_prefix(b":") {
            // Not the standard's: reported like a field's value.
            parsed.items.push(Item::Comment(comment.strip_prefix(b" ").unwrap_or(comment).to_vec()));
            continue;
        }
        // "Process the field using the steps described below, using field as the field name and value as the field
        // value." "Field names must be compared literally, with no case folding performed."
        let (name, value) = field(line);
        match name {
            // "Set the event type buffer to the field value."
            b"event" => {
                event_type = value.to_vec();
                wire_event_type = Some(value.to_vec());
            }
            // "Append the field value to the data buffer, then append a single U+000A LINE FEED (LF) character to the
            // data buffer."
            b"data" => {
                data.extend_from_slice(value);
                data.push(b'\n');
            }
            // "If the field value does not contain U+0000 NULL, then set the last event ID buffer to the field value.
            // Otherwise, ignore the field."
            b"id" if !value.contains(&0) => {
                last_event_id = value.to_vec();
                id = Some(value.to_vec());
            }
            // "If the field value consists of only ASCII digits, then interpret the field value as an integer in base
            // ten, and set the event stream's reconnection time to that integer. Otherwise, ignore the field."
            b"retry" => {
                // No digits are no integer, and the crate documents that it ignores what is beyond a u64.
                let digits = value.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(value).unwrap());
                if let Some(time) = digits.and_then(|digits| digits.parse().ok()) {
                    parsed.reconnection_time_ms = Some(time);
                    retry = Some(time);
                }
            }
            // "The field is ignored."
            _ => {}
        }
    }
    parsed
}
