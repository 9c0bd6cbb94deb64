use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    #[default_value(1e39)]
    large: f32,
    #[default_value(-1e-60)]
    small: f32,
    #[default_value(1e999)]
    endless: f64,
}

fn main() {}
