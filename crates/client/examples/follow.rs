//! Follows a stream for ever, and prints its events as lines of JSON:
//! `cargo run -p ssewire-client --example follow -- http://127.0.0.1:8080/events 30`, which takes 30 s without a byte for a lost
//! connection.

use std::env;
use std::io::{Write, stdout};
use std::time::Duration;

use serde_json::json;
use ssewire_client::{Error, EventSource, Policy};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let url = arguments.next().ok_or("usage: follow URL [SECONDS]")?;
    let silence = arguments.next().map_or(Ok(120), |seconds| seconds.parse())?;
    let ms = u32::try_from(Duration::from_secs(silence).as_millis())?;

    let mut policy = Policy::ROBUST;
    (policy.silence_ms, policy.head_ms, policy.attempts) = (ms, ms, u32::MAX);
    // A reader that comes back is soon there, however long the server was away.
    policy.max_wait_ms = 1000;
    let mut source = EventSource::builder(&url).policy(policy).build()?;
    while let Some(event) = source.next().await {
        match event {
            Ok(event) => {
                let event = event.text()?;
                let id = String::from_utf8_lossy(source.last_event_id());
                writeln!(stdout(), "{}", json!({ "event": event.event_type(), "data": event.data(), "id": id }))?;
            }
            Err(Error::TooLarge(overflow)) => eprintln!("{overflow}"), // the next event follows
            Err(error) => return Err(error.into()),                    // nothing follows
        }
    }
    Ok(())
}
