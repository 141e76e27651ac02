//! The use of events: each is counted, and in a first pass its contents are compared.

use std::hash::{DefaultHasher, Hasher};
use std::hint::black_box;

/// Events and the bytes of their data, with a digest of the contents if they are checked.
#[derive(Debug, Default)]
pub struct Tally {
    pub events: usize,
    pub data: usize,
    contents: Option<DefaultHasher>,
}

impl Tally {
    /// Counts, and makes a digest if `check`.
    pub fn new(check: bool) -> Tally {
        Tally { contents: check.then(DefaultHasher::new), ..Tally::default() }
    }

    /// Takes one event. An absent type and `message` mean the same.
    #[inline]
    pub fn event(&mut self, event_type: &str, data: &str, id: &str) {
        self.events += 1;
        self.data += black_box(data).len();
        black_box((event_type, id));
        if let Some(contents) = &mut self.contents {
            for text in [if event_type == "message" { "" } else { event_type }, data, id] {
                contents.write(text.as_bytes());
                contents.write_usize(text.len());
            }
        }
    }

    /// # Errors
    ///
    /// The counts or the contents differ from those of `expected`, which has a digest.
    pub fn compare(&self, expected: &Tally) -> Result<(), String> {
        if (self.events, self.data) != (expected.events, expected.data) {
            return Err(format!("wrong: {} of {} events", self.events, expected.events));
        }
        let digest = |tally: &Tally| tally.contents.as_ref().map(Hasher::finish);
        match digest(self) {
            Some(contents) if Some(contents) != digest(expected) => Err("wrong: same counts, other contents".into()),
            _ => Ok(()),
        }
    }
}
