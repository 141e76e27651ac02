//! A stream that is followed over reqwest: connections, waits and resumption.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::future::{Future, poll_fn};
use std::hash::{BuildHasher, Hasher};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures_core::Stream;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response, Url};
use ssewire::client::{Action, Cause, Client, Head, Policy, ReadyState, Reason, UnsendableId, Verdict};
use ssewire::{EventBytes, GrowableBuffer, Parser, http};
use tokio::time::{Instant, Sleep};

use crate::error::{Closed, FailedResponse};
use crate::{Error, Event, LIMIT};

type Asking = Pin<Box<dyn Future<Output = reqwest::Result<Response>> + Send>>;
type Body = Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>;

/// A stream of events that is followed: connects, reads, reconnects and resumes with the last event ID, as [`Policy`] says.
///
/// [`next`](EventSource::next) returns the events. An event of more than [`LIMIT`] bytes, or of those that
/// [`limit`](Builder::limit) says, is an [`Error::TooLarge`]; the next event follows. A lost connection is not an error: the source
/// waits and connects again. It ends with `None` after [`close`](EventSource::close) and after status 204, by which a server
/// stops a client. If it cannot or must not go on, it returns [`Error::Closed`] once, with the reason and the failed response, and
/// then `None`.
///
/// **A request that must not be sent twice**, such as one for an answer of a chat model, needs
/// [`reconnect(false)`](Builder::reconnect): otherwise a server that cuts its answers is asked again without end.
///
/// A future of `next` may be dropped at any time, and nothing is lost: connections, timers and bytes are kept in the source. It
/// reads from the network only within `next`, so a slow program slows the server down.
///
/// # Examples
///
/// ```no_run
/// # async fn follow() -> Result<(), Box<dyn std::error::Error>> {
/// use ssewire_client::{EventSource, Policy};
///
/// let mut policy = Policy::ROBUST;
/// policy.attempts = 5; // that fail, in a row
/// let mut source = EventSource::builder("https://example.com/events")
///     .header("authorization", "Bearer key")
///     .policy(policy)
///     .build()?;
/// while let Some(event) = source.next().await {
///     match event {
///         Ok(event) if event.event_type() == b"end" => source.close(), // by protocol: not a cut
///         Ok(event) => println!("{}", event.text()?.data()),
///         Err(error) if error.is_of_one_event() => eprintln!("{error}"),
///         Err(error) => return Err(error.into()),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[doc(alias = "SSE")]
#[doc(alias = "reconnect")]
pub struct EventSource {
    machine: Client<GrowableBuffer>,
    http: reqwest::Client,
    /// The request that an attempt begins with.
    base: Request,
    /// The request that is under way, after redirects.
    current: Request,
    connection: Connection,
    /// The rest of the chunk that was received last, and when that was.
    chunk: Bytes,
    received_at: u64,
    /// The item that `next` returns before it goes on.
    pending: Option<Result<Event, Error>>,
    failed: Option<FailedResponse>,
    failed_body: Vec<u8>,
    error: Option<reqwest::Error>,
    start: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    /// The last event ID is left out of the request that is under way, which was not reported.
    unsendable: Option<UnsendableId>,
    has_connected: bool,
    /// The wait that is going on was reported.
    is_waiting: bool,
    /// The end was reported.
    is_over: bool,
    /// Another connection follows one that is gone.
    reconnects: bool,
}

enum Connection {
    None,
    Asking(Asking),
    Open(Body),
    /// The body of a response that failed.
    Failed(Body),
}

#[derive(Clone)]
struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Bytes>,
}

/// The last change of an [`EventSource`], from [`step`](EventSource::step).
#[derive(Debug)]
#[non_exhaustive]
pub enum Step {
    /// The head of an event stream was received.
    Open,
    /// This part of the stream was received. Its events count for the last event ID, and [`EventSource::next`] does not return
    /// them.
    Received(Bytes),
    /// The connection is gone, or there was none. The source connects again after the wait.
    Lost {
        /// Why the connection is gone.
        cause: Cause,
        /// The message of the HTTP stack and the failed response, as text for people.
        detail: Option<String>,
        /// The time until the next attempt.
        wait: Duration,
    },
}

impl EventSource {
    /// Returns a source that follows `url` with the default policy, [`Policy::ROBUST`].
    ///
    /// # Errors
    ///
    /// [`BuildError`] if `url` is not an absolute http or https URL.
    pub fn get(url: &str) -> Result<EventSource, BuildError> {
        EventSource::builder(url).build()
    }

    /// Returns a builder, for headers, a body, a policy.
    pub fn builder(url: &str) -> Builder {
        Builder::new(url)
    }

    /// Returns the next event, or `None` at the end. Safe to cancel.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] and [`Error::UnsendableId`] concern one event; call again. After [`Error::Closed`] nothing follows.
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Returns what happens next: for programs that show connections, or read the stream themselves, with its comments and unknown
    /// lines. `None` at the end. Safe to cancel.
    ///
    /// # Errors
    ///
    /// [`Error::UnsendableId`], after which it goes on; [`Error::Closed`], after which nothing follows.
    pub async fn step(&mut self) -> Option<Result<Step, Error>> {
        let step = poll_fn(|cx| self.poll_step(cx)).await;
        if let Some(Ok(Step::Received(_))) = step {
            let chunk = mem::take(&mut self.chunk);
            let mut input = &chunk[..];
            // Events and errors are those that the caller finds in the same bytes.
            while self.machine.next(self.received_at, &mut input).transpose().is_some() {}
        }
        step
    }

    /// Returns the state, as the browser's `EventSource` has it.
    #[must_use]
    pub fn ready_state(&self) -> ReadyState {
        self.machine.ready_state()
    }

    /// Returns the last event ID, of the events so far; empty without one.
    #[must_use]
    pub fn last_event_id(&self) -> &[u8] {
        self.machine.parser().last_event_id().unwrap_or_default()
    }

    /// Returns the reconnection time that the stream set, in milliseconds.
    #[must_use]
    pub fn reconnection_time_ms(&self) -> Option<u64> {
        self.machine.parser().reconnection_time_ms()
    }

    /// Returns the URL that the next attempt begins with: the one given, or the target of a redirect that led to a stream.
    #[must_use]
    pub fn url(&self) -> &str {
        self.base.url.as_str()
    }

    /// Closes the source and its connection. Events that were received and not yet returned are discarded; `next` returns `None`.
    pub fn close(&mut self) {
        self.machine.close();
        self.connection = Connection::None;
        self.chunk.clear();
        self.pending = None;
    }

    /// Closes the connection, and connects again after the usual wait, with the last event ID. A source that ended goes on.
    pub fn restart(&mut self) {
        let now = self.now();
        self.machine.restart(now);
        self.connection = Connection::None;
        self.chunk.clear();
        self.is_over = false;
    }

    /// Milliseconds since the first call.
    fn now(&mut self) -> u64 {
        let start = *self.start.get_or_insert_with(Instant::now);
        u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        loop {
            if let Some(event) = self.pending.take() {
                return Poll::Ready(Some(event));
            }
            if !self.chunk.is_empty() {
                let mut input = &self.chunk[..];
                let event = match self.machine.next(self.received_at, &mut input) {
                    Ok(event) => event.map(|event| Ok(EventBytes::new(&event, &self.chunk))),
                    Err(overflow) => Some(Err(overflow.into())),
                };
                let consumed = self.chunk.len() - input.len();
                self.chunk.advance(consumed);
                if event.is_some() {
                    return Poll::Ready(event);
                }
            }
            match std::task::ready!(self.poll_step(cx)) {
                Some(Ok(_)) => {}
                // The event that a response ended with comes first.
                end => {
                    let Some(event) = self.pending.take() else {
                        return Poll::Ready(end.and_then(Result::err).map(Err));
                    };
                    self.pending = end.and_then(Result::err).map(Err);
                    return Poll::Ready(Some(event));
                }
            }
        }
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Step, Error>>> {
        loop {
            if let Some(id) = self.unsendable.take() {
                return Poll::Ready(Some(Err(Error::UnsendableId(id))));
            }
            let now = self.now();
            // Before the time: a program that was slow with an event finds what came meanwhile, and no silence.
            let step = match &mut self.connection {
                Connection::None => Poll::Pending,
                Connection::Asking(asking) => asking.as_mut().poll(cx).map(|response| self.answered(now, response)),
                Connection::Open(body) => body.as_mut().poll_next(cx).map(|chunk| self.received(now, chunk)),
                Connection::Failed(body) => body.as_mut().poll_next(cx).map(|chunk| self.explained(now, chunk)),
            };
            match step {
                Poll::Ready(None) => continue,
                Poll::Ready(Some(step)) => return Poll::Ready(Some(Ok(step))),
                Poll::Pending => {}
            }
            let until = match self.machine.poll(now) {
                Action::Connect { is_redirect, .. } => {
                    // A loss that no wait follows was not reported.
                    let is_lost = self.has_connected && !is_redirect && !self.is_waiting;
                    let lost = is_lost.then(|| self.lost(Duration::ZERO));
                    (self.is_waiting, self.has_connected) = (false, true);
                    self.connect(is_redirect);
                    self.unsendable = self.machine.unsendable_id();
                    match lost {
                        Some(lost) => return Poll::Ready(Some(Ok(lost))),
                        None => continue,
                    }
                }
                Action::Wait { .. } if !self.reconnects => {
                    let cause = self.machine.cause();
                    self.machine.close();
                    let is_end = cause == Cause::End && self.explanation().is_none();
                    let reason = if is_end { Reason::Close } else { Reason::Failed(cause) };
                    return Poll::Ready(self.end(reason).map(Err));
                }
                Action::Wait { until } => {
                    self.connection = Connection::None;
                    if !mem::replace(&mut self.is_waiting, true) {
                        let wait = Duration::from_millis(until.saturating_sub(now));
                        return Poll::Ready(Some(Ok(self.lost(wait))));
                    }
                    until
                }
                Action::Closed(reason) => return Poll::Ready(self.end(reason).map(Err)),
                Action::Head { until } | Action::Read { until } => until,
            };
            if let (Connection::None, false) = (&self.connection, self.is_waiting) {
                self.machine.on_error(now);
                continue;
            }
            std::task::ready!(self.poll_timer(cx, until));
        }
    }

    /// Waits until a time; `u64::MAX` is never.
    fn poll_timer(&mut self, cx: &mut Context<'_>, until: u64) -> Poll<()> {
        let at = self.start.zip(Some(until)).and_then(|(start, until)| start.checked_add(Duration::from_millis(until)));
        let Some(at) = at.filter(|_| until != u64::MAX) else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if timer.deadline() > at {
            timer.as_mut().reset(at);
        }
        // A time that moves on with each chunk leaves the timer alone until it fires.
        while timer.as_mut().poll(cx).is_ready() {
            if timer.deadline() >= at {
                return Poll::Ready(());
            }
            timer.as_mut().reset(at);
        }
        Poll::Pending
    }

    fn connect(&mut self, is_redirect: bool) {
        if !is_redirect {
            self.current = self.base.clone();
        }
        self.chunk.clear();
        (self.failed, self.error) = (None, None);
        self.failed_body.clear();
        let Request { method, url, headers, body } = self.current.clone();
        let mut request = self.http.request(method, url).headers(headers);
        if self.may_know_secrets()
            && let Some(id) = self.machine.last_event_id()
            && let Ok(id) = HeaderValue::from_bytes(id.to_string().as_bytes())
        {
            request = request.header(HeaderName::from_static(http::LAST_EVENT_ID), id);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        self.connection = Connection::Asking(Box::pin(request.send()));
    }

    /// Returns whether the server of the current request may be sent the last event ID and credentials.
    fn may_know_secrets(&self) -> bool {
        self.machine.policy().trusts_redirects || self.current.url.origin() == self.base.url.origin()
    }

    fn answered(&mut self, now: u64, response: reqwest::Result<Response>) -> Option<Step> {
        let response = match response {
            Ok(response) => response,
            Err(error) => {
                self.connection = Connection::None;
                self.error = Some(error);
                self.machine.on_error(now);
                return None;
            }
        };
        let target = redirect(&self.current, &response);
        let head = head_but(&response, |name| *name == header::LOCATION && target.is_none());
        match self.machine.on_head(now, &head) {
            Verdict::Open => {
                // The client of reqwest may follow redirects, too.
                self.current.url = response.url().clone();
                self.base = self.current.clone();
                self.connection = Connection::Open(Box::pin(response.bytes_stream()));
                Some(Step::Open)
            }
            Verdict::Redirect => {
                self.connection = Connection::None;
                if let Some(target) = target {
                    self.current = target;
                    if !self.may_know_secrets() {
                        self.current.forget_secrets();
                    }
                }
                None
            }
            _ => {
                self.failed = Some(failed_head(&response));
                self.connection = Connection::Failed(Box::pin(response.bytes_stream()));
                None
            }
        }
    }

    fn received(&mut self, now: u64, chunk: Option<reqwest::Result<Bytes>>) -> Option<Step> {
        match chunk {
            Some(Ok(chunk)) => {
                (self.chunk, self.received_at) = (chunk.clone(), now);
                return Some(Step::Received(chunk));
            }
            Some(Err(error)) => {
                self.error = Some(error);
                self.machine.on_error(now);
            }
            None => {
                self.pending = match self.machine.take_unfinished(now) {
                    Ok(event) => event.map(|event| Ok(EventBytes::from(event))),
                    Err(overflow) => Some(Err(overflow.into())),
                };
                self.machine.on_end(now);
            }
        }
        self.connection = Connection::None;
        None
    }

    /// Keeps a bounded part of a failed response's body, for as long as the machine waits for it.
    fn explained(&mut self, now: u64, chunk: Option<reqwest::Result<Bytes>>) -> Option<Step> {
        if let Some(Ok(chunk)) = chunk
            && keep(&mut self.failed_body, &chunk)
        {
            return None;
        }
        self.connection = Connection::None;
        self.machine.on_end(now);
        None
    }

    /// Returns the failed response, with the part of its body that was received.
    fn take_failed(&mut self) -> Option<FailedResponse> {
        let mut failed = self.failed.take()?;
        failed.body = mem::take(&mut self.failed_body).into();
        Some(failed)
    }

    fn lost(&mut self, wait: Duration) -> Step {
        let failed = self.take_failed().map(|response| response.to_string());
        let detail = failed.or_else(|| self.error.take().map(|error| Error::Body(error.into()).to_string()));
        let cause = self.machine.cause();
        #[cfg(feature = "tracing")]
        tracing::debug!(url = %self.base.url, %cause, ?wait, detail, "event stream lost");
        Step::Lost { cause, detail, wait }
    }

    /// Returns the error that the source ends with, once.
    fn end(&mut self, reason: Reason) -> Option<Error> {
        self.connection = Connection::None;
        if mem::replace(&mut self.is_over, true) {
            return None;
        }
        #[cfg(feature = "tracing")]
        tracing::debug!(url = %self.base.url, %reason, "event stream closed");
        if matches!(reason, Reason::Close | Reason::Failed(Cause::Status(204))) {
            return None;
        }
        let explanation = self.explanation();
        let source = self.error.take().map(Into::into);
        Some(Error::Closed(Box::new(Closed { reason, response: self.take_failed(), source, explanation })))
    }
}

impl EventSource {
    /// Returns why the last response brought no event, if its lines tell.
    fn explanation(&self) -> Option<String> {
        let excerpt = self.machine.excerpt()?;
        (excerpt.unknown_lines > 0 && !excerpt.has_events).then(|| excerpt.to_string())
    }
}

impl Request {
    /// Takes the last event ID and credentials out, for a server of another origin.
    fn forget_secrets(&mut self) {
        let secrets = [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION];
        let secret: Vec<_> = self
            .headers
            .iter()
            .filter(|(name, value)| value.is_sensitive() || secrets.contains(name))
            .map(|(name, _)| name.clone())
            .collect();
        for name in secret {
            self.headers.remove(name);
        }
    }
}

/// Returns the request that follows a redirect, if there is one that can be made.
fn redirect(request: &Request, response: &Response) -> Option<Request> {
    let location = response.headers().get(header::LOCATION)?;
    let mut url = request.url.join(std::str::from_utf8(location.as_bytes()).ok()?).ok()?;
    if !matches!(url.scheme(), "http" | "https") || location.is_empty() {
        return None;
    }
    if url.fragment().is_none() {
        url.set_fragment(request.url.fragment());
    }
    let mut request = Request { url, ..request.clone() };
    // By the Fetch standard.
    let becomes_get = match response.status().as_u16() {
        301 | 302 => request.method == Method::POST,
        303 => request.method != Method::HEAD,
        _ => false,
    };
    if becomes_get {
        request.method = Method::GET;
        request.body = None;
        for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING] {
            request.headers.remove(name);
        }
    }
    Some(request)
}

/// Returns the head of a response for the machine.
pub(crate) fn head(response: &Response) -> Head<'_> {
    head_but(response, |_| false)
}

/// Returns the head without the fields that are left out.
fn head_but(response: &Response, is_left_out: impl Fn(&HeaderName) -> bool) -> Head<'_> {
    let mut head = Head::new(response.status().as_u16());
    for (name, value) in response.headers().iter().filter(|(name, _)| !is_left_out(name)) {
        head.header(name.as_str().as_bytes(), value.as_bytes());
    }
    head
}

fn failed_head(response: &Response) -> FailedResponse {
    let content_type = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    FailedResponse {
        status: response.status().as_u16(),
        content_type: Bytes::copy_from_slice(content_type),
        body: Bytes::new(),
    }
}

/// Keeps as much of `chunk` as the limit of a failed response's body allows. Returns whether there is room for more.
fn keep(body: &mut Vec<u8>, chunk: &[u8]) -> bool {
    let spare = FailedResponse::BODY_LIMIT - body.len();
    body.extend_from_slice(&chunk[..chunk.len().min(spare)]);
    chunk.len() < spare
}

/// Returns a failed response, with the start of its body as far as it arrives within a second.
pub(crate) async fn failed(mut response: Response) -> FailedResponse {
    let mut failed = failed_head(&response);
    let mut body = Vec::new();
    let read = async {
        while let Ok(Some(chunk)) = response.chunk().await {
            if !keep(&mut body, &chunk) {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_millis(Policy::ROBUST.failed_body_ms.into()), read).await;
    failed.body = body.into();
    failed
}

impl Stream for EventSource {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        self.poll_event(cx)
    }
}

/// Prints the URL and the state, no headers and no body.
impl fmt::Debug for EventSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSource")
            .field("url", &self.url())
            .field("ready_state", &self.ready_state())
            .field("last_event_id", &ssewire::lossy(self.last_event_id()))
            .finish_non_exhaustive()
    }
}

/// Builds an [`EventSource`]; returned by [`EventSource::builder`].
#[must_use]
pub struct Builder {
    http: Option<reqwest::Client>,
    request: Result<Request, BuildError>,
    policy: Policy,
    limit: usize,
    last_event_id: Bytes,
    reconnects: bool,
}

impl Builder {
    fn new(url: &str) -> Builder {
        let headers = http::REQUEST_HEADERS
            .into_iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        let request = match Url::parse(url) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => {
                Ok(Request { method: Method::GET, url, headers, body: None })
            }
            Ok(url) => Err(BuildError::new(format!("the scheme {} is not http or https", url.scheme()))),
            Err(error) => Err(BuildError::new(format!("not a URL: {error}"))),
        };
        Builder {
            http: None,
            request,
            policy: Policy::ROBUST,
            limit: LIMIT,
            last_event_id: Bytes::new(),
            reconnects: true,
        }
    }

    /// Sets a header, in place of one of the same name that was set before, such as the `Accept` that is there from the start.
    pub fn header(self, name: &str, value: impl AsRef<[u8]>) -> Builder {
        self.change(|request| {
            let name: HeaderName =
                name.parse().map_err(|_| BuildError::new(format!("invalid header name {name:?}")))?;
            let value = HeaderValue::from_bytes(value.as_ref())
                .map_err(|_| BuildError::new(format!("invalid value of the header {name}")))?;
            request.headers.insert(name, value);
            Ok(())
        })
    }

    /// Sets the method. It is GET, or POST with a body.
    pub fn method(self, method: &str) -> Builder {
        self.change(|request| {
            request.method = method.parse().map_err(|_| BuildError::new(format!("invalid method {method:?}")))?;
            Ok(())
        })
    }

    /// Sets the body, and the method POST. It is sent again with each connection, unless there is only one:
    /// [`reconnect`](Builder::reconnect). Its type is `application/json`, unless
    /// [`header`](Builder::header) says otherwise.
    pub fn post(self, body: impl Into<Bytes>) -> Builder {
        self.change(|request| {
            request.method = Method::POST;
            request.body = Some(body.into());
            request.headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
            Ok(())
        })
    }

    /// Sets the policy; [`Policy::ROBUST`] without one.
    pub fn policy(mut self, policy: Policy) -> Builder {
        self.policy = policy;
        self
    }

    /// Sets the largest event, in bytes: its data, event type and ID, and the last event ID before. [`LIMIT`] without one. Memory
    /// is allocated as an event needs it.
    pub fn limit(mut self, limit: usize) -> Builder {
        self.limit = limit;
        self
    }

    /// Sets whether another connection follows one that is gone; it does by default. Without, the regular end of the response is
    /// the end of the source, and so is status 204. Every other end is an [`Error::Closed`] with a [`Reason::Failed`]: a response
    /// that failed or did not come, a cut, a silence, and a response that brought no event but other lines. It is for requests that
    /// must not be sent twice, such as that for an answer of a chat model.
    pub fn reconnect(mut self, reconnects: bool) -> Builder {
        self.reconnects = reconnects;
        self
    }

    /// Sets the last event ID to resume from.
    pub fn last_event_id(mut self, id: impl Into<Bytes>) -> Builder {
        self.last_event_id = id.into();
        self
    }

    /// Sets the client of reqwest, for proxies, certificates, cookies. Let it follow no redirects and retry nothing
    /// (`redirect::Policy::none`, `retry::never`): the source does. A client that follows redirects works too, except that
    /// its count of redirects and its treatment of credentials are reqwest's.
    pub fn client(mut self, client: reqwest::Client) -> Builder {
        self.http = Some(client);
        self
    }

    /// Returns the source. It connects when `next` is called.
    ///
    /// # Errors
    ///
    /// [`BuildError`] with the first part of the request that is not valid, or if reqwest cannot be set up.
    pub fn build(self) -> Result<EventSource, BuildError> {
        let request = self.request?;
        let mut parser = Parser::with_limit(self.limit);
        if !self.last_event_id.is_empty() {
            parser
                .set_last_event_id(&self.last_event_id)
                .map_err(|error| BuildError::new(format!("the last event ID: {error}")))?;
        }
        let http = match self.http {
            Some(http) => http,
            None => http_client(request.url.as_str(), for_a_source)
                .map_err(|error| BuildError::new(Error::Body(error.into()).to_string()))?,
        };
        Ok(EventSource {
            machine: Client::new(parser, self.policy, RandomState::new().build_hasher().finish() as u32),
            http,
            current: request.clone(),
            base: request,
            connection: Connection::None,
            chunk: Bytes::new(),
            received_at: 0,
            pending: None,
            failed: None,
            failed_body: Vec::new(),
            error: None,
            start: None,
            timer: None,
            unsendable: None,
            has_connected: false,
            is_waiting: false,
            is_over: false,
            reconnects: self.reconnects,
        })
    }

    fn change(mut self, change: impl FnOnce(&mut Request) -> Result<(), BuildError>) -> Builder {
        self.request = self.request.and_then(|mut request| change(&mut request).map(|()| request));
        self
    }
}

/// Returns a client of reqwest for `url`.
pub(crate) fn http_client(
    url: &str,
    configure: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> reqwest::Result<reqwest::Client> {
    let builder = || {
        let builder = reqwest::Client::builder().user_agent(concat!("ssewire/", env!("CARGO_PKG_VERSION")));
        configure(builder)
    };
    let client = builder().build();
    // A machine without certificates of authorities can follow a stream without TLS.
    #[cfg(any(feature = "rustls", feature = "rustls-no-provider", feature = "native-tls"))]
    if client.is_err() && url.starts_with("http:") {
        return builder().tls_certs_only([]).build();
    }
    _ = url;
    client
}

/// The source follows redirects and tries again by itself. A connection that ended its stream is of no more use.
fn for_a_source(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    builder.redirect(reqwest::redirect::Policy::none()).retry(reqwest::retry::never()).pool_max_idle_per_host(0)
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("limit", &self.limit).field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// A part of a request is not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError(String);

impl BuildError {
    fn new(message: String) -> BuildError {
        BuildError(message)
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BuildError {}
