//! Benchmarks beside their floors: `cargo run -p ksql-benches -- <id>...` or `-- all`. What each means is in `README.md`.

mod alloc;
mod answers;
mod b1;
mod b2;
mod b2f;
mod b2j;
mod b3;
mod b4;
mod b5;
mod contender;
mod d1;
mod data;
mod entities;
mod fill;
mod floor;
mod k1;
mod k2;
mod kafka;
mod kb1;
mod kb2;
mod kb5;
mod l1;
mod peer;
mod process;
mod raw;
mod report;
mod streams;
mod year;

use std::process::ExitCode;

type Bench = (&'static str, fn());

/// In the order of a full run.
const ALL: [Bench; 16] = [
    ("B4", b4::run),
    ("L1", l1::run),
    ("K1", k1::run),
    ("K2", k2::run),
    ("B1", b1::run),
    ("B2", b2::run),
    ("B2F", b2f::run),
    ("B2J", b2j::run),
    ("KB1", kb1::run),
    ("KB2", kb2::run),
    ("B3", b3::run),
    ("B5", b5::run),
    ("KB5", kb5::run),
    ("YEAR", year::run),
    ("YEARQ", year::queries::run),
    ("D1", d1::run),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, directory, settings @ ..] = arguments.as_slice()
        && first == b5::CHILD
    {
        b5::ingest_for_ever(std::path::Path::new(directory), settings);
    }
    if let [first, rest @ ..] = arguments.as_slice()
        && first == contender::CHILD
    {
        contender::child(rest);
        return ExitCode::SUCCESS;
    }
    if let [first, rest @ ..] = arguments.as_slice()
        && first == kb2::CHILD
    {
        kb2::child(rest);
        return ExitCode::SUCCESS;
    }
    let all = arguments.iter().any(|argument| argument == "all");
    let chosen: Vec<Bench> = ALL
        .into_iter()
        .filter(|(id, _)| {
            all || arguments
                .iter()
                .any(|argument| argument.eq_ignore_ascii_case(id))
        })
        .collect();
    if chosen.is_empty() {
        let ids: Vec<&str> = ALL.iter().map(|(id, _)| *id).collect();
        eprintln!("say which: all, or one or more of {}", ids.join(", "));
        return ExitCode::FAILURE;
    }
    process::describe();
    for (_, run) in chosen {
        run();
    }
    if report::conclude() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
