//! The entities of the cases beside this file.
#![allow(dead_code)]

use ksql_runtime::prelude::*;

#[derive(Debug, Clone, Entity)]
#[topic("orders")]
#[stream]
pub struct Order {
    #[key]
    pub id: i64,
    pub customer: i64,
    pub product: String,
    pub pieces: i32,
}

#[derive(Debug, Clone, Entity)]
#[topic("shipments")]
#[stream]
pub struct Shipment {
    #[key]
    pub id: i64,
    pub order: i64,
    pub carrier: String,
    pub parcels: i32,
}

#[derive(Debug, Clone, Entity)]
#[topic("customers")]
#[table]
pub struct Customer {
    #[key]
    pub id: i64,
    pub name: String,
    pub city: i64,
}

#[derive(Debug, Clone, Entity)]
#[topic("cities")]
#[table]
pub struct City {
    #[key]
    pub id: i64,
    pub name: String,
}

#[derive(Debug, Clone, Entity)]
#[topic("prices")]
#[table]
pub struct Price {
    #[key]
    pub product: String,
    #[key]
    pub customer: i64,
    pub price: f64,
}

#[derive(Debug, Clone, Entity)]
#[topic("named")]
#[stream]
pub struct Named {
    #[key]
    pub customer: i64,
    pub name: String,
}

#[derive(Debug, Clone, Entity)]
#[topic("shipped")]
#[stream]
pub struct Shipped {
    #[key]
    pub id: i64,
    pub product: String,
    pub carrier: String,
}

#[derive(Debug, Clone, Entity)]
#[topic("living")]
#[table]
pub struct Living {
    #[key]
    pub id: i64,
    pub name: String,
    pub city: String,
}

#[derive(Debug, Clone, Entity)]
#[topic("totals")]
#[table]
pub struct Total {
    #[key]
    pub id: i64,
    pub n: i64,
}
