//! The consumers of a context: what they need of it, and which there are, so that an orderly end waits for them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::status::ConsumerStatus;
use super::subscription::Running;
use crate::dlq::DeadLetters;
use crate::error::{Error, Result};
use crate::registry::Registry;

/// Shared by a context's sets.
#[derive(Debug)]
pub(crate) struct Consumers {
    pub(crate) application_id: String,
    pub(crate) registry: Registry,
    pub(crate) letters: DeadLetters,
    running: Mutex<Vec<Running>>,
    closed: AtomicBool,
}

impl Consumers {
    pub(crate) fn new(
        application_id: &str,
        registry: &Registry,
        letters: DeadLetters,
    ) -> Consumers {
        Consumers {
            application_id: application_id.to_owned(),
            registry: registry.clone(),
            letters,
            running: Mutex::default(),
            closed: AtomicBool::new(false),
        }
    }

    pub(super) fn refuse_closed(&self) -> Result<()> {
        if self.closed.load(Ordering::SeqCst) {
            Err(Error::Closed)
        } else {
            Ok(())
        }
    }

    /// Keeps a consumer in mind. Those that ended in order are forgotten then; those that failed stay to be seen.
    pub(super) fn add(&self, running: &Running) {
        let mut all = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|known| !known.has_ended() || known.status().error.is_some());
        all.push(running.clone());
        drop(all);
        // The context may have been closed meanwhile.
        if self.closed.load(Ordering::SeqCst) {
            running.stop();
        }
    }

    fn all(&self) -> Vec<Running> {
        let all = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        all.clone()
    }

    /// Tells all to end, and lets none begin.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.all().iter().for_each(Running::stop);
    }

    /// Waits until all have ended. Each waits for its handlers as long as it was told to, no longer.
    pub(crate) async fn wait(&self) {
        for running in self.all() {
            // What it ended with is told to who asks it, and was logged.
            let _ = running.wait().await;
        }
    }

    /// What each is doing.
    pub(crate) fn status(&self) -> Vec<ConsumerStatus> {
        self.all().iter().map(Running::status).collect()
    }
}
