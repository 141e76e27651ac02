//! The choices that a hub is made with.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{fmt, io};

use ssewire::BufferTooSmall;

use crate::hub::Hub;

/// The treatment of a reader that is so slow that the history dropped events before it got them.
///
/// Until then a reader is not slow, however late its events are: the [`capacity`](Builder::capacity) is the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slow {
    /// It is told how many it missed, by a [gap event](ssewire::replay::Gap) in its stream, and goes on with the oldest event
    /// that is held.
    Told,
    /// The same, but its connection is closed if it has not read for this long after the first event that it missed.
    ///
    /// A body is not asked for more while its socket is full, so only a [`Server`](crate::Server) can close such a connection.
    /// Under any other accept loop it is told when it reads again.
    Closed(Duration),
}

/// The first event of a client that comes without a last event ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the next event.
    Live,
    /// With the oldest event that is held.
    Oldest,
}

/// Builds a [`Hub`]; from [`Hub::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    pub(crate) capacity: usize,
    pub(crate) chunk: usize,
    pub(crate) flush: Duration,
    pub(crate) keep_alive: Duration,
    pub(crate) retry: Duration,
    pub(crate) slow: Slow,
    pub(crate) start: Start,
    pub(crate) epoch: Option<u64>,
    pub(crate) file: Option<PathBuf>,
}

impl Builder {
    pub(crate) fn new() -> Builder {
        Builder {
            capacity: 1 << 20,
            chunk: 16 << 10,
            flush: Duration::from_millis(5),
            keep_alive: Duration::from_secs(15),
            retry: Duration::from_secs(2),
            slow: Slow::Told,
            start: Start::Live,
            epoch: None,
            file: None,
        }
    }

    /// Sets the bytes of history that are held: the frames as they are on the wire. Default: 1 MiB. Memory is allocated as events
    /// need it. A larger event cannot be published.
    pub fn capacity(mut self, bytes: usize) -> Builder {
        self.capacity = bytes;
        self
    }

    /// Sets the most bytes of a chunk, which ends with an event. Default: 16 KiB. A larger event is a chunk of its own.
    pub fn chunk(mut self, bytes: usize) -> Builder {
        self.chunk = bytes;
        self
    }

    /// Sets the shortest time between two wake-ups of the readers. Default: 5 ms.
    ///
    /// An event after a quiet time is written at once. Those that follow are collected for this time, since a chunk costs the
    /// same for one event and for a hundred. With 0 every event wakes all readers that wait.
    pub fn flush(mut self, interval: Duration) -> Builder {
        self.flush = interval;
        self
    }

    /// Sets the time without an event after which a comment is written. Default: 15 seconds. Proxies cut connections that are
    /// silent, and a client that is gone is noticed by writing.
    pub fn keep_alive(mut self, interval: Duration) -> Builder {
        self.keep_alive = interval;
        self
    }

    /// Sets the shortest reconnection time that clients are told. Default: 2 seconds. Each connection gets a time of its own, up
    /// to half as long again, so that the clients of a server that died come back apart. The times of hubs differ, too.
    pub fn retry(mut self, time: Duration) -> Builder {
        self.retry = time;
        self
    }

    /// Sets the policy for slow readers. Default: [`Slow::Told`].
    pub fn slow(mut self, slow: Slow) -> Builder {
        self.slow = slow;
        self
    }

    /// Sets where clients without a last event ID begin. Default: [`Start::Live`].
    pub fn start(mut self, start: Start) -> Builder {
        self.start = start;
        self
    }

    /// Sets the first number of the IDs, which must be larger after each restart. Default: the milliseconds since 1970, or one more
    /// than that of the newest event in the file.
    pub fn epoch(mut self, epoch: u64) -> Builder {
        self.epoch = Some(epoch);
        self
    }

    /// Keeps the history in a file as well, so that it survives the process. One hub at a time may use it.
    ///
    /// An event is appended before any client gets it, and an event that the end of the process cut off is removed by the next
    /// one. The file holds an event stream as on the wire, and is rewritten when it is twice as long as the capacity. It is not
    /// synchronized to the disk: events can be lost if the machine loses power.
    ///
    /// While it is rewritten, the new file has the same name with `.new` at its end. A hub has one open file descriptor, and two
    /// meanwhile.
    ///
    /// A file that this crate did not write is not touched, and [`build`](Builder::build) fails: each line must be one of a
    /// [`Frame`](ssewire::Frame). Only the last frame may be incomplete, at any byte, or the file be empty.
    ///
    /// The hub holds an advisory lock (`flock`) on the file, and a second hub on it, of this process or another, is not built.
    /// Windows, Solaris and file systems without such locks do not notice it: see to it there that a file has one hub.
    pub fn file(mut self, path: impl Into<PathBuf>) -> Builder {
        self.file = Some(path.into());
        self
    }

    /// Returns the hub. It blocks while it reads the [`file`](Builder::file), which is at most three times as long as the
    /// [`capacity`](Builder::capacity): build hubs before you serve, or in `tokio::task::spawn_blocking`.
    ///
    /// # Errors
    ///
    /// Those of reading and writing the [`file`](Builder::file), and [`InvalidData`](io::ErrorKind::InvalidData) if it is not a
    /// history, and [`ResourceBusy`](io::ErrorKind::ResourceBusy) if another hub uses it. They name the path. Without a
    /// file: never.
    pub fn build(self) -> io::Result<Hub> {
        Hub::build(self)
    }
}

/// Returns the milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// An event could not be published. No client got it.
#[derive(Debug)]
#[non_exhaustive]
pub enum PublishError {
    /// The event is larger than the history.
    TooLarge(BufferTooSmall),
    /// The file of the history could not be written.
    File(io::Error),
    /// The hub follows a [`Log`](crate::Log): append to that.
    Follows,
    /// The hub is shut down.
    ShutDown,
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PublishError::TooLarge(BufferTooSmall { needed, capacity }) => {
                write!(f, "the event takes {needed} bytes, and the history holds {capacity}")
            }
            PublishError::File(error) => write!(f, "the file of the history: {error}"),
            PublishError::Follows => f.write_str("the hub follows a log: append to the log"),
            PublishError::ShutDown => f.write_str("the hub is shut down"),
        }
    }
}

impl std::error::Error for PublishError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            PublishError::File(error) => Some(error),
            PublishError::TooLarge(_) | PublishError::Follows | PublishError::ShutDown => None,
        }
    }
}
