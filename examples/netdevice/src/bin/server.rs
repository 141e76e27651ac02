//! Serves telemetry over TCP: `GET /events` is a stream of readings and alarms, `GET /` is a page that watches it.
//!
//! One loop takes frames from the network, samples, and lets each connection do all that it can without waiting. All events lie
//! in one ring, from which every reader is served; a reader is a cursor into it, and so is one that comes back.

#![no_std]
#![no_main]

use cortex_m_rt::entry;
use netdevice::board::{self, Network};
use netdevice::http::{Refusal, Request};
use netdevice::log;
use netdevice::mac::{Mac, Port, Sender};
use netdevice::sensor::Sensor;
use smoltcp::iface::{Config, Interface, PollIngressSingleResult, PollResult, SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::tcp;
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpCidr, Ipv4Address};
use ssewire::replay::{Cursor, Gap, Resume};
use ssewire::{FormatError, Frame};

const PORT: u16 = 80;
const ADDRESS: Ipv4Address = Ipv4Address::new(10, 0, 2, 15);
const GATEWAY: Ipv4Address = Ipv4Address::new(10, 0, 2, 2);

const SOCKETS: usize = 8;
/// The others are for the page, for errors, and for readers that come back before their old connection is given up.
const READERS: usize = 5;
/// Of one socket. The first holds the head of a request, and one more segment: a sender does not fill a small rest.
const RECEIVE: usize = 1536;
const SEND: usize = 1536;

/// A reading takes 54 bytes or so: those of more than 35 seconds. That is how long a reader can be without a network and
/// miss nothing, if it comes back at once afterwards.
const HELD: usize = if cfg!(feature = "short") { 2 * 1024 } else { 20 * 1024 };
type Ring = ssewire::replay::Ring<[u8; HELD]>;

const SAMPLE_MS: u64 = 100;
/// A comment is due after so long without an event, since proxies and readers give up a silent connection. With ten readings
/// a second it is only due when the sensor has stopped.
const KEEP_ALIVE_MS: u64 = 5_000;
/// Without it browsers wait for 3 to 5 seconds.
const RETRY_MS: u64 = 500;

/// From the connection to the end of the request's head, however slowly it comes.
const HEAD_MS: u64 = 3_000;
/// A peer that took nothing for so long may have to make room for another.
const STALLED_MS: u64 = 5_000;
/// A peer that took nothing for so long is given up: longer than an outage that a connection is to survive. The reset that it
/// is sent does not reach it while the network is out, and then it waits for ever, unless it watches the clock.
const LOST_MS: u64 = 60_000;

const PAGE: &str = include_str!("../../page.html");

#[entry]
fn main() -> ! {
    // Statics, so that they are counted when the program is linked.
    static mut RING: Ring = Ring::new([0; HELD]);
    static mut STORAGE: [SocketStorage<'static>; SOCKETS] = [SocketStorage::EMPTY; SOCKETS];
    static mut BUFFERS: [([u8; RECEIVE], [u8; SEND]); SOCKETS] = [([0; RECEIVE], [0; SEND]); SOCKETS];
    static mut DEVICE: Option<Port<Network>> = None;

    let (mut clock, network) = board::start();
    let device = DEVICE.insert(Port::new(network));
    let mut now = clock.millis();
    let mut interface =
        Interface::new(Config::new(EthernetAddress(board::ADDRESS).into()), device, Instant::from_millis(now as i64));
    interface.update_ip_addrs(|addresses| _ = addresses.push(IpCidr::new(ADDRESS.into(), 24)));
    _ = interface.routes_mut().add_default_ipv4_route(GATEWAY);

    let mut sockets = SocketSet::new(&mut STORAGE[..]);
    let mut connections = BUFFERS.each_mut().map(|(receive, send)| {
        let mut socket =
            tcp::Socket::new(tcp::SocketBuffer::new(&mut receive[..]), tcp::SocketBuffer::new(&mut send[..]));
        socket.set_nagle_enabled(false);
        Connection { handle: sockets.add(socket), phase: Phase::Head, since: now, queued: 0, keep_alive_at: 0 }
    });

    let mut telemetry =
        Telemetry { sensor: Sensor::default(), epoch: board::unix_time().into(), next: now + WARM_UP_MS };
    log!("started: run {}", telemetry.epoch);

    loop {
        board::clear_interrupts();
        device.mac.acknowledge();
        now = clock.millis();
        telemetry.sample(now, RING);

        // A bounded number, so that a flood from the network cannot stop the rest.
        let time = Instant::from_millis(now as i64);
        let mut idle = true;
        for _ in 0..SOCKETS {
            if interface.poll_ingress_single(time, device, &mut sockets) == PollIngressSingleResult::None {
                break;
            }
            idle = false;
        }
        idle &= !serve(&mut connections, &mut sockets, RING, now);
        idle &= interface.poll_egress(time, device, &mut sockets) == PollResult::None;
        if idle {
            board::wait();
        }
    }
}

/// Longer than the unit of the epoch, so that no two runs publish under the same one.
const WARM_UP_MS: u64 = 1_100;

struct Telemetry {
    sensor: Sensor,
    /// The first part of all IDs: larger after each reset, so that IDs of an earlier run are known as such.
    epoch: u64,
    /// The time of the next sample.
    next: u64,
}

impl Telemetry {
    fn sample(&mut self, now: u64, ring: &mut Ring) {
        if now < self.next {
            return;
        }
        self.next = now.max(self.next + SAMPLE_MS);
        let celsius = self.sensor.sample();
        // They do not depend on input, so an error is a mistake in this program.
        self.publish(ring, "temperature", format_args!("{celsius}")).unwrap();
        if let Some(is_high) = self.sensor.alarm(celsius) {
            let state = if is_high { "high" } else { "normal" };
            self.publish(ring, "alarm", format_args!("{state} {celsius}")).unwrap();
        }
    }

    fn publish(&self, ring: &mut Ring, event_type: &str, data: core::fmt::Arguments<'_>) -> Result<(), FormatError> {
        let id = ring.next_id(self.epoch);
        let Ok(frame) = Frame::new().event_type(event_type) else { return Ok(()) };
        ring.push_fmt(&frame.ring_id(&id).data_fmt(data))
    }
}

struct Connection {
    handle: SocketHandle,
    phase: Phase,
    /// Since when its peer has taken nothing, while there was something to take; for a request, since it is connected.
    since: u64,
    /// Bytes that its peer had not taken at the last look.
    queued: usize,
    keep_alive_at: u64,
}

enum Phase {
    /// Reads a request, or waits for a connection.
    Head,
    /// Sends the rest of a response.
    Response(&'static [u8]),
    /// Sends the events of the ring.
    Events { cursor: Cursor },
    /// Sends events as fast as they are taken, from this number on.
    Flood(u32),
    /// Has sent all, and waits until the peer has it.
    End,
}

/// Lets each connection do all that it can without waiting. Returns whether one has ended, and its socket is to be used again.
fn serve(connections: &mut [Connection; SOCKETS], sockets: &mut SocketSet<'_>, ring: &Ring, now: u64) -> bool {
    let readers = |connections: &[Connection; SOCKETS]| {
        let counts = |c: &&Connection| matches!(c.phase, Phase::Events { .. }) && now - c.since < STALLED_MS;
        connections.iter().filter(counts).count()
    };
    let (mut listening, mut ended) = (false, false);
    for i in 0..SOCKETS {
        let has_room = readers(connections) < READERS;
        let connection = &mut connections[i];
        let socket = sockets.get_mut::<tcp::Socket>(connection.handle);
        connection.step(socket, ring, has_room, now);
        listening |= socket.is_listening();
        ended |= !socket.is_open();
    }
    if !listening && !ended {
        // Nobody could connect: the peer that has been silent for longest gives way.
        let longest = connections.iter().min_by_key(|connection| connection.since);
        if let Some(connection) = longest.filter(|connection| now - connection.since >= STALLED_MS) {
            log!("{}: gives way", connection.handle);
            sockets.get_mut::<tcp::Socket>(connection.handle).abort();
            ended = true;
        }
    }
    ended
}

impl Connection {
    fn step(&mut self, socket: &mut tcp::Socket<'_>, ring: &Ring, has_room: bool, now: u64) {
        // Closed, or in TIME-WAIT: the peer has got all.
        if !socket.is_open() {
            *self = Connection { handle: self.handle, phase: Phase::Head, since: now, queued: 0, keep_alive_at: 0 };
            _ = socket.listen(PORT); // fails for a socket that is open, or port 0
        }
        if socket.is_listening() {
            self.since = now;
            return;
        }

        let queued = socket.send_queue();
        if !matches!(self.phase, Phase::Head | Phase::End) && (queued == 0 || queued < self.queued) {
            self.since = now;
        }
        match &mut self.phase {
            Phase::Head => {
                // In one piece, since a connection begins with an empty buffer.
                let request = socket.peek(RECEIVE).ok().and_then(Request::read);
                if let Some(request) = request {
                    self.answer(socket, request, ring, has_room, now);
                } else if socket.state() == tcp::State::CloseWait {
                    socket.abort(); // its request ends in the middle
                } else if now - self.since >= HEAD_MS && socket.may_send() {
                    self.refuse(socket, Refusal::TIMEOUT);
                } else if now - self.since >= HEAD_MS {
                    socket.abort(); // it began to connect
                }
            }
            Phase::Response(rest) => {
                let sent = socket.send_slice(rest).unwrap_or_default();
                *rest = rest.get(sent..).unwrap_or_default();
                if rest.is_empty() {
                    self.end(socket);
                }
            }
            Phase::Events { cursor } => match ring.ready(*cursor, usize::MAX) {
                Ok(ready) if !ready.is_empty() => {
                    let sent: usize =
                        ready.bytes.iter().map(|bytes| socket.send_slice(bytes).unwrap_or_default()).sum();
                    *cursor = ring.advance(*cursor, sent).unwrap_or(*cursor);
                    if sent > 0 {
                        self.keep_alive_at = now + KEEP_ALIVE_MS;
                    }
                }
                Ok(_) if now >= self.keep_alive_at => {
                    send(socket, &Frame::new().comment("keep-alive"));
                    self.keep_alive_at = now + KEEP_ALIVE_MS;
                }
                Ok(_) => {}
                // It has half an event, to which anything more would be added. It drops that, and comes back with its last ID.
                Err(lagged) if lagged.torn => {
                    log!("{}: too slow, {} events missed", self.handle, lagged.missed);
                    self.end(socket);
                }
                Err(lagged) => {
                    if send(socket, &Gap::from(lagged).frame()) {
                        log!("{}: too slow, told that {} events are missing", self.handle, lagged.missed);
                        *cursor = lagged.oldest;
                    }
                }
            },
            Phase::Flood(number) => {
                while send_flood(socket, *number) {
                    *number = number.wrapping_add(1);
                }
            }
            Phase::End => {}
        }
        if !matches!(self.phase, Phase::Head) {
            // Nothing more of the request is of interest, and a peer that has ended it is gone.
            _ = socket.recv(|received| (received.len(), ()));
            if !socket.may_recv() && !matches!(self.phase, Phase::End) {
                self.end(socket);
            }
        }
        self.queued = socket.send_queue();
        if now - self.since >= LOST_MS {
            log!("{}: given up", self.handle);
            socket.abort();
        }
    }

    fn answer(&mut self, socket: &mut tcp::Socket<'_>, request: Request, ring: &Ring, has_room: bool, now: u64) {
        self.since = now;
        match request {
            Request::Page => {
                let length = PAGE.len();
                head(
                    socket,
                    format_args!("200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {length}"),
                );
                self.phase = Phase::Response(PAGE.as_bytes());
            }
            Request::Events { .. } | Request::Flood if !has_room => self.refuse(socket, Refusal::BUSY),
            Request::Events { last_event_id } => {
                head(socket, format_args!("{STREAM}"));
                send(socket, &Frame::new().retry(RETRY_MS).comment("readings of a simulated sensor"));
                let cursor = match ring.since(&last_event_id) {
                    Resume::Start => ring.live(),
                    Resume::From(cursor) => cursor,
                    Resume::Gone | Resume::Unknown => {
                        send(socket, &Gap::new(None).frame());
                        ring.oldest()
                    }
                };
                log!("{}: reads events after \"{}\"", self.handle, last_event_id.escape_ascii());
                self.phase = Phase::Events { cursor };
                self.keep_alive_at = now + KEEP_ALIVE_MS;
            }
            Request::Flood => {
                head(socket, format_args!("{STREAM}"));
                self.phase = Phase::Flood(0);
            }
            Request::Refused(refusal) => self.refuse(socket, refusal),
        }
    }

    fn refuse(&mut self, socket: &mut tcp::Socket<'_>, Refusal { status, field }: Refusal) {
        log!("{}: {status}", self.handle);
        let length = status.len();
        head(socket, format_args!("{status}\r\n{field}Content-Type: text/plain\r\nContent-Length: {length}"));
        self.phase = Phase::Response(status.as_bytes());
    }

    fn end(&mut self, socket: &mut tcp::Socket<'_>) {
        socket.close();
        self.phase = Phase::End;
    }
}

const STREAM: &str = "200 OK\r\nContent-Type: text/event-stream\r\nX-Accel-Buffering: no";

/// Sends the head of a response. The socket's buffer is empty, and has room for it.
fn head(socket: &mut tcp::Socket<'_>, status_and_fields: core::fmt::Arguments<'_>) {
    _ = core::fmt::write(
        &mut Sender(socket),
        format_args!(
            "HTTP/1.1 {status_and_fields}\r\nCache-Control: no-cache, no-transform\r\nConnection: close\r\n\r\n"
        ),
    );
}

/// Sends a frame, if the socket has room for all of it.
fn send(socket: &mut tcp::Socket<'_>, frame: &Frame<'_>) -> bool {
    if socket.send_capacity() - socket.send_queue() < frame.encoded_len() {
        return false;
    }
    // Straight into the socket's buffer, whose free part is two slices where it wraps.
    let mut encoder = frame.encoder();
    while socket.send(|free| (|n| (n, n))(encoder.fill(free))).is_ok_and(|n| n > 0) {}
    true
}

fn send_flood(socket: &mut tcp::Socket<'_>, number: u32) -> bool {
    let id: heapless::String<10> = heapless::String::try_from(number).unwrap_or_default(); // the digits of any u32 fit
    Frame::new().id(&id).is_ok_and(|frame| send(socket, &frame.data("21.53")))
}
