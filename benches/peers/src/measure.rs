//! Interleaved measuring of the thread's time on the processor: all rows of a table take turns, so that whatever else the
//! machine does to caches and clock rates in a round falls on all of them alike.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;

/// Returns the thread's time on the processor in `work`, without that of asking for it.
pub fn time<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    static CLOCK: OnceLock<Duration> = OnceLock::new();
    let clock = *CLOCK.get_or_init(|| {
        let mut times: Vec<Duration> = (0..1001).map(|_| ThreadTime::now().elapsed()).collect();
        times.sort();
        times[times.len() / 2]
    });
    let start = ThreadTime::now();
    let result = work();
    let time = start.elapsed();
    (result, time.saturating_sub(clock))
}

/// How much to measure.
#[derive(Clone, Copy)]
pub struct Effort {
    pub rounds: usize,
    /// One sample repeats its pass until it lasts about this long.
    pub sample: Duration,
    /// A row whose samples add up to more takes part in fewer rounds.
    pub row_budget: Duration,
    /// A reader that has not finished its first pass by then is stopped.
    pub pass_limit: Duration,
}

/// One pass over the work; the time is taken inside, without its preparations.
pub type Pass<'a> = Box<dyn FnMut() -> Result<Duration, String> + 'a>;

pub struct Row<'a> {
    pub name: String,
    pub pass: Pass<'a>,
    /// Time of a pass, if known to be so slow that it shall not be repeated.
    pub single: Option<Duration>,
}

/// The samples of one row in ns per pass; `None` in rounds it sat out.
#[derive(Clone)]
pub struct Samples {
    rounds: Vec<Option<f64>>,
}

impl Samples {
    pub fn best(&self) -> f64 {
        self.rounds.iter().flatten().copied().fold(f64::INFINITY, f64::min)
    }

    /// How far the median is above the best, as a part of the best.
    pub fn spread(&self) -> f64 {
        median(self.rounds.iter().flatten().copied().collect()) / self.best() - 1.0
    }

    pub fn add(&mut self, more: Samples) {
        self.rounds.extend(more.rounds);
    }

    pub fn count(&self) -> usize {
        self.rounds.iter().flatten().count()
    }
}

/// How one row takes part.
struct Plan {
    passes: u32,
    /// Takes part in every round divisible by this.
    stride: usize,
}

/// Measures all rows. A row that fails gets its reason instead of samples.
pub fn interleave(rows: Vec<Row<'_>>, effort: &Effort) -> Vec<(String, Result<Samples, String>)> {
    let mut rows = rows;
    let mut results: Vec<Result<Samples, String>> = rows
        .iter()
        .map(|row| {
            let mut rounds = vec![None; effort.rounds];
            rounds[0] = row.single.map(|time| time.as_nanos() as f64);
            Ok(Samples { rounds })
        })
        .collect();

    let mut plans = Vec::new();
    for (row, result) in rows.iter_mut().zip(&mut results) {
        plans.push(if row.single.is_some() {
            None
        } else {
            plan(&mut row.pass, effort).map_err(|reason| *result = Err(reason)).ok()
        });
    }

    let count = rows.len();
    for round in 0..effort.rounds {
        for turn in 0..count {
            let at = (round + turn) % count;
            let (Some(plan), Ok(samples)) = (&plans[at], &mut results[at]) else {
                continue;
            };
            if round % plan.stride != 0 {
                continue;
            }
            match sample(&mut rows[at].pass, plan.passes) {
                Ok(ns) => samples.rounds[round] = Some(ns),
                Err(reason) => results[at] = Err(reason),
            }
        }
    }
    rows.into_iter().map(|row| row.name).zip(results).collect()
}

/// Warms up and chooses how often to repeat a pass.
fn plan(pass: &mut Pass<'_>, effort: &Effort) -> Result<Plan, String> {
    let start = Instant::now();
    let mut best = pass()?;
    for _ in 0..20 {
        if start.elapsed() > effort.sample {
            break;
        }
        best = best.min(pass()?);
    }
    let best = best.max(Duration::from_nanos(20)).as_secs_f64();
    let passes = (effort.sample.as_secs_f64() / best).ceil().max(1.0);
    let total = best * passes * effort.rounds as f64;
    let stride = (total / effort.row_budget.as_secs_f64()).ceil().max(1.0) as usize;
    Ok(Plan {
        passes: passes as u32,
        // At least three samples, or a median would be no better than a pass.
        stride: stride.min((effort.rounds / 3).max(1)),
    })
}

fn sample(pass: &mut Pass<'_>, passes: u32) -> Result<f64, String> {
    let mut total = Duration::ZERO;
    for _ in 0..passes {
        total += pass()?;
    }
    Ok(total.as_nanos() as f64 / f64::from(passes))
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2.0,
    }
}
