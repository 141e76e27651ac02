//! `defmt::Format`, to print on a probe. Bytes print as ASCII, with escapes for the rest.

use defmt::{Format, Formatter, write};

use crate::event::{Event, Text};
use crate::read::{Item, Piece, Token, Update};

/// Optional bytes, as `Some(b"...")` or `None`.
struct Bytes<'a>(Option<&'a [u8]>);

impl Format for Bytes<'_> {
    fn format(&self, f: Formatter<'_>) {
        match self.0 {
            Some(bytes) => write!(f, "Some({=[u8]:a})", bytes),
            None => write!(f, "None"),
        }
    }
}

impl<T: Text + ?Sized> Format for Event<'_, T> {
    fn format(&self, f: Formatter<'_>) {
        write!(
            f,
            "Event {{ event_type: {}, data: {=[u8]:a}, last_event_id: {=[u8]:a}, sets_id: {}, retry: {} }}",
            Bytes(self.event_type.map(T::as_ref)),
            self.data.as_ref(),
            self.last_event_id.as_ref(),
            self.sets_id,
            self.retry
        );
    }
}

impl Format for Update<'_> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "Update {{ id: {}, retry: {} }}", Bytes(self.id), self.retry);
    }
}

impl Format for Piece<'_> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "Piece {{ bytes: {=[u8]:a}, first: {}, last: {} }}", self.bytes, self.first, self.last);
    }
}

impl Format for Item<'_> {
    fn format(&self, f: Formatter<'_>) {
        match self {
            Item::Event(event) => event.format(f),
            Item::Comment(piece) => write!(f, "Comment({})", piece),
            Item::Unknown(piece) => write!(f, "Unknown({})", piece),
            Item::Update(update) => update.format(f),
        }
    }
}

impl Format for Token<'_> {
    fn format(&self, f: Formatter<'_>) {
        match self {
            Token::Field(field, piece) => write!(f, "Field({}, {})", field, piece),
            Token::Comment(piece) => write!(f, "Comment({})", piece),
            Token::Unknown(piece) => write!(f, "Unknown({})", piece),
            Token::EndOfEvent => write!(f, "EndOfEvent"),
        }
    }
}
