use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures::channel::mpsc;
use futures::stream::FusedStream;
use futures::{FutureExt, StreamExt};

use super::subject::{
    MessageEvent, PayloadTooLargeError, SseDecoder, SseEvent, SseRetryConfig, SseStream, SseStreamError,
};

type Results = Vec<Result<SseEvent, PayloadTooLargeError>>;

/// An event; an empty `id` is none.
fn message(event: &'static str, data: &str, id: &str) -> SseEvent {
    let last_event_id = (!id.is_empty()).then(|| id.into());
    SseEvent::Message(MessageEvent { event: event.into(), data: data.into(), last_event_id })
}

fn drain(decoder: &mut SseDecoder, mut input: impl Buf) -> Results {
    let found = std::iter::from_fn(|| decoder.next(&mut input)).collect();
    assert!(!input.has_remaining());
    found
}

/// Reads `bytes` whole, split in two at every place, and byte by byte, as slices and as a `Buf` of two parts.
fn assert_reads(limit: usize, bytes: &[u8], expected: &Results) {
    let decoder = || SseDecoder::with_limit(NonZeroUsize::new(limit).unwrap());
    for at in 0..=bytes.len() {
        let (one, two) = bytes.split_at(at);
        let mut cut = decoder();
        let mut found = drain(&mut cut, one);
        found.extend(drain(&mut cut, two));
        assert_eq!(&found, expected, "{:?} cut at {at}", String::from_utf8_lossy(bytes));
        assert_eq!(&drain(&mut decoder(), one.chain(two)), expected);
    }
    let mut cut = decoder();
    let found: Results = bytes.chunks(1).flat_map(|byte| drain(&mut cut, byte)).collect();
    assert_eq!(&found, expected, "{:?} byte by byte", String::from_utf8_lossy(bytes));
}

#[test]
fn fields() {
    let cases: &[(&[u8], &[SseEvent])] = &[
        (b"", &[]),
        (b"data: Hello\n\n", &[message("message", "Hello", "")]),
        (b"data: unfinished\n", &[]),
        (b"data:  one space is kept\n\n", &[message("message", " one space is kept", "")]),
        (b"data:a\ndata: b\ndata\n\n", &[message("message", "a\nb\n", "")]),
        (b"data\n\ndata:\n\n", &[message("message", "", ""), message("message", "", "")]),
        (b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n", &[message("message", "a", "")]),
        (b"\xef\xbbdata: a\n\ndata: b\n\n", &[message("message", "b", "")]),
        (b"event: add\ndata: 1\n\ndata: 2\n\n", &[message("add", "1", ""), message("message", "2", "")]),
        (
            b"event: a\nevent\ndata: 1\n\nevent: b\n\ndata: 2\n\n",
            &[message("message", "1", ""), message("message", "2", "")],
        ),
        (
            b"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n",
            &[message("message", "a", "1"), message("message", "b", "1"), message("message", "c", "")],
        ),
        (b"id: 1\n\nid: 2\nid: a\0b\ndata: a\n\nid: 3\ndata: b", &[message("message", "a", "2")]),
        (
            b"retry: 5\ndata: a\nretry: 6\n\nretry: 7\n",
            &[SseEvent::Retry(5), SseEvent::Retry(6), message("message", "a", ""), SseEvent::Retry(7)],
        ),
        (b"retry: x\nretry:\nretry\nretry: 5 \nretry: +5\nretry:5x\nretry: 4294967296\n\n", &[]),
        (
            b"retry: 4294967295\nretry:0\nretry: 007\n",
            &[SseEvent::Retry(u32::MAX), SseEvent::Retry(0), SseEvent::Retry(7)],
        ),
        (b":\n\n: keep-alive\n\n:data: a\ndata: b\n\n", &[message("message", "b", "")]),
        (b"Data: a\ndata : b\n data: c\ndat\nunknown: d\ndata: e\n\n", &[message("message", "e", "")]),
        ("data: é世🚀\nid: 世\nevent: 🚀\n\n".as_bytes(), &[message("🚀", "é世🚀", "世")]),
        (
            b"data: a\xff\xed\xa0\x80b\nid: \xf0\x9f\nevent: \xff\n\n",
            &[message("\u{fffd}", "a\u{fffd}\u{fffd}\u{fffd}\u{fffd}b", "\u{fffd}")],
        ),
    ];
    for (bytes, expected) in cases {
        let expected = expected.iter().cloned().map(Ok).collect();
        assert_reads(1000, bytes, &expected);
        let replaced = |end: &[u8]| bytes.split(|&byte| byte == b'\n').collect::<Vec<_>>().join(end);
        assert_reads(1000, &replaced(b"\r\n"), &expected);
        assert_reads(1000, &replaced(b"\r"), &expected);
    }
}

#[test]
fn limits() {
    let too_large = || Err(PayloadTooLargeError);
    let cases: &[(&str, Results)] = &[
        // Data, event type and ID each have the whole limit.
        ("data: 12345678\nid: 12345678\nevent: 12345678\n\n", vec![Ok(message("12345678", "12345678", "12345678"))]),
        (
            "data: 123456789\n\ndata: a\n\ndata: bc\n\ndata: d\n\n",
            [too_large()].into_iter().chain(["a", "bc", "d"].map(|data| Ok(message("message", data, "")))).collect(),
        ),
        ("event: 123456789\ndata: x\n\ndata: a\n\n", vec![too_large(), Ok(message("message", "a", ""))]),
        // The ID of an event that is too large is not committed, nor is any in the rest of it.
        ("id: 123456789\nid: 1\ndata: x\n\ndata: a\n\n", vec![too_large(), Ok(message("message", "a", ""))]),
        ("id: 1\ndata: 123456789\nid: 2\n\ndata: a\n\n", vec![too_large(), Ok(message("message", "a", ""))]),
        // The lines of the data count together, with one LF between each two.
        ("data: 123\ndata: 4567\n\n", vec![Ok(message("message", "123\n4567", ""))]),
        ("data: 123\ndata: 45678\n\n", vec![too_large()]),
        (
            "data\ndata\ndata\ndata\ndata\ndata\ndata\ndata\ndata\n\n",
            vec![Ok(message("message", "\n\n\n\n\n\n\n\n", ""))],
        ),
        ("data\ndata\ndata\ndata\ndata\ndata\ndata\ndata\ndata\ndata\n\n", vec![too_large()]),
        // Reported once; a retry after it takes effect.
        (
            "data: 123456789\ndata: 123456789\nretry: 10\n\nevent: e\ndata\n\n",
            vec![too_large(), Ok(SseEvent::Retry(10)), Ok(message("e", "", ""))],
        ),
    ];
    for (text, expected) in cases {
        assert_reads(8, text.as_bytes(), expected);
    }
    let half = "x".repeat(256 * 1024);
    let whole = format!("data:{half}{half}\n\ndata:{half}{half}x\n\n");
    let found = drain(&mut SseDecoder::default(), whole.as_bytes());
    assert!(found.len() == 2 && found[0].is_ok() && found[1].is_err());
}

#[test]
fn a_decoder_reconnects() {
    let mut decoder = SseDecoder::new();
    assert_eq!(decoder.last_event_id(), None);
    assert_eq!(drain(&mut decoder, &b"id: 1\n\nid: 2\nevent: e\ndata: unfin"[..]), []);
    assert_eq!(decoder.last_event_id().map(|id| &**id), Some("1"));
    let mut other = decoder.clone();
    decoder.reconnect();
    assert_eq!(drain(&mut decoder, &b"\xef\xbb\xbfdata: a\n\n"[..]), [Ok(message("message", "a", "1"))]);
    decoder.reconnect_with_id(Some("7".into()));
    assert_eq!(drain(&mut decoder, &b"data: b\n\n"[..]), [Ok(message("message", "b", "7"))]);
    decoder.clear();
    assert_eq!(drain(&mut decoder, &b"data: c\n\n"[..]), [Ok(message("message", "c", ""))]);
    assert_eq!(drain(&mut other, &b"ished\n\n"[..]), [Ok(message("e", "unfinished", "2"))]);
    assert!(format!("{other:?}").starts_with("SseDecoder {"));
}

#[test]
fn a_stream_passes_errors_on_and_ends() {
    let (sender, bytes) = mpsc::unbounded();
    let mut events = SseStream::new(bytes);
    sender.unbounded_send(Ok(Bytes::from("data: 1\n\ndata: 2\n\nda"))).unwrap();
    for data in ["1", "2"] {
        assert_eq!(events.next().now_or_never(), Some(Some(Ok(message("message", data, "")))));
    }
    assert_eq!(events.next().now_or_never(), None);
    sender.unbounded_send(Err("reset")).unwrap();
    sender.unbounded_send(Ok(Bytes::from("ta: 3\n\ndata:"))).unwrap();
    drop(sender);
    assert_eq!(events.next().now_or_never(), Some(Some(Err(SseStreamError::Inner("reset")))));
    assert_eq!(events.next().now_or_never(), Some(Some(Ok(message("message", "3", "")))));
    assert!(!events.is_closed() && !events.is_terminated());
    assert_eq!(events.next().now_or_never(), Some(None));
    assert!(events.is_closed() && events.is_terminated());
    assert_eq!(events.next().now_or_never(), Some(None));
}

#[test]
fn a_stream_is_attached_and_closed() {
    let chunks = |text: &'static str| futures::stream::iter([Ok::<_, ()>(text.as_bytes())]);
    let mut events = SseStream::with_decoder(SseDecoder::with_limit(NonZeroUsize::new(4).unwrap()));
    assert!(events.is_closed());
    assert_eq!(events.next().now_or_never(), Some(None));
    let mut next = |attach: &dyn Fn(&mut SseStream<_>)| {
        attach(&mut events);
        (events.next().now_or_never(), events.last_event_id().map(|id| id.to_string()))
    };
    let found = |data, id| Some(Some(Ok(message("message", data, id))));
    let id = |id: &str| Some(id.to_string());
    assert_eq!(next(&|events| events.attach(chunks("id: 1\ndata: a\n\nda"))), (found("a", "1"), id("1")));
    assert_eq!(next(&|events| events.attach(chunks("data: b\n\n"))), (found("b", "1"), id("1")));
    assert_eq!(
        next(&|events| events.attach_with_id(chunks("data: c\n\n"), Some("5".into()))),
        (found("c", "5"), id("5"))
    );
    assert_eq!(next(&|events| events.clear_and_attach(chunks("data: d\n\n"))), (found("d", ""), None));
    assert_eq!(next(&|events| events.close_with_id(Some("6".into()))), (Some(None), id("6")));
    assert_eq!(next(&SseStream::close), (Some(None), id("6")));
    let too_large = Some(Some(Err(SseStreamError::PayloadTooLarge(PayloadTooLargeError))));
    assert_eq!(next(&|events| events.attach(chunks("data: 12345\n\n"))), (too_large, id("6")));
    assert_eq!(next(&SseStream::close_and_clear), (Some(None), None));
    assert_eq!(drain(&mut events.take_decoder(), &b"data: 1234\n\n"[..]), [Ok(message("message", "1234", ""))]);
    assert!(SseStream::<futures::stream::Empty<Result<Bytes, ()>>>::default().is_closed());
}

#[test]
fn the_wait_before_a_reconnection() {
    let steady = SseRetryConfig { jitter: false, ..SseRetryConfig::new() };
    let jitter = SseRetryConfig::default();
    let level = SseRetryConfig { backoff_multiplier: f32::NAN, ..steady };
    let cases = [
        (steady, 0, 0, 0.0, Some(200)),
        (steady, 1000, 0, 0.0, Some(1000)),
        (steady, 1000, 3, 0.0, Some(8000)),
        (steady, 1000, 19, 0.0, Some(60_000)),
        (steady, 1000, 20, 0.0, None),
        (steady, 100_000, 0, 0.0, Some(60_000)),
        (jitter, 1000, 0, 0.5, Some(1000)),
        (jitter, 1000, 3, 0.0, Some(1000)),
        (jitter, 1000, 3, 0.5, Some(4500)),
        (jitter, 1000, 3, 1.0, Some(8000)),
        (jitter, 1000, 3, f32::NAN, Some(8000)),
        (jitter, 1000, 3, -1.0, Some(8000)),
        (level, 1000, 5, 0.0, Some(1000)),
        (SseRetryConfig { backoff_multiplier: 0.5, ..steady }, 1000, 5, 0.0, Some(1000)),
        (SseRetryConfig { backoff_multiplier: f32::MAX, ..steady }, 1000, 5, 0.0, Some(60_000)),
        (SseRetryConfig::disabled(), 1000, 0, 0.0, None),
    ];
    for (config, reconnect_time, attempt, factor, expected) in cases {
        let wait = config.calculate_backoff_with_factor(reconnect_time, attempt, factor);
        assert_eq!(wait, expected.map(Duration::from_millis), "{config:?} {reconnect_time} {attempt} {factor}");
    }
    let wait = jitter.calculate_backoff(1000, 3).unwrap();
    assert!((Duration::from_millis(1000)..=Duration::from_millis(8000)).contains(&wait));
    let impossible = SseRetryConfig { min_sleep_ms: 2, max_backoff_ms: 1, ..steady };
    assert!(std::panic::catch_unwind(|| impossible.calculate_backoff_with_factor(0, 0, 0.0)).is_err());
}

#[test]
fn types() {
    fn is_error(error: impl std::error::Error + Send + Sync + 'static) -> String {
        error.to_string()
    }
    let text = "payload exceeded the allotted buffer size limit";
    assert_eq!(is_error(PayloadTooLargeError), text);
    let error: SseStreamError<std::fmt::Error> = SseStreamError::PayloadTooLarge(PayloadTooLargeError);
    assert_eq!(is_error(error), text);
    assert_eq!(is_error(SseStreamError::from(std::fmt::Error)), std::fmt::Error.to_string());
}

#[cfg(feature = "serde")]
#[test]
fn serde() {
    let event = message("e", "d", "i");
    let json = serde_json::to_value(&event).unwrap();
    assert_eq!(json, serde_json::json!({"Message": {"event": "e", "data": "d", "last_event_id": "i"}}));
    assert_eq!(serde_json::from_value::<SseEvent>(json).unwrap(), event);
    assert_eq!(serde_json::to_string(&PayloadTooLargeError).unwrap(), "null");
}
