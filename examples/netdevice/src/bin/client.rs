//! Follows a stream on the host, and acts on the commands in it: `led` (`on` or `off`) and `count`.
//!
//! The machine of `ssewire::client` decides when to connect, with which ID, and how long to wait. This loop is its transport:
//! one TCP connection at a time, and events that are read where they lie in the socket's buffer.

#![no_std]
#![no_main]

use core::fmt::{self, Write};

use cortex_m_rt::entry;
use netdevice::board::{self, Network};
use netdevice::log;
use netdevice::mac::{Mac, Port, Sender};
use smoltcp::iface::{Config, Context, Interface, PollIngressSingleResult, PollResult, SocketSet, SocketStorage};
use smoltcp::socket::tcp;
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpCidr, Ipv4Address};
use ssewire::client::{Action, Client, Head, Policy, Verdict};
use ssewire::http::{Body, LAST_EVENT_ID, REQUEST_HEADERS};
use ssewire::{Event, Overflow, Parser};

const ADDRESS: Ipv4Address = Ipv4Address::new(10, 0, 2, 15);
const HOST: Ipv4Address = Ipv4Address::new(10, 0, 2, 2);

/// The largest event, in bytes: a command is short.
const LARGEST: usize = 256;
/// The head of a response must fit.
const RECEIVE: usize = 2048;
const SEND: usize = 512;
/// Bytes of a response that explains itself by a text: for the log.
const EXCERPT: usize = 64;
/// Frames from the network between two looks at the clock.
const FRAMES: usize = 8;

const POLICY: Policy = {
    let mut policy = Policy::ROBUST;
    policy.attempts = u32::MAX; // nobody would start it again
    policy.head_ms = 5_000;
    policy.silence_ms = 6_000; // the host sends a comment more often than that
    policy
};
/// After a response that a browser would not come back from, such as status 204: nobody would start it again.
const CLOSED_MS: u64 = 5_000;

#[entry]
fn main() -> ! {
    // Statics, so that they are counted when the program is linked.
    static mut STORAGE: [SocketStorage<'static>; 1] = [SocketStorage::EMPTY; 1];
    static mut BUFFERS: ([u8; RECEIVE], [u8; SEND]) = ([0; RECEIVE], [0; SEND]);
    static mut DEVICE: Option<Port<Network>> = None;
    static mut CLIENT: Option<DeviceClient> = None;

    let (mut clock, network) = board::start();
    let device = DEVICE.insert(Port::new(network));
    let mut now = clock.millis();
    let mut interface =
        Interface::new(Config::new(EthernetAddress(board::ADDRESS).into()), device, Instant::from_millis(now as i64));
    interface.update_ip_addrs(|addresses| _ = addresses.push(IpCidr::new(ADDRESS.into(), 24)));
    let mut sockets = SocketSet::new(&mut STORAGE[..]);
    let handle = sockets
        .add(tcp::Socket::new(tcp::SocketBuffer::new(&mut BUFFERS.0[..]), tcp::SocketBuffer::new(&mut BUFFERS.1[..])));

    // For the waits to differ from those of other devices, and the ports from those of the run before.
    let seed = board::unix_time();
    let port = board::argument().unwrap_or(8080);
    let mut transport =
        Transport { port, attempts: seed as u16, is_asked: false, body: Body::until_end(), closed_at: 0 };
    let client = CLIENT.insert(Client::with_excerpt(Parser::new(), POLICY, seed, [0; EXCERPT]));
    let mut commands = Commands::default();
    log!("started: follows http://{HOST}:{}/events", transport.port);

    loop {
        board::clear_interrupts();
        device.mac.acknowledge();
        now = clock.millis();
        let time = Instant::from_millis(now as i64);
        let mut idle = true;
        for _ in 0..FRAMES {
            if interface.poll_ingress_single(time, device, &mut sockets) == PollIngressSingleResult::None {
                break;
            }
            idle = false;
        }

        let socket = sockets.get_mut::<tcp::Socket>(handle);
        match client.poll(now) {
            Action::Connect { .. } => {
                if transport.connect(socket, interface.context()).is_err() {
                    client.on_error(now);
                }
            }
            Action::Head { .. } => transport.ask(socket, client, now),
            Action::Read { .. } => transport.read(socket, client, now, |event| commands.obey(event)),
            Action::Wait { until } => {
                if socket.is_open() {
                    socket.abort();
                    log!("lost: {}; again in {} ms", client.cause(), until - now);
                }
            }
            Action::Closed(reason) => {
                if socket.is_open() {
                    socket.abort();
                    log!("closed: {reason}; again in {CLOSED_MS} ms");
                    if let Some(excerpt) = client.excerpt() {
                        log!("{excerpt}");
                    }
                    transport.closed_at = now;
                }
                if now - transport.closed_at >= CLOSED_MS {
                    client.restart(now);
                }
            }
        }

        idle &= interface.poll_egress(time, device, &mut sockets) == PollResult::None;
        if idle {
            board::wait();
        }
    }
}

/// One connection, and what has become of it.
struct Transport {
    port: u16,
    attempts: u16,
    is_asked: bool,
    body: Body,
    closed_at: u64,
}

type DeviceClient = Client<[u8; LARGEST], EXCERPT>;

impl Transport {
    /// Begins a connection, from a port that was not used for long.
    fn connect(&mut self, socket: &mut tcp::Socket<'_>, context: &mut Context) -> Result<(), tcp::ConnectError> {
        self.attempts = self.attempts.wrapping_add(1);
        self.is_asked = false;
        self.body = Body::until_end();
        socket.abort();
        socket.connect(context, (HOST, self.port), 49152 | self.attempts)
    }

    /// Sends the request, and reads the head of the response.
    fn ask(&mut self, socket: &mut tcp::Socket<'_>, client: &mut DeviceClient, now: u64) {
        if socket.can_send() && !self.is_asked {
            self.is_asked = true;
            if request(&mut Sender(socket), client, self.port).is_err() {
                return client.on_error(now); // an ID that is too long
            }
        }
        // In one piece, since a connection begins with an empty buffer.
        let has_room = socket.recv(|received| {
            let Some((head, rest)) = Head::parse(received) else { return (0, received.len() < RECEIVE) };
            match client.on_head(now, &head) {
                Verdict::Open => log!("open"),
                Verdict::Failed(cause) => log!("rejected: {cause}"),
                Verdict::Informational | Verdict::Redirect => {}
            }
            self.body = head.body();
            (received.len() - rest.len(), true)
        });
        // Neither an answer nor room for one, or the connection has ended without.
        if has_room == Ok(false) || (has_room.is_err() && is_over(socket)) {
            client.on_error(now);
        }
    }

    /// Reads the body as far as it has come, and gives `obey` its events.
    fn read(
        &mut self,
        socket: &mut tcp::Socket<'_>,
        client: &mut DeviceClient,
        now: u64,
        mut obey: impl FnMut(Result<Event<'_>, Overflow>),
    ) {
        let received = socket.recv(|received| {
            let mut input = &*received;
            let result = loop {
                match self.body.next(&mut input) {
                    Ok(Some(piece)) => read(client, now, piece, &mut obey),
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
            };
            (received.len(), result)
        });
        match received {
            Ok(Ok(())) if self.body.is_ended() => client.on_end(now),
            Ok(Ok(())) => {}
            // By its FIN. A reset is a cut, and so is an end in the midst of a body of known length.
            Err(tcp::RecvError::Finished) if self.body.ends_with_connection() => client.on_end(now),
            Ok(Err(_)) | Err(_) => client.on_error(now),
        }
    }
}

fn read(client: &mut DeviceClient, now: u64, mut body: &[u8], obey: &mut impl FnMut(Result<Event<'_>, Overflow>)) {
    while let Some(event) = client.next(now, &mut body).transpose() {
        obey(event);
    }
}

/// Returns whether nothing more can come.
fn is_over(socket: &tcp::Socket<'_>) -> bool {
    !socket.may_recv() && !matches!(socket.state(), tcp::State::SynSent | tcp::State::SynReceived)
}

fn request(sender: &mut Sender<'_, '_>, client: &DeviceClient, port: u16) -> fmt::Result {
    write!(sender, "GET /events HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n")?;
    for (name, value) in REQUEST_HEADERS {
        write!(sender, "{name}: {value}\r\n")?;
    }
    if let Some(id) = client.last_event_id() {
        write!(sender, "{LAST_EVENT_ID}: {id}\r\n")?;
    }
    sender.write_str("\r\n")
}

/// The state of the device, which the events change.
#[derive(Default)]
struct Commands {
    is_lit: bool,
    events: u32,
    skipped: u32,
}

impl Commands {
    fn obey(&mut self, event: Result<Event<'_>, Overflow>) {
        let event = match event {
            Ok(event) => event,
            Err(overflow) => {
                self.skipped += 1;
                return log!("skipped: {overflow}");
            }
        };
        self.events += 1;
        match (event.event_type(), event.data()) {
            (b"led", state @ (b"on" | b"off")) => {
                self.is_lit = state == b"on";
                log!("the LED is {} after event {}", state.escape_ascii(), event.last_event_id().escape_ascii());
            }
            (b"count", _) => log!("count: {} events, {} skipped, lit: {}", self.events, self.skipped, self.is_lit),
            _ => {} // a command of a later version, or a reading of another device
        }
    }
}
