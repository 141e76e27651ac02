//! The targets that write a frame.

use std::fmt;

use ssewire::{BufferTooSmall, Field, Frame, IdError, InvalidByte, Parser};

use super::cases::Writing;
use crate::common::oracle::{self, Event, Item};
use crate::common::via_items;

/// Returns `text` with LF in place of every line end, as a reader gets it back.
fn with_lf(text: &[u8]) -> Vec<u8> {
    let (lines, rest) = oracle::lines(text);
    lines.into_iter().chain([rest]).collect::<Vec<_>>().join(&b'\n')
}

/// The values that are written are read back: the event with its fields, or the update of a block without data, and the
/// comment.
pub fn write_parse(data: &[u8]) {
    let Some(case) = Writing::new(data) else { return };
    case.with_allowed(|case, frame| {
        let mut wire = vec![0xaa; frame.encoded_len()];
        assert_eq!(frame.write_to_slice(&mut wire), Ok(wire.len()));
        let outcomes = via_items(&mut Parser::with_limit(wire.len()), &[&wire]);
        let mut items: Vec<Item> = outcomes.into_iter().map(|outcome| outcome.expect("room for it")).collect();

        let rest = items.split_off(items.iter().take_while(|item| matches!(item, Item::Comment(_))).count());
        let comments: Vec<Vec<u8>> = items
            .into_iter()
            .filter_map(|item| match item {
                Item::Comment(comment) => Some(comment),
                _ => None,
            })
            .collect();
        assert_eq!(comments.is_empty(), case.comment.is_none());
        assert_eq!(comments.join(&b'\n'), case.comment.map(with_lf).unwrap_or_default());

        let (retry, id) = (case.retry, case.id.map(<[u8]>::to_vec));
        let asked = match case.data {
            Some(data) => {
                let event_type = case.event_type.filter(|event_type| !event_type.is_empty()).unwrap_or(b"message");
                Some(Item::Event(Event {
                    event_type: event_type.to_vec(),
                    data: with_lf(data),
                    last_event_id: id.clone().unwrap_or_default(),
                    wire_event_type: case.event_type.map(<[u8]>::to_vec),
                    id,
                    retry,
                }))
            }
            None => (id.is_some() || retry.is_some()).then_some(Item::Update { id, retry }),
        };
        assert_eq!(rest, asked.into_iter().collect::<Vec<_>>(), "the values that were asked for, and no more");
    });
}

/// No value makes a line, field, event or ID that was not asked for.
pub fn injection(data: &[u8]) {
    let Some(case) = Writing::new(data) else { return };
    // A byte that would break a line is rejected, with its place, and no other is.
    let rejected = |field, value: Option<&[u8]>, bytes: &[u8]| {
        let value = value?;
        let position = value.iter().position(|byte| bytes.contains(byte))?;
        Some(InvalidByte { field, byte: value[position], position })
    };
    let invalid_id = rejected(Field::Id, case.id, b"\r\n\0");
    assert_eq!(case.frame().err(), rejected(Field::Event, case.event_type, b"\r\n").or(invalid_id));
    let restored = Parser::with_limit(data.len()).set_last_event_id(case.id.unwrap_or_default());
    assert_eq!(restored.err(), invalid_id.map(IdError::InvalidByte));

    case.with_allowed(|case, frame| {
        let wire = frame.parts().flatten().copied().collect::<Vec<u8>>();
        let text = case.data.map(String::from_utf8_lossy);
        check_lines(case, &wire, case.data);
        check_lines(case, frame.to_string().as_bytes(), case.data);
        let formatted = frame.data_fmt(format_args!("{}", Pieces(text.as_deref().unwrap_or_default()))).to_string();
        check_lines(case, formatted.as_bytes(), Some(text.as_deref().unwrap_or_default().as_bytes()));

        // Nor does it touch the events beside it.
        let stream = [b"id: before\ndata: before\n\n", &wire[..], b"data: after\n\n"].concat();
        let events = oracle::parse(&stream, None).events();
        assert_eq!(events.len(), 2 + usize::from(case.data.is_some()));
        assert_eq!((&events[0].data[..], &events[0].event_type[..]), (&b"before"[..], &b"message"[..]));
        let after = &events[events.len() - 1];
        assert_eq!((&after.data[..], &after.event_type[..]), (&b"after"[..], &b"message"[..]));
        assert_eq!(after.last_event_id, case.id.unwrap_or(b"before"));
    });
}

/// Every line of `wire` is one that was asked for, in the documented order, and there is one blank line, at the end.
fn check_lines(case: &Writing<'_>, wire: &[u8], data: Option<&[u8]>) {
    let count = |text: &[u8]| oracle::lines(text).0.len() + 1;
    let asked = [
        (&b""[..], case.comment.map_or(0, count)),
        (b"event", usize::from(case.event_type.is_some())),
        (b"id", usize::from(case.id.is_some())),
        (b"retry", usize::from(case.retry.is_some())),
        (b"data", data.map_or(0, count)),
    ];
    let (lines, rest) = oracle::lines(wire);
    assert!(rest.is_empty(), "the last line has an end");
    let mut lines = lines.into_iter();
    for (name, count) in asked {
        for _ in 0..count {
            let line = lines.next().expect("a line that was asked for");
            assert!(line.strip_prefix(name).is_some_and(|value| value.starts_with(b": ")), "{}", line.escape_ascii());
        }
    }
    assert_eq!(lines.next(), Some(&b""[..]).filter(|_| !wire.is_empty()));
    assert_eq!(lines.next(), None);
    assert_eq!(wire.is_empty(), asked.iter().all(|(_, count)| *count == 0));
}

/// Formats itself in pieces of two characters, so that a CRLF may be split.
struct Pieces<'a>(&'a str);

impl fmt::Display for Pieces<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some((at, _)) = rest.char_indices().nth(2) {
            let (piece, after) = rest.split_at(at);
            f.write_str(piece)?;
            rest = after;
        }
        f.write_str(rest)
    }
}

/// All ways to write give the same bytes: the encoder with buffers of every size, from any position, the parts, text, a slice,
/// and memory that grows.
pub fn encoder(data: &[u8]) {
    let Some(case) = Writing::new(data) else { return };
    case.with_allowed(|case, frame| {
        let needed = frame.encoded_len();
        let mut wire = vec![0xaa; needed + 2];
        assert_eq!(frame.write_to_slice(&mut wire), Ok(needed));
        assert_eq!(wire.split_off(needed), [0xaa; 2], "nothing after it is written");

        let parts: Vec<&[u8]> = frame.parts().collect();
        assert!(parts.iter().all(|part| !part.is_empty()));
        assert_eq!(parts.concat(), wire);
        assert_eq!(frame.to_string(), String::from_utf8_lossy(&wire));
        assert_eq!(frame.to_vec(), wire);
        let mut grown = b"before".to_vec();
        frame.write_to_buf(&mut grown).expect("a vector grows");
        frame.write_to(&mut grown).expect("a vector grows");
        assert_eq!(grown, [b"before", &wire[..], &wire].concat());
        let mut exact = vec![0xaa; needed];
        assert_eq!(frame.write_to_slice(&mut exact), Ok(needed));
        assert_eq!(exact, wire);

        if let Some(len) = needed.checked_sub(1) {
            let mut small = vec![0xaa; len];
            assert_eq!(frame.write_to_slice(&mut small), Err(BufferTooSmall { needed, capacity: len }));
            assert!(small.iter().all(|&byte| byte == 0xaa), "nothing is written");
        }
        // Sizes above the length are all the same. Of a long frame, only the small ones are tried.
        for size in (1..=(needed + 1).min(40)).chain([needed + 1]) {
            fill_with(frame, &mut vec![0xaa; size], &wire);
        }
        // Of a long frame, only some positions.
        for position in (0..=needed + 1).step_by(1 + needed / 64) {
            let rest = wire.get(position..).unwrap_or_default();
            let mut window = [0xaa; 24];
            let n = frame.fill_at(position, &mut window);
            assert_eq!(&window[..n], &rest[..rest.len().min(window.len())]);
        }
        // A number as ID is its digits.
        if let Some(number) = case.retry {
            let digits = number.to_string();
            let (numbered, written) = (frame.id_number(number), frame.id(&digits).expect("digits are an ID"));
            assert_eq!(numbered, written);
            assert_eq!(numbered.to_vec(), written.to_vec());
            assert_eq!(numbered.parts().collect::<Vec<_>>().concat(), written.to_vec());
        }
        // With formatted data, all other fields are written as they are.
        if let Some(text) = case.data.and_then(|data| std::str::from_utf8(data).ok()) {
            let mut formatted = vec![0xaa; 3 * needed];
            let written = frame.data_fmt(format_args!("{}", Pieces(text))).write_to_slice(&mut formatted);
            formatted.truncate(written.expect("no byte becomes more than three"));
            assert_eq!(formatted, wire);
            let mut filled = Vec::new();
            let mut window = vec![0xaa; (needed / 64).max(24)];
            loop {
                let filling = frame.data_fmt(format_args!("{}", Pieces(text))).fill_at(filled.len(), &mut window);
                let n = filling.expect("no value fails");
                if n == 0 {
                    break;
                }
                filled.extend_from_slice(&window[..n]);
            }
            assert_eq!(filled, wire);
        }
    });
}

fn fill_with(frame: Frame<'_>, buffer: &mut [u8], wire: &[u8]) {
    let mut encoder = frame.encoder();
    let mut rest = wire;
    loop {
        let n = encoder.fill(buffer);
        let (now, after) = rest.split_at(n);
        assert_eq!(&buffer[..n], now);
        assert!(n == buffer.len() || after.is_empty(), "less only at the end");
        if n == 0 {
            break;
        }
        rest = after;
    }
    assert_eq!((rest, encoder.fill(buffer)), (&b""[..], 0));
}
