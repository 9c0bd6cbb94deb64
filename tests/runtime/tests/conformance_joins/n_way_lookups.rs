//! Records that look up two tables.

use super::*;

cases! {
    "n_way_lookups";

    a_record_looks_up_two_tables: "multi-joins/stream-table-table - inner-left" => output {
        stream! { S1("left") { #[key] pub id: i32, pub v0: Option<i64> } }

        table! { T2("right") { #[key] pub id: i32, pub v0: Option<i64> } }

        table! { T3("right2") { #[key] pub id: i32, pub v0: Option<i64> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub s1_id: i32,
                pub s1_v0: Option<i64>,
                pub t2_v0: Option<i64>,
                pub t3_v0: Option<i64>,
            }
        }

        #[query]
        fn output(s1: Stream<S1>, t2: Table<T2>, t3: Table<T3>) -> Stream<Output> {
            s1
                .join(t2, |s1, t2| s1.id == t2.id)
                .left_join(t3, |s1, _, t3| s1.id == t3.id)
                .map(|s1, t2, t3| Output {
                    s1_id: s1.id,
                    s1_v0: s1.v0,
                    t2_v0: t2.v0,
                    t3_v0: t3.v0,
                })
        }
    }

    a_value_looks_up_two_tables: "multi-joins/stream-table-table - inner-inner - rekey" => output {
        stream! { S1("left") { #[key] pub id: i32, pub k: Option<i32>, pub v0: Option<i64> } }

        table! { T2("right") { #[key] pub id: i32, pub v0: Option<i64> } }

        table! { T3("right2") { #[key] pub id: i32, pub v0: Option<i64> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub k: i32,
                pub s1_v0: Option<i64>,
                pub t2_v0: Option<i64>,
                pub t3_v0: Option<i64>,
            }
        }

        #[query]
        fn output(s1: Stream<S1>, t2: Table<T2>, t3: Table<T3>) -> Stream<Output> {
            s1
                .join(t2, |s1, t2| s1.k == t2.id)
                .join(t3, |s1, _, t3| s1.k == t3.id)
                .map(|s1, t2, t3| Output {
                    k: s1.k,
                    s1_v0: s1.v0,
                    t2_v0: t2.v0,
                    t3_v0: t3.v0,
                })
        }
    }

    two_tables_are_looked_up_by_what_is_computed: "multi-joins/stream-table-table - inner-inner - rekey with different expression" => output {
        stream! { S1("left") { #[key] pub id: i32, pub k: Option<i32>, pub v0: Option<i64> } }

        table! { T2("right") { #[key] pub id: i32, pub v0: Option<i64> } }

        table! { T3("right2") { #[key] pub id: i32, pub v0: Option<i64> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub t3_id: i32,
                pub s1_v0: Option<i64>,
                pub t2_v0: Option<i64>,
                pub t3_v0: Option<i64>,
            }
        }

        #[query]
        fn output(s1: Stream<S1>, t2: Table<T2>, t3: Table<T3>) -> Stream<Output> {
            s1
                .join(t2, |s1, t2| s1.k - 1 == t2.id)
                .join(t3, |s1, _, t3| s1.k + 1 == t3.id)
                .map(|s1, t2, t3| Output {
                    t3_id: t3.id,
                    s1_v0: s1.v0,
                    t2_v0: t2.v0,
                    t3_v0: t3.v0,
                })
        }
    }

    two_tables_are_looked_up_by_two_values: "multi-joins/stream-table-table - inner-inner - rekey on different expression" => output {
        stream! { S1("left") { #[key] pub id: i32, pub k: Option<i32>, pub v0: Option<i32> } }

        table! { T2("right") { #[key] pub id: i32, pub v0: Option<i32> } }

        table! { T3("right2") { #[key] pub id: i32, pub v0: Option<i32> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub k: i32,
                pub s1_v0: Option<i32>,
                pub t2_v0: Option<i32>,
                pub t3_v0: Option<i32>,
            }
        }

        #[query]
        fn output(s1: Stream<S1>, t2: Table<T2>, t3: Table<T3>) -> Stream<Output> {
            s1
                .join(t2, |s1, t2| s1.v0 == t2.id)
                .join(t3, |s1, _, t3| s1.k == t3.id)
                .map(|s1, t2, t3| Output {
                    k: s1.k,
                    s1_v0: s1.v0,
                    t2_v0: t2.v0,
                    t3_v0: t3.v0,
                })
        }
    }

    all_columns_of_three: "multi-joins/stream-table-table - inner-inner - select sources.*" => output {
        stream! { S1("left") { #[key] pub id: i32, pub v0: Option<i64> } }

        table! { T2("right") { #[key] pub id: i32, pub v0: Option<i64> } }

        table! { T3("right2") { #[key] pub id: i32, pub v0: Option<i64> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub s1_id: i32,
                pub s1_v0: Option<i64>,
                pub t2_id: Option<i32>,
                pub t2_v0: Option<i64>,
                pub t3_id: Option<i32>,
                pub t3_v0: Option<i64>,
            }
        }

        #[query]
        fn output(s1: Stream<S1>, t2: Table<T2>, t3: Table<T3>) -> Stream<Output> {
            s1
                .join(t2, |s1, t2| s1.id == t2.id)
                .join(t3, |s1, _, t3| s1.id == t3.id)
                .map(|s1, t2, t3| Output {
                    s1_id: s1.id,
                    s1_v0: s1.v0,
                    t2_id: t2.id,
                    t2_v0: t2.v0,
                    t3_id: t3.id,
                    t3_v0: t3.v0,
                })
        }
    }

    the_comparisons_are_turned: "multi-joins/stream-table-table - inner-inner - flip join expression" => output {
        stream! { S1("left") { #[key] pub id: i32, pub v0: Option<i64> } }

        table! { T2("right") { #[key] pub id: i32, pub v0: Option<i64> } }

        table! { T3("right2") { #[key] pub id: i32, pub v0: Option<i64> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub t2_id: i32,
                pub s1_v0: Option<i64>,
                pub t2_v0: Option<i64>,
                pub t3_v0: Option<i64>,
            }
        }

        #[query]
        fn output(s1: Stream<S1>, t2: Table<T2>, t3: Table<T3>) -> Stream<Output> {
            s1
                .join(t2, |s1, t2| t2.id == s1.id)
                .join(t3, |s1, _, t3| t3.id == s1.id)
                .map(|s1, t2, t3| Output {
                    t2_id: t2.id,
                    s1_v0: s1.v0,
                    t2_v0: t2.v0,
                    t3_v0: t3.v0,
                })
        }
    }

    columns_that_others_have_too_are_told_apart: "multi-joins/should generate correct aliases when sources have some matching and some different columns" => output {
        stream! { S1("left") { #[key] pub id: i32, pub v0: Option<i64> } }

        table! { T2("right") { #[key] pub id: i32, pub v0: Option<i64> } }

        table! { T3("right2") { #[key] pub id: i32, pub diff: Option<i64> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub s1_id: i32,
                pub s1_v0: Option<i64>,
                pub t2_v0: Option<i64>,
                pub diff: Option<i64>,
            }
        }

        #[query]
        fn output(s1: Stream<S1>, t2: Table<T2>, t3: Table<T3>) -> Stream<Output> {
            s1
                .join(t2, |s1, t2| s1.id == t2.id)
                .join(t3, |s1, _, t3| s1.id == t3.id)
                .map(|s1, t2, t3| Output {
                    s1_id: s1.id,
                    s1_v0: s1.v0,
                    t2_v0: t2.v0,
                    diff: t3.diff,
                })
        }
    }

    the_last_table_is_looked_up_by_a_value: "multi-joins/stream-table-table - qualified select *" => output {
        stream! { Left_Stream("left_topic") { #[key] pub id1: i64, pub f1: Option<i64> } }

        table! {
            Middle_Table("middle_topic") {
                #[key] pub id2: i64,
                pub f2: Option<i64>,
                pub other: Option<String>,
            }
        }

        table! { Right_Table("right_topic") { #[key] pub id3: i64, pub f3: Option<i64> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub f1: i64,
                pub id1: Option<i64>,
                pub middle_table_id2: Option<i64>,
                pub middle_table_f2: Option<i64>,
                pub middle_table_other: Option<String>,
                pub right_table_id3: Option<i64>,
                pub right_table_f3: Option<i64>,
            }
        }

        #[query]
        fn output(left_stream: Stream<Left_Stream>, middle_table: Table<Middle_Table>, right_table: Table<Right_Table>) -> Stream<Output> {
            left_stream
                .join(middle_table, |left_stream, middle_table| left_stream.id1 == middle_table.id2)
                .left_join(right_table, |left_stream, _, right_table| left_stream.f1 == right_table.id3)
                .map(|left_stream, middle_table, right_table| Output {
                    f1: left_stream.f1,
                    id1: left_stream.id1,
                    middle_table_id2: middle_table.id2,
                    middle_table_f2: middle_table.f2,
                    middle_table_other: middle_table.other,
                    right_table_id3: right_table.id3,
                    right_table_f3: right_table.f3,
                })
        }
    }
}
