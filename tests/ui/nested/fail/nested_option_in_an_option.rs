use ksql_runtime::prelude::*;

type Maybe = Option<i64>;

#[derive(Struct)]
struct Part {
    twice: Option<Maybe>,
}

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    part: Part,
}

fn main() {}
