//! Checks that the header that C programs include is what cbindgen makes of the source.

use std::path::PathBuf;

fn main() {
    println!("cargo::rerun-if-changed=src/lib.rs");
    println!("cargo::rerun-if-changed=cbindgen.toml");
    println!("cargo::rerun-if-changed=ssewire.h");
    let mut made = Vec::new();
    cbindgen::generate(".").expect("cbindgen reads the source").write(&mut made);
    let there = std::fs::read("ssewire.h").unwrap_or_default();
    if made != there {
        let path = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it")).join("ssewire.h");
        std::fs::write(&path, made).expect("the directory is there");
        panic!("ssewire.h is not up to date; copy {}", path.display());
    }
}
