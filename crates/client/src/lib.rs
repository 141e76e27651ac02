//! Follows Server-Sent Events (`text/event-stream`) over async Rust, on top of [`ssewire`].
//!
//! - [`EventSource`] follows a stream over [`reqwest`]: connects, reads, reconnects and resumes, as a browser does or with bounded
//!   waits and attempts, by the state machine [`ssewire::client`].
//! - [`EventStream`] is a [`Stream`](futures_core::Stream) of events over the chunks of one response's body, from any HTTP stack.
//! - `chat` and `mcp` have the ends, errors and messages of chat models and of the Model Context Protocol (features).
//!
//! An event is an [`Event`]: one reference-counted buffer, in most cases a part of the chunk that the HTTP stack received, without
//! a copy.
//!
//! # Examples
//!
//! ```no_run
//! # #[cfg(feature = "reqwest")]
//! # async fn follow() -> Result<(), Box<dyn std::error::Error>> {
//! use ssewire_client::EventSource;
//!
//! let mut source = EventSource::get("http://127.0.0.1:8080/events")?;
//! while let Some(event) = source.next().await {
//!     match event {
//!         Ok(event) => println!("{}", event.text()?.data()),
//!         Err(error) if error.is_of_one_event() => eprintln!("{error}"), // the next event follows
//!         Err(error) => return Err(error.into()),                        // nothing follows
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `reqwest` | yes | [`EventSource`], and [`EventStream::from_response`] |
//! | `rustls`, `native-tls` | `rustls` | TLS, by the features of reqwest with these names |
//! | `http-body` | | `EventStream::from_body`, for hyper 1, axum, and any [`http_body::Body`](https://docs.rs/http-body) |
//! | `chat` | | helpers for streams of chat models |
//! | `mcp` | | helpers for the Model Context Protocol over streamable HTTP |
//! | `tracing` | | log events for connections that are lost, and for the end of a source |
//!

// Without its feature, an item is linked to where it is documented.
#![cfg_attr(
    not(feature = "reqwest"),
    doc = "[`EventSource`]: https://docs.rs/ssewire-client/latest/ssewire_client/struct.EventSource.html"
)]
#![cfg_attr(
    not(feature = "reqwest"),
    doc = "[`EventStream::from_response`]: https://docs.rs/ssewire-client/latest/ssewire_client/struct.EventStream.html#method.from_response"
)]
#![cfg_attr(not(feature = "reqwest"), doc = "[`reqwest`]: https://docs.rs/reqwest")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod error;
mod events;
#[cfg(feature = "reqwest")]
mod source;

#[cfg(feature = "chat")]
pub mod chat;
#[cfg(feature = "mcp")]
pub mod mcp;

pub use error::{Closed, Error, FailedResponse};
#[cfg(feature = "http-body")]
pub use events::BodyChunks;
pub use events::EventStream;
#[cfg(feature = "reqwest")]
pub use source::{BuildError, Builder, EventSource, Step};
pub use ssewire::EventBytes as Event;
pub use ssewire::client::{Cause, Policy, ReadyState, Reason};

/// The default of the largest event, in bytes: 16 MiB. Memory is allocated as an event needs it.
pub const LIMIT: usize = 16 << 20;
