//! The input of a hostile server: lines without an end, blocks over and over, and events that are too large. The parser
//! keeps to its buffer, reports each event that outgrows it once, and delivers the event after all that.
//!
//! `benches/attack` counts in instructions that this takes linear time. `--nocapture` prints the figures of each case.

use crate::common::cases;
use ssewire::tokenizer::{Token, Tokenizer};
use ssewire::{Field, Frame, Item, Overflow, Parser, Storage};

const CAPACITY: usize = 256;
/// The size of the chunks of a socket.
const CHUNK: usize = 1460;

/// A stream of `start`, and then `again` so many times.
struct Input {
    start: &'static [u8],
    again: Vec<u8>,
    times: usize,
    /// The reports of a parser.
    finds: Finds,
    /// The reports of the tokenizer: bytes of values, and blank lines.
    tokens: (usize, usize),
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Finds {
    events: usize,
    overflows: usize,
    /// The field of all overflows.
    field: Option<Field>,
    comment_bytes: usize,
    unknown_bytes: usize,
    updates: usize,
}

const NOTHING: Finds = Finds { events: 0, overflows: 0, field: None, comment_bytes: 0, unknown_bytes: 0, updates: 0 };
const LONG: usize = 16 << 20;
const M: usize = 1_000_000;

fn too_large(field: Field) -> Finds {
    Finds { overflows: 1, field: Some(field), ..NOTHING }
}

fn unknown(unknown_bytes: usize) -> Finds {
    Finds { unknown_bytes, ..NOTHING }
}

/// Returns `start` and then digits without an end.
fn endless(start: &'static str, values: usize, finds: Finds) -> Input {
    Input { start: start.as_bytes(), again: vec![b'1'; 1024], times: LONG / 1024, finds, tokens: (values, 0) }
}

fn repeated(again: &str, tokens: (usize, usize), finds: Finds) -> Input {
    Input { start: b"", again: again.as_bytes().to_vec(), times: M, finds, tokens }
}

fn events_that_are_too_large() -> Input {
    const TIMES: usize = 10_000;
    Input {
        start: b"",
        again: [b"data:", &[b'x'; CAPACITY + 1][..], b"\n\n"].concat(),
        times: TIMES,
        finds: Finds { overflows: TIMES, field: Some(Field::Data), ..NOTHING },
        tokens: (TIMES * (CAPACITY + 1), TIMES),
    }
}

cases! { the_buffer_is_enough {
    endless_data: endless("data: ", LONG, too_large(Field::Data));
    endless_event_type: endless("event: ", LONG, too_large(Field::Event));
    endless_id: endless("id: ", LONG, too_large(Field::Id));
    endless_id_after_nul: endless("id: \0", LONG + 1, NOTHING);
    endless_retry: endless("retry: ", LONG, NOTHING);
    endless_comment: endless(": ", LONG, Finds { comment_bytes: LONG, ..NOTHING });
    endless_unknown_field: endless("other: ", LONG + 7, unknown(LONG + 7));
    endless_name: endless("d", LONG + 1, unknown(LONG + 1));
    endless_digits: endless("", LONG, unknown(LONG));
    blank_lines_of_lf: repeated("\n", (0, M), NOTHING);
    blank_lines_of_cr: repeated("\r", (0, M), NOTHING);
    blank_lines_of_crlf: repeated("\r\n", (0, M), NOTHING);
    byte_order_marks: repeated("\u{feff}", (3 * (M - 1), 0), unknown(3 * (M - 1)));
    empty_lines_of_data: repeated("data\n", (0, 0), too_large(Field::Data));
    lines_of_data_of_one_byte: repeated("data:x\n", (M, 0), too_large(Field::Data));
    event_types_in_place_of_each_other: repeated("event:aaaa\n", (4 * M, 0), NOTHING);
    ids_in_place_of_each_other: repeated("id:1234\n", (4 * M, 0), NOTHING);
    event_types_and_ids_in_turns: repeated("event:aaaa\nid:1234567\n", (11 * M, 0), NOTHING);
    reconnection_times: repeated("retry:18446744073709551615\n", (20 * M, 0), NOTHING);
    empty_comments: repeated(":\n", (0, 0), NOTHING);
    unknown_lines: repeated("dat\n", (3 * M, 0), unknown(3 * M));
    blocks_without_data: repeated("id:1\nevent:a\n\n", (2 * M, M), Finds { updates: M, ..NOTHING });
    events_of_no_bytes: repeated("data\n\n", (0, M), Finds { events: M, ..NOTHING });
    large_events: events_that_are_too_large();
}}

fn the_buffer_is_enough(input: Input) {
    let bytes = input.start.len() + input.again.len() * input.times;
    let Finds { events, overflows, .. } = input.finds;
    println!("{bytes} bytes, {events} events, {overflows} overflows, {CAPACITY} bytes kept");
    read_all(Parser::<[u8; CAPACITY]>::new(), &input, false);
    read_all(Parser::with_limit(CAPACITY), &input, true);
    tokens(&input);
}

/// The state beside the buffer is small.
#[test]
fn a_parser_is_little_more_than_its_buffer() {
    let size = size_of::<Parser<[u8; CAPACITY]>>();
    println!("the parser: {size} bytes with its buffer");
    assert!(size <= CAPACITY + 160, "{size}");
}

/// Reads all of `input`, and checks the parser after each report.
fn read<S: Storage>(parser: &mut Parser<S>, input: &[u8], with_items: bool, finds: &mut Finds) {
    let mut rest = input;
    while !rest.is_empty() {
        let (consumed, result) = if with_items {
            let progress = parser.feed_items(rest);
            (progress.consumed, progress.result.map(|found| found.map(|found| parser.item(found, rest))))
        } else {
            let progress = parser.feed(rest);
            let event = |found| Item::Event(parser.event(found, rest));
            (progress.consumed, progress.result.map(|found| found.map(event)))
        };
        assert!(parser.unfinished().unwrap_or(0) <= CAPACITY, "it keeps to its buffer");
        match result {
            Ok(None) => assert_eq!(consumed, rest.len()),
            Ok(Some(Item::Event(_))) => finds.events += 1,
            Ok(Some(Item::Comment(piece))) => finds.comment_bytes += piece.bytes.len(),
            Ok(Some(Item::Unknown(piece))) => finds.unknown_bytes += piece.bytes.len(),
            Ok(Some(Item::Update(_))) => finds.updates += 1,
            Err(Overflow { field, needed, capacity: CAPACITY }) => {
                assert!((CAPACITY + 1..=CAPACITY + consumed).contains(&needed), "{needed}");
                finds.overflows += 1;
                assert_eq!(field, *finds.field.get_or_insert(field));
            }
            other => panic!("{other:?}"),
        }
        // One kind of report uses nothing: the beginning of an unknown line, which an earlier input held. The next call
        // goes on with the line.
        let of_earlier_input = matches!(result, Ok(Some(Item::Unknown(piece))) if piece.first);
        assert!(consumed > 0 || of_earlier_input, "each call uses input, so that a loop ends");
        rest = &rest[consumed..];
    }
}

fn read_all<S: Storage>(mut parser: Parser<S>, input: &Input, with_items: bool) {
    let mut finds = Finds::default();
    // As many repetitions as come close to the chunks of a socket.
    let at_once = (CHUNK / input.again.len()).max(1);
    let chunk = input.again.repeat(at_once);
    read(&mut parser, input.start, with_items, &mut finds);
    for _ in 0..input.times / at_once {
        read(&mut parser, &chunk, with_items, &mut finds);
    }
    read(&mut parser, &input.again.repeat(input.times % at_once), with_items, &mut finds);
    let events_alone = Finds { comment_bytes: 0, unknown_bytes: 0, updates: 0, ..input.finds };
    assert_eq!(finds, if with_items { input.finds } else { events_alone });

    // The unfinished line and event end, and the next event is like any other.
    let mut rest: &[u8] = b"\n\nevent: still\ndata: alive\n\n";
    let event = loop {
        if let Some(event) = parser.next(&mut rest).unwrap()
            && event.wire_event_type() == Some(b"still")
        {
            break event;
        }
    };
    assert_eq!(event.data(), b"alive");
}

/// The tokenizer has no buffer at all, and passes everything on.
fn tokens(input: &Input) {
    let mut tokenizer = Tokenizer::new();
    let (mut values, mut ends) = (0, 0);
    for chunk in [input.start].into_iter().chain((0..input.times).map(|_| &input.again[..])) {
        let mut rest = chunk;
        while let Some(token) = tokenizer.next(&mut rest) {
            match token {
                Token::Field(_, piece) | Token::Comment(piece) | Token::Unknown(piece) => values += piece.bytes.len(),
                Token::EndOfEvent => ends += 1,
            }
        }
    }
    println!("{values} bytes of values, {ends} blank lines");
    assert_eq!((values, ends), input.tokens);
}

const FULL: usize = CAPACITY;

// IDs and event types up to the capacity, and one byte beyond: the bytes of ID, event type and data, the field that
// overflows, and the length of the last event ID after it.
cases! { ids_and_types_at_the_limit {
    full_id: (FULL, 0, 0), None, FULL;
    full_type: (0, FULL, 0), None, 0;
    full_together: (1, FULL - 2, 1), None, 1;
    id_beyond: (FULL + 1, 0, 0), Some(Field::Id), 0;
    type_beyond: (0, FULL + 1, 0), Some(Field::Event), 0;
    type_beside_a_full_id: (FULL, 1, 0), Some(Field::Event), FULL;
    data_beside_a_full_id: (FULL, 0, 1), Some(Field::Data), FULL;
    data_beside_id_and_type: (1, FULL - 1, 1), Some(Field::Data), 1;
    id_far_beyond: (16 * FULL, 0, 0), Some(Field::Id), 0;
}}

fn ids_and_types_at_the_limit(lengths: (usize, usize, usize), overflow: Option<Field>, last_event_id: usize) {
    let (id, event_type, data) = lengths;
    let value = |len: usize| "v".repeat(len);
    let stream = format!("id:{}\nevent:{}\ndata:{}\n\n", value(id), value(event_type), value(data));
    for chunk in [stream.len(), 1] {
        let mut parser = Parser::<[u8; CAPACITY]>::new();
        let mut finds = Finds::default();
        stream.as_bytes().chunks(chunk).for_each(|chunk| read(&mut parser, chunk, true, &mut finds));
        println!("in chunks of {chunk}: {finds:?}");
        let expected = Finds {
            events: usize::from(overflow.is_none()),
            overflows: usize::from(overflow.is_some()),
            field: overflow,
            ..NOTHING
        };
        // An event that is skipped leaves an update, if its ID fits.
        assert_eq!(Finds { updates: 0, ..finds }, expected);
        assert_eq!(parser.last_event_id().unwrap_or_default().len(), last_event_id);
        // Beside an ID that takes all of the buffer, only events of no bytes fit.
        let mut rest: &[u8] = b"data\n\n";
        assert_eq!(parser.next(&mut rest).unwrap().unwrap().last_event_id().len(), last_event_id);
    }
}

/// Byte by byte: each byte is used at once, and the bytes held grow by it and the LF before it, and no more.
#[test]
fn a_mebibyte_byte_by_byte() {
    const LEN: usize = 1 << 20;
    let mut buffer = vec![0; LEN];
    for line in [15, LEN] {
        let lines = vec!["x".repeat(line); LEN / (line + 1).min(LEN)];
        let stream = format!("data:{}\n\n", lines.join("\ndata:"));
        let data = lines.join("\n");
        for read in [
            byte_by_byte(Parser::with_buffer(&mut buffer), stream.as_bytes()),
            byte_by_byte(Parser::with_limit(LEN), stream.as_bytes()),
        ] {
            println!("{} lines: {} bytes, as many calls, {} bytes of data", lines.len(), stream.len(), read.len());
            assert!(read == data.as_bytes() && read.len() >= LEN - 1, "{} bytes", read.len());
        }
    }
}

/// Returns the data of the one event in `stream`, which comes with its last byte.
fn byte_by_byte<S: Storage>(mut parser: Parser<S>, stream: &[u8]) -> Vec<u8> {
    let mut kept = 0;
    for (i, byte) in stream.chunks(1).enumerate() {
        let progress = parser.feed(byte);
        assert_eq!(progress.consumed, 1, "at {i}");
        if let Some(found) = progress.result.unwrap() {
            assert_eq!(i, stream.len() - 1);
            return parser.event(found, byte).data().to_vec();
        }
        let now = parser.unfinished().unwrap_or(0);
        assert!((kept..=kept + 2).contains(&now), "at {i}");
        kept = now;
    }
    panic!("no event");
}

/// Connections are independent: ten thousand at once, each with a byte in its turn.
#[test]
fn ten_thousand_parsers_in_turns() {
    const PARSERS: usize = 10_000;
    type Small = Parser<[u8; 32]>;
    let mut parsers: Vec<Small> = (0..PARSERS).map(|_| Small::new()).collect();
    let stream = |i: usize| format!("id:{i}\nevent:e{}\ndata:{}\ndata\n\n", i % 7, i * i);
    let streams: Vec<String> = (0..PARSERS).map(stream).collect();
    let longest = streams.iter().map(String::len).max().unwrap();
    let mut events = 0;
    for at in 0..longest {
        for (i, (parser, stream)) in parsers.iter_mut().zip(&streams).enumerate() {
            let Some(byte) = stream.as_bytes().get(at..=at) else { continue };
            if let Some(found) = parser.feed(byte).result.unwrap() {
                let event = parser.event(found, byte);
                assert_eq!(event.last_event_id(), i.to_string().as_bytes());
                assert_eq!(event.event_type(), format!("e{}", i % 7).as_bytes());
                assert_eq!(event.data(), format!("{}\n", i * i).as_bytes());
                events += 1;
            }
        }
    }
    println!("{PARSERS} parsers, {} bytes each, {events} events", size_of::<Small>());
    assert_eq!(events, PARSERS);
}

/// Text of line ends alone takes the most, because each has a line of its own.
#[test]
fn a_frame_is_at_most_seven_times_its_text() {
    const LEN: usize = 1 << 20;
    for (line_end, bytes) in [(&b"\n"[..], 7 * (LEN + 1)), (b"\r", 7 * (LEN + 1)), (b"\r\n", 7 * (LEN / 2 + 1))] {
        let data: Vec<u8> = line_end.iter().copied().cycle().take(LEN).collect();
        let frame = Frame::new().data(&data);
        println!("{LEN} bytes of {}: {} bytes", line_end.escape_ascii(), frame.encoded_len());
        assert_eq!(frame.encoded_len(), bytes + 1, "and the blank line");
        assert_eq!(frame.parts().map(<[u8]>::len).sum::<usize>(), bytes + 1);
    }
}
