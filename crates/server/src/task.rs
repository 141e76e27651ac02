//! The one task of a hub: the flush timer of all connections, keep-alive, and the look at slow readers.

use std::future;
use std::sync::Weak;
use std::time::Duration;

use tokio::time::{interval, sleep_until, MissedTickBehavior};

use crate::hub::Inner;
use crate::options::Slow;

pub(crate) async fn run(hub: Weak<Inner>) {
    let Some(inner) = hub.upgrade() else { return };
    let changed = inner.changed.clone();
    let mut ticks = interval(tick(&inner));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    drop(inner);
    loop {
        let Some(flush_at) = hub.upgrade().map(|inner| inner.lock().flush_at) else { return };
        let flush = async {
            match flush_at {
                Some(at) => sleep_until(at).await,
                None => future::pending().await,
            }
        };
        tokio::select! {
            () = changed.notified() => {}
            () = flush => {
                let Some(inner) = hub.upgrade() else { return };
                let waiting = inner.lock().take_waiting(tokio::time::Instant::now());
                waiting.into_iter().for_each(std::task::Waker::wake);
            }
            _ = ticks.tick() => {
                let Some(inner) = hub.upgrade() else { return };
                let waiting = {
                    let mut state = inner.lock();
                    state.sweep(inner.options.slow);
                    state.keep_alive(inner.options.keep_alive)
                };
                waiting.into_iter().for_each(std::task::Waker::wake);
            }
        }
    }
}

/// Returns the time between two looks at the readers.
fn tick(inner: &Inner) -> Duration {
    let after = match inner.options.slow {
        Slow::Told => Duration::MAX,
        Slow::Closed(after) => after / 2,
    };
    after.min(inner.options.keep_alive / 2).clamp(Duration::from_millis(10), Duration::from_secs(1))
}
