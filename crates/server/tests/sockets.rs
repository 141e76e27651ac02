//! A server on sockets of 127.0.0.1, with good, slow and hostile clients.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use hyper::service::service_fn;
use ssewire::Frame;
use ssewire_client::EventSource;
use ssewire_server::{Builder, Hub, Server, Slow};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep, timeout};

const LIMIT: Duration = Duration::from_secs(30);

async fn serve(builder: Builder) -> (Hub, SocketAddr) {
    let hub = builder.build().unwrap();
    let events = hub.clone();
    let server = Server::bind("127.0.0.1:0").await.unwrap().head_timeout(Duration::from_millis(500));
    let address = server.local_addr().unwrap();
    let service = service_fn(move |request| {
        let response = events.respond(&request);
        async move { Ok::<_, Infallible>(response) }
    });
    tokio::spawn(server.serve(service, std::future::pending()));
    (hub, address)
}

fn source(address: SocketAddr) -> EventSource {
    EventSource::get(&format!("http://{address}/")).unwrap()
}

/// A client with small buffers that has sent its request.
async fn request(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    stream
}

async fn connected(hub: &Hub, count: usize) {
    let wait = async {
        while hub.stats().connections != count {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LIMIT, wait).await.unwrap_or_else(|_| panic!("{} connections, not {count}", hub.stats().connections));
}

/// Publishes numbered events of 1 KB, about a thousand a second, with the time in them.
async fn publish(hub: &Hub, start: Instant, count: u64) {
    let padding = "x".repeat(1000);
    for n in 0..count {
        let data = format!("{n} {} {padding}", start.elapsed().as_micros());
        hub.publish(Frame::new().data(&data)).unwrap();
        sleep(Duration::from_millis(1)).await;
    }
}

/// Reads `count` events, checks that none is missing, and returns the time that each took, in microseconds, in order.
async fn read(mut source: EventSource, start: Instant, count: u64) -> Vec<u64> {
    let mut times = Vec::new();
    for n in 0..count {
        let event = timeout(LIMIT, source.next()).await.expect("in time").unwrap().unwrap();
        let text = event.text().unwrap();
        let mut words = text.data().split(' ');
        assert_eq!(words.next().unwrap().parse::<u64>().unwrap(), n);
        times.push(start.elapsed().as_micros() as u64 - words.next().unwrap().parse::<u64>().unwrap());
    }
    times.sort_unstable();
    times
}

/// The times of three good clients among `bad` of each kind of bad ones, and how many were cut.
async fn measure(bad: usize) -> (Vec<u64>, u64) {
    const COUNT: u64 = 2000;
    let slow = Slow::Closed(Duration::from_millis(500));
    let (hub, address) = serve(Hub::builder().capacity(64 << 10).slow(slow)).await;
    let mut never = Vec::new();
    for _ in 0..bad {
        never.push(request(address).await);
        let mut trickle = request(address).await;
        tokio::spawn(async move {
            let mut buf = [0; 100];
            while let Ok(1..) = trickle.read(&mut buf).await {
                sleep(Duration::from_millis(100)).await;
            }
        });
        let mut endless = TcpStream::connect(address).await.unwrap();
        tokio::spawn(async move {
            while endless.write_all(b"x: y\r\n").await.is_ok() {
                sleep(Duration::from_millis(50)).await;
            }
        });
    }
    let start = Instant::now();
    let good: Vec<_> = (0..3).map(|_| tokio::spawn(read(source(address), start, COUNT))).collect();
    connected(&hub, 2 * bad + 3).await;
    publish(&hub, start, COUNT).await;
    let mut times = Vec::new();
    for client in good {
        times.extend(client.await.unwrap());
    }
    times.sort_unstable();
    // All bad ones are closed.
    connected(&hub, 0).await;
    assert!(hub.stats().held <= 64 << 10);
    drop(never);
    (times, hub.stats().closed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_and_hostile_clients_are_cut_and_harm_nobody() {
    let (alone, closed) = measure(0).await;
    assert_eq!(closed, 0);
    let (among, closed) = measure(50).await;
    assert_eq!(closed, 100);
    let at = |times: &[u64], part: usize| Duration::from_micros(times[times.len() * part / 100]);
    println!("p50 {:?} p99 {:?} alone", at(&alone, 50), at(&alone, 99));
    println!("p50 {:?} p99 {:?} among 150 bad ones", at(&among, 50), at(&among, 99));
    // The machine may be busy; a reader that holds up others does so for as long as it does not read.
    assert!(at(&among, 50) < at(&alone, 50) * 10 + Duration::from_millis(50));
    assert!(at(&among, 99) < at(&alone, 99) * 10 + Duration::from_millis(250));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_client_is_told_what_it_missed() {
    let (hub, address) = serve(Hub::builder().capacity(64 << 10)).await;
    let mut slow = request(address).await;
    connected(&hub, 1).await;
    for n in 0..2000 {
        hub.publish_as_is(&Frame::new().id(&n.to_string()).unwrap().data(&"x".repeat(1000))).unwrap();
        if n % 20 == 0 {
            sleep(Duration::from_millis(1)).await;
        }
    }
    // The sweep sees it, although its body is not asked.
    let noticed = async {
        while !hub.connections()[0].is_lagging {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LIMIT, noticed).await.expect("within a second");
    let mut bytes = Vec::new();
    let mut buf = [0; 65536];
    while !bytes.windows(8).any(|window| window == b"id: 1999") {
        let n = timeout(LIMIT, slow.read(&mut buf)).await.expect("in time").unwrap();
        assert_ne!(n, 0);
        bytes.extend_from_slice(&buf[..n]);
    }
    let text = String::from_utf8_lossy(&bytes);
    let told: u64 =
        text.split("event: gap\ndata: ").skip(1).map(|rest| rest.lines().next().unwrap().parse::<u64>().unwrap()).sum();
    let got = text.matches("id: ").count() as u64;
    assert!(told > 500, "{told}");
    assert_eq!(told + got, 2000);
    assert_eq!(hub.stats().missed, told);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_socket_options_are_set_and_a_gone_client_is_noticed() {
    let (hub, address) = serve(Hub::builder().keep_alive(Duration::from_millis(100))).await;
    let clients = [request(address).await, request(address).await];
    connected(&hub, 2).await;
    drop(clients);
    connected(&hub, 0).await;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (accepted, _) = listener.accept().await.unwrap();
    ssewire_server::configure(&accepted);
    assert!(accepted.nodelay().unwrap());
    #[cfg(target_os = "linux")]
    assert_eq!(socket2::SockRef::from(&accepted).tcp_notsent_lowat().unwrap(), 16 << 10);
    drop(client);
}

#[tokio::test]
async fn a_server_ends_when_it_is_told_and_its_clients_know() {
    let hub = Hub::new();
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    let (events, closing) = (hub.clone(), hub.clone());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let service = service_fn(move |request| std::future::ready(Ok::<_, Infallible>(events.respond(&request))));
    let serving = tokio::spawn(server.serve(service, async move {
        stopped.await.unwrap();
        closing.shutdown(Duration::from_secs(10)).await;
    }));
    let mut stream = request(address).await;
    connected(&hub, 1).await;
    hub.publish(Frame::new().data("last")).unwrap();
    stop.send(()).unwrap();
    let mut answer = String::new();
    timeout(LIMIT, stream.read_to_string(&mut answer)).await.expect("it ends").unwrap();
    assert!(answer.contains("data: last\n\n") && answer.ends_with("\r\n0\r\n\r\n"), "{answer}");
    assert!(answer.matches("retry: ").count() == 2, "{answer}");
    timeout(LIMIT, serving).await.expect("it ends").unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
