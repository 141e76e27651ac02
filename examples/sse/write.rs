//! JSON lines to an event stream.

use std::io::{self, BufRead, BufReader, BufWriter, Write};

use serde::Deserialize;
use serde_json::Value;
use ssewire::{Frame, InvalidByte};

use crate::Failure;

/// Values, not strings and numbers: the message about a wrong type is to name the key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    event: Option<Value>,
    data: Option<Value>,
    id: Option<Value>,
    retry: Option<Value>,
    comment: Option<Value>,
}

pub fn run() -> Result<(), Failure> {
    let mut input = BufReader::with_capacity(64 * 1024, io::stdin().lock());
    let mut out = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    let (mut line, mut wire) = (Vec::new(), Vec::new());
    for number in 1_u64.. {
        // Reading the next line may block.
        if !input.buffer().contains(&b'\n') {
            out.flush()?;
        }
        line.clear();
        let len = input
            .read_until(b'\n', &mut line)
            .map_err(|error| Failure::new(format_args!("standard input: {error}")))?;
        if len == 0 {
            break;
        }
        wire.clear();
        if let Err(error) = encode(line.trim_ascii(), &mut wire) {
            out.flush()?;
            return Err(Failure::new(format_args!("line {number}: {error}")));
        }
        out.write_all(&wire)?;
    }
    Ok(out.flush()?)
}

/// Appends the event that `json` describes to `wire`.
fn encode(json: &[u8], wire: &mut Vec<u8>) -> Result<(), String> {
    if !json.is_empty() {
        let line = read_line(json)?;
        frame(&line)?.parts().for_each(|part| wire.extend_from_slice(part));
    }
    Ok(())
}

fn read_line(json: &[u8]) -> Result<Line, String> {
    // `Line` could be read from an array as well.
    if !json.starts_with(b"{") {
        return Err("not a JSON object".into());
    }
    serde_json::from_slice(json).map_err(|error| {
        // It ends in a position in the line, as if that were a file.
        let text = error.to_string();
        let text = text.split(" at line ").next().unwrap_or_default();
        format!("column {}: {text}", error.column())
    })
}

fn frame(line: &Line) -> Result<Frame<'_>, String> {
    let mut frame = Frame::new();
    if let Some(comment) = text("comment", &line.comment)? {
        frame = frame.comment(comment);
    }
    if let Some(event_type) = text("event", &line.event)? {
        frame = frame.event_type(event_type).map_err(invalid)?;
    }
    if let Some(id) = text("id", &line.id)? {
        frame = frame.id(id).map_err(invalid)?;
    }
    if let Some(retry) = &line.retry {
        let milliseconds = retry.as_u64().ok_or_else(|| wrong("retry", "an integer from 0 to 2^64 - 1", retry))?;
        frame = frame.retry(milliseconds);
    }
    if let Some(data) = text("data", &line.data)? {
        frame = frame.data(data);
    }
    Ok(frame)
}

fn text<'a>(key: &str, value: &'a Option<Value>) -> Result<Option<&'a str>, String> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(value) => Err(wrong(key, "a string", value)),
    }
}

fn invalid(error: InvalidByte) -> String {
    format!("field {}: {error}", error.field)
}

fn wrong(key: &str, expected: &str, found: &Value) -> String {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) => return format!("{key}: expected {expected}, found {number}"),
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    format!("{key}: expected {expected}, found {found}")
}
