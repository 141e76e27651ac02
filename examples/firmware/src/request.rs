//! Reads HTTP requests byte by byte, in the memory of one line.

use heapless::Vec;

/// Longer lines lose their end. The lines that are used here are short.
const LINE: usize = 96;

/// Ticks without a byte after which an unfinished request is dropped: its sender has gone, and the next bytes are not its end.
const PATIENCE: u8 = 5;

#[derive(Clone, Copy)]
pub struct Request {
    pub target: Target,
    pub last_event_id: Option<u32>,
}

#[derive(Clone, Copy)]
pub enum Target {
    Page,
    Events,
    NotFound,
    MethodNotAllowed,
    BadRequest,
}

pub struct Reader {
    line: Vec<u8, LINE>,
    /// Set when its first line has been read.
    request: Option<Request>,
    silence: u8,
}

impl Reader {
    pub const fn new() -> Reader {
        Reader { line: Vec::new(), request: None, silence: 0 }
    }

    /// Takes the next byte. Returns the request that it completes, if it does.
    pub fn push(&mut self, byte: u8) -> Option<Request> {
        self.silence = 0;
        if byte != b'\n' {
            let _ = self.line.push(byte); // full: the end of the line is lost
            return None;
        }
        let line = core::str::from_utf8(&self.line).unwrap_or("\u{fffd}");
        let line = line.strip_suffix('\r').unwrap_or(line);
        let complete = if line.is_empty() {
            self.request.take()
        } else {
            self.request = Some(read_line(self.request, line));
            None
        };
        self.line.clear();
        complete
    }

    pub fn tick(&mut self) {
        self.silence = self.silence.saturating_add(1);
        if self.silence == PATIENCE {
            *self = Reader::new();
        }
    }
}

/// Reads a line of a request. A request line starts a request at any place, because a client may go in the middle of its
/// request. No header line looks like one: it has a colon before its first space.
fn read_line(request: Option<Request>, line: &str) -> Request {
    if let Some(target) = read_request_line(line) {
        return Request { target, last_event_id: None };
    }
    let Some(mut request) = request else {
        return Request { target: Target::BadRequest, last_event_id: None };
    };
    if let Some((name, value)) = line.split_once(':') {
        if name.eq_ignore_ascii_case("last-event-id") {
            // An ID that is not a number comes from another server. It is ignored, because a browser stops on any error status.
            request.last_event_id = value.trim_ascii().parse().ok();
        }
    }
    request
}

fn read_request_line(line: &str) -> Option<Target> {
    // It may follow half a line of a client that has gone.
    let start = line.as_bytes().windows(5).rposition(|bytes| bytes == b"GET /").unwrap_or(0);
    let line = line.get(start..)?;
    let (method, rest) = line.split_once(' ')?;
    let (target, version) = rest.split_once(' ')?;
    if !method.bytes().all(|byte| byte.is_ascii_uppercase()) || !version.starts_with("HTTP/1.") {
        return None;
    }
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    Some(match (method, path) {
        ("GET", "/events") => Target::Events,
        ("GET", "/") => Target::Page,
        (_, "/events" | "/") => Target::MethodNotAllowed,
        _ => Target::NotFound,
    })
}
