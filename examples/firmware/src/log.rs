//! The last readings, so that a client that reconnects misses none. Their IDs count from 1 at reset.

use crate::sensor::Celsius;

pub struct Log {
    readings: [Celsius; Log::LEN as usize],
    latest: u32,
}

impl Log {
    /// At ten readings a second, those of 6.4 seconds.
    const LEN: u32 = 64;

    pub const fn new() -> Log {
        Log { readings: [Celsius(0); Log::LEN as usize], latest: 0 }
    }

    pub fn push(&mut self, celsius: Celsius) {
        self.latest += 1;
        self.readings[(self.latest % Log::LEN) as usize] = celsius;
    }

    pub fn get(&self, id: u32) -> Celsius {
        self.readings[(id % Log::LEN) as usize]
    }

    pub fn latest(&self) -> u32 {
        self.latest
    }

    pub fn oldest(&self) -> u32 {
        self.latest.saturating_sub(Log::LEN - 1).max(1)
    }

    /// Returns the ID of the first reading for a client that has seen `last`, and whether the log still has all readings
    /// after `last`.
    pub fn resume(&self, last: Option<u32>) -> (u32, bool) {
        match last {
            None => (self.latest + 1, true),
            Some(last) if last <= self.latest => ((last + 1).max(self.oldest()), last + 1 >= self.oldest()),
            // An ID from before the last reset.
            Some(_) => (self.oldest(), false),
        }
    }
}
