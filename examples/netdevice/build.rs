//! Writes the board's memory layout for the linker.

use std::path::PathBuf;
use std::{env, fs};

const LM3S6965: &str = "MEMORY {
    FLASH : ORIGIN = 0x00000000, LENGTH = 256K
    RAM : ORIGIN = 0x20000000, LENGTH = 64K
}
";
const MPS2: &str = "MEMORY {
    FLASH : ORIGIN = 0x00000000, LENGTH = 4M
    RAM : ORIGIN = 0x20000000, LENGTH = 4M
}
";

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap());
    let layout = if env::var_os("CARGO_FEATURE_LAN9118").is_some() { MPS2 } else { LM3S6965 };
    fs::write(out.join("memory.x"), layout).unwrap();
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rerun-if-changed=build.rs");
}
