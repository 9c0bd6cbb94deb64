//! What lies in a topic: read once, from the start to where it ended when that was asked.

use std::time::Duration;

use ksql_runtime::log::{Log, RecordRef};

/// No fetch takes as long unless it hangs.
const LIMIT: Duration = Duration::from_secs(120);

/// What is made of every record of a topic and its partition: partition by partition, in the order of offsets.
///
/// # Panics
/// Where the topic cannot be read.
pub async fn whole<T: Send + 'static>(
    log: &Log,
    topic: &str,
    mut made: impl FnMut(i32, RecordRef<'_>) -> T + Send + 'static,
) -> Vec<T> {
    let offsets = log.all_offsets(topic).await.expect("the log answers");
    let (log, topic) = (log.clone(), topic.to_owned());
    let read = move || {
        let mut all = Vec::new();
        for (partition, offsets) in (0..).zip(offsets) {
            let from = [(partition, offsets.start)];
            let mut reader = log.reader(&topic, &from).expect("a reader");
            let mut at = offsets.start;
            while at < offsets.end {
                let Some(fetched) = reader.poll(LIMIT).expect("it reads") else {
                    panic!("no record {at} of {topic}, partition {partition}");
                };
                at = fetched.next_offset();
                all.extend(fetched.records().map(|record| made(partition, record)));
            }
        }
        all
    };
    tokio::task::spawn_blocking(read).await.expect("it is read")
}
