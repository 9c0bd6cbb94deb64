use ksql_runtime::prelude::*;

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("rates", partitions = 4)]
#[table]
#[entity(namespace = "shop")]
pub struct Rate {
    #[key]
    pub symbol: String,
    #[timestamp]
    pub quoted_at: DateTime<Utc>,
    #[decimal_precision(18, 4)]
    pub price: Decimal,
    pub note: Option<String>,
}

fn main() {
    println!("{}\n{}", Rate::CREATE, Rate::VALUE_SCHEMA);
}
