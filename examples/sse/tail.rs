//! A live stream over HTTP, with the reconnection rules of the standard.

use std::io::Read;
use std::thread;
use std::time::Duration;

use ssewire::lossy;
use ureq::http::header::{HeaderValue, ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use ureq::Agent;

use crate::stream::Stream;
use crate::{note, Failure, Options};

enum Answer {
    Stream(Box<dyn Read>),
    /// Status 204: the server wants no reconnection.
    Stop,
    /// A network error, which a later attempt may not meet.
    Unreachable(ureq::Error),
}

pub fn run(options: &Options, url: &str) -> Result<(), Failure> {
    let agent = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(30)))
        // A connection that has ended its stream is of no more use: servers close it while we wait.
        .max_idle_connections(0)
        .user_agent(concat!("sse/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent();
    let mut stream = Stream::new(options)?;
    loop {
        let why = match connect(&agent, url, stream.last_event_id())? {
            Answer::Stop => {
                note("the server has no more events (status 204)");
                return Ok(());
            }
            Answer::Stream(mut body) => match stream.follow(&mut body, usize::MAX)? {
                Ok(()) => "the connection has ended".into(),
                Err(error) => format!("the connection is lost: {error}"),
            },
            Answer::Unreachable(error) => error.to_string(),
        };
        stream.reset();
        let wait = stream.reconnection_time();
        note(format_args!("{why}; connecting again in {} ms", wait.as_millis()));
        thread::sleep(wait);
    }
}

fn connect(agent: &Agent, url: &str, last_event_id: &[u8]) -> Result<Answer, Failure> {
    let mut request = agent.get(url).header(ACCEPT, "text/event-stream").header(CACHE_CONTROL, "no-store");
    if !last_event_id.is_empty() {
        // The standard's ID is text, decoded from the stream and encoded again for the header.
        match HeaderValue::from_bytes(lossy(last_event_id).to_string().as_bytes()) {
            Ok(id) => request = request.header("last-event-id", id),
            Err(_) => {
                note("the last event ID holds a control character, no header can carry it; connecting without it")
            }
        }
    }
    let response = match request.call() {
        Ok(response) => response,
        Err(
            error @ (ureq::Error::Io(_)
            | ureq::Error::Timeout(_)
            | ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::Protocol(_)),
        ) => return Ok(Answer::Unreachable(error)),
        Err(error) => return Err(Failure::new(format_args!("{url}: {error}"))),
    };
    match response.status().as_u16() {
        200 => {}
        204 => return Ok(Answer::Stop),
        _ => return Err(Failure::new(format_args!("{url}: status {}", response.status()))),
    }
    let content_type = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let essence = content_type.split(|&byte| byte == b';').next().unwrap_or_default();
    if !essence.trim_ascii().eq_ignore_ascii_case(b"text/event-stream") {
        let found = if content_type.is_empty() { "no content type".into() } else { lossy(content_type).to_string() };
        return Err(Failure::new(format_args!("{url}: not text/event-stream, but {found}")));
    }
    Ok(Answer::Stream(Box::new(response.into_body().into_reader())))
}
