//! Hundreds of thousands of blocks without an event, in one input, on a small stack: a parser goes on after each by a loop.

use crate::model::adapter::{self, Seen, WAYS, Way};
use ssewire::{GrowableBuffer, Parser};

/// More than the stack has bytes.
const BLOCKS: usize = 300_000;
const STACK: usize = 256 * 1024;

/// Reads `block` many times over, and returns the parser and how many items there were.
fn read(way: Way, block: &'static [u8], blocks: usize) -> (Parser<GrowableBuffer>, usize) {
    let read = move || {
        let stream = block.repeat(blocks);
        let mut parser = Parser::with_limit(64);
        let (mut rest, mut items) = (&stream[..], 0);
        loop {
            let (used, is_over) = adapter::call(way, &mut parser, rest, |used, seen| {
                let is_event = matches!(seen, Some(Seen::Event(_) | Seen::Overflow { .. }));
                assert!(!is_event && (way.shows_items() || seen.is_none()), "{way:?}: {seen:?}");
                (used, seen.is_none())
            });
            rest = &rest[used..];
            if is_over {
                break;
            }
            items += 1;
        }
        assert!(rest.is_empty(), "{way:?}: `None` when all input is used");
        assert_eq!(parser.unfinished(), None);
        (parser, items)
    };
    std::thread::Builder::new().stack_size(STACK).spawn(read).unwrap().join().unwrap()
}

#[test]
fn millions_of_an_id() {
    let blocks = 10 * BLOCKS;
    for way in WAYS {
        let (parser, items) = read(way, b"id: 1\n\n", blocks);
        assert_eq!(parser.last_event_id(), Some(&b"1"[..]));
        assert_eq!(items, if way.shows_items() { blocks } else { 0 });
    }
}

#[test]
fn blocks_of_other_lines() {
    let blocks: [(&[u8], usize); 6] = [
        (b"retry: 5\r\n\r\n", 1),
        (b":\n\n", 1),
        (b"event: x\r\r", 0),
        (b"event: x\nid: 2\n\n", 1),
        (b"\n", 0),
        (b":c\n", 1),
    ];
    for (block, of_each) in blocks {
        for way in WAYS {
            let (_, items) = read(way, block, BLOCKS);
            assert_eq!(items, if way.shows_items() { of_each * BLOCKS } else { 0 });
        }
    }
}
