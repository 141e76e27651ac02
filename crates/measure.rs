//! Times two readers of the same chunks in turns, in one process, and prints how they compare. It is the thread's time
//! on the processor that counts, so that what else a machine does matters little.

use std::time::Instant;

use cpu_time::ThreadTime;

#[allow(dead_code, reason = "a part of it is used here")]
#[path = "../benches/workloads/mod.rs"]
mod workloads;

pub use workloads::{Count, make};

/// Rounds, unless `--quick` is given: then the figures mean nothing, and that all works is shown in a second.
const ROUNDS: usize = 41;

/// After so many seconds five rounds are enough.
const PATIENCE: f64 = 3.0;

/// Reads chunks and counts their contents.
type Reader<'s> = fn(&[&'s [u8]]) -> Count;

/// One long line: `size` bytes of data in one event.
#[must_use]
pub fn line(size: usize) -> (String, Count) {
    (format!("data: {}\n\n", "x".repeat(size)), Count { events: 1, data: size })
}

/// Prints the head of the table.
pub fn head(original: &str) {
    println!("medians of n rounds, {original} and the drop-in in turns");
    println!("{:40} {:>4} {:>12} {:>12} {:>8}", "", "n", "before", "after", "ratio");
}

/// Reads `stream` in chunks of `size` bytes with both, and prints the medians of the times, per event, and of the
/// ratios within each round. Without `before`, only the time after.
///
/// # Panics
///
/// When one of them does not find the contents of the stream.
pub fn compare<'s>(
    name: &str,
    (stream, expected): &'s (String, Count),
    size: usize,
    before: Option<Reader<'s>>,
    after: Reader<'s>,
) {
    let chunks: Vec<&[u8]> = stream.as_bytes().chunks(size).collect();
    let time = |read: Reader<'s>| {
        let start = ThreadTime::now();
        assert_eq!(read(&chunks), *expected);
        start.elapsed().as_secs_f64() * 1e9 / expected.events as f64
    };
    let (mut befores, mut afters, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let (rounds, start) = (rounds(), Instant::now());
    for round in 0..rounds {
        if round >= 5 && start.elapsed().as_secs_f64() > PATIENCE {
            break;
        }
        // The first one has colder caches, so they take turns at that as well.
        let first = (round % 2 == 1).then(|| time(after));
        if let Some(before) = before.map(time) {
            let after = first.unwrap_or_else(|| time(after));
            befores.push(before);
            ratios.push(before / after);
            afters.push(after);
        } else {
            afters.push(first.unwrap_or_else(|| time(after)));
        }
    }
    let cell = |times: Vec<f64>| if times.is_empty() { "-".into() } else { duration(median(times)) };
    let ratio = if ratios.is_empty() { "-".into() } else { format!("{:.2}", median(ratios)) };
    println!("{name:40} {:>4} {:>12} {:>12} {ratio:>8}", afters.len(), cell(befores), cell(afters));
}

fn rounds() -> usize {
    if std::env::args().any(|argument| argument == "--quick") { 1 } else { ROUNDS }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        1e9.. => format!("{:.2} s", nanoseconds / 1e9),
        1e6.. => format!("{:.2} ms", nanoseconds / 1e6),
        1e3.. => format!("{:.2} us", nanoseconds / 1e3),
        _ => format!("{nanoseconds:.1} ns"),
    }
}
