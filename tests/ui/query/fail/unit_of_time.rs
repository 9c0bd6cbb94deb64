// Units KSQL has.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: "x", n: o.at.timestamp_add(Unit::Weeks, 1).unix_timestamp() })
}

#[derive(Debug, Clone, Entity)]
#[topic("alarms")]
pub struct Alarm {
    #[key]
    pub id: i64,
    pub day: NaiveDate,
    pub time: NaiveTime,
}

#[query]
fn days(alarms: Stream<Alarm>) -> Stream<Alarm> {
    alarms.map(|a| Alarm { id: a.id, day: a.day.date_add(a.day, 5), time: a.time })
}

#[query]
fn times(alarms: Stream<Alarm>) -> Stream<Alarm> {
    alarms.map(|a| Alarm { id: a.id, day: a.day, time: a.time.time_add(a.time, 5) })
}

#[query]
fn times_before(alarms: Stream<Alarm>) -> Stream<Alarm> {
    alarms.map(|a| Alarm { id: a.id, day: a.day, time: a.time.time_sub(a.time, 5) })
}

fn main() {}
