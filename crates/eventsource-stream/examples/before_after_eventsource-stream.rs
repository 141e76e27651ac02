//! How long the original takes for an event, and how long this crate:
//! `cargo run --profile lto -p ssewire-eventsource-stream --example before_after_eventsource-stream`.

use futures::{StreamExt, executor::block_on, stream};

#[path = "../../measure.rs"]
mod measure;

use measure::{Count, compare, head, line, make};

macro_rules! reader {
    ($name:ident, $subject:ident) => {
        fn $name(chunks: &[&[u8]]) -> Count {
            let mut events = $subject::EventStream::new(stream::iter(chunks.iter().map(Ok::<_, ()>)));
            let mut count = Count::default();
            block_on(async {
                while let Some(event) = events.next().await {
                    let event = event.expect("an event");
                    count.events += 1;
                    count.data += event.data.len();
                }
            });
            count
        }
    };
}

reader!(before, original);
reader!(after, eventsource_stream);

fn main() {
    head("eventsource-stream 0.2.3");
    for name in ["openai", "anthropic", "telemetry", "multiline", "cjk"] {
        let workload = make(name, 1 << 18);
        let stream = (workload.stream.clone(), workload.expected);
        compare(&format!("{name}, chunks of 1460 bytes"), &stream, 1460, Some(before), after);
        compare(&format!("{name}, one chunk of 256 KiB"), &stream, usize::MAX, Some(before), after);
    }
    for size in [1 << 18, 1 << 19, 1 << 20, 1 << 21] {
        compare(&format!("one line of {} KiB, chunks of 1460", size >> 10), &line(size), 1460, Some(before), after);
    }
    compare("one line of 8 MiB, chunks of 1460", &line(8 << 20), 1460, None, after);
}
