//! The short cut: an event that lies whole in the input.
//!
//! The same grammar as the tokenizer's, for the lines that nearly all streams are made of, and without its states: what
//! does not lie whole in the input, and every other line, is left to the tokenizer. That both come to the same is what
//! the tests of chunkings show, since a stream cut into single bytes never gets here.

use crate::scan::{self, CR, LF};

pub(crate) const DATA: &[u8; 5] = b"data:";

/// Whether to take short cuts at all, here and in the tokenizer and assembler. They only save time, and cost code: on
/// small devices that is dearer.
pub(crate) const SHORT_CUT: bool = cfg!(target_pointer_width = "64");

/// An event that lies whole in the input.
#[derive(Clone, Copy)]
pub(crate) struct WholeEvent<'i> {
    pub event_type: Option<&'i [u8]>,
    pub id: Option<&'i [u8]>,
    pub data: &'i [u8],
    /// What is behind its blank line.
    pub rest: &'i [u8],
}

/// The lines of an event that lie whole in the input, up to one that is not for the short cut.
#[derive(Clone, Copy)]
pub(crate) struct WholeLines<'i> {
    pub event_type: Option<&'i [u8]>,
    pub id: Option<&'i [u8]>,
    pub data: Option<&'i [u8]>,
    /// That line, and all behind it.
    pub rest: &'i [u8],
    /// It is the first `data`, and has no end in the input.
    pub data_is_cut: bool,
}

impl WholeLines<'_> {
    /// Whether the input ends between two events.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty() && self.event_type.is_none() && self.id.is_none() && self.data.is_none()
    }

    /// What there is of the first `data`, if the input ends in its value.
    pub(crate) fn cut_data(&self) -> Option<&[u8]> {
        piece(self.rest.strip_prefix(DATA).filter(|_| self.data_is_cut)?)
    }

    /// The first line of data, if another one follows.
    pub(crate) fn joined_data(&self) -> Option<&[u8]> {
        self.data.filter(|_| self.rest.starts_with(DATA))
    }
}

/// The first event in `input`, if before its blank line there are only whole lines: comments, one `event`, one `id`
/// without NUL and, last, one `data`, whose values take no more than `room` bytes; otherwise as much of it as is so. With
/// `items` a comment ends it as well.
///
/// A function of its input alone: what it finds stays in registers, and there is nothing to resume.
// An event of three short lines takes 349 instructions this way and 737 by way of the tokenizer, one of a single line of
// 255 bytes 288 and 512.
#[inline(always)]
pub(crate) fn whole_event(input: &[u8], room: usize, items: bool) -> Result<WholeEvent<'_>, WholeLines<'_>> {
    // The commonest event of all, on its own: with nothing else to keep it takes 29 instructions less.
    if let Some(value) = input.strip_prefix(DATA) {
        return data_line(input, value, None, None, room);
    }
    let (mut event_type, mut id) = (None, None);
    let mut rest = input;
    loop {
        let lines = WholeLines { event_type, id, data: None, rest, data_is_cut: false };
        match rest {
            [b'd', b'a', b't', b'a', b':', value @ ..] => return data_line(rest, value, event_type, id, room),
            [b'e', b'v', b'e', b'n', b't', b':', value @ ..] if event_type.is_none() => {
                let Some((value, behind)) = whole_line(value, scan::line_end(value)) else { return Err(lines) };
                event_type = Some(value);
                rest = behind;
            }
            [b'i', b'd', b':', value @ ..] if id.is_none() => {
                let Some((value, behind)) = whole_line(value, scan::line_end_or_nul(value)) else { return Err(lines) };
                id = Some(value);
                rest = behind;
            }
            [b':', value @ ..] if !items => {
                let Some((_, behind)) = whole_line(value, scan::comment_end(value)) else { return Err(lines) };
                rest = behind;
                if event_type.is_none() && id.is_none() {
                    if let [LF, behind @ ..] = rest {
                        rest = behind;
                    }
                }
            }
            _ => {
                let Some(behind) = behind_line_end(rest) else { return Err(lines) };
                if id.is_some() || len(event_type) > room {
                    return Err(lines);
                }
                event_type = None;
                rest = behind;
            }
        }
    }
}

/// The `data` line at the front of `line`, whose value begins at `value`, and the blank line behind it.
#[inline(always)]
fn data_line<'i>(
    line: &'i [u8],
    value: &'i [u8],
    event_type: Option<&'i [u8]>,
    id: Option<&'i [u8]>,
    room: usize,
) -> Result<WholeEvent<'i>, WholeLines<'i>> {
    let lines = WholeLines { event_type, id, data: None, rest: line, data_is_cut: false };
    let Some(end) = scan::line_end(value) else { return Err(WholeLines { data_is_cut: true, ..lines }) };
    let Some((data, rest)) = whole_line(value, Some(end)) else { return Err(lines) };
    if len(event_type) + len(id) + data.len() > room {
        return Err(lines);
    }
    match behind_line_end(rest) {
        Some(rest) => Ok(WholeEvent { event_type, id, data, rest }),
        None => Err(WholeLines { data: Some(data), rest, ..lines }),
    }
}

/// The value of the line at the front of `rest`, if it is one more of `data` and lies whole in the input, and what is
/// behind it.
#[inline(always)]
pub(crate) fn whole_data_line(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let value = rest.strip_prefix(DATA)?;
    whole_line(value, scan::long_line_end(value))
}

/// What there is of the value of the line at the front of `rest`, if it is `data` and the input ends in it.
#[inline(always)]
pub(crate) fn cut_data_line(rest: &[u8]) -> Option<&[u8]> {
    let value = rest.strip_prefix(DATA)?;
    piece(value).filter(|_| scan::long_line_end(value).is_none())
}

/// What there is of a value from behind its colon, if that is anything.
#[inline(always)]
fn piece(value: &[u8]) -> Option<&[u8]> {
    Some(value.strip_prefix(b" ").unwrap_or(value)).filter(|piece| !piece.is_empty())
}

/// The value from behind a colon to the line end at `end`, and what is behind that.
#[inline(always)]
fn whole_line(value: &[u8], end: Option<usize>) -> Option<(&[u8], &[u8])> {
    let (value, rest) = value.split_at_checked(end?)?;
    let rest = behind_line_end(rest)?;
    Some((value.strip_prefix(b" ").unwrap_or(value), rest))
}

/// What is behind the line end at the front of `rest`; `None` without one, and where it takes the next input to tell.
#[inline(always)]
pub(crate) fn behind_line_end(rest: &[u8]) -> Option<&[u8]> {
    match rest {
        [LF, rest @ ..] | [CR, LF, rest @ ..] => Some(rest),
        [CR, rest @ ..] if !rest.is_empty() => Some(rest),
        _ => None,
    }
}

#[inline(always)]
fn len(value: Option<&[u8]>) -> usize {
    match value {
        Some(value) => value.len(),
        None => 0,
    }
}
