//! Shared by the programs in `bin`: two boards, their network chips, a sensor.

#![no_std]

pub mod board;
#[cfg(feature = "async")]
pub mod embassy;
pub mod http;
#[cfg(feature = "lan9118")]
mod lan9118;
#[cfg(not(feature = "lan9118"))]
mod lm3s6965;
pub mod mac;
pub mod sensor;

use core::panic::PanicInfo;

use cortex_m_rt::{exception, ExceptionFrame};

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    log!("{info}");
    board::fail()
}

#[exception]
unsafe fn HardFault(_: &ExceptionFrame) -> ! {
    log!("hard fault");
    board::fail()
}
