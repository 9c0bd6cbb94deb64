//! What rows are put together by.

use super::*;

mod test_string {
    use super::*;

    stream! { Test("test_topic") { #[key] pub k: String, pub ignored: Option<String> } }
}

mod output_i64 {
    use super::*;

    table! { Output("OUTPUT") { #[key] pub k: String, pub result: Option<i64> } }
}

mod output_i64_2 {
    use super::*;

    table! { Output("OUTPUT") { #[key] pub part: String, pub result: Option<i64> } }
}

mod test_string_2 {
    use super::*;

    stream! { Test("test_topic") { pub data: Option<String> } }
}

mod output_i64_3 {
    use super::*;

    table! { Output("OUTPUT") { #[key] pub data: String, pub result: Option<i64> } }
}

mod input_string_string_string {
    use super::*;

    stream! {
        Input("test_topic") {
            #[key] pub id: i32,
            pub col1: Option<String>,
            pub col2: Option<String>,
            pub col3: Option<String>,
        }
    }
}

mod output_string_i64 {
    use super::*;

    table! {
        Output("OUTPUT") {
            #[key] pub g1: String,
            #[key] pub g2: String,
            #[key] pub g3: String,
            pub foo: Option<String>,
            pub result: Option<i64>,
        }
    }
}

cases! {
    "group_by";

    rows_are_counted_by_their_key: "group-by/field (stream->table) - format" => output {
        use output_i64::Output;
        use test_string::Test;

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| r.k).aggregate(|g| Output {
                k: g.key(),
                result: g.count(),
            })
        }
    }

    a_key_of_several_columns_is_in_the_order_of_grouping: "group-by/fields (stream->table) - format" => output {
        stream! {
            Test("test_topic") {
                #[key] pub id: i32,
                pub f1: Option<i32>,
                pub f2: Option<String>,
            }
        }

        table! {
            Output("OUTPUT") {
                #[key] pub f2: String,
                #[key] pub f1: i32,
                pub result: Option<i64>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| (r.f2, r.f1)).aggregate(|g| Output {
                f2: g.key().0,
                f1: g.key().1,
                result: g.count(),
            })
        }
    }

    rows_of_a_stream_are_grouped_by_its_key: "group-by/key (stream->table)" => output {
        use output_i64::Output;
        use test_string::Test;

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| r.k).aggregate(|g| Output {
                k: g.key(),
                result: g.count(),
            })
        }
    }

    rows_are_grouped_by_a_value_column: "group-by/value column (stream->table)" => output {
        stream! { Test("test_topic") { #[key] pub id: i32, pub data: Option<String> } }

        table! { Output("OUTPUT") { #[key] pub data: String, pub count: Option<i64> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| r.data).aggregate(|g| Output {
                data: g.key(),
                count: g.count(),
            })
        }
    }

    rows_of_a_stream_without_a_key_are_grouped: "group-by/steam with no key" => output {
        stream! { Test("test_topic") { pub data: Option<i32> } }

        table! { Output("OUTPUT") { #[key] pub data: i32, pub count: Option<i64> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| r.data).aggregate(|g| Output {
                data: g.key(),
                count: g.count(),
            })
        }
    }

    rows_are_grouped_by_what_a_function_makes: "group-by/function (stream->table)" => output {
        use output_i64_2::Output;

        stream! { Test("test_topic") { pub source: Option<String> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| r.source.substring(0, 2))
                .aggregate(|g| Output {
                    part: g.key(),
                    result: g.count(),
                })
        }
    }

    an_aggregate_is_computed_with: "group-by/with aggregate arithmetic (stream->table)" => output {
        use output_i64_3::Output;
        use test_string_2::Test;

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| r.data).aggregate(|g| Output {
                data: g.key(),
                result: g.count() * 2,
            })
        }
    }

    a_part_of_the_key_is_computed_with_beside_an_aggregate: "group-by/with aggregate arithmetic involving source field (stream->table)" => output {
        stream! { Test("test_topic") { pub item: Option<i32>, pub cost: Option<i32> } }

        table! {
            Output("OUTPUT") {
                #[key] pub item: i32,
                #[key] pub cost: i32,
                pub result: Option<i64>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| (r.item, r.cost)).aggregate(|g| Output {
                item: g.key().0,
                cost: g.key().1,
                result: g.key().1 * g.count(),
            })
        }
    }

    functions_that_are_grouped_by_stand_inside_of_others: "group-by/function in group-by and nested function in select" => output {
        use input_string_string_string::Input;
        use output_string_i64::Output;

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input
                .group_by(|r| (r.col1.initcap(), r.col2, r.col3.trim()))
                .aggregate(|g| Output {
                    g1: g.key().0,
                    g2: g.key().1,
                    g3: g.key().2,
                    foo: g.key().0.concat(g.key().1, g.key().2),
                    result: g.count(),
                })
        }
    }

    rows_are_grouped_by_a_difference: "group-by/arithmetic binary expression with projection in-order & non-commutative group by (stream->table)" => output {
        stream! { Test("test_topic") { pub f1: Option<i32>, pub f2: Option<i32> } }

        table! { Output("OUTPUT") { #[key] pub part: i32, pub result: Option<i64> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| r.f2 - r.f1).aggregate(|g| Output {
                part: g.key(),
                result: g.count(),
            })
        }
    }

    groups_are_chosen_by_their_key: "group-by/with constant having (stream-table)" => output {
        stream! {
            Test("test_topic") {
                #[key] pub k: String,
                pub f1: Option<i32>,
                pub f2: Option<String>,
            }
        }

        table! { Output("OUTPUT") { #[key] pub f2: String, pub result: Option<i32> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| r.f2)
                .aggregate(|g| Output {
                    f2: g.key(),
                    result: g.sum(|r| r.f1),
                })
                .having(|g| g.key() == "test")
        }
    }

    a_constant_stands_beside_an_aggregate: "group-by/with constants in the projection (stream->table)" => output {
        stream! { Test("test_topic") { #[key] pub id: i32, pub f1: Option<i32> } }

        table! {
            Output("OUTPUT") {
                #[key] pub f1: i32,
                pub f3: Option<String>,
                pub result: Option<i64>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| r.f1).aggregate(|g| Output {
                f1: g.key(),
                f3: "some constant",
                result: g.count_of(|r| r.f1),
            })
        }
    }

    one_aggregate_is_selected_twice: "group-by/duplicate udafs (stream->table)" => output {
        use test_string_2::Test;

        table! {
            Output("OUTPUT") {
                #[key] pub data: String,
                pub result_0: Option<i64>,
                pub result_1: Option<i64>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| r.data).aggregate(|g| Output {
                data: g.key(),
                result_0: g.count(),
                result_1: g.count(),
            })
        }
    }

    an_aggregate_is_the_argument_of_a_function: "group-by/UDAF nested in UDF in select expression (stream->table)" => output {
        stream! { Test("test_topic") { pub d1: Option<String> } }

        table! { Output("OUTPUT") { #[key] pub d1: String, pub result: Option<String> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| r.d1).aggregate(|g| Output {
                d1: g.key(),
                result: "Mr Bugalicious".substring(g.count() as i32, 1),
            })
        }
    }

    a_row_grouped_by_null_is_in_no_group: "group-by/should exclude any stream row whose single GROUP BY expression resolves to NULL" => output {
        use output_i64_2::Output;

        stream! { Test("test_topic") { pub str: Option<String>, pub pos: Option<i32> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| r.str.substring(r.pos))
                .aggregate(|g| Output {
                    part: g.key(),
                    result: g.count(),
                })
        }
    }

    rows_are_grouped_by_their_timestamp: "group-by/ROWTIME (stream->table)" => output {
        stream! { Test("test_topic") { pub ignored: Option<String> } }

        table! { Output("OUTPUT") { #[key] pub rt: i64, pub result: Option<i64> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| r.rowtime()).aggregate(|g| Output {
                rt: g.key(),
                result: g.count(),
            })
        }
    }

    all_rows_are_one_group: "group-by/zero non-agg columns (stream)" => output {
        stream! { Input("test_topic") { pub value: Option<i32> } }

        table! { Output("OUTPUT") { #[key] pub k: i32, pub id: Option<i64> } }

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| 1).aggregate(|g| Output {
                k: g.key(),
                id: g.count(),
            })
        }
    }

    the_key_is_copied_beside_counts: "group-by/duplicate fields (stream->table)" => output {
        use test_string_2::Test;

        table! {
            Output("OUTPUT") {
                #[key] pub data: String,
                pub result_0: Option<i64>,
                pub result_1: Option<i64>,
                pub copy: Option<String>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| r.data).aggregate(|g| Output {
                data: g.key(),
                result_0: g.count(),
                result_1: g.count(),
                copy: g.key().as_value(),
            })
        }
    }

    a_function_is_given_the_key_of_a_stream: "group-by/field with field used in function in projection (stream->table)" => output {
        stream! { Test("test_topic") { pub f1: Option<String> } }

        table! {
            Output("OUTPUT") {
                #[key] pub f1: String,
                pub result_0: Option<String>,
                pub result_1: Option<i64>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| r.f1).aggregate(|g| Output {
                f1: g.key(),
                result_0: g.key().substring(0, 1),
                result_1: g.count(),
            })
        }
    }

    parts_of_a_key_stand_inside_of_functions: "group-by/group by column in nested non-aggregate function in select" => output {
        use input_string_string_string::Input;
        use output_string_i64::Output;

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input
                .group_by(|r| (r.col1.initcap(), r.col2, r.col3))
                .aggregate(|g| Output {
                    g1: g.key().0,
                    g2: g.key().1,
                    g3: g.key().2,
                    foo: g.key().0.concat(g.key().1, g.key().2.trim()),
                    result: g.count(),
                })
        }
    }

    rows_are_grouped_by_a_nested_number: "group-by/int json field (stream->table)" => output {
        nested! { Data { pub field: Option<i32> } }

        stream! { Test("test_topic") { pub data: Option<Data> } }

        table! { Output("OUTPUT") { #[key] pub field: i32, pub count: Option<i64> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| r.data.field).aggregate(|g| Output {
                field: g.key(),
                count: g.count(),
            })
        }
    }

    rows_are_grouped_by_a_nested_text: "group-by/json field (stream->table)" => output {
        nested! { Data { pub field: Option<String> } }

        stream! { Test("test_topic") { pub data: Option<Data> } }

        table! { Output("OUTPUT") { #[key] pub field: String, pub count: Option<i64> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| r.data.field).aggregate(|g| Output {
                field: g.key(),
                count: g.count(),
            })
        }
    }

    rows_of_a_stream_are_counted_by_a_column: "group-by/missing matching projection field (stream->table)" => output {
        use output_i64_3::Output;
        use test_string_2::Test;

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| r.data).aggregate(|g| Output {
                data: g.key(),
                result: g.count(),
            })
        }
    }

    a_nested_field_and_a_product_are_grouped_by: "group-by/multiple expressions with struct field and other expression" => output {
        nested! { Address { pub street: Option<String>, pub town: Option<String> } }

        stream! {
            Test("test_topic") {
                #[key] pub f1: i32,
                pub f2: Option<i32>,
                pub address: Option<Address>,
            }
        }

        table! {
            Output("OUTPUT") {
                #[key] pub f1: i32,
                #[key] pub town: String,
                #[key] pub part: i32,
                pub result_0: Option<i32>,
                pub result_1: Option<i64>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| (r.f1, r.address.town, 2 * r.f2))
                .aggregate(|g| Output {
                    f1: g.key().0,
                    town: g.key().1,
                    part: g.key().2,
                    result_0: g.key().2 + g.key().0,
                    result_1: g.count(),
                })
        }
    }

    every_column_is_grouped_by: "group-by/select * where all columns in group by" => output {
        stream! { Test("test_topic") { #[key] pub id: i32, pub id2: Option<i32> } }

        table! {
            Output("OUTPUT") {
                #[key] pub id: i32,
                #[key] pub id2: i32,
                pub result: Option<i64>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| (r.id, r.id2)).aggregate(|g| Output {
                id: g.key().0,
                id2: g.key().1,
                result: g.count(),
            })
        }
    }

    a_nested_field_that_is_the_key_is_copied: "group-by/struct in group-by and non aggregate function in select" => output {
        nested! { Col1 { pub a: Option<String>, pub b: Option<i32> } }

        stream! { Input("test_topic") { #[key] pub id: i32, pub col1: Option<Col1> } }

        table! {
            Output("OUTPUT") {
                #[key] pub new_key: String,
                pub vv: Option<String>,
                pub count: Option<i64>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.col1.a).aggregate(|g| Output {
                new_key: g.key(),
                vv: g.key().as_value(),
                count: g.count(),
            })
        }
    }

    rows_are_grouped_by_an_entry_of_a_map: "group-by/subscript in group-by and select" => output {
        stream! {
            Input("test_topic") {
                #[key] pub id: i32,
                pub col1: Option<BTreeMap<String, Option<String>>>,
            }
        }

        table! { Output("OUTPUT") { #[key] pub new_key: String, pub count: Option<i64> } }

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.col1["foo"]).aggregate(|g| Output {
                new_key: g.key(),
                count: g.count(),
            })
        }
    }
}
