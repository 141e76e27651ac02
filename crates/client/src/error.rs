use std::fmt::{self, Write as _};

use bytes::Bytes;
use ssewire::client::{Cause, Reason, UnsendableId};
use ssewire::{Overflow, lossy};

/// The reason why a source or stream returned an error and not an event.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// An event was larger than the limit, and is skipped. The next event follows.
    TooLarge(Overflow),
    /// The last event ID cannot be sent, so the server cannot resume from it. The next event follows.
    UnsendableId(UnsendableId),
    /// The body of an [`EventStream`](crate::EventStream) failed. Nothing follows.
    Body(Box<dyn std::error::Error + Send + Sync>),
    /// The response for an [`EventStream`](crate::EventStream) is not an event stream. Nothing follows.
    Response(FailedResponse),
    /// An `EventSource` is closed. Nothing follows.
    Closed(Box<Closed>),
}

/// Why a source is closed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Closed {
    /// The reason.
    pub reason: Reason,
    /// The last response that failed, if the last attempt received one.
    pub response: Option<FailedResponse>,
    /// The error of the HTTP stack in the last attempt, if there was one. The message of this error has it, too.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// Why the last response brought no event: the first of its lines that is not a field of the format.
    pub explanation: Option<String>,
}

impl Error {
    /// Returns whether events follow: the error is that of one event.
    #[must_use]
    pub fn is_of_one_event(&self) -> bool {
        matches!(self, Error::TooLarge(_) | Error::UnsendableId(_))
    }

    /// Returns why the last connection of an `EventSource` is gone, if the source is closed.
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        match self {
            Error::Closed(closed) => closed.reason.cause(),
            _ => None,
        }
    }

    /// Returns the response that failed.
    #[must_use]
    pub fn response(&self) -> Option<&FailedResponse> {
        match self {
            Error::Response(response) => Some(response),
            Error::Closed(closed) => closed.response.as_ref(),
            _ => None,
        }
    }
}

/// A response that is not an event stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedResponse {
    /// The status code.
    pub status: u16,
    /// The value of `Content-Type`, empty without one.
    pub content_type: Bytes,
    /// The start of the body, at most [`BODY_LIMIT`](FailedResponse::BODY_LIMIT) bytes.
    pub body: Bytes,
}

impl FailedResponse {
    /// The most bytes of a body that are kept: 64 KiB.
    pub const BODY_LIMIT: usize = 64 << 10;
}

/// The characters of a text from outside that a message shows.
const SHOWN: usize = 500;

impl FailedResponse {
    /// Writes the start of the body, if there is one.
    fn fmt_body(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.body.trim_ascii() {
            b"" => Ok(()),
            body => {
                f.write_str(": ")?;
                fmt_start(body, f)
            }
        }
    }
}

/// Writes the start of a text from outside. Control characters become U+FFFD, so that a server cannot steer a terminal.
pub(crate) fn fmt_start(text: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut chars = lossy(text).chars();
    let harmless = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    chars.by_ref().take(SHOWN).try_for_each(|c| f.write_char(harmless(c)))?;
    match chars.next() {
        Some(_) => f.write_str("…"),
        None => Ok(()),
    }
}

impl fmt::Display for FailedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.status)?;
        if self.status == 200 {
            match &self.content_type[..] {
                b"" => f.write_str(", no content type")?,
                content_type => {
                    f.write_str(", content type ")?;
                    fmt_start(content_type, f)?;
                }
            }
        }
        self.fmt_body(f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::TooLarge(overflow) => overflow.fmt(f),
            Error::UnsendableId(id) => id.fmt(f),
            Error::Body(error) => {
                f.write_str("the stream failed")?;
                causes(error.as_ref(), f)
            }
            Error::Response(response) => write!(f, "not an event stream: {response}"),
            Error::Closed(closed) => closed.fmt(f),
        }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)?;
        match (&self.response, self.reason.cause()) {
            // The reason says the status.
            (Some(response), Some(Cause::Status(status))) if status == response.status => response.fmt_body(f)?,
            (Some(response), _) => write!(f, " ({response})")?,
            (None, _) => {}
        }
        if let Some(error) = &self.source {
            causes(error.as_ref(), f)?;
        }
        match &self.explanation {
            Some(explanation) => write!(f, "; {explanation}"),
            None => Ok(()),
        }
    }
}

#[cfg(feature = "mcp")]
impl Error {
    /// Writes an error of an HTTP stack, with its causes.
    pub(crate) fn fmt_causes(error: &(dyn std::error::Error + 'static), f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request failed")?;
        causes(error, f)
    }
}

/// Writes an error and those that caused it: HTTP stacks say the reason in the last of them alone.
fn causes(error: &(dyn std::error::Error + 'static), f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut next = Some(error);
    while let Some(error) = next {
        write!(f, ": {error}")?;
        next = error.source();
    }
    Ok(())
}

impl std::error::Error for Error {}
impl std::error::Error for Closed {}

impl From<Overflow> for Error {
    fn from(overflow: Overflow) -> Error {
        Error::TooLarge(overflow)
    }
}
