//! Several queries into one stream, and queries into a stream that no query makes.

use super::*;

/// A source and a sink of one shape.
macro_rules! pair {
    () => {
        stream! { Source("source") { #[key] pub k: String, pub a: Option<i64>, pub b: Option<String> } }

        stream! { Sink("sink") { #[key] pub k: String, pub a: Option<i64>, pub b: Option<String> } }

        #[query(insert)]
        fn added(source: Stream<Source>) -> Stream<Sink> {
            source.map(|s| Sink { k: s.k, a: s.a, b: s.b })
        }
    };
}

cases! {
    "insert_into";

    records_without_a_key_of_two_streams_lie_in_one: "insert-into/streams with no key columns" => output, added {
        stream! { Source1("stream-source") { pub k: Option<String>, pub data: Option<String> } }

        stream! { Source2("insert-source") { pub k: Option<String>, pub data: Option<String> } }

        stream! { Output("OUTPUT") { pub k: Option<String>, pub data: Option<String> } }

        #[query]
        fn output(source1: Stream<Source1>) -> Stream<Output> {
            source1.map(|s| Output { k: s.k, data: s.data })
        }

        #[query(insert)]
        fn added(source2: Stream<Source2>) -> Stream<Output> {
            source2.map(|s| Output { k: s.k, data: s.data })
        }
    }

    records_are_added_to_the_topic_that_the_first_query_names: "insert-into/with custom topic name" => output, added {
        stream! { Source1("stream-source") { #[key] pub k: String, pub data: Option<String> } }

        stream! { Source2("insert-source") { #[key] pub k: String, pub data: Option<String> } }

        stream! { Output("custom") { #[key] pub k: String, pub data: Option<String> } }

        #[query]
        fn output(source1: Stream<Source1>) -> Stream<Output> {
            source1.map(|s| Output { k: s.k, data: s.data })
        }

        #[query(insert)]
        fn added(source2: Stream<Source2>) -> Stream<Output> {
            source2.map(|s| Output { k: s.k, data: s.data })
        }
    }

    records_are_added_to_a_stream_that_no_query_makes: "insert-into/convert formats: JSON to AVRO" => added {
        pair!();
    }

    records_are_added_in_our_own_format: "insert-into/convert formats: AVRO to JSON" => added {
        pair!();
    }

    what_is_added_has_the_types_of_the_stream: "insert-into/implicitly casts" => added said_as "the cast that ksqlDB adds is written" {
        stream! { Source("source") { pub ignored: Option<String> } }

        stream! {
            Target("target") {
                #[decimal_precision(5, 2)] pub c1: Option<Decimal>,
                #[decimal_precision(5, 2)] pub c2: Option<Decimal>,
            }
        }

        #[query(insert)]
        fn added(source: Stream<Source>) -> Stream<Target> {
            source.map(|_| Target { c1: 1 as Decimal<5, 2>, c2: 2.0 as Decimal<5, 2> })
        }
    }

    the_fields_of_a_struct_are_added_as_columns: "select-struct-all/read all struct fields and insert into another stream" => added said_as "all fields of a struct are written one by one" {
        nested! { Both { pub a: Option<i32>, pub b: Option<i32> } }

        stream! { Input("test_topic") { pub v1: Option<Both> } }

        stream! { Output("OUTPUT") { pub a: Option<i32>, pub b: Option<i32> } }

        #[query(insert)]
        fn added(input: Stream<Input>) -> Stream<Output> {
            input.map(|i| Output { a: i.v1.a, b: i.v1.b })
        }
    }
}
