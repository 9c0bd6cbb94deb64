//! Moments, and when a record happened.

use super::*;

mod test_datetime {
    use super::*;

    stream! { Test("test") { pub time: Option<DateTime<Utc>> } }
}

mod test_datetime_datetime {
    use super::*;

    stream! { Test("test") { pub a: Option<DateTime<Utc>>, pub b: Option<DateTime<Utc>> } }
}

mod test2_bool {
    use super::*;

    stream! { Test2("TEST2") { pub result: Option<bool> } }
}

mod test2_datetime {
    use super::*;

    stream! { Test2("TEST2") { pub result: Option<DateTime<Utc>> } }
}

mod test_datetime_2 {
    use super::*;

    stream! { Test("test") { #[key] pub id: i32, pub time: Option<DateTime<Utc>> } }
}

mod test2_datetime_2 {
    use super::*;

    stream! { Test2("TEST2") { #[key] pub id: i32, pub value: Option<DateTime<Utc>> } }
}

mod test_datetime_i32 {
    use super::*;

    stream! {
        Test("test") {
            #[key] pub id: i32,
            pub time: Option<DateTime<Utc>>,
            pub num: Option<i32>,
        }
    }
}

mod test_i32 {
    use super::*;

    stream! { Test("test_topic") { #[key] pub k: String, pub source: Option<i32> } }
}

mod output_i32 {
    use super::*;

    stream! { Output("OUTPUT") { #[key] pub k: String, pub thing: Option<i32> } }
}

cases! {
    "timestamp";

    a_moment_is_handed_on: "timestamp/AVRO in/out" => output {
        use test_datetime::Test;

        stream! { Test2("TEST2") { pub time: Option<DateTime<Utc>> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 { time: r.time })
        }
    }

    moments_are_equal: "timestamp/equal - timestamp timestamp" => output {
        use test2_bool::Test2;
        use test_datetime_datetime::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 { result: r.a == r.b })
        }
    }

    moments_are_not_later: "timestamp/LEQ - decimal decimal" => output {
        use test2_bool::Test2;
        use test_datetime_datetime::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 { result: r.a <= r.b })
        }
    }

    moments_are_later: "timestamp/greater than - timestamp timestamp" => output {
        use test2_bool::Test2;
        use test_datetime_datetime::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 { result: r.a > r.b })
        }
    }

    moments_are_earlier: "timestamp/less than - timestamp timestamp" => output {
        use test2_bool::Test2;
        use test_datetime_datetime::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 { result: r.a < r.b })
        }
    }

    a_moment_is_compared_with_a_text: "timestamp/greater than - timestamp string" => output {
        use test2_bool::Test2;

        stream! { Test("test") { pub a: Option<DateTime<Utc>> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 {
                result: r.a > "1970-01-01T00:00:00.010",
            })
        }
    }

    a_moment_becomes_a_text: "timestamp/casting - timestamp to string" => output {
        use test_datetime::Test;

        stream! { Test2("TEST2") { pub result: Option<String> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 {
                result: r.time as String,
            })
        }
    }

    a_text_becomes_a_moment: "timestamp/casting - string to timestamp" => output {
        use test2_datetime::Test2;

        stream! { Test("test") { pub time: Option<String> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 {
                result: r.time as DateTime<Utc>,
            })
        }
    }

    a_moment_some_milliseconds_later: "timestampadd/adds" => output {
        use test2_datetime::Test2;
        use test_datetime::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 {
                result: r.time.timestamp_add(Unit::Milliseconds, 10),
            })
        }
    }

    a_moment_negative_milliseconds_later: "timestampadd/adds negative intervals" => output {
        use test2_datetime_2::Test2;
        use test_datetime_2::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 {
                id: r.id,
                value: r.time.timestamp_add(Unit::Milliseconds, -5),
            })
        }
    }

    nothing_is_added_to_null: "timestampadd/handles null values" => output {
        use test2_datetime_2::Test2;
        use test_datetime_i32::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 {
                id: r.id,
                value: r.time.timestamp_add(Unit::Milliseconds, r.num),
            })
        }
    }

    nothing_is_taken_from_null: "timestampsub/handles null values" => output {
        use test2_datetime_2::Test2;
        use test_datetime_i32::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 {
                id: r.id,
                value: r.time.timestamp_sub(Unit::Milliseconds, r.num),
            })
        }
    }

    a_moment_negative_milliseconds_earlier: "timestampsub/subtracts negative intervals" => output {
        use test2_datetime_2::Test2;
        use test_datetime_2::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 {
                id: r.id,
                value: r.time.timestamp_sub(Unit::Milliseconds, -5),
            })
        }
    }

    rows_are_chosen_by_their_timestamps: "magic-timestamp-conversion/between predicate on BIGINT ROWTIME in WHERE" => output {
        use output_i32::Output;
        use test_i32::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.filter(|r| (1514764800001..=1514764801000).contains(&r.rowtime()))
                .map(|r| Output {
                    k: r.k,
                    thing: r.source,
                })
        }
    }

    milliseconds_become_a_moment: "from-unixtime/convert milliseconds to timezone" => output {
        stream! { Test("test_topic") { #[key] pub k: String, pub millis: Option<i64> } }

        stream! { Ts("TS") { #[key] pub k: String, pub ts: Option<DateTime<Utc>> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Ts> {
            test.map(|r| Ts {
                k: r.k,
                ts: r.millis.from_unixtime(),
            })
        }
    }

    rows_since_a_year: "magic-timestamp-conversion/partial STRING ROWTIME" => output {
        use output_i32::Output;
        use test_i32::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.filter(|r| r.rowtime() >= "2018")
                .map(|r| Output {
                    k: r.k,
                    thing: r.source,
                })
        }
    }

    rows_since_a_day_with_a_number: "magic-timestamp-conversion/nested comparison expression on STRING ROWTIME in WHERE" => output {
        use output_i32::Output;
        use test_i32::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.filter(|r| r.rowtime() >= "2019-01-01T00:00:00" && r.source == 5)
                .map(|r| Output {
                    k: r.k,
                    thing: r.source,
                })
        }
    }

    rows_since_a_time_elsewhere: "magic-timestamp-conversion/comparison predicate with STRING ROWTIME containing TZ in WHERE" => output {
        use output_i32::Output;
        use test_i32::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.filter(|r| r.rowtime() > "2019-01-01T00:00:00+0445")
                .map(|r| Output {
                    k: r.k,
                    thing: r.source,
                })
        }
    }
}
