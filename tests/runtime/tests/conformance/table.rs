//! Rows that change and go.

use super::*;

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
        table! { Input("test_topic") { #[key] pub k: String, pub id: Option<i64> } }

        table! { Output("OUTPUT") { #[key] pub k: String, pub id: Option<i64> } }

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

    a_table_is_handed_on: "table/should NOT reuse source topic for change log if topology optimizations are off" => output {
        table! { Test("test_topic") { #[key] pub k: String, pub id: Option<i64> } }

        table! { T1("T1") { #[key] pub k: String, pub id: Option<i64> } }

        #[query]
        fn output(test: Table<Test>) -> Table<T1> {
            test.map(|r| T1 { k: r.k, id: r.id })
        }
    }
}
