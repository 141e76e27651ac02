//! What the other tests do not reach: writers that fail, an input that is not the one that was fed, and the like.

use std::fmt::{self, Debug, Display, Write};

use ssewire::conformance::{parse_vectors, Outcome};
use ssewire::{decode, Error, Field, Frame, Parser, Status, Tokenizer};

/// Takes as many bytes as it is told, and then fails.
struct Full(usize);

impl Write for Full {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.checked_sub(text.len()).ok_or(fmt::Error)?;
        Ok(())
    }
}

/// However far the writer comes, its error is passed on, and there is none when there is just enough room.
fn passes_errors_on(value: &dyn Display) {
    let len = value.to_string().len();
    for room in 0..len {
        assert!(write!(Full(room), "{value}").is_err(), "{room} of {len} bytes");
    }
    assert!(write!(Full(len), "{value}").is_ok());
}

struct AsDebug<'a>(&'a dyn Debug);

impl Display for AsDebug<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[test]
fn a_writer_that_fails() {
    let frame = Frame::new().event_type("e").unwrap().id("7").unwrap().retry(5).data("a\nb\r\nc").comment("c\nd");
    passes_errors_on(&frame);
    passes_errors_on(&frame.data_fmt(format_args!("a\rb{}c\r{}\n", '\n', 7)));
    let decoded = decode(b"it's \xff \"so\"\n\xc3\xa9");
    passes_errors_on(&decoded);
    passes_errors_on(&AsDebug(&decoded));
    let mut parser = Parser::with_limit(64);
    let mut input: &[u8] = b"event: e\nid: 7\ndata: x\n\n";
    let event = parser.next(&mut input).unwrap().unwrap();
    passes_errors_on(&AsDebug(&event));
    passes_errors_on(&Error::Overflow { field: Field::Data, needed: 9, capacity: 8 });
}

/// A difference prints all that is needed to reproduce it, but not megabytes.
#[test]
fn a_failure_of_the_kit_prints() {
    let vector = parse_vectors().swap_remove(0);
    let mut failure = vector.check(|_| Ok::<_, Error>(Outcome::default())).unwrap_err();
    assert!(failure.to_string().ends_with("bytes"), "{failure}");
    failure.input = vec![b'\n'; 1000].into();
    passes_errors_on(&failure);
    assert!(failure.to_string().contains("\\n\" and 600 bytes more\n"), "{failure}");
    for (chunks, shown) in [
        ((0..41).collect::<Vec<_>>(), "38, 39, ... bytes"),
        ((0..40).collect(), "38, 39 bytes"),
        (vec![2, 2, 0, 0, 0, 7], "  2 x 2, 3 x 0, 7 bytes"),
        (vec![], "chunks:   none"),
    ] {
        failure.chunks = chunks.into();
        assert!(failure.to_string().ends_with(shown), "{failure}");
        passes_errors_on(&failure);
    }
    assert_eq!(format!("{failure:?}"), failure.to_string());
}

/// The kit finds a parser that fails at one way to cut a vector, and says which one that is.
#[test]
fn the_kit_names_the_chunks() {
    for len in [12, 100] {
        let vector = parse_vectors().into_iter().find(|vector| vector.input.len() == len).unwrap();
        let wrong = [5, len - 5];
        let failure = vector.check(|case| {
            let lengths: Vec<usize> = case.chunks.iter().map(|chunk| chunk.len()).collect();
            let mut outcome = Outcome::default();
            outcome.events.clone_from(&vector.events);
            Some(outcome).filter(|_| lengths != wrong).ok_or("cut there")
        });
        assert_eq!(*failure.unwrap_err().chunks, wrong);
    }
}

#[test]
fn defaults_and_clones_are_as_they_were_made() {
    assert_eq!(Tokenizer::default(), Tokenizer::new());
    type Small = Parser<heapless::Vec<u8, 16>>;
    assert_eq!(format!("{:?}", Small::default()), format!("{:?}", Small::new()));
    let mut parser = Small::default();
    let mut input: &[u8] = b"\xef\xbb\xbfid: 7\ndata: x\n\n";
    let event = parser.next(&mut input).unwrap().unwrap();
    assert_eq!(Clone::clone(&event), event);
}

#[test]
fn a_seed_beyond_the_limit_of_the_heap() {
    let mut parser = Parser::with_limit(4);
    let error = Error::Overflow { field: Field::Id, needed: 5, capacity: 4 };
    assert_eq!(parser.set_last_event_id(b"12345"), Err(error));
    assert_eq!(parser.set_last_event_id(b"1234"), Ok(()));
    assert_eq!(parser.set_last_event_id(b"12345"), Err(error));
    assert_eq!(parser.last_event_id(), Some(&b"1234"[..]));
}

/// Against its contract, but the caller learns nothing that is not in what it gave, and nothing panics.
#[test]
fn an_event_of_another_input_than_was_fed() {
    let stream = b": comment\nevent: type\ndata: value\n\n";
    let mut parser = Parser::with_limit(64);
    let progress = parser.feed(stream);
    assert_eq!(progress.status, Ok(Status::Event));
    assert_eq!(parser.event(stream).data(), b"value");
    for len in 0..stream.len() {
        let event = parser.event(&stream[..len]);
        assert!(b"value".starts_with(event.data()) && event.data().len() % 5 == 0, "{len}");
        assert!(matches!(event.event_type(), b"type" | b"message"), "{len}");
    }
    let Status::Comment(piece) = parser.feed_items(b": comment\n").status.unwrap() else { panic!("no comment") };
    assert_eq!((piece.bytes(b": comment\n"), piece.bytes(b": com")), (&b"comment"[..], &b""[..]));
}
