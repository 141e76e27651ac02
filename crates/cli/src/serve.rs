//! `sse serve`: live telemetry of this machine, with its history, for any number of browsers.

use std::convert::Infallible;
use std::io::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use ssewire::Frame;
use ssewire_server::{EventBody, Hub, PublishError, Server, Slow, Start};
use sysinfo::System;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::Failure;
use crate::options::Serve;

const PAGE: &str = include_str!("serve.html");
/// The largest event that can be posted, in bytes.
const LARGEST: usize = 64 << 10;
/// The time between two looks at the machine: the shortest for which its counters give a good mean.
const SAMPLE: Duration = Duration::from_millis(250);
/// A reader that missed events and has not read for this long is cut.
const PATIENCE: Duration = Duration::from_secs(30);
/// The time in which clients may take the remaining events when the program ends.
const GRACE: Duration = Duration::from_secs(2);

pub fn run(options: &Serve) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::new)?;
    runtime.block_on(serve(options))
}

async fn serve(options: &Serve) -> Result<(), Failure> {
    let mut hub = Hub::builder().capacity(options.capacity).start(Start::Oldest).slow(Slow::Closed(PATIENCE));
    if let Some(path) = &options.history {
        hub = hub.file(path);
    }
    let hub = hub.build().map_err(|error| Failure::new(format!("the history: {error}")))?;
    let address = (options.bind.as_str(), options.port);
    let server =
        Server::bind(address).await.map_err(|error| Failure::new(format!("{}:{}: {error}", address.0, address.1)))?;
    writeln!(io::stdout(), "http://{}/", server.local_addr().map_err(Failure::new)?)?;
    io::stdout().flush()?;

    let service = service_fn({
        let hub = hub.clone();
        move |request| {
            let hub = hub.clone();
            async move { Ok::<_, Infallible>(answer(&hub, request).await) }
        }
    });
    let telemetry = tokio::spawn(measure(hub.clone(), options.rate));
    server
        .serve(service, async {
            ended().await;
            telemetry.abort();
            hub.shutdown(GRACE).await;
        })
        .await;
    Ok(())
}

/// Returns when the program is told to end.
async fn ended() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = terminate.recv() => return,
            _ = tokio::signal::ctrl_c() => return,
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// Publishes the state of this machine, `rate` times a second.
async fn measure(hub: Hub, rate: f64) {
    if rate <= 0.0 {
        return;
    }
    let mut system = System::new();
    let mut ticks = interval(Duration::from_secs_f64(1.0 / rate.clamp(0.001, 100_000.0)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut sampled: Option<Instant> = None;
    let (mut cpu, mut memory, mut load, mut cores) = (0.0, 0.0, 0.0, 1);
    loop {
        ticks.tick().await;
        if sampled.is_none_or(|at| at.elapsed() >= SAMPLE) {
            sampled = Some(Instant::now());
            system.refresh_cpu_usage();
            system.refresh_memory();
            cpu = system.global_cpu_usage();
            #[allow(clippy::cast_precision_loss)] // A percentage.
            let used = system.used_memory() as f64 / system.total_memory().max(1) as f64;
            memory = used * 100.0;
            load = System::load_average().one;
            cores = system.cpus().len().max(1);
        }
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let data = format!(r#"{{"time":{time},"cpu":{cpu:.1},"memory":{memory:.1},"load":{load:.2},"cores":{cores}}}"#);
        let Ok(frame) = Frame::new().event_type("telemetry") else { return };
        match hub.publish(frame.data(&data)) {
            Ok(_) | Err(PublishError::TooLarge(_)) => {}
            Err(error) => {
                crate::note(format!("telemetry: {error}"));
                return;
            }
        }
    }
}

type Answer = Response<Either<EventBody, Full<Bytes>>>;

async fn answer(hub: &Hub, request: Request<Incoming>) -> Answer {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/events") => hub.respond(&request).map(Either::Left),
        (&Method::POST, "/events") => post(hub, request).await,
        (&Method::GET, "/") => text(StatusCode::OK, "text/html; charset=utf-8", PAGE),
        (&Method::GET, "/stats") => {
            let stats = hub.stats();
            let json = format!(
                r#"{{"connections":{},"published":{},"held":{},"missed":{},"closed":{}}}"#,
                stats.connections, stats.published, stats.held, stats.missed, stats.closed
            );
            text(StatusCode::OK, "application/json", json)
        }
        (_, "/events" | "/" | "/stats") => plain(StatusCode::METHOD_NOT_ALLOWED, "method not allowed"),
        _ => plain(StatusCode::NOT_FOUND, "not found: see /, /events, /stats"),
    }
}

/// Publishes the body of a request as the data of an event, whose type is `event` in the query.
async fn post(hub: &Hub, request: Request<Incoming>) -> Answer {
    // A page of another site may send a POST to this machine, although it cannot read the answer.
    let site = request.headers().get("sec-fetch-site").map(HeaderValue::as_bytes);
    if !matches!(site, None | Some(b"same-origin" | b"none")) {
        return plain(StatusCode::FORBIDDEN, "only pages of this server may publish");
    }
    let query = request.uri().query().unwrap_or_default().to_owned();
    let event_type = query.split('&').find_map(|pair| pair.strip_prefix("event=")).unwrap_or_default();
    let Ok(body) = Limited::new(request.into_body(), LARGEST).collect().await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "the body is cut off, or larger than 64 KiB");
    };
    let data = body.to_bytes();
    let frame = if event_type.is_empty() { Ok(Frame::new()) } else { Frame::new().event_type(event_type) };
    match frame.map(|frame| hub.publish(frame.data(&data))) {
        Ok(Ok(id)) => plain(StatusCode::OK, format!("{id}\n")),
        Ok(Err(PublishError::TooLarge(error))) => plain(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
        Ok(Err(error)) => plain(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
        Err(error) => plain(StatusCode::BAD_REQUEST, error.to_string()),
    }
}

fn plain(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    text(status, "text/plain; charset=utf-8", body)
}

fn text(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Either::Right(Full::new(body.into())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
