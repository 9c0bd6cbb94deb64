//! The aggregates of numbers.

use super::*;

mod test_i32 {
    use super::*;

    stream! { Test("test_topic") { #[key] pub id: i64, pub value: Option<i32> } }
}

mod test_string_btreemap {
    use super::*;

    stream! {
        Test("test_topic") {
            #[key] pub id: i64,
            pub name: Option<String>,
            pub value: Option<BTreeMap<String, Option<f64>>>,
        }
    }
}

mod test_naivetime {
    use super::*;

    stream! { Test("test_topic") { #[key] pub id: i64, pub value: Option<NaiveTime> } }
}

cases! {
    "aggregate";

    rows_are_counted: "count/count" => output {
        stream! {
            Test("test_topic") {
                #[key] pub id: i64,
                pub name: Option<String>,
                pub value: Option<f64>,
            }
        }

        table! { S2("S2") { #[key] pub id: i64, pub result: Option<i64> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                result: g.count(),
            })
        }
    }

    a_constant_is_counted_as_rows_are: "count/count literal" => output {
        stream! { Input("input_topic") { #[key] pub id: String, pub ignored: Option<String> } }

        table! { Output("OUTPUT") { #[key] pub id: String, pub result: Option<i64> } }

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                result: g.count(),
            })
        }
    }

    a_count_goes_back_to_zero: "count/should count back to zero" => output {
        table! { Input("test_topic") { #[key] pub k: String, pub id: Option<i64> } }

        table! { Output("OUTPUT") { #[key] pub id: i64, pub result: Option<i64> } }

        #[query]
        fn output(input: Table<Input>) -> Table<Output> {
            input.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                result: g.count(),
            })
        }
    }

    integers_are_summed_as_integers: "sum/sum int" => output {
        use test_i32::Test;

        table! { S2("S2") { #[key] pub id: i64, pub sum: Option<i32> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                sum: g.sum(|r| r.value),
            })
        }
    }

    a_sum_of_wider_decimals_does_not_overflow: "sum/sum decimal should not overflow with cast to higher precision" => output {
        stream! { Test("test_topic") { #[key] pub id: i64, pub value: Option<Dec<4, 1>> } }

        table! { S2("S2") { #[key] pub id: i64, pub sum: Option<Dec<6, 2>> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                sum: g.sum(|r| r.value as Decimal<6, 2>),
            })
        }
    }

    a_constant_is_summed: "sum/sum with constant int arg" => output {
        use test_string_btreemap::Test;

        table! { S2("S2") { #[key] pub id: i64, pub sum_val: Option<i32> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                sum_val: g.sum(|_| 2),
            })
        }
    }

    a_constant_double_is_summed: "sum/sum with constant double arg" => output {
        use test_string_btreemap::Test;

        table! { S2("S2") { #[key] pub id: i64, pub sum_val: Option<f64> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                sum_val: g.sum(|_| 1.0),
            })
        }
    }

    a_constant_of_another_type_is_summed: "sum/sum with constant long arg" => output {
        use test_string_btreemap::Test;

        table! { S2("S2") { #[key] pub id: i64, pub sum_val: Option<i64> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                sum_val: g.sum(|_| 2 as i64),
            })
        }
    }

    whole_numbers_have_a_mean: "average-udaf/average long" => output {
        stream! { Input("test_topic") { #[key] pub id: String, pub value: Option<i64> } }

        table! { Output("OUTPUT") { #[key] pub id: String, pub avg: Option<f64> } }

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                avg: g.avg(|r| r.value),
            })
        }
    }

    a_mean_over_a_table_follows_its_rows: "average-udaf/average udaf with table" => output {
        table! {
            Input("test_topic") {
                #[key] pub id: String,
                pub k: Option<String>,
                pub value: Option<i32>,
            }
        }

        table! { Output("OUTPUT") { #[key] pub k: String, pub avg: Option<f64> } }

        #[query]
        fn output(input: Table<Input>) -> Table<Output> {
            input.group_by(|r| r.k).aggregate(|g| Output {
                k: g.key(),
                avg: g.avg(|r| r.value),
            })
        }
    }

    the_largest_whole_number: "max-group-by/max long group by" => output {
        stream! { Test("test_topic") { #[key] pub id: i64, pub value: Option<i64> } }

        table! { S2("S2") { #[key] pub id: i64, pub value: Option<i64> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                value: g.max(|r| r.value),
            })
        }
    }

    the_largest_double: "max-group-by/max double group by" => output {
        stream! { Test("test_topic") { #[key] pub id: i64, pub value: Option<f64> } }

        table! { S2("S2") { #[key] pub id: i64, pub value: Option<f64> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                value: g.max(|r| r.value),
            })
        }
    }

    the_largest_decimal: "max-group-by/max decimal group by" => output {
        stream! { Test("test_topic") { #[key] pub id: i64, pub value: Option<Dec<4, 2>> } }

        table! { S2("S2") { #[key] pub id: i64, pub value: Option<Dec<4, 2>> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                value: g.max(|r| r.value),
            })
        }
    }

    the_latest_time_of_day: "max-group-by/max time group by valid after 7.2.0" => output {
        use test_naivetime::Test;

        table! { S2("S2") { #[key] pub id: i64, pub value: Option<NaiveTime> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                value: g.max(|r| r.value),
            })
        }
    }

    the_largest_bytes: "max-group-by/max bytes group by" => output {
        stream! { Test("test_topic") { #[key] pub id: i64, pub value: Option<Vec<u8>> } }

        table! { S2("S2") { #[key] pub id: i64, pub value: Option<Vec<u8>> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                value: g.max(|r| r.value),
            })
        }
    }

    the_smallest_integer: "min-group-by/min integer group by" => output {
        use test_i32::Test;

        table! { S2("S2") { #[key] pub id: i64, pub min: Option<i32> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                min: g.min(|r| r.value),
            })
        }
    }

    the_smallest_text: "min-group-by/min string group by" => output {
        stream! { Test("test_topic") { #[key] pub id: i64, pub value: Option<String> } }

        table! { S2("S2") { #[key] pub id: i64, pub value: Option<String> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                value: g.min(|r| r.value),
            })
        }
    }

    the_earliest_time_of_day: "min-group-by/min time group by valid after 7.2.0" => output {
        use test_naivetime::Test;

        table! { S2("S2") { #[key] pub id: i64, pub min: Option<NaiveTime> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                min: g.min(|r| r.value),
            })
        }
    }
}
