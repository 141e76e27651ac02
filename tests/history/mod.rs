//! A model of `replay::Ring`: the list of all frames ever pushed, and how many of them are gone. It is slow, keeps
//! everything, and shares no code with the crate. `run` makes random calls to a ring, and compares each with the model.

#![allow(dead_code)] // each test crate uses a part of it

use std::cell::Cell;
use std::fmt;

use ssewire::replay::{Cursor, Lagged, Ready, Resume, Ring, RingId};
use ssewire::{BufferTooSmall, FormatError, FormattedFrame, Frame, GrowableBuffer, Storage};

pub struct Pushed {
    pub wire: Vec<u8>,
    /// Without spaces and tabs around it.
    pub id: Option<Vec<u8>>,
}

#[derive(Default)]
pub struct History {
    pub frames: Vec<Pushed>,
    pub gone: usize,
    pub capacity: usize,
}

/// A place in the history: so many frames, and so many bytes of the next one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub frame: usize,
    pub bytes: usize,
}

/// The answer to a last event ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Start,
    From(usize),
    Gone,
    Unknown,
}

impl History {
    fn held(&self) -> usize {
        self.frames[self.gone..].iter().map(|frame| frame.wire.len()).sum()
    }

    fn make_room(&mut self, needed: usize) {
        while self.held() + needed > self.capacity {
            self.gone += 1;
        }
    }

    pub fn push(&mut self, wire: Vec<u8>, id: Option<&[u8]>) {
        self.make_room(wire.len());
        self.frames.push(Pushed { wire, id: id.map(trim) });
    }

    /// The frames from `at` on: as many as fit into `limit`, but at least one.
    pub fn ready(&self, at: Place, limit: usize) -> Result<(Vec<u8>, Place), (u64, bool)> {
        if at.frame < self.gone {
            return Err(((self.gone - at.frame) as u64, at.bytes > 0));
        }
        let (mut bytes, mut next) = (Vec::new(), at);
        for frame in &self.frames[at.frame..] {
            let rest = &frame.wire[next.bytes..];
            if !bytes.is_empty() && bytes.len() + rest.len() > limit {
                break;
            }
            bytes.extend(rest);
            next = Place { frame: next.frame + 1, bytes: 0 };
        }
        Ok((bytes, next))
    }

    pub fn advance(&self, at: Place, written: usize) -> Place {
        let mut at = Place { bytes: at.bytes + written, ..at };
        while self.frames.get(at.frame).is_some_and(|frame| at.bytes >= frame.wire.len()) {
            at.bytes -= self.frames[at.frame].wire.len();
            at.frame += 1;
        }
        if at.frame == self.frames.len() {
            at.bytes = 0;
        }
        at
    }

    /// The table of `Ring::since`, over the whole history: the place for this ID, and then whether it is gone.
    pub fn since(&self, last_event_id: &[u8]) -> Answer {
        let wanted = trim(last_event_id);
        if wanted.is_empty() {
            return Answer::Start;
        }
        let ids: Vec<(usize, &[u8])> =
            self.frames.iter().enumerate().filter_map(|(i, frame)| Some((i, frame.id.as_deref()?))).collect();
        let numbers: Vec<_> = ids.iter().filter_map(|(_, id)| number(id)).collect();
        let ascending = numbers.is_sorted();
        let same = |id: &[u8]| id == wanted || (number(id).is_some() && number(id) == number(&wanted));
        // The first of the newest row of frames with that ID.
        let newest = ids.iter().rposition(|(_, id)| same(id));
        let row = newest.map(|newest| {
            let before = ids[..newest].iter().rev().take_while(|(_, id)| same(id)).count();
            ids[newest - before].0
        });
        let place = match number(&wanted).filter(|_| ascending) {
            Some(wanted) => {
                if numbers.last().is_none_or(|largest| *largest < wanted) {
                    return Answer::Unknown;
                }
                let smaller = || ids.iter().rev().find(|(_, id)| number(id).is_some_and(|number| number < wanted));
                row.or_else(|| smaller().map(|(i, _)| *i))
            }
            // A text must be there to be known.
            None => match newest {
                Some(newest) if ids[newest].0 >= self.gone => row,
                _ => return Answer::Unknown,
            },
        };
        match place {
            Some(i) if i + 1 >= self.gone => Answer::From(i + 1),
            _ if number(&wanted).is_some() && ascending => Answer::Gone,
            _ => Answer::Unknown,
        }
    }
}

fn trim(id: &[u8]) -> Vec<u8> {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = id.iter().take_while(|byte| is_space(byte)).count();
    let end = id.iter().rev().take_while(|byte| is_space(byte)).count();
    id.get(start..id.len() - end).unwrap_or_default().to_vec()
}

/// A number is what prints as the same text.
fn number(id: &[u8]) -> Option<(u64, u64)> {
    let plain = |text: &str| text.parse::<u64>().ok().filter(|number| number.to_string() == text);
    let id = std::str::from_utf8(id).ok()?;
    match id.split_once('-') {
        Some((first, second)) => Some((plain(first)?, plain(second)?)),
        None => Some((0, plain(id)?)),
    }
}

/// How often each thing was met.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub operations: usize,
    pub pushes: usize,
    pub formatted: usize,
    pub too_large: usize,
    pub dropped: usize,
    pub ready: usize,
    pub wrapped: usize,
    pub partial: usize,
    pub between_line_ends: usize,
    pub lagged: usize,
    pub torn: usize,
    pub start: usize,
    pub from: usize,
    pub from_live: usize,
    pub from_oldest: usize,
    pub gone: usize,
    pub unknown: usize,
}

impl Counts {
    fn all(&mut self) -> [&mut usize; 17] {
        let Counts {
            operations,
            pushes,
            formatted,
            too_large,
            dropped,
            ready,
            wrapped,
            partial,
            between_line_ends,
            lagged,
            torn,
            start,
            from,
            from_live,
            from_oldest,
            gone,
            unknown,
        } = self;
        [
            operations,
            pushes,
            formatted,
            too_large,
            dropped,
            ready,
            wrapped,
            partial,
            between_line_ends,
            lagged,
            torn,
            start,
            from,
            from_live,
            from_oldest,
            gone,
            unknown,
        ]
    }

    pub fn add(&mut self, mut other: Counts) {
        self.all().into_iter().zip(other.all()).for_each(|(sum, count)| *sum += *count);
    }

    /// Everything was met, and no less than once in `rate` operations.
    pub fn check(mut self, rate: usize) {
        let least = self.operations / rate;
        assert!(self.all().into_iter().all(|count| *count > least), "{self:?}");
    }
}

/// A ring of any storage and number of marks.
// The driver is compiled once for all of them, not once for each.
trait AnyRing {
    fn push(&mut self, frame: &Frame<'_>) -> Result<(), BufferTooSmall>;
    fn push_fmt(&mut self, frame: &FormattedFrame<'_>) -> Result<(), FormatError>;
    fn since(&self, id: &[u8]) -> Resume;
    fn next_id(&self, epoch: u64) -> RingId;
    fn ready(&self, cursor: Cursor, limit: usize) -> Result<Ready<'_>, Lagged>;
    fn advance(&self, cursor: Cursor, written: usize) -> Result<Cursor, Lagged>;
    fn check(&self, cursor: Cursor) -> Result<(), Lagged>;
    fn oldest(&self) -> Cursor;
    fn live(&self) -> Cursor;
    fn capacity(&self) -> usize;
    fn len(&self) -> usize;
    fn is_empty(&self) -> bool;
}

impl<S: Storage, const MARKS: usize> AnyRing for Ring<S, MARKS> {
    fn push(&mut self, frame: &Frame<'_>) -> Result<(), BufferTooSmall> {
        Ring::push(self, frame)
    }

    fn push_fmt(&mut self, frame: &FormattedFrame<'_>) -> Result<(), FormatError> {
        Ring::push_fmt(self, frame)
    }

    fn since(&self, id: &[u8]) -> Resume {
        Ring::since(self, id)
    }

    fn next_id(&self, epoch: u64) -> RingId {
        Ring::next_id(self, epoch)
    }

    fn ready(&self, cursor: Cursor, limit: usize) -> Result<Ready<'_>, Lagged> {
        Ring::ready(self, cursor, limit)
    }

    fn advance(&self, cursor: Cursor, written: usize) -> Result<Cursor, Lagged> {
        Ring::advance(self, cursor, written)
    }

    fn check(&self, cursor: Cursor) -> Result<(), Lagged> {
        Ring::check(self, cursor)
    }

    fn oldest(&self) -> Cursor {
        Ring::oldest(self)
    }

    fn live(&self) -> Cursor {
        Ring::live(self)
    }

    fn capacity(&self) -> usize {
        Ring::capacity(self)
    }

    fn len(&self) -> usize {
        Ring::len(self)
    }

    fn is_empty(&self) -> bool {
        Ring::is_empty(self)
    }
}

/// Choices, each a number below the argument; `None` at the end.
pub type Choices<'c> = &'c mut dyn FnMut(usize) -> Option<usize>;

/// One ring through random calls until there is no choice left. Capacity, kind of storage and number of marks are chosen too.
pub fn run(choices: Choices<'_>, counts: &mut Counts) {
    _ = run_one(choices, counts);
}

fn run_one(choices: Choices<'_>, counts: &mut Counts) -> Option<()> {
    let capacity = if choices(3)? == 0 { choices(301)? } else { 20 + choices(100)? };
    let mut memory = vec![0xaa; capacity];
    let growing = GrowableBuffer::new(capacity);
    match choices(9)? {
        0 => drive(&mut Ring::new(&mut memory[..]), capacity, choices, counts),
        1 => drive(&mut Ring::<_, 1>::with_marks(&mut memory[..]), capacity, choices, counts),
        2 => drive(&mut Ring::<_, 5>::with_marks(&mut memory[..]), capacity, choices, counts),
        3 => drive(&mut Ring::new(growing), capacity, choices, counts),
        4 => drive(&mut Ring::<_, 16>::with_marks(growing), capacity, choices, counts),
        5 => drive(&mut Ring::new([0xaa; 0]), 0, choices, counts),
        6 => drive(&mut Ring::new([0xaa; 37]), 37, choices, counts),
        7 => drive(&mut Ring::<_, 3>::with_marks([0xaa; 64]), 64, choices, counts),
        _ => drive(&mut Ring::<_, 64>::with_marks([0xaa; 300]), 300, choices, counts),
    }
}

/// A text that is longer the second time that it is formatted.
struct Grows<'t>(&'t str, Cell<bool>);

impl fmt::Display for Grows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let again = if self.1.replace(true) { "more" } else { "" };
        write!(f, "{}{again}", self.0)
    }
}

fn drive(ring: &mut dyn AnyRing, capacity: usize, choices: Choices<'_>, counts: &mut Counts) -> Option<()> {
    let mut history = History { capacity, ..History::default() };
    let mut cursors = [(ring.live(), Place::default()); 3];
    let mut ids = Ids { kind: choices(6)?, last: 1, epoch: 3, given: Vec::new() };
    assert_eq!(ring.capacity(), capacity);
    loop {
        counts.operations += 1;
        let which = choices(3)?;
        match choices(8)? {
            0..=2 => push(ring, &mut history, &mut ids, choices, counts)?,
            3..=4 => since(ring, &history, &ids, &mut cursors[which], choices, counts)?,
            _ => serve(ring, &history, &mut cursors[which], choices, counts)?,
        }
        assert_eq!(ring.len(), history.held());
        assert_eq!(ring.is_empty(), history.held() == 0);
        // Both ends, as cursors.
        let (all, _) = history.ready(Place { frame: history.gone, bytes: 0 }, usize::MAX).expect("held");
        let ready = ring.ready(ring.oldest(), usize::MAX).expect("held");
        assert_eq!((ready.bytes.concat(), ready.next), (all, ring.live()));
        assert_eq!((ready.len(), ready.is_empty()), (ring.len(), ring.is_empty()));
    }
}

/// The IDs of one stream.
struct Ids {
    kind: usize,
    last: u64,
    epoch: u64,
    given: Vec<Vec<u8>>,
}

const ODD: [&[u8]; 16] = [
    b"",
    b" ",
    b"007",
    b"+7",
    b"-1",
    b"7-",
    b"7-07",
    b"1-2-3",
    b"18446744073709551615",
    b"18446744073709551616",
    b"99999999999999999999",
    b"x\xffy",
    b"0",
    b"0-7",
    b"id: 5",
    b"99-18446744073709551615",
];

impl Ids {
    /// An ID for the next frame: mostly in the way of its kind.
    fn next(&mut self, ring: &dyn AnyRing, choices: Choices<'_>) -> Option<Option<Vec<u8>>> {
        let id = match if choices(400)? == 0 { choices(8)? } else { self.kind } {
            _ if choices(4)? == 0 => return Some(None),
            0 => {
                self.last += [1, 1, 1, 0, 2, 9][choices(6)?];
                self.last.to_string().into_bytes()
            }
            1 => {
                self.last += [1, 1, 0, 3][choices(4)?];
                self.epoch += u64::from(choices(20)? == 0);
                format!("{}-{}", self.epoch, self.last).into_bytes()
            }
            2 => ring.next_id(self.epoch).as_ref().to_vec(),
            3 => vec![b'a' + choices(5)? as u8],
            // Numbers and text.
            4 if choices(2)? == 0 => vec![b'a' + choices(5)? as u8],
            4 => {
                self.last += [1, 0, 2][choices(3)?];
                self.last.to_string().into_bytes()
            }
            // Numbers without an order.
            5 => choices(30)?.to_string().into_bytes(),
            _ => ODD[choices(ODD.len())?].to_vec(),
        };
        let id = match choices(12)? {
            0 => [b" ", &id[..]].concat(),
            1 => [&id[..], b" \t"].concat(),
            _ => id,
        };
        self.given.push(id.clone());
        Some(Some(id))
    }

    /// An ID to come back with.
    fn wanted(&self, choices: Choices<'_>) -> Option<Vec<u8>> {
        let recent = |back: usize| self.given.iter().rev().nth(back).cloned().unwrap_or_default();
        Some(match choices(10)? {
            0 => b"".to_vec(),
            1 => ODD[choices(ODD.len())?].to_vec(),
            2 => (self.last.saturating_sub(choices(12)? as u64) + choices(3)? as u64).to_string().into_bytes(),
            3 => {
                let epoch = self.epoch - choices(3)? as u64;
                let last = (self.last + 3).saturating_sub(choices(40)? as u64);
                format!("{epoch}-{last}").into_bytes()
            }
            4 => [b"\t", &recent(choices(5)?)[..], b" "].concat(),
            5 => vec![b'a' + choices(7)? as u8],
            _ => recent(choices(12)?),
        })
    }
}

const TEXTS: [&str; 12] = [
    "",
    "x",
    "21.5",
    "a\nb",
    "\n",
    "\r\n\r\n",
    "id: 3",
    "\nid: 9\n\n",
    "a longer text, of one line",
    "\r",
    "é\r\nü",
    "{}",
];

fn push(
    ring: &mut dyn AnyRing,
    history: &mut History,
    ids: &mut Ids,
    choices: Choices<'_>,
    counts: &mut Counts,
) -> Option<()> {
    counts.pushes += 1;
    let gone = history.gone;
    let id = ids.next(ring, choices)?;
    let long = "long ".repeat(20);
    let text = if choices(25)? == 0 { &long } else { TEXTS[choices(TEXTS.len())?] };
    let mut frame = Frame::new();
    if let Some(id) = &id {
        frame = frame.id(&**id).expect("no line end");
    }
    let has = choices(64)?;
    if has % 16 == 1 {
        frame = frame.event_type(["t", "id: 5", ""][choices(3)?]).expect("no line end");
    }
    if has % 16 == 2 {
        frame = frame.retry(choices(1000)? as u64);
    }
    if has % 8 == 3 {
        frame = frame.comment(text);
    }
    if has > 20 {
        frame = frame.data(text);
    }
    if has > 50 {
        counts.formatted += 1;
        let wire: Vec<u8> = frame.data(text).parts().flatten().copied().collect();
        let result = if has == 63 {
            ring.push_fmt(&frame.data_fmt(format_args!("{}", Grows(text, Cell::new(false)))))
        } else {
            ring.push_fmt(&frame.data_fmt(format_args!("{text}")))
        };
        if wire.len() > history.capacity {
            counts.too_large += 1;
            let error = BufferTooSmall { needed: wire.len(), capacity: history.capacity };
            assert_eq!(result, Err(FormatError::BufferTooSmall(error)));
        } else if has == 63 {
            assert_eq!(result, Err(FormatError::Format));
            history.make_room(wire.len());
        } else {
            assert_eq!(result, Ok(()));
            history.push(wire, id.as_deref());
        }
    } else {
        let wire: Vec<u8> = frame.parts().flatten().copied().collect();
        let result = ring.push(&frame);
        if wire.len() > history.capacity {
            counts.too_large += 1;
            assert_eq!(result, Err(BufferTooSmall { needed: wire.len(), capacity: history.capacity }));
        } else {
            assert_eq!(result, Ok(()));
            if !wire.is_empty() {
                history.push(wire, id.as_deref());
            }
        }
    }
    counts.dropped += history.gone - gone;
    Some(())
}

fn since(
    ring: &dyn AnyRing,
    history: &History,
    ids: &Ids,
    cursor: &mut (Cursor, Place),
    choices: Choices<'_>,
    counts: &mut Counts,
) -> Option<()> {
    let wanted = ids.wanted(choices)?;
    let resume = ring.since(&wanted);
    let expected = history.since(&wanted);
    let text = || format!("{:?} of {:?}", wanted.escape_ascii().to_string(), ids.given);
    match (resume, expected) {
        (Resume::Start, Answer::Start) => {
            counts.start += 1;
            *cursor = (ring.live(), Place { frame: history.frames.len(), bytes: 0 });
        }
        (Resume::From(place), Answer::From(frame)) => {
            counts.from += 1;
            counts.from_live += usize::from(place == ring.live());
            counts.from_oldest += usize::from(place == ring.oldest());
            *cursor = (place, Place { frame, bytes: 0 });
        }
        (Resume::Gone, Answer::Gone) => counts.gone += 1,
        (Resume::Unknown, Answer::Unknown) => counts.unknown += 1,
        _ => panic!("{resume:?}, not {expected:?}: {}", text()),
    }
    Some(())
}

fn serve(
    ring: &dyn AnyRing,
    history: &History,
    (cursor, place): &mut (Cursor, Place),
    choices: Choices<'_>,
    counts: &mut Counts,
) -> Option<()> {
    let limit = match choices(4)? {
        0 => 0,
        1 => usize::MAX,
        _ => choices(150)?,
    };
    let result = ring.ready(*cursor, limit);
    assert_eq!(ring.check(*cursor).err(), result.err());
    match (result, history.ready(*place, limit)) {
        (Ok(ready), Ok((bytes, next))) => {
            counts.ready += 1;
            counts.wrapped += usize::from(!ready.bytes[1].is_empty());
            assert_eq!(ready.bytes.concat(), bytes);
            assert!(!ready.bytes[0].is_empty() || bytes.is_empty(), "the first slice comes first");
            // All of them, by both ways to say so.
            assert_eq!(ring.advance(*cursor, bytes.len()), Ok(ready.next));
            if choices(2)? == 0 {
                (*cursor, *place) = (ready.next, next);
                return Some(());
            }
            counts.partial += 1;
            let written = choices(bytes.len() + 2)?;
            *cursor = ring.advance(*cursor, written).expect("held");
            *place = history.advance(*place, written.min(history.ready(*place, usize::MAX).expect("held").0.len()));
            let wire = history.frames.get(place.frame).map_or(&b""[..], |frame| &frame.wire);
            counts.between_line_ends += usize::from(place.bytes + 1 == wire.len());
        }
        (Err(Lagged { missed, torn, oldest }), Err(expected)) => {
            counts.lagged += 1;
            counts.torn += usize::from(torn);
            assert_eq!((missed, torn), expected);
            assert_eq!(oldest, ring.oldest());
            let written = choices(2)?;
            assert_eq!(ring.advance(*cursor, written), Err(Lagged { missed, torn: torn || written > 0, oldest }));
            (*cursor, *place) = (oldest, Place { frame: history.gone, bytes: 0 });
        }
        (result, expected) => panic!("{result:?}, not {expected:?}"),
    }
    Some(())
}
