//! Events on standard output: as JSON lines, as data alone, or for people.

use std::fmt::{self, Display};
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::str;

use serde::{Serialize, Serializer};
use ssewire::{Event, GrowableBuffer, Item, Overflow, Parser, Piece, lossy};

use crate::options::{Colour, Output};

pub struct Printer<W: Write> {
    out: BufWriter<W>,
    form: Form,
    colour: bool,
    is_terminal: bool,
    comments: Option<Line>,
    unknown_lines: Option<Line>,
    events: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Json,
    Data,
    People,
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
struct UnknownLine<'a> {
    unknown: Decoded<'a>,
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
    pub fn stdout(options: &Output) -> Self {
        let stdout = io::stdout().lock();
        let is_terminal = stdout.is_terminal();
        Printer::new(stdout, is_terminal, options)
    }
}

impl<W: Write> Printer<W> {
    pub fn new(out: W, is_terminal: bool, options: &Output) -> Self {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Printer {
            out: BufWriter::with_capacity(64 * 1024, out),
            form: match options {
                Output { json: true, .. } => Form::Json,
                Output { data: true, .. } => Form::Data,
                _ => Form::People,
            },
            colour: match options.color {
                Colour::Auto => is_terminal && !no_colour,
                Colour::Always => true,
                Colour::Never => false,
            },
            is_terminal,
            comments: options.comments.then(|| Line::new("comment", options.limit)),
            unknown_lines: options.unknown.then(|| Line::new("line", options.limit)),
            events: 0,
        }
    }

    /// Prints all that `parser` finds in `input`.
    pub fn input(&mut self, parser: &mut Parser<GrowableBuffer>, mut input: &[u8]) -> io::Result<()> {
        if self.comments.is_none() && self.unknown_lines.is_none() {
            while let Some(event) = parser.next(&mut input).transpose() {
                match event {
                    Ok(event) => self.event(&event)?,
                    Err(overflow) => self.overflow(overflow)?,
                }
            }
            return Ok(());
        }
        while let Some(item) = parser.next_item(&mut input).transpose() {
            match item {
                Ok(item) => self.item(item)?,
                Err(overflow) => self.overflow(overflow)?,
            }
        }
        Ok(())
    }

    fn item(&mut self, item: Item<'_>) -> io::Result<()> {
        match item {
            Item::Event(event) => self.event(&event),
            Item::Comment(piece) => {
                let Some(mut line) = self.comments.take() else { return Ok(()) };
                let result = line.push(piece, self, Self::comment);
                self.comments = Some(line);
                result
            }
            Item::Unknown(piece) => {
                let Some(mut line) = self.unknown_lines.take() else { return Ok(()) };
                let result = line.push(piece, self, Self::unknown_line);
                self.unknown_lines = Some(line);
                result
            }
            _ => Ok(()),
        }
    }

    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        self.events += 1;
        let (event_type, id, data) = (event.event_type(), event.last_event_id(), event.data());
        match self.form {
            Form::Json => self.line(&EventLine { event: Decoded(event_type), data: Decoded(data), id: Decoded(id) }),
            Form::Data if self.is_terminal => {
                let text = lossy(data).to_string();
                text.split('\n').try_for_each(|line| writeln!(self.out, "{}", printable(line.chars())))
            }
            Form::Data => {
                self.out.write_all(data)?;
                self.out.write_all(b"\n")
            }
            Form::People => {
                let event_type = self.paint(BOLD, self.value(event_type));
                let id = match id {
                    b"" => String::new(),
                    id => self.paint(DIM, format_args!(" #{}", self.value(id))),
                };
                writeln!(self.out, "{event_type}{id} {}", self.value(data))
            }
        }
    }

    fn comment(&mut self, comment: &[u8]) -> io::Result<()> {
        if self.form == Form::Json {
            return self.line(&CommentLine { comment: Decoded(comment) });
        }
        let comment = self.paint(DIM, format_args!(": {}", self.value(comment)));
        writeln!(self.out, "{comment}")
    }

    fn unknown_line(&mut self, line: &[u8]) -> io::Result<()> {
        if self.form == Form::Json {
            return self.line(&UnknownLine { unknown: Decoded(line) });
        }
        let line = self.paint(RED, format_args!("unknown: {}", self.value(line)));
        writeln!(self.out, "{line}")
    }

    fn overflow(&mut self, overflow: Overflow) -> io::Result<()> {
        let Overflow { field, needed, capacity } = overflow;
        let error = &format!("{overflow} (--limit)");
        self.error_line(&ErrorLine { error, field: Some(field.name()), needed, capacity })
    }

    fn too_long(&mut self, name: &str, needed: usize, capacity: usize) -> io::Result<()> {
        let error = &format!("{name} too long: at least {needed} bytes, the limit is {capacity} (--limit)");
        self.error_line(&ErrorLine { error, field: None, needed, capacity })
    }

    pub fn end(&mut self, reconnection_time_ms: Option<u64>, last_event_id: &[u8]) -> io::Result<()> {
        match self.form {
            Form::Json => return self.line(&EndLine { reconnection_time_ms, last_event_id: Decoded(last_event_id) }),
            Form::Data => return Ok(()),
            Form::People => {}
        }
        let mut end = format!("end: {} event{}", self.events, if self.events == 1 { "" } else { "s" });
        if !last_event_id.is_empty() {
            end += &format!(", last event ID {}", self.value(last_event_id));
        }
        if let Some(time) = reconnection_time_ms {
            end += &format!(", reconnection time {time} ms");
        }
        let end = self.paint(DIM, end);
        writeln!(self.out, "{end}")
    }

    /// Returns the number of events printed.
    pub fn events(&self) -> u64 {
        self.events
    }

    pub fn is_for_programs(&self) -> bool {
        self.form == Form::Json
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn error_line(&mut self, line: &ErrorLine<'_>) -> io::Result<()> {
        match self.form {
            Form::Json => self.line(line),
            // Standard output is for data alone.
            Form::Data => {
                crate::note(line.error);
                Ok(())
            }
            Form::People => {
                let error = self.paint(RED, format_args!("error: {}", line.error));
                writeln!(self.out, "{error}")
            }
        }
    }

    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, line)?;
        self.out.write_all(b"\n")
    }

    fn paint(&self, style: &str, text: impl Display) -> String {
        if self.colour { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_string() }
    }

    /// Returns a value of the stream, made printable; only its start on a terminal.
    fn value<'a>(&self, bytes: &'a [u8]) -> impl Display + use<'a, W> {
        Value { bytes, longest: if self.is_terminal { LONGEST } else { usize::MAX } }
    }
}

const BOLD: &str = "1;36";
const DIM: &str = "2";
const RED: &str = "31";

/// Two or three lines of a terminal.
const LONGEST: usize = 200;

struct Value<'a> {
    bytes: &'a [u8],
    longest: usize,
}

impl Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut chars = lossy(self.bytes).chars();
        f.write_str(&printable(chars.by_ref().take(self.longest)))?;
        match chars.next() {
            None => Ok(()),
            Some(_) => write!(f, "… ({} bytes)", self.bytes.len()),
        }
    }
}

/// Joins the pieces of a line, in bounded memory.
struct Line {
    name: &'static str,
    text: Vec<u8>,
    limit: usize,
    too_long: bool,
}

impl Line {
    fn new(name: &'static str, limit: usize) -> Line {
        Line { name, text: Vec::new(), limit, too_long: false }
    }

    /// Prints the line with its last piece. One above the limit is reported once, where that shows, and skipped.
    fn push<W: Write>(
        &mut self,
        piece: Piece<'_>,
        printer: &mut Printer<W>,
        print: fn(&mut Printer<W>, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        if piece.first {
            self.text.clear();
            self.too_long = false;
        }
        let needed = self.text.len() + piece.bytes.len();
        if !self.too_long && needed > self.limit {
            self.too_long = true;
            self.text = Vec::new();
            printer.too_long(self.name, needed, self.limit)?;
        }
        if !self.too_long {
            self.text.extend_from_slice(piece.bytes);
            if piece.last {
                print(printer, &self.text)?;
            }
        }
        Ok(())
    }
}

/// Returns the text with escapes in place of the characters that could drive a terminal, or turn around the text after them.
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
