//! All that is locked: the ring, the readers' places in it, those that wait, and the chunk that was written last.

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::mem;
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use slab::Slab;
use ssewire::replay::{Cursor, Gap, Resume, Ring};
use ssewire::{BufferTooSmall, Frame, GrowableBuffer, Parser};
use tokio::time::Instant;

use crate::accept::Connection;
use crate::file::History;
use crate::options::{PublishError, Slow, Start};

/// Places that the ring notes, so that it finds an ID without a search of all of it.
pub(crate) const MARKS: usize = 64;

/// Chunks that are kept to be shared: a burst is several, and the readers get all of them one after the other.
const SHARED: usize = 8;

pub(crate) struct State {
    pub ring: Ring<GrowableBuffer, MARKS>,
    /// The newest frame that was pushed since the start.
    newest: Cursor,
    /// The first number of the IDs.
    pub epoch: u64,
    pub readers: Slab<Reader>,
    /// The chunks that were made last: readers that stand at the same place share them.
    shared: VecDeque<Shared>,
    pub history: Option<History>,
    /// The last time that readers were woken.
    woken: Option<Instant>,
    /// The same, or the first look at it before that: the start of a quiet time.
    quiet: Option<Instant>,
    /// The time at which they are to be woken, by the task.
    pub flush_at: Option<Instant>,
    /// Counts the times that nothing was published for the keep-alive interval.
    beat: u64,
    /// The hub is shut down, or all of its clones are gone: the time over which the readers are to come back, in milliseconds.
    pub closing: Option<u64>,
    /// The shortest reconnection time.
    retry_ms: u64,
    /// The start of the sequence of the reconnection times.
    spread: u64,
    pub follows: bool,
    /// A task runs, or is about to.
    pub has_task: bool,
    opened: u64,
    pub published: u64,
    pub missed: u64,
    pub closed: u64,
}

/// A connection.
pub(crate) struct Reader {
    pub id: u64,
    /// Its place in the ring; `None` while it is caught up from the log.
    cursor: Option<Cursor>,
    /// Present while it waits.
    waker: Option<Waker>,
    /// Written before the next frames.
    prefix: Vec<u8>,
    pub missed: u64,
    beat: u64,
    /// Since when it is known to have missed frames that it was not told of.
    lagging: Option<Instant>,
    connection: Option<Connection>,
    is_ended: bool,
}

struct Shared {
    from: Cursor,
    live: Cursor,
    next: Cursor,
    bytes: Bytes,
}

/// The tasks that a push wakes.
pub(crate) enum Wake {
    /// Readers, by the caller and without the lock.
    Readers(Vec<Waker>),
    /// The task, which has to set its timer.
    Timer,
    Nobody,
}

/// The next step of a body.
pub(crate) enum Next {
    Chunk(Bytes),
    /// The waker is kept.
    Wait,
    End,
}

impl State {
    pub(crate) fn new(capacity: usize, retry: Duration) -> State {
        State {
            ring: Ring::with_marks(GrowableBuffer::new(capacity)),
            newest: Cursor::default(),
            epoch: 0,
            readers: Slab::new(),
            shared: VecDeque::with_capacity(SHARED),
            history: None,
            woken: None,
            quiet: None,
            flush_at: None,
            beat: 0,
            closing: None,
            retry_ms: u64::try_from(retry.as_millis()).unwrap_or(u64::MAX),
            // Random, and another one for each hub: hubs of few readers each are spread as well.
            spread: RandomState::new().build_hasher().finish(),
            follows: false,
            has_task: false,
            opened: 0,
            published: 0,
            missed: 0,
            closed: 0,
        }
    }

    /// Adds a reader that got everything up to `id`. Returns its key, and whether it has to be caught up from the log.
    pub(crate) fn open(&mut self, id: &[u8], start: Start, connection: Option<Connection>) -> (usize, bool) {
        let mut prefix = Vec::new();
        let mut has_gap = false;
        let cursor = match self.ring.since(id) {
            Resume::Start if start == Start::Live => Some(self.ring.live()),
            Resume::Start => Some(self.ring.oldest()),
            Resume::From(cursor) => Some(cursor),
            _ if id == self.before_first().as_bytes() && self.ring.check(Cursor::default()).is_ok() => {
                Some(Cursor::default())
            }
            Resume::Gone | Resume::Unknown if self.follows => None,
            Resume::Gone | Resume::Unknown => {
                has_gap = true;
                Some(self.ring.oldest())
            }
        };
        self.opened += 1;
        // The comment: some clients wait for a first byte.
        write(&mut prefix, &Frame::new().comment("").retry(self.retry_of(self.opened, self.retry_ms / 2)));
        if has_gap {
            write(&mut prefix, &Gap::new(None).frame());
        }
        let key = self.readers.insert(Reader {
            id: self.opened,
            cursor,
            waker: None,
            prefix,
            missed: 0,
            beat: self.beat,
            lagging: None,
            connection,
            is_ended: false,
        });
        (key, cursor.is_none())
    }

    /// Returns a reconnection time, spread evenly over `width` whatever the number of readers: by the golden ratio.
    fn retry_of(&self, reader: u64, width: u64) -> u64 {
        let part = reader.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(self.spread) >> 32;
        self.retry_ms.saturating_add((part * width.min(u64::from(u32::MAX))) >> 32)
    }

    /// Returns the next chunk of a reader, or keeps its waker.
    pub(crate) fn next(&mut self, key: usize, limit: usize, cx: &Context<'_>) -> Next {
        let has_others = self.readers.len() > 1;
        let State { ring, readers, shared, .. } = self;
        let Some(reader) = readers.get_mut(key).filter(|reader| !reader.is_ended) else { return Next::End };
        let mut chunk = mem::take(&mut reader.prefix);
        if let Some(mut cursor) = reader.cursor {
            let live = ring.live();
            if let Some(shared) = shared.iter().find(|shared| shared.from == cursor && shared.live == live)
                && chunk.is_empty()
            {
                reader.cursor = Some(shared.next);
                return Next::Chunk(shared.bytes.clone());
            }
            if let Err(lagged) = ring.check(cursor) {
                reader.missed += lagged.missed;
                reader.lagging = None;
                self.missed += lagged.missed;
                write(&mut chunk, &Gap::from(lagged).frame());
                cursor = lagged.oldest;
            }
            // Always ready: the cursor was checked.
            if let Ok(ready) = ring.ready(cursor, limit) {
                let is_shared = has_others && chunk.is_empty() && !ready.is_empty();
                chunk.reserve_exact(ready.len());
                ready.bytes.iter().for_each(|bytes| chunk.extend_from_slice(bytes));
                reader.cursor = Some(ready.next);
                if is_shared {
                    let bytes = Bytes::from(chunk);
                    shared.truncate(SHARED - 1);
                    shared.push_front(Shared { from: cursor, live, next: ready.next, bytes: bytes.clone() });
                    return Next::Chunk(bytes);
                }
            }
        }
        if !chunk.is_empty() {
            return Next::Chunk(chunk.into());
        }
        if let Some(spread_ms) = self.closing {
            reader.is_ended = true;
            let reader = reader.id;
            write(&mut chunk, &Frame::new().retry(self.retry_of(reader, spread_ms)));
            return Next::Chunk(chunk.into());
        }
        if reader.beat != self.beat {
            reader.beat = self.beat;
            return Next::Chunk(Bytes::from_static(b":\n\n"));
        }
        reader.wait(cx);
        Next::Wait
    }

    /// Appends a frame, to the file first.
    pub(crate) fn push(&mut self, frame: &Frame<'_>) -> Result<(), PublishError> {
        if self.closing.is_some() {
            return Err(PublishError::ShutDown);
        }
        let (needed, capacity) = (frame.encoded_len(), self.ring.capacity());
        if needed > capacity {
            return Err(PublishError::TooLarge(BufferTooSmall { needed, capacity }));
        }
        if let Some(history) = &mut self.history {
            let mut bytes = Vec::with_capacity(needed);
            write(&mut bytes, frame);
            history.append(&bytes).map_err(PublishError::File)?;
        }
        let newest = self.ring.live();
        self.ring.push(frame).map_err(PublishError::TooLarge)?;
        self.newest = newest;
        self.published += 1;
        if let Some(history) = &mut self.history {
            history.trim(&self.ring);
        }
        Ok(())
    }

    /// Returns the last event ID of a client that has the state before the first event.
    fn before_first(&self) -> String {
        format!("{}-0", self.epoch)
    }

    /// Returns the ID after which a client has the state of now.
    pub(crate) fn last_event_id(&self) -> String {
        // Most programs give each frame an ID.
        let id = self.id_from(self.newest).or_else(|| self.id_from(self.ring.oldest()));
        id.unwrap_or_else(|| self.before_first())
    }

    /// Returns the last ID of the frames from the cursor on.
    fn id_from(&self, cursor: Cursor) -> Option<String> {
        let mut parser = Parser::with_limit(self.ring.capacity());
        for mut bytes in self.ring.ready(cursor, usize::MAX).ok()?.bytes {
            while parser.next(&mut bytes).transpose().is_some() {}
        }
        parser.last_event_id().map(|id| String::from_utf8_lossy(id).into_owned())
    }

    /// Moves a reader that is caught up from the log to the frame after `id`, if the ring holds that.
    pub(crate) fn resume(&mut self, key: usize, id: &[u8]) -> bool {
        let Resume::From(cursor) = self.ring.since(id) else { return false };
        if let Some(reader) = self.readers.get_mut(key) {
            reader.cursor = Some(cursor);
        }
        true
    }

    /// Moves a reader that cannot be caught up to the oldest frame, with a gap event.
    pub(crate) fn resume_with_gap(&mut self, key: usize) {
        if let Some(reader) = self.readers.get_mut(key) {
            write(&mut reader.prefix, &Gap::new(None).frame());
            reader.cursor = Some(self.ring.oldest());
        }
    }

    /// Returns the wakers of those that wait for the published events, for the caller to wake without the lock.
    pub(crate) fn take_waiting(&mut self, now: Instant) -> Vec<Waker> {
        self.woken = Some(now);
        self.quiet = Some(now);
        self.flush_at = None;
        // One that was woken by an earlier event may have read all.
        let live = Some(self.ring.live());
        let behind = self.readers.iter_mut().filter(|(_, reader)| reader.cursor != live);
        behind.filter_map(|(_, reader)| reader.waker.take()).collect()
    }

    pub(crate) fn take_all_waiting(&mut self) -> Vec<Waker> {
        self.readers.iter_mut().filter_map(|(_, reader)| reader.waker.take()).collect()
    }

    /// Decides who is woken after a push.
    pub(crate) fn after_push(&mut self, flush: Duration) -> Wake {
        if self.flush_at.is_some() || self.readers.is_empty() {
            return Wake::Nobody;
        }
        let now = Instant::now();
        match self.woken.map(|woken| woken + flush) {
            Some(at) if at > now && self.has_task => {
                self.flush_at = Some(at);
                Wake::Timer
            }
            _ => Wake::Readers(self.take_waiting(now)),
        }
    }

    /// Takes what a reader is told before its first event.
    pub(crate) fn take_prefix(&mut self, key: usize) -> Vec<u8> {
        self.readers.get_mut(key).map(|reader| mem::take(&mut reader.prefix)).unwrap_or_default()
    }

    /// Returns those to wake for a comment, if nothing was written for so long.
    pub(crate) fn keep_alive(&mut self, interval: Duration) -> Vec<Waker> {
        let now = Instant::now();
        if self.quiet.get_or_insert(now).elapsed() < interval {
            return Vec::new();
        }
        self.beat += 1;
        self.quiet = Some(now);
        self.take_all_waiting()
    }

    /// Looks at every reader's place, since a body is not asked while its socket is full. Closes those that missed frames and
    /// have not read for `after`.
    pub(crate) fn sweep(&mut self, slow: Slow) {
        let now = Instant::now();
        for (_, reader) in &mut self.readers {
            let Some(Err(lagged)) = reader.cursor.map(|cursor| self.ring.check(cursor)) else { continue };
            let since = *reader.lagging.get_or_insert(now);
            let Slow::Closed(after) = slow else { continue };
            if now - since >= after && !reader.is_ended {
                reader.is_ended = true;
                reader.missed += lagged.missed;
                self.missed += lagged.missed;
                self.closed += 1;
                reader.close();
            }
        }
    }

    /// Makes every reader end after the events that are ready for it. Returns those to wake.
    pub(crate) fn close(&mut self) -> Vec<Waker> {
        // No more than a thousand a second come back.
        let spread_ms = (self.retry_ms / 2).max(self.readers.len() as u64);
        self.closing.get_or_insert(spread_ms);
        self.take_all_waiting()
    }
}

impl Reader {
    pub(crate) fn is_lagging(&self) -> bool {
        self.lagging.is_some()
    }

    pub(crate) fn wait(&mut self, cx: &Context<'_>) {
        match &mut self.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => self.waker = Some(cx.waker().clone()),
        }
    }

    /// Closes the connection, if a `Server` accepted it, or ends the body.
    pub(crate) fn close(&mut self) {
        self.is_ended = true;
        if let Some(connection) = &self.connection {
            connection.close();
        }
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

fn write(bytes: &mut Vec<u8>, frame: &Frame<'_>) {
    frame.parts().for_each(|part| bytes.extend_from_slice(part));
}
