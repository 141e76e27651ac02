//! Runs the pairs of README.md and prints a table of them.

mod angular;
mod chromium;
mod clients;
mod messages;
mod ours;
mod pairs;
mod process;
mod random;
mod resuming;
mod servers;
mod stand;
mod tutorials;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use messages::Difference;
use pairs::{PAIRS, Setting};

/// Checks ssewire against the servers, clients and browsers of others. Exit status 0 when all pairs agree.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only the pairs of this kind (`server`, `client`, `resuming`, `tutorial`, `judge`), or whose name holds it.
    #[arg(long, default_value = "")]
    only: String,
    /// Random streams for the browser, of each kind.
    #[arg(long, default_value_t = 400)]
    streams: usize,
    /// Repeats the random streams of another run.
    #[arg(long, env = "SEED")]
    seed: Option<u64>,
    /// Spoils what is sent: exit status 0 when every pair notices.
    #[arg(long)]
    spoil: bool,
    /// Characters to show of an error, which may hold a whole stream.
    #[arg(long, default_value_t = 6000)]
    width: usize,
    #[arg(long, default_value = "node")]
    node: OsString,
    /// For clients that need a later one than Debian's; from npm unless it is given.
    #[arg(long)]
    node_22: Option<OsString>,
    /// With the packages of python/requirements.txt.
    #[arg(long, default_value = "python3")]
    python: OsString,
    #[arg(long, default_value = "chromium")]
    chromium: OsString,
    #[arg(long, default_value = "mcs")]
    mcs: OsString,
    #[arg(long, default_value = "mono")]
    mono: OsString,
    /// The tool of crates/cli.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/debug/sse"))]
    sse: OsString,
}

#[tokio::main]
async fn main() -> ExitCode {
    // Ended from outside it ends what it started, which is in process groups of its own.
    let ended = signal(SignalKind::terminate()).and_then(|ended| Ok((ended, signal(SignalKind::interrupt())?)));
    let Ok((mut terminated, mut interrupted)) = ended else { return ExitCode::FAILURE };
    tokio::select! {
        right = run(Arguments::parse()) => ExitCode::from(u8::from(!right)),
        _ = terminated.recv() => ExitCode::FAILURE,
        _ = interrupted.recv() => ExitCode::FAILURE,
    }
}

/// Whether all went as it should.
async fn run(arguments: Arguments) -> bool {
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u32(..).into());
    let setting = Setting {
        node: arguments.node,
        node_22: arguments.node_22.unwrap_or_else(pairs::node_22),
        python: arguments.python,
        chromium: arguments.chromium,
        mcs: arguments.mcs,
        mono: arguments.mono,
        sse: arguments.sse,
        seed,
        streams: arguments.streams,
        spoil: arguments.spoil,
    };
    println!("SEED={seed}");
    println!("{:8} {:24} {:16} {:>7} {:>7}  result", "peer", "", "version", "streams", "events");

    let (mut passed, mut different, mut failed) = (0, 0, 0);
    let only = |kind: &str, name: &str| kind == arguments.only || name.contains(&arguments.only);
    for (kind, name, check) in PAIRS.into_iter().filter(|(kind, name, _)| only(kind, name)) {
        match check(&setting).await {
            Ok(agreed) => {
                passed += 1;
                let (streams, events) = (agreed.streams, agreed.events);
                println!("{kind:8} {name:24} {:16} {streams:7} {events:7}  passed", agreed.version);
                if !agreed.deviation.is_empty() {
                    println!("{:9}deviates exactly as listed: {}", "", agreed.deviation);
                }
            }
            Err(error) => {
                let result = if error.is::<Difference>() { "DIFFERENT" } else { "FAILED" };
                *(if error.is::<Difference>() { &mut different } else { &mut failed }) += 1;
                let error: String = format!("{error:#}").chars().take(arguments.width).collect();
                println!("{kind:8} {name:24} {:16} {:>7} {:>7}  {result}: {error}", "", "", "");
            }
        }
    }
    println!("{passed} passed, {different} different, {failed} failed");
    let (right, wrong) = if setting.spoil { (different, passed) } else { (passed, different) };
    right > 0 && wrong == 0 && failed == 0
}
