//! However a stream is cut, the same comes out, and that is what the oracle says.

mod common;

use common::{config, cut, every_split, items, oracle, spaced, Outcomes};
use proptest::prelude::*;
use ssewire::conformance::{parse_vectors, ParseVector};
use ssewire::{Parser, Status, Tokenizer};

const CAPACITY: usize = 4096;

fn initial(vector: &ParseVector) -> Option<&[u8]> {
    vector.initial_last_event_id.as_ref().map(String::as_bytes)
}

/// Reads the chunks as items, and compares all that there is to compare.
fn assert_items(
    buffer: &mut [u8],
    chunks: &[&[u8]],
    initial: Option<&[u8]>,
    expected: &oracle::Parsed,
    all: &Outcomes,
) {
    let mut parser = Parser::with_buffer(buffer);
    if let Some(id) = initial {
        parser.set_last_event_id(id).unwrap();
    }
    let outcomes = common::via_items(&mut parser, chunks);
    assert!(outcomes == *all, "{chunks:?}: {outcomes:?}, expected {all:?}");
    assert_eq!(parser.last_event_id(), expected.last_event_id.as_deref(), "{chunks:?}");
    assert_eq!(parser.reconnection_time_ms(), expected.reconnection_time_ms, "{chunks:?}");
}

#[test]
fn every_split_of_short_vectors() {
    let mut buffer = [0; 64];
    let (mut vectors, mut splits) = (0, 0);
    for vector in parse_vectors().iter().filter(|vector| vector.input.len() <= 16) {
        vectors += 1;
        let expected = oracle::parse(&vector.input, initial(vector));
        let all = items(&expected);
        every_split(&vector.input, |chunks| {
            splits += 1;
            assert_items(&mut buffer, chunks, initial(vector), &expected, &all);
        });
    }
    assert!(vectors > 90 && splits > 500_000, "{vectors} vectors, {splits} splits");
}

#[test]
fn every_split_of_shorter_vectors_with_empty_chunks_between() {
    let mut buffer = [0; 64];
    for vector in parse_vectors().iter().filter(|vector| vector.input.len() <= 12) {
        let expected = oracle::parse(&vector.input, initial(vector));
        let all = items(&expected);
        every_split(&vector.input, |chunks| {
            assert_items(&mut buffer, &spaced(chunks), initial(vector), &expected, &all);
        });
    }
}

#[test]
fn every_cut_in_two_with_an_empty_chunk_between() {
    let mut buffer = [0; CAPACITY];
    for vector in parse_vectors().iter().filter(|vector| vector.input.len() <= 200) {
        let expected = oracle::parse(&vector.input, initial(vector));
        let all = items(&expected);
        for at in 0..=vector.input.len() {
            let (before, behind) = vector.input.split_at(at);
            assert_items(&mut buffer, &[before, behind], initial(vector), &expected, &all);
            assert_items(&mut buffer, &[before, b"", behind], initial(vector), &expected, &all);
        }
    }
}

/// Every split of each thing that has to be recognised across a cut.
#[test]
fn every_split_of_what_is_hard_to_cut() {
    let mut buffer = [0; 64];
    let streams: [&[u8]; 22] = [
        b"\xef\xbb\xbfdata:x\r\n\r\n",
        b"\xef\xbb\xbf\xef\xbb\xbfdata\n\n",
        b"\xef\xbb\xbf\xef\xbb\xbf\ndata\n\n",
        b"\xef\xbbdata\n\ndata\n\n",
        b"\xef\rdata\r\r",
        b"\xef\xbb\xbf\r\rdata:x\r\r",
        b"data\r\ndata: \r\n\r\n",
        b"data:  a\r\r\r\n\r",
        b"id: 1\r\n\r\rdata\n\r",
        b"id:1\r\rid\rdata\r\r",
        b"id:1\nid:a\0b\n\n",
        b"id\0:1\ndata\n\n",
        b"event:a\nevent\n",
        b"event:a\ndata\n\n",
        b"retry:12\r\n\r\n",
        b"retry:12\nretry:1x",
        b"retry\n\nretry:+1\n\n",
        b"dat:x\ndataa:y\n\n",
        b":\r\n: \r\n:  c\r\n",
        b"data::\ndata: :\n\n",
        b"id:1\nid:22\ndata\n\n",
        b"event:a\nid:1\ndata",
    ];
    for stream in streams {
        let expected = oracle::parse(stream, None);
        let all = items(&expected);
        every_split(stream, |chunks| assert_items(&mut buffer, chunks, None, &expected, &all));
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn random_streams(
        stream in prop_oneof![3 => common::stream(), 1 => common::bytes()],
        lengths in common::lengths(),
        initial in prop::option::of("[a-z]{0,3}"),
    ) {
        let initial = initial.as_ref().map(String::as_bytes);
        let expected = oracle::parse(&stream, initial);
        for chunks in [vec![&stream[..]], cut(&stream, &lengths)] {
            assert_items(&mut [0; CAPACITY], &chunks, initial, &expected, &items(&expected));
        }
    }

    /// All ways to read give the same.
    #[test]
    fn every_way_to_read(stream in common::stream(), lengths in common::lengths()) {
        let chunks = cut(&stream, &lengths);
        let expected = common::events(&oracle::parse(&stream, None));
        let (mut buffer, mut other) = ([0; CAPACITY], [0xff; CAPACITY]);
        let next = common::via_next(&mut Parser::with_buffer(&mut buffer), &chunks);
        let feed = common::via_feed(&mut Parser::with_buffer(&mut other), &chunks);
        let heap = common::via_next(&mut Parser::with_limit(CAPACITY), &chunks);
        let inside = common::via_feed(&mut Parser::<heapless::Vec<u8, CAPACITY>>::new(), &chunks);
        let found = common::via_items(&mut Parser::with_limit(CAPACITY), &chunks);
        let tokens = common::via_tokens(&mut Tokenizer::new(), &chunks, b"");
        prop_assert_eq!(&common::items(&oracle::parse(&stream, None)), &found);
        prop_assert_eq!(&tokens, &found);
        for outcomes in [next, feed, heap, inside, common::without_extras(found)] {
            prop_assert_eq!(&outcomes, &expected);
        }
    }

    /// `feed` and `feed_items` may take turns.
    #[test]
    fn ways_to_read_in_turns(stream in common::stream(), lengths in common::lengths(), turns in any::<u64>()) {
        let mut parser = Parser::with_limit(CAPACITY);
        let mut events = Vec::new();
        for (i, chunk) in cut(&stream, &lengths).into_iter().enumerate() {
            let way = if turns >> (i % 64) & 1 == 1 { common::via_next } else { common::via_items };
            events.extend(common::without_extras(way(&mut parser, &[chunk])));
        }
        prop_assert_eq!(events, common::events(&oracle::parse(&stream, None)));
    }

    /// An event is reported at its blank line: not a byte later, and with the LF of a CRLF if that is there.
    #[test]
    fn events_are_reported_behind_their_blank_line(stream in common::stream(), cut_at in any::<prop::sample::Index>()) {
        let (before, behind) = stream.split_at(cut_at.index(stream.len() + 1));
        let mut parser = Parser::with_limit(CAPACITY);
        let mut offset = 0;
        for chunk in [before, behind] {
            let mut at = 0;
            loop {
                let progress = parser.feed(&chunk[at..]);
                let input = &chunk[at..];
                at += progress.consumed;
                if progress.status == Ok(Status::NeedInput) {
                    prop_assert_eq!(at, chunk.len());
                    break;
                }
                prop_assert_eq!(progress.status, Ok(Status::Event));
                let event = common::own(parser.event(input));
                // The stream up to there has this event as its last one, and without its last byte it has not.
                let end = offset + at;
                prop_assert_eq!(oracle::parse(&stream[..end], None).events().pop(), Some(event));
                let crlf = stream[..end].ends_with(b"\r\n") && at > 1;
                let count = |end: usize| oracle::parse(&stream[..end], None).events().len();
                prop_assert_eq!(count(end - 1 - usize::from(crlf)) + 1, count(end));
                prop_assert!(!(chunk[..at].ends_with(b"\r") && chunk[at..].starts_with(b"\n")), "CR LF taken apart");
            }
            offset += chunk.len();
        }
    }
}

/// Byte by byte, an event comes with the first byte of its blank line's end.
#[test]
fn an_event_is_not_held_back_behind_cr() {
    for (stream, at) in [(&b"data:x\r\r\n"[..], 7), (b"data:x\r\n\r\n", 8), (b"data:x\n\n", 7), (b"data:x\n\rdata", 7)]
    {
        let mut parser = Parser::with_limit(64);
        let reported: Vec<usize> =
            (0..stream.len()).filter(|&i| parser.feed(&stream[i..=i]).status == Ok(Status::Event)).collect();
        assert_eq!(reported, [at], "{}", stream.escape_ascii());
    }
}
