//! A hyper 1 server without a framework: the response body is a `StreamBody` of chunks that `Frame` writes.
//!
//! Many events share one allocation, and each is written once. hyper pulls the stream when it has room to write.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use futures::{stream, Stream, StreamExt};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use ssewire_wrappers::{clients, limit_time, messages, Message};
use tokio::net::TcpListener;

/// Messages as a response body.
fn event_body(messages: impl Stream<Item = Message>) -> impl Body<Data = Bytes, Error = ssewire::Error> {
    let mut buf = BytesMut::with_capacity(16 << 10);
    StreamBody::new(messages.map(move |message| {
        let frame = message.frame()?;
        // Full, it takes its memory again if the chunks in it are sent, else as much as it began with.
        buf.resize(frame.encoded_len(), 0);
        frame.write_to_slice(&mut buf)?;
        Ok(Frame::data(buf.split().freeze()))
    }))
}

async fn serve(request: Request<Incoming>) -> Result<Response<BoxBody<Bytes, ssewire::Error>>, hyper::http::Error> {
    if request.uri().path() != "/events" {
        let empty = Empty::new().map_err(|never: Infallible| match never {}).boxed();
        return Response::builder().status(StatusCode::NOT_FOUND).body(empty);
    }
    let body = event_body(stream::iter(messages())).boxed();
    Response::builder().header(CONTENT_TYPE, "text/event-stream").header(CACHE_CONTROL, "no-cache").body(body)
}

async fn hyper_server() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(connection), service_fn(serve)));
        }
    });
    Ok(address)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    limit_time();
    let url = format!("http://{}", hyper_server().await?);
    let comments = clients::assert_serves(&format!("{url}/events")).await?;
    assert_eq!(comments, 0);
    let missing = reqwest::get(format!("{url}/missing")).await?;
    assert_eq!(missing.status(), 404);
    println!("1000 events to ssewire, eventsource-stream and eventsource-client");
    Ok(())
}

#[cfg(test)]
mod tests {
    use ssewire_wrappers::assert_all;

    use super::*;

    #[tokio::test]
    async fn the_body_is_the_messages_and_reuses_its_memory() {
        let mut parser = ssewire::Parser::with_limit(64 << 10);
        let mut body = std::pin::pin!(event_body(stream::iter(messages())));
        let (mut read, mut places) = (Vec::new(), std::collections::BTreeSet::new());
        while let Some(frame) = body.frame().await {
            let chunk = frame.unwrap().into_data().unwrap();
            places.insert(chunk.as_ptr());
            let mut input = &chunk[..];
            read.push(Message::from(parser.next(&mut input).unwrap().unwrap().text().unwrap()));
            assert!(input.is_empty());
        }
        assert_all(&read);
        assert!(places.len() < read.len(), "{} places", places.len());
    }
}
