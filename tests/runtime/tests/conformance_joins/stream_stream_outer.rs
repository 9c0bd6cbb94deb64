//! Outer joins of two streams: the cases say no grace, ours do.

use super::*;

cases! {
    "stream_stream_outer";

    a_left_join_gives_the_columns_of_both: "joins/left join - with both join column in projection" => output said_as "an outer join of streams of ours says its grace" {
        stream! { L("LEFT") { #[key] pub a: i32, pub b: Option<i32>, pub c: Option<i32> } }

        stream! { R("RIGHT") { #[key] pub a: i32, pub b: Option<i32>, pub c: Option<i32> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub l_a: i32,
                pub l_b: Option<i32>,
                pub l_c: Option<i32>,
                pub r_a: Option<i32>,
                pub r_b: Option<i32>,
                pub r_c: Option<i32>,
            }
        }

        #[query]
        fn output(l: Stream<L>, r: Stream<R>) -> Stream<Output> {
            l
                .left_join(r, |l, r| l.a == r.a)
                .within("10s")
                .map(|l, r| Output {
                    l_a: l.a,
                    l_b: l.b,
                    l_c: l.c,
                    r_a: r.a,
                    r_b: r.b,
                    r_c: r.c,
                })
        }
    }

    a_left_join_by_what_is_computed: "joins/left join - with left join column in projection" => output said_as "an outer join of streams of ours says its grace" {
        stream! { L("LEFT") { #[key] pub a: i32, pub b: Option<i32>, pub c: Option<i32> } }

        stream! { R("RIGHT") { #[key] pub a: i32, pub b: Option<i32>, pub c: Option<i32> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub l_a: i32,
                pub l_b: Option<i32>,
                pub l_c: Option<i32>,
                pub r_a: Option<i32>,
                pub r_b: Option<i32>,
                pub r_c: Option<i32>,
            }
        }

        #[query]
        fn output(l: Stream<L>, r: Stream<R>) -> Stream<Output> {
            l
                .left_join(r, |l, r| l.a == r.a.abs())
                .within("10s")
                .map(|l, r| Output {
                    l_a: l.a,
                    l_b: l.b,
                    l_c: l.c,
                    r_a: r.a,
                    r_b: r.b,
                    r_c: r.c,
                })
        }
    }

    where_both_are_computed_the_key_is_ksqldbs: "joins/left join - with synthetic join column in projection" => output said_as "an outer join of streams of ours says its grace" later "R_ID" {
        stream! { L("left_topic") { #[key] pub id: i32, pub v0: Option<i32>, pub v1: Option<i32> } }

        stream! { R("right_topic") { #[key] pub id: i32, pub v0: Option<i32>, pub v1: Option<i32> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub id: i32,
                pub l_id: Option<i32>,
                pub r_id: Option<i32>,
                pub l_v0: Option<i32>,
                pub r_v1: Option<i32>,
            }
        }

        #[query]
        fn output(l: Stream<L>, r: Stream<R>) -> Stream<Output> {
            l
                .left_join(r, |l, r| l.id.abs() == r.id.abs())
                .within("1s")
                .map(|l, r| Output {
                    id: l.id.abs(),
                    l_id: l.id,
                    r_id: r.id,
                    l_v0: l.v0,
                    r_v1: r.v1,
                })
        }
    }

    a_left_join_by_values: "joins/stream stream left join with key in projection - rekey" => output said_as "an outer join of streams of ours says its grace" later "F1" {
        stream! {
            Test("left_topic") {
                #[key] pub k: String,
                pub id: Option<i64>,
                pub name: Option<String>,
                pub value: Option<i64>,
            }
        }

        stream! {
            Test_Stream("right_topic") {
                #[key] pub k: String,
                pub id: Option<i64>,
                pub f1: Option<String>,
                pub f2: Option<i64>,
            }
        }

        stream! {
            Output("OUTPUT") {
                #[key] pub t_id: i64,
                pub t_k: Option<String>,
                pub name: Option<String>,
                pub value: Option<i64>,
                pub f1: Option<String>,
                pub f2: Option<i64>,
            }
        }

        #[query]
        fn output(t: Stream<Test>, tt: Stream<Test_Stream>) -> Stream<Output> {
            t
                .left_join(tt, |t, tt| t.id == tt.id)
                .within("11s")
                .map(|t, tt| Output {
                    t_id: t.id,
                    t_k: t.k,
                    name: t.name,
                    value: t.value,
                    f1: tt.f1,
                    f2: tt.f2,
                })
        }
    }

    a_left_join_by_values_of_records_some_without_a_key: "joins/stream stream left join - rekey" => output said_as "an outer join of streams of ours says its grace" later "F1" {
        stream! {
            Test("left_topic") {
                pub id: Option<i64>,
                pub name: Option<String>,
                pub value: Option<i64>,
            }
        }

        stream! {
            Test_Stream("right_topic") {
                pub id: Option<i64>,
                pub f1: Option<String>,
                pub f2: Option<i64>,
            }
        }

        stream! {
            Output("OUTPUT") {
                #[key] pub t_id: i64,
                pub name: Option<String>,
                pub value: Option<i64>,
                pub f1: Option<String>,
                pub f2: Option<i64>,
            }
        }

        #[query]
        fn output(t: Stream<Test>, tt: Stream<Test_Stream>) -> Stream<Output> {
            t
                .left_join(tt, |t, tt| t.id == tt.id)
                .within("11s")
                .map(|t, tt| Output {
                    t_id: t.id,
                    name: t.name,
                    value: t.value,
                    f1: tt.f1,
                    f2: tt.f2,
                })
        }
    }

    a_right_join_by_values_of_records_some_without_a_key: "joins/stream stream right join - rekey" => output said_as "an outer join of streams of ours says its grace" later "NAME" {
        stream! {
            Test("left_topic") {
                pub id: Option<i64>,
                pub name: Option<String>,
                pub value: Option<i64>,
            }
        }

        stream! {
            Test_Stream("right_topic") {
                pub id: Option<i64>,
                pub f1: Option<String>,
                pub f2: Option<i64>,
            }
        }

        stream! {
            Output("OUTPUT") {
                #[key] pub t_id: i64,
                pub name: Option<String>,
                pub value: Option<i64>,
                pub f1: Option<String>,
                pub f2: Option<i64>,
            }
        }

        #[query]
        fn output(t: Stream<Test>, tt: Stream<Test_Stream>) -> Stream<Output> {
            t
                .right_join(tt, |t, tt| t.id == tt.id)
                .within("11s")
                .map(|t, tt| Output {
                    t_id: t.id,
                    name: t.name,
                    value: t.value,
                    f1: tt.f1,
                    f2: tt.f2,
                })
        }
    }
}
