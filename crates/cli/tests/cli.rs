//! `sse`, driven as a process: its output, its exit status, and its behaviour on a live connection.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Nothing here takes a second; whatever takes this long hangs.
const LIMIT: Duration = Duration::from_secs(20);

fn sse() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sse"));
    for proxy in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running `sse`. Dropped before it has ended, it is killed.
struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Receiver<Vec<u8>>,
    stderr: Option<JoinHandle<String>>,
}

struct Done {
    code: Option<i32>,
    stdout: Vec<u8>,
    stderr: String,
}

impl Process {
    fn start(args: &[impl AsRef<OsStr>]) -> Process {
        let mut child = sse().args(args).spawn().unwrap();
        let stdin = child.stdin.take();
        let (mut out, mut err) = (BufReader::new(child.stdout.take().unwrap()), child.stderr.take().unwrap());
        let (lines, stdout) = mpsc::channel();
        thread::spawn(move || {
            loop {
                let mut line = Vec::new();
                if out.read_until(b'\n', &mut line).unwrap() == 0 || lines.send(line).is_err() {
                    break;
                }
            }
        });
        let stderr = Some(thread::spawn(move || {
            let mut text = String::new();
            err.read_to_string(&mut text).unwrap();
            text
        }));
        Process { child, stdin, stdout, stderr }
    }

    fn send(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(bytes).unwrap();
        stdin.flush().unwrap();
    }

    /// The next line of standard output, which must come while the input is still open.
    fn line(&self) -> Vec<u8> {
        self.stdout.recv_timeout(LIMIT).expect("no line in time")
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.line()).unwrap()
    }

    fn finish(mut self) -> Done {
        drop(self.stdin.take());
        let code = wait(&mut self.child);
        let stdout = self.stdout.iter().flatten().collect();
        Done { code, stdout, stderr: self.stderr.take().unwrap().join().unwrap() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait(child: &mut Child) -> Option<i32> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if start.elapsed() > LIMIT {
            child.kill().unwrap();
            panic!("it hangs");
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Runs it on an input that a pipe holds.
fn run(args: &[impl AsRef<OsStr>], stdin: &[u8]) -> Done {
    assert!(stdin.len() < 65536, "nobody would notice a hang while writing this");
    let mut process = Process::start(args);
    process.send(stdin);
    process.finish()
}

/// The output of `parse --json` with further `args`, which must be without complaint.
fn parse(args: &[&str], stdin: &[u8]) -> Vec<Value> {
    let done = run(&[&["parse", "--json"], args].concat(), stdin);
    assert_eq!((done.code, &*done.stderr), (Some(0), ""));
    json_lines(&done.stdout)
}

fn json_lines(bytes: &[u8]) -> Vec<Value> {
    std::str::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

fn event(event: &str, data: &str, id: &str) -> Value {
    json!({"event": event, "data": data, "id": id})
}

fn end(reconnection_time_ms: Option<u64>, last_event_id: &str) -> Value {
    json!({"reconnection_time_ms": reconnection_time_ms, "last_event_id": last_event_id})
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests")
}

fn vectors(name: &str) -> Vec<Value> {
    let mut vectors = json_lines(&std::fs::read(tests().join("conformance").join(name)).unwrap());
    assert!(vectors.len() > 20, "{name}");
    vectors.iter_mut().for_each(join_parts);
    // The tool takes longer ones from a file alone, in these tests: see `run`.
    vectors.retain(|vector| vector.to_string().len() < 65536);
    vectors
}

/// Replaces each value that is in parts with a string: see `tests/conformance/README.md`.
fn join_parts(value: &mut Value) {
    if let Some(parts) = value.get("parts") {
        let join = |part: &Value| match part {
            Value::String(text) => text.clone(),
            _ => part[0].as_str().unwrap().repeat(part[1].as_u64().unwrap() as usize),
        };
        *value = parts.as_array().unwrap().iter().map(join).collect::<String>().into();
    }
    match value {
        Value::Array(values) => values.iter_mut().for_each(join_parts),
        Value::Object(map) => map.values_mut().for_each(join_parts),
        _ => {}
    }
}

fn unhex(hex: &Value) -> Vec<u8> {
    let digits = hex.as_str().unwrap().as_bytes();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn parses_every_stream_in_every_chunking() {
    let mut streams = 0;
    for entry in std::fs::read_dir(tests().join("streams")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension() != Some(OsStr::new("sse")) {
            continue;
        }
        streams += 1;
        let file = path.to_str().unwrap();
        let expected = json_lines(&std::fs::read(path.with_extension("jsonl")).unwrap());
        assert_eq!(parse(&[file], b""), expected, "{file}");
        for chunk in ["1", "2", "3", "7"] {
            assert_eq!(parse(&["--chunk", chunk, file], b""), expected, "{file} in chunks of {chunk}");
        }
    }
    assert!(streams > 10);
}

#[test]
fn parses_every_conformance_vector() {
    for vector in [vectors("parse.jsonl"), vectors("field.jsonl")].concat() {
        let mut expected = vector["events"].as_array().unwrap().clone();
        expected.push(json!({
            "reconnection_time_ms": vector["reconnection_time_ms"],
            "last_event_id": vector["last_event_id"],
        }));
        let initial: Option<&str> = vector["initial_last_event_id"].as_str();
        let args: Vec<&str> = initial.iter().flat_map(|id| ["--last-event-id", id]).collect();
        let input = unhex(&vector["input_hex"]);
        assert_eq!(parse(&args, &input), expected, "{}", vector["name"]);

        if let Some(comments) = vector.get("comments") {
            for chunk in ["1", "1000000"] {
                let with_comments = parse(&[&args[..], &["--comments", "--chunk", chunk]].concat(), &input);
                let (found, rest): (Vec<_>, Vec<_>) =
                    with_comments.into_iter().partition(|line| line.get("comment").is_some());
                let found: Vec<_> = found.iter().map(|line| line["comment"].clone()).collect();
                assert_eq!(&Value::Array(found), comments, "{}", vector["name"]);
                assert_eq!(rest, expected, "{}", vector["name"]);
            }
        }
    }
}

#[test]
fn json_keys_are_in_order() {
    let done = run(&["parse", "--json", "--comments"], b":c\nid: 1\nevent: e\nretry: 7\ndata: \xff\n\n");
    let lines = [
        "{\"comment\":\"c\"}\n",
        "{\"event\":\"e\",\"data\":\"\u{fffd}\",\"id\":\"1\"}\n",
        "{\"reconnection_time_ms\":7,\"last_event_id\":\"1\"}\n",
    ];
    assert_eq!(String::from_utf8(done.stdout).unwrap(), lines.concat());
}

#[test]
fn what_is_too_large_is_reported_and_the_next_event_comes() {
    let input = b"data: 123456789\n\n:123456789\ndata: 12345678\n\n:12345678\nid: 5\n\n";
    for chunk in ["1", "4", "1000"] {
        let done = run(&["parse", "--json", "--comments", "--capacity", "8", "--chunk", chunk], input);
        assert_eq!((done.code, &*done.stderr), (Some(0), ""));
        let lines = json_lines(&done.stdout);
        assert_eq!(lines.len(), 5, "{lines:?}");
        for (line, field) in [(&lines[0], json!("data")), (&lines[1], Value::Null)] {
            assert!(line["error"].as_str().unwrap().contains("too l"), "{line}");
            assert!(line["needed"].as_u64().unwrap() > 8, "{line}");
            assert_eq!((&line["capacity"], &line["field"]), (&json!(8), &field), "{line}");
        }
        assert_eq!(lines[2..], [event("message", "12345678", ""), json!({"comment": "12345678"}), end(None, "5")]);
    }
    let plain = run(&["parse", "--capacity", "8"], input);
    assert_eq!(plain.code, Some(0));
    let text = String::from_utf8(plain.stdout).unwrap();
    assert!(text.starts_with("error: event too large") && text.contains("\nmessage 12345678\n"), "{text}");
}

#[test]
fn the_last_event_id_can_be_given() {
    assert_eq!(parse(&["--last-event-id", "-ü"], b"data: x\n\n"), [event("message", "x", "-ü"), end(None, "-ü")]);
    assert_eq!(parse(&["--last-event-id", "a"], b"id\n\n"), [end(None, "")]);
    for (id, capacity) in [("a\nb", "100"), ("abc", "2")] {
        let done = run(&["parse", "--last-event-id", id, "--capacity", capacity], b"");
        assert_eq!((done.code, done.stdout.len()), (Some(1), 0));
        assert!(done.stderr.starts_with("sse: --last-event-id: "), "{}", done.stderr);
    }
}

#[test]
fn wrong_usage_is_refused() {
    for args in
        [&["parse", "--chunk", "0"][..], &["parse", "--chunk", "x"], &["parse", "--no-such"], &["write", "x"], &[]]
    {
        let done = run(args, b"");
        assert_eq!((done.code, done.stdout.len()), (Some(2), 0), "{args:?}");
        assert!(!done.stderr.is_empty());
    }
    let missing = tests().join("no-such-stream");
    let done = run(&[OsStr::new("parse"), missing.as_os_str()], b"");
    assert_eq!((done.code, done.stdout.len()), (Some(1), 0));
    assert!(done.stderr.starts_with("sse: ") && done.stderr.contains("no-such-stream"), "{}", done.stderr);
}

#[test]
fn a_hostile_stream_cannot_drive_the_terminal() {
    let mut input = "event: \x1b]0;title\x07\nid: \u{9b}2J\ndata: a\u{202e}b\x08\x7f\ndata: ".as_bytes().to_vec();
    input.extend_from_slice(&[b'x'; 5000]);
    input.extend_from_slice(b"\n\n:\x1b[2J\n");
    let done = run(&["parse", "--comments"], &input);
    assert_eq!(done.code, Some(0));
    let text = String::from_utf8(done.stdout).unwrap();
    assert!(text.starts_with(r"\u{1b}]0;title\u{7} #\u{9b}2J a\u{202e}b\u{8}\u{7f}\nxxx"), "{text}");
    assert!(text.contains("\n: \\u{1b}[2J\n"), "{text}");
    assert!(!text.contains(|c: char| c != '\n' && c.is_control()), "{text:?}");
    assert!(text.contains(&"x".repeat(5000)), "data is shortened on a terminal only");
}

#[test]
fn an_event_is_printed_while_the_input_stays_open() {
    for args in [&["parse", "--json"][..], &["parse", "--json", "--comments"], &["parse", "--json", "--chunk", "3"]] {
        let mut process = Process::start(args);
        for data in ["one", "two"] {
            process.send(format!("data: {data}\n\ndata: unfin").as_bytes());
            assert_eq!(process.json()["data"], data);
            process.send(b"ished\n\n");
            assert_eq!(process.json()["data"], "unfinished");
        }
        process.send(b"data: discarded");
        let done = process.finish();
        assert_eq!((done.code, json_lines(&done.stdout)), (Some(0), vec![end(None, "")]));
    }

    let mut process = Process::start(&["write"]);
    process.send(b"{\"data\":\"now\"}\n{\"data\":");
    assert_eq!([process.line(), process.line()], [&b"data: now\n"[..], b"\n"]);
    process.send(b"\"later\"}");
    let done = process.finish();
    assert_eq!((done.code, &done.stdout[..]), (Some(0), &b"data: later\n\n"[..]));
}

#[test]
fn a_closed_pipe_is_no_error() {
    for (args, line) in [
        (&["parse", "--json"][..], &b"data: x\n\n"[..]),
        (&["parse"], b"data: x\n\n"),
        (&["write"], b"{\"data\":\"x\"}\n"),
    ] {
        let mut child = sse().args(args).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let feeder = thread::spawn(move || while stdin.write_all(line).is_ok() {});
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        stdout.read_line(&mut first).unwrap();
        assert!(first.contains('x'), "{first}");
        drop(stdout);
        assert_eq!(wait(&mut child), Some(0));
        feeder.join().unwrap();
        let mut complaint = String::new();
        child.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
        assert_eq!(complaint, "");
    }
}

#[test]
fn writes_every_conformance_vector() {
    for vector in vectors("write.jsonl") {
        let name = &vector["name"];
        let written = run(&["write"], vector["write"].to_string().as_bytes());
        if vector["must"] == "reject" {
            assert_eq!((written.code, written.stdout.len()), (Some(1), 0), "{name}");
            let field = ["event", "id"]
                .into_iter()
                .find(|field| vector["write"][field].as_str().is_some_and(|value| value.contains(['\r', '\n', '\0'])));
            let field = format!("field {}", field.unwrap());
            assert!(written.stderr.starts_with("sse: line 1: ") && written.stderr.contains(&field), "{name}");
            continue;
        }
        assert_eq!((written.code, &*written.stderr), (Some(0), ""), "{name}");
        let read = parse(&[], &written.stdout);
        let (last, events) = read.split_last().unwrap();
        assert_eq!(&Value::from(events), &vector["events"], "{name}");
        assert_eq!(last["reconnection_time_ms"], vector["reconnection_time_ms"], "{name}");
    }
}

#[test]
fn write_names_the_line_and_the_field_and_keeps_what_came_before() {
    let before = "{\"id\":\"1\",\"data\":\"a\\nb\",\"event\":null}\n  \r\n{\"retry\":5,\"comment\":\"c\"}\r\n";
    for (line, named) in [
        (r#"{"data":"x","id":"a\u0000"}"#, "field id"),
        (r#"{"data":"x","event":"a\r"}"#, "field event"),
        (r#"{"data":1}"#, "data:"),
        (r#"{"comment":["x"]}"#, "comment:"),
        (r#"{"retry":-1}"#, "retry:"),
        (r#"{"retry":1.5}"#, "retry:"),
        (r#"{"retry":"1"}"#, "retry:"),
        (r#"{"retry":18446744073709551616}"#, "retry:"),
        (r#"{"data":"x","dta":"y"}"#, "`dta`"),
        (r#"{"data":"x","data":"y"}"#, "`data`"),
        (r#"{"data":"x""#, "column"),
        (r#"["x",null,null,null,null]"#, "object"),
        ("null", "object"),
    ] {
        let done = run(&["write"], format!("{before}{line}\n{{\"data\":\"after\"}}\n").as_bytes());
        assert_eq!(done.code, Some(1), "{line}");
        assert_eq!(std::str::from_utf8(&done.stdout), Ok("id: 1\ndata: a\ndata: b\n\n: c\nretry: 5\n\n"), "{line}");
        assert!(done.stderr.starts_with("sse: line 4: ") && done.stderr.contains(named), "{line}: {}", done.stderr);
    }
}

/// A server for `tail` on a free port; it takes the connections that a test is ready for.
struct Server {
    listener: TcpListener,
    url: String,
}

impl Server {
    fn new() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}/stream", listener.local_addr().unwrap());
        Server { listener, url }
    }

    /// The next connection, and the head of its request, one line after the other.
    fn accept(&self) -> (TcpStream, Vec<String>) {
        let start = Instant::now();
        let connection = loop {
            match self.listener.accept() {
                Ok((connection, _)) => break connection,
                Err(_) if start.elapsed() < LIMIT => thread::sleep(Duration::from_millis(1)),
                Err(error) => panic!("no connection in time: {error}"),
            }
        };
        connection.set_nonblocking(false).unwrap();
        connection.set_read_timeout(Some(LIMIT)).unwrap();
        let lines = BufReader::new(&connection).lines().map(Result::unwrap);
        let head = lines.take_while(|line| !line.is_empty()).collect();
        (connection, head)
    }

    /// Answers the next connection, closes it, and returns the head of the request.
    fn answer(&self, response: &str) -> Vec<String> {
        let (mut connection, head) = self.accept();
        connection.write_all(response.as_bytes()).unwrap();
        head
    }

    fn tail(&self, args: &[&str]) -> Process {
        Process::start(&[&["tail", "--json", &self.url], args].concat())
    }
}

fn header<'h>(head: &'h [String], name: &str) -> Option<&'h str> {
    let mut values = head.iter().filter_map(|line| {
        let (key, value) = line.split_once(": ")?;
        key.eq_ignore_ascii_case(name).then_some(value)
    });
    let value = values.next();
    assert_eq!(values.next(), None, "{name} twice");
    value
}

const OK: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream\r\n\r\n";
const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\n\r\n";

#[test]
fn tail_reconnects_with_the_last_event_id() {
    let server = Server::new();
    let process = server.tail(&[]);

    let (mut connection, head) = server.accept();
    assert_eq!(head[0], "GET /stream HTTP/1.1");
    assert_eq!(header(&head, "Accept"), Some("text/event-stream"));
    assert_eq!(header(&head, "Cache-Control"), Some("no-cache"));
    assert_eq!(header(&head, "Accept-Encoding"), Some("identity"));
    assert_eq!(header(&head, "Last-Event-ID"), None);
    connection.write_all(OK.as_bytes()).unwrap();
    connection.write_all("retry: 10\nid: 1ü\ndata: first\n\n".as_bytes()).unwrap();
    assert_eq!(process.json(), event("message", "first", "1ü"));
    connection.write_all(b"id: 2\ndata: cut").unwrap();
    drop(connection);

    // The event that was cut off counts for nothing: neither its ID nor its data.
    let (mut connection, head) = server.accept();
    assert_eq!(header(&head, "Last-Event-ID"), Some("1ü"));
    let head =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\ncontent-type: Text/Event-Stream ; charset=utf-8\r\n\r\n";
    connection.write_all(head.as_bytes()).unwrap();
    connection.write_all(b"8\r\ndata: se\r\n6\r\ncond\n\n\r\n").unwrap();
    assert_eq!(process.json(), event("message", "second", "1ü"));
    connection.write_all(b"d\r\nid\ndata: 3\n\nx\r\n").unwrap();
    assert_eq!(process.json(), event("message", "3", ""));
    // In the midst of a chunked body: an error, not an end.
    drop(connection);

    // No response at all.
    let (connection, head) = server.accept();
    assert_eq!(header(&head, "Last-Event-ID"), None);
    drop(connection);
    server.answer("this is not HTTP\r\n\r\n");

    server.answer(NO_CONTENT);
    let done = process.finish();
    assert_eq!((done.code, &done.stdout[..]), (Some(0), &b""[..]));
    assert_eq!(done.stderr.matches("; connecting again in ").count(), 4, "{}", done.stderr);
    for why in ["the connection has ended", "the connection is lost: ", "status 204"] {
        assert!(done.stderr.contains(why), "{why}: {}", done.stderr);
    }
    server.listener.accept().expect_err("another connection");
}

#[test]
fn tail_is_given_an_id_and_prints_comments() {
    let server = Server::new();
    let process = server.tail(&["--last-event-id", "seed", "--comments", "--capacity", "10"]);
    let response = format!("{OK}: hello\nretry: 0\ndata: 12345678901\n\ndata: x\n\n:cut of");
    assert_eq!(header(&server.answer(&response), "Last-Event-ID"), Some("seed"));
    assert_eq!(process.json(), json!({"comment": "hello"}));
    assert_eq!(process.json()["capacity"], 10);
    assert_eq!(process.json(), event("message", "x", "seed"));
    server.answer(&format!("{OK}:whole\n"));
    assert_eq!(process.json(), json!({"comment": "whole"}));
    server.answer(NO_CONTENT);
    assert_eq!(process.finish().code, Some(0));
}

#[test]
fn tail_says_when_no_header_can_carry_the_id() {
    let server = Server::new();
    let process = server.tail(&[]);
    server.answer(&format!("{OK}retry: 0\nid: a\x01\ndata: x\n\n"));
    assert_eq!(process.json(), event("message", "x", "a\u{1}"));
    assert_eq!(header(&server.answer(NO_CONTENT), "Last-Event-ID"), None);
    let done = process.finish();
    assert_eq!(done.code, Some(0));
    assert_eq!(done.stderr.matches("last event ID left out of the request").count(), 1, "{}", done.stderr);
}

#[test]
fn tail_follows_redirects() {
    let server = Server::new();
    let process = server.tail(&["--last-event-id", "7"]);
    let redirect =
        "HTTP/1.1 307 Temporary Redirect\r\nConnection: close\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n";
    server.answer(redirect);
    let head = server.answer(NO_CONTENT);
    assert_eq!((&*head[0], header(&head, "Last-Event-ID")), ("GET /other HTTP/1.1", Some("7")));
    assert_eq!(process.finish().code, Some(0));
}

#[test]
fn tail_gives_up_on_a_wrong_response() {
    let body = "Content-Length: 9\r\n\r\ndata: x\n\n";
    for (head, complaint) in [
        ("200 OK\r\nContent-Type: text/plain", "text/plain"),
        ("200 OK\r\nContent-Type: text/event-streams", "text/event-streams"),
        ("200 OK", "no content type"),
        ("404 Not Found\r\nContent-Type: text/event-stream", "404"),
        ("201 Created\r\nContent-Type: text/event-stream", "201"),
    ] {
        let server = Server::new();
        let process = server.tail(&[]);
        server.answer(&format!("HTTP/1.1 {head}\r\n{body}"));
        let done = process.finish();
        assert_eq!((done.code, &done.stdout[..]), (Some(1), &b""[..]), "{head}");
        assert!(done.stderr.starts_with("sse: http://") && done.stderr.contains(complaint), "{}", done.stderr);
        assert!(done.stderr.contains("data: x"), "the body is shown: {}", done.stderr);
        server.listener.accept().expect_err("another connection");
    }
    for url in ["ftp://127.0.0.1/", "127.0.0.1", "not a url"] {
        let done = run(&["tail", url], b"");
        assert_eq!((done.code, done.stdout.len()), (Some(1), 0), "{url}");
        assert!(done.stderr.starts_with("sse: "), "{}", done.stderr);
    }
}

#[test]
fn parse_explains_a_stream_without_events() {
    for (stream, explanation) in [
        (
            &b"{\"error\":{\"message\":\"m\"}}\n"[..],
            r#"no event in 1 line; not a field of the format: {"error":{"message":"m"}}"#,
        ),
        (b"<html>\n<body>\n</html>\n", "no event in 3 lines; 3 are not a field of the format, the first is: <html>"),
        (b"error: {\"code\":400}\n\n:c\n", r#"no event in 2 lines; not a field of the format: error: {"code":400}"#),
        (
            b" event: x \n data: y\n\n",
            r#"the first is:  event: x  (unknown field " event": the name is "event", in lower case and"#,
        ),
        (b"Data: y\n\n", r#"(unknown field "Data": the name is "data""#),
        (b"{\"cut\":", r#"no event in 1 line; not a field of the format: {"cut":"#),
        (b"data: y", "no event: the stream ends within its first event, before the blank line"),
        (b"event: done\n\n", "no event: 1 block sets a type but has no data, so it is not dispatched"),
        (b"event: a\n\nevent: b\n\n", "no event: 2 blocks set a type but have no data"),
    ] {
        let done = run(&["parse"], stream);
        assert_eq!((done.code, &*done.stdout), (Some(0), &b"end: 0 events\n"[..]));
        assert!(
            done.stderr.starts_with("sse: standard input: ") && done.stderr.contains(explanation),
            "{}",
            done.stderr
        );
    }
    for stream in [&b""[..], b": only a comment\n\n", b"retry: 5\n\n", b"oops\ndata: x\n\n"] {
        assert_eq!(run(&["parse"], stream).stderr, "");
    }
    // JSON is for programs, and has --unknown.
    assert_eq!(run(&["parse", "--json"], b"oops\n").stderr, "");
}

#[test]
fn unknown_lines_are_printed_on_request() {
    let stream = b"topic: a\ndata: x\n\n {\"error\":1}\n";
    for chunk in ["1", "1000"] {
        let lines = parse(&["--unknown", "--chunk", chunk], stream);
        assert_eq!(
            lines,
            [
                json!({"unknown": "topic: a"}),
                event("message", "x", ""),
                json!({"unknown": " {\"error\":1}"}),
                end(None, "")
            ]
        );
    }
    let done = run(&["parse", "--unknown", "--limit", "4"], stream);
    assert!(String::from_utf8(done.stdout).unwrap().contains("error: line too long"));
}

#[test]
fn data_alone_is_printed_as_it_is() {
    let stream = b"retry: 1\nevent: e\nid: 1\ndata: a\xffb\ndata: \x1bc\n\n:c\noops\ndata\n\ndata: cut";
    let done = run(&["parse", "--data"], stream);
    assert_eq!((done.code, &*done.stderr, &*done.stdout), (Some(0), "", &b"a\xffb\n\x1bc\n\n"[..]));
    let done = run(&["parse", "--data", "--limit", "3"], b"data: long\n\ndata: x\n\n");
    assert_eq!((done.code, &*done.stdout), (Some(0), &b"x\n"[..]));
    assert!(done.stderr.starts_with("sse: event too large"), "{}", done.stderr);
}

#[test]
fn the_limit_is_16_mib_and_named_by_the_error() {
    let mut stream = vec![b'x'; (16 << 20) + 100];
    stream[..6].copy_from_slice(b"data: ");
    stream.extend_from_slice(b"\n\ndata: y\n\n");
    let path = std::env::temp_dir().join(format!("sse-limit-{}", std::process::id()));
    std::fs::write(&path, &stream).unwrap();
    let done = run(&[OsStr::new("parse"), path.as_os_str()], b"");
    std::fs::remove_file(&path).unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    assert!(
        text.starts_with("error: event too large") && text.contains("the capacity is 16777216 (--limit)"),
        "{text}"
    );
    assert!(text.contains("\nmessage y\n"), "{text}");
}

#[test]
fn colours_can_be_asked_for() {
    let done = run(&["parse", "--color", "always"], b"data: x\n\n");
    assert!(done.stdout.starts_with(b"\x1b[1;36mmessage\x1b[0m x\n"));
    assert!(!run(&["parse"], b"data: x\n\n").stdout.contains(&0x1b));
}

#[test]
fn completions_and_the_manual_page_are_printed() {
    for (args, text) in [
        (&["completions", "bash"][..], "complete -F _sse"),
        (&["completions", "fish"], "complete -c sse"),
        (&["completions", "zsh"], "#compdef sse"),
        (&["man"], "\n.SH NAME\n"),
        (&["man"], "\\-\\-unknown"),
    ] {
        let done = run(args, b"");
        let out = String::from_utf8(done.stdout).unwrap();
        assert!(done.code == Some(0) && out.contains(text), "{args:?}: {out}");
    }
}

#[test]
fn write_warns_of_a_block_that_no_reader_dispatches() {
    for (line, warns) in [
        (r#"{"event":"done"}"#, true),
        (r#"{"event":"done","id":"1","retry":5}"#, true),
        (r#"{"event":"done","data":null}"#, true),
        (r#"{"event":"done","data":""}"#, false),
        (r#"{"id":"1"}"#, false),
        (r#"{"retry":1}"#, false),
        (r#"{"comment":"c"}"#, false),
        ("{}", false),
    ] {
        let done = run(&["write"], line.as_bytes());
        assert_eq!(done.code, Some(0), "{line}");
        assert_eq!(
            done.stderr.contains("sse: line 1: a block without data is not an event"),
            warns,
            "{line}: {}",
            done.stderr
        );
        assert_eq!(done.stderr.is_empty(), !warns, "{line}");
    }
}

#[test]
fn write_reads_what_parse_prints() {
    let mut streams: Vec<Vec<u8>> = Vec::new();
    for entry in std::fs::read_dir(tests().join("streams")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension() == Some(OsStr::new("sse")) {
            streams.push(std::fs::read(path).unwrap());
        }
    }
    streams.extend([vectors("parse.jsonl"), vectors("field.jsonl")].concat().iter().map(|v| unhex(&v["input_hex"])));
    streams.push(b"id: 1\ndata: x\n\nid: 2\n\n".to_vec());
    streams.push(b"id: 1\ndata: x\n\nid\n\nretry: 18446744073709551615\n".to_vec());
    for stream in streams.iter().filter(|stream| stream.len() < 20_000) {
        for options in [&["parse", "--json"][..], &["parse", "--json", "--comments"]] {
            let printed = run(options, stream).stdout;
            if printed.len() > 60_000 {
                continue;
            }
            let written = run(&["write"], &printed);
            assert_eq!((written.code, &*written.stderr), (Some(0), ""), "{}", stream.escape_ascii());
            if written.stdout.len() < 60_000 {
                let again = String::from_utf8(run(options, &written.stdout).stdout).unwrap();
                assert_eq!(again, String::from_utf8(printed).unwrap(), "{}", stream.escape_ascii());
            }
        }
    }
    let printed = run(&["parse", "--json", "--unknown", "--limit", "5"], b"oops\ndata: too long\n\ndata: x\n\n").stdout;
    let written = run(&["write"], &printed);
    assert_eq!((written.code, &*written.stdout), (Some(0), &b"event: message\nid: \ndata: x\n\n"[..]));
    assert!(written.stderr.contains("line 1: skipped a line") && written.stderr.contains("line 2: skipped the report"));
}
