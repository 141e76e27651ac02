use core::time::Duration;

/// How long to wait before a connection is tried again.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct SseRetryConfig {
    /// How many times to try.
    pub max_retries: u32,
    /// The longest wait, in milliseconds.
    pub max_backoff_ms: u32,
    /// The shortest wait, in milliseconds.
    pub min_sleep_ms: u32,
    /// The factor of the wait from one try to the next. Below 1, or not finite, the wait does not grow.
    pub backoff_multiplier: f32,
    /// Set if the wait is a random one between the first and the one that is due.
    pub jitter: bool,
}

impl Default for SseRetryConfig {
    /// As [`SseRetryConfig::new`].
    fn default() -> Self {
        SseRetryConfig::new()
    }
}

impl SseRetryConfig {
    /// Twenty tries, the wait doubling from 200 ms to at most a minute, with jitter.
    #[must_use]
    pub const fn new() -> Self {
        SseRetryConfig {
            max_retries: 20,
            max_backoff_ms: 60_000,
            min_sleep_ms: 200,
            backoff_multiplier: 2.0,
            jitter: true,
        }
    }

    /// No tries.
    #[must_use]
    pub const fn disabled() -> Self {
        SseRetryConfig { max_retries: 0, ..SseRetryConfig::new() }
    }

    /// The wait before try number `attempt`, counted from 0, when the server asked for `reconnect_time_ms`; `None` when
    /// there are to be no more. `jitter_factor` says where between the first wait and the one that is due, from 0 to 1;
    /// anything else is taken for 1.
    ///
    /// # Panics
    ///
    /// When the shortest wait is longer than the longest, as it is with the original.
    #[must_use]
    pub fn calculate_backoff_with_factor(
        &self,
        reconnect_time_ms: u32,
        attempt: u32,
        jitter_factor: f32,
    ) -> Option<Duration> {
        if attempt >= self.max_retries {
            return None;
        }
        assert!(self.min_sleep_ms <= self.max_backoff_ms, "the shortest wait is longer than the longest");
        let first = reconnect_time_ms.max(self.min_sleep_ms) as f32;
        let grows = self.backoff_multiplier.is_finite() && self.backoff_multiplier >= 1.0;
        let due = if grows { first * power(self.backoff_multiplier, attempt) } else { first };
        // `min` takes the longest wait for NaN as well.
        let due = due.min(self.max_backoff_ms as f32);
        let wait = if self.jitter && first < due {
            let factor = if (0.0..=1.0).contains(&jitter_factor) { jitter_factor } else { 1.0 };
            first + factor * (due - first)
        } else {
            due
        };
        Some(Duration::from_millis(wait as u64))
    }

    /// The same with a random factor.
    ///
    /// # Panics
    ///
    /// As [`calculate_backoff_with_factor`](SseRetryConfig::calculate_backoff_with_factor).
    #[cfg(feature = "fastrand")]
    #[must_use]
    pub fn calculate_backoff(&self, reconnect_time_ms: u32, attempt: u32) -> Option<Duration> {
        self.calculate_backoff_with_factor(reconnect_time_ms, attempt, fastrand::f32())
    }
}

/// `base` to the power of `exponent`. `f32::powi` is not in `core`.
fn power(base: f32, exponent: u32) -> f32 {
    let (mut power, mut square, mut rest) = (1.0, base, exponent);
    while rest > 0 {
        if rest % 2 == 1 {
            power *= square;
        }
        square *= square;
        rest /= 2;
    }
    power
}
