//! Topics of results.

use super::*;

mod test_string {
    use super::*;

    stream! { Test("test_topic") { #[key] pub k: String, pub source: Option<String> } }
}

cases! {
    "statements";

    a_result_has_the_partitions_of_its_source: "sink-partitions-replicas/should copy partition and replica count from source topic" => output {
        stream! { Test("input") { pub c1: Option<i32> } }

        stream! { S("S") { pub c1: Option<i32> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<S> {
            test.map(|r| S { c1: r.c1 })
        }
    }

    a_stream_in_a_topic_of_its_name: "sink-topic-naming/sink-topic-naming: default topic name is stream name, in upper-case" => output {
        use test_string::Test;

        stream! { Output("OUTPUT") { #[key] pub k: String, pub source: Option<String> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                k: r.k,
                source: r.source,
            })
        }
    }

    a_stream_in_a_topic_of_another_name: "sink-topic-naming/sink-topic-naming: use supplied topic name, when supplied" => output {
        use test_string::Test;

        stream! { Output("Fred") { #[key] pub k: String, pub source: Option<String> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                k: r.k,
                source: r.source,
            })
        }
    }
}
