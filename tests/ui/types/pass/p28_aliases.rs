use ksql_runtime::prelude::*;

type Id = i64;
type Money = Dec<18, 4>;
type Maybe = Option<String>;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: Id,
    value: Money,
    note: Maybe,
}

fn main() {}
