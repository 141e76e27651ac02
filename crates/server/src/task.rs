//! The one task of a hub: the flush timer of all connections, keep-alive, and the look at slow readers.

use std::future;
use std::mem;
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{MissedTickBehavior, interval, sleep_until};

use crate::hub::Inner;
use crate::options::Slow;

/// Starts the task on the runtime that the caller is in, if there is one and no task runs.
pub(crate) fn start(hub: &Arc<Inner>) {
    let Ok(runtime) = Handle::try_current() else { return };
    if !mem::replace(&mut hub.lock().has_task, true) {
        // Without the lock: a runtime that shuts down drops the task at once.
        runtime.spawn(run(Task { hub: Arc::downgrade(hub), has_run: false }));
    }
}

/// Tells the readers when the task ends, as it does with its runtime: readers of another runtime go on, and start it there.
struct Task {
    hub: Weak<Inner>,
    has_run: bool,
}

impl Drop for Task {
    fn drop(&mut self) {
        let Some(hub) = self.hub.upgrade() else { return };
        let waiting = {
            let mut state = hub.lock();
            state.has_task = false;
            // A reader that is woken for nothing starts a task again, which must not end in a circle.
            match state.flush_at.take() {
                None if !self.has_run => Vec::new(),
                _ => state.take_all_waiting(),
            }
        };
        waiting.into_iter().for_each(Waker::wake);
    }
}

async fn run(mut task: Task) {
    task.has_run = true;
    let hub = &task.hub;
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
                waiting.into_iter().for_each(Waker::wake);
            }
            _ = ticks.tick() => {
                let Some(inner) = hub.upgrade() else { return };
                let waiting = {
                    let mut state = inner.lock();
                    state.sweep(inner.options.slow);
                    state.keep_alive(inner.options.keep_alive)
                };
                waiting.into_iter().for_each(Waker::wake);
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
