//! The crate against the conformance vectors, and the oracle against them.

use std::collections::HashSet;

use crate::common::oracle::{self, Item};
use crate::common::{self, Outcomes};
use proptest::prelude::*;
use ssewire::conformance::{
    Dispatched, Must, Outcome, ParseCase, Write, check_parser, check_writer, parse_vectors, write_vectors,
};
use ssewire::tokenizer::Tokenizer;
use ssewire::{Error, Frame, Parser, Storage, lossy};

// ---- the crate against the vectors ----

fn text(bytes: &[u8]) -> String {
    lossy(bytes).to_string()
}

fn outcome(outcomes: Outcomes) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    for item in outcomes {
        if let Item::Event(event) = item? {
            let event =
                Dispatched { event: text(&event.event_type), data: text(&event.data), id: text(&event.last_event_id) };
            outcome.events.push(event);
        }
    }
    Ok(outcome)
}

fn comments(outcomes: &Outcomes) -> Vec<String> {
    let comments = outcomes.iter().filter_map(|outcome| match outcome {
        Ok(Item::Comment(comment)) => Some(text(comment)),
        _ => None,
    });
    comments.collect()
}

fn run<S: Storage>(
    mut parser: Parser<S>,
    case: ParseCase<'_>,
    read: fn(&mut Parser<S>, &[&[u8]]) -> Outcomes,
) -> Result<Outcome, Error> {
    if let Some(id) = &case.vector.initial_last_event_id {
        parser.set_last_event_id(id.as_bytes())?;
    }
    let outcomes = read(&mut parser, case.chunks);
    let comments = comments(&outcomes);
    let mut outcome = outcome(outcomes)?;
    outcome.reconnection_time_ms = Some(parser.reconnection_time_ms());
    outcome.last_event_id = Some(text(parser.last_event_id().unwrap_or_default()));
    outcome.comments = Some(comments).filter(|comments| !comments.is_empty());
    Ok(outcome)
}

/// Room for the longest event.
const CAPACITY: usize = 1 << 21;

#[test]
fn next_passes_in_a_borrowed_buffer() {
    let mut buffer = vec![0; CAPACITY];
    check_parser(|case| run(Parser::with_buffer(&mut buffer), case, common::via_next)).unwrap();
}

#[test]
fn feed_and_event_pass_on_the_heap() {
    check_parser(|case| run(Parser::with_limit(CAPACITY), case, common::via_feed)).unwrap();
}

#[test]
fn next_item_passes_in_an_array() {
    fn items<S: Storage>(parser: Parser<S>, case: ParseCase<'_>) -> Result<Outcome, Error> {
        let mut outcome = run(parser, case, common::via_items)?;
        outcome.comments.get_or_insert_default();
        Ok(outcome)
    }
    type Inline<const N: usize> = Parser<[u8; N]>;
    // A large buffer takes long to make, and one of megabytes has no place on a stack.
    for vector in parse_vectors() {
        match vector.input.len() {
            0..=300 => vector.check(|case| items(Inline::<300>::new(), case)).unwrap(),
            301..=4000 => vector.check(|case| items(Inline::<4000>::new(), case)).unwrap(),
            _ => vector.check(|case| items(Parser::with_limit(CAPACITY), case)).unwrap(),
        };
    }
}

#[test]
fn events_assembled_from_tokens_pass() {
    check_parser(|case| {
        let initial = case.vector.initial_last_event_id.clone().unwrap_or_default();
        let outcomes = common::via_tokens(&mut Tokenizer::new(), case.chunks, initial.as_bytes());
        let comments = comments(&outcomes);
        let mut outcome = outcome(outcomes)?;
        outcome.comments = Some(comments);
        Ok::<_, Error>(outcome)
    })
    .unwrap();
}

#[test]
fn write_passes() {
    let passed = check_writer(|write| frame(write).map(|frame| frame.to_string().into_bytes())).unwrap();
    assert_eq!(passed.vectors, write_vectors().len());
    assert_eq!(passed.runs, passed.vectors, "each is written once");
}

/// The other ways to write, in buffers that are smaller than most frames.
#[test]
fn write_passes_in_every_way() {
    // A long frame goes in few pieces, since each finds its position anew.
    fn filled(len: usize, mut fill: impl FnMut(usize, &mut [u8]) -> usize) -> Vec<u8> {
        let (mut window, mut wire) = (vec![0; (len / 16).max(24)], Vec::new());
        while let n @ 1.. = fill(wire.len(), &mut window) {
            wire.extend_from_slice(&window[..n]);
        }
        wire
    }
    let ways: [fn(Frame<'_>) -> Vec<u8>; 5] = [
        |frame| frame.to_vec(),
        |frame| frame.parts().collect::<Vec<_>>().concat(),
        |frame| {
            let mut wire = Vec::new();
            frame.write_to_buf(&mut wire).unwrap();
            wire
        },
        |frame| {
            let mut wire = Vec::new();
            frame.write_to(&mut wire).unwrap();
            wire
        },
        |frame| filled(frame.encoded_len(), |position, window| frame.fill_at(position, window)),
    ];
    for way in ways {
        check_writer(|write| frame(write).map(way)).unwrap();
    }
    // Data that is formatted.
    for vector in write_vectors() {
        let (Ok(frame), Some(data)) = (frame(&vector.write), &vector.write.data) else { continue };
        let wire = filled(frame.encoded_len(), |position, window| {
            frame.data_fmt(format_args!("{data}")).fill_at(position, window).unwrap()
        });
        assert_eq!(wire, frame.to_vec(), "{}", vector.name);
    }
}

#[test]
fn write_gives_the_example_outputs() {
    for vector in write_vectors() {
        if let Must::Roundtrip { example_output, .. } = &vector.must {
            let frame = frame(&vector.write).unwrap();
            assert_eq!(frame.to_string().into_bytes(), *example_output, "{}", vector.name);
        }
    }
}

fn frame(write: &Write) -> Result<Frame<'_>, Error> {
    let mut frame = Frame::new();
    if let Some(comment) = &write.comment {
        frame = frame.comment(comment);
    }
    if let Some(event) = &write.event {
        frame = frame.event_type(event)?;
    }
    if let Some(id) = &write.id {
        frame = frame.id(id)?;
    }
    if let Some(retry) = write.retry {
        frame = frame.retry(retry);
    }
    if let Some(data) = &write.data {
        frame = frame.data(data);
    }
    Ok(frame)
}

// ---- the oracle against the vectors, and against itself ----

#[test]
fn the_oracle_passes() {
    for vector in parse_vectors() {
        let initial = vector.initial_last_event_id.as_ref().map(String::as_bytes);
        let parsed = oracle::parse_text(&vector.input, initial);
        let outcome = outcome(common::events(&parsed)).unwrap();
        assert_eq!(outcome.events, vector.events, "{}", vector.name);
        if let Some(time) = vector.reconnection_time_ms {
            assert_eq!(parsed.reconnection_time_ms, time, "{}", vector.name);
        }
        if let Some(id) = &vector.last_event_id {
            assert_eq!(text(parsed.last_event_id.as_deref().unwrap_or_default()), *id, "{}", vector.name);
        }
        if let Some(comments) = &vector.comments {
            assert_eq!(parsed.comments().iter().map(|c| text(c)).collect::<Vec<_>>(), *comments, "{}", vector.name);
        }
    }
}

/// The standard decodes the stream and then takes it apart; the crate leaves decoding to the end.
#[test]
fn decoding_first_and_decoding_last_are_the_same() {
    common::for_all(prop_oneof![common::stream(), common::bytes()], |stream| {
        let (first, last) = (oracle::parse_text(&stream, None), oracle::parse(&stream, None));
        assert_eq!(outcome(common::events(&first)), outcome(common::events(&last)));
        assert_eq!(comments(&common::items(&first)), comments(&common::items(&last)));
        assert_eq!(first.reconnection_time_ms, last.reconnection_time_ms);
        let ids = [first.last_event_id, last.last_event_id].map(|id| id.map(|id| text(&id)));
        assert_eq!(&ids[0], &ids[1]);
    });
}

// ---- the vectors themselves ----

#[test]
fn the_vectors_are_complete() {
    let (parse, write) = (parse_vectors(), write_vectors());
    for (file, read) in [
        (include_str!("conformance/browser.jsonl"), parse.iter().filter(|v| v.last_event_id.is_none()).count()),
        (include_str!("conformance/field.jsonl"), parse.iter().filter(|v| v.name.starts_with("t2-")).count()),
        (include_str!("conformance/write.jsonl"), write.len()),
    ] {
        assert_eq!(file.lines().count(), read);
    }
    let files = [
        include_str!("conformance/parse.jsonl"),
        include_str!("conformance/browser.jsonl"),
        include_str!("conformance/field.jsonl"),
    ];
    assert_eq!(files.map(|file| file.lines().count()).iter().sum::<usize>(), parse.len());
    let names = parse.iter().map(|v| &v.name).chain(write.iter().map(|v| &v.name));
    let unique: HashSet<_> = names.collect();
    assert_eq!(unique.len(), parse.len() + write.len(), "names are unique");
    for vector in &parse {
        let summed = vector.chunks.iter().all(|chunks| chunks.iter().sum::<usize>() == vector.input.len());
        assert!(summed, "{}: chunks do not add up", vector.name);
        assert_eq!(vector.last_event_id.is_some(), vector.reconnection_time_ms.is_some(), "{}", vector.name);
    }
}
