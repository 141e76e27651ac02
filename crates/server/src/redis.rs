//! Streams of Redis and Valkey.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::streams::{StreamId, StreamRangeReply, StreamReadReply};
use ::redis::{AsyncConnectionConfig, Client, FromRedisValue, Pipeline};
use bytes::Bytes;
use tokio::sync::Mutex;

use crate::log::{After, Entry, Log, Page};

/// A stream of Redis or Valkey as a [`Log`], for servers in several processes.
///
/// An event is an entry with the fields `type` (if it has one) and `data`, and the ID that Redis gives it, as
/// `1732000000000-0`. Other programs may add such entries with `XADD`.
///
/// It connects when it is used and again after a failure. Redis keeps a stream through a restart if it is told to
/// (`appendonly yes`).
///
/// # Examples
///
/// ```no_run
/// use ssewire_server::{Hub, Log, RedisLog};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let log = RedisLog::new("redis://127.0.0.1/", "events", 10_000)?;
/// let hub = Hub::new();
/// hub.follow(log.clone()).await?;
/// log.append("temperature", b"21.5").await?; // to all clients of all processes
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisLog {
    shared: std::sync::Arc<Shared>,
}

struct Shared {
    client: Client,
    key: String,
    entries: usize,
    /// For commands that wait: they hold up those that follow on the same connection.
    waiting: Mutex<Option<MultiplexedConnection>>,
    others: Mutex<Option<MultiplexedConnection>>,
}

/// The longest that Redis is waited for, apart from the time that a command itself waits.
const TIMEOUT: Duration = Duration::from_secs(5);

impl RedisLog {
    /// Returns the log in the stream `key`, which holds about `entries` of the newest entries.
    ///
    /// # Errors
    ///
    /// If the URL is not one of Redis. Nothing is connected yet.
    pub fn new(url: &str, key: &str, entries: usize) -> Result<RedisLog, RedisError> {
        let client = Client::open(url)?;
        let (waiting, others) = (Mutex::new(None), Mutex::new(None));
        Ok(RedisLog { shared: Shared { client, key: key.into(), entries, waiting, others }.into() })
    }

    async fn query<T: FromRedisValue>(&self, commands: &Pipeline, wait: Duration) -> Result<T, RedisError> {
        let place = if wait.is_zero() { &self.shared.others } else { &self.shared.waiting };
        let mut connection = {
            let mut place = place.lock().await;
            match &*place {
                Some(connection) => connection.clone(),
                None => {
                    let config = AsyncConnectionConfig::new()
                        .set_connection_timeout(Some(TIMEOUT))
                        .set_response_timeout(Some(wait + TIMEOUT));
                    let connection = self.shared.client.get_multiplexed_async_connection_with_config(&config).await?;
                    place.insert(connection).clone()
                }
            }
        };
        let result = commands.query_async(&mut connection).await;
        if result.is_err() {
            // It may be broken: the next command connects again.
            *place.lock().await = None;
        }
        Ok(result?)
    }

    /// Returns whether all entries after an ID that the stream does not hold are there: it is between two that it holds.
    async fn is_in_hole(&self, id: (u64, u64)) -> Result<bool, RedisError> {
        let mut commands = Pipeline::new();
        commands.cmd("XRANGE").arg(&self.shared.key).arg("-").arg("+").arg("COUNT").arg(1);
        commands.cmd("XREVRANGE").arg(&self.shared.key).arg("+").arg("-").arg("COUNT").arg(1);
        let (first, last): (StreamRangeReply, StreamRangeReply) = self.query(&commands, Duration::ZERO).await?;
        let number = |reply: StreamRangeReply| reply.ids.first().and_then(|entry| numbers(&entry.id));
        Ok(number(first).is_some_and(|first| first < id) && number(last).is_some_and(|last| id < last))
    }
}

impl Log for RedisLog {
    type Error = RedisError;

    async fn append(&self, event_type: &str, data: &[u8]) -> Result<String, RedisError> {
        let mut commands = Pipeline::new();
        let command =
            commands.cmd("XADD").arg(&self.shared.key).arg("MAXLEN").arg("~").arg(self.shared.entries).arg("*");
        if !event_type.is_empty() {
            command.arg("type").arg(event_type);
        }
        command.arg("data").arg(data);
        let (id,) = self.query(&commands, Duration::ZERO).await?;
        Ok(id)
    }

    async fn read_from(&self, after: After<'_>, limit: usize, wait: Duration) -> Result<Page, RedisError> {
        let mut commands = Pipeline::new();
        let id = match after {
            After::Oldest => None,
            After::Id(id) => match numbers(id) {
                Some(id) => Some(id),
                None => return Ok(Page::Gone),
            },
        };
        let text = id.map_or("0-0".into(), |(time, number)| format!("{time}-{number}"));
        // Before the read: it is there, so everything after it is.
        commands.cmd("XRANGE").arg(&self.shared.key).arg(&text).arg(&text);
        let read = commands.cmd("XREAD").arg("COUNT").arg(limit);
        if !wait.is_zero() {
            // A time of 0 would be for ever.
            read.arg("BLOCK").arg(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1));
        }
        read.arg("STREAMS").arg(&self.shared.key).arg(&text);
        let (here, read): (StreamRangeReply, Option<StreamReadReply>) = self.query(&commands, wait).await?;
        if let Some(id) = id
            && here.ids.is_empty()
            && !self.is_in_hole(id).await?
        {
            return Ok(Page::Gone);
        }
        let entries = read.into_iter().flat_map(|read| read.keys).flat_map(|stream| stream.ids).map(entry).collect();
        Ok(Page::Entries(entries))
    }
}

fn entry(entry: StreamId) -> Entry {
    let text = |name| entry.map.get(name).and_then(|value| Vec::from_redis_value_ref(value).ok()).unwrap_or_default();
    let event_type = String::from_utf8(text("type")).unwrap_or_default();
    Entry { event_type, data: Bytes::from(text("data")), id: entry.id }
}

/// Returns the numbers of an ID of Redis, as `1732000000000-0`.
fn numbers(id: &str) -> Option<(u64, u64)> {
    let (time, number) = id.split_once('-')?;
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(time) && is_number(number)).then_some(())?;
    Some((time.parse().ok()?, number.parse().ok()?))
}

/// Prints the key.
impl fmt::Debug for RedisLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLog").field("key", &self.shared.key).finish_non_exhaustive()
    }
}

/// An error of Redis, or of the connection to it.
#[derive(Debug)]
pub struct RedisError(::redis::RedisError);

impl From<::redis::RedisError> for RedisError {
    fn from(error: ::redis::RedisError) -> RedisError {
        RedisError(error)
    }
}

impl fmt::Display for RedisError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redis: {}", self.0)
    }
}

impl Error for RedisError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}
