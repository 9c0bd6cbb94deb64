//! Replaying letters: their records go to the topics they come from.
//!
//! Invariant: key, value and the record's own headers are those of the record, and a letter is noted as replayed only after
//! its record is durable. So one that was on its way when the program was killed may be replayed twice, and none is lost.
//! Letters of a partition are replayed in their order; where the log fails, those behind wait for another call.

use std::collections::HashMap;
use std::time::Duration;

use super::error::{DeadLetterError, LetterId};
use super::headers::REPLAYS;
use super::letter::{DeadLetter, Replayed};
use super::marker;
use super::topic::{DeadLetterTopic, found};
use crate::error::Result;
use crate::log::{Header, LogError, Record, TopicDescription};

/// How often a record may be replayed.
const MOST: u32 = 3;

/// How letters are replayed.
///
/// ```
/// let options = ksql_runtime::dlq::ReplayOptions::default().most(5);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "options do nothing until letters are replayed with them"]
pub struct ReplayOptions {
    most: u32,
    force: bool,
}

impl Default for ReplayOptions {
    fn default() -> ReplayOptions {
        ReplayOptions {
            most: MOST,
            force: false,
        }
    }
}

impl ReplayOptions {
    /// How often one record may be replayed before its letters are refused. Default: 3.
    pub fn most(mut self, times: u32) -> Self {
        self.most = times;
        self
    }

    /// Replays also what was replayed already, what was replayed too often, and, with the time of now, what its topic
    /// would remove for its age. Default: no.
    pub fn force(mut self) -> Self {
        self.force = true;
        self
    }
}

/// What came of replaying letters.
#[derive(Debug, Clone, Default)]
#[must_use = "letters may be refused, each with a reason"]
pub struct ReplayReport {
    /// The letters whose records are durable in their topics, and where.
    pub replayed: Vec<(LetterId, Replayed)>,
    /// The letters that were not replayed, and why not.
    pub refused: Vec<(LetterId, DeadLetterError)>,
}

/// The topics that letters come from, each asked for once.
type Origins = HashMap<String, Result<TopicDescription, LogError>>;

impl DeadLetterTopic {
    /// Replays letters: produces their records, byte for byte and with their own headers, to the topics they come from,
    /// where a key chooses its partition. The header `__dlq.replays` counts how often. What is refused is told with the
    /// reason, and keeps none of the others from being replayed, but where the log itself fails.
    ///
    /// # Errors
    /// Where the letters cannot be read: then none was replayed. [`Error::Log`](crate::error::Error::Log) where a replay
    /// could not be noted: the letters before it are.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn replay(
        &self,
        letters: impl IntoIterator<Item = impl Into<LetterId>>,
        options: &ReplayOptions,
    ) -> Result<ReplayReport> {
        self.replay_telling(letters, options, || {}).await
    }

    /// The same; whoever watches is told of each letter that is done with.
    pub(crate) async fn replay_telling(
        &self,
        letters: impl IntoIterator<Item = impl Into<LetterId>>,
        options: &ReplayOptions,
        mut done: impl FnMut(),
    ) -> Result<ReplayReport> {
        let mut ids: Vec<LetterId> = letters.into_iter().map(Into::into).collect();
        ids.sort_unstable();
        ids.dedup();
        let asked = ids.clone();
        let letters = self
            .with_tally(move |tally, log, topic| found(tally, log, topic, &asked))
            .await?;
        let mut report = ReplayReport::default();
        let mut origins = Origins::new();
        let mut failed = false;
        for (id, letter) in ids.into_iter().zip(letters) {
            if failed {
                let error = DeadLetterError::NotTried { letter: id };
                report.refused.push((id, error));
                continue;
            }
            let replayed = match letter {
                Ok(letter) => self.replay_one(&letter, *options, &mut origins).await,
                Err(error) => Err(error),
            };
            match replayed {
                Ok(to) => {
                    let place = (id.partition, id.offset);
                    marker::note_replayed(self.log(), self.topic(), place, &to).await?;
                    tracing::info!(letter = %id, topic = to.topic, partition = to.partition, offset = to.offset, "a dead letter was replayed");
                    report.replayed.push((id, to));
                }
                Err(error) => {
                    failed = matches!(&error, DeadLetterError::Log { source, .. } if source.is_transient());
                    report.refused.push((id, error));
                }
            }
            done();
        }
        Ok(report)
    }

    async fn replay_one(
        &self,
        letter: &DeadLetter,
        options: ReplayOptions,
        origins: &mut Origins,
    ) -> Result<Replayed, DeadLetterError> {
        let id = letter.id;
        let failed = |source| DeadLetterError::Log { letter: id, source };
        let Some(topic) = &letter.topic else {
            return Err(DeadLetterError::NoOrigin { letter: id });
        };
        if topic == self.topic() {
            return Err(DeadLetterError::OriginIsDeadLetters {
                letter: id,
                topic: topic.clone(),
            });
        }
        if !options.force {
            if let Some(to) = &letter.replayed {
                return Err(DeadLetterError::Replayed {
                    letter: id,
                    topic: to.topic.clone(),
                    partition: to.partition,
                    offset: to.offset,
                });
            }
            if letter.replays >= options.most {
                return Err(DeadLetterError::Loop {
                    letter: id,
                    replays: letter.replays,
                    most: options.most,
                });
            }
        }
        if !origins.contains_key(topic) {
            // Of a name that no topic can have logs say different things.
            let described = match ksql_schema::names::topic_defect(topic) {
                Some(_) => Err(LogError::UnknownTopic {
                    topic: topic.clone(),
                }),
                None => self.log().describe(topic).await,
            };
            origins.insert(topic.clone(), described);
        }
        let origin = match origins.get(topic) {
            Some(Ok(origin)) => origin,
            Some(Err(LogError::UnknownTopic { .. })) | None => {
                return Err(DeadLetterError::OriginGone {
                    letter: id,
                    topic: topic.clone(),
                });
            }
            Some(Err(error)) => return Err(failed(error.clone())),
        };
        let now = self.letters.clock().now_ms().max(1);
        let timestamp = self.time_of(letter, origin, now, options.force)?;
        let replays = letter.replays.saturating_add(1).to_string();
        let mut headers: Vec<Header<'_>> = letter
            .headers
            .iter()
            .map(|(name, value)| Header {
                name,
                value: value.as_deref(),
            })
            .collect();
        headers.push(Header::new(REPLAYS, replays.as_bytes()));
        let mut record = Record::new(letter.key.as_deref(), letter.value.as_deref(), timestamp)
            .headers(&headers);
        // A record without a key stays with those it stood among.
        let kept = letter
            .partition
            .filter(|partition| u32::try_from(*partition).is_ok_and(|it| it < origin.partitions));
        if let (None, Some(partition)) = (&letter.key, kept) {
            record = record.partition(partition);
        }
        let receipt = self.log().produce(topic, record).await.map_err(failed)?;
        Ok(Replayed {
            topic: topic.clone(),
            partition: receipt.partition,
            offset: receipt.offset,
            at: now,
        })
    }

    /// The timestamp of a replayed record: its own, so that it falls into the windows it belongs to.
    fn time_of(
        &self,
        letter: &DeadLetter,
        origin: &TopicDescription,
        now: i64,
        force: bool,
    ) -> Result<i64, DeadLetterError> {
        let Some(own) = letter.timestamp.filter(|own| *own > 0) else {
            return Ok(now);
        };
        let age = u64::try_from(now.saturating_sub(own)).unwrap_or(0);
        let deletes = origin.spec.cleanup != ksql_schema::model::Cleanup::Compact;
        match origin.spec.retention_ms.filter(|_| deletes) {
            Some(retention) if age >= retention => match force {
                true => Ok(now),
                false => Err(DeadLetterError::Expired {
                    letter: letter.id,
                    topic: origin.name.to_string(),
                    age: Duration::from_millis(age),
                    retention: Duration::from_millis(retention),
                }),
            },
            _ => Ok(own),
        }
    }
}
