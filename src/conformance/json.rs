//! The vectors as they are in the files: see `tests/conformance/README.md`.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::{Dispatched, Must, ParseVector, String, Vec, WriteVector};

/// Panics on a line that is not a vector. The files are part of the package, and a test reads all of them.
pub(super) fn lines<T: DeserializeOwned>(file: &str) -> impl Iterator<Item = T> + '_ {
    file.lines().map(|line| serde_json::from_str(line).expect("a vector of this package"))
}

#[derive(Deserialize)]
pub(super) struct Parse {
    name: String,
    source: String,
    input_hex: Bytes,
    events: Vec<Event>,
    #[serde(default, deserialize_with = "present")]
    reconnection_time_ms: Option<Option<u64>>,
    last_event_id: Option<Text>,
    initial_last_event_id: Option<Text>,
    chunks: Option<Vec<usize>>,
    comments: Option<Vec<Text>>,
    note: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Write {
    name: String,
    source: String,
    write: Block,
    #[serde(flatten)]
    must: MustBe,
}

#[derive(Deserialize)]
struct Block {
    comment: Option<Text>,
    event: Option<Text>,
    id: Option<Text>,
    retry: Option<u64>,
    data: Option<Text>,
}

#[derive(Deserialize)]
#[serde(tag = "must", rename_all = "lowercase")]
enum MustBe {
    Roundtrip {
        events: Vec<Event>,
        reconnection_time_ms: Option<u64>,
        comments: Option<Vec<Text>>,
        example_output_hex: Bytes,
    },
    Reject,
}

#[derive(Deserialize)]
struct Event {
    event: Text,
    data: Text,
    id: Text,
}

#[derive(Deserialize)]
#[serde(from = "Value")]
struct Text(String);

#[derive(Deserialize)]
#[serde(try_from = "Text")]
struct Bytes(Vec<u8>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Whole(String),
    Joined { parts: Vec<Part> },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Part {
    Once(String),
    Repeated(String, usize),
}

impl From<Value> for Text {
    fn from(value: Value) -> Text {
        let join = |part: Part| match part {
            Part::Once(text) => text,
            Part::Repeated(text, times) => text.repeat(times),
        };
        match value {
            Value::Whole(text) => Text(text),
            Value::Joined { parts } => Text(parts.into_iter().map(join).collect()),
        }
    }
}

impl TryFrom<Text> for Bytes {
    type Error = &'static str;

    fn try_from(text: Text) -> Result<Bytes, &'static str> {
        unhex(&text.0).map(Bytes).ok_or("not hexadecimal")
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
    digits.len().is_multiple_of(2).then(|| digits.chunks(2).map(|pair| (16 * pair[0] + pair[1]) as u8).collect())
}

/// `Some(None)` for a key whose value is null.
fn present<'d, D: Deserializer<'d>>(value: D) -> Result<Option<Option<u64>>, D::Error> {
    Option::deserialize(value).map(Some)
}

fn text(text: Option<Text>) -> Option<String> {
    text.map(|text| text.0)
}

fn texts(texts: Option<Vec<Text>>) -> Option<Vec<String>> {
    Some(texts?.into_iter().map(|text| text.0).collect())
}

fn events(events: Vec<Event>) -> Vec<Dispatched> {
    events.into_iter().map(|event| Dispatched { event: event.event.0, data: event.data.0, id: event.id.0 }).collect()
}

impl From<Parse> for ParseVector {
    fn from(line: Parse) -> ParseVector {
        ParseVector {
            name: line.name,
            source: line.source,
            input: line.input_hex.0,
            events: events(line.events),
            reconnection_time_ms: line.reconnection_time_ms,
            last_event_id: text(line.last_event_id),
            initial_last_event_id: text(line.initial_last_event_id),
            chunks: line.chunks,
            comments: texts(line.comments),
            note: line.note,
        }
    }
}

impl From<Write> for WriteVector {
    fn from(line: Write) -> WriteVector {
        let Block { comment, event, id, retry, data } = line.write;
        let write = super::Write { comment: text(comment), event: text(event), id: text(id), retry, data: text(data) };
        let must = match line.must {
            MustBe::Roundtrip { events, reconnection_time_ms, comments, example_output_hex } => Must::Roundtrip {
                events: self::events(events),
                reconnection_time_ms,
                comments: texts(comments),
                example_output: example_output_hex.0,
            },
            MustBe::Reject => Must::Reject,
        };
        WriteVector { name: line.name, source: line.source, write, must }
    }
}
