//! A write on its way beside the query: its results are acknowledged, noted, committed, and what is kept of them is stored.
//!
//! Meanwhile the query takes on. Invariant: nothing of a write is stored before its results are acknowledged and, where there is an
//! owner, committed; and nobody forgets it before that is over: who drops it waits. Waited for by a query's thread, done by one
//! of the runtime's.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use rocksdb::WriteBatch;

use super::duty::Office;
use super::journal::Entry;
use super::sending::Sending;
use super::store;
use crate::log::{LogError, Turn};
use crate::state::{Progress, StateError, Table};

/// What is to be done.
#[derive(Debug)]
pub(super) struct Steps {
    pub(super) table: Arc<Table>,
    pub(super) results: Sending,
    /// Where there is an owner: its turn, and what it notes.
    pub(super) note: Option<(Office, Turn, Entry)>,
    /// What is kept, with the offsets that were reached.
    pub(super) batch: Batch,
    pub(super) progress: Progress,
}

/// What is to be stored.
pub(super) struct Batch(pub(super) WriteBatch);

impl std::fmt::Debug for Batch {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} bytes", self.0.size_in_bytes())
    }
}

impl Steps {
    /// Does it, and says what was reached.
    pub(super) fn take(mut self) -> Result<Progress, StateError> {
        self.results.end()?;
        let store = &self.table.store;
        if let Some((office, turn, entry)) = self.note {
            office.commit(turn, &entry, &mut self.progress)?;
            let progress = &self.progress;
            let name = &self.table.settings.store;
            store.pack_more(name, &mut self.batch.0, |batch, family| {
                store::put_journal(batch, family, progress);
            })?;
        }
        store.write_packed(self.batch.0)?;
        Ok(self.progress)
    }
}

/// Waits for it.
#[derive(Debug)]
pub(super) struct Underway {
    table: Arc<Table>,
    answered: Option<Receiver<Result<Progress, StateError>>>,
}

impl Underway {
    /// Begins; the binding is woken when it is over.
    pub(super) fn begin(runtime: &tokio::runtime::Handle, steps: Steps) -> Underway {
        let table = Arc::clone(&steps.table);
        let (answer, answered) = channel();
        let woken = Arc::clone(&table);
        // Not waited for here: the answer says that it is over.
        drop(runtime.spawn_blocking(move || {
            // Nobody listens where the query gave up.
            let _ = answer.send(steps.take());
            woken.wake();
        }));
        Underway {
            table,
            answered: Some(answered),
        }
    }

    /// What came of it, if it is over.
    pub(super) fn over(&mut self) -> Option<Result<Progress, StateError>> {
        let answered = self.answered.take()?;
        match answered.try_recv() {
            Ok(answer) => Some(answer),
            Err(TryRecvError::Disconnected) => Some(Err(self.gone())),
            Err(TryRecvError::Empty) => {
                self.answered = Some(answered);
                None
            }
        }
    }

    /// Waits until it is over.
    pub(super) fn wait(mut self) -> Result<Progress, StateError> {
        // Each of its waits looks whether the query is out of time.
        match self.answered.take().map(|answered| answered.recv()) {
            Some(Ok(answer)) => answer,
            _ => Err(self.gone()),
        }
    }

    /// The runtime is gone, and the step with it.
    fn gone(&self) -> StateError {
        StateError::of_log(self.table.topic(), LogError::Closed)
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        // What comes of it is met again by who reads on.
        drop(self.answered.take().map(|answered| answered.recv()));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use std::sync::mpsc::Sender;
    use std::time::Duration;

    use super::*;
    use crate::engine::output::tests::with_table;
    use crate::log::BatchReceipt;
    use crate::prelude::Context;

    type Acknowledge = Sender<Result<BatchReceipt, LogError>>;

    /// A write of a key with the offset 7, and who acknowledges its results.
    fn steps(ctx: &Context, table: &Arc<Table>) -> (Steps, Acknowledge) {
        let runtime = tokio::runtime::Handle::current();
        let topics = vec![Arc::from("kept")];
        let mut results = Sending::new(table, ctx.log().clone(), &runtime, topics);
        let (acknowledge, acknowledged) = channel();
        results.sent[0] = Some(acknowledged);
        let mut progress = Progress::default();
        progress.reached(0, 7, 7);
        let batch = table.store.pack(
            &table.settings.store,
            |batch, family| batch.put_cf(family, b"key", b"value"),
            progress.offsets(&table.topics()),
        );
        let steps = Steps {
            table: Arc::clone(table),
            results,
            note: None,
            batch: Batch(batch.unwrap()),
            progress,
        };
        (steps, acknowledge)
    }

    fn stored(table: &Table) -> Option<i64> {
        let store = &table.settings.store;
        let offset = table.store.offset(store, 0).unwrap();
        let there = table.store.get(store, b"key", |_| ()).unwrap();
        assert_eq!(there.is_some(), offset.is_some());
        offset.map(|offset| offset.next)
    }

    fn receipt() -> BatchReceipt {
        BatchReceipt::new(Arc::from("kept"), Vec::new(), Vec::new())
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nothing_is_stored_before_its_results_are_acknowledged_and_then_all_of_it_is() {
        let (_directory, ctx, table) = with_table().await;
        let runtime = tokio::runtime::Handle::current();
        let (steps, acknowledge) = steps(&ctx, &table);
        let mut underway = Underway::begin(&runtime, steps);
        assert!(underway.over().is_none());
        assert_eq!(stored(&table), None);
        acknowledge.send(Ok(receipt())).unwrap();
        let progress = underway.wait().unwrap();
        assert_eq!(progress.places().collect::<Vec<_>>(), [(0, 7)]);
        assert_eq!(stored(&table), Some(7));
        ctx.shutdown().await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_not_acknowledged_is_not_stored() {
        let (_directory, ctx, table) = with_table().await;
        let runtime = tokio::runtime::Handle::current();
        let (steps, acknowledge) = steps(&ctx, &table);
        let underway = Underway::begin(&runtime, steps);
        acknowledge.send(Err(LogError::Closed)).unwrap();
        let error = underway.wait().unwrap_err();
        assert!(matches!(error, StateError::Output { .. }), "{error}");
        assert_eq!(stored(&table), None);
        ctx.shutdown().await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_drops_a_write_waits_until_it_is_over() {
        let (_directory, ctx, table) = with_table().await;
        let runtime = tokio::runtime::Handle::current();
        let (steps, acknowledge) = steps(&ctx, &table);
        let underway = Underway::begin(&runtime, steps);
        let (dropped, is_dropped) = channel();
        let dropping = std::thread::spawn(move || {
            drop(underway);
            dropped.send(()).unwrap();
        });
        // It cannot have come: nothing was acknowledged.
        assert!(is_dropped.recv_timeout(Duration::from_millis(50)).is_err());
        acknowledge.send(Ok(receipt())).unwrap();
        dropping.join().unwrap();
        assert_eq!(stored(&table), Some(7));
        ctx.shutdown().await.unwrap();
    }
}
