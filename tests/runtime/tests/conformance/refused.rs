//! The statements over one source that ksqlDB refuses, and where ours are refused: by the compiler, by the running query, or because
//! nothing can be written that would say them.
//!
//! Of each it is said what of the statement ksqlDB refuses, what says the same here, and what is told of it: a place that refuses
//! something else, or with another text, is found out.

use Place::{Test, Ui};
use ksql_runtime_tests::conformance::{Place, Refusal, assert_places, assert_refused};
use ksql_runtime_tests::refusals;

/// Where, and what is refused there.
const REFUSED: &[(Place, &[Refusal])] = refusals! {
    Ui("entity/p13_record_name") => {
        "avro/empty full schema name": "VALUE_AVRO_SCHEMA_FULL_NAME=' '" => "name = \" \"", "Avro cannot hold the record name ` `";
    }
    Ui("query/p55_insert_into_a_table") => {
        "insert-into/table": "INSERT INTO OUTPUT SELECT" => "#[query(insert)]", "adds records to a stream, and this one makes a table";
    }
    Ui("types/p06_key_of_bool") => {
        "formats/override key format - with unsupported type": "K BOOLEAN KEY" => "id: bool", "`bool` cannot be a key column";
    }
    Ui("types/p06_key_of_array") => {
        "kafka/ARRAY - C* - key": "K ARRAY<INT> KEY" => "id: Vec<String>", "an array cannot be a key column";
    }
    Ui("types/p07_key_of_map") => {
        "kafka/MAP - C* - key": "K MAP<INT, DOUBLE> KEY" => "id: BTreeMap<String, i64>", "a key cannot contain a map";
    }
    Ui("query/key_of_a_decimal") => {
        "group-by/multiple expressions - KAFKA to non-supported decimal key format": "GROUP BY f2"
            => ".group_by(|o| o.amount)", "`group_by` cannot take DECIMAL(18, 4)";
    }
    Ui("query/key_of_a_collection") => {
        "avro/nested MAP type - key - C*AS": "PARTITION BY STRUCT(f := MAP(k:=v))"
            => ".partition_by(|o| Held { f: HashMap::from([(o.product, o.id)]) })", "`partition_by` cannot take STRUCT<`F` MAP<STRING, BIGINT>>";
        "kafka/ARRAY - C*AS - key": "PARTITION BY ARRAY[v]" => ".partition_by(|o| [o.id])", "`partition_by` cannot take ARRAY<BIGINT>";
        "kafka/MAP - C*AS - key": "PARTITION BY MAP(k:=v)"
            => ".partition_by(|o| HashMap::from([(o.product, o.id)]))", "`partition_by` cannot take MAP<STRING, BIGINT>";
        "key-schemas/create table as explicit unsupported KEY type": "GROUP BY ID"
            => ".group_by(|o| o.labels)", "`group_by` cannot take MAP<STRING, BIGINT>";
        "partition-by/partition by map key": "partition by VAL" => ".partition_by(|o| o.labels)", "`partition_by` cannot take MAP<STRING, BIGINT>";
        "partition-by/partition by nested map key": "partition by VAL"
            => ".partition_by(|h| h.val)", "`partition_by` cannot take STRUCT<`F` MAP<STRING, BIGINT>>";
    }
    Ui("query/struct_with_a_rest") => {
        "create-struct/duplicate fields": "STRUCT(foo := col1, foo := col1)"
            => "city: o.product, city: o.product", "the field `city` stands here twice";
    }
    Ui("query/collection_of_nothing") => {
        "create_array/construct a list from no elements": "ARRAY[]" => "[].len()", "an array of no elements has no type in KSQL";
    }
    Ui("query/elements_of_two_types") => {
        "create_map/create map from named tuples incompatible mismatching types": "MAP(k1:=v1, k2:='hello')"
            => "HashMap::from([(\"id\", o.id), (\"paid\", \"hello\")])", "the values of a map need one SQL type, not BIGINT and STRING";
    }
    Ui("query/made_values_of_other_types") => {
        "create_map/create map from named tuples and all null key": "MAP(null:=v1)"
            => "HashMap::from([(None, o.id)])", "the keys of a map are STRING, not NULL";
        "in/array - invalid: constructor with non-literal of wrong type": "VAL0 IN (VAL0, ARRAY[VAL1])"
            => "[o.tags, [o.paid]].contains(&o.tags)", "this list holds ARRAY<BOOLEAN>";
        "in/map - invalid: constructor with non-literal of wrong value type": "VAL0 IN (VAL0, MAP('a' := VAL1))"
            => "[o.labels, HashMap::from([(\"a\", o.paid)])].contains(&o.labels)", "this list holds MAP<STRING, BOOLEAN>";
        "in/struct - invalid: constructor with non-literal of wrong type": "VAL0 IN (VAL0, STRUCT(F0 := VAL1))"
            => "[Address { city: o.product }, Place { city: o.id }].contains(&o.to)", "this list holds STRUCT<`CITY` BIGINT>";
    }
    Ui("query/p45_order_of_collections") => {
        "binary-comparison/array comparison fails": "B < C" => "o.tags < o.tags", "`<` needs an order, which ARRAY<STRING> has not";
        "binary-comparison/map comparison fails": "B > C" => "o.labels > o.labels", "`>` needs an order, which MAP<STRING, BIGINT> has not";
        "binary-comparison/struct comparison fails": "B < C" => "o.to <= o.to", "`<=` needs an order, which STRUCT<`CITY` STRING> has not";
        "comparison-expression/invalid where predicate - illegal expression": "WHERE TRUE + 1.5"
            => "true + 1.5", "`+` is for numbers, not for BOOLEAN and DOUBLE";
    }
    Ui("query/p45_text_with_number") => {
        "comparison-expression/invalid having predicate - type mismatch": "HAVING sum(value) > '100'"
            => "g.sum(|o| o.pieces) > \"100\"", "cannot compare INTEGER with STRING";
        "comparison-expression/invalid having predicate - type mismatch complex expression": "HAVING count(*) > 1 AND sum(value) > '100'"
            => "g.count() > 1 && g.sum(|o| o.pieces) > \"100\"", "cannot compare INTEGER with STRING";
    }
    Ui("query/p45_lists_of_other_types") => {
        "in/array - invalid: non-array expression": "VAL0 IN (ARRAY[1,2], ARRAY_LENGTH(VAL0))"
            => "[o.tags, o.tags.len()].contains(&o.tags)", "cannot compare ARRAY<STRING> with INTEGER";
        "in/bigint - invalid: non-numeric expression": "ID IN (10, VAL0)" => "[10, o.product].contains(&o.id)", "cannot compare BIGINT with STRING";
        "in/bigint - invalid: non-numeric string literal": "ID IN (10, '10 - not a number')"
            => "[10, \"ten\"].contains(&o.id)", "cannot compare BIGINT with STRING";
        "in/bigint - invalid: other literal": "ID IN (10, true)" => "[10, true].contains(&o.id)", "cannot compare BIGINT with BOOLEAN";
        "in/boolean - invalid: non-boolean string literal": "ID IN (true, 'Not a boolean')"
            => "[true, \"no truth\"].contains(&o.paid)", "cannot compare BOOLEAN with STRING";
        "in/boolean - invalid: non-literal": "ID IN (true, VAL)" => "[true, o.product].contains(&o.paid)", "cannot compare BOOLEAN with STRING";
        "in/boolean - invalid: other literal": "ID IN (true, 10)" => "[true, 10].contains(&o.paid)", "cannot compare BOOLEAN with INTEGER";
        "in/decimal - invalid: non-numeric string literal": "ID IN (10.0, '10.0 - not a number')"
            => "[dec!(1.5), \"one\"].contains(&o.amount)", "cannot compare DECIMAL(18, 4) with STRING";
        "in/decimal - invalid: other literal": "ID IN (10, true)" => "[1, true].contains(&o.amount)", "cannot compare DECIMAL(18, 4) with BOOLEAN";
        "in/double - invalid: non-numeric expression": "ID IN (10, VAL0)"
            => "[10, o.product].contains(&o.weight)", "cannot compare DOUBLE with STRING";
        "in/double - invalid: non-numeric string literal": "ID IN (10.0, '10.0 - not a number')"
            => "[1.5, \"one\"].contains(&o.weight)", "cannot compare DOUBLE with STRING";
        "in/double - invalid: other literal": "ID IN (10, true)" => "[10, true].contains(&o.weight)", "cannot compare DOUBLE with BOOLEAN";
        "in/int - invalid: other literal": "ID IN (10, true)" => "[10, true].contains(&o.pieces)", "cannot compare INTEGER with BOOLEAN";
        "in/string - invalid: unsupported expression": "ID IN (10, VAL0)"
            => "[\"x\", o.weight].contains(&o.product)", "cannot compare STRING with DOUBLE";
        "in/struct - invalid: non-struct expression": "VAL0 IN (STRUCT(F0 := 10), ARRAY[10])"
            => "[o.to, o.tags].contains(&o.to)", "cannot compare STRUCT<`CITY` STRING> with ARRAY<STRING>";
    }
    Ui("query/empty_list") => {
        "in/empty": "ID IN ( )" => "[].contains(&o.id)", "an empty list holds nothing";
    }
    Ui("query/p46_nothing_but_null") => {
        "case-expression/searched case returning null in all branch": "CASE WHEN orderunits < 2.0 THEN null ELSE null END"
            => "if o.paid { None } else { None }", "every branch of this `if` is `None`";
        "least/test all null input": "least(null, null, null, null)" => "None.min(None, None)", "`min` of nothing but `None` has no type";
        "partition-by/multiple columns including null": "partition by NULL, ID"
            => ".partition_by(|o| (None, o.id))", "`partition_by` cannot take NULL";
    }
    Ui("query/cast_to_no_type") => {
        "cast/non-map to map": "cast(f0 as MAP<VARCHAR, INTEGER>)"
            => "o.product as HashMap<String, i64>", "cannot convert STRING to MAP<STRING, BIGINT>";
        "cast/to null": "cast(f0 as NULL)" => "o.product as ()", "nothing can be converted to `()` in KSQL";
    }
    Ui("query/unit_of_time") => {
        "dateadd/throws on incorrect type": "dateadd(date, 5, date)" => "a.day.date_add(a.day, 5)", "this is no unit of time";
        "timeadd/throws on incorrect type": "timeadd(time, 5, time)" => "a.time.time_add(a.time, 5)", "this is no unit of time";
        "timesub/throws on incorrect type": "timesub(time, 5, time)" => "a.time.time_sub(a.time, 5)", "this is no unit of time";
    }
    Ui("query/number_beyond_its_type") => {
        "literals/BIGINT literal negative overflow": "-9223372036854775809" => "n: -9223372036854775809", "larger than a BIGINT can be";
        "literals/BIGINT literal positive overflow": "9223372036854775808" => "n: 9223372036854775808", "larger than a BIGINT can be";
        "literals/DOUBLE literal negative overflow": "-1.7976931348623160E308" => "-1.7976931348623160E308", "larger than a DOUBLE can be";
        "literals/DOUBLE literal positive overflow": "1.7976931348623159E308" => "1.7976931348623159E308", "larger than a DOUBLE can be";
    }
    Ui("query/function_of_two_types") => {
        "greatest/test no parameters": "GREATEST()" => "o.customer_id.max()", "`max` takes at least 1 argument, not 0";
        "least/test trying to compare numeric and string": "LEAST(ID, NUM)"
            => "o.product.min(o.pieces)", "`min` needs one SQL type, not STRING and INTEGER";
    }
    Ui("query/unknown_column") => {
        "select/unknown aliased column": "I.BOB" => "note: o.bob", "no field `bob`";
        "select/unknown column": "BOB" => "note: o.bob", "no field `bob`";
    }
    Ui("query/unknown_name") => {
        "elements/non-join select star with unknown qualifier": "unknown.*" => "unknown.product", "`unknown` is not known here";
    }
    Ui("query/kept_keys") => {
        "multi-col-keys/select only single key col": "SELECT K, V FROM INPUT"
            => "Small { id: p.order, note: p.name, n: 1 }", "the key of `Part` stays where nothing changes it, and `Small` has no `#[key]` for `id`";
        "project-filter/key in projection more than once": "ID, ID AS ID2"
            => "Small { id: o.id, note: o.product, n: o.id }", "`Small.n` takes the key column `id`, which is in the key already";
        "project-filter/projection with missing key column - with value column with same name": "NAME AS ID, NAME"
            => "Small { id: o.customer_id, note: o.product, n: 1 }", "the key of `Small` is not that of `Order`";
        "project-filter/projection with missing multi-key column": "SELECT ID, NAME FROM INPUT"
            => "Small { id: p.order, note: p.name, n: 1 }", "the key of `Part` stays where nothing changes it, and `Small` has no `#[key]` for `id`";
        "select/key missing from projection -- old planner": "SELECT NAME FROM INPUT"
            => "Note { note: o.product }", "the key of `Order` stays where nothing changes it, and `Note` has no `#[key]` for `id`";
    }
    Ui("query/p52_partition_by") => {
        "partition-by/expression - missing key from projection - with value column of same name": "NAME AS ID, NAME from INPUT partition by ID"
            => ".partition_by(|o| o.customer_id)", "the key `customer_id` is missing in what the query writes";
        "partition-by/key in projection more than once": "NAME, NAME AS NAME2"
            => "Small { id: o.customer_id, note: o.product, n: o.customer_id }", "the key `customer_id` stands in the output twice";
        "partition-by/multiple columns - missing key from projection": "select ID, NAME from INPUT partition by ID, AGE"
            => ".partition_by(|o| (o.id, o.customer_id))", "the key `customer_id` is missing in what the query writes";
    }
    Ui("query/p34_key_missing") => {
        "group-by/single expression - key missing from projection": "SELECT COUNT(1) FROM INPUT GROUP BY NAME"
            => ".group_by(|o| o.customer_id)", "the key `customer_id` is missing in what the query writes";
    }
    Ui("query/p34_key_twice") => {
        "group-by/single expression - key in projection more than once": "NAME, NAME AS NAME2"
            => "Total { customer_id: g.key(), n: g.key() }", "the key `customer_id` stands in the output twice";
    }
    Ui("query/p37_same_key_twice") => {
        "group-by/duplicate expressions": "GROUP BY DATA, TEST.DATA" => "(o.customer_id, o.customer_id)", "this stands in the key twice";
    }
    Ui("query/p38_ungrouped_column") => {
        "group-by/arithmetic binary expression with projection out-of-order & non-commutative group by (table->table)": "SELECT f1 - f0, COUNT(*) FROM TEST GROUP BY f0 - f1"
            => "g.balance - g.id", "a group has no columns of its own";
        "group-by/function with select field that is a subset of group by (stream->table)": "SUBSTRING(source, 0, 1)"
            => "g.product.substring(0, 1)", "a group has no columns of its own";
        "group-by/function with select field that is a superset of group by (stream->table)": "SUBSTRING(source, 0, 3)"
            => "g.product.substring(0, 3)", "a group has no columns of its own";
        "group-by/function with select field that is a superset of group by (table->table)": "SUBSTRING(region, 7, 3)"
            => "g.branch.substring(7, 3)", "a group has no columns of its own";
        "group-by/map used in non-aggregate function in select when group by uses subscript": "AS_VALUE(col1)"
            => "g.labels.len()", "a group has no columns of its own";
        "group-by/string concat using + op with projection field in wrong order (stream->table)": "SELECT f1 + f2, COUNT(*) FROM TEST GROUP BY f2 + f1"
            => "g.product.concat(g.note)", "a group has no columns of its own";
        "group-by/string concat with separate fields in projection (stream->table)": "SELECT f1, f2, COUNT(*)"
            => "part: g.product, n: g.pieces", "a group has no columns of its own";
        "group-by/with aggregate arithmetic involving source field not in group by (table->table)": "f1 * SUM(f2)"
            => "g.id * g.sum(|a| a.balance)", "a group has no columns of its own";
        "group-by/with non-aggregate projection field not in group by (stream->table)": "SELECT d1, COUNT(*) FROM TEST GROUP BY d2"
            => "g.pieces + g", "a group has no columns of its own";
        "group-by/with non-aggregate projection field not in group by (table->table)": "SELECT d1, COUNT(*) FROM TEST GROUP BY d2"
            => "n: g.balance }", "a group has no columns of its own";
    }
    Ui("query/p39_aggregate_in_a_group") => {
        "group-by/aggregate function (stream->table)": "GROUP BY SUM(d2)" => "o.sum(|r| r.pieces)", "`sum` is an aggregate";
        "group-by/aggregate function nested in arithmetic (stream->table)": "GROUP BY 1 + SUM(d2)" => "1 + o.pieces.sum()", "`sum` is an aggregate";
        "window-bounds/windowed group by -  only window bounds in GROUP BY": "group by WINDOWSTART, WINDOWEND"
            => "(o.window_start(), o.window_end())", "a row has no `window_start()`";
        "window-bounds/windowed group by -  only window bounds in GROUP BY only column": "group by WINDOWSTART"
            => ".group_by(|o| o.window_start())", "a row has no `window_start()`";
    }
    Ui("query/p39_aggregate_in_a_filter") => {
        "window-bounds/windowed group by - aggregate window bounds in WHERE": "WHERE min(windowEnd) < 15000"
            => "o.min(|r| r.window_end()) < 15000", "`min` is an aggregate";
    }
    Ui("query/p39_aggregate_in_an_aggregate") => {
        "group-by/UDAF nested in UDAF in select expression (stream->table)": "SUM(COUNT())"
            => "g.sum(|o| g.count())", "`g` is the group, and an aggregate's expression is over its rows";
    }
    Ui("query/steps_behind_a_grouping") => {
        "group-by/without group-by (stream->table)": "SELECT d1, COUNT() FROM TEST"
            => "orders.aggregate(|g|", "`aggregate` is of groups, and nothing is grouped here";
    }
    Ui("query/p40_not_undoable") => {
        "group-by/non-table udaf on table": "LATEST_BY_OFFSET(F0), MIN(F1), MAX(F1)"
            => "g.latest(|a| a.balance)", "`latest` cannot take back a row that changed";
    }
    Ui("query/p54_windowed_input") => {
        "windowed-source/Should fail querying windowed table": "SELECT * FROM INPUT"
            => "Table<Windowed>", "ksqlDB runs no query over a windowed table";
    }
    Ui("entity/p05_only_keys") => {
        "group-by/all columns - repartition (stream->table)": "SELECT NAME FROM INPUT GROUP BY NAME" => "struct Order", "no value column remains";
    }
    Ui("entity/p11_rowtime") => {
        "system-columns/should fail if ROWTIME used as column name": "x AS rowtime"
            => "rowtime: i64", "`ROWTIME` is a column ksqlDB keeps for itself";
    }
    Ui("entity/p11_rowpartition") => {
        "row-offset-and-partition/create ROWOFFSET and ROWPARTITION source user columns as STRINGs": "ROWPARTITION string"
            => "rowpartition: i64", "`ROWPARTITION` is a column ksqlDB keeps for itself";
    }
    Ui("entity/p11_rowoffset") => {
        "row-offset-and-partition/Should fail if select ROWOFFSET without aliases": "SELECT id, ROWOFFSET"
            => "rowoffset: i64", "`ROWOFFSET` is a column ksqlDB keeps for itself";
    }
    Ui("entity/p11_windowend") => {
        "elements/non-join should reject WINDOWEND in projection": "SELECT K, WINDOWEND"
            => "windowend: i64", "`WINDOWEND` is a column ksqlDB keeps for itself";
        "system-columns/should fail if WINDOWEND used as column name": "x AS windowend"
            => "windowend: i64", "`WINDOWEND` is a column ksqlDB keeps for itself";
    }
    Ui("attributes/p08_timestamp_on_bool") => {
        "timestampformat/timestamp column with invalid data type should throw exception": "timestamp='event_ts'" => "#[timestamp]", "`at` is `i32`";
    }
    Ui("windows/p59_unknown_unit") => {
        "hopping-windows/import table with invalid window size": "WINDOW_SIZE='30 bobs'" => "bobs = [30]", "`#[window]` has no key `bobs`";
    }
    Test("tests/runtime/tests/conformance/stopped.rs", "a_sum_with_too_many_digits_stops_the_query_at_its_record") => {
        "sum/sum decimal should overflow with cast to lower precision": "sum(CAST(value as DECIMAL(3,1)))"
            => "g.sum(|t| t.value as Decimal<3, 1>)", "more than 3 digits";
    }
};

/// What nothing says, with the reasons.
const UNSAYABLE: &[(&str, &[&str])] = &[
    (
        "formats of keys and values are ours, and their properties are written by us",
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
        "the conversion that ksqlDB misses is written by us",
        &[
            "greatest/test implicit casting to decimal",
            "greatest/test implicit casting to long",
            "least/test implicit casting to decimal",
        ],
    ),
    (
        "a `None` has the type of the field that it is written to: the CAST that ksqlDB asks for is written by us",
        &["null/null as column"],
    ),
    (
        "there is no `*`: columns are named one by one",
        &["least/test trying to call LEAST(*)"],
    ),
    (
        "the timestamp column is the field that `#[timestamp]` stands on",
        &["timestampformat/timestamp with column that does not exist should throw exception"],
    ),
    (
        "final results (`EMIT FINAL`) are not written by a query so far",
        &[
            "suppress/should throw if no group by for aggregation",
            "suppress/should throw on non windowed tables",
        ],
    ),
    (
        "what a query adds to is an entity, and there with the query",
        &["insert-into/unknown"],
    ),
    (
        "headers are no columns of ours",
        &[
            "headers/should reject HEADERS column with incorrect type",
            "headers/should reject INSERT VALUES statements if inserting into a HEADERS column (all columns)",
            "headers/should reject INSERT VALUES statements if inserting into a HEADERS column (one column)",
        ],
    ),
    (
        "statements are written by us, and these are none of them",
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
];

#[test]
fn each_refused_statement_is_refused_in_one_place_or_cannot_be_said() {
    let test = concat!(module_path!(), "::each_refused_statement");
    assert_refused(test, REFUSED, UNSAYABLE, false, 97);
}

#[test]
fn each_place_refuses_what_is_said_of_it() {
    assert_places(REFUSED);
}
