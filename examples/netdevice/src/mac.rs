//! The parts of an Ethernet MAC that the network stacks need, and smoltcp's [`Device`] over it.

use core::fmt;
use core::ops::Range;

use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::socket::tcp;
use smoltcp::time::Instant;

/// The longest frame without its checksum: header and 1500 bytes.
pub const LONGEST_FRAME: usize = 1514;

/// A frame, and what a MAC puts around it.
pub type Buffer = [u8; 1524];

pub trait Mac {
    /// Returns whether a frame has come that was not taken.
    fn has_frame(&self) -> bool;

    /// Takes the next frame that has come, and returns where in the buffer it lies.
    fn receive(&mut self, buffer: &mut Buffer) -> Option<Range<usize>>;

    /// Sends a frame of `len` bytes, at most [`LONGEST_FRAME`], which `fill` writes.
    fn send<R>(&mut self, buffer: &mut Buffer, len: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R;

    /// Takes back the interrupt. It comes again with the next frame.
    fn acknowledge(&mut self);
}

/// A MAC and a buffer for each direction.
pub struct Port<M> {
    pub mac: M,
    received: Buffer,
    to_send: Buffer,
}

impl<M: Mac> Port<M> {
    pub const fn new(mac: M) -> Port<M> {
        Port { mac, received: [0; 1524], to_send: [0; 1524] }
    }

    /// Takes the next frame that has come.
    pub fn receive(&mut self) -> Option<(Received<'_>, ToSend<'_, M>)> {
        let place = self.mac.receive(&mut self.received)?;
        Some((Received(self.received.get_mut(place)?), ToSend { mac: &mut self.mac, buffer: &mut self.to_send }))
    }

    pub fn to_send(&mut self) -> ToSend<'_, M> {
        ToSend { mac: &mut self.mac, buffer: &mut self.to_send }
    }
}

pub struct Received<'a>(pub &'a mut [u8]);

pub struct ToSend<'a, M> {
    mac: &'a mut M,
    buffer: &'a mut Buffer,
}

impl<M: Mac> ToSend<'_, M> {
    pub fn send<R>(self, len: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        self.mac.send(self.buffer, len, fill)
    }
}

impl<M: Mac> Device for Port<M> {
    type RxToken<'a>
        = Received<'a>
    where
        M: 'a;
    type TxToken<'a>
        = ToSend<'a, M>
    where
        M: 'a;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, ToSend<'_, M>)> {
        self.receive()
    }

    fn transmit(&mut self, _: Instant) -> Option<ToSend<'_, M>> {
        Some(self.to_send())
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = LONGEST_FRAME;
        capabilities
    }
}

impl phy::RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

impl<M: Mac> phy::TxToken for ToSend<'_, M> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        self.send(len, f)
    }
}

/// Formats into a socket's buffer. Text that does not fit is an error.
pub struct Sender<'a, 's>(pub &'a mut tcp::Socket<'s>);

impl fmt::Write for Sender<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let sent = self.0.send_slice(text.as_bytes()).map_err(|_| fmt::Error)?;
        if sent == text.len() {
            Ok(())
        } else {
            Err(fmt::Error)
        }
    }
}
