//! Aggregates of arrays, maps and structs, and the largest values with what stands beside them.

use super::*;

mod pairs {
    use super::*;

    nested! { Pair { a: Option<String>, b: Option<i64> } }

    stream! { Input("test_topic") { #[key] pub id: i64, pub f0: Option<Pair> } }

    table! { Output("OUTPUT") { #[key] pub id: i64, pub l0: Option<Pair> } }
}

mod maps {
    use super::*;

    stream! {
        Input("test_topic") { #[key] pub id: i64, pub f0: Option<BTreeMap<String, Option<f64>>> }
    }

    table! {
        Output("OUTPUT") { #[key] pub id: i64, pub l0: Option<BTreeMap<String, Option<f64>>> }
    }
}

cases! {
    "nested_values";

    the_last_struct: "latest-offset-udaf/latest by offset with structs" => output {
        use pairs::{Input, Output};

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                l0: g.latest(|r| r.f0),
            })
        }
    }

    the_first_struct: "earliest-offset-udaf/earliest by offset with structs" => output {
        use pairs::{Input, Output};

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                l0: g.earliest(|r| r.f0),
            })
        }
    }

    the_last_map: "latest-offset-udaf/latest by offset with maps" => output {
        use maps::{Input, Output};

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                l0: g.latest(|r| r.f0),
            })
        }
    }

    the_first_map: "earliest-offset-udaf/earliest by offset with maps" => output {
        use maps::{Input, Output};

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                l0: g.earliest(|r| r.f0),
            })
        }
    }

    arrays_of_structs_are_collected: "collect-list/collect_list with arrays, structs, and maps" => output {
        nested! {
            Item {
                a: Option<String>,
                m: Option<BTreeMap<String, Option<f64>>>,
                d: Option<Dec<4, 1>>,
            }
        }

        stream! { Input("test_topic") { #[key] pub id: i64, pub f0: Option<Vec<Option<Item>>> } }

        table! {
            Output("OUTPUT") {
                #[key] pub id: i64,
                pub collected: Option<Vec<Option<Vec<Option<Item>>>>>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                collected: g.collect_list(|r| r.f0),
            })
        }
    }

    arrays_are_collected_each_once: "collect-set/collect_set arrays" => output {
        stream! { Test("test_topic") { #[key] pub id: i64, pub value: Option<Vec<Option<i32>>> } }

        table! {
            S2("S2") { #[key] pub id: i64, pub collected: Option<Vec<Option<Vec<Option<i32>>>>> }
        }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                collected: g.collect_set(|r| r.value),
            })
        }
    }

    what_is_the_same_in_all_rows_may_be_nested: "attr/valid attr with various non-scalar fields" => output {
        nested! { Pair { a: Option<String>, b: Option<i32> } }

        stream! {
            Input("in") {
                #[key] pub k: i32,
                pub li: Option<Vec<Option<i32>>>,
                pub s: Option<Pair>,
            }
        }

        table! {
            Out("OUT") {
                #[key] pub k: i32,
                pub li: Option<Vec<Option<i32>>>,
                pub s: Option<Pair>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Table<Out> {
            input.group_by(|r| r.k).aggregate(|g| Out {
                k: g.key(),
                li: g.attr(|r| r.li),
                s: g.attr(|r| r.s),
            })
        }
    }

    the_largest_integers_with_a_name: "topk-group-by/topk integer struct" => output {
        #[derive(Debug, Clone, PartialEq, Struct)]
        #[nested(lower_case)]
        pub struct Ranked {
            sort_col: Option<i32>,
            col0: Option<String>,
        }

        stream! {
            Test("test_topic") {
                #[key] pub id: i64,
                pub name: Option<String>,
                pub value: Option<i32>,
            }
        }

        table! { S2("S2") { #[key] pub id: i64, pub topk: Option<Vec<Option<Ranked>>> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                topk: g.top_k(|r| r.value, |r| r.name, 3),
            })
        }
    }

    the_largest_bigints_with_a_name: "topk-group-by/topk long struct" => output {
        #[derive(Debug, Clone, PartialEq, Struct)]
        #[nested(lower_case)]
        pub struct Ranked {
            sort_col: Option<i64>,
            col0: Option<String>,
        }

        stream! {
            Test("test_topic") {
                #[key] pub id: i64,
                pub name: Option<String>,
                pub value: Option<i64>,
            }
        }

        table! { S2("S2") { #[key] pub id: i64, pub topk: Option<Vec<Option<Ranked>>> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                topk: g.top_k(|r| r.value, |r| r.name, 3),
            })
        }
    }
}
