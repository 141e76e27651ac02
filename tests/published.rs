//! The tests that the package has: those of the vectors, and those of what users copy.

mod common;

#[cfg(all(feature = "bytes", feature = "conformance"))]
mod conformance;
mod readme;
mod reconnect;
