//! Consuming: handlers called with the records of an entity, and what becomes of those that fail.
//!
//! Invariant: a record's offset is committed when it and everything before it in its partition is finished - handled, skipped
//! by a policy that was asked for, or acknowledged as a dead letter - and never earlier.
//!
//! ```text
//!   member of the group (a thread): reads, commits, gives partitions back        `reading`
//!        | chunks of records                ^ what is finished                    `chunk`, `tracker`
//!        v                                  |
//!   lanes (tasks): open, filter, call, settle: retry, skip, dead letter, stop     `dealer`, `lane`, `waiting`, `read`, `call`, `settle`
//! ```
//!
//! A program builds a [`Consumer`] from a set, gives it a handler, and gets a [`Subscription`].

mod backoff;
mod bell;
mod call;
mod chunk;
mod consumer;
mod counts;
mod dealer;
mod delivered;
mod failure;
mod lane;
mod message;
mod outcome;
mod policy;
mod position;
mod read;
mod reading;
mod records;
mod settle;
mod shared;
mod site;
mod status;
mod stream;
mod subscription;
mod tracker;
mod waiting;

pub use backoff::Backoff;
pub use consumer::{Consumer, Manual, Start, WhenOffsetGone};
pub use counts::Counters;
pub use dealer::Order;
pub use delivered::{Change, Delivered};
pub use failure::{Abandoned, Committed, Ended, Stopped};
pub use message::{IntoSettled, Message, Meta, Settled};
pub use outcome::{BoxError, ErrorClass, HandlerError, IntoOutcome, Outcome};
pub use policy::{OnDecodeError, OnError};
pub use position::Position;
pub use records::{ForEach, Kept, Mapped, Merged, Records};
pub(crate) use site::Consumers;
#[cfg(feature = "cli")]
pub(crate) use site::group_of;
pub use status::{ConsumerState, ConsumerStatus, PartitionStatus};
pub use stream::Entities;
pub use subscription::Subscription;
