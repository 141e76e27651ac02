//! The rules of HTTP: dates, resume IDs, heads, and the framing of a body.

use crate::common;
use proptest::prelude::*;
use ssewire::BufferTooSmall;
use ssewire::client::Head;
use ssewire::http::{Body, InvalidChunk, REQUEST_HEADERS, RESPONSE_HEADERS, date, resume_id};

#[test]
fn dates() {
    let cases = [
        ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
        ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
        ("Tue, 29 Feb 2000 23:59:59 GMT", Some(951_868_799)),
        ("Wed, 01 Mar 2000 00:00:00 GMT", Some(951_868_800)),
        ("Fri, 01 Mar 2024 00:00:00 GMT", Some(1_709_251_200)),
        ("Wed, 25 Nov 2026 19:15:08 GMT", Some(1_795_634_108)),
        ("Thursday, 01-Jan-70 00:00:01 GMT", Some(1)),
        ("Friday, 31-Dec-69 00:00:00 GMT", Some(3_155_673_600)),
        ("Thu, 31 Dec 2099 23:59:60 GMT", Some(4_102_444_800)),
        ("Fri, 01 Jan 2100 00:00:00 GMT", None),
        ("Wed, 31 Dec 1969 23:59:59 GMT", None),
        ("Sun, 06 Nov 1994 08:49 GMT", None),
        ("Sun, 06 Nov 1994 24:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:60:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49:61 GMT", None),
        ("Sun, 00 Nov 1994 08:49:37 GMT", None),
        ("Sun, 32 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nob 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49:37 1994 GMT", None),
        ("99999999999, 06 Nov 1994 08:49:37 GMT", None),
        ("", None),
        ("7", None),
    ];
    for (text, expected) in cases {
        assert_eq!(date(text.as_bytes()), expected, "{text}");
    }
}

#[test]
fn every_day_follows_the_day_before() {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut expected = 0;
    for year in 1970..2100 {
        for (month, name) in MONTHS.iter().enumerate() {
            let days = match month {
                1 if year % 4 == 0 => 29,
                1 => 28,
                3 | 5 | 8 | 10 => 30,
                _ => 31,
            };
            for day in 1..=days {
                let text = format!("Xxx, {day:02} {name} {year} 00:00:00 GMT");
                assert_eq!(date(text.as_bytes()), Some(expected), "{text}");
                expected += 86_400;
            }
        }
    }
}

#[test]
fn resume_ids() {
    type Case = (Option<&'static str>, Option<&'static str>, Option<&'static [u8]>);
    let cases: [Case; 19] = [
        (None, None, None),
        (Some("7"), None, Some(b"7")),
        (Some(" 7\t"), None, Some(b"7")),
        (Some("7"), Some("lastEventId=6"), Some(b"7")),
        (Some(""), Some("lastEventId=6"), None),
        (Some(" "), None, None),
        (Some("a\rb"), None, None),
        (None, Some(""), None),
        (None, Some("lastEventId=6"), Some(b"6")),
        (None, Some("a=lastEventId&lastEventId=6&lastEventId=7"), Some(b"6")),
        (None, Some("lasteventid=6"), None),
        (None, Some("xlastEventId=6"), None),
        (None, Some("lastEventId"), None),
        (None, Some("lastEventId=a=b"), Some(b"a=b")),
        (None, Some("lastEventId=%e2%82%AC+%2B"), Some(b"\xe2\x82\xac +")),
        (None, Some("lastEventId=%zz%4%"), Some(b"%zz%4%")),
        (None, Some("lastEventId=%ff"), Some(b"\xff")),
        (None, Some("lastEventId=a%0Db"), None),
        (None, Some("lastEventId=%00"), None),
    ];
    for (header, query, expected) in cases {
        let mut buf = [0; 8];
        let id = resume_id(header.map(str::as_bytes), query.map(str::as_bytes), &mut buf);
        assert_eq!(id, Ok(expected), "{header:?} {query:?}");
    }
    let mut buf = [0; 3];
    let too_small = resume_id(None, Some(b"lastEventId=%31234"), &mut buf);
    assert_eq!(too_small, Err(BufferTooSmall { needed: 4, capacity: 3 }));
    assert_eq!(resume_id(None, Some(b"lastEventId=%3123"), &mut [0; 3]), Ok(Some(&b"123"[..])));
}

#[test]
fn names_are_in_lower_case_and_values_are_of_one_line() {
    for (name, value) in REQUEST_HEADERS.iter().chain(&RESPONSE_HEADERS) {
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{name}");
        assert!(value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{value}");
    }
}

/// Reads a body in pieces of a size. Returns its bytes, whether it ended, and how many bytes are after it.
fn read(mut body: Body, input: &[u8], size: usize) -> Result<(Vec<u8>, bool, usize), InvalidChunk> {
    let mut bytes = Vec::new();
    let mut after = 0;
    for piece in input.chunks(size) {
        let mut rest = piece;
        while let Some(part) = body.next(&mut rest)? {
            assert!(!part.is_empty());
            bytes.extend_from_slice(part);
        }
        assert!(rest.is_empty() || body.is_ended());
        after += rest.len();
    }
    Ok((bytes, body.is_ended(), after))
}

#[test]
fn chunked_bodies() {
    let max = format!("{:X}\r\nab", u64::MAX);
    let beyond = format!("1{:x}\r\n", 0);
    // The bytes, whether the body ended, and the number of bytes after it; or the invalid byte.
    type Expected = Result<(&'static str, bool, usize), u8>;
    let cases: [(&str, Expected); 19] = [
        ("", Ok(("", false, 0))),
        ("0\r\n\r\n", Ok(("", true, 0))),
        ("0\r\n\r\nHTTP", Ok(("", true, 4))),
        ("2\r\nab\r\n0\r\n\r\n", Ok(("ab", true, 0))),
        ("2\r\nab\r\n00A;x=\"y\"\r\n0123456789\r\n0\r\n\r\n", Ok(("ab0123456789", true, 0))),
        ("2 \t\r\nab\r\n0\r\n\r\n", Ok(("ab", true, 0))),
        ("2\nab\n0\n\n", Ok(("ab", true, 0))),
        ("a\r\n0123456789\r\nC\r\n0123456789ab\r\n", Ok(("01234567890123456789ab", false, 0))),
        ("0\r\nX: y\r\nZ:\r\n\r\n!", Ok(("", true, 1))),
        ("0\r\nX: y\r\n", Ok(("", false, 0))),
        ("3\r\nab", Ok(("ab", false, 0))),
        (&max, Ok(("ab", false, 0))),
        (&beyond, Ok(("", false, 0))),
        ("x\r\n", Err(b'x')),
        ("\r\n", Err(b'\r')),
        (";\r\n", Err(b';')),
        ("1\r\nabc", Err(b'b')),
        ("1\rx", Err(b'x')),
        ("10000000000000000\r\n", Err(b'0')),
    ];
    for (input, expected) in cases {
        for size in [input.len().max(1), 1, 2, 3] {
            let expected = expected.map(|(text, is_ended, after)| (text.as_bytes().to_vec(), is_ended, after));
            let result = read(Body::chunked(), input.as_bytes(), size).map_err(|error| error.byte);
            assert_eq!(result, expected, "{input:?} in pieces of {size}");
        }
    }
    let mut body = Body::chunked();
    assert_eq!(body.next(&mut &b"1\r\nax"[..]), Ok(Some(&b"a"[..])));
    for _ in 0..2 {
        let error = body.next(&mut &b"x"[..]).unwrap_err();
        assert_eq!(error.to_string(), "invalid byte 0x78 in the chunked coding");
    }
}

#[test]
fn bodies_of_a_length_and_up_to_the_end() {
    for size in [1, 2, 9] {
        assert_eq!(read(Body::with_length(5), b"0123456789", size), Ok((b"01234".to_vec(), true, 5)));
        assert_eq!(read(Body::with_length(11), b"0123456789", size), Ok((b"0123456789".to_vec(), false, 0)));
        assert_eq!(read(Body::with_length(0), b"01", size), Ok((vec![], true, 2)));
        assert_eq!(read(Body::until_end(), b"0123456789", size), Ok((b"0123456789".to_vec(), false, 0)));
    }
}

#[test]
fn what_is_encoded_in_chunks_is_decoded() {
    common::for_all((any::<Vec<Vec<u8>>>(), 1..20usize), |(chunks, size)| {
        let mut encoded = Vec::new();
        for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()) {
            encoded.extend(format!("{:x}\r\n", chunk.len()).bytes());
            encoded.extend(chunk);
            encoded.extend(b"\r\n");
        }
        encoded.extend(b"0\r\n\r\n");
        assert_eq!(read(Body::chunked(), &encoded, size), Ok((chunks.concat(), true, 0)));
    });
}

#[test]
fn heads() {
    let chunked = Body::chunked();
    // The status, the body, and the bytes after the head.
    type Expected = Option<(u16, Body, &'static str)>;
    let cases: [(&str, Expected); 23] = [
        ("HTTP/1.1 200 OK\r\n\r\nx", Some((200, Body::until_end(), "x"))),
        ("HTTP/1.0 404\n\n", Some((404, Body::until_end(), ""))),
        ("HTTP/1.1 200\r\nContent-Length: 12\r\n\r\n", Some((200, Body::with_length(12), ""))),
        ("HTTP/1.1 200\r\nContent-Length: -1\r\n\r\n", Some((200, Body::until_end(), ""))),
        ("HTTP/1.1 200\r\nContent-Length: 999999999999\r\n\r\n", Some((200, Body::until_end(), ""))),
        ("HTTP/1.1 200\r\nContent-Length: 99999999\r\n\r\n", Some((200, Body::with_length(99_999_999), ""))),
        ("HTTP/1.1 200\r\ntransfer-encoding:Chunked\r\ncontent-length: 2\r\n\r\n", Some((200, chunked.clone(), ""))),
        ("HTTP/1.1 200\r\njunk\r\nTransfer-Encoding: chunked\r\n\r\n", Some((200, chunked.clone(), ""))),
        ("HTTP/1.1 200\r\nTransfer-Encoding: , chunked ,\r\n\r\n", Some((200, chunked.clone(), ""))),
        ("HTTP/1.1 200\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Some((200, chunked.clone(), ""))),
        ("HTTP/1.1 200\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", Some((200, chunked, ""))),
        ("HTTP/1.1 200\r\nTransfer-Encoding: gzip\r\nContent-Length: 5\r\n\r\n", Some((200, Body::until_end(), ""))),
        (
            "HTTP/1.1 200\r\nTransfer-Encoding: identity\r\nContent-Length: 5\r\n\r\n",
            Some((200, Body::with_length(5), "")),
        ),
        ("HTTP/1.1 204\r\nContent-Length: 7\r\n\r\n", Some((204, Body::with_length(0), ""))),
        ("HTTP/1.1 304\r\nTransfer-Encoding: chunked\r\n\r\n", Some((304, Body::with_length(0), ""))),
        ("HTTP/1.1 103\r\n\r\n", Some((103, Body::with_length(0), ""))),
        ("HTTP/1.1 65536 X\r\n\r\n", Some((0, Body::until_end(), ""))),
        ("HTTP/1.1 x\r\n\r\n", Some((0, Body::until_end(), ""))),
        ("HTTP/2 200\r\n\r\n", Some((0, Body::until_end(), ""))),
        ("data: x\n\n", Some((0, Body::until_end(), ""))),
        ("HTTP/1.1 200 OK\r\n", None),
        ("HTTP/1.1 200 OK\r\nX: y\r\n", None),
        ("", None),
    ];
    for (input, expected) in cases {
        let head = Head::parse(input.as_bytes());
        let ends = head.as_ref().map(|(head, _)| head.body().ends_with_connection());
        assert_eq!(ends, expected.as_ref().map(|(_, body, _)| *body == Body::until_end()), "{input:?}");
        let seen = head.as_ref().map(|(head, rest)| (head.status(), head.body(), std::str::from_utf8(rest).unwrap()));
        assert_eq!(seen, expected, "{input:?}");
    }
    let (head, _) = Head::parse(b"HTTP/1.1 301 X\r\nLocation: a:b \r\n\r\n").unwrap();
    assert_eq!(head.location(), Some(&b"a:b"[..]));
}
