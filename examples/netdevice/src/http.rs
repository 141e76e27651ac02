//! Reads the head of a request, in place.

use httparse::{Error, Header, Status};
use ssewire::http::{resume_id, LAST_EVENT_ID};

/// Chromium sends about fifteen.
const HEADERS: usize = 32;

/// The longest head, in bytes. Chromium sends some 700.
const LONGEST_HEAD: usize = 1024;

/// The longest ID in a query that is looked up. Those of the device are shorter.
const LONGEST_ID: usize = 48;

pub enum Request {
    Page,
    Events { last_event_id: heapless::Vec<u8, LONGEST_ID> },
    Flood,
    Refused(Refusal),
}

/// An error status and its reason.
#[derive(Clone, Copy)]
pub struct Refusal {
    pub status: &'static str,
    /// A field of the response, with its line end.
    pub field: &'static str,
}

impl Refusal {
    const fn new(status: &'static str) -> Refusal {
        Refusal { status, field: "" }
    }

    pub const BAD_REQUEST: Refusal = Refusal::new("400 Bad Request");
    pub const NOT_FOUND: Refusal = Refusal::new("404 Not Found");
    pub const METHOD_NOT_ALLOWED: Refusal = Refusal { status: "405 Method Not Allowed", field: "Allow: GET\r\n" };
    pub const TIMEOUT: Refusal = Refusal::new("408 Request Timeout");
    pub const TOO_LARGE: Refusal = Refusal::new("431 Request Header Fields Too Large");
    pub const BUSY: Refusal = Refusal { status: "503 Service Unavailable", field: "Retry-After: 2\r\n" };
}

impl Request {
    /// Returns the request, or `None` if more of its head is to come.
    pub fn read(received: &[u8]) -> Option<Request> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(received) {
            Ok(Status::Complete(length)) if length <= LONGEST_HEAD => {}
            Ok(Status::Partial) if received.len() <= LONGEST_HEAD => return None,
            Ok(_) | Err(Error::TooManyHeaders) => return Some(Request::Refused(Refusal::TOO_LARGE)),
            Err(_) => return Some(Request::Refused(Refusal::BAD_REQUEST)),
        }
        let (method, target) = (request.method?, request.path?);
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        Some(match (method, path) {
            ("GET", "/") => Request::Page,
            ("GET", "/events") => Request::Events { last_event_id: last_event_id(request.headers, query) },
            ("GET", "/flood") => Request::Flood,
            (_, "/" | "/events" | "/flood") => Request::Refused(Refusal::METHOD_NOT_ALLOWED),
            _ => Request::Refused(Refusal::NOT_FOUND),
        })
    }
}

/// Returns the ID after which the reader goes on; an empty one if it is new. One that is too long for the device's own is
/// shortened, and so still not one of its own.
fn last_event_id(headers: &[Header<'_>], query: Option<&str>) -> heapless::Vec<u8, LONGEST_ID> {
    let header = headers.iter().find(|header| header.name.eq_ignore_ascii_case(LAST_EVENT_ID));
    let mut decoded = [0; LONGEST_ID];
    let id = match resume_id(header.map(|header| header.value), query.map(str::as_bytes), &mut decoded) {
        Ok(id) => id.unwrap_or_default(),
        Err(_) => b"too long",
    };
    id.iter().copied().take(LONGEST_ID).collect()
}
