//! The capacity rule of `Parser`'s documentation, applied to complete lines.

use ssewire::{Field, Overflow, Parser, Storage};

use super::super::own;

/// The fate of one event: it is dispatched (the oracle knows its values), or it is too large.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// The number of the event among all that the standard dispatches, and the last event ID that it has.
    Event { number: usize, last_event_id: Vec<u8> },
    /// `needed` of the complete line; less may be reported when it comes in pieces. With the last event ID at that point.
    Overflow { field: Field, needed: usize, last_event_id: Option<Vec<u8>> },
}

#[derive(Debug)]
pub struct Model {
    pub fates: Vec<Fate>,
    pub last_event_id: Option<Vec<u8>>,
}

/// Applies the rule line by line: the last event ID, the unfinished event's type, ID and data, and the current line are
/// together not longer than the capacity. An event type takes the place of the one before; an ID does so only at the end
/// of its line. Of an event that is too large, only the ID still counts.
pub fn model(stream: &[u8], capacity: usize, initial: Option<&[u8]>) -> Model {
    let mut last_event_id = initial.map(<[u8]>::to_vec);
    let (mut event_type, mut id, mut data) = (0, None::<Vec<u8>>, None::<usize>);
    let mut skipping = false;
    let mut number = 0;
    // The standard dispatches an event at the blank line, even one that is too large here.
    let mut has_data = false;
    let mut fates = Vec::new();

    let (lines, rest) = super::lines(stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream));
    // The part of a line without its end can be too long as well.
    let cut_off = Some(rest).filter(|rest| rest.contains(&b':') && !super::field(rest).1.is_empty());
    for line in lines.into_iter().chain(cut_off) {
        if line.is_empty() {
            last_event_id = id.take().or(last_event_id);
            if data.is_some() && !skipping {
                fates.push(Fate::Event { number, last_event_id: last_event_id.clone().unwrap_or_default() });
            }
            number += usize::from(has_data);
            (event_type, data, skipping, has_data) = (0, None, false, false);
            continue;
        }
        let (name, value) = super::field(line);
        let held = last_event_id.as_ref().map_or(0, Vec::len) + id.as_ref().map_or(0, Vec::len);
        has_data |= name == b"data";
        let overflow = |field, needed| Fate::Overflow { field, needed, last_event_id: last_event_id.clone() };
        let too_large = match name {
            b"data" if !skipping => {
                let longer = data.map_or(value.len(), |before| before + 1 + value.len());
                data = Some(longer);
                let needed = held + event_type + longer;
                (needed > capacity).then(|| overflow(Field::Data, needed))
            }
            b"event" if !skipping => {
                event_type = value.len();
                let needed = held + event_type + data.unwrap_or(0);
                (needed > capacity).then(|| overflow(Field::Event, needed))
            }
            b"id" => {
                let nul = value.iter().position(|&byte| byte == 0);
                let needed = held + event_type + data.unwrap_or(0) + nul.unwrap_or(value.len());
                let too_large = needed > capacity;
                if too_large {
                    id = None;
                } else if nul.is_none() {
                    id = Some(value.to_vec());
                }
                (too_large && !skipping).then(|| overflow(Field::Id, needed))
            }
            _ => None,
        };
        if let Some(fate) = too_large {
            fates.push(fate);
            (event_type, data, skipping) = (0, None, true);
        }
    }
    Model { fates, last_event_id }
}

/// Reads `chunks` with a parser of `capacity` bytes, and checks everything that it reports: the events that fit are the
/// standard's, and each event that does not fit is reported once, in its place, with its field, and harms none after it.
pub fn check<S: Storage>(mut parser: Parser<S>, chunks: &[&[u8]], capacity: usize, initial: Option<&[u8]>) {
    let stream = chunks.concat();
    let model = model(&stream, capacity, initial);
    let parsed = super::parse(&stream, initial);
    let events = parsed.events();
    if let Some(id) = initial {
        parser.set_last_event_id(id).expect("room for the initial ID");
    }
    let mut fates = model.fates.iter();
    for chunk in chunks {
        let mut at = 0;
        loop {
            let input = &chunk[at..];
            let progress = parser.feed(input);
            at += progress.consumed;
            assert!(parser.unfinished().unwrap_or(0) <= capacity);
            match (progress.result, fates.as_slice().first()) {
                (Ok(None), _) => break,
                (Ok(Some(found)), Some(Fate::Event { number, last_event_id })) => {
                    let event = own(parser.event(found, input));
                    assert_eq!(&event.last_event_id, last_event_id);
                    // All else is the standard's; the ID may be another where one before it did not fit.
                    let mut expected = events[*number].clone();
                    expected.last_event_id.clone_from(&event.last_event_id);
                    assert_eq!(event, expected);
                    assert_eq!(parser.last_event_id().unwrap_or_default(), &last_event_id[..]);
                }
                (Err(overflow), Some(Fate::Overflow { field: expected, needed: largest, last_event_id })) => {
                    let Overflow { field, needed, capacity: reported } = overflow;
                    assert_eq!((field, reported), (*expected, capacity));
                    assert!(capacity < needed && needed <= *largest, "{capacity} < {needed} <= {largest}");
                    assert!(chunks.len() > 1 || needed == *largest, "the line was complete");
                    assert_eq!(parser.last_event_id(), last_event_id.as_deref(), "nothing is committed yet");
                }
                (result, fate) => panic!("{result:?}, where the model has {fate:?}"),
            }
            fates.next();
        }
        assert_eq!(at, chunk.len());
    }
    assert_eq!(fates.next(), None);
    assert_eq!(parser.last_event_id(), model.last_event_id.as_deref());
    assert_eq!(parser.reconnection_time_ms(), parsed.reconnection_time_ms);
}
