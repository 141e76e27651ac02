//! Reads a stream with the original and with this crate, to comparable results.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::time::Duration;

/// An event's fields, in the order of the struct, or the error's text.
pub type Seen = Result<(String, String, String, Option<Duration>), String>;

/// An event of type `message`.
pub fn message(data: &str, id: &str) -> Seen {
    Ok(("message".into(), data.into(), id.into(), None))
}

macro_rules! reader {
    ($name:ident, $subject:ident) => {
        /// All that the stream yields when `chunks` arrive one by one.
        pub fn $name<C: AsRef<[u8]>>(chunks: impl IntoIterator<Item = C>) -> Vec<Seen> {
            use futures::StreamExt;
            let chunks: Vec<_> = chunks.into_iter().map(Ok::<_, String>).collect();
            let events = $subject::EventStream::new(futures::stream::iter(chunks));
            let seen = events.map(|event| match event {
                Ok(event) => Ok((event.event, event.data, event.id, event.retry)),
                Err(error) => Err(error.to_string()),
            });
            futures::executor::block_on(seen.collect())
        }
    };
}

reader!(original, original);
reader!(ours, eventsource_stream);

/// `bytes` whole, split in two at every place, and byte by byte.
pub fn chunkings(bytes: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut all = vec![vec![bytes], bytes.chunks(1).collect()];
    all.extend((1..bytes.len()).map(|at| vec![&bytes[..at], &bytes[at..]]));
    all
}

/// A small generator of pseudo-random numbers, the same in every run.
pub struct Random(pub u64);

impl Random {
    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % n
    }
}
