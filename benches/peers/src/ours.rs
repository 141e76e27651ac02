//! The adapters of `ssewire`, apart from its peers'.
//!
//! Checks, rounds, ratios and the plot follow from the lists, and so does the
//! exit status: unlike a peer, none of these may be wrong anywhere.

use crate::sinks::Sink;
use crate::workloads::Chunked;
use crate::{readers, writers};
use ssewire::{Frame, Parser};
use std::sync::Arc;

/// More than the largest event of the workloads.
const LIMIT: usize = 128 * 1024;

/// In the order of their rows.
pub fn readers() -> Vec<readers::Candidate> {
    vec![readers::Candidate::of::<AsBytes>(), readers::Candidate::of::<AsText>()]
}

pub fn writers() -> Vec<writers::Candidate> {
    vec![writers::Candidate::of::<IntoSlice>()]
}

/// Fields as they came.
struct AsBytes;

impl readers::Reader for AsBytes {
    const NAME: &'static str = "ssewire bytes";
    type Input<'a> = &'a [&'a [u8]];

    fn prepare<'a>(chunked: &'a Chunked<'_>) -> Self::Input<'a> {
        &chunked.slices
    }

    fn read<S: Sink>(input: Self::Input<'_>, sink: &mut S) -> Result<(), String> {
        let mut parser = Parser::with_limit(LIMIT);
        for &chunk in input {
            let mut rest = chunk;
            while let Some(event) = parser.next(&mut rest).map_err(|e| e.to_string())? {
                if sink.event(event.event_type(), event.data(), event.last_event_id()).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// Fields checked to be UTF-8, as the peers deliver them.
struct AsText;

impl readers::Reader for AsText {
    const NAME: &'static str = "ssewire &str";
    type Input<'a> = &'a [&'a [u8]];

    fn prepare<'a>(chunked: &'a Chunked<'_>) -> Self::Input<'a> {
        &chunked.slices
    }

    fn read<S: Sink>(input: Self::Input<'_>, sink: &mut S) -> Result<(), String> {
        let mut parser = Parser::with_limit(LIMIT);
        for &chunk in input {
            let mut rest = chunk;
            while let Some(event) = parser.next(&mut rest).map_err(|e| e.to_string())? {
                let event = event.text().map_err(|e| e.to_string())?;
                let (kind, data, id) = (event.event_type(), event.data(), event.last_event_id());
                if sink.event(kind.as_bytes(), data.as_bytes(), id.as_bytes()).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// Into one buffer, which is used again for every event.
struct IntoSlice;

impl writers::Writer for IntoSlice {
    const NAME: &'static str = "ssewire";
    type Input = Arc<[writers::Event]>;

    fn prepare(events: &Arc<[writers::Event]>) -> Self::Input {
        Arc::clone(events)
    }

    fn write(input: Self::Input, mut show: impl FnMut(&[u8])) {
        let mut out = [0; 4096];
        for event in input.iter() {
            let mut frame = Frame::new().data(&event.data);
            if !event.kind.is_empty() {
                frame = frame.event_type(&event.kind).expect("no line end");
            }
            if !event.id.is_empty() {
                frame = frame.id(&event.id).expect("no line end, no NUL");
            }
            let len = frame.write_to_slice(&mut out).expect("room");
            show(&out[..len]);
        }
    }
}
