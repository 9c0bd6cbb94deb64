//! The kind of item: checked first and reported alone, since nothing else about a wrong item is worth saying.

use syn::{Data, DeriveInput, Fields};

use crate::errors::{Errors, Place};

/// The named fields of a struct without generics, or an error. `derive` is the macro's name for messages.
pub(crate) fn named_fields<'a>(
    input: &'a DeriveInput,
    derive: &str,
    errors: &mut Errors,
) -> Option<&'a Fields> {
    let ident = &input.ident;
    let shape = format!("write `struct {ident} {{ .. }}` with one named field for each column");
    let fields = match &input.data {
        Data::Struct(data) => &data.fields,
        Data::Enum(data) => {
            let help = if derive == "Struct" {
                "an enum of unit variants is a string: write `#[derive(Enum)]`".to_owned()
            } else {
                shape
            };
            errors.push(
                Place::of(&data.enum_token).to(Place::of(ident)),
                format!("`#[derive({derive})]` is for structs: the enum `{ident}` has no columns"),
                help,
            );
            return None;
        }
        Data::Union(data) => {
            errors.push(
                Place::of(&data.union_token).to(Place::of(ident)),
                format!("`#[derive({derive})]` is for structs: a union has no columns"),
                shape,
            );
            return None;
        }
    };
    match fields {
        Fields::Named(_) => {}
        Fields::Unnamed(unnamed) => {
            errors.push(
                Place::of(unnamed),
                format!("`{ident}` is a tuple struct: columns need names"),
                shape,
            );
            return None;
        }
        Fields::Unit => {
            errors.push(
                Place::of(ident),
                format!("`{ident}` has no fields, so it has no columns"),
                shape,
            );
            return None;
        }
    }
    no_generics(input, derive, errors).then_some(fields)
}

/// Whether the item has no generic parameters; reports them otherwise.
pub(crate) fn no_generics(input: &DeriveInput, derive: &str, errors: &mut Errors) -> bool {
    let generics = &input.generics;
    if generics.params.is_empty() && generics.where_clause.is_none() {
        return true;
    }
    let place = match &generics.where_clause {
        Some(clause) if generics.params.is_empty() => Place::of(clause),
        _ => Place::of(&generics.params),
    };
    errors.push(
        place,
        format!("`#[derive({derive})]` cannot stand on the generic type `{}`: its schema would not be one text", input.ident),
        "write one struct for each schema, with concrete types",
    );
    false
}
