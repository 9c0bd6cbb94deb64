//! Types that values are converted to, behind `as` and in `parse::<..>`.

use ksql_schema::query::Sql;
use syn::{Expr as Syntax, GenericArgument, PathArguments, Type};

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote, quote_spanned};

use super::expression::Reader;
use super::lower::sql;
use crate::errors::Place;
use crate::parse::args::plain;
use crate::types::tidy;

/// What a value is converted to.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// What SQL has a name for.
    Plain(Sql),
    /// A collection or a struct, whose type a constant tells.
    Made(TokenStream),
}

impl Target {
    /// Its type in a constant.
    pub(crate) fn tokens(&self) -> TokenStream {
        match self {
            Target::Plain(ty) => sql(*ty),
            Target::Made(tokens) => tokens.clone(),
        }
    }

    /// Equal ones are one.
    pub(crate) fn identity(&self) -> String {
        self.tokens().to_string()
    }
}

/// The types behind the name of one that has some.
fn parameters(arguments: &PathArguments) -> Vec<&Type> {
    match arguments {
        PathArguments::AngleBracketed(arguments) => arguments
            .args
            .iter()
            .filter_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

impl Reader<'_> {
    /// The type behind `as` and in `parse::<..>`.
    pub(crate) fn cast_type(&mut self, ty: &Type) -> Option<Target> {
        if let Type::Path(path) = ty
            && let Some(last) = path.path.segments.last()
        {
            let name = plain(&last.ident.to_string());
            let inner = parameters(&last.arguments);
            let is_byte = |ty: &Type| ty.to_token_stream().to_string() == "u8";
            match (name.as_str(), inner.as_slice()) {
                ("Vec", [byte]) if is_byte(byte) => return Some(Target::Plain(Sql::Bytes)),
                ("Vec", [element]) => {
                    let element = self.element_type(element)?;
                    return Some(Target::Made(quote!(__k::s::Sql::Array(#element))));
                }
                ("HashMap" | "BTreeMap", [key, value]) => {
                    if key.to_token_stream().to_string() != "String" {
                        self.error(
                            Place::of(key),
                            "the keys of a map are texts",
                            format!("write `{name}<String, ..>`"),
                        );
                        return None;
                    }
                    let value = self.element_type(value)?;
                    return Some(Target::Made(quote!(__k::s::Sql::Map(#value))));
                }
                // What has a name of its own is a struct; what is none the compiler tells.
                (name, [])
                    if name.starts_with(char::is_uppercase)
                        && ![
                            "String",
                            "NaiveDate",
                            "NaiveTime",
                            "DateTime",
                            "Decimal",
                            "Dec",
                        ]
                        .contains(&name)
                        && !["Uuid", "Vec", "HashMap", "BTreeMap", "Option", "Self"]
                            .contains(&name) =>
                {
                    let value = quote_spanned!(Place::of(ty).first=> __k::Value);
                    let made = quote!(__k::s::Sql::of(&<#path as #value>::TYPE));
                    return Some(Target::Made(made));
                }
                _ => {}
            }
        }
        self.plain_type(ty).map(Target::Plain)
    }

    /// What an array or a map holds.
    fn element_type(&mut self, ty: &Type) -> Option<TokenStream> {
        let (ty, nullable) = match ty {
            Type::Path(path) => match path.path.segments.last() {
                Some(last) if last.ident == "Option" => {
                    match parameters(&last.arguments).as_slice() {
                        [inner] => (*inner, true),
                        _ => (ty, false),
                    }
                }
                _ => (ty, false),
            },
            _ => (ty, false),
        };
        let ty = self.cast_type(ty)?.tokens();
        Some(quote!(__k::s::Elem::new(#ty, #nullable)))
    }

    fn plain_type(&mut self, ty: &Type) -> Option<Sql> {
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
