//! Conversions.

use super::*;

mod out_dec {
    use super::*;

    stream! { Out("OUT") { pub val: Option<Dec<2, 1>> } }
}

cases! {
    "cast";

    a_decimal_gets_more_digits: "cast/decimal to decimal" => output {
        stream! { Test("test_topic") { pub foo: Option<Dec<4, 2>> } }

        stream! { Out("OUT") { pub result: Option<Dec<5, 3>> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Out> {
            test.map(|r| Out {
                result: r.foo as Decimal<5, 3>,
            })
        }
    }

    an_integer_becomes_a_decimal: "cast/integer to decimal" => output {
        use out_dec::Out;

        stream! { Test("test_topic") { pub foo: Option<i32> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Out> {
            test.map(|r| Out {
                val: r.foo as Decimal<2, 1>,
            })
        }
    }

    a_double_becomes_a_decimal: "cast/double to decimal" => output {
        use out_dec::Out;

        stream! { Test("test_topic") { pub foo: Option<f64> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Out> {
            test.map(|r| Out {
                val: r.foo as Decimal<2, 1>,
            })
        }
    }

    a_text_becomes_a_decimal: "cast/string to decimal" => output {
        use out_dec::Out;

        stream! { Test("test_topic") { pub foo: Option<String> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Out> {
            test.map(|r| Out {
                val: r.foo as Decimal<2, 1>,
            })
        }
    }

    a_difference_becomes_a_text: "cast/integer to string" => output {
        stream! { Input("test_topic") { pub col0: Option<i32>, pub col1: Option<i32> } }

        stream! { Out("OUT") { pub val: Option<String> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Out> {
            input.map(|r| Out {
                val: (r.col0 - r.col1) as String,
            })
        }
    }

    a_difference_of_doubles_becomes_an_integer: "cast/double to int" => output {
        stream! { Input("test_topic") { pub col0: Option<f64>, pub col1: Option<f64> } }

        stream! { Out("OUT") { pub val: Option<i32> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Out> {
            input.map(|r| Out {
                val: (r.col0 - r.col1) as i32,
            })
        }
    }
}
