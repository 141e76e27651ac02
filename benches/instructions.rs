//! The workloads whose instructions `benches/instructions` counts: each named one is run once.
//!
//! Without a name it runs all. Only `counted_read` and `counted_write` are counted, so streams and buffers are made
//! outside, and neither function holds a closure: its name would contain theirs, and switch the counting off.

mod workloads;

use ssewire::{Frame, Parser};
use std::hint::black_box;
use workloads::Count;

const SIZE: usize = 1024 * 1024;

/// Name, stream, size of the chunks.
const READ: [(&str, &str, usize); 5] = [
    ("openai", "openai", usize::MAX),
    ("telemetry", "telemetry", usize::MAX),
    ("multiline", "multiline", usize::MAX),
    ("openai-1460", "openai", 1460),
    ("large-16", "large", 16),
];
const WRITE_LLM: &str = "write-llm";

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let by_cargo = args.iter().any(|arg| arg == "--bench");
    // `cargo bench` hands every benchmark the options and filters that are meant for another.
    let names: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let known = || READ.iter().map(|(name, ..)| *name).chain([WRITE_LLM]);
    if let Some(unknown) = names.iter().find(|name| !by_cargo && !known().any(|known| known == **name)) {
        eprintln!("no workload {unknown:?}; there are: {}", known().collect::<Vec<_>>().join(" "));
        std::process::exit(2);
    }
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| *wanted == name);

    for (name, stream, size) in READ.into_iter().filter(|(name, ..)| wanted(name)) {
        let workload = workloads::make(stream, SIZE);
        let chunks = workload.chunks(size);
        let mut buffer = vec![0; 128 * 1024];
        let count = counted_read(&mut buffer, black_box(&chunks));
        assert_eq!(count, workload.expected, "{name}");
        report(name, count.events, workload.stream.len());
    }
    if wanted(WRITE_LLM) {
        let data = vec!["abcdefghijklm".repeat(20); 4096];
        let mut out = [0; 512];
        let bytes = counted_write(&mut out, black_box(&data));
        assert_eq!(bytes, data.len() * "data: \n\n".len() + data.concat().len(), "{WRITE_LLM}");
        report(WRITE_LLM, data.len(), bytes);
    }
}

/// One line for `benches/instructions`: the name, events, and bytes on the wire.
fn report(name: &str, events: usize, bytes: usize) {
    println!("{name} {events} {bytes}");
}

#[inline(never)]
fn counted_read(buffer: &mut [u8], chunks: &[&[u8]]) -> Count {
    let mut parser = Parser::with_buffer(buffer);
    let mut count = Count::default();
    for &chunk in chunks {
        let mut input = chunk;
        while let Ok(Some(event)) = parser.next(&mut input) {
            count.events += 1;
            count.data += event.data().len();
            black_box(event);
        }
    }
    count
}

#[inline(never)]
fn counted_write(out: &mut [u8], data: &[String]) -> usize {
    let mut bytes = 0;
    for data in data {
        if let Ok(len) = Frame::new().data(black_box(data)).write_to_slice(out) {
            bytes += len;
        }
        black_box(&*out);
    }
    bytes
}
