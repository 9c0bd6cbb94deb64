//! Dates and times of day.

use super::*;

mod test2_bool {
    use super::*;

    stream! { Test2("TEST2") { pub result: Option<bool> } }
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

mod output_string {
    use super::*;

    stream! { Output("OUTPUT") { pub c2: Option<String> } }
}

cases! {
    "temporal";

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
        stream! { Test("test") { pub date: Option<NaiveDate> } }

        stream! { Test2("TEST2") { pub result: Option<String> } }

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

        stream! { Test("test") { pub time: Option<String> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Test2> {
            test.map(|r| Test2 {
                result: r.time as NaiveTime,
            })
        }
    }

    a_moment_becomes_a_time: "time/casting - timestamp to time" => output {
        use test2_naivetime::Test2;

        stream! { Test("test") { pub time: Option<DateTime<Utc>> } }

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
}
