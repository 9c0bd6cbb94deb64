//! Tests of this module's rules.

use super::*;
use crate::names::hash;
use crate::query::check::tests::says;
use crate::query::column::column as read;
use crate::query::column::samples::{COLUMNS, key, optional, sample};
use crate::query::literal::{decimal, integer, null, string};
use crate::query::node::Why as Reason;
use crate::types::Item;

static OUT: &[Column<'static>] = &[
    key("product_id", Type::Int64),
    key("customer_id", Type::Int64),
    sample("note", Type::String),
    optional("maybe", Type::Int32),
    sample(
        "big",
        Type::Decimal {
            precision: 18,
            scale: 4,
        },
    ),
    sample("n", Type::Int64),
    sample("share", Type::Float64),
    sample("small", Type::Int16),
    sample("uid", Type::Uuid),
    sample("state", Type::Enum),
    sample(
        "tags",
        Type::Array(&Item {
            ty: Type::String,
            nullable: false,
        }),
    ),
    Column {
        role: Role::WindowStart,
        ..sample("opened_at", Type::DateTime)
    },
    sample("opened_ms", Type::Int64),
];

fn node(ty: Sql) -> Node {
    Node::new(ty, Reason::Never)
}

fn dec(precision: u32, scale: u32) -> Sql {
    Sql::Decimal { precision, scale }
}

fn assign(field: &str, value: Node, text: &str) {
    says(text, || {
        check_assign("Small", OUT, hash(field), value, true)
    });
}

#[test]
fn a_null_needs_an_option_and_the_reason_is_told() {
    let end = "; make the field an `Option`, or say what stands for NULL: `.unwrap_or(..)`";
    let table = [
        (
            Reason::Column("Order", "note"),
            "it reads a column that is an `Option` (`Order.note`)",
        ),
        (
            Reason::Division,
            "a division is NULL when the divisor is zero",
        ),
        (
            Reason::DecimalDivision,
            "a division is NULL when the divisor is zero, and a decimal division also when the result is not exact",
        ),
        (
            Reason::OuterJoin,
            "the row on this side of the outer join may be missing",
        ),
        (
            Reason::Cast,
            "a conversion is NULL where the value does not fit",
        ),
        (Reason::Element, "an element is NULL where there is none"),
        (
            Reason::Function("split"),
            "`split` is NULL where it has no result",
        ),
        (
            Reason::Aggregate("max"),
            "`max` is NULL while all it has seen is NULL",
        ),
        (
            Reason::Case,
            "the condition of an `if` can be NULL, and then so is the `if`",
        ),
        (
            Reason::Parameter("limit"),
            "the parameter `limit` is an `Option`",
        ),
        (Reason::Null, "a `None` is written"),
    ];
    for (why, words) in table {
        assign(
            "note",
            Node::new(Sql::String, why),
            &format!("`Small.note` cannot be NULL, but this value can: {words}{end}"),
        );
    }
    assign("maybe", null(), "");
    assign("maybe", Node::new(Sql::Integer, Reason::Cast), "");
}

#[test]
fn numbers_widen_by_themselves_and_narrow_only_where_it_is_written() {
    assign(
        "big",
        node(dec(37, 8)),
        "`Small.big` is DECIMAL(18, 4), but this value is DECIMAL(37, 8); to round it, write `as Decimal<18, 4>`",
    );
    assign(
        "big",
        node(Sql::Bigint),
        "`Small.big` is DECIMAL(18, 4), but this value is BIGINT; to round it, write `as Decimal<18, 4>`",
    );
    assign(
        "share",
        node(Sql::Bigint),
        "`Small.share` is DOUBLE, but this value is BIGINT; to convert it, write `as f64`",
    );
    assign(
        "n",
        node(Sql::String),
        "`Small.n` is BIGINT, but this value is STRING; to read it, write `.parse::<i64>()`",
    );
    assign(
        "note",
        node(Sql::Date),
        "`Small.note` is STRING, but this value is DATE; to write it as text, `.to_string()`",
    );
    assign(
        "note",
        node(Sql::Bytes),
        "`Small.note` is STRING, but this value is BYTES",
    );
    for (field, value) in [
        ("big", node(dec(17, 3))),
        ("big", node(Sql::Integer)),
        ("big", decimal("1.50")),
        ("n", node(Sql::Integer)),
        ("share", integer(5)),
        ("share", node(Sql::Integer)),
        ("n", Node::UNKNOWN),
        ("nowhere", node(Sql::Bytes)),
    ] {
        assign(field, value, "");
    }
}

#[test]
fn a_key_keeps_its_type() {
    assign(
        "product_id",
        node(Sql::String),
        "`Small.product_id` is BIGINT, but this value is STRING; a key has the type it is grouped or partitioned by",
    );
    assign(
        "product_id",
        node(Sql::Integer),
        "`Small.product_id` is BIGINT, but this value is INTEGER; a key has the type it is grouped by: there, write `as i64`",
    );
    assign("product_id", node(Sql::Bigint), "");
}

#[test]
fn what_sql_has_no_type_for_comes_out_of_such_a_field() {
    assign(
        "small",
        node(Sql::Integer),
        "`Small.small` holds `i16`, which SQL has no type for: this INTEGER may be none; write `i32`, or take the value unchanged from such a field",
    );
    assign(
        "uid",
        read(COLUMNS, "Order", hash("name")),
        "`Small.uid` holds `Uuid`, which SQL has no type for: this STRING may be none; write `String`, or take the value unchanged from such a field",
    );
    assign("small", read(COLUMNS, "Order", hash("small")), "");
    assign("uid", read(COLUMNS, "Order", hash("uid")), "");
    assign("small", integer(300), "");
    assign("state", string(), "");
    assign("note", read(COLUMNS, "Order", hash("uid")), "");
}

#[test]
fn nulls_inside_need_an_option_inside() {
    assign(
        "tags",
        read(COLUMNS, "Order", hash("tags")),
        "`Small.tags` cannot hold NULLs, but elements or fields of this value can be NULL: make them an `Option` in its type",
    );
    assign("tags", node(Sql::Array(Elem::new(Sql::String, false))), "");
}

#[test]
fn a_grouping_is_the_key_in_number_and_order() {
    let id = node(Sql::Bigint);
    let (customer, product) = (
        ("customer_id", "customer_id", id),
        ("product_id", "product_id", id),
    );
    says(
        "`group_by` chooses the key (customer_id as customer_id, product_id as product_id), but the key of `Small` is (product_id, customer_id): they must be the same in number and order",
        || check_keys("group_by", "Small", OUT, &[customer, product]),
    );
    says(
        "`group_by` chooses the key (product_id as product_id), but the key of `Small` is (product_id, customer_id): they must be the same in number and order",
        || check_keys("group_by", "Small", OUT, &[product]),
    );
    says("", || {
        check_keys("group_by", "Small", OUT, &[product, customer])
    });
    says("", || check_keys("group_by", "Small", &[], &[product]));
}

#[test]
fn keys_are_integers_and_texts() {
    says(
        "a key is an INTEGER, a BIGINT or a STRING: `group_by` cannot take DOUBLE: write `as i64` or `.to_string()`",
        || check_key_part("group_by", node(Sql::Double)),
    );
    says(
        "a key is an INTEGER, a BIGINT or a STRING: `partition_by` cannot take DATE: write `.to_string()`",
        || check_key_part("partition_by", node(Sql::Date)),
    );
    says("", || check_key_part("group_by", node(Sql::String)));
}

#[test]
fn windows_are_of_grouped_streams() {
    says(
        "`Small` has no window: add `#[window(tumbling, minutes = [1])]` to it, or leave out `window_start()`",
        || check_window("Small", false, "window_start"),
    );
    says("", || check_window("Small", true, "window_start"));
    assign(
        "opened_at",
        node(Sql::Timestamp),
        "`Small.opened_at` is the window's bound: write `g.window_start()`",
    );
    let bound = |field: &str, function| check_window_bound("Small", OUT, hash(field), function);
    says("", || bound("opened_at", "window_start"));
    says("", || bound("opened_ms", "window_end"));
    says(
        "`Small.opened_at` cannot hold `window_end()`: mark the field with `#[window_end]`, or write the type `i64` (milliseconds)",
        || bound("opened_at", "window_end"),
    );
}
