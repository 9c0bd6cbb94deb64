//! The page about the command line says truly what the examples print: every command of theirs on it is run. Those of `shop`, a program
//! of the tests, are run beside it: `tests/runtime/tests/command_line.rs`.

use std::path::{Path, PathBuf};
use std::process::Command;

const PAGE: &str = include_str!("../../docs/command-line.md");

/// An example. `cargo test` builds it beside its tests.
fn program(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().expect("a path");
    path.pop();
    path.pop();
    path.join("examples")
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

fn command(name: &str, arguments: &[String], directory: &Path) -> Command {
    let mut command = Command::new(program(name));
    let all = std::env::vars_os().map(|(name, _)| name);
    for name in all.filter(|name| name.to_string_lossy().starts_with("KSQL_")) {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .current_dir(directory)
        .env("COLUMNS", "120");
    command
}

/// The words of a command, those in double quotes as one.
fn words(text: &str) -> Vec<String> {
    let parts = text.split('"').enumerate();
    parts
        .flat_map(|(at, part)| match at % 2 {
            1 => vec![part.to_owned()],
            _ => part.split_whitespace().map(str::to_owned).collect(),
        })
        .collect()
}

/// Every command of the page, and what stands under it.
fn shown() -> Vec<(String, String)> {
    let mut shown: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in PAGE.lines() {
        match (inside, line) {
            (false, "```console") => inside = true,
            (true, "```") => inside = false,
            (true, line) => match (line.strip_prefix("$ "), shown.last_mut()) {
                (Some(command), _) => shown.push((command.to_owned(), String::new())),
                (None, Some((_, output))) => output.push_str(&format!("{line}\n")),
                (None, None) => panic!("no command above {line}"),
            },
            (false, _) => {}
        }
    }
    shown
}

#[test]
fn every_command_of_the_page_prints_what_stands_there() {
    let directory = tempfile::tempdir().expect("a directory");
    let run = |command: &mut Command| command.output().expect("it runs");
    for name in ["flights", "candles"] {
        let output = run(&mut command(name, &[], directory.path()));
        assert!(output.status.success(), "{name}: {output:?}");
    }
    let shown = shown();
    assert!(shown.len() >= 10, "{shown:?}");
    let mut wrong = String::new();
    for (text, expected) in shown {
        if text.starts_with("shop ") {
            continue;
        }
        let rest = text
            .strip_prefix("cargo run --example ")
            .expect("an example");
        let (name, arguments) = rest.split_once(" -- ").expect("a command");
        let output = run(&mut command(name, &words(arguments), directory.path()));
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).expect("text");
        if said != expected {
            wrong.push_str(&format!("$ {text}\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "these print something else:\n{wrong}");
}
