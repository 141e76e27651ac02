//! All calls into the crate that its API decides. A change of the API is a change of this file alone.

use ssewire::tokenizer::{Token, Tokenizer};
use ssewire::{Event, Field, IdError, Item, Overflow, Parser, Storage};

/// Whether items and tokens show lines that are not a field.
pub const SHOWS_UNKNOWN: bool = true;

/// A parser with its buffer inside.
pub type Inline<const N: usize> = Parser<[u8; N]>;
/// A parser with its buffer on the heap.
pub type Heap = Parser<ssewire::GrowableBuffer>;

pub fn inline<const N: usize>() -> Inline<N> {
    Parser::new()
}

/// The four ways to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Next,
    Feed,
    NextItem,
    FeedItems,
}

pub const WAYS: [Way; 4] = [Way::Next, Way::Feed, Way::NextItem, Way::FeedItems];

impl Way {
    pub fn shows_items(self) -> bool {
        matches!(self, Way::NextItem | Way::FeedItems)
    }
}

/// A piece of a comment or of an unknown line.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    pub bytes: &'a [u8],
    /// `None` when the API does not tell.
    pub first: Option<bool>,
    pub last: bool,
}

/// The result of one call.
#[derive(Clone, Copy, Debug)]
pub enum Seen<'a> {
    Event(Event<'a>),
    Comment(Piece<'a>),
    Unknown(Piece<'a>),
    Update { id: Option<&'a [u8]>, retry: Option<u64> },
    Overflow { field: Field, needed: usize, capacity: usize },
}

fn overflow<'a>(Overflow { field, needed, capacity }: Overflow) -> Seen<'a> {
    Seen::Overflow { field, needed, capacity }
}

fn of_piece(piece: ssewire::Piece<'_>) -> Piece<'_> {
    Piece { bytes: piece.bytes, first: Some(piece.first), last: piece.last }
}

fn of_item(item: Item<'_>) -> Seen<'_> {
    match item {
        Item::Event(event) => Seen::Event(event),
        Item::Comment(piece) => Seen::Comment(of_piece(piece)),
        Item::Unknown(piece) => Seen::Unknown(of_piece(piece)),
        Item::Update(update) => Seen::Update { id: update.id(), retry: update.retry() },
        other => panic!("unknown item: {other:?}"),
    }
}

/// Calls the parser once. `see` gets the number of bytes used and the result.
#[inline]
pub fn call<S: Storage, R>(
    way: Way,
    parser: &mut Parser<S>,
    input: &[u8],
    see: impl FnOnce(usize, Option<Seen<'_>>) -> R,
) -> R {
    let mut rest = input;
    match way {
        Way::Next => {
            let result = parser.next(&mut rest);
            let seen = result.map_or_else(|error| Some(overflow(error)), |event| event.map(Seen::Event));
            see(input.len() - rest.len(), seen)
        }
        Way::NextItem => {
            let result = parser.next_item(&mut rest);
            let seen = result.map_or_else(|error| Some(overflow(error)), |item| item.map(of_item));
            see(input.len() - rest.len(), seen)
        }
        Way::Feed => {
            let progress = parser.feed(input);
            let seen = match progress.result {
                Ok(found) => found.map(|found| Seen::Event(parser.event(found, input))),
                Err(error) => Some(overflow(error)),
            };
            see(progress.consumed, seen)
        }
        Way::FeedItems => {
            let progress = parser.feed_items(input);
            // The part that was used is enough.
            let used = &input[..progress.consumed];
            let seen = match progress.result {
                Ok(found) => found.map(|found| of_item(parser.item(found, used))),
                Err(error) => Some(overflow(error)),
            };
            see(progress.consumed, seen)
        }
    }
}

/// Ends the stream. `see` gets the result.
pub fn take_unfinished<S: Storage, R>(parser: &mut Parser<S>, see: impl FnOnce(Option<Seen<'_>>) -> R) -> R {
    see(match parser.take_unfinished() {
        Ok(event) => event.map(Seen::Event),
        Err(error) => Some(overflow(error)),
    })
}

/// Why an ID was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    InvalidByte { byte: u8, position: usize },
    Overflow { needed: usize, capacity: usize },
}

pub fn set_last_event_id<S: Storage>(parser: &mut Parser<S>, id: &[u8]) -> Result<(), Refusal> {
    parser.set_last_event_id(id).map_err(|error| match error {
        IdError::InvalidByte(error) => {
            assert_eq!(error.field, Field::Id);
            Refusal::InvalidByte { byte: error.byte, position: error.position }
        }
        IdError::Overflow(error) => {
            assert_eq!(error.field, Field::Id);
            Refusal::Overflow { needed: error.needed, capacity: error.capacity }
        }
    })
}

/// A token.
#[derive(Clone, Copy, Debug)]
pub enum SeenToken<'a> {
    Field(Field, Piece<'a>),
    Comment(Piece<'a>),
    Unknown(Piece<'a>),
    EndOfEvent,
}

/// The next token.
#[inline]
pub fn next_token<'i>(tokenizer: &mut Tokenizer, input: &mut &'i [u8]) -> Option<SeenToken<'i>> {
    Some(match tokenizer.next(input)? {
        Token::Field(field, piece) => SeenToken::Field(field, of_piece(piece)),
        Token::Comment(piece) => SeenToken::Comment(of_piece(piece)),
        Token::Unknown(piece) => SeenToken::Unknown(of_piece(piece)),
        Token::EndOfEvent => SeenToken::EndOfEvent,
    })
}
