//! What a reader is to the harness, and the limits that no reader can pass.

use crate::measure::time;
use crate::sinks::{Check, Sink, Tally};
use crate::workloads::Chunked;
use std::hint::black_box;
use std::time::Duration;

/// The form in which a reader delivers the fields. Like is compared with like: those that deliver bytes are compared with
/// all peers, the others only with peers that check the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Checked text, borrowed.
    Borrowed,
    /// Checked text that the event owns, with an allocation for each field or most.
    Strings,
    /// Checked text that the event owns, in one allocation or in memory that it shares.
    Shared,
    /// Bytes, not checked.
    Bytes,
}

impl Form {
    pub fn name(self) -> &'static str {
        match self {
            Self::Borrowed => "`&str`",
            Self::Strings => "strings",
            Self::Shared => "owned or shared",
            Self::Bytes => "bytes",
        }
    }

    pub fn is_text(self) -> bool {
        self != Self::Bytes
    }
}

/// A reader of event streams. It starts anew for every pass, reads all chunks
/// in order and delivers every event to the sink.
pub trait Reader {
    const NAME: &'static str;
    const FORM: Form;

    /// The reader's input: made before every pass and freed after it, neither of which is timed.
    type Input<'a>;

    fn prepare<'a>(chunked: &'a Chunked<'_>) -> Self::Input<'a>;

    fn read<S: Sink>(input: &mut Self::Input<'_>, sink: &mut S) -> Result<(), String>;
}

/// What a pass left in its sink and how long it took, or why it failed.
pub type PassResult<S> = Result<(S, Duration), String>;

/// A reader without its type, so that many fit in one list.
#[derive(Clone, Copy)]
pub struct Candidate {
    pub name: &'static str,
    pub form: Form,
    /// One pass that compares contents and stops after the given time.
    pub check: fn(&Chunked<'_>, Duration) -> PassResult<Check>,
    /// One timed pass that counts.
    pub pass: fn(&Chunked<'_>) -> PassResult<Tally>,
}

impl Candidate {
    pub fn of<R: Reader>() -> Self {
        Self {
            name: R::NAME,
            form: R::FORM,
            check: |chunked, limit| timed::<R, _>(chunked, Check::within(limit)),
            pass: |chunked| timed::<R, _>(chunked, Tally::default()),
        }
    }
}

fn timed<R: Reader, S: Sink>(chunked: &Chunked<'_>, mut sink: S) -> PassResult<S> {
    let mut input = black_box(R::prepare(chunked));
    let (result, time) = time(|| R::read(&mut input, &mut sink));
    drop(input);
    result?;
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
    let count = |chunk: &&[u8]| memchr::memchr2_iter(b'\n', b'\r', chunk).count();
    let (hits, time) = time(|| chunked.slices.iter().map(count).sum::<usize>());
    black_box(hits);
    time
}

fn copy(chunked: &Chunked<'_>) -> Duration {
    // Filled once beforehand: page faults are not what is to be measured.
    let mut buffer = vec![1_u8; chunked.workload.bytes.len()];
    black_box(&mut buffer);
    let ((), time) = time(|| {
        let mut at = 0;
        for chunk in &chunked.slices {
            buffer[at..at + chunk.len()].copy_from_slice(chunk);
            at += chunk.len();
        }
        black_box(&mut buffer);
    });
    time
}
