//! The cases over one source that no query of ours says, with the reasons.

use ksql_runtime_tests::conformance::{Cases, assert_each_is_written, share_of_core};

/// Reasons, and the cases each is one for.
const CANNOT: &[(&str, &[&str])] = &[
    (
        "final results (`EMIT FINAL`) are not written by a query so far",
        &[
            "suppress/should drop out of order event after window end plus grace period passes",
            "suppress/should include out of order events before window end plus grace period passes",
            "suppress/should not emit before window end if no grace period given",
            "suppress/should not emit final result before window end if grace is specified as zero",
            "suppress/should support final results for hopping windows",
            "suppress/should support final results for session windows",
        ],
    ),
    (
        "a key is not the event time: a copy of it among the values can be",
        &["timestamp-extractor/source windowed key timestamp column"],
    ),
    (
        "the values are not rows of the columns: the case is about a format that ours are not written in",
        &[
            "avro/VALUE_SCHEMA_ID with compound types and optional value",
            "avro/deserialize anonymous array - value",
            "avro/deserialize anonymous array - value - non-nullable",
            "avro/deserialize anonymous map - value - with coercion - AVRO",
            "avro/deserialize anonymous primitive - value - with coercion",
            "avro/deserialize anonymous struct - value - no inference",
            "avro/serialize anonymous array - value",
            "avro/serialize anonymous primitive - value",
            "avro/serialize anonymous struct - value",
            "binary-comparison/map equality",
            "bytes/KAFKA in/out",
            "elements/validate double elements OK #2",
            "extract-json-field/array bounds",
            "formats/explicit format",
            "kafka/BIGINT",
            "kafka/Unwrapped single values",
            "partition-by/partition by struct key when original is unwrapped",
            "replace/Extract escaped JSON",
            "serdes/deserialize and serialize unwrapped struct",
        ],
    ),
    (
        "the case is about formats of keys and values, and ours are fixed",
        &[
            "elements/validate same schema schema id in csas OK - AVRO",
            "elements/validate schema id without key value elements OK - AVRO",
            "formats/override formats - create table as select",
            "formats/override key format - create table as select",
            "partition-by/stream with AVRO schema and schema id",
            "table/AVRO schema and schema id",
        ],
    ),
    (
        "a key is an INTEGER, a BIGINT or a STRING",
        &[
            "as_value/DECIMAL",
            "avro/ARRAY - key - no inference",
            "avro/DOUBLE - key - inference",
            "avro/STRUCT - key - no inference",
            "floating-point/filter by DOUBLE",
            "group-by/JSON group by array",
            "group-by/JSON group by struct convert key format",
            "group-by/Struct key used in aggregate expression",
            "group-by/multiple expressions - KAFKA to non-supported decimal key format with JSON format conversion",
            "group-by/non-KAFKA key format",
            "group-by/windowed aggregate with struct key",
            "hopping-windows/non-KAFKA key format",
            "in/boolean - valid",
            "key-schemas/explicit key field named other than KEY",
            "partition-by/multiple columns - KAFKA to non-KAFKA key format",
            "partition-by/partition by array key",
            "partition-by/partition by field within struct key don't select struct key",
            "partition-by/partition by nested struct",
            "project-filter/Filter on non-STRING key",
            "select-struct-all/key struct colum",
            "tumbling-windows/non-KAFKA key format",
        ],
    ),
    (
        "some records have a NULL key: with a key that is an `Option` it can be written, and is not yet",
        &[
            "cast/map to map with same schema",
            "cast/map<string, map<string, string>> -> map<string, map<string, int>>",
            "cast/of nulls",
            "cast/struct to struct with different schema",
            "cast/struct to struct with same schema",
            "concat/concat - bytes",
            "create-struct/basic struct creation",
            "create-struct/cast null values",
            "create-struct/empty struct creation",
            "create-struct/nested struct creation",
            "create-struct/quoted identifiers",
            "create_array/construct a list from compatible mismatching elements",
            "create_map/create map from named tuples and some null key",
            "encode/encode ascii",
            "encode/encode base64",
            "encode/encode hex",
            "math/acos edge cases",
            "math/acos regular cases",
            "math/atan",
            "math/atan2",
            "math/cosh",
            "math/radians",
            "math/sin",
            "math/tan",
            "null/coalesce",
            "null/dereference nested structs with nulls",
            "null/null if",
            "substring/do substring with bytes with just pos",
            "substring/do substring with bytes with pos and length",
        ],
    ),
    (
        "the topic of a table is compacted: no record without a key is taken into it",
        &["table/should not blow up on null key"],
    ),
    (
        "structs of different fields are neither compared nor in one array",
        &[
            "create_array/construct a list from compatible mismatching struct elements",
            "in/struct - valid",
            "in/struct - valid expression with wider type",
        ],
    ),
    (
        "the time of the server is another in each run",
        &["unix-timestamp/returns the current timestamp"],
    ),
    (
        "a text in a list of numbers is not read as one",
        &["in/decimal - valid"],
    ),
    (
        "a zone by its name changes with the years: only offsets are taken",
        &["convert-tz/convert timezones defined by name"],
    ),
    (
        "a pattern with a zone letter is refused, for the server's zone would apply without one",
        &[
            "timestamp-extractor/source key string timestamp column",
            "timestamp-extractor/source string timestamp column",
            "timestampformat/Invalid timestamp value should throw an exception",
            "timestampformat/timestamp format",
        ],
    ),
    (
        "headers are no columns of ours",
        &[
            "headers/Can create and query table with HEADERS column",
            "headers/Can infer key and value schemas",
            "headers/Can use header columns in functions",
            "headers/Can use header columns in group by clauses",
            "headers/Can use header columns in partition by clauses",
        ],
    ),
    (
        "a name that needs quotes is none in Rust",
        &[
            "elements/with invalid or reserved words in schema - JSON",
            "group-by/should handled quoted key and value",
            "quoted-identifiers/partition by quoted field",
            "quoted-identifiers/sink fields that require quotes",
            "quoted-identifiers/source names requiring quotes",
            "select-struct-all/struct fields with back quoted strings",
        ],
    ),
    (
        "an entity without a value column is refused",
        &["string-lpad-rpad/LPad with literal args"],
    ),
    (
        "what is NULL here was an empty text in CSV, which tells them not apart",
        &["string/LCASE, UCASE, TRIM SUBSTRING"],
    ),
    (
        "partitions are stated or taken from the source, never a server's default",
        &[
            "sink-partitions-replicas/Use the legacy default sink properties for the sink topic if default partitions and replicas were set",
        ],
    ),
];

#[test]
fn a_case_is_written_or_there_is_a_reason_why_not() {
    let Some(cases) = Cases::or_skip(concat!(module_path!(), "::a_case_is_written")) else {
        return;
    };
    assert_each_is_written(cases, &super::written(), CANNOT, false);
}

#[test]
fn most_of_what_comes_first_is_written() {
    let Some(cases) = Cases::or_skip(concat!(module_path!(), "::most_of_what_comes_first")) else {
        return;
    };
    let written = super::written();
    let otherwise = written
        .iter()
        .filter(|case| case.reason().is_some())
        .count();
    println!(
        "{} cases are written, {otherwise} of them say it otherwise",
        written.len()
    );
    for rank in [1, 2] {
        let (found, all) = share_of_core(cases, &written, rank, false);
        assert!(found * 5 >= all * 4, "rank {rank}: {found} of {all}");
    }
    assert!(written.len() >= 300, "{} cases are written", written.len());
}
