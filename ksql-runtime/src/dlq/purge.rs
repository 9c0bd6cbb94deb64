//! Purging letters: they are no more, and their bytes go as soon as the log can let go of them.
//!
//! A log removes records from the front of a partition alone. So letters are marked as purged first, durably, and are never
//! shown again; then everything before the first letter that is left is removed. A purged letter behind one that stays
//! keeps its bytes until that one goes, or the topic's retention is over. Where the topic's cleanup policy forbids removal
//! (somebody made it a compacted one) the mark is all there is.

use std::collections::BTreeMap;

use super::error::LetterId;
use super::marker;
use super::topic::DeadLetterTopic;
use crate::error::Result;

/// What came of purging letters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "letters may be unknown, or wait for the retention"]
pub struct Purged {
    /// How many letters are no more.
    pub letters: u64,
    /// How many of them have bytes in the log still, behind letters that stay.
    pub held: u64,
    /// What was asked for and is no letter.
    pub unknown: Vec<LetterId>,
}

/// The letters of a partition, those that go and those that stay, and where it ends.
#[derive(Debug)]
struct Parted {
    partition: i32,
    end: i64,
    go: Vec<i64>,
    first_that_stays: Option<i64>,
}

impl DeadLetterTopic {
    /// Purges these letters. They are not shown again when it resolves.
    ///
    /// # Errors
    /// Where the log cannot be read or written; asked again it goes on.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn purge(
        &self,
        letters: impl IntoIterator<Item = impl Into<LetterId>>,
    ) -> Result<Purged> {
        self.purge_telling(letters, |_| {}).await
    }

    /// The same; whoever watches is told of letters that are noted as purged, some at a time, and of those that are none.
    pub(crate) async fn purge_telling(
        &self,
        letters: impl IntoIterator<Item = impl Into<LetterId>>,
        mut done: impl FnMut(usize),
    ) -> Result<Purged> {
        let mut wanted: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
        for letter in letters {
            let id: LetterId = letter.into();
            wanted.entry(id.partition).or_default().push(id.offset);
        }
        let (parted, unknown) = self
            .with_tally(move |tally, _, _| {
                let mut unknown = Vec::new();
                let mut parted = Vec::new();
                for (partition, mut offsets) in wanted {
                    offsets.sort_unstable();
                    offsets.dedup();
                    let (go, not_there): (Vec<i64>, Vec<i64>) = offsets
                        .into_iter()
                        .partition(|offset| tally.get(partition, *offset).is_some());
                    unknown.extend(
                        not_there
                            .into_iter()
                            .map(|offset| LetterId { partition, offset }),
                    );
                    let stays = |offset: &i64| go.binary_search(offset).is_err();
                    parted.push(Parted {
                        partition,
                        end: tally.edges(partition).1,
                        first_that_stays: tally.of(partition).find(stays),
                        go,
                    });
                }
                Ok((parted, unknown))
            })
            .await?;
        done(unknown.len());
        let mut purged = self.let_go(parted, done).await?;
        purged.unknown = unknown;
        Ok(purged)
    }

    /// Purges every letter that is there now. Those that come meanwhile stay.
    ///
    /// # Errors
    /// As [`DeadLetterTopic::purge`].
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn purge_all(&self) -> Result<Purged> {
        let parted = self
            .with_tally(|tally, _, _| {
                let all = tally.partitions().map(|partition| Parted {
                    partition,
                    end: tally.edges(partition).1,
                    first_that_stays: None,
                    go: tally.of(partition).collect(),
                });
                Ok(all.collect::<Vec<_>>())
            })
            .await?;
        self.let_go(parted, |_| {}).await
    }

    async fn let_go(&self, parted: Vec<Parted>, mut done: impl FnMut(usize)) -> Result<Purged> {
        let mut purged = Purged::default();
        let (log, topic) = (self.log(), self.topic());
        for part in parted.into_iter().filter(|part| !part.go.is_empty()) {
            let now = self.letters.clock().now_ms();
            for some in part.go.chunks(marker::AT_ONCE) {
                marker::note_purged(log, topic, part.partition, some, now).await?;
                done(some.len());
            }
            let start = part.first_that_stays.unwrap_or(part.end);
            let removed = log.remove_before(topic, part.partition, start).await?;
            let held = part
                .go
                .iter()
                .filter(|offset| !removed || **offset >= start);
            purged.held = purged.held.saturating_add(held.count() as u64);
            purged.letters = purged.letters.saturating_add(part.go.len() as u64);
        }
        tracing::info!(
            topic,
            letters = purged.letters,
            held = purged.held,
            "dead letters were purged"
        );
        Ok(purged)
    }
}
