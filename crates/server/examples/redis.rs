//! A server of several: `redis URL KEY PORT`. All of them follow one stream of Redis; `POST /events` appends to it.

use std::convert::Infallible;
use std::error::Error;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use ssewire_server::{EventBody, Hub, Log, RedisLog, Server};

type Answer = Response<Either<EventBody, Full<Bytes>>>;

async fn answer(hub: Hub, log: RedisLog, request: Request<Incoming>) -> Result<Answer, Infallible> {
    if request.method() == Method::GET {
        return Ok(hub.respond(&request).map(Either::Left));
    }
    let result: Result<String, Box<dyn Error + Send + Sync>> = async {
        let data = request.into_body().collect().await?.to_bytes();
        Ok(log.append("", &data).await?)
    }
    .await;
    let (status, text) = match result {
        Ok(id) => (StatusCode::OK, id),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
    };
    let mut response = Response::new(Either::Right(Full::new(text.into())));
    *response.status_mut() = status;
    Ok(response)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, url, key, port] = &arguments[..] else { return Err("redis URL KEY PORT".into()) };
    let log = RedisLog::new(url, key, 100_000)?;
    // A small history: most clients that come back are caught up from the log.
    let hub = Hub::builder().capacity(4096).retry(std::time::Duration::from_millis(200)).build()?;
    hub.follow(log.clone()).await?;
    let server = Server::bind(("127.0.0.1", port.parse()?)).await?;
    println!("http://{}/", server.local_addr()?);
    server.serve(service_fn(move |request| answer(hub.clone(), log.clone(), request)), std::future::pending()).await;
    Ok(())
}
