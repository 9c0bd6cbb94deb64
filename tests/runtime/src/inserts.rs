//! A query that adds to what another one makes: with it every reading has a result, each by one of the two.

use ksql_runtime::prelude::*;

use crate::queries::{Loud, Reading};

/// Readings that are not above zero, beside those that are.
#[query(insert)]
pub fn quiet_ones(readings: Stream<Reading>) -> Stream<Loud> {
    readings.filter(|r| r.value <= 0).map(|r| Loud {
        sensor: r.sensor,
        doubled: r.value * 2,
        room: r.room,
    })
}
