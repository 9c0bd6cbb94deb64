//! What a rule says when it is broken: a stable code, a severity, a place and a text.
//!
//! The derive maps a [`Locus`] to a span; the model check prints it with the entity's name.
//! Messages are lower case, without a full stop, name the wrong thing in back quotes and say
//! what to write instead.

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The stable code, `K0101`-like; `docs/errors.md` lists cause and cure.
    pub code: &'static str,
    /// Error or warning, by the entity's mode.
    pub severity: Severity,
    /// Where the smallest wrong thing stands.
    pub locus: Locus,
    /// A second place, for conflicts of two parties, with its own text.
    pub related: Option<(Locus, String)>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// Does not compile.
    Error,
    /// Compiles with a compiler warning.
    Warning,
}

/// A place in an entity's definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Locus {
    /// The struct's name.
    Entity,
    /// An attribute of the struct, or one of its keys: `("topic", "")`, `("topic", "retention")`, `("window", "advance")`.
    Attribute(&'static str, &'static str),
    /// A field's name.
    FieldName(usize),
    /// A field's type.
    FieldType(usize),
    /// An attribute of a field: `(index, "decimal_precision")`. The span is the attribute's value where it has one.
    FieldAttribute(usize, &'static str),
}
