//! Derive macros of `ksql-runtime`. Users depend on `ksql-runtime`, which re-exports them; this crate is its
//! private detail and pinned to its exact version.
//!
//! `parse` (tokens to options with places) -> `model` (options to the [`ksql_schema`] model) -> `validate` (the
//! rules of `ksql-schema`, each finding put where its cause stands) -> `expand` (tokens only). The stages are
//! ordinary functions over `proc_macro2` tokens and are tested without a compiler; the entry points below only convert.
#![forbid(unsafe_code)]

mod derive;
mod errors;
mod expand;
mod model;
mod parse;
mod query;
mod refused;
#[cfg(test)]
mod tests;
mod types;
mod validate;

use proc_macro::TokenStream;

/// Makes a struct with named fields an entity: a topic, a key, a schema, columns.
///
/// Everything wrong with the struct is reported at once, each error on the token that is wrong. `ksql_runtime`'s
/// guide shows every attribute with the texts it leads to.
///
/// # Required
///
/// * `#[topic("orders", partitions = 3, replication = 1, retention = "7d", cleanup = "compact")]` - the topic. Only the
///   name is required. `partitions` and `replication` default to 1; `retention` is a duration or `"unlimited"` and
///   defaults to the broker's; `cleanup` is `"delete"`, `"compact"` or `"compact,delete"` and defaults to `"delete"` for
///   streams, `"compact"` for tables. In relaxed mode the whole attribute may be missing: the topic is then the
///   lower-cased struct name.
///
/// # Optional, on the struct
///
/// * `#[stream]` or `#[table]` - what the entity is. Default: a table if there is a `#[window]`, else a stream.
///   Example: `#[table]`.
/// * `#[window(tumbling, minutes = [1, 5], grace = "10s", retention = "7d", gaps = "none", gap_horizon = 60)]` - the
///   windows of an aggregate: `tumbling`, `hopping` (with `advance = "15min"`) or `session` (with `gap = "30min"` and no
///   size). Sizes stand in exactly one of `millis`, `seconds`, `minutes`, `hours`, `days`, as a list or one integer.
///   Defaults: grace 10 s, retention 7 days, gaps `"none"` (or `"empty"`, `"carry_forward"`).
/// * `#[entity(namespace = "com.shop")]` - the Avro namespace. Default: the module path, dotted.
/// * `#[entity(name = "OrderRecord")]` - the Avro record name. Default: the struct's name.
/// * `#[entity(value_format = "avro")]` - how values are written. Default and only choice: `"avro"`.
/// * `#[entity(subjects = "topic")]` - how registry subjects are named: `"topic"` (default), `"record"`, `"topic_record"`.
/// * `#[entity(relaxed)]` - doubtful definitions are compiler warnings instead of errors. Default: strict, unless the cargo
///   feature `relaxed` is on.
/// * `#[entity(crate = my_facade::ksql_runtime)]` - where the runtime is found. Default: `::ksql_runtime`.
///
/// # Optional, on a field
///
/// * `#[key]` or `#[key(order = 0)]` - a key column (`i32`, `i64`, `String`, `Uuid`). Several make a composite key in order of
///   definition; `order` only spells that order out. Default: a value column.
/// * `#[timestamp]` - the event time: a date-time, an `i64` of milliseconds, or text with `#[datetime_format]`. Default: the time
///   a record is sent.
/// * `#[avro_timestamp]` - says what every date-time is anyway: UTC milliseconds with Avro's `timestamp-millis`.
/// * `#[decimal_precision(18, 4)]` - all digits, and those after the point; required on `Decimal`, refused elsewhere.
/// * `#[datetime_format("yyyy-MM-dd HH:mm:ss")]` - the column is a string formatted by this Java pattern, which holds all parts
///   of the type down to the second; finer ones it lacks are cut off. Default: Avro's logical types.
/// * `#[default_value(5)]` - the Avro schema's default: a bool, a number or a string; decimals (`"1.50"`), dates, times, moments
///   (`"2024-01-31T12:30:00Z"`), UUIDs and variants are written as strings. Default: none, except null for an `Option`.
/// * `#[max_length(12)]` - at most so many characters (or bytes), checked before sending. Default: no limit.
/// * `#[kafka_ignore]` - the field is in the struct only and is restored with `Default`. Default: every field is a column.
/// * `#[window_start]`, `#[window_end]` - filled from the windowed key; a date-time or `i64` of milliseconds. Default: none.
/// * `#[gap(zero)]` or `#[gap(from = close)]` - what a gap row holds here under `gaps = "carry_forward"`. Default: the value
///   of the row before.
///
/// # Generated
///
/// For an entity `Rate`: the trait `Entity` with its constants, codecs and conversions; the key type `RateKey`, the value
/// type `RateValue`, the borrowed row `RateRow<'a>` (without the lifetime if nothing in it borrows), all with the struct's
/// visibility and the fields' docs.
#[proc_macro_derive(
    Entity,
    attributes(
        topic,
        stream,
        table,
        window,
        entity,
        key,
        kafka_ignore,
        decimal_precision,
        datetime_format,
        default_value,
        max_length,
        timestamp,
        avro_timestamp,
        window_start,
        window_end,
        gap
    )
)]
pub fn derive_entity(input: TokenStream) -> TokenStream {
    derive::guarded("Entity", input.into(), derive::entity).into()
}

/// Makes a struct with named fields a nested record: a column, an element or a map's value of an entity.
///
/// # Required
///
/// Nothing. Every field's type must be a column type; a decimal is `Dec<P, S>`.
///
/// # Optional, on the struct
///
/// * `#[nested(crate = my_facade::ksql_runtime)]` - where the runtime is found. Default: `::ksql_runtime`.
///
/// # Generated
///
/// For `Address`: the trait `codec::Value`, so that it can stand in an entity, and the borrowed row `AddressRow<'a>`.
#[proc_macro_derive(Struct, attributes(nested))]
pub fn derive_struct(input: TokenStream) -> TokenStream {
    derive::guarded("Struct", input.into(), derive::nested).into()
}

/// Makes an enum of unit variants a string column: the variant's name as written.
///
/// Reading a string that is no variant is a decode error that names it and the variants there are. In rows the column is
/// a `&str`.
///
/// # Optional, on the enum
///
/// * `#[nested(crate = my_facade::ksql_runtime)]` - where the runtime is found. Default: `::ksql_runtime`.
#[proc_macro_derive(Enum, attributes(nested))]
pub fn derive_enum(input: TokenStream) -> TokenStream {
    derive::guarded("Enum", input.into(), derive::variants).into()
}

/// Makes a function over `Stream` and `Table` a query: KSQL text for a cluster, native code for the embedded engine, and a plan.
///
/// The function is a definition and never runs as written: Rust's syntax, ksqlDB's meaning. It becomes a struct of its name - with
/// parameters, a struct and the function that makes one - that is registered with `.query(candles)`; `candles::KSQL` are its
/// statements, one a window of the output.
///
/// # The head
///
/// * One input, `rates: Stream<Rate>` or `accounts: Table<Account>`, then parameters: values from the program
///   (`limit: i64`; a `Decimal` states its size, `#[decimal_precision(18, 4)] limit: Decimal`). Not a method, not generic, not async.
/// * What it writes: `Table<..>` where it groups or reads a table, else `Stream<..>`.
/// * `#[query(insert)]` - the query adds its records to a stream that another query makes, or that stands by itself (`INSERT INTO`).
///   Its id on a server is its name.
/// * `#[query(crate = my_facade::ksql_runtime)]` - where the runtime is found. Default: `::ksql_runtime`.
///
/// # The body
///
/// One chain of steps on the input; several of a kind all count.
///
/// * `.filter(|r| ..)` - rows that do not satisfy it are left out.
/// * `.map(|r| Out { .. })` - makes another row; the last one is written. Rows between have an entity as well.
/// * `.partition_by(|r| r.a)`, `.partition_by(|r| (r.a, r.b))` - gives the records of a stream another key.
/// * `.group_by(|r| r.a)`, `.group_by(|r| (r.a, r.b))`, then `.aggregate(|g| Out { id: g.key(), n: g.count(), .. })`. A group has
///   `g.key()` (`g.key().0` of several parts), `g.window_start()`, `g.window_end()`, and aggregates over its rows: `g.max(|r| r.price)`.
///   The window stands on the output: `#[window(..)]`.
/// * `.having(|g| ..)`, before or after `aggregate` - groups that do not satisfy it are left out.
/// * `.as_stream()`, `.as_table()` - say what it is anyway.
///
/// # Expressions
///
/// Columns, fields of structs, literals, `dec!(1.50)`, operators, `if`, `match`, `matches!`, `let`, `as i64` or
/// `as Decimal<18, 4>`, `tags[0]`, `labels["key"]`, `[a, b].contains(&r.x)`, `(1..=5).contains(&r.x)`, `r.rowtime()`, and ksqlDB's functions as
/// methods, under the names Rust has or its own. What KSQL cannot say is an error on the very token.
#[proc_macro_attribute]
pub fn query(arguments: TokenStream, item: TokenStream) -> TokenStream {
    query::query(arguments.into(), item.into()).into()
}

/// Makes a closure over an entity a condition: native code for the rows of a table, KSQL text for a pull query.
///
/// `ksql!(|o: &Order| o.amount > limit && o.note != tag)` is a `Predicate<Order, _>` with `matches(&order)` and `ksql()`; sets take it
/// by `matching(..)`. Names that nothing in the closure stands for are values from around it, which are cloned. One that is
/// compared is compared as it is; whatever else is done with one says its type: `o.amount * (factor as i64) > 5`.
#[proc_macro]
pub fn ksql(item: TokenStream) -> TokenStream {
    query::ksql(item.into()).into()
}
