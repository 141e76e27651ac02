//! The clients of others, which read [`thousand`](crate::messages::thousand) events that our writer wrote.

use std::ffi::OsStr;
use std::path::Path;

use ssewire::Frame;
use tokio::process::Command;

use crate::messages::{Message, Seen, dispatched};
use crate::process::Program;
use crate::stand::{self, Cut, Stand, Stream};

/// `messages` as our writer writes them, in chunks of all lengths.
///
/// # Errors
///
/// When a value cannot be written.
pub fn written(messages: &[Message]) -> anyhow::Result<Stream> {
    let mut bytes = Vec::new();
    for message in messages {
        if let Some(comment) = &message.comment {
            // A block of its own: a keep-alive.
            Frame::new().comment(comment).write_to_vec(&mut bytes);
        }
        let mut frame = Frame::new();
        if let Some(event) = &message.event {
            frame = frame.event_type(event)?;
        }
        if let Some(id) = &message.id {
            frame = frame.id(id)?;
        }
        if let Some(retry) = message.retry {
            frame = frame.retry(retry);
        }
        if let Some(data) = &message.data {
            frame = frame.data(data);
        }
        frame.write_to_vec(&mut bytes);
    }
    stand::end(&mut bytes);
    let types = dispatched(messages).into_iter().map(|seen| seen.event).collect();
    Ok(Stream { bytes, cut: Cut::Lengths(vec![1460, 1, 2, 100, 17, 3000]), types })
}

/// Starts a client that is a program: it takes `arguments` and the address of `stand`.
///
/// # Errors
///
/// When it cannot be started.
pub fn program(interpreter: &OsStr, script: &Path, arguments: &[&str], stand: &Stand) -> anyhow::Result<Program> {
    Program::start(Command::new(interpreter).arg(script).args(arguments).arg(format!("http://{}", stand.address)))
}

/// What an `EventSource` delivers of `messages`: it does not tell of reconnection times.
#[must_use]
pub fn event_source(messages: Vec<Message>) -> Vec<Seen> {
    dispatched(&messages).into_iter().map(|seen| Seen { retry: None, ..seen }).collect()
}

/// It takes an ID over when it is not empty.
pub const UNDICI: &str = "an empty ID does not clear the last event ID";

/// What undici's `EventSource` delivers of `messages`: [`UNDICI`].
#[must_use]
pub fn undici(mut messages: Vec<Message>) -> Vec<Seen> {
    for message in &mut messages {
        message.id.take_if(|id| id.is_empty());
    }
    event_source(messages)
}

/// It hands out the fields of a block, and leaves it to its caller to remember the ID.
pub const EVENTSOURCE_PARSER: &str = "an event has the ID that it sets itself, not the last one";

/// What eventsource-parser delivers of `messages`: [`EVENTSOURCE_PARSER`].
#[must_use]
pub fn eventsource_parser(mut messages: Vec<Message>) -> Vec<Seen> {
    for message in &mut messages {
        message.id.get_or_insert_default();
    }
    dispatched(&messages)
}

/// It delivers a block without data if that sets something, and a last event ID counts for every block.
pub const HTTPX_SSE: &str = "behind an ID that is not empty a comment with its blank line is an event with empty data";

/// What httpx-sse delivers of `messages`: [`HTTPX_SSE`].
#[must_use]
pub fn httpx_sse(messages: Vec<Message>) -> Vec<Seen> {
    let mut id = String::new();
    let mut delivered = Vec::new();
    for message in messages {
        if message.comment.is_some() && !id.is_empty() {
            delivered.push(Message { data: Some(String::new()), ..Message::default() });
        }
        id = message.id.clone().unwrap_or(id);
        delivered.push(message);
    }
    dispatched(&delivered)
}

#[cfg(test)]
mod tests {
    use super::{Message, Seen, event_source, eventsource_parser, httpx_sse, undici};

    #[test]
    fn as_listed() {
        let with = |comment: Option<&str>, id: Option<&str>| Message {
            comment: comment.map(Into::into),
            id: id.map(Into::into),
            data: Some("x".into()),
            ..Message::default()
        };
        let messages =
            || vec![with(Some("a"), Some("1")), with(Some("b"), None), with(None, Some("")), with(Some("c"), None)];
        let ids = |delivers: fn(Vec<Message>) -> Vec<Seen>| -> Vec<String> {
            delivers(messages()).into_iter().map(|seen| format!("{} {}", seen.id, seen.data)).collect()
        };
        assert_eq!(ids(event_source), ["1 x", "1 x", " x", " x"]);
        assert_eq!(ids(undici), ["1 x", "1 x", "1 x", "1 x"]);
        assert_eq!(ids(eventsource_parser), ["1 x", " x", " x", " x"]);
        assert_eq!(ids(httpx_sse), ["1 x", "1 ", "1 x", " x", " x"]);
    }
}
