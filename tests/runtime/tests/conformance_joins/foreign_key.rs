//! Tables whose rows name a row of another.

use super::*;

cases! {
    "foreign_key";

    a_row_is_made_of_the_row_it_names: "fk-join/Should support inner join with left value-column expression" => output {
        table! {
            Left_Table("left_topic") {
                #[key] pub l_id: i64,
                pub name: Option<String>,
                pub foreign_key: Option<i64>,
            }
        }

        table! {
            Right_Table("right_topic") {
                #[key] pub r_id: i64,
                pub f1: Option<String>,
                pub f2: Option<i64>,
            }
        }

        table! {
            Output("OUTPUT") {
                #[key] pub l_id: i64,
                pub r_id: Option<i64>,
                pub name: Option<String>,
                pub f1: Option<String>,
            }
        }

        #[query]
        fn output(left_table: Table<Left_Table>, right_table: Table<Right_Table>) -> Table<Output> {
            left_table
                .join(right_table, |left_table, right_table| left_table.foreign_key == right_table.r_id)
                .map(|left_table, right_table| Output {
                    l_id: left_table.l_id,
                    r_id: right_table.r_id,
                    name: left_table.name,
                    f1: right_table.f1,
                })
        }
    }

    a_row_that_names_none_is_kept: "fk-join/Should support left join with left value-column expression" => output {
        table! {
            Left_Table("left_topic") {
                #[key] pub l_id: i64,
                pub name: Option<String>,
                pub foreign_key: Option<i64>,
            }
        }

        table! {
            Right_Table("right_topic") {
                #[key] pub r_id: i64,
                pub f1: Option<String>,
                pub f2: Option<i64>,
            }
        }

        table! {
            Output("OUTPUT") {
                #[key] pub l_id: i64,
                pub r_id: Option<i64>,
                pub name: Option<String>,
                pub f1: Option<String>,
            }
        }

        #[query]
        fn output(left_table: Table<Left_Table>, right_table: Table<Right_Table>) -> Table<Output> {
            left_table
                .left_join(right_table, |left_table, right_table| left_table.foreign_key == right_table.r_id)
                .map(|left_table, right_table| Output {
                    l_id: left_table.l_id,
                    r_id: right_table.r_id,
                    name: left_table.name,
                    f1: right_table.f1,
                })
        }
    }

    by_a_part_of_the_key: "fk-join/Should support left join with left key-column expression" => output {
        table! {
            Left_Table("left_topic") {
                #[key] pub l_id: i64,
                #[key] pub l_id_2_foreign_key: i64,
                pub name: Option<String>,
                pub value: Option<i64>,
            }
        }

        table! {
            Right_Table("right_topic") {
                #[key] pub r_id: i64,
                pub f1: Option<String>,
                pub f2: Option<i64>,
            }
        }

        table! {
            Output("OUTPUT") {
                #[key] pub l_id: i64,
                #[key] pub l_id_2_foreign_key: i64,
                pub r_id: Option<i64>,
                pub name: Option<String>,
                pub f1: Option<String>,
            }
        }

        #[query]
        fn output(left_table: Table<Left_Table>, right_table: Table<Right_Table>) -> Table<Output> {
            left_table
                .left_join(right_table, |left_table, right_table| left_table.l_id_2_foreign_key == right_table.r_id)
                .map(|left_table, right_table| Output {
                    l_id: left_table.l_id,
                    l_id_2_foreign_key: left_table.l_id_2_foreign_key,
                    r_id: right_table.r_id,
                    name: left_table.name,
                    f1: right_table.f1,
                })
        }
    }

    tables_have_other_names_in_a_query: "fk-join/Should support inner join with left value-column expression - with aliases" => output {
        table! {
            Left_Table("left_topic") {
                #[key] pub id: i64,
                pub name: Option<String>,
                pub foreign_key: Option<i64>,
            }
        }

        table! {
            Right_Table("right_topic") {
                #[key] pub id: i64,
                pub f1: Option<String>,
                pub f2: Option<i64>,
            }
        }

        table! {
            Output("OUTPUT") {
                #[key] pub lt_id: i64,
                pub rt_id_alias: Option<i64>,
                pub name_alias: Option<String>,
                pub f1: Option<String>,
            }
        }

        #[query]
        fn output(lt: Table<Left_Table>, rt: Table<Right_Table>) -> Table<Output> {
            lt
                .join(rt, |lt, rt| lt.foreign_key == rt.id)
                .map(|lt, rt| Output {
                    lt_id: lt.id,
                    rt_id_alias: rt.id,
                    name_alias: lt.name,
                    f1: rt.f1,
                })
        }
    }

    by_what_is_computed_of_a_value: "fk-join/Should support non-column reference in left join expression with alias" => output {
        table! {
            Left_Table("left_topic") {
                #[key] pub l_id: i64,
                pub name: Option<String>,
                pub foreign_key: Option<i64>,
            }
        }

        table! {
            Right_Table("right_topic") {
                #[key] pub r_id: i64,
                pub f1: Option<String>,
                pub f2: Option<i64>,
            }
        }

        table! {
            Output("OUTPUT") {
                #[key] pub l_id: i64,
                pub r_id: Option<i64>,
                pub name: Option<String>,
                pub f1: Option<String>,
            }
        }

        #[query]
        fn output(lt: Table<Left_Table>, right_table: Table<Right_Table>) -> Table<Output> {
            lt
                .join(right_table, |lt, right_table| lt.foreign_key + 1 == right_table.r_id)
                .map(|lt, right_table| Output {
                    l_id: lt.l_id,
                    r_id: right_table.r_id,
                    name: lt.name,
                    f1: right_table.f1,
                })
        }
    }

    the_comparison_is_turned: "fk-join/Should support flipped join condition" => output {
        table! {
            Left_Table("left_topic") {
                #[key] pub l_id: i64,
                pub name: Option<String>,
                pub foreign_key: Option<i64>,
            }
        }

        table! {
            Right_Table("right_topic") {
                #[key] pub r_id: i64,
                pub f1: Option<String>,
                pub f2: Option<i64>,
            }
        }

        table! {
            Output("OUTPUT") {
                #[key] pub l_id: i64,
                pub r_id: Option<i64>,
                pub name: Option<String>,
                pub f1: Option<String>,
            }
        }

        #[query]
        fn output(left_table: Table<Left_Table>, right_table: Table<Right_Table>) -> Table<Output> {
            left_table
                .join(right_table, |left_table, right_table| right_table.r_id == left_table.foreign_key)
                .map(|left_table, right_table| Output {
                    l_id: left_table.l_id,
                    r_id: right_table.r_id,
                    name: left_table.name,
                    f1: right_table.f1,
                })
        }
    }

    what_is_compared_is_not_selected: "fk-join/Should allow to omit join columns in projection" => output {
        table! {
            Left_Table("left_topic") {
                #[key] pub l_id: i64,
                pub name: Option<String>,
                pub foreign_key: Option<i64>,
            }
        }

        table! {
            Right_Table("right_topic") {
                #[key] pub r_id: i64,
                pub f1: Option<String>,
                pub f2: Option<i64>,
            }
        }

        table! { Output("OUTPUT") { #[key] pub l_id: i64, pub name: Option<String>, pub f1: Option<String> } }

        #[query]
        fn output(left_table: Table<Left_Table>, right_table: Table<Right_Table>) -> Table<Output> {
            left_table
                .join(right_table, |left_table, right_table| left_table.foreign_key == right_table.r_id)
                .map(|left_table, right_table| Output {
                    l_id: left_table.l_id,
                    name: left_table.name,
                    f1: right_table.f1,
                })
        }
    }
}
