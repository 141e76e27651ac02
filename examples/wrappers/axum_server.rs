//! An axum server whose response body is written by `Frame`: keep-alive comments when nothing else was sent for a while,
//! and back-pressure, since the events are pulled.
//!
//! Each event is written once, into the chunk that goes to hyper. hyper asks for the next one when it has room, so a slow
//! reader slows the producer: what is produced and not read is bounded by the channel, hyper's queue and the sockets.

use std::error::Error;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::task::{ready, Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::Router;
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, TryStreamExt};
use http_body_util::BodyExt;
use ssewire::{Frame, InvalidByte, Parser};
use ssewire_wrappers::{clients, limit_time, messages, Message};
use tokio::net::TcpSocket;
use tokio::sync::mpsc;
use tokio::time::{interval, timeout, Interval, MissedTickBehavior};
use tokio_stream::wrappers::ReceiverStream;

/// Messages as the chunks of a response body.
struct EventBody<S> {
    messages: S,
    idle: Interval,
}

impl<S> EventBody<S>
where
    S: Stream<Item = Message> + Send + Unpin + 'static,
{
    /// A comment is sent whenever there was nothing to send for as long as `keep_alive`.
    fn new(messages: S, keep_alive: Duration) -> Self {
        let mut idle = interval(keep_alive);
        idle.set_missed_tick_behavior(MissedTickBehavior::Delay);
        idle.reset();
        EventBody { messages, idle }
    }

    fn into_response(self) -> Response {
        let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-cache")];
        (headers, Body::from_stream(self)).into_response()
    }
}

impl<S: Stream<Item = Message> + Unpin> Stream for EventBody<S> {
    type Item = Result<Bytes, InvalidByte>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.messages.poll_next_unpin(cx) {
            Poll::Ready(Some(message)) => {
                self.idle.reset();
                Poll::Ready(Some(message.frame().map(chunk)))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                ready!(self.idle.poll_tick(cx));
                Poll::Ready(Some(Ok(chunk(Frame::new().comment("keep-alive")))))
            }
        }
    }
}

fn chunk(frame: Frame<'_>) -> Bytes {
    let mut chunk = BytesMut::with_capacity(frame.encoded_len());
    frame.parts().for_each(|part| chunk.extend_from_slice(part));
    chunk.freeze()
}

const KEEP_ALIVE: Duration = Duration::from_millis(50);
/// Events that may wait in the channel.
const CHANNEL: usize = 8;
/// Bytes of data of each event of the flood.
const LARGE: usize = 64 << 10;
const FLOOD: usize = 400;
/// Bytes that each socket may buffer; Linux doubles it.
const SOCKET: u32 = 64 << 10;
/// Bytes that hyper buffers at either end, unless it is told otherwise.
const HYPER: usize = 8192 + 100 * 4096;
/// How far the producer of the flood may be ahead of its reader, in events: what is in the channel and the buffers, the one
/// that waits to be put there, and one that was begun in each of the four buffers.
const AHEAD: usize = CHANNEL + 1 + (2 * HYPER + 4 * SOCKET as usize) / LARGE + 4;

/// All messages, with a pause in the middle.
async fn events() -> Response {
    let (sender, receiver) = mpsc::channel(CHANNEL);
    tokio::spawn(async move {
        for (i, message) in messages().into_iter().enumerate() {
            if i == 500 {
                tokio::time::sleep(KEEP_ALIVE * 8).await;
            }
            sender.send(message).await?;
        }
        Ok::<_, mpsc::error::SendError<_>>(())
    });
    EventBody::new(ReceiverStream::new(receiver), KEEP_ALIVE).into_response()
}

/// Large events, as fast as they are taken.
async fn flood(State(produced): State<Arc<AtomicUsize>>) -> Response {
    let (sender, receiver) = mpsc::channel(CHANNEL);
    tokio::spawn(async move {
        for i in 0..FLOOD {
            produced.fetch_add(1, Ordering::SeqCst);
            sender.send(Message { id: i.to_string(), data: "x".repeat(LARGE), ..Message::default() }).await?;
        }
        Ok::<_, mpsc::error::SendError<_>>(())
    });
    EventBody::new(ReceiverStream::new(receiver), KEEP_ALIVE).into_response()
}

/// Reads the flood, resting at some events until the producer rests too; returns how far it has been ahead at most.
async fn read_slowly(server: SocketAddr, produced: &AtomicUsize) -> Result<usize, Box<dyn Error>> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(SOCKET)?;
    let mut body = clients::hyper_get_over(socket.connect(server).await?, "/flood").await?.into_data_stream();
    let mut parser = Parser::with_limit(2 * LARGE);
    let (mut read, mut ahead) = (0, 0);
    while let Some(chunk) = body.try_next().await? {
        let mut input = &chunk[..];
        while let Some(event) = parser.next(&mut input).expect("no event exceeds the limit") {
            assert_eq!(
                (event.text().expect("the events are text").last_event_id(), event.data().len()),
                (&*read.to_string(), LARGE)
            );
            read += 1;
            if read % 200 == 1 {
                rest(produced).await;
            }
            ahead = ahead.max(produced.load(Ordering::SeqCst) - read);
        }
    }
    assert_eq!(read, FLOOD);
    Ok(ahead)
}

/// Waits until nothing was produced for a fifth of a second.
async fn rest(produced: &AtomicUsize) {
    let mut before = usize::MAX;
    while before != produced.load(Ordering::SeqCst) {
        before = produced.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    limit_time();
    let produced = Arc::new(AtomicUsize::new(0));
    let socket = TcpSocket::new_v4()?;
    socket.set_send_buffer_size(SOCKET)?;
    socket.bind("127.0.0.1:0".parse()?)?;
    let listener = socket.listen(16)?;
    let server = listener.local_addr()?;
    let app = Router::new().route("/events", get(events)).route("/flood", get(flood)).with_state(produced.clone());
    tokio::spawn(async { axum::serve(listener, app).await });

    let comments = clients::assert_serves(&format!("http://{server}/events")).await?;
    assert!(comments >= 2, "{comments} comments in a pause of eight times the interval");
    let ahead = timeout(Duration::from_secs(20), read_slowly(server, &produced)).await??;
    assert!((CHANNEL..=AHEAD).contains(&ahead), "{ahead} events ahead, {AHEAD} allowed");
    println!(
        "1000 events to ssewire, eventsource-stream and eventsource-client; {ahead} of {FLOOD} ahead of a slow reader"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures::{stream, FutureExt};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_comment_is_sent_after_each_idle_time_and_only_then() {
        let (sender, receiver) = mpsc::channel(1);
        let mut body = EventBody::new(ReceiverStream::new(receiver), Duration::from_secs(15));
        let mut next = async || body.next().await.unwrap().unwrap();
        let start = tokio::time::Instant::now();
        assert_eq!(next().await, ": keep-alive\n\n");
        assert_eq!(start.elapsed().as_secs(), 15);
        assert_eq!(next().await, ": keep-alive\n\n");
        assert_eq!(start.elapsed().as_secs(), 30);
        tokio::time::sleep(Duration::from_secs(10)).await;
        sender.send(Message { id: "1".into(), ..Message::default() }).await.unwrap();
        assert!(next().await.starts_with(b"event: \nid: 1\n"));
        assert_eq!(next().await, ": keep-alive\n\n");
        assert_eq!(start.elapsed().as_secs(), 55);
    }

    #[tokio::test]
    async fn nothing_is_pulled_before_it_is_asked_for() {
        let mut pulled = 0;
        let messages = messages().into_iter().inspect(|_| pulled += 1);
        let mut body = EventBody { messages: stream::iter(messages), idle: interval(KEEP_ALIVE) };
        for _ in 0..3 {
            body.next().now_or_never().unwrap().unwrap().unwrap();
        }
        drop(body);
        assert_eq!(pulled, 3);
    }
}
