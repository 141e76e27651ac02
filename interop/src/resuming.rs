//! A server that clients of others resume at: `ssewire-server` over axum, with a header of their own in every request.
//!
//! `/events` closes the connection after each [`BATCH`] of events, and goes on after the last event ID of the next request.
//! `/ids` sends one event a connection, with an ID that is hard to send back, whatever ID comes.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use futures::StreamExt as _;
use ssewire::http::{LAST_EVENT_ID, RESPONSE_HEADERS, resume_id};
use ssewire::{BufferTooSmall, Frame};
use ssewire_server::{Hub, Start};
use tokio::sync::mpsc;

use crate::messages::Seen;
use crate::stand::{LAST, Report};

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
    /// Of each path.
    hubs: [Hub; 2],
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
        let hub = || {
            let hub = Hub::builder().epoch(EPOCH).start(Start::Oldest).retry(Duration::from_millis(20));
            // A chunk is an event, so that a connection is cut by chunks.
            hub.chunk(1).build()
        };
        let hubs = [hub()?, hub()?];
        for (i, seen) in events().into_iter().enumerate() {
            let mut frame = Frame::new().data(if spoil && i == EVENTS / 2 { "spoilt" } else { &seen.data });
            if seen.event != "message" {
                frame = frame.event_type(&seen.event)?;
            }
            if has_id(i) {
                hubs[0].publish(frame)?;
            } else {
                hubs[0].publish_as_is(&frame)?;
            }
        }
        for id in IDS {
            hubs[1].publish_as_is(&Frame::new().id(id)?.data("x"))?;
        }
        for hub in &hubs {
            hub.publish_as_is(&Frame::new().event_type(LAST)?.data(""))?;
        }

        let (sender, reports) = mpsc::unbounded_channel();
        let inner = Arc::new(Inner { hubs, requests: Default::default(), reports: sender });
        let router = Router::new()
            .route("/plan", get(|| async { Json(serde_json::json!({ "last": LAST, "paths": PATHS })) }))
            .route("/events", get(stream))
            .route("/ids", get(ids))
            .route("/report/{i}", post(report))
            .with_state(inner.clone());
        let server = ssewire_server::Server::bind("127.0.0.1:0").await?;
        let address = server.local_addr()?;
        let task = tokio::spawn(server.serve_router(router, pending()));
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
pub const EVENTSOURCE_4: &str = "an event has the ID that it sets itself, not the last one; an ID of Latin-1 is sent as Latin-1, \
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
    outcome.ids.1.insert(0, String::new());
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

async fn stream(State(server): State<Arc<Inner>>, request: Request) -> Response {
    match server.note(0, &request) {
        Ok(_) => {
            let response = server.hubs[0].respond(&request);
            response.map(|body| Body::from_stream(Body::new(body).into_data_stream().take(BATCH)))
        }
        Err(status) => status.into_response(),
    }
}

async fn ids(State(server): State<Arc<Inner>>, request: Request) -> Response {
    match server.note(1, &request) {
        Ok(number) => {
            let all = Body::new(server.hubs[1].body(b"")).into_data_stream();
            (RESPONSE_HEADERS, Body::from_stream(all.skip(number).take(1))).into_response()
        }
        Err(status) => status.into_response(),
    }
}

impl Inner {
    /// Notes the last event ID of a request, and returns how many were noted before.
    fn note(&self, path: usize, request: &Request) -> Result<usize, StatusCode> {
        let headers = request.headers();
        if headers.get(header::AUTHORIZATION).is_none_or(|value| value != "Bearer interop") {
            return Err(StatusCode::UNAUTHORIZED);
        }
        let note = resumes_from(request).map_err(|_| StatusCode::BAD_REQUEST)?;
        let mut requests = self.requests[path].lock().unwrap_or_else(PoisonError::into_inner);
        requests.push(note);
        Ok(requests.len() - 1)
    }
}

/// Returns the last event ID of a request: `header ID`, `query ID`, or `none`.
///
/// # Errors
///
/// When it is longer than any that a server here gives out.
pub fn resumes_from(request: &Request) -> Result<String, BufferTooSmall> {
    let header = request.headers().get(LAST_EVENT_ID).map(|value| value.as_bytes());
    let mut buf = [0; 100];
    let id = resume_id(header, request.uri().query().map(str::as_bytes), &mut buf)?;
    let from = if header.is_some() { "header" } else { "query" };
    Ok(id.map_or("none".into(), |id| match std::str::from_utf8(id) {
        Ok(id) => format!("{from} {id}"),
        Err(_) => format!("{from} {}", id.escape_ascii()),
    }))
}

async fn report(State(server): State<Arc<Inner>>, Path(i): Path<usize>, body: Bytes) -> StatusCode {
    let Ok(report) = serde_json::from_slice(&body) else { return StatusCode::BAD_REQUEST };
    // Nobody takes it any more: then a check has failed already.
    let _ = server.reports.send((i, report));
    StatusCode::NO_CONTENT
}

#[cfg(test)]
mod tests {
    use super::{BATCH, EVENTS, eventsource_4, httpx_sse, polyfill, standard, undici};

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
