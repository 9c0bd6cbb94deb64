//! Checks: each stops the compiler at its call if something is wrong, with a text that says what can be written instead.
//!
//! In a constant a panic is the compile error, and its place is the call: every check is `#[track_caller]` all the way
//! down. What is poison was complained of where it arose, so no check says anything of it.

mod collections;
mod join;
mod list;
mod operators;
mod output;
mod shape;
mod windows;

pub use collections::{
    check_each, check_explode, check_map_key, check_map_value, check_member, check_record,
    check_reduce, check_together, check_transformed,
};
pub use join::{
    Item, Standing, check_joined_key, check_on, check_other_source, check_table_join,
    check_table_side, form,
};
pub use operators::{
    check_arith, check_between, check_case, check_cast, check_compare, check_condition, check_in,
    check_like, check_logic, check_moment, check_negate, check_not, check_pattern,
};
pub use output::{check_assign, check_key_part, check_keys, check_window, check_window_bound};

pub use shape::{
    check_apart, check_complete, check_element, check_entry, check_field, check_input,
    check_kept_keys, check_kind, check_stored, check_variant,
};

pub use windows::{
    check_equal_windows, check_joined_by_key, check_kept_bound, check_unmoved, check_window_shape,
};

pub use crate::query::aggregates::{
    check_aggregate, check_native_aggregate, check_table_aggregate,
};
pub use crate::query::functions::{check_argument, check_function};
pub(crate) use operators::conversion;

use super::node::{Sql, Why};
use super::words;
use crate::text::{Sink, as_str};

/// A part of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part<'a> {
    /// Words.
    Text(&'a str),
    /// A type as KSQL writes it.
    Type(Sql),
    /// A type as it is written behind `as`.
    Rust(Sql),
    /// Why a value may be NULL.
    Why(Why),
    /// A number.
    Number(u32),
}

/// Stops the compiler with a text made of parts.
#[track_caller]
#[allow(clippy::panic, reason = "in a constant a panic is the compile error")]
pub(crate) const fn refuse(parts: &[Part<'_>]) -> ! {
    let mut buffer = [0; 2048];
    let mut sink = Sink::new(&mut buffer);
    let mut parts = parts;
    while let [part, rest @ ..] = parts {
        parts = rest;
        match part {
            Part::Text(text) => sink.push(text),
            Part::Type(ty) => words::push_type(*ty, &mut sink),
            Part::Rust(ty) => words::push_rust(*ty, &mut sink),
            Part::Why(why) => words::push_why(*why, &mut sink),
            Part::Number(number) => sink.push_number(*number as i64),
        }
    }
    let length = sink.len();
    let (text, _) = match buffer.split_at_checked(length) {
        Some(parts) => parts,
        None => (buffer.as_slice(), buffer.as_slice()),
    };
    panic!("{}", as_str(text));
}

#[cfg(test)]
pub(crate) mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    /// The text a check panics with; nothing if it passes.
    pub(crate) fn said(check: impl FnOnce()) -> Option<String> {
        let payload = catch_unwind(AssertUnwindSafe(check)).err()?;
        let text = payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| payload.downcast_ref::<&str>().map(|&text| text.to_owned()));
        Some(text.unwrap_or_default())
    }

    /// Fails unless a check says exactly that; an empty text: nothing.
    #[track_caller]
    pub(crate) fn says(expected: &str, check: impl FnOnce()) {
        assert_eq!(said(check).unwrap_or_default(), expected);
    }
}
