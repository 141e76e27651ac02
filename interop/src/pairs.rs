//! The pairs: one of ours and one of others, what goes between them, and how it went.

use std::ffi::{OsStr, OsString};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use anyhow::Context as _;
use fastrand::Rng;
use tokio::process::Command;

use crate::chromium::{self, Chromium};
use crate::messages::{Difference, Message, Seen, comments, compare, dispatched, thousand};
use crate::ours::{self, Received};
use crate::process::Program;
use crate::servers::{self, Running};
use crate::stand::{Stand, Stream};
use crate::tutorials::{self, End};
use crate::{angular, clients, random, resuming};

/// What the checks need of the machine, and how much they are to do.
#[derive(Clone, Debug)]
pub struct Setting {
    pub node: OsString,
    pub node_22: OsString,
    pub python: OsString,
    pub chromium: OsString,
    pub mcs: OsString,
    pub mono: OsString,
    /// The tool of `crates/cli`.
    pub sse: OsString,
    pub seed: u64,
    /// Random streams for the browser, of each kind.
    pub streams: usize,
    /// Spoils what is sent, which every pair must notice.
    pub spoil: bool,
}

/// A pair that agrees.
#[derive(Clone, Debug)]
pub struct Agreed {
    pub version: String,
    pub streams: usize,
    pub events: usize,
    /// What the peer does otherwise than the standard, and did here.
    pub deviation: &'static str,
}

type Outcome = anyhow::Result<Agreed>;
type Check = for<'s> fn(&'s Setting) -> Pin<Box<dyn Future<Output = Outcome> + 's>>;

/// All pairs: what the peer is to us, its name, the check.
pub const PAIRS: [(&str, &str, Check); 24] = [
    ("server", "Node http, by hand", |setting| Box::pin(node_server(setting))),
    ("server", "sse-starlette", |setting| Box::pin(python_server(setting))),
    ("server", "axum", |setting| Box::pin(axum_server(setting))),
    ("server", "picoserve", |setting| Box::pin(picoserve_server(setting))),
    ("client", "Chromium EventSource", |setting| Box::pin(chromium_client(setting))),
    ("client", "undici EventSource", |setting| Box::pin(undici_client(setting))),
    ("client", "eventsource-parser", |setting| Box::pin(parser_client(setting))),
    ("client", "httpx-sse", |setting| Box::pin(httpx_client(setting))),
    ("client", "event-source-polyfill", |setting| Box::pin(polyfill_client(setting))),
    ("resuming", "eventsource 4", |setting| Box::pin(eventsource_4(setting))),
    ("resuming", "eventsource 5", |setting| Box::pin(eventsource_5(setting))),
    ("resuming", "eventsource-parser 4", |setting| Box::pin(parser_4(setting))),
    ("resuming", "undici 6 EventSource", |setting| Box::pin(undici_resuming(setting))),
    ("resuming", "undici 8 EventSource", |setting| Box::pin(undici_8_resuming(setting))),
    ("resuming", "event-source-polyfill", |setting| Box::pin(polyfill(setting))),
    ("resuming", "httpx-sse", |setting| Box::pin(httpx_resuming(setting))),
    ("tutorial", "Flask, gunicorn", |setting| Box::pin(flask_tutorial(setting, "gunicorn"))),
    ("tutorial", "Flask, waitress", |setting| Box::pin(flask_tutorial(setting, "waitress"))),
    ("tutorial", "Node, as meant", |setting| Box::pin(node_tutorial(setting, "as-meant"))),
    ("tutorial", "Node, as printed", |setting| Box::pin(node_tutorial(setting, "as-printed"))),
    ("tutorial", "C# HttpListener, CR CR", |setting| Box::pin(csharp_tutorial(setting))),
    ("tutorial", "Angular, polyfill", |setting| Box::pin(angular(setting))),
    ("judge", "Chromium, of the parser", |setting| Box::pin(judge_parser(setting))),
    ("judge", "Chromium, of the writer", |setting| Box::pin(judge_writer(setting))),
];

/// A client has this long for all its streams.
const LIMIT: Duration = Duration::from_secs(90);

/// And this long for one that resumes.
const RESUME_LIMIT: Duration = Duration::from_secs(30);

/// And this long for all steps of the application.
const APPLICATION_LIMIT: Duration = Duration::from_secs(60);

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

async fn node_server(setting: &Setting) -> Outcome {
    program_server(setting, &setting.node, "js/server.mjs").await
}

async fn python_server(setting: &Setting) -> Outcome {
    program_server(setting, &setting.python, "python/server.py").await
}

async fn program_server(setting: &Setting, interpreter: &OsStr, script: &str) -> Outcome {
    let mut file = tempfile::NamedTempFile::new()?;
    serde_json::to_writer(&mut file, &to_send(setting))?;
    let running = servers::program(Command::new(interpreter).arg(self::script(script)).arg(file.path())).await?;
    read_from(running, servers::writes_all, "").await
}

async fn axum_server(setting: &Setting) -> Outcome {
    read_from(servers::axum(to_send(setting)).await?, servers::axum_writes, servers::AXUM).await
}

async fn picoserve_server(setting: &Setting) -> Outcome {
    read_from(servers::picoserve(to_send(setting)).await?, servers::picoserve_writes, servers::PICOSERVE).await
}

/// The messages of a foreign server.
fn to_send(setting: &Setting) -> Vec<Message> {
    let mut messages = thousand();
    if setting.spoil {
        messages.remove(500);
    }
    messages
}

async fn read_from(server: Running, writes: fn(Message) -> Message, deviation: &'static str) -> Outcome {
    let received = ours::read(&format!("http://{}/events", server.address)).await?;
    let written: Vec<_> = thousand().into_iter().map(writes).collect();
    let expected = Received { events: dispatched(&written), comments: comments(&written) };
    compare(&received.events, &expected.events)?;
    compare(&received.comments, &expected.comments).context("comments")?;
    Ok(Agreed { version: server.version, streams: 1, events: received.events.len(), deviation })
}

async fn chromium_client(setting: &Setting) -> Outcome {
    let reports = read_in_browser(setting, vec![clients::written(&thousand())?]).await?;
    let expected = clients::event_source(thousand());
    agreed(&reports, &[expected], chromium_version(setting).await?, "")
}

async fn undici_client(setting: &Setting) -> Outcome {
    let stand = stand(setting, vec![clients::written(&thousand())?]).await?;
    let _client = clients::program(&setting.node, &script("js/client.mjs"), &["undici"], &stand)?;
    agreed(&stand.reports(LIMIT).await?, &[clients::undici(thousand())], pinned("undici"), clients::UNDICI)
}

async fn parser_client(setting: &Setting) -> Outcome {
    let stand = stand(setting, vec![clients::written(&thousand())?]).await?;
    let _client = clients::program(&setting.node, &script("js/client.mjs"), &["eventsource-parser"], &stand)?;
    let expected = clients::eventsource_parser(thousand());
    agreed(&stand.reports(LIMIT).await?, &[expected], pinned("eventsource-parser"), clients::EVENTSOURCE_PARSER)
}

async fn httpx_client(setting: &Setting) -> Outcome {
    let stand = stand(setting, vec![clients::written(&thousand())?]).await?;
    let _client = clients::program(&setting.python, &script("python/client.py"), &[], &stand)?;
    agreed(&stand.reports(LIMIT).await?, &[clients::httpx_sse(thousand())], pinned("httpx-sse"), clients::HTTPX_SSE)
}

async fn polyfill_client(setting: &Setting) -> Outcome {
    let stand = stand(setting, vec![clients::written(&thousand())?]).await?;
    let _client = clients::program(&setting.node, &script("js/client.mjs"), &["event-source-polyfill"], &stand)?;
    let expected = clients::event_source(thousand());
    agreed(&stand.reports(LIMIT).await?, &[expected], pinned("event-source-polyfill"), "")
}

async fn eventsource_4(setting: &Setting) -> Outcome {
    resume_in_node(setting, "eventsource-4", resuming::eventsource_4(), resuming::EVENTSOURCE_4).await
}

async fn eventsource_5(setting: &Setting) -> Outcome {
    resume_in_node(setting, "eventsource-5", resuming::standard(), "").await
}

async fn parser_4(setting: &Setting) -> Outcome {
    resume_in_node(setting, "eventsource-parser-4", resuming::standard(), "").await
}

async fn undici_resuming(setting: &Setting) -> Outcome {
    resume_in_node(setting, "undici", resuming::undici(), resuming::UNDICI).await
}

async fn undici_8_resuming(setting: &Setting) -> Outcome {
    resume_in_node(setting, "undici-8", resuming::standard(), "").await
}

async fn polyfill(setting: &Setting) -> Outcome {
    resume_in_node(setting, "event-source-polyfill", resuming::polyfill(), resuming::POLYFILL).await
}

async fn resume_in_node(
    setting: &Setting,
    name: &str,
    expected: resuming::Outcome,
    deviation: &'static str,
) -> Outcome {
    let mut command = Command::new(&setting.node_22);
    command.arg(script("js/resume.mjs")).arg(name);
    resume(setting, command, name, expected, deviation).await
}

async fn httpx_resuming(setting: &Setting) -> Outcome {
    let mut command = Command::new(&setting.python);
    command.arg(script("python/resume.py"));
    resume(setting, command, "httpx-sse", resuming::httpx_sse(), resuming::HTTPX_SSE).await
}

/// Lets a client that `command` starts read at a server that resumes.
async fn resume(
    setting: &Setting,
    mut command: Command,
    name: &str,
    expected: resuming::Outcome,
    deviation: &'static str,
) -> Outcome {
    let server = resuming::Server::start(setting.spoil).await?;
    let _client = Program::start(command.arg(format!("http://{}", server.address)))?;
    let outcome = server.outcome(RESUME_LIMIT).await?;
    compare(&outcome.events, &expected.events)?;
    for (requests, expected) in outcome.requests.iter().zip(&expected.requests) {
        compare(requests, expected).context("last event IDs of requests")?;
    }
    compare(&[outcome.ids], &[expected.ids]).context("/ids")?;
    let streams = outcome.requests.iter().map(Vec::len).sum();
    Ok(Agreed { version: pinned(name), streams, events: outcome.events.len(), deviation })
}

/// The Node of js/package.json.
#[must_use]
pub fn node_22() -> OsString {
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    script(&format!("js/node_modules/node-linux-{arch}/bin/node")).into()
}

async fn flask_tutorial(setting: &Setting, server: &str) -> Outcome {
    let command = || {
        let mut command = Command::new(&setting.python);
        command.arg(script("python/tutorial.py")).arg(server);
        command
    };
    tutorial(setting, command, tutorials::every_event(), "").await
}

async fn node_tutorial(setting: &Setting, mode: &str) -> Outcome {
    // Without its spaces the stream has events again.
    let (sent, expected, deviation) = match mode {
        "as-printed" if setting.spoil => ("as-meant", tutorials::no_event(), tutorials::AS_PRINTED),
        "as-printed" => (mode, tutorials::no_event(), tutorials::AS_PRINTED),
        _ => (mode, tutorials::every_event(), ""),
    };
    let command = || {
        let mut command = Command::new(&setting.node);
        command.arg(script("js/tutorial.mjs")).arg(sent);
        command
    };
    tutorial(setting, command, expected, deviation).await
}

async fn csharp_tutorial(setting: &Setting) -> Outcome {
    let folder = tempfile::tempdir()?;
    let program = folder.path().join("Tutorial.exe");
    let mut out = OsString::from("-out:");
    out.push(&program);
    let compile = Command::new(&setting.mcs).arg(out).arg(script("csharp/Tutorial.cs")).output();
    let output = tokio::time::timeout(LIMIT, compile).await.context("mcs")?.context("mcs")?;
    anyhow::ensure!(output.status.success(), "mcs: {}", String::from_utf8_lossy(&output.stderr));
    let command = || {
        let mut command = Command::new(&setting.mono);
        command.arg(&program);
        command
    };
    tutorial(setting, command, tutorials::every_event(), "").await
}

async fn angular(setting: &Setting) -> Outcome {
    let checking = angular::check(Path::new(FOLDER), &setting.chromium, setting.spoil);
    let limited = tokio::time::timeout(APPLICATION_LIMIT, checking).await;
    let counts = limited.with_context(|| format!("in {APPLICATION_LIMIT:?}"))??;
    let version = format!("{}, {}", pinned("@angular/core"), pinned("event-source-polyfill"));
    Ok(Agreed { version, streams: counts.streams, events: counts.events, deviation: angular::DEVIATIONS })
}

/// Reads a server that `command` starts by `sse tail`, and another by `ssewire-client`.
async fn tutorial(
    setting: &Setting,
    command: impl Fn() -> Command,
    expected: (Vec<Seen>, End),
    deviation: &'static str,
) -> Outcome {
    let file = tutorials::file(&to_send(setting))?;
    let (mut version, mut events) = (String::new(), 0);
    for reader in ["sse tail", "ssewire-client"] {
        let server = servers::program(command().arg(file.path())).await?;
        let reading = async {
            match reader {
                "sse tail" => tutorials::tail(&setting.sse, server.address).await,
                _ => {
                    // Without events the client cannot tell how far it has read.
                    if expected.0.is_empty() {
                        tutorials::go(server.address).await?;
                    }
                    tutorials::client(server.address).await
                }
            }
        };
        let limit = tokio::time::timeout(LIMIT, reading).await;
        let (seen, end) = limit.with_context(|| format!("{reader} in {LIMIT:?}"))?.context(reader)?;
        let compared = compare(&seen, &expected.0).and_then(|()| compare(&[end], &[expected.1])).context(reader);
        if setting.spoil && reader == "sse tail" {
            // Each of the two has to notice.
            anyhow::ensure!(compared.is_err(), "{reader} notices nothing");
            continue;
        }
        compared?;
        events += seen.len();
        version = server.version;
    }
    Ok(Agreed { version, streams: 2, events, deviation })
}

async fn judge_parser(setting: &Setting) -> Outcome {
    let mut rng = Rng::with_seed(setting.seed);
    let mut streams = random::line_end_behind_bom();
    streams.extend((0..setting.streams).map(|_| random::raw(&mut rng)));
    let reports = read_in_browser(setting, streams.clone()).await?;

    let (mut as_listed, mut as_standard) = (0, 0);
    for (i, (stream, report)) in streams.iter().zip(&reports).enumerate() {
        let context = || format!("stream {i}, b\"{}\"", shown(&stream.bytes));
        let standard = expected_of(&stream.bytes).with_context(context)?;
        let other = chromium::deviates(&stream.bytes).map(|other| expected_of(&other)).transpose()?;
        match other.filter(|other| *other != standard) {
            Some(listed) if *report == listed => as_listed += 1,
            Some(_) if *report == standard => as_standard += 1,
            _ => compare(report, &standard).with_context(context)?,
        }
    }
    // A browser that does as the standard says is right as well, but it does so always.
    anyhow::ensure!(as_listed == 0 || as_standard == 0, "it deviates {as_listed} times, and {as_standard} times not");
    anyhow::ensure!(as_listed + as_standard > 0, "no stream tells whether it deviates");
    let deviation = if as_listed > 0 { chromium::DEVIATION } else { "" };
    Ok(Agreed {
        version: chromium_version(setting).await?,
        streams: reports.len(),
        events: reports.iter().map(Vec::len).sum(),
        deviation,
    })
}

/// What our parser makes of what was sent, without the event that ends it.
fn expected_of(sent: &[u8]) -> Result<Vec<Seen>, Difference> {
    let mut seen = ours::decoded(sent)?;
    seen.pop();
    Ok(seen)
}

async fn judge_writer(setting: &Setting) -> Outcome {
    let mut rng = Rng::with_seed(!setting.seed);
    let (streams, expected): (Vec<_>, Vec<_>) = (0..setting.streams).map(|_| random::written(&mut rng)).unzip();
    let reports = read_in_browser(setting, streams).await?;
    agreed(&reports, &expected, chromium_version(setting).await?, "")
}

async fn read_in_browser(setting: &Setting, streams: Vec<Stream>) -> anyhow::Result<Vec<Vec<Seen>>> {
    let stand = stand(setting, streams).await?;
    let _browser = Chromium::open(&setting.chromium, stand.address)?;
    stand.reports(LIMIT).await
}

async fn stand(setting: &Setting, mut streams: Vec<Stream>) -> anyhow::Result<Stand> {
    if setting.spoil {
        streams.iter_mut().for_each(Stream::spoil);
    }
    Stand::start(streams).await
}

fn agreed(reports: &[Vec<Seen>], expected: &[Vec<Seen>], version: String, deviation: &'static str) -> Outcome {
    anyhow::ensure!(reports.len() == expected.len(), "{} reports of {} streams", reports.len(), expected.len());
    for (i, (report, expected)) in reports.iter().zip(expected).enumerate() {
        compare(report, expected).with_context(|| format!("stream {i}"))?;
    }
    Ok(Agreed { version, streams: reports.len(), events: reports.iter().map(Vec::len).sum(), deviation })
}

fn script(path: &str) -> PathBuf {
    Path::new(FOLDER).join(path)
}

/// A stream as a Rust literal, so that it can be tried again; long ones cut.
fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string().chars().take(4000).collect()
}

/// The version that `js/package.json` or `python/requirements.txt` names.
fn pinned(name: &str) -> String {
    let json = include_str!("../js/package.json").split_once(&format!("\"{name}\": \""));
    let text = include_str!("../python/requirements.txt").split_once(&format!("{name}=="));
    let behind = json.or(text).map_or("?", |(_, behind)| behind);
    let version = behind.split(['"', '\n']).next().unwrap_or_default();
    // `npm:NAME@VERSION` is a package under another name.
    version.rsplit('@').next().unwrap_or_default().into()
}

async fn chromium_version(setting: &Setting) -> anyhow::Result<String> {
    let run = Command::new(&setting.chromium).arg("--version").output();
    let output = tokio::time::timeout(Duration::from_secs(20), run).await.context("chromium --version")??;
    let line = String::from_utf8(output.stdout)?;
    Ok(line.split_whitespace().nth(1).unwrap_or("?").into())
}
