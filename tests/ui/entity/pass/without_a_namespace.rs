use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
#[entity(namespace = "")]
struct Order {
    #[key]
    id: i64,
    #[key]
    part: i64,
    value: i64,
}

fn main() {
    for schema in [Order::VALUE_SCHEMA, Order::KEY_SCHEMA] {
        assert!(!schema.contains("namespace"), "{schema}");
    }
    assert!(Order::KEY_SCHEMA.contains("\"connect.name\":\"OrderKey\""));
    assert!(Order::CREATE.contains("VALUE_SCHEMA_FULL_NAME='Order'"));
}
