//! Functions of numbers.

use super::*;

mod input_i32_i64_f64 {
    use super::*;

    stream! {
        Input("input") {
            pub i: Option<i32>,
            pub l: Option<i64>,
            pub d: Option<f64>,
            pub b: Option<Dec<2, 1>>,
        }
    }
}

mod output_i32_i64_f64 {
    use super::*;

    stream! {
        Output("OUTPUT") {
            pub i: Option<i32>,
            pub l: Option<i64>,
            pub d: Option<f64>,
            pub b: Option<Dec<2, 1>>,
        }
    }
}

mod output_f64_f64_f64 {
    use super::*;

    stream! { Output("OUTPUT") { pub i: Option<f64>, pub l: Option<f64>, pub d: Option<f64> } }
}

mod input_i32_i64_dec {
    use super::*;

    stream! {
        Input("input_topic") {
            #[key] pub id: i64,
            pub n1: Option<i32>,
            pub n2: Option<i64>,
            pub n3: Option<Dec<30, 18>>,
            pub n4: Option<f64>,
        }
    }
}

mod output_f64 {
    use super::*;

    stream! { Output("OUTPUT") { #[key] pub id: i64, pub highest: Option<f64> } }
}

mod input_i64_i64_i64 {
    use super::*;

    stream! {
        Input("input_topic") {
            #[key] pub id: i64,
            pub b1: Option<i64>,
            pub b2: Option<i64>,
            pub b3: Option<i64>,
        }
    }
}

cases! {
    "arithmetic";

    the_number_without_its_sign: "math/abs" => output {
        use input_i32_i64_f64::Input;
        use output_i32_i64_f64::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                i: r.i.abs(),
                l: r.l.abs(),
                d: r.d.abs(),
                b: r.b.abs(),
            })
        }
    }

    the_next_number_downwards: "math/floor" => output {
        use input_i32_i64_f64::Input;
        use output_i32_i64_f64::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                i: r.i.floor(),
                l: r.l.floor(),
                d: r.d.floor(),
                b: r.b.floor(),
            })
        }
    }

    the_natural_logarithm: "math/ln" => output {
        use output_f64_f64_f64::Output;

        stream! { Input("input") { pub i: Option<i32>, pub l: Option<i64>, pub d: Option<f64> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                i: r.i.ln(),
                l: r.l.ln(),
                d: r.d.ln(),
            })
        }
    }

    a_number_to_a_power: "math/power" => output {
        use output_f64_f64_f64::Output;

        stream! {
            Input("input") {
                pub ib: Option<i32>,
                pub ie: Option<i32>,
                pub lb: Option<i64>,
                pub le: Option<i64>,
                pub db: Option<f64>,
                pub de: Option<f64>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                i: r.ib.pow(r.ie),
                l: r.lb.pow(r.le),
                d: r.db.pow(r.de),
            })
        }
    }

    a_double_is_cut: "math/trunc - double" => output said_as "a name that begins with digits is none in Rust" {
        stream! { Test("test_topic") { pub v: Option<f64> } }

        stream! {
            Output("OUTPUT") {
                pub r0: Option<i64>,
                pub r00: Option<f64>,
                pub r1: Option<f64>,
                pub r2: Option<f64>,
                pub r10: Option<f64>,
                pub r_1: Option<f64>,
                pub r_2: Option<f64>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                r0: r.v.trunc(),
                r00: r.v.trunc(0),
                r1: r.v.trunc(1),
                r2: r.v.trunc(2),
                r10: r.v.trunc(10),
                r_1: r.v.trunc(-1),
                r_2: r.v.trunc(-2),
            })
        }
    }

    a_whole_number_is_cut: "math/trunc - long" => output {
        stream! { Test("test_topic") { pub v: Option<i64> } }

        stream! { Output("OUTPUT") { pub r0: Option<i64> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output { r0: r.v.trunc() })
        }
    }

    the_largest_of_several_types_is_a_double: "greatest/test implicit casting to double" => output said_as "what widens the arguments is written" {
        use input_i32_i64_dec::Input;
        use output_f64::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                highest: r.n1.max(r.n2, r.n3, r.n4, None),
            })
        }
    }

    the_largest_whole_number_of_several: "greatest/test greatest with bigint" => output {
        use input_i64_i64_i64::Input;

        stream! { Output("OUTPUT") { #[key] pub id: i64, pub highest: Option<i64> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                highest: r.b1.max(r.b2, r.b3, None),
            })
        }
    }

    the_largest_double_of_several: "greatest/test greatest with double" => output {
        use output_f64::Output;

        stream! {
            Input("input_topic") {
                #[key] pub id: i64,
                pub do1: Option<f64>,
                pub do2: Option<f64>,
                pub do3: Option<f64>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                highest: r.do1.max(r.do2, r.do3, None),
            })
        }
    }

    the_latest_time_of_several: "greatest/test greatest with times" => output said_as "a text among moments, dates or times is converted by a cast that is written" {
        stream! {
            Input("input_topic") {
                #[key] pub id: i64,
                pub s1: Option<NaiveTime>,
                pub s2: Option<NaiveTime>,
                pub s3: Option<NaiveTime>,
                pub s4: Option<NaiveTime>,
            }
        }

        stream! { Output("OUTPUT") { #[key] pub id: i64, pub highest: Option<NaiveTime> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                highest: r
                    .s1
                    .max(r.s2, r.s3, r.s4, None, None, "09:16:00" as NaiveTime),
            })
        }
    }

    the_latest_moment_of_several: "greatest/test greatest with timestamps" => output said_as "a text among moments, dates or times is converted by a cast that is written" {
        stream! {
            Input("input_topic") {
                #[key] pub id: i64,
                pub s1: Option<DateTime<Utc>>,
                pub s2: Option<DateTime<Utc>>,
                pub s3: Option<DateTime<Utc>>,
                pub s4: Option<DateTime<Utc>>,
            }
        }

        stream! { Output("OUTPUT") { #[key] pub id: i64, pub highest: Option<DateTime<Utc>> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                highest: r
                    .s1
                    .max(r.s2, r.s3, r.s4, None, None, "2022-06-14" as DateTime<Utc>),
            })
        }
    }

    the_smallest_decimal_of_several: "least/test least with decimal" => output {
        stream! {
            Input("input_topic") {
                #[key] pub id: i64,
                pub de1: Option<Dec<9, 3>>,
                pub de2: Option<Dec<9, 3>>,
                pub de3: Option<Dec<9, 3>>,
            }
        }

        stream! { Output("OUTPUT") { #[key] pub id: i64, pub lowest: Option<Dec<9, 3>> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                lowest: r.de1.min(r.de2, r.de3, None),
            })
        }
    }

    the_smallest_of_decimals_has_the_digits_of_all: "least/test decimal widening" => output said_as "what widens the arguments is written" {
        stream! {
            Input("input_topic") {
                #[key] pub id: i64,
                pub n1: Option<Dec<9, 2>>,
                pub n2: Option<Dec<7, 6>>,
            }
        }

        stream! { Output("OUTPUT") { #[key] pub id: i64, pub lowest: Option<Dec<13, 6>> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                lowest: r.n1.min(r.n2),
            })
        }
    }

    the_smallest_of_several_types_is_a_double: "least/test implicit casting to double" => output said_as "what widens the arguments is written" {
        use input_i32_i64_dec::Input;

        stream! { Output("OUTPUT") { #[key] pub id: i64, pub lowest: Option<f64> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                lowest: r.n1.min(r.n2, r.n3, r.n4, None),
            })
        }
    }

    the_smallest_whole_number_of_several: "least/test least with bigint" => output {
        use input_i64_i64_i64::Input;

        stream! { Output("OUTPUT") { #[key] pub id: i64, pub lowest: Option<i64> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                lowest: r.b1.min(r.b2, r.b3, None),
            })
        }
    }

    the_smallest_integer_of_several: "least/test least with integer" => output {
        stream! {
            Input("input_topic") {
                #[key] pub id: i64,
                pub i1: Option<i32>,
                pub i2: Option<i32>,
                pub i3: Option<i32>,
            }
        }

        stream! { Output("OUTPUT") { #[key] pub id: i64, pub lowest: Option<i32> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                lowest: r.i1.min(r.i2, r.i3, None, 5),
            })
        }
    }

    the_smallest_text_of_several: "least/test least with strings" => output {
        stream! {
            Input("input_topic") {
                #[key] pub id: i64,
                pub s1: Option<String>,
                pub s2: Option<String>,
                pub s3: Option<String>,
                pub s4: Option<String>,
            }
        }

        stream! { Output("OUTPUT") { #[key] pub id: i64, pub lowest: Option<String> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                lowest: r.s1.min(r.s2, r.s3, r.s4, None, None, "hello"),
            })
        }
    }

    the_smallest_bytes_of_several: "least/test least with bytes" => output {
        stream! {
            Input("input_topic") {
                #[key] pub id: i64,
                pub s1: Option<Vec<u8>>,
                pub s2: Option<Vec<u8>>,
                pub s3: Option<Vec<u8>>,
                pub s4: Option<Vec<u8>>,
            }
        }

        stream! { Output("OUTPUT") { #[key] pub id: i64, pub lowest: Option<Vec<u8>> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                lowest: r
                    .s1
                    .min(r.s2, r.s3, r.s4, None, None, "hello".to_bytes("ascii")),
            })
        }
    }

    the_earliest_date_of_several: "least/test least with dates" => output said_as "a text among moments, dates or times is converted by a cast that is written" {
        stream! {
            Input("input_topic") {
                #[key] pub id: i64,
                pub s1: Option<NaiveDate>,
                pub s2: Option<NaiveDate>,
                pub s3: Option<NaiveDate>,
                pub s4: Option<NaiveDate>,
            }
        }

        stream! { Output("OUTPUT") { #[key] pub id: i64, pub lowest: Option<NaiveDate> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                lowest: r
                    .s1
                    .min(r.s2, r.s3, r.s4, None, None, "2022-06-14" as NaiveDate),
            })
        }
    }
}
