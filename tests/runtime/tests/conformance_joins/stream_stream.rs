//! Two streams within a time.

use super::*;

cases! {
    "stream_stream";

    times_of_their_own_say_how_far_apart_two_records_are: "join-with-custom-timestamp/stream stream inner join with ts extractor both sides" => output {
        stream! { S1("s1") { #[key] pub id: i64, pub name: Option<String>, #[timestamp] pub ts: i64 } }

        stream! {
            S2("s2") {
                #[key] pub id: i64,
                pub f1: Option<String>,
                pub f2: Option<String>,
                #[timestamp] pub rts: i64,
            }
        }

        stream! {
            S1_Join_S2("S1_JOIN_S2") {
                #[key] pub s1_id: i64,
                pub name: Option<String>,
                #[timestamp] pub ts: i64,
                pub f1: Option<String>,
                pub f2: Option<String>,
            }
        }

        #[query]
        fn output(s1: Stream<S1>, s2: Stream<S2>) -> Stream<S1_Join_S2> {
            s1
                .join(s2, |s1, s2| s1.id == s2.id)
                .within("11s")
                .map(|s1, s2| S1_Join_S2 {
                    s1_id: s1.id,
                    name: s1.name,
                    ts: s1.ts,
                    f1: s2.f1,
                    f2: s2.f2,
                })
        }
    }

    each_side_gives_all_its_columns: "joins/matching columns in both sides = select left.* and right.*" => output {
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
                .join(r, |l, r| l.a == r.a)
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

    the_key_has_a_name_of_its_own: "joins/aliased join key" => output {
        stream! { L("LEFT") { #[key] pub a: i32, pub b: Option<i32>, pub c: Option<i32> } }

        stream! { R("RIGHT") { #[key] pub a: i32, pub b: Option<i32>, pub c: Option<i32> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub a: i32,
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
                .join(r, |l, r| l.a == r.a)
                .within("10s")
                .map(|l, r| Output {
                    a: l.a,
                    l_b: l.b,
                    l_c: l.c,
                    r_a: r.a,
                    r_b: r.b,
                    r_c: r.c,
                })
        }
    }

    what_both_are_joined_by_is_a_value_too: "joins/inner join - with both join column in projection" => output {
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
                .join(r, |l, r| l.a == r.a)
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

    the_left_column_is_the_key_where_the_right_is_computed: "joins/inner join - with left join column in projection" => output {
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
                .join(r, |l, r| l.a == r.a.abs())
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

    the_right_column_is_the_key_where_the_left_is_computed: "joins/inner join - with right join column in projection" => output {
        stream! { L("LEFT") { #[key] pub a: i32, pub b: Option<i32>, pub c: Option<i32> } }

        stream! { R("RIGHT") { #[key] pub a: i32, pub b: Option<i32>, pub c: Option<i32> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub r_a: i32,
                pub l_a: Option<i32>,
                pub l_b: Option<i32>,
                pub l_c: Option<i32>,
                pub r_b: Option<i32>,
                pub r_c: Option<i32>,
            }
        }

        #[query]
        fn output(l: Stream<L>, r: Stream<R>) -> Stream<Output> {
            l
                .join(r, |l, r| l.a.abs() == r.a)
                .within("10s")
                .map(|l, r| Output {
                    r_a: r.a,
                    l_a: l.a,
                    l_b: l.b,
                    l_c: l.c,
                    r_b: r.b,
                    r_c: r.c,
                })
        }
    }

    records_match_within_the_time: "joins/stream stream inner join" => output {
        stream! {
            Test("left_topic") {
                #[key] pub id: i64,
                pub name: Option<String>,
                pub value: Option<i64>,
            }
        }

        stream! {
            Test_Stream("right_topic") {
                #[key] pub id: i64,
                pub f1: Option<String>,
                pub f2: Option<i64>,
            }
        }

        stream! {
            Inner_Join("INNER_JOIN") {
                #[key] pub id: i64,
                pub name: Option<String>,
                pub value: Option<i64>,
                pub f1: Option<String>,
                pub f2: Option<i64>,
            }
        }

        #[query]
        fn output(t: Stream<Test>, tt: Stream<Test_Stream>) -> Stream<Inner_Join> {
            t
                .join(tt, |t, tt| t.id == tt.id)
                .within("11s")
                .map(|t, tt| Inner_Join {
                    id: t.id,
                    name: t.name,
                    value: t.value,
                    f1: tt.f1,
                    f2: tt.f2,
                })
        }
    }

    some_columns_of_the_right_side: "joins/stream stream inner join all left fields some right" => output {
        stream! {
            Test("left_topic") {
                #[key] pub id: i64,
                pub name: Option<String>,
                pub value: Option<i64>,
            }
        }

        stream! {
            Test_Stream("right_topic") {
                #[key] pub id: i64,
                pub f1: Option<String>,
                pub f2: Option<i64>,
            }
        }

        stream! {
            Inner_Join("INNER_JOIN") {
                #[key] pub t_id: i64,
                pub t_name: Option<String>,
                pub t_value: Option<i64>,
                pub f1: Option<String>,
            }
        }

        #[query]
        fn output(t: Stream<Test>, tt: Stream<Test_Stream>) -> Stream<Inner_Join> {
            t
                .join(tt, |t, tt| t.id == tt.id)
                .within("11s")
                .map(|t, tt| Inner_Join {
                    t_id: t.id,
                    t_name: t.name,
                    t_value: t.value,
                    f1: tt.f1,
                })
        }
    }

    the_time_before_is_another_than_that_after: "joins/stream stream inner join with different before and after windows" => output {
        stream! {
            Test("left_topic") {
                #[key] pub id: i64,
                pub name: Option<String>,
                pub value: Option<i64>,
            }
        }

        stream! {
            Test_Stream("right_topic") {
                #[key] pub id: i64,
                pub f1: Option<String>,
                pub f2: Option<i64>,
            }
        }

        stream! {
            Inner_Join("INNER_JOIN") {
                #[key] pub t_id: i64,
                pub name: Option<String>,
                pub value: Option<i64>,
                pub f1: Option<String>,
                pub f2: Option<i64>,
            }
        }

        #[query]
        fn output(t: Stream<Test>, tt: Stream<Test_Stream>) -> Stream<Inner_Join> {
            t
                .join(tt, |t, tt| t.id == tt.id)
                .within("11s", "10s")
                .map(|t, tt| Inner_Join {
                    t_id: t.id,
                    name: t.name,
                    value: t.value,
                    f1: tt.f1,
                    f2: tt.f2,
                })
        }
    }

    records_out_of_order_match_all_the_same: "joins/stream stream inner join with out of order messages" => output {
        stream! {
            Test("left_topic") {
                #[key] pub id: i64,
                pub name: Option<String>,
                pub value: Option<i64>,
            }
        }

        stream! {
            Test_Stream("right_topic") {
                #[key] pub id: i64,
                pub f1: Option<String>,
                pub f2: Option<i64>,
            }
        }

        stream! {
            Inner_Join("INNER_JOIN") {
                #[key] pub t_id: i64,
                pub name: Option<String>,
                pub value: Option<i64>,
                pub f1: Option<String>,
                pub f2: Option<i64>,
            }
        }

        #[query]
        fn output(t: Stream<Test>, tt: Stream<Test_Stream>) -> Stream<Inner_Join> {
            t
                .join(tt, |t, tt| t.id == tt.id)
                .within("10s")
                .map(|t, tt| Inner_Join {
                    t_id: t.id,
                    name: t.name,
                    value: t.value,
                    f1: tt.f1,
                    f2: tt.f2,
                })
        }
    }

    behind_the_grace_nothing_matches: "joins/stream stream inner join with out of order and custom grace period" => output {
        stream! { Left_Stream("left_topic") { #[key] pub id: i64, pub l1: Option<String> } }

        stream! { Right_Stream("right_topic") { #[key] pub id: i64, pub l2: Option<String> } }

        stream! {
            Inner_Join("INNER_JOIN") {
                #[key] pub t_id: i64,
                pub l1: Option<String>,
                pub l2: Option<String>,
            }
        }

        #[query]
        fn output(t: Stream<Left_Stream>, tt: Stream<Right_Stream>) -> Stream<Inner_Join> {
            t
                .join(tt, |t, tt| t.id == tt.id)
                .within("1m")
                .grace("1m")
                .map(|t, tt| Inner_Join {
                    t_id: t.id,
                    l1: t.l1,
                    l2: tt.l2,
                })
        }
    }
}
