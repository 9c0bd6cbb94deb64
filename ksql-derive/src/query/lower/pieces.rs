//! The statement's text, in the pieces that a constant joins: what is known here as words, the rest by names.

use ksql_schema::names;
use ksql_schema::query::functions::{Slot, slots};
use ksql_schema::query::plan::JoinKind;
use ksql_schema::query::{Aggregate, Function, literal_text};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::super::join;
use super::super::signature::Signature;
use super::super::steps::{Keys, Query};
use super::super::tree::{Expr, Kind, Pseudo, Tree};
use super::nodes::Nodes;
use super::tokens::{columns, entry, hash, named};
use crate::parse::args::plain;

/// Pieces in order; words that meet are one.
#[derive(Default)]
pub(super) struct Pieces {
    list: Vec<TokenStream>,
    words: String,
}

impl Pieces {
    pub(super) fn text(&mut self, text: &str) {
        self.words.push_str(text);
    }

    pub(super) fn piece(&mut self, piece: TokenStream) {
        self.flush();
        self.list.push(piece);
    }

    fn flush(&mut self) {
        if !self.words.is_empty() {
            let text = std::mem::take(&mut self.words);
            self.list.push(quote!(__k::s::Piece::Text(#text)));
        }
    }

    pub(super) fn done(mut self) -> Vec<TokenStream> {
        self.flush();
        self.list
    }
}

/// Writes expressions.
pub(crate) struct Writer<'q> {
    query: &'q Query,
    signature: &'q Signature,
    nodes: &'q Nodes<'q>,
}

impl<'q> Writer<'q> {
    pub(crate) fn new(query: &'q Query, signature: &'q Signature, nodes: &'q Nodes<'q>) -> Self {
        Self {
            query,
            signature,
            nodes,
        }
    }

    pub(super) fn nodes(&self) -> &Nodes<'q> {
        self.nodes
    }

    /// The input whose columns there are.
    pub(super) fn input(&self) -> usize {
        self.query.input
    }

    /// The pieces of the whole statement.
    pub(crate) fn statement(&self) -> TokenStream {
        let mut out = Pieces::default();
        let input = format_ident!("__E{}", self.query.input);
        self.beginning(&input, &mut out);
        let key = self.row_key();
        let items = self.query.made.fields.iter().map(|(field, tree)| {
            let pieces = match &key {
                Some(equal) if equal.contains(&tree.meaning()) => {
                    vec![quote!(__k::s::Piece::Text("ROWKEY"))]
                }
                _ => self.assigned(field, tree),
            };
            let hash = hash(field);
            quote!((#hash, &[#(#pieces),*]))
        });
        out.piece(quote!(__k::s::Piece::Select(__P, &[#(#items),*])));
        out.text(" FROM ");
        out.piece(quote!(__k::s::Piece::Input(#input, __O)));
        out.text(" ");
        self.joins(&mut out);
        if self.query.group.is_some() {
            out.piece(quote!(__k::s::Piece::Window(__O)));
        }
        self.conditions("WHERE ", &self.query.filters, &mut out);
        self.keys("GROUP BY ", self.query.group.as_ref(), &mut out);
        self.keys("PARTITION BY ", self.query.partition.as_ref(), &mut out);
        self.conditions("HAVING ", &self.query.having, &mut out);
        out.text("EMIT CHANGES;");
        let pieces = out.done();
        quote!(&[#(#pieces),*])
    }

    /// What the statement does to its output. A query that inserts has an id, its name, by which a server refuses to run it twice.
    fn beginning(&self, input: &proc_macro2::Ident, out: &mut Pieces) {
        if let Some(id) = &self.query.insert {
            out.text("INSERT INTO ");
            out.piece(quote!(__k::s::Piece::Source(__O)));
            out.text(" WITH (QUERY_ID='");
            out.text(id);
            out.text("') SELECT ");
            return;
        }
        out.text(match self.query.kind {
            ksql_schema::Kind::Stream => "CREATE STREAM IF NOT EXISTS ",
            ksql_schema::Kind::Table => "CREATE TABLE IF NOT EXISTS ",
        });
        out.piece(quote!(__k::s::Piece::Source(__O)));
        out.text(" ");
        out.piece(quote!(__k::s::Piece::With(__O, #input)));
        out.text(" AS SELECT ");
    }

    /// What an input is called in the statement: as its author calls it.
    fn alias(&self, input: usize) -> String {
        let name = self
            .signature
            .inputs
            .get(input)
            .map(|input| plain(&input.name.to_string()));
        names::quoted(&names::upper(&name.unwrap_or_default()))
    }

    fn joins(&self, out: &mut Pieces) {
        let joins = &self.query.joins;
        if joins.is_empty() {
            return;
        }
        out.text(&self.alias(self.query.input));
        out.text(" ");
        for join in joins {
            out.text(match join.kind {
                JoinKind::Inner => "JOIN ",
                JoinKind::Left => "LEFT JOIN ",
                JoinKind::Right => "RIGHT JOIN ",
                JoinKind::Full => "FULL JOIN ",
            });
            let source = format_ident!("__E{}", join.input);
            out.piece(quote!(__k::s::Piece::Input(#source, __O)));
            out.text(" ");
            out.text(&self.alias(join.input));
            out.text(" ");
            if let Some((before, after)) = join.within {
                let text = |millis: i64| ksql_schema::ddl::duration(millis.unsigned_abs());
                if before == after {
                    out.text(&format!("WITHIN {} ", text(before)));
                } else {
                    out.text(&format!("WITHIN ({}, {}) ", text(before), text(after)));
                }
                if let Some(grace) = join.written_grace() {
                    out.text(&format!("GRACE PERIOD {} ", text(grace)));
                }
            }
            out.text("ON ");
            self.binary(&join.left, " = ", &join.right, out);
            out.text(" ");
        }
    }

    /// What stands for the key that ksqlDB makes of its own, where it does.
    fn row_key(&self) -> Option<Vec<String>> {
        let plainly = self.query.group.is_none() && self.query.partition.is_none();
        (plainly && join::is_synthetic(&self.query.joins))
            .then(|| join::equal_to_key(&self.query.joins))
    }

    /// The pieces of one condition alone.
    pub(crate) fn condition(&self, condition: &Expr) -> TokenStream {
        let mut out = Pieces::default();
        self.expr(condition, &mut out);
        let pieces = out.done();
        quote!(&[#(#pieces),*])
    }

    fn conditions(&self, word: &str, conditions: &[Tree], out: &mut Pieces) {
        for (index, condition) in conditions.iter().enumerate() {
            out.text(if index == 0 { word } else { "AND " });
            self.expr(condition, out);
            out.text(" ");
        }
    }

    fn keys(&self, word: &str, keys: Option<&Keys>, out: &mut Pieces) {
        let Some(keys) = keys else {
            return;
        };
        out.text(word);
        for (index, part) in keys.parts.iter().enumerate() {
            out.text(if index == 0 { "" } else { ", " });
            self.expr(&part.tree, out);
        }
        out.text(" ");
    }

    /// What is selected into a field of the output, converted where its type is another.
    fn assigned(&self, field: &proc_macro2::Ident, tree: &Expr) -> Vec<TokenStream> {
        let mut out = Pieces::default();
        if matches!(tree.kind, Kind::Bound(_)) {
            self.expr(tree, &mut out);
            return out.done();
        }
        let (node, hash) = (entry(self.nodes.of(tree)), hash(field));
        let to = quote!(__k::s::column::type_of(__P, #hash));
        out.piece(quote!(__k::s::Piece::Open(#node.ty, #to)));
        self.expr(tree, &mut out);
        out.piece(quote!(__k::s::Piece::Close(#node.ty, #to)));
        out.done()
    }

    pub(super) fn converted(&self, tree: &Expr, to: &TokenStream, out: &mut Pieces) {
        let from = entry(self.nodes.of(tree));
        out.piece(quote!(__k::s::Piece::Open(#from.ty, #to)));
        self.expr(tree, out);
        out.piece(quote!(__k::s::Piece::Close(#from.ty, #to)));
    }

    fn binary(&self, left: &Expr, op: &str, right: &Expr, out: &mut Pieces) {
        out.text("(");
        self.expr(left, out);
        out.text(op);
        self.expr(right, out);
        out.text(")");
    }

    pub(super) fn expr(&self, expr: &Expr, out: &mut Pieces) {
        match &expr.kind {
            Kind::Column { input, field, .. } => {
                let (columns, hash) = (columns(*input), hash(field));
                // A pull query compares a window's bound as it is; in a statement it is of the field's type.
                let typed = self.signature.output.is_some();
                if typed {
                    out.piece(quote!(__k::s::Piece::OpenBound(#columns, #hash)));
                }
                if !self.query.joins.is_empty() {
                    out.text(&self.alias(*input));
                    out.text(".");
                }
                out.piece(quote!(__k::s::Piece::Column(#columns, #hash)));
                if typed {
                    out.piece(quote!(__k::s::Piece::CloseBound(#columns, #hash)));
                }
            }
            Kind::Field(of, field) => {
                self.expr(of, out);
                out.text("->`");
                let (node, hash) = (entry(self.nodes.of(of)), hash(field));
                out.piece(quote!(__k::s::Piece::Text(__k::s::column::field_name(#node, #hash))));
                out.text("`");
            }
            Kind::Pseudo(pseudo) => out.text(match pseudo {
                Pseudo::Time => "ROWTIME",
                Pseudo::Partition => "ROWPARTITION",
                Pseudo::Offset => "ROWOFFSET",
            }),
            Kind::Bound(bound) => out.text(match bound {
                super::super::tree::Bound::Start => "WINDOWSTART",
                super::super::tree::Bound::End => "WINDOWEND",
            }),
            Kind::Integer(value) => out.text(&literal_text::number(*value)),
            Kind::Long(value) => out.text(&literal_text::bigint(*value)),
            Kind::Double(value) => out.text(&literal_text::double(*value).unwrap_or_default()),
            Kind::Decimal(digits) => out.text(&literal_text::decimal(digits).unwrap_or_default()),
            Kind::Text(text) | Kind::Moment(text, _) => out.text(&literal_text::string(text)),
            Kind::Boolean(value) => out.text(&literal_text::boolean(*value)),
            Kind::Null => out.text("NULL"),
            Kind::Parameter(index) => {
                if let Some(parameter) = self.signature.parameters.get(*index) {
                    let name = plain(&parameter.name.to_string());
                    out.piece(quote!(__k::s::Piece::Hole(#name)));
                }
            }
            Kind::Negate(of) => {
                out.text("(-");
                self.expr(of, out);
                out.text(")");
            }
            Kind::Not(of) => {
                out.text("(NOT ");
                self.expr(of, out);
                out.text(")");
            }
            Kind::Arith(op, left, right) => {
                self.binary(left, &format!(" {} ", op.symbol()), right, out);
            }
            Kind::Compare(op, left, right) => {
                self.binary(left, &format!(" {} ", op.ksql()), right, out);
            }
            Kind::And(left, right) => self.binary(left, " AND ", right, out),
            Kind::Or(left, right) => self.binary(left, " OR ", right, out),
            Kind::Between(value, from, to) => {
                out.text("(");
                self.expr(value, out);
                out.text(" BETWEEN ");
                self.expr(from, out);
                out.text(" AND ");
                self.expr(to, out);
                out.text(")");
            }
            Kind::In(value, list) => {
                out.text("(");
                self.expr(value, out);
                out.text(" IN (");
                for (index, item) in list.iter().enumerate() {
                    out.text(if index == 0 { "" } else { ", " });
                    self.expr(item, out);
                }
                out.text("))");
            }
            Kind::Like(text, pattern, escape) => {
                out.text("(");
                self.expr(text, out);
                out.text(" LIKE ");
                self.expr(pattern, out);
                if let Some(escape) = escape {
                    out.text(" ESCAPE ");
                    out.text(&literal_text::string(&escape.to_string()));
                }
                out.text(")");
            }
            Kind::Case { .. } => self.case(expr, out),
            Kind::Call {
                function,
                arguments,
                unit,
            } => self.call(expr, *function, arguments, *unit, out),
            Kind::Cast(of, to) => {
                let to = to.tokens();
                self.converted(of, &to, out);
            }
            Kind::Element(of, at) | Kind::Entry(of, at) => {
                self.expr(of, out);
                out.text("[");
                self.expr(at, out);
                out.text("]");
            }
            Kind::Present(of) => self.expr(of, out),
            Kind::Assigned(row, field, of) => {
                let (columns, hash) = (format_ident!("__M{row}"), names::hash(field));
                let to = quote!(__k::s::column::type_of(#columns, #hash));
                self.converted(of, &to, out);
            }
            Kind::Key(index) => {
                if let Some(part) = self
                    .query
                    .group
                    .as_ref()
                    .and_then(|group| group.parts.get(*index))
                {
                    self.expr(&part.tree, out);
                }
            }
            Kind::Aggregate(index) => self.aggregate(*index, out),
            Kind::List(_)
            | Kind::Entries(..)
            | Kind::Record(..)
            | Kind::Each(_)
            | Kind::Variable(_)
            | Kind::Explode(..) => self.collected(expr, out),
            Kind::Broken => {}
        }
    }

    /// An `else` that is one more `if` of the same word is one more WHEN.
    fn case(&self, expr: &Expr, out: &mut Pieces) {
        let node = entry(self.nodes.of(expr));
        let ty = quote!(#node.ty);
        out.text("(CASE");
        let mut at = expr;
        loop {
            match &at.kind {
                Kind::Case {
                    condition,
                    then,
                    otherwise,
                    ..
                } => {
                    out.text(" WHEN ");
                    self.expr(condition, out);
                    out.text(" THEN ");
                    self.converted(then, &ty, out);
                    at = otherwise;
                }
                _ => {
                    out.text(" ELSE ");
                    self.converted(at, &ty, out);
                    break;
                }
            }
        }
        out.text(" END)");
    }

    fn call(
        &self,
        call: &Expr,
        function: Function,
        arguments: &[Tree],
        unit: Option<&str>,
        out: &mut Pieces,
    ) {
        let name = named(function);
        let first = arguments.first().map(|first| entry(self.nodes.of(first)));
        for slot in slots(function) {
            match slot {
                Slot::Text(text) => out.text(text),
                Slot::Argument(index) => self.argument(call, arguments, index, out),
                Slot::Rest(from) => {
                    for index in from..arguments.len() {
                        out.text(", ");
                        self.argument(call, arguments, index, out);
                    }
                }
                Slot::Name => {
                    out.piece(quote!(__k::s::Piece::Name(__k::s::Function::#name, #first.ty)))
                }
                Slot::Tail => {
                    out.piece(quote!(__k::s::Piece::Tail(__k::s::Function::#name, #first.ty)))
                }
                Slot::Unit => out.text(unit.unwrap_or_default()),
            }
        }
    }

    fn argument(&self, call: &Expr, arguments: &[Tree], index: usize, out: &mut Pieces) {
        let Some(argument) = arguments.get(index) else {
            return;
        };
        match self.nodes.parameter(call, index) {
            Some(to) => {
                let to = entry(to);
                self.converted(argument, &quote!(#to.ty), out);
            }
            None => self.expr(argument, out),
        }
    }

    fn aggregate(&self, index: usize, out: &mut Pieces) {
        let Some(aggregated) = self.query.aggregates.get(index) else {
            return;
        };
        out.text(aggregated.function.spec().ksql);
        out.text("(");
        if aggregated.function == Aggregate::Count {
            out.text("*");
        }
        for (position, argument) in aggregated.arguments.iter().enumerate() {
            out.text(if position == 0 { "" } else { ", " });
            match self.nodes.aggregate_parameter(index, position) {
                Some(to) => {
                    let to = entry(to);
                    self.converted(argument, &quote!(#to.ty), out);
                }
                None => self.expr(argument, out),
            }
        }
        if let Some(count) = aggregated.count {
            out.text(&format!(", {count}"));
        }
        out.text(aggregated.function.tail());
        out.text(")");
    }
}
