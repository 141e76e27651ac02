//! The servers of others, from which our parser reads [`thousand`](crate::messages::thousand) events.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::response::sse::{self, KeepAlive, Sse};
use picoserve::io::Write;
use picoserve::response::sse::{EventSource, EventStream, EventWriter};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::messages::{Message, lines};
use crate::process::Program;

/// A server that is running, on the path `/events`.
#[derive(Debug)]
pub struct Running {
    pub address: SocketAddr,
    pub version: String,
    /// Ended with this.
    _program: Option<Program>,
}

/// axum's own `Sse`.
///
/// # Errors
///
/// When no port is free.
pub async fn axum(messages: Vec<Message>) -> anyhow::Result<Running> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let events = move || async {
        let events = messages.into_iter().flat_map(|message| {
            // A comment is a block of its own: a keep-alive.
            let comment = message.comment.as_ref().map(|comment| sse::Event::default().comment(comment));
            comment.into_iter().chain([axum_event(&message)]).map(Ok::<_, Infallible>)
        });
        Sse::new(futures::stream::iter(events)).keep_alive(KeepAlive::default())
    };
    let router = axum::Router::new().route("/events", axum::routing::get(events));
    tokio::spawn(async { axum::serve(listener, router).await });
    Ok(Running { address, version: locked_version("axum"), _program: None })
}

fn axum_event(message: &Message) -> sse::Event {
    let mut event = sse::Event::default();
    if let Some(event_type) = &message.event {
        event = event.event(event_type);
    }
    if let Some(id) = &message.id {
        event = event.id(id);
    }
    if let Some(retry) = message.retry {
        event = event.retry(Duration::from_millis(retry));
    }
    event.data(message.data.as_deref().unwrap_or_default())
}

/// `EventDataWriter` starts a line of data at the first byte and behind every CR and LF.
pub const AXUM: &str = "empty data is no event; a CRLF in data is two line ends";

/// What axum's writer makes of `message`: [`AXUM`].
#[must_use]
pub fn axum_writes(message: Message) -> Message {
    let data = message.data.filter(|data| !data.is_empty());
    Message { data: data.map(|data| data.replace('\r', "\n")), ..message }
}

/// picoserve's own event stream. Its futures stay on one thread.
///
/// # Errors
///
/// When no port is free.
pub async fn picoserve(messages: Vec<Message>) -> anyhow::Result<Running> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || serve_picoserve(listener, messages));
    Ok(Running { address, version: locked_version("picoserve"), _program: None })
}

fn serve_picoserve(listener: std::net::TcpListener, messages: Vec<Message>) -> std::io::Result<()> {
    let events = || async { EventStream(Messages(messages.clone())) };
    let router = picoserve::Router::new().route("/events", picoserve::routing::get(events));
    let config = picoserve::Config::default();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (connection, _) = listener.accept().await?;
            // What is wrong with a connection shows at the client, which is checked.
            let _ = picoserve::Server::new_tokio(&router, &config, &mut [0; 2048]).serve(connection).await;
        }
    })
}

struct Messages(Vec<Message>);

impl EventSource for Messages {
    async fn write_events<W: Write>(self, mut writer: EventWriter<'_, W>) -> Result<(), W::Error> {
        for Message { comment, event, data, .. } in &self.0 {
            if comment.is_some() {
                writer.write_keepalive().await?;
            }
            let event = event.as_deref().unwrap_or_default();
            writer.write_event(event, data.as_deref().unwrap_or_default()).await?;
        }
        writer.flush().await
    }
}

/// It writes no space behind a colon, splits data at LF alone, and takes an LF at the end of data for the line's own.
pub const PICOSERVE: &str = "no ID, no retry, comments empty; one space before an event type and before every line of data \
     is lost; a lone CR in data ends the line, and what is behind it is lost; one LF at the end of data is lost";

/// What picoserve's writer makes of `message`: [`PICOSERVE`].
#[must_use]
pub fn picoserve_writes(message: Message) -> Message {
    let without_space = |text: &str| text.strip_prefix(' ').unwrap_or(text).to_owned();
    let before_cr = |line: &str| without_space(line.split('\r').next().unwrap_or_default());
    let data = message.data.map(|data| {
        let data = data.replace("\r\n", "\n");
        let data = data.strip_suffix('\n').unwrap_or(&data);
        data.split('\n').map(before_cr).collect::<Vec<_>>().join("\n")
    });
    Message {
        comment: message.comment.map(|_| String::new()),
        event: message.event.as_deref().map(without_space),
        id: None,
        retry: None,
        data,
    }
}

/// A server that splits data as the standard has it, and has every field.
#[must_use]
pub fn writes_all(message: Message) -> Message {
    Message { data: message.data.as_deref().map(lines), ..message }
}

/// A server that is a program of its own: `command` has the path of its messages, and it tells its port.
///
/// # Errors
///
/// When it cannot be started, or tells nothing for 20 seconds.
pub async fn program(command: &mut Command) -> anyhow::Result<Running> {
    #[derive(Deserialize)]
    struct Hello {
        port: u16,
        version: String,
    }
    let mut program = Program::start(command)?;
    let mut stdout = BufReader::new(program.stdout().context("no standard output")?);
    let mut line = String::new();
    tokio::time::timeout(Duration::from_secs(20), stdout.read_line(&mut line)).await.context("it does not start")??;
    let hello: Hello = serde_json::from_str(&line).with_context(|| format!("it said {line:?}"))?;
    Ok(Running { address: ([127, 0, 0, 1], hello.port).into(), version: hello.version, _program: Some(program) })
}

/// The version of a crate that this program was built with.
fn locked_version(name: &str) -> String {
    let name = format!("name = \"{name}\"\nversion = \"");
    let behind = include_str!("../../Cargo.lock").split(&name).nth(1);
    behind.and_then(|behind| behind.split('"').next()).unwrap_or("?").into()
}

#[cfg(test)]
mod tests {
    use super::{Message, axum_writes, picoserve_writes};

    fn data(writes: fn(Message) -> Message, data: &str) -> Option<String> {
        writes(Message { data: Some(data.into()), ..Message::default() }).data
    }

    #[test]
    fn axum_as_listed() {
        for (sent, written) in [("", None), ("a\r\nb", Some("a\n\nb")), ("a\rb\nc\n", Some("a\nb\nc\n"))] {
            assert_eq!(data(axum_writes, sent).as_deref(), written);
        }
    }

    #[test]
    fn picoserve_as_listed() {
        for (sent, written) in
            [("", ""), ("  a\n b", " a\nb"), ("a\rlost\nb", "a\nb"), ("a\r\nb\r\n", "a\nb"), ("\n\n", "\n"), (" ", "")]
        {
            assert_eq!(data(picoserve_writes, sent).as_deref(), Some(written));
        }
    }
}
