//! A collection is no key, so that nothing is joined by one.

use std::collections::BTreeMap;

use ksql_runtime::prelude::*;

#[derive(Debug, Clone, Entity)]
#[topic("left")]
#[stream]
pub struct L {
    #[key]
    pub id: String,
    pub l0: Option<BTreeMap<String, Option<i32>>>,
}

#[derive(Debug, Clone, Entity)]
#[topic("right")]
#[stream]
pub struct R {
    #[key]
    pub id: String,
    pub r0: Option<BTreeMap<String, Option<i32>>>,
}

#[derive(Debug, Clone, Entity)]
#[topic("both")]
#[stream]
pub struct Both {
    #[key]
    pub id: String,
    pub other: String,
}

#[query]
fn both(l: Stream<L>, r: Stream<R>) -> Stream<Both> {
    l.join(r, |l, r| l.l0 == r.r0)
        .within("11s")
        .partition_by(|l, _| l.id)
        .map(|l, r| Both { id: l.id, other: r.id })
}

fn main() {}
