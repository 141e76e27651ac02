//! Chat models, in the forms of OpenAI and Anthropic, through `ssewire-client`: the text as it comes, and how it ended.
//!
//!     llm URL [--anthropic] [--timeout SECONDS]
//!
//! sends a request, prints the text, and last a line `{"end":"done"|"stop"|"cut"|"error","error":…}`. Without a URL it runs against
//! a server in axum that sends the streams that both services document.
//!
//! A request is sent once: an answer that was cut is not asked for again.

use std::convert::Infallible;
use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::response::sse::{self, Sse};
use axum::routing::post;
use futures::stream;
use serde_json::json;
use ssewire_client::chat::{Answer, End, Failure};
use ssewire_client::{Cause, Error, EventSource, Policy, Reason};

/// Above the largest event that is to be expected: a picture in base64.
const LIMIT: usize = 4 << 20;

/// How an answer ended, and the error if it did not end well.
#[derive(Debug, PartialEq)]
struct Outcome {
    end: &'static str,
    error: Option<String>,
}

impl Outcome {
    fn error(error: impl ToString) -> Outcome {
        Outcome { end: "error", error: Some(error.to_string()) }
    }

    fn cut(error: impl ToString) -> Outcome {
        Outcome { end: "cut", error: Some(error.to_string()) }
    }
}

/// Returns a source that sends `body` once.
fn request(url: &str, body: String) -> Result<EventSource, ssewire_client::BuildError> {
    let mut policy = Policy::ROBUST;
    // Some services leave out the last blank line.
    (policy.takes_unfinished, policy.silence_ms) = (true, 30_000);
    EventSource::builder(url).post(body).policy(policy).limit(LIMIT).reconnect(false).build()
}

/// Gives the text of an answer to `on_text` as it comes, and returns how the answer ended.
async fn follow(source: &mut EventSource, mut on_text: impl FnMut(&str)) -> Outcome {
    let mut answer = Answer::new();
    let mut too_large = None;
    while let Some(event) = source.next().await {
        let event = match event {
            Ok(event) => event,
            Err(Error::Closed(closed)) => {
                if let Ok(End::Stop) = answer.end() {
                    break; // the text was whole before the connection broke
                }
                let failure = closed.response.as_ref().and_then(|response| Failure::from_body(&response.body));
                return match (failure, &closed.reason) {
                    (Some(failure), _) => Outcome::error(failure),
                    (None, Reason::Failed(Cause::Cut | Cause::Silence { .. })) => Outcome::cut(closed),
                    (None, _) => Outcome::error(closed),
                };
            }
            // The answer lacks this event; the next one follows.
            Err(error) => {
                too_large = Some(error);
                continue;
            }
        };
        match answer.read(&event) {
            Ok(text) => on_text(&text.unwrap_or_default()),
            Err(failure) => return Outcome::error(failure),
        }
        if answer.is_done() {
            source.close();
        }
    }
    match (answer.end(), too_large) {
        (_, Some(error)) => Outcome::error(error),
        (Ok(End::Done), None) => Outcome { end: "done", error: None },
        (Ok(End::Stop), None) => Outcome { end: "stop", error: None },
        (Err(failure), None) => Outcome::cut(failure),
    }
}

/// Prints the answer of a service.
async fn print(url: &str, anthropic: bool, timeout: Duration) -> Outcome {
    let messages = json!([{"role": "user", "content": "Hello"}]);
    let body = match anthropic {
        true => json!({"model": "claude", "max_tokens": 1024, "stream": true, "messages": messages}),
        false => json!({"model": "gpt", "stream": true, "messages": messages}),
    };
    let mut source = match request(url, body.to_string()) {
        Ok(source) => source,
        Err(error) => return Outcome::error(error),
    };
    let mut ends_a_line = true;
    let print = follow(&mut source, |text| {
        ends_a_line = if text.is_empty() { ends_a_line } else { text.ends_with('\n') };
        print!("{text}");
        // Nobody is left to be told when this fails.
        let _ = std::io::stdout().flush();
    });
    let outcome = tokio::time::timeout(timeout, print).await;
    if !ends_a_line {
        println!();
    }
    outcome.unwrap_or_else(|_| Outcome::cut(format_args!("no end within {} s", timeout.as_secs())))
}

type Sent = Sse<stream::Iter<std::vec::IntoIter<Result<sse::Event, Infallible>>>>;

fn answer(events: impl IntoIterator<Item = sse::Event>) -> Sent {
    Sse::new(stream::iter(events.into_iter().map(Ok).collect::<Vec<_>>()))
}

/// The words of every answer: escapes, CJK, and one of two megabytes.
fn words() -> Vec<String> {
    ["The \"kiln\"\n", "冷却に", " 🚀 ", &"0123456789abcdef".repeat(2 << 16), "."].map(String::from).into()
}

/// Streams a chat completion. The body of the request says what goes wrong.
async fn chat_completions(scenario: String) -> Sent {
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
async fn messages(scenario: String) -> Sent {
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
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let (mut url, mut anthropic, mut timeout) = (None, false, Duration::from_secs(60));
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match &arg[..] {
            "--anthropic" => anthropic = true,
            "--timeout" => timeout = Duration::from_secs(args.next().ok_or("--timeout SECONDS")?.parse()?),
            _ => url = Some(arg),
        }
    }
    let Some(url) = url else {
        rehearse().await?;
        return Ok(ExitCode::SUCCESS);
    };
    let Outcome { end, error } = print(&url, anthropic, timeout).await;
    println!("{}", json!({"end": end, "error": error}));
    Ok(if matches!(end, "done" | "stop") { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Follows all that the server here sends.
async fn rehearse() -> Result<(), Box<dyn std::error::Error>> {
    let address = server().await?;
    let expected = words().concat();
    for path in ["chat/completions", "messages"] {
        for (scenario, end, error) in [
            ("whole", "done", None),
            ("cut", "cut", Some("the stream ended before the answer did")),
            (
                "error",
                "error",
                Some(if path == "messages" {
                    "overloaded_error: Overloaded"
                } else {
                    "server_error: The server had an error."
                }),
            ),
        ] {
            let mut source = request(&format!("http://{address}/v1/{path}"), scenario.into())?;
            let mut text = String::new();
            let outcome = follow(&mut source, |more| text.push_str(more)).await;
            assert_eq!(outcome, Outcome { end, error: error.map(String::from) });
            assert!(text == expected, "{scenario}");
        }
    }
    // One event is too large: that is reported, and the text of the others is there.
    let mut source = request(&format!("http://{address}/v1/chat/completions"), "large".into())?;
    let mut text = String::new();
    let outcome = follow(&mut source, |more| text.push_str(more)).await;
    assert!(outcome.end == "error" && outcome.error.is_some_and(|error| error.starts_with("event too large")));
    assert!(text == expected);
    println!("{} bytes of text from each of two services; their errors, a cut and an overflow told apart", text.len());
    Ok(())
}
