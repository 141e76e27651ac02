//! What the fuzz targets call, and the parts of the crate's tests that it uses.

#[path = "../../tests/common/mod.rs"]
mod common;
#[path = "../../tests/history/mod.rs"]
mod history;
#[path = "../../tests/model/mod.rs"]
mod model;

mod checks;

pub use checks::*;
