//! A condition on the rows of an entity, said once: native code for rows at hand, KSQL text for a pull query.
//!
//! `ksql!` makes one. Invariant: both say the same; a condition that fails, or is `NULL`, does not hold.

use std::fmt;
use std::marker::PhantomData;

use ksql_schema::query::holes;

use super::{ParameterError, Row, Scratch};
use crate::entity::Entity;

/// Whether a row is wanted: a closure over rows, or what `ksql!` makes.
pub trait Condition<T: Entity> {
    /// Whether it holds for a row; what is made on the way lies in `scratch`.
    fn holds<'a>(&'a self, scratch: &'a Scratch, row: Row<'a, T>) -> bool;
}

impl<T: Entity, F: for<'a> Fn(Row<'a, T>) -> bool> Condition<T> for F {
    #[inline]
    fn holds<'a>(&'a self, _scratch: &'a Scratch, row: Row<'a, T>) -> bool {
        self(row)
    }
}

/// A condition that `ksql!` made of a closure.
pub struct Predicate<T, C> {
    condition: C,
    ksql: Result<String, ParameterError>,
    entity: PhantomData<fn() -> T>,
}

impl<T: Entity, C: Condition<T>> Predicate<T, C> {
    /// Whether it holds for an entity.
    pub fn matches(&self, entity: &T) -> bool {
        // Takes no memory before a function makes a text.
        let scratch = Scratch::new();
        self.condition.holds(&scratch, entity.row())
    }
}

impl<T: Entity, C: Condition<T>> Condition<T> for Predicate<T, C> {
    #[inline]
    fn holds<'a>(&'a self, scratch: &'a Scratch, row: Row<'a, T>) -> bool {
        self.condition.holds(scratch, row)
    }
}

impl<T, C> Predicate<T, C> {
    /// What `ksql!` calls.
    #[doc(hidden)]
    pub fn new(condition: C, ksql: Result<String, ParameterError>) -> Predicate<T, C> {
        Predicate {
            condition,
            ksql,
            entity: PhantomData,
        }
    }

    /// Its text, with values from the program as literals.
    ///
    /// # Errors
    /// Where such a value has no literal: a number that is not finite, a decimal with more digits than its type.
    pub fn ksql(&self) -> Result<&str, ParameterError> {
        self.ksql.as_deref().map_err(Clone::clone)
    }
}

impl<T, C: Clone> Clone for Predicate<T, C> {
    fn clone(&self) -> Self {
        Predicate {
            condition: self.condition.clone(),
            ksql: self.ksql.clone(),
            entity: PhantomData,
        }
    }
}

impl<T, C> fmt::Debug for Predicate<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_tuple("Predicate");
        match &self.ksql {
            Ok(text) => shown.field(text).finish(),
            Err(error) => shown.field(error).finish(),
        }
    }
}

/// The text of a condition with its values; the values' literals by name. What generated code calls.
///
/// # Errors
/// Where a value has no literal.
pub fn condition(
    text: &[&str],
    values: &[(&'static str, Result<String, String>)],
) -> Result<String, ParameterError> {
    let refused = |name: &'static str, defect: &str| ParameterError {
        query: "ksql!",
        name,
        defect: defect.to_owned(),
    };
    let mut literals = Vec::with_capacity(values.len());
    for (name, literal) in values {
        match literal {
            Ok(literal) => literals.push((*name, literal.as_str())),
            Err(defect) => return Err(refused(name, defect)),
        }
    }
    let text = text.first().copied().unwrap_or_default();
    holes::fill(text, &literals).map_err(|hole| refused("", &format!("`:{hole}` has no value")))
}
