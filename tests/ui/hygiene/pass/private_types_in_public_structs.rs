#![deny(warnings)]

pub mod shop {
    use ksql_runtime::prelude::*;

    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("orders")]
    #[table]
    pub struct Order {
        #[key]
        id: Id,
        #[key]
        pub part: i64,
        pub(crate) state: State,
        place: Place,
        pub value: i64,
    }

    #[derive(Debug, Clone, PartialEq, Struct)]
    pub struct Public {
        place: Place,
        states: Vec<State>,
    }

    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("candles")]
    #[table]
    #[window(tumbling, minutes = [5])]
    pub struct Candle {
        #[key]
        id: Id,
        place: Option<Place>,
        #[kafka_ignore]
        seen: Seen,
    }

    type Id = i64;

    #[derive(Debug, Clone, PartialEq, Default)]
    struct Seen;

    #[derive(Debug, Clone, PartialEq, Enum)]
    pub(crate) enum State {
        New,
    }

    #[derive(Debug, Clone, PartialEq, Struct)]
    struct Place {
        x: i64,
    }

    impl Order {
        pub fn new() -> Self {
            Order {
                id: 1,
                part: 2,
                state: State::New,
                place: Place { x: 3 },
                value: 4,
            }
        }
    }

    impl Public {
        pub fn new() -> Self {
            Public {
                place: Place { x: 3 },
                states: vec![State::New],
            }
        }
    }

    impl Candle {
        pub fn new() -> Self {
            Candle {
                id: 1,
                place: None,
                seen: Seen,
            }
        }
    }
}

fn main() {
    use ksql_runtime::entity::Entity;
    let key = shop::Order::new().key();
    assert_eq!(key.part, 2);
    assert_eq!(shop::Candle::new(), shop::Candle::new());
    assert_eq!(shop::Public::new(), shop::Public::new());
}
