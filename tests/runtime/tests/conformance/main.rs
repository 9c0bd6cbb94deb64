//! Cases of ksqlDB's own tests as queries: what goes in and what must come out is read from the folder of cases, what the
//! queries say is compared with what the cases say. `KSQL_SHARED` names the folder's parent if it is not beside the checkout;
//! without it each test is reported as skipped.
//!
//! `texts/` holds the statements of the queries, a file beside each of these; `UPDATE_SNAPSHOTS=1` writes them anew. `cannot` lists the
//! cases that no query of ours can say, with the reason; `refused` says where what ksqlDB refuses is refused here.

#![allow(
    non_camel_case_types,
    reason = "a struct's name is its KSQL name in another case, and the cases give theirs digits behind underscores"
)]
#![allow(
    clippy::type_complexity,
    reason = "a field's type is the column's, however deep"
)]

use std::collections::BTreeMap;

use ksql_runtime::prelude::*;

/// A stream of a case: its name, its topic, its fields.
macro_rules! stream {
    ($name:ident($($topic:tt)*) $(#[$more:meta])* { $($fields:tt)* }) => {
        #[derive(Debug, Clone, PartialEq, Entity)]
        #[topic($($topic)*)]
        #[stream]
        #[entity(namespace = "conformance")]
        $(#[$more])*
        pub struct $name { $($fields)* }
    };
}

/// A table of a case.
macro_rules! table {
    ($name:ident($($topic:tt)*) $(#[$more:meta])* { $($fields:tt)* }) => {
        #[derive(Debug, Clone, PartialEq, Entity)]
        #[topic($($topic)*)]
        #[table]
        #[entity(namespace = "conformance")]
        $(#[$more])*
        pub struct $name { $($fields)* }
    };
}

/// A struct inside of a column.
macro_rules! nested {
    ($name:ident { $($fields:tt)* }) => {
        #[derive(Debug, Clone, PartialEq, Struct)]
        pub struct $name { $($fields)* }
    };
}

/// The cases of an area: the rule each shows, its id, its queries in the order of its statements.
macro_rules! cases {
    ($area:literal; $($name:ident: $id:literal => $($query:ident),+ $(said_as $reason:literal)? { $($items:tt)* })*) => {
        $(
            mod $name {
                use super::*;

                $($items)*

                pub(super) fn written() -> ksql_runtime_tests::conformance::Written {
                    ksql_runtime_tests::conformance::written($id)$(.query($query))+$(.said_as($reason))?
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let test = concat!(module_path!(), "::", stringify!($name));
                $name::written().check(test).await;
            }
        )*

        /// The cases written here.
        pub fn all() -> Vec<ksql_runtime_tests::conformance::Written> {
            vec![$($name::written()),*]
        }

        #[test]
        fn the_texts_are_those_kept() {
            ksql_runtime_tests::conformance::snapshot($area, &all());
        }
    };
}

mod cannot;
mod refused;

/// The areas, a file each.
macro_rules! areas {
    ($($area:ident),+ $(,)?) => {
        $(mod $area;)+

        /// The cases written in all of them.
        fn written() -> Vec<ksql_runtime_tests::conformance::Written> {
            let mut all = Vec::new();
            $(all.extend($area::all());)+
            all
        }
    };
}

areas!(
    aggregate,
    arithmetic,
    array_map,
    avro,
    by_offset,
    bytes,
    case,
    cast,
    collect,
    comparison,
    conditions,
    decimal,
    filter,
    functions,
    group_by,
    group_by_tables,
    json,
    keyless,
    keys,
    made,
    nested_values,
    null,
    partition_by,
    projection,
    pseudo_columns,
    statements,
    statistics,
    string,
    struct_,
    table,
    temporal,
    timestamp,
    timestamp_column,
    types,
    window,
);
