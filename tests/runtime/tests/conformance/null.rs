//! What is NULL, and what stands for it.

use super::*;

mod input_string {
    use super::*;

    stream! { Input("test_topic") { #[key] pub id: i32, pub name: Option<String> } }
}

cases! {
    "null";

    a_record_without_a_value_is_handed_on: "null/stream clone row with null value" => output {
        use input_string::Input;

        stream! { Output("OUTPUT") { #[key] pub id: i32, pub name: Option<String> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                name: r.name,
            })
        }
    }

    an_element_of_null_is_null: "null/log no errors when there is a null array" => output {
        stream! { Input("test_topic") { pub col0: Option<Vec<Option<Vec<Option<i32>>>>> } }

        stream! { Output("OUTPUT") { pub result_0: Option<i32>, pub result_1: Option<i32> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                result_0: r.col0[0][1],
                result_1: r.col0[0][1].unwrap_or(-1),
            })
        }
    }

    a_key_of_null_is_none: "null/stream PARTITION BY with null value" => output {
        use input_string::Input;

        stream! { Output("OUTPUT") { #[key] pub name: String, pub id: Option<i32> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.partition_by(|r| r.name).map(|r| Output {
                name: r.name,
                id: r.id,
            })
        }
    }
}
