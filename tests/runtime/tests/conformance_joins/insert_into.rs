//! What joins give, added to a stream that is there.

use super::*;

cases! {
    "insert_into";

    joined_records_are_added_to_those_of_another_query: "insert-into/join" => output, joined {
        stream! { Source1("stream-source") { #[key] pub k: String, pub data: Option<String> } }

        stream! { Source2("insert-source") { #[key] pub k: String, pub data: Option<String> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub k: String,
                pub data_1: Option<String>,
                pub data_2: Option<String>,
            }
        }

        #[query]
        fn output(source1: Stream<Source1>) -> Stream<Output> {
            source1.map(|s| Output { k: s.k, data_1: s.data, data_2: s.data })
        }

        #[query(insert)]
        fn joined(s1: Stream<Source1>, s2: Stream<Source2>) -> Stream<Output> {
            s1
                .join(s2, |s1, s2| s1.k == s2.k)
                .within("1s")
                .map(|s1, s2| Output { k: s1.k, data_1: s1.data, data_2: s2.data })
        }
    }

    what_is_joined_by_other_values_is_added_to_a_stream_that_no_query_makes: "insert-into/join with repartition" => joined said_as "texts are put together by `.concat(..)`" {
        stream! { Source1("s1") { #[key] pub id: String, pub k: Option<String> } }

        stream! { Source2("s2") { #[key] pub id: String, pub k: Option<String> } }

        stream! {
            Output("OUTPUT", partitions = 1) {
                #[key] pub k: String,
                pub data: Option<String>,
                pub i: Option<i32>,
            }
        }

        #[query(insert)]
        fn joined(s1: Stream<Source1>, s2: Stream<Source2>) -> Stream<Output> {
            s1
                .join(s2, |s1, s2| s1.k == s2.k)
                .within("1s")
                .map(|s1, s2| Output { k: s1.k, data: s1.id.concat(s2.id), i: 1 })
        }
    }
}
