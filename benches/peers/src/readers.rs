//! What a reader is to the harness, and the limits that no reader can pass.

use crate::sinks::{Check, Sink, Tally};
use crate::workloads::Chunked;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// A reader of event streams. It starts anew for every pass, reads all chunks
/// in order and delivers every event to the sink.
pub trait Reader {
    const NAME: &'static str;

    /// What the reader consumes, made anew for every pass but not timed.
    type Input<'a>;

    fn prepare<'a>(chunked: &'a Chunked<'_>) -> Self::Input<'a>;

    fn read<S: Sink>(input: Self::Input<'_>, sink: &mut S) -> Result<(), String>;
}

/// What a pass left in its sink and how long it took, or why it failed.
pub type PassResult<S> = Result<(S, Duration), String>;

/// A reader without its type, so that many fit in one list.
#[derive(Clone, Copy)]
pub struct Candidate {
    pub name: &'static str,
    /// One pass that compares contents and stops after the given time.
    pub check: fn(&Chunked<'_>, Duration) -> PassResult<Check>,
    /// One timed pass that counts.
    pub pass: fn(&Chunked<'_>) -> PassResult<Tally>,
}

impl Candidate {
    pub fn of<R: Reader>() -> Self {
        Self {
            name: R::NAME,
            check: |chunked, limit| timed::<R, _>(chunked, Check::within(limit)),
            pass: |chunked| timed::<R, _>(chunked, Tally::default()),
        }
    }
}

fn timed<R: Reader, S: Sink>(chunked: &Chunked<'_>, mut sink: S) -> PassResult<S> {
    let input = black_box(R::prepare(chunked));
    let start = Instant::now();
    R::read(input, &mut sink)?;
    let time = start.elapsed();
    Ok((black_box(sink), time))
}

/// A bound set by the memory or by the search for line ends alone.
#[derive(Clone, Copy)]
pub struct Limit {
    pub name: &'static str,
    pub pass: fn(&Chunked<'_>) -> Duration,
}

pub const LIMITS: [Limit; 2] =
    [Limit { name: "limit: memchr2_iter", pass: find_line_ends }, Limit { name: "limit: memcpy", pass: copy }];

fn find_line_ends(chunked: &Chunked<'_>) -> Duration {
    let start = Instant::now();
    let hits: usize = chunked.slices.iter().map(|chunk| memchr::memchr2_iter(b'\n', b'\r', chunk).count()).sum();
    let time = start.elapsed();
    black_box(hits);
    time
}

fn copy(chunked: &Chunked<'_>) -> Duration {
    // Filled once beforehand: page faults are not what is to be measured.
    let mut buffer = vec![1_u8; chunked.workload.bytes.len()];
    black_box(&mut buffer);
    let start = Instant::now();
    let mut at = 0;
    for chunk in &chunked.slices {
        buffer[at..at + chunk.len()].copy_from_slice(chunk);
        at += chunk.len();
    }
    black_box(&mut buffer);
    start.elapsed()
}
