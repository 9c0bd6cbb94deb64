//! Calling a function, and what all of them do with absent arguments.
//!
//! A function takes its arguments as a slice, so that one with an optional argument is one function. It gives nothing where it
//! has no answer: that is `NULL` if an argument was `NULL`, else a failure. A failed argument fails the call.

use super::{Any, Output, Scratch};

/// A function of KSQL.
pub type Function = for<'a> fn(&'a Scratch, &[Any<'a>]) -> Option<Any<'a>>;

/// Calls a function.
#[inline]
pub fn call<'a, T: Output<'a>>(
    scratch: &'a Scratch,
    function: impl FnOnce(&'a Scratch, &[Any<'a>]) -> Option<Any<'a>>,
    arguments: &[Any<'a>],
) -> T {
    T::from_any_in(result(scratch, function, arguments), scratch)
}

#[inline]
fn result<'a>(
    scratch: &'a Scratch,
    function: impl FnOnce(&'a Scratch, &[Any<'a>]) -> Option<Any<'a>>,
    arguments: &[Any<'a>],
) -> Any<'a> {
    if arguments.iter().any(|any| matches!(any, Any::Failed)) {
        return Any::Failed;
    }
    match function(scratch, arguments) {
        Some(any) => any,
        None if arguments.iter().any(|any| any.is_null()) => Any::Null,
        None => Any::Failed,
    }
}
