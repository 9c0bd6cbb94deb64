//! What the owner of the queries notes beside its results: which records it took, and in which order.
//!
//! A note is written in one transaction with the results that were made of those records. So whoever follows the journal to its
//! end, and takes the same records in the same order, has what the owner had when it wrote last, and knows that everything before
//! is told and nothing behind it. One topic holds the notes of all queries, under their names: compaction may leave the last one
//! of each, which says how far the owner came.
//!
//! Written and read on the queries' threads.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::intent::{Intent, Run};
use crate::codec::{DecodeError, Reader, write};
use crate::log::{Log, LogError, LogReader};

/// A note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// What tells the query over these very topics from another of its name.
    pub(super) mark: u64,
    pub(super) intent: Intent,
    /// Of a query that keeps nothing: how many records were processed, and left out for want of a key.
    pub(super) sequence: u64,
    pub(super) keyless: u64,
}

impl Entry {
    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = self.mark.to_be_bytes().to_vec();
        write::long(self.sequence.cast_signed(), &mut out);
        write::long(self.keyless.cast_signed(), &mut out);
        self.intent.write(&mut out);
        out
    }

    /// Nothing where it is another query's.
    fn read(bytes: &[u8], mark: u64) -> Result<Option<Entry>, DecodeError> {
        let Some((known, rest)) = bytes.split_first_chunk::<8>() else {
            return Ok(None);
        };
        if u64::from_be_bytes(*known) != mark {
            return Ok(None);
        }
        let mut input = Reader::new(rest);
        let sequence = input.long()?.cast_unsigned();
        let keyless = input.long()?.cast_unsigned();
        Ok(Some(Entry {
            mark,
            intent: Intent::read_on(input)?,
            sequence,
            keyless,
        }))
    }

    /// All runs, in order.
    pub(super) fn runs(&self) -> impl Iterator<Item = &Run> {
        self.intent.stretches.iter().flatten()
    }

    /// Whether it has records behind these positions. A partition without one is none of the query's.
    pub(super) fn is_news(&self, position: impl Fn(i32) -> Option<i64>) -> bool {
        self.runs()
            .any(|run| position(run.partition).is_some_and(|at| run.to > at))
    }

    /// Of each partition what lies between its position and the first record of it that is noted here. Only that can be missing: within
    /// a note the runs of a partition follow one another, and what is between them in time belongs to their stretches.
    pub(super) fn gap(&self, position: impl Fn(i32) -> Option<i64>) -> Vec<Run> {
        let mut first: Vec<Run> = Vec::new();
        for run in self.runs() {
            if first.iter().all(|known| known.partition != run.partition) {
                first.push(*run);
            }
        }
        first
            .into_iter()
            .filter_map(|run| {
                let at = position(run.partition).filter(|at| *at < run.from)?;
                Some(Run {
                    from: at,
                    to: run.from,
                    ..run
                })
            })
            .collect()
    }
}

/// The notes of one query, as they come.
#[derive(Debug)]
pub(super) struct Journal {
    reader: LogReader,
    topic: Arc<str>,
    query: &'static str,
    mark: u64,
    position: i64,
    noted: VecDeque<(Entry, i64)>,
    /// Behind the last note of another query of this name.
    superseded: Option<i64>,
}

impl Journal {
    /// Reads from this offset on.
    pub(super) fn open(
        log: &Log,
        topic: &Arc<str>,
        (query, mark): (&'static str, u64),
        from: i64,
    ) -> Result<Journal, LogError> {
        Ok(Journal {
            reader: log.reader(topic, &[(0, from)])?,
            topic: Arc::clone(topic),
            query,
            mark,
            position: from,
            noted: VecDeque::new(),
            superseded: None,
        })
    }

    /// Waits for more, so long.
    pub(super) fn poll(&mut self, wait: Duration) -> Result<(), LogError> {
        let Some(fetched) = self.reader.poll(wait)? else {
            return Ok(());
        };
        for record in &fetched {
            let (Some(key), Some(value)) = (record.key, record.value) else {
                continue;
            };
            if key != self.query.as_bytes() {
                continue;
            }
            let next = record.offset.saturating_add(1);
            match Entry::read(value, self.mark) {
                Ok(Some(entry)) => self.noted.push_back((entry, next)),
                Ok(None) => {
                    // What was told before it is told no more.
                    self.noted.clear();
                    self.superseded = Some(next);
                }
                Err(error) => {
                    return Err(LogError::CorruptRecords {
                        topic: self.topic.to_string(),
                        partition: 0,
                        offset: record.offset,
                        what: format!("it is no note of the query `{}`", self.query),
                        source: Some(Arc::new(error)),
                    });
                }
            }
        }
        self.position = fetched.next_offset();
        Ok(())
    }

    /// The next note that was read, and where reading goes on behind it.
    pub(super) fn next(&mut self) -> Option<(Entry, i64)> {
        self.noted.pop_front()
    }

    /// Behind the last note of another query of this name, if one came since it was asked.
    pub(super) fn superseded(&mut self) -> Option<i64> {
        self.superseded.take()
    }

    /// The last note that was read and not taken.
    pub(super) fn last(&self) -> Option<&Entry> {
        self.noted.back().map(|(entry, _)| entry)
    }

    /// Everything before it is read.
    pub(super) fn position(&self) -> i64 {
        self.position
    }

    /// Ends a wait.
    pub(super) fn waker(&self) -> crate::log::ReaderWaker {
        self.reader.waker()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    fn run(partition: i32, from: i64, to: i64) -> Run {
        Run {
            partition,
            from,
            to,
        }
    }

    fn note(stretches: &[&[Run]]) -> Entry {
        let mut intent = Intent::default();
        for runs in stretches {
            intent.note(runs.to_vec());
        }
        Entry {
            mark: 1,
            intent,
            sequence: 0,
            keyless: 0,
        }
    }

    #[test]
    fn only_what_lies_before_a_partitions_first_run_is_missing_however_many_there_are() {
        let noted = note(&[
            &[run(0, 0, 203), run(1, 42, 180), run(2, 24, 152)],
            &[run(1, 180, 212), run(2, 152, 185)],
        ]);
        let at = |positions: [i64; 3]| move |number: i32| positions.get(number as usize).copied();
        assert_eq!(noted.gap(at([0, 42, 24])), []);
        assert_eq!(noted.gap(at([10, 42, 160])), [], "a part was taken");
        assert_eq!(noted.gap(at([0, 40, 24])), [run(1, 40, 42)]);
        assert_eq!(
            noted.gap(at([0, 0, 0])),
            [run(1, 0, 42), run(2, 0, 24)],
            "of two"
        );
        assert!(noted.is_news(at([203, 212, 184])));
        assert!(!noted.is_news(at([203, 212, 185])));
        assert_eq!(noted.gap(|_| None), [], "no partition of the query's");
        assert!(!noted.is_news(|_| None));
    }

    #[test]
    fn a_note_is_read_as_it_was_written_and_only_by_its_own_query() {
        let mut intent = Intent::default();
        intent.note(vec![
            Run {
                partition: 1,
                from: 3,
                to: 9,
            },
            Run {
                partition: 4,
                from: 0,
                to: 1,
            },
        ]);
        let entry = Entry {
            mark: u64::MAX - 3,
            intent,
            sequence: 1 << 63,
            keyless: 7,
        };
        let mut bytes = entry.write();
        assert_eq!(Entry::read(&bytes, entry.mark).unwrap(), Some(entry));
        assert_eq!(Entry::read(&bytes, 5).unwrap(), None);
        assert_eq!(Entry::read(b"short", 5).unwrap(), None);
        bytes.pop();
        assert!(Entry::read(&bytes, u64::MAX - 3).is_err());
    }
}
