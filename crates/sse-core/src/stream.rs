use alloc::sync::Arc;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use bytes::Buf;
use futures_core::TryStream;
use futures_core::stream::{FusedStream, Stream};
use pin_project_lite::pin_project;

use crate::{PayloadTooLargeError, SseDecoder, SseEvent};

/// The reason why the stream returned an error and not an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub enum SseStreamError<T> {
    /// A value of an event is larger than the limit. The next event follows.
    #[error("{0}")]
    PayloadTooLarge(PayloadTooLargeError),
    /// The error of the stream beneath.
    #[error("{0}")]
    Inner(#[from] T),
}

/// A `Result` with [`SseStreamError`].
pub type SseStreamResult<T, E> = Result<T, SseStreamError<E>>;

pin_project! {
    /// A stream of events over a stream of buffers, which can be exchanged for another: the last event ID stays.
    ///
    /// Safe to drop between two polls and to poll again after an error: nothing is lost.
    #[derive(Clone)]
    pub struct SseStream<T: TryStream> {
        #[pin]
        inner: Option<T>,
        buf: Option<T::Ok>,
        decoder: SseDecoder,
    }
}

impl<T: TryStream> SseStream<T> {
    /// The events in `inner`.
    #[must_use]
    pub fn new(inner: T) -> Self {
        SseStream { inner: Some(inner), ..SseStream::disconnected() }
    }

    /// A stream that has ended until another is attached.
    #[must_use]
    pub fn disconnected() -> Self {
        SseStream::with_decoder(SseDecoder::new())
    }

    /// The same with a decoder of one's own.
    #[must_use]
    pub fn with_decoder(decoder: SseDecoder) -> Self {
        SseStream { inner: None, buf: None, decoder }
    }

    /// The decoder, ready for the next connection.
    pub fn take_decoder(self) -> SseDecoder {
        let mut decoder = self.decoder;
        decoder.reconnect();
        decoder
    }

    /// Returns whether no stream is attached.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.inner.is_none()
    }

    /// The last event ID: send it as `Last-Event-ID` on reconnecting.
    #[must_use]
    pub fn last_event_id(&self) -> Option<&Arc<str>> {
        self.decoder.last_event_id()
    }

    /// Drops the stream beneath. The last event ID stays.
    pub fn close(&mut self) {
        self.close_with_id(self.last_event_id().cloned());
    }

    /// Drops the stream beneath and the last event ID.
    pub fn close_and_clear(&mut self) {
        self.close_with_id(None);
    }

    /// Drops the stream beneath and sets the last event ID.
    pub fn close_with_id(&mut self, id: Option<Arc<str>>) {
        self.decoder.reconnect_with_id(id);
        (self.inner, self.buf) = (None, None);
    }

    /// Goes on with another stream beneath. The last event ID stays.
    pub fn attach(&mut self, inner: T) {
        self.close();
        self.inner = Some(inner);
    }

    /// Goes on with another stream beneath and no last event ID.
    pub fn clear_and_attach(&mut self, inner: T) {
        self.attach_with_id(inner, None);
    }

    /// Goes on with another stream beneath and another last event ID.
    pub fn attach_with_id(&mut self, inner: T, id: Option<Arc<str>>) {
        self.close_with_id(id);
        self.inner = Some(inner);
    }
}

impl<T: TryStream> Default for SseStream<T> {
    /// As [`SseStream::disconnected`].
    fn default() -> Self {
        SseStream::disconnected()
    }
}

impl<T: TryStream> fmt::Debug for SseStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SseStream")
            .field("is_closed", &self.is_closed())
            .field("decoder", &self.decoder)
            .finish_non_exhaustive()
    }
}

impl<T: TryStream> Stream for SseStream<T>
where
    T::Ok: Buf,
{
    type Item = SseStreamResult<SseEvent, T::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        while let Some(mut inner) = this.inner.as_mut().as_pin_mut() {
            if let Some(found) = this.buf.as_mut().and_then(|buf| this.decoder.next(buf)) {
                return Poll::Ready(Some(found.map_err(SseStreamError::PayloadTooLarge)));
            }
            *this.buf = ready!(inner.as_mut().try_poll_next(context)?);
            if this.buf.is_none() {
                this.inner.set(None);
            }
        }
        Poll::Ready(None)
    }
}

impl<T: TryStream> FusedStream for SseStream<T>
where
    T::Ok: Buf,
{
    fn is_terminated(&self) -> bool {
        self.is_closed()
    }
}
