use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("shop.orders-v1", partitions = 3, replication = 2, cleanup = "compact")]
#[table]
#[entity(namespace = "com.shop", name = "OrderRecord", value_format = "avro", subjects = "topic")]
struct Order {
    #[key]
    id: i64,
    value: i64,
}

fn main() {}
