use std::task::{Context, Poll};
use std::time::Duration;

use futures::channel::mpsc;
use futures::task::noop_waker;
use futures::{FutureExt, StreamExt};

use super::subject::{Event, EventStream, EventStreamError, Eventsource};
use crate::common::chunkings;

type Results = Vec<Result<Event, EventStreamError<&'static str>>>;

fn read(chunks: Vec<Result<&[u8], &'static str>>) -> Results {
    futures::executor::block_on(EventStream::new(futures::stream::iter(chunks)).collect())
}

fn event(event: &str, data: &str, id: &str, retry: Option<u64>) -> Event {
    Event { event: event.into(), data: data.into(), id: id.into(), retry: retry.map(Duration::from_millis) }
}

#[test]
fn fields() {
    let cases: &[(&str, &[Event])] = &[
        ("", &[]),
        ("data: Hello\n\n", &[event("message", "Hello", "", None)]),
        ("data: unfinished\n", &[]),
        ("data:  one space is kept\n\n", &[event("message", " one space is kept", "", None)]),
        ("data:a\ndata: b\ndata\n\n", &[event("message", "a\nb\n", "", None)]),
        ("data\n\ndata:\n\n", &[event("message", "", "", None), event("message", "", "", None)]),
        ("event: add\ndata: 1\n\ndata: 2\n\n", &[event("add", "1", "", None), event("message", "2", "", None)]),
        ("event: a\nevent\ndata: 1\n\n", &[event("message", "1", "", None)]),
        ("event: only a type\n\ndata: 1\n\n", &[event("message", "1", "", None)]),
        (
            "id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n",
            &[event("message", "a", "1", None), event("message", "b", "1", None), event("message", "c", "", None)],
        ),
        ("id: 1\n\ndata: a\n\n", &[event("message", "a", "1", None)]),
        ("id: 1\nid: a\0b\ndata: a\n\n", &[event("message", "a", "1", None)]),
        ("retry: 5\ndata: a\n\ndata: b\n\n", &[event("message", "a", "", Some(5)), event("message", "b", "", None)]),
        ("retry: 5\nretry: x\nretry:\ndata: a\n\n", &[event("message", "a", "", Some(5))]),
        ("retry: 99999999999999999999\ndata: a\n\n", &[event("message", "a", "", None)]),
        ("retry: 5\n\ndata: a\n\n", &[event("message", "a", "", None)]),
        (":\n\n: keep-alive\n\n:data: a\ndata: b\n\n", &[event("message", "b", "", None)]),
        ("Data: a\ndata : b\n data: c\nunknown: d\ndata: e\n\n", &[event("message", "e", "", None)]),
        ("data: é世🚀\nid: 世\nevent: 🚀\n\n", &[event("🚀", "é世🚀", "世", None)]),
        ("data: a:b: c\n\n", &[event("message", "a:b: c", "", None)]),
    ];
    for (text, expected) in cases {
        // The last line end is LF: the original waits after a CR.
        for bytes in [text.to_string(), text.replace('\n', "\r\n"), text.replace("\nd", "\rd").replace("\ni", "\ri")] {
            for chunks in chunkings(bytes.as_bytes()) {
                let found = read(chunks.into_iter().map(Ok).collect());
                let expected: Results = expected.iter().cloned().map(Ok).collect();
                assert_eq!(found, expected, "{bytes:?}");
            }
        }
    }
}

#[test]
fn an_error_beneath_is_passed_on_and_nothing_is_lost() {
    let found = read(vec![Ok(b"data: 1\n\ndata: "), Err("reset"), Ok(b""), Ok(b"2\n\n"), Err("again")]);
    assert_eq!(
        found,
        [
            Ok(event("message", "1", "", None)),
            Err(EventStreamError::Transport("reset")),
            Ok(event("message", "2", "", None)),
            Err(EventStreamError::Transport("again")),
        ]
    );
}

#[test]
fn an_event_does_not_wait_for_the_next_chunk() {
    let (sender, bytes) = mpsc::unbounded();
    let mut events = bytes.map(Ok::<_, ()>).eventsource();
    sender.unbounded_send("data: 1\n\ndata: 2\n\nda").unwrap();
    let waker = noop_waker();
    let mut context = Context::from_waker(&waker);
    assert_eq!(events.poll_next_unpin(&mut context), Poll::Ready(Some(Ok(event("message", "1", "", None)))));
    assert_eq!(events.poll_next_unpin(&mut context), Poll::Ready(Some(Ok(event("message", "2", "", None)))));
    assert_eq!(events.poll_next_unpin(&mut context), Poll::Pending);
    sender.unbounded_send("ta: 3\n\n").unwrap();
    assert_eq!(events.next().now_or_never(), Some(Some(Ok(event("message", "3", "", None)))));
    drop(sender);
    assert_eq!(events.poll_next_unpin(&mut context), Poll::Ready(None));
}

#[test]
fn nothing_is_taken_from_beneath_before_it_is_needed() {
    let mut taken = 0;
    let chunks = futures::stream::iter(["data: 1\n\ndata: 2\n\n", "data: 3\n\n"]).inspect(|_| taken += 1);
    let mut events = Box::pin(EventStream::new(chunks.map(Ok::<_, ()>)));
    for _ in 0..2 {
        events.next().now_or_never().unwrap().unwrap().unwrap();
    }
    drop(events);
    assert_eq!(taken, 1);
}

#[test]
fn the_last_event_id_is_that_of_the_last_event() {
    let chunks = ["id: 1\ndata: a\n\nid: 2\ndata: b\n\n"].map(Ok::<_, ()>);
    let mut events = EventStream::new(futures::stream::iter(chunks));
    assert_eq!(events.last_event_id(), "");
    events.set_last_event_id("0");
    events.set_last_event_id(String::from("00"));
    assert_eq!(events.last_event_id(), "00");
    for id in ["1", "2"] {
        events.next().now_or_never().unwrap().unwrap().unwrap();
        assert_eq!(events.last_event_id(), id);
    }
}

#[test]
fn types() {
    fn is_send_sync_and_unpin<T: Send + Sync + Unpin>(_: &T) {}
    fn is_error(error: impl std::error::Error + Send + Sync + 'static) -> String {
        error.to_string()
    }
    is_send_sync_and_unpin(&futures::stream::empty::<Result<Vec<u8>, ()>>().eventsource());
    assert_eq!(Event::default(), event("", "", "", None));
    assert_eq!(is_error(EventStreamError::Transport("reset")), "Transport error: reset");
    let utf8 = String::from_utf8(vec![0xff]).unwrap_err();
    let text = format!("UTF8 error: {utf8}");
    assert_eq!(is_error(EventStreamError::<String>::Utf8(utf8)), text);
}
