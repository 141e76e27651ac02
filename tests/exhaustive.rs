//! Every short stream: of symbols that have a meaning to the grammar, and of whole and broken lines. Each is read by every
//! interface, whole, byte by byte and cut in two at every place, with room for all of it and with every small capacity.
//!
//! The model of `tests/model` says which results must come. It is compared with the standard's algorithm and the capacity
//! rule of `tests/oracle`, once for each stream. The rest of the work is done without an allocation.
//!
//! `SSEWIRE_SYMBOLS` and `SSEWIRE_LINES` are the lengths up to which all streams are tried; `SSEWIRE_THREADS` is for how
//! many threads, if not for all processors. Deep runs are for `--release`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::common::oracle::{self, capacity, capacity::Fate};
use crate::model::adapter::{self, Piece, Seen, SeenToken, WAYS, Way};
use crate::model::{self, Line, Model, Outcome, line};
use ssewire::{Field, Parser};

const SYMBOLS: [&[u8]; 14] =
    [b"\r", b"\n", b"\0", b":", b" ", b"5", b"x", b"\xef\xbb\xbf", b"data", b"event", b"id", b"retry", b"dat", b"\xff"];

const LINES: [&[u8]; 12] = [
    b"data:x\n",
    b"data:yy\r\n",
    b"data\n",
    b"event:e\n",
    b"id:2\n",
    b"id:2\x002\n",
    b"retry:5\n",
    b":c\n",
    b"x:y\n",
    b"\n",
    b"data:z",
    b"id:3\r",
];

/// The small capacities. Of those with room for the whole stream only the least is tried, and one far above it.
const SMALL: usize = 6;
const AMPLE: usize = 64;

/// Streams that one thread takes at once begin with the same parts, this many.
const HEAD: usize = 2;

#[derive(Clone, Copy, Default, Debug)]
struct Counts {
    streams: u64,
    /// A run is a parser or tokenizer that reads one stream in one way.
    runs: u64,
    events: u64,
    overflows: u64,
}

/// The results that must come of a stream at one capacity.
struct Expected {
    capacity: usize,
    /// The results in order. The last can be a comment or an unknown line that is not over.
    items: Vec<Outcome>,
    /// For each of them the part of the stream that its last line is.
    lines: Vec<(usize, usize)>,
    last_event_id: Option<Vec<u8>>,
    reconnection_time_ms: Option<u64>,
    unfinished: Option<usize>,
}

fn expected(stream: &[u8], capacity: usize) -> Expected {
    let mut model = Model::new(capacity);
    let (mut items, mut lines) = (Vec::new(), Vec::new());
    let mut at = 0;
    loop {
        let (used, item) = model.call(&stream[at..], true, None);
        at += used;
        let Some(item) = item else { break };
        let line_end = stream[..at].iter().rev().take_while(|byte| matches!(byte, b'\r' | b'\n')).count().min(2);
        let start = stream[..at - line_end].iter().rposition(|byte| matches!(byte, b'\r' | b'\n'));
        lines.push((start.map_or(0, |start| start + 1), at));
        items.push(item);
    }
    Expected {
        capacity,
        items,
        lines,
        last_event_id: model.last_event_id().map(<[u8]>::to_vec),
        reconnection_time_ms: model.reconnection_time_ms(),
        unfinished: model.unfinished(),
    }
}

impl Expected {
    /// With ample room it must be what the standard says.
    fn compare_with_standard(&self, parsed: &oracle::Parsed) {
        let mut items = parsed.items.iter();
        for item in &self.items {
            let is_as_expected = match item {
                Outcome::Event(event) => items.next().is_some_and(|item| is_event(event, item)),
                Outcome::Comment { bytes, last: true, .. } => {
                    matches!(items.next(), Some(oracle::Item::Comment(comment)) if comment == bytes)
                }
                Outcome::Update { id, retry } => {
                    matches!(items.next(), Some(oracle::Item::Update { id: i, retry: r }) if (i, r) == (id, retry))
                }
                Outcome::Unknown { bytes, last: true, .. } => {
                    matches!(items.next(), Some(oracle::Item::Unknown(line)) if line == bytes)
                }
                Outcome::Comment { bytes, last: false, .. } => {
                    matches!(&parsed.begun, Some(oracle::Item::Comment(comment)) if comment == bytes)
                }
                Outcome::Unknown { bytes, last: false, .. } => {
                    matches!(&parsed.begun, Some(oracle::Item::Unknown(line)) if line == bytes)
                }
                Outcome::Overflow { .. } => false,
            };
            assert!(is_as_expected, "{item:?}, where the standard has {parsed:?}");
        }
        assert_eq!(items.next(), None, "only the standard has it");
        assert_eq!(self.last_event_id, parsed.last_event_id);
        assert_eq!(self.reconnection_time_ms, parsed.reconnection_time_ms);
    }

    /// With little room it must be what the capacity rule says.
    fn compare_with_rule(&self, stream: &[u8], parsed: &oracle::Parsed) {
        let rule = capacity::model(stream, self.capacity, None);
        let mut fates = rule.fates.iter();
        let mut events = parsed.items.iter().filter(|item| matches!(item, oracle::Item::Event(_))).enumerate();
        for item in &self.items {
            match item {
                Outcome::Event(event) => {
                    let Some(Fate::Event { number, last_event_id }) = fates.next() else {
                        panic!("{rule:?}: {item:?}")
                    };
                    let mut of_number =
                        events.find(|(at, _)| at == number).expect("an event of the standard").1.clone();
                    if let oracle::Item::Event(event) = &mut of_number {
                        // An ID before it may not have fitted.
                        event.last_event_id.clone_from(last_event_id);
                    }
                    assert!(is_event(event, &of_number), "{event:?}, {of_number:?}");
                }
                Outcome::Overflow { field, needed, .. } => {
                    let Some(Fate::Overflow { field: of, needed: most, .. }) = fates.next() else {
                        panic!("{rule:?}: {item:?}");
                    };
                    assert_eq!((field, needed), (of, most));
                }
                _ => {}
            }
        }
        assert_eq!(fates.next(), None, "only the rule has it");
        assert_eq!(self.last_event_id, rule.last_event_id);
        assert_eq!(self.reconnection_time_ms, parsed.reconnection_time_ms);
    }

    /// Reads the stream in chunks, and compares each result.
    fn run(&self, way: Way, buffer: &mut [u8], chunks: &[&[u8]]) {
        let mut parser = Parser::with_buffer(&mut buffer[..self.capacity]);
        let mut track = Track { expected: self, at: 0, within: 0, items: way.shows_items(), fed: 0, chunk: (0, 0) };
        for chunk in chunks {
            track.chunk = (track.fed, track.fed + chunk.len());
            let mut rest = *chunk;
            loop {
                let (used, is_over) = adapter::call(way, &mut parser, rest, |used, seen| match seen {
                    None => (used, true),
                    Some(seen) => {
                        assert!(track.take(&seen), "{seen:?}, expected {:?}", self.items.get(track.at));
                        (used, false)
                    }
                });
                rest = &rest[used..];
                if is_over {
                    assert!(rest.is_empty(), "all input is used");
                    break;
                }
            }
            track.fed += chunk.len();
        }
        track.end();
        assert_eq!(parser.last_event_id(), self.last_event_id.as_deref(), "the last event ID");
        assert_eq!(parser.reconnection_time_ms(), self.reconnection_time_ms, "the reconnection time");
        assert_eq!(parser.unfinished(), self.unfinished, "unfinished");
    }
}

fn is_event(event: &model::Event, item: &oracle::Item) -> bool {
    let oracle::Item::Event(other) = item else { return false };
    event.event_type == other.wire_event_type
        && event.data == other.data
        && event.last_event_id == other.last_event_id
        && event.id == other.id
        && event.retry == other.retry
}

/// How far the results have come.
struct Track<'e> {
    expected: &'e Expected,
    at: usize,
    /// Bytes of the comment or unknown line that is next.
    within: usize,
    items: bool,
    fed: usize,
    /// Where the chunk begins and ends.
    chunk: (usize, usize),
}

impl Track<'_> {
    /// Goes past results that this way to read does not show.
    fn pass(&mut self) {
        let is_shown = |item: &Outcome| self.items || matches!(item, Outcome::Event(_) | Outcome::Overflow { .. });
        while self.expected.items.get(self.at).is_some_and(|item| !is_shown(item)) {
            self.at += 1;
        }
    }

    /// Whether `seen` must come next.
    fn take(&mut self, seen: &Seen<'_>) -> bool {
        self.pass();
        let Some(item) = self.expected.items.get(self.at) else { return false };
        let (is_as_expected, is_over) = match (item, seen) {
            (Outcome::Comment { bytes, last, .. }, Seen::Comment(piece))
            | (Outcome::Unknown { bytes, last, .. }, Seen::Unknown(piece)) => {
                take_piece(bytes, *last, &mut self.within, piece)
            }
            (Outcome::Overflow { field, needed: most, .. }, Seen::Overflow { field: seen, needed, capacity }) => {
                let (line, chunk) = (self.expected.lines[self.at], self.chunk);
                let room = self.expected.capacity;
                let is_right = match chunk.0 <= line.0 && line.1 <= chunk.1 {
                    true => needed == most,
                    false => room < *needed && needed <= most,
                };
                (field == seen && is_right && *capacity == room, true)
            }
            _ => (item.is(seen, self.expected.capacity), true),
        };
        self.at += usize::from(is_over);
        is_as_expected
    }

    fn end(&mut self) {
        self.pass();
        match &self.expected.items[self.at..] {
            [] => {}
            [Outcome::Comment { bytes, last: false, .. } | Outcome::Unknown { bytes, last: false, .. }]
                if self.within == bytes.len() => {}
            rest => panic!("not reported: {rest:?}"),
        }
    }
}

/// Whether `piece` goes on a value from `within`, and whether that is all of it.
fn take_piece(bytes: &[u8], is_over: bool, within: &mut usize, piece: &Piece<'_>) -> (bool, bool) {
    let rest = &bytes[*within..];
    let first_is_right = piece.first.is_none_or(|first| first == (*within == 0));
    let is_right = rest.starts_with(piece.bytes)
        && first_is_right
        && (!piece.last || is_over && piece.bytes.len() == rest.len())
        && (piece.last || !piece.bytes.is_empty());
    *within = if piece.last { 0 } else { *within + piece.bytes.len() };
    (is_right, piece.last)
}

/// A token that must come.
enum Expect<'s> {
    /// Of a field, a comment (`None`), or an unknown line (`None` and `true`).
    Value {
        field: Option<Field>,
        is_unknown: bool,
        bytes: &'s [u8],
        is_over: bool,
    },
    EndOfEvent,
}

fn expected_tokens(stream: &[u8]) -> Vec<Expect<'_>> {
    let after_mark = stream.strip_prefix(b"\xef\xbb\xbf");
    let (lines, rest) = oracle::lines(after_mark.unwrap_or(stream));
    // A byte order mark that is not over is nothing yet.
    let is_mark = after_mark.is_none() && lines.is_empty() && b"\xef\xbb\xbf".starts_with(rest);
    let cut_off = Some((rest, false)).filter(|_| !rest.is_empty() && !is_mark);
    let mut expected = Vec::new();
    for (text, is_over) in lines.into_iter().map(|line| (line, true)).chain(cut_off) {
        if text.is_empty() {
            expected.push(Expect::EndOfEvent);
            continue;
        }
        let (field, is_unknown, bytes) = match line(text, is_over) {
            Line::Open => continue,
            Line::Field(field, value) => (Some(field), false, value),
            Line::Comment(value) => (None, false, value),
            Line::Unknown => (None, true, text),
        };
        if is_over || !bytes.is_empty() {
            expected.push(Expect::Value { field, is_unknown, bytes, is_over });
        }
    }
    expected
}

fn run_tokenizer(expected: &[Expect<'_>], chunks: &[&[u8]]) {
    let mut tokenizer = Default::default();
    let (mut at, mut within) = (0, 0);
    for chunk in chunks {
        let mut rest = *chunk;
        while let Some(token) = adapter::next_token(&mut tokenizer, &mut rest) {
            let (is_right, is_over) = match (expected.get(at), &token) {
                (Some(Expect::EndOfEvent), SeenToken::EndOfEvent) => (true, true),
                (Some(Expect::Value { field: Some(field), bytes, is_over, .. }), SeenToken::Field(seen, piece))
                    if field == seen =>
                {
                    take_piece(bytes, *is_over, &mut within, piece)
                }
                (Some(Expect::Value { field: None, is_unknown: false, bytes, is_over }), SeenToken::Comment(piece))
                | (Some(Expect::Value { field: None, is_unknown: true, bytes, is_over }), SeenToken::Unknown(piece)) => {
                    take_piece(bytes, *is_over, &mut within, piece)
                }
                _ => (false, true),
            };
            assert!(is_right, "token {at}: {token:?}");
            at += usize::from(is_over);
        }
        assert!(rest.is_empty(), "all input is used");
    }
    match &expected[at..] {
        [] => {}
        [Expect::Value { bytes, is_over: false, .. }] if within == bytes.len() => {}
        rest => panic!("{} tokens are missing", rest.len()),
    }
}

/// Calls `read` with the stream whole, in bytes, and in two at every place; then there is one chunk that is empty.
fn each_chunking<'s>(stream: &'s [u8], bytes: &[&'s [u8]], mut read: impl FnMut(&[&[u8]])) -> u64 {
    read(&[stream]);
    read(bytes);
    for place in 0..=stream.len() {
        read(&[&stream[..place], &stream[place..]]);
    }
    stream.len() as u64 + 3
}

/// All of one stream.
fn check(stream: &[u8], counts: &mut Counts) {
    let mut buffer = [0xaa; AMPLE];
    let mut bytes: [&[u8]; AMPLE] = [b""; AMPLE];
    stream.chunks(1).zip(&mut bytes).for_each(|(byte, slot)| *slot = byte);
    let bytes = &bytes[..stream.len()];
    let parsed = oracle::parse(stream, None);

    let ample = expected(stream, AMPLE);
    ample.compare_with_standard(&parsed);
    let mut read = |expected: &Expected| {
        for way in WAYS {
            counts.runs += each_chunking(stream, bytes, |chunks| expected.run(way, &mut buffer, chunks));
        }
        let is_overflow = |item: &&Outcome| matches!(item, Outcome::Overflow { .. });
        let overflows = expected.items.iter().filter(is_overflow).count() as u64;
        counts.overflows += overflows;
        counts.events += expected.items.iter().filter(|item| matches!(item, Outcome::Event(_))).count() as u64;
        overflows > 0
    };
    read(&ample);
    for capacity in 0..=SMALL {
        let tight = expected(stream, capacity);
        tight.compare_with_rule(stream, &parsed);
        if !read(&tight) {
            break;
        }
    }
    let tokens = expected_tokens(stream);
    counts.runs += each_chunking(stream, bytes, |chunks| run_tokenizer(&tokens, chunks));
    counts.streams += 1;
}

/// Checks all streams of `parts` that begin with `stream` and have up to `more` parts more.
fn descend(parts: &[&[u8]], stream: &mut Vec<u8>, more: usize, check: &mut impl FnMut(&[u8])) {
    check(stream);
    if more > 0 {
        for part in parts {
            let len = stream.len();
            stream.extend_from_slice(part);
            descend(parts, stream, more - 1, check);
            stream.truncate(len);
        }
    }
}

/// `check`, which names the stream when it fails.
fn checked(stream: &[u8], counts: &mut Counts) {
    struct Name<'s>(&'s [u8]);
    impl Drop for Name<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("the stream is b\"{}\"", self.0.escape_ascii());
            }
        }
    }
    let _name = Name(stream);
    check(stream, counts);
}

/// Checks all streams of up to `depth` parts, on all processors.
fn every_stream(parts: &[&[u8]], depth: usize) -> Counts {
    let mut total = Counts::default();
    let head = HEAD.min(depth);
    // Those shorter than a head first.
    if head > 0 {
        descend(parts, &mut Vec::new(), head - 1, &mut |stream| checked(stream, &mut total));
    }
    let mut heads = vec![Vec::new()];
    for _ in 0..head {
        heads = heads.iter().flat_map(|head| parts.iter().map(move |part| [head, *part].concat())).collect();
    }
    let threads = number("SSEWIRE_THREADS").or(std::thread::available_parallelism().ok().map(usize::from));
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let work = || {
            let mut counts = Counts::default();
            while let Some(stream) = heads.get(next.fetch_add(1, Ordering::Relaxed)) {
                descend(parts, &mut stream.clone(), depth - head, &mut |stream| checked(stream, &mut counts));
            }
            counts
        };
        let threads: Vec<_> = (0..threads.unwrap_or(1)).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            let counts = thread.join().expect("every stream is as expected");
            total.streams += counts.streams;
            total.runs += counts.runs;
            total.events += counts.events;
            total.overflows += counts.overflows;
        }
    });
    total
}

fn number(name: &str) -> Option<usize> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Asserts that all streams of up to `depth` parts were there, and that there was something in them.
fn all_were_read(name: &str, parts: &[&[u8]], depth: usize) {
    let begin = Instant::now();
    let counts = every_stream(parts, depth);
    println!("{depth} {name}: {counts:?}, {:.1} s", begin.elapsed().as_secs_f64());
    let streams: u64 = (0..=depth as u32).map(|len| (parts.len() as u64).pow(len)).sum();
    assert_eq!(counts.streams, streams);
    assert!(counts.runs > 30 * streams, "every way to read, and to cut");
    // In few of the short ones there is an event.
    if depth >= 4 {
        assert!(counts.events > 100 && counts.overflows > streams / 100, "{counts:?}");
    }
}

#[test]
fn every_stream_of_symbols() {
    all_were_read("symbols", &SYMBOLS, number("SSEWIRE_SYMBOLS").unwrap_or(4));
}

#[test]
fn every_stream_of_lines() {
    all_were_read("lines", &LINES, number("SSEWIRE_LINES").unwrap_or(3));
}
