//! The LAN9118, an Ethernet MAC and PHY beside the processor (data sheet, chapters 3 and 5). Frames go through FIFOs, word by
//! word.

use core::ops::Range;

use volatile_register::{RO, RW, WO};

use crate::mac::{Buffer, Mac};

#[repr(C)]
struct Registers {
    receive_data: RO<u32>,
    _data_aliases: [u32; 7],
    transmit_data: WO<u32>,
    _transmit_aliases: [u32; 7],
    receive_status: RO<u32>,
    _receive_status_peek: u32,
    transmit_status: RO<u32>,
    _transmit_status_peek: u32,
    _id: u32,
    interrupt_config: RW<u32>,
    /// Which interrupts are pending. Ones that are written clear theirs.
    interrupts: RW<u32>,
    interrupt_mask: RW<u32>,
    _reserved: u32,
    _byte_test: u32,
    /// The FIFOs' levels above which an interrupt is asserted.
    fifo_levels: RW<u32>,
    _receive_config: u32,
    transmit_config: RW<u32>,
    _hardware_config: u32,
    _receive_control: u32,
    receive_fifo: RO<u32>,
    transmit_fifo: RO<u32>,
    _power_to_wake: [u32; 8],
    mac_command: RW<u32>,
    mac_data: RW<u32>,
}

const REGISTERS: *const Registers = 0x4020_0000 as *const Registers;

const RECEIVED: u32 = 1 << 3;
/// To the processor's line, active high, push-pull.
const TO_LINE: u32 = 1 << 8 | 1 << 4 | 1;
const TRANSMIT_ON: u32 = 1 << 1;
/// A command to a register of the MAC, which has not been carried out.
const BUSY: u32 = 1 << 31;
const CONTROL: u32 = 1;
const ADDRESS_HIGH: u32 = 2;
const ADDRESS_LOW: u32 = 3;
/// Full duplex, transmitter and receiver on.
const ON: u32 = 1 << 20 | 1 << 3 | 1 << 2;
/// The first and the last part of a frame at once.
const WHOLE_FRAME: u32 = 1 << 13 | 1 << 12;

const CHECKSUM: usize = 4;

pub struct Lan9118(&'static Registers);

impl Lan9118 {
    /// Starts the chip, with interrupts for frames that have come.
    ///
    /// # Safety
    ///
    /// Called once, and no other code uses the chip.
    pub unsafe fn start(address: [u8; 6]) -> Lan9118 {
        let chip = &*REGISTERS;
        let [a, b, c, d, e, f] = address;
        for (register, value) in [
            (ADDRESS_LOW, u32::from_le_bytes([a, b, c, d])),
            (ADDRESS_HIGH, u32::from_le_bytes([e, f, 0, 0])),
            (CONTROL, ON),
        ] {
            chip.mac_data.write(value);
            chip.mac_command.write(BUSY | register);
            while chip.mac_command.read() & BUSY != 0 {}
        }
        chip.transmit_config.write(TRANSMIT_ON);
        chip.fifo_levels.write(0);
        chip.interrupt_config.write(TO_LINE);
        chip.interrupt_mask.write(RECEIVED);
        Lan9118(chip)
    }
}

// SAFETY of all writes: the registers are live, and none of them makes the chip access memory.
impl Mac for Lan9118 {
    fn has_frame(&self) -> bool {
        self.0.receive_fifo.read() >> 16 & 0xff != 0
    }

    fn receive(&mut self, buffer: &mut Buffer) -> Option<Range<usize>> {
        if !self.has_frame() {
            return None;
        }
        let length = (self.0.receive_status.read() >> 16 & 0x3fff) as usize;
        let mut words = buffer.chunks_exact_mut(4);
        for _ in 0..length.div_ceil(4) {
            let word = self.0.receive_data.read().to_le_bytes();
            // The rest of a frame that is too long is dropped.
            if let Some(place) = words.next() {
                place.copy_from_slice(&word);
            }
        }
        Some(0..length.saturating_sub(CHECKSUM).min(buffer.len()))
    }

    fn send<R>(&mut self, buffer: &mut Buffer, len: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        let result = fill(&mut buffer[..len]);
        // Its length in bits 0 to 10 of both command words.
        unsafe {
            self.0.transmit_data.write(WHOLE_FRAME | len as u32);
            self.0.transmit_data.write(len as u32);
            for word in buffer[..len.next_multiple_of(4)].chunks_exact(4) {
                self.0.transmit_data.write(u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
            }
        }
        // The statuses of earlier frames, which would fill their FIFO.
        while self.0.transmit_fifo.read() >> 16 & 0xff != 0 {
            self.0.transmit_status.read();
        }
        result
    }

    fn acknowledge(&mut self) {
        unsafe { self.0.interrupts.write(RECEIVED) };
    }
}
