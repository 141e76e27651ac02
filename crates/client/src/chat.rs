/*!
Helpers for streams of chat models, in the forms of OpenAI and Anthropic: text, ends and errors.

An [`Answer`] reads the events of one answer. It tells the two forms apart by the events themselves, and takes what services
send in place of what they document: errors without a type or as a string, choices without a delta, empty data, an end without
`[DONE]`, events without an event type.

# Examples

Over [`EventSource`](crate::EventSource), with one request, and 30 seconds of patience:

```no_run
# #[cfg(feature = "reqwest")]
# async fn ask(key: &str) -> Result<(), Box<dyn std::error::Error>> {
use ssewire_client::chat::{Answer, Failure};
use ssewire_client::{EventSource, Policy};

let mut policy = Policy::ROBUST;
(policy.head_ms, policy.silence_ms) = (30_000, 30_000);
policy.takes_unfinished = true; // some services leave out the last blank line
let mut source = EventSource::builder("https://api.openai.com/v1/chat/completions")
    .header("authorization", format!("Bearer {key}"))
    .post(r#"{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"Hi"}]}"#)
    .policy(policy)
    .reconnect(false) // an answer is paid for once
    .build()?;

let mut answer = Answer::new();
while let Some(event) = source.next().await {
    match event {
        Ok(event) => print!("{}", answer.read(&event)?.unwrap_or_default()),
        Err(error) if error.is_of_one_event() => eprintln!("{error}"),
        // The service's own words, if it has some.
        Err(error) => match error.response().and_then(|response| Failure::from_body(&response.body)) {
            Some(failure) => return Err(failure.into()),
            None => return Err(error.into()),
        },
    }
    if answer.is_done() {
        source.close();
    }
}
answer.end()?; // an error if the answer was cut off
println!("\n({})", answer.finish_reason().unwrap_or("no reason"));
# Ok(())
# }
```

Over a parser:

```
use ssewire::Parser;
use ssewire_client::chat::{Answer, End};

let mut parser = Parser::with_limit(1 << 20);
let mut input = &b"data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\ndata: [DONE]\n\n"[..];
let (mut answer, mut text) = (Answer::new(), String::new());
while let Some(event) = parser.next(&mut input)? {
    text.extend(answer.read(event)?);
}
assert_eq!((text.as_str(), answer.end()?), ("Hi", End::Done));
# Ok::<(), Box<dyn std::error::Error>>(())
```
*/

use std::fmt;

use serde_json::Value;
use ssewire::{Event, lossy};

/// The state of one answer.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    is_done: bool,
    finish_reason: Option<String>,
    /// The first error.
    failure: Option<Failure>,
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By its protocol: `[DONE]`, or `message_stop`.
    Done,
    /// With the stream, after a reason to finish: nothing of it was cut off.
    Stop,
}

/// Why an answer failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The service reports an error, in these words.
    Service {
        /// The type or code, empty without one.
        kind: String,
        /// The message, or the error as JSON if there is none.
        message: String,
    },
    /// An event is not JSON: its data.
    NotJson(String),
    /// The stream ended before the answer did.
    Cut,
}

impl Answer {
    /// Returns the state before the first event.
    #[must_use]
    pub fn new() -> Answer {
        Answer::default()
    }

    /// Reads an event, and returns the text that it adds: of the first choice, if there are several. Tool calls, refusals and
    /// reasoning are not text. After the end of the answer, events are ignored.
    ///
    /// # Errors
    ///
    /// [`Failure::Service`] for an error of the service, [`Failure::NotJson`] for an event that is not as documented. The answer
    /// has failed then, and [`end`](Answer::end) says so too. Events that follow may be read all the same.
    pub fn read<'e>(&mut self, event: impl Into<Event<'e>>) -> Result<Option<String>, Failure> {
        let text = self.text(event.into());
        if let (Err(failure), None) = (&text, &self.failure) {
            self.failure = Some(failure.clone());
        }
        text
    }

    fn text(&mut self, event: Event<'_>) -> Result<Option<String>, Failure> {
        let data = event.data().trim_ascii();
        if data.is_empty() || self.is_done {
            return Ok(None);
        }
        if data == b"[DONE]" {
            self.is_done = true;
            return Ok(None);
        }
        let is_error = event.event_type() == b"error";
        let Ok(json) = serde_json::from_slice::<Value>(data) else {
            return match event.event_type() {
                b"error" => Err(Failure::Service { kind: String::new(), message: lossy(data).to_string() }),
                b"message" => Err(Failure::NotJson(lossy(data).to_string())),
                // A service's own keep-alive.
                _ => Ok(None),
            };
        };
        if let Some(failure) = failure(&json, is_error) {
            return Err(failure);
        }
        // The type stands in the JSON, too; some services leave the event type out.
        let text = match json["type"].as_str() {
            Some("message_stop") => {
                self.is_done = true;
                None
            }
            Some("message_delta") => {
                self.finish(&json["delta"]["stop_reason"]);
                None
            }
            Some("content_block_delta") => json["delta"]["text"].as_str().map(String::from),
            Some("content_block_start") => json["content_block"]["text"].as_str().map(String::from),
            _ => self.choices(&json),
        };
        Ok(text.filter(|text| !text.is_empty()))
    }

    fn choices(&mut self, json: &Value) -> Option<String> {
        let is_first = |choice: &&Value| choice["index"].as_u64().unwrap_or(0) == 0;
        let choice = json["choices"].as_array()?.iter().find(is_first)?;
        self.finish(&choice["finish_reason"]);
        choice["delta"]["content"].as_str().map(String::from)
    }

    fn finish(&mut self, reason: &Value) {
        if !reason.is_null() {
            self.finish_reason = Some(reason.as_str().map_or_else(|| reason.to_string(), String::from));
        }
    }

    /// Returns why the model stopped, in the service's word, if it has said so: `stop` or `end_turn` at the end of the text;
    /// `length` or `max_tokens` where the text is too short.
    #[must_use]
    pub fn finish_reason(&self) -> Option<&str> {
        self.finish_reason.as_deref()
    }

    /// Returns whether the answer said that it is over. Services may leave the connection open after that.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// Returns how the answer ended, once the stream has. [`finish_reason`](Answer::finish_reason) says whether the text is all
    /// that the model had to say.
    ///
    /// # Errors
    ///
    /// The first error that [`read`](Answer::read) returned; [`Failure::Cut`] if the stream ended first.
    pub fn end(&self) -> Result<End, Failure> {
        match self {
            Answer { failure: Some(failure), .. } => Err(failure.clone()),
            Answer { is_done: true, .. } => Ok(End::Done),
            Answer { finish_reason: Some(_), .. } => Ok(End::Stop),
            _ => Err(Failure::Cut),
        }
    }
}

impl Failure {
    /// Returns the error that a body holds, such as that of a response with a status of 400 or 500, as a
    /// [`Service`](Failure::Service): in the service's words if it is JSON, and as the text itself otherwise. `None` if it is empty.
    #[must_use]
    pub fn from_body(body: &[u8]) -> Option<Failure> {
        let body = body.trim_ascii();
        if body.is_empty() {
            return None;
        }
        let json = serde_json::from_slice::<Value>(body).ok();
        let found = json.and_then(|json| failure(&json, true));
        Some(found.unwrap_or_else(|| Failure::Service { kind: String::new(), message: lossy(body).to_string() }))
    }
}

/// Returns the error in `json`, if there is one. `is_error`: all of it is one.
fn failure(json: &Value, is_error: bool) -> Option<Failure> {
    let error = match &json["error"] {
        Value::Null if is_error || json["type"] == "error" => json,
        Value::Null => return None,
        error => error,
    };
    let words = |value: &Value| match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let first = |names: &[&str]| names.iter().find_map(|name| words(&error[*name]));
    Some(Failure::Service {
        kind: first(&["type", "code", "status"]).filter(|kind| kind != "error").unwrap_or_default(),
        message: words(error)
            .or_else(|| first(&["message", "details", "detail", "error", "reason"]))
            .unwrap_or_else(|| error.to_string()),
    })
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Service { kind, message } if kind.is_empty() => f.write_str(message),
            Failure::Service { kind, message } => write!(f, "{kind}: {message}"),
            Failure::NotJson(data) => {
                f.write_str("an event is not JSON: ")?;
                crate::error::fmt_start(data.as_bytes(), f)
            }
            Failure::Cut => f.write_str("the stream ended before the answer did"),
        }
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;
    use ssewire::Parser;

    fn read(stream: &str) -> (String, Result<End, Failure>) {
        let mut parser = Parser::with_limit(1 << 20);
        let (mut answer, mut text) = (Answer::new(), String::new());
        let mut input = stream.as_bytes();
        while let Some(event) = parser.next(&mut input).unwrap() {
            match answer.read(event) {
                Ok(more) => text.extend(more),
                Err(failure) => return (text, Err(failure)),
            }
            if answer.is_done() {
                break;
            }
        }
        (text, answer.end())
    }

    fn service(kind: &str, message: &str) -> Result<End, Failure> {
        Err(Failure::Service { kind: kind.into(), message: message.into() })
    }

    const HI: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";

    #[test]
    fn ends() {
        for (rest, end) in [
            ("data: [DONE]\n\n", Ok(End::Done)),
            ("data:  [DONE] \n\n", Ok(End::Done)),
            ("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n", Ok(End::Stop)),
            (
                "data: {\"choices\":[{\"index\":0,\"finish_reason\":\"length\"}]}\n\ndata: {\"choices\":[],\"usage\":{}}\n\n",
                Ok(End::Stop),
            ),
            ("", Err(Failure::Cut)),
            ("data: {\"choices\":[{\"delta\":null,\"finish_reason\":null}]}\n\n", Err(Failure::Cut)),
        ] {
            assert_eq!(read(&(HI.to_string() + rest)), ("Hi".into(), end), "{rest}");
        }
    }

    #[test]
    fn events_that_add_nothing_do_not_end_an_answer() {
        for between in [
            "data:\n\n",
            "event: ping\ndata: ping\n\n",
            "data: {\"choices\":[{}]}\n\n",
            "data: {\"choices\":[{\"delta\":null}]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"content\":null}}]}\n\n",
            "data: {\"choices\":null}\n\n",
            "data: {\"error\":null,\"choices\":[]}\n\n",
            "data: null\n\n",
            ": OPENROUTER PROCESSING\n\n",
        ] {
            assert_eq!(
                read(&format!("{HI}{between}{HI}data: [DONE]\n\n")),
                ("HiHi".into(), Ok(End::Done)),
                "{between}"
            );
        }
    }

    #[test]
    fn errors_are_in_the_words_of_the_service() {
        for (error, expected) in [
            ("data: {\"error\":{\"code\":502,\"message\":\"m\"}}", service("502", "m")),
            ("data: {\"error\":\"m\"}", service("", "m")),
            ("data: {\"error\":{\"type\":\"server_error\",\"message\":\"m\"}}", service("server_error", "m")),
            ("event: error\ndata: {\"code\":400,\"details\":\"m\"}", service("400", "m")),
            ("event: error\ndata: overloaded", service("", "overloaded")),
            (
                "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}",
                service("overloaded_error", "Overloaded"),
            ),
            ("data: {\"type\":\"error\",\"error\":{\"type\":\"x\",\"message\":\"m\"}}", service("x", "m")),
            ("data: {\"error\":{\"a\":1}}", service("", "{\"a\":1}")),
            ("data: oops", Err(Failure::NotJson("oops".into()))),
        ] {
            assert_eq!(read(&format!("{HI}{error}\n\ndata: [DONE]\n\n")), ("Hi".into(), expected), "{error}");
        }
    }

    #[test]
    fn a_message_is_read_with_and_without_event_types() {
        let events = [
            ("message_start", "{\"type\":\"message_start\",\"message\":{\"content\":[]}}"),
            (
                "content_block_start",
                "{\"type\":\"content_block_start\",\"content_block\":{\"type\":\"text\",\"text\":\"\"}}",
            ),
            ("ping", "{\"type\":\"ping\"}"),
            (
                "content_block_delta",
                "{\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\"}}",
            ),
            (
                "content_block_delta",
                "{\"type\":\"content_block_delta\",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\"}}",
            ),
            ("message_delta", "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}"),
            ("message_stop", "{\"type\":\"message_stop\"}"),
        ];
        for with_type in [true, false] {
            for (len, end) in [(7, Ok(End::Done)), (6, Ok(End::Stop)), (5, Err(Failure::Cut))] {
                let stream: String = events[..len]
                    .iter()
                    .map(|(name, data)| match with_type {
                        true => format!("event: {name}\ndata: {data}\n\n"),
                        false => format!("data: {data}\n\n"),
                    })
                    .collect();
                assert_eq!(read(&stream), ("Hi".into(), end));
            }
        }
    }

    #[test]
    fn an_answer_that_failed_has_no_other_end() {
        let mut parser = Parser::with_limit(1 << 20);
        let mut input = "data: {\"error\":\"m\"}\n\ndata: oops\n\ndata: [DONE]\n\n".as_bytes();
        let mut answer = Answer::new();
        while let Some(event) = parser.next(&mut input).unwrap() {
            let _ = answer.read(event);
        }
        assert!(answer.is_done());
        assert_eq!(answer.end(), service("", "m"));
    }

    #[test]
    fn only_the_first_choice_is_the_answer_and_only_until_its_end() {
        let stream = [
            HI,
            "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"other\"},\"finish_reason\":\"stop\"}]}\n\n",
            "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n",
            "data: [DONE]\n\n",
            HI,
        ]
        .concat();
        let mut parser = Parser::with_limit(1 << 20);
        let (mut input, mut answer, mut text) = (stream.as_bytes(), Answer::new(), String::new());
        while let Some(event) = parser.next(&mut input).unwrap() {
            text.extend(answer.read(event.text().unwrap()).unwrap());
        }
        assert_eq!((text.as_str(), answer.finish_reason(), answer.end()), ("Hi", Some("length"), Ok(End::Done)));
    }

    #[test]
    fn bodies_of_failed_responses() {
        assert_eq!(Failure::from_body(b" \n"), None);
        for (body, message) in
            [("{\"error\":{\"message\":\"m\"}}", "m"), ("Bad Gateway\n", "Bad Gateway"), ("{\"detail\":\"m\"}", "m")]
        {
            assert_eq!(Failure::from_body(body.as_bytes()).unwrap().to_string(), message);
        }
    }
}
