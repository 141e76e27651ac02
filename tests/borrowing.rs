//! Events that are borrowed from the input, and not copied: on 64-bit targets every event that is complete in it as one line
//! of data and, in any order, at most one event type and one ID.

use crate::common::{self, AnyParser, cases};
use ssewire::{Event, Item, Parser, Storage};

const BORROWS: bool = cfg!(all(target_pointer_width = "64", not(ssewire_small)));

const CAPACITY: usize = 64;

/// The number of events, and how many of them are borrowed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Count {
    events: usize,
    borrowed: usize,
}

impl Count {
    fn add(&mut self, chunk: &[u8], event: Event<'_>) {
        let in_chunk = |bytes: &[u8]| chunk.as_ptr_range().contains(&bytes.as_ptr());
        let is_borrowed = in_chunk(event.data());
        if let Some(event_type) = event.wire_event_type().filter(|event_type| !event_type.is_empty()) {
            assert_eq!(in_chunk(event_type), is_borrowed, "all of an event or nothing is borrowed");
        }
        self.events += 1;
        self.borrowed += usize::from(is_borrowed);
    }
}

/// Counts the events of `chunks` by each way to read. `parsers` are alike.
fn count<S: Storage>(parsers: [Parser<S>; 4], chunks: &[&[u8]]) -> [Count; 4] {
    let mut counts = [Count::default(); 4];
    let [mut next, mut feed, mut next_item, mut feed_items] = parsers;
    for chunk in chunks {
        let mut input = *chunk;
        while let Some(event) = next.next(&mut input).unwrap() {
            counts[0].add(chunk, event);
        }
        common::each_fed(&mut feed, &[chunk], |event| counts[1].add(chunk, event.unwrap()));
        let mut input = *chunk;
        while let Some(item) = next_item.next_item(&mut input).unwrap() {
            if let Item::Event(event) = item {
                counts[2].add(chunk, event);
            }
        }
        let mut input = *chunk;
        loop {
            let progress = feed_items.feed_items(input);
            let fed = input;
            input = &input[progress.consumed..];
            let Some(found) = progress.result.unwrap() else { break };
            if let Item::Event(event) = feed_items.item(found, fed) {
                counts[3].add(chunk, event);
            }
        }
    }
    counts
}

/// Reads `chunks` in every way with a buffer of every kind, in parsers that `prepare` has used before.
fn check_after(prepare: impl Fn(&mut dyn AnyParser), chunks: &[&[u8]], events: usize, borrowed: usize) {
    let expected = [Count { events, borrowed: if BORROWS { borrowed } else { 0 } }; 4];
    let inside = [(); 4].map(|()| {
        let mut parser = Parser::<[u8; CAPACITY]>::new();
        prepare(&mut parser);
        parser
    });
    assert_eq!(count(inside, chunks), expected, "inside: {chunks:?}");
    let mut buffers = [[0; CAPACITY]; 4];
    let given = buffers.each_mut().map(|buffer| {
        let mut parser = Parser::with_buffer(buffer);
        prepare(&mut parser);
        parser
    });
    assert_eq!(count(given, chunks), expected, "in a slice: {chunks:?}");
    let heap = [(); 4].map(|()| {
        let mut parser = Parser::with_limit(CAPACITY);
        prepare(&mut parser);
        parser
    });
    assert_eq!(count(heap, chunks), expected, "on the heap: {chunks:?}");
}

fn check(chunks: &[&[u8]], events: usize, borrowed: usize) {
    check_after(|_| {}, chunks, events, borrowed);
}

cases! { fields_in_any_order {
    data: &["data: a"];
    data_without_a_space: &["data:a"];
    event_type_data: &["event: x", "data: a"];
    id_data: &["id: 1", "data: a"];
    id_event_type_data: &["id: 1", "event: x", "data: a"];
    event_type_id_data: &["event: x", "id: 1", "data: a"];
    data_event_type: &["data: a", "event: x"];
    data_id: &["data: a", "id: 1"];
    data_event_type_id: &["data: a", "event: x", "id: 1"];
    data_id_event_type: &["data: a", "id: 1", "event: x"];
    id_data_event_type: &["id: 1", "data: a", "event: x"];
    event_type_data_id: &["event: x", "data: a", "id: 1"];
}}

fn fields_in_any_order(fields: &[&str]) {
    for line_end in ["\n", "\r\n", "\r"] {
        let event: String = fields.iter().chain([&""]).map(|line| format!("{line}{line_end}")).collect();
        // The byte after the last CR tells that no LF belongs to it.
        let stream = format!("{event}{event}{event}:");
        check(&[stream.as_bytes()], 3, 3);
    }
}

// The blocks before an event, and the place where they were split, make no difference.
cases! { after_a_block {
    blank_lines: "\n\n";
    comment: ": comment\n\n";
    retry: "retry: 5\n\n";
    id: "id: 1\n\n";
    unknown_line: "unknown: x\n\n";
    name_too_long: "dataset\n\n";
    event_type_without_data: "event: of no event\n\n";
    several: ": comment\nid: 1\n\n\nother\n\n";
}}

fn after_a_block(block: &str) {
    let stream = format!("{block}data: a\n\n");
    for place in 0..=block.len() {
        let (first, second) = stream.as_bytes().split_at(place);
        check(&[first, second], 1, 1);
    }
}

#[test]
fn after_a_byte_order_mark() {
    let stream = "\u{feff}data: a\n\n".as_bytes();
    check(&[stream], 1, 1);
    check(&[b"", stream], 1, 1);
    check(&[&stream[..3], &stream[3..]], 1, 1);
    for fields in ["id: 1\n", "event: x\n", "event: x\nid: 1\n"] {
        let stream = format!("\u{feff}{fields}data: a\n\n");
        check(&[stream.as_bytes()], 1, 1);
    }
}

// The first event of a connection, whatever the parser read before it.
cases! { the_first_event_of_a_connection {
    at_once: |_| {};
    after_reset: |parser| {
        assert_eq!(parser.next(b"id: 1\ndata: a\n\n"), 1);
        assert_eq!(parser.next(b"data: unfini"), 0);
        parser.reset();
    };
    after_reset_alone: |parser| parser.reset();
    after_reset_after_cr: |parser| {
        assert_eq!(parser.next(b"id: 1\rdata: a\r\r"), 1);
        parser.reset();
    };
    after_reset_within_a_name: |parser| {
        assert_eq!(parser.next(b"da"), 0);
        parser.reset();
    };
    after_set_last_event_id: |parser| parser.set_last_event_id(b"41");
    after_set_last_event_id_within_an_event: |parser| {
        assert_eq!(parser.next(b"event: x\nid: 1\nda"), 0);
        parser.set_last_event_id(b"41");
    };
    after_take_unfinished: |parser| {
        assert_eq!(parser.next(b"id: 1\nevent: x\ndata: unfinished"), 0);
        assert_eq!(parser.take_unfinished(), 1);
    };
    after_take_unfinished_alone: |parser| assert_eq!(parser.take_unfinished(), 0);
    after_an_overflow: |parser| {
        assert_eq!(parser.next(&[&b"data: "[..], &[b'x'; 100]].concat()), 1);
        parser.reset();
    };
}}

fn the_first_event_of_a_connection(prepare: impl Fn(&mut dyn AnyParser)) {
    for stream in ["data: a\n\n", "\u{feff}data: a\n\n", "id: 2\ndata: a\n\n", "\u{feff}event: x\nid: 2\ndata: a\n\n"] {
        check_after(&prepare, &[stream.as_bytes()], 1, 1);
        check_after(&prepare, &[b"", stream.as_bytes(), stream.trim_start_matches('\u{feff}').as_bytes()], 2, 2);
    }
}

#[test]
fn an_event_that_is_split_is_copied_and_the_next_one_is_borrowed() {
    let stream = b"id: 1\nevent: x\ndata: a\n\ndata: b\n\n";
    for place in 1..stream.len() {
        let (first, second) = stream.split_at(place);
        // After an LF that ends an event, nothing is split.
        let is_split = first != b"id: 1\nevent: x\ndata: a\n\n";
        check(&[first, second], 2, if is_split { 1 } else { 2 });
    }
}

cases! { an_event_with_other_lines_is_copied {
    two_lines_of_data: b"data: a\ndata: b\n\n";
    retry: b"retry: 1\ndata: a\n\n";
    unknown_line: b"data: a\nother: x\n\n";
    comment: b"data: a\n: comment\n\n";
    two_ids: b"id: 1\nid: 2\ndata: a\n\n";
    two_event_types: b"event: x\nevent: y\ndata: a\n\n";
    id_with_nul: b"id: \0\ndata: a\n\n";
}}

fn an_event_with_other_lines_is_copied(event: &[u8]) {
    check(&[event], 1, 0);
}

/// The ID of a borrowed event is borrowed from the input by `next` and `next_item`, and from the parser by `event` and
/// `item`, so that it stays the last event ID whatever becomes of the input.
#[test]
fn the_id_of_a_borrowed_event() {
    let stream = b"id: 17\ndata: a\n\n";
    let in_stream = |id: &[u8]| stream.as_ptr_range().contains(&id.as_ptr());
    let mut parser = Parser::<[u8; CAPACITY]>::new();
    assert_eq!(in_stream(parser.next(&mut &stream[..]).unwrap().unwrap().last_event_id()), BORROWS);
    let found = parser.feed(stream).result.unwrap().unwrap();
    assert!(!in_stream(parser.event(found, stream).last_event_id()));
    assert_eq!(parser.event(found, stream).last_event_id(), b"17");
}
