//! Types that values are converted to, behind `as` and in `parse::<..>`.

use ksql_schema::query::Sql;
use syn::{Expr as Syntax, GenericArgument, PathArguments, Type};

use super::expression::Reader;
use crate::errors::Place;
use crate::parse::args::plain;
use crate::types::tidy;

impl Reader<'_> {
    /// The type behind `as` and in `parse::<..>`.
    pub(crate) fn cast_type(&mut self, ty: &Type) -> Option<Sql> {
        let place = Place::of(ty);
        let Type::Path(path) = ty else {
            self.no_type(
                ty,
                place,
                "write one of `i32`, `i64`, `f64`, `Decimal<18, 4>`, `String`, `bool`",
            );
            return None;
        };
        let last = path.path.segments.last()?;
        let sql = match plain(&last.ident.to_string()).as_str() {
            "i32" => Sql::Integer,
            "i64" => Sql::Bigint,
            "f64" => Sql::Double,
            "bool" => Sql::Boolean,
            "String" => Sql::String,
            "NaiveDate" => Sql::Date,
            "NaiveTime" => Sql::Time,
            "DateTime" => Sql::Timestamp,
            "Decimal" | "Dec" => return self.decimal_type(&last.arguments, place),
            "i8" | "u8" | "i16" | "u16" => {
                self.no_type(ty, place, "write `i32`");
                return None;
            }
            "u32" | "u64" | "usize" | "isize" | "i128" | "u128" => {
                self.no_type(
                    ty,
                    place,
                    "write `i64`, or `Decimal<20, 0>` where values above it occur",
                );
                return None;
            }
            "f32" => {
                self.no_type(ty, place, "write `f64`");
                return None;
            }
            "str" | "char" => {
                self.no_type(ty, place, "write `String`");
                return None;
            }
            _ => {
                self.no_type(
                    ty,
                    place,
                    "write one of `i32`, `i64`, `f64`, `Decimal<18, 4>`, `String`, `bool`, `NaiveDate`, `NaiveTime`, `DateTime<Utc>`",
                );
                return None;
            }
        };
        Some(sql)
    }

    fn no_type(&mut self, ty: &Type, place: Place, help: &str) {
        self.error(
            place,
            format!("nothing can be converted to `{}` in KSQL", tidy(ty)),
            help,
        );
    }

    fn decimal_type(&mut self, arguments: &PathArguments, place: Place) -> Option<Sql> {
        let numbers: Vec<u32> = match arguments {
            PathArguments::AngleBracketed(arguments) => arguments
                .args
                .iter()
                .filter_map(|argument| match argument {
                    GenericArgument::Const(Syntax::Lit(lit)) => match &lit.lit {
                        syn::Lit::Int(int) => int.base10_parse().ok(),
                        _ => None,
                    },
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        };
        match numbers.as_slice() {
            [precision, scale] => Some(Sql::Decimal {
                precision: *precision,
                scale: *scale,
            }),
            _ => {
                self.error(
                    place,
                    "a decimal's type states all its digits and those after the point",
                    "write `Decimal<18, 4>`",
                );
                None
            }
        }
    }
}
