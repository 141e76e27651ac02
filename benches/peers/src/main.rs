//! Measures readers and writers of `text/event-stream` side by side.

mod measure;
mod ours;
mod peers;
mod plot;
mod readers;
mod reference;
mod report;
mod sinks;
mod workloads;
mod writers;

use clap::{Parser, ValueEnum};
use measure::{Effort, Row};
use report::{Cell, Entry, Kind, Outcome, WriterCell};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use workloads::{Chunked, Chunking, Workload};

#[derive(Parser)]
#[command(about = "Measures readers and writers of text/event-stream side by side")]
struct Args {
    /// A few seconds on small inputs: shows that all works, not how fast it is
    #[arg(long)]
    quick: bool,
    /// Only workloads, chunkings, readers or writers that contain this text;
    /// an equal name goes before names that contain it
    #[arg(long, value_name = "TEXT", value_delimiter = ',')]
    filter: Vec<String>,
    /// Rounds to take the best of, twice
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    rounds: Option<u16>,
    /// Only one half
    #[arg(long, value_enum)]
    only: Option<Half>,
    /// Also write the report to this file
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Draw GB/s on whole input into this SVG file
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Half {
    Readers,
    Writers,
}

impl Args {
    fn effort(&self) -> Effort {
        let millis = Duration::from_millis;
        let (rounds, sample, row_budget, pass_limit) = if self.quick {
            (3, millis(0), millis(50), millis(500))
        } else {
            (16, millis(1), millis(40), millis(10_000))
        };
        Effort { rounds: self.rounds.map_or(rounds, usize::from), sample, row_budget, pass_limit }
    }

    fn size(&self) -> usize {
        if self.quick { 128 * 1024 } else { 1024 * 1024 }
    }

    fn wants(&self, half: Half) -> bool {
        self.only.is_none_or(|only| only == half)
    }

    /// Keeps what the filters name. A kind of thing that no filter names is
    /// kept whole. The filters that named something are marked as used.
    fn select<T>(&self, all: Vec<T>, used: &mut [bool], name: impl Fn(&T) -> String) -> Vec<T> {
        let names: Vec<String> = all.iter().map(&name).collect();
        let mut keep = vec![false; all.len()];
        for (filter, used) in self.filter.iter().zip(used) {
            let exact = names.contains(filter);
            for (name, keep) in names.iter().zip(&mut keep) {
                if name == filter || (!exact && name.contains(filter)) {
                    *keep = true;
                    *used = true;
                }
            }
        }
        if !keep.contains(&true) {
            return all;
        }
        let kept = all.into_iter().zip(keep).filter(|(_, keep)| *keep);
        kept.map(|(item, _)| item).collect()
    }
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(failures) if failures.is_empty() => ExitCode::SUCCESS,
        Ok(failures) => {
            for failure in failures {
                eprintln!("error: {failure}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns what must not happen: faults of our own or of the reference.
fn run(args: &Args) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let effort = args.effort();
    let mut used = vec![false; args.filter.len()];
    let select_readers =
        |list, used: &mut [bool]| args.select(list, used, |c: &(Kind, readers::Candidate)| c.1.name.into());
    let select_writers =
        |list, used: &mut [bool]| args.select(list, used, |c: &(Kind, writers::Candidate)| c.1.name.into());
    let workloads = args.select(workloads::all(args.size())?, &mut used, |w| w.name.into());
    let chunkings = args.select(workloads::CHUNKINGS.to_vec(), &mut used, |c| c.name());
    let readers = select_readers(tagged(ours::readers(), peers::all()), &mut used);
    let writer_workloads = args.select(writers::workloads(), &mut used, |w| w.name.into());
    let mut writers = select_writers(tagged(ours::writers(), writers::peers()), &mut used);
    if let Some(unused) = used.iter().position(|used| !used) {
        return Err(format!("nothing is called like `{}`", args.filter[unused]).into());
    }
    writers.extend(writers::limits().into_iter().map(|limit| (Kind::Limit, limit)));

    let mut failures = Vec::new();
    let mut text = String::from("## Readers and writers of text/event-stream\n\n");
    text += &report::machine(effort.rounds, args.size());

    if args.wants(Half::Readers) {
        // Twice through all of it, so that a slow minute of the machine does not decide about a cell.
        let grid = || chunkings.iter().flat_map(|&chunking| workloads.iter().map(move |workload| (chunking, workload)));
        let mut cells = Vec::new();
        for (chunking, workload) in grid() {
            eprintln!("reading {}, chunks: {}", workload.name, chunking.name());
            cells.push(read(workload, chunking, &readers, &effort));
        }
        for (cell, (chunking, workload)) in cells.iter_mut().zip(grid()) {
            eprintln!("again: reading {}, chunks: {}", workload.name, chunking.name());
            let repeated = |reader: &&(Kind, readers::Candidate)| cell.repeats(reader.1.name);
            let readers: Vec<_> = readers.iter().filter(repeated).copied().collect();
            cell.add(read(workload, chunking, &readers, &effort));
        }
        failures.extend(cells.iter().flat_map(own_failures));
        let with = |chunking| -> Vec<&Cell> {
            let cells = cells.iter();
            cells.filter(|cell| cell.chunking == chunking).collect()
        };
        text += &report::workloads(&workloads);
        for &chunking in &chunkings {
            text += &report::reading(&with(chunking));
        }
        text += &report::ratios(&cells, &chunkings);
        if let Some(path) = &args.plot {
            plot::bars(&with(Chunking::Whole), path)?;
        }
    }

    if args.wants(Half::Writers) {
        let candidates: Vec<_> = writers.iter().map(|writer| writer.1).collect();
        let mut cells = Vec::new();
        for workload in writer_workloads {
            eprintln!("writing {}", workload.name);
            let results = writers::measure(&workload, &candidates, &effort);
            for (name, result) in &results {
                let ours = writers.iter().any(|w| w.0 == Kind::Ours && w.1.name == name);
                if let (true, Err(reason)) = (ours, result) {
                    failures.push(format!("{name}, writing {}: {reason}", workload.name));
                }
            }
            cells.push(WriterCell { workload, cells: results });
        }
        let order: Vec<&str> = candidates.iter().map(|candidate| candidate.name).collect();
        text += &report::writing(&cells, &order);
    }

    print!("{text}");
    if let Some(path) = &args.markdown {
        std::fs::write(path, &text)?;
    }
    Ok(failures)
}

fn tagged<T>(ours: Vec<T>, peers: Vec<T>) -> Vec<(Kind, T)> {
    let ours = ours.into_iter().map(|candidate| (Kind::Ours, candidate));
    let peers = peers.into_iter().map(|candidate| (Kind::Peer, candidate));
    ours.chain(peers).collect()
}

fn own_failures(cell: &Cell) -> impl Iterator<Item = String> + '_ {
    let ours = cell.entries.iter().filter(|e| e.kind == Kind::Ours);
    ours.filter_map(|entry| match &entry.outcome {
        Outcome::Measured(_) => None,
        Outcome::Stopped(_) => Some((entry, "too slow")),
        Outcome::Refused(reason) => Some((entry, reason.as_str())),
    })
    .map(|(entry, reason)| {
        let (workload, chunks) = (cell.workload, cell.chunking.name());
        format!("{}, {workload}, chunks {chunks}: {reason}", entry.name)
    })
}

/// Checks every reader on this input, then measures those that are right.
fn read(workload: &Workload, chunking: Chunking, readers: &[(Kind, readers::Candidate)], effort: &Effort) -> Cell {
    let chunked = workload.cut(chunking);
    let mut entries = Vec::new();
    let mut rows = Vec::new();
    for &(kind, candidate) in readers {
        let outcome = match first_pass(&candidate, &chunked, effort) {
            Ok(single) => {
                rows.push(Row { name: candidate.name.to_owned(), pass: counted(candidate, &chunked), single });
                None
            }
            Err(outcome) => Some(outcome),
        };
        entries.push((candidate.name, kind, Some(candidate.form), outcome));
    }
    for limit in &readers::LIMITS {
        rows.push(Row { name: limit.name.to_owned(), pass: Box::new(|| Ok((limit.pass)(&chunked))), single: None });
        entries.push((limit.name, Kind::Limit, None, None));
    }

    let mut measured = measure::interleave(rows, effort).into_iter();
    let entries = entries.into_iter().map(|(name, kind, form, outcome)| Entry {
        name: name.to_owned(),
        kind,
        form,
        // Results come in the order of the rows, which is that of the entries.
        outcome: outcome.unwrap_or_else(|| match measured.next() {
            Some((_, Ok(samples))) => Outcome::Measured(samples),
            Some((_, Err(reason))) => Outcome::Refused(reason),
            None => Outcome::Refused("not measured".into()),
        }),
    });
    Cell {
        chunking,
        workload: workload.name,
        bytes: workload.bytes.len(),
        events: workload.events(),
        entries: entries.collect(),
    }
}

/// A first pass with a check of contents. If it is very slow, its time is the
/// only one taken and is returned.
fn first_pass(
    candidate: &readers::Candidate,
    chunked: &Chunked<'_>,
    effort: &Effort,
) -> Result<Option<Duration>, Outcome> {
    let (check, time) = (candidate.check)(chunked, effort.pass_limit).map_err(Outcome::Refused)?;
    if check.stopped {
        return Err(Outcome::Stopped(time.as_nanos() as f64));
    }
    check.verdict(&chunked.workload.expected).map_err(Outcome::Refused)?;
    // The check's own cost is lost in a time as long as this.
    Ok((time > effort.row_budget).then_some(time))
}

/// Timed passes count, too, and refuse to go on if they disagree.
fn counted<'a>(candidate: readers::Candidate, chunked: &'a Chunked<'a>) -> measure::Pass<'a> {
    Box::new(move || {
        let (tally, time) = (candidate.pass)(chunked)?;
        let expected = &chunked.workload.expected.tally;
        if tally.agrees(expected) { Ok(time) } else { Err(tally.difference(expected)) }
    })
}
