//! Line by line, with a limit on the bytes of an event on the wire: for an SDK or a relay that passes the raw bytes on,
//! and rejects an event by its size, in one pass.
//!
//! SDKs count apart from parsing: rmcp 3.9 looks at each byte of a stream in a limiter before its parser does, ends the
//! stream at the first event that is too large, and its error knows the limit but not the event; rig 0.44 counts
//! the bytes after the last event in a second state machine (0.46 in its parser), for diagnostics, with no limit. Here the
//! size is the number of bytes that the tokenizer has used, so it costs an addition for each line, and the event after one
//! that is too large is delivered.
//!
//! Copies nothing, allocates nothing: 32 bytes of state. It does no I/O, so there is nothing to cancel.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;
use std::{mem, thread};

use ssewire::tokenizer::{Piece, Token, Tokenizer};
use ssewire::{Field, Parser};
use ssewire_wrappers::{Message, assert_all, axum_server};

/// Most of the thousand events are smaller.
const LIMIT: u64 = 4096;

const TIMEOUT: Duration = Duration::from_secs(5);

/// An event takes more bytes than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event at byte {position} of the stream takes {size} bytes, the limit is {limit}")]
struct EventTooLarge {
    /// The place in the stream where the event begins.
    position: u64,
    /// All that it took: its lines with names, colons, comments and line ends, without the blank line.
    size: u64,
    limit: u64,
}

/// Some bytes of the stream and what they are. One after the other the spans are the whole stream.
struct Span<'i> {
    raw: &'i [u8],
    /// `None` for the beginning of a line whose kind is not known yet, and within an event that is too large; at the end of
    /// that event the error.
    token: Result<Option<Token<'i>>, EventTooLarge>,
}

/// Splits a stream into spans, with a limit for each event.
#[derive(Default)]
struct Lines {
    tokenizer: Tokenizer,
    limit: u64,
    position: u64,
    event_start: u64,
    after_cr: bool,
}

impl Lines {
    fn new(limit: u64) -> Self {
        Lines { limit, ..Lines::default() }
    }

    /// Bytes of the event that has not ended: ask after each chunk whether to hang up on one that never does.
    fn pending(&self) -> u64 {
        self.position - self.event_start
    }

    /// The next span, taken off the front of `input`; `None` when that is empty. Once an event is beyond the limit its
    /// tokens are withheld, so a caller that collects them never has more than the limit.
    fn next<'i>(&mut self, input: &mut &'i [u8]) -> Option<Span<'i>> {
        let whole = *input;
        let token = self.tokenizer.next(input);
        let raw = &whole[..whole.len() - input.len()];
        // The LF of a CRLF that was split after a blank line belongs to that line, not to the next event.
        self.event_start += u64::from(self.pending() == 0 && self.after_cr && raw.first() == Some(&b'\n'));
        if let Some(last) = raw.last() {
            self.after_cr = *last == b'\r';
        } else {
            // A line that began in an earlier input turns out to be unknown: a token without bytes of this input.
            token?;
        }
        self.position += raw.len() as u64;
        let at_end = token == Some(Token::EndOfEvent);
        let blank_line = if raw.ends_with(b"\r\n") { 2 } else { 1 };
        let (position, size) = (self.event_start, self.pending() - if at_end { blank_line } else { 0 });
        if at_end {
            self.event_start = self.position;
        }
        let token = match token {
            token if size <= self.limit => Ok(token),
            Some(Token::EndOfEvent) => Err(EventTooLarge { position, size, limit: self.limit }),
            _ => Ok(None),
        };
        Some(Span { raw, token })
    }
}

/// The part of an unfinished event that an SDK keeps.
#[derive(Default)]
struct Block {
    event_type: Vec<u8>,
    id: Vec<u8>,
    /// Each line with an LF after it.
    data: Vec<u8>,
    retry: Option<u64>,
    retry_line: Vec<u8>,
}

impl Block {
    fn add(&mut self, field: Field, piece: Piece<'_>) {
        let value = match field {
            Field::Event => &mut self.event_type,
            Field::Id => &mut self.id,
            Field::Data => &mut self.data,
            Field::Retry => &mut self.retry_line,
        };
        if piece.first && field != Field::Data {
            value.clear();
        }
        value.extend_from_slice(piece.bytes);
        match field {
            Field::Data if piece.last => value.push(b'\n'),
            Field::Retry if piece.last => self.retry = milliseconds(&self.retry_line).or(self.retry),
            _ => {}
        }
    }

    /// The message, of a server that gives each its own ID, and sends text.
    fn message(self) -> Option<Message> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some(Message {
            event_type: text(if self.event_type.is_empty() { b"message" } else { &self.event_type }),
            id: text(&self.id),
            data: text(self.data.strip_suffix(b"\n")?),
            retry: self.retry,
        })
    }
}

/// The value of a `retry` line, if it is one: digits and nothing else. `parse` alone would take `+5` as well.
fn milliseconds(value: &[u8]) -> Option<u64> {
    value.iter().all(u8::is_ascii_digit).then_some(str::from_utf8(value).ok()?.parse().ok()?)
}

/// All that was found in a stream.
#[derive(Debug, Default, PartialEq)]
struct Found {
    messages: Vec<Message>,
    too_large: Vec<EventTooLarge>,
    raw: Vec<u8>,
}

/// Reads `source` through a buffer of `chunk` bytes to its end.
fn read(mut source: impl Read, chunk: usize) -> io::Result<Found> {
    let (mut lines, mut block, mut found) = (Lines::new(LIMIT), Block::default(), Found::default());
    let mut buf = vec![0; chunk];
    loop {
        let n = source.read(&mut buf)?;
        if n == 0 {
            return Ok(found);
        }
        let mut input = &buf[..n];
        while let Some(span) = lines.next(&mut input) {
            found.raw.extend_from_slice(span.raw);
            match span.token {
                Ok(Some(Token::Field(field, piece))) => block.add(field, piece),
                Ok(Some(Token::EndOfEvent)) => found.messages.extend(mem::take(&mut block).message()),
                Ok(_) => {}
                Err(error) => {
                    found.too_large.push(error);
                    block = Block::default();
                }
            }
        }
    }
}

/// A server that never ends its event, as long as somebody listens.
fn endless_server() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        let (mut connection, _) = listener.accept()?;
        loop {
            connection.write_all(b"data: and so on\n")?;
        }
        #[allow(unreachable_code, reason = "names the closure's type")]
        io::Result::Ok(())
    });
    Ok(address)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    assert_eq!(size_of::<Lines>(), 32);
    let runtime = tokio::runtime::Runtime::new()?;
    let mut connection = TcpStream::connect(runtime.block_on(axum_server())?)?;
    connection.set_read_timeout(Some(TIMEOUT))?;
    // HTTP/1.0: no chunked transfer coding, so what follows the head is the event stream itself.
    connection.write_all(b"GET /events HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n")?;
    let mut body = BufReader::new(connection);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        body.read_line(&mut line)?;
    }
    let found = read(body, 4096)?;

    // The error has the exact place of the event: the bytes there in the raw stream are the missing message.
    let mut all = found.messages.clone();
    for error in &found.too_large {
        let start = error.position as usize;
        let block = &found.raw[start..start + error.size as usize];
        assert!(block.len() as u64 > LIMIT && error.limit == LIMIT);
        let mut buffer = vec![0; block.len()];
        let mut parser = Parser::with_buffer(&mut buffer);
        assert_eq!(parser.next(&mut &block[..])?, None);
        let event = parser.take_unfinished()?.ok_or("an event")?;
        all.push(event.text()?.into());
    }
    all.sort_by_key(|message| message.id.parse::<u32>().ok());
    assert_all(&all);
    assert!(!found.too_large.is_empty() && found.messages.len() > 900);

    // The same for every split, and every kind of line end.
    for line_end in ["\n", "\r", "\r\n"] {
        let raw = String::from_utf8(found.raw.clone())?.replace('\n', line_end).into_bytes();
        let whole = read(&raw[..], raw.len())?;
        assert_eq!((&whole.messages, &whole.raw), (&found.messages, &raw));
        for chunk in [1, 2, 3, 1460] {
            assert_eq!(read(&raw[..], chunk)?, whole);
        }
    }

    // A caller that must not wait for the end of an event hangs up.
    let mut connection = TcpStream::connect(endless_server()?)?;
    connection.set_read_timeout(Some(TIMEOUT))?;
    let (mut lines, mut buf) = (Lines::new(LIMIT), [0; 512]);
    while lines.pending() <= LIMIT {
        let n = connection.read(&mut buf)?;
        let mut input = &buf[..n];
        while lines.next(&mut input).is_some() {}
    }
    assert!(lines.pending() <= LIMIT + buf.len() as u64);

    let largest = found.too_large.iter().map(|error| error.size).max().unwrap_or_default();
    println!("{} events in, {} rejected (largest: {largest} bytes)", found.messages.len(), found.too_large.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(found: &Found) -> Vec<&str> {
        found.messages.iter().map(|message| message.data.as_str()).collect()
    }

    #[test]
    fn an_event_that_is_too_large_is_reported_once_and_the_rest_of_the_chunk_is_read() {
        let large = "x".repeat(LIMIT as usize);
        let wire = format!("data: {large}\n\ndata: a\n\ndata: bc\n\ndata: d\n\n");
        let found = read(wire.as_bytes(), wire.len()).unwrap();
        assert_eq!(found.too_large, [EventTooLarge { position: 0, size: LIMIT + 7, limit: LIMIT }]);
        assert_eq!(data(&found), ["a", "bc", "d"]);
    }

    #[test]
    fn unknown_lines_are_in_the_raw_bytes_for_every_cut() {
        let wire = "dat\n{\"error\":1}\ndatum: x\ndata: a\n\ndat: x\r\ndata: bc\n\n data: y\ndata: d\n\n";
        for chunk in 1..=wire.len() {
            let found = read(wire.as_bytes(), chunk).unwrap();
            assert_eq!((data(&found), &found.raw[..]), (vec!["a", "bc", "d"], wire.as_bytes()), "chunks of {chunk}");
        }
    }

    #[test]
    fn a_reconnection_time_is_digits_alone() {
        let wire = "retry: +5\ndata: a\n\nretry: 5\nretry: x\ndata: bc\n\nretry\ndata: d\n\n";
        let retry = |chunk| read(wire.as_bytes(), chunk).unwrap().messages.into_iter().map(|message| message.retry);
        for chunk in 1..=wire.len() {
            assert!(retry(chunk).eq([None, Some(5), None]), "chunks of {chunk}");
        }
    }
}
