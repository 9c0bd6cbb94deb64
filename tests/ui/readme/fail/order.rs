use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders", partitons = 3)]
#[table]
pub struct Order {
    #[key]
    pub id: f64,
    pub customer: String,
    pub amount: Decimal,
    #[max_length(3)]
    pub quantity: u32,
}

fn main() {}
