//! Which rows are left out.

use super::*;

mod test_i64_i32_string {
    use super::*;

    stream! {
        Test("test_topic") {
            #[key] pub k: String,
            pub c1: Option<i64>,
            pub c2: Option<i32>,
            pub c3: Option<String>,
        }
    }
}

mod s1_i64_i32_string {
    use super::*;

    stream! {
        S1("S1") {
            #[key] pub k: String,
            pub c1: Option<i64>,
            pub c2: Option<i32>,
            pub c3: Option<String>,
        }
    }
}

mod test_i64_i32_string_2 {
    use super::*;

    stream! {
        Test("test_topic") {
            pub c1: Option<i64>,
            pub c2: Option<i32>,
            pub c3: Option<String>,
        }
    }
}

mod s1_i64_i32_string_2 {
    use super::*;

    stream! { S1("S1") { pub c1: Option<i64>, pub c2: Option<i32>, pub c3: Option<String> } }
}

mod test_i64_btreemap {
    use super::*;

    stream! {
        Test("test_topic") {
            #[key] pub k: String,
            pub id: Option<i64>,
            pub thing: Option<BTreeMap<String, Option<String>>>,
        }
    }
}

cases! {
    "filter";

    rows_are_left_out_by_a_column_that_is_not_selected: "project-filter/project and filter" => output {
        stream! {
            Test("test_topic") {
                #[key] pub k: String,
                pub id: Option<i64>,
                pub name: Option<String>,
                pub value: Option<f64>,
            }
        }

        stream! { S1("S1") { #[key] pub k: String, pub name: Option<String> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<S1> {
            test.filter(|r| r.id > 100).map(|r| S1 {
                k: r.k,
                name: r.name,
            })
        }
    }

    a_text_is_looked_for: "project-filter/Filter on string literal" => output {
        use s1_i64_i32_string::S1;
        use test_i64_i32_string::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<S1> {
            test.filter(|r| r.c3 == "foo").map(|r| S1 {
                k: r.k,
                c1: r.c1,
                c2: r.c2,
                c3: r.c3,
            })
        }
    }

    a_pattern_is_looked_for: "project-filter/Filter on like pattern" => output {
        use s1_i64_i32_string::S1;
        use test_i64_i32_string::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<S1> {
            test.filter(|r| r.c3.like("f%")).map(|r| S1 {
                k: r.k,
                c1: r.c1,
                c2: r.c2,
                c3: r.c3,
            })
        }
    }

    a_pattern_without_wildcards_is_a_text: "project-filter/Filter on like pattern without wildcards" => output {
        use s1_i64_i32_string::S1;
        use test_i64_i32_string::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<S1> {
            test.filter(|r| r.c3.like("f")).map(|r| S1 {
                k: r.k,
                c1: r.c1,
                c2: r.c2,
                c3: r.c3,
            })
        }
    }

    both_ends_of_a_range_belong_to_it: "project-filter/Filter on BETWEEN" => output {
        use s1_i64_i32_string_2::S1;
        use test_i64_i32_string_2::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<S1> {
            test.filter(|r| (1..=3).contains(&r.c1)).map(|r| S1 {
                c1: r.c1,
                c2: r.c2,
                c3: r.c3,
            })
        }
    }

    rows_with_null_are_looked_for: "project-filter/Filter on NULL" => output {
        use s1_i64_i32_string_2::S1;
        use test_i64_i32_string_2::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<S1> {
            test.filter(|r| r.c1.is_none()).map(|r| S1 {
                c1: r.c1,
                c2: r.c2,
                c3: r.c3,
            })
        }
    }

    rows_without_null_are_looked_for: "project-filter/Filter on NOT NULL" => output {
        use s1_i64_i32_string_2::S1;
        use test_i64_i32_string_2::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<S1> {
            test.filter(|r| r.c1.is_some()).map(|r| S1 {
                c1: r.c1,
                c2: r.c2,
                c3: r.c3,
            })
        }
    }

    null_is_distinct_from_every_value: "project-filter/Filter on IS DISTINCT FROM" => output {
        stream! { Test("test_topic") { pub c1: Option<i64>, pub c2: Option<i32> } }

        stream! { S1("S1") { pub c1: Option<i64>, pub c2: Option<i32> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<S1> {
            test.filter(|r| r.c1.is_distinct_from(r.c2))
                .map(|r| S1 { c1: r.c1, c2: r.c2 })
        }
    }

    a_missing_entry_is_equal_to_nothing: "project-filter/Null row filter" => output {
        use test_i64_btreemap::Test;

        stream! { S3("S3") { #[key] pub k: String, pub id: Option<i64> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<S3> {
            test.filter(|r| r.thing["status"] == "false")
                .map(|r| S3 { k: r.k, id: r.id })
        }
    }

    the_topic_of_a_result_has_a_name_of_its_own: "project-filter/CSAS with custom Kafka topic name" => output {
        use test_i64_i32_string::Test;

        stream! {
            S1("topic_s") {
                #[key] pub k: String,
                pub c1: Option<i64>,
                pub c2: Option<i32>,
                pub c3: Option<String>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Stream<S1> {
            test.filter(|r| r.c1 == 4294967296).map(|r| S1 {
                k: r.k,
                c1: r.c1,
                c2: r.c2,
                c3: r.c3,
            })
        }
    }

    rows_are_chosen_by_an_entry_of_a_map: "project-filter/Json Map filter" => output {
        use test_i64_btreemap::Test;

        stream! { S1("S1") { #[key] pub k: String, pub id: Option<i64> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<S1> {
            test.filter(|r| r.thing["status"] == "false")
                .map(|r| S1 { k: r.k, id: r.id })
        }
    }

    an_element_of_a_nested_array_is_selected: "project-filter/Json Multi Dimensional Array 2" => output {
        stream! {
            Array_Array("test_topic") {
                #[key] pub k: String,
                pub id: Option<i64>,
                pub array_col: Option<Vec<Option<Vec<Option<String>>>>>,
            }
        }

        stream! {
            S3("S3") {
                #[key] pub k: String,
                pub id: Option<i64>,
                pub array_item: Option<String>,
            }
        }

        #[query]
        fn output(array_array: Stream<Array_Array>) -> Stream<S3> {
            array_array.map(|r| S3 {
                k: r.k,
                id: r.id,
                array_item: r.array_col[0][1],
            })
        }
    }

    many_comparisons: "project-filter/WHERE with many comparisons. This tests the fix for #1784" => output {
        stream! {
            Events("events") {
                #[key] pub k: String,
                pub id: Option<i32>,
                pub field0: Option<String>,
            }
        }

        stream! {
            Eventstest("EVENTSTEST") {
                #[key] pub k: String,
                pub id: Option<i32>,
                pub field1: Option<String>,
                pub field0: Option<String>,
            }
        }

        #[query]
        fn output(events: Stream<Events>) -> Stream<Eventstest> {
            events
                .filter(|r| {
                    ((r.id == 1 || r.id == 2 || r.id == 3 || r.id == 4)
                        && (r.field0 == "0x10"
                            || r.field0 == "0x11"
                            || r.field0 == "0x12"
                            || r.field0 == "0x13"
                            || r.field0 == "0x14"
                            || r.field0 == "0x15"
                            || r.field0 == "0x16"
                            || r.field0 == "0x17"
                            || r.field0 == "0x18"
                            || r.field0 == "0x19"
                            || r.field0 == "0x1A"
                            || r.field0 == "0x1B"
                            || r.field0 == "0x1C"
                            || r.field0 == "0x1D"
                            || r.field0 == "0x1E"
                            || r.field0 == "0x1F"
                            || r.field0 == "0x20"
                            || r.field0 == "0x21"
                            || r.field0 == "0x22"
                            || r.field0 == "0x23"
                            || r.field0 == "0x24"
                            || r.field0 == "0x25"
                            || r.field0 == "0x26"
                            || r.field0 == "0x27"
                            || r.field0 == "0x28"
                            || r.field0 == "0x29"
                            || r.field0 == "0x2A"
                            || r.field0 == "0x2B"
                            || r.field0 == "0x2C"
                            || r.field0 == "0x2D"
                            || r.field0 == "0x2E"
                            || r.field0 == "0x2F"
                            || r.field0 == "0x30"
                            || r.field0 == "0x31"
                            || r.field0 == "0x32"
                            || r.field0 == "0x33"
                            || r.field0 == "0x34"
                            || r.field0 == "0x35"
                            || r.field0 == "0x36"
                            || r.field0 == "0x37"
                            || r.field0 == "0x38"
                            || r.field0 == "0x39"
                            || r.field0 == "0x3A"
                            || r.field0 == "0x3B"
                            || r.field0 == "0x3C"
                            || r.field0 == "0x3D"
                            || r.field0 == "0x3E"
                            || r.field0 == "0x3F"))
                })
                .map(|r| Eventstest {
                    k: r.k,
                    id: r.id,
                    field1: "x_0",
                    field0: r.field0,
                })
        }
    }
}
