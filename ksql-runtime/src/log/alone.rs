//! Who owns the queries where there is no cluster: nobody has to be asked, for the directory has one owner.
//!
//! What is here has no value, so nothing of it is ever called; it stands for the election of a build without Kafka.

use super::batch::{BatchReceipt, RecordBatch};
use super::error::LogError;

/// No election.
#[derive(Debug, Clone)]
pub(crate) enum Ownership {}

/// No transaction.
#[derive(Debug)]
pub(crate) enum Turn {}

/// Nobody who writes in one.
#[derive(Debug, Clone)]
pub(crate) enum Writer {}

impl Ownership {
    pub(crate) fn topic(&self) -> &str {
        match *self {}
    }

    pub(crate) fn term(&self) -> Result<Option<u64>, LogError> {
        match *self {}
    }

    pub(crate) async fn settled(&self) -> Result<(), LogError> {
        match *self {}
    }

    pub(crate) fn each_change<F: Fn()>(&self, _: F) -> std::future::Ready<()> {
        match *self {}
    }

    pub(crate) fn turn(&self, _: u64, _: impl Fn() -> bool) -> Result<Turn, LogError> {
        match *self {}
    }

    pub(crate) fn hurry(&self) {
        match *self {}
    }

    pub(crate) fn close(&self) {
        match *self {}
    }
}

impl Turn {
    pub(crate) fn writer(&self) -> Writer {
        match *self {}
    }

    pub(crate) fn commit(self, _: impl Fn() -> bool) -> Result<(), LogError> {
        match self {}
    }
}

impl Writer {
    pub(crate) async fn produce_batch(
        &self,
        _: &str,
        _: RecordBatch,
    ) -> Result<BatchReceipt, LogError> {
        match *self {}
    }
}
