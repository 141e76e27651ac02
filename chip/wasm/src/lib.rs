//! Runs the conformance vectors inside WebAssembly; `run.mjs` calls it.

use ssewire::conformance::{check_parser, check_writer, Failure, Outcome};
use ssewire::{Error, Frame, Parser};

fn check() -> Result<String, Failure> {
    let parser = check_parser(|case| {
        let mut parser = Parser::with_limit(1 << 21);
        if let Some(id) = &case.vector.initial_last_event_id {
            parser.set_last_event_id(id.as_bytes())?;
        }
        let mut outcome = Outcome::default();
        for mut input in case.chunks.iter().copied() {
            // An error ends the case: the limit exceeds every vector.
            while let Some(event) = parser.next(&mut input)? {
                outcome.events.push(event.into());
            }
        }
        outcome.reconnection_time_ms = Some(parser.reconnection_time_ms());
        outcome.last_event_id = Some(String::from_utf8_lossy(parser.last_event_id().unwrap_or_default()).into());
        Ok::<_, Error>(outcome)
    })?;
    let writer = check_writer(|write| {
        let mut frame = Frame::new();
        if let Some(comment) = &write.comment {
            frame = frame.comment(comment);
        }
        if let Some(event_type) = &write.event {
            frame = frame.event_type(event_type)?;
        }
        if let Some(id) = &write.id {
            frame = frame.id(id)?;
        }
        if let Some(retry) = write.retry {
            frame = frame.retry(retry);
        }
        if let Some(data) = &write.data {
            frame = frame.data(data);
        }
        Ok::<_, Error>(frame.parts().collect::<Vec<_>>().concat())
    })?;
    Ok(format!("parser: {} vectors, {} runs; writer: {} vectors", parser.vectors, parser.runs, writer.vectors))
}

/// Returns the result as text: its length in the upper 32 bits, its address in the lower ones. It begins with "parser: " if
/// every vector passed.
#[no_mangle]
pub extern "C" fn report() -> u64 {
    let text = check().unwrap_or_else(|failure| failure.to_string());
    let text: &'static str = text.leak();
    (text.len() as u64) << 32 | text.as_ptr() as u64
}
