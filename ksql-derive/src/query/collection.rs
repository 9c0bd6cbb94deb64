//! Arrays, maps and structs: made of what is written, and their elements.

use ksql_schema::query::Arith;
use proc_macro2::Ident;
use syn::punctuated::Punctuated;
use syn::{Expr as Syntax, ExprCall, ExprStruct, Member, Token};

use super::expression::Reader;
use super::tree::{Expr, Kind, Tree};
use crate::errors::Place;
use crate::parse::args::plain;

impl Reader<'_> {
    /// `[a, b]`
    pub(super) fn list(&mut self, items: &Punctuated<Syntax, Token![,]>, place: Place) -> Tree {
        if items.is_empty() {
            return self.broken(
                place,
                "an array of no elements has no type in KSQL",
                "write at least one element, or `None` for no array",
            );
        }
        let items = items.iter().map(|item| self.read(item)).collect();
        Expr::new(Kind::List(items), place)
    }

    /// `vec![a, b]`
    pub(super) fn vec(&mut self, call: &syn::Macro, place: Place) -> Tree {
        match call.parse_body_with(Punctuated::<Syntax, Token![,]>::parse_terminated) {
            Ok(items) => self.list(&items, place),
            Err(_) => self.broken(
                place,
                "an array is written element by element",
                "write `vec![a, b]`",
            ),
        }
    }

    /// `HashMap::from([(key, value), ..])`; nothing where the call is another.
    pub(super) fn map_of(&mut self, call: &ExprCall) -> Option<Tree> {
        let Syntax::Path(path) = &*call.func else {
            return None;
        };
        let mut words = path.path.segments.iter().rev();
        let from = words.next().is_some_and(|last| last.ident == "from");
        let map = words
            .next()
            .is_some_and(|of| of.ident == "HashMap" || of.ident == "BTreeMap");
        if !from || !map {
            return None;
        }
        let place = Place::of(call);
        let help = "write its entries: `HashMap::from([(\"key\", r.a), (r.name, r.b)])`";
        let Some(Syntax::Array(list)) = call.args.first() else {
            return Some(self.broken(place, "a map is written entry by entry", help));
        };
        if list.elems.is_empty() {
            return Some(self.broken(
                place,
                "a map of no entries has no type in KSQL",
                "write at least one entry, or `None` for no map",
            ));
        }
        let mut entries = Vec::new();
        for item in &list.elems {
            let mut item = item;
            while let Syntax::Paren(inner) = item {
                item = &inner.expr;
            }
            match item {
                Syntax::Tuple(pair) if pair.elems.len() == 2 => {
                    let mut both = pair.elems.iter().map(|one| self.read(one));
                    if let (Some(key), Some(value)) = (both.next(), both.next()) {
                        entries.push((key, value));
                    }
                }
                other => {
                    self.error(Place::of(other), "an entry is a key and a value", help);
                }
            }
        }
        let mut map = path.path.clone();
        let _ = map.segments.pop();
        map.segments.pop_punct();
        if let Some(last) = map.segments.last_mut() {
            last.arguments = syn::PathArguments::None;
        }
        Some(Expr::new(Kind::Entries(map, entries), place))
    }

    /// `Address { street: r.street, .. }`
    pub(super) fn record(&mut self, literal: &ExprStruct) -> Tree {
        let place = Place::of(literal);
        if let Some(rest) = &literal.dot2_token {
            return self.broken(
                Place::of(rest),
                "every field of a struct is said",
                "write the fields one by one: `street: r.street`",
            );
        }
        let mut fields: Vec<(Ident, Tree)> = Vec::new();
        for field in &literal.fields {
            let Member::Named(ident) = &field.member else {
                return self.broken(
                    Place::of(field),
                    "the fields of a struct have names",
                    "write `street: r.street`",
                );
            };
            let name = plain(&ident.to_string());
            if fields
                .iter()
                .any(|(known, _)| plain(&known.to_string()) == name)
            {
                return self.broken(
                    Place::of(ident),
                    format!("the field `{name}` stands here twice"),
                    "remove one of them",
                );
            }
            let tree = self.read(&field.expr);
            fields.push((ident.clone(), tree));
        }
        Expr::new(Kind::Record(literal.path.clone(), fields), place)
    }

    /// `a[0]` and `m["key"]`
    pub(super) fn index(&mut self, index: &syn::ExprIndex) -> Tree {
        let place = Place::of(index);
        if let Syntax::Range(_) = &*index.index {
            return self.broken(
                Place::of(&index.index),
                "parts are taken by functions",
                "of a text write `.substring(1, 3)`, of an array `.slice(1, 3)`: the first is 1",
            );
        }
        let of = self.read(&index.expr);
        let at = self.read(&index.index);
        match at.kind {
            Kind::Text(_) => Expr::new(Kind::Entry(of, at), place),
            Kind::Integer(value) if value < 0 => self.broken(
                Place::of(&index.index),
                "an index cannot be negative",
                "the first element is `[0]`, the last `.last()`",
            ),
            Kind::Integer(value) => {
                let at = Expr::new(Kind::Integer(value.saturating_add(1)), at.place);
                Expr::new(Kind::Element(of, at), place)
            }
            _ => {
                let one = Expr::new(Kind::Integer(1), at.place);
                let at_place = at.place;
                let at = Expr::new(Kind::Arith(Arith::Add, at, one), at_place);
                Expr::new(Kind::Element(of, at), place)
            }
        }
    }
}
