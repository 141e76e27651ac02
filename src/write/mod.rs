//! Writing: frames in, bytes out.

mod encoder;
mod format;
mod frame;
#[cfg(feature = "alloc")]
mod grow;
mod number;
mod parts;
mod slice;

pub use encoder::Encoder;
pub use format::FormattedFrame;
pub use frame::Frame;
pub(crate) use frame::Id;
pub(crate) use number::digits;
pub use parts::Parts;
