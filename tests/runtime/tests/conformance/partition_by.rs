//! Another key for each record.

use super::*;

mod output_string {
    use super::*;

    stream! { Output("OUTPUT") { #[key] pub id: i32, pub name: Option<String> } }
}

mod input_string {
    use super::*;

    stream! { Input("input") { #[key] pub id: i32, pub name: Option<String> } }
}

mod test_i64_string_i64 {
    use super::*;

    stream! {
        Test("test_topic") {
            #[key] pub k: i64,
            pub id: Option<i64>,
            pub name: Option<String>,
            pub value: Option<i64>,
        }
    }
}

cases! {
    "partition_by";

    a_value_becomes_the_key: "partition-by/partition by with projection select some" => output {
        stream! {
            Test("test_topic") {
                #[key] pub k: String,
                pub id: Option<i64>,
                pub name: String,
                pub value: Option<i64>,
            }
        }

        stream! { Repartitioned("REPARTITIONED") { #[key] pub name: String, pub id: Option<i64> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Repartitioned> {
            test.partition_by(|r| r.name).map(|r| Repartitioned {
                name: r.name,
                id: r.id,
            })
        }
    }

    the_key_becomes_a_value: "partition-by/bigint key field" => output {
        stream! { Test("test_topic") { #[key] pub k: i64, pub id: i64 } }

        stream! { Output("OUTPUT") { #[key] pub id: i64, pub k: Option<i64> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.partition_by(|r| r.id)
                .map(|r| Output { id: r.id, k: r.k })
        }
    }

    a_stream_without_a_key_gets_one: "partition-by/no key column" => output {
        use output_string::Output;

        stream! { Input("input") { pub name: Option<String>, pub id: i32 } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.partition_by(|r| r.id).map(|r| Output {
                id: r.id,
                name: r.name,
            })
        }
    }

    the_key_stays_the_key: "partition-by/only key column - select explicit" => output {
        use input_string::Input;
        use output_string::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.partition_by(|r| r.id).map(|r| Output {
                id: r.id,
                name: r.name,
            })
        }
    }

    what_a_function_makes_becomes_the_key: "partition-by/single expression - with alias" => output {
        stream! { Input("input") { #[key] pub id: i32, pub name: String, pub age: Option<i32> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub new_key: String,
                pub name: Option<String>,
                pub age: Option<i32>,
                pub id: Option<i32>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input
                .partition_by(|r| r.name.to_uppercase())
                .map(|r| Output {
                    new_key: r.name.to_uppercase(),
                    name: r.name,
                    age: r.age,
                    id: r.id,
                })
        }
    }

    a_record_without_a_value_keeps_its_key: "partition-by/only key column - with null value" => output {
        use test_i64_string_i64::Test;

        stream! {
            Repartitioned("REPARTITIONED") {
                #[key] pub k: i64,
                pub id: Option<i64>,
                pub name: Option<String>,
                pub value: Option<i64>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Repartitioned> {
            test.partition_by(|r| r.k).map(|r| Repartitioned {
                k: r.k,
                id: r.id,
                name: r.name,
                value: r.value,
            })
        }
    }

    a_key_is_made_of_the_key_where_there_is_no_value: "partition-by/udf key expression - with null value" => output {
        use test_i64_string_i64::Test;

        stream! {
            Repartitioned("REPARTITIONED") {
                #[key] pub part: i64,
                pub id: Option<i64>,
                pub name: Option<String>,
                pub value: Option<i64>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Repartitioned> {
            test.partition_by(|r| r.k.abs()).map(|r| Repartitioned {
                part: r.k.abs(),
                id: r.id,
                name: r.name,
                value: r.value,
            })
        }
    }

    a_constant_becomes_the_key: "partition-by/constant" => output {
        use input_string::Input;

        stream! {
            Output("OUTPUT") {
                #[key] pub k: i32,
                pub id: Option<i32>,
                pub name: Option<String>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.partition_by(|r| 1).map(|r| Output {
                k: 1,
                id: r.id,
                name: r.name,
            })
        }
    }

    a_key_of_an_expression_stands_beside_the_old_one: "partition-by/expression - select star" => output {
        use input_string::Input;

        stream! {
            Output("OUTPUT") {
                #[key] pub part: i32,
                pub name: Option<String>,
                pub id: Option<i32>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.partition_by(|r| r.id.abs()).map(|r| Output {
                part: r.id.abs(),
                name: r.name,
                id: r.id,
            })
        }
    }

    the_key_stays_the_key_of_all_columns: "partition-by/only key column - select star" => output {
        use input_string::Input;
        use output_string::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.partition_by(|r| r.id).map(|r| Output {
                id: r.id,
                name: r.name,
            })
        }
    }

    the_key_keeps_its_name: "partition-by/only key column - with alias that matches key column" => output {
        use output_string::Output;

        stream! {
            Input("test_topic") {
                #[key] pub id: i32,
                pub name: Option<String>,
                pub other: Option<i32>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.partition_by(|r| r.id).map(|r| Output {
                id: r.id,
                name: r.name,
            })
        }
    }

    a_stream_partitioned_by_its_key_is_the_same: "partition-by/partition by key" => output {
        stream! { Input("input") { #[key] pub k: String, pub id: Option<i64> } }

        stream! { Output("OUTPUT") { #[key] pub k: String, pub id: Option<i64> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input
                .partition_by(|r| r.k)
                .map(|r| Output { k: r.k, id: r.id })
        }
    }

    the_only_key_column_is_partitioned_by: "partition-by/partition by only key column" => output {
        use input_string::Input;
        use output_string::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.partition_by(|r| r.id).map(|r| Output {
                id: r.id,
                name: r.name,
            })
        }
    }

    a_text_read_as_a_number_becomes_the_key: "partition-by/with STRING -> BIGINT cast" => output {
        stream! { Input("input") { #[key] pub k: String, pub v0: Option<String> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub part: i64,
                pub v0: Option<String>,
                pub k: Option<String>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.partition_by(|r| r.v0 as i64).map(|r| Output {
                part: r.v0 as i64,
                v0: r.v0,
                k: r.k,
            })
        }
    }

    a_new_key_takes_the_name_of_another_column: "partition-by/with alias that matches source column" => output {
        stream! {
            Input("input") {
                #[key] pub id: i32,
                pub name: Option<String>,
                pub age: Option<i32>,
            }
        }

        stream! { Output("OUTPUT") { #[key] pub age: String, pub id: Option<i32> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.partition_by(|r| r.name).map(|r| Output {
                age: r.name,
                id: r.id,
            })
        }
    }
}
