/*!
The rules of HTTP that both ends of an event stream need: names and values, the media type, the resume ID, the framing of a
body.

Nothing here does I/O or allocates. All input may be hostile: every function takes any bytes and never panics. The head of a
response is read by [`client::Head`](crate::client::Head); that of a request is left to the server's HTTP stack, of which
a device needs [one file](https://github.com/ssewire/ssewire/blob/main/examples/netdevice/src/http.rs).

# A request

[`REQUEST_HEADERS`] are the fields of a request, apart from [`LAST_EVENT_ID`], and `Authorization` or the like:

| field | reason |
|---|---|
| `accept: text/event-stream` | servers that have several representations choose by it |
| `cache-control: no-cache` | a cache must not answer with events of an earlier request |
| `accept-encoding: identity` | a client that decodes nothing must not be sent gzip; one that decodes sends its own list |
| `last-event-id` | the server goes on after this ID; left out while there is none |

The names are in lower case, as HTTP/2 requires; HTTP/1.1 does not distinguish.

# A response

[`RESPONSE_HEADERS`] are the fields of a response:

| field | reason |
|---|---|
| `content-type: text/event-stream` | every client checks it; a `charset` other than UTF-8 makes Chromium fail |
| `cache-control: no-cache, no-transform` | no cache keeps the stream, and no proxy compresses it: a compressor collects bytes before it writes some |
| `x-accel-buffering: no` | nginx passes each byte on at once, in place of collecting a buffer of 4 or 8 KiB |

# Advice for servers

An event that is written is not yet an event that arrives. In order of frequency:

- **Compression layers collect bytes.** Leave event streams out of them: `tower_http`'s `CompressionLayer` does that by its default
  predicate, Express' `compression` needs `res.flush()` after each event or a filter, and `no-transform` stops it too.
- **Proxies collect bytes.** nginx obeys `x-accel-buffering: no`, or `proxy_buffering off`. Apache needs `flushpackets=on`, and
  `SetEnv no-gzip`. A CDN may wait for a full response whatever the fields say: try it.
- **`fetch` may wait for a first byte of the body.** Firefox does. Write a comment, `:\n\n`, together with the head. It also tells
  the client before the first event that the stream works.
- **Silent connections are cut.** Proxies and NATs cut after 30 to 120 seconds without a byte. Write a comment each 15 seconds, as the
  standard advises. The client's silence timeout ([`Policy::silence_ms`](crate::client::Policy::silence_ms)) needs it as well.
- **Nagle's algorithm delays small writes.** Set `TCP_NODELAY`, and write an event with one call, so that it is one segment.
- **Browsers open six connections a host over HTTP/1.1**, all tabs together. The seventh `EventSource` waits without an error. Use HTTP/2,
  or share one stream among tabs.
- **A gone client is noticed by writing.** The periodic comment also frees the memory of connections that nobody reads.
- **Answer 204 to end a stream.** It is the only answer that tells a browser not to come back without counting as a failure of the
  server. A response that ends makes every `EventSource` come back.
- **`event-source-polyfill` resumes by the query.** It sends `lastEventId=…` in the URL, and no `Last-Event-ID`. [`resume_id`] reads both.
- **A browser's `EventSource` sends no `Authorization`.** Take a cookie, or a token in the query that is good for this stream alone;
  a page of another origin needs CORS.
- **An event needs `data`.** A block of `event` or `id` alone is dispatched by no client.

# Examples

```
use ssewire::http;

assert!(http::is_event_stream(b"Text/Event-Stream; charset=utf-8"));

let mut buf = [0; 64];
let id = http::resume_id(None, Some(b"topic=a&lastEventId=4%2F1"), &mut buf)?;
assert_eq!(id, Some(&b"4/1"[..]));
# Ok::<(), ssewire::Error>(())
```
*/

mod body;
mod date;
mod media_type;
mod resume;

pub use body::{Body, InvalidChunk};
pub use date::date;
pub(crate) use media_type::MediaType;
pub use media_type::is_event_stream;
pub use resume::resume_id;

/// The media type of an event stream, as `Accept` and `Content-Type` name it.
#[doc(alias = "Content-Type")]
pub const MEDIA_TYPE: &str = "text/event-stream";

/// The name of the request's field for the last event ID.
#[doc(alias = "lastEventId")]
pub const LAST_EVENT_ID: &str = "last-event-id";

/// The name of the last event ID in a query, for clients that cannot set a field of the request.
pub const LAST_EVENT_ID_QUERY: &str = "lastEventId";

/// The fields of a request: name in lower case, and value. The [module](self) gives each one's reason.
pub const REQUEST_HEADERS: [(&str, &str); 3] =
    [("accept", MEDIA_TYPE), ("cache-control", "no-cache"), ("accept-encoding", "identity")];

/// The fields of a response: name in lower case, and value. The [module](self) gives each one's reason.
pub const RESPONSE_HEADERS: [(&str, &str); 3] =
    [("content-type", MEDIA_TYPE), ("cache-control", "no-cache, no-transform"), ("x-accel-buffering", "no")];

/// Returns `value` without the blanks and tabs at its ends.
pub(crate) fn trim(value: &[u8]) -> &[u8] {
    let mut value = value;
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// Returns the bytes before the first `separator`, and those after it, if there is one. Separators in double quotes do not
/// count.
pub(crate) fn split(list: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    let mut is_quoted = false;
    let mut is_escaped = false;
    for (i, &byte) in list.iter().enumerate() {
        if byte == separator && !is_quoted {
            let (before, after) = list.split_at_checked(i).unwrap_or_default();
            return (before, after.get(1..));
        }
        is_quoted ^= byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && is_quoted && !is_escaped;
    }
    (list, None)
}

/// Returns the number that `digits` are, or a number beyond 99 999 999 if they are a larger one; `None` if they are none or not
/// digits.
pub(crate) fn number(digits: &[u8]) -> Option<u32> {
    let mut number = None;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        let before = number.unwrap_or(0);
        // Not saturating: without a product of 64 bits in the processor, that would link a routine for it.
        number = Some(if before > 99_999_999 { before } else { before * 10 + u32::from(digit) });
    }
    number
}
