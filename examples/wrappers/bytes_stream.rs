//! `futures::Stream` over a stream of `Bytes`: reqwest's `bytes_stream()`, the body of a hyper response.
//!
//! The events are owned: each is a part of its chunk, or one allocation if it was split over two chunks, has data of several
//! lines, or sets the reconnection time. An event that is kept keeps its chunk; `EventBytes` has the limit for that. `poll_next`
//! can be dropped at any point, since all state is in the stream. An event over the limit is an error of its own kind, and the
//! stream goes on after it. The last event ID stays with the parser; `Events::last_event_id` returns it.

use std::convert::Infallible;
use std::error;
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use http_body_util::BodyExt;
use ssewire::{EventBytes, GrowableBuffer, Overflow, Parser};
use ssewire_wrappers::{Message, assert_all, axum_server, clients, limit_time, messages};

/// The reason why the stream returned an error and not an event.
#[derive(Debug, PartialEq, thiserror::Error)]
enum Error<E> {
    /// It was larger than the limit and is skipped.
    #[error(transparent)]
    Overflow(Overflow),
    /// The stream of bytes failed.
    #[error("the event stream broke")]
    Source(#[source] E),
}

/// The events of a stream of chunks.
struct Events<S> {
    chunks: S,
    chunk: Bytes,
    /// The bytes of the chunk that were read.
    used: usize,
    parser: Parser<GrowableBuffer>,
}

impl<S> Events<S> {
    /// Events up to `limit` bytes. Memory for those that are split is taken as they need it.
    fn new(chunks: S, limit: usize) -> Events<S> {
        Events { chunks, chunk: Bytes::new(), used: 0, parser: Parser::with_limit(limit) }
    }

    /// Returns the last event ID, to go on from after a reconnect.
    fn last_event_id(&self) -> Option<&[u8]> {
        self.parser.last_event_id()
    }
}

impl<S: Stream<Item = Result<Bytes, E>> + Unpin, E> Stream for Events<S> {
    type Item = Result<EventBytes, Error<E>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Events { chunks, chunk, used, parser } = &mut *self;
        loop {
            let mut rest = chunk.get(*used..).unwrap_or_default();
            let item = match parser.next(&mut rest) {
                Ok(event) => event.map(|event| Ok(EventBytes::new(&event, chunk))),
                Err(overflow) => Some(Err(Error::Overflow(overflow))),
            };
            *used = chunk.len() - rest.len();
            if item.is_some() {
                return Poll::Ready(item);
            }
            match ready!(chunks.poll_next_unpin(cx)) {
                Some(Ok(next)) => (*chunk, *used) = (next, 0),
                Some(Err(error)) => return Poll::Ready(Some(Err(Error::Source(error)))),
                None => return Poll::Ready(None),
            }
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn error::Error>> {
    limit_time();
    let address = axum_server().await?;
    let response = reqwest::get(format!("http://{address}/events")).await?.error_for_status()?;
    let reqwest = read(response.bytes_stream()).await?;
    let hyper = read(clients::hyper_get(address, "/events").await?.into_data_stream()).await?;
    // In chunks of complete events: none is split, so only data of several lines and events with a `retry` are copied.
    let whole = clients::hyper_get(address, "/events").await?.collect().await?.to_bytes();
    let whole = read(stream::iter(complete_events(whole).into_iter().map(Ok::<_, Infallible>))).await?;
    assert_eq!(whole.copied, never_borrowed());
    println!(
        "1000 events through reqwest ({} copied, {} chunks), hyper ({}, {}) and in chunks of complete events ({}, {})",
        reqwest.copied, reqwest.chunks, hyper.copied, hyper.chunks, whole.copied, whole.chunks
    );
    Ok(())
}

/// The stream in chunks that end with an event, no longer than those that are shared with small events.
fn complete_events(mut stream: Bytes) -> Vec<Bytes> {
    let mut chunks = Vec::new();
    while !stream.is_empty() {
        let front = &stream[..stream.len().min(EventBytes::SHARED)];
        let end = front.windows(2).rposition(|end| end == b"\n\n").map_or(front.len(), |at| at + 2);
        chunks.push(stream.split_to(end));
    }
    chunks
}

#[derive(Debug, PartialEq)]
struct Count {
    chunks: usize,
    copied: usize,
}

/// Reads and checks all messages, and counts those whose data does not lie in a chunk.
async fn read<E: error::Error + 'static>(
    chunks: impl Stream<Item = Result<Bytes, E>>,
) -> Result<Count, Box<dyn error::Error>> {
    // All chunks are kept, so that no memory is used twice and an address tells where a field lies.
    let kept = Mutex::new(Vec::<Bytes>::new());
    let chunks = pin!(chunks.inspect(|chunk| kept.lock().unwrap().extend(chunk.as_ref().ok().cloned())));
    let mut events = Events::new(chunks, 64 << 10);
    let (mut read, mut copied) = (Vec::new(), 0);
    while let Some(event) = events.next().await {
        let event = event?;
        let start = event.data().as_ptr();
        copied += usize::from(!kept.lock().unwrap().iter().any(|chunk| chunk.as_ptr_range().contains(&start)));
        read.push(Message::from(event.text()?));
    }
    assert_all(&read);
    assert_eq!(events.last_event_id(), Some(&b"999"[..]));
    let chunks = kept.lock().unwrap().len();
    // Each border between two chunks splits one event at most.
    assert!(copied >= never_borrowed() && copied < never_borrowed() + chunks, "{copied} copied in {chunks} chunks");
    Ok(Count { chunks, copied })
}

/// How many messages have data of several lines or a reconnection time.
fn never_borrowed() -> usize {
    messages().iter().filter(|message| message.data.contains('\n') || message.retry.is_some()).count()
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use ssewire::Field;

    use super::*;

    type Item = Result<EventBytes, Error<&'static str>>;

    fn events(chunks: impl IntoIterator<Item = Result<Bytes, &'static str>>, limit: usize) -> Vec<Item> {
        Events::new(stream::iter(chunks), limit).collect().now_or_never().expect("nothing to wait for")
    }

    fn data(data: &'static [u8]) -> Item {
        let stream = [b"data: ", data, b"\n\n"].concat();
        Ok(EventBytes::from(Parser::with_limit(64).next(&mut &stream[..]).unwrap().unwrap()))
    }

    #[test]
    fn an_overflow_is_told_from_an_error_of_the_source_and_the_stream_goes_on() {
        let wire = b"data: 1\n\ndata: nine byte\n\ndata: 2\n\ndata: cut";
        for cut in 0..wire.len() {
            let (head, tail) = wire.split_at(cut);
            let read = events([Ok(head.into()), Ok(tail.into()), Err("broken"), Ok("\n\n".into())], 8);
            let [one, Err(Error::Overflow(overflow)), two, broken, three] = &read[..] else { panic!("{read:?}") };
            assert!(matches!(overflow, Overflow { field: Field::Data, capacity: 8, .. }));
            assert_eq!([one, two, broken], [&data(b"1"), &data(b"2"), &Err(Error::Source("broken"))]);
            assert_eq!(three, &data(b"cut"));
        }
    }

    #[test]
    fn an_overflow_is_reported_once_and_the_rest_of_the_chunk_is_read() {
        let read = events([Ok(Bytes::from_static(b"data: nine byte\n\ndata: a\n\ndata: bc\n\ndata: d\n\n"))], 8);
        let overflow = Overflow { field: Field::Data, needed: 9, capacity: 8 };
        assert_eq!(read, [Err(Error::Overflow(overflow)), data(b"a"), data(b"bc"), data(b"d")]);
    }

    #[test]
    fn an_event_that_lies_in_one_chunk_is_shared() {
        let wire = Bytes::from_static(b"event: e\nid: 7\ndata: x\n\ndata: y\n\n");
        let shared = |value: &[u8]| wire.as_ptr_range().contains(&value.as_ptr());
        for cut in 0..wire.len() {
            let read = events([Ok(wire.slice(..cut)), Ok(wire.slice(cut..))], 64);
            let [Ok(one), Ok(two)] = &read[..] else { panic!("{read:?}") };
            assert_eq!([one.data(), two.data()], [b"x", b"y"]);
            assert_eq!([one.id(), two.id()], [Some(&b"7"[..]), None]);
            // The first event ends at 24: one that is not split is shared.
            for value in [one.wire_event_type().unwrap(), one.id().unwrap(), one.data()] {
                assert_eq!(shared(value), cut == 0 || cut >= 24, "cut at {cut}");
            }
            assert_eq!(shared(two.data()), cut <= 24 || cut >= 33, "cut at {cut}");
        }
    }

    #[test]
    fn text_is_checked_as_a_step_of_its_own() {
        let read = events([Ok(Bytes::from_static(b"data: \xff\n\ndata: \xc3\xa9\n\n"))], 8);
        let text: Vec<_> = read.iter().map(|event| event.as_ref().unwrap().text().map(|event| event.data())).collect();
        assert!(text[0].is_err());
        assert_eq!(text[1], Ok("é"));
    }
}
