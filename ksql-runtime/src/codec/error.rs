//! What goes wrong between a value and its bytes.
//!
//! Both errors are one pointer wide: they travel through code that runs for every field of every record.

use std::fmt;

/// A value that cannot be written: too long, too many digits, out of range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defect(Box<Inner>);

/// Bytes that are no value of the type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    path: String,
    message: String,
}

macro_rules! common {
    ($name:ident) => {
        impl $name {
            /// An error with a text, not yet at a field.
            #[cold]
            pub fn new(message: impl Into<String>) -> Self {
                Self(Box::new(Inner {
                    path: String::new(),
                    message: message.into(),
                }))
            }

            /// The same error inside a field.
            #[cold]
            #[must_use]
            pub fn at(mut self, field: &str) -> Self {
                self.0.path = if self.0.path.is_empty() {
                    field.to_owned()
                } else {
                    format!("{field}.{}", self.0.path)
                };
                self
            }

            /// The path of fields to the wrong value; empty where no field is to blame.
            pub fn path(&self) -> &str {
                &self.0.path
            }

            /// What is wrong, without the path.
            pub fn message(&self) -> &str {
                &self.0.message
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                if self.0.path.is_empty() {
                    formatter.write_str(&self.0.message)
                } else {
                    write!(formatter, "field `{}`: {}", self.0.path, self.0.message)
                }
            }
        }

        impl std::error::Error for $name {}
    };
}

common!(Defect);
common!(DecodeError);

impl DecodeError {
    /// The input ended inside a value.
    #[cold]
    pub(crate) fn short() -> Self {
        Self::new("the input ends inside a value")
    }
}
