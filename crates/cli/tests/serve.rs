//! `sse serve`, killed and restarted under its clients, with its history in a file.
//!
//! `SSE_CLIENTS` and `SSE_ROUNDS` make it larger: clients, and restarts of each kind.

#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ssewire::Parser;
use ssewire_client::{EventSource, Policy, Step};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

/// A running `sse serve`, killed with the test.
struct Serve {
    child: Child,
    address: SocketAddr,
}

impl Serve {
    fn start(port: u16, options: &[&str]) -> Serve {
        // The clients of the tests are built with the TLS of the tool, which brings its own cryptography.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sse"));
        command.args(["serve", "--port", &port.to_string()]).args(options).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().trim_start_matches("http://").trim_end_matches('/').parse().expect("its address");
        Serve { child, address }
    }

    /// Returns the memory that it holds, in bytes.
    fn memory(&self) -> u64 {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id())).unwrap_or_default();
        statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
    }

    fn terminate(&mut self) {
        let status = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
        assert!(self.child.wait().unwrap().success(), "it ends in order");
    }

    async fn connected(&self, count: usize) {
        let expected = format!("\"connections\":{count},");
        let wait = async {
            while !ask(self.address, "GET /stats HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                .await
                .contains(&expected)
            {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(Duration::from_secs(60), wait).await.expect("all clients connect");
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A file that is removed with the test.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Temporary {
        Temporary(std::env::temp_dir().join(format!("sse-{name}-{}.sse", std::process::id())))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Returns the answer to a request; empty if there is none.
async fn ask(address: SocketAddr, request: &str) -> String {
    let ask = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        Some(answer)
    };
    timeout(Duration::from_secs(5), ask).await.ok().flatten().unwrap_or_default()
}

async fn post(address: SocketAddr, data: &str) -> bool {
    let head =
        format!("POST /events HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", data.len());
    ask(address, &(head + data)).await.starts_with("HTTP/1.1 200")
}

#[derive(Default)]
struct Got {
    posted: Vec<u64>,
    gaps: usize,
    opened: Vec<Instant>,
}

/// Follows the stream until the event `last` is posted.
async fn follow(address: SocketAddr, last: Arc<AtomicU64>) -> Got {
    let mut policy = Policy::ROBUST;
    policy.attempts = u32::MAX;
    policy.max_wait_ms = 3000;
    let mut source = EventSource::builder(&format!("http://{address}/events")).policy(policy).build().unwrap();
    let mut parser = Parser::with_limit(1 << 20);
    let mut got = Got::default();
    let mut newest = (0, 0);
    loop {
        match source.step().await.expect("it goes on").unwrap() {
            Step::Open => {
                got.opened.push(Instant::now());
                parser = Parser::with_limit(1 << 20);
            }
            Step::Received(chunk) => {
                let mut input = &chunk[..];
                while let Some(event) = parser.next(&mut input).unwrap() {
                    let event = event.text().unwrap();
                    if event.event_type() == "gap" {
                        got.gaps += 1;
                        continue;
                    }
                    let (run, number) = event.last_event_id().split_once('-').expect("an ID of the hub");
                    let id = (run.parse::<u64>().unwrap(), number.parse::<u64>().unwrap());
                    assert!(id > newest, "{id:?} after {newest:?}");
                    newest = id;
                    if event.event_type() == "message" {
                        got.posted.push(event.data().parse().unwrap());
                    }
                }
            }
            _ => {}
        }
        if got.posted.last() == Some(&last.load(Ordering::SeqCst)) {
            return got;
        }
    }
}

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_killed_and_restarted_and_its_clients_lose_and_double_nothing() {
    let (clients, rounds) = (number("SSE_CLIENTS", 100), number("SSE_ROUNDS", 2));
    let file = Temporary::new("kill");
    let path = file.0.to_str().unwrap().to_owned();
    // All of the test fits into the history.
    let options = ["--rate", "20", "--history", &path, "--capacity", "4000000"];
    let port = free_port();
    let mut serve = Serve::start(port, &options);
    let address = serve.address;
    assert!(post(address, "0").await);
    let last = Arc::new(AtomicU64::new(u64::MAX));
    let followers: Vec<_> = (0..clients).map(|_| tokio::spawn(follow(address, last.clone()))).collect();
    serve.connected(clients).await;

    // A failed write may or may not have been taken.
    let (taken, number, is_over) =
        (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU64::new(1)), Arc::new(AtomicBool::new(false)));
    let publisher = tokio::spawn({
        let (taken, number, is_over) = (taken.clone(), number.clone(), is_over.clone());
        async move {
            while !is_over.load(Ordering::SeqCst) {
                let n = number.fetch_add(1, Ordering::SeqCst);
                if post(address, &n.to_string()).await {
                    taken.lock().unwrap().push(n);
                }
                sleep(Duration::from_millis(10)).await;
            }
        }
    });
    let mut memory = Vec::new();
    for round in 0..2 * rounds {
        sleep(Duration::from_millis(300)).await;
        if round < rounds {
            serve.child.kill().unwrap(); // SIGKILL
            serve.child.wait().unwrap();
        } else {
            serve.terminate();
        }
        serve = Serve::start(port, &options);
        serve.connected(clients).await;
        memory.push(serve.memory());
    }
    is_over.store(true, Ordering::SeqCst);
    publisher.await.unwrap();
    let n = number.load(Ordering::SeqCst);
    assert!(post(address, &n.to_string()).await);
    taken.lock().unwrap().push(n);
    last.store(n, Ordering::SeqCst);
    // Those that had it before they knew that it is the last one.
    sleep(Duration::from_millis(200)).await;
    let mut opened = Vec::new();
    for follower in followers {
        let got = timeout(Duration::from_secs(30), follower).await.expect("it gets the last event").unwrap();
        assert_eq!(got.gaps, 0);
        assert!(got.posted.is_sorted_by(|a, b| a < b), "doubled");
        let is_lost = |n: &&u64| **n >= got.posted[0] && got.posted.binary_search(n).is_err();
        let lost: Vec<u64> = taken.lock().unwrap().iter().filter(is_lost).copied().collect();
        assert!(lost.is_empty(), "lost: {lost:?}");
        assert!(got.opened.len() > 2 * rounds, "{}", got.opened.len());
        opened.extend_from_slice(&got.opened[1..]);
    }
    opened.sort_unstable();
    let window = Duration::from_millis(100);
    let most =
        opened.iter().enumerate().map(|(i, &at)| opened[i..].partition_point(|&other| other < at + window)).max();
    let most = most.unwrap_or(0);
    println!(
        "{clients} clients, {rounds} kills and {rounds} restarts, {} events: none lost or doubled; at most {most} \
         reconnections in 100 ms; memory after each restart {:?} KiB",
        taken.lock().unwrap().len(),
        memory.iter().map(|bytes| bytes / 1024).collect::<Vec<_>>()
    );
    assert!(most <= (clients / 5).max(40), "{most} reconnections in 100 ms");
    assert!(memory[memory.len() - 1] < memory[0] + (12 << 20), "{memory:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_do_not_read_take_bounded_memory() {
    let clients = number("SSE_CLIENTS", 100);
    let serve = Serve::start(0, &["--rate", "1000", "--capacity", "65536"]);
    sleep(Duration::from_millis(500)).await;
    let before = serve.memory();
    let mut held = Vec::new();
    for _ in 0..clients {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = socket.connect(serve.address).await.unwrap();
        stream.write_all(b"GET /events HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        held.push(stream);
    }
    serve.connected(clients).await;
    sleep(Duration::from_secs(4)).await;
    let each = serve.memory().saturating_sub(before) / clients as u64;
    println!("{} KiB for each of {clients} connections that do not read", each / 1024);
    // hyper's buffers, and a chunk.
    assert!(each < 128 << 10, "{each}");
}

#[tokio::test]
async fn what_it_answers() {
    let serve = Serve::start(0, &["--rate", "0", "--capacity", "1000"]);
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let post = |path: &str, head: &str, body: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\n{head}connection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let large = "x".repeat(2000);
    let rows = [
        (get("/"), "HTTP/1.1 200 OK", "new EventSource"),
        (get("/stats"), "HTTP/1.1 200 OK", r#""connections":0"#),
        (get("/other"), "HTTP/1.1 404 Not Found", "not found"),
        (post("/", "", ""), "HTTP/1.1 405 Method Not Allowed", ""),
        (post("/events?event=greeting", "", "hello"), "HTTP/1.1 200 OK", "-1\n"),
        (post("/events", "sec-fetch-site: same-origin\r\n", "a\nb"), "HTTP/1.1 200 OK", "-2\n"),
        (post("/events", "sec-fetch-site: cross-site\r\n", "x"), "HTTP/1.1 403 Forbidden", "only pages"),
        (post("/events", "", &large), "HTTP/1.1 413 Payload Too Large", ""),
    ];
    for (request, status, text) in rows {
        let answer = ask(serve.address, &request).await;
        assert!(answer.starts_with(status) && answer.contains(text), "{request}\n{answer}");
    }
    let mut source = EventSource::get(&format!("http://{}/events", serve.address)).unwrap();
    for (event_type, data) in [("greeting", "hello"), ("message", "a\nb")] {
        let event = timeout(Duration::from_secs(10), source.next()).await.unwrap().unwrap().unwrap();
        assert_eq!((event.event_type(), event.data()), (event_type.as_bytes(), data.as_bytes()));
    }
}
