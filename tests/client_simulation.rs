//! A client and a server that keeps a bounded history, over a hostile network, with a virtual clock: connections that are
//! refused, cut at any byte or stalled, wrong heads, content codings, redirects, slow readers, and a server that restarts with
//! or without its history.
//!
//! Every event that the history still holds arrives exactly once and in order, every other loss is reported by the server's gap
//! event, and the connections in any second are bounded.
//!
//! ```text
//! SSEWIRE_SEEDS=100000 cargo test --all-features --test all -- --nocapture client_simulation::
//! SSEWIRE_SEED=17 SSEWIRE_SEEDS=1 cargo test --all-features --test all -- --nocapture client_simulation::
//! ```

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;

use ssewire::client::{Action, Client, Head, Policy, Verdict};
use ssewire::http::Body;
use ssewire::{Frame, Parser};

/// Seeds that once failed, or that reach a rare state.
const KEPT: [u64; 4] = [0, 1, 17, 4096];

/// The connections of an attempt, with its redirects, and the attempts that the shortest wait allows in a second.
const CONNECTIONS_IN_A_SECOND: usize = 10 * (1 + Policy::ROBUST.redirects as usize) + 1;

#[test]
fn no_event_is_lost_or_doubled_in_silence() {
    let number = |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (first, count) = (number("SSEWIRE_SEED", 0), number("SSEWIRE_SEEDS", 2000));
    let mut total = Counts::default();
    for seed in KEPT.into_iter().chain(first..first + count) {
        // The seed stands in the message of a panic.
        let counts = std::panic::catch_unwind(|| Simulation::new(seed).run())
            .unwrap_or_else(|_| panic!("failed: SSEWIRE_SEED={seed} SSEWIRE_SEEDS=1"));
        total.add(&counts);
    }
    println!("{} seeds from {first} on: {total:?}", count);
    assert!(
        total.gaps > 0 && total.fatal > 0 && total.redirects > 0 && total.overflows > 0,
        "each must be seen: {total:?}"
    );
}

#[derive(Debug, Default)]
struct Counts {
    events: u64,
    connections: u64,
    gaps: u64,
    fatal: u64,
    redirects: u64,
    overflows: u64,
    most_in_a_second: usize,
}

impl Counts {
    fn add(&mut self, other: &Counts) {
        self.events += other.events;
        self.connections += other.connections;
        self.gaps += other.gaps;
        self.fatal += other.fatal;
        self.redirects += other.redirects;
        self.overflows += other.overflows;
        self.most_in_a_second = self.most_in_a_second.max(other.most_in_a_second);
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) % limit
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// A server that keeps its last events.
// The numbers of all events that there were are those below `next`; those from `oldest` on are held.
struct Server {
    epoch: u64,
    next: u64,
    held: VecDeque<String>,
    /// The events, by epoch and number, that do not fit into the client's buffer.
    too_large: BTreeSet<(u64, u64)>,
    capacity: usize,
    next_event: u64,
}

impl Server {
    fn oldest(&self) -> u64 {
        self.next - self.held.len() as u64
    }

    /// Publishes the events up to a time.
    fn advance(&mut self, now: u64, random: &mut Random) {
        while self.next_event <= now {
            let gap = if random.one_in(4) { 20 } else { 4000 };
            self.next_event += 1 + random.below(gap);
            let id = format!("{}-{}", self.epoch, self.next);
            // The client's buffer is too small for some events.
            let len = if random.one_in(50) { 200 } else { random.below(20) as usize };
            if len == 200 {
                self.too_large.insert((self.epoch, self.next));
            }
            let data = format!("{id}\n{}", "x".repeat(len));
            let mut frame = Frame::new().id(&id).unwrap().data(&data);
            if random.one_in(8) {
                frame = frame.retry(random.below(3) * 50);
            }
            if random.one_in(8) {
                frame = frame.event_type("other").unwrap();
            }
            self.held.push_back(frame.to_string());
            self.next += 1;
            if self.held.len() > self.capacity {
                self.held.pop_front();
            }
        }
    }

    /// Returns the number of the event to begin with, for a client that has the ID.
    fn since(&self, id: Option<&str>) -> Result<u64, ()> {
        let Some(id) = id else { return Err(()) };
        let (epoch, number) = id.split_once('-').unwrap();
        let next = number.parse::<u64>().unwrap() + 1;
        if epoch.parse() != Ok(self.epoch) || next < self.oldest() {
            return Err(());
        }
        assert!(next <= self.next, "an ID that never was: {id}");
        Ok(next)
    }
}

struct Connection {
    /// The number of the next event to send; `None` before a gap event.
    cursor: Option<u64>,
    /// Bytes that were sent and not received.
    sent: Vec<u8>,
    /// The bytes of the body after which the connection is cut.
    cut: Option<usize>,
    stalls: bool,
    slow: bool,
    body: Body,
    fault: Fault,
    comment_at: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    NoHead,
    Silent,
    Head(u16, &'static [(&'static str, &'static str)]),
}

const STREAM: (&str, &str) = ("content-type", "text/event-stream");
const FAULTS: [Fault; 12] = [
    Fault::NoHead,
    Fault::Silent,
    Fault::Head(500, &[]),
    Fault::Head(503, &[("retry-after", "3")]),
    Fault::Head(429, &[("retry-after", "Thu, 01 Jan 1970 00:00:02 GMT"), ("date", "Thu, 01 Jan 1970 00:00:00 GMT")]),
    Fault::Head(302, &[("location", "/two")]),
    Fault::Head(302, &[("location", "/two")]),
    Fault::Head(302, &[]),
    Fault::Head(404, &[]),
    Fault::Head(204, &[]),
    Fault::Head(200, &[("content-type", "text/html")]),
    Fault::Head(200, &[STREAM, ("content-encoding", "gzip")]),
];

struct Simulation {
    random: Random,
    client: Client<[u8; 96], 32>,
    server: Server,
    connection: Option<Connection>,
    now: u64,
    /// The network is hostile.
    is_hostile: bool,
    /// The event that must arrive next; `None` before the first one.
    expected: Option<(u64, u64)>,
    /// The events that were reported as too large since the last one that fits.
    overflows: u64,
    connects: Vec<u64>,
    counts: Counts,
}

impl Simulation {
    fn new(seed: u64) -> Simulation {
        let mut random = Random(seed);
        let capacity = 1 + random.below(30) as usize;
        Simulation {
            client: Client::with_excerpt(Parser::new(), Policy::ROBUST, seed as u32, [0; 32]),
            server: Server {
                epoch: 0,
                next: 0,
                held: VecDeque::new(),
                too_large: BTreeSet::new(),
                capacity,
                next_event: 0,
            },
            connection: None,
            now: 0,
            is_hostile: true,
            expected: None,
            overflows: 0,
            connects: Vec::new(),
            counts: Counts::default(),
            random,
        }
    }

    fn run(mut self) -> Counts {
        while self.now < 120_000 {
            self.step();
        }
        // The network heals, and nothing more happens: the client must have all.
        self.is_hostile = false;
        self.connection = None;
        let last = self.now;
        self.server.advance(last, &mut self.random);
        self.server.next_event = u64::MAX;
        // The longest time without a head, and the longest wait.
        let is_last = |simulation: &Simulation| {
            let (epoch, number) = simulation.expected?;
            let rest = number..simulation.server.next;
            let fits = |number| !simulation.server.too_large.contains(&(epoch, number));
            (epoch == simulation.server.epoch
                && rest.clone().count() as u64 <= simulation.overflows
                && !rest.into_iter().any(fits))
            .then_some(())
        };
        while is_last(&self).is_none() {
            self.step();
            assert!(
                self.now < last + 200_000,
                "{:?} and not {:?}",
                self.expected,
                (self.server.epoch, self.server.next)
            );
        }
        self.counts.connections = self.connects.len() as u64;
        let connects = &self.connects;
        let in_a_second = |i: usize| connects.iter().skip(i).take_while(|time| **time < connects[i] + 1000).count();
        self.counts.most_in_a_second = (0..connects.len()).map(in_a_second).max().unwrap();
        assert!(self.counts.most_in_a_second <= CONNECTIONS_IN_A_SECOND, "{}", self.counts.most_in_a_second);
        self.counts
    }

    fn step(&mut self) {
        self.server.advance(self.now, &mut self.random);
        if self.is_hostile && self.random.one_in(200) {
            self.connection = None;
            if self.random.one_in(2) {
                // The server has lost its history, and its numbers begin again.
                (self.server.epoch, self.server.next) = (self.server.epoch + 1, 0);
                self.server.held.clear();
            }
        }
        match self.client.poll(self.now) {
            Action::Connect { .. } => {
                self.connects.push(self.now);
                self.now += 1 + self.random.below(5);
                self.connect();
            }
            Action::Wait { until } => {
                self.connection = None;
                // Polled early, now and then.
                self.now = if self.random.one_in(4) { (self.now + 50).min(until) } else { until };
            }
            Action::Closed(_) => {
                self.connection = None;
                self.counts.fatal += 1;
                self.now += self.random.below(5000);
                self.client.restart(self.now);
            }
            Action::Head { until } => self.head(until),
            Action::Read { until } => self.read(until),
        }
    }

    fn connect(&mut self) {
        self.connection = None;
        if self.is_hostile && self.random.one_in(6) {
            return;
        }
        let id = self.client.last_event_id().map(|id| id.to_string());
        let is_hostile = self.is_hostile;
        let mut one_in = |n| is_hostile && self.random.one_in(n);
        let (has_fault, is_cut, stalls, slow) = (one_in(3), one_in(2), one_in(6), one_in(4));
        let body = if self.random.one_in(2) { Body::chunked() } else { Body::until_end() };
        let fault = if has_fault { FAULTS[self.random.below(12) as usize] } else { Fault::None };
        let cut = is_cut.then(|| self.random.below(if self.random.0.is_multiple_of(2) { 60 } else { 2000 }) as usize);
        let cursor = self.server.since(id.as_deref()).ok();
        self.connection = Some(Connection {
            cursor,
            sent: Vec::new(),
            cut,
            stalls,
            slow,
            body,
            fault,
            comment_at: self.now + 15_000,
        });
    }

    fn head(&mut self, until: u64) {
        let Some(connection) = &self.connection else {
            self.client.on_error(self.now);
            return;
        };
        match connection.fault {
            Fault::None => {
                let mut head = Head::new(200);
                head.header(STREAM.0.as_bytes(), STREAM.1.as_bytes());
                assert_eq!(self.client.on_head(self.now, &head), Verdict::Open);
            }
            Fault::NoHead => {
                self.connection = None;
                self.client.on_error(self.now);
            }
            Fault::Silent => self.now = until,
            Fault::Head(status, fields) => {
                let mut head = Head::new(status);
                for (name, value) in fields {
                    head.header(name.as_bytes(), value.as_bytes());
                }
                match self.client.on_head(self.now, &head) {
                    Verdict::Redirect => self.counts.redirects += 1,
                    verdict => assert!(matches!(verdict, Verdict::Failed(_)), "{verdict:?}"),
                }
            }
        }
    }

    fn read(&mut self, until: u64) {
        let Some(connection) = &mut self.connection else {
            self.client.on_error(self.now);
            return;
        };
        if connection.fault != Fault::None {
            // The body of a failed response.
            let mut body: &[u8] = b"data: a body of another kind\n\n";
            assert_eq!(self.client.next(self.now, &mut body), Ok(None));
            self.client.on_end(self.now);
            return;
        }
        if connection.sent.is_empty() && !(connection.stalls && self.random.one_in(3)) {
            connection.send(&mut self.server, self.now);
        }
        if connection.sent.is_empty() {
            let next =
                if connection.stalls { until } else { self.server.next_event.min(connection.comment_at).min(until) };
            self.now = self.now.max(next);
            return;
        }
        let most = if connection.slow { 1 + self.random.below(8) as usize } else { connection.sent.len() };
        let mut len = (1 + self.random.below(connection.sent.len() as u64) as usize).min(most);
        if let Some(left) = &mut connection.cut {
            len = len.min(*left);
            *left -= len;
        }
        let received: Vec<u8> = connection.sent.drain(..len).collect();
        let is_cut = connection.cut == Some(0);
        if connection.slow {
            self.now += self.random.below(3000);
        }
        let mut body = Vec::new();
        let mut input = &received[..];
        while let Some(piece) = connection.body.next(&mut input).unwrap() {
            body.extend_from_slice(piece);
        }
        self.events(&body);
        if is_cut {
            self.connection = None;
            if self.random.one_in(2) {
                self.client.on_end(self.now);
            } else {
                self.client.on_error(self.now);
            }
        }
    }

    /// Goes on to the next event that fits. Each one before it must have been reported.
    fn skip_too_large(&mut self) {
        let mut skipped = 0;
        if let Some((epoch, number)) = &mut self.expected {
            while self.server.too_large.contains(&(*epoch, *number)) {
                *number += 1;
                skipped += 1;
            }
        }
        assert!(self.overflows >= skipped, "{skipped} events lost, {} reported", self.overflows);
        self.overflows = 0;
    }

    fn events(&mut self, body: &[u8]) {
        let mut input = body;
        let two_steps = self.random.one_in(2);
        loop {
            let before = input;
            let result = if two_steps {
                let progress = self.client.feed(self.now, input);
                input = &input[progress.consumed..];
                progress.result.map(|found| found.map(|found| self.client.event(found, before)))
            } else {
                self.client.next(self.now, &mut input)
            };
            let event = match result {
                Ok(Some(event)) => event,
                Ok(None) => break,
                Err(_) => {
                    self.counts.overflows += 1;
                    self.overflows += 1;
                    continue;
                }
            };
            let text = event.text().unwrap();
            let number = |text: &str| {
                let (epoch, number) = text.split_once('-').unwrap();
                (epoch.parse::<u64>().unwrap(), number.parse::<u64>().unwrap())
            };
            let first = number(text.data().lines().next().unwrap());
            if text.event_type() == "gap" {
                self.counts.gaps += 1;
                if let Some((epoch, next)) = self.expected {
                    assert!(epoch != first.0 || next <= first.1, "a gap before what was received: {first:?}");
                }
                self.expected = Some(first);
                continue;
            }
            assert_eq!(number(text.last_event_id()), first);
            self.skip_too_large();
            assert_eq!(self.expected, Some(first), "the next event");
            self.counts.events += 1;
            self.expected = Some((first.0, first.1 + 1));
        }
    }
}

impl Connection {
    /// Sends the next event, or that some were missed, or a comment.
    fn send(&mut self, server: &mut Server, now: u64) {
        let mut text = String::new();
        let cursor = *self.cursor.get_or_insert_with(|| {
            // A client without an ID, or with one that is not held, is told where it begins.
            write!(text, "event: gap\ndata: {}-{}\n\n", server.epoch, server.oldest()).unwrap();
            server.oldest()
        });
        if cursor < server.oldest() {
            // The reader is too slow: its events are gone.
            write!(text, "event: gap\ndata: {}-{}\n\n", server.epoch, server.oldest()).unwrap();
            self.cursor = Some(server.oldest());
        } else if let Some(event) = server.held.get((cursor - server.oldest()) as usize) {
            text.push_str(event);
            self.cursor = Some(cursor + 1);
        } else if now >= self.comment_at {
            self.comment_at = now + 15_000;
            text.push_str(":\n\n");
        }
        if text.is_empty() {
            return;
        }
        if self.body == Body::until_end() {
            self.sent.extend(text.bytes());
        } else {
            self.sent.extend(format!("{:x}\r\n{text}\r\n", text.len()).bytes());
        }
    }
}
