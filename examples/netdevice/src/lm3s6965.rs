//! The Ethernet MAC of the LM3S6965 (data sheet, chapter 16). It has no DMA: a frame goes through one register, word by word.

use core::ops::Range;

use volatile_register::{RO, RW, WO};

use crate::mac::{Buffer, Mac};

#[repr(C)]
struct Registers {
    /// Which interrupts are pending. Ones that are written clear theirs.
    interrupts: RW<u32>,
    interrupt_mask: RW<u32>,
    receive_control: RW<u32>,
    transmit_control: RW<u32>,
    /// Reads take from the receive FIFO, writes go to the transmit FIFO.
    data: RW<u32>,
    address: [WO<u32>; 2],
    _thresholds_and_phy: [u32; 6],
    /// Frames in the receive FIFO.
    waiting: RO<u32>,
    send: RW<u32>,
}

const REGISTERS: *const Registers = 0x4004_8000 as *const Registers;
const CLOCK_GATES_2: *mut u32 = 0x400f_e108 as *mut u32;

const RECEIVED: u32 = 1;
/// On, and frames with a wrong checksum are dropped. Bit 4 empties the FIFO.
const RECEIVE: u32 = 1 << 3 | 1;
const EMPTY_FIFO: u32 = 1 << 4;
/// Full duplex; the MAC appends the checksum and pads short frames.
const TRANSMIT: u32 = 1 << 4 | 1 << 2 | 1 << 1 | 1;

const HEADER: usize = 14;
const LENGTH: usize = 2;
const CHECKSUM: usize = 4;

pub struct Lm3s6965(&'static Registers);

impl Lm3s6965 {
    /// Starts the MAC, with interrupts for frames that have come.
    ///
    /// # Safety
    ///
    /// Called once, and no other code uses the MAC.
    pub unsafe fn start(address: [u8; 6]) -> Lm3s6965 {
        CLOCK_GATES_2.write_volatile(CLOCK_GATES_2.read_volatile() | 1 << 30 | 1 << 28);
        let mac = &*REGISTERS;
        let [a, b, c, d, e, f] = address;
        mac.address[0].write(u32::from_le_bytes([a, b, c, d]));
        mac.address[1].write(u32::from_le_bytes([e, f, 0, 0]));
        mac.transmit_control.write(TRANSMIT);
        mac.receive_control.write(EMPTY_FIFO);
        mac.receive_control.write(RECEIVE);
        mac.interrupt_mask.write(RECEIVED);
        Lm3s6965(mac)
    }
}

// SAFETY of all writes: the registers are live, and none of them makes the MAC access memory.
impl Mac for Lm3s6965 {
    fn has_frame(&self) -> bool {
        self.0.waiting.read() != 0
    }

    /// The first half-word from the FIFO is the length of itself, the frame and its checksum.
    fn receive(&mut self, buffer: &mut Buffer) -> Option<Range<usize>> {
        if !self.has_frame() {
            return None;
        }
        let mut words = buffer.chunks_exact_mut(4);
        let mut read = || {
            let word = self.0.data.read().to_le_bytes();
            // The rest of a frame that is too long is dropped.
            if let Some(place) = words.next() {
                place.copy_from_slice(&word);
            }
            word
        };
        let [low, high, ..] = read();
        let length = usize::from(u16::from_le_bytes([low, high]));
        for _ in 1..length.div_ceil(4) {
            read();
        }
        Some(LENGTH..length.saturating_sub(CHECKSUM).clamp(LENGTH, buffer.len()))
    }

    /// The first half-word to the FIFO is the length of the frame without its header.
    fn send<R>(&mut self, buffer: &mut Buffer, len: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        let result = fill(&mut buffer[LENGTH..LENGTH + len]);
        buffer[..LENGTH].copy_from_slice(&((len - HEADER) as u16).to_le_bytes());
        while self.0.send.read() & 1 != 0 {}
        for word in buffer[..(LENGTH + len).next_multiple_of(4)].chunks_exact(4) {
            unsafe { self.0.data.write(u32::from_le_bytes([word[0], word[1], word[2], word[3]])) };
        }
        unsafe { self.0.send.write(1) };
        result
    }

    fn acknowledge(&mut self) {
        unsafe { self.0.interrupts.write(RECEIVED) };
    }
}
