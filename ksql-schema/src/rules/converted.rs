//! Types KSQL has not, where another holds every value: in relaxed mode a column of such a type is a warning and works.
//!
//! Asked by the derive, before a type is refused; what is written is checked where it is read.

use crate::types::Type;

/// The code of the warning.
pub const CODE: &str = "K0204";

/// What holds every value of a Rust type that is no column, and the warning's text and help.
pub fn converted(name: &str) -> Option<(Type<'static>, [String; 2])> {
    let (ty, ksql, instead) = match name {
        "char" => (Type::String, "a `STRING`", "String"),
        "i8" | "u8" | "u16" => (Type::Int32, "an `INTEGER`", "i32"),
        "u32" => (Type::Int64, "a `BIGINT`", "i64"),
        _ => return None,
    };
    let (message, help) = if name == "char" {
        (
            format!(
                "KSQL has no `char`: the column is {ksql}, and reading one of any other length than 1 is an error"
            ),
            format!("write `{instead}`, with `#[max_length(1)]` if it matters"),
        )
    } else {
        (
            format!(
                "KSQL has no `{name}`: the column is {ksql}, and reading what does not fit `{name}` is an error"
            ),
            format!("write `{instead}`, which holds every `{name}`"),
        )
    };
    Some((ty, [message, help]))
}
