use super::cause::{Cause, Coding};
use super::policy::Policy;
use crate::http::{Body, MediaType, number, split, trim};

/// The head of a response, as far as it matters: its status, and the fields that were given to it.
///
/// # Examples
///
/// ```
/// use ssewire::client::Head;
///
/// let mut head = Head::new(301);
/// for (name, value) in [("Server", "x"), ("Location", "/two")] {
///     head.header(name.as_bytes(), value.as_bytes()); // all of them
/// }
/// assert_eq!(head.location(), Some(&b"/two"[..]));
/// ```
#[derive(Clone, Debug)]
pub struct Head<'h> {
    status: u16,
    media_type: MediaType,
    /// The first content coding other than `identity`, or the first transfer coding other than `chunked`.
    coding: Option<&'h [u8]>,
    location: Option<&'h [u8]>,
    /// Whether the last transfer coding is `chunked`, if there is one.
    is_chunked: Option<bool>,
    length: Option<&'h [u8]>,
    retry_after: Option<&'h [u8]>,
    date: Option<&'h [u8]>,
}

/// The verdict on a response, from its head.
///
/// # Examples
///
/// ```
/// use ssewire::client::{Cause, Client, Head, Policy, Verdict};
///
/// let mut client = Client::new(ssewire::Parser::<[u8; 64]>::new(), Policy::ROBUST, 1);
/// client.poll(0);
/// let mut head = Head::new(200);
/// head.header(b"content-type", b"text/html");
/// assert_eq!(client.on_head(10, &head), Verdict::Failed(Cause::ContentType));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Verdict {
    /// It is an event stream. The body follows.
    Open,
    /// It is informational (1xx). Another head follows on the same connection.
    Informational,
    /// It is a redirect. The next action is a connection to its [`location`](Head::location).
    Redirect,
    /// It failed. The first bytes of its body are wanted if the next action is `Read`.
    Failed(Cause),
}

/// The names of the fields that matter, in the order of `header`.
const NAMES: [&[u8]; 7] = [
    b"content-type",
    b"content-encoding",
    b"location",
    b"retry-after",
    b"date",
    b"transfer-encoding",
    b"content-length",
];

impl<'h> Head<'h> {
    /// Returns a head without fields.
    #[must_use]
    pub const fn new(status: u16) -> Head<'h> {
        Head {
            status,
            media_type: MediaType::Missing,
            coding: None,
            location: None,
            is_chunked: None,
            length: None,
            retry_after: None,
            date: None,
        }
    }

    /// Returns the head of an HTTP/1 response at the front of `input`, with all its fields, and the bytes after it; `None` while it
    /// is not complete. For a transport without an HTTP stack: bound the bytes that it collects.
    ///
    /// The status is 0 if the first line is not one of HTTP/1. A line without a colon is skipped, as browsers do.
    ///
    /// # Panics
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// ```
    /// use ssewire::client::Head;
    ///
    /// let mut received = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n".to_vec();
    /// assert!(Head::parse(&received).is_none());
    /// received.extend(b"\r\n9\r\ndata: 1\n\n\r\n");
    /// let (head, mut rest) = Head::parse(&received).unwrap();
    /// assert_eq!(head.status(), 200);
    /// assert_eq!(head.body().next(&mut rest)?, Some(&b"data: 1\n\n"[..]));
    /// # Ok::<(), ssewire::http::InvalidChunk>(())
    /// ```
    #[must_use]
    pub fn parse(input: &'h [u8]) -> Option<(Head<'h>, &'h [u8])> {
        let mut rest = input;
        let mut line = || {
            let end = rest.iter().position(|&byte| byte == b'\n')?;
            let (line, after) = rest.split_at_checked(end)?;
            rest = after.get(1..)?;
            Some(line.strip_suffix(b"\r").unwrap_or(line))
        };
        let status = match line()? {
            [b'H', b'T', b'T', b'P', b'/', b'1', b'.', _, b' ', digits @ ..] => {
                let digits = digits.split(|&byte| byte == b' ').next().unwrap_or_default();
                number(digits).and_then(|status| u16::try_from(status).ok()).unwrap_or(0)
            }
            _ => 0,
        };
        let mut head = Head::new(status);
        loop {
            let line = line()?;
            if line.is_empty() {
                return Some((head, rest));
            }
            if let Some((name, [_, value @ ..])) =
                line.iter().position(|&byte| byte == b':').and_then(|colon| line.split_at_checked(colon))
            {
                head.header(name, value);
            }
        }
    }

    /// Takes a field of the response. Give it all fields, in their order, also those of one name: it keeps those that matter
    /// and joins lists.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn header(&mut self, name: &[u8], value: &'h [u8]) {
        let value = trim(value);
        match NAMES.iter().position(|known| name.eq_ignore_ascii_case(known)) {
            Some(0) => self.media_type.add(value),
            Some(1) => self.codings(value, false),
            Some(2) => self.location = Some(value),
            Some(3) => self.retry_after = Some(value),
            Some(4) => self.date = Some(value),
            Some(5) => self.codings(value, true),
            Some(6) => self.length = Some(value),
            _ => {}
        }
    }

    /// Takes a list of codings, which may go on in another field.
    fn codings(&mut self, list: &'h [u8], of_transfer: bool) {
        let mut rest = Some(list);
        while let Some(list) = rest {
            let (coding, after) = split(list, b',');
            rest = after;
            let coding = trim(coding);
            if coding.is_empty() || coding.eq_ignore_ascii_case(b"identity") {
                continue;
            }
            let is_chunked = of_transfer && coding.eq_ignore_ascii_case(b"chunked");
            if of_transfer {
                self.is_chunked = Some(is_chunked);
            }
            if !is_chunked {
                self.coding = self.coding.or(Some(coding));
            }
        }
    }

    /// Returns the status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Returns the body that follows, for a transport without an HTTP stack: none after the statuses 1xx, 204 and 304; in chunked
    /// coding; of the length that the response states in up to eight digits; or up to the end of the connection.
    ///
    /// # Panics
    ///
    /// Never.
    #[must_use]
    pub fn body(&self) -> Body {
        match (self.status, self.is_chunked, self.length.and_then(number)) {
            (100..=199 | 204 | 304, ..) => Body::with_length(0),
            (_, Some(true), _) => Body::chunked(),
            (_, None, Some(length @ 0..=99_999_999)) => Body::with_length(length.into()),
            _ => Body::until_end(),
        }
    }

    /// Returns the target of a redirect, which may be relative.
    #[must_use]
    pub const fn location(&self) -> Option<&'h [u8]> {
        self.location
    }

    /// Returns whether it is the head of an event stream that a client can read: of status 200 and the right type, in no content
    /// coding.
    ///
    /// # Panics
    ///
    /// Never.
    #[must_use]
    pub fn is_event_stream(&self) -> bool {
        self.status == 200 && self.check(&Policy::ROBUST).is_ok()
    }

    /// Returns whether a redirect leads somewhere.
    pub(super) fn leads_on(&self) -> bool {
        self.location.is_some_and(|location| !location.is_empty())
    }

    /// Returns why a response of status 200 is not an event stream.
    pub(super) fn check(&self, policy: &Policy) -> Result<(), Cause> {
        match self.media_type {
            MediaType::EventStream => {}
            MediaType::Missing if policy.accepts_untyped => {}
            _ => return Err(Cause::ContentType),
        }
        match self.coding {
            Some(coding) if policy.rejects_codings => Err(Cause::ContentCoding(Coding::new(coding))),
            _ => Ok(()),
        }
    }

    /// Returns the wait that the response asks for, in milliseconds.
    pub(super) fn retry_after_ms(&self, policy: &Policy) -> u32 {
        let Some(value) = self.retry_after.filter(|_| policy.max_retry_after_ms > 0) else { return 0 };
        let seconds = number(value).or_else(|| {
            // The server's clock is compared with itself.
            let date = policy.retry_after_date?;
            Some(date(value)?.saturating_sub(date(self.date?)?))
        });
        (seconds.unwrap_or(0).min(u32::MAX / 1000) * 1000).min(policy.max_retry_after_ms)
    }
}
