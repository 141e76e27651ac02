//! Clients that the programs share: one for the head of a request, and those that try our servers.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use eventsource_client::{Client, ClientBuilder, ReconnectOptions, SSE};
use eventsource_stream::Eventsource;
use futures::{StreamExt, TryStreamExt};
use http_body_util::Empty;
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, HOST};
use hyper_util::rt::TokioIo;
use launchdarkly_sdk_transport::HyperTransport;
use ssewire::{Item, Parser};
use tokio::net::TcpStream;

use crate::{Message, assert_all, messages};

/// The body of the response to a GET of `path`, through hyper alone.
///
/// # Errors
///
/// Without a connection, or without a response.
pub async fn hyper_get(server: SocketAddr, path: &str) -> Result<Incoming, Box<dyn Error>> {
    hyper_get_over(TcpStream::connect(server).await?, path).await
}

/// The same over a connection that there is.
///
/// # Errors
///
/// Without a response.
pub async fn hyper_get_over(connection: TcpStream, path: &str) -> Result<Incoming, Box<dyn Error>> {
    let host = connection.peer_addr()?.to_string();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(connection)).await?;
    tokio::spawn(connection);
    let request = Request::get(path).header(HOST, host).header(ACCEPT, "text/event-stream");
    let response = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
    if !response.status().is_success() {
        return Err(response.status().to_string().into());
    }
    Ok(response.into_body())
}

/// Reads the [`messages`] at `url` with three clients, which must all have read them as they are: this crate's parser
/// over reqwest, `eventsource-stream` over reqwest, and LaunchDarkly's `eventsource-client`, which reads with a parser
/// and a connection of its own. Returns how many comments this crate's parser has seen.
///
/// # Errors
///
/// When a client meets one.
///
/// # Panics
///
/// When a client has read anything else, or takes longer than ten seconds.
pub async fn assert_serves(url: &str) -> Result<usize, Box<dyn Error>> {
    let all = async {
        let (read, comments) = ssewire(url).await?;
        assert_all(&read);
        assert_all(&eventsource_stream(url).await?);
        assert_all(&eventsource_client(url).await?);
        Ok(comments)
    };
    tokio::time::timeout(Duration::from_secs(10), all).await.expect("three clients read within ten seconds")
}

async fn ssewire(url: &str) -> Result<(Vec<Message>, usize), Box<dyn Error>> {
    let mut parser = Parser::with_limit(64 << 10);
    let (mut read, mut comments) = (Vec::new(), 0);
    let response = reqwest::get(url).await?.error_for_status()?;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.try_next().await? {
        let mut input = &chunk[..];
        while let Some(item) = parser.next_item(&mut input).expect("no event exceeds the limit") {
            match item {
                Item::Event(event) => read.push(Message::from(event.text().expect("the messages are text"))),
                Item::Comment(piece) => comments += usize::from(piece.last),
                _ => {}
            }
        }
    }
    Ok((read, comments))
}

async fn eventsource_stream(url: &str) -> Result<Vec<Message>, Box<dyn Error>> {
    let events = reqwest::get(url).await?.bytes_stream().eventsource();
    let messages = events.map_ok(|event| Message {
        event_type: event.event,
        id: event.id,
        data: event.data,
        retry: event.retry.map(|retry| retry.as_millis() as u64),
    });
    Ok(messages.try_collect().await?)
}

async fn eventsource_client(url: &str) -> Result<Vec<Message>, Box<dyn Error>> {
    let client = ClientBuilder::for_url(url)?.reconnect(ReconnectOptions::reconnect(false).build());
    let mut stream = client.build_with_transport(HyperTransport::builder().build_http()?).stream();
    let mut read = Vec::new();
    // It reports the end of the stream as an error, and would not stop there: the number of messages is known.
    while read.len() < messages().len() {
        match stream.next().await.ok_or("the stream ended too early")?? {
            SSE::Event(event) => read.push(Message {
                event_type: event.event_type,
                id: event.id.unwrap_or_default(),
                data: event.data,
                retry: event.retry,
            }),
            SSE::Connected(_) | SSE::Comment(_) => {}
        }
    }
    Ok(read)
}
