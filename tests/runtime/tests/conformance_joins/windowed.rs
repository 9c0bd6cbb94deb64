//! Streams whose records have windows in their keys: they meet in equal ones.

use super::*;

cases! {
    "windowed";

    sessions_meet_where_both_ends_are_equal: "joins/matching session-windowed" => output {
        table! {
            S1("left_topic")
            #[window(session, gap = "1s")]
            { #[key] pub id: i32, pub v: Option<i64> }
        }

        table! {
            S2("right_topic")
            #[window(session, gap = "1s")]
            { #[key] pub id: i32, pub v: Option<i64> }
        }

        table! {
            Output("OUTPUT")
            #[window(session, gap = "1s")]
            {
                #[key] pub s1_id: i32,
                pub s1_v: Option<i64>,
                pub s2_v: Option<i64>,
            }
        }

        #[query]
        fn output(s1: Stream<S1>, s2: Stream<S2>) -> Stream<Output> {
            s1.join(s2, |s1, s2| s1.id == s2.id)
                .within("1min")
                .map(|s1, s2| Output {
                    s1_id: s1.id,
                    s1_v: s1.v,
                    s2_v: s2.v,
                })
        }
    }
}
