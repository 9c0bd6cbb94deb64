//! The first and the last values of a group.

use super::*;

mod input_i32 {
    use super::*;

    stream! { Input("test_topic") { #[key] pub id: i64, pub f0: Option<i32> } }
}

mod output_i32 {
    use super::*;

    table! { Output("OUTPUT") { #[key] pub id: i64, pub l0: Option<i32> } }
}

mod output_vec {
    use super::*;

    table! { Output("OUTPUT") { #[key] pub id: i64, pub l0: Option<Vec<Option<i32>>> } }
}

mod input_i32_i64_f64 {
    use super::*;

    stream! {
        Input("test_topic") {
            #[key] pub id: i64,
            pub f0: Option<i32>,
            pub f1: Option<i64>,
            pub f2: Option<f64>,
            pub f3: Option<bool>,
            pub f4: Option<String>,
        }
    }
}

mod output_vec_vec_vec {
    use super::*;

    table! {
        Output("OUTPUT") {
            #[key] pub id: i64,
            pub l0: Option<Vec<Option<i32>>>,
            pub l1: Option<Vec<Option<i64>>>,
            pub l2: Option<Vec<Option<f64>>>,
            pub l3: Option<Vec<Option<bool>>>,
            pub l4: Option<Vec<Option<String>>>,
        }
    }
}

cases! {
    "by_offset";

    the_last_value_of_every_type: "latest-offset-udaf/latest by offset" => output {
        stream! {
            Input("test_topic") {
                #[key] pub id: i64,
                pub f0: Option<i32>,
                pub f1: Option<i64>,
                pub f2: Option<f64>,
                pub f3: Option<bool>,
                pub f4: Option<String>,
                pub f5: Option<DateTime<Utc>>,
                pub f6: Option<NaiveTime>,
                pub f7: Option<NaiveDate>,
                pub f8: Option<Vec<u8>>,
            }
        }

        table! {
            Output("OUTPUT") {
                #[key] pub id: i64,
                pub l0: Option<i32>,
                pub l1: Option<i64>,
                pub l2: Option<f64>,
                pub l3: Option<bool>,
                pub l4: Option<String>,
                pub l5: Option<DateTime<Utc>>,
                pub l6: Option<NaiveTime>,
                pub l7: Option<NaiveDate>,
                pub l8: Option<Vec<u8>>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                l0: g.latest(|r| r.f0),
                l1: g.latest(|r| r.f1),
                l2: g.latest(|r| r.f2),
                l3: g.latest(|r| r.f3),
                l4: g.latest(|r| r.f4),
                l5: g.latest(|r| r.f5),
                l6: g.latest(|r| r.f6),
                l7: g.latest(|r| r.f7),
                l8: g.latest(|r| r.f8),
            })
        }
    }

    the_last_decimal: "latest-offset-udaf/latest by offset with decimals" => output {
        stream! { Input("test_topic") { #[key] pub id: i64, pub f0: Option<Dec<3, 2>> } }

        table! { Output("OUTPUT") { #[key] pub id: i64, pub l0: Option<Dec<3, 2>> } }

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                l0: g.latest(|r| r.f0),
            })
        }
    }

    the_last_value_that_is_not_null: "latest-offset-udaf/nulls ignored - single" => output {
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

    the_last_values_that_are_not_null: "latest-offset-udaf/nulls ignored - multiple" => output {
        use input_i32::Input;
        use output_vec::Output;

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                l0: g.latest_n(|r| r.f0, 2),
            })
        }
    }

    the_last_values_of_every_type: "latest-offset-udaf/latest n by offset" => output {
        use input_i32_i64_f64::Input;
        use output_vec_vec_vec::Output;

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                l0: g.latest_n(|r| r.f0, 2),
                l1: g.latest_n(|r| r.f1, 2),
                l2: g.latest_n(|r| r.f2, 2),
                l3: g.latest_n(|r| r.f3, 2),
                l4: g.latest_n(|r| r.f4, 2),
            })
        }
    }

    nothing_but_nulls_are_no_last_values: "latest-offset-udaf/latest n by offset with all nulls" => output {
        use input_i32::Input;
        use output_vec::Output;

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                l0: g.latest_n(|r| r.f0, 2),
            })
        }
    }

    the_first_value_that_is_not_null: "earliest-offset-udaf/null first - single - ignoring nulls" => output {
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

    the_first_values_nulls_too: "earliest-offset-udaf/null later - multiple - nulls not ignored" => output {
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

    the_first_values_of_every_type: "earliest-offset-udaf/earliest n by offset" => output {
        use input_i32_i64_f64::Input;
        use output_vec_vec_vec::Output;

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                l0: g.earliest_n(|r| r.f0, 2),
                l1: g.earliest_n(|r| r.f1, 2),
                l2: g.earliest_n(|r| r.f2, 2),
                l3: g.earliest_n(|r| r.f3, 2),
                l4: g.earliest_n(|r| r.f4, 2),
            })
        }
    }
}
