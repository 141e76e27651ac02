//! The README's `read` loses no event after an oversized one. `.ci/readme` builds and runs the README's examples.

// The README contains the lines from here to the end of the function.
use std::io::{self, Read};

use ssewire::{Event, Overflow, Parser};

/// Calls `on_event` with each event, or with an error for an event of more than 512 bytes.
fn read(
    parser: &mut Parser<[u8; 512]>,
    stream: &mut impl Read,
    mut on_event: impl FnMut(Result<Event<'_>, Overflow>),
) -> io::Result<()> {
    let mut buf = [0; 1024];
    loop {
        let mut input = match stream.read(&mut buf)? {
            0 => return Ok(()),
            n => &buf[..n],
        };
        while let Some(event) = parser.next(&mut input).transpose() {
            on_event(event);
        }
    }
}
// End of the lines in the README.

const CAPACITY: usize = 512;

/// Returns the text between the two comments above.
fn function() -> &'static str {
    let begin = "// The README contains the lines from here to the end of the function.\n";
    let (_, rest) = include_str!("readme.rs").split_once(begin).unwrap();
    rest.split_once("// End of the lines in the README.\n").unwrap().0
}

/// Returns at most `limit` bytes for each call of `read`.
struct Chunks<'s> {
    stream: &'s [u8],
    limit: usize,
}

impl Read for Chunks<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = self.limit.min(buf.len());
        self.stream.read(&mut buf[..len])
    }
}

#[test]
fn the_readme_contains_the_function_verbatim() {
    assert!(function().starts_with("use std::io") && function().ends_with("}\n"));
    assert_eq!(include_str!("../README.md").matches(function()).count(), 1);
}

#[test]
fn an_oversized_event_is_reported_once_and_every_later_event_arrives() {
    let large = "x".repeat(CAPACITY + 1);
    let stream = format!("data: {large}\n\ndata: a\n\ndata: bc\n\ndata: d\n\n");
    for limit in 1..=stream.len() {
        let (mut data, mut overflows) = (Vec::new(), Vec::new());
        read(&mut Parser::new(), &mut Chunks { stream: stream.as_bytes(), limit }, |event| match event {
            Ok(event) => data.push(event.data().to_vec()),
            Err(overflow) => overflows.push((data.len(), overflow.capacity)),
        })
        .unwrap();
        assert_eq!(data, [&b"a"[..], b"bc", b"d"], "chunks of {limit} bytes");
        assert_eq!(overflows, [(0, CAPACITY)], "chunks of {limit} bytes");
    }
}

#[test]
fn an_oversized_event_between_two_others_is_reported_in_its_place() {
    let large = "x".repeat(CAPACITY + 1);
    let stream = format!("data: a\n\ndata: {large}\n\ndata: bc\n\n");
    for limit in [1, 2, 3, 64, 1024] {
        let mut lengths = Vec::new();
        read(&mut Parser::new(), &mut Chunks { stream: stream.as_bytes(), limit }, |event| {
            lengths.push(event.map(|event| event.data().len()).map_err(|overflow| overflow.capacity));
        })
        .unwrap();
        assert_eq!(lengths, [Ok(1), Err(CAPACITY), Ok(2)], "chunks of {limit} bytes");
    }
}

#[test]
fn an_error_of_the_stream_is_returned() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    let error =
        read(&mut Parser::new(), &mut b"data: a\n\n".chain(Broken), |event| assert_eq!(event.unwrap().data(), b"a"))
            .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[test]
fn nothing_is_lost_by_a_timeout_before_every_read() {
    struct Slow<'s>(&'s [u8], bool);
    impl Read for Slow<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.0.read(&mut buf[..1])
        }
    }
    let mut parser = Parser::new();
    let mut stream = Slow(b"data: a\n\ndata: bc\n\n", false);
    let mut data = Vec::new();
    while read(&mut parser, &mut stream, |event| data.push(event.unwrap().data().to_vec())).is_err() {}
    assert_eq!(data, [&b"a"[..], b"bc"]);
}
