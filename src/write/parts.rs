//! The order of a frame's fields: as a sequence of slices, and as one pass into a sink.

use super::frame::{Frame, Id};
use super::number::{MAX_DIGITS, decimal, leading_power, take_digit};
use crate::bytes::line_end;

// The prefixes carry the line end before them, so that a line is two parts and not three. The first goes without it.
const COMMENT: &[u8; 3] = b"\n: ";
const EVENT_TYPE: &[u8; 8] = b"\nevent: ";
const ID: &[u8; 5] = b"\nid: ";
const RETRY: &[u8; 8] = b"\nretry: ";
const DATA: &[u8; 7] = b"\ndata: ";
pub(super) const END: &[u8] = b"\n\n";

impl<'a> Frame<'a> {
    /// Returns the frame as consecutive slices, none of them empty: for vectored writes and DMA, without a copy, and for writers of
    /// any kind, such as that of `embedded-io`: `frame.parts().try_for_each(|part| writer.write_all(part))`.
    ///
    /// # Examples
    ///
    /// ```
    /// let parts: Vec<&[u8]> = ssewire::Frame::new().data("a\nb").parts().collect();
    /// assert_eq!(parts, [&b"data: "[..], b"a", b"\ndata: ", b"b", b"\n\n"]);
    /// ```
    #[inline]
    pub const fn parts(&self) -> Parts<'a> {
        Parts { frame: *self, is_first: true, value: Value::None }
    }
}

/// The slices of a [`Frame`], in order; returned by [`Frame::parts`].
///
/// # Examples
///
/// ```
/// use std::io::Write;
///
/// let frame = ssewire::Frame::new().id_number(42).data("21.5");
/// let mut out = Vec::new();
/// frame.parts().try_for_each(|part| out.write_all(part))?;
/// assert_eq!(out, b"id: 42\ndata: 21.5\n\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[doc(alias = "IoSlice")]
#[derive(Clone, Debug)]
#[must_use]
pub struct Parts<'a> {
    /// The rest of the frame: a value is taken when its prefix is handed out.
    frame: Frame<'a>,
    /// Nothing was handed out yet.
    is_first: bool,
    value: Value<'a>,
}

/// The value whose prefix was handed out last.
#[derive(Clone, Copy, Debug)]
enum Value<'a> {
    None,
    Bytes(&'a [u8]),
    /// The rest of the digits, and the power of ten of the first of them.
    Number(u64, usize),
}

impl<'a> Parts<'a> {
    /// Returns the prefix of the next line, and sets its value aside.
    fn next_line(&mut self) -> Option<&'static [u8]> {
        let frame = &mut self.frame;
        if let Some(comment) = frame.comment {
            let line;
            (line, frame.comment) = split_line(comment, line_end(comment));
            self.value = Value::Bytes(line);
            return Some(COMMENT);
        }
        if let Some(event_type) = frame.event_type.take() {
            self.value = Value::Bytes(event_type);
            return Some(EVENT_TYPE);
        }
        if let Some(id) = frame.id.take() {
            self.value = match id {
                Id::Bytes(id) => Value::Bytes(id),
                Id::Number(number) => Value::Number(number, leading_power(number)),
            };
            return Some(ID);
        }
        if let Some(retry) = frame.retry.take() {
            self.value = Value::Number(retry, leading_power(retry));
            return Some(RETRY);
        }
        let line;
        let data = frame.data?;
        (line, frame.data) = split_line(data, line_end(data));
        self.value = Value::Bytes(line);
        Some(DATA)
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        match core::mem::replace(&mut self.value, Value::None) {
            Value::Bytes(bytes) if !bytes.is_empty() => return Some(bytes),
            Value::Number(number, power) => {
                let (digit, rest) = take_digit(number, power);
                if let Some(power) = power.checked_sub(1) {
                    self.value = Value::Number(rest, power);
                }
                return Some(digit);
            }
            _ => {}
        }
        match self.next_line() {
            Some(prefix) => {
                let line_end_before = usize::from(core::mem::replace(&mut self.is_first, false));
                prefix.get(line_end_before..)
            }
            // The blank line ends what has begun, once.
            None if self.is_first => None,
            None => {
                self.is_first = true;
                Some(END)
            }
        }
    }
}

/// The target of [`encode`].
pub(super) trait Sink {
    fn put(&mut self, part: &[u8]);

    /// Puts the first `len` bytes of `text`. More parts follow, so the bytes after them may be overwritten.
    fn put_wild(&mut self, text: &[u8], len: usize);
}

/// Puts the same sequence into `sink`, all of it at once, with prefixes of constant length: faster than `Parts`; see
/// benches/README.md. `one_line`: no text has a line end.
#[inline(always)]
pub(super) fn encode(frame: &Frame<'_>, one_line: bool, sink: &mut impl Sink) {
    let Frame { comment, event_type, id, retry, data } = *frame;
    if let Some(comment) = comment {
        encode_text(b": ", comment, one_line, sink);
    }
    if let Some(event_type) = event_type {
        sink.put(b"event: ");
        sink.put(event_type);
        sink.put(b"\n");
    }
    if let Some(id) = id {
        sink.put(b"id: ");
        match id {
            Id::Bytes(id) => sink.put(id),
            Id::Number(number) => put_number(number, sink),
        }
        sink.put(b"\n");
    }
    if let Some(retry) = retry {
        sink.put(b"retry: ");
        put_number(retry, sink);
        sink.put(b"\n");
    }
    if let Some(data) = data {
        encode_text(b"data: ", data, one_line, sink);
    }
    let is_empty = comment.is_none() && event_type.is_none() && id.is_none() && retry.is_none() && data.is_none();
    if !is_empty {
        sink.put(b"\n");
    }
}

/// Not inlined, since few frames have a number.
#[inline(never)]
fn put_number(number: u64, sink: &mut impl Sink) {
    let mut buffer = [0; MAX_DIGITS];
    sink.put(decimal(number, &mut buffer));
}

#[inline(always)]
fn encode_text(prefix: &[u8], text: &[u8], one_line: bool, sink: &mut impl Sink) {
    let mut text = text;
    let mut end = if one_line { None } else { line_end(text) };
    loop {
        let (line, rest) = split_line(text, end);
        sink.put(prefix);
        sink.put_wild(text, line.len());
        sink.put(b"\n");
        let Some(rest) = rest else { return };
        text = rest;
        end = line_end(text);
    }
}

/// Returns the most bytes that `frame` can take if no text has a line end.
#[inline(always)]
pub(super) fn one_line_len(frame: &Frame<'_>) -> usize {
    let len = |value: Option<&[u8]>| value.map_or(0, <[u8]>::len);
    let id = match frame.id {
        Some(Id::Bytes(id)) => id.len(),
        _ => MAX_DIGITS,
    };
    let names = COMMENT.len() + EVENT_TYPE.len() + ID.len() + RETRY.len() + MAX_DIGITS + DATA.len() + END.len();
    [len(frame.comment), len(frame.event_type), id, len(frame.data), names].into_iter().fold(0, usize::saturating_add)
}

/// Returns the most bytes that `frame` can take, without a look at its text.
#[inline(always)]
pub(super) fn max_encoded_len(frame: &Frame<'_>) -> usize {
    // If every byte of a text were a line end, each would take a line of its own.
    let text = |text: Option<&[u8]>| text.map_or(0, |text| text.len().saturating_add(1).saturating_mul(DATA.len()));
    let value = |value: Option<&[u8]>| value.map_or(0, |value| value.len().saturating_add(EVENT_TYPE.len()));
    let id = match frame.id {
        Some(Id::Bytes(id)) => Some(id),
        _ => None,
    };
    let values = value(frame.event_type).saturating_add(value(id));
    let rest = ID.len() + MAX_DIGITS + RETRY.len() + MAX_DIGITS + END.len();
    text(frame.comment).saturating_add(text(frame.data)).saturating_add(values).saturating_add(rest)
}

/// Returns the first line of `text`, up to its line end at `end`, and the text after that. A line end at the end of the text
/// leaves an empty line.
#[inline(always)]
fn split_line(text: &[u8], end: Option<usize>) -> (&[u8], Option<&[u8]>) {
    let Some((line, end)) = end.and_then(|at| text.split_at_checked(at)) else {
        return (text, None);
    };
    let rest = end.strip_prefix(b"\r\n").or(end.get(1..));
    (line, rest)
}
