//! Records of an older schema: rewritten by a plan, then decoded; beside records of the own schema. apache-avro cannot be a
//! peer: its resolution refuses decimals of few bytes.

use std::hint::black_box;

use ksql_runtime::codec::resolve::{Part, Plan};
use ksql_runtime::prelude::*;

use super::contest::Contest;
use super::{POOL, REPORT};
use crate::data;
use crate::entities::Order;

/// An older `Order`: narrower quantity, another order of fields, one field that is gone.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("orders", partitions = 4)]
#[table]
#[entity(namespace = "bench", name = "Order")]
struct Older {
    #[key]
    id: i64,
    #[decimal_precision(18, 4)]
    amount: Decimal,
    customer: String,
    remark: Option<String>,
    qty: i16,
    #[timestamp]
    ts: DateTime<Utc>,
}

pub fn run() {
    let mut rng = data::rng();
    let orders: Vec<Order> = (0..POOL as i64)
        .map(|id| data::order(&mut rng, id))
        .collect();
    let bodies: Vec<Vec<u8>> = orders
        .iter()
        .map(|order| {
            let older = Older {
                id: order.id,
                amount: order.amount,
                customer: order.customer.clone(),
                remark: Some("gone".to_owned()),
                qty: order.qty as i16,
                ts: order.ts,
            };
            let mut body = Vec::new();
            older.encode_value(&mut body).expect("encodes");
            body
        })
        .collect();
    let plan = Plan::build(Older::VALUE_SCHEMA, Order::MODEL, Part::Value).expect("a plan");
    let own: Vec<Vec<u8>> = orders
        .iter()
        .map(|order| {
            let mut body = Vec::new();
            order.encode_value(&mut body).expect("encodes");
            body
        })
        .collect();
    let mut out = Vec::new();
    for (body, own) in bodies.iter().zip(&own) {
        out.clear();
        plan.transcode(body, &mut out).expect("it resolves");
        assert_eq!(&out, own, "resolved bytes");
    }
    let mut contest = Contest::new(POOL, 500_000);
    contest.enter("generated", |at, out| {
        out.clear();
        plan.transcode(&bodies[at], out).expect("it resolves");
        let key = <Order as Entity>::Key::from(orders[at].id);
        black_box(Order::decode(key, out).expect("decodes"));
    });
    contest.enter("own_schema", |at, _| {
        let key = <Order as Entity>::Key::from(orders[at].id);
        black_box(Order::decode(key, &own[at]).expect("decodes"));
    });
    let results = contest.run(REPORT, "order_resolve");
    REPORT.ratio(
        "order_resolve_to_own_schema",
        results.ratio("generated", "own_schema"),
    );
}
