//! From bytes to printed events.

use std::io::{self, ErrorKind, Read, StdoutLock};
use std::time::Duration;

use ssewire::{GrowableBuffer, Item, Parser, Piece};

use crate::print::Printer;
use crate::{Failure, Options};

/// The standard leaves the reconnection time before the first `retry` to the client: "in the region of a few seconds".
const RECONNECTION_TIME: Duration = Duration::from_secs(3);

const READ_SIZE: usize = 64 * 1024;

pub struct Stream {
    parser: Parser<GrowableBuffer>,
    comments: Option<Comment>,
    printer: Printer<StdoutLock<'static>>,
    buffer: Vec<u8>,
}

impl Stream {
    pub fn new(options: &Options) -> Result<Stream, Failure> {
        let mut parser = Parser::with_limit(options.capacity);
        if let Some(id) = &options.last_event_id {
            parser
                .set_last_event_id(id.as_bytes())
                .map_err(|error| Failure::new(format_args!("--last-event-id: {error}")))?;
        }
        let comments = options.comments.then(|| Comment::new(options.capacity));
        Ok(Stream { parser, comments, printer: Printer::stdout(options.json), buffer: vec![0; READ_SIZE] })
    }

    /// Prints what is read, in chunks of at most `chunk` bytes, until `source` ends or fails: that is the inner result.
    pub fn follow(&mut self, source: &mut dyn Read, chunk: usize) -> Result<io::Result<()>, Failure> {
        loop {
            let len = match source.read(&mut self.buffer) {
                Ok(0) => return Ok(Ok(())),
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Ok(Err(error)),
            };
            for mut input in self.buffer[..len].chunks(chunk) {
                while print_next(&mut self.parser, &mut self.comments, &mut self.printer, &mut input)? {}
            }
            // The next read may block for hours.
            self.printer.flush()?;
        }
    }

    /// After the last byte: what a client would reconnect with.
    pub fn end(&mut self) -> Result<(), Failure> {
        let last_event_id = self.parser.last_event_id().unwrap_or_default();
        self.printer.end(self.parser.reconnection_time_ms(), last_event_id)?;
        Ok(self.printer.flush()?)
    }

    /// Makes ready for the next connection.
    pub fn reset(&mut self) {
        self.parser.reset();
        if let Some(comment) = &mut self.comments {
            comment.clear();
        }
    }

    pub fn last_event_id(&self) -> &[u8] {
        self.parser.last_event_id().unwrap_or_default()
    }

    pub fn reconnection_time(&self) -> Duration {
        self.parser.reconnection_time_ms().map_or(RECONNECTION_TIME, Duration::from_millis)
    }
}

/// Prints the next thing in `input`; false when there is none.
fn print_next(
    parser: &mut Parser<GrowableBuffer>,
    comments: &mut Option<Comment>,
    printer: &mut Printer<StdoutLock<'_>>,
    input: &mut &[u8],
) -> io::Result<bool> {
    let next = match comments {
        Some(_) => parser.next_item(input),
        None => parser.next(input).map(|event| event.map(Item::Event)),
    };
    match (next, comments) {
        (Ok(None), _) => return Ok(false),
        (Ok(Some(Item::Event(event))), _) => printer.event(&event)?,
        (Ok(Some(Item::Comment(piece))), Some(comment)) => comment.push(piece, printer)?,
        (Ok(Some(_)), _) => {}
        (Err(overflow), _) => printer.overflow(overflow)?,
    }
    Ok(true)
}

/// Joins the pieces of a comment, in bounded memory.
struct Comment {
    text: Vec<u8>,
    limit: usize,
    too_long: bool,
}

impl Comment {
    fn new(limit: usize) -> Comment {
        Comment { text: Vec::new(), limit, too_long: false }
    }

    /// Prints the comment with its last piece. One beyond the limit is reported once, where that shows, and skipped.
    fn push(&mut self, piece: Piece<'_>, printer: &mut Printer<StdoutLock<'_>>) -> io::Result<()> {
        let needed = self.text.len() + piece.bytes.len();
        if !self.too_long && needed > self.limit {
            self.too_long = true;
            self.text.clear();
            printer.comment_too_long(needed, self.limit)?;
        }
        if !self.too_long {
            self.text.extend_from_slice(piece.bytes);
            if piece.last {
                printer.comment(&self.text)?;
            }
        }
        if piece.last {
            self.clear();
        }
        Ok(())
    }

    fn clear(&mut self) {
        self.text.clear();
        self.too_long = false;
    }
}
