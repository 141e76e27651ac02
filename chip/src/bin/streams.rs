//! Reads the real streams of `tests/streams` on a small device, relays them, and compares every byte.

#![no_std]
#![no_main]

#[path = "../machine.rs"]
mod machine;

use machine::exit;
use semihosting::println;
use ssewire::{Event, Frame, Item, Parser};

struct Stream {
    name: &'static str,
    bytes: &'static [u8],
    events: &'static [Expected],
    reconnection_time_ms: Option<u64>,
    last_event_id: &'static str,
}

struct Expected {
    event_type: &'static str,
    data: &'static str,
    id: &'static str,
}

static STREAMS: &[Stream] = &include!(concat!(env!("OUT_DIR"), "/streams.rs"));

const CHUNKS: [usize; 3] = [1, 7, 64];
/// Larger than the largest event of the streams, so an overflow ends the check.
const BUFFER: usize = 2048;
const TRANSMIT_BUFFER: usize = 16;

type Failure = &'static str;

#[machine::entry]
fn main() -> ! {
    let (mut read_events, mut relayed, mut sent) = (0, 0, 0);
    for stream in STREAMS {
        for size in CHUNKS {
            let outcome = read(stream, size).and_then(|events| {
                read_events += events;
                relay(stream, size)
            });
            match outcome {
                Ok((events, bytes)) => {
                    relayed += events;
                    sent += bytes;
                }
                Err(failure) => {
                    println!("{}, in chunks of {size}: {failure}", stream.name);
                    exit(1)
                }
            }
        }
    }
    #[cfg(feature = "negative-panic")]
    core::hint::black_box(None::<u8>).expect("a value");
    #[cfg(feature = "negative-fault")]
    machine::fault();
    #[cfg(feature = "negative-alloc")]
    allocating::allocate();
    println!(
        "{} streams in chunks of 1, 7 and 64 bytes: {read_events} events read, {relayed} relayed \
         in {sent} bytes through {TRANSMIT_BUFFER}, all as expected",
        STREAMS.len()
    );
    exit(0)
}

/// Checks that the events of `stream` are as expected, and returns their number.
fn read(stream: &Stream, size: usize) -> Result<usize, Failure> {
    let mut parser = Parser::<[u8; BUFFER]>::new();
    let mut expected = stream.events.iter();
    for mut input in stream.bytes.chunks(size) {
        while let Some(event) = parser.next(&mut input).map_err(|_| "overflow")? {
            let expected = expected.next().ok_or("more events than expected")?;
            same(&event, expected)?;
        }
    }
    if expected.next().is_some() {
        return Err("fewer events than expected");
    }
    if parser.last_event_id().unwrap_or_default() != stream.last_event_id.as_bytes() {
        return Err("another last event ID");
    }
    if parser.reconnection_time_ms() != stream.reconnection_time_ms {
        return Err("another reconnection time");
    }
    Ok(stream.events.len())
}

fn same(event: &Event<'_>, expected: &Expected) -> Result<(), Failure> {
    let event = event.text().map_err(|_| "not UTF-8")?;
    if event.event_type() != expected.event_type {
        return Err("another event type");
    }
    if event.data() != expected.data || cfg!(feature = "negative-failure") {
        return Err("other data");
    }
    if event.last_event_id() != expected.id {
        return Err("another ID");
    }
    Ok(())
}

/// Checks that a receiver reads what a relay of `stream` got. Returns the number of events, and of bytes on the wire.
fn relay(stream: &Stream, size: usize) -> Result<(usize, usize), Failure> {
    let mut buffer = [0; BUFFER];
    let mut parser = Parser::with_buffer(&mut buffer);
    let mut buffer = [0; BUFFER];
    let mut receiver = Parser::with_buffer(&mut buffer);
    let (mut events, mut sent) = (0, 0);
    for mut input in stream.bytes.chunks(size) {
        while let Some(item) = parser.next_item(&mut input).map_err(|_| "overflow")? {
            let frame = match item {
                Item::Event(event) => Frame::from(event),
                Item::Update(update) => Frame::from(update),
                _ => continue,
            };
            let mut tx = [0; TRANSMIT_BUFFER];
            let mut encoder = frame.encoder();
            let mut arrived = false;
            let mut length = 0;
            while let n @ 1.. = encoder.fill(&mut tx) {
                length += n;
                let mut input = &tx[..n];
                while let Some(received) = receiver.next_item(&mut input).map_err(|_| "overflow at the receiver")? {
                    if arrived || received != item {
                        return Err("not received as it was sent");
                    }
                    arrived = true;
                }
            }
            if !arrived {
                return Err("not received");
            }
            if length != frame.encoded_len() {
                return Err("another length than `encoded_len`");
            }
            sent += length;
            events += usize::from(matches!(item, Item::Event(_)));
        }
    }
    if events != stream.events.len() {
        return Err("another number of events by `next_item`");
    }
    Ok((events, sent))
}

#[cfg(feature = "negative-alloc")]
mod allocating {
    extern crate alloc;

    use core::alloc::{GlobalAlloc, Layout};

    struct Nothing;

    unsafe impl GlobalAlloc for Nothing {
        unsafe fn alloc(&self, _: Layout) -> *mut u8 {
            core::ptr::null_mut()
        }
        unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
    }

    #[global_allocator]
    static ALLOCATOR: Nothing = Nothing;

    pub fn allocate() {
        let bytes = alloc::vec::Vec::<u8>::with_capacity(core::hint::black_box(16));
        core::hint::black_box(bytes);
    }
}
