//! Joins of every kind, and windows that queries read: the statements of the queries that the tests with models run.

use std::collections::BTreeSet;

use ksql_runtime::ksqldb::{Effect, Ensured, Removal, Statement};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::{join_kinds, windowed};

use crate::server::Place;

/// Adds the queries of a program.
type Program = fn(ContextBuilder) -> ContextBuilder;

/// Few queries at a time: each of them takes the server threads and memory.
const PROGRAMS: [(&str, Program); 5] = [
    ("streams", |builder| {
        builder
            .query(join_kinds::paid)
            .query(join_kinds::paid_or_not)
            .query(join_kinds::for_or_not)
            .query(join_kinds::either)
            .query(join_kinds::takings)
    }),
    ("streams with tables", |builder| {
        builder
            .query(join_kinds::bought)
            .query(join_kinds::bought_by)
            .query(join_kinds::traced)
    }),
    ("tables", |builder| {
        builder
            .query(join_kinds::pairs)
            .query(join_kinds::of_customers)
            .query(join_kinds::of_accounts)
            .query(join_kinds::everything)
            .query(join_kinds::homes)
            .query(join_kinds::homes_or_not)
            .query(join_kinds::wholes)
            .query(join_kinds::wealth)
    }),
    ("windows", |builder| {
        builder
            .query(windowed::tapped)
            .query(windowed::tours)
            .query(windowed::busy)
            .query(windowed::long)
            .query(windowed::seen)
    }),
    ("joins of windows", |builder| {
        builder
            .query(windowed::tapped)
            .query(windowed::played)
            .query(windowed::heard)
            .query(windowed::tours)
            .query(windowed::shows)
            .query(windowed::met)
            .query(windowed::of_taps)
            .query(windowed::of_plays)
            .query(windowed::either)
            .query(windowed::three)
    }),
];

/// The statements of a program, on topics that begin with this.
fn statements(program: Program, prefix: &str) -> Vec<Statement> {
    let builder = program(Context::builder()).setting("topic_prefix", prefix);
    let text = builder.ddl().expect("statements");
    Statement::split(&text).expect("statements")
}

/// Those of all programs, of each name the first: what reads stands behind what it reads.
fn all(prefix: &str) -> Vec<Statement> {
    let mut all: Vec<Statement> = Vec::new();
    for (_, program) in PROGRAMS {
        for statement in statements(program, prefix) {
            if all.iter().all(|known| name(known) != name(&statement)) {
                all.push(statement);
            }
        }
    }
    all
}

/// What a statement makes.
fn name(statement: &Statement) -> &str {
    match statement.effect() {
        Effect::Create { name, .. } | Effect::CreateAs { name, .. } => name,
        other => panic!("these queries create: {other:?}: {}", statement.text()),
    }
}

/// Whether it is a stream over the topic of a result.
fn is_of_windows(statement: &Statement) -> bool {
    let declares = matches!(statement.effect(), Effect::Create { .. });
    declares && statement.text().contains("WINDOW_TYPE=")
}

/// Drops what the statements make, of this run or of one that did not come to its end: what reads first. The server refuses to delete
/// a topic that two sources are on, so a stream over a result's topic leaves it to the result.
async fn clear(place: &Place, statements: &[Statement]) {
    for statement in statements.iter().rev() {
        let name = name(statement);
        if !is_of_windows(statement) {
            place.clear(&[name]).await;
            continue;
        }
        let found = place.ksql.describe(name).await.expect("an answer");
        let Some(found) = found else {
            continue;
        };
        assert!(
            found.topic.starts_with("ksql_live_"),
            "`{name}` is on topic `{}`, which is none of these tests: use a server without it",
            found.topic
        );
        let removal = Removal {
            delete_topic: false,
            cascade: false,
        };
        let dropped = place.ksql.drop_source(name, removal).await;
        dropped.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a ksqlDB: KSQLDB_URL"]
async fn every_statement_of_every_kind_of_join_is_accepted_and_found_equal() {
    for (of, program) in PROGRAMS {
        let place = Place::new().await;
        let statements = statements(program, &place.prefix);
        // An earlier run may have ended in another program.
        clear(&place, &all(&place.prefix)).await;
        for start in 0..2 {
            for statement in &statements {
                let ensured = place.ensured(statement).await;
                let expected = match start {
                    0 => matches!(ensured, Ensured::Created { .. }),
                    _ => matches!(ensured, Ensured::Unchanged { .. }),
                };
                assert!(expected, "{of}, {start}: {}: {ensured:?}", statement.text());
            }
        }
        clear(&place, &statements).await;
        let names: Vec<&str> = statements.iter().rev().map(name).collect();
        place.leave(&names).await;
    }
}

#[test]
fn the_statements_join_in_every_way_and_stand_behind_those_they_read() {
    let all = all("ksql_live_");
    let mut there = Vec::new();
    let mut kinds = BTreeSet::new();
    for statement in &all {
        let words: Vec<&str> = statement.text().split_whitespace().collect();
        let kind = words[1];
        let within = match words.contains(&"WITHIN") {
            true => " WITHIN",
            false => "",
        };
        for words in words.windows(3) {
            let [before, "FROM" | "JOIN", read] = words else {
                continue;
            };
            let read = read.trim_matches('`');
            assert!(there.contains(&read), "{read} before {}", statement.text());
            let how = match (*before, words[1]) {
                (_, "FROM") => continue,
                (how @ ("LEFT" | "RIGHT" | "FULL"), _) => how,
                _ => "INNER",
            };
            kinds.insert(format!("{kind} {how}{within}"));
        }
        there.push(name(statement));
    }
    let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
    assert_eq!(
        kinds,
        [
            "STREAM FULL WITHIN",
            "STREAM INNER",
            "STREAM INNER WITHIN",
            "STREAM LEFT",
            "STREAM LEFT WITHIN",
            "STREAM RIGHT WITHIN",
            "TABLE FULL",
            "TABLE INNER",
            "TABLE INNER WITHIN",
            "TABLE LEFT",
            "TABLE RIGHT",
        ]
    );
    let of_windows = all.iter().filter(|one| is_of_windows(one));
    let of_windows: BTreeSet<&str> = of_windows.map(name).collect();
    let expected = [
        "TAPPED_10S_STREAM",
        "TAPPED_1MIN_STREAM",
        "TOUR_5S_SESSION_STREAM",
        "PLAYED_10S_STREAM",
        "HEARD_10S_STREAM",
        "SHOW_5S_SESSION_STREAM",
    ];
    assert_eq!(of_windows, BTreeSet::from(expected));
}
