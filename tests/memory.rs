//! Memory of many connections: a parser on the heap that grew for an event frees that memory between events.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ssewire::{GrowableBuffer, Parser};

thread_local! {
    static USED: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        USED.set(USED.get() + layout.size());
        System.alloc(layout)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        USED.set(USED.get().saturating_sub(layout.size()));
        System.dealloc(pointer, layout);
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CONNECTIONS: usize = 1000;

/// Reads `stream` on every connection, in chunks of a network packet. Returns the bytes that the connections hold then, each.
fn held(connections: &mut [Parser<GrowableBuffer>], before: usize, stream: &[u8]) -> usize {
    for parser in connections.iter_mut() {
        for chunk in stream.chunks(1460) {
            let mut input = chunk;
            while parser.next(&mut input).unwrap().is_some() {}
        }
    }
    (USED.get() - before) / connections.len()
}

#[test]
fn an_idle_connection_holds_no_more_than_twice_a_new_one() {
    let event = format!("id: 12345678\ndata: {}\n\n", "x".repeat(20_000));
    let before = USED.get();
    let mut connections: Vec<_> = (0..CONNECTIONS).map(|_| Parser::with_limit(1 << 20)).collect();
    let new = held(&mut connections, before, b"");
    let within = held(&mut connections, before, &event.as_bytes()[..event.len() - 1]);
    let idle = held(&mut connections, before, b"\n");
    println!("new {new}, within an event of 20 KB {within}, idle after it {idle} bytes");
    assert!(within >= 20_000, "{within}");
    // The 96 bytes that an idle parser keeps, which is more than a parser itself on targets with less than 64 bits.
    assert!(idle <= new + 96, "{idle} after {new}");
    assert!(idle <= 2 * new || cfg!(not(target_pointer_width = "64")), "{idle} after {new}");
    // Again and again: nothing is left over.
    for _ in 0..3 {
        assert_eq!(held(&mut connections, before, event.as_bytes()), idle);
    }
}
