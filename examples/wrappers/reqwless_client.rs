//! `embedded_io_async::Read`: a client for devices, without an allocation, on the HTTP client `reqwless` over any
//! network stack with the traits of `embedded-nal-async` (as `embassy-net`; here that of the host), against a server in
//! axum.
//!
//! Only events that the receive buffer splits are copied. `next` may be dropped while it waits wherever the source's `read`
//! may. That of a TCP socket may; that of `reqwless` may not, as it forgets the part of a chunk's size that it has read:
//! after a timeout around `next`, connect again. The parser is borrowed, since it outlives a connection.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use embedded_io_adapters::tokio_1::FromTokio;
use embedded_io_async::Read;
use embedded_nal_async::{AddrType, Dns, TcpConnect};
use reqwless::client::HttpClient;
use reqwless::request::{Method, RequestBuilder};
use ssewire::{Event, Overflow};
use ssewire_wrappers::{Message, assert_all, axum_server};
use tokio::net::TcpStream;

/// The largest event of the thousand takes 6991 bytes. A device that knows its server takes less.
type Parser = ssewire::Parser<[u8; 8192]>;

/// Reads events from anything that reads bytes.
struct Events<'p, R> {
    source: R,
    parser: &'p mut Parser,
    buf: [u8; 512],
    start: usize,
    end: usize,
}

#[derive(Debug, thiserror::Error)]
enum Error<E> {
    #[error("the connection: {0:?}")]
    Read(E),
    #[error(transparent)]
    Overflow(#[from] Overflow),
}

impl<'p, R: Read> Events<'p, R> {
    /// Reads a connection that has just begun; the last event ID that `parser` has from the one before stays.
    fn new(source: R, parser: &'p mut Parser) -> Self {
        parser.reset();
        Events { source, parser, buf: [0; 512], start: 0, end: 0 }
    }

    /// The next event; `None` at the end of the stream. After an event that is too large it goes on with the next.
    async fn next(&mut self) -> Result<Option<Event<'_>>, Error<R::Error>> {
        loop {
            let from = self.start;
            let progress = self.parser.feed(&self.buf[from..self.end]);
            self.start += progress.consumed;
            if let Some(found) = progress.result? {
                return Ok(Some(self.parser.event(found, &self.buf[from..self.end])));
            }
            // Empty first: were the future dropped while it waits, old bytes would be read again.
            (self.start, self.end) = (0, 0);
            self.end = self.source.read(&mut self.buf).await.map_err(Error::Read)?;
            if self.end == 0 {
                return Ok(None);
            }
        }
    }
}

/// The host's network. `reqwless` reads into an empty buffer after the last chunk: a stack must answer that at once, as
/// tokio's adapter does and `std-embedded-nal-async` 0.4 does not.
struct Host;

impl TcpConnect for Host {
    type Error = std::io::Error;
    type Connection<'a> = FromTokio<TcpStream>;

    async fn connect<'a>(&'a self, remote: SocketAddr) -> std::io::Result<Self::Connection<'a>> {
        Ok(FromTokio::new(TcpStream::connect(remote).await?))
    }
}

impl Dns for Host {
    type Error = std::io::Error;

    async fn get_host_by_name(&self, host: &str, _: AddrType) -> std::io::Result<IpAddr> {
        let mut addresses = tokio::net::lookup_host((host, 0)).await?;
        addresses.next().map(|address| address.ip()).ok_or(std::io::ErrorKind::NotFound.into())
    }

    async fn get_host_by_address(&self, _: IpAddr, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

async fn read(url: &str) -> Result<Vec<Message>, Box<dyn std::error::Error>> {
    let mut client = HttpClient::new(&Host, &Host);
    let mut parser = Parser::new();
    let mut head = [0; 1024];
    let request = client.request(Method::GET, url).await.map_err(|error| format!("{error:?}"))?;
    let mut request = request.headers(&[("Accept", "text/event-stream")]);
    let response = request.send(&mut head).await.map_err(|error| format!("{error:?}"))?;
    assert!(response.status.is_successful());
    let mut events = Events::new(response.body().reader(), &mut parser);
    let mut read = Vec::new();
    while let Some(event) = events.next().await? {
        read.push(Message::from(event.text()?));
    }
    assert_eq!(parser.last_event_id(), Some(&b"999"[..]));
    Ok(read)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = format!("http://{}/events", axum_server().await?);
    let read = tokio::time::timeout(Duration::from_secs(9), read(&url)).await??;
    assert_all(&read);
    println!("{} events over reqwless, chunks decoded by it", read.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    /// One byte at a time, and every other time nothing yet.
    struct Slow<'a>(&'a [u8], bool);

    impl embedded_io_async::ErrorType for Slow<'_> {
        type Error = core::convert::Infallible;
    }

    impl Read for Slow<'_> {
        async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Self::Error> {
            self.1 = !self.1;
            if self.1 {
                return core::future::pending().await;
            }
            let Some((&byte, rest)) = self.0.split_first() else { return Ok(0) };
            (buf[0], self.0) = (byte, rest);
            Ok(1)
        }
    }

    #[test]
    fn dropped_wherever_it_waits_nothing_is_lost_or_read_twice() {
        let mut parser = Parser::new();
        let mut events = Events::new(Slow(b"data: 1\r\n\r\ndata: 2\n\n", false), &mut parser);
        let (mut data, mut dropped) = (Vec::new(), 0);
        loop {
            match events.next().now_or_never() {
                None => dropped += 1,
                Some(Ok(Some(event))) => data.push(event.data().to_vec()),
                Some(end) => break assert!(matches!(end, Ok(None))),
            }
        }
        assert_eq!((data, dropped), (vec![b"1".to_vec(), b"2".to_vec()], 21));
    }

    #[test]
    fn an_event_that_is_too_large_is_reported_once_and_those_after_it_are_read() {
        let mut parser = Parser::new();
        let stream = format!("data: {}\n\ndata: a\n\ndata: bc\n\ndata: d\n\n", "x".repeat(8193));
        let mut events = Events::new(stream.as_bytes(), &mut parser);
        let error = events.next().now_or_never().unwrap().unwrap_err();
        assert!(matches!(error, Error::Overflow(Overflow { capacity: 8192, .. })));
        for data in ["a", "bc", "d"] {
            assert_eq!(events.next().now_or_never().unwrap().unwrap().unwrap().data(), data.as_bytes());
        }
        assert!(events.next().now_or_never().unwrap().unwrap().is_none());
    }

    #[test]
    fn the_last_event_id_stays_for_the_next_connection_and_what_was_unfinished_does_not() {
        let mut parser = Parser::new();
        let mut events = Events::new(&b"id: 7\ndata: 1\n\nid: 8\ndata: unfini"[..], &mut parser);
        while events.next().now_or_never().unwrap().unwrap().is_some() {}
        let mut events = Events::new(&b"data: 2\n\n"[..], &mut parser);
        let event = events.next().now_or_never().unwrap().unwrap().unwrap();
        assert_eq!((event.data(), event.last_event_id()), (&b"2"[..], &b"7"[..]));
    }
}
