//! Errors as a program that prints them shows them.

use std::error::Error;

/// The texts of an error and of all its causes.
pub fn texts(error: &dyn Error) -> Vec<String> {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(inner) = cause {
        texts.push(inner.to_string());
        cause = inner.source();
    }
    texts
}

/// The same as one text.
pub fn chain(error: &dyn Error) -> String {
    texts(error).join(": ")
}
