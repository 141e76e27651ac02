//! The parts of ssewire that the features select, for `nm` to measure. Without a feature, the code that every other build
//! contains as well.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

#[cfg(any(feature = "parser", feature = "another"))]
macro_rules! parser {
    ($capacity:literal) => {{
        static mut PARSER: ssewire::Parser<[u8; $capacity]> = ssewire::Parser::new();
        // SAFETY: no other code refers to it, and there is one thread.
        black_box(unsafe { &mut *&raw mut PARSER })
    }};
}

#[no_mangle]
extern "C" fn _start() -> ! {
    loop {
        let input: &[u8] = black_box(b"");
        let buffer: &mut [u8] = black_box(&mut []);
        black_box((input, &buffer));
        #[cfg(feature = "tokenizer")]
        tokenize(input);
        #[cfg(feature = "writer")]
        write(input, buffer);
        // In statics, as firmware has them.
        #[cfg(feature = "parser")]
        parse(parser!(64), input);
        #[cfg(feature = "another")]
        parse(parser!(96), input);
    }
}

#[cfg(feature = "tokenizer")]
fn tokenize(input: &[u8]) {
    let mut tokenizer = ssewire::tokenizer::Tokenizer::new();
    loop {
        let mut input = black_box(input);
        while let Some(token) = tokenizer.next(&mut input) {
            black_box(token);
        }
    }
}

#[cfg(any(feature = "parser", feature = "another"))]
#[inline(never)]
fn parse<S: ssewire::Storage>(parser: &mut ssewire::Parser<S>, input: &[u8]) {
    while black_box(true) {
        let mut input = black_box(input);
        while let Some(event) = parser.next(&mut input).transpose() {
            // An event that is too large is skipped.
            if let Ok(event) = event {
                black_box((event.event_type(), event.data(), event.last_event_id()));
            }
        }
    }
}

#[cfg(feature = "writer")]
fn write(value: &[u8], out: &mut [u8]) {
    let frame = ssewire::Frame::new().event_type(black_box(value)).and_then(|frame| frame.id(black_box(value)));
    if let Ok(frame) = frame {
        _ = black_box(frame.data(black_box(value)).write_to_slice(out));
    }
}
