//! Wrong parsers.

use std::convert::Infallible;

use ssewire::conformance::{Dispatched, Outcome, ParseCase};

use super::{
    BOM, first_bytes, first_chars, is_beyond_bmp, is_invisible, is_noncharacter, is_other_line_end, normalized,
    number_prefix, split_at, without,
};

/// The steps of a parser, in their order.
#[derive(Clone, Copy)]
pub struct Rules {
    /// Takes the last event ID that the parser starts with.
    start: fn(&mut State, String),
    /// Changes the chunks before they are joined.
    chunks: fn(&mut Vec<Vec<u8>>),
    /// Removes a byte order mark from the stream.
    bom: fn(&[u8]) -> &[u8],
    /// Makes text of it.
    decode: fn(&[u8]) -> String,
    /// Changes that text.
    text: fn(String) -> String,
    /// Splits it into lines, without one that has no end.
    lines: fn(&str) -> Vec<&str>,
    /// Changes a line.
    line: fn(&str) -> &str,
    /// Splits a line into name and value.
    split: fn(&str) -> Option<(&str, &str)>,
    /// Changes the value of the named field.
    value: fn(&str, &str) -> String,
    /// Returns the time of a `retry`, unless that is ignored.
    retry: fn(&str) -> Option<u64>,
    /// Processes a field other than `retry`.
    field: fn(&mut State, &str, &str),
    /// Processes the rest of a line that begins with a colon.
    comment: fn(&mut State, &str),
    /// Processes a blank line.
    blank_line: fn(&mut State),
    /// Changes an event, or drops it.
    event: fn(&mut Dispatched) -> bool,
    /// Processes the end of the stream.
    end: fn(&mut State),
}

/// The state of a parser, and its result.
#[derive(Default)]
pub struct State {
    event_type: String,
    data: Option<String>,
    id: String,
    last_event_id: String,
    time: Option<u64>,
    /// The time before a block, for parsers that commit it late.
    time_before: Option<u64>,
    dispatched: Vec<Dispatched>,
    comments: Vec<String>,
}

impl State {
    fn start(&mut self, last_event_id: String) {
        self.id.clone_from(&last_event_id);
        self.last_event_id = last_event_id;
    }

    fn field(&mut self, name: &str, value: &str) {
        match (name, &mut self.data) {
            ("event", _) => self.event_type = value.to_string(),
            ("data", Some(data)) => *data = std::mem::take(data) + "\n" + value,
            ("data", data) => *data = Some(value.to_string()),
            ("id", _) if !value.contains('\0') => self.id = value.to_string(),
            _ => {}
        }
    }

    fn comment(&mut self, rest: &str) {
        self.comments.push(rest.strip_prefix(' ').unwrap_or(rest).to_string());
    }

    fn blank_line(&mut self) {
        self.last_event_id.clone_from(&self.id);
        let event_type = std::mem::take(&mut self.event_type);
        if let Some(data) = self.data.take() {
            let event = if event_type.is_empty() { "message".to_string() } else { event_type };
            self.dispatched.push(Dispatched { event, data, id: self.last_event_id.clone() });
        }
    }
}

fn without_bom(stream: &[u8]) -> &[u8] {
    stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut after_cr = false;
    for piece in text.split_inclusive(['\r', '\n']) {
        let is_lf_of_crlf = after_cr && piece == "\n";
        after_cr = piece.ends_with('\r');
        match piece.strip_suffix(['\r', '\n']) {
            Some(line) if !is_lf_of_crlf => lines.push(line),
            _ => {}
        }
    }
    lines
}

fn name_and_value(line: &str) -> (&str, &str) {
    line.split_once(':').unwrap_or((line, ""))
}

fn split(line: &str) -> Option<(&str, &str)> {
    let (name, value) = name_and_value(line);
    Some((name, value.strip_prefix(' ').unwrap_or(value)))
}

fn retry(value: &str) -> Option<u64> {
    value.bytes().all(|byte| byte.is_ascii_digit()).then(|| value.parse().ok())?
}

/// Every step as the standard has it.
pub const RIGHT: Rules = Rules {
    start: State::start,
    chunks: |_| (),
    bom: without_bom,
    decode: lossy,
    text: |text| text,
    lines,
    line: |line| line,
    split,
    value: |_, value| value.to_string(),
    retry,
    field: State::field,
    comment: State::comment,
    blank_line: State::blank_line,
    event: |_| true,
    end: |_| (),
};

/// Parses as the rules say.
pub fn parse(rules: &Rules, case: ParseCase<'_>) -> Result<Outcome, Infallible> {
    let mut state = State::default();
    (rules.start)(&mut state, case.vector.initial_last_event_id.clone().unwrap_or_default());
    let mut chunks: Vec<Vec<u8>> = case.chunks.iter().map(|chunk| chunk.to_vec()).collect();
    (rules.chunks)(&mut chunks);
    let text = (rules.text)((rules.decode)((rules.bom)(&chunks.concat())));
    for line in (rules.lines)(&text) {
        let line = (rules.line)(line);
        if line.is_empty() {
            (rules.blank_line)(&mut state);
        } else if let Some(rest) = line.strip_prefix(':') {
            (rules.comment)(&mut state, rest);
        } else if let Some((name, value)) = (rules.split)(line) {
            let value = (rules.value)(name, value);
            match name {
                "retry" => state.time = (rules.retry)(&value).or(state.time),
                _ => (rules.field)(&mut state, name, &value),
            }
        }
    }
    (rules.end)(&mut state);
    state.dispatched.retain_mut(|event| (rules.event)(event));
    let mut outcome = Outcome::default();
    outcome.events = state.dispatched;
    outcome.reconnection_time_ms = Some(state.time);
    outcome.last_event_id = Some(state.last_event_id);
    outcome.comments = Some(state.comments);
    Ok(outcome)
}

// ---- shared by several wrong ones ----

const KIB: usize = 1 << 10;

fn value_of(field: &str, name: &str, value: &str, change: impl Fn(&str) -> String) -> String {
    if name == field { change(value) } else { value.to_string() }
}

fn change(text: &mut String, change: impl Fn(&str) -> String) -> bool {
    *text = change(text);
    true
}

/// Splits lines that are longer, as a reader does whose line buffer is full.
fn lines_of_at_most(text: &str, most: usize) -> Vec<&str> {
    let mut split = Vec::new();
    for mut line in lines(text) {
        while line.len() > most {
            let (start, rest) = split_at(line, most);
            split.push(start);
            line = rest;
        }
        split.push(line);
    }
    split
}

/// Adds a comment that is changed, and keeps its space otherwise.
fn comment(state: &mut State, rest: &str, change: fn(&str) -> &str) {
    state.comments.push(change(rest).to_string());
}

fn is_digits(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads the digits by way of another type.
fn through<T: std::str::FromStr>(value: &str, time: impl FnOnce(T) -> u64) -> Option<u64> {
    is_digits(value).then(|| value.parse().ok().map(time))?
}

fn each_chunk(chunks: &mut [Vec<u8>], change: impl Fn(&[u8]) -> Vec<u8>) {
    chunks.iter_mut().for_each(|chunk| *chunk = change(chunk));
}

/// Decodes, with a replacement for each maximal invalid part.
fn decode_invalid(bytes: &[u8], replace: fn(&[u8]) -> String) -> String {
    bytes.utf8_chunks().map(|chunk| chunk.valid().to_string() + &replace(chunk.invalid())).collect()
}

fn lf_lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines.pop();
    lines
}

fn crlf_or_lf_lines(text: &str) -> Vec<&str> {
    lf_lines(text).into_iter().map(|line| line.strip_suffix('\r').unwrap_or(line)).collect()
}

/// Splits at the line end that comes first.
fn lines_of_one_kind(text: &str) -> Vec<&str> {
    let end = match text.find(['\r', '\n']) {
        Some(at) if text[at..].starts_with("\r\n") => "\r\n",
        Some(at) if text[at..].starts_with('\r') => "\r",
        _ => "\n",
    };
    let mut lines: Vec<&str> = text.split(end).collect();
    lines.pop();
    lines
}

/// Wrong parsers, with their names.
pub static WRONG: &[(&str, Rules)] = &[
    // The end of the stream
    ("dispatches at the end", Rules { end: State::blank_line, ..RIGHT }),
    ("ends the last line at the end", Rules { text: |text| text + "\n", ..RIGHT }),
    // A stream that ends in CR shows it: the byte that would release the event never comes.
    (
        "holds CR back until the next byte",
        Rules { text: |text| text.strip_suffix('\r').map(str::to_string).unwrap_or(text), ..RIGHT },
    ),
    // Byte order marks
    ("keeps the BOM", Rules { bom: |stream| stream, ..RIGHT }),
    ("drops every BOM", Rules { text: |text| text.replace(BOM, ""), ..RIGHT }),
    ("drops two BOMs", Rules { bom: |stream| without_bom(without_bom(stream)), ..RIGHT }),
    ("drops the BOM of every line", Rules { line: |line| line.strip_prefix(BOM).unwrap_or(line), ..RIGHT }),
    (
        "drops the BOM of every chunk",
        Rules { chunks: |chunks| each_chunk(chunks, |chunk| without_bom(chunk).to_vec()), ..RIGHT },
    ),
    (
        "drops a BOM that is whole in the first chunk alone",
        Rules {
            chunks: |chunks| {
                let first = chunks.iter_mut().find(|chunk| !chunk.is_empty());
                first.into_iter().for_each(|chunk| *chunk = without_bom(chunk).to_vec());
            },
            bom: |stream| stream,
            ..RIGHT
        },
    ),
    // Line ends
    ("splits at U+2028", Rules { text: |text| text.replace('\u{2028}', "\n"), ..RIGHT }),
    ("splits at a form feed", Rules { text: |text| text.replace('\u{c}', "\n"), ..RIGHT }),
    ("splits as Python does", Rules { text: |text| text.replace(is_other_line_end, "\n"), ..RIGHT }),
    ("splits at VT", Rules { text: |text| text.replace('\u{b}', "\n"), ..RIGHT }),
    ("splits at NEL", Rules { text: |text| text.replace('\u{85}', "\n"), ..RIGHT }),
    ("splits at NUL", Rules { text: |text| text.replace('\0', "\n"), ..RIGHT }),
    ("splits at LF alone", Rules { lines: lf_lines, ..RIGHT }),
    ("takes CR for a part of the line", Rules { lines: crlf_or_lf_lines, ..RIGHT }),
    ("takes CRLF for two line ends", Rules { text: |text| text.replace("\r\n", "\n\n"), ..RIGHT }),
    ("takes LF CR for one line end", Rules { text: |text| text.replace("\n\r", "\n"), ..RIGHT }),
    ("takes the first line end for that of all lines", Rules { lines: lines_of_one_kind, ..RIGHT }),
    // Chunks
    (
        "has a blank line between CR and LF of two chunks",
        Rules {
            chunks: |chunks| {
                for i in 1..chunks.len() {
                    if chunks[i - 1].ends_with(b"\r") && chunks[i].starts_with(b"\n") {
                        chunks[i].insert(0, b'\n');
                    }
                }
            },
            ..RIGHT
        },
    ),
    ("decodes each chunk", Rules { chunks: |chunks| each_chunk(chunks, |chunk| lossy(chunk).into_bytes()), ..RIGHT }),
    (
        "stops at an empty chunk",
        Rules {
            chunks: |chunks| chunks.truncate(chunks.iter().position(Vec::is_empty).unwrap_or(chunks.len())),
            ..RIGHT
        },
    ),
    (
        "ends the line with the chunk",
        Rules {
            chunks: |chunks| {
                each_chunk(chunks, |chunk| match chunk {
                    [.., b'\r' | b'\n'] => chunk.to_vec(),
                    _ => [chunk, b"\n"].concat(),
                });
            },
            ..RIGHT
        },
    ),
    // Text
    ("drops invalid bytes", Rules { decode: |bytes| decode_invalid(bytes, |_| String::new()), ..RIGHT }),
    (
        "replaces each invalid byte",
        Rules { decode: |bytes| decode_invalid(bytes, |bytes| "\u{fffd}".repeat(bytes.len())), ..RIGHT },
    ),
    (
        "takes invalid bytes for Latin-1",
        Rules {
            decode: |bytes| decode_invalid(bytes, |bytes| bytes.iter().map(|&b| char::from(b)).collect()),
            ..RIGHT
        },
    ),
    ("drops characters beyond the BMP", Rules { text: |text| without(&text, is_beyond_bmp), ..RIGHT }),
    ("drops U+FFFD", Rules { text: |text| text.replace('\u{fffd}', ""), ..RIGHT }),
    ("drops noncharacters", Rules { text: |text| without(&text, is_noncharacter), ..RIGHT }),
    (
        "drops characters that do not show",
        Rules { text: |text| without(&text, |c| c != BOM && is_invisible(c)), ..RIGHT },
    ),
    ("drops NUL", Rules { text: |text| text.replace('\0', ""), ..RIGHT }),
    ("replaces NUL with U+FFFD", Rules { text: |text| text.replace('\0', "\u{fffd}"), ..RIGHT }),
    ("drops NUL of data", Rules { event: |event| change(&mut event.data, |data| data.replace('\0', "")), ..RIGHT }),
    (
        "ends data at NUL",
        Rules { event: |event| change(&mut event.data, |data| data.split('\0').next().unwrap().to_string()), ..RIGHT },
    ),
    (
        "drops other control characters",
        Rules {
            text: |text| without(&text, |c| c.is_ascii_control() && !matches!(c, '\0' | '\t' | '\r' | '\n')),
            ..RIGHT
        },
    ),
    (
        "drops C1 control characters",
        Rules { text: |text| without(&text, |c| !c.is_ascii() && c.is_control()), ..RIGHT },
    ),
    ("ends the stream at SUB", Rules { text: |text| text.split('\u{1a}').next().unwrap().to_string(), ..RIGHT }),
    ("normalizes", Rules { text: |text| normalized(&text), ..RIGHT }),
    ("unescapes", Rules { value: |_, value| value.replace("\\n", "\n").replace("&amp;", "&"), ..RIGHT }),
    (
        "decodes percent signs of IDs",
        Rules { value: |name, value| value_of("id", name, value, |id| id.replace("%41", "A")), ..RIGHT },
    ),
    // Lines
    ("trims lines", Rules { line: |line| line.trim_start(), ..RIGHT }),
    ("trims blanks off a line", Rules { line: |line| line.trim_end_matches([' ', '\t']), ..RIGHT }),
    ("cuts lines at 4 KiB", Rules { line: |line| first_bytes(line, 4 * KIB), ..RIGHT }),
    ("cuts lines at 64 KiB", Rules { line: |line| first_bytes(line, 64 * KIB), ..RIGHT }),
    ("cuts lines at 1 MiB", Rules { line: |line| first_bytes(line, KIB * KIB), ..RIGHT }),
    ("cuts lines at 16 KiB", Rules { line: |line| first_bytes(line, 16 * KIB), ..RIGHT }),
    ("splits lines at 64 KiB", Rules { lines: |text| lines_of_at_most(text, 64 * KIB), ..RIGHT }),
    ("splits lines at 65535 bytes", Rules { lines: |text| lines_of_at_most(text, 64 * KIB - 1), ..RIGHT }),
    ("drops lines of more than 64 KiB", Rules { line: |line| if line.len() > 64 * KIB { "x" } else { line }, ..RIGHT }),
    ("takes at most 65535 lines", Rules { lines: |text| lines(text).into_iter().take(65_535).collect(), ..RIGHT }),
    // Fields
    ("trims values", Rules { value: |_, value| value.trim().to_string(), ..RIGHT }),
    ("trims tabs", Rules { value: |_, value| value.trim_matches('\t').to_string(), ..RIGHT }),
    ("strips all spaces", Rules { value: |_, value| value.trim_start_matches(' ').to_string(), ..RIGHT }),
    ("strips a tab", Rules { value: |_, value| value.strip_prefix('\t').unwrap_or(value).to_string(), ..RIGHT }),
    ("strips spaces at the end", Rules { value: |_, value| value.trim_end_matches(' ').to_string(), ..RIGHT }),
    ("keeps the space", Rules { split: |line| Some(name_and_value(line)), ..RIGHT }),
    ("needs the space", Rules { split: |line| line.split_once(": "), ..RIGHT }),
    (
        "splits at the last colon",
        Rules {
            split: |line| {
                let (name, value) = line.rsplit_once(':').unwrap_or((line, ""));
                Some((name, value.strip_prefix(' ').unwrap_or(value)))
            },
            ..RIGHT
        },
    ),
    ("needs a colon", Rules { split: |line| split(line).filter(|_| line.contains(':')), ..RIGHT }),
    (
        "takes a name of any case",
        Rules { field: |state, name, value| state.field(&name.to_ascii_lowercase(), value), ..RIGHT },
    ),
    ("trims names", Rules { split: |line| split(line).map(|(name, value)| (name.trim(), value)), ..RIGHT }),
    (
        "takes the start of a name",
        Rules { field: |state, name, value| state.field(first_bytes(name, 4), value), ..RIGHT },
    ),
    // Data
    (
        "joins data without LF",
        Rules {
            field: |state, name, value| match (name, &mut state.data) {
                ("data", Some(data)) => data.push_str(value),
                _ => state.field(name, value),
            },
            ..RIGHT
        },
    ),
    (
        "takes the last data line alone",
        Rules {
            field: |state, name, value| {
                state.data.take_if(|_| name == "data");
                state.field(name, value);
            },
            ..RIGHT
        },
    ),
    (
        "trims LF of data",
        Rules { event: |event| change(&mut event.data, |data| data.trim_end_matches('\n').into()), ..RIGHT },
    ),
    ("trims data", Rules { event: |event| change(&mut event.data, |data| data.trim().into()), ..RIGHT }),
    ("drops empty data", Rules { event: |event| !event.data.is_empty(), ..RIGHT }),
    ("drops an event whose data is 0", Rules { event: |event| event.data != "0", ..RIGHT }),
    ("drops [DONE]", Rules { event: |event| event.data != "[DONE]", ..RIGHT }),
    ("drops null", Rules { event: |event| event.data != "null", ..RIGHT }),
    (
        "lets go of empty data lines",
        Rules {
            field: |state, name, value| {
                if name != "data" || !value.is_empty() || state.data.is_none() {
                    state.field(name, value);
                }
            },
            ..RIGHT
        },
    ),
    (
        "cuts data at 1000 characters",
        Rules { event: |event| change(&mut event.data, |data| first_chars(data, 1000)), ..RIGHT },
    ),
    (
        "cuts data at 64 KiB",
        Rules { event: |event| change(&mut event.data, |data| first_bytes(data, 64 * KIB).into()), ..RIGHT },
    ),
    (
        "cuts data at 1 MiB",
        Rules { event: |event| change(&mut event.data, |data| first_bytes(data, KIB * KIB).into()), ..RIGHT },
    ),
    // Event types
    (
        "keeps the event type",
        Rules {
            blank_line: |state| {
                let event_type = state.event_type.clone();
                state.blank_line();
                state.event_type = event_type;
            },
            ..RIGHT
        },
    ),
    (
        "keeps the event type of a block without data",
        Rules {
            blank_line: |state| {
                let event_type = state.event_type.clone();
                let is_event = state.data.is_some();
                state.blank_line();
                state.event_type = if is_event { String::new() } else { event_type };
            },
            ..RIGHT
        },
    ),
    (
        "keeps an event type that an empty one resets",
        Rules {
            field: |state, name, value| match (name, value) {
                ("event", "") => {}
                _ => state.field(name, value),
            },
            ..RIGHT
        },
    ),
    (
        "dispatches an event type without data",
        Rules {
            blank_line: |state| {
                state.data = state.data.take().or(Some(String::new()).filter(|_| !state.event_type.is_empty()));
                state.blank_line();
            },
            ..RIGHT
        },
    ),
    (
        "trims event types",
        Rules { value: |name, value| value_of("event", name, value, |value| value.trim().into()), ..RIGHT },
    ),
    (
        "lower-cases event types",
        Rules { value: |name, value| value_of("event", name, value, str::to_lowercase), ..RIGHT },
    ),
    (
        "cuts event types at 64 characters",
        Rules { event: |event| change(&mut event.event, |text| first_chars(text, 64)), ..RIGHT },
    ),
    (
        "cuts event types at 64 KiB",
        Rules { event: |event| change(&mut event.event, |text| first_bytes(text, 64 * KIB).into()), ..RIGHT },
    ),
    ("drops pings", Rules { event: |event| event.event != "ping", ..RIGHT }),
    ("takes `error` for its own", Rules { event: |event| event.event != "error", ..RIGHT }),
    ("takes `open` for its own", Rules { event: |event| event.event != "open", ..RIGHT }),
    // IDs
    (
        "forgets the last event ID",
        Rules {
            blank_line: |state| {
                state.blank_line();
                state.id.clear();
            },
            ..RIGHT
        },
    ),
    (
        "takes an ID with NUL",
        Rules {
            field: |state, name, value| match name {
                "id" => state.id = value.to_string(),
                _ => state.field(name, value),
            },
            ..RIGHT
        },
    ),
    (
        "clears the ID at one with NUL",
        Rules {
            field: |state, name, value| match name {
                "id" if value.contains('\0') => state.id.clear(),
                _ => state.field(name, value),
            },
            ..RIGHT
        },
    ),
    (
        "commits an ID at its line",
        Rules {
            field: |state, name, value| {
                state.field(name, value);
                if name == "id" {
                    state.last_event_id.clone_from(&state.id);
                }
            },
            ..RIGHT
        },
    ),
    (
        "ignores an empty ID",
        Rules {
            field: |state, name, value| match (name, value) {
                ("id", "") => {}
                _ => state.field(name, value),
            },
            ..RIGHT
        },
    ),
    (
        "ignores the ID 0",
        Rules {
            field: |state, name, value| match (name, value) {
                ("id", "0") => {}
                _ => state.field(name, value),
            },
            ..RIGHT
        },
    ),
    ("ignores the ID that it starts with", Rules { start: |_, _| (), ..RIGHT }),
    (
        "takes a block without data for none",
        Rules {
            blank_line: |state| {
                let (committed, is_event) = (state.last_event_id.clone(), state.data.is_some());
                state.blank_line();
                if !is_event {
                    state.last_event_id = committed;
                }
            },
            ..RIGHT
        },
    ),
    ("trims IDs", Rules { value: |name, value| value_of("id", name, value, |value| value.trim().into()), ..RIGHT }),
    ("lower-cases IDs", Rules { value: |name, value| value_of("id", name, value, str::to_lowercase), ..RIGHT }),
    (
        "takes IDs for numbers",
        Rules {
            value: |name, value| {
                value_of("id", name, value, |value| value.parse().map_or(value.to_string(), |id: i64| id.to_string()))
            },
            ..RIGHT
        },
    ),
    (
        "drops control characters of IDs",
        Rules {
            value: |name, value| {
                value_of("id", name, value, |value| without(value, |c| c != '\0' && c.is_ascii_control()))
            },
            ..RIGHT
        },
    ),
    (
        "takes visible ASCII alone in IDs",
        Rules { value: |name, value| value_of("id", name, value, |value| without(value, |c| !c.is_ascii())), ..RIGHT },
    ),
    (
        "cuts IDs at 255 bytes",
        Rules { value: |name, value| value_of("id", name, value, |value| first_bytes(value, 255).into()), ..RIGHT },
    ),
    (
        "cuts IDs at 64 KiB",
        Rules {
            value: |name, value| value_of("id", name, value, |value| first_bytes(value, 64 * KIB).into()),
            ..RIGHT
        },
    ),
    // Reconnection times
    (
        "takes a `retry` that begins with digits",
        Rules { retry: |value| retry(number_prefix(value.trim_start())), ..RIGHT },
    ),
    ("takes a `retry` with a sign", Rules { retry: |value| value.parse().ok(), ..RIGHT }),
    ("trims `retry`", Rules { retry: |value| retry(value.trim()), ..RIGHT }),
    (
        "takes `retry` in digits of any script",
        Rules {
            retry: |value| {
                let number = value.chars().try_fold(0, |number: u64, c| {
                    let digit = c.to_digit(10).or("०१२३४५६७८९".chars().position(|d| d == c).map(|d| d as u32))?;
                    number.checked_mul(10)?.checked_add(digit.into())
                });
                number.filter(|_| !value.is_empty())
            },
            ..RIGHT
        },
    ),
    (
        "takes a `retry` that is a float",
        Rules { retry: |value| retry(value).or(value.parse().ok().map(|time: f64| time as u64)), ..RIGHT },
    ),
    (
        "takes a hexadecimal `retry`",
        Rules {
            retry: |value| value.strip_prefix("0x").map_or(retry(value), |digits| u64::from_str_radix(digits, 16).ok()),
            ..RIGHT
        },
    ),
    ("takes a `retry` in JSON", Rules { retry: |value| retry(value.trim_matches('"')), ..RIGHT }),
    (
        "takes an empty `retry` for zero",
        Rules { retry: |value| retry(value).or(value.is_empty().then_some(0)), ..RIGHT },
    ),
    ("reads `retry` through f64", Rules { retry: |value| through(value, |time: f64| time as u64), ..RIGHT }),
    ("reads `retry` through f32", Rules { retry: |value| through(value, |time: f32| time as u64), ..RIGHT }),
    ("reads `retry` through i64", Rules { retry: |value| through(value, |time: i64| time as u64), ..RIGHT }),
    ("reads `retry` through u32", Rules { retry: |value| through(value, |time: u32| time.into()), ..RIGHT }),
    ("reads `retry` through i32", Rules { retry: |value| through(value, |time: i32| time as u64), ..RIGHT }),
    ("reads `retry` through u16", Rules { retry: |value| through(value, |time: u16| time.into()), ..RIGHT }),
    ("wraps `retry` at 32 bits", Rules { retry: |value| retry(value).map(|time| u64::from(time as u32)), ..RIGHT }),
    ("caps `retry` at i32::MAX", Rules { retry: |value| retry(value).map(|time| time.min(i32::MAX as u64)), ..RIGHT }),
    ("caps `retry` at i64::MAX", Rules { retry: |value| retry(value).map(|time| time.min(i64::MAX as u64)), ..RIGHT }),
    ("caps `retry` at a day", Rules { retry: |value| retry(value).map(|time| time.min(86_400_000)), ..RIGHT }),
    ("takes at least a second for `retry`", Rules { retry: |value| retry(value).map(|time| time.max(1000)), ..RIGHT }),
    ("ignores a `retry` of zero", Rules { retry: |value| retry(value).filter(|&time| time != 0), ..RIGHT }),
    ("takes at most 19 digits of `retry`", Rules { retry: |value| retry(value).filter(|_| value.len() < 20), ..RIGHT }),
    (
        "takes the `retry` of events alone",
        Rules {
            blank_line: |state| {
                match state.data {
                    Some(_) => state.time_before = state.time,
                    None => state.time = state.time_before,
                }
                state.blank_line();
            },
            end: |state| state.time = state.time_before,
            ..RIGHT
        },
    ),
    (
        "takes `retry` at the blank line",
        Rules {
            blank_line: |state| {
                state.time_before = state.time;
                state.blank_line();
            },
            end: |state| state.time = state.time_before,
            ..RIGHT
        },
    ),
    // Comments
    (
        "ends the event at a comment",
        Rules {
            comment: |state, rest| {
                state.comment(rest);
                state.blank_line();
            },
            ..RIGHT
        },
    ),
    ("loses comments", Rules { comment: |_, _| (), ..RIGHT }),
    (
        "loses empty comments",
        Rules {
            comment: |state, rest| {
                if !rest.is_empty() {
                    state.comment(rest);
                }
            },
            ..RIGHT
        },
    ),
    ("trims comments", Rules { comment: |state, rest| comment(state, rest, str::trim), ..RIGHT }),
    (
        "trims all leading blanks of comments",
        Rules { comment: |state, rest| comment(state, rest, str::trim_start), ..RIGHT },
    ),
    (
        "trims all leading spaces of comments",
        Rules { comment: |state, rest| comment(state, rest, |rest| rest.trim_start_matches(' ')), ..RIGHT },
    ),
    (
        "trims a leading tab of comments",
        Rules { comment: |state, rest| state.comment(rest.strip_prefix('\t').unwrap_or(rest)), ..RIGHT },
    ),
    ("trims trailing blanks of comments", Rules { comment: |state, rest| state.comment(rest.trim_end()), ..RIGHT }),
    (
        "trims two spaces of comments",
        Rules { comment: |state, rest| state.comment(rest.strip_prefix(' ').unwrap_or(rest)), ..RIGHT },
    ),
    ("keeps the space of comments", Rules { comment: |state, rest| comment(state, rest, |rest| rest), ..RIGHT }),
    (
        "trims all colons of comments",
        Rules { comment: |state, rest| state.comment(rest.trim_start_matches(':')), ..RIGHT },
    ),
    ("lower-cases comments", Rules { comment: |state, rest| state.comment(&rest.to_lowercase()), ..RIGHT }),
    ("ends comments at NUL", Rules { comment: |state, rest| state.comment(rest.split('\0').next().unwrap()), ..RIGHT }),
    ("cuts comments at 64 KiB", Rules { comment: |state, rest| state.comment(first_bytes(rest, 64 * KIB)), ..RIGHT }),
    (
        "joins comments in a row",
        Rules {
            comment: |state, rest| match state.comments.last_mut() {
                Some(comment) => *comment += rest,
                None => state.comment(rest),
            },
            ..RIGHT
        },
    ),
];
