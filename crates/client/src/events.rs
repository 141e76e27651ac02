//! The events of one body.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use futures_core::Stream;
use ssewire::{EventBytes, GrowableBuffer, Parser};

use crate::{Error, Event, LIMIT};

/// The events of one body, as a [`Stream`]: of any stream of [`Bytes`], of a response of reqwest, of any `http_body::Body`.
///
/// An event is borrowed from the chunk that it came in, if it is complete there. An event that is larger than the limit is an
/// [`Error::TooLarge`], and the next event follows. After an error of the body the stream ends. An event that the end of the
/// body cuts off is discarded, as the standard says; [`take_unfinished`](EventStream::take_unfinished) returns it.
///
/// It does not reconnect: `EventSource` does. It reads a chunk only when the events of the one before are taken.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use futures_util::stream;
/// use ssewire_client::EventStream;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let chunks = ["event: greeting\ndata: hel", "lo\n\n"].map(|chunk| Ok::<_, std::io::Error>(Bytes::from(chunk)));
/// let mut events = EventStream::new(stream::iter(chunks));
/// let event = events.next().await.unwrap()?;
/// assert_eq!((event.event_type(), event.data()), (&b"greeting"[..], &b"hello"[..]));
/// assert!(events.next().await.is_none());
/// # Ok::<(), ssewire_client::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "SseStream")]
#[doc(alias = "bytes_stream")]
#[derive(Debug)]
pub struct EventStream<S> {
    body: Option<S>,
    parser: Parser<GrowableBuffer>,
    /// The rest of the chunk.
    chunk: Bytes,
}

impl<S> EventStream<S> {
    /// Returns the events of `body`, of at most [`LIMIT`] bytes each.
    pub fn new(body: S) -> EventStream<S> {
        EventStream::with_limit(body, LIMIT)
    }

    /// Returns the events of `body`, of at most `limit` bytes each: data, event type and ID, and the last event ID before.
    pub fn with_limit(body: S, limit: usize) -> EventStream<S> {
        EventStream { body: Some(body), parser: Parser::with_limit(limit), chunk: Bytes::new() }
    }

    /// Returns the last event ID, set by the events so far; empty without one.
    #[must_use]
    pub fn last_event_id(&self) -> &[u8] {
        self.parser.last_event_id().unwrap_or_default()
    }

    /// Returns the reconnection time that the stream set, in milliseconds.
    #[must_use]
    pub fn reconnection_time_ms(&self) -> Option<u64> {
        self.parser.reconnection_time_ms()
    }

    /// Returns the event that the end of the body cut off, for servers that leave out the last blank line.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] if its last line does not fit.
    pub fn take_unfinished(&mut self) -> Result<Option<Event>, Error> {
        Ok(self.parser.take_unfinished()?.map(EventBytes::from))
    }

    fn next_in_chunk(&mut self) -> Option<Result<Event, Error>> {
        let mut input = &self.chunk[..];
        let event = match self.parser.next(&mut input) {
            Ok(event) => event.map(|event| Ok(EventBytes::new(&event, &self.chunk))),
            Err(overflow) => Some(Err(overflow.into())),
        };
        let consumed = self.chunk.len() - input.len();
        self.chunk.advance(consumed);
        event
    }
}

impl<S, E> EventStream<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// Returns the next event, or `None` at the end. Safe to cancel. The same as its [`Stream`].
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] concerns one event; call again. After [`Error::Body`] nothing follows.
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<S, E> Stream for EventStream<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        loop {
            if let Some(event) = self.next_in_chunk() {
                return Poll::Ready(Some(event));
            }
            let Some(body) = &mut self.body else { return Poll::Ready(None) };
            match ready!(Pin::new(body).poll_next(cx)) {
                Some(Ok(chunk)) => self.chunk = chunk,
                end => {
                    self.body = None;
                    return Poll::Ready(end.and_then(Result::err).map(|error| Err(Error::Body(error.into()))));
                }
            }
        }
    }
}

#[cfg(feature = "reqwest")]
impl EventStream<Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>> {
    /// Returns the events of a response, after a look at its status, type and content coding.
    ///
    /// # Errors
    ///
    /// [`Error::Response`], with the start of the body, if the status is not 200, the type not `text/event-stream`, or the body
    /// has a content coding. [`Error::Body`] if that body cannot be read.
    pub async fn from_response(response: reqwest::Response) -> Result<Self, Error> {
        if crate::source::head(&response).is_event_stream() {
            return Ok(EventStream::new(Box::pin(response.bytes_stream())));
        }
        Err(Error::Response(crate::source::failed(response).await))
    }
}

#[cfg(feature = "http-body")]
pub use body::BodyChunks;

#[cfg(feature = "http-body")]
mod body {
    use std::pin::Pin;
    use std::task::{Context, Poll, ready};

    use bytes::Bytes;
    use futures_core::Stream;
    use http_body::Body;

    use super::EventStream;

    impl<B: Body<Data = Bytes> + Unpin> EventStream<BodyChunks<B>> {
        /// Returns the events of a body, such as hyper's `Incoming`. The caller has looked at the head of the response.
        pub fn from_body(body: B) -> Self {
            EventStream::new(BodyChunks(body))
        }
    }

    /// The data of an [`http_body::Body`], as a stream; made by [`EventStream::from_body`].
    #[derive(Debug)]
    pub struct BodyChunks<B>(B);

    impl<B: Body<Data = Bytes> + Unpin> Stream for BodyChunks<B> {
        type Item = Result<Bytes, B::Error>;

        fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            loop {
                match ready!(Pin::new(&mut self.0).poll_frame(cx)) {
                    // Trailers are not part of the stream.
                    Some(Ok(frame)) => {
                        if let Ok(data) = frame.into_data() {
                            return Poll::Ready(Some(Ok(data)));
                        }
                    }
                    Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                    None => return Poll::Ready(None),
                }
            }
        }
    }
}
