//! The tests, but for those in `published.rs`, which the package has too, and `allocation.rs`, which has its own allocator. One
//! program of modules: thirty programs take minutes to link.

mod common;
mod history;
mod model;
#[cfg(feature = "conformance")]
mod wrong;

mod blocks;
mod borrowing;
mod capacity;
#[cfg(feature = "conformance")]
mod chunking;
mod client_chromium;
mod client_simulation;
mod client_states;
mod client_words;
mod errors;
mod exhaustive;
mod found;
#[cfg(feature = "bytes")]
mod fuzz_seeds;
mod hostile;
mod http;
mod last_event_id;
mod mixed;
#[cfg(all(feature = "bytes", feature = "serde"))]
mod owned;
mod replay;
mod retry;
#[cfg(feature = "conformance")]
mod runner;
mod streams;
mod unfinished;
mod unknown;
mod values;
mod writer;
