//! The order of a frame's fields: as a sequence of slices, and as one pass into a sink.

use super::frame::Frame;
use crate::bytes::line_end;

// The prefixes carry the line end before them, so that a line is two parts and not three. The first goes without it.
const COMMENT: &[u8; 3] = b"\n: ";
const EVENT_TYPE: &[u8; 8] = b"\nevent: ";
const ID: &[u8; 5] = b"\nid: ";
const RETRY: &[u8; 8] = b"\nretry: ";
const DATA: &[u8; 7] = b"\ndata: ";
pub(super) const END: &[u8] = b"\n\n";

impl<'a> Frame<'a> {
    /// Returns the frame as consecutive slices, none of them empty: for vectored writes and DMA, without a copy.
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
            self.value = Value::Bytes(id);
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
        sink.put(id);
        sink.put(b"\n");
    }
    if let Some(retry) = retry {
        sink.put(b"retry: ");
        for digit in digits(retry) {
            sink.put(digit);
        }
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

/// Returns the most bytes that `frame` can take, without a look at its text.
#[inline(always)]
pub(super) fn max_encoded_len(frame: &Frame<'_>) -> usize {
    // If every byte of a text were a line end, each would take a line of its own.
    let text = |text: Option<&[u8]>| text.map_or(0, |text| text.len().saturating_add(1).saturating_mul(DATA.len()));
    let value = |value: Option<&[u8]>| value.map_or(0, |value| value.len().saturating_add(EVENT_TYPE.len()));
    let values = value(frame.event_type).saturating_add(value(frame.id));
    let rest = RETRY.len() + POWERS.len() + END.len();
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

/// Returns the decimal digits of `number`, each a slice of one byte.
fn digits(number: u64) -> impl Iterator<Item = &'static [u8]> {
    let mut rest = number;
    (0..=leading_power(number)).rev().map(move |power| {
        let digit;
        (digit, rest) = take_digit(rest, power);
        digit
    })
}

/// Powers of ten, in place of a 64-bit division, for which a small device would link a routine.
const POWERS: [u64; 20] = {
    let mut powers = [1; 20];
    let mut i = 1;
    while i < powers.len() {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// Returns the power of ten of the first digit of `number`.
fn leading_power(number: u64) -> usize {
    POWERS.iter().skip(1).take_while(|&&power| power <= number).count()
}

/// Returns the digit of `number` at `power`, which must be its first, and the rest of the number.
fn take_digit(number: u64, power: usize) -> (&'static [u8], u64) {
    const DIGITS: &[u8; 10] = b"0123456789";
    let unit = POWERS.get(power).copied().unwrap_or(1);
    let mut rest = number;
    let mut digits = DIGITS.chunks(1);
    let mut digit = digits.next();
    while let Some(less) = rest.checked_sub(unit) {
        rest = less;
        digit = digits.next();
    }
    (digit.unwrap_or_default(), rest)
}
