//! Frames: every way to write one gives the same bytes, and a reader gets back the values that were written, and nothing
//! else.

use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::io::{self, Read};

use crate::common::oracle::{self, Event, Item};
use crate::common::{self, Stream, cases};
use proptest::prelude::*;
use ssewire::{BufferTooSmall, Field, Frame, InvalidByte, Parser};

/// The values of a frame.
#[derive(Clone, Debug, Default)]
struct Values {
    comment: Option<Stream>,
    event_type: Option<Stream>,
    id: Option<Stream>,
    retry: Option<u64>,
    data: Option<Stream>,
}

impl Values {
    fn frame(&self) -> Result<Frame<'_>, InvalidByte> {
        let mut frame = Frame::new();
        if let Some(comment) = &self.comment {
            frame = frame.comment(&**comment);
        }
        if let Some(event_type) = &self.event_type {
            frame = frame.event_type(&**event_type)?;
        }
        if let Some(id) = &self.id {
            frame = frame.id(&**id)?;
        }
        if let Some(retry) = self.retry {
            frame = frame.retry(retry);
        }
        if let Some(data) = &self.data {
            frame = frame.data(&**data);
        }
        Ok(frame)
    }

    /// Returns the wire form, as documented.
    fn wire(&self) -> Vec<u8> {
        let mut wire = Vec::new();
        let mut line = |name: &str, value: &[u8]| wire.extend([name.as_bytes(), b": ", value, b"\n"].concat());
        self.comment.iter().flat_map(|text| lines(text)).for_each(|text| line("", &text));
        self.event_type.iter().for_each(|value| line("event", value));
        self.id.iter().for_each(|value| line("id", value));
        self.retry.iter().for_each(|value| line("retry", value.to_string().as_bytes()));
        self.data.iter().flat_map(|text| lines(text)).for_each(|text| line("data", &text));
        if !wire.is_empty() {
            wire.push(b'\n');
        }
        wire
    }

    /// Returns the items that a reader must see.
    fn items(&self) -> Vec<Item> {
        let own = |value: &Option<Stream>| value.as_ref().map(|value| value.0.clone());
        let mut items: Vec<Item> = self.comment.iter().flat_map(|text| lines(text)).map(Item::Comment).collect();
        let id = own(&self.id);
        if let Some(data) = &self.data {
            let wire_event_type = own(&self.event_type);
            items.push(Item::Event(Event {
                event_type: wire_event_type.clone().filter(|t| !t.is_empty()).unwrap_or(b"message".to_vec()),
                data: lines(data).join(&b'\n'),
                last_event_id: id.clone().unwrap_or_default(),
                wire_event_type,
                id,
                retry: self.retry,
            }));
        } else if id.is_some() || self.retry.is_some() {
            items.push(Item::Update { id, retry: self.retry });
        }
        items
    }
}

/// Splits `text` at its line ends, which may be CRLF, CR or LF.
fn lines(text: &[u8]) -> Vec<Vec<u8>> {
    let (lines, rest) = oracle::lines(text);
    lines.into_iter().chain([rest]).map(<[u8]>::to_vec).collect()
}

fn text() -> BoxedStrategy<Stream> {
    let piece = prop_oneof![
        3 => common::value(),
        2 => common::line_end(),
        1 => prop::collection::vec(any::<u8>(), 0..20).boxed(),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| Stream(pieces.concat())).boxed()
}

fn without(text: Stream, bytes: &[u8]) -> Stream {
    Stream(text.0.into_iter().filter(|byte| !bytes.contains(byte)).collect())
}

fn values() -> BoxedStrategy<Values> {
    let event_type = text().prop_map(|text| without(text, b"\r\n"));
    let id = text().prop_map(|text| without(text, b"\r\n\0"));
    use prop::option::of;
    (of(text()), of(event_type), of(id), of(number()), of(text()))
        .prop_map(|(comment, event_type, id, retry, data)| Values { comment, event_type, id, retry, data })
        .boxed()
}

fn number() -> BoxedStrategy<u64> {
    prop_oneof![any::<u64>(), 0u64..100, (0u32..20).prop_map(|power| 10u64.pow(power.min(19)))].boxed()
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Every way to write `frame` gives `wire`. Buffers have the `sizes` in turn.
fn assert_written_as(frame: Frame<'_>, wire: &[u8], sizes: &[usize]) {
    assert_eq!(frame.encoded_len(), wire.len());

    let mut slice = vec![0xaa; wire.len() + 3];
    assert_eq!(frame.write_to_slice(&mut slice), Ok(wire.len()));
    assert_eq!(&slice[..wire.len()], wire);
    assert_eq!(&slice[wire.len()..], &[0xaa; 3], "nothing after the frame is written");
    assert_eq!(frame.write_to_slice(&mut slice[..wire.len()]), Ok(wire.len()));

    let parts: Vec<&[u8]> = frame.parts().collect();
    assert_eq!(parts.concat(), wire);
    assert!(parts.iter().all(|part| !part.is_empty()));
    let mut ended = frame.parts();
    assert_eq!(ended.by_ref().count(), parts.len());

    let mut encoder = frame.encoder();
    let mut read = Vec::new();
    for size in sizes.iter().cycle() {
        let mut out = vec![0; *size];
        let n = encoder.fill(&mut out);
        read.extend_from_slice(&out[..n]);
        assert_eq!(n < *size, read.len() == wire.len() && n < *size, "less only at the end");
        if n == 0 {
            break;
        }
    }
    assert_eq!(read, wire);
    let mut read = Vec::new();
    assert_eq!(frame.encoder().read_to_end(&mut read).unwrap(), wire.len());
    assert_eq!(read, wire);

    for position in 0..wire.len() + 3 {
        let rest = wire.get(position..).unwrap_or_default();
        let size = sizes[position % sizes.len()];
        let mut out = vec![0xaa; size];
        let n = frame.fill_at(position, &mut out);
        assert_eq!((n, &out[..n]), (rest.len().min(size), &rest[..n]));
        assert_eq!(out[n..], vec![0xaa; size - n]);
    }

    let mut out = b"before".to_vec();
    frame.write_to_vec(&mut out);
    assert_eq!(out, [b"before", wire].concat());
    assert_eq!(frame.to_vec(), wire);

    #[cfg(feature = "bytes")]
    {
        let mut out = bytes::BytesMut::from("before");
        assert_eq!(frame.write_to_buf(&mut out), Ok(()));
        assert_eq!(out, [b"before", wire].concat());
        let mut array = vec![0xaa; wire.len()];
        let mut room = &mut array[..];
        assert_eq!(frame.write_to_buf(&mut room), Ok(()));
        assert_eq!((room.len(), &array[..]), (0, wire));
    }

    let mut out = b"before".to_vec();
    frame.write_to(&mut out).unwrap();
    assert_eq!(out, [b"before", wire].concat());

    // Decoded as a reader would decode it: the parts are split at ASCII.
    assert_eq!(frame.to_string(), String::from_utf8_lossy(wire));
}

#[test]
fn every_way_to_write_gives_the_same() {
    common::for_all((values(), prop::collection::vec(1usize..9, 1..9)), |(values, sizes)| {
        assert_written_as(values.frame().unwrap(), &values.wire(), &sizes);
    });
}

/// A number as ID is written like its digits, and is the same ID.
#[test]
fn a_number_is_the_id_of_its_digits() {
    common::for_all(
        (values(), number(), number(), prop::collection::vec(1usize..9, 1..9)),
        |(mut values, number, other, sizes)| {
            values.id = Some(Stream(number.to_string().into_bytes()));
            let frame = values.frame().unwrap();
            // The number takes the place of the digits.
            let numbered = frame.id_number(number);
            assert_written_as(numbered, &values.wire(), &sizes);
            assert_eq!(numbered, frame);
            assert_eq!(hash(&numbered), hash(&frame));
            assert_eq!(format!("{numbered:?}"), format!("{frame:?}"));
            assert_eq!(numbered == numbered.id_number(other), number == other);
            assert_eq!(frame == frame.id_number(other), number == other);
        },
    );
}

#[test]
fn a_slice_that_is_too_small_stays() {
    common::for_all((values(), 1usize..5), |(values, less)| {
        let needed = values.wire().len();
        let len = needed.saturating_sub(less);
        if len == needed {
            return; // a frame of nothing fits everywhere
        }
        let mut slice = vec![0xaa; len];
        let error = BufferTooSmall { needed, capacity: len };
        assert_eq!(values.frame().unwrap().write_to_slice(&mut slice), Err(error));
        assert_eq!(&slice, &vec![0xaa; len]);
        #[cfg(feature = "bytes")]
        {
            let mut room = &mut slice[..];
            assert_eq!(values.frame().unwrap().write_to_buf(&mut room), Err(error));
            assert_eq!(room, &vec![0xaa; len][..]);
        }
    });
}

/// The replay ring finds frames and IDs by this: a blank line only at the end, no CR, and `i` only before an ID.
#[test]
fn a_blank_line_stands_only_at_the_end() {
    common::for_all(values(), |values| {
        let frame = values.frame().unwrap();
        let mut wires = vec![frame.parts().flatten().copied().collect::<Vec<u8>>()];
        if let Some(text) = values.data.as_ref().and_then(|data| std::str::from_utf8(data).ok()) {
            let mut formatted = vec![0; 4096];
            let len = frame.data_fmt(format_args!("{text}")).write_to_slice(&mut formatted).unwrap();
            wires.push(formatted[..len].to_vec());
        }
        for wire in wires {
            let lines: Vec<&[u8]> = wire.split_inclusive(|&byte| byte == b'\n').collect();
            let blank = lines.iter().position(|line| line == b"\n");
            assert_eq!(blank, lines.len().checked_sub(1));
            assert!(!wire.contains(&b'\r'));
            let ids: Vec<&[u8]> = lines.iter().copied().filter(|line| line[0] == b'i').collect();
            let id = values.id.as_ref().map(|id| [b"id: ", &id[..], b"\n"].concat());
            assert_eq!(ids, id.iter().map(|id| &id[..]).collect::<Vec<_>>());
        }
    });
}

/// Whatever the values are, the reader sees these and no others.
#[test]
fn a_reader_sees_the_values_and_nothing_else() {
    common::for_all(values(), |values| {
        let mut wire = Vec::new();
        wire.extend(values.frame().unwrap().parts().flatten());
        assert_eq!(oracle::parse(&wire, None).items, values.items());
        let outcomes = common::via_items(&mut Parser::with_limit(4096), &[&wire]);
        assert_eq!(outcomes, values.items().into_iter().map(Ok).collect::<Vec<_>>());
    });
}

/// A value is rejected if it would break the line or a reader would ignore it, and only then.
#[test]
fn only_values_that_cannot_be_written_are_rejected() {
    common::for_all(text(), |value| {
        let rejected = |field, bytes: &[u8]| {
            let position = value.iter().position(|byte| bytes.contains(byte))?;
            Some(InvalidByte { field, byte: value[position], position })
        };
        assert_eq!(Frame::new().event_type(&*value).err(), rejected(Field::Event, b"\r\n"));
        assert_eq!(Frame::new().id(&*value).err(), rejected(Field::Id, b"\r\n\0"));
        let restored = Parser::with_limit(999).set_last_event_id(&value).err();
        assert_eq!(restored, rejected(Field::Id, b"\r\n\0").map(ssewire::IdError::InvalidByte));
    });
}

/// Data that is formatted in any pieces is written like data in memory.
#[test]
fn formatted_data_is_written_like_any_other() {
    common::for_all(
        (values(), prop::collection::vec("[a\r\né\u{2028} :]{0,3}", 0..8), 1usize..4, 0usize..3),
        |(values, pieces, short, spare)| {
            let text = pieces.concat();
            let frame = values.frame().unwrap();
            let expected = frame.data(&text).to_string();
            let formatted = format_args!("{}", Pieces(&pieces)).to_string();
            assert_eq!(&formatted, &text);
            assert_eq!(frame.data_fmt(format_args!("{}", Pieces(&pieces))).to_string(), &expected[..]);

            // In a slice, an ID that is not valid UTF-8 stays as it is.
            let mut expected = vec![0; frame.data(&text).encoded_len()];
            frame.data(&text).write_to_slice(&mut expected).unwrap();
            let mut slice = vec![0; expected.len() + spare];
            let n = frame.data_fmt(format_args!("{}", Pieces(&pieces))).write_to_slice(&mut slice).unwrap();
            assert_eq!(&slice[..n], &expected[..]);
            let (needed, len) = (expected.len(), expected.len() - short);
            let error = frame.data_fmt(format_args!("{}", Pieces(&pieces))).write_to_slice(&mut slice[..len]);
            assert_eq!(error, Err(BufferTooSmall { needed, capacity: len }.into()));

            let mut out = b"before".to_vec();
            frame.data_fmt(format_args!("{}", Pieces(&pieces))).write_to_vec(&mut out).unwrap();
            assert_eq!(&out, &[b"before", &expected[..]].concat());

            // In any window: a buffer may be smaller than the frame.
            for position in 0..expected.len() + 2 {
                let rest = expected.get(position..).unwrap_or_default();
                for size in [0, 1, short, expected.len()] {
                    let mut out = vec![0xaa; size];
                    let n = frame.data_fmt(format_args!("{}", Pieces(&pieces))).fill_at(position, &mut out).unwrap();
                    assert_eq!((n, &out[..n]), (rest.len().min(size), &rest[..n]));
                    assert_eq!(&out[n..], &vec![0xaa; size - n][..]);
                }
            }
        },
    );
}

/// Writes each piece by itself.
struct Pieces<'a>(&'a [String]);

impl fmt::Display for Pieces<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| f.write_str(piece))
    }
}

// A CRLF that is split over two pieces is one line end.
cases! { formatted_in_pieces {
    crlf: &["a\r", "\nb"], "data: a\ndata: b\n\n";
    crlf_around_an_empty_piece: &["a\r", "", "\nb"], "data: a\ndata: b\n\n";
    cr_and_crlf_and_lf: &["a\r", "\r", "\n", "\n"], "data: a\ndata: \ndata: \ndata: \n\n";
    crlf_alone: &["\r", "\n"], "data: \ndata: \n\n";
    lf_and_cr: &["a\n", "\rb"], "data: a\ndata: \ndata: b\n\n";
    nothing: &[], "data: \n\n";
}}

fn formatted_in_pieces(pieces: &[&str], wire: &str) {
    let pieces: Vec<String> = pieces.iter().map(|piece| piece.to_string()).collect();
    assert_eq!(Frame::new().data_fmt(format_args!("{}", Pieces(&pieces))).to_string(), wire);
}

/// The frames with the most bytes beside their values, in slices of every length.
#[test]
fn every_length_of_slice() {
    let empty = Frame::new().event_type("").unwrap().id("").unwrap();
    let lines = Frame::new().comment("\n\n").data("\n\n\n");
    for frame in [empty, empty.retry(u64::MAX), empty.retry(u64::MAX).data(""), lines, lines.retry(0)] {
        let wire = frame.to_string();
        for len in 0..wire.len() + 64 {
            let mut slice = vec![0; len];
            match frame.write_to_slice(&mut slice) {
                Ok(n) => assert_eq!(&slice[..n], wire.as_bytes()),
                Err(error) => {
                    assert!(len < wire.len(), "{len} bytes are enough for {wire:?}");
                    assert_eq!(error, BufferTooSmall { needed: wire.len(), capacity: len });
                }
            }
        }
    }
}

/// The ways that write small frames at once, around the lengths where they stop to do so.
#[test]
fn every_way_near_the_lengths_of_blocks() {
    for len in (100..140).chain(1000..1040).chain(2030..2070) {
        let data = "é".repeat(len / 2) + &"x".repeat(len % 2);
        assert_written_as(Frame::new().data(&data), format!("data: {data}\n\n").as_bytes(), &[7, 1024]);
        let lines = "a\n".repeat(len / 8);
        let wire = "data: a\n".repeat(len / 8) + "data: \n\n";
        assert_written_as(Frame::new().data(&lines), wire.as_bytes(), &[7, 1024]);
    }
}

/// Takes `room` bytes, and fails then.
struct Fails {
    room: usize,
}

impl io::Write for Fails {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.room = self.room.checked_sub(bytes.len()).ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_error_of_a_writer_is_passed_on() {
    let data = "x".repeat(3000);
    for (len, room, ok) in
        [(10, 17, false), (10, 18, true), (3000, 1024, false), (3000, 3007, false), (3000, 3008, true)]
    {
        let result = Frame::new().data(&data[..len]).write_to(&mut Fails { room });
        assert_eq!(result.map_err(|error| error.kind()), if ok { Ok(()) } else { Err(io::ErrorKind::BrokenPipe) });
    }
}

/// Fails after some text.
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("abc\n")?;
        Err(fmt::Error)
    }
}

/// A value that cannot be formatted is an error where it is reached, and appends nothing.
#[test]
fn a_value_that_cannot_be_formatted_is_an_error() {
    let frame = Frame::new().id_number(7);
    let mut out = b"before".to_vec();
    assert_eq!(frame.data_fmt(format_args!("{Broken}")).write_to_vec(&mut out), Err(fmt::Error));
    assert_eq!(out, b"before");
    let reached = b"id: 7\ndata: abc\ndata: ";
    for position in 0..reached.len() + 2 {
        for size in 0..reached.len() + 2 {
            let mut out = vec![0; size];
            let result = frame.data_fmt(format_args!("{Broken}")).fill_at(position, &mut out);
            // A full buffer ends the formatting before the failure.
            let ok = position + size <= reached.len() || size == 0;
            assert_eq!(result, if ok { Ok(size) } else { Err(fmt::Error) }, "{size} at {position}");
        }
    }
}

cases! { small_frames {
    nothing: Frame::new(), "";
    empty_data: Frame::new().data(""), "data: \n\n";
    line_end_in_data: Frame::new().data("a\n"), "data: a\ndata: \n\n";
    data_twice: Frame::new().data("a").data("b"), "data: b\n\n";
    empty_comment: Frame::new().comment(""), ": \n\n";
    line_end_in_a_comment: Frame::new().comment("a\rb"), ": a\n: b\n\n";
    empty_id: Frame::new().id("").unwrap(), "id: \n\n";
    empty_event_type: Frame::new().event_type("").unwrap(), "event: \n\n";
    retry_of_zero: Frame::new().retry(0), "retry: 0\n\n";
    longest_retry: Frame::new().retry(u64::MAX), "retry: 18446744073709551615\n\n";
    retry_of_zeros: Frame::new().retry(10_000_000_000_000_000_000), "retry: 10000000000000000000\n\n";
    retry_and_data: Frame::new().retry(1000).data("x"), "retry: 1000\ndata: x\n\n";
    number_as_id: Frame::new().id_number(0).data("x"), "id: 0\ndata: x\n\n";
    longest_number_as_id: Frame::new().id_number(u64::MAX), "id: 18446744073709551615\n\n";
    id_twice: Frame::new().id("a").unwrap().id_number(7), "id: 7\n\n";
    value_with_a_space: Frame::new().data(" x"), "data:  x\n\n";
}}

fn small_frames(frame: Frame<'_>, wire: &str) {
    assert_eq!(frame.to_string(), wire);
    assert_eq!(frame.encoder().fill(&mut []), 0);
    assert_eq!(frame.encoded_len(), wire.len());
}

/// Longer than memory can be, the length is the largest number, and no slice is large enough.
// Text of line ends alone takes seven bytes each, so that this needs the least memory.
#[cfg(target_pointer_width = "32")]
#[test]
fn a_length_beyond_the_address_space_saturates() {
    const LINES: usize = 613_566_756;
    let text = vec![b'\n'; LINES];
    let error = Frame::new().data(&text).write_to_slice(&mut [0; 64]);
    assert_eq!(error, Err(BufferTooSmall { needed: usize::MAX, capacity: 64 }));
    // With one line less, it is exact.
    let len = Frame::new().data(&text[1..]).encoded_len();
    assert_eq!(len, 7 * LINES + 1);
}

/// Formatted text takes no memory, so that it can be longer.
#[cfg(target_pointer_width = "32")]
#[test]
fn formatted_data_beyond_the_address_space_is_too_long() {
    const PIECE: usize = 1 << 20;
    let piece = "x".repeat(PIECE);
    struct Again<'a>(&'a str, usize);
    impl fmt::Display for Again<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            (0..self.1).try_for_each(|_| f.write_str(self.0))
        }
    }
    for times in [4095, 4096, 4097] {
        let error = Frame::new().data_fmt(format_args!("{}", Again(&piece, times))).write_to_slice(&mut [0; 64]);
        let needed = PIECE.saturating_mul(times).saturating_add("data: \n\n".len());
        assert_eq!(error, Err(BufferTooSmall { needed, capacity: 64 }.into()));
    }
}

/// A relay writes each event and update as it came.
#[test]
fn a_relay_changes_nothing() {
    common::for_all(common::stream(), |stream| {
        let mut parser = Parser::with_limit(4096);
        let mut relayed = Vec::new();
        let mut input = &stream[..];
        while let Some(item) = parser.next_item(&mut input).unwrap() {
            let frame = match item {
                ssewire::Item::Event(event) => Frame::from(event),
                ssewire::Item::Update(update) => Frame::from(update),
                _ => continue,
            };
            relayed.extend(frame.parts().flatten());
        }
        let mut expected = oracle::parse(&stream, None);
        expected.items.retain(|item| matches!(item, Item::Event(_) | Item::Update { .. }));
        let read = oracle::parse(&relayed, None);
        assert_eq!(read.items, expected.items);
        assert_eq!(read.last_event_id, expected.last_event_id);
    });
}

/// More bytes than a line has are copied at once, but never past the end of the frame.
#[test]
fn bytes_after_a_frame_stay() {
    for len in 0..200 {
        for line in [1, 7, 40, 64, 65, 1000] {
            let text: Vec<u8> = (0..len).map(|i| if i % line == line - 1 { b'\n' } else { b'x' }).collect();
            for frame in [Frame::new().data(&text), Frame::new().comment(&text)] {
                let mut out = [0xaa; 2048];
                let n = frame.write_to_slice(&mut out).unwrap();
                assert_eq!(n, frame.encoded_len());
                assert!(out[n..].iter().all(|&byte| byte == 0xaa), "{len} bytes in lines of {line}");
            }
        }
    }
}
