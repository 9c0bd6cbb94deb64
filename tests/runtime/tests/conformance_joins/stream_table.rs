//! Records that look up a row.

use super::*;

cases! {
    "stream_table";

    a_record_without_a_key_finds_its_row: "joins/streams with no key columns (stream->table)" => output {
        stream! { L("LEFT") { pub a: Option<i32>, pub b: Option<i32>, pub c: Option<i32> } }

        table! { R("RIGHT") { #[key] pub a: i32, pub b: Option<i32>, pub c: Option<i32> } }

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
        fn output(l: Stream<L>, r: Table<R>) -> Stream<Output> {
            l
                .join(r, |l, r| l.a == r.a)
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

    keys_of_two_forms: "joins/stream-table key-to-key - key format mismatch" => output {
        table! { T("t") { #[key] pub id: i32, pub val: Option<String> } }

        stream! { S("s") { #[key] pub id: i32, pub foo: Option<i32> } }

        stream! { Output("OUTPUT") { #[key] pub s_id: i32, pub val: Option<String> } }

        #[query]
        fn output(s: Stream<S>, t: Table<T>) -> Stream<Output> {
            s
                .join(t, |s, t| s.id == t.id)
                .map(|s, t| Output {
                    s_id: s.id,
                    val: t.val,
                })
        }
    }

    a_record_without_a_key_is_kept: "joins/stream-table val-to-key - keyless" => output {
        table! { T("t") { #[key] pub id: i32, pub val: Option<String> } }

        stream! { S("s") { pub id: Option<i32>, pub foo: Option<i32> } }

        stream! { Output("OUTPUT") { #[key] pub s_id: i32, pub val: Option<String> } }

        #[query]
        fn output(s: Stream<S>, t: Table<T>) -> Stream<Output> {
            s
                .left_join(t, |s, t| s.id == t.id)
                .map(|s, t| Output {
                    s_id: s.id,
                    val: t.val,
                })
        }
    }

    what_has_no_key_is_given_one: "none/inherited in CSAS - JOIN with repartition" => output {
        table! { T("t") { #[key] pub id: i32, pub val: Option<String> } }

        stream! { S("s") { pub id: Option<i32> } }

        stream! { Output("OUTPUT") { #[key] pub s_id: i32, pub val: Option<String> } }

        #[query]
        fn output(s: Stream<S>, t: Table<T>) -> Stream<Output> {
            s
                .join(t, |s, t| s.id == t.id)
                .map(|s, t| Output {
                    s_id: s.id,
                    val: t.val,
                })
        }
    }

    by_the_copy_of_a_key: "as_value/join" => output {
        stream! { I1("i1") { #[key] pub id: i32, pub v0: Option<i32>, pub v1: Option<i32> } }

        table! { I2("i2") { #[key] pub id: i32, pub v0: Option<i32>, pub v1: Option<i32> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub i2_id: i32,
                pub i1_id: Option<i32>,
                pub i1_v0: Option<i32>,
                pub i1_v1: Option<i32>,
                pub i2_v0: Option<i32>,
                pub i2_v1: Option<i32>,
            }
        }

        #[query]
        fn output(i1: Stream<I1>, i2: Table<I2>) -> Stream<Output> {
            i1
                .join(i2, |i1, i2| i1.id.as_value() == i2.id)
                .map(|i1, i2| Output {
                    i2_id: i2.id,
                    i1_id: i1.id,
                    i1_v0: i1.v0,
                    i1_v1: i1.v1,
                    i2_v0: i2.v0,
                    i2_v1: i2.v1,
                })
        }
    }
}
