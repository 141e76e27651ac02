//! The adapters of `ssewire`, apart from its peers'.
//!
//! Checks, rounds, ratios and the plot follow from the lists, and so does the exit status: unlike a peer, none of these may be
//! wrong anywhere.

use crate::readers::Form;
use crate::sinks::Sink;
use crate::workloads::Chunked;
use crate::{readers, writers};
use bytes::BytesMut;
use ssewire::{Event, EventBuf, EventBytes, Frame, Parser};
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::sync::Arc;

/// More than the largest event of the workloads.
const LIMIT: usize = 128 * 1024;

/// In the order of their rows: like the peers first.
pub fn readers() -> Vec<readers::Candidate> {
    vec![
        readers::Candidate::of::<ByNext<Text>>(),
        readers::Candidate::of::<ByFeed<Text>>(),
        readers::Candidate::of::<Plain>(),
        readers::Candidate::of::<ByNext<Strings>>(),
        readers::Candidate::of::<ByNext<OneAllocation>>(),
        readers::Candidate::of::<InItsChunk>(),
        readers::Candidate::of::<ByNext<Bytes>>(),
        readers::Candidate::of::<ByFeed<Bytes>>(),
    ]
}

pub fn writers() -> Vec<writers::Candidate> {
    vec![
        writers::Candidate::of::<IntoSlice>(),
        writers::Candidate::of::<IntoVec>(),
        writers::Candidate::of::<IntoBytesMut>(),
        writers::Candidate::of::<ToVec>(),
    ]
}

/// A use of events: the form in which they are delivered.
trait Deliver {
    /// Its names with `next`, and with `feed` and `event`.
    const NAMES: [&'static str; 2];
    const FORM: Form;

    fn deliver<S: Sink>(event: Event<'_>, sink: &mut S) -> Result<ControlFlow<()>, String>;
}

/// Fields as they came.
struct Bytes;

impl Deliver for Bytes {
    const NAMES: [&'static str; 2] = ["ssewire bytes", "ssewire bytes, feed + event"];
    const FORM: Form = Form::Bytes;

    #[inline(always)]
    fn deliver<S: Sink>(event: Event<'_>, sink: &mut S) -> Result<ControlFlow<()>, String> {
        Ok(sink.event(event.event_type(), event.data(), event.last_event_id()))
    }
}

/// Fields checked to be UTF-8.
struct Text;

impl Deliver for Text {
    const NAMES: [&'static str; 2] = ["ssewire &str", "ssewire &str, feed + event"];
    const FORM: Form = Form::Borrowed;

    #[inline(always)]
    fn deliver<S: Sink>(event: Event<'_>, sink: &mut S) -> Result<ControlFlow<()>, String> {
        let event = event.text().map_err(|e| e.to_string())?;
        let (kind, data, id) = (event.event_type(), event.data(), event.last_event_id());
        Ok(sink.event(kind.as_bytes(), data.as_bytes(), id.as_bytes()))
    }
}

/// A string for each field that is there, as most peers deliver.
struct Strings;

impl Deliver for Strings {
    const NAMES: [&'static str; 2] = ["ssewire String", "ssewire String, feed + event"];
    const FORM: Form = Form::Strings;

    #[inline(always)]
    fn deliver<S: Sink>(event: Event<'_>, sink: &mut S) -> Result<ControlFlow<()>, String> {
        let event = event.text().map_err(|e| e.to_string())?;
        let kind: Option<String> = event.wire_event_type().map(Into::into);
        let (data, id): (String, String) = (event.data().into(), event.last_event_id().into());
        Ok(sink.event(kind.as_deref().unwrap_or_default().as_bytes(), data.as_bytes(), id.as_bytes()))
    }
}

/// Text that the event owns, in one allocation.
struct OneAllocation;

impl Deliver for OneAllocation {
    const NAMES: [&'static str; 2] = ["ssewire EventBuf", "ssewire EventBuf, feed + event"];
    const FORM: Form = Form::Shared;

    #[inline(always)]
    fn deliver<S: Sink>(event: Event<'_>, sink: &mut S) -> Result<ControlFlow<()>, String> {
        let event = EventBuf::from(event);
        Text::deliver(event.event(), sink)
    }
}

/// Text that the event owns: a part of its chunk, where that is no copy.
struct InItsChunk;

impl readers::Reader for InItsChunk {
    const NAME: &'static str = "ssewire EventBytes";
    const FORM: Form = Form::Shared;
    type Input<'a> = &'a [bytes::Bytes];

    fn prepare<'a>(chunked: &'a Chunked<'_>) -> Self::Input<'a> {
        &chunked.shared
    }

    fn read<S: Sink>(input: &mut Self::Input<'_>, sink: &mut S) -> Result<(), String> {
        let mut parser = Parser::with_limit(LIMIT);
        for chunk in *input {
            let mut rest = &chunk[..];
            while let Some(event) = parser.next(&mut rest).map_err(|e| e.to_string())? {
                let event = EventBytes::new(&event, chunk);
                if Text::deliver(event.event(), sink)?.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

struct ByNext<D>(PhantomData<D>);

impl<D: Deliver> readers::Reader for ByNext<D> {
    const NAME: &'static str = D::NAMES[0];
    const FORM: Form = D::FORM;
    type Input<'a> = &'a [&'a [u8]];

    fn prepare<'a>(chunked: &'a Chunked<'_>) -> Self::Input<'a> {
        &chunked.slices
    }

    fn read<S: Sink>(input: &mut Self::Input<'_>, sink: &mut S) -> Result<(), String> {
        let mut parser = Parser::with_limit(LIMIT);
        for &chunk in *input {
            let mut rest = chunk;
            while let Some(event) = parser.next(&mut rest).map_err(|e| e.to_string())? {
                if D::deliver(event, sink)?.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// In two steps, as a wrapper does that must not hold a borrow.
struct ByFeed<D>(PhantomData<D>);

impl<D: Deliver> readers::Reader for ByFeed<D> {
    const NAME: &'static str = D::NAMES[1];
    const FORM: Form = D::FORM;
    type Input<'a> = &'a [&'a [u8]];

    fn prepare<'a>(chunked: &'a Chunked<'_>) -> Self::Input<'a> {
        &chunked.slices
    }

    fn read<S: Sink>(input: &mut Self::Input<'_>, sink: &mut S) -> Result<(), String> {
        let mut parser = Parser::with_limit(LIMIT);
        for &chunk in *input {
            let mut rest = chunk;
            loop {
                let progress = parser.feed(rest);
                let Some(found) = progress.result.map_err(|e| e.to_string())? else { break };
                if D::deliver(parser.event(found, rest), sink)?.is_break() {
                    return Ok(());
                }
                rest = &rest[progress.consumed..];
            }
        }
        Ok(())
    }
}

/// Checked text without `simdutf8`.
struct Plain;

impl readers::Reader for Plain {
    const NAME: &'static str = "ssewire &str, without std";
    const FORM: Form = Form::Borrowed;
    type Input<'a> = &'a [&'a [u8]];

    fn prepare<'a>(chunked: &'a Chunked<'_>) -> Self::Input<'a> {
        &chunked.slices
    }

    fn read<S: Sink>(input: &mut Self::Input<'_>, sink: &mut S) -> Result<(), String> {
        let mut parser = ssewire_plain::Parser::with_limit(LIMIT);
        for &chunk in *input {
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

fn frame(event: &writers::Event) -> Frame<'_> {
    let mut frame = Frame::new().data(&event.data);
    if let Some(kind) = event.kind() {
        frame = frame.event_type(kind).expect("no line end");
    }
    if let Some(id) = event.id() {
        frame = frame.id(id).expect("no line end, no NUL");
    }
    frame
}

/// Into one buffer, which is used again for every event.
struct IntoSlice;

impl writers::Writer for IntoSlice {
    const NAME: &'static str = "ssewire, write_to_slice";
    type Input = (Arc<[writers::Event]>, [u8; writers::ROOM]);

    fn prepare(events: &Arc<[writers::Event]>) -> Self::Input {
        (Arc::clone(events), [0; writers::ROOM])
    }

    fn write((events, out): &mut Self::Input, mut show: impl FnMut(&[u8])) {
        for event in events.iter() {
            let len = frame(event).write_to_slice(out).expect("space for any event");
            show(&out[..len]);
        }
    }
}

/// Into a vector, which is used again for every event.
struct IntoVec;

impl writers::Writer for IntoVec {
    const NAME: &'static str = "ssewire, write_to_vec";
    type Input = (Arc<[writers::Event]>, Vec<u8>);

    fn prepare(events: &Arc<[writers::Event]>) -> Self::Input {
        (Arc::clone(events), Vec::with_capacity(writers::ROOM))
    }

    fn write((events, out): &mut Self::Input, mut show: impl FnMut(&[u8])) {
        for event in events.iter() {
            out.clear();
            frame(event).write_to_vec(out);
            show(out);
        }
    }
}

/// Into a `BytesMut`, which is used again for every event.
struct IntoBytesMut;

impl writers::Writer for IntoBytesMut {
    const NAME: &'static str = "ssewire, write_to_buf";
    type Input = (Arc<[writers::Event]>, BytesMut);

    fn prepare(events: &Arc<[writers::Event]>) -> Self::Input {
        (Arc::clone(events), BytesMut::with_capacity(writers::ROOM))
    }

    fn write((events, out): &mut Self::Input, mut show: impl FnMut(&[u8])) {
        for event in events.iter() {
            out.clear();
            frame(event).write_to_buf(out).expect("it grows");
            show(out);
        }
    }
}

/// Into a vector of its own.
struct ToVec;

impl writers::Writer for ToVec {
    const NAME: &'static str = "ssewire, to_vec";
    type Input = Arc<[writers::Event]>;

    fn prepare(events: &Arc<[writers::Event]>) -> Self::Input {
        Arc::clone(events)
    }

    fn write(events: &mut Self::Input, mut show: impl FnMut(&[u8])) {
        for event in events.iter() {
            show(&frame(event).to_vec());
        }
    }
}
