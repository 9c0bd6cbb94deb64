//! How cases are written: their streams and tables, their queries, the files they stand in.

/// A stream of a case: its name, its topic, its fields.
#[macro_export]
macro_rules! stream {
    ($name:ident($($topic:tt)*) $(#[$more:meta])* { $($fields:tt)* }) => {
        #[derive(Debug, Clone, PartialEq, Entity)]
        #[topic($($topic)*)]
        #[stream]
        #[entity(namespace = "conformance")]
        $(#[$more])*
        pub struct $name { $($fields)* }
    };
}

/// A table of a case.
#[macro_export]
macro_rules! table {
    ($name:ident($($topic:tt)*) $(#[$more:meta])* { $($fields:tt)* }) => {
        #[derive(Debug, Clone, PartialEq, Entity)]
        #[topic($($topic)*)]
        #[table]
        #[entity(namespace = "conformance")]
        $(#[$more])*
        pub struct $name { $($fields)* }
    };
}

/// A struct inside of a column.
#[macro_export]
macro_rules! nested {
    ($name:ident { $($fields:tt)* }) => {
        #[derive(Debug, Clone, PartialEq, Struct)]
        pub struct $name { $($fields)* }
    };
}

/// The cases of an area: the rule each shows, its id, its queries in the order of its statements.
#[macro_export]
macro_rules! cases {
    ($area:literal; $($name:ident: $id:literal => $($query:ident),+ $(said_as $reason:literal)? $(later $($column:literal),+)? { $($items:tt)* })*) => {
        $(
            mod $name {
                use super::*;

                $($items)*

                pub(super) fn written() -> $crate::conformance::Written {
                    $crate::conformance::written($id)$(.query($query))+$(.said_as($reason))?$(.later(&[$($column),+]))?
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let test = concat!(module_path!(), "::", stringify!($name));
                $name::written().check(test).await;
            }
        )*

        /// The cases written here.
        pub fn all() -> Vec<$crate::conformance::Written> {
            vec![$($name::written()),*]
        }

        #[test]
        fn the_texts_are_those_kept() {
            $crate::conformance::snapshot(module_path!(), $area, &all());
        }
    };
}

/// Where statements are refused: at each place the cases, each with what of its statements ksqlDB refuses, what says the same there, and
/// part of the text that this is refused with.
#[macro_export]
macro_rules! refusals {
    ($($place:expr => { $($id:literal: $theirs:literal => $ours:literal, $told:literal;)+ })+) => {
        &[$((
            $place,
            &[$($crate::conformance::Refusal {
                id: $id,
                theirs: $theirs,
                ours: $ours,
                told: $told,
            }),+],
        )),+]
    };
}

/// The areas, a file each.
#[macro_export]
macro_rules! areas {
    ($($area:ident),+ $(,)?) => {
        $(mod $area;)+

        /// The cases written in all of them.
        fn written() -> Vec<$crate::conformance::Written> {
            let mut all = Vec::new();
            $(all.extend($area::all());)+
            all
        }
    };
}
