//! The unfinished event: `unfinished`, `take_unfinished` at the end of a stream, and `reset` for the next connection.

use crate::common::{cases, chunks_of, via_feed, via_items, via_next};
use ssewire::{Field, Overflow, Parser};

type Small = Parser<[u8; 16]>;

// The bytes of the unfinished event that the buffer holds after the stream.
cases! { unfinished {
    nothing: b"", None;
    part_of_a_bom: b"\xef", None;
    bom: b"\xef\xbb\xbf", None;
    part_of_a_name: b"da", Some(0);
    name: b"data", Some(0);
    colon: b"data:", Some(0);
    space: b"data: ", Some(0);
    value: b"data:ab", Some(2);
    line: b"data:ab\n", Some(2);
    line_without_a_value: b"data\n", Some(0);
    second_line: b"data:ab\ndata:c", Some(4);
    space_of_a_second_line: b"data:ab\ndata: ", Some(2);
    event_type_and_data: b"event:xy\ndata:ab\n", Some(4);
    event_type_in_place_of_another: b"event:xy\nevent:z\n", Some(1);
    id: b"id:1\n", Some(1);
    id_without_its_line_end: b"id:1", Some(1);
    second_id_beside_the_first: b"id:1\nid:23", Some(3);
    comment_within: b"data:ab\n: comment", Some(2);
    unknown_line_within: b"data:ab\nother", Some(2);
    part_of_a_name_within: b"data:ab\nda", Some(2);
    name_too_short: b"dat:", None;
    name_too_long: b"datas", None;
    unknown_line: b"x", None;
    unknown_line_ended: b"xy\n", None;
    colon_alone: b":", None;
    comment: b": comment\n", None;
    retry: b"retry: 5", Some(0);
    retry_ended: b"retry: 5\n", None;
    event: b"data:ab\n\n", None;
    event_of_crlf: b"data:ab\r\n\r", None;
    update: b"id:1\n\n", None;
    event_after_an_event: b"data:ab\n\ndata:c", Some(1);
    too_large: b"data:more than sixteen bytes", Some(0);
    too_large_with_an_id: b"id:7\ndata:more than sixteen bytes\n", Some(1);
}}

fn unfinished(stream: &[u8], expected: Option<usize>) {
    for chunks in [vec![stream], chunks_of(stream, 1)] {
        for way in [via_next, via_feed, via_items] {
            let mut parser = Small::new();
            way(&mut parser, &chunks);
            assert_eq!(parser.unfinished(), expected, "{chunks:?}");
        }
    }
}

/// The earlier last event ID is not a part of the unfinished event.
#[test]
fn an_earlier_id_is_not_unfinished() {
    let mut parser = Small::new();
    via_next(&mut parser, &[b"id:12345\n\ndata:a"]);
    assert_eq!(parser.unfinished(), Some(1));
}

// The data of the event, if there is one, and the last event ID after it.
cases! { take_unfinished {
    nothing: b"", None, None;
    part_of_a_bom: b"\xef\xbb", None, None;
    value: b"data: a", Some(b"a"), None;
    line: b"data: a\n", Some(b"a"), None;
    line_of_cr: b"data: a\r", Some(b"a"), None;
    line_of_crlf: b"data: a\r\n", Some(b"a"), None;
    two_lines: b"data: a\r\ndata: b\r", Some(b"a\nb"), None;
    event: b"data: a\n\n", None, None;
    event_of_cr: b"data: a\r\r", None, None;
    name: b"data", Some(b""), None;
    colon: b"data:", Some(b""), None;
    second_name: b"data\ndata", Some(b"\n"), None;
    part_of_a_name: b"dat", None, None;
    part_of_a_name_after_data: b"data: a\ndat", Some(b"a"), None;
    comment_after_data: b"data: a\n: comment", Some(b"a"), None;
    unknown_line_after_data: b"data: a\nother: x", Some(b"a"), None;
    comment: b": comment", None, None;
    unknown_line: b"other", None, None;
    event_type_alone: b"event: a\n", None, None;
    id: b"id: 7", None, Some(b"7");
    id_after_another: b"id: 7\n\nid: 8\ndata: a\n", Some(b"a"), Some(b"8");
    id_without_a_colon: b"id", None, Some(b"");
    id_with_nul: b"id: a\0", None, None;
    id_of_other_bytes: b"data: a\nid: 7\xff", Some(b"a"), Some(b"7\xff");
    too_large: b"id: 7\ndata: more than sixteen bytes", None, Some(b"7");
}}

fn take_unfinished(stream: &[u8], data: Option<&[u8]>, id: Option<&[u8]>) {
    for chunks in [vec![stream], chunks_of(stream, 1)] {
        for way in [via_next, via_feed, via_items] {
            let mut parser = Small::new();
            way(&mut parser, &chunks);
            let event = parser.take_unfinished().unwrap();
            assert_eq!(event.map(|event| event.data()), data, "{chunks:?}");
            assert_eq!(event.map(|event| event.last_event_id()), data.map(|_| id.unwrap_or_default()), "{chunks:?}");
            assert_eq!(parser.last_event_id(), id, "{chunks:?}");
            assert_eq!(parser.unfinished(), None, "{chunks:?}");
            // As after `reset`, a stream begins.
            assert_eq!(parser.take_unfinished(), Ok(None), "{chunks:?}");
            let next = via_next(&mut parser, &[b"\xef\xbb\xbfdata: next\n\n"]);
            assert!(next.len() == 1 && next[0].is_ok(), "{chunks:?}: {next:?}");
        }
    }
}

/// The event has all of its fields.
#[test]
fn take_unfinished_with_every_field() {
    let mut parser = Small::new();
    via_next(&mut parser, &[b"id: 7\nevent: e\nretry: 5\ndata: a\ndata: b"]);
    let event = parser.take_unfinished().unwrap().unwrap();
    assert_eq!((event.event_type(), event.data(), event.id()), (&b"e"[..], &b"a\nb"[..], Some(&b"7"[..])));
    assert_eq!(event.retry(), Some(5));
}

#[test]
fn take_unfinished_ends_a_retry() {
    let mut parser = Small::new();
    via_next(&mut parser, &[b"retry: 5"]);
    assert_eq!(parser.take_unfinished(), Ok(None));
    assert_eq!(parser.reconnection_time_ms(), Some(5));
}

#[test]
fn take_unfinished_with_an_end_that_does_not_fit() {
    let mut parser = Parser::with_limit(0);
    assert!(via_next(&mut parser, &[b"data\ndata"]).is_empty());
    assert_eq!(parser.take_unfinished(), Err(Overflow { field: Field::Data, needed: 1, capacity: 0 }));
    assert_eq!(parser.take_unfinished(), Ok(None));
    let mut input: &[u8] = b"data\n\n";
    assert!(parser.next(&mut input).unwrap().is_some(), "it was discarded");
}

// The streams before the reset.
cases! { reset {
    nothing: b"";
    part_of_a_bom: b"\xef";
    bom: b"\xef\xbb\xbf";
    part_of_a_name: b"da";
    data: b"data: unfini";
    line_of_data: b"data: unfinished\n";
    line_of_cr: b"data: unfinished\r";
    event_type: b"event: x\n";
    id_line: b"id: unfinished\n";
    id: b"id: unfi";
    id_with_nul: b"id: a\0";
    event: b"data: x\n\n";
    comment: b": comm";
    unknown_line: b"unkn";
    retry: b"retry: 1";
    data_too_long: b"data: too long for the buffer";
    id_too_long: b"id: too long for the buffer";
}}

fn reset(before: &[u8]) {
    for way in [via_next, via_feed, via_items] {
        let mut parser = Small::new();
        via_next(&mut parser, &[b"id: 1\nretry: 10\ndata: x\n\n"]);
        way(&mut parser, &[before]);
        parser.reset();
        assert_eq!(parser.unfinished(), None);
        assert_eq!(parser.last_event_id(), Some(&b"1"[..]));
        assert_eq!(parser.reconnection_time_ms(), Some(10));
        assert_eq!(parser.take_unfinished(), Ok(None));
        let mut input: &[u8] = b"\xef\xbb\xbfdata: y\n\n";
        let event = parser.next(&mut input).unwrap().unwrap();
        assert_eq!((event.data(), event.wire_event_type(), event.id(), event.retry()), (&b"y"[..], None, None, None));
        assert_eq!(event.last_event_id(), b"1");
    }
}

/// An LF after a reset does not belong to the CR before it.
#[test]
fn reset_after_cr() {
    let mut parser = Small::new();
    via_next(&mut parser, &[b"data: x\r"]);
    parser.reset();
    let mut input: &[u8] = b"\ndata: y\n\n";
    assert_eq!(parser.next(&mut input).unwrap().unwrap().data(), b"y");
}
