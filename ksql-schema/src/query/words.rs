//! Types in ksqlDB's words, and reasons in ours.

use super::node::{Sql, Why};
use crate::ddl;
use crate::text::Sink;

/// Writes a type as KSQL does.
pub const fn push_type(ty: Sql, sink: &mut Sink<'_>) {
    match ty {
        Sql::Unknown | Sql::Null => sink.push("NULL"),
        Sql::Boolean => sink.push("BOOLEAN"),
        Sql::Integer => sink.push("INTEGER"),
        Sql::Bigint => sink.push("BIGINT"),
        Sql::Double => sink.push("DOUBLE"),
        Sql::Decimal { precision, scale } => {
            sink.push("DECIMAL(");
            sink.push_number(precision as i64);
            sink.push(", ");
            sink.push_number(scale as i64);
            sink.byte(b')');
        }
        Sql::String => sink.push("STRING"),
        Sql::Bytes => sink.push("BYTES"),
        Sql::Date => sink.push("DATE"),
        Sql::Time => sink.push("TIME"),
        Sql::Timestamp => sink.push("TIMESTAMP"),
        Sql::Array(elem) => {
            sink.push("ARRAY<");
            push_type(elem.ty(), sink);
            sink.byte(b'>');
        }
        Sql::Map(elem) => {
            sink.push("MAP<STRING, ");
            push_type(elem.ty(), sink);
            sink.byte(b'>');
        }
        Sql::Struct(record) => ddl::render_type(crate::types::Type::Struct(record), sink),
    }
}

/// Writes the Rust type a user writes behind `as` for a type, or nothing where there is none.
pub const fn push_rust(ty: Sql, sink: &mut Sink<'_>) {
    match ty {
        Sql::Integer => sink.push("i32"),
        Sql::Bigint => sink.push("i64"),
        Sql::Double => sink.push("f64"),
        Sql::Decimal { precision, scale } => {
            sink.push("Decimal<");
            sink.push_number(precision as i64);
            sink.push(", ");
            sink.push_number(scale as i64);
            sink.byte(b'>');
        }
        _ => {}
    }
}

/// Writes why a value can be NULL, as half a sentence.
pub const fn push_why(why: Why, sink: &mut Sink<'_>) {
    match why {
        Why::Never => sink.push("it cannot"),
        Why::Null => sink.push("a `None` is written"),
        Why::Column(entity, field) => {
            sink.push("it reads a column that is an `Option` (`");
            sink.push(entity);
            sink.byte(b'.');
            sink.push(field);
            sink.push("`)");
        }
        Why::Division => sink.push("a division is NULL when the divisor is zero"),
        Why::DecimalDivision => sink.push(
            "a division is NULL when the divisor is zero, and a decimal division also when the result is not exact",
        ),
        Why::OuterJoin => sink.push("the row on this side of the outer join may be missing"),
        Why::Function(name) => {
            sink.byte(b'`');
            sink.push(name);
            sink.push("` is NULL where it has no result");
        }
        Why::Aggregate(name) => {
            sink.byte(b'`');
            sink.push(name);
            sink.push("` is NULL while all it has seen is NULL");
        }
        Why::Cast => sink.push("a conversion is NULL where the value does not fit"),
        Why::Element => sink.push("an element is NULL where there is none"),
        Why::Padded => sink.push("`explode` is NULL where the array of another one is longer"),
        Why::Case => sink.push("the condition of an `if` can be NULL, and then so is the `if`"),
        Why::Parameter(name) => {
            sink.push("the parameter `");
            sink.push(name);
            sink.push("` is an `Option`");
        }
    }
}

/// A rendered text as a `String`, at run time.
pub fn text(render: impl Fn(&mut Sink<'_>)) -> String {
    let mut sink = Sink::new(&mut []);
    render(&mut sink);
    let mut out = vec![0; sink.len()];
    render(&mut Sink::new(&mut out));
    String::from_utf8_lossy(&out).into_owned()
}

/// A type's text at run time.
pub fn sql_text(ty: Sql) -> String {
    text(|sink| push_type(ty, sink))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::node::Elem;

    #[test]
    fn types_are_written_as_the_definition_writes_them() {
        let deep = Sql::Map(Elem::new(
            Sql::Array(Elem::new(
                Sql::Decimal {
                    precision: 9,
                    scale: 2,
                },
                true,
            )),
            true,
        ));
        assert_eq!(sql_text(deep), "MAP<STRING, ARRAY<DECIMAL(9, 2)>>");
        assert_eq!(sql_text(Sql::Timestamp), "TIMESTAMP");
    }
}
