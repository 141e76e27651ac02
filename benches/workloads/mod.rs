//! Streams to be read: the same bytes on every machine, about as long as asked for, and made of whole events.

use std::fmt::Write;

/// One stream, with what a reader must find in it: known from making it, not from reading it.
pub struct Workload {
    pub stream: String,
    pub expected: Count,
    /// Where each event, or block of comments, ends.
    ends: Vec<usize>,
    random: u64,
}

/// Events, and the bytes of their data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub events: usize,
    pub data: usize,
}

/// Adds an event, or a block of comments.
type Block = fn(&mut Workload);

/// All whose events are alike, by name.
pub const ALL: [(&str, Block); 9] = [
    ("openai", openai),
    ("anthropic", anthropic),
    ("telemetry", |w| telemetry(w, "\n")),
    ("telemetry-crlf", |w| telemetry(w, "\r\n")),
    ("multiline", multiline),
    ("large", large),
    ("comments", comments),
    ("cjk", cjk),
    ("wikimedia", wikimedia),
];

/// Those whose values differ in length from event to event.
pub const VARIED: [(&str, Block); 2] = [("openai-varied", openai_varied), ("telemetry-varied", telemetry_varied)];

/// The workload of that name, of at least `size` bytes.
pub fn make(name: &str, size: usize) -> Workload {
    let (_, block) = ALL.iter().chain(&VARIED).find(|(known, _)| *known == name).expect("a workload of that name");
    let mut workload = Workload {
        stream: String::with_capacity(size + 128 * 1024),
        expected: Count::default(),
        ends: Vec::new(),
        random: 0x9e37_79b9_7f4a_7c15,
    };
    while workload.stream.len() < size {
        block(&mut workload);
        workload.ends.push(workload.stream.len());
    }
    workload
}

impl Workload {
    /// The stream in chunks of `size` bytes; the last may be shorter.
    #[allow(dead_code, reason = "not every benchmark reads these")]
    pub fn chunks(&self, size: usize) -> Vec<&[u8]> {
        self.stream.as_bytes().chunks(size).collect()
    }

    /// The stream with one event, or block of comments, in each chunk.
    #[allow(dead_code, reason = "not every benchmark reads these")]
    pub fn blocks(&self) -> Vec<&[u8]> {
        let starts = [0].iter().chain(&self.ends);
        starts.zip(&self.ends).map(|(&start, &end)| &self.stream.as_bytes()[start..end]).collect()
    }

    fn event(&mut self, fields: &[(&str, &str)], data: &str, line_end: &str) {
        let lines = data.split('\n').map(|line| ("data", line));
        for (name, value) in fields.iter().copied().chain(lines) {
            write!(self.stream, "{name}: {value}{line_end}").expect("a string takes all");
        }
        self.stream.push_str(line_end);
        self.expected.events += 1;
        self.expected.data += data.len();
    }

    /// A number below `limit`, from a xorshift generator.
    fn below(&mut self, limit: u32) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 32) as u32 % limit
    }

    fn letters(&mut self, len: usize) -> String {
        (0..len).map(|_| char::from(b'a' + self.below(26) as u8)).collect()
    }

    /// 1 to `most` letters.
    fn letters_up_to(&mut self, most: u32) -> String {
        let len = 1 + self.below(most);
        self.letters(len as usize)
    }

    /// `head`, letters and `tail`, `len` bytes together.
    fn filled(&mut self, head: &str, tail: &str, len: usize) -> String {
        format!("{head}{}{tail}", self.letters(len - head.len() - tail.len()))
    }
}

/// A chunk of a chat completion, 263 bytes on the wire.
fn openai(w: &mut Workload) {
    let head = openai_head(w);
    let data = w.filled(&head, OPENAI_TAIL, 263 - "data: \n\n".len());
    w.event(&[], &data, "\n");
}

/// The same with a content of 1 to 12 letters mostly, of up to 40 at times, and seldom of up to 200.
fn openai_varied(w: &mut Workload) {
    let head = openai_head(w);
    let most = match w.below(16) {
        0 => 200,
        1..=3 => 40,
        _ => 12,
    };
    let content = w.letters_up_to(most);
    w.event(&[], &format!("{head}{content}{OPENAI_TAIL}"), "\n");
}

/// A chunk of a chat completion up to its content.
fn openai_head(w: &mut Workload) -> String {
    format!(
        r#"{{"id":"chatcmpl-{}","object":"chat.completion.chunk","created":1760{:06},"model":"example-1","system_fingerprint":"fp_{:08x}","choices":[{{"index":0,"delta":{{"content":""#,
        w.letters(24),
        w.below(1_000_000),
        w.below(u32::MAX),
    )
}

/// And from there.
const OPENAI_TAIL: &str = r#""},"finish_reason":null}]}"#;

/// A chunk of a message with its type, 120 bytes on the wire.
fn anthropic(w: &mut Workload) {
    let event = ("event", "content_block_delta");
    let head = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":""#;
    let data = w.filled(head, r#""}}"#, 120 - "event: \ndata: \n\n".len() - event.1.len());
    w.event(&[event], &data, "\n");
}

/// A measurement, 33 bytes on the wire with LF.
fn telemetry(w: &mut Workload, line_end: &str) {
    let id = (100_000 + w.below(900_000)).to_string();
    let event = ["t", "p", "h", "v"][w.below(4) as usize];
    let data = format!("{}.{:02}", 10 + w.below(90), w.below(100));
    w.event(&[("id", &id), ("event", event)], &data, line_end);
}

/// A measurement with an ID of 1 to 12 digits, a type of 1 to 14 letters, and data of 1 to 24 bytes.
fn telemetry_varied(w: &mut Workload) {
    let digits = 1 + w.below(12);
    let id: String = (0..digits).map(|_| char::from(b'0' + w.below(10) as u8)).collect();
    let event = w.letters_up_to(14);
    let bytes = 1 + w.below(24);
    let data: String = (0..bytes).map(|_| char::from(b"0123456789.,:=- etT"[w.below(19) as usize])).collect();
    w.event(&[("id", &id), ("event", &event)], &data, "\n");
}

fn multiline(w: &mut Workload) {
    let lines = [(); 8].map(|()| w.letters(40));
    w.event(&[], &lines.join("\n"), "\n");
}

fn large(w: &mut Workload) {
    let data = w.letters(60 * 1024);
    w.event(&[], &data, "\n");
}

/// Keep-alives, with text and without.
fn comments(w: &mut Workload) {
    let block = [": keep-alive\n\n", ":\n\n"][w.below(2) as usize];
    w.stream.push_str(block);
}

/// Chinese characters, of three bytes each.
fn cjk(w: &mut Workload) {
    let data: String = (0..81).filter_map(|_| char::from_u32(0x4e00 + w.below(0x5000))).collect();
    w.event(&[], &data, "\n");
}

/// An edit with a JSON ID of 140 bytes and data of 1 KiB.
fn wikimedia(w: &mut Workload) {
    let head =
        format!(r#"[{{"topic":"eqiad.recentchange","partition":0,"offset":{}"#, 1_000_000_000 + w.below(1 << 30));
    let tail = format!(r#"","partition":0,"offset":{}}}]"#, 1_000_000_000 + w.below(1 << 30));
    let id = w.filled(&format!(r#"{head}}},{{"topic":""#), &tail, 140);
    let head = format!(r#"{{"$schema":"/mediawiki/recentchange/1.0.0","id":{},"comment":""#, w.below(1 << 31));
    let data = w.filled(&head, r#"","wiki":"enwiki","bot":false}"#, 1024);
    w.event(&[("event", "message"), ("id", &id)], &data, "\n");
}
