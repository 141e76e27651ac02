//! Builds and runs every program beside it and those of other packages, and prints a table. Fails if one does.
//! With `--built`, it builds nothing.

use std::env;
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use tokio::process::Command;
use tokio::time::timeout;

/// The programs that are not a `[[bin]]` of this package: a name, and a command for `sh` in this directory that builds it, runs
/// it and prints a line about the run.
const OTHERS: &[(&str, &str)] = &[("c", "c/run"), ("wasm", "wasm/run")];

const LIMIT: Duration = Duration::from_secs(60);
/// The same for a command that builds first.
const BUILD_LIMIT: Duration = Duration::from_secs(900);

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    env::set_current_dir(env!("CARGO_MANIFEST_DIR"))?;
    let is_built = env::args().any(|argument| argument == "--built");
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--bins", "--examples"]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    if !is_built && !build.status().await?.success() {
        return Err("the programs do not build".into());
    }
    let this = env::current_exe()?;
    let bins = this.parent().ok_or("the program is in no directory")?;

    println!("{:<18} {:<6} {:>5}  counterpart", "program", "", "s");
    let mut failed = 0;
    for name in programs()?.iter().filter(|name| *name != env!("CARGO_BIN_NAME")) {
        let end = run(&mut Command::new(bins.join(name)), LIMIT).await;
        failed += usize::from(!report(name, &end));
    }
    for (name, command) in OTHERS {
        // In one place with the rest, so that what they share is built once.
        let target = bins.parent().unwrap_or(bins);
        let mut command = sh(command);
        command.env("CARGO_TARGET_DIR", target).env("SERVE", bins.join("examples/serve"));
        let end = run(&mut command, BUILD_LIMIT).await;
        failed += usize::from(!report(name, &end));
    }
    if failed > 0 {
        println!("{failed} failed");
        return Ok(ExitCode::FAILURE);
    }
    println!("all passed");
    Ok(ExitCode::SUCCESS)
}

const MANIFEST: &str = include_str!("Cargo.toml");

/// The names of this package's programs, in order.
fn programs() -> Result<Vec<String>, Box<dyn std::error::Error>> {
    #[derive(serde::Deserialize)]
    struct Manifest {
        bin: Vec<Bin>,
    }
    #[derive(serde::Deserialize)]
    struct Bin {
        name: String,
    }
    let manifest: Manifest = toml::from_str(MANIFEST)?;
    Ok(manifest.bin.into_iter().map(|bin| bin.name).collect())
}

fn sh(command: &str) -> Command {
    let mut sh = Command::new("sh");
    sh.args(["-c", command]);
    sh
}

/// How a program ended.
struct End {
    passed: bool,
    seconds: f32,
    /// The last line that it printed, or why it failed.
    line: String,
    /// All that it wrote to stderr.
    log: String,
}

/// Runs `command`, for as long as `limit` at most. It passes when it succeeds and prints one line.
async fn run(command: &mut Command, limit: Duration) -> End {
    let start = Instant::now();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let ended = timeout(limit, command.output()).await;
    let seconds = start.elapsed().as_secs_f32();
    let (passed, line, log) = match ended {
        Ok(Ok(output)) => {
            let log = String::from_utf8_lossy(&output.stderr).into_owned();
            let stdout = String::from_utf8_lossy(&output.stdout);
            if output.status.success() {
                (true, stdout.lines().last().unwrap_or_default().to_owned(), log)
            } else {
                (false, output.status.to_string(), log)
            }
        }
        Ok(Err(error)) => (false, error.to_string(), String::new()),
        Err(_) => (false, format!("took longer than {limit:?}"), String::new()),
    };
    End { passed, seconds, line, log }
}

/// Prints a line of the table, and what a program that failed has logged; whether it passed.
fn report(name: &str, end: &End) -> bool {
    let verdict = if end.passed { "ok" } else { "FAILED" };
    println!("{name:<18} {verdict:<6} {:>5.1}  {}", end.seconds, end.line);
    if !end.passed {
        eprint!("{}", end.log);
    }
    end.passed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_passes_with_its_line_and_fails_with_the_reason() {
        let ok = run(&mut sh("echo building; echo 3 events"), LIMIT).await;
        assert_eq!((ok.passed, &*ok.line), (true, "3 events"));
        let failed = run(&mut sh("echo 3 events; echo wrong >&2; exit 2"), LIMIT).await;
        assert_eq!((failed.passed, &*failed.line, &*failed.log), (false, "exit status: 2", "wrong\n"));
        let hung = run(&mut sh("exec sleep 600"), Duration::from_millis(100)).await;
        assert_eq!((hung.passed, &*hung.line), (false, "took longer than 100ms"));
        let missing = run(&mut Command::new("./no-such-program"), LIMIT).await;
        assert!(!missing.passed);
    }

    #[test]
    fn no_program_in_this_directory_is_forgotten() {
        for entry in std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap() {
            let path = entry.unwrap().path();
            let is_program = path.extension().is_some_and(|extension| extension == "rs")
                && std::fs::read_to_string(&path).unwrap().contains("fn main()");
            let file = path.file_name().unwrap().to_str().unwrap();
            assert!(!is_program || MANIFEST.contains(&format!("path = \"{file}\"")), "{file}");
        }
    }
}
