//! Where readers deliver events: a counter for timing, and a check that also
//! compares contents and can stop a reader that takes too long.

use std::hint::black_box;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Takes one event, with its fields as the reader delivers them. A field that
/// is absent is an empty slice. `Break` asks the reader to stop.
pub trait Sink {
    fn event(&mut self, kind: &[u8], data: &[u8], id: &[u8]) -> ControlFlow<()>;
}

/// Counts events and payload bytes: the work of the timed passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub events: u64,
    pub data_bytes: u64,
    /// Type and id. Readers differ in giving `message` for a missing type, so
    /// this sum is consumed but not compared.
    pub other_bytes: u64,
}

impl Sink for Tally {
    #[inline]
    fn event(&mut self, kind: &[u8], data: &[u8], id: &[u8]) -> ControlFlow<()> {
        self.events += 1;
        self.data_bytes += black_box(data).len() as u64;
        self.other_bytes += (black_box(kind).len() + black_box(id).len()) as u64;
        ControlFlow::Continue(())
    }
}

impl Tally {
    /// The part on which all readers must agree.
    pub fn agrees(&self, other: &Self) -> bool {
        self.events == other.events && self.data_bytes == other.data_bytes
    }

    pub fn difference(&self, expected: &Self) -> String {
        if self.events != expected.events {
            format!("wrong: {} of {} events", self.events, expected.events)
        } else {
            format!("wrong: {} of {} data bytes", self.data_bytes, expected.data_bytes)
        }
    }
}

/// A tally with a digest of every field, for one pass before the timing.
#[derive(Clone, Debug)]
pub struct Check {
    pub tally: Tally,
    pub digest: u64,
    pub stopped: bool,
    deadline: Option<Instant>,
}

impl Check {
    pub fn unlimited() -> Self {
        Self { tally: Tally::default(), digest: 0, stopped: false, deadline: None }
    }

    pub fn within(limit: Duration) -> Self {
        Self { deadline: Some(Instant::now() + limit), ..Self::unlimited() }
    }

    fn mix(&mut self, bytes: &[u8]) {
        let mut add = |word: u64| {
            self.digest = (self.digest.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        };
        add(bytes.len() as u64);
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            add(u64::from_le_bytes(word));
        }
    }

    /// What is wrong with this pass, if anything.
    pub fn verdict(&self, expected: &Self) -> Result<(), String> {
        if !self.tally.agrees(&expected.tally) {
            Err(self.tally.difference(&expected.tally))
        } else if self.digest != expected.digest {
            Err("wrong: same counts, other contents".into())
        } else {
            Ok(())
        }
    }
}

impl Sink for Check {
    fn event(&mut self, kind: &[u8], data: &[u8], id: &[u8]) -> ControlFlow<()> {
        let _ = self.tally.event(kind, data, id);
        // An absent type and an explicit default mean the same.
        self.mix(if kind == b"message" { b"" } else { kind });
        self.mix(data);
        self.mix(id);
        if self.deadline.is_some_and(|at| Instant::now() > at) {
            self.stopped = true;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

/// Keeps events, to compare what a writer wrote with what it was given.
#[derive(Default)]
pub struct Collect(pub Vec<[Vec<u8>; 3]>);

impl Sink for Collect {
    fn event(&mut self, kind: &[u8], data: &[u8], id: &[u8]) -> ControlFlow<()> {
        self.0.push([kind.to_vec(), data.to_vec(), id.to_vec()]);
        ControlFlow::Continue(())
    }
}
