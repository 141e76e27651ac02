/*!
Helpers for the Model Context Protocol over streamable HTTP (revision 2025-11-25): a request is a POST, its answer one JSON
object or an event stream, and a stream that was cut is resumed by a GET with the last event ID.

It moves messages, and knows nothing of tools, prompts or resources.

- Only events of type `message` are messages; others, and those without data, are skipped.
- A resumption that brings no event counts as a failed attempt, of [`Policy::attempts`]. An answer to a resumption that is not
  an event stream ends the call at once. A call takes at most its [timeout](Client::set_timeout).
- The JSON-RPC error in the body of a failed response is the error of the call.

# Examples

```no_run
# async fn call() -> Result<(), Box<dyn std::error::Error>> {
use ssewire_client::mcp::Client;

let mut client = Client::connect("http://127.0.0.1:8080/mcp").await?;
let tools = client.call("tools/list", serde_json::json!({}), |method, params| println!("{method}: {params}")).await?;
println!("{tools}");
client.close().await?;
# Ok(())
# }
```
*/

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};
use ssewire::{http, lossy};

use crate::{BuildError, Builder, Error as SourceError, EventSource, FailedResponse, Policy};

/// The revision of the protocol.
pub const VERSION: &str = "2025-11-25";

/// The types that an answer can have.
const ACCEPT: &str = "application/json, text/event-stream";

/// A session with a server.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    headers: Vec<(String, String)>,
    session: Option<String>,
    requests: u64,
    policy: Policy,
    limit: usize,
    timeout: Duration,
}

/// Why a call has no result.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The server's answer is an error.
    Rpc {
        /// The code of JSON-RPC.
        code: i64,
        /// The message.
        message: String,
        /// Further data, null without any.
        data: Value,
    },
    /// The server has ended the session: connect again.
    SessionOver,
    /// The response is neither an event stream nor JSON, or has a status of failure.
    Response(FailedResponse),
    /// A message is not JSON-RPC: its text.
    NotJson(String),
    /// The answer, or another message, is larger than the limit. Its ID is the last event ID, so it does not come again.
    TooLarge(ssewire::Overflow),
    /// The stream was cut, and has no ID to resume from.
    Cut,
    /// The stream was cut, and could not be resumed.
    Resume(SourceError),
    /// No answer within the timeout.
    Timeout(Duration),
    /// The request failed.
    Request(Box<dyn std::error::Error + Send + Sync>),
}

impl Client {
    /// Initializes a session at `url`.
    ///
    /// # Errors
    ///
    /// [`Error`] as of [`call`](Client::call).
    pub async fn connect(url: &str) -> Result<Client, Error> {
        let mut client = Client::new(url, &[])?;
        client.initialize().await?;
        Ok(client)
    }

    /// Returns a client that sends `headers` with each request, such as an `authorization`. Call
    /// [`initialize`](Client::initialize) next.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] if reqwest cannot be set up.
    pub fn new(url: &str, headers: &[(&str, &str)]) -> Result<Client, Error> {
        let http = crate::source::http_client(url, |builder| builder).map_err(request)?;
        let mut policy = Policy::ROBUST;
        policy.attempts = 5;
        // A client waits for as long as `retry` says, and no less.
        policy.jitters = false;
        Ok(Client {
            http,
            url: url.into(),
            headers: headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
            session: None,
            requests: 0,
            policy,
            limit: crate::LIMIT,
            timeout: Duration::from_secs(300),
        })
    }

    /// Sets the rules of waits and attempts for resumption. Five attempts in a row without one.
    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// Sets the largest message, in bytes.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Sets the time that a call takes at most; five minutes without one.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// Begins the session.
    ///
    /// # Errors
    ///
    /// As of [`call`](Client::call).
    pub async fn initialize(&mut self) -> Result<Value, Error> {
        let info = json!({"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")});
        let params = json!({"protocolVersion": VERSION, "capabilities": {}, "clientInfo": info});
        let result = self.call("initialize", params, |_, _| ()).await?;
        self.notify("notifications/initialized", Value::Null).await?;
        Ok(result)
    }

    /// Sends a request and returns its result. Messages of the server that come before it go to `on_message`, as method and
    /// parameters.
    ///
    /// # Errors
    ///
    /// [`Error`], with the words of the server where it has some.
    pub async fn call(
        &mut self,
        method: &str,
        params: Value,
        on_message: impl FnMut(&str, &Value),
    ) -> Result<Value, Error> {
        self.requests += 1;
        let id = self.requests;
        let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let timeout = self.timeout;
        let call = self.exchange(id, message, on_message);
        tokio::time::timeout(timeout, call).await.unwrap_or(Err(Error::Timeout(timeout)))
    }

    /// Sends a notification.
    ///
    /// # Errors
    ///
    /// [`Error::Response`] for a status of failure, [`Error::Request`].
    pub async fn notify(&mut self, method: &str, params: Value) -> Result<(), Error> {
        let mut message = json!({"jsonrpc": "2.0", "method": method});
        if !params.is_null() {
            message["params"] = params;
        }
        let response = self.post(&message).await?;
        match response.status().as_u16() {
            200..=299 => Ok(()),
            _ => Err(self.failed(response).await),
        }
    }

    /// Ends the session.
    ///
    /// # Errors
    ///
    /// [`Error::Response`] for a status of failure, except 405: a server that does not let clients end sessions.
    pub async fn close(&mut self) -> Result<(), Error> {
        let delete = self.with_headers(self.http.delete(&self.url)).send();
        let response = tokio::time::timeout(self.timeout, delete).await;
        let response = response.map_err(|_| Error::Timeout(self.timeout))?.map_err(request)?;
        match response.status().as_u16() {
            200..=299 | 405 => Ok(()),
            _ => Err(self.failed(response).await),
        }
    }

    async fn exchange(
        &mut self,
        id: u64,
        message: Value,
        mut on_message: impl FnMut(&str, &Value),
    ) -> Result<Value, Error> {
        let response = self.post(&message).await?;
        if let Some(session) = response.headers().get("mcp-session-id").and_then(|value| value.to_str().ok()) {
            self.session = Some(session.into());
        }
        if response.status() != 200 {
            return Err(self.failed(response).await);
        }
        let content_type = response.headers().get("content-type").map(|v| v.as_bytes().to_vec()).unwrap_or_default();
        if !http::is_event_stream(&content_type) {
            return self.json(response, id, &content_type).await;
        }
        if !crate::source::head(&response).is_event_stream() {
            return Err(self.failed(response).await);
        }
        let mut stream = crate::EventStream::with_limit(Box::pin(response.bytes_stream()), self.limit);
        let mut conversation = Conversation { id, on_message: &mut on_message, too_large: None };
        while let Some(event) = stream.next().await {
            // A stream that breaks is as good as one that ends: both are resumed.
            if let Some(result) = conversation.read(event)? {
                return Ok(result);
            }
        }
        // Resuming does not bring it back: its ID is the last event ID.
        if let Some(overflow) = conversation.too_large {
            return Err(Error::TooLarge(overflow));
        }
        let last_event_id = stream.last_event_id().to_vec();
        if last_event_id.is_empty() {
            return Err(Error::Cut);
        }
        let wait = stream.reconnection_time_ms().unwrap_or(self.policy.reconnection_time_ms.into());
        let wait = wait.max(self.policy.min_wait_ms.into()).min(self.policy.max_wait_ms.into());
        tokio::time::sleep(Duration::from_millis(wait)).await;
        let mut source = self.resume(last_event_id).map_err(|error| Error::Request(error.into()))?;
        while let Some(event) = source.next().await {
            if let Some(result) = conversation.read(event)? {
                return Ok(result);
            }
        }
        Err(conversation.too_large.map_or(Error::Cut, Error::TooLarge))
    }

    fn resume(&self, last_event_id: Vec<u8>) -> Result<EventSource, BuildError> {
        let mut builder: Builder =
            EventSource::builder(&self.url).policy(self.policy).limit(self.limit).last_event_id(last_event_id);
        for (name, value) in self.all_headers() {
            builder = builder.header(name, value);
        }
        builder.header("accept", ACCEPT).build()
    }

    /// Returns the result in a response that is one JSON object.
    async fn json(&self, response: reqwest::Response, id: u64, content_type: &[u8]) -> Result<Value, Error> {
        let essence = content_type.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
        if !essence.eq_ignore_ascii_case(b"application/json") {
            return Err(self.failed(response).await);
        }
        let mut body = Vec::new();
        let mut response = response;
        while let Some(chunk) = response.chunk().await.map_err(request)? {
            if body.len() + chunk.len() > self.limit {
                let needed = body.len() + chunk.len();
                let field = ssewire::Field::Data;
                return Err(Error::TooLarge(ssewire::Overflow { field, needed, capacity: self.limit }));
            }
            body.extend_from_slice(&chunk);
        }
        let message = serde_json::from_slice(&body).map_err(|_| Error::NotJson(lossy(&body).to_string()))?;
        result(message, id).unwrap_or_else(|| Err(Error::NotJson(lossy(&body).to_string())))
    }

    async fn post(&self, message: &Value) -> Result<reqwest::Response, Error> {
        let request = self.with_headers(self.http.post(&self.url)).header("content-type", "application/json");
        let request = request.header("accept-encoding", "identity").body(message.to_string());
        let head = Duration::from_millis(self.policy.head_ms.into());
        let response = tokio::time::timeout(head.min(self.timeout), request.send()).await;
        response.map_err(|_| Error::Timeout(head))?.map_err(self::request)
    }

    fn with_headers(&self, mut request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        for (name, value) in self.all_headers() {
            request = request.header(name, value);
        }
        request.header("accept", ACCEPT)
    }

    fn all_headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let session =
            self.session.iter().flat_map(|id| [("mcp-session-id", &id[..]), ("mcp-protocol-version", VERSION)]);
        self.headers.iter().map(|(name, value)| (&name[..], &value[..])).chain(session)
    }

    /// Returns the error that a failed response is.
    async fn failed(&self, response: reqwest::Response) -> Error {
        if response.status() == 404 && self.session.is_some() {
            return Error::SessionOver;
        }
        let failed = crate::source::failed(response).await;
        match serde_json::from_slice(&failed.body).ok().and_then(rpc_error) {
            Some(error) => error,
            None => Error::Response(failed),
        }
    }
}

/// The messages of a call.
struct Conversation<'f> {
    id: u64,
    on_message: &'f mut dyn FnMut(&str, &Value),
    too_large: Option<ssewire::Overflow>,
}

impl Conversation<'_> {
    /// Reads an event, and returns the result if it is the answer.
    fn read(&mut self, event: Result<crate::Event, SourceError>) -> Result<Option<Value>, Error> {
        let event = match event {
            Ok(event) => event,
            Err(SourceError::TooLarge(overflow)) => {
                self.too_large = Some(overflow);
                return Ok(None);
            }
            Err(SourceError::Closed(closed)) => {
                let body = closed.response.as_ref().and_then(|response| serde_json::from_slice(&response.body).ok());
                return Err(match (body.and_then(rpc_error), self.too_large) {
                    (Some(error), _) => error,
                    (None, Some(overflow)) => Error::TooLarge(overflow),
                    (None, None) => Error::Resume(SourceError::Closed(closed)),
                });
            }
            Err(_) => return Ok(None),
        };
        // An event without data was there to set the last event ID.
        if event.event_type() != b"message" || event.data().is_empty() {
            return Ok(None);
        }
        let Ok(message) = serde_json::from_slice::<Value>(event.data()) else {
            return Err(Error::NotJson(lossy(event.data()).to_string()));
        };
        // The server's own requests have IDs of their own, which may be the same numbers.
        if let Some(method) = message["method"].as_str() {
            (self.on_message)(method, &message["params"]);
            return Ok(None);
        }
        result(message, self.id).transpose()
    }
}

/// Returns the result in an answer to the request `id`.
fn result(mut message: Value, id: u64) -> Option<Result<Value, Error>> {
    if message["id"] == id {
        return Some(match message.get_mut("result") {
            Some(result) => Ok(result.take()),
            None => Err(rpc_error(message).unwrap_or(Error::NotJson("an answer without a result".into()))),
        });
    }
    // An error before the ID could be read.
    if message["id"].is_null() {
        return rpc_error(message).map(Err);
    }
    None
}

fn rpc_error(mut message: Value) -> Option<Error> {
    let error = message.get_mut("error")?;
    Some(Error::Rpc {
        code: error["code"].as_i64()?,
        message: error["message"].as_str().unwrap_or_default().into(),
        data: error["data"].take(),
    })
}

fn request(error: reqwest::Error) -> Error {
    Error::Request(error.into())
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Rpc { code, message, .. } => write!(f, "{message} (code {code})"),
            Error::SessionOver => f.write_str("the session is over"),
            Error::Response(response) => response.fmt(f),
            Error::NotJson(text) => write!(f, "not a message of JSON-RPC: {text}"),
            Error::TooLarge(overflow) => overflow.fmt(f),
            Error::Cut => f.write_str("the stream ended before the answer, without an ID to resume from"),
            Error::Resume(error) => write!(f, "the stream could not be resumed: {error}"),
            Error::Timeout(timeout) => write!(f, "no answer within {} ms", timeout.as_millis()),
            Error::Request(error) => SourceError::fmt_causes(error.as_ref(), f),
        }
    }
}

impl std::error::Error for Error {}
