//! What is lent from the input, and not copied: on 64-bit targets every event that lies whole in it as one line of data
//! and, in any order, at most one event type and one ID.

mod common;

use ssewire::{Event, Item, Parser};

const LENDS: bool = cfg!(target_pointer_width = "64");

/// How many events there are in `chunks`, and how many of them are lent, by each way to read.
fn lent(chunks: &[&[u8]]) -> [(usize, usize); 3] {
    let mut counts = [(0, 0); 3];
    let mut count = |way: usize, event: Event<'_>| {
        let is_lent = chunks.iter().any(|chunk| chunk.as_ptr_range().contains(&event.data().as_ptr()));
        let (events, lent) = &mut counts[way];
        (*events, *lent) = (*events + 1, *lent + usize::from(is_lent));
    };
    let new = Parser::<heapless::Vec<u8, 64>>::new;
    common::each_fed(&mut new(), chunks, |event| count(0, event.unwrap()));
    let (mut parser, mut item_parser) = (new(), new());
    for chunk in chunks {
        let mut input = *chunk;
        while let Some(event) = parser.next(&mut input).unwrap() {
            count(1, event);
        }
        let mut input = *chunk;
        while let Some(item) = item_parser.next_item(&mut input).unwrap() {
            if let Item::Event(event) = item {
                count(2, event);
            }
        }
    }
    counts
}

fn check(chunks: &[&[u8]], events: usize, are_lent: usize) {
    let are_lent = if LENDS { are_lent } else { 0 };
    assert_eq!(lent(chunks), [(events, are_lent); 3], "{chunks:?}");
}

#[test]
fn a_whole_event_is_lent_in_whatever_order_its_fields_are() {
    for line_end in ["\n", "\r\n", "\r"] {
        for fields in [
            &["data: a"][..],
            &["data:a"],
            &["event: x", "data: a"],
            &["id: 1", "data: a"],
            &["id: 1", "event: x", "data: a"],
            &["event: x", "id: 1", "data: a"],
            &["data: a", "event: x"],
            &["data: a", "id: 1"],
            &["data: a", "event: x", "id: 1"],
            &["id: 1", "data: a", "event: x"],
        ] {
            let event: String = fields.iter().chain([&""]).map(|line| format!("{line}{line_end}")).collect();
            // The byte behind the last CR tells that no LF belongs to it.
            let stream = format!("{event}{event}{event}:");
            check(&[stream.as_bytes()], 3, 3);
        }
    }
}

#[test]
fn an_event_is_lent_whatever_block_was_before_it_and_however_that_was_cut() {
    let blocks = ["\n\n", ": comment\n\n", "retry: 5\n\n", "id: 1\n\n", "unknown: x\n\n", "event: of no event\n\n"];
    for block in blocks {
        let stream = format!("{block}data: a\n\n");
        for cut in 0..=block.len() {
            let (first, second) = stream.as_bytes().split_at(cut);
            check(&[first, second], 1, 1);
        }
    }
    let stream = "\u{feff}data: a\n\n".as_bytes();
    check(&[stream], 1, 1);
    check(&[&stream[..3], &stream[3..]], 1, 1);
}

#[test]
fn an_event_that_is_cut_is_copied_and_the_next_one_is_lent() {
    let stream = b"id: 1\nevent: x\ndata: a\n\ndata: b\n\n";
    for cut in 1..stream.len() {
        let (first, second) = stream.split_at(cut);
        // Behind an LF that ends an event nothing is cut.
        let is_cut = first != b"id: 1\nevent: x\ndata: a\n\n";
        check(&[first, second], 2, if is_cut { 1 } else { 2 });
    }
}

#[test]
fn an_event_of_more_than_that_is_copied() {
    for event in ["data: a\ndata: b\n\n", "retry: 1\ndata: a\n\n", "data: a\nother: x\n\n", "id: 1\nid: 2\ndata: a\n\n"]
    {
        check(&[event.as_bytes()], 1, 0);
    }
}
