//! All calls into the crate that its API decides. A change of the API is a change of this file alone.

use ssewire::tokenizer::{Token, Tokenizer};
use ssewire::{Event, Field, IdError, Item, Overflow, Parser, Storage};

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

/// What the driver calls of a parser of any buffer. `see` gets the number of bytes used and the result of a call.
// Not of one type, so that the driver is compiled once for all buffers.
pub trait Driven {
    fn call(&mut self, way: Way, input: &[u8], see: &mut dyn FnMut(usize, Option<Seen<'_>>));
    fn take_unfinished(&mut self, see: &mut dyn FnMut(Option<Seen<'_>>));
    fn set_last_event_id(&mut self, id: &[u8]) -> Result<(), Refusal>;
    fn reset(&mut self);
    fn last_event_id(&self) -> Option<&[u8]>;
    fn reconnection_time_ms(&self) -> Option<u64>;
    fn unfinished(&self) -> Option<usize>;
    /// A clone; a borrowed buffer has none.
    fn fork(&self) -> Option<Box<dyn Driven>>;
}

/// A parser, and how to clone it.
struct Forking<S> {
    parser: Parser<S>,
    clone: Option<Fork<S>>,
}

type Fork<S> = fn(&Parser<S>) -> Box<dyn Driven>;

/// With the buffer inside or on the heap.
pub fn owned<S: Storage + Clone + 'static>(parser: Parser<S>) -> Box<dyn Driven> {
    Box::new(Forking { parser, clone: Some(|parser| owned(parser.clone())) })
}

pub fn borrowed(buffer: &mut [u8]) -> Box<dyn Driven + '_> {
    Box::new(Forking { parser: Parser::with_buffer(buffer), clone: None })
}

impl<S: Storage> Driven for Forking<S> {
    fn call(&mut self, way: Way, input: &[u8], see: &mut dyn FnMut(usize, Option<Seen<'_>>)) {
        call(way, &mut self.parser, input, see);
    }

    fn take_unfinished(&mut self, see: &mut dyn FnMut(Option<Seen<'_>>)) {
        see(match self.parser.take_unfinished() {
            Ok(event) => event.map(Seen::Event),
            Err(error) => Some(overflow(error)),
        });
    }

    fn set_last_event_id(&mut self, id: &[u8]) -> Result<(), Refusal> {
        self.parser.set_last_event_id(id).map_err(|error| match error {
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

    fn reset(&mut self) {
        self.parser.reset();
    }

    fn last_event_id(&self) -> Option<&[u8]> {
        self.parser.last_event_id()
    }

    fn reconnection_time_ms(&self) -> Option<u64> {
        self.parser.reconnection_time_ms()
    }

    fn unfinished(&self) -> Option<usize> {
        self.parser.unfinished()
    }

    fn fork(&self) -> Option<Box<dyn Driven>> {
        self.clone.map(|clone| clone(&self.parser))
    }
}

/// Why an ID was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    InvalidByte { byte: u8, position: usize },
    Overflow { needed: usize, capacity: usize },
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
