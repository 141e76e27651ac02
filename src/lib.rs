/*!
Server-Sent Events (`text/event-stream`) on the wire, exact to the [WHATWG HTML standard][standard], in `no_std` and
without an allocation.

`ssewire` turns bytes into events and events into bytes. It does no I/O, owns no clock and starts no task: wrap it in
any async runtime, HTTP stack or firmware. Whatever bytes it is given, however they are cut, it cannot panic, takes
linear time and no more memory than the buffer it was given.

# Reading

A [`Parser`] takes whatever bytes arrive and lends [`Event`]s:

```
use ssewire::Parser;

let mut parser = Parser::<heapless::Vec<u8, 512>>::new(); // the largest event, in bytes
let mut temperatures = Vec::new();
for chunk in [&b"event: temperature\nid: 1\ndata: 21.5\n\nevent: tempe"[..], b"rature\ndata: 22\n\n"] {
    let mut input = chunk;
    while let Some(event) = parser.next(&mut input)? {
        if event.event_type() == b"temperature" {
            temperatures.push(event.text()?.data().parse::<f32>()?);
        }
    }
}
assert_eq!(temperatures, [21.5, 22.0]);
assert_eq!(parser.last_event_id(), Some(&b"1"[..])); // to go on from after a reconnect
# Ok::<(), Box<dyn std::error::Error>>(())
```

# Writing

A [`Frame`] is one thing to write: an event, a comment, a reconnection time.

```
use ssewire::Frame;

let mut tx = [0; 64];
let frame = Frame::new().event_type("temperature")?.id("2")?.data("22\n°C");
let n = frame.write_to_slice(&mut tx)?;
assert_eq!(&tx[..n], "event: temperature\nid: 2\ndata: 22\ndata: °C\n\n".as_bytes());
# Ok::<(), ssewire::Error>(())
```

# The rooms of the house

| | |
|---|---|
| [`Parser`] | events, assembled in a buffer of fixed size: `heapless::Vec<u8, N>`, `&mut [u8]`, or on the heap up to a limit |
| [`Parser::feed`] and [`Parser::event`] | the same in two steps, for a wrapper that owns its receive buffer |
| [`Tokenizer`] | the grammar alone: pieces of fields and comments, for events of any size in constant memory |
| [`Event`], [`OwnedEvent`], [`decode`] | fields as bytes, as checked text, as decoded text, and as a copy that can be queued |
| [`Frame`] | writing: [into a slice](Frame::write_to_slice), [piece by piece](Frame::encoder), [as parts](Frame::parts), [formatted](Frame::data_fmt), or by `Display` |
| [`Error`] | too large, or not to be written: with numbers |
| `conformance` | the test vectors, for crates that wrap this one (feature `conformance`) |

# Features

| feature | default | adds |
|---|---|---|
| `heapless-v0_9` | yes | `Parser<heapless::Vec<u8, N>>` and [`OwnedEvent`]; needs Rust 1.87 |
| `alloc` | | [`Parser::with_limit`]: a buffer on the heap that grows up to a limit |
| `std` | | `alloc`, and AVX2 picked at run time on x86-64 |
| `simdutf8` | | `std`, and UTF-8 checked with SIMD in [`Event::text`] |
| `defmt-v1` | | `defmt::Format` for events, items, tokens, status and errors |
| `conformance` | | `std`, and the `conformance` module |

Features add; none changes what is there without it.

[standard]: https://html.spec.whatwg.org/multipage/server-sent-events.html
*/

#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// The README's examples are tests as well.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod arena;
mod assembler;
#[cfg(feature = "conformance")]
pub mod conformance;
mod copy;
#[cfg(feature = "defmt-v1")]
mod defmt_v1;
mod encode;
mod error;
mod event;
mod format;
mod frame;
mod parser;
mod retry;
mod scan;
mod storage;
mod text;
mod tokenizer;
mod whole;

pub use encode::{Encoder, Parts};
pub use error::{Error, Field};
#[cfg(feature = "heapless-v0_9")]
pub use event::OwnedEvent;
pub use event::{Event, Text};
pub use format::FormattedFrame;
pub use frame::Frame;
pub use parser::{CommentPiece, Item, Parser, Progress, Status, Update};
#[cfg(feature = "alloc")]
pub use storage::growable::GrowableBuffer;
pub use storage::Storage;
pub use text::{decode, Decoded};
pub use tokenizer::{Piece, Token, Tokenizer};
