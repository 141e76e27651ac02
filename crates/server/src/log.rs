//! More than one process: a log that all of them append to and read from.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use ssewire::Frame;
use ssewire::replay::Gap;
use tokio::sync::Notify;

use crate::hub::{Hub, Inner};
use crate::options::now_ms;

/// A log of events that several processes append to, each of which serves all of it: a stream of Redis, a subject of NATS, a table.
///
/// A hub that [follows](Hub::follow) a log reads it into its own history under the log's IDs. A client is served from there; one
/// whose ID the history of this process does not hold is caught up from the log, page by page, until it does. So a client may
/// move from process to process.
///
/// IDs must be numbers, or pairs of numbers as `3-17`, that ascend in the order of the log; holes are allowed.
pub trait Log: Send + Sync + 'static {
    /// The error of the engine.
    type Error: Error + Send + Sync + 'static;

    /// Appends an event, and returns its ID. An empty event type is none.
    ///
    /// An error may come after the engine has taken the event, such as when its answer is lost.
    fn append(&self, event_type: &str, data: &[u8]) -> impl Future<Output = Result<String, Self::Error>> + Send;

    /// Returns up to `limit` entries, in order. Waits up to `wait` for the first one, and returns an empty page then.
    fn read_from(
        &self,
        after: After<'_>,
        limit: usize,
        wait: Duration,
    ) -> impl Future<Output = Result<Page, Self::Error>> + Send;
}

/// The place that [`Log::read_from`] reads from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After<'a> {
    /// Before the oldest entry.
    Oldest,
    /// After the entry with this ID. It may come from a client, so it may be anything.
    Id(&'a str),
}

/// The answer of [`Log::read_from`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// The entries that follow without a gap, maybe none.
    Entries(Vec<Entry>),
    /// An entry after that ID may be gone, or the ID was never in the log.
    Gone,
}

/// An event of a [`Log`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its ID.
    pub id: String,
    /// Its type; empty is none.
    pub event_type: String,
    /// Its data.
    pub data: Bytes,
}

/// Gives the frame of an entry. Another program may have written anything to the log: an entry that is not an event only
/// sets the ID, and one without a valid ID is left out.
pub(crate) fn encode(entry: &Entry, write: impl FnOnce(&Frame<'_>)) {
    let Ok(id) = Frame::new().id(&entry.id) else { return };
    let frame = if entry.event_type.is_empty() { Ok(id) } else { id.event_type(&entry.event_type) };
    write(&frame.map_or(id, |frame| frame.data(&entry.data)));
}

pub(crate) type AnyError = Box<dyn Error + Send + Sync>;
pub(crate) type AnyPage = Result<Page, AnyError>;
type Reading<'a> = Pin<Box<dyn Future<Output = AnyPage> + Send + 'a>>;

/// A log of any type.
#[derive(Clone)]
pub(crate) struct AnyLog(Arc<dyn Read>);

impl AnyLog {
    /// Returns the entries after this place, without waiting.
    pub(crate) async fn read(&self, after: After<'_>, limit: usize) -> AnyPage {
        self.0.read(after, limit, Duration::ZERO).await
    }
}

trait Read: Send + Sync {
    fn read<'a>(&'a self, after: After<'a>, limit: usize, wait: Duration) -> Reading<'a>;
}

impl<L: Log> Read for L {
    fn read<'a>(&'a self, after: After<'a>, limit: usize, wait: Duration) -> Reading<'a> {
        Box::pin(async move { self.read_from(after, limit, wait).await.map_err(Into::into) })
    }
}

/// Entries that are read at a time.
const PAGE: usize = 1000;
/// How long a read waits for an entry, and so the longest time after which the end of the hub is noticed.
const WAIT: Duration = Duration::from_secs(5);
/// The waits after errors of the log.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(2)];

impl Hub {
    /// Follows a log: reads all of it into the history, and from then on each entry as it is appended. Returns after the first.
    ///
    /// Events are published by [`Log::append`] from then on, here or in another process; [`publish`](Hub::publish) rejects them.
    /// While the log cannot be read, connections stay open and wait, and it is tried again after up to two seconds. If entries
    /// are gone that were not read, all readers get a [gap event](ssewire::replay::Gap).
    ///
    /// A hub follows one log. To follow another has no effect.
    ///
    /// # Errors
    ///
    /// Those of the log, before the history is read.
    ///
    /// # Panics
    ///
    /// Never.
    pub async fn follow<L: Log>(&self, log: L) -> Result<(), Box<dyn Error + Send + Sync>> {
        let log = AnyLog(Arc::new(log));
        if self.inner.log.set(log.clone()).is_err() {
            return Ok(());
        }
        self.inner.lock().follows = true;
        let mut last = None;
        loop {
            match log.0.read(after(&last), PAGE, Duration::ZERO).await? {
                Page::Entries(entries) if entries.is_empty() => break,
                Page::Entries(entries) => self.inner.take(entries, &mut last),
                Page::Gone => last = None,
            }
        }
        let hub = Arc::downgrade(&self.inner);
        tokio::spawn(async move {
            let [mut pause, longest] = BACK_OFF;
            while hub.strong_count() > 0 {
                let page = log.0.read(after(&last), PAGE, WAIT).await;
                let Some(inner) = hub.upgrade() else { return };
                match page {
                    Ok(Page::Entries(entries)) => inner.take(entries, &mut last),
                    Ok(Page::Gone) => {
                        inner.push(&Gap::new(None).frame());
                        last = None;
                    }
                    Err(_) => {
                        drop(inner);
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(longest);
                        continue;
                    }
                }
                pause = BACK_OFF[0];
            }
        });
        Ok(())
    }
}

fn after(last: &Option<String>) -> After<'_> {
    last.as_deref().map_or(After::Oldest, After::Id)
}

impl Inner {
    fn take(&self, entries: Vec<Entry>, last: &mut Option<String>) {
        for entry in &entries {
            encode(entry, |frame| self.push(frame));
        }
        if let Some(entry) = entries.into_iter().last() {
            *last = Some(entry.id);
        }
    }

    /// Appends a frame of the log. One that is too large becomes a gap.
    fn push(&self, frame: &Frame<'_>) {
        let waiting = {
            let mut state = self.lock();
            if state.push(frame).is_err() {
                let _ = state.push(&Gap::new(Some(1)).frame());
            }
            state.after_push(self.options.flush)
        };
        self.wake(waiting);
    }
}

/// A log in memory, for several hubs of one process, and for tests. Clones are the same log.
#[derive(Clone, Debug)]
pub struct MemoryLog {
    shared: Arc<(Mutex<Memory>, Notify)>,
}

#[derive(Debug)]
struct Memory {
    entries: VecDeque<Entry>,
    capacity: usize,
    epoch: u64,
    appended: u64,
}

impl MemoryLog {
    /// Returns a log of the newest `entries` entries.
    #[must_use]
    pub fn new(entries: usize) -> MemoryLog {
        let memory = Memory { entries: VecDeque::new(), capacity: entries, epoch: now_ms(), appended: 0 };
        MemoryLog { shared: Arc::new((Mutex::new(memory), Notify::new())) }
    }

    fn page(&self, after: After<'_>, limit: usize) -> Page {
        let memory = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = memory.entries.len() as u64;
        let dropped = memory.appended - held;
        let start = match after {
            After::Oldest => 0,
            After::Id(id) => {
                let sequence = id.strip_prefix(&format!("{}-", memory.epoch)).and_then(|text| text.parse().ok());
                match sequence {
                    Some(sequence) if (dropped..=memory.appended).contains(&sequence) => sequence - dropped,
                    _ => return Page::Gone,
                }
            }
        };
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        Page::Entries(memory.entries.iter().skip(start).take(limit).cloned().collect())
    }
}

impl Log for MemoryLog {
    type Error = Infallible;

    async fn append(&self, event_type: &str, data: &[u8]) -> Result<String, Infallible> {
        let (memory, appended) = &*self.shared;
        let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.appended += 1;
        let id = format!("{}-{}", memory.epoch, memory.appended);
        let (event_type, data) = (event_type.into(), Bytes::copy_from_slice(data));
        memory.entries.push_back(Entry { id: id.clone(), event_type, data });
        if memory.entries.len() > memory.capacity {
            memory.entries.pop_front();
        }
        appended.notify_waiters();
        Ok(id)
    }

    async fn read_from(&self, after: After<'_>, limit: usize, wait: Duration) -> Result<Page, Infallible> {
        let read = async {
            loop {
                let appended = self.shared.1.notified();
                match self.page(after, limit) {
                    Page::Entries(entries) if entries.is_empty() => appended.await,
                    page => return page,
                }
            }
        };
        match tokio::time::timeout(wait, read).await {
            Ok(page) => Ok(page),
            Err(_) => Ok(Page::Entries(Vec::new())),
        }
    }
}
