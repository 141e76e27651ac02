//! Five thousand connections that are open and get nothing but comments, beside one that is read: over sockets, and over pipes
//! in memory. One thread does all of it, so that all memory is counted and a reader that waits for others is noticed.

use std::convert::Infallible;
use std::future::{pending, ready};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use http::Response;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use ssewire::Frame;
use ssewire_client::EventSource;
use ssewire_server::{EventBody, Hub, Server};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, sleep, timeout};

const COUNT: usize = 5000;

/// Over pipes, where sockets can be had too.
const FEWER: usize = 1000;

/// Bytes that an idle connection takes in memory, and allocates, at most: a quarter more than the documentation of [`Server`] has.
const RESIDENT: u64 = (12 << 10) * 5 / 4;
const ALLOCATED: u64 = (19 << 10) * 5 / 4;

/// The buffer of a pipe, in each direction; enough for a request.
const PIPE: usize = 1 << 10;

const REQUEST: &[u8] = b"GET /quiet HTTP/1.1\r\nhost: x\r\n\r\n";

/// The comments of five thousand connections take a part of this even where the machine is busy.
const KEEP_ALIVE: Duration = Duration::from_secs(3);

const LIMIT: Duration = Duration::from_secs(20);

struct Hubs {
    live: Hub,
    quiet: Hub,
}

impl Hubs {
    fn new() -> Hubs {
        Hubs { live: Hub::new(), quiet: Hub::builder().keep_alive(KEEP_ALIVE).build().unwrap() }
    }

    fn respond<B>(&self, request: &http::Request<B>) -> Response<EventBody> {
        if request.uri().path() == "/live" { &self.live } else { &self.quiet }.respond(request)
    }

    /// Starts a server of both.
    async fn serve(self: &Arc<Self>) -> SocketAddr {
        let hubs = self.clone();
        let server = Server::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        let service = service_fn(move |request| ready(Ok::<_, Infallible>(hubs.respond(&request))));
        tokio::spawn(server.serve(service, pending()));
        address
    }
}

/// A client that has sent its request, and reads nothing.
enum Idle {
    Socket(TcpStream),
    Pipe(DuplexStream),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Over {
    Sockets,
    Pipes,
}

/// Opens the connections.
async fn open(hubs: &Arc<Hubs>, address: SocketAddr, over: Over, count: usize) -> Vec<Idle> {
    let mut clients = Vec::with_capacity(count);
    for n in 1..=count {
        clients.push(match over {
            Over::Sockets => {
                // The kernel accepts it; it takes no memory of the process.
                let mut socket = TcpStream::connect(address).unwrap();
                socket.write_all(REQUEST).unwrap();
                Idle::Socket(socket)
            }
            Over::Pipes => {
                let (mut client, server) = tokio::io::duplex(PIPE);
                client.write_all(REQUEST).await.unwrap();
                let hubs = hubs.clone();
                let service = service_fn(move |request| ready(Ok::<_, Infallible>(hubs.respond(&request))));
                // As `Server` does it.
                let mut http = http1::Builder::new();
                http.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10)).max_buf_size(64 << 10);
                tokio::spawn(http.serve_connection(TokioIo::new(server), service));
                Idle::Pipe(client)
            }
        });
        // Fewer than the queue of the listener holds.
        if n % 100 == 0 {
            connected(&hubs.quiet, n).await;
        }
    }
    clients
}

async fn connected(hub: &Hub, count: usize) {
    let wait = async {
        while hub.stats().connections != count {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(LIMIT, wait).await.unwrap_or_else(|_| panic!("{} connections, not {count}", hub.stats().connections));
}

/// Publishes events for a while, one each two milliseconds, and returns the times that they took to a reader, in order.
async fn latencies(hubs: &Hubs, address: SocketAddr, count: u64) -> Vec<Duration> {
    let start = Instant::now();
    let mut source = EventSource::get(&format!("http://{address}/live")).unwrap();
    let reading = tokio::spawn(async move {
        let mut times = Vec::new();
        for n in 0..count {
            let event = timeout(LIMIT, source.next()).await.expect("in time").unwrap().unwrap();
            let text = event.text().unwrap();
            let (number, sent) = text.data().split_once(' ').unwrap();
            assert_eq!(number.parse(), Ok(n));
            times.push(start.elapsed() - Duration::from_micros(sent.parse().unwrap()));
        }
        times.sort_unstable();
        times
    });
    connected(&hubs.live, 1).await;
    for n in 0..count {
        let data = format!("{n} {}", start.elapsed().as_micros());
        hubs.live.publish(Frame::new().data(&data)).unwrap();
        sleep(Duration::from_millis(2)).await;
    }
    let times = reading.await.unwrap();
    connected(&hubs.live, 0).await;
    times
}

/// Reads from the head to a comment after that at the start.
async fn read(client: Idle) {
    let mut stream: Box<dyn AsyncRead + Unpin> = match client {
        Idle::Socket(socket) => {
            socket.set_nonblocking(true).unwrap();
            Box::new(tokio::net::TcpStream::from_std(socket).unwrap())
        }
        Idle::Pipe(pipe) => Box::new(pipe),
    };
    let mut received = Vec::new();
    while !received.windows(4).any(|window| window == b"\n:\n\n") {
        assert_ne!(timeout(LIMIT, stream.read_buf(&mut received)).await.expect("in time").unwrap(), 0);
    }
    assert!(received.starts_with(b"HTTP/1.1 200 OK\r\n"));
}

fn idle_connections(over: Over, count: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let hubs = Arc::new(Hubs::new());
    let address = runtime.block_on(hubs.serve());
    let alone = runtime.block_on(latencies(&hubs, address, 200));

    let before = resident();
    let (mut clients, mut among) = (Vec::new(), Vec::new());
    let allocated = allocation_counter::measure(|| {
        runtime.block_on(async {
            clients = open(&hubs, address, over, count).await;
            among = latencies(&hubs, address, 400).await;
        });
    });
    assert_eq!(hubs.quiet.stats().connections, count, "none was closed");

    let allocated = u64::try_from(allocated.bytes_current).unwrap() / count as u64;
    let pipes = if over == Over::Pipes { 2 * PIPE as u64 } else { 0 };
    println!("{count} idle connections over {over:?}: {allocated} bytes allocated for each");
    assert!(allocated <= ALLOCATED + pipes);
    if let (Some(before), Some(after), Over::Sockets) = (before, resident(), over) {
        let resident = after.saturating_sub(before) / count as u64;
        println!("of them {resident} bytes resident");
        assert!(resident <= RESIDENT);
    }

    let at = |times: &[Duration], part: usize| times[times.len() * part / 100];
    println!("a reader alone: p50 {:?} p99 {:?}", at(&alone, 50), at(&alone, 99));
    println!("beside them: p50 {:?} p99 {:?}", at(&among, 50), at(&among, 99));
    // The machine may be busy. A reader that waits for those that do not read waits to the end.
    assert!(at(&among, 50) < at(&alone, 50) * 5 + Duration::from_millis(200));
    assert!(at(&among, 99) < at(&alone, 99) * 10 + Duration::from_secs(3));

    // They were served all the time.
    runtime.block_on(async {
        for client in clients {
            read(client).await;
        }
        connected(&hubs.quiet, 0).await;
    });
}

/// Returns the bytes of this process that are in memory, where the system tells.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib: u64 = status.split_once("VmRSS:")?.1.split_whitespace().next()?.parse().ok()?;
    Some(kib << 10)
}

/// Raises the limit of open files of this process for both ends of all connections, if the system lets it.
#[cfg(unix)]
fn raise_limit() -> Result<(), String> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let needed = 2 * COUNT as u64 + 200;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(|error| error.to_string())?;
    match setrlimit(Resource::RLIMIT_NOFILE, soft.max(needed), hard.max(needed)) {
        Ok(()) => Ok(()),
        Err(error) => Err(format!("{error}: a hard limit of {hard} files, {needed} are needed")),
    }
}

#[cfg(not(unix))]
fn raise_limit() -> Result<(), String> {
    Ok(())
}

/// Both in one test, since each would be a load for the other. Sockets are first: freed memory stays resident.
#[test]
fn idle_connections_are_cheap_and_harm_nobody() {
    let start = Instant::now();
    match raise_limit() {
        Ok(()) => {
            idle_connections(Over::Sockets, COUNT);
            idle_connections(Over::Pipes, FEWER);
        }
        Err(error) => {
            println!("over pipes alone: {error}");
            idle_connections(Over::Pipes, COUNT);
        }
    }
    println!("in {:?}", start.elapsed());
}
