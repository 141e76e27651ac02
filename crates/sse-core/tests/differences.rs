//! The known differences between this crate and the original: each test asserts the behaviour of both.

use std::iter::from_fn;
use std::num::NonZeroUsize;

/// Once an event was large, the original gives the data of every event after it as much memory. Here each takes as
/// much as it needs.
#[test]
fn the_memory_of_an_event_behind_a_large_one() {
    const LARGE: usize = 100_000;
    let stream = format!("data: {}\n\ndata: small\n\ndata: small\n\n", "x".repeat(LARGE));
    let capacities = |data: Vec<String>| -> Vec<usize> { data[1..].iter().map(String::capacity).collect() };

    let (mut decoder, mut input) = (sse_core::SseDecoder::new(), stream.as_bytes());
    let ours = from_fn(|| match decoder.next(&mut input)? {
        Ok(sse_core::SseEvent::Message(message)) => Some(message.data),
        other => panic!("{other:?}"),
    });
    assert!(capacities(ours.collect()).iter().all(|&capacity| capacity < 100));

    let (mut decoder, mut input) = (original::SseDecoder::new(), stream.as_bytes());
    let original = from_fn(|| match decoder.next(&mut input)? {
        Ok(original::SseEvent::Message(message)) => Some(message.data),
        other => panic!("{other:?}"),
    });
    assert!(capacities(original.collect()).iter().all(|&capacity| capacity >= LARGE));
}

/// The `Debug` output of a decoder: the original shows its buffers as well.
#[test]
fn what_a_decoder_prints() {
    let mut input = &b"id: 7\n\ndata: unfinished"[..];
    let mut decoder = sse_core::SseDecoder::with_limit(NonZeroUsize::new(100).unwrap());
    assert!(decoder.next(&mut input).is_none());
    assert_eq!(format!("{decoder:?}"), r#"SseDecoder { last_event_id: Some("7"), max_payload_size: 100, .. }"#);
    assert!(format!("{:?}", original::SseDecoder::new()).contains("data_buf"));
}

/// Apart from the above both say the same: four thousand streams of every kind of line, split at random, with a small
/// limit.
#[test]
fn nothing_else() {
    const LINES: [&[u8]; 20] = [
        b"data: a",
        b"data:b: c",
        b"data",
        b"data:",
        b"data: 12345678",
        b"data: \xe4\xb8\x96\xff",
        b"event: x",
        b"event",
        b"event: 12345678901",
        b"id: 1",
        b"id: \xff",
        b"id",
        b"id: a\0b",
        b"id: 12345678901",
        b"retry: 12",
        b"retry: x",
        b": comment",
        b"unknown: x",
        b"",
        b"",
    ];
    let mut state = 1_u64;
    let mut below = |n: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % n
    };
    let limit = NonZeroUsize::new(10).unwrap();
    for _ in 0..4000 {
        let mut stream = [&b""[..], b"\xef\xbb\xbf", b"\xef\xbb"][below(3)].to_vec();
        for _ in 0..below(30) {
            stream.extend(LINES[below(LINES.len())]);
            stream.extend([&b"\n"[..], b"\r", b"\r\n"][below(3)]);
        }
        let mut ours = sse_core::SseDecoder::with_limit(limit);
        let mut original = original::SseDecoder::with_limit(limit);
        let mut rest = &stream[..];
        while !rest.is_empty() {
            let (mut chunk, behind) = rest.split_at(1 + below(rest.len().min(40)));
            let mut same = chunk;
            let ours: Vec<_> = from_fn(|| ours.next(&mut chunk)).map(|found| format!("{found:?}")).collect();
            let original: Vec<_> = from_fn(|| original.next(&mut same)).map(|found| format!("{found:?}")).collect();
            assert_eq!(ours, original, "{:?}", String::from_utf8_lossy(&stream));
            rest = behind;
        }
        assert_eq!(ours.last_event_id(), original.last_event_id());
    }
}
