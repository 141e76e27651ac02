//! A server that clients of others resume at: `ssewire::replay` over axum, with a header of their own in every request.
//!
//! `/events` closes the connection after each [`BATCH`] of events, and goes on after the last event ID of the next request.
//! `/ids` sends one event a connection, with an ID that is hard to send back, whatever ID comes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{header, HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use axum::Router;
use ssewire::http::{resume_id, LAST_EVENT_ID};
use ssewire::replay::{Resume, Ring};
use ssewire::{Frame, GrowableBuffer};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::messages::Seen;
use crate::stand::{Report, LAST};

const EVENTS: usize = 1000;
/// The events of one connection.
const BATCH: usize = 250;
const EPOCH: u64 = 3;
/// The IDs of the events of `/ids`: within Latin-1, beyond it, and none.
const IDS: [&str; 3] = ["é", "番 1", ""];
const PATHS: [&str; 2] = ["/events", "/ids"];

/// A running server.
#[derive(Debug)]
pub struct Server {
    pub address: SocketAddr,
    inner: Arc<Inner>,
    reports: mpsc::UnboundedReceiver<(usize, Report)>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct Inner {
    ring: Ring<GrowableBuffer>,
    /// The last event IDs of the requests of each path.
    requests: [Mutex<Vec<String>>; 2],
    reports: mpsc::UnboundedSender<(usize, Report)>,
}

/// What a client read, and what it asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Of `/events`.
    pub events: Vec<Seen>,
    /// The last event ID of each request: `header ID`, `query ID`, or `none`; of both paths.
    pub requests: [Vec<String>; 2],
    /// How it ended at `/ids`, and the IDs of the events there.
    pub ids: (String, Vec<String>),
}

impl Server {
    /// Serves the events; with other data in one of them if the stream is to be spoilt.
    ///
    /// # Errors
    ///
    /// When no port is free.
    pub async fn start(spoil: bool) -> anyhow::Result<Server> {
        let mut ring = Ring::new(GrowableBuffer::new(1 << 20));
        for (i, seen) in events().into_iter().enumerate() {
            let id = ring.next_id(EPOCH);
            let mut frame = Frame::new().data(if spoil && i == EVENTS / 2 { "spoilt" } else { &seen.data });
            if has_id(i) {
                frame = frame.id(&id)?;
            }
            if seen.event != "message" {
                frame = frame.event_type(&seen.event)?;
            }
            ring.push(&frame)?;
        }
        ring.push(&Frame::new().event_type(LAST)?.data(""))?;

        let (sender, reports) = mpsc::unbounded_channel();
        let inner = Arc::new(Inner { ring, requests: Default::default(), reports: sender });
        let router = Router::new()
            .route("/plan", get(|| async { Json(serde_json::json!({ "last": LAST, "paths": PATHS })) }))
            .route("/events", get(stream))
            .route("/ids", get(ids))
            .route("/report/{i}", post(report))
            .with_state(inner.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async {
            // It ends with the task alone.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Server { address, inner, reports, task })
    }

    /// Returns what a client did, after its reports.
    ///
    /// # Errors
    ///
    /// When it does not read `/events` to the end, or does not report within `limit`.
    pub async fn outcome(mut self, limit: Duration) -> anyhow::Result<Outcome> {
        let mut next = async || tokio::time::timeout(limit, self.reports.recv()).await.ok().flatten();
        let (_, of_events) = next().await.with_context(|| format!("no report of {}", PATHS[0]))?;
        anyhow::ensure!(of_events.end == "last", "{} ended by {}", PATHS[0], of_events.end);
        let (_, of_ids) = next().await.with_context(|| format!("no report of {}", PATHS[1]))?;
        let requests = |i: usize| self.inner.requests[i].lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Outcome {
            events: of_events.events,
            requests: [requests(0), requests(1)],
            ids: (of_ids.end, of_ids.events.into_iter().map(|seen| seen.id).collect()),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn has_id(i: usize) -> bool {
    i % 10 != 5
}

/// Returns the ID of event `i`, if it has one. The ring counts from 1.
fn id(i: usize) -> String {
    format!("{EPOCH}-{}", i + 1)
}

/// Returns the events of `/events`, as the standard dispatches them.
fn events() -> Vec<Seen> {
    let seen = |i: usize| Seen {
        event: ["message", "reading"][i % 2].into(),
        id: id(if has_id(i) { i } else { i - 1 }),
        data: format!("{{\"n\":{i},\n\"text\":\" 温度\"}}"),
        retry: None,
    };
    (0..EVENTS).map(seen).collect()
}

/// Returns what a client of the standard does.
#[must_use]
pub fn standard() -> Outcome {
    let header = |id: &str| format!("header {id}");
    let resumed = (BATCH..=EVENTS).step_by(BATCH).map(|i| header(&id(i - 1)));
    Outcome {
        events: events(),
        requests: [
            ["none".into()].into_iter().chain(resumed).collect(),
            vec!["none".into(), header(IDS[0]), header(IDS[1]), "none".into()],
        ],
        ids: ("last".into(), IDS.map(Into::into).into()),
    }
}

/// It keeps the ID for itself, and gives `fetch` a string of characters, not the bytes of their UTF-8.
pub const EVENTSOURCE_4: &str =
    "an event has the ID that it sets itself, not the last one; an ID of Latin-1 is sent as Latin-1, \
                                 and after one beyond it every connection fails";

/// What npm `eventsource` 4 does: [`EVENTSOURCE_4`].
#[must_use]
pub fn eventsource_4() -> Outcome {
    let mut outcome = in_latin_1("failing");
    for (i, seen) in outcome.events.iter_mut().enumerate() {
        if !has_id(i) {
            seen.id.clear();
        }
    }
    outcome
}

/// It puts characters into the request, not the bytes of their UTF-8.
pub const UNDICI: &str =
    "an ID of Latin-1 is sent as Latin-1, and after one beyond it it does not connect again, without an error";

/// What undici's `EventSource` does: [`UNDICI`].
#[must_use]
pub fn undici() -> Outcome {
    in_latin_1("silent")
}

/// What a client does that sends IDs in Latin-1, and ends like that after another ID.
fn in_latin_1(end: &str) -> Outcome {
    let mut outcome = standard();
    let latin_1 = b"\xe9".escape_ascii();
    outcome.requests[1] = vec!["none".into(), format!("header {latin_1}")];
    outcome.ids = (end.into(), IDS[..2].iter().map(|&id| id.into()).collect());
    outcome
}

/// It delivers a block without data if that sets something, such as the reconnection time at the start of a connection.
pub const HTTPX_SSE: &str = "a block that sets a reconnection time alone is an event with empty data";

/// What httpx-sse does: [`HTTPX_SSE`].
#[must_use]
pub fn httpx_sse() -> Outcome {
    let mut outcome = standard();
    for i in (0..=EVENTS / BATCH).rev() {
        outcome.events.insert(i * BATCH, Seen { event: "message".into(), ..Seen::default() });
    }
    outcome
}

/// Browsers once could not send the header across origins without asking.
pub const POLYFILL: &str = "it resumes by the query, lastEventId, not by the header";

/// What event-source-polyfill does: [`POLYFILL`].
#[must_use]
pub fn polyfill() -> Outcome {
    let mut outcome = standard();
    for request in outcome.requests.iter_mut().flatten() {
        *request = request.replace("header ", "query ");
    }
    outcome
}

async fn stream(State(server): State<Arc<Inner>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let mut buf = [0; 100];
    let id = match server.request(0, query.as_deref(), &headers, &mut buf) {
        Ok(id) => id,
        Err(status) => return status.into_response(),
    };
    let mut cursor = match server.ring.since(id) {
        Resume::Start => server.ring.oldest(),
        Resume::From(cursor) => cursor,
        Resume::Gone | Resume::Unknown => return StatusCode::CONFLICT.into_response(),
    };
    let mut body = b"retry: 20\n\n".to_vec();
    for _ in 0..BATCH {
        // One frame at least.
        let Ok(ready) = server.ring.ready(cursor, 1) else { break };
        ready.bytes.into_iter().for_each(|part| body.extend_from_slice(part));
        cursor = ready.next;
    }
    event_stream(body)
}

async fn ids(State(server): State<Arc<Inner>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let mut buf = [0; 100];
    if let Err(status) = server.request(1, query.as_deref(), &headers, &mut buf) {
        return status.into_response();
    }
    let requests = server.requests[1].lock().unwrap_or_else(PoisonError::into_inner).len();
    match IDS.get(requests - 1) {
        Some(id) => event_stream(format!("retry: 20\nid: {id}\ndata: x\n\n").into_bytes()),
        None => event_stream(format!("event: {LAST}\ndata\n\n").into_bytes()),
    }
}

impl Inner {
    /// Returns the last event ID of a request, empty without one, and notes it.
    fn request<'b>(
        &self,
        path: usize,
        query: Option<&str>,
        headers: &'b HeaderMap,
        buf: &'b mut [u8],
    ) -> Result<&'b [u8], StatusCode> {
        if headers.get(header::AUTHORIZATION).is_none_or(|value| value != "Bearer interop") {
            return Err(StatusCode::UNAUTHORIZED);
        }
        let header = headers.get(LAST_EVENT_ID).map(|value| value.as_bytes());
        let id = resume_id(header, query.map(str::as_bytes), buf).map_err(|_| StatusCode::BAD_REQUEST)?;
        let from = if header.is_some() { "header" } else { "query" };
        let note = id.map_or("none".into(), |id| match std::str::from_utf8(id) {
            Ok(id) => format!("{from} {id}"),
            Err(_) => format!("{from} {}", id.escape_ascii()),
        });
        self.requests[path].lock().unwrap_or_else(PoisonError::into_inner).push(note);
        Ok(id.unwrap_or_default())
    }
}

fn event_stream(body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")], body).into_response()
}

async fn report(State(server): State<Arc<Inner>>, Path(i): Path<usize>, body: Bytes) -> StatusCode {
    let Ok(report) = serde_json::from_slice(&body) else { return StatusCode::BAD_REQUEST };
    // Nobody takes it any more: then a check has failed already.
    let _ = server.reports.send((i, report));
    StatusCode::NO_CONTENT
}

#[cfg(test)]
mod tests {
    use super::{eventsource_4, httpx_sse, polyfill, standard, undici, BATCH, EVENTS};

    #[test]
    fn as_listed() {
        let standard = standard();
        assert_eq!(standard.requests[0], ["none", "header 3-250", "header 3-500", "header 3-750", "header 3-1000"]);
        assert_eq!(standard.requests[1], ["none", "header é", "header 番 1", "none"]);
        assert_eq!((&*standard.events[4].id, &*standard.events[5].id), ("3-5", "3-5"));

        assert_eq!((&*eventsource_4().events[4].id, &*eventsource_4().events[5].id), ("3-5", ""));
        assert_eq!(undici().requests[1], ["none", "header \\xe9"]);
        assert_eq!(polyfill().requests[1], ["none", "query é", "query 番 1", "none"]);
        assert_eq!(httpx_sse().events.len(), EVENTS + EVENTS / BATCH + 1);
        assert_eq!(httpx_sse().events[BATCH + 2], standard.events[BATCH]);
    }
}
