//! Deviations, correlations, histograms, attributes.

use super::*;

mod test_i64 {
    use super::*;

    stream! { Test("test_topic") { #[key] pub id: i64, pub value: Option<i64> } }
}

mod output_f64 {
    use super::*;

    table! { Output("OUTPUT") { #[key] pub id: i64, pub stddev: Option<f64> } }
}

cases! {
    "statistics";

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

        stream! { Test("test_topic") { #[key] pub id: i64, pub value: Option<i32> } }

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

        stream! {
            Test("test_topic") {
                #[key] pub id: i64,
                pub name: Option<String>,
                pub value: Option<BTreeMap<String, Option<f64>>>,
            }
        }

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

        stream! { Test("test_topic") { #[key] pub id: i64, pub value: Option<f64> } }

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
