//! Missed events: a ring of the newest frames, from which every connection is served, a late or returning one too.
//!
//! A [`Ring`] holds the bytes of the newest frames, in fixed memory. A connection is a [`Cursor`] of 24 bytes. It asks the ring
//! for the bytes that are [`ready`](Ring::ready), writes them in one go, and waits when it is [`live`](Ring::live). A client that comes
//! back with its last event ID gets a cursor from [`since`](Ring::since), and goes on in the same way. Since replayed and live
//! events are the same bytes under the same cursor, none is lost or doubled at a seam between them. A connection that was too
//! slow is told exactly how many frames it missed ([`Lagged`], [`Gap`]).
//!
//! # On a device
//!
//! Three connections, each with a socket that takes some bytes at a time, and maybe none:
//!
//! ```
//! use ssewire::replay::{Cursor, Gap, Ring};
//! use ssewire::Frame;
//! # #[derive(Default)]
//! # struct Socket { sent: Vec<u8>, takes: usize, open: bool }
//! # impl Socket {
//! #     fn write(&mut self, bytes: [&[u8]; 2]) -> usize {
//! #         let all = bytes.concat();
//! #         let n = self.takes.min(all.len());
//! #         self.sent.extend_from_slice(&all[..n]);
//! #         n
//! #     }
//! #     fn close(&mut self) { self.open = false }
//! # }
//!
//! /// Writes as much as the socket takes.
//! fn serve(ring: &Ring<[u8; 256]>, cursor: &mut Cursor, socket: &mut Socket) {
//!     match ring.ready(*cursor, usize::MAX) {
//!         Ok(ready) => {
//!             let n = socket.write(ready.bytes); // the borrow of the ring ends here
//!             *cursor = ring.advance(*cursor, n).unwrap_or(*cursor);
//!         }
//!         Err(lagged) if lagged.torn => socket.close(), // the client comes again, with its last event ID
//!         Err(lagged) => {
//!             let mut tx = [0; 64];
//!             let n = Gap::from(lagged).frame().write_to_slice(&mut tx).unwrap_or(0);
//!             if socket.write([&tx[..n], b""]) < n {
//!                 socket.close();
//!             }
//!             *cursor = lagged.oldest;
//!         }
//!     }
//! }
//!
//! let boot_count = 3;
//! let mut ring = Ring::new([0; 256]); // in firmware, in a `static`
//! let mut cursors = [ring.live(); 3];
//! let mut sockets = [1000, 7, 0].map(|takes| Socket { takes, open: true, ..Socket::default() });
//! for reading in 0..100 {
//!     let id = ring.next_id(boot_count);
//!     ring.push_fmt(&Frame::new().ring_id(&id).data_fmt(format_args!("{reading}")))?;
//!     for (cursor, socket) in cursors.iter_mut().zip(&mut sockets) {
//!         if socket.open {
//!             serve(&ring, cursor, socket);
//!         }
//!     }
//! }
//! assert_eq!(sockets[0].sent.len(), 1882);  // all of them
//! assert!(!sockets[1].open);                // it was in the middle of a frame that had to go
//! assert!(sockets[2].sent.is_empty());
//! # Ok::<(), ssewire::Error>(())
//! ```
//!
//! # With threads or tasks
//!
//! A lock around the ring; each connection copies the bytes that are ready, and writes without the lock:
//!
//! ```
//! use ssewire::replay::{Gap, Resume, Ring};
//! use ssewire::{Frame, GrowableBuffer};
//! use std::sync::{Condvar, Mutex};
//!
//! static RING: Mutex<Ring<GrowableBuffer>> = Mutex::new(Ring::new(GrowableBuffer::new(1 << 20)));
//! static PUSHED: Condvar = Condvar::new();
//!
//! fn publish(epoch: u64, data: &str) -> Result<(), ssewire::Error> {
//!     let mut ring = RING.lock().unwrap();
//!     let id = ring.next_id(epoch);
//!     ring.push(&Frame::new().ring_id(&id).data(data))?;
//!     PUSHED.notify_all();
//!     Ok(())
//! }
//!
//! fn connection(last_event_id: &[u8], mut write: impl FnMut(&[u8]) -> std::io::Result<()>) -> std::io::Result<()> {
//!     let mut chunk = Vec::new();
//!     let mut ring = RING.lock().unwrap();
//!     let mut cursor = match ring.since(last_event_id) {
//!         Resume::Start => ring.live(),
//!         Resume::From(cursor) => cursor,
//!         Resume::Gone | Resume::Unknown => {
//!             chunk = Gap::new(None).frame().to_string().into_bytes();
//!             ring.oldest()
//!         }
//!     };
//!     loop {
//!         // The lock is held from the look to the wait, so that no frame is pushed unseen in between.
//!         match ring.ready(cursor, 16 * 1024) {
//!             Ok(ready) => {
//!                 chunk.extend(ready.bytes.concat());
//!                 cursor = ready.next;
//!             }
//!             // Never torn: only complete frames are written.
//!             Err(lagged) => {
//!                 chunk.extend(Gap::from(lagged).frame().to_string().into_bytes());
//!                 cursor = lagged.oldest;
//!                 continue;
//!             }
//!         }
//!         if chunk.is_empty() {
//!             ring = PUSHED.wait(ring).unwrap();
//!             continue;
//!         }
//!         drop(ring);
//!         write(&chunk)?;
//!         chunk.clear();
//!         ring = RING.lock().unwrap();
//!     }
//! }
//!
//! publish(7, "a")?;
//! publish(7, "b")?;
//! let client = std::thread::spawn(|| {
//!     let mut got = String::new();
//!     let end = connection(b"7-1", |chunk| {
//!         got += std::str::from_utf8(chunk).unwrap();
//!         if got.contains("data: c") { Err(std::io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
//!     });
//!     assert!(end.is_err());
//!     got
//! });
//! publish(7, "c")?;
//! assert_eq!(client.join().unwrap(), "id: 7-2\ndata: b\n\nid: 7-3\ndata: c\n\n");
//! # Ok::<(), ssewire::Error>(())
//! ```
//!
//! # Inside
//!
//! The stream is its own index: a [`Frame`](crate::Frame) has a blank line only at its end, no CR, and its ID in a line that
//! begins with `id: `. Only frames can be pushed, so the ends of the frames and their IDs are found in the bytes.
//!
//! | file | knows | used by |
//! |---|---|---|
//! | `view` | a part of the ring as one sequence of lines | `key`, `ring`, `since` |
//! | `key` | IDs as numbers, and their order | `ring`, `since` |
//! | `ring` | the places of frames, the frames that are dropped, cursors | `since`, `text` |
//! | `since` | from a last event ID to a cursor | |
//! | `text` | IDs that the ring makes, the gap event | |

mod key;
mod ring;
mod since;
mod text;
mod view;

pub use ring::{Cursor, Lagged, Ready, Ring};
pub use since::Resume;
pub use text::{GAP, Gap, RingId};
