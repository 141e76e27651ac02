//! Server-Sent Events from buffers or a stream of buffers: the public interface of `sse-core` 0.2, over [`ssewire`].
//!
//! ```toml
//! sse-core = { package = "ssewire-sse-core", version = "0.2.3" }
//! ```
//!
//! The grammar is ssewire's [`Tokenizer`](ssewire::tokenizer::Tokenizer): each byte is read once, in any chunks. Its
//! pieces are put together in a buffer, and copied into the [`MessageEvent`] that owns them; large data takes the
//! buffer along. The differences from the original are listed, and asserted, in `tests/differences.rs`.
//!
//! # Examples
//!
//! ```
//! use sse_core::{SseDecoder, SseEvent};
//!
//! let mut decoder = SseDecoder::new();
//! let mut input = &b"retry: 100\ndata: hello\n\n"[..];
//! assert_eq!(decoder.next(&mut input), Some(Ok(SseEvent::Retry(100))));
//! let Some(Ok(SseEvent::Message(message))) = decoder.next(&mut input) else { panic!() };
//! assert_eq!(message.data, "hello");
//! assert_eq!(decoder.next(&mut input), None);
//! ```

#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

mod decode;
mod retry;
#[cfg(feature = "stream")]
mod stream;

pub use decode::{MessageEvent, PayloadTooLargeError, SseDecoder, SseEvent};
pub use retry::SseRetryConfig;
#[cfg(feature = "stream")]
pub use stream::{SseStream, SseStreamError, SseStreamResult};
