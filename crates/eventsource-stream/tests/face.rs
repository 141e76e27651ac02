//! The behaviour that users of the interface rely on. The same tests run against the original and against this crate.

#![allow(clippy::duplicate_mod, reason = "one suite for two crates")]

mod common;

/// The crate that was published as `eventsource-stream`.
#[path = "face"]
mod original {
    use ::original as subject;

    mod suite;
}

#[path = "face"]
mod ours {
    use ::eventsource_stream as subject;

    mod suite;
}
