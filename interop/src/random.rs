//! Random streams for the browser to judge: raw ones, made of all that is tricky, and such as the writer writes.

use std::collections::BTreeSet;

use fastrand::Rng;
use ssewire::Frame;

use crate::messages::{Message, Seen, dispatched};
use crate::stand::{self, Cut, Stream};

const PIECES: [&[u8]; 38] = [
    b"",
    b" ",
    b"  ",
    b":",
    b": ",
    b"\t",
    b"a",
    b"x y",
    b"data: y",
    b"id: 1",
    b"\0",
    b"\x0b",
    b"\x0c",
    b"\x1c",
    b"\x7f",
    b"0",
    b"123",
    b"+5",
    b"18446744073709551616",
    "é".as_bytes(),
    "€".as_bytes(),
    "中文".as_bytes(),
    "🚀".as_bytes(),
    "\u{85}".as_bytes(),
    "\u{2028}".as_bytes(),
    BOM,
    "\u{ffff}".as_bytes(),
    // Not UTF-8: bytes that never are, overlong forms, a surrogate, beyond the last, cut characters.
    b"\xff",
    b"\xfe\xff",
    b"\xc0\xaf",
    b"\xe0\x80\xaf",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\x80",
    b"\xc3",
    b"\xe2\x82",
    b"\xef\xbb",
    b"\xf0\x9f\x9a",
];

const BOM: &[u8] = "\u{feff}".as_bytes();

const TYPES: [&str; 9] = ["message", "a", "error", "open", "温度", "x y", ":", "data", "\u{feff}"];

/// Most are data, or nothing would be seen of the others.
const NAMES: [&[u8]; 22] = [
    b"data",
    b"data",
    b"data",
    b"data",
    b"data",
    b"data",
    b"data",
    b"data",
    b"event",
    b"event",
    b"id",
    b"id",
    b"retry",
    b"",
    b"dat",
    b"datax",
    b"Data",
    b" data",
    b"data ",
    b"\0data",
    "\u{feff}data".as_bytes(),
    b"\xffid",
];

const LINE_ENDS: [&[u8]; 3] = [b"\n", b"\r", b"\r\n"];

/// A stream of lines that need not make sense.
#[must_use]
pub fn raw(rng: &mut Rng) -> Stream {
    let mut bytes = Vec::new();
    match rng.u8(..10) {
        0..3 => bytes.extend_from_slice(BOM),
        3 => bytes.extend_from_slice(&BOM.repeat(2)),
        4 => bytes.extend_from_slice(&BOM[..2]),
        _ => {}
    }
    // One kind of line end, or all of them.
    let line_ends = match rng.usize(..5) {
        kind @ 0..3 => &LINE_ENDS[kind..=kind],
        _ => &LINE_ENDS,
    };
    for _ in 0..rng.usize(1..60) {
        if rng.u8(..4) > 0 {
            let name = one(rng, &NAMES);
            bytes.extend_from_slice(name);
            bytes.extend_from_slice(one(rng, &[b": ", b": ", b": ", b":", b":", b""]));
            match name {
                b"event" if rng.u8(..4) > 0 => bytes.extend_from_slice(one(rng, &TYPES).as_bytes()),
                _ => bytes.append(&mut value(rng)),
            }
        }
        bytes.extend_from_slice(one(rng, line_ends));
    }
    if rng.u8(..4) == 0 {
        bytes.truncate(rng.usize(..=bytes.len()));
    }
    end(&mut bytes);
    Stream { cut: cut(rng, bytes.len()), types: types_in(&bytes), bytes }
}

/// The streams of the deviation: [`crate::chromium::DEVIATION`].
#[must_use]
pub fn line_end_behind_bom() -> Vec<Stream> {
    let after = [&b"data: 1\n\ndata: 2\n\n"[..], b"event: a\ndata: 1\n\n", b"\r\n: comment\ndata: 1\n\n"];
    let with = |line_end: &[u8], after: &&[u8]| {
        let mut bytes = [BOM, line_end, after].concat();
        end(&mut bytes);
        Stream { cut: Cut::Whole, types: types_in(&bytes), bytes }
    };
    LINE_ENDS.iter().flat_map(|line_end| after.iter().map(|after| with(line_end, after))).collect()
}

/// A stream of frames, written in all the ways there are, and what must be read of it.
#[must_use]
pub fn written(rng: &mut Rng) -> (Stream, Vec<Seen>) {
    let mut bytes = Vec::new();
    let mut messages = Vec::new();
    for _ in 0..rng.usize(1..30) {
        let values = Values::random(rng);
        values.write(rng.u8(..5), &mut bytes);
        messages.push(values.message());
    }
    stand::end(&mut bytes);
    let expected: Vec<_> = dispatched(&messages).into_iter().map(|seen| Seen { retry: None, ..seen }).collect();
    let types = expected.iter().map(|seen| seen.event.clone()).chain(types_in(&bytes)).collect();
    (Stream { cut: cut(rng, bytes.len()), bytes, types }, expected)
}

/// Ends a stream whatever it ended with: three line ends make a blank line, as one may belong to a CR.
fn end(bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(b"\n\n\n");
    stand::end(bytes);
}

/// The values of a frame.
struct Values {
    comment: Option<Vec<u8>>,
    event: Option<Vec<u8>>,
    id: Option<Vec<u8>>,
    retry: Option<u64>,
    data: Option<Vec<u8>>,
}

impl Values {
    fn random(rng: &mut Rng) -> Values {
        Values {
            comment: (rng.u8(..5) == 0).then(|| text(rng)),
            event: (rng.u8(..2) == 0).then(|| match rng.u8(..3) {
                0 => value(rng),
                _ => one(rng, &TYPES).into(),
            }),
            id: (rng.u8(..2) == 0).then(|| value(rng).into_iter().filter(|&byte| byte != 0).collect()),
            retry: (rng.u8(..5) == 0).then(|| rng.u64(..) >> rng.u32(..64)),
            data: (rng.u8(..8) > 0).then(|| text(rng)),
        }
    }

    /// Writes the frame in one of the ways, by number.
    fn write(&self, way: u8, out: &mut Vec<u8>) {
        let frame = self.frame();
        match (way, self.data.as_deref().map(str::from_utf8)) {
            (0, _) => frame.parts().for_each(|part| out.extend_from_slice(part)),
            (1, _) => {
                let mut encoder = frame.encoder();
                let mut piece = [0; 7];
                while let n @ 1.. = encoder.fill(&mut piece) {
                    out.extend_from_slice(&piece[..n]);
                }
            }
            (2, _) => out.extend_from_slice(frame.to_string().as_bytes()),
            (3, Some(Ok(data))) => {
                out.extend_from_slice(frame.data_fmt(format_args!("{data}")).to_string().as_bytes());
            }
            _ => {
                let start = out.len();
                out.resize(start + frame.encoded_len(), 0);
                let n = frame.write_to_slice(&mut out[start..]);
                assert_eq!(n, Ok(out.len() - start));
            }
        }
    }

    fn frame(&self) -> Frame<'_> {
        let mut frame = Frame::new();
        if let Some(comment) = &self.comment {
            frame = frame.comment(comment);
        }
        if let Some(event) = &self.event {
            frame = frame.event_type(event).expect("no line end in it");
        }
        if let Some(id) = &self.id {
            frame = frame.id(id).expect("no line end and no NUL in it");
        }
        if let Some(retry) = self.retry {
            frame = frame.retry(retry);
        }
        match &self.data {
            Some(data) => frame.data(data),
            None => frame,
        }
    }

    /// The same as text.
    fn message(&self) -> Message {
        let text = |value: &Option<Vec<u8>>| value.as_deref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        Message {
            comment: text(&self.comment),
            event: text(&self.event),
            id: text(&self.id),
            retry: self.retry,
            data: text(&self.data),
        }
    }
}

/// Every type that a line of `bytes` could set, however it is read: with the space behind the colon and without.
fn types_in(bytes: &[u8]) -> BTreeSet<String> {
    let values = bytes.split(|byte| b"\r\n".contains(byte)).filter_map(|line| {
        let at = line.windows(6).position(|window| window == b"event:")?;
        line.get(at + 6..)
    });
    let with_and_without = values.flat_map(|value| [value, value.strip_prefix(b" ").unwrap_or(value)]);
    let found = with_and_without.map(|value| String::from_utf8_lossy(value).into_owned());
    found.chain(TYPES.map(Into::into)).collect()
}

/// A value of one line.
fn value(rng: &mut Rng) -> Vec<u8> {
    let mut value = Vec::new();
    for _ in 0..rng.usize(..5) {
        let piece = one(rng, &PIECES);
        let times = if rng.u8(..50) == 0 { rng.usize(1..3000) } else { 1 };
        value.extend_from_slice(&piece.repeat(times));
    }
    value
}

/// A value of several lines.
fn text(rng: &mut Rng) -> Vec<u8> {
    let mut text = value(rng);
    for _ in 0..rng.usize(..4) {
        text.extend_from_slice(one(rng, &LINE_ENDS));
        text.append(&mut value(rng));
    }
    text
}

fn cut(rng: &mut Rng, len: usize) -> Cut {
    // A pause of a millisecond and more behind every byte: only the short ones.
    let longest = match rng.u8(..4) {
        0 => return Cut::Whole,
        1 if len < 500 => 1,
        2 if len < 2000 => 20,
        _ => 1000,
    };
    Cut::Lengths((0..100).map(|_| rng.usize(1..=longest)).collect())
}

fn one<T: Copy>(rng: &mut Rng, of: &[T]) -> T {
    of[rng.usize(..of.len())]
}
