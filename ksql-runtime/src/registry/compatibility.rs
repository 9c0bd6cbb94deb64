//! Whether what one Avro schema wrote can be read with another, and if not, which field and which rule forbid it.

use std::fmt;

/// Who cannot read whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The new schema cannot read what the old one wrote.
    Backward,
    /// The old schema cannot read what the new one writes.
    Forward,
}

/// The rule a schema breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// The reader has a field the writer does not know, and no default for it.
    MissingDefault,
    /// The reader's type cannot hold the writer's.
    Type,
    /// Record, enum or fixed have different names.
    Name,
    /// The writer has an enum symbol the reader does not know, and no default for it.
    MissingSymbol,
    /// The writer's union has a branch the reader cannot hold.
    MissingBranch,
    /// Fixed types differ in size.
    Size,
    /// Decimals whose digits would be lost.
    Decimal,
    /// The same type with another meaning.
    LogicalType,
}

/// One reason why one schema cannot read another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field, by its path from the root; empty for the root itself.
    pub field: String,
    /// The rule.
    pub rule: Rule,
    /// Who cannot read whom.
    pub direction: Direction,
    /// The whole story.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
