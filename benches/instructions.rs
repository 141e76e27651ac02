//! The cases whose instructions `benches/instructions` counts: every stream, in every chunking, read in every way; and
//! one that writes. Each is run once, in one process, and is one call of a function whose name begins with `counted_`.
//!
//! The arguments are beginnings of names, such as `feed/` or `next/openai/1460`. Without any it runs all cases.
//!
//! Only those functions are counted. Streams, chunks and buffers are made outside. None of the functions holds a
//! closure: its name would contain theirs, and switch the counting off.

mod workloads;

use ssewire::tokenizer::{Token, Tokenizer};
use ssewire::{Field, Frame, Parser};
use std::hint::black_box;
use workloads::Count;

/// How long a stream is.
const SIZE: usize = 256 * 1024;
/// How long it is in single bytes, which take more instructions.
const SMALL: usize = 128 * 1024;

const WAYS: [&str; 3] = ["next", "feed", "tokens"];
/// Sizes of chunks by name; `None` is one event in each.
const CHUNKINGS: [(&str, Option<usize>); 7] = [
    ("whole", Some(usize::MAX)),
    ("event", None),
    ("16384", Some(16384)),
    ("1460", Some(1460)),
    ("128", Some(128)),
    ("16", Some(16)),
    ("1", Some(1)),
];
const WRITE_LLM: &str = "write/llm";

fn main() {
    let filters: Vec<String> = std::env::args().skip(1).collect();
    let mut run = 0;

    let buffer = aligned(128 * 1024);
    for (stream, _) in workloads::ALL.into_iter().chain(workloads::VARIED) {
        for (size, chunkings) in [(SIZE, &CHUNKINGS[..6]), (SMALL, &CHUNKINGS[6..])] {
            let case = |way: &str, chunking: &str| format!("{way}/{stream}/{chunking}");
            if !chunkings.iter().any(|(chunking, _)| WAYS.iter().any(|way| wanted(&filters, &case(way, chunking)))) {
                continue;
            }
            let made = Made::new(stream, size);
            for &(chunking, size) in chunkings {
                let chunks = made.chunks(size);
                for way in WAYS {
                    let name = case(way, chunking);
                    if wanted(&filters, &name) {
                        made.run(&name, way, buffer, black_box(&chunks));
                        run += 1;
                    }
                }
            }
        }
    }
    if wanted(&filters, WRITE_LLM) {
        let data = vec!["abcdefghijklm".repeat(20); 1024];
        let out = aligned(512);
        let bytes = counted_write(out, black_box(&data));
        assert_eq!(bytes, data.len() * "data: \n\n".len() + data.concat().len(), "{WRITE_LLM}");
        report(WRITE_LLM, data.len(), bytes);
        run += 1;
    }
    if run == 0 {
        eprintln!("no case begins with {}; there are WAY/STREAM/CHUNKS and {WRITE_LLM}, with", filters.join(" or "));
        eprintln!("ways: {}", WAYS.join(" "));
        let streams: Vec<&str> = workloads::ALL.iter().chain(&workloads::VARIED).map(|(name, _)| *name).collect();
        eprintln!("streams: {}", streams.join(" "));
        eprintln!("chunks: {}", CHUNKINGS.map(|(name, _)| name).join(" "));
        std::process::exit(2);
    }
}

fn wanted(filters: &[String], name: &str) -> bool {
    filters.is_empty() || filters.iter().any(|filter| name.starts_with(filter))
}

/// One line for `benches/instructions`: the name, events, and bytes on the wire. What was counted since the last call is
/// this case's.
#[inline(never)]
fn report(name: &str, events: usize, bytes: usize) {
    println!("{name} {events} {bytes}");
}

/// Memory that begins at a multiple of 64, so that no count depends on the allocator. It is never freed.
fn aligned(len: usize) -> &'static mut [u8] {
    const ALIGN: usize = 64;
    let bytes = vec![0; len + ALIGN].leak();
    let start = bytes.as_ptr().align_offset(ALIGN);
    &mut bytes[start..start + len]
}

/// A stream, and what must be found in it.
struct Made {
    stream: &'static [u8],
    /// How long each event, or block of comments, is.
    blocks: Vec<usize>,
    read: Count,
    /// The tokenizer ends events without data too, and knows no LF between two lines of data.
    tokens: Count,
}

impl Made {
    fn new(name: &str, size: usize) -> Made {
        let workload = workloads::make(name, size);
        let stream = aligned(workload.stream.len());
        stream.copy_from_slice(workload.stream.as_bytes());
        let blocks: Vec<usize> = workload.blocks().iter().map(|block| block.len()).collect();
        let read = workload.expected;
        let lines = workload.stream.lines().filter(|line| line.starts_with("data:")).count();
        let tokens = Count { events: blocks.len(), data: read.data - (lines - read.events) };
        Made { stream, blocks, read, tokens }
    }

    fn chunks(&self, size: Option<usize>) -> Vec<&'static [u8]> {
        if let Some(size) = size {
            return self.stream.chunks(size).collect();
        }
        let mut chunks = Vec::new();
        let mut rest = self.stream;
        for &len in &self.blocks {
            let (block, behind) = rest.split_at(len);
            chunks.push(block);
            rest = behind;
        }
        chunks
    }

    fn run(&self, name: &str, way: &str, buffer: &mut [u8], chunks: &[&[u8]]) {
        let (count, expected) = match way {
            "next" => (counted_next(buffer, chunks), self.read),
            "feed" => (counted_feed(buffer, chunks), self.read),
            _ => (counted_tokens(chunks), self.tokens),
        };
        assert_eq!(count, expected, "{name}");
        report(name, self.blocks.len(), self.stream.len());
    }
}

#[inline(never)]
fn counted_next(buffer: &mut [u8], chunks: &[&[u8]]) -> Count {
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
fn counted_feed(buffer: &mut [u8], chunks: &[&[u8]]) -> Count {
    let mut parser = Parser::with_buffer(buffer);
    let mut count = Count::default();
    for &chunk in chunks {
        let mut input = chunk;
        loop {
            let progress = parser.feed(input);
            let Ok(Some(found)) = progress.result else { break };
            let event = parser.event(found, input);
            count.events += 1;
            count.data += event.data().len();
            black_box(event);
            input = &input[progress.consumed..];
        }
    }
    count
}

#[inline(never)]
fn counted_tokens(chunks: &[&[u8]]) -> Count {
    let mut tokenizer = Tokenizer::new();
    let mut count = Count::default();
    for &chunk in chunks {
        let mut input = chunk;
        while let Some(token) = tokenizer.next(&mut input) {
            match black_box(token) {
                Token::Field(Field::Data, piece) => count.data += piece.bytes.len(),
                Token::EndOfEvent => count.events += 1,
                _ => {}
            }
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
