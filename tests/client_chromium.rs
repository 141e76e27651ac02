//! The client with the policy `BROWSER` does what Chromium does: 187 scripts of a server, with the requests, events and states
//! that Chromium made of each, played over a simulated transport with a virtual clock. `tests/client/README.md` describes them.
//!
//! [`DEVIATIONS`] is the list of all scripts that differ, each with its reason. Any other difference fails the test, and so
//! does a listed script that agrees.

use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeInclusive;

use serde_json::Value;
use ssewire::client::{Action, Client, Head, Policy, Verdict};
use ssewire::http::Body;
use ssewire::{GrowableBuffer, Parser};

const CODING: &str = "the transport of this test decodes no content coding";
const SNIFFED: &str = "Chromium guesses a missing type from the body, and gives no verdict while the body goes on";
const LOGIN: &str = "Chromium asks for a password, and the connection stays open";
const NO_HTTP: &str =
    "Chromium takes a status line that is not of HTTP for a response that fails, this transport for none";

const DEVIATIONS: &[(&str, &str)] = &[
    ("status 401 Basic", LOGIN),
    ("coding x-gzip", CODING),
    ("coding gzip twice", CODING),
    ("coding gzip cut", CODING),
    ("coding deflate", CODING),
    ("coding br, body plain", CODING),
    ("type ''", SNIFFED),
    ("type 'text /event-stream'", SNIFFED),
    ("no type", SNIFFED),
    ("cut ICY", NO_HTTP),
];

/// The entries of requests and log that are compared.
const COMPARED: usize = 20;

/// The largest head that Chromium takes is between 200 and 300 KB.
const LARGEST_HEAD: usize = 256 * 1024;

/// The time for a connection and a request, and the difference of two waits that is of no account: a busy browser is late.
const LATENCY: u64 = 3;
const LATE: RangeInclusive<i64> = -6..=400;

#[test]
fn every_script_ends_as_in_chromium() {
    let scripts = include_str!("client/chromium.jsonl").lines().map(|line| serde_json::from_str(line).unwrap());
    let scripts: Vec<Value> = scripts.collect();
    assert_eq!(scripts.len(), 187);
    let mut wrong = Vec::new();
    let mut deviations = 0;
    for script in &scripts {
        let name = script["name"].as_str().unwrap();
        let end = end(&script["script"]);
        let expected = Observed::of_chromium(&script["observed"]);
        for (two_steps, chunk) in [(false, usize::MAX), (true, usize::MAX), (false, 1), (true, 7)] {
            let difference = Browser::new(&script["script"], two_steps, chunk).run().difference(&expected, end);
            let listed = DEVIATIONS.iter().find(|(listed, _)| *listed == name);
            match (difference, listed) {
                (Some(difference), None) => wrong.push(format!("{name}, in chunks of {chunk}: {difference}")),
                (None, Some((_, reason))) => wrong.push(format!("{name} agrees, but is listed: {reason}")),
                (Some(_), Some(_)) => deviations += 1,
                (None, None) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    println!("{} scripts, {} of them deviate for a reason", scripts.len(), deviations / 4);
}

#[test]
fn every_deviation_is_a_script() {
    let scripts = include_str!("client/chromium.jsonl");
    for (name, _) in DEVIATIONS {
        assert!(scripts.contains(&format!("{{\"name\": {}", serde_json::to_string(name).unwrap())), "{name}");
    }
}

/// What is seen of a client: by its server, and by its page.
#[derive(Debug, Default)]
struct Observed {
    /// The time, the origin with the path, and the last event ID.
    requests: Vec<(u64, String, Option<String>)>,
    /// The time, the event, its state, data and last event ID.
    log: Vec<(u64, String, u64, String, String)>,
    /// The state in the end, if nothing more happens.
    state: Option<u64>,
}

impl Observed {
    fn of_chromium(observed: &Value) -> Observed {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let requests = observed["first"].as_array().unwrap().iter().map(|request| {
            (request["t"].as_u64().unwrap(), text(&request["at"]), request["last_event_id"].as_str().map(str::to_owned))
        });
        let log = observed["log"].as_array().unwrap().iter().map(|entry| {
            let id = short(text(&entry["id"]));
            (
                entry["t"].as_u64().unwrap(),
                text(&entry["is"]),
                entry["state"].as_u64().unwrap(),
                text(&entry["data"]),
                id,
            )
        });
        Observed { requests: requests.collect(), log: log.collect(), state: observed["final"].as_u64() }
    }

    /// Returns the first difference from what Chromium did before a time.
    fn difference(&self, chromium: &Observed, end: u64) -> Option<String> {
        // The last entries come too late for a browser that is late.
        let counts = |time: u64| (time as i64) < end as i64 - LATE.end();
        let requests = |observed: &Observed, least: usize| -> Vec<_> {
            let requests = observed.requests.iter().take(COMPARED).enumerate();
            let requests = requests.filter(|(i, (time, ..))| *i < least || counts(*time));
            requests.map(|(_, (_, at, id))| (at.clone(), id.clone())).collect()
        };
        let log = |observed: &Observed, least: usize| -> Vec<_> {
            let log = observed.log.iter().take(COMPARED).enumerate();
            let log = log.filter(|(i, (time, ..))| *i < least || counts(*time));
            log.map(|(_, (_, is, state, data, id))| (is.clone(), *state, data.clone(), id.clone())).collect()
        };
        let [ours, theirs] = [(self, chromium), (chromium, self)]
            .map(|(one, other)| (requests(one, other.requests.len()), log(one, other.log.len())));
        if ours != theirs {
            return Some(format!("{ours:?}\n    and not {theirs:?}"));
        }
        for (i, (ours, theirs)) in self.requests.windows(2).zip(chromium.requests.windows(2)).enumerate() {
            let [ours, theirs] = [ours, theirs].map(|pair| (pair[1].0 - pair[0].0) as i64);
            if !LATE.contains(&(theirs - ours)) {
                return Some(format!("request {} after {ours} ms, in Chromium after {theirs}", i + 1));
            }
        }
        (self.state.is_some() && self.state != chromium.state)
            .then(|| format!("ends in state {:?} and not {:?}", self.state, chromium.state))
    }
}

/// Returns the time that a page is looked at, in milliseconds.
fn end(script: &Value) -> u64 {
    (script["page"]["seconds"].as_f64().unwrap() * 1000.0) as u64
}

/// A long ID, as the scripts write it.
fn short(id: String) -> String {
    match id.len() {
        len @ 1000.. => format!("{}…{len}", &id[..20]),
        _ => id,
    }
}

/// A part of what a server sends, at its time.
enum Received {
    Bytes(Vec<u8>),
    Fin,
    Rst,
}

/// The HTTP of a browser, as far as the scripts need it.
struct Connection {
    received: VecDeque<(u64, Received)>,
    head: Option<Vec<u8>>,
    /// The part of the body that was received.
    raw: Vec<u8>,
    body: Body,
}

struct Browser<'s> {
    script: &'s Value,
    two_steps: bool,
    chunk: usize,
    client: Client<GrowableBuffer>,
    now: u64,
    /// The number of requests that each path had.
    asked: BTreeMap<String, usize>,
    refused_until: u64,
    connection: Option<Connection>,
    /// The URL of the next attempt, and that of the request in progress.
    base: String,
    url: String,
    was_misdirected: bool,
    observed: Observed,
}

impl<'s> Browser<'s> {
    fn new(script: &'s Value, two_steps: bool, chunk: usize) -> Browser<'s> {
        let base = join("A/", script["page"]["url"].as_str().unwrap_or("/es"));
        Browser {
            script,
            two_steps,
            chunk,
            client: Client::new(Parser::with_limit(4 << 20), Policy::BROWSER, 1),
            now: 0,
            asked: BTreeMap::new(),
            refused_until: 0,
            connection: None,
            url: base.clone(),
            base,
            was_misdirected: false,
            observed: Observed::default(),
        }
    }

    fn run(mut self) -> Observed {
        let end = end(self.script);
        while self.now < end && self.observed.requests.len().min(self.observed.log.len()) <= COMPARED {
            match self.client.poll(self.now) {
                Action::Connect { is_redirect, .. } => {
                    self.was_misdirected = false;
                    if !is_redirect {
                        self.url = self.base.clone();
                    }
                    self.connect();
                }
                Action::Wait { until } => {
                    self.connection = None;
                    self.now = until;
                }
                Action::Closed(_) => {
                    self.observed.state = Some(2);
                    break;
                }
                Action::Head { .. } | Action::Read { .. } => {
                    let received = match &mut self.connection {
                        None => {
                            self.lost(false);
                            continue;
                        }
                        Some(connection) => connection.received.pop_front(),
                    };
                    let Some((time, received)) = received else {
                        // The server holds the connection, and no timeout is set.
                        self.observed.state = Some(self.client.ready_state() as u64);
                        break;
                    };
                    self.now = self.now.max(time);
                    self.receive(received);
                }
            }
        }
        self.observed
    }

    fn connect(&mut self) {
        self.connection = None;
        if self.url.contains('@') {
            // Fetch rejects a URL with credentials.
            self.close_with_error();
            return;
        }
        self.now += LATENCY;
        let Some(answers) =
            self.script["answers"].get(self.url.split_at(1).1).filter(|_| self.now >= self.refused_until)
        else {
            return;
        };
        let id = self.client.last_event_id().map(|id| id.to_string().bytes().map(char::from).collect());
        self.observed.requests.push((self.now, self.url.clone(), id.map(short)));
        let asked = self.asked.entry(self.url.split_at(1).1.to_owned()).or_default();
        let answers = answers.as_array().unwrap();
        let steps = answers[(*asked).min(answers.len() - 1)].as_array().unwrap();
        *asked += 1;
        let mut time = self.now;
        let mut received = VecDeque::new();
        for step in steps {
            if let Some(bytes) = step["send"].as_str() {
                let bytes: Vec<u8> = bytes.chars().map(|char| u8::try_from(char).unwrap()).collect();
                let times = step["times"].as_u64().unwrap_or(1) as usize;
                received.push_back((time, Received::Bytes(bytes.repeat(times))));
            } else if let Some(seconds) = step["sleep"].as_f64() {
                time += (seconds * 1000.0) as u64;
            } else if step.get("fin").is_some() {
                received.push_back((time, Received::Fin));
            } else if step.get("rst").is_some() {
                received.push_back((time, Received::Rst));
            } else if let Some(seconds) = step["refuse"].as_f64() {
                received.push_back((time, Received::Rst));
                self.refused_until = time + (seconds * 1000.0) as u64;
            }
        }
        self.connection =
            Some(Connection { received, head: Some(Vec::new()), raw: Vec::new(), body: Body::until_end() });
    }

    fn receive(&mut self, received: Received) {
        let connection = self.connection.as_mut().unwrap();
        let is_end = !matches!(received, Received::Bytes(_));
        if let (Received::Rst, Some(_)) = (&received, &connection.head) {
            self.lost(false);
            return;
        }
        if let Received::Bytes(bytes) = received {
            connection.head.as_mut().unwrap_or(&mut connection.raw).extend(bytes);
        }
        if let Some(head) = &mut connection.head {
            let Some(end) = head_end(head).or((is_end && !head.is_empty()).then_some(head.len())) else {
                if head.len() > LARGEST_HEAD || is_end {
                    self.lost(false);
                }
                return;
            };
            connection.raw = head.split_off(end);
            let head = connection.head.take().unwrap();
            if end > LARGEST_HEAD || head.contains(&0) {
                self.lost(false);
                return;
            }
            if !self.on_head(&head) {
                return;
            }
            let connection = self.connection.as_mut().unwrap();
            if connection.head.is_some() {
                // Another head follows an informational one.
                connection.head = Some(std::mem::take(&mut connection.raw));
                if !connection.head.as_ref().unwrap().is_empty() || is_end {
                    return self.receive(if is_end { Received::Fin } else { Received::Bytes(Vec::new()) });
                }
            }
        }
        self.receive_body(is_end);
    }

    /// Returns whether more of the connection is of use.
    fn on_head(&mut self, bytes: &[u8]) -> bool {
        let mut lines = bytes.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let status_line = lines.next().unwrap();
        let status =
            status_line.starts_with(b"HTTP/").then(|| status_line.split(|&byte| byte == b' ').nth(1)).flatten();
        let Some(status) = status.and_then(|status| std::str::from_utf8(status).ok()?.parse().ok()) else {
            self.lost(false);
            return false;
        };
        let mut fields: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for line in lines {
            match line.iter().position(|&byte| byte == b':') {
                _ if line.starts_with(b" ") || line.starts_with(b"\t") => {
                    if let Some((_, value)) = fields.last_mut() {
                        value.extend(line);
                    }
                }
                Some(colon) => fields.push((line[..colon].to_ascii_lowercase(), line[colon + 1..].to_vec())),
                None => {}
            }
        }
        let text = |name: &str| {
            let value = fields.iter().find(|(other, _)| other == name.as_bytes());
            value.map(|(_, value)| String::from_utf8_lossy(value).trim().to_owned())
        };
        // Fetch has no response of these statuses.
        if matches!(status, 101 | 407) {
            self.lost(false);
            return false;
        }
        // HTTP sends a misdirected request again, on a connection of its own.
        if status == 421 && !std::mem::replace(&mut self.was_misdirected, true) {
            self.connect();
            return false;
        }
        if self.url.starts_with('B') && text("access-control-allow-origin").is_none() {
            self.close_with_error();
            return false;
        }
        let mut head = Head::new(status);
        for (name, value) in &fields {
            head.header(name, value);
        }
        match self.client.on_head(self.now, &head) {
            Verdict::Open => {
                self.base = self.url.clone();
                self.log("Event open", "", "");
            }
            Verdict::Redirect => {
                self.url = join(&self.url, &String::from_utf8_lossy(head.location().unwrap()));
                return false;
            }
            Verdict::Failed(_) => {
                self.log("Event error", "", "");
                return false;
            }
            Verdict::Informational => {
                self.connection.as_mut().unwrap().head = Some(Vec::new());
                return true;
            }
        }
        self.connection.as_mut().unwrap().body = head.body();
        true
    }

    fn receive_body(&mut self, is_end: bool) {
        let Some(connection) = self.connection.as_mut().filter(|connection| connection.head.is_none()) else { return };
        let raw = std::mem::take(&mut connection.raw);
        let mut input = &raw[..];
        let mut body = Vec::new();
        let mut has_ended = is_end;
        loop {
            match connection.body.next(&mut input) {
                Ok(Some(piece)) => body.extend(piece),
                Ok(None) => {
                    has_ended |= connection.body.is_ended();
                    break;
                }
                Err(_) => {
                    // Chromium loses what it read together with a broken chunk.
                    body.clear();
                    has_ended = true;
                    break;
                }
            }
        }
        for chunk in body.chunks(self.chunk) {
            self.read(chunk);
        }
        if has_ended && self.client.ready_state() as u64 == 1 {
            self.lost(true);
        }
    }

    fn read(&mut self, chunk: &[u8]) {
        let mut input = chunk;
        loop {
            let event = if self.two_steps {
                let progress = self.client.feed(self.now, input);
                let (used, rest) = input.split_at(progress.consumed);
                input = rest;
                progress.result.unwrap().map(|found| self.client.event(found, used))
            } else {
                self.client.next(self.now, &mut input).unwrap()
            };
            let Some(event) = event else { return };
            let texts = [event.event_type(), event.data(), event.last_event_id()];
            let [event_type, data, id] = texts.map(|text| String::from_utf8_lossy(text).into_owned());
            let page = &self.script["page"];
            let is_listened_for = ["message", "open", "error"].contains(&&event_type[..])
                || page["listen"].as_array().is_some_and(|types| types.iter().any(|listened| *listened == event_type));
            if is_listened_for {
                self.log(&format!("MessageEvent {event_type}"), &data, &id);
            }
            if page["close"] == event_type {
                self.client.close();
            }
        }
    }

    fn lost(&mut self, is_end: bool) {
        self.connection = None;
        if is_end {
            self.client.on_end(self.now);
        } else {
            self.client.on_error(self.now);
        }
        self.log("Event error", "", "");
        if self.script["page"]["close"] == "error" {
            self.client.close();
        }
    }

    /// The transport gives up.
    fn close_with_error(&mut self) {
        self.client.close();
        self.log("Event error", "", "");
    }

    fn log(&mut self, is: &str, data: &str, id: &str) {
        let state = self.client.ready_state() as u64;
        self.observed.log.push((self.now, is.to_owned(), state, data.to_owned(), short(id.to_owned())));
    }
}

/// Returns the index after the blank line.
fn head_end(head: &[u8]) -> Option<usize> {
    let line_end = |at: usize| match head[at..] {
        [b'\r', b'\n', ..] => 2,
        [b'\n', ..] => 1,
        _ => 0,
    };
    let ends = (0..head.len()).filter(|&at| head[at] == b'\n').map(|at| at + 1);
    ends.filter(|&at| line_end(at) > 0).map(|at| at + line_end(at)).next()
}

/// Returns the URL that `location` is relative to `url`, as the letter of its origin and its path.
fn join(url: &str, location: &str) -> String {
    let location = location.trim_start_matches("http:");
    match location.strip_prefix("//") {
        Some(absolute) => {
            let (host, path) = absolute.split_once('/').unwrap();
            let origin = if host.ends_with("{B}") { "B" } else { "A" };
            if host.contains('@') {
                return format!("{origin}/@");
            }
            // Any other port refuses.
            if host.ends_with('}') { format!("{origin}/{path}") } else { "A/refused".to_owned() }
        }
        None if location.starts_with('/') => format!("{}{location}", &url[..1]),
        None => format!("{}{location}", &url[..=url.rfind('/').unwrap()]),
    }
}
