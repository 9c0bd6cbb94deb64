//! The cases with a join that no query of ours says, with the reasons.

use ksql_runtime_tests::conformance::{Cases, assert_each_is_written, share_of_core};

/// Reasons, and the cases each is one for.
const CANNOT: &[(&str, &[&str])] = &[
    (
        "a joined row has no ROWTIME of its own, and none of a side: a `#[timestamp]` column of the input says the same",
        &[
            "joins/on non-STRING value column",
            "joins/on struct field",
            "multi-joins/stream-table-table - explicit ROWTIME",
            "partition-by/only key column - select star - with join on keys",
        ],
    ),
    (
        "a key is an INTEGER, a BIGINT or a STRING",
        &[
            "fk-join/Should repartition RHS if the key format comes from Schema Registry",
            "joins/on DOUBLE column = KAFKA",
            "joins/on STRUCT column",
        ],
    ),
    (
        "the values are not rows of the columns: the case is about a format that ours are not written in",
        &[
            "joins/stream to stream unwrapped single field value schema on inputs",
            "joins/stream to stream unwrapped single field value schema on inputs and output",
            "joins/table to table unwrapped single field value schema on inputs",
        ],
    ),
    (
        "the case is about the names of ksqlDB's own key column where others have it: a field is not called `rowkey_6` by chance",
        &["joins/with generated column name clashes"],
    ),
    (
        "headers are no columns of ours",
        &["headers/Sources with header columns can be joined"],
    ),
    (
        "a name that needs quotes is none in Rust",
        &["quoted-identifiers/joins using fields that require quotes"],
    ),
];

#[test]
fn a_case_is_written_or_there_is_a_reason_why_not() {
    let Some(cases) = Cases::or_skip(concat!(module_path!(), "::a_case_is_written")) else {
        return;
    };
    assert_each_is_written(cases, &super::written(), CANNOT, true);
}

#[test]
fn nearly_all_of_what_comes_first_is_written() {
    let Some(cases) = Cases::or_skip(concat!(module_path!(), "::nearly_all")) else {
        return;
    };
    let written = super::written();
    let otherwise = written
        .iter()
        .filter(|case| case.reason().is_some())
        .count();
    println!(
        "{} cases are written, {otherwise} of them say it otherwise",
        written.len()
    );
    for rank in [1, 2] {
        let (found, all) = share_of_core(cases, &written, rank, true);
        assert!(found * 10 >= all * 9, "rank {rank}: {found} of {all}");
    }
    assert!(written.len() >= 78, "{} cases are written", written.len());
}
