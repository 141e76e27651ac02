/*!
A client that loses no event: the processing model of the browser's `EventSource` as a state machine, without I/O.

A [`Client`] decides when to connect, with which last event ID, how long to wait and when to stop. It reads no clock and opens no
socket: the caller tells it the time and what happened, and [`poll`](Client::poll) returns the next [`Action`]. So it is the
same for a blocking socket, an async runtime and firmware, and a test of it needs no time.

[`Policy::ROBUST`] bounds every wait, timeout and number of attempts. [`Policy::BROWSER`] is what Chromium does, in the
scripted cases of `tests/client/chromium.jsonl`.

# The loop

```
use ssewire::client::{Action, Client, Head, Policy, Verdict};
use ssewire::Parser;

// A server that ends each response after one event, and has no third one. The clock is a number.
let mut responses = [&b"id: 1\ndata: a\n\n"[..], b"id: 2\ndata: b\n\n"].into_iter();
let mut now = 0;

let mut client = Client::new(Parser::<[u8; 512]>::new(), Policy::ROBUST, 42);
let mut body: &[u8] = b"";
let mut seen = Vec::new();
let reason = loop {
    match client.poll(now) {
        Action::Connect { .. } => {
            let _request = client.last_event_id().map(|id| format!("last-event-id: {id}\r\n"));
        }
        Action::Head { .. } => {
            let response = responses.next();
            let mut head = Head::new(if response.is_some() { 200 } else { 204 });
            head.header(b"Content-Type", b"text/event-stream");
            if client.on_head(now, &head) == Verdict::Open {
                body = response.unwrap_or_default();
            }
        }
        Action::Read { .. } if body.is_empty() => client.on_end(now),
        Action::Read { .. } => {
            while let Some(result) = client.next(now, &mut body).transpose() {
                match result {
                    Ok(event) => seen.push((event.last_event_id().to_vec(), event.data().to_vec())),
                    Err(overflow) => eprintln!("{overflow}"),
                }
            }
        }
        Action::Wait { until } => now = until, // sleep
        Action::Closed(reason) => break reason,
    }
};
assert_eq!(seen, [(b"1".to_vec(), b"a".to_vec()), (b"2".to_vec(), b"b".to_vec())]);
assert_eq!(reason.to_string(), "status 204");
```

[`examples/reconnect.rs`](https://github.com/ssewire/ssewire/blob/main/examples/reconnect.rs) is the same over a `TcpStream`, with
[`Head::parse`] and [`http::Body`](crate::http::Body).

# Rules for a transport

- **Connect once for each [`Connect`](Action::Connect).** It is returned once per attempt, also by a late poll in place of a
  `Wait`, so let no action go unread. Keep the connection that is being made, the bytes that were received and those to send in
  the same struct as the client: a future that is dropped must lose none of them.
- **Hang up** when the action is neither `Head` nor `Read`. An HTTP stack that retries by itself multiplies the connections.
- **Read before you poll** after an event that took the program long: bytes that came meanwhile move `until`, and end the silence.
  Or poll with the time at which the last bytes were read.
- **A read must end at `until`.** If it can only block, give it a short timeout, and poll after each. That is not an error of the
  connection.
- **Wait no longer than `until`**, then poll again. A `Wait` is over when the time has come, a `Head` or `Read` has failed then.
- **Give a head all fields** of the response. Ask for `accept-encoding: identity`, or decode the body and leave out the
  `Content-Encoding` that was decoded.
- **Follow redirects by [`Verdict::Redirect`]**, or by an HTTP stack that shows only the last response. An attempt begins at the base
  URL. A connection with `is_redirect` goes to the last response's `Location`. Leave that out of the head if it cannot be
  followed, as in `Head::new(head.status())`; a transport that follows none sets [`redirects`](Policy::redirects) to 0. With
  [`Verdict::Open`], the current URL becomes the base.
- **Give input that came with the head** to `next` as well.
- **End by protocol** (`[DONE]`, a last message) is a [`close`](Client::close) in the loop, after the last use of the event. The
  rest of the input is skipped. A program that lets the server end the response reconnects.

# The states

| state | [`poll`](Client::poll) | head | bytes | [`on_end`](Client::on_end), [`on_error`](Client::on_error) |
|---|---|---|---|---|
| Ready | `Connect`, then Asked | | skipped | |
| Asked | `Head`; late: lost | good: Open; redirect: Redirected; other: Failed | skipped | lost |
| Redirected | `Connect`, then Asked, until the same time | | skipped | |
| Open | `Read`; late: lost | | events; `until` moves | lost |
| Failed | `Read`; late: as after the end | | [excerpt](Client::excerpt) | Waiting or Closed, as decided with the head |
| Waiting | `Wait`; in time: `Connect`, then Asked | | skipped | |
| Closed | `Closed` | | skipped | |

Lost: one more failure, unless the connection brought an event, also one that is too large, or bytes for
[`healthy_ms`](Policy::healthy_ms); then Waiting, or Closed after too many failures. An event sets the failures to 0; a response of status 200 alone does not.
[`close`](Client::close) leads to Closed from everywhere, and [`restart`](Client::restart) to Waiting. Every input that a state has no
use for is ignored.

# Differences from Chromium

With [`Policy::BROWSER`]: a `retry` without a value is ignored; a response without a `Content-Type` fails at once, where
Chromium waits for its body to guess one; authentication, caches, and the second request after a 421 are the transport's.

Standard: [9.2.3 Processing model](https://html.spec.whatwg.org/multipage/server-sent-events.html#sse-processing-model).
*/

mod cause;
mod excerpt;
mod head;
mod id;
mod machine;
mod policy;

use core::fmt;

pub use cause::{Cause, Coding, Reason};
pub use excerpt::Excerpt;
pub use head::{Head, Verdict};
pub use id::UnsendableId;
pub use machine::{Action, ReadyState};
pub use policy::Policy;

use crate::error::Overflow;
use crate::event::Event;
use crate::http::trim;
use crate::read::{FoundEvent, Parser, Progress};
use crate::storage::Storage;
use crate::text::{Lossy, lossy};
use excerpt::Notes;
use machine::{Bytes, Machine};

/// A client of an event stream: reconnects, resumes and stops by a [`Policy`]. The [module](self) has the loop and the rules.
///
/// `E` is the number of bytes that it keeps of a response that explains itself otherwise than by events:
/// [`excerpt`](Client::excerpt).
///
/// Time is a number of milliseconds from any start that does not go back, for example that of the program.
///
/// # Examples
///
/// ```
/// use ssewire::client::{Action, Client, Policy};
/// use ssewire::Parser;
///
/// let mut client = Client::new(Parser::<[u8; 512]>::new(), Policy::ROBUST, 42);
/// assert_eq!(client.poll(0), Action::Connect { until: 30_000, is_redirect: false });
/// client.on_error(100); // nobody listens
/// assert!(matches!(client.poll(100), Action::Wait { until } if until <= 2_100));
/// assert_eq!(client.failures(), 1);
/// ```
#[doc(alias = "EventSource")]
#[doc(alias = "reconnect")]
#[derive(Clone)]
pub struct Client<S, const E: usize = 256> {
    parser: Parser<S>,
    machine: Machine,
    notes: Notes,
    /// The [`hash`](id::hash) of the last ID that was reported as unsendable; 0 for none.
    unsendable: u32,
    excerpt: [u8; E],
}

impl<S: Storage> Client<S> {
    /// Returns a client that has not connected yet, and keeps 256 bytes for an [`excerpt`](Client::excerpt).
    ///
    /// The parser bounds the largest event. An ID that it [has already](Parser::set_last_event_id) is sent with the first
    /// request. `seed` is for the jitter: a random number, or on a device its serial number. With the same seed, clients wait
    /// the same times.
    #[must_use]
    pub const fn new(parser: Parser<S>, policy: Policy, seed: u32) -> Client<S> {
        Client::with_excerpt(parser, policy, seed, [0; 256])
    }
}

impl<S: Storage, const E: usize> Client<S, E> {
    /// Returns a client likewise that keeps `E` bytes for an [`excerpt`](Client::excerpt), in the memory given. With none, the
    /// body of a failed response is not read.
    #[must_use]
    pub const fn with_excerpt(parser: Parser<S>, policy: Policy, seed: u32, excerpt: [u8; E]) -> Client<S, E> {
        Client { parser, machine: Machine::new(policy, seed), notes: Notes::NONE, unsendable: 0, excerpt }
    }

    /// Returns what to do next. Call it at any time, as often as you like: only [`Action::Connect`] is returned once.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn poll(&mut self, now: u64) -> Action {
        let action = self.machine.poll(now, self.parser.reconnection_time_ms());
        if !self.machine.is_open() {
            self.parser.reset();
        }
        if let Action::Connect { .. } = action {
            self.notes = Notes::NONE;
        }
        action
    }

    /// Takes the head of a response, once it is complete.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn on_head(&mut self, now: u64, head: &Head<'_>) -> Verdict {
        self.machine.on_head(now, head, E > 0)
    }

    /// Returns the next event in `input`, bytes of the body, like [`Parser::next`]. All of `input` is taken and nothing returned
    /// unless a stream is open, so what arrives after [`close`](Client::close) is skipped.
    ///
    /// # Errors
    ///
    /// [`Overflow`], once for each event that does not fit, as [`Parser::next`]. Call again with the same `input` to go on.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn next<'c, 'i: 'c>(&'c mut self, now: u64, input: &mut &'i [u8]) -> Result<Option<Event<'c>>, Overflow> {
        if !self.is_parsed(now, input) {
            *input = b"";
            return Ok(None);
        }
        let before = *input;
        let event = self.parser.next(input);
        if !self.machine.has_events {
            let consumed = before.len().wrapping_sub(input.len());
            self.notes.read(&mut self.excerpt, before.get(..consumed).unwrap_or_default());
        }
        // An event that is too large is a sign of life, too.
        if !matches!(event, Ok(None)) {
            self.machine.on_event(now);
        }
        event
    }

    /// Reads `input`, bytes of the body, up to the end of the next event, or all of it, like [`Parser::feed`]: the first of two
    /// steps, for callers that cannot hold a borrow in between. [`event`](Client::event) is the second.
    ///
    /// # Errors
    ///
    /// In [`Progress::result`]: [`Overflow`], as [`next`](Client::next).
    ///
    /// # Panics
    ///
    /// Never.
    pub fn feed(&mut self, now: u64, input: &[u8]) -> Progress<FoundEvent> {
        if !self.is_parsed(now, input) {
            return Progress { consumed: input.len(), result: Ok(None) };
        }
        let progress = self.parser.feed(input);
        if !self.machine.has_events {
            self.notes.read(&mut self.excerpt, input.get(..progress.consumed).unwrap_or_default());
        }
        if !matches!(progress.result, Ok(None)) {
            self.machine.on_event(now);
        }
        progress
    }

    /// Returns the event that the last call of [`feed`](Client::feed) found, like [`Parser::event`].
    ///
    /// # Panics
    ///
    /// Never.
    #[must_use]
    pub fn event<'a>(&'a self, found: FoundEvent, input: &'a [u8]) -> Event<'a> {
        self.parser.event(found, input)
    }

    /// Notes the time of `input`, and returns whether the parser reads it.
    fn is_parsed(&mut self, now: u64, input: &[u8]) -> bool {
        if input.is_empty() {
            return self.machine.is_open();
        }
        match self.machine.on_bytes(now) {
            Bytes::Parsed => true,
            Bytes::Shown => {
                if !self.notes.keep(&mut self.excerpt, input) {
                    self.machine.end_failed_body();
                }
                false
            }
            Bytes::Skipped => false,
        }
    }

    /// Returns the event without a last blank line that the body ended with, if [`takes_unfinished`](Policy::takes_unfinished)
    /// says so: for servers that leave the blank line out. Call it when a response ends regularly, before
    /// [`on_end`](Client::on_end).
    ///
    /// # Errors
    ///
    /// [`Overflow`] if the end of the event does not fit.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn take_unfinished(&mut self, now: u64) -> Result<Option<Event<'_>>, Overflow> {
        if !self.machine.policy.takes_unfinished || !self.machine.is_open() {
            return Ok(None);
        }
        let event = self.parser.take_unfinished();
        if !matches!(event, Ok(None)) {
            self.machine.on_event(now);
        }
        event
    }

    /// Notes that the response ended regularly: by its length or last chunk, or with its connection, if it
    /// [has no other end](crate::http::Body::ends_with_connection).
    ///
    /// # Panics
    ///
    /// Never.
    pub fn on_end(&mut self, now: u64) {
        self.machine.on_lost(now, Cause::End);
    }

    /// Notes that no connection could be made, or that it broke.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn on_error(&mut self, now: u64) {
        self.machine.on_lost(now, Cause::Cut);
    }

    /// Closes the client. There are no more events, not even those in the rest of an input. Only [`restart`](Client::restart)
    /// opens it again.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn close(&mut self) {
        self.machine.close();
    }

    /// Hangs up, and connects again after the usual wait. A closed client connects again, with no failures counted. A client that
    /// waits goes on waiting.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn restart(&mut self, now: u64) {
        self.machine.restart(now);
    }

    /// Returns the value of `Last-Event-ID` for the next request; `None` leaves the field out.
    ///
    /// It is the [`last_event_id`](Parser::last_event_id) of the parser, without blanks and tabs at its ends, as text: encoded as
    /// UTF-8 for the header, with U+FFFD for invalid sequences. An ID that no header carries is left out:
    /// [`unsendable_id`](Client::unsendable_id).
    ///
    /// # Panics
    ///
    /// Never.
    #[doc(alias = "Last-Event-ID")]
    #[must_use]
    pub fn last_event_id(&self) -> Option<Lossy<'_>> {
        let id = self.parser.last_event_id().filter(|id| !id.is_empty())?;
        self.check_id(id).ok()?;
        Some(lossy(trim(id)))
    }

    fn check_id(&self, id: &[u8]) -> Result<(), UnsendableId> {
        match self.machine.policy.max_id_len {
            Some(limit) => UnsendableId::check(id, limit),
            None => Ok(()),
        }
    }

    /// Returns why the last event ID is left out of the next request, once for each such ID. The server then cannot go on where
    /// the stream ended.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn unsendable_id(&mut self) -> Option<UnsendableId> {
        let id = self.parser.last_event_id()?;
        let unsendable = self.check_id(id).err()?;
        let hash = id::hash(id);
        if hash == self.unsendable {
            return None;
        }
        self.unsendable = hash;
        Some(unsendable)
    }

    /// Returns the first bytes of the last response that explain why it brought no events: of the body of a failed response, or of
    /// the lines of an event stream, before its first event, that are not fields of the standard. Each connection begins with none.
    ///
    /// # Panics
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// ```
    /// use ssewire::client::{Action, Client, Head, Policy};
    ///
    /// let mut client = Client::new(ssewire::Parser::<[u8; 64]>::new(), Policy::ROBUST, 1);
    /// client.poll(0);
    /// let mut head = Head::new(200);
    /// head.header(b"Content-Type", b"text/event-stream");
    /// client.on_head(10, &head);
    /// let mut input: &[u8] = b"{\"error\":\"overloaded\"}\n";
    /// assert!(client.next(20, &mut input)?.is_none());
    /// let excerpt = client.excerpt().unwrap();
    /// assert_eq!(excerpt.to_string(), r#"no event in 1 line: {"error":"overloaded"}"#);
    /// # Ok::<(), ssewire::Overflow>(())
    /// ```
    #[must_use]
    pub fn excerpt(&self) -> Option<Excerpt<'_>> {
        let bytes = self.excerpt.get(..self.notes.len).unwrap_or_default();
        let unknown_lines = self.notes.unknown_lines;
        if bytes.is_empty() && unknown_lines == 0 {
            return None;
        }
        Some(Excerpt { bytes, unknown_lines, has_events: self.machine.has_events })
    }

    /// Returns the state, as an `EventSource` has it.
    #[must_use]
    pub fn ready_state(&self) -> ReadyState {
        self.machine.ready_state()
    }

    /// Returns why the last connection is gone, for a message while the client waits.
    #[must_use]
    pub fn cause(&self) -> Cause {
        self.machine.cause
    }

    /// Returns the number of attempts that failed, in a row.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.machine.failures
    }

    /// Returns the policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.machine.policy
    }

    /// Returns the parser, for its last event ID and capacity.
    #[must_use]
    pub fn parser(&self) -> &Parser<S> {
        &self.parser
    }
}

/// Prints the state and the parser, but not the excerpt.
impl<S: Storage, const E: usize> fmt::Debug for Client<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("ready_state", &self.ready_state())
            .field("failures", &self.failures())
            .field("cause", &self.cause())
            .field("parser", &self.parser)
            .finish_non_exhaustive()
    }
}
