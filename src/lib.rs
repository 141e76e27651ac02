//! Server-Sent Events on the wire.
#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(feature = "alloc")]
extern crate alloc;

mod arena;
mod assembler;
mod copy;
mod encode;
mod error;
mod event;
mod format;
mod frame;
mod parser;
mod scan;
mod storage;
mod text;
mod tokenizer;

pub use encode::{Encoder, Parts};
pub use error::{Error, Field};
#[cfg(feature = "heapless-v0_9")]
pub use event::OwnedEvent;
pub use event::{Event, Text};
pub use format::FormattedFrame;
pub use frame::Frame;
pub use parser::{CommentPiece, Item, Parser, Progress, Status, Update};
#[cfg(feature = "alloc")]
pub use storage::growable::GrowableBuffer;
pub use storage::Storage;
pub use text::{decode, Decoded};
pub use tokenizer::{Piece, Token, Tokenizer};
