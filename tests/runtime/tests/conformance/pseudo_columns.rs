//! What a record knows beside its columns.

use super::*;

mod input_string {
    use super::*;

    stream! { Input("test_topic") { #[key] pub id: i32, pub foo: Option<String> } }
}

cases! {
    "pseudo_columns";

    partition_and_offset_are_converted: "row-offset-and-partition/CAST ROWPARTITION and ROWOFFSET" => output {
        use input_string::Input;

        stream! {
            Output("OUTPUT") {
                #[key] pub id: i32,
                pub rp: Option<i64>,
                pub ro: Option<f64>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                rp: r.rowpartition() as i64,
                ro: r.rowoffset() as f64,
            })
        }
    }

    rows_are_grouped_by_their_partition: "row-offset-and-partition/GROUP BY ROWPARTITION" => output {
        stream! { L("LEFT") { #[key] pub a: i32, pub b: Option<i32> } }

        table! { Output("OUTPUT") { #[key] pub rp: i32, pub bc: Option<i64> } }

        #[query]
        fn output(l: Stream<L>) -> Table<Output> {
            l.group_by(|r| r.rowpartition()).aggregate(|g| Output {
                rp: g.key(),
                bc: g.count_of(|r| r.b),
            })
        }
    }

    partition_offset_and_timestamp_are_selected: "row-offset-and-partition/Select ROWPARTITION/ROWOFFSET columns with aliases - stream" => output {
        use input_string::Input;

        stream! {
            Output("OUTPUT") {
                #[key] pub id: i32,
                pub rp: Option<i32>,
                pub ro: Option<i64>,
                pub rt: Option<i64>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                rp: r.rowpartition(),
                ro: r.rowoffset(),
                rt: r.rowtime(),
            })
        }
    }

    partition_and_offset_of_a_tables_row_are_selected: "row-offset-and-partition/Select ROWPARTITION/ROWOFFSET with aliases - table" => output {
        table! { Input("test_topic") { #[key] pub id: i32, pub foo: Option<String> } }

        table! { Output("OUTPUT") { #[key] pub id: i32, pub rp: Option<i32>, pub ro: Option<i64> } }

        #[query]
        fn output(input: Table<Input>) -> Table<Output> {
            input.map(|r| Output {
                id: r.id,
                rp: r.rowpartition(),
                ro: r.rowoffset(),
            })
        }
    }
}
