use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::mem;
use core::num::NonZeroUsize;
use core::str;

use bytes::Buf;
use ssewire::tokenizer::{Piece, Token, Tokenizer};
use ssewire::{Field, lossy};

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct MessageEvent {
    /// The event type; `message` when the event named none.
    pub event: Cow<'static, str>,
    /// The data, its lines joined by LF.
    pub data: String,
    /// The current last event ID; `None` without one, or if it is empty.
    pub last_event_id: Option<Arc<str>>,
}

/// An item of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub enum SseEvent {
    /// An event.
    Message(MessageEvent),
    /// A reconnection time in milliseconds, as soon as its line is there.
    Retry(u32),
}

/// A value of an event is larger than the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[error("payload exceeded the allotted buffer size limit")]
pub struct PayloadTooLargeError;

/// The most bytes that the buffer for data begins the next event with. Data that fills half of the buffer takes it
/// along, and the next event, likely of the same size, gets one as large; other data is copied out. So no event has
/// more than twice the memory that it needs, however large one before it was.
const KEPT: usize = 64 * 1024;

/// Makes events from bytes, however they are split.
#[derive(Clone)]
pub struct SseDecoder {
    tokenizer: Tokenizer,
    limit: NonZeroUsize,
    last_event_id: Option<Arc<str>>,
    event: Event,
    /// The event was too large: the rest of it is skipped.
    skipping: bool,
}

/// The event that is being read.
#[derive(Clone, Default)]
struct Event {
    event_type: Vec<u8>,
    data: Vec<u8>,
    /// Set by a line of data: a block without one is not an event.
    has_data: bool,
    /// The ID that it sets; `Some(None)` takes the one before it back.
    id: Option<Option<Arc<str>>>,
    /// The value of an `id` line that is not over.
    id_line: Vec<u8>,
    /// The value of a `retry` line that is not over: `None` at its start, and `Some(None)` once it is not a number.
    retry_line: Option<Option<u32>>,
}

impl Default for SseDecoder {
    /// As [`SseDecoder::new`].
    fn default() -> Self {
        SseDecoder::new()
    }
}

impl SseDecoder {
    /// A decoder with a limit of 512 KiB.
    #[must_use]
    pub fn new() -> Self {
        const LIMIT: NonZeroUsize = NonZeroUsize::new(512 * 1024).unwrap();
        SseDecoder::with_limit(LIMIT)
    }

    /// A decoder that takes up to `max_payload_size` bytes of data, of event type and of ID, each, in an event.
    #[must_use]
    pub fn with_limit(max_payload_size: NonZeroUsize) -> Self {
        SseDecoder {
            tokenizer: Tokenizer::new(),
            limit: max_payload_size,
            last_event_id: None,
            event: Event::default(),
            skipping: false,
        }
    }

    /// The last event ID: send it as `Last-Event-ID` on reconnecting.
    #[must_use]
    pub fn last_event_id(&self) -> Option<&Arc<str>> {
        self.last_event_id.as_ref()
    }

    /// Makes the decoder ready for the next connection. The last event ID stays.
    pub fn reconnect(&mut self) {
        self.tokenizer = Tokenizer::new();
        self.event = Event::default();
        self.skipping = false;
    }

    /// The same, with another last event ID.
    pub fn reconnect_with_id(&mut self, id: Option<Arc<str>>) {
        self.last_event_id = id;
        self.reconnect();
    }

    /// The same, with no last event ID.
    pub fn clear(&mut self) {
        self.reconnect_with_id(None);
    }

    /// Returns the next event in `buf`, or `None` when all of it is used and more is needed. `buf` is advanced past the bytes
    /// used, also when an error is returned.
    ///
    /// # Errors
    ///
    /// When the event's data, type or ID is larger than the limit, once for each such event; call again to go on after
    /// it.
    pub fn next(&mut self, buf: &mut impl Buf) -> Option<Result<SseEvent, PayloadTooLargeError>> {
        loop {
            let chunk = buf.chunk();
            if chunk.is_empty() {
                return None;
            }
            let mut rest = chunk;
            let found = loop {
                let Some(token) = self.tokenizer.next(&mut rest) else {
                    break None;
                };
                let found = self.take(token);
                if found.is_some() {
                    break found;
                }
            };
            let used = chunk.len() - rest.len();
            buf.advance(used);
            if found.is_some() {
                return found;
            }
        }
    }

    #[inline]
    fn take(&mut self, token: Token<'_>) -> Option<Result<SseEvent, PayloadTooLargeError>> {
        match token {
            Token::EndOfEvent if mem::take(&mut self.skipping) => None,
            Token::EndOfEvent => self.dispatch().map(|message| Ok(SseEvent::Message(message))),
            Token::Field(Field::Retry, piece) => self.event.retry(piece).map(|retry| Ok(SseEvent::Retry(retry))),
            Token::Field(field, piece) if !self.skipping => {
                self.event.field(field, piece, self.limit.get()).err().map(|error| {
                    self.event = Event::default();
                    self.skipping = true;
                    Err(error)
                })
            }
            Token::Field(..) | Token::Comment(_) | Token::Unknown(_) => None,
        }
    }

    /// The standard's dispatch, with the text decoded.
    #[inline]
    fn dispatch(&mut self) -> Option<MessageEvent> {
        if let Some(id) = self.event.id.take() {
            self.last_event_id = id;
        }
        let event = match &self.event.event_type[..] {
            b"" => Cow::Borrowed("message"),
            event_type => Cow::Owned(text(event_type)),
        };
        self.event.event_type.clear();
        if !mem::take(&mut self.event.has_data) {
            return None;
        }
        let buffer = &mut self.event.data;
        let data = if buffer.len() >= buffer.capacity() / 2 {
            let next = Vec::with_capacity(buffer.capacity().min(KEPT));
            String::from_utf8(mem::replace(buffer, next)).unwrap_or_else(|error| text(error.as_bytes()))
        } else {
            text(buffer)
        };
        self.event.data.clear();
        Some(MessageEvent { event, data, last_event_id: self.last_event_id.clone() })
    }
}

/// Without the event that is being read, which may be large.
impl fmt::Debug for SseDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SseDecoder")
            .field("last_event_id", &self.last_event_id)
            .field("max_payload_size", &self.limit)
            .finish_non_exhaustive()
    }
}

impl Event {
    #[inline]
    fn field(&mut self, field: Field, piece: Piece<'_>, limit: usize) -> Result<(), PayloadTooLargeError> {
        let value = match field {
            Field::Data => {
                if piece.first && mem::replace(&mut self.has_data, true) {
                    append(&mut self.data, b"\n", limit)?;
                }
                &mut self.data
            }
            Field::Event => cleared_at_first(&mut self.event_type, piece),
            _ => cleared_at_first(&mut self.id_line, piece),
        };
        append(value, piece.bytes, limit)?;
        if field == Field::Id && piece.last && !self.id_line.contains(&0) {
            self.id = Some((!self.id_line.is_empty()).then(|| lossy(&self.id_line).to_string().into()));
        }
        Ok(())
    }

    /// The reconnection time, once its line is over.
    fn retry(&mut self, piece: Piece<'_>) -> Option<u32> {
        let before = if piece.first { None } else { self.retry_line };
        self.retry_line = piece.bytes.iter().fold(before, |number, byte| {
            let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'));
            Some(number.unwrap_or(Some(0)).and_then(|number| number.checked_mul(10)?.checked_add(digit?)))
        });
        if piece.last { self.retry_line.flatten() } else { None }
    }
}

fn cleared_at_first<'v>(value: &'v mut Vec<u8>, piece: Piece<'_>) -> &'v mut Vec<u8> {
    if piece.first {
        value.clear();
    }
    value
}

#[inline]
fn append(value: &mut Vec<u8>, bytes: &[u8], limit: usize) -> Result<(), PayloadTooLargeError> {
    if limit - value.len() < bytes.len() {
        return Err(PayloadTooLargeError);
    }
    value.extend_from_slice(bytes);
    Ok(())
}

/// Text as the standard decodes it.
fn text(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => lossy(bytes).to_string(),
    }
}
