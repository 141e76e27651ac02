//! Measures clients and servers of `text/event-stream` over sockets, from one end to the other.

mod client;
mod count;
mod readers;
mod report;
mod server;
mod tally;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

#[derive(Parser)]
#[command(about = "Measures clients and servers of text/event-stream over sockets, from one end to the other")]
struct Args {
    /// A few seconds on little input: shows that all works, not how fast it is
    #[arg(long)]
    quick: bool,
    /// Rounds to take the best of
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    rounds: Option<u16>,
    /// Only one half
    #[arg(long, value_enum)]
    only: Option<Half>,
    /// Also write the report to this file
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Half {
    Clients,
    Servers,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::parse();
    let rounds = usize::from(args.rounds.unwrap_or(if args.quick { 1 } else { 9 }));
    let mut text = report::head(rounds);
    let mut tables = Vec::new();
    if args.only != Some(Half::Servers) {
        tables.extend(client::measure(if args.quick { 64 << 10 } else { 2 << 20 }, rounds)?);
    }
    if args.only != Some(Half::Clients) {
        tables.extend(server::measure(args.quick, rounds)?);
    }
    for table in tables {
        text += &table.markdown();
    }
    print!("{text}");
    if let Some(path) = &args.markdown {
        std::fs::write(path, &text)?;
    }
    Ok(())
}
