//! Generates the real streams and the events expected of them as Rust, and the memory layout for the linker.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::Value;

// A microbit's, the smallest of the Arm machines. The others have more memory at the same places.
const ARM: &str = "
MEMORY {
    FLASH : ORIGIN = 0x00000000, LENGTH = 256K
    RAM : ORIGIN = 0x20000000, LENGTH = 16K
}
";
const RISCV: &str = r#"
MEMORY { RAM : ORIGIN = 0x80000000, LENGTH = 1M }
REGION_ALIAS("REGION_TEXT", RAM);
REGION_ALIAS("REGION_RODATA", RAM);
REGION_ALIAS("REGION_DATA", RAM);
REGION_ALIAS("REGION_BSS", RAM);
REGION_ALIAS("REGION_HEAP", RAM);
REGION_ALIAS("REGION_STACK", RAM);
"#;

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap());
    let arch = env::var("CARGO_CFG_TARGET_ARCH").unwrap();
    let memory = match arch.as_str() {
        "arm" => ARM,
        "riscv32" => RISCV,
        _ => return,
    };
    fs::write(out.join("memory.x"), memory).unwrap();
    fs::write(out.join("streams.rs"), streams(Path::new("../tests/streams"))).unwrap();
    println!("cargo:rustc-link-search={}", out.display());
    // The other programs are linked and inspected, but not run.
    for bin in ["streams", "stack"] {
        if arch == "riscv32" {
            println!("cargo:rustc-link-arg-bin={bin}=-Tmemory.x");
        }
        println!("cargo:rustc-link-arg-bin={bin}=-Tlink.x");
    }
    println!("cargo:rerun-if-changed=../tests/streams");
}

/// Returns the array of all streams, as Rust.
fn streams(folder: &Path) -> String {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "sse"));
    paths.sort();
    assert!(!paths.is_empty());
    let mut code = String::from("[\n");
    for path in paths {
        let expected = fs::read_to_string(path.with_extension("jsonl")).unwrap();
        let mut lines: Vec<Value> = expected.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let end = lines.pop().unwrap();
        let name = path.file_stem().unwrap();
        let bytes = fs::canonicalize(&path).unwrap();
        writeln!(code, "Stream {{ name: {name:?}, bytes: include_bytes!({bytes:?}), events: &[").unwrap();
        for event in lines {
            let [event_type, data, id] = ["event", "data", "id"].map(|key| event[key].as_str().unwrap());
            writeln!(code, "Expected {{ event_type: {event_type:?}, data: {data:?}, id: {id:?} }},").unwrap();
        }
        let time = end["reconnection_time_ms"].as_u64();
        let id = end["last_event_id"].as_str().unwrap();
        writeln!(code, "], reconnection_time_ms: {time:?}, last_event_id: {id:?} }},").unwrap();
    }
    code + "]"
}
