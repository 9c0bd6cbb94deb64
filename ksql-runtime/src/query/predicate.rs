//! A condition on the rows of an entity, said once: native code for rows at hand, KSQL text for a pull query.
//!
//! `ksql!` makes one. Invariant: both say the same; a condition that fails, or is `NULL`, does not hold.

use std::fmt;
use std::marker::PhantomData;

use super::{ParameterError, Row, Scratch};
use crate::entity::Entity;

/// A condition that `ksql!` made of a closure.
pub struct Predicate<T, F> {
    keep: F,
    ksql: Result<String, ParameterError>,
    entity: PhantomData<fn() -> T>,
}

impl<T: Entity, F: for<'s, 'a> Fn(&'s Scratch, Row<'a, T>) -> bool> Predicate<T, F> {
    /// What `ksql!` calls.
    #[doc(hidden)]
    pub fn new(keep: F, ksql: Result<String, ParameterError>) -> Predicate<T, F> {
        Predicate {
            keep,
            ksql,
            entity: PhantomData,
        }
    }

    /// Whether it holds for an entity.
    pub fn matches(&self, entity: &T) -> bool {
        self.holds(entity.row())
    }

    /// Whether it holds for a row.
    pub fn holds(&self, row: Row<'_, T>) -> bool {
        // Takes no memory before a function makes a text.
        (self.keep)(&Scratch::new(), row)
    }

    /// The same as a closure, which is what reads of rows take.
    pub fn into_filter(self) -> impl for<'a> Fn(Row<'a, T>) -> bool {
        move |row| self.holds(row)
    }
}

impl<T, F> Predicate<T, F> {
    /// Its text, with values from the program as literals.
    ///
    /// # Errors
    /// Where such a value has no literal: a number that is not finite, a decimal with more digits than its type.
    pub fn ksql(&self) -> Result<&str, ParameterError> {
        self.ksql.as_deref().map_err(Clone::clone)
    }
}

impl<T, F: Clone> Clone for Predicate<T, F> {
    fn clone(&self) -> Self {
        Predicate {
            keep: self.keep.clone(),
            ksql: self.ksql.clone(),
            entity: PhantomData,
        }
    }
}

impl<T, F> fmt::Debug for Predicate<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_tuple("Predicate");
        match &self.ksql {
            Ok(text) => shown.field(text).finish(),
            Err(error) => shown.field(error).finish(),
        }
    }
}
