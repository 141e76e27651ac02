//! Events on standard output: as JSON lines, or for people.

use std::fmt::{self, Display};
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::str;

use serde::{Serialize, Serializer};
use ssewire::{lossy, Event, Overflow};

pub struct Printer<W: Write> {
    out: BufWriter<W>,
    json: bool,
    colour: bool,
    events: u64,
}

#[derive(Serialize)]
struct EventLine<'a> {
    event: Decoded<'a>,
    data: Decoded<'a>,
    id: Decoded<'a>,
}

#[derive(Serialize)]
struct CommentLine<'a> {
    comment: Decoded<'a>,
}

#[derive(Serialize)]
struct ErrorLine<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    needed: usize,
    capacity: usize,
}

#[derive(Serialize)]
struct EndLine<'a> {
    reconnection_time_ms: Option<u64>,
    last_event_id: Decoded<'a>,
}

/// Text decoded as the standard decodes it.
struct Decoded<'a>(&'a [u8]);

impl Serialize for Decoded<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match str::from_utf8(self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => serializer.collect_str(&lossy(self.0)),
        }
    }
}

impl Printer<StdoutLock<'static>> {
    pub fn stdout(json: bool) -> Self {
        let stdout = io::stdout().lock();
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colour = stdout.is_terminal() && !no_colour;
        Printer { out: BufWriter::with_capacity(64 * 1024, stdout), json, colour, events: 0 }
    }
}

impl<W: Write> Printer<W> {
    pub fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        self.events += 1;
        let (event_type, id, data) = (event.event_type(), event.last_event_id(), event.data());
        if self.json {
            return self.line(&EventLine { event: Decoded(event_type), data: Decoded(data), id: Decoded(id) });
        }
        let event_type = self.paint(BOLD, short(event_type));
        let id = if id.is_empty() { String::new() } else { self.paint(DIM, format_args!(" #{}", short(id))) };
        writeln!(self.out, "{event_type}{id} {}", short(data))
    }

    pub fn comment(&mut self, comment: &[u8]) -> io::Result<()> {
        if self.json {
            return self.line(&CommentLine { comment: Decoded(comment) });
        }
        let comment = self.paint(DIM, format_args!(": {}", short(comment)));
        writeln!(self.out, "{comment}")
    }

    pub fn overflow(&mut self, overflow: Overflow) -> io::Result<()> {
        let Overflow { field, needed, capacity } = overflow;
        self.error_line(&ErrorLine { error: &overflow.to_string(), field: Some(field.name()), needed, capacity })
    }

    pub fn comment_too_long(&mut self, needed: usize, capacity: usize) -> io::Result<()> {
        let error = &format!("comment too long: at least {needed} bytes, the limit is {capacity}");
        self.error_line(&ErrorLine { error, field: None, needed, capacity })
    }

    pub fn end(&mut self, reconnection_time_ms: Option<u64>, last_event_id: &[u8]) -> io::Result<()> {
        if self.json {
            return self.line(&EndLine { reconnection_time_ms, last_event_id: Decoded(last_event_id) });
        }
        let mut end = format!("end: {} event{}", self.events, if self.events == 1 { "" } else { "s" });
        if !last_event_id.is_empty() {
            end += &format!(", last event ID {}", short(last_event_id));
        }
        if let Some(time) = reconnection_time_ms {
            end += &format!(", reconnection time {time} ms");
        }
        let end = self.paint(DIM, end);
        writeln!(self.out, "{end}")
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn error_line(&mut self, line: &ErrorLine<'_>) -> io::Result<()> {
        if self.json {
            return self.line(line);
        }
        let error = self.paint(RED, format_args!("error: {}", line.error));
        writeln!(self.out, "{error}")
    }

    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, line)?;
        self.out.write_all(b"\n")
    }

    fn paint(&self, style: &str, text: impl Display) -> String {
        if self.colour {
            format!("\x1b[{style}m{text}\x1b[0m")
        } else {
            text.to_string()
        }
    }
}

const BOLD: &str = "1;36";
const DIM: &str = "2";
const RED: &str = "31";

/// Two or three lines of a terminal.
const LONGEST: usize = 200;

/// The start of a value of a stream, made printable.
fn short(bytes: &[u8]) -> impl Display + '_ {
    struct Short<'a>(&'a [u8]);

    impl Display for Short<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let mut chars = lossy(self.0).chars();
            f.write_str(&printable(chars.by_ref().take(LONGEST)))?;
            match chars.next() {
                None => Ok(()),
                Some(_) => write!(f, "… ({} bytes)", self.0.len()),
            }
        }
    }

    Short(bytes)
}

/// The text with escapes in place of what could drive a terminal, or turn around the text behind it.
pub fn printable(chars: impl Iterator<Item = char>) -> String {
    let mut text = String::new();
    for c in chars {
        let turns =
            matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
    text
}
