//! Shared by the programs here: the events that go over the wire, and a real server that sends them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;

pub mod clients;

/// One event as an application sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The event type; `message` when none is named.
    pub event_type: String,
    /// The current last event ID.
    pub id: String,
    pub data: String,
    /// The reconnection time in milliseconds that this very event sets.
    pub retry: Option<u64>,
}

impl From<ssewire::Event<'_, str>> for Message {
    fn from(event: ssewire::Event<'_, str>) -> Message {
        Message {
            event_type: event.event_type().into(),
            id: event.last_event_id().into(),
            data: event.data().into(),
            retry: event.retry(),
        }
    }
}

impl Message {
    /// The frame that a server sends for it: a `message` names no type.
    ///
    /// # Errors
    ///
    /// When type or ID hold a line end, or the ID a NUL.
    pub fn frame(&self) -> Result<ssewire::Frame<'_>, ssewire::InvalidByte> {
        let frame = ssewire::Frame::new().id(&self.id)?.data(&self.data);
        let frame = if self.event_type == "message" { frame } else { frame.event_type(&self.event_type)? };
        Ok(match self.retry {
            Some(retry) => frame.retry(retry),
            None => frame,
        })
    }
}

/// A thousand events, always the same: short and long, of one line and of many, with leading spaces and colons,
/// CJK and emoji; every one with an ID, some with a type or a reconnection time. None has empty data, as some servers
/// (axum's) send no `data` line for those, and such a block is not an event.
#[must_use]
pub fn messages() -> Vec<Message> {
    (0..1000_usize)
        .map(|i| Message {
            event_type: ["message", "温度", "response.output_text.delta"][i % 3].into(),
            id: format!("{i}"),
            retry: (i % 100 == 7).then_some(1000 + i as u64),
            data: match i % 8 {
                0 => format!("{{\"n\":{i},\"choices\":[{{\"delta\":{{\"content\":\" word\"}}}}]}}"),
                1 => format!("line {i}\nline two\n\nline four"),
                2 => "こんにちは、世界。服务器发送事件 🚀 ".repeat(1 + i % 40),
                3 => format!("  two spaces before {i}"),
                4 => "data: not a field\nid: nor this\n: nor a comment".into(),
                5 => "x".repeat(i * 7),
                6 => "\n".repeat(1 + i % 5),
                _ => "🚀".into(),
            },
        })
        .collect()
}

/// Compares the events read with [`messages`], one by one.
///
/// # Panics
///
/// At the first event that is missing or different.
pub fn assert_all(read: &[Message]) {
    let expected = messages();
    for (read, expected) in read.iter().zip(&expected) {
        assert_eq!(read, expected);
    }
    assert_eq!(read.len(), expected.len());
}

/// Ends the program as failed if it still runs after 30 seconds, whatever it waits for.
pub fn limit_time() {
    std::thread::spawn(|| {
        std::thread::sleep(Duration::from_secs(30));
        eprintln!("still not done after 30 s");
        std::process::exit(1);
    });
}

/// Serves [`messages`] with axum's own `Sse`, as a counterpart for the clients; the path is `/events`.
///
/// # Errors
///
/// When no port is free.
pub async fn axum_server() -> std::io::Result<SocketAddr> {
    async fn events() -> Sse<impl futures::Stream<Item = Result<Event, Infallible>>> {
        let events = messages().into_iter().map(|message| {
            let event = Event::default().id(message.id).data(message.data);
            let event = if message.event_type == "message" { event } else { event.event(message.event_type) };
            Ok(match message.retry {
                Some(retry) => event.retry(Duration::from_millis(retry)),
                None => event,
            })
        });
        Sse::new(futures::stream::iter(events)).keep_alive(KeepAlive::default())
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async { axum::serve(listener, Router::new().route("/events", get(events))).await });
    Ok(address)
}
