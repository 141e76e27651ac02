//! An Angular application with `event-source-polyfill`, in Chromium, at a server over `ssewire-server`: a hub for each key, a bearer
//! token, and connections that are cut.
//!
//! The application is `js/angular/main.ts`. A [`Page`] clicks its buttons and reads what it shows.

use std::ffi::OsStr;
use std::future::pending;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path as Segment, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Json, Response};
use axum::routing::get;
use futures::stream::{self, Stream, StreamExt as _};
use serde_json::{Value, json};
use ssewire::Frame;
use ssewire_server::{Hub, Server};
use tokio::process::Command;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::chromium::Chromium;
use crate::messages::compare;
use crate::resuming::resumes_from;

/// The keys that have a hub each. `raw` is another path, of [`RAW`].
const KEYS: [&str; 3] = ["kitchen", "garden", "cellar"];

/// Chunks after which each of the first connections of a key is cut.
const CHUNKS: usize = 40;

/// The ways in which the first connections of a key end, in this order.
const CUTS: [Cut; 3] = [Cut::End, Cut::Broken, Cut::WithinAnEvent];

#[derive(Clone, Copy, Debug)]
enum Cut {
    /// The response ends as HTTP has it.
    End,
    /// The connection is closed amid the response.
    Broken,
    /// The same, after half an event.
    WithinAnEvent,
}

/// The reconnection time that the server asks for.
const RETRY: Duration = Duration::from_millis(20);

/// The shortest one of the polyfill: its `MINIMUM_DURATION`.
const POLYFILL_RETRY: Duration = Duration::from_secs(1);

/// The time in which one of several such waits has surely passed.
const NO_RETRY: Duration = Duration::from_millis(2500);

/// The time that any one step may take.
const LIMIT: Duration = Duration::from_secs(15);

/// What the polyfill does otherwise than the standard; each is asserted by [`check`].
pub const DEVIATIONS: &str = "it resumes by the query, lastEventId, not by the header; it waits for a second at least, \
    whatever the server asks for; an ID in a block without data is not resumed from; an ID with NUL counts; \
    a field heartbeatTimeout ends a silent connection; a media type with a space before its semicolon is refused";

/// A response to a request for `raw`.
struct Raw {
    media_type: &'static str,
    body: &'static str,
    /// It stays open.
    is_endless: bool,
    /// What the application shows of it.
    shown: &'static str,
    /// The last event ID of the next request. That of the standard would be `b` each time, in the header.
    next: &'static str,
}

/// The responses to the requests for `raw`, one after the other. A client of the standard stays at the third.
const RAW: [Raw; 4] = [
    Raw { body: "id: a\ndata: 1\n\nid: b\n\n", shown: "a message 1", next: "query a", ..STREAM },
    Raw { body: "id: n\0ul\ndata: 2\n\n", shown: "n\0ul message 2", next: "unread lastEventId=n%00ul", ..STREAM },
    Raw {
        body: "heartbeatTimeout: 1000\ndata: 3\n\n",
        is_endless: true,
        shown: "n\0ul message 3",
        next: "unread lastEventId=n%00ul",
        ..STREAM
    },
    Raw { media_type: "text/event-stream ; charset=utf-8", body: "data: 4\n\n", ..STREAM },
];

const STREAM: Raw = Raw { media_type: "text/event-stream", body: "", is_endless: false, shown: "", next: "" };

/// A request for a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    /// `header ID`, `query ID`, `none`, or `unread` and a query in which no ID is found.
    from: String,
    status: u16,
}

/// The server.
struct Inner {
    hubs: [Hub; 3],
    /// Cuts the connections of each key.
    cuts: [Notify; 3],
    /// The token that is accepted, and the one that is given out.
    tokens: Mutex<[&'static str; 2]>,
    /// The requests for each key, and for `raw`.
    asked: [Mutex<Vec<Asked>>; 4],
    /// When a connection of each key was cut.
    cut_at: [Mutex<Option<Instant>>; 3],
    /// The times from a cut to the next request.
    waits: Mutex<Vec<Duration>>,
    script: Bytes,
    steps: tokio::sync::Mutex<mpsc::UnboundedReceiver<Value>>,
    answers: mpsc::UnboundedSender<Vec<String>>,
}

/// The connections, and the events that were shown.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    pub streams: usize,
    pub events: usize,
}

/// Bundles the application, opens it in `chromium`, and does what its users do; with an event of another key in each stream if
/// they are to be spoilt.
///
/// # Errors
///
/// [`Difference`](crate::messages::Difference) when the page or the requests are not as they should be; other errors when it
/// does not get that far.
pub async fn check(folder: &Path, chromium: &OsStr, spoil: bool) -> anyhow::Result<Counts> {
    let (step, steps) = mpsc::unbounded_channel();
    let (sender, answers) = mpsc::unbounded_channel();
    let hub = |epoch| Hub::builder().epoch(epoch).chunk(1).retry(RETRY).build();
    let server = Arc::new(Inner {
        hubs: [hub(1)?, hub(2)?, hub(3)?],
        cuts: Default::default(),
        tokens: Mutex::new(["first"; 2]),
        asked: Default::default(),
        cut_at: Default::default(),
        waits: Mutex::default(),
        script: bundle(folder).await?,
        steps: tokio::sync::Mutex::new(steps),
        answers: sender,
    });
    let router = Router::new()
        .route("/", get(|| async { Html(include_str!("../js/angular/index.html")) }))
        .route("/main.js", get(script))
        .route("/token", get(|State(server): State<Arc<Inner>>| async move { lock(&server.tokens)[1] }))
        .route("/events/raw", get(raw))
        .route("/events/{key}", get(events))
        .route("/hand", get(next_step).post(answer))
        .with_state(server.clone());
    let listening = Server::bind("127.0.0.1:0").await?;
    let address = listening.local_addr()?;
    let _serving = Serving(tokio::spawn(listening.serve_router(router, pending())));
    let page = Page { _chromium: Chromium::open(chromium, address)?, step, answers };
    let mut user = User { server, page, expected: Default::default(), spoil };
    user.reads_one_stream_per_key().await.context("one stream per key")?;
    user.disconnects_one_key().await.context("disconnect by key")?;
    user.has_no_right_token().await.context("a token that is refused")?;
    user.reads_raw().await.context("deviations")?;
    user.has_each_event_once().await
}

/// Ends with this.
struct Serving(JoinHandle<()>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One at the page and at the server.
struct User {
    server: Arc<Inner>,
    page: Page,
    /// What the page should show of each key.
    expected: [Vec<String>; 3],
    spoil: bool,
}

impl User {
    async fn reads_one_stream_per_key(&mut self) -> anyhow::Result<()> {
        for key in KEYS {
            self.page.connects(key, "open").await?;
        }
        for _ in 0..200 {
            self.publish(&[0, 1, 2], 1)?;
            sleep(Duration::from_millis(1)).await;
        }
        self.sees_all().await?;
        for i in 0..KEYS.len() {
            let asked = self.asked(i);
            // All events are there, so each went on after the last one.
            let kinds: Vec<_> = asked.iter().map(|asked| (asked.from.split(' ').next(), asked.status)).collect();
            let resumed = (Some("query"), 200);
            compare(&kinds, &[(Some("none"), 200), resumed, resumed, resumed])?;
            compare(&[self.server.hubs[i].stats().connections], &[1])?;
        }
        let waits = lock(&self.server.waits).clone();
        compare(&[waits.len()], &[KEYS.len() * CUTS.len()])?;
        // A timer and the system's clock may differ a little.
        let too_short: Vec<_> = waits.into_iter().filter(|&wait| wait < POLYFILL_RETRY * 95 / 100).collect();
        Ok(compare(&too_short, &[])?)
    }

    async fn disconnects_one_key(&mut self) -> anyhow::Result<()> {
        let before = self.connections();
        self.page.clicks("garden", "disconnect").await?;
        self.until_closed(1).await?;
        self.publish(&[0, 1, 2], 50)?;
        for i in [0, 2] {
            self.sees(i, self.expected[i].len()).await?;
        }
        self.sees(1, 200).await?;
        let after = self.connections();
        compare(&[&after[0], &after[1], &after[2]], &[&before[0], &vec![], &before[2]])?;
        self.page.connects("garden", "open").await?;
        self.sees_all().await?;
        let last = Asked { from: "query 2-200".into(), status: 200 };
        Ok(compare(&self.asked(1)[4..], &[last])?)
    }

    /// One key is connected with a wrong token, and another one's token ends to be right.
    async fn has_no_right_token(&mut self) -> anyhow::Result<()> {
        *lock(&self.server.tokens) = ["first", "wrong"];
        let before = self.connections();
        self.page.connects("garden", "closed by status 401").await?;
        self.until_closed(1).await?;
        *lock(&self.server.tokens) = ["second", "second"];
        self.server.cuts[0].notify_waiters();
        self.page.comes_to("kitchen", "closed by status 401").await?;
        self.publish(&[0, 1, 2], 20)?;

        // Neither comes back by itself, and the third is not touched.
        sleep(NO_RETRY).await;
        let refused = |id: &str| Asked { from: format!("query {id}"), status: 401 };
        compare(&self.asked(0)[4..], &[refused("1-250")])?;
        compare(&self.asked(1)[5..], &[refused("2-250")])?;
        compare(&self.connections(), &[vec![], vec![], before[2].clone()])?;
        for key in ["kitchen", "garden"] {
            self.page.connects(key, "open").await?;
        }
        self.sees_all().await
    }

    async fn reads_raw(&mut self) -> anyhow::Result<()> {
        self.page.connects("raw", "closed by status 200").await?;
        let shown = self.page.reads("#raw li").await?;
        compare(&shown, &RAW.map(|raw| raw.shown.to_string())[..3])?;
        let from = ["none"].into_iter().chain(RAW.iter().map(|raw| raw.next));
        let asked: Vec<_> = from.take(RAW.len()).map(|from| Asked { from: from.into(), status: 200 }).collect();
        Ok(compare(&self.asked(3), &asked)?)
    }

    /// Looks again: an event that is doubled may come late.
    async fn has_each_event_once(&mut self) -> anyhow::Result<Counts> {
        self.sees_all().await?;
        let streams = (0..4).map(|i| self.asked(i).len()).sum();
        Ok(Counts { streams, events: self.expected.iter().map(Vec::len).sum::<usize>() + 3 })
    }

    /// Publishes `count` events for each of these keys.
    fn publish(&mut self, keys: &[usize], count: usize) -> anyhow::Result<()> {
        for _ in 0..count {
            for &i in keys {
                let n = self.expected[i].len();
                let (event, key) = (["message", "reading"][n % 2], KEYS[i]);
                let sent = if self.spoil && n == 100 { KEYS[(i + 1) % KEYS.len()] } else { key };
                let data = format!("{sent} {n}");
                let id = self.server.hubs[i].publish(Frame::new().event_type(event)?.data(&data))?;
                self.expected[i].push(format!("{id} {event} {key} {n}"));
            }
        }
        Ok(())
    }

    async fn sees_all(&mut self) -> anyhow::Result<()> {
        for i in 0..KEYS.len() {
            self.sees(i, self.expected[i].len()).await?;
        }
        Ok(())
    }

    /// Checks that the page shows the first `count` events of a key, and no other.
    async fn sees(&mut self, i: usize, count: usize) -> anyhow::Result<()> {
        let shown = self.page.until(&format!("#{} li", KEYS[i]), |texts| texts.len() >= count).await?;
        Ok(compare(&shown, &self.expected[i][..count])?)
    }

    fn asked(&self, i: usize) -> Vec<Asked> {
        lock(&self.server.asked[i]).clone()
    }

    /// Returns the numbers of the connections of each key.
    fn connections(&self) -> [Vec<u64>; 3] {
        let numbers = |hub: &Hub| hub.connections().into_iter().map(|connection| connection.id).collect();
        [0, 1, 2].map(|i| numbers(&self.server.hubs[i]))
    }

    /// Waits until the server has no connection of a key.
    async fn until_closed(&self, i: usize) -> anyhow::Result<()> {
        let closed = async {
            while self.server.hubs[i].stats().connections > 0 {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(LIMIT, closed).await.with_context(|| format!("{} stays open", KEYS[i]))
    }
}

/// The page in the browser.
struct Page {
    _chromium: Chromium,
    step: mpsc::UnboundedSender<Value>,
    answers: mpsc::UnboundedReceiver<Vec<String>>,
}

impl Page {
    async fn ask(&mut self, step: Value) -> anyhow::Result<Vec<String>> {
        let context = step.to_string();
        self.step.send(step)?;
        let answer = timeout(LIMIT, self.answers.recv()).await;
        answer.ok().flatten().with_context(|| format!("the page does not answer to {context}"))
    }

    async fn clicks(&mut self, key: &str, button: &str) -> anyhow::Result<()> {
        self.ask(json!({ "click": format!("#{key} .{button}") })).await.map(drop)
    }

    /// Connects a key, until the page shows this state.
    async fn connects(&mut self, key: &str, state: &str) -> anyhow::Result<()> {
        self.clicks(key, "connect").await?;
        self.comes_to(key, state).await
    }

    /// Checks that a key comes to this state.
    async fn comes_to(&mut self, key: &str, state: &str) -> anyhow::Result<()> {
        let texts = self.until(&format!("#{key} output"), |texts| texts == [state]).await?;
        compare(&texts, &[state.to_string()]).with_context(|| format!("state of {key}"))
    }

    /// Returns the texts of the elements that a selector names.
    async fn reads(&mut self, selector: &str) -> anyhow::Result<Vec<String>> {
        self.ask(json!({ "read": selector })).await
    }

    /// Reads again and again; returns the last texts, those that are awaited or not.
    async fn until(&mut self, selector: &str, is_awaited: impl Fn(&[String]) -> bool) -> anyhow::Result<Vec<String>> {
        let start = Instant::now();
        loop {
            let texts = self.reads(selector).await?;
            if is_awaited(&texts) || start.elapsed() > LIMIT {
                return Ok(texts);
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Returns the application as one script.
async fn bundle(folder: &Path) -> anyhow::Result<Bytes> {
    // The decorators of TypeScript, which Angular's compiler in the browser takes.
    let options = r#"{"compilerOptions":{"experimentalDecorators":true,"useDefineForClassFields":false}}"#;
    let mut command = Command::new(folder.join("js/node_modules/.bin/esbuild"));
    command
        .arg(folder.join("js/angular/main.ts"))
        .args(["--bundle", "--format=esm", "--target=es2022", "--log-level=error"])
        .arg(format!("--tsconfig-raw={options}"))
        .kill_on_drop(true);
    let output = timeout(LIMIT, command.output()).await.context("esbuild")?.context("esbuild")?;
    anyhow::ensure!(output.status.success(), "esbuild: {}", String::from_utf8_lossy(&output.stderr));
    Ok(output.stdout.into())
}

async fn script(State(server): State<Arc<Inner>>) -> Response {
    ([(header::CONTENT_TYPE, "text/javascript")], server.script.clone()).into_response()
}

async fn next_step(State(server): State<Arc<Inner>>) -> Json<Value> {
    let step = server.steps.lock().await.recv().await;
    Json(step.unwrap_or_default())
}

async fn answer(State(server): State<Arc<Inner>>, body: Bytes) -> StatusCode {
    let Ok(texts) = serde_json::from_slice(&body) else { return StatusCode::BAD_REQUEST };
    // Nobody takes it any more: then a check has failed already.
    let _ = server.answers.send(texts);
    StatusCode::NO_CONTENT
}

/// The stream of a key, for those who have the token.
async fn events(State(server): State<Arc<Inner>>, Segment(key): Segment<String>, request: Request) -> Response {
    let Some(i) = KEYS.iter().position(|&name| name == key) else { return StatusCode::NOT_FOUND.into_response() };
    let token = format!("Bearer {}", lock(&server.tokens)[0]);
    let is_allowed = request.headers().get(header::AUTHORIZATION).is_some_and(|value| *value == *token);
    let status = if is_allowed { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
    let number = server.note(i, &request, status);
    if !is_allowed {
        return status.into_response();
    }
    let response = server.hubs[i].respond(&request);
    response.map(|body| {
        let chunks = Body::new(body).into_data_stream().map(|chunk| chunk.map_err(io::Error::other));
        match CUTS.get(number) {
            Some(&cut) => {
                let until_cut = UntilCut { server, i };
                Body::from_stream(cut_after(chunks, cut).inspect(move |_| _ = &until_cut))
            }
            None => {
                let cut = async move { server.cuts[i].notified().await };
                Body::from_stream(chunks.take_until(Box::pin(cut)).chain(broken()))
            }
        }
    })
}

/// Ends a response after [`CHUNKS`] chunks.
fn cut_after(
    chunks: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    cut: Cut,
) -> stream::BoxStream<'static, io::Result<Bytes>> {
    match cut {
        Cut::End => chunks.take(CHUNKS).boxed(),
        Cut::Broken => chunks.take(CHUNKS).chain(broken()).boxed(),
        Cut::WithinAnEvent => {
            let chunks = chunks.take(CHUNKS + 1).enumerate().map(|(i, chunk)| match i {
                CHUNKS => chunk.map(|chunk| chunk.slice(..chunk.len() / 2)),
                _ => chunk,
            });
            chunks.chain(broken()).boxed()
        }
    }
}

/// An error, at which hyper closes the connection.
fn broken() -> impl Stream<Item = io::Result<Bytes>> {
    stream::once(async {
        // Or hyper would drop what it has not sent yet.
        sleep(Duration::from_millis(50)).await;
        Err(io::Error::other("cut"))
    })
}

/// Notes the time at which a response ends.
struct UntilCut {
    server: Arc<Inner>,
    i: usize,
}

impl Drop for UntilCut {
    fn drop(&mut self) {
        *lock(&self.server.cut_at[self.i]) = Some(Instant::now());
    }
}

/// The streams of [`RAW`].
async fn raw(State(server): State<Arc<Inner>>, request: Request) -> Response {
    let number = server.note(KEYS.len(), &request, StatusCode::OK);
    let Some(raw) = RAW.get(number) else { return StatusCode::NOT_FOUND.into_response() };
    let body = stream::iter([io::Result::Ok(raw.body)]);
    let body = if raw.is_endless { Body::from_stream(body.chain(stream::pending())) } else { Body::from_stream(body) };
    ([(header::CONTENT_TYPE, raw.media_type)], body).into_response()
}

impl Inner {
    /// Notes a request, and returns how many were answered before it.
    fn note(&self, i: usize, request: &Request, status: StatusCode) -> usize {
        if let Some(cut_at) = self.cut_at.get(i).and_then(|cut_at| lock(cut_at).take()) {
            lock(&self.waits).push(cut_at.elapsed());
        }
        let from = match (resumes_from(request), request.uri().query()) {
            (Ok(from), Some(query)) if from == "none" => format!("unread {query}"),
            (Ok(from), _) => from,
            (Err(error), _) => error.to_string(),
        };
        let mut asked = lock(&self.asked[i]);
        asked.push(Asked { from, status: status.as_u16() });
        asked.len() - 1
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
