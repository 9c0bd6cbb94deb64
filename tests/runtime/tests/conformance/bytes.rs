//! Bytes.

use super::*;

mod test_vec {
    use super::*;

    stream! { Test("test") { pub b: Option<Vec<u8>> } }
}

mod test2_vec {
    use super::*;

    stream! { Test2("TEST2") { pub b: Option<Vec<u8>> } }
}

cases! {
    "bytes";

    bytes_are_handed_on: "bytes/AVRO in/out" => output {
        use test2_vec::Test2;
        use test_vec::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 { b: r.b })
        }
    }

    bytes_are_compared: "bytes/filter" => output {
        stream! {
            Test("test") {
                pub a: Option<Vec<u8>>,
                pub b: Option<Vec<u8>>,
                pub c: Option<Vec<u8>>,
            }
        }

        stream! { Test2("TEST2") { pub result: Option<Vec<u8>> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.filter(|r| (r.a..=r.c).contains(&r.b))
                .map(|r| Test2 { result: r.c })
        }
    }

    bytes_of_another_carrier_are_handed_on: "bytes/JSON in/out" => output {
        use test2_vec::Test2;
        use test_vec::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 { b: r.b })
        }
    }

    bytes_become_text_and_bytes_again: "bytes-and-strings/convert bytes to BASE64 encoded string" => output {
        stream! { Test("test_topic") { pub s: Option<String>, pub b: Option<Vec<u8>> } }

        stream! {
            Ts("TS") {
                pub base64: Option<String>,
                pub b1: Option<Vec<u8>>,
                pub s1: Option<String>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Ts> {
            test.map(|r| Ts {
                base64: r.b.from_bytes("base64"),
                b1: r.b.from_bytes("base64").to_bytes("base64"),
                s1: r.s.to_bytes("base64").from_bytes("base64"),
            })
        }
    }
}
