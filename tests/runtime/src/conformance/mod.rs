//! Cases of ksqlDB's own tests, held against queries that say the same: records in, the same records out; and the text of the
//! query means what the case's statement means.
//!
//! The cases stand in a folder beside the workspace, or where `KSQL_SHARED` says, under a licence of their own: they are read
//! there and nothing of them is copied here. A test without them is reported as skipped.

mod cases;
mod check;
mod coverage;
mod decode;
mod encode;
mod joiner;
pub mod ksql;
mod rows;
mod same;
mod texts;
mod write;

pub use cases::{Case, Cases, Column, Record, Source};
pub use check::{RUNS_JOINS, Written, written};
pub use coverage::{
    Place, Refusal, assert_each_is_written, assert_places, assert_refused, share_of_core,
};
pub use joiner::{Joiner, Made, joiner, joiner_over};
pub use texts::snapshot;
