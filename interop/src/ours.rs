//! Our client: the crate's parser behind an HTTP client that hands out chunks as they arrive.

use std::time::Duration;

use ssewire::{Item, Parser};

use crate::messages::{Difference, Seen, compare};

/// What was read of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    pub events: Vec<Seen>,
    pub comments: Vec<String>,
}

/// Larger than any event here.
const CAPACITY: usize = 1 << 14;

/// In bytes: from a chunk for each byte to most lines whole.
const LENGTHS: std::ops::RangeInclusive<usize> = 1..=24;

/// Reads the stream at `url` to its end: chunks as they come, and again byte by byte, which must give the same.
///
/// # Errors
///
/// When the stream ends before its time, is no event stream, holds what is not UTF-8, or takes longer than 30 seconds.
pub async fn read(url: &str) -> anyhow::Result<Received> {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build()?;
    let mut response = client.get(url).header("Accept", "text/event-stream").send().await?.error_for_status()?;
    let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    anyhow::ensure!(content_type.starts_with("text/event-stream"), "content type {content_type:?}");

    let mut readers = [Reader::default(), Reader::default()];
    while let Some(chunk) = response.chunk().await? {
        let [as_it_comes, byte_by_byte] = &mut readers;
        as_it_comes.read(&chunk)?;
        chunk.chunks(1).try_for_each(|byte| byte_by_byte.read(byte))?;
    }
    let [as_it_comes, byte_by_byte] = readers.map(|reader| reader.received);
    anyhow::ensure!(as_it_comes == byte_by_byte, "byte by byte another outcome");
    Ok(as_it_comes)
}

#[derive(Default)]
struct Reader {
    parser: Parser<[u8; CAPACITY]>,
    comment: Vec<u8>,
    received: Received,
}

impl Reader {
    fn read(&mut self, chunk: &[u8]) -> anyhow::Result<()> {
        let mut input = chunk;
        while let Some(item) = self.parser.next_item(&mut input).expect("CAPACITY exceeds every event") {
            match item {
                Item::Event(event) => {
                    let event = event.text()?;
                    self.received.events.push(Seen {
                        event: event.event_type().into(),
                        id: event.last_event_id().into(),
                        data: event.data().into(),
                        retry: event.retry(),
                    });
                }
                Item::Comment(piece) => {
                    self.comment.extend_from_slice(piece.bytes);
                    if piece.last {
                        self.received.comments.push(String::from_utf8(std::mem::take(&mut self.comment))?);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// What the parser makes of `stream`, decoded as the standard decodes: whole and in chunks of all [`LENGTHS`], which
/// must all give the same.
///
/// # Errors
///
/// When it does not.
pub fn decoded(stream: &[u8]) -> Result<Vec<Seen>, Difference> {
    let whole = decoded_in_chunks(stream, stream.len().max(1));
    for len in LENGTHS {
        compare(&decoded_in_chunks(stream, len), &whole)?;
    }
    Ok(whole)
}

fn decoded_in_chunks(stream: &[u8], len: usize) -> Vec<Seen> {
    let mut parser = Parser::with_limit(stream.len());
    let text = |bytes: &[u8]| ssewire::lossy(bytes).to_string();
    let mut seen = Vec::new();
    for mut chunk in stream.chunks(len) {
        while let Some(event) = parser.next(&mut chunk).expect("no event is larger than its stream") {
            seen.push(Seen {
                event: text(event.event_type()),
                id: text(event.last_event_id()),
                data: text(event.data()),
                retry: None,
            });
        }
    }
    seen
}
