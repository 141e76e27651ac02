//! The peers as readers, each through its fastest public interface that takes
//! chunks and delivers events.
//!
//! Readers that work on a stream of chunks are polled with a waker that does
//! nothing over chunks that are always ready, so no runtime is measured.
//! Readers that want their input in one growing `BytesMut` get the first chunk
//! inside it, as if it had been received there, and append the others.

use crate::readers::{Candidate, Form, Reader};
use crate::sinks::Sink;
use crate::workloads::Chunked;
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use std::convert::Infallible;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use tokio_util::codec::Decoder;

pub fn all() -> Vec<Candidate> {
    vec![
        Candidate::of::<SseCore>(),
        Candidate::of::<SseStream>(),
        Candidate::of::<Sseer>(),
        Candidate::of::<SseParse>(),
        Candidate::of::<Russe>(),
        Candidate::of::<TokioSseCodec<String>>(),
        Candidate::of::<TokioSseCodec<Bytes>>(),
        Candidate::of::<SseCodec>(),
        Candidate::of::<EventsourceStream>(),
        Candidate::of::<EventsourceStream2>(),
    ]
}

/// The bare state machine; slices spare it the bookkeeping of `Bytes`.
struct SseCore;

impl Reader for SseCore {
    const NAME: &'static str = "sse-core";
    const FORM: Form = Form::Strings;
    type Input<'a> = &'a [&'a [u8]];

    fn prepare<'a>(chunked: &'a Chunked<'_>) -> Self::Input<'a> {
        &chunked.slices
    }

    fn read<S: Sink>(input: &mut Self::Input<'_>, sink: &mut S) -> Result<(), String> {
        let mut decoder = sse_core::SseDecoder::new();
        for &chunk in *input {
            let mut rest = chunk;
            while let Some(event) = decoder.next(&mut rest) {
                if let sse_core::SseEvent::Message(event) = event.map_err(|e| e.to_string())? {
                    let id = event.last_event_id.as_deref().unwrap_or("");
                    if deliver(sink, &*event.event, &event.data, id) {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }
}

/// Its parser is private: the thinnest public layer is the stream of buffers.
struct SseStream;

impl Reader for SseStream {
    const NAME: &'static str = "sse-stream";
    const FORM: Form = Form::Strings;
    type Input<'a> = &'a [&'a [u8]];

    fn prepare<'a>(chunked: &'a Chunked<'_>) -> Self::Input<'a> {
        &chunked.slices
    }

    fn read<S: Sink>(input: &mut Self::Input<'_>, sink: &mut S) -> Result<(), String> {
        let stream = sse_stream::SseByteStream::new(ready(input.iter().copied()));
        drain(stream, |event| {
            let Some(data) = event.data else { return false };
            let kind = event.event.unwrap_or_default();
            deliver(sink, kind, data, event.id.unwrap_or_default())
        })
    }
}

/// Only its line parser is public besides the stream, and lines are not events.
struct Sseer;

impl Reader for Sseer {
    const NAME: &'static str = "sseer";
    const FORM: Form = Form::Shared;
    /// It keeps views of the chunks, so it takes them by value.
    type Input<'a> = Vec<Bytes>;

    fn prepare<'a>(chunked: &'a Chunked<'_>) -> Self::Input<'a> {
        chunked.shared.clone()
    }

    fn read<S: Sink>(input: &mut Self::Input<'_>, sink: &mut S) -> Result<(), String> {
        let stream = sseer::EventStream::new(ready(input.drain(..)));
        drain(stream, |event| deliver(sink, event.event.as_bytes(), event.data.as_bytes(), event.id.as_bytes()))
    }
}

struct SseParse;

impl Reader for SseParse {
    const NAME: &'static str = "sse-parse";
    const FORM: Form = Form::Strings;
    type Input<'a> = &'a [&'a [u8]];

    fn prepare<'a>(chunked: &'a Chunked<'_>) -> Self::Input<'a> {
        &chunked.slices
    }

    fn read<S: Sink>(input: &mut Self::Input<'_>, sink: &mut S) -> Result<(), String> {
        let mut parser = sse_parse::SseParser::new();
        for chunk in *input {
            parser.feed(chunk);
            while let Some(event) = parser.next_event() {
                if deliver(sink, event.event, event.data, event.id) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// A decoder that keeps its input in one growing buffer.
struct Buffered<'a, D> {
    decoder: D,
    buffer: BytesMut,
    later: &'a [&'a [u8]],
}

impl<'a, D> Buffered<'a, D> {
    fn new(decoder: D, chunked: &'a Chunked<'_>) -> Self {
        let (first, later) = chunked.slices.split_first().expect("a chunk");
        Self { decoder, buffer: BytesMut::from(*first), later }
    }

    /// Calls `step` until it is out of events, for every chunk. `step` returns
    /// what to do next.
    fn run(&mut self, mut step: impl FnMut(&mut D, &mut BytesMut) -> Result<Next, String>) -> Result<(), String> {
        let mut later = self.later.iter();
        loop {
            loop {
                match step(&mut self.decoder, &mut self.buffer)? {
                    Next::Event => {}
                    Next::Chunk => break,
                    Next::Stop => return Ok(()),
                }
            }
            match later.next() {
                Some(chunk) => self.buffer.extend_from_slice(chunk),
                None => return Ok(()),
            }
        }
    }
}

enum Next {
    Event,
    Chunk,
    Stop,
}

impl Next {
    fn event(stop: bool) -> Self {
        if stop { Self::Stop } else { Self::Event }
    }
}

struct Russe;

impl Reader for Russe {
    const NAME: &'static str = "russe";
    const FORM: Form = Form::Shared;
    type Input<'a> = Buffered<'a, russe::Decoder>;

    fn prepare<'a>(chunked: &'a Chunked<'_>) -> Self::Input<'a> {
        // Outside the timed region, because a new decoder builds a search
        // automaton: its cost belongs to a connection, not to a megabyte.
        Buffered::new(russe::Decoder::default(), chunked)
    }

    fn read<S: Sink>(input: &mut Self::Input<'_>, sink: &mut S) -> Result<(), String> {
        input.run(|decoder, buffer| {
            Ok(match decoder.decode(buffer).map_err(|e| e.to_string())? {
                None => Next::Chunk,
                Some(russe::Event::Message(event)) => Next::event(deliver(
                    sink,
                    event.event.as_deref().unwrap_or(""),
                    &*event.data,
                    event.id.as_deref().unwrap_or(""),
                )),
                Some(_) => Next::Event,
            })
        })
    }
}

/// With the payload as a checked string, and as `Bytes`: the form that neither copies nor validates.
struct TokioSseCodec<T>(PhantomData<T>);

trait Payload: AsRef<[u8]> + Sized {
    const NAME: &'static str;
    const FORM: Form;
    type Decoder: Decoder<Item = tokio_sse_codec::Frame<Self>, Error = tokio_sse_codec::SseDecodeError> + Default;
}

impl Payload for String {
    const NAME: &'static str = "tokio_sse_codec";
    const FORM: Form = Form::Strings;
    type Decoder = tokio_sse_codec::SseDecoder<String>;
}

impl Payload for Bytes {
    const NAME: &'static str = "tokio_sse_codec (bytes)";
    const FORM: Form = Form::Bytes;
    type Decoder = tokio_sse_codec::SseDecoder<Bytes>;
}

impl<T: Payload> Reader for TokioSseCodec<T> {
    const NAME: &'static str = T::NAME;
    const FORM: Form = T::FORM;
    type Input<'a> = Buffered<'a, T::Decoder>;

    fn prepare<'a>(chunked: &'a Chunked<'_>) -> Self::Input<'a> {
        Buffered::new(T::Decoder::default(), chunked)
    }

    fn read<S: Sink>(input: &mut Self::Input<'_>, sink: &mut S) -> Result<(), String> {
        use tokio_sse_codec::Frame;
        input.run(|decoder, buffer| {
            Ok(match decoder.decode(buffer).map_err(|e| e.to_string())? {
                None => Next::Chunk,
                Some(Frame::Event(event)) => {
                    Next::event(deliver(sink, &*event.name, &event.data, event.id.as_deref().unwrap_or("")))
                }
                Some(_) => Next::Event,
            })
        })
    }
}

struct SseCodec;

impl Reader for SseCodec {
    const NAME: &'static str = "sse-codec";
    const FORM: Form = Form::Strings;
    type Input<'a> = Buffered<'a, sse_codec::SSECodec>;

    fn prepare<'a>(chunked: &'a Chunked<'_>) -> Self::Input<'a> {
        Buffered::new(sse_codec::SSECodec::default(), chunked)
    }

    fn read<S: Sink>(input: &mut Self::Input<'_>, sink: &mut S) -> Result<(), String> {
        use futures_codec::Decoder;
        input.run(|decoder, buffer| {
            Ok(match decoder.decode(buffer).map_err(|e| e.to_string())? {
                None => Next::Chunk,
                Some(sse_codec::Event::Message { id, event, data }) => {
                    Next::event(deliver(sink, event, data, id.unwrap_or_default()))
                }
                Some(_) => Next::Event,
            })
        })
    }
}

struct EventsourceStream;

impl Reader for EventsourceStream {
    const NAME: &'static str = "eventsource-stream";
    const FORM: Form = Form::Strings;
    type Input<'a> = &'a [&'a [u8]];

    fn prepare<'a>(chunked: &'a Chunked<'_>) -> Self::Input<'a> {
        &chunked.slices
    }

    fn read<S: Sink>(input: &mut Self::Input<'_>, sink: &mut S) -> Result<(), String> {
        let stream = eventsource_stream::EventStream::new(ready(input.iter().copied()));
        drain(stream, |event| deliver(sink, event.event, event.data, event.id))
    }
}

/// The fork of the same stream.
struct EventsourceStream2;

impl Reader for EventsourceStream2 {
    const NAME: &'static str = "eventsource-stream2";
    const FORM: Form = Form::Strings;
    type Input<'a> = &'a [&'a [u8]];

    fn prepare<'a>(chunked: &'a Chunked<'_>) -> Self::Input<'a> {
        &chunked.slices
    }

    fn read<S: Sink>(input: &mut Self::Input<'_>, sink: &mut S) -> Result<(), String> {
        let stream = eventsource_stream2::EventStream::new(ready(input.iter().copied()));
        drain(stream, |event| deliver(sink, event.event, event.data, event.id))
    }
}

/// Hands an event over; true asks the reader to stop.
#[inline]
fn deliver<S: Sink>(sink: &mut S, kind: impl AsRef<[u8]>, data: impl AsRef<[u8]>, id: impl AsRef<[u8]>) -> bool {
    sink.event(kind.as_ref(), data.as_ref(), id.as_ref()).is_break()
}

/// Chunks that are always ready, as a stream that cannot fail.
struct Ready<I>(I);

fn ready<I: Iterator + Unpin>(chunks: I) -> Ready<I> {
    Ready(chunks)
}

impl<I: Iterator + Unpin> Stream for Ready<I> {
    type Item = Result<I::Item, Infallible>;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.next().map(Ok))
    }
}

/// Polls a stream to its end, or until `on_event` asks to stop.
fn drain<T, E: Debug>(
    stream: impl Stream<Item = Result<T, E>>,
    mut on_event: impl FnMut(T) -> bool,
) -> Result<(), String> {
    let mut stream = pin!(stream);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match stream.as_mut().poll_next(&mut context) {
            Poll::Ready(Some(Ok(event))) => {
                if on_event(event) {
                    return Ok(());
                }
            }
            Poll::Ready(Some(Err(error))) => return Err(format!("{error:?}")),
            Poll::Ready(None) => return Ok(()),
            Poll::Pending => return Err("pending on input that is ready".into()),
        }
    }
}
