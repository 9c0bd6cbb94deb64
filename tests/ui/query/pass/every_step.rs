//! Every step, attributes on the function, an empty closure name, another path of the runtime.
use ksql_runtime::prelude::*;

mod facade {
    pub use ksql_runtime;
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("orders")]
struct Order {
    #[key]
    id: i64,
    customer: i32,
    paid: bool,
    price: Dec<9, 2>,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("by_customer")]
struct ByCustomer {
    #[key]
    customer: i32,
    id: i64,
    price: Dec<11, 2>,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("counts")]
#[window(hopping, minutes = [60], advance = "15min", retention = "2d")]
struct Counted {
    #[key]
    customer: i32,
    #[window_start]
    from: i64,
    n: i64,
}

/// Orders under their customer.
#[query(crate = facade::ksql_runtime)]
#[cfg(not(any()))]
#[allow(dead_code)]
fn by_customer(orders: Stream<Order>, #[decimal_precision(9, 2)] least: Option<Decimal>) -> Stream<ByCustomer> {
    (orders.filter(|o| o.paid))
        .filter(|o| least.is_none() || o.price >= least)
        .partition_by(|o| o.customer)
        .map(|o| ByCustomer { customer: o.customer, id: o.id, price: o.price + o.price })
        .as_stream()
}

#[query]
fn counted(orders: Stream<Order>) -> Table<Counted> {
    orders
        .filter(|_| true)
        .group_by(|o| o.customer)
        .aggregate(|g| Counted { customer: g.key(), from: g.window_start(), n: g.count() })
        .having(|g| g.count() > 1)
        .as_table()
}

fn main() {
    let query = by_customer(Some(Decimal::new(150, 2)));
    let values = ksql_runtime::query::Query::parameters(&query).unwrap();
    assert_eq!(values, [("least", "CAST(1.50 AS DECIMAL(9, 2))".to_owned())]);
    assert!(by_customer::KSQL[0].contains("WHERE `PAID` AND ((:least IS NULL) OR (`PRICE` >= :least))"));
    assert!(counted::KSQL[0].contains(
        "WINDOW HOPPING (SIZE 1 HOURS, ADVANCE BY 15 MINUTES, RETENTION 2 DAYS, GRACE PERIOD 10 SECONDS) WHERE true GROUP BY `CUSTOMER` HAVING (COUNT(*) > 1) EMIT CHANGES;"
    ));
    assert!(counted::KSQL[0].contains("RETENTION_MS=172800000"));
}
