//! Writers of event streams into memory.
//!
//! Every writer gets the same events. Where its interface takes owned events, these are made before the timed region and, as
//! far as the interface leaves them alone, freed after it; where making an event already writes it, making it is timed. Each
//! event is written for itself: into a buffer that is reused, or into the buffer that the writer returns, which it also frees.

use crate::measure::{Effort, Row, Samples, interleave, time};
use crate::reference;
use crate::sinks::Collect;
use crate::workloads::Random;
use axum::response::IntoResponse;
use bytes::BytesMut;
use bytestring::ByteString;
use futures_core::Stream;
use http_body::Body;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// An event to be written; an empty type or id is not to be written.
#[derive(Clone, Debug)]
pub struct Event {
    pub kind: &'static str,
    pub id: String,
    pub data: String,
}

impl Event {
    pub fn kind(&self) -> Option<&'static str> {
        Some(self.kind).filter(|kind| !kind.is_empty())
    }

    pub fn id(&self) -> Option<&str> {
        Some(self.id.as_str()).filter(|id| !id.is_empty())
    }
}

pub struct Workload {
    pub name: &'static str,
    pub about: &'static str,
    events: Arc<[Event]>,
}

/// Events per pass. They differ, and together they fit into the second cache.
const EVENTS: usize = 256;

pub fn workloads() -> Vec<Workload> {
    let make = |name, about, one: fn(&mut Random) -> Event| {
        let mut random = Random::new(name);
        Workload { name, about, events: (0..EVENTS).map(|_| one(&mut random)).collect() }
    };
    vec![
        make("small", "type, id and 5 bytes of data", |random| Event {
            kind: "tick",
            id: (100_000 + random.below(900_000)).to_string(),
            data: format!("{}.{:02}", 10 + random.below(90), random.below(100)),
        }),
        make("llm", "260 bytes of data", |random| Event { kind: "", id: String::new(), data: random.letters(260) }),
        make("multi-line", "8 lines of 40 bytes", |random| Event {
            kind: "",
            id: String::new(),
            data: (0..8).map(|_| random.letters(40)).collect::<Vec<_>>().join("\n"),
        }),
    ]
}

pub trait Writer {
    const NAME: &'static str;

    /// The writer's input: made before every pass and freed after it, neither of which is timed.
    type Input;

    fn prepare(events: &Arc<[Event]>) -> Self::Input;

    /// Writes every event and shows its bytes.
    fn write(input: &mut Self::Input, show: impl FnMut(&[u8]));
}

/// A writer without its type.
#[derive(Clone, Copy)]
pub struct Candidate {
    pub name: &'static str,
    check: fn(&Arc<[Event]>) -> Result<(), String>,
    pass: fn(&Arc<[Event]>) -> Duration,
}

impl Candidate {
    pub fn of<W: Writer>() -> Self {
        Self { name: W::NAME, check: check::<W>, pass: pass::<W> }
    }
}

fn pass<W: Writer>(events: &Arc<[Event]>) -> Duration {
    let mut input = black_box(W::prepare(events));
    let mut len = 0;
    let ((), time) = time(|| W::write(&mut input, |bytes| len += black_box(bytes).len()));
    black_box(len);
    time
}

/// What was written must read as what was to be written, event for event.
fn check<W: Writer>(events: &Arc<[Event]>) -> Result<(), String> {
    let mut written = Vec::new();
    W::write(&mut W::prepare(events), |bytes| written.push(bytes.to_vec()));
    if written.len() != events.len() {
        let (some, all) = (written.len(), events.len());
        return Err(format!("wrong: {some} of {all} events"));
    }
    for (bytes, event) in written.iter().zip(events.iter()) {
        let mut read = Collect::default();
        reference::read(bytes, &mut read);
        let expected = [event.kind, &event.data, &event.id].map(|text| text.as_bytes().to_vec());
        for [kind, _, _] in &mut read.0 {
            if kind == b"message" {
                kind.clear();
            }
        }
        if read.0 != [expected] {
            let text = String::from_utf8_lossy(bytes);
            return Err(format!("wrong: {event:?} written as {text:?}"));
        }
    }
    Ok(())
}

pub type Cell = (String, Result<Samples, String>);

/// Results in ns per event, in the order of the candidates.
pub fn measure(workload: &Workload, candidates: &[Candidate], effort: &Effort) -> Vec<Cell> {
    let mut wrong = Vec::new();
    let mut rows = Vec::new();
    for candidate in candidates {
        match (candidate.check)(&workload.events) {
            Err(reason) => wrong.push((candidate.name.to_owned(), Err(reason))),
            Ok(()) => rows.push(Row {
                name: candidate.name.to_owned(),
                pass: Box::new(|| Ok((candidate.pass)(&workload.events))),
                single: None,
            }),
        }
    }
    let mut cells = interleave(rows, effort);
    cells.extend(wrong);
    cells
}

impl Workload {
    pub fn ns_per_event(&self, samples: &Samples) -> f64 {
        samples.best() / self.events.len() as f64
    }
}

pub fn peers() -> Vec<Candidate> {
    vec![
        Candidate::of::<PlainWrite>(),
        Candidate::of::<Russe>(),
        Candidate::of::<SseStream>(),
        Candidate::of::<SseCodec>(),
        Candidate::of::<TokioSseCodec>(),
        Candidate::of::<Axum>(),
    ]
}

pub fn limits() -> Vec<Candidate> {
    vec![Candidate::of::<Copy>()]
}

/// Space for any of the events, so that no reused buffer grows while timed.
pub const ROOM: usize = 4096;

/// What one writes without a library.
struct PlainWrite;

impl Writer for PlainWrite {
    const NAME: &'static str = "write! into a String";
    type Input = (Arc<[Event]>, String);

    fn prepare(events: &Arc<[Event]>) -> Self::Input {
        (events.clone(), String::with_capacity(ROOM))
    }

    fn write((events, out): &mut Self::Input, mut show: impl FnMut(&[u8])) {
        for event in events.iter() {
            out.clear();
            plain(out, event);
            show(out.as_bytes());
        }
    }
}

fn plain(out: &mut String, event: &Event) {
    // Writing to a String cannot fail.
    if let Some(id) = event.id() {
        let _ = writeln!(out, "id: {id}");
    }
    if let Some(kind) = event.kind() {
        let _ = writeln!(out, "event: {kind}");
    }
    for line in event.data.split('\n') {
        let _ = writeln!(out, "data: {line}");
    }
    out.push('\n');
}

struct Russe;

impl Writer for Russe {
    const NAME: &'static str = "russe";
    /// Beside the events a clone of each, so that encoding one does not free it.
    type Input = (Vec<russe::Event>, Vec<russe::Event>, BytesMut);

    fn prepare(events: &Arc<[Event]>) -> Self::Input {
        let owned = |event: &Event| {
            russe::Event::Message(russe::Message {
                data: ByteString::from(event.data.as_str()),
                event: event.kind().map(ByteString::from),
                retry: None,
                id: event.id().map(ByteString::from),
            })
        };
        let events: Vec<_> = events.iter().map(owned).collect();
        (events.clone(), events, BytesMut::with_capacity(ROOM))
    }

    fn write((events, _, out): &mut Self::Input, mut show: impl FnMut(&[u8])) {
        use tokio_util::codec::Encoder;
        let mut encoder = russe::Encoder::default();
        for event in events.drain(..) {
            out.clear();
            if encoder.encode(event, out).is_ok() {
                show(out);
            }
        }
    }
}

struct SseStream;

/// It takes and frees the event's strings.
impl Writer for SseStream {
    const NAME: &'static str = "sse-stream";
    type Input = Vec<sse_stream::Sse>;

    fn prepare(events: &Arc<[Event]>) -> Self::Input {
        let owned = |event: &Event| sse_stream::Sse {
            event: event.kind().map(str::to_owned),
            data: Some(event.data.clone()),
            id: event.id().map(str::to_owned),
            retry: None,
        };
        events.iter().map(owned).collect()
    }

    fn write(events: &mut Self::Input, mut show: impl FnMut(&[u8])) {
        for event in events.drain(..) {
            if let Ok(bytes) = event.encode() {
                show(&bytes);
            }
        }
    }
}

/// Through `Display`, which its encoder calls too; only that the event need
/// not be given away.
struct SseCodec;

impl Writer for SseCodec {
    const NAME: &'static str = "sse-codec";
    type Input = (Vec<sse_codec::Event>, String);

    fn prepare(events: &Arc<[Event]>) -> Self::Input {
        let owned = |event: &Event| sse_codec::Event::Message {
            id: event.id().map(str::to_owned),
            event: event.kind().unwrap_or("message").to_owned(),
            data: event.data.clone(),
        };
        (events.iter().map(owned).collect(), String::with_capacity(ROOM))
    }

    fn write((events, out): &mut Self::Input, mut show: impl FnMut(&[u8])) {
        for event in &*events {
            out.clear();
            let _ = writeln!(out, "{event}");
            show(out.as_bytes());
        }
    }
}

struct TokioSseCodec;

/// It takes and frees the string of the ID; the others are borrowed.
impl Writer for TokioSseCodec {
    const NAME: &'static str = "tokio_sse_codec";
    type Input = (Arc<[Event]>, Vec<Option<String>>, BytesMut);

    fn prepare(events: &Arc<[Event]>) -> Self::Input {
        let ids = events.iter().map(|event| event.id().map(str::to_owned)).collect();
        (events.clone(), ids, BytesMut::with_capacity(ROOM))
    }

    fn write((events, ids, out): &mut Self::Input, mut show: impl FnMut(&[u8])) {
        use tokio_util::codec::Encoder;
        let mut encoder = tokio_sse_codec::SseEncoder::new();
        for (event, id) in events.iter().zip(ids.drain(..)) {
            out.clear();
            let event = tokio_sse_codec::Event {
                id: id.map(Into::into),
                name: event.kind().unwrap_or("message").into(),
                data: event.data.as_str(),
            };
            if encoder.encode(tokio_sse_codec::Frame::Event(event), out).is_ok() {
                show(out);
            }
        }
    }
}

/// An event's bytes are reachable only as frames of the response body, and
/// the builder writes while it builds: both are timed, the response is not.
struct Axum;

struct AxumEvents {
    events: Arc<[Event]>,
    next: usize,
}

impl Stream for AxumEvents {
    type Item = Result<axum::response::sse::Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let event = this.events.get(this.next).map(|event| {
            let mut out = axum::response::sse::Event::default();
            if let Some(id) = event.id() {
                out = out.id(id);
            }
            if let Some(kind) = event.kind() {
                out = out.event(kind);
            }
            Ok(out.data(&event.data))
        });
        this.next += 1;
        Poll::Ready(event)
    }
}

impl Writer for Axum {
    const NAME: &'static str = "axum";
    type Input = axum::body::Body;

    fn prepare(events: &Arc<[Event]>) -> Self::Input {
        let events = AxumEvents { events: events.clone(), next: 0 };
        axum::response::Sse::new(events).into_response().into_body()
    }

    fn write(body: &mut Self::Input, mut show: impl FnMut(&[u8])) {
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut *body).poll_frame(&mut context) {
            if let Some(bytes) = frame.data_ref() {
                show(bytes);
            }
        }
    }
}

/// The bytes are already there and need only be moved into place.
struct Copy;

impl Writer for Copy {
    const NAME: &'static str = "limit: memcpy";
    type Input = (Vec<String>, Vec<u8>);

    fn prepare(events: &Arc<[Event]>) -> Self::Input {
        let written = |event: &Event| {
            let mut out = String::new();
            plain(&mut out, event);
            out
        };
        (events.iter().map(written).collect(), vec![0; ROOM])
    }

    fn write((events, out): &mut Self::Input, mut show: impl FnMut(&[u8])) {
        for event in &*events {
            let place = &mut out[..event.len()];
            place.copy_from_slice(event.as_bytes());
            show(place);
        }
    }
}
