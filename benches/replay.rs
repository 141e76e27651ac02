//! The replay ring: a push when it is full, beside a queue of vectors that holds as many bytes, and the answer to a last
//! event ID.

use std::collections::VecDeque;
use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ssewire::Frame;
use ssewire::replay::{Resume, Ring};

const CAPACITY: usize = 64 * 1024;

fn push(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("replay/push");
    for size in [20, 100, 1024, 8192] {
        let data = "x".repeat(size);
        let frame = Frame::new().id("1732000000-17").expect("no line end").data(&data);
        let len = frame.encoded_len();
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_function(format!("ring/{size}"), |bencher| {
            let mut ring = Ring::new(vec![0; CAPACITY].leak());
            (0..CAPACITY / len + 1).for_each(|_| ring.push(&frame).expect("room"));
            bencher.iter(|| {
                ring.push(black_box(&frame)).expect("room");
                assert!(ring.len() + len > CAPACITY);
            });
        });
        group.bench_function(format!("queue/{size}"), |bencher| {
            let mut queue = VecDeque::new();
            let mut held = 0;
            bencher.iter(|| {
                let frame = black_box(&frame);
                let mut wire = vec![0; frame.encoded_len()];
                let len = frame.write_to_slice(&mut wire).expect("room");
                while held + len > CAPACITY {
                    held -= queue.pop_front().map_or(0, |wire: Vec<u8>| wire.len());
                }
                held += len;
                queue.push_back(wire);
            });
        });
    }
}

fn since(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("replay/since");
    for capacity in [1024, CAPACITY, 1 << 20] {
        let mut ring = Ring::<_, 64>::with_marks(vec![0; capacity].leak());
        let data = "x".repeat(80);
        let mut id = 0;
        let mut position = 0;
        while position < 2 * capacity {
            id += 1;
            let text = id.to_string();
            let frame = Frame::new().id(&text).expect("no line end").data(&data);
            ring.push(&frame).expect("room");
            position += frame.encoded_len();
        }
        let newest = id.to_string();
        group.bench_function(format!("number/{capacity}"), |bencher| {
            bencher.iter(|| assert_eq!(ring.since(black_box(newest.as_bytes())), Resume::From(ring.live())));
        });
        group.bench_function(format!("text/{capacity}"), |bencher| {
            bencher.iter(|| assert_eq!(ring.since(black_box(b"none")), Resume::Unknown));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = push, since
}
criterion_main!(benches);
