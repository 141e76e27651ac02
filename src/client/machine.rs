use super::cause::{Cause, Reason};
use super::head::{Head, Verdict};
use super::policy::Policy;

/// The next step of a client's transport, from [`poll`](super::Client::poll). All times are those of the caller's clock;
/// [`u64::MAX`] is never.
///
/// A connection is wanted while the action is `Head` or `Read`. With any other action, hang up.
///
/// # Examples
///
/// ```
/// use ssewire::client::{Action, Client, Policy};
///
/// let mut client = Client::new(ssewire::Parser::<[u8; 64]>::new(), Policy::ROBUST, 1);
/// loop {
///     match client.poll(0) {
///         Action::Connect { .. } => {} // begin a connection
///         Action::Head { until } => {
///             assert_eq!(until, 30_000); // wait for a head until then
///             client.close();
///         }
///         Action::Read { .. } | Action::Wait { .. } => unreachable!("without a head"),
///         Action::Closed(reason) => {
///             assert_eq!(reason.to_string(), "closed");
///             break;
///         }
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Action {
    /// Hang up, begin a connection, and send the request, with [`last_event_id`](super::Client::last_event_id). Returned once
    /// per connection: keep it, whatever becomes of the future that makes it.
    Connect {
        /// The time at which the attempt fails without the head of a response.
        until: u64,
        /// To the location of the redirect that was just answered, and not to the URL that the attempt began with.
        is_redirect: bool,
    },
    /// Read the head of the response, and call [`on_head`](super::Client::on_head). Without a connection, call
    /// [`on_error`](super::Client::on_error).
    Head {
        /// The time at which to poll again, without a head.
        until: u64,
    },
    /// Read the body, and give it to [`next`](super::Client::next) or [`feed`](super::Client::feed).
    Read {
        /// The time at which to poll again, without a byte.
        until: u64,
    },
    /// Hang up, and poll again at that time.
    Wait {
        /// The time of the next attempt.
        until: u64,
    },
    /// Hang up. There is nothing more to do.
    Closed(Reason),
}

/// The states of an `EventSource`, with its numbers.
///
/// # Examples
///
/// ```
/// use ssewire::client::{Client, Policy, ReadyState};
///
/// let mut client = Client::new(ssewire::Parser::<[u8; 64]>::new(), Policy::ROBUST, 1);
/// assert_eq!(client.ready_state(), ReadyState::Connecting);
/// client.close();
/// assert_eq!(client.ready_state(), ReadyState::Closed);
/// assert_eq!(ReadyState::Closed as u8, 2); // as in a browser
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ReadyState {
    /// No connection is open, and the client makes one or waits for the time to do it.
    Connecting = 0,
    /// The head of an event stream was received.
    Open = 1,
    /// The client makes no more connections.
    Closed = 2,
}

/// All of a client but its parser and excerpt; compiled once for every kind of parser.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub policy: Policy,
    state: State,
    end: End,
    /// The end of the state: a deadline, or the time of the next attempt.
    until: u64,
    /// The time of the head, then that of the loss.
    at: u64,
    /// The wait that the failed response asked for.
    retry_after_ms: u32,
    pub cause: Cause,
    /// The attempts that failed, in a row.
    pub failures: u32,
    random: u32,
    redirects: u8,
    /// A connection was open once.
    has_opened: bool,
    /// The connection is not a failed attempt.
    is_healthy: bool,
    /// The connection brought an event.
    pub has_events: bool,
}

/// The states; [`client`](super) has the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ready,
    Redirected,
    Asked,
    Open,
    /// The response failed, and its body is read.
    Failed,
    /// The connection is gone; `poll` decides what follows.
    Lost,
    Waiting,
    Closed,
}

/// The state that follows `Lost`, or the reason why a client is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Another attempt.
    No,
    Close,
    Failed,
    GaveUp,
}

/// The use of the bytes of a body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bytes {
    Parsed,
    /// Shown, as the body of a failed response.
    Shown,
    Skipped,
}

impl Machine {
    pub(super) const fn new(policy: Policy, seed: u32) -> Machine {
        // Mixed, so that serial numbers differ in all bits, and not zero, the one number that xorshift never leaves.
        let random = (seed ^ 0x5bd1_e995).wrapping_mul(0x9e37_79b9);
        Machine {
            policy,
            state: State::Ready,
            end: End::No,
            until: 0,
            at: 0,
            retry_after_ms: 0,
            cause: Cause::NoResponse,
            failures: 0,
            random: if random == 0 { 1 } else { random },
            redirects: 0,
            has_opened: false,
            is_healthy: false,
            has_events: false,
        }
    }

    pub(super) fn ready_state(&self) -> ReadyState {
        match self.state {
            State::Open => ReadyState::Open,
            _ if self.end != End::No => ReadyState::Closed,
            _ => ReadyState::Connecting,
        }
    }

    /// Returns whether a body is read: that of an event stream.
    pub(super) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// `retry`: the reconnection time that the stream has set.
    pub(super) fn poll(&mut self, now: u64, retry: Option<u64>) -> Action {
        if now >= self.until && self.until != u64::MAX {
            match self.state {
                State::Asked => self.lose(self.until, Cause::HeadTimeout { ms: self.policy.head_ms }),
                State::Open => self.lose(self.until, Cause::Silence { ms: self.policy.silence_ms }),
                State::Failed => self.state = State::Lost,
                State::Waiting => self.state = State::Ready,
                _ => {}
            }
        }
        if self.state == State::Lost {
            self.settle(retry);
            if now >= self.until && self.state == State::Waiting {
                self.state = State::Ready;
            }
        }
        let mut until = self.until;
        match self.state {
            State::Ready | State::Redirected => {
                let is_redirect = self.state == State::Redirected;
                if !is_redirect {
                    (self.redirects, self.is_healthy, self.has_events) = (0, false, false);
                    until = after(now, self.policy.head_ms);
                }
                (self.state, self.until) = (State::Asked, until);
                Action::Connect { until, is_redirect }
            }
            State::Asked => Action::Head { until },
            State::Open | State::Failed => Action::Read { until },
            State::Waiting => Action::Wait { until },
            State::Lost | State::Closed => Action::Closed(match self.end {
                End::No | End::Close => Reason::Close,
                End::Failed => Reason::Failed(self.cause),
                End::GaveUp => Reason::GaveUp { attempts: self.failures, last: self.cause },
            }),
        }
    }

    /// `shows`: the body of a failed response is wanted.
    pub(super) fn on_head(&mut self, now: u64, head: &Head<'_>, shows: bool) -> Verdict {
        if self.state != State::Asked {
            return Verdict::Failed(self.cause);
        }
        let (verdict, is_fatal) = self.judge(head);
        let Verdict::Failed(cause) = verdict else {
            if let Verdict::Open = verdict {
                (self.state, self.at, self.has_opened) = (State::Open, now, true);
                self.until = after(now, self.policy.silence_ms);
            }
            return verdict;
        };
        self.lose(now, cause);
        self.retry_after_ms = head.retry_after_ms(&self.policy);
        if is_fatal {
            self.end = End::Failed;
        }
        // Nobody can read a body in a content coding.
        let is_readable = !matches!(cause, Cause::ContentCoding(_)) && !head.body().is_ended();
        if shows && self.policy.failed_body_ms > 0 && is_readable {
            self.state = State::Failed;
            self.until = after(now, self.policy.failed_body_ms);
        }
        verdict
    }

    /// Returns what becomes of a response, and whether a failure is the end.
    // Not inlined: LLVM would copy what follows into each of its branches.
    #[inline(never)]
    fn judge(&mut self, head: &Head<'_>) -> (Verdict, bool) {
        let status = head.status();
        match status {
            100 | 102..=199 => (Verdict::Informational, false),
            200 => (head.check(&self.policy).map_or_else(Verdict::Failed, |()| Verdict::Open), true),
            301 | 302 | 303 | 307 | 308 if !head.leads_on() || self.policy.redirects == 0 => {
                (Verdict::Failed(Cause::Redirect(status)), true)
            }
            301 | 302 | 303 | 307 | 308 if self.redirects < self.policy.redirects => {
                self.redirects += 1;
                self.state = State::Redirected;
                (Verdict::Redirect, false)
            }
            301 | 302 | 303 | 307 | 308 => (Verdict::Failed(Cause::Redirects(self.policy.redirects)), false),
            _ => {
                let is_passing = matches!(status, 408 | 425 | 429 | 500 | 502..=504);
                (Verdict::Failed(Cause::Status(status)), !(is_passing && self.policy.retries_statuses))
            }
        }
    }

    /// Notes that bytes were received, and returns what becomes of them.
    pub(super) fn on_bytes(&mut self, now: u64) -> Bytes {
        match self.state {
            State::Open => {
                if !self.policy.only_events_are_life {
                    self.until = after(now, self.policy.silence_ms);
                }
                if now >= after(self.at, self.policy.healthy_ms) {
                    (self.is_healthy, self.failures) = (true, 0);
                }
                Bytes::Parsed
            }
            State::Failed => Bytes::Shown,
            _ => Bytes::Skipped,
        }
    }

    pub(super) fn on_event(&mut self, now: u64) {
        (self.is_healthy, self.has_events, self.failures) = (true, true, 0);
        self.until = after(now, self.policy.silence_ms);
    }

    /// The connection is gone: `cause` if it was open.
    pub(super) fn on_lost(&mut self, now: u64, cause: Cause) {
        match self.state {
            State::Asked => self.lose(now, Cause::NoResponse),
            State::Open => self.lose(now, cause),
            State::Failed => self.state = State::Lost,
            // A redirect may be the last response of its connection.
            _ => {}
        }
    }

    /// Ends the reading of a failed response's body.
    pub(super) fn end_failed_body(&mut self) {
        self.state = State::Lost;
    }

    pub(super) fn close(&mut self) {
        (self.state, self.end) = (State::Closed, End::Close);
    }

    pub(super) fn restart(&mut self, now: u64) {
        if self.end != End::No {
            (self.end, self.failures) = (End::No, 0);
        } else if !matches!(self.state, State::Asked | State::Redirected | State::Open) {
            return;
        }
        (self.state, self.at, self.retry_after_ms, self.cause) = (State::Lost, now, 0, Cause::Restart);
    }

    /// Counts the attempt that ended.
    fn lose(&mut self, at: u64, cause: Cause) {
        (self.state, self.at, self.retry_after_ms, self.cause) = (State::Lost, at, 0, cause);
        if !self.is_healthy {
            self.failures = self.failures.saturating_add(1);
        }
        if !(self.has_opened || self.policy.retries_first) {
            self.end = End::Failed;
        }
    }

    /// Decides what follows a loss.
    fn settle(&mut self, retry: Option<u64>) {
        if self.end == End::No && self.failures >= self.policy.attempts && self.policy.attempts < u32::MAX {
            self.end = End::GaveUp;
        }
        if self.end != End::No {
            self.state = State::Closed;
            return;
        }
        self.until = after(self.at, self.wait(retry).max(self.retry_after_ms));
        self.state = State::Waiting;
    }

    /// Returns the time to wait before the next attempt, in milliseconds.
    fn wait(&mut self, retry: Option<u64>) -> u32 {
        let Policy { min_wait_ms: min, max_wait_ms: max, reconnection_time_ms, .. } = self.policy;
        let retry = retry.map_or(reconnection_time_ms, |retry| u32::try_from(retry).unwrap_or(u32::MAX));
        let mut wait = retry.max(min).min(max);
        if self.policy.doubles {
            let mut failures = self.failures;
            while failures > 1 && wait > 0 && wait < max {
                wait = wait.saturating_add(wait).min(max);
                failures -= 1;
            }
        }
        if self.policy.jitters && wait < u32::MAX {
            self.random ^= self.random << 13;
            self.random ^= self.random >> 17;
            self.random ^= self.random << 5;
            // A part of half the wait, in steps that keep the product below 32 bits.
            let (half, part) = (wait >> 1, self.random >> 20);
            let less = if half < 1 << 20 { (half * part) >> 12 } else { (half >> 12) * part };
            wait = (wait - less).max(min);
        }
        wait
    }
}

/// Returns the time `ms` after `at`; `u32::MAX` is never.
// Not inlined: the sum of 64 bits stands there once.
#[inline(never)]
fn after(at: u64, ms: u32) -> u64 {
    if ms == u32::MAX {
        return u64::MAX;
    }
    at.saturating_add(ms.into())
}
