//! The replay ring: the table of answers to a last event ID, random calls beside a list of all frames, and threads that
//! resume.
//!
//! `SSEWIRE_REPLAY_OPERATIONS` is the number of random calls, `SSEWIRE_REPLAY_SEED` the first seed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;

use crate::common::cases;
use crate::history::{self, Counts};
use ssewire::replay::{Cursor, Gap, Lagged, Resume, Ring};
use ssewire::{BufferTooSmall, FormatError, Frame, GrowableBuffer, Parser, Storage};

const OPERATIONS: usize = 300_000;
/// Choices of each case: some 150 calls.
const CHOICES: usize = 1200;

fn number(name: &str) -> Option<usize> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[test]
fn random_calls_agree_with_a_list_of_all_frames() {
    let operations = number("SSEWIRE_REPLAY_OPERATIONS").unwrap_or(OPERATIONS);
    let first = number("SSEWIRE_REPLAY_SEED").unwrap_or(0) as u64;
    let mut counts = Counts::default();
    for seed in first.. {
        if counts.operations >= operations {
            break;
        }
        let mut of_case = Counts::default();
        let case = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut state = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            let mut left = CHOICES;
            let mut choices = |below: usize| {
                left = left.checked_sub(1)?;
                // xorshift64*
                state ^= state >> 12;
                state ^= state << 25;
                state ^= state >> 27;
                Some((state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as usize % below)
            };
            history::run(&mut choices, &mut of_case);
        }));
        if let Err(panic) = case {
            eprintln!("SSEWIRE_REPLAY_SEED={seed} SSEWIRE_REPLAY_OPERATIONS=1 runs the case alone");
            std::panic::resume_unwind(panic);
        }
        counts.add(of_case);
    }
    println!("{counts:?}");
    if operations >= OPERATIONS {
        counts.check(2000);
    }
}

// ---- the table of answers ----

/// Returns the ID of a word, in which `~` stands for a space, and `^` for a byte that is not UTF-8.
fn id(word: &str) -> Vec<u8> {
    let byte = |byte| match byte {
        b'~' => b' ',
        b'^' => 0xff,
        _ => byte,
    };
    word.bytes().map(byte).collect()
}

fn wire(word: &str) -> Vec<u8> {
    frame(word, &id(word)).to_vec()
}

/// Returns the frame of a word: one with this ID, `.` for data without one, `:` for a comment, `_` for an empty ID.
fn frame<'w>(word: &'w str, id: &'w [u8]) -> Frame<'w> {
    match word {
        "." => Frame::new().data(word),
        ":" => Frame::new().comment("keep-alive"),
        "_" => Frame::new().id("").unwrap().data("clear"),
        _ => Frame::new().id(id).unwrap().data(word),
    }
}

fn words(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}

/// The last `held` of the frames `pushed` are held. The frames `Ok` are sent to a client with the ID `wanted`.
fn answers(pushed: &str, held: usize, wanted: &str, expected: Result<&str, Resume>) {
    let capacity = words(pushed).rev().take(held).map(|word| wire(word).len()).sum();
    let mut memory = vec![0xaa; capacity];
    answer(Ring::new(&mut memory[..]), pushed, held, wanted, expected);
    answer(Ring::<_, 1>::with_marks(&mut memory[..]), pushed, held, wanted, expected);
    answer(Ring::<_, 64>::with_marks(&mut memory[..]), pushed, held, wanted, expected);
    answer(Ring::new(GrowableBuffer::new(capacity)), pushed, held, wanted, expected);
}

fn answer<S: Storage, const MARKS: usize>(
    mut ring: Ring<S, MARKS>,
    pushed: &str,
    held: usize,
    wanted: &str,
    expected: Result<&str, Resume>,
) {
    for word in words(pushed) {
        ring.push(&frame(word, &id(word))).unwrap();
    }
    let skipped = words(pushed).count() - held;
    let all: Vec<u8> = words(pushed).skip(skipped).flat_map(wire).collect();
    assert_eq!(ring.ready(ring.oldest(), usize::MAX).unwrap().bytes.concat(), all, "the last {held} are held");
    match (ring.since(wanted.as_bytes()), expected) {
        (Resume::From(cursor), Ok(sent)) => {
            let sent: Vec<u8> = words(sent).flat_map(wire).collect();
            assert_eq!(ring.ready(cursor, usize::MAX).unwrap().bytes.concat(), sent);
        }
        (resume, expected) => assert_eq!(Err(resume), expected),
    }
}

const START: Result<&str, Resume> = Err(Resume::Start);
const GONE: Result<&str, Resume> = Err(Resume::Gone);
const UNKNOWN: Result<&str, Resume> = Err(Resume::Unknown);
const NOTHING: Result<&str, Resume> = Ok("");

cases! { answers {
    // A client that missed nothing gets nothing.
    newest_number_in_a_ring_with_room: "1 2 3", 3, "3", NOTHING;
    newest_text_in_a_ring_with_room: "a b c", 3, "c", NOTHING;
    newest_number_after_the_ring_wrapped: "1 2 3 4 5", 3, "5", NOTHING;
    newest_text_after_the_ring_wrapped: "a b c d e", 3, "e", NOTHING;
    newest_pair_after_the_ring_wrapped: "1-1 1-2 1-3 2-1", 2, "2-1", NOTHING;
    newest_number_and_no_other: "1", 1, "1", NOTHING;
    newest_text_and_no_other: "a", 1, "a", NOTHING;
    newest_number_in_a_ring_of_one_frame: "1 2 3", 1, "3", NOTHING;
    newest_text_in_a_ring_of_one_frame: "a b c", 1, "c", NOTHING;

    no_id: "1 2 3", 2, "", START;
    no_id_in_an_empty_ring: "", 0, "", START;
    an_id_of_spaces: "1 2 3", 2, " \t ", START;
    a_number_in_an_empty_ring: "", 0, "3", UNKNOWN;
    zero_in_an_empty_ring: "", 0, "0", UNKNOWN;
    a_text_in_an_empty_ring: "", 0, "c", UNKNOWN;
    a_number_in_a_ring_without_ids: ". . :", 2, "3", UNKNOWN;
    a_cleared_id: "1 _ 2", 3, "1", Ok("_ 2");

    held_number: "1 2 3 4", 3, "2", Ok("3 4");
    held_text: "a b c d", 3, "b", Ok("c d");
    oldest_number: "1 2 3 4", 2, "3", Ok("4");
    oldest_text: "a b c d", 2, "c", Ok("d");

    frames_without_an_id_after_it: "1 . : 2 .", 5, "1", Ok(". : 2 .");
    frames_without_an_id_after_the_newest: "1 2 . :", 3, "2", Ok(". :");
    frames_without_an_id_after_a_text: "a . : b", 4, "a", Ok(". : b");

    the_same_text_in_a_row: "a b b b c", 5, "b", Ok("b b c");
    the_same_text_with_others_without_an_id_in_between: "a b . b c", 5, "b", Ok(". b c");
    the_same_text_apart: "b c b b d", 5, "b", Ok("b d");
    the_same_number_in_a_row: "1 2 2 3", 4, "2", Ok("2 3");
    the_same_number_apart: "1 2 x 2 3", 5, "2", Ok("3");
    a_row_of_text_whose_first_is_gone: "b b c", 2, "b", Ok("b c");
    a_row_of_numbers_whose_first_is_gone: "2 2 3", 2, "2", Ok("2 3");
    a_row_of_text_of_which_more_is_gone: "b b b c", 2, "b", UNKNOWN;
    a_row_of_numbers_of_which_more_is_gone: "2 2 2 3", 2, "2", GONE;
    a_row_of_text_with_data_gone: "b . b c", 2, "b", UNKNOWN;
    a_row_of_numbers_with_data_gone: "2 . 2 3", 2, "2", GONE;
    a_row_that_is_gone_and_one_that_is_not: "b x b c", 2, "b", Ok("c");

    a_number_between_two: "1 5 9", 3, "7", Ok("9");
    a_number_between_two_and_data: "1 5 . 9", 4, "7", Ok(". 9");
    a_number_between_the_last_gone_and_the_oldest: "1 5 9", 1, "7", Ok("9");
    a_number_between_the_last_two_gone_and_the_oldest: "5 5 9", 1, "7", Ok("9");
    a_number_between_two_that_are_gone: "1 5 9", 1, "3", GONE;
    a_number_between_two_with_data_gone: "1 5 . 9", 1, "7", GONE;
    a_number_between_two_with_text_gone: "1 5 x 9", 1, "7", GONE;

    a_number_just_dropped: "1 2 3", 2, "1", Ok("2 3");
    a_number_just_dropped_before_data: "1 . 2", 2, "1", Ok(". 2");
    a_number_dropped_with_data_after_it: "1 . 2 3", 2, "1", GONE;
    a_number_dropped_before_another: "1 2 3 4", 2, "1", GONE;
    a_number_just_dropped_and_no_other_held: "1 2 . .", 2, "2", Ok(". .");
    a_smaller_number_and_no_other_held: "1 2 . .", 2, "1", GONE;
    a_larger_number_and_no_other_held: "1 2 . .", 2, "3", UNKNOWN;
    a_number_smaller_than_all: "4 5 6", 3, "3", GONE;
    a_number_larger_than_all: "4 5 6", 2, "7", UNKNOWN;

    a_text_just_dropped: "a b c", 2, "a", UNKNOWN;
    a_text_never_seen: "a b c", 2, "x", UNKNOWN;
    a_text_beside_numbers: "1 2 3", 2, "x", UNKNOWN;
    a_number_beside_text: "a 1 b 3 c", 5, "1", Ok("b 3 c");
    a_number_between_two_beside_text: "a 1 b 3 c", 5, "2", Ok("b 3 c");
    a_text_between_numbers: "a 1 b 3 c", 5, "b", Ok("3 c");
    a_number_among_text: "a b c", 3, "2", UNKNOWN;

    zeros_in_front_are_text: "7 8 9", 3, "007", UNKNOWN;
    zeros_in_front_as_they_are: "007 008", 2, "007", Ok("008");
    a_sign_is_text: "7 8 9", 3, "+7", UNKNOWN;
    a_minus_is_text: "7 8 9", 3, "-7", UNKNOWN;
    half_a_pair_is_text: "7 8 9", 3, "7-", UNKNOWN;
    three_numbers_are_text: "1-7 1-8", 2, "1-7-0", UNKNOWN;
    the_largest_number: "1 18446744073709551614 18446744073709551615", 3, "18446744073709551614",
        Ok("18446744073709551615");
    a_larger_number_is_text: "18446744073709551616 18446744073709551617", 2, "18446744073709551616",
        Ok("18446744073709551617");
    a_larger_number_has_no_order: "1 2 3", 3, "18446744073709551616", UNKNOWN;
    a_much_larger_number_has_no_order: "1 2 3", 3, "99999999999999999999", UNKNOWN;
    zero: "0 1", 2, "0", Ok("1");

    a_pair: "3-1 3-2 4-1", 3, "3-2", Ok("4-1");
    a_pair_between_two: "3-1 3-2 4-1", 3, "3-9", Ok("4-1");
    a_pair_of_an_older_epoch: "3-1 3-2 3-3", 3, "2-900", GONE;
    a_pair_of_a_newer_epoch: "3-1 3-2 3-3", 3, "4-0", UNKNOWN;
    a_single_number_is_older_than_a_pair: "3-1 3-2 3-3", 3, "900", GONE;
    a_single_number_is_a_pair_of_zero: "5 6", 2, "0-5", Ok("6");
    the_largest_pair_but_one: "1 18446744073709551615-18446744073709551614", 1, "1", Ok("18446744073709551615-18446744073709551614");
    // As documented: only an epoch helps.
    a_count_that_began_again: "400 401 600", 3, "500", Ok("600");

    numbers_without_an_order_are_text: "5 3 9", 3, "3", Ok("9");
    the_first_of_numbers_without_an_order: "5 3 9", 3, "5", Ok("3 9");
    a_number_between_numbers_without_an_order: "5 3 9", 3, "4", UNKNOWN;
    a_number_gone_among_numbers_without_an_order: "5 3 9 10", 2, "3", UNKNOWN;

    spaces_around_the_id_that_is_asked_for: "a b c", 3, "\t b ", Ok("c");
    spaces_around_the_id_that_is_held: "~a~ b", 2, "a", Ok("b");
    spaces_around_a_number_that_is_held: "~1 2", 2, "1", Ok("2");
    spaces_in_the_id: "a~a b", 2, "a a", Ok("b");
    spaces_alone_in_the_ring: "a ~~ b", 3, "a", Ok("~~ b");
    not_utf8_comes_back_as_a_replacement: "x^y b", 2, "x\u{fffd}y", UNKNOWN;
    a_line_end_in_the_id: "a b", 2, "a\ndata: a", UNKNOWN;
} }

/// No data makes a place or an ID that is not one.
#[test]
fn data_like_an_id() {
    let mut ring = Ring::new([0; 256]);
    let like = "id: 9\n\nid: 9\r\rid: 9\r\n\r\n";
    ring.push(&Frame::new().comment(like).id("1").unwrap().event_type("id: 9").unwrap().data(like)).unwrap();
    ring.push(&Frame::new().id("x").unwrap()).unwrap();
    assert_eq!(ring.since(b"9"), Resume::Unknown);
    assert_eq!(ring.ready(ring.oldest(), 0).unwrap().len(), ring.len() - "id: x\n\n".len());
}

// ---- frames that do not fit ----

#[test]
fn a_frame_that_is_too_large_drops_nothing() {
    let mut ring = Ring::new([0; 22]);
    ring.push(&Frame::new().data("a")).unwrap();
    ring.push(&Frame::new().data("b")).unwrap();
    let large = "x".repeat(15);
    let error = BufferTooSmall { needed: 23, capacity: 22 };
    assert_eq!(ring.push(&Frame::new().data(&large)), Err(error));
    assert_eq!(ring.push_fmt(&Frame::new().data_fmt(format_args!("{large}"))), Err(FormatError::BufferTooSmall(error)));
    assert_eq!(ring.ready(ring.oldest(), usize::MAX).unwrap().bytes.concat(), b"data: a\n\ndata: b\n\n");
    ring.push(&Frame::new().data(&large[1..])).unwrap();
    assert_eq!(ring.len(), 22);
}

#[test]
fn a_ring_without_memory() {
    let mut ring = Ring::new([0; 0]);
    assert_eq!(ring.push(&Frame::new()), Ok(()), "nothing to hold");
    assert_eq!(ring.push(&Frame::new().data("")), Err(BufferTooSmall { needed: 8, capacity: 0 }));
    assert_eq!((ring.len(), ring.oldest()), (0, ring.live()));
    assert!(ring.ready(ring.live(), usize::MAX).unwrap().is_empty());
}

#[test]
fn a_display_that_fails_or_panics_leaves_the_ring_usable() {
    struct Fails(bool);
    impl std::fmt::Display for Fails {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            assert!(!self.0);
            Err(std::fmt::Error)
        }
    }
    let mut ring = Ring::new([0; 32]);
    ring.push(&Frame::new().data("a")).unwrap();
    assert_eq!(ring.push_fmt(&Frame::new().data_fmt(format_args!("{}", Fails(false)))), Err(FormatError::Format));
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        ring.push_fmt(&Frame::new().data_fmt(format_args!("{}", Fails(true))))
    }));
    assert!(panic.is_err());
    assert_eq!(ring.ready(ring.oldest(), usize::MAX).unwrap().bytes.concat(), b"data: a\n\n");
}

// ---- cursors ----

#[test]
fn sizes() {
    assert!(size_of::<Cursor>() <= 24);
    assert!(size_of::<Ring<[u8; 0]>>() <= 136);
    assert!(size_of::<Ring<[u8; 0], 64>>() - size_of::<Ring<[u8; 0]>>() <= 64 * 32);
}

/// A blank line in two writes, and a line end before it.
#[test]
fn a_frame_in_two_writes() {
    let wire = b"data: a\ndata: \ndata: b\n\n";
    for at in 0..=wire.len() {
        let mut ring = Ring::new([0; 64]);
        ring.push(&Frame::new().data("a\n\nb")).unwrap();
        ring.push(&Frame::new().data("c")).unwrap();
        let cursor = ring.advance(ring.oldest(), at).unwrap();
        let rest = ring.ready(cursor, 0).unwrap();
        let expected = if at < wire.len() { &wire[at..] } else { b"data: c\n\n" };
        assert_eq!(rest.bytes.concat(), expected, "after {at}");
        // Written in part, it is torn when it is gone; with all of it written, nothing is missed.
        ring.push(&Frame::new().data(&"x".repeat(56))).unwrap();
        let (missed, torn) = (if at < wire.len() { 2 } else { 1 }, at % wire.len() > 0);
        assert_eq!(ring.check(cursor), Err(Lagged { missed, torn, oldest: ring.oldest() }));
    }
}

#[test]
fn the_default_cursor_is_before_everything() {
    let mut ring = Ring::new([0; 16]);
    assert_eq!(ring.check(Cursor::default()), Ok(()));
    for n in 0..5 {
        ring.push_fmt(&Frame::new().data_fmt(format_args!("{n}"))).unwrap();
    }
    assert_eq!(ring.check(Cursor::default()), Err(Lagged { missed: 4, torn: false, oldest: ring.oldest() }));
}

/// Unspecified, but no panic.
#[test]
fn a_cursor_of_another_ring() {
    let mut one = Ring::new([0; 64]);
    let mut other = Ring::new([0; 20]);
    for n in 0..30 {
        one.push_fmt(&Frame::new().data_fmt(format_args!("{n}"))).unwrap();
        let inside = one.advance(one.oldest(), 3).unwrap();
        for cursor in [one.oldest(), one.live(), inside] {
            for limit in [0, 1, 10, usize::MAX] {
                assert!(
                    other.ready(cursor, limit).is_ok_and(|ready| ready.len() <= 20) || other.check(cursor).is_err()
                );
                let _ = other.advance(cursor, limit);
            }
        }
        if n % 3 == 0 {
            other.push_fmt(&Frame::new().id("7").unwrap().data_fmt(format_args!("{n}"))).unwrap();
        }
    }
}

#[test]
fn gaps() {
    let lagged = Lagged { missed: u64::MAX, torn: false, oldest: Cursor::default() };
    assert_eq!(Gap::from(lagged).frame().to_string(), "event: gap\ndata: 18446744073709551615\n\n");
    assert_eq!(Gap::new(Some(0)).frame().to_string(), "event: gap\ndata: 0\n\n");
    assert_eq!(lagged.to_string(), "18446744073709551615 frames missed");
    assert_eq!(
        Lagged { torn: true, missed: 2, ..lagged }.to_string(),
        "2 frames missed, the first of them written in part"
    );
    assert_eq!(format!("{:?}", Gap::new(None)), r#"Gap("unknown")"#);
}

#[test]
fn ids_of_the_ring() {
    let mut ring = Ring::new([0; 64]);
    assert_eq!(ring.next_id(u64::MAX).to_string(), "18446744073709551615-1");
    ring.push(&Frame::new().comment("counts")).unwrap();
    let id = ring.next_id(0);
    assert_eq!((id.to_string(), id.as_ref()), ("0-2".to_string(), &b"0-2"[..]));
    assert_eq!(format!("{id:?}"), r#"RingId("0-2")"#);
    assert_eq!(Frame::new().ring_id(&id), Frame::new().id("0-2").unwrap());
}

#[test]
fn debug_shows_no_contents_of_a_ring() {
    let mut ring = Ring::new([0; 64]);
    ring.push(&Frame::new().data("secret")).unwrap();
    let text = format!("{ring:?}");
    assert!(text.starts_with("Ring { capacity: 64, len: 14, oldest: Cursor") && !text.contains("secret"), "{text}");
    let text = format!("{:?}", ring.ready(ring.oldest(), 0).unwrap());
    assert!(text.starts_with(r#"Ready { bytes: ["data: secret\n\n", ""], next: Cursor"#), "{text}");
}

// ---- threads ----

const EVENTS: u64 = 20_000;
const CLIENTS: usize = 3;

/// What one client got: the numbers of events, or how many it was told that it missed.
enum Got {
    Event(u64),
    Missed(Option<u64>),
    /// A connection begins. What an earlier one was told after its last event is told again.
    Connected,
}

#[derive(Debug, PartialEq)]
enum Fault {
    Doubled(u64),
    Lost(u64),
    WrongCount(u64),
}

/// Each event once, or the exact number missed if it is known.
fn check(got: &[Got]) -> Result<(), Fault> {
    let mut next = 1;
    let mut missed = Some(0);
    for got in got {
        match *got {
            Got::Connected => missed = Some(0),
            Got::Missed(more) => missed = missed.zip(more).map(|(missed, more)| missed + more),
            Got::Event(number) if number < next => return Err(Fault::Doubled(number)),
            Got::Event(number) => {
                match missed {
                    Some(0) if number > next => return Err(Fault::Lost(next)),
                    Some(missed) if number != next + missed => return Err(Fault::WrongCount(number)),
                    _ => {}
                }
                (next, missed) = (number + 1, Some(0));
            }
        }
    }
    assert_eq!(next, EVENTS + 1, "all of it");
    Ok(())
}

/// Reads the events of one connection.
fn read(parser: &mut Parser<[u8; 128]>, wire: &[u8], got: &mut Vec<Got>) {
    let mut input = wire;
    while let Some(event) = parser.next(&mut input).unwrap() {
        let number = std::str::from_utf8(event.data()).unwrap().parse().ok();
        got.push(if event.event_type() == b"gap" { Got::Missed(number) } else { Got::Event(number.unwrap()) });
    }
}

#[test]
fn clients_that_resume_get_each_event_once() {
    let ring = Mutex::new(Ring::<[u8; 2048], 8>::with_marks([0; 2048]));
    let resumed = AtomicU64::new(0);
    let gaps = AtomicU64::new(0);
    thread::scope(|scope| {
        for client in 0..CLIENTS as u64 {
            let (ring, resumed, gaps) = (&ring, &resumed, &gaps);
            scope.spawn(move || {
                let mut parser = Parser::<[u8; 128]>::new();
                let mut got = Vec::new();
                let mut round = client;
                while !matches!(got.last(), Some(Got::Event(EVENTS))) {
                    let id = parser.last_event_id().unwrap_or_default().to_vec();
                    parser.reset();
                    let mut wire = Vec::new();
                    let mut cursor = {
                        let ring = ring.lock().unwrap();
                        match ring.since(&id) {
                            // The first connection begins with what is held.
                            Resume::Start => Cursor::default(),
                            Resume::From(cursor) => cursor,
                            Resume::Gone => {
                                wire.extend(Gap::new(None).frame().to_string().into_bytes());
                                ring.oldest()
                            }
                            Resume::Unknown => panic!("it was pushed"),
                        }
                    };
                    // Some chunks until the connection breaks.
                    for _ in 0..round % 5 {
                        let limit = [0, 100, 700, usize::MAX][round as usize % 4];
                        let ring = ring.lock().unwrap();
                        match ring.ready(cursor, limit) {
                            Ok(ready) => {
                                wire.extend(ready.bytes.concat());
                                cursor = ready.next;
                            }
                            Err(lagged) => {
                                assert!(!lagged.torn);
                                wire.extend(Gap::from(lagged).frame().to_string().into_bytes());
                                cursor = lagged.oldest;
                            }
                        }
                        drop(ring);
                        thread::yield_now();
                    }
                    got.push(Got::Connected);
                    read(&mut parser, &wire, &mut got);
                    resumed.fetch_add(1, Ordering::Relaxed);
                    round += 1;
                }
                assert_eq!(check(&got), Ok(()), "client {client}");
                gaps.fetch_add(
                    got.iter().filter(|got| matches!(got, Got::Missed(_))).count() as u64,
                    Ordering::Relaxed,
                );
            });
        }
        for number in 1..=EVENTS {
            let mut ring = ring.lock().unwrap();
            let id = ring.next_id(3);
            ring.push_fmt(&Frame::new().ring_id(&id).data_fmt(format_args!("{number}"))).unwrap();
            drop(ring);
            if number % 8 == 0 {
                thread::yield_now();
            }
        }
    });
    let (resumed, gaps) = (resumed.into_inner(), gaps.into_inner());
    println!("{resumed} resumptions, {gaps} gaps");
    assert!(resumed > CLIENTS as u64, "they came again");
}

/// The usual shape, with a list to replay from and a channel that is live. A client that subscribes first gets an event from
/// both, one that replays first from none. `check` notices both.
#[test]
fn two_sources_double_and_lose_events_which_is_noticed() {
    for (subscribes_first, expected) in [(true, Fault::Doubled(2)), (false, Fault::Lost(2))] {
        let list = Mutex::new(Vec::new());
        let subscribers: Mutex<Vec<mpsc::Sender<u64>>> = Mutex::new(Vec::new());
        let publish = |number| {
            list.lock().unwrap().push(number);
            subscribers.lock().unwrap().iter().for_each(|subscriber| subscriber.send(number).unwrap());
        };
        let subscribe = || {
            let (sender, receiver) = mpsc::channel();
            subscribers.lock().unwrap().push(sender);
            receiver
        };
        let replay = || list.lock().unwrap().clone();
        publish(1);
        let at_the_seam = std::sync::Barrier::new(2);
        let got = thread::scope(|scope| {
            let client = scope.spawn(|| {
                let pass = || (at_the_seam.wait(), at_the_seam.wait());
                let (live, replayed) = if subscribes_first {
                    let live = subscribe();
                    pass();
                    (live, replay())
                } else {
                    let replayed = replay();
                    pass();
                    (subscribe(), replayed)
                };
                at_the_seam.wait();
                replayed
                    .into_iter()
                    .chain(live.into_iter().take_while(|number| *number <= EVENTS))
                    .map(Got::Event)
                    .collect::<Vec<_>>()
            });
            at_the_seam.wait();
            publish(2);
            at_the_seam.wait();
            at_the_seam.wait();
            (3..=EVENTS + 1).for_each(publish);
            client.join().unwrap()
        });
        assert_eq!(check(&got), Err(expected));
    }
}

#[test]
fn an_id_that_is_a_number_is_found_as_its_digits() {
    let mut ring = Ring::new([0; 64]);
    for number in [7, u64::MAX] {
        ring.push(&Frame::new().id_number(number).data("x")).unwrap();
    }
    let behind_the_first = ring.since(b"7");
    let Resume::From(cursor) = behind_the_first else { panic!("{behind_the_first:?}") };
    let rest = ring.ready(cursor, usize::MAX).unwrap().bytes.concat();
    assert_eq!(rest, format!("id: {}\ndata: x\n\n", u64::MAX).into_bytes());
    assert_eq!(ring.since(u64::MAX.to_string().as_bytes()), Resume::From(ring.live()));
    assert_eq!(ring.since(b"3"), Resume::Gone);
}

#[test]
fn a_lag_prints_its_number() {
    let mut ring = Ring::new([0; 32]);
    let cursor = ring.live();
    for _ in 0..12 {
        ring.push(&Frame::new().data("0123456789")).unwrap();
    }
    let lagged = ring.ready(cursor, usize::MAX).unwrap_err();
    assert_eq!(lagged.missed, 11);
    assert!(lagged.to_string().contains("11"), "{lagged}");
}

#[test]
fn a_display_that_fails_the_second_time_adds_nothing() {
    struct Once(std::cell::Cell<bool>);
    impl std::fmt::Display for Once {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("x")?;
            if self.0.replace(true) { Err(std::fmt::Error) } else { Ok(()) }
        }
    }
    let mut ring = Ring::new([0; 64]);
    let once = Once(std::cell::Cell::new(false));
    assert_eq!(ring.push_fmt(&Frame::new().data_fmt(format_args!("{once}"))), Err(FormatError::Format));
    assert!(ring.is_empty());
    ring.push(&Frame::new().data("y")).unwrap();
    assert_eq!(ring.ready(ring.oldest(), usize::MAX).unwrap().bytes.concat(), b"data: y\n\n");
}
