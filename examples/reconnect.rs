//! A client that reconnects and resumes over a plain `TcpStream`, with chunked coding, without TLS and redirects. It prints the
//! data of each event: `cargo run --example reconnect -- 127.0.0.1:8080 /events`.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use ssewire::client::{Action, Client, Head, Policy};
use ssewire::http::{Body, LAST_EVENT_ID, REQUEST_HEADERS};
use ssewire::{Parser, lossy};

fn main() -> Result<()> {
    let [_, host, path] = &std::env::args().collect::<Vec<_>>()[..] else { panic!("usage: reconnect HOST:PORT PATH") };
    let (start, mut policy) = (Instant::now(), Policy::ROBUST);
    let now = || start.elapsed().as_millis() as u64;
    let left = |until: u64| Duration::from_millis(until.saturating_sub(now()).max(1));
    policy.redirects = 0;
    let mut client = Client::new(Parser::with_limit(1 << 20), policy, std::process::id());
    let (mut connection, mut body, mut buf, mut len) = (None::<TcpStream>, Body::until_end(), [0; 16384], 0);
    loop {
        let action = client.poll(now());
        let (Action::Head { until } | Action::Read { until }) = action else {
            (connection, len) = (None, 0);
            client.excerpt().inspect(|excerpt| eprintln!("{excerpt}"));
            match action {
                Action::Wait { until } => std::thread::sleep(left(until)),
                Action::Closed(reason) => return Err(Error::other(reason)),
                _ => {
                    let id = client.last_event_id().map(|id| format!("{LAST_EVENT_ID}: {id}\r\n")).unwrap_or_default();
                    let fields = REQUEST_HEADERS.map(|(name, value)| format!("{name}: {value}\r\n")).concat() + &id;
                    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{fields}\r\n");
                    connection = TcpStream::connect(host).ok();
                    // If that fails, so does the next read.
                    connection.iter_mut().for_each(|tcp| _ = tcp.write_all(request.as_bytes()));
                }
            }
            continue;
        };
        let tcp = connection.as_mut().ok_or(ErrorKind::NotConnected.into());
        match tcp.and_then(|tcp| tcp.set_read_timeout(Some(left(until))).and_then(|()| tcp.read(&mut buf[len..]))) {
            Ok(n @ 1..) => len += n,
            Ok(0) if body.ends_with_connection() => client.on_end(now()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            _ => client.on_error(now()),
        }
        let mut input = &buf[..len];
        if let Action::Head { .. } = action {
            let Some((head, rest)) = Head::parse(input) else { continue };
            client.on_head(now(), &head);
            (body, input) = (head.body(), rest);
        }
        while let Ok(Some(mut piece)) = body.next(&mut input) {
            while let Some(event) = client.next(now(), &mut piece).transpose() {
                let data = event.map(|event| lossy(event.data()).to_string());
                println!("{}", data.unwrap_or_else(|overflow| overflow.to_string()));
            }
        }
        if body.is_ended() || !input.is_empty() {
            client.on_end(now());
        }
        len = 0;
    }
}
