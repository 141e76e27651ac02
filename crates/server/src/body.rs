//! The body of a response.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};

use crate::hub::Inner;
use crate::log::{After, AnyPage, Page, encode};
use crate::state::Next;
use crate::task;

/// The body of a response: a stream of a [`Hub`](crate::Hub), as an [`http_body::Body`] for hyper 1, axum and whatever builds on
/// them.
///
/// Each chunk has all events that are ready, up to the [limit](crate::Builder::chunk), and ends with an event. It ends only when
/// the hub is [shut down](crate::Hub::shutdown) or its last clone is dropped, or with an error of the [log](crate::Log) that it
/// is caught up from; the client then comes back with its last event ID.
#[doc(alias = "Sse")]
#[must_use = "a body does nothing unless it is polled"]
pub struct EventBody {
    hub: Arc<Inner>,
    key: usize,
    /// Present while it is caught up from the log.
    catch_up: Option<Box<CatchUp>>,
}

struct CatchUp {
    /// The ID of the last event that was written.
    id: String,
    reading: Option<Pin<Box<dyn Future<Output = AnyPage> + Send>>>,
}

impl EventBody {
    /// Returns the body of a reader; with an ID, one that is to be caught up after that.
    pub(crate) fn new(hub: Arc<Inner>, key: usize, behind: Option<&[u8]>) -> EventBody {
        let catch_up = behind.map(|id| {
            let id = String::from_utf8_lossy(id).into_owned();
            Box::new(CatchUp { id, reading: None })
        });
        EventBody { hub, key, catch_up }
    }

    /// Reads pages of the log until the ring holds the ID of the last event written: the frame after that is the next one, so
    /// none is lost or doubled between the two.
    fn poll_catch_up(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        while let Some(catch_up) = &mut self.catch_up {
            let Some(reading) = &mut catch_up.reading else {
                if self.hub.lock().resume(self.key, catch_up.id.as_bytes()) {
                    self.catch_up = None;
                    break;
                }
                let Some(log) = self.hub.log.get().cloned() else { return Poll::Ready(None) };
                let id = catch_up.id.clone();
                catch_up.reading = Some(Box::pin(async move { log.read(After::Id(&id), PAGE).await }));
                continue;
            };
            let page = ready!(reading.as_mut().poll(cx));
            catch_up.reading = None;
            match page {
                Ok(Page::Entries(entries)) => {
                    if let Some(last) = entries.last() {
                        catch_up.id.clone_from(&last.id);
                        let mut chunk = Vec::new();
                        entries.iter().for_each(|entry| {
                            encode(entry, |frame| {
                                frame.parts().for_each(|part| chunk.extend_from_slice(part));
                            })
                        });
                        return Poll::Ready(Some(chunk.into()));
                    }
                    // The ring lags the log a little: it has the ID soon, and wakes the reader then.
                    let mut state = self.hub.lock();
                    if state.closing.is_some() {
                        return Poll::Ready(None);
                    }
                    if state.resume(self.key, catch_up.id.as_bytes()) {
                        drop(state);
                        self.catch_up = None;
                        break;
                    }
                    if let Some(reader) = state.readers.get_mut(self.key) {
                        reader.wait(cx);
                    }
                    return Poll::Pending;
                }
                Ok(Page::Gone) => {
                    self.hub.lock().resume_with_gap(self.key);
                    self.catch_up = None;
                }
                // The client comes back with its ID.
                Err(_) => return Poll::Ready(None),
            }
        }
        Poll::Ready(Some(Bytes::new()))
    }
}

/// Entries of the log that are read at a time.
const PAGE: usize = 200;

impl Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let body = &mut *self;
        if body.catch_up.is_some() {
            // The part before the events is written first.
            let start = body.hub.lock().take_prefix(body.key);
            let chunk = if start.is_empty() { ready!(body.poll_catch_up(cx)) } else { Some(start.into()) };
            match chunk {
                None => return Poll::Ready(None),
                Some(chunk) if !chunk.is_empty() => return Poll::Ready(Some(Ok(Frame::data(chunk)))),
                Some(_) => {}
            }
        }
        let (next, has_task) = {
            let mut state = body.hub.lock();
            (state.next(body.key, body.hub.options.chunk, cx), state.has_task)
        };
        match next {
            Next::Chunk(chunk) => Poll::Ready(Some(Ok(Frame::data(chunk)))),
            Next::Wait => {
                // The runtime that had the task may be gone.
                if !has_task {
                    task::start(&body.hub);
                }
                Poll::Pending
            }
            Next::End => Poll::Ready(None),
        }
    }
}

impl Drop for EventBody {
    fn drop(&mut self) {
        let mut state = self.hub.lock();
        let reader = state.readers.try_remove(self.key);
        let is_empty = state.readers.is_empty();
        drop(state);
        // A waker may do anything when it is dropped.
        drop(reader);
        if is_empty {
            self.hub.emptied.notify_waiters();
        }
    }
}

impl fmt::Debug for EventBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventBody").finish_non_exhaustive()
    }
}
