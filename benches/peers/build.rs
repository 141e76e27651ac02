//! Records the compiler, and the version and features of each direct dependency that is measured or is a part of that, so that
//! a report says what was built.

use std::process::Command;

use serde_json::Value;

/// Dependencies of the harness alone.
const HARNESS: [&str; 5] = ["clap", "cpu-time", "plotters", "rustix", "serde_json"];

fn main() {
    println!("cargo:rerun-if-env-changed=RUSTC");
    println!("cargo:rerun-if-changed=Cargo.lock");
    println!("cargo:rerun-if-changed=Cargo.toml");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    println!("cargo:rustc-env=RUSTC_VERSION={}", output(&rustc, &["--version"]).trim());
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let target = std::env::var("TARGET").unwrap_or_default();
    let arguments = ["metadata", "--format-version", "1", "--offline", "--filter-platform", &target];
    println!("cargo:rustc-env=DEPENDENCIES={}", dependencies(&output(&cargo, &arguments)).join("; "));
}

fn output(command: &str, arguments: &[&str]) -> String {
    let output = Command::new(command).args(arguments).output().ok();
    output.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default()
}

/// `name version (feature, feature)` of each direct dependency.
fn dependencies(metadata: &str) -> Vec<String> {
    let metadata: Value = serde_json::from_str(metadata).unwrap_or_default();
    let resolve = &metadata["resolve"];
    let find = |list: &Value, id: &Value| list.as_array()?.iter().find(|one| one["id"] == *id).cloned();
    let Some(root) = find(&resolve["nodes"], &resolve["root"]) else {
        return vec!["unknown".into()];
    };
    let direct = root["dependencies"].as_array().cloned().unwrap_or_default();
    direct.iter().filter_map(|id| describe(&find(&metadata["packages"], id)?, &find(&resolve["nodes"], id)?)).collect()
}

fn describe(package: &Value, node: &Value) -> Option<String> {
    let name = package["name"].as_str().filter(|name| !HARNESS.contains(name))?;
    let features: Vec<&str> = node["features"].as_array()?.iter().filter_map(Value::as_str).collect();
    let features = if features.is_empty() { "none".into() } else { features.join(", ") };
    Some(format!("{name} {} ({features})", package["version"].as_str()?))
}
