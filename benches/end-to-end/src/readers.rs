//! The readers of a body's chunks, each through the face that its users have: a stream of events.

use std::fmt::{Debug, Display};
use std::pin::pin;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use ssewire::Parser;

use crate::tally::Tally;

/// More than the largest event.
const LIMIT: usize = 64 << 10;

/// A reader of all events in the chunks of a body.
#[allow(async_fn_in_trait, reason = "no executor moves these")]
pub trait Reader {
    const NAME: &'static str;
    /// It does no more than a reader must.
    const IS_LIMIT: bool = false;
    const IS_OURS: bool = false;

    async fn read<S, E>(chunks: S, tally: &mut Tally) -> Result<(), String>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        E: Debug + Display;
}

/// The least that a client does: it takes the bytes.
pub struct Count;

impl Reader for Count {
    const NAME: &'static str = "byte counting";
    const IS_LIMIT: bool = true;

    async fn read<S, E>(mut chunks: S, tally: &mut Tally) -> Result<(), String>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        E: Debug + Display,
    {
        while let Some(chunk) = chunks.next().await {
            tally.data += chunk.map_err(|e| e.to_string())?.len();
        }
        Ok(())
    }
}

/// The stream of `ssewire-client`: owned events without copies.
pub struct Client;

impl Reader for Client {
    const NAME: &'static str = "ssewire-client, EventStream";
    const IS_OURS: bool = true;

    async fn read<S, E>(chunks: S, tally: &mut Tally) -> Result<(), String>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        E: Debug + Display,
    {
        // Its errors are of any type that is one.
        let chunks = chunks.map(|chunk| chunk.map_err(|e| e.to_string()));
        let mut events = ssewire_client::EventStream::new(chunks);
        while let Some(event) = events.next().await {
            let event = event.map_err(|e| e.to_string())?;
            let event = event.text().map_err(|e| e.to_string())?;
            tally.event(event.event_type(), event.data(), event.last_event_id());
        }
        Ok(())
    }
}

/// The events are borrowed, in a loop in the program itself.
pub struct Borrowed;

impl Reader for Borrowed {
    const NAME: &'static str = "ssewire, borrowed event";
    const IS_OURS: bool = true;

    async fn read<S, E>(mut chunks: S, tally: &mut Tally) -> Result<(), String>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        E: Debug + Display,
    {
        let mut parser = Parser::with_limit(LIMIT);
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|e| e.to_string())?;
            let mut rest = &chunk[..];
            while let Some(event) = parser.next(&mut rest).map_err(|e| e.to_string())? {
                let event = event.text().map_err(|e| e.to_string())?;
                tally.event(event.event_type(), event.data(), event.last_event_id());
            }
        }
        Ok(())
    }
}

pub struct EventsourceStream;

impl Reader for EventsourceStream {
    const NAME: &'static str = "eventsource-stream";

    async fn read<S, E>(chunks: S, tally: &mut Tally) -> Result<(), String>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        E: Debug + Display,
    {
        let mut events = pin!(eventsource_stream::EventStream::new(chunks));
        while let Some(event) = events.next().await {
            let event = event.map_err(|e| format!("{e:?}"))?;
            tally.event(&event.event, &event.data, &event.id);
        }
        Ok(())
    }
}

pub struct EventsourceStream2;

impl Reader for EventsourceStream2 {
    const NAME: &'static str = "eventsource-stream2";

    async fn read<S, E>(chunks: S, tally: &mut Tally) -> Result<(), String>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        E: Debug + Display,
    {
        let mut events = pin!(eventsource_stream2::EventStream::new(chunks));
        while let Some(event) = events.next().await {
            let event = event.map_err(|e| format!("{e:?}"))?;
            tally.event(&event.event, &event.data, &event.id);
        }
        Ok(())
    }
}

pub struct SseCore;

impl Reader for SseCore {
    const NAME: &'static str = "sse-core";

    async fn read<S, E>(chunks: S, tally: &mut Tally) -> Result<(), String>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        E: Debug + Display,
    {
        let mut events = pin!(sse_core::SseStream::new(chunks));
        while let Some(event) = events.next().await {
            if let sse_core::SseEvent::Message(event) = event.map_err(|e| format!("{e:?}"))? {
                tally.event(&event.event, &event.data, event.last_event_id.as_deref().unwrap_or_default());
            }
        }
        Ok(())
    }
}

pub struct SseStream;

impl Reader for SseStream {
    const NAME: &'static str = "sse-stream";

    async fn read<S, E>(chunks: S, tally: &mut Tally) -> Result<(), String>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        E: Debug + Display,
    {
        let chunks = chunks.map(|chunk| chunk.map_err(|e| std::io::Error::other(e.to_string())));
        let mut events = pin!(sse_stream::SseByteStream::new(chunks));
        while let Some(event) = events.next().await {
            let event = event.map_err(|e| format!("{e:?}"))?;
            if let Some(data) = &event.data {
                let (event_type, id) = (event.event.as_deref(), event.id.as_deref());
                tally.event(event_type.unwrap_or_default(), data, id.unwrap_or_default());
            }
        }
        Ok(())
    }
}
