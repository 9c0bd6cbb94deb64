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
use ksql_runtime_tests::{areas, cases, nested, stream, table};

mod cannot;
mod refused;
mod stopped;

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
    insert_into,
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
    windowed,
);
