//! Servers: one stream whose events are all ready, and 1000 clients of one source of events.
//!
//! The server is alone on its thread with its runtime, axum and hyper. All responses pass through the same axum; they differ in
//! their bodies. The clients, on the main thread, read with hyper and with `ssewire`, and check each event.

use std::convert::Infallible;
use std::future::{Future, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response, Sse, sse};
use axum::serve::ListenerExt;
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use http_body_util::BodyExt;
use rustix::process::{Resource, getrlimit, setrlimit};
use ssewire::{Frame, Parser};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, broadcast, oneshot};
use tokio::time::timeout;

use crate::client::hyper;
use crate::count::{allocations, cpu};
use crate::report::{Kind, Row, Table};
use crate::tally::Tally;

/// A chunk is sent when it has so many bytes, or when nothing more is ready.
const CHUNK: usize = 16 << 10;

/// A pass that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// The server that ours are compared with.
const AXUM: &str = "axum's `Sse`";

/// Different events, of which streams are made.
const EVENTS: usize = 256;

/// An event to send.
struct Message {
    event_type: Option<&'static str>,
    id: Option<String>,
    data: String,
}

fn small() -> Vec<Message> {
    let one = |i: usize| Message {
        event_type: Some("tick"),
        id: Some((100_000 + i).to_string()),
        data: format!("{}.{:02}", 10 + i % 90, i % 100),
    };
    (0..EVENTS).map(one).collect()
}

fn medium() -> Vec<Message> {
    let one = |i: usize| Message {
        event_type: None,
        id: None,
        data: (0..260).map(|j| char::from(b'a' + ((i * 31 + j * 7) % 26) as u8)).collect(),
    };
    (0..EVENTS).map(one).collect()
}

impl Message {
    fn sse_stream(&self) -> sse_stream::Sse {
        sse_stream::Sse {
            event: self.event_type.map(Into::into),
            data: Some(self.data.clone()),
            id: self.id.clone(),
            retry: None,
        }
    }

    fn axum(&self) -> sse::Event {
        let mut event = sse::Event::default();
        if let Some(event_type) = self.event_type {
            event = event.event(event_type);
        }
        if let Some(id) = &self.id {
            event = event.id(id);
        }
        event.data(&self.data)
    }

    /// Appends the message as `ssewire` writes it.
    fn write(&self, out: &mut Vec<u8>) {
        let mut frame = Frame::new().data(&self.data);
        if let Some(event_type) = self.event_type {
            frame = frame.event_type(event_type).expect("no line end");
        }
        if let Some(id) = &self.id {
            frame = frame.id(id).expect("no line end, no NUL");
        }
        frame.write_to_vec(out);
    }
}

fn chunks(body: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    let body = Body::from_stream(body.map(Ok::<_, Infallible>));
    ([(CONTENT_TYPE, "text/event-stream")], body).into_response()
}

/// All messages that are ready, in one chunk.
struct Ready<S> {
    messages: S,
    chunk: Vec<u8>,
}

impl<S: Stream<Item = Arc<Message>> + Unpin> Stream for Ready<S> {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let Ready { messages, chunk } = &mut *self;
        while chunk.len() < CHUNK {
            match messages.poll_next_unpin(cx) {
                Poll::Ready(Some(message)) => {
                    if chunk.capacity() == 0 {
                        chunk.reserve(CHUNK + 1024);
                    }
                    message.write(chunk);
                }
                Poll::Ready(None) if chunk.is_empty() => return Poll::Ready(None),
                Poll::Pending if chunk.is_empty() => return Poll::Pending,
                _ => break,
            }
        }
        Poll::Ready(Some(std::mem::take(chunk).into()))
    }
}

/// A stream of `count` messages, all of them ready.
fn source(messages: Arc<[Arc<Message>]>, count: usize) -> impl Stream<Item = Arc<Message>> + Unpin + Send + 'static {
    stream::iter((0..count).map(move |i| messages[i % EVENTS].clone()))
}

/// A body of so many messages.
type MakeBody = fn(Arc<[Arc<Message>]>, usize) -> Response;

/// The servers of one stream.
const ONE: [(&str, Kind, MakeBody); 5] = [
    ("limit: the bytes, written beforehand", Kind::Limit, |messages, count| {
        // One chunk of as many whole rounds of the messages as fit, again and again; the rest in a last one.
        let mut round = Vec::new();
        messages.iter().for_each(|message| message.write(&mut round));
        let rounds = (CHUNK / round.len()).max(1);
        let chunk = Bytes::from(round.repeat(rounds));
        let mut last = Vec::new();
        (0..count % (rounds * EVENTS)).for_each(|i| messages[i % EVENTS].write(&mut last));
        let whole = stream::iter((0..count / (rounds * EVENTS)).map(move |_| chunk.clone()));
        chunks(whole.chain(stream::iter(Some(last.into()).filter(|last: &Bytes| !last.is_empty()))))
    }),
    ("ssewire, what is ready in one chunk", Kind::Ours, |messages, count| {
        chunks(Ready { messages: source(messages, count), chunk: Vec::new() })
    }),
    ("ssewire, a chunk for each event", Kind::Ours, |messages, count| {
        chunks(source(messages, count).map(|message| {
            let mut chunk = Vec::new();
            message.write(&mut chunk);
            chunk.into()
        }))
    }),
    (AXUM, Kind::Peer, |messages, count| {
        Sse::new(source(messages, count).map(|message| Ok::<_, Infallible>(message.axum()))).into_response()
    }),
    ("sse-stream's `SseBody`", Kind::Peer, |messages, count| {
        let events = source(messages, count).map(|message| Ok::<_, Infallible>(message.sse_stream()));
        let body = Body::new(sse_stream::SseBody::new(events).map_err(|e| e.to_string()));
        ([(CONTENT_TYPE, "text/event-stream")], body).into_response()
    }),
];

/// What a server used.
type Used = (Duration, u64);

/// Measures all servers, `rounds` times each in turns.
///
/// # Errors
///
/// One of ours did not send what was to be sent.
pub fn measure(quick: bool, rounds: usize) -> Result<Vec<Table>, String> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).map_err(|e| e.to_string())?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let share = |messages: Vec<Message>| -> Arc<[Arc<Message>]> { messages.into_iter().map(Arc::new).collect() };
    let (small, medium) = (share(small()), share(medium()));

    let mut one = Table::new("Server, 1 client, all events ready", "server", AXUM);
    for (title, messages, count) in
        [("type, ID, 5 bytes of data", &small, 200_000), ("260 bytes of data", &medium, 50_000)]
    {
        eprintln!("server, 1 client: {title}");
        let count = if quick { count / 100 } else { count };
        let pass = |i: usize, check| match ONE.get(i) {
            Some((_, _, make)) => one_client(&runtime, messages, count, *make, check),
            None => Err("no such server".into()),
        };
        one.column(title, turns(ONE.map(|(name, kind, _)| (name, kind)).as_slice(), count, rounds, pass)?);
    }

    let clients = if quick { 50 } else { 1000 };
    let mut many = Table::new(&format!("Server, {clients} clients of one source"), "server", AXUM);
    for (title, burst, bursts) in
        [("bursts of 256 events", 256, 4), ("bursts of 16 events", 16, 10), ("single events", 1, 20)]
    {
        eprintln!("server, {clients} clients: {title}");
        let load = Load { clients, burst, bursts: if quick { 2 } else { bursts }, messages: small.clone() };
        let servers: [(&str, Kind, Pass); 6] = [
            ("ssewire, what is ready encoded once, in one chunk", Kind::Ours, |runtime, load, check| {
                fan_out(runtime, load, batch, |receiver| chunks(each(receiver)), check)
            }),
            ("ssewire, frames encoded once, what is ready in one chunk", Kind::Ours, |runtime, load, check| {
                fan_out(
                    runtime,
                    load,
                    encode,
                    |receiver| chunks(gather(receiver, |frame, out| out.extend_from_slice(frame))),
                    check,
                )
            }),
            ("ssewire, what is ready in one chunk", Kind::Ours, |runtime, load, check| {
                fan_out(
                    runtime,
                    load,
                    <[_]>::to_vec,
                    |receiver| chunks(gather(receiver, |message, out| message.write(out))),
                    check,
                )
            }),
            (AXUM, Kind::Peer, |runtime, load, check| {
                let body = |receiver| {
                    Sse::new(each(receiver).map(|m: Arc<Message>| Ok::<_, Infallible>(m.axum()))).into_response()
                };
                fan_out(runtime, load, <[_]>::to_vec, body, check)
            }),
            ("axum's `Sse`, frames made once", Kind::Peer, |runtime, load, check| {
                let body = |receiver| Sse::new(each(receiver).map(Ok::<sse::Event, Infallible>)).into_response();
                fan_out(runtime, load, |messages| messages.iter().map(|message| message.axum()).collect(), body, check)
            }),
            ("sse-stream's `SseBody`", Kind::Peer, |runtime, load, check| {
                let body = |receiver| {
                    let events = each(receiver).map(|m: Arc<Message>| Ok::<_, Infallible>(m.sse_stream()));
                    Body::new(sse_stream::SseBody::new(events).map_err(|e| e.to_string())).into_response()
                };
                fan_out(runtime, load, <[_]>::to_vec, body, check)
            }),
        ];
        let pass = |i: usize, check| {
            servers.get(i).map_or(Err("no such server".into()), |(_, _, pass)| pass(&runtime, &load, check))
        };
        let names = servers.map(|(name, kind, _)| (name, kind));
        many.column(title, turns(&names, load.events() * clients, rounds.min(3), pass)?);
    }
    Ok(vec![one, many])
}

/// Lets all servers take turns. The first round checks the contents, and its times do not count.
fn turns(
    names: &[(&'static str, Kind)],
    events: usize,
    rounds: usize,
    pass: impl Fn(usize, bool) -> Result<Used, String>,
) -> Result<Vec<Row>, String> {
    let mut rows: Vec<Row> = names.iter().map(|&(name, kind)| Row::new(name, kind, events)).collect();
    for round in 0..=rounds {
        for turn in 0..rows.len() {
            let i = (round + turn) % rows.len();
            let (Some(row), Some(&(name, kind))) = (rows.get_mut(i), names.get(i)) else { continue };
            match pass(i, round == 0) {
                _ if row.failed() => {}
                Ok((cpu, allocations)) if round > 0 => row.add(cpu, allocations),
                Ok(_) => {}
                Err(reason) if kind == Kind::Peer => row.fail(reason),
                Err(reason) => return Err(format!("{name}: {reason}")),
            }
        }
    }
    Ok(rows)
}

/// The events that a client must have received.
fn expected(messages: &[Arc<Message>], indices: impl Iterator<Item = usize>) -> Tally {
    let mut tally = Tally::new(true);
    for message in indices.filter_map(|i| messages.get(i)) {
        tally.event(message.event_type.unwrap_or_default(), &message.data, message.id.as_deref().unwrap_or_default());
    }
    tally
}

/// Reads a response to its end, calling `seen` for the number of events in each chunk.
async fn read(server: SocketAddr, check: bool, started: impl FnOnce(), seen: impl Fn(usize)) -> Result<Tally, String> {
    let mut chunks = hyper(server).await.map_err(|e| e.to_string())?.into_data_stream();
    started();
    let (mut parser, mut tally) = (Parser::with_limit(4096), Tally::new(check));
    while let Some(chunk) = chunks.next().await {
        let (chunk, before) = (chunk.map_err(|e| e.to_string())?, tally.events);
        let mut rest = &chunk[..];
        while let Some(event) = parser.next(&mut rest).map_err(|e| e.to_string())? {
            let event = event.text().map_err(|e| e.to_string())?;
            tally.event(event.event_type(), event.data(), event.id().unwrap_or_default());
        }
        seen(tally.events - before);
    }
    Ok(tally)
}

/// A server on a thread of its own: `serve` is given the listener and returns what it used.
fn server<F: Future<Output = Result<Used, String>>>(
    serve: impl FnOnce(TcpListener) -> F + Send + 'static,
) -> Result<(SocketAddr, thread::JoinHandle<Result<Used, String>>), String> {
    let (sender, address) = oneshot::channel();
    let thread = thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|e| e.to_string())?;
            let _ = sender.send(listener.local_addr().map_err(|e| e.to_string())?);
            serve(listener).await
        })
    });
    Ok((address.blocking_recv().map_err(|e| e.to_string())?, thread))
}

fn used(start: Used) -> Used {
    (cpu() - start.0, allocations() - start.1)
}

/// One stream of `count` events, from the request to the end of the response.
fn one_client(
    runtime: &Runtime,
    messages: &Arc<[Arc<Message>]>,
    count: usize,
    make: MakeBody,
    check: bool,
) -> Result<Used, String> {
    let (done, is_done) = oneshot::channel::<()>();
    let start = Arc::new(Mutex::new(None));
    let shared = messages.clone();
    let (address, thread) = server(move |listener| async move {
        let begun = start.clone();
        let app = Router::new().fallback(move || {
            *begun.lock().expect("no thread panics") = Some((cpu(), allocations()));
            ready(make(shared.clone(), count))
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        is_done.await.map_err(|e| e.to_string())?;
        let start = start.lock().expect("no thread panics").ok_or("no request")?;
        Ok(used(start))
    })?;
    let tally = runtime.block_on(async { timeout(PATIENCE, read(address, check, || {}, |_| {})).await });
    let _ = done.send(());
    let used = thread.join().map_err(|_| "the server panicked")??;
    tally.map_err(|e| e.to_string())??.compare(&expected(messages, (0..count).map(|i| i % EVENTS)))?;
    Ok(used)
}

/// The bursts of events to many clients.
struct Load {
    clients: usize,
    burst: usize,
    bursts: usize,
    messages: Arc<[Arc<Message>]>,
}

impl Load {
    fn events(&self) -> usize {
        self.burst * self.bursts
    }

    fn indices(&self) -> impl Iterator<Item = usize> {
        (0..self.events()).map(|i| i % EVENTS)
    }
}

type Pass = fn(&Runtime, &Load, bool) -> Result<Used, String>;

/// One chunk with all messages.
fn batch(messages: &[Arc<Message>]) -> Vec<Bytes> {
    let mut out = Vec::new();
    messages.iter().for_each(|message| message.write(&mut out));
    vec![out.into()]
}

/// A frame for each message.
fn encode(messages: &[Arc<Message>]) -> Vec<Bytes> {
    let one = |message: &Arc<Message>| {
        let mut out = Vec::new();
        message.write(&mut out);
        out.into()
    };
    messages.iter().map(one).collect()
}

/// A client's end of a channel, in which `None` ends the stream.
type Receiver<T> = broadcast::Receiver<Option<T>>;

/// The items of a channel, one by one.
fn each<T: Clone + Send + 'static>(receiver: Receiver<T>) -> impl Stream<Item = T> + Send + 'static {
    stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await.ok()??, receiver)) })
}

/// What is ready in a channel, in one chunk.
fn gather<T: Clone + Send + Sync + 'static>(
    receiver: Receiver<T>,
    write: fn(&T, &mut Vec<u8>),
) -> impl Stream<Item = Bytes> + Send + 'static {
    stream::unfold(Some(receiver), move |receiver| async move {
        let mut receiver = receiver?;
        let mut item = receiver.recv().await.ok()??;
        let mut out = Vec::with_capacity(1024);
        loop {
            write(&item, &mut out);
            if out.len() >= CHUNK {
                break;
            }
            match receiver.try_recv() {
                Ok(Some(next)) => item = next,
                Ok(None) => return Some((Bytes::from(out), None)),
                Err(_) => break,
            }
        }
        Some((Bytes::from(out), Some(receiver)))
    })
}

/// Publishes all bursts to all clients, each when all clients have the one before; from the first burst to the last event.
fn fan_out<T: Clone + Send + 'static>(
    runtime: &Runtime,
    load: &Load,
    publish: fn(&[Arc<Message>]) -> Vec<T>,
    body: fn(Receiver<T>) -> Response,
    check: bool,
) -> Result<Used, String> {
    // Counted by the clients; the server is woken when all have what was sent.
    struct Seen {
        started: AtomicUsize,
        events: AtomicUsize,
        all: Notify,
    }
    let seen = Arc::new(Seen { started: AtomicUsize::new(0), events: AtomicUsize::new(0), all: Notify::new() });
    let (clients, burst, bursts) = (load.clients, load.burst, load.bursts);
    let (messages, progress) = (load.messages.clone(), seen.clone());
    let (done, is_done) = oneshot::channel::<()>();
    let (address, thread) = server(move |listener| async move {
        let (sender, _) = broadcast::channel::<Option<T>>(2 * EVENTS);
        let source = sender.clone();
        let app = Router::new().fallback(move || ready(body(source.subscribe())));
        let listener = listener.tap_io(|connection| {
            let _ = connection.set_nodelay(true);
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        let wait =
            async || timeout(PATIENCE, progress.all.notified()).await.map_err(|_| "clients do not receive".to_string());
        wait().await?;
        let start = (cpu(), allocations());
        for i in 0..bursts {
            let first = i * burst % EVENTS;
            for item in publish(messages.get(first..first + burst).unwrap_or_default()) {
                sender.send(Some(item)).map_err(|_| "no client")?;
            }
            wait().await?;
        }
        let used = used(start);
        sender.send(None).map_err(|_| "no client")?;
        is_done.await.map_err(|e| e.to_string())?;
        Ok(used)
    })?;
    let all = runtime.block_on(async {
        let mut tasks = Vec::new();
        for _ in 0..clients {
            let (one, other) = (seen.clone(), seen.clone());
            let started = move || {
                if one.started.fetch_add(1, Ordering::AcqRel) + 1 == clients {
                    one.all.notify_one();
                }
            };
            let received = move |events| {
                let before = other.events.fetch_add(events, Ordering::AcqRel);
                if (before + events) / (clients * burst) > before / (clients * burst) {
                    other.all.notify_one();
                }
            };
            tasks.push(tokio::spawn(read(address, check, started, received)));
        }
        let mut tallies = Vec::new();
        for task in tasks {
            tallies.push(task.await.map_err(|e| e.to_string()).and_then(|tally| tally));
        }
        tallies
    });
    let _ = done.send(());
    let used = thread.join().map_err(|_| "the server panicked")??;
    let expected = expected(&load.messages, load.indices());
    all.into_iter().try_for_each(|tally| tally?.compare(&expected))?;
    Ok(used)
}
