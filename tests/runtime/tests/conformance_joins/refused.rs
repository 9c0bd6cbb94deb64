//! The statements with a join that ksqlDB refuses, and where ours are refused.

use Refused::{Model, Ui, Unsayable};
use ksql_runtime_tests::conformance::{Refused, assert_places, assert_refused};

/// Where, and the cases that are refused there.
const REFUSED: &[(Refused, &[&str])] = &[
    (
        Ui("query/p45_text_with_number"),
        &["comparison-expression/invalid having predicate - type mismatch join"],
    ),
    (Ui("join/missing_column"), &["elements/join unknown field"]),
    (
        Ui("join/unknown_column_of_a_side"),
        &[
            "joins/stream stream left join - invalid right join expression - field does not exist",
            "joins/stream stream right join - invalid left join expression - field does not exist",
            "joins/stream stream right join - invalid right join expression - field does not exist",
        ],
    ),
    (
        Ui("join/unknown_row"),
        &["joins/Should fail on unknown qualifier -- right join attribute"],
    ),
    (
        Ui("join/p72_two_pairs"),
        &["multi-col-keys/join on multi-column key"],
    ),
    (
        Ui("join/p73_other_types"),
        &["joins/table-table key-to-key - SR-enabled key format - incompatible schemas"],
    ),
    (
        Ui("join/p74_a_constant"),
        &[
            "joins/stream stream left join - invalid join field on lhs- contains literal",
            "joins/stream stream right join - invalid join field - contains literal",
            "joins/stream stream right join - invalid join field on lhs- contains literal",
        ],
    ),
    (Ui("join/p74_null"), &["null/null join expression"]),
    (
        Ui("join/p75_not_the_key"),
        &[
            "stream-table-join/Should fail on table-side non-key join attribute for left-join",
            "table-table-join/Should fail on right non-key attribute for inner-join",
            "table-table-join/Should fail on right non-key attribute for inner-join with alias",
            "table-table-join/Should fail on right non-key attribute for inner-join with alias -- reverse join condition order",
            "table-table-join/Should fail on right non-key attribute for inner-join with qualifiers",
            "table-table-join/Should fail on right non-key attribute for inner-join with qualifiers -- reverse join condition order",
            "table-table-join/Should fail on right non-key attribute for left-join -- revers join condition order",
            "table-table-join/Should fail on right non-key attribute for outer-join",
            "table-table-join/Should fail on right non-key attribute for outer-join -- reverse join condition order",
        ],
    ),
    (
        Ui("join/p75_several_key_columns"),
        &["multi-col-keys/join to multi-column table"],
    ),
    (
        Ui("join/p76_table_and_stream"),
        &[
            "multi-joins/table-table-stream - Invalid",
            "stream-table-join/Should fail on incorrect join order for inner-join",
        ],
    ),
    (
        Ui("join/p77_full_join_of_a_lookup"),
        &["stream-table-join/Should fail on outer-join"],
    ),
    (
        Ui("join/p78_foreign_key_among_three"),
        &[
            "fk-n-way-join/Should fail as second step in n-way join",
            "fk-n-way-join/Should fail as second step in n-way join with fk join as first step",
        ],
    ),
    (
        Ui("join/p78_left_key_missing"),
        &[
            "fk-join/Should fail if single result key column is missing in projection for inner-join",
            "fk-join/Should fail on partial left source key in projection",
        ],
    ),
    (Ui("join/p79_one_topic_twice"), &["joins/self join"]),
    (
        Ui("join/p81_key_is_not_joined_by"),
        &[
            "joins/left join - missing join columns in projection - with star",
            "joins/left join - missing synthetic join column in projection",
            "joins/missing join columns in projection - with value column of same name",
        ],
    ),
    (
        Ui("join/p81_key_twice"),
        &["fk-join/Should fail with duplicate left source key in projection"],
    ),
    (
        Ui("join/p81_no_key"),
        &[
            "fk-n-way-join/FK join at start of join should fail without key in projection",
            "multi-joins/inner-inner with expression in first - missing join columns in projection",
            "multi-joins/inner-inner with expression in second - missing join columns in projection",
            "multi-joins/left-left - missing join columns in projection",
            "multi-joins/left-left with expression in first - missing join columns in projection",
            "multi-joins/left-left with expression in second - missing join columns in projection",
        ],
    ),
    (Ui("join/key_of_a_map"), &["joins/on MAP column"]),
    (Model("K0609"), &["multi-joins/partition count mismatch"]),
    (
        Unsayable("a window's bounds are in the key of its result, and are not selected again"),
        &["group-by/windowed join with window bounds"],
    ),
    (
        Ui("join/windows_with_none"),
        &[
            "joins/windowed - non-windowed - INT",
            "joins/windowed - non-windowed - STRING",
        ],
    ),
    (
        Unsayable("formats of keys and values are ours"),
        &["joins/stream stream left join - KAFKA"],
    ),
    (
        Unsayable("the columns that are added are those of the one struct that all queries write"),
        &["insert-into/join mismatch (more columns than expected)"],
    ),
];

#[test]
fn each_refused_statement_is_refused_in_one_place_or_cannot_be_said() {
    let test = concat!(module_path!(), "::each_refused_statement");
    assert_refused(test, REFUSED, true, 44);
}

#[test]
fn the_places_where_something_is_refused_are_there() {
    assert_places(REFUSED);
}
