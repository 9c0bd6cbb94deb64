//! Several queries into one stream, with the words in any order.
use ksql_runtime::prelude::*;

mod facade {
    pub use ksql_runtime;
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("orders", partitions = 3)]
struct Order {
    #[key]
    id: i64,
    price: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("returns")]
struct Return {
    #[key]
    id: i64,
    refund: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("bookings")]
#[entity(namespace = "shop")]
struct Booking {
    #[key]
    id: i64,
    amount: i64,
}

#[query]
fn sold(orders: Stream<Order>) -> Stream<Booking> {
    orders.map(|o| Booking { id: o.id, amount: o.price })
}

#[query(insert, crate = facade::ksql_runtime)]
fn returned(returns: Stream<Return>) -> Stream<Booking> {
    returns.map(|r| Booking { id: r.id, amount: -r.refund })
}

#[query(crate = facade::ksql_runtime, insert)]
fn above(orders: Stream<Order>, limit: i64) -> Stream<Booking> {
    orders
        .filter(|o| o.price > limit)
        .map(|o| Booking { id: o.id, amount: o.price })
}

fn main() {
    assert_eq!(
        returned::KSQL,
        ["INSERT INTO `BOOKING` WITH (QUERY_ID='RETURNED') SELECT `ID` AS `ID`, (-`REFUND`) AS `AMOUNT` FROM `RETURN` EMIT CHANGES;"]
    );
    let text = returned.explain().to_string();
    assert!(
        text.contains("`Booking` is there without it: this one adds its records to those of other queries"),
        "{text}"
    );
    // In any order of adding: what is there first, then what is added to it.
    let ddl = ksql_runtime::model::Model::new()
        .query(above(1000))
        .query(returned)
        .query(sold)
        .ddl()
        .expect("a right model");
    let begins: Vec<&str> = ddl.lines().filter_map(|line| line.get(..24)).collect();
    assert_eq!(
        begins,
        [
            "CREATE STREAM IF NOT EXI",
            "CREATE STREAM IF NOT EXI",
            "CREATE STREAM IF NOT EXI",
            "INSERT INTO `BOOKING` WI",
            "INSERT INTO `BOOKING` WI",
        ],
        "{ddl}"
    );
    // Without a query that makes it the stream stands by itself.
    let alone = ksql_runtime::model::Model::new()
        .query(returned)
        .ddl()
        .expect("a right model");
    assert!(alone.contains("CREATE STREAM IF NOT EXISTS `BOOKING` ("), "{alone}");
}
