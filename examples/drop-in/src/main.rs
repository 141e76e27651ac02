//! async-openai and reqwest-eventsource depend on `eventsource-stream`. With the `[patch.crates-io]` of this package
//! they read through `ssewire`, unchanged, and a stream that begins with a byte order mark no longer makes them panic.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use async_openai::config::OpenAIConfig;
use async_openai::types::chat::{
    ChatCompletionRequestUserMessage, CreateChatCompletionRequest, CreateChatCompletionRequestArgs,
};
use axum::http::{header, HeaderMap};
use axum::routing::{get, post};
use axum::Router;
use futures::StreamExt;
use reqwest_eventsource::{Event, EventSource};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const EVENT_STREAM: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "text/event-stream")];

/// A chat completion as OpenAI sends it, except for the byte order mark and line ends of CR alone: the original handles
/// neither.
async fn completion() -> ([(header::HeaderName, &'static str); 1], String) {
    let chunk = |content: &str| {
        serde_json::json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt",
            "choices": [{"index": 0, "delta": {"content": content}, "finish_reason": null}],
        })
    };
    let chunks: String =
        ["Tea ", "steeps ", "at 80 °C."].map(|content| format!("data: {}\r\r", chunk(content))).concat();
    (EVENT_STREAM, format!("\u{feff}{chunks}data: [DONE]\r\r"))
}

/// Ten events, then the connection ends; a client that resumes gets the next ten.
async fn events(headers: HeaderMap) -> ([(header::HeaderName, &'static str); 1], String) {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let from = last.map_or(0, |last: usize| last + 1);
    let events: String = (from..from + 10).map(|i| format!("id: {i}\nretry: 20\ndata: {i}\n\n")).collect();
    (EVENT_STREAM, format!("\u{feff}{events}"))
}

#[tokio::main]
async fn main() -> Result<()> {
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = connections.clone();
    let counted = move |headers| {
        counter.fetch_add(1, Ordering::Relaxed);
        events(headers)
    };
    let router = Router::new().route("/v1/chat/completions", post(completion)).route("/events", get(counted));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async { axum::serve(listener, router).await });

    // That this compiles shows that it is not the original: that has no limit.
    drop(eventsource_stream::EventStream::with_limit(futures::stream::empty::<Result<Vec<u8>>>(), 1 << 20));
    let text = tokio::time::timeout(Duration::from_secs(5), complete(format!("http://{address}/v1"))).await??;
    assert_eq!(text, "Tea steeps at 80 °C.");
    let numbers = tokio::time::timeout(Duration::from_secs(5), follow(format!("http://{address}/events"))).await??;
    assert_eq!(numbers, (0..35).collect::<Vec<usize>>());
    assert_eq!(connections.load(Ordering::Relaxed), 4);
    println!("async-openai read {text:?}, reqwest-eventsource {} events over 4 connections", numbers.len());
    Ok(())
}

/// The text of a chat completion, by async-openai.
async fn complete(base: String) -> Result<String> {
    let config = OpenAIConfig::new().with_api_base(base).with_api_key("none");
    let request: CreateChatCompletionRequest = CreateChatCompletionRequestArgs::default()
        .model("gpt")
        .messages([ChatCompletionRequestUserMessage::from("How hot?").into()])
        .build()?;
    let mut chunks = async_openai::Client::with_config(config).chat().create_stream(request).await?;
    let mut text = String::new();
    while let Some(chunk) = chunks.next().await {
        text.extend(chunk?.choices.into_iter().filter_map(|choice| choice.delta.content));
    }
    Ok(text)
}

/// 35 numbers, by reqwest-eventsource, which connects again when ten have come.
async fn follow(url: String) -> Result<Vec<usize>> {
    let mut source = EventSource::new(reqwest::Client::new().get(url))?;
    let mut numbers = Vec::new();
    while numbers.len() < 35 {
        match source.next().await {
            Some(Ok(Event::Message(message))) => {
                assert_eq!((&message.id, message.retry), (&message.data, Some(Duration::from_millis(20))));
                numbers.push(message.data.parse()?);
            }
            Some(Ok(Event::Open) | Err(reqwest_eventsource::Error::StreamEnded)) => {}
            other => return Err(format!("{other:?}").into()),
        }
    }
    source.close();
    Ok(numbers)
}
