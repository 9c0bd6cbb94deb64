//! Checks of queries over records that have windows already, and of windows that a query makes.
//!
//! The results of a windowed aggregation are records whose keys carry the window. As in ksqlDB they can be read as a stream, filtered,
//! projected and joined with others of equal windows; they keep their windows, and nothing gives them others.

use super::{Part, refuse};
use crate::model::{Column, Entity, Kind, Role, Window, WindowKind};
use crate::query::column::find;
use Part::Text;

/// Refuses a windowed output of a query that does not group a stream, unless what it reads has these windows already; and an
/// output without windows of what has them.
#[track_caller]
pub const fn check_window_shape(
    output: &Entity<'_>,
    input: &Entity<'_>,
    grouped: bool,
    read_as: Kind,
) {
    if output.columns.is_empty() || input.columns.is_empty() {
        return;
    }
    match (&output.window, &input.window) {
        // Of a table with windows, and of groups of windows, it is said elsewhere.
        (_, Some(_)) if grouped || matches!(read_as, Kind::Table) => {}
        (None, None) => {}
        (None, Some(_)) => refuse(&[
            Text("`"),
            Text(output.name),
            Text("` has no window, and the records of `"),
            Text(input.name),
            Text(
                "` have one in their keys, which stays: put `#[table]` and a `#[window(..)]` of the same kind and size on it",
            ),
        ]),
        (Some(window), Some(of)) => check_kept_windows(output.name, window, input.name, of),
        (Some(_), None) if !grouped => refuse(&[
            Text("`"),
            Text(output.name),
            Text(
                "` has a window, and a window is of groups: add `.group_by(..)` and `.aggregate(..)`, or take the `#[window]` off it",
            ),
        ]),
        (Some(_), None) => {
            if matches!(read_as, Kind::Table) {
                refuse(&[
                    Text("`"),
                    Text(output.name),
                    Text(
                        "` has a window, and a table has no windows: read a `Stream`, or take the `#[window]` off it",
                    ),
                ]);
            }
        }
    }
}

#[track_caller]
const fn check_kept_windows(name: &str, window: &Window<'_>, input: &str, of: &Window<'_>) {
    let [size] = window.sizes_ms else {
        refuse(&[
            Text("`"),
            Text(name),
            Text("` has several windows, and the records of `"),
            Text(input),
            Text(
                "` are read one window at a time: write one size, and a query and an entity for each other",
            ),
        ]);
    };
    if !same_kind(window, of) {
        refuse(&[
            Text("the windows of `"),
            Text(name),
            Text("` are "),
            Text(kind(window)),
            Text(", and those of `"),
            Text(input),
            Text("` are "),
            Text(kind(of)),
            Text(
                ": a record keeps the window it has, so write the same kind and `advance` for both",
            ),
        ]);
    }
    if !contains(of.sizes_ms, *size) {
        refuse(&[
            Text("`"),
            Text(input),
            Text("` has no window of the size that `"),
            Text(name),
            Text("` has: a record keeps the window it has, so write one of the sizes of `"),
            Text(input),
            Text("`"),
        ]);
    }
}

/// Refuses that records with windows and those without, or with others, are joined.
#[track_caller]
pub const fn check_equal_windows(first: &Entity<'_>, other: &Entity<'_>, output: &Entity<'_>) {
    let (with, without) = match (&first.window, &other.window) {
        (None, None) => return,
        (Some(one), Some(two)) => {
            let equal = same_kind(one, two)
                && match &output.window {
                    Some(Window {
                        sizes_ms: [size], ..
                    }) => contains(two.sizes_ms, *size),
                    // Said of the output.
                    _ => true,
                };
            if !equal {
                refuse(&[
                    Text("`"),
                    Text(first.name),
                    Text("` and `"),
                    Text(other.name),
                    Text(
                        "` have windows of other kinds or sizes: records meet in equal windows, so both need the `#[window(..)]` that the output has",
                    ),
                ]);
            }
            return;
        }
        (Some(_), None) => (first, other),
        (None, Some(_)) => (other, first),
    };
    if with.columns.is_empty() || without.columns.is_empty() {
        return;
    }
    refuse(&[
        Text("`"),
        Text(with.name),
        Text("` has windows and `"),
        Text(without.name),
        Text(
            "` has none: a key with a window equals none without, so ksqlDB joins windows with windows only; join what `",
        ),
        Text(with.name),
        Text("` is made of"),
    ]);
}

/// Refuses a step (`group_by`, `partition_by`) that would give records with windows another key.
#[track_caller]
pub const fn check_unmoved(input: &Entity<'_>, step: &str) {
    if input.window.is_some() {
        refuse(&[
            Text("the records of `"),
            Text(input.name),
            Text(
                "` have windows in their keys, and ksqlDB gives such records no other key: leave out `",
            ),
            Text(step),
            Text("`, or read what `"),
            Text(input.name),
            Text("` is made of"),
        ]);
    }
}

/// Refuses to join records with windows by anything but their key; `hash` is the column's that is compared, or 0.
#[track_caller]
pub const fn check_joined_by_key(input: &Entity<'_>, hash: u64) {
    if input.window.is_none() {
        return;
    }
    let by_key = match find(input.columns, hash) {
        Some(column) => matches!(column.role, Role::Key) && input.key_columns() == 1,
        None => false,
    };
    if !by_key {
        refuse(&[
            Text("the records of `"),
            Text(input.name),
            Text(
                "` have windows in their keys, and ksqlDB gives such records no other key: join them by their only `#[key]`",
            ),
        ]);
    }
}

/// Refuses a field marked as a window's bound that does not take the bound of the input, which has windows. `from` is what the value is, where it is a
/// column as it stands.
#[track_caller]
pub const fn check_kept_bound(
    output: &Entity<'_>,
    input: &Entity<'_>,
    hash: u64,
    from: Option<(&[Column<'_>], u64)>,
) {
    if input.window.is_none() {
        return;
    }
    let Some(column) = find(output.columns, hash) else {
        return;
    };
    let start = matches!(column.role, Role::WindowStart);
    if !start && !matches!(column.role, Role::WindowEnd) {
        return;
    }
    let taken = match from {
        Some((columns, of)) => match find(columns, of) {
            Some(column) => match column.role {
                Role::WindowStart => start,
                Role::WindowEnd => !start,
                _ => false,
            },
            // Said elsewhere.
            None => true,
        },
        None => false,
    };
    if !taken {
        refuse(&[
            Text("`"),
            Text(output.name),
            Text("."),
            Text(column.name),
            Text("` is the window's bound, which stays: it takes the input's `#["),
            Text(if start { "window_start" } else { "window_end" }),
            Text("]` field as it is, or leave the mark off it"),
        ]);
    }
}

const fn same_kind(one: &Window<'_>, two: &Window<'_>) -> bool {
    match (one.kind, two.kind) {
        (WindowKind::Tumbling, WindowKind::Tumbling)
        | (WindowKind::Session, WindowKind::Session) => true,
        (WindowKind::Hopping, WindowKind::Hopping) => match (one.advance_ms, two.advance_ms) {
            (Some(one), Some(two)) => one == two,
            _ => false,
        },
        _ => false,
    }
}

const fn kind(window: &Window<'_>) -> &'static str {
    match window.kind {
        WindowKind::Tumbling => "tumbling",
        WindowKind::Hopping => "hopping",
        WindowKind::Session => "sessions",
    }
}

const fn contains(sizes: &[u64], size: u64) -> bool {
    let mut rest = sizes;
    while let [one, more @ ..] = rest {
        rest = more;
        if *one == size {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests;
