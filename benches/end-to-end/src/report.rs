//! Results as Markdown.

use std::fmt::Write;
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Ours,
    Peer,
    Limit,
}

/// The samples of one reader or server.
pub struct Row {
    name: &'static str,
    kind: Kind,
    events: usize,
    /// Nanoseconds for each event.
    samples: Vec<f64>,
    /// Allocations for each event.
    allocations: f64,
    failure: Option<String>,
}

impl Row {
    pub fn new(name: &'static str, kind: Kind, events: usize) -> Row {
        Row { name, kind, events, samples: Vec::new(), allocations: f64::INFINITY, failure: None }
    }

    pub fn add(&mut self, cpu: Duration, allocations: u64) {
        self.samples.push(cpu.as_secs_f64() * 1e9 / self.events as f64);
        self.allocations = self.allocations.min(allocations as f64 / self.events as f64);
    }

    pub fn fail(&mut self, reason: String) {
        self.failure = Some(reason);
    }

    pub fn failed(&self) -> bool {
        self.failure.is_some()
    }

    fn best(&self) -> f64 {
        self.samples.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// How far the median is above the best, in per cent.
    fn spread(&self) -> f64 {
        let mut samples = self.samples.clone();
        samples.sort_by(f64::total_cmp);
        let median = samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN);
        100.0 * (median / self.best() - 1.0)
    }
}

/// Rows down; for each column the time and the allocations.
pub struct Table {
    title: String,
    first: &'static str,
    /// The row that ours are also compared with.
    beside: &'static str,
    columns: Vec<(String, Vec<Row>)>,
}

impl Table {
    pub fn new(title: &str, first: &'static str, beside: &'static str) -> Table {
        Table { title: title.to_owned(), first, beside, columns: Vec::new() }
    }

    pub fn column(&mut self, title: &str, rows: Vec<Row>) {
        self.columns.push((title.to_owned(), rows));
    }

    /// The table, with the times of the fastest peer and of one row over each of our own below it.
    pub fn markdown(&self) -> String {
        let mut out = format!("### {}\n\n| {} |", self.title, self.first);
        for (title, _) in &self.columns {
            let _ = write!(out, " {title} | allocations |");
        }
        let _ = writeln!(out, "\n|---|{}", "--:|".repeat(2 * self.columns.len()));
        let rows = self.columns.first().map_or(0, |(_, rows)| rows.len());
        for i in 0..rows {
            let row = |rows: &[Row]| rows.get(i).map_or_else(String::new, cell);
            let name = self.columns.first().and_then(|(_, rows)| rows.get(i)).map_or("", |row| row.name);
            let _ = write!(out, "| {name} |");
            for (_, rows) in &self.columns {
                let _ = write!(out, "{}", row(rows));
            }
            out.push('\n');
        }
        let ours: Vec<&'static str> = self.columns.first().map_or_else(Vec::new, |(_, rows)| {
            rows.iter().filter(|row| row.kind == Kind::Ours).map(|row| row.name).collect()
        });
        for name in ours {
            self.line(&mut out, &format!("fastest peer / {name}"), |rows| {
                let peer = fastest_peer(rows)?;
                Some(format!("{:.2} {}", peer.best() / find(rows, name)?.best(), peer.name))
            });
            self.line(&mut out, &format!("{} / {name}", self.beside), |rows| {
                Some(format!("{:.2}", find(rows, self.beside)?.best() / find(rows, name)?.best()))
            });
        }
        let spreads =
            self.columns.iter().flat_map(|(_, rows)| rows).filter(|row| row.samples.len() > 1).map(Row::spread);
        let mut spreads: Vec<f64> = spreads.collect();
        spreads.sort_by(f64::total_cmp);
        if let (Some(median), Some(most)) = (spreads.get(spreads.len() / 2), spreads.last()) {
            let _ = writeln!(
                out,
                "\nSpread: the median is above the best by {median:.0} % in the median row, {most:.0} % at most."
            );
        }
        for (column, row) in self.columns.iter().flat_map(|(title, rows)| rows.iter().map(move |row| (title, row))) {
            if let Some(failure) = &row.failure {
                let _ = writeln!(out, "\n{}, {column}: {failure}", row.name);
            }
        }
        out.push('\n');
        out
    }

    /// A line of ratios.
    fn line(&self, out: &mut String, name: &str, ratio: impl Fn(&[Row]) -> Option<String>) {
        let _ = write!(out, "| **{name}** |");
        for (_, rows) in &self.columns {
            let _ = write!(out, " {} | |", ratio(rows).unwrap_or_else(|| "-".into()));
        }
        out.push('\n');
    }
}

fn cell(row: &Row) -> String {
    match (&row.failure, row.best()) {
        (Some(_), _) => " wrong | |".into(),
        (None, best) if best < 100.0 => format!(" {best:.1} | {:.2} |", row.allocations),
        (None, best) => format!(" {best:.0} | {:.2} |", row.allocations),
    }
}

fn find<'r>(rows: &'r [Row], name: &str) -> Option<&'r Row> {
    rows.iter().find(|row| row.name == name && row.failure.is_none())
}

fn fastest_peer(rows: &[Row]) -> Option<&Row> {
    let peers = rows.iter().filter(|row| row.kind == Kind::Peer && row.failure.is_none());
    peers.min_by(|a, b| a.best().total_cmp(&b.best()))
}

/// The machine and the build.
pub fn head(rounds: usize) -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let processor = read("/proc/cpuinfo");
    let processor =
        processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("unknown", |l| l.1);
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or_default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "## Clients and servers of text/event-stream, end to end\n\n\
         - Processor: {processor}, {threads} threads, load average {load} before the run; {} {}\n\
         - Compiler: {}; fat LTO, one codegen unit\n\
         - Time of the measured thread on the processor, in the kernel too, in ns per event: best of {rounds} interleaved \
         rounds; allocations per event\n- Versions and features: {}\n\n",
        std::env::consts::OS,
        std::env::consts::ARCH,
        env!("RUSTC_VERSION"),
        env!("DEPENDENCIES"),
    )
}
