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

mod input_i32_string_string {
    use super::*;

    stream! {
        Input("input") {
            pub id: Option<i32>,
            pub val: Option<String>,
            pub pattern: Option<String>,
        }
    }
}

mod output_i32 {
    use super::*;

    stream! { Output("OUTPUT") { pub id: Option<i32> } }
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
        stream! {
            Test("test_topic") {
                #[key] pub k: String,
                pub id: Option<i64>,
                pub thing: Option<BTreeMap<String, Option<String>>>,
            }
        }

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

    whole_numbers_in_a_range: "between/test BETWEEN with bigint" => output {
        stream! { Test("test_topic") { #[key] pub id: String, pub source: Option<i64> } }

        stream! { Output("OUTPUT") { #[key] pub id: String, pub thing: Option<i64> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.filter(|r| (2..=4).contains(&r.source))
                .map(|r| Output {
                    id: r.id,
                    thing: r.source,
                })
        }
    }

    doubles_in_a_range: "between/test BETWEEN with floating point" => output {
        stream! { Test("test_topic") { #[key] pub id: String, pub source: Option<f64> } }

        stream! { Output("OUTPUT") { #[key] pub id: String, pub thing: Option<f64> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.filter(|r| (2..=dec!(3.9)).contains(&r.source))
                .map(|r| Output {
                    id: r.id,
                    thing: r.source,
                })
        }
    }

    texts_in_a_range: "between/test BETWEEN with string values" => output {
        stream! { Test("test_topic") { #[key] pub id: String, pub source: Option<String> } }

        stream! { Output("OUTPUT") { #[key] pub id: String, pub thing: Option<String> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.filter(|r| ("b"..="c").contains(&r.source))
                .map(|r| Output {
                    id: r.id,
                    thing: r.source,
                })
        }
    }

    one_of_several_expressions: "in/expressions" => output {
        stream! { Input("input_topic") { #[key] pub id: i32, pub val: Option<i32> } }

        stream! { Output("OUTPUT") { #[key] pub id: i32, pub val: Option<i32> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input
                .filter(|r| [r.val, r.val * 2].contains(&r.id))
                .map(|r| Output {
                    id: r.id,
                    val: r.val,
                })
        }
    }

    a_pattern_comes_from_a_column: "like/exp" => output {
        use input_i32_string_string::Input;
        use output_i32::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input
                .filter(|r| r.val.like(r.pattern))
                .map(|r| Output { id: r.id })
        }
    }

    an_escaped_wildcard_is_itself: "like/escape" => output {
        use input_i32_string_string::Input;
        use output_i32::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input
                .filter(|r| r.val.like(r.pattern, '!'))
                .map(|r| Output { id: r.id })
        }
    }

    rows_that_match_a_pattern_are_left_out: "where/on value column" => output {
        stream! { Input("test_topic") { #[key] pub id: i32, pub name: Option<String> } }

        stream! { Output("OUTPUT") { #[key] pub id: i32, pub name: Option<String> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.filter(|r| !r.name.like("%not%")).map(|r| Output {
                id: r.id,
                name: r.name,
            })
        }
    }
}
