//! The format: one line, and one event of the most common lines. In `read`, only this file compares bytes with field names,
//! colons, spaces and line ends.
//!
//! The standard's grammar:
//!
//! ```text
//! stream      = [ bom ] *event
//! event       = *( comment / field ) end-of-line
//! comment     = colon *any-char end-of-line
//! field       = 1*name-char [ colon [ space ] *any-char ] end-of-line
//! end-of-line = ( cr lf / cr / lf )
//! ```

use crate::bytes::{CR, LF, line_end, line_end_or_nul};
use crate::field::Field;

/// The byte order mark that may begin a stream.
pub(super) const BOM: &[u8] = "\u{feff}".as_bytes();

/// The kinds of lines that are not blank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Field(Field),
    Comment,
    /// Every other line: a field that the standard does not know, or bytes that begin no name.
    Unknown,
}

/// The names of the fields, each with its colon and the space that may follow.
const NAMES: &[u8] = b"data: event: id: retry: ";
const DATA: &[u8] = NAMES.split_at(6).0;
const EVENT: &[u8] = NAMES.split_at(6).1.split_at(7).0;
const ID: &[u8] = NAMES.split_at(13).1.split_at(4).0;
const RETRY: &[u8] = NAMES.split_at(17).1;
/// The colon of a comment, and the space that may follow.
const COLON: &[u8] = ID.split_at(2).1;
const SPACE: u8 = COLON[1];

/// Returns the kind of `line` and its bytes after the colon and the one space that may follow, if it begins with a colon or
/// with one of the most common names and a colon.
#[inline(always)]
pub(super) fn start(line: &[u8]) -> Option<(Kind, &[u8])> {
    const D: u8 = DATA[0];
    const E: u8 = EVENT[0];
    const I: u8 = ID[0];
    const C: u8 = COLON[0];
    match *line.first()? {
        D => Some((Kind::Field(Field::Data), value(line, DATA)?)),
        E => Some((Kind::Field(Field::Event), value(line, EVENT)?)),
        I => Some((Kind::Field(Field::Id), value(line, ID)?)),
        C => Some((Kind::Comment, value(line, COLON)?)),
        _ => None,
    }
}

/// Returns whether `input` may begin with a field's name, by its first byte.
#[inline(always)]
pub(super) fn may_be_field(input: &[u8]) -> bool {
    input.first() > COLON.first()
}

/// Returns whether `line` is a comment.
#[inline(always)]
fn is_comment(line: &[u8]) -> bool {
    line.first() == COLON.first()
}

/// Returns the bytes of `line` after `name`, or after `name` without its space.
#[inline(always)]
fn value<'i>(line: &'i [u8], name: &[u8]) -> Option<&'i [u8]> {
    let [without @ .., _] = name else { return None };
    line.strip_prefix(name).or_else(|| line.strip_prefix(without))
}

/// Returns the bytes of `input` after the one space that may follow a colon.
#[inline(always)]
pub(super) fn after_space(input: &[u8]) -> &[u8] {
    match input {
        [SPACE, rest @ ..] => rest,
        _ => input,
    }
}

/// Returns whether `byte` goes on in any value: it is above CR, LF and NUL. Some others do as well.
#[inline(always)]
pub(super) fn goes_on_in_value(byte: u8) -> bool {
    byte > CR
}

/// Returns the bytes after the line end at the front of `input`, if there is one, and whether an LF that comes next belongs
/// to it.
#[inline(always)]
pub(super) fn after_line_end(input: &[u8]) -> Option<(&[u8], bool)> {
    match input {
        [LF, rest @ ..] | [CR, LF, rest @ ..] => Some((rest, false)),
        [CR, rest @ ..] => Some((rest, rest.is_empty())),
        _ => None,
    }
}

/// Returns the bytes of `input` after the LF that belongs to a CR before `input`, if it is there.
#[inline(always)]
pub(super) fn after_lf(input: &[u8]) -> &[u8] {
    match input {
        [LF, rest @ ..] => rest,
        _ => input,
    }
}

/// A place within a field's name, after one of its bytes: an index into `NAMES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name(u8);

/// The head of a line after one more byte.
pub(super) enum Head {
    Name(Name),
    /// The colon was taken.
    Colon(Kind),
    /// The line ends before the byte, and its value is empty.
    Value(Kind),
}

impl Head {
    /// Returns the head that begins with the first byte of `line`, which is not blank.
    pub(super) fn begin(line: &[u8]) -> Head {
        const D: u8 = DATA[0];
        const E: u8 = EVENT[0];
        const I: u8 = ID[0];
        const R: u8 = RETRY[0];
        const C: u8 = COLON[0];
        let field = match line.first() {
            Some(&D) => Field::Data,
            Some(&E) => Field::Event,
            Some(&I) => Field::Id,
            Some(&R) => Field::Retry,
            Some(&C) => return Head::Colon(Kind::Comment),
            _ => return Head::Value(Kind::Unknown),
        };
        Head::Name(Name(Name::start(field) + 1))
    }
}

impl Name {
    /// Returns the head with the first byte of `rest`.
    pub(super) fn then(self, rest: &[u8]) -> Head {
        let expected = NAMES.get(usize::from(self.0));
        let is_expected = rest.first() == expected;
        if expected != COLON.first() {
            return if is_expected { Head::Name(Name(self.0 + 1)) } else { Head::Value(Kind::Unknown) };
        }
        let kind = Kind::Field(self.field());
        if is_expected {
            Head::Colon(kind)
        } else if after_line_end(rest).is_some() {
            Head::Value(kind)
        } else {
            Head::Value(Kind::Unknown)
        }
    }

    /// Returns the index of a name in `NAMES`.
    const fn start(field: Field) -> u8 {
        (match field {
            Field::Data => 0,
            Field::Event => DATA.len(),
            Field::Id => DATA.len() + EVENT.len(),
            Field::Retry => NAMES.len() - RETRY.len(),
        }) as u8
    }

    fn field(self) -> Field {
        const EVENT: u8 = Name::start(Field::Event);
        const ID: u8 = Name::start(Field::Id);
        const RETRY: u8 = Name::start(Field::Retry);
        match self.0 {
            ..EVENT => Field::Data,
            EVENT..ID => Field::Event,
            ID..RETRY => Field::Id,
            RETRY.. => Field::Retry,
        }
    }

    /// Returns the bytes of the name before this place.
    pub(super) fn taken(self) -> &'static [u8] {
        NAMES.get(usize::from(Name::start(self.field()))..usize::from(self.0)).unwrap_or_default()
    }
}

// The fast path: an event that is complete in the input, of the lines that most streams are made of. Functions of the input
// alone, so they have no state to keep in step with the tokenizer's.

/// An event by its values in the input.
#[derive(Clone, Copy)]
pub(super) struct Complete<'i> {
    pub event_type: Option<&'i [u8]>,
    pub id: Option<&'i [u8]>,
    pub data: &'i [u8],
}

/// The lines at the front of an input that are some of an event: at most one each of `event`, `id` without NUL, and `data`.
#[derive(Clone, Copy)]
pub(super) struct Lines<'i> {
    pub event_type: Option<&'i [u8]>,
    pub id: Option<&'i [u8]>,
    pub data: Option<&'i [u8]>,
    /// The data go on in the next input.
    pub is_cut: bool,
    /// The bytes after these lines.
    pub rest: &'i [u8],
}

/// Returns the event at the front of `input` and the bytes after it, if it is complete and has one line of data and at most one
/// each of `event` and `id` without NUL. Otherwise returns those of its lines that are so.
#[inline(always)]
pub(super) fn event(input: &[u8]) -> Result<(Complete<'_>, &[u8]), Lines<'_>> {
    // In registers: a `Lines` that is filled in is slower by a third.
    let (mut event_type, mut id, mut data, mut rest) = (None, None, None, input);
    loop {
        rest = match start(rest) {
            Some((Kind::Field(Field::Data), value)) if data.is_none() => match line_end(value) {
                None if !value.is_empty() => {
                    return Err(Lines { event_type, id, data: Some(value), is_cut: true, rest: &[] });
                }
                end => {
                    let Some((value, after)) = split(value, end) else { break };
                    if let Some((rest, false)) = after_line_end(after) {
                        return Ok((Complete { event_type, id, data: value }, rest));
                    }
                    data = Some(value);
                    after
                }
            },
            Some((Kind::Field(Field::Event), value)) if event_type.is_none() => {
                let Some((value, after)) = split(value, line_end(value)) else { break };
                event_type = Some(value);
                after
            }
            Some((Kind::Field(Field::Id), value)) if id.is_none() => {
                let Some((value, after)) = split(value, line_end_or_nul(value)) else { break };
                id = Some(value);
                after
            }
            None => match (data, after_line_end(rest)) {
                (Some(data), Some((rest, false))) => return Ok((Complete { event_type, id, data }, rest)),
                _ => break,
            },
            _ => break,
        };
    }
    Err(Lines { event_type, id, data, is_cut: false, rest })
}

/// Returns `event` of an input that begins with a line of data and goes on with a blank line or more data, the most common
/// forms of an event; `None` of any other.
#[inline(always)]
pub(super) fn data_event(input: &[u8]) -> Option<Result<(Complete<'_>, &[u8]), Lines<'_>>> {
    let Some((Kind::Field(Field::Data), value)) = start(input) else { return None };
    let lines = Lines { event_type: None, id: None, data: Some(value), is_cut: true, rest: &[] };
    match line_end(value) {
        None if !value.is_empty() => Some(Err(lines)),
        end => {
            let (data, rest) = split(value, end)?;
            match after_line_end(rest) {
                Some((rest, false)) => Some(Ok((Complete { event_type: None, id: None, data }, rest))),
                _ if rest.first() == DATA.first() => {
                    Some(Err(Lines { data: Some(data), is_cut: false, rest, ..lines }))
                }
                _ => None,
            }
        }
    }
}

/// Returns the value at the front of `line`, or all of it that is there, and the bytes after the line, if it is complete. `None`
/// is for a line whose end may go on in the next input, and for one without a byte.
#[inline(always)]
pub(super) fn line(line: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    match line_end(line) {
        None => (!line.is_empty()).then_some((line, None)),
        end => split(line, end).map(|(value, rest)| (value, Some(rest))),
    }
}

/// Returns the value at the front of `line`, whose line end is at `end`, and the bytes after the line, if it is complete.
#[inline(always)]
fn split(line: &[u8], end: Option<usize>) -> Option<(&[u8], &[u8])> {
    let (value, rest) = line.split_at_checked(end?)?;
    match after_line_end(rest)? {
        (rest, false) => Some((value, rest)),
        _ => None,
    }
}

/// Returns the bytes after the comments and blank lines at the front of `input`, as far as they are complete, and whether a
/// comment is next, without its end.
#[inline(always)]
pub(super) fn after_comments(input: &[u8]) -> (&[u8], bool) {
    let mut rest = input;
    loop {
        let mut blank = Some(rest);
        if is_comment(rest) {
            // A comment is blank from its line end on.
            let Some(end) = line_end(rest) else { return (rest, true) };
            blank = rest.get(end..);
        }
        match blank.and_then(after_line_end) {
            Some((after, false)) => rest = after,
            _ => return (rest, false),
        }
    }
}
