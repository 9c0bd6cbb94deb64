//! Random records in random portions, with ends and kills between them, given to queries that run.
//!
//! `KSQL_TEST_CASES` sets how many sequences are tried.

use ksql_runtime::prelude::*;
use ksql_runtime::testing::{Test, TestBuilder};
use proptest::prelude::*;

use crate::naive::Record;
use crate::property;

/// What happens to a query.
#[derive(Debug, Clone)]
pub enum Step<R> {
    /// Records are sent together.
    Send(Vec<R>),
    /// What was sent is waited for.
    Settle,
    /// An orderly end and another start.
    Reopen,
    /// A kill and another start.
    Kill,
}

fn steps<R: Clone + std::fmt::Debug>(
    record: impl Strategy<Value = R> + Clone,
) -> impl Strategy<Value = Vec<Step<R>>> {
    let step = prop_oneof![
        6 => prop::collection::vec(record, 1..40).prop_map(Step::Send),
        2 => Just(Step::Settle),
        1 => Just(Step::Reopen),
        2 => Just(Step::Kill),
    ];
    prop::collection::vec(step, 1..14)
}

/// Whether something is killed.
pub fn kills<R>(steps: &[Step<R>]) -> bool {
    steps.iter().any(|step| matches!(step, Step::Kill))
}

/// Runs the steps; says what was sent in which order, and the test when everything is taken in. `each` says whether every change
/// of a group becomes a result, or the last of those that are written together.
///
/// # Panics
/// Where a step fails.
pub async fn run<K: Clone + Into<T::Key>, T: Writable + Clone>(
    builder: TestBuilder,
    each: bool,
    steps: &[Step<Record<K, T>>],
) -> (Test, Vec<Record<K, T>>) {
    let builder = match each {
        true => builder,
        false => builder.latest_changes(),
    };
    let mut test = builder.start().await.expect("it starts");
    let mut sent = Vec::new();
    for step in steps {
        match step {
            Step::Send(records) => {
                for (timestamp, key, value) in records {
                    match value {
                        Some(value) => test.send_at(*timestamp, value.clone()).await,
                        None => test.delete_at::<T>(*timestamp, key.clone()).await,
                    }
                    .expect("it is sent");
                }
                sent.extend_from_slice(records);
            }
            Step::Settle => test.settle().await.expect("it is taken in"),
            Step::Reopen => test = test.reopen().await.expect("it starts again"),
            Step::Kill => test = test.kill().await.expect("it starts again"),
        }
    }
    test.settle().await.expect("it is taken in");
    (test, sent)
}

/// Tries sequences of steps.
///
/// # Panics
/// With the smallest sequence found for which `check` does.
pub fn holds<R: Clone + std::fmt::Debug>(
    record: impl Strategy<Value = R> + Clone,
    check: impl AsyncFn(bool, Vec<Step<R>>),
) {
    let input = (any::<bool>(), steps(record));
    property::holds(input, async |(each, steps)| check(each, steps).await);
}
