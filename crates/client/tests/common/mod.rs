//! A server on a free port of 127.0.0.1 that answers connection by connection, as it is told.

#![allow(dead_code)] // Each test uses a part.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// No answer takes this long; a test that does hangs.
pub const LIMIT: Duration = Duration::from_secs(20);

/// The fate of one connection after its request was read.
#[derive(Clone)]
pub enum Answer {
    /// Sends this, and closes.
    Send(Vec<u8>),
    /// Sends this, and resets the connection.
    Reset(Vec<u8>),
    /// Sends this, and nothing more.
    Hold(Vec<u8>),
    /// Sends this again and again, until the client hangs up.
    Repeat(Vec<u8>, Vec<u8>),
    /// Sends this with a pause after each piece.
    Drip(Vec<Vec<u8>>, Duration),
}

pub struct Server {
    pub url: String,
    pub requests: Arc<Mutex<Vec<(Instant, String)>>>,
}

impl Server {
    /// Answers the connections in turn; the last answer is that of all later ones.
    pub fn new(answers: Vec<Answer>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/events", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        thread::spawn(move || {
            for (n, connection) in listener.incoming().enumerate() {
                let (Ok(connection), seen) = (connection, seen.clone()) else { return };
                let answer = answers[n.min(answers.len() - 1)].clone();
                thread::spawn(move || serve(connection, answer, &seen));
            }
        });
        Server { url, requests }
    }

    /// The requests so far: head and body.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().iter().map(|(_, request)| request.clone()).collect()
    }

    /// The most requests in any time of this length.
    #[allow(dead_code)]
    pub fn most_requests_in(&self, time: Duration) -> usize {
        let requests = self.requests.lock().unwrap();
        let ends = requests
            .iter()
            .map(|(at, _)| requests.iter().filter(|(other, _)| *other >= *at && *other - *at < time).count());
        ends.max().unwrap_or(0)
    }
}

fn serve(mut connection: TcpStream, answer: Answer, seen: &Mutex<Vec<(Instant, String)>>) {
    connection.set_read_timeout(Some(LIMIT)).unwrap();
    let mut request = Vec::new();
    let mut buf = [0; 4096];
    loop {
        if let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
            let body = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
            if request.len() >= end + 4 + body {
                break;
            }
        }
        match connection.read(&mut buf) {
            Ok(n @ 1..) => request.extend_from_slice(&buf[..n]),
            _ => return,
        }
    }
    seen.lock().unwrap().push((Instant::now(), String::from_utf8_lossy(&request).into_owned()));
    match answer {
        Answer::Send(bytes) => drop(connection.write_all(&bytes)),
        Answer::Reset(bytes) => {
            drop(connection.write_all(&bytes));
            thread::sleep(Duration::from_millis(50));
            socket_reset(&connection);
            return;
        }
        Answer::Hold(bytes) => {
            drop(connection.write_all(&bytes));
            while let Ok(1..) = connection.read(&mut buf) {}
        }
        Answer::Repeat(first, again) => {
            if connection.write_all(&first).is_ok() {
                while connection.write_all(&again).is_ok() {}
            }
        }
        Answer::Drip(pieces, pause) => {
            for piece in pieces {
                if connection.write_all(&piece).is_err() {
                    return;
                }
                thread::sleep(pause);
            }
        }
    }
    drop(connection.shutdown(Shutdown::Write));
    while let Ok(1..) = connection.read(&mut buf) {}
}

/// Closes with a reset, by `SO_LINGER` of no time.
fn socket_reset(connection: &TcpStream) {
    drop(socket2::SockRef::from(connection).set_linger(Some(Duration::ZERO)));
}

/// A response with this head and body, which ends with the connection.
pub fn response(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n").as_bytes(), body].concat()
}

/// An event stream.
pub fn stream(body: &str) -> Vec<u8> {
    response("200 OK\r\nContent-Type: text/event-stream", body.as_bytes())
}

/// The server's word to stop.
pub fn stop() -> Answer {
    Answer::Send(response("204 No Content", b""))
}

/// The value of a header of a request.
pub fn header<'r>(request: &'r str, name: &str) -> Option<&'r str> {
    request.lines().skip(1).take_while(|line| !line.is_empty()).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}
