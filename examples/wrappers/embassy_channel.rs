//! Embassy: one task reads, a bounded channel hands the events on, another task uses them; here on embassy's executor for
//! the host, against a server in axum.
//!
//! Each event is copied once, into an `OwnedEvent`, since the receive buffer goes on without it. A slow consumer holds the
//! reader back, and TCP the server: nothing is dropped. The tasks allocate
//! nothing for an event. The channel takes its number of
//! places times the largest event: choose both by what your server sends.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use embassy_executor::{Executor, Spawner};
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::Channel;
use embassy_time::{Duration, TimeoutError, Timer, with_timeout};
use embedded_io_async::{Read, ReadExactError, Write};
use embedded_nal_async::TcpConnect;
use ssewire::client::Head;
use ssewire::{OwnedEvent, Parser};
use ssewire_wrappers::{Message, axum_server, messages};
use std_embedded_nal_async::Stack;

/// In bytes: the largest event of the thousand takes 6991, the ID before it among them.
const LARGEST: usize = 7168;
/// A server that is silent for longer is taken for dead; most send a comment every 15 s, so a device would wait for 45.
const SILENCE: Duration = Duration::from_secs(5);

/// `Ok(None)` at the end of the stream.
type Received = Result<Option<OwnedEvent<LARGEST>>, Error>;

static EVENTS: Channel<CriticalSectionRawMutex, Received, 4> = Channel::new();

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the connection: {0}")]
    Io(#[from] std::io::Error),
    #[error("the connection ended within the head, or the head is longer than 1 KiB")]
    Head,
    #[error("not an event stream, status {0}")]
    Response(u16),
    #[error("silence")]
    Silence,
    #[error(transparent)]
    Event(#[from] ssewire::Error),
}

impl From<TimeoutError> for Error {
    fn from(_: TimeoutError) -> Error {
        Error::Silence
    }
}

impl From<ReadExactError<std::io::Error>> for Error {
    fn from(error: ReadExactError<std::io::Error>) -> Error {
        match error {
            ReadExactError::UnexpectedEof => Error::Head,
            ReadExactError::Other(error) => Error::Io(error),
        }
    }
}

/// Puts every event of the stream in the channel; in place of one that is too large, the error.
async fn read(mut source: impl Read<Error = std::io::Error>) -> Result<(), Error> {
    let mut parser = Parser::<[u8; LARGEST]>::new();
    let mut buf = [0; 1024];
    loop {
        let mut input = match with_timeout(SILENCE, source.read(&mut buf)).await?? {
            0 => return Ok(()),
            n => &buf[..n],
        };
        while let Some(event) = parser.next(&mut input).transpose() {
            // The copy never fails: what fits the parser's buffer fits as many bytes of an `OwnedEvent`.
            let owned =
                event.map_err(ssewire::Error::from).and_then(|event| Ok(OwnedEvent::with_last_event_id(&event)?));
            EVENTS.send(owned.map(Some).map_err(Error::Event)).await;
        }
    }
}

/// Connects, and asks by HTTP/1.0: no chunked transfer coding, so what follows the head is the event stream itself.
async fn request(stack: &Stack, server: SocketAddr) -> Result<<Stack as TcpConnect>::Connection<'_>, Error> {
    let mut connection = with_timeout(SILENCE, stack.connect(server)).await??;
    connection.write_all(b"GET /events HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n").await?;
    let mut head = [0; 1024];
    let mut len = 0;
    while !head[..len].ends_with(b"\r\n\r\n") {
        let next = head.get_mut(len..len + 1).ok_or(Error::Head)?;
        with_timeout(SILENCE, connection.read_exact(next)).await??;
        len += 1;
    }
    match Head::parse(&head[..len]) {
        Some((head, _)) if head.is_event_stream() => Ok(connection),
        response => Err(Error::Response(response.map_or(0, |(head, _)| head.status()))),
    }
}

#[embassy_executor::task]
async fn reader(server: SocketAddr) {
    let stack = Stack::default();
    let result = match request(&stack, server).await {
        Ok(connection) => read(connection).await,
        Err(error) => Err(error),
    };
    EVENTS.send(result.map(|()| None)).await;
}

/// How many events were as expected; set when the stream is over.
static USED: AtomicUsize = AtomicUsize::new(0);

#[embassy_executor::task]
async fn consumer(expected: &'static [Message]) {
    let mut used = 0;
    while let Some(owned) = EVENTS.receive().await.expect("the reader meets no error") {
        let event = owned.event().text().expect("the events are text");
        let Message { event_type, id, data, retry } = &expected[used];
        assert_eq!((event.event_type(), event.last_event_id()), (event_type.as_str(), id.as_str()));
        assert_eq!((event.data(), event.retry()), (data.as_str(), *retry));
        used += 1;
        if used == 500 {
            // A consumer that is slow: the reader fills the channel and waits.
            let full = async {
                while !EVENTS.is_full() {
                    Timer::after_millis(1).await;
                }
            };
            with_timeout(SILENCE, full).await.expect("a full channel");
        }
    }
    USED.store(used, Ordering::Relaxed);
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let server = runtime.block_on(axum_server())?;
    let expected = messages().leak();
    let executor = Box::leak(Box::new(Executor::new()));
    let spawn = |spawner: Spawner| {
        spawner.spawn(reader(server).expect("one reader"));
        spawner.spawn(consumer(expected).expect("one consumer"));
    };
    let allocations = allocation_counter::measure(|| executor.run_until(spawn, || USED.load(Ordering::Relaxed) > 0));
    assert_eq!(USED.load(Ordering::Relaxed), expected.len());
    // Some for the host's sockets and timers; one for every twentieth event would be too many.
    assert!(allocations.count_total < 50, "{allocations:?}");
    println!(
        "{} events through embassy's channel of {}, {} allocations, all for the connection",
        expected.len(),
        EVENTS.capacity(),
        allocations.count_total
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use embedded_io_adapters::tokio_1::FromTokio;

    use super::*;

    #[test]
    fn an_overflow_is_reported_once_and_the_rest_of_the_buffer_is_read() {
        let wire = format!("data: {}\n\ndata: a\n\ndata: bc\n\ndata: d\n\n", "x".repeat(LARGEST + 1));
        futures::executor::block_on(read(FromTokio::new(wire.as_bytes()))).unwrap();
        let too_large = EVENTS.try_receive().unwrap();
        assert!(matches!(too_large, Err(Error::Event(ssewire::Error::Overflow(_)))));
        for data in ["a", "bc", "d"] {
            assert_eq!(EVENTS.try_receive().unwrap().unwrap().unwrap().event().data(), data.as_bytes());
        }
        assert!(EVENTS.is_empty());
    }
}
