//! Queries written out by hand, as `#[query]` would generate them, with the entities they are over: what the engine is
//! tested with.

use ksql_runtime::codec::{DecodeError, Reader, Timestamp, write};
use ksql_runtime::entity::Window;
use ksql_runtime::ops::{Any, native};
use ksql_runtime::prelude::*;
use ksql_runtime::query::{
    Aggregate, At, Groups, Host, Overflow, ParameterError, Project, Query, Row, Scratch, group,
};
use ksql_runtime::testing::TestBuilder;
use ksql_schema::model::Kind;
use ksql_schema::query::plan;

use crate::inserts::quiet_ones;
use crate::workload::mix;

/// What most queries read.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("readings", partitions = 3)]
#[entity(namespace = "queries")]
pub struct Reading {
    /// The key.
    #[key]
    pub sensor: String,
    /// What is grouped by, where it is not the sensor.
    pub room: Option<String>,
    /// A number.
    pub value: i64,
}

/// Readings above zero.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("loud", partitions = 2)]
#[entity(namespace = "queries")]
pub struct Loud {
    /// The key.
    #[key]
    pub sensor: String,
    /// Twice the number.
    pub doubled: i64,
    /// Where.
    pub room: Option<String>,
}

/// Readings of a room, all of them.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("rooms")]
#[table]
#[entity(namespace = "queries")]
pub struct Room {
    /// The key.
    #[key]
    pub room: String,
    /// How many.
    pub count: i64,
    /// Their sum.
    pub sum: i64,
    /// The last of them.
    pub latest: i64,
}

macro_rules! windowed {
    ($(#[$doc:meta])* $name:ident, $topic:literal, #[$window:meta]) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Entity)]
        #[topic($topic)]
        #[table]
        #[$window]
        #[entity(namespace = "queries")]
        pub struct $name {
            /// The key.
            #[key]
            pub sensor: String,
            /// The window's start.
            #[window_start]
            pub opened: DateTime<Utc>,
            /// The window's end.
            #[window_end]
            pub closes: DateTime<Utc>,
            /// How many.
            pub count: i64,
            /// Their sum.
            pub sum: i64,
            /// The first of them.
            pub first: i64,
            /// The last of them.
            pub last: i64,
        }
    };
}

windowed!(
    /// Readings in tumbling windows.
    Tumbled, "tumbled", #[window(tumbling, minutes = [1, 5], grace = "30s")]
);
windowed!(
    /// Readings in hopping windows.
    Hopped, "hopped", #[window(hopping, minutes = [3], advance = "1min", grace = "10s")]
);
windowed!(
    /// Readings in sessions.
    Visit, "visits", #[window(session, gap = "10s", grace = "20s")]
);

/// A table to read.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("places", partitions = 3)]
#[table]
#[entity(namespace = "queries")]
pub struct Place {
    /// The key.
    #[key]
    pub id: i64,
    /// Where it is.
    pub city: Option<String>,
    /// Who lives there.
    pub people: i64,
}

/// Places with more than ten people.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("towns")]
#[table]
#[entity(namespace = "queries")]
pub struct Town {
    /// The key.
    #[key]
    pub id: i64,
    /// Who lives there.
    pub people: i64,
}

/// What there is in a city, where it is an even number of places.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("cities")]
#[table]
#[entity(namespace = "queries")]
pub struct City {
    /// The key.
    #[key]
    pub city: String,
    /// How many places.
    pub places: i64,
    /// Who lives there.
    pub people: i64,
}

macro_rules! planned {
    ($(#[$doc:meta])* $query:ident, $how:ident, $input:ty as $in:ident, $output:ty as $out:ident, $steps:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $query;

        impl Query for $query {
            type Output = $output;
            const PLAN: &'static plan::Query<'static> = &plan::Query {
                name: stringify!($query),
                inputs: &[plan::Input {
                    name: "input",
                    entity: <$input>::MODEL,
                    kind: Kind::$in,
                }],
                steps: &$steps,
                output: <$output>::MODEL,
                kind: Kind::$out,
                because: "it was written by hand",
                writes: plan::Writes::Creates,
                parameters: &[],
            };
            const KSQL: &'static [&'static str] = &[concat!("-- ", stringify!($query), ";")];

            fn parameters(&self) -> Result<Vec<(&'static str, String)>, ParameterError> {
                Ok(Vec::new())
            }

            fn accept<H: Host>(self, host: H) -> H::Made {
                host.$how(self)
            }
        }
    };
}

planned!(
    /// Readings above zero.
    LoudOnes, project, Reading as Stream, Loud as Stream, [plan::Step::Filter("r.value > 0"), plan::Step::Map(&[])]
);

impl Project for LoudOnes {
    type Input = Reading;

    fn keep<'a>(&'a self, _at: &At<'a>, row: Row<'a, Reading>) -> bool {
        row.value > 0
    }

    fn project<'a>(&'a self, _at: &At<'a>, row: Row<'a, Reading>) -> Row<'a, Loud> {
        LoudRow {
            sensor: row.sensor,
            doubled: row.value * 2,
            room: row.room,
        }
    }
}

planned!(
    /// Places with more than ten people.
    Towns, project, Place as Table, Town as Table, [plan::Step::Filter("p.people > 10"), plan::Step::Map(&[])]
);

impl Project for Towns {
    type Input = Place;

    fn keep<'a>(&'a self, _at: &At<'a>, row: Row<'a, Place>) -> bool {
        row.people > 10
    }

    fn project<'a>(&'a self, _at: &At<'a>, row: Row<'a, Place>) -> Row<'a, Town> {
        TownRow {
            id: row.id,
            people: row.people,
        }
    }
}

/// Count, sum, first and last of a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    count: i64,
    sum: i64,
    first: i64,
    last: (u64, i64),
}

impl Numbers {
    fn of(value: i64, sequence: u64) -> Numbers {
        Numbers {
            count: 1,
            sum: value,
            first: value,
            last: (sequence, value),
        }
    }

    fn add(&mut self, value: i64, sequence: u64) {
        self.count += 1;
        self.sum += value;
        self.last = (sequence, value);
    }
}

impl Groups for Numbers {
    fn write(&self, out: &mut Vec<u8>) {
        for number in [
            self.count,
            self.sum,
            self.first,
            self.last.0.cast_signed(),
            self.last.1,
        ] {
            write::long(number, out);
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Numbers {
            count: input.long()?,
            sum: input.long()?,
            first: input.long()?,
            last: (input.long()?.cast_unsigned(), input.long()?),
        })
    }

    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        self.count += other.count;
        self.sum += other.sum;
        self.last = self.last.max(other.last);
        Ok(())
    }
}

macro_rules! over_readings {
    ($query:ident, |$row:ident| $keep:expr, $key:expr, |$name:ident, $window:ident, $numbers:ident| $finish:expr) => {
        impl Aggregate for $query {
            type Input = Reading;
            type Groups = Numbers;

            fn keep<'a>(&'a self, _at: &At<'a>, $row: Row<'a, Reading>) -> bool {
                $keep
            }

            fn key<'a>(&'a self, _at: &At<'a>, $row: Row<'a, Reading>, out: &mut Vec<u8>) -> bool {
                let part: Option<&str> = $key;
                group::push(part.map_or(Any::Null, Any::String), true, out)
            }

            fn first<'a>(
                &'a self,
                at: &At<'a>,
                row: Row<'a, Reading>,
            ) -> Result<Numbers, Overflow> {
                Ok(Numbers::of(row.value, at.sequence))
            }

            fn update<'a>(
                &'a self,
                at: &At<'a>,
                row: Row<'a, Reading>,
                groups: &mut Numbers,
            ) -> Result<(), Overflow> {
                groups.add(row.value, at.sequence);
                Ok(())
            }

            fn finish<'a>(
                &'a self,
                _scratch: &'a Scratch,
                key: &'a [u8],
                $window: Window,
                $numbers: &'a Numbers,
            ) -> Row<'a, <Self as Query>::Output> {
                let $name: &str = group::read(&mut Reader::new(key), true, native::STRING);
                $finish
            }
        }
    };
}

planned!(
    /// Readings by room; those without one are in no group.
    Rooms, aggregate, Reading as Stream, Room as Table, [plan::Step::GroupBy(&["r.room"]), plan::Step::Aggregate(&[])]
);

over_readings!(
    Rooms,
    |row| row.value != i64::MAX,
    row.room,
    |room, _window, numbers| RoomRow {
        room,
        count: numbers.count,
        sum: numbers.sum,
        latest: numbers.last.1,
    }
);

macro_rules! in_windows {
    ($(#[$doc:meta])* $query:ident, $output:ident, $row:ident) => {
        planned!(
            $(#[$doc])*
            $query, aggregate, Reading as Stream, $output as Table,
            [plan::Step::Filter("r.value != 0"), plan::Step::GroupBy(&["r.sensor"]), plan::Step::Aggregate(&[])]
        );

        over_readings!(
            $query,
            |row| row.value != 0,
            Some(row.sensor),
            |sensor, window, numbers| $row {
                sensor,
                opened: Timestamp(window.start),
                closes: Timestamp(window.end),
                count: numbers.count,
                sum: numbers.sum,
                first: numbers.first,
                last: numbers.last.1,
            }
        );
    };
}

in_windows!(
    /// Readings but zero in tumbling windows.
    Tumbling, Tumbled, TumbledRow
);
in_windows!(
    /// Readings but zero in hopping windows.
    Hopping, Hopped, HoppedRow
);
in_windows!(
    /// Readings but zero in sessions.
    Sessions, Visit, VisitRow
);

planned!(
    /// Places by city, shown where there is an even number of them.
    Cities, aggregate, Place as Table, City as Table,
    [plan::Step::GroupBy(&["p.city"]), plan::Step::Aggregate(&[]), plan::Step::Having("g.count() % 2 == 0")]
);

impl Aggregate for Cities {
    type Input = Place;
    type Groups = Numbers;

    fn keep<'a>(&'a self, _at: &At<'a>, _row: Row<'a, Place>) -> bool {
        true
    }

    fn key<'a>(&'a self, _at: &At<'a>, row: Row<'a, Place>, out: &mut Vec<u8>) -> bool {
        group::push(row.city.map_or(Any::Null, Any::String), true, out)
    }

    fn first<'a>(&'a self, at: &At<'a>, row: Row<'a, Place>) -> Result<Numbers, Overflow> {
        Ok(Numbers::of(row.people, at.sequence))
    }

    fn update<'a>(
        &'a self,
        at: &At<'a>,
        row: Row<'a, Place>,
        groups: &mut Numbers,
    ) -> Result<(), Overflow> {
        groups.add(row.people, at.sequence);
        Ok(())
    }

    fn undo<'a>(
        &'a self,
        _at: &At<'a>,
        row: Row<'a, Place>,
        groups: &mut Numbers,
    ) -> Result<(), Overflow> {
        groups.count -= 1;
        groups.sum -= row.people;
        Ok(())
    }

    fn having<'a>(
        &'a self,
        _scratch: &'a Scratch,
        _key: &'a [u8],
        _window: Window,
        groups: &'a Numbers,
    ) -> bool {
        groups.count % 2 == 0
    }

    fn finish<'a>(
        &'a self,
        _scratch: &'a Scratch,
        key: &'a [u8],
        _window: Window,
        groups: &'a Numbers,
    ) -> Row<'a, City> {
        CityRow {
            city: group::read(&mut Reader::new(key), true, native::STRING),
            places: groups.count,
            people: groups.sum,
        }
    }
}

/// Every query, by name.
pub const ALL: [&str; 8] = [
    "LoudOnes", "Both", "Towns", "Rooms", "Tumbling", "Hopping", "Sessions", "Cities",
];

/// Adds the query of a name.
///
/// # Panics
/// Where there is none.
pub fn with_query(builder: TestBuilder, name: &str) -> TestBuilder {
    match name {
        "LoudOnes" => builder.query(LoudOnes),
        "Both" => builder.query(LoudOnes).query(quiet_ones),
        "Towns" => builder.query(Towns),
        "Rooms" => builder.query(Rooms),
        "Tumbling" => builder.query(Tumbling),
        "Hopping" => builder.query(Hopping),
        "Sessions" => builder.query(Sessions),
        "Cities" => builder.query(Cities),
        other => panic!("no query is called `{other}`"),
    }
}

/// Whether the query of a name reads places.
pub fn reads_places(name: &str) -> bool {
    matches!(name, "Towns" | "Cities")
}

/// Record `n` of an endless workload: time goes on by 20 ms a record, one in eight comes up to two minutes late.
pub fn nth_reading(seed: u64, n: u64) -> (i64, Reading) {
    let draw = mix(seed, n);
    let late = match draw.is_multiple_of(8) {
        true => (draw >> 8) % 120_000,
        false => (draw >> 8) % 2_000,
    };
    let timestamp = (n * 20).saturating_sub(late).cast_signed();
    let reading = Reading {
        sensor: format!("sensor {}", (draw >> 32) % 40),
        room: (!(draw >> 40).is_multiple_of(9)).then(|| format!("room {}", (draw >> 44) % 10)),
        value: ((draw >> 50) % 20).cast_signed() - 3,
    };
    (timestamp, reading)
}

/// Place `n` of an endless workload.
pub fn nth_place(seed: u64, n: u64) -> (i64, Place) {
    let draw = mix(seed, n);
    let place = Place {
        id: ((draw >> 8) % 200).cast_signed(),
        city: (!(draw >> 20).is_multiple_of(9)).then(|| format!("city {}", (draw >> 24) % 30)),
        people: ((draw >> 40) % 25).cast_signed(),
    };
    (n.cast_signed(), place)
}

/// A deletion among the places.
pub fn nth_deletion(seed: u64, n: u64) -> (i64, i64) {
    (n.cast_signed(), (mix(seed, n) % 200).cast_signed())
}
