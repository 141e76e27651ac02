//! Chromium on the page of `sse serve`, through kills and restarts. Needs `chromium` (the Debian package of that name).

#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// A process that ends with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A directory that is removed with the test.
struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn serve(port: u16, history: &Path) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sse"));
    command.args(["serve", "--rate", "20", "--port", &port.to_string(), "--history"]).arg(history);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("http://"), "{line}");
    Program(child)
}

/// Opens the page. The lines of its console arrive through the receiver.
fn open(port: u16, profile: &Path) -> (Program, Receiver<String>) {
    let mut command = Command::new("chromium");
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"])
        .args(["--disable-background-networking", "--disable-component-update", "--no-proxy-server"])
        .args(["--remote-debugging-port=0", "--enable-logging=stderr", "--window-size=900,560"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("http://127.0.0.1:{port}/#console"))
        .env("HOME", profile)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("chromium is installed");
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in stderr.split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            // ...:CONSOLE:71] "sse message 5", source: ...
            let Some((_, text)) = line.split_once("\"sse ") else { continue };
            let Some((text, _)) = text.split_once('"') else { continue };
            if sender.send(text.to_owned()).is_err() {
                return;
            }
        }
    });
    (Program(child), lines)
}

/// Waits for a line of the console, and returns those before it.
fn wait(lines: &Receiver<String>, expected: &str) -> Vec<String> {
    let mut before = Vec::new();
    loop {
        let line =
            lines.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("{expected} after {before:?}"));
        if line == expected {
            return before;
        }
        before.push(line);
    }
}

fn post(port: u16, data: &str) {
    let mut stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).unwrap();
    let head =
        format!("POST /events HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", data.len());
    stream.write_all((head + data).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn the_page_stays_through_restarts_and_misses_no_event() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let directory = Directory(std::env::temp_dir().join(format!("sse-chromium-{port}")));
    std::fs::create_dir_all(&directory.0).unwrap();
    let history = directory.0.join("history.sse");
    let mut server = serve(port, &history);
    let (_browser, console) = open(port, &directory.0.join("profile"));
    wait(&console, "open");
    let mut seen = Vec::new();
    for round in 0..4 {
        post(port, &format!("{round} before"));
        if round % 2 == 0 {
            drop(server); // SIGKILL
        } else {
            assert!(Command::new("kill").arg(server.0.id().to_string()).status().unwrap().success());
            assert!(server.0.wait().unwrap().success());
        }
        server = serve(port, &history);
        // The page is not back yet: it gets this from the history.
        post(port, &format!("{round} meanwhile"));
        seen.extend(wait(&console, "lost"));
        seen.extend(wait(&console, "open"));
        post(port, &format!("{round} after"));
    }
    seen.extend(wait(&console, "message 3 after"));
    let expected: Vec<String> = (0..4)
        .flat_map(|round| ["before", "meanwhile", "after"].map(|time| format!("message {round} {time}")))
        .collect();
    // Only messages: no gap.
    assert_eq!(seen, expected[..11]);
}
