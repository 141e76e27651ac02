//! The errors: their text, their sources, and how each converts into `Error`.

use std::error::Error as StdError;
use std::fmt;

use crate::common::cases;
use ssewire::{
    BufferTooSmall, Error, Field, FormatError, Frame, IdError, InvalidByte, NotUtf8, Overflow, OwnedEvent, Parser,
};

const OVERFLOW: Overflow = Overflow { field: Field::Data, needed: 9, capacity: 8 };
const INVALID_BYTE: InvalidByte = InvalidByte { field: Field::Id, byte: 0, position: 3 };
const TOO_SMALL: BufferTooSmall = BufferTooSmall { needed: 7, capacity: 5 };

fn not_utf8() -> NotUtf8 {
    let bytes = b"ab\xff".to_vec();
    NotUtf8 { field: Field::Event, error: String::from_utf8(bytes).unwrap_err().utf8_error() }
}

const OVERFLOW_TEXT: &str = "event too large for the buffer: `data` brings it to 9 bytes or more, the capacity is 8";
const INVALID_BYTE_TEXT: &str = "invalid byte 0x00 at position 3 of `id`";
const TOO_SMALL_TEXT: &str = "buffer too small: 7 bytes needed, the capacity is 5";
const FORMAT_TEXT: &str = "a value could not be formatted";
const NOT_UTF8_TEXT: &str = "`event` is not valid UTF-8 after byte 2";

// Each error alone, and as an `Error`, has the same text.
cases! { text {
    overflow: OVERFLOW, OVERFLOW_TEXT;
    invalid_byte: INVALID_BYTE, INVALID_BYTE_TEXT;
    buffer_too_small: TOO_SMALL, TOO_SMALL_TEXT;
    not_utf8_of_a_field: not_utf8(), NOT_UTF8_TEXT;
    id_with_an_invalid_byte: IdError::InvalidByte(INVALID_BYTE), INVALID_BYTE_TEXT;
    id_too_long: IdError::Overflow(OVERFLOW), OVERFLOW_TEXT;
    format: FormatError::Format, FORMAT_TEXT;
    format_into_too_little: FormatError::BufferTooSmall(TOO_SMALL), TOO_SMALL_TEXT;
}}

fn text<E: StdError + Copy + Into<Error>>(error: E, text: &str) {
    assert_eq!(error.to_string(), text);
    assert_eq!(error.into().to_string(), text);
}

#[test]
fn conversions() {
    assert_eq!(Error::from(OVERFLOW), Error::Overflow(OVERFLOW));
    assert_eq!(Error::from(INVALID_BYTE), Error::InvalidByte(INVALID_BYTE));
    assert_eq!(Error::from(TOO_SMALL), Error::BufferTooSmall(TOO_SMALL));
    assert_eq!(Error::from(not_utf8()), Error::NotUtf8(not_utf8()));
    assert_eq!(IdError::from(INVALID_BYTE), IdError::InvalidByte(INVALID_BYTE));
    assert_eq!(IdError::from(OVERFLOW), IdError::Overflow(OVERFLOW));
    assert_eq!(Error::from(IdError::InvalidByte(INVALID_BYTE)), Error::InvalidByte(INVALID_BYTE));
    assert_eq!(Error::from(IdError::Overflow(OVERFLOW)), Error::Overflow(OVERFLOW));
    assert_eq!(FormatError::from(TOO_SMALL), FormatError::BufferTooSmall(TOO_SMALL));
    assert_eq!(Error::from(FormatError::Format), Error::Format);
    assert_eq!(Error::from(FormatError::BufferTooSmall(TOO_SMALL)), Error::BufferTooSmall(TOO_SMALL));
}

/// The error of the standard library is the source of `NotUtf8`. No other error has one.
#[test]
fn sources() {
    let is_utf8_error = |error: &dyn StdError| error.source().is_some_and(|source| source.is::<std::str::Utf8Error>());
    assert!(is_utf8_error(&not_utf8()) && is_utf8_error(&Error::from(not_utf8())));
    let others: [&dyn StdError; 11] = [
        &OVERFLOW,
        &INVALID_BYTE,
        &TOO_SMALL,
        &IdError::InvalidByte(INVALID_BYTE),
        &IdError::Overflow(OVERFLOW),
        &FormatError::Format,
        &FormatError::BufferTooSmall(TOO_SMALL),
        &Error::Overflow(OVERFLOW),
        &Error::InvalidByte(INVALID_BYTE),
        &Error::BufferTooSmall(TOO_SMALL),
        &Error::Format,
    ];
    assert!(others.iter().all(|error| error.source().is_none()));
}

// The field that is not valid UTF-8, and its valid bytes.
cases! { not_utf8_says_which_field {
    data: b"event: e\nid: 1\ndata: ab\xff\n\n", Some((Field::Data, 2));
    event_type: b"event: \xff\ndata: a\n\n", Some((Field::Event, 0));
    id: b"id: 7\xc3\ndata: a\n\n", Some((Field::Id, 1));
    earlier_id: b"id: 7\xff\n\ndata: a\n\n", Some((Field::Id, 1));
    data_in_two_lines: b"data: a\ndata: \xf0\x9f\n\n", Some((Field::Data, 2));
    character_over_two_lines: b"data: \xc3\ndata: \xa9\n\n", Some((Field::Data, 0));
    data_before_others: b"event: \xff\nid: \xff\ndata: \xff\n\n", Some((Field::Data, 0));
    none: b"event: \xc3\xa9\nid: \xc3\xa9\ndata: \xc3\xa9\n\n", None;
    event_type_of_no_event: b"event: \xff\n\ndata: a\n\n", None;
    other_lines: b"x: \xff\n: \xff\ndata: \xc3\xa9\n\n", None;
}}

fn not_utf8_says_which_field(stream: &[u8], expected: Option<(Field, usize)>) {
    let mut parser = Parser::<[u8; 16]>::new();
    let mut input = stream;
    let event = parser.next(&mut input).unwrap().unwrap();
    let error = event.text().err();
    assert_eq!(error.map(|error| (error.field, error.error.valid_up_to())), expected);
    if let Some(error) = error {
        let bytes = match error.field {
            Field::Data => event.data(),
            Field::Event => event.event_type(),
            _ => event.last_event_id(),
        };
        assert_eq!(Err(error.error), std::str::from_utf8(bytes), "the standard library's error");
    }
}

/// Each function returns the error that can happen there, and `?` makes one type of them.
#[test]
fn functions_return_narrow_errors() -> Result<(), Error> {
    let invalid = |field, byte, position| InvalidByte { field, byte, position };
    assert_eq!(Frame::new().event_type("a\rb").err(), Some(invalid(Field::Event, b'\r', 1)));
    assert_eq!(Frame::new().id("ab\0").err(), Some(invalid(Field::Id, 0, 2)));
    let frame = Frame::new().event_type("e")?.id("1")?.data("x");
    let error = BufferTooSmall { needed: frame.encoded_len(), capacity: 3 };
    assert_eq!(frame.write_to_slice(&mut [0; 3]), Err(error));
    let formatted = Frame::new().data_fmt(format_args!("x")).write_to_slice(&mut [0; 3]);
    assert_eq!(formatted, Err(BufferTooSmall { needed: 9, capacity: 3 }.into()));
    let mut parser = Parser::<[u8; 8]>::new();
    parser.set_last_event_id(b"1")?;
    let mut input: &[u8] = b"data: 12345678\n\n";
    assert_eq!(parser.next(&mut input), Err(Overflow { field: Field::Data, needed: 9, capacity: 8 }));
    let mut input: &[u8] = b"\ndata: 1234\n\n";
    let event = parser.next(&mut input)?.unwrap();
    assert_eq!(OwnedEvent::<4>::with_last_event_id(&event), Err(BufferTooSmall { needed: 5, capacity: 4 }));
    assert_eq!(event.text()?.data(), "1234");
    Ok(())
}

#[test]
fn a_display_that_fails() {
    struct Fails;
    impl fmt::Display for Fails {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            Err(fmt::Error)
        }
    }
    let written = Frame::new().data_fmt(format_args!("{Fails}")).write_to_slice(&mut [0; 64]);
    assert_eq!(written, Err(FormatError::Format));
}

#[test]
fn an_error_of_formatting_is_one_of_the_crate() {
    assert_eq!(ssewire::Error::from(std::fmt::Error), ssewire::Error::Format);
}
