//! The targets that read a stream.

use ssewire::tokenizer::Tokenizer;
use ssewire::{Frame, Item, Parser, lossy};

use super::cases::Reading;
use crate::common::oracle::{self, capacity};
use crate::common::{
    self, Outcomes, events, items, own, via_feed, via_feed_items, via_feed_items_with_begun, via_items,
    via_items_with_begun, via_next, via_tokens, without_extras,
};
use crate::model::drive::{self, Choices, Counts, KINDS};

/// Returns a parser with room for everything.
fn parser(case: &Reading<'_>) -> Parser<ssewire::GrowableBuffer> {
    let mut parser = Parser::with_limit(2 * case.stream.len() + 8);
    if let Some(id) = case.initial {
        parser.set_last_event_id(id).expect("room for it");
    }
    parser
}

/// A complete stream gives the result of the standard's algorithm: as bytes, as text, and in the state after it.
pub fn parse_oracle(data: &[u8]) {
    let Some(case) = Reading::new(data) else { return };
    let expected = oracle::parse(case.stream, case.initial);
    let mut parser = parser(&case);
    assert_eq!(via_items_with_begun(&mut parser, &[case.stream]), (items(&expected), expected.begun.clone()));
    assert_eq!(parser.last_event_id(), expected.last_event_id.as_deref());
    assert_eq!(parser.reconnection_time_ms(), expected.reconnection_time_ms);

    // The standard decodes first, and then splits the stream.
    let text = oracle::parse_text(case.stream, case.initial).events();
    let decoded = |bytes: &[u8]| lossy(bytes).to_string().into_bytes();
    let mut parser = self::parser(&case);
    let outcomes = via_next(&mut parser, &[case.stream]);
    assert_eq!(outcomes, events(&expected));
    assert_eq!(outcomes.len(), text.len());
    for (event, text) in expected.events().iter().zip(&text) {
        assert_eq!(decoded(&event.event_type), text.event_type);
        assert_eq!(decoded(&event.data), text.data);
        assert_eq!(decoded(&event.last_event_id), text.last_event_id);
    }
}

/// Every way to read gives the same, in every chunking, and whatever is in the buffer.
pub fn chunking(data: &[u8]) {
    let Some(case) = Reading::new(data) else { return };
    let parsed = oracle::parse(case.stream, case.initial);
    let (expected, all) = (events(&parsed), (items(&parsed), parsed.begun.clone()));
    for chunks in [&case.chunks[..], &common::spaced(&case.chunks)] {
        assert_eq!(via_next(&mut parser(&case), chunks), expected);
        assert_eq!(via_feed(&mut parser(&case), chunks), expected);
        assert_eq!(via_items_with_begun(&mut parser(&case), chunks), all);
        assert_eq!(via_feed_items_with_begun(&mut parser(&case), chunks), all);
    }
    let mut buffer = vec![0xaa; 2 * case.stream.len() + 8];
    let mut given = Parser::with_buffer(&mut buffer);
    if let Some(id) = case.initial {
        given.set_last_event_id(id).expect("room for it");
    }
    // The ways to read may take turns.
    let mut outcomes = Outcomes::new();
    for (i, chunk) in case.chunks.iter().enumerate() {
        match (i + case.capacity) % 4 {
            0 => outcomes.extend(via_next(&mut given, &[*chunk])),
            1 => outcomes.extend(via_feed(&mut given, &[*chunk])),
            2 => events_of_items(&mut given, chunk, &mut outcomes),
            _ => events_of_fed_items(&mut given, chunk, &mut outcomes),
        }
    }
    assert_eq!(outcomes, expected);
    assert_eq!(given.last_event_id(), parsed.last_event_id.as_deref());
    assert_eq!(given.reconnection_time_ms(), parsed.reconnection_time_ms);
}

/// Adds only the events of a chunk, which may begin within a line.
fn events_of_items(parser: &mut Parser<&mut [u8]>, chunk: &[u8], outcomes: &mut Outcomes) {
    let mut input = chunk;
    while let Some(item) = parser.next_item(&mut input).expect("room for it") {
        if let Item::Event(event) = item {
            outcomes.push(Ok(oracle::Item::Event(own(event))));
        }
    }
}

fn events_of_fed_items(parser: &mut Parser<&mut [u8]>, chunk: &[u8], outcomes: &mut Outcomes) {
    let mut input = chunk;
    loop {
        let progress = parser.feed_items(input);
        let Some(found) = progress.result.expect("room for it") else { return };
        if let Item::Event(event) = parser.item(found, input) {
            outcomes.push(Ok(oracle::Item::Event(own(event))));
        }
        input = &input[progress.consumed..];
    }
}

/// With a small buffer, an event is the standard's or its overflow is reported, and those after it are right.
pub fn capacity(data: &[u8]) {
    let Some(case) = Reading::new(data) else { return };
    let initial = case.initial.filter(|id| id.len() <= case.capacity);
    let mut buffer = vec![0xaa; case.capacity];
    for chunks in [&[case.stream][..], &case.chunks] {
        capacity::check(Parser::with_buffer(&mut buffer), chunks, case.capacity, initial);
        capacity::check(Parser::with_limit(case.capacity), chunks, case.capacity, initial);
    }
    // All other ways to read report the same.
    let feed = via_feed(&mut Parser::with_buffer(&mut buffer), &case.chunks);
    assert_eq!(via_next(&mut Parser::with_limit(case.capacity), &case.chunks), feed);
    assert_eq!(without_extras(via_items(&mut Parser::with_limit(case.capacity), &case.chunks)), feed);
    assert_eq!(without_extras(via_feed_items(&mut Parser::with_buffer(&mut buffer), &case.chunks)), feed);
}

/// The events that are built from tokens are those of the parser, and those of the standard.
pub fn tokenizer(data: &[u8]) {
    let Some(case) = Reading::new(data) else { return };
    let expected = items(&oracle::parse(case.stream, case.initial));
    for chunks in [&[case.stream][..], &case.chunks, &common::spaced(&case.chunks)] {
        let tokens = via_tokens(&mut Tokenizer::new(), chunks, case.initial.unwrap_or_default());
        assert_eq!(tokens, expected);
        assert_eq!(via_items(&mut parser(&case), chunks), tokens);
    }
}

/// A key gives its own event or one with nothing in it, after the parser was used again, with other slices, and with an
/// input that was overwritten; and a frame of that event is one event.
pub fn keys(data: &[u8]) {
    let Some(case) = Reading::new(data) else { return };
    let mut parser = parser(&case);
    let mut kept = None;
    for (i, chunk) in case.chunks.iter().enumerate() {
        let mut input = *chunk;
        loop {
            let progress = parser.feed(input);
            if let Some((found, of, event)) = &kept {
                // A complete event needs the parser only for its earlier ID; an event of the parser needs no input.
                for slice in [*of, input, b"", &input[..progress.consumed]] {
                    let actual = own(parser.event(*found, slice));
                    assert!(actual == nothing() || actual == *event, "{actual:?}, not {event:?}");
                }
            }
            let Some(found) = progress.result.expect("room for it") else { break };
            let event = own(parser.event(found, input));
            overwritten(&parser, found, input, i);
            kept = Some((found, input, event));
            input = &input[progress.consumed..];
        }
    }
    let Some((found, of, _)) = kept else { return };
    parser.reset();
    assert_eq!(own(parser.event(found, of)), nothing());
}

fn nothing() -> oracle::Event {
    oracle::Event {
        event_type: b"message".to_vec(),
        data: Vec::new(),
        last_event_id: Vec::new(),
        wire_event_type: None,
        id: None,
        retry: None,
    }
}

/// Feeds a copy of `input`, overwrites it, and writes the event that is there then.
fn overwritten(parser: &Parser<ssewire::GrowableBuffer>, found: ssewire::FoundEvent, input: &[u8], salt: usize) {
    let copy = input.to_vec();
    let other = own(parser.event(found, &copy));
    assert!(other == nothing() || other == own(parser.event(found, input)), "another slice has none of it");
    let mut buffer = input.to_vec();
    let mut parser = Parser::with_limit(2 * input.len() + 8);
    let Ok(Some(found)) = parser.feed(&buffer).result else { return };
    for (i, byte) in buffer.iter_mut().enumerate() {
        *byte = b"\n\rx\0: "[(i * 7 + salt) % 6];
    }
    let event = parser.event(found, &buffer);
    let wire: Vec<u8> = Frame::from(event).parts().flatten().copied().collect();
    let parsed = oracle::parse(&wire, None);
    assert_eq!(parsed.items.len(), 1, "{}", wire.escape_ascii());
    assert_eq!(parsed.events().len(), 1);
    assert_eq!(oracle::lines(&wire).0.iter().filter(|line| line.is_empty()).count(), 1);
}

/// The output of a relay for each item reads like its input.
pub fn relay(data: &[u8]) {
    let Some(case) = Reading::new(data) else { return };
    let mut parser = Parser::with_limit(case.stream.len());
    let mut relayed = Vec::new();
    let mut comment = Vec::new();
    for mut input in case.chunks {
        while let Some(item) = parser.next_item(&mut input).expect("room for it") {
            let frame = match item {
                Item::Event(event) => Frame::from(event),
                Item::Update(update) => Frame::from(update),
                Item::Comment(piece) => {
                    comment.extend_from_slice(piece.bytes);
                    if !piece.last {
                        continue;
                    }
                    Frame::new().comment(&comment)
                }
                // A relay does not pass these on.
                Item::Unknown(_) => continue,
                other => panic!("an item that this does not know: {other:?}"),
            };
            relayed.extend(frame.parts().flatten());
            if matches!(item, Item::Comment(_)) {
                comment.clear();
            }
        }
    }
    let mut expected = oracle::parse(case.stream, None);
    expected.items.retain(|item| !matches!(item, oracle::Item::Unknown(_)));
    let read = oracle::parse(&relayed, None);
    assert_eq!(read.items, expected.items);
    assert_eq!(read.last_event_id, expected.last_event_id);
    assert_eq!(via_items(&mut Parser::with_limit(relayed.len()), &[&relayed]), items(&expected));
}

/// One parser through all kinds of calls, beside a model of it. The first byte is the kind of its buffer, the others are
/// choices: the calls and their input.
pub fn mixed(data: &[u8]) {
    let Some((kind, choices)) = data.split_first() else { return };
    let kind = KINDS[usize::from(*kind) % KINDS.len()];
    drive::run(kind, &mut Choices::Given(choices), false, &mut Counts::default());
}
