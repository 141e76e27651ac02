//! The example `reconnect`, over real sockets: it resumes, waits, decodes and gives up.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a server answers, and the `Last-Event-ID` that it must have been sent.
type Answer = (Option<&'static str>, &'static [&'static str]);

/// Runs the example against a server that gives these answers, each in pieces, one after the other. Returns its output, its
/// errors, and the times of the requests from the start.
fn run(answers: &'static [Answer]) -> (String, String, Vec<Duration>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = std::thread::spawn(move || {
        let start = Instant::now();
        let mut times = Vec::new();
        for (id, pieces) in answers {
            let (mut connection, _) = listener.accept().unwrap();
            times.push(start.elapsed());
            assert_eq!(last_event_id(&connection).as_deref(), *id);
            for piece in *pieces {
                // Sent apart, so that the client reads them apart, as a rule.
                connection.write_all(piece.as_bytes()).unwrap();
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        times
    });
    let target = std::env::current_exe().unwrap();
    let program = target.ancestors().nth(2).unwrap().join("examples/reconnect");
    let mut child = Command::new(program)
        .args([&address, "/events"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("`cargo test` builds the example");
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > Duration::from_secs(20) {
            child.kill().unwrap();
            panic!("it hangs");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().unwrap();
    let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (stdout, stderr, server.join().unwrap())
}

/// Reads a request, checks it, and returns its last event ID.
fn last_event_id(connection: &TcpStream) -> Option<String> {
    let lines = BufReader::new(connection).lines().map(Result::unwrap);
    let lines: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    assert_eq!(lines[0], "GET /events HTTP/1.1");
    for field in ["accept: text/event-stream", "accept-encoding: identity", "cache-control: no-cache"] {
        assert!(lines.iter().any(|line| line == field), "{field} in {lines:?}");
    }
    lines.iter().find_map(|line| line.strip_prefix("last-event-id: ")).map(str::to_owned)
}

#[test]
fn resumes_after_cuts_in_every_framing() {
    let (stdout, stderr, times) = run(&[
        (
            None,
            &[
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-str",
                "eam\r\nTransfer-Encoding: chunked\r\n\r\n1b\r\nretry: 1",
                "00\nid: 1\ndata: one\n\r\n3\r\n\nda\r\n",
                "5\r\nta: h\r\n",
            ],
        ),
        (Some("1"), &[]),
        (
            Some("1"),
            &[
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 16\r\n\r\n",
                "id: 2\ndata: two\n\n",
            ],
        ),
        (
            Some("1"),
            &["HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", "id: 2\ndata: tw", "o\n\ndata: three\n\n"],
        ),
        (Some("2"), &["HTTP/1.1 204 No Content\r\n\r\n"]),
    ]);
    assert_eq!(stdout, "one\ntwo\nthree\n");
    assert!(stderr.contains("Status(204)"), "{stderr}");
    let waits: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // 100 ms, less what the server was late to note the request before.
    assert!(waits.iter().all(|wait| *wait >= Duration::from_millis(90)), "{waits:?}");
}

#[test]
fn waits_as_the_server_asks_and_shows_why_it_ends() {
    let (stdout, stderr, times) = run(&[
        (None, &["HTTP/1.1 503 X\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n"]),
        (None, &["HTTP/1.1 401 X\r\nContent-Type: application/json\r\n\r\n", "{\"error\":", "\"token\"}"]),
    ]);
    assert_eq!(stdout, "");
    assert!(stderr.contains("Status(401)") && stderr.contains("the body begins: {\"error\":\"token\"}"), "{stderr}");
    assert!(times[1] - times[0] >= Duration::from_millis(1900), "{times:?}");
}
