//! The consumers of a context: what they need of it, and which there are, so that an orderly end waits for them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::status::ConsumerStatus;
use super::subscription::Running;
use crate::dlq::DeadLetters;
use crate::error::{Chain, Error, Result};
use crate::registry::Registry;

/// The group that handles an entity's records where none is named.
pub(crate) fn group_of(application_id: &str, entity: &str, window: Option<&str>) -> String {
    match window {
        Some(label) => format!("{application_id}_{entity}_{label}"),
        None => format!("{application_id}_{entity}"),
    }
}

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

    /// Waits until all have ended, each as long as it waits for its handlers and a little more for its last commit. Says which
    /// could not commit: what they finished last comes again at the next start.
    pub(crate) async fn wait(&self) -> Result<()> {
        let all = self.all();
        let longest = all.iter().map(Running::longest_end).max();
        let limit = longest.unwrap_or_default();
        let until = tokio::time::Instant::now() + limit;
        let mut missing = Vec::new();
        for running in all {
            let reason = match tokio::time::timeout_at(until, running.wait()).await {
                Ok(Ok(_)) => continue,
                // What it failed with before is told to who asks it, and was logged.
                Ok(Err(_)) if running.has_failed() => continue,
                Ok(Err(error)) => format!(": {}", Chain(&error)),
                Err(_) => String::new(),
            };
            let status = running.status();
            missing.push(format!(
                "group `{}` of topic `{}` has not committed what it finished last, which comes again{reason}",
                status.group, status.topic
            ));
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::Timeout {
            what: "the end of the consumers",
            limit,
            missing: missing.join("; "),
        })
    }

    /// What each is doing.
    pub(crate) fn status(&self) -> Vec<ConsumerStatus> {
        self.all().iter().map(Running::status).collect()
    }
}
