//! Cases of ksqlDB's own tests that join: as those over one source beside this folder, with the same harness and the same lists. A
//! binary of its own, since the compiler's time for all queries together is long.

#![allow(
    non_camel_case_types,
    reason = "a struct's name is its KSQL name in another case, and the cases give theirs digits behind underscores"
)]

use ksql_runtime::prelude::*;
use ksql_runtime_tests::{areas, cases, nested, stream, table};

mod cannot;
mod refused;
mod rules;
mod rules_of_streams;

areas!(
    foreign_key,
    foreign_key_forms,
    grouped,
    insert_into,
    n_way,
    n_way_lookups,
    partition_by,
    stream_stream,
    stream_stream_by_expressions,
    stream_stream_outer,
    stream_table,
    table_table,
    windowed,
);
