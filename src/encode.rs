//! A frame as the sequence of slices that it is on the wire, and as a stream of bytes.

use crate::copy::{put, put_ahead};
use crate::frame::Frame;
use crate::scan;

// The prefixes carry the line end before them, so that a line is two parts and not three; the first goes without it.
const COMMENT: &[u8; 3] = b"\n: ";
const EVENT_TYPE: &[u8; 8] = b"\nevent: ";
const ID: &[u8; 5] = b"\nid: ";
const RETRY: &[u8; 8] = b"\nretry: ";
const DATA: &[u8; 7] = b"\ndata: ";
pub(crate) const END: &[u8] = b"\n\n";

/// The slices of a [`Frame`], in order; returned by [`Frame::parts`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Parts<'a> {
    /// What is left of the frame: a value is taken when its prefix is handed out.
    frame: Frame<'a>,
    /// Nothing was handed out yet.
    first: bool,
    value: Value<'a>,
}

/// The value whose prefix was handed out last.
#[derive(Clone, Copy, Debug)]
enum Value<'a> {
    None,
    Bytes(&'a [u8]),
    /// Digits that are left, and the power of ten of the first of them.
    Number(u64, usize),
}

impl<'a> Parts<'a> {
    pub(crate) const fn new(frame: Frame<'a>) -> Parts<'a> {
        Parts { frame, first: true, value: Value::None }
    }

    /// The prefix of the next line, whose value is set aside.
    fn next_line(&mut self) -> Option<&'static [u8]> {
        let frame = &mut self.frame;
        if let Some(comment) = frame.comment {
            let line;
            (line, frame.comment) = split_line(comment, scan::line_end(comment));
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
        (line, frame.data) = split_line(data, scan::line_end(data));
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
                let line_end_before = usize::from(core::mem::replace(&mut self.first, false));
                prefix.get(line_end_before..)
            }
            // The blank line ends what has begun, once.
            None if self.first => None,
            None => {
                self.first = true;
                Some(END)
            }
        }
    }
}

/// Where [`walk`] writes the sequence to.
pub(crate) trait Sink {
    fn put(&mut self, part: &[u8]);

    /// Puts the first `len` bytes of `text`. The rest of it will follow, if not at once.
    fn put_ahead(&mut self, text: &[u8], len: usize);
}

/// The same sequence, all of it at once, with prefixes of constant length: an event of three short fields takes
/// 247 instructions where `Parts` takes 427. `one_line`: it is known that no text has a line end.
#[inline(always)]
pub(crate) fn walk(frame: &Frame<'_>, one_line: bool, sink: &mut impl Sink) {
    let Frame { comment, event_type, id, retry, data } = *frame;
    if let Some(comment) = comment {
        walk_text(b": ", comment, one_line, sink);
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
        walk_text(b"data: ", data, one_line, sink);
    }
    let empty = comment.is_none() && event_type.is_none() && id.is_none() && retry.is_none() && data.is_none();
    if !empty {
        sink.put(b"\n");
    }
}

#[inline(always)]
fn walk_text(prefix: &[u8], text: &[u8], one_line: bool, sink: &mut impl Sink) {
    let mut text = text;
    let mut end = if one_line { None } else { scan::line_end(text) };
    loop {
        let (line, rest) = split_line(text, end);
        sink.put(prefix);
        sink.put_ahead(text, line.len());
        sink.put(b"\n");
        let Some(rest) = rest else { return };
        text = rest;
        end = scan::line_end(text);
    }
}

/// Counts what is put.
pub(crate) struct Length(pub usize);

impl Sink for Length {
    #[inline(always)]
    fn put(&mut self, part: &[u8]) {
        self.0 += part.len();
    }

    #[inline(always)]
    fn put_ahead(&mut self, _text: &[u8], len: usize) {
        self.0 += len;
    }
}

/// Writes what is put to `out`, which has room for all of it.
pub(crate) struct Slice<'o> {
    pub out: &'o mut [u8],
    pub written: usize,
}

impl Sink for Slice<'_> {
    #[inline(always)]
    fn put(&mut self, part: &[u8]) {
        self.written = put(self.out, self.written, part);
    }

    #[inline(always)]
    fn put_ahead(&mut self, text: &[u8], len: usize) {
        self.written = put_ahead(self.out, self.written, text, len);
    }
}

/// No fewer bytes than `frame` takes, found without looking at its text.
#[inline(always)]
pub(crate) fn most(frame: &Frame<'_>) -> usize {
    // Were every byte of a text a line end, each would take a line of its own.
    let text = |text: Option<&[u8]>| text.map_or(0, |text| text.len().saturating_add(1).saturating_mul(DATA.len()));
    let value = |value: Option<&[u8]>| value.map_or(0, |value| value.len() + EVENT_TYPE.len());
    let retry = RETRY.len() + POWERS.len() + END.len();
    text(frame.comment).saturating_add(text(frame.data)) + value(frame.event_type) + value(frame.id) + retry
}

/// The first line of `text`, up to its line end at `end`, and what is behind that: one at the end leaves an empty line.
#[inline(always)]
fn split_line(text: &[u8], end: Option<usize>) -> (&[u8], Option<&[u8]>) {
    let Some((line, end)) = end.and_then(|at| text.split_at_checked(at)) else {
        return (text, None);
    };
    let rest = end.strip_prefix(b"\r\n").or(end.get(1..));
    (line, rest)
}

/// The decimal digits of `number`, each a slice of one byte.
fn digits(number: u64) -> impl Iterator<Item = &'static [u8]> {
    let mut rest = number;
    (0..=leading_power(number)).rev().map(move |power| {
        let digit;
        (digit, rest) = take_digit(rest, power);
        digit
    })
}

/// Powers of ten, to do without a 64-bit division: a small device would link a routine for it.
const POWERS: [u64; 20] = {
    let mut powers = [1; 20];
    let mut i = 1;
    while i < powers.len() {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// The power of ten of the first digit of `number`.
fn leading_power(number: u64) -> usize {
    POWERS.iter().skip(1).take_while(|&&power| power <= number).count()
}

/// The digit of `number` at `power`, which must be its first, and the rest of the number.
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

/// Writes a [`Frame`] piece by piece into buffers of any size, down to one byte; returned by [`Frame::encoder`].
///
/// # Examples
///
/// ```
/// let frame = ssewire::Frame::new().id("1")?.data("21.5");
/// let mut encoder = frame.encoder();
/// let (mut tx, mut wire) = ([0; 4], Vec::new());
/// while let n @ 1.. = encoder.read(&mut tx) {
///     wire.extend_from_slice(&tx[..n]);
/// }
/// assert_eq!(wire, b"id: 1\ndata: 21.5\n\n");
/// # Ok::<(), ssewire::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Encoder<'a> {
    parts: Parts<'a>,
    /// What is left of the part that did not fit last time.
    part: &'a [u8],
}

impl<'a> Encoder<'a> {
    pub(crate) const fn new(frame: Frame<'a>) -> Encoder<'a> {
        Encoder { parts: Parts::new(frame), part: b"" }
    }

    /// Writes as much as fits to the front of `out` and returns how many bytes that is: less than `out` is long only
    /// at the end of the frame, 0 only when all was written before (or `out` is empty).
    ///
    /// # Panics
    ///
    /// Never.
    pub fn read(&mut self, out: &mut [u8]) -> usize {
        let len = out.len();
        let mut free = out;
        while !free.is_empty() {
            if self.part.is_empty() {
                match self.parts.next() {
                    Some(part) => self.part = part,
                    None => break,
                }
            }
            let fits = self.part.len().min(free.len());
            let Some((now, later)) = self.part.split_at_checked(fits) else { break };
            put(free, 0, now);
            self.part = later;
            free = core::mem::take(&mut free).get_mut(fits..).unwrap_or_default();
        }
        len - free.len()
    }
}
