//! An event that owns its bytes: what a `Stream` or a `Decoder` can hand out, since neither can lend.

use std::str::Utf8Error;

use bytes::Bytes;
use bytestring::ByteString;
use ssewire::{Event, Frame, InvalidByte};

use crate::Message;

/// An event that shares the memory of the chunk it came in, where its fields were lent from there, and owns a copy of
/// those that the parser has in its buffer: what was split over two chunks, and data of several lines, which it has joined.
/// (So it has the last event ID, unless `next` found it in an event that lay whole in the chunk.)
///
/// Its fields are [`Bytes`], or text after [`text`](OwnedEvent::text).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnedEvent<T = Bytes> {
    /// The event type as it was on the wire: `None` without an `event` field.
    pub wire_event_type: Option<T>,
    pub data: T,
    /// The last event ID in force, set by this event or by one before.
    pub last_event_id: T,
    /// Whether this event itself set it.
    pub sets_id: bool,
    /// The reconnection time in milliseconds that this event set.
    pub retry: Option<u64>,
}

impl OwnedEvent {
    /// Owns `event`, which was found in `chunk`. `last_event_id` is that of the event before: it is shared as long as it
    /// stays the same, and replaced when it does not.
    pub fn new(event: &Event<'_>, chunk: &Bytes, last_event_id: &mut Bytes) -> OwnedEvent {
        let own = |field: &[u8]| {
            if chunk.as_ptr_range().contains(&field.as_ptr()) {
                chunk.slice_ref(field)
            } else {
                Bytes::copy_from_slice(field)
            }
        };
        if event.last_event_id() != last_event_id {
            *last_event_id = own(event.last_event_id());
        }
        OwnedEvent {
            wire_event_type: event.wire_event_type().map(own),
            data: own(event.data()),
            last_event_id: last_event_id.clone(),
            sets_id: event.id().is_some(),
            retry: event.retry(),
        }
    }

    /// The event with its fields checked to be text, without a copy.
    ///
    /// # Errors
    ///
    /// When the event type, the data or the last event ID are not UTF-8.
    pub fn text(self) -> Result<OwnedEvent<ByteString>, Utf8Error> {
        Ok(OwnedEvent {
            wire_event_type: self.wire_event_type.map(ByteString::try_from).transpose()?,
            data: self.data.try_into()?,
            last_event_id: self.last_event_id.try_into()?,
            sets_id: self.sets_id,
            retry: self.retry,
        })
    }

    /// The event as it was on the wire, to write it again.
    ///
    /// # Errors
    ///
    /// [`InvalidByte`] when somebody put a line end into its type, or a line end or NUL into its ID.
    pub fn frame(&self) -> Result<Frame<'_>, InvalidByte> {
        let mut frame = Frame::new().data(&self.data);
        if let Some(event_type) = &self.wire_event_type {
            frame = frame.event_type(event_type)?;
        }
        if self.sets_id {
            frame = frame.id(&self.last_event_id)?;
        }
        Ok(match self.retry {
            Some(retry) => frame.retry(retry),
            None => frame,
        })
    }
}

impl From<OwnedEvent<ByteString>> for Message {
    fn from(event: OwnedEvent<ByteString>) -> Message {
        Message {
            event_type: event.wire_event_type.filter(|name| !name.is_empty()).map_or("message".into(), Into::into),
            id: event.last_event_id.into(),
            data: event.data.into(),
            retry: event.retry,
        }
    }
}
