//! Serves Server-Sent Events (`text/event-stream`) over hyper 1 and axum, on top of [`ssewire`].
//!
//! - [`Hub`] is a stream with its history: events in, response bodies out. A client that comes back with its last event ID goes on
//!   where it was. One that missed events is told so. Thousands of readers share one encoding and one history.
//! - [`EventBody`] is an [`http_body::Body`] that writes all that is ready in one chunk.
//! - [`Server`] is an accept loop with the socket options that event streams need. The body works in any other loop too.
//! - [`Log`] is a log that several processes append to and serve, such as a stream of Redis (feature `redis`).
//!
//! # Examples
//!
//! A server, and a client that missed an event:
//!
//! ```
//! use ssewire::Frame;
//! use ssewire_client::EventSource;
//! use ssewire_server::{Hub, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let hub = Hub::new();
//! let events = hub.clone();
//! let server = Server::bind("127.0.0.1:0").await?;
//! let url = format!("http://{}/", server.local_addr()?);
//! tokio::spawn(server.serve(
//!     hyper::service::service_fn(move |request| std::future::ready(Ok::<_, std::convert::Infallible>(events.respond(&request)))),
//!     std::future::pending(),
//! ));
//!
//! let first = hub.publish(Frame::new().data("one"))?;
//! hub.publish(Frame::new().data("two"))?;
//! let mut source = EventSource::builder(&url).last_event_id(first.to_string()).build()?;
//! let event = source.next().await.ok_or("an event")??;
//! assert_eq!(event.data(), b"two");
//! # Ok(())
//! # }
//! ```
//!
//! # The view of a client
//!
//! | | |
//! |---|---|
//! | at the start | a comment, and a `retry` of its own, so that clients of a server that died come back apart |
//! | its last event ID is held | the events after it |
//! | its last event ID is not held | `event: gap` with `data: unknown`, and all that is held |
//! | it reads too slowly | `event: gap` with the number of events that it missed, and all that is held |
//! | nothing happens | a comment every 15 seconds |
//! | the server shuts down | the events that are ready, a `retry`, and the end |
//!
//! # Browsers
//!
//! An `EventSource` cannot set `Authorization`: check a cookie, or a token of short life in the query, before you call
//! [`Hub::respond`]. For a page of another origin, add `access-control-allow-origin` to the response, and for its cookies
//! `access-control-allow-credentials: true` and an `EventSource` with `withCredentials`.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `axum` | [`events`], a route of axum, and [`Server::serve_router`] |
//! | `redis` | [`RedisLog`] |
//!

// Without its feature, an item is linked to where it is documented.
#![cfg_attr(
    not(feature = "axum"),
    doc = "[`events`]: https://docs.rs/ssewire-server/latest/ssewire_server/fn.events.html"
)]
#![cfg_attr(
    not(feature = "axum"),
    doc = "[`Server::serve_router`]: https://docs.rs/ssewire-server/latest/ssewire_server/struct.Server.html#method.serve_router"
)]
#![cfg_attr(
    not(feature = "redis"),
    doc = "[`RedisLog`]: https://docs.rs/ssewire-server/latest/ssewire_server/struct.RedisLog.html"
)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod accept;
mod body;
mod file;
mod hub;
mod log;
mod options;
mod state;
mod task;

#[cfg(feature = "axum")]
mod axum;
#[cfg(feature = "redis")]
mod redis;

#[cfg(feature = "axum")]
pub use self::axum::events;
#[cfg(feature = "redis")]
pub use self::redis::{RedisError, RedisLog};
pub use accept::{Server, configure};
pub use body::EventBody;
pub use hub::{ConnectionStats, Hub, Stats};
pub use log::{After, Entry, Log, MemoryLog, Page};
pub use options::{Builder, PublishError, Slow, Start};
pub use ssewire::replay::GAP;

// The README's examples are tests as well.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
struct Readme;
