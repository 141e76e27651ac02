//! The reconnection time: the values of `retry` that count, and those that are ignored.

use crate::common::oracle::Item;
use crate::common::{cases, chunks_of, via_next};
use ssewire::Parser;

type Small = Parser<[u8; 16]>;

cases! { value {
    zero: "0", Some(0);
    number: "3000", Some(3000);
    leading_zeros: "00012", Some(12);
    largest: "18446744073709551615", Some(u64::MAX);
    largest_after_a_zero: "018446744073709551615", Some(u64::MAX);
    one_more: "18446744073709551616", None;
    far_more: "99999999999999999999999", None;
    empty: "", None;
    plus: "+1", None;
    minus: "-1", None;
    second_space: " 1", None;
    space_after: "1 ", None;
    fraction: "1.5", None;
    other_digits: "\u{ff11}", None;
    nul: "1\0", None;
}}

fn value(value: &str, expected: Option<u64>) {
    let stream = format!("retry: {value}\ndata\n\n");
    for size in 1..=stream.len() {
        let mut parser = Small::new();
        let outcomes = via_next(&mut parser, &chunks_of(stream.as_bytes(), size));
        assert!(matches!(&outcomes[..], [Ok(Item::Event(event))] if event.retry == expected), "{outcomes:?}");
        assert_eq!(parser.reconnection_time_ms(), expected);
    }
}

/// A `retry` counts from its line on, and an invalid one does not unset it.
#[test]
fn it_takes_effect_at_its_line() {
    let mut parser = Small::new();
    via_next(&mut parser, &[b"retry: 7"]);
    assert_eq!(parser.reconnection_time_ms(), None);
    via_next(&mut parser, &[b"\nretry: x\n"]);
    assert_eq!(parser.reconnection_time_ms(), Some(7));
    parser.reset();
    assert_eq!(parser.reconnection_time_ms(), Some(7));
}

/// The last valid one of an event is its own.
#[test]
fn several_in_one_event() {
    let mut parser = Small::new();
    let mut input: &[u8] = b"retry: 1\nretry: 22\nretry: x\ndata\n\ndata\n\n";
    assert_eq!(parser.next(&mut input).unwrap().unwrap().retry(), Some(22));
    assert_eq!(parser.next(&mut input).unwrap().unwrap().retry(), None);
    assert_eq!(parser.reconnection_time_ms(), Some(22));
}
