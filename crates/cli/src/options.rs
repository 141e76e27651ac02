//! The command line.

#[cfg(feature = "net")]
use std::num::NonZeroU32;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Reads, writes and follows Server-Sent Events (text/event-stream).
#[derive(Parser)]
#[command(
    name = "sse",
    version,
    after_help = "Exit status: 0 on success, also when standard output was closed early, when events were too large (each is \
                  reported at its place), and when a server ended a stream by status 204; 1 on an \
                  error, such as a response that is not a stream; 2 on wrong usage; 3 after --max-attempts."
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Print the events of a stream
    ///
    /// Prints each event as soon as its blank line has been read. An event that the end of the input cuts off is
    /// discarded, as the standard says. Memory stays constant, however long the stream is. A stream that has lines but no
    /// event is explained on standard error, except with --json.
    Parse(Parse),
    /// Turn JSON lines on standard input into a stream
    ///
    /// Each line is an object with the keys `event`, `data`, `id` and `comment` (strings) and `retry` (milliseconds, an
    /// integer), all optional; null counts as absent. Empty lines are skipped. The first line that cannot be written
    /// ends the program with status 1; the lines before it have been written. An event type without data is written, with
    /// a warning: a block without data is not an event, and no reader dispatches it.
    ///
    /// The output of `sse parse --json` is such an input, and gives the same events, last event ID and reconnection time.
    /// Its reports of events that were too large, and of lines that are not a field, are skipped, with a warning.
    Write,
    /// Follow a live stream over http or https
    ///
    /// When the connection ends or fails, also the first one, connects again with the last event ID. The wait is the reconnection
    /// time of the stream (1 second before it has set one), at least 100 ms and at most 30 seconds. It doubles with each failure
    /// in a row. Without --max-attempts it never gives up.
    ///
    /// Statuses 408, 425, 429, 500, 502, 503 and 504 are followed by another attempt, after the Retry-After of the response.
    /// Status 204 ends the stream: exit status 0. Any other status except 200, any content type except text/event-stream, and a
    /// content coding that was not requested are errors: exit status 1, with the start of the response's body.
    ///
    /// Redirects are followed; credentials and the last event ID go to the same origin only. Notes go to standard error. One
    /// explains a stream that has lines but no event.
    #[cfg(feature = "net")]
    Tail(Tail),
    /// Serve live telemetry of this machine, and a page that plots it
    ///
    /// GET / is the page. GET /events is the stream, with its history: a client that reconnects with its last event ID continues
    /// there. POST /events publishes the body as an event, with the type `event` of the query. GET /stats returns counts as
    /// JSON. The address is printed on standard output. SIGINT and SIGTERM end the streams regularly.
    #[cfg(feature = "net")]
    Serve(Serve),
    /// Print a completion script for a shell
    Completions { shell: clap_complete::Shell },
    /// Print the manual page
    Man,
}

#[derive(Args)]
pub struct Parse {
    #[command(flatten)]
    pub output: Output,
    /// Feed the parser at most N bytes at a time [default: as read]
    #[arg(long, value_name = "N")]
    pub chunk: Option<NonZeroUsize>,
    /// The file to read; standard input without it, or if it is `-`
    pub file: Option<PathBuf>,
}

#[cfg(feature = "net")]
#[derive(Args)]
pub struct Tail {
    #[command(flatten)]
    pub output: Output,
    /// The stream, an http:// or https:// URL
    pub url: String,
    /// Send a header, in place of one of the same name
    #[arg(short = 'H', long = "header", value_name = "NAME:VALUE")]
    pub header: Vec<String>,
    /// Send a POST with this body, or with that in a file (`-` is standard input)
    ///
    /// Its type is application/json, unless -H says otherwise. It is sent again with each connection.
    #[arg(short = 'd', long = "body", value_name = "DATA|@FILE", allow_hyphen_values = true)]
    pub body: Option<String>,
    /// The method of the request [default: GET, or POST with -d]
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    pub method: Option<String>,
    /// Give up after N failed attempts in a row
    ///
    /// An attempt has failed unless its connection brought an event, or bytes for a minute.
    #[arg(long, value_name = "N")]
    pub max_attempts: Option<NonZeroU32>,
    /// Connect again after this time without a byte, also before the response
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub idle_timeout: u32,
    /// Follow the rules of browsers: no timeouts, no bounds on the reconnection time, and an end at any status but 200
    #[arg(long)]
    pub browser: bool,
    /// Accept a response without a content type as a stream
    #[arg(long)]
    pub any_type: bool,
}

#[cfg(feature = "net")]
#[derive(Args)]
pub struct Serve {
    /// The port to listen on; 0 chooses a free one
    #[arg(long, value_name = "P", default_value_t = 8080)]
    pub port: u16,
    /// The address to listen on; 0.0.0.0 listens on every network
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub bind: String,
    /// Telemetry events per second; 0 sends none
    #[arg(long, value_name = "N", default_value_t = 4.0)]
    pub rate: f64,
    /// The bytes of history to keep
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    pub capacity: usize,
    /// Keep the history in this file, so that it survives a restart
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
}

#[derive(Args)]
pub struct Output {
    /// Print one JSON object per line
    ///
    /// {"event":TYPE,"data":DATA,"id":ID} for an event, where ID is the last event ID at that point, "" without
    /// one; {"comment":TEXT} with --comments; {"unknown":LINE} with --unknown;
    /// {"error":TEXT,"field":NAME,"needed":BYTES,"capacity":BYTES} for an event that is too large. After the end of its
    /// input `parse` prints {"reconnection_time_ms":NUMBER or null,"last_event_id":ID}. Bytes that are not valid UTF-8 are
    /// replaced by U+FFFD.
    #[arg(long)]
    pub json: bool,
    /// Print only the data of events, complete and unchanged, each with a line end
    ///
    /// On a terminal, control characters are escaped.
    #[arg(long, conflicts_with = "json")]
    pub data: bool,
    /// Print comments as well
    #[arg(long, conflicts_with = "data")]
    pub comments: bool,
    /// Print the lines that are not a field of the format as well
    #[arg(long, conflicts_with = "data")]
    pub unknown: bool,
    /// The maximum size of an event in bytes: its type, data and ID, and the last event ID before it
    ///
    /// A larger event is reported and skipped. So is a longer line, with --comments and --unknown. Memory is allocated as it is
    /// needed.
    #[arg(long, visible_alias = "capacity", value_name = "N", default_value_t = 16 << 20)]
    pub limit: usize,
    /// The last event ID to start with
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub last_event_id: Option<String>,
    /// Colour the output
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Colour::Auto)]
    pub color: Colour,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}
