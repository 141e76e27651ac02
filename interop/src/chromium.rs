//! Chromium, headless: it opens a stand's page, which reads all streams with its `EventSource` and reports.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::process::Command;

use crate::process::Program;

/// A browser, ended when this is dropped.
#[derive(Debug)]
pub struct Chromium {
    /// Dropped first: it writes to the profile as long as it runs.
    _program: Program,
    _profile: TempDir,
}

const FLAGS: [&str; 13] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-quic",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-proxy-server",
];

impl Chromium {
    /// Opens the page of the stand at `address`.
    ///
    /// # Errors
    ///
    /// When the browser cannot be started.
    pub fn open(program: &OsStr, address: SocketAddr) -> anyhow::Result<Chromium> {
        let profile = TempDir::new()?;
        let mut command = Command::new(program);
        command
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(format!("http://{address}/"))
            // It writes to both, whatever profile it is given.
            .envs([("HOME", profile.path()), ("TMPDIR", profile.path())])
            .stderr(Stdio::null());
        Ok(Chromium { _program: Program::start(&mut command)?, _profile: profile })
    }
}

/// The standard: a stream is decoded as UTF-8, which drops one byte order mark at its start (9.2.6), so that a line end
/// behind it ends an empty line; in its grammar (9.2.5), `stream = [ bom ] *event`. Chromium takes the byte behind the
/// mark for the first of a line, whatever it is.
///
/// <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>
pub const DEVIATION: &str =
    "a CR or LF directly behind a byte order mark ends no line, so that the line behind it is another";

/// What must be given to a reader of the standard so that it reads what Chromium reads of `stream`, if that is another
/// stream: [`DEVIATION`].
#[must_use]
pub fn deviates(stream: &[u8]) -> Option<Vec<u8>> {
    match stream {
        [0xef, 0xbb, 0xbf, b'\r' | b'\n', ..] => {
            let mut read = stream.to_vec();
            // No field's name begins with it, as none begins with a line end.
            read[3] = b'?';
            Some(read)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::deviates;
    use crate::ours::decoded;

    #[test]
    fn the_deviation_is_one_line() {
        for (line_end, seen) in [("\n", &["2"][..]), ("\r", &["2"]), ("\r\n", &["1", "2"])] {
            let stream = format!("\u{feff}{line_end}data: 1\n\ndata: 2\n\n");
            let data = |stream: &[u8]| -> Vec<String> {
                decoded(stream).expect("the same in all chunks").into_iter().map(|seen| seen.data).collect()
            };
            assert_eq!(data(stream.as_bytes()), ["1", "2"]);
            assert_eq!(data(&deviates(stream.as_bytes()).expect("it does")), seen);
        }
        assert_eq!(deviates("\u{feff}data: 1\n\n".as_bytes()), None);
        assert_eq!(deviates("\n\u{feff}\ndata: 1\n\n".as_bytes()), None);
    }
}
