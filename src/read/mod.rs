//! Reading: bytes in, events out. This page is the map of the folder.
//!
//! # The way of a byte
//!
//! ```text
//! input ──► grammar ──► tokenizer ──► builder ──► parser ──► Event
//!           one line    one piece     one event   lifetimes
//!              └──► a complete event ────┘
//!                   the fast path
//! ```
//!
//! | file | knows | used by |
//! |---|---|---|
//! | `grammar` | field names, colon, space, line ends; an event that is complete in the input | `tokenizer`, `builder` |
//! | `tokenizer` | where in a line the input ended: `State`, which no other file writes | `builder`, users |
//! | `buffer` | the places of an unfinished event's values, and whether one more fits | `builder` |
//! | `builder` | the standard's rules for fields and dispatch: `Phase` | `parser` |
//! | `report` | the types that a parser reports in | all |
//! | `parser` | the public functions: what a report borrows, and when memory grows | users |
//!
//! # The states of a parser
//!
//! `tokenizer::State`, about the line:
//!
//! | state | the last byte read | left by |
//! |---|---|---|
//! | `StreamStart(n)` | the byte `n` of a byte order mark, or none | `enter`, `head` |
//! | `AfterCr` | a CR that ended a line, at the end of the input | `enter` |
//! | `LineStart` | a line end | `step`, and `begin_value`, `begin_comment` and `take_byte` for a fast path |
//! | `Name(place)` | a byte of a field's name | `head` and `step`, and `go_on` and `take_byte` for a fast path |
//! | `Colon(kind)` | a colon; a space may follow | `step`, and `go_on` and `take_byte` for a fast path |
//! | `Value(kind, begun)` | a byte after that; `begun`: a piece was handed out | `step`, and `end_line` for a fast path |
//!
//! `builder::Phase`, about the event:
//!
//! | phase | true in it | left for |
//! |---|---|---|
//! | `Empty` | the buffer holds the last event ID and nothing else; `retry` and values of this event were not seen | `Filling` with the first field |
//! | `Filling` | the values of the event lie in the buffer, all of them fit | `Skipping` with a value that does not fit, `Ended` with a blank line |
//! | `Skipping` | that was reported; the buffer holds at most an ID of the event, other fields are ignored | `Ended` with a blank line |
//! | `Ended` | the event or update was reported, and is readable until the next call | `Empty` with the next call: `retire` |
//!
//! `is_ignoring` is about the rest of a line, and is set with its first piece. An event that is complete in the input never
//! gets into the buffer: the phase stays `Empty`, and only its ID is copied.
//!
//! # The loop
//!
//! ```text
//! read(input):
//!     retire the event that ended; enter the input (an LF after a CR, a byte order mark)
//!     loop:
//!         between two events: return the complete event, or take the lines of it that are complete     (fast path)
//!         the tokenizer's next piece:
//!             a blank line: dispatch                       -> return the event or update
//!             a piece of `retry`: a digit at a time
//!             a piece of another field: into the buffer    -> return an overflow, or the need for more memory
//!                 and the lines after it, to the blank one -> return the event                         (fast path)
//!             a piece of a comment or unknown line         -> return it, if asked for
//!             none: all input is used                      -> return
//! ```
//!
//! `next` and `feed` try the fast paths first and end in this loop. A fast path takes whole pieces of lines, or an input of one
//! byte (`take_byte`), or nothing, and changes no result: with `bytes::FAST` off, on targets below 64 bits, the loop is all there
//! is.
//!
//! # If you add ...
//!
//! - **a state or a phase**: this page; `is_in_field` and `unfinished`; the zero that comes first, so that a parser in a `static`
//!   takes no flash; `tests/mixed.rs` reaches it.
//! - **a field**: `Field`; `NAMES` and `start` in `grammar`; `field` in `builder`; `write/parts.rs`; the model and the oracle of
//!   the tests.
//! - **a fast path**: after `if FAST`, all or nothing, by the functions of `grammar`; a case in `benches/instructions` that
//!   pays for it; `tests/exhaustive.rs` compares it with the loop, and a row in `ways` shows that it is taken.
//! - **a target**: `bytes/find.rs`, if it has vectors; `.ci/targets`.

/// Notes, for the tests in `ways`, that a function is passed.
macro_rules! pass {
    ($function:literal) => {
        #[cfg(test)]
        super::ways::pass($function);
    };
}

mod buffer;
mod builder;
mod grammar;
mod parser;
mod report;
mod retry;
mod tokenizer;
#[cfg(test)]
mod ways;

pub use parser::Parser;
pub use report::{FoundEvent, FoundItem, Item, Piece, Progress, Update};
pub use tokenizer::{Token, Tokenizer};
