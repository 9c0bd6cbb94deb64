use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[stream]
struct Order {
    #[key]
    id: i64,
    value: i64,
}

fn read<T: TableEntity>() {}

fn main() {
    read::<Order>();
}
