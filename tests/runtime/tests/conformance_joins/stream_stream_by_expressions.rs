//! Two streams by values, expressions, keys of several forms; filtered.

use super::*;

cases! {
    "stream_stream_by_expressions";

    by_a_part_of_a_text: "joins/stream stream join - contains function" => output {
        stream! { Test1("left_topic") { #[key] pub k: String, pub id: Option<String> } }

        stream! { Test2("right_topic") { #[key] pub k: String, pub id: Option<String> } }

        stream! { Output("OUTPUT") { #[key] pub t_id: String, pub tt_id: Option<String> } }

        #[query]
        fn output(t: Stream<Test1>, tt: Stream<Test2>) -> Stream<Output> {
            t
                .join(tt, |t, tt| t.id == tt.id.substring(2))
                .within("30s")
                .map(|t, tt| Output {
                    t_id: t.id,
                    tt_id: tt.id,
                })
        }
    }

    by_a_converted_key: "joins/stream stream join - contains CAST" => output {
        stream! { Test1("left_topic") { #[key] pub id: i64, pub x: Option<i64> } }

        stream! { Test2("right_topic") { #[key] pub id: i32, pub x: Option<i32> } }

        stream! { Output("OUTPUT") { #[key] pub t_id: i64, pub t_x: Option<i64> } }

        #[query]
        fn output(t: Stream<Test1>, tt: Stream<Test2>) -> Stream<Output> {
            t
                .join(tt, |t, tt| t.id == tt.id as i64)
                .within("30s")
                .map(|t, _| Output {
                    t_id: t.id,
                    t_x: t.x,
                })
        }
    }

    by_the_negative: "joins/stream stream join - contains arithmetic unary expression" => output {
        stream! { Test1("left_topic") { #[key] pub id: i32, pub name: Option<String> } }

        stream! { Test2("right_topic") { #[key] pub id: i32, pub name: Option<String> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub t_id: i32,
                pub t_name: Option<String>,
                pub tt_name: Option<String>,
            }
        }

        #[query]
        fn output(t: Stream<Test1>, tt: Stream<Test2>) -> Stream<Output> {
            t
                .join(tt, |t, tt| t.id == -tt.id)
                .within("30s")
                .map(|t, tt| Output {
                    t_id: t.id,
                    t_name: t.name,
                    tt_name: tt.name,
                })
        }
    }

    by_a_choice: "joins/stream stream join - contains CASE expression" => output {
        stream! { Test1("left_topic") { #[key] pub id: i32, pub ignored: Option<String> } }

        stream! { Test2("right_topic") { #[key] pub id: i32, pub ignored: Option<String> } }

        stream! { Output("OUTPUT") { #[key] pub t_id: i32, pub tt_id: Option<i32> } }

        #[query]
        fn output(t: Stream<Test1>, tt: Stream<Test2>) -> Stream<Output> {
            t
                .join(tt, |t, tt| t.id == if tt.id == 2 { 1 } else { 3 })
                .within("30s")
                .map(|t, tt| Output {
                    t_id: t.id,
                    tt_id: tt.id,
                })
        }
    }

    by_a_text_that_is_no_key: "joins/on STRING column - KAFKA" => output {
        stream! { L("left_topic") { #[key] pub id: String, pub l0: Option<String>, pub l1: Option<i32> } }

        stream! { R("right_topic") { #[key] pub id: String, pub r0: Option<String>, pub r1: Option<i32> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub l0: String,
                pub l_id: Option<String>,
                pub l1: Option<i32>,
                pub r1: Option<i32>,
            }
        }

        #[query]
        fn output(l: Stream<L>, r: Stream<R>) -> Stream<Output> {
            l
                .join(r, |l, r| l.l0 == r.r0)
                .within("11s")
                .map(|l, r| Output {
                    l0: l.l0,
                    l_id: l.id,
                    l1: l.l1,
                    r1: r.r1,
                })
        }
    }

    rows_are_chosen_behind_a_join: "joins/with where" => output {
        stream! {
            Impressions("impressions") {
                #[key] pub user: String,
                pub impression_id: Option<i64>,
                pub url: Option<String>,
            }
        }

        stream! { Clicks("clicks") { #[key] pub user: String, pub url: Option<String> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub i_user: String,
                pub impression_id: Option<i64>,
                pub url: Option<String>,
            }
        }

        #[query]
        fn output(i: Stream<Impressions>, c: Stream<Clicks>) -> Stream<Output> {
            i
                .join(c, |i, c| i.user == c.user)
                .within("1m")
                .filter(|i, c| i.url == c.url)
                .map(|i, _| Output {
                    i_user: i.user,
                    impression_id: i.impression_id,
                    url: i.url,
                })
        }
    }

    keys_of_two_forms: "joins/stream-stream key-to-key - key format mismatch" => output {
        stream! { S1("s1") { #[key] pub id: i32, pub foo: Option<i32> } }

        stream! { S2("s2") { #[key] pub id: i32, pub val: Option<String> } }

        stream! { Output("OUTPUT") { #[key] pub s1_id: i32, pub val: Option<String> } }

        #[query]
        fn output(s1: Stream<S1>, s2: Stream<S2>) -> Stream<Output> {
            s1
                .join(s2, |s1, s2| s1.id == s2.id)
                .within("10s")
                .map(|s1, s2| Output {
                    s1_id: s1.id,
                    val: s2.val,
                })
        }
    }

    keys_of_two_forms_of_the_registry: "joins/stream-stream key-to-key - key format and default feature mismatch" => output {
        stream! { S1("s1") { #[key] pub id: i32, pub foo: Option<i32> } }

        stream! { S2("s2") { #[key] pub id: i32, pub val: Option<String> } }

        stream! { Output("OUTPUT") { #[key] pub s1_id: i32, pub val: Option<String> } }

        #[query]
        fn output(s1: Stream<S1>, s2: Stream<S2>) -> Stream<Output> {
            s1
                .join(s2, |s1, s2| s1.id == s2.id)
                .within("10s")
                .map(|s1, s2| Output {
                    s1_id: s1.id,
                    val: s2.val,
                })
        }
    }

    sources_have_other_names_in_a_query: "identifiers/aliased join source" => output {
        stream! { Input_1("t1") { #[key] pub foo: i32, pub bar: Option<i32> } }

        stream! { Input_2("t2") { #[key] pub foo: i32, pub bar: Option<i32> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub i1_foo: i32,
                pub i1_bar: Option<i32>,
                pub i2_bar: Option<i32>,
            }
        }

        #[query]
        fn output(i1: Stream<Input_1>, i2: Stream<Input_2>) -> Stream<Output> {
            i1
                .join(i2, |i1, i2| i1.foo == i2.foo)
                .within("1m")
                .map(|i1, i2| Output {
                    i1_foo: i1.foo,
                    i1_bar: i1.bar,
                    i2_bar: i2.bar,
                })
        }
    }

    one_source_has_another_name_in_a_query: "identifiers/aliased left unaliased right" => output {
        stream! { Input_1("t1") { #[key] pub foo: i32, pub bar: Option<i32> } }

        stream! { Input_2("t2") { #[key] pub foo: i32, pub bar: Option<i32> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub i1_foo: i32,
                pub i1_bar: Option<i32>,
                pub input_2_bar: Option<i32>,
            }
        }

        #[query]
        fn output(i1: Stream<Input_1>, input_2: Stream<Input_2>) -> Stream<Output> {
            i1
                .join(input_2, |i1, input_2| i1.foo == input_2.foo)
                .within("1m")
                .map(|i1, input_2| Output {
                    i1_foo: i1.foo,
                    i1_bar: i1.bar,
                    input_2_bar: input_2.bar,
                })
        }
    }

    the_fields_of_structs: "select-struct-all/joins and struct all on projection" => output said_as "the fields are named one by one" {
        nested! { Pair { pub a: Option<i32>, pub b: Option<i32> } }

        stream! { Input_1("test_topic_1") { #[key] pub k1: i32, pub v1: Option<Pair> } }

        stream! { Input_2("test_topic_2") { #[key] pub k1: i32, pub v1: Option<Pair> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub i1_k1: i32,
                pub a: Option<i32>,
                pub b: Option<i32>,
                pub i2_a: Option<i32>,
                pub i2_b: Option<i32>,
            }
        }

        #[query]
        fn output(i1: Stream<Input_1>, i2: Stream<Input_2>) -> Stream<Output> {
            i1
                .join(i2, |i1, i2| i1.k1 == i2.k1)
                .within("1s", "100s")
                .map(|i1, i2| Output {
                    i1_k1: i1.k1,
                    a: i1.v1.a,
                    b: i1.v1.b,
                    i2_a: i2.v1.a,
                    i2_b: i2.v1.b,
                })
        }
    }
}
