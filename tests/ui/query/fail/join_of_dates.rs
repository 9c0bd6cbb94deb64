//! `ARRAY_JOIN` writes numbers, texts and truths; on anything else ksqlDB's fails.

#[path = "../common.rs"]
mod common;

use common::Small;
use ksql_runtime::prelude::*;

#[derive(Debug, Clone, Entity)]
#[topic("visits")]
pub struct Visits {
    #[key]
    pub id: i64,
    pub days: Vec<NaiveDate>,
}

#[query]
fn small(visits: Stream<Visits>) -> Stream<Small> {
    visits.map(|v| Small { id: v.id, note: v.days.join(", "), n: 1 })
}

fn main() {}
