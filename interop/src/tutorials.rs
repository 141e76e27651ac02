//! Servers in the form that well-known tutorials show, which are read by the tool `sse` and by `ssewire-client`.
//!
//! Each sends the [`thousand`] events as JSON, numbered by their IDs. It closes the connection after every 400, goes on after
//! the `Last-Event-ID` of the next one, and ends with status 204. Before event [`GATE`] it waits for a request of `/go`, which
//! comes when the events before it were read: so each event has to arrive without those that follow.

use std::ffi::OsStr;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::Stdio;

use anyhow::Context as _;
use ssewire_client::{Error, EventSource, Policy};
use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::messages::{Message, Seen, thousand};
use crate::process::Program;

/// The event that is not sent before the request of `/go`.
const GATE: usize = 900;

/// How a reader ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The server has no more events.
    Stopped,
    /// There were attempts but no events, and the reader names the line.
    Explained,
    /// Anything else.
    Other,
}

/// The lines of the template literal are indented, and have a space before their ends.
pub const AS_PRINTED: &str =
    "field names are padded by a space, so there is no event; both readers say so and show a line";

/// The words for lines such as ` event: x `.
const EXPLANATION: &str = " event: message ";

/// The file that the servers read: the type of an event, a tab, its data, an LF.
///
/// # Errors
///
/// When it cannot be written.
pub fn file(messages: &[Message]) -> anyhow::Result<NamedTempFile> {
    let mut file = NamedTempFile::new()?;
    for message in messages {
        writeln!(file, "{}\t{}", message.event.as_deref().unwrap_or_default(), serde_json::to_string(message)?)?;
    }
    file.flush()?;
    Ok(file)
}

/// Returns what a reader makes of the thousand events.
#[must_use]
pub fn every_event() -> (Vec<Seen>, End) {
    let seen = thousand().into_iter().enumerate().map(|(i, message)| Seen {
        event: message.event.clone().filter(|event| !event.is_empty()).unwrap_or_else(|| "message".into()),
        id: i.to_string(),
        data: serde_json::to_string(&message).expect("strings and numbers"),
        retry: None,
    });
    (seen.collect(), End::Stopped)
}

/// Returns what a reader makes of them [`AS_PRINTED`].
#[must_use]
pub fn no_event() -> (Vec<Seen>, End) {
    (Vec::new(), End::Explained)
}

/// Follows the server at `address` by `sse tail`.
///
/// # Errors
///
/// When it cannot be started, or prints what is not expected of it.
pub async fn tail(sse: &OsStr, address: SocketAddr) -> anyhow::Result<(Vec<Seen>, End)> {
    let url = format!("http://{address}/events");
    let mut command = Command::new(sse);
    command.args(["tail", "--json", "--max-attempts", "1", &url]).env("NO_PROXY", "127.0.0.1").stderr(Stdio::piped());
    let mut program = Program::start(&mut command)?;
    let mut events = BufReader::new(program.stdout().context("no standard output")?).lines();
    let mut notes = BufReader::new(program.stderr().context("no standard error")?).lines();

    let mut seen: Vec<Seen> = Vec::new();
    let (mut is_explained, mut is_stopped) = (false, false);
    // Its notes end when it ends.
    loop {
        tokio::select! {
            Some(line) = async { events.next_line().await.transpose() } => {
                let line = line?;
                seen.push(serde_json::from_str(&line).with_context(|| format!("it printed {line:?}"))?);
                if seen.len() == GATE {
                    go(address).await?;
                }
            }
            Some(note) = async { notes.next_line().await.transpose() } => {
                let note = note?;
                is_stopped |= note.contains("status 204");
                if note.contains("no event in") && note.contains(EXPLANATION) && note.contains("unknown field \" event\"") {
                    is_explained = true;
                    go(address).await?;
                }
            }
            else => break,
        }
    }
    let end = match program.exit_code().await? {
        Some(0) if is_stopped => End::Stopped,
        Some(3) if is_explained => End::Explained,
        _ => End::Other,
    };
    Ok((seen, end))
}

/// Follows the server at `address` by `ssewire-client`.
///
/// # Errors
///
/// When an event is not UTF-8 or is an error.
pub async fn client(address: SocketAddr) -> anyhow::Result<(Vec<Seen>, End)> {
    let mut policy = Policy::ROBUST;
    policy.attempts = 1;
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
    let mut source = EventSource::builder(&format!("http://{address}/events")).policy(policy).client(http).build()?;
    let mut seen = Vec::new();
    let mut end = End::Stopped;
    loop {
        match source.next().await {
            Some(Ok(event)) => {
                let event = event.text()?;
                seen.push(Seen {
                    event: event.event_type().into(),
                    id: event.last_event_id().into(),
                    data: event.data().into(),
                    retry: None,
                });
                if seen.len() == GATE {
                    go(address).await?;
                }
            }
            Some(Err(Error::Closed(closed))) => {
                let explanation = closed.explanation.as_deref().unwrap_or_default();
                end = if explanation.contains(EXPLANATION) { End::Explained } else { End::Other };
            }
            Some(Err(error)) => return Err(error.into()),
            None => return Ok((seen, end)),
        }
    }
}

/// Lets the server at `address` go on.
///
/// # Errors
///
/// When it does not answer.
pub async fn go(address: SocketAddr) -> anyhow::Result<()> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    http.get(format!("http://{address}/go")).send().await?.error_for_status()?;
    Ok(())
}
