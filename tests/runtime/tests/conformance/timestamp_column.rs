//! The column that says when something happened.

use super::*;

mod ts_i64 {
    use super::*;

    stream! { Ts("TS") { pub id: Option<i64> } }
}

cases! {
    "timestamp_column";

    a_result_has_the_timestamp_of_its_record: "timestamp-extractor/source default timestamp" => output {
        use ts_i64::Ts;

        stream! { Test("test_topic") { pub id: Option<i64> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Ts> {
            test.map(|r| Ts { id: r.id })
        }
    }

    a_column_says_when_and_a_negative_number_says_nothing: "timestamp-extractor/source bigint timestamp column" => output {
        use ts_i64::Ts;

        stream! { Test("test_topic") { pub id: Option<i64>, #[timestamp] pub ts: i64 } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Ts> {
            test.map(|r| Ts { id: r.id })
        }
    }

    a_column_of_moments_says_when: "timestampformat/timestamp column of TIMESTAMP type" => output {
        stream! {
            Input("test_topic") {
                pub id: Option<i64>,
                #[timestamp] pub event_ts: DateTime<Utc>,
            }
        }

        stream! { Output("OUTPUT") { pub id: Option<i64>, pub event_ts: Option<DateTime<Utc>> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                event_ts: r.event_ts,
            })
        }
    }

    a_column_of_the_result_says_when: "timestampformat/override output timestamp for CTAS" => output {
        table! { Test("test_topic") { #[key] pub k: String, pub id: i64 } }

        table! {
            Ts("TS") {
                #[key] pub k: String,
                #[timestamp] pub sink_ts: i64,
                pub id: Option<i64>,
            }
        }

        #[query]
        fn output(test: Table<Test>) -> Table<Ts> {
            test.map(|r| Ts {
                k: r.k,
                sink_ts: r.id,
                id: r.id,
            })
        }
    }
}
