//! From events that were read to frames to write: the only file that knows both.

use crate::error::InvalidByte;
use crate::event::{Event, Text};
use crate::field::Field;
use crate::read::Update;
use crate::write::{Frame, Id};

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
            id: valid(Field::Id, event.id()).map(Id::Bytes),
            retry: event.retry,
            data: Some(event.data.as_ref()),
        }
    }
}

impl<'a> From<Update<'a>> for Frame<'a> {
    fn from(update: Update<'a>) -> Frame<'a> {
        Frame { id: update.id.map(Id::Bytes), retry: update.retry, ..Frame::new() }
    }
}

/// The event as it was on the wire.
#[cfg(feature = "heapless")]
impl<'a, const N: usize> From<&'a crate::owned::OwnedEvent<N>> for Frame<'a> {
    fn from(owned: &'a crate::owned::OwnedEvent<N>) -> Frame<'a> {
        owned.event().into()
    }
}

/// The event as it was on the wire.
#[cfg(feature = "alloc")]
impl<'a> From<&'a crate::owned::EventBuf> for Frame<'a> {
    fn from(owned: &'a crate::owned::EventBuf) -> Frame<'a> {
        owned.event().into()
    }
}

/// The event as it was on the wire.
#[cfg(feature = "bytes")]
impl<'a> From<&'a crate::owned::EventBytes> for Frame<'a> {
    fn from(owned: &'a crate::owned::EventBytes) -> Frame<'a> {
        owned.event().into()
    }
}
