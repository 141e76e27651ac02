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
        cut_data(self.rest).filter(|_| self.data_is_cut)
    }

    /// The first line of data, if another one follows.
    pub(crate) fn joined_data(&self) -> Option<&[u8]> {
        self.data.filter(|_| self.rest.starts_with(DATA))
    }
}

/// The first event in `input`, if before its blank line there are only whole lines: one `data` and at most one `event` and
/// one `id` without NUL, whose values take no more than `room` bytes, and before those nothing but comments; otherwise as
/// much of it as is so. With `items` a comment is not passed over.
///
/// A function of its input alone: what it finds stays in registers, and there is nothing to resume.
// An event of three short lines takes 303 instructions this way and 1065 by way of the tokenizer, one of a single line of
// 255 bytes 213 and 626.
#[inline(always)]
pub(crate) fn whole_event(input: &[u8], room: usize, items: bool) -> Result<WholeEvent<'_>, WholeLines<'_>> {
    match DataLine::at(input) {
        Some(line) if line.is_last() => line.into_event(input, None, None, room),
        _ if items => whole_lines(input, room),
        _ => whole_lines(behind_comments(input), room),
    }
}

/// What is behind the comments and blank lines at the front of `input`, as far as they lie whole in it.
#[inline(always)]
pub(crate) fn behind_comments(input: &[u8]) -> &[u8] {
    let mut rest = input;
    loop {
        let behind = match rest.first() {
            Some(b':') => whole_line(rest, scan::line_end(rest)).map(|(_, behind)| behind),
            Some(&(CR | LF)) => behind_line_end(rest),
            _ => None,
        };
        let Some(behind) = behind else { return rest };
        rest = behind;
    }
}

/// `whole_event` that does not begin with comments.
#[inline(always)]
pub(crate) fn whole_lines(input: &[u8], room: usize) -> Result<WholeEvent<'_>, WholeLines<'_>> {
    let (mut event_type, mut id) = (None, None);
    let mut rest = input;
    loop {
        let behind = match rest {
            [b'd', ..] => match DataLine::at(rest) {
                Some(line) => match line.into_event(rest, event_type, id, room) {
                    Err(WholeLines { data: Some(data), rest: behind @ [b'e' | b'i', ..], .. }) => {
                        return whole_lines_behind(input, event_type, id, data, behind, room);
                    }
                    found => return found,
                },
                None => None,
            },
            [b'e', ..] if event_type.is_none() => whole_event_type(rest).map(|(value, behind)| {
                event_type = Some(value);
                behind
            }),
            [b'i', ..] if id.is_none() => whole_id(rest).map(|(value, behind)| {
                id = Some(value);
                behind
            }),
            _ => None,
        };
        let Some(behind) = behind else {
            return Err(WholeLines { event_type, id, data: None, rest, data_is_cut: false });
        };
        rest = behind;
    }
}

/// `whole_lines` behind the data, for the servers that write it first.
#[inline(never)]
fn whole_lines_behind<'i>(
    input: &'i [u8],
    mut event_type: Option<&'i [u8]>,
    mut id: Option<&'i [u8]>,
    data: &'i [u8],
    behind: &'i [u8],
    room: usize,
) -> Result<WholeEvent<'i>, WholeLines<'i>> {
    let mut rest = behind;
    loop {
        let line = match rest {
            [b'e', ..] if event_type.is_none() => whole_event_type(rest).map(|line| (&mut event_type, line)),
            [b'i', ..] if id.is_none() => whole_id(rest).map(|line| (&mut id, line)),
            _ => None,
        };
        let Some((slot, (value, behind))) = line else { break };
        *slot = Some(value);
        rest = behind;
    }
    if len(event_type) + len(id) + data.len() > room {
        return Err(WholeLines { event_type: None, id: None, data: None, rest: input, data_is_cut: false });
    }
    match behind_line_end(rest) {
        Some(rest) => Ok(WholeEvent { event_type, id, data, rest }),
        None => Err(WholeLines { event_type, id, data: Some(data), rest, data_is_cut: false }),
    }
}

#[inline(always)]
fn whole_event_type(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let value = value(line, b"event: ", b"event:")?;
    whole_line(value, scan::line_end(value))
}

#[inline(always)]
fn whole_id(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let value = value(line, b"id: ", b"id:")?;
    whole_line(value, scan::line_end_or_nul(value))
}

/// A line of `data` at the front of an input.
#[derive(Clone, Copy)]
pub(crate) struct DataLine<'i> {
    /// From behind the colon and the space.
    value: &'i [u8],
    /// Where the line ends in that, if it does.
    pub(crate) end: Option<usize>,
}

impl<'i> DataLine<'i> {
    #[inline(always)]
    pub(crate) fn at(input: &'i [u8]) -> Option<DataLine<'i>> {
        let value = value(input, b"data: ", DATA)?;
        Some(DataLine { value, end: scan::line_end(value) })
    }

    /// The same of a line whose end is known.
    pub(crate) fn ending(input: &'i [u8], end: Option<usize>) -> Option<DataLine<'i>> {
        let value = value(input, b"data: ", DATA)?;
        Some(DataLine { value, end })
    }

    /// Whether no `event` and no `id` follows.
    #[inline(always)]
    pub(crate) fn is_last(&self) -> bool {
        let behind = self.end.and_then(|end| behind_line_end(self.value.get(end..)?));
        !matches!(behind, Some([b'e' | b'i', ..]))
    }

    /// The data and what is behind the blank line that follows, if one does.
    #[inline(always)]
    pub(crate) fn event(self) -> Option<(&'i [u8], &'i [u8])> {
        let (data, rest) = self.value.split_at_checked(self.end?)?;
        // The commonest line end first.
        match rest {
            [LF, LF, rest @ ..] => Some((data, rest)),
            _ => Some((data, behind_line_end(behind_line_end(rest)?)?)),
        }
    }

    #[inline(always)]
    pub(crate) fn into_event(
        self,
        input: &'i [u8],
        event_type: Option<&'i [u8]>,
        id: Option<&'i [u8]>,
        room: usize,
    ) -> Result<WholeEvent<'i>, WholeLines<'i>> {
        match self.event() {
            Some((data, rest)) if len(event_type) + len(id) + data.len() <= room => {
                Ok(WholeEvent { event_type, id, data, rest })
            }
            _ => Err(self.into_lines(input, event_type, id, room)),
        }
    }

    #[inline(always)]
    pub(crate) fn into_lines(
        self,
        input: &'i [u8],
        event_type: Option<&'i [u8]>,
        id: Option<&'i [u8]>,
        room: usize,
    ) -> WholeLines<'i> {
        let lines = WholeLines { event_type, id, data: None, rest: input, data_is_cut: self.end.is_none() };
        let line = self.end.and_then(|end| {
            let (data, rest) = self.value.split_at_checked(end)?;
            Some((data, behind_line_end(rest)?))
        });
        match line {
            Some((data, rest)) if len(event_type) + len(id) + data.len() <= room => {
                WholeLines { data: Some(data), rest, ..lines }
            }
            _ => lines,
        }
    }
}

/// The value of the line at the front of `rest`, if it is one more of `data` and lies whole in the input, and what is
/// behind it.
#[inline(always)]
pub(crate) fn whole_data_line(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let value = value(rest, b"data: ", DATA)?;
    whole_line(value, scan::line_end(value))
}

/// What there is of the value of the line at the front of `rest`, if that is anything of `data`.
#[inline(always)]
pub(crate) fn cut_data(rest: &[u8]) -> Option<&[u8]> {
    value(rest, b"data: ", DATA).filter(|piece| !piece.is_empty())
}

/// What there is of the value of the line at the front of `rest`, if it is `data` and the input ends in it.
#[inline(always)]
pub(crate) fn cut_data_line(rest: &[u8]) -> Option<&[u8]> {
    cut_data(rest).filter(|piece| scan::line_end(piece).is_none())
}

/// What is behind a field's name and colon, and the space if there is one.
#[inline(always)]
fn value<'i>(line: &'i [u8], with_space: &[u8], without: &[u8]) -> Option<&'i [u8]> {
    line.strip_prefix(with_space).or_else(|| line.strip_prefix(without))
}

/// The value up to the line end at `end`, and what is behind that.
#[inline(always)]
fn whole_line(value: &[u8], end: Option<usize>) -> Option<(&[u8], &[u8])> {
    let (value, rest) = value.split_at_checked(end?)?;
    Some((value, behind_line_end(rest)?))
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
