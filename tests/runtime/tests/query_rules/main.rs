//! Rules of ksqlDB that its own cases hardly touch, each through a query and with records of our own. What is expected was worked
//! out by hand from the rule that a test's comment states.

use ksql_runtime::prelude::*;
use ksql_runtime::testing::{self, Test};

mod casts;
mod groups;
mod kinds;
mod numbers;
mod places;
mod text;
mod truth;
mod windows;

/// An entity of these tests.
macro_rules! entity {
    ($name:ident $topic:literal $(#[$more:meta])* { $($fields:tt)* }) => {
        #[derive(Debug, Clone, PartialEq, Entity)]
        #[topic($topic, partitions = 1)]
        #[entity(namespace = "rules")]
        $(#[$more])*
        pub struct $name { $($fields)* }
    };
}
pub(crate) use entity;

/// What a query makes of rows of its input, sent one after another, each at its place in the list in seconds.
async fn made<In: Writable, Out: Entity, By>(
    query: impl IntoQuery<By>,
    rows: Vec<In>,
) -> Vec<Option<Out>> {
    let test = testing::query(query).start().await.expect("it starts");
    let rows = (0..).zip(rows).map(|(second, row)| (second * 1_000, row));
    test.send_all_at(rows).await.expect("they are sent");
    test.settle().await.expect("nothing stops");
    let made = test.records::<Out>().await.expect("the results");
    test.end().await.expect("it ends");
    made.into_iter().map(|record| record.row).collect()
}

/// A number of so many digits.
fn dec<const P: u32, const S: u32>(text: &str) -> Option<Dec<P, S>> {
    Some(text.parse().expect("a decimal of that size"))
}

/// Sends one row at a time and waits until it was taken in.
async fn send<T: Writable>(test: &Test, timestamp: i64, row: T) {
    test.send_at(timestamp, row).await.expect("it is sent");
    test.settle().await.expect("nothing stops");
}
