//! `sse`: event streams (`text/event-stream`) from a shell. Reads them, writes them, and follows them over HTTP.

mod explain;
mod options;
mod parse;
mod print;
#[cfg(feature = "net")]
mod serve;
#[cfg(feature = "net")]
mod tail;
mod write;

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use options::{Cli, Command};

/// Why the program ends before it is done.
enum Failure {
    /// The reader of standard output has seen enough: not an error.
    OutputClosed,
    Message(String),
    /// The limit of attempts was reached.
    #[cfg(feature = "net")]
    GaveUp(String),
}

impl Failure {
    fn new(message: impl Display) -> Failure {
        Failure::Message(message.to_string())
    }
}

/// An error of standard output. Those of an input get their context where they occur.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            ErrorKind::BrokenPipe => Failure::OutputClosed,
            _ => Failure::Message(format!("standard output: {error}")),
        }
    }
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Parse(options) => parse::run(&options),
        Command::Write => write::run(),
        #[cfg(feature = "net")]
        Command::Tail(options) => tail::run(&options),
        #[cfg(feature = "net")]
        Command::Serve(options) => serve::run(&options),
        Command::Completions { shell } => completions(shell),
        Command::Man => man(),
    };
    match result {
        Ok(()) | Err(Failure::OutputClosed) => ExitCode::SUCCESS,
        Err(Failure::Message(message)) => {
            note(message);
            ExitCode::FAILURE
        }
        #[cfg(feature = "net")]
        Err(Failure::GaveUp(message)) => {
            note(message);
            ExitCode::from(3)
        }
    }
}

fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "sse", &mut script);
    Ok(io::stdout().write_all(&script)?)
}

fn man() -> Result<(), Failure> {
    let mut page = Vec::new();
    let mut command = Cli::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for subcommand in command.get_subcommands() {
        clap_mangen::Man::new(subcommand.clone()).render_synopsis_section(&mut page)?;
        clap_mangen::Man::new(subcommand.clone()).render_description_section(&mut page)?;
        clap_mangen::Man::new(subcommand.clone()).render_options_section(&mut page)?;
    }
    Ok(io::stdout().write_all(&page)?)
}

/// A message on standard error. It may quote a server, which must not drive the terminal.
fn note(message: impl Display) {
    // Nobody is left to be told when this fails.
    let _ = writeln!(io::stderr(), "sse: {}", print::printable(message.to_string().chars()));
}
