//! One event, ever larger: the throughput must stay the same, or some work would be done again and again.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ssewire::{Parser, Storage};
use std::hint::black_box;
use std::time::Duration;

const KIB: usize = 1024;
/// The bytes of one short `data` line on the wire.
const LINE: &str = "data: twenty-five bytes of data\n";

fn growth(criterion: &mut Criterion) {
    for shape in ["one-line", "short-lines"] {
        for chunk_size in [16, 1460] {
            let mut group = criterion.benchmark_group(format!("growth/{shape}/{chunk_size}"));
            for size in [64 * KIB, 256 * KIB, 1024 * KIB, 4096 * KIB] {
                let (stream, data) = event(shape, size);
                let chunks: Vec<&[u8]> = stream.as_bytes().chunks(chunk_size).collect();
                let mut buffer = vec![0; size];
                group.throughput(Throughput::Bytes(stream.len() as u64));
                let kib = size / KIB;
                group.bench_function(BenchmarkId::new("fixed", kib), |bencher| {
                    bencher.iter(|| assert_eq!(read(Parser::with_buffer(&mut buffer), black_box(&chunks)), (1, data)));
                });
                // This one starts at nothing each time, so its allocations are timed as well.
                group.bench_function(BenchmarkId::new("growable", kib), |bencher| {
                    bencher.iter(|| assert_eq!(read(Parser::with_limit(size), black_box(&chunks)), (1, data)));
                });
            }
        }
    }
}

/// An event of `size` bytes on the wire, but for its blank line, and the length of its data.
fn event(shape: &str, size: usize) -> (String, usize) {
    match shape {
        "one-line" => {
            let data = size - "data: \n".len();
            (format!("data: {}\n\n", "x".repeat(data)), data)
        }
        _ => {
            let lines = size / LINE.len();
            (LINE.repeat(lines) + "\n", lines * (LINE.len() - "data: ".len()) - 1)
        }
    }
}

/// The number of events, and of the bytes of their data.
fn read<S: Storage>(mut parser: Parser<S>, chunks: &[&[u8]]) -> (usize, usize) {
    let (mut events, mut data) = (0, 0);
    for &chunk in chunks {
        let mut input = chunk;
        while let Some(event) = parser.next(&mut input).expect("room for the event") {
            events += 1;
            data += black_box(event.data()).len();
        }
    }
    (events, data)
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = growth
}
criterion_main!(benches);
