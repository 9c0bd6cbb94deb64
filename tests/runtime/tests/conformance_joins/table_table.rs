//! Tables by their keys.

use super::*;

cases! {
    "table_table";

    a_row_has_the_later_time_of_both: "join-with-custom-timestamp/table table inner join with ts" => output {
        table! { S1("s1") { #[key] pub id: i64, pub name: Option<String>, #[timestamp] pub ts: i64 } }

        table! { S2("s2") { #[key] pub id: i64, pub f1: Option<String>, pub f2: Option<String> } }

        table! {
            S1_Join_S2("S1_JOIN_S2") {
                #[key] pub s1_id: i64,
                pub name: Option<String>,
                #[timestamp] pub ts: i64,
                pub f1: Option<String>,
                pub f2: Option<String>,
            }
        }

        #[query]
        fn output(s1: Table<S1>, s2: Table<S2>) -> Table<S1_Join_S2> {
            s1
                .join(s2, |s1, s2| s1.id == s2.id)
                .map(|s1, s2| S1_Join_S2 {
                    s1_id: s1.id,
                    name: s1.name,
                    ts: s1.ts,
                    f1: s2.f1,
                    f2: s2.f2,
                })
        }
    }

    either_side_may_be_missing_and_the_key_is_there: "joins/unaliased synthetic join key" => output {
        table! { L("left_topic") { #[key] pub id: i32, pub v0: Option<i32>, pub v1: Option<i32> } }

        table! { R("right_topic") { #[key] pub id: i32, pub v0: Option<i32>, pub v1: Option<i32> } }

        table! {
            Output("OUTPUT") {
                #[key] pub rowkey: i32,
                pub l_id: Option<i32>,
                pub r_id: Option<i32>,
                pub l_v0: Option<i32>,
                pub r_v1: Option<i32>,
            }
        }

        #[query]
        fn output(l: Table<L>, r: Table<R>) -> Table<Output> {
            l
                .full_join(r, |l, r| l.id == r.id)
                .map(|l, r| Output {
                    rowkey: l.id.or(r.id),
                    l_id: l.id,
                    r_id: r.id,
                    l_v0: l.v0,
                    r_v1: r.v1,
                })
        }
    }

    a_right_join_keeps_all_rows_of_the_right_table: "joins/table table right join all fields" => output {
        table! { Test("left_topic") { #[key] pub id: i64, pub name: Option<String>, pub value: Option<i64> } }

        table! {
            Test_Table("right_topic") {
                #[key] pub id: i64,
                pub f1: Option<String>,
                pub f2: Option<i64>,
            }
        }

        table! {
            Output("OUTPUT") {
                #[key] pub t_id: i64,
                pub t_name: Option<String>,
                pub t_value: Option<i64>,
                pub tt_id: Option<i64>,
                pub tt_f1: Option<String>,
                pub tt_f2: Option<i64>,
            }
        }

        #[query]
        fn output(t: Table<Test>, tt: Table<Test_Table>) -> Table<Output> {
            t
                .right_join(tt, |t, tt| t.id == tt.id)
                .map(|t, tt| Output {
                    t_id: t.id,
                    t_name: t.name,
                    t_value: t.value,
                    tt_id: tt.id,
                    tt_f1: tt.f1,
                    tt_f2: tt.f2,
                })
        }
    }

    a_row_of_both_is_there_while_both_are: "joins/table table inner join" => output {
        table! { Test("left_topic") { #[key] pub id: i64, pub name: Option<String>, pub value: Option<i64> } }

        table! {
            Test_Table("right_topic") {
                #[key] pub id: i64,
                pub f1: Option<String>,
                pub f2: Option<i64>,
            }
        }

        table! {
            Inner_Join("INNER_JOIN") {
                #[key] pub t_id: i64,
                pub name: Option<String>,
                pub value: Option<i64>,
                pub f1: Option<String>,
                pub f2: Option<i64>,
            }
        }

        #[query]
        fn output(t: Table<Test>, tt: Table<Test_Table>) -> Table<Inner_Join> {
            t
                .join(tt, |t, tt| t.id == tt.id)
                .map(|t, tt| Inner_Join {
                    t_id: t.id,
                    name: t.name,
                    value: t.value,
                    f1: tt.f1,
                    f2: tt.f2,
                })
        }
    }

    keys_of_two_forms: "joins/table-table key-to-key - key format mismatch" => output {
        table! { T1("t1") { #[key] pub id: i32, pub val: Option<String> } }

        table! { T2("t2") { #[key] pub id: i32, pub foo: Option<i32> } }

        table! {
            Output("OUTPUT") {
                #[key] pub t1_id: i32,
                pub t1_val: Option<String>,
                pub t2_id: Option<i32>,
                pub t2_foo: Option<i32>,
            }
        }

        #[query]
        fn output(t1: Table<T1>, t2: Table<T2>) -> Table<Output> {
            t1
                .join(t2, |t1, t2| t1.id == t2.id)
                .map(|t1, t2| Output {
                    t1_id: t1.id,
                    t1_val: t1.val,
                    t2_id: t2.id,
                    t2_foo: t2.foo,
                })
        }
    }

    a_left_join_with_deletions: "joins/table-table - SR-enabled key format - with nulls" => output {
        table! { T1("t1") { #[key] pub id: i64, pub name: Option<String> } }

        table! { T2("t2") { #[key] pub id: i64, pub f1: Option<String> } }

        table! {
            Output("OUTPUT") {
                #[key] pub t1_id: i64,
                pub name: Option<String>,
                pub f1: Option<String>,
            }
        }

        #[query]
        fn output(t1: Table<T1>, t2: Table<T2>) -> Table<Output> {
            t1
                .left_join(t2, |t1, t2| t1.id == t2.id)
                .map(|t1, t2| Output {
                    t1_id: t1.id,
                    name: t1.name,
                    f1: t2.f1,
                })
        }
    }
}
