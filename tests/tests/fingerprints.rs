//! Fingerprints: another definition has another one, and nothing else has.

#![allow(missing_docs)]

use ksql_runtime::prelude::*;
use ksql_schema::fingerprint;

/// One definition a module, so that all have one name and one namespace.
macro_rules! definitions {
    ($($module:ident { $(#[$attribute:meta])* { $($field:tt)* } })*) => {
        $(mod $module {
            use ksql_runtime::prelude::*;
            #[derive(Entity)]
            #[entity(namespace = "test")]
            $(#[$attribute])*
            #[allow(dead_code)]
            pub(super) struct Rate { $($field)* }
        })*
        fn fingerprints() -> Vec<(&'static str, u64)> {
            vec![$((stringify!($module), $module::Rate::FINGERPRINT)),*]
        }
    };
}

definitions! {
    first { #[topic("t")] #[stream] { #[key] id: i64, a: i32, b: String } }
    another_topic { #[topic("u")] #[stream] { #[key] id: i64, a: i32, b: String } }
    more_partitions { #[topic("t", partitions = 2)] #[stream] { #[key] id: i64, a: i32, b: String } }
    a_retention { #[topic("t", retention = "1d")] #[stream] { #[key] id: i64, a: i32, b: String } }
    a_table { #[topic("t")] #[table] { #[key] id: i64, a: i32, b: String } }
    windows { #[topic("t")] #[window(tumbling, minutes = 5)] { #[key] id: i64, a: i32, b: String } }
    larger_windows { #[topic("t")] #[window(tumbling, minutes = 6)] { #[key] id: i64, a: i32, b: String } }
    another_key_type { #[topic("t")] #[stream] { #[key] id: String, a: i32, b: String } }
    two_keys { #[topic("t")] #[stream] { #[key] id: i64, #[key] a: i32, b: String } }
    no_key { #[topic("t")] #[stream] { id: i64, a: i32, b: String } }
    another_type { #[topic("t")] #[stream] { #[key] id: i64, a: i64, b: String } }
    an_option { #[topic("t")] #[stream] { #[key] id: i64, a: Option<i32>, b: String } }
    a_default { #[topic("t")] #[stream] { #[key] id: i64, #[default_value(1)] a: i32, b: String } }
    a_length { #[topic("t")] #[stream] { #[key] id: i64, a: i32, #[max_length(5)] b: String } }
    another_order { #[topic("t")] #[stream] { #[key] id: i64, b: String, a: i32 } }
    another_name { #[topic("t")] #[stream] { #[key] id: i64, a: i32, c: String } }
    one_more { #[topic("t")] #[stream] { #[key] id: i64, a: i32, b: String, c: i32 } }
    one_less { #[topic("t")] #[stream] { #[key] id: i64, a: i32 } }
}

mod same {
    use ksql_runtime::prelude::*;
    pub(super) type Number = i32;

    /// Documentation, aliases, ignored fields and defaults written out are no part of what is stored.
    #[derive(Entity)]
    #[topic("t", partitions = 1, replication = 1)]
    #[stream]
    #[entity(
        namespace = "test",
        name = "Rate",
        value_format = "avro",
        subjects = "topic"
    )]
    #[allow(dead_code)]
    pub(super) struct Rate {
        /// The key.
        #[key(order = 0)]
        id: i64,
        a: Number,
        #[kafka_ignore]
        cached: u8,
        b: String,
    }
}

#[test]
fn fingerprints_differ_when_a_definition_differs_and_only_then() {
    let found = fingerprints();
    for (index, (name, fingerprint)) in found.iter().enumerate() {
        for (other, second) in &found[index + 1..] {
            assert_ne!(fingerprint, second, "{name} and {other}");
        }
    }
    assert_eq!(same::Rate::FINGERPRINT, first::Rate::FINGERPRINT);
}

#[test]
fn a_fingerprint_tells_where_one_text_ends_and_the_next_begins() {
    assert_ne!(
        fingerprint::of_all(&["a", "b"]),
        fingerprint::of_all(&["ab", ""])
    );
    assert_eq!(fingerprint::of_all(&["a"]), fingerprint::of("a"));
    // Published vectors of FNV-1a.
    assert_eq!(fingerprint::of(""), 0xcbf2_9ce4_8422_2325);
    assert_eq!(fingerprint::of("a"), 0xaf63_dc4c_8601_ec8c);
    assert_eq!(fingerprint::of("foobar"), 0x8594_4171_f739_67e8);
}
