//! Tests of this module's rules.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use super::*;
use crate::query::check::tests::{said, says};
use crate::query::column::column;
use crate::query::column::samples::COLUMNS;
use crate::query::compare::tests::kinds;
use crate::query::words::sql_text;

fn node(ty: Sql) -> Node {
    Node::new(ty, Why::Never)
}

fn dec(precision: u32, scale: u32) -> Sql {
    Sql::Decimal { precision, scale }
}

/// Rows: name, types, result, NULL of what is not, NULL of what may be, undo.
#[test]
#[rustfmt::skip]
#[allow(clippy::type_complexity, reason = "a table's row")]
fn each_aggregate_gives_what_the_table_says() {
    use Sql::{Bigint, Boolean, Bytes, Date, Double, Integer, String as Text, Time, Timestamp};
    let longs = Sql::Array(Elem::new(Bigint, true));
    let table: Vec<(&str, Vec<Sql>, bool, &str, bool, bool, bool)> = vec![
        ("count", vec![], false, "BIGINT", false, false, true),
        ("count", vec![Boolean], false, "BIGINT", false, false, true),
        ("count_of", vec![Bytes], false, "BIGINT", false, false, true),
        ("sum", vec![Integer], false, "INTEGER", false, false, true),
        ("sum", vec![Bigint], false, "BIGINT", false, false, true),
        ("sum", vec![Double], false, "DOUBLE", false, false, true),
        ("sum", vec![dec(18, 4)], false, "DECIMAL(18, 4)", false, false, true),
        ("avg", vec![Integer], false, "DOUBLE", false, false, true),
        ("min", vec![dec(18, 4)], false, "DECIMAL(18, 4)", false, true, false),
        ("max", vec![Text], false, "STRING", false, true, false),
        ("max", vec![Time], false, "TIME", false, true, false),
        ("max", vec![Timestamp], false, "TIMESTAMP", false, true, false),
        ("latest", vec![Boolean], false, "BOOLEAN", false, true, false),
        ("LATEST_BY_OFFSET", vec![Date], false, "DATE", false, true, false),
        ("earliest", vec![longs], false, "ARRAY<BIGINT>", false, true, false),
        ("latest_n", vec![Bigint], true, "ARRAY<BIGINT>", false, false, false),
        ("latest_by_offset", vec![Bigint], true, "ARRAY<BIGINT>", false, false, false),
        ("earliest_n", vec![dec(9, 2)], true, "ARRAY<DECIMAL(9, 2)>", false, false, false),
        ("latest_with_nulls", vec![Boolean], false, "BOOLEAN", false, true, false),
        ("earliest_with_nulls", vec![Date], false, "DATE", false, true, false),
        ("latest_n_with_nulls", vec![Bigint], true, "ARRAY<BIGINT>", false, false, false),
        ("earliest_n_with_nulls", vec![Bigint], true, "ARRAY<BIGINT>", false, false, false),
        ("top_k", vec![Double], true, "ARRAY<DOUBLE>", false, false, false),
        // What stands beside it is told by `ranked`.
        ("top_k", vec![Double, Text], true, "ARRAY<DOUBLE>", false, false, false),
        ("topkdistinct", vec![dec(9, 2)], true, "ARRAY<DECIMAL(9, 2)>", false, false, false),
        ("collect_list", vec![longs], false, "ARRAY<ARRAY<BIGINT>>", false, false, true),
        ("collect_set", vec![Text], false, "ARRAY<STRING>", false, false, false),
        ("histogram", vec![Text], false, "MAP<STRING, BIGINT>", false, false, true),
        ("count_distinct", vec![Text], false, "BIGINT", false, false, false),
        ("stddev_sample", vec![Bigint], false, "DOUBLE", false, false, true),
        ("stddev_samp", vec![Double], false, "DOUBLE", false, false, true),
        ("correlation", vec![Double, Bigint], false, "DOUBLE", false, false, true),
        ("sum_list", vec![longs], false, "BIGINT", false, false, true),
        ("attr", vec![Text], false, "STRING", true, true, true),
    ];
    let mut seen = Vec::new();
    for (name, types, counted, ty, alone, with_null, undo) in table {
        let function = lookup(name, types.len(), counted).unwrap_or_else(|| panic!("{name}"));
        seen.push(function);
        let plain: Vec<_> = types.iter().map(|ty| node(*ty)).collect();
        let result = aggregate(function, &plain);
        assert_eq!(sql_text(result.ty), ty, "{name}");
        assert_eq!(result.nullable(), alone, "{name}");
        let maybe: Vec<_> = types.iter().map(|ty| Node::new(*ty, Why::Column("Order", "x"))).collect();
        assert_eq!(aggregate(function, &maybe).nullable(), with_null, "{name} of NULLs");
        assert_eq!(function.spec().undo, undo, "{name}");
        assert_eq!(said(|| check_aggregate(function, &plain)), None);
        assert_eq!(said(|| check_table_aggregate(function, true)).is_none(), undo);
        assert_eq!(said(|| check_table_aggregate(function, false)), None);
    }
    for function in Aggregate::ALL {
        assert!(seen.contains(function), "{function:?} is not in the table");
    }
}

#[test]
fn a_ranking_with_columns_beside_gives_structs_of_ksqldbs_names() {
    const NODES: [Node; 3] = [
        Node::new(Sql::Integer, Why::Never),
        Node::new(Sql::String, Why::Never),
        Node::new(
            Sql::Decimal {
                precision: 9,
                scale: 2,
            },
            Why::Never,
        ),
    ];
    const FIELDS: &[Field<'static>] = &[
        ranked_field(&NODES[0], 0),
        ranked_field(&NODES[1], 1),
        ranked_field(&NODES[2], 2),
    ];
    const ROW: &Struct<'static> = &Struct {
        name: "",
        fields: FIELDS,
    };
    let row = Node::new(Sql::Struct(ROW), Why::Never);
    assert_eq!(
        sql_text(ranked(&NODES, row).ty),
        "ARRAY<STRUCT<`sort_col` INTEGER, `col0` STRING, `col1` DECIMAL(9, 2)>>"
    );
    assert!(lookup("top_k", 10, true).is_some_and(|top| !top.takes_so_many(10)));
}

#[test]
fn what_is_of_the_wrong_type_is_poison_and_said() {
    for function in Aggregate::ALL {
        let count = function.spec().takes.len();
        for ty in kinds() {
            let expressions = vec![node(ty); count];
            let poison = aggregate(*function, &expressions).is_unknown();
            let text = said(|| check_aggregate(*function, &expressions));
            assert_eq!(text.is_some(), poison, "{function:?} {ty:?}");
        }
        let unknown = vec![Node::UNKNOWN; count];
        assert_eq!(aggregate(*function, &unknown).is_unknown(), count > 0);
        assert_eq!(said(|| check_aggregate(*function, &unknown)), None);
    }
}

#[test]
fn messages_say_what_it_takes() {
    let table = [
        (
            Aggregate::Sum,
            Sql::String,
            "`sum` takes a number, not STRING",
        ),
        (
            Aggregate::Avg,
            dec(18, 4),
            "`avg` takes an INTEGER, a BIGINT or a DOUBLE, not DECIMAL(18, 4): convert it first with `as f64`, which loses its exact digits",
        ),
        (
            Aggregate::Max,
            Sql::Boolean,
            "`max` takes a number, a text or a time, not BOOLEAN: write `if x { 1 } else { 0 }`",
        ),
        (
            Aggregate::Histogram,
            Sql::Bigint,
            "`histogram` takes a STRING, not BIGINT: write `.to_string()`",
        ),
        (
            Aggregate::Latest,
            Sql::Null,
            "`latest` takes a value, not NULL: write `None` in its place",
        ),
    ];
    for (function, ty, text) in table {
        says(text, || check_aggregate(function, &[node(ty)]));
    }
    says(
        "`max` cannot take back a row that changed, so it is for streams only: read a `Stream`, or over a table use one of count, sum, avg, collect_list, histogram, stddev_sample, correlation, attr",
        || check_table_aggregate(Aggregate::Max, true),
    );
    says(
        "`count_distinct` is an estimate of ksqlDB's own that only the ksqldb engine gives: count `collect_set`, or use it there",
        || check_native_aggregate(Aggregate::CountDistinct),
    );
    says("", || check_native_aggregate(Aggregate::Sum));
}

#[test]
fn lists_hold_nulls_where_ksqldb_keeps_them() {
    let maybe = Node::new(Sql::Bigint, Why::Cast);
    assert!(
        aggregate(Aggregate::CollectList, &[maybe])
            .element()
            .nullable()
    );
    assert!(
        !aggregate(Aggregate::CollectList, &[node(Sql::Bigint)])
            .element()
            .nullable()
    );
    assert!(!aggregate(Aggregate::TopK, &[maybe]).element().nullable());
    assert!(!aggregate(Aggregate::LatestN, &[maybe]).element().nullable());
    for function in [Aggregate::LatestNOrNull, Aggregate::EarliestNOrNull] {
        assert!(aggregate(function, &[maybe]).element().nullable());
        assert_eq!(function.tail(), ", false");
    }
}

#[test]
fn two_numbers_are_made_one_type() {
    let of = |one, two| parameter(Aggregate::Correlation, &[node(one), node(two)], 1);
    assert_eq!(of(Sql::Bigint, Sql::Bigint), Sql::Bigint);
    assert_eq!(of(Sql::Bigint, Sql::Integer), Sql::Double);
    assert_eq!(of(dec(9, 2), dec(9, 2)), Sql::Double);
    assert_eq!(
        parameter(Aggregate::Sum, &[node(Sql::Integer)], 0),
        Sql::Integer
    );
}

#[test]
fn a_value_seen_comes_out_of_its_column() {
    let uid = column(COLUMNS, "Order", crate::names::hash("uid"));
    for function in [Aggregate::Latest, Aggregate::Max, Aggregate::Attr] {
        assert_eq!(aggregate(function, &[uid]).origin, uid.origin);
    }
    let small = column(COLUMNS, "Order", crate::names::hash("small"));
    assert_eq!(aggregate(Aggregate::Sum, &[small]).origin, None);
}

#[test]
fn names_are_found_and_near_ones_known() {
    assert_eq!(lookup("count", 0, false), Some(Aggregate::Count));
    assert_eq!(lookup("COUNT", 1, false), Some(Aggregate::CountOf));
    assert_eq!(lookup("count", 7, false), Some(Aggregate::Count));
    assert_eq!(lookup("maximum", 1, false), None);
    assert_eq!(synonym("maximum"), Some("max"));
    let names = names();
    for aggregate in Aggregate::ALL {
        assert!(names.contains(&aggregate.name()));
        for name in aggregate.spec().names {
            assert_eq!(synonym(name), None, "{name} needs no synonym");
        }
    }
    for name in ["maximum", "corr", "set", "stddev", "variance", "top"] {
        assert!(names.contains(&synonym(name).unwrap()), "{name}");
    }
}
