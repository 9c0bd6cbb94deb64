//! Each type handed through.

use super::*;

mod input_i32 {
    use super::*;

    stream! { Input("input") { pub v0: Option<i32> } }
}

mod input_bool {
    use super::*;

    stream! { Input("input") { pub v0: Option<bool> } }
}

mod output_bool {
    use super::*;

    stream! { Output("OUTPUT") { pub v0: Option<bool> } }
}

mod input_f64 {
    use super::*;

    stream! { Input("input") { pub v0: Option<f64> } }
}

mod output_f64 {
    use super::*;

    stream! { Output("OUTPUT") { pub v0: Option<f64> } }
}

cases! {
    "types";

    a_result_has_partitions_of_its_own: "elements/validate with elements OK - AVRO" => output {
        use input_i32::Input;

        stream! { Output("OUTPUT", partitions = 4) { pub v0: Option<i32> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { v0: r.v0 })
        }
    }

    an_integer_is_handed_on: "elements/validate with elements OK" => output {
        use input_i32::Input;

        stream! { Output("OUTPUT") { pub v0: Option<i32> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { v0: r.v0 })
        }
    }

    the_key_is_copied_into_the_value: "elements/copy simple key column into value" => output {
        stream! { Input("input") { #[key] pub id: i32, pub f0: Option<i32> } }

        stream! { Output("OUTPUT") { #[key] pub id: i32, pub id_copy: Option<i32> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                id_copy: r.id.as_value(),
            })
        }
    }

    a_boolean_is_handed_on: "elements/validate boolean elements OK" => output {
        use input_bool::Input;
        use output_bool::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { v0: r.v0 })
        }
    }

    a_double_is_handed_on: "elements/validate double elements OK" => output {
        use input_f64::Input;
        use output_f64::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { v0: r.v0 })
        }
    }

    a_struct_is_handed_on: "elements/validate struct element OK" => output {
        nested! { V0 { pub f0: Option<String>, pub f1: Option<i32> } }

        stream! { Input("input") { pub v0: Option<V0> } }

        stream! { Output("OUTPUT") { pub v0: Option<V0> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { v0: r.v0 })
        }
    }

    a_boolean_of_another_carrier_is_handed_on: "elements/validate boolean elements OK #2" => output {
        use input_bool::Input;
        use output_bool::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { v0: r.v0 })
        }
    }

    a_double_of_another_carrier_is_handed_on: "elements/validate double elements OK #3" => output {
        use input_f64::Input;
        use output_f64::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { v0: r.v0 })
        }
    }

    an_integer_of_another_program_is_handed_on: "elements/validate without elements OK - AVRO" => output {
        stream! { Input("input") { pub c1: Option<i32> } }

        stream! { Output("OUTPUT", partitions = 4) { pub c1: Option<i32> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { c1: r.c1 })
        }
    }

    columns_named_as_ksqldb_would: "elements/should handle sources with generated column names - with select star" => output {
        stream! {
            Input("input") {
                #[key] pub ksql_col_3: i32,
                pub ksql_col_2: Option<i32>,
                pub ksql_col_4: Option<i32>,
            }
        }

        stream! {
            Output("OUTPUT") {
                #[key] pub ksql_col_3: i32,
                pub a: Option<i32>,
                pub b: Option<i32>,
                pub c: Option<i32>,
                pub ksql_col_2: Option<i32>,
                pub ksql_col_4: Option<i32>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                ksql_col_3: r.ksql_col_3,
                a: r.ksql_col_2.abs(),
                b: r.ksql_col_2.abs(),
                c: r.ksql_col_2.abs(),
                ksql_col_2: r.ksql_col_2,
                ksql_col_4: r.ksql_col_4,
            })
        }
    }
}
