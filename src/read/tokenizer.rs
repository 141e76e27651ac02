use super::grammar::{BOM, Head, Kind, Name, after_lf, after_line_end, after_space, start};
use super::report::Piece;
use crate::bytes::{FAST, line_end};
use crate::field::Field;

/// A token of an event stream: a piece of a line, or the end of an event.
///
/// # Examples
///
/// ```
/// use ssewire::tokenizer::{Token, Tokenizer};
/// use ssewire::Field;
///
/// let mut input: &[u8] = b"data: 21.5\n: a comment\nanother line\n\n";
/// let mut tokenizer = Tokenizer::new();
/// assert!(matches!(tokenizer.next(&mut input), Some(Token::Field(Field::Data, piece)) if piece.bytes == b"21.5"));
/// assert!(matches!(tokenizer.next(&mut input), Some(Token::Comment(piece)) if piece.bytes == b"a comment"));
/// assert!(matches!(tokenizer.next(&mut input), Some(Token::Unknown(piece)) if piece.bytes == b"another line"));
/// assert_eq!(tokenizer.next(&mut input), Some(Token::EndOfEvent));
/// assert_eq!(tokenizer.next(&mut input), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Token<'i> {
    /// A piece of a field's value, without the colon, the one space after it and the line end.
    Field(Field, Piece<'i>),
    /// A piece of a comment, without the colon, one space after it and the line end.
    Comment(Piece<'i>),
    /// A piece of a line that is not a field of the standard, from the line's first byte on, without the line end. The
    /// standard ignores such lines.
    Unknown(Piece<'i>),
    /// A blank line: the standard dispatches the event here.
    EndOfEvent,
}

/// Splits an event stream into [`Token`]s with three bytes of state and no buffer, so that events of any size take constant
/// memory.
///
/// The tokens are the same for every chunking of the stream, except that a value is split where the input was. A line ends
/// at its CR; an LF that follows is skipped, whichever input it arrives in. One leading byte order mark is skipped. The
/// tokenizer does not interpret values: it reports an `id` with a NUL and a `retry` that is not a number like any other.
///
/// At the end of a stream there is nothing to call: the standard discards an unfinished event.
///
/// Standard: [9.2.5 Parsing an event stream](https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream).
///
/// # Examples
///
/// Counting events, and the bytes of their data, of any size:
///
/// ```
/// use ssewire::tokenizer::{Token, Tokenizer};
/// use ssewire::Field;
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
#[doc(alias = "lexer")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokenizer {
    state: State,
}

/// The states; [`read`](super) has the map.
// The first variant is zero, so that a parser in a `static` takes no flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum State {
    /// After so many bytes of a byte order mark.
    StreamStart(u8),
    /// After a CR at the end of the input: an LF that comes next belongs to it.
    AfterCr,
    LineStart,
    Name(Name),
    /// After the colon: the one space may follow.
    Colon(Kind),
    /// Within a value. The flag tells whether a piece of it was handed out.
    Value(Kind, bool),
}

/// A token as the parser takes it.
#[derive(Clone, Copy)]
pub(super) enum RawToken<'i> {
    Piece(Kind, Piece<'i>),
    /// The first piece of an unknown line, which an earlier input held.
    Taken(&'static [u8]),
    EndOfEvent,
}

impl Tokenizer {
    /// Returns a tokenizer at the start of a stream.
    #[must_use]
    pub const fn new() -> Tokenizer {
        Tokenizer { state: State::StreamStart(0) }
    }

    /// Returns the next token, or `None` when all input is used and more is needed. Takes the bytes that it uses off the
    /// front of `input`. A token may use none: the first piece of an unknown line can lie in an earlier input.
    ///
    /// # Panics
    ///
    /// Never.
    #[inline]
    pub fn next<'i>(&mut self, input: &mut &'i [u8]) -> Option<Token<'i>> {
        self.enter(input);
        Some(match self.step(input)? {
            RawToken::Piece(Kind::Field(field), piece) => Token::Field(field, piece),
            RawToken::Piece(Kind::Comment, piece) => Token::Comment(piece),
            RawToken::Piece(Kind::Unknown, piece) => Token::Unknown(piece),
            RawToken::Taken(bytes) => Token::Unknown(Piece::taken(bytes)),
            RawToken::EndOfEvent => Token::EndOfEvent,
        })
    }

    /// Returns whether a line has begun that is or may become a field of the standard.
    pub(super) fn is_in_field(&self) -> bool {
        match self.state {
            State::Name(_) => true,
            State::Colon(kind) | State::Value(kind, _) => matches!(kind, Kind::Field(_)),
            State::StreamStart(_) | State::AfterCr | State::LineStart => false,
        }
    }

    /// Returns whether the next byte begins a line.
    #[inline(always)]
    pub(super) fn is_at_line_start(&self) -> bool {
        self.state == State::LineStart
    }

    /// Returns the kind of the value that the next byte goes on, and whether a piece of it was handed out.
    #[inline(always)]
    pub(super) fn within(&self) -> Option<(Kind, bool)> {
        match self.state {
            State::Value(kind, begun) => Some((kind, begun)),
            _ => None,
        }
    }

    /// Goes on in a name or after a colon, up to the value. Returns its kind, and whether a piece of it was handed out.
    #[inline(always)]
    pub(super) fn go_on(&mut self, input: &mut &[u8]) -> Option<(Kind, bool)> {
        match self.state {
            State::Value(kind, begun) => Some((kind, begun)),
            State::Name(_) | State::Colon(_) => {
                // A name that turns out to be none begins an unknown line, whose first piece nobody asks for here.
                let Ok(kind) = self.head(input)? else { return Some((Kind::Unknown, true)) };
                self.state = State::Value(kind, false);
                Some((kind, false))
            }
            _ => None,
        }
    }

    /// Takes `byte`, all of an input, if it begins a line or goes on in its name, or is the colon or the space after it.
    #[inline(always)]
    pub(super) fn take_byte(&mut self, byte: u8) -> bool {
        let head = match self.state {
            State::LineStart => Head::begin(&[byte]),
            State::Name(name) => name.then(&[byte]),
            State::Colon(kind) if after_space(&[byte]).is_empty() => {
                self.state = State::Value(kind, false);
                return true;
            }
            _ => return false,
        };
        self.state = match head {
            Head::Name(name) => State::Name(name),
            Head::Colon(kind) => State::Colon(kind),
            Head::Value(_) => return false,
        };
        true
    }

    /// Goes on after a first piece of a value, taken at a line start.
    #[inline(always)]
    pub(super) fn begin_value(&mut self, kind: Kind) {
        self.state = State::Value(kind, true);
    }

    /// Goes on after `line`, a comment that is split, as if its value was handed out.
    #[inline(always)]
    pub(super) fn begin_comment(&mut self, line: &[u8]) {
        self.state = match start(line) {
            Some((_, value)) if line.len() > 1 => State::Value(Kind::Comment, !value.is_empty()),
            _ => State::Colon(Kind::Comment),
        };
    }

    /// Takes an LF that belongs to the last CR, and a byte order mark, off the front of a new input.
    #[inline(always)]
    pub(super) fn enter(&mut self, input: &mut &[u8]) {
        let Some(first) = input.first() else { return };
        match self.state {
            State::AfterCr => *input = after_lf(input),
            // The other cases take more than one look.
            State::StreamStart(0) if FAST => match input.strip_prefix(BOM) {
                Some(rest) => *input = rest,
                None if BOM.starts_with(&[*first]) => return,
                None => {}
            },
            _ => return,
        }
        self.state = State::LineStart;
    }

    /// Returns the next token, or `None` when the input is used up.
    #[inline(always)]
    pub(super) fn step<'i>(&mut self, input: &mut &'i [u8]) -> Option<RawToken<'i>> {
        let (kind, begun) = match self.state {
            State::Value(kind, begun) => (kind, begun),
            State::LineStart if FAST => {
                if self.end_line(input) {
                    return Some(RawToken::EndOfEvent);
                }
                match start(input) {
                    Some((kind, value)) if !value.is_empty() => {
                        *input = value;
                        (kind, false)
                    }
                    _ => match self.head(input)? {
                        Ok(kind) => (kind, false),
                        Err(token) => return Some(token),
                    },
                }
            }
            _ => match self.head(input)? {
                Ok(kind) => (kind, false),
                Err(token) => return Some(token),
            },
        };
        let end = line_end(input).unwrap_or(input.len());
        let (bytes, rest) = input.split_at_checked(end)?;
        *input = rest;
        let last = self.end_line(input);
        if !last {
            self.state = State::Value(kind, begun || !bytes.is_empty());
            if bytes.is_empty() {
                return None;
            }
        }
        Some(RawToken::Piece(kind, Piece { bytes, first: !begun, last }))
    }

    /// Takes a line end off the front of `input`; returns whether it was there.
    // One call is smaller than the comparisons.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(super) fn end_line(&mut self, input: &mut &[u8]) -> bool {
        let Some((rest, is_cut)) = after_line_end(input) else { return false };
        *input = rest;
        self.state = if is_cut { State::AfterCr } else { State::LineStart };
        true
    }

    /// Goes on byte by byte to the place where a line's value begins, and returns the line's kind. `Err` is a token that ends
    /// before that: a blank line, or the bytes of a name or byte order mark that an earlier input began and that turned out
    /// to be none.
    // Below 64 bits it has one caller, and returns through registers there.
    #[cfg_attr(target_pointer_width = "64", inline(never))]
    #[cfg_attr(not(target_pointer_width = "64"), inline(always))]
    fn head<'i>(&mut self, input: &mut &'i [u8]) -> Option<Result<Kind, RawToken<'i>>> {
        pass!("head");
        // The state in which an earlier input left the line, and the rest of the line.
        let mut before = self.state;
        let mut line = *input;
        loop {
            let rest = input.get(1..)?;
            let head = match self.state {
                State::StreamStart(count) => match BOM.get(usize::from(count)) {
                    Some(byte) if input.first() == Some(byte) => {
                        *input = rest;
                        self.state = State::StreamStart(count + 1);
                        continue;
                    }
                    Some(_) if count > 0 => Head::Value(Kind::Unknown),
                    _ => {
                        (before, line) = (State::LineStart, *input);
                        self.state = State::LineStart;
                        continue;
                    }
                },
                State::AfterCr | State::LineStart => {
                    if self.end_line(input) {
                        return Some(Err(RawToken::EndOfEvent));
                    }
                    Head::begin(input)
                }
                State::Name(name) => name.then(input),
                State::Colon(kind) => {
                    *input = after_space(input);
                    return Some(Ok(kind));
                }
                State::Value(kind, _) => return Some(Ok(kind)),
            };
            self.state = match head {
                Head::Name(name) => State::Name(name),
                Head::Colon(kind) => State::Colon(kind),
                Head::Value(Kind::Unknown) => {
                    *input = line;
                    let taken = match before {
                        State::StreamStart(count @ 1..) => BOM.get(..usize::from(count)).unwrap_or_default(),
                        State::Name(name) => name.taken(),
                        _ => return Some(Ok(Kind::Unknown)),
                    };
                    self.state = State::Value(Kind::Unknown, true);
                    return Some(Err(RawToken::Taken(taken)));
                }
                Head::Value(kind) => return Some(Ok(kind)),
            };
            *input = rest;
        }
    }
}

impl Default for Tokenizer {
    fn default() -> Tokenizer {
        Tokenizer::new()
    }
}
