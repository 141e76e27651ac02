//! Lines that are not fields of the standard: they are reported as they are, from their first byte on, in any chunking, also
//! where their beginning could have been a field's name or a byte order mark.

use crate::common::oracle::{self, Item};
use crate::common::{
    self, cases, many_splits, via_feed, via_feed_items_with_begun, via_items_with_begun, via_next, via_tokens,
};
use ssewire::tokenizer::{Token, Tokenizer};
use ssewire::{Parser, Piece};

const CAPACITY: usize = 16;

// The unknown lines of the stream, in many chunkings, and the part of one whose end did not come.
cases! { lines {
    another_field: b"topic: y\n", &[b"topic: y"], b"";
    json: b"{\"error\":1}\n", &[b"{\"error\":1}"], b"";
    space_before_a_name: b" data: x\n", &[b" data: x"], b"";
    space_after_a_name: b"data : x\n", &[b"data : x"], b"";
    capital: b"Data: x\n", &[b"Data: x"], b"";
    name_too_short: b"dat\n", &[b"dat"], b"";
    name_too_short_with_a_colon: b"dat: x\n", &[b"dat: x"], b"";
    name_too_long: b"datax\n", &[b"datax"], b"";
    names_too_long: b"events: 1\nids\nretry2: 3\n", &[b"events: 1", b"ids", b"retry2: 3"], b"";
    parts_of_names: b"d\neve\ni\nr\n", &[b"d", b"eve", b"i", b"r"], b"";
    parts_of_names_with_a_colon: b"d:\re:x\ri: y\r", &[b"d:", b"e:x", b"i: y"], b"";
    change_of_names: b"edata\nidata\nretrdata\n", &[b"edata", b"idata", b"retrdata"], b"";
    name_with_nul: b"id\0: 1\n", &[b"id\0: 1"], b"";
    retry_with_a_space: b"retry : 1\n", &[b"retry : 1"], b"";
    not_utf8: b"\xff\xfe\n", &[b"\xff\xfe"], b"";
    crlf: b"ab\r\ncd\r\n\r\n", &[b"ab", b"cd"], b"";
    one_byte_lines: b"x\rd\ry\r", &[b"x", b"d", b"y"], b"";
    spaces_and_colons: b"  \nx:: y \n", &[b"  ", b"x:: y "], b"";
    within_an_event: b"data: a\nda: b\ndata: c\n\n", &[b"da: b"], b"";
    between_events: b"data\n\ndat\n\ndata\n\n", &[b"dat"], b"";
    after_a_comment: b": x\ndat\n", &[b"dat"], b"";
    part_of_a_bom: b"\xef\n", &[b"\xef"], b"";
    two_bytes_of_a_bom: b"\xef\xbbx\n", &[b"\xef\xbbx"], b"";
    part_of_a_bom_before_a_name: b"\xefdata: x\n", &[b"\xefdata: x"], b"";
    bom_twice: b"\xef\xbb\xbf\xef\xbb\xbfdata: x\n", &[b"\xef\xbb\xbfdata: x"], b"";
    bom_not_at_the_start: b"\n\xef\xbb\xbfdata\n", &[b"\xef\xbb\xbfdata"], b"";
    bom_then_part_of_a_name: b"\xef\xbb\xbfdat\n", &[b"dat"], b"";
    bom_then_part_of_a_bom: b"\xef\xbb\xbf\xef\xbb\n", &[b"\xef\xbb"], b"";
    never_ended: b"unknown: with", &[], b"unknown: with";
    never_ended_after_a_name: b"dataset", &[], b"dataset";
    never_ended_after_another: b"x\ntopics: a b", &[b"x"], b"topics: a b";
    never_ended_after_part_of_a_bom: b"\xef\xbbab", &[], b"\xef\xbbab";
    never_ended_within_an_event: b"data: a\ndax", &[], b"dax";
    name_that_may_become_a_field: b"x\nretr", &[b"x"], b"";
    bom_that_may_be_completed: b"\xef\xbb", &[], b"";
}}

fn lines(stream: &[u8], expected: &[&[u8]], begun: &[u8]) {
    let begun = Some(Item::Unknown(begun.to_vec())).filter(|_| !begun.is_empty());
    let unknown = |outcomes: common::Outcomes| -> Vec<Vec<u8>> {
        let lines = outcomes.into_iter().map(|outcome| outcome.expect("room for it"));
        lines.filter_map(|item| if let Item::Unknown(line) = item { Some(line) } else { None }).collect()
    };
    let parsed = oracle::parse(stream, None);
    let expected: Vec<Vec<u8>> = expected.iter().map(|line| line.to_vec()).collect();
    assert_eq!((unknown(common::items(&parsed)), &parsed.begun), (expected, &begun), "the oracle agrees");
    let events = common::events(&parsed);
    many_splits(stream, |chunks| {
        let mut buffer = [0; CAPACITY];
        let (items, line) = via_items_with_begun(&mut Parser::with_buffer(&mut buffer), chunks);
        assert_eq!((&items, &line), (&common::items(&parsed), &begun), "{chunks:?}");
        let fed = via_feed_items_with_begun(&mut Parser::<[u8; CAPACITY]>::new(), chunks);
        assert_eq!(fed, (items, line), "{chunks:?}");
        let tokens = via_tokens(&mut Tokenizer::new(), chunks, b"");
        assert_eq!(tokens, fed.0, "{chunks:?}");
        // The other ways to read skip them.
        assert_eq!(via_next(&mut Parser::with_buffer(&mut buffer), chunks), events, "{chunks:?}");
        assert_eq!(via_feed(&mut Parser::with_buffer(&mut buffer), chunks), events, "{chunks:?}");
    });
}

fn piece(bytes: &[u8], first: bool, last: bool) -> Piece<'_> {
    Piece { bytes, first, last }
}

// The pieces of the lines, chunk by chunk. A part of a name that an earlier chunk held is a piece of its own, in the first
// chunk that shows that it is not a name.
cases! { pieces {
    complete: &[b"topic\n"], &[&[piece(b"topic", true, true)]];
    split: &[b"top", b"ic\n"], &[&[piece(b"top", true, false)], &[piece(b"ic", false, true)]];
    before_its_end: &[b"topic", b"\n"], &[&[piece(b"topic", true, false)], &[piece(b"", false, true)]];
    name_in_one_chunk: &[b"datx\n"], &[&[piece(b"datx", true, true)]];
    name_before_a_byte: &[b"dat", b"x\n"], &[&[], &[piece(b"dat", true, false), piece(b"x", false, true)]];
    name_before_a_line_end: &[b"dat", b"\n"], &[&[], &[piece(b"dat", true, false), piece(b"", false, true)]];
    name_and_letter: &[b"event", b"s: 1\n"], &[&[], &[piece(b"event", true, false), piece(b"s: 1", false, true)]];
    name_byte_by_byte: &[b"r", b"e", b"t", b"x"],
        &[&[], &[], &[], &[piece(b"ret", true, false), piece(b"x", false, false)]];
    retry_and_a_space: &[b"retry", b" : 5\n"], &[&[], &[piece(b"retry", true, false), piece(b" : 5", false, true)]];
    bom: &[b"\xef", b"\xbb", b"x\n"], &[&[], &[], &[piece(b"\xef\xbb", true, false), piece(b"x", false, true)]];
    bom_and_a_line_end: &[b"\xef\xbb", b"\r"], &[&[], &[piece(b"\xef\xbb", true, false), piece(b"", false, true)]];
    bom_and_a_name: &[b"\xef", b"data\n"], &[&[], &[piece(b"\xef", true, false), piece(b"data", false, true)]];
    never_ended: &[b"x", b"yz"], &[&[piece(b"x", true, false)], &[piece(b"yz", false, false)]];
    empty_chunks: &[b"", b"da", b"", b"y", b"", b"\n"],
        &[&[], &[], &[], &[piece(b"da", true, false), piece(b"y", false, false)], &[], &[piece(b"", false, true)]];
    after_cr: &[b"\r", b"\nx\n"], &[&[], &[piece(b"x", true, true)]];
}}

fn pieces(chunks: &[&[u8]], expected: &[&[Piece<'_>]]) {
    assert_eq!(chunks.len(), expected.len());
    let (mut next, mut feed, mut tokenizer) =
        (Parser::<[u8; CAPACITY]>::new(), Parser::with_limit(9), Tokenizer::new());
    for (chunk, expected) in chunks.iter().zip(expected) {
        let mut input = *chunk;
        for expected in *expected {
            let item = next.next_item(&mut input).unwrap().expect("a piece");
            assert!(matches!(item, ssewire::Item::Unknown(piece) if piece == *expected), "{item:?}, not {expected:?}");
        }
        assert_eq!((next.next_item(&mut input), input), (Ok(None), &b""[..]));

        let mut input = *chunk;
        for expected in *expected {
            let progress = feed.feed_items(input);
            let item = feed.item(progress.result.unwrap().expect("a piece"), input);
            assert!(matches!(item, ssewire::Item::Unknown(piece) if piece == *expected), "{item:?}, not {expected:?}");
            input = &input[progress.consumed..];
        }
        assert_eq!(feed.feed_items(input).result, Ok(None));

        let mut input = *chunk;
        let mut expected = expected.iter();
        while let Some(token) = tokenizer.next(&mut input) {
            if token == Token::EndOfEvent {
                continue;
            }
            assert!(matches!(token, Token::Unknown(piece) if Some(&piece) == expected.next()), "{token:?}");
        }
        assert_eq!(expected.next(), None);
    }
}

/// `next` goes past the beginning of a comment or unknown line, and `next_item` reports its rest as if it had done so.
#[test]
fn a_line_that_next_began() {
    for line in [&b": ab\n"[..], b":ab\n", b":  \n", b"xy\n", b"datx\n"] {
        for cut in 1..line.len() {
            let (mut begin, mut rest) = line.split_at(cut);
            let (mut by_items, mut by_next) = (Parser::<[u8; CAPACITY]>::new(), Parser::<[u8; CAPACITY]>::new());
            assert_eq!(by_next.next(&mut { begin }), Ok(None));
            while by_items.next_item(&mut begin).unwrap().is_some() {}
            let mut same_rest = rest;
            loop {
                let item = by_items.next_item(&mut rest).unwrap();
                assert_eq!(by_next.next_item(&mut same_rest).unwrap(), item, "{line:?} cut at {cut}");
                if item.is_none() {
                    break;
                }
            }
        }
    }
}

/// An unknown line makes no event and no update, and is not a part of the event around it.
#[test]
fn an_unknown_line_changes_nothing() {
    for line in ["dat", "events: 1", "retry2: 5", "ids: 7", " data: x", "{}"] {
        let stream = format!("event: e\n{line}\nid: 1\n{line}\ndata: a\n{line}\nretry: 5\n{line}\n\n{line}\n\n");
        let without: String =
            stream.split_inclusive('\n').filter(|other| other.trim_end_matches('\n') != line).collect();
        let read = |stream: &str| via_next(&mut Parser::<[u8; CAPACITY]>::new(), &[stream.as_bytes()]);
        assert_eq!(read(&stream), read(&without));
        assert_eq!(read(&stream).len(), 1);
    }
}
