//! Calls every public function of ssewire on input that the compiler cannot know. The panic handler calls a function that
//! does not exist, so the program links only if no panic can be reached. It is never run.
//!
//! The feature `debug` adds all `Debug` implementations. They call functions of `core` that contain panics, so the program
//! then has the function that the panic handler calls, and `.ci/chip` lists the functions that can panic.

#![no_std]
#![no_main]

use core::error::Error as _;
use core::fmt::{self, Debug, Display, Write};
use core::hash::{Hash, Hasher};
use core::hint::black_box;
use core::panic::PanicInfo;

use ssewire::client::{Action, Cause, Client, Excerpt, Head, Policy, Reason, UnsendableId, Verdict};
use ssewire::http::{self, Body};
use ssewire::replay::{Cursor, Gap, Lagged, Ready, Resume, Ring, RingId};
use ssewire::tokenizer::{Token, Tokenizer};
use ssewire::{
    lossy, Encoder, Error, Event, Field, FormatError, FormattedFrame, FoundEvent, FoundItem, Frame, IdError, Item,
    OwnedEvent, Parser, Parts, Piece, Progress, Storage, Text, Update,
};

#[cfg(not(feature = "debug"))]
extern "C" {
    fn ssewire_can_panic() -> !;
}

#[cfg(feature = "debug")]
#[inline(never)]
unsafe fn ssewire_can_panic() -> ! {
    loop {}
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    unsafe { ssewire_can_panic() }
}

#[no_mangle]
extern "C" fn _start() -> ! {
    loop {
        tokenizer();
        parser(Parser::with_buffer(buffer()));
        parser(Parser::<[u8; 64]>::new());
        parser(Parser::<[u8; 0]>::default());
        writer();
        ring(Ring::new(buffer()));
        ring(Ring::new([0; 64]));
        ring(Ring::<_, 3>::with_marks([0; 0]));
        text();
        client(Client::new(Parser::<[u8; 64]>::new(), policy(), black_box(0)));
        client(Client::with_excerpt(Parser::with_buffer(buffer()), policy(), black_box(0), []));
        http();
        #[cfg(feature = "negative-panic")]
        black_box(black_box(None::<u8>).unwrap());
    }
}

/// Any bytes.
fn bytes() -> &'static [u8] {
    black_box(b"")
}

/// Memory of any length.
fn buffer() -> &'static mut [u8] {
    black_box(&mut [])
}

/// Takes text, and may fail.
struct Sink;

impl Write for Sink {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        black_box(text);
        black_box(Ok(()))
    }
}

impl Hasher for Sink {
    fn write(&mut self, bytes: &[u8]) {
        black_box(bytes);
    }

    fn finish(&self) -> u64 {
        black_box(0)
    }
}

#[inline(never)]
fn display(value: &dyn Display) {
    _ = black_box(write!(Sink, "{value}"));
}

#[cfg(feature = "debug")]
#[inline(never)]
fn debug(value: &dyn Debug) {
    _ = black_box(write!(Sink, "{value:?}"));
}

#[cfg(not(feature = "debug"))]
#[inline(always)]
fn debug(_: &dyn Debug) {}

/// A value that can be compared and hashed.
#[inline(never)]
fn value<T: Debug + Clone + PartialEq + Hash>(value: &T) {
    let other = black_box(value.clone());
    black_box(*value == other);
    value.hash(&mut Sink);
    debug(value);
}

#[inline(never)]
fn error(error: impl Into<Error> + core::error::Error) {
    display(&error);
    debug(&error);
    if let Some(source) = error.source() {
        display(source);
    }
    let error: Error = error.into();
    display(&error);
    debug(&error);
    if let Some(source) = error.source() {
        display(source);
    }
    black_box(error == black_box(error));
}

#[inline(never)]
fn field(field: Field) {
    black_box(field.name());
    display(&field);
    value(&field);
    black_box(field.cmp(&black_box(field)));
}

#[inline(never)]
fn piece(piece: Piece<'_>) {
    black_box((piece.bytes, piece.first, piece.last));
    value(&piece);
}

#[inline(never)]
fn tokenizer() {
    let mut tokenizer = black_box(Tokenizer::default());
    loop {
        let mut input = bytes();
        while let Some(token) = tokenizer.next(&mut input) {
            value(&token);
            match token {
                Token::Field(name, part) => {
                    field(name);
                    piece(part);
                }
                Token::Comment(part) | Token::Unknown(part) => piece(part),
                Token::EndOfEvent => {}
            }
        }
        debug(&tokenizer);
        let earlier = black_box(tokenizer.clone());
        if black_box(earlier == tokenizer) {
            tokenizer = Tokenizer::new();
        }
        if black_box(false) {
            return;
        }
    }
}

/// Calls everything in any order, so that all states are reached.
#[inline(never)]
fn parser<S: Storage + Clone2>(mut parser: Parser<S>) {
    // The tokens of any earlier call, which may be stale.
    let mut found_event: Option<FoundEvent> = None;
    let mut found_item: Option<FoundItem> = None;
    loop {
        let mut input = bytes();
        match black_box(0) {
            0 => match parser.next(&mut input) {
                Ok(Some(event)) => read(&event),
                Ok(None) => {}
                Err(overflow) => error(overflow),
            },
            1 => match parser.next_item(&mut input) {
                Ok(Some(item)) => read_item(&item),
                Ok(None) => {}
                Err(overflow) => error(overflow),
            },
            2 => {
                let progress = parser.feed(input);
                fed(progress);
                if let Ok(found) = progress.result {
                    found_event = found;
                }
            }
            3 => {
                let progress = parser.feed_items(input);
                fed(progress);
                if let Ok(found) = progress.result {
                    found_item = found;
                }
            }
            // With the slice that was fed, or any other.
            4 => {
                if let Some(found) = black_box(found_event) {
                    read(&parser.event(found, input));
                }
            }
            5 => {
                if let Some(found) = black_box(found_item) {
                    read_item(&parser.item(found, input));
                }
            }
            6 => match parser.take_unfinished() {
                Ok(Some(event)) => read(&event),
                Ok(None) => {}
                Err(overflow) => error(overflow),
            },
            7 => match parser.set_last_event_id(input) {
                Ok(()) => {}
                Err(id_error) => {
                    match id_error {
                        IdError::InvalidByte(invalid) => error(invalid),
                        IdError::Overflow(overflow) => error(overflow),
                    }
                    error(id_error);
                }
            },
            8 => parser.reset(),
            9 => {
                black_box((parser.last_event_id(), parser.reconnection_time_ms()));
                black_box((parser.unfinished(), parser.capacity()));
            }
            10 => debug(&parser),
            11 => S::clone(&mut parser),
            _ => return,
        }
    }
}

/// Puts a clone in place of a parser whose storage can be cloned.
trait Clone2: Sized {
    fn clone(parser: &mut Parser<Self>);
}

impl<const N: usize> Clone2 for [u8; N] {
    fn clone(parser: &mut Parser<Self>) {
        *parser = black_box(Clone::clone(parser));
    }
}

impl Clone2 for &mut [u8] {
    fn clone(_: &mut Parser<Self>) {}
}

#[inline(never)]
fn fed<F: Copy + Debug + PartialEq>(progress: Progress<F>) {
    black_box(progress.consumed);
    black_box(progress == black_box(progress));
    debug(&progress);
    match progress.result {
        Ok(Some(found)) => debug(&found),
        Ok(None) => {}
        Err(overflow) => error(overflow),
    }
}

#[inline(never)]
fn read_item(item: &Item<'_>) {
    value(item);
    match item {
        Item::Event(event) => read(event),
        Item::Comment(part) | Item::Unknown(part) => piece(*part),
        Item::Update(update) => {
            black_box((Update::id(update), update.retry()));
            value(update);
            write(Frame::from(*update));
        }
        _ => {}
    }
}

#[inline(never)]
fn read(event: &Event<'_>) {
    fields(event);
    match event.text() {
        Ok(text) => {
            fields(&text);
            write(Frame::from(text));
        }
        Err(not_utf8) => {
            field(not_utf8.field);
            error(not_utf8);
        }
    }
    match OwnedEvent::<32>::new(event) {
        Ok(owned) => {
            value(&owned);
            fields(&owned.event());
            black_box((owned.event_type(), owned.wire_event_type(), owned.data(), owned.id()));
            black_box((owned.last_event_id(), owned.retry(), owned.text().is_ok()));
            write(Frame::from(&owned));
        }
        Err(too_small) => error(too_small),
    }
    if let Err(too_small) = OwnedEvent::<32>::with_last_event_id(event) {
        error(too_small);
    }
    write(Frame::from(*event));
}

fn fields<T: Text + ?Sized + PartialEq + Hash>(event: &Event<'_, T>) {
    black_box((event.event_type(), event.wire_event_type(), event.data(), event.last_event_id()));
    black_box((event.id(), event.retry()));
    value(event);
}

#[inline(never)]
fn writer() {
    match Frame::new().event_type(bytes()) {
        Ok(frame) => write(frame.data(bytes())),
        Err(invalid) => error(invalid),
    }
    match Frame::default().id(bytes()) {
        Ok(frame) => write(frame.comment(bytes()).retry(black_box(0))),
        Err(invalid) => error(invalid),
    }
    write(Frame::new().id_number(black_box(0)).data(bytes()));
}

#[inline(never)]
fn write(frame: Frame<'_>) {
    let frame = black_box(frame);
    value(&frame);
    display(&frame);
    black_box(frame.encoded_len());
    if let Err(too_small) = black_box(frame.write_to_slice(buffer())) {
        error(too_small);
    }
    encode(frame.encoder());
    black_box(frame.fill_at(black_box(0), buffer()));
    parts(frame.parts());
    let data = lossy(bytes());
    format(frame.data_fmt(format_args!("{data}")));
}

fn encode(mut encoder: Encoder<'_>) {
    while black_box(encoder.fill(buffer())) > 0 {}
    debug(&encoder.clone());
}

fn parts(parts: Parts<'_>) {
    debug(&parts.clone());
    for part in parts {
        black_box(part);
    }
}

#[inline(never)]
fn format(frame: FormattedFrame<'_>) {
    display(&frame);
    debug(&frame);
    if let Err(format_error) = black_box(frame.write_to_slice(buffer())) {
        if let FormatError::BufferTooSmall(too_small) = format_error {
            error(too_small);
        }
        error(format_error);
    }
    let _ = black_box(frame.fill_at(black_box(0), buffer()));
}

/// Calls everything in any order, with cursors of any ring.
#[inline(never)]
fn ring<S: Storage, const MARKS: usize>(mut ring: Ring<S, MARKS>) {
    let mut cursor = Cursor::default();
    loop {
        let frame = Frame::new().id(bytes()).unwrap_or_default();
        match black_box(0) {
            0 => {
                if let Err(too_small) = ring.push(&frame.data(bytes())) {
                    error(too_small);
                }
            }
            1 => {
                let data = lossy(bytes());
                if let Err(format_error) = ring.push_fmt(&frame.data_fmt(format_args!("{data}"))) {
                    error(format_error);
                }
            }
            2 => {
                let resume = ring.since(bytes());
                value(&resume);
                if let Resume::From(from) = resume {
                    cursor = from;
                }
            }
            3 => match ring.ready(black_box(cursor), black_box(0)) {
                Ok(all) => {
                    cursor = all.next;
                    ready(all);
                }
                Err(error) => lagged(error),
            },
            4 => match ring.advance(black_box(cursor), black_box(0)) {
                Ok(after) => cursor = after,
                Err(error) => lagged(error),
            },
            5 => {
                if let Err(error) = ring.check(black_box(cursor)) {
                    lagged(error);
                }
            }
            6 => cursor = black_box(ring.oldest()),
            7 => cursor = black_box(ring.live()),
            8 => {
                black_box((ring.capacity(), ring.len(), ring.is_empty()));
                value(&cursor);
                debug(&ring);
            }
            9 => {
                let id: RingId = ring.next_id(black_box(0));
                write(Frame::new().ring_id(&id));
                display(&id);
                value(&id);
            }
            10 => {
                let gap = Gap::new(black_box(None));
                write(gap.frame());
                debug(&gap);
            }
            _ => return,
        }
    }
}

#[inline(never)]
fn ready(ready: Ready<'_>) {
    black_box((ready.bytes, ready.len(), ready.is_empty()));
    black_box(ready == black_box(ready));
    debug(&ready);
}

#[inline(never)]
fn lagged(lagged: Lagged) {
    black_box((lagged.missed, lagged.torn, lagged.oldest));
    write(Gap::from(lagged).frame());
    display(&lagged);
    value(&lagged);
    if let Some(source) = core::error::Error::source(&lagged) {
        display(source);
    }
}

#[inline(never)]
fn text() {
    let decoded = lossy(bytes());
    for piece in decoded.pieces() {
        black_box(piece);
    }
    for char in decoded.chars() {
        black_box(char);
    }
    value(&decoded);
    display(&decoded);
    black_box(decoded.cmp(&lossy(bytes())));
    black_box(decoded.partial_cmp(&lossy(bytes())));
    black_box((decoded == *"text", decoded == "text"));
}

/// Any policy.
fn policy() -> Policy {
    let mut policy = black_box(Policy::default());
    if black_box(false) {
        policy = black_box(Policy::BROWSER);
    }
    debug(&policy);
    policy
}

/// Calls everything in any order, so that all states are reached.
#[inline(never)]
fn client<S: Storage, const E: usize>(mut client: Client<S, E>) {
    let mut found_event: Option<FoundEvent> = None;
    loop {
        let now = black_box(0);
        let mut input = bytes();
        match black_box(0) {
            0 => action(client.poll(now)),
            1 => {
                let mut head = Head::new(black_box(0));
                while black_box(false) {
                    head.header(bytes(), bytes());
                }
                verdict(client.on_head(now, &head));
            }
            2 => {
                if let Some((head, _)) = Head::parse(input) {
                    verdict(client.on_head(now, &head));
                }
            }
            3 => match client.next(now, &mut input) {
                Ok(Some(event)) => read(&event),
                Ok(None) => {}
                Err(overflow) => error(overflow),
            },
            4 => {
                let progress = client.feed(now, input);
                fed(progress);
                if let Ok(found) = progress.result {
                    found_event = found;
                }
            }
            5 => {
                if let Some(found) = black_box(found_event) {
                    read(&client.event(found, input));
                }
            }
            6 => match client.take_unfinished(now) {
                Ok(Some(event)) => read(&event),
                Ok(None) => {}
                Err(overflow) => error(overflow),
            },
            7 => client.on_end(now),
            8 => client.on_error(now),
            9 => client.close(),
            10 => client.restart(now),
            11 => {
                if let Some(id) = client.last_event_id() {
                    display(&id);
                }
            }
            12 => {
                if let Some(unsendable) = client.unsendable_id() {
                    display(&unsendable);
                    value::<UnsendableId>(&unsendable);
                }
            }
            13 => {
                if let Some(excerpt) = client.excerpt() {
                    display(&excerpt);
                    value::<Excerpt<'_>>(&excerpt);
                }
            }
            14 => {
                black_box((client.ready_state(), client.failures(), client.policy().attempts));
                black_box(client.parser().capacity());
                cause(client.cause());
            }
            15 => debug(&client),
            _ => return,
        }
    }
}

#[inline(never)]
fn action(action: Action) {
    value(&action);
    if let Action::Closed(reason) = action {
        display(&reason);
        value(&reason);
        if let Reason::Failed(last) | Reason::GaveUp { last, .. } = reason {
            cause(last);
        }
    }
}

#[inline(never)]
fn verdict(verdict: Verdict) {
    value(&verdict);
    if let Verdict::Failed(failed) = verdict {
        cause(failed);
    }
}

#[inline(never)]
fn cause(cause: Cause) {
    display(&cause);
    value(&cause);
    if let Cause::ContentCoding(coding) = cause {
        display(&coding);
        black_box(coding.name());
    }
}

#[inline(never)]
fn http() {
    let head = black_box(Head::new(black_box(200)));
    black_box((head.status(), head.location()));
    debug(&head);
    let mut body = black_box(head.body());
    if black_box(false) {
        body = black_box(Body::with_length(black_box(0)));
    }
    while black_box(true) {
        match body.next(&mut bytes()) {
            Ok(piece) => _ = black_box(piece),
            Err(invalid) => {
                display(&invalid);
                value(&invalid);
            }
        }
        black_box(body.is_ended());
        debug(&body);
    }
    black_box(http::is_event_stream(bytes()));
    black_box(http::date(bytes()));
    if let Err(too_small) = black_box(http::resume_id(Some(bytes()), Some(bytes()), buffer())) {
        error(too_small);
    }
    if let Err(too_small) = black_box(http::resume_id(None, Some(bytes()), buffer())) {
        error(too_small);
    }
}
