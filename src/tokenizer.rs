//! The grammar: bytes in, pieces of fields and comments out, without a buffer.

use crate::error::Field;
use crate::scan::{self, CR, LF};
use crate::whole::SHORT_CUT;

/// What the [`Tokenizer`] found: a piece of a field's value, a piece of a comment, or the end of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt-v1", derive(defmt::Format))]
pub enum Token<'i> {
    /// A piece of the value of a field, without the colon, the one space after it and the line end.
    Field(Field, Piece<'i>),
    /// A piece of a comment, without the colon, one space after it and the line end.
    Comment(Piece<'i>),
    /// A blank line: the standard dispatches the event here.
    EndOfEvent,
}

/// A piece of a value. A line that lies whole in the input is one piece, `first` and `last`; a line that is split over
/// several inputs comes in as many pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'i> {
    /// The bytes, lent from the input. Empty only in a last piece.
    pub bytes: &'i [u8],
    /// The value begins with this piece.
    pub first: bool,
    /// The value ends with this piece; its line end was seen.
    pub last: bool,
}

/// Splits an event stream into [`Token`]s with four bytes of state and no buffer, so that an event of any size passes
/// through in constant memory.
///
/// The tokens are the same for every chunking of the stream, apart from values being cut where the input was. A line
/// is over at its CR; an LF that follows is swallowed, whichever input it arrives in. One leading byte order mark is
/// dropped. Fields that the standard does not know are consumed in silence. The tokenizer does not interpret values: it
/// reports an `id` with a NUL and a `retry` that is no number like any other.
///
/// At the end of a stream there is nothing to call: what is unfinished is to be discarded, says the standard.
///
/// Standard: [9.2.5 Parsing an event stream](https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream).
///
/// # Examples
///
/// Counting events, and the bytes of their data, of any size:
///
/// ```
/// use ssewire::{Field, Token, Tokenizer};
///
/// let mut tokenizer = Tokenizer::new();
/// let (mut events, mut bytes) = (0, 0);
/// for mut chunk in [&b"data: 1"[..], b"23\r", b"\n\r\ndata\n\n"] {
///     while let Some(token) = tokenizer.next(&mut chunk) {
///         match token {
///             Token::Field(Field::Data, piece) => bytes += piece.bytes.len(),
///             Token::EndOfEvent => events += 1,
///             _ => {}
///         }
///     }
/// }
/// assert_eq!((events, bytes), (2, 3));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokenizer {
    at: At,
    /// The last byte was the CR of a line end: an LF that comes next belongs to it.
    after_cr: bool,
}

// The grammar of the standard, and the state after each of its symbols:
//
//     stream  = [ bom ] *event
//     event   = *( comment / field ) end-of-line
//     comment = colon *any-char end-of-line
//     field   = 1*name-char [ colon [ space ] *any-char ] end-of-line
//     end-of-line = ( cr lf / cr / lf )
//
//     StreamStart(n)  n bytes of the BOM were seen
//     LineStart       after an end-of-line, or the BOM
//     Name(f, n)      before the byte n of `NAMES`, after at least one byte of the name of f
//     Colon(kind)     after the colon, before the space that may follow
//     Value(kind, p)  after that: p says whether a piece of the value was handed out already
//
// Unknown names, junk after a broken BOM and whatever else a line may begin with are values of kind `Unknown`. Every
// state is left by `resume`; `step` knows two short cuts: from `LineStart` over a whole line, and on along a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    StreamStart(u8),
    LineStart,
    Name(Field, u8),
    Colon(Kind),
    Value(Kind, bool),
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Field(Field),
    Comment,
    Unknown,
}

/// A token by its position in the input. `Copy`, so that no borrow is held while deciding what to do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    EndOfEvent,
    Piece { kind: Kind, span: Span, first: bool, last: bool },
}

/// A part of a slice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt-v1", derive(defmt::Format))]
pub(crate) struct Span {
    pub start: usize,
    pub len: usize,
}

impl Span {
    #[inline(always)]
    pub(crate) fn between(start: usize, end: usize) -> Span {
        Span { start, len: end.saturating_sub(start) }
    }

    /// Where `part` is in `whole`, which it must be a part of.
    #[inline(always)]
    pub(crate) fn within(whole: &[u8], part: &[u8]) -> Span {
        Span { start: part.as_ptr().addr().wrapping_sub(whole.as_ptr().addr()), len: part.len() }
    }

    /// The bytes; empty when they do not lie in `slice`, which is then not the one that the span was made for.
    // On small devices a call is smaller than the two comparisons: the parser by 20 bytes.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn of(self, slice: &[u8]) -> &[u8] {
        match slice.get(self.start..self.start.wrapping_add(self.len)) {
            Some(bytes) => bytes,
            None => nothing(),
        }
    }
}

/// Apart, so that the case that does not happen is a branch and not a conditional move.
#[cold]
#[inline(never)]
fn nothing<'a>() -> &'a [u8] {
    b""
}

const BOM: &[u8] = "\u{feff}".as_bytes();

/// The names of the fields, each with its colon. `At::Name` counts from the first byte of this: a name's own text would
/// be found by way of two tables more.
const NAMES: &[u8] = b"data:event:id:retry:";

impl Tokenizer {
    /// A tokenizer at the start of a stream.
    #[must_use]
    pub const fn new() -> Tokenizer {
        Tokenizer { at: At::StreamStart(0), after_cr: false }
    }

    /// The next token, or `None` when all input is used and more is needed. Bytes are taken off the front of `input`
    /// as they are used.
    ///
    /// # Panics
    ///
    /// Never.
    #[inline]
    pub fn next<'i>(&mut self, input: &mut &'i [u8]) -> Option<Token<'i>> {
        let whole = *input;
        let mut at = 0;
        let token = loop {
            let Some(step) = self.step(whole, &mut at) else {
                break None;
            };
            match step {
                Step::EndOfEvent => break Some(Token::EndOfEvent),
                Step::Piece { kind, span, first, last } => {
                    let bytes = span.of(whole);
                    let piece = Piece { bytes, first, last };
                    match kind {
                        Kind::Field(field) => break Some(Token::Field(field, piece)),
                        Kind::Comment => break Some(Token::Comment(piece)),
                        Kind::Unknown => {}
                    }
                }
            }
        };
        *input = whole.get(at..).unwrap_or_default();
        token
    }

    /// Whether a line has begun that may yet become a field of the event.
    pub(crate) fn in_field(&self) -> bool {
        match self.at {
            At::Name(..) => true,
            At::Colon(kind) | At::Value(kind, _) => matches!(kind, Kind::Field(_)),
            At::StreamStart(_) | At::LineStart => false,
        }
    }

    /// Whether a piece of a value of `data` was handed out and the value is not over.
    #[inline(always)]
    pub(crate) fn in_data(&self) -> bool {
        self.at == At::Value(Kind::Field(Field::Data), true)
    }

    /// A piece of a value of `data` was taken.
    #[inline(always)]
    pub(crate) fn set_in_data(&mut self) {
        self.at = At::Value(Kind::Field(Field::Data), true);
    }

    /// A comment began with `line`, which does not end in it.
    #[inline(always)]
    pub(crate) fn begin_comment(&mut self, line: &[u8]) {
        self.at = match line {
            [_] => At::Colon(Kind::Comment),
            _ => At::Value(Kind::Comment, true),
        };
    }

    /// What is behind the comment that goes on in `input`, if there is one: nothing, when it does not end there.
    #[inline(always)]
    pub(crate) fn skip_comment<'i>(&mut self, input: &'i [u8]) -> Option<&'i [u8]> {
        let At::Value(Kind::Comment, _) = self.at else { return None };
        let mut at = input.len();
        match line_end(input, 0).and_then(|end| Some((end, *input.get(end)?))) {
            Some((end, byte)) => self.end_line(input, &mut at, end, byte),
            None => self.at = At::Value(Kind::Comment, true),
        }
        input.get(at..)
    }

    /// A line end was taken.
    #[inline(always)]
    pub(crate) fn set_line_start(&mut self) {
        self.at = At::LineStart;
    }

    /// Whether the next byte begins a line.
    #[inline(always)]
    pub(crate) fn at_line_start(&self) -> bool {
        self.at == At::LineStart && !self.after_cr
    }

    /// At the start of a stream, goes past its byte order mark, if it lies whole in the input or if there is none. Whether
    /// the next byte begins a line.
    pub(crate) fn passes_bom(&mut self, input: &[u8], at: &mut usize) -> bool {
        if self.at == At::StreamStart(0) {
            if input.starts_with(BOM) {
                *at = BOM.len();
                self.at = At::LineStart;
            } else if input.first().is_some_and(|first| !BOM.starts_with(&[*first])) {
                self.at = At::LineStart;
            }
        }
        self.at_line_start()
    }

    /// The next token at or after `at`, which moves past it; `None` when the input is used up.
    #[inline(always)]
    pub(crate) fn step(&mut self, input: &[u8], at: &mut usize) -> Option<Step> {
        match self.at {
            _ if !SHORT_CUT => self.resume(input, at),
            At::LineStart if !self.after_cr => {
                let line = input.get(*at..)?;
                if let Some(&end @ (CR | LF)) = line.first() {
                    self.end_line(input, at, *at, end);
                    return Some(Step::EndOfEvent);
                }
                let Some((kind, colon)) = known_line(line) else {
                    return self.resume(input, at);
                };
                let value = *at + colon;
                let Some(end) = line_end(input, value) else {
                    return self.cut_line(kind, input, at, value);
                };
                let span = value_span(input, value, end);
                self.end_line(input, at, end, *input.get(end)?);
                Some(Step::Piece { kind, span, first: true, last: true })
            }
            At::Value(kind @ (Kind::Field(_) | Kind::Comment), begun) if *at < input.len() => {
                Some(self.value(kind, !begun, input, at))
            }
            _ => self.resume(input, at),
        }
    }

    /// The value that goes on at `at`, up to its line end or the end of the input.
    #[inline(always)]
    fn value(&mut self, kind: Kind, first: bool, input: &[u8], at: &mut usize) -> Step {
        let start = *at;
        let end = line_end(input, start);
        let span = Span::between(start, end.unwrap_or(input.len()));
        match end.and_then(|end| Some((end, *input.get(end)?))) {
            Some((end, byte)) => self.end_line(input, at, end, byte),
            None => {
                *at = input.len();
                self.at = At::Value(kind, true);
            }
        }
        Step::Piece { kind, span, first, last: end.is_some() }
    }

    /// The input ends in the line whose colon is before `value`: hands out what there is.
    #[inline(never)]
    pub(crate) fn cut_line(&mut self, kind: Kind, input: &[u8], at: &mut usize, value: usize) -> Option<Step> {
        *at = input.len();
        let start = match input.get(value) {
            None => {
                self.at = At::Colon(kind);
                return None;
            }
            Some(&byte) => value + usize::from(byte == b' '),
        };
        let span = Span::between(start, input.len());
        self.at = At::Value(kind, span.len > 0);
        (span.len > 0).then_some(Step::Piece { kind, span, first: true, last: false })
    }

    /// `step` from any state, byte by byte as far as a line's value.
    #[inline(never)]
    fn resume(&mut self, input: &[u8], at: &mut usize) -> Option<Step> {
        while let Some(&byte) = input.get(*at) {
            let is_line_end = matches!(byte, CR | LF);
            if core::mem::take(&mut self.after_cr) && byte == LF {
                *at += 1;
                continue;
            }
            let (next, takes) = match self.at {
                At::StreamStart(seen) if BOM.get(usize::from(seen)) == Some(&byte) => (At::StreamStart(seen + 1), true),
                At::StreamStart(0 | 3) => (At::LineStart, false),
                At::LineStart if is_line_end => {
                    self.end_line(input, at, *at, byte);
                    return Some(Step::EndOfEvent);
                }
                At::LineStart => {
                    let next = match byte {
                        b'd' => At::Name(Field::Data, 1),
                        b'e' => At::Name(Field::Event, 6),
                        b'i' => At::Name(Field::Id, 12),
                        b'r' => At::Name(Field::Retry, 15),
                        b':' => At::Colon(Kind::Comment),
                        _ => At::Value(Kind::Unknown, false),
                    };
                    (next, true)
                }
                At::Name(field, at) => match NAMES.get(usize::from(at)) {
                    Some(b':') if byte == b':' => (At::Colon(Kind::Field(field)), true),
                    Some(b':') if is_line_end => (At::Value(Kind::Field(field), false), false),
                    Some(&expected) if byte == expected => (At::Name(field, at + 1), true),
                    _ => (At::Value(Kind::Unknown, false), false),
                },
                At::StreamStart(_) => (At::Value(Kind::Unknown, false), false),
                At::Colon(kind) => (At::Value(kind, false), byte == b' '),
                At::Value(kind, begun) => {
                    let step = self.value(kind, !begun, input, at);
                    if kind != Kind::Unknown {
                        return Some(step);
                    }
                    continue;
                }
            };
            self.at = next;
            *at += usize::from(takes);
        }
        None
    }

    /// Moves `at` past the line end at `end`, whose first byte is `byte`.
    #[inline(always)]
    pub(crate) fn end_line(&mut self, input: &[u8], at: &mut usize, end: usize, byte: u8) {
        self.at = At::LineStart;
        *at = end + 1;
        if byte == CR {
            match input.get(*at) {
                Some(&LF) => *at += 1,
                Some(_) => {}
                None => self.after_cr = true,
            }
        }
    }
}

/// What a line is and where its value begins, if it begins with one of the common names and a colon.
#[inline(always)]
pub(crate) fn known_line(line: &[u8]) -> Option<(Kind, usize)> {
    if line.starts_with(b"data:") {
        Some((Kind::Field(Field::Data), 5))
    } else if line.starts_with(b"event:") {
        Some((Kind::Field(Field::Event), 6))
    } else if line.starts_with(b"id:") {
        Some((Kind::Field(Field::Id), 3))
    } else if line.starts_with(b":") {
        Some((Kind::Comment, 1))
    } else {
        None
    }
}

/// Where the first line end at or after `from` is.
#[inline(always)]
fn line_end(input: &[u8], from: usize) -> Option<usize> {
    Some(from + scan::line_end(input.get(from..)?)?)
}

/// The value between a colon and a line end, without the space that it may begin with.
#[inline(always)]
pub(crate) fn value_span(input: &[u8], colon: usize, end: usize) -> Span {
    let space = input.get(colon) == Some(&b' ');
    Span::between(colon + usize::from(space), end)
}

impl Default for Tokenizer {
    fn default() -> Tokenizer {
        Tokenizer::new()
    }
}
