//! What a hostile server can send, in two sizes, for `benches/attack/count` to count the instructions of.
//!
//!     attack                  the names of all attacks
//!     attack NAME SIZE        reads SIZE bytes of one, and prints how many those are

use std::hint::black_box;

use ssewire::{Parser, Storage};

/// Name, what is sent first, what is sent over and over (`*` stands for 1000 bytes), bytes of a chunk, of the buffer.
const ATTACKS: [(&str, &str, &str, usize, usize); 18] = [
    ("line-bytewise", "data:", "*", 1, BIG),
    ("line-small-chunks", "data:", "*", 16, BIG),
    ("lines-bytewise", "", "data:fifteen bytes..\n", 1, BIG),
    ("lines-small-chunks", "", "data:fifteen bytes..\n", 16, BIG),
    ("empty-lines-of-data", "", "data\n", 1460, BIG),
    ("type-bytewise", "event:", "*", 1, BIG),
    ("id-bytewise", "id:", "*", 1, BIG),
    ("comment-bytewise", ":", "*", 1, BIG),
    ("too-long-a-line", "data:", "*", 1460, SMALL),
    ("too-many-lines", "", "data:x\n", 1460, SMALL),
    ("blank-lines", "", "\n", 1460, SMALL),
    ("comments", "", ":\n", 1460, SMALL),
    ("types-in-place-of-types", "id:*\ndata:*\n", "event:aaaa\n", 7, BIG),
    ("ids-in-place-of-ids", "event:*\ndata:*\n", "id:1234\n", 7, BIG),
    ("types-and-ids-in-turns", "data:*\n", "event:aaaa\nid:1234567\n", 7, BIG),
    ("long-types-and-ids-in-turns", "data:*\n", "event:*\nid:*\n", 1460, BIG),
    ("blocks-behind-a-long-id", "id:*\n\n", "event:a\ndata\n\n", 7, BIG),
    ("events-too-large", "", "data:*\n\n", 1460, SMALL),
];
const SMALL: usize = 256;
const BIG: usize = 4 << 20;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [name, size] = &args[..] else {
        ATTACKS.iter().for_each(|(name, ..)| println!("{name}"));
        return;
    };
    let (_, start, again, chunk, capacity) = *ATTACKS.iter().find(|attack| attack.0 == name).expect("the name of one");
    let size: usize = size.parse().expect("a size in bytes");
    let [start, again] = [start, again].map(|text| text.replace('*', &"y".repeat(1000)));
    let stream: Vec<u8> = start.bytes().chain(again.bytes().cycle().take(size)).collect();
    let chunks: Vec<&[u8]> = stream.chunks(chunk).collect();
    let mut buffer = vec![0; capacity];
    counted_read(Parser::with_buffer(&mut buffer), black_box(&chunks));
    counted_read(Parser::with_limit(capacity), black_box(&chunks));
    println!("{}", 2 * stream.len());
}

#[inline(never)]
fn counted_read<S: Storage>(mut parser: Parser<S>, chunks: &[&[u8]]) {
    for &chunk in chunks {
        let mut input = chunk;
        loop {
            match parser.next(&mut input) {
                Ok(Some(event)) => drop(black_box(event)),
                Ok(None) => break,
                Err(error) => drop(black_box(error)),
            }
        }
    }
}
