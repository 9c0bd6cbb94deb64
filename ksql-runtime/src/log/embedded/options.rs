//! How an embedded log is opened, and what its maintenance says it did. Plain data.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What an acknowledged record survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// The end of this process, however it ends: a group of records is in the operating system's hands.
    #[default]
    ProcessCrash,
    /// The loss of power too: a group of records is synced to the disk.
    PowerLoss,
}

/// A function that says what time it is, in milliseconds since 1970, UTC.
pub type ClockFn = Arc<dyn Fn() -> i64 + Send + Sync>;

/// How an embedded log is opened.
#[derive(Clone)]
pub struct EmbeddedOptions {
    /// Where it lives. It is created, and held by one owner at a time.
    pub directory: PathBuf,
    /// What an acknowledged record survives. Default: the end of the process.
    pub durability: Durability,
    /// How often retention and compaction run by themselves, and the clock they go by. Default: only when
    /// [`EmbeddedLog::maintain`](super::EmbeddedLog::maintain) is called.
    pub maintenance: Option<(Duration, ClockFn)>,
    /// The part of a compacted partition's bytes that must be new before it is compacted again. Default: 0.5, as in
    /// Kafka. Minimum: 0, at every maintenance that finds something new.
    pub dirty_ratio: f64,
    /// Memory for records that wait to be written, that are not yet in files, that are read, and for compaction, all
    /// together. Default: 64 MiB. Minimum: 8 MiB, which less is taken for.
    pub memory_bytes: usize,
}

impl EmbeddedOptions {
    /// The defaults in this directory.
    pub fn new(directory: impl Into<PathBuf>) -> EmbeddedOptions {
        EmbeddedOptions {
            directory: directory.into(),
            durability: Durability::default(),
            maintenance: None,
            dirty_ratio: 0.5,
            memory_bytes: 64 * 1024 * 1024,
        }
    }
}

impl std::fmt::Debug for EmbeddedOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let EmbeddedOptions {
            directory,
            durability,
            maintenance,
            dirty_ratio,
            memory_bytes,
        } = self;
        f.debug_struct("EmbeddedOptions")
            .field("directory", directory)
            .field("durability", durability)
            .field(
                "maintenance",
                &maintenance.as_ref().map(|(interval, _)| interval),
            )
            .field("dirty_ratio", dirty_ratio)
            .field("memory_bytes", memory_bytes)
            .finish()
    }
}

/// How the one number for memory is shared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shares {
    /// Records on their way to the writer. What is more waits outside.
    pub(super) queue: usize,
    /// Records in RocksDB and not yet in files.
    pub(super) unflushed: usize,
    /// Blocks of files.
    pub(super) cache: usize,
    /// The keys of a partition that is compacted.
    pub(super) compaction: usize,
}

impl Shares {
    pub(super) fn of(memory_bytes: usize) -> Shares {
        let eighth = memory_bytes.max(8 * 1024 * 1024) / 8;
        Shares {
            queue: eighth * 2,
            unflushed: eighth * 3,
            cache: eighth,
            compaction: eighth * 2,
        }
    }
}

/// What a maintenance did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Maintained {
    /// Records removed because they were too old or too many.
    pub expired: u64,
    /// Records removed because a later one has their key, or a tombstone's time was over.
    pub compacted: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_memory_are_never_more_than_all_of_it() {
        for memory in [8 << 20, 64 << 20, (64 << 20) + 7, usize::MAX] {
            let Shares {
                queue,
                unflushed,
                cache,
                compaction,
            } = Shares::of(memory);
            let sum = [queue, unflushed, cache, compaction]
                .iter()
                .map(|share| *share as u128)
                .sum::<u128>();
            assert!(sum <= memory as u128, "{sum} of {memory}");
        }
        assert_eq!(
            Shares::of(0).queue,
            Shares::of(8 << 20).queue,
            "the minimum"
        );
    }
}
