//! hyper 1 without a framework, with `ssewire-server`: a service that answers with the stream of a hub.
//!
//! `cargo run -p ssewire-wrappers --bin hyper_server -- --serve 8080` counts the seconds for any client.

use std::convert::Infallible;
use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Either, Empty};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use ssewire::Frame;
use ssewire_server::{EventBody, Hub, Server, Start};
use ssewire_wrappers::{clients, limit_time, messages};

fn answer<B>(hub: &Hub, request: &Request<B>) -> Response<Either<EventBody, Empty<Bytes>>> {
    if request.uri().path() == "/events" {
        return hub.respond(request).map(Either::Left);
    }
    let mut response = Response::new(Either::Right(Empty::new()));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

async fn serve(hub: Hub, server: Server) {
    let service = service_fn(move |request| std::future::ready(Ok::<_, Infallible>(answer(&hub, &request))));
    server.serve(service, std::future::pending()).await;
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [option, port] = &arguments[..] {
        assert_eq!(option, "--serve");
        let hub = Hub::new();
        let server = Server::bind(("127.0.0.1", port.parse()?)).await?;
        println!("http://{}/events", server.local_addr()?);
        tokio::spawn(serve(hub.clone(), server));
        for n in 0_u64.. {
            hub.publish(Frame::new().event_type("tick")?.data(&n.to_string()))?;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
    limit_time();
    let hub = Hub::builder().start(Start::Oldest).build()?;
    for message in messages() {
        hub.publish_as_is(&message.frame()?)?;
    }
    // From now on a stream ends after its last event.
    hub.shutdown(Duration::ZERO).await;
    let server = Server::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", server.local_addr()?);
    tokio::spawn(serve(hub, server));
    let comments = clients::assert_serves(&format!("{url}/events")).await?;
    assert_eq!(comments, 1, "the one at the start");
    let missing = reqwest::get(format!("{url}/missing")).await?;
    assert_eq!(missing.status(), 404);
    println!("1000 events to ssewire, eventsource-stream and eventsource-client");
    Ok(())
}
