//! Drives a parser through random calls, beside the model.

use std::fmt::Debug;

use ssewire::Parser;

use super::adapter::{self, Driven, Seen, WAYS, Way};
use super::{Model, Outcome};

/// Where the choices come from.
pub enum Choices<'d> {
    /// From this state of a generator.
    Random { state: u64, steps: usize },
    /// From these bytes, until they are used up.
    Given(&'d [u8]),
}

impl Choices<'_> {
    pub fn random(seed: u64, steps: usize) -> Choices<'static> {
        // Seeds that are near each other must not give choices that are.
        let state = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut choices = Choices::Random { state, steps };
        for _ in 0..4 {
            choices.below(2);
        }
        choices
    }

    /// A number below `end`, which is at most 65536.
    pub fn below(&mut self, end: usize) -> usize {
        match self {
            Choices::Random { state, .. } => {
                // xorshift64*
                *state ^= *state >> 12;
                *state ^= *state << 25;
                *state ^= *state >> 27;
                let number = state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
                number as usize % end
            }
            Choices::Given(bytes) => {
                let len = bytes.len().min(if end > 256 { 2 } else { 1 });
                let (number, rest) = bytes.split_at(len);
                *bytes = rest;
                number.iter().fold(0, |number, &byte| number << 8 | usize::from(byte)) % end
            }
        }
    }

    fn one_in(&mut self, end: usize) -> bool {
        self.below(end) == end - 1
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// Whether there is to be one more step.
    fn has_step(&mut self) -> bool {
        match self {
            Choices::Random { steps, .. } => {
                *steps = steps.saturating_sub(1);
                *steps > 0
            }
            Choices::Given(bytes) => !bytes.is_empty(),
        }
    }
}

/// How often each thing was met.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub cases: usize,
    pub calls: usize,
    pub events: usize,
    pub typed: usize,
    pub with_id: usize,
    pub cut_events: usize,
    pub overflows: usize,
    /// Those of lines that came in pieces.
    pub overflows_in_pieces: usize,
    pub updates: usize,
    pub comments: usize,
    pub comment_pieces: usize,
    pub unknown: usize,
    pub resets: usize,
    pub ids_set: usize,
    pub ids_refused: usize,
    pub ends: usize,
    pub ended_events: usize,
    pub clones: usize,
    pub dropped: usize,
}

impl Counts {
    pub fn add(&mut self, other: &Counts) {
        let Counts { cases, calls, events, typed, with_id, cut_events, overflows, .. } = other;
        self.cases += cases;
        self.calls += calls;
        self.events += events;
        self.typed += typed;
        self.with_id += with_id;
        self.cut_events += cut_events;
        self.overflows += overflows;
        self.overflows_in_pieces += other.overflows_in_pieces;
        self.updates += other.updates;
        self.comments += other.comments;
        self.comment_pieces += other.comment_pieces;
        self.unknown += other.unknown;
        self.resets += other.resets;
        self.ids_set += other.ids_set;
        self.ids_refused += other.ids_refused;
        self.ends += other.ends;
        self.ended_events += other.ended_events;
        self.clones += other.clones;
        self.dropped += other.dropped;
    }
}

/// The kinds of buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Inline,
    Borrowed,
    Heap,
}

pub const KINDS: [Kind; 3] = [Kind::Inline, Kind::Borrowed, Kind::Heap];

/// One case: a parser of a random capacity, driven until the choices are over. With `trace` every call is printed.
pub fn run(kind: Kind, choices: &mut Choices<'_>, trace: bool, counts: &mut Counts) {
    counts.cases += 1;
    // Beyond the small ones: where a growing buffer grows again.
    let capacity = if choices.one_in(12) { 41 + choices.below(900) } else { choices.below(41) };
    match kind {
        Kind::Inline => {
            let (parser, capacity) = match choices.below(6) {
                0 => inline::<0>(),
                1 => inline::<1>(),
                2 => inline::<4>(),
                3 => inline::<11>(),
                4 => inline::<40>(),
                _ => inline::<300>(),
            };
            drive(parser, capacity, choices, trace, counts);
        }
        Kind::Borrowed => {
            let mut buffer = vec![0xaa; capacity];
            drive(adapter::borrowed(&mut buffer), capacity, choices, trace, counts);
        }
        Kind::Heap => drive(adapter::owned(Parser::with_limit(capacity)), capacity, choices, trace, counts),
    }
}

fn inline<const N: usize>() -> (Box<dyn Driven>, usize) {
    (adapter::owned(Parser::<[u8; N]>::new()), N)
}

/// A parser, and the model of it.
struct Pair<'b> {
    parser: Box<dyn Driven + 'b>,
    model: Model,
}

struct Driver<'r, 'b> {
    pair: Pair<'b>,
    capacity: usize,
    trace: bool,
    counts: &'r mut Counts,
}

fn drive(parser: Box<dyn Driven + '_>, capacity: usize, choices: &mut Choices<'_>, trace: bool, counts: &mut Counts) {
    if trace {
        eprintln!("capacity {capacity}");
    }
    let pair = Pair { parser, model: Model::new(capacity) };
    let mut driver = Driver { pair, capacity, trace, counts };
    let mut source = Source { bytes: Vec::new(), salt: 0, room: capacity };
    // Bytes of the stream that came and were not used.
    let mut chunk = Vec::new();
    let mut others: Vec<Pair<'_>> = Vec::new();
    driver.compare();
    source.begin(choices);
    while choices.has_step() {
        match choices.below(40) {
            0 | 1 => {
                driver.reset();
                // Of the old connection nothing may come, or something.
                if choices.below(4) > 0 {
                    chunk.clear();
                    source.bytes.clear();
                }
                source.begin(choices);
            }
            2 => {
                driver.set_last_event_id(&id(choices, capacity));
                if choices.below(2) == 0 {
                    source.begin(choices);
                }
            }
            3 | 9 => {
                // Best where there is something to end.
                if driver.pair.model.unfinished().is_none() && choices.below(2) == 0 {
                    driver.read(&mut source.next(choices), choices);
                }
                driver.finish();
                if choices.below(2) == 0 {
                    chunk.clear();
                    source.bytes.clear();
                    source.begin(choices);
                }
            }
            4..=6 => {
                let Some(parser) = driver.pair.parser.fork() else { continue };
                driver.note("clone", &others.len());
                driver.counts.clones += 1;
                let new = Pair { parser, model: driver.pair.model.clone() };
                let old = std::mem::replace(&mut driver.pair, new);
                match choices.below(4) {
                    0 => {}
                    1 => others.push(old),
                    // Goes on with the first, and keeps the clone.
                    2 => others.push(std::mem::replace(&mut driver.pair, old)),
                    _ => {
                        others.push(old);
                        let other = choices.below(others.len());
                        std::mem::swap(&mut driver.pair, &mut others[other]);
                        driver.note("other", &other);
                    }
                }
                if others.len() > 3 {
                    others.swap_remove(choices.below(3));
                }
                driver.compare();
            }
            7 => {
                let way = choices.of(&WAYS);
                assert!(driver.call(way, &[]).1.is_none());
            }
            8 => {
                chunk.clear();
                driver.counts.dropped += 1;
            }
            _ => {
                if choices.below(4) > 0 || chunk.is_empty() {
                    chunk.extend(source.next(choices));
                }
                driver.read(&mut chunk, choices);
            }
        }
    }
}

impl Driver<'_, '_> {
    fn note(&self, what: &str, of: &dyn Debug) {
        if self.trace {
            eprintln!("{what} {of:?}");
        }
    }

    /// Reads from the front of `chunk`, with one way or in turns.
    fn read(&mut self, chunk: &mut Vec<u8>, choices: &mut Choices<'_>) {
        let mut way = choices.of(&WAYS);
        let (takes_turns, is_once) = (choices.below(3) == 0, choices.below(3) == 0);
        // The input of a call, a copy which is gone after it.
        let mut input = Vec::new();
        loop {
            let len = if choices.one_in(10) { choices.below(chunk.len() + 1) } else { chunk.len() };
            input.clear();
            input.extend_from_slice(&chunk[..len]);
            let (used, outcome) = self.call(way, &input);
            input.fill(choices.of(b"\n:d\0\xaa"));
            self.compare();
            chunk.drain(..used);
            match outcome {
                None => return,
                Some(Outcome::Event(_) | Outcome::Overflow { .. }) if choices.one_in(8) => {
                    self.counts.dropped += 1;
                    chunk.drain(..choices.below(chunk.len() + 1));
                    return;
                }
                Some(_) if is_once => return,
                Some(_) => {}
            }
            if takes_turns {
                way = choices.of(&WAYS);
            }
        }
    }

    /// One call, which must use and return what the model does.
    fn call(&mut self, way: Way, input: &[u8]) -> (usize, Option<Outcome>) {
        self.counts.calls += 1;
        let was_within = self.pair.model.unfinished().is_some();
        let (model, capacity, trace) = (&mut self.pair.model, self.capacity, self.trace);
        let mut called = (0, None);
        self.pair.parser.call(way, input, &mut |used, seen| {
            let unknown = match seen {
                Some(Seen::Unknown(piece)) => Some((used, piece.bytes.len())),
                _ => None,
            };
            let (expected_used, expected) = model.call(input, way.shows_items(), unknown);
            if trace {
                eprintln!("{way:?} b\"{}\": {used}, {seen:?}; {expected_used}, {expected:?}", input.escape_ascii());
            }
            assert!(is_same(&expected, seen, capacity), "{way:?}: {seen:?}, expected {expected:?}");
            assert_eq!(used, expected_used, "{way:?}: bytes used, with {seen:?}");
            called = (used, expected);
        });
        let (used, outcome) = called;
        if outcome.is_none() {
            assert_eq!(used, input.len());
        }
        match &outcome {
            None => {}
            Some(Outcome::Event(event)) => {
                self.counts.events += 1;
                self.counts.typed += usize::from(event.event_type.is_some());
                self.counts.with_id += usize::from(event.id.is_some());
                self.counts.cut_events += usize::from(was_within);
            }
            Some(Outcome::Comment { last, .. }) => {
                self.counts.comments += usize::from(*last);
                self.counts.comment_pieces += usize::from(!*last);
            }
            Some(Outcome::Unknown { .. }) => self.counts.unknown += 1,
            Some(Outcome::Update { .. }) => self.counts.updates += 1,
            Some(Outcome::Overflow { whole, .. }) => {
                self.counts.overflows += 1;
                self.counts.overflows_in_pieces += usize::from(!*whole);
            }
        }
        (used, outcome)
    }

    /// All that a parser tells between two calls.
    fn compare(&self) {
        let Pair { parser, model } = &self.pair;
        assert_eq!(parser.last_event_id(), model.last_event_id());
        assert_eq!(parser.reconnection_time_ms(), model.reconnection_time_ms());
        assert_eq!(parser.unfinished(), model.unfinished(), "unfinished");
    }

    fn reset(&mut self) {
        self.note("reset", &());
        self.counts.resets += 1;
        self.pair.parser.reset();
        self.pair.model.reset();
        self.compare();
    }

    fn set_last_event_id(&mut self, id: &[u8]) {
        self.note("set_last_event_id", &id.escape_ascii().to_string());
        let result = self.pair.parser.set_last_event_id(id);
        assert_eq!(result, self.pair.model.set_last_event_id(id));
        self.counts.ids_set += usize::from(result.is_ok());
        self.counts.ids_refused += usize::from(result.is_err());
        self.compare();
    }

    fn finish(&mut self) {
        self.counts.ends += 1;
        let expected = self.pair.model.finish();
        self.note("finish", &expected);
        self.pair.parser.take_unfinished(&mut |seen| {
            assert!(is_same(&expected, seen, self.capacity), "finish: {seen:?}, expected {expected:?}");
        });
        self.counts.ended_events += usize::from(matches!(expected, Some(Outcome::Event(_))));
        self.compare();
    }
}

fn is_same(expected: &Option<Outcome>, seen: Option<Seen<'_>>, capacity: usize) -> bool {
    match (expected, &seen) {
        (None, None) => true,
        (Some(expected), Some(seen)) => expected.is(seen, capacity),
        _ => false,
    }
}

/// An ID to set: one that fits, is too long, or holds a byte that it cannot.
fn id(choices: &mut Choices<'_>, capacity: usize) -> Vec<u8> {
    let len = if choices.below(2) == 0 { choices.below(4) } else { choices.below(capacity + 3) };
    let mut id: Vec<u8> = (0..len).map(|at| b'A' + (at % 26) as u8).collect();
    if choices.one_in(4) && len > 0 {
        let position = choices.below(len);
        id[position] = choices.of(b"\r\n\0\xff");
    }
    id
}

/// A random stream, mostly of event streams' lines.
struct Source {
    bytes: Vec<u8>,
    /// So that values differ from each other.
    salt: usize,
    room: usize,
}

impl Source {
    /// At the start of a stream there may be a byte order mark, a broken one, or two.
    fn begin(&mut self, choices: &mut Choices<'_>) {
        let marks: [&[u8]; 8] =
            [b"", b"", b"", b"\xef\xbb\xbf", b"\xef\xbb\xbf", b"\xef\xbb", b"\xef", b"\xef\xbb\xbf\xef\xbb\xbf"];
        self.bytes.splice(..0, choices.of(&marks).iter().copied());
    }

    /// The next chunk.
    fn next(&mut self, choices: &mut Choices<'_>) -> Vec<u8> {
        for _ in 0..=choices.below(4) {
            self.add(choices);
        }
        let ends = |is_end: fn(u8) -> bool| {
            let bytes = &self.bytes;
            (0..bytes.len()).filter(move |&at| is_end(bytes[at])).map(|at| at + 1).collect::<Vec<usize>>()
        };
        let len = match choices.below(10) {
            0..=3 => self.bytes.len(),
            4 | 5 => 1 + choices.below(4),
            // After a CR, which an LF may follow.
            6 => ends(|byte| byte == b'\r').first().copied().unwrap_or(usize::MAX),
            // Before, at or after a line end.
            7 => {
                let ends = ends(|byte| matches!(byte, b'\r' | b'\n'));
                let end = if ends.is_empty() { 1 } else { choices.of(&ends) };
                (end + choices.below(3)).saturating_sub(1)
            }
            _ => choices.below(self.bytes.len() + 1),
        };
        let len = len.min(self.bytes.len());
        self.bytes.drain(..len).collect()
    }

    /// Adds a few lines.
    fn add(&mut self, choices: &mut Choices<'_>) {
        let line_end: &[u8] = choices.of(&[&b"\n"[..], b"\n", b"\n", b"\r\n", b"\r\n", b"\r"]);
        match choices.below(8) {
            // An event of the common form.
            0..=2 => {
                let names = choices.of(&[
                    "data",
                    "data",
                    "event data",
                    "id data",
                    "id event data",
                    "data id",
                    "data event id",
                    "data data",
                    "event data data id",
                    "id",
                ]);
                for name in names.split(' ') {
                    self.line(name.as_bytes(), choices);
                    self.bytes.extend_from_slice(line_end);
                }
                self.bytes.extend_from_slice(line_end);
            }
            // An event of any lines, or a part of one.
            3..=5 => {
                for _ in 0..choices.below(6) {
                    let name: &[u8] = choices.of(&[
                        &b"data"[..],
                        b"data",
                        b"data",
                        b"event",
                        b"event",
                        b"id",
                        b"id",
                        b"id",
                        b"retry",
                        b"",
                        b"",
                        b"x",
                        b"dat",
                    ]);
                    self.line(name, choices);
                    self.bytes.extend_from_slice(line_end);
                }
                if choices.below(3) > 0 {
                    self.bytes.extend_from_slice(line_end);
                }
            }
            6 if choices.below(3) == 0 => {
                self.line(b"", choices);
                self.bytes.extend_from_slice(line_end);
            }
            6 => {
                let odd: [&[u8]; 28] = [
                    b"\r",
                    b"\n",
                    b"\r\n",
                    b"\r\r\n",
                    b"\n\r",
                    b"\xef\xbb\xbf",
                    b"\xef",
                    b"\0",
                    b":",
                    b" ",
                    b"da",
                    b"data",
                    b"data:",
                    b"data: ",
                    b"even",
                    b"event",
                    b"i",
                    b"id",
                    b"id:",
                    b"id:a\0b\n",
                    b"retry",
                    b"retry:",
                    b"retr\n",
                    b" data: x\n",
                    b"Data:x\n",
                    b"data :x\n",
                    b"datadata:x\n",
                    b"id\0:x\n",
                ];
                let odd = choices.of(&odd);
                self.bytes.extend_from_slice(odd);
            }
            _ => {
                let len = choices.below(6);
                let random: Vec<u8> =
                    (0..len).map(|_| choices.of(b"\r\n\r\n: \0datieventry05\xef\xbb\xbf\xff")).collect();
                self.bytes.extend(random);
            }
        }
    }

    /// Adds a line of a name and a value, without its end.
    fn line(&mut self, name: &[u8], choices: &mut Choices<'_>) {
        self.bytes.extend_from_slice(name);
        if choices.one_in(12) && !name.is_empty() {
            return;
        }
        let colon: &[u8] = choices.of(&[&b":"[..], b":", b": ", b": ", b": ", b":  "]);
        self.bytes.extend_from_slice(colon);
        if name == b"retry" && choices.below(4) > 0 {
            let times: [&[u8]; 9] = [
                b"5",
                b"007",
                b"3000",
                b"18446744073709551615",
                b"18446744073709551616",
                b"99999999999999999999999",
                b"",
                b"1x",
                b"-1",
            ];
            let time = choices.of(&times);
            self.bytes.extend_from_slice(time);
            return;
        }
        let len = match choices.below(20) {
            0..=10 => choices.below(4),
            11..=14 => choices.below(13),
            // About as much as there is room for.
            15..=17 => (self.room + choices.below(4)).saturating_sub(2 + choices.below(3) * self.room / 4),
            18 => choices.below(self.room + 2),
            _ if name.is_empty() || choices.below(2) == 0 => choices.below(200),
            _ => 0,
        };
        self.salt += 1;
        let start = self.bytes.len();
        let salt = self.salt;
        self.bytes.extend((0..len).map(|at| b'a' + ((at * 7 + salt * 3) % 26) as u8));
        if len > 0 && choices.one_in(6) {
            let place = start + choices.below(len);
            self.bytes[place] = choices.of(b"\0\0\0 ::\xff\xef5");
        }
    }
}
