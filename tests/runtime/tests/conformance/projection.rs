//! What is selected, and under which names.

use super::*;

mod input_i32_i32 {
    use super::*;

    stream! { Input("input") { #[key] pub id: i32, pub v0: Option<i32>, pub v1: Option<i32> } }
}

mod output_i32 {
    use super::*;

    stream! { Output("OUTPUT") { #[key] pub id: i32, pub result: Option<i32> } }
}

mod input_i64 {
    use super::*;

    stream! { Input("input") { pub id: Option<i64> } }
}

cases! {
    "projection";

    every_column_gets_another_name: "select/all columns - explicit" => output {
        stream! { Input("test_topic") { #[key] pub id: i32, pub name: Option<String> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub id_copy: i32,
                pub rowtime_copy: Option<i64>,
                pub name_copy: Option<String>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id_copy: r.id,
                rowtime_copy: r.rowtime(),
                name_copy: r.name,
            })
        }
    }

    key_columns_keep_their_order: "select/multi-key columns reordered -- old planner" => output {
        stream! {
            Input("test_topic") {
                #[key] pub id: i32,
                #[key] pub age: i32,
                pub name: Option<String>,
            }
        }

        stream! {
            Output("OUTPUT") {
                #[key] pub id: i32,
                #[key] pub age: i32,
                pub name: Option<String>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                age: r.age,
                name: r.name,
            })
        }
    }

    a_copy_of_a_value_column: "as_value/value column" => output {
        use input_i32_i32::Input;
        use output_i32::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                result: r.v0.as_value(),
            })
        }
    }

    a_copy_of_an_expression: "as_value/expression" => output {
        use input_i32_i32::Input;
        use output_i32::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                result: (r.v0 + r.v1).as_value(),
            })
        }
    }

    columns_are_those_of_the_source: "identifiers/aliased source" => output {
        stream! { Input("input_topic") { pub foo: Option<i32>, pub bar: Option<i32> } }

        stream! { Output("OUTPUT") { pub foo: Option<i32>, pub bar: Option<i32> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                foo: r.foo,
                bar: r.bar,
            })
        }
    }

    integers_at_their_limits: "literals/INT literal min/max" => output {
        use input_i64::Input;

        stream! {
            Output("OUTPUT") {
                pub id: Option<i64>,
                pub min: Option<i32>,
                pub max: Option<i32>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                min: -2147483647,
                max: 2147483647,
            })
        }
    }

    whole_numbers_at_their_limits: "literals/BIGINT literal min/max" => output {
        use input_i64::Input;

        stream! {
            Output("OUTPUT") {
                pub id: Option<i64>,
                pub min: Option<i64>,
                pub max: Option<i64>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                min: -9223372036854775807,
                max: 9223372036854775807,
            })
        }
    }

    doubles_at_their_limits: "literals/DOUBLE literal min/max" => output {
        use input_i64::Input;

        stream! {
            Output("OUTPUT") {
                pub id: Option<i64>,
                pub min_value: Option<f64>,
                pub neg_min_value: Option<f64>,
                pub min_normal: Option<f64>,
                pub neg_min_normal: Option<f64>,
                pub max_value: Option<f64>,
                pub neg_max_value: Option<f64>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                min_value: 4.90E-324,
                neg_min_value: -4.9E-324,
                min_normal: 2.2250738585072014E-308,
                neg_min_normal: -2.2250738585072014E-308,
                max_value: 1.7976931348623157E308,
                neg_max_value: -1.7976931348623157E308,
            })
        }
    }

    a_decimal_has_the_digits_it_is_written_with: "literals/DECIMAL literal" => output {
        use input_i64::Input;

        stream! { Output("OUTPUT") { pub id: Option<i64>, pub result: Option<Dec<4, 3>> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                result: dec!(2.345),
            })
        }
    }

    a_copy_of_the_key_becomes_the_key: "as_value/partition by" => output {
        use input_i32_i32::Input;

        stream! {
            Output("OUTPUT") {
                #[key] pub part: i32,
                pub v0: Option<i32>,
                pub v1: Option<i32>,
                pub id: Option<i32>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.partition_by(|r| r.id.as_value()).map(|r| Output {
                part: r.id.as_value(),
                v0: r.v0,
                v1: r.v1,
                id: r.id,
            })
        }
    }

    the_fields_of_a_struct_become_columns: "select-struct-all/value nested struct field" => fields, outer, outermost said_as "all fields of a struct are written one by one" {
        nested! { B { pub f1: Option<i32>, pub f2: Option<String> } }

        nested! { A { pub b: Option<B> } }

        nested! { V1 { pub a: Option<A> } }

        stream! { Input("test_topic") { pub v1: Option<V1> } }

        stream! { Output_1("OUTPUT_1") { pub f1: Option<i32>, pub f2: Option<String> } }

        stream! { Output_2("OUTPUT_2") { pub b: Option<B> } }

        stream! { Output_3("OUTPUT_3") { pub a: Option<A> } }

        #[query]
        fn fields(input: Stream<Input>) -> Stream<Output_1> {
            input.map(|r| Output_1 { f1: r.v1.a.b.f1, f2: r.v1.a.b.f2 })
        }

        #[query]
        fn outer(input: Stream<Input>) -> Stream<Output_2> {
            input.map(|r| Output_2 { b: r.v1.a.b })
        }

        #[query]
        fn outermost(input: Stream<Input>) -> Stream<Output_3> {
            input.map(|r| Output_3 { a: r.v1.a })
        }
    }
}
