//! A key with a window equals none without.

#[path = "../common.rs"]
mod common;

use common::Order;
use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("counted")]
#[window(tumbling, minutes = [1])]
#[entity(namespace = "shop")]
pub struct Counted {
    #[key]
    pub id: i64,
    pub n: i64,
}

#[derive(Entity)]
#[topic("both")]
#[window(tumbling, minutes = [1])]
#[entity(namespace = "shop")]
pub struct Both {
    #[key]
    pub id: i64,
    pub n: i64,
}

#[query]
fn both(counted: Stream<Counted>, orders: Stream<Order>) -> Stream<Both> {
    counted
        .join(orders, |c, o| c.id == o.id)
        .within("1m")
        .map(|c, o| Both { id: c.id, n: c.n })
}

#[derive(Entity)]
#[topic("visits")]
#[window(session, gap = "30s")]
#[entity(namespace = "shop")]
pub struct Visits {
    #[key]
    pub id: i32,
    pub n: i64,
}

#[derive(Entity)]
#[topic("named_visits")]
#[window(session, gap = "30s")]
#[entity(namespace = "shop")]
pub struct NamedVisits {
    #[key]
    pub id: String,
    pub n: i64,
}

#[derive(Entity)]
#[topic("seen")]
#[window(session, gap = "30s")]
#[entity(namespace = "shop")]
pub struct Seen {
    #[key]
    pub id: i32,
    pub n: i64,
}

#[derive(Entity)]
#[topic("named_seen")]
#[window(session, gap = "30s")]
#[entity(namespace = "shop")]
pub struct NamedSeen {
    #[key]
    pub id: String,
    pub n: i64,
}

#[derive(Debug, Clone, Entity)]
#[topic("pages")]
#[stream]
pub struct Page {
    #[key]
    pub id: i32,
    pub name: String,
}

#[derive(Debug, Clone, Entity)]
#[topic("named_pages")]
#[stream]
pub struct NamedPage {
    #[key]
    pub id: String,
    pub n: i64,
}

#[query]
fn sessions(visits: Stream<Visits>, pages: Stream<Page>) -> Stream<Seen> {
    visits
        .join(pages, |v, p| v.id == p.id)
        .within("1m")
        .map(|v, _| Seen { id: v.id, n: v.n })
}

#[query]
fn sessions_of_texts(visits: Stream<NamedVisits>, pages: Stream<NamedPage>) -> Stream<NamedSeen> {
    visits
        .join(pages, |v, p| v.id == p.id)
        .within("1m")
        .map(|v, _| NamedSeen { id: v.id, n: v.n })
}

fn main() {}
