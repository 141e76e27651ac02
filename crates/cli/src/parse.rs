//! A stream from a file or from standard input.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::num::NonZeroUsize;
use std::path::Path;

use ssewire::Parser;

use crate::explain::Explanation;
use crate::options;
use crate::print::Printer;
use crate::{Failure, note};

const READ_SIZE: usize = 64 * 1024;

pub fn run(options: &options::Parse) -> Result<(), Failure> {
    let mut parser = Parser::with_limit(options.output.limit);
    if let Some(id) = &options.output.last_event_id {
        parser
            .set_last_event_id(id.as_bytes())
            .map_err(|error| Failure::new(format_args!("--last-event-id: {error}")))?;
    }
    let (name, mut source): (_, Box<dyn Read>) = match options.file.as_deref().filter(|file| *file != Path::new("-")) {
        None => ("standard input".into(), Box::new(io::stdin().lock())),
        Some(path) => {
            let name = path.display().to_string();
            let file = File::open(path).map_err(|error| Failure::new(format_args!("{name}: {error}")))?;
            (name, Box::new(file))
        }
    };
    let mut printer = Printer::stdout(&options.output);
    let chunk = options.chunk.map_or(usize::MAX, NonZeroUsize::get);
    let mut explanation = Explanation::new();
    let mut buffer = vec![0; READ_SIZE];
    loop {
        let len = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(len) => len,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => {
                printer.flush()?;
                return Err(Failure::new(format_args!("{name}: {error}")));
            }
        };
        if printer.events() == 0 && !printer.is_for_programs() {
            explanation.read(&buffer[..len]);
        }
        for input in buffer[..len].chunks(chunk) {
            printer.input(&mut parser, input)?;
        }
        // The next read may block for hours.
        printer.flush()?;
    }
    printer.end(parser.reconnection_time_ms(), parser.last_event_id().unwrap_or_default())?;
    printer.flush()?;
    if printer.events() == 0
        && !printer.is_for_programs()
        && let Some(reason) = explanation.reason()
    {
        note(format_args!("{name}: {reason}"));
    }
    Ok(())
}
