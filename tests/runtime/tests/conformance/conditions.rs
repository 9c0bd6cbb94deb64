//! What conditions ask: ranges, lists, patterns.

use super::*;

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

mod input_vec_vec {
    use super::*;

    stream! {
        Input("input_topic") {
            pub val0: Option<Vec<Option<i64>>>,
            pub val1: Option<Vec<Option<i32>>>,
        }
    }
}

mod output_vec_vec {
    use super::*;

    stream! {
        Output("OUTPUT") {
            pub val0: Option<Vec<Option<i64>>>,
            pub val1: Option<Vec<Option<i32>>>,
        }
    }
}

cases! {
    "conditions";

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

    a_pattern_in_the_middle_of_a_text: "like/literal" => output {
        use output_i32::Output;

        stream! { Input("input") { pub id: Option<i32>, pub val: Option<String> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input
                .filter(|r| r.val.like("%foo%"))
                .map(|r| Output { id: r.id })
        }
    }

    an_array_is_one_of_a_wider_one: "in/array - valid expression with narrower element type" => output {
        use input_vec_vec::Input;
        use output_vec_vec::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input
                .filter(|r| [r.val0].contains(&r.val1))
                .map(|r| Output {
                    val0: r.val0,
                    val1: r.val1,
                })
        }
    }

    an_array_is_one_of_a_narrower_one: "in/array - valid expression with wider element type" => output {
        use input_vec_vec::Input;
        use output_vec_vec::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input
                .filter(|r| [r.val1].contains(&r.val0))
                .map(|r| Output {
                    val0: r.val0,
                    val1: r.val1,
                })
        }
    }
}
