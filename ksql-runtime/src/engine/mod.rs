//! Queries run in this process: one thread a query, from its source's records to the records of its results.
//!
//! A query's thread is a binding like a table's (see the state module): its positions, and what it keeps for groups, are in a
//! store of its own and written together. A write goes in this order: what is to be repeated alike after a kill (the
//! *intent*), the results, acknowledged, then changed state with the source's offsets in one batch.
//!
//! Invariant: after `kill -9` at any instant the results are those of a run without it; a result that is written again has
//! the same bytes. Where several instances run a query, one owns it (see the duty) and the others follow what it notes. Queries are started by the context, behind everything they need.

#![cfg_attr(
    not(feature = "kafka"),
    allow(
        unreachable_code,
        unused_variables,
        reason = "without Kafka nobody is elected, so no duty ever exists"
    )
)]

mod aggregate;
mod blank;
mod duty;
mod enlist;
mod event_time;
mod groups;
mod intent;
mod join;
mod joining;
mod journal;
mod keeping;
mod lanes;
mod ordered;
mod output;
mod project;
mod replay;
mod sending;
mod source;
mod stand_by;
mod store;
mod telling;
#[cfg(test)]
mod tests;
mod underway;
mod windows;

use std::any::TypeId;
use std::fmt::Debug;
use std::sync::Arc;

use ksql_schema::query::plan;

pub(crate) use duty::Duty;
pub(crate) use enlist::enlist;
pub(crate) use output::Target;

use crate::clock::Clock;
use crate::log::{Log, Offsets};
use crate::query::ParameterError;
use crate::registry::Registry;
use crate::state::{StateError, Table};

/// A query without its type.
pub(crate) trait Runner: Debug + Send + Sync {
    /// What it does.
    fn plan(&self) -> &'static plan::Query<'static>;

    /// Of the entities it reads, in the order in which they are joined.
    fn inputs(&self) -> Vec<TypeId>;

    /// Of the entity it writes.
    fn output(&self) -> TypeId;

    /// Why it cannot be run in this process, if so.
    fn refusal(&self) -> Option<String> {
        None
    }

    /// What tells its state from that of another query, its parameters included.
    fn shape(&self) -> Result<u64, ParameterError>;

    /// Its statements, each ended by `;`, with the values of its parameters: one a window of its output.
    #[cfg(feature = "kafka")]
    fn statements(&self) -> Result<Vec<String>, ParameterError>;

    /// Starts its thread; `table` holds its state.
    fn start(&self, table: &Arc<Table>, site: Site, offsets: &[Offsets]) -> Result<(), StateError>;
}

/// What a query works with.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) log: Log,
    pub(crate) registry: Registry,
    pub(crate) clock: Clock,
    /// Where its results go: one a window.
    pub(crate) targets: Vec<Target>,
    /// Of each input the ids under which values and keys are in the entity's own form.
    pub(crate) forms: Vec<(u32, u32)>,
    pub(crate) emit: Emit,
    pub(crate) shape: u64,
    /// Who writes its results, where several instances may run it.
    pub(crate) duty: Option<Duty>,
}

/// Which changes of a group become results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Emit {
    /// The last of those that are written together.
    #[default]
    Latest,
    /// Each, as ksqlDB without a cache.
    Each,
}
