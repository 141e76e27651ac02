//! From events that were read to frames to write: the only file that knows both.

use crate::error::InvalidByte;
use crate::event::{Event, Text};
use crate::field::Field;
use crate::read::Update;
use crate::write::Frame;

/// The event as it was on the wire: its type, ID and `retry` only if it set them itself.
///
/// A type or an ID with a byte that its field cannot carry is left out. No stream has one. It takes a caller that changes the
/// input between [`feed`](crate::Parser::feed) and [`event`](crate::Parser::event).
impl<'a, T: Text + ?Sized> From<Event<'a, T>> for Frame<'a> {
    fn from(event: Event<'a, T>) -> Frame<'a> {
        let valid =
            |field, value: Option<&'a T>| value.map(T::as_ref).filter(|value| InvalidByte::check(field, value).is_ok());
        Frame {
            comment: None,
            event_type: valid(Field::Event, event.event_type),
            id: valid(Field::Id, event.id()),
            retry: event.retry,
            data: Some(event.data.as_ref()),
        }
    }
}

impl<'a> From<Update<'a>> for Frame<'a> {
    fn from(update: Update<'a>) -> Frame<'a> {
        Frame { id: update.id, retry: update.retry, ..Frame::new() }
    }
}
