//! Names of the prelude mean something else here, are not there at all, or have to be written raw.
#![deny(warnings, missing_docs)]
#![allow(dead_code)]

/// Everything generated code could mention by its short name.
pub mod shadowed {
    #![allow(non_camel_case_types, non_upper_case_globals)]
    use ::ksql_runtime::prelude::{DateTime, Dec, Decimal, Entity, Enum, Struct, Utc};

    /// Not the one of the prelude.
    pub struct Option;
    /// Not the one of the prelude.
    pub struct Result;
    /// Not the one of the prelude.
    pub struct String;
    /// Not the one of the prelude.
    pub struct Vec;
    /// Not the one of the prelude.
    pub struct Some;
    /// Not the one of the prelude.
    pub struct None;
    /// Not the one of the prelude.
    pub struct Ok;
    /// Not the one of the prelude.
    pub struct Err;
    /// Not the one of the prelude.
    pub struct Box;
    /// Not the primitive.
    pub struct str;
    /// Not the primitive.
    pub struct u8;
    /// Not the primitive.
    pub struct u32;
    /// Not the primitive.
    pub struct usize;
    /// Not the one of the prelude.
    pub trait Default {}
    /// Not the one of the prelude.
    pub trait From {}
    /// Not the one of the prelude.
    pub trait Into {}
    /// Not the one of the prelude.
    pub trait Clone {}
    /// Not the crate.
    pub mod core {}
    /// Not the crate.
    pub mod std {}
    /// Not the crate.
    pub mod ksql_runtime {}

    /// A state.
    #[derive(Enum)]
    pub enum State {
        /// New.
        New,
        /// Raw.
        r#Self_,
    }

    /// A place.
    #[derive(Struct)]
    pub struct Place {
        /// A name.
        pub name: ::std::string::String,
        /// A state.
        pub state: State,
        /// Notes.
        pub notes: ::std::vec::Vec<::core::option::Option<::std::string::String>>,
    }

    /// An order.
    #[derive(Entity)]
    #[topic("orders")]
    #[table]
    #[window(tumbling, minutes = [5], gaps = "empty", gap_horizon = 3)]
    pub struct Order {
        /// The key.
        #[key]
        #[max_length(5)]
        pub id: ::std::string::String,
        /// The second key.
        #[key]
        pub r#type: i64,
        /// Where.
        pub at: ::core::option::Option<Place>,
        /// When.
        #[timestamp]
        pub when: i64,
        /// How much.
        #[decimal_precision(9, 2)]
        pub price: Decimal,
        /// How much.
        #[default_value("1.50")]
        pub fee: Dec<9, 2>,
        /// Until when.
        #[datetime_format("yyyy-MM-dd HH:mm:ss")]
        pub until: ::core::option::Option<DateTime<Utc>>,
        /// Not sent.
        #[kafka_ignore]
        pub seen: bool,
        /// Since when.
        #[window_start]
        pub from: DateTime<Utc>,
    }
}

/// Without a prelude.
pub mod bare {
    #![no_implicit_prelude]

    /// A state.
    #[derive(::ksql_runtime::prelude::Enum)]
    pub enum State {
        /// New.
        New,
    }

    /// A place.
    #[derive(::ksql_runtime::prelude::Struct)]
    pub struct Place {
        /// A name.
        pub name: ::std::string::String,
        /// A state.
        pub state: State,
    }

    /// An order.
    #[derive(::ksql_runtime::prelude::Entity)]
    #[topic("orders")]
    #[table]
    pub struct Order {
        /// The key.
        #[key]
        pub id: ::std::string::String,
        /// Where.
        pub place: ::std::option::Option<Place>,
        /// Notes.
        #[max_length(3)]
        #[default_value("new")]
        pub note: ::std::string::String,
        /// When.
        #[timestamp]
        #[datetime_format("yyyy-MM-dd")]
        pub day: ::std::string::String,
        /// Not sent.
        #[kafka_ignore]
        pub seen: bool,
    }
}

/// A module whose name is a word of the language.
pub mod r#type {
    /// And one inside.
    pub mod r#match {
        use ksql_runtime::prelude::*;

        /// An order.
        #[derive(Entity)]
        #[topic("orders")]
        #[table]
        pub struct r#Order {
            /// The key.
            #[key]
            pub r#fn: i64,
            /// The second key.
            #[key]
            pub r#in: i64,
            /// A value.
            pub r#let: ::std::string::String,
        }
    }
}

fn main() {
    use ksql_runtime::entity::Entity;
    let schema = r#type::r#match::Order::KEY_SCHEMA;
    assert!(schema.contains(".type.match\""), "{schema}");
    assert!(schema.contains(".type.match.OrderKey\""), "{schema}");
}
