//! The known answers of the year that need only tables.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use super::Flight;

type Answers = Vec<BTreeMap<String, String>>;

fn answers(data: &Path, name: &str) -> Answers {
    csv::Reader::from_path(data.join("expected").join(name))
        .expect("an answer file")
        .deserialize()
        .map(|row| row.expect("a row"))
        .collect()
}

/// Compares every answer; panics at the first that is wrong.
pub fn check(data: &Path, rows: &[Flight]) {
    for (origin, count) in [("EWR", 120_835), ("JFK", 111_279), ("LGA", 104_662)] {
        assert_eq!(
            rows.iter().filter(|row| row.origin == origin).count(),
            count,
            "{origin}"
        );
    }
    by_carrier(&answers(data, "year_dep_delay_by_carrier.csv"), rows);
    let columns = answers(data, "columns.csv");
    let column = |name: &str, get: fn(&Flight) -> Option<String>| {
        let answer = columns
            .iter()
            .find(|answer| answer["file"] == "flights/2013-*.csv.gz" && answer["column"] == name)
            .expect("the column's answer");
        let texts: Vec<String> = rows.iter().filter_map(get).collect();
        let distinct: HashSet<&String> = texts.iter().collect();
        let longest = texts.iter().map(String::len).max().unwrap_or(0);
        let found = [
            rows.len(),
            rows.len() - texts.len(),
            distinct.len(),
            longest,
        ]
        .map(|n| n.to_string());
        let expected =
            ["rows", "nulls", "distinct_values", "max_length"].map(|name| answer[name].clone());
        assert_eq!(found, expected, "{name}: rows, nulls, distinct, longest");
    };
    column("carrier", |row| Some(row.carrier.clone()));
    column("flight", |row| Some(row.flight.to_string()));
    column("tailnum", |row| row.tailnum.clone());
    column("origin", |row| Some(row.origin.clone()));
    column("dest", |row| Some(row.dest.clone()));
    column("scheduled_dep", |row| {
        Some(
            row.scheduled_dep
                .to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        )
    });
    column("dep_delay_min", |row| {
        row.dep_delay_min.map(|value| value.to_string())
    });
    column("arr_delay_min", |row| {
        row.arr_delay_min.map(|value| value.to_string())
    });
    column("air_time_min", |row| {
        row.air_time_min.map(|value| value.to_string())
    });
    column("distance_miles", |row| Some(row.distance_miles.to_string()));
}

/// COUNT, COUNT(x), SUM, AVG, MIN and MAX of the delay and SUM of the distance.
fn by_carrier(answers: &Answers, rows: &[Flight]) {
    assert_eq!(answers.len(), 16, "carriers");
    for answer in answers {
        let mine: Vec<&Flight> = rows
            .iter()
            .filter(|row| row.carrier == answer["carrier"])
            .collect();
        let delays: Vec<i64> = mine
            .iter()
            .filter_map(|row| row.dep_delay_min.map(i64::from))
            .collect();
        let sum: i64 = delays.iter().sum();
        let number = |name: &str| -> i64 { answer[name].parse().expect("a number") };
        assert_eq!(mine.len() as i64, number("flights"), "{answer:?}");
        assert_eq!(delays.len() as i64, number("departed"), "{answer:?}");
        assert_eq!(sum, number("sum_dep_delay"), "{answer:?}");
        assert_eq!(
            delays.iter().min(),
            Some(&number("min_dep_delay")),
            "{answer:?}"
        );
        assert_eq!(
            delays.iter().max(),
            Some(&number("max_dep_delay")),
            "{answer:?}"
        );
        let average: f64 = answer["avg_dep_delay"].parse().expect("a double");
        assert!(
            (sum as f64 / delays.len() as f64 - average).abs() < 1e-9,
            "{answer:?}"
        );
        let distance: i64 = mine.iter().map(|row| i64::from(row.distance_miles)).sum();
        assert_eq!(distance, number("sum_distance"), "{answer:?}");
    }
}
