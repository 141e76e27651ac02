//! The targets that read a stream.

use ssewire::{decode, Frame, Item, Parser, Tokenizer};

use super::cases::Reading;
use super::common::oracle::{self, capacity};
use super::common::{self, events, items, via_feed, via_items, via_next, via_tokens, without_extras, Outcomes};

/// A parser with room for everything.
fn parser(case: &Reading<'_>) -> Parser<ssewire::GrowableBuffer> {
    let mut parser = Parser::with_limit(2 * case.stream.len() + 8);
    if let Some(id) = case.initial {
        parser.set_last_event_id(id).expect("room for it");
    }
    parser
}

/// A whole stream gives what the standard's algorithm gives: as bytes, as text, and in what stays behind.
pub fn parse_oracle(data: &[u8]) {
    let Some(case) = Reading::new(data) else { return };
    let expected = oracle::parse(case.stream, case.initial);
    let mut parser = parser(&case);
    assert_eq!(via_items(&mut parser, &[case.stream]), items(&expected));
    assert_eq!(parser.last_event_id(), expected.last_event_id.as_deref());
    assert_eq!(parser.reconnection_time_ms(), expected.reconnection_time_ms);

    // The standard decodes first, and then takes the stream apart.
    let text = oracle::parse_text(case.stream, case.initial).events();
    let decoded = |bytes: &[u8]| decode(bytes).to_string().into_bytes();
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

/// Every way to read gives the same, however the stream is cut, and whatever is in the buffer.
pub fn chunking(data: &[u8]) {
    let Some(case) = Reading::new(data) else { return };
    let parsed = oracle::parse(case.stream, case.initial);
    let (expected, all) = (events(&parsed), items(&parsed));
    for chunks in [&case.chunks[..], &common::spaced(&case.chunks)] {
        assert_eq!(via_next(&mut parser(&case), chunks), expected);
        assert_eq!(via_feed(&mut parser(&case), chunks), expected);
        assert_eq!(via_items(&mut parser(&case), chunks), all);
    }
    let mut buffer = vec![0xaa; 2 * case.stream.len() + 8];
    let mut lent = Parser::with_buffer(&mut buffer);
    if let Some(id) = case.initial {
        lent.set_last_event_id(id).expect("room for it");
    }
    // The ways to read may take turns.
    let mut outcomes = Outcomes::new();
    for (i, chunk) in case.chunks.iter().enumerate() {
        let way = [via_next, via_items, via_feed][(i + case.capacity) % 3];
        outcomes.extend(without_extras(way(&mut lent, &[*chunk])));
    }
    assert_eq!(outcomes, expected);
    assert_eq!(lent.last_event_id(), parsed.last_event_id.as_deref());
    assert_eq!(lent.reconnection_time_ms(), parsed.reconnection_time_ms);
}

/// With little room an event is the standard's, or its overflow is reported, and those behind it are right.
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
}

/// Events that are put together from tokens are those of the parser, and those of the standard.
pub fn tokenizer(data: &[u8]) {
    let Some(case) = Reading::new(data) else { return };
    let expected = items(&oracle::parse(case.stream, case.initial));
    for chunks in [&[case.stream][..], &case.chunks, &common::spaced(&case.chunks)] {
        let tokens = via_tokens(&mut Tokenizer::new(), chunks, case.initial.unwrap_or_default());
        assert_eq!(tokens, expected);
        assert_eq!(via_items(&mut parser(&case), chunks), tokens);
    }
}

/// What a relay writes of each item is read as what it got.
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
                Item::Comment { bytes, last } => {
                    comment.extend_from_slice(bytes);
                    if !last {
                        continue;
                    }
                    Frame::new().comment(&comment)
                }
                other => panic!("unknown item: {other:?}"),
            };
            relayed.extend(frame.parts().flatten());
            if matches!(item, Item::Comment { .. }) {
                comment.clear();
            }
        }
    }
    let expected = oracle::parse(case.stream, None);
    let read = oracle::parse(&relayed, None);
    assert_eq!(read.items, expected.items);
    assert_eq!(read.last_event_id, expected.last_event_id);
    assert_eq!(via_items(&mut Parser::with_limit(relayed.len()), &[&relayed]), items(&expected));
}
