//! The crate against the conformance vectors, the oracle against them, and the kit against parsers and writers that are
//! wrong on purpose.

mod common;

use std::collections::HashSet;
use std::convert::Infallible;

use common::oracle::{self, Item};
use common::{config, Outcomes};
use proptest::prelude::*;
use ssewire::conformance::{
    check_parser, check_writer, parse_vectors, write_vectors, Dispatched, Must, Outcome, ParseCase, Write,
};
use ssewire::{decode, Error, Frame, Parser, Storage, Tokenizer};

// ---- the crate against the vectors ----

fn text(bytes: &[u8]) -> String {
    decode(bytes).to_string()
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

const CAPACITY: usize = 20_000;

#[test]
fn next_passes_in_a_lent_buffer() {
    let mut buffer = vec![0; CAPACITY];
    check_parser(|case| run(Parser::with_buffer(&mut buffer), case, common::via_next)).unwrap();
}

#[test]
fn feed_and_event_pass_on_the_heap() {
    check_parser(|case| run(Parser::with_limit(CAPACITY), case, common::via_feed)).unwrap();
}

#[test]
fn next_item_passes_in_a_heapless_vector() {
    fn items<const N: usize>(case: ParseCase<'_>) -> Result<Outcome, Error> {
        let mut outcome = run(Parser::<heapless::Vec<u8, N>>::new(), case, common::via_items)?;
        outcome.comments.get_or_insert_default();
        Ok(outcome)
    }
    // The size of the buffer is what takes the time here.
    for vector in parse_vectors() {
        match vector.input.len() {
            0..=300 => vector.check(items::<300>).unwrap(),
            _ => vector.check(items::<CAPACITY>).unwrap(),
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

proptest! {
    #![proptest_config(config())]

    /// The standard decodes the stream and then takes it apart; the crate leaves decoding to the end.
    #[test]
    fn decoding_first_and_decoding_last_are_the_same(stream in prop_oneof![common::stream(), common::bytes()]) {
        let (first, last) = (oracle::parse_text(&stream, None), oracle::parse(&stream, None));
        prop_assert_eq!(outcome(common::events(&first)), outcome(common::events(&last)));
        prop_assert_eq!(comments(&common::items(&first)), comments(&common::items(&last)));
        prop_assert_eq!(first.reconnection_time_ms, last.reconnection_time_ms);
        let ids = [first.last_event_id, last.last_event_id].map(|id| id.map(|id| text(&id)));
        prop_assert_eq!(&ids[0], &ids[1]);
    }
}

// ---- the vectors themselves ----

#[test]
fn the_vectors_are_complete() {
    let (parse, write) = (parse_vectors(), write_vectors());
    for (file, read) in [
        (include_str!("conformance/parse.jsonl"), parse.iter().filter(|v| v.last_event_id.is_some()).count()),
        (include_str!("conformance/browser.jsonl"), parse.iter().filter(|v| v.last_event_id.is_none()).count()),
        (include_str!("conformance/write.jsonl"), write.len()),
    ] {
        assert_eq!(file.lines().count(), read);
    }
    let names = parse.iter().map(|v| &v.name).chain(write.iter().map(|v| &v.name));
    let unique: HashSet<_> = names.collect();
    assert_eq!(unique.len(), parse.len() + write.len(), "names are unique");
    for vector in &parse {
        let summed = vector.chunks.iter().all(|chunks| chunks.iter().sum::<usize>() == vector.input.len());
        assert!(summed, "{}: chunks do not add up", vector.name);
        assert_eq!(vector.last_event_id.is_some(), vector.reconnection_time_ms.is_some(), "{}", vector.name);
    }
}

/// The chunkings that the kit documents.
#[test]
fn the_kit_cuts_as_it_says() {
    let by_len = |range: std::ops::Range<usize>| {
        let mut vectors = parse_vectors();
        vectors.retain(|vector| range.contains(&vector.input.len()) && vector.chunks.is_some());
        vectors.swap_remove(0)
    };
    for (range, ways) in [(8..13, (|n| 1 << (n - 1)) as fn(usize) -> usize), (13..201, |n| n - 1), (201..9999, |_| 0)] {
        let vector = by_len(range);
        let mut seen: Vec<Vec<usize>> = Vec::new();
        let passed = vector.check(|case| {
            assert_eq!(case.chunks.concat(), vector.input);
            seen.push(case.chunks.iter().map(|chunk| chunk.len()).collect());
            run(Parser::with_limit(CAPACITY), case, common::via_next)
        });
        let n = vector.input.len();
        assert_eq!((passed.unwrap().runs, seen.len()), (12 + ways(n), 12 + ways(n)), "{}", vector.name);
        assert_eq!(seen[0], [n]);
        assert_eq!(seen[1], [0, n, 0]);
        assert_eq!(seen[2], vec![1; n]);
        assert!(seen.contains(vector.chunks.as_ref().unwrap()), "its own chunks");
        if ways(n) > 0 {
            assert!((1..n).all(|cut| seen.contains(&vec![cut, n - cut])), "every cut in two");
            assert_eq!(seen[12..].iter().collect::<HashSet<_>>().len(), ways(n), "no way twice");
        }
    }
}

// ---- the kit against the wrong ----

/// What a parser can get wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    DispatchesAtEnd,
    EndsLastLineAtEnd,
    KeepsBom,
    DropsEveryBom,
    SplitsAtLineSeparator,
    SplitsAtFormFeed,
    // Only a stream that ends in CR shows it: there the byte that would release the event never comes.
    HoldsCrUntilNextByte,
    IgnoresCr,
    BlankLineBetweenCrAndLfOfTwoChunks,
    DecodesEachChunk,
    DropsEmptyChunkAndAllBehind,
    EndsLineWithChunk,
    TrimsValues,
    StripsAllSpaces,
    KeepsSpace,
    SplitsAtLastColon,
    NeedsColon,
    IgnoresCase,
    JoinsDataWithoutLf,
    TrimsLfOfData,
    DropsEmptyData,
    KeepsEventType,
    EmptyEventTypeStays,
    ForgetsLastEventId,
    TakesIdWithNul,
    CommitsIdAtItsLine,
    IgnoresEmptyId,
    IgnoresInitialId,
    IdOnlyBlockIsNoBlock,
    LenientRetry,
    RetryOfEventOnly,
    CommentEndsEvent,
    LosesComments,
}

const FLAWS: [Flaw; 33] = {
    use Flaw::*;
    [
        DispatchesAtEnd,
        EndsLastLineAtEnd,
        KeepsBom,
        DropsEveryBom,
        SplitsAtLineSeparator,
        SplitsAtFormFeed,
        HoldsCrUntilNextByte,
        IgnoresCr,
        BlankLineBetweenCrAndLfOfTwoChunks,
        DecodesEachChunk,
        DropsEmptyChunkAndAllBehind,
        EndsLineWithChunk,
        TrimsValues,
        StripsAllSpaces,
        KeepsSpace,
        SplitsAtLastColon,
        NeedsColon,
        IgnoresCase,
        JoinsDataWithoutLf,
        TrimsLfOfData,
        DropsEmptyData,
        KeepsEventType,
        EmptyEventTypeStays,
        ForgetsLastEventId,
        TakesIdWithNul,
        CommitsIdAtItsLine,
        IgnoresEmptyId,
        IgnoresInitialId,
        IdOnlyBlockIsNoBlock,
        LenientRetry,
        RetryOfEventOnly,
        CommentEndsEvent,
        LosesComments,
    ]
};

/// A simple parser with one flaw.
fn flawed(flaw: Flaw, case: ParseCase<'_>) -> Result<Outcome, Infallible> {
    let mut chunks: Vec<Vec<u8>> = case.chunks.iter().map(|chunk| chunk.to_vec()).collect();
    match flaw {
        Flaw::DecodesEachChunk => {
            chunks.iter_mut().for_each(|chunk| *chunk = String::from_utf8_lossy(chunk).into_owned().into_bytes());
        }
        Flaw::DropsEmptyChunkAndAllBehind => {
            let kept = chunks.iter().position(Vec::is_empty).unwrap_or(chunks.len());
            chunks.truncate(kept);
        }
        Flaw::EndsLineWithChunk => {
            for chunk in chunks.iter_mut().filter(|chunk| !chunk.ends_with(b"\n") && !chunk.ends_with(b"\r")) {
                chunk.push(b'\n');
            }
        }
        Flaw::BlankLineBetweenCrAndLfOfTwoChunks => {
            for i in 1..chunks.len() {
                if chunks[i - 1].ends_with(b"\r") && chunks[i].starts_with(b"\n") {
                    chunks[i].insert(0, b'\n');
                }
            }
        }
        _ => {}
    }
    let mut stream = chunks.concat();
    if flaw != Flaw::KeepsBom && stream.starts_with(b"\xef\xbb\xbf") {
        stream.drain(..3);
    }
    let mut stream = String::from_utf8_lossy(&stream).into_owned();
    match flaw {
        Flaw::DispatchesAtEnd => stream.push_str("\n\n"),
        Flaw::EndsLastLineAtEnd => stream.push('\n'),
        Flaw::DropsEveryBom => stream = stream.replace('\u{feff}', ""),
        Flaw::SplitsAtLineSeparator => stream = stream.replace('\u{2028}', "\n"),
        Flaw::SplitsAtFormFeed => stream = stream.replace('\u{c}', "\n"),
        Flaw::HoldsCrUntilNextByte if stream.ends_with('\r') => {
            stream.pop();
        }
        _ => {}
    }
    let ended = match flaw {
        Flaw::IgnoresCr => stream.replace("\r\n", "\n"),
        _ => stream.replace("\r\n", "\n").replace('\r', "\n"),
    };
    let mut lines: Vec<&str> = ended.split('\n').collect();
    lines.pop();

    let initial = case.vector.initial_last_event_id.clone().filter(|_| flaw != Flaw::IgnoresInitialId);
    let (mut id, mut last_event_id) = (initial.clone().unwrap_or_default(), initial.unwrap_or_default());
    let (mut event, mut data, mut retry) = (String::new(), None::<String>, None);
    let mut outcome = Outcome::default();
    let mut time = None;
    let mut comments = Vec::new();
    for line in lines {
        if let Some(comment) = line.strip_prefix(':') {
            comments.push(comment.strip_prefix(' ').unwrap_or(comment).to_string());
            if flaw != Flaw::CommentEndsEvent {
                continue;
            }
        }
        if line.is_empty() || line.starts_with(':') {
            if data.is_some() || flaw != Flaw::IdOnlyBlockIsNoBlock {
                last_event_id = id.clone();
            }
            if data.is_some() || flaw != Flaw::RetryOfEventOnly {
                time = retry.or(time);
            }
            if let Some(data) = data.take().filter(|data| flaw != Flaw::DropsEmptyData || !data.is_empty()) {
                let event = if event.is_empty() { "message".to_string() } else { event.clone() };
                let data = if flaw == Flaw::TrimsLfOfData { data.trim_end_matches('\n').to_string() } else { data };
                outcome.events.push(Dispatched { event, data, id: last_event_id.clone() });
            }
            if flaw != Flaw::KeepsEventType {
                event.clear();
            }
            if flaw == Flaw::ForgetsLastEventId {
                id.clear();
            }
            if flaw == Flaw::RetryOfEventOnly {
                retry = None;
            }
            continue;
        }
        let split = if flaw == Flaw::SplitsAtLastColon { line.rsplit_once(':') } else { line.split_once(':') };
        if flaw == Flaw::NeedsColon && split.is_none() {
            continue;
        }
        let (name, value) = split.unwrap_or((line, ""));
        let value = match flaw {
            Flaw::KeepsSpace => value,
            Flaw::TrimsValues => value.trim(),
            Flaw::StripsAllSpaces => value.trim_start_matches(' '),
            _ => value.strip_prefix(' ').unwrap_or(value),
        };
        let name = if flaw == Flaw::IgnoresCase { name.to_ascii_lowercase() } else { name.to_string() };
        match &name[..] {
            "event" if flaw == Flaw::EmptyEventTypeStays && value.is_empty() => {}
            "event" => event = value.to_string(),
            "data" => {
                data = Some(match data.take() {
                    None => value.to_string(),
                    Some(before) if flaw == Flaw::JoinsDataWithoutLf => before + value,
                    Some(before) => before + "\n" + value,
                });
            }
            "id" if flaw == Flaw::IgnoresEmptyId && value.is_empty() => {}
            "id" if flaw == Flaw::TakesIdWithNul || !value.contains('\0') => {
                id = value.to_string();
                if flaw == Flaw::CommitsIdAtItsLine {
                    last_event_id = id.clone();
                }
            }
            "retry" => {
                let digits = match flaw {
                    Flaw::LenientRetry => {
                        value.trim_start().split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default()
                    }
                    _ => value,
                };
                if digits.bytes().all(|digit| digit.is_ascii_digit()) {
                    retry = digits.parse().ok().or(retry);
                }
                if flaw != Flaw::RetryOfEventOnly {
                    time = retry;
                }
            }
            _ => {}
        }
    }
    outcome.reconnection_time_ms = Some(time);
    outcome.last_event_id = Some(last_event_id);
    outcome.comments = Some(if flaw == Flaw::LosesComments { Vec::new() } else { comments });
    Ok(outcome)
}

#[test]
fn the_parser_that_the_flaws_are_put_in_is_right() {
    check_parser(|case| flawed(Flaw::None, case)).unwrap();
}

#[test]
fn the_kit_catches_every_flawed_parser() {
    for flaw in FLAWS {
        let Err(failure) = check_parser(|case| flawed(flaw, case)) else {
            panic!("{flaw:?} passed");
        };
        assert_ne!(failure.expected, failure.actual, "{flaw:?}");
    }
}

/// A failure tells what there is to know.
#[test]
fn failures_are_readable() {
    let vectors = parse_vectors();
    let failure = check_parser(|case| flawed(Flaw::DecodesEachChunk, case)).unwrap_err();
    let vector = vectors.iter().find(|vector| *vector.name == *failure.vector).unwrap();
    assert_eq!(failure.chunks.iter().sum::<usize>(), vector.input.len());
    let text = failure.to_string();
    assert_eq!(text, format!("{failure:?}"), "a failed `unwrap` prints the same");
    for part in [&failure.vector, &failure.source, &failure.difference, &failure.expected, &failure.actual] {
        assert!(text.contains(&**part), "{text}");
    }
    assert!(text.contains("chunks:   ") && text.contains("stream:   \""), "{text}");
    assert!(!text.contains("bytes more"), "all of a short stream is shown: {text}");

    let failure = check_parser(|_| Err::<Outcome, _>("out of coffee")).unwrap_err();
    assert_eq!((&failure.difference[..], &failure.actual[..]), ("the parser failed", "out of coffee"));

    let long = vectors.iter().max_by_key(|vector| vector.input.len()).unwrap();
    let failure = long.check(|_| Ok::<_, Infallible>(Outcome::default())).unwrap_err();
    let text = failure.to_string();
    assert!(text.len() < 3000 && text.contains(" bytes more"), "long values are cut: {text}");
}

/// What a vector says nothing of must not depend on the chunking.
#[test]
fn the_kit_compares_chunkings_with_each_other() {
    let vectors = parse_vectors();
    let vector = vectors.iter().find(|vector| vector.comments.is_none() && vector.input.len() > 20).unwrap();
    let failure = vector
        .check(|case| {
            let mut outcome = flawed(Flaw::None, case)?;
            outcome.comments = Some(vec!["x".to_string(); case.chunks.len()]);
            Ok::<_, Infallible>(outcome)
        })
        .unwrap_err();
    assert_eq!(&*failure.difference, "comments");
}

#[test]
fn the_kit_catches_every_flawed_writer() {
    type Wrong = (&'static str, fn(&Write) -> Result<Vec<u8>, Error>);
    let right = |write: &Write| frame(write).map(|frame| frame.to_string().into_bytes());
    check_writer(right).unwrap();
    let wrong: [Wrong; 12] = [
        ("data as it is", |write| {
            let raw = write.data.clone().unwrap_or_default();
            altered(write, |wire| wire, |_| "RAW".to_string())
                .map(|wire| String::from_utf8_lossy(&wire).replace("RAW", &raw).into_bytes())
        }),
        ("splits at LF only", |write| {
            altered(write, |wire| wire, |data| data.replace("\r\n", "\n").replace('\r', " "))
        }),
        ("trims data", |write| altered(write, |wire| wire, |data| data.trim_end().to_string())),
        ("splits at U+2028", |write| altered(write, |wire| wire, |data| data.replace('\u{2028}', "\n"))),
        ("no space behind the colon", |write| altered(write, |wire| wire.replace(": ", ":"), str::to_string)),
        ("no blank line", |write| {
            altered(write, |wire| wire.strip_suffix("\n").unwrap_or(&wire).to_string(), str::to_string)
        }),
        ("no line end behind a comment alone", |write| {
            let alone = write.comment.is_some() && write.data.is_none();
            let wire = frame(write)?.to_string();
            Ok(if alone { wire.trim_end().to_string() } else { wire }.into_bytes())
        }),
        ("loses the ID of a block without data", |write| match write.data {
            None => Ok(frame(write)?.id("").map(|_| Vec::new())?),
            Some(_) => Ok(frame(write)?.to_string().into_bytes()),
        }),
        ("loses retry", |write| {
            let lines = frame(write)?.to_string();
            Ok(lines.split_inclusive('\n').filter(|line| !line.starts_with("retry")).collect::<String>().into_bytes())
        }),
        ("drops empty data", |write| altered(write, |wire| wire.replace("data: \n", ""), str::to_string)),
        ("writes what must be rejected", |write| {
            let mut write = write.clone();
            for value in [&mut write.event, &mut write.id].into_iter().flatten() {
                value.retain(|c| !matches!(c, '\r' | '\n' | '\0'));
            }
            Ok(frame(&write)?.to_string().into_bytes())
        }),
        ("rejects data with CR", |write| match &write.data {
            Some(data) if data.contains('\r') => Err(Error::Format),
            _ => Ok(frame(write)?.to_string().into_bytes()),
        }),
    ];
    for (flaw, writer) in wrong {
        let Err(failure) = check_writer(writer) else {
            panic!("passed: {flaw}");
        };
        assert!(write_vectors().iter().any(|vector| *vector.name == *failure.vector), "{flaw}");
    }
}

fn altered(write: &Write, wire: fn(String) -> String, data: fn(&str) -> String) -> Result<Vec<u8>, Error> {
    let mut write = write.clone();
    write.data = write.data.as_deref().map(data);
    Ok(wire(frame(&write)?.to_string()).into_bytes())
}
