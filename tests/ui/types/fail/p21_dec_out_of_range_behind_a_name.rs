use ksql_runtime::prelude::*;

type Wide = Dec<39, 4>;
const DIGITS: u32 = 5;
const NONE: u32 = 0;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    wide: Wide,
    deep: Vec<Dec<4, DIGITS>>,
    none: Option<Dec<NONE, 0>>,
}

fn main() {}
