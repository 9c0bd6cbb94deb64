//! Joined rows with another key.

use super::*;

cases! {
    "partition_by";

    rows_keep_the_key_that_they_are_joined_by: "partition-by/partition by key in join on key" => output {
        stream! { L("LEFT") { #[key] pub k: String, pub a: Option<String>, pub b: Option<String> } }

        stream! { R("RIGHT") { #[key] pub k: String, pub c: Option<String>, pub d: Option<String> } }

        stream! { Output("OUTPUT") { #[key] pub lk: String, pub r_k: Option<String> } }

        #[query]
        fn output(l: Stream<L>, r: Stream<R>) -> Stream<Output> {
            l
                .join(r, |l, r| l.k == r.k)
                .within("10s")
                .partition_by(|l, _| l.k)
                .map(|l, r| Output {
                    lk: l.k,
                    r_k: r.k,
                })
        }
    }

    rows_are_given_the_key_of_one_side: "partition-by/partition by key in join on non-key" => output {
        stream! { L("LEFT") { #[key] pub k: String, pub a: Option<String>, pub b: Option<String> } }

        stream! { R("RIGHT") { #[key] pub k: String, pub c: Option<String>, pub d: Option<String> } }

        stream! { Output("OUTPUT") { #[key] pub lk: String, pub r_k: Option<String> } }

        #[query]
        fn output(l: Stream<L>, r: Stream<R>) -> Stream<Output> {
            l
                .join(r, |l, r| l.b == r.d)
                .within("10s")
                .partition_by(|l, _| l.k)
                .map(|l, r| Output {
                    lk: l.k,
                    r_k: r.k,
                })
        }
    }

    rows_are_given_a_value_as_their_key: "partition-by/partition by Key in join on Key ALIASED" => output {
        stream! { L("LEFT") { #[key] pub k: String, pub a: Option<String>, pub b: Option<String> } }

        stream! { R("RIGHT") { #[key] pub k: String, pub c: Option<String>, pub d: Option<String> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub a: String,
                pub l_k: Option<String>,
                pub r_k: Option<String>,
            }
        }

        #[query]
        fn output(l: Stream<L>, r: Stream<R>) -> Stream<Output> {
            l
                .join(r, |l, r| l.k == r.k)
                .within("10s")
                .partition_by(|l, _| l.a)
                .map(|l, r| Output {
                    a: l.a,
                    l_k: l.k,
                    r_k: r.k,
                })
        }
    }

    rows_keep_the_value_that_they_are_joined_by: "partition-by/partition by non-Key in join on non-Key" => output {
        stream! { L("LEFT") { #[key] pub k: String, pub a: Option<String>, pub b: Option<String> } }

        stream! { R("RIGHT") { #[key] pub k: String, pub c: Option<String>, pub d: Option<String> } }

        stream! {
            Output("OUTPUT") {
                #[key] pub b: String,
                pub l_k: Option<String>,
                pub r_k: Option<String>,
            }
        }

        #[query]
        fn output(l: Stream<L>, r: Stream<R>) -> Stream<Output> {
            l
                .join(r, |l, r| l.b == r.d)
                .within("10s")
                .partition_by(|l, _| l.b)
                .map(|l, r| Output {
                    b: l.b,
                    l_k: l.k,
                    r_k: r.k,
                })
        }
    }
}
