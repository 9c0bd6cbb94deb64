//! JSON as text.

use super::*;

mod output_string {
    use super::*;

    stream! { Output("OUTPUT") { #[key] pub k: String, pub json_v: Option<String> } }
}

cases! {
    "json";

    fields_of_json_in_elements: "extract-json-field/extract JSON array field" => output {
        stream! { Test("test_topic") { pub array_field: Option<Vec<Option<String>>> } }

        stream! { Output("OUTPUT") { pub col1: Option<String>, pub col2: Option<String> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                col1: r.array_field[0].extract_json_field("$.nested"),
                col2: r.array_field[1].extract_json_field("$.nested"),
            })
        }
    }

    rows_that_hold_json: "is_json_string/filter rows that contain valid JSON" => output {
        stream! { Test("test_topic") { #[key] pub k: String, pub maybejson: Option<String> } }

        stream! { Output("OUTPUT") { #[key] pub k: String, pub json: Option<String> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.filter(|r| r.maybejson.is_json_string())
                .map(|r| Output {
                    k: r.k,
                    json: r.maybejson,
                })
        }
    }

    an_array_as_json: "to_json_string/convert ARRAY to JSON string" => output {
        use output_string::Output;

        stream! { Test("test_topic") { #[key] pub k: String, pub v: Option<Vec<Option<i32>>> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                k: r.k,
                json_v: r.v.to_json_string(),
            })
        }
    }

    a_whole_number_as_json: "to_json_string/convert BIGINT to JSON string" => output {
        use output_string::Output;

        stream! { Test("test_topic") { #[key] pub k: String, pub v: Option<i64> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                k: r.k,
                json_v: r.v.to_json_string(),
            })
        }
    }

    a_decimal_as_json: "to_json_string/convert DECIMAL to JSON string" => output {
        use output_string::Output;

        stream! { Test("test_topic") { #[key] pub k: String, pub v: Option<Dec<6, 3>> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                k: r.k,
                json_v: r.v.to_json_string(),
            })
        }
    }

    a_map_as_json: "to_json_string/convert MAP to JSON string" => output {
        use output_string::Output;

        stream! {
            Test("test_topic") {
                #[key] pub k: String,
                pub v: Option<BTreeMap<String, Option<i32>>>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                k: r.k,
                json_v: r.v.to_json_string(),
            })
        }
    }

    a_struct_as_json: "to_json_string/convert STRUCT to JSON string" => output {
        use output_string::Output;

        nested! { V { pub id: Option<i32>, pub name: Option<String> } }

        stream! { Test("test_topic") { #[key] pub k: String, pub v: Option<V> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                k: r.k,
                json_v: r.v.to_json_string(),
            })
        }
    }

    a_text_as_json: "to_json_string/convert VARCHAR to JSON string" => output {
        use output_string::Output;

        stream! { Test("test_topic") { #[key] pub k: String, pub v: Option<String> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                k: r.k,
                json_v: r.v.to_json_string(),
            })
        }
    }
}
