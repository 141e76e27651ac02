//! The types in which a parser reports.

use crate::bytes::Span;
use crate::error::Overflow;
use crate::event::Event;

/// A piece of a value, a comment or an unknown line. A line that is complete in the input is one piece, `first` and `last`;
/// a line that is split over several inputs comes in several pieces.
///
/// # Examples
///
/// ```
/// use ssewire::tokenizer::{Piece, Token, Tokenizer};
/// use ssewire::Field;
///
/// let mut tokenizer = Tokenizer::new();
/// let (mut one, mut two): (&[u8], &[u8]) = (b"data: 21", b".5\n");
/// let piece = Piece { bytes: b"21", first: true, last: false };
/// assert_eq!(tokenizer.next(&mut one), Some(Token::Field(Field::Data, piece)));
/// let piece = Piece { bytes: b".5", first: false, last: true };
/// assert_eq!(tokenizer.next(&mut two), Some(Token::Field(Field::Data, piece)));
/// ```
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
///
/// # Examples
///
/// ```
/// use ssewire::{Item, Parser};
///
/// let mut parser = Parser::<[u8; 64]>::new();
/// let mut input: &[u8] = b"id: 42\nretry: 3000\n\n";
/// match parser.next_item(&mut input)? {
///     Some(Item::Update(update)) => assert_eq!((update.id(), update.retry()), (Some(&b"42"[..]), Some(3000))),
///     item => panic!("{item:?}"),
/// }
/// # Ok::<(), ssewire::Overflow>(())
/// ```
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
///
/// # Examples
///
/// ```
/// use ssewire::{Item, Parser};
///
/// let mut parser = Parser::<[u8; 64]>::new();
/// let mut input: &[u8] = b": keep-alive\n{\"error\":1}\ndata: 21.5\n\n";
/// let mut seen = Vec::new();
/// while let Some(item) = parser.next_item(&mut input)? {
///     match item {
///         Item::Event(event) => seen.push(("event", event.data().to_vec())),
///         Item::Comment(piece) => seen.push(("comment", piece.bytes.to_vec())),
///         Item::Unknown(piece) => seen.push(("unknown", piece.bytes.to_vec())),
///         _ => {}
///     }
/// }
/// let expected = [("comment", &b"keep-alive"[..]), ("unknown", b"{\"error\":1}"), ("event", b"21.5")];
/// assert!(seen.iter().map(|(kind, bytes)| (*kind, &bytes[..])).eq(expected));
/// # Ok::<(), ssewire::Overflow>(())
/// ```
#[doc(alias = "keep-alive")]
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
///
/// # Examples
///
/// ```
/// use ssewire::Parser;
///
/// let mut parser = Parser::<[u8; 64]>::new();
/// let input = b"data: 1\n\ndata: 2";
/// let progress = parser.feed(input);
/// assert_eq!(progress.consumed, 9); // the rest is fed again
/// let found = progress.result?.unwrap();
/// assert_eq!(parser.event(found, input).data(), b"1");
///
/// let progress = parser.feed(&input[9..]);
/// assert_eq!((progress.consumed, progress.result), (7, Ok(None)));
/// # Ok::<(), ssewire::Overflow>(())
/// ```
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
///
/// # Examples
///
/// ```
/// use ssewire::{Event, Overflow, Parser};
///
/// /// Returns an event in `input`, or refills it: `feed` holds no borrow between the two.
/// fn next<'a>(parser: &'a mut Parser<[u8; 64]>, input: &'a mut Vec<u8>) -> Result<Event<'a>, Overflow> {
///     loop {
///         if let Some(found) = parser.feed(input).result? {
///             return Ok(parser.event(found, input));
///         }
///         *input = b"data: 21.5\n\n".to_vec();
///     }
/// }
///
/// assert_eq!(next(&mut Parser::new(), &mut Vec::new())?.data(), b"21.5");
/// # Ok::<(), Overflow>(())
/// ```
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
///
/// # Examples
///
/// ```
/// use ssewire::{Item, Parser};
///
/// let mut parser = Parser::<[u8; 64]>::new();
/// let input = b": keep-alive\n";
/// let found = parser.feed_items(input).result?.unwrap();
/// assert!(matches!(parser.item(found, input), Item::Comment(piece) if piece.bytes == b"keep-alive"));
/// # Ok::<(), ssewire::Overflow>(())
/// ```
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
