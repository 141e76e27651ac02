//! The parser for JavaScript, as a module with six functions of numbers; `ssewire.mjs` makes an async generator of them.
//!
//! An instance reads one stream: make one of the compiled module for each, which is cheap. It imports nothing and never
//! allocates: its memory is that of the two constants, and its stack.

#![no_std]

use spin::{LazyLock, Mutex, MutexGuard};
use ssewire::Parser;

/// Bytes that `feed` can be given at once. Larger chunks of the network come in pieces.
const INPUT: usize = 16 * 1024;
/// The largest event, in bytes.
const LARGEST: usize = 256 * 1024;

// Apart from the rest and all zero, so that they take no room in the module.
static INPUT_BUFFER: Mutex<[u8; INPUT]> = Mutex::new([0; INPUT]);
static EVENT_BUFFER: Mutex<[u8; LARGEST]> = Mutex::new([0; LARGEST]);

struct State {
    parser: Parser<&'static mut [u8]>,
    /// The result of `feed`: the number of bytes used, then the places of event type, data and last event ID, and their lengths.
    found: [u32; 7],
    retry: Option<u64>,
}

static STATE: LazyLock<Mutex<State>> = LazyLock::new(|| {
    let buffer: &mut [u8; LARGEST] = MutexGuard::leak(EVENT_BUFFER.lock());
    let parser = Parser::with_buffer(buffer);
    Mutex::new(State { parser, found: [0; 7], retry: None })
});

/// Returns the place for the input.
#[no_mangle]
pub extern "C" fn input() -> *const u8 {
    INPUT_BUFFER.lock().as_ptr()
}

/// Returns the number of bytes that fit.
#[no_mangle]
pub extern "C" fn input_len() -> usize {
    INPUT
}

/// Reads the input from `start` to `end` up to the end of the next event: 1. Or all of it: 0. When an event was too
/// large: -1; the next one can be read. In every case `found` says how many bytes were used: go on after them.
#[no_mangle]
pub extern "C" fn feed(start: usize, end: usize) -> i32 {
    let State { parser, found, retry } = &mut *STATE.lock();
    let buffer = INPUT_BUFFER.lock();
    let input = buffer.get(start..end).unwrap_or_default();
    let mut rest = input;
    let next = parser.next(&mut rest);
    found[0] = (input.len() - rest.len()) as u32;
    match next {
        Ok(Some(event)) => {
            let fields = [event.event_type(), event.data(), event.last_event_id()];
            for (place, field) in found[1..].chunks_exact_mut(2).zip(fields) {
                place.copy_from_slice(&[field.as_ptr() as u32, field.len() as u32]);
            }
            *retry = event.retry();
            1
        }
        Ok(None) => 0,
        Err(_) => -1,
    }
}

/// Returns the place of the seven numbers with the result of `feed`. The bytes are borrowed until the next call of `feed`.
#[no_mangle]
pub extern "C" fn found() -> *const u32 {
    STATE.lock().found.as_ptr()
}

/// Returns whether the event set the reconnection time.
#[no_mangle]
pub extern "C" fn sets_retry() -> bool {
    STATE.lock().retry.is_some()
}

/// The reconnection time in milliseconds that the event set, as a `BigInt`: a number of JavaScript is rounded above 2^53.
#[no_mangle]
pub extern "C" fn retry() -> u64 {
    STATE.lock().retry.unwrap_or(0)
}

/// Nothing here panics; but a library without std must have it.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
