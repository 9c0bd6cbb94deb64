//! Which compiler says what the cases hold that must not compile.

use std::process::Command;

/// The compiler whose texts the cases hold: another one words and draws them differently.
const PINNED: &str = "rustc 1.95.";

/// Which cases can be held to their texts.
#[derive(Debug, PartialEq, Eq)]
pub enum Cases {
    /// Each of them.
    All,
    /// Only those that compile; with the reason.
    Passing(String),
}

impl Cases {
    /// What the compiler of this machine can be asked.
    ///
    /// # Panics
    /// Where there is none, and in CI where something would be left out.
    pub fn asked() -> Cases {
        let output = Command::new(rustc())
            .arg("--version")
            .output()
            .expect("a compiler");
        let version = String::from_utf8_lossy(&output.stdout);
        match cases(&version, std::env::var_os("CI").is_some()) {
            Ok(cases) => cases,
            Err(reason) => panic!("{reason}"),
        }
    }
}

/// The compiler.
pub fn rustc() -> std::ffi::OsString {
    std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
