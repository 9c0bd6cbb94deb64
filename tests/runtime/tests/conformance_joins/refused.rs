//! The statements with a join that ksqlDB refuses, and where ours are refused. As for those over one source, each with what of it is
//! refused and what is told of it.

use Place::{Test, Ui};
use ksql_runtime_tests::conformance::{Place, Refusal, assert_places, assert_refused};
use ksql_runtime_tests::refusals;

use super::*;

/// Where, and what is refused there.
const REFUSED: &[(Place, &[Refusal])] = refusals! {
    Ui("join/p45_sum_with_a_text") => {
        "comparison-expression/invalid having predicate - type mismatch join": "HAVING SUM(I1.BAR) > '100'"
            => "g.sum(|o, _| o.pieces) > \"100\"", "cannot compare INTEGER with STRING";
    }
    Ui("join/missing_column") => {
        "elements/join unknown field": "SELECT I1.K, unknown" => "name: c.nam }", "no field `nam`";
    }
    Ui("join/unknown_column_of_a_side") => {
        "joins/stream stream left join - invalid right join expression - field does not exist": "left join test2 tt ON t.id= tt.iid"
            => ".left_join(shipments, |o, s| o.id == s.iid)", "no field `iid` on type `ShipmentRow";
        "joins/stream stream right join - invalid left join expression - field does not exist": "RIGHT JOIN test2 tt ON t.iid = tt.id"
            => ".right_join(shipments, |o, s| o.iid == s.order)", "no field `iid` on type `OrderRow";
        "joins/stream stream right join - invalid right join expression - field does not exist": "RIGHT JOIN test2 tt ON t.id = tt.iid"
            => ".right_join(shipments, |o, s| o.id == s.ordr)", "no field `ordr` on type `ShipmentRow";
    }
    Ui("join/unknown_row") => {
        "joins/Should fail on unknown qualifier -- right join attribute": "id = unknown.id" => "c.city == unknown.id", "`unknown` is not known here";
    }
    Ui("join/p72_two_pairs") => {
        "multi-col-keys/join on multi-column key": "S1.K = S2.K AND S1.K2 = S2.K2"
            => "o.id == s.order && o.pieces == s.parcels", "a join compares one pair of values";
    }
    Ui("join/p73_other_types") => {
        "joins/table-table key-to-key - SR-enabled key format - incompatible schemas": "T1.ID = T2.ID"
            => "l.id == c.id", "a join compares values of one type, and these are INTEGER and BIGINT";
    }
    Ui("join/p74_a_constant") => {
        "joins/stream stream left join - invalid join field on lhs- contains literal": "left join test2 tt ON 0 = t.id"
            => ".left_join(shipments, |o, _| 0 == o.id)", "one side of the comparison is over `shipments`";
        "joins/stream stream right join - invalid join field - contains literal": "RIGHT JOIN test2 tt ON t.id = 0"
            => ".right_join(shipments, |o, _| o.id == 0)", "one side of the comparison is over `shipments`";
        "joins/stream stream right join - invalid join field on lhs- contains literal": "RIGHT JOIN test2 tt ON 0 = t.id"
            => ".right_join(shipments, |o, _| 0 == o.id)", "one side of the comparison is over `shipments`";
    }
    Ui("join/p74_null") => {
        "null/null join expression": "L.A = null" => "o.id == None", "one side of the comparison is over `shipments`";
    }
    Ui("join/p75_not_the_key") => {
        "stream-table-join/Should fail on table-side non-key join attribute for left-join": "LEFT JOIN test_table ON id1 = f2"
            => ".left_join(customers, |o, c| o.id == c.city)", "the table `Customer` is joined by its key `id`";
        "table-table-join/Should fail on right non-key attribute for inner-join": "JOIN right_table ON id1 = f2"
            => ".join(customers, |t, c| t.id == c.city)", "the table `Customer` is joined by its key `id`";
        "table-table-join/Should fail on right non-key attribute for inner-join with alias": "JOIN right_table AS rt ON lt.id1 = rt.f2"
            => ".join(customers, |t, c| t.id == c.city)", "the table `Customer` is joined by its key `id`";
        "table-table-join/Should fail on right non-key attribute for inner-join with alias -- reverse join condition order": "JOIN right_table AS rt ON rt.f2 = lt.id1"
            => ".join(customers, |t, c| c.city == t.id)", "the table `Customer` is joined by its key `id`";
        "table-table-join/Should fail on right non-key attribute for inner-join with qualifiers": "left_table.id1 = right_table.f2"
            => ".join(customers, |t, c| t.id == c.city)", "the table `Customer` is joined by its key `id`";
        "table-table-join/Should fail on right non-key attribute for inner-join with qualifiers -- reverse join condition order": "right_table.f2 = left_table.id1"
            => ".join(customers, |t, c| c.city == t.id)", "the table `Customer` is joined by its key `id`";
        "table-table-join/Should fail on right non-key attribute for left-join -- revers join condition order": "LEFT JOIN right_table ON f2 = id1"
            => ".left_join(customers, |t, c| c.city == t.id)", "the table `Customer` is joined by its key `id`";
        "table-table-join/Should fail on right non-key attribute for outer-join": "FULL OUTER JOIN right_table ON id1 = f2"
            => ".full_join(customers, |t, c| t.id == c.city)", "the table `Customer` is joined by its key `id`";
        "table-table-join/Should fail on right non-key attribute for outer-join -- reverse join condition order": "FULL OUTER JOIN right_table ON f2 = id1"
            => ".full_join(customers, |t, c| c.city == t.id)", "the table `Customer` is joined by its key `id`";
    }
    Ui("join/p75_several_key_columns") => {
        "multi-col-keys/join to multi-column table": "JOIN NO_KEY t ON s.k = t.k"
            => ".join(prices, |o, p| o.customer == p.customer)", "`Price` has several key columns";
    }
    Ui("join/p76_table_and_stream") => {
        "multi-joins/table-table-stream - Invalid": "FROM T2 JOIN T3 ON T2.ID = T3.ID JOIN S1 ON T2.ID = S1.ID"
            => ".join(orders, |c, _, o| c.id == o.customer)", "a stream cannot join a table";
        "stream-table-join/Should fail on incorrect join order for inner-join": "FROM test_table JOIN test_stream"
            => ".join(orders, |c, o| o.customer == c.id)", "a stream cannot join a table";
    }
    Ui("join/p77_full_join_of_a_lookup") => {
        "stream-table-join/Should fail on outer-join": "FULL OUTER JOIN test_table"
            => ".full_join(customers, |o, c|", "only the stream's side may have no match";
    }
    Ui("join/p78_foreign_key_among_three") => {
        "fk-n-way-join/Should fail as second step in n-way join": "JOIN middle_table ON id1 = id2 JOIN right_table ON f1 = id3"
            => ".join(cities, |c, _, t| c.city == t.id)", "ksqlDB makes such a join as a query's first one only";
        "fk-n-way-join/Should fail as second step in n-way join with fk join as first step": "JOIN middle_table ON f1 = id2 JOIN right_table ON f1 = id3"
            => ".join(totals, |m, _, n| m.to == n.id)", "ksqlDB makes such a join as a query's first one only";
    }
    Ui("join/p78_left_key_missing") => {
        "fk-join/Should fail if single result key column is missing in projection for inner-join": "SELECT f1, foreign_key, r_id, f2"
            => "Living { id: t.id, name: c.name, city: t.name }", "the rows keep the key of `Customer`, and no `#[key]` of `Living` takes `id`";
        "fk-join/Should fail on partial left source key in projection": "SELECT l_id_1, f1, foreign_key, r_id, f2"
            => "Living { id: s.customer, name: t.name, city: t.name }", "no `#[key]` of `Living` takes `year`";
    }
    Ui("join/p79_one_topic_twice") => {
        "joins/self join": "INPUT s1 JOIN INPUT s2" => "others: Stream<Order>", "ksqlDB joins no source with itself";
    }
    Ui("join/p81_key_is_not_joined_by") => {
        "joins/left join - missing join columns in projection - with star": "SELECT l.*, r.B, r.C FROM L LEFT JOIN R"
            => "Shipped { id: o.id, product: o.product, carrier: s.carrier.unwrap_or(\"\") }", "`id` must be `s.order`, or write";
        "joins/left join - missing synthetic join column in projection": "ABS(L.A) = ABS(R.A)"
            => "Shipped { id: o.id, product: o.product, carrier: s.carrier.unwrap_or(\"\") }", "`id` must be a side of `o.id.abs() == s.order.abs()`";
        "joins/missing join columns in projection - with value column of same name": "SELECT l.B AS L_A, l.C, R.B AS R_A, R.C FROM L JOIN R"
            => "Shipped { id: s.id, product: o.product, carrier: s.carrier }", "`id` must be `o.id` or `s.order`";
    }
    Ui("join/p81_key_twice") => {
        "fk-join/Should fail with duplicate left source key in projection": "l_id, l_id AS l_id_duplicate"
            => "LivingTwice { id: c.id, again: c.id }", "`LivingTwice.again` takes what the key `id` is made of";
    }
    Ui("join/p81_no_key") => {
        "fk-n-way-join/FK join at start of join should fail without key in projection": "JOIN middle_table ON f1 = id2 JOIN right_table ON id1 = id3"
            => "common::Living { id: t.id, name: c.name, city: t.name }", "`id` must be `c.id` or `n.id`";
        "multi-joins/inner-inner with expression in first - missing join columns in projection": "INNER JOIN T2 ON S1.ID + 1 = T2.ID INNER JOIN T3 ON S1.ID = T3.ID"
            => "Keyless { product: o.product, carrier: c.name }", "add one that is `o.id` or `t.id`";
        "multi-joins/inner-inner with expression in second - missing join columns in projection": "INNER JOIN T2 ON S1.ID = T2.ID INNER JOIN T3 ON S1.ID + 1 = T3.ID"
            => "Keyless { product: o.product, carrier: c.name }", "add one that is `t.id`";
        "multi-joins/left-left - missing join columns in projection": "LEFT JOIN T2 ON S1.ID = T2.ID LEFT JOIN T3 ON S1.ID = T3.ID"
            => "Keyless { product: o.product, carrier: c.name.unwrap_or(\"\") }", "add one that is `o.id`";
        "multi-joins/left-left with expression in first - missing join columns in projection": "LEFT JOIN T2 ON S1.ID + 1 = T2.ID LEFT JOIN T3 ON S1.ID = T3.ID"
            => "Keyless { product: c.name.unwrap_or(\"\"), carrier: o.product }", "add one that is `o.id`";
        "multi-joins/left-left with expression in second - missing join columns in projection": "LEFT JOIN T2 ON S1.ID = T2.ID LEFT JOIN T3 ON S1.ID + 1 = T3.ID"
            => "Keyless { product: o.product, carrier: c.name.unwrap_or(\"\") }", "add one that is `t.id`";
    }
    Ui("join/key_of_a_map") => {
        "joins/on MAP column": "L.l0 = R.r0" => "l.l0 == r.r0", "`join` cannot take MAP<STRING, INTEGER>";
    }
    Ui("join/windows_with_none") => {
        "joins/windowed - non-windowed - INT": "S1 JOIN S2 WITHIN 1 MINUTE ON S1.ID = S2.ID"
            => "pages: Stream<Page>", "`Visits` has windows and `Page` has none";
        "joins/windowed - non-windowed - STRING": "S1 JOIN S2 WITHIN 1 MINUTE ON S1.ID = S2.ID"
            => "pages: Stream<NamedPage>", "`NamedVisits` has windows and `NamedPage` has none";
    }
    Test("tests/runtime/tests/join_rules.rs", "topics_of_other_numbers_of_partitions_are_refused_before_anything_is_made") => {
        "multi-joins/partition count mismatch": "JOIN T3 ON S1.ID = T3.ID" => ".join(customers, |v, c| v.customer == c.id)", "K0609";
    }
};

/// What nothing says, with the reasons.
const UNSAYABLE: &[(&str, &[&str])] = &[
    (
        "formats of keys and values are ours",
        &["joins/stream stream left join - KAFKA"],
    ),
    (
        "the columns that are added are those of the one struct that all queries write",
        &["insert-into/join mismatch (more columns than expected)"],
    ),
];

/// What is taken here, though ksqlDB refuses it, with the reasons.
const TAKEN: &[(&str, &[&str])] = &[(
    "a window's bound is selected behind a join as well, where ksqlDB knows of none: its server refuses the statement",
    &["group-by/windowed join with window bounds"],
)];

#[test]
fn each_refused_statement_is_refused_in_one_place_or_cannot_be_said() {
    let test = concat!(module_path!(), "::each_refused_statement");
    let otherwise = [UNSAYABLE, TAKEN].concat();
    assert_refused(test, REFUSED, &otherwise, true, 44);
}

#[test]
fn each_place_refuses_what_is_said_of_it() {
    assert_places(REFUSED);
}

stream! { A("a") { #[key] pub id: String, pub col1: String } }

table! { B("b") { #[key] pub id: String, pub col1: String } }

table! {
    C("c") #[window(tumbling, millis = [10])] {
        #[key] pub id: String,
        pub count: i64,
        pub wstart: i64,
        pub wend: i64,
    }
}

#[query]
fn bounds(a: Stream<A>, b: Table<B>) -> Table<C> {
    a.join(b, |a, b| a.id == b.id)
        .group_by(|a, _| a.id)
        .aggregate(|g| C {
            id: g.key(),
            count: g.count(),
            wstart: g.window_start(),
            wend: g.window_end(),
        })
}

/// What is listed as taken is; once it is refused, it belongs to the others.
#[test]
fn a_windows_bound_behind_a_join_is_still_selected() {
    let [text] = bounds::KSQL else {
        panic!("one statement")
    };
    let selected = "WINDOWSTART AS `WSTART`, WINDOWEND AS `WEND` FROM `A` `A` JOIN `B` `B`";
    assert!(text.contains(selected), "{text}");
}
