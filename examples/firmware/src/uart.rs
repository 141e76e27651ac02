//! UART0 of the LM3S6965, an ARM PL011: 115200 baud, 8N1, with FIFOs of 16 bytes on both sides.

use volatile_register::{RO, RW};

#[repr(C)]
struct Registers {
    data: RW<u32>,
    _status: [u32; 5],
    flags: RO<u32>,
    _low_power: [u32; 2],
    baud_integer: RW<u32>,
    baud_fraction: RW<u32>,
    line_control: RW<u32>,
    control: RW<u32>,
    fifo_levels: RW<u32>,
    interrupt_mask: RW<u32>,
}

const UART0: *const Registers = 0x4000_c000 as *const Registers;
const CLOCK_GATES_1: *mut u32 = 0x400f_e104 as *mut u32;
const CLOCK_GATES_2: *mut u32 = 0x400f_e108 as *mut u32;
const PORT_A_ALTERNATE: *mut u32 = 0x4000_4420 as *mut u32;
const PORT_A_DIGITAL: *mut u32 = 0x4000_451c as *mut u32;

const RX_EMPTY: u32 = 1 << 4;
const TX_FULL: u32 = 1 << 5;

pub struct Uart(&'static Registers);

impl Uart {
    /// Starts the UART, on a system clock of 12 MHz. Its interrupt is asserted while there is something to read.
    ///
    /// # Safety
    ///
    /// Called once, and no other code uses UART0 or port A.
    pub unsafe fn start() -> Uart {
        for (register, bits) in
            [(CLOCK_GATES_1, 1), (CLOCK_GATES_2, 1), (PORT_A_ALTERNATE, 0b11), (PORT_A_DIGITAL, 0b11)]
        {
            register.write_volatile(register.read_volatile() | bits);
        }
        let uart = &*UART0;
        uart.baud_integer.write(6); // 12 MHz / 16 / 115200 = 6 + 33/64
        uart.baud_fraction.write(33);
        uart.line_control.write(0b11 << 5 | 1 << 4); // 8 bits, FIFOs
        uart.interrupt_mask.write(1 << 6 | 1 << 4); // receive timeout, and receive FIFO half full
        uart.control.write(1 << 9 | 1 << 8 | 1); // receive, transmit, enable
        Uart(uart)
    }

    pub fn read(&mut self) -> Option<u8> {
        (self.0.flags.read() & RX_EMPTY == 0).then(|| self.0.data.read() as u8)
    }

    /// Writes as many bytes as the FIFO has space for, at most 16, and returns their number.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        let has_room = |_: &&u8| self.0.flags.read() & TX_FULL == 0;
        // SAFETY: the registers are live, and a write to `data` only sends it.
        bytes.iter().take(16).take_while(has_room).map(|&byte| unsafe { self.0.data.write(byte.into()) }).count()
    }
}
