//! The server again, by embassy-net and picoserve: a task for each connection, and one that samples.
//!
//! The same ring serves all readers. The timeouts are the point to copy: picoserve's default for writing, one second, leaves
//! readers hanging after each short outage.

#![no_std]
#![no_main]

use core::cell::RefCell;

use embassy_executor::Spawner;
use embassy_net::tcp::TcpSocket;
use embassy_net::{Config, Ipv4Address, Ipv4Cidr, Runner, Stack, StackResources, StaticConfigV4};
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::blocking_mutex::Mutex;
use embassy_sync::watch::Watch;
use embassy_time::{with_timeout, Duration, Ticker, Timer};
use netdevice::embassy::{self, EmbassyPort};
use netdevice::sensor::Sensor;
use netdevice::{board, log};
use picoserve::extract::FromRequestParts;
use picoserve::io::Write;
use picoserve::request::RequestParts;
use picoserve::response::custom::{CustomBody, CustomResponse};
use picoserve::response::{File, IntoResponse, StatusCode};
use picoserve::routing::{get, get_service};
use picoserve::Timeouts;
use ssewire::http::{resume_id, LAST_EVENT_ID, MEDIA_TYPE, RESPONSE_HEADERS};
use ssewire::replay::{Cursor, Gap, Lagged, Resume};
use ssewire::Frame;
use static_cell::StaticCell;

const PORT: u16 = 80;
const ADDRESS: Ipv4Cidr = Ipv4Cidr::new(Ipv4Address::new(10, 0, 2, 15), 24);
const GATEWAY: Ipv4Address = Ipv4Address::new(10, 0, 2, 2);

/// Three readers, and one for the page and for errors. A task for a connection takes more memory than its buffers, and a
/// stack of 21 KB must be left: futures are built on it, one in another, before they are moved to their task.
const CONNECTIONS: usize = 4;
/// The events of 18 seconds or so.
const HELD: usize = 10 * 1024;
type Ring = ssewire::replay::Ring<[u8; HELD]>;

/// In bytes: type, ID and data of the longest event, with the names of the fields.
const LONGEST_FRAME: usize = 128;

const KEEP_ALIVE: Duration = Duration::from_secs(5);
const RETRY_MS: u64 = 500;

/// Longer than an outage that a connection is to survive, for TCP and for a write, which waits for TCP.
const LOST: Duration = Duration::from_secs(60);
const TIMEOUTS: Timeouts = Timeouts {
    start_read_request: Duration::from_secs(3),
    persistent_start_read_request: Duration::from_secs(3),
    read_request: Duration::from_secs(3),
    write: LOST,
};

/// Of one connection. In a variable of its task they would be there several times, once for each state of the future that
/// holds them.
struct Buffers {
    receive: [u8; 512],
    send: [u8; 1024],
    /// The head of a request must fit.
    request: [u8; 1024],
}

struct Shared {
    ring: Mutex<CriticalSectionRawMutex, RefCell<Ring>>,
    pushed: Watch<CriticalSectionRawMutex, (), CONNECTIONS>,
}

/// A constant at the start, so that it is not built on the stack.
static SHARED: Shared = Shared { ring: Mutex::new(RefCell::new(Ring::new([0; HELD]))), pushed: Watch::new() };

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    static DEVICE: StaticCell<EmbassyPort> = StaticCell::new();
    static RESOURCES: StaticCell<StackResources<CONNECTIONS>> = StaticCell::new();
    static BUFFERS: [StaticCell<Buffers>; CONNECTIONS] = [const { StaticCell::new() }; CONNECTIONS];

    let port = DEVICE.init_with(embassy::start);
    let shared = &SHARED;
    let config = Config::ipv4_static(StaticConfigV4 {
        address: ADDRESS,
        gateway: Some(GATEWAY),
        dns_servers: Default::default(),
    });
    let epoch = board::unix_time().into();
    let (stack, runner) = embassy_net::new(port, config, RESOURCES.init_with(StackResources::new), epoch);
    spawner.spawn(network(runner).unwrap());
    for (number, buffers) in BUFFERS.iter().enumerate() {
        let buffers = buffers.init_with(|| Buffers { receive: [0; 512], send: [0; 1024], request: [0; 1024] });
        spawner.spawn(serve(number, stack, shared, buffers).unwrap());
    }
    log!("started: run {epoch}");

    // Longer than the unit of the epoch, so that no two runs publish under the same one.
    Timer::after_millis(1_100).await;
    let mut sensor = Sensor::default();
    let mut ticker = Ticker::every(Duration::from_millis(100));
    loop {
        let celsius = sensor.sample();
        shared.publish(epoch, "temperature", format_args!("{celsius}"));
        if let Some(is_high) = sensor.alarm(celsius) {
            shared.publish(epoch, "alarm", format_args!("{} {celsius}", if is_high { "high" } else { "normal" }));
        }
        shared.pushed.sender().send(());
        ticker.next().await;
    }
}

impl Shared {
    fn publish(&self, epoch: u64, event_type: &str, data: core::fmt::Arguments<'_>) {
        self.ring.lock(|ring| {
            let mut ring = ring.borrow_mut();
            let id = ring.next_id(epoch);
            // They do not depend on input, so an error is a mistake in this program.
            let frame = Frame::new().event_type(event_type).unwrap().ring_id(&id);
            ring.push_fmt(&frame.data_fmt(data)).unwrap();
        });
    }
}

#[embassy_executor::task]
async fn network(mut runner: Runner<'static, &'static mut EmbassyPort>) -> ! {
    runner.run().await
}

#[embassy_executor::task(pool_size = CONNECTIONS)]
async fn serve(number: usize, stack: Stack<'static>, shared: &'static Shared, buffers: &'static mut Buffers) -> ! {
    let app = picoserve::Router::new()
        .route("/", get_service(File::html(include_str!("../../page.html"))))
        .route("/events", get(async move |start: Start| events(start, shared).await))
        .route(
            "/flood",
            get(async || {
                CustomResponse::build(StatusCode::OK).with_header("Content-Type", MEDIA_TYPE).with_body(Flood)
            }),
        )
        .with_state(shared);
    let config = picoserve::Config::new(TIMEOUTS);
    loop {
        let mut socket = TcpSocket::new(stack, &mut buffers.receive, &mut buffers.send);
        socket.set_timeout(Some(LOST));
        if socket.accept(PORT).await.is_err() {
            continue;
        }
        if let Err(error) = picoserve::Server::new(&app, &config, &mut buffers.request).serve(socket).await {
            log!("{number}: {error}");
        }
    }
}

/// The place in the ring where a reader begins.
struct Start {
    cursor: Cursor,
    /// Something before that is gone.
    is_gap: bool,
}

impl<'r> FromRequestParts<'r, &'static Shared> for Start {
    type Rejection = core::convert::Infallible;

    async fn from_request_parts(
        shared: &'r &'static Shared,
        request: &RequestParts<'r>,
    ) -> Result<Start, core::convert::Infallible> {
        let header = request.headers().get(LAST_EVENT_ID).map(|value| value.as_raw());
        let query = request.query().map(|query| query.0.as_bytes());
        let mut decoded = [0; 48];
        // One that is too long is not of this device.
        let id = resume_id(header, query, &mut decoded).unwrap_or(Some(b"too long")).unwrap_or_default();
        log!("events after \"{}\"", id.escape_ascii());
        Ok(shared.ring.lock(|ring| {
            let ring = ring.borrow();
            match ring.since(id) {
                Resume::Start => Start { cursor: ring.live(), is_gap: false },
                Resume::From(cursor) => Start { cursor, is_gap: false },
                Resume::Gone | Resume::Unknown => Start { cursor: ring.oldest(), is_gap: true },
            }
        }))
    }
}

async fn events(start: Start, shared: &'static Shared) -> impl IntoResponse {
    let [content_type, cache_control, accel] = RESPONSE_HEADERS;
    CustomResponse::build(StatusCode::OK)
        .with_headers([content_type, cache_control, accel])
        .with_body(Events { start, shared })
}

struct Events {
    start: Start,
    shared: &'static Shared,
}

impl CustomBody for Events {
    async fn write_response_body<W: Write>(self, mut writer: W) -> Result<(), W::Error> {
        let Events { start: Start { mut cursor, is_gap }, shared } = self;
        let Some(mut pushed) = shared.pushed.receiver() else { return Ok(()) }; // there is one for each connection
        write(&mut writer, &Frame::new().retry(RETRY_MS).comment("readings of a simulated sensor")).await?;
        if is_gap {
            write(&mut writer, &Gap::new(None).frame()).await?;
        }
        let mut frames = [0; LONGEST_FRAME];
        loop {
            // Copied, since the ring is not borrowed while this task waits. They are whole frames, so a reader that is too slow
            // never has a part of one.
            let ready = shared.ring.lock(|ring| {
                let ring = ring.borrow();
                let ready = ring.ready(cursor, frames.len())?;
                let mut free = &mut frames[..];
                for bytes in ready.bytes {
                    let (place, rest) = free.split_at_mut(bytes.len());
                    place.copy_from_slice(bytes);
                    free = rest;
                }
                cursor = ready.next;
                Ok(ready.len())
            });
            match ready {
                Ok(0) => {
                    writer.flush().await?;
                    if with_timeout(KEEP_ALIVE, pushed.changed()).await.is_err() {
                        write(&mut writer, &Frame::new().comment("keep-alive")).await?;
                    }
                }
                Ok(length) => writer.write_all(&frames[..length]).await?,
                Err(Lagged { missed, oldest, .. }) => {
                    log!("told that {missed} events are missing");
                    write(&mut writer, &Gap::new(Some(missed)).frame()).await?;
                    cursor = oldest;
                }
            }
        }
    }
}

/// Writes a frame of any size, piece by piece.
async fn write<W: Write>(writer: &mut W, frame: &Frame<'_>) -> Result<(), W::Error> {
    let mut encoder = frame.encoder();
    let mut piece = [0; 64];
    while let length @ 1.. = encoder.fill(&mut piece) {
        writer.write_all(&piece[..length]).await?;
    }
    Ok(())
}

/// The same event as fast as it is taken.
struct Flood;

impl CustomBody for Flood {
    async fn write_response_body<W: Write>(self, mut writer: W) -> Result<(), W::Error> {
        for number in 0u32.. {
            let id: heapless::String<10> = heapless::String::try_from(number).unwrap_or_default(); // the digits of any u32 fit
            if let Ok(frame) = Frame::new().id(&id) {
                write(&mut writer, &frame.data("21.53")).await?;
            }
        }
        Ok(())
    }
}
