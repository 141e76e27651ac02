//! Events that own their bytes: in a fixed number of them, in one allocation, or in a part of the chunk that they came in.
//!
//! An owned event is read as the borrowed one that it is a copy of: `event` returns that, and the other accessors are its.

#[cfg(feature = "bytes")]
pub use self::bytes::EventBytes;
#[cfg(feature = "alloc")]
pub use self::heap::EventBuf;
#[cfg(feature = "heapless")]
pub use self::inline::OwnedEvent;

use crate::event::{Event, Text};

/// Everything of an event that was copied but its bytes: its data, event type and ID lie there one after the other.
#[derive(Clone, Copy, Default)]
struct Layout {
    data_len: usize,
    event_type_len: Option<usize>,
    sets_id: bool,
    retry: Option<u64>,
}

impl Layout {
    /// Returns the layout of `event`, and its values in the order in which they are to be copied.
    #[inline(always)]
    fn of<'a, T: Text + ?Sized>(event: &Event<'a, T>, id: &'a T) -> (Layout, [&'a [u8]; 3]) {
        let layout = Layout {
            data_len: event.data.as_ref().len(),
            event_type_len: event.event_type.map(|event_type| event_type.as_ref().len()),
            sets_id: event.sets_id,
            retry: event.retry,
        };
        (layout, [event.data.as_ref(), event.event_type.map_or(b"", T::as_ref), id.as_ref()])
    }

    /// Returns the event that was copied to `bytes`.
    #[inline]
    fn event(self, bytes: &[u8]) -> Event<'_> {
        // The lengths are those of the values that were copied, so neither split can fail.
        let (data, rest) = bytes.split_at_checked(self.data_len).unwrap_or_default();
        let (event_type, id) = rest.split_at_checked(self.event_type_len.unwrap_or(0)).unwrap_or_default();
        Event {
            event_type: self.event_type_len.map(|_| event_type),
            data,
            last_event_id: id,
            sets_id: self.sets_id,
            retry: self.retry,
        }
    }
}

/// Gives an owned type the accessors of an event, and the traits that follow from them.
macro_rules! reads_as_an_event {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> $type {
            /// Returns the event type: `message` if the event names none, or an empty one.
            #[must_use]
            #[inline]
            pub fn event_type(&self) -> &[u8] {
                self.event().event_type()
            }

            /// Returns the event type as it was on the wire: `None` without an `event` field, empty if the last one was empty.
            #[must_use]
            #[inline]
            pub fn wire_event_type(&self) -> Option<&[u8]> {
                self.event().wire_event_type()
            }

            /// Returns the data, its lines joined by LF.
            #[must_use]
            #[inline]
            pub fn data(&self) -> &[u8] {
                self.event().data()
            }

            /// Returns the ID that the event itself set, possibly empty; `None` if it set none.
            #[must_use]
            #[inline]
            pub fn id(&self) -> Option<&[u8]> {
                self.event().id()
            }

            /// Returns the last event ID when the event was dispatched, if this event set it or the copy was made by
            /// [`with_last_event_id`](Self::with_last_event_id). Otherwise it is empty.
            #[must_use]
            #[inline]
            pub fn last_event_id(&self) -> &[u8] {
                self.event().last_event_id()
            }

            /// Returns the reconnection time in milliseconds that the event itself set, by a valid `retry`.
            #[must_use]
            #[inline]
            pub fn retry(&self) -> Option<u64> {
                self.event().retry()
            }

            /// Returns the event with its fields checked to be text; see [`Event::text`].
            ///
            /// # Errors
            ///
            /// [`NotUtf8`](crate::NotUtf8), with the field that is not valid UTF-8.
            ///
            /// # Panics
            ///
            /// Never.
            #[inline]
            pub fn text(&self) -> Result<Event<'_, str>, crate::NotUtf8> {
                self.event().text()
            }
        }

        impl<'e, $($generics)*> From<&'e $type> for Event<'e> {
            fn from(owned: &'e $type) -> Event<'e> {
                owned.event()
            }
        }

        /// Compares the events, wherever their bytes lie.
        impl<$($generics)*> PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                self.event() == other.event()
            }
        }

        impl<$($generics)*> Eq for $type {}

        impl<$($generics)*> core::hash::Hash for $type {
            fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
                self.event().hash(state);
            }
        }

        /// Prints the event, as [`lossy`](crate::lossy) text.
        impl<$($generics)*> core::fmt::Debug for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.event().fmt(f)
            }
        }

        #[cfg(feature = "defmt")]
        impl<$($generics)*> defmt::Format for $type {
            fn format(&self, f: defmt::Formatter<'_>) {
                self.event().format(f);
            }
        }

        /// The same text as that of [`Event`].
        #[cfg(feature = "serde")]
        impl<$($generics)*> serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.event().serialize(serializer)
            }
        }
    };
}

#[cfg(feature = "heapless")]
mod inline {
    use super::{Event, Layout, Text};
    use crate::error::BufferTooSmall;

    /// A copy of an [`Event`] in `N` bytes of its own, for queues and for other tasks.
    ///
    /// `N` bounds the data, the event type and the ID together.
    ///
    /// The ID is the one that the event itself set: an earlier last event ID stays with the parser, unless
    /// [`with_last_event_id`](OwnedEvent::with_last_event_id) makes the copy.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::collections::VecDeque;
    /// use ssewire::{OwnedEvent, Parser};
    ///
    /// let mut queue = VecDeque::<OwnedEvent<32>>::new();
    /// let mut parser = Parser::<[u8; 64]>::new();
    /// let mut input: &[u8] = b"data: 1\n\ndata: 2\n\n";
    /// while let Some(event) = parser.next(&mut input)? {
    ///     queue.push_back(OwnedEvent::new(&event)?);
    /// }
    /// assert_eq!(queue.pop_back().unwrap().data(), b"2");
    /// # Ok::<(), ssewire::Error>(())
    /// ```
    #[derive(Clone)]
    pub struct OwnedEvent<const N: usize> {
        bytes: heapless::Vec<u8, N>,
        layout: Layout,
    }

    impl<const N: usize> OwnedEvent<N> {
        /// Copies `event`, but not a last event ID that an earlier event set.
        ///
        /// # Errors
        ///
        /// [`BufferTooSmall`] if it has more than `N` bytes.
        ///
        /// # Panics
        ///
        /// Never.
        pub fn new<T: Text + ?Sized>(event: &Event<'_, T>) -> Result<OwnedEvent<N>, BufferTooSmall> {
            Self::copy(event, event.id().unwrap_or(T::EMPTY))
        }

        /// Copies `event` and the last event ID, whichever event set it.
        ///
        /// # Errors
        ///
        /// [`BufferTooSmall`] if it has more than `N` bytes.
        ///
        /// # Panics
        ///
        /// Never.
        pub fn with_last_event_id<T: Text + ?Sized>(event: &Event<'_, T>) -> Result<OwnedEvent<N>, BufferTooSmall> {
            Self::copy(event, event.last_event_id)
        }

        fn copy<'a, T: Text + ?Sized>(event: &Event<'a, T>, id: &'a T) -> Result<OwnedEvent<N>, BufferTooSmall> {
            let (layout, values) = Layout::of(event, id);
            let mut bytes = heapless::Vec::new();
            for value in values {
                bytes.extend_from_slice(value).map_err(|_| BufferTooSmall {
                    needed: values.iter().map(|value| value.len()).sum(),
                    capacity: N,
                })?;
            }
            Ok(OwnedEvent { bytes, layout })
        }

        /// Returns the event.
        #[must_use]
        #[inline]
        pub fn event(&self) -> Event<'_> {
            self.layout.event(&self.bytes)
        }
    }

    reads_as_an_event!([const N: usize] OwnedEvent<N>);
}

#[cfg(feature = "alloc")]
mod heap {
    use alloc::boxed::Box;
    use alloc::vec::Vec;

    use super::{Event, Layout, Text};

    /// A copy of an [`Event`] on the heap, in one allocation.
    ///
    /// The ID is the one that the event itself set: an earlier last event ID is neither copied nor compared, and stays with the
    /// parser, unless [`with_last_event_id`](EventBuf::with_last_event_id) makes the copy.
    ///
    /// # Examples
    ///
    /// ```
    /// use ssewire::{EventBuf, Parser};
    ///
    /// let mut parser = Parser::with_limit(1024);
    /// let mut input: &[u8] = b"event: temperature\nid: 7\ndata: 21.5\n\ndata: 22\n\n";
    /// let mut events = Vec::new();
    /// while let Some(event) = parser.next(&mut input)? {
    ///     events.push(EventBuf::from(event));
    /// }
    /// assert_eq!((events[0].event_type(), events[0].data()), (&b"temperature"[..], &b"21.5"[..]));
    /// assert_eq!((events[0].id(), events[1].id()), (Some(&b"7"[..]), None));
    /// assert_eq!(String::from_utf8(events.remove(1).into_data())?, "22");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Clone, Default)]
    pub struct EventBuf {
        bytes: Box<[u8]>,
        layout: Layout,
    }

    impl EventBuf {
        /// Copies `event` and the last event ID, whichever event set it.
        ///
        /// # Panics
        ///
        /// Never.
        #[must_use]
        #[inline]
        pub fn with_last_event_id<T: Text + ?Sized>(event: &Event<'_, T>) -> EventBuf {
            EventBuf::copy(event, event.last_event_id)
        }

        #[inline(always)]
        fn copy<'a, T: Text + ?Sized>(event: &Event<'a, T>, id: &'a T) -> EventBuf {
            let (layout, values) = Layout::of(event, id);
            EventBuf { bytes: concat(values).into_boxed_slice(), layout }
        }

        /// Returns the event.
        #[must_use]
        #[inline]
        pub fn event(&self) -> Event<'_> {
            self.layout.event(&self.bytes)
        }

        /// Returns the data, in the allocation that the event had.
        #[must_use]
        pub fn into_data(self) -> Vec<u8> {
            let mut bytes = Vec::from(self.bytes);
            bytes.truncate(self.layout.data_len);
            bytes
        }
    }

    /// Returns the values one after the other, in an allocation of their length.
    #[inline]
    pub(super) fn concat(values: [&[u8]; 3]) -> Vec<u8> {
        let [data, event_type, id] = values;
        let mut bytes = Vec::with_capacity(data.len() + event_type.len() + id.len());
        bytes.extend_from_slice(data);
        // Most events have neither.
        if !event_type.is_empty() {
            bytes.extend_from_slice(event_type);
        }
        if !id.is_empty() {
            bytes.extend_from_slice(id);
        }
        bytes
    }

    /// Copies the event, but not a last event ID that an earlier event set.
    impl<T: Text + ?Sized> From<&Event<'_, T>> for EventBuf {
        #[inline]
        fn from(event: &Event<'_, T>) -> EventBuf {
            EventBuf::copy(event, event.id().unwrap_or(T::EMPTY))
        }
    }

    /// Copies the event, but not a last event ID that an earlier event set.
    impl<T: Text + ?Sized> From<Event<'_, T>> for EventBuf {
        #[inline]
        fn from(event: Event<'_, T>) -> EventBuf {
            EventBuf::from(&event)
        }
    }

    reads_as_an_event!([] EventBuf);
}

#[cfg(feature = "bytes")]
mod bytes {
    use ::bytes::Bytes;

    use super::heap::concat;
    use super::{Event, Layout, Text};
    use crate::bytes::Span;

    /// An [`Event`] in one [`Bytes`]: a part of the chunk that it came in, without a copy, or a copy of its own.
    ///
    /// A clone shares the bytes. The ID is the one that the event itself set: an earlier last event ID is neither copied nor
    /// compared, and stays with the parser, unless [`with_last_event_id`](EventBytes::with_last_event_id) makes the copy.
    ///
    /// # Memory
    ///
    /// An event that shares its chunk keeps all of it in memory. So [`new`](EventBytes::new) shares a chunk only of at most
    /// [`SHARED`](EventBytes::SHARED) bytes, or at most 16 times the length of the event; otherwise the event is copied. It
    /// counts the bytes of the chunk that it is given, since a [`Bytes`] does not tell how long its allocation is.
    /// `EventBytes::from(event)` always copies, for events that are kept for long.
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::Bytes;
    /// use ssewire::{EventBytes, Parser};
    ///
    /// let chunk = Bytes::from_static(b"event: temperature\nid: 7\ndata: 21.5\n\ndata: 22\n\n");
    /// let mut parser = Parser::with_limit(1024);
    /// let mut input = &chunk[..];
    /// let mut events = Vec::new();
    /// while let Some(event) = parser.next(&mut input)? {
    ///     events.push(EventBytes::new(&event, &chunk));
    /// }
    /// assert_eq!((events[0].event_type(), events[0].data()), (&b"temperature"[..], &b"21.5"[..]));
    /// assert!(chunk.as_ptr_range().contains(&events[0].data().as_ptr())); // not copied
    /// assert_eq!(events.remove(1).into_data(), "22");
    /// # Ok::<(), ssewire::Overflow>(())
    /// ```
    #[derive(Clone, Default)]
    pub struct EventBytes {
        bytes: Bytes,
        places: Places,
    }

    /// The places of the values in the bytes, and the other values.
    #[derive(Clone, Copy, Default)]
    struct Places {
        data: Span,
        event_type: Option<Span>,
        last_event_id: Span,
        sets_id: bool,
        retry: Option<u64>,
    }

    impl EventBytes {
        /// The longest chunk, in bytes, that an event shares, however small it is: what HTTP stacks read at once.
        pub const SHARED: usize = 64 << 10;

        /// A longer chunk is shared up to this many times the length of the event.
        const SHARE: usize = 16;

        /// Returns `event`, which was found in `chunk`, without a last event ID that an earlier event set.
        ///
        /// Shares the memory of `chunk` if all values of the event lie there, and copies them otherwise: an event in two chunks,
        /// or with several lines of data, lies in the parser's buffer. [`Memory`](EventBytes#memory) has the exception. `chunk`
        /// should be all of the chunk, or the part of it that was passed to the parser. With any other one the event is copied.
        ///
        /// # Panics
        ///
        /// Never.
        #[must_use]
        #[inline]
        pub fn new<T: Text + ?Sized>(event: &Event<'_, T>, chunk: &Bytes) -> EventBytes {
            match Places::within(chunk, event) {
                Some((places, part)) if chunk.len() <= Self::SHARED || chunk.len() / Self::SHARE <= part.len => {
                    EventBytes { bytes: chunk.slice(part.start..part.start + part.len), places }
                }
                _ => EventBytes::from(event),
            }
        }

        /// Copies `event` and the last event ID, whichever event set it.
        ///
        /// # Panics
        ///
        /// Never.
        #[must_use]
        pub fn with_last_event_id<T: Text + ?Sized>(event: &Event<'_, T>) -> EventBytes {
            EventBytes::copy(event, event.last_event_id)
        }

        fn copy<'a, T: Text + ?Sized>(event: &Event<'a, T>, id: &'a T) -> EventBytes {
            let (Layout { data_len, event_type_len, sets_id, retry }, values) = Layout::of(event, id);
            let after_data = event_type_len.unwrap_or(0) + data_len;
            let places = Places {
                data: Span { start: 0, len: data_len },
                event_type: event_type_len.map(|len| Span { start: data_len, len }),
                last_event_id: Span { start: after_data, len: id.as_ref().len() },
                sets_id,
                retry,
            };
            EventBytes { bytes: concat(values).into(), places }
        }

        /// Returns the event.
        #[must_use]
        #[inline]
        pub fn event(&self) -> Event<'_> {
            let Places { data, event_type, last_event_id, sets_id, retry } = self.places;
            Event {
                event_type: event_type.map(|event_type| event_type.of(&self.bytes)),
                data: data.of(&self.bytes),
                last_event_id: last_event_id.of(&self.bytes),
                sets_id,
                retry,
            }
        }

        /// Returns the data, in the memory that the event had.
        #[must_use]
        pub fn into_data(self) -> Bytes {
            let EventBytes { mut bytes, places: Places { data: Span { start, len }, .. } } = self;
            // The data lie within the bytes, so neither of the two can panic.
            bytes.truncate(start + len);
            bytes.split_off(start)
        }
    }

    impl Places {
        /// Returns the places of the event's values in the shortest part of `chunk` that holds them all, and the place of that
        /// part, if they all lie in `chunk`.
        #[inline(always)]
        fn within<T: Text + ?Sized>(chunk: &[u8], event: &Event<'_, T>) -> Option<(Places, Span)> {
            let data = find(chunk, event.data.as_ref())?;
            let event_type = match event.event_type {
                Some(event_type) => Some(find(chunk, event_type.as_ref())?),
                None => None,
            };
            let id = match event.id() {
                Some(id) => Some(find(chunk, id.as_ref())?),
                None => None,
            };
            let (mut start, mut end) = (data.start, data.start + data.len);
            for span in [event_type, id].into_iter().flatten() {
                start = start.min(span.start);
                end = end.max(span.start + span.len);
            }
            let relative = |span: Span| Span { start: span.start - start, ..span };
            let places = Places {
                data: relative(data),
                event_type: event_type.map(relative),
                last_event_id: id.map(relative).unwrap_or_default(),
                sets_id: event.sets_id,
                retry: event.retry,
            };
            Some((places, Span { start, len: end - start }))
        }
    }

    /// Returns the place of `value` in `chunk`, if it lies there.
    #[inline(always)]
    fn find(chunk: &[u8], value: &[u8]) -> Option<Span> {
        let span = Span::within(chunk, value);
        let is_within = span.len <= chunk.len() && span.start <= chunk.len() - span.len;
        is_within.then_some(span)
    }

    /// Copies the event, but not a last event ID that an earlier event set.
    impl<T: Text + ?Sized> From<&Event<'_, T>> for EventBytes {
        #[inline(never)]
        fn from(event: &Event<'_, T>) -> EventBytes {
            EventBytes::copy(event, event.id().unwrap_or(T::EMPTY))
        }
    }

    /// Copies the event, but not a last event ID that an earlier event set.
    impl<T: Text + ?Sized> From<Event<'_, T>> for EventBytes {
        #[inline]
        fn from(event: Event<'_, T>) -> EventBytes {
            EventBytes::from(&event)
        }
    }

    reads_as_an_event!([] EventBytes);
}
