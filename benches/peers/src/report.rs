//! Results as Markdown.

use crate::measure::{Samples, median};
use crate::readers::Form;
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
    /// `None` for a limit, which delivers nothing.
    pub form: Option<Form>,
    pub outcome: Outcome,
}

impl Entry {
    fn samples(&self) -> Option<&Samples> {
        match &self.outcome {
            Outcome::Measured(samples) => Some(samples),
            _ => None,
        }
    }
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

    /// Whether a reader is worth another sweep: it was right, and not so slow that one pass is enough.
    pub fn repeats(&self, name: &str) -> bool {
        self.entry(name).and_then(Entry::samples).is_some_and(|samples| samples.count() > 1)
    }

    /// Adds the outcomes of another sweep.
    pub fn add(&mut self, other: Cell) {
        for entry in other.entries {
            match (self.entries.iter_mut().find(|known| known.name == entry.name), entry.outcome) {
                (Some(Entry { outcome: Outcome::Measured(known), .. }), Outcome::Measured(more)) => known.add(more),
                (Some(known), outcome) => known.outcome = outcome,
                (None, _) => {}
            }
        }
    }

    /// Fewer samples than this say that a row was too slow for all rounds.
    fn full_count(&self) -> usize {
        self.entries.iter().filter_map(Entry::samples).map(Samples::count).max().unwrap_or(0)
    }

    pub fn gb_per_s(&self, ns: f64) -> f64 {
        self.bytes as f64 / ns
    }

    /// The fastest peer of those that check the text, or of all.
    fn fastest_peer(&self, of_text: bool) -> Option<(&str, &Samples)> {
        let comparable = |entry: &&Entry| entry.kind == Kind::Peer && !(of_text && entry.form == Some(Form::Bytes));
        let peers = self.entries.iter().filter(comparable);
        peers
            .filter_map(|entry| Some((entry.name.as_str(), entry.samples()?)))
            .min_by(|a, b| a.1.best().total_cmp(&b.1.best()))
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
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().filter(|load| !load.is_empty()).unwrap_or("unknown");
    format!(
        "- Processor: {cpu}, {threads} threads, load average {load} before the run; {} {}\n- Compiler: {}; fat LTO, one codegen unit\n\
         - The thread's time on the processor, best of two sweeps of {rounds} interleaved rounds over {} KiB per workload\n\
         - Versions and features: {}\n\n",
        std::env::consts::OS,
        std::env::consts::ARCH,
        env!("RUSTC_VERSION"),
        size / 1024,
        env!("DEPENDENCIES"),
    )
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

/// How far medians are above the bests, in words.
fn spread<'a>(samples: impl Iterator<Item = &'a Samples>) -> String {
    let spreads: Vec<f64> =
        samples.filter(|samples| samples.count() > 1).map(|samples| 100.0 * samples.spread()).collect();
    let most = spreads.iter().copied().fold(0.0, f64::max);
    if spreads.is_empty() {
        return String::new();
    }
    format!(
        "Spread: the median is above the best by {:.0} % in the median row, {most:.0} % at most.\n\n",
        median(spreads)
    )
}

fn table_head(out: &mut String, first: &str, columns: impl Iterator<Item = String>) {
    let columns: Vec<String> = columns.collect();
    let _ = writeln!(out, "| {first} | {} |", columns.join(" | "));
    let left = "---|".repeat(first.split('|').count());
    let _ = writeln!(out, "|{left}{}", "--:|".repeat(columns.len()));
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
        "reader | delivers",
        cells.iter().map(|cell| match cell.events {
            0 => format!("{} (GB/s)", cell.workload),
            _ => cell.workload.to_owned(),
        }),
    );
    let mut notes = Notes::default();
    for Entry { name, form, .. } in &first.entries {
        let _ = write!(out, "| {name} | {} |", form.map_or("", Form::name));
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
                    let text = figure(cell, samples.best());
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
    out += &spread(cells.iter().flat_map(|cell| &cell.entries).filter_map(Entry::samples));
    out
}

fn figure(cell: &Cell, ns: f64) -> String {
    match cell.events {
        0 => gigabytes(cell.gb_per_s(ns)),
        events => nanoseconds(ns / events as f64),
    }
}

pub fn gigabytes(per_second: f64) -> String {
    if per_second < 0.1 { format!("{per_second:.4}") } else { format!("{per_second:.2}") }
}

fn nanoseconds(ns: f64) -> String {
    if ns < 100.0 { format!("{ns:.1}") } else { format!("{ns:.0}") }
}

/// Chunkings down, workloads across: our speed as a multiple of the fastest
/// peer's in that very cell.
pub fn ratios(cells: &[Cell], chunkings: &[Chunking]) -> String {
    let Some(first) = cells.first() else {
        return String::new();
    };
    let mut out = String::new();
    for Entry { name, form, .. } in first.entries.iter().filter(|entry| entry.kind == Kind::Ours) {
        let of_text = form.is_some_and(Form::is_text);
        let peers = if of_text { "that checks the text" } else { "of all" };
        let _ = writeln!(out, "### {name} ({}) against the fastest peer {peers}\n", form.map_or("", Form::name));
        out.push_str("Peer's time / our time, best of each: above 1 we are faster.\n\n");
        grid(&mut out, cells, chunkings, |cell| {
            let (peer, theirs) = cell.fastest_peer(of_text)?;
            let ours = cell.entry(name)?.samples()?;
            Some(format!("{:.2} {peer}", theirs.best() / ours.best()))
        });
    }
    out.push_str("### The fastest peer that checks the text\n\nGB/s, by chunking and workload.\n\n");
    grid(&mut out, cells, chunkings, |cell| {
        let (peer, samples) = cell.fastest_peer(true)?;
        let speed = gigabytes(cell.gb_per_s(samples.best()));
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
    out += &spread(cells.iter().flat_map(|cell| &cell.cells).filter_map(|cell| cell.1.as_ref().ok()));
    out
}
