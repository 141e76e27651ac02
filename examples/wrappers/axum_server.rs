//! axum with `ssewire-server`: a route that serves a hub, with history, resumption and keep-alive.
//!
//! `cargo run -p ssewire-wrappers --bin axum_server -- --serve 8080` counts the seconds for any browser.

use std::error::Error;
use std::time::Duration;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use ssewire::Frame;
use ssewire_server::{Hub, Server, Start, events};
use ssewire_wrappers::{clients, limit_time, messages};

const PAGE: &str = r#"<!doctype html><title>events</title><pre id="log"></pre>
<script>
  const source = new EventSource("/events");
  for (const type of ["tick", "gap"]) {
    source.addEventListener(type, event => log.prepend(`${type} ${event.lastEventId}: ${event.data}\n`));
  }
</script>"#;

fn app(hub: &Hub) -> Router {
    Router::new().route("/", get(Html(PAGE))).route("/events", events(hub))
}

async fn serve(port: u16) -> Result<(), Box<dyn Error>> {
    let hub = Hub::new();
    let server = Server::bind(("127.0.0.1", port)).await?;
    println!("http://{}/", server.local_addr()?);
    let publisher = hub.clone();
    tokio::spawn(async move {
        for n in 0_u64.. {
            publisher.publish(Frame::new().event_type("tick")?.data(&n.to_string()))?;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Ok::<_, Box<dyn Error + Send + Sync>>(())
    });
    let router = app(&hub);
    let ended = async move {
        let _ = tokio::signal::ctrl_c().await;
        hub.shutdown(Duration::from_secs(2)).await;
    };
    server.serve_router(router, ended).await;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [option, port] = &arguments[..] {
        assert_eq!(option, "--serve");
        return serve(port.parse()?).await;
    }
    limit_time();
    let hub = Hub::builder().start(Start::Oldest).build()?;
    for message in messages() {
        hub.publish_as_is(&message.frame()?)?;
    }
    // From now on a stream ends after its last event.
    hub.shutdown(Duration::ZERO).await;
    let server = Server::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/events", server.local_addr()?);
    tokio::spawn(server.serve_router(app(&hub), std::future::pending()));
    let comments = clients::assert_serves(&url).await?;
    assert_eq!(comments, 1, "the one at the start");

    let id = &messages()[899].id;
    let rest = reqwest::Client::new().get(&url).header("last-event-id", id).send().await?.bytes().await?;
    let mut parser = ssewire::Parser::with_limit(64 << 10);
    let (mut input, mut resumed) = (&rest[..], 0);
    while let Some(event) = parser.next(&mut input)? {
        assert_eq!(event.data(), messages()[900 + resumed].data.as_bytes());
        resumed += 1;
    }
    assert_eq!(resumed, 100);
    println!("1000 events to ssewire, eventsource-stream and eventsource-client; 100 to one that came back");
    Ok(())
}
