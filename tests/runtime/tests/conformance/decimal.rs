//! Decimals: their results' digits, and how they compare.

use super::*;

mod test_dec_dec {
    use super::*;

    stream! { Test("test") { pub a: Option<Dec<4, 2>>, pub b: Option<Dec<4, 2>> } }
}

mod test2_bool {
    use super::*;

    stream! { Test2("TEST2") { pub result: Option<bool> } }
}

cases! {
    "decimal";

    a_decimal_keeps_all_its_digits: "decimal/AVRO in/out" => output {
        stream! { Test("test") { pub dec: Option<Dec<21, 19>> } }

        stream! { Test2("TEST2") { pub dec: Option<Dec<21, 19>> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 { dec: r.dec })
        }
    }

    a_decimal_keeps_its_scale: "decimal/JSON scale in data less than scale in type" => output {
        stream! { Input("test") { pub dec: Option<Dec<6, 4>> } }

        stream! { Output("OUTPUT") { pub dec: Option<Dec<6, 4>> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { dec: r.dec })
        }
    }

    a_sum_of_decimals_has_one_digit_more: "decimal/addition" => output {
        use test_dec_dec::Test;

        stream! { Test2("TEST2") { pub result: Option<Dec<5, 2>> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 { result: r.a + r.b })
        }
    }

    decimals_are_equal_by_value: "decimal/equal - decimal decimal" => output {
        use test2_bool::Test2;
        use test_dec_dec::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 { result: r.a == r.b })
        }
    }

    decimals_are_unequal_by_value: "decimal/not equal - decimal decimal" => output {
        use test2_bool::Test2;
        use test_dec_dec::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 { result: r.a != r.b })
        }
    }

    decimals_are_less_by_value: "decimal/less than - decimal decimal" => output {
        use test2_bool::Test2;
        use test_dec_dec::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 { result: r.a < r.b })
        }
    }

    decimals_are_not_more_by_value: "decimal/LEQ - decimal decimal" => output {
        use test2_bool::Test2;
        use test_dec_dec::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 { result: r.a <= r.b })
        }
    }

    decimals_are_more_by_value: "decimal/greater than - decimal decimal" => output {
        use test2_bool::Test2;
        use test_dec_dec::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 { result: r.a > r.b })
        }
    }

    decimals_near_zero_keep_their_sign: "decimal/decimal between -1 and 1" => output {
        stream! { Test("test") { pub dec: Option<Dec<4, 2>> } }

        stream! { Test2("TEST2") { pub dec: Option<Dec<4, 2>> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.filter(|r| r.dec < dec!(0.08) && r.dec > dec!(-0.08))
                .map(|r| Test2 { dec: r.dec })
        }
    }
}
