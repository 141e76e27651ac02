//! `sse`: event streams (`text/event-stream`) from a shell. Reads them, writes them, and follows them over HTTP.
//!
//! ```sh
//! cargo run --release --example sse -- parse stream.sse
//! cargo run --release --example sse -- --help
//! ```

mod print;
mod stream;
mod tail;
mod write;

use std::fmt::Display;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use stream::Stream;

/// Reads, writes and follows Server-Sent Events (text/event-stream).
#[derive(Parser)]
#[command(
    name = "sse",
    version,
    after_help = "Exit status: 0 when all went well, also when standard output was closed early or a stream held \
                  events that are too large (they are reported where they stood); 1 on an error; 2 on wrong usage."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the events of a stream
    ///
    /// Prints each event as soon as its blank line has been read. An event that the end of the input cuts off is
    /// discarded, as the standard says. Memory stays constant, however long the stream is.
    Parse {
        #[command(flatten)]
        options: Options,
        /// Feed the parser at most N bytes at a time [default: as read]
        #[arg(long, value_name = "N")]
        chunk: Option<NonZeroUsize>,
        /// The stream; standard input without it, or when it is `-`
        file: Option<PathBuf>,
    },
    /// Turn JSON lines on standard input into a stream
    ///
    /// Each line is an object with the keys `event`, `data`, `id` and `comment` (strings) and `retry` (milliseconds, an
    /// integer), all optional; null counts as absent. Empty lines are skipped. The first line that cannot be written
    /// ends the program with status 1; what came before it has been written.
    Write,
    /// Follow a live http:// stream
    ///
    /// When the connection ends or fails, also the first one, connects again after the reconnection time of the stream
    /// (3 seconds before it has set one), for as long as it takes, with the last event ID in the Last-Event-ID header.
    /// Notes about that go to standard error. Redirects are followed. Status 204 is the server's word to stop: exit
    /// status 0. Any other status but 200, and any content type but text/event-stream, is an error: exit status 1.
    Tail {
        #[command(flatten)]
        options: Options,
        /// The stream, an http:// URL; there is no TLS
        url: String,
    },
}

#[derive(Args)]
struct Options {
    /// Print one JSON object a line
    ///
    /// {"event":TYPE,"data":DATA,"id":ID} for an event, where ID is the last event ID at that point, "" when there is
    /// none; {"comment":TEXT} with --comments; {"error":TEXT,"field":NAME,"needed":BYTES,"capacity":BYTES} for an event
    /// that is too large. After the end of its input `parse` prints {"reconnection_time_ms":NUMBER or
    /// null,"last_event_id":ID}. What is not UTF-8 is replaced by U+FFFD.
    #[arg(long)]
    json: bool,
    /// Print comments as well
    #[arg(long)]
    comments: bool,
    /// Bytes that an event may take: its type, data and ID, and the last event ID before it
    ///
    /// A larger event is reported and skipped; so is, with --comments, a longer comment. The memory is allocated when
    /// it is needed.
    #[arg(long, value_name = "N", default_value_t = 1 << 20)]
    capacity: usize,
    /// The last event ID to start with
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    last_event_id: Option<String>,
}

/// Why the program ends before it is done.
enum Failure {
    /// Whoever read standard output has seen enough: no error.
    OutputClosed,
    Message(String),
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
        Command::Parse { options, chunk, file } => parse(&options, chunk, file.as_deref()),
        Command::Write => write::run(),
        Command::Tail { options, url } => tail::run(&options, &url),
    };
    match result {
        Ok(()) | Err(Failure::OutputClosed) => ExitCode::SUCCESS,
        Err(Failure::Message(message)) => {
            note(message);
            ExitCode::FAILURE
        }
    }
}

fn parse(options: &Options, chunk: Option<NonZeroUsize>, file: Option<&Path>) -> Result<(), Failure> {
    let mut stream = Stream::new(options)?;
    let (name, mut source): (_, Box<dyn Read>) = match file.filter(|file| *file != Path::new("-")) {
        None => ("standard input".into(), Box::new(io::stdin().lock())),
        Some(path) => {
            let name = path.display().to_string();
            let file = File::open(path).map_err(|error| Failure::new(format_args!("{name}: {error}")))?;
            (name, Box::new(file))
        }
    };
    let chunk = chunk.map_or(usize::MAX, NonZeroUsize::get);
    stream.follow(&mut source, chunk)?.map_err(|error| Failure::new(format_args!("{name}: {error}")))?;
    stream.end()
}

/// A message on standard error. It may quote a server, which must not drive the terminal.
fn note(message: impl Display) {
    // Nobody is left to be told when this fails.
    let _ = writeln!(io::stderr(), "sse: {}", print::printable(message.to_string().chars()));
}
