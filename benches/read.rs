//! Reading: streams of several kinds, cut in several ways.

mod workloads;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ssewire::tokenizer::{Token, Tokenizer};
use ssewire::{Field, Parser};
use std::hint::black_box;
use std::time::Duration;
use workloads::Count;

const SIZE: usize = 1024 * 1024;

fn read(criterion: &mut Criterion) {
    let mut buffer = vec![0; 128 * 1024];
    for (name, _) in workloads::ALL {
        let workload = workloads::make(name, SIZE);
        let whole = workload.stream.as_bytes();
        let mut group = criterion.benchmark_group(format!("read/{name}"));
        group.throughput(Throughput::Bytes(whole.len() as u64));

        let sized = [16384, 1460, 128, 16].map(|size| (size.to_string(), workload.chunks(size)));
        let chunkings =
            [("whole".to_string(), vec![whole])].into_iter().chain(sized).chain([("event".into(), workload.blocks())]);
        for (chunking, chunks) in chunkings {
            group.bench_function(BenchmarkId::new("bytes", chunking), |bencher| {
                bencher.iter(|| assert_eq!(as_bytes(&mut buffer, black_box(&chunks)), workload.expected));
            });
        }
        group.bench_function("text/whole", |bencher| {
            bencher.iter(|| assert_eq!(as_text(&mut buffer, black_box(whole)), workload.expected));
        });
        group.bench_function("tokenizer/whole", |bencher| {
            bencher.iter(|| assert_eq!(as_tokens(black_box(whole)), workload.expected));
        });
    }
}

fn as_bytes(buffer: &mut [u8], chunks: &[&[u8]]) -> Count {
    let mut parser = Parser::with_buffer(buffer);
    let mut count = Count::default();
    for &chunk in chunks {
        let mut input = chunk;
        while let Some(event) = parser.next(&mut input).expect("room for all events") {
            count.events += 1;
            count.data += event.data().len();
            black_box(event);
        }
    }
    count
}

fn as_text(buffer: &mut [u8], mut input: &[u8]) -> Count {
    let mut parser = Parser::with_buffer(buffer);
    let mut count = Count::default();
    while let Some(event) = parser.next(&mut input).expect("room for all events") {
        let event = event.text().expect("UTF-8");
        count.events += 1;
        count.data += event.data().len();
        black_box(event);
    }
    count
}

fn as_tokens(mut input: &[u8]) -> Count {
    let mut tokenizer = Tokenizer::new();
    let mut count = Count::default();
    let mut lines = 0;
    while let Some(token) = tokenizer.next(&mut input) {
        match black_box(token) {
            Token::Field(Field::Data, piece) => {
                lines += usize::from(piece.first);
                count.data += piece.bytes.len();
            }
            Token::EndOfEvent if lines > 0 => {
                count.events += 1;
                count.data += lines - 1; // an LF between each two lines
                lines = 0;
            }
            _ => {}
        }
    }
    count
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = read
}
criterion_main!(benches);
