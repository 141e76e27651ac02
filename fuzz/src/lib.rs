//! What each fuzz target checks, as a function of plain bytes, which panics when something is wrong.
//!
//! The targets in `fuzz_targets` call them, and so does `tests/fuzz_seeds.rs` with what is in `seeds`. The bytes are laid
//! out by hand, a head of fixed length and then the stream or text, so that a stream becomes a seed by a head before it,
//! what the fuzzer finds can be read, and the crate's tests need no library for it.

#[path = "../../tests/common/mod.rs"]
mod common;

mod cases;
mod read;
mod write;

pub use read::{capacity, chunking, parse_oracle, relay, tokenizer};
pub use write::{encoder, injection, write_parse};

/// Its name, the folder in `seeds` that is for it, and what it checks.
pub type Target = (&'static str, &'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 9] = [
    ("parse_oracle", "read", parse_oracle),
    ("chunking", "read", chunking),
    ("capacity", "read", capacity),
    ("tokenizer", "read", tokenizer),
    ("relay", "read", relay),
    ("write_parse", "write", write_parse),
    ("injection", "write", injection),
    ("encoder", "write", encoder),
    ("decode", "text", decode),
];

/// Bytes are decoded as the standard library decodes them, in every form that the result has.
pub fn decode(data: &[u8]) {
    let expected = String::from_utf8_lossy(data);
    let decoded = ssewire::decode(data);
    assert_eq!(decoded.to_string(), expected);
    assert!(decoded.chars().eq(expected.chars()));
    assert!(decoded.pieces().all(|piece| !piece.is_empty()));
    assert_eq!(decoded.pieces().collect::<String>(), expected);
    assert!(decoded == *expected && decoded == ssewire::decode(expected.as_bytes()));
    assert_eq!(format!("{decoded:?}"), format!("{expected:?}"));

    // As data of an event: checked it is text, or it is not, and decoded it is what a reader of the standard gets.
    let one_line: Vec<u8> = data.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let stream = [b"data: ", &one_line[..], b"\n\n"].concat();
    let mut parser = ssewire::Parser::with_limit(one_line.len());
    let event = parser.next(&mut &stream[..]).expect("room for it").expect("an event").text().map(|event| event.data());
    assert_eq!(event.ok(), std::str::from_utf8(&one_line).ok());
    let parsed = common::oracle::parse_text(&stream, None);
    assert_eq!(ssewire::decode(&one_line).to_string().as_bytes(), parsed.events()[0].data);
}
