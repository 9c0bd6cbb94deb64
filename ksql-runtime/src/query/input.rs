//! What a query reads: the rows of one entity, or rows of several that were joined.
//!
//! Invariant: a joined row has a place for each input, in the order in which they are joined; the place is empty where an outer
//! join found nothing. So whoever joins never needs to know what an input is.

use crate::codec::DecodeError;
use crate::entity::Entity;

/// What a query's functions are given rows of.
pub trait Input: 'static {
    /// A row, borrowed.
    type Row<'a>: Copy;
}

impl<T: Entity> Input for T {
    type Row<'a> = <T as Entity>::Row<'a>;
}

/// Several entities that a query joins: a tuple of them.
pub trait Inputs: Input {
    /// Shows each to a visitor, in order.
    fn visit<V: Visit>(visitor: &mut V);

    /// The row of these parts: one an input, in order; a missing one is empty.
    ///
    /// # Errors
    /// Where the bytes of a part are no row of its entity.
    fn row<'a>(parts: &Parts<'a>) -> Result<Self::Row<'a>, DecodeError>;
}

/// Who is shown the inputs of a join.
pub trait Visit {
    /// The next one.
    fn input<T: Entity>(&mut self);
}

/// The parts of a joined row, while it is put together. Keys are made first and lent afterwards, so that rows can borrow them.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// Of each input its key, of the type of its entity, and the value's body in the entity's own form.
    pub parts: &'a [Option<Part<'a>>],
}

/// A part of a joined row.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// The key, of the entity's key type.
    pub key: &'a (dyn std::any::Any + Send),
    /// The value's body in the entity's own form.
    pub body: &'a [u8],
}

impl<'a> Parts<'a> {
    /// The row of one input.
    ///
    /// # Errors
    /// As [`Inputs::row`].
    #[inline]
    pub fn one<T: Entity>(
        &self,
        index: usize,
    ) -> Result<Option<<T as Entity>::Row<'a>>, DecodeError> {
        let Some(part) = self.parts.get(index).copied().flatten() else {
            return Ok(None);
        };
        let Some(key) = part.key.downcast_ref::<T::Key>() else {
            return Ok(None);
        };
        T::decode_row(key, part.body).map(Some)
    }
}

macro_rules! inputs {
    ($($name:ident $index:tt),*) => {
        impl<$($name: Entity),*> Input for ($($name,)*) {
            type Row<'a> = ($(Option<<$name as Entity>::Row<'a>>,)*);
        }

        impl<$($name: Entity),*> Inputs for ($($name,)*) {
            fn visit<Visitor: Visit>(visitor: &mut Visitor) {
                $(visitor.input::<$name>();)*
            }

            #[inline]
            fn row<'a>(parts: &Parts<'a>) -> Result<<Self as Input>::Row<'a>, DecodeError> {
                Ok(($(parts.one::<$name>($index)?,)*))
            }
        }
    };
}

inputs!(A 0, B 1);
inputs!(A 0, B 1, C 2);
inputs!(A 0, B 1, C 2, D 3);
inputs!(A 0, B 1, C 2, D 3, E 4);
inputs!(A 0, B 1, C 2, D 3, E 4, F 5);
