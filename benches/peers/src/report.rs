//! Results as Markdown.

use crate::measure::Samples;
use crate::workloads::{Chunking, Workload};
use crate::writers;
use std::fmt::Write;

/// What came of one reader in one place of the grid.
#[derive(Clone)]
pub enum Outcome {
    Measured(Samples),
    /// Stopped in its first pass, after this many ns.
    Stopped(f64),
    /// Delivered something else than what was sent, or nothing at all.
    Refused(String),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Ours,
    Peer,
    Limit,
}

pub struct Entry {
    pub name: String,
    pub kind: Kind,
    pub outcome: Outcome,
}

/// All readers on one workload with one chunking.
pub struct Cell {
    pub chunking: Chunking,
    pub workload: &'static str,
    pub bytes: usize,
    pub events: u64,
    pub entries: Vec<Entry>,
}

impl Cell {
    fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// Fewer samples than this say that a row was too slow for all rounds.
    fn full_count(&self) -> usize {
        let counts = self.entries.iter().filter_map(|entry| match &entry.outcome {
            Outcome::Measured(samples) => Some(samples.count()),
            _ => None,
        });
        counts.max().unwrap_or(0)
    }

    pub fn gb_per_s(&self, ns: f64) -> f64 {
        self.bytes as f64 / ns
    }

    fn fastest_peer(&self) -> Option<(&str, &Samples)> {
        let peers = self.entries.iter().filter(|e| e.kind == Kind::Peer);
        peers
            .filter_map(|entry| match &entry.outcome {
                Outcome::Measured(samples) => Some((entry.name.as_str(), samples)),
                _ => None,
            })
            .min_by(|a, b| a.1.median().total_cmp(&b.1.median()))
    }
}

pub struct WriterCell {
    pub workload: writers::Workload,
    pub cells: Vec<writers::Cell>,
}

/// What the figures were made on and with.
pub fn machine(rounds: usize, size: usize) -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        })
        .unwrap_or_else(|| "unknown CPU".into());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "- CPU: {cpu}, {threads} threads; {} {}\n- Compiler: {}\n\
         - Medians of {rounds} interleaved rounds over {} KiB per workload\n- Versions: {}\n\n",
        std::env::consts::OS,
        std::env::consts::ARCH,
        env!("RUSTC_VERSION"),
        size / 1024,
        versions(),
    )
}

/// The measured versions are those of the lock file built with.
fn versions() -> String {
    const PEERS: [&str; 10] = [
        "ssewire",
        "sse-core",
        "sse-stream",
        "sseer",
        "sse-parse",
        "russe",
        "tokio_sse_codec",
        "sse-codec",
        "eventsource-stream",
        "axum",
    ];
    let lock = include_str!("../Cargo.lock");
    let version = |name: &str| {
        let (_, rest) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
        Some(format!("{name} {}", rest.split('"').next()?))
    };
    let all: Vec<String> = PEERS.iter().filter_map(|name| version(name)).collect();
    all.join(", ")
}

pub fn workloads(workloads: &[Workload]) -> String {
    let mut out = String::from("| workload | bytes per event | events | what |\n|---|--:|--:|---|\n");
    for workload in workloads {
        let (bytes, events) = (workload.bytes.len(), workload.events());
        let per_event = match events {
            0 => "-".into(),
            _ => format!("{:.0}", bytes as f64 / events as f64),
        };
        let _ = writeln!(out, "| `{}` | {per_event} | {events} | {} |", workload.name, workload.about);
    }
    out.push('\n');
    out
}

/// Notes under a table, numbered in the order of their first use.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn mark(&mut self, note: String) -> String {
        let at = match self.0.iter().position(|known| *known == note) {
            Some(at) => at,
            None => {
                self.0.push(note);
                self.0.len() - 1
            }
        };
        format!("[{}]", at + 1)
    }

    fn finish(self, out: &mut String) {
        out.push('\n');
        for (at, note) in self.0.iter().enumerate() {
            let _ = writeln!(out, "[{}] {note}  ", at + 1);
        }
        if !self.0.is_empty() {
            out.push('\n');
        }
    }
}

fn table_head(out: &mut String, first: &str, columns: impl Iterator<Item = String>) {
    let columns: Vec<String> = columns.collect();
    let _ = writeln!(out, "| {first} | {} |", columns.join(" | "));
    let _ = writeln!(out, "|---|{}", "--:|".repeat(columns.len()));
}

/// One table for one chunking: readers down, workloads across.
pub fn reading(cells: &[&Cell]) -> String {
    let Some(first) = cells.first() else {
        return String::new();
    };
    let mut out = format!("### Reading: {}\n\n", first.chunking.title());
    out.push_str("ns per event, less is better; without events GB/s, more is better.\n\n");
    table_head(
        &mut out,
        "reader",
        cells.iter().map(|cell| match cell.events {
            0 => format!("{} (GB/s)", cell.workload),
            _ => cell.workload.to_owned(),
        }),
    );
    let mut notes = Notes::default();
    for Entry { name, .. } in &first.entries {
        let _ = write!(out, "| {name} |");
        for cell in cells {
            let text = match cell.entry(name).map(|entry| &entry.outcome) {
                None => "-".into(),
                Some(Outcome::Refused(reason)) => notes.mark(format!("{name}, {}: {reason}", cell.workload)),
                Some(Outcome::Stopped(ns)) => {
                    let more = if cell.events == 0 { '<' } else { '>' };
                    let mark = notes.mark(format!("stopped in its first pass after {:.1} s", ns / 1e9));
                    format!("{more}{} {mark}", figure(cell, *ns))
                }
                Some(Outcome::Measured(samples)) => {
                    let text = figure(cell, samples.median());
                    match samples.count() {
                        1 if cell.full_count() > 1 => {
                            format!("{text} {}", notes.mark("one pass only".into()))
                        }
                        _ => text,
                    }
                }
            };
            let _ = write!(out, " {text} |");
        }
        out.push('\n');
    }
    notes.finish(&mut out);
    out
}

fn figure(cell: &Cell, ns: f64) -> String {
    match cell.events {
        0 => gigabytes(cell.gb_per_s(ns)),
        events => nanoseconds(ns / events as f64),
    }
}

pub fn gigabytes(per_second: f64) -> String {
    if per_second < 0.1 {
        format!("{per_second:.4}")
    } else {
        format!("{per_second:.2}")
    }
}

fn nanoseconds(ns: f64) -> String {
    if ns < 100.0 {
        format!("{ns:.1}")
    } else {
        format!("{ns:.0}")
    }
}

/// Chunkings down, workloads across: our speed as a multiple of the fastest
/// peer's in that very cell.
pub fn ratios(cells: &[Cell], chunkings: &[Chunking]) -> String {
    let Some(first) = cells.first() else {
        return String::new();
    };
    let ours = |kind: &Kind| *kind == Kind::Ours;
    let names = first.entries.iter().filter(|entry| ours(&entry.kind));
    let mut out = String::new();
    for Entry { name, .. } in names {
        let _ = writeln!(out, "### {name} against the fastest peer\n");
        out.push_str("Peer's time / our time, median over the rounds: above 1 we are faster.\n\n");
        grid(&mut out, cells, chunkings, |cell| {
            let (peer, peer_samples) = cell.fastest_peer()?;
            match &cell.entry(name)?.outcome {
                Outcome::Measured(samples) => Some(format!("{:.2} {peer}", peer_samples.ratio_to(samples))),
                _ => None,
            }
        });
    }
    out.push_str("### The fastest peer\n\nGB/s, by chunking and workload.\n\n");
    grid(&mut out, cells, chunkings, |cell| {
        let (peer, samples) = cell.fastest_peer()?;
        let speed = gigabytes(cell.gb_per_s(samples.median()));
        Some(format!("{speed} {peer}"))
    });
    out
}

fn grid(out: &mut String, cells: &[Cell], chunkings: &[Chunking], text: impl Fn(&Cell) -> Option<String>) {
    let in_row = |chunking| cells.iter().filter(move |cell| cell.chunking == chunking);
    let head = in_row(chunkings[0]).map(|cell| cell.workload.to_owned());
    table_head(out, "chunks", head);
    for &chunking in chunkings {
        let _ = write!(out, "| {} |", chunking.name());
        for cell in in_row(chunking) {
            let _ = write!(out, " {} |", text(cell).unwrap_or_else(|| "-".into()));
        }
        out.push('\n');
    }
    out.push('\n');
}

pub fn writing(cells: &[WriterCell], order: &[&str]) -> String {
    let mut out = String::from("### Writing into memory\n\nns per event, less is better.\n\n");
    table_head(&mut out, "writer", cells.iter().map(|cell| format!("{}: {}", cell.workload.name, cell.workload.about)));
    let mut notes = Notes::default();
    for name in order {
        let _ = write!(out, "| {name} |");
        for WriterCell { workload, cells } in cells {
            let text = match cells.iter().find(|(cell, _)| cell == name) {
                None => "-".into(),
                Some((_, Ok(samples))) => nanoseconds(workload.ns_per_event(samples)),
                Some((_, Err(reason))) => notes.mark(format!("{name}, {}: {reason}", workload.name)),
            };
            let _ = write!(out, " {text} |");
        }
        out.push('\n');
    }
    notes.finish(&mut out);
    out
}
