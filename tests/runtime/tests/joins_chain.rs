//! Properties: queries that join more than two inputs, by other values than their keys, by foreign keys, and groups of what is
//! joined make what a plain model makes, whatever ends or is killed in between.
//!
//! `KSQL_TEST_CASES` sets how many sequences are tried.
#![allow(missing_docs, clippy::indexing_slicing, reason = "a test may stop")]

use std::collections::{BTreeMap, BTreeSet};

use ksql_runtime::log::partition::partition_for_key;
use ksql_runtime::prelude::*;
use ksql_runtime::testing::{self, Test};
use ksql_runtime_tests::property;
use ksql_runtime_tests::told::left_out;
use proptest::prelude::*;

const PARTITIONS: u32 = 3;

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("orders", partitions = 3)]
#[stream]
struct Order {
    #[key]
    id: i64,
    customer: Option<i64>,
    amount: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("payments", partitions = 3)]
#[stream]
struct Payment {
    #[key]
    id: i64,
    order: Option<i64>,
    paid: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("parcels", partitions = 3)]
#[stream]
struct Parcel {
    #[key]
    id: i64,
    customer: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("customers", partitions = 3)]
#[table]
struct Customer {
    #[key]
    id: i64,
    region: Option<i64>,
    level: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("regions", partitions = 3)]
#[table]
struct Region {
    #[key]
    id: i64,
    tax: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Entity)]
#[topic("sales", partitions = 3)]
#[stream]
struct Sale {
    #[key]
    customer: i64,
    order: i64,
    paid: Option<i64>,
    level: Option<i64>,
    parcel: Option<i64>,
}

/// Two streams, then a table, then a stream again; by values that are the key of no input but the table.
#[query]
fn sales(
    orders: Stream<Order>,
    payments: Stream<Payment>,
    customers: Table<Customer>,
    parcels: Stream<Parcel>,
) -> Stream<Sale> {
    orders
        .left_join(payments, |o, p| o.id == p.order)
        .within("5s", "3s")
        .grace("4s")
        .left_join(customers, |o, _, c| o.customer == c.id)
        .left_join(parcels, |o, _, _, s| o.customer == s.customer)
        .within("6s")
        .grace("2s")
        .map(|o, p, c, s| Sale {
            customer: o.customer,
            order: o.id,
            paid: p.paid,
            level: c.level,
            parcel: s.id,
        })
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Entity)]
#[topic("homes", partitions = 3)]
#[table]
struct Home {
    #[key]
    id: i64,
    level: i64,
    tax: Option<i64>,
}

/// A table whose rows name those of another.
#[query]
fn homes(customers: Table<Customer>, regions: Table<Region>) -> Table<Home> {
    customers
        .left_join(regions, |c, r| c.region == r.id)
        .filter(|c, _| c.level > 0)
        .map(|c, r| Home {
            id: c.id,
            level: c.level,
            tax: r.tax,
        })
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Entity)]
#[topic("levels", partitions = 3)]
#[table]
struct Level {
    #[key]
    tax: i64,
    customers: i64,
    levels: Option<i64>,
}

/// Groups of a join by a foreign key.
#[query]
fn levels(customers: Table<Customer>, regions: Table<Region>) -> Table<Level> {
    customers
        .join(regions, |c, r| c.region == r.id)
        .group_by(|_, r| r.tax)
        .aggregate(|g| Level {
            tax: g.key(),
            customers: g.count(),
            levels: g.sum(|c, _| c.level),
        })
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Entity)]
#[topic("volumes", partitions = 3)]
#[table]
#[window(tumbling, seconds = [10], grace = "5s")]
struct Volume {
    #[key]
    level: i64,
    #[window_start]
    opened: DateTime<Utc>,
    orders: i64,
    amount: Option<i64>,
}

/// Groups, in windows, of a stream that looks up a table.
#[query]
fn volumes(orders: Stream<Order>, customers: Table<Customer>) -> Table<Volume> {
    orders
        .join(customers, |o, c| o.customer == c.id)
        .group_by(|_, c| c.level)
        .aggregate(|g| Volume {
            level: g.key(),
            opened: g.window_start(),
            orders: g.count(),
            amount: g.sum(|o, _| o.amount),
        })
}

#[derive(Debug, Clone)]
enum Happens {
    Order(i64, Option<i64>, i64),
    Payment(i64, Option<i64>),
    Parcel(i64, i64),
    Customer(i64, Option<(Option<i64>, i64)>),
    Region(i64, Option<i64>),
    Reopen,
    Kill,
}

fn steps() -> impl Strategy<Value = Vec<(i64, Happens)>> {
    let id = 0..4_i64;
    let maybe = || prop::option::weighted(0.9, 0..4_i64);
    let customer = prop::option::weighted(0.8, (maybe(), 0..3_i64));
    let happens = prop_oneof![
        6 => (id.clone(), maybe(), 1..9_i64).prop_map(|(id, customer, amount)| Happens::Order(id, customer, amount)),
        4 => (id.clone(), maybe()).prop_map(|(id, order)| Happens::Payment(id, order)),
        3 => (id.clone(), id.clone()).prop_map(|(id, customer)| Happens::Parcel(id, customer)),
        5 => (id.clone(), customer).prop_map(|(id, row)| Happens::Customer(id, row)),
        3 => (id, prop::option::weighted(0.8, 0..3_i64)).prop_map(|(id, row)| Happens::Region(id, row)),
        1 => Just(Happens::Reopen),
        2 => Just(Happens::Kill),
    ];
    // Time goes on, and some records come late.
    prop::collection::vec(
        (
            0..3000_i64,
            prop_oneof![3 => Just(0), 1 => 0..20_000_i64],
            happens,
        ),
        1..40,
    )
    .prop_map(|steps| {
        let mut now = 100_000;
        let steps = steps.into_iter().map(|(on, back, happens)| {
            now += on;
            (now - back, happens)
        });
        steps.collect()
    })
}

/// What a joined row has of each of the four inputs: the values that come to the result.
type Parts = [Option<i64>; 4];

#[derive(Debug, Clone)]
struct Waits {
    left: bool,
    on: i64,
    time: i64,
    parts: Parts,
    alone: bool,
    gone: bool,
}

/// A join of streams, as one would write it down.
struct Within {
    /// How far a left record reaches back, and on.
    reach: (i64, i64),
    grace: i64,
    known: Vec<Waits>,
    clocks: BTreeMap<i32, i64>,
    late: u64,
}

fn partition(on: i64) -> i32 {
    partition_for_key(&on.to_be_bytes(), PARTITIONS)
}

impl Within {
    fn new(reach: (i64, i64), grace: i64) -> Within {
        Within {
            reach,
            grace,
            known: Vec::new(),
            clocks: BTreeMap::new(),
            late: 0,
        }
    }

    /// What comes out when a record comes in: times and parts.
    fn take(&mut self, left: bool, on: i64, time: i64, parts: Parts) -> Vec<(i64, Parts)> {
        let (back, ahead) = match left {
            true => self.reach,
            false => (self.reach.1, self.reach.0),
        };
        let grace = self.grace;
        let clock = self.clocks.entry(partition(on)).or_insert(i64::MIN);
        *clock = time.max(*clock);
        let now = *clock;
        if time + ahead + grace < now {
            self.late += 1;
            return Vec::new();
        }
        let mut out = Vec::new();
        // Only left records go out alone.
        let over = |one: &&mut Waits| {
            one.alone
                && !one.gone
                && partition(one.on) == partition(on)
                && one.time + self.reach.1 + grace < now
        };
        let mut ended: Vec<_> = self.known.iter_mut().filter(over).collect();
        ended.sort_by_key(|one| one.time);
        for one in ended {
            one.gone = true;
            out.push((one.time, one.parts));
        }
        let near = |one: &&mut Waits| {
            one.left != left
                && one.on == on
                && !one.gone
                && (time - back..=time + ahead).contains(&one.time)
        };
        let mut met: Vec<_> = self.known.iter_mut().filter(near).collect();
        met.sort_by_key(|one| one.time);
        for one in &mut met {
            one.alone = false;
            let both = std::array::from_fn(|index| parts[index].or(one.parts[index]));
            out.push((time.max(one.time), both));
        }
        let alone = left && met.is_empty();
        self.known.push(Waits {
            left,
            on,
            time,
            parts,
            alone,
            gone: false,
        });
        out
    }
}

/// Everything, as one would write it down.
struct Model {
    customers: BTreeMap<i64, (Option<i64>, i64)>,
    regions: BTreeMap<i64, i64>,
    paid: Within,
    sent: Within,
    /// An order's customer, by the order's number among all.
    customer_of: Vec<(i64, Option<i64>)>,
    sales: Vec<(i64, Sale)>,
    volumes: BTreeMap<(i64, i64), (i64, i64)>,
    windows: BTreeMap<i32, i64>,
    late: u64,
    /// Left out of the sales, and of the volumes, for want of what is compared.
    keyless: (u64, u64),
}

impl Model {
    fn new() -> Model {
        Model {
            customers: BTreeMap::new(),
            regions: BTreeMap::new(),
            paid: Within::new((5000, 3000), 4000),
            sent: Within::new((6000, 6000), 2000),
            customer_of: Vec::new(),
            sales: Vec::new(),
            volumes: BTreeMap::new(),
            windows: BTreeMap::new(),
            late: 0,
            keyless: (0, 0),
        }
    }

    /// What came out of the first join goes on.
    fn go_on(&mut self, rows: Vec<(i64, Parts)>) {
        for (time, parts) in rows {
            // A payment alone is no row.
            let Some(order) = parts[0] else { continue };
            let Some(customer) = self.customer_of[order as usize].1 else {
                self.keyless.0 += 1;
                continue;
            };
            let mut parts = parts;
            parts[2] = self.customers.get(&customer).map(|(_, level)| *level);
            let rows = self.sent.take(true, customer, time, parts);
            self.sold(rows);
        }
    }

    fn sold(&mut self, rows: Vec<(i64, Parts)>) {
        for (time, [order, paid, level, parcel]) in rows {
            let Some(order) = order else { continue };
            let (id, customer) = self.customer_of[order as usize];
            let sale = Sale {
                customer: customer.expect("it was compared"),
                order: id,
                paid,
                level,
                parcel,
            };
            self.sales.push((time, sale));
        }
    }

    fn take(&mut self, time: i64, happens: &Happens) {
        match happens {
            Happens::Order(id, customer, amount) => {
                let number = self.customer_of.len() as i64;
                self.customer_of.push((*id, *customer));
                let rows = self
                    .paid
                    .take(true, *id, time, [Some(number), None, None, None]);
                self.go_on(rows);
                match customer {
                    Some(customer) => {
                        if let Some((_, level)) = self.customers.get(customer) {
                            self.volume(time, *level, *amount);
                        }
                    }
                    None => self.keyless.1 += 1,
                }
            }
            Happens::Payment(id, order) => match order {
                Some(order) => {
                    let rows = self
                        .paid
                        .take(false, *order, time, [None, Some(*id), None, None]);
                    self.go_on(rows);
                }
                None => self.keyless.0 += 1,
            },
            Happens::Parcel(id, customer) => {
                let rows = self
                    .sent
                    .take(false, *customer, time, [None, None, None, Some(*id)]);
                self.sold(rows);
            }
            Happens::Customer(id, Some(row)) => drop(self.customers.insert(*id, *row)),
            Happens::Customer(id, None) => drop(self.customers.remove(id)),
            Happens::Region(id, Some(tax)) => drop(self.regions.insert(*id, *tax)),
            Happens::Region(id, None) => drop(self.regions.remove(id)),
            Happens::Reopen | Happens::Kill => {}
        }
    }

    fn volume(&mut self, time: i64, level: i64, amount: i64) {
        let stream = self.windows.entry(partition(level)).or_insert(i64::MIN);
        *stream = time.max(*stream);
        let start = time.div_euclid(10_000) * 10_000;
        if start + 10_000 + 5000 <= *stream {
            self.late += 1;
            return;
        }
        let window = self.volumes.entry((level, start)).or_default();
        *window = (window.0 + 1, window.1 + amount);
    }

    fn homes(&self) -> BTreeSet<Home> {
        let of = |(id, (region, level)): (&i64, &(Option<i64>, i64))| Home {
            id: *id,
            level: *level,
            tax: region.and_then(|region| self.regions.get(&region).copied()),
        };
        let homes = self.customers.iter().map(of);
        homes.filter(|home| home.level > 0).collect()
    }

    fn levels(&self) -> BTreeMap<i64, (i64, i64)> {
        let mut levels = BTreeMap::<i64, (i64, i64)>::new();
        for (region, level) in self.customers.values() {
            let tax = region.and_then(|region| self.regions.get(&region));
            if let Some(tax) = tax {
                let group = levels.entry(*tax).or_default();
                *group = (group.0 + 1, group.1 + level);
            }
        }
        levels
    }
}

async fn send(test: &Test, time: i64, happens: &Happens) {
    match *happens {
        Happens::Order(id, customer, amount) => {
            let order = Order {
                id,
                customer,
                amount,
            };
            test.send_at(time, order).await
        }
        Happens::Payment(id, order) => {
            let payment = Payment {
                id,
                order,
                paid: id,
            };
            test.send_at(time, payment).await
        }
        Happens::Parcel(id, customer) => test.send_at(time, Parcel { id, customer }).await,
        Happens::Customer(id, Some((region, level))) => {
            test.send_at(time, Customer { id, region, level }).await
        }
        Happens::Customer(id, None) => test.delete_at::<Customer>(time, id).await,
        Happens::Region(id, Some(tax)) => test.send_at(time, Region { id, tax }).await,
        Happens::Region(id, None) => test.delete_at::<Region>(time, id).await,
        Happens::Reopen | Happens::Kill => return,
    }
    .expect("it is sent");
}

async fn follow((each, steps): (bool, Vec<(i64, Happens)>)) {
    let builder = testing::query(sales)
        .query(homes)
        .query(levels)
        .query(volumes);
    let builder = match each {
        true => builder,
        false => builder.latest_changes(),
    };
    let mut test = builder.start().await.expect("it starts");
    let mut model = Model::new();
    for (time, happens) in &steps {
        model.take(*time, happens);
        match happens {
            // What was sent just before may be on its way.
            Happens::Reopen => test = test.reopen().await.expect("it starts again"),
            Happens::Kill => test = test.kill().await.expect("it starts again"),
            _ => {
                // Which record of two inputs comes first is said by when it was there.
                test.settle().await.expect("it is taken in");
                send(&test, *time, happens).await;
            }
        }
    }
    test.settle().await.expect("it is taken in");
    let killed = steps
        .iter()
        .any(|(_, happens)| matches!(happens, Happens::Kill));

    let sales = test.records::<Sale>().await.expect("records");
    let mut found: Vec<(i64, Sale)> = sales
        .into_iter()
        .map(|record| {
            (
                record.timestamp,
                record.row.expect("a stream deletes nothing"),
            )
        })
        .collect();
    found.sort();
    let mut expected = model.sales.clone();
    expected.sort();
    if killed {
        found.dedup();
        expected.dedup();
    }
    assert_eq!(found, expected);

    let rows = test.context().set::<Home>().to_list().await;
    let rows: BTreeSet<Home> = rows.expect("a list").into_iter().collect();
    assert_eq!(rows, model.homes());

    let rows = test.context().set::<Level>().to_list().await;
    let rows: BTreeMap<i64, (i64, i64)> = rows
        .expect("a list")
        .into_iter()
        .filter(|row| row.customers > 0)
        .map(|row| (row.tax, (row.customers, row.levels.unwrap_or(0))))
        .collect();
    assert_eq!(rows, model.levels());

    let windows = test
        .context()
        .set::<Volume>()
        .window_of(std::time::Duration::from_secs(10));
    let rows: BTreeMap<(i64, i64), (i64, i64)> = windows
        .to_list()
        .await
        .expect("a list")
        .into_iter()
        .map(|row| {
            let window = (row.level, row.opened.timestamp_millis());
            (window, (row.orders, row.amount.unwrap_or(0)))
        })
        .collect();
    assert_eq!(rows, model.volumes);

    let left_out = left_out(&test);
    let late = model.paid.late + model.sent.late;
    assert_eq!(left_out["sales"], (late, model.keyless.0));
    assert_eq!(left_out["volumes"], (model.late, model.keyless.1));
    test.end().await.expect("it ends");
}

#[test]
fn joins_of_any_inputs_make_what_a_plain_model_makes_whatever_ends_in_between() {
    property::holds((any::<bool>(), steps()), follow);
}
