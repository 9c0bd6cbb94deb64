//! Pauses between retries: each twice as long as the one before, up to a cap, and never beyond a deadline.

use std::time::Duration;

use tokio::time::Instant;

use super::options::KsqlDbOptions;

/// The next pause, and when to give up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    next: Duration,
    cap: Duration,
    deadline: Option<Instant>,
}

impl Backoff {
    pub(super) fn within(options: &KsqlDbOptions, limit: Duration) -> Backoff {
        Backoff {
            next: options.retry_from,
            cap: options.retry_to,
            deadline: Some(Instant::now() + limit),
        }
    }

    /// Never gives up.
    pub(super) fn endless(options: &KsqlDbOptions) -> Backoff {
        Backoff {
            next: options.retry_from,
            cap: options.retry_to,
            deadline: None,
        }
    }

    /// Pauses; `false`, at once, where the deadline would have passed by then.
    pub(super) async fn pause(&mut self) -> bool {
        let until = Instant::now() + self.next;
        if self.deadline.is_some_and(|deadline| until > deadline) {
            return false;
        }
        self.next = self.next.saturating_mul(2).min(self.cap);
        tokio::time::sleep_until(until).await;
        true
    }
}
