//! What is NULL, and what stands for it.

use super::*;

mod input_string {
    use super::*;

    stream! { Input("test_topic") { #[key] pub id: i32, pub name: Option<String> } }
}

mod output_bool_bool {
    use super::*;

    stream! {
        Output("OUTPUT") {
            #[key] pub id: i32,
            pub id_null: Option<bool>,
            pub name_null: Option<bool>,
        }
    }
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

    null_is_asked_for: "null/is null" => output {
        use input_string::Input;
        use output_bool_bool::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                id_null: r.id.is_none(),
                name_null: r.name.is_none(),
            })
        }
    }

    what_is_not_null_is_asked_for: "null/is not null" => output {
        use input_string::Input;
        use output_bool_bool::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                id_null: r.id.is_some(),
                name_null: r.name.is_some(),
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
}
