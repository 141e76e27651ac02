//! MCP over streamable HTTP (revision 2025-11-25), through `ssewire-client`: a request is a POST, its answer one JSON object or an
//! event stream, and a stream that was cut is resumed by a GET with the last event ID.
//!
//!     mcp URL [METHOD [PARAMS]] [--timeout SECONDS]
//!
//! begins a session, calls a method (`tools/list`), prints the result, and last a line `{"end":"done"|"error","error":…}`. Without a
//! URL it runs against a server in axum that primes, polls and cuts as the specification allows.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::State;
use axum::http::{header, HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::Router;
use futures::StreamExt;
use serde_json::{json, Value};
use ssewire::Frame;
use ssewire_client::mcp::{Client, Error, VERSION};

/// Begins a session and calls a method.
async fn call(url: &str, method: &str, params: Value, timeout: Duration) -> Result<Value, Error> {
    let mut client = Client::new(url, &[])?;
    client.set_timeout(timeout);
    client.initialize().await?;
    let result = client.call(method, params, |method, params| eprintln!("{method}: {params}")).await;
    // A server that does not end the session now does it later.
    let _ = client.close().await;
    result
}

/// The requests that the server has seen: the time of each connection that asked for a stream, and the event after which it resumed.
#[derive(Default)]
struct Seen {
    streams: Vec<(Instant, Option<String>)>,
    initialized: bool,
    closed: bool,
}

type Shared = Arc<Mutex<Seen>>;

/// How long clients are told to wait.
const RETRY: Duration = Duration::from_millis(250);

/// Checks the headers that each request must have: an error of the server's is an answer, which the client reports.
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
        // Otherwise hyper would drop the bytes that it has not sent yet.
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
        // A request of the server's with the same number, and the response except its last byte: then the line is cut.
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
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let (mut words, mut timeout) = (Vec::new(), Duration::from_secs(60));
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match &arg[..] {
            "--timeout" => timeout = Duration::from_secs(args.next().ok_or("--timeout SECONDS")?.parse()?),
            _ => words.push(arg),
        }
    }
    let Some(url) = words.first() else {
        rehearse().await?;
        return Ok(ExitCode::SUCCESS);
    };
    let method = words.get(1).map_or("tools/list", |method| method);
    let params = words.get(2).map_or(Ok(json!({})), |params| serde_json::from_str(params))?;
    let result = tokio::time::timeout(timeout, call(url, method, params, timeout)).await;
    match result.unwrap_or(Err(Error::Timeout(timeout))) {
        Ok(result) => {
            println!("{result}");
            println!("{}", json!({"end": "done", "error": null}));
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            println!("{}", json!({"end": "error", "error": error.to_string()}));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Meets all that the server here does.
async fn rehearse() -> Result<(), Box<dyn std::error::Error>> {
    let seen = Shared::default();
    let mut client = Client::connect(&format!("http://{}/mcp", server(seen.clone()).await?)).await?;
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
