//! The last event ID: when it is committed, and how a caller restores it.

use crate::common::{cases, chunks_of, via_next};
use ssewire::{Field, IdError, InvalidByte, Overflow, Parser};

type Small = Parser<[u8; 16]>;

// An ID that was cleared is told apart from one that was never set.
cases! { committed {
    never_set: b"data: x\n\n", None;
    without_a_blank_line: b"id: 1\n", None;
    with_a_blank_line: b"id: 1\n\n", Some(b"1");
    with_data: b"id: 1\ndata: x\n\n", Some(b"1");
    kept: b"id: 1\n\ndata: x\n\ndata: y\n\n", Some(b"1");
    replaced: b"id: 1\n\nid: 22\n\n", Some(b"22");
    last_of_an_event: b"id: 1\nid: 22\nid: 3\n\n", Some(b"3");
    cleared: b"id: 1\n\nid\n\n", Some(b"");
    empty: b"id:\n\n", Some(b"");
    nul: b"id: \0\n\n", None;
    nul_after_another: b"id: 1\n\nid: 2\0\n\n", Some(b"1");
    nul_within_an_event: b"id: 1\nid: 2\0\n\n", Some(b"1");
}}

fn committed(stream: &[u8], expected: Option<&[u8]>) {
    for size in [stream.len(), 1, 2, 3] {
        let mut parser = Small::new();
        via_next(&mut parser, &chunks_of(stream, size));
        assert_eq!(parser.last_event_id(), expected, "in chunks of {size}");
    }
}

#[test]
fn an_empty_id_can_be_restored() {
    let mut parser = Small::new();
    parser.set_last_event_id(b"").unwrap();
    assert_eq!(parser.last_event_id(), Some(&b""[..]));
}

fn invalid(byte: u8, position: usize) -> IdError {
    IdError::InvalidByte(InvalidByte { field: Field::Id, byte, position })
}

fn overflow(needed: usize, capacity: usize) -> IdError {
    IdError::Overflow(Overflow { field: Field::Id, needed, capacity })
}

// A rejected ID changes nothing.
cases! { rejected {
    lf: b"a\nb", invalid(b'\n', 1);
    cr: b"\r", invalid(b'\r', 0);
    nul_first: b"ab\0\n", invalid(0, 2);
    too_long: b"seventeen bytes!!", overflow(17, 16);
    invalid_and_too_long: b"seventeen bytes!\n", invalid(b'\n', 16);
}}

fn rejected(id: &[u8], error: IdError) {
    let mut parser = Small::new();
    via_next(&mut parser, &[b"id: 1\nretry: 4\n\nevent: e\nid: 2\ndata: x\nda"]);
    assert_eq!(parser.set_last_event_id(id), Err(error));
    assert_eq!((parser.last_event_id(), parser.reconnection_time_ms()), (Some(&b"1"[..]), Some(4)));
    let mut input: &[u8] = b"ta: y\n\n";
    let event = parser.next(&mut input).unwrap().unwrap();
    assert_eq!((event.event_type(), event.data(), event.id()), (&b"e"[..], &b"x\ny"[..], Some(&b"2"[..])));
}

#[test]
fn a_restored_id_discards_the_unfinished_event() {
    let mut parser = Small::new();
    via_next(&mut parser, &[b"id: 1\n\nid: 2\nevent: e\ndata: x\nda"]);
    parser.set_last_event_id(b"sixteen bytes!!!").unwrap();
    assert_eq!((parser.last_event_id(), parser.unfinished()), (Some(&b"sixteen bytes!!!"[..]), None));
    let mut input: &[u8] = b"\xef\xbb\xbfdata\n\n";
    let event = parser.next(&mut input).unwrap().unwrap();
    assert_eq!((event.data(), event.wire_event_type(), event.id()), (&b""[..], None, None));
    assert_eq!(event.last_event_id(), b"sixteen bytes!!!");
}

/// After an event that is still readable, too.
#[test]
fn a_restored_id_replaces_one_of_an_event() {
    for stream in [&b"id: 1\ndata: x\n\n"[..], b"id: 1\ndata: x\ndata: y\n\n", b"id: 1\nretry: 5\n\n"] {
        for id in [&b""[..], b"9", b"sixteen bytes!!!"] {
            let mut parser = Small::new();
            via_next(&mut parser, &[stream]);
            parser.set_last_event_id(id).unwrap();
            assert_eq!(parser.last_event_id(), Some(id));
            let mut input: &[u8] = b"data\n\n";
            let event = parser.next(&mut input).unwrap().unwrap();
            assert_eq!((event.last_event_id(), event.id()), (id, None));
        }
    }
}

#[test]
fn an_id_beyond_the_limit_of_the_heap() {
    let mut parser = Parser::with_limit(4);
    assert_eq!(parser.set_last_event_id(b"12345"), Err(overflow(5, 4)));
    assert_eq!(parser.set_last_event_id(b"1234"), Ok(()));
    assert_eq!(parser.set_last_event_id(b"12345"), Err(overflow(5, 4)));
    assert_eq!(parser.last_event_id(), Some(&b"1234"[..]));
}
