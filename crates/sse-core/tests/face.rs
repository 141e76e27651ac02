//! The behaviour that users of the interface rely on. The same tests run against the original and against this crate.

#![allow(clippy::duplicate_mod, reason = "one suite for two crates")]

/// The crate that was published as `sse-core`.
#[path = "face"]
mod original {
    use ::original as subject;

    mod suite;
}

#[path = "face"]
mod ours {
    use ::sse_core as subject;

    mod suite;
}
