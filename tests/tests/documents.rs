//! The documents tell what is: every code in `docs/errors.md`, the texts and the compiler's answer in the README.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ksql_runtime::prelude::*;

/// The entity of the README.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("quotes", partitions = 4)]
#[table]
#[entity(namespace = "shop")]
struct Rate {
    #[key]
    symbol: String,
    #[timestamp]
    quoted_at: DateTime<Utc>,
    #[decimal_precision(18, 4)]
    price: Decimal,
    note: Option<String>,
}

#[derive(Debug, Clone, Entity)]
#[topic("trades", partitions = 4)]
#[stream]
struct Trade {
    #[key]
    symbol: String,
    size: i64,
}

#[derive(Debug, Clone, Entity)]
#[topic("volumes")]
#[table]
#[window(tumbling, minutes = [1, 5, 60], grace = "10s")] // three tables at once
#[entity(namespace = "shop")]
struct Volume {
    #[key]
    symbol: String,
    #[window_start]
    from: DateTime<Utc>,
    trades: i64,
    volume: i64,
}

#[query]
fn volumes(trades: Stream<Trade>) -> Table<Volume> {
    trades
        .filter(|t| t.size > 0)
        .group_by(|t| t.symbol)
        .aggregate(|g| Volume {
            symbol: g.key(),
            from: g.window_start(),
            trades: g.count(),
            volume: g.sum(|t| t.size),
        })
}

fn codes(text: &str) -> BTreeSet<String> {
    text.match_indices("K0")
        .filter_map(|(at, _)| text.get(at..at + 5))
        .filter(|code| code.bytes().skip(1).all(|byte| byte.is_ascii_digit()))
        .map(str::to_owned)
        .collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
}

/// The codes of the rules, from their source.
fn rules() -> BTreeSet<String> {
    let folder = root().join("ksql-schema/src/rules");
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("the rules") {
        let path = entry.expect("an entry").path();
        // A folder holds tests.
        if path.is_dir() {
            continue;
        }
        let text = std::fs::read_to_string(path).expect("a file");
        found.extend(
            text.split('"')
                .filter(|part| part.len() == 5)
                .flat_map(codes),
        );
    }
    found
}

#[test]
fn every_code_is_told_with_cause_and_cure_and_no_other() {
    let text = std::fs::read_to_string(root().join("docs/errors.md")).expect("docs/errors.md");
    let mut told = BTreeSet::new();
    for section in text.split("\n## ").skip(1) {
        let code = section.get(..5).expect("a code").to_owned();
        assert!(section.contains("**Cure.**"), "{code} has a cure");
        assert!(
            section.lines().nth(2).is_some_and(|cause| cause.len() > 10),
            "{code} has a cause"
        );
        assert!(told.insert(code.clone()), "{code} is told once");
    }
    let rules = rules();
    assert!(
        rules.len() > 50,
        "the codes are found in the source: {rules:?}"
    );
    assert_eq!(rules, told);
}

#[test]
fn every_code_of_one_entity_has_a_case_the_compiler_was_asked_about() {
    // The attributes' parser refuses this pair before the rule, which is for models that are not parsed.
    let unreachable = ["K0302".to_owned()];
    let mut asked = BTreeSet::new();
    let mut cases = 0;
    let mut ids = BTreeSet::new();
    for area in std::fs::read_dir(root().join("tests/ui")).expect("the cases") {
        let area = area.expect("an entry").path();
        for kind in ["fail", "pass"] {
            // An area may have cases of one kind only.
            for case in std::fs::read_dir(area.join(kind)).into_iter().flatten() {
                let path = case.expect("an entry").path();
                let name = path
                    .file_stem()
                    .and_then(|name| name.to_str())
                    .unwrap_or_default()
                    .to_owned();
                if let Some((id, _)) = name.split_once('_') {
                    ids.insert(id.to_owned());
                }
                if path
                    .extension()
                    .is_some_and(|extension| extension == "stderr")
                {
                    asked.extend(codes(&std::fs::read_to_string(&path).expect("a file")));
                } else if kind == "fail" {
                    assert!(
                        path.with_extension("stderr").exists(),
                        "{name} has the compiler's answer beside it"
                    );
                    cases += 1;
                }
            }
        }
    }
    let missing: Vec<String> = rules()
        .into_iter()
        .filter(|code| {
            let several = code.starts_with("K05") || code.starts_with("K06");
            !several && !unreachable.contains(code) && !asked.contains(code)
        })
        .collect();
    assert_eq!(missing, Vec::<String>::new(), "codes without a case");
    assert!(cases >= 80, "{cases} failing cases");
    // The entries of the list of pitfalls that the derive answers for. P03, P62: with queries; P17: several entities.
    let derive = (1..=16)
        .chain(18..=28)
        .chain([59, 60, 61, 64, 65, 66, 67, 120, 121])
        .filter(|id| *id != 17);
    let missing: Vec<String> = derive
        .map(|id| format!("p{id:02}"))
        .filter(|id| !ids.contains(id))
        .collect();
    assert_eq!(missing, Vec::<String>::new(), "pitfalls without a case");
}

/// The failing cases' sources, or the compiler's answers to them, by the name of the case.
fn failing(kind: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for area in std::fs::read_dir(root().join("tests/ui")).expect("the cases") {
        let area = area.expect("an entry").path();
        for case in std::fs::read_dir(area.join("fail")).into_iter().flatten() {
            let path = case.expect("an entry").path();
            if path.extension().is_none_or(|extension| extension != kind) {
                continue;
            }
            let folder = area
                .file_name()
                .and_then(|name| name.to_str())
                .expect("a name");
            let name = path
                .file_stem()
                .and_then(|name| name.to_str())
                .expect("a name");
            let text = std::fs::read_to_string(&path).expect("a file");
            let text = text.replace(&format!("ui/{folder}/fail/"), "src/");
            found.insert(name.to_owned(), text);
        }
    }
    found
}

#[test]
fn every_answer_told_in_the_list_of_errors_is_what_the_compiler_says() {
    let text = std::fs::read_to_string(root().join("docs/errors.md")).expect("docs/errors.md");
    let (answers, sources) = (failing("stderr"), failing("rs"));
    let told: BTreeSet<String> = text
        .split("\n## ")
        .skip(1)
        .filter_map(|section| section.get(..5).map(str::to_owned))
        .collect();
    for (case, answer) in &answers {
        let unknown: Vec<String> = codes(answer).difference(&told).cloned().collect();
        assert!(
            unknown.is_empty(),
            "{case} shows {unknown:?}, which no section tells"
        );
    }
    let mut shown = 0;
    for section in text.split("\n## ").skip(1) {
        let code = section.get(..5).expect("a code");
        for block in section.split("```text\n").skip(1) {
            let block = block.split("\n```").next().expect("a block").trim_end();
            let case = block
                .split_once("--> src/")
                .and_then(|(_, rest)| rest.split_once(".rs:"))
                .map(|(case, _)| case)
                .unwrap_or_else(|| panic!("{code} names no case:\n{block}"));
            let answer = answers
                .get(case)
                .unwrap_or_else(|| panic!("{code}: there is no case `{case}`"));
            assert!(block.contains(code), "{code} shows another code:\n{block}");
            assert!(
                answer.contains(block),
                "{code} shows\n{block}\nand `{case}` says\n{answer}"
            );
            shown += 1;
            let example = section
                .split_once("```rust,ignore\n")
                .and_then(|(_, rest)| rest.split_once("```"))
                .map_or("", |(example, _)| example);
            let lines: Vec<&str> = sources
                .get(case)
                .map(|source| source.lines().collect())
                .unwrap_or_default();
            let other: Vec<&str> = example
                .lines()
                .filter(|line| !lines.contains(line))
                .collect();
            assert_eq!(
                other,
                Vec::<&str>::new(),
                "{code}: lines that `{case}` has not"
            );
            assert!(example.contains("derive("), "{code} shows the case's code");
        }
    }
    assert!(shown > 50, "{shown} answers are shown");
}

#[test]
fn every_published_crate_carries_its_licences_and_its_documents() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect(path);
    for (krate, files) in [
        ("ksql-schema", &["LICENSE-MIT", "LICENSE-APACHE"][..]),
        ("ksql-derive", &["LICENSE-MIT", "LICENSE-APACHE"]),
        (
            "ksql-runtime",
            &[
                "LICENSE-MIT",
                "LICENSE-APACHE",
                "docs/guide.md",
                "docs/errors.md",
                "docs/queries.md",
                "docs/dead-letters.md",
            ],
        ),
    ] {
        for file in files {
            let name = file.rsplit('/').next().expect("a name");
            assert_eq!(
                read(&format!("{krate}/{name}")),
                read(file),
                "{krate}/{name}"
            );
        }
    }
}

#[test]
fn the_cargo_feature_relaxed_reaches_the_macro_and_is_tested() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect(path);
    assert!(read("ksql-runtime/Cargo.toml").contains("relaxed = [\"ksql-derive/relaxed\"]"));
    assert!(
        read("Makefile").contains("cargo test --quiet --package ksql-derive --features relaxed")
    );
}

#[test]
fn the_readme_shows_what_the_compiler_really_says() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect(path);
    let readme = read("README.md");
    let source = read("tests/ui/readme/fail/order.rs");
    let source = source
        .split("\n\n")
        .find(|part| part.contains("struct Order"))
        .expect("the struct");
    assert!(readme.contains(source), "the struct of the case:\n{source}");
    let texts = [Rate::CREATE, Rate::VALUE_SCHEMA];
    assert!(
        texts.iter().all(|text| readme.contains(text)),
        "the texts of `Rate`: {texts:#?}"
    );
    let answer = read("tests/ui/readme/fail/order.stderr");
    let answer = answer.replace("ui/readme/fail/order.rs", "src/order.rs");
    assert!(
        readme.contains(answer.trim_end()),
        "the compiler's answer:\n{answer}"
    );
    let case = read("tests/ui/readme/pass/volume.rs");
    let (source, _) = case.split_once("\nfn main").expect("a main function");
    let (_, source) = source.split_once("\n\n").expect("its imports");
    let shown = source.trim_end();
    assert!(readme.contains(shown), "the query of the case:\n{shown}");
    assert!(readme.contains(volumes::KSQL[1]), "{}", volumes::KSQL[1]);
    let wrong = read("tests/ui/readme/fail/volume.rs");
    assert_eq!(
        wrong
            .replace("t.symbol > 3", "t.size > 0")
            .split_once("\nfn main")
            .map(|(before, _)| before),
        case.split_once("\nfn main").map(|(before, _)| before),
        "the wrong query is the right one but for its condition"
    );
    let answer = read("tests/ui/readme/fail/volume.stderr");
    let answer = answer.replace("ui/readme/fail/volume.rs", "src/main.rs");
    assert!(
        readme.contains(answer.trim_end()),
        "the compiler's answer:\n{answer}"
    );
}

/// The source of a test of the runtime, by the name of its file.
fn source(file: &str) -> String {
    let path = root().join(format!("tests/runtime/tests/{file}.rs"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

/// The numbers that stand for a variable in a piece of source.
fn defaults(source: &str, variable: &str) -> BTreeSet<u64> {
    let asked = format!("number(\"{variable}\", ");
    let numbers = source.split(&asked).skip(1);
    numbers
        .map(|rest| {
            let number = rest.split(')').next().unwrap_or_default();
            let told = number.parse();
            told.unwrap_or_else(|_| panic!("{variable}: `{number}` is no number to be told"))
        })
        .collect()
}

/// The number that stands for a variable in a test: in its own body, or else in what its file's tests share.
fn default_of(file: &str, test: &str, variable: &str) -> u64 {
    let source = source(file);
    let (_, body) = source
        .split_once(&format!("fn {test}("))
        .unwrap_or_else(|| panic!("{file} has no test `{test}`"));
    let body = body.split("\n}\n").next().unwrap_or_default();
    let mut found = defaults(body, variable);
    if found.is_empty() {
        found = defaults(&source, variable);
    }
    let mut numbers = found.iter();
    match (numbers.next(), numbers.next()) {
        (Some(number), None) => *number,
        _ => panic!("{file}::{test} has one number for {variable}, not {found:?}"),
    }
}

#[test]
fn every_test_that_the_page_about_reliability_names_is_there_with_its_variable_and_number() {
    let page = std::fs::read_to_string(root().join("docs/reliability.md")).expect("the page");
    let (mut tests, mut numbers) = (0, 0);
    for row in page.lines().filter(|line| line.starts_with('|')) {
        // Those that the next variable makes longer.
        let mut those: Vec<(&str, &str)> = Vec::new();
        let mut parts = row.split('`');
        while let (Some(_), Some(quoted)) = (parts.next(), parts.next()) {
            let rest = parts.clone().next().unwrap_or_default();
            if let Some((file, test)) = quoted.split_once("::") {
                tests += 1;
                assert!(source(file).contains(&format!("fn {test}(")), "{quoted}");
                those.push((file, test));
            } else if quoted.starts_with("KSQL_TEST_") {
                let told = rest
                    .strip_prefix(" (")
                    .and_then(|rest| rest.split_once(')'));
                let (told, _) = told.unwrap_or_else(|| panic!("{quoted} without a number: {row}"));
                let told: Vec<u64> = told
                    .split(|c: char| !c.is_ascii_digit())
                    .filter_map(|number| number.parse().ok())
                    .collect();
                assert!(!those.is_empty(), "{quoted} of no test: {row}");
                assert!(
                    told.len() == 1 || told.len() == those.len(),
                    "{quoted} ({told:?}) of {those:?}"
                );
                for ((file, test), told) in those.iter().zip(told.iter().cycle()) {
                    let is = default_of(file, test, quoted);
                    assert_eq!(is, *told, "{file}::{test} `{quoted}`");
                    numbers += 1;
                }
            }
            // What has none, and what has had one, goes no further.
            if rest.contains(';') || quoted.starts_with("KSQL_TEST_") {
                those.clear();
            }
        }
    }
    assert!(tests > 25, "{tests}");
    assert!(numbers > 25, "{numbers}");
}

/// A line of what `make reliability` runs.
struct Suite {
    part: String,
    file: String,
    variables: Vec<String>,
    /// None: all of the file.
    tests: Vec<String>,
}

fn suites() -> Vec<Suite> {
    let script = std::fs::read_to_string(root().join("scripts/reliability")).expect("the script");
    let (_, list) = script.split_once("<<'SUITES'\n").expect("the list");
    let (list, _) = list.split_once("\nSUITES").expect("its end");
    list.lines()
        .map(|line| {
            let mut words = line.split_whitespace().map(str::to_owned);
            let (part, file) = (words.next(), words.next());
            let mut suite = Suite {
                part: part.expect("a part"),
                file: file.expect("a file"),
                variables: Vec::new(),
                tests: Vec::new(),
            };
            for word in words.filter(|word| word != "alone") {
                match word.split_once('=') {
                    Some((variable, _)) => suite.variables.push(variable.to_owned()),
                    None => suite.tests.push(word),
                }
            }
            suite
        })
        .collect()
}

#[test]
fn make_reliability_runs_every_test_that_the_page_names_by_variables_that_it_asks_for() {
    let suites = suites();
    for suite in &suites {
        let source = source(&suite.file);
        for variable in &suite.variables {
            let asked = source.contains(&format!("number(\"{variable}\", "));
            assert!(asked, "{} asks for no {variable}", suite.file);
        }
        for test in &suite.tests {
            let there = source.contains(&format!("fn {test}("));
            assert!(there, "{} has no test `{test}`", suite.file);
        }
    }
    let page = std::fs::read_to_string(root().join("docs/reliability.md")).expect("the page");
    let (mut part, mut named) = (String::new(), 0);
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        let first = row.split('|').nth(1).unwrap_or_default().trim();
        // A row without one goes on with that of the row before.
        if !first.is_empty() {
            part = first.to_owned();
        }
        let quoted = row.split('`').skip(1).step_by(2);
        for (file, test) in quoted.filter_map(|quoted| quoted.split_once("::")) {
            named += 1;
            let runs = suites.iter().any(|suite| {
                let tests = &suite.tests;
                suite.part == part
                    && suite.file == file
                    && (tests.is_empty() || tests.iter().any(|one| one == test))
            });
            assert!(runs, "{part}: {file}::{test} is not run");
        }
    }
    assert!(named > 25, "{named}");
}
