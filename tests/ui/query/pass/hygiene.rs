//! A shadowed prelude, names of every kind, a query in a function and in a module of another crate's path.
#![deny(missing_docs, unused, unused_results, unused_qualifications, unreachable_pub, missing_debug_implementations)]
#![deny(single_use_lifetimes, non_local_definitions, rust_2018_idioms)]
#![forbid(unsafe_code)]

/// What the prelude would have given.
#[allow(dead_code)]
pub mod shadows {
    /// Not that one.
    #[derive(Debug)]
    pub struct Option;
    /// Not that one.
    #[derive(Debug)]
    pub struct Result;
    /// Not that one.
    #[derive(Debug)]
    pub struct Vec;
    /// Not that one.
    pub trait Iterator {}
    /// Not that one.
    #[derive(Debug)]
    pub struct Query;
}

/// The entities.
pub mod model {
    use ksql_runtime::prelude::{Entity, Stream, Table, query};

    #[allow(unused_imports)]
    use crate::shadows::{Option, Query, Result, Vec};

    /// A reading.
    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("readings")]
    pub struct Reading {
        /// The sensor.
        #[key]
        pub sensor: String,
        /// A reserved word.
        pub r#type: i32,
        /// Named like what the code has.
        pub groups: i64,
        /// Named like what the code has.
        pub scratch: i64,
    }

    /// What came of it.
    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("sums")]
    #[table]
    pub struct Sums {
        /// The sensor.
        #[key]
        pub sensor: String,
        /// A sum.
        pub r#type: i32,
        /// A sum.
        pub groups: i64,
    }

    /// Sums of readings.
    #[query]
    pub fn sums(readings: Stream<Reading>, least: i32) -> Table<Sums> {
        readings
            .filter(|row| row.r#type > least && row.scratch != 0)
            .group_by(|scratch| scratch.sensor)
            .having(|groups| groups.count() > 0)
            .aggregate(|at| Sums {
                sensor: at.key(),
                r#type: at.sum(|key| key.r#type),
                groups: at.sum(|out| out.groups + out.scratch),
            })
    }
}

fn main() {
    use ksql_runtime::query::Query as _;

    #[ksql_runtime::prelude::query]
    fn local(readings: ksql_runtime::query::Stream<model::Reading>) -> ksql_runtime::query::Table<model::Sums> {
        readings.group_by(|r| r.sensor).aggregate(|g| model::Sums {
            sensor: g.key(),
            r#type: g.max(|r| r.r#type),
            groups: g.count(),
        })
    }

    assert_eq!(model::sums::KSQL.len(), 1);
    assert!(local::KSQL[0].contains("MAX(`TYPE`) AS `TYPE`"));
    // A query's name is no pattern: a variable may have it.
    let local = <_ as ksql_runtime::query::IntoQuery<_>>::explain(local);
    assert_eq!(local.decision(), "table: grouped and aggregated");
    let query = model::sums(5);
    assert_eq!(query.parameters().unwrap(), [("least", "5".to_owned())]);
}
