//! The hub: what programs publish to and serve from.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::time::Duration;

use http::header::{CONNECTION, HeaderName};
use http::{HeaderValue, Request, Response};
use ssewire::Frame;
use ssewire::http::{LAST_EVENT_ID, RESPONSE_HEADERS, resume_id};
use ssewire::replay::RingId;
use tokio::sync::Notify;

use crate::accept::Connection;
use crate::body::EventBody;
use crate::file::History;
use crate::log::AnyLog;
use crate::options::{Builder, PublishError, now_ms};
use crate::state::{State, Wake};
use crate::task;

/// A stream of events with its history, for any number of connections. Clones are the same hub.
///
/// [`publish`](Hub::publish) appends an event to the history, and [`respond`](Hub::respond) answers a request with the stream:
/// from the event after the request's last event ID, or from now on. See the [crate](crate) for servers around it.
///
/// When the last clone is dropped, the streams end as by [`shutdown`](Hub::shutdown), also those of a hub that follows a
/// [`Log`](crate::Log): a program need not shut down each hub that it drops. It does not wait for the readers then. A route or a
/// service that answers for the hub has a clone.
///
/// # Memory
///
/// The history takes its [`capacity`](Builder::capacity), once for all connections. A connection takes about 200 bytes here, and
/// no more if its reader is slow. The HTTP stack and the kernel have buffers of their own: see [`Server`](crate::Server).
#[doc(alias = "broadcast")]
#[doc(alias = "fan-out")]
#[doc(alias = "history")]
#[derive(Clone)]
pub struct Hub {
    pub(crate) inner: Arc<Inner>,
    _last: Arc<Last>,
}

/// Ends the streams when the last clone of a hub is dropped: the bodies hold the rest of it.
struct Last(Arc<Inner>);

impl Drop for Last {
    fn drop(&mut self) {
        let (waiting, history) = {
            let mut state = self.0.lock();
            (state.close(), state.history.take())
        };
        // The next hub on the file may be built.
        drop(history);
        waiting.into_iter().for_each(Waker::wake);
    }
}

pub(crate) struct Inner {
    pub options: Builder,
    state: Mutex<State>,
    /// Wakes the task.
    pub changed: Arc<Notify>,
    /// Notified when the last reader is gone.
    pub emptied: Notify,
    pub log: OnceLock<AnyLog>,
}

impl Hub {
    /// Returns a hub with the defaults of a [`Builder`]: 1 MiB of history in memory.
    #[must_use]
    pub fn new() -> Hub {
        Hub::with(Builder::new(), None)
    }

    /// Returns a builder, for the size of the history, a file, times and policies.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn build(options: Builder) -> io::Result<Hub> {
        let Some(path) = options.file.clone() else { return Ok(Hub::with(options, None)) };
        let mut state = State::new(options.capacity, options.retry);
        let (history, epoch) = History::open(&path, &mut state.ring)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
        state.history = Some(history);
        Ok(Hub::with(options, Some((state, epoch))))
    }

    fn with(options: Builder, loaded: Option<(State, Option<u64>)>) -> Hub {
        let (mut state, newest) = loaded.unwrap_or_else(|| (State::new(options.capacity, options.retry), None));
        let after = newest.map_or(0, |newest| newest.saturating_add(1));
        state.epoch = options.epoch.unwrap_or_else(|| now_ms().max(after));
        let inner = Inner {
            options,
            state: Mutex::new(state),
            changed: Arc::new(Notify::new()),
            emptied: Notify::new(),
            log: OnceLock::new(),
        };
        let inner = Arc::new(inner);
        Hub { _last: Arc::new(Last(inner.clone())), inner }
    }

    /// Publishes an event under an ID of the hub's own, as `1732000000000-17`, and returns that. An ID of the frame is replaced.
    ///
    /// Readers get it within the [flush interval](Builder::flush). It never waits for one. It may be called from any thread.
    ///
    /// With a [`file`](Builder::file) it blocks for a write to that, and now and then for one of the whole history. That matters
    /// on a slow or remote file system, or with a large capacity: call it from `tokio::task::spawn_blocking` there. Readers wait
    /// for the write, too.
    ///
    /// The event type [`gap`](crate::GAP) is reserved: it is accepted, and clients take the event for a loss.
    ///
    /// # Errors
    ///
    /// [`PublishError`]: no client gets the event.
    ///
    /// # Panics
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// ```
    /// use ssewire::Frame;
    /// use ssewire_server::Hub;
    ///
    /// let hub = Hub::builder().epoch(3).build()?;
    /// let id = hub.publish(Frame::new().event_type("temperature")?.data("21.5"))?;
    /// assert_eq!(id.to_string(), "3-1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn publish(&self, frame: Frame<'_>) -> Result<RingId, PublishError> {
        let (id, waiting) = {
            let mut state = self.inner.lock();
            let id = state.ring.next_id(state.epoch);
            self.inner.accepts(&state)?;
            state.push(&frame.ring_id(&id))?;
            (id, state.after_push(self.inner.options.flush))
        };
        self.inner.wake(waiting);
        Ok(id)
    }

    /// Publishes a frame as it is, with an ID of your own or none; otherwise like [`publish`](Hub::publish).
    ///
    /// IDs that are numbers or pairs of numbers, and ascend, are resumed exactly: see
    /// [`Ring::since`](ssewire::replay::Ring::since). Frames without an ID are sent again to clients that resume before them.
    ///
    /// # Errors
    ///
    /// [`PublishError`]: no client gets the frame.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn publish_as_is(&self, frame: &Frame<'_>) -> Result<(), PublishError> {
        let waiting = {
            let mut state = self.inner.lock();
            self.inner.accepts(&state)?;
            state.push(frame)?;
            state.after_push(self.inner.options.flush)
        };
        self.inner.wake(waiting);
        Ok(())
    }

    /// Returns the response to a request for the stream: status 200, the fields that an event stream needs, and the body.
    ///
    /// It begins after the event of the request's `Last-Event-ID`, or of `lastEventId` in the query. A client whose ID the
    /// history does not hold gets a [gap event](ssewire::replay::Gap) first, and then all that is held. Call it within a
    /// runtime of tokio, which any server of hyper or axum is.
    ///
    /// The fields are those of [`RESPONSE_HEADERS`](ssewire::http::RESPONSE_HEADERS), and up to HTTP/1.1 `connection: close`: a
    /// stream lasts as long as its connection, so no request follows on that, and a shutdown need not wait for one. The
    /// connection counts from this call until the body is dropped.
    ///
    /// # Panics
    ///
    /// Never.
    #[must_use]
    pub fn respond<B>(&self, request: &Request<B>) -> Response<EventBody> {
        let header = request.headers().get(LAST_EVENT_ID).map(HeaderValue::as_bytes);
        let query = request.uri().query().map(str::as_bytes);
        let mut buf = [0; MAX_ID];
        // An ID that is too long is one that no history holds.
        let id = resume_id(header, query, &mut buf).unwrap_or(Some(b"?")).unwrap_or_default();
        let connection = request.extensions().get::<Connection>().cloned();
        let mut response = Response::new(self.open(id, connection));
        for (name, value) in RESPONSE_HEADERS {
            response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        if request.version() <= http::Version::HTTP_11 {
            // A stream has no end but that of the connection: nothing follows it there.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// Returns the body alone, from the event after `last_event_id` on; empty is none. For responses that you build yourself.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn body(&self, last_event_id: &[u8]) -> EventBody {
        self.open(last_event_id, None)
    }

    fn open(&self, id: &[u8], connection: Option<Connection>) -> EventBody {
        let mut state = self.inner.lock();
        let (key, is_behind) = state.open(id, self.inner.options.start, connection);
        drop(state);
        task::start(&self.inner);
        EventBody::new(self.inner.clone(), key, is_behind.then_some(id))
    }

    /// Returns the ID of the newest event that has one, also after a restart with a [`file`](Builder::file): for an answer with
    /// the state of now, and the ID to follow the changes from.
    ///
    /// Change the state before you publish the event, and take the ID before you read the state. A change in between then comes
    /// twice rather than never. Before the first event it is an ID after which a client gets every event, as
    /// `1732000000000-0`. A hub that follows a [`Log`](crate::Log) returns the ID of the newest entry that it has read, and a
    /// client may follow from there at any process.
    ///
    /// # Panics
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::Request;
    /// use ssewire::Frame;
    /// use ssewire_server::Hub;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// let hub = Hub::builder().epoch(3).build()?;
    /// let mut temperature = 21.5;
    /// hub.publish(Frame::new().data("21.5"))?;
    ///
    /// let id = hub.last_event_id();
    /// let json = format!(r#"{{"temperature": {temperature}, "changes": "/events?lastEventId={id}"}}"#);
    /// assert_eq!(json, r#"{"temperature": 21.5, "changes": "/events?lastEventId=3-1"}"#);
    ///
    /// temperature = 22.0;
    /// hub.publish(Frame::new().data(&temperature.to_string()))?;
    /// let response = hub.respond(&Request::get("/events?lastEventId=3-1").body(())?); // begins with 3-2
    /// # drop(response);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn last_event_id(&self) -> String {
        self.inner.lock().last_event_id()
    }

    /// Ends each stream after the events that are ready for it, with a reconnection time at which no more than a thousand clients a
    /// second come back. Returns when all are gone, or closes those that are left after `grace`.
    ///
    /// Nothing can be published from then on. A request that arrives later gets a stream that ends at once.
    ///
    /// # Panics
    ///
    /// Never.
    pub async fn shutdown(&self, grace: Duration) {
        let waiting = self.inner.lock().close();
        waiting.into_iter().for_each(Waker::wake);
        let emptied = async {
            loop {
                let notified = self.inner.emptied.notified();
                if self.inner.lock().readers.is_empty() {
                    break;
                }
                notified.await;
            }
        };
        if tokio::time::timeout(grace, emptied).await.is_err() {
            self.inner.lock().readers.iter_mut().for_each(|(_, reader)| reader.close());
        }
    }

    /// Returns the counts so far.
    ///
    /// # Panics
    ///
    /// Never.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let state = self.inner.lock();
        Stats {
            connections: state.readers.len(),
            published: state.published,
            held: state.ring.len(),
            missed: state.missed,
            closed: state.closed,
        }
    }

    /// Returns the connections, with what each missed.
    ///
    /// # Panics
    ///
    /// Never.
    #[must_use]
    pub fn connections(&self) -> Vec<ConnectionStats> {
        let state = self.inner.lock();
        let readers = state.readers.iter();
        readers
            .map(|(_, reader)| ConnectionStats {
                id: reader.id,
                missed: reader.missed,
                is_lagging: reader.is_lagging(),
            })
            .collect()
    }
}

/// The longest last event ID that is looked up, in bytes.
const MAX_ID: usize = 1024;

impl Inner {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that panics is called under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accepts(&self, state: &State) -> Result<(), PublishError> {
        if state.follows {
            return Err(PublishError::Follows);
        }
        Ok(())
    }

    pub(crate) fn wake(&self, wake: Wake) {
        match wake {
            Wake::Readers(waiting) => waiting.into_iter().for_each(Waker::wake),
            Wake::Timer => self.changed.notify_one(),
            Wake::Nobody => {}
        }
    }
}

impl Default for Hub {
    fn default() -> Hub {
        Hub::new()
    }
}

/// Prints the counts.
impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hub").field(&self.stats()).finish()
    }
}

/// Counts of a [`Hub`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Connections that are open: each counts from [`respond`](Hub::respond) until its body is dropped.
    pub connections: usize,
    /// Events published since the hub was built, without those that were in the file.
    pub published: u64,
    /// Bytes of history held.
    pub held: usize,
    /// Events that connections missed since they were too slow, also those that are gone.
    pub missed: u64,
    /// Connections that were closed since they were too slow.
    pub closed: u64,
}

/// A connection of a [`Hub`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionStats {
    /// Its number, from 1 on.
    pub id: u64,
    /// Events that it missed, and was told of.
    pub missed: u64,
    /// It missed events that it was not told of yet, because it does not read. Known within a second.
    pub is_lagging: bool,
}
