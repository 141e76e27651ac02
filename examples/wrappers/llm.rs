//! Chat models: a stream as OpenAI sends it (`[DONE]`, error objects in the midst), and one as Anthropic does (named
//! events, `ping`, `error`), with reqwest and serde_json, against a server in axum that sends what both document.
//!
//! An event is lent, and JSON is read from its bytes: text without an escape in it is copied once, to where it is
//! collected. An event that the network cut is kept in a buffer that grows up to a limit; a larger one is an error, and
//! the one behind it can still be read. `next` is safe to cancel: all state is in `Events`.

use std::borrow::Cow;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::response::sse::{self, Sse};
use axum::routing::post;
use axum::Router;
use bytes::Bytes;
use futures::stream;
use serde::Deserialize;
use serde_json::json;
use ssewire::{Event, GrowableBuffer, Overflow, Parser};

/// Beyond the largest that is to be expected: a picture in base64.
const LIMIT: usize = 4 << 20;

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("{0}")]
    TooLarge(#[from] Overflow),
    #[error("an event is not as documented: {0}")]
    Json(#[from] serde_json::Error),
    /// What the service itself reports, after it had answered 200.
    #[error("{kind}: {message}")]
    Service { kind: String, message: String },
    /// The connection was lost: what was read is not the whole answer.
    #[error("the stream ended before the answer did")]
    Cut,
}

/// The events of a response.
struct Events {
    response: reqwest::Response,
    parser: Parser<GrowableBuffer>,
    chunk: Bytes,
    used: usize,
}

impl Events {
    fn new(response: reqwest::Response) -> Events {
        Events { response, parser: Parser::with_limit(LIMIT), chunk: Bytes::new(), used: 0 }
    }

    /// The next event; [`Error::Cut`] at the end of the stream, since both services say when an answer is over.
    async fn next(&mut self) -> Result<Event<'_>, Error> {
        loop {
            let from = self.used;
            let progress = self.parser.feed(&self.chunk[from..]);
            self.used += progress.consumed;
            if let Some(found) = progress.result? {
                return Ok(self.parser.event(found, &self.chunk[from..]));
            }
            self.chunk = self.response.chunk().await?.ok_or(Error::Cut)?;
            self.used = 0;
        }
    }
}

/// Text that borrows from the event unless there are escapes in it. A `Cow` within an `Option` would always be a copy.
#[derive(Deserialize)]
struct Text<'e>(#[serde(borrow)] Cow<'e, str>);

/// An error as both services send it, each with fields that the other does not have.
#[derive(Deserialize)]
struct ServiceError<'e> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'e, str>,
    #[serde(borrow)]
    message: Cow<'e, str>,
}

impl From<ServiceError<'_>> for Error {
    fn from(error: ServiceError<'_>) -> Error {
        Error::Service { kind: error.kind.into_owned(), message: error.message.into_owned() }
    }
}

/// Appends the text of a chat completion to `text`, which has what came before an error as well.
async fn openai(events: &mut Events, text: &mut String) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Chunk<'e> {
        // Empty in the chunk with the usage; absent beside an error.
        #[serde(borrow, default)]
        choices: Vec<Choice<'e>>,
        #[serde(borrow)]
        error: Option<ServiceError<'e>>,
    }
    #[derive(Deserialize)]
    struct Choice<'e> {
        #[serde(borrow)]
        delta: Delta<'e>,
    }
    #[derive(Deserialize)]
    struct Delta<'e> {
        #[serde(borrow)]
        content: Option<Text<'e>>,
    }
    loop {
        let event = events.next().await?;
        if event.data() == b"[DONE]" {
            return Ok(());
        }
        let chunk: Chunk<'_> = serde_json::from_slice(event.data())?;
        if let Some(error) = chunk.error {
            return Err(error.into());
        }
        text.extend(chunk.choices.into_iter().filter_map(|choice| Some(choice.delta.content?.0)));
    }
}

/// Appends the text of a message to `text`, likewise.
async fn anthropic(events: &mut Events, text: &mut String) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct BlockDelta<'e> {
        #[serde(borrow)]
        delta: Delta<'e>,
    }
    #[derive(Deserialize)]
    struct Delta<'e> {
        // A delta of another type, such as the input of a tool, has none.
        #[serde(borrow)]
        text: Option<Text<'e>>,
    }
    #[derive(Deserialize)]
    struct Failure<'e> {
        #[serde(borrow)]
        error: ServiceError<'e>,
    }
    loop {
        let event = events.next().await?;
        match event.event_type() {
            b"content_block_delta" => {
                let block: BlockDelta<'_> = serde_json::from_slice(event.data())?;
                text.extend(block.delta.text.map(|text| text.0));
            }
            b"error" => return Err(serde_json::from_slice::<Failure<'_>>(event.data())?.error.into()),
            b"message_stop" => return Ok(()),
            // `ping` and the frame around the blocks; types that are not known yet are to be passed over.
            _ => {}
        }
    }
}

type Answer = Sse<stream::Iter<std::vec::IntoIter<Result<sse::Event, Infallible>>>>;

fn answer(events: impl IntoIterator<Item = sse::Event>) -> Answer {
    Sse::new(stream::iter(events.into_iter().map(Ok).collect::<Vec<_>>()))
}

/// The words of every answer: escapes, CJK, and one of two megabytes.
fn words() -> Vec<String> {
    ["The \"kiln\"\n", "冷却に", " 🚀 ", &"0123456789abcdef".repeat(2 << 16), "."].map(String::from).into()
}

/// Streams a chat completion. The body of the request says what goes wrong.
async fn chat_completions(scenario: String) -> Answer {
    let chunk = |delta: serde_json::Value, finish_reason: Option<&str>| {
        json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt",
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason}], "usage": null,
        })
    };
    let mut data = vec![chunk(json!({"role": "assistant", "content": "", "refusal": null}), None)];
    data.extend(words().into_iter().map(|word| chunk(json!({"content": word}), None)));
    match &scenario[..] {
        "error" => data.push(json!({
            "error": {"message": "The server had an error.", "type": "server_error", "param": null, "code": null},
        })),
        "cut" => {}
        "large" => {
            data.insert(1, chunk(json!({"content": "x".repeat(LIMIT + 1)}), None));
            data.push(chunk(json!({}), Some("stop")));
        }
        _ => {
            data.push(chunk(json!({}), Some("stop")));
            data.push(json!({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 5, "total_tokens": 6}}));
        }
    }
    let done = (scenario == "whole" || scenario == "large").then(|| "[DONE]".to_string());
    answer(data.iter().map(ToString::to_string).chain(done).map(|data| sse::Event::default().data(data)))
}

/// Streams a message, likewise.
async fn messages(scenario: String) -> Answer {
    let mut data = vec![
        json!({"type": "message_start", "message": {"id": "msg_1", "role": "assistant", "content": []}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "ping"}),
    ];
    data.extend(
        words().into_iter().map(
            |word| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}),
        ),
    );
    match &scenario[..] {
        "error" => {
            data.push(json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}));
        }
        "cut" => {}
        _ => {
            let tool = json!({"type": "tool_use", "id": "toolu_1", "name": "timer", "input": {}});
            let input = json!({"type": "input_json_delta", "partial_json": "{\"hours\":"});
            let end = json!({"stop_reason": "end_turn", "stop_sequence": null});
            data.extend([
                json!({"type": "content_block_stop", "index": 0}),
                json!({"type": "content_block_start", "index": 1, "content_block": tool}),
                json!({"type": "content_block_delta", "index": 1, "delta": input}),
                json!({"type": "content_block_stop", "index": 1}),
                json!({"type": "from_a_later_version"}),
                json!({"type": "message_delta", "delta": end, "usage": {"output_tokens": 15}}),
                json!({"type": "message_stop"}),
            ]);
        }
    }
    answer(
        data.iter()
            .map(|data| sse::Event::default().event(data["type"].as_str().unwrap_or_default()).data(data.to_string())),
    )
}

async fn server() -> std::io::Result<SocketAddr> {
    let router =
        Router::new().route("/v1/chat/completions", post(chat_completions)).route("/v1/messages", post(messages));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async { axum::serve(listener, router).await });
    Ok(address)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = server().await?;
    let client = reqwest::Client::builder().timeout(Duration::from_secs(8)).build()?;
    let request = async |path: &str, scenario: &'static str| {
        let request = client.post(format!("http://{address}/v1/{path}")).body(scenario);
        Ok::<_, Error>(Events::new(request.send().await?.error_for_status()?))
    };
    let expected = words().concat();

    for scenario in ["whole", "error", "cut"] {
        let (mut one, mut other) = (String::new(), String::new());
        let results = (
            openai(&mut request("chat/completions", scenario).await?, &mut one).await,
            anthropic(&mut request("messages", scenario).await?, &mut other).await,
        );
        assert!(one == expected && other == expected, "{scenario}");
        match (scenario, results) {
            ("whole", (Ok(()), Ok(()))) | ("cut", (Err(Error::Cut), Err(Error::Cut))) => {}
            ("error", (Err(Error::Service { kind: one, .. }), Err(Error::Service { kind: other, message }))) => {
                assert_eq!([&one[..], &other, &message], ["server_error", "overloaded_error", "Overloaded"]);
            }
            other => panic!("{other:?}"),
        }
    }

    // One event is too large: that is reported, and whoever goes on has the rest.
    let (mut events, mut text) = (request("chat/completions", "large").await?, String::new());
    let Err(Error::TooLarge(Overflow { capacity: LIMIT, .. })) = openai(&mut events, &mut text).await else {
        panic!("an event of more than the limit");
    };
    openai(&mut events, &mut text).await?;
    assert!(text == expected);
    println!("{} bytes of text from each of two services; their errors, a cut and an overflow told apart", text.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_event_that_is_too_large_is_reported_once_and_the_rest_of_the_chunk_is_read() {
        let wire = format!("data: {}\n\ndata: a\n\ndata: bc\n\ndata: d\n\n", "x".repeat(LIMIT + 1));
        let mut events = Events::new(axum::http::Response::new(wire).into());
        let Err(Error::TooLarge(Overflow { capacity: LIMIT, .. })) = events.next().await else { panic!() };
        for data in ["a", "bc", "d"] {
            assert_eq!(events.next().await.unwrap().data(), data.as_bytes());
        }
        assert!(matches!(events.next().await, Err(Error::Cut)));
    }

    #[test]
    fn text_is_copied_only_to_resolve_escapes() {
        let borrowed = |json| matches!(serde_json::from_slice(json), Ok(Some(Text(Cow::Borrowed(_)))));
        assert!(borrowed("\"冷却に\"".as_bytes()));
        assert!(!borrowed(br#""a\nb""#));
    }
}
