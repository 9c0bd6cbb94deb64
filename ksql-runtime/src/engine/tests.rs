//! What a query leaves in its store.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::store::{CLOSING, GROUP};
use crate::codec::{DecodeError, Reader, write};
use crate::entity::{Entity, Window};
use crate::ops::{Any, native};
use crate::prelude::*;
use crate::query::{
    Aggregate, At, Groups, Host, Overflow, ParameterError, Query, Row, Scratch, group,
};
use crate::state::family;
use crate::testing::{self, Test};
use ksql_schema::model::Kind;
use ksql_schema::query::plan;

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("clicks", partitions = 2)]
struct Click {
    #[key]
    user: i64,
    weight: i64,
}

macro_rules! counted {
    ($query:ident, $entity:ident, $row:ident, $topic:literal, #[$window:meta]) => {
        #[derive(Debug, Clone, PartialEq, Entity)]
        #[topic($topic)]
        #[table]
        #[$window]
        struct $entity {
            #[key]
            user: i64,
            weight: i64,
        }

        #[derive(Debug, Clone, Copy)]
        struct $query;

        impl Query for $query {
            type Output = $entity;
            const PLAN: &'static plan::Query<'static> = &plan::Query {
                name: stringify!($query),
                inputs: &[plan::Input {
                    name: "clicks",
                    entity: Click::MODEL,
                    kind: Kind::Stream,
                }],
                steps: &[],
                output: $entity::MODEL,
                kind: Kind::Table,
                because: "it was written by hand",
                parameters: &[],
            };
            const KSQL: &'static [&'static str] = &["-- none;"];

            fn parameters(&self) -> Result<Vec<(&'static str, String)>, ParameterError> {
                Ok(Vec::new())
            }

            fn accept<H: Host>(self, host: H) -> H::Made {
                host.aggregate(self)
            }
        }

        impl Aggregate for $query {
            type Input = Click;
            type Groups = Weight;

            fn keep<'a>(&'a self, _at: &At<'a>, _row: Row<'a, Click>) -> bool {
                true
            }

            fn key<'a>(&'a self, _at: &At<'a>, row: Row<'a, Click>, out: &mut Vec<u8>) -> bool {
                group::push(Any::Bigint(row.user), true, out)
            }

            fn first<'a>(&'a self, _at: &At<'a>, row: Row<'a, Click>) -> Result<Weight, Overflow> {
                Ok(Weight(row.weight))
            }

            fn update<'a>(
                &'a self,
                _at: &At<'a>,
                row: Row<'a, Click>,
                groups: &mut Weight,
            ) -> Result<(), Overflow> {
                groups.0 += row.weight;
                Ok(())
            }

            fn finish<'a>(
                &'a self,
                _scratch: &'a Scratch,
                key: &'a [u8],
                _window: Window,
                groups: &'a Weight,
            ) -> Row<'a, $entity> {
                $row {
                    user: group::read(&mut Reader::new(key), true, native::BIGINT),
                    weight: groups.0,
                }
            }
        }
    };
}

#[derive(Debug, Clone)]
struct Weight(i64);

impl Groups for Weight {
    fn write(&self, out: &mut Vec<u8>) {
        write::long(self.0, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.long().map(Weight)
    }

    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        self.0 += other.0;
        Ok(())
    }
}

counted!(Minutes, Minute, MinuteRow, "minutes", #[window(tumbling, minutes = [1], grace = "10s")]);
counted!(Visits, Visit, VisitRow, "visits", #[window(session, gap = "30s", grace = "10s")]);

/// How many groups a query keeps, and how many notes of when they close.
fn kept(test: &Test, query: &str) -> (usize, usize) {
    let table = test.context().query_table(query).unwrap();
    let count = |kind: u8| {
        let counted = table.store.with(|db| {
            let family = family(db, &table.settings.store)?;
            let mut keys = db.raw_iterator_cf(&family);
            keys.seek([kind]);
            let mut count = 0;
            while keys.key().is_some_and(|key| key.first() == Some(&kind)) {
                count += 1;
                keys.next();
            }
            Ok(count)
        });
        counted.unwrap()
    };
    (count(GROUP), count(CLOSING))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_that_take_nothing_more_leave_the_store_whoever_is_silent() {
    let mut test = testing::query(Minutes).query(Visits).start().await.unwrap();
    for user in 0..40 {
        let click = Click { user, weight: 1 };
        test.send_at(user * 10, click).await.unwrap();
    }
    test.settle().await.unwrap();
    assert_eq!(kept(&test, "Minutes"), (40, 40));
    assert_eq!(kept(&test, "Visits"), (40, 40));
    test = test.reopen().await.unwrap();
    // Others go on: of the partitions' time the silent learn all the same. Two users a partition are enough.
    for time in [69_999, 100_000, 1_000_000] {
        for user in 1000..1020 {
            let click = Click { user, weight: 1 };
            test.send_at(time, click).await.unwrap();
        }
        test.settle().await.unwrap();
        let left = match time {
            // A millisecond before the first minute and its grace are over.
            69_999 => (60, 60),
            _ => (20, 20),
        };
        assert_eq!(kept(&test, "Minutes"), left, "at {time}");
        assert_eq!(kept(&test, "Visits"), left, "at {time}");
    }
    test.end().await.unwrap();
}
