mod größe {
    use ksql_runtime::prelude::*;

    #[derive(Entity)]
    #[topic("orders")]
    #[table]
    struct Order {
        #[key]
        id: i64,
        value: i64,
    }

    #[derive(Entity)]
    #[topic("named")]
    #[table]
    #[entity(namespace = "shop")]
    struct Named {
        #[key]
        id: i64,
        value: i64,
    }
}

fn main() {}
