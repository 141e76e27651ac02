//! Writing: events of several kinds, in every way that a frame can be written.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ssewire::Frame;
use std::hint::black_box;
use std::time::Duration;

struct Event {
    name: &'static str,
    event_type: &'static str,
    id: &'static str,
    data: String,
    /// Bytes on the wire, counted by hand.
    len: usize,
}

impl Event {
    fn frame(&self) -> Frame<'_> {
        let frame = Frame::new();
        let frame = match self.event_type {
            "" => frame,
            event_type => frame.event_type(event_type).expect("no line end"),
        };
        match self.id {
            "" => frame,
            id => frame.id(id).expect("no line end, no NUL"),
        }
    }
}

fn write(criterion: &mut Criterion) {
    let line = "abcdefghij".repeat(4);
    let events = [
        Event { name: "small", event_type: "t", id: "123456", data: "21.50".into(), len: 9 + 11 + 12 + 1 },
        Event { name: "llm", event_type: "", id: "", data: "abcdefghijklm".repeat(20), len: 6 + 260 + 2 },
        Event { name: "multiline", event_type: "", id: "", data: [&*line; 8].join("\n"), len: 8 * (6 + 40 + 1) + 1 },
    ];
    for event in &events {
        let mut out = [0; 1024];
        let mut group = criterion.benchmark_group(format!("write/{}", event.name));
        group.throughput(Throughput::Bytes(event.len as u64));
        group.bench_function("write_to_slice", |bencher| {
            bencher.iter(|| {
                let event = black_box(event);
                let len = event.frame().data(&event.data).write_to_slice(&mut out).expect("room");
                assert_eq!(len, event.len);
                black_box(&out);
            });
        });
        group.bench_function("encoder", |bencher| {
            let mut tx = [0; 64];
            bencher.iter(|| {
                let event = black_box(event);
                let mut encoder = event.frame().data(&event.data).encoder();
                let mut len = 0;
                while let n @ 1.. = encoder.fill(&mut tx) {
                    len += n;
                    black_box(&tx);
                }
                assert_eq!(len, event.len);
            });
        });
        group.bench_function("parts", |bencher| {
            bencher.iter(|| {
                let event = black_box(event);
                let mut len = 0;
                for part in event.frame().data(&event.data).parts() {
                    len += black_box(part).len();
                }
                assert_eq!(len, event.len);
            });
        });
        group.bench_function("data_fmt", |bencher| {
            bencher.iter(|| {
                let event = black_box(event);
                let frame = event.frame();
                let len = frame.data_fmt(format_args!("{}", event.data)).write_to_slice(&mut out).expect("room");
                assert_eq!(len, event.len);
                black_box(&out);
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = write
}
criterion_main!(benches);
