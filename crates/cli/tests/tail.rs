//! `sse tail` against servers as people report of them, and against hostile ones. Names begin with the kind of report.

#[path = "../../client/tests/common/mod.rs"]
mod common;

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Answer, Server, header, response, stop, stream};

struct Done {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn command(server: &Server, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sse"));
    for proxy in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    command.args(["tail", &server.url]).args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn text(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        from.read_to_string(&mut text).unwrap();
        text
    })
}

fn tail(server: &Server, args: &[&str]) -> Done {
    let mut child = command(server, args).spawn().unwrap();
    let (stdout, stderr) = (text(child.stdout.take().unwrap()), text(child.stderr.take().unwrap()));
    let start = Instant::now();
    let code = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        if start.elapsed() > Duration::from_secs(40) {
            child.kill().unwrap();
            panic!("it hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    Done { code, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

#[test]
fn kind_a_a_stream_without_events_is_explained() {
    for (body, words) in [
        (
            "{\"error\":{\"message\":\"m\"}}\n",
            "no event in 1 line; not a field of the format: {\"error\":{\"message\":\"m\"}}",
        ),
        ("<html>\n<body>\n", "no event in 2 lines; 2 are not a field of the format, the first is: <html>"),
        (" event: x \n data: y\n\n", "(unknown field \" event\": the name is \"event\""),
        ("event: done\n\n", "1 block sets a type but has no data"),
    ] {
        let done = tail(&Server::new(vec![Answer::Send(stream(body))]), &["--max-attempts", "1"]);
        assert_eq!((done.code, &*done.stdout), (Some(3), ""));
        assert!(done.stderr.contains(words), "{}", done.stderr);
    }
}

#[test]
fn kind_a_a_stream_without_events_is_explained_before_its_end() {
    let server = Server::new(vec![Answer::Hold(stream(" event: x \n data: y\n\n"))]);
    let mut child = command(&server, &[]).spawn().unwrap();
    let mut note = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut note).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(note.contains("no event in 2 lines; 2 are not a field of the format"), "{note}");
}

#[test]
fn kind_b_the_wait_is_bounded_both_ways() {
    let answer = |data| Answer::Send(stream(&format!("retry: 0\ndata: {data}\n\n")));
    let server = Server::new(vec![answer("x"), answer("y"), stop()]);
    assert_eq!(tail(&server, &[]).stdout, "message x\nmessage y\n");
    assert!(server.most_requests_in(Duration::from_millis(90)) <= 2);
    let server = Server::new(vec![Answer::Send(stream("retry: 18446744073709551615\ndata: x\n\n"))]);
    let mut child = command(&server, &[]).spawn().unwrap();
    let mut note = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut note).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let wait: u64 = note.trim().strip_suffix(" ms").and_then(|note| note.rsplit(' ').next()?.parse().ok()).unwrap();
    assert!(wait <= 30_000, "{note}");
}

#[test]
fn kind_c_attempts_that_bring_nothing_are_counted() {
    for answer in [stream(""), stream(": c\n\n"), response("503 Busy", b""), Vec::new()] {
        let server = Server::new(vec![Answer::Send(answer)]);
        let done = tail(&server, &["--max-attempts", "2"]);
        assert_eq!((done.code, server.requests().len()), (Some(3), 2), "{}", done.stderr);
        assert!(done.stderr.contains("gave up after 2 failed attempts"), "{}", done.stderr);
    }
}

#[test]
fn kind_e_a_content_coding_is_named() {
    let head = "200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip";
    let done = tail(&Server::new(vec![Answer::Send(response(head, b"\x1f\x8b"))]), &[]);
    assert!(done.code == Some(1) && done.stderr.contains("gzip"), "{}", done.stderr);
}

#[test]
fn kind_f_silence_is_bounded() {
    for answer in
        [Answer::Hold(Vec::new()), Answer::Hold(b"HTTP/1.1 200 OK\r\nCont".to_vec()), Answer::Hold(stream(": c\n"))]
    {
        let done = tail(&Server::new(vec![answer]), &["--idle-timeout", "1", "--max-attempts", "1"]);
        assert!(done.code == Some(3) && done.stderr.contains("1000 ms"), "{}", done.stderr);
    }
    let server = Server::new(vec![Answer::Hold(stream("id: 1\ndata: x\n\n")), stop()]);
    let done = tail(&server, &["--idle-timeout", "1"]);
    assert_eq!((done.code, &*done.stdout), (Some(0), "message #1 x\n"));
}

#[test]
fn kind_g_the_body_of_a_failed_response_is_shown() {
    for status in ["400 Bad Request", "401 Unauthorized", "500 Internal Server Error"] {
        let server = Server::new(vec![Answer::Send(response(status, b"{\"error\":\"no \x1b[2Jsuch model\"}"))]);
        let done = tail(&server, &["--max-attempts", "1"]);
        assert!(
            done.code != Some(0) && done.stderr.contains("{\"error\":\"no \u{fffd}[2Jsuch model\"}"),
            "{}",
            done.stderr
        );
    }
}

#[test]
fn kind_i_a_request_is_given_whole() {
    let server = Server::new(vec![stop()]);
    let args = ["-H", "Authorization: Bearer t", "-H", "x-a:b", "-d", "{\"stream\":true}", "--last-event-id", "3"];
    assert_eq!(tail(&server, &args).code, Some(0));
    let request = &server.requests()[0];
    assert!(request.starts_with("POST ") && request.ends_with("\r\n\r\n{\"stream\":true}"), "{request}");
    for (name, value) in
        [("authorization", "Bearer t"), ("x-a", "b"), ("content-type", "application/json"), ("last-event-id", "3")]
    {
        assert_eq!(header(request, name), Some(value));
    }
    let file = std::env::temp_dir().join(format!("sse-body-{}", std::process::id()));
    std::fs::write(&file, "from a file").unwrap();
    let server = Server::new(vec![stop()]);
    let data = format!("@{}", file.display());
    assert_eq!(tail(&server, &["-X", "PUT", "-d", &data, "-H", "Content-Type: text/plain"]).code, Some(0));
    std::fs::remove_file(&file).unwrap();
    let request = &server.requests()[0];
    assert!(request.starts_with("PUT ") && request.ends_with("from a file"), "{request}");
    assert_eq!(header(request, "content-type"), Some("text/plain"));
    for args in [&["-H", "none"][..], &["-H", "a b: c"], &["-d", "@/no/such/file"], &["-X", "a b"]] {
        let done = tail(&server, args);
        assert_eq!((done.code, server.requests().len()), (Some(1), 1), "{}", done.stderr);
    }
}

#[test]
fn kind_j_content_types() {
    for (content_type, args, code) in [
        ("Text/Event-Stream ; charset=utf-8", &[][..], 0),
        ("application/json", &[], 1),
        ("text/html", &["--any-type"], 1),
    ] {
        let head = format!("200 OK\r\nContent-Type: {content_type}");
        let server = Server::new(vec![Answer::Send(response(&head, b"data: x\n\n")), stop()]);
        let done = tail(&server, args);
        assert_eq!(done.code, Some(code), "{content_type}: {}", done.stderr);
    }
    let server = Server::new(vec![Answer::Send(response("200 OK", b"data: x\n\n")), stop()]);
    assert_eq!(tail(&server, &["--any-type"]).stdout, "message x\n");
}

#[test]
fn kind_k_redirects() {
    let target = Server::new(vec![Answer::Send(stream("data: x\n\n")), stop()]);
    let first = Server::new(vec![Answer::Send(response(&format!("308 Permanent\r\nLocation: {}", target.url), b""))]);
    assert_eq!(tail(&first, &[]).stdout, "message x\n");
    assert_eq!((first.requests().len(), target.requests().len()), (1, 2));
    let done = tail(&Server::new(vec![Answer::Send(response("302 Found", b""))]), &[]);
    assert!(done.code == Some(1) && done.stderr.contains("redirect 302, which cannot be followed"), "{}", done.stderr);
    let endless = Server::new(vec![Answer::Send(response("302 Found\r\nLocation: /events", b""))]);
    let done = tail(&endless, &["--max-attempts", "1"]);
    assert!(done.code == Some(3) && done.stderr.contains("redirects"), "{}", done.stderr);
    assert!(endless.requests().len() < 10);
}

#[test]
fn kind_m_an_id_that_no_header_carries_is_left_out_and_reported_once() {
    let body = format!("id: {}\ndata: x\n\n", "i".repeat(128 << 10));
    let server = Server::new(vec![Answer::Send(stream(&body)), Answer::Send(stream("data: y\n\n")), stop()]);
    let done = tail(&server, &["--data"]);
    assert_eq!((done.code, &*done.stdout), (Some(0), "x\ny\n"));
    assert_eq!(done.stderr.matches("left out of the request").count(), 1, "{}", done.stderr);
}

#[test]
fn kind_n_events_before_a_broken_chunk_are_printed() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    let pieces = vec![[&head[..], b"9\r\ndata: x\n\n\r\n"].concat(), b"zz\r\n".to_vec()];
    let server = Server::new(vec![Answer::Drip(pieces, Duration::from_millis(100)), stop()]);
    let done = tail(&server, &[]);
    assert_eq!((done.code, &*done.stdout), (Some(0), "message x\n"));
    assert!(done.stderr.contains("the connection is lost: "), "{}", done.stderr);
}

#[test]
fn the_rules_of_browsers_are_strict() {
    let server = Server::new(vec![Answer::Send(response("503 Busy", b""))]);
    let done = tail(&server, &["--browser"]);
    assert_eq!((done.code, server.requests().len()), (Some(1), 1), "{}", done.stderr);
    let server = Server::new(vec![Answer::Send(stream("retry: 0\ndata: x\n\n")), stop()]);
    let done = tail(&server, &["--browser"]);
    assert!(done.code == Some(0) && done.stderr.contains("connecting again in 0 ms"), "{}", done.stderr);
}

/// Runs against a server that never stops, for so long, and returns the most memory that it took, in KiB.
fn memory_after(server: &Server, args: &[&str], time: Duration) -> u64 {
    let mut child = command(server, args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(time);
    assert_eq!(child.try_wait().unwrap(), None, "it ended");
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().strip_suffix(" kB").unwrap().trim().parse().unwrap()
}

#[test]
fn hostile_streams_take_bounded_memory() {
    for (first, again, args) in [
        (stream(""), b":\n".repeat(500), &[][..]),
        (stream(""), b": keep-alive\n\n".repeat(100), &["--comments"]),
        (stream("data: "), vec![b'x'; 1000], &["--limit", "100000"]),
        (stream(""), vec![b'x'; 1000], &["--unknown", "--limit", "100000"]),
        (stream("event: "), vec![b'x'; 1000], &["--limit", "100000"]),
        (stream(": "), vec![b'x'; 1000], &["--comments", "--limit", "100000"]),
    ] {
        let server = Server::new(vec![Answer::Repeat(first, again)]);
        let peak = memory_after(&server, args, Duration::from_secs(2));
        assert!(peak < 40_000, "{peak} KiB");
    }
}

#[test]
fn hostile_heads_end_in_words() {
    let server = Server::new(vec![Answer::Repeat(
        b"HTTP/1.1 200 OK\r\n".to_vec(),
        b"X-A: aaaaaaaaaaaaaaaaaaaaaaaa\r\n".to_vec(),
    )]);
    let done = tail(&server, &["--max-attempts", "1", "--idle-timeout", "5"]);
    assert!(done.code == Some(3) && done.stderr.contains("no response"), "{}", done.stderr);
    let server = Server::new(vec![Answer::Send(b"SSH-2.0-x\r\n".to_vec())]);
    let done = tail(&server, &["--max-attempts", "1"]);
    assert!(done.code == Some(3) && done.stderr.contains("no response"), "{}", done.stderr);
}

#[test]
fn a_slow_drip_is_followed() {
    let pieces = stream("id: 1\ndata: x\n\n").iter().map(|&byte| vec![byte]).collect();
    let server = Server::new(vec![Answer::Drip(pieces, Duration::from_millis(5)), stop()]);
    assert_eq!(tail(&server, &["--idle-timeout", "2"]).stdout, "message #1 x\n");
}

#[test]
fn a_reset_at_every_byte_loses_nothing_that_was_dispatched() {
    let whole = stream("retry: 1\nid: 1\ndata: a\n\nid: 2\ndata: b\n\n");
    let body = stream("").len();
    let cuts = || (body + 9..whole.len()).step_by(3);
    let dispatched: usize = cuts().map(|len| String::from_utf8_lossy(&whole[body..len]).matches("\n\n").count()).sum();
    let mut answers: Vec<_> = cuts().map(|len| Answer::Reset(whole[..len].to_vec())).collect();
    answers.push(stop());
    let server = Server::new(answers);
    // A try each 100 ms at least.
    let done = tail(&server, &[]);
    assert_eq!((done.code, done.stdout.lines().count()), (Some(0), dispatched), "{}", done.stderr);
}

#[test]
fn a_closed_output_ends_an_endless_stream() {
    let server = Server::new(vec![Answer::Repeat(stream(""), b"data: x\n\n".to_vec())]);
    let mut child = command(&server, &[]).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let start = Instant::now();
    let code = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status.code(),
            None => assert!(start.elapsed() < Duration::from_secs(20), "it goes on"),
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    assert_eq!((code, &*line), (Some(0), "message x\n"));
}

#[test]
fn tls_that_is_refused_is_a_failed_attempt() {
    let server = Server::new(vec![Answer::Send(Vec::new())]);
    let mut https = Server { url: server.url.replace("http:", "https:"), ..server };
    let done = tail(&https, &["--max-attempts", "1", "--idle-timeout", "5"]);
    assert!(done.code == Some(3) && done.stderr.contains("no response"), "{}", done.stderr);
    https.url = "https://127.0.0.1:1/".into();
    assert_eq!(tail(&https, &["--max-attempts", "1"]).code, Some(3));
}

#[test]
fn a_machine_without_certificates_follows_http() {
    let server = Server::new(vec![Answer::Send(stream("data: x\n\n")), stop()]);
    let mut command = command(&server, &[]);
    let out = command.env("SSL_CERT_FILE", "/no/such/file").env("SSL_CERT_DIR", "/no/such/directory").output().unwrap();
    assert_eq!((out.status.code(), &*out.stdout), (Some(0), &b"message x\n"[..]));
}
