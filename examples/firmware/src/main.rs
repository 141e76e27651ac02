//! A thermometer that serves its readings as Server-Sent Events, over a UART that a serial-to-network module joins to
//! a TCP port: `GET /events` is the stream, `GET /` a page that plots it.
//!
//! There is no heap, no task and no interrupt handler: one loop reads, samples, formats and sends.

#![no_std]
#![no_main]

mod request;
mod sensor;
mod uart;

use core::panic::PanicInfo;

use cortex_m::asm::wfi;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{NVIC, SCB};
use cortex_m_rt::{entry, exception, ExceptionFrame};
use lm3s6965::Interrupt;
use ssewire::{Error, Frame};

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
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(CLOCK_HZ / TICKS_PER_SECOND - 1);
    timer.clear_current();
    timer.enable_interrupt();
    timer.enable_counter();

    loop {
        // Before looking for what they tell of: what happens after the look sets them again, and `wfi` returns at once.
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
        DEVICE.sent(sent);
        if byte.is_none() && DEVICE.to_send().is_empty() {
            wfi();
        }
    }
}

struct Device {
    sensor: Sensor,
    log: Log,
    reader: Reader,
    /// What is being sent: the transmit buffer, and then, of the page alone, what lies in flash.
    tx: [u8; 256],
    tx_start: usize,
    tx_end: usize,
    page: &'static [u8],
    /// The ID of the reading to send next, while a stream is open.
    next: Option<u32>,
    /// Ticks to the next comment.
    keep_alive: u32,
}

/// At ten readings a second this is only to be seen. Where readings are rare it keeps proxies from closing the
/// connection; 15 s is usual.
const KEEP_ALIVE_TICKS: u32 = 2 * TICKS_PER_SECOND;

/// The default of browsers is some seconds: more than `Log` holds, if one attempt fails.
const RETRY_MS: u64 = 500;

const STREAM: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n\
    Access-Control-Allow-Origin: *\r\nConnection: close\r\n\r\n";
const NOT_FOUND: &[u8] = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const METHOD_NOT_ALLOWED: &[u8] =
    b"HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const BAD_REQUEST: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
static PAGE: &[u8] = include_bytes!("../page.html");

impl Device {
    const fn new() -> Device {
        Device {
            sensor: Sensor::new(),
            log: Log::new(),
            reader: Reader::new(),
            tx: [0; 256],
            tx_start: 0,
            tx_end: 0,
            page: &[],
            next: None,
            keep_alive: KEEP_ALIVE_TICKS,
        }
    }

    fn tick(&mut self) {
        self.log.push(self.sensor.sample());
        self.reader.tick();
        self.keep_alive = self.keep_alive.saturating_sub(1);
    }

    fn receive(&mut self, byte: u8) {
        if let Some(request) = self.reader.push(byte) {
            // A UART is not told that the client has gone. A request says so: the response under way has no reader.
            self.next = None;
            self.page = &[];
            self.fill(|device, tx| device.answer(request, tx));
        }
    }

    /// The bytes to send now. When all is sent, and a stream is open, the next event is formatted.
    fn to_send(&mut self) -> &[u8] {
        if self.tx_start == self.tx_end && self.page.is_empty() {
            self.fill(Device::stream);
        }
        if self.tx_start < self.tx_end {
            &self.tx[self.tx_start..self.tx_end]
        } else {
            self.page
        }
    }

    fn sent(&mut self, len: usize) {
        if self.tx_start < self.tx_end {
            self.tx_start += len;
        } else {
            self.page = &self.page[len..];
        }
    }

    fn fill(&mut self, write: impl FnOnce(&mut Device, &mut [u8]) -> Result<usize, Error>) {
        let mut tx = self.tx;
        self.tx_start = 0;
        // Nothing that is written here depends on the outside: an error is a mistake in this program.
        self.tx_end = write(self, &mut tx).unwrap_or_else(|_| panic!());
        self.tx = tx;
    }
}
