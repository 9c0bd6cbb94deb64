//! Of several windows a query reads one: which, says the one window of its output.
// P54

use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("counted")]
#[window(tumbling, minutes = [1, 5])]
#[entity(namespace = "shop")]
pub struct Counted {
    #[key]
    pub id: i64,
    pub n: i64,
}

#[derive(Entity)]
#[topic("all_sizes")]
#[window(tumbling, minutes = [1, 5])]
#[entity(namespace = "shop")]
pub struct AllSizes {
    #[key]
    pub id: i64,
    pub n: i64,
}

#[derive(Entity)]
#[topic("another_size")]
#[window(tumbling, minutes = [10])]
#[entity(namespace = "shop")]
pub struct AnotherSize {
    #[key]
    pub id: i64,
    pub n: i64,
}

#[derive(Entity)]
#[topic("hops")]
#[window(hopping, minutes = [5], advance = "1min")]
#[entity(namespace = "shop")]
pub struct Hops {
    #[key]
    pub id: i64,
    pub n: i64,
}

#[query]
fn all_sizes(counted: Stream<Counted>) -> Stream<AllSizes> {
    counted.map(|c| AllSizes { id: c.id, n: c.n })
}

#[query]
fn another_size(counted: Stream<Counted>) -> Stream<AnotherSize> {
    counted.map(|c| AnotherSize { id: c.id, n: c.n })
}

#[query]
fn hops(counted: Stream<Counted>) -> Stream<Hops> {
    counted.filter(|c| c.n > 1).map(|c| Hops { id: c.id, n: c.n })
}

fn main() {}
