//! Allocations: only a `GrowableBuffer` makes any. It keeps to its limit, frees its memory between events, and reports an
//! overflow when the allocator has no more.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ssewire::replay::Ring;
use ssewire::{BufferTooSmall, Frame, GrowableBuffer, Item, Overflow, Parser, Storage};

thread_local! {
    /// The bytes that this thread uses, and the most that it may use.
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
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        USED.set(USED.get().saturating_sub(layout.size()));
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs `run` with at most `most` more bytes than now. Returns the number of its allocations and the most bytes that it had
/// at once.
fn measured(most: usize, run: impl FnOnce()) -> (usize, usize) {
    let (before, allocations) = (USED.get(), ALLOCATIONS.get());
    PEAK.set(before);
    MOST.set(before.saturating_add(most));
    run();
    MOST.set(usize::MAX);
    (ALLOCATIONS.get() - allocations, PEAK.get() - before)
}

/// An event that is complete in the input is borrowed from it.
const BORROWS: bool = cfg!(all(target_pointer_width = "64", not(ssewire_small)));

/// Reports the length of the data of each event, or the error. Only the parser allocates.
fn read<S: Storage>(parser: &mut Parser<S>, chunks: &[&[u8]], mut report: impl FnMut(Result<usize, Overflow>)) {
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
fn parsers_with_a_fixed_buffer_and_frames_do_not_allocate() {
    let stream =
        b"id: 1\nevent: x\ndata: a\ndata: b\n\n: comment\nretry: 5\n\ndata: far too long\n\nid: 2\ndata: c\n\n";
    let chunks: Vec<&[u8]> = stream.chunks(3).collect();
    let (mut events, mut errors) = (0, 0);
    let (allocations, _) = measured(usize::MAX, || {
        let mut inside = Parser::<[u8; 10]>::new();
        let mut count = |result: Result<usize, Overflow>| match result {
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
fn a_buffer_on_the_heap_grows_as_needed_up_to_its_limit() {
    // Borrowed events need no memory.
    let (allocations, _) = measured(usize::MAX, || {
        let mut parser = Parser::with_limit(1 << 20);
        read(&mut parser, &[b"event: x\ndata: a\n\ndata: b\n\n"], |_| {});
        assert_eq!(parser.last_event_id(), None);
    });
    assert_eq!(allocations, usize::from(!BORROWS));

    for limit in [0, 1, 100, 255, 256, 257, 1000, 5000] {
        let line = [&b"data: "[..], &vec![b'x'; limit], b"\n\n"].concat();
        let too_long = [&b"data: "[..], &vec![b'x'; limit + 1], b"\n\n"].concat();
        let chunks: Vec<&[u8]> = line.chunks(7).chain(too_long.chunks(7)).chain(line.chunks(7)).collect();
        let (mut events, mut errors) = (0, 0);
        let (_, peak) = measured(usize::MAX, || {
            read(&mut Parser::with_limit(limit), &chunks, |result| match result {
                Ok(len) => events += usize::from(len == limit),
                Err(error) => {
                    assert_eq!(error.capacity, limit);
                    errors += 1;
                }
            });
        });
        assert_eq!((events, errors), (2, 1), "limit {limit}");
        // While it grows, the earlier buffer and the next one exist together.
        assert!(limit <= peak && peak <= 2 * limit, "limit {limit}, {peak} bytes at most");
    }
}

/// Without more memory, the event is reported as too large, and the next one is delivered.
#[test]
fn an_allocator_without_memory_is_an_overflow() {
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
                Err(_) => errors += 1,
            });
        });
        assert_eq!((events, errors), (1, 1), "stream {i}");
        let id = parser.last_event_id();
        assert!(matches!(id, None | Some(b"7")), "stream {i}: {id:?}");
    }
}

/// `next` borrows from the input. Here the borrowed bytes have to be kept, and there is no memory for them.
#[test]
fn a_borrowed_value_that_cannot_be_kept_is_an_overflow() {
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
                        Err(_) => errors += 1,
                    }
                }
            }
        });
        assert_eq!((events, errors), (1, 1), "stream {i}");
        assert_eq!(parser.last_event_id(), None, "stream {i}");
    }
}

/// Without any memory, the ID that a blank line commits cannot be kept.
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
        // An event that is not borrowed needs memory as well.
        let next = usize::from(BORROWS);
        assert_eq!((events, errors), (next, 2 - next), "{}", stream.escape_ascii());
        assert_eq!(parser.last_event_id(), None);
    }
}

/// The most that an idle parser keeps of an event.
const IDLE: usize = 96;
const LARGE: usize = 20_000;

/// Returns an event of `LARGE` bytes in chunks of a socket, so that it is copied.
fn large_event() -> Vec<u8> {
    [&b"event: x\ndata: "[..], &vec![b'x'; LARGE], b"\n\n"].concat()
}

fn feed(parser: &mut Parser<ssewire::GrowableBuffer>, stream: &[u8]) -> usize {
    let mut events = 0;
    for mut input in stream.chunks(1460) {
        while parser.next(&mut input).unwrap().is_some() {
            events += 1;
        }
    }
    events
}

/// Returns the bytes on the heap that `run` leaves there.
fn left(run: impl FnOnce()) -> usize {
    let before = USED.get();
    run();
    USED.get() - before
}

/// Each call that finds its input used up frees the memory of the event before it.
#[test]
fn an_idle_parser_frees_its_memory() {
    let stream = large_event();
    let calls: [fn(&mut Parser<ssewire::GrowableBuffer>); 5] = [
        |parser| assert_eq!(parser.next(&mut &b""[..]), Ok(None)),
        |parser| assert_eq!(parser.next_item(&mut &b""[..]), Ok(None)),
        |parser| assert_eq!(parser.feed(b"").result, Ok(None)),
        |parser| assert_eq!(parser.feed_items(b"").result, Ok(None)),
        |parser| parser.reset(),
    ];
    for (i, idle) in calls.into_iter().enumerate() {
        let mut parser = Parser::with_limit(1 << 20);
        let bytes = left(|| {
            assert_eq!(feed(&mut parser, &stream), 1);
            idle(&mut parser);
        });
        assert!(bytes <= IDLE, "call {i} leaves {bytes} bytes");
        // It goes on as before.
        assert_eq!(feed(&mut parser, &stream), 1, "call {i}");
    }
}

/// The loop that every caller writes ends with such a call.
#[test]
fn a_loop_over_the_events_of_an_input_frees_memory() {
    let mut parser = Parser::with_limit(1 << 20);
    let bytes = left(|| {
        let stream = large_event();
        let (mut first, mut second) = stream.split_at(LARGE / 2);
        assert_eq!(parser.next(&mut first), Ok(None));
        assert_eq!(parser.next(&mut second).unwrap().unwrap().data().len(), LARGE);
        assert_eq!(parser.next(&mut second), Ok(None));
    });
    assert!(bytes <= IDLE, "{bytes} bytes");
}

/// An unfinished event stays, however often there is nothing to read.
#[test]
fn an_unfinished_event_is_kept() {
    let stream = large_event();
    for end in [LARGE / 2, stream.len() - 2, stream.len() - 1] {
        let mut parser = Parser::with_limit(1 << 20);
        let bytes = left(|| {
            assert_eq!(feed(&mut parser, &stream[..end]), 0);
            for _ in 0..3 {
                assert_eq!(parser.next(&mut &b""[..]), Ok(None));
            }
        });
        assert!(bytes >= end - 20, "{bytes} bytes of {end}");
        let mut rest = &stream[end..];
        assert_eq!(parser.next(&mut rest).unwrap().unwrap().data().len(), LARGE, "split at {end}");
    }
}

/// The last event ID outlives the memory of its event, whatever its length.
#[test]
fn the_last_event_id_is_kept() {
    for len in [1, IDLE - 1, IDLE, IDLE + 1, 5000] {
        let id = "i".repeat(len);
        let stream = [format!("id: {id}\n").as_bytes(), &large_event()].concat();
        let mut parser = Parser::with_limit(1 << 20);
        let bytes = left(|| {
            assert_eq!(feed(&mut parser, &stream), 1);
            assert_eq!(parser.next(&mut &b""[..]), Ok(None));
        });
        assert!((len..=len.max(IDLE)).contains(&bytes), "{bytes} bytes for an ID of {len}");
        assert_eq!(parser.last_event_id(), Some(id.as_bytes()));
        // A restored ID is kept likewise.
        let mut parser = Parser::with_limit(1 << 20);
        let bytes = left(|| {
            assert_eq!(feed(&mut parser, &stream[..stream.len() / 2]), 0);
            parser.set_last_event_id(id.as_bytes()).unwrap();
            assert_eq!(parser.next(&mut &b""[..]), Ok(None));
        });
        assert!((len..=len.max(IDLE)).contains(&bytes), "{bytes} bytes for a restored ID of {len}");
        assert_eq!(parser.last_event_id(), Some(id.as_bytes()));
    }
}

/// After an event that is too large, the memory goes at its blank line.
#[test]
fn an_event_that_is_too_large_frees_its_memory() {
    let mut parser = Parser::with_limit(LARGE / 2);
    let stream = large_event();
    let bytes = left(|| {
        let mut errors = 0;
        for mut input in stream.chunks(1460) {
            loop {
                match parser.next(&mut input) {
                    Ok(None) => break,
                    Ok(Some(event)) => panic!("{event:?}"),
                    Err(_) => errors += 1,
                }
            }
        }
        assert_eq!(errors, 1);
        assert_eq!(parser.next(&mut &b""[..]), Ok(None));
    });
    assert!(bytes <= IDLE, "{bytes} bytes");
}

/// Returns all that a ring holds.
fn held(ring: &Ring<GrowableBuffer>) -> Vec<u8> {
    ring.ready(ring.oldest(), usize::MAX).unwrap().bytes.concat()
}

#[test]
fn a_ring_goes_on_with_its_bytes_without_memory_and_grows_when_there_is_some() {
    let frames: Vec<String> = (10..60).map(|n| format!("id: {n}\ndata: {n}\n\n")).collect();
    let push =
        |ring: &mut Ring<GrowableBuffer>, n: usize| ring.push(&Frame::new().id_number(n as u64).data(&n.to_string()));
    let mut ring = Ring::new(GrowableBuffer::new(600));
    // As many as wrap around the end of the first allocation.
    measured(150, || (10..20).for_each(|n| push(&mut ring, n).unwrap()));
    let kept = held(&ring);
    assert!(kept.len() < 150 && frames[..10].concat().as_bytes().ends_with(&kept));
    let first = 10 - kept.len() / frames[0].len();
    // The bytes on both sides of the end are joined.
    push(&mut ring, 20).unwrap();
    assert_eq!(held(&ring), frames[first..11].concat().as_bytes());
    (21..60).for_each(|n| push(&mut ring, n).unwrap());
    assert!(frames.concat().as_bytes().ends_with(&held(&ring)) && held(&ring).len() > 500);

    let mut ring = Ring::new(GrowableBuffer::new(600));
    let mut result = Ok(());
    measured(0, || result = ring.push(&Frame::new().id_number(10).data("10")));
    assert_eq!(result, Err(BufferTooSmall { needed: 17, capacity: 0 }));
    assert!(ring.is_empty());
    push(&mut ring, 10).unwrap();
    assert_eq!(held(&ring), frames[0].as_bytes());
}

const CONNECTIONS: usize = 1000;

/// Reads `stream` on every connection, in chunks of a network packet. Returns the bytes that the connections hold then, each.
fn held_each(connections: &mut [Parser<GrowableBuffer>], before: usize, stream: &[u8]) -> usize {
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
    let new = held_each(&mut connections, before, b"");
    let within = held_each(&mut connections, before, &event.as_bytes()[..event.len() - 1]);
    let idle = held_each(&mut connections, before, b"\n");
    println!("new {new}, within an event of 20 KB {within}, idle after it {idle} bytes");
    assert!(within >= 20_000, "{within}");
    // The 96 bytes that an idle parser keeps, which is more than a parser itself on targets with less than 64 bits.
    assert!(idle <= new + 96, "{idle} after {new}");
    assert!(idle <= 2 * new || cfg!(not(target_pointer_width = "64")), "{idle} after {new}");
    // Again and again: nothing is left over.
    for _ in 0..3 {
        assert_eq!(held_each(&mut connections, before, event.as_bytes()), idle);
    }
}
