//! The hub beside axum's `Sse` over tokio's `broadcast`: CPU for each event that arrives, what arrives, how late, and memory.
//!
//! `cargo bench -p ssewire-server --bench fanout`; with `-- --quick` a few seconds, with 200 clients. Each row is a server process
//! of one worker and its clients in this process. An event is 100 bytes. Delivered: arrived 0.3 seconds after the last one was
//! published. Late: the first and the last event of each read of a client. The last line of each scenario is the ratio of axum
//! to the hub.

use std::cell::RefCell;
use std::convert::Infallible;
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use hyper::service::service_fn;
use ssewire::Frame;
use ssewire::http::Body;
use ssewire_server::{Hub, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::broadcast;
use tokio::time::{interval, sleep};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::BroadcastStream;

/// Bytes of a frame: `id: `, 10 digits, `data: `, the data, and the line ends.
const FRAME: u64 = 100;
const DATA: usize = 77;
const GRACE: Duration = Duration::from_millis(300);
/// The times that are kept: one in so many reads.
const SAMPLE: u64 = 7;

type AnyError = Box<dyn Error + Send + Sync>;

struct Scenario {
    name: &'static str,
    clients: usize,
    /// Events at a time.
    burst: u64,
    /// Milliseconds between two times.
    every: u64,
}

const SCENARIOS: [Scenario; 4] = [
    Scenario { name: "1000 clients, 10 events/s", clients: 1000, burst: 1, every: 100 },
    Scenario { name: "1000 clients, 1000 events/s", clients: 1000, burst: 1, every: 1 },
    Scenario { name: "1000 clients, bursts of 200", clients: 1000, burst: 200, every: 200 },
    Scenario { name: "5000 clients, 1000 events/s", clients: 5000, burst: 1, every: 1 },
];

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

/// Returns the CPU time of this process, in microseconds, and its memory in bytes.
fn usage() -> (u64, u64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |n: usize| fields.get(n).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    ((ticks(11) + ticks(12)) * 10_000, ticks(21) * 4096)
}

/// Publishes until the time is over; returns the count.
async fn produce(burst: u64, every: u64, time: Duration, publish: impl Fn(&str, &str)) -> u64 {
    let mut ticks = interval(Duration::from_millis(every));
    let start = tokio::time::Instant::now();
    let mut n = 0;
    while start.elapsed() < time {
        ticks.tick().await;
        for _ in 0..burst {
            let data = format!("{:016} {}", now(), "x".repeat(DATA - 17));
            publish(&(1_000_000_000 + n).to_string(), &data);
            n += 1;
        }
    }
    n
}

/// The server process: prints its address, waits for a line, publishes, and prints its cost.
async fn server(kind: &str, burst: u64, every: u64, time: Duration) -> Result<(), AnyError> {
    let stdin = std::io::stdin();
    let mut line = String::new();
    let before = usage();
    let (started, sent);
    if kind == "axum" {
        let (sender, _) = broadcast::channel::<(String, String)>(1024);
        let subscribe = sender.clone();
        let events = move || {
            let events = BroadcastStream::new(subscribe.subscribe())
                .filter_map(Result::ok)
                .map(|(id, data)| Ok::<_, Infallible>(Event::default().id(id).data(data)));
            std::future::ready(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(60))))
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/", get(events))).await });
        tokio::task::block_in_place(|| stdin.lock().read_line(&mut line))?;
        started = usage();
        let producing =
            produce(burst, every, time, move |id, data| drop(sender.send((id.to_owned(), data.to_owned()))));
        sent = tokio::spawn(producing).await?;
    } else {
        let hub = Hub::builder().keep_alive(Duration::from_secs(60)).build()?;
        let server = Server::bind("127.0.0.1:0").await?;
        println!("{}", server.local_addr()?);
        let events = hub.clone();
        let service = service_fn(move |request| std::future::ready(Ok::<_, Infallible>(events.respond(&request))));
        tokio::spawn(server.serve(service, std::future::pending()));
        tokio::task::block_in_place(|| stdin.lock().read_line(&mut line))?;
        started = usage();
        let producing = produce(burst, every, time, move |id, data| {
            let frame = Frame::new().id(id).expect("digits").data(data);
            hub.publish_as_is(&frame).expect("it fits");
        });
        sent = tokio::spawn(producing).await?;
    }
    println!("end {sent}");
    sleep(GRACE).await;
    let after = usage();
    println!("{} {} {}", after.0 - started.0, started.1 - before.1, after.1 - before.1);
    Ok(())
}

#[derive(Default)]
struct Shared {
    bytes: AtomicU64,
    is_running: AtomicBool,
    late: Mutex<Vec<u64>>,
}

thread_local!(static BUF: RefCell<Vec<u8>> = RefCell::new(vec![0; 256 << 10]));

async fn client(address: SocketAddr, seed: u64, shared: Arc<Shared>) -> Result<(), AnyError> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n").await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let mut chunked = Body::chunked();
    let mut reads = seed;
    loop {
        stream.readable().await?;
        let is_over = BUF.with_borrow_mut(|buf| {
            let n = match stream.try_read(buf) {
                Ok(n) => n,
                Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
            };
            let mut input = &buf[..n];
            let mut len = 0;
            while let Ok(Some(piece)) = chunked.next(&mut input) {
                len += piece.len() as u64;
            }
            if shared.is_running.load(Ordering::Relaxed) {
                shared.bytes.fetch_add(len, Ordering::Relaxed);
                reads += 1;
                if reads.is_multiple_of(SAMPLE) {
                    let now = now();
                    let text = &buf[..n];
                    let places = [find(text, 0..n), find(text, (0..n).rev())];
                    let times = places
                        .iter()
                        .flatten()
                        .filter_map(|&at| std::str::from_utf8(text.get(at..at + 16)?).ok()?.parse().ok());
                    shared.late.lock().unwrap().extend(times.map(|time: u64| now.saturating_sub(time)));
                }
            }
            n == 0
        });
        if is_over {
            return Ok(());
        }
    }
}

/// Returns the place after the first `data: ` in this order.
fn find(text: &[u8], mut order: impl Iterator<Item = usize>) -> Option<usize> {
    order.find(|&at| text[at..].starts_with(b"data: ")).map(|at| at + 6)
}

struct Row {
    cpu: f64,
    delivered: f64,
    p99: u64,
    memory: u64,
}

async fn run(kind: &str, scenario: &Scenario, clients: usize, time: Duration) -> Result<Row, AnyError> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["server", kind])
        .args([scenario.burst, scenario.every, time.as_millis() as u64].map(|n| n.to_string()));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().ok_or("its input")?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("its output")?).lines();
    let mut line = move || lines.next().unwrap_or_else(|| Ok(String::new()));
    let address: SocketAddr = line()?.parse()?;
    let shared = Arc::new(Shared::default());
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..clients {
        tasks.spawn(client(address, n as u64, shared.clone()));
        if n % 100 == 99 {
            sleep(Duration::from_millis(20)).await;
        }
    }
    sleep(Duration::from_millis(700 + clients as u64 / 5)).await;
    shared.is_running.store(true, Ordering::Relaxed);
    input.write_all(b"go\n")?;
    let end = tokio::task::block_in_place(&mut line)?;
    let sent: u64 = end.strip_prefix("end ").ok_or(end.clone())?.parse()?;
    sleep(GRACE).await;
    let events = shared.bytes.load(Ordering::Relaxed) / FRAME;
    let figures = tokio::task::block_in_place(&mut line)?;
    let figures: Vec<u64> = figures.split(' ').map(str::parse).collect::<Result<_, _>>()?;
    let [cpu, idle, busy] = figures[..] else { return Err("three figures".into()) };
    let _ = child.kill();
    child.wait()?;
    tasks.shutdown().await;
    let mut late = std::mem::take(&mut *shared.late.lock().unwrap());
    late.sort_unstable();
    let at = |part: usize| late.get(late.len() * part / 100).copied().unwrap_or(0);
    let intended = time.as_millis() as u64 / scenario.every * scenario.burst;
    let row = Row {
        cpu: cpu as f64 / events.max(1) as f64,
        delivered: events as f64 / (sent * clients as u64) as f64,
        p99: at(99),
        memory: busy / clients as u64,
    };
    println!(
        "{kind:>6} {:>10.3} {:>10.3} {:>10.2} {:>10.1} {:>10.1} {:>10.1} {:>10.1}",
        row.cpu,
        row.delivered,
        sent as f64 / intended as f64,
        at(50) as f64 / 1000.0,
        row.p99 as f64 / 1000.0,
        idle as f64 / 1024.0 / clients as f64,
        row.memory as f64 / 1024.0
    );
    Ok(row)
}

async fn compare(is_quick: bool) -> Result<(), AnyError> {
    println!(
        "{:>6} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}",
        "", "CPU us", "delivered", "produced", "p50 ms", "p99 ms", "idle KiB", "busy KiB"
    );
    for scenario in &SCENARIOS {
        let clients = if is_quick { scenario.clients.min(200) } else { scenario.clients };
        let time = Duration::from_millis(if is_quick { 1000 } else { 3000 });
        println!("{}{}", scenario.name, if is_quick { " (200 clients)" } else { "" });
        let axum = run("axum", scenario, clients, time).await?;
        let hub = run("hub", scenario, clients, time).await?;
        println!(
            "{:>6} {:>10.1} {:>10} {:>10} {:>10} {:>10.1} {:>10} {:>10.2}",
            "ratio",
            axum.cpu / hub.cpu,
            "",
            "",
            "",
            axum.p99 as f64 / hub.p99.max(1) as f64,
            "",
            axum.memory as f64 / hub.memory.max(1) as f64
        );
        assert!(hub.delivered <= 1.0, "more than there was");
        assert!(!is_quick || hub.delivered > 0.9, "{}", hub.delivered);
    }
    Ok(())
}

fn main() -> Result<(), AnyError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = |workers| tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build();
    if let [server_word, kind, burst, every, time] = &arguments[..] {
        assert_eq!(server_word, "server");
        let runtime = runtime(1)?;
        let time = Duration::from_millis(time.parse()?);
        return runtime
            .block_on(async { tokio::spawn(server_of(kind.clone(), burst.parse()?, every.parse()?, time)).await? });
    }
    // `cargo test --benches` runs it too, without `--bench`.
    let is_quick = arguments.iter().any(|argument| argument == "--quick")
        || !arguments.iter().any(|argument| argument == "--bench");
    let runtime = runtime(2)?;
    runtime.block_on(async { tokio::spawn(compare(is_quick)).await? })
}

async fn server_of(kind: String, burst: u64, every: u64, time: Duration) -> Result<(), AnyError> {
    server(&kind, burst, every, time).await
}
