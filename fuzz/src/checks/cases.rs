//! The meaning of the bytes of a case.

use ssewire::{Frame, InvalidByte};

/// A stream, and a way to read it.
///
/// | bytes | |
/// |---|---|
/// | 1 | the capacity of the parser, 0 to 63, for the target of that name |
/// | 1 | the last event ID that it starts with: none, or one of 0 to 6 bytes |
/// | 6 | the lengths of the chunks, 0 to 31, over and over; all of the stream in one chunk if all are 0 |
/// | all others | the stream |
pub struct Reading<'d> {
    pub capacity: usize,
    pub initial: Option<&'static [u8]>,
    pub chunks: Vec<&'d [u8]>,
    pub stream: &'d [u8],
}

impl<'d> Reading<'d> {
    /// Returns `None` if the head is not complete.
    pub fn new(data: &'d [u8]) -> Option<Reading<'d>> {
        let (&[capacity, initial, ref lengths @ ..], stream) = data.split_first_chunk::<8>()?;
        let initial = (initial % 8).checked_sub(1).and_then(|len| b"before".get(..usize::from(len)));
        Some(Reading { capacity: usize::from(capacity % 64), initial, chunks: chunks(stream, lengths), stream })
    }
}

fn chunks<'d>(stream: &'d [u8], lengths: &[u8; 6]) -> Vec<&'d [u8]> {
    let lengths = lengths.map(|length| usize::from(length % 32));
    if lengths == [0; 6] {
        return vec![stream];
    }
    let mut chunks = Vec::new();
    let mut rest = stream;
    for length in lengths.into_iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, after) = rest.split_at(length.min(rest.len()));
        chunks.push(chunk);
        rest = after;
    }
    chunks
}

/// The values of a frame.
///
/// | bytes | |
/// |---|---|
/// | 1 | which of comment, event type, ID, retry and data it has, from the lowest bit on |
/// | 8 | the reconnection time, little-endian |
/// | all others | comment, event type, ID and data, with a byte FE between each two of them |
pub struct Writing<'d> {
    pub comment: Option<&'d [u8]>,
    pub event_type: Option<&'d [u8]>,
    pub id: Option<&'d [u8]>,
    pub retry: Option<u64>,
    pub data: Option<&'d [u8]>,
}

impl<'d> Writing<'d> {
    /// Returns `None` if the head is not complete.
    pub fn new(data: &'d [u8]) -> Option<Writing<'d>> {
        let (&[has, retry @ ..], texts) = data.split_first_chunk::<9>()?;
        let mut texts = texts.splitn(4, |&byte| byte == 0xfe);
        let mut text = |bit: u8| texts.next().or(Some(b"")).filter(|_| has >> bit & 1 == 1);
        Some(Writing {
            comment: text(0),
            event_type: text(1),
            id: text(2),
            retry: Some(u64::from_le_bytes(retry)).filter(|_| has >> 3 & 1 == 1),
            data: text(4),
        })
    }

    /// Returns the frame, if no value is rejected.
    pub fn frame(&self) -> Result<Frame<'d>, InvalidByte> {
        let mut frame = Frame::new();
        if let Some(event_type) = self.event_type {
            frame = frame.event_type(event_type)?;
        }
        if let Some(id) = self.id {
            frame = frame.id(id)?;
        }
        if let Some(retry) = self.retry {
            frame = frame.retry(retry);
        }
        if let Some(comment) = self.comment {
            frame = frame.comment(comment);
        }
        if let Some(data) = self.data {
            frame = frame.data(data);
        }
        Ok(frame)
    }

    /// Runs `run` with the frame, of which the bytes that an event type or ID cannot carry are left out.
    pub fn with_allowed<T>(&self, run: impl FnOnce(&Writing<'_>, Frame<'_>) -> T) -> T {
        let without = |value: Option<&[u8]>, invalid: &[u8]| {
            value.map(|value| value.iter().copied().filter(|byte| !invalid.contains(byte)).collect::<Vec<u8>>())
        };
        let (event_type, id) = (without(self.event_type, b"\r\n"), without(self.id, b"\r\n\0"));
        let allowed = Writing { event_type: event_type.as_deref(), id: id.as_deref(), ..*self };
        run(&allowed, allowed.frame().expect("only CR, LF and NUL are rejected"))
    }
}
