//! What lies in a state directory, read without a context: the log for the floors, and tables to be forgotten.

use std::path::Path;
use std::time::Duration;

use ksql_runtime::log::{EmbeddedLog, EmbeddedOptions, LogError, LogReader, Offsets};

/// Gives every record of the orders' topic to `each`: partition, offset, key and value.
pub fn drain(directory: &Path, each: impl FnMut(i32, i64, &[u8], Option<&[u8]>)) {
    drain_topic(directory, "orders", each);
}

/// The same of a topic.
pub fn drain_topic(
    directory: &Path,
    topic: &str,
    each: impl FnMut(i32, i64, &[u8], Option<&[u8]>),
) {
    let log =
        EmbeddedLog::open(EmbeddedOptions::new(directory.join("log"))).expect("the log opens");
    let partitions = log
        .describe(topic)
        .expect("the topic")
        .partitions
        .cast_signed();
    let ends: Vec<Offsets> = (0..partitions)
        .map(|partition| log.offsets(topic, partition).expect("offsets"))
        .collect();
    read(&ends, |from| log.reader(topic, from), each);
}

/// Gives every record of a topic that lies between these offsets to `each`.
pub fn read(
    offsets: &[Offsets],
    open: impl FnOnce(&[(i32, i64)]) -> Result<LogReader, LogError>,
    mut each: impl FnMut(i32, i64, &[u8], Option<&[u8]>),
) {
    let starts = offsets.iter().map(|offsets| offsets.start);
    let mut positions: Vec<(i32, i64)> = (0..).zip(starts).collect();
    let mut left: i64 = offsets
        .iter()
        .map(|offsets| offsets.end - offsets.start)
        .sum();
    let mut reader = open(&positions).expect("a reader");
    while left > 0 {
        let fetched = reader
            .poll(Duration::from_secs(10))
            .expect("a poll")
            .expect("records");
        for record in &fetched {
            each(
                fetched.partition(),
                record.offset,
                record.key.unwrap_or_default(),
                record.value,
            );
        }
        let position = &mut positions[fetched.partition() as usize].1;
        left -= fetched.next_offset() - *position;
        *position = fetched.next_offset();
    }
}

/// Deletes the tables and leaves the log: what a lost disk of state would leave. On a cluster they lie elsewhere than beside
/// the embedded log.
pub fn forget_tables(directory: &Path) {
    let states = ["state", "clusters"].map(|name| directory.join(name));
    let there: Vec<_> = states.iter().filter(|state| state.exists()).collect();
    assert!(!there.is_empty(), "a state is there");
    for state in there {
        std::fs::remove_dir_all(state).expect("the state is removed");
    }
}
