//! MCP over streamable HTTP (revision 2025-11-25): a request is a POST, its answer one JSON object or an event stream,
//! and a stream that was cut goes on with a GET that names the last event ID. With reqwest and serde_json, against a
//! server in axum that primes, polls and cuts as the specification allows.
//!
//! What the specification asks of the parser: an event with an ID and empty data is an event, and sets the ID; an event
//! that was cut is discarded, so that the one that is sent again is the only one; `retry` and the last event ID outlive
//! a connection. A message is lent and read from its bytes; one that the network cut is kept in a buffer that grows up
//! to a limit. A call that is cancelled is not resumed: the specification wants a `notifications/cancelled` then.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::Router;
use futures::StreamExt;
use reqwest::{header, RequestBuilder};
use serde::Deserialize;
use serde_json::{json, Value};
use ssewire::{Frame, Overflow, Parser};

const VERSION: &str = "2025-11-25";

/// The largest message.
const LIMIT: usize = 4 << 20;

/// Without a `retry`, as browsers do.
const RETRY_MS: u64 = 3000;

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("{0}")]
    TooLarge(#[from] Overflow),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// What the server answers to the request.
    #[error("{message} ({code})")]
    Rpc { code: i64, message: String },
    /// The server has ended the session: begin with `initialize` again.
    #[error("the session is over")]
    SessionOver,
    /// The stream was cut before it had set an ID, or beyond the number of tries.
    #[error("the stream was cut and cannot be resumed")]
    Cut,
}

/// A JSON-RPC message: with a method a request or notification, without one a response.
#[derive(Deserialize)]
struct Message {
    id: Option<Value>,
    method: Option<String>,
    params: Option<Value>,
    result: Option<Value>,
    error: Option<RpcError>,
}

#[derive(Deserialize)]
struct RpcError {
    code: i64,
    message: String,
}

impl Message {
    fn into_result(self) -> Result<Value, Error> {
        match self.error {
            Some(RpcError { code, message }) => Err(Error::Rpc { code, message }),
            None => Ok(self.result.unwrap_or_default()),
        }
    }
}

/// A session with a server.
struct Client {
    http: reqwest::Client,
    url: String,
    session: Option<header::HeaderValue>,
    requests: u64,
}

impl Client {
    /// A session: `initialize`, and the notification behind it.
    async fn connect(url: String) -> Result<Client, Error> {
        let http = reqwest::Client::builder().read_timeout(Duration::from_secs(5)).build()?;
        let mut client = Client { http, url, session: None, requests: 0 };
        let info = json!({"name": "ssewire", "version": "0"});
        let params = json!({"protocolVersion": VERSION, "capabilities": {}, "clientInfo": info});
        client.call("initialize", params, |_, _| ()).await?;
        let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        client.send(client.http.post(&client.url).body(initialized.to_string())).await?;
        Ok(client)
    }

    /// Returns the result of `method`, and passes the notifications that come before it to `notify`.
    ///
    /// A message that is too large is skipped. It may have been the result, so [`Error::TooLarge`] is returned if no result
    /// has come when the connection ends. A message that is not JSON-RPC ends the call.
    async fn call(&mut self, method: &str, params: Value, mut notify: impl FnMut(&str, Value)) -> Result<Value, Error> {
        self.requests += 1;
        let request = json!({"jsonrpc": "2.0", "id": self.requests, "method": method, "params": params});
        let mut response = self.send(self.http.post(&self.url).body(request.to_string())).await?;
        if let Some(session) = response.headers().get("mcp-session-id") {
            self.session = Some(session.clone());
        }
        if !is(&response, "text/event-stream") {
            return serde_json::from_slice::<Message>(&response.bytes().await?)?.into_result();
        }
        let mut parser = Parser::with_limit(LIMIT);
        let mut too_large = None;
        loop {
            // A connection that breaks is as good as one that ends: both are resumed.
            while let Ok(Some(chunk)) = response.chunk().await {
                let mut input = &chunk[..];
                while let Some(event) = parser.next(&mut input).transpose() {
                    let event = match event {
                        Ok(event) => event,
                        Err(overflow) => {
                            too_large = Some(overflow);
                            continue;
                        }
                    };
                    if event.data().is_empty() {
                        continue; // it was there to set the last event ID
                    }
                    let message: Message = serde_json::from_slice(event.data())?;
                    match message.method {
                        // The server's own requests have IDs of their own, which may be the same numbers.
                        Some(method) => notify(&method, message.params.unwrap_or_default()),
                        None if message.id == Some(self.requests.into()) => return message.into_result(),
                        None => {}
                    }
                }
            }
            // Resuming does not bring it back: its ID is the last event ID.
            if let Some(overflow) = too_large {
                return Err(overflow.into());
            }
            response = self.resume(&mut parser).await?;
        }
    }

    /// The stream that goes on behind the last event that `parser` has seen.
    async fn resume(&self, parser: &mut Parser<ssewire::GrowableBuffer>) -> Result<reqwest::Response, Error> {
        parser.reset();
        let wait = Duration::from_millis(parser.reconnection_time_ms().unwrap_or(RETRY_MS));
        let id = parser.last_event_id().filter(|id| !id.is_empty()).ok_or(Error::Cut)?;
        for _ in 0..5 {
            tokio::time::sleep(wait).await;
            match self.send(self.http.get(&self.url).header("last-event-id", id)).await {
                // No answer at all, such as while the server restarts: the next try comes after the same wait.
                Err(Error::Http(error)) if !error.is_status() => {}
                other => return other,
            }
        }
        Err(Error::Cut)
    }

    /// Ends the session.
    async fn close(&self) -> Result<(), Error> {
        self.send(self.http.delete(&self.url)).await.map(drop)
    }

    async fn send(&self, mut request: RequestBuilder) -> Result<reqwest::Response, Error> {
        request = request.header(header::CONTENT_TYPE, "application/json");
        request = request.header(header::ACCEPT, "application/json, text/event-stream");
        if let Some(session) = &self.session {
            request = request.header("mcp-session-id", session).header("mcp-protocol-version", VERSION);
        }
        let response = request.send().await?;
        if response.status() == StatusCode::NOT_FOUND && self.session.is_some() {
            return Err(Error::SessionOver);
        }
        Ok(response.error_for_status()?)
    }
}

fn is(response: &reqwest::Response, content_type: &str) -> bool {
    let header = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    header.is_some_and(|value| value.split(';').next() == Some(content_type))
}

/// What the server has seen: of each connection that asked for a stream when, and behind which event.
#[derive(Default)]
struct Seen {
    streams: Vec<(Instant, Option<String>)>,
    initialized: bool,
    closed: bool,
}

type Shared = Arc<Mutex<Seen>>;

/// How long clients are told to wait.
const RETRY: Duration = Duration::from_millis(250);

/// What no client may be sent without: an error of the server's is an answer, which the client reports.
fn check(headers: &HeaderMap, seen: &Seen) -> Result<(), StatusCode> {
    let is = |name: &str, value| headers.get(name).is_some_and(|header| header == value);
    if !is("accept", "application/json, text/event-stream") {
        Err(StatusCode::NOT_ACCEPTABLE)
    } else if !is("mcp-session-id", "1868a90c") || !is("mcp-protocol-version", VERSION) {
        Err(StatusCode::BAD_REQUEST)
    } else if seen.closed {
        Err(StatusCode::NOT_FOUND)
    } else {
        Ok(())
    }
}

fn event(id: &str, data: &Value) -> String {
    // Priming events have empty data, which is not the same as none.
    let data = if data.is_null() { String::new() } else { data.to_string() };
    Frame::new().id(id).map(|frame| frame.data(&data).to_string()).unwrap_or_default()
}

/// An event stream; one that is `cut` ends in the midst of the chunked transfer coding.
fn events(body: String, cut: bool) -> Response {
    let cut = futures::stream::iter(cut.then_some(())).then(async |()| {
        // Or hyper would drop what it has not sent yet.
        tokio::time::sleep(Duration::from_millis(50)).await;
        Err(io::Error::other("cut"))
    });
    let body = Body::from_stream(futures::stream::iter([Ok(body)]).chain(cut));
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

fn progress(n: u64) -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": n}})
}

fn result(id: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": {"content": [{"type": "text", "text": "21.5 °C"}]}})
}

/// Takes a message.
async fn receive(State(seen): State<Shared>, headers: HeaderMap, body: String) -> Result<Response, StatusCode> {
    let mut seen = seen.lock().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let request: Value = serde_json::from_str(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let json = |message: Value| ([(header::CONTENT_TYPE, "application/json")], message.to_string()).into_response();
    if request["method"] == "initialize" {
        let result =
            json!({"protocolVersion": VERSION, "capabilities": {}, "serverInfo": {"name": "s", "version": "0"}});
        let mut response = json(json!({"jsonrpc": "2.0", "id": request["id"], "result": result}));
        response.headers_mut().insert("mcp-session-id", header::HeaderValue::from_static("1868a90c"));
        return Ok(response);
    }
    check(&headers, &seen)?;
    match request["method"].as_str() {
        Some("notifications/initialized") => {
            seen.initialized = true;
            Ok(StatusCode::ACCEPTED.into_response())
        }
        // Primed, told how long to wait, given one event, and left.
        Some("tools/call") => {
            seen.streams.push((Instant::now(), None));
            let retry = Frame::new().retry(RETRY.as_millis() as u64).to_string();
            Ok(events(event("a-0", &Value::Null) + &retry + &event("a-1", &progress(1)), false))
        }
        _ => Ok(json(
            json!({"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32601, "message": "Method not found"}}),
        )),
    }
}

/// Resumes a stream.
async fn resume(State(seen): State<Shared>, headers: HeaderMap) -> Result<Response, StatusCode> {
    let mut seen = seen.lock().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    check(&headers, &seen)?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).ok_or(StatusCode::METHOD_NOT_ALLOWED)?;
    seen.streams.push((Instant::now(), Some(last.into())));
    let response = event("a-3", &result(&json!(2)));
    match last {
        // A request of the server's with the same number, and the response but for its last byte: then the line is cut.
        "a-1" => {
            let ping = json!({"jsonrpc": "2.0", "id": 2, "method": "ping", "params": {}});
            Ok(events(event("a-2", &ping) + &response[..response.len() - 1], true))
        }
        "a-2" => Ok(events(response.repeat(2), false)),
        _ => Err(StatusCode::BAD_REQUEST),
    }
}

async fn end(State(seen): State<Shared>, headers: HeaderMap) -> Result<StatusCode, StatusCode> {
    let mut seen = seen.lock().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    check(&headers, &seen)?;
    seen.closed = true;
    Ok(StatusCode::NO_CONTENT)
}

async fn server(seen: Shared) -> io::Result<SocketAddr> {
    let router = Router::new().route("/mcp", post(receive).get(resume).delete(end)).with_state(seen);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async { axum::serve(listener, router).await });
    Ok(address)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seen = Shared::default();
    let mut client = Client::connect(format!("http://{}/mcp", server(seen.clone()).await?)).await?;
    assert!(seen.lock().unwrap().initialized);

    let mut notified = Vec::new();
    let call = client.call("tools/call", json!({"name": "temperature"}), |method, params| {
        notified.push((method.to_string(), params["progress"].as_u64()));
    });
    let found = tokio::time::timeout(Duration::from_secs(8), call).await??;
    assert_eq!(found["content"][0]["text"], "21.5 °C");
    assert_eq!(notified, [("notifications/progress".into(), Some(1)), ("ping".into(), None)]);

    let streams = std::mem::take(&mut seen.lock().unwrap().streams);
    let ids: Vec<_> = streams.iter().map(|(_, id)| id.as_deref()).collect();
    assert_eq!(ids, [None, Some("a-1"), Some("a-2")]);
    for pair in streams.windows(2) {
        assert!(pair[1].0 - pair[0].0 >= RETRY, "the client came back too early");
    }

    // One JSON object instead of a stream; then a session that is over.
    let Err(Error::Rpc { code: -32601, .. }) = client.call("no/such", json!({}), |_, _| ()).await else {
        panic!("an error of the server's");
    };
    client.close().await?;
    let Err(Error::SessionOver) = client.call("tools/call", json!({}), |_, _| ()).await else {
        panic!("a session that is over");
    };
    println!("one result over {} connections, each at least {RETRY:?} after the one before", streams.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a call returns and notifies when all that the server sends is `messages`.
    async fn call(messages: &[Value]) -> (Result<Value, Error>, Vec<String>) {
        let body: String = messages.iter().map(|message| event("1", message)).collect();
        let router = Router::new().route("/mcp", post(async || events(body, false)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router).await });
        let mut client = Client { http: reqwest::Client::new(), url, session: None, requests: 1 };
        let mut notified = Vec::new();
        let result = client.call("tools/call", json!({}), |method, _| notified.push(method.into())).await;
        (result, notified)
    }

    fn notification(method: &str) -> Value {
        json!({"jsonrpc": "2.0", "method": method})
    }

    #[tokio::test]
    async fn a_notification_that_is_too_large_does_not_end_the_call() {
        let large = notification(&"x".repeat(LIMIT));
        let messages = [large, notification("a"), notification("bc"), notification("d"), result(&json!(2))];
        let (result, notified) = call(&messages).await;
        assert_eq!(result.unwrap()["content"][0]["text"], "21.5 °C");
        assert_eq!(notified, ["a", "bc", "d"]);
    }

    #[tokio::test]
    async fn a_result_that_is_too_large_is_an_error() {
        let large = json!({"jsonrpc": "2.0", "id": 2, "result": "x".repeat(LIMIT)});
        let (result, notified) = call(&[large, notification("a")]).await;
        assert!(matches!(result, Err(Error::TooLarge(Overflow { capacity: LIMIT, .. }))));
        assert_eq!(notified, ["a"]);
    }
}
