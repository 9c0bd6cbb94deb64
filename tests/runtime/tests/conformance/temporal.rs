//! Times, dates and moments.

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

mod test2_string {
    use super::*;

    stream! { Test2("TEST2") { pub result: Option<String> } }
}

mod test_string {
    use super::*;

    stream! { Test("test") { pub time: Option<String> } }
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

mod test_naivedate_naivedate {
    use super::*;

    stream! { Test("test") { pub a: Option<NaiveDate>, pub b: Option<NaiveDate> } }
}

mod test_naivetime_naivetime {
    use super::*;

    stream! { Test("test") { pub a: Option<NaiveTime>, pub b: Option<NaiveTime> } }
}

mod test2_naivetime {
    use super::*;

    stream! { Test2("TEST2") { pub result: Option<NaiveTime> } }
}

mod test_naivetime {
    use super::*;

    stream! { Test("test") { #[key] pub id: i32, pub time: Option<NaiveTime> } }
}

mod test2_naivetime_2 {
    use super::*;

    stream! { Test2("TEST2") { #[key] pub id: i32, pub value: Option<NaiveTime> } }
}

mod test_i32 {
    use super::*;

    stream! { Test("test_topic") { #[key] pub k: String, pub source: Option<i32> } }
}

mod output_i32 {
    use super::*;

    stream! { Output("OUTPUT") { #[key] pub k: String, pub thing: Option<i32> } }
}

mod output_string {
    use super::*;

    stream! { Output("OUTPUT") { pub c2: Option<String> } }
}

cases! {
    "temporal";

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
        use test2_string::Test2;
        use test_datetime::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 {
                result: r.time as String,
            })
        }
    }

    a_text_becomes_a_moment: "timestamp/casting - string to timestamp" => output {
        use test2_datetime::Test2;
        use test_string::Test;

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

    a_moment_becomes_a_date: "date/casting - timestamp to date" => output {
        stream! { Test("test") { pub ts: Option<DateTime<Utc>> } }

        stream! { Test2("TEST2") { pub result: Option<NaiveDate> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 {
                result: r.ts as NaiveDate,
            })
        }
    }

    a_date_becomes_a_text: "date/casting - date to string" => output {
        use test2_string::Test2;

        stream! { Test("test") { pub date: Option<NaiveDate> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 {
                result: r.date as String,
            })
        }
    }

    a_date_is_compared_with_a_moment: "date/greater than - DATE TIMESTAMP" => output {
        use test2_bool::Test2;

        stream! { Test("test") { pub a: Option<NaiveDate>, pub b: Option<DateTime<Utc>> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 { result: r.a > r.b })
        }
    }

    null_is_distinct_from_a_date: "date/is distinct - DATE DATE" => output {
        use test2_bool::Test2;
        use test_naivedate_naivedate::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 {
                result: r.a.is_distinct_from(r.b),
            })
        }
    }

    dates_are_equal: "date/equal - date date" => output {
        use test2_bool::Test2;
        use test_naivedate_naivedate::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 { result: r.a == r.b })
        }
    }

    dates_are_earlier: "date/less than - DATE DATE" => output {
        use test2_bool::Test2;
        use test_naivedate_naivedate::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 { result: r.a < r.b })
        }
    }

    nothing_is_taken_from_a_date_that_is_null: "datesub/handles null values" => output {
        stream! {
            Test("test") {
                #[key] pub id: i32,
                pub date: Option<NaiveDate>,
                pub num: Option<i32>,
            }
        }

        stream! { Test2("TEST2") { #[key] pub id: i32, pub value: Option<NaiveDate> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 {
                id: r.id,
                value: r.date.date_sub(Unit::Milliseconds, r.num),
            })
        }
    }

    a_date_is_written_by_a_pattern_of_its_row: "format-date/date to string" => output {
        stream! {
            Test("test_topic") {
                #[key] pub id: i64,
                pub start_date: Option<NaiveDate>,
                pub date_format: Option<String>,
            }
        }

        stream! {
            Date_Stream("DATE_STREAM") {
                #[key] pub id: i64,
                pub custom_formatted_start_date: Option<String>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Date_Stream> {
            test.map(|r| Date_Stream {
                id: r.id,
                custom_formatted_start_date: r.start_date.format_date(r.date_format),
            })
        }
    }

    a_date_is_read_by_a_pattern_of_its_row: "parse-date/string to date" => output {
        stream! {
            Test("test_topic") {
                #[key] pub k: String,
                pub id: Option<i64>,
                pub name: Option<String>,
                pub date: Option<String>,
                pub format: Option<String>,
            }
        }

        stream! {
            Ts("TS") {
                #[key] pub k: String,
                pub id: Option<i64>,
                pub ts: Option<NaiveDate>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Ts> {
            test.map(|r| Ts {
                k: r.k,
                id: r.id,
                ts: r.date.parse_date(r.format),
            })
        }
    }

    a_time_is_read_by_a_pattern_of_its_row: "parse-time/string to time" => output {
        stream! {
            Test("test_topic") {
                #[key] pub k: String,
                pub id: Option<i64>,
                pub name: Option<String>,
                pub time: Option<String>,
                pub format: Option<String>,
            }
        }

        stream! {
            Ts("TS") {
                #[key] pub k: String,
                pub id: Option<i64>,
                pub ts: Option<NaiveTime>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Ts> {
            test.map(|r| Ts {
                k: r.k,
                id: r.id,
                ts: r.time.parse_time(r.format),
            })
        }
    }

    a_time_is_equal_to_a_text: "time/filter" => output {
        stream! { Test("test") { pub time: Option<NaiveTime> } }

        stream! { Test2("TEST2") { pub time: Option<NaiveTime> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.filter(|r| r.time == "00:00:00.010")
                .map(|r| Test2 { time: r.time })
        }
    }

    times_are_not_earlier: "time/GEQ - time time" => output {
        use test2_bool::Test2;
        use test_naivetime_naivetime::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 { result: r.a >= r.b })
        }
    }

    times_are_later: "time/greater than - time time" => output {
        use test2_bool::Test2;
        use test_naivetime_naivetime::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 { result: r.a > r.b })
        }
    }

    times_are_unequal: "time/not equal - time time" => output {
        use test2_bool::Test2;
        use test_naivetime_naivetime::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 { result: r.a != r.b })
        }
    }

    a_time_is_compared_with_a_text: "time/greater than - time string" => output {
        use test2_bool::Test2;

        stream! { Test("test") { pub a: Option<NaiveTime> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 {
                result: r.a > "00:00:00.010",
            })
        }
    }

    a_text_becomes_a_time: "time/casting - string to time" => output {
        use test2_naivetime::Test2;
        use test_string::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 {
                result: r.time as NaiveTime,
            })
        }
    }

    a_moment_becomes_a_time: "time/casting - timestamp to time" => output {
        use test2_naivetime::Test2;
        use test_datetime::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 {
                result: r.time as NaiveTime,
            })
        }
    }

    times_inside_of_structs_arrays_and_maps: "time/time in complex types" => output {
        nested! { S { pub time: Option<NaiveTime> } }

        stream! {
            Test("test") {
                pub s: Option<S>,
                pub a: Option<Vec<Option<NaiveTime>>>,
                pub m: Option<BTreeMap<String, Option<NaiveTime>>>,
            }
        }

        stream! {
            Test2("TEST2") {
                pub s: Option<NaiveTime>,
                pub a: Option<NaiveTime>,
                pub m: Option<NaiveTime>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 {
                s: r.s.time,
                a: r.a[0],
                m: r.m["TIME"],
            })
        }
    }

    a_time_negative_milliseconds_later: "timeadd/adds negative intervals" => output {
        use test2_naivetime_2::Test2;
        use test_naivetime::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 {
                id: r.id,
                value: r.time.time_add(Unit::Milliseconds, -5),
            })
        }
    }

    nothing_is_added_to_a_time_that_is_null: "timeadd/handles null values" => output {
        use test2_naivetime_2::Test2;

        stream! {
            Test("test") {
                #[key] pub id: i32,
                pub time: Option<NaiveTime>,
                pub num: Option<i32>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 {
                id: r.id,
                value: r.time.time_add(Unit::Milliseconds, r.num),
            })
        }
    }

    a_time_negative_milliseconds_earlier: "timesub/subtracts negative intervals" => output {
        use test2_naivetime_2::Test2;
        use test_naivetime::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 {
                id: r.id,
                value: r.time.time_sub(Unit::Milliseconds, -5),
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

    a_date_of_another_program_becomes_a_text: "date/date schema inference" => output {
        use output_string::Output;

        stream! { Input("input") { pub c1: Option<NaiveDate> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { c2: r.c1 as String })
        }
    }

    a_time_of_another_program_becomes_a_text: "time/time schema inference" => output {
        use output_string::Output;

        stream! { Input("input") { pub c1: Option<NaiveTime> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output { c2: r.c1 as String })
        }
    }

    rows_since_a_year: "magic-timestamp-conversion/partial STRING ROWTIME" => output said_as "ROWTIME is a number: a text that says a time is written as its milliseconds" {
        use output_i32::Output;
        use test_i32::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.filter(|r| r.rowtime() >= 1514764800000)
                .map(|r| Output {
                    k: r.k,
                    thing: r.source,
                })
        }
    }

    rows_since_a_day_with_a_number: "magic-timestamp-conversion/nested comparison expression on STRING ROWTIME in WHERE" => output said_as "ROWTIME is a number: a text that says a time is written as its milliseconds" {
        use output_i32::Output;
        use test_i32::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.filter(|r| r.rowtime() >= 1546300800000 && r.source == 5)
                .map(|r| Output {
                    k: r.k,
                    thing: r.source,
                })
        }
    }

    rows_since_a_time_elsewhere: "magic-timestamp-conversion/comparison predicate with STRING ROWTIME containing TZ in WHERE" => output said_as "ROWTIME is a number: a text that says a time is written as its milliseconds" {
        use output_i32::Output;
        use test_i32::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.filter(|r| r.rowtime() > 1546283700000)
                .map(|r| Output {
                    k: r.k,
                    thing: r.source,
                })
        }
    }
}
