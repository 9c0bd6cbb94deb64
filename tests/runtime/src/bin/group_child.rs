//! The child process of the test of killed members: joins a group, says what it holds, reads and commits, until it is
//! killed.
//!
//! `group_child <bootstrap, or nothing for the embedded log> <group> <topic>` under the directory `KSQL_TEST_DIR`. Says
//! `holds <partition>` and, after a commit, `committed <partition> <offset>`.

use std::io::Write;
use std::time::Duration;

use ksql_runtime::log::{
    EmbeddedLog, EmbeddedOptions, KafkaLog, KafkaOptions, Log, LogError, Membership, Polled, Start,
    WhenOffsetGone,
};

/// Says a line; the parent may be gone, then nobody needs it.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().unwrap_or_default();
    let (bootstrap, group, topic) = (argument(), argument(), argument());
    let log: Log = if bootstrap.is_empty() {
        EmbeddedLog::open(EmbeddedOptions::new(std::env::var("KSQL_TEST_DIR")?))?.into()
    } else {
        let mut options = KafkaOptions::new(bootstrap);
        for (name, value) in [
            ("session.timeout.ms", "6000"),
            ("heartbeat.interval.ms", "200"),
        ] {
            options.consumer.insert(name.to_owned(), value.to_owned());
        }
        KafkaLog::open(options)?.into()
    };
    let runtime = tokio::runtime::Runtime::new()?;
    let membership = Membership {
        group,
        topic,
        start: Start::Earliest,
        when_offset_gone: WhenOffsetGone::Fail,
    };
    let mut member = log.join(&membership, runtime.handle())?;
    loop {
        match member.poll(Duration::from_secs(60), |_| true)? {
            Polled::Records(fetched) => {
                let place = (fetched.partition(), fetched.next_offset());
                match member.commit(&[place]) {
                    Ok(()) => say(&format!("committed {} {}", place.0, place.1)),
                    // The group shares anew; what comes next is committed with the next records.
                    Err(error) if error.is_transient() => {}
                    Err(LogError::NotHeld { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Polled::Assigned(places) => {
                for place in places {
                    say(&format!("holds {}", place.partition));
                }
            }
            Polled::Revoked(partitions) => member.release(&partitions)?,
            Polled::Lost(_) | Polled::Nothing => {}
        }
    }
}
