//! What other programs wrote.

use super::*;

cases! {
    "avro";

    several_maps_are_handed_on: "multiple-avro-maps/project multiple avro maps" => output {
        stream! {
            Test("test_topic") {
                pub m1: Option<BTreeMap<String, Option<i32>>>,
                pub m2: Option<BTreeMap<String, Option<String>>>,
            }
        }

        stream! {
            Sink("SINK") {
                pub m1: Option<BTreeMap<String, Option<i32>>>,
                pub m2: Option<BTreeMap<String, Option<String>>>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Sink> {
            test.map(|r| Sink { m1: r.m1, m2: r.m2 })
        }
    }

    each_primitive_is_read_as_it_was_written: "avro/should support primitives" => output {
        stream! {
            Input("input") {
                pub c1: Option<bool>,
                pub c2: Option<i32>,
                pub c3: Option<i64>,
                pub c4: Option<f64>,
                pub c5: Option<String>,
            }
        }

        stream! {
            Output("OUTPUT") {
                pub c1: Option<bool>,
                pub c2: Option<i32>,
                pub c3: Option<i64>,
                pub c4: Option<f64>,
                pub c5: Option<String>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                c1: r.c1,
                c2: r.c2,
                c3: r.c3,
                c4: r.c4,
                c5: r.c5,
            })
        }
    }

    a_map_is_read_as_it_was_written: "avro/should support maps" => output {
        stream! { Input("input") { pub c1: Option<BTreeMap<String, Option<i64>>> } }

        stream! { Output("OUTPUT") { pub c1: Option<BTreeMap<String, Option<i64>>> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { c1: r.c1 })
        }
    }

    a_record_is_read_as_a_struct: "avro/should convert record to STRUCT" => output {
        nested! { C1 { pub f1: Option<i32> } }

        stream! { Input("input") { pub c1: Option<C1> } }

        stream! { Output("OUTPUT") { pub c1: Option<C1> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { c1: r.c1 })
        }
    }

    an_enum_is_read_as_text: "avro/should convert enum to STRING" => output {
        stream! { Input("input") { pub c1: Option<String> } }

        stream! { Output("OUTPUT") { pub c1: Option<String> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { c1: r.c1 })
        }
    }

    columns_of_another_program_stand_beside_a_key: "avro/should support partial schemas" => output {
        stream! {
            Input("input") {
                #[key] pub id: i32,
                pub c1: Option<bool>,
                pub c2: Option<i32>,
                pub c3: Option<i64>,
                pub c4: Option<f64>,
                pub c5: Option<String>,
            }
        }

        stream! {
            Output("OUTPUT") {
                #[key] pub id: i32,
                pub c1: Option<bool>,
                pub c2: Option<i32>,
                pub c3: Option<i64>,
                pub c4: Option<f64>,
                pub c5: Option<String>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                c1: r.c1,
                c2: r.c2,
                c3: r.c3,
                c4: r.c4,
                c5: r.c5,
            })
        }
    }

    an_array_that_is_all_of_a_value: "avro/deserialize nested array - value" => output {
        stream! { Input("input_topic") { pub foo: Option<Vec<Option<String>>> } }

        stream! { Output("OUTPUT") { pub foo: Option<Vec<Option<String>>> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { foo: r.foo })
        }
    }

    an_array_of_whole_numbers_that_is_all_of_a_value: "avro/serialize nested array - value" => output {
        stream! { Input("input_topic") { pub foo: Option<Vec<Option<i64>>> } }

        stream! { Output("OUTPUT") { pub foo: Option<Vec<Option<i64>>> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { foo: r.foo })
        }
    }

    a_key_of_a_stated_format: "formats/explicit key and optional value format" => output {
        stream! { Input("input_topic") { pub foo: Option<i32> } }

        stream! { Output("OUTPUT") { pub foo: Option<i32> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { foo: r.foo })
        }
    }
}
