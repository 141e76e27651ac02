//! `smoltcp`: a client without an operating system, which reads events where they lie in the socket's receive buffer;
//! against a server in axum, over a TUN device and the host's own TCP.
//!
//! Only an event across the end of the ring, or an incomplete one, is copied, to the parser: the ring may be smaller
//! than an event. `next_event` never waits, so it needs no cancellation. It takes the bytes of the event from the ring, so
//! an application that is too slow closes the window and holds the server back.
//!
//! A TUN device takes privileges. Without them the same client runs over smoltcp's loopback, against a second socket that
//! hands the connection on to the server.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::os::fd::AsRawFd;
use std::process::Command;
use std::time::{Duration, Instant};

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{self, Device, Loopback, Medium, TunTapInterface};
use smoltcp::socket::tcp;
use smoltcp::wire::{HardwareAddress, IpCidr};
use ssewire::{Event, Overflow};
use ssewire_wrappers::{Message, assert_all, axum_server};

/// The largest event of the thousand takes 6991 bytes; a device that knows its server takes less.
type Parser = ssewire::Parser<[u8; 8192]>;

/// Returns the next event, borrowed from the socket's receive buffer; `None` at the end of the piece of it that lies at a stretch, so
/// call it again while the socket `can_recv`.
fn next_event<'a>(socket: &'a mut tcp::Socket<'_>, parser: &'a mut Parser) -> Result<Option<Event<'a>>, Overflow> {
    let received = socket.recv(|input| {
        let progress = parser.feed(input);
        let event = progress.result.map(|found| found.map(|found| parser.event(found, input)));
        (progress.consumed, event)
    });
    // It fails when the connection is not open, or over.
    received.unwrap_or(Ok(None))
}

/// Returns whether the head of the response was complete, and takes it from the receive buffer.
fn take_head(socket: &mut tcp::Socket<'_>) -> Result<bool, Box<dyn std::error::Error>> {
    let head = socket.recv(|input| {
        let mut headers = [httparse::EMPTY_HEADER; 16];
        let mut response = httparse::Response::new(&mut headers);
        match response.parse(input) {
            Ok(httparse::Status::Complete(len)) => (len, Ok(response.code)),
            Ok(httparse::Status::Partial) => (0, Ok(None)),
            Err(error) => (0, Err(error)),
        }
    })??;
    match head {
        Some(200) => Ok(true),
        Some(status) => Err(format!("HTTP status {status}").into()),
        None => Ok(false),
    }
}

/// Bytes of each of a socket's two buffers: less than an event may have. The head of the response must fit.
const BUFFER: usize = 4096;

fn socket() -> tcp::Socket<'static> {
    tcp::Socket::new(tcp::SocketBuffer::new(vec![0; BUFFER]), tcp::SocketBuffer::new(vec![0; BUFFER]))
}

/// Reads all events of `server` through `device`. `wait` is called between two looks at the network, and may wait as long
/// as it is told.
fn read(
    device: &mut impl Device,
    address: Ipv4Addr,
    server: SocketAddrV4,
    mut sockets: SocketSet<'_>,
    mut wait: impl FnMut(&mut SocketSet<'_>, Duration) -> io::Result<()>,
) -> Result<Vec<Message>, Box<dyn std::error::Error>> {
    let mut interface = Interface::new(Config::new(HardwareAddress::Ip), device, smoltcp::time::Instant::now());
    interface.update_ip_addrs(|addresses| addresses.push(IpCidr::new(address.into(), 30)).expect("room for one"));
    interface.routes_mut().add_default_ipv4_route(address)?;
    let handle = sockets.add(socket());
    sockets.get_mut::<tcp::Socket>(handle).connect(interface.context(), server, 49152)?;

    let deadline = Instant::now() + Duration::from_secs(9);
    let (mut parser, mut read) = (Parser::new(), Vec::new());
    let (mut requested, mut in_body) = (false, false);
    while Instant::now() < deadline {
        let now = smoltcp::time::Instant::now();
        interface.poll(now, device, &mut sockets);
        let socket = sockets.get_mut::<tcp::Socket>(handle);
        if socket.can_send() && !requested {
            // HTTP/1.0: no chunked transfer coding, so what follows the head is the event stream itself.
            socket.send_slice(b"GET /events HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n")?;
            requested = true;
        }
        if socket.can_recv() && !in_body {
            in_body = take_head(socket)?;
        }
        while in_body && socket.can_recv() {
            if let Some(event) = next_event(socket, &mut parser)? {
                read.push(Message::from(event.text()?));
            }
        }
        if requested && !socket.may_recv() {
            // After a reset the socket is closed. The regular end leaves it open in the other direction.
            return match socket.state() {
                tcp::State::CloseWait => Ok(read),
                state => Err(format!("the connection broke after {} events: {state}", read.len()).into()),
            };
        }
        let delay = interface.poll_delay(now, &sockets).map_or(Duration::from_millis(100), Duration::from);
        wait(&mut sockets, delay)?;
    }
    Err("no end of the stream in 9 s".into())
}

/// Through the host's TCP, on a network of two between it and this program.
fn over_tun(
    mut device: TunTapInterface,
    address: Ipv4Addr,
    server: SocketAddrV4,
) -> Result<Vec<Message>, Box<dyn std::error::Error>> {
    let fd = device.as_raw_fd();
    read(&mut device, address, server, SocketSet::new(vec![]), |_, delay| phy::wait(fd, Some(delay.into())))
}

/// A TUN device that exists as long as this program, and the address of the program in its network.
fn tun() -> io::Result<(TunTapInterface, Ipv4Addr)> {
    let name = format!("sse{}", std::process::id());
    let device = TunTapInterface::new(&name, Medium::Ip)?;
    let network = Ipv4Addr::new(192, 0, 2, (std::process::id() % 64) as u8 * 4).to_bits();
    let host = format!("{}/30", Ipv4Addr::from_bits(network + 1));
    for arguments in [["address", "add", &host, "dev", &name], ["link", "set", "dev", &name, "up"]] {
        if !Command::new("ip").args(arguments).status()?.success() {
            return Err(io::Error::other(format!("ip {}", arguments.join(" "))));
        }
    }
    // The server listens on 127.0.0.1, where packets from another device are not let through otherwise.
    std::fs::write(format!("/proc/sys/net/ipv4/conf/{name}/route_localnet"), "1")?;
    Ok((device, Ipv4Addr::from_bits(network + 2)))
}

/// Within this program, to a socket that `Relay` connects to the server through one of the host's.
fn over_loopback(server: SocketAddrV4) -> Result<Vec<Message>, Box<dyn std::error::Error>> {
    let address = Ipv4Addr::new(192, 0, 2, 1);
    let mut listening = socket();
    listening.listen(80)?;
    let mut sockets = SocketSet::new(vec![]);
    let mut relay = Relay { handle: sockets.add(listening), connection: TcpStream::connect(server)? };
    relay.connection.set_nonblocking(true)?;
    read(&mut Loopback::new(Medium::Ip), address, SocketAddrV4::new(address, 80), sockets, |sockets, delay| {
        relay.hand_on(sockets.get_mut(relay.handle))?;
        std::thread::sleep(delay.min(Duration::from_micros(100)));
        Ok(())
    })
}

struct Relay {
    handle: SocketHandle,
    connection: TcpStream,
}

impl Relay {
    /// Moves as many bytes as are ready and fit, in both directions.
    fn hand_on(&mut self, socket: &mut tcp::Socket<'_>) -> io::Result<()> {
        let moved = |result: io::Result<usize>| match result {
            Ok(n) => (n, Ok(n > 0)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => (0, Ok(true)),
            Err(error) => (0, Err(error)),
        };
        if socket.can_recv() {
            socket.recv(|bytes| moved(self.connection.write(bytes))).map_err(io::Error::other)??;
        }
        if socket.can_send() && !socket.send(|room| moved(self.connection.read(room))).map_err(io::Error::other)?? {
            socket.close();
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let SocketAddr::V4(server) = runtime.block_on(axum_server())? else { unreachable!("it listens on 127.0.0.1") };
    let (read, device) = match tun() {
        Ok((device, address)) => (over_tun(device, address, server)?, "a TUN device".into()),
        Err(error) => (over_loopback(server)?, format!("its loopback, for lack of a TUN device ({error})")),
    };
    assert_all(&read);
    println!("{} events over smoltcp and {device}", read.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn the_loopback_serves_as_well() {
        let SocketAddr::V4(server) = axum_server().await.unwrap() else { unreachable!() };
        let read = tokio::task::spawn_blocking(move || over_loopback(server).unwrap()).await.unwrap();
        assert_all(&read);
    }

    #[test]
    fn an_overflow_is_reported_once_and_the_rest_of_the_buffer_is_read() {
        let wire = format!("data: {}\n\ndata: a\n\ndata: bc\n\ndata: d\n\n", "x".repeat(8193));
        let (mut device, address) = (Loopback::new(Medium::Ip), Ipv4Addr::new(192, 0, 2, 1));
        let now = smoltcp::time::Instant::now;
        let mut interface = Interface::new(Config::new(HardwareAddress::Ip), &mut device, now());
        interface.update_ip_addrs(|addresses| addresses.push(IpCidr::new(address.into(), 30)).unwrap());
        let mut sockets = SocketSet::new(vec![]);
        let [server, client] = [(); 2].map(|()| sockets.add(socket()));
        sockets.get_mut::<tcp::Socket>(server).listen(80).unwrap();
        sockets.get_mut::<tcp::Socket>(client).connect(interface.context(), (address, 80), 49152).unwrap();

        let (mut rest, mut parser, mut read) = (wire.as_bytes(), Parser::new(), Vec::new());
        let deadline = Instant::now() + Duration::from_secs(9);
        while read.len() < 4 {
            assert!(Instant::now() < deadline, "{read:?}");
            interface.poll(now(), &mut device, &mut sockets);
            let socket = sockets.get_mut::<tcp::Socket>(server);
            if socket.can_send() {
                rest = &rest[socket.send_slice(rest).unwrap()..];
            }
            let socket = sockets.get_mut::<tcp::Socket>(client);
            while socket.can_recv() {
                let event = next_event(socket, &mut parser).transpose();
                read.extend(event.map(|event| event.map(|event| event.data().to_vec())));
            }
        }
        assert_eq!(read[1..], ["a", "bc", "d"].map(|data| Ok(data.into())));
        assert!(matches!(read[0], Err(Overflow { capacity: 8192, .. })));
    }
}
