//! Foreign keys: keys of other forms, several partitions, and joins by keys behind them.

use super::*;

cases! {
    "foreign_key_forms";

    keys_of_two_forms: "fk-join/Should allow key format mismatch" => output {
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

    partitions_are_equal_or_not: "fk-join/Should allow partition count mismatch" => output {
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

    keys_of_two_forms_of_the_registry: "fk-join/Should allow (default) key feature mismatch" => output {
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

    tables_whose_schemas_are_in_the_registry: "fk-join/table-table foreign key join with AVRO schema and schema id" => output {
        table! {
            Left_Table("left_topic") {
                #[key] pub rowkey: i64,
                pub name: Option<String>,
                pub foreign_key: Option<i64>,
            }
        }

        table! {
            Right_Table("right_topic") {
                #[key] pub rowkey: i64,
                pub f1: Option<String>,
                pub f2: Option<i64>,
            }
        }

        table! {
            Output("OUTPUT") {
                #[key] pub l_rowkey: i64,
                pub r_rowkey: Option<i64>,
                pub name: Option<String>,
                pub f1: Option<String>,
            }
        }

        #[query]
        fn output(l: Table<Left_Table>, r: Table<Right_Table>) -> Table<Output> {
            l
                .join(r, |l, r| l.foreign_key == r.rowkey)
                .map(|l, r| Output {
                    l_rowkey: l.rowkey,
                    r_rowkey: r.rowkey,
                    name: l.name,
                    f1: r.f1,
                })
        }
    }

    a_foreign_key_before_a_key: "fk-n-way-join/Should allow fk join at start of n-way join" => output {
        table! { Left_Table("left_topic") { #[key] pub l_id: i64, pub foreign_key: Option<i64> } }

        table! {
            Middle_Table("middle_topic") {
                #[key] pub m_id: i64,
                pub f2: Option<i64>,
                pub other: Option<String>,
            }
        }

        table! { Right_Table("right_topic") { #[key] pub r_id: i64, pub f3: Option<i64> } }

        table! {
            Output("OUTPUT") {
                #[key] pub l_id: i64,
                pub m_id: Option<i64>,
                pub foreign_key: Option<i64>,
                pub f2: Option<i64>,
                pub f3: Option<i64>,
            }
        }

        #[query]
        fn output(left_table: Table<Left_Table>, middle_table: Table<Middle_Table>, right_table: Table<Right_Table>) -> Table<Output> {
            left_table
                .join(middle_table, |left_table, middle_table| left_table.foreign_key == middle_table.m_id)
                .left_join(right_table, |left_table, _, right_table| left_table.l_id == right_table.r_id)
                .map(|left_table, middle_table, right_table| Output {
                    l_id: left_table.l_id,
                    m_id: middle_table.m_id,
                    foreign_key: left_table.foreign_key,
                    f2: middle_table.f2,
                    f3: right_table.f3,
                })
        }
    }

    a_foreign_key_before_a_key_and_neither_is_selected: "fk-n-way-join/Should allow fk join at start of n-way join - without fk join expressions in projection" => output {
        table! { Left_Table("left_topic") { #[key] pub l_id: i64, pub foreign_key: Option<i64> } }

        table! {
            Middle_Table("middle_topic") {
                #[key] pub m_id: i64,
                pub f2: Option<i64>,
                pub other: Option<String>,
            }
        }

        table! { Right_Table("right_topic") { #[key] pub r_id: i64, pub f3: Option<i64> } }

        table! { Output("OUTPUT") { #[key] pub l_id: i64, pub f2: Option<i64>, pub f3: Option<i64> } }

        #[query]
        fn output(left_table: Table<Left_Table>, middle_table: Table<Middle_Table>, right_table: Table<Right_Table>) -> Table<Output> {
            left_table
                .join(middle_table, |left_table, middle_table| left_table.foreign_key == middle_table.m_id)
                .left_join(right_table, |left_table, _, right_table| left_table.l_id == right_table.r_id)
                .map(|left_table, middle_table, right_table| Output {
                    l_id: left_table.l_id,
                    f2: middle_table.f2,
                    f3: right_table.f3,
                })
        }
    }

    a_foreign_key_before_a_key_with_all_columns: "fk-n-way-join/Should allow fk join at start of n-way join - select *" => output {
        table! { Left_Table("left_topic") { #[key] pub l_id: i64, pub foreign_key: Option<i64> } }

        table! {
            Middle_Table("middle_topic") {
                #[key] pub m_id: i64,
                pub f2: Option<i64>,
                pub other: Option<String>,
            }
        }

        table! { Right_Table("right_topic") { #[key] pub r_id: i64, pub f3: Option<i64> } }

        table! {
            Output("OUTPUT") {
                #[key] pub left_table_l_id: i64,
                pub left_table_foreign_key: Option<i64>,
                pub middle_table_m_id: Option<i64>,
                pub middle_table_f2: Option<i64>,
                pub middle_table_other: Option<String>,
                pub right_table_r_id: Option<i64>,
                pub right_table_f3: Option<i64>,
            }
        }

        #[query]
        fn output(left_table: Table<Left_Table>, middle_table: Table<Middle_Table>, right_table: Table<Right_Table>) -> Table<Output> {
            left_table
                .join(middle_table, |left_table, middle_table| left_table.foreign_key == middle_table.m_id)
                .left_join(right_table, |left_table, _, right_table| left_table.l_id == right_table.r_id)
                .map(|left_table, middle_table, right_table| Output {
                    left_table_l_id: left_table.l_id,
                    left_table_foreign_key: left_table.foreign_key,
                    middle_table_m_id: middle_table.m_id,
                    middle_table_f2: middle_table.f2,
                    middle_table_other: middle_table.other,
                    right_table_r_id: right_table.r_id,
                    right_table_f3: right_table.f3,
                })
        }
    }

    a_foreign_key_before_a_key_with_all_columns_of_two: "fk-n-way-join/Should allow fk join at start of n-way join - qualified select *" => output {
        table! { Left_Table("left_topic") { #[key] pub id1: i64, pub f1: Option<i64> } }

        table! {
            Middle_Table("middle_topic") {
                #[key] pub id2: i64,
                pub f2: Option<i64>,
                pub other: Option<String>,
            }
        }

        table! { Right_Table("right_topic") { #[key] pub id3: i64, pub f3: Option<i64> } }

        table! {
            Output("OUTPUT") {
                #[key] pub id1: i64,
                pub middle_table_id2: Option<i64>,
                pub middle_table_f2: Option<i64>,
                pub middle_table_other: Option<String>,
                pub right_table_id3: Option<i64>,
                pub right_table_f3: Option<i64>,
            }
        }

        #[query]
        fn output(left_table: Table<Left_Table>, middle_table: Table<Middle_Table>, right_table: Table<Right_Table>) -> Table<Output> {
            left_table
                .join(middle_table, |left_table, middle_table| left_table.f1 == middle_table.id2)
                .left_join(right_table, |left_table, _, right_table| left_table.id1 == right_table.id3)
                .map(|left_table, middle_table, right_table| Output {
                    id1: left_table.id1,
                    middle_table_id2: middle_table.id2,
                    middle_table_f2: middle_table.f2,
                    middle_table_other: middle_table.other,
                    right_table_id3: right_table.id3,
                    right_table_f3: right_table.f3,
                })
        }
    }
}
