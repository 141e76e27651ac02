//! The stand at which clients read: a server of streams that takes reports of what was read.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::messages::Seen;

/// The event type that ends every stream: no reader reconnects that closes at it.
pub const LAST: &str = "the last of this stream";

/// A stream to read, cut into chunks.
#[derive(Clone, Debug)]
pub struct Stream {
    /// To the [`end`].
    pub bytes: Vec<u8>,
    pub cut: Cut,
    /// The event types to listen for: an `EventSource` hands out no others.
    pub types: BTreeSet<String>,
}

/// Where a stream is cut: with a pause, so that the pieces arrive one by one.
#[derive(Clone, Debug)]
pub enum Cut {
    /// Nowhere.
    Whole,
    /// Into pieces of these lengths in bytes, again and again.
    Lengths(Vec<usize>),
}

/// What a client read of a stream.
#[derive(Clone, Debug, Deserialize)]
pub struct Report {
    /// `last` when it was read to its last event; else `error` or `timeout`.
    pub end: String,
    pub events: Vec<Seen>,
}

/// A running stand.
#[derive(Debug)]
pub struct Stand {
    pub address: SocketAddr,
    streams: usize,
    reports: mpsc::UnboundedReceiver<(usize, Report)>,
    server: tokio::task::JoinHandle<()>,
}

struct Inner {
    streams: Vec<Stream>,
    reports: mpsc::UnboundedSender<(usize, Report)>,
}

impl Stand {
    /// Serves `streams`.
    ///
    /// # Errors
    ///
    /// When no port is free.
    pub async fn start(streams: Vec<Stream>) -> anyhow::Result<Stand> {
        let (sender, reports) = mpsc::unbounded_channel();
        let count = streams.len();
        let router = Router::new()
            .route("/", get(|| file("text/html", include_bytes!("../js/page.html"))))
            .route("/collect.mjs", get(|| file("text/javascript", include_bytes!("../js/collect.mjs"))))
            .route("/plan", get(plan))
            .route("/stream/{i}", get(stream))
            .route("/report/{i}", post(report))
            .with_state(Arc::new(Inner { streams, reports: sender }));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        // Or pieces would wait for one another.
        let listener = listener.tap_io(|connection| {
            let _ = connection.set_nodelay(true);
        });
        let server = tokio::spawn(async {
            // It ends with the task alone.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Stand { address, streams: count, reports, server })
    }

    /// What was read of each stream.
    ///
    /// # Errors
    ///
    /// When a stream was not read to its end, or not all within `limit`.
    pub async fn reports(mut self, limit: Duration) -> anyhow::Result<Vec<Vec<Seen>>> {
        let mut all = vec![None; self.streams];
        let collecting = async {
            while all.contains(&None) {
                let (i, report) = self.reports.recv().await.context("the stand has ended")?;
                let (end, read) = (report.end, report.events.len());
                anyhow::ensure!(end == "last", "stream {i} ended by {end} behind {read} events");
                *all.get_mut(i).with_context(|| format!("there is no stream {i}"))? = Some(report.events);
            }
            anyhow::Ok(())
        };
        match tokio::time::timeout(limit, collecting).await {
            Ok(result) => result?,
            Err(_) => {
                let missing = all.iter().filter(|report| report.is_none()).count();
                anyhow::bail!("{missing} of {} streams not read in {limit:?}", all.len());
            }
        }
        Ok(all.into_iter().flatten().collect())
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Appends the event that ends every stream.
pub fn end(bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(format!("event: {LAST}\ndata\n\n").as_bytes());
}

impl Stream {
    /// Makes every `data` another word, but for that of the event that ends it.
    pub fn spoil(&mut self) {
        let mut last = Vec::new();
        end(&mut last);
        let before = self.bytes.len() - last.len();
        for at in 0..before {
            if self.bytes[at..before].starts_with(b"data") {
                self.bytes[at] = b'b';
            }
        }
    }

    fn chunks(&self) -> Vec<Bytes> {
        let mut rest = Bytes::from(self.bytes.clone());
        let Cut::Lengths(lengths) = &self.cut else { return vec![rest] };
        let mut lengths = lengths.iter().cycle();
        let mut chunks = Vec::new();
        while !rest.is_empty() {
            let length = lengths.next().map_or(rest.len(), |&length| length.clamp(1, rest.len()));
            chunks.push(rest.split_to(length));
        }
        chunks
    }
}

async fn file(content_type: &'static str, bytes: &'static [u8]) -> Response {
    ([(header::CONTENT_TYPE, content_type)], bytes).into_response()
}

async fn plan(State(stand): State<Arc<Inner>>) -> Response {
    let streams: Vec<_> = stand.streams.iter().map(|stream| &stream.types).collect();
    Json(serde_json::json!({ "last": LAST, "streams": streams })).into_response()
}

async fn stream(State(stand): State<Arc<Inner>>, Path(i): Path<usize>) -> Response {
    let Some(stream) = stand.streams.get(i) else { return StatusCode::NOT_FOUND.into_response() };
    let chunks = futures::stream::unfold(stream.chunks().into_iter(), |mut chunks| async {
        let chunk = chunks.next()?;
        tokio::time::sleep(Duration::from_millis(1)).await;
        Some((Ok::<_, Infallible>(chunk), chunks))
    });
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::from_stream(chunks)).into_response()
}

async fn report(State(stand): State<Arc<Inner>>, Path(i): Path<usize>, body: Bytes) -> StatusCode {
    let Ok(report) = serde_json::from_slice(&body) else { return StatusCode::BAD_REQUEST };
    // Nobody takes it any more: then a check has failed already.
    let _ = stand.reports.send((i, report));
    StatusCode::NO_CONTENT
}
