//! Streams in the form that real servers send: `streams/NAME.sse`, with the expected events in `streams/NAME.jsonl`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{chunks_of, oracle, via_items, via_next};
use serde::Deserialize;
use ssewire::{Frame, Item, Parser};

#[derive(Debug, Deserialize, PartialEq)]
struct Event {
    event: String,
    data: String,
    id: String,
}

#[derive(Deserialize)]
struct End {
    reconnection_time_ms: Option<u64>,
    last_event_id: String,
}

struct Stream {
    path: PathBuf,
    bytes: Vec<u8>,
    events: Vec<Event>,
    end: End,
}

fn streams() -> Vec<Stream> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/streams");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let streams: Vec<Stream> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "sse"))
        .map(|path| {
            let expected = fs::read_to_string(path.with_extension("jsonl")).unwrap();
            let mut lines: Vec<&str> = expected.lines().collect();
            let end = serde_json::from_str(lines.pop().unwrap()).unwrap();
            let events = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
            Stream { bytes: fs::read(&path).unwrap(), path, events, end }
        })
        .collect();
    assert!(streams.len() >= 16, "the streams are there");
    streams
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn events_are_as_expected() {
    for stream in streams() {
        let path = stream.path.display();
        for size in [stream.bytes.len(), 1, 2, 3, 7, 64] {
            let mut parser = Parser::<[u8; 2048]>::new();
            let outcomes = via_next(&mut parser, &chunks_of(&stream.bytes, size));
            let events: Vec<Event> = outcomes
                .into_iter()
                .map(|outcome| match outcome {
                    Ok(oracle::Item::Event(event)) => Event {
                        event: text(&event.event_type),
                        data: text(&event.data),
                        id: text(&event.last_event_id),
                    },
                    other => panic!("{path}: {other:?}"),
                })
                .collect();
            assert_eq!(events, stream.events, "{path} in chunks of {size}");
            assert_eq!(parser.reconnection_time_ms(), stream.end.reconnection_time_ms, "{path}");
            assert_eq!(text(parser.last_event_id().unwrap_or_default()), stream.end.last_event_id, "{path}");
        }
    }
}

/// A relay writes each item as it came: its output reads like its input.
#[test]
fn relayed_streams_read_the_same() {
    for stream in streams() {
        let mut parser = Parser::with_limit(2048);
        let mut relayed = Vec::new();
        for chunk in chunks_of(&stream.bytes, 50) {
            let mut input = chunk;
            while let Some(item) = parser.next_item(&mut input).unwrap() {
                let frame = match item {
                    Item::Event(event) => Frame::from(event),
                    Item::Update(update) => Frame::from(update),
                    _ => continue,
                };
                relayed.extend(frame.parts().flatten());
            }
        }
        let events_and_updates = |bytes: &[u8]| {
            let mut outcomes = via_items(&mut Parser::with_limit(2048), &[bytes]);
            outcomes.retain(|outcome| !matches!(outcome, Ok(oracle::Item::Comment(_) | oracle::Item::Unknown(_))));
            outcomes
        };
        assert_eq!(events_and_updates(&relayed), events_and_updates(&stream.bytes), "{}", stream.path.display());
    }
}
