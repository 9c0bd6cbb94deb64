//! Several conditions beside each other, in functions, generic code and closures; a shadowed prelude changes nothing.
#![allow(dead_code)]
use ksql_runtime::prelude::*;
use ksql_runtime::query::{Condition, Predicate};

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    pieces: i32,
    note: Option<String>,
}

struct Shop {
    least: i32,
}

impl Shop {
    fn wanted(&self) -> Predicate<Order, impl Condition<Order>> {
        let least = self.least;
        ksql!(|o: &Order| o.pieces >= least)
    }
}

fn noted<T: Into<String>>(note: T) -> Predicate<Order, impl Condition<Order>> {
    let note: String = note.into();
    ksql!(|o: &Order| o.note == note)
}

#[deny(warnings)]
mod shadowed {
    use super::Order;
    use ksql_runtime::prelude::ksql;

    #[allow(dead_code)]
    enum Option {
        Some,
        None,
    }
    #[allow(dead_code)]
    type Result = ();
    #[allow(dead_code)]
    trait Clone {}

    pub fn texts(r#type: i32) -> Vec<String> {
        let one = ksql!(|o: &Order| o.pieces == r#type && o.note.is_some());
        let two = ksql!(|o: &crate::Order| !(o.id == 1));
        vec![one.ksql().unwrap().into(), two.ksql().unwrap().into()]
    }
}

fn main() {
    assert_eq!(Shop { least: 3 }.wanted().ksql().unwrap(), "(`PIECES` >= 3)");
    assert_eq!(noted("x").ksql().unwrap(), "(`NOTE` = 'x')");
    assert_eq!(
        shadowed::texts(2),
        ["((`PIECES` = 2) AND (`NOTE` IS NOT NULL))", "(NOT (`ID` = 1))"]
    );
    let by = |limit: i32| ksql!(|o: &Order| o.pieces > limit);
    assert!(by(1).matches(&Order { id: 1, pieces: 2, note: None }));
}
