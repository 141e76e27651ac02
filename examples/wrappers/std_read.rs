//! `std::io::Read`: a blocking client on a `TcpStream`, against a server in axum.
//!
//! Nothing is allocated for an event, which is borrowed from the receive buffer or the parser's. After an error of the source,
//! such as a timeout, the next call goes on where it was.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use ssewire::client::Head;
use ssewire::{Event, Parser};
use ssewire_wrappers::{Message, assert_all, axum_server, limit_time};

/// Reads events of up to 8 KB from anything that reads bytes.
struct Events<R> {
    source: R,
    parser: Parser<[u8; 8192]>,
    buf: [u8; 4096],
    start: usize,
    end: usize,
}

impl<R: Read> Events<R> {
    fn new(source: R) -> Self {
        Events { source, parser: Parser::new(), buf: [0; 4096], start: 0, end: 0 }
    }

    /// Returns the next event, or `None` at the end of the stream. After an overflow the next call returns the next event.
    fn next(&mut self) -> io::Result<Option<Event<'_>>> {
        loop {
            let from = self.start;
            let progress = self.parser.feed(&self.buf[from..self.end]);
            self.start += progress.consumed;
            if let Some(found) = progress.result.map_err(io::Error::other)? {
                return Ok(Some(self.parser.event(found, &self.buf[from..self.end])));
            }
            (self.start, self.end) = (0, self.source.read(&mut self.buf)?);
            if self.end == 0 {
                return Ok(None);
            }
        }
    }
}

/// Reads the head of a response, of at most 8 KB, and returns an error unless an event stream follows.
fn expect_event_stream(source: &mut impl Read) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        source.read_exact(&mut byte)?;
        head.push(byte[0]);
        if head.len() > 8192 {
            return Err(io::Error::other("the head of the response is longer than 8 KB"));
        }
    }
    match Head::parse(&head) {
        Some((head, _)) if head.is_event_stream() => Ok(()),
        Some((head, _)) => Err(io::Error::other(format!("not an event stream, status {}", head.status()))),
        None => Err(io::Error::other("not a response")),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    limit_time();
    let runtime = tokio::runtime::Runtime::new()?;
    let mut connection = TcpStream::connect(runtime.block_on(axum_server())?)?;
    // HTTP/1.0: no chunked transfer coding, so what follows the head is the event stream itself.
    connection.write_all(b"GET /events HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n")?;
    expect_event_stream(&mut connection)?;
    let mut events = Events::new(connection);
    let mut read = Vec::new();
    while let Some(event) = events.next()? {
        read.push(Message::from(event.text()?));
    }
    assert_all(&read);
    println!("{} events over a TcpStream", read.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use ssewire_wrappers::messages;

    use super::*;

    #[test]
    fn a_response_that_is_not_an_event_stream_is_an_error() {
        assert!(
            expect_event_stream(&mut &b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata"[..]).is_ok()
        );
        for (head, error) in [
            (&b"HTTP/1.0 503 Busy\r\n\r\n"[..], "not an event stream, status 503"),
            (b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n", "not an event stream, status 200"),
            (b"SSH-2.0\r\n\r\n", "not an event stream, status 0"),
            (b"HTTP/1.0 200 OK\r\n", "failed to fill whole buffer"),
            (&[b'x'; 9000], "the head of the response is longer than 8 KB"),
        ] {
            assert_eq!(expect_event_stream(&mut &head[..]).unwrap_err().to_string(), error);
        }
    }

    /// Times out before each read of up to `limit` bytes.
    struct Slow<'w> {
        wire: &'w [u8],
        limit: usize,
        timed_out: bool,
    }

    impl Read for Slow<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.timed_out = !self.timed_out;
            if self.timed_out {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let len = self.limit.min(buf.len());
            self.wire.read(&mut buf[..len])
        }
    }

    #[test]
    fn after_a_timeout_or_an_overflow_it_goes_on() {
        let messages = &messages()[..100];
        let mut wire = format!("data: {}\n\n", "x".repeat(9000));
        wire.extend(messages.iter().map(|message| message.frame().unwrap().to_string()));
        for limit in [1, 2, 3, 1000, 4096] {
            let mut events = Events::new(Slow { wire: wire.as_bytes(), limit, timed_out: false });
            let (mut read, mut overflows) = (Vec::new(), 0);
            loop {
                match events.next() {
                    Ok(Some(event)) => read.push(Message::from(event.text().unwrap())),
                    Ok(None) => break,
                    Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
                    Err(_) => overflows += 1,
                }
            }
            assert_eq!((&read[..], overflows), (messages, 1), "reads of {limit} bytes");
        }
    }

    #[test]
    fn an_overflow_is_reported_once_and_the_rest_of_the_buffer_is_read() {
        let wire = format!("data: {}\n\ndata: a\n\ndata: bc\n\ndata: d\n\n", "x".repeat(8193));
        let mut events = Events::new(wire.as_bytes());
        assert!(events.next().unwrap_err().get_ref().unwrap().is::<ssewire::Overflow>());
        for data in ["a", "bc", "d"] {
            assert_eq!(events.next().unwrap().unwrap().data(), data.as_bytes());
        }
        assert!(events.next().unwrap().is_none());
    }
}
