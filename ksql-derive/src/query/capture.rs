//! Values from around a `ksql!`: which names are some, where they may stand, what is said of their types.
//!
//! Invariant: a value whose type nobody said is compared and nothing else; one whose type was said has it wherever it stands.

use std::collections::BTreeMap;
use std::rc::Rc;

use ksql_schema::query::Sql;
use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::Type;

use super::cast::Target;
use super::signature::Parameter;
use super::tree::{Expr, Kind, Tree};
use crate::errors::{Errors, Place};
use crate::parse::args::plain;

/// What to write for a value from outside that is no plain name.
pub(crate) const OUTSIDE: &str = "give the value a name before: `let limit = ..;`";

/// A name where it is used: errors about it stand there.
pub(crate) fn placed(name: &Ident, place: Place) -> Ident {
    let mut name = name.clone();
    name.set_span(place.first);
    name
}

/// What an expression compares with one another.
pub(crate) fn compared(expr: &Expr) -> Vec<&Tree> {
    match &expr.kind {
        Kind::Compare(_, one, two) | Kind::Like(one, two, _) => vec![one, two],
        Kind::Between(value, from, to) => vec![value, from, to],
        Kind::In(value, list) => std::iter::once(value).chain(list).collect(),
        _ => Vec::new(),
    }
}

/// The captured names that occur, and the types that were said of them.
pub(crate) fn captures(
    tree: &Tree,
    names: &[Ident],
    errors: &mut Errors,
) -> BTreeMap<usize, (Ident, Option<Sql>)> {
    let mut captures: BTreeMap<usize, (Ident, Option<Sql>)> = BTreeMap::new();
    tree.walk(&mut |expr| {
        if let (Kind::Parameter(index), place) = (&expr.kind, expr.place)
            && let Some(name) = names.get(*index)
        {
            // Each use has its own place, and the first one's is that of errors about its type.
            let name = placed(name, place);
            let _ = captures.entry(*index).or_insert((name, None));
        }
    });
    tree.walk(&mut |expr| {
        let Kind::Cast(of, Target::Plain(ty)) = &expr.kind else {
            return;
        };
        let Kind::Parameter(index) = &of.kind else {
            return;
        };
        let Some((name, said)) = captures.get_mut(index) else {
            return;
        };
        match said {
            Some(said) if said != ty => errors.push(
                expr.place,
                format!("two types are said of `{name}`"),
                "give the value of the other type a name of its own before",
            ),
            _ => *said = Some(*ty),
        }
    });
    // Where a value may stand whose type nobody said.
    let mut allowed: Vec<*const Expr> = Vec::new();
    tree.walk(&mut |expr| {
        allowed.extend(compared(expr).into_iter().map(Rc::as_ptr));
    });
    tree.walk(&mut |expr| {
        if let Kind::Field(of, _) = &expr.kind
            && let Kind::Parameter(index) = &of.kind
            && let Some((name, _)) = captures.get(index)
        {
            allowed.push(Rc::as_ptr(of));
            errors.push(
                expr.place,
                format!("`{name}` is a value from around the condition, and its fields are not known here"),
                OUTSIDE,
            );
        }
        if let Kind::Parameter(index) = &expr.kind
            && let Some((name, None)) = captures.get(index)
            && !allowed.contains(&std::ptr::from_ref(expr))
        {
            errors.push(
                expr.place,
                format!("the type of `{name}` is not known here"),
                format!("a value from around the condition is compared as it is; to do more with it, say its type: `({name} as i64)`, `({name} as String)`, .."),
            );
        }
    });
    captures
}

/// A captured value as a parameter: of the type that was said, or of none.
pub(crate) fn parameter(name: &Ident, said: Option<Sql>) -> Parameter {
    let plain = |ty: Type| (ty, None);
    let (ty, size) = match said {
        None => plain(syn::parse_quote!(__k::Held)),
        Some(Sql::Boolean) => plain(syn::parse_quote!(::core::primitive::bool)),
        Some(Sql::Integer) => plain(syn::parse_quote!(::core::primitive::i32)),
        Some(Sql::Bigint) => plain(syn::parse_quote!(::core::primitive::i64)),
        Some(Sql::Double) => plain(syn::parse_quote!(::core::primitive::f64)),
        Some(Sql::Date) => plain(syn::parse_quote!(__k::NaiveDate)),
        Some(Sql::Time) => plain(syn::parse_quote!(__k::NaiveTime)),
        Some(Sql::Timestamp) => plain(syn::parse_quote!(__k::DateTime<__k::Utc>)),
        Some(Sql::Decimal { precision, scale }) => {
            (syn::parse_quote!(__k::Decimal), Some((precision, scale)))
        }
        Some(_) => plain(syn::parse_quote!(::std::string::String)),
    };
    Parameter {
        name: name.clone(),
        ty,
        size,
        inner: None,
    }
}

/// Names that may stand for values from around a closure: those that are no field, no call, no path and no keyword. Which of
/// them do is found by reading.
pub(crate) fn free(tokens: TokenStream, names: &mut Vec<Ident>) {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let punct = |at: Option<usize>, mark: &str| {
        let tree = at.and_then(|at| trees.get(at));
        matches!(tree, Some(TokenTree::Punct(punct)) if mark.contains(punct.as_char()))
    };
    for (at, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Group(group) => free(group.stream(), names),
            TokenTree::Ident(ident) => {
                let before = at.checked_sub(1);
                let range =
                    punct(before, ".") && punct(before.and_then(|at| at.checked_sub(1)), ".");
                let member = punct(before, ".") && !range;
                let path = punct(Some(at + 1), ":") || punct(before, ":");
                let call = matches!(trees.get(at + 1), Some(TokenTree::Group(group)) if group.delimiter() == proc_macro2::Delimiter::Parenthesis)
                    || punct(Some(at + 1), "!") && !punct(Some(at + 2), "=");
                let word = plain(&ident.to_string());
                let known = syn::parse_str::<Ident>(&ident.to_string()).is_err()
                    || matches!(word.as_str(), "None" | "_");
                if !(member || path || call || known || names.iter().any(|name| name == ident)) {
                    names.push(ident.clone());
                }
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;

    #[test]
    fn names_that_may_be_values_are_no_fields_calls_paths_or_words() {
        let table = [
            ("o.amount > limit && o.note != tag", "o limit tag"),
            ("[a, b].contains(&o.x)", "a b o"),
            ("(low..=high).contains(&o.x)", "low high o"),
            ("(low..high).contains(&o.x)", "low high o"),
            ("matches!(o.kind, \"a\") || x != y", "o x y"),
            ("o.kind == Kind::Open || o.kind == self.kind", "o"),
            ("if flag { None } else { dec!(1.5) }", "flag"),
            ("o.x as i64 + r#type", "o i64 r#type"),
            ("most() > limits::MOST", ""),
        ];
        for (text, expected) in table {
            let mut names = Vec::new();
            free(text.parse().unwrap(), &mut names);
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            assert_eq!(names.join(" "), expected, "{text}");
        }
    }
}
