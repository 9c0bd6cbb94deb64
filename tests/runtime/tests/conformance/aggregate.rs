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

mod test_i64 {
    use super::*;

    stream! { Test("test_topic") { #[key] pub id: i64, pub value: Option<i64> } }
}

mod test_f64 {
    use super::*;

    stream! { Test("test_topic") { #[key] pub id: i64, pub value: Option<f64> } }
}

mod test_naivetime {
    use super::*;

    stream! { Test("test_topic") { #[key] pub id: i64, pub value: Option<NaiveTime> } }
}

mod output_f64 {
    use super::*;

    table! { Output("OUTPUT") { #[key] pub id: i64, pub stddev: Option<f64> } }
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
        use test_i64::Test;

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
        use test_f64::Test;

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

    the_deviation_of_whole_numbers: "standarddeviation/stddev_sample long" => output {
        use output_f64::Output;
        use test_i64::Test;

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                stddev: g.stddev_sample(|r| r.value),
            })
        }
    }

    the_deviation_of_integers: "standarddeviation/stddev_sample int" => output {
        use output_f64::Output;
        use test_i32::Test;

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                stddev: g.stddev_sample(|r| r.value),
            })
        }
    }

    the_deviation_of_a_maps_entries: "standarddeviation/stddev_sample double map" => output {
        use output_f64::Output;
        use test_string_btreemap::Test;

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                stddev: g.stddev_sample(|r| r.value["key1"]),
            })
        }
    }

    the_variance_of_doubles: "standarddeviation/stddev_samp double" => output {
        use output_f64::Output;
        use test_f64::Test;

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                stddev: g.stddev_samp(|r| r.value),
            })
        }
    }

    the_variance_of_whole_numbers: "standarddeviation/stddev_samp long" => output {
        use output_f64::Output;
        use test_i64::Test;

        #[query]
        fn output(test: Stream<Test>) -> Table<Output> {
            test.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                stddev: g.stddev_samp(|r| r.value),
            })
        }
    }

    texts_of_a_table_are_counted_each: "histogram/histogram on a table" => output {
        table! {
            Test("test_topic") {
                #[key] pub k: String,
                pub id: Option<i64>,
                pub name: Option<String>,
                pub region: Option<String>,
            }
        }

        table! {
            Count_By_Region("COUNT_BY_REGION") {
                #[key] pub region: String,
                pub counts: Option<BTreeMap<String, Option<i64>>>,
            }
        }

        #[query]
        fn output(test: Table<Test>) -> Table<Count_By_Region> {
            test.group_by(|r| r.region).aggregate(|g| Count_By_Region {
                region: g.key(),
                counts: g.histogram(|r| r.name),
            })
        }
    }

    a_value_is_no_attribute_where_rows_differ: "attr/invalid attr with nulls as first entry" => output {
        stream! { Input("in") { #[key] pub k: i32, pub s: Option<String> } }

        table! { Out("OUT") { #[key] pub k: i32, pub s: Option<String> } }

        #[query]
        fn output(input: Stream<Input>) -> Table<Out> {
            input.group_by(|r| r.k).aggregate(|g| Out {
                k: g.key(),
                s: g.attr(|r| r.s),
            })
        }
    }

    an_attribute_of_a_table_comes_back_when_others_go: "attr/table attr with tombstones" => output {
        table! { Input("in") { #[key] pub k: i32, pub g: Option<i32>, pub s: Option<String> } }

        table! { Out("OUT") { #[key] pub g: i32, pub s: Option<String> } }

        #[query]
        fn output(input: Table<Input>) -> Table<Out> {
            input.group_by(|r| r.g).aggregate(|g| Out {
                g: g.key(),
                s: g.attr(|r| r.s),
            })
        }
    }

    attributes_of_every_scalar_type: "attr/valid attr with various scalar fields" => output {
        stream! {
            Input("in") {
                #[key] pub k: i32,
                pub s: Option<String>,
                pub i: Option<i32>,
                pub bi: Option<i64>,
                pub d: Option<f64>,
                pub bo: Option<bool>,
            }
        }

        table! {
            Out("OUT") {
                #[key] pub k: i32,
                pub s: Option<String>,
                pub i: Option<i32>,
                pub bi: Option<i64>,
                pub d: Option<f64>,
                pub bo: Option<bool>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Table<Out> {
            input.group_by(|r| r.k).aggregate(|g| Out {
                k: g.key(),
                s: g.attr(|r| r.s),
                i: g.attr(|r| r.i),
                bi: g.attr(|r| r.bi),
                d: g.attr(|r| r.d),
                bo: g.attr(|r| r.bo),
            })
        }
    }

    how_two_whole_numbers_correlate: "correlation-udaf/correlation long" => output {
        stream! {
            Input("test_topic") {
                #[key] pub id: String,
                pub x: Option<i64>,
                pub y: Option<i64>,
            }
        }

        table! { Output("OUTPUT") { #[key] pub id: String, pub correlation: Option<f64> } }

        #[query]
        fn output(input: Stream<Input>) -> Table<Output> {
            input.group_by(|r| r.id).aggregate(|g| Output {
                id: g.key(),
                correlation: g.correlation(|r| r.x, |r| r.y),
            })
        }
    }

    a_correlation_over_a_table_follows_its_rows: "correlation-udaf/correlation udaf with table" => output {
        table! {
            Input("test_topic") {
                #[key] pub id: String,
                pub k: Option<String>,
                pub x: Option<f64>,
                pub y: Option<f64>,
            }
        }

        table! { Output("OUTPUT") { #[key] pub k: String, pub correlation: Option<f64> } }

        #[query]
        fn output(input: Table<Input>) -> Table<Output> {
            input.group_by(|r| r.k).aggregate(|g| Output {
                k: g.key(),
                correlation: g.correlation(|r| r.x, |r| r.y),
            })
        }
    }
}
