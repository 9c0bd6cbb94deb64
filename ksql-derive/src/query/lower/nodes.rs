//! Nodes: each expression's entry in the query's one array, and the checks of what may be wrong with it.
//!
//! Invariant: an expression is typed once, wherever it stands; a check stands in a constant of its own, whose error points at the
//! whole expression and nothing else.

use std::collections::HashMap;

use ksql_schema::names;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::super::signature::Signature;
use super::super::steps::Query;
use super::super::tree::{Expr, Kind, Pseudo, Tree};
use super::calls::parameter_key;
use super::tokens::{arith, check_at, columns, compare, entry, hash, local, named};
use crate::errors::Place;
use crate::parse::args::plain;

/// The array while it grows.
pub(crate) struct Nodes<'q> {
    pub(super) query: &'q Query,
    signature: &'q Signature,
    list: Vec<TokenStream>,
    /// The node of each way to make one.
    made: HashMap<String, usize>,
    /// The node of each expression.
    pub(super) known: HashMap<String, usize>,
    checks: Vec<TokenStream>,
    /// Constants that the array is made with.
    records: Vec<TokenStream>,
}

/// An entry.
pub(crate) type Node = usize;

impl<'q> Nodes<'q> {
    pub(crate) fn new(query: &'q Query, signature: &'q Signature) -> Self {
        Self {
            query,
            signature,
            list: Vec::new(),
            made: HashMap::new(),
            known: HashMap::new(),
            checks: Vec::new(),
            records: Vec::new(),
        }
    }

    /// The array and the checks.
    pub(crate) fn tokens(&self) -> TokenStream {
        let lets = self.list.iter().enumerate().map(|(index, make)| {
            let name = local(index);
            quote!(let #name = #make;)
        });
        let names = (0..self.list.len()).map(local);
        let length = self.list.len();
        let (checks, records) = (&self.checks, &self.records);
        quote! {
            #(#records)*
            const __N: [__k::s::Node; #length] = { #(#lets)* [#(#names),*] };
            #(#checks)*
        }
    }

    /// A check at a place. In a constant of its own a panic is one error; parentheses alone carry the place.
    pub(crate) fn check(&mut self, place: Place, check: &TokenStream, arguments: TokenStream) {
        self.checks.push(check_at(place, check, arguments));
    }

    /// Something beside the checks.
    pub(super) fn say(&mut self, tokens: TokenStream) {
        self.checks.push(tokens);
    }

    /// How much was said: a number for what is said next.
    pub(super) fn said(&self) -> usize {
        self.checks.len()
    }

    /// How many `explode`s the query has.
    pub(super) fn explodes(&self) -> usize {
        self.query.exploded.len()
    }

    /// The number of an `explode`.
    pub(super) fn exploded(&self, identity: &str) -> usize {
        let all = &self.query.exploded;
        all.iter()
            .position(|one| one.identity == identity)
            .unwrap_or_default()
    }

    pub(super) fn push(&mut self, make: TokenStream) -> Node {
        let text = make.to_string();
        if let Some(known) = self.made.get(&text) {
            return *known;
        }
        self.list.push(make);
        let _ = self.made.insert(text, self.list.len() - 1);
        self.list.len() - 1
    }

    /// The entry of an expression that was typed.
    pub(crate) fn of(&self, expr: &Expr) -> Node {
        self.known.get(&expr.identity).copied().unwrap_or_default()
    }

    /// The entry of what a function's argument is converted to.
    pub(crate) fn parameter(&self, call: &Expr, index: usize) -> Option<Node> {
        self.known.get(&parameter_key(call, index)).copied()
    }

    /// The same of an aggregate's.
    pub(crate) fn aggregate_parameter(&self, aggregate: usize, index: usize) -> Option<Node> {
        self.known
            .get(&format!("parameter {aggregate} {index}"))
            .copied()
    }

    /// What an accumulator keeps the values of.
    pub(crate) fn kept(&self, aggregate: usize) -> Node {
        self.known
            .get(&format!("kept {aggregate}"))
            .copied()
            .unwrap_or_default()
    }

    /// The same of the structs that a ranking makes.
    pub(crate) fn ranked(&self, aggregate: usize) -> Node {
        self.known
            .get(&format!("ranked {aggregate}"))
            .copied()
            .unwrap_or_default()
    }

    /// Types an expression and everything in it.
    pub(crate) fn type_of(&mut self, expr: &Expr) -> Node {
        if let Some(known) = self.known.get(&expr.identity) {
            return *known;
        }
        let make = self.make(expr);
        let node = self.push(make);
        let _ = self.known.insert(expr.identity.clone(), node);
        node
    }

    fn make(&mut self, expr: &Expr) -> TokenStream {
        let place = expr.place;
        match &expr.kind {
            Kind::Column {
                input,
                field,
                optional,
                ..
            } => {
                let (columns, hash) = (columns(*input), hash(field));
                let entity = format_ident!("__E{input}");
                let outer = optional.then(|| quote!(.outer()));
                quote!(__k::s::column::column(#columns, #entity.name, #hash)#outer)
            }
            Kind::Field(of, field) => {
                let ((of, node), hash) = (self.pair(of), hash(field));
                let name = plain(&field.to_string());
                self.check(
                    place,
                    &quote!(__k::s::check::check_field),
                    quote!(#node, #hash, #name),
                );
                quote!(__k::s::column::field(#of, #hash))
            }
            Kind::Pseudo(Pseudo::Partition) => plain_node(&quote!(Integer)),
            Kind::Pseudo(_) | Kind::Bound(_) | Kind::Long(_) | Kind::Moment(..) => {
                plain_node(&quote!(Bigint))
            }
            Kind::Integer(value) => quote!(__k::s::literal::integer(#value)),
            Kind::Double(_) => quote!(__k::s::literal::double()),
            Kind::Decimal(digits) => quote!(__k::s::literal::decimal(#digits)),
            Kind::Text(_) => quote!(__k::s::literal::string()),
            Kind::Boolean(_) => quote!(__k::s::literal::boolean()),
            Kind::Null => quote!(__k::s::literal::null()),
            Kind::Parameter(index) => self.value_from_outside(*index),
            Kind::Negate(of) => {
                let (of, node) = self.pair(of);
                self.check(place, &quote!(__k::s::check::check_negate), quote!(#node));
                quote!(__k::s::arith::negate(#of))
            }
            Kind::Not(of) => {
                let (of, node) = self.pair(of);
                self.check(place, &quote!(__k::s::check::check_not), quote!(#node));
                quote!(__k::s::logic::not(#of))
            }
            Kind::Arith(op, left, right) => {
                let ((left, one), (right, other)) = (self.pair(left), self.pair(right));
                let op = arith(*op);
                self.check(
                    place,
                    &quote!(__k::s::check::check_arith),
                    quote!(#op, #one, #other),
                );
                quote!(__k::s::arith::arith(#op, #left, #right))
            }
            Kind::Compare(op, left, right) => {
                self.moments(left, [right]);
                self.moments(right, [left]);
                let ((left, one), (right, other)) = (self.pair(left), self.pair(right));
                let op = compare(*op);
                self.check(
                    place,
                    &quote!(__k::s::check::check_compare),
                    quote!(#op, #one, #other),
                );
                quote!(__k::s::compare::compare(#op, #left, #right))
            }
            Kind::And(left, right) | Kind::Or(left, right) => {
                let ((left, one), (right, other)) = (self.pair(left), self.pair(right));
                let word = if matches!(expr.kind, Kind::And(..)) {
                    "&&"
                } else {
                    "||"
                };
                self.check(
                    place,
                    &quote!(__k::s::check::check_logic),
                    quote!(#word, #one, #other),
                );
                quote!(__k::s::logic::both(#left, #right))
            }
            Kind::Between(value, from, to) => {
                self.moments(value, [from, to]);
                let ((value, one), (from, two), (to, three)) =
                    (self.pair(value), self.pair(from), self.pair(to));
                self.check(
                    place,
                    &quote!(__k::s::check::check_between),
                    quote!(#one, #two, #three),
                );
                quote!(__k::s::compare::between(#value, #from, #to))
            }
            Kind::In(value, list) => {
                self.moments(value, list);
                let (value, one) = self.pair(value);
                let (list, nodes): (Vec<_>, Vec<_>) =
                    list.iter().map(|item| self.pair(item)).unzip();
                self.check(
                    place,
                    &quote!(__k::s::check::check_in),
                    quote!(#one, &[#(#nodes),*]),
                );
                quote!(__k::s::compare::is_in(#value, &[#(#list),*]))
            }
            Kind::Like(text, pattern, _) => {
                let ((text, one), (pattern, other)) = (self.pair(text), self.pair(pattern));
                self.check(
                    place,
                    &quote!(__k::s::check::check_like),
                    quote!(#one, #other),
                );
                quote!(__k::s::compare::like(#text, #pattern))
            }
            Kind::Case {
                word,
                condition,
                then,
                otherwise,
            } => {
                let at = condition.place;
                let (condition, asked) = self.pair(condition);
                self.check(
                    at,
                    &quote!(__k::s::check::check_condition),
                    quote!(#word, #asked),
                );
                let ((then, one), (otherwise, other)) = (self.pair(then), self.pair(otherwise));
                self.check(
                    place,
                    &quote!(__k::s::check::check_case),
                    quote!(#word, #one, #other),
                );
                quote!(__k::s::case::case(#condition, #then, #otherwise))
            }
            Kind::Call {
                function,
                arguments,
                ..
            } => self.call(expr, *function, arguments),
            Kind::Cast(of, to) => {
                let (of, node) = self.pair(of);
                let to = to.tokens();
                self.check(
                    place,
                    &quote!(__k::s::check::check_cast),
                    quote!(#node, #to),
                );
                quote!(__k::s::cast::cast(#of, #to))
            }
            Kind::Element(of, index) => {
                let ((of, one), (index, other)) = (self.pair(of), self.pair(index));
                self.check(
                    place,
                    &quote!(__k::s::check::check_element),
                    quote!(#one, #other),
                );
                quote!(__k::s::functions::element(#of, #index))
            }
            Kind::Entry(of, key) => {
                let ((of, one), (key, other)) = (self.pair(of), self.pair(key));
                self.check(
                    place,
                    &quote!(__k::s::check::check_entry),
                    quote!(#one, #other),
                );
                quote!(__k::s::functions::entry(#of, #key))
            }
            Kind::Present(of) => {
                let of = self.local(of);
                quote!(#of.not_null())
            }
            Kind::Assigned(row, field, of) => {
                let of = self.local(of);
                let (columns, hash) = (format_ident!("__M{row}"), names::hash(field));
                quote!(__k::s::column::assigned(#columns, #hash, #of))
            }
            Kind::Key(index) => {
                let part = self
                    .query
                    .group
                    .as_ref()
                    .and_then(|group| group.parts.get(*index))
                    .map(|part| part.tree.clone());
                match part {
                    Some(part) => {
                        let of = self.local(&part);
                        quote!(#of.key())
                    }
                    None => quote!(__k::s::Node::UNKNOWN),
                }
            }
            Kind::Aggregate(index) => self.aggregated(*index),
            Kind::List(_)
            | Kind::Entries(..)
            | Kind::Record(..)
            | Kind::Each(_)
            | Kind::Variable(_)
            | Kind::Explode(..)
            | Kind::Broken => match self.collected(expr) {
                Some(node) => node,
                None => quote!(__k::s::Node::UNKNOWN),
            },
        }
    }

    /// The local that holds an expression's node while the array is made.
    fn local(&mut self, tree: &Tree) -> proc_macro2::Ident {
        local(self.type_of(tree))
    }

    /// The same, and how checks name it.
    pub(super) fn pair(&mut self, tree: &Tree) -> (proc_macro2::Ident, TokenStream) {
        let node = self.type_of(tree);
        (local(node), entry(node))
    }

    fn value_from_outside(&mut self, index: usize) -> TokenStream {
        let Some(parameter) = self.signature.parameters.get(index) else {
            return quote!(__k::s::Node::UNKNOWN);
        };
        let name = plain(&parameter.name.to_string());
        let ty = super::parameter_type(parameter);
        quote! {
            __k::s::literal::parameter(__k::s::Sql::of(&<#ty as __k::Param>::TYPE), #name, <#ty as __k::Param>::OPTIONAL)
        }
    }

    fn aggregated(&mut self, index: usize) -> TokenStream {
        let Some(aggregated) = self.query.aggregates.get(index) else {
            return quote!(__k::s::Node::UNKNOWN);
        };
        let query = self.query;
        let (locals, nodes): (Vec<_>, Vec<_>) = query
            .aggregates
            .get(index)
            .map(|aggregated| aggregated.arguments.as_slice())
            .unwrap_or_default()
            .iter()
            .map(|argument| self.pair(argument))
            .unzip();
        let function = named(aggregated.function);
        let name = quote!(__k::s::Aggregate::#function);
        let place = aggregated.place;
        self.check(
            place,
            &quote!(__k::s::check::check_aggregate),
            quote!(#name, &[#(#nodes),*]),
        );
        let table = super::reads_table(self.signature, self.query);
        if table && !aggregated.function.spec().undo {
            self.check(
                place,
                &quote!(__k::s::check::check_table_aggregate),
                quote!(#name, true),
            );
        }
        if !aggregated.function.spec().native {
            self.check(
                place,
                &quote!(__k::s::check::check_native_aggregate),
                quote!(#name),
            );
        }
        for position in 0..locals.len() {
            if aggregated.function == ksql_schema::query::Aggregate::Correlation {
                let why = locals.get(position);
                let node = self.push(quote! {
                    __k::s::Node::new(__k::s::aggregates::parameter(#name, &[#(#locals),*], #position), #why.why)
                });
                let _ = self
                    .known
                    .insert(format!("parameter {index} {position}"), node);
            }
        }
        let own = if aggregated.function == ksql_schema::query::Aggregate::TopKWith {
            let row = self.ranked_row(index, &locals);
            let of = local(row);
            self.push(quote!(__k::s::aggregates::ranked(&[#(#locals),*], #of)))
        } else {
            self.push(quote!(__k::s::aggregates::aggregate(#name, &[#(#locals),*])))
        };
        if let Some(first) = locals.first() {
            let own_local = local(own);
            let kept = if aggregated.function == ksql_schema::query::Aggregate::SumList {
                self.push(quote!(#own_local))
            } else {
                self.push(
                    quote!(if #own_local.is_unknown() { __k::s::Node::UNKNOWN } else { #first }),
                )
            };
            let _ = self.known.insert(format!("kept {index}"), kept);
            if stores(aggregated.function) {
                let entry = entry(kept);
                self.check(
                    place,
                    &quote!(__k::s::check::check_stored),
                    quote!(#name, #entry),
                );
            }
        }
        let own = local(own);
        quote!(#own)
    }

    /// The type of a ranking's structs. A type that is made of others has its place in memory, a constant of its own; the nodes it
    /// is made of stand there once more, for an array cannot be read while it is made.
    fn ranked_row(&mut self, index: usize, locals: &[proc_macro2::Ident]) -> Node {
        let lets = self.list.iter().enumerate().map(|(index, make)| {
            let name = local(index);
            quote!(let #name = #make;)
        });
        let (nodes, fields, record) = (
            format_ident!("__RN{index}"),
            format_ident!("__RF{index}"),
            format_ident!("__R{index}"),
        );
        let length = locals.len();
        let made = (0..length).map(|position| {
            let position = proc_macro2::Literal::usize_unsuffixed(position);
            quote!(__k::s::aggregates::ranked_field(&#nodes[#position], #position))
        });
        self.records.push(quote! {
            const #nodes: [__k::s::Node; #length] = { #(#lets)* [#(#locals),*] };
            const #fields: &[__k::s::aggregates::Field<'static>] = &[#(#made),*];
            const #record: &__k::s::aggregates::Struct<'static> = &__k::s::aggregates::Struct { name: "", fields: #fields };
        });
        let node = self.push(quote! {
            __k::s::Node::new(__k::s::Sql::Struct(#record), __k::s::Why::Never)
        });
        let _ = self.known.insert(format!("ranked {index}"), node);
        node
    }
}

/// Whether an aggregate keeps values it has seen.
pub(crate) fn stores(aggregate: ksql_schema::query::Aggregate) -> bool {
    use ksql_schema::query::Aggregate as A;
    !matches!(
        aggregate,
        A::Count | A::CountOf | A::Correlation | A::Histogram | A::CountDistinct
    )
}

fn plain_node(ty: &TokenStream) -> TokenStream {
    quote!(__k::s::Node::new(__k::s::Sql::#ty, __k::s::Why::Never))
}
