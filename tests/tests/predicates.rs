//! `ksql!`: one condition as text and as code.

use ksql_runtime::prelude::*;

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("orders")]
#[table]
#[entity(namespace = "test.predicates")]
pub struct Order {
    #[key]
    pub id: i64,
    #[decimal_precision(18, 4)]
    pub amount: Decimal,
    pub pieces: i32,
    pub note: Option<String>,
    pub placed_at: DateTime<Utc>,
}

fn order(id: i64, amount: i64, note: Option<&str>) -> Order {
    Order {
        id,
        amount: Decimal::new(amount, 1),
        pieces: 3,
        note: note.map(str::to_owned),
        placed_at: DateTime::UNIX_EPOCH,
    }
}

#[test]
fn a_condition_is_text_and_code_and_leaves_what_it_takes_usable() {
    let limit = Decimal::new(55, 1);
    let tag = "it's".to_owned();
    let large = ksql!(|o: &Order| o.amount > limit && o.note != tag);
    assert_eq!(
        large.ksql().expect("a text"),
        "((`AMOUNT` > 5.5) AND (`NOTE` <> 'it''s'))"
    );
    assert!(large.matches(&order(1, 60, Some("x"))));
    assert!(!large.matches(&order(1, 55, Some("x"))), "not above");
    assert!(!large.matches(&order(1, 60, Some(&tag))), "the same note");
    assert!(
        !large.matches(&order(1, 60, None)),
        "NULL is unequal to nothing"
    );
    assert_eq!(tag, "it's");
}
