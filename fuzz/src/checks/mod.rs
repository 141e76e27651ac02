//! The check of each fuzz target, as a function of plain bytes that panics if something is wrong.
//!
//! The targets in `fuzz_targets` call them, and so does `tests/fuzz_seeds.rs` with the files in `seeds`. A case is a head of
//! fixed length and then the stream or text. So a stream becomes a seed by a head before it, a case that was found can be
//! read, and the crate's tests need no library for it.

use crate::{common, history};

mod cases;
mod client;
mod read;
mod write;

pub use client::client;
pub use read::{capacity, chunking, keys, mixed, parse_oracle, relay, tokenizer};
pub use write::{encoder, injection, write_parse};

/// A target's name, the folder in `seeds` for it, and its check.
pub type Target = (&'static str, &'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 13] = [
    ("parse_oracle", "read", parse_oracle),
    ("chunking", "read", chunking),
    ("capacity", "read", capacity),
    ("tokenizer", "read", tokenizer),
    ("keys", "read", keys),
    ("mixed", "read", mixed),
    ("relay", "read", relay),
    ("write_parse", "write", write_parse),
    ("injection", "write", injection),
    ("encoder", "write", encoder),
    ("lossy", "text", lossy),
    ("replay", "read", replay),
    ("client", "client", client),
];

/// One replay ring through all kinds of calls, beside a list of all frames. Every byte is a choice; two are, if there are more
/// than 256 ways.
pub fn replay(data: &[u8]) {
    let mut data = data;
    let mut choices = |below: usize| {
        let (number, rest) = data.split_at_checked(if below > 256 { 2 } else { 1 })?;
        data = rest;
        Some(number.iter().fold(0, |number, &byte| number << 8 | usize::from(byte)) % below)
    };
    history::run(&mut choices, &mut history::Counts::default());
}

/// Bytes are decoded as the standard library decodes them, in every form that the result has.
pub fn lossy(data: &[u8]) {
    let expected = String::from_utf8_lossy(data);
    let text = ssewire::lossy(data);
    assert_eq!(text.to_string(), expected);
    assert!(text.chars().eq(expected.chars()));
    assert!(text.pieces().all(|piece| !piece.is_empty()));
    assert_eq!(text.pieces().collect::<String>(), expected);
    assert!(text == *expected && text == ssewire::lossy(expected.as_bytes()));
    assert_eq!(format!("{text:?}"), format!("{expected:?}"));

    // As data of an event, it is text or is not; decoded, it is the text that a reader of the standard gets.
    let one_line: Vec<u8> = data.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let stream = [b"data: ", &one_line[..], b"\n\n"].concat();
    let mut parser = ssewire::Parser::with_limit(one_line.len());
    let event = parser.next(&mut &stream[..]).expect("room for it").expect("an event").text().map(|event| event.data());
    assert_eq!(
        event.map_err(|error| (error.field, error.error)),
        std::str::from_utf8(&one_line).map_err(|error| (ssewire::Field::Data, error))
    );
    let parsed = common::oracle::parse_text(&stream, None);
    assert_eq!(ssewire::lossy(&one_line).to_string().as_bytes(), parsed.events()[0].data);
}
