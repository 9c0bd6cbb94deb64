use ksql_runtime::prelude::*;

#[derive(Struct)]
struct B {
    x: i64,
}

#[derive(Struct)]
struct A {
    b: B,
}

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    a: A,
    a_b: Vec<B>,
}

fn main() {}
