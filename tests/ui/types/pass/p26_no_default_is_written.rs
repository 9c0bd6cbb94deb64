use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    value: i64,
    note: Option<String>,
}

fn main() {
    let fields = Order::VALUE_SCHEMA.replace('\n', "");
    assert!(fields.contains(r#"{"name":"value","type":"long"}"#), "{fields}");
    assert_eq!(fields.matches("default").count(), 1, "null for the `Option`: {fields}");
    let create = Order::CREATE;
    assert!(!create.contains("DEFAULT") && !create.contains("NOT NULL"), "{create}");
}
