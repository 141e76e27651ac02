//! What is allocated: nothing but a `GrowableBuffer`, which keeps to its limit and bears an allocator that has no more.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ssewire::{Error, Frame, Item, Parser, Storage};

thread_local! {
    /// Bytes that this thread has in use and may have.
    static USED: Cell<usize> = const { Cell::new(0) };
    static MOST: Cell<usize> = const { Cell::new(usize::MAX) };
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: passes everything on to the system's allocator, or returns null, as an allocator may.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let used = USED.get() + layout.size();
        if used > MOST.get() {
            return std::ptr::null_mut();
        }
        USED.set(used);
        PEAK.set(PEAK.get().max(used));
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        System.alloc(layout)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        USED.set(USED.get().saturating_sub(layout.size()));
        System.dealloc(pointer, layout);
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs `run` with at most `most` more bytes than there are now, and returns how many allocations it made, and the most
/// bytes that it had at once.
fn measured(most: usize, run: impl FnOnce()) -> (usize, usize) {
    let (before, allocations) = (USED.get(), ALLOCATIONS.get());
    PEAK.set(before);
    MOST.set(before.saturating_add(most));
    run();
    MOST.set(usize::MAX);
    (ALLOCATIONS.get() - allocations, PEAK.get() - before)
}

/// Whether an event that lies whole in the input is lent from it.
const LENDS: bool = cfg!(target_pointer_width = "64");

/// The length of the data of each event, or the error; no allocation but the parser's.
fn read<S: Storage>(parser: &mut Parser<S>, chunks: &[&[u8]], mut report: impl FnMut(Result<usize, Error>)) {
    for chunk in chunks {
        let mut input = *chunk;
        loop {
            match parser.next_item(&mut input) {
                Ok(Some(Item::Event(event))) => report(Ok(event.data().len())),
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => report(Err(error)),
            }
        }
    }
}

#[test]
fn parsers_with_a_buffer_of_their_own_and_frames_do_not_allocate() {
    let stream =
        b"id: 1\nevent: x\ndata: a\ndata: b\n\n: comment\nretry: 5\n\ndata: far too long\n\nid: 2\ndata: c\n\n";
    let chunks: Vec<&[u8]> = stream.chunks(3).collect();
    let (mut events, mut errors) = (0, 0);
    let (allocations, _) = measured(usize::MAX, || {
        let mut inside = Parser::<heapless::Vec<u8, 10>>::new();
        let mut count = |result: Result<usize, Error>| match result {
            Ok(_) => events += 1,
            Err(_) => errors += 1,
        };
        read(&mut inside, &chunks, &mut count);
        let mut buffer = [0; 10];
        read(&mut Parser::with_buffer(&mut buffer), &chunks, &mut count);
        let frame = Frame::new().id("1").unwrap().data("a\nb").retry(7).comment("c");
        assert!(frame.write_to_slice(&mut [0; 64]).is_ok() && frame.encoded_len() > 0);
    });
    assert_eq!((allocations, events, errors), (0, 4, 2));
}

#[test]
fn a_buffer_on_the_heap_grows_when_it_must_and_not_beyond_its_limit() {
    // Where what lies whole in the input is lent nothing is needed.
    let (allocations, _) = measured(usize::MAX, || {
        let mut parser = Parser::with_limit(1 << 20);
        read(&mut parser, &[b"event: x\ndata: a\n\ndata: b\n\n"], |_| {});
        assert_eq!(parser.last_event_id(), None);
    });
    assert_eq!(allocations, usize::from(!LENDS));

    for limit in [0, 1, 100, 255, 256, 257, 1000, 5000] {
        let line = [&b"data: "[..], &vec![b'x'; limit], b"\n\n"].concat();
        let too_long = [&b"data: "[..], &vec![b'x'; limit + 1], b"\n\n"].concat();
        let chunks: Vec<&[u8]> = line.chunks(7).chain(too_long.chunks(7)).chain(line.chunks(7)).collect();
        let (mut events, mut errors) = (0, 0);
        let (_, peak) = measured(usize::MAX, || {
            read(&mut Parser::with_limit(limit), &chunks, |result| match result {
                Ok(len) => events += usize::from(len == limit),
                Err(error) => {
                    assert!(matches!(error, Error::Overflow { capacity, .. } if capacity == limit));
                    errors += 1;
                }
            });
        });
        assert_eq!((events, errors), (2, 1), "limit {limit}");
        // While it grows there are the old buffer and the new one.
        assert!(limit <= peak && peak <= 2 * limit, "limit {limit}, {peak} bytes at most");
    }
}

/// When the allocator has no more the event is lost, that is said, and the next one comes.
#[test]
fn the_end_of_the_memory_is_an_overflow() {
    let long = [b'x'; 3000];
    let streams: [&[&[u8]]; 5] = [
        &[b"data: ", &long, b"\n\n", b"data: next\n\n"],
        &[b"event: e\nid: 7\ndata: ", &long, b"\n\n", b"data: next\n\n"],
        &[b"data: a\nevent: ", &long, b"\n\n", b"data: next\n\n"],
        &[b"data: a\nid: ", &long, b"\n\n", b"data: next\n\n"],
        &[b"id: 7\nevent: e\n", b"data: a\ndata: ", &long, &long, b"\n\n", b"data: next\n\n"],
    ];
    for (i, chunks) in streams.into_iter().enumerate() {
        let (mut events, mut errors) = (0, 0);
        let mut parser = Parser::with_limit(1 << 20);
        measured(1000, || {
            read(&mut parser, chunks, |result| match result {
                Ok(len) => events += usize::from(len == b"next".len()),
                Err(error) => errors += usize::from(matches!(error, Error::Overflow { .. })),
            });
        });
        assert_eq!((events, errors), (1, 1), "stream {i}");
        let id = parser.last_event_id();
        assert!(matches!(id, None | Some(b"7")), "stream {i}: {id:?}");
    }
}

/// The same by way of `next`, which lends what it can: here what is lent has to be kept, and there is no memory for it.
#[test]
fn what_is_lent_and_cannot_be_kept_is_an_overflow() {
    let line = |name: &str| [name.as_bytes(), &[b'x'; 3000], b"\n"].concat();
    let (id, data) = (line("id: "), line("data: "));
    let streams: [&[&[u8]]; 4] = [
        &[&data, b"\n"],
        &[&[&id, &b"data: x\n"[..]].concat(), b"\n"],
        &[b"data: before\n\n", &[&id, &b"data: x\n\n"[..]].concat()],
        &[b"data: x\n", &[&id, &b"\n"[..]].concat()],
    ];
    for (i, chunks) in streams.into_iter().enumerate() {
        let (mut events, mut errors) = (0, 0);
        let mut parser = Parser::with_limit(1 << 20);
        measured(1000, || {
            for mut input in chunks.iter().copied().chain([&b"data: next\n\n"[..]]) {
                loop {
                    match parser.next(&mut input) {
                        Ok(Some(event)) => events += usize::from(event.data() == b"next"),
                        Ok(None) => break,
                        Err(error) => errors += usize::from(matches!(error, Error::Overflow { .. })),
                    }
                }
            }
        });
        assert_eq!((events, errors), (1, 1), "stream {i}");
        assert_eq!(parser.last_event_id(), None, "stream {i}");
    }
}

/// No memory at all: the ID that a blank line commits cannot be kept.
#[test]
fn an_id_that_cannot_be_kept_is_not_replaced_by_another() {
    for rest in [&b"\ndata: next\n\n"[..], b"data: x\n\ndata: next\n\n"] {
        let stream = [b"id: 7\n", rest].concat();
        let mut parser = Parser::with_limit(100);
        let (mut events, mut errors) = (0, 0);
        measured(0, || {
            read(&mut parser, &[&stream], |result| match result {
                Ok(len) => events += usize::from(len == b"next".len()),
                Err(_) => errors += 1,
            });
        });
        // Without lending there is no memory for the next event either.
        let next = usize::from(LENDS);
        assert_eq!((events, errors), (next, 2 - next), "{}", stream.escape_ascii());
        assert_eq!(parser.last_event_id(), None);
    }
}
