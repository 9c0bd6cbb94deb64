//! Running a query's functions on rows, as an engine does.
#![allow(dead_code, reason = "each test uses some of it")]

use ksql_runtime::entity::Window;
use ksql_runtime::prelude::*;
use ksql_runtime::query::{Aggregate, At, Groups as _, Project, Scratch};

/// A row's place.
pub fn at(scratch: &Scratch, sequence: u64) -> At<'_> {
    At {
        scratch,
        timestamp: 1_000 + sequence as i64,
        partition: 3,
        offset: 7,
        sequence,
        exploded: &[],
    }
}

/// What a projection makes of a row; nothing where it is left out.
pub fn projected<E: Entity, Q: Project<Input = E>>(query: &Q, row: &E) -> Option<Q::Output> {
    let scratch = Scratch::new();
    let at = at(&scratch, 0);
    if !query.keep(&at, row.row()) {
        return None;
    }
    Some(Q::Output::from_row(query.project(&at, row.row())).unwrap())
}

/// What a projection makes of a row that it explodes.
pub fn exploded<E: Entity, Q: Project<Input = E>>(query: &Q, row: &E) -> Vec<Q::Output> {
    let scratch = Scratch::new();
    let at = at(&scratch, 0);
    if !query.keep(&at, row.row()) {
        return Vec::new();
    }
    at.of_rows(query.explode(&at, row.row()))
        .map(|at| Q::Output::from_row(query.project(&at, row.row())).unwrap())
        .collect()
}

/// What an aggregation shows of each group, in the order they began. What is kept goes through its binary form.
pub fn aggregated<E: Entity, Q: Aggregate<Input = E>>(
    query: &Q,
    rows: &[E],
    window: Window,
) -> Vec<Q::Output> {
    let scratch = Scratch::new();
    let mut groups: Vec<(Vec<u8>, Q::Groups)> = Vec::new();
    for (sequence, row) in rows.iter().enumerate() {
        let at = at(&scratch, sequence as u64);
        let mut key = Vec::new();
        if !query.keep(&at, row.row()) || !query.key(&at, row.row(), &mut key) {
            continue;
        }
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, kept)) => query.update(&at, row.row(), kept).unwrap(),
            None => groups.push((key, query.first(&at, row.row()).unwrap())),
        }
    }
    let mut shown = Vec::new();
    for (key, kept) in groups {
        let mut bytes = Vec::new();
        kept.write(&mut bytes);
        let kept = Q::Groups::read(&mut ksql_runtime::codec::Reader::new(&bytes)).unwrap();
        if query.having(&scratch, &key, window, &kept) {
            shown.push(Q::Output::from_row(query.finish(&scratch, &key, window, &kept)).unwrap());
        }
    }
    shown
}

/// The text's part behind one word and before another.
pub fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let start = text
        .find(from)
        .unwrap_or_else(|| panic!("{from} in {text}"))
        + from.len();
    let end = text[start..]
        .find(to)
        .unwrap_or_else(|| panic!("{to} in {text}"))
        + start;
    &text[start..end]
}
