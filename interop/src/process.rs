//! Programs that are started, and ended with all that they started themselves.

use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

/// A program in a process group of its own, which is killed when this is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    group: Option<Pid>,
}

impl Program {
    /// Starts `command`. Its standard output can be read.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> anyhow::Result<Program> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| anyhow::anyhow!("{}: {error}", command.as_std().get_program().display()))?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        Ok(Program { child, group })
    }

    /// Its standard output; once.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Its standard error, if `command` has a pipe for it; once.
    pub fn stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// Waits for its end, and returns its exit code; `None` if a signal ended it.
    ///
    /// # Errors
    ///
    /// When the system cannot tell.
    pub async fn exit_code(&mut self) -> std::io::Result<Option<i32>> {
        Ok(self.child.wait().await?.code())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            // Not there any more: then there is nothing to do.
            let _ = killpg(group, Signal::SIGKILL);
        }
        // Its files are removed next. Killed, it cannot take long; should it, they are left.
        for _ in 0..100 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
