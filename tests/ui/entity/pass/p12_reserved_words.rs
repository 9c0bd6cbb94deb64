use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    size: i64,
    values: i64,
    end: i64,
    query: i64,
    to: i64,
    topic: i64,
    r#type: String,
    select: String,
}

fn main() {
    for name in [
        "SIZE", "VALUES", "END", "QUERY", "TO", "TOPIC", "TYPE", "SELECT",
    ] {
        let quoted = format!("`{name}` ");
        assert!(Order::CREATE.contains(&quoted), "{quoted}: {}", Order::CREATE);
    }
}
