//! `picoserve`: a server for devices, without an allocation, against a client in reqwest; and beside it picoserve's own
//! `response::sse`, which does not bring every text to the other end as it was.
//!
//! A frame of any size goes out through a buffer of 128 bytes. When the client has left, the next write fails and the
//! response ends: send a comment now and then. Dropping the response in the midst of a frame is safe, as the
//! connection ends with it and the reader discards the unfinished event.

use std::time::Duration;

use eventsource_stream::Eventsource;
use futures::{StreamExt, pin_mut};
use picoserve::io::Write;
use picoserve::response::chunked::{ChunkWriter, ChunkedResponse, Chunks, ChunksWritten};
use picoserve::response::sse::{EventSource, EventStream, EventWriter};
use picoserve::routing::get;
use ssewire::Frame;
use ssewire_wrappers::{Message, assert_all, messages};
use tokio::net::TcpListener;
use tokio::task::LocalSet;

/// Sends `frame` piece by piece and hands it to the network at once.
async fn send<W: Write>(chunks: &mut ChunkWriter<W>, frame: Frame<'_>) -> Result<(), W::Error> {
    let mut encoder = frame.encoder();
    let mut tx = [0; 128];
    while let n @ 1.. = encoder.fill(&mut tx) {
        chunks.write_chunk(&tx[..n]).await?;
    }
    chunks.flush().await
}

/// The response: on a device it would wait for events on a channel.
struct Events(Vec<Message>);

impl Chunks for Events {
    fn content_type(&self) -> &'static str {
        "text/event-stream"
    }

    async fn write_chunks<W: Write>(self, mut chunks: ChunkWriter<W>) -> Result<ChunksWritten, W::Error> {
        for message in &self.0 {
            // An event whose type or ID could end its line is left out: the values come from elsewhere.
            let Ok(frame) = message.frame() else { continue };
            send(&mut chunks, frame).await?;
        }
        chunks.finalize().await
    }
}

/// The same by picoserve's own means, which know neither ID nor reconnection time.
struct Own(Vec<Message>);

impl EventSource for Own {
    async fn write_events<W: Write>(self, mut writer: EventWriter<'_, W>) -> Result<(), W::Error> {
        for message in &self.0 {
            writer.write_event(&message.event_type, message.data.as_str()).await?;
        }
        Ok(())
    }
}

/// Texts that a line-based format can get wrong.
const AWKWARD: [&str; 4] = ["  two spaces", "a lone\rCR", "CR\r\nLF", "an end of line at the end\n"];
/// The same texts as picoserve's own writer delivers them. It writes no space after the colon, so the reader removes one of
/// the text's own. It splits at LF alone, so the rest after a CR is a line of its own, and not a field. It writes no empty
/// line after a last LF.
const AWKWARD_BY_OWN: [&str; 4] = [" two spaces", "a lone", "CR\nLF", "an end of line at the end"];

fn awkward() -> Vec<Message> {
    let message = |data: &str| Message { event_type: "message".into(), data: data.into(), ..Message::default() };
    AWKWARD.map(message).into()
}

async fn serve(listener: TcpListener) -> std::io::Result<()> {
    let app = picoserve::Router::new()
        .route("/events", get(async || ChunkedResponse::new(Events(messages()))))
        .route("/awkward", get(async || ChunkedResponse::new(Events(awkward()))))
        .route("/own", get(async || EventStream(Own(awkward()))));
    let config = picoserve::Config::const_default();
    loop {
        let (connection, _) = listener.accept().await?;
        let _ = picoserve::Server::new_tokio(&app, &config, &mut [0; 2048]).serve(connection).await;
    }
}

/// Every event of the stream, by a client that is not ours.
async fn read(url: &str) -> Result<Vec<Message>, Box<dyn std::error::Error>> {
    let response = reqwest::get(url).await?.error_for_status()?;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let events = response.bytes_stream().eventsource();
    pin_mut!(events);
    let mut read = Vec::new();
    while let Some(event) = events.next().await {
        let event = event?;
        let retry = event.retry.map(|retry| u64::try_from(retry.as_millis())).transpose()?;
        read.push(Message { event_type: event.event, id: event.id, data: event.data, retry });
    }
    Ok(read)
}

fn data(read: &[Message]) -> Vec<&str> {
    read.iter().map(|message| message.data.as_str()).collect()
}

async fn compare() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let server = format!("http://{}", listener.local_addr()?);
    tokio::task::spawn_local(serve(listener));

    let events = read(&format!("{server}/events")).await?;
    assert_all(&events);
    let ours = AWKWARD.map(|text| text.replace("\r\n", "\n").replace('\r', "\n"));
    assert_eq!(data(&read(&format!("{server}/awkward")).await?), ours);
    assert_eq!(data(&read(&format!("{server}/own")).await?), AWKWARD_BY_OWN);
    println!(
        "{} events from picoserve; its own writer changes 3 of {} awkward texts, ours none",
        events.len(),
        AWKWARD.len()
    );
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::time::timeout(Duration::from_secs(9), LocalSet::new().run_until(compare())).await?
}
