//! The ways through the builder: which of its functions an input passes, in order.
//!
//! A fast path changes no result, so no test of results notices that it is not taken. These tests do, without a clock.

extern crate std;

use std::cell::RefCell;
use std::string::String;
use std::vec::Vec;

use crate::Parser;
use crate::bytes::FAST;

std::thread_local! {
    static PASSED: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// Notes that a function was passed.
pub(super) fn pass(function: &'static str) {
    PASSED.with_borrow_mut(|passed| passed.push(function));
}

fn take() -> String {
    PASSED.take().join(" ")
}

/// Reads the chunks after a comment; returns the functions that each of them passed, and the number of events.
fn ways(capacity: usize, chunks: &[String]) -> (Vec<String>, usize) {
    let mut buffer = [0; 64];
    let mut parser = Parser::with_buffer(&mut buffer[..capacity]);
    let mut events = 0;
    let mut read = |chunk: &str| {
        let mut input = chunk.as_bytes();
        while let Some(event) = parser.next(&mut input).transpose() {
            events += usize::from(event.is_ok());
        }
        take()
    };
    read(":\n");
    (chunks.iter().map(|chunk| read(chunk)).collect(), events)
}

/// A row has a name, the capacity of the parser, the number of events, and each chunk, with `␤` and `␍` for the line ends, with
/// the functions that it passes. Every stream begins between two events.
macro_rules! table {
    ($($name:ident: $capacity:literal, $events:literal { $($chunk:literal: $way:literal)* })*) => {$(
        #[test]
        fn $name() {
            let chunks = [$($chunk.replace('␤', "\n").replace('␍', "\r")),*];
            let (ways, events) = ways($capacity, &chunks);
            if FAST {
                assert_eq!(ways, [$($way),*]);
            } else {
                let is_of_the_loop = |function: &str| matches!(function, "piece" | "head" | "field");
                assert!(ways.iter().flat_map(|way| way.split_whitespace()).all(is_of_the_loop), "{ways:?}");
            }
            assert_eq!(events, $events);
        }
    )*};
}

table! {
    one_line_of_data: 64, 2 { "data: a␤␤data:b␍␤␍␤": "" }
    an_event_type_and_an_id: 64, 2 { "event: t␤id: 1␤data: a␤␤id: 2␤data:b␤␤": "complete complete" }
    the_type_after_the_data: 64, 1 { "data: a␤event: t␤id: 1␤␤": "complete" }
    lines_of_data: 64, 1 { "data: a␤data: b␤data: c␤␤": "begin take_lines" }
    lines_of_data_after_a_type: 64, 1 { "event: t␤data: a␤data: b␤␤": "complete begin take_lines" }
    comments_before_an_event: 64, 1 { ": a␤␤:b␤data: a␤␤": "complete skip_comments complete" }
    comments_alone: 64, 0 { ": a␤␤": "complete skip_comments" ":␤␤": "complete skip_comments" }
    a_comment_in_pieces: 64, 0 {
        ": a": "complete skip_comments" "bb": "go_on_in_line" "c␤␤": "go_on_in_line skip_comments"
    }
    a_comment_cut_at_its_colon: 64, 0 {
        ":": "skip_comments" " ": "" "c␤␤": "go_on_in_line skip_comments"
    }
    data_in_pieces: 64, 1 { "data: a": "begin" "bb": "go_on_in_line" "c␤␤": "go_on_in_line" }
    data_in_pieces_after_an_id: 64, 1 {
        "id: 1␤data: a": "complete begin" "b␤data: c": "go_on_in_line take_lines" "d␤␤": "go_on_in_line"
    }
    data_cut_before_their_value: 64, 1 {
        "data:": "complete take_lines piece head" " ": "" "a␤␤": "go_on_in_line field"
    }
    data_cut_in_their_name: 64, 1 {
        "da": "complete take_lines piece head" "ta: a␤␤": "go_on_in_line head field"
    }
    cut_at_a_line: 64, 1 {
        "id: 1␤": "complete begin" "data: a␤": "go_on_in_line take_lines" "␤": "go_on_in_line"
    }
    cut_before_the_blank_line: 64, 1 { "data: a␤": "complete begin" "␤data: b␤": "go_on_in_line go_on_in_line complete begin" }
    cut_within_crlf: 64, 1 {
        "data: a␍": "complete take_lines piece field piece head" "␤␍": "go_on_in_line" "␤": "go_on_in_line"
    }
    an_unknown_line_in_pieces: 64, 0 {
        "x": "skip_comments piece head piece" "yy": "go_on_in_line" "z␤": "go_on_in_line"
    }
    bytes_of_data: 64, 1 {
        "d": "skip_comments" "a": "" "t": "" "a": "" ":": "" " ": "" "x": "go_on_in_line field"
        "y": "" "␤": "go_on_in_line" "␤": "go_on_in_line"
    }
    bytes_of_a_type_and_an_id: 64, 0 {
        "e": "skip_comments" "v": "" "e": "" "n": "" "t": "" ":": "" "t": "go_on_in_line head field"
        "␤": "go_on_in_line field" "i": "" "d": "" ":": "" "1": "go_on_in_line head field" "2": ""
        "␤": "go_on_in_line field" "␤": "go_on_in_line piece piece head"
    }
    bytes_of_a_comment: 64, 0 { ":": "skip_comments" " ": "" "x": "" "y": "" "␤": "go_on_in_line" }
    bytes_of_other_lines: 64, 0 {
        "r": "skip_comments" "e": "" "t": "" "r": "" "y": "" ":": "" "1": "go_on_in_line head piece piece"
        "2": "go_on_in_line piece piece" "␤": "go_on_in_line piece piece head"
        "x": "go_on_in_line take_lines piece head piece" "y": "" "z": "" "␤": "go_on_in_line"
    }
    bytes_of_data_that_are_too_large: 2, 1 {
        "data:ab": "begin" "c": "go_on_in_line piece field" "d": "go_on_in_line field"
        "␤␤data:a␤␤": "go_on_in_line field piece complete"
    }
    a_reconnection_time_first: 64, 1 { "retry: 5␤data: a␤␤": "complete take_lines piece head piece field" }
    an_unknown_line_first: 64, 1 { "x␤␤data: b␤␤": "complete take_lines piece head complete skip_comments complete" }
    an_id_with_nul: 64, 1 { "id: 1\0␤data: a␤␤": "complete take_lines field piece" }
    an_empty_value: 64, 2 {
        "data␤␤data:": "complete take_lines piece head field go_on_in_line complete take_lines piece head"
        "␤␤": "go_on_in_line head field"
    }
    an_id_in_pieces: 64, 1 {
        "id: 1": "complete take_lines field" "2␤data: a␤␤": "go_on_in_line field take_lines"
    }
    too_large: 4, 1 { "data: abcde␤␤data: a␤␤": "piece field go_on_in_line piece complete" }
    too_large_in_pieces: 4, 1 {
        "data: abc": "begin" "de": "go_on_in_line piece field" "f␤␤data: a␤␤": "go_on_in_line field piece complete"
    }
    too_large_by_lines: 4, 1 {
        "data: abc␤data: d␤␤data: a␤␤": "begin take_lines piece field go_on_in_line piece complete"
    }
}
