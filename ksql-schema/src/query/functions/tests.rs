//! Tests of this module's rules.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use super::names::{Slot, closest_names, lookup, refused, slots};
use super::*;
use crate::query::check::tests::{said, says};
use crate::query::column::column;
use crate::query::column::samples::COLUMNS;
use crate::query::compare::tests::kinds;
use crate::query::literal::{decimal, integer, null, string};
use crate::query::node::{Elem, Node, Why};
use crate::query::words::sql_text;

fn dec(precision: u32, scale: u32) -> Sql {
    Sql::Decimal { precision, scale }
}

fn list(ty: Sql) -> Sql {
    Sql::Array(Elem::new(ty, true))
}

fn map(ty: Sql) -> Sql {
    Sql::Map(Elem::new(ty, true))
}

fn nodes(types: &[Sql]) -> Vec<Node> {
    types.iter().map(|ty| Node::new(*ty, Why::Never)).collect()
}

/// Name, arguments, type, whether it may be NULL where no argument is, whether it may be where all are.
#[test]
#[rustfmt::skip]
fn each_function_gives_what_the_table_says() {
    use Sql::{Bigint, Boolean, Bytes, Date, Double, Integer, String as Text, Time, Timestamp};
    let table: Vec<(&str, Vec<Sql>, &str, bool, bool)> = vec![
        ("abs", vec![Integer], "INTEGER", false, true),
        ("abs", vec![dec(18, 4)], "DECIMAL(18, 4)", false, true),
        ("signum", vec![dec(18, 4)], "INTEGER", false, true),
        ("sqrt", vec![Integer], "DOUBLE", false, true),
        ("exp", vec![Bigint], "DOUBLE", false, true),
        ("ln", vec![Double], "DOUBLE", false, true),
        ("log", vec![Double, Integer], "DOUBLE", false, true),
        ("powi", vec![Integer, Integer], "DOUBLE", false, true),
        ("ceil", vec![dec(9, 2)], "DECIMAL(9, 2)", false, true),
        ("floor", vec![Double], "DOUBLE", false, true),
        ("round", vec![Double], "BIGINT", false, true),
        ("round", vec![Integer], "BIGINT", false, true),
        ("round", vec![dec(9, 2)], "DECIMAL(7, 0)", false, true),
        ("round", vec![dec(9, 2), Integer], "DECIMAL(9, 2)", false, true),
        ("round", vec![Double, Integer], "DOUBLE", false, true),
        ("trunc", vec![Double], "BIGINT", false, true),
        ("trunc", vec![dec(9, 2), Integer], "DECIMAL(9, 2)", false, true),
        ("max", vec![Integer, Bigint], "BIGINT", false, true),
        ("max", vec![Integer, dec(9, 2)], "DECIMAL(12, 2)", false, true),
        ("min", vec![dec(9, 2), Double], "DOUBLE", false, true),
        ("min", vec![Date, Date, Date], "DATE", false, true),
        ("cbrt", vec![Double], "DOUBLE", false, true),
        ("sin", vec![Integer], "DOUBLE", false, true),
        ("cos", vec![Bigint], "DOUBLE", false, true),
        ("tan", vec![Double], "DOUBLE", false, true),
        ("cot", vec![Double], "DOUBLE", false, true),
        ("asin", vec![Double], "DOUBLE", false, true),
        ("acos", vec![Double], "DOUBLE", false, true),
        ("atan", vec![Double], "DOUBLE", false, true),
        ("sinh", vec![Double], "DOUBLE", false, true),
        ("cosh", vec![Double], "DOUBLE", false, true),
        ("tanh", vec![Double], "DOUBLE", false, true),
        ("to_degrees", vec![Double], "DOUBLE", false, true),
        ("radians", vec![Double], "DOUBLE", false, true),
        ("atan2", vec![Double, Integer], "DOUBLE", false, true),
        ("generate_series", vec![Integer, Integer], "ARRAY<INTEGER>", true, true),
        ("generate_series", vec![Bigint, Bigint, Integer], "ARRAY<BIGINT>", true, true),
        ("unwrap_or", vec![Text, Text], "STRING", false, true),
        ("coalesce", vec![Bigint, Bigint, Bigint], "BIGINT", false, true),
        ("ifnull", vec![Bytes, Bytes], "BYTES", false, true),
        ("nullif", vec![Bigint, Bigint], "BIGINT", true, true),
        ("is_none", vec![Bytes], "BOOLEAN", false, false),
        ("is_some", vec![list(Text)], "BOOLEAN", false, false),
        ("as_value", vec![Bigint], "BIGINT", false, true),
        ("concat", vec![Text, Text, Text], "STRING", false, false),
        ("concat_ws", vec![Text, Text, Text, Text], "STRING", false, true),
        ("len", vec![Text], "INTEGER", false, true),
        ("len", vec![Bytes], "INTEGER", false, true),
        ("len", vec![list(Text)], "INTEGER", false, true),
        ("is_empty", vec![Text], "BOOLEAN", false, false),
        ("substring", vec![Text, Integer], "STRING", false, true),
        ("substring", vec![Text, Integer, Integer], "STRING", false, true),
        ("to_uppercase", vec![Text], "STRING", false, true),
        ("lcase", vec![Text], "STRING", false, true),
        ("initcap", vec![Text], "STRING", false, true),
        ("trim", vec![Text], "STRING", false, true),
        ("replace", vec![Text, Text, Text], "STRING", false, true),
        ("instr", vec![Text, Text], "INTEGER", false, false),
        ("instr", vec![Text, Text, Integer, Integer], "INTEGER", false, false),
        ("starts_with", vec![Text, Text], "BOOLEAN", false, false),
        ("ends_with", vec![Text, Text], "BOOLEAN", false, true),
        ("contains", vec![Text, Text], "BOOLEAN", false, false),
        ("contains", vec![list(Bigint), Bigint], "BOOLEAN", false, false),
        ("lpad", vec![Text, Integer, Text], "STRING", true, true),
        ("pad_end", vec![Text, Integer, Text], "STRING", true, true),
        ("split", vec![Text, Text], "ARRAY<STRING>", false, true),
        ("regexp_extract", vec![Text, Text], "STRING", true, true),
        ("regexp_extract", vec![Text, Text, Integer], "STRING", true, true),
        ("mask", vec![Text], "STRING", false, true),
        ("to_bytes", vec![Text, Text], "BYTES", true, true),
        ("from_bytes", vec![Bytes, Text], "STRING", true, true),
        ("concat", vec![Bytes, Bytes], "BYTES", false, false),
        ("substring", vec![Bytes, Integer], "BYTES", false, true),
        ("lpad", vec![Bytes, Integer, Bytes], "BYTES", true, true),
        ("split", vec![Bytes, Bytes], "ARRAY<BYTES>", false, true),
        ("encode", vec![Text, Text, Text], "STRING", true, true),
        ("int_from_bytes", vec![Bytes], "INTEGER", true, true),
        ("bigint_from_bytes", vec![Bytes, Text], "BIGINT", true, true),
        ("double_from_bytes", vec![Bytes], "DOUBLE", true, true),
        ("chr", vec![Integer], "STRING", true, true),
        ("chr", vec![Text], "STRING", true, true),
        ("elt", vec![Integer, Text, Text], "STRING", true, true),
        ("field", vec![Text, Text, Text], "INTEGER", false, false),
        ("md5", vec![Text], "STRING", false, true),
        ("array_concat", vec![list(Text), list(Text)], "ARRAY<STRING>", false, true),
        ("union", vec![list(Date), list(Date)], "ARRAY<DATE>", false, true),
        ("intersect", vec![list(Date), list(Date)], "ARRAY<DATE>", false, true),
        ("except", vec![list(Date), list(Date)], "ARRAY<DATE>", false, true),
        ("remove", vec![list(list(Text)), list(Text)], "ARRAY<ARRAY<STRING>>", false, true),
        ("array_sort", vec![list(Integer)], "ARRAY<INTEGER>", false, true),
        ("sort", vec![list(Integer), Text], "ARRAY<INTEGER>", true, true),
        ("map_union", vec![map(Date), map(Date)], "MAP<STRING, DATE>", false, true),
        ("entries", vec![map(Bigint), Boolean], "ARRAY<STRUCT<`K` STRING, `V` BIGINT>>", false, true),
        ("unix_date", vec![Date], "INTEGER", false, true),
        ("from_days", vec![Integer], "DATE", false, true),
        ("array_max", vec![list(dec(9, 2))], "DECIMAL(9, 2)", true, true),
        ("array_min", vec![list(Text)], "STRING", true, true),
        ("distinct", vec![list(Date)], "ARRAY<DATE>", false, true),
        ("join", vec![list(Integer)], "STRING", false, true),
        ("join", vec![list(Integer), Text], "STRING", false, true),
        ("slice", vec![list(Text), Integer, Integer], "ARRAY<STRING>", true, true),
        ("keys", vec![map(Bigint)], "ARRAY<STRING>", false, true),
        ("values", vec![map(Bigint)], "ARRAY<BIGINT>", false, true),
        ("as_map", vec![list(Text), list(Date)], "MAP<STRING, DATE>", false, true),
        ("unix_timestamp", vec![Timestamp], "BIGINT", false, true),
        ("from_unixtime", vec![Bigint], "TIMESTAMP", false, true),
        ("format_timestamp", vec![Timestamp, Text], "STRING", true, true),
        ("format_timestamp", vec![Timestamp, Text, Text], "STRING", true, true),
        ("format_date", vec![Date, Text], "STRING", true, true),
        ("format_time", vec![Time, Text], "STRING", true, true),
        ("format", vec![Time, Text], "STRING", true, true),
        ("parse_timestamp", vec![Text, Text, Text], "TIMESTAMP", true, true),
        ("parse_date", vec![Text, Text], "DATE", true, true),
        ("parse_time", vec![Text, Text], "TIME", true, true),
        ("timestamp_add", vec![Timestamp, Integer], "TIMESTAMP", false, true),
        ("timestampsub", vec![Timestamp, Integer], "TIMESTAMP", false, true),
        ("date_add", vec![Date, Integer], "DATE", false, true),
        ("datesub", vec![Date, Integer], "DATE", false, true),
        ("time_add", vec![Time, Integer], "TIME", false, true),
        ("timesub", vec![Time, Integer], "TIME", false, true),
        ("convert_tz", vec![Timestamp, Text, Text], "TIMESTAMP", true, true),
        ("year", vec![Date], "INTEGER", false, true),
        ("month", vec![Timestamp], "INTEGER", false, true),
        ("day", vec![Date], "INTEGER", false, true),
        ("hour", vec![Time], "INTEGER", false, true),
        ("minute", vec![Timestamp], "INTEGER", false, true),
        ("second", vec![Time], "INTEGER", false, true),
        ("extractjsonfield", vec![Text, Text], "STRING", true, true),
        ("to_json_string", vec![Boolean], "STRING", false, false),
        ("is_json_string", vec![Text], "BOOLEAN", false, false),
    ];
    let mut seen = Vec::new();
    for (name, types, ty, alone, with_null) in table {
        let function = lookup(name, types.len()).unwrap_or_else(|| panic!("{name}"));
        seen.push(function);
        let node = call(function, &nodes(&types));
        assert_eq!(sql_text(node.ty), ty, "{name} {types:?}");
        assert_eq!(node.nullable(), alone, "{name} {types:?}");
        let null: Vec<_> = types.iter().map(|ty| Node::new(*ty, Why::Column("Order", "x"))).collect();
        let node = call(function, &null);
        assert_eq!(node.nullable(), with_null, "{name} of NULLs");
        if with_null {
            assert_eq!(node.why, Why::Column("Order", "x"), "the first reason stands");
        }
        // What fails fails the call, which an outer function may catch.
        let failing: Vec<_> = null.iter().map(|node| node.failing()).collect();
        assert!(call(function, &failing).fails, "{name} of what fails");
        assert_eq!(said(|| check_all(function, &nodes(&types))), None);
    }
    for function in Function::ALL {
        assert!(seen.contains(function), "{function:?} is not in the table");
    }
}

/// What the macro writes of a call: the whole, then each argument in its place.
#[track_caller]
fn check_all(function: Function, arguments: &[Node]) {
    check_function(function, arguments);
    for index in 1..arguments.len() {
        check_argument(function, arguments, index);
    }
}

#[test]
fn an_argument_of_the_wrong_type_is_said_of_it_alone() {
    let concat = lookup("concat", 3).unwrap();
    let arguments = nodes(&[Sql::String, Sql::Bigint, Sql::String]);
    assert_eq!(said(|| check_function(concat, &arguments)), None);
    assert_eq!(said(|| check_argument(concat, &arguments, 2)), None);
    assert!(said(|| check_argument(concat, &arguments, 1)).is_some());
    // Of a receiver nothing is looked for in, it is the receiver that is wrong.
    let contains = lookup("contains", 2).unwrap();
    let arguments = nodes(&[Sql::Bigint, Sql::Bigint]);
    assert!(said(|| check_function(contains, &arguments)).is_some());
    assert_eq!(said(|| check_argument(contains, &arguments, 1)), None);
}

#[test]
fn what_is_of_the_wrong_type_is_poison_and_said() {
    for function in Function::ALL {
        let required = function.spec().required;
        for ty in kinds() {
            let arguments = nodes(&vec![ty; required]);
            let poison = call(*function, &arguments).is_unknown();
            let text = said(|| check_all(*function, &arguments));
            assert_eq!(text.is_some(), poison, "{function:?} {ty:?}");
        }
        let unknown = vec![Node::UNKNOWN; required];
        assert!(call(*function, &unknown).is_unknown());
        assert_eq!(said(|| check_all(*function, &unknown)), None);
        assert!(call(*function, &[]).is_unknown());
    }
}

#[test]
fn messages_say_what_it_takes() {
    let table: [(&str, Vec<Node>, &str); 12] = [
        (
            "abs",
            nodes(&[Sql::String]),
            "`abs` takes a number, not STRING",
        ),
        (
            "ucase",
            nodes(&[Sql::Bigint]),
            "`to_uppercase` takes a STRING, not BIGINT: write `.to_string()`",
        ),
        (
            "trim",
            nodes(&[Sql::Bytes]),
            "`trim` takes a STRING, not BYTES: write `.from_bytes(\"utf8\")`",
        ),
        (
            "substring",
            nodes(&[Sql::String, Sql::Bigint]),
            "argument 1 of `substring` must be an INTEGER, not BIGINT: write `as i32`",
        ),
        (
            "round",
            nodes(&[Sql::Integer, Sql::Integer]),
            "`round` takes a DOUBLE or a DECIMAL, not INTEGER: write `as f64`",
        ),
        (
            "round",
            nodes(&[dec(4, 4)]),
            "`round` of DECIMAL(4, 4) has no digit to hold: say how many stay, for example `.round(2)`",
        ),
        (
            "unwrap_or",
            nodes(&[Sql::Integer, Sql::Bigint]),
            "`unwrap_or` needs one SQL type, not INTEGER and BIGINT: ksqlDB widens nothing here; write `as i64`",
        ),
        (
            "max",
            nodes(&[Sql::String, Sql::Date]),
            "`max` needs one SQL type, not STRING and DATE: ksqlDB widens nothing here; write `.to_string()` on the other one",
        ),
        (
            "max",
            nodes(&[Sql::Boolean, Sql::Boolean]),
            "`max` takes numbers, texts or times, not BOOLEAN",
        ),
        (
            "or",
            vec![null(), null()],
            "`unwrap_or` of nothing but `None` has no type: write `None` in its place",
        ),
        (
            "abs",
            vec![null()],
            "`abs` takes a number, not NULL: a `None` makes the whole NULL, write `None` in its place",
        ),
        (
            "date_add",
            nodes(&[Sql::Date, Sql::Date]),
            "argument 2 of `date_add` must be an INTEGER, not DATE",
        ),
    ];
    for (name, arguments, text) in table {
        let function = lookup(name, arguments.len()).unwrap();
        says(text, || check_all(function, &arguments));
    }
}

#[test]
fn one_null_less_is_none_and_a_literal_takes_the_type() {
    let maybe = Node::new(Sql::Bigint, Why::Column("Order", "n"));
    let filled = call(Function::Coalesce, &[maybe, integer(0)]);
    assert_eq!(filled, Node::new(Sql::Bigint, Why::Never));
    let arguments = [maybe, integer(0)];
    assert_eq!(parameter(Function::Coalesce, &arguments, 1), Sql::Bigint);
    assert_eq!(parameter(Function::Coalesce, &arguments, 2), Sql::Unknown);
    let price = Node::new(dec(18, 4), Why::Cast);
    assert_eq!(
        call(Function::Coalesce, &[price, decimal("1.50")]).ty,
        dec(18, 4)
    );
    // ksqlDB finds no GREATEST for INTEGER beside BIGINT: each is converted.
    let mixed = nodes(&[Sql::Integer, Sql::Bigint, dec(9, 2)]);
    for index in 0..3 {
        assert_eq!(parameter(Function::Greatest, &mixed, index), dec(21, 2));
    }
    let power = nodes(&[Sql::Integer, Sql::Bigint]);
    assert_eq!(parameter(Function::Power, &power, 0), Sql::Double);
    let power = nodes(&[Sql::Bigint, Sql::Bigint]);
    assert_eq!(parameter(Function::Power, &power, 1), Sql::Bigint);
    let holds = [Node::new(list(Sql::Bigint), Why::Never), integer(5)];
    assert_eq!(parameter(Function::Contains, &holds, 1), Sql::Bigint);
    assert!(!call(Function::Contains, &holds).is_unknown());
}

#[test]
fn what_comes_out_of_a_column_unchanged_still_does() {
    let uid = column(COLUMNS, "Order", crate::names::hash("uid"));
    assert_eq!(call(Function::AsValue, &[uid]).origin, uid.origin);
    assert_eq!(call(Function::Coalesce, &[uid, uid]).origin, uid.origin);
    assert_eq!(call(Function::Coalesce, &[uid, string()]).origin, None);
    assert_eq!(call(Function::Ucase, &[uid]).origin, None);
    let small = column(COLUMNS, "Order", crate::names::hash("small"));
    assert_eq!(call(Function::Abs, &[small]).origin, None);
}

#[test]
fn a_literal_pattern_cannot_fail() {
    let at = Node::new(Sql::Timestamp, Why::Never);
    assert!(!call(Function::FormatTimestamp, &[at, string()]).nullable());
    assert!(call(Function::ParseTimestamp, &[string(), string()]).nullable());
}

#[test]
fn elements_are_null_out_of_range() {
    let array = Node::new(Sql::Array(Elem::new(Sql::Date, false)), Why::Never);
    let map = Node::new(Sql::Map(Elem::new(Sql::Date, false)), Why::Never);
    let expected = Node::new(Sql::Date, Why::Element);
    assert_eq!(element(array, integer(1)), expected);
    assert_eq!(entry(map, string()), expected);
    assert!(element(array, string()).is_unknown());
    assert!(entry(map, integer(1)).is_unknown());
    assert!(element(map, integer(1)).is_unknown());
}

#[test]
fn names_are_found_in_any_case_and_ambiguous_ones_by_their_arguments() {
    assert_eq!(lookup("UCASE", 1), Some(Function::Ucase));
    assert_eq!(lookup("to_uppercase", 1), Some(Function::Ucase));
    assert_eq!(lookup("round", 1), Some(Function::Round));
    assert_eq!(lookup("round", 2), Some(Function::RoundTo));
    assert_eq!(lookup("round", 9), Some(Function::Round));
    assert_eq!(lookup("array_length", 1), Some(Function::Len));
    assert_eq!(lookup("to_uppercas", 1), None);
    assert_eq!(lookup("", 1), None);
    for name in closest_names() {
        assert_eq!(refused(name), None, "{name} is known and refused");
    }
    assert!(refused("UPPER").is_some());
    for function in Function::ALL {
        let spec = function.spec();
        for name in spec.names {
            let found = lookup(name, spec.required).unwrap();
            assert_eq!(found, *function, "{name}");
        }
        assert!(spec.meaning.ends_with('.'));
    }
}

/// A call as the macro would write it, of arguments `a`, `b`, ...
fn written(function: Function, first: Sql, count: usize) -> String {
    let argument = |at: usize| char::from(b'a' + u8::try_from(at).unwrap()).to_string();
    let mut text = String::new();
    for slot in slots(function) {
        match slot {
            Slot::Text(part) => text.push_str(part),
            Slot::Argument(at) => text.push_str(&argument(at)),
            Slot::Rest(from) => (from..count).for_each(|at| {
                text.push_str(", ");
                text.push_str(&argument(at));
            }),
            Slot::Name => text.push_str(ksql_name(function, first)),
            Slot::Tail => text.push_str(ksql_tail(function, first)),
            Slot::Unit => text.push_str("HOURS"),
        }
    }
    text
}

#[test]
fn calls_are_written_as_ksqldb_has_them() {
    let array = list(Sql::String);
    let table = [
        (Function::Abs, Sql::Integer, 1, "ABS(a)"),
        (Function::Concat, Sql::String, 3, "CONCAT(a, b, c)"),
        (Function::Log, Sql::Double, 2, "LOG(b, a)"),
        (Function::IsNull, Sql::String, 1, "(a IS NULL)"),
        (Function::Len, Sql::String, 1, "LEN(a)"),
        (Function::Len, array, 1, "ARRAY_LENGTH(a)"),
        (Function::IsEmpty, array, 1, "(ARRAY_LENGTH(a) = 0)"),
        (Function::StartsWith, Sql::String, 2, "(INSTR(a, b) = 1)"),
        (
            Function::EndsWith,
            Sql::String,
            2,
            "(SUBSTRING(a, (LEN(a) - LEN(b)) + 1) = b)",
        ),
        (Function::Contains, Sql::String, 2, "(INSTR(a, b) > 0)"),
        (Function::Contains, array, 2, "(ARRAY_CONTAINS(a, b))"),
        (
            Function::RegexpExtract,
            Sql::String,
            2,
            "REGEXP_EXTRACT(b, a)",
        ),
        (
            Function::RegexpExtract,
            Sql::String,
            3,
            "REGEXP_EXTRACT(b, a, c)",
        ),
        (
            Function::TimestampAdd,
            Sql::Timestamp,
            2,
            "TIMESTAMPADD(HOURS, b, a)",
        ),
        (Function::Format, Sql::Date, 2, "FORMAT_DATE(a, b)"),
        (
            Function::Hour,
            Sql::Time,
            1,
            "CAST(FORMAT_TIME(a, 'HH') AS INTEGER)",
        ),
        (
            Function::Year,
            Sql::Date,
            1,
            "CAST(FORMAT_TIMESTAMP(CAST(a AS TIMESTAMP), 'yyyy') AS INTEGER)",
        ),
    ];
    for (function, first, count, text) in table {
        assert_eq!(written(function, first, count), text);
    }
    for function in Function::ALL {
        let text = written(*function, Sql::String, function.spec().required);
        assert!(!text.contains(['{', '}']), "{text}");
        assert_eq!(
            text.matches('(').count(),
            text.matches(')').count(),
            "{text}"
        );
        assert_eq!(function.takes_unit(), text.contains("HOURS"), "{text}");
    }
}
