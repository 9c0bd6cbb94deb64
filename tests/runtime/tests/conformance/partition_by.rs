//! Another key for each record.

use super::*;

mod output_string {
    use super::*;

    stream! { Output("OUTPUT") { #[key] pub id: i32, pub name: Option<String> } }
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
    "partition-by";

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
        use output_string::Output;

        stream! { Input("input") { #[key] pub id: i32, pub name: Option<String> } }

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
}
