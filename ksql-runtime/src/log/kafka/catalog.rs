//! The topics this process has asked about: what producing and reading need to know without asking again.
//!
//! Invariant: an entry is one topic, by its id; when the topic of a name is found to be another one, or gone, the entry
//! is marked, and whoever holds it finds out at its next step. Any thread.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::native::DescribedTopic;
use crate::log::topic::TopicId;

/// A topic as it was last described.
#[derive(Debug)]
pub(super) struct Topic {
    pub(super) name: Arc<str>,
    pub(super) id: TopicId,
    partitions: AtomicU32,
    gone: AtomicBool,
    turn: AtomicU32,
}

impl Topic {
    pub(super) fn partitions(&self) -> u32 {
        self.partitions.load(Ordering::Relaxed)
    }

    pub(super) fn has(&self, partition: i32) -> bool {
        u32::try_from(partition).is_ok_and(|partition| partition < self.partitions())
    }

    /// Whether it was found deleted, or another topic under its name.
    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    pub(super) fn mark_gone(&self) {
        self.gone.store(true, Ordering::Release);
    }

    /// Partitions in turn, for records without a key.
    pub(super) fn next_partition(&self) -> i32 {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        turn.checked_rem(self.partitions())
            .unwrap_or(0)
            .cast_signed()
    }
}

/// Topics by name.
#[derive(Debug, Default)]
pub(super) struct Catalog(RwLock<HashMap<Arc<str>, Arc<Topic>>>);

impl Catalog {
    pub(super) fn get(&self, name: &str) -> Option<Arc<Topic>> {
        let topics = self.0.read().unwrap_or_else(PoisonError::into_inner);
        topics.get(name).cloned()
    }

    /// Takes in what the cluster said of a topic.
    pub(super) fn learn(&self, described: &DescribedTopic) -> Arc<Topic> {
        let mut topics = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = topics.get(described.name.as_str()) {
            if known.id == described.id && !known.is_gone() {
                // Metadata of brokers may be behind one another; partitions are never taken away.
                known
                    .partitions
                    .fetch_max(described.partitions, Ordering::Relaxed);
                return Arc::clone(known);
            }
            known.mark_gone();
        }
        let topic = Arc::new(Topic {
            name: Arc::from(described.name.as_str()),
            id: described.id,
            partitions: AtomicU32::new(described.partitions),
            gone: AtomicBool::new(false),
            turn: AtomicU32::new(0),
        });
        topics.insert(Arc::clone(&topic.name), Arc::clone(&topic));
        topic
    }

    /// A topic is there no longer.
    pub(super) fn forget(&self, name: &str) {
        let mut topics = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(topic) = topics.remove(name) {
            topic.mark_gone();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(id: u8, partitions: u32) -> DescribedTopic {
        DescribedTopic {
            name: "t".to_owned(),
            id: TopicId::from_bytes([id; 16]),
            partitions,
            replication: 1,
            led: true,
            internal: false,
        }
    }

    #[test]
    fn another_topic_of_the_name_marks_the_first_one() {
        let catalog = Catalog::default();
        let first = catalog.learn(&described(1, 2));
        assert!(Arc::ptr_eq(&first, &catalog.learn(&described(1, 4))));
        assert_eq!(first.partitions(), 4, "a partition was added");
        let second = catalog.learn(&described(2, 1));
        assert!(first.is_gone() && !second.is_gone());
        catalog.forget("t");
        assert!(second.is_gone() && catalog.get("t").is_none());
    }

    #[test]
    fn records_without_a_key_go_to_all_partitions() {
        let topic = Catalog::default().learn(&described(1, 3));
        let mut turns: Vec<i32> = (0..6).map(|_| topic.next_partition()).collect();
        turns.sort_unstable();
        assert_eq!(turns, [0, 0, 1, 1, 2, 2]);
    }
}
