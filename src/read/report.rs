//! The types in which a parser reports.

use crate::bytes::Span;
use crate::error::Overflow;
use crate::event::Event;

/// A piece of a value, a comment or an unknown line. A line that is complete in the input is one piece, `first` and `last`;
/// a line that is split over several inputs comes in several pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Piece<'i> {
    /// The bytes, without the line end. Empty only in a last piece.
    pub bytes: &'i [u8],
    /// The value begins with this piece.
    pub first: bool,
    /// The value ends with this piece; its line end was read.
    pub last: bool,
}

impl Piece<'_> {
    /// Returns the first piece of a line that goes on.
    pub(super) fn taken(bytes: &'static [u8]) -> Piece<'static> {
        Piece { bytes, first: true, last: false }
    }
}

/// A block without data that set the last event ID, the reconnection time or both. It is not an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Update<'a> {
    pub(crate) id: Option<&'a [u8]>,
    pub(crate) retry: Option<u64>,
}

impl<'a> Update<'a> {
    /// Returns the last event ID that it set, possibly empty.
    #[must_use]
    pub fn id(&self) -> Option<&'a [u8]> {
        self.id
    }

    /// Returns the reconnection time that it set, in milliseconds.
    #[must_use]
    pub fn retry(&self) -> Option<u64> {
        self.retry
    }
}

/// Everything in a stream, as [`next_item`](crate::Parser::next_item) reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Item<'a> {
    /// An event.
    Event(Event<'a>),
    /// A piece of a comment, without its colon and one space after it. Servers send comments to keep a connection alive.
    Comment(Piece<'a>),
    /// A piece of a line that is not a field of the standard, from the line's first byte on. The standard ignores such lines,
    /// but an error message in place of a stream is made of them.
    Unknown(Piece<'a>),
    /// A block that set the last event ID or the reconnection time and is not an event.
    Update(Update<'a>),
}

/// The result of [`feed`](crate::Parser::feed) and [`feed_items`](crate::Parser::feed_items). It borrows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Progress<F> {
    /// The number of bytes of the input that were used, also with an error. Feed the rest again.
    pub consumed: usize,
    /// The event or item that was found at that point; `None` when all input was used and more is needed.
    pub result: Result<Option<F>, Overflow>,
}

/// The key to an event that [`feed`](crate::Parser::feed) found; [`event`](crate::Parser::event) takes it and returns the
/// event. It borrows nothing, so it can be held while a buffer is changed, and nothing else makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FoundEvent {
    /// The version of the values that the parser held.
    pub(super) version: Version,
    /// The places of an event that is borrowed from the input; the parser's buffer holds any other.
    pub(super) borrowed: Option<Borrowed>,
}

/// The number of changes of the values that a parser holds; it wraps.
#[cfg(target_pointer_width = "64")]
pub(super) type Version = u32;
/// The same in two bytes, which makes the state of a parser four bytes smaller.
#[cfg(not(target_pointer_width = "64"))]
pub(super) type Version = u16;

/// An event that is borrowed from the input, except its ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Borrowed {
    pub input: Input,
    pub event_type: Option<Span>,
    pub data: Span,
    pub sets_id: bool,
}

/// The key to an item that [`feed_items`](crate::Parser::feed_items) found; [`item`](crate::Parser::item) takes it and
/// returns the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FoundItem(pub(super) Found);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) enum Found {
    Event(FoundEvent),
    Comment(FoundPiece),
    Unknown(FoundPiece),
    /// The first piece of an unknown line, which an earlier input held.
    Taken(&'static [u8]),
    Update {
        version: Version,
    },
}

/// A piece by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct FoundPiece {
    pub input: Input,
    pub span: Span,
    pub first: bool,
    pub last: bool,
}

impl FoundPiece {
    /// Returns the piece, with no bytes if `input` is another one.
    pub(super) fn of(self, input: &[u8]) -> Piece<'_> {
        let bytes = if self.input == Input::new(input) { self.span.of(input) } else { b"" };
        Piece { bytes, first: self.first, last: self.last }
    }
}

/// The address of an input, to tell it from another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Input(usize);

impl Input {
    #[inline(always)]
    pub(super) fn new(input: &[u8]) -> Input {
        Input(input.as_ptr().addr())
    }
}
