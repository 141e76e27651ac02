//! Records the compiler, and the version and features of each direct dependency that is measured or is a part of that, so that
//! a report says what was built.

use std::process::Command;

/// Dependencies of the harness alone.
const HARNESS: [&str; 5] = ["clap", "cpu-time", "plotters", "rustix", "serde_json"];

fn main() {
    println!("cargo:rerun-if-env-changed=RUSTC");
    println!("cargo:rerun-if-changed=../../Cargo.lock");
    println!("cargo:rerun-if-changed=Cargo.toml");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    println!("cargo:rustc-env=RUSTC_VERSION={}", output(&rustc, &["--version"]).trim());
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    // With the features of this package's build, not of the workspace.
    let arguments =
        ["tree", "--offline", "--depth", "1", "--edges", "normal", "--prefix", "none", "--format", "{p} ({f})"];
    println!("cargo:rustc-env=DEPENDENCIES={}", dependencies(&output(&cargo, &arguments)).join("; "));
}

fn output(command: &str, arguments: &[&str]) -> String {
    let output = Command::new(command).args(arguments).output().ok();
    output.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default()
}

/// `name version (feature, feature)` of each direct dependency, of lines as `name v1.2.3 (/its/path) (feature,feature)`. The
/// first line is the package itself.
fn dependencies(tree: &str) -> Vec<String> {
    let dependencies: Vec<String> = tree.lines().skip(1).filter_map(describe).collect();
    if dependencies.is_empty() {
        return vec!["unknown".into()];
    }
    dependencies
}

fn describe(line: &str) -> Option<String> {
    let mut words = line.split(' ');
    let name = words.next().filter(|name| !HARNESS.contains(name))?;
    let version = words.next()?.strip_prefix('v')?;
    let features = words.next_back()?.strip_prefix('(')?.strip_suffix(')')?;
    let features = if features.is_empty() { "none".into() } else { features.replace(',', ", ") };
    Some(format!("{name} {version} ({features})"))
}
