use core::fmt;

use crate::error::InvalidByte;
use crate::field::Field;

/// The last event ID is left out of requests, since no header carries it.
///
/// # Examples
///
/// ```
/// use ssewire::client::{Client, Policy, UnsendableId};
///
/// let mut parser = ssewire::Parser::<[u8; 64]>::new();
/// parser.set_last_event_id(b"4\x072")?;
/// let mut client = Client::new(parser, Policy::ROBUST, 1);
/// assert!(client.last_event_id().is_none());
/// assert!(matches!(client.unsendable_id(), Some(UnsendableId::InvalidByte(error)) if error.position == 1));
/// # Ok::<(), ssewire::IdError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum UnsendableId {
    /// It is longer than the policy's [`max_id_len`](super::Policy::max_id_len).
    TooLong {
        /// Its length, in bytes.
        len: usize,
        /// The longest length to send, in bytes.
        limit: usize,
    },
    /// It holds a control character other than a tab.
    InvalidByte(InvalidByte),
}

impl UnsendableId {
    /// Returns why `id` cannot be sent, if it cannot.
    pub(super) fn check(id: &[u8], limit: usize) -> Result<(), UnsendableId> {
        if id.len() > limit {
            return Err(UnsendableId::TooLong { len: id.len(), limit });
        }
        match id.iter().position(|&byte| byte < b' ' && byte != b'\t' || byte == 0x7f) {
            None => Ok(()),
            Some(position) => Err(UnsendableId::InvalidByte(InvalidByte {
                field: Field::Id,
                byte: id.get(position).copied().unwrap_or_default(),
                position,
            })),
        }
    }
}

impl fmt::Display for UnsendableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnsendableId::TooLong { len, limit } => {
                write!(f, "last event ID left out of the request: {len} bytes, the limit is {limit}")
            }
            UnsendableId::InvalidByte(error) => write!(f, "last event ID left out of the request: {error}"),
        }
    }
}

impl core::error::Error for UnsendableId {}

/// Returns a number that is not zero and tells `id` from others (FNV-1a).
pub(super) fn hash(id: &[u8]) -> u32 {
    id.iter().fold(0x811c_9dc5, |hash: u32, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)) | 1
}
