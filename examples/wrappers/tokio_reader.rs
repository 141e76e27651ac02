//! `tokio::io::AsyncRead`: an async client, here on the body of a response from axum.
//!
//! Nothing is allocated for an event, which is borrowed from the receive buffer or the parser's. `next` is safe to cancel: it
//! waits only in `read`, which has taken nothing when it is dropped there, and by then all that came before is parsed.

use std::future::ready;
use std::io;

use futures::TryStreamExt;
use futures_test::io::AsyncReadTestExt;
use http_body_util::BodyExt;
use ssewire::{Event, Parser};
use ssewire_wrappers::{Message, assert_all, axum_server, clients, limit_time};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::compat::{FuturesAsyncReadCompatExt, TokioAsyncReadCompatExt};
use tokio_util::io::StreamReader;

/// Reads events of up to 8 KB from anything that reads bytes. It is 12 KB itself: box it where futures should be small.
struct Events<R> {
    source: R,
    parser: Parser<[u8; 8192]>,
    buf: [u8; 4096],
    start: usize,
    end: usize,
}

impl<R: AsyncRead + Unpin> Events<R> {
    fn new(source: R) -> Self {
        Events { source, parser: Parser::new(), buf: [0; 4096], start: 0, end: 0 }
    }

    /// Returns the next event, or `None` at the end of the stream. After an overflow the next call returns the next event.
    async fn next(&mut self) -> io::Result<Option<Event<'_>>> {
        loop {
            let from = self.start;
            let progress = self.parser.feed(&self.buf[from..self.end]);
            self.start += progress.consumed;
            if let Some(found) = progress.result.map_err(io::Error::other)? {
                return Ok(Some(self.parser.event(found, &self.buf[from..self.end])));
            }
            // Here `start` is `end`: dropped while it waits, there is nothing to lose and nothing to read twice.
            (self.start, self.end) = (0, self.source.read(&mut self.buf).await?);
            if self.end == 0 {
                return Ok(None);
            }
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    limit_time();
    let body = clients::hyper_get(axum_server().await?, "/events").await?;
    let body = StreamReader::new(body.into_data_stream().map_err(io::Error::other));
    // Pending before every read, in pieces that split many events, and `next` is dropped each time.
    let mut events = Events::new(body.compat().interleave_pending().limited(100).compat());
    let (mut read, mut dropped) = (Vec::new(), 0);
    loop {
        tokio::select! {
            biased;
            event = events.next() => match event? {
                Some(event) => read.push(Message::from(event.text()?)),
                None => break,
            },
            () = ready(()) => {
                dropped += 1;
                tokio::task::yield_now().await;
            }
        }
    }
    assert_all(&read);
    assert!(dropped > read.len(), "dropped only {dropped} times");
    println!("{} events through hyper, next() dropped at every await", read.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use allocation_counter::measure;
    use futures::FutureExt;
    use proptest::prelude::*;
    use ssewire_wrappers::messages;

    use super::*;

    /// The messages on the wire, with each kind of line end in turn.
    fn wire(messages: &[Message]) -> String {
        let frames = messages.iter().map(|message| message.frame().unwrap().to_string());
        frames.enumerate().map(|(i, frame)| frame.replace('\n', ["\n", "\r\n", "\r"][i % 3])).collect()
    }

    /// All that `events` reads; at each `await` a call of `next` is dropped if `drops` says so, else polled again.
    fn read<R: AsyncRead + Unpin>(mut events: Events<R>, mut drops: impl FnMut() -> bool) -> Vec<Message> {
        let mut read = Vec::new();
        loop {
            let mut next = Box::pin(events.next());
            let event = loop {
                match next.as_mut().now_or_never() {
                    None if drops() => break None,
                    None => {}
                    Some(event) => break Some(event.unwrap()),
                }
            };
            match event {
                None => {}
                Some(Some(event)) => read.push(event.text().unwrap().into()),
                Some(None) => return read,
            }
        }
    }

    /// Pending before each read of up to `limit` bytes.
    fn pending(wire: &str, limit: usize) -> impl AsyncRead + Unpin + '_ {
        wire.as_bytes().interleave_pending().limited(limit).compat()
    }

    #[test]
    fn dropped_at_every_await_nothing_is_lost_or_doubled() {
        let messages = messages();
        let messages = &messages[..100];
        let wire = wire(messages);
        for limit in (1..64).chain([1000, 4096, 5000]) {
            let mut dropped = 0;
            let read = read(Events::new(pending(&wire, limit)), || {
                dropped += 1;
                true
            });
            assert_eq!(read, messages, "reads of {limit} bytes");
            // Once before each read, that of the end included.
            assert_eq!(dropped, wire.len().div_ceil(limit.min(4096)) + 1);
        }
    }

    proptest! {
        #[test]
        fn dropped_at_some_awaits_nothing_is_lost_or_doubled(
            from in 0..992_usize,
            limit in 1..200_usize,
            drops in prop::collection::vec(any::<bool>(), 1..32),
        ) {
            let messages = messages();
            let messages = &messages[from..from + 8];
            let mut drops = drops.iter().copied().cycle();
            let read = read(Events::new(pending(&wire(messages), limit)), || drops.next().unwrap());
            prop_assert_eq!(read, messages);
        }
    }

    #[test]
    fn nothing_is_allocated() {
        let wire = wire(&messages());
        let mut events = Box::new(Events::new(wire.as_bytes()));
        let mut read = 0;
        let allocations = measure(|| {
            while let Some(Ok(Some(_))) = events.next().now_or_never() {
                read += 1;
            }
        });
        assert_eq!((read, allocations.count_total), (1000, 0));
    }

    #[test]
    fn behind_an_overflow_and_an_error_of_the_source_it_goes_on() {
        let mut large = "x".repeat(9000);
        large.insert_str(0, "data: 1\n\ndata: ");
        let source = in_turn(&[Ok(&large), Err(io::ErrorKind::Interrupted), Ok("\n\ndata: 2\n\n")]);
        let mut events = Events::new(source);
        let mut next = || events.next().now_or_never().unwrap().map(|event| event.map(|event| event.data().to_vec()));
        assert_eq!(next().unwrap().unwrap(), b"1");
        assert!(next().unwrap_err().get_ref().unwrap().is::<ssewire::Overflow>());
        assert_eq!(next().unwrap_err().kind(), io::ErrorKind::Interrupted);
        assert_eq!(next().unwrap().unwrap(), b"2");
        assert!(next().unwrap().is_none());
    }

    #[test]
    fn an_overflow_is_reported_once_and_the_rest_of_the_buffer_is_read() {
        let wire = format!("data: {}\n\ndata: a\n\ndata: bc\n\ndata: d\n\n", "x".repeat(8193));
        let mut events = Events::new(wire.as_bytes());
        let mut next = || events.next().now_or_never().unwrap().map(|event| event.map(|event| event.data().to_vec()));
        assert!(next().unwrap_err().get_ref().unwrap().is::<ssewire::Overflow>());
        for data in ["a", "bc", "d"] {
            assert_eq!(next().unwrap().unwrap(), data.as_bytes());
        }
        assert!(next().unwrap().is_none());
    }

    /// A source that gives these in turn.
    fn in_turn(parts: &[Result<&str, io::ErrorKind>]) -> impl AsyncRead + Unpin + use<> {
        let mut source = tokio_test::io::Builder::new();
        for part in parts {
            match part {
                Ok(bytes) => source.read(bytes.as_bytes()),
                Err(kind) => source.read_error((*kind).into()),
            };
        }
        source.build()
    }
}
