//! Writing: frames in, bytes out.

mod encoder;
mod format;
mod frame;
mod parts;
mod slice;

pub use encoder::Encoder;
pub use format::FormattedFrame;
pub use frame::Frame;
pub use parts::Parts;
