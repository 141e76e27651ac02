//! How long the original takes for an event, and how long this crate: `cargo run --profile lto -p ssewire-sse-core --example before_after_sse-core`.

#[path = "../../measure.rs"]
mod measure;

use measure::{Count, compare, head, line, make};

macro_rules! reader {
    ($name:ident, $subject:ident) => {
        fn $name(chunks: &[&[u8]]) -> Count {
            // The limit of 512 KiB would be in the way of the long lines.
            let mut decoder = $subject::SseDecoder::with_limit(std::num::NonZeroUsize::MAX);
            let mut count = Count::default();
            for &(mut chunk) in chunks {
                while let Some(event) = decoder.next(&mut chunk) {
                    if let $subject::SseEvent::Message(message) = event.expect("an event") {
                        count.events += 1;
                        count.data += message.data.len();
                    }
                }
            }
            count
        }
    };
}

reader!(before, original);
reader!(after, sse_core);

fn main() {
    head("sse-core 0.2.3");
    for name in ["openai", "anthropic", "telemetry", "multiline", "large", "cjk"] {
        let workload = make(name, 1 << 20);
        let stream = (workload.stream.clone(), workload.expected);
        for (chunk, size) in
            [("one chunk", usize::MAX), ("chunks of 1460", 1460), ("chunks of 128", 128), ("chunks of 16", 16)]
        {
            compare(&format!("{name}, {chunk}"), &stream, size, Some(before), after);
        }
    }
    for size in [1 << 20, 8 << 20] {
        compare(&format!("one line of {} MiB, chunks of 1460", size >> 20), &line(size), 1460, Some(before), after);
    }
}
