//! The streams to be read: deterministic, about the same size each, and cut
//! into chunks outside every timed region.

use crate::sinks::{Check, Sink};
use bytes::Bytes;

/// One stream, with what a right reader must deliver from it.
pub struct Workload {
    pub name: &'static str,
    pub about: &'static str,
    pub bytes: Bytes,
    /// Offset at which each event (or comment block) ends.
    ends: Vec<usize>,
    /// Known from making the stream, not from reading it.
    pub expected: Check,
}

/// How the stream is cut.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Chunking {
    Whole,
    Size(usize),
    Event,
}

pub const CHUNKINGS: [Chunking; 6] = [
    Chunking::Whole,
    Chunking::Size(16384),
    Chunking::Size(1460),
    Chunking::Size(128),
    Chunking::Size(16),
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

/// All workloads, each of at least `size` bytes and whole events.
pub fn all(size: usize) -> Vec<Workload> {
    vec![
        make("openai", "`data` with a JSON chunk", size, openai),
        make("anthropic", "`event` and `data`", size, anthropic),
        make("telemetry", "`id`, `event`, short `data`", size, |w| telemetry(w, "\n")),
        make("telemetry-crlf", "the same with CRLF line ends", size, |w| telemetry(w, "\r\n")),
        make("multiline", "8 `data` lines of 40 bytes", size, multiline),
        make("large", "one `data` line of 60 KB", size, |w| {
            let data = w.random.letters(60 * 1024);
            w.event("", "", &data);
        }),
        make("comments", "keep-alive comments only", size, |w| {
            let block = match w.random.below(2) {
                0 => ": keep-alive\n\n",
                _ => ":\n\n",
            };
            w.raw(block);
        }),
        make("cjk", "`data` with 81 CJK characters", size, |w| {
            let data: String = (0..81).map(|_| w.random.cjk()).collect();
            w.event("", "", &data);
        }),
        make("wikimedia", "`event`, JSON `id` of 140 bytes, 1 KB `data`", size, wikimedia),
    ]
}

fn openai(w: &mut Writer) {
    let head = format!(
        "{{\"id\":\"chatcmpl-{}\",\"object\":\"chat.completion.chunk\",\"created\":1760{:06},\
         \"model\":\"example-1\",\"system_fingerprint\":\"fp_{:08x}\",\
         \"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"",
        w.random.letters(24),
        w.random.below(1_000_000),
        w.random.below(1 << 32),
    );
    let tail = "\"},\"finish_reason\":null}]}";
    let data = w.random.padded(&head, tail, 263 - "data: \n\n".len());
    w.event("", "", &data);
}

fn anthropic(w: &mut Writer) {
    let kind = "content_block_delta";
    let head = "{\"type\":\"content_block_delta\",\"index\":0,\
                \"delta\":{\"type\":\"text_delta\",\"text\":\"";
    let room = 120 - kind.len() - "event: \ndata: \n\n".len();
    let data = w.random.padded(head, "\"}}", room);
    w.event(kind, "", &data);
}

fn telemetry(w: &mut Writer, line_end: &'static str) {
    w.line_end = line_end;
    let id = (100_000 + w.random.below(900_000)).to_string();
    let kind = ["t", "p", "h", "v"][w.random.below(4) as usize];
    let data = format!("{}.{:02}", 10 + w.random.below(90), w.random.below(100));
    w.event(kind, &id, &data);
}

fn multiline(w: &mut Writer) {
    let lines: Vec<String> = (0..8).map(|_| w.random.letters(40)).collect();
    w.event("", "", &lines.join("\n"));
}

fn wikimedia(w: &mut Writer) {
    let mut offset = || 1_000_000_000 + w.random.below(1_000_000_000);
    let (first, second) = (offset(), offset());
    let head = format!("[{{\"topic\":\"eqiad.recentchange\",\"partition\":0,\"offset\":{first}}},{{\"topic\":\"");
    let tail = format!("\",\"partition\":0,\"offset\":{second}}}]");
    let id = w.random.padded(&head, &tail, 140);
    let head = format!(
        "{{\"$schema\":\"/mediawiki/recentchange/1.0.0\",\"id\":{},\"type\":\"edit\",\
         \"namespace\":0,\"comment\":\"",
        w.random.below(1 << 31)
    );
    let tail = "\",\"wiki\":\"enwiki\",\"bot\":false}";
    let data = w.random.padded(&head, tail, 1024);
    w.event("message", &id, &data);
}

fn make(name: &'static str, about: &'static str, size: usize, one_event: impl Fn(&mut Writer)) -> Workload {
    let mut writer = Writer {
        random: Random::new(name),
        line_end: "\n",
        out: String::with_capacity(size + 64 * 1024),
        ends: Vec::new(),
        expected: Check::unlimited(),
    };
    while writer.out.len() < size {
        one_event(&mut writer);
    }
    Workload { name, about, bytes: Bytes::from(writer.out), ends: writer.ends, expected: writer.expected }
}

/// Writes events in wire form and notes what they mean.
struct Writer {
    random: Random,
    line_end: &'static str,
    out: String,
    ends: Vec<usize>,
    expected: Check,
}

impl Writer {
    fn event(&mut self, kind: &str, id: &str, data: &str) {
        if !id.is_empty() {
            self.field("id", id);
        }
        if !kind.is_empty() {
            self.field("event", kind);
        }
        for line in data.split('\n') {
            self.field("data", line);
        }
        self.out.push_str(self.line_end);
        self.ends.push(self.out.len());
        let _ = self.expected.event(kind.as_bytes(), data.as_bytes(), id.as_bytes());
    }

    fn field(&mut self, name: &str, value: &str) {
        self.out.push_str(name);
        self.out.push_str(": ");
        self.out.push_str(value);
        self.out.push_str(self.line_end);
    }

    fn raw(&mut self, text: &str) {
        self.out.push_str(text);
        self.ends.push(self.out.len());
    }
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

    /// `head`, letters, `tail`: exactly `len` bytes.
    pub fn padded(&mut self, head: &str, tail: &str, len: usize) -> String {
        let room = len.checked_sub(head.len() + tail.len()).expect("the fixed part fits");
        format!("{head}{}{tail}", self.letters(room))
    }

    fn cjk(&mut self) -> char {
        char::from_u32(0x4e00 + self.below(0x5000) as u32).expect("an assigned plane")
    }
}
