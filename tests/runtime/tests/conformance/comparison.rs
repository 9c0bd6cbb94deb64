//! Comparisons, and what binds tighter.

use super::*;

mod input_i64_f64_dec {
    use super::*;

    stream! {
        Input("test_topic") {
            #[key] pub a: i32,
            pub b: Option<i64>,
            pub c: Option<f64>,
            pub d: Option<Dec<4, 3>>,
            pub e: Option<String>,
        }
    }
}

mod output_bool_bool_bool {
    use super::*;

    stream! {
        Output("OUTPUT") {
            #[key] pub a: i32,
            pub result_0: Option<bool>,
            pub result_1: Option<bool>,
            pub result_2: Option<bool>,
            pub result_3: Option<bool>,
            pub result_4: Option<bool>,
        }
    }
}

mod input_i32 {
    use super::*;

    stream! { Input("input") { pub ignored: Option<i32> } }
}

mod output_i32 {
    use super::*;

    stream! { Output("OUTPUT") { pub val: Option<i32> } }
}

mod output_bool {
    use super::*;

    stream! { Output("OUTPUT") { pub val: Option<bool> } }
}

cases! {
    "comparison";

    less_than: "binary-comparison/less than" => output {
        use input_i64_f64_dec::Input;
        use output_bool_bool_bool::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                a: r.a,
                result_0: r.a < 1,
                result_1: r.b < 11,
                result_2: r.c < dec!(1.1),
                result_3: r.d < dec!(1.20),
                result_4: r.e < "foo",
            })
        }
    }

    between: "binary-comparison/between" => output {
        use input_i64_f64_dec::Input;
        use output_bool_bool_bool::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                a: r.a,
                result_0: (0..=2).contains(&r.a),
                result_1: (10..=12).contains(&r.b),
                result_2: (dec!(1.0)..=dec!(1.11)).contains(&r.c),
                result_3: (dec!(1.19)..=dec!(1.21)).contains(&r.d),
                result_4: ("eoo"..="goo").contains(&r.e),
            })
        }
    }

    not_between: "binary-comparison/not between" => output {
        use input_i64_f64_dec::Input;
        use output_bool_bool_bool::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                a: r.a,
                result_0: !(0..=2).contains(&r.a),
                result_1: !(10..=12).contains(&r.b),
                result_2: !(dec!(1.0)..=dec!(1.11)).contains(&r.c),
                result_3: !(dec!(1.19)..=dec!(1.21)).contains(&r.d),
                result_4: !("eoo"..="goo").contains(&r.e),
            })
        }
    }

    a_product_before_a_sum: "operators/precedence: asterisk before plus" => output {
        use input_i32::Input;
        use output_i32::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { val: 2 * 3 + 4 })
        }
    }

    a_remainder_before_a_sum: "operators/precedence: percent before plus" => output {
        use input_i32::Input;
        use output_i32::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { val: 6 % 4 + 4 })
        }
    }

    sums_before_a_comparison: "operators/precedence: plus and minus before comparison" => output {
        use input_i32::Input;
        use output_bool::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                val: 10 + 4 > 11 - 2,
            })
        }
    }

    a_pattern_before_and: "operators/precedence: AND before LIKE" => output {
        use input_i32::Input;
        use output_bool::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                val: "this".like("%hi%") && true,
            })
        }
    }

    nested_arrays_are_compared: "binary-comparison/nested collections comparison" => output {
        nested! { B { pub id: Option<i32> } }

        stream! {
            Input("test_topic") {
                #[key] pub a: i32,
                pub b: Option<Vec<Option<B>>>,
                pub c: Option<Vec<Option<B>>>,
            }
        }

        stream! { Output("OUTPUT") { #[key] pub a: i32, pub result: Option<bool> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                a: r.a,
                result: r.b == r.c,
            })
        }
    }

    a_quotient_before_a_sum: "operators/precedence: slash before plus" => output {
        use input_i32::Input;
        use output_i32::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { val: 6 / 3 + 4 })
        }
    }
}
