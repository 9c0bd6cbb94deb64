//! Records without a key, and keys with parts that are NULL.

use super::*;

mod named {
    use super::*;

    stream! {
        Input("input") {
            pub name: Option<String>,
            pub id: Option<i32>,
            pub age: Option<i32>,
        }
    }

    stream! {
        Output("OUTPUT") {
            #[key] pub id: Option<i32>,
            #[key] pub age: Option<i32>,
            pub name: Option<String>,
        }
    }
}

mod keyed {
    use super::*;

    stream! {
        Input("input") {
            #[key] pub name: Option<String>,
            pub id: Option<i32>,
            pub age: Option<i32>,
        }
    }

    stream! {
        Output("OUTPUT") {
            #[key] pub id: Option<i32>,
            #[key] pub name: Option<String>,
            pub age: Option<i32>,
        }
    }
}

mod key_first {
    use super::*;

    stream! {
        Output("OUTPUT") {
            #[key] pub name: Option<String>,
            #[key] pub id: Option<i32>,
            pub age: Option<i32>,
        }
    }
}

cases! {
    "keyless";

    a_record_without_an_integer_key_is_handed_on: "avro/INT - key - inference" => output {
        stream! { Input("input_topic") { #[key] pub rowkey: Option<i32>, pub foo: Option<i32> } }

        stream! { Output("OUTPUT") { #[key] pub rowkey: Option<i32>, pub foo: Option<i32> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                rowkey: r.rowkey,
                foo: r.foo,
            })
        }
    }

    a_record_without_a_text_key_is_handed_on: "avro/STRING - key - inference" => output {
        stream! { Input("input_topic") { #[key] pub rowkey: Option<String>, pub foo: Option<i32> } }

        stream! { Output("OUTPUT") { #[key] pub rowkey: Option<String>, pub foo: Option<i32> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                rowkey: r.rowkey,
                foo: r.foo,
            })
        }
    }

    no_key_is_as_good_as_null: "binary-comparison/is not distinct from" => output {
        stream! { Input("test_topic") { #[key] pub id: Option<i32>, pub id2: Option<i32> } }

        stream! { Output("OUTPUT") { #[key] pub id: Option<i32>, pub ksql_col_0: Option<bool> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                ksql_col_0: r.id.is_not_distinct_from(r.id2),
            })
        }
    }

    the_copy_of_no_key_is_null: "key-schemas/stream explicit KAFKA INT KEY" => output {
        stream! { Input("input") { #[key] pub k: Option<i32>, pub id: Option<i64> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub k: Option<i32>,
                pub id: Option<i64>,
                pub key: Option<i32>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                k: r.k,
                id: r.id,
                key: r.k.as_value(),
            })
        }
    }

    no_key_is_null: "null/is null" => output {
        stream! { Input("test_topic") { #[key] pub id: Option<i32>, pub name: Option<String> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub id: Option<i32>,
                pub id_null: Option<bool>,
                pub name_null: Option<bool>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                id_null: r.id.is_none(),
                name_null: r.name.is_none(),
            })
        }
    }

    a_key_is_not_null: "null/is not null" => output {
        stream! { Input("test_topic") { #[key] pub id: Option<i32>, pub name: Option<String> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub id: Option<i32>,
                pub id_null: Option<bool>,
                pub name_null: Option<bool>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                id_null: r.id.is_some(),
                name_null: r.name.is_some(),
            })
        }
    }

    parts_of_values: "partition-by/multiple columns - select explicit" => output {
        use named::{Input, Output};

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.partition_by(|r| (r.id, r.age)).map(|r| Output {
                id: r.id,
                age: r.age,
                name: r.name,
            })
        }
    }

    parts_of_values_without_a_choice: "partition-by/multiple columns - select star" => output {
        use named::{Input, Output};

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.partition_by(|r| (r.id, r.age)).map(|r| Output {
                id: r.id,
                age: r.age,
                name: r.name,
            })
        }
    }

    parts_in_another_order: "partition-by/multiple columns - select star - reorder columns" => output {
        use named::Input;

        stream! {
            Output("OUTPUT") {
                #[key] pub age: Option<i32>,
                #[key] pub id: Option<i32>,
                pub name: Option<String>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.partition_by(|r| (r.age, r.id)).map(|r| Output {
                age: r.age,
                id: r.id,
                name: r.name,
            })
        }
    }

    parts_of_value_and_key: "partition-by/multiple columns - some key some value" => output {
        use keyed::{Input, Output};

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.partition_by(|r| (r.id, r.name)).map(|r| Output {
                id: r.id,
                name: r.name,
                age: r.age,
            })
        }
    }

    parts_of_value_and_key_without_a_choice: "partition-by/multiple columns - select * - some key some value" => output {
        use keyed::{Input, Output};

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.partition_by(|r| (r.id, r.name)).map(|r| Output {
                id: r.id,
                name: r.name,
                age: r.age,
            })
        }
    }

    parts_of_key_and_value: "partition-by/multiple columns - some key some value - key first" => output {
        use key_first::Output;
        use keyed::Input;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.partition_by(|r| (r.name, r.id)).map(|r| Output {
                name: r.name,
                id: r.id,
                age: r.age,
            })
        }
    }

    parts_of_key_and_value_without_a_choice: "partition-by/multiple columns - select * - some key some value - key first" => output {
        use key_first::Output;
        use keyed::Input;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.partition_by(|r| (r.name, r.id)).map(|r| Output {
                name: r.name,
                id: r.id,
                age: r.age,
            })
        }
    }

    parts_that_are_computed: "partition-by/multiple columns with expressions" => output {
        stream! {
            Input("input") {
                #[key] pub age: Option<i32>,
                pub name: Option<String>,
                pub id: Option<i32>,
            }
        }

        stream! {
            Output("OUTPUT") {
                #[key] pub ksql_col_0: Option<i32>,
                #[key] pub ksql_col_1: i32,
                #[key] pub k3: Option<i32>,
                pub age: Option<i32>,
                pub name: Option<String>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.partition_by(|r| (r.id.abs(), 1, r.age + 2)).map(|r| Output {
                ksql_col_0: r.id.abs(),
                ksql_col_1: 1,
                k3: r.age + 2,
                age: r.age,
                name: r.name,
            })
        }
    }
}
