use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order<'a> {
    #[key]
    id: i64,
    value: &'a str,
}

fn main() {}
