//! Clients of one server: all events of a response, read by each reader from each HTTP stack, in each chunking.
//!
//! The server is a thread that writes a response made beforehand. The client is alone on its thread with its runtime and its
//! HTTP stack, so the thread's time and allocations are those of the client, from the response's head to its end.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::header::HOST;
use hyper_util::rt::TokioIo;
use reqwest_eventsource::{Event, RequestBuilderExt};
use ssewire_client::{EventSource, Step};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use crate::count::{allocations, cpu};
use crate::readers::{Borrowed, Client, Count, EventsourceStream, EventsourceStream2, Reader, SseCore, SseStream};
use crate::report::{Kind, Row, Table};
use crate::tally::Tally;

#[path = "../../workloads/mod.rs"]
mod streams;

/// Names of the streams.
const STREAMS: [&str; 4] = ["telemetry", "telemetry-varied", "openai", "openai-varied"];

#[derive(Clone, Copy)]
enum Chunks {
    Size(usize),
    Event,
}

/// The chunkings of the response, which are those that the HTTP stacks hand on.
const CHUNKS: [(&str, Chunks); 3] =
    [("16 KiB", Chunks::Size(16 << 10)), ("1460 bytes", Chunks::Size(1460)), ("one event", Chunks::Event)];

#[derive(Clone, Copy, PartialEq)]
enum Stack {
    Hyper,
    Reqwest,
}

/// One reading of a response.
struct Pass {
    cpu: Duration,
    allocations: u64,
    tally: Tally,
}

#[derive(Clone, Copy)]
struct Candidate {
    name: &'static str,
    kind: Kind,
    pass: fn(&Runtime, Stack, SocketAddr, bool) -> Result<Pass, String>,
}

fn candidate<R: Reader>() -> Candidate {
    let kind = match (R::IS_LIMIT, R::IS_OURS) {
        (true, _) => Kind::Limit,
        (_, true) => Kind::Ours,
        _ => Kind::Peer,
    };
    Candidate { name: R::NAME, kind, pass: pass::<R> }
}

fn candidates(stack: Stack) -> Vec<Candidate> {
    let mut all = vec![
        candidate::<Count>(),
        candidate::<Borrowed>(),
        candidate::<Client>(),
        candidate::<EventsourceStream>(),
        candidate::<EventsourceStream2>(),
        candidate::<SseCore>(),
        candidate::<SseStream>(),
    ];
    if stack == Stack::Reqwest {
        all.push(Candidate { name: "ssewire-client, EventSource", kind: Kind::Ours, pass: event_source });
        all.push(Candidate { name: "reqwest-eventsource (reqwest 0.12)", kind: Kind::Peer, pass: reqwest_eventsource });
    }
    all
}

/// Measures all clients, `rounds` times each in turns, over streams of `size` bytes.
///
/// # Errors
///
/// One of ours did not read what was sent.
pub fn measure(size: usize, rounds: usize) -> Result<Vec<Table>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let mut tables = Vec::new();
    for (name, stack) in [("hyper 1", Stack::Hyper), ("reqwest 0.13", Stack::Reqwest)] {
        for stream in STREAMS {
            let mut table = Table::new(&format!("Client on {name}: {stream}"), "reader", Count::NAME);
            for (title, chunks) in CHUNKS {
                eprintln!("client on {name}: {stream}, chunks of {title}");
                table.column(title, column(&runtime, stack, stream, chunks, size, rounds)?);
            }
            tables.push(table);
        }
    }
    Ok(tables)
}

/// All readers of one response.
fn column(
    runtime: &Runtime,
    stack: Stack,
    stream: &str,
    chunks: Chunks,
    size: usize,
    rounds: usize,
) -> Result<Vec<Row>, String> {
    let stream = streams::make(stream, size);
    let mut expected = Tally::new(true);
    let mut parser = ssewire::Parser::with_limit(64 << 10);
    let mut rest = stream.stream.as_bytes();
    while let Some(event) = parser.next(&mut rest).map_err(|e| e.to_string())? {
        let event = event.text().map_err(|e| e.to_string())?;
        expected.event(event.event_type(), event.data(), event.last_event_id());
    }
    let made = (stream.expected.events, stream.expected.data);
    if (expected.events, expected.data) != made {
        return Err(format!("read {} events, made {}", expected.events, made.0));
    }
    let bytes = stream.stream.len();
    let server = serve(response(match chunks {
        Chunks::Size(size) => stream.chunks(size),
        Chunks::Event => stream.blocks(),
    }))
    .map_err(|e| e.to_string())?;

    let candidates = candidates(stack);
    let mut rows: Vec<Row> = candidates.iter().map(|c| Row::new(c.name, c.kind, expected.events)).collect();
    // The first round checks the contents, and its times do not count.
    for round in 0..=rounds {
        for turn in 0..candidates.len() {
            let i = (round + turn) % candidates.len();
            let (Some(candidate), Some(row)) = (candidates.get(i), rows.get_mut(i)) else { continue };
            if row.failed() {
                continue;
            }
            let result = (candidate.pass)(runtime, stack, server, round == 0).and_then(|pass| {
                match candidate.kind {
                    Kind::Limit if pass.tally.data == bytes => Ok(()),
                    Kind::Limit => Err(format!("wrong: {} of {bytes} bytes", pass.tally.data)),
                    _ => pass.tally.compare(&expected),
                }?;
                Ok(pass)
            });
            match result {
                Ok(pass) if round > 0 => row.add(pass.cpu, pass.allocations),
                Ok(_) => {}
                Err(reason) if candidate.kind == Kind::Peer => row.fail(reason),
                Err(reason) => return Err(format!("{}: {reason}", candidate.name)),
            }
        }
    }
    Ok(rows)
}

/// A response with a body of these chunks.
fn response(chunks: Vec<&[u8]>) -> Vec<u8> {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    let mut response = head.as_bytes().to_vec();
    for chunk in chunks {
        response.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        response.extend_from_slice(chunk);
        response.extend_from_slice(b"\r\n");
    }
    response.extend_from_slice(b"0\r\n\r\n");
    response
}

/// Answers each request with `response`, on a thread of its own, until the program ends.
fn serve(response: Vec<u8>) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for connection in listener.incoming() {
            let answer = || -> std::io::Result<()> {
                let connection = connection?;
                let mut lines = BufReader::new(&connection).lines();
                while !lines.next().transpose()?.unwrap_or_default().is_empty() {}
                (&connection).write_all(&response)
            };
            // A client that has what it wants may leave before the end.
            let _ = answer();
        }
    });
    Ok(address)
}

fn pass<R: Reader>(runtime: &Runtime, stack: Stack, server: SocketAddr, check: bool) -> Result<Pass, String> {
    let mut tally = Tally::new(check);
    let start = || (cpu(), allocations());
    let (before, after) = runtime.block_on(async {
        let before;
        match stack {
            Stack::Hyper => {
                let body = hyper(server).await.map_err(|e| e.to_string())?;
                before = start();
                R::read(body.into_data_stream(), &mut tally).await?;
            }
            Stack::Reqwest => {
                let client = reqwest::Client::builder().no_proxy().build().map_err(|e| e.to_string())?;
                let response = client.get(format!("http://{server}/")).send().await.map_err(|e| e.to_string())?;
                before = start();
                R::read(pin!(response.bytes_stream()), &mut tally).await?;
            }
        }
        Ok::<_, String>((before, start()))
    })?;
    Ok(Pass { cpu: after.0 - before.0, allocations: after.1 - before.1, tally })
}

/// The body of the response to a request, through hyper alone.
pub async fn hyper(server: SocketAddr) -> Result<hyper::body::Incoming, Box<dyn std::error::Error>> {
    let connection = TcpStream::connect(server).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(connection)).await?;
    tokio::spawn(connection);
    let request = Request::get("/").header(HOST, server.to_string()).body(Empty::<Bytes>::new())?;
    Ok(sender.send_request(request).await?.into_body())
}

/// It is a client itself, here one that does not reconnect.
fn event_source(runtime: &Runtime, _: Stack, server: SocketAddr, check: bool) -> Result<Pass, String> {
    let mut tally = Tally::new(check);
    let before = runtime.block_on(async {
        let http = reqwest::Client::builder().no_proxy().build().map_err(|e| e.to_string())?;
        let source = EventSource::builder(&format!("http://{server}/")).client(http).reconnect(false);
        let mut source = source.build().map_err(|e| e.to_string())?;
        let Some(Ok(Step::Open)) = source.step().await else { return Err("not opened".into()) };
        let before = (cpu(), allocations());
        while let Some(event) = source.next().await {
            let event = event.map_err(|e| e.to_string())?;
            let event = event.text().map_err(|e| e.to_string())?;
            tally.event(event.event_type(), event.data(), event.last_event_id());
        }
        Ok::<_, String>(before)
    })?;
    Ok(Pass { cpu: cpu() - before.0, allocations: allocations() - before.1, tally })
}

/// It is a client itself, with the stack that it is built on.
fn reqwest_eventsource(runtime: &Runtime, _: Stack, server: SocketAddr, check: bool) -> Result<Pass, String> {
    let mut tally = Tally::new(check);
    let mut before = None;
    runtime.block_on(async {
        let client = reqwest_012::Client::builder().no_proxy().build().map_err(|e| e.to_string())?;
        let request = client.get(format!("http://{server}/"));
        let mut events = request.eventsource().map_err(|e| e.to_string())?;
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Open) => before = Some((cpu(), allocations())),
                Ok(Event::Message(event)) => tally.event(&event.event, &event.data, &event.id),
                Err(reqwest_eventsource::Error::StreamEnded) => break,
                Err(error) => return Err(error.to_string()),
            }
        }
        events.close();
        Ok(())
    })?;
    let before = before.ok_or("not opened")?;
    Ok(Pass { cpu: cpu() - before.0, allocations: allocations() - before.1, tally })
}
