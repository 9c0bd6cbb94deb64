//! Tests of this module's rules.

use super::*;
use crate::model::{
    GapPolicy, KindFrom, Mode, SubjectStrategy, Topic, ValueFormat, Window as Windows,
};
use crate::names::hash;
use crate::query::check::tests::says;
use crate::query::column::samples::{key, sample};
use crate::types::Type;

static COLUMNS: &[Column<'static>] = &[
    key("id", Type::Int64),
    Column {
        role: Role::WindowStart,
        ..sample("from", Type::DateTime)
    },
    Column {
        role: Role::WindowEnd,
        ..sample("to", Type::DateTime)
    },
    sample("n", Type::Int64),
];

const fn entity(name: &'static str, window: Option<Windows<'static>>) -> Entity<'static> {
    Entity {
        name,
        namespace: "shop",
        record_name: name,
        sql_name: name,
        kind: Kind::Table,
        kind_from: KindFrom::Attribute,
        topic: Topic {
            name,
            declared: true,
            partitions: None,
            replication: None,
            retention_ms: None,
            cleanup: None,
        },
        value_format: ValueFormat::Avro,
        subjects: SubjectStrategy::TopicName,
        columns: COLUMNS,
        window,
        mode: Mode::Strict,
    }
}

const fn window(
    kind: WindowKind,
    sizes_ms: &'static [u64],
    advance_ms: Option<u64>,
) -> Option<Windows<'static>> {
    Some(Windows {
        kind,
        sizes_ms,
        advance_ms,
        grace_ms: None,
        retention_ms: None,
        gaps: GapPolicy::None,
        gap_horizon: None,
    })
}

static PLAIN: Entity<'static> = entity("Plain", None);
static MINUTES: Entity<'static> = entity(
    "Minutes",
    window(WindowKind::Tumbling, &[60_000, 300_000], None),
);
static FIVE: Entity<'static> = entity("Five", window(WindowKind::Tumbling, &[300_000], None));
static TEN: Entity<'static> = entity("Ten", window(WindowKind::Tumbling, &[600_000], None));
static VISIT: Entity<'static> = entity("Visit", window(WindowKind::Session, &[300_000], None));
static HOPS: Entity<'static> = entity(
    "Hops",
    window(WindowKind::Hopping, &[300_000], Some(60_000)),
);
static LEAPS: Entity<'static> = entity(
    "Leaps",
    window(WindowKind::Hopping, &[300_000], Some(30_000)),
);

fn shape(output: &Entity<'_>, input: &Entity<'_>, grouped: bool, read_as: Kind, text: &str) {
    says(text, || check_window_shape(output, input, grouped, read_as));
}

#[test]
fn windows_are_made_of_grouped_streams() {
    shape(
        &FIVE,
        &PLAIN,
        false,
        Kind::Stream,
        "`Five` has a window, and a window is of groups: add `.group_by(..)` and `.aggregate(..)`, or take the `#[window]` off it",
    );
    shape(
        &FIVE,
        &PLAIN,
        true,
        Kind::Table,
        "`Five` has a window, and a table has no windows: read a `Stream`, or take the `#[window]` off it",
    );
    shape(&FIVE, &PLAIN, true, Kind::Stream, "");
    shape(&PLAIN, &PLAIN, false, Kind::Table, "");
}

#[test]
fn what_has_windows_keeps_them() {
    shape(
        &PLAIN,
        &FIVE,
        false,
        Kind::Stream,
        "`Plain` has no window, and the records of `Five` have one in their keys, which stays: put `#[table]` and a \
         `#[window(..)]` of the same kind and size on it",
    );
    shape(
        &MINUTES,
        &FIVE,
        false,
        Kind::Stream,
        "`Minutes` has several windows, and the records of `Five` are read one window at a time: write one size, and a query and \
         an entity for each other",
    );
    shape(
        &VISIT,
        &FIVE,
        false,
        Kind::Stream,
        "the windows of `Visit` are sessions, and those of `Five` are tumbling: a record keeps the window it has, so write the \
         same kind and `advance` for both",
    );
    shape(
        &TEN,
        &MINUTES,
        false,
        Kind::Stream,
        "`Minutes` has no window of the size that `Ten` has: a record keeps the window it has, so write one of the sizes of \
         `Minutes`",
    );
    shape(
        &HOPS,
        &LEAPS,
        false,
        Kind::Stream,
        "the windows of `Hops` are hopping, and those of `Leaps` are hopping: a record \
         keeps the window it has, so write the same kind and `advance` for both",
    );
    for (output, input) in [(&FIVE, &MINUTES), (&VISIT, &VISIT), (&HOPS, &HOPS)] {
        shape(output, input, false, Kind::Stream, "");
    }
    // Said by another check.
    shape(&PLAIN, &FIVE, true, Kind::Stream, "");
    shape(&PLAIN, &FIVE, false, Kind::Table, "");
}

#[test]
fn records_with_windows_get_no_other_key() {
    says(
        "the records of `Five` have windows in their keys, and ksqlDB gives such records no other key: leave out `group_by`, or \
         read what `Five` is made of",
        || check_unmoved(&FIVE, "group_by"),
    );
    says("", || check_unmoved(&PLAIN, "group_by"));
    for other in ["n", "from", "elsewhere"] {
        says(
            "the records of `Five` have windows in their keys, and ksqlDB gives such records no other key: join them by their \
             only `#[key]`",
            || check_joined_by_key(&FIVE, hash(other)),
        );
    }
    says("", || check_joined_by_key(&FIVE, hash("id")));
    says("", || check_joined_by_key(&PLAIN, hash("n")));
}

#[test]
fn records_meet_in_equal_windows() {
    let none = "`Five` has windows and `Plain` has none: a key with a window equals none without, so ksqlDB joins windows with \
                windows only; join what `Five` is made of";
    says(none, || check_equal_windows(&FIVE, &PLAIN, &FIVE));
    says(none, || check_equal_windows(&PLAIN, &FIVE, &FIVE));
    says(
        "`Five` and `Visit` have windows of other kinds or sizes: records meet in equal windows, so both need the `#[window(..)]` \
         that the output has",
        || check_equal_windows(&FIVE, &VISIT, &FIVE),
    );
    says(
        "`Five` and `Ten` have windows of other kinds or sizes: records meet in equal windows, so both need the `#[window(..)]` \
         that the output has",
        || check_equal_windows(&FIVE, &TEN, &FIVE),
    );
    says("", || check_equal_windows(&FIVE, &MINUTES, &FIVE));
    says("", || check_equal_windows(&PLAIN, &PLAIN, &PLAIN));
}

#[test]
fn a_bound_takes_the_bound_it_is() {
    let kept = |of, from: Option<&str>| {
        check_kept_bound(
            &FIVE,
            &MINUTES,
            hash(of),
            from.map(|from| (COLUMNS, hash(from))),
        );
    };
    for from in [Some("to"), Some("n"), None] {
        says(
            "`Five.from` is the window's bound, which stays: it takes the input's `#[window_start]` field as it is, or leave the \
             mark off it",
            || kept("from", from),
        );
    }
    says(
        "`Five.to` is the window's bound, which stays: it takes the input's `#[window_end]` field as it is, or leave the mark off it",
        || kept("to", Some("from")),
    );
    says("", || kept("from", Some("from")));
    says("", || kept("to", Some("to")));
    says("", || kept("n", Some("from")));
    says("", || kept("n", None));
    // Where nothing has windows it is said that the output has one.
    says("", || check_kept_bound(&FIVE, &PLAIN, hash("from"), None));
}
