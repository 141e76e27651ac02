//! The runner of the conformance vectors, against parsers and writers that are wrong on purpose.

use std::collections::HashSet;
use std::convert::Infallible;
use std::fmt::Write;

use crate::wrong::{parsers, writers};
use ssewire::conformance::{Failure, Outcome, check_parser, check_writer, parse_vectors, write_vectors};

/// The chunkings that the runner documents.
#[test]
fn the_runner_splits_as_it_says() {
    let by_len = |range: std::ops::Range<usize>| {
        let mut vectors = parse_vectors();
        vectors.retain(|vector| range.contains(&vector.input.len()) && vector.chunks.is_some());
        vectors.swap_remove(0)
    };
    for (range, ways) in [(8..13, (|n| 1 << (n - 1)) as fn(usize) -> usize), (13..201, |n| n - 1), (201..9999, |_| 0)] {
        let vector = by_len(range);
        let mut seen: Vec<Vec<usize>> = Vec::new();
        let passed = vector.check(|case| {
            assert_eq!(case.chunks.concat(), vector.input);
            seen.push(case.chunks.iter().map(|chunk| chunk.len()).collect());
            parsers::parse(&parsers::RIGHT, case)
        });
        let n = vector.input.len();
        assert_eq!((passed.unwrap().runs, seen.len()), (12 + ways(n), 12 + ways(n)), "{}", vector.name);
        assert_eq!(seen[0], [n]);
        assert_eq!(seen[1], [0, n, 0]);
        assert_eq!(seen[2], vec![1; n]);
        assert!(seen.contains(vector.chunks.as_ref().unwrap()), "its own chunks");
        if ways(n) > 0 {
            assert!((1..n).all(|at| seen.contains(&vec![at, n - at])), "every split in two");
            assert_eq!(seen[12..].iter().collect::<HashSet<_>>().len(), ways(n), "no way twice");
        }
    }

    let mut seen = Vec::new();
    let vectors = parse_vectors();
    let long = vectors.iter().find(|vector| vector.name == "own-long-line-data").unwrap();
    let passed = long.check(|case| {
        seen.push(case.chunks.iter().map(|chunk| chunk.len()).max());
        parsers::parse(&parsers::RIGHT, case)
    });
    assert_eq!(passed.unwrap().runs, 10);
    assert_eq!(seen[2..], [61, 61, 1460, 1460, 4096, 4096, 65536, 65536].map(Some), "no small chunks");
}

#[test]
fn the_rules_that_the_wrong_ones_change_are_right() {
    check_parser(|case| parsers::parse(&parsers::RIGHT, case)).unwrap();
    check_writer(|write| writers::write(&writers::RIGHT, write)).unwrap();
}

#[test]
fn the_runner_catches_every_wrong_parser() {
    let mut vectors = parse_vectors();
    // The same ones catch it, but short ones sooner, and those that were written for one mistake.
    vectors.sort_by_key(|vector| (vector.input.len() > 2000, vector.source != "own"));
    assert_all_are_caught(parsers::WRONG, |rules| {
        vectors.iter().find_map(|vector| vector.check(|case| parsers::parse(rules, case)).err())
    });
}

#[test]
fn the_runner_catches_every_wrong_writer() {
    let vectors = write_vectors();
    assert_all_are_caught(writers::WRONG, |rules| {
        vectors.iter().find_map(|vector| vector.check(|write| writers::write(rules, write)).err())
    });
}

fn assert_all_are_caught<R>(wrong: &[(&str, R)], check: impl Fn(&R) -> Option<Failure>) {
    let mut passed = Vec::new();
    for (name, rules) in wrong {
        match check(rules) {
            Some(failure) => {
                assert_ne!(failure.expected, failure.actual, "{name}");
                println!("{name}: {}, {}", failure.vector, failure.difference);
            }
            None => passed.push(name),
        }
    }
    assert!(passed.is_empty(), "not caught: {passed:?}");
    let names: HashSet<_> = wrong.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), wrong.len(), "each has a name of its own");
}

/// A failure prints all of its fields, and a long value in part.
#[test]
fn failures_are_readable() {
    let vectors = parse_vectors();
    let decodes_each_chunk = parsers::WRONG.iter().find(|(name, _)| *name == "decodes each chunk").unwrap();
    let failure = check_parser(|case| parsers::parse(&decodes_each_chunk.1, case)).unwrap_err();
    let vector = vectors.iter().find(|vector| *vector.name == *failure.vector).unwrap();
    assert_eq!(failure.chunks.iter().sum::<usize>(), vector.input.len());
    let text = failure.to_string();
    assert_eq!(text, format!("{failure:?}"), "a failed `unwrap` prints the same");
    for part in [&failure.vector, &failure.source, &failure.difference, &failure.expected, &failure.actual] {
        assert!(text.contains(&**part), "{text}");
    }
    assert!(text.contains("chunks:   ") && text.contains("stream:   \""), "{text}");
    assert!(!text.contains("bytes more"), "all of a short stream is shown: {text}");

    let failure = check_parser(|_| Err::<Outcome, _>("out of coffee")).unwrap_err();
    assert_eq!((&failure.difference[..], &failure.actual[..]), ("the parser failed", "out of coffee"));

    let long = vectors.iter().max_by_key(|vector| vector.input.len()).unwrap();
    let failure = long.check(|_| Ok::<_, Infallible>(Outcome::default())).unwrap_err();
    let text = failure.to_string();
    assert!(text.len() < 3000 && text.contains(" bytes more"), "long values are shortened: {text}");
}

/// A result that a vector does not state must not depend on the chunking.
#[test]
fn the_runner_compares_chunkings_with_each_other() {
    let vectors = parse_vectors();
    let vector = vectors.iter().find(|vector| vector.comments.is_none() && vector.input.len() > 20).unwrap();
    type Set = fn(&mut Outcome, Vec<String>);
    let fields: [(&str, Set); 2] = [
        ("comments", |outcome, lines| outcome.comments = Some(lines)),
        ("unknown lines", |outcome, lines| outcome.unknown = Some(lines)),
    ];
    for (field, set) in fields {
        let failure = vector.check(|case| {
            let mut outcome = parsers::parse(&parsers::RIGHT, case)?;
            set(&mut outcome, vec!["x".to_string(); case.chunks.len()]);
            Ok::<_, Infallible>(outcome)
        });
        assert_eq!(&*failure.unwrap_err().difference, field);
    }
}

/// A writer's frame is read as the first of a stream, and after another one.
#[test]
fn the_runner_reads_a_frame_twice() {
    let vectors = write_vectors();
    let vector = vectors.iter().find(|vector| vector.name == "w-plain").unwrap();
    let right = b"event: eventType1\ndata: data1\n\n";
    vector.check(|_| Ok::<_, Infallible>(right.to_vec())).unwrap();
    for (before, position) in [("id: 7\n", "event 1 of 2"), ("id:\n", "event 2 of 3"), ("\u{feff}", "event 2 of 3")] {
        let written = [before.as_bytes(), right].concat();
        let failure = vector.check(|_| Ok::<_, Infallible>(written.clone())).unwrap_err();
        assert_eq!(*failure.difference, *position, "{failure}");
        assert!(failure.input.windows(written.len()).any(|part| part == written), "{failure}");
    }
}

/// A failure prints all that is needed to reproduce it, but not megabytes.
#[test]
fn a_failure_is_printed() {
    let vector = parse_vectors().swap_remove(0);
    let mut failure = vector.check(|_| Ok::<_, Infallible>(Outcome::default())).unwrap_err();
    assert!(failure.to_string().ends_with("bytes"), "{failure}");
    failure.input = vec![b'\n'; 1000].into();
    assert!(failure.to_string().contains("\\n\" and 600 bytes more\n"), "{failure}");
    for (chunks, shown) in [
        ((0..41).collect::<Vec<_>>(), "38, 39, ... bytes"),
        ((0..40).collect(), "38, 39 bytes"),
        (vec![2, 2, 0, 0, 0, 7], "  2 x 2, 3 x 0, 7 bytes"),
        (vec![], "chunks:   none"),
    ] {
        failure.chunks = chunks.into();
        assert!(failure.to_string().ends_with(shown), "{failure}");
        // However many bytes a writer takes, its error is passed on.
        let len = failure.to_string().len();
        assert!((0..len).all(|capacity| write!(Full(capacity), "{failure}").is_err()));
        assert!(write!(Full(len), "{failure}").is_ok());
    }
    assert_eq!(format!("{failure:?}"), failure.to_string());
}

/// Takes as many bytes as it is told, and then fails.
struct Full(usize);

impl std::fmt::Write for Full {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0 = self.0.checked_sub(text.len()).ok_or(std::fmt::Error)?;
        Ok(())
    }
}

/// The runner finds a parser that fails at one way to split a vector, and names that way.
#[test]
fn a_failure_names_the_chunks() {
    for len in [12, 100] {
        let vector = parse_vectors().into_iter().find(|vector| vector.input.len() == len).unwrap();
        let wrong = [5, len - 5];
        let failure = vector.check(|case| {
            let lengths: Vec<usize> = case.chunks.iter().map(|chunk| chunk.len()).collect();
            let mut outcome = Outcome::default();
            outcome.events.clone_from(&vector.events);
            Some(outcome).filter(|_| lengths != wrong).ok_or("split there")
        });
        assert_eq!(*failure.unwrap_err().chunks, wrong);
    }
}
