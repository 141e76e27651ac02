use std::fmt;

use bytes::Bytes;
use ssewire::client::{Reason, UnsendableId};
use ssewire::{lossy, Overflow};

/// The reason why a source or stream returned an error and not an event.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// An event was larger than the limit, and is skipped. The next event follows.
    TooLarge(Overflow),
    /// The last event ID cannot be sent, so the server cannot resume from it. The next event follows.
    UnsendableId(UnsendableId),
    /// The body failed, or the request did. Of an [`EventStream`](crate::EventStream), nothing follows.
    Body(Box<dyn std::error::Error + Send + Sync>),
    /// The response is not an event stream. Nothing follows.
    Response(FailedResponse),
    /// The source is closed. Nothing follows.
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
    /// The error of the HTTP stack in the last attempt, if there was one.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// Why the last response brought no event: the first of its lines that is not a field of the format.
    pub explanation: Option<String>,
}

impl Error {
    /// Returns whether events follow: the error is that of one event.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Error::TooLarge(_) | Error::UnsendableId(_))
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

/// The characters of a body that a message shows.
const SHOWN: usize = 500;

impl fmt::Display for FailedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.status)?;
        if self.status == 200 {
            match &self.content_type[..] {
                b"" => f.write_str(", no content type")?,
                content_type => write!(f, ", content type {}", lossy(content_type))?,
            }
        }
        if !self.body.trim_ascii().is_empty() {
            f.write_str(": ")?;
            let mut chars = lossy(self.body.trim_ascii()).chars();
            chars.by_ref().take(SHOWN).try_for_each(|c| write!(f, "{c}"))?;
            if chars.next().is_some() {
                f.write_str("…")?;
            }
        }
        Ok(())
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
        if let Some(response) = &self.response {
            write!(f, " ({response})")?;
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
