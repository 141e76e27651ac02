//! MCP over streamable HTTP (revision 2025-11-25): a client over `ssewire-client`, and a server over `ssewire-server`.
//!
//!     mcp URL [METHOD [PARAMS]] [--timeout SECONDS]
//!
//! begins a session, calls a method (`tools/list`), prints the result, and last a line `{"end":"done"|"error","error":…}`.
//!
//!     mcp --serve PORT
//!
//! serves `http://127.0.0.1:PORT/mcp` for any client: the tool `temperature` answers by an event stream, everything else by one JSON
//! object, and a GET reads log messages. Without arguments the two meet over a line that is cut.
//!
//! A request is a POST, its answer one JSON object or an event stream. A stream that was cut is resumed by a GET with the last event
//! ID. The server has a [`Hub`] for each stream of a session, and the number of the stream is the first part of its IDs.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::future::pending;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::post;
use futures::stream::{self, StreamExt};
use serde_json::{Value, json};
use ssewire::Frame;
use ssewire::http::LAST_EVENT_ID;
use ssewire_client::EventSource;
use ssewire_client::mcp::{Client, Error, VERSION};
use ssewire_server::{Hub, Server, Start};

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

const SESSION_ID: &str = "mcp-session-id";

/// The revisions that the server speaks. Clients of those before the newest take an event without a message for an error.
const VERSIONS: [&str; 3] = [VERSION, "2025-06-18", "2025-03-26"];

/// How long clients are told to wait before they come back.
const RETRY: Duration = Duration::from_millis(250);

/// How long the stream of an answer can be resumed after its end.
const KEPT: Duration = Duration::from_secs(60);

/// The largest message of a client, in bytes.
const LARGEST: usize = 1 << 20;

/// A session: its streams by number. The first is that of messages that answer nothing.
struct Session {
    streams: HashMap<u64, Hub>,
    opened: u64,
}

/// The sessions by ID. Each ends by a DELETE alone.
#[derive(Clone, Default)]
struct Sessions(Arc<Mutex<HashMap<String, Session>>>);

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> String {
        // Each of them has random keys of the system's.
        let random = || RandomState::new().build_hasher().finish();
        let id = format!("{:016x}{:016x}", random(), random());
        let mut session = Session { streams: HashMap::new(), opened: 0 };
        session.open();
        self.lock().insert(id.clone(), session);
        id
    }

    /// Returns the session of a request, which must be one that a browser's page of another host cannot make.
    fn check(&self, headers: &HeaderMap) -> Result<String, StatusCode> {
        is_local(headers)?;
        let id = text(headers, SESSION_ID).ok_or(StatusCode::BAD_REQUEST)?;
        if text(headers, "mcp-protocol-version").is_some_and(|version| !VERSIONS.contains(&version)) {
            return Err(StatusCode::BAD_REQUEST);
        }
        if self.lock().contains_key(id) { Ok(id.into()) } else { Err(StatusCode::NOT_FOUND) }
    }
}

impl Session {
    /// Opens a stream. Its IDs are `NUMBER-1`, `NUMBER-2`, and so on.
    fn open(&mut self) -> (u64, Hub) {
        self.opened += 1;
        // A message is a chunk.
        let hub = Hub::builder().epoch(self.opened).start(Start::Oldest).retry(RETRY).chunk(1);
        // It fails for a file alone.
        let hub = hub.build().unwrap_or_default();
        self.streams.insert(self.opened, hub.clone());
        (self.opened, hub)
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn is_local(headers: &HeaderMap) -> Result<(), StatusCode> {
    let Some(origin) = text(headers, "origin") else { return Ok(()) };
    let host = origin.parse::<Uri>().ok().and_then(|uri| uri.host().map(String::from));
    let is_local = host.is_some_and(|host| ["127.0.0.1", "localhost", "[::1]"].contains(&&host[..]));
    if is_local { Ok(()) } else { Err(StatusCode::FORBIDDEN) }
}

/// Takes a message, and answers a request.
async fn receive(State(sessions): State<Sessions>, request: Request) -> Result<Response, StatusCode> {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    let accept = text(headers, "accept").unwrap_or_default();
    if !accept.contains("application/json") || !accept.contains("text/event-stream") {
        return Err(StatusCode::NOT_ACCEPTABLE);
    }
    let body = axum::body::to_bytes(body, LARGEST).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    let Ok(message) = serde_json::from_slice::<Value>(&body) else {
        let error = json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "Parse error"}});
        return Ok((StatusCode::BAD_REQUEST, Json(error)).into_response());
    };
    let id = &message["id"];
    if message["method"] == "initialize" {
        is_local(headers)?;
        let asked = message["params"]["protocolVersion"].as_str();
        let version = asked.filter(|version| VERSIONS.contains(version)).unwrap_or(VERSION);
        let info = json!({"name": "ssewire-mcp", "version": "0"});
        let capabilities = json!({"tools": {}, "logging": {}});
        let result = json!({"protocolVersion": version, "capabilities": capabilities, "serverInfo": info});
        return Ok(([(SESSION_ID, sessions.begin())], Json(answer(id, result))).into_response());
    }
    let session = sessions.check(headers)?;
    if id.is_null() || message["method"].is_null() {
        // A notification, or an answer.
        return Ok(StatusCode::ACCEPTED.into_response());
    }
    if message["method"] == "tools/call" && message["params"]["name"] == "temperature" {
        let Some((number, stream)) = sessions.lock().get_mut(&session).map(Session::open) else {
            return Err(StatusCode::NOT_FOUND);
        };
        if text(headers, "mcp-protocol-version") == Some(VERSION) {
            // An ID to resume from, before there is a message. An empty event fits into any stream.
            let _ = stream.publish(Frame::new().data(""));
        }
        let response = stream.respond(&Request::from_parts(parts, ()));
        tokio::spawn(async move {
            // The client sees the end of its stream.
            let _ = measure(&stream, &message).await;
            stream.shutdown(KEPT).await;
            tokio::time::sleep(KEPT).await;
            sessions.lock().get_mut(&session).map(|session| session.streams.remove(&number));
        });
        return Ok(response.map(Body::new));
    }
    Ok(Json(result(id, &message)).into_response())
}

/// Answers that need no time.
fn result(id: &Value, message: &Value) -> Value {
    match message["method"].as_str() {
        Some("ping" | "logging/setLevel") => answer(id, json!({})),
        Some("tools/list") => {
            let tool = json!({"name": "temperature", "description": "Measures for a second", "inputSchema": {"type": "object"}});
            answer(id, json!({"tools": [tool]}))
        }
        Some("tools/call") => error(id, -32602, "Unknown tool"),
        _ => error(id, -32601, "Method not found"),
    }
}

fn answer(id: &Value, result: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": result})
}

fn error(id: &Value, code: i64, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
}

/// The tool: it tells of its progress if it is asked to, and answers.
async fn measure(stream: &Hub, message: &Value) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let send = |message: Value| stream.publish(Frame::new().data(&message.to_string()));
    for n in 1..=4 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let token = &message["params"]["_meta"]["progressToken"];
        if !token.is_null() {
            let params = json!({"progressToken": token, "progress": n, "total": 4});
            send(json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params}))?;
        }
    }
    // The server's requests are counted for themselves: this number may be that of the request that is answered.
    send(json!({"jsonrpc": "2.0", "id": 2, "method": "ping"}))?;
    send(answer(&message["id"], json!({"content": [{"type": "text", "text": "21.5 °C"}]})))?;
    Ok(())
}

/// Opens the stream of messages that answer nothing, or resumes any stream.
async fn listen(State(sessions): State<Sessions>, request: Request) -> Result<Response, StatusCode> {
    let headers = request.headers();
    let session = sessions.check(headers)?;
    let number = match text(headers, LAST_EVENT_ID) {
        Some(id) => id.split('-').next().and_then(|number| number.parse().ok()).ok_or(StatusCode::BAD_REQUEST)?,
        None => 1,
    };
    let stream = sessions.lock().get(&session).and_then(|session| session.streams.get(&number).cloned());
    let stream = stream.ok_or(StatusCode::NOT_FOUND)?;
    // A message goes over one connection. One that resumes has lost the other.
    if stream.stats().connections > 0 && !headers.contains_key(LAST_EVENT_ID) {
        return Err(StatusCode::CONFLICT);
    }
    Ok(stream.respond(&request).map(Body::new))
}

async fn end(State(sessions): State<Sessions>, headers: HeaderMap) -> Result<StatusCode, StatusCode> {
    let session = sessions.check(&headers)?;
    let ended = sessions.lock().remove(&session);
    for stream in ended.into_iter().flat_map(|session| session.streams.into_values()) {
        tokio::spawn(async move { stream.shutdown(Duration::from_secs(1)).await });
    }
    Ok(StatusCode::NO_CONTENT)
}

fn app(sessions: &Sessions) -> Router {
    Router::new().route("/mcp", post(receive).get(listen).delete(end)).with_state(sessions.clone())
}

/// Sends a log message to every session.
fn log(sessions: &Sessions, text: &str) {
    let params = json!({"level": "info", "data": text});
    let message = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": params}).to_string();
    for session in sessions.lock().values() {
        if let Some(stream) = session.streams.get(&1) {
            // A message that is too large, or a server that shuts down.
            let _ = stream.publish(Frame::new().data(&message));
        }
    }
}

async fn serve(port: u16) -> Result<(), Box<dyn std::error::Error>> {
    let sessions = Sessions::default();
    let server = Server::bind(("127.0.0.1", port)).await?;
    println!("http://{}/mcp", server.local_addr()?);
    let serving = server.serve_router(app(&sessions), async {
        let _ = tokio::signal::ctrl_c().await;
    });
    let logging = async {
        for n in 1.. {
            tokio::time::sleep(Duration::from_secs(5)).await;
            log(&sessions, &format!("up for {} seconds", 5 * n));
        }
    };
    tokio::select! {
        () = serving => {}
        () = logging => {}
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let (mut words, mut timeout) = (Vec::new(), Duration::from_secs(60));
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match &arg[..] {
            "--timeout" => timeout = Duration::from_secs(args.next().ok_or("--timeout SECONDS")?.parse()?),
            "--serve" => {
                serve(args.next().ok_or("--serve PORT")?.parse()?).await?;
                return Ok(ExitCode::SUCCESS);
            }
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

/// The connections that asked for a stream: when, and after which event.
type Asked = Arc<Mutex<Vec<(Instant, Option<String>)>>>;

/// A line that ends the first stream after two events, and breaks the second within its second event.
async fn bad_line(State(asked): State<Asked>, request: Request, next: Next) -> Response {
    let id = text(request.headers(), LAST_EVENT_ID).map(String::from);
    let response = next.run(request).await;
    if text(response.headers(), "content-type") != Some("text/event-stream") {
        return response;
    }
    let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
    asked.push((Instant::now(), id));
    let number = asked.len();
    response.map(|body| {
        let chunks = body.into_data_stream().map(|chunk| chunk.map_err(io::Error::other));
        match number {
            1 => Body::from_stream(chunks.take(2)),
            2 => {
                let half = |chunk: Bytes| chunk.slice(..chunk.len() / 2);
                let chunks =
                    chunks.take(2).enumerate().map(move |(i, chunk)| if i == 1 { chunk.map(half) } else { chunk });
                let broken = stream::once(async {
                    // Or hyper would drop what it has not sent yet.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    Err(io::Error::other("broken"))
                });
                Body::from_stream(chunks.chain(broken))
            }
            _ => Body::from_stream(chunks),
        }
    })
}

/// The client meets the server over a [`bad_line`].
async fn rehearse() -> Result<(), Box<dyn std::error::Error>> {
    let (sessions, asked) = (Sessions::default(), Asked::default());
    let server = Server::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/mcp", server.local_addr()?);
    let line = middleware::from_fn_with_state(asked.clone(), bad_line);
    tokio::spawn(server.serve_router(app(&sessions).layer(line), pending()));
    let mut client = Client::connect(&url).await?;

    let mut notified = Vec::new();
    let params = json!({"name": "temperature", "_meta": {"progressToken": 1}});
    let call = client.call("tools/call", params, |method, params| {
        notified.push((method.to_string(), params["progress"].as_u64()));
    });
    let found = tokio::time::timeout(Duration::from_secs(8), call).await??;
    assert_eq!(found["content"][0]["text"], "21.5 °C");
    let progress = |n| (String::from("notifications/progress"), Some(n));
    assert_eq!(notified, [progress(1), progress(2), progress(3), progress(4), ("ping".into(), None)]);

    let streams = std::mem::take(&mut *asked.lock().unwrap());
    let ids: Vec<_> = streams.iter().map(|(_, id)| id.as_deref()).collect();
    assert_eq!(ids, [None, Some("2-2"), Some("2-3")]);
    for pair in streams.windows(2) {
        assert!(pair[1].0 - pair[0].0 >= RETRY, "the client came back too early");
    }

    // One JSON object instead of a stream.
    assert_eq!(client.call("tools/list", json!({}), |_, _| ()).await?["tools"][0]["name"], "temperature");
    let Err(Error::Rpc { code: -32601, .. }) = client.call("no/such", json!({}), |_, _| ()).await else {
        panic!("an error of the server's");
    };
    listens(&sessions, &url).await?;
    client.close().await?;
    let Err(Error::SessionOver) = client.call("tools/call", json!({}), |_, _| ()).await else {
        panic!("a session that is over");
    };
    println!("one result over {} connections, each at least {RETRY:?} after the one before", streams.len());
    Ok(())
}

/// Reads the stream of messages that answer nothing, over two bad connections and a good one, and is rejected where it should be.
async fn listens(sessions: &Sessions, url: &str) -> Result<(), Box<dyn std::error::Error>> {
    let session = sessions.lock().keys().next().cloned().ok_or("a session")?;
    let texts: Vec<String> = (1..=5).map(|n| format!("message {n}")).collect();
    texts.iter().for_each(|text| log(sessions, text));
    let mut source = EventSource::builder(url).header(SESSION_ID, &session).build()?;
    for text in &texts {
        let event = tokio::time::timeout(Duration::from_secs(8), source.next()).await?.ok_or("an event")??;
        let message: Value = serde_json::from_slice(event.data())?;
        assert_eq!(message["params"]["data"], **text);
    }

    let status = async |method: Method, fields: &[(&str, &str)]| {
        let mut request = reqwest::Client::new().request(method, url);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        Ok::<_, reqwest::Error>(request.body("{}").send().await?.status())
    };
    let session = (SESSION_ID, &session[..]);
    assert_eq!(status(Method::GET, &[session]).await?, StatusCode::CONFLICT);
    assert_eq!(status(Method::GET, &[session, (LAST_EVENT_ID, "9-1")]).await?, StatusCode::NOT_FOUND);
    assert_eq!(status(Method::GET, &[session, ("origin", "http://example.com")]).await?, StatusCode::FORBIDDEN);
    assert_eq!(status(Method::GET, &[session, ("mcp-protocol-version", "1")]).await?, StatusCode::BAD_REQUEST);
    assert_eq!(status(Method::GET, &[]).await?, StatusCode::BAD_REQUEST);
    assert_eq!(status(Method::DELETE, &[(SESSION_ID, "no such")]).await?, StatusCode::NOT_FOUND);
    assert_eq!(status(Method::POST, &[session]).await?, StatusCode::NOT_ACCEPTABLE);
    Ok(())
}
