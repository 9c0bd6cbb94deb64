//! What the rows of a table are put together by, and how they leave their groups.

use super::*;

mod test_i32_string {
    use super::*;

    table! {
        Test("test_topic") {
            #[key] pub id: i32,
            pub f1: Option<i32>,
            pub f2: Option<String>,
        }
    }
}

mod test_i32_string_2 {
    use super::*;

    table! {
        Test("test_topic") {
            #[key] pub id: i32,
            pub user: Option<i32>,
            pub region: Option<String>,
        }
    }
}

mod output_i64 {
    use super::*;

    table! { Output("OUTPUT") { #[key] pub region: String, pub result: Option<i64> } }
}

mod output_i64_2 {
    use super::*;

    table! { Output("OUTPUT") { #[key] pub part: String, pub result: Option<i64> } }
}

cases! {
    "group_by_tables";

    a_row_of_a_table_leaves_its_old_group_of_two_columns: "group-by/fields (table->table) - format" => output {
        use test_i32_string::Test;

        table! {
            Output("OUTPUT") {
                #[key] pub f2: String,
                #[key] pub f1: i32,
                pub result: Option<i64>,
            }
        }

        #[query]
        fn output(test: Table<Test>) -> Table<Output> {
            test.group_by(|r| (r.f2, r.f1)).aggregate(|g| Output {
                f2: g.key().0,
                f1: g.key().1,
                result: g.count(),
            })
        }
    }

    the_parts_of_a_key_are_copied_into_the_value: "group-by/fields - copied into value (table->table)" => output {
        use test_i32_string::Test;

        table! {
            Output("OUTPUT") {
                #[key] pub f2: String,
                #[key] pub f1: i32,
                pub f3: Option<i32>,
                pub f4: Option<String>,
                pub result: Option<i64>,
            }
        }

        #[query]
        fn output(test: Table<Test>) -> Table<Output> {
            test.group_by(|r| (r.f2, r.f1)).aggregate(|g| Output {
                f2: g.key().0,
                f1: g.key().1,
                f3: g.key().1.as_value(),
                f4: g.key().0.as_value(),
                result: g.count(),
            })
        }
    }

    a_row_of_a_table_leaves_its_old_group: "group-by/field with re-key (table->table)" => output {
        use output_i64::Output;
        use test_i32_string_2::Test;

        #[query]
        fn output(test: Table<Test>) -> Table<Output> {
            test.group_by(|r| r.region).aggregate(|g| Output {
                region: g.key(),
                result: g.count(),
            })
        }
    }

    an_aggregate_of_a_table_is_computed_with: "group-by/with aggregate arithmetic (table->table)" => output {
        use output_i64::Output;
        use test_i32_string_2::Test;

        #[query]
        fn output(test: Table<Test>) -> Table<Output> {
            test.group_by(|r| r.region).aggregate(|g| Output {
                region: g.key(),
                result: g.count() * 2,
            })
        }
    }

    the_key_of_a_group_of_a_table_is_computed_with: "group-by/with aggregate arithmetic involving source field (table->table)" => output {
        table! {
            Test("test_topic") {
                #[key] pub id: i32,
                pub f0: Option<i32>,
                pub f1: Option<i32>,
            }
        }

        table! { Output("OUTPUT") { #[key] pub f0: i32, pub result: Option<i32> } }

        #[query]
        fn output(test: Table<Test>) -> Table<Output> {
            test.group_by(|r| r.f0).aggregate(|g| Output {
                f0: g.key(),
                result: g.key() * g.sum(|r| r.f1),
            })
        }
    }

    a_table_is_grouped_by_what_a_function_makes: "group-by/single expression with alias (table->table)" => output {
        table! { Test("test_topic") { #[key] pub id: i32, pub data: Option<String> } }

        table! { Output("OUTPUT") { #[key] pub new_key: i32, pub count: Option<i64> } }

        #[query]
        fn output(test: Table<Test>) -> Table<Output> {
            test.group_by(|r| r.data.len()).aggregate(|g| Output {
                new_key: g.key(),
                count: g.count(),
            })
        }
    }

    a_constant_is_a_part_of_the_key: "group-by/multiple expressions - table aggregate" => output {
        table! { Input("test_topic") { #[key] pub id: i32, pub value: Option<i32> } }

        table! {
            Output("OUTPUT") {
                #[key] pub value: i32,
                #[key] pub k: i32,
                pub id: Option<i64>,
            }
        }

        #[query]
        fn output(input: Table<Input>) -> Table<Output> {
            input.group_by(|r| (r.value, 1)).aggregate(|g| Output {
                value: g.key().0,
                k: g.key().1,
                id: g.count(),
            })
        }
    }

    a_function_is_given_the_key: "group-by/field with field used in function in projection (table->table)" => output {
        use test_i32_string_2::Test;

        table! {
            Output("OUTPUT") {
                #[key] pub region: String,
                pub result_0: Option<String>,
                pub result_1: Option<i64>,
            }
        }

        #[query]
        fn output(test: Table<Test>) -> Table<Output> {
            test.group_by(|r| r.region).aggregate(|g| Output {
                region: g.key(),
                result_0: g.key().substring(2, 1),
                result_1: g.count(),
            })
        }
    }

    a_group_that_satisfies_the_condition_no_more_is_deleted: "group-by/with having expression (table->table)" => output {
        table! {
            Test("test_topic") {
                #[key] pub k: String,
                pub f0: Option<i32>,
                pub f1: Option<i32>,
            }
        }

        table! { Output("OUTPUT") { #[key] pub f1: i32, pub result: Option<i32> } }

        #[query]
        fn output(test: Table<Test>) -> Table<Output> {
            test.group_by(|r| r.f1)
                .aggregate(|g| Output {
                    f1: g.key(),
                    result: g.sum(|r| r.f0),
                })
                .having(|g| g.count_of(|r| r.f1) > 0)
        }
    }

    a_row_of_a_table_grouped_by_null_is_in_no_group: "group-by/should exclude any table row whose single GROUP BY expression resolves to NULL" => output {
        use output_i64_2::Output;

        table! {
            Test("test_topic") {
                #[key] pub k: String,
                pub str: Option<String>,
                pub pos: Option<i32>,
            }
        }

        #[query]
        fn output(test: Table<Test>) -> Table<Output> {
            test.group_by(|r| r.str.substring(r.pos))
                .aggregate(|g| Output {
                    part: g.key(),
                    result: g.count(),
                })
        }
    }

    a_table_is_grouped_by_two_texts_in_one: "group-by/string concat using + op (table->table)" => output said_as "`+` on texts writes a NULL as `null`: CONCAT is what a query of ours says" {
        use output_i64_2::Output;

        table! {
            Test("test_topic") {
                #[key] pub k: String,
                pub user: Option<i32>,
                pub subregion: Option<String>,
                pub region: Option<String>,
            }
        }

        #[query]
        fn output(test: Table<Test>) -> Table<Output> {
            test.group_by(|r| r.region.concat(r.subregion))
                .aggregate(|g| Output {
                    part: g.key(),
                    result: g.count(),
                })
        }
    }

    all_rows_of_a_table_are_one_group: "group-by/constant (table->table)" => output {
        table! {
            Test("test_topic") {
                #[key] pub k: i32,
                pub user: Option<i32>,
                pub region: Option<String>,
            }
        }

        table! { Output("OUTPUT") { #[key] pub part: i32, pub result: Option<i64> } }

        #[query]
        fn output(test: Table<Test>) -> Table<Output> {
            test.group_by(|r| 1).aggregate(|g| Output {
                part: g.key(),
                result: g.count(),
            })
        }
    }
}
