//! What a hostile server can send: without an end, over and over, or just too large. The parser keeps to its buffer, says
//! so once for each event that outgrows it, and delivers the event behind all that.
//!
//! That it takes no more than linear time is counted in instructions by `benches/attack`. The figures of each case are
//! printed with `--nocapture`.

use ssewire::{Error, Field, Frame, Item, Parser, Status, Storage, Token, Tokenizer};

const CAPACITY: usize = 256;
/// The chunks that come from a socket.
const CHUNK: usize = 1460;

/// `start`, and then `again` so many times.
struct Attack {
    name: &'static str,
    start: &'static [u8],
    again: &'static [u8],
    times: usize,
    finds: Finds,
    /// What the tokenizer finds: bytes of values, and blank lines.
    tokens: (usize, usize),
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Finds {
    events: usize,
    overflows: usize,
    /// The field of all overflows.
    field: Option<Field>,
    comment_bytes: usize,
    updates: usize,
}

const NOTHING: Finds = Finds { events: 0, overflows: 0, field: None, comment_bytes: 0, updates: 0 };
const LONG: usize = 16 << 20;
const MILLION: usize = 1_000_000;

fn attacks() -> Vec<Attack> {
    let too_large = |field| Finds { overflows: 1, field: Some(field), ..NOTHING };
    let updates = |updates| Finds { updates, ..NOTHING };
    let events = |events| Finds { events, ..NOTHING };
    let endless = |name, start: &'static str, values, finds| Attack {
        name,
        start: start.as_bytes(),
        again: &[b'1'; 1024],
        times: LONG / 1024,
        finds,
        tokens: (values, 0),
    };
    let repeated = |name, again: &'static str, tokens, finds| Attack {
        name,
        start: b"",
        again: again.as_bytes(),
        times: MILLION,
        finds,
        tokens,
    };
    const M: usize = MILLION;
    vec![
        endless("an endless line of data", "data: ", LONG, too_large(Field::Data)),
        endless("an endless event type", "event: ", LONG, too_large(Field::Event)),
        endless("an endless ID", "id: ", LONG, too_large(Field::Id)),
        endless("an endless ID behind a NUL", "id: \0", LONG + 1, NOTHING),
        endless("an endless reconnection time", "retry: ", LONG, NOTHING),
        endless("an endless comment", ": ", LONG, Finds { comment_bytes: LONG, ..NOTHING }),
        endless("an endless unknown field", "other: ", 0, NOTHING),
        endless("an endless name", "d", 0, NOTHING),
        repeated("blank lines, LF", "\n", (0, M), NOTHING),
        repeated("blank lines, CR", "\r", (0, M), NOTHING),
        repeated("blank lines, CRLF", "\r\n", (0, M), NOTHING),
        repeated("byte order marks", "\u{feff}", (0, 0), NOTHING),
        repeated("lines of data of no bytes", "data\n", (0, 0), too_large(Field::Data)),
        repeated("lines of data of one byte", "data:x\n", (M, 0), too_large(Field::Data)),
        repeated("event types, each in place of the one before", "event:aaaa\n", (4 * M, 0), NOTHING),
        repeated("IDs, each in place of the one before", "id:1234\n", (4 * M, 0), NOTHING),
        repeated("event types and IDs in turns", "event:aaaa\nid:1234567\n", (11 * M, 0), NOTHING),
        repeated("reconnection times", "retry:18446744073709551615\n", (20 * M, 0), NOTHING),
        repeated("comments of no bytes", ":\n", (0, 0), NOTHING),
        repeated("blocks without data", "id:1\nevent:a\n\n", (2 * M, M), updates(M)),
        repeated("events of no bytes", "data\n\n", (0, M), events(M)),
        Attack {
            name: "events that are too large",
            start: b"",
            again: Box::leak([b"data:", &[b'x'; CAPACITY + 1][..], b"\n\n"].concat().into_boxed_slice()),
            times: 10_000,
            finds: Finds { overflows: 10_000, field: Some(Field::Data), ..NOTHING },
            tokens: (10_000 * (CAPACITY + 1), 10_000),
        },
    ]
}

/// Reads everything, and looks at the parser behind each thing that it reports.
fn read<S: Storage>(parser: &mut Parser<S>, input: &[u8], with_items: bool, finds: &mut Finds) {
    let mut rest = input;
    while !rest.is_empty() {
        let progress = if with_items { parser.feed_items(rest) } else { parser.feed(rest) };
        assert!(parser.unfinished().unwrap_or(0) <= CAPACITY, "it keeps to its buffer");
        assert!(progress.consumed > 0, "each call uses input, so that a loop ends");
        match progress.status {
            Ok(Status::NeedInput) => assert_eq!(progress.consumed, rest.len()),
            Ok(Status::Event) => finds.events += 1,
            Ok(Status::Comment(piece)) => finds.comment_bytes += piece.bytes(rest).len(),
            Ok(Status::Update) => finds.updates += 1,
            Err(Error::Overflow { field, needed, capacity: CAPACITY }) => {
                assert!((CAPACITY + 1..=CAPACITY + CHUNK).contains(&needed), "{needed}");
                finds.overflows += 1;
                assert_eq!(field, *finds.field.get_or_insert(field));
            }
            other => panic!("{other:?}"),
        }
        rest = &rest[progress.consumed..];
    }
}

fn withstands<S: Storage>(mut parser: Parser<S>, attack: &Attack, with_items: bool) {
    let name = attack.name;
    let mut finds = Finds::default();
    // As many repetitions as come close to the chunks of a socket.
    let at_once = (CHUNK / attack.again.len()).max(1);
    let chunk = attack.again.repeat(at_once);
    read(&mut parser, attack.start, with_items, &mut finds);
    for _ in 0..attack.times / at_once {
        read(&mut parser, &chunk, with_items, &mut finds);
    }
    read(&mut parser, &attack.again.repeat(attack.times % at_once), with_items, &mut finds);
    let expected = if with_items { attack.finds } else { Finds { comment_bytes: 0, updates: 0, ..attack.finds } };
    assert_eq!(finds, expected, "{name}");

    // What was not over is over, and the next event is as any other.
    let mut rest: &[u8] = b"\n\nevent: still\ndata: alive\n\n";
    let event = loop {
        if let Some(event) = parser.next(&mut rest).unwrap_or_else(|error| panic!("{name}: {error}")) {
            if event.wire_event_type() == Some(b"still") {
                break event;
            }
        }
    };
    assert_eq!(event.data(), b"alive", "{name}");
}

#[test]
fn the_buffer_is_all_that_is_taken() {
    for attack in attacks() {
        let bytes = attack.start.len() + attack.again.len() * attack.times;
        let Finds { events, overflows, .. } = attack.finds;
        println!("{}: {bytes} bytes, {events} events, {overflows} overflows, {CAPACITY} bytes kept", attack.name);
        withstands(Parser::<heapless::Vec<u8, CAPACITY>>::new(), &attack, false);
        withstands(Parser::with_limit(CAPACITY), &attack, true);
    }
    let taken = size_of::<Parser<heapless::Vec<u8, CAPACITY>>>();
    println!("the parser: {taken} bytes with its buffer");
    assert!(taken <= CAPACITY + 160, "{taken}");
}

/// A relay of pieces has no buffer at all.
#[test]
fn the_tokenizer_passes_everything_on() {
    for attack in attacks() {
        let mut tokenizer = Tokenizer::new();
        let (mut values, mut ends) = (0, 0);
        for chunk in [attack.start].into_iter().chain((0..attack.times).map(|_| attack.again)) {
            let mut rest = chunk;
            while let Some(token) = tokenizer.next(&mut rest) {
                match token {
                    Token::Field(_, piece) | Token::Comment(piece) => values += piece.bytes.len(),
                    Token::EndOfEvent => ends += 1,
                }
            }
        }
        println!("{}: {values} bytes of values, {ends} blank lines", attack.name);
        assert_eq!((values, ends), attack.tokens, "{}", attack.name);
    }
}

/// IDs and event types up to the capacity, and one byte beyond.
#[test]
fn ids_and_types_at_the_limit() {
    const FULL: usize = CAPACITY;
    // Bytes of ID, event type and data; what overflows; and the ID that is in force afterwards.
    let cases = [
        (FULL, 0, 0, None, FULL),
        (0, FULL, 0, None, 0),
        (1, FULL - 2, 1, None, 1),
        (FULL + 1, 0, 0, Some(Field::Id), 0),
        (0, FULL + 1, 0, Some(Field::Event), 0),
        (FULL, 1, 0, Some(Field::Event), FULL),
        (FULL, 0, 1, Some(Field::Data), FULL),
        (1, FULL - 1, 1, Some(Field::Data), 1),
        (16 * FULL, 0, 0, Some(Field::Id), 0),
    ];
    for (id, event_type, data, overflow, in_force) in cases {
        let value = |len: usize| "v".repeat(len);
        let stream = format!("id:{}\nevent:{}\ndata:{}\n\n", value(id), value(event_type), value(data));
        for chunk in [stream.len(), 1] {
            let mut parser = Parser::<heapless::Vec<u8, CAPACITY>>::new();
            let mut finds = Finds::default();
            stream.as_bytes().chunks(chunk).for_each(|chunk| read_any(&mut parser, chunk, &mut finds));
            let name = format!("ID of {id}, type of {event_type}, data of {data} bytes in chunks of {chunk}");
            println!("{name}: {finds:?}");
            let expected = Finds {
                events: usize::from(overflow.is_none()),
                overflows: usize::from(overflow.is_some()),
                field: overflow,
                ..NOTHING
            };
            assert_eq!(finds, expected, "{name}");
            assert_eq!(parser.last_event_id().unwrap_or_default().len(), in_force, "{name}");
            // With an ID that takes all of the buffer only events of no bytes fit, and another ID never.
            let mut rest: &[u8] = b"data\n\n";
            assert_eq!(parser.next(&mut rest).unwrap().unwrap().last_event_id().len(), in_force, "{name}");
        }
    }
}

fn read_any<S: Storage>(parser: &mut Parser<S>, chunk: &[u8], finds: &mut Finds) {
    let mut rest = chunk;
    loop {
        match parser.next_item(&mut rest) {
            Ok(Some(Item::Event(_))) => finds.events += 1,
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(Error::Overflow { field, .. }) => {
                finds.overflows += 1;
                finds.field = Some(field);
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// One byte at a time: each is used at once, and what is kept grows by it, and the LF before it, and no more.
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

/// The data of the one event in `stream`, which comes with its last byte.
fn byte_by_byte<S: Storage>(mut parser: Parser<S>, stream: &[u8]) -> Vec<u8> {
    let mut kept = 0;
    for (i, byte) in stream.chunks(1).enumerate() {
        let progress = parser.feed(byte);
        assert_eq!(progress.consumed, 1, "at {i}");
        if progress.status == Ok(Status::Event) {
            assert_eq!(i, stream.len() - 1);
            return parser.event(byte).data().to_vec();
        }
        let now = parser.unfinished().unwrap_or(0);
        assert!((kept..=kept + 2).contains(&now), "at {i}");
        kept = now;
    }
    panic!("no event");
}

/// Connections do not know of each other: ten thousand at once, each with a byte in its turn.
#[test]
fn ten_thousand_parsers_in_turns() {
    const PARSERS: usize = 10_000;
    type Small = Parser<heapless::Vec<u8, 32>>;
    let mut parsers: Vec<Small> = (0..PARSERS).map(|_| Small::new()).collect();
    let stream = |i: usize| format!("id:{i}\nevent:e{}\ndata:{}\ndata\n\n", i % 7, i * i);
    let streams: Vec<String> = (0..PARSERS).map(stream).collect();
    let longest = streams.iter().map(String::len).max().unwrap();
    let mut events = 0;
    for at in 0..longest {
        for (i, (parser, stream)) in parsers.iter_mut().zip(&streams).enumerate() {
            let Some(byte) = stream.as_bytes().get(at..=at) else { continue };
            if parser.feed(byte).status == Ok(Status::Event) {
                let event = parser.event(byte);
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

/// Text of line ends alone takes most: each has a line of its own.
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
