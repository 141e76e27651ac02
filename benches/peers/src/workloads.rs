//! The streams to be read, those of the other benchmarks: the same on every machine, about the same size each, and cut into
//! chunks outside every timed region.

use crate::reference;
use crate::sinks::Check;
use bytes::Bytes;

#[path = "../../workloads/mod.rs"]
mod streams;

/// One stream, with the events that a reader must deliver from it.
pub struct Workload {
    pub name: &'static str,
    pub about: &'static str,
    pub bytes: Bytes,
    /// Offset at which each event (or comment block) ends.
    ends: Vec<usize>,
    /// The counts are known from making the stream; the contents are those that the plain reading finds.
    pub expected: Check,
}

/// How the stream is cut.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Chunking {
    Whole,
    Size(usize),
    Event,
}

pub const CHUNKINGS: [Chunking; 7] = [
    Chunking::Whole,
    Chunking::Size(16384),
    Chunking::Size(1460),
    Chunking::Size(128),
    Chunking::Size(16),
    Chunking::Size(1),
    Chunking::Event,
];

impl Chunking {
    pub fn name(self) -> String {
        match self {
            Self::Whole => "whole".into(),
            Self::Size(size) => size.to_string(),
            Self::Event => "event".into(),
        }
    }

    pub fn title(self) -> String {
        match self {
            Self::Whole => "the whole input in one chunk".into(),
            Self::Size(1) => "single bytes".into(),
            Self::Size(size) => format!("chunks of {size} bytes"),
            Self::Event => "one event per chunk".into(),
        }
    }
}

/// A workload cut into chunks, in the two forms that readers take.
pub struct Chunked<'a> {
    pub workload: &'a Workload,
    pub slices: Vec<&'a [u8]>,
    /// The same chunks as views of one shared buffer.
    pub shared: Vec<Bytes>,
}

impl Workload {
    pub fn cut(&self, chunking: Chunking) -> Chunked<'_> {
        let len = self.bytes.len();
        let ends: Vec<usize> = match chunking {
            Chunking::Whole => vec![len],
            Chunking::Size(size) => (size..len).step_by(size).chain([len]).collect(),
            Chunking::Event => self.ends.clone(),
        };
        let starts = [0].into_iter().chain(ends.iter().copied());
        let ranges = || starts.clone().zip(ends.iter().copied());
        Chunked {
            workload: self,
            slices: ranges().map(|(a, b)| &self.bytes[a..b]).collect(),
            shared: ranges().map(|(a, b)| self.bytes.slice(a..b)).collect(),
        }
    }

    pub fn events(&self) -> u64 {
        self.expected.tally.events
    }
}

/// The streams' names, with their contents in words.
const NAMES: [(&str, &str); 11] = [
    ("openai", "`data` with a JSON chunk"),
    ("openai-varied", "the same, of 235 to 434 bytes"),
    ("anthropic", "`event` and `data`"),
    ("telemetry", "`id`, `event`, short `data`"),
    ("telemetry-varied", "the same, of 22 to 69 bytes"),
    ("telemetry-crlf", "`telemetry` with CRLF line ends"),
    ("multiline", "8 `data` lines of 40 bytes"),
    ("large", "one `data` line of 60 KB"),
    ("comments", "keep-alive comments only"),
    ("cjk", "`data` with 81 CJK characters"),
    ("wikimedia", "`event`, JSON `id` of 140 bytes, 1 KB `data`"),
];

/// All workloads, each of at least `size` bytes and complete events.
///
/// # Errors
///
/// The plain reading does not find the events that the stream was made of.
pub fn all(size: usize) -> Result<Vec<Workload>, String> {
    NAMES.iter().map(|&(name, about)| make(name, about, size).map_err(|e| format!("reference, {name}: {e}"))).collect()
}

fn make(name: &'static str, about: &'static str, size: usize) -> Result<Workload, String> {
    let made = streams::make(name, size);
    let mut expected = Check::unlimited();
    reference::read(made.stream.as_bytes(), &mut expected);
    let found = (expected.tally.events as usize, expected.tally.data_bytes as usize);
    if found != (made.expected.events, made.expected.data) {
        return Err(format!("events and bytes of data: {found:?}, made: {:?}", made.expected));
    }
    let mut end = 0;
    let next_end = |block: &[u8]| {
        end += block.len();
        end
    };
    let ends = made.blocks().into_iter().map(next_end).collect();
    Ok(Workload { name, about, bytes: Bytes::from(made.stream), ends, expected })
}

/// A small xorshift generator: equal streams on every machine.
pub struct Random(u64);

impl Random {
    /// Seeded by name, so that a workload does not depend on its neighbours.
    pub fn new(name: &str) -> Self {
        let seed = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self(seed | 1)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % limit
    }

    pub fn letters(&mut self, len: usize) -> String {
        (0..len).map(|_| char::from(b'a' + self.below(26) as u8)).collect()
    }
}
