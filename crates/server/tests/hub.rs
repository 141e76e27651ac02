//! A hub and its bodies, without a network.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;
use ssewire::{Frame, Parser};
use ssewire_server::{EventBody, GAP, Hub, PublishError, Start};
use tokio::time::{Instant, timeout};

/// The next chunk.
async fn chunk(body: &mut EventBody) -> String {
    let frame = body.frame().await.expect("the body goes on");
    let data = frame.unwrap_or_else(|never: Infallible| match never {}).into_data().expect("no trailers");
    String::from_utf8(data.to_vec()).expect("UTF-8")
}

/// The chunk that is ready, if there is one.
async fn ready(body: &mut EventBody) -> Option<Bytes> {
    poll_fn(|cx| match Pin::new(&mut *body).poll_frame(cx) {
        Poll::Ready(Some(Ok(frame))) => Poll::Ready(frame.into_data().ok()),
        _ => Poll::Ready(None),
    })
    .await
}

/// The data of the events in a stream, with the type before it if it is not `message`.
fn events(stream: &str) -> Vec<String> {
    let mut parser = Parser::with_limit(1 << 20);
    let mut input = stream.as_bytes();
    let mut events = Vec::new();
    while let Some(event) = parser.next(&mut input).expect("no event is too large") {
        let event = event.text().expect("UTF-8");
        let prefix = if event.event_type() == "message" { "" } else { event.event_type() };
        events.push(format!("{prefix}{}", event.data()));
    }
    events
}

fn publish(hub: &Hub, data: impl ToString) -> String {
    hub.publish(Frame::new().data(&data.to_string())).expect("it fits").to_string()
}

fn small() -> Hub {
    Hub::builder().epoch(5).capacity(100).build().expect("no file")
}

#[tokio::test]
async fn the_first_chunk_is_a_comment_a_reconnection_time_and_what_was_missed() {
    let hub = Hub::builder().epoch(5).retry(Duration::from_millis(400)).build().unwrap();
    let ids: Vec<String> = (1..=3).map(|n| publish(&hub, n)).collect();
    assert_eq!(ids, ["5-1", "5-2", "5-3"]);
    let first = chunk(&mut hub.body(b"5-1")).await;
    let (start, events) = first.split_at(first.find("id").unwrap());
    assert_eq!(events, "id: 5-2\ndata: 2\n\nid: 5-3\ndata: 3\n\n");
    let retry: u64 = start.strip_prefix(": \nretry: ").unwrap().trim().parse().unwrap();
    assert!((400..600).contains(&retry), "{retry}");
}

/// Counts the readers that come back in each tenth of the second after two seconds.
async fn slots(hubs: &[Hub]) -> [u32; 10] {
    let mut slots = [0; 10];
    let mut bodies: Vec<_> = hubs.iter().cycle().take(1000).map(|hub| hub.body(b"")).collect();
    for body in &mut bodies {
        let start = chunk(body).await;
        let retry: usize = start.trim().rsplit(' ').next().unwrap().parse().unwrap();
        slots[(retry - 2000) / 100] += 1;
    }
    slots
}

#[tokio::test]
async fn reconnection_times_are_spread() {
    let hub = || Hub::builder().retry(Duration::from_secs(2)).build().unwrap();
    let one = slots(&[hub()]).await;
    assert!(one.iter().all(|&n| (90..=110).contains(&n)), "{one:?}");
    let hubs: Vec<Hub> = (0..1000).map(|_| hub()).collect();
    let each = slots(&hubs).await;
    assert!(each.iter().all(|&n| (40..=160).contains(&n)), "{each:?}");
}

#[tokio::test]
async fn where_a_client_goes_on() {
    let hub = small();
    for n in 10..30 {
        publish(&hub, n); // 17 or 18 bytes each: the newest 5 are held
    }
    let rows: [(&str, &[&str]); 8] = [
        ("", &[]),
        ("5-20", &[]),
        ("5-19", &["29"]),
        ("5-15", &["25", "26", "27", "28", "29"]),
        ("5-14", &["gapunknown", "25", "26", "27", "28", "29"]),
        ("4-9999", &["gapunknown", "25", "26", "27", "28", "29"]),
        ("5-21", &["gapunknown", "25", "26", "27", "28", "29"]),
        ("of another server", &["gapunknown", "25", "26", "27", "28", "29"]),
    ];
    for (id, expected) in rows {
        let mut body = hub.body(id.as_bytes());
        assert_eq!(events(&chunk(&mut body).await), expected, "{id}");
        assert_eq!(ready(&mut body).await, None, "{id}");
    }
    let from_oldest = Hub::builder().start(Start::Oldest).build().unwrap();
    publish(&from_oldest, "x");
    assert_eq!(events(&chunk(&mut from_oldest.body(b"")).await), ["x"]);
}

#[tokio::test]
async fn a_client_follows_from_the_newest_id() {
    let hub = small();
    let first = hub.last_event_id();
    assert_eq!(first, "5-0");
    assert_eq!(events(&chunk(&mut hub.body(first.as_bytes())).await), [""; 0]);
    publish(&hub, 10);
    assert_eq!(hub.last_event_id(), "5-1");
    assert_eq!(events(&chunk(&mut hub.body(first.as_bytes())).await), ["10"]);
    for n in 11..30 {
        publish(&hub, n);
        let id = hub.last_event_id();
        assert_eq!(id, format!("5-{}", n - 9));
        assert_eq!(events(&chunk(&mut hub.body(id.as_bytes())).await), [""; 0]);
    }
    assert_eq!(events(&chunk(&mut hub.body(first.as_bytes())).await)[0], "gapunknown");
    hub.publish_as_is(&Frame::new().data("without one")).unwrap();
    assert_eq!(hub.last_event_id(), "5-20");
    hub.publish_as_is(&Frame::new().id("of its own").unwrap().data("x")).unwrap();
    assert_eq!(hub.last_event_id(), "of its own");
}

#[tokio::test]
async fn a_request_resumes_by_its_header_or_its_query() {
    let hub = Hub::builder().epoch(5).build().unwrap();
    (1..=3).for_each(|n| drop(publish(&hub, n)));
    let long = "1".repeat(5000);
    let rows: [(&str, Option<&str>, &[&str]); 6] = [
        ("/events", None, &[]),
        ("/events", Some("5-2"), &["3"]),
        ("/events?a=b&lastEventId=5-1", None, &["2", "3"]),
        ("/events?lastEventId=5-1", Some("5-2"), &["3"]),
        ("/events", Some(""), &[]),
        ("/events", Some(&long), &["gapunknown", "1", "2", "3"]),
    ];
    for (uri, header, expected) in rows {
        let mut request = http::Request::builder().uri(uri);
        if let Some(id) = header {
            request = request.header("last-event-id", id);
        }
        let response = hub.respond(&request.body(()).unwrap());
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-cache, no-transform");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        assert_eq!(events(&chunk(&mut response.into_body()).await), expected, "{uri} {header:?}");
    }
}

#[tokio::test]
async fn all_that_is_ready_is_one_chunk_up_to_the_limit() {
    let hub = Hub::builder().chunk(100).build().unwrap();
    let mut bodies = [hub.body(b""), hub.body(b"")];
    for body in &mut bodies {
        chunk(body).await;
    }
    for n in 0..20 {
        hub.publish_as_is(&Frame::new().data(&format!("{n:02}"))).unwrap(); // 10 bytes
    }
    let [first, second] = &mut bodies;
    for half in ["00", "10"] {
        let (one, other) = (ready(first).await.unwrap(), ready(second).await.unwrap());
        assert_eq!((one.len(), one.as_ptr()), (100, other.as_ptr()), "the second reader gets the same memory");
        assert!(one.starts_with(format!("data: {half}").as_bytes()));
    }
    assert_eq!(ready(first).await, None);
    hub.publish_as_is(&Frame::new().data(&"x".repeat(200))).unwrap();
    assert_eq!(chunk(first).await.len(), 208);
}

#[tokio::test]
async fn a_reader_that_was_overtaken_is_told_how_many_it_missed() {
    let hub = small();
    let (mut slow, mut fast) = (hub.body(b""), hub.body(b""));
    let mut read = String::new();
    chunk(&mut slow).await;
    chunk(&mut fast).await;
    for n in 10..30 {
        publish(&hub, n);
        read += &chunk(&mut fast).await;
    }
    assert_eq!(events(&read), (10..30).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(events(&chunk(&mut slow).await), ["gap15", "25", "26", "27", "28", "29"]);
    assert_eq!((hub.stats().missed, hub.stats().connections, hub.stats().published), (15, 2, 20));
    let missed: Vec<u64> = hub.connections().iter().map(|connection| connection.missed).collect();
    assert_eq!(missed, [15, 0]);
    publish(&hub, 30);
    assert_eq!(events(&chunk(&mut slow).await), ["30"]);
}

#[tokio::test(start_paused = true)]
async fn events_in_quick_succession_wake_a_reader_once_a_flush_interval() {
    let hub = Hub::builder().flush(Duration::from_millis(5)).build().unwrap();
    let mut body = hub.body(b"");
    chunk(&mut body).await;
    let start = Instant::now();
    let reader = tokio::spawn(async move {
        let mut seen = Vec::new();
        while seen.len() < 3 {
            let events = events(&chunk(&mut body).await).len();
            seen.push((start.elapsed().as_millis(), events));
        }
        seen
    });
    tokio::task::yield_now().await;
    // At 0, 1, ... 12 ms.
    for n in 0..13 {
        publish(&hub, n);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(reader.await.unwrap(), [(0, 1), (5, 5), (10, 5)]);
}

#[tokio::test(start_paused = true)]
async fn with_a_flush_interval_of_zero_every_event_wakes() {
    let hub = Hub::builder().flush(Duration::ZERO).build().unwrap();
    let mut body = hub.body(b"");
    chunk(&mut body).await;
    for n in 0..3 {
        let start = Instant::now();
        publish(&hub, n);
        assert_eq!(events(&chunk(&mut body).await), [n.to_string()]);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn a_comment_is_written_after_the_keep_alive_interval_and_only_then() {
    let hub = Hub::builder().keep_alive(Duration::from_secs(15)).build().unwrap();
    let mut body = hub.body(b"");
    chunk(&mut body).await;
    for _ in 0..2 {
        let start = Instant::now();
        assert_eq!(chunk(&mut body).await, ":\n\n");
        assert!((15..=16).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    }
    for n in 0..4 {
        tokio::time::sleep(Duration::from_secs(10)).await;
        publish(&hub, n);
        assert_eq!(events(&chunk(&mut body).await), [n.to_string()]);
    }
}

#[tokio::test]
async fn a_shutdown_writes_what_is_ready_and_a_reconnection_time_and_the_end() {
    let hub = Hub::new();
    let mut body = hub.body(b"");
    chunk(&mut body).await;
    publish(&hub, "last");
    let stopped = tokio::spawn({
        let hub = hub.clone();
        async move { hub.shutdown(Duration::from_secs(60)).await }
    });
    tokio::task::yield_now().await;
    assert_eq!(events(&chunk(&mut body).await), ["last"]);
    assert!(chunk(&mut body).await.starts_with("retry: "));
    assert!(body.frame().await.is_none());
    assert!(!stopped.is_finished());
    drop(body);
    timeout(Duration::from_secs(10), stopped).await.expect("it ends with the last reader").unwrap();
    assert!(matches!(hub.publish(Frame::new().data("x")), Err(PublishError::ShutDown)));
    let late = hub.body(b"").collect().await.unwrap().to_bytes();
    assert!(late.ends_with(b"\n\n") && late.windows(5).any(|bytes| bytes == b"retry"));
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_a_reader_that_does_not_read() {
    let hub = Hub::new();
    let mut body = hub.body(b"");
    timeout(Duration::from_secs(10), hub.shutdown(Duration::from_millis(50))).await.expect("it ends");
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn the_streams_end_with_the_last_clone_of_their_hub() {
    let hub = Hub::new();
    let clone = hub.clone();
    let mut bodies = [hub.body(b""), hub.body(b"")];
    for body in &mut bodies {
        chunk(body).await;
    }
    let [mut waiting, mut busy] = bodies;
    let waiting = tokio::spawn(async move { chunk(&mut waiting).await });
    drop(hub);
    tokio::task::yield_now().await;
    assert!(ready(&mut busy).await.is_none());
    assert!(!waiting.is_finished());
    publish(&clone, "last");
    drop(clone);
    assert_eq!(events(&chunk(&mut busy).await), ["last"]);
    assert!(chunk(&mut busy).await.starts_with("retry: "));
    assert!(busy.frame().await.is_none());
    let last = timeout(Duration::from_secs(10), waiting).await.expect("it is woken").unwrap();
    assert_eq!(events(&last), ["last"]);
}

#[tokio::test]
async fn a_waiting_reader_is_woken_when_its_hub_is_dropped() {
    let hub = Hub::new();
    let mut body = hub.body(b"");
    let reader = tokio::spawn(async move { (&mut body).collect().await.unwrap().to_bytes() });
    tokio::task::yield_now().await;
    drop(hub);
    let all = timeout(Duration::from_secs(10), reader).await.expect("it ends").unwrap();
    assert_eq!(all.windows(6).filter(|bytes| bytes == b"retry:").count(), 2);
}

#[tokio::test]
async fn an_event_larger_than_the_history_is_refused_and_drops_nothing() {
    let hub = small();
    publish(&hub, "kept");
    let error = hub.publish(Frame::new().data(&"x".repeat(200))).unwrap_err();
    assert!(matches!(error, PublishError::TooLarge(error) if error.capacity == 100), "{error}");
    assert_eq!(error.to_string(), "the event takes 216 bytes, and the history holds 100");
    assert!(std::error::Error::source(&error).is_none(), "it would be printed twice");
    assert_eq!(publish(&hub, "next"), "5-2");
    let first = chunk(&mut hub.body(b"5-0")).await;
    assert_eq!(events(&first).last().unwrap(), "next");
}

#[test]
fn events_are_published_without_a_runtime() {
    let hub = small();
    assert_eq!(publish(&hub, 1), "5-1");
}

#[test]
fn a_reader_goes_on_when_the_runtime_of_another_ends() {
    let hub = Hub::builder().flush(Duration::from_millis(500)).build().unwrap();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    // The first has the hub's timer.
    let first = runtime();
    let mut gone = first.block_on(async { hub.body(b"") });
    first.block_on(chunk(&mut gone));
    first.block_on(async { assert!(ready(&mut gone).await.is_none()) });
    let (got, reader) = std::sync::mpsc::channel();
    let thread = std::thread::spawn({
        let mut body = hub.body(b"");
        move || {
            runtime().block_on(async {
                for _ in 0..3 {
                    let start = Instant::now();
                    let chunk = timeout(Duration::from_secs(10), chunk(&mut body)).await.expect("it is woken");
                    // The end of the time looks at the body once more.
                    assert!(start.elapsed() < Duration::from_secs(10), "it is woken");
                    got.send(events(&chunk)).unwrap();
                }
            })
        }
    });
    assert!(reader.recv().unwrap().is_empty());
    publish(&hub, 1);
    assert_eq!(reader.recv().unwrap(), ["1"]);
    std::thread::sleep(Duration::from_millis(100));
    publish(&hub, 2);
    drop(first);
    assert_eq!(reader.recv().unwrap(), ["2"]);
    thread.join().unwrap();
}

#[test]
fn readers_that_come_back_get_every_event_once_or_the_number_of_those_missed() {
    const EVENTS: u64 = 20_000;
    let hub = Hub::builder().epoch(1).capacity(4096).start(Start::Oldest).build().unwrap();
    let writer = std::thread::spawn({
        let hub = hub.clone();
        move || {
            for n in 1..=EVENTS {
                publish(&hub, n);
                if n % 50 == 0 {
                    std::thread::yield_now();
                }
            }
        }
    });
    let readers: Vec<_> = (0..3)
        .map(|reader| {
            let hub = hub.clone();
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                runtime.block_on(read_all(&hub, EVENTS, reader))
            })
        })
        .collect();
    writer.join().unwrap();
    for reader in readers {
        let (got, resumed) = reader.join().unwrap();
        assert!(got > 0 && resumed > 0, "{got} {resumed}");
    }
}

/// Reads until the last event, with a new connection after each few chunks.
async fn read_all(hub: &Hub, last: u64, reader: u64) -> (u64, u64) {
    let mut id = String::new();
    let (mut before, mut got, mut resumed) = (0, 0, 0);
    while before < last {
        let mut body = hub.body(id.as_bytes());
        let mut parser = Parser::with_limit(1 << 16);
        let (mut missed, mut is_unknown) = (0, false);
        resumed += 1;
        for _ in 0..3 + reader {
            if before == last {
                break;
            }
            let chunk = chunk(&mut body).await;
            let mut input = chunk.as_bytes();
            while let Some(event) = parser.next(&mut input).unwrap() {
                let event = event.text().unwrap();
                if event.event_type() == GAP {
                    // One that lags before it has read its first gap gets two.
                    is_unknown |= event.data() == "unknown";
                    missed += event.data().parse().unwrap_or(0);
                    continue;
                }
                let n: u64 = event.data().parse().unwrap();
                if is_unknown || id.is_empty() {
                    assert!(n > before, "{n} after {before}");
                } else {
                    assert_eq!(n, before + 1 + missed, "after {before}, {missed} missed");
                }
                (before, missed, is_unknown) = (n, 0, false);
                id = event.last_event_id().into();
                got += 1;
            }
        }
    }
    (got, resumed)
}
