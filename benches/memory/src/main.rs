//! Prints the memory that a connection takes: new, within an event of 20 KB, and idle after it. For ssewire and its peers.
//!
//!     cargo run --profile lto -p ssewire-memory
//!
//! Counted are the reader itself and what it has on the heap, of 10 000 connections, in chunks of 1460 bytes. Readers that work
//! on a stream of chunks read one that takes no memory. Fails if an idle parser holds more than twice what a new one holds.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_core::Stream;
use ssewire::{GrowableBuffer, Parser};

thread_local! {
    /// The bytes that this thread has on the heap.
    static USED: Cell<usize> = const { Cell::new(0) };
    /// The chunk that the connection which is polled finds.
    static CHUNK: Cell<Option<&'static [u8]>> = const { Cell::new(None) };
}

struct Counting;

// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        USED.set(USED.get() + layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        USED.set(USED.get().saturating_sub(layout.size()));
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CONNECTIONS: usize = 10_000;
const CHUNK_LEN: usize = 1460;

/// A reader of one connection. `read` returns the number of events that a chunk ended.
trait Connection {
    fn new() -> Self;
    fn read(&mut self, chunk: &'static [u8]) -> usize;
}

impl Connection for Parser<GrowableBuffer> {
    fn new() -> Self {
        Parser::with_limit(1 << 20)
    }

    fn read(&mut self, chunk: &'static [u8]) -> usize {
        let (mut input, mut events) = (chunk, 0);
        while self.next(&mut input).expect("no event exceeds the limit").is_some() {
            events += 1;
        }
        events
    }
}

impl Connection for sse_core::SseDecoder {
    fn new() -> Self {
        sse_core::SseDecoder::new()
    }

    fn read(&mut self, chunk: &'static [u8]) -> usize {
        let (mut input, mut events) = (chunk, 0);
        while self.next(&mut input).is_some() {
            events += 1;
        }
        events
    }
}

impl Connection for sse_parse::SseParser {
    fn new() -> Self {
        sse_parse::SseParser::new()
    }

    fn read(&mut self, chunk: &'static [u8]) -> usize {
        self.feed(chunk);
        let mut events = 0;
        while self.next_event().is_some() {
            events += 1;
        }
        events
    }
}

/// A stream of chunks that is pending after the one in `CHUNK`.
struct Source<T>(std::marker::PhantomData<T>);

impl<T: From<&'static [u8]>> Stream for Source<T> {
    type Item = Result<T, Infallible>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        CHUNK.take().map_or(Poll::Pending, |chunk| Poll::Ready(Some(Ok(chunk.into()))))
    }
}

fn poll(mut stream: impl Stream + Unpin, chunk: &'static [u8]) -> usize {
    CHUNK.set(Some(chunk));
    let mut events = 0;
    while let Poll::Ready(Some(_)) = Pin::new(&mut stream).poll_next(&mut Context::from_waker(Waker::noop())) {
        events += 1;
    }
    events
}

impl Connection for eventsource_stream::EventStream<Source<&'static [u8]>> {
    fn new() -> Self {
        eventsource_stream::EventStream::new(Source(std::marker::PhantomData))
    }

    fn read(&mut self, chunk: &'static [u8]) -> usize {
        poll(self, chunk)
    }
}

impl Connection for sse_stream::SseByteStream<Source<&'static [u8]>> {
    fn new() -> Self {
        sse_stream::SseByteStream::new(Source(std::marker::PhantomData))
    }

    fn read(&mut self, chunk: &'static [u8]) -> usize {
        poll(self, chunk)
    }
}

impl Connection for sseer::EventStream<Source<Bytes>> {
    fn new() -> Self {
        sseer::EventStream::new(Source(std::marker::PhantomData))
    }

    fn read(&mut self, chunk: &'static [u8]) -> usize {
        poll(self, chunk)
    }
}

/// Prints a row and returns the bytes that a connection holds when new and when idle.
fn row<C: Connection>(name: &str, event: &'static [u8]) -> (usize, usize) {
    let before = USED.get();
    let mut connections: Vec<C> = (0..CONNECTIONS).map(|_| C::new()).collect();
    let mut read = |stream: &'static [u8], expected: usize| {
        for connection in &mut connections {
            let events: usize = stream.chunks(CHUNK_LEN).map(|chunk| connection.read(chunk)).sum();
            assert_eq!(events, expected, "{name}");
        }
        (USED.get() - before) / CONNECTIONS
    };
    let new = read(b"", 0);
    let (most, end) = event.split_at(event.len() - 1);
    let within = read(most, 0);
    let idle = read(end, 1);
    println!("| {name} | {new} | {within} | {idle} | {:.1} |", idle as f64 / new as f64);
    (new, idle)
}

fn main() {
    let event = format!("id: 12345678\ndata: {}\n\n", "x".repeat(20_000)).into_bytes().leak();
    println!("| bytes of a connection | new | within an event of 20 KB | idle after it | idle / new |");
    println!("|---|--:|--:|--:|--:|");
    let (new, idle) = row::<Parser<GrowableBuffer>>("ssewire", event);
    row::<eventsource_stream::EventStream<Source<&'static [u8]>>>("eventsource-stream", event);
    row::<sse_core::SseDecoder>("sse-core", event);
    row::<sse_parse::SseParser>("sse-parse", event);
    row::<sse_stream::SseByteStream<Source<&'static [u8]>>>("sse-stream", event);
    row::<sseer::EventStream<Source<Bytes>>>("sseer", event);
    assert!(idle <= 2 * new, "an idle parser holds {idle} bytes, a new one {new}");
}
