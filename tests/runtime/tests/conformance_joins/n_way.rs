//! Three sources, streams or tables.

use super::*;

cases! {
    "n_way";

    one_of_three_can_be_the_key: "multi-joins/only viable in projection" => output {
        stream! { S1("left") { #[key] pub id: i32, pub v0: Option<i64> } }

        stream! { S2("right") { #[key] pub id: i32, pub v0: Option<i64> } }

        stream! { S3("right2") { #[key] pub id: i32, pub v0: Option<i64> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub s1_id: i32,
                pub s1_v0: Option<i64>,
                pub s2_v0: Option<i64>,
                pub s3_v0: Option<i64>,
            }
        }

        #[query]
        fn output(s1: Stream<S1>, s2: Stream<S2>, s3: Stream<S3>) -> Stream<Output> {
            s1
                .join(s2, |s1, s2| s1.id == s2.id.abs())
                .within("10s")
                .join(s3, |_, s2, s3| s2.id.abs() == s3.id.abs())
                .within("10s")
                .map(|s1, s2, s3| Output {
                    s1_id: s1.id,
                    s1_v0: s1.v0,
                    s2_v0: s2.v0,
                    s3_v0: s3.v0,
                })
        }
    }

    two_records_look_up_a_row: "multi-joins/stream-stream-table - inner-inner" => output {
        stream! { S1("left") { #[key] pub id: i32, pub v0: Option<i64> } }

        stream! { S2("right") { #[key] pub id: i32, pub v0: Option<i64> } }

        table! { T3("right2") { #[key] pub id: i32, pub v0: Option<i64> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub s2_id: i32,
                pub s1_v0: Option<i64>,
                pub s2_v0: Option<i64>,
                pub t3_v0: Option<i64>,
            }
        }

        #[query]
        fn output(s1: Stream<S1>, s2: Stream<S2>, t3: Table<T3>) -> Stream<Output> {
            s1
                .join(s2, |s1, s2| s1.id == s2.id)
                .within("10s")
                .join(t3, |s1, _, t3| s1.id == t3.id)
                .map(|s1, s2, t3| Output {
                    s2_id: s2.id,
                    s1_v0: s1.v0,
                    s2_v0: s2.v0,
                    t3_v0: t3.v0,
                })
        }
    }

    two_records_by_a_value_of_one: "multi-joins/stream-stream-table - inner-inner - rekey left" => output {
        stream! { S1("left") { #[key] pub id: i32, pub k: Option<i32>, pub v0: Option<i64> } }

        stream! { S2("right") { #[key] pub id: i32, pub v0: Option<i64> } }

        table! { T3("right2") { #[key] pub id: i32, pub v0: Option<i64> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub k: i32,
                pub s1_v0: Option<i64>,
                pub s2_v0: Option<i64>,
                pub t3_v0: Option<i64>,
            }
        }

        #[query]
        fn output(s1: Stream<S1>, s2: Stream<S2>, t3: Table<T3>) -> Stream<Output> {
            s1
                .join(s2, |s1, s2| s1.k == s2.id)
                .within("10s")
                .join(t3, |s1, _, t3| s1.k == t3.id)
                .map(|s1, s2, t3| Output {
                    k: s1.k,
                    s1_v0: s1.v0,
                    s2_v0: s2.v0,
                    t3_v0: t3.v0,
                })
        }
    }

    two_records_by_values_of_both: "multi-joins/stream-stream-table - inner-inner - rekey left and right" => output {
        stream! { S1("left") { #[key] pub id: i32, pub k: Option<i32>, pub v0: Option<i64> } }

        stream! { S2("right") { #[key] pub id: i32, pub k: Option<i32>, pub v0: Option<i64> } }

        table! { T3("right2") { #[key] pub id: i32, pub v0: Option<i64> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub t3_id: i32,
                pub s1_v0: Option<i64>,
                pub s2_v0: Option<i64>,
                pub t3_v0: Option<i64>,
            }
        }

        #[query]
        fn output(s1: Stream<S1>, s2: Stream<S2>, t3: Table<T3>) -> Stream<Output> {
            s1
                .join(s2, |s1, s2| s1.k == s2.k)
                .within("10s")
                .join(t3, |s1, _, t3| s1.k == t3.id)
                .map(|s1, s2, t3| Output {
                    t3_id: t3.id,
                    s1_v0: s1.v0,
                    s2_v0: s2.v0,
                    t3_v0: t3.v0,
                })
        }
    }

    either_of_two_records_looks_up_a_row: "multi-joins/stream-stream-table - full-inner" => output said_as "an outer join of streams of ours says its grace" later "S2_V0" {
        stream! { S1("left") { #[key] pub id: i32, pub v0: Option<i64> } }

        stream! { S2("right") { #[key] pub id: i32, pub v0: Option<i64> } }

        table! { T3("right2") { #[key] pub id: i32, pub v0: Option<i64> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub s1_id: i32,
                pub s1_v0: Option<i64>,
                pub s2_v0: Option<i64>,
                pub t3_v0: Option<i64>,
            }
        }

        #[query]
        fn output(s1: Stream<S1>, s2: Stream<S2>, t3: Table<T3>) -> Stream<Output> {
            s1
                .full_join(s2, |s1, s2| s1.id == s2.id)
                .within("10s")
                .join(t3, |s1, _, t3| s1.id == t3.id)
                .map(|s1, s2, t3| Output {
                    s1_id: s1.id,
                    s1_v0: s1.v0,
                    s2_v0: s2.v0,
                    t3_v0: t3.v0,
                })
        }
    }

    a_row_that_was_looked_up_matches_a_record: "multi-joins/stream-table-stream - inner-inner" => output {
        stream! { S1("left") { #[key] pub id: i32, pub v0: Option<i64> } }

        table! { T2("right") { #[key] pub id: i32, pub v0: Option<i64> } }

        stream! { S3("right2") { #[key] pub id: i32, pub v0: Option<i64> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub s3_id: i32,
                pub s1_v0: Option<i64>,
                pub t2_v0: Option<i64>,
                pub s3_v0: Option<i64>,
            }
        }

        #[query]
        fn output(s1: Stream<S1>, t2: Table<T2>, s3: Stream<S3>) -> Stream<Output> {
            s1
                .join(t2, |s1, t2| s1.id == t2.id)
                .join(s3, |s1, _, s3| s1.id == s3.id)
                .within("10s")
                .map(|s1, t2, s3| Output {
                    s3_id: s3.id,
                    s1_v0: s1.v0,
                    t2_v0: t2.v0,
                    s3_v0: s3.v0,
                })
        }
    }

    a_row_that_was_not_found_matches_a_record: "multi-joins/stream-table-stream - left-inner" => output {
        stream! { S1("left") { #[key] pub id: i32, pub v0: Option<i64> } }

        table! { T2("right") { #[key] pub id: i32, pub v0: Option<i64> } }

        stream! { S3("right2") { #[key] pub id: i32, pub v0: Option<i64> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub s3_id: i32,
                pub s1_v0: Option<i64>,
                pub t2_v0: Option<i64>,
                pub s3_v0: Option<i64>,
            }
        }

        #[query]
        fn output(s1: Stream<S1>, t2: Table<T2>, s3: Stream<S3>) -> Stream<Output> {
            s1
                .left_join(t2, |s1, t2| s1.id == t2.id)
                .join(s3, |s1, _, s3| s1.id == s3.id)
                .within("10s")
                .map(|s1, t2, s3| Output {
                    s3_id: s3.id,
                    s1_v0: s1.v0,
                    t2_v0: t2.v0,
                    s3_v0: s3.v0,
                })
        }
    }

    left_joins_of_three_streams: "multi-joins/stream-stream-stream - left-left" => output said_as "an outer join of streams of ours says its grace" later "S2_V0", "S3_V0" {
        stream! { S1("left") { #[key] pub id: i32, pub v0: Option<i64> } }

        stream! { S2("right") { #[key] pub id: i32, pub v0: Option<i64> } }

        stream! { S3("right2") { #[key] pub id: i32, pub v0: Option<i64> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub s2_id: i32,
                pub s1_v0: Option<i64>,
                pub s2_v0: Option<i64>,
                pub s3_v0: Option<i64>,
            }
        }

        #[query]
        fn output(s1: Stream<S1>, s2: Stream<S2>, s3: Stream<S3>) -> Stream<Output> {
            s1
                .left_join(s2, |s1, s2| s1.id == s2.id)
                .within("5s")
                .left_join(s3, |s1, _, s3| s1.id == s3.id)
                .within("10s")
                .map(|s1, s2, s3| Output {
                    s2_id: s2.id,
                    s1_v0: s1.v0,
                    s2_v0: s2.v0,
                    s3_v0: s3.v0,
                })
        }
    }

    three_records_within_two_times: "multi-joins/stream-stream-stream - inner-inner - different windows" => output {
        stream! { S1("left") { #[key] pub id: i32, pub v0: Option<i64> } }

        stream! { S2("right") { #[key] pub id: i32, pub v0: Option<i64> } }

        stream! { S3("right2") { #[key] pub id: i32, pub v0: Option<i64> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub s2_id: i32,
                pub s1_v0: Option<i64>,
                pub s2_v0: Option<i64>,
                pub s3_v0: Option<i64>,
            }
        }

        #[query]
        fn output(s1: Stream<S1>, s2: Stream<S2>, s3: Stream<S3>) -> Stream<Output> {
            s1
                .join(s2, |s1, s2| s1.id == s2.id)
                .within("5s")
                .join(s3, |s1, _, s3| s1.id == s3.id)
                .within("10s")
                .map(|s1, s2, s3| Output {
                    s2_id: s2.id,
                    s1_v0: s1.v0,
                    s2_v0: s2.v0,
                    s3_v0: s3.v0,
                })
        }
    }

    three_tables_with_keys_of_two_forms: "multi-joins/table-table-table - key format mismatch" => output {
        table! { T1("left") { #[key] pub id: i32, pub v0: Option<i64> } }

        table! { T2("right") { #[key] pub id: i32, pub v0: Option<i64> } }

        table! { T3("right2") { #[key] pub id: i32, pub v0: Option<i64> } }

        table! {
            Output("OUTPUT") {
                #[key] pub t1_id: i32,
                pub t1_v0: Option<i64>,
                pub t2_v0: Option<i64>,
                pub t3_v0: Option<i64>,
            }
        }

        #[query]
        fn output(t1: Table<T1>, t2: Table<T2>, t3: Table<T3>) -> Table<Output> {
            t1
                .join(t2, |t1, t2| t1.id == t2.id)
                .join(t3, |t1, _, t3| t1.id == t3.id)
                .map(|t1, t2, t3| Output {
                    t1_id: t1.id,
                    t1_v0: t1.v0,
                    t2_v0: t2.v0,
                    t3_v0: t3.v0,
                })
        }
    }

    three_tables: "multi-joins/table-table-table - inner-inner" => output {
        table! { T1("left") { #[key] pub id: i32, pub v0: Option<i64> } }

        table! { T2("right") { #[key] pub id: i32, pub v0: Option<i64> } }

        table! { T3("right2") { #[key] pub id: i32, pub v0: Option<i64> } }

        table! {
            Output("OUTPUT") {
                #[key] pub t1_id: i32,
                pub t1_v0: Option<i64>,
                pub t2_v0: Option<i64>,
                pub t3_v0: Option<i64>,
            }
        }

        #[query]
        fn output(t1: Table<T1>, t2: Table<T2>, t3: Table<T3>) -> Table<Output> {
            t1
                .join(t2, |t1, t2| t1.id == t2.id)
                .join(t3, |t1, _, t3| t1.id == t3.id)
                .map(|t1, t2, t3| Output {
                    t1_id: t1.id,
                    t1_v0: t1.v0,
                    t2_v0: t2.v0,
                    t3_v0: t3.v0,
                })
        }
    }
}
