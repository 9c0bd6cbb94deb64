//! Arrays, maps and structs that a query makes.

use super::*;

cases! {
    "made";

    elements_of_a_written_array_are_removed: "array-remove/array_remove with literal array" => output {
        stream! { Input("test_topic") { #[key] pub id: String, pub dummy: Option<i32> } }

        stream! { Output("OUTPUT") { #[key] pub id: String, pub a1: Vec<String> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                a1: ["foo", "bar", "foo"].remove("foo"),
            })
        }
    }

    written_arrays_are_put_together: "array-set-functions/array_union with literals" => output {
        stream! { Input("test_topic") { #[key] pub id: String, pub dummy: Option<i32> } }

        stream! { Output("OUTPUT") { #[key] pub id: String, pub a1: Vec<String> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                a1: ["foo", "bar", "foo"].union(["foo", "baz"]),
            })
        }
    }

    an_element_that_fails_is_null: "array/Output array with an error" => output said_as "STRINGTODATE is deprecated: UNIX_DATE of PARSE_DATE" {
        stream! { Test("test_topic") { #[key] pub k: String, pub val: Option<String> } }

        stream! { Output("OUTPUT") { #[key] pub k: String, pub value: Vec<Option<i32>> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                k: r.k,
                value: [44, r.val.parse_date("yyyyMMdd").unix_date()],
            })
        }
    }

    a_value_that_fails_is_null: "map/Output map with an error" => output said_as "STRINGTODATE is deprecated: UNIX_DATE of PARSE_DATE" {
        stream! { Test("test_topic") { #[key] pub k: String, pub val: Option<String> } }

        stream! { Output("OUTPUT") { #[key] pub k: String, pub value: BTreeMap<String, Option<i32>> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                k: r.k,
                value: BTreeMap::from([
                    ("boo", r.val.parse_date("yyyyMMdd").unix_date()),
                    ("shoe", 3),
                ]),
            })
        }
    }

    a_field_that_fails_is_null: "struct-udfs/Output struct with errors in one field" => output said_as "STRINGTODATE is deprecated: UNIX_DATE of PARSE_DATE" {
        nested! { Value { pub field1: String, pub field2: Option<i32> } }

        stream! { Test("test_topic") { #[key] pub k: String, pub val: Option<String> } }

        stream! { Output("OUTPUT") { #[key] pub k: String, pub value: Value } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                k: r.k,
                value: Value {
                    field1: "moo",
                    field2: r.val.parse_date("yyyyMMdd").unix_date(),
                },
            })
        }
    }

    what_is_made_is_compared_with_columns: "binary-comparison/is not distinct from (2)" => output said_as "a decimal says that it is one" {
        nested! { Id { pub id: Option<i32> } }

        stream! {
            Input("test_topic") {
                #[key] pub a: i32,
                pub b: Option<bool>,
                pub c: Option<i64>,
                pub d: Option<f64>,
                pub e: Option<Dec<4, 3>>,
                pub f: Option<String>,
                pub g: Option<Vec<Option<i32>>>,
                pub h: Option<BTreeMap<String, Option<i32>>>,
                pub i: Option<Id>,
            }
        }

        stream! {
            Output("OUTPUT") {
                #[key] pub a: i32,
                pub ksql_col_0: bool,
                pub ksql_col_1: bool,
                pub ksql_col_2: bool,
                pub ksql_col_3: bool,
                pub ksql_col_4: bool,
                pub ksql_col_5: bool,
                pub ksql_col_6: bool,
                pub ksql_col_7: bool,
                pub ksql_col_8: bool,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                a: r.a,
                ksql_col_0: r.a.is_not_distinct_from(1),
                ksql_col_1: r.b.is_not_distinct_from(true),
                ksql_col_2: r.c.is_not_distinct_from(11),
                ksql_col_3: r.d.is_not_distinct_from(1.1),
                ksql_col_4: r.e.is_not_distinct_from(dec!(1.20)),
                ksql_col_5: r.f.is_not_distinct_from("foo"),
                ksql_col_6: r.g.is_not_distinct_from([1, 2]),
                ksql_col_7: r.h.is_not_distinct_from(BTreeMap::from([("a", 1)])),
                ksql_col_8: r.i.is_not_distinct_from(Id { id: 2 }),
            })
        }
    }

    a_map_is_one_of_several_written: "in/map - valid" => output said_as "the type of a number is written" {
        stream! { Input("input_topic") { pub id: Option<BTreeMap<String, Option<i64>>> } }

        stream! { Output("OUTPUT") { pub id: Option<BTreeMap<String, Option<i64>>> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input
                .filter(|r| {
                    [
                        BTreeMap::from([("a", 1i64)]),
                        BTreeMap::from([("b", 5i64), ("c", 123_456_789_000)]),
                        BTreeMap::from([("c", None as i64)]),
                    ]
                    .contains(&r.id)
                })
                .map(|r| Output { id: r.id })
        }
    }
}
