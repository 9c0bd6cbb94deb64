//! `ksql!`: one condition as text and as code.

use ksql_runtime::prelude::*;
use ksql_runtime::query::{Condition, Predicate};
use proptest::prelude::*;

#[derive(Debug, Clone, Copy, PartialEq, Enum)]
pub enum State {
    Open,
    Paid,
}

#[derive(Debug, Clone, PartialEq, Struct)]
pub struct Address {
    pub city: String,
    pub floor: Option<i32>,
}

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
    pub weight: f64,
    pub urgent: bool,
    pub note: Option<String>,
    pub placed_at: DateTime<Utc>,
    pub due: NaiveDate,
    pub state: State,
    pub tags: Vec<String>,
    pub to: Address,
    pub from: Option<Address>,
}

#[test]
fn closures_over_elements_and_what_is_made_stand_in_conditions() {
    let order = order();
    let sought = "b".to_owned();
    let any = ksql!(|o: &Order| o.tags.filter(|tag| tag != sought).len() > 0);
    assert_eq!(
        any.ksql().expect("literals"),
        "(ARRAY_LENGTH(FILTER(`TAGS`, `TAG` => (`TAG` <> 'b'))) > 0)"
    );
    let others = |tags: &[&str]| Order {
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        ..order.clone()
    };
    assert!(any.matches(&others(&["a", "b"])));
    assert!(!any.matches(&others(&["b"])));
    let there = ksql!(|o: &Order| o.to
        == Address {
            city: "Bern",
            floor: None
        }
        || o.tags == ["x", "y"]);
    assert_eq!(
        there.ksql().expect("literals"),
        "((`TO` = STRUCT(`CITY` := 'Bern', `FLOOR` := CAST(NULL AS INTEGER))) OR (`TAGS` = ARRAY['x', 'y']))"
    );
    let to = Address {
        city: "Bern".to_owned(),
        floor: None,
    };
    assert!(there.matches(&Order {
        to,
        ..order.clone()
    }));
    assert!(there.matches(&others(&["x", "y"])));
    assert!(!there.matches(&others(&["x"])));
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("candles")]
#[window(tumbling, minutes = [1])]
#[entity(namespace = "test.predicates")]
pub struct Candle {
    #[key]
    pub symbol: String,
    #[window_start]
    pub opened_at: DateTime<Utc>,
    #[window_end]
    pub closed_at: i64,
    pub volume: i64,
}

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 5, day).expect("a day")
}

fn moment(hour: u32) -> DateTime<Utc> {
    day(1).and_hms_opt(hour, 0, 0).expect("a time").and_utc()
}

fn order() -> Order {
    Order {
        id: 7,
        amount: Decimal::new(60, 1),
        pieces: 3,
        weight: 1.5,
        urgent: true,
        note: Some("x".to_owned()),
        placed_at: moment(12),
        due: day(2),
        state: State::Open,
        tags: vec!["a".to_owned(), "b".to_owned()],
        to: Address {
            city: "Ulm".to_owned(),
            floor: None,
        },
        from: None,
    }
}

/// The text, and whether the condition holds for [`order`].
fn both<C: Condition<Order>>(predicate: &Predicate<Order, C>) -> (String, bool) {
    let text = predicate.ksql().expect("a text").to_owned();
    (text, predicate.matches(&order()))
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
    let noted = |note: Option<&str>| Order {
        note: note.map(str::to_owned),
        ..order()
    };
    assert!(large.matches(&noted(Some("x"))));
    assert!(!large.matches(&noted(Some(&tag))), "the same note");
    assert!(!large.matches(&noted(None)), "NULL is unequal to nothing");
    assert_eq!((tag.as_str(), limit), ("it's", Decimal::new(55, 1)));
    assert_eq!(
        format!("{:?}", large.clone()),
        r#"Predicate("((`AMOUNT` > 5.5) AND (`NOTE` <> 'it''s'))")"#
    );
}

#[test]
fn values_of_every_kind_are_literals_and_compare() {
    let (whole, long, double) = (3, 7_i64, 1.5);
    let (yes, text) = (true, "Ulm");
    let (moment, due) = (moment(11), day(2));
    let table = [
        (
            both(&ksql!(|o: &Order| o.pieces == whole)),
            "(`PIECES` = 3)",
        ),
        (both(&ksql!(|o: &Order| o.id == long)), "(`ID` = 7)"),
        (
            both(&ksql!(|o: &Order| o.weight >= double)),
            "(`WEIGHT` >= 1.5E0)",
        ),
        (
            both(&ksql!(|o: &Order| o.urgent == yes)),
            "(`URGENT` = true)",
        ),
        (
            both(&ksql!(|o: &Order| o.to.city == text)),
            "(`TO`->`CITY` = 'Ulm')",
        ),
        (
            both(&ksql!(|o: &Order| o.placed_at > moment)),
            "(`PLACED_AT` > '2024-05-01T11:00:00.000')",
        ),
        (
            both(&ksql!(|o: &Order| due == o.due)),
            "('2024-05-02' = `DUE`)",
        ),
        (
            both(&ksql!(|o: &Order| [long, 8].contains(&o.id))),
            "(`ID` IN (7, 8))",
        ),
        (
            both(&ksql!(|o: &Order| (whole..=5).contains(&o.pieces))),
            "(`PIECES` BETWEEN 3 AND 5)",
        ),
        (
            both(&ksql!(|o: &Order| o.state == State::Open)),
            "(`STATE` = 'Open')",
        ),
        (
            both(&ksql!(|o: &Order| o.tags.contains("b"))),
            "(ARRAY_CONTAINS(`TAGS`, 'b'))",
        ),
        (both(&ksql!(|_: &Order| true)), "true"),
        (
            both(&ksql!(|o: &Order| !(o.from.city == text))),
            "(NOT (`FROM`->`CITY` = 'Ulm'))",
        ),
    ];
    for ((text, holds), expected) in table {
        assert_eq!(text, expected);
        assert!(holds, "{expected}");
    }
}

#[test]
fn a_type_that_is_said_of_a_value_is_its_type_everywhere() {
    let factor = 2_i32;
    let share = Decimal::new(25, 2);
    assert_eq!(
        both(&ksql!(
            |o: &Order| o.id * (factor as i64) > 13 && factor < o.pieces
        )),
        (
            "(((`ID` * CAST(2 AS BIGINT)) > 13) AND (CAST(2 AS BIGINT) < `PIECES`))".to_owned(),
            true
        )
    );
    assert_eq!(
        both(&ksql!(
            |o: &Order| o.amount * (share as Decimal<4, 2>) == dec!(1.5)
        )),
        (
            "((`AMOUNT` * CAST(0.25 AS DECIMAL(4, 2))) = 1.5)".to_owned(),
            true
        )
    );
    let prefix = "U";
    assert_eq!(
        both(&ksql!(|o: &Order| o.to.city.starts_with(prefix as String))),
        ("(INSTR(`TO`->`CITY`, 'U') = 1)".to_owned(), true)
    );
}

#[test]
fn a_value_that_cannot_be_said_is_told_where_text_is_asked_for_only() {
    let limit = f64::NAN;
    let predicate = ksql!(|o: &Order| o.weight < limit);
    assert!(!predicate.matches(&order()));
    assert_eq!(
        predicate.ksql().expect_err("no literal").to_string(),
        "the parameter `limit` of the query `ksql!` cannot be said in KSQL: NaN is no number that can be written, only finite ones are"
    );
}

#[test]
fn bounds_of_windows_have_the_names_the_key_gives_them() {
    let from = moment(1);
    let predicate =
        ksql!(|c: &Candle| c.opened_at >= from && c.closed_at < 5_000_000_000_000 && c.volume > 0);
    assert_eq!(
        predicate.ksql().expect("a text"),
        "(((WINDOWSTART >= '2024-05-01T01:00:00.000') AND (WINDOWEND < 5000000000000)) AND (`VOLUME` > 0))"
    );
    let candle = |hour| Candle {
        symbol: "A".to_owned(),
        opened_at: moment(hour),
        closed_at: 0,
        volume: 1,
    };
    assert!(predicate.matches(&candle(1)));
    assert!(!predicate.matches(&candle(0)));
}

#[test]
fn a_name_of_the_closure_is_no_value_from_around_it() {
    let big = 1;
    let predicate = ksql!(|o: &Order| {
        let big = o.pieces + 1;
        big == 4
    });
    assert_eq!(both(&predicate), ("((`PIECES` + 1) = 4)".to_owned(), true));
    assert_eq!(big, 1);
}

/// A function may give one away.
fn heavy(limit: f64) -> Predicate<Order, impl Condition<Order>> {
    ksql!(|o: &Order| o.weight > limit)
}

#[test]
fn a_condition_outlives_what_it_was_made_of() {
    assert_eq!(both(&heavy(1.0)), ("(`WEIGHT` > 1.0E0)".to_owned(), true));
    assert!(!heavy(2.0).matches(&order()));
}

proptest! {
    /// Texts come out of their quotes as they were.
    #[test]
    fn any_text_is_a_literal_that_says_it(text in ".*") {
        let predicate = ksql!(|o: &Order| o.note == text);
        prop_assert_eq!(predicate.ksql().expect("a text"), format!("(`NOTE` = '{}')", text.replace('\'', "''")));
        let order = Order { note: Some(text.clone()), ..order() };
        prop_assert!(predicate.matches(&order));
    }

    #[test]
    fn numbers_compare_by_value_whatever_their_types(id: i64, limit: i32, amount in -1_000_000_i64..1_000_000) {
        let order = Order { id, amount: Decimal::new(amount, 4), ..order() };
        let by_id = ksql!(|o: &Order| o.id < limit);
        prop_assert_eq!(by_id.matches(&order), id < i64::from(limit));
        let by_amount = ksql!(|o: &Order| o.amount >= limit);
        prop_assert_eq!(by_amount.matches(&order), Decimal::new(amount, 4) >= Decimal::from(limit));
    }
}
