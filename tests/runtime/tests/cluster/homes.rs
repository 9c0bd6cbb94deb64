//! One state directory and several logs: the embedded one and two clusters. Each has its own rows, and finds them again.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use ksql_runtime::prelude::*;
use ksql_runtime_tests::servers::{self, Kafka};
use ksql_runtime_tests::shop::{Rate, rate};
use ksql_runtime_tests::test_name;
use tracing_subscriber::util::SubscriberInitExt;

use crate::{Place, exactly, on, started};

/// Starts, checks that exactly this symbol is there, or nothing yet, and adds it. Gives what was read again.
async fn visit(builder: ContextBuilder, symbol: &str, returning: bool) -> u64 {
    let ctx = started(builder.entity::<Rate>()).await;
    let set = ctx.set::<Rate>();
    let found: Vec<String> = set
        .to_list()
        .await
        .expect("a table")
        .into_iter()
        .map(|rate| rate.symbol)
        .collect();
    let expected: &[&str] = if returning { &[symbol] } else { &[] };
    assert_eq!(found, expected, "what this log has, and nothing else");
    let replayed = set.replayed().expect("a table");
    if !returning {
        let receipt = set.add(rate(symbol, 1.5)).await.expect("added");
        let row = set.at_least(receipt).get(symbol).await.expect("a read");
        assert!(row.is_some());
    }
    ctx.shutdown().await.expect("it ends");
    replayed
}

fn embedded(place: &Place) -> ContextBuilder {
    Context::builder()
        .config(Config::default())
        .setting("topic_prefix", &place.prefix)
        .state_dir(place.state.path())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_moves_between_embedded_and_a_cluster_in_one_directory_and_each_keeps_its_rows() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    visit(embedded(&place), "EMBEDDED", false).await;
    visit(place.builder(), "CLUSTER", false).await;
    assert_eq!(visit(embedded(&place), "EMBEDDED", true).await, 0);
    assert_eq!(visit(place.builder(), "CLUSTER", true).await, 0);
    // The directory has one owner, whichever log it uses.
    let ctx = started(place.builder().entity::<Rate>()).await;
    let error = embedded(&place).entity::<Rate>().start().await;
    let error = error.expect_err("one owner").to_string();
    let state = place.state.path().display().to_string();
    let process = std::process::id().to_string();
    exactly(
        &error.replace(&state, "STATE").replace(&process, "PROCESS"),
        "start failed at the step `take the state directory`: the directory STATE is in use by this process \
             (PROCESS) already: stop it or choose another directory",
    );
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_cluster_begins_with_nothing_is_said_to_be_another_one_and_the_first_is_found_again()
 {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let Some(other) = servers::or_skip(test_name!(), Kafka::start()) else {
        return;
    };
    let logged = Logged::default();
    let writer = logged.clone();
    let _until_the_end = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish()
        .set_default();
    let elsewhere = || {
        let builder = on(other.bootstrap(), place.registry.url(), &place.prefix);
        builder.state_dir(place.state.path())
    };
    let (first, second) = (place.kafka.cluster_id(), other.cluster_id());
    assert_ne!(first, second);

    visit(place.builder(), "FIRST", false).await;
    assert_eq!(logged.lines(), [""; 0], "there is no other one yet");
    visit(elsewhere(), "SECOND", false).await;
    let lines = logged.lines();
    let told = lines
        .iter()
        .filter(|line| line.contains(&first) && line.contains(&second));
    assert_eq!(told.count(), 1, "{lines:?}");
    assert_eq!(visit(place.builder(), "FIRST", true).await, 0);
    assert_eq!(visit(elsewhere(), "SECOND", true).await, 0);
    assert_eq!(logged.lines(), lines, "said once");

    // The same address, and behind it a broker that lost its data and was formatted again.
    let other = crate::beside(move || {
        other.kill();
        other.start_as_another_cluster();
        other
    })
    .await;
    let third = other.cluster_id();
    let builder = on(other.bootstrap(), place.registry.url(), &place.prefix);
    visit(builder.state_dir(place.state.path()), "THIRD", false).await;
    let lines = logged.lines();
    let last = lines.last().expect("a line");
    for id in [&first, &second, &third] {
        assert!(last.contains(id.as_str()), "{id}: {last}");
        assert!(state(place.state.path(), id), "{id}");
    }
}

fn state(directory: &Path, cluster: &str) -> bool {
    directory
        .join("clusters")
        .join(cluster)
        .join("state")
        .exists()
}

/// What start says, on the test's own thread.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl Logged {
    /// Without what clients say of connections.
    fn lines(&self) -> Vec<String> {
        let bytes = self.0.lock().expect("a lock").clone();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let lines = text.lines().filter(|line| line.contains("cluster="));
        lines.map(str::to_owned).collect()
    }
}

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("a lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
