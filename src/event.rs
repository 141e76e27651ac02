use core::fmt;

use crate::error::NotUtf8;
use crate::field::Field;
use crate::text::{self, lossy};

/// An event as the standard dispatches it, and as it was on the wire, so that a relay can reproduce it.
///
/// Its fields are bytes as they came; those of the `Event<'_, str>` that [`text`](Event::text) returns are text. The event
/// type and the last event ID never hold CR or LF. The lines of the data are joined by LF.
///
/// # Examples
///
/// ```
/// let mut buffer = [0; 64];
/// let mut parser = ssewire::Parser::with_buffer(&mut buffer);
/// let mut input: &[u8] = b"event: temperature\nid: 7\ndata: 21.5\n\n";
/// let event = parser.next(&mut input)?.unwrap();
/// assert_eq!(event.event_type(), b"temperature");
/// assert_eq!(event.last_event_id(), b"7");
/// assert_eq!(event.text()?.data().parse::<f32>()?, 21.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "MessageEvent")]
#[doc(alias = "ServerSentEvent")]
#[derive(PartialEq, Eq, Hash)]
pub struct Event<'a, T: Text + ?Sized = [u8]> {
    pub(crate) event_type: Option<&'a T>,
    pub(crate) data: &'a T,
    pub(crate) last_event_id: &'a T,
    pub(crate) sets_id: bool,
    pub(crate) retry: Option<u64>,
}

/// The types that an event's fields can have: `[u8]` and `str`. Sealed.
///
/// # Examples
///
/// ```
/// use ssewire::{Event, Text};
///
/// /// Takes an event of bytes, and one of checked text.
/// fn len<T: Text + ?Sized>(event: Event<'_, T>) -> usize {
///     event.data().as_ref().len()
/// }
///
/// let mut parser = ssewire::Parser::<[u8; 64]>::new();
/// let mut input: &[u8] = b"data: 21.5\n\n";
/// let event = parser.next(&mut input)?.unwrap();
/// assert_eq!(len(event), len(event.text()?));
/// # Ok::<(), ssewire::Error>(())
/// ```
pub trait Text: sealed::Sealed {}

impl Text for [u8] {}
impl Text for str {}

pub(crate) mod sealed {
    pub trait Sealed: 'static + AsRef<[u8]> {
        const EMPTY: &'static Self;
        const MESSAGE: &'static Self;
    }

    impl Sealed for [u8] {
        const EMPTY: &'static [u8] = b"";
        const MESSAGE: &'static [u8] = b"message";
    }

    impl Sealed for str {
        const EMPTY: &'static str = "";
        const MESSAGE: &'static str = "message";
    }
}

impl<'a, T: Text + ?Sized> Event<'a, T> {
    /// Returns the event type: `message` if the event names none, or an empty one.
    #[doc(alias = "name")]
    #[must_use]
    #[inline]
    pub fn event_type(&self) -> &'a T {
        match self.event_type {
            Some(event_type) if !event_type.as_ref().is_empty() => event_type,
            _ => T::MESSAGE,
        }
    }

    /// Returns the event type as it was on the wire: `None` without an `event` field, empty if the last one was empty.
    #[must_use]
    #[inline]
    pub fn wire_event_type(&self) -> Option<&'a T> {
        self.event_type
    }

    /// Returns the data, its lines joined by LF. It may be empty, but a block without any `data` is not an event.
    #[must_use]
    #[inline]
    pub fn data(&self) -> &'a T {
        self.data
    }

    /// Returns the last event ID when the event was dispatched, set by this event or an earlier one; empty if there is none.
    #[doc(alias = "lastEventId")]
    #[must_use]
    #[inline]
    pub fn last_event_id(&self) -> &'a T {
        self.last_event_id
    }

    /// Returns the ID that this event itself set, possibly empty; `None` if it set none.
    #[must_use]
    #[inline]
    pub fn id(&self) -> Option<&'a T> {
        self.sets_id.then_some(self.last_event_id)
    }

    /// Returns the reconnection time in milliseconds that this event itself set, by a valid `retry`.
    #[must_use]
    #[inline]
    pub fn retry(&self) -> Option<u64> {
        self.retry
    }
}

impl<'a> Event<'a> {
    /// Returns the same event with its fields checked to be text. [`lossy`](crate::lossy) returns the text as the standard
    /// decodes it, and never fails.
    ///
    /// # Errors
    ///
    /// [`NotUtf8`], with the field, if the data, the event type or the last event ID are not valid UTF-8. The event itself
    /// stays as it is, as bytes.
    ///
    /// # Panics
    ///
    /// Never.
    #[inline]
    pub fn text(&self) -> Result<Event<'a, str>, NotUtf8> {
        Ok(Event {
            data: text::check(Field::Data, self.data)?,
            event_type: match self.event_type {
                Some(event_type) => Some(text::check(Field::Event, event_type)?),
                None => None,
            },
            last_event_id: match self.last_event_id {
                b"" => <str as sealed::Sealed>::EMPTY,
                id => text::check(Field::Id, id)?,
            },
            sets_id: self.sets_id,
            retry: self.retry,
        })
    }
}

/// The same event, as bytes.
impl<'a> From<Event<'a, str>> for Event<'a> {
    fn from(event: Event<'a, str>) -> Event<'a> {
        Event {
            event_type: event.event_type.map(str::as_bytes),
            data: event.data.as_bytes(),
            last_event_id: event.last_event_id.as_bytes(),
            sets_id: event.sets_id,
            retry: event.retry,
        }
    }
}

impl Event<'_> {
    /// An event that never was: empty, of type `message`.
    pub(crate) const NOTHING: Event<'static> =
        Event { event_type: None, data: b"", last_event_id: b"", sets_id: false, retry: None };
}

impl<T: Text + ?Sized> Clone for Event<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Text + ?Sized> Copy for Event<'_, T> {}

/// Prints the fields as [`lossy`] text.
impl<T: Text + ?Sized> fmt::Debug for Event<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("event_type", &self.event_type.map(|t| lossy(t.as_ref())))
            .field("data", &lossy(self.data.as_ref()))
            .field("last_event_id", &lossy(self.last_event_id.as_ref()))
            .field("sets_id", &self.sets_id)
            .field("retry", &self.retry)
            .finish()
    }
}
