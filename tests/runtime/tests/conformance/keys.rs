//! Keys of every type, alone and several.

use super::*;

mod input_i64 {
    use super::*;

    table! { Input("input") { #[key] pub k: String, pub id: Option<i64> } }
}

mod output_i64_string {
    use super::*;

    table! {
        Output("OUTPUT") {
            #[key] pub k: String,
            pub id: Option<i64>,
            pub key: Option<String>,
        }
    }
}

mod input_i32 {
    use super::*;

    stream! { Input("input_topic") { #[key] pub k: i32, #[key] pub k2: i32, pub v: Option<i32> } }
}

cases! {
    "keys";

    a_text_is_the_key_of_a_table: "key-schemas/table implicit KAFKA STRING KEY" => output {
        use input_i64::Input;
        use output_i64_string::Output;

        #[query]
        fn output(input: Table<Input>) -> Table<Output> {
            input.map(|r| Output {
                k: r.k,
                id: r.id,
                key: r.k.as_value(),
            })
        }
    }

    a_whole_number_is_the_key_of_a_table: "key-schemas/table explicit KAFKA BIGINT KEY" => output {
        table! { Input("input") { #[key] pub k: i64, pub id: Option<i64> } }

        table! { Output("OUTPUT") { #[key] pub k: i64, pub id: Option<i64>, pub key: Option<i64> } }

        #[query]
        fn output(input: Table<Input>) -> Table<Output> {
            input.map(|r| Output {
                k: r.k,
                id: r.id,
                key: r.k.as_value(),
            })
        }
    }

    rows_are_chosen_by_a_number_that_is_the_key: "key-schemas/filter by non-STRING KEY" => output {
        stream! { Input("input") { #[key] pub k: i64, pub id: Option<i64> } }

        stream! { Output("OUTPUT") { #[key] pub k: i64, pub id: Option<i64> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input
                .filter(|r| r.k > 10)
                .map(|r| Output { k: r.k, id: r.id })
        }
    }

    one_of_two_key_columns_is_grouped_by: "multi-col-keys/group by one col" => output {
        use input_i32::Input;

        table! { Output("OUTPUT") { #[key] pub k: i32, pub count: Option<i64> } }

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.k).aggregate(|g| Output {
                k: g.key(),
                count: g.count(),
            })
        }
    }

    both_key_columns_are_grouped_by: "multi-col-keys/group by two cols" => output {
        use input_i32::Input;

        table! {
            Output("OUTPUT") {
                #[key] pub k: i32,
                #[key] pub k2: i32,
                pub count: Option<i64>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| (r.k, r.k2)).aggregate(|g| Output {
                k: g.key().0,
                k2: g.key().1,
                count: g.count(),
            })
        }
    }

    a_text_with_a_limit_is_a_text: "key-schemas/VARCHAR(STRING) as key and value" => output {
        stream! { Input("input") { #[key] pub k: String, pub v1: Option<String> } }

        stream! { Output("OUTPUT") { #[key] pub k: String, pub v1: Option<String> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { k: r.k, v1: r.v1 })
        }
    }

    a_text_that_is_the_key_is_copied: "key-schemas/table explicit KAFKA STRING KEY" => output {
        use input_i64::Input;
        use output_i64_string::Output;

        #[query]
        fn output(input: Table<Input>) -> Table<Output> {
            input.map(|r| Output {
                k: r.k,
                id: r.id,
                key: r.k.as_value(),
            })
        }
    }

    rows_without_a_part_of_the_key_are_in_no_group: "group-by/multiple expressions" => output {
        stream! { Test("test_topic") { #[key] pub f1: i32, pub f2: Option<i32> } }

        table! {
            Output("OUTPUT") {
                #[key] pub f1: i32,
                #[key] pub f2: i32,
                pub sum: Option<i32>,
                pub count: Option<i64>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| (r.f1, r.f2)).aggregate(|g| Output {
                f1: g.key().0,
                f2: g.key().1,
                sum: g.key().1 + g.key().0,
                count: g.count(),
            })
        }
    }
}
