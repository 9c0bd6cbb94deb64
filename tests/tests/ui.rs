//! What the compiler says about wrong definitions, and that right ones compile.
//!
//! `TRYBUILD=overwrite cargo test -p ksql-tests --test ui` writes the texts anew; read every one of them as a user would.
//! One case alone: `cargo test -p ksql-tests --test ui -- wrong trybuild=NAME`.

use std::process::Command;

/// The compiler whose texts the cases hold: another one words and draws them differently.
const PINNED: &str = "rustc 1.95.";

/// Which cases can be held to their texts.
#[derive(Debug, PartialEq, Eq)]
enum Cases {
    All,
    /// Only those that compile; with the reason.
    Passing(String),
}

/// What a compiler can be asked. In CI nothing is left out without failing.
fn cases(version: &str, in_ci: bool) -> Result<Cases, String> {
    if version.starts_with(PINNED) {
        return Ok(Cases::All);
    }
    let reason = format!(
        "the cases that must not compile are held to the texts of `{PINNED}x`, and this is `{}`",
        version.trim()
    );
    if in_ci {
        Err(reason)
    } else {
        Ok(Cases::Passing(reason))
    }
}

#[test]
fn wrong_definitions_are_errors_on_the_token_and_right_ones_compile() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .arg("--version")
        .output()
        .expect("a compiler");
    let version = String::from_utf8_lossy(&output.stdout);
    let asked = cases(&version, std::env::var_os("CI").is_some());
    let build = trybuild::TestCases::new();
    build.pass("ui/*/pass/*.rs");
    match asked {
        Ok(Cases::All) => build.compile_fail("ui/*/fail/*.rs"),
        Ok(Cases::Passing(reason)) => println!("skipped: {reason}"),
        Err(reason) => panic!("{reason}"),
    }
}

#[test]
fn another_compiler_skips_the_texts_and_says_so_except_in_ci() {
    let (pinned, other) = (
        "rustc 1.95.2 (abc 2026-01-01)\n",
        "rustc 1.96.0-nightly (abc 2026-01-01)\n",
    );
    assert_eq!(cases(pinned, true), Ok(Cases::All));
    assert_eq!(cases(pinned, false), Ok(Cases::All));
    assert!(
        matches!(cases(other, false), Ok(Cases::Passing(reason)) if reason.contains("1.96.0-nightly"))
    );
    assert!(cases(other, true).is_err_and(|reason| reason.contains("rustc 1.95.")));
}
