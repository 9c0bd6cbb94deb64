//! Queries of every kind of join, with the entities they are over and random events of these: what the model test of
//! joins runs.
//!
//! Results have the values of all inputs, so that a row that met another than it should shows.

#![allow(missing_docs, reason = "the fields are only names of columns")]

use ksql_runtime::entity::EntityKey as _;
use ksql_runtime::log::partition::partition_for_key;
use ksql_runtime::prelude::*;
use ksql_runtime::testing::{Test, TestBuilder};

use crate::join_model::Raw;

/// The partitions of all topics.
pub const PARTITIONS: u32 = 3;

/// A stream.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("orders", partitions = 3)]
#[stream]
#[entity(namespace = "joins")]
pub struct Order {
    #[key]
    pub id: i64,
    pub customer: Option<i64>,
    pub amount: i64,
}

/// A stream that is not keyed by what it is joined by.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("payments", partitions = 3)]
#[stream]
#[entity(namespace = "joins")]
pub struct Payment {
    #[key]
    pub id: i64,
    pub order: Option<i64>,
    pub paid: i64,
}

/// A table that names rows of another.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("customers", partitions = 3)]
#[table]
#[entity(namespace = "joins")]
pub struct Customer {
    #[key]
    pub id: i64,
    pub region: Option<i64>,
    pub level: i64,
}

/// A table with the keys of customers.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("accounts", partitions = 3)]
#[table]
#[entity(namespace = "joins")]
pub struct Account {
    #[key]
    pub id: i64,
    pub balance: i64,
}

/// What customers name.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("regions", partitions = 3)]
#[table]
#[entity(namespace = "joins")]
pub struct Region {
    #[key]
    pub id: i64,
    pub tax: i64,
}

macro_rules! outputs {
    ($(#[$kind:ident] $name:ident $topic:literal { $($field:ident),* })*) => {$(
        #[derive(Debug, Clone, PartialEq, Entity)]
        #[topic($topic, partitions = 3)]
        #[$kind]
        #[entity(namespace = "joins")]
        pub struct $name {
            #[key]
            pub id: i64,
            $(pub $field: Option<i64>),*
        }
    )*};
}

outputs! {
    #[stream] Paid "paid" { amount, payment, paid }
    #[stream] PaidOrNot "paid_or_not" { amount, payment, paid }
    #[stream] ForOrNot "for_or_not" { amount, payment, paid }
    #[stream] Either "either" { amount, payment, paid }
    #[stream] Bought "bought" { order, amount, level }
    #[stream] BoughtBy "bought_by" { order, amount, level }
    #[stream] Traced "traced" { order, payment, paid, level }
    #[table] Pair "pairs" { level, balance }
    #[table] OfCustomer "of_customers" { level, balance }
    #[table] OfAccount "of_accounts" { level, balance }
    #[table] Every "everything" { level, balance }
    #[table] Home "homes" { level, region, tax }
    #[table] HomeOrNot "homes_or_not" { level, region, tax }
    #[table] Whole "wholes" { level, tax, balance }
}

/// Both within a time.
#[query]
pub fn paid(orders: Stream<Order>, payments: Stream<Payment>) -> Stream<Paid> {
    orders
        .join(payments, |o, p| o.id == p.order)
        .within("3s", "5s")
        .grace("4s")
        .map(|o, p| Paid {
            id: o.id,
            amount: o.amount,
            payment: p.id,
            paid: p.paid,
        })
}

/// Orders without a payment too.
#[query]
pub fn paid_or_not(orders: Stream<Order>, payments: Stream<Payment>) -> Stream<PaidOrNot> {
    orders
        .left_join(payments, |o, p| o.id == p.order)
        .within("3s", "5s")
        .grace("4s")
        .map(|o, p| PaidOrNot {
            id: o.id,
            amount: o.amount,
            payment: p.id,
            paid: p.paid,
        })
}

/// Payments without an order too.
#[query]
pub fn for_or_not(orders: Stream<Order>, payments: Stream<Payment>) -> Stream<ForOrNot> {
    orders
        .right_join(payments, |o, p| o.id == p.order)
        .within("4s")
        .grace("2s")
        .map(|o, p| ForOrNot {
            id: p.order,
            amount: o.amount,
            payment: p.id,
            paid: p.paid,
        })
}

/// Either without the other too.
#[query]
pub fn either(orders: Stream<Order>, payments: Stream<Payment>) -> Stream<Either> {
    orders
        .full_join(payments, |o, p| o.id == p.order)
        .within("3s", "5s")
        .grace("4s")
        .map(|o, p| Either {
            id: o.id.or(p.order),
            amount: o.amount,
            payment: p.id,
            paid: p.paid,
        })
}

/// Orders of customers that are known.
#[query]
pub fn bought(orders: Stream<Order>, customers: Table<Customer>) -> Stream<Bought> {
    orders
        .join(customers, |o, c| o.customer == c.id)
        .map(|o, c| Bought {
            id: o.customer,
            order: o.id,
            amount: o.amount,
            level: c.level,
        })
}

/// Orders, with the customer if it is known.
#[query]
pub fn bought_by(orders: Stream<Order>, customers: Table<Customer>) -> Stream<BoughtBy> {
    orders
        .left_join(customers, |o, c| o.customer == c.id)
        .filter(|o, _| o.amount > 1)
        .map(|o, c| BoughtBy {
            id: o.customer,
            order: o.id,
            amount: o.amount,
            level: c.level,
        })
}

/// Two streams, then a table by another value.
#[query]
pub fn traced(
    orders: Stream<Order>,
    payments: Stream<Payment>,
    customers: Table<Customer>,
) -> Stream<Traced> {
    orders
        .left_join(payments, |o, p| o.id == p.order)
        .within("3s", "5s")
        .grace("4s")
        .left_join(customers, |o, _, c| o.customer == c.id)
        .map(|o, p, c| Traced {
            id: o.customer,
            order: o.id,
            payment: p.id,
            paid: p.paid,
            level: c.level,
        })
}

/// Both tables' rows of a key.
#[query]
pub fn pairs(customers: Table<Customer>, accounts: Table<Account>) -> Table<Pair> {
    customers
        .join(accounts, |c, a| c.id == a.id)
        .map(|c, a| Pair {
            id: c.id,
            level: c.level,
            balance: a.balance,
        })
}

/// Customers without an account too.
#[query]
pub fn of_customers(customers: Table<Customer>, accounts: Table<Account>) -> Table<OfCustomer> {
    customers
        .left_join(accounts, |c, a| c.id == a.id)
        .filter(|c, _| c.level > 0)
        .map(|c, a| OfCustomer {
            id: c.id,
            level: c.level,
            balance: a.balance,
        })
}

/// Accounts without a customer too.
#[query]
pub fn of_accounts(customers: Table<Customer>, accounts: Table<Account>) -> Table<OfAccount> {
    customers
        .right_join(accounts, |c, a| c.id == a.id)
        .map(|c, a| OfAccount {
            id: a.id,
            level: c.level,
            balance: a.balance,
        })
}

/// Either without the other too.
#[query]
pub fn everything(customers: Table<Customer>, accounts: Table<Account>) -> Table<Every> {
    customers
        .full_join(accounts, |c, a| c.id == a.id)
        .map(|c, a| Every {
            id: c.id.or(a.id),
            level: c.level,
            balance: a.balance,
        })
}

/// Customers of a region that is known.
#[query]
pub fn homes(customers: Table<Customer>, regions: Table<Region>) -> Table<Home> {
    customers
        .join(regions, |c, r| c.region == r.id)
        .map(|c, r| Home {
            id: c.id,
            level: c.level,
            region: r.id,
            tax: r.tax,
        })
}

/// Customers, with the region if it is known.
#[query]
pub fn homes_or_not(customers: Table<Customer>, regions: Table<Region>) -> Table<HomeOrNot> {
    customers
        .left_join(regions, |c, r| c.region == r.id)
        .filter(|c, _| c.level > 0)
        .map(|c, r| HomeOrNot {
            id: c.id,
            level: c.level,
            region: r.id,
            tax: r.tax,
        })
}

/// A foreign key, then the key that stays.
#[query]
pub fn wholes(
    customers: Table<Customer>,
    regions: Table<Region>,
    accounts: Table<Account>,
) -> Table<Whole> {
    customers
        .left_join(regions, |c, r| c.region == r.id)
        .join(accounts, |c, _, a| c.id == a.id)
        .map(|c, r, a| Whole {
            id: c.id,
            level: c.level,
            tax: r.tax,
            balance: a.balance,
        })
}

/// What is paid in a window.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("takings", partitions = 3)]
#[table]
#[window(tumbling, seconds = [10], grace = "3s")]
#[entity(namespace = "joins")]
pub struct Taking {
    #[key]
    pub order: i64,
    #[window_start]
    pub opened: DateTime<Utc>,
    pub pairs: i64,
    pub paid: Option<i64>,
    pub largest: Option<i64>,
}

/// Groups, in windows, of two streams within a time.
#[query]
pub fn takings(orders: Stream<Order>, payments: Stream<Payment>) -> Table<Taking> {
    orders
        .join(payments, |o, p| o.id == p.order)
        .within("3s", "5s")
        .grace("4s")
        .group_by(|o, _| o.id)
        .aggregate(|g| Taking {
            order: g.key(),
            opened: g.window_start(),
            pairs: g.count(),
            paid: g.sum(|_, p| p.paid),
            largest: g.max(|o, _| o.amount),
        })
}

/// What the customers of a level have.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("wealth", partitions = 3)]
#[table]
#[entity(namespace = "joins")]
pub struct Wealth {
    #[key]
    pub level: i64,
    pub customers: i64,
    pub accounts: i64,
    pub balance: Option<i64>,
}

/// Groups of two tables.
#[query]
pub fn wealth(customers: Table<Customer>, accounts: Table<Account>) -> Table<Wealth> {
    customers
        .left_join(accounts, |c, a| c.id == a.id)
        .group_by(|c, _| c.level)
        .aggregate(|g| Wealth {
            level: g.key(),
            customers: g.count(),
            accounts: g.count_of(|_, a| a.id),
            balance: g.sum(|_, a| a.balance),
        })
}

/// Adds the query of a name.
///
/// # Panics
/// Where there is none.
pub fn with_query(builder: TestBuilder, name: &str) -> TestBuilder {
    match name {
        "paid" => builder.query(paid),
        "paid_or_not" => builder.query(paid_or_not),
        "for_or_not" => builder.query(for_or_not),
        "either" => builder.query(either),
        "bought" => builder.query(bought),
        "bought_by" => builder.query(bought_by),
        "traced" => builder.query(traced),
        "pairs" => builder.query(pairs),
        "of_customers" => builder.query(of_customers),
        "of_accounts" => builder.query(of_accounts),
        "everything" => builder.query(everything),
        "homes" => builder.query(homes),
        "homes_or_not" => builder.query(homes_or_not),
        "wholes" => builder.query(wholes),
        "takings" => builder.query(takings),
        "wealth" => builder.query(wealth),
        other => panic!("no query is called `{other}`"),
    }
}

/// The topics without a query, to fill them while none runs.
pub fn sources(builder: TestBuilder) -> TestBuilder {
    builder
        .entity::<Order>()
        .entity::<Payment>()
        .entity::<Customer>()
        .entity::<Account>()
        .entity::<Region>()
}

/// A record of one of the topics: a row, or a key whose row is gone.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Order(i64, Option<Order>),
    Payment(i64, Option<Payment>),
    Customer(i64, Option<Customer>),
    Account(i64, Option<Account>),
    Region(i64, Option<Region>),
}

impl Event {
    /// Its bytes at a time.
    pub fn raw(&self, timestamp: i64) -> Raw {
        match self {
            Event::Order(id, row) => raw(timestamp, *id, row.as_ref()),
            Event::Payment(id, row) => raw(timestamp, *id, row.as_ref()),
            Event::Customer(id, row) => raw(timestamp, *id, row.as_ref()),
            Event::Account(id, row) => raw(timestamp, *id, row.as_ref()),
            Event::Region(id, row) => raw(timestamp, *id, row.as_ref()),
        }
    }
}

fn raw<T: Writable>(timestamp: i64, id: i64, row: Option<&T>) -> Raw
where
    T::Key: From<i64>,
{
    let (mut key, mut body) = (Vec::new(), Vec::new());
    T::Key::from(id).encode(0, &mut key);
    if let Some(row) = row {
        row.encode_value(&mut body).expect("a value");
    }
    Raw {
        topic: T::MODEL.topic.name,
        partition: partition_for_key(&key, PARTITIONS),
        timestamp,
        key,
        body: row.map(|_| body),
    }
}

/// Sends events, those of each topic in their order.
pub async fn send(test: &Test, events: &[(i64, Event)]) {
    macro_rules! of {
        ($name:ident) => {{
            let mut rows = Vec::new();
            for (time, event) in events {
                let Event::$name(id, row) = event else {
                    continue;
                };
                match row {
                    Some(row) => rows.push((*time, row.clone())),
                    None => {
                        let sent = test.send_all_at(std::mem::take(&mut rows)).await;
                        sent.expect("rows are sent");
                        let gone = test.delete_at::<$name>(*time, *id).await;
                        gone.expect("a deletion is sent");
                    }
                }
            }
            test.send_all_at(rows).await.expect("rows are sent");
        }};
    }
    of!(Order);
    of!(Payment);
    of!(Customer);
    of!(Account);
    of!(Region);
}
