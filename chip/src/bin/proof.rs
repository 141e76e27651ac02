//! Uses all of ssewire on input that the compiler cannot know. A panic calls a function that is nowhere, so that the
//! program links only if none can be reached. It is never run.

#![no_std]
#![no_main]

use core::fmt::{self, Write};
use core::hint::black_box;
use core::panic::PanicInfo;

use ssewire::{decode, Event, Frame, OwnedEvent, Parser, Status, Storage, Tokenizer};

extern "C" {
    fn ssewire_can_panic() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    unsafe { ssewire_can_panic() }
}

#[no_mangle]
extern "C" fn _start() -> ! {
    loop {
        tokenizer();
        parser(&mut Parser::with_buffer(buffer()));
        parser(&mut Parser::<heapless::Vec<u8, 64>>::new());
        writer();
        text(bytes());
        formatting();
        #[cfg(feature = "negative-panic")]
        black_box(black_box(None::<u8>).unwrap());
    }
}

/// Any bytes.
fn bytes() -> &'static [u8] {
    black_box(b"")
}

fn buffer() -> &'static mut [u8] {
    black_box(&mut [])
}

/// Where text goes to.
struct Sink;

impl Write for Sink {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        black_box(text);
        black_box(Ok(()))
    }
}

#[inline(never)]
fn tokenizer() {
    let mut tokenizer = Tokenizer::new();
    loop {
        let mut input = bytes();
        while let Some(token) = tokenizer.next(&mut input) {
            black_box(token);
        }
        if black_box(false) {
            return;
        }
    }
}

/// Everything in any order, so that all states are reached.
#[inline(never)]
fn parser<S: Storage>(parser: &mut Parser<S>) {
    loop {
        let mut input = bytes();
        match black_box(0) {
            0 => match parser.next(&mut input) {
                Ok(Some(event)) => read(&event),
                other => _ = black_box(other.is_ok()),
            },
            1 => _ = black_box(parser.next_item(&mut input)),
            2 => {
                let progress = parser.feed(input);
                if black_box(progress).status == Ok(Status::Event) {
                    read(&parser.event(bytes())); // also of another input
                }
            }
            3 => match parser.feed_items(input).status {
                Ok(Status::Comment(piece)) => _ = black_box((piece.bytes(bytes()), piece.is_last())),
                Ok(Status::Update) => _ = black_box((parser.update().id(), parser.update().retry())),
                _ => {}
            },
            4 => match parser.finish() {
                Ok(Some(event)) => read(&event),
                other => _ = black_box(other.is_ok()),
            },
            5 => parser.reset(),
            6 => _ = black_box(parser.set_last_event_id(input)),
            7 => _ = black_box((parser.unfinished(), parser.last_event_id(), parser.reconnection_time_ms())),
            _ => return,
        }
    }
}

#[inline(never)]
fn read(event: &Event<'_>) {
    black_box((event.event_type(), event.wire_event_type(), event.data(), event.last_event_id()));
    black_box((event.id(), event.retry()));
    if let Ok(text) = event.text() {
        black_box((text.event_type(), text.data(), text.last_event_id()));
    }
    if let Ok(owned) = OwnedEvent::<32>::new(event) {
        black_box(&owned);
        black_box(owned.event());
    }
    write(&Frame::from(*event));
}

#[inline(never)]
fn writer() {
    let (Ok(typed), Ok(identified)) = (Frame::new().event_type(bytes()), Frame::new().id(bytes())) else { return };
    write(&typed.data(bytes()));
    write(&identified.comment(bytes()).retry(black_box(0)));
}

#[inline(never)]
fn write(frame: &Frame<'_>) {
    let frame = black_box(*frame);
    black_box(frame.encoded_len());
    _ = black_box(frame.write_to_slice(buffer()));
    let mut encoder = frame.encoder();
    while black_box(encoder.read(buffer())) > 0 {}
    for part in frame.parts() {
        black_box(part);
    }
}

#[inline(never)]
fn text(bytes: &[u8]) {
    let decoded = decode(bytes);
    for piece in decoded.pieces() {
        black_box(piece);
    }
    for char in decoded.chars() {
        black_box(char);
    }
    black_box(decoded == *"text");
}

/// By way of `core::fmt`.
#[inline(never)]
fn formatting() {
    let frame = black_box(Frame::new());
    _ = write!(Sink, "{}", decode(bytes()));
    _ = write!(Sink, "{frame}");
    let data = decode(bytes());
    _ = black_box(frame.data_fmt(format_args!("{data}")).write_to_slice(buffer()));
    _ = write!(Sink, "{}", frame.data_fmt(format_args!("{data}")));
}
