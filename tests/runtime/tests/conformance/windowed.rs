//! Streams over topics whose records have windows in their keys, which they keep.

use super::*;

/// A stream of sessions, and what a query makes of some of them.
macro_rules! sessions {
    ($bound:ty) => {
        table! {
            Input("test_topic")
            #[window(session, gap = "5s")]
            {
                #[key] pub k: String,
                #[window_start] pub from: $bound,
                #[window_end] pub to: $bound,
                pub source: Option<i32>,
            }
        }

        table! {
            Output("OUTPUT")
            #[window(session, gap = "5s")]
            {
                #[key] pub k: String,
                pub source: Option<i32>,
            }
        }
    };
}

cases! {
    "windowed";

    records_of_a_window_are_handed_on: "tumbling-windows/import tumbling stream" => output {
        table! {
            Test("test_topic")
            #[window(tumbling, seconds = [30])]
            { #[key] pub k: i32, pub id: Option<i64> }
        }

        table! {
            S2("S2")
            #[window(tumbling, seconds = [30])]
            { #[key] pub k: i32, pub id: Option<i64> }
        }

        #[query]
        fn output(test: Stream<Test>) -> Stream<S2> {
            test.map(|r| S2 { k: r.k, id: r.id })
        }
    }

    records_of_a_session_are_handed_on_and_so_is_its_deletion: "session-windows/import session stream" => output {
        table! {
            Input("test_topic")
            #[window(session, gap = "10s")]
            { #[key] pub k: i32, pub id: Option<i64> }
        }

        table! {
            S2("S2")
            #[window(session, gap = "10s")]
            { #[key] pub k: i32, pub id: Option<i64> }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<S2> {
            input.map(|r| S2 { k: r.k, id: r.id })
        }
    }

    a_session_begins_where_its_ends_are_one: "session-windows/session start stream" => sessions, session_starts {
        stream! { Data("data") { pub user_id: Option<i32> } }

        table! {
            Sessions("SESSIONS")
            #[window(session, gap = "5s", grace = "86395s", retention = "24h")]
            {
                #[key] pub user_id: i32,
                #[window_start] pub from: i64,
                #[window_end] pub to: i64,
                pub count: Option<i64>,
            }
        }

        table! {
            Session_Starts("SESSION_STARTS")
            #[window(session, gap = "5s", retention = "24h")]
            { #[key] pub user_id: i32, pub count: Option<i64> }
        }

        #[query]
        fn sessions(data: Stream<Data>) -> Table<Sessions> {
            data.group_by(|r| r.user_id).aggregate(|g| Sessions {
                user_id: g.key(),
                from: g.window_start(),
                to: g.window_end(),
                count: g.count_of(|r| r.user_id),
            })
        }

        #[query]
        fn session_starts(sessions: Stream<Sessions>) -> Stream<Session_Starts> {
            sessions.filter(|s| s.from == s.to).map(|s| Session_Starts {
                user_id: s.user_id,
                count: s.count,
            })
        }
    }

    bounds_are_compared_with_milliseconds: "magic-timestamp-conversion/comparison predicate on BIGINT window bounds in WHERE" => output {
        sessions!(i64);

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input
                .filter(|r| 1581323504001_i64 <= r.from && r.to <= 1581323505001_i64)
                .map(|r| Output { k: r.k, source: r.source })
        }
    }

    bounds_are_compared_with_texts: "magic-timestamp-conversion/comparison predicate on STRING window bounds in WHERE" => output {
        sessions!(DateTime<Utc>);

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input
                .filter(|r| {
                    "2020-02-10T08:31:44.001+0000" <= r.from && r.to <= "2020-02-10T08:31:45.001+0000"
                })
                .map(|r| Output { k: r.k, source: r.source })
        }
    }

    bounds_and_time_become_columns: "elements/non-join leaves aliased system columns in output's value schema" => output {
        table! {
            Input("input")
            #[window(session, gap = "1s")]
            {
                #[key] pub k: String,
                #[window_start] pub from: i64,
                #[window_end] pub to: i64,
                pub f0: Option<i32>,
            }
        }

        table! {
            Output("OUTPUT")
            #[window(session, gap = "1s")]
            {
                #[key] pub k: String,
                pub f0: Option<i32>,
                pub time: Option<i64>,
                pub wstart: Option<i64>,
                pub wend: Option<i64>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                k: r.k,
                f0: r.f0,
                time: r.rowtime(),
                wstart: r.from,
                wend: r.to,
            })
        }
    }
}
