//! Functions of arrays, of bytes and of texts that Rust has no names for.

use super::*;

mod arrays {
    use super::*;

    stream! {
        Input("test_topic") {
            #[key] pub id: String,
            pub arr1: Option<Vec<Option<i32>>>,
            pub arr2: Option<Vec<Option<i32>>>,
        }
    }

    stream! { Output("OUTPUT") { #[key] pub id: String, pub result: Option<Vec<Option<i32>>> } }
}

mod byte_orders {
    use super::*;

    stream! {
        Test("test_topic") {
            pub a: Option<Vec<u8>>,
            pub b: Option<Vec<u8>>,
            pub c: Option<Vec<u8>>,
        }
    }

    stream! { Ts("TS") { pub a: Option<i32>, pub b: Option<i64>, pub c: Option<f64> } }
}

mod result {
    use super::*;

    stream! { Output("OUTPUT") { #[key] pub id: String, pub result: Option<String> } }
}

mod keys {
    use super::*;

    stream! { Output("OUTPUT") { #[key] pub id: String, pub keys: Option<Vec<String>> } }
}

mod padded {
    use super::*;

    stream! {
        Input("test_topic") {
            #[key] pub id: String,
            pub subject: Option<Vec<u8>>,
            pub len: Option<i32>,
            pub padding: Option<Vec<u8>>,
        }
    }

    stream! { Output("OUTPUT") { #[key] pub id: String, pub result: Option<Vec<u8>> } }
}

mod parts {
    use super::*;

    stream! {
        Test("test_topic") {
            #[key] pub k: String,
            pub message: Option<String>,
            pub b: Option<Vec<u8>>,
        }
    }

    stream! {
        Output("OUTPUT") {
            #[key] pub k: String,
            pub split_msg: Option<Vec<String>>,
            pub split_bytes: Option<Vec<Vec<u8>>>,
        }
    }
}

cases! {
    "functions";

    nested_elements_are_removed: "array-remove/array_remove with complex types" => output {
        stream! {
            Input("test_topic") {
                #[key] pub id: String,
                pub lists: Option<Vec<Option<Vec<Option<String>>>>>,
                pub bad_list: Option<Vec<Option<String>>>,
                pub maps: Option<Vec<Option<BTreeMap<String, Option<i32>>>>>,
                pub bad_map: Option<BTreeMap<String, Option<i32>>>,
            }
        }

        stream! {
            Output("OUTPUT") {
                #[key] pub id: String,
                pub lists: Option<Vec<Option<Vec<Option<String>>>>>,
                pub maps: Option<Vec<Option<BTreeMap<String, Option<i32>>>>>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                lists: r.lists.array_remove(r.bad_list),
                maps: r.maps.array_remove(r.bad_map),
            })
        }
    }

    an_array_that_is_null_adds_nothing: "array-set-functions/array_concat with left null" => output {
        use arrays::{Input, Output};

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { id: r.id, result: r.arr1.array_concat(r.arr2) })
        }
    }

    what_both_arrays_have: "array-set-functions/array_intersect with primitive type" => output {
        use arrays::{Input, Output};

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { id: r.id, result: r.arr1.intersect(r.arr2) })
        }
    }

    what_either_array_has: "array-set-functions/array_union with primitive type" => output {
        use arrays::{Input, Output};

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { id: r.id, result: r.arr1.union(r.arr2) })
        }
    }

    a_series_goes_either_way: "array/GENERATE_SERIES" => output {
        stream! {
            Test("test_topic") { #[key] pub id: String, pub f0: Option<i32>, pub f1: Option<i32> }
        }

        stream! { Output("OUTPUT") { #[key] pub id: String, pub ksql_col_0: Option<Vec<i32>> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output { id: r.id, ksql_col_0: r.f0.generate_series(r.f1) })
        }
    }

    a_series_goes_by_steps: "array/GENERATE_SERIES with step" => output {
        stream! {
            Test("test_topic") {
                #[key] pub id: String,
                pub f0: Option<i32>,
                pub f1: Option<i32>,
                pub f2: Option<i32>,
            }
        }

        stream! { Output("OUTPUT") { #[key] pub id: String, pub ksql_col_0: Option<Vec<i32>> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output { id: r.id, ksql_col_0: r.f0.generate_series(r.f1, r.f2) })
        }
    }

    entries_are_ordered_by_their_keys: "array/entries sorted" => output {
        nested! { IntEntry { pub k: String, pub v: Option<i32> } }
        nested! { BigintEntry { pub k: String, pub v: Option<i64> } }
        nested! { DoubleEntry { pub k: String, pub v: Option<f64> } }
        nested! { BooleanEntry { pub k: String, pub v: Option<bool> } }
        nested! { StringEntry { pub k: String, pub v: Option<String> } }

        stream! {
            Test("test_topic") {
                #[key] pub id: String,
                pub intmap: Option<BTreeMap<String, Option<i32>>>,
                pub bigintmap: Option<BTreeMap<String, Option<i64>>>,
                pub doublemap: Option<BTreeMap<String, Option<f64>>>,
                pub booleanmap: Option<BTreeMap<String, Option<bool>>>,
                pub stringmap: Option<BTreeMap<String, Option<String>>>,
                pub nullmap: Option<BTreeMap<String, Option<String>>>,
            }
        }

        stream! {
            Output("OUTPUT") {
                #[key] pub id: String,
                pub ksql_col_0: Option<Vec<IntEntry>>,
                pub ksql_col_1: Option<Vec<BigintEntry>>,
                pub ksql_col_2: Option<Vec<DoubleEntry>>,
                pub ksql_col_3: Option<Vec<BooleanEntry>>,
                pub ksql_col_4: Option<Vec<StringEntry>>,
                pub ksql_col_5: Option<Vec<StringEntry>>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                id: r.id,
                ksql_col_0: r.intmap.entries(true),
                ksql_col_1: r.bigintmap.entries(true),
                ksql_col_2: r.doublemap.entries(true),
                ksql_col_3: r.booleanmap.entries(true),
                ksql_col_4: r.stringmap.entries(true),
                ksql_col_5: r.nullmap.entries(true),
            })
        }
    }

    bytes_are_numbers_the_highest_first: "bytes-and-strings/convert bytes to INT, BIGINT, and DOUBLE using BIG ENDIAN" => output {
        use byte_orders::{Test, Ts};

        #[query]
        fn output(test: Stream<Test>) -> Stream<Ts> {
            test.map(|r| Ts {
                a: r.a.int_from_bytes(),
                b: r.b.bigint_from_bytes(),
                c: r.c.double_from_bytes(),
            })
        }
    }

    bytes_are_numbers_the_lowest_first: "bytes-and-strings/convert bytes to INT, BIGINT, and DOUBLE using LITTLE ENDIAN" => output {
        use byte_orders::{Test, Ts};

        #[query]
        fn output(test: Stream<Test>) -> Stream<Ts> {
            test.map(|r| Ts {
                a: r.a.int_from_bytes("LITTLE_ENDIAN"),
                b: r.b.bigint_from_bytes("LITTLE_ENDIAN"),
                c: r.c.double_from_bytes("LITTLE_ENDIAN"),
            })
        }
    }

    a_character_by_its_number: "chr/codepoint from decimal code" => output {
        use result::Output;

        stream! { Input("test_topic") { #[key] pub id: String, pub utfcode: Option<i32> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { id: r.id, result: r.utfcode.chr() })
        }
    }

    a_character_by_its_code: "chr/codepoint from text code" => output {
        use result::Output;

        stream! { Input("test_topic") { #[key] pub id: String, pub utfcode: Option<String> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { id: r.id, result: r.utfcode.chr() })
        }
    }

    characters_are_a_text: "chr/multiple invocations" => output {
        use result::Output;

        stream! {
            Input("test_topic") {
                #[key] pub id: String,
                pub utfcode1: Option<String>,
                pub utfcode2: Option<String>,
                pub utfcode3: Option<i32>,
                pub utfcode4: Option<i32>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                result: r.utfcode1.chr().concat(r.utfcode2.chr(), r.utfcode3.chr(), r.utfcode4.chr()),
            })
        }
    }

    what_is_found_is_chosen: "elt-field/ELT should undo FIELD" => output {
        stream! {
            Test("test_topic") { #[key] pub k: String, pub a: Option<String>, pub b: Option<String> }
        }

        stream! { Output("OUTPUT") { #[key] pub k: String, pub hello: Option<String> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output { k: r.k, hello: "hello".field(r.a, r.b).elt(r.a, r.b) })
        }
    }

    one_of_several_is_chosen: "elt-field/elect the second parameter" => output {
        stream! { Test("test_topic") { #[key] pub k: String, pub message: Option<String> } }

        stream! { Output("OUTPUT") { #[key] pub k: String, pub elem: Option<String> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output { k: r.k, elem: 2.elt("ignored", r.message) })
        }
    }

    one_of_several_is_found: "elt-field/field the correct parameter" => output {
        stream! {
            Test("test_topic") { #[key] pub k: String, pub a: Option<String>, pub b: Option<String> }
        }

        stream! { Output("OUTPUT") { #[key] pub k: String, pub pos: i32 } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output { k: r.k, pos: "hello".field(r.a, r.b) })
        }
    }

    keys_of_a_map_in_order: "map/map_keys" => output {
        use keys::Output;

        stream! {
            Input("test_topic") {
                #[key] pub id: String,
                pub a_map: Option<BTreeMap<String, Option<i32>>>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { id: r.id, keys: r.a_map.keys().sort() })
        }
    }

    keys_of_a_map_of_arrays: "map/map_keys with non-primitive values" => output {
        use keys::Output;

        stream! {
            Input("test_topic") {
                #[key] pub id: String,
                pub a_map: Option<BTreeMap<String, Option<Vec<Option<i32>>>>>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { id: r.id, keys: r.a_map.keys().sort() })
        }
    }

    a_digest_in_hex: "md5/md5 to hex string" => output {
        stream! { Input("test_topic") { #[key] pub id: String, pub str: Option<String> } }

        stream! { Output("OUTPUT") { #[key] pub id: String, pub md5: Option<String> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { id: r.id, md5: r.str.md5() })
        }
    }

    bytes_are_padded_in_front: "bytes-lpad-rpad/LPAD with all args from record" => output {
        use padded::{Input, Output};

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { id: r.id, result: r.subject.lpad(r.len, r.padding) })
        }
    }

    bytes_are_padded_behind: "bytes-lpad-rpad/RPAD with all args from record" => output {
        use padded::{Input, Output};

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { id: r.id, result: r.subject.rpad(r.len, r.padding) })
        }
    }

    bytes_are_split_as_texts: "split/split a message by using the '$$' delimiter" => output {
        use parts::{Output, Test};

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                k: r.k,
                split_msg: r.message.split("$$"),
                split_bytes: r.b.split("$$".to_bytes("utf8")),
            })
        }
    }

    bytes_are_split_at_one: "split/split a message by using the '.' delimiter" => output {
        use parts::{Output, Test};

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                k: r.k,
                split_msg: r.message.split("."),
                split_bytes: r.b.split(".".to_bytes("utf8")),
            })
        }
    }
}
