use ksql_runtime::prelude::*;

struct Plain;

fn set<T: Entity>() {}

fn main() {
    set::<Plain>();
}
