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

#[cfg(any(feature = "replay", feature = "another-ring"))]
macro_rules! ring {
    ($capacity:literal) => {{
        static mut RING: ssewire::replay::Ring<[u8; $capacity]> = ssewire::replay::Ring::new([0; $capacity]);
        // SAFETY: no other code refers to it, and there is one thread.
        black_box(unsafe { &mut *&raw mut RING })
    }};
}

#[cfg(any(feature = "client", feature = "client-small"))]
macro_rules! client {
    ($policy:expr, $excerpt:literal) => {{
        // The state of a client is not all zero, so it is made here.
        let parser = ssewire::Parser::<[u8; 64]>::new();
        &mut ssewire::client::Client::with_excerpt(parser, $policy, 1, [0; $excerpt])
    }};
}

#[cfg(feature = "client-small")]
const WITHOUT_DATES: ssewire::client::Policy = {
    let mut policy = ssewire::client::Policy::ROBUST;
    policy.retry_after_date = None;
    policy
};

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
        #[cfg(feature = "replay")]
        serve(ring!(1024), input);
        #[cfg(feature = "another-ring")]
        serve(ring!(768), input);
        #[cfg(feature = "client")]
        follow(client!(ssewire::client::Policy::ROBUST, 64), input);
        #[cfg(feature = "client-small")]
        follow(client!(WITHOUT_DATES, 0), input);
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

/// A device that pushes, and serves a connection.
#[cfg(any(feature = "replay", feature = "another-ring"))]
#[inline(never)]
fn serve<S: ssewire::Storage>(ring: &mut ssewire::replay::Ring<S>, value: &[u8]) {
    use ssewire::replay::Resume;

    let mut cursor = match ring.since(value) {
        Resume::Start => ring.live(),
        Resume::From(cursor) => cursor,
        Resume::Gone | Resume::Unknown => ring.oldest(),
    };
    while black_box(true) {
        if let Ok(frame) = ssewire::Frame::new().id(black_box(value)) {
            _ = black_box(ring.push(&frame.data(black_box(value))));
        }
        match ring.ready(cursor, black_box(0)) {
            Ok(ready) => {
                black_box(ready.bytes);
                cursor = ring.advance(cursor, black_box(0)).unwrap_or(cursor);
            }
            Err(lagged) => {
                black_box((lagged.missed, lagged.torn));
                cursor = lagged.oldest;
            }
        }
    }
}

/// What a firmware calls of a client.
#[cfg(any(feature = "client", feature = "client-small"))]
#[inline(never)]
fn follow<const E: usize>(client: &mut ssewire::client::Client<[u8; 64], E>, input: &[u8]) {
    use ssewire::client::{Action, Head};
    loop {
        let now = black_box(0);
        match client.poll(now) {
            Action::Connect { until, .. } => _ = black_box((until, client.parser().last_event_id())),
            Action::Wait { until } => _ = black_box(until),
            Action::Closed(reason) => {
                black_box(reason);
                return;
            }
            Action::Head { until } => {
                black_box(until);
                let mut head = Head::new(black_box(200));
                while black_box(true) {
                    head.header(black_box(input), black_box(input));
                }
                black_box(client.on_head(now, &head));
            }
            Action::Read { until } => {
                black_box(until);
                if black_box(false) {
                    client.on_end(now);
                }
                let mut input = black_box(input);
                while let Some(event) = client.next(now, &mut input).transpose() {
                    if let Ok(event) = event {
                        black_box((event.event_type(), event.data(), event.last_event_id()));
                    }
                }
            }
        }
        if black_box(false) {
            client.on_error(now);
        }
        if black_box(false) {
            client.close();
        }
    }
}
