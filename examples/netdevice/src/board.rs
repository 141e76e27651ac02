//! The two boards: clock, UART, interrupts, and the end.

use core::fmt::{self, Write};

use cortex_m::asm::wfi;
use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{NVIC, SCB, SYST};
use cortex_m_semihosting::{syscall, syscall1};

pub use chip::{start_network, start_uart, Network, CLOCK_HZ};

/// Locally administered.
pub const ADDRESS: [u8; 6] = [0x02, 0, 0, 0, 0, 0x15];

#[cfg(not(feature = "lan9118"))]
mod chip {
    //! `lm3s6965evb`.

    pub use crate::lm3s6965::Lm3s6965 as Network;

    /// The internal oscillator, which the chip runs on out of reset.
    pub const CLOCK_HZ: u32 = 12_000_000;
    pub const NETWORK_INTERRUPT: u16 = 42;

    const UART: *mut u32 = 0x4000_c000 as *mut u32;
    const FLAGS: usize = 6;
    const TX_FULL: u32 = 1 << 5;

    /// # Safety
    ///
    /// Called once, and no other code uses the network chip.
    pub unsafe fn start_network() -> Network {
        Network::start(super::ADDRESS)
    }

    /// Starts the UART, an ARM PL011: 115200 baud, 8N1, FIFOs.
    ///
    /// # Safety
    ///
    /// No other code uses UART0 or port A.
    pub unsafe fn start_uart() {
        const CLOCK_GATES_1: *mut u32 = 0x400f_e104 as *mut u32;
        const CLOCK_GATES_2: *mut u32 = 0x400f_e108 as *mut u32;
        const PORT_A_ALTERNATE: *mut u32 = 0x4000_4420 as *mut u32;
        const PORT_A_DIGITAL: *mut u32 = 0x4000_451c as *mut u32;
        for (register, bits) in
            [(CLOCK_GATES_1, 1), (CLOCK_GATES_2, 1), (PORT_A_ALTERNATE, 0b11), (PORT_A_DIGITAL, 0b11)]
        {
            register.write_volatile(register.read_volatile() | bits);
        }
        // 12 MHz / 16 / 115200 = 6 + 33/64; the line; on.
        for (index, value) in [(9, 6), (10, 33), (11, 0b11 << 5 | 1 << 4), (12, 1 << 8 | 1)] {
            UART.add(index).write_volatile(value);
        }
    }

    pub fn write_byte(byte: u8) {
        // SAFETY: the register is live, and a write only sends the byte.
        unsafe {
            while UART.add(FLAGS).read_volatile() & TX_FULL != 0 {}
            UART.write_volatile(byte.into());
        }
    }
}

#[cfg(feature = "lan9118")]
mod chip {
    //! `mps2-an385`.

    pub use crate::lan9118::Lan9118 as Network;

    pub const CLOCK_HZ: u32 = 25_000_000;
    pub const NETWORK_INTERRUPT: u16 = 13;

    const UART: *mut u32 = 0x4000_4000 as *mut u32;
    const STATE: usize = 1;
    const TX_FULL: u32 = 1;

    /// # Safety
    ///
    /// Called once, and no other code uses the network chip.
    pub unsafe fn start_network() -> Network {
        Network::start(super::ADDRESS)
    }

    /// Starts the UART, of ARM's CMSDK: 115200 baud.
    ///
    /// # Safety
    ///
    /// No other code uses UART0.
    pub unsafe fn start_uart() {
        for (index, value) in [(4, 217), (2, 1)] {
            UART.add(index).write_volatile(value);
        }
    }

    pub fn write_byte(byte: u8) {
        // SAFETY: the register is live, and a write only sends the byte.
        unsafe {
            while UART.add(STATE).read_volatile() & TX_FULL != 0 {}
            UART.write_volatile(byte.into());
        }
    }
}

#[derive(Clone, Copy)]
pub struct NetworkInterrupt;

// SAFETY: the number does not change.
unsafe impl InterruptNumber for NetworkInterrupt {
    fn number(self) -> u16 {
        chip::NETWORK_INTERRUPT
    }
}

/// Milliseconds since reset. The timer ticks rarely, because an emulator on a busy host loses ticks; the time in between is
/// read off its counter.
pub struct Clock {
    timer: SYST,
    ticks: u64,
    latest: u64,
}

impl Clock {
    const TICKS_PER_SECOND: u32 = 20;
    const RELOAD: u32 = chip::CLOCK_HZ / Self::TICKS_PER_SECOND - 1;

    fn start(mut timer: SYST) -> Clock {
        timer.set_reload(Self::RELOAD);
        timer.set_clock_source(SystClkSource::Core);
        timer.clear_current();
        timer.enable_interrupt();
        timer.enable_counter();
        Clock { timer, ticks: 0, latest: 0 }
    }

    /// Called at least once a tick, of 50 ms.
    pub fn millis(&mut self) -> u64 {
        loop {
            let left = SYST::get_current();
            if self.timer.has_wrapped() {
                self.ticks += 1;
                continue;
            }
            let since_tick = (Self::RELOAD - left.min(Self::RELOAD)) / (chip::CLOCK_HZ / 1000);
            self.latest =
                self.latest.max(self.ticks * u64::from(1000 / Self::TICKS_PER_SECOND) + u64::from(since_tick));
            return self.latest;
        }
    }
}

/// Starts what a program with one loop and no interrupt handler needs.
///
/// Interrupts wake the core from [`wait`] and are not taken: nothing runs but that loop, nothing is shared.
///
/// # Panics
///
/// When called again.
pub fn start() -> (Clock, Network) {
    cortex_m::interrupt::disable();
    let timer = cortex_m::Peripherals::take().unwrap().SYST;
    // SAFETY: this is the only call, as the peripherals can be taken once. No critical section can be broken.
    unsafe {
        chip::start_uart();
        NVIC::unmask(NetworkInterrupt);
        (Clock::start(timer), start_network())
    }
}

/// Clears the interrupts, before the loop looks at the network and the clock: one that comes after the look sets its flag
/// again, and [`wait`] returns at once.
pub fn clear_interrupts() {
    SCB::clear_pendst();
    NVIC::unpend(NetworkInterrupt);
}

/// Waits for an interrupt.
pub fn wait() {
    wfi();
}

/// Writes to the UART, which carries a log and nothing else.
#[macro_export]
macro_rules! log {
    ($($arguments:tt)*) => { $crate::board::log(format_args!($($arguments)*)) };
}

pub fn log(text: fmt::Arguments<'_>) {
    struct Uart;
    impl Write for Uart {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            text.bytes().for_each(chip::write_byte);
            Ok(())
        }
    }
    // Only a `Display` that fails would be an error.
    let _ = writeln!(Uart, "{text}");
}

/// Seconds since 1970. The emulator asks its host; a product has a clock with a battery, the network's time, or a count of
/// its resets in flash.
pub fn unix_time() -> u32 {
    const SYS_TIME: usize = 0x11;
    // SAFETY: an operation of the semihosting interface that takes nothing.
    unsafe { syscall::<()>(SYS_TIME, &()) as u32 }
}

/// The number at the end of the emulator's `-semihosting-config ...,arg=`. A product has it in flash.
pub fn argument() -> Option<u16> {
    const SYS_GET_CMDLINE: usize = 0x15;
    let mut text = [0u8; 64];
    let mut block = [text.as_mut_ptr() as usize, text.len()];
    // SAFETY: an operation of the semihosting interface, with the buffer and the length that it takes. It changes both.
    let status = unsafe { syscall1(SYS_GET_CMDLINE, block.as_mut_ptr() as usize) };
    let text = text.get(..block[1]).filter(|_| status == 0)?;
    core::str::from_utf8(text).ok()?.rsplit(' ').next()?.trim_end_matches('\0').parse().ok()
}

/// Ends QEMU with exit status 42. A product would reset here.
pub fn fail() -> ! {
    const SYS_EXIT_EXTENDED: usize = 0x20;
    const APPLICATION_EXIT: usize = 0x20026;
    // SAFETY: an operation of the semihosting interface, with the two words that it takes.
    unsafe { syscall(SYS_EXIT_EXTENDED, &[APPLICATION_EXIT, 42]) };
    loop {
        wfi();
    }
}
