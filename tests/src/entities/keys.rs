//! One entity a key type, one with all of them, one without a key.

use ksql_runtime::prelude::*;

macro_rules! by {
    ($name:ident, $topic:literal, $ty:ty) => {
        #[doc = concat!("A table by `", stringify!($ty), "`.")]
        #[derive(Debug, Clone, PartialEq, Entity)]
        #[topic($topic)]
        #[table]
        #[entity(namespace = "test.keys")]
        pub struct $name {
            #[key]
            pub id: $ty,
            pub note: String,
        }
    };
}

by!(ByInt, "by_int", i32);
by!(ByLong, "by_long", i64);
by!(ByText, "by_text", String);
by!(ByUuid, "by_uuid", Uuid);

/// A table by all key types; its strings stand first, between others and last.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("composite", partitions = 6)]
#[table]
#[entity(namespace = "test.keys")]
pub struct Composite {
    #[key(order = 0)]
    pub region: String,
    #[key(order = 1)]
    pub shelf: i32,
    #[key(order = 2)]
    pub name: String,
    #[key(order = 3)]
    pub batch: Uuid,
    #[key(order = 4)]
    pub at: i64,
    pub note: Option<String>,
    #[key(order = 5)]
    pub part: String,
}

/// A stream without a key.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("unkeyed")]
#[stream]
#[entity(namespace = "test.keys")]
pub struct Unkeyed {
    pub note: String,
}
