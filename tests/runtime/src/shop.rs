//! The entities of the tests on a cluster, which a child process of theirs starts too.

use ksql_runtime::prelude::*;

/// What something costs now.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("rates", partitions = 2)]
#[table]
#[entity(namespace = "shop")]
pub struct Rate {
    /// What it is the price of.
    #[key]
    pub symbol: String,
    /// The price.
    pub price: f64,
}

/// A rate.
pub fn rate(symbol: &str, price: f64) -> Rate {
    Rate {
        symbol: symbol.to_owned(),
        price,
    }
}

/// Something sold.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("trades", partitions = 3, retention = "7d")]
#[stream]
#[entity(namespace = "shop")]
pub struct Trade {
    /// Who sold it.
    #[key]
    pub account: i64,
    /// Which of his trades.
    #[key]
    pub number: i64,
    /// How many.
    pub pieces: i32,
}

/// What somebody sold, in windows of two sizes.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("sold")]
#[table]
#[window(tumbling, minutes = [1, 5], grace = "10s")]
#[entity(namespace = "shop")]
pub struct Sold {
    /// Who sold.
    #[key]
    pub account: i64,
    /// How many.
    pub pieces: i64,
}
