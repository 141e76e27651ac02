//! A thermometer that serves its readings as Server-Sent Events, over a UART that a serial-to-network module joins to
//! a TCP port: `GET /events` is the stream, `GET /` is a page that plots it.
//!
//! There is no heap, no task and no interrupt handler: one loop reads, samples, formats and sends.

#![no_std]
#![no_main]

mod log;
mod request;
mod sensor;
mod uart;

use core::ops::Range;
use core::panic::PanicInfo;

use cortex_m::asm::wfi;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{NVIC, SCB};
use cortex_m_rt::{entry, exception, ExceptionFrame};
use lm3s6965::Interrupt;
use ssewire::{Error, Frame};

use log::Log;
use request::{Reader, Request, Target};
use sensor::{Celsius, Sensor};
use uart::Uart;

/// The internal oscillator, which the chip runs on out of reset.
const CLOCK_HZ: u32 = 12_000_000;
const TICKS_PER_SECOND: u32 = 10;

#[entry]
fn main() -> ! {
    // A static, so that the linker's map counts it.
    static mut DEVICE: Device = Device::new();

    let mut timer = cortex_m::Peripherals::take().unwrap().SYST;
    // SAFETY: the one user of this UART.
    let mut uart = unsafe { Uart::start() };

    // Interrupts wake the core from `wfi` and are not taken: nothing runs but this loop, nothing is shared.
    cortex_m::interrupt::disable();
    // SAFETY: there is no critical section to break.
    unsafe { NVIC::unmask(Interrupt::UART0) };
    timer.set_reload(CLOCK_HZ / TICKS_PER_SECOND - 1);
    timer.set_clock_source(SystClkSource::Core);
    timer.clear_current();
    timer.enable_interrupt();
    timer.enable_counter();

    loop {
        // Cleared before the checks: an event after a check sets its flag again, and `wfi` returns at once.
        SCB::clear_pendst();
        NVIC::unpend(Interrupt::UART0);

        if timer.has_wrapped() {
            DEVICE.tick();
        }
        // Reading goes on while a response is sent, or the receive FIFO would overflow after 1.4 ms.
        let byte = uart.read();
        if let Some(byte) = byte {
            DEVICE.receive(byte);
        }
        let sent = uart.write(DEVICE.to_send());
        DEVICE.sender.sent(sent);
        if byte.is_none() && DEVICE.to_send().is_empty() {
            wfi();
        }
    }
}

const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n\
    Access-Control-Allow-Origin: *\r\nConnection: close\r\n\r\n";
const BAD_REQUEST: &str = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const METHOD_NOT_ALLOWED: &str =
    "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const PAGE: &str = include_str!("../page.html");

/// Without it browsers wait for some seconds: with one failed attempt, longer than the log goes back.
const RETRY_MS: u64 = 500;

/// At ten readings a second it is only for show. Where readings are rare it keeps proxies from closing the connection;
/// 15 s is usual then.
const KEEP_ALIVE_TICKS: u32 = 2 * TICKS_PER_SECOND;

struct Device {
    sensor: Sensor,
    log: Log,
    reader: Reader,
    sender: Sender,
    /// While a stream is open: the ID of the reading to send next.
    next: Option<u32>,
    /// Until the next comment.
    keep_alive_ticks: u32,
}

impl Device {
    const fn new() -> Device {
        Device {
            sensor: Sensor::new(),
            log: Log::new(),
            reader: Reader::new(),
            sender: Sender { buffer: [0; 256], unsent: 0..0, flash: &[] },
            next: None,
            keep_alive_ticks: KEEP_ALIVE_TICKS,
        }
    }

    fn tick(&mut self) {
        self.log.push(self.sensor.sample());
        self.reader.tick();
        self.keep_alive_ticks = self.keep_alive_ticks.saturating_sub(1);
    }

    fn receive(&mut self, byte: u8) {
        if let Some(request) = self.reader.push(byte) {
            // A UART does not report that a client has gone. The next request does, so the response under way is dropped.
            self.next = None;
            self.answer(request);
        }
    }

    fn answer(&mut self, request: Request) {
        match request.target {
            Target::Events => {
                let (next, all) = self.log.resume(request.last_event_id);
                let note = if all { "nothing is missing" } else { "the readings before this are lost" };
                self.next = Some(next);
                self.keep_alive_ticks = KEEP_ALIVE_TICKS;
                self.sender.load(|tx| {
                    let head = copy(STREAM, tx)?;
                    let first = Frame::new().comment(note).retry(RETRY_MS).write_to_slice(&mut tx[head..])?;
                    Ok(head + first)
                });
            }
            Target::Page => {
                let len = PAGE.len();
                self.sender.load(|tx| {
                    let head: heapless::String<128> = heapless::format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n"
                    )
                    .map_err(|_| Error::Format)?;
                    copy(&head, tx)
                });
                self.sender.flash = PAGE.as_bytes();
            }
            Target::BadRequest => self.sender.load(|tx| copy(BAD_REQUEST, tx)),
            Target::NotFound => self.sender.load(|tx| copy(NOT_FOUND, tx)),
            Target::MethodNotAllowed => self.sender.load(|tx| copy(METHOD_NOT_ALLOWED, tx)),
        }
    }

    /// Returns the bytes to send now. Each event is formatted when the one before it has been sent.
    fn to_send(&mut self) -> &[u8] {
        if let (Some(next), []) = (self.next, self.sender.unsent()) {
            // If the UART was blocked for long, the readings that the log has dropped show as a gap in the IDs.
            let id = next.max(self.log.oldest());
            if id <= self.log.latest() {
                let celsius = self.log.get(id);
                self.sender.load(|tx| event(id, celsius, tx));
                self.next = Some(id + 1);
            } else if self.keep_alive_ticks == 0 {
                self.sender.load(|tx| Ok(Frame::new().comment("keep-alive").write_to_slice(tx)?));
                self.keep_alive_ticks = KEEP_ALIVE_TICKS;
            }
        }
        self.sender.unsent()
    }
}

fn event(id: u32, celsius: Celsius, tx: &mut [u8]) -> Result<usize, Error> {
    let id = heapless::String::<10>::try_from(id).unwrap_or_default(); // the digits of any u32 fit
    let frame = Frame::new().event_type("temperature")?.id(&id)?;
    Ok(frame.data_fmt(format_args!("{celsius}")).write_to_slice(tx)?)
}

fn copy(text: &str, tx: &mut [u8]) -> Result<usize, Error> {
    tx[..text.len()].copy_from_slice(text.as_bytes());
    Ok(text.len())
}

/// The response under way: a buffer and, after it, the page in flash.
struct Sender {
    buffer: [u8; 256],
    unsent: Range<usize>,
    flash: &'static [u8],
}

impl Sender {
    /// Replaces the response by the bytes that `write` writes. They do not depend on any input, so an error is a mistake in
    /// this program.
    fn load(&mut self, write: impl FnOnce(&mut [u8]) -> Result<usize, Error>) {
        let Ok(len) = write(&mut self.buffer) else { panic!() };
        self.unsent = 0..len;
        self.flash = &[];
    }

    fn unsent(&self) -> &[u8] {
        if self.unsent.is_empty() {
            self.flash
        } else {
            &self.buffer[self.unsent.clone()]
        }
    }

    fn sent(&mut self, len: usize) {
        if self.unsent.is_empty() {
            self.flash = &self.flash[len..];
        } else {
            self.unsent.start += len;
        }
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    fail()
}

#[exception]
unsafe fn HardFault(_: &ExceptionFrame) -> ! {
    fail()
}

/// Ends QEMU with exit status 42. A product would reset here.
fn fail() -> ! {
    const SYS_EXIT_EXTENDED: usize = 0x20;
    const APPLICATION_EXIT: usize = 0x20026;
    // SAFETY: an operation of the semihosting interface, with the two words that it takes.
    unsafe { cortex_m_semihosting::syscall(SYS_EXIT_EXTENDED, &[APPLICATION_EXIT, 42]) };
    loop {
        wfi();
    }
}
