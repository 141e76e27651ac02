/// The rules of a [`Client`](super::Client) that the standard fixes and that people want otherwise: waits, limits, timeouts.
///
/// Start from [`ROBUST`](Policy::ROBUST) or [`BROWSER`](Policy::BROWSER) and change fields. All times are in milliseconds;
/// [`u32::MAX`], which is 49 days, is never.
///
/// | field | `ROBUST` | `BROWSER` |
/// |---|--:|--:|
/// | [`reconnection_time_ms`](Policy::reconnection_time_ms) | 1000 | 3000 |
/// | [`min_wait_ms`](Policy::min_wait_ms) | 100 | 0 |
/// | [`max_wait_ms`](Policy::max_wait_ms) | 30 000 | never |
/// | [`doubles`](Policy::doubles), [`jitters`](Policy::jitters) | yes | no |
/// | [`attempts`](Policy::attempts) | 30 | no limit |
/// | [`retries_first`](Policy::retries_first) | yes | yes |
/// | [`retries_statuses`](Policy::retries_statuses) | yes | no |
/// | [`max_retry_after_ms`](Policy::max_retry_after_ms) | 300 000 | 0 |
/// | [`retry_after_date`](Policy::retry_after_date) | [`http::date`](crate::http::date) | none |
/// | [`healthy_ms`](Policy::healthy_ms) | 60 000 | never |
/// | [`head_ms`](Policy::head_ms) | 30 000 | never |
/// | [`silence_ms`](Policy::silence_ms) | 120 000 | never |
/// | [`only_events_are_life`](Policy::only_events_are_life) | no | no |
/// | [`failed_body_ms`](Policy::failed_body_ms) | 1000 | 0 |
/// | [`redirects`](Policy::redirects) | 5 | 20 |
/// | [`trusts_redirects`](Policy::trusts_redirects) | no | yes |
/// | [`rejects_codings`](Policy::rejects_codings) | yes | no |
/// | [`accepts_untyped`](Policy::accepts_untyped) | no | no |
/// | [`max_id_len`](Policy::max_id_len) | 4096 | none |
/// | [`takes_unfinished`](Policy::takes_unfinished) | no | no |
///
/// # Examples
///
/// ```
/// use ssewire::client::Policy;
///
/// const PATIENT: Policy = {
///     let mut policy = Policy::ROBUST;
///     policy.attempts = u32::MAX;
///     policy.silence_ms = 600_000;
///     policy
/// };
/// assert_eq!(PATIENT.min_wait_ms, 100);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Policy {
    /// The reconnection time until the stream sets one by `retry`.
    pub reconnection_time_ms: u32,
    /// The shortest wait before a connection, whatever `retry` says. It bounds the connections in a second.
    pub min_wait_ms: u32,
    /// The longest wait before a connection, whatever `retry` says and however often it failed.
    pub max_wait_ms: u32,
    /// Each failed attempt in a row doubles the wait.
    pub doubles: bool,
    /// Waits are shortened by a random part of up to a half, so that clients that lost the same server come back apart.
    pub jitters: bool,
    /// The failed attempts in a row after which the client closes; `u32::MAX` sets none. An attempt has failed if its
    /// connection brought neither an event nor bytes for [`healthy_ms`](Policy::healthy_ms). So it does not bound how often a
    /// request is sent that a server answers and cuts off.
    pub attempts: u32,
    /// A failure is followed by another attempt also while no connection was ever open.
    pub retries_first: bool,
    /// The statuses 408, 425, 429, 500, 502, 503 and 504 are followed by another attempt. All others but 200 and redirects
    /// close the client.
    pub retries_statuses: bool,
    /// The longest wait that `Retry-After` causes; 0 ignores it. Neither [`max_wait_ms`](Policy::max_wait_ms) nor
    /// [`jitters`](Policy::jitters) shortens it.
    pub max_retry_after_ms: u32,
    /// The parser of dates in `Retry-After` and `Date`, in seconds. `None` ignores a `Retry-After` that is a date, and leaves
    /// the code for dates out of a firmware.
    // An alias would be one more name to know.
    #[allow(clippy::type_complexity)]
    pub retry_after_date: Option<fn(&[u8]) -> Option<u32>>,
    /// A connection that still brings bytes so long after its head has not failed, even without events.
    pub healthy_ms: u32,
    /// The longest time from [`Connect`](super::Action::Connect) to the head of the response, redirects included.
    pub head_ms: u32,
    /// The longest time without a byte of the body. Servers send comments to stay below it.
    pub silence_ms: u32,
    /// Only events end a silence; comments and other bytes do not.
    pub only_events_are_life: bool,
    /// The longest time to read the first bytes of a failed response's body, for [`excerpt`](super::Client::excerpt).
    pub failed_body_ms: u32,
    /// The redirects that one attempt follows. With 0, a redirect closes the client, as one without a location does. More of
    /// them than that are a failed attempt.
    pub redirects: u8,
    /// The last event ID and credentials also go to another origin, if a redirect leads there. The machine knows no origins:
    /// the transport asks for this.
    pub trusts_redirects: bool,
    /// A content coding is a failure. Without this, the transport decodes the codings that it asked for.
    pub rejects_codings: bool,
    /// A response without a `Content-Type` is an event stream.
    pub accepts_untyped: bool,
    /// The longest last event ID to send, in bytes. A longer one, or one with a control character other than a tab, is left out
    /// of requests, since most HTTP stacks reject it. `None` sends every ID.
    pub max_id_len: Option<usize>,
    /// An event without its last blank line is delivered when a response ends regularly, by
    /// [`take_unfinished`](super::Client::take_unfinished).
    pub takes_unfinished: bool,
}

impl Policy {
    /// Bounded in every direction; the default.
    pub const ROBUST: Policy = Policy {
        reconnection_time_ms: 1000,
        min_wait_ms: 100,
        max_wait_ms: 30_000,
        doubles: true,
        jitters: true,
        attempts: 30,
        retries_first: true,
        retries_statuses: true,
        max_retry_after_ms: 300_000,
        retry_after_date: Some(crate::http::date),
        healthy_ms: 60_000,
        head_ms: 30_000,
        silence_ms: 120_000,
        only_events_are_life: false,
        failed_body_ms: 1000,
        redirects: 5,
        trusts_redirects: false,
        rejects_codings: true,
        accepts_untyped: false,
        max_id_len: Some(4096),
        takes_unfinished: false,
    };

    /// The rules of Chromium's `EventSource`: no limit, no growth, no timeout. A server can make such a client connect hundreds
    /// of times in a second.
    pub const BROWSER: Policy = Policy {
        reconnection_time_ms: 3000,
        min_wait_ms: 0,
        max_wait_ms: u32::MAX,
        doubles: false,
        jitters: false,
        attempts: u32::MAX,
        retries_first: true,
        retries_statuses: false,
        max_retry_after_ms: 0,
        retry_after_date: None,
        healthy_ms: u32::MAX,
        head_ms: u32::MAX,
        silence_ms: u32::MAX,
        only_events_are_life: false,
        failed_body_ms: 0,
        redirects: 20,
        trusts_redirects: true,
        rejects_codings: false,
        accepts_untyped: false,
        max_id_len: None,
        takes_unfinished: false,
    };
}

impl Default for Policy {
    fn default() -> Policy {
        Policy::ROBUST
    }
}
