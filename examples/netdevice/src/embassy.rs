//! The board for embassy: its time and its network driver.

use core::cell::{Cell, RefCell};
use core::task::Context;

use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{NVIC, SCB, SYST};
use cortex_m_rt::exception;
use critical_section::Mutex;
use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embassy_sync::waitqueue::AtomicWaker;
use embassy_time_driver::{time_driver_impl, TICK_HZ};
use embassy_time_queue_utils::Queue;

use crate::board::{self, Network, NetworkInterrupt};
use crate::mac::{Mac, Port, Received, ToSend, LONGEST_FRAME};

const TICKS_PER_SECOND: u32 = 100;
const RELOAD: u32 = board::CLOCK_HZ / TICKS_PER_SECOND - 1;

/// Milliseconds, from a timer that ticks rarely, as [`board::Clock`].
struct Time {
    ticks: Mutex<Cell<u64>>,
    queue: Mutex<RefCell<Queue>>,
}

time_driver_impl!(static TIME: Time = Time { ticks: Mutex::new(Cell::new(0)), queue: Mutex::new(RefCell::new(Queue::new())) });

impl embassy_time_driver::Driver for Time {
    fn now(&self) -> u64 {
        const { assert!(TICK_HZ == 1000) };
        critical_section::with(|cs| {
            let mut ticks = self.ticks.borrow(cs).get();
            let mut left = SYST::get_current();
            if SCB::is_pendst_pending() {
                // A tick that is not counted yet, and maybe came after the look at the counter.
                ticks += 1;
                left = SYST::get_current();
            }
            let since_tick = RELOAD.saturating_sub(left) / (board::CLOCK_HZ / 1000);
            ticks * u64::from(1000 / TICKS_PER_SECOND) + u64::from(since_tick)
        })
    }

    /// The next tick wakes it, or a later one.
    fn schedule_wake(&self, at: u64, waker: &core::task::Waker) {
        critical_section::with(|cs| {
            self.queue.borrow(cs).borrow_mut().schedule_wake(at, waker);
        });
    }
}

#[exception]
fn SysTick() {
    critical_section::with(|cs| {
        TIME.ticks.borrow(cs).set(TIME.ticks.borrow(cs).get() + 1);
        let now = embassy_time_driver::now();
        TIME.queue.borrow(cs).borrow_mut().next_expiration(now);
    });
}

static RECEIVED: AtomicWaker = AtomicWaker::new();

/// Of all interrupts only that of the network is on.
#[exception]
unsafe fn DefaultHandler(_: i16) {
    // Until the driver has taken the frames, or it would come again at once.
    NVIC::mask(NetworkInterrupt);
    RECEIVED.wake();
}

/// Starts the board.
///
/// # Panics
///
/// When called again.
pub fn start() -> EmbassyPort {
    let mut timer = cortex_m::Peripherals::take().unwrap().SYST;
    timer.set_reload(RELOAD);
    timer.set_clock_source(SystClkSource::Core);
    timer.clear_current();
    timer.enable_interrupt();
    timer.enable_counter();
    // SAFETY: this is the only call, as the peripherals can be taken once.
    unsafe {
        board::start_uart();
        EmbassyPort(Port::new(board::start_network()))
    }
}

/// embassy-net's driver over the port.
pub struct EmbassyPort(Port<Network>);

impl Driver for EmbassyPort {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = ToSend<'a, Network>;

    fn receive(&mut self, context: &mut Context<'_>) -> Option<(Received<'_>, ToSend<'_, Network>)> {
        self.0.mac.acknowledge();
        if self.0.mac.has_frame() {
            return self.0.receive();
        }
        // A frame that has come since asserts the interrupt as soon as it is on.
        RECEIVED.register(context.waker());
        // SAFETY: its handler shares nothing but the waker.
        unsafe { NVIC::unmask(NetworkInterrupt) };
        None
    }

    fn transmit(&mut self, _: &mut Context<'_>) -> Option<ToSend<'_, Network>> {
        Some(self.0.to_send())
    }

    fn link_state(&mut self, _: &mut Context<'_>) -> LinkState {
        LinkState::Up
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = LONGEST_FRAME;
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(board::ADDRESS)
    }
}

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

impl TxToken for ToSend<'_, Network> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        self.send(len, f)
    }
}
