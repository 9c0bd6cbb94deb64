//! The topics that a binding reads, their partitions numbered through.
//!
//! Invariant: the number of a partition is its own plus how many the topics before have, as those were when the topics were
//! looked at; of one topic it is the partition itself. Positions and stored offsets go by that number, people are told the topic
//! and its own partition. Plain data, made by whoever starts a table and by its binding.

use std::sync::Arc;

use super::StateError;
use crate::log::{Log, LogError, Offsets, SeveralReader, TopicDescription, TopicId};

/// Topics, in the order in which they are read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Topics(Arc<[Topic]>);

/// What matters of a topic.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) name: Arc<str>,
    pub(crate) id: TopicId,
    pub(crate) partitions: u32,
    /// The number of its first partition.
    first: u32,
}

impl Topics {
    /// These topics, numbered in this order.
    pub(crate) fn new<'t>(topics: impl IntoIterator<Item = &'t TopicDescription>) -> Topics {
        let mut first = 0_u32;
        Topics(
            topics
                .into_iter()
                .map(|topic| {
                    let topic = Topic {
                        name: Arc::clone(&topic.name),
                        id: topic.id,
                        partitions: topic.partitions,
                        first,
                    };
                    first = first.saturating_add(topic.partitions);
                    topic
                })
                .collect(),
        )
    }

    /// Each, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Topic> {
        self.0.iter()
    }

    /// Which topic a number belongs to, and the topic's own partition.
    pub(crate) fn place(&self, number: i32) -> Option<(&Topic, i32)> {
        let number = u32::try_from(number).ok()?;
        let after = self.0.partition_point(|topic| topic.first <= number);
        // Of topics without partitions that begin at the same number the last has it.
        let topic = self.0.get(after.checked_sub(1)?)?;
        let own = number.checked_sub(topic.first)?;
        (own < topic.partitions).then_some((topic, own.cast_signed()))
    }

    /// An error of the log about the topic at this place among them.
    pub(crate) fn failed(&self, (index, source): (usize, LogError)) -> StateError {
        let name = self.0.get(index).map_or("", |topic| &topic.name);
        StateError::of_log(name, source)
    }

    /// A reader of the partitions with these numbers, from these offsets on.
    pub(crate) fn reader(
        &self,
        log: &Log,
        from: &[(i32, i64)],
    ) -> Result<SeveralReader, (usize, LogError)> {
        let topics: Vec<_> = self
            .iter()
            .map(|topic| {
                let own = from.iter().filter_map(|(number, offset)| {
                    let (of, partition) = self.place(*number)?;
                    (of.first == topic.first).then_some((partition, *offset))
                });
                (&*topic.name, topic.partitions, own.collect())
            })
            .collect();
        SeveralReader::new(log, &topics)
    }

    /// Where their partitions begin and end now, by number. Partitions added since have none.
    pub(crate) async fn offsets(&self, log: &Log) -> Result<Vec<Offsets>, (usize, LogError)> {
        let mut all = Vec::new();
        for (index, topic) in self.0.iter().enumerate() {
            let found = log.all_offsets(&topic.name).await;
            let found = found.map_err(|error| (index, error))?;
            all.extend(found.into_iter().take(topic.partitions as usize));
        }
        Ok(all)
    }

    /// Where they end, with what is written and not committed yet.
    pub(crate) async fn ends(&self, log: &Log) -> Result<Vec<i64>, LogError> {
        let mut all = Vec::new();
        for topic in self.iter() {
            let found = log.all_written(&topic.name).await?;
            let ends = found.iter().take(topic.partitions as usize);
            all.extend(ends.map(|offsets| offsets.end));
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::log::TopicSpec;

    fn described(name: &str, partitions: u32) -> TopicDescription {
        TopicDescription {
            name: Arc::from(name),
            id: TopicId::from_bytes([0; 16]),
            partitions,
            spec: TopicSpec::new(name, partitions),
        }
    }

    #[test]
    fn a_number_is_a_partition_of_the_topic_it_lies_in() {
        let topics = [described("a", 2), described("b", 1), described("c", 3)];
        let topics = Topics::new(&topics);
        let places: Vec<_> = (-1..7)
            .map(|number| {
                let (topic, partition) = topics.place(number)?;
                Some((&*topic.name, partition))
            })
            .collect();
        assert_eq!(
            places,
            [
                None,
                Some(("a", 0)),
                Some(("a", 1)),
                Some(("b", 0)),
                Some(("c", 0)),
                Some(("c", 1)),
                Some(("c", 2)),
                None
            ]
        );
    }

    #[test]
    fn of_one_topic_the_number_is_the_partition() {
        let topics = Topics::new(&[described("a", 3)]);
        for number in 0..3 {
            assert_eq!(topics.place(number).unwrap().1, number);
        }
    }
}
