//! Hubs that follow a log.

use std::time::Duration;

use http_body_util::BodyExt;
use ssewire::Parser;
use ssewire_server::{EventBody, Hub, Log, MemoryLog, PublishError};
use tokio::time::timeout;

async fn hub(log: &MemoryLog, capacity: usize) -> Hub {
    let hub = Hub::builder().capacity(capacity).flush(Duration::ZERO).build().unwrap();
    hub.follow(log.clone()).await.unwrap();
    hub
}

/// Reads events until one with this data; a gap is its type and data.
async fn until(body: &mut EventBody, last: &str) -> Vec<(String, String)> {
    let mut parser = Parser::with_limit(1 << 20);
    let mut events = Vec::new();
    loop {
        let chunk = timeout(Duration::from_secs(20), body.frame()).await.expect("in time").unwrap().unwrap();
        let chunk = chunk.into_data().unwrap();
        let mut input = &chunk[..];
        while let Some(event) = parser.next(&mut input).unwrap() {
            let event = event.text().unwrap();
            let id = if event.event_type() == "gap" { "gap" } else { event.last_event_id() };
            events.push((id.to_owned(), event.data().to_owned()));
            if event.data() == last {
                assert!(input.is_empty(), "more after {last}");
                return events;
            }
        }
    }
}

fn data(events: &[(String, String)]) -> Vec<&str> {
    events.iter().map(|(_, data)| &**data).collect()
}

#[tokio::test]
async fn a_client_moves_between_hubs_and_gets_every_event_once() {
    let log = MemoryLog::new(1000);
    for n in 0..100 {
        log.append("", format!("{n}").as_bytes()).await.unwrap();
    }
    // The history of the second holds a few events only: the rest comes from the log.
    let (large, small) = (hub(&log, 1 << 20).await, hub(&log, 150).await);
    let numbers: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    let all = until(&mut large.body(b"0-1"), "99").await;
    assert_eq!(data(&all)[1..], numbers, "after a gap, since there was no such ID");
    let newest = &all[100].0;
    assert_eq!((&large.last_event_id(), &small.last_event_id()), (newest, newest));
    let ids: Vec<&String> = all[1..].iter().map(|(id, _)| id).collect();
    for (n, id) in ids.iter().enumerate().take(99) {
        let rest = until(&mut small.body(id.as_bytes()), "99").await;
        assert_eq!(data(&rest), numbers[n + 1..], "after {n}");
    }
    let mut body = small.body(ids[99].as_bytes());
    log.append("x", b"100").await.unwrap();
    assert_eq!(data(&until(&mut body, "100").await), ["100"]);
}

#[tokio::test]
async fn events_that_are_appended_meanwhile_are_neither_lost_nor_doubled() {
    let log = MemoryLog::new(5000);
    let first = log.append("", b"first").await.unwrap();
    for n in 0..2000 {
        log.append("", format!("{n}").as_bytes()).await.unwrap();
    }
    let hub = hub(&log, 500).await;
    let appending = tokio::spawn({
        let log = log.clone();
        async move {
            for n in 2000..4000 {
                log.append("", format!("{n}").as_bytes()).await.unwrap();
                tokio::task::yield_now().await;
            }
            log.append("", b"last").await.unwrap();
        }
    });
    // One that was caught up may be too slow then for a history this small: it is told.
    let events = until(&mut hub.body(first.as_bytes()), "last").await;
    let (mut next, mut missed) = (0, 0);
    for (id, data) in &events {
        if id == "gap" {
            missed += data.parse::<u64>().expect("the number is known");
        } else if data != "last" {
            assert_eq!(data.parse::<u64>().unwrap(), next + missed);
            (next, missed) = (next + missed + 1, 0);
        }
    }
    assert_eq!(next + missed, 4000);
    assert!(next >= 2000, "the pages of the log");
    appending.await.unwrap();
}

#[tokio::test]
async fn an_id_that_the_log_has_no_more_is_a_gap() {
    let log = MemoryLog::new(3);
    let first = log.append("", b"0").await.unwrap();
    for n in 1..10 {
        log.append("", format!("{n}").as_bytes()).await.unwrap();
    }
    let hub = hub(&log, 1 << 20).await;
    for id in [&*first, "7", "0-7", "x", "18446744073709551615-1"] {
        let events = until(&mut hub.body(id.as_bytes()), "9").await;
        assert_eq!(data(&events), ["unknown", "7", "8", "9"], "{id}");
        assert_eq!(events[0].0, "gap");
    }
}

#[tokio::test]
async fn what_a_hub_that_follows_a_log_does_not_take() {
    let log = MemoryLog::new(10);
    let hub = hub(&log, 100).await;
    let mut body = hub.body(b"");
    assert!(matches!(hub.publish(ssewire::Frame::new().data("x")), Err(PublishError::Follows)));
    log.append("a\nb", b"not an event").await.unwrap();
    log.append("", &[b'x'; 200]).await.unwrap();
    log.append("", b"last").await.unwrap();
    let events = until(&mut body, "last").await;
    assert_eq!(data(&events), ["1", "last"]);
    assert_eq!(events[0].0, "gap");
}
