//! How a command ends: what a shell or a pipeline can go by.

use std::fmt;
use std::process::ExitCode;

use crate::error::{Chain, Error};
use crate::log::LogError;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Exit {
    /// It did what was asked: 0.
    Done,
    /// Something is wrong, and the output says what: an invalid model, a start that would be refused, a program that is not ready: 1.
    Wrong,
    /// It was not asked rightly: an unknown command, entity, column or setting, or a key of another type: 2.
    Usage,
    /// A server is away, or another program holds the directory: 3. It may go well a moment later.
    Unreachable,
    /// There is no such row or letter: 4.
    Nothing,
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Wrong => 1,
            Exit::Usage => 2,
            Exit::Unreachable => 3,
            Exit::Nothing => 4,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// Why a command did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    pub(super) text: String,
}

/// What a command comes to.
pub(super) type Outcome<T = Exit> = Result<T, Failure>;

impl Failure {
    pub(super) fn usage(text: impl Into<String>) -> Failure {
        Failure {
            exit: Exit::Usage,
            text: text.into(),
        }
    }

    pub(super) fn wrong(text: impl Into<String>) -> Failure {
        Failure {
            exit: Exit::Wrong,
            text: text.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure {
            exit: match &error {
                Error::Config(_) => Exit::Usage,
                error if held(error) || error.is_transient() => Exit::Unreachable,
                _ => Exit::Wrong,
            },
            text: Chain(&error).to_string(),
        }
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Failure {
        Failure::from(Error::from(error))
    }
}

/// Whether another program holds the directory.
fn held(error: &Error) -> bool {
    match error {
        Error::Log(LogError::Directory(_)) => true,
        Error::Start { cause, .. } => held(cause),
        _ => false,
    }
}

/// Nothing has this name; the nearest of those there are, or all of them.
pub(super) fn unknown_name<'a>(
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> String {
    let known: Vec<&str> = known.collect();
    let scored = known.iter().map(|known| {
        let alike = strsim::jaro_winkler(&known.to_lowercase(), &name.to_lowercase());
        (alike, known)
    });
    let nearest = scored
        .filter(|(alike, _)| *alike >= 0.7)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    match (nearest, known.is_empty()) {
        (Some((_, nearest)), _) => {
            format!("there is no {what} `{name}`: did you mean `{nearest}`?")
        }
        (None, true) => format!("there is no {what} `{name}`: the program has none"),
        (None, false) => format!(
            "there is no {what} `{name}`; there are {}",
            listed(known.iter().copied())
        ),
    }
}

/// Names as a list for people.
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
