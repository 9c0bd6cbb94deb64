//! The statements over one source that ksqlDB refuses, and where ours are refused: by the compiler, by the check of a model, by
//! the running query, or because nothing can be written that would say them.

use Refused::{Model, Run, Ui, Unsayable};
use ksql_runtime_tests::conformance::{Refused, assert_places, assert_refused};

/// Where, and the cases that are refused there.
const REFUSED: &[(Refused, &[&str])] = &[
    (
        Unsayable("formats of keys and values are ours, and their properties are written by us"),
        &[
            "avro/full schema name used with non-Avro format",
            "elements/validate multiple value elements in C*AS FAILS - KAFKA",
            "formats/explicit key format and format",
            "formats/invalid format - create source",
            "formats/invalid key format - create source",
            "formats/missing value format",
            "group-by/JSON format to KAFKA key format with unsupported multiple column",
            "kafka/ARRAY - C* - value",
            "kafka/MAP - C*AS - value",
            "kafka/Wrapped single values",
            "none/as key format of table",
            "none/explicitly set in CSAS with key",
            "none/explicitly set in CTAS",
            "serdes/C* should throw for multi-field schema if WRAP_SINGLE_VALUE=false",
            "serdes/C*AS should throw for multi-field schema if WRAP_SINGLE_VALUE=false",
        ],
    ),
    (
        Ui("entity/p13_record_name"),
        &["avro/empty full schema name"],
    ),
    (Ui("query/p55_insert_into_a_table"), &["insert-into/table"]),
    (
        Ui("types/p06_key_of_bool"),
        &["formats/override key format - with unsupported type"],
    ),
    (Ui("types/p06_key_of_array"), &["kafka/ARRAY - C* - key"]),
    (
        Ui("types/p07_key_of_map"),
        &[
            "kafka/MAP - C* - key",
            "key-schemas/create table as explicit unsupported KEY type",
        ],
    ),
    (
        Ui("query/key_of_a_decimal"),
        &["group-by/multiple expressions - KAFKA to non-supported decimal key format"],
    ),
    (
        Ui("query/key_of_a_collection"),
        &[
            "avro/nested MAP type - key - C*AS",
            "kafka/ARRAY - C*AS - key",
            "kafka/MAP - C*AS - key",
            "partition-by/partition by map key",
            "partition-by/partition by nested map key",
        ],
    ),
    (
        Ui("query/struct_with_a_rest"),
        &["create-struct/duplicate fields"],
    ),
    (
        Ui("query/collection_of_nothing"),
        &["create_array/construct a list from no elements"],
    ),
    (
        Ui("query/elements_of_two_types"),
        &["create_map/create map from named tuples incompatible mismatching types"],
    ),
    (
        Ui("query/made_values_of_other_types"),
        &[
            "create_map/create map from named tuples and all null key",
            "in/array - invalid: constructor with non-literal of wrong type",
            "in/map - invalid: constructor with non-literal of wrong value type",
            "in/struct - invalid: constructor with non-literal of wrong type",
        ],
    ),
    (
        Ui("query/p45_order_of_collections"),
        &[
            "binary-comparison/array comparison fails",
            "binary-comparison/map comparison fails",
            "binary-comparison/struct comparison fails",
            "comparison-expression/invalid where predicate - illegal expression",
        ],
    ),
    (
        Ui("query/p45_text_with_number"),
        &[
            "comparison-expression/invalid having predicate - type mismatch",
            "comparison-expression/invalid having predicate - type mismatch complex expression",
        ],
    ),
    (
        Ui("query/p45_lists_of_other_types"),
        &[
            "in/array - invalid: non-array expression",
            "in/bigint - invalid: non-numeric expression",
            "in/bigint - invalid: non-numeric string literal",
            "in/bigint - invalid: other literal",
            "in/boolean - invalid: non-boolean string literal",
            "in/boolean - invalid: non-literal",
            "in/boolean - invalid: other literal",
            "in/decimal - invalid: non-numeric string literal",
            "in/decimal - invalid: other literal",
            "in/double - invalid: non-numeric expression",
            "in/double - invalid: non-numeric string literal",
            "in/double - invalid: other literal",
            "in/int - invalid: other literal",
            "in/string - invalid: unsupported expression",
            "in/struct - invalid: non-struct expression",
        ],
    ),
    (Ui("query/empty_list"), &["in/empty"]),
    (
        Ui("query/p46_nothing_but_null"),
        &[
            "case-expression/searched case returning null in all branch",
            "least/test all null input",
            "null/null as column",
            "partition-by/multiple columns including null",
        ],
    ),
    (
        Ui("query/cast_to_no_type"),
        &["cast/non-map to map", "cast/to null"],
    ),
    (
        Ui("query/unit_of_time"),
        &[
            "dateadd/throws on incorrect type",
            "timeadd/throws on incorrect type",
            "timesub/throws on incorrect type",
        ],
    ),
    (
        Ui("query/number_beyond_its_type"),
        &[
            "literals/BIGINT literal negative overflow",
            "literals/BIGINT literal positive overflow",
            "literals/DOUBLE literal negative overflow",
            "literals/DOUBLE literal positive overflow",
        ],
    ),
    (
        Unsayable("the conversion that ksqlDB misses is written by us"),
        &[
            "greatest/test implicit casting to decimal",
            "greatest/test implicit casting to long",
            "least/test implicit casting to decimal",
        ],
    ),
    (
        Ui("query/function_of_two_types"),
        &[
            "greatest/test no parameters",
            "least/test trying to call LEAST(*)",
            "least/test trying to compare numeric and string",
        ],
    ),
    (
        Ui("query/unknown_column"),
        &["select/unknown aliased column", "select/unknown column"],
    ),
    (
        Ui("query/unknown_name"),
        &["elements/non-join select star with unknown qualifier"],
    ),
    (
        Ui("query/kept_keys"),
        &[
            "multi-col-keys/select only single key col",
            "project-filter/key in projection more than once",
            "project-filter/projection with missing key column - with value column with same name",
            "project-filter/projection with missing multi-key column",
            "select/key missing from projection -- old planner",
        ],
    ),
    (
        Ui("query/p52_partition_by"),
        &[
            "partition-by/expression - missing key from projection - with value column of same name",
            "partition-by/key in projection more than once",
            "partition-by/multiple columns - missing key from projection",
        ],
    ),
    (
        Ui("query/p34_key_missing"),
        &["group-by/single expression - key missing from projection"],
    ),
    (
        Ui("query/p34_key_twice"),
        &["group-by/single expression - key in projection more than once"],
    ),
    (
        Ui("query/p37_same_key_twice"),
        &["group-by/duplicate expressions"],
    ),
    (
        Ui("query/p38_ungrouped_column"),
        &[
            "group-by/map used in non-aggregate function in select when group by uses subscript",
            "group-by/string concat with separate fields in projection (stream->table)",
            "group-by/with aggregate arithmetic involving source field not in group by (table->table)",
            "group-by/with non-aggregate projection field not in group by (stream->table)",
            "group-by/with non-aggregate projection field not in group by (table->table)",
        ],
    ),
    (
        Unsayable("what is grouped by is written once, and taken by `g.key()`"),
        &[
            "group-by/arithmetic binary expression with projection out-of-order & non-commutative group by (table->table)",
            "group-by/function with select field that is a subset of group by (stream->table)",
            "group-by/function with select field that is a superset of group by (stream->table)",
            "group-by/function with select field that is a superset of group by (table->table)",
            "group-by/string concat using + op with projection field in wrong order (stream->table)",
        ],
    ),
    (
        Ui("query/p39_aggregate_in_a_group"),
        &[
            "group-by/aggregate function (stream->table)",
            "group-by/aggregate function nested in arithmetic (stream->table)",
            "window-bounds/windowed group by -  only window bounds in GROUP BY",
            "window-bounds/windowed group by -  only window bounds in GROUP BY only column",
        ],
    ),
    (
        Ui("query/p39_aggregate_in_a_filter"),
        &["window-bounds/windowed group by - aggregate window bounds in WHERE"],
    ),
    (
        Ui("query/p39_aggregate_in_an_aggregate"),
        &["group-by/UDAF nested in UDAF in select expression (stream->table)"],
    ),
    (
        Ui("query/steps_behind_a_grouping"),
        &["group-by/without group-by (stream->table)"],
    ),
    (
        Ui("query/p40_not_undoable"),
        &["group-by/non-table udaf on table"],
    ),
    (
        Ui("entity/p05_only_keys"),
        &["group-by/all columns - repartition (stream->table)"],
    ),
    (
        Ui("entity/p11_rowtime"),
        &["system-columns/should fail if ROWTIME used as column name"],
    ),
    (
        Ui("entity/p11_rowpartition"),
        &[
            "row-offset-and-partition/create ROWOFFSET and ROWPARTITION source user columns as STRINGs",
        ],
    ),
    (
        Ui("entity/p11_rowoffset"),
        &["row-offset-and-partition/Should fail if select ROWOFFSET without aliases"],
    ),
    (
        Ui("entity/p11_windowend"),
        &[
            "elements/non-join should reject WINDOWEND in projection",
            "system-columns/should fail if WINDOWEND used as column name",
        ],
    ),
    (
        Ui("attributes/p08_timestamp_on_bool"),
        &["timestampformat/timestamp column with invalid data type should throw exception"],
    ),
    (
        Unsayable("the timestamp column is the field that `#[timestamp]` stands on"),
        &["timestampformat/timestamp with column that does not exist should throw exception"],
    ),
    (
        Ui("windows/p59_unknown_unit"),
        &["hopping-windows/import table with invalid window size"],
    ),
    (
        Model("K0604"),
        &["windowed-source/Should fail querying windowed table"],
    ),
    (
        Unsayable("final results (`EMIT FINAL`) are not written by a query so far"),
        &[
            "suppress/should throw if no group by for aggregation",
            "suppress/should throw on non windowed tables",
        ],
    ),
    (
        Unsayable("what a query adds to is an entity, and there with the query"),
        &["insert-into/unknown"],
    ),
    (
        Unsayable("headers are no columns of ours"),
        &[
            "headers/should reject HEADERS column with incorrect type",
            "headers/should reject INSERT VALUES statements if inserting into a HEADERS column (all columns)",
            "headers/should reject INSERT VALUES statements if inserting into a HEADERS column (one column)",
        ],
    ),
    (
        Unsayable("statements are written by us, and these are none of them"),
        &[
            "drop_source/drop a non-existing stream should fail",
            "elements/table with key column",
            "key-schemas/fail on BIGINT with parameter",
            "key-schemas/fail on BOOLEAN with parameter",
            "key-schemas/fail on INT with parameter",
            "key-schemas/fail on STRING with parameter",
            "key-schemas/fail on VARCHAR with parameter",
            "key-schemas/fail on VARCHAR(STRING) with parameter",
            "null/NULL element type",
            "null/NULL value type",
            "source-stream/rejects DROP ... DELETE TOPIC statements for source streams",
            "source-table/rejects INSERT VALUES statements for source streams",
        ],
    ),
    (
        Run(
            "query_limits",
            "a_sum_too_large_stops_the_query_at_its_record",
        ),
        &["sum/sum decimal should overflow with cast to lower precision"],
    ),
];

#[test]
fn each_refused_statement_is_refused_in_one_place_or_cannot_be_said() {
    let test = concat!(module_path!(), "::each_refused_statement");
    assert_refused(test, REFUSED, false, 94);
}

#[test]
fn the_places_where_something_is_refused_are_there() {
    assert_places(REFUSED);
}
