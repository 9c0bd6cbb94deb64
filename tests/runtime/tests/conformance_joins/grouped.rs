//! Joined rows in groups.

use super::*;

cases! {
    "grouped";

    a_sum_over_joined_tables: "sum/sum int left join of table" => output {
        table! { T1("T1") { #[key] pub id: i64, pub total: Option<i32> } }

        table! { T2("T2") { #[key] pub id: i64, pub total: Option<i32> } }

        table! { Output("OUTPUT") { #[key] pub t1_id: i64, pub sum: Option<i32> } }

        #[query]
        fn output(t1: Table<T1>, t2: Table<T2>) -> Table<Output> {
            t1.left_join(t2, |t1, t2| t1.id == t2.id)
                .group_by(|t1, _| t1.id)
                .aggregate(|g| Output {
                    t1_id: g.key(),
                    sum: g.sum(|_, t2| t2.total),
                })
        }
    }
}
