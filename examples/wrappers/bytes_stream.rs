//! `futures::Stream` over a stream of `Bytes`: reqwest's `bytes_stream()`, the body of a hyper response.
//!
//! The events are owned and share the memory of their chunk, so nothing is copied but events that were split over two
//! chunks, have data of several lines or set the reconnection time; an event that you keep keeps its whole chunk. `poll_next` can be dropped at any point, all state
//! is in the stream. An event over the limit is an error of its own kind, and the stream goes on behind it.

use std::error;
use std::pin::{pin, Pin};
use std::sync::Mutex;
use std::task::{ready, Context, Poll};

use axum::body::Body;
use bytes::{Buf, Bytes};
use futures::{Stream, StreamExt};
use http_body_util::BodyExt;
use ssewire::{GrowableBuffer, Overflow, Parser};
use ssewire_wrappers::owned::OwnedEvent;
use ssewire_wrappers::{assert_all, axum_server, clients, limit_time, messages, Message};

/// Why there is no event.
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
    parser: Parser<GrowableBuffer>,
    last_event_id: Bytes,
}

impl<S> Events<S> {
    /// Events up to `limit` bytes. Memory for those that are split is taken as they need it.
    fn new(chunks: S, limit: usize) -> Events<S> {
        Events { chunks, chunk: Bytes::new(), parser: Parser::with_limit(limit), last_event_id: Bytes::new() }
    }
}

impl<S: Stream<Item = Result<Bytes, E>> + Unpin, E> Stream for Events<S> {
    type Item = Result<OwnedEvent, Error<E>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Events { chunks, chunk, parser, last_event_id } = &mut *self;
        loop {
            let mut rest = &chunk[..];
            let item = match parser.next(&mut rest) {
                Ok(event) => event.map(|event| Ok(OwnedEvent::new(&event, chunk, last_event_id))),
                Err(overflow) => Some(Err(Error::Overflow(overflow))),
            };
            let consumed = chunk.len() - rest.len();
            chunk.advance(consumed);
            if item.is_some() {
                return Poll::Ready(item);
            }
            match ready!(chunks.poll_next_unpin(cx)) {
                Some(Ok(next)) => *chunk = next,
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
    // The whole stream in a single chunk: nothing is split, so just data of several lines and what has a `retry` are copied.
    let whole = clients::hyper_get(address, "/events").await?.collect().await?.to_bytes();
    let whole = read(Body::from(whole).into_data_stream()).await?;
    assert_eq!(whole, Count { chunks: 1, copied: never_lent() });
    println!(
        "1000 events through reqwest ({} copied, {} chunks), hyper ({}, {}) and in one chunk ({})",
        reqwest.copied, reqwest.chunks, hyper.copied, hyper.chunks, whole.copied
    );
    Ok(())
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
        let start = event.data.as_ptr();
        copied += usize::from(!kept.lock().unwrap().iter().any(|chunk| chunk.as_ptr_range().contains(&start)));
        read.push(Message::from(event.text()?));
    }
    assert_all(&read);
    let chunks = kept.lock().unwrap().len();
    // Each border between two chunks splits one event at most.
    assert!(copied >= never_lent() && copied < never_lent() + chunks, "{copied} copied in {chunks} chunks");
    Ok(Count { chunks, copied })
}

/// How many messages have data of several lines or a reconnection time.
fn never_lent() -> usize {
    messages().iter().filter(|message| message.data.contains('\n') || message.retry.is_some()).count()
}

#[cfg(test)]
mod tests {
    use futures::{stream, FutureExt};
    use ssewire::Field;

    use super::*;

    type Item = Result<OwnedEvent, Error<&'static str>>;

    fn events(chunks: impl IntoIterator<Item = Result<Bytes, &'static str>>, limit: usize) -> Vec<Item> {
        Events::new(stream::iter(chunks), limit).collect().now_or_never().expect("nothing to wait for")
    }

    fn data(data: &'static [u8]) -> Item {
        Ok(OwnedEvent { data: Bytes::from_static(data), ..OwnedEvent::default() })
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
    fn fields_are_shared_where_they_lie_in_one_chunk() {
        let wire = Bytes::from_static(b"event: e\nid: 7\ndata: x\n\ndata: y\n\n");
        let shared = |field: &Bytes| wire.as_ptr_range().contains(&field.as_ptr());
        for cut in 0..wire.len() {
            let read = events([Ok(wire.slice(..cut)), Ok(wire.slice(cut..))], 64);
            let [Ok(one), Ok(two)] = &read[..] else { panic!("{read:?}") };
            assert_eq!([&one.data[..], &two.data, &two.last_event_id], [&b"x"[..], b"y", b"7"]);
            // The first event ends at 24: one that is not split is shared.
            assert_eq!(shared(one.wire_event_type.as_ref().unwrap()), cut == 0 || cut >= 24, "cut at {cut}");
            assert_eq!(shared(&one.data), cut == 0 || cut >= 24, "cut at {cut}");
            assert_eq!(shared(&two.data), cut <= 24 || cut >= 33, "cut at {cut}");
            assert_eq!(one.last_event_id.as_ptr(), two.last_event_id.as_ptr());
        }
    }

    #[test]
    fn text_is_checked_as_a_step_of_its_own() {
        let read = events([Ok(Bytes::from_static(b"data: \xff\n\ndata: \xc3\xa9\n\n"))], 8);
        let text: Vec<_> = read.into_iter().map(|event| event.unwrap().text().map(|event| event.data)).collect();
        assert!(text[0].is_err());
        assert_eq!(text[1].as_deref(), Ok("é"));
    }
}
