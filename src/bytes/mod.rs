//! Searching and copying bytes. Only this folder knows vectors, words and the target.

mod copy;
mod find;
mod span;

pub(crate) use copy::{copy_within, put, put_wild};
pub(crate) use find::{CR, LF, line_end, line_end_or_nul};
pub(crate) use span::Span;

/// Spends code on speed. Fast paths change no result, so targets with little flash go without them.
pub(crate) const FAST: bool = cfg!(all(target_pointer_width = "64", not(ssewire_small)));
