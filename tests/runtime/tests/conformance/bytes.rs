//! Bytes.

use super::*;

cases! {
    "bytes";

    bytes_are_handed_on: "bytes/AVRO in/out" => output {
        stream! { Test("test") { pub b: Option<Vec<u8>> } }

        stream! { Test2("TEST2") { pub b: Option<Vec<u8>> } }

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
}
