//! First stage: tokens into options with places. Reports everything it cannot read and goes on; judges nothing
//! that needs more than one attribute, except where the model could not hold both.

pub(crate) mod args;
pub(crate) mod entity;
pub(crate) mod field;
pub(crate) mod item;
pub(crate) mod nested;
pub(crate) mod options;
pub(crate) mod read;
mod window;
