//! Why a connection is gone, and why a client is closed.

use core::fmt;

/// Why the last connection is gone, or was not made. Copies no text but the name of a content coding.
///
/// # Examples
///
/// ```
/// use ssewire::client::{Cause, Client, Head, Policy};
///
/// let mut client = Client::new(ssewire::Parser::<[u8; 64]>::new(), Policy::ROBUST, 1);
/// client.poll(0);
/// client.on_head(10, &Head::new(503));
/// assert_eq!(client.cause(), Cause::Status(503));
/// assert_eq!(client.cause().to_string(), "status 503");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Cause {
    /// No connection, or one that ended before the head of a response.
    NoResponse,
    /// No head of a response in time.
    HeadTimeout {
        /// The policy's [`head_ms`](super::Policy::head_ms).
        ms: u32,
    },
    /// No byte of the body in time, or no event.
    Silence {
        /// The policy's [`silence_ms`](super::Policy::silence_ms).
        ms: u32,
    },
    /// The response ended regularly.
    End,
    /// The response was cut.
    Cut,
    /// A status other than 200; 0 is a response that is not of HTTP/1.
    Status(u16),
    /// The response is not an event stream, by its `Content-Type`.
    ContentType,
    /// The body has a content coding, or a transfer coding other than `chunked`, that nobody decodes.
    ContentCoding(Coding),
    /// A redirect of this status without a `Location` to follow, or with a policy that follows none.
    Redirect(u16),
    /// More redirects than this limit. Another attempt follows.
    Redirects(u8),
    /// [`restart`](super::Client::restart) was called.
    Restart,
}

/// Why a client is closed.
///
/// # Examples
///
/// ```
/// use ssewire::client::{Action, Cause, Client, Head, Policy, Reason};
///
/// let mut client = Client::with_excerpt(ssewire::Parser::<[u8; 64]>::new(), Policy::ROBUST, 1, []);
/// client.poll(0);
/// client.on_head(10, &Head::new(204)); // the server wants no more connections
/// assert_eq!(client.poll(10), Action::Closed(Reason::Failed(Cause::Status(204))));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Reason {
    /// [`close`](super::Client::close) was called.
    Close,
    /// A failure that another attempt does not mend.
    Failed(Cause),
    /// Too many attempts failed in a row.
    GaveUp {
        /// The number of attempts that failed.
        attempts: u32,
        /// Why the last one did.
        last: Cause,
    },
}

impl Reason {
    /// Returns why the last connection is gone; `None` after [`close`](super::Client::close).
    ///
    /// # Panics
    ///
    /// Never.
    #[must_use]
    pub const fn cause(&self) -> Option<Cause> {
        match *self {
            Reason::Close => None,
            Reason::Failed(cause) | Reason::GaveUp { last: cause, .. } => Some(cause),
        }
    }
}

/// The name of a content coding, at most 12 bytes of it.
///
/// # Examples
///
/// ```
/// use ssewire::client::{Cause, Client, Head, Policy, Verdict};
///
/// let mut client = Client::new(ssewire::Parser::<[u8; 64]>::new(), Policy::ROBUST, 1);
/// client.poll(0);
/// let mut head = Head::new(200);
/// head.header(b"content-type", b"text/event-stream");
/// head.header(b"content-encoding", b"gzip");
/// match client.on_head(10, &head) {
///     Verdict::Failed(Cause::ContentCoding(coding)) => assert_eq!(coding.name(), "gzip"),
///     verdict => panic!("{verdict:?}"),
/// }
/// ```
// Aligned, so that it is copied by words.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(align(4))]
pub struct Coding([u8; 12]);

impl Coding {
    pub(super) fn new(name: &[u8]) -> Coding {
        let mut coding = [0; 12];
        for (place, &byte) in coding.iter_mut().zip(name) {
            // A name is a token, of visible ASCII.
            *place = if byte.is_ascii_graphic() { byte } else { b'?' };
        }
        Coding(coding)
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        let len = self.0.iter().position(|&byte| byte == 0).unwrap_or(self.0.len());
        self.0.get(..len).and_then(|name| core::str::from_utf8(name).ok()).unwrap_or_default()
    }
}

impl fmt::Debug for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Coding {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=str}", self.name());
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::NoResponse => f.write_str("no response"),
            Cause::HeadTimeout { ms } => write!(f, "no response within {ms} ms"),
            Cause::Silence { ms } => write!(f, "silent for {ms} ms"),
            Cause::End => f.write_str("the response ended"),
            Cause::Cut => f.write_str("the response was cut"),
            Cause::Status(0) => f.write_str("the response is not of HTTP/1"),
            Cause::Status(status) => write!(f, "status {status}"),
            Cause::ContentType => f.write_str("the response is not of type text/event-stream"),
            Cause::ContentCoding(coding) => write!(f, "coding {coding}, which was not asked for"),
            Cause::Redirect(status) => write!(f, "redirect {status}, which cannot be followed"),
            Cause::Redirects(limit) => write!(f, "more than {limit} redirects"),
            Cause::Restart => f.write_str("restarted"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Close => f.write_str("closed"),
            Reason::Failed(cause) => cause.fmt(f),
            Reason::GaveUp { attempts, last } => {
                write!(f, "gave up after {attempts} failed attempts, the last one: {last}")
            }
        }
    }
}

impl core::error::Error for Cause {}
impl core::error::Error for Reason {}
