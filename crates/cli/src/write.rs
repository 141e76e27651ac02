//! JSON lines to an event stream.

use std::io::{self, BufRead, BufReader, BufWriter, Write};

use serde::Deserialize;
use serde_json::{Map, Value};
use ssewire::{Frame, InvalidByte};

use crate::{Failure, note};

/// The keys of a line. Values, not strings and numbers: the message about a wrong type names the key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    event: Option<Value>,
    data: Option<Value>,
    id: Option<Value>,
    retry: Option<Value>,
    comment: Option<Value>,
}

/// The last line that `sse parse --json` prints.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    reconnection_time_ms: Option<u64>,
    last_event_id: String,
}

pub fn run() -> Result<(), Failure> {
    let mut input = BufReader::with_capacity(64 * 1024, io::stdin().lock());
    let mut writer =
        Writer { out: BufWriter::with_capacity(64 * 1024, io::stdout().lock()), last_event_id: String::new() };
    let mut line = Vec::new();
    for number in 1_u64.. {
        // Reading the next line may block.
        if !input.buffer().contains(&b'\n') {
            writer.out.flush()?;
        }
        line.clear();
        let len = input
            .read_until(b'\n', &mut line)
            .map_err(|error| Failure::new(format_args!("standard input: {error}")))?;
        if len == 0 {
            break;
        }
        match writer.line(line.trim_ascii()) {
            Ok(None) => {}
            Ok(Some(warning)) => note(format_args!("line {number}: {warning}")),
            Err(Error::Line(error)) => {
                writer.out.flush()?;
                return Err(Failure::new(format_args!("line {number}: {error}")));
            }
            Err(Error::Output(error)) => return Err(error.into()),
        }
    }
    Ok(writer.out.flush()?)
}

enum Error {
    Line(String),
    Output(io::Error),
}

impl From<String> for Error {
    fn from(error: String) -> Error {
        Error::Line(error)
    }
}

struct Writer<W: Write> {
    out: W,
    /// The ID that a reader of the output has.
    last_event_id: String,
}

impl<W: Write> Writer<W> {
    /// Writes the block that a line of JSON describes, and returns a warning if no reader will see it.
    fn line(&mut self, json: &[u8]) -> Result<Option<&'static str>, Error> {
        if json.is_empty() {
            return Ok(None);
        }
        // A struct could be read from an array as well.
        if !json.starts_with(b"{") {
            return Err(Error::Line("not a JSON object".into()));
        }
        let line = match serde_json::from_slice::<Line>(json) {
            Ok(line) => line,
            Err(error) => return self.report(json).unwrap_or(Err(Error::Line(describe(&error)))),
        };
        let frame = frame(&line)?;
        self.write(frame)?;
        if let Some(Value::String(id)) = &line.id {
            self.last_event_id.clone_from(id);
        }
        let is_lost = line.event.is_some() && line.data.is_none();
        Ok(is_lost.then_some("a block without data is not an event: no reader dispatches it, and its type is ignored"))
    }

    /// Takes the lines of `sse parse --json` that are not events or comments, if `json` is one.
    fn report(&mut self, json: &[u8]) -> Option<Result<Option<&'static str>, Error>> {
        if let Ok(end) = serde_json::from_slice::<End>(json) {
            return Some(self.end(&end));
        }
        let report: Map<String, Value> = serde_json::from_slice(json).ok()?;
        if report.contains_key("error") && report.contains_key("needed") {
            return Some(Ok(Some("skipped the report of an event or line that was too large")));
        }
        if report.contains_key("unknown") && report.len() == 1 {
            return Some(Ok(Some("skipped a line that is not a field of the format")));
        }
        None
    }

    /// Writes the rest of the state that a stream ended in.
    fn end(&mut self, end: &End) -> Result<Option<&'static str>, Error> {
        let mut frame = Frame::new();
        if let Some(milliseconds) = end.reconnection_time_ms {
            frame = frame.retry(milliseconds);
        }
        if end.last_event_id != self.last_event_id {
            frame = frame.id(&end.last_event_id).map_err(invalid)?;
        }
        self.write(frame)?;
        self.last_event_id.clone_from(&end.last_event_id);
        Ok(None)
    }

    fn write(&mut self, frame: Frame<'_>) -> Result<(), Error> {
        frame.parts().try_for_each(|part| self.out.write_all(part)).map_err(Error::Output)
    }
}

fn describe(error: &serde_json::Error) -> String {
    // It ends in a position in the line, as if that were a file.
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    format!("column {}: {text}", error.column())
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
