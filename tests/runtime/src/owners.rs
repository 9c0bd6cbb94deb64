//! Queries of every form over one workload, for instances of one application that own them in turns. What they come to does not depend
//! on the order in which records are taken; but for [`History`], which tells that order.
#![allow(missing_docs)]

use ksql_runtime::context::ContextBuilder;
use ksql_runtime::prelude::*;

use crate::workload::mix;

/// So many customers there are.
pub const CUSTOMERS: u64 = 7;

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("orders", partitions = 3)]
#[stream]
pub struct Order {
    #[key]
    pub id: i64,
    pub customer: i64,
    pub amount: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("payments", partitions = 3)]
#[stream]
pub struct Payment {
    #[key]
    pub id: i64,
    pub amount: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("customers", partitions = 3)]
#[table]
pub struct Customer {
    #[key]
    pub id: i64,
    pub credit: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("paid", partitions = 3)]
#[stream]
pub struct Paid {
    #[key]
    pub id: i64,
    pub customer: Option<i64>,
    pub amount: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("large", partitions = 3)]
#[stream]
pub struct Large {
    #[key]
    pub id: i64,
    pub amount: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("trusted")]
#[table]
pub struct Trusted {
    #[key]
    pub id: i64,
    pub credit: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("histories")]
#[table]
pub struct History {
    #[key]
    pub customer: i64,
    pub orders: Option<Vec<Option<i64>>>,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("turnover")]
#[table]
#[window(tumbling, minutes = [60], grace = "12h")]
pub struct Turnover {
    #[key]
    pub customer: i64,
    #[window_start]
    pub opened_at: DateTime<Utc>,
    pub count: Option<i64>,
    pub sum: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("spent")]
#[table]
pub struct Spent {
    #[key]
    pub customer: i64,
    pub count: Option<i64>,
    pub sum: Option<i64>,
}

#[query]
pub fn paid(orders: Stream<Order>, payments: Stream<Payment>) -> Stream<Paid> {
    orders
        .join(payments, |o, p| o.id == p.id)
        .within("2h")
        .grace("2h")
        .map(|o, p| Paid {
            id: o.id,
            customer: o.customer,
            amount: p.amount,
        })
}

#[query]
pub fn large(orders: Stream<Order>) -> Stream<Large> {
    orders.filter(|o| o.amount >= 50).map(|o| Large {
        id: o.id,
        amount: o.amount,
    })
}

#[query]
pub fn trusted(customers: Table<Customer>) -> Table<Trusted> {
    customers.filter(|c| c.credit > 0).map(|c| Trusted {
        id: c.id,
        credit: c.credit,
    })
}

#[query]
pub fn history(orders: Stream<Order>) -> Table<History> {
    orders.group_by(|o| o.customer).aggregate(|g| History {
        customer: g.key(),
        orders: g.collect_list(|o| o.id),
    })
}

#[query]
pub fn turnover(orders: Stream<Order>) -> Table<Turnover> {
    orders.group_by(|o| o.customer).aggregate(|g| Turnover {
        customer: g.key(),
        opened_at: g.window_start(),
        count: g.count(),
        sum: g.sum(|o| o.amount),
    })
}

/// Reads what another query writes in transactions.
#[query]
pub fn spent(paid: Stream<Paid>) -> Table<Spent> {
    paid.group_by(|p| p.customer).aggregate(|g| Spent {
        customer: g.key(),
        count: g.count(),
        sum: g.sum(|p| p.amount),
    })
}

/// Adds every query.
pub fn with_queries(builder: ContextBuilder) -> ContextBuilder {
    builder
        .query(paid)
        .query(large)
        .query(trusted)
        .query(history)
        .query(turnover)
        .query(spent)
}

/// The order of this number.
pub fn order(seed: u64, number: u64) -> Order {
    Order {
        id: number.cast_signed(),
        customer: (mix(seed ^ 1, number) % CUSTOMERS).cast_signed(),
        amount: (mix(seed ^ 2, number) % 100).cast_signed(),
    }
}

/// Its payment, which some never get.
pub fn payment(seed: u64, number: u64) -> Option<Payment> {
    (!mix(seed ^ 3, number).is_multiple_of(5)).then(|| Payment {
        id: number.cast_signed(),
        amount: order(seed, number).amount,
    })
}

/// What becomes of a customer with it.
pub fn customer(seed: u64, number: u64) -> Customer {
    Customer {
        id: (mix(seed ^ 4, number) % 40).cast_signed(),
        credit: (mix(seed ^ 5, number) % 20).cast_signed() - 10,
    }
}
