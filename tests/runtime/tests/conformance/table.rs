//! Rows that change and go.

use super::*;

mod input_i64 {
    use super::*;

    table! { Input("test_topic") { #[key] pub k: String, pub id: Option<i64> } }
}

mod output_i64 {
    use super::*;

    table! { Output("OUTPUT") { #[key] pub k: String, pub id: Option<i64> } }
}

cases! {
    "table";

    updates_and_deletions_are_handed_on: "table/update-delete" => output {
        table! {
            Test("test_topic") {
                #[key] pub k: String,
                pub id: Option<i64>,
                pub name: Option<String>,
                pub value: Option<i32>,
            }
        }

        table! {
            T1("T1") {
                #[key] pub k: String,
                pub name: Option<String>,
                pub value: Option<i32>,
            }
        }

        #[query]
        fn output(test: Table<Test>) -> Table<T1> {
            test.map(|r| T1 {
                k: r.k,
                name: r.name,
                value: r.value,
            })
        }
    }

    a_deletion_is_handed_on: "table/should forward nulls in changelog when table not materialized" => output {
        use input_i64::Input;
        use output_i64::Output;

        #[query]
        fn output(input: Table<Input>) -> Table<Output> {
            input.map(|r| Output { k: r.k, id: r.id })
        }
    }

    a_row_of_a_table_without_a_key_is_none: "table/should not blow up on null key" => output {
        use input_i64::Input;
        use output_i64::Output;

        #[query]
        fn output(input: Table<Input>) -> Table<Output> {
            input.map(|r| Output { k: r.k, id: r.id })
        }
    }

    a_table_is_copied: "source-table/create source table" => output {
        table! { Input("test_topic") { #[key] pub k: i32, pub text: Option<String> } }

        table! { Output("OUTPUT") { #[key] pub k: i32, pub text: Option<String> } }

        #[query]
        fn output(input: Table<Input>) -> Table<Output> {
            input.map(|r| Output {
                k: r.k,
                text: r.text,
            })
        }
    }
}
