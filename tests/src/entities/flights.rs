//! The entities of the flights example; a test holds them to it.

use ksql_runtime::prelude::*;

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("flights", partitions = 4)]
#[table]
#[entity(namespace = "nycflights")]
pub struct Flight {
    #[key]
    pub tailnum: String,
    #[max_length(2)]
    pub carrier: String,
    pub flight: i32,
    pub origin: String,
    pub dest: String,
    #[timestamp]
    pub scheduled_dep: DateTime<Utc>,
    pub dep_delay_min: Option<i32>,
    pub arr_delay_min: Option<i32>,
    pub air_time_min: Option<i32>,
    pub distance_miles: i32,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("airlines")]
#[table]
#[entity(namespace = "nycflights")]
pub struct Airline {
    #[key]
    pub carrier: String,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("planes", partitions = 4)]
#[table]
#[entity(namespace = "nycflights")]
pub struct Plane {
    #[key]
    pub tailnum: String,
    pub year_built: Option<i32>,
    pub aircraft_type: String,
    pub manufacturer: String,
    pub model: String,
    pub engines: i32,
    pub seats: i32,
    pub speed_mph: Option<i32>,
    pub engine: String,
}
