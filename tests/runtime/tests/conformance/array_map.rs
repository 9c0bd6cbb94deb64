//! Arrays and maps.

use super::*;

mod test_vec_vec_vec {
    use super::*;

    stream! {
        Test("test_topic") {
            #[key] pub id: String,
            pub booleanarray: Option<Vec<Option<bool>>>,
            pub intarray: Option<Vec<Option<i32>>>,
            pub bigintarray: Option<Vec<Option<i64>>>,
            pub doublearray: Option<Vec<Option<f64>>>,
            pub decimalarray: Option<Vec<Option<Dec<5, 2>>>>,
            pub stringarray: Option<Vec<Option<String>>>,
        }
    }
}

mod output_string_string_string {
    use super::*;

    stream! {
        Output("OUTPUT") {
            #[key] pub id: String,
            pub result_0: Option<String>,
            pub result_1: Option<String>,
            pub result_2: Option<String>,
            pub result_3: Option<String>,
            pub result_4: Option<String>,
            pub result_5: Option<String>,
        }
    }
}

cases! {
    "array_map";

    arrays_have_a_length: "array/array_length - primitives" => output {
        stream! {
            Input("test_topic") {
                pub boolean_array: Option<Vec<Option<bool>>>,
                pub int_array: Option<Vec<Option<i32>>>,
                pub bigint_array: Option<Vec<Option<i64>>>,
                pub double_array: Option<Vec<Option<f64>>>,
                pub string_array: Option<Vec<Option<String>>>,
                pub decimal_array: Option<Vec<Option<Dec<2, 1>>>>,
            }
        }

        stream! {
            Output("OUTPUT") {
                pub boolean_len: Option<i32>,
                pub int_len: Option<i32>,
                pub bigint_len: Option<i32>,
                pub double_len: Option<i32>,
                pub string_len: Option<i32>,
                pub decimal_len: Option<i32>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                boolean_len: r.boolean_array.len(),
                int_len: r.int_array.len(),
                bigint_len: r.bigint_array.len(),
                double_len: r.double_array.len(),
                string_len: r.string_array.len(),
                decimal_len: r.decimal_array.len(),
            })
        }
    }

    arrays_of_nested_values_have_a_length: "array/array_length - structured" => output {
        nested! { Struct_Array { pub v: Option<i64> } }

        stream! {
            Input("test_topic") {
                pub array_array: Option<Vec<Option<Vec<Option<bool>>>>>,
                pub map_array: Option<Vec<Option<BTreeMap<String, Option<i32>>>>>,
                pub struct_array: Option<Vec<Option<Struct_Array>>>,
            }
        }

        stream! {
            Output("OUTPUT") {
                pub array_len: Option<i32>,
                pub map_len: Option<i32>,
                pub struct_len: Option<i32>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                array_len: r.array_array.len(),
                map_len: r.map_array.len(),
                struct_len: r.struct_array.len(),
            })
        }
    }

    an_element_of_an_element: "array/multi-dimensional" => output {
        stream! { Input("test_topic") { pub col0: Option<Vec<Option<Vec<Option<i32>>>>> } }

        stream! { Output("OUTPUT") { pub result: Option<i32> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                result: r.col0[0][1],
            })
        }
    }

    rows_are_chosen_by_an_element_of_a_nested_array: "arraycontains/filter rows where the STRUCT->ARRAY column contains a specified STRING" => output {
        nested! { C1 { pub colors: Option<Vec<Option<String>>> } }

        stream! { Test("test_topic") { pub c1: Option<C1> } }

        stream! { Output("OUTPUT") { pub colors: Option<Vec<Option<String>>> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.filter(|r| r.c1.colors.contains("Pink"))
                .map(|r| Output {
                    colors: r.c1.colors,
                })
        }
    }

    entries_of_a_map: "map/string map" => output {
        stream! { Input("test_topic") { pub a_map: Option<BTreeMap<String, Option<i32>>> } }

        stream! { Output("OUTPUT") { pub result_0: Option<i32>, pub result_1: Option<i32> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                result_0: r.a_map["expected"],
                result_1: r.a_map["missing"],
            })
        }
    }

    the_largest_element: "array-min-max-sort/array_max" => output {
        stream! {
            Input("test_topic") {
                #[key] pub id: String,
                pub bool_array: Option<Vec<Option<bool>>>,
                pub int_array: Option<Vec<Option<i32>>>,
                pub bigint_array: Option<Vec<Option<i64>>>,
                pub double_array: Option<Vec<Option<f64>>>,
                pub string_array: Option<Vec<Option<String>>>,
                pub decimal_array: Option<Vec<Option<Dec<2, 1>>>>,
            }
        }

        stream! {
            Output("OUTPUT") {
                #[key] pub id: String,
                pub bool_max: Option<bool>,
                pub int_max: Option<i32>,
                pub bigint_max: Option<i64>,
                pub double_max: Option<f64>,
                pub string_max: Option<String>,
                pub decimal_max: Option<Dec<2, 1>>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                bool_max: r.bool_array.array_max(),
                int_max: r.int_array.array_max(),
                bigint_max: r.bigint_array.array_max(),
                double_max: r.double_array.array_max(),
                string_max: r.string_array.array_max(),
                decimal_max: r.decimal_array.array_max(),
            })
        }
    }

    each_element_once: "array-set-functions/array_distinct with primitive types" => output {
        stream! {
            Input("test_topic") {
                #[key] pub id: String,
                pub bools: Option<Vec<Option<bool>>>,
                pub ints: Option<Vec<Option<i32>>>,
                pub bigints: Option<Vec<Option<i64>>>,
                pub doubles: Option<Vec<Option<f64>>>,
                pub strings: Option<Vec<Option<String>>>,
                pub decimals: Option<Vec<Option<Dec<2, 1>>>>,
            }
        }

        stream! {
            Output("OUTPUT") {
                #[key] pub id: String,
                pub bools_dist: Option<Vec<Option<bool>>>,
                pub ints_dist: Option<Vec<Option<i32>>>,
                pub bigints_dist: Option<Vec<Option<i64>>>,
                pub doubles_dist: Option<Vec<Option<f64>>>,
                pub strings_dist: Option<Vec<Option<String>>>,
                pub decimals_dist: Option<Vec<Option<Dec<2, 1>>>>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                bools_dist: r.bools.array_distinct(),
                ints_dist: r.ints.array_distinct(),
                bigints_dist: r.bigints.array_distinct(),
                doubles_dist: r.doubles.array_distinct(),
                strings_dist: r.strings.array_distinct(),
                decimals_dist: r.decimals.array_distinct(),
            })
        }
    }

    elements_are_joined_by_a_delimiter: "arrayjoin/join flat arrays with primitive ksqldb types and custom delimiters" => output {
        use output_string_string_string::Output;
        use test_vec_vec_vec::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                id: r.id,
                result_0: r.booleanarray.join("|"),
                result_1: r.intarray.join("?"),
                result_2: r.bigintarray.join(";"),
                result_3: r.doublearray.join(" "),
                result_4: r.decimalarray.join("#"),
                result_5: r.stringarray.join("_"),
            })
        }
    }

    elements_are_joined_by_commas: "arrayjoin/join flat arrays with primitive ksqldb types and default delimiter" => output {
        use output_string_string_string::Output;
        use test_vec_vec_vec::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                id: r.id,
                result_0: r.booleanarray.join(),
                result_1: r.intarray.join(),
                result_2: r.bigintarray.join(),
                result_3: r.doublearray.join(),
                result_4: r.decimalarray.join(),
                result_5: r.stringarray.join(),
            })
        }
    }

    the_last_element: "arrayindex/select the last element of an Array (-1)" => output said_as "the last element is told by the length: an index below zero is none in Rust" {
        stream! { Test("test_topic") { pub colors: Option<Vec<Option<String>>> } }

        stream! { Output("OUTPUT") { pub c: Option<String> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                c: r.colors[r.colors.len() - 1],
            })
        }
    }

    elements_are_joined_by_nothing: "arrayjoin/join flat arrays with primitive ksqldb types and empty or null delimiter" => output {
        use output_string_string_string::Output;
        use test_vec_vec_vec::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                id: r.id,
                result_0: r.booleanarray.join(""),
                result_1: r.intarray.join(None as String),
                result_2: r.bigintarray.join(""),
                result_3: r.doublearray.join(None as String),
                result_4: r.decimalarray.join(""),
                result_5: r.stringarray.join(None as String),
            })
        }
    }

    a_field_of_json_in_an_entry: "map/map value as UDF param" => output {
        stream! { Input("test_topic") { pub col11: Option<BTreeMap<String, Option<String>>> } }

        stream! { Output("OUTPUT") { pub result: Option<String> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                result: r.col11["address"].extract_json_field("$.city"),
            })
        }
    }

    a_part_of_a_list: "slice/sublist for string list" => output {
        stream! { Test("test_topic") { pub l: Option<Vec<Option<String>>> } }

        stream! { Output("OUTPUT") { pub sub: Option<Vec<Option<String>>> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                sub: r.l.slice(2, 3),
            })
        }
    }
}
