/*!
Reads and writes Server-Sent Events (`text/event-stream`), exact to the [WHATWG HTML standard][standard], in `no_std` and
without allocating.

`ssewire` turns bytes into events and events into bytes. It does no I/O, reads no clock and spawns no tasks, so any async
runtime, HTTP stack or firmware can use it. It cannot panic, whatever the input and its chunking, takes linear time, and
uses no more memory than the buffer that it is given.

# Reading

A [`Parser`] takes the bytes as they arrive and returns borrowed [`Event`]s:

```
use ssewire::Parser;

let mut parser = Parser::<[u8; 512]>::new(); // the largest event, in bytes
let mut temperatures = Vec::new();
for chunk in [&b"event: temperature\nid: 1\ndata: 21.5\n\nevent: tempe"[..], b"rature\ndata: 22\n\n"] {
    let mut input = chunk;
    // An error is an event that is too large; the loop goes on with the next one.
    while let Some(result) = parser.next(&mut input).transpose() {
        match result {
            Ok(event) if event.event_type() == b"temperature" => temperatures.push(event.data().to_vec()),
            Ok(_) => {}
            Err(overflow) => eprintln!("{overflow}"),
        }
    }
}
assert_eq!(temperatures, [&b"21.5"[..], b"22"]);
assert_eq!(parser.last_event_id(), Some(&b"1"[..])); // to resume from after a reconnect
```

# Writing

A [`Frame`] is a block to write: an event, a comment, a reconnection time.

```
use ssewire::Frame;

let mut tx = [0; 64];
let frame = Frame::new().event_type("temperature")?.id("2")?.data("22\n°C");
let n = frame.write_to_slice(&mut tx)?;
assert_eq!(&tx[..n], "event: temperature\nid: 2\ndata: 22\ndata: °C\n\n".as_bytes());
# Ok::<(), ssewire::Error>(())
```

# Contents

| | |
|---|---|
| [`Parser`] | events, in a buffer of fixed size: inside the parser, borrowed, or on the heap up to a limit |
| [`Parser::feed`] and [`Parser::event`] | the same in two steps, for a wrapper that owns its receive buffer |
| [`Parser::next_item`] | events, and also comments, unknown lines, and blocks that only set the ID or `retry` |
| [`Event`], [`lossy`] | fields as bytes, as checked text, and as decoded text |
| [`OwnedEvent`], [`EventBuf`], `EventBytes` | an event that owns its bytes: in a fixed number of them, in one allocation, and in a part of its chunk (feature `bytes`) |
| [`Frame`] | writing: [into a slice](Frame::write_to_slice), [a `Vec`][`Frame::write_to_vec`], a `BufMut` (feature `bytes`) or [an `io::Write`][`Frame::write_to`], [piece by piece](Frame::encoder), [from a position](Frame::fill_at), [as parts](Frame::parts), [formatted](Frame::data_fmt), or by `Display` |
| [`Overflow`], [`InvalidByte`], [`BufferTooSmall`] | the errors, with numbers; [`Error`] is any of them |
| [`client`] | reconnecting, resuming and giving up as `EventSource` does or within bounds, as a state machine |
| [`http`] | fields of requests and responses, the media type, the resume ID, the framing of a body |
| [`replay`] | missed events: a ring of the newest frames that serves every connection, and answers a last event ID |
| [`tokenizer`] | the grammar alone: lines in pieces, for events of any size in constant memory |
| `conformance` | the test vectors, for crates that wrap this one (feature `conformance`) |
| [`guide`] | how to wrap the crate in a client, a server, an SDK or firmware; and a [comparison](guide::comparison) with other crates |

# Features

| feature | default | adds |
|---|---|---|
| `std` | yes | `alloc`, `io::Read` for [`Encoder`], [`Frame::write_to`], and SIMD for the check of UTF-8 in [`Event::text`] |
| `alloc` | with `std` | [`GrowableBuffer`]: memory on the heap that grows up to a limit, for a parser or a ring; [`EventBuf`]; [`Frame::write_to_vec`] |
| `heapless` | yes | [`OwnedEvent`] |
| `bytes` | | `alloc`, `EventBytes`, and `Frame::write_to_buf` |
| `serde` | | `Serialize` for [`Event`] and the owned events, `Deserialize` for `EventBuf` and `EventBytes` |
| `defmt` | | `defmt::Format` for events, items, tokens and errors |
| `conformance` | | `std`, and the `conformance` module |

Devices write `default-features = false`. Features only add: none changes the behaviour of another.

[standard]: https://html.spec.whatwg.org/multipage/server-sent-events.html
*/

// Without its feature, an item is linked to where it is documented.
#![cfg_attr(not(feature = "alloc"), doc = "[`EventBuf`]: https://docs.rs/ssewire/latest/ssewire/struct.EventBuf.html")]
#![cfg_attr(
    not(feature = "alloc"),
    doc = "[`GrowableBuffer`]: https://docs.rs/ssewire/latest/ssewire/struct.GrowableBuffer.html"
)]
#![cfg_attr(
    not(feature = "alloc"),
    doc = "[`Frame::write_to_vec`]: https://docs.rs/ssewire/latest/ssewire/struct.Frame.html#method.write_to_vec"
)]
#![cfg_attr(
    not(feature = "heapless"),
    doc = "[`OwnedEvent`]: https://docs.rs/ssewire/latest/ssewire/struct.OwnedEvent.html"
)]
#![cfg_attr(
    not(feature = "std"),
    doc = "[`Frame::write_to`]: https://docs.rs/ssewire/latest/ssewire/struct.Frame.html#method.write_to"
)]
#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// The guide is a module without items, in the documentation only. Its examples are tests.
#[cfg(any(doc, doctest))]
#[doc(alias = "proxy")]
#[doc(alias = "TCP_NODELAY")]
#[doc(alias = "compression")]
pub mod guide {
    #![doc = include_str!("../docs/wrapping.md")]

    #[doc = include_str!("../docs/comparison.md")]
    #[doc(alias = "alternatives")]
    pub mod comparison {}
}

// The README's examples are tests as well.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod bytes;
pub mod client;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "defmt")]
mod defmt;
mod error;
mod event;
mod field;
pub mod http;
#[cfg(any(feature = "alloc", feature = "heapless"))]
mod owned;
mod read;
mod relay;
pub mod replay;
#[cfg(feature = "serde")]
mod serde;
mod storage;
mod text;
mod write;

pub use error::{BufferTooSmall, Error, FormatError, IdError, InvalidByte, NotUtf8, Overflow};
pub use event::{Event, Text};
pub use field::Field;
#[cfg(feature = "alloc")]
pub use owned::EventBuf;
#[cfg(feature = "bytes")]
pub use owned::EventBytes;
#[cfg(feature = "heapless")]
pub use owned::OwnedEvent;
pub use read::{FoundEvent, FoundItem, Item, Parser, Piece, Progress, Update};
pub use storage::Storage;
#[cfg(feature = "alloc")]
pub use storage::growable::GrowableBuffer;
pub use text::{Lossy, lossy};
pub use write::{Encoder, FormattedFrame, Frame, Parts};

pub mod tokenizer {
    //! The grammar alone: the fields, comments and other lines of a stream in pieces, for events of any size in constant
    //! memory.

    pub use crate::read::{Piece, Token, Tokenizer};
}
