//! Start and end of a program on a machine in QEMU. The exit status is 0 for a pass, 1 for a failure, 42 for a panic or a
//! fault.

use core::panic::PanicInfo;

use semihosting::eprintln;
pub use semihosting::process::exit;

#[cfg(target_arch = "arm")]
pub use cortex_m_rt::entry;
#[cfg(target_arch = "riscv32")]
pub use riscv_rt::entry;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    eprintln!("{info}");
    exit(42)
}

#[cfg(target_arch = "arm")]
#[cortex_m_rt::exception]
unsafe fn HardFault(_: &cortex_m_rt::ExceptionFrame) -> ! {
    faulted()
}

#[cfg(target_arch = "riscv32")]
#[export_name = "ExceptionHandler"]
fn exception(_: &riscv_rt::TrapFrame) -> ! {
    faulted()
}

fn faulted() -> ! {
    eprintln!("fault");
    exit(42)
}

/// Executes an undefined instruction.
#[cfg(feature = "negative-fault")]
pub fn fault() {
    unsafe {
        #[cfg(target_arch = "arm")]
        core::arch::asm!("udf #0");
        #[cfg(target_arch = "riscv32")]
        core::arch::asm!("unimp");
    }
}
