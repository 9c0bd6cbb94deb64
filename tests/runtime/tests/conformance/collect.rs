//! Lists, sets and the largest values of a group.

use super::*;

mod s2_vec {
    use super::*;

    table! { S2("S2") { #[key] pub id: i64, pub collected: Option<Vec<Option<String>>> } }
}

mod test_f64 {
    use super::*;

    stream! { Test("test_topic") { #[key] pub id: i64, pub value: Option<f64> } }
}

mod s2_vec_2 {
    use super::*;

    table! { S2("S2") { #[key] pub id: i64, pub collected: Option<Vec<Option<f64>>> } }
}

mod s2_vec_3 {
    use super::*;

    table! { S2("S2") { #[key] pub id: i64, pub collected: Option<Vec<Option<Vec<u8>>>> } }
}

mod s2_vec_4 {
    use super::*;

    table! { S2("S2") { #[key] pub id: i64, pub collected: Option<Vec<Option<NaiveDate>>> } }
}

mod test_string_string {
    use super::*;

    stream! {
        Test("test_topic") {
            #[key] pub id: i64,
            pub name: Option<String>,
            pub value: Option<String>,
        }
    }
}

mod s2_vec_5 {
    use super::*;

    table! { S2("S2") { #[key] pub id: i64, pub topk: Option<Vec<Option<String>>> } }
}

cases! {
    "collect";

    whole_numbers_are_collected: "collect-list/collect_list long" => output {
        stream! { Test("test_topic") { #[key] pub id: i64, pub value: Option<i64> } }

        table! { S2("S2") { #[key] pub id: i64, pub collected: Option<Vec<Option<i64>>> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                collected: g.collect_list(|r| r.value),
            })
        }
    }

    texts_are_collected: "collect-list/collect_list string" => output {
        use s2_vec::S2;

        stream! { Test("test_topic") { #[key] pub id: i64, pub value: Option<String> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                collected: g.collect_list(|r| r.value),
            })
        }
    }

    a_list_of_integers_of_a_table_follows_its_rows: "collect-list/collect_list int table" => output {
        table! { Test("test_topic") { #[key] pub id: i64, pub value: Option<i32> } }

        table! { S2("S2") { #[key] pub id: i64, pub collected: Option<Vec<Option<i32>>> } }

        #[query]
        fn output(test: Table<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                collected: g.collect_list(|r| r.value),
            })
        }
    }

    a_list_of_texts_of_a_table_follows_its_rows: "collect-list/collect_list string table" => output {
        use s2_vec::S2;

        table! { Test("test_topic") { #[key] pub id: i64, pub value: Option<String> } }

        #[query]
        fn output(test: Table<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                collected: g.collect_list(|r| r.value),
            })
        }
    }

    doubles_are_collected: "collect-list/collect_list double" => output {
        use s2_vec_2::S2;
        use test_f64::Test;

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                collected: g.collect_list(|r| r.value),
            })
        }
    }

    bytes_of_maps_of_a_table_are_collected: "collect-list/collect_list bytes map table" => output {
        use s2_vec_3::S2;

        table! {
            Test("test_topic") {
                #[key] pub id: i64,
                pub name: Option<String>,
                pub value: Option<BTreeMap<String, Option<Vec<u8>>>>,
            }
        }

        #[query]
        fn output(test: Table<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                collected: g.collect_list(|r| r.value["key1"]),
            })
        }
    }

    dates_of_maps_are_collected: "collect-list/collect_list date map" => output {
        use s2_vec_4::S2;

        stream! {
            Test("test_topic") {
                #[key] pub id: i64,
                pub name: Option<String>,
                pub value: Option<BTreeMap<String, Option<NaiveDate>>>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                collected: g.collect_list(|r| r.value["key1"]),
            })
        }
    }

    dates_of_maps_of_a_table_are_collected: "collect-list/collect_list date map table" => output {
        use s2_vec_4::S2;

        table! {
            Test("test_topic") {
                #[key] pub id: i64,
                pub name: Option<String>,
                pub value: Option<BTreeMap<String, Option<NaiveDate>>>,
            }
        }

        #[query]
        fn output(test: Table<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                collected: g.collect_list(|r| r.value["key1"]),
            })
        }
    }

    moments_of_maps_of_a_table_are_collected: "collect-list/collect_list timestamp map table" => output {
        table! {
            Test("test_topic") {
                #[key] pub id: i64,
                pub name: Option<String>,
                pub value: Option<BTreeMap<String, Option<DateTime<Utc>>>>,
            }
        }

        table! {
            S2("S2") {
                #[key] pub id: i64,
                pub collected: Option<Vec<Option<DateTime<Utc>>>>,
            }
        }

        #[query]
        fn output(test: Table<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                collected: g.collect_list(|r| r.value["key1"]),
            })
        }
    }

    decimals_are_collected_each_once: "collect-set/collect_set decimal" => output {
        stream! { Test("test_topic") { #[key] pub id: i64, pub value: Option<Dec<4, 1>> } }

        table! { S2("S2") { #[key] pub id: i64, pub collected: Option<Vec<Option<Dec<4, 1>>>> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                collected: g.collect_set(|r| r.value),
            })
        }
    }

    doubles_are_collected_each_once: "collect-set/collect_set double" => output {
        use s2_vec_2::S2;
        use test_f64::Test;

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                collected: g.collect_set(|r| r.value),
            })
        }
    }

    bytes_of_maps_are_collected_each_once: "collect-set/collect_list bytes map" => output {
        use s2_vec_3::S2;

        stream! {
            Test("test_topic") {
                #[key] pub id: i64,
                pub name: Option<String>,
                pub value: Option<BTreeMap<String, Option<Vec<u8>>>>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                collected: g.collect_set(|r| r.value["key1"]),
            })
        }
    }

    times_of_maps_are_collected_each_once: "collect-set/collect_list time map" => output {
        stream! {
            Test("test_topic") {
                #[key] pub id: i64,
                pub name: Option<String>,
                pub value: Option<BTreeMap<String, Option<NaiveTime>>>,
            }
        }

        table! { S2("S2") { #[key] pub id: i64, pub collected: Option<Vec<Option<NaiveTime>>> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                collected: g.collect_set(|r| r.value["key1"]),
            })
        }
    }

    booleans_of_maps_are_collected_each_once: "collect-set/collect_set bool map" => output {
        stream! {
            Test("test_topic") {
                #[key] pub id: i64,
                pub name: Option<String>,
                pub value: Option<BTreeMap<String, Option<bool>>>,
            }
        }

        table! { S2("S2") { #[key] pub id: i64, pub collected: Option<Vec<Option<bool>>> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                collected: g.collect_set(|r| r.value["key1"]),
            })
        }
    }

    the_largest_texts: "topk-group-by/topk string" => output {
        use s2_vec_5::S2;
        use test_string_string::Test;

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                topk: g.top_k(|r| r.value, 3),
            })
        }
    }

    the_largest_decimals_each_once: "topk-distinct/topk distinct decimal" => output {
        stream! {
            Test("test_topic") {
                #[key] pub id: i64,
                pub name: Option<String>,
                pub value: Option<Dec<2, 1>>,
            }
        }

        table! { S2("S2") { #[key] pub id: i64, pub topk: Option<Vec<Option<Dec<2, 1>>>> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                topk: g.top_k_distinct(|r| r.value, 3),
            })
        }
    }

    the_largest_bytes_each_once: "topk-distinct/topk distinct bytes" => output {
        stream! {
            Test("test_topic") {
                #[key] pub id: i64,
                pub name: Option<String>,
                pub value: Option<Vec<u8>>,
            }
        }

        table! { S2("S2") { #[key] pub id: i64, pub topk: Option<Vec<Option<Vec<u8>>>> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                topk: g.top_k_distinct(|r| r.value, 3),
            })
        }
    }

    the_largest_texts_each_once: "topk-distinct/topk distinct string" => output {
        use s2_vec_5::S2;
        use test_string_string::Test;

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                topk: g.top_k_distinct(|r| r.value, 3),
            })
        }
    }

    the_latest_times_each_once: "topk-distinct/topk distinct time" => output {
        stream! {
            Test("test_topic") {
                #[key] pub id: i64,
                pub name: Option<String>,
                pub value: Option<NaiveTime>,
            }
        }

        table! { S2("S2") { #[key] pub id: i64, pub topk: Option<Vec<Option<NaiveTime>>> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                topk: g.top_k_distinct(|r| r.value, 3),
            })
        }
    }

    the_latest_moments_each_once: "topk-distinct/topk distinct timestamp" => output {
        stream! {
            Test("test_topic") {
                #[key] pub id: i64,
                pub name: Option<String>,
                pub value: Option<DateTime<Utc>>,
            }
        }

        table! { S2("S2") { #[key] pub id: i64, pub topk: Option<Vec<Option<DateTime<Utc>>>> } }

        #[query]
        fn output(test: Stream<Test>) -> Table<S2> {
            test.group_by(|r| r.id).aggregate(|g| S2 {
                id: g.key(),
                topk: g.top_k_distinct(|r| r.value, 3),
            })
        }
    }
}
