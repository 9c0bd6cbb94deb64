//! Aggregates in tumbling, hopping and session windows.

use super::*;

mod test_i64 {
    use super::*;

    stream! { Test("test_topic") { #[key] pub id: i64, pub value: Option<i64> } }
}

mod input_i32 {
    use super::*;

    stream! { Input("test_topic") { #[key] pub id: i64, pub f0: Option<i32> } }
}

mod output_i32 {
    use super::*;

    table! {
        Output("OUTPUT")
        #[window(session, gap = "1s", grace = "86399s", retention = "24h")]
        {
            #[key] pub id: i64,
            pub l0: Option<i32>,
        }
    }
}

mod output_vec {
    use super::*;

    table! {
        Output("OUTPUT")
        #[window(session, gap = "1s", grace = "86399s", retention = "24h")]
        {
            #[key] pub id: i64,
            pub l0: Option<Vec<Option<i32>>>,
        }
    }
}

cases! {
    "window";

    without_a_grace_windows_stay_open_for_a_day: "tumbling-windows/out of order - no grace period" => output {
        use test_i64::Test;

        table! {
            S2("S2")
            #[window(tumbling, seconds = [30], grace = "86370s")]
            {
                #[key] pub id: i64,
                pub result: Option<i64>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                result: g.max(|r| r.value),
            })
        }
    }

    the_largest_values_of_each_window: "tumbling-windows/topk tumbling" => output {
        stream! {
            Test("test_topic") {
                #[key] pub id: i64,
                pub name: Option<String>,
                pub value: Option<f64>,
            }
        }

        table! {
            S2("S2")
            #[window(tumbling, seconds = [30], grace = "86370s")]
            {
                #[key] pub id: i64,
                pub topk: Option<Vec<Option<f64>>>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                topk: g.top_k(|r| r.value, 2),
            })
        }
    }

    a_row_counts_in_every_window_it_falls_into: "hopping-windows/count" => output {
        stream! { Test("test_topic") { #[key] pub rowkey: i32, pub id: Option<i32> } }

        table! {
            S2("S2")
            #[window(hopping, seconds = [5], advance = "1s", grace = "86395s")]
            {
                #[key] pub id: i32,
                pub count: Option<i64>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                count: g.count(),
            })
        }
    }

    sessions_take_rows_until_their_grace_has_passed: "session-windows/out of order - explicit grace period" => output {
        use test_i64::Test;

        table! {
            S2("S2")
            #[window(session, gap = "30s", grace = "1min", retention = "90s")]
            {
                #[key] pub id: i64,
                pub result: Option<i64>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                result: g.max(|r| r.value),
            })
        }
    }

    a_merged_session_has_the_value_that_came_last: "latest-offset-udaf/merging session windows" => output {
        use input_i32::Input;
        use output_i32::Output;

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                l0: g.latest(|r| r.f0),
            })
        }
    }

    a_merged_session_of_nulls_keeps_null_as_its_last: "latest-offset-udaf/merging session windows - all nulls" => output {
        use input_i32::Input;
        use output_i32::Output;

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                l0: g.latest_with_nulls(|r| r.f0),
            })
        }
    }

    a_merged_session_of_nulls_keeps_its_last_nulls: "latest-offset-udaf/merging session windows - all nulls - N" => output {
        use input_i32::Input;
        use output_vec::Output;

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                l0: g.latest_n_with_nulls(|r| r.f0, 2),
            })
        }
    }

    a_merged_session_may_end_with_null: "latest-offset-udaf/merging session windows - with nulls not ignored" => output {
        use input_i32::Input;
        use output_i32::Output;

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                l0: g.latest_with_nulls(|r| r.f0),
            })
        }
    }

    a_merged_session_has_the_value_that_came_first: "earliest-offset-udaf/merging session windows" => output {
        use input_i32::Input;
        use output_i32::Output;

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                l0: g.earliest(|r| r.f0),
            })
        }
    }

    a_merged_session_has_the_first_values_nulls_too: "earliest-offset-udaf/merging session windows - with nulls not ignored - N" => output {
        use input_i32::Input;
        use output_vec::Output;

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                l0: g.earliest_n_with_nulls(|r| r.f0, 2),
            })
        }
    }

    a_merged_session_of_nulls_keeps_null_as_its_first: "earliest-offset-udaf/merging session windows - all nulls" => output {
        use input_i32::Input;
        use output_i32::Output;

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                l0: g.earliest_with_nulls(|r| r.f0),
            })
        }
    }

    a_merged_session_of_nulls_keeps_its_first_nulls: "earliest-offset-udaf/merging session windows - all nulls - N" => output {
        use input_i32::Input;
        use output_vec::Output;

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                l0: g.earliest_n_with_nulls(|r| r.f0, 2),
            })
        }
    }

    windows_are_shown_once_they_satisfy_the_condition: "having/table having" => output {
        stream! {
            Test("test_topic") {
                #[key] pub id: i64,
                pub name: Option<String>,
                pub value: Option<i64>,
            }
        }

        table! {
            T1("T1")
            #[window(tumbling, seconds = [30], grace = "86370s")]
            {
                #[key] pub id: i64,
                pub sum: Option<i64>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Table<T1> {
            test.group_by(|r| r.id)
                .aggregate(|g| T1 {
                    id: g.key(),
                    sum: g.sum(|r| r.value),
                })
                .having(|g| g.sum(|r| r.value) > 100)
        }
    }

    bounds_of_a_window_are_columns_if_they_are_selected: "window-bounds/windowed group by - non-aggregate window bounds in SELECT" => output {
        stream! { Input("test_topic") { #[key] pub rowkey: i32, pub ignored: Option<i32> } }

        table! {
            Output("OUTPUT")
            #[window(tumbling, seconds = [1], grace = "86399s")]
            {
                #[key] pub rowkey: i32,
                pub count: Option<i64>,
                pub wstart: Option<i64>,
                pub wend: Option<i64>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.rowkey).aggregate(|g| Output {
                rowkey: g.key(),
                count: g.count(),
                wstart: g.window_start(),
                wend: g.window_end(),
            })
        }
    }

    all_rows_of_a_window_are_one_group_by_a_constant: "group-by/zero non-agg columns (windowed stream)" => output {
        stream! { Input("test_topic") { pub value: Option<i32> } }

        table! {
            Output("OUTPUT")
            #[window(tumbling, seconds = [1], grace = "86399s")]
            {
                #[key] pub k: i32,
                pub id: Option<i64>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| 1).aggregate(|g| Output {
                k: g.key(),
                id: g.count(),
            })
        }
    }

    windows_of_one_of_several_key_columns: "multi-col-keys/windowed group by one col" => output {
        stream! {
            Input("input_topic") {
                #[key] pub k: i32,
                #[key] pub k2: i32,
                pub v: Option<i32>,
            }
        }

        table! {
            Output("OUTPUT")
            #[window(tumbling, seconds = [1], grace = "86399s")]
            {
                #[key] pub k: i32,
                pub count: Option<i64>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.k).aggregate(|g| Output {
                k: g.key(),
                count: g.count(),
            })
        }
    }
}
