//! Reading a range of the dead letters' topic. Blocks: it belongs to a thread that may.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::log::{Log, LogError, RecordRef};

/// How long nothing may come before reading is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long to wait at once.
const SLICE: Duration = Duration::from_secs(1);

/// From one offset of a partition up to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) partition: i32,
    pub(super) from: i64,
    pub(super) to: i64,
}

/// Gives every record of the ranges, each partition's in the order of its offsets. What was removed meanwhile is passed
/// over. Everything before the end of a range is durable, so that a reader comes there.
pub(super) fn scan(
    log: &Log,
    topic: &str,
    ranges: &[Range],
    mut each: impl FnMut(i32, RecordRef<'_>),
) -> Result<()> {
    let ranges: Vec<Range> = ranges
        .iter()
        .copied()
        .filter(|range| range.from < range.to)
        .collect();
    let Some(first) = ranges.first() else {
        return Ok(());
    };
    let to = |partition: i32| {
        let range = ranges.iter().find(|range| range.partition == partition);
        range.map_or(0, |range| range.to)
    };
    let mut reader = log.reader(topic, &[])?;
    for range in &ranges {
        match reader.seek(range.partition, range.from) {
            // Removed since it was asked for.
            Err(LogError::OffsetOutOfRange { start, .. }) if start > range.from => {
                reader.seek(range.partition, start)?;
            }
            other => other?,
        }
    }
    let mut waited = Instant::now();
    loop {
        let left = |(partition, position): &(i32, i64)| *position < to(*partition);
        let behind: Vec<(i32, i64)> = reader.positions().into_iter().filter(left).collect();
        let Some((partition, position)) = behind.first() else {
            return Ok(());
        };
        if waited.elapsed() > PATIENCE {
            return Err(Error::Timeout {
                what: "the end of the dead letters",
                limit: PATIENCE,
                missing: format!(
                    "offsets {position} to {} of topic `{topic}`, partition {partition}",
                    to(*partition)
                ),
            });
        }
        let wanted = |partition: i32| behind.iter().any(|(one, _)| *one == partition);
        match reader.poll_of(SLICE, wanted) {
            Ok(None) => {}
            Ok(Some(fetched)) => {
                waited = Instant::now();
                let partition = fetched.partition();
                let end = to(partition);
                for record in &fetched {
                    if record.offset < end {
                        each(partition, record);
                    }
                }
            }
            Err(LogError::OffsetOutOfRange {
                partition, start, ..
            }) if start > 0 => reader.seek(partition, start)?,
            Err(error) if error.is_transient() && waited.elapsed() < PATIENCE => {
                tracing::debug!(topic, %error, first = first.partition, "reading the dead letters goes on");
            }
            Err(error) => return Err(error.into()),
        }
    }
}
