//! Arrays, maps, structs and functions of each element: their nodes and checks, their text, their native code.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use super::super::tree::{Each, EachOf, Expr, Kind, Lambda, Role, Tree, Variable};
use super::calls::caught;
use super::native::Native;
use super::nodes::{Node, Nodes};
use super::pieces::{Pieces, Writer};
use super::tokens::{columns, entry, hash};
use crate::errors::Place;
use crate::parse::args::plain;

/// What the elements of an array, or the values of a map, are converted to.
fn elements_key(expr: &Expr) -> String {
    format!("elements of {}", expr.identity)
}

/// What the value of a struct's field is converted to.
fn member_key(expr: &Expr, field: &Ident) -> String {
    format!("member {} of {}", hash(field), expr.identity)
}

/// Whether an expression may fail, but is never NULL by itself: an operator needs a value of each side.
fn fails_only(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Arith(..)
        | Kind::Negate(_)
        | Kind::Compare(..)
        | Kind::Not(_)
        | Kind::And(..)
        | Kind::Or(..)
        | Kind::Between(..)
        | Kind::In(..)
        | Kind::Like(..)
        | Kind::Integer(_)
        | Kind::Long(_)
        | Kind::Double(_)
        | Kind::Decimal(_)
        | Kind::Text(_)
        | Kind::Boolean(_) => true,
        Kind::Variable(variable) => variable.role == Role::State,
        Kind::Case {
            then, otherwise, ..
        } => fails_only(then) && fails_only(otherwise),
        _ => false,
    }
}

/// The local of what a closure is given.
fn variable(variable: &Variable) -> Ident {
    format_ident!("__v{}", variable.depth)
}

impl Nodes<'_> {
    /// The node of one of these; nothing of another expression.
    pub(super) fn collected(&mut self, expr: &Expr) -> Option<TokenStream> {
        let place = expr.place;
        Some(match &expr.kind {
            Kind::List(items) => {
                let (locals, nodes): (Vec<_>, Vec<_>) =
                    items.iter().map(|item| self.pair(item)).unzip();
                self.check(
                    place,
                    &quote!(__k::s::check::check_together),
                    quote!("the elements of an array", &[#(#nodes),*]),
                );
                self.elements(expr, quote!(__k::s::collection::list(&[#(#locals),*])))
            }
            Kind::Entries(map, entries) => {
                // The name is one of Rust's, and an import of it is used.
                let name = format_ident!("__Map{}", self.said());
                self.say(quote!(type #name = #map<(), ()>;));
                let mut keys = Vec::new();
                let mut values = Vec::new();
                let mut nodes = Vec::new();
                for (key, value) in entries {
                    let (local, node) = self.pair(key);
                    self.check(
                        key.place,
                        &quote!(__k::s::check::check_map_key),
                        quote!(#node),
                    );
                    keys.push(local);
                    let (local, node) = self.pair(value);
                    values.push(local);
                    nodes.push(node);
                }
                self.check(
                    place,
                    &quote!(__k::s::check::check_together),
                    quote!("the values of a map", &[#(#nodes),*]),
                );
                self.elements(
                    expr,
                    quote!(__k::s::collection::map(&[#(#keys),*], &[#(#values),*])),
                )
            }
            Kind::Record(path, fields) => self.record(expr, path, fields),
            Kind::Each(each) => self.each(expr, each),
            Kind::Variable(variable) => {
                let (of, _) = self.pair(&variable.of);
                match variable.role {
                    Role::Element => quote!(__k::s::lambda::element(#of)),
                    Role::Key => quote!(__k::s::lambda::key(#of)),
                    Role::Value => quote!(__k::s::lambda::value(#of)),
                    Role::State => quote!(__k::s::lambda::state(#of)),
                }
            }
            Kind::Explode(cube, of) => {
                let name = if *cube { "cube_explode" } else { "explode" };
                let (of, node) = self.pair(of);
                self.check(
                    place,
                    &quote!(__k::s::check::check_explode),
                    quote!(#name, #node),
                );
                let padded = self.explodes() > 1;
                quote!(__k::s::functions::explode(#of, #cube, #padded))
            }
            _ => return None,
        })
    }

    /// The node of a collection, and that of what is in it.
    fn elements(&mut self, expr: &Expr, make: TokenStream) -> TokenStream {
        let own = super::tokens::local(self.push(make));
        let element = self.push(quote!(#own.element()));
        let _ = self.known.insert(elements_key(expr), element);
        quote!(#own)
    }

    fn record(&mut self, expr: &Expr, path: &syn::Path, fields: &[(Ident, Tree)]) -> TokenStream {
        let place = Place::of(path);
        let value = quote_spanned!(place.first=> __k::Value);
        let name = path
            .segments
            .last()
            .map(|last| plain(&last.ident.to_string()))
            .unwrap_or_default();
        let own = self.push(quote!(__k::s::collection::record(&<#path as #value>::TYPE)));
        let (record, node) = (super::tokens::local(own), entry(own));
        self.check(
            place,
            &quote!(__k::s::check::check_record),
            quote!(#node, #name),
        );
        for (field, tree) in fields {
            let (_, given) = self.pair(tree);
            let hash = hash(field);
            // Of a call alone `.unwrap_or(..)` helps.
            let given = if caught(tree) {
                quote!(#given.lenient())
            } else {
                given
            };
            self.check(
                tree.place,
                &quote!(__k::s::check::check_member),
                quote!(#node, #hash, #given),
            );
            let member = self.push(quote!(__k::s::column::field(#record, #hash)));
            let _ = self.known.insert(member_key(expr, field), member);
        }
        // What is missing or not known is said as of any struct.
        let names = fields.iter().map(|(field, _)| field);
        let function = format_ident!("__record{}", self.said());
        self.say(quote! {
            fn #function() -> #path {
                #path { #(#names: __k::never()),* }
            }
        });
        quote!(#record)
    }

    fn each(&mut self, expr: &Expr, each: &Each) -> TokenStream {
        let name = each.function.name();
        let (of, node) = self.pair(&each.of);
        let of = if caught(&each.of) {
            quote!(#of.lenient())
        } else {
            quote!(#of)
        };
        let states = usize::from(each.start.is_some());
        let variables = each
            .lambdas
            .first()
            .map_or(0, |lambda| lambda.variables.len().saturating_sub(states));
        self.check(
            expr.place,
            &quote!(__k::s::check::check_each),
            quote!(#name, #node, #variables),
        );
        match (each.function, each.start.as_ref(), each.lambdas.as_slice()) {
            (EachOf::Transform, _, [lambda]) => {
                let (body, node) = self.pair(&lambda.body);
                self.check(
                    lambda.body.place,
                    &quote!(__k::s::check::check_transformed),
                    quote!(#node),
                );
                quote!(__k::s::lambda::transform(#of, #body))
            }
            (EachOf::Transform, _, [keys, values]) => {
                let (key, node) = self.pair(&keys.body);
                let lenient = quote!(#node.plain());
                self.check(
                    keys.body.place,
                    &quote!(__k::s::check::check_map_key),
                    quote!(if #node.fails { #lenient.not_null() } else { #node }),
                );
                let (value, node) = self.pair(&values.body);
                self.check(
                    values.body.place,
                    &quote!(__k::s::check::check_map_value),
                    quote!(#node),
                );
                quote!(__k::s::lambda::transform_map(#of, #key, #value))
            }
            (EachOf::Filter, _, [lambda]) => {
                let (body, node) = self.pair(&lambda.body);
                self.check(
                    lambda.body.place,
                    &quote!(__k::s::check::check_condition),
                    quote!("filter", #node),
                );
                quote!(__k::s::lambda::filter(#of, #body))
            }
            (EachOf::Reduce, Some(start), [lambda]) => {
                let ((start, begins), (body, gives)) = (self.pair(start), self.pair(&lambda.body));
                let operator = fails_only(&lambda.body);
                self.check(
                    lambda.body.place,
                    &quote!(__k::s::check::check_reduce),
                    quote!(#begins, #gives, #operator),
                );
                quote!(__k::s::lambda::reduce(#of, #start, #body))
            }
            _ => quote!(__k::s::Node::UNKNOWN),
        }
    }

    fn known_of(&self, key: &str) -> Node {
        self.known.get(key).copied().unwrap_or_default()
    }
}

impl Native<'_> {
    /// The value of one of these as an operand; nothing of another expression.
    pub(super) fn collected(&self, expr: &Expr) -> Option<TokenStream> {
        Some(match &expr.kind {
            Kind::List(items) => {
                let to = self.nodes().known_of(&elements_key(expr));
                let items = items.iter().map(|item| self.inside(item, to));
                quote!(__k::collections::array(__scratch, &[#(#items),*]))
            }
            Kind::Entries(_, entries) => {
                let to = self.nodes().known_of(&elements_key(expr));
                let entries = entries.iter().map(|(key, value)| {
                    let (key, value) = (self.any(key), self.inside(value, to));
                    quote!((#key, #value))
                });
                quote!(__k::collections::map(__scratch, &[#(#entries),*]))
            }
            Kind::Record(_, fields) => {
                let ty = entry(self.nodes().of(expr));
                let fields = fields.iter().map(|(field, value)| {
                    let to = self.nodes().known_of(&member_key(expr, field));
                    let name = ksql_schema::names::upper(&plain(&field.to_string()));
                    let value = self.inside(value, to);
                    quote!((#name, #value))
                });
                quote!(__k::collections::record(__scratch, #ty.ty, &[#(#fields),*]))
            }
            Kind::Each(each) => {
                let ty = self.own(expr);
                let made = self.each(each);
                quote!(__k::give::<#ty, _>(__scratch, #made))
            }
            Kind::Variable(of) => {
                let name = variable(of);
                quote!(#name)
            }
            Kind::Explode(..) => {
                let index = self.nodes().exploded(&expr.identity);
                let ty = self.own(expr);
                quote!(__k::give::<#ty, _>(__scratch, __at.exploded(#index)))
            }
            _ => return None,
        })
    }

    /// A value in a collection: of the type of all of them, and a NULL where it fails.
    fn inside(&self, expr: &Expr, to: Node) -> TokenStream {
        let value = self.converted(expr, to);
        quote!(__k::lenient(__k::any(__scratch, #value)))
    }

    fn lambda(&self, lambda: &Lambda) -> TokenStream {
        let names = lambda.variables.iter().map(|one| variable(one));
        let body = self.any(&lambda.body);
        quote!(|#(#names),*| #body)
    }

    fn each(&self, each: &Each) -> TokenStream {
        let of = self.any(&each.of);
        let of = if caught(&each.of) {
            quote!(__k::lenient(#of))
        } else {
            of
        };
        match (each.function, each.start.as_ref(), each.lambdas.as_slice()) {
            (EachOf::Transform, _, [lambda]) => {
                let lambda = self.lambda(lambda);
                quote!(__k::lambda::transform(__scratch, #of, #lambda))
            }
            (EachOf::Transform, _, [keys, values]) => {
                let (keys, values) = (self.lambda(keys), self.lambda(values));
                quote!(__k::lambda::transform_map(__scratch, #of, #keys, #values))
            }
            (EachOf::Filter, _, [lambda]) => {
                let name = match lambda.variables.len() {
                    1 => quote!(filter),
                    _ => quote!(filter_map),
                };
                let lambda = self.lambda(lambda);
                quote!(__k::lambda::#name(__scratch, #of, #lambda))
            }
            (EachOf::Reduce, Some(start), [lambda]) => {
                let name = match lambda.variables.len() {
                    2 => quote!(reduce),
                    _ => quote!(reduce_map),
                };
                let value = self.any(start);
                let start = if caught(start) {
                    quote!(__k::lenient(#value))
                } else {
                    value
                };
                let lambda = self.lambda(lambda);
                quote!(__k::lambda::#name(__scratch, #of, #start, #lambda))
            }
            _ => quote!(__k::Any::Failed),
        }
    }

    /// The arrays whose elements become rows.
    pub(crate) fn arrays<'e>(
        &self,
        exploded: impl Iterator<Item = (&'e Expr, bool)>,
    ) -> TokenStream {
        let arrays = exploded.map(|(of, cube)| {
            let of = self.any(of);
            let name = if cube {
                quote!(cube_explode)
            } else {
                quote!(explode)
            };
            quote!(__k::collections::#name(__scratch, __k::lenient(#of)))
        });
        quote!([#(#arrays),*])
    }
}

impl Writer<'_> {
    /// Writes one of these.
    pub(super) fn collected(&self, expr: &Expr, out: &mut Pieces) {
        match &expr.kind {
            Kind::List(items) => {
                let to = self.type_of_known(&elements_key(expr));
                out.text("ARRAY[");
                for (index, item) in items.iter().enumerate() {
                    out.text(if index == 0 { "" } else { ", " });
                    self.converted(item, &to, out);
                }
                out.text("]");
            }
            Kind::Entries(_, entries) => {
                let to = self.type_of_known(&elements_key(expr));
                out.text("MAP(");
                for (index, (key, value)) in entries.iter().enumerate() {
                    out.text(if index == 0 { "" } else { ", " });
                    self.expr(key, out);
                    out.text(" := ");
                    self.converted(value, &to, out);
                }
                out.text(")");
            }
            Kind::Record(_, fields) => {
                let ty = entry(self.nodes().of(expr));
                let fields = fields.iter().map(|(field, value)| {
                    let to = self.type_of_known(&member_key(expr, field));
                    let mut inner = Pieces::default();
                    self.converted(value, &to, &mut inner);
                    let (hash, pieces) = (hash(field), inner.done());
                    quote!((#hash, &[#(#pieces),*]))
                });
                out.piece(quote!(__k::s::Piece::Record(#ty.ty, &[#(#fields),*])));
            }
            Kind::Each(each) => {
                out.text(match each.function {
                    EachOf::Transform => "TRANSFORM(",
                    EachOf::Filter => "FILTER(",
                    EachOf::Reduce => "REDUCE(",
                });
                self.expr(&each.of, out);
                if let Some(start) = &each.start {
                    out.text(", ");
                    self.expr(start, out);
                }
                for lambda in &each.lambdas {
                    out.text(", ");
                    self.lambda(lambda, out);
                }
                out.text(")");
            }
            Kind::Variable(variable) => self.variable(variable, out),
            Kind::Explode(cube, of) => {
                out.text(if *cube { "CUBE_EXPLODE(" } else { "EXPLODE(" });
                self.expr(of, out);
                out.text(")");
            }
            _ => {}
        }
    }

    fn variable(&self, variable: &Variable, out: &mut Pieces) {
        let (columns, name) = (columns(self.input()), &variable.name);
        out.piece(quote!(__k::s::Piece::Variable(#columns, #name)));
    }

    fn lambda(&self, lambda: &Lambda, out: &mut Pieces) {
        let several = lambda.variables.len() > 1;
        out.text(if several { "(" } else { "" });
        for (index, variable) in lambda.variables.iter().enumerate() {
            out.text(if index == 0 { "" } else { ", " });
            self.variable(variable, out);
        }
        out.text(if several { ") => " } else { " => " });
        self.expr(&lambda.body, out);
    }

    fn type_of_known(&self, key: &str) -> TokenStream {
        let node = entry(self.nodes().known_of(key));
        quote!(#node.ty)
    }
}
