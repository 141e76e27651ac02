//! A live stream over HTTP, through `ssewire-client`.

use std::io::{self, IsTerminal, Read, StdoutLock, Write};
use std::time::Instant;

use ssewire::{GrowableBuffer, Parser};
use ssewire_client::{Cause, Error, EventSource, Policy, Reason, Step};

use crate::explain::Explanation;
use crate::options;
use crate::print::Printer;
use crate::{Failure, note};

pub fn run(options: &options::Tail) -> Result<(), Failure> {
    let fail = |error: &dyn std::fmt::Display| Failure::new(format_args!("{}: {error}", options.url));
    // Without one, reqwest has no cryptography.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = EventSource::builder(&options.url).limit(options.output.limit).policy(policy(options));
    for header in &options.header {
        let (name, value) =
            header.split_once(':').ok_or_else(|| Failure::new(format_args!("-H {header}: not NAME:VALUE")))?;
        builder = builder.header(name.trim(), value.trim());
    }
    if let Some(data) = &options.body {
        builder = builder.post(body(data)?);
    }
    if let Some(method) = &options.method {
        builder = builder.method(method);
    }
    let mut parser = Parser::with_limit(options.output.limit);
    if let Some(id) = &options.output.last_event_id {
        parser
            .set_last_event_id(id.as_bytes())
            .map_err(|error| Failure::new(format_args!("--last-event-id: {error}")))?;
        builder = builder.last_event_id(id.clone());
    }
    let source = builder.build().map_err(|error| fail(&error))?;
    let tail = Tail {
        source,
        parser,
        printer: Printer::stdout(&options.output),
        explanation: Explanation::new(),
        is_explained: false,
        events_before: 0,
        counter: Counter::new(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| fail(&error))?.block_on(tail.run(&options.url))
}

fn policy(options: &options::Tail) -> Policy {
    if options.browser {
        let mut policy = Policy::BROWSER;
        policy.attempts = options.max_attempts.map_or(policy.attempts, |attempts| attempts.get());
        return policy;
    }
    let mut policy = Policy::ROBUST;
    policy.attempts = options.max_attempts.map_or(u32::MAX, |attempts| attempts.get());
    policy.silence_ms = options.idle_timeout.saturating_mul(1000).max(1);
    policy.head_ms = policy.silence_ms;
    policy.accepts_untyped = options.any_type;
    policy
}

/// Returns the body that `-d` names.
fn body(data: &str) -> Result<Vec<u8>, Failure> {
    let Some(file) = data.strip_prefix('@') else { return Ok(data.into()) };
    let mut bytes = Vec::new();
    let read = match file {
        "-" => io::stdin().read_to_end(&mut bytes).map(drop),
        file => std::fs::read(file).map(|read| bytes = read),
    };
    read.map_err(|error| Failure::new(format_args!("{file}: {error}")))?;
    Ok(bytes)
}

struct Tail {
    source: EventSource,
    /// Reads the same bytes as the source does, for comments, unknown lines and events that are too large.
    parser: Parser<GrowableBuffer>,
    printer: Printer<StdoutLock<'static>>,
    explanation: Explanation,
    /// The reason why the connection brings no event was given.
    is_explained: bool,
    /// The events printed before the connection.
    events_before: u64,
    counter: Counter,
}

impl Tail {
    async fn run(mut self, url: &str) -> Result<(), Failure> {
        loop {
            let step = self.source.step().await;
            self.counter.hide();
            match step {
                Some(Ok(Step::Open)) => {
                    self.parser.reset();
                    self.explanation.reset();
                    self.is_explained = false;
                    self.events_before = self.printer.events();
                }
                Some(Ok(Step::Received(chunk))) => self.print(&chunk)?,
                Some(Ok(Step::Lost { cause, detail, wait })) => {
                    self.explain();
                    let why = match (cause, detail) {
                        (Cause::End, _) => "the connection has ended".into(),
                        (Cause::Cut, Some(detail)) => format!("the connection is lost: {detail}"),
                        (_, Some(detail)) => detail,
                        (cause, None) => cause.to_string(),
                    };
                    note(format_args!("{why}; connecting again in {} ms", wait.as_millis()));
                }
                // Such as an ID that no header carries; the stream goes on.
                Some(Err(error)) if error.is_of_one_event() => note(error),
                Some(Err(mut error)) => {
                    self.explain();
                    if let Error::Closed(closed) = &mut error {
                        // `explain` says more, and once is enough.
                        closed.explanation = None;
                    }
                    let message = format!("{url}: {error}");
                    return Err(match error {
                        Error::Closed(closed) if matches!(closed.reason, Reason::GaveUp { .. }) => {
                            Failure::GaveUp(message)
                        }
                        _ => Failure::Message(message),
                    });
                }
                None => {
                    note("the server has no more events (status 204)");
                    return Ok(());
                }
                Some(Ok(_)) => {}
            }
            self.counter.show(self.printer.events(), self.source.last_event_id());
        }
    }

    fn print(&mut self, chunk: &[u8]) -> Result<(), Failure> {
        self.counter.bytes += chunk.len() as u64;
        if self.printer.events() == self.events_before {
            self.explanation.read(chunk);
        }
        self.printer.input(&mut self.parser, chunk)?;
        self.printer.flush()?;
        // Such a stream may have no end.
        if self.explanation.is_certain() {
            self.explain();
        }
        Ok(())
    }

    /// Says why the connection brought no event, if it did not; once.
    fn explain(&mut self) {
        if self.is_explained || self.printer.events() != self.events_before {
            return;
        }
        if let Some(reason) = self.explanation.reason() {
            note(reason);
            self.is_explained = true;
        }
    }
}

/// A line at the bottom of a terminal.
struct Counter {
    is_shown: bool,
    is_terminal: bool,
    bytes: u64,
    bytes_before: u64,
    since: Instant,
    rate: u64,
}

impl Counter {
    fn new() -> Counter {
        let is_terminal = io::stderr().is_terminal();
        Counter { is_shown: false, is_terminal, bytes: 0, bytes_before: 0, since: Instant::now(), rate: 0 }
    }

    fn show(&mut self, events: u64, last_event_id: &[u8]) {
        if !self.is_terminal {
            return;
        }
        let elapsed = self.since.elapsed().as_millis() as u64;
        if elapsed >= 1000 {
            self.rate = (self.bytes - self.bytes_before) * 1000 / elapsed;
            (self.bytes_before, self.since) = (self.bytes, Instant::now());
        }
        let mut id = crate::print::printable(ssewire::lossy(last_event_id).chars().take(20));
        if !id.is_empty() {
            id.insert_str(0, ", last ID ");
        }
        let plural = if events == 1 { "" } else { "s" };
        self.is_shown = write!(io::stderr(), "\x1b[2m{events} event{plural}, {} bytes/s{id}\x1b[0m", self.rate).is_ok();
    }

    fn hide(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            // The next note or event takes its place.
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
